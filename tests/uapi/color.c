/* SPDX-License-Identifier: MIT */
/* What a CRTC does to colours: its tables, its matrix, and what is behind all planes. */
#include "uapi.h"

#define TEST_ONLY DRM_MODE_ATOMIC_TEST_ONLY

static struct kms kms;

static uint64_t value_of(const char *name)
{
	return property_value(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, name);
}

static bool has(const char *name)
{
	return find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, name, NULL);
}

static int set(const char *name, uint64_t value, uint32_t flags)
{
	struct request request = { 0 };

	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, name, value);
	return request_commit(kms.fd, &request, flags, 0);
}

static void open_lit(const char *needed)
{
	uint32_t fb;

	kms_open_atomic(&kms);
	if (!has(needed))
		skip("there is no %s", needed);
	kms_show_atomic(&kms, &fb);
}

static uint32_t table_create(uint32_t entries)
{
	struct drm_color_lut *lut = calloc(entries, sizeof(*lut));

	EXPECT(lut);
	for (uint32_t i = 0; i < entries; i++)
		lut[i].red = lut[i].green = lut[i].blue = (uint16_t)(0xffff - i);
	return blob_create(kms.fd, lut, entries * (uint32_t)sizeof(*lut));
}

/* How long a blob is; 0: there is none. */
static uint32_t blob_length(uint32_t id)
{
	struct drm_mode_get_blob get = { .blob_id = id };

	return call(kms.fd, DRM_IOCTL_MODE_GETPROPBLOB, &get) ? 0 : get.length;
}

static const char *const tables[] = { "GAMMA_LUT", "DEGAMMA_LUT" };
static const char *const sizes[] = { "GAMMA_LUT_SIZE", "DEGAMMA_LUT_SIZE" };

TEST(a_table_of_the_size_that_is_said_is_kept)
{
	open_lit("GAMMA_LUT");
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		uint32_t size, id;

		if (!has(tables[i]) || !value_of(sizes[i]))
			continue;
		size = (uint32_t)value_of(sizes[i]);
		EXPECT(size >= 2);
		id = table_create(size);
		EXPECT_OK(set(tables[i], id, TEST_ONLY));
		EXPECT_EQ(value_of(tables[i]), 0);
		EXPECT_OK(set(tables[i], id, 0));
		EXPECT_EQ(value_of(tables[i]), id);
		EXPECT_OK(set(tables[i], 0, 0));
		EXPECT_EQ(value_of(tables[i]), 0);
	}
}

TEST(a_table_with_part_of_an_entry_is_einval)
{
	char bytes[64] = { 0 };

	open_lit("GAMMA_LUT");
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (has(tables[i]))
			EXPECT_ERROR(set(tables[i], blob_create(kms.fd, bytes, 12), 0), EINVAL);
}

TEST(a_table_that_is_too_long_is_einval)
{
	open_lit("GAMMA_LUT");
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (has(tables[i]) && value_of(sizes[i]))
			EXPECT_ERROR(set(tables[i], table_create((uint32_t)value_of(sizes[i]) + 1),
					 0),
				     EINVAL);
}

TEST(the_size_of_a_table_cannot_be_set)
{
	open_lit("GAMMA_LUT_SIZE");
	EXPECT_ERROR(set("GAMMA_LUT_SIZE", value_of("GAMMA_LUT_SIZE"), 0), EINVAL);
}

TEST(what_is_not_a_blob_is_no_table)
{
	open_lit("GAMMA_LUT");
	EXPECT_ERROR(set("GAMMA_LUT", kms.crtc, 0), EINVAL);
	EXPECT_ERROR(set("GAMMA_LUT", 0xffffff, 0), EINVAL);
	EXPECT_ERROR(set("GAMMA_LUT", 1ull << 40, 0), EINVAL);
}

TEST(a_matrix_has_exactly_its_size)
{
	struct drm_color_ctm ctm[2] = { 0 };
	uint32_t id;

	open_lit("CTM");
	for (int i = 0; i < 9; i += 4)
		ctm[0].matrix[i] = 1ull << 32;
	EXPECT_ERROR(set("CTM", blob_create(kms.fd, ctm, sizeof(ctm)), 0), EINVAL);
	EXPECT_ERROR(set("CTM", blob_create(kms.fd, ctm, sizeof(ctm[0]) - 8), 0), EINVAL);
	id = blob_create(kms.fd, ctm, sizeof(ctm[0]));
	EXPECT_OK(set("CTM", id, 0));
	EXPECT_EQ(value_of("CTM"), id);
}

TEST(a_table_stays_as_long_as_it_is_used)
{
	struct drm_mode_destroy_blob destroy;
	uint32_t id, size;

	open_lit("GAMMA_LUT");
	size = (uint32_t)value_of("GAMMA_LUT_SIZE");
	id = table_create(size);
	EXPECT_OK(set("GAMMA_LUT", id, 0));
	destroy.blob_id = id;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_DESTROYPROPBLOB, &destroy));
	EXPECT_EQ(blob_length(id), size * sizeof(struct drm_color_lut));
	EXPECT_OK(set("GAMMA_LUT", 0, 0));
	EXPECT_EQ(blob_length(id), 0);
}

TEST(the_old_call_replaces_the_table_and_clears_the_rest)
{
	struct drm_color_ctm ctm = { { 0 } };
	struct drm_mode_crtc crtc = { 0 };
	struct drm_mode_crtc_lut lut = { 0 };
	uint16_t table[4096] = { 0 };

	open_lit("GAMMA_LUT");
	crtc.crtc_id = lut.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	if (!crtc.gamma_size || crtc.gamma_size > ARRAY_SIZE(table))
		skip("there is no legacy gamma table");
	if (has("DEGAMMA_LUT") && value_of("DEGAMMA_LUT_SIZE"))
		EXPECT_OK(set("DEGAMMA_LUT", table_create((uint32_t)value_of("DEGAMMA_LUT_SIZE")),
			      0));
	if (has("CTM"))
		EXPECT_OK(set("CTM", blob_create(kms.fd, &ctm, sizeof(ctm)), 0));
	lut.gamma_size = crtc.gamma_size;
	lut.red = lut.green = lut.blue = PTR(table);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_SETGAMMA, &lut));
	EXPECT_EQ(blob_length((uint32_t)value_of("GAMMA_LUT")),
		  crtc.gamma_size * sizeof(struct drm_color_lut));
	if (has("DEGAMMA_LUT"))
		EXPECT_EQ(value_of("DEGAMMA_LUT"), 0);
	if (has("CTM"))
		EXPECT_EQ(value_of("CTM"), 0);
}

TEST(a_table_can_be_set_alone)
{
	struct drm_mode_obj_set_property one;
	uint32_t id;

	open_lit("GAMMA_LUT");
	id = table_create((uint32_t)value_of("GAMMA_LUT_SIZE"));
	one = (struct drm_mode_obj_set_property){
		.obj_id = kms.crtc,
		.obj_type = DRM_MODE_OBJECT_CRTC,
		.prop_id = find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "GAMMA_LUT", NULL),
		.value = id,
	};
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &one));
	EXPECT_EQ(value_of("GAMMA_LUT"), id);
	one.value = 0;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &one));
	EXPECT_EQ(value_of("GAMMA_LUT"), 0);
}

TEST(the_background_is_black_unless_said_otherwise)
{
	open_lit("BACKGROUND_COLOR");
	EXPECT_EQ(value_of("BACKGROUND_COLOR"), 0xffffull << 48);
	EXPECT_OK(set("BACKGROUND_COLOR", 0xffff123456789abcull, TEST_ONLY));
	EXPECT_EQ(value_of("BACKGROUND_COLOR"), 0xffffull << 48);
	EXPECT_OK(set("BACKGROUND_COLOR", 0xffff123456789abcull, 0));
	EXPECT_EQ(value_of("BACKGROUND_COLOR"), 0xffff123456789abcull);
	EXPECT_OK(set("BACKGROUND_COLOR", ~0ull, 0));
	EXPECT_EQ(value_of("BACKGROUND_COLOR"), ~0ull);
}
