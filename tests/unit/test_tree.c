/* SPDX-License-Identifier: MIT */
/*
 * The tree of paths: what the server builds, what a reader finds in it, and
 * what it refuses to read.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "server/sysfs.h"
#include "uapi/tree.h"

static const char *const modes[] = { "1920x1080", "1280x720" };

static const struct hf_sysfs_connector connectors[] = {
	{ .name = "HDMI-A-1", .id = 31, .status = "connected", .enabled = true,
	  .edid = "\0\xff\0edid", .edid_size = 7, .modes = modes, .n_modes = 2 },
	{ .name = "DP-1", .id = 33, .status = "disconnected", .dpms = "Off" },
};

static const struct hf_sysfs_device devices[] = {
	{ .name = "holdfast.0", .primary = 1, .render = 129, .uid = 12,
	  .gid = 34, .connectors = connectors, .n_connectors = 2,
	  .n_crtcs = 2, .crcs = true },
	{ .name = "holdfast.1", .primary = -1, .render = 130 },
};

/* A private, writable copy of the blob that was built. */
struct blob {
	struct hf_tree *tree;
	size_t size;
};

static struct blob build(const struct hf_sysfs_device *list, size_t n)
{
	struct blob blob;
	struct stat st;
	int fd = hf_sysfs_build(list, n, NULL, false);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	blob.size = (size_t)st.st_size;
	blob.tree = malloc(blob.size);
	assert_non_null(blob.tree);
	assert_int_equal(pread(fd, blob.tree, blob.size, 0), blob.size);
	close(fd);
	return blob;
}

static int setup(void **state)
{
	static struct blob blob;

	blob = build(devices, 2);
	*state = &blob;
	return 0;
}

static int teardown(void **state)
{
	free(((struct blob *)*state)->tree);
	return 0;
}

static const struct hf_tree_node *find(void **state, const char *path)
{
	const struct blob *blob = *state;
	const struct hf_tree_node *node = hf_tree_find(blob->tree, path);

	assert_non_null(node);
	return node;
}

static void assert_content(void **state, const char *path, const char *expected)
{
	const struct hf_tree_node *node = find(state, path);
	const struct blob *blob = *state;

	assert_int_equal(node->data_size, strlen(expected));
	assert_string_equal(hf_tree_data(blob->tree, node), expected);
}

static void the_memfd_is_sealed_and_closes_on_exec(void **state)
{
	int fd = hf_sysfs_build(devices, 2, NULL, false);
	int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & seals, seals);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

static void what_is_built_is_valid(void **state)
{
	struct blob *blob = *state;

	assert_true(hf_tree_valid(blob->tree, blob->size));
}

static void every_node_is_found_by_its_path(void **state)
{
	struct blob *blob = *state;

	for (uint32_t i = 0; i < blob->tree->n_nodes; i++) {
		const struct hf_tree_node *node =
			&hf_tree_nodes(blob->tree)[i];
		const char *path = hf_tree_path(blob->tree, node);

		assert_ptr_equal(hf_tree_find(blob->tree, path), node);
	}
	assert_null(hf_tree_find(blob->tree, ""));
	assert_null(hf_tree_find(blob->tree, "/"));
	assert_null(hf_tree_find(blob->tree, "/dev/dri/card0"));
	assert_null(hf_tree_find(blob->tree, "/zzz"));
}

static void every_node_has_a_directory_above(void **state)
{
	struct blob *blob = *state;

	for (uint32_t i = 0; i < blob->tree->n_nodes; i++) {
		char path[HF_TREE_PATH_MAX + 1];
		const struct hf_tree_node *above;

		strcpy(path, hf_tree_path(blob->tree,
					  &hf_tree_nodes(blob->tree)[i]));
		*strrchr(path, '/') = '\0';
		if (!path[0])
			continue;
		above = hf_tree_find(blob->tree, path);
		assert_non_null(above);
		assert_true(S_ISDIR(above->mode));
	}
}

/* Walk a link's target from where the link is; there is no other link. */
static void follow(const char *link, const char *target, char *path)
{
	char *rest = strdup(target), *save = NULL;

	strcpy(path, link);
	*strrchr(path, '/') = '\0';
	for (char *s = strtok_r(rest, "/", &save); s;
	     s = strtok_r(NULL, "/", &save)) {
		if (strcmp(s, "..") == 0)
			*strrchr(path, '/') = '\0';
		else
			strcat(strcat(path, "/"), s);
	}
	free(rest);
}

static void every_link_leads_somewhere(void **state)
{
	struct blob *blob = *state;

	for (uint32_t i = 0; i < blob->tree->n_nodes; i++) {
		const struct hf_tree_node *node =
			&hf_tree_nodes(blob->tree)[i];
		char path[4096];

		if (!S_ISLNK(node->mode))
			continue;
		follow(hf_tree_path(blob->tree, node),
		       hf_tree_data(blob->tree, node), path);
		find(state, path);
	}
}

static void nodes_in_dev_have_numbers_owners_and_modes(void **state)
{
	const struct hf_tree_node *card = find(state, "/dev/dri/card1");
	const struct hf_tree_node *render = find(state, "/dev/dri/renderD129");

	assert_int_equal(card->mode, S_IFCHR | 0660);
	assert_int_equal(card->major, 226);
	assert_int_equal(card->minor, 1);
	assert_int_equal(card->uid, 12);
	assert_int_equal(card->gid, 34);
	assert_int_equal(render->mode, S_IFCHR | 0666);
	assert_int_equal(render->minor, 129);
}

#define DEVICE "/sys/devices/platform/holdfast.0"
#define OUTPUT DEVICE "/drm/card1/card1-HDMI-A-1"

static void attributes_say_what_the_kernel_would(void **state)
{
	assert_content(state, DEVICE "/drm/card1/dev", "226:1\n");
	assert_content(state, DEVICE "/drm/card1/uevent",
		       "MAJOR=226\nMINOR=1\nDEVNAME=dri/card1\n"
		       "DEVTYPE=drm_minor\n");
	assert_content(state, DEVICE "/uevent",
		       "DRIVER=holdfast\nMODALIAS=platform:holdfast\n");
	assert_content(state, DEVICE "/modalias", "platform:holdfast\n");
	assert_content(state, OUTPUT "/status", "connected\n");
	assert_content(state, OUTPUT "/enabled", "enabled\n");
	assert_content(state, OUTPUT "/dpms", "On\n");
	assert_content(state, OUTPUT "/modes", "1920x1080\n1280x720\n");
	assert_content(state, OUTPUT "/connector_id", "31\n");
	assert_content(state, DEVICE "/drm/card1/card1-DP-1/modes", "");
	assert_int_equal(find(state, OUTPUT "/dpms")->size, 4096);
	assert_int_equal(find(state, OUTPUT "/dpms")->mode, S_IFREG | 0444);
}

static void every_device_has_a_name_of_its_own(void **state)
{
	assert_content(state, "/sys/devices/platform/holdfast.1/uevent",
		       "DRIVER=holdfast\nOF_FULLNAME=/holdfast.1\n"
		       "MODALIAS=platform:holdfast\n");
}

static void an_edid_is_kept_byte_by_byte(void **state)
{
	const struct hf_tree_node *node = find(state, OUTPUT "/edid");
	struct blob *blob = *state;

	assert_int_equal(node->data_size, 7);
	assert_int_equal(node->size, 0);
	assert_memory_equal(hf_tree_data(blob->tree, node), "\0\xff\0edid", 7);
}

static void links_are_relative(void **state)
{
	assert_content(state, "/sys/class/drm/card1",
		       "../../devices/platform/holdfast.0/drm/card1");
	assert_content(state, "/sys/dev/char/226:130",
		       "../../devices/platform/holdfast.1/drm/renderD130");
	assert_content(state, DEVICE "/drm/card1/device",
		       "../../../holdfast.0");
	assert_content(state, "/dev/dri/by-path/platform-holdfast.0-card",
		       "../card1");
}

static void a_directory_lists_its_entries_once_and_in_order(void **state)
{
	static const char *const expected[] = {
		"card1", "card1-DP-1", "card1-HDMI-A-1", "renderD129",
		"renderD130", "version",
	};
	const struct hf_tree_node *node = NULL;
	struct blob *blob = *state;
	size_t n = 0;

	while ((node = hf_tree_next(blob->tree, "/sys/class/drm", node))) {
		assert_true(n < sizeof(expected) / sizeof(expected[0]));
		assert_string_equal(hf_tree_name(blob->tree, node),
				    expected[n++]);
	}
	assert_int_equal(n, sizeof(expected) / sizeof(expected[0]));
	assert_null(hf_tree_next(blob->tree, "/sys/class/drm/card1", NULL));
	assert_null(hf_tree_next(blob->tree, "/nowhere", NULL));
}

static void directories_that_may_be_the_machines_are_marked(void **state)
{
	assert_true(find(state, "/sys/class")->flags & HF_TREE_OVERLAY);
	assert_true(find(state, "/dev/dri")->flags & HF_TREE_OVERLAY);
	assert_false(find(state, DEVICE)->flags & HF_TREE_OVERLAY);
	assert_false(find(state, DEVICE "/drm")->flags & HF_TREE_OVERLAY);
}

static void files_whose_content_the_server_has_are_marked(void **state)
{
	static const char *const files[] = {
		"1/name", "1/clients", "1/gem_names", "1/state",
		"1/framebuffer", "1/crtc-0/crc/control", "1/crtc-1/crc/data",
		"129/name", "130/clients",
	};
	static const char *const none[] = {
		"1/crtc-2", "129/crtc-0", "130/state", "130/crtc-0",
	};
	struct blob *blob = *state;
	char path[HF_TREE_PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), HF_DEBUGFS_DIR "/%s", files[i]);
		assert_int_equal(find(state, path)->flags, HF_TREE_SERVED);
		assert_true(S_ISREG(find(state, path)->mode));
		assert_int_equal(find(state, path)->data_size, 0);
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		snprintf(path, sizeof(path), HF_DEBUGFS_DIR "/%s", none[i]);
		assert_null(hf_tree_find(blob->tree, path));
	}
	assert_false(find(state, DEVICE "/uevent")->flags & HF_TREE_SERVED);
}

static void no_devices_make_a_valid_tree(void **state)
{
	struct blob blob = build(NULL, 0);

	(void)state;
	assert_true(hf_tree_valid(blob.tree, blob.size));
	assert_null(hf_tree_next(blob.tree, "/dev/dri/by-path", NULL));
	free(blob.tree);
}

static void two_devices_of_one_name_are_refused(void **state)
{
	const struct hf_sysfs_device twins[] = { devices[1], devices[1] };

	(void)state;
	assert_int_equal(hf_sysfs_build(twins, 2, NULL, false), -EINVAL);
}

static void a_name_too_long_for_a_memfd_is_refused(void **state)
{
	struct hf_sysfs_device device = devices[0];
	char name[300];

	(void)state;
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	device.name = name;
	assert_int_equal(hf_sysfs_build(&device, 1, NULL, false), -ENAMETOOLONG);
}

/* ---- Malformed blobs ---- */

static void assert_refused(const struct blob *blob)
{
	assert_false(hf_tree_valid(blob->tree, blob->size));
}

static struct hf_tree_node *node_of(struct blob *blob, const char *path)
{
	const struct hf_tree_node *node = hf_tree_find(blob->tree, path);

	assert_non_null(node);
	return (struct hf_tree_node *)node;
}

static void a_blob_of_another_kind_or_size_is_refused(void **state)
{
	struct blob *blob = *state;

	assert_false(hf_tree_valid(blob->tree, 0));
	assert_false(hf_tree_valid(blob->tree, sizeof(struct hf_tree) - 1));
	assert_false(hf_tree_valid(blob->tree, blob->size - 1));
	blob->tree->version++;
	assert_refused(blob);
	blob->tree->version--;
	blob->tree->magic++;
	assert_refused(blob);
}

static void too_many_nodes_are_refused(void **state)
{
	struct blob *blob = *state;

	blob->tree->n_nodes = UINT32_MAX;
	assert_refused(blob);
	blob->tree->n_nodes = (uint32_t)(blob->size /
					 sizeof(struct hf_tree_node));
	assert_refused(blob);
}

static void a_path_outside_of_the_pool_is_refused(void **state)
{
	struct blob *blob = *state;
	struct hf_tree_node *node = node_of(blob, "/dev/dri");

	node->path = (uint32_t)blob->size;
	assert_refused(blob);
	node->path = UINT32_MAX;
	assert_refused(blob);
	node->path = 0;
	assert_refused(blob);
}

static void content_outside_of_the_pool_is_refused(void **state)
{
	struct blob *blob = *state;
	struct hf_tree_node *node = node_of(blob, OUTPUT "/edid");

	node->data_size = (uint32_t)blob->size;
	assert_refused(blob);
	node->data_size = UINT32_MAX;
	assert_refused(blob);
	node->data_size = 0;
	node->data = UINT32_MAX;
	assert_refused(blob);
}

static void a_link_without_a_target_is_refused(void **state)
{
	struct blob *blob = *state;

	node_of(blob, "/sys/class/drm/card1")->data_size = 0;
	assert_refused(blob);
}

static void text_without_an_end_is_refused(void **state)
{
	struct blob *blob = *state;

	((char *)blob->tree)[blob->size - 1] = 'x';
	node_of(blob, "/dev/dri")->path = (uint32_t)blob->size - 2;
	assert_refused(blob);
}

static void unsorted_nodes_are_refused(void **state)
{
	struct blob *blob = *state;
	struct hf_tree_node *nodes =
		(struct hf_tree_node *)hf_tree_nodes(blob->tree);
	struct hf_tree_node first = nodes[0];

	nodes[0] = nodes[1];
	assert_refused(blob);
	nodes[1] = first;
	assert_refused(blob);
}

static void other_types_are_refused(void **state)
{
	struct blob *blob = *state;

	node_of(blob, "/dev/dri")->mode = S_IFIFO | 0644;
	assert_refused(blob);
}

static void flipped_bits_never_lead_outside(void **state)
{
	struct blob *blob = *state;
	unsigned char *bytes = (unsigned char *)blob->tree;
	size_t head = sizeof(struct hf_tree) +
		      blob->tree->n_nodes * sizeof(struct hf_tree_node);

	for (size_t i = 0; i < head * 8; i++) {
		const struct hf_tree_node *node = NULL;

		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
		if (hf_tree_valid(blob->tree, blob->size)) {
			hf_tree_find(blob->tree, "/sys/class/drm/card1");
			while ((node = hf_tree_next(blob->tree, "/sys", node)))
				strlen(hf_tree_name(blob->tree, node));
		}
		bytes[i / 8] ^= (unsigned char)(1 << i % 8);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_memfd_is_sealed_and_closes_on_exec),
		TEST(what_is_built_is_valid),
		TEST(every_node_is_found_by_its_path),
		TEST(every_node_has_a_directory_above),
		TEST(every_link_leads_somewhere),
		TEST(nodes_in_dev_have_numbers_owners_and_modes),
		TEST(attributes_say_what_the_kernel_would),
		TEST(every_device_has_a_name_of_its_own),
		TEST(an_edid_is_kept_byte_by_byte),
		TEST(links_are_relative),
		TEST(a_directory_lists_its_entries_once_and_in_order),
		TEST(files_whose_content_the_server_has_are_marked),
		TEST(directories_that_may_be_the_machines_are_marked),
		TEST(no_devices_make_a_valid_tree),
		TEST(two_devices_of_one_name_are_refused),
		TEST(a_name_too_long_for_a_memfd_is_refused),
		TEST(a_blob_of_another_kind_or_size_is_refused),
		TEST(too_many_nodes_are_refused),
		TEST(a_path_outside_of_the_pool_is_refused),
		TEST(content_outside_of_the_pool_is_refused),
		TEST(a_link_without_a_target_is_refused),
		TEST(text_without_an_end_is_refused),
		TEST(unsorted_nodes_are_refused),
		TEST(other_types_are_refused),
		TEST(flipped_bits_never_lead_outside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
