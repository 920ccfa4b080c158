/* SPDX-License-Identifier: MIT */
/*
 * Input devices from the inside: readers that do not read, that write half an event,
 * that go; devices that go; and what a person's commands become.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "fdcount.h"
#include "seat/input.h"
#include "seat/seat.h"
#include "seat/vt.h"
#include "uapi/device_ioctls.h"
#include "uapi/system.h"

static struct hf_system *sys;
static struct hf_seat *seat;
static unsigned int before, changes;
static char last_uevent[128];
static struct hf_rect desktop, second;
static const struct hf_cred root;

static void changed(void *data)
{
	(void)data;
	changes++;
}

static void uevent(void *data, const char *devpath, const char *action)
{
	(void)data;
	snprintf(last_uevent, sizeof(last_uevent), "%s@%s", action, devpath);
}

static int bounds(void *data, const char *connector, struct hf_rect *all,
		  struct hf_rect *rect)
{
	(void)data;
	*all = *rect = desktop;
	if (connector && strcmp(connector, "HDMI-A-2"))
		return -ENOENT;
	if (connector)
		*rect = second;
	return desktop.width ? 0 : -ENOTCONN;
}

static const struct hf_seat_funcs funcs = {
	.changed = changed,
	.uevent = uevent,
	.bounds = bounds,
};

static int setup(void **state)
{
	struct hf_memory_options memory = { .pool = 1 << 20 };

	(void)state;
	before = count_fds();
	changes = 0;
	desktop = (struct hf_rect){ .width = 1920, .height = 1080 };
	second = (struct hf_rect){ .x = 1024, .y = 0, .width = 640,
				   .height = 480 };
	sys = hf_system_create(&memory);
	seat = sys ? hf_seat_create(sys, &funcs, NULL) : NULL;
	return seat ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	hf_seat_destroy(seat);
	hf_system_destroy(sys);
	return count_fds() == before ? 0 : -1;
}

/* -- a program --------------------------------------------------------------- */

static int open_device(unsigned int n, int flags)
{
	char path[64];
	int fd = -1;

	snprintf(path, sizeof(path), "/dev/input/event%u", n);
	assert_int_equal(hf_seat_open(seat, &root, path, flags, &fd), 0);
	return fd;
}

/* What the server's loop does when descriptors are ready. */
static void reap(void)
{
	uint64_t ids[16];
	int n;

	while ((n = hf_endpoints_poll(&sys->endpoints, ids, 16)))
		while (n)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
}

static uint8_t answer[1 << 14];

/* Return: what ioctl(2) would, or a negative errno. */
static int run(int fd, uint32_t cmd, const void *in)
{
	struct hf_device_ioctl desc = hf_device_ioctl_desc(cmd);
	static uint8_t payload[8192];
	struct hf_call call = {
		.sys = sys,
		.cmd = cmd,
		.arg = answer,
		.payload = payload,
		.payload_size = sizeof(payload),
		.nfds_in = 1,
		.fds_in = { fd },
	};
	int ret;

	reap();
	memset(answer, 0, sizeof(answer));
	if (in)
		memcpy(answer, in, desc.value ? 8 : desc.in);
	ret = hf_seat_ioctl(seat, &call);
	assert_true(call.out_size <= desc.out);
	return ret ? ret : call.value;
}

static bool take(int fd, struct input_event *event)
{
	ssize_t n = recv(fd, event, sizeof(*event), MSG_DONTWAIT);

	assert_true(n <= 0 || n == sizeof(*event));
	return n > 0;
}

static void expect(int fd, unsigned int type, unsigned int code, int value)
{
	struct input_event event = { 0 };

	assert_true(take(fd, &event));
	assert_int_equal(event.type, type);
	assert_int_equal(event.code, code);
	assert_int_equal(event.value, value);
}

static void expect_none(int fd)
{
	struct input_event event;

	assert_false(take(fd, &event));
}

static void key(unsigned int code, int value)
{
	const struct hf_input_code codes[] = { { EV_KEY, (uint16_t)code, value } };

	hf_input_emit(seat, HF_INPUT_KEYBOARD, codes, 1);
}

static bool is_down(int fd, unsigned int code)
{
	assert_int_equal(run(fd, EVIOCGKEY(96), NULL), 96);
	return answer[code / 8] >> code % 8 & 1;
}

/* -- a person ---------------------------------------------------------------- */

static char why[HF_INPUT_WHY];

/* Words are cut at blanks. */
static int command(const char *text)
{
	char copy[4096], *save;
	const char *words[64];
	size_t n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		words[n++] = word;
	why[0] = '\0';
	return hf_input_command(seat, words, n, why);
}

static bool all_done;

static void done(struct hf_input_waiter *waiter)
{
	(void)waiter;
	all_done = true;
}

/* Let time pass until all is done; @each is called all the while. */
static void finish(void (*each)(void))
{
	struct hf_input_waiter waiter = { .done = done };

	all_done = false;
	hf_input_when_done(seat, &waiter);
	for (int i = 0; !all_done; i++) {
		struct pollfd pfd = { .fd = hf_clock_fd(sys->real_clock),
				      .events = POLLIN };

		assert_true(i < 100000);
		assert_true(poll(&pfd, 1, 20000) == 1);
		hf_clock_dispatch(sys->real_clock);
		if (each)
			each();
	}
}

static void done_at_once(const char *text)
{
	assert_int_equal(command(text), 0);
	finish(NULL);
}

/* -- readers --------------------------------------------------------------- */

static void events_go_to_all_readers_of_their_device(void **state)
{
	int a = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	int b = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	int mouse = open_device(HF_INPUT_MOUSE, O_RDWR);

	(void)state;
	key(KEY_A, 1);
	expect(a, EV_KEY, KEY_A, 1);
	expect(a, EV_SYN, SYN_REPORT, 0);
	expect(b, EV_KEY, KEY_A, 1);
	expect_none(mouse);
	close(a);
	close(b);
	close(mouse);
}

static void other_paths_are_no_devices(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(hf_seat_open(seat, &root, "/dev/input/event4", 0, &fd),
			 -ENXIO);
	assert_int_equal(hf_seat_open(seat, &root, "/dev/input/event0x", 0, &fd),
			 -ENXIO);
	assert_int_equal(hf_seat_open(seat, &root, "", 0, &fd), -ENXIO);
}

static void a_stranger_may_not_open_a_device(void **state)
{
	struct hf_cred stranger = { .uid = 65000, .gid = 65000 };
	int fd;

	(void)state;
	if (geteuid() == 65000)
		skip();
	assert_int_equal(hf_seat_open(seat, &stranger, "/dev/input/event0",
				      O_RDONLY, &fd), -EACCES);
}

static void a_reader_that_closes_is_forgotten_with_its_grab(void **state)
{
	int a = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	int b = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	const uint64_t one = 1;

	(void)state;
	assert_int_equal(run(a, EVIOCGRAB, &one), 0);
	assert_int_equal(run(b, EVIOCGRAB, &one), -EBUSY);
	close(a);
	assert_int_equal(run(b, EVIOCGRAB, &one), 0);
	key(KEY_A, 1);
	expect(b, EV_KEY, KEY_A, 1);
	close(b);
}

static void what_is_not_read_is_bounded_and_said_to_be_lost(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR), bytes = 0;
	struct input_event event;
	unsigned int n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++)
		key(KEY_A, i & 1);
	assert_int_equal(ioctl(fd, FIONREAD, &bytes), 0);
	assert_in_range(bytes, 1, 64 * 1024);
	/* What it reads first is whole and in order. */
	for (int value = 1; take(fd, &event); n++) {
		if (event.type == EV_SYN) {
			value = !value;
			continue;
		}
		assert_int_equal(event.value, value);
	}
	assert_true(n > 2);
	reap();
	expect(fd, EV_SYN, SYN_DROPPED, 0);
	expect(fd, EV_SYN, SYN_REPORT, 0);
	key(KEY_B, 1);
	expect(fd, EV_KEY, KEY_B, 1);
	close(fd);
}

static void a_reader_that_stalls_costs_others_nothing(void **state)
{
	int stalled = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);

	(void)state;
	for (int i = 0; i < 2000; i++) {
		key(KEY_A, !(i & 1));
		expect(fd, EV_KEY, KEY_A, !(i & 1));
		expect(fd, EV_SYN, SYN_REPORT, 0);
	}
	close(stalled);
	close(fd);
}

static void half_an_event_waits_for_the_rest(void **state)
{
	const struct input_event events[2] = {
		{ .type = EV_KEY, .code = KEY_A, .value = 1 },
		{ .type = EV_SYN },
	};
	const char *bytes = (const char *)events;
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);

	(void)state;
	for (size_t i = 0; i < sizeof(events); i++) {
		expect_none(fd);
		assert_int_equal(write(fd, bytes + i, 1), 1);
		reap();
	}
	expect(fd, EV_KEY, KEY_A, 1);
	expect(fd, EV_SYN, SYN_REPORT, 0);
	/* And one who goes in the middle leaves nothing. */
	assert_int_equal(write(fd, bytes, 5), 5);
	close(fd);
	reap();
	fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	assert_true(is_down(fd, KEY_A));
	close(fd);
}

static void what_a_file_for_reading_writes_is_nothing(void **state)
{
	const struct input_event events[2] = {
		{ .type = EV_KEY, .code = KEY_A, .value = 1 },
		{ .type = EV_SYN },
	};
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDONLY);

	(void)state;
	assert_int_equal(write(fd, events, sizeof(events)), sizeof(events));
	assert_false(is_down(fd, KEY_A));
	expect_none(fd);
	close(fd);
}

static int revoked;

static void take_away(struct hf_vt_watch *watch, unsigned int from,
		      unsigned int to)
{
	(void)watch;
	(void)from;
	(void)to;
	hf_seat_revoke(seat, revoked);
}

static void what_is_written_may_take_the_device_away(void **state)
{
	const struct input_event events[] = {
		{ .type = EV_KEY, .code = KEY_LEFTALT, .value = 1 },
		{ .type = EV_KEY, .code = KEY_F2, .value = 1 },
		{ .type = EV_SYN },
		{ .type = EV_KEY, .code = KEY_A, .value = 1 },
		{ .type = EV_SYN },
	};
	struct hf_vt_watch watch = { .switched = take_away };
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR), other;

	(void)state;
	revoked = fd;
	hf_vt_watch(hf_seat_vts(seat), &watch);
	assert_int_equal(write(fd, events, sizeof(events)), sizeof(events));
	reap();
	assert_int_equal(hf_vt_active(hf_seat_vts(seat)), 2);
	hf_vt_unwatch(&watch);
	assert_int_equal(run(fd, EVIOCGKEY(96), NULL), -ENODEV);
	other = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	assert_true(is_down(other, KEY_F2));
	assert_false(is_down(other, KEY_A));
	close(other);
	close(fd);
}

static void one_that_shuts_its_end_for_reading_is_hung_up_on(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	uint64_t ids[16];

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_RD), 0);
	key(KEY_A, 1);
	for (int i = 0; i < 4; i++)
		for (int n = hf_endpoints_poll(&sys->endpoints, ids, 16); n;)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
	/* It does not keep the server's loop busy. */
	assert_int_equal(hf_endpoints_poll(&sys->endpoints, ids, 16), 0);
	close(fd);
}

static void more_events_than_a_packet_holds_are_not_lost(void **state)
{
	struct hf_input_code codes[1000];
	int fd = open_device(HF_INPUT_MOUSE, O_RDWR), sum = 0;
	struct input_event event;

	(void)state;
	for (int i = 0; i < 1000; i++)
		codes[i] = (struct hf_input_code){ EV_REL, REL_X, 1 };
	hf_input_emit(seat, HF_INPUT_MOUSE, codes, 1000);
	while (take(fd, &event))
		sum += event.type == EV_REL ? event.value : 0;
	assert_int_equal(sum, 1000);
	close(fd);
}

static void no_request_of_any_size_does_harm(void **state)
{
	int fds[HF_INPUT_DEVICES];
	static uint8_t noise[1 << 14];
	uint32_t seed = 1;

	(void)state;
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++)
		fds[i] = open_device(i, O_RDWR);
	for (int i = 0; i < 60000; i++) {
		uint32_t size, cmd;

		seed = seed * 1664525 + 1013904223;
		size = seed >> 8 & (seed & 1 ? 0x3fff : 0x3f);
		cmd = _IOC(seed >> 30, 'E', seed >> 22 & 0xff, size);
		noise[seed >> 18] = (uint8_t)(seed >> 10);
		run(fds[seed >> 5 & 3], cmd, noise);
		/* Some close their readers. */
		if (cmd == EVIOCREVOKE) {
			close(fds[seed >> 5 & 3]);
			fds[seed >> 5 & 3] = open_device(seed >> 5 & 3, O_RDWR);
		}
	}
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++)
		close(fds[i]);
}

/* -- coming and going ------------------------------------------------------ */

static void a_device_that_goes_hangs_up_and_lets_keys_go(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR), other;
	char path[] = "/dev/input/event0";
	char c;

	(void)state;
	key(KEY_A, 1);
	assert_int_equal(hf_input_unplug(seat, HF_INPUT_KEYBOARD), 0);
	assert_int_equal(hf_input_unplug(seat, HF_INPUT_KEYBOARD), -ENODEV);
	assert_string_equal(last_uevent, "remove@/sys/devices/platform/"
					 "holdfast-input.0");
	assert_int_equal(changes, 1);
	expect(fd, EV_KEY, KEY_A, 1);
	expect(fd, EV_SYN, SYN_REPORT, 0);
	expect(fd, EV_KEY, KEY_A, 0);
	expect(fd, EV_SYN, SYN_REPORT, 1);
	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), 0);
	assert_int_equal(run(fd, EVIOCGVERSION, NULL), -ENODEV);
	assert_int_equal(hf_seat_open(seat, &root, path, O_RDWR, &other),
			 -ENODEV);
	assert_null(hf_input_info(seat, HF_INPUT_KEYBOARD));
	key(KEY_A, 1);
	assert_int_equal(command("key a"), -ENODEV);

	assert_int_equal(hf_input_plug(seat, HF_INPUT_KEYBOARD), 0);
	assert_int_equal(hf_input_plug(seat, HF_INPUT_KEYBOARD), -EEXIST);
	assert_int_equal(run(fd, EVIOCGVERSION, NULL), -ENODEV);
	other = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	assert_false(is_down(other, KEY_A));
	close(fd);
	close(other);
}

static void a_key_that_repeats_stops_when_its_device_goes(void **state)
{
	const unsigned int rep[2] = { 1, 1 };
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	struct pollfd pfd = { .fd = hf_clock_fd(sys->real_clock),
			      .events = POLLIN };
	struct input_event event;
	int repeats = 0;

	(void)state;
	assert_int_equal(run(fd, EVIOCSREP, rep), 0);
	key(KEY_A, 1);
	while (repeats < 3) {
		assert_int_equal(poll(&pfd, 1, 20000), 1);
		hf_clock_dispatch(sys->real_clock);
		while (take(fd, &event))
			repeats += event.type == EV_KEY && event.value == 2;
	}
	assert_int_equal(hf_input_unplug(seat, HF_INPUT_KEYBOARD), 0);
	assert_int_equal(hf_input_plug(seat, HF_INPUT_KEYBOARD), 0);
	while (poll(&pfd, 1, 20) == 1)
		hf_clock_dispatch(sys->real_clock);
	close(fd);
}

/* -- commands -------------------------------------------------------------- */

static void text_is_typed_key_by_key(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	static const struct {
		unsigned int code;
		int value;
	} keys[] = {
		{ KEY_LEFTSHIFT, 1 }, { KEY_H, 1 }, { KEY_H, 0 },
		{ KEY_LEFTSHIFT, 0 }, { KEY_I, 1 }, { KEY_I, 0 },
		{ KEY_SPACE, 1 }, { KEY_SPACE, 0 }, { KEY_LEFTSHIFT, 1 },
		{ KEY_1, 1 }, { KEY_1, 0 }, { KEY_LEFTSHIFT, 0 },
	};

	(void)state;
	done_at_once("type Hi !");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		expect(fd, EV_MSC, MSC_SCAN, (int)keys[i].code);
		expect(fd, EV_KEY, keys[i].code, keys[i].value);
		expect(fd, EV_SYN, SYN_REPORT, 0);
	}
	expect_none(fd);
	close(fd);
}

static void chords_are_pressed_in_order_and_released_in_reverse(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	static const int keys[] = { KEY_LEFTCTRL, KEY_LEFTALT, KEY_F2, -KEY_F2,
				    -KEY_LEFTALT, -KEY_LEFTCTRL };

	(void)state;
	done_at_once("key ctrl+alt+f2");
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		expect(fd, EV_MSC, MSC_SCAN, abs(keys[i]));
		expect(fd, EV_KEY, (unsigned int)abs(keys[i]), keys[i] > 0);
		expect(fd, EV_SYN, SYN_REPORT, 0);
	}
	done_at_once("press #30 ctrl");
	assert_true(is_down(fd, KEY_A));
	done_at_once("release");
	assert_false(is_down(fd, KEY_A));
	assert_false(is_down(fd, KEY_LEFTCTRL));
	close(fd);
}

static void a_symbol_is_pressed_whatever_is_held(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);

	(void)state;
	done_at_once("keysym 0x41 down");
	assert_true(is_down(fd, KEY_A));
	assert_false(is_down(fd, KEY_LEFTSHIFT));
	done_at_once("keysym 0x41 up");
	done_at_once("keysym Shift_R down");
	done_at_once("keysym a down");
	/* What the person holds is held again. */
	assert_true(is_down(fd, KEY_RIGHTSHIFT));
	assert_true(is_down(fd, KEY_A));
	close(fd);
}

static void what_makes_no_sense_is_a_sentence_and_does_nothing(void **state)
{
	static const struct {
		const char *text, *why;
	} mistakes[] = {
		{ "", "no command" },
		{ "dance", "dance: no such command" },
		{ "key", "which key?" },
		{ "key ctrl+", "a key is missing behind the +" },
		{ "key nonsense", "nonsense: no key is called so" },
		{ "key #0", "#0: no code of a key" },
		{ "key #99999", "#99999: no code of a key" },
		{ "key a ctrl+nonsense", "nonsense: no key is called so" },
		{ "type", "what is to be typed?" },
		{ "type a\xff", "\xff: not a text in UTF-8" },
		{ "type aé", "é: not on this keyboard's layout" },
		{ "layout xx", "xx: no such keyboard layout" },
		{ "move 1", "Y is missing" },
		{ "move one 2", "one: X is a number from 0 to 65536" },
		{ "move -1 2", "-1: X is a number from 0 to 65536" },
		{ "move 1920 2", "1920 2 is outside of 1920x1080" },
		{ "move 640 2 HDMI-A-2", "640 2 is outside of 640x480" },
		{ "move 1 2 HDMI-A-9", "HDMI-A-9: no such connector" },
		{ "move 1 2 HDMI-A-2 3", "move does not know 3" },
		{ "motion 1", "DY is missing" },
		{ "click up", "up: not left, right, middle, side or extra" },
		{ "click left 0", "0: TIMES is a number from 1 to 100" },
		{ "button", "press or release?" },
		{ "button push", "push: neither press nor release" },
		{ "scroll", "N is missing" },
		{ "scroll 1 v", "scroll does not know v" },
		{ "touch", "touch down, move or up?" },
		{ "touch up 1", "finger 1 is not down" },
		{ "touch move 1 2 3", "finger 1 is not down" },
		{ "touch pat 1", "touch pat: not down, move or up" },
		{ "keysym a", "which symbol, up or down?" },
		{ "keysym a left", "left: neither up nor down" },
	};
	int fds[HF_INPUT_DEVICES];

	(void)state;
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++)
		fds[i] = open_device(i, O_RDWR);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(*mistakes); i++) {
		assert_int_equal(command(mistakes[i].text), -EINVAL);
		assert_string_equal(why, mistakes[i].why);
	}
	finish(NULL);
	for (unsigned int i = 0; i < HF_INPUT_DEVICES; i++) {
		expect_none(fds[i]);
		close(fds[i]);
	}
}

static void where_nothing_is_shown_there_is_nowhere_to_point(void **state)
{
	(void)state;
	desktop.width = 0;
	assert_int_equal(command("move 1 1"), -EINVAL);
	assert_string_equal(why, "nothing is shown anywhere");
	assert_int_equal(command("touch down 1 1 1"), -EINVAL);
}

/* As programs get back to pixels. */
static int to_pixel(int value, int size)
{
	return (int)((int64_t)value * size / (HF_INPUT_ABS_MAX + 1));
}

static int axis(int fd, unsigned int code)
{
	struct input_absinfo info;

	assert_int_equal(run(fd, EVIOCGABS(code), NULL), 0);
	memcpy(&info, answer, sizeof(info));
	return info.value;
}

static void a_move_ends_in_the_pixel_that_was_named(void **state)
{
	int fd = open_device(HF_INPUT_TABLET, O_RDWR);
	char text[64];

	(void)state;
	for (int x = 0; x < 1920; x += 101) {
		snprintf(text, sizeof(text), "move %d %d", x, x / 2);
		done_at_once(text);
		assert_int_equal(to_pixel(axis(fd, ABS_X), 1920), x);
		assert_int_equal(to_pixel(axis(fd, ABS_Y), 1080), x / 2);
	}
	desktop = (struct hf_rect){ .x = -100, .width = 2020, .height = 1080 };
	done_at_once("move 7 9 HDMI-A-2");
	assert_int_equal(to_pixel(axis(fd, ABS_X), 2020), 1024 + 100 + 7);
	close(fd);
}

static void a_move_to_where_it_is_is_seen(void **state)
{
	int fd = open_device(HF_INPUT_TABLET, O_RDWR);
	struct input_event event;
	int before_x;

	(void)state;
	done_at_once("move 100 100");
	before_x = axis(fd, ABS_X);
	while (take(fd, &event))
		;
	done_at_once("move 100 100");
	assert_true(take(fd, &event));
	assert_int_equal(axis(fd, ABS_X), before_x);
	close(fd);
}

static void fingers_have_slots_until_they_are_taken_away(void **state)
{
	int fd = open_device(HF_INPUT_TOUCH, O_RDWR);
	char text[64];

	(void)state;
	done_at_once("touch down 7 10 20");
	expect(fd, EV_ABS, ABS_MT_TRACKING_ID, 0);
	expect(fd, EV_ABS, ABS_MT_POSITION_X, (2 * 10 + 1) * 65536 / 3840);
	expect(fd, EV_ABS, ABS_MT_POSITION_Y, (2 * 20 + 1) * 65536 / 2160);
	expect(fd, EV_KEY, BTN_TOUCH, 1);
	expect(fd, EV_ABS, ABS_X, (2 * 10 + 1) * 65536 / 3840);
	expect(fd, EV_ABS, ABS_Y, (2 * 20 + 1) * 65536 / 2160);
	expect(fd, EV_SYN, SYN_REPORT, 0);
	done_at_once("touch down 8 10 20");
	expect(fd, EV_ABS, ABS_MT_SLOT, 1);
	expect(fd, EV_ABS, ABS_MT_TRACKING_ID, 1);
	assert_int_equal(command("touch down 8 1 1"), -EINVAL);
	assert_string_equal(why, "finger 8 is down already");
	done_at_once("touch up 7");
	done_at_once("touch up 8");
	assert_int_equal(run(fd, EVIOCGKEY(96), NULL), 96);
	assert_int_equal(answer[BTN_TOUCH / 8] >> BTN_TOUCH % 8 & 1, 0);
	for (int i = 0; i < HF_INPUT_SLOTS; i++) {
		snprintf(text, sizeof(text), "touch down %d 1 1", i);
		done_at_once(text);
	}
	assert_int_equal(command("touch down 99 1 1"), -EINVAL);
	assert_string_equal(why, "more than 10 fingers");
	close(fd);
}

static void a_finger_is_no_more_when_the_screen_is_another(void **state)
{
	(void)state;
	done_at_once("touch down 1 1 1");
	assert_int_equal(hf_input_unplug(seat, HF_INPUT_TOUCH), 0);
	assert_int_equal(hf_input_plug(seat, HF_INPUT_TOUCH), 0);
	assert_int_equal(command("touch up 1"), -EINVAL);
	done_at_once("touch down 1 1 1");
}

/* -- the queue --------------------------------------------------------------- */

static int slow_fd;
static unsigned int seen, lost, turns;

/* A program that reads now and then only. */
static void read_slowly(void)
{
	struct input_event event;

	if (++turns % 8)
		return;
	while (take(slow_fd, &event)) {
		seen += event.type == EV_KEY && event.value == 1;
		lost += event.type == EV_SYN && event.code == SYN_DROPPED;
	}
	reap();
}

static void a_slow_reader_loses_nothing_of_what_is_typed(void **state)
{
	char text[400] = "type ";

	(void)state;
	slow_fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	seen = lost = turns = 0;
	memset(text + 5, 'x', sizeof(text) - 6);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(command(text), 0);
	finish(read_slowly);
	turns = 7;
	read_slowly();
	assert_int_equal(lost, 0);
	assert_int_equal(seen, sizeof(text) - 6);
	close(slow_fd);
}

static void a_reader_that_never_reads_is_not_waited_for_for_ever(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	char text[200] = "type ";

	(void)state;
	memset(text + 5, 'x', sizeof(text) - 6);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(command(text), 0);
	finish(NULL);
	close(fd);
}

static void commands_are_done_in_order(void **state)
{
	int fd = open_device(HF_INPUT_KEYBOARD, O_RDWR);
	static const unsigned int codes[] = { KEY_A, KEY_B, KEY_C };
	struct input_event event;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(command("type a"), 0);
	assert_int_equal(command("type b"), 0);
	assert_int_equal(command("type c"), 0);
	finish(NULL);
	while (take(fd, &event))
		if (event.type == EV_KEY && event.value)
			assert_int_equal(event.code, codes[n++]);
	assert_int_equal(n, 3);
	close(fd);
}

static void a_seat_that_ends_tells_those_who_wait(void **state)
{
	struct hf_input_waiter waiter = { .done = done };

	(void)state;
	assert_int_equal(command("click left 50"), 0);
	all_done = false;
	hf_input_when_done(seat, &waiter);
	assert_false(all_done);
	hf_seat_destroy(seat);
	seat = NULL;
	assert_true(all_done);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(events_go_to_all_readers_of_their_device),
		CASE(other_paths_are_no_devices),
		CASE(a_stranger_may_not_open_a_device),
		CASE(a_reader_that_closes_is_forgotten_with_its_grab),
		CASE(what_is_not_read_is_bounded_and_said_to_be_lost),
		CASE(a_reader_that_stalls_costs_others_nothing),
		CASE(half_an_event_waits_for_the_rest),
		CASE(what_a_file_for_reading_writes_is_nothing),
		CASE(what_is_written_may_take_the_device_away),
		CASE(one_that_shuts_its_end_for_reading_is_hung_up_on),
		CASE(more_events_than_a_packet_holds_are_not_lost),
		CASE(no_request_of_any_size_does_harm),
		CASE(a_device_that_goes_hangs_up_and_lets_keys_go),
		CASE(a_key_that_repeats_stops_when_its_device_goes),
		CASE(text_is_typed_key_by_key),
		CASE(chords_are_pressed_in_order_and_released_in_reverse),
		CASE(a_symbol_is_pressed_whatever_is_held),
		CASE(what_makes_no_sense_is_a_sentence_and_does_nothing),
		CASE(where_nothing_is_shown_there_is_nowhere_to_point),
		CASE(a_move_ends_in_the_pixel_that_was_named),
		CASE(a_move_to_where_it_is_is_seen),
		CASE(fingers_have_slots_until_they_are_taken_away),
		CASE(a_finger_is_no_more_when_the_screen_is_another),
		CASE(a_slow_reader_loses_nothing_of_what_is_typed),
		CASE(a_reader_that_never_reads_is_not_waited_for_for_ever),
		CASE(commands_are_done_in_order),
		CASE(a_seat_that_ends_tells_those_who_wait),
	};

	/* The keyboard's layout is the default one. */
	unsetenv("XKB_DEFAULT_LAYOUT");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
