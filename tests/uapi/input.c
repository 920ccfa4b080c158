/* SPDX-License-Identifier: MIT */
/*
 * Input devices: what evdev promises to those who open, read, write and ask. What is
 * written to a device is what happens to it, so no hand is needed.
 */
#include "uapi.h"

#include <linux/input.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define LONGS(bits) (((bits) + 63) / 64)

/* -- devices --------------------------------------------------------------- */

static bool has(int fd, unsigned int type, unsigned int code)
{
	uint64_t bits[LONGS(KEY_CNT)] = { 0 };

	if (ioctl(fd, EVIOCGBIT(type, sizeof(bits)), bits) < 0)
		return false;
	return bits[code / 64] >> code % 64 & 1;
}

static const char *find(unsigned int type, unsigned int code, unsigned int with)
{
	static char path[64];

	for (int i = 0; i < 32; i++) {
		int fd;
		bool found;

		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0)
			continue;
		found = has(fd, type, code) && has(fd, 0, with);
		close(fd);
		if (found)
			return path;
	}
	skip("no such input device");
}

/* One that repeats keys by itself. */
static const char *keyboard(void)
{
	return find(EV_KEY, KEY_Q, EV_REP);
}

static int open_flags(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	EXPECT(fd >= 0);
	return fd;
}

static void put(int fd, unsigned int type, unsigned int code, int value)
{
	struct input_event event = { .type = type, .code = code, .value = value };

	EXPECT_EQ(write(fd, &event, sizeof(event)), sizeof(event));
}

static void report(int fd)
{
	put(fd, EV_SYN, SYN_REPORT, 0);
}

static void press(int fd, unsigned int key, int value)
{
	put(fd, EV_KEY, key, value);
	report(fd);
}

static void release(int fd, unsigned int key)
{
	press(fd, key, 0);
}

/* What a test that failed left behind is no longer so. */
static void reset(const char *path)
{
	int fd = open_flags(path, O_RDWR | O_NONBLOCK);

	release(fd, KEY_Q);
	release(fd, KEY_W);
	close(fd);
}

static int open_keyboard(void)
{
	static bool done;

	if (!done)
		reset(keyboard());
	done = true;
	return open_flags(keyboard(), O_RDWR | O_NONBLOCK);
}

/* The next event, which must come. */
static struct input_event next(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct input_event event;

	EXPECT_EQ(poll(&pfd, 1, 5000), 1);
	EXPECT_EQ(read(fd, &event, sizeof(event)), sizeof(event));
	return event;
}

static void expect_next(int fd, unsigned int type, unsigned int code, int value)
{
	struct input_event event = next(fd);

	EXPECT_EQ(event.type, type);
	EXPECT_EQ(event.code, code);
	EXPECT_EQ(event.value, value);
}

static void expect_key(int fd, unsigned int key, int value)
{
	expect_next(fd, EV_KEY, key, value);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
}

/* An ioctl orders what was written before it. */
static void settle(int fd)
{
	int version;

	EXPECT_EQ(ioctl(fd, EVIOCGVERSION, &version), 0);
}

static void expect_none(int fd)
{
	struct input_event event;

	settle(fd);
	EXPECT_EQ(read(fd, &event, sizeof(event)), -1);
	EXPECT_EQ(errno, EAGAIN);
}

static bool is_down(int fd, unsigned int key)
{
	uint64_t bits[LONGS(KEY_CNT)] = { 0 };

	EXPECT_EQ(ioctl(fd, EVIOCGKEY(sizeof(bits)), bits), sizeof(bits));
	return bits[key / 64] >> key % 64 & 1;
}

/* -- what it is -------------------------------------------------------------- */

TEST(a_node_is_a_character_device_of_major_13)
{
	int fd = open_keyboard();
	struct stat named, opened;

	EXPECT_EQ(stat(keyboard(), &named), 0);
	EXPECT_EQ(fstat(fd, &opened), 0);
	EXPECT(S_ISCHR(named.st_mode));
	EXPECT(S_ISCHR(opened.st_mode));
	EXPECT_EQ(major(opened.st_rdev), 13);
	EXPECT_EQ(minor(opened.st_rdev), 64 + atoi(keyboard() + 16));
	EXPECT_EQ(opened.st_ino, named.st_ino);
	EXPECT_EQ(opened.st_dev, named.st_dev);
}

TEST(version_and_id_are_told)
{
	int fd = open_keyboard(), version = 0;
	struct input_id id = { 0 };

	EXPECT_EQ(ioctl(fd, EVIOCGVERSION, &version), 0);
	EXPECT_EQ(version, EV_VERSION);
	EXPECT_EQ(ioctl(fd, EVIOCGID, &id), 0);
	EXPECT(id.bustype != 0);
	EXPECT_ERROR(call(fd, EVIOCGVERSION, NULL), EFAULT);
}

TEST(a_name_is_cut_to_the_length_that_is_asked_for)
{
	int fd = open_keyboard();
	char name[256], part[8] = "#######";
	int length;

	memset(name, '#', sizeof(name));
	length = ioctl(fd, EVIOCGNAME(sizeof(name)), name);
	EXPECT(length > 4);
	EXPECT_EQ(strlen(name) + 1, length);
	EXPECT_EQ(name[length], '#');
	EXPECT_EQ(ioctl(fd, EVIOCGNAME(4), part), 4);
	EXPECT_EQ(memcmp(part, name, 4), 0);
	EXPECT_EQ(part[4], '#');
	EXPECT_EQ(ioctl(fd, EVIOCGNAME(0), part), 0);
	EXPECT_ERROR(call(fd, EVIOCGNAME(16), NULL), EFAULT);
}

TEST(bits_are_whole_words_of_what_there_may_be)
{
	int fd = open_keyboard();
	uint8_t bits[256];

	memset(bits, 0xaa, sizeof(bits));
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(0, sizeof(bits)), bits), 8);
	EXPECT_EQ(bits[8], 0xaa);
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(EV_KEY, sizeof(bits)), bits), 96);
	EXPECT_EQ(bits[96], 0xaa);
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(EV_KEY, 5), bits), 5);
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(EV_REL, sizeof(bits)), bits), 8);
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(EV_ABS, sizeof(bits)), bits), 8);
	EXPECT_EQ(ioctl(fd, EVIOCGBIT(EV_FF, sizeof(bits)), bits), 16);
	EXPECT_EQ(ioctl(fd, EVIOCGPROP(sizeof(bits)), bits), 8);
	EXPECT_ERROR(call(fd, EVIOCGBIT(EV_REP, 8), bits), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCGBIT(EV_PWR, 8), bits), EINVAL);
	EXPECT(has(fd, 0, EV_SYN));
	EXPECT(has(fd, 0, EV_REP));
}

TEST(requests_that_there_are_none_of_are_invalid)
{
	int fd = open_keyboard();
	char buf[64] = "";

	EXPECT_ERROR(call(fd, _IO('E', 0x77), buf), EINVAL);
	EXPECT_ERROR(call(fd, _IOR('E', 0xfe, int), buf), EINVAL);
	EXPECT_ERROR(call(fd, _IOW('E', 0x01, int), buf), EINVAL);
	EXPECT_ERROR(call(fd, _IOR('F', 0x01, int), buf), EINVAL);
	EXPECT_ERROR(call(fd, 0x5401 /* TCGETS */, buf), EINVAL);
	EXPECT(!isatty(fd));
}

TEST(a_keyboard_has_no_axes_slots_or_forces)
{
	int fd = open_keyboard(), effects = -1;
	struct input_absinfo info;
	struct ff_effect effect = { .type = FF_RUMBLE, .id = -1 };
	int32_t slots[4] = { ABS_MT_POSITION_X };

	if (has(fd, 0, EV_ABS) || has(fd, 0, EV_FF))
		skip("an unusual keyboard");
	EXPECT_ERROR(call(fd, EVIOCGABS(ABS_X), &info), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCSABS(ABS_X), &info), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCGMTSLOTS(sizeof(slots)), slots), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCSFF, &effect), ENOSYS);
	EXPECT_ERROR(call(fd, EVIOCRMFF, (void *)0), ENOSYS);
	EXPECT_EQ(ioctl(fd, EVIOCGEFFECTS, &effects), 0);
	EXPECT_EQ(effects, 0);
}

/* -- events ---------------------------------------------------------------- */

TEST(what_happens_is_read_by_all_who_have_it_open)
{
	int a = open_keyboard(), b = open_keyboard();

	press(a, KEY_Q, 1);
	expect_key(a, KEY_Q, 1);
	expect_key(b, KEY_Q, 1);
	release(b, KEY_Q);
	expect_key(a, KEY_Q, 0);
	expect_key(b, KEY_Q, 0);
}

TEST(who_opens_later_reads_nothing_from_before)
{
	int a = open_keyboard(), b;

	press(a, KEY_Q, 1);
	settle(a);
	b = open_keyboard();
	EXPECT(is_down(b, KEY_Q));
	expect_none(b);
	release(a, KEY_Q);
}

TEST(what_changes_nothing_is_no_event)
{
	int fd = open_keyboard();

	press(fd, KEY_Q, 0);
	expect_none(fd);
	press(fd, KEY_Q, 1);
	expect_key(fd, KEY_Q, 1);
	press(fd, KEY_Q, 1);
	expect_none(fd);
	report(fd);
	expect_none(fd);
	release(fd, KEY_Q);
	expect_key(fd, KEY_Q, 0);
}

TEST(what_it_has_not_is_no_event)
{
	int fd = open_keyboard();

	if (has(fd, EV_KEY, BTN_TOOL_PEN) || has(fd, 0, EV_SW))
		skip("an unusual keyboard");
	press(fd, BTN_TOOL_PEN, 1);
	put(fd, EV_SW, SW_LID, 1);
	put(fd, EV_ABS, ABS_X, 7);
	put(fd, 0x1f, 1, 1);
	put(fd, 0x7777, 0x7777, 1);
	report(fd);
	expect_none(fd);
}

TEST(events_wait_for_their_report)
{
	int fd = open_keyboard();
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	put(fd, EV_KEY, KEY_Q, 1);
	put(fd, EV_KEY, KEY_W, 1);
	settle(fd);
	EXPECT_EQ(poll(&pfd, 1, 0), 0);
	report(fd);
	expect_next(fd, EV_KEY, KEY_Q, 1);
	expect_key(fd, KEY_W, 1);
	put(fd, EV_KEY, KEY_Q, 0);
	release(fd, KEY_W);
}

TEST(a_repetition_is_passed_on_and_changes_nothing)
{
	int fd = open_keyboard();

	press(fd, KEY_Q, 2);
	expect_key(fd, KEY_Q, 2);
	EXPECT(!is_down(fd, KEY_Q));
}

TEST(events_of_one_moment_have_one_time)
{
	int fd = open_keyboard();
	struct input_event first, second;

	put(fd, EV_KEY, KEY_Q, 1);
	press(fd, KEY_W, 1);
	first = next(fd);
	second = next(fd);
	EXPECT_EQ(first.input_event_sec, second.input_event_sec);
	EXPECT_EQ(first.input_event_usec, second.input_event_usec);
	put(fd, EV_KEY, KEY_Q, 0);
	release(fd, KEY_W);
}

static bool is_about_now(const struct input_event *event, clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (time_t)event->input_event_sec <= now.tv_sec &&
	       (time_t)event->input_event_sec + 60 > now.tv_sec;
}

TEST(a_file_has_a_clock_of_its_own)
{
	int a = open_keyboard(), b = open_keyboard();
	int clock = CLOCK_MONOTONIC, bad = CLOCK_PROCESS_CPUTIME_ID;
	struct input_event event;

	EXPECT_EQ(ioctl(b, EVIOCSCLOCKID, &clock), 0);
	EXPECT_ERROR(call(b, EVIOCSCLOCKID, &bad), EINVAL);
	EXPECT_ERROR(call(b, EVIOCSCLOCKID, NULL), EFAULT);
	press(a, KEY_Q, 1);
	event = next(a);
	EXPECT(is_about_now(&event, CLOCK_REALTIME));
	event = next(b);
	EXPECT(is_about_now(&event, CLOCK_MONOTONIC));
	clock = CLOCK_BOOTTIME;
	EXPECT_EQ(ioctl(a, EVIOCSCLOCKID, &clock), 0);
	release(a, KEY_Q);
}

TEST(another_clock_drops_what_was_not_read)
{
	int fd = open_keyboard(), clock = CLOCK_MONOTONIC;

	press(fd, KEY_Q, 1);
	settle(fd);
	EXPECT_EQ(ioctl(fd, EVIOCSCLOCKID, &clock), 0);
	expect_none(fd);
	release(fd, KEY_Q);
	expect_next(fd, EV_SYN, SYN_DROPPED, 0);
	expect_key(fd, KEY_Q, 0);
}

/* -- reading and writing ----------------------------------------------------- */

TEST(reading_takes_whole_events)
{
	int fd = open_keyboard();
	char buf[3 * sizeof(struct input_event)];

	EXPECT_ERROR(result(read(fd, buf, 1)), EINVAL);
	EXPECT_ERROR(result(read(fd, buf, sizeof(struct input_event) - 1)), EINVAL);
	EXPECT_ERROR(result(read(fd, buf, 0)), EAGAIN);
	press(fd, KEY_Q, 1);
	settle(fd);
	EXPECT_EQ(read(fd, buf, 0), 0);
	EXPECT_EQ(read(fd, buf, sizeof(struct input_event) + 7),
		  sizeof(struct input_event));
	EXPECT_EQ(read(fd, buf, sizeof(buf)), sizeof(struct input_event));
	EXPECT_ERROR(result(read(fd, buf, sizeof(buf))), EAGAIN);
	release(fd, KEY_Q);
}

TEST(writing_takes_whole_events)
{
	struct input_event events[3] = {
		{ .type = EV_KEY, .code = KEY_Q, .value = 1 },
	};
	const size_t two = 2 * sizeof(*events);
	int fd = open_keyboard();

	EXPECT_ERROR(result(write(fd, events, 1)), EINVAL);
	EXPECT_EQ(write(fd, events, 0), 0);
	EXPECT_EQ(write(fd, events, two + 5), two);
	expect_key(fd, KEY_Q, 1);
	release(fd, KEY_Q);
}

TEST(a_file_does_only_what_it_was_opened_for)
{
	int reader = open_flags(keyboard(), O_RDONLY | O_NONBLOCK);
	int writer = open_flags(keyboard(), O_WRONLY | O_NONBLOCK);
	struct input_event event = { .type = EV_SYN };

	EXPECT_ERROR(result(write(reader, &event, sizeof(event))), EBADF);
	EXPECT_ERROR(result(read(writer, &event, sizeof(event))), EBADF);
	press(writer, KEY_Q, 1);
	expect_key(reader, KEY_Q, 1);
	release(writer, KEY_Q);
}

TEST(reading_waits_for_an_event)
{
	int fd = open_flags(keyboard(), O_RDWR);
	struct input_event events[4];

	IN_CHILD({
		struct timespec moment = { .tv_nsec = 50000000 };
		int other = open_keyboard();

		nanosleep(&moment, NULL);
		press(other, KEY_Q, 1);
		release(other, KEY_Q);
	});
	EXPECT(read(fd, events, sizeof(events)) >= (ssize_t)sizeof(*events));
	EXPECT_EQ(events[0].code, KEY_Q);
}

TEST(a_device_can_always_be_written_to)
{
	int fd = open_keyboard();
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(pfd.revents, POLLOUT);
	press(fd, KEY_Q, 1);
	settle(fd);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT_EQ(pfd.revents, POLLIN | POLLOUT);
	release(fd, KEY_Q);
}

TEST(who_does_not_read_is_told_that_events_are_lost)
{
	int fd = open_keyboard(), other = open_keyboard();
	struct input_event event = { 0 };
	unsigned int n = 0;

	for (int i = 0; i < 2000; i++)
		press(other, KEY_Q, !(i & 1));
	settle(fd);
	while (event.type != EV_SYN || event.code != SYN_DROPPED) {
		event = next(fd);
		EXPECT(n++ < 2000);
	}
	/* What comes now comes whole, once it has read. */
	while (read(fd, &event, sizeof(event)) > 0)
		;
	press(other, KEY_Q, 1);
	do {
		event = next(fd);
	} while (event.type == EV_SYN);
	EXPECT_EQ(event.code, KEY_Q);
	EXPECT_EQ(event.value, 1);
	release(other, KEY_Q);
}

/* -- state ----------------------------------------------------------------- */

TEST(the_state_of_keys_is_told_and_takes_its_events_along)
{
	int fd = open_keyboard(), other = open_keyboard();

	press(fd, KEY_Q, 1);
	press(fd, KEY_Q, 0);
	press(fd, KEY_W, 1);
	EXPECT(!is_down(fd, KEY_Q));
	/* All of it was in the state, but for the report that came first. */
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
	expect_none(fd);
	EXPECT_EQ(next(other).code, KEY_Q);
	release(fd, KEY_W);
}

TEST(the_state_of_keys_leaves_other_events)
{
	int fd = open_keyboard();

	if (!has(fd, EV_MSC, MSC_SCAN))
		skip("no scan codes");
	put(fd, EV_MSC, MSC_SCAN, 99);
	press(fd, KEY_Q, 1);
	press(fd, KEY_Q, 0);
	is_down(fd, KEY_Q);
	expect_next(fd, EV_MSC, MSC_SCAN, 99);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
	expect_none(fd);
}

TEST(lights_are_seen_by_all)
{
	int a = open_keyboard(), b = open_keyboard();
	uint64_t before = 0, leds = 0;

	if (!has(a, EV_LED, LED_SCROLLL))
		skip("no such light");
	EXPECT_EQ(ioctl(a, EVIOCGLED(sizeof(before)), &before), 8);
	put(a, EV_LED, LED_SCROLLL, !(before >> LED_SCROLLL & 1));
	report(a);
	expect_next(b, EV_LED, LED_SCROLLL, !(before >> LED_SCROLLL & 1));
	EXPECT_EQ(ioctl(b, EVIOCGLED(sizeof(leds)), &leds), 8);
	EXPECT_EQ(leds, before ^ 1 << LED_SCROLLL);
	put(a, EV_LED, LED_SCROLLL, before >> LED_SCROLLL & 1);
	report(a);
}

TEST(sounds_and_switches_that_there_are_none_of_are_off)
{
	int fd = open_keyboard();
	uint64_t bits = ~0ull;

	if (has(fd, 0, EV_SND) || has(fd, 0, EV_SW))
		skip("an unusual keyboard");
	EXPECT_EQ(ioctl(fd, EVIOCGSND(sizeof(bits)), &bits), 8);
	EXPECT_EQ(bits, 0);
	bits = ~0ull;
	EXPECT_EQ(ioctl(fd, EVIOCGSW(sizeof(bits)), &bits), 8);
	EXPECT_EQ(bits, 0);
}

/* -- repeating --------------------------------------------------------------- */

/* Some repeat in hardware, which nobody presses here. */
static int open_repeating(void)
{
	for (int i = 0; i < 32; i++) {
		struct input_id id = { 0 };
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/dev/input/event%d", i);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && has(fd, 0, EV_REP) && has(fd, EV_KEY, KEY_Q) &&
		    !ioctl(fd, EVIOCGID, &id) && id.bustype == BUS_VIRTUAL) {
			release(fd, KEY_Q);
			return fd;
		}
		if (fd >= 0)
			close(fd);
	}
	skip("no keyboard that repeats by itself");
}

TEST(keys_repeat_as_they_are_told_to)
{
	int fd = open_repeating();
	unsigned int before[2], rep[2] = { 20, 10 };
	struct input_event event;

	EXPECT_EQ(ioctl(fd, EVIOCGREP, before), 0);
	EXPECT_EQ(before[0], 250);
	EXPECT_EQ(before[1], 33);
	EXPECT_EQ(ioctl(fd, EVIOCSREP, rep), 0);
	memset(rep, 0, sizeof(rep));
	EXPECT_EQ(ioctl(fd, EVIOCGREP, rep), 0);
	EXPECT_EQ(rep[0], 20);
	EXPECT_EQ(rep[1], 10);
	press(fd, KEY_Q, 1);
	do {
		event = next(fd);
	} while (event.type != EV_KEY || !event.value);
	for (int i = 0; i < 3; i++) {
		expect_next(fd, EV_SYN, SYN_REPORT, i ? 1 : 0);
		expect_next(fd, EV_KEY, KEY_Q, 2);
	}
	release(fd, KEY_Q);
	EXPECT_EQ(ioctl(fd, EVIOCSREP, before), 0);
	EXPECT_ERROR(call(fd, EVIOCSREP, NULL), EFAULT);
	report(fd);
}

TEST(only_keyboards_repeat)
{
	int fd = open_flags(find(EV_REL, REL_X, EV_REL), O_RDWR | O_NONBLOCK);
	unsigned int rep[2] = { 1, 1 };

	if (has(fd, 0, EV_REP))
		skip("an unusual mouse");
	EXPECT_ERROR(call(fd, EVIOCGREP, rep), ENOSYS);
	EXPECT_ERROR(call(fd, EVIOCSREP, rep), ENOSYS);
	EXPECT_ERROR(call(fd, EVIOCSREP, NULL), ENOSYS);
}

/* -- grabs, masks, revocation ------------------------------------------------- */

TEST(who_grabs_reads_alone)
{
	int a = open_keyboard(), b = open_keyboard();

	EXPECT_ERROR(call(a, EVIOCGRAB, (void *)0), EINVAL);
	EXPECT_OK(call(a, EVIOCGRAB, (void *)1));
	EXPECT_ERROR(call(a, EVIOCGRAB, (void *)1), EBUSY);
	EXPECT_ERROR(call(b, EVIOCGRAB, (void *)1), EBUSY);
	EXPECT_ERROR(call(b, EVIOCGRAB, (void *)0), EINVAL);
	press(b, KEY_Q, 1);
	expect_key(a, KEY_Q, 1);
	expect_none(b);
	EXPECT(is_down(b, KEY_Q));
	EXPECT_OK(call(a, EVIOCGRAB, (void *)0));
	release(a, KEY_Q);
	expect_key(b, KEY_Q, 0);
}

TEST(a_grab_ends_with_the_last_descriptor)
{
	int a = open_keyboard(), b = open_keyboard(), copy;

	EXPECT_OK(call(a, EVIOCGRAB, (void *)1));
	copy = dup(a);
	close(a);
	EXPECT_ERROR(call(b, EVIOCGRAB, (void *)1), EBUSY);
	close(copy);
	EXPECT_OK(call(b, EVIOCGRAB, (void *)1));
}

TEST(who_is_revoked_gets_nothing_any_more)
{
	int a = open_keyboard(), b = open_keyboard(), version;
	struct pollfd pfd = { .fd = a, .events = POLLIN };
	struct input_event event = { .type = EV_SYN };

	EXPECT_OK(call(a, EVIOCGRAB, (void *)1));
	press(a, KEY_Q, 1);
	EXPECT_ERROR(call(a, EVIOCREVOKE, (void *)1), EINVAL);
	EXPECT_OK(call(a, EVIOCREVOKE, (void *)0));
	EXPECT_ERROR(result(read(a, &event, sizeof(event))), ENODEV);
	EXPECT_ERROR(result(write(a, &event, sizeof(event))), ENODEV);
	EXPECT_ERROR(call(a, EVIOCGVERSION, &version), ENODEV);
	EXPECT_ERROR(call(a, EVIOCREVOKE, (void *)0), ENODEV);
	EXPECT_EQ(poll(&pfd, 1, 0), 1);
	EXPECT(pfd.revents & POLLHUP);
	/* The grab went with it. */
	EXPECT_OK(call(b, EVIOCGRAB, (void *)1));
	release(b, KEY_Q);
	EXPECT_EQ(next(b).code, KEY_Q);
}

TEST(who_waits_is_woken_by_its_revocation)
{
	int fd = open_flags(keyboard(), O_RDWR);
	struct input_event event;

	IN_CHILD({
		struct timespec moment = { .tv_nsec = 50000000 };

		nanosleep(&moment, NULL);
		EXPECT_OK(call(fd, EVIOCREVOKE, (void *)0));
	});
	EXPECT_ERROR(result(read(fd, &event, sizeof(event))), ENODEV);
}

static int set_mask(int fd, unsigned int type, const void *bits, size_t size)
{
	struct input_mask mask = { .type = type, .codes_size = size,
				   .codes_ptr = PTR(bits) };

	return call(fd, EVIOCSMASK, &mask);
}

TEST(masked_codes_do_not_come)
{
	int fd = open_keyboard(), other = open_keyboard();
	uint64_t keys[LONGS(KEY_CNT)] = { 1ull << KEY_W };

	EXPECT_OK(set_mask(fd, EV_KEY, keys, sizeof(keys)));
	press(fd, KEY_Q, 1);
	expect_none(fd);
	press(fd, KEY_W, 1);
	expect_key(fd, KEY_W, 1);
	EXPECT(is_down(fd, KEY_Q));
	expect_key(other, KEY_Q, 1);
	put(fd, EV_KEY, KEY_Q, 0);
	release(fd, KEY_W);
}

TEST(masked_types_do_not_come)
{
	int fd = open_keyboard();
	uint64_t types = 1 << EV_LED;

	EXPECT_OK(set_mask(fd, EV_SYN, &types, sizeof(types)));
	press(fd, KEY_Q, 1);
	expect_none(fd);
	release(fd, KEY_Q);
}

TEST(a_mask_is_told_as_it_was_set)
{
	int fd = open_keyboard();
	uint8_t bits[128];
	uint64_t keys[LONGS(KEY_CNT)] = { 0x1234 };
	struct input_mask mask = { .type = EV_KEY, .codes_size = sizeof(bits),
				   .codes_ptr = PTR(bits) };

	memset(bits, 0x77, sizeof(bits));
	EXPECT_OK(call(fd, EVIOCGMASK, &mask));
	for (int i = 0; i < 96; i++)
		EXPECT_EQ(bits[i], 0xff);
	for (int i = 96; i < 128; i++)
		EXPECT_EQ(bits[i], 0);
	EXPECT_OK(set_mask(fd, EV_KEY, keys, 8));
	EXPECT_OK(call(fd, EVIOCGMASK, &mask));
	EXPECT_EQ(memcmp(bits, keys, 96), 0);
	mask.type = 0x7777;
	memset(bits, 0x77, sizeof(bits));
	EXPECT_OK(call(fd, EVIOCGMASK, &mask));
	EXPECT_EQ(bits[0], 0);
	EXPECT_EQ(bits[127], 0);
}

TEST(masks_of_nothing_and_bad_masks_are_told_apart)
{
	int fd = open_keyboard();
	uint64_t bits = 0;
	struct input_mask mask = { .type = EV_KEY, .codes_size = 8 };

	EXPECT_OK(set_mask(fd, 0x7777, &bits, sizeof(bits)));
	EXPECT_OK(set_mask(fd, EV_REP, &bits, sizeof(bits)));
	EXPECT_ERROR(set_mask(fd, EV_KEY, &bits, 7), EINVAL);
	EXPECT_ERROR(set_mask(fd, EV_KEY, NULL, 8), EFAULT);
	EXPECT_ERROR(call(fd, EVIOCGMASK, &mask), EFAULT);
	EXPECT_ERROR(call(fd, EVIOCGMASK, NULL), EFAULT);
	EXPECT_ERROR(call(fd, EVIOCSMASK, NULL), EFAULT);
}

/* -- key maps ---------------------------------------------------------------- */

TEST(key_codes_are_told_by_index_and_by_scan_code)
{
	int fd = open_keyboard();
	struct input_keymap_entry entry = {
		.flags = INPUT_KEYMAP_BY_INDEX, .index = 0x10 };
	unsigned int pair[2] = { 0x10, 0 };

	if (ioctl(fd, EVIOCGKEYCODE_V2, &entry) < 0)
		skip("its keys have no codes");
	EXPECT_EQ(entry.index, 0x10);
	EXPECT_EQ(entry.len, 4);
	EXPECT_EQ(ioctl(fd, EVIOCGKEYCODE, pair), 0);
	EXPECT_EQ(pair[1], entry.keycode);
	entry.flags = 0;
	entry.len = 3;
	EXPECT_ERROR(call(fd, EVIOCGKEYCODE_V2, &entry), EINVAL);
	entry.len = 2;
	entry.scancode[0] = entry.scancode[1] = 0xff;
	EXPECT_ERROR(call(fd, EVIOCGKEYCODE_V2, &entry), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCGKEYCODE_V2, NULL), EFAULT);
}

TEST(a_key_can_be_made_another)
{
	int fd = open_keyboard();
	unsigned int pair[2] = { 0x10, 0 }, old;

	if (ioctl(fd, EVIOCGKEYCODE, pair) < 0)
		skip("its keys have no codes");
	old = pair[1];
	pair[1] = KEY_MAX + 1;
	EXPECT_ERROR(call(fd, EVIOCSKEYCODE, pair), EINVAL);
	pair[1] = KEY_MACRO30;
	EXPECT(!has(fd, EV_KEY, KEY_MACRO30));
	press(fd, old, 1);
	EXPECT_EQ(ioctl(fd, EVIOCSKEYCODE, pair), 0);
	EXPECT(has(fd, EV_KEY, KEY_MACRO30));
	/* The key that is no more is not down either. */
	EXPECT(!has(fd, EV_KEY, old));
	EXPECT(!is_down(fd, old));
	pair[1] = old;
	EXPECT_EQ(ioctl(fd, EVIOCSKEYCODE, pair), 0);
	EXPECT(has(fd, EV_KEY, old));
	EXPECT(!has(fd, EV_KEY, KEY_MACRO30));
}

TEST(a_mouse_has_no_key_map)
{
	int fd = open_flags(find(EV_REL, REL_X, EV_REL), O_RDWR | O_NONBLOCK);
	unsigned int pair[2] = { 1, 1 };

	EXPECT_ERROR(call(fd, EVIOCGKEYCODE, pair), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCSKEYCODE, pair), EINVAL);
}

/* -- pointers -------------------------------------------------------------- */

TEST(motion_of_nothing_is_no_event)
{
	int fd = open_flags(find(EV_REL, REL_X, EV_REL), O_RDWR | O_NONBLOCK);

	put(fd, EV_REL, REL_X, 0);
	report(fd);
	expect_none(fd);
	put(fd, EV_REL, REL_X, -3);
	put(fd, EV_REL, REL_X, -3);
	report(fd);
	expect_next(fd, EV_REL, REL_X, -3);
	expect_next(fd, EV_REL, REL_X, -3);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
}

static int open_absolute(void)
{
	return open_flags(find(EV_ABS, ABS_X, EV_ABS), O_RDWR | O_NONBLOCK);
}

TEST(an_axis_has_a_value_and_limits)
{
	int fd = open_absolute();
	struct input_absinfo info = { .value = -1 };

	EXPECT_EQ(ioctl(fd, EVIOCGABS(ABS_X), &info), 0);
	EXPECT(info.maximum > info.minimum);
	put(fd, EV_ABS, ABS_X, info.minimum + 100);
	put(fd, EV_ABS, ABS_X, info.minimum + 101);
	report(fd);
	expect_next(fd, EV_ABS, ABS_X, info.minimum + 100);
	expect_next(fd, EV_ABS, ABS_X, info.minimum + 101);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
	EXPECT_EQ(ioctl(fd, EVIOCGABS(ABS_X), &info), 0);
	EXPECT_EQ(info.value, info.minimum + 101);
	put(fd, EV_ABS, ABS_X, info.value);
	report(fd);
	expect_none(fd);
	EXPECT_ERROR(call(fd, EVIOCGABS(ABS_X), NULL), EFAULT);
}

TEST(an_axis_can_be_changed_and_jitter_filtered)
{
	int fd = open_absolute();
	struct input_absinfo info, before;

	EXPECT_EQ(ioctl(fd, EVIOCGABS(ABS_X), &before), 0);
	info = before;
	info.value = 1000;
	info.fuzz = 20;
	EXPECT_EQ(ioctl(fd, EVIOCSABS(ABS_X), &info), 0);
	put(fd, EV_ABS, ABS_X, 1009);
	report(fd);
	expect_none(fd);
	put(fd, EV_ABS, ABS_X, 1012);
	report(fd);
	expect_next(fd, EV_ABS, ABS_X, 1003);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
	put(fd, EV_ABS, ABS_X, 1033);
	report(fd);
	expect_next(fd, EV_ABS, ABS_X, 1018);
	EXPECT_ERROR(call(fd, EVIOCSABS(ABS_X), NULL), EFAULT);
	EXPECT_EQ(ioctl(fd, EVIOCSABS(ABS_X), &before), 0);
}

/* -- slots ----------------------------------------------------------------- */

static int open_touch(void)
{
	return open_flags(find(EV_ABS, ABS_MT_SLOT, EV_ABS), O_RDWR | O_NONBLOCK);
}

static int slot_value(int fd, unsigned int code, unsigned int slot)
{
	int32_t values[16] = { code };

	EXPECT_EQ(ioctl(fd, EVIOCGMTSLOTS(sizeof(values)), values), 0);
	return values[1 + slot];
}

TEST(a_slot_is_told_when_something_changes_there)
{
	int fd = open_touch();

	EXPECT_EQ(slot_value(fd, ABS_MT_TRACKING_ID, 1), -1);
	put(fd, EV_ABS, ABS_MT_SLOT, 1);
	report(fd);
	expect_none(fd);
	put(fd, EV_ABS, ABS_MT_SLOT, 1);
	put(fd, EV_ABS, ABS_MT_TRACKING_ID, 45);
	put(fd, EV_ABS, ABS_MT_POSITION_X, 70);
	report(fd);
	expect_next(fd, EV_ABS, ABS_MT_SLOT, 1);
	expect_next(fd, EV_ABS, ABS_MT_TRACKING_ID, 45);
	expect_next(fd, EV_ABS, ABS_MT_POSITION_X, 70);
	expect_next(fd, EV_SYN, SYN_REPORT, 0);
	EXPECT_EQ(slot_value(fd, ABS_MT_TRACKING_ID, 1), 45);
	EXPECT_EQ(slot_value(fd, ABS_MT_TRACKING_ID, 0), -1);
	put(fd, EV_ABS, ABS_MT_TRACKING_ID, -1);
	put(fd, EV_ABS, ABS_MT_SLOT, 0);
	put(fd, EV_ABS, ABS_MT_POSITION_X, 11);
	report(fd);
	expect_next(fd, EV_ABS, ABS_MT_TRACKING_ID, -1);
	expect_next(fd, EV_ABS, ABS_MT_SLOT, 0);
	expect_next(fd, EV_ABS, ABS_MT_POSITION_X, 11);
}

TEST(slots_that_there_are_none_of_are_ignored)
{
	int fd = open_touch();
	struct input_absinfo info;

	put(fd, EV_ABS, ABS_MT_SLOT, 1000);
	put(fd, EV_ABS, ABS_MT_SLOT, -1);
	put(fd, EV_ABS, ABS_MT_POSITION_Y, 33);
	report(fd);
	EXPECT_EQ(slot_value(fd, ABS_MT_POSITION_Y, 0), 33);
	EXPECT_EQ(ioctl(fd, EVIOCGABS(ABS_MT_SLOT), &info), 0);
	EXPECT_ERROR(call(fd, EVIOCSABS(ABS_MT_SLOT), &info), EINVAL);
}

TEST(as_many_slots_are_told_as_there_is_room_for)
{
	int fd = open_touch();
	int32_t values[3] = { ABS_MT_TRACKING_ID, 77, 77 };
	int32_t bad = ABS_X;

	EXPECT_EQ(ioctl(fd, EVIOCGMTSLOTS(8), values), 0);
	EXPECT_EQ(values[0], ABS_MT_TRACKING_ID);
	EXPECT_EQ(values[1], -1);
	EXPECT_EQ(values[2], 77);
	EXPECT_ERROR(call(fd, EVIOCGMTSLOTS(4), &bad), EINVAL);
	EXPECT_ERROR(call(fd, EVIOCGMTSLOTS(8), NULL), EFAULT);
}

/* -- descriptors ------------------------------------------------------------- */

TEST(a_child_reads_on_what_it_inherited)
{
	int fd = open_keyboard(), other = open_keyboard();

	press(other, KEY_Q, 1);
	IN_CHILD({
		expect_key(fd, KEY_Q, 1);
		EXPECT(is_down(fd, KEY_Q));
		EXPECT_OK(call(fd, EVIOCGRAB, (void *)1));
	});
	/* It is the file that has it, not the process. */
	EXPECT_ERROR(call(other, EVIOCGRAB, (void *)1), EBUSY);
	expect_none(fd);
	release(other, KEY_Q);
}

TEST(a_file_opened_anew_by_its_descriptor_is_another)
{
	int fd = open_keyboard(), again;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open_flags(path, O_RDWR | O_NONBLOCK);
	EXPECT_OK(call(fd, EVIOCGRAB, (void *)1));
	EXPECT_ERROR(call(again, EVIOCGRAB, (void *)1), EBUSY);
}

TEST(a_closed_descriptor_is_nothing)
{
	int fd = open_keyboard(), version;

	close(fd);
	EXPECT_ERROR(call(fd, EVIOCGVERSION, &version), EBADF);
	EXPECT_ERROR(call(-1, EVIOCGVERSION, &version), EBADF);
	fd = open_flags("/dev/null", O_RDWR);
	EXPECT_ERROR(call(fd, EVIOCGVERSION, &version), ENOTTY);
}
