/* SPDX-License-Identifier: MIT */
/* Buffer objects: dumb buffers, handles, names and mappings. */
#include "uapi.h"

#include <setjmp.h>
#include <signal.h>

static int create(int fd, uint32_t width, uint32_t height, uint32_t bpp)
{
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = bpp };

	return call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);
}

static int destroy(int fd, uint32_t handle)
{
	struct drm_mode_destroy_dumb destroy = { .handle = handle };

	return call(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

static int map_error(int fd, size_t size, int protection, int flags, uint64_t offset)
{
	void *data = mmap(NULL, size, protection, flags, fd, (off_t)offset);

	if (data == MAP_FAILED)
		return errno;
	munmap(data, size);
	return 0;
}

static int open_dumb(struct dumb *dumb)
{
	int fd = open_card();

	dumb_create(fd, 100, 60, 32, dumb);
	return fd;
}

TEST(a_dumb_buffer_has_room_for_its_pixels)
{
	struct dumb dumb;

	open_dumb(&dumb);
	EXPECT(dumb.handle != 0);
	EXPECT(dumb.pitch >= 400);
	EXPECT(dumb.size >= (uint64_t)dumb.pitch * 60);
	EXPECT_EQ(dumb.size % 4096, 0);
}

TEST(create_dumb_ignores_what_is_in_its_outputs)
{
	struct drm_mode_create_dumb create = {
		.width = 16, .height = 16, .bpp = 32,
		.handle = 0x12345678, .pitch = 0x7fffffff, .size = 1ull << 60,
	};
	int fd = open_card();

	need_dumb(fd);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create));
	EXPECT(create.pitch >= 64 && create.pitch < 0x10000);
	EXPECT(create.size < 1 << 20);
}

TEST(create_dumb_without_a_dimension_is_einval)
{
	int fd = open_card();

	need_dumb(fd);
	EXPECT_ERROR(create(fd, 0, 16, 32), EINVAL);
	EXPECT_ERROR(create(fd, 16, 0, 32), EINVAL);
	EXPECT_ERROR(create(fd, 16, 16, 0), EINVAL);
}

TEST(create_dumb_that_overflows_32_bits_is_einval)
{
	int fd = open_card();

	need_dumb(fd);
	EXPECT_ERROR(create(fd, 0xffffffff, 1, 32), EINVAL);
	EXPECT_ERROR(create(fd, 0x40000000, 1, 32), EINVAL);
	EXPECT_ERROR(create(fd, 0x10000, 0x10000, 32), EINVAL);
	EXPECT_ERROR(create(fd, 0xffffffff, 0xffffffff, 0xffffffff), EINVAL);
	EXPECT_ERROR(create(fd, 1, 1, 0xffffffff), EINVAL);
	EXPECT_ERROR(create(fd, 1, 1, 0xfffffff8), EINVAL);
	/* Fits, but not when rounded up to a page. */
	EXPECT_ERROR(create(fd, 0x3fffffff, 1, 32), EINVAL);
}

TEST(create_dumb_of_many_depths_works_or_is_einval)
{
	static const uint32_t depths[] = { 1, 8, 12, 15, 16, 24, 30, 48, 64, 128 };
	int fd = open_card();

	need_dumb(fd);
	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		struct drm_mode_create_dumb create = {
			.width = 33, .height = 17, .bpp = depths[i],
		};
		int error = call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);

		if (error) {
			EXPECT_EQ(error, EINVAL);
			continue;
		}
		EXPECT((uint64_t)create.pitch * 8 >= (uint64_t)33 * depths[i]);
		EXPECT(create.size >= (uint64_t)create.pitch * 17);
	}
}

TEST(a_new_dumb_buffer_is_zero_filled)
{
	int fd = open_card();

	/* Dirty some memory first, so that old contents would show. */
	for (int round = 0; round < 4; round++) {
		struct dumb dumb;
		unsigned char *data;

		dumb_create(fd, 256, 256, 32, &dumb);
		data = dumb_map(&dumb);
		for (size_t i = 0; i < dumb.size; i++)
			EXPECT_EQ(data[i], 0);
		memset(data, 0xa5, dumb.size);
		munmap(data, dumb.size);
		EXPECT_OK(destroy(fd, dumb.handle));
	}
}

TEST(handles_are_small_and_reused)
{
	struct dumb first, second;
	int fd = open_dumb(&first);

	EXPECT_EQ(first.handle, 1);
	dumb_create(fd, 16, 16, 32, &second);
	EXPECT_EQ(second.handle, 2);
	EXPECT_OK(gem_close(fd, 1));
	dumb_create(fd, 16, 16, 32, &first);
	EXPECT(first.handle != 0);
	EXPECT(first.handle != second.handle);
}

TEST(closing_a_handle_twice_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT_OK(gem_close(fd, dumb.handle));
	EXPECT_ERROR(gem_close(fd, dumb.handle), EINVAL);
}

TEST(closing_a_bad_handle_is_einval)
{
	int fd = open_card();

	need_dumb(fd);
	EXPECT_ERROR(gem_close(fd, 0), EINVAL);
	EXPECT_ERROR(gem_close(fd, 1), EINVAL);
	EXPECT_ERROR(gem_close(fd, 0xffffffff), EINVAL);
	EXPECT_ERROR(gem_close(fd, 0x80000000), EINVAL);
}

TEST(destroy_dumb_closes_the_handle)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT_OK(destroy(fd, dumb.handle));
	EXPECT_ERROR(destroy(fd, dumb.handle), EINVAL);
	EXPECT_ERROR(gem_close(fd, dumb.handle), EINVAL);
	EXPECT_ERROR(destroy(fd, 0), EINVAL);
}

TEST(map_dumb_of_a_bad_handle_is_enoent)
{
	struct drm_mode_map_dumb map = { .handle = 0 };
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map), ENOENT);
	map.handle = dumb.handle + 1;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map), ENOENT);
}

TEST(map_dumb_gives_the_same_page_aligned_offset_each_time)
{
	struct dumb dumb;

	open_dumb(&dumb);
	EXPECT_EQ(dumb_offset(&dumb), dumb_offset(&dumb));
	EXPECT_EQ(dumb_offset(&dumb) % 4096, 0);
	EXPECT(dumb_offset(&dumb) != 0);
}

TEST(two_objects_have_offsets_that_do_not_overlap)
{
	struct dumb a, b;
	uint64_t x, y;
	int fd = open_dumb(&a);

	dumb_create(fd, 512, 512, 32, &b);
	x = dumb_offset(&a);
	y = dumb_offset(&b);
	EXPECT(x + a.size <= y || y + b.size <= x);
}

TEST(the_handle_of_another_file_is_not_there)
{
	struct drm_mode_map_dumb map;
	struct drm_gem_flink flink;
	struct dumb dumb;
	int other, dmabuf;

	open_dumb(&dumb);
	other = open_card();
	map.handle = dumb.handle;
	EXPECT_ERROR(call(other, DRM_IOCTL_MODE_MAP_DUMB, &map), ENOENT);
	EXPECT_ERROR(gem_close(other, dumb.handle), EINVAL);
	EXPECT_ERROR(destroy(other, dumb.handle), EINVAL);
	if (get_cap(other, DRM_CAP_PRIME) & DRM_PRIME_CAP_EXPORT)
		EXPECT_ERROR(prime_export(other, dumb.handle, 0, &dmabuf), ENOENT);
	flink.handle = dumb.handle;
	if (is_root())
		EXPECT_ERROR(call(other, DRM_IOCTL_GEM_FLINK, &flink), ENOENT);
}

TEST(two_mappings_show_the_same_memory)
{
	struct dumb dumb;
	unsigned char *a, *b;

	open_dumb(&dumb);
	a = dumb_map(&dumb);
	b = dumb_map(&dumb);
	EXPECT(a != b);
	a[dumb.size - 1] = 0x42;
	EXPECT_EQ(b[dumb.size - 1], 0x42);
}

TEST(mmap_of_an_offset_that_was_never_given_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	dumb_offset(&dumb);
	EXPECT_ERROR(map_error(fd, 4096, PROT_READ, MAP_SHARED, 0), EINVAL);
	EXPECT_ERROR(map_error(fd, 4096, PROT_READ, MAP_SHARED, dumb_offset(&dumb) + (1ull << 40)),
		     EINVAL);
}

TEST(mmap_must_begin_at_the_object)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT(dumb.size > 4096);
	EXPECT_ERROR(map_error(fd, 4096, PROT_READ, MAP_SHARED, dumb_offset(&dumb) + 4096),
		     EINVAL);
}

TEST(mmap_beyond_the_object_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT_ERROR(map_error(fd, dumb.size + 4096, PROT_READ, MAP_SHARED, dumb_offset(&dumb)),
		     EINVAL);
}

TEST(mmap_of_the_beginning_works)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);

	EXPECT(dumb.size > 4096);
	EXPECT_OK(map_error(fd, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, dumb_offset(&dumb)));
}

TEST(a_private_writable_mapping_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);
	int error = map_error(fd, dumb.size, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			      dumb_offset(&dumb));

	/* Drivers that keep objects in shmem refuse; a few with VRAM do not. */
	if (!error)
		skip("the driver allows private mappings");
	EXPECT_EQ(error, EINVAL);
}

TEST(mmap_of_another_files_object_is_eacces)
{
	struct dumb dumb;
	int other;

	open_dumb(&dumb);
	other = open_card();
	EXPECT_ERROR(map_error(other, dumb.size, PROT_READ, MAP_SHARED, dumb_offset(&dumb)),
		     EACCES);
}

TEST(mmap_works_once_the_other_file_has_a_handle)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb), other = open_card(), dmabuf;
	uint64_t offset = dumb_offset(&dumb);
	uint32_t handle;

	need_prime(fd);
	EXPECT_OK(prime_export(fd, dumb.handle, DRM_CLOEXEC, &dmabuf));
	EXPECT_OK(prime_import(other, dmabuf, &handle));
	EXPECT_OK(map_error(other, dumb.size, PROT_READ, MAP_SHARED, offset));
	EXPECT_OK(gem_close(other, handle));
	EXPECT_ERROR(map_error(other, dumb.size, PROT_READ, MAP_SHARED, offset), EACCES);
}

TEST(mmap_of_a_destroyed_object_is_einval)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb);
	uint64_t offset = dumb_offset(&dumb);

	EXPECT_OK(destroy(fd, dumb.handle));
	EXPECT_ERROR(map_error(fd, dumb.size, PROT_READ, MAP_SHARED, offset), EINVAL);
}

TEST(mmap_of_a_closed_handle_whose_mapping_lives_is_refused)
{
	struct dumb dumb;
	int fd = open_dumb(&dumb), error;
	uint64_t offset = dumb_offset(&dumb);

	dumb_map(&dumb);
	EXPECT_OK(gem_close(fd, dumb.handle));
	error = map_error(fd, dumb.size, PROT_READ, MAP_SHARED, offset);
	/* With TTM a mapping holds the memory and not the GEM object: EINVAL. */
	EXPECT(error == EACCES || error == EINVAL);
}

TEST(closing_a_handle_keeps_the_mapping_alive)
{
	struct dumb dumb;
	unsigned char *data;
	int fd = open_dumb(&dumb);

	data = dumb_map(&dumb);
	memset(data, 0x5a, dumb.size);
	EXPECT_OK(gem_close(fd, dumb.handle));
	for (int i = 0; i < 8; i++) {
		struct dumb other;

		dumb_create(fd, 100, 60, 32, &other);
		memset(dumb_map(&other), 0xff, other.size);
	}
	for (size_t i = 0; i < dumb.size; i++)
		EXPECT_EQ(data[i], 0x5a);
}

TEST(closing_the_file_keeps_the_mapping_alive)
{
	struct dumb dumb, other;
	unsigned char *data;
	int fd = open_dumb(&dumb);

	data = dumb_map(&dumb);
	memset(data, 0x5a, dumb.size);
	close(fd);
	fd = open_card();
	dumb_create(fd, 100, 60, 32, &other);
	memset(dumb_map(&other), 0xff, other.size);
	for (size_t i = 0; i < dumb.size; i++)
		EXPECT_EQ(data[i], 0x5a);
	data[0] = 1;
	EXPECT_EQ(data[0], 1);
}

TEST(a_child_sees_the_mapping_of_its_parent)
{
	struct dumb dumb;
	unsigned char *data;

	open_dumb(&dumb);
	data = dumb_map(&dumb);
	data[0] = 1;
	IN_CHILD({
		EXPECT_EQ(data[0], 1);
		data[1] = 2;
	});
	EXPECT_EQ(data[1], 2);
}

TEST(unmapping_a_part_leaves_the_rest)
{
	struct dumb dumb;
	unsigned char *data;
	int fd = open_dumb(&dumb);

	EXPECT(dumb.size >= 3 * 4096);
	data = dumb_map(&dumb);
	EXPECT_OK(gem_close(fd, dumb.handle));
	EXPECT_OK(result(munmap(data + 4096, 4096)));
	data[0] = 1;
	data[8192] = 2;
	EXPECT_EQ(data[0] + data[8192], 3);
}

static sigjmp_buf fault;

static void on_fault(int signal)
{
	siglongjmp(fault, signal);
}

TEST(writing_to_a_read_only_mapping_is_a_fault)
{
	struct dumb dumb;
	volatile unsigned char *data;
	int fd = open_dumb(&dumb);
	uint64_t offset = dumb_offset(&dumb);

	data = mmap(NULL, dumb.size, PROT_READ, MAP_SHARED, fd, (off_t)offset);
	EXPECT(data != MAP_FAILED);
	EXPECT_EQ(data[0], 0);
	signal(SIGSEGV, on_fault);
	if (!sigsetjmp(fault, 1)) {
		data[0] = 1;
		fail(__FILE__, __LINE__, "the write succeeded");
	}
}

TEST(flink_names_an_object_for_another_file)
{
	struct drm_gem_flink flink = { 0 }, again = { 0 };
	struct drm_gem_open gem_open = { 0 };
	struct dumb dumb, opened;
	int fd, other;

	fd = open_master();
	dumb_create(fd, 100, 60, 32, &dumb);
	other = open_second();
	if (!is_root())
		EXPECT_OK(drmAuthMagic(fd, ({ drm_magic_t m = 0; drmGetMagic(other, &m); m; })));
	flink.handle = again.handle = dumb.handle;
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_FLINK, &flink));
	EXPECT(flink.name != 0);
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_FLINK, &again));
	EXPECT_EQ(again.name, flink.name);
	gem_open.name = flink.name;
	EXPECT_OK(call(other, DRM_IOCTL_GEM_OPEN, &gem_open));
	EXPECT_EQ(gem_open.size, dumb.size);
	opened = dumb;
	opened.fd = other;
	opened.handle = gem_open.handle;
	((unsigned char *)dumb_map(&dumb))[7] = 0x77;
	EXPECT_EQ(((unsigned char *)dumb_map(&opened))[7], 0x77);
}

TEST(opening_a_name_twice_gives_two_handles)
{
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open first = { 0 }, second = { 0 };
	struct dumb dumb;
	int fd = open_master();

	dumb_create(fd, 16, 16, 32, &dumb);
	flink.handle = dumb.handle;
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_FLINK, &flink));
	first.name = second.name = flink.name;
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_OPEN, &first));
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_OPEN, &second));
	EXPECT(first.handle != second.handle);
	EXPECT(first.handle != dumb.handle);
}

TEST(an_unknown_name_is_enoent)
{
	struct drm_gem_open gem_open = { .name = 0 };
	struct drm_gem_flink flink = { .handle = 99 };
	int fd = open_master();

	need_dumb(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_OPEN, &gem_open), ENOENT);
	gem_open.name = 12345;
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_OPEN, &gem_open), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_FLINK, &flink), ENOENT);
}

TEST(a_name_dies_with_the_last_handle)
{
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open gem_open = { 0 };
	struct dumb dumb;
	int fd = open_master();

	dumb_create(fd, 16, 16, 32, &dumb);
	flink.handle = dumb.handle;
	EXPECT_OK(call(fd, DRM_IOCTL_GEM_FLINK, &flink));
	dumb_map(&dumb);	/* the object itself lives on */
	EXPECT_OK(gem_close(fd, dumb.handle));
	gem_open.name = flink.name;
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_OPEN, &gem_open), ENOENT);
}

TEST(a_thousand_handles_are_all_different)
{
	enum { COUNT = 1000 };
	static unsigned char seen[COUNT + 2];
	int fd = open_card();

	for (int i = 0; i < COUNT; i++) {
		struct dumb dumb;

		dumb_create(fd, 16, 16, 32, &dumb);
		EXPECT(dumb.handle > 0 && dumb.handle < sizeof(seen));
		EXPECT(!seen[dumb.handle]);
		seen[dumb.handle] = 1;
	}
	for (uint32_t i = 1; i <= COUNT; i++)
		EXPECT_OK(gem_close(fd, i));
}
