/* SPDX-License-Identifier: MIT */
/*
 * Decoding of ioctls: that every argument of the table of ioctls is described to the
 * last byte, and what comes out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <drm_fourcc.h>

#include "kms/kms.h"
#include "server/decode.h"

/* -- the table --------------------------------------------------------------- */

static void for_each_row(void (*check)(const struct hf_ioctl_desc *desc,
				       const struct hf_struct *arg))
{
	for (int i = 0; i < 256; i++)
		if (hf_ioctl_descs[i].cmd)
			check(&hf_ioctl_descs[i],
			      hf_ioctl_struct(&hf_ioctl_descs[i]));
	for (int i = 0; i < HF_FD_IOCTL_ROWS; i++)
		check(&hf_fd_ioctl_descs[i],
		      hf_ioctl_struct(&hf_fd_ioctl_descs[i]));
}

static void check_presence(const struct hf_ioctl_desc *desc,
			   const struct hf_struct *arg)
{
	if (!_IOC_SIZE(desc->cmd)) {
		assert_null(arg);
		return;
	}
	if (!arg)
		fail_msg("%s has no decoder", desc->name);
	if (arg->size != _IOC_SIZE(desc->cmd))
		fail_msg("%s: %zu bytes are described, of %u", desc->name,
			 arg->size, _IOC_SIZE(desc->cmd));
}

static void every_ioctl_with_an_argument_has_a_decoder(void **state)
{
	(void)state;
	for_each_row(check_presence);
}

/* A byte that is in no field is padding that the compiler has put there: before a
 * field that is aligned, or at the end. */
static void check_holes(const char *name, const struct hf_struct *of)
{
	unsigned char covered[4096] = { 0 };
	size_t run = 0;

	assert_true(of->size <= sizeof(covered));
	for (const struct hf_field *field = of->fields; field->name; field++) {
		size_t end = field->off + (size_t)field->size * field->count;

		if (end > of->size)
			fail_msg("%s.%s is beyond the end", name, field->name);
		for (size_t i = field->off; i < end; i++) {
			if (covered[i] & field->dir)
				fail_msg("%s.%s is described twice", name,
					 field->name);
			covered[i] |= field->dir;
		}
		if (field->kind == HF_FIELD_STRUCT) {
			assert_int_equal(field->of->size, field->size);
			check_holes(field->name, field->of);
		}
	}
	for (size_t i = 0; i <= of->size; i++) {
		bool aligned = i == of->size || i % 8 == 0;

		if (i < of->size && !covered[i]) {
			run++;
			continue;
		}
		if (run && (!aligned || run >= 8))
			fail_msg("%s: %zu bytes before offset %zu are not described",
				 name, run, i);
		run = 0;
	}
}

static void check_cover(const struct hf_ioctl_desc *desc,
			const struct hf_struct *arg)
{
	if (arg)
		check_holes(desc->name, arg);
}

static void the_fields_cover_the_argument_without_overlap(void **state)
{
	(void)state;
	for_each_row(check_cover);
}

static unsigned int arrays_of(const struct hf_field *field)
{
	switch (field->kind) {
	case HF_FIELD_ARRAY:
	case HF_FIELD_BYTES:
	case HF_FIELD_TEXT:
	case HF_FIELD_PROPS:
	case HF_FIELD_OBJECTS:
	case HF_FIELD_PART:
		return 1u << field->array;
	default:
		return 0;
	}
}

static void check_arrays(const struct hf_ioctl_desc *desc,
			 const struct hf_struct *arg)
{
	unsigned int described = 0, there = 0;

	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && desc->arrays[i].kind; i++)
		if (desc->arrays[i].kind != HF_ARRAY_USER_PAGES)
			there |= 1u << i;
	for (const struct hf_field *field = arg ? arg->fields : NULL;
	     field && field->name; field++) {
		const struct hf_array_desc *array = &desc->arrays[field->array];

		if (!arrays_of(field))
			continue;
		described |= arrays_of(field);
		if (array->ptr_off != field->off)
			fail_msg("%s.%s is another array", desc->name,
				 field->name);
		if (field->kind == HF_FIELD_ARRAY &&
		    field->elem == HF_FIELD_STRUCT &&
		    field->of->size != array->elem)
			fail_msg("%s.%s: elements of %u bytes, not %zu",
				 desc->name, field->name, array->elem,
				 field->of->size);
	}
	if (described != there)
		fail_msg("%s: arrays %x, described %x", desc->name, there,
			 described);
}

static void every_nested_array_is_described(void **state)
{
	(void)state;
	for_each_row(check_arrays);
}

static void check_names(const struct hf_ioctl_desc *desc,
			const struct hf_struct *arg)
{
	for (const struct hf_field *field = arg ? arg->fields : NULL;
	     field && field->name; field++) {
		unsigned int kind = field->kind == HF_FIELD_ARRAY ?
					    field->elem :
					    field->kind;

		if ((kind == HF_FIELD_ENUM || kind == HF_FIELD_FLAGS) !=
		    !!field->names)
			fail_msg("%s.%s: names", desc->name, field->name);
		if ((kind == HF_FIELD_STRUCT) != !!field->of)
			fail_msg("%s.%s: struct", desc->name, field->name);
	}
}

static void what_needs_names_has_them(void **state)
{
	(void)state;
	for_each_row(check_names);
}

/* -- records ----------------------------------------------------------------- */

struct fixture {
	struct hf_ioctl_record *record;
	struct hf_text text;
	struct hf_decode_names *names;
	char *string;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct fixture));
	return !*state;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->record);
	free(f->names);
	free(f->string);
	hf_text_finish(&f->text);
	free(f);
	return 0;
}

static void make_record(struct fixture *f, const struct hf_ioctl_desc *desc,
			const void *before, const void *after, int ret)
{
	size_t size = _IOC_SIZE(desc->cmd);

	free(f->record);
	f->record = calloc(1, sizeof(*f->record) + 65536);
	assert_non_null(f->record);
	f->record->desc = desc;
	f->record->cmd = desc->cmd;
	f->record->ret = ret;
	f->record->arg_size = size;
	memcpy(f->record->data, before, size);
	memcpy(f->record->data + size, after, size);
}

static size_t up(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* Arrays in their order. */
static void add_array(struct fixture *f, unsigned int index, const void *data,
		      uint32_t size, uint32_t kept)
{
	size_t at = up(2 * f->record->arg_size);

	for (unsigned int i = 0; i < index; i++)
		at += up(f->record->arrays[i].kept);
	f->record->arrays[index].size = size;
	f->record->arrays[index].kept = kept;
	if (kept)
		memcpy(f->record->data + at, data, kept);
}

static const struct hf_ioctl_desc *desc_of(uint32_t cmd)
{
	return &hf_ioctl_descs[_IOC_NR(cmd)];
}

static const char *decoded(struct fixture *f)
{
	f->text.length = 0;
	f->text.separate = false;
	hf_decode_in(&f->text, f->names, f->record);
	if (hf_decode_has_out(f->record)) {
		hf_text_printf(&f->text, " => ");
		hf_decode_out(&f->text, f->names, f->record);
	}
	assert_false(f->text.failed);
	free(f->string);
	f->string = strndup(f->text.bytes, f->text.length);
	return f->string;
}

static void an_argument_is_told_by_name_before_and_after(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_fb_cmd2 before = {
		.width = 640, .height = 480, .pixel_format = DRM_FORMAT_XRGB8888,
		.flags = DRM_MODE_FB_MODIFIERS | 64, .handles = { 1 },
		.pitches = { 2560 },
	}, after = before;

	after.fb_id = 53;
	make_record(f, desc_of(DRM_IOCTL_MODE_ADDFB2), &before, &after, 0);
	assert_string_equal(
		decoded(f),
		"{width=640, height=480, pixel_format=XR24, "
		"flags=DRM_MODE_FB_MODIFIERS|0x40, handles=[1, 0, 0, 0], "
		"pitches=[2560, 0, 0, 0], offsets=[0, 0, 0, 0], "
		"modifier=[0x0, 0x0, 0x0, 0x0]} => {fb_id=53}");
}

static void a_failure_tells_what_was_changed_only(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_fb_cmd2 arg = { .width = 1 };

	make_record(f, desc_of(DRM_IOCTL_MODE_ADDFB2), &arg, &arg, -EINVAL);
	assert_false(hf_decode_has_out(f->record));
}

static void signed_values_have_their_sign(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_cursor arg = { .flags = 3, .crtc_id = 31, .x = -7,
				       .y = 5 };

	make_record(f, desc_of(DRM_IOCTL_MODE_CURSOR), &arg, &arg, 0);
	assert_string_equal(decoded(f),
			    "{flags=DRM_MODE_CURSOR_BO|DRM_MODE_CURSOR_MOVE, "
			    "crtc_id=31, x=-7, y=5, width=0, height=0, "
			    "handle=0}");
}

static void a_long_array_is_cut_short_and_says_by_how_much(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_get_plane_res arg = { .count_planes = 2000 };
	uint32_t planes[1024];

	for (unsigned int i = 0; i < 1024; i++)
		planes[i] = i;
	make_record(f, desc_of(DRM_IOCTL_MODE_GETPLANERESOURCES), &arg, &arg,
		    0);
	add_array(f, 0, planes, 8000, 4096);
	assert_string_equal(decoded(f),
			    "{count_planes=2000} => {plane_id_ptr=[0, 1, 2, 3, "
			    "4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, "
			    "... 1984 more]}");
}

static void bytes_are_told_by_length(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_create_blob before = { .length = 5000 }, after = before;
	char blob[4096] = { 0 };

	after.blob_id = 60;
	make_record(f, desc_of(DRM_IOCTL_MODE_CREATEPROPBLOB), &before, &after,
		    0);
	add_array(f, 0, blob, 5000, 4096);
	assert_string_equal(decoded(f),
			    "{data=5000 bytes, length=5000} => {blob_id=60}");
}

static void a_pointer_that_could_not_be_read_is_told_as_it_is(void **state)
{
	struct fixture *f = *state;
	struct drm_mode_create_blob arg = { .data = 0xdead000, .length = 8 };

	make_record(f, desc_of(DRM_IOCTL_MODE_CREATEPROPBLOB), &arg, &arg,
		    -EFAULT);
	f->record->arrays[0].flags = HF_ARRAY_FAULT;
	assert_string_equal(decoded(f), "{data=0xdead000, length=8}");
}

static void hostile_strings_are_escaped(void **state)
{
	struct fixture *f = *state;
	struct sync_merge_data arg = { .name = "a\"\\\n\xff", .fd2 = 4 };

	make_record(f, &hf_fd_ioctl_descs[0], &arg, &arg, 0);
	assert_string_equal(decoded(f),
			    "{name=\"a\\\"\\\\\\x0a\\xff\", fd2=4, flags=0x0} "
			    "=> {fence=0}");
	f->text.json = true;
	assert_string_equal(decoded(f),
			    "{\"name\":\"a\\\"\\\\\\u000a\\u00ff\",\"fd2\":4,"
			    "\"flags\":\"0x0\"} => {\"fence\":0}");
}

/* A display of two properties, a plane and a CRTC. */
static const struct hf_property_enum rotations[] = { { 0, "rotate-0" },
						     { 4, "reflect-x" } };
static const struct hf_property fb_id = { .name = "FB_ID",
					  .flags = DRM_MODE_PROP_OBJECT };
static const struct hf_property crtc_x = { .name = "CRTC_X",
					   .flags = DRM_MODE_PROP_SIGNED_RANGE };
static const struct hf_property src_w = { .name = "SRC_W",
					  .flags = DRM_MODE_PROP_RANGE };
static const struct hf_property rotation = { .name = "rotation",
					     .flags = DRM_MODE_PROP_BITMASK,
					     .enums = rotations,
					     .num_enums = 2 };

static void give_names(struct fixture *f)
{
	const struct hf_decode_object objects[] = {
		{ 1, DRM_MODE_OBJECT_PROPERTY, 0, &fb_id },
		{ 2, DRM_MODE_OBJECT_PROPERTY, 0, &crtc_x },
		{ 3, DRM_MODE_OBJECT_PROPERTY, 0, &rotation },
		{ 4, DRM_MODE_OBJECT_PROPERTY, 0, &src_w },
		{ 31, DRM_MODE_OBJECT_PLANE, 0, NULL },
		{ 40, DRM_MODE_OBJECT_CRTC, 0, NULL },
	};

	f->names = malloc(sizeof(*f->names) + sizeof(objects));
	assert_non_null(f->names);
	f->names->n = sizeof(objects) / sizeof(*objects);
	memcpy(f->names->objects, objects, sizeof(objects));
}

static void make_atomic(struct fixture *f)
{
	struct drm_mode_atomic arg = {
		.flags = DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT,
		.count_objs = 2, .user_data = 0x1234,
	};
	uint32_t objs[] = { 31, 40 }, counts[] = { 4, 1 };
	uint32_t props[] = { 1, 2, 3, 4, 99 };
	uint64_t values[] = { 53, -3, 0x11, 0x18000, 7 };

	give_names(f);
	make_record(f, desc_of(DRM_IOCTL_MODE_ATOMIC), &arg, &arg, 0);
	add_array(f, 0, objs, sizeof(objs), sizeof(objs));
	add_array(f, 1, counts, sizeof(counts), sizeof(counts));
	add_array(f, 2, props, sizeof(props), sizeof(props));
	add_array(f, 3, values, sizeof(values), sizeof(values));
}

static void an_atomic_commit_is_told_by_object_and_property(void **state)
{
	struct fixture *f = *state;

	make_atomic(f);
	assert_string_equal(
		decoded(f),
		"{flags=DRM_MODE_PAGE_FLIP_EVENT|DRM_MODE_ATOMIC_NONBLOCK, "
		"count_objs=2, objs_ptr=[plane 31 {FB_ID=53, CRTC_X=-3, "
		"rotation=rotate-0|reflect-x, SRC_W=1.5000}, "
		"crtc 40 {property 99=7}], user_data=0x1234}");
	f->text.json = true;
	assert_string_equal(
		decoded(f),
		"{\"flags\":\"DRM_MODE_PAGE_FLIP_EVENT|DRM_MODE_ATOMIC_NONBLOCK\","
		"\"count_objs\":2,\"objs_ptr\":[{\"object\":\"plane 31\","
		"\"FB_ID\":53,\"CRTC_X\":-3,\"rotation\":\"rotate-0|reflect-x\","
		"\"SRC_W\":\"1.5000\"},{\"object\":\"crtc 40\","
		"\"property 99\":7}],\"user_data\":\"0x1234\"}");
}

static void counts_that_lie_are_not_believed(void **state)
{
	struct fixture *f = *state;
	uint32_t counts[] = { UINT32_MAX, UINT32_MAX };

	make_atomic(f);
	memcpy(f->record->data + up(2 * f->record->arg_size) + 8, counts,
	       sizeof(counts));
	assert_non_null(strstr(decoded(f), "crtc 40 {}]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_ioctl_with_an_argument_has_a_decoder),
		cmocka_unit_test(the_fields_cover_the_argument_without_overlap),
		cmocka_unit_test(every_nested_array_is_described),
		cmocka_unit_test(what_needs_names_has_them),
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(an_argument_is_told_by_name_before_and_after),
		TEST(a_failure_tells_what_was_changed_only),
		TEST(signed_values_have_their_sign),
		TEST(a_long_array_is_cut_short_and_says_by_how_much),
		TEST(bytes_are_told_by_length),
		TEST(a_pointer_that_could_not_be_read_is_told_as_it_is),
		TEST(hostile_strings_are_escaped),
		TEST(an_atomic_commit_is_told_by_object_and_property),
		TEST(counts_that_lie_are_not_believed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
