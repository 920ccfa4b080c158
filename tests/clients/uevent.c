// SPDX-License-Identifier: MIT
/*
 * Hotplug as programs hear of it: with libudev, and with a netlink socket of their
 * own. Run as a client of a device with two connectors. It plugs monitors by writing to a
 * connector's status, as its device's owner may.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libudev.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include "client.h"

#define KERNEL 1u
#define UDEV 2u

/* Long enough for a loaded machine; nothing waits for it that goes well. */
#define PATIENCE 20000

static char card[64], connector[128]; /* their directories in sysfs */

static int setup(void **state)
{
	struct stat st;
	int fd = open_device();
	char link[64];
	ssize_t n;

	(void)state;
	if (fd < 0 || fstat(fd, &st))
		return -1;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u",
		 major(st.st_rdev), minor(st.st_rdev));
	n = readlink(link, connector, sizeof(connector) - 1);
	if (n < 0)
		return -1;
	connector[n] = '\0';
	snprintf(card, sizeof(card), "/sys/class/drm%s", strrchr(connector, '/'));
	snprintf(connector, sizeof(connector), "%s-HDMI-A-1", card);
	close(fd);
	return 0;
}

/* Return: 0 or an errno, of what writing says. */
static int write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		ret = errno;
	close(fd);
	return ret;
}

static void read_file(const char *dir, const char *name, char text[64])
{
	char path[256];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = read(fd, text, 63);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
}

static void unplug(void)
{
	assert_int_equal(write_file(connector, "status", "off\n"), 0);
}

static void plug(void)
{
	assert_int_equal(write_file(connector, "status", "detect\n"), 0);
}

static bool wait_for(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, PATIENCE) == 1 && pfd.revents == POLLIN;
}

static bool quiet(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 0;
}

/* -- a netlink socket of one's own ------------------------------------------------- */

static int open_raw(uint32_t groups, int flags)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = groups };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags,
			NETLINK_KOBJECT_UEVENT);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	return fd;
}

/* The value of a variable in a kernel's message. */
static const char *variable(const char *message, ssize_t size, const char *key)
{
	size_t length = strlen(key);

	for (const char *s = message; s < message + size; s += strlen(s) + 1)
		if (!strncmp(s, key, length) && s[length] == '=')
			return s + length + 1;
	return "";
}

/* Of the device's own: the machine may have something to say, too. */
static ssize_t next_of_ours(int fd, char *message, size_t size)
{
	for (;;) {
		ssize_t n;

		if (!wait_for(fd))
			return -1;
		n = read(fd, message, size - 1);
		if (n <= 0)
			return n;
		message[n] = '\0';
		if (strstr(variable(message, n, "DEVPATH"), "/holdfast."))
			return n;
	}
}

static void a_raw_socket_hears_the_kernels_words(void **state)
{
	char message[8192], expected[128];
	int fd = open_raw(KERNEL, 0);
	ssize_t n;

	unplug();
	n = next_of_ours(fd, message, sizeof(message));
	assert_true(n > 0);
	snprintf(expected, sizeof(expected), "change@%s",
		 variable(message, n, "DEVPATH"));
	assert_string_equal(message, expected);
	assert_string_equal(variable(message, n, "ACTION"), "change");
	assert_string_equal(variable(message, n, "SUBSYSTEM"), "drm");
	assert_string_equal(variable(message, n, "HOTPLUG"), "1");
	assert_string_equal(variable(message, n, "MAJOR"), "226");
	assert_string_equal(variable(message, n, "DEVTYPE"), "drm_minor");
	snprintf(expected, sizeof(expected), "dri%s", strrchr(card, '/'));
	assert_string_equal(variable(message, n, "DEVNAME"), expected);
	assert_true(atoll(variable(message, n, "SEQNUM")) > 0);
	plug();
	assert_true(next_of_ours(fd, message, sizeof(message)) > 0);
	close(fd);
}

static void the_socket_looks_like_netlink(void **state)
{
	struct sockaddr_nl name;
	struct { char family[3], guard; } small = { .guard = 'g' };
	socklen_t length = sizeof(name);
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			NETLINK_KOBJECT_UEVENT), value;

	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	assert_int_equal(length, sizeof(name));
	assert_int_equal(name.nl_family, AF_NETLINK);
	assert_int_equal(name.nl_pid, 0);
	name = (struct sockaddr_nl){ .nl_family = AF_NETLINK, .nl_groups = UDEV };
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
	length = sizeof(name);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	assert_int_not_equal(name.nl_pid, 0);
	assert_int_equal(name.nl_groups, UDEV);
	length = sizeof(small.family);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&small, &length), 0);
	assert_int_equal(length, sizeof(name));
	assert_int_equal(small.guard, 'g');
	value = 1;
	assert_int_equal(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &value,
				    sizeof(value)), 0);
	length = sizeof(name);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &length), 0);
	assert_int_equal(name.nl_groups, UDEV | KERNEL);
	length = sizeof(value);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &length), 0);
	assert_int_equal(value, AF_NETLINK);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &value, &length), 0);
	assert_int_equal(value, NETLINK_KOBJECT_UEVENT);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), 0);
	assert_int_equal(value, SOCK_DGRAM);
	close(fd);
	fd = open_raw(0, 0);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &length), 0);
	assert_int_equal(value, SOCK_RAW);
	assert_false(fcntl(fd, F_GETFL) & O_NONBLOCK);
	close(fd);
}

static void other_sockets_stay_what_they_are(void **state)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK };
	socklen_t length = sizeof(name);
	int route = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), value, sv[2];

	if (route >= 0) {
		assert_int_equal(bind(route, (struct sockaddr *)&name,
				      sizeof(name)), 0);
		assert_int_equal(getsockname(route, (struct sockaddr *)&name,
					     &length), 0);
		assert_int_equal(name.nl_family, AF_NETLINK);
		length = sizeof(value);
		assert_int_equal(getsockopt(route, SOL_SOCKET, SO_PROTOCOL, &value,
					    &length), 0);
		assert_int_equal(value, NETLINK_ROUTE);
		close(route);
	}
	assert_int_equal(socket(AF_NETLINK, SOCK_STREAM, NETLINK_KOBJECT_UEVENT), -1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, sv), 0);
	length = sizeof(value);
	assert_int_equal(getsockopt(sv[0], SOL_SOCKET, SO_DOMAIN, &value, &length), 0);
	assert_int_equal(value, AF_UNIX);
	close(sv[0]);
	close(sv[1]);
}

/* Everything that recvmsg(2) says of a message. */
struct letter {
	struct sockaddr_nl from;
	socklen_t from_size;
	struct ucred sender;
	bool signed_;
	char text[8192];
	ssize_t size;
};

static void receive(int fd, struct letter *letter, int flags)
{
	char control[CMSG_SPACE(sizeof(struct ucred))] = "";
	struct iovec iov = { letter->text, sizeof(letter->text) };
	struct msghdr msg = {
		.msg_name = &letter->from,
		.msg_namelen = sizeof(letter->from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	memset(&letter->from, 0xee, sizeof(letter->from));
	assert_true(wait_for(fd));
	letter->size = recvmsg(fd, &msg, flags);
	letter->from_size = msg.msg_namelen;
	cmsg = CMSG_FIRSTHDR(&msg);
	letter->signed_ = cmsg && cmsg->cmsg_type == SCM_CREDENTIALS;
	if (letter->signed_)
		memcpy(&letter->sender, CMSG_DATA(cmsg), sizeof(letter->sender));
}

static void messages_come_from_root(void **state)
{
	int kernel = open_raw(KERNEL, 0), udev = open_raw(UDEV, 0), one = 1;
	struct letter letter;

	setsockopt(kernel, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	setsockopt(udev, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	unplug();
	plug();
	receive(kernel, &letter, MSG_PEEK);
	receive(kernel, &letter, 0);
	assert_true(letter.size > 0);
	assert_int_equal(letter.from_size, sizeof(letter.from));
	assert_int_equal(letter.from.nl_family, AF_NETLINK);
	assert_int_equal(letter.from.nl_pid, 0);
	assert_int_equal(letter.from.nl_groups, KERNEL);
	assert_true(letter.signed_);
	assert_int_equal(letter.sender.uid, 0);
	assert_int_equal(letter.sender.gid, 0);
	assert_int_equal(letter.sender.pid, 0);
	receive(udev, &letter, 0);
	assert_int_equal(letter.from.nl_family, AF_NETLINK);
	assert_int_not_equal(letter.from.nl_pid, 0);
	assert_int_equal(letter.from.nl_groups, UDEV);
	assert_true(letter.signed_);
	assert_int_equal(letter.sender.uid, 0);
	assert_string_equal(letter.text, "libudev");
	close(kernel);
	close(udev);
}

static void every_way_to_receive_is_one(void **state)
{
	int fd = open_raw(KERNEL, SOCK_NONBLOCK);
	char message[8192], other[2][8192];
	struct iovec iov[2] = { { message, 8 }, { message + 8, 8000 } };
	struct iovec iovs[2] = { { other[0], 8192 }, { other[1], 8192 } };
	struct mmsghdr many[2] = {
		{ .msg_hdr = { .msg_iov = &iovs[0], .msg_iovlen = 1 } },
		{ .msg_hdr = { .msg_iov = &iovs[1], .msg_iovlen = 1 } },
	};
	struct sockaddr_nl from;
	socklen_t length = sizeof(from);
	ssize_t size;

	for (int i = 0; i < 4; i++) {
		unplug();
		plug();
	}
	assert_true(wait_for(fd));
	size = recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC);
	assert_true(size > 100);
	assert_int_equal(recv(fd, message, sizeof(message), 0), size);
	assert_int_equal(read(fd, message, sizeof(message)), size);
	assert_int_equal(readv(fd, iov, 2), size);
	assert_memory_equal(message, "change@/devices", 15);
	assert_int_equal(recvfrom(fd, message, sizeof(message), 0,
				  (struct sockaddr *)&from, &length), size);
	assert_int_equal(length, sizeof(from));
	assert_int_equal(from.nl_family, AF_NETLINK);
	assert_int_equal(from.nl_groups, KERNEL);
	assert_int_equal(recvmmsg(fd, many, 2, MSG_WAITFORONE, NULL), 2);
	assert_int_equal(many[1].msg_len, size);
	assert_memory_equal(other[1], "change@/devices", 15);
	assert_int_equal(recvmmsg(fd, many, 1, 0, NULL), 1);
	assert_int_equal(recv(fd, message, 10, MSG_TRUNC), size);
	assert_int_equal(recv(fd, message, 10, 0), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
}

static void every_way_to_wait_is_one(void **state)
{
	struct epoll_event event = { .events = EPOLLIN }, got;
	int fd = open_raw(KERNEL, SOCK_NONBLOCK), epoll = epoll_create1(EPOLL_CLOEXEC);
	struct timeval patience = { .tv_sec = PATIENCE / 1000 };
	char message[8192];
	fd_set set;

	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), 0);
	assert_int_equal(epoll_wait(epoll, &got, 1, 0), 0);
	unplug();
	assert_int_equal(epoll_wait(epoll, &got, 1, PATIENCE), 1);
	assert_int_equal(got.events, EPOLLIN);
	FD_ZERO(&set);
	FD_SET(fd, &set);
	assert_int_equal(select(fd + 1, &set, NULL, NULL, &patience), 1);
	assert_true(read(fd, message, sizeof(message)) > 0);
	assert_int_equal(epoll_wait(epoll, &got, 1, 0), 0);
	plug();
	assert_true(wait_for(fd));
	close(epoll);
	close(fd);
}

/* -- where a descriptor goes -------------------------------------------------------- */

static bool hears(void *data)
{
	char message[8192];

	return next_of_ours(*(int *)data, message, sizeof(message)) > 0;
}

static bool hears_signed(void *data)
{
	int one = 1, fd = *(int *)data;
	struct letter letter;

	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &one, sizeof(one));
	receive(fd, &letter, 0);
	return letter.from.nl_groups == KERNEL && letter.signed_ &&
	       letter.sender.uid == 0;
}

static void a_child_hears_on_what_it_inherited(void **state)
{
	int fd = open_raw(KERNEL, 0);

	unplug();
	plug();
	assert_child_succeeds(fork_child(hears, &fd));
	assert_child_succeeds(fork_child(hears_signed, &fd));
	assert_true(quiet(fd));
	close(fd);
}

static bool hears_what_it_gets(void *data)
{
	int fd = receive_fd(*(int *)data);

	return fd >= 0 && hears_signed(&fd);
}

static void a_descriptor_can_be_passed_on(void **state)
{
	int fd = open_raw(KERNEL, 0), sv[2];
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	pid = fork_child(hears_what_it_gets, &sv[1]);
	assert_int_equal(send_fd(sv[0], fd), 0);
	close(fd);
	unplug();
	plug();
	assert_child_succeeds(pid);
	close(sv[0]);
	close(sv[1]);
}

static void a_fresh_image_hears_on_its_standard_input(void **state)
{
	int fd = open_raw(KERNEL, 0);
	pid_t pid;

	unplug();
	plug();
	pid = fork();
	if (pid == 0) {
		dup2(fd, 0);
		execlp("sh", "sh", "-c", "head -c 7 | grep -q '^change@'", NULL);
		_exit(127);
	}
	assert_child_succeeds(pid);
	close(fd);
}

static void a_duplicate_hears_the_same(void **state)
{
	int fd = open_raw(KERNEL, 0), copy = dup(fd);
	struct sockaddr_nl name;
	socklen_t length = sizeof(name);

	close(fd);
	assert_int_equal(getsockname(copy, (struct sockaddr *)&name, &length), 0);
	assert_int_equal(name.nl_groups, KERNEL);
	unplug();
	plug();
	assert_true(hears(&copy));
	close(copy);
}

/* -- libudev --------------------------------------------------------------------- */

static struct udev_monitor *monitor_of(struct udev *udev, const char *source)
{
	struct udev_monitor *monitor = udev_monitor_new_from_netlink(udev, source);

	assert_non_null(monitor);
	return monitor;
}

static struct udev_device *next_device(struct udev_monitor *monitor)
{
	if (!wait_for(udev_monitor_get_fd(monitor)))
		return NULL;
	return udev_monitor_receive_device(monitor);
}

#define assert_property(device, key, value) \
	assert_string_equal(udev_device_get_property_value(device, key) ?: "", value)

/* As compositors do it: the filters are the kernel's as well as libudev's. */
static void libudev_hears_of_hotplug(const char *source)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = monitor_of(udev, source);
	struct udev_device *device;
	char status[64];

	udev_monitor_filter_add_match_subsystem_devtype(monitor, "drm", "drm_minor");
	assert_int_equal(udev_monitor_enable_receiving(monitor), 0);
	for (int i = 0; i < 4; i++) {
		if (i % 2)
			plug();
		else
			unplug();
		device = next_device(monitor);
		assert_non_null(device);
		assert_string_equal(udev_device_get_action(device), "change");
		assert_string_equal(udev_device_get_sysname(device),
				    strrchr(card, '/') + 1);
		assert_string_equal(udev_device_get_subsystem(device), "drm");
		assert_property(device, "HOTPLUG", "1");
		assert_true(udev_device_get_seqnum(device) > 0);
		if (!strcmp(source, "udev"))
			assert_true(udev_device_get_is_initialized(device));
		/* Whoever hears of it sees it. */
		read_file(connector, "status", status);
		assert_string_equal(status, i % 2 ? "connected\n" :
						    "disconnected\n");
		udev_device_unref(device);
	}
	udev_monitor_unref(monitor);
	udev_unref(udev);
}

static void libudev_hears_of_hotplug_from_the_kernel(void **state)
{
	libudev_hears_of_hotplug("kernel");
}

static void libudev_hears_of_hotplug_from_udev(void **state)
{
	libudev_hears_of_hotplug("udev");
}

static void udevs_messages_have_what_its_database_has(void **state)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = monitor_of(udev, "udev");
	struct udev_device *device, *known;
	struct udev_list_entry *entry;

	assert_int_equal(udev_monitor_enable_receiving(monitor), 0);
	unplug();
	plug();
	device = next_device(monitor);
	assert_non_null(device);
	known = udev_device_new_from_syspath(udev, udev_device_get_syspath(device));
	assert_non_null(known);
	udev_list_entry_foreach(entry, udev_device_get_properties_list_entry(known)) {
		const char *key = udev_list_entry_get_name(entry);
		const char *value = udev_list_entry_get_value(entry);

		/* Lists are in the order of a hash table that has a seed. */
		if (strcmp(key, "TAGS") && strcmp(key, "CURRENT_TAGS"))
			assert_property(device, key, value);
	}
	assert_true(udev_device_has_tag(device, "seat"));
	assert_true(udev_device_has_tag(device, "master-of-seat"));
	assert_string_equal(udev_device_get_devnode(device),
			    udev_device_get_devnode(known));
	udev_device_unref(known);
	udev_device_unref(device);
	udev_monitor_unref(monitor);
	udev_unref(udev);
}

static int count_with_tag(const char *source, const char *tag)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = monitor_of(udev, source);
	struct udev_monitor *all = monitor_of(udev, source);
	struct udev_device *device;
	int n = 0;

	udev_monitor_filter_add_match_tag(monitor, tag);
	udev_monitor_filter_add_match_subsystem_devtype(all, "drm", NULL);
	udev_monitor_enable_receiving(monitor);
	udev_monitor_enable_receiving(all);
	unplug();
	plug();
	for (int i = 0; i < 2; i++)
		udev_device_unref(next_device(all));
	while ((device = udev_monitor_receive_device(monitor))) {
		n++;
		udev_device_unref(device);
	}
	udev_monitor_unref(monitor);
	udev_monitor_unref(all);
	udev_unref(udev);
	return n;
}

static void libudevs_filters_find_tags(void **state)
{
	assert_int_equal(count_with_tag("udev", "seat"), 2);
	assert_int_equal(count_with_tag("udev", "no-such-tag"), 0);
}

static void other_subsystems_are_filtered_out(void **state)
{
	struct udev *udev = udev_new();
	struct udev_monitor *monitor = monitor_of(udev, "udev");
	struct udev_monitor *drm = monitor_of(udev, "udev");

	udev_monitor_filter_add_match_subsystem_devtype(monitor, "input", NULL);
	udev_monitor_filter_add_match_subsystem_devtype(drm, "drm", NULL);
	udev_monitor_enable_receiving(monitor);
	udev_monitor_enable_receiving(drm);
	unplug();
	plug();
	udev_device_unref(next_device(drm));
	assert_true(quiet(udev_monitor_get_fd(monitor)));
	udev_monitor_unref(monitor);
	udev_monitor_unref(drm);
	udev_unref(udev);
}

static void connectors_are_initialised_devices(void **state)
{
	struct udev *udev = udev_new();
	struct udev_device *device, *parent;

	device = udev_device_new_from_syspath(udev, connector);
	assert_non_null(device);
	assert_true(udev_device_get_is_initialized(device));
	assert_string_equal(udev_device_get_subsystem(device), "drm");
	assert_string_equal(udev_device_get_devtype(device), "drm_connector");
	assert_property(device, "DEVTYPE", "drm_connector");
	assert_true(udev_device_has_tag(device, "seat"));
	assert_string_equal(udev_device_get_sysattr_value(device, "status"),
			    "connected");
	parent = udev_device_get_parent(device);
	assert_string_equal(udev_device_get_sysname(parent), strrchr(card, '/') + 1);
	/* libudev can write, too, which goes through stdio. */
	assert_true(udev_device_set_sysattr_value(device, "status", "off") >= 0);
	assert_true(udev_device_set_sysattr_value(device, "status", "detect") >= 0);
	assert_true(udev_device_set_sysattr_value(device, "status", "odd") < 0);
	udev_device_unref(device);
	udev_unref(udev);
}

/* -- many, and too many ------------------------------------------------------------ */

#define MANY 500

static bool plug_many(void *data)
{
	for (int i = 0; i < MANY; i++)
		if (write_file(connector, "status", "off") ||
		    write_file(connector, "status", "detect"))
			return false;
	return true;
}

static void a_monitor_that_reads_loses_nothing(void **state)
{
	char message[8192];
	int fd = open_raw(KERNEL, 0), n = 0;
	long long last = 0;
	pid_t pid = fork_child(plug_many, NULL);

	for (; n < 2 * MANY; n++) {
		long long number;
		ssize_t size = next_of_ours(fd, message, sizeof(message));

		assert_true(size > 0);
		number = atoll(variable(message, size, "SEQNUM"));
		if (last)
			assert_int_equal(number, last + 1);
		last = number;
	}
	assert_child_succeeds(pid);
	assert_true(quiet(fd));
	close(fd);
}

static void a_monitor_that_does_not_read_is_told_so(void **state)
{
	int fd = open_raw(KERNEL, SOCK_NONBLOCK), n = 0;
	char message[8192];

	/* Nobody is kept waiting by it. */
	for (int i = 0; i < 6000; i++)
		assert_int_equal(write_file(card, "uevent", "change"), 0);
	for (n = 0; n < 6001; n++) {
		ssize_t size;

		assert_true(wait_for(fd));
		size = recv(fd, message, sizeof(message), 0);
		if (size < 0)
			break;
	}
	assert_int_equal(errno, ENOBUFS);
	assert_in_range(n, 100, 5999);
	/* It goes on. */
	assert_int_equal(write_file(card, "uevent", "add"), 0);
	assert_true(next_of_ours(fd, message, sizeof(message)) > 0);
	assert_string_equal(variable(message, 8191, "ACTION"), "add");
	close(fd);
}

static void sockets_that_are_closed_make_room(void **state)
{
	for (int i = 0; i < 2000; i++)
		close(open_raw(KERNEL | UDEV, 0));
}

/* -- writing --------------------------------------------------------------------- */

static void a_status_that_there_is_not_is_einval(void **state)
{
	assert_int_equal(write_file(connector, "status", "maybe"), EINVAL);
	assert_int_equal(write_file(connector, "status", "off\n\n"), EINVAL);
	assert_int_equal(write_file(connector, "status", ""), 0);
	assert_int_equal(write_file(card, "uevent", "plug"), EINVAL);
	assert_int_equal(write_file(card, "dev", "1"), EACCES);
}

static void a_write_is_seen_at_once_everywhere(void **state)
{
	int fd = open_device();
	drmModeRes *res = drmModeGetResources(fd);
	drmModeConnector *conn;
	char status[64];

	for (int i = 0; i < 20; i++) {
		unplug();
		read_file(connector, "status", status);
		assert_string_equal(status, "disconnected\n");
		conn = drmModeGetConnector(fd, res->connectors[0]);
		assert_int_equal(conn->connection, DRM_MODE_DISCONNECTED);
		assert_int_equal(conn->count_modes, 0);
		drmModeFreeConnector(conn);
		plug();
		read_file(connector, "status", status);
		assert_string_equal(status, "connected\n");
	}
	drmModeFreeResources(res);
	close(fd);
}

static void stdio_says_what_became_of_a_write(void **state)
{
	char path[256], status[64];
	FILE *f;

	snprintf(path, sizeof(path), "%s/status", connector);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs("off\n", f) >= 0);
	assert_int_equal(fflush(f), 0);
	read_file(connector, "status", status);
	assert_string_equal(status, "disconnected\n");
	assert_true(fputs("nonsense\n", f) >= 0);
	assert_int_equal(fflush(f), EOF);
	assert_int_equal(errno, EINVAL);
	assert_true(ferror(f));
	assert_true(fputs("detect\n", f) >= 0);
	assert_int_equal(fclose(f), 0);
	read_file(connector, "status", status);
	assert_string_equal(status, "connected\n");
	f = fopen(path, "w");
	assert_true(fputs("nonsense\n", f) >= 0);
	assert_int_equal(fclose(f), EOF);
	assert_int_equal(errno, EINVAL);
}

/* Of any stream, once a file was written to that could be a device's. */
static void closing_a_stream_that_cannot_be_written_fails(void **state)
{
	FILE *f = fopen("/dev/full", "w");

	(void)state;
	unplug();
	plug();
	assert_non_null(f);
	assert_true(fputs("lost\n", f) >= 0);
	errno = 0;
	assert_int_equal(fclose(f), EOF);
	assert_int_equal(errno, ENOSPC);
}

static void what_is_left_to_exit_is_written(void **state)
{
	char path[256], status[64];
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/status", connector);
		if (!freopen(path, "w", stdout))
			_exit(1);
		printf("off");
		exit(0);
	}
	assert_child_succeeds(pid);
	read_file(connector, "status", status);
	assert_string_equal(status, "disconnected\n");
	plug();
}

/* -- the machine's own ------------------------------------------------------------- */

static void what_the_machine_says_arrives_as_well(void **state)
{
	const char *file = "/sys/devices/virtual/mem/null/uevent";
	int fd = open_raw(KERNEL, 0), uevent = open(file, O_WRONLY | O_CLOEXEC);
	char message[8192];
	bool heard = false;
	ssize_t n;

	if (uevent < 0 || write(uevent, "change", 6) != 6) {
		close(fd);
		skip();
	}
	unplug();
	plug();
	while (!heard && wait_for(fd)) {
		n = read(fd, message, sizeof(message) - 1);
		assert_true(n > 0);
		message[n] = '\0';
		heard = !strcmp(message, "change@/devices/virtual/mem/null");
	}
	assert_true(heard);
	close(uevent);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_raw_socket_hears_the_kernels_words),
		cmocka_unit_test(the_socket_looks_like_netlink),
		cmocka_unit_test(other_sockets_stay_what_they_are),
		cmocka_unit_test(messages_come_from_root),
		cmocka_unit_test(every_way_to_receive_is_one),
		cmocka_unit_test(every_way_to_wait_is_one),
		cmocka_unit_test(a_child_hears_on_what_it_inherited),
		cmocka_unit_test(a_descriptor_can_be_passed_on),
		cmocka_unit_test(a_fresh_image_hears_on_its_standard_input),
		cmocka_unit_test(a_duplicate_hears_the_same),
		cmocka_unit_test(libudev_hears_of_hotplug_from_the_kernel),
		cmocka_unit_test(libudev_hears_of_hotplug_from_udev),
		cmocka_unit_test(udevs_messages_have_what_its_database_has),
		cmocka_unit_test(libudevs_filters_find_tags),
		cmocka_unit_test(other_subsystems_are_filtered_out),
		cmocka_unit_test(connectors_are_initialised_devices),
		cmocka_unit_test(a_monitor_that_reads_loses_nothing),
		cmocka_unit_test(a_monitor_that_does_not_read_is_told_so),
		cmocka_unit_test(sockets_that_are_closed_make_room),
		cmocka_unit_test(a_status_that_there_is_not_is_einval),
		cmocka_unit_test(a_write_is_seen_at_once_everywhere),
		cmocka_unit_test(stdio_says_what_became_of_a_write),
		cmocka_unit_test(closing_a_stream_that_cannot_be_written_fails),
		cmocka_unit_test(what_is_left_to_exit_is_written),
		cmocka_unit_test(what_the_machine_says_arrives_as_well),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
