/* SPDX-License-Identifier: MIT */
/* The engine's commands: what each does to pixels and numbers in memory. */
#include "engine.h"

#define A UINT64_C(0x100000000)
#define B UINT64_C(0x200000000)
#define C UINT64_C(0x300000000)

static struct holdfast_rect rect(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	return (struct holdfast_rect){ x, y, width, height };
}

static bool inside(struct holdfast_rect r, uint32_t x, uint32_t y)
{
	return x >= r.x && x - r.x < r.width && y >= r.y && y - r.y < r.height;
}

/* Every pixel its own colour. */
static uint32_t colour(uint32_t x, uint32_t y)
{
	return 0x80000000u + (y << 12) + x;
}

static void picture_paint(const struct picture *picture)
{
	for (uint32_t y = 0; y < picture->surface.height; y++)
		for (uint32_t x = 0; x < picture->surface.width; x++)
			*pixel(picture, x, y) = colour(x, y);
}

/* The bytes between the end of a line and the next one are nobody's. */
static void expect_gaps(const struct picture *picture, uint8_t byte)
{
	const struct holdfast_surface *s = &picture->surface;

	for (uint32_t y = 0; y < s->height; y++)
		EXPECT(bytes_are(pixel(picture, s->width, y), s->pitch - s->width * 4, byte));
}

TEST(fill_colours_its_rectangle_and_nothing_else)
{
	struct holdfast_rect r = rect(3, 5, 100, 41);
	struct picture picture;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 131, 64, DRM_FORMAT_XRGB8888, &picture);
	picture_clear(&picture, 0x55555555);
	emit_fill(&engine, &picture.surface, r, 0x12345678);
	run(&engine);
	for (uint32_t y = 0; y < 64; y++)
		for (uint32_t x = 0; x < 131; x++)
			EXPECT_EQ(*pixel(&picture, x, y),
				  inside(r, x, y) ? 0x12345678 : 0x55555555);
	expect_gaps(&picture, 0x55);
}

TEST(fill_of_16_bit_pixels_uses_the_low_bits)
{
	struct picture picture;
	struct engine engine;
	uint16_t *line;

	engine_open(&engine);
	picture_create(&engine, A, 16, 2, DRM_FORMAT_RGB565, &picture);
	emit_fill(&engine, &picture.surface, rect(1, 1, 3, 1), 0xf81f);
	run(&engine);
	line = (uint16_t *)((char *)picture.object.data + picture.surface.pitch);
	EXPECT_EQ(line[0], 0);
	EXPECT_EQ(line[1], 0xf81f);
	EXPECT_EQ(line[3], 0xf81f);
	EXPECT_EQ(line[4], 0);
	EXPECT(bytes_are(picture.object.data, picture.surface.pitch, 0));
}

TEST(copy_moves_a_rectangle_between_pictures)
{
	struct picture from, to;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 64, 48, DRM_FORMAT_XRGB8888, &from);
	picture_create(&engine, B, 100, 50, DRM_FORMAT_XRGB8888, &to);
	picture_paint(&from);
	picture_clear(&to, 0x77777777);
	emit_copy(&engine, HOLDFAST_CMD_COPY, &to.surface, &from.surface, rect(10, 20, 30, 17),
		  65, 33);
	run(&engine);
	for (uint32_t y = 0; y < 50; y++)
		for (uint32_t x = 0; x < 100; x++)
			EXPECT_EQ(*pixel(&to, x, y), inside(rect(65, 33, 30, 17), x, y) ?
				  colour(x - 55, y - 13) : 0x77777777u);
	expect_gaps(&to, 0x77);
}

/* COPY takes pixels as they are: an X that is not 0xff stays what it was. */
TEST(copy_between_formats_of_a_size_changes_no_bit)
{
	struct picture from, to;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 8, 8, DRM_FORMAT_XRGB8888, &from);
	picture_create(&engine, B, 8, 8, DRM_FORMAT_ABGR8888, &to);
	picture_clear(&from, 0x12abcdef);
	emit_copy(&engine, HOLDFAST_CMD_COPY, &to.surface, &from.surface, rect(0, 0, 8, 8), 0, 0);
	run(&engine);
	EXPECT_EQ(*pixel(&to, 7, 7), 0x12abcdef);
}

static void copy_onto_itself(int dx, int dy)
{
	struct picture picture;
	struct engine engine;
	struct holdfast_rect to = rect(100 + dx, 100 + dy, 80, 90);

	engine_open(&engine);
	picture_create(&engine, A, 300, 300, DRM_FORMAT_XRGB8888, &picture);
	picture_paint(&picture);
	emit_copy(&engine, HOLDFAST_CMD_COPY, &picture.surface, &picture.surface,
		  rect(100, 100, 80, 90), to.x, to.y);
	run(&engine);
	for (uint32_t y = 0; y < 300; y++)
		for (uint32_t x = 0; x < 300; x++)
			EXPECT_EQ(*pixel(&picture, x, y), inside(to, x, y) ?
				  colour(x - dx, y - dy) : colour(x, y));
}

TEST(copy_onto_itself_works_in_all_directions)
{
	static const int steps[] = { -90, -7, -1, 0, 1, 7, 90 };

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		for (size_t k = 0; k < ARRAY_SIZE(steps); k++)
			IN_CHILD(copy_onto_itself(steps[i], steps[k]););
}


TEST(copy_linear_takes_any_address_and_size)
{
	static const uint64_t cases[][3] = {
		{ 0, 0, 1 }, { 1, 2, 3 }, { 5, 4093, 4096 }, { 4095, 4095, 2 },
		{ 7, 13, 65536 - 20 }, { 0, 0, 65536 }, { 65535, 0, 1 },
	};
	struct object from, to;
	struct engine engine;

	engine_open(&engine);
	object_create(engine.fd, 64 * KIB, 0, &from);
	object_create(engine.fd, 64 * KIB, 0, &to);
	engine_map(&engine, &from, A);
	engine_map(&engine, &to, B);
	pattern_fill(from.data, from.size, 3);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t dst = cases[i][0], src = cases[i][1], size = cases[i][2];
		const char *bytes = to.data;

		if (dst + size > to.size || src + size > from.size)
			size = to.size - (dst > src ? dst : src);
		memset(to.data, 0xee, to.size);
		emit_copy_linear(&engine, B + dst, A + src, size);
		run(&engine);
		EXPECT(bytes_are(bytes, dst, 0xee));
		EXPECT(!memcmp(bytes + dst, (char *)from.data + src, size));
		EXPECT(bytes_are(bytes + dst + size, to.size - dst - size, 0xee));
	}
}

TEST(copy_linear_onto_itself_is_a_memmove)
{
	static const int64_t steps[] = { -70000, -4096, -4095, -8, -1, 1, 8, 4095, 4096, 70000 };
	const uint64_t size = 200 * KIB, src = 100 * KIB;
	struct object object;
	struct engine engine;
	char *expected = malloc(512 * KIB);

	EXPECT(expected);
	engine_open(&engine);
	object_create(engine.fd, 512 * KIB, 0, &object);
	engine_map(&engine, &object, A);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		pattern_fill(object.data, object.size, 4);
		memcpy(expected, object.data, object.size);
		memmove(expected + src + steps[i], expected + src, size);
		emit_copy_linear(&engine, A + src + (uint64_t)steps[i], A + src, size);
		run(&engine);
		EXPECT(!memcmp(expected, object.data, object.size));
	}
}

static void convert(uint32_t from_format, uint32_t from_value, uint32_t to_format,
		    uint32_t expected)
{
	struct picture from, to;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 8, 4, from_format, &from);
	picture_create(&engine, B, 8, 4, to_format, &to);
	if (from_format == DRM_FORMAT_RGB565)
		from_value |= from_value << 16;
	picture_clear(&from, from_value);
	picture_clear(&to, 0x5a5a5a5a);
	emit_copy(&engine, HOLDFAST_CMD_CONVERT, &to.surface, &from.surface, rect(0, 0, 4, 2),
		  2, 1);
	run(&engine);
	if (to_format == DRM_FORMAT_RGB565)
		expected |= expected << 16;
	else
		EXPECT_EQ(*pixel(&to, 2, 1), expected);
	EXPECT_EQ(*pixel(&to, to_format == DRM_FORMAT_RGB565 ? 1 : 2, 1), expected);
	EXPECT_EQ(*pixel(&to, to_format == DRM_FORMAT_RGB565 ? 2 : 5, 2), expected);
	EXPECT_EQ(*pixel(&to, 0, 1), 0x5a5a5a5a);
	EXPECT_EQ(*pixel(&to, 2, 0), 0x5a5a5a5a);
	EXPECT_EQ(*pixel(&to, 2, 3), 0x5a5a5a5a);
	EXPECT_EQ(*pixel(&to, 6, 1), 0x5a5a5a5a);
}

TEST(convert_changes_the_format)
{
	IN_CHILD(convert(DRM_FORMAT_ARGB8888, 0x80102030, DRM_FORMAT_ABGR8888, 0x80302010););
	IN_CHILD(convert(DRM_FORMAT_XRGB8888, 0x00102030, DRM_FORMAT_ARGB8888, 0xff102030););
	IN_CHILD(convert(DRM_FORMAT_XRGB8888, 0x00f80ff8, DRM_FORMAT_RGB565, 0xf87f););
	IN_CHILD(convert(DRM_FORMAT_RGB565, 0xf81f, DRM_FORMAT_ARGB8888, 0xffff00ff););
	IN_CHILD(convert(DRM_FORMAT_RGB565, 0x0841, DRM_FORMAT_ARGB8888, 0xff080808););
}

static uint8_t over(uint8_t src, uint8_t alpha, uint8_t dst)
{
	uint32_t t = dst * (255u - alpha) + 0x80, sum;

	t = (t + (t >> 8)) >> 8;
	sum = src + t;
	return sum > 255 ? 255 : (uint8_t)sum;
}

static uint32_t over_pixel(uint32_t src, uint32_t dst)
{
	uint32_t out = 0;

	for (int shift = 0; shift < 32; shift += 8)
		out |= (uint32_t)over(src >> shift, src >> 24, dst >> shift) << shift;
	return out;
}

static uint64_t emit_composite(struct engine *engine, uint32_t op, const struct picture *dst,
			       const struct picture *src, const struct picture *mask,
			       struct holdfast_rect r, uint32_t src_x, uint32_t src_y,
			       uint32_t alpha)
{
	struct holdfast_cmd_composite composite = {
		.base = { HOLDFAST_CMD_COMPOSITE, sizeof(composite), op },
		.dst = dst->surface, .src = src->surface, .rect = r,
		.src_x = src_x, .src_y = src_y, .alpha = alpha,
	};

	if (mask)
		composite.mask = mask->surface;
	return emit(engine, &composite, sizeof(composite));
}

/* A premultiplied colour. */
static uint32_t translucent(uint32_t x, uint32_t y)
{
	uint32_t alpha = (x * 37 + y * 11) & 0xff;

	return alpha << 24 | (alpha * (x & 7) / 7) << 16 | (alpha * (y & 3) / 3) << 8 | alpha / 2;
}

TEST(composite_over_is_exact)
{
	struct holdfast_rect r = rect(5, 3, 50, 20);
	struct picture dst, src;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 64, 32, DRM_FORMAT_ARGB8888, &dst);
	picture_create(&engine, B, 64, 32, DRM_FORMAT_ARGB8888, &src);
	picture_paint(&dst);
	for (uint32_t y = 0; y < 32; y++)
		for (uint32_t x = 0; x < 64; x++)
			*pixel(&src, x, y) = translucent(x, y);
	emit_composite(&engine, HOLDFAST_OP_OVER, &dst, &src, NULL, r, 2, 7, 0xffff);
	run(&engine);
	for (uint32_t y = 0; y < 32; y++) {
		for (uint32_t x = 0; x < 64; x++) {
			uint32_t expected = colour(x, y);

			if (inside(r, x, y))
				expected = over_pixel(translucent(x - 3, y + 4), expected);
			EXPECT_EQ(*pixel(&dst, x, y), expected);
		}
	}
}

static void composite_with(uint32_t op, uint32_t src_colour, uint32_t dst_colour,
			   uint32_t expected)
{
	struct picture dst, src;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 4, 4, DRM_FORMAT_ARGB8888, &dst);
	picture_create(&engine, B, 4, 4, DRM_FORMAT_ARGB8888, &src);
	picture_clear(&dst, dst_colour);
	picture_clear(&src, src_colour);
	emit_composite(&engine, op, &dst, &src, NULL, rect(1, 1, 2, 2), 0, 0, 0xffff);
	run(&engine);
	EXPECT_EQ(*pixel(&dst, 1, 1), expected);
	EXPECT_EQ(*pixel(&dst, 2, 2), expected);
	EXPECT_EQ(*pixel(&dst, 0, 0), dst_colour);
	EXPECT_EQ(*pixel(&dst, 3, 3), dst_colour);
}

/* With an opaque and a clear pixel every operator has one right answer. */
TEST(every_operator_of_porter_and_duff_is_its_own)
{
	static const struct { uint32_t op, both, only_src, only_dst; } rules[] = {
		{ 0, 0, 0, 0 },			    /* Clear */
		{ 1, 0xff112233, 0xff112233, 0 },   /* Src */
		{ 2, 0xff445566, 0, 0xff445566 },   /* Dst */
		{ 3, 0xff112233, 0xff112233, 0xff445566 },
		{ 4, 0xff445566, 0xff112233, 0xff445566 },
		{ 5, 0xff112233, 0, 0 },	    /* In */
		{ 6, 0xff445566, 0, 0 },
		{ 7, 0, 0xff112233, 0 },	    /* Out */
		{ 8, 0, 0, 0xff445566 },
		{ 9, 0xff112233, 0, 0xff445566 },   /* Atop */
		{ 10, 0xff445566, 0xff112233, 0 },
		{ 11, 0, 0xff112233, 0xff445566 },  /* Xor */
		{ 12, 0xff557799, 0xff112233, 0xff445566 },
	};

	EXPECT_EQ(ARRAY_SIZE(rules), HOLDFAST_OP_MAX + 1);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		IN_CHILD(composite_with(rules[i].op, 0xff112233, 0xff445566, rules[i].both););
		IN_CHILD(composite_with(rules[i].op, 0xff112233, 0, rules[i].only_src););
		IN_CHILD(composite_with(rules[i].op, 0, 0xff445566, rules[i].only_dst););
	}
}

TEST(composite_takes_a_mask_and_an_alpha)
{
	struct picture dst, src, mask;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 4, 1, DRM_FORMAT_ARGB8888, &dst);
	picture_create(&engine, B, 4, 1, DRM_FORMAT_ARGB8888, &src);
	picture_create(&engine, C, 4, 1, DRM_FORMAT_ARGB8888, &mask);
	picture_clear(&dst, 0xff000000);
	picture_clear(&src, 0xff00ff00);
	*pixel(&mask, 0, 0) = 0xff000000;
	*pixel(&mask, 1, 0) = 0;
	emit_composite(&engine, HOLDFAST_OP_OVER, &dst, &src, &mask, rect(0, 0, 2, 1), 0, 0,
		       0xffff);
	emit_composite(&engine, HOLDFAST_OP_OVER, &dst, &src, NULL, rect(2, 0, 1, 1), 0, 0, 0);
	emit_composite(&engine, HOLDFAST_OP_OVER, &dst, &src, NULL, rect(3, 0, 1, 1), 0, 0,
		       0x8000);
	run(&engine);
	EXPECT_EQ(*pixel(&dst, 0, 0), 0xff00ff00);
	EXPECT_EQ(*pixel(&dst, 1, 0), 0xff000000);
	EXPECT_EQ(*pixel(&dst, 2, 0), 0xff000000);
	/* Half of it, however that is rounded. */
	EXPECT((*pixel(&dst, 3, 0) & 0xffff00ff) == 0xff000000);
	EXPECT((*pixel(&dst, 3, 0) >> 8 & 0xff) - 0x7f <= 2);
}

static void emit_scale(struct engine *engine, uint32_t filter, const struct picture *dst,
		       struct holdfast_rect to, const struct picture *src,
		       struct holdfast_rect from)
{
	struct holdfast_cmd_scale scale = {
		.base = { HOLDFAST_CMD_SCALE, sizeof(scale), filter },
		.dst = dst->surface, .src = src->surface, .dst_rect = to, .src_rect = from,
	};

	emit(engine, &scale, sizeof(scale));
}

TEST(scale_up_by_three_triples_each_pixel)
{
	struct picture dst, src;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 60, 60, DRM_FORMAT_XRGB8888, &dst);
	picture_create(&engine, B, 16, 16, DRM_FORMAT_XRGB8888, &src);
	picture_paint(&src);
	picture_clear(&dst, 0x33333333);
	emit_scale(&engine, HOLDFAST_FILTER_NEAREST, &dst, rect(6, 9, 36, 30), &src,
		   rect(2, 4, 12, 10));
	run(&engine);
	for (uint32_t y = 0; y < 60; y++)
		for (uint32_t x = 0; x < 60; x++)
			EXPECT_EQ(*pixel(&dst, x, y) & 0xffffff,
				  inside(rect(6, 9, 36, 30), x, y) ?
				  (colour(2 + (x - 6) / 3, 4 + (y - 9) / 3) & 0xffffff) :
				  0x333333);
}

TEST(scale_down_by_three_takes_the_middle_pixels)
{
	struct picture dst, src;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 20, 20, DRM_FORMAT_XRGB8888, &dst);
	picture_create(&engine, B, 48, 48, DRM_FORMAT_XRGB8888, &src);
	picture_paint(&src);
	emit_scale(&engine, HOLDFAST_FILTER_NEAREST, &dst, rect(1, 1, 10, 10), &src,
		   rect(3, 6, 30, 30));
	run(&engine);
	for (uint32_t y = 0; y < 10; y++)
		for (uint32_t x = 0; x < 10; x++)
			EXPECT_EQ(*pixel(&dst, 1 + x, 1 + y) & 0xffffff,
				  colour(3 + 3 * x + 1, 6 + 3 * y + 1) & 0xffffff);
}

TEST(a_bilinear_scale_of_one_colour_is_that_colour)
{
	struct picture dst, src;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 50, 50, DRM_FORMAT_XRGB8888, &dst);
	picture_create(&engine, B, 16, 16, DRM_FORMAT_XRGB8888, &src);
	picture_clear(&src, 0xff123456);
	emit_scale(&engine, HOLDFAST_FILTER_BILINEAR, &dst, rect(0, 0, 50, 50), &src,
		   rect(0, 0, 16, 16));
	run(&engine);
	for (uint32_t y = 0; y < 50; y++)
		for (uint32_t x = 0; x < 50; x++)
			EXPECT_EQ(*pixel(&dst, x, y) & 0xffffff, 0x123456);
}

/* Each of the formats takes red, full, and gives it back. */
TEST(every_format_is_converted_there_and_back)
{
	static const uint32_t formats[] = {
		DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, DRM_FORMAT_XBGR8888,
		DRM_FORMAT_ABGR8888, DRM_FORMAT_RGBX8888, DRM_FORMAT_RGBA8888,
		DRM_FORMAT_BGRX8888, DRM_FORMAT_BGRA8888, DRM_FORMAT_RGB888,
		DRM_FORMAT_BGR888, DRM_FORMAT_RGB565, DRM_FORMAT_BGR565,
		DRM_FORMAT_XRGB1555, DRM_FORMAT_ARGB1555, DRM_FORMAT_XRGB2101010,
		DRM_FORMAT_ARGB2101010, DRM_FORMAT_XBGR2101010, DRM_FORMAT_ABGR2101010,
	};
	static const uint32_t colours[] = { 0xffff0000, 0xff00ff00, 0xff0000ff, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		struct picture from, between, to;
		struct engine engine;

		engine_open(&engine);
		picture_create(&engine, A, 4, 1, DRM_FORMAT_ARGB8888, &from);
		picture_create(&engine, B, 4, 1, formats[i], &between);
		picture_create(&engine, C, 4, 1, DRM_FORMAT_ARGB8888, &to);
		for (uint32_t n = 0; n < 4; n++)
			*pixel(&from, n, 0) = colours[n];
		emit_copy(&engine, HOLDFAST_CMD_CONVERT, &between.surface, &from.surface,
			  rect(0, 0, 4, 1), 0, 0);
		emit_copy(&engine, HOLDFAST_CMD_CONVERT, &to.surface, &between.surface,
			  rect(0, 0, 4, 1), 0, 0);
		run(&engine);
		EXPECT(!bytes_are(between.object.data, 4, 0));
		for (uint32_t n = 0; n < 4; n++)
			EXPECT_EQ(*pixel(&to, n, 0), colours[n]);
		close(engine.fd);
	}
}

/* One red pixel, as the name of the format says that it lies in memory. */
TEST(a_pixel_lies_in_memory_as_its_format_says)
{
	static const struct { uint32_t format, value; } red[] = {
		{ DRM_FORMAT_ARGB8888, 0xffff0000 }, { DRM_FORMAT_ABGR8888, 0xff0000ff },
		{ DRM_FORMAT_RGBA8888, 0xff0000ff }, { DRM_FORMAT_BGRA8888, 0x0000ffff },
		{ DRM_FORMAT_ARGB2101010, 0xfff00000 }, { DRM_FORMAT_ABGR2101010, 0xc00003ff },
	};

	for (size_t i = 0; i < ARRAY_SIZE(red); i++)
		IN_CHILD(convert(DRM_FORMAT_ARGB8888, 0xffff0000, red[i].format, red[i].value););
	IN_CHILD(convert(DRM_FORMAT_ARGB8888, 0xffff0000, DRM_FORMAT_RGB565, 0xf800););
}

TEST(write_stores_four_or_eight_bytes)
{
	struct object object;
	struct engine engine;
	uint32_t *numbers;

	engine_open(&engine);
	object_create(engine.fd, PAGE, 0, &object);
	engine_map(&engine, &object, A);
	numbers = object.data;
	memset(numbers, 0xff, PAGE);
	emit_write(&engine, A + 4, 0x11223344);
	emit_write64(&engine, A + 16, UINT64_C(0x0102030405060708));
	run(&engine);
	EXPECT_EQ(numbers[0], 0xffffffff);
	EXPECT_EQ(numbers[1], 0x11223344);
	EXPECT_EQ(numbers[2], 0xffffffff);
	EXPECT_EQ(numbers[4], 0x05060708);
	EXPECT_EQ(numbers[5], 0x01020304);
	EXPECT_EQ(numbers[6], 0xffffffff);
}

TEST(a_write_is_seen_after_all_that_the_commands_before_it_did)
{
	struct picture picture;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 2000, 1000, DRM_FORMAT_XRGB8888, &picture);
	emit_fill(&engine, &picture.surface, rect(0, 0, 2000, 1000), 0xabababab);
	emit_write(&engine, SLOT(0), 1);
	go(&engine);
	await(&engine, 0);
	for (uint32_t y = 0; y < 1000; y++)
		EXPECT(bytes_are(pixel(&picture, 0, y), 8000, 0xab));
}

TEST(wait_compares_as_it_was_told)
{
	static const struct { uint32_t condition, value, mask, wrong, right; } cases[] = {
		{ HOLDFAST_WAIT_EQUAL, 5, ~0u, 6, 5 },
		{ HOLDFAST_WAIT_EQUAL, 0x50, 0xf0, 0x6f, 0xffffff5f },
		{ HOLDFAST_WAIT_NOT_EQUAL, 7, ~0u, 7, 8 },
		{ HOLDFAST_WAIT_NOT_EQUAL, 0, 0x100, 0xff, 0x100 },
		{ HOLDFAST_WAIT_GREATER_EQUAL, 9, ~0u, 8, 9 },
		{ HOLDFAST_WAIT_GREATER_EQUAL, 9, ~0u, 0, 10 },
		{ HOLDFAST_WAIT_GREATER_EQUAL, 0x80000000, ~0u, 0x7fffffff, 0x80000001 },
	};
	struct engine engine;
	uint32_t *number;

	engine_open(&engine);
	number = engine.slots.data;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t done;

		__atomic_store_n(number, cases[i].wrong, __ATOMIC_RELEASE);
		emit_wait(&engine, SLOT(0), cases[i].condition, cases[i].value, cases[i].mask);
		done = go(&engine);
		usleep(20000);
		EXPECT(!syncobj_done(engine.fd, done));
		__atomic_store_n(number, cases[i].right, __ATOMIC_RELEASE);
		EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
		EXPECT_EQ(fence_status(engine.fd, done), 1);
	}
}

TEST(jump_goes_on_elsewhere_with_a_size_of_its_own)
{
	struct engine engine;
	uint64_t there;
	uint32_t *slots;

	engine_open(&engine);
	slots = engine.slots.data;
	there = emit_write(&engine, SLOT(0), 1);
	emit_write(&engine, SLOT(1), 1); /* behind the jump's size */
	engine.start = engine.end;
	emit_jump(&engine, there, sizeof(struct holdfast_cmd_write));
	emit_write(&engine, SLOT(2), 1); /* a jump does not come back */
	run(&engine);
	EXPECT_EQ(slots[0], 1);
	EXPECT_EQ(slots[16], 0);
	EXPECT_EQ(slots[32], 0);
}

TEST(end_ends_a_job_whatever_follows)
{
	static const char garbage[64] = "garbage is not a command, is it?";
	struct engine engine;
	uint32_t *slots;

	engine_open(&engine);
	slots = engine.slots.data;
	emit_nop(&engine, 8);
	emit_nop(&engine, 4096);
	emit_write(&engine, SLOT(0), 1);
	emit_end(&engine);
	emit_write(&engine, SLOT(1), 1);
	emit(&engine, garbage, sizeof(garbage));
	run(&engine);
	EXPECT_EQ(slots[0], 1);
	EXPECT_EQ(slots[16], 0);
}

TEST(an_empty_rectangle_does_nothing_and_needs_nothing)
{
	struct engine engine;
	struct holdfast_surface nowhere = {
		.va = C, .pitch = 400, .format = DRM_FORMAT_XRGB8888, .width = 100, .height = 50,
	};

	engine_open(&engine);
	emit_fill(&engine, &nowhere, rect(3, 3, 0, 5), 1);
	emit_fill(&engine, &nowhere, rect(100, 50, 0, 0), 1);
	emit_copy(&engine, HOLDFAST_CMD_COPY, &nowhere, &nowhere, rect(1, 1, 5, 0), 2, 2);
	emit_copy_linear(&engine, C, C, 0);
	emit_write(&engine, SLOT(0), 1);
	run(&engine);
	EXPECT_EQ(*(uint32_t *)engine.slots.data, 1);
}

TEST(a_jump_of_no_size_ends_the_job)
{
	struct engine engine;

	engine_open(&engine);
	emit_write(&engine, SLOT(0), 1);
	emit_jump(&engine, C, 0);
	emit_write(&engine, SLOT(0), 2);
	run(&engine);
	EXPECT_EQ(*(uint32_t *)engine.slots.data, 1);
}

TEST(a_mask_of_alpha_alone)
{
	struct picture dst, src, mask;
	struct engine engine;

	engine_open(&engine);
	picture_create(&engine, A, 4, 1, DRM_FORMAT_ARGB8888, &dst);
	picture_create(&engine, B, 4, 1, DRM_FORMAT_ARGB8888, &src);
	picture_create(&engine, C, 4, 1, DRM_FORMAT_R8, &mask);
	picture_clear(&dst, 0xff000000);
	picture_clear(&src, 0xff00ff00);
	*pixel(&mask, 0, 0) = 0x80ff00ff;
	emit_composite(&engine, HOLDFAST_OP_OVER, &dst, &src, &mask, rect(0, 0, 4, 1), 0, 0,
		       0xffff);
	run(&engine);
	EXPECT_EQ(*pixel(&dst, 0, 0), 0xff00ff00);
	EXPECT_EQ(*pixel(&dst, 1, 0), 0xff000000);
	EXPECT_EQ(*pixel(&dst, 2, 0), 0xff00ff00);
	EXPECT_EQ(*pixel(&dst, 3, 0), 0xff008000);
}

TEST(a_command_may_lie_across_pages)
{
	struct engine engine;
	uint32_t *slots;

	engine_open(&engine);
	slots = engine.slots.data;
	emit_nop(&engine, PAGE - 8);
	emit_write(&engine, SLOT(0), 42);
	run(&engine);
	EXPECT_EQ(slots[0], 42);
}
