// SPDX-License-Identifier: MIT
/*
 * A program that makes its system calls itself, as runtimes without a C library
 * do: every call that has to do with the device is an instruction in this file. So
 * opening, ioctls, mappings, events, threads, processes and signals take the
 * trap. The rest, cmocka above all, uses the C library, as such programs do.
 */
#define _GNU_SOURCE
#include <linux/openat2.h>
#include <linux/sched.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include "client.h"

#define DEVICE "/dev/dri/card0"

static char program[4096];

/* -- the instruction ----------------------------------------------------------- */

#if defined(__x86_64__)
static long call6(long n, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8),
			   "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

/* A number that the instruction's reader can see: so programs are recognised. */
static long getpid_raw(void)
{
	long ret;

	__asm__ volatile("mov $39, %%eax\n\tsyscall"
			 : "=a"(ret)
			 :
			 : "rcx", "r11", "memory");
	return ret;
}
#else
static long call6(long n, long a, long b, long c, long d, long e, long f)
{
	long ret = syscall(n, a, b, c, d, e, f);

	return ret < 0 ? -errno : ret;
}

static long getpid_raw(void)
{
	return getpid();
}
#endif

#define CALL(n, a, b, c, d, e, f, ...)					\
	call6(SYS_##n, (long)(a), (long)(b), (long)(c), (long)(d),	\
	      (long)(e), (long)(f))
#define RAW(...) CALL(__VA_ARGS__, 0, 0, 0, 0, 0, 0)

static int raw_open(const char *path, int flags)
{
	return (int)RAW(openat, AT_FDCWD, path, flags);
}

static bool raw_is_drm(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = 15 };

	return RAW(ioctl, fd, DRM_IOCTL_VERSION, &version) == 0 &&
	       !strcmp(name, "holdfast");
}

/* -- files and ioctls -------------------------------------------------------------- */

static void the_device_opens(void **state)
{
	static const struct open_how how = { .flags = O_RDWR | O_CLOEXEC };
	int fds[3];

	fds[0] = raw_open(DEVICE, O_RDWR | O_CLOEXEC);
	fds[1] = (int)RAW(open, DEVICE, O_RDWR | O_CLOEXEC);
	fds[2] = (int)RAW(openat2, AT_FDCWD, DEVICE, &how, sizeof(how));
	for (int i = 0; i < 3; i++) {
		assert_true(raw_is_drm(fds[i]));
		assert_int_equal(RAW(fcntl, fds[i], F_GETFD), FD_CLOEXEC);
		assert_int_equal(RAW(close, fds[i]), 0);
		assert_int_equal(RAW(fcntl, fds[i], F_GETFD), -EBADF);
	}
}

static void errors_are_negative_and_errno_stays(void **state)
{
	int fd = raw_open(DEVICE, O_RDWR);

	errno = 4711;
	assert_int_equal(raw_open("/dev/dri/card77", O_RDWR), -ENOENT);
	assert_int_equal(raw_open(DEVICE, O_RDWR | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(RAW(ioctl, fd, DRM_IOCTL_MODE_ATOMIC, 1), -EFAULT);
	assert_int_equal(RAW(ioctl, fd, DRM_IO(0xff), 0), -EINVAL);
	assert_int_equal(RAW(ioctl, 4000, DRM_IOCTL_VERSION, 0), -EBADF);
	assert_int_equal(RAW(write, fd, "x", 1), -EINVAL);
	assert_int_equal(errno, 4711);
	RAW(close, fd);
}

static void the_node_can_be_looked_at(void **state)
{
	char link[256];
	struct statx stx;
	struct stat st;
	long n;

	assert_int_equal(RAW(stat, DEVICE, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(RAW(newfstatat, AT_FDCWD, DEVICE, &st, 0), 0);
	assert_int_equal(st.st_rdev >> 8, 226);
	assert_int_equal(RAW(statx, AT_FDCWD, DEVICE, 0, STATX_BASIC_STATS,
			     &stx), 0);
	assert_int_equal(stx.stx_rdev_major, 226);
	assert_int_equal(RAW(access, DEVICE, R_OK | W_OK), 0);
	assert_int_equal(RAW(faccessat2, AT_FDCWD, DEVICE, R_OK, 0), 0);
	n = RAW(readlinkat, AT_FDCWD, "/sys/class/drm/card0", link,
		sizeof(link));
	assert_true(n > 0);
}

static void an_attribute_is_read(void **state)
{
	char text[64] = "";
	struct iovec iov = { text, sizeof(text) - 1 };
	int fd = raw_open("/sys/class/drm/card0/dev", O_RDONLY);

	assert_true(fd >= 0);
	assert_true(RAW(readv, fd, &iov, 1) > 0);
	assert_string_equal(text, "226:0\n");
	RAW(close, fd);
}

static void the_directory_is_listed(void **state)
{
	char buf[2048];
	bool found = false;
	int fd = raw_open("/sys/class/drm/card0/", O_RDONLY | O_DIRECTORY);
	long n;

	assert_true(fd >= 0);
	while ((n = RAW(getdents64, fd, buf, sizeof(buf))) > 0)
		for (long at = 0; at < n;) {
			struct dirent64 {
				uint64_t ino, off;
				uint16_t length;
				uint8_t type;
				char name[];
			} *entry = (void *)(buf + at);

			found |= !strcmp(entry->name, "uevent");
			at += entry->length;
		}
	assert_int_equal(n, 0);
	assert_true(found);
	RAW(close, fd);
}

/* -- a picture ------------------------------------------------------------------------- */

struct screen {
	int fd;
	uint32_t crtc, connector, fb;
	struct drm_mode_create_dumb dumb;
	uint32_t *pixels;
};

static void find_pipe(struct screen *screen, struct drm_mode_modeinfo *mode)
{
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)&screen->crtc, .count_crtcs = 1,
		.connector_id_ptr = (uintptr_t)&screen->connector,
		.count_connectors = 1,
	};
	struct drm_mode_modeinfo modes[64];
	struct drm_mode_get_connector connector = { 0 };

	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_GETRESOURCES,
			     &res), 0);
	connector.connector_id = screen->connector;
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_GETCONNECTOR,
			     &connector), 0);
	assert_in_range(connector.count_modes, 1, 64);
	connector.modes_ptr = (uintptr_t)modes;
	connector.count_props = connector.count_encoders = 0;
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_GETCONNECTOR,
			     &connector), 0);
	*mode = modes[0];
}

static void make_buffer(struct screen *screen,
			const struct drm_mode_modeinfo *mode)
{
	struct drm_mode_map_dumb map = { 0 };
	struct drm_mode_fb_cmd fb = { 0 };
	long at;

	screen->dumb = (struct drm_mode_create_dumb){
		.width = mode->hdisplay, .height = mode->vdisplay, .bpp = 32,
	};
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_CREATE_DUMB,
			     &screen->dumb), 0);
	map.handle = screen->dumb.handle;
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_MAP_DUMB, &map),
			 0);
	at = RAW(mmap, NULL, screen->dumb.size, PROT_READ | PROT_WRITE,
		 MAP_SHARED, screen->fd, map.offset);
	assert_true(at > 0 || at < -4095);
	screen->pixels = (uint32_t *)at;
	fb.width = mode->hdisplay;
	fb.height = mode->vdisplay;
	fb.pitch = screen->dumb.pitch;
	fb.bpp = 32;
	fb.depth = 24;
	fb.handle = screen->dumb.handle;
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_ADDFB, &fb), 0);
	screen->fb = fb.fb_id;
}

static void light_up(struct screen *screen)
{
	struct drm_mode_crtc crtc = { 0 };

	screen->fd = raw_open(DEVICE, O_RDWR | O_CLOEXEC);
	assert_true(screen->fd >= 0);
	find_pipe(screen, &crtc.mode);
	make_buffer(screen, &crtc.mode);
	screen->pixels[0] = 0x123456;
	crtc.crtc_id = screen->crtc;
	crtc.fb_id = screen->fb;
	crtc.set_connectors_ptr = (uintptr_t)&screen->connector;
	crtc.count_connectors = crtc.mode_valid = 1;
	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_SETCRTC, &crtc),
			 0);
}

static void go_dark(struct screen *screen)
{
	RAW(munmap, screen->pixels, screen->dumb.size);
	assert_int_equal(RAW(close, screen->fd), 0);
}

static void flip(const struct screen *screen, uint64_t data)
{
	struct drm_mode_crtc_page_flip flip = {
		.crtc_id = screen->crtc,
		.fb_id = screen->fb,
		.flags = DRM_MODE_PAGE_FLIP_EVENT,
		.user_data = data,
	};

	assert_int_equal(RAW(ioctl, screen->fd, DRM_IOCTL_MODE_PAGE_FLIP,
			     &flip), 0);
}

static void expect_event(const struct screen *screen, uint64_t data)
{
	struct drm_event_vblank event;

	assert_int_equal(RAW(read, screen->fd, &event, sizeof(event)),
			 sizeof(event));
	assert_int_equal(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	assert_int_equal(event.user_data, data);
}

static void a_flip_is_waited_for_in_every_way(void **state)
{
	const struct timespec long_time = { .tv_sec = 20 };
	struct epoll_event event = { .events = EPOLLIN };
	struct screen screen = { 0 };
	struct pollfd pfd;
	uint64_t none = 0;
	fd_set set;
	int epoll;

	light_up(&screen);
	flip(&screen, 1);
	expect_event(&screen, 1); /* read waits */
	pfd = (struct pollfd){ .fd = screen.fd, .events = POLLIN };
	flip(&screen, 2);
	assert_int_equal(RAW(poll, &pfd, 1, 20000), 1);
	expect_event(&screen, 2);
	flip(&screen, 3);
	assert_int_equal(RAW(ppoll, &pfd, 1, &long_time, &none, 8), 1);
	expect_event(&screen, 3);
	FD_ZERO(&set);
	FD_SET(screen.fd, &set);
	flip(&screen, 4);
	assert_int_equal(RAW(pselect6, screen.fd + 1, &set, NULL, NULL,
			     &long_time, NULL), 1);
	expect_event(&screen, 4);
	epoll = (int)RAW(epoll_create1, EPOLL_CLOEXEC);
	assert_int_equal(RAW(epoll_ctl, epoll, EPOLL_CTL_ADD, screen.fd,
			     &event), 0);
	flip(&screen, 5);
	assert_int_equal(RAW(epoll_pwait, epoll, &event, 1, 20000, &none, 8),
			 1);
	expect_event(&screen, 5);
	RAW(close, epoll);
	go_dark(&screen);
}

/* -- registers ------------------------------------------------------------------------------ */

#if defined(__x86_64__)
static void other_registers_stay_as_they_are(void **state)
{
	static const char path[] = "/sys/class/drm/card0/dev";
	uint64_t in[4] __attribute__((aligned(32))) = { 1, 2, 3, 4 }, out[4];
	register long r10 __asm__("r10") = 0x1010;
	register long r8 __asm__("r8") = 0x0808;
	register long r9 __asm__("r9") = 0x0909;
	register long r12 __asm__("r12") = 0x1212;
	long di = AT_FDCWD, si = (long)path, dx = O_RDONLY, ret, guard;

	/* The words below the stack pointer are the function's, too. */
	__asm__ volatile("movq $0x77, -64(%%rsp)\n\t"
			 "movdqa %[in], %%xmm7\n\t"
			 "movdqa %[in], %%xmm15\n\t"
			 "syscall\n\t"
			 "movdqu %%xmm7, %[low]\n\t"
			 "movdqu %%xmm15, %[high]\n\t"
			 "movq -64(%%rsp), %[guard]"
			 : "=a"(ret), "+D"(di), "+S"(si), "+d"(dx), "+r"(r10),
			   "+r"(r8), "+r"(r9), "+r"(r12), [low] "=m"(out[0]),
			   [high] "=m"(out[2]), [guard] "=&b"(guard)
			 : "a"((long)SYS_openat), [in] "m"(in[0])
			 : "rcx", "r11", "xmm7", "xmm15", "memory");
	assert_true(ret >= 0);
	assert_int_equal(di, AT_FDCWD);
	assert_int_equal(si, (long)path);
	assert_int_equal(dx, O_RDONLY);
	assert_int_equal(r10, 0x1010);
	assert_int_equal(r8, 0x0808);
	assert_int_equal(r9, 0x0909);
	assert_int_equal(r12, 0x1212);
	assert_int_equal(out[0], 1);
	assert_int_equal(out[2], 1);
	assert_int_equal(guard, 0x77);
	RAW(close, ret);
}
#endif

/* -- threads and processes --------------------------------------------------------------------- */

static void *use_it_often(void *data)
{
	for (int i = 0; i < 200; i++) {
		int fd = raw_open(DEVICE, O_RDWR);

		if (!raw_is_drm(fd) || RAW(close, fd))
			return "it failed";
	}
	return NULL;
}

static void threads_are_trapped_too(void **state)
{
	pthread_t threads[4];
	void *ret;

	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_it_often,
						NULL), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &ret);
		assert_null(ret);
	}
}

#define WAIT(pid) ({							\
	int status_ = -1;						\
	assert_int_equal(RAW(wait4, pid, &status_, 0, NULL), pid);	\
	status_; })

static int use_in_child(void)
{
	int fd = raw_open(DEVICE, O_RDWR);

	return raw_is_drm(fd) ? 7 : 1;
}

static void children_are_trapped_too(void **state)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	long pid;

	pid = RAW(fork);
	if (!pid)
		RAW(exit_group, use_in_child());
	assert_int_equal(WAIT(pid), 7 << 8);
	pid = RAW(clone, SIGCHLD);
	if (!pid)
		RAW(exit_group, use_in_child());
	assert_int_equal(WAIT(pid), 7 << 8);
	pid = RAW(clone3, &args, sizeof(args));
	if (!pid)
		RAW(exit_group, use_in_child());
	assert_int_equal(WAIT(pid), 7 << 8);
	pid = fork();
	if (!pid)
		RAW(exit_group, use_in_child());
	assert_int_equal(WAIT(pid), 7 << 8);
	assert_int_equal(use_in_child(), 7);
}

static void a_vfork_child_starts_a_program(void **state)
{
	char *argv[] = { program, "image", NULL }, *nothing[] = { NULL };
	volatile int before = 3;
	long pid = RAW(vfork);

	if (!pid) {
		RAW(execve, program, argv, nothing);
		RAW(exit_group, 1);
	}
	assert_int_equal(before, 3);
	assert_int_equal(WAIT(pid), 7 << 8);
}

static void a_program_is_executed_by_descriptor(void **state)
{
	char *argv[] = { program, "image", NULL }, *nothing[] = { NULL };
	int fd = raw_open(program, O_RDONLY);
	long pid = RAW(fork);

	if (!pid) {
		RAW(execveat, fd, "", argv, nothing, AT_EMPTY_PATH);
		RAW(exit_group, 1);
	}
	assert_int_equal(WAIT(pid), 7 << 8);
	RAW(close, fd);
}

#if defined(__x86_64__)
static _Atomic int word;

/* No C library function may be called here: the thread is not the C library's. */
static void __attribute__((used, noreturn)) bare_thread(void)
{
	atomic_store(&word, raw_open("/dev/null", O_RDONLY) >= 0 ? 1 : 2);
	for (;;)
		call6(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static void a_thread_without_the_c_library_runs(void **state)
{
	const long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			   CLONE_THREAD | CLONE_SYSVSEM;
	static char stack[65536] __attribute__((aligned(64)));
	long ret;

	__asm__ volatile("xor %%edx, %%edx\n\t"
			 "xor %%r10d, %%r10d\n\t"
			 "xor %%r8d, %%r8d\n\t"
			 "syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "call bare_thread\n"
			 "1:"
			 : "=a"(ret)
			 : "a"((long)SYS_clone), "D"(flags),
			   "S"(stack + sizeof(stack))
			 : "rcx", "rdx", "r8", "r10", "r11", "memory");
	assert_true(ret > 0);
	while (!atomic_load(&word))
		sched_yield();
	assert_int_equal(atomic_load(&word), 1);
}
#endif

/* -- passing --------------------------------------------------------------------------------------- */

static long raw_pass(int socket, int *fd, bool send)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	long ret;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), fd, sizeof(*fd));
	if (send)
		return RAW(sendmsg, socket, &message, 0);
	ret = RAW(recvmsg, socket, &message, 0);
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(*fd));
	return ret;
}

static void the_file_goes_to_another_process(void **state)
{
	int pair[2], fd = -1;
	long pid;

	assert_int_equal(RAW(socketpair, AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = RAW(fork);
	if (!pid) {
		long n = raw_pass(pair[1], &fd, false);

		RAW(exit_group, n == 1 && raw_is_drm(fd) ? 7 : 1);
	}
	fd = raw_open(DEVICE, O_RDWR);
	assert_int_equal(raw_pass(pair[0], &fd, true), 1);
	assert_int_equal(WAIT(pid), 7 << 8);
	RAW(close, fd);
	RAW(close, pair[0]);
	RAW(close, pair[1]);
}

static void closing_all_leaves_the_device_in_reach(void **state)
{
	long pid = RAW(fork);

	if (!pid) {
		int fd = raw_open(DEVICE, O_RDWR);

		if (!raw_is_drm(fd) || RAW(close_range, 3, ~0u, 0))
			RAW(exit_group, 1);
		RAW(exit_group, raw_open(DEVICE, O_RDWR) == 3 ? 7 : 2);
	}
	assert_int_equal(WAIT(pid), 7 << 8);
}

/* -- signals ------------------------------------------------------------------------------------------ */

static _Atomic int opened, caught;

static void open_in_handler(int sig)
{
	int fd = raw_open(DEVICE, O_RDWR);

	atomic_fetch_add(&opened, raw_is_drm(fd));
	RAW(close, fd);
}

static void on_sigsys(int sig, siginfo_t *info, void *context)
{
	atomic_fetch_add(&caught, info->si_code == SI_QUEUE);
}

struct kernel_sigaction {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static void nobody_can_block_the_trap(void **state)
{
	uint64_t all = ~UINT64_C(0), old;
	sigset_t every, before;
	int fd;

	sigfillset(&every);
	sigprocmask(SIG_BLOCK, &every, &before);
	fd = raw_open(DEVICE, O_RDWR);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	assert_true(raw_is_drm(fd));
	assert_int_equal(RAW(rt_sigprocmask, SIG_SETMASK, &all, &old, 8), 0);
	assert_true(raw_is_drm(fd));
	assert_int_equal(RAW(rt_sigprocmask, SIG_SETMASK, &old, NULL, 8), 0);
	RAW(close, fd);
}

static void handlers_make_calls_too(void **state)
{
	struct sigaction action = { .sa_handler = open_in_handler };
	stack_t alternate = { .ss_size = 65536 }, none = { .ss_flags = SS_DISABLE };
	struct itimerval soon = { .it_value = { .tv_usec = 1000 } };
	const struct timespec long_time = { .tv_sec = 20 };

	alternate.ss_sp = malloc(alternate.ss_size);
	sigfillset(&action.sa_mask);
	for (int i = 0; i < 2; i++) {
		/* A call that waits is interrupted; the handler makes others. */
		sigaction(SIGALRM, &action, NULL);
		atomic_store(&opened, 0);
		setitimer(ITIMER_REAL, &soon, NULL);
		assert_int_equal(RAW(nanosleep, &long_time, NULL), -EINTR);
		assert_int_equal(atomic_load(&opened), 1);
		raise(SIGALRM);
		assert_int_equal(atomic_load(&opened), 2);
		action.sa_flags = SA_ONSTACK;
		assert_int_equal(RAW(sigaltstack, &alternate, NULL), 0);
	}
	sigaltstack(&none, NULL);
	free(alternate.ss_sp);
	signal(SIGALRM, SIG_DFL);
}

static void a_sigsys_of_ones_own_arrives(void **state)
{
	struct kernel_sigaction action = { 0 }, old = { 0 };
	struct sigaction mine = { .sa_sigaction = on_sigsys,
				  .sa_flags = SA_SIGINFO }, was;
	int fd;

	/* cmocka has one, too. */
	assert_int_equal(sigaction(SIGSYS, &mine, &was), 0);
	assert_int_equal(sigqueue(getpid(), SIGSYS, (union sigval){ 0 }), 0);
	assert_int_equal(atomic_load(&caught), 1);
	fd = raw_open(DEVICE, O_RDWR);
	assert_true(raw_is_drm(fd));
	RAW(close, fd);
	assert_int_equal(RAW(rt_sigaction, SIGSYS, &action, &old, 8), 0);
	assert_ptr_equal(old.handler, on_sigsys);
	assert_int_equal(use_in_child(), 7);
	assert_int_equal(sigaction(SIGSYS, &was, NULL), 0);
}

static void one_can_be_killed_by_sigsys(void **state)
{
	long pid = RAW(fork);

	if (!pid) {
		signal(SIGSYS, SIG_DFL);
		raise(SIGSYS);
		RAW(exit_group, 1);
	}
	assert_int_equal(WAIT(pid) & 0x7f, SIGSYS);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_device_opens),
		cmocka_unit_test(errors_are_negative_and_errno_stays),
		cmocka_unit_test(the_node_can_be_looked_at),
		cmocka_unit_test(an_attribute_is_read),
		cmocka_unit_test(the_directory_is_listed),
		cmocka_unit_test(a_flip_is_waited_for_in_every_way),
#if defined(__x86_64__)
		cmocka_unit_test(other_registers_stay_as_they_are),
		cmocka_unit_test(a_thread_without_the_c_library_runs),
#endif
		cmocka_unit_test(threads_are_trapped_too),
		cmocka_unit_test(children_are_trapped_too),
		cmocka_unit_test(a_vfork_child_starts_a_program),
		cmocka_unit_test(a_program_is_executed_by_descriptor),
		cmocka_unit_test(the_file_goes_to_another_process),
		cmocka_unit_test(closing_all_leaves_the_device_in_reach),
		cmocka_unit_test(nobody_can_block_the_trap),
		cmocka_unit_test(handlers_make_calls_too),
		cmocka_unit_test(a_sigsys_of_ones_own_arrives),
		cmocka_unit_test(one_can_be_killed_by_sigsys),
	};
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	if (n <= 0 || getpid_raw() != getpid())
		return 1;
	if (argc > 1)
		return use_in_child();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
