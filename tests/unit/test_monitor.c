/* SPDX-License-Identifier: MIT */
/*
 * Monitors: who hears what, what happens to those who do not read, and that nothing
 * is left of those who have gone. The kernel's side is a netlink socket like the
 * one that a program would open; where the machine has none, or the test may not send to
 * it, its cases are skipped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "fdcount.h"
#include "server/monitor.h"

static struct hf_monitors monitors;
static unsigned int before;

static int setup(void **state)
{
	char instance[16];

	(void)state;
	before = count_fds();
	snprintf(instance, sizeof(instance), "unit%d", getpid());
	return hf_monitors_init(&monitors, instance, 1 << 20);
}

static int teardown(void **state)
{
	(void)state;
	hf_monitors_finish(&monitors);
	return count_fds() == before ? 0 : -1;
}

static int open_monitor(uint32_t groups)
{
	int fd;

	assert_int_equal(hf_monitor_open(&monitors, SOCK_RAW, -1, &fd), 0);
	assert_int_equal(hf_monitor_bind(hf_monitor_of(&monitors, fd), 0, groups,
					 getpid()), 0);
	return fd;
}

static void say(uint32_t group, const char *text)
{
	hf_monitors_send(&monitors, group, text, strlen(text));
}

/* What comes next, or "". */
static const char *hear(int fd)
{
	static char text[256];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void a_monitor_hears_the_groups_that_it_is_bound_to(void **state)
{
	int kernel = open_monitor(HF_MONITOR_KERNEL);
	int udev = open_monitor(HF_MONITOR_UDEV);
	int both = open_monitor(HF_MONITOR_KERNEL | HF_MONITOR_UDEV);
	int none = open_monitor(0);

	(void)state;
	say(HF_MONITOR_KERNEL, "k");
	say(HF_MONITOR_UDEV, "u");
	assert_string_equal(hear(kernel), "k");
	assert_string_equal(hear(kernel), "");
	assert_string_equal(hear(udev), "u");
	assert_string_equal(hear(udev), "");
	assert_string_equal(hear(both), "k");
	assert_string_equal(hear(both), "u");
	assert_string_equal(hear(none), "");
	close(kernel);
	close(udev);
	close(both);
	close(none);
}

static void a_monitor_that_is_not_bound_hears_nothing(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(hf_monitor_open(&monitors, SOCK_DGRAM, -1, &fd), 0);
	say(HF_MONITOR_KERNEL, "k");
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void memberships_come_and_go(void **state)
{
	int fd = open_monitor(0);
	struct hf_monitor *monitor = hf_monitor_of(&monitors, fd);
	uint32_t pid, groups;

	(void)state;
	assert_int_equal(hf_monitor_option(monitor, NETLINK_ADD_MEMBERSHIP, 2), 0);
	hf_monitor_name(monitor, &pid, &groups);
	assert_int_equal(pid, getpid());
	assert_int_equal(groups, HF_MONITOR_UDEV);
	say(HF_MONITOR_UDEV, "u");
	assert_string_equal(hear(fd), "u");
	assert_int_equal(hf_monitor_option(monitor, NETLINK_DROP_MEMBERSHIP, 2), 0);
	say(HF_MONITOR_UDEV, "u");
	assert_string_equal(hear(fd), "");
	assert_int_equal(hf_monitor_option(monitor, NETLINK_ADD_MEMBERSHIP, 0),
			 -EINVAL);
	assert_int_equal(hf_monitor_option(monitor, NETLINK_ADD_MEMBERSHIP, 33),
			 -EINVAL);
	close(fd);
}

static void a_monitor_that_is_closed_leaves_nothing(void **state)
{
	unsigned int fds = count_fds();

	(void)state;
	for (int i = 0; i < 200; i++) {
		int fd = open_monitor(HF_MONITOR_KERNEL);

		say(HF_MONITOR_KERNEL, "unread");
		close(fd);
		assert_true(count_fds() <= fds + 1);
	}
	hf_monitors_reap(&monitors);
	assert_int_equal(count_fds(), fds);
	assert_true(wl_list_empty(&monitors.list));
}

static void a_duplicate_keeps_it_alive(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL), copy = dup(fd);

	(void)state;
	close(fd);
	hf_monitors_reap(&monitors);
	say(HF_MONITOR_KERNEL, "k");
	assert_string_equal(hear(copy), "k");
	close(copy);
}

/* What no one receives is no sign of life. */
static void one_that_filters_everything_is_noticed_as_well(void **state)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { 1, &nothing };
	int fd = open_monitor(HF_MONITOR_KERNEL);

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
				    sizeof(program)), 0);
	say(HF_MONITOR_KERNEL, "k");
	assert_string_equal(hear(fd), "");
	close(fd);
	say(HF_MONITOR_KERNEL, "k");
	assert_true(wl_list_empty(&monitors.list));
}

static void fill(int count)
{
	char text[32];

	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%d", i);
		say(HF_MONITOR_KERNEL, text);
	}
}

static void what_is_not_read_at_once_waits_in_order(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL), other;
	char text[32];

	(void)state;
	fill(3000);
	/* Who comes later is not concerned. */
	other = open_monitor(HF_MONITOR_KERNEL);
	for (int i = 0; i < 3000; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_string_equal(hear(fd), text);
		hf_monitors_dispatch(&monitors);
	}
	assert_string_equal(hear(fd), "");
	say(HF_MONITOR_KERNEL, "next");
	assert_string_equal(hear(fd), "next");
	assert_string_equal(hear(other), "next");
	close(fd);
	close(other);
}

static void one_that_does_not_read_is_told_that_it_has_lost_some(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL), reader, expected = 0;
	const char *text = "";

	(void)state;
	reader = open_monitor(HF_MONITOR_KERNEL);
	for (int i = 0; i < 20000; i++) {
		char number[32];

		snprintf(number, sizeof(number), "%d", i);
		say(HF_MONITOR_KERNEL, number);
		assert_string_equal(hear(reader), number);
	}
	for (; *(text = hear(fd)); expected++) {
		char number[32];

		hf_monitors_dispatch(&monitors);
		snprintf(number, sizeof(number), "%d", expected);
		if (strcmp(text, number))
			break;
	}
	assert_string_equal(text, HF_MONITOR_LOST);
	assert_in_range(expected, 4096, 19999);
	assert_string_equal(hear(fd), "");
	/* And it hears what comes from now on, without another word. */
	say(HF_MONITOR_KERNEL, "next");
	assert_string_equal(hear(fd), "next");
	hf_monitors_dispatch(&monitors);
	assert_string_equal(hear(fd), "");
	close(fd);
	close(reader);
}

static void what_waits_for_one_that_goes_is_dropped(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL);

	(void)state;
	fill(2000);
	close(fd);
	hf_monitors_dispatch(&monitors);
	assert_true(wl_list_empty(&monitors.list));
}

static void nobody_else_can_speak_to_a_monitor(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL);
	int stranger = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un addr;
	socklen_t len = sizeof(addr);

	(void)state;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(sendto(stranger, "x", 1, 0, (struct sockaddr *)&addr,
				len), -1);
	assert_int_equal(errno, EPERM);
	/* And nothing piles up at the server's end. */
	assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), -1);
	assert_int_equal(errno, EPIPE);
	close(stranger);
	close(fd);
}

static void a_monitor_without_a_server_is_silent(void **state)
{
	int fd = open_monitor(HF_MONITOR_KERNEL);
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	(void)state;
	hf_monitors_finish(&monitors);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	assert_int_equal(recv(fd, &pfd, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
	assert_int_equal(setup(NULL), 0);
}

static void what_cannot_be_a_monitor_is_refused(void **state)
{
	int fd, sv[2];

	(void)state;
	assert_int_equal(hf_monitor_open(&monitors, SOCK_STREAM, -1, &fd), -EINVAL);
	/* A socket that is not the kernel's; owned by the call. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	assert_int_equal(hf_monitor_open(&monitors, SOCK_RAW, sv[0], &fd), -EINVAL);
	assert_int_equal(hf_monitor_open(&monitors, SOCK_RAW, dup(0), &fd), -EINVAL);
	assert_null(hf_monitor_of(&monitors, sv[1]));
	assert_null(hf_monitor_of(&monitors, 0));
	assert_null(hf_monitor_of(&monitors, -1));
	close(sv[1]);
	monitors.max_fds = 3;
	assert_int_equal(hf_monitor_open(&monitors, SOCK_RAW, -1, &fd), -ENFILE);
	assert_true(wl_list_empty(&monitors.list));
}

/* -- with the kernel's socket ---------------------------------------------------- */

static int open_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
}

static int open_both(void)
{
	int netlink = open_netlink(), fd;

	if (netlink < 0)
		skip();
	assert_int_equal(hf_monitor_open(&monitors, SOCK_RAW, netlink, &fd), 0);
	return fd;
}

static void names_are_the_kernels(void **state)
{
	int fd = open_both(), second = open_both();
	struct hf_monitor *monitor = hf_monitor_of(&monitors, fd);
	struct hf_monitor *other = hf_monitor_of(&monitors, second);
	uint32_t pid, pid2, groups;

	(void)state;
	hf_monitor_name(monitor, &pid, &groups);
	assert_int_equal(pid, 0);
	assert_int_equal(groups, 0);
	assert_int_equal(hf_monitor_bind(monitor, 0, HF_MONITOR_UDEV, 4711), 0);
	hf_monitor_name(monitor, &pid, &groups);
	assert_int_equal(pid, 4711);
	assert_int_equal(groups, HF_MONITOR_UDEV);
	/* A port that is taken: the kernel finds another one, unless it was asked for. */
	assert_int_equal(hf_monitor_bind(other, 4711, 0, 4711), -EADDRINUSE);
	assert_int_equal(hf_monitor_bind(other, 0, HF_MONITOR_UDEV, 4711), 0);
	hf_monitor_name(other, &pid2, &groups);
	assert_int_not_equal(pid2, 4711);
	/* Once bound, only groups change. */
	assert_int_equal(hf_monitor_bind(monitor, 4712, 1, 4711), -EINVAL);
	assert_int_equal(hf_monitor_bind(monitor, pid, HF_MONITOR_KERNEL, 4711), 0);
	hf_monitor_name(monitor, &pid, &groups);
	assert_int_equal(groups, HF_MONITOR_KERNEL);
	assert_int_equal(hf_monitor_option(monitor, NETLINK_ADD_MEMBERSHIP, 2), 0);
	hf_monitor_name(monitor, &pid, &groups);
	assert_int_equal(groups, HF_MONITOR_KERNEL | HF_MONITOR_UDEV);
	assert_int_equal(hf_monitor_option(monitor, NETLINK_ADD_MEMBERSHIP, 99),
			 -EINVAL);
	close(fd);
	close(second);
}

/* As root, send as the udev daemon would. */
static bool broadcast(uint32_t pid, uint32_t groups, const char *text)
{
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK, .nl_pid = pid, .nl_groups = groups,
	};
	int fd = open_netlink();
	ssize_t n = sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to,
			   sizeof(to));

	close(fd);
	return n > 0;
}

static void what_others_broadcast_is_passed_on(void **state)
{
	int fd = open_both();
	struct hf_monitor *monitor = hf_monitor_of(&monitors, fd);
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "libudev\nunit test %d", getpid());
	/* A group that nobody else listens to. */
	assert_int_equal(hf_monitor_bind(monitor, 0, 1u << 20, getpid()), 0);
	if (!broadcast(0, 1u << 20, text)) {
		close(fd);
		skip();
	}
	hf_monitors_dispatch(&monitors);
	assert_string_equal(hear(fd), text);
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void what_is_sent_to_one_alone_is_not(void **state)
{
	int fd = open_both();
	struct hf_monitor *monitor = hf_monitor_of(&monitors, fd);
	uint32_t pid, groups;

	(void)state;
	assert_int_equal(hf_monitor_bind(monitor, 0, 1u << 20, getpid()), 0);
	hf_monitor_name(monitor, &pid, &groups);
	if (!broadcast(pid, 0, "psst")) {
		close(fd);
		skip();
	}
	hf_monitors_dispatch(&monitors);
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void what_the_kernel_had_no_room_for_is_lost_here_too(void **state)
{
	int fd = open_both();
	struct hf_monitor *monitor = hf_monitor_of(&monitors, fd);
	bool said = false;
	int n = 0;

	(void)state;
	assert_int_equal(hf_monitor_bind(monitor, 0, 1u << 20, getpid()), 0);
	for (int i = 0; i < 5000; i++)
		if (!broadcast(0, 1u << 20, "much")) {
			close(fd);
			skip();
		}
	for (int i = 0; i < 5000; i++) {
		const char *text;

		hf_monitors_dispatch(&monitors);
		text = hear(fd);
		n += !strcmp(text, "much");
		said |= !strcmp(text, HF_MONITOR_LOST);
	}
	assert_true(said);
	assert_in_range(n, 1, 4999);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_monitor_hears_the_groups_that_it_is_bound_to),
		TEST(a_monitor_that_is_not_bound_hears_nothing),
		TEST(memberships_come_and_go),
		TEST(a_monitor_that_is_closed_leaves_nothing),
		TEST(a_duplicate_keeps_it_alive),
		TEST(one_that_filters_everything_is_noticed_as_well),
		TEST(what_is_not_read_at_once_waits_in_order),
		TEST(one_that_does_not_read_is_told_that_it_has_lost_some),
		TEST(what_waits_for_one_that_goes_is_dropped),
		TEST(nobody_else_can_speak_to_a_monitor),
		TEST(a_monitor_without_a_server_is_silent),
		TEST(what_cannot_be_a_monitor_is_refused),
		TEST(names_are_the_kernels),
		TEST(what_others_broadcast_is_passed_on),
		TEST(what_is_sent_to_one_alone_is_not),
		TEST(what_the_kernel_had_no_room_for_is_lost_here_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
