/* SPDX-License-Identifier: MIT */
/*
 * Planes: which a CRTC has, what describes them, and their order.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/drm_compat.h"
#include "display.h"
#include "drivers/soft/fetch.h"
#include "drivers/soft/soft.h"

static const struct hf_kms_output outputs[] = {
	{ .width = 640, .height = 480, .hz = 60 },
	{ .width = 640, .height = 480, .hz = 60 },
};

static struct hf_clock *clock_;
static struct hf_kms_device kms;

static void begin(const struct hf_kms_funcs *funcs, unsigned int overlays,
		  bool virtual_cursor)
{
	const struct hf_kms_options options = {
		.overlays = &overlays,
		.virtual_cursor = virtual_cursor,
	};

	clock_ = hf_clock_create();
	assert_non_null(clock_);
	assert_int_equal(hf_kms_device_init(&kms, clock_, funcs, outputs, 2,
					    &options),
			 0);
}

static void end(void)
{
	hf_kms_device_finish(&kms);
	hf_clock_destroy(clock_);
}

static bool has(const struct hf_plane *plane, const struct hf_property *prop)
{
	return hf_object_prop(&plane->base, prop->base.id);
}

static void a_crtc_has_as_many_overlays_as_was_said(void **state)
{
	(void)state;
	for (unsigned int n = 0; n <= HF_KMS_MAX_OVERLAYS; n++) {
		unsigned int overlays = 0;

		begin(hf_soft_driver.kms, n, false);
		assert_int_equal(kms.num_planes, 2 * (n + 2));
		for (unsigned int i = 0; i < kms.num_planes; i++) {
			assert_int_equal(kms.planes[i]->index, i);
			overlays += kms.planes[i]->type == HF_PLANE_OVERLAY &&
				    kms.planes[i]->possible_crtcs == 2;
		}
		assert_int_equal(overlays, n);
		end();
	}
}

static void more_overlays_than_there_may_be_are_refused(void **state)
{
	unsigned int overlays = HF_KMS_MAX_OVERLAYS + 1;
	const struct hf_kms_options options = { .overlays = &overlays };

	(void)state;
	clock_ = hf_clock_create();
	assert_int_equal(hf_kms_device_init(&kms, clock_, hf_soft_driver.kms,
					    outputs, 2, &options),
			 -EINVAL);
	hf_clock_destroy(clock_);
}

static void the_most_of_all_fits(void **state)
{
	static const struct hf_kms_output none[HF_KMS_MAX_OUTPUTS];
	unsigned int overlays = HF_KMS_MAX_OVERLAYS;
	const struct hf_kms_options options = { .overlays = &overlays };

	(void)state;
	clock_ = hf_clock_create();
	assert_int_equal(hf_kms_device_init(&kms, clock_, hf_soft_driver.kms,
					    none, HF_KMS_MAX_OUTPUTS,
					    &options),
			 0);
	assert_int_equal(kms.num_planes, HF_KMS_MAX_PLANES);
	for (unsigned int i = 0; i < kms.num_planes; i++)
		assert_true(kms.planes[i]->base.nprops <= HF_KMS_MAX_PROPS);
	end();
}

static void only_overlays_may_change_places(void **state)
{
	(void)state;
	begin(hf_soft_driver.kms, 3, false);
	for (unsigned int i = 0; i < kms.num_planes; i++) {
		const struct hf_plane *plane = kms.planes[i];
		const struct hf_property *zpos = plane->zpos;
		bool fixed = plane->type != HF_PLANE_OVERLAY;

		assert_string_equal(zpos->name, "zpos");
		assert_int_equal(!(zpos->flags & DRM_MODE_PROP_IMMUTABLE),
				 !fixed);
		if (plane->type == HF_PLANE_PRIMARY)
			assert_int_equal(plane->state->zpos, 0);
		if (plane->type == HF_PLANE_CURSOR)
			assert_int_equal(plane->state->zpos, 4);
		assert_int_equal(zpos->values[0],
				 fixed ? plane->state->zpos : 1);
		assert_int_equal(zpos->values[1],
				 fixed ? plane->state->zpos : 3);
	}
	end();
}

/* Two rows are what a blob of more than 64 formats takes. */
static void in_formats_has_every_format_with_the_linear_modifier(void **state)
{
	const struct drm_format_modifier_blob *head;
	const struct drm_format_modifier *mods;
	const uint32_t *formats;
	const struct hf_plane *plane;

	(void)state;
	begin(hf_soft_driver.kms, 1, false);
	plane = kms.crtcs[0]->primary;
	assert_true(plane->num_formats > 64);
	head = (const void *)plane->in_formats->data;
	formats = (const void *)(plane->in_formats->data +
				 head->formats_offset);
	mods = (const void *)(plane->in_formats->data +
			      head->modifiers_offset);
	assert_int_equal(head->version, 1);
	assert_int_equal(head->count_formats, plane->num_formats);
	assert_int_equal(head->count_modifiers, 2);
	assert_int_equal(head->modifiers_offset % 8, 0);
	assert_int_equal(plane->in_formats->length,
			 head->modifiers_offset + 2 * sizeof(*mods));
	assert_memory_equal(formats, plane->formats, plane->num_formats * 4);
	assert_int_equal(mods[0].modifier, DRM_FORMAT_MOD_LINEAR);
	assert_int_equal(mods[0].offset, 0);
	assert_int_equal(mods[0].formats, UINT64_MAX);
	assert_int_equal(mods[1].modifier, DRM_FORMAT_MOD_LINEAR);
	assert_int_equal(mods[1].offset, 64);
	assert_int_equal(mods[1].formats,
			 (UINT64_C(1) << (plane->num_formats - 64)) - 1);
	head = (const void *)kms.crtcs[0]->cursor->in_formats->data;
	assert_int_equal(head->count_formats, 1);
	assert_int_equal(head->count_modifiers, 1);
	end();
}

static bool lists(const struct hf_plane *plane, uint32_t fourcc)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < plane->num_formats; i++)
		n += plane->formats[i] == fourcc;
	return n == 1;
}

static void planes_show_whatever_can_be_composed(void **state)
{
	const struct hf_format *format;

	(void)state;
	begin(hf_soft_driver.kms, 1, false);
	for (size_t i = 0; (format = hf_format_at(i)); i++)
		for (unsigned int j = 0; j < kms.num_planes; j++)
			if (kms.planes[j]->type != HF_PLANE_CURSOR)
				assert_int_equal(
					lists(kms.planes[j], format->fourcc),
					hf_fetch_supported(format));
	end();
}

static void a_cursor_says_which_sizes_it_likes(void **state)
{
	const struct hf_plane_size_hint *hints;
	const struct hf_plane *cursor;

	(void)state;
	begin(hf_soft_driver.kms, 1, false);
	cursor = kms.crtcs[1]->cursor;
	assert_true(has(cursor, kms.prop.size_hints));
	assert_false(has(kms.crtcs[1]->primary, kms.prop.size_hints));
	assert_int_equal(cursor->size_hints->length, 3 * sizeof(*hints));
	hints = (const void *)cursor->size_hints->data;
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(hints[i].width, 64 << i);
		assert_int_equal(hints[i].height, 64 << i);
	}
	assert_int_equal(hf_kms_cursor_size(&kms), 256);
	end();
}

static void a_hotspot_is_for_virtual_cursors_only(void **state)
{
	(void)state;
	begin(hf_soft_driver.kms, 1, false);
	assert_false(has(kms.crtcs[0]->cursor, kms.prop.hotspot_x));
	end();
	begin(hf_soft_driver.kms, 1, true);
	assert_true(has(kms.crtcs[0]->cursor, kms.prop.hotspot_x));
	assert_true(has(kms.crtcs[0]->cursor, kms.prop.hotspot_y));
	assert_false(has(kms.crtcs[0]->primary, kms.prop.hotspot_x));
	end();
}

static void only_primaries_have_formats_to_flip_asynchronously(void **state)
{
	(void)state;
	begin(hf_soft_driver.kms, 1, false);
	for (unsigned int i = 0; i < kms.num_planes; i++)
		assert_int_equal(has(kms.planes[i], kms.prop.in_formats_async),
				 kms.planes[i]->type == HF_PLANE_PRIMARY);
	end();
}

/* -- order ------------------------------------------------------------------- */

static void light(struct hf_crtc *crtc, struct hf_framebuffer *fb)
{
	crtc->state->active = true;
	for (unsigned int i = 0; i < kms.num_planes; i++) {
		struct hf_plane_state *state = kms.planes[i]->state;

		if (!(kms.planes[i]->possible_crtcs & 1u << crtc->index))
			continue;
		state->crtc = crtc;
		state->fb = fb;
	}
}

static void darken(void)
{
	for (unsigned int i = 0; i < kms.num_planes; i++)
		kms.planes[i]->state->fb = NULL;
}

static void the_lowest_plane_comes_first(void **state)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	struct hf_framebuffer fb = { 0 };
	struct hf_crtc *crtc;

	(void)state;
	begin(hf_soft_driver.kms, 4, false);
	crtc = kms.crtcs[1];
	light(crtc, &fb);
	light(kms.crtcs[0], &fb);
	assert_int_equal(hf_crtc_planes(crtc, planes), 6);
	for (unsigned int i = 0; i < 6; i++) {
		assert_ptr_equal(planes[i]->crtc, crtc);
		assert_int_equal(planes[i]->zpos, i);
	}
	/* The other way round, but that two have the same place. */
	kms.planes[7]->state->zpos = 4;
	kms.planes[8]->state->zpos = 3;
	kms.planes[9]->state->zpos = 3;
	kms.planes[10]->state->zpos = 1;
	assert_int_equal(hf_crtc_planes(crtc, planes), 6);
	assert_ptr_equal(planes[0]->plane, crtc->primary);
	assert_ptr_equal(planes[1]->plane, kms.planes[10]);
	assert_ptr_equal(planes[2]->plane, kms.planes[8]);
	assert_ptr_equal(planes[3]->plane, kms.planes[9]);
	assert_ptr_equal(planes[4]->plane, kms.planes[7]);
	assert_ptr_equal(planes[5]->plane, crtc->cursor);
	darken();
	end();
}

static void planes_that_show_nothing_are_left_out(void **state)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	struct hf_framebuffer fb = { 0 };

	(void)state;
	begin(hf_soft_driver.kms, 2, false);
	light(kms.crtcs[0], &fb);
	kms.planes[1]->state->fb = NULL;
	assert_int_equal(hf_crtc_planes(kms.crtcs[0], planes), 3);
	assert_ptr_equal(planes[1]->plane, kms.planes[2]);
	kms.crtcs[0]->state->active = false;
	assert_int_equal(hf_crtc_planes(kms.crtcs[0], planes), 0);
	darken();
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_crtc_has_as_many_overlays_as_was_said),
		cmocka_unit_test(more_overlays_than_there_may_be_are_refused),
		cmocka_unit_test(the_most_of_all_fits),
		cmocka_unit_test(only_overlays_may_change_places),
		cmocka_unit_test(
			in_formats_has_every_format_with_the_linear_modifier),
		cmocka_unit_test(planes_show_whatever_can_be_composed),
		cmocka_unit_test(a_cursor_says_which_sizes_it_likes),
		cmocka_unit_test(a_hotspot_is_for_virtual_cursors_only),
		cmocka_unit_test(
			only_primaries_have_formats_to_flip_asynchronously),
		cmocka_unit_test(the_lowest_plane_comes_first),
		cmocka_unit_test(planes_that_show_nothing_are_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
