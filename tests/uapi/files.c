/* SPDX-License-Identifier: MIT */
/*
 * A DRM file is a file: dup, fork, exec, descriptor passing, poll, and what the
 * last close does.
 */
#include "uapi.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif

/* What a re-executed test does: look at an inherited descriptor. */
__attribute__((constructor)) static void inherited(void)
{
	const char *text = getenv("UAPI_TEST_FD");
	struct drm_version version = { 0 };
	struct drm_mode_map_dumb map = { 0 };
	int fd;

	if (!text)
		return;
	fd = atoi(text);
	if (ioctl(fd, DRM_IOCTL_VERSION, &version))
		_exit(errno == EBADF ? 2 : 3);
	text = getenv("UAPI_TEST_HANDLE");
	map.handle = text ? (uint32_t)atoi(text) : 0;
	if (text && ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		_exit(4);
	_exit(0);
}

static int look_after_exec(int fd, uint32_t handle)
{
	char fd_text[16], handle_text[16];
	int status;
	pid_t pid = fork_child();

	if (pid == 0) {
		snprintf(fd_text, sizeof(fd_text), "%d", fd);
		setenv("UAPI_TEST_FD", fd_text, 1);
		snprintf(handle_text, sizeof(handle_text), "%u", handle);
		if (handle)
			setenv("UAPI_TEST_HANDLE", handle_text, 1);
		execl("/proc/self/exe", "files", NULL);
		_exit(5);
	}
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static bool has_handle(int fd, uint32_t handle)
{
	struct drm_mode_map_dumb map = { .handle = handle };

	return call(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) == 0;
}

TEST(fstat_shows_a_character_device_of_major_226)
{
	struct stat by_fd, by_path;
	int fd = open_card();

	EXPECT_OK(result(fstat(fd, &by_fd)));
	EXPECT_OK(result(stat(card_path(), &by_path)));
	EXPECT(S_ISCHR(by_fd.st_mode));
	EXPECT_EQ(major(by_fd.st_rdev), 226);
	EXPECT(minor(by_fd.st_rdev) < 64);
	EXPECT_EQ(by_fd.st_rdev, by_path.st_rdev);
	EXPECT_EQ(by_fd.st_ino, by_path.st_ino);
}

TEST(a_render_node_has_a_minor_from_128)
{
	struct stat stat;

	EXPECT_OK(result(fstat(open_render(), &stat)));
	EXPECT_EQ(major(stat.st_rdev), 226);
	EXPECT(minor(stat.st_rdev) >= 128);
}

TEST(libdrm_knows_the_node_type)
{
	EXPECT_EQ(drmGetNodeTypeFromFd(open_card()), DRM_NODE_PRIMARY);
	EXPECT_EQ(drmGetNodeTypeFromFd(open_render()), DRM_NODE_RENDER);
}

TEST(libdrm_finds_the_device_of_a_file)
{
	drmDevice *device = NULL;
	int fd = open_card();

	EXPECT_EQ(drmGetDevice2(fd, 0, &device), 0);
	EXPECT(device && device->available_nodes & 1 << DRM_NODE_PRIMARY);
	drmFreeDevice(&device);
}

TEST(fcntl_tells_how_the_node_was_opened)
{
	int fd = open(card_path(), O_RDWR | O_NONBLOCK);

	EXPECT(fd >= 0);
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR | O_NONBLOCK);
	EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	fd = open(card_path(), O_RDWR | O_CLOEXEC);
	EXPECT_EQ(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	EXPECT_EQ(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST(an_exclusive_open_is_ebusy)
{
	EXPECT(open(card_path(), O_RDWR | O_EXCL) < 0);
	EXPECT_EQ(errno, EBUSY);
}

TEST(a_read_only_open_may_use_ioctls)
{
	struct drm_version version = { 0 };
	int fd = open(card_path(), O_RDONLY);

	EXPECT(fd >= 0);
	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
}

TEST(write_is_einval)
{
	int fd = open_card();

	EXPECT_EQ(write(fd, "x", 1), -1);
	EXPECT_EQ(errno, EINVAL);
}

TEST(lseek_does_not_fail_with_espipe)
{
	EXPECT_EQ(lseek(open_card(), 0, SEEK_SET), 0);
}

TEST(a_duplicate_is_the_same_file)
{
	struct dumb dumb;
	int fd = open_card(), copy;

	dumb_create(fd, 16, 16, 32, &dumb);
	copy = dup(fd);
	EXPECT(has_handle(copy, dumb.handle));
	EXPECT(is_master(copy) == is_master(fd));
	close(fd);
	EXPECT(has_handle(copy, dumb.handle));
	fd = fcntl(copy, F_DUPFD_CLOEXEC, 100);
	EXPECT(fd >= 100);
	close(copy);
	EXPECT(has_handle(fd, dumb.handle));
	EXPECT_EQ(dup2(fd, 200), 200);
	EXPECT_EQ(dup3(fd, 201, O_CLOEXEC), 201);
	close(fd);
	EXPECT(has_handle(200, dumb.handle));
	EXPECT(has_handle(201, dumb.handle));
}

TEST(two_opens_are_two_files)
{
	struct dumb dumb;
	int first = open_card(), second = open_card();

	dumb_create(first, 16, 16, 32, &dumb);
	EXPECT(!has_handle(second, dumb.handle));
}

TEST(a_number_used_again_is_not_the_old_file)
{
	struct dumb dumb;
	int fd = open_card(), null;

	dumb_create(fd, 16, 16, 32, &dumb);
	close(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &(struct drm_version){ 0 }), EBADF);
	null = open("/dev/null", O_RDWR);
	EXPECT_EQ(null, fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &(struct drm_version){ 0 }), ENOTTY);
	close(null);
	EXPECT_EQ(open_card(), fd);
	EXPECT(!has_handle(fd, dumb.handle));
}

TEST(dup2_over_a_card_closes_it)
{
	int fd = open_master(), null = open("/dev/null", O_RDWR);

	EXPECT_EQ(dup2(null, fd), fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &(struct drm_version){ 0 }), ENOTTY);
	EXPECT(is_master(open_card()));
}

TEST(close_range_closes_the_file)
{
	int fd = open_master(), high;

	high = fcntl(fd, F_DUPFD, 500);
	close(fd);
	EXPECT_OK(result(syscall(SYS_close_range, high, high + 10, 0)));
	EXPECT_ERROR(call(high, DRM_IOCTL_VERSION, &(struct drm_version){ 0 }), EBADF);
	EXPECT(is_master(open_card()));
}

TEST(a_child_shares_the_file)
{
	struct dumb dumb;
	int fd = open_card();

	dumb_create(fd, 16, 16, 32, &dumb);
	IN_CHILD({
		struct dumb other;

		EXPECT(has_handle(fd, dumb.handle));
		dumb_create(fd, 16, 16, 32, &other);
		EXPECT_EQ(other.handle, dumb.handle + 1);
		EXPECT_OK(gem_close(fd, dumb.handle));
	});
	EXPECT(!has_handle(fd, dumb.handle));
	EXPECT(has_handle(fd, dumb.handle + 1));
}

TEST(a_file_lives_while_a_child_holds_it)
{
	int fd = open_master(), ready[2], done[2], second;
	char byte;
	pid_t pid;

	EXPECT_OK(result(pipe(ready)));
	EXPECT_OK(result(pipe(done)));
	pid = fork_child();
	if (pid == 0) {
		close(done[1]);
		EXPECT_EQ(write(ready[1], "", 1), 1);
		EXPECT_EQ(read(done[0], &byte, 1), 0);
		EXPECT(is_master(fd));
		_exit(0);
	}
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	close(fd);
	second = open_card();
	EXPECT(!is_master(second));
	close(done[1]);
	join_child(pid);
	close(second);
	EXPECT(is_master(open_card()));
}

TEST(a_killed_process_gives_up_its_file)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	close(open_master());
	EXPECT_OK(result(pipe(ready)));
	pid = fork_child();
	if (pid == 0) {
		open_master();
		EXPECT_EQ(write(ready[1], "", 1), 1);
		pause();
	}
	EXPECT_EQ(read(ready[0], &byte, 1), 1);
	EXPECT(!is_master(open_card()));
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, &status, 0), pid);
	EXPECT(is_master(open_card()));
}

TEST(a_file_is_inherited_over_exec)
{
	struct dumb dumb;
	int fd = open_card();

	dumb_create(fd, 16, 16, 32, &dumb);
	EXPECT_OK(result(fcntl(fd, F_SETFD, 0)));
	EXPECT_EQ(look_after_exec(fd, dumb.handle), 0);
	EXPECT_EQ(look_after_exec(fd, dumb.handle + 1), 4);
}

TEST(cloexec_closes_the_file_at_exec)
{
	EXPECT_EQ(look_after_exec(open_card(), 0), 2);
}

TEST(close_range_can_mark_the_file_cloexec)
{
	int fd = open_card();

	EXPECT_OK(result(fcntl(fd, F_SETFD, 0)));
	if (syscall(SYS_close_range, fd, fd, CLOSE_RANGE_CLOEXEC))
		skip("the kernel has no CLOSE_RANGE_CLOEXEC");
	EXPECT_EQ(look_after_exec(fd, 0), 2);
}

TEST(a_file_can_be_passed_to_another_process)
{
	int sockets[2], fd;
	struct dumb dumb;
	unsigned char *data;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)));
	/* The child exists before the file does, so that it inherits nothing. */
	IN_CHILD({
		pid_t pid = fork_child();

		if (pid == 0) {
			struct dumb other;

			fd = receive_fd(sockets[1]);
			EXPECT(has_handle(fd, 1));
			dumb_create(fd, 16, 16, 32, &other);
			EXPECT_EQ(other.handle, 2);
			other.handle = 1;
			other.size = 4096;
			((unsigned char *)dumb_map(&other))[3] = 0x21;
			_exit(0);
		}
		fd = open_card();
		dumb_create(fd, 100, 60, 32, &dumb);
		EXPECT_EQ(dumb.handle, 1);
		send_fd(sockets[0], fd);
		join_child(pid);
		EXPECT(has_handle(fd, 2));
		data = dumb_map(&dumb);
		EXPECT_EQ(data[3], 0x21);
	});
}

TEST(a_file_lives_in_a_socket_on_its_way)
{
	int sockets[2], fd = open_master(), second;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)));
	send_fd(sockets[0], fd);
	close(fd);
	second = open_card();
	EXPECT(!is_master(second));
	close(second);
	fd = receive_fd(sockets[1]);
	EXPECT(is_master(fd));
	close(fd);
	EXPECT(is_master(open_card()));
}

TEST(poll_reports_nothing_when_there_is_no_event)
{
	struct pollfd pollfd = { .events = POLLIN | POLLOUT | POLLPRI };

	pollfd.fd = open_card();
	EXPECT_EQ(poll(&pollfd, 1, 0), 0);
	EXPECT_EQ(poll(&pollfd, 1, 20), 0);
}

TEST(epoll_and_select_take_the_file)
{
	struct epoll_event event = { .events = EPOLLIN };
	struct timeval timeout = { 0, 1000 };
	int fd = open_card(), epoll = epoll_create1(0);
	fd_set set;

	EXPECT_OK(result(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)));
	EXPECT_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT_EQ(select(fd + 1, &set, NULL, NULL, &timeout), 0);
}

TEST(a_nonblocking_read_without_events_is_eagain)
{
	char buffer[64];
	int fd = open(card_path(), O_RDWR | O_NONBLOCK);

	EXPECT(fd >= 0);
	EXPECT_EQ(read(fd, buffer, sizeof(buffer)), -1);
	EXPECT_EQ(errno, EAGAIN);
	EXPECT_EQ(read(fd, buffer, 0), -1);
	EXPECT_EQ(errno, EAGAIN);
}

TEST(nonblocking_can_be_set_later)
{
	char buffer[64];
	int fd = open_card();

	EXPECT_OK(result(fcntl(fd, F_SETFL, O_NONBLOCK)));
	EXPECT_EQ(read(fd, buffer, sizeof(buffer)), -1);
	EXPECT_EQ(errno, EAGAIN);
}

TEST(the_last_close_removes_framebuffers_and_handles)
{
	int fd = open_master(), watcher;
	uint32_t fb;
	struct drm_mode_fb_cmd cmd = { 0 };

	need_kms(fd);
	watcher = open_second();
	fb = fb_create(fd, 64, 64);
	cmd.fb_id = fb;
	EXPECT_OK(call(watcher, DRM_IOCTL_MODE_GETFB, &cmd));
	close(fd);
	EXPECT_ERROR(call(watcher, DRM_IOCTL_MODE_GETFB, &cmd), ENOENT);
}
