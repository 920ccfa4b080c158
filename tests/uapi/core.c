/* SPDX-License-Identifier: MIT */
/*
 * What holds for every DRM device: version, capabilities, and how drm_ioctl()
 * looks at a request before any handler does.
 */
#include "uapi.h"

#include <sys/prctl.h>
#include <sys/syscall.h>

#define DRM_BAD_NR 0xff

static void *unmapped(void)
{
	void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(page != MAP_FAILED);
	EXPECT_OK(result(munmap(page, 4096)));
	return page;
}

TEST(version_reports_lengths_before_strings)
{
	struct drm_version version = { 0 };
	char name[128] = "", date[128] = "", desc[128] = "";
	int fd = open_card();

	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
	EXPECT(version.name_len > 0 && version.name_len < sizeof(name));
	EXPECT(version.date_len < sizeof(date));
	EXPECT(version.desc_len < sizeof(desc));
	version.name = name;
	version.date = date;
	version.desc = desc;
	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
	EXPECT_EQ(strlen(name), version.name_len);
	EXPECT_EQ(strlen(date), version.date_len);
	EXPECT_EQ(strlen(desc), version.desc_len);
}

TEST(version_cuts_a_string_and_still_reports_its_length)
{
	char name[8] = "\x7f\x7f\x7f\x7f\x7f\x7f\x7f";
	struct drm_version whole = { 0 }, version = { .name_len = 1, .name = name };
	int fd = open_card();

	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &whole));
	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
	EXPECT_EQ(version.name_len, whole.name_len);
	EXPECT(name[0] != '\x7f');
	EXPECT_EQ(name[1], '\x7f');
}

TEST(version_with_a_bad_string_pointer_is_efault)
{
	struct drm_version version = { .name_len = 64, .name = unmapped() };

	EXPECT_ERROR(call(open_card(), DRM_IOCTL_VERSION, &version), EFAULT);
}

TEST(version_works_on_a_render_node_and_names_the_same_driver)
{
	drmVersion *render = drmGetVersion(open_render()), *card = drmGetVersion(open_card());

	EXPECT(render && card);
	EXPECT(!strcmp(render->name, card->name) || getenv("UAPI_RENDER"));
}

TEST(a_wrong_ioctl_type_is_enotty)
{
	struct drm_version version = { 0 };

	EXPECT_ERROR(call(open_card(), _IOWR('e', 0, struct drm_version), &version), ENOTTY);
}

TEST(tcgets_is_enotty_so_that_isatty_is_false)
{
	int fd = open_card();

	EXPECT_EQ(isatty(fd), 0);
	EXPECT_EQ(errno, ENOTTY);
}

TEST(an_unknown_core_ioctl_is_einval)
{
	char data[64] = "";
	int fd = open_card();

	EXPECT_ERROR(call(fd, DRM_IOWR(DRM_BAD_NR, char[64]), data), EINVAL);
	EXPECT_ERROR(call(fd, DRM_IO(DRM_BAD_NR), NULL), EINVAL);
	/* A hole in the middle of the table. */
	EXPECT_ERROR(call(fd, DRM_IOWR(0x0e, char[8]), data), EINVAL);
}

TEST(an_unknown_driver_ioctl_is_einval)
{
	char data[64] = "";

	EXPECT_ERROR(call(open_card(), DRM_IOWR(DRM_COMMAND_END - 1, char[64]), data), EINVAL);
}

TEST(an_unknown_ioctl_does_not_look_at_its_argument)
{
	EXPECT_ERROR(call(open_card(), DRM_IOWR(DRM_BAD_NR, char[64]), NULL), EINVAL);
}

TEST(a_null_argument_is_efault)
{
	int fd = open_card();

	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, NULL), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, NULL), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, NULL), EFAULT);
}

TEST(an_unmapped_argument_is_efault)
{
	int fd = open_card();

	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, unmapped()), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GEM_CLOSE, unmapped()), EFAULT);
}

TEST(a_read_only_argument_fails_after_the_work_is_done)
{
	struct drm_get_cap *cap = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(cap != MAP_FAILED);
	cap->capability = DRM_CAP_TIMESTAMP_MONOTONIC;
	EXPECT_OK(result(mprotect(cap, 4096, PROT_READ)));
	EXPECT_ERROR(call(open_card(), DRM_IOCTL_GET_CAP, cap), EFAULT);
	EXPECT_EQ(cap->value, 0);
}

/* Pages at the end of the heap, where an argument has worked already. */
static struct drm_get_cap *heap_argument(int fd)
{
	char *end = sbrk(0);
	struct drm_get_cap *cap;

	EXPECT(sbrk((4096 - (uintptr_t)end % 4096) % 4096 + 4 * 4096) != (void *)-1);
	cap = (void *)(((uintptr_t)end + 4095) & ~4095ul);
	cap->capability = DRM_CAP_TIMESTAMP_MONOTONIC;
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, cap));
	EXPECT_EQ(cap->value, 1);
	return cap;
}

TEST(an_argument_beyond_the_heap_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);
	char *end = (char *)cap + 4 * 4096;

	memcpy(end - 16, cap, 16);
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, end - 16));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, end - 8), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, end), EFAULT);
	EXPECT(sbrk(-4096) != (void *)-1);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, end - 16), EFAULT);
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, cap));
}

TEST(a_heap_page_that_was_protected_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);

	EXPECT_OK(result(mprotect(cap, 4096, PROT_READ)));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
	EXPECT_OK(result(mprotect(cap, 4096, PROT_NONE)));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
	EXPECT_OK(result(mprotect(cap, 4096, PROT_READ | PROT_WRITE)));
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, cap));
}

TEST(a_heap_page_that_was_protected_by_number_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);

	EXPECT_OK(result((int)syscall(SYS_mprotect, cap, 4096, PROT_NONE)));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
	EXPECT_OK(result(mprotect(cap, 4096, PROT_READ | PROT_WRITE)));
}

TEST(a_heap_page_that_was_unmapped_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);

	EXPECT_OK(result(munmap(cap, 4096)));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
}

TEST(a_heap_page_that_was_moved_away_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);
	void *to = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(to != MAP_FAILED);
	EXPECT(mremap(cap, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, to));
}

TEST(a_heap_page_that_was_mapped_over_is_efault)
{
	int fd = open_card();
	struct drm_get_cap *cap = heap_argument(fd);

	EXPECT(mmap(cap, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	       cap);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, cap), EFAULT);
}

TEST(a_bad_argument_is_seen_before_missing_rights)
{
	int fd = open_render();

	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_VERSION, NULL), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_VERSION, &(struct drm_set_version){ 0 }), EACCES);
}

TEST(a_short_struct_is_extended_with_zeroes)
{
	/* Only the capability goes in and out; the value stays outside. */
	struct drm_get_cap cap = { .capability = DRM_CAP_TIMESTAMP_MONOTONIC, .value = 77 };

	EXPECT_OK(call(open_card(), DRM_IOWR(0x0c, uint64_t), &cap));
	EXPECT_EQ(cap.value, 77);
}

TEST(a_long_struct_keeps_its_tail)
{
	struct { struct drm_get_cap cap; uint64_t tail[32]; } cap = {
		.cap.capability = DRM_CAP_TIMESTAMP_MONOTONIC,
	};

	for (size_t i = 0; i < ARRAY_SIZE(cap.tail); i++)
		cap.tail[i] = i + 1;
	EXPECT_OK(call(open_card(), DRM_IOC(DRM_IOC_READWRITE, DRM_IOCTL_BASE, 0x0c, sizeof(cap)),
		       &cap));
	EXPECT_EQ(cap.cap.value, 1);
	for (size_t i = 0; i < ARRAY_SIZE(cap.tail); i++)
		EXPECT_EQ(cap.tail[i], i + 1);
}

TEST(the_whole_of_a_long_struct_must_be_readable)
{
	char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct drm_get_cap *cap = (void *)(pages + 4096 - sizeof(*cap));

	EXPECT(pages != MAP_FAILED);
	EXPECT_OK(result(munmap(pages + 4096, 4096)));
	cap->capability = DRM_CAP_TIMESTAMP_MONOTONIC;
	EXPECT_OK(call(open_card(), DRM_IOCTL_GET_CAP, cap));
	EXPECT_ERROR(call(open_card(), DRM_IOC(DRM_IOC_READWRITE, DRM_IOCTL_BASE, 0x0c, 64), cap),
		     EFAULT);
}

TEST(without_the_write_bit_the_input_is_zeroes)
{
	/* _IOR: nothing goes in, so the capability asked for is 0. */
	struct drm_get_cap cap = { .capability = DRM_CAP_TIMESTAMP_MONOTONIC, .value = 5 };
	int fd = open_card();
	int error = call(fd, DRM_IOR(0x0c, struct drm_get_cap), &cap);

	EXPECT(error == EINVAL || error == EOPNOTSUPP);
	EXPECT_EQ(cap.capability, 0);
	EXPECT_EQ(cap.value, 0);
}

TEST(without_the_read_bit_nothing_comes_back)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_TIMESTAMP_MONOTONIC, .value = 5 };

	EXPECT_OK(call(open_card(), DRM_IOW(0x0c, struct drm_get_cap), &cap));
	EXPECT_EQ(cap.value, 5);
}

TEST(output_is_copied_even_when_the_ioctl_fails)
{
	struct drm_get_cap cap = { .capability = 0xffff, .value = 5 };
	int fd = open_card();
	int error = call(fd, DRM_IOCTL_GET_CAP, &cap);

	EXPECT(error == EINVAL || error == EOPNOTSUPP);
	EXPECT_EQ(cap.value, 0);
}

TEST(every_capability_has_a_value_that_makes_sense)
{
	int fd = open_card();
	struct drm_get_cap cap = { .capability = DRM_CAP_VBLANK_HIGH_CRTC };

	EXPECT_EQ(get_cap(fd, DRM_CAP_TIMESTAMP_MONOTONIC), 1);
	EXPECT(get_cap(fd, DRM_CAP_PRIME) <= 3);
	EXPECT(get_cap(fd, DRM_CAP_SYNCOBJ) <= 1);
	EXPECT(get_cap(fd, DRM_CAP_SYNCOBJ_TIMELINE) <= get_cap(fd, DRM_CAP_SYNCOBJ));
	if (call(fd, DRM_IOCTL_GET_CAP, &cap) == EOPNOTSUPP)
		skip("the device has no display");
	EXPECT_EQ(cap.value, 1);
	EXPECT(get_cap(fd, DRM_CAP_DUMB_BUFFER) <= 1);
	EXPECT(get_cap(fd, DRM_CAP_DUMB_PREFERRED_DEPTH) <= 32);
	EXPECT(get_cap(fd, DRM_CAP_DUMB_PREFER_SHADOW) <= 1);
	EXPECT(get_cap(fd, DRM_CAP_ASYNC_PAGE_FLIP) <= 1);
	EXPECT(get_cap(fd, DRM_CAP_CURSOR_WIDTH) >= 1);
	EXPECT(get_cap(fd, DRM_CAP_CURSOR_HEIGHT) >= 1);
	EXPECT(get_cap(fd, DRM_CAP_ADDFB2_MODIFIERS) <= 1);
	EXPECT(get_cap(fd, DRM_CAP_PAGE_FLIP_TARGET) <= 1);
	EXPECT_EQ(get_cap(fd, DRM_CAP_CRTC_IN_VBLANK_EVENT), 1);
}

TEST(an_unknown_capability_is_einval)
{
	struct drm_get_cap cap = { .capability = 0x7f };
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, &cap), EINVAL);
	cap.capability = 0;
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, &cap), EINVAL);
	cap.capability = ~0ull;
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, &cap), EINVAL);
}

TEST(capabilities_can_be_asked_on_a_render_node)
{
	EXPECT_EQ(get_cap(open_render(), DRM_CAP_TIMESTAMP_MONOTONIC), 1);
}

static int set_cap(int fd, uint64_t cap, uint64_t value)
{
	struct drm_set_client_cap set = { .capability = cap, .value = value };

	return call(fd, DRM_IOCTL_SET_CLIENT_CAP, &set);
}

TEST(client_capabilities_take_0_and_1)
{
	static const uint64_t caps[] = {
		DRM_CLIENT_CAP_STEREO_3D, DRM_CLIENT_CAP_UNIVERSAL_PLANES,
		DRM_CLIENT_CAP_ASPECT_RATIO,
	};
	int fd = open_card();

	need_kms(fd);
	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		EXPECT_OK(set_cap(fd, caps[i], 1));
		EXPECT_OK(set_cap(fd, caps[i], 0));
		EXPECT_ERROR(set_cap(fd, caps[i], 2), EINVAL);
	}
}

TEST(the_atomic_client_capability_takes_2_but_not_3)
{
	int fd = open_card();

	need_kms(fd);
	if (set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 1) == EOPNOTSUPP)
		skip("the driver is not atomic");
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 2));
	EXPECT_ERROR(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 3), EINVAL);
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 0));
}

TEST(a_program_that_is_called_like_xorg_must_insist_on_atomic)
{
	int fd = open_card();

	need_kms(fd);
	if (set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 1) == EOPNOTSUPP)
		skip("the driver is not atomic");
	EXPECT_EQ(prctl(PR_SET_NAME, "Xorg"), 0);
	EXPECT_ERROR(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 1), EOPNOTSUPP);
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 2));
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 0));
	EXPECT_EQ(prctl(PR_SET_NAME, "weston"), 0);
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 1));
}

TEST(writeback_connectors_need_the_atomic_capability)
{
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(set_cap(fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1), EINVAL);
	if (set_cap(fd, DRM_CLIENT_CAP_ATOMIC, 1))
		skip("the driver is not atomic");
	EXPECT_OK(set_cap(fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1));
	EXPECT_ERROR(set_cap(fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 2), EINVAL);
}

TEST(an_unknown_client_capability_is_einval)
{
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(set_cap(fd, 0, 1), EINVAL);
	EXPECT_ERROR(set_cap(fd, 0x7fff, 1), EINVAL);
}

TEST(client_capabilities_are_not_for_render_nodes)
{
	EXPECT_ERROR(set_cap(open_render(), DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1), EACCES);
}

TEST(get_unique_is_empty_until_set_version)
{
	struct drm_unique unique = { 0 };
	struct drm_set_version version = { 1, 4, -1, -1 };
	char text[64] = "";
	int fd = open_master();

	EXPECT_OK(call(fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT_EQ(unique.unique_len, 0);
	EXPECT_OK(call(fd, DRM_IOCTL_SET_VERSION, &version));
	EXPECT_OK(call(fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT(unique.unique_len > 0 && unique.unique_len < sizeof(text));
	unique.unique = text;
	EXPECT_OK(call(fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT_EQ(strlen(text), unique.unique_len);
}

TEST(get_unique_copies_nothing_into_a_buffer_that_is_too_small)
{
	struct drm_unique unique = { 0 };
	struct drm_set_version version = { 1, 4, -1, -1 };
	char text[64] = "";
	int fd = open_master();

	EXPECT_OK(call(fd, DRM_IOCTL_SET_VERSION, &version));
	unique.unique = text;
	unique.unique_len = 1;
	EXPECT_OK(call(fd, DRM_IOCTL_GET_UNIQUE, &unique));
	EXPECT(unique.unique_len > 1);
	EXPECT_EQ(text[0], 0);
}

TEST(set_version_answers_with_its_versions)
{
	struct drm_set_version version = { -1, -1, -1, -1 };
	drmVersion *driver;
	int fd = open_master();

	driver = drmGetVersion(fd);
	EXPECT(driver);
	EXPECT_OK(call(fd, DRM_IOCTL_SET_VERSION, &version));
	EXPECT_EQ(version.drm_di_major, 1);
	EXPECT_EQ(version.drm_di_minor, 4);
	EXPECT_EQ(version.drm_dd_major, driver->version_major);
	EXPECT_EQ(version.drm_dd_minor, driver->version_minor);
}

TEST(set_version_refuses_others_and_still_answers)
{
	struct drm_set_version version = { 2, 0, -1, -1 };
	int fd = open_master();

	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_VERSION, &version), EINVAL);
	EXPECT_EQ(version.drm_di_major, 1);
	EXPECT_EQ(version.drm_di_minor, 4);
	version = (struct drm_set_version){ 1, 5, -1, -1 };
	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_VERSION, &version), EINVAL);
	version = (struct drm_set_version){ -1, -1, 1000, 0 };
	EXPECT_ERROR(call(fd, DRM_IOCTL_SET_VERSION, &version), EINVAL);
}

TEST(get_client_knows_only_the_caller)
{
	struct drm_client client = { .idx = 0 };
	int fd = open_master();

	EXPECT_OK(call(fd, DRM_IOCTL_GET_CLIENT, &client));
	EXPECT_EQ(client.auth, 1);
	EXPECT_EQ(client.pid, getpid());
	EXPECT_EQ(client.uid, 65534);
	client.idx = 1;
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CLIENT, &client), EINVAL);
}

TEST(get_stats_is_all_zeroes)
{
	struct drm_stats stats, zero = { 0 };

	memset(&stats, 0x55, sizeof(stats));
	EXPECT_OK(call(open_card(), DRM_IOCTL_GET_STATS, &stats));
	EXPECT(!memcmp(&stats, &zero, sizeof(stats)));
}

TEST(retired_ioctls_do_nothing_or_are_einval)
{
	struct drm_mode_mode_cmd mode = { 0 };
	struct drm_map map = { 0 };
	int fd = open_master();

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_ATTACHMODE, &mode));
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_DETACHMODE, &mode));
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_MAP, &map), EINVAL);
	if (is_root()) {
		EXPECT_ERROR(call(fd, DRM_IOCTL_SET_UNIQUE, &(struct drm_unique){ 0 }), EINVAL);
		EXPECT_OK(call(fd, DRM_IOCTL_BLOCK, &(struct drm_block){ 0 }));
	}
}

TEST(display_ioctls_of_a_device_without_display_are_eopnotsupp)
{
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_create_dumb create = { .width = 16, .height = 16, .bpp = 32 };
	int fd = open_card();

	if (!call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res))
		skip("the device has a display");
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res), EOPNOTSUPP);
	EXPECT_ERROR(set_cap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP,
			  &(struct drm_get_cap){ .capability = DRM_CAP_DUMB_BUFFER }), EOPNOTSUPP);
	/* Dumb buffers are another matter. */
	EXPECT(call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create) != EOPNOTSUPP);
}
