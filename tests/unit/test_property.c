/* SPDX-License-Identifier: MIT */
/*
 * Properties: which values may be set, and how they read back.
 */
#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "display.h"

#define KMS (&display.kms)
#define VALID(p, value) hf_property_valid(KMS, KMS->prop.p, value)

static uint64_t value_of(const struct hf_mode_object *object,
			 const struct hf_property *prop)
{
	for (unsigned int i = 0; i < object->nprops; i++)
		if (object->props[i] == prop)
			return hf_object_get_value(object, i);
	fail_msg("object has no %s", prop->name);
	return 0;
}

static void immutable_properties_take_nothing(void **state)
{
	struct hf_property *prop;
	unsigned int n = 0;

	(void)state;
	wl_list_for_each(prop, &KMS->properties, link) {
		if (!(prop->flags & DRM_MODE_PROP_IMMUTABLE))
			continue;
		assert_false(hf_property_valid(KMS, prop, 0));
		assert_false(hf_property_valid(KMS, prop, 1));
		n++;
	}
	assert_true(n >= 5);
	assert_false(VALID(type, HF_PLANE_PRIMARY));
}

static void a_range_takes_its_ends_and_nothing_beyond(void **state)
{
	(void)state;
	assert_true(VALID(alpha, 0));
	assert_true(VALID(alpha, 0xffff));
	assert_false(VALID(alpha, 0x10000));
	assert_false(VALID(alpha, UINT64_MAX));
	assert_true(VALID(active, 1));
	assert_false(VALID(active, 2));
	assert_true(VALID(crtc_w, INT_MAX));
	assert_false(VALID(crtc_w, (uint64_t)INT_MAX + 1));
	assert_true(VALID(src_w, UINT_MAX));
	assert_false(VALID(src_w, (uint64_t)UINT_MAX + 1));
}

static void a_signed_range_compares_signed(void **state)
{
	(void)state;
	assert_true(VALID(crtc_x, 0));
	assert_true(VALID(crtc_x, (uint64_t)-1));
	assert_true(VALID(crtc_x, (uint64_t)(int64_t)INT_MIN));
	assert_true(VALID(crtc_x, INT_MAX));
	assert_false(VALID(crtc_x, (uint64_t)INT_MAX + 1));
	assert_false(VALID(crtc_x, (uint64_t)((int64_t)INT_MIN - 1)));
	/* 32 bits of -1 are a large number. */
	assert_false(VALID(crtc_x, UINT32_MAX));
}

static void an_enum_takes_only_its_values(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 3; i++)
		assert_true(VALID(blend, i));
	assert_false(VALID(blend, 3));
	assert_true(VALID(dpms, DRM_MODE_DPMS_OFF));
	assert_false(VALID(dpms, DRM_MODE_DPMS_OFF + 1));
	assert_false(VALID(dpms, UINT64_MAX));
}

static void a_bitmask_takes_only_its_bits(void **state)
{
	(void)state;
	assert_true(VALID(rotation, DRM_MODE_ROTATE_0));
	assert_true(VALID(rotation, DRM_MODE_ROTATE_270 | DRM_MODE_REFLECT_X |
					    DRM_MODE_REFLECT_Y));
	assert_false(VALID(rotation, 1 << 6));
	assert_false(VALID(rotation, DRM_MODE_ROTATE_0 | UINT64_C(1) << 40));
}

static void a_blob_must_exist(void **state)
{
	struct hf_blob *blob = hf_blob_create(KMS, "abc", 3);
	uint32_t id = blob->base.id;

	(void)state;
	assert_true(VALID(gamma, 0));
	assert_true(VALID(gamma, id));
	assert_false(VALID(gamma, UINT64_C(1) << 32 | id));
	/* An object of another type is no blob. */
	assert_false(VALID(gamma, display.crtc->base.id));
	hf_blob_put(blob);
	assert_false(VALID(gamma, id));
}

static void an_object_must_exist_and_be_of_the_type(void **state)
{
	uint32_t crtc = display.crtc->base.id;

	(void)state;
	assert_true(VALID(crtc_id, 0));
	assert_true(VALID(crtc_id, crtc));
	assert_false(VALID(crtc_id, UINT64_C(1) << 32 | crtc));
	assert_false(VALID(crtc_id, display.connector->base.id));
	assert_false(VALID(fb_id, crtc));
	assert_false(VALID(crtc_id, 0xffffff));
}

static void a_property_is_found_only_on_objects_that_have_it(void **state)
{
	const struct hf_mode_object *crtc = &display.crtc->base;

	(void)state;
	assert_ptr_equal(hf_object_prop(crtc, KMS->prop.active->base.id),
			 KMS->prop.active);
	assert_null(hf_object_prop(crtc, KMS->prop.fb_id->base.id));
	assert_null(hf_object_prop(crtc, 0));
	assert_null(hf_object_prop(crtc, crtc->id));
}

static void a_plane_starts_with_the_kernels_values(void **state)
{
	struct hf_mode_object *plane = &display.crtc->primary->base;

	(void)state;
	assert_int_equal(value_of(plane, KMS->prop.type), HF_PLANE_PRIMARY);
	assert_int_equal(value_of(plane, KMS->prop.alpha), 0xffff);
	assert_int_equal(value_of(plane, KMS->prop.rotation),
			 DRM_MODE_ROTATE_0);
	assert_int_equal(value_of(plane, KMS->prop.blend), 0);
	assert_int_equal(value_of(plane, KMS->prop.fb_id), 0);
	assert_int_equal(value_of(plane, KMS->prop.crtc_id), 0);
	assert_int_equal(value_of(&display.crtc->cursor->base, display.crtc->cursor->zpos),
			 2);
}

static void what_is_set_reads_back_once_it_is_committed(void **state)
{
	struct hf_mode_object *plane = &display.crtc->primary->base;
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	assert_int_equal(hf_atomic_set_property(atomic, plane,
						KMS->prop.crtc_x,
						(uint64_t)-5),
			 0);
	assert_int_equal(hf_atomic_set_property(atomic, plane,
						KMS->prop.alpha, 0x1234),
			 0);
	assert_int_equal(hf_atomic_set_property(atomic, plane,
						KMS->prop.rotation,
						DRM_MODE_ROTATE_90 |
							DRM_MODE_REFLECT_X),
			 0);
	assert_int_equal(value_of(plane, KMS->prop.alpha), 0xffff);
	assert_int_equal(hf_atomic_check(atomic), 0);
	assert_int_equal(hf_atomic_commit(atomic, NULL), 0);
	assert_int_equal(value_of(plane, KMS->prop.crtc_x), (uint64_t)-5);
	assert_int_equal(value_of(plane, KMS->prop.alpha), 0x1234);
	assert_int_equal(value_of(plane, KMS->prop.rotation),
			 DRM_MODE_ROTATE_90 | DRM_MODE_REFLECT_X);
}

static void a_rotation_is_exactly_one(void **state)
{
	struct hf_mode_object *plane = &display.crtc->primary->base;
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	assert_int_equal(hf_atomic_set_property(atomic, plane,
						KMS->prop.rotation,
						DRM_MODE_REFLECT_X),
			 -EINVAL);
	assert_int_equal(hf_atomic_set_property(atomic, plane,
						KMS->prop.rotation,
						DRM_MODE_ROTATE_0 |
							DRM_MODE_ROTATE_90),
			 -EINVAL);
	hf_atomic_state_destroy(atomic);
}

static void a_mode_is_a_blob_of_its_size_and_sense(void **state)
{
	struct drm_mode_modeinfo mode = display.connector->modes[0];
	struct hf_mode_object *crtc = &display.crtc->base;
	struct hf_blob *good = hf_blob_create(KMS, &mode, sizeof(mode)), *bad,
		       *small = hf_blob_create(KMS, &mode, sizeof(mode) - 1);
	struct hf_atomic_state *atomic = display_state();
	struct hf_property *mode_id = KMS->prop.mode_id;

	(void)state;
	mode.hsync_start = mode.htotal + 1;
	bad = hf_blob_create(KMS, &mode, sizeof(mode));
	assert_int_equal(hf_atomic_set_property(atomic, crtc, mode_id,
						small->base.id),
			 -EINVAL);
	assert_int_equal(hf_atomic_set_property(atomic, crtc, mode_id,
						bad->base.id),
			 -EINVAL);
	assert_false(hf_atomic_get_crtc(atomic, display.crtc)->enable);
	assert_int_equal(hf_atomic_set_property(atomic, crtc, mode_id,
						good->base.id),
			 0);
	assert_true(hf_atomic_get_crtc(atomic, display.crtc)->enable);
	assert_int_equal(hf_atomic_set_property(atomic, crtc, mode_id, 0), 0);
	assert_false(hf_atomic_get_crtc(atomic, display.crtc)->enable);
	assert_int_equal(good->refcount, 1);
	hf_atomic_state_destroy(atomic);
	hf_blob_put(good);
	hf_blob_put(bad);
	hf_blob_put(small);
}

static int set_blob(struct hf_atomic_state *state, struct hf_property *prop,
		    const void *data, size_t length)
{
	struct hf_blob *blob = hf_blob_create(KMS, data, length);
	int ret = hf_atomic_set_property(state, &display.crtc->base, prop,
					 blob->base.id);

	hf_blob_put(blob);
	return ret;
}

static void a_table_has_any_number_of_whole_entries(void **state)
{
	static const struct drm_color_lut lut[HF_KMS_LUT_SIZE];
	struct hf_property *const props[] = { KMS->prop.degamma,
					      KMS->prop.gamma };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hf_atomic_state *atomic = display_state();

		assert_int_equal(set_blob(atomic, props[i], lut, 12), -EINVAL);
		assert_int_equal(set_blob(atomic, props[i], lut, sizeof(lut)),
				 0);
		assert_int_equal(hf_atomic_check(atomic), 0);
		assert_int_equal(set_blob(atomic, props[i], lut,
					  2 * sizeof(*lut)),
				 0);
		assert_int_equal(hf_atomic_check(atomic), 0);
		hf_atomic_state_destroy(atomic);
	}
}

static void a_table_of_one_entry_or_too_many_is_not_shown(void **state)
{
	static const struct drm_color_lut lut[HF_KMS_LUT_SIZE + 1];
	struct hf_property *const props[] = { KMS->prop.degamma,
					      KMS->prop.gamma };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct hf_atomic_state *atomic = display_state();

		assert_int_equal(set_blob(atomic, props[i], lut, sizeof(*lut)),
				 0);
		assert_int_equal(hf_atomic_check(atomic), -EINVAL);
		assert_int_equal(set_blob(atomic, props[i], lut, sizeof(lut)),
				 0);
		assert_int_equal(hf_atomic_check(atomic), -EINVAL);
		assert_int_equal(hf_atomic_set_property(atomic,
							&display.crtc->base,
							props[i], 0),
				 0);
		assert_int_equal(hf_atomic_check(atomic), 0);
		hf_atomic_state_destroy(atomic);
	}
}

static void a_matrix_has_nine_numbers(void **state)
{
	static const struct drm_color_ctm ctm[2];
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	assert_int_equal(set_blob(atomic, KMS->prop.ctm, ctm, sizeof(ctm)),
			 -EINVAL);
	assert_int_equal(set_blob(atomic, KMS->prop.ctm, ctm, sizeof(*ctm) - 8),
			 -EINVAL);
	assert_int_equal(set_blob(atomic, KMS->prop.ctm, ctm, sizeof(*ctm)), 0);
	assert_int_equal(hf_atomic_check(atomic), 0);
	hf_atomic_state_destroy(atomic);
}

static void a_table_is_held_by_the_state(void **state)
{
	static const struct drm_color_lut lut[2];
	struct hf_blob *blob = hf_blob_create(KMS, lut, sizeof(lut));
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	assert_int_equal(hf_atomic_set_property(atomic, &display.crtc->base,
						KMS->prop.degamma,
						blob->base.id),
			 0);
	assert_int_equal(blob->refcount, 2);
	hf_atomic_state_destroy(atomic);
	assert_int_equal(blob->refcount, 1);
	hf_blob_put(blob);
}

/* -- async flips ------------------------------------------------------------- */

static struct hf_atomic_state *async_state(void)
{
	struct hf_atomic_state *state = display_state();

	state->async = true;
	return state;
}

static int set(struct hf_atomic_state *state, struct hf_mode_object *object,
	       struct hf_property *prop, uint64_t value)
{
	return hf_atomic_set_property(state, object, prop, value);
}

static void an_async_flip_changes_the_framebuffer_of_a_primary(void **state)
{
	struct hf_mode_object *primary = &display.crtc->primary->base;
	struct hf_framebuffer *fb = display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT,
					       DRM_FORMAT_XRGB8888);
	struct hf_framebuffer *next = display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT,
						 DRM_FORMAT_XRGB8888);
	struct hf_atomic_state *atomic;

	(void)state;
	display_on(fb);
	atomic = async_state();
	assert_int_equal(set(atomic, primary, KMS->prop.fb_id, next->base.id),
			 0);
	assert_ptr_equal(atomic->planes[display.crtc->primary->index]->fb,
			 next);
	/* What stays as it is may be said. */
	assert_int_equal(set(atomic, primary, KMS->prop.crtc_id,
			     display.crtc->base.id),
			 0);
	assert_int_equal(set(atomic, primary, KMS->prop.crtc_x, 0), 0);
	assert_int_equal(set(atomic, primary, KMS->prop.crtc_x, 1), -EINVAL);
	assert_int_equal(set(atomic, primary, KMS->prop.alpha, 0), -EINVAL);
	hf_atomic_state_destroy(atomic);
}

static void an_async_flip_changes_nothing_else(void **state)
{
	struct hf_crtc *crtc = display.crtc;
	struct hf_framebuffer *fb = display_fb(DISPLAY_WIDTH, DISPLAY_HEIGHT,
					       DRM_FORMAT_XRGB8888);
	struct hf_atomic_state *atomic = async_state();
	struct hf_mode_object *overlay = &KMS->planes[1]->base;

	(void)state;
	assert_int_equal(KMS->planes[1]->type, HF_PLANE_OVERLAY);
	assert_int_equal(set(atomic, overlay, KMS->prop.fb_id, fb->base.id),
			 -EINVAL);
	assert_int_equal(set(atomic, overlay, KMS->prop.fb_id, 0), 0);
	assert_int_equal(set(atomic, &crtc->base, KMS->prop.active, 1),
			 -EINVAL);
	assert_int_equal(set(atomic, &crtc->base, KMS->prop.active, 0), 0);
	assert_int_equal(set(atomic, &crtc->base, KMS->prop.out_fence, 8),
			 -EINVAL);
	assert_int_equal(set(atomic, &display.connector->base,
			     KMS->prop.crtc_id, crtc->base.id),
			 -EINVAL);
	assert_int_equal(set(atomic, &display.connector->base,
			     KMS->prop.crtc_id, 0),
			 0);
	assert_null(atomic->connectors[0]->crtc);
	assert_false(atomic->crtcs[0]->active);
	hf_atomic_state_destroy(atomic);
}

static void dpms_cannot_be_set_atomically(void **state)
{
	struct hf_atomic_state *atomic = display_state();

	(void)state;
	assert_int_equal(hf_atomic_set_property(atomic,
						&display.connector->base,
						KMS->prop.dpms,
						DRM_MODE_DPMS_OFF),
			 -EINVAL);
	hf_atomic_state_destroy(atomic);
}

static void in_formats_lists_what_a_plane_takes(void **state)
{
	struct hf_plane *plane = KMS->planes[1];
	struct hf_blob *blob = hf_blob_find(
		KMS, value_of(&plane->base, KMS->prop.in_formats));
	const struct drm_format_modifier_blob *head;
	const struct drm_format_modifier *modifier;

	(void)state;
	assert_int_equal(plane->type, HF_PLANE_OVERLAY);
	assert_non_null(blob);
	head = (const void *)blob->data;
	assert_int_equal(head->version, FORMAT_BLOB_CURRENT);
	assert_int_equal(head->count_formats, plane->num_formats);
	assert_memory_equal(blob->data + head->formats_offset, plane->formats,
			    plane->num_formats * 4);
	assert_int_equal(head->count_modifiers, 1);
	modifier = (const void *)(blob->data + head->modifiers_offset);
	assert_int_equal(modifier->modifier, DRM_FORMAT_MOD_LINEAR);
	assert_int_equal(modifier->formats, (1u << plane->num_formats) - 1);
	assert_int_equal(head->modifiers_offset + sizeof(*modifier),
			 blob->length);
}

static void a_blob_has_its_id_for_as_long_as_it_lives(void **state)
{
	struct hf_blob *blob = hf_blob_create(KMS, "x", 1), *slot = NULL;
	uint32_t id = blob->base.id;

	(void)state;
	hf_blob_replace(&slot, blob);
	hf_blob_put(blob);
	assert_ptr_equal(hf_blob_find(KMS, id), blob);
	hf_blob_replace(&slot, slot);
	assert_ptr_equal(hf_blob_find(KMS, id), blob);
	hf_blob_replace(&slot, NULL);
	assert_null(hf_blob_find(KMS, id));
	hf_blob_put(NULL);
}

#define TEST(name)                                                            \
	cmocka_unit_test_setup_teardown(name, display_setup, display_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(immutable_properties_take_nothing),
		TEST(a_range_takes_its_ends_and_nothing_beyond),
		TEST(a_signed_range_compares_signed),
		TEST(an_enum_takes_only_its_values),
		TEST(a_bitmask_takes_only_its_bits),
		TEST(a_blob_must_exist),
		TEST(an_object_must_exist_and_be_of_the_type),
		TEST(a_property_is_found_only_on_objects_that_have_it),
		TEST(a_plane_starts_with_the_kernels_values),
		TEST(what_is_set_reads_back_once_it_is_committed),
		TEST(a_rotation_is_exactly_one),
		TEST(a_mode_is_a_blob_of_its_size_and_sense),
		TEST(a_table_has_any_number_of_whole_entries),
		TEST(a_table_of_one_entry_or_too_many_is_not_shown),
		TEST(a_matrix_has_nine_numbers),
		TEST(a_table_is_held_by_the_state),
		TEST(an_async_flip_changes_the_framebuffer_of_a_primary),
		TEST(an_async_flip_changes_nothing_else),
		TEST(dpms_cannot_be_set_atomically),
		TEST(in_formats_lists_what_a_plane_takes),
		TEST(a_blob_has_its_id_for_as_long_as_it_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
