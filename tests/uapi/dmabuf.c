/* SPDX-License-Identifier: MIT */
/* dma-bufs as descriptors: CPU access, fences in and out, poll and epoll. */
#include "uapi.h"

#include <linux/dma-buf.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#define BOTH (POLLIN | POLLOUT)

static int open_dmabuf(void)
{
	struct dumb dumb;
	int fd = open_card(), dmabuf;

	need_prime(fd);
	dumb_create(fd, 64, 64, 32, &dumb);
	EXPECT_OK(prime_export(fd, dumb.handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf));
	return dmabuf;
}

static int sync_cpu(int dmabuf, uint64_t flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return call(dmabuf, DMA_BUF_IOCTL_SYNC, &sync);
}

static int export_fence(int dmabuf, uint32_t flags, int *fence)
{
	struct dma_buf_export_sync_file export = { .flags = flags, .fd = -1 };
	int ret = call(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &export);

	*fence = export.fd;
	return ret;
}

static int import_fence(int dmabuf, uint32_t flags, int fence)
{
	struct dma_buf_import_sync_file import = { .flags = flags, .fd = fence };

	return call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &import);
}

/* A dma-buf with a fence on it that will be signaled soon. */
struct busy {
	struct kms kms;
	uint32_t fb, next;
	int dmabuf, fence;
};

static void make_busy(struct busy *busy, uint32_t flags)
{
	struct dumb dumb;

	kms_open_atomic(&busy->kms);
	need_prime(busy->kms.fd);
	kms_show_atomic(&busy->kms, &busy->fb);
	busy->next = fb_create(busy->kms.fd, busy->kms.mode.hdisplay, busy->kms.mode.vdisplay);
	dumb_create(busy->kms.fd, 64, 64, 32, &dumb);
	EXPECT_OK(prime_export(busy->kms.fd, dumb.handle, DRM_CLOEXEC | DRM_RDWR,
			       &busy->dmabuf));
	busy->fence = kms_fence(&busy->kms, busy->next);
	EXPECT_OK(import_fence(busy->dmabuf, flags, busy->fence));
}

/* Is the fence pending? If so it was all the time before. */
static bool pending(const struct busy *busy)
{
	return !readable(busy->fence, 0);
}

static short poll_once(int fd, short events, int milliseconds)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	EXPECT(poll(&pollfd, 1, milliseconds) >= 0);
	return pollfd.revents;
}

/* -- CPU access ------------------------------------------------------------ */

TEST(sync_checks_its_flags)
{
	int dmabuf = open_dmabuf();

	EXPECT_ERROR(sync_cpu(dmabuf, 0), EINVAL);
	EXPECT_ERROR(sync_cpu(dmabuf, DMA_BUF_SYNC_END), EINVAL);
	EXPECT_ERROR(sync_cpu(dmabuf, DMA_BUF_SYNC_READ | 8), EINVAL);
	EXPECT_ERROR(sync_cpu(dmabuf, DMA_BUF_SYNC_READ | 1ull << 32), EINVAL);
	EXPECT_ERROR(call(dmabuf, DMA_BUF_IOCTL_SYNC, NULL), EFAULT);
}

TEST(sync_of_an_idle_buffer_is_done_at_once)
{
	static const uint64_t ways[] = { DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE, DMA_BUF_SYNC_RW };
	int dmabuf = open_dmabuf();

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		EXPECT_OK(sync_cpu(dmabuf, DMA_BUF_SYNC_START | ways[i]));
		EXPECT_OK(sync_cpu(dmabuf, DMA_BUF_SYNC_END | ways[i]));
	}
}

TEST(sync_waits_for_a_writer)
{
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	EXPECT_OK(sync_cpu(busy.dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT(!pending(&busy));
	EXPECT_OK(sync_cpu(busy.dmabuf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
}

TEST(sync_for_writing_waits_for_a_reader)
{
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_READ);
	EXPECT_OK(sync_cpu(busy.dmabuf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	EXPECT(!pending(&busy));
}

/* -- names ----------------------------------------------------------------- */

TEST(a_name_must_not_be_too_long)
{
	int dmabuf = open_dmabuf();

	EXPECT_OK(call(dmabuf, DMA_BUF_SET_NAME_A, "buffer"));
	EXPECT_OK(call(dmabuf, DMA_BUF_SET_NAME_B, ""));
	EXPECT_OK(call(dmabuf, DMA_BUF_SET_NAME_B, "0123456789012345678901234567890"));
	EXPECT_ERROR(call(dmabuf, DMA_BUF_SET_NAME_B, "01234567890123456789012345678901"), EINVAL);
	EXPECT_ERROR(call(dmabuf, DMA_BUF_SET_NAME_B, NULL), EFAULT);
}

TEST(unknown_requests_are_enotty)
{
	uint64_t arg = 0;
	int dmabuf = open_dmabuf();

	EXPECT_ERROR(call(dmabuf, _IOW(DMA_BUF_BASE, 99, uint64_t), &arg), ENOTTY);
	EXPECT_ERROR(call(dmabuf, _IOW(DMA_BUF_BASE, 0, uint32_t), &arg), ENOTTY);
	EXPECT_ERROR(call(dmabuf, DRM_IOCTL_GET_CAP, &arg), ENOTTY);
}

/* -- fences ---------------------------------------------------------------- */

TEST(export_of_an_idle_buffer_is_signaled)
{
	int dmabuf = open_dmabuf(), fence;

	EXPECT_OK(export_fence(dmabuf, DMA_BUF_SYNC_READ, &fence));
	EXPECT(readable(fence, 0));
	EXPECT_EQ(fcntl(fence, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	EXPECT_OK(export_fence(dmabuf, DMA_BUF_SYNC_RW, &fence));
	EXPECT(readable(fence, 0));
}

TEST(export_and_import_check_their_arguments)
{
	int dmabuf = open_dmabuf(), fence;

	EXPECT_ERROR(export_fence(dmabuf, 0, &fence), EINVAL);
	EXPECT_ERROR(export_fence(dmabuf, 4, &fence), EINVAL);
	EXPECT_ERROR(call(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, NULL), EFAULT);
	EXPECT_OK(export_fence(dmabuf, DMA_BUF_SYNC_READ, &fence));
	EXPECT_ERROR(import_fence(dmabuf, 0, fence), EINVAL);
	EXPECT_ERROR(import_fence(dmabuf, 7, fence), EINVAL);
	EXPECT_ERROR(import_fence(dmabuf, DMA_BUF_SYNC_READ, -1), EINVAL);
	EXPECT_ERROR(import_fence(dmabuf, DMA_BUF_SYNC_READ, dmabuf), EINVAL);
	EXPECT_ERROR(call(dmabuf, DMA_BUF_IOCTL_IMPORT_SYNC_FILE, NULL), EFAULT);
	EXPECT_OK(import_fence(dmabuf, DMA_BUF_SYNC_READ, fence));
}

TEST(a_fence_that_was_imported_is_exported)
{
	struct busy busy;
	int writers, all;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	EXPECT_OK(export_fence(busy.dmabuf, DMA_BUF_SYNC_READ, &writers));
	EXPECT_OK(export_fence(busy.dmabuf, DMA_BUF_SYNC_WRITE, &all));
	EXPECT(readable(writers, 10000));
	EXPECT(!pending(&busy));
	EXPECT(readable(all, 10000));
}

TEST(a_reader_is_no_matter_to_readers)
{
	struct busy busy;
	int writers, all;

	make_busy(&busy, DMA_BUF_SYNC_READ);
	EXPECT_OK(export_fence(busy.dmabuf, DMA_BUF_SYNC_READ, &writers));
	EXPECT(readable(writers, 0));
	EXPECT_OK(export_fence(busy.dmabuf, DMA_BUF_SYNC_WRITE, &all));
	EXPECT(readable(all, 10000));
	EXPECT(!pending(&busy));
}

/* The fence is the memory's, not the handle's. */
TEST(a_fence_outlives_the_handle)
{
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	close(busy.kms.fd);
	EXPECT_EQ(poll_once(busy.dmabuf, BOTH, 10000) & POLLIN, POLLIN);
	EXPECT(!pending(&busy));
}

/* -- poll ------------------------------------------------------------------ */

TEST(an_idle_buffer_polls_ready)
{
	int dmabuf = open_dmabuf();

	EXPECT_EQ(poll_once(dmabuf, POLLIN, 0), POLLIN);
	EXPECT_EQ(poll_once(dmabuf, POLLOUT, 0), POLLOUT);
	EXPECT_EQ(poll_once(dmabuf, BOTH, -1), BOTH);
	EXPECT_EQ(poll_once(dmabuf, POLLPRI, 0), 0);
	EXPECT_EQ(poll_once(dmabuf, 0, 0), 0);
}

TEST(a_written_buffer_polls_as_busy)
{
	struct busy busy;
	short got;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	got = poll_once(busy.dmabuf, POLLIN, 0);
	if (pending(&busy))
		EXPECT_EQ(got, 0);
	got = poll_once(busy.dmabuf, POLLOUT, 0);
	if (pending(&busy))
		EXPECT_EQ(got, 0);
	EXPECT_EQ(poll_once(busy.dmabuf, POLLIN, 10000), POLLIN);
	EXPECT(!pending(&busy));
	EXPECT_EQ(poll_once(busy.dmabuf, BOTH, 0), BOTH);
}

TEST(poll_for_writing_waits_for_a_writer)
{
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	EXPECT_EQ(poll_once(busy.dmabuf, POLLOUT, -1), POLLOUT);
	EXPECT(!pending(&busy));
}

TEST(a_read_buffer_polls_readable_first)
{
	struct busy busy;
	short got;

	make_busy(&busy, DMA_BUF_SYNC_READ);
	got = poll_once(busy.dmabuf, BOTH, 0);
	if (pending(&busy))
		EXPECT_EQ(got, POLLIN);
	EXPECT_EQ(poll_once(busy.dmabuf, POLLOUT, 10000), POLLOUT);
	EXPECT(!pending(&busy));
}

TEST(poll_waits_for_what_else_there_is)
{
	struct busy busy;
	int pipes[2];

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	EXPECT_OK(result(pipe(pipes)));
	for (int written = 0; written < 2; written++) {
		struct pollfd fds[] = { { pipes[0], POLLIN, 0 },
					{ -1, POLLIN, 77 },
					{ busy.dmabuf, POLLIN, 0 },
					{ busy.fence, POLLIN, 0 } };
		int n = poll(fds, ARRAY_SIZE(fds), 10000);

		EXPECT_EQ(n, (fds[0].revents != 0) + (fds[2].revents != 0) + (fds[3].revents != 0));
		EXPECT_EQ(fds[0].revents, written ? POLLIN : 0);
		EXPECT_EQ(fds[1].revents, 0);
		EXPECT(n > 0);
		EXPECT_EQ(write(pipes[1], "", 1), 1);
	}
}

TEST(poll_says_which_descriptors_are_bad)
{
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	struct pollfd fds[] = { { busy.dmabuf, POLLIN, 0 }, { 1000000, POLLIN, 0 } };

	EXPECT(poll(fds, 2, -1) >= 1);
	EXPECT_EQ(fds[1].revents, POLLNVAL);
}

static void on_alarm(int signal)
{
	(void)signal;
}

/* A mask that is in force while it waits lets a signal in. */
TEST(ppoll_takes_its_mask)
{
	struct sigaction action = { .sa_handler = on_alarm };
	sigset_t blocked, none;
	struct busy busy;
	int ret;

	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGALRM);
	sigaction(SIGALRM, &action, NULL);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	raise(SIGALRM);
	struct pollfd fd = { busy.dmabuf, POLLIN, 0 };

	ret = ppoll(&fd, 1, NULL, &none);
	if (ret < 0)
		EXPECT_EQ(errno, EINTR);
	else
		EXPECT(!pending(&busy));
}

TEST(select_waits_as_poll_does)
{
	struct timeval timeout = { .tv_sec = 10 }, at_once = { 0 };
	struct timespec ten = { .tv_sec = 10 };
	struct busy busy;
	fd_set read, write;
	int ret;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	FD_ZERO(&read);
	FD_SET(busy.dmabuf, &read);
	ret = select(busy.dmabuf + 1, &read, NULL, NULL, &at_once);
	if (pending(&busy)) {
		EXPECT_EQ(ret, 0);
		EXPECT(!FD_ISSET(busy.dmabuf, &read));
	}
	FD_ZERO(&read);
	FD_ZERO(&write);
	FD_SET(busy.dmabuf, &read);
	FD_SET(busy.dmabuf, &write);
	ret = select(busy.dmabuf + 1, &read, &write, NULL, &timeout);
	EXPECT_EQ(ret, 2);
	EXPECT(FD_ISSET(busy.dmabuf, &read) && FD_ISSET(busy.dmabuf, &write));
	EXPECT(!pending(&busy));
	EXPECT(timeout.tv_sec <= 9);
	EXPECT_EQ(pselect(busy.dmabuf + 1, &read, NULL, NULL, &ten, NULL), 1);
}

/* -- epoll ----------------------------------------------------------------- */

static int control(int epoll, int op, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = 0x123456789abcdef };

	return result(epoll_ctl(epoll, op, fd, &event));
}

static uint32_t wait_one(int epoll, int milliseconds)
{
	struct epoll_event events[2];
	int n = epoll_wait(epoll, events, 2, milliseconds);

	EXPECT(n >= 0 && n < 2);
	if (n == 0)
		return 0;
	EXPECT_EQ(events[0].data.u64, 0x123456789abcdef);
	return events[0].events;
}

TEST(an_idle_buffer_is_ready_in_an_epoll_set)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
	EXPECT_OK(control(epoll, EPOLL_CTL_MOD, dmabuf, EPOLLIN | EPOLLOUT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN | EPOLLOUT);
	EXPECT_OK(control(epoll, EPOLL_CTL_MOD, dmabuf, 0));
	EXPECT_EQ(wait_one(epoll, 0), 0);
	EXPECT_OK(control(epoll, EPOLL_CTL_MOD, dmabuf, EPOLLOUT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLOUT);
	EXPECT_OK(control(epoll, EPOLL_CTL_DEL, dmabuf, 0));
	EXPECT_EQ(wait_one(epoll, 0), 0);
}

TEST(epoll_knows_what_is_in_its_set)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC);
	int other = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_ERROR(control(epoll, EPOLL_CTL_MOD, dmabuf, EPOLLIN), ENOENT);
	EXPECT_ERROR(control(epoll, EPOLL_CTL_DEL, dmabuf, EPOLLIN), ENOENT);
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	EXPECT_ERROR(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN), EEXIST);
	EXPECT_OK(control(other, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	EXPECT_OK(control(epoll, EPOLL_CTL_DEL, dmabuf, EPOLLIN));
	EXPECT_ERROR(control(epoll, EPOLL_CTL_DEL, dmabuf, EPOLLIN), ENOENT);
	EXPECT_EQ(wait_one(other, 10000), EPOLLIN);
}

TEST(epoll_checks_its_arguments)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC), pipes[2];

	EXPECT_ERROR(result(epoll_ctl(epoll, EPOLL_CTL_ADD, dmabuf, NULL)), EFAULT);
	EXPECT_ERROR(control(-1, EPOLL_CTL_ADD, dmabuf, EPOLLIN), EBADF);
	EXPECT_OK(result(pipe(pipes)));
	EXPECT_ERROR(control(pipes[0], EPOLL_CTL_ADD, dmabuf, EPOLLIN), EINVAL);
}

TEST(a_closed_buffer_leaves_the_epoll_set)
{
	int fd = open_card(), epoll = epoll_create1(EPOLL_CLOEXEC), dmabuf, again;
	struct dumb dumb;

	need_prime(fd);
	dumb_create(fd, 64, 64, 32, &dumb);
	EXPECT_OK(prime_export(fd, dumb.handle, DRM_CLOEXEC | DRM_RDWR, &dmabuf));
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	/* An object holds its dma-buf. */
	close(fd);
	close(dmabuf);
	EXPECT_EQ(wait_one(epoll, 0), 0);
	again = open_dmabuf();
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, again, EPOLLOUT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLOUT);
}

TEST(a_closed_epoll_set_forgets_its_buffers)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	close(epoll);
	EXPECT_EQ(epoll_create1(EPOLL_CLOEXEC), epoll);
	EXPECT_ERROR(control(epoll, EPOLL_CTL_MOD, dmabuf, EPOLLIN), ENOENT);
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
}

TEST(a_busy_buffer_is_not_ready_in_an_epoll_set)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct busy busy;
	uint32_t got;

	make_busy(&busy, DMA_BUF_SYNC_WRITE);
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, busy.dmabuf, EPOLLIN));
	got = wait_one(epoll, 0);
	if (pending(&busy))
		EXPECT_EQ(got, 0);
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
	EXPECT(!pending(&busy));
	/* It stays so. */
	EXPECT_EQ(wait_one(epoll, 0), EPOLLIN);
}

TEST(a_read_buffer_is_writable_later_in_an_epoll_set)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct busy busy;

	make_busy(&busy, DMA_BUF_SYNC_READ);
	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, busy.dmabuf, EPOLLOUT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLOUT);
	EXPECT(!pending(&busy));
	EXPECT_OK(control(epoll, EPOLL_CTL_MOD, busy.dmabuf, EPOLLIN | EPOLLOUT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN | EPOLLOUT);
}

/* Once is once, until it is armed again. */
TEST(epoll_once_is_once)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC);

	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
	EXPECT_EQ(wait_one(epoll, 0), 0);
	EXPECT_OK(control(epoll, EPOLL_CTL_MOD, dmabuf, EPOLLIN | EPOLLONESHOT));
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
}

/* A program that closes all but a few descriptors, and dup2()s over others; some
 * numbers are left. */
TEST(an_epoll_set_survives_what_a_program_does_to_other_numbers)
{
	int dmabuf = open_dmabuf(), epoll = epoll_create1(EPOLL_CLOEXEC);
	int last = dmabuf > epoll ? dmabuf : epoll;

	EXPECT_OK(control(epoll, EPOLL_CTL_ADD, dmabuf, EPOLLIN));
	for (int fd = last + 1; fd < 1100; fd++)
		close(fd);
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
	for (int fd = last + 1; fd < 1100 && fd < (int)sysconf(_SC_OPEN_MAX) - 64; fd++)
		EXPECT_EQ(dup2(0, fd), fd);
	EXPECT_EQ(wait_one(epoll, 10000), EPOLLIN);
	EXPECT_OK(control(epoll, EPOLL_CTL_DEL, dmabuf, EPOLLIN));
	EXPECT_EQ(wait_one(epoll, 0), 0);
}
