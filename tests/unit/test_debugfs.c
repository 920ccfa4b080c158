/* SPDX-License-Identifier: MIT */
/*
 * The files of debugfs: which there are, for whom, and the CRCs of what a CRTC shows,
 * where the test decides when a timer fires. The composer is a thread.
 *
 * What a driver's files say is in tests/uapi/crc.c, what programs make of them in
 * tests/clients/debugfs.sh.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "server/debugfs.h"

#define DIR "/sys/kernel/debug/dri/"
#define DATA DIR "7/crtc-0/crc/data"
#define CRC DIR "7/crtc-0/crc"
#define LINE 23

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_cred self;
static unsigned int open_before;

#define KMS (&dev->kms)
#define CRTC (dev->kms.crtcs[0])
#define LOCKED(statement)                                                     \
	do {                                                                  \
		pthread_mutex_lock(&sys->lock);                               \
		statement;                                                    \
		pthread_mutex_unlock(&sys->lock);                             \
	} while (0)

static int setup(void **state)
{
	static const struct hf_kms_output output = {
		.width = 64, .height = 48, .hz = 1000,
	};

	(void)state;
	open_before = count_fds();
	self = (struct hf_cred){ getpid(), geteuid(), getegid() };
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = 7,
				       .render = 135,
				       .iommu = true,
				       .coherent = true,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	assert_non_null(dev);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	hf_debugfs_finish(sys);
	LOCKED(hf_vblank_off(CRTC));
	assert_true(wl_list_empty(&KMS->watches));
	assert_true(wl_list_empty(&CRTC->vblank.waiters));
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

static struct hf_atomic_state *new_state(void)
{
	struct hf_atomic_state *state = hf_atomic_state_create(KMS);

	assert_non_null(state);
	state->allow_modeset = true;
	return state;
}

static void light(bool on)
{
	struct hf_atomic_state *state = new_state();
	struct hf_crtc_state *crtc = hf_atomic_get_crtc(state, CRTC);
	struct hf_connector_state *connector =
		hf_atomic_get_connector(state, KMS->connectors[0]);

	assert_int_equal(hf_atomic_set_mode(
				 crtc, &KMS->connectors[0]->modes[0]), 0);
	crtc->active = on;
	hf_atomic_set_connector_crtc(state, connector, CRTC);
	LOCKED(assert_int_equal(hf_atomic_commit_now(state), 0));
}

/* Another picture, after a fence if there is one, without waiting for it. */
static void paint(uint64_t background, struct hf_fence *fence)
{
	struct hf_atomic_state *state = new_state();

	hf_atomic_get_crtc(state, CRTC)->background = background;
	if (fence)
		hf_atomic_get_plane(state, CRTC->primary)->in_fence =
			hf_fence_get(fence);
	LOCKED({
		assert_int_equal(hf_atomic_check(state), 0);
		assert_true(hf_atomic_commit(state, NULL) >= 0);
	});
}

static int open_file(const char *path)
{
	return hf_debugfs_open(sys, &self, path);
}

/* Let timers that are due fire, and see hang-ups. */
static void pump(void)
{
	uint64_t ids[16];
	int n;

	LOCKED({
		hf_clock_dispatch(sys->clock);
		while ((n = hf_endpoints_poll(&sys->endpoints, ids, 16)))
			while (n)
				hf_endpoints_hang_up(&sys->endpoints,
						     ids[--n]);
	});
}

struct line {
	uint32_t vblank, crc;
};

/* The next line; a minute is for ever. */
static struct line next_line(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char text[64];
	struct line line;
	int tries = 0;

	do {
		assert_int_not_equal(tries++, 60000);
		pump();
	} while (!poll(&pfd, 1, 1));
	assert_int_equal(recv(fd, text, sizeof(text), 0), LINE);
	assert_int_equal(sscanf(text, "0x%8x 0x%8x\n", &line.vblank, &line.crc),
			 2);
	assert_int_equal(text[LINE - 1], 0);
	return line;
}

static uint32_t vblanks(void)
{
	uint32_t count;

	LOCKED(count = hf_vblank_count(CRTC, NULL));
	return count;
}

static void pass_vblanks(uint32_t n)
{
	uint32_t end = vblanks() + n;

	while ((int32_t)(vblanks() - end) < 0)
		nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
}

/* -- files ----------------------------------------------------------------- */

static void a_file_that_there_is_none_of_is_enoent(void **state)
{
	static const char *const paths[] = {
		"", "/", DIR, DIR "7", DIR "7/", DIR "8/name", DIR "7/nam",
		DIR "7/names", DIR "7/crtc-0", DIR "7/crtc-0/", DIR "-1/name",
		DIR "7/crtc-99/crc/data", DIR "7/crtc-0/crc/dat",
		DIR "7/crtc-0/crc/datas", DIR "135/crtc-0/crc/data",
		DIR "7/crtc-x/crc/data", "/sys/kernel/debug/dri",
		DIR "7/crtc--1/crc/data", DIR "99999999999999/name",
	};

	(void)state;
	light(true);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		assert_int_equal(open_file(paths[i]), -ENOENT);
}

static void a_file_says_what_there_is_and_never_changes(void **state)
{
	static const char *const names[] = { "name", "clients", "gem_names",
					     "state", "framebuffer" };
	char path[64], text[4096];

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		int fd;

		snprintf(path, sizeof(path), DIR "7/%s", names[i]);
		fd = open_file(path);
		assert_true(fd >= 0);
		if (i == 0) {
			memset(text, 0, sizeof(text));
			assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
			assert_string_equal(
				text,
				"holdfast dev=holdfast.0 unique=holdfast.0\n");
		}
		assert_int_equal(pwrite(fd, "x", 1, 0), -1);
		assert_int_equal(errno, EPERM);
		close(fd);
	}
}

static void other_users_are_kept_out(void **state)
{
	struct hf_cred nobody = { .pid = 0, .uid = 65534, .gid = 65534 };

	(void)state;
	if (geteuid() == nobody.uid)
		nobody.uid--;
	light(true);
	assert_int_equal(hf_debugfs_open(sys, &nobody, DIR "7/name"), -EACCES);
	assert_int_equal(hf_debugfs_open(sys, &nobody, DATA), -EACCES);
}

/* -- control --------------------------------------------------------------- */

static int set_source(const char *dir, const char *text)
{
	int ret;

	LOCKED(ret = hf_debugfs_set_source(sys, dir, text));
	return ret;
}

static void control_takes_the_source_that_there_is(void **state)
{
	char much[4097];
	int data;

	(void)state;
	light(true);
	assert_int_equal(set_source(CRC, "auto"), 0);
	assert_int_equal(set_source(CRC, "auto\n"), 0);
	assert_int_equal(set_source(CRC, "auto\n\n"), -EINVAL);
	assert_int_equal(set_source(CRC, "aut"), -EINVAL);
	assert_int_equal(set_source(CRC, "automatic"), -EINVAL);
	assert_int_equal(set_source(CRC, ""), -EINVAL);
	memset(much, 'a', sizeof(much));
	much[4096] = 0;
	assert_int_equal(set_source(CRC, much), -E2BIG);
	much[4095] = 0;
	assert_int_equal(set_source(CRC, much), -EINVAL);
	assert_int_equal(set_source(DIR "7/crtc-0", "auto"), -EIO);
	assert_int_equal(set_source(DIR "9/crtc-0/crc", "auto"), -EIO);
	assert_int_equal(set_source("/sys/devices/power", "auto"), -EIO);
	data = open_file(DATA);
	assert_int_equal(set_source(CRC, "auto"), -EBUSY);
	assert_int_equal(set_source(CRC, "none"), -EINVAL);
	close(data);
	pump();
	assert_int_equal(set_source(CRC, "auto"), 0);
}

/* -- CRCs ------------------------------------------------------------------ */

static void a_dark_crtc_has_none(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(open_file(DATA), -EIO);
	light(true);
	fd = open_file(DATA);
	assert_true(fd >= 0);
	assert_int_equal(open_file(DATA), -EBUSY);
	light(false);
	/* It is off, which comes before that somebody reads. */
	assert_int_equal(open_file(DATA), -EIO);
	close(fd);
	pump();
}

static void lines_follow_vblanks(void **state)
{
	struct line line, next;
	int fd;

	(void)state;
	light(true);
	fd = open_file(DATA);
	line = next_line(fd);
	for (unsigned int i = 0; i < 100; i++) {
		next = next_line(fd);
		assert_int_equal(next.vblank, line.vblank + 1);
		assert_int_equal(next.crc, line.crc);
		line = next;
	}
	close(fd);
	pump();
	assert_true(wl_list_empty(&KMS->watches));
}

/* A timer may be late: what has passed meanwhile showed the old picture. */
static void vblanks_before_a_commit_have_the_old_picture(void **state)
{
	struct line line;
	uint32_t old, committed;
	int fd;

	(void)state;
	light(true);
	fd = open_file(DATA);
	old = next_line(fd).crc;
	for (uint64_t i = 1; i < 20; i++) {
		uint32_t new;

		pass_vblanks(3);
		paint(i << 40, NULL);
		committed = vblanks();
		do {
			line = next_line(fd);
			/* Perhaps there was one between the commit and that. */
			if ((int32_t)(line.vblank - committed) < 0)
				assert_int_equal(line.crc, old);
		} while (line.crc == old);
		new = line.crc;
		pass_vblanks(1);
		assert_int_equal(next_line(fd).crc, new);
		while (CRTC->commit)
			pump();
		old = new;
	}
	close(fd);
	pump();
}

static void until_its_fence_a_commit_shows_nothing_new(void **state)
{
	struct hf_timeline timeline = { 0 };
	struct hf_fence *fence;
	uint32_t old, signaled;
	struct line line;
	int fd;

	(void)state;
	hf_timeline_init(&timeline, "test");
	light(true);
	fd = open_file(DATA);
	old = next_line(fd).crc;
	fence = hf_fence_create(&timeline);
	paint(0xffffull << 32, fence);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(next_line(fd).crc, old);
	LOCKED({
		signaled = hf_vblank_count(CRTC, NULL);
		hf_fence_signal(fence, 0, hf_clock_now(sys->clock));
	});
	do {
		line = next_line(fd);
		if ((int32_t)(line.vblank - signaled) <= 0)
			assert_int_equal(line.crc, old);
	} while (line.crc == old);
	hf_fence_put(fence);
	close(fd);
	pump();
}

static void a_crtc_that_is_switched_on_again_goes_on(void **state)
{
	struct line line;
	int fd;

	(void)state;
	light(true);
	fd = open_file(DATA);
	next_line(fd);
	for (unsigned int i = 0; i < 10; i++) {
		uint32_t off;

		light(false);
		off = vblanks();
		pump();
		assert_true(wl_list_empty(&CRTC->vblank.waiters));
		light(true);
		do {
			line = next_line(fd);
		} while ((int32_t)(line.vblank - off) <= 0);
	}
	close(fd);
	pump();
}

static void a_reader_may_go_while_the_composer_works_for_it(void **state)
{
	(void)state;
	light(true);
	for (unsigned int i = 0; i < 200; i++) {
		int fd = open_file(DATA);

		assert_true(fd >= 0);
		if (i % 2)
			pass_vblanks(1);
		pump();
		if (i % 3 == 0)
			paint((uint64_t)i << 40, NULL);
		close(fd);
		pump();
	}
}

static void what_nobody_reads_is_lost(void **state)
{
	struct line line;
	uint32_t first;
	int fd;

	(void)state;
	light(true);
	fd = open_file(DATA);
	first = next_line(fd).vblank;
	for (unsigned int i = 0; i < 200; i++) {
		pass_vblanks(1);
		pump();
	}
	/* What the composer has is sent, or is lost, before this comes. */
	LOCKED(pthread_mutex_unlock(&sys->lock);
	       pthread_mutex_lock(&sys->lock));
	for (unsigned int i = 1; i <= 127; i++)
		assert_int_equal(next_line(fd).vblank, first + i);
	do {
		line = next_line(fd);
	} while ((int32_t)(line.vblank - first) < 200);
	close(fd);
	pump();
}

static void the_end_comes_with_a_reader(void **state)
{
	char text[64];
	ssize_t n;
	int fd;

	(void)state;
	light(true);
	fd = open_file(DATA);
	pass_vblanks(2);
	LOCKED(hf_clock_dispatch(sys->clock));
	hf_debugfs_finish(sys);
	assert_true(wl_list_empty(&KMS->watches));
	do {
		n = recv(fd, text, sizeof(text), 0);
	} while (n > 0);
	assert_true(n == 0 || errno == ECONNRESET);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_that_there_is_none_of_is_enoent),
		TEST(a_file_says_what_there_is_and_never_changes),
		TEST(other_users_are_kept_out),
		TEST(control_takes_the_source_that_there_is),
		TEST(a_dark_crtc_has_none),
		TEST(lines_follow_vblanks),
		TEST(vblanks_before_a_commit_have_the_old_picture),
		TEST(until_its_fence_a_commit_shows_nothing_new),
		TEST(a_crtc_that_is_switched_on_again_goes_on),
		TEST(a_reader_may_go_while_the_composer_works_for_it),
		TEST(what_nobody_reads_is_lost),
		TEST(the_end_comes_with_a_reader),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
