/* SPDX-License-Identifier: MIT */
/*
 * Virtual terminals without programs: ttys that come and go, who decides on switches,
 * and what keys type. What programs ask is tests/uapi/vt.c's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "seat/vt.h"

struct fixture {
	struct hf_system *sys;
	struct hf_vts *vts;
	unsigned int lights, told;
	int done; /* of a call that was parked; 1: not yet */
};

static struct fixture *f;

static void count_ttys(void *data)
{
	((struct fixture *)data)->told++;
}

static void see_lights(void *data, unsigned int lights)
{
	((struct fixture *)data)->lights = lights;
}

static int setup(void **state)
{
	static const struct hf_vt_funcs funcs = { count_ttys, see_lights };
	struct hf_memory_options memory = { .pool = 1 << 20 };

	f = calloc(1, sizeof(*f));
	f->sys = hf_system_create(&memory);
	f->vts = f->sys ? hf_vts_create(f->sys, &funcs, f) : NULL;
	*state = f;
	return f->vts ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hf_vts_destroy(f->vts);
	hf_system_destroy(f->sys);
	free(f);
	return 0;
}

/* -- helpers --------------------------------------------------------------- */

static int open_vt(unsigned int minor)
{
	int fd;

	assert_int_equal(hf_vt_open(f->vts, minor, O_RDWR | O_NONBLOCK, &fd), 0);
	return fd;
}

static void call_done(struct hf_call *call, int ret)
{
	(void)call;
	f->done = ret;
}

static struct hf_call *call;

/* An ioctl of this process, with an argument of so many bytes. */
static int run(unsigned int number, uint32_t cmd, const void *arg, size_t size)
{
	static uint8_t bytes[4096];

	free(call);
	call = calloc(1, sizeof(*call));
	call->sys = f->sys;
	call->cred = (struct hf_cred){ .pid = getpid(), .uid = getuid(),
				       .gid = getgid() };
	call->cmd = cmd;
	call->arg = bytes;
	call->done = call_done;
	wl_list_init(&call->file_link);
	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, arg, size);
	call->arrays[0].len = (uint32_t)size;
	f->done = 1;
	return hf_vt_ioctl(f->vts, call, number);
}

static int run_value(unsigned int number, uint32_t cmd, uint64_t value)
{
	return run(number, cmd, &value, sizeof(value));
}

static void set_process(unsigned int number, int relsig, int acqsig)
{
	struct vt_mode mode = { .mode = VT_PROCESS, .relsig = (short)relsig,
				.acqsig = (short)acqsig };

	assert_int_equal(run(number, VT_SETMODE, &mode, sizeof(mode)), 0);
}

static void press(unsigned int code)
{
	hf_vt_key(f->vts, code, 1);
	hf_vt_key(f->vts, code, 0);
}

static void press_with(unsigned int shift, unsigned int code)
{
	hf_vt_key(f->vts, shift, 1);
	press(code);
	hf_vt_key(f->vts, shift, 0);
}

static void make_raw(int fd)
{
	struct termios termios;

	tcgetattr(fd, &termios);
	cfmakeraw(&termios);
	tcsetattr(fd, TCSANOW, &termios);
}

static void await(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	assert_int_equal(poll(&p, 1, 20000), 1);
}

/* A tty passes on what was typed when it has the time. */
static void assert_typed(int fd, const char *expected)
{
	size_t size = strlen(expected), n = 0;
	char text[256] = "";

	while (n < size) {
		ssize_t more;

		await(fd, POLLIN);
		more = read(fd, text + n, size - n);
		assert_true(more > 0);
		n += (size_t)more;
	}
	assert_string_equal(text, expected);
}

/* -- ttys ------------------------------------------------------------------ */

static void zero_is_the_one_in_front(void **state)
{
	int zero, five;

	(void)state;
	assert_int_equal(hf_vt_switch(f->vts, 5), 0);
	zero = open_vt(0);
	five = open_vt(5);
	assert_int_equal(hf_vt_of(f->vts, zero), 5);
	assert_int_equal(hf_vt_of(f->vts, five), 5);
	close(zero);
	close(five);
}

static void what_is_no_terminal_is_none(void **state)
{
	int null = open("/dev/null", O_RDWR), fd;

	(void)state;
	assert_int_equal(hf_vt_of(f->vts, null), 0);
	assert_int_equal(hf_vt_of(f->vts, -1), 0);
	assert_int_equal(hf_vt_open(f->vts, 64, O_RDWR, &fd), -ENXIO);
	fd = posix_openpt(O_RDWR | O_NOCTTY);
	assert_int_equal(hf_vt_of(f->vts, fd), 0);
	close(fd);
	close(null);
}

static void ptys_are_told_while_they_are_there(void **state)
{
	uint32_t ttys[HF_VT_MAX + 1];
	int fd = open_vt(9);

	(void)state;
	assert_int_equal(f->told, 1);
	assert_true(hf_vts_ttys(f->vts, ttys) != 0);
	assert_true(ttys[9] != 0);
	assert_true(ttys[8] == 0);
	close(fd);
	hf_vts_dispatch(f->vts);
	hf_vts_ttys(f->vts, ttys);
	assert_true(ttys[9] == 0);
	assert_int_equal(f->told, 2);
}

static void put(int fd, const char *bytes, size_t size)
{
	while (size) {
		ssize_t n = write(fd, bytes, size);

		assert_true(n > 0 || errno == EAGAIN);
		bytes += n > 0 ? n : 0;
		size -= n > 0 ? (size_t)n : 0;
		hf_vts_dispatch(f->vts);
	}
}

static void the_end_of_what_was_written_is_kept(void **state)
{
	char line[1000], text[64] = "";
	int fd = open_vt(9);
	size_t n;

	(void)state;
	memset(line, 'x', sizeof(line));
	for (int i = 0; i < 20; i++)
		put(fd, line, sizeof(line));
	put(fd, "the end", 7);
	close(fd);
	hf_vts_dispatch(f->vts);
	n = hf_vt_text(f->vts, 9, text, 10);
	assert_int_equal(n, 10);
	assert_string_equal(text, "xxxthe end");
	assert_int_equal(hf_vt_text(f->vts, 0, text, 10), 0);
	assert_int_equal(hf_vt_text(f->vts, 8, text, 10), 0);
}

static void a_terminal_of_a_server_that_is_gone_hangs_up(void **state)
{
	int fd = open_vt(9);
	struct pollfd p = { .fd = fd };

	(void)state;
	hf_vts_destroy(f->vts);
	f->vts = NULL;
	assert_int_equal(poll(&p, 1, 0), 1);
	assert_true(p.revents & POLLHUP);
	close(fd);
}

static void owners_change_by_root_and_by_the_owner(void **state)
{
	struct hf_cred root = { .uid = getuid(), .gid = getgid() };
	struct hf_cred user = { .uid = 12345, .gid = 12345 };

	(void)state;
	assert_false(hf_vt_may_open(f->vts, &user, 3, O_RDWR));
	assert_int_equal(hf_vt_set_owner(f->vts, &user, 3, 12345, UINT32_MAX,
					 UINT32_MAX), -EPERM);
	assert_int_equal(hf_vt_set_owner(f->vts, &root, 3, 12345, UINT32_MAX,
					 0600), 0);
	assert_true(hf_vt_may_open(f->vts, &user, 3, O_RDWR));
	assert_false(hf_vt_may_open(f->vts, &user, 4, O_RDWR));
	assert_int_equal(hf_vt_set_owner(f->vts, &user, 3, UINT32_MAX, UINT32_MAX,
					 0400), 0);
	assert_false(hf_vt_may_open(f->vts, &user, 3, O_WRONLY));
	assert_true(hf_vt_may_open(f->vts, &user, 3, O_RDONLY));
	assert_int_equal(hf_vt_set_owner(f->vts, &user, 3, 1, UINT32_MAX,
					 UINT32_MAX), -EPERM);
	assert_int_equal(hf_vt_owner(f->vts, 3).mode, 0400);
}

/* -- switching ------------------------------------------------------------- */

static void only_numbers_that_there_are_come_to_the_front(void **state)
{
	(void)state;
	assert_int_equal(hf_vt_switch(f->vts, 0), -ENXIO);
	assert_int_equal(hf_vt_switch(f->vts, 64), -ENXIO);
	assert_int_equal(hf_vt_switch(f->vts, 63), 0);
	assert_int_equal(hf_vt_active(f->vts), 63);
}

struct control {
	struct hf_vt_control base;
	int asked, told;
};

static void asked(struct hf_vt_control *base)
{
	((struct control *)base)->asked++;
}

static void told(struct hf_vt_control *base)
{
	((struct control *)base)->told++;
}

/* The answer comes while the question is asked. */
static void asked_and_agrees(struct hf_vt_control *base)
{
	((struct control *)base)->asked++;
	hf_vt_release(f->vts, base, true);
}

static void the_server_itself_can_control_one(void **state)
{
	struct control c = { { asked, told }, 0, 0 }, other = c;
	struct hf_vt_info info;

	(void)state;
	assert_int_equal(hf_vt_take(f->vts, 2, &c.base), 0);
	assert_int_equal(hf_vt_take(f->vts, 2, &other.base), -EBUSY);
	assert_int_equal(hf_vt_take(f->vts, 64, &other.base), -ENXIO);
	hf_vt_describe(f->vts, 2, &info);
	assert_true(info.open && info.graphics);
	assert_int_equal(info.keyboard, K_OFF);
	assert_int_equal(info.process, -1);
	hf_vt_switch(f->vts, 2);
	assert_int_equal(c.told, 1);
	hf_vt_switch(f->vts, 3);
	assert_int_equal(c.asked, 1);
	assert_int_equal(hf_vt_active(f->vts), 2);
	hf_vt_release(f->vts, &c.base, false);
	assert_int_equal(hf_vt_active(f->vts), 2);
	hf_vt_switch(f->vts, 3);
	hf_vt_release(f->vts, &c.base, true);
	assert_int_equal(hf_vt_active(f->vts), 3);
	hf_vt_give_back(f->vts, &c.base);
	hf_vt_give_back(f->vts, &c.base);
	hf_vt_describe(f->vts, 2, &info);
	assert_true(!info.open && !info.graphics);
	assert_int_equal(info.process, 0);
}

static void control_can_be_released_at_once(void **state)
{
	struct control c = { { asked_and_agrees, told }, 0, 0 };

	(void)state;
	hf_vt_take(f->vts, 2, &c.base);
	hf_vt_switch(f->vts, 2);
	hf_vt_switch(f->vts, 3);
	assert_int_equal(hf_vt_active(f->vts), 3);
	hf_vt_give_back(f->vts, &c.base);
}

static void who_gives_back_lets_the_next_one_to_the_front(void **state)
{
	struct control c = { { asked, told }, 0, 0 };

	(void)state;
	hf_vt_take(f->vts, 2, &c.base);
	hf_vt_switch(f->vts, 2);
	hf_vt_switch(f->vts, 4);
	hf_vt_give_back(f->vts, &c.base);
	assert_int_equal(hf_vt_active(f->vts), 4);
}

struct watcher {
	struct hf_vt_watch base;
	unsigned int from, to;
};

static void watched(struct hf_vt_watch *watch, unsigned int from, unsigned int to)
{
	struct watcher *w = (struct watcher *)watch;

	w->from = from;
	w->to = to;
}

static void switches_are_told(void **state)
{
	struct watcher w = { { .switched = watched }, 0, 0 };

	(void)state;
	hf_vt_watch(f->vts, &w.base);
	hf_vt_switch(f->vts, 6);
	assert_int_equal(w.from, 1);
	assert_int_equal(w.to, 6);
	hf_vt_unwatch(&w.base);
	hf_vt_switch(f->vts, 1);
	assert_int_equal(w.to, 6);
}

static void a_wait_ends_with_the_switch_that_it_is_for(void **state)
{
	(void)state;
	assert_int_equal(run_value(1, VT_WAITACTIVE, 4), HF_CALL_PARKED);
	hf_vt_switch(f->vts, 3);
	assert_int_equal(f->done, 1);
	hf_vt_switch(f->vts, 4);
	assert_int_equal(f->done, 0);
}

static void a_wait_can_be_abandoned(void **state)
{
	(void)state;
	assert_int_equal(run_value(1, VT_WAITACTIVE, 4), HF_CALL_PARKED);
	hf_call_abandon(call);
	hf_vt_switch(f->vts, 4);
	assert_int_equal(f->done, 1);
}

/* A signal that there is none of cannot be sent: as if nobody were there. */
static void an_impossible_signal_resets(void **state)
{
	struct hf_vt_info info;

	(void)state;
	set_process(1, 100, 100);
	assert_int_equal(hf_vt_switch(f->vts, 2), 0);
	assert_int_equal(hf_vt_active(f->vts), 2);
	hf_vt_describe(f->vts, 1, &info);
	assert_int_equal(info.process, 0);
}

static void arguments_that_cannot_be_read_are_faults(void **state)
{
	struct vt_mode mode = { 0 };

	(void)state;
	assert_int_equal(run(1, VT_SETMODE, &mode, 3), -EFAULT);
	assert_int_equal(run(1, KDGKBENT, &mode, 1), -EFAULT);
	assert_int_equal(run(1, VT_RESIZEX, &mode, 0), -EFAULT);
	assert_int_equal(run(0, VT_GETMODE, &mode, 0), -ENOTTY);
	assert_int_equal(run(64, VT_GETMODE, &mode, 0), -ENOTTY);
}

static void sizes_reach_the_ttys(void **state)
{
	unsigned short sizes[2] = { 30, 100 };
	struct winsize size;
	int fd = open_vt(1);

	(void)state;
	assert_int_equal(run(1, VT_RESIZE, sizes, sizeof(sizes)), 0);
	ioctl(fd, TIOCGWINSZ, &size);
	assert_int_equal(size.ws_row, 30);
	assert_int_equal(size.ws_col, 100);
	sizes[0] = 0;
	sizes[1] = 65535;
	assert_int_equal(run(1, VT_RESIZE, sizes, sizeof(sizes)), 0);
	ioctl(fd, TIOCGWINSZ, &size);
	assert_int_equal(size.ws_col, 100);
	close(fd);
}

/* -- keys ------------------------------------------------------------------ */

static int typing(void)
{
	int fd = open_vt(1);

	make_raw(fd);
	return fd;
}

static void keys_type_characters(void **state)
{
	int fd = typing();

	(void)state;
	press(KEY_H);
	press_with(KEY_LEFTSHIFT, KEY_I);
	press_with(KEY_LEFTSHIFT, KEY_1);
	press(KEY_ENTER);
	press_with(KEY_LEFTCTRL, KEY_C);
	press_with(KEY_LEFTALT, KEY_X);
	press(KEY_UP);
	press(KEY_F1);
	assert_typed(fd, "hI!\r\003\033x\033[A\033[[A");
	close(fd);
}

static void keys_repeat(void **state)
{
	int fd = typing();

	(void)state;
	hf_vt_key(f->vts, KEY_A, 1);
	hf_vt_key(f->vts, KEY_A, 2);
	hf_vt_key(f->vts, KEY_A, 2);
	hf_vt_key(f->vts, KEY_A, 0);
	assert_typed(fd, "aaa");
	close(fd);
}

static void locks_lock_and_light(void **state)
{
	int fd = typing();

	(void)state;
	press(KEY_CAPSLOCK);
	assert_int_equal(f->lights, LED_CAP);
	press(KEY_A);
	press(KEY_1);
	press_with(KEY_LEFTSHIFT, KEY_A);
	press(KEY_CAPSLOCK);
	assert_int_equal(f->lights, 0);
	press(KEY_A);
	press(KEY_KP7);
	press(KEY_NUMLOCK);
	press(KEY_KP7);
	assert_typed(fd, "A1aa\033[1~7");
	hf_vt_switch(f->vts, 2);
	assert_int_equal(f->lights, 0);
	hf_vt_switch(f->vts, 1);
	assert_int_equal(f->lights, LED_NUM);
	close(fd);
}

static void codes_of_characters_are_typed_with_alt(void **state)
{
	int fd = typing();

	(void)state;
	hf_vt_key(f->vts, KEY_LEFTALT, 1);
	press(KEY_KP2);
	press(KEY_KP3);
	press(KEY_KP3);
	hf_vt_key(f->vts, KEY_LEFTALT, 0);
	assert_typed(fd, "\xc3\xa9");
	assert_int_equal(run_value(1, KDSKBMODE, K_XLATE), 0);
	hf_vt_key(f->vts, KEY_LEFTALT, 1);
	press(KEY_KP2);
	press(KEY_KP3);
	press(KEY_KP3);
	hf_vt_key(f->vts, KEY_LEFTALT, 0);
	assert_typed(fd, "\xe9");
	close(fd);
}

static void composed_characters_are_one(void **state)
{
	int fd = typing();

	(void)state;
	press_with(KEY_LEFTCTRL, KEY_DOT);
	press(KEY_APOSTROPHE);
	press(KEY_E);
	press(KEY_E);
	assert_typed(fd, "\xc3\xa9" "e");
	close(fd);
}

static void keys_switch(void **state)
{
	(void)state;
	hf_vt_key(f->vts, KEY_LEFTCTRL, 1);
	press_with(KEY_LEFTALT, KEY_F2);
	hf_vt_key(f->vts, KEY_LEFTCTRL, 0);
	assert_int_equal(hf_vt_active(f->vts), 2);
	press_with(KEY_LEFTALT, KEY_F3);
	assert_int_equal(hf_vt_active(f->vts), 3);
	press_with(KEY_LEFTALT, KEY_LEFT);
	assert_int_equal(hf_vt_active(f->vts), 2);
	press_with(KEY_LEFTALT, KEY_RIGHT);
	assert_int_equal(hf_vt_active(f->vts), 3);
	press_with(KEY_LEFTALT, KEY_F12); /* that nobody has made yet */
	assert_int_equal(hf_vt_active(f->vts), 3);
	assert_int_equal(run_value(3, KDSKBMODE, K_OFF), 0);
	press_with(KEY_LEFTALT, KEY_F1);
	assert_int_equal(hf_vt_active(f->vts), 3);
}

static void raw_modes_type_scan_codes(void **state)
{
	int fd = typing();

	(void)state;
	run_value(1, KDSKBMODE, K_RAW);
	press(KEY_A);
	press(KEY_UP);
	press(KEY_PAUSE);
	press(KEY_SYSRQ);
	assert_typed(fd, "\x1e\x9e\xe0\x48\xe0\xc8\xe1\x1d\x45\xe1\x9d\xc5"
			 "\xe0\x2a\xe0\x37\xe0\xb7\xe0\xaa");
	run_value(1, KDSKBMODE, K_MEDIUMRAW);
	press(KEY_A);
	press(KEY_UP);
	assert_typed(fd, "\x1e\x9e\x67\xe7");
	hf_vt_key(f->vts, 200, 0);
	assert_typed(fd, "\x80\x81\xc8");
	run_value(1, KDSKBMODE, K_OFF);
	press(KEY_A);
	run_value(1, KDSKBMODE, K_XLATE);
	press(KEY_B);
	assert_typed(fd, "b");
	close(fd);
}

static void a_full_tty_loses_keys_and_stops_nobody(void **state)
{
	int fd = typing();

	(void)state;
	for (int i = 0; i < 100000; i++)
		press(KEY_A);
	close(fd);
}

static void what_is_no_key_is_ignored(void **state)
{
	int fd = typing();

	(void)state;
	press(BTN_LEFT);
	press(KEY_MAX);
	press(0);
	hf_vt_key(f->vts, KEY_LEFTSHIFT, 0);
	press(KEY_A);
	assert_typed(fd, "a");
	close(fd);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(zero_is_the_one_in_front),
		TEST(what_is_no_terminal_is_none),
		TEST(ptys_are_told_while_they_are_there),
		TEST(the_end_of_what_was_written_is_kept),
		TEST(a_terminal_of_a_server_that_is_gone_hangs_up),
		TEST(owners_change_by_root_and_by_the_owner),
		TEST(only_numbers_that_there_are_come_to_the_front),
		TEST(the_server_itself_can_control_one),
		TEST(control_can_be_released_at_once),
		TEST(who_gives_back_lets_the_next_one_to_the_front),
		TEST(switches_are_told),
		TEST(a_wait_ends_with_the_switch_that_it_is_for),
		TEST(a_wait_can_be_abandoned),
		TEST(an_impossible_signal_resets),
		TEST(arguments_that_cannot_be_read_are_faults),
		TEST(sizes_reach_the_ttys),
		TEST(keys_type_characters),
		TEST(keys_repeat),
		TEST(locks_lock_and_light),
		TEST(codes_of_characters_are_typed_with_alt),
		TEST(composed_characters_are_one),
		TEST(keys_switch),
		TEST(raw_modes_type_scan_codes),
		TEST(a_full_tty_loses_keys_and_stops_nobody),
		TEST(what_is_no_key_is_ignored),
	};
	int ret = cmocka_run_group_tests(tests, NULL, NULL);

	free(call);
	return ret;
}
