/* SPDX-License-Identifier: MIT */
/*
 * What uevents say, in the kernel's words and in the udev daemon's, byte for byte, and
 * what is understood of a write to a file `uevent`.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/server.h"
#include "server/sysfs.h"
#include "uapi/tree.h"

#define DIR "/devices/platform/holdfast.0"
#define CARD DIR "/drm/card3"

static const struct hf_sysfs_connector connectors[] = {
	{ .name = "DP-1", .id = 33, .status = "disconnected" },
};

static const struct hf_sysfs_device device = {
	.name = "holdfast.0", .primary = 3, .render = 130,
	.connectors = connectors, .n_connectors = 1,
};

static struct hf_tree *tree, *empty;

static struct hf_tree *build(size_t n)
{
	int fd = hf_sysfs_build(&device, n, NULL, false);
	struct hf_tree *blob;
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		return NULL;
	blob = malloc((size_t)st.st_size);
	if (blob && pread(fd, blob, (size_t)st.st_size, 0) != st.st_size) {
		free(blob);
		blob = NULL;
	}
	close(fd);
	return blob;
}

static int build_trees(void **state)
{
	(void)state;
	tree = build(1);
	empty = build(0);
	return tree && empty ? 0 : -1;
}

static int free_trees(void **state)
{
	(void)state;
	free(tree);
	free(empty);
	return 0;
}

/* Strings with their NULs, as a literal that ends in one more. */
#define assert_strings(got, n, expected) do {				\
	assert_int_equal(n, sizeof(expected) - 1);			\
	assert_memory_equal(got, expected, sizeof(expected) - 1);	\
} while (0)

static void the_kernels_words(void **state)
{
	static const char expected[] =
		"change@" CARD "\0ACTION=change\0DEVPATH=" CARD "\0"
		"SUBSYSTEM=drm\0HOTPLUG=1\0CONNECTOR=33\0MAJOR=226\0MINOR=3\0"
		"DEVNAME=dri/card3\0DEVTYPE=drm_minor\0SEQNUM=4711\0";
	const struct hf_uevent event = {
		.dir = "/sys" CARD,
		.action = "change",
		.extra = "HOTPLUG=1\0CONNECTOR=33\0",
		.seqnum = 4711,
	};
	char message[HF_UEVENT_MAX];

	(void)state;
	assert_strings(message, hf_uevent_kernel(tree, &event, message), expected);
}

static uint32_t word(const char *message, size_t index)
{
	uint32_t value;

	memcpy(&value, message + 8 + 4 * index, sizeof(value));
	return value;
}

static void the_udev_daemons_words(void **state)
{
	static const char expected[] =
		"ACTION=add\0DEVPATH=" CARD "\0SUBSYSTEM=drm\0"
		"MAJOR=226\0MINOR=3\0DEVNAME=/dev/dri/card3\0DEVTYPE=drm_minor\0"
		"SEQNUM=5\0USEC_INITIALIZED=1\0ID_PATH=platform-holdfast.0\0"
		"ID_PATH_TAG=platform-holdfast_0\0"
		"ID_FOR_SEAT=drm-platform-holdfast_0\0"
		"DEVLINKS=/dev/dri/by-path/platform-holdfast.0-card\0";
	const struct hf_uevent event = {
		.dir = "/sys" CARD, .action = "add", .extra = "", .seqnum = 5,
	};
	char message[HF_UEVENT_MAX];
	const char *properties = message + 40;
	int n = hf_uevent_udev(tree, &event, message);

	(void)state;
	assert_true(n > 40);
	assert_string_equal(message, "libudev");
	assert_int_equal(ntohl(word(message, 0)), 0xfeedcafe);
	assert_int_equal(word(message, 1), 40);
	assert_int_equal(word(message, 2), 40);
	assert_int_equal(word(message, 3), n - 40);
	assert_memory_equal(properties, expected, sizeof(expected) - 1);
	properties += sizeof(expected) - 1;
	assert_non_null(strstr(properties, "TAGS=:"));
	assert_non_null(strstr(properties, ":master-of-seat:"));
	assert_non_null(strstr(properties, ":seat:"));
	assert_non_null(strstr(properties, ":uaccess:"));
	properties += strlen(properties) + 1;
	assert_int_equal(strncmp(properties, "CURRENT_TAGS=:", 14), 0);
	properties += strlen(properties) + 1;
	assert_ptr_equal(properties, message + n);
	/* As libudev's filters for "drm" and "drm_minor" have them. */
	assert_int_equal(ntohl(word(message, 4)), 0x16664179);
	assert_int_equal(ntohl(word(message, 5)), 0x1ca6541e);
}

static void connectors_have_a_record_but_no_number(void **state)
{
	static const char expected[] =
		"remove@" CARD "/card3-DP-1\0ACTION=remove\0"
		"DEVPATH=" CARD "/card3-DP-1\0SUBSYSTEM=drm\0"
		"DEVTYPE=drm_connector\0SEQNUM=1\0";
	const struct hf_uevent event = {
		.dir = "/sys" CARD "/card3-DP-1", .action = "remove",
		.extra = "", .seqnum = 1,
	};
	char message[HF_UEVENT_MAX];
	int n = hf_uevent_kernel(tree, &event, message);

	(void)state;
	assert_strings(message, n, expected);
	n = hf_uevent_udev(tree, &event, message);
	assert_true(n > 40);
	assert_non_null(memmem(message, (size_t)n, "USEC_INITIALIZED=1", 19));
	assert_non_null(memmem(message, (size_t)n, ":seat:", 6));
	assert_null(memmem(message, (size_t)n, "DEVNAME", 7));
	assert_null(memmem(message, (size_t)n, "DEVLINKS", 8));
}

static void the_device_itself_has_no_record(void **state)
{
	const struct hf_uevent event = {
		.dir = "/sys" DIR, .action = "bind", .extra = "", .seqnum = 1,
	};
	char message[HF_UEVENT_MAX];
	int n = hf_uevent_udev(tree, &event, message);

	(void)state;
	assert_true(n > 40);
	assert_non_null(memmem(message, (size_t)n, "SUBSYSTEM=platform", 19));
	assert_non_null(memmem(message, (size_t)n, "DRIVER=holdfast", 16));
	assert_null(memmem(message, (size_t)n, "TAGS", 4));
	assert_int_equal(word(message, 5), 0); /* no DEVTYPE */
	assert_int_equal(word(message, 6), 0); /* no tags */
	assert_int_equal(word(message, 7), 0);
}

static void what_is_not_there_says_nothing(void **state)
{
	const struct hf_uevent event = {
		.dir = "/sys" CARD, .action = "add", .extra = "", .seqnum = 5,
	};
	char message[HF_UEVENT_MAX];

	(void)state;
	assert_int_equal(hf_uevent_kernel(empty, &event, message), -ENOENT);
	assert_int_equal(hf_uevent_udev(empty, &event, message), -ENOENT);
}

static void what_does_not_fit_is_refused(void **state)
{
	char message[HF_UEVENT_MAX], extra[HF_UEVENT_MAX];
	const struct hf_uevent event = {
		.dir = "/sys" CARD, .action = "change", .extra = extra,
	};

	(void)state;
	memset(extra, 'x', sizeof(extra));
	extra[sizeof(extra) - 2] = extra[sizeof(extra) - 1] = '\0';
	assert_int_equal(hf_uevent_kernel(tree, &event, message), -E2BIG);
	assert_int_equal(hf_uevent_udev(tree, &event, message), -E2BIG);
}

/* -- with a server ------------------------------------------------------------- */

static struct hf_server server;
static int monitor, udev;

static int start(void **state)
{
	static const struct hf_kms_output outputs[2] = {
		{ .width = 320, .height = 240, .hz = 60 },
	};
	struct hf_server_options options = { .outputs = outputs, .noutputs = 2 };
	struct hf_monitor *m;

	(void)state;
	if (hf_server_init(&server, &options) ||
	    hf_monitor_open(&server.monitors, SOCK_RAW, -1, &monitor) ||
	    hf_monitor_open(&server.monitors, SOCK_RAW, -1, &udev))
		return -1;
	m = hf_monitor_of(&server.monitors, monitor);
	hf_monitor_bind(m, 0, HF_MONITOR_KERNEL, 1);
	m = hf_monitor_of(&server.monitors, udev);
	return hf_monitor_bind(m, 0, HF_MONITOR_UDEV, 1);
}

static int finish(void **state)
{
	(void)state;
	close(monitor);
	close(udev);
	hf_server_finish(&server);
	return 0;
}

static void settle(void)
{
	hf_server_dispatch(&server, 0);
}

static char heard[HF_UEVENT_MAX];
static ssize_t heard_size;

/* The next message, with spaces for its NULs; "" where there is none. */
static const char *hear(int fd)
{
	heard_size = recv(fd, heard, sizeof(heard) - 1, MSG_DONTWAIT);
	if (heard_size < 0)
		heard_size = 0;
	heard[heard_size] = '\0';
	for (ssize_t i = 0; i < heard_size; i++)
		if (!heard[i])
			heard[i] = ' ';
	return heard;
}

static bool says(const char *message, const char *what)
{
	return strstr(message, what);
}

static void card_dir(char *dir, size_t size)
{
	snprintf(dir, size, "/sys/devices/platform/%s/drm/card%d",
		 server.dev->unique, server.dev->primary_minor);
}

static int synthesize(const char *text)
{
	char dir[HF_TREE_PATH_MAX];

	card_dir(dir, sizeof(dir));
	return hf_uevent_synthesize(&server, dir, text);
}

static void events_can_be_asked_for(void **state)
{
	(void)state;
	assert_int_equal(synthesize("change"), 0);
	assert_int_equal(synthesize("online\n"), 0);
	assert_int_equal(synthesize("add fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed"), 0);
	assert_int_equal(synthesize("bind FE4D7C9D-b8c6-4a70-9ef1-3d8a58d18eed "
				    "A=1 B=abc\n"), 0);
	assert_string_equal(hear(monitor), ""); /* not before the tree is right */
	settle();
	assert_true(says(hear(monitor), "ACTION=change "));
	assert_true(says(heard, " SYNTH_UUID=0 "));
	assert_true(says(hear(monitor), "ACTION=online "));
	assert_true(says(hear(monitor), "ACTION=add "));
	assert_true(says(heard, " SYNTH_UUID=fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed "));
	assert_true(says(hear(monitor), "ACTION=bind "));
	assert_true(says(heard, " SYNTH_ARG_A=1 SYNTH_ARG_B=abc "));
	assert_string_equal(hear(monitor), "");
	for (int i = 0; i < 4; i++)
		assert_true(says(hear(udev), "USEC_INITIALIZED"));
}

static void nonsense_is_einval(void **state)
{
	static const char *const nonsense[] = {
		"", "\n", "chang", "changes", "CHANGE", " change", "change ",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18ee",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eedd",
		"change fe4d7c9db-8c6-4a70-9ef1-3d8a58d18eed",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eeg",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed ",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed =1",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1  B=2",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A_=1",
		"change A=1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
		assert_int_equal(synthesize(nonsense[i]), -EINVAL);
	settle();
	assert_string_equal(hear(monitor), "");
}

static void too_many_arguments_are_enomem(void **state)
{
	char text[4000] = "change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed";

	(void)state;
	while (strlen(text) < sizeof(text) - 8)
		strcat(text, " A=1");
	assert_int_equal(synthesize(text), -ENOMEM);
}

static uint64_t seqnum(const char *message)
{
	const char *at = strstr(message, "SEQNUM=");

	return at ? strtoull(at + 7, NULL, 10) : 0;
}

static void what_a_display_says_has_its_number(void **state)
{
	struct hf_kms_device *kms = &server.dev->kms;
	char text[64];
	uint64_t last;

	(void)state;
	hf_kms_uevent(kms, "HOTPLUG=1", NULL, NULL);
	hf_kms_uevent(kms, "HOTPLUG=1", kms->connectors[1], NULL);
	hf_kms_uevent(kms, "HOTPLUG=1", kms->connectors[1], kms->prop.link_status);
	hf_kms_uevent(kms, "LEASE=1", NULL, NULL);
	settle();
	assert_true(says(hear(monitor), " SUBSYSTEM=drm HOTPLUG=1 MAJOR=226 "));
	last = seqnum(heard);
	assert_true(last > 0);
	snprintf(text, sizeof(text), " HOTPLUG=1 CONNECTOR=%u MAJOR=",
		 kms->connectors[1]->base.id);
	assert_true(says(hear(monitor), text));
	assert_int_equal(seqnum(heard), last + 1);
	snprintf(text, sizeof(text), " CONNECTOR=%u PROPERTY=%u MAJOR=",
		 kms->connectors[1]->base.id, kms->prop.link_status->base.id);
	assert_true(says(hear(monitor), text));
	assert_true(says(hear(monitor), " SUBSYSTEM=drm LEASE=1 MAJOR="));
	assert_int_equal(seqnum(heard), last + 3);
	/* Both say the same number. */
	for (int i = 0; i < 3; i++)
		assert_true(*hear(udev));
	assert_true(*hear(udev));
	snprintf(text, sizeof(text), " SEQNUM=%llu ", (unsigned long long)last + 3);
	assert_non_null(memmem(heard, (size_t)heard_size, text, strlen(text)));
}

/* Does the message say this of the node or connector that is called so? */
static bool says_of(const char *message, const char *name, const char *action)
{
	char what[128];

	snprintf(what, sizeof(what), "/%s ACTION=%s ", name, action);
	return says(message, what);
}

static void connectors_say(const char *action, int first, int step)
{
	struct hf_kms_device *kms = &server.dev->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++, first += step) {
		char name[32], full[64];

		hf_connector_name(kms->connectors[first], name, sizeof(name));
		snprintf(full, sizeof(full), "card%d-%s",
			 server.dev->primary_minor, name);
		assert_true(says_of(hear(monitor), full, action));
	}
}

static void a_device_goes_from_below_and_comes_from_above(void **state)
{
	int last = (int)server.dev->kms.num_connectors - 1;
	char card[32];

	(void)state;
	snprintf(card, sizeof(card), "card%d", server.dev->primary_minor);
	hf_uevent_device(&server, server.dev, "remove");
	settle();
	connectors_say("remove", 0, 1);
	assert_true(says_of(hear(monitor), card, "remove"));
	assert_true(says(hear(monitor), "/drm/renderD"));
	assert_true(says(hear(monitor), "SUBSYSTEM=platform "));
	assert_string_equal(hear(monitor), "");

	hf_uevent_device(&server, server.dev, "add");
	settle();
	assert_true(says(hear(monitor), "SUBSYSTEM=platform "));
	assert_true(says(hear(monitor), "/drm/renderD"));
	assert_true(says_of(hear(monitor), card, "add"));
	connectors_say("add", last, -1);
	assert_string_equal(hear(monitor), "");

	hf_uevent_device(&server, server.dev, "change");
	settle();
	assert_true(says_of(hear(monitor), card, "change"));
	assert_string_equal(hear(monitor), "");
}

/* What is sent when it has gone is looked up where it was. */
static void a_device_that_is_gone_is_still_named(void **state)
{
	const struct hf_tree *now = server.tree, *then = server.old_tree;

	(void)state;
	hf_uevent_device(&server, server.dev, "remove");
	server.old_tree = now;
	server.tree = empty;
	hf_uevents_flush(&server);
	server.tree = now;
	server.old_tree = then;
	assert_true(says(hear(monitor), "ACTION=remove"));
	while (*hear(monitor))
		;
	settle();
	assert_string_equal(hear(monitor), "");
}

static void one_that_never_was_is_passed_over(void **state)
{
	const struct hf_tree *now = server.tree, *then = server.old_tree;

	(void)state;
	hf_uevent_device(&server, server.dev, "add");
	hf_uevent_device(&server, server.dev, "remove");
	server.old_tree = server.tree = empty;
	hf_uevents_flush(&server);
	server.tree = now;
	server.old_tree = then;
	settle();
	assert_string_equal(hear(monitor), "");
}

static void a_server_that_ends_forgets_what_it_has_not_said(void **state)
{
	(void)state;
	hf_kms_uevent(&server.dev->kms, "HOTPLUG=1", NULL, NULL);
	hf_uevent_device(&server, server.dev, "remove");
}

#define TEST(name) cmocka_unit_test(name)
#define SERVER_TEST(name) cmocka_unit_test_setup_teardown(name, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_kernels_words),
		TEST(the_udev_daemons_words),
		TEST(connectors_have_a_record_but_no_number),
		TEST(the_device_itself_has_no_record),
		TEST(what_is_not_there_says_nothing),
		TEST(what_does_not_fit_is_refused),
		SERVER_TEST(events_can_be_asked_for),
		SERVER_TEST(nonsense_is_einval),
		SERVER_TEST(too_many_arguments_are_enomem),
		SERVER_TEST(what_a_display_says_has_its_number),
		SERVER_TEST(a_device_goes_from_below_and_comes_from_above),
		SERVER_TEST(a_device_that_is_gone_is_still_named),
		SERVER_TEST(one_that_never_was_is_passed_over),
		SERVER_TEST(a_server_that_ends_forgets_what_it_has_not_said),
	};

	return cmocka_run_group_tests(tests, build_trees, free_trees);
}
