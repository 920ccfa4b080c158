/* SPDX-License-Identifier: MIT */
/* Sharing objects as dma-buf files. */
#include "uapi.h"

#include <sys/socket.h>
#include <sys/stat.h>

static int open_dumb(struct dumb *dumb)
{
	int fd = open_card();

	need_prime(fd);
	dumb_create(fd, 100, 60, 32, dumb);
	return fd;
}

static int export(const struct dumb *dumb, uint32_t flags)
{
	int dmabuf;

	EXPECT_OK(prime_export(dumb->fd, dumb->handle, flags, &dmabuf));
	EXPECT(dmabuf >= 0);
	return dmabuf;
}

static void *map_dmabuf(int dmabuf, size_t size, int protection)
{
	void *data = mmap(NULL, size, protection, MAP_SHARED, dmabuf, 0);

	if (data == MAP_FAILED && (errno == EINVAL || errno == ENODEV))
		skip("the driver does not map dma-bufs");
	EXPECT(data != MAP_FAILED);
	return data;
}

static int access_mode(int fd)
{
	return fcntl(fd, F_GETFL) & O_ACCMODE;
}

TEST(export_of_a_bad_handle_is_enoent)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb), dmabuf;

	EXPECT_ERROR(prime_export(fd, 0, 0, &dmabuf), ENOENT);
	EXPECT_ERROR(prime_export(fd, dumb.handle + 1, 0, &dmabuf), ENOENT);
}

TEST(export_with_unknown_flags_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb), dmabuf;

	EXPECT_ERROR(prime_export(fd, dumb.handle, O_NONBLOCK, &dmabuf), EINVAL);
	EXPECT_ERROR(prime_export(fd, dumb.handle, ~0u, &dmabuf), EINVAL);
	/* Flags are looked at before the handle. */
	EXPECT_ERROR(prime_export(fd, 0, O_APPEND, &dmabuf), EINVAL);
}

TEST(export_honours_cloexec)
{
	struct dumb dumb;

	open_dumb(&dumb);
	EXPECT_EQ(fcntl(export(&dumb, DRM_CLOEXEC), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	EXPECT_EQ(fcntl(export(&dumb, 0), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(each_export_gives_a_new_descriptor)
{
	struct dumb dumb;

	open_dumb(&dumb);
	EXPECT(export(&dumb, 0) != export(&dumb, 0));
}

TEST(a_dmabuf_is_read_only_unless_asked_for_rdwr)
{
	struct dumb dumb;
	int dmabuf;

	open_dumb(&dumb);
	dmabuf = export(&dumb, DRM_CLOEXEC);
	EXPECT_EQ(access_mode(dmabuf), O_RDONLY);
	EXPECT(mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0) == MAP_FAILED);
	EXPECT_EQ(errno, EACCES);
}

TEST(a_rdwr_dmabuf_can_be_written)
{
	struct dumb dumb;
	unsigned char *data, *seen;
	int dmabuf;

	open_dumb(&dumb);
	dmabuf = export(&dumb, DRM_CLOEXEC | DRM_RDWR);
	EXPECT_EQ(access_mode(dmabuf), O_RDWR);
	data = map_dmabuf(dmabuf, dumb.size, PROT_READ | PROT_WRITE);
	data[dumb.size - 1] = 0x42;
	seen = dumb_map(&dumb);
	EXPECT_EQ(seen[dumb.size - 1], 0x42);
}

TEST(the_first_export_decides_the_access_of_later_ones)
{
	struct dumb dumb;

	/* The object has one dma-buf file, which all descriptors share. */
	open_dumb(&dumb);
	export(&dumb, DRM_CLOEXEC);
	EXPECT_EQ(access_mode(export(&dumb, DRM_CLOEXEC | DRM_RDWR)), O_RDONLY);
}

TEST(two_exports_are_the_same_file)
{
	struct stat a, b;
	struct dumb dumb;

	open_dumb(&dumb);
	EXPECT_OK(result(fstat(export(&dumb, 0), &a)));
	EXPECT_OK(result(fstat(export(&dumb, 0), &b)));
	EXPECT_EQ(a.st_ino, b.st_ino);
	EXPECT_EQ(a.st_dev, b.st_dev);
}

TEST(different_objects_are_different_files)
{
	struct stat a, b;
	struct dumb first, second;
	int fd = open_dumb(&first);

	dumb_create(fd, 100, 60, 32, &second);
	EXPECT_OK(result(fstat(export(&first, 0), &a)));
	EXPECT_OK(result(fstat(export(&second, 0), &b)));
	EXPECT(a.st_ino != b.st_ino || a.st_dev != b.st_dev);
}

TEST(lseek_tells_the_size_of_a_dmabuf)
{
	struct dumb dumb;
	int dmabuf;

	open_dumb(&dumb);
	dmabuf = export(&dumb, 0);
	EXPECT_EQ(lseek(dmabuf, 0, SEEK_END), dumb.size);
	EXPECT_EQ(lseek(dmabuf, 0, SEEK_SET), 0);
}

TEST(mmap_of_a_dmabuf_beyond_its_end_is_refused)
{
	struct dumb dumb;
	int dmabuf;
	void *data;

	open_dumb(&dumb);
	dmabuf = export(&dumb, DRM_RDWR);
	map_dmabuf(dmabuf, dumb.size, PROT_READ);
	data = mmap(NULL, dumb.size + 4096, PROT_READ, MAP_SHARED, dmabuf, 0);
	EXPECT(data == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
}

TEST(a_dmabuf_can_be_mapped_from_the_middle)
{
	struct dumb dumb;
	unsigned char *whole, *part;
	int dmabuf;

	open_dumb(&dumb);
	dmabuf = export(&dumb, DRM_RDWR);
	whole = map_dmabuf(dmabuf, dumb.size, PROT_READ | PROT_WRITE);
	part = mmap(NULL, 4096, PROT_READ, MAP_SHARED, dmabuf, 4096);
	EXPECT(part != MAP_FAILED);
	whole[0] = 0x22;
	whole[4096] = 0x33;
	if (part[0] == 0x22)
		skip("the driver ignores the offset of a dma-buf mapping");
	EXPECT_EQ(part[0], 0x33);
}

TEST(import_into_the_same_file_gives_the_same_handle)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);
	uint32_t handle;

	EXPECT_OK(prime_import(fd, export(&dumb, 0), &handle));
	EXPECT_EQ(handle, dumb.handle);
	/* And no second reference: one close is enough. */
	EXPECT_OK(gem_close(fd, handle));
	EXPECT_ERROR(gem_close(fd, handle), EINVAL);
}

TEST(import_twice_into_another_file_gives_one_handle)
{
	struct dumb dumb;
	int other, dmabuf;
	uint32_t first, second;

	open_dumb(&dumb);
	other = open_card();
	dmabuf = export(&dumb, 0);
	EXPECT_OK(prime_import(other, dmabuf, &first));
	EXPECT_OK(prime_import(other, dmabuf, &second));
	EXPECT_EQ(first, second);
	EXPECT_OK(prime_import(other, dup(dmabuf), &second));
	EXPECT_EQ(first, second);
	EXPECT_OK(gem_close(other, first));
	EXPECT_ERROR(gem_close(other, first), EINVAL);
}

TEST(an_import_shows_the_same_memory)
{
	struct dumb dumb, other;
	unsigned char *a, *b;

	open_dumb(&dumb);
	other = dumb;
	other.fd = open_card();
	EXPECT_OK(prime_import(other.fd, export(&dumb, 0), &other.handle));
	a = dumb_map(&dumb);
	b = dumb_map(&other);
	a[5] = 0x55;
	EXPECT_EQ(b[5], 0x55);
	b[6] = 0x66;
	EXPECT_EQ(a[6], 0x66);
}

TEST(an_import_can_be_exported_again_as_the_same_file)
{
	struct dumb dumb, other;
	struct stat a, b;
	int dmabuf;

	open_dumb(&dumb);
	dmabuf = export(&dumb, 0);
	other = dumb;
	other.fd = open_card();
	EXPECT_OK(prime_import(other.fd, dmabuf, &other.handle));
	EXPECT_OK(result(fstat(dmabuf, &a)));
	EXPECT_OK(result(fstat(export(&other, 0), &b)));
	EXPECT_EQ(a.st_ino, b.st_ino);
}

TEST(import_of_something_else_is_einval)
{
	uint32_t handle;
	int fd = open_card(), pipes[2], null = open("/dev/null", O_RDWR);

	need_prime(fd);
	EXPECT_OK(result(pipe(pipes)));
	EXPECT_ERROR(prime_import(fd, null, &handle), EINVAL);
	EXPECT_ERROR(prime_import(fd, pipes[0], &handle), EINVAL);
	EXPECT_ERROR(prime_import(fd, fd, &handle), EINVAL);
}

TEST(import_of_a_closed_descriptor_is_ebadf)
{
	uint32_t handle;
	struct dumb dumb;
	int fd = open_dumb(&dumb), dmabuf = export(&dumb, 0);

	close(dmabuf);
	EXPECT_ERROR(prime_import(fd, dmabuf, &handle), EBADF);
	EXPECT_ERROR(prime_import(fd, -1, &handle), EBADF);
	EXPECT_ERROR(prime_import(fd, 1000000, &handle), EBADF);
}

TEST(a_dmabuf_outlives_handle_and_file)
{
	struct dumb dumb, again;
	unsigned char *data;
	int fd = open_dumb(&dumb), dmabuf;

	data = dumb_map(&dumb);
	data[9] = 0x99;
	munmap(data, dumb.size);
	dmabuf = export(&dumb, DRM_RDWR);
	EXPECT_OK(gem_close(fd, dumb.handle));
	close(fd);
	again = dumb;
	again.fd = open_card();
	EXPECT_OK(prime_import(again.fd, dmabuf, &again.handle));
	data = dumb_map(&again);
	EXPECT_EQ(data[9], 0x99);
}

TEST(a_mapping_of_a_dmabuf_outlives_everything_else)
{
	struct dumb dumb, other;
	unsigned char *data;
	int fd = open_dumb(&dumb), dmabuf;

	dmabuf = export(&dumb, DRM_RDWR);
	data = map_dmabuf(dmabuf, dumb.size, PROT_READ | PROT_WRITE);
	memset(data, 0x11, dumb.size);
	EXPECT_OK(gem_close(fd, dumb.handle));
	close(dmabuf);
	close(fd);
	fd = open_card();
	dumb_create(fd, 100, 60, 32, &other);
	memset(dumb_map(&other), 0xff, other.size);
	for (size_t i = 0; i < dumb.size; i++)
		EXPECT_EQ(data[i], 0x11);
}

TEST(a_closed_handle_is_new_when_imported_again)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb), dmabuf = export(&dumb, 0);
	uint32_t handle;

	EXPECT_OK(gem_close(fd, dumb.handle));
	EXPECT_OK(prime_import(fd, dmabuf, &handle));
	EXPECT_OK(gem_close(fd, handle));
	EXPECT_ERROR(gem_close(fd, handle), EINVAL);
}

TEST(a_dmabuf_reaches_another_process)
{
	int sockets[2];
	struct dumb dumb;
	unsigned char *data;

	open_dumb(&dumb);
	data = dumb_map(&dumb);
	data[0] = 0x12;
	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets)));
	send_fd(sockets[0], export(&dumb, DRM_CLOEXEC | DRM_RDWR));
	IN_CHILD({
		struct dumb other = dumb;
		unsigned char *seen;

		close(dumb.fd);
		other.fd = open_card();
		EXPECT_OK(prime_import(other.fd, receive_fd(sockets[1]), &other.handle));
		seen = dumb_map(&other);
		EXPECT_EQ(seen[0], 0x12);
		seen[1] = 0x34;
	});
	EXPECT_EQ(data[1], 0x34);
}

TEST(prime_works_on_a_render_node)
{
	struct dumb dumb;
	int render = open_render(), dmabuf;
	uint32_t handle;

	open_dumb(&dumb);
	if (!(get_cap(render, DRM_CAP_PRIME) & DRM_PRIME_CAP_IMPORT))
		skip("the render node does not import");
	dmabuf = export(&dumb, DRM_CLOEXEC);
	EXPECT_OK(prime_import(render, dmabuf, &handle));
	EXPECT(handle != 0);
	EXPECT_OK(prime_export(render, handle, DRM_CLOEXEC, &dmabuf));
	EXPECT_OK(gem_close(render, handle));
}

TEST(a_dmabuf_is_always_ready)
{
	struct dumb dumb;
	struct pollfd pollfd = { .events = POLLIN | POLLOUT };

	/* Nobody draws: there is no fence to wait for. */
	open_dumb(&dumb);
	pollfd.fd = export(&dumb, DRM_RDWR);
	EXPECT_EQ(poll(&pollfd, 1, 10000), 1);
	EXPECT(pollfd.revents & (POLLIN | POLLOUT));
}
