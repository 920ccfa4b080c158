/* SPDX-License-Identifier: MIT */
/*
 * Composition. A plane whose pixels pixman can read where they are and that is not
 * scaled goes to the picture in one composite, straight from the framebuffer. Any
 * other plane goes in bands of a few lines: fetched as a8r8g8b8, sampled, then
 * composited. What lies below an opaque plane over the whole picture is skipped.
 *
 * The caller owns all memory, and keeps the framebuffers mapped meanwhile. No
 * state, no lock.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <pixman.h>
#include <zlib.h>

#include "drivers/soft/compose.h"
#include "drivers/soft/fetch.h"
#include "drivers/soft/scale.h"

#define MAX_SIZE 16384

/* pixman's limit on the sizes of an image, and on what it walks beyond them. */
#define PIXMAN_MAX_SIZE 32766

/* Lines that a band has, where the plane is not shrunk much. */
#define BAND 32

/* The formats that pixman reads; the second code ignores the alpha. */
static const struct pixman_code {
	uint32_t fourcc;
	pixman_format_code_t code, opaque;
} pixman_codes[] = {
	{ DRM_FORMAT_XRGB8888, PIXMAN_x8r8g8b8, PIXMAN_x8r8g8b8 },
	{ DRM_FORMAT_ARGB8888, PIXMAN_a8r8g8b8, PIXMAN_x8r8g8b8 },
	{ DRM_FORMAT_XBGR8888, PIXMAN_x8b8g8r8, PIXMAN_x8b8g8r8 },
	{ DRM_FORMAT_ABGR8888, PIXMAN_a8b8g8r8, PIXMAN_x8b8g8r8 },
	{ DRM_FORMAT_RGBX8888, PIXMAN_r8g8b8x8, PIXMAN_r8g8b8x8 },
	{ DRM_FORMAT_RGBA8888, PIXMAN_r8g8b8a8, PIXMAN_r8g8b8x8 },
	{ DRM_FORMAT_BGRX8888, PIXMAN_b8g8r8x8, PIXMAN_b8g8r8x8 },
	{ DRM_FORMAT_BGRA8888, PIXMAN_b8g8r8a8, PIXMAN_b8g8r8x8 },
	{ DRM_FORMAT_XRGB2101010, PIXMAN_x2r10g10b10, PIXMAN_x2r10g10b10 },
	{ DRM_FORMAT_ARGB2101010, PIXMAN_a2r10g10b10, PIXMAN_x2r10g10b10 },
	{ DRM_FORMAT_XBGR2101010, PIXMAN_x2b10g10r10, PIXMAN_x2b10g10r10 },
	{ DRM_FORMAT_ABGR2101010, PIXMAN_a2b10g10r10, PIXMAN_x2b10g10r10 },
	{ DRM_FORMAT_RGB888, PIXMAN_r8g8b8, PIXMAN_r8g8b8 },
	{ DRM_FORMAT_BGR888, PIXMAN_b8g8r8, PIXMAN_b8g8r8 },
	{ DRM_FORMAT_RGB565, PIXMAN_r5g6b5, PIXMAN_r5g6b5 },
	{ DRM_FORMAT_BGR565, PIXMAN_b5g6r5, PIXMAN_b5g6r5 },
	{ DRM_FORMAT_XRGB1555, PIXMAN_x1r5g5b5, PIXMAN_x1r5g5b5 },
	{ DRM_FORMAT_ARGB1555, PIXMAN_a1r5g5b5, PIXMAN_x1r5g5b5 },
	{ DRM_FORMAT_XBGR1555, PIXMAN_x1b5g5r5, PIXMAN_x1b5g5r5 },
	{ DRM_FORMAT_ABGR1555, PIXMAN_a1b5g5r5, PIXMAN_x1b5g5r5 },
	{ DRM_FORMAT_XRGB4444, PIXMAN_x4r4g4b4, PIXMAN_x4r4g4b4 },
	{ DRM_FORMAT_ARGB4444, PIXMAN_a4r4g4b4, PIXMAN_x4r4g4b4 },
	{ DRM_FORMAT_XBGR4444, PIXMAN_x4b4g4r4, PIXMAN_x4b4g4r4 },
	{ DRM_FORMAT_ABGR4444, PIXMAN_a4b4g4r4, PIXMAN_x4b4g4r4 },
};

/* The part of a plane that is within the picture. */
struct view {
	int32_t x, y; /* in the picture */
	uint32_t left, top; /* in the plane, as it is shown */
	uint32_t width, height;
};

/* How the source lies on the CRTC: swapped axes, then mirrored source axes. */
struct orientation {
	bool swap, flip_x, flip_y;
};

static bool valid_rotation(uint8_t rotation)
{
	uint8_t turn = rotation & DRM_MODE_ROTATE_MASK;

	if (rotation & ~(DRM_MODE_ROTATE_MASK | DRM_MODE_REFLECT_MASK))
		return false;
	return !(turn & (turn - 1));
}

static bool valid_plane(const struct hf_compose_plane *plane)
{
	const struct hf_format *format = plane->format;

	if (!format || !hf_fetch_supported(format))
		return false;
	if (plane->blend > HF_BLEND_NONE || !valid_rotation(plane->rotation))
		return false;
	if (!plane->width || !plane->height)
		return false;

	for (unsigned int i = 0; i < format->num_planes; i++)
		if (!plane->data[i] ||
		    plane->pitch[i] < hf_format_min_pitch(format, plane->width, i))
			return false;
	return true;
}

static struct orientation orientation_of(const struct hf_compose_plane *plane)
{
	struct orientation o = { 0 };

	switch (plane->rotation & DRM_MODE_ROTATE_MASK) {
	case DRM_MODE_ROTATE_90:
		o.swap = o.flip_x = true;
		break;
	case DRM_MODE_ROTATE_180:
		o.flip_x = o.flip_y = true;
		break;
	case DRM_MODE_ROTATE_270:
		o.swap = o.flip_y = true;
		break;
	}
	o.flip_x ^= !!(plane->rotation & DRM_MODE_REFLECT_X);
	o.flip_y ^= !!(plane->rotation & DRM_MODE_REFLECT_Y);
	return o;
}

/* Clip one axis. Return: false where nothing is left. */
static bool clip(int32_t dst, uint32_t size, uint32_t limit, int32_t *start,
		 uint32_t *skip, uint32_t *count)
{
	int64_t first = dst > 0 ? dst : 0;
	int64_t end = (int64_t)dst + size;

	end = end < limit ? end : limit;
	if (first >= end)
		return false;
	*start = first;
	*skip = first - dst;
	*count = end - first;
	return true;
}

static bool find_view(struct view *view, const struct hf_compose_plane *plane,
		      uint32_t width, uint32_t height)
{
	if (!plane->alpha || !plane->src_w || !plane->src_h)
		return false;
	return clip(plane->dst_x, plane->dst_w, width, &view->x, &view->left,
		    &view->width) &&
	       clip(plane->dst_y, plane->dst_h, height, &view->y, &view->top,
		    &view->height);
}

static bool pixels_opaque(const struct hf_compose_plane *plane)
{
	return !plane->format->has_alpha || plane->blend == HF_BLEND_NONE;
}

static bool hides_everything(const struct hf_compose_plane *plane,
			     uint32_t width, uint32_t height)
{
	struct view view;

	return pixels_opaque(plane) && plane->alpha == 0xffff &&
	       find_view(&view, plane, width, height) &&
	       view.width == width && view.height == height;
}

static const struct pixman_code *find_code(uint32_t fourcc)
{
	for (size_t i = 0; i < sizeof(pixman_codes) / sizeof(pixman_codes[0]); i++)
		if (pixman_codes[i].fourcc == fourcc)
			return &pixman_codes[i];
	return NULL;
}

/* Blend an image over the view of a plane. */
static int blend(pixman_image_t *picture, pixman_image_t *image, int32_t src_x,
		 const struct hf_compose_plane *plane, const struct view *view)
{
	bool solid = plane->alpha == 0xffff;
	bool copy = solid && pixels_opaque(plane);
	pixman_image_t *mask = NULL;

	if (!solid) {
		mask = pixman_image_create_solid_fill(
			&(pixman_color_t){ .alpha = plane->alpha });
		if (!mask)
			return -ENOMEM;
	}
	pixman_image_composite32(copy ? PIXMAN_OP_SRC : PIXMAN_OP_OVER, image,
				 mask, picture, src_x, 0, 0, 0, view->x, view->y,
				 view->width, view->height);
	if (mask)
		pixman_image_unref(mask);
	return 0;
}

/* The whole pixels of the source that an unscaled plane's view shows. */
struct source {
	uint32_t x, y, width, height;
};

static uint32_t source_start(uint32_t src, uint32_t src_size, bool flip,
			     uint32_t skip, uint32_t count)
{
	return (src >> 16) + (flip ? (src_size >> 16) - skip - count : skip);
}

static void find_source(struct source *source, struct orientation o,
			const struct hf_compose_plane *plane,
			const struct view *view)
{
	source->width = o.swap ? view->height : view->width;
	source->height = o.swap ? view->width : view->height;
	source->x = source_start(plane->src_x, plane->src_w, o.flip_x,
				 o.swap ? view->top : view->left, source->width);
	source->y = source_start(plane->src_y, plane->src_h, o.flip_y,
				 o.swap ? view->left : view->top, source->height);
}

static bool unscaled(const struct hf_compose_plane *plane, bool swap)
{
	uint32_t width = swap ? plane->dst_h : plane->dst_w;
	uint32_t height = swap ? plane->dst_w : plane->dst_h;

	if ((plane->src_x | plane->src_y | plane->src_w | plane->src_h) & 0xffff)
		return false;
	return plane->src_w >> 16 == width && plane->src_h >> 16 == height;
}

static bool within_framebuffer(const struct hf_compose_plane *plane)
{
	return (uint64_t)plane->src_x + plane->src_w <=
		       (uint64_t)plane->width << 16 &&
	       (uint64_t)plane->src_y + plane->src_h <=
		       (uint64_t)plane->height << 16;
}

/* Can pixman read the source where it is? */
static bool direct(const struct hf_compose_plane *plane,
		   const struct source *source)
{
	if (plane->blend == HF_BLEND_COVERAGE && plane->format->has_alpha)
		return false;
	if ((uintptr_t)plane->data[0] % 4 || plane->pitch[0] % 4)
		return false;
	return source->x + source->width <= PIXMAN_MAX_SIZE &&
	       (uint64_t)plane->pitch[0] * source->height <= INT_MAX;
}

/* From pixels of the view to pixels of the source, which starts at its y. */
static int set_orientation(pixman_image_t *image, struct orientation o,
			   const struct source *source)
{
	pixman_fixed_t x = o.flip_x ? -pixman_fixed_1 : pixman_fixed_1;
	pixman_fixed_t y = o.flip_y ? -pixman_fixed_1 : pixman_fixed_1;
	pixman_transform_t transform = { { { 0 } } };

	if (!o.swap && !o.flip_x && !o.flip_y)
		return 0;

	transform.matrix[0][o.swap ? 1 : 0] = x;
	transform.matrix[1][o.swap ? 0 : 1] = y;
	transform.matrix[0][2] = pixman_int_to_fixed(
		(int)(source->x + (o.flip_x ? source->width : 0)));
	transform.matrix[1][2] =
		pixman_int_to_fixed(o.flip_y ? (int)source->height : 0);
	transform.matrix[2][2] = pixman_fixed_1;
	return pixman_image_set_transform(image, &transform) ? 0 : -ENOMEM;
}

static int show_direct(pixman_image_t *picture,
		       const struct hf_compose_plane *plane,
		       const struct view *view, struct orientation o,
		       const struct source *source,
		       const struct pixman_code *code)
{
	bool turned = o.swap || o.flip_x || o.flip_y;
	const uint8_t *data = plane->data[0];
	pixman_image_t *image;
	int ret;

	/* pixman does not write to a source; its interface just says so. */
	data += (size_t)source->y * plane->pitch[0];
	image = pixman_image_create_bits_no_clear(
		pixels_opaque(plane) ? code->opaque : code->code,
		source->x + source->width, source->height, (uint32_t *)data,
		plane->pitch[0]);
	if (!image)
		return -ENOMEM;

	ret = set_orientation(image, o, source);
	if (!ret)
		ret = blend(picture, image, turned ? 0 : source->x, plane, view);
	pixman_image_unref(image);
	return ret;
}

/* What a staged plane needs: taps for its view, and a band's memory. */
struct stage {
	const struct hf_compose_plane *plane;
	struct orientation o;
	struct hf_tap *columns, *column_indices, *rows;
	uint32_t *band;
	uint32_t *box;
	size_t box_size;
};

static uint32_t band_lines(const struct hf_compose_plane *plane, bool swap)
{
	uint32_t lines = (swap ? plane->src_w : plane->src_h) >> 16;

	/* Between the lines that are looked at, many are not. */
	return lines / 2 > plane->dst_h ? 1 : BAND;
}

static int init_stage(struct stage *stage, const struct hf_compose_plane *plane,
		      const struct view *view, struct orientation o,
		      uint32_t lines)
{
	struct hf_axis x_axis = { plane->src_x, plane->src_w, plane->width,
				  o.swap ? plane->dst_h : plane->dst_w, o.flip_x };
	struct hf_axis y_axis = { plane->src_y, plane->src_h, plane->height,
				  o.swap ? plane->dst_w : plane->dst_h, o.flip_y };

	*stage = (struct stage){ .plane = plane, .o = o };
	stage->columns = calloc(view->width, sizeof(*stage->columns));
	stage->column_indices = calloc(view->width, sizeof(*stage->columns));
	stage->rows = calloc(view->height, sizeof(*stage->rows));
	stage->band = calloc(view->width, lines * sizeof(*stage->band));
	if (!stage->columns || !stage->column_indices || !stage->rows ||
	    !stage->band)
		return -ENOMEM;

	hf_axis_taps(o.swap ? &y_axis : &x_axis, view->left, view->width,
		     stage->columns);
	hf_axis_taps(o.swap ? &x_axis : &y_axis, view->top, view->height,
		     stage->rows);
	return 0;
}

static void finish_stage(struct stage *stage)
{
	free(stage->box);
	free(stage->band);
	free(stage->rows);
	free(stage->column_indices);
	free(stage->columns);
}

/* The source pixels between the outermost taps. */
static void find_span(const struct hf_tap *taps, uint32_t count, uint32_t *start,
		      uint32_t *size)
{
	const struct hf_tap *ends[] = { &taps[0], &taps[count - 1] };
	uint32_t low = UINT32_MAX, high = 0;

	/* Positions go one way, so the ends have the extremes. */
	for (int i = 0; i < 2; i++) {
		uint32_t first = ends[i]->first, second = ends[i]->second;

		low = first < low ? first : low;
		high = second > high ? second : high;
	}
	*start = low;
	*size = high - low + 1;
}

static void taps_to_indices(struct hf_tap *out, const struct hf_tap *taps,
			    uint32_t count, uint32_t start, uint32_t step)
{
	for (uint32_t i = 0; i < count; i++) {
		out[i].first = (taps[i].first - start) * step;
		out[i].second = (taps[i].second - start) * step;
		out[i].weight = taps[i].weight;
	}
}

static int reserve_box(struct stage *stage, size_t size)
{
	uint32_t *box;

	if (size <= stage->box_size)
		return 0;
	box = realloc(stage->box, size * sizeof(*box));
	if (!box)
		return -ENOMEM;
	stage->box = box;
	stage->box_size = size;
	return 0;
}

/* Fetch what some lines of the view are made of, and make them. */
static int sample_band(struct stage *stage, uint32_t width,
		       const struct hf_tap *rows, uint32_t height)
{
	struct hf_tap row_indices[BAND];
	bool swap = stage->o.swap;
	struct source box;
	int ret;

	find_span(stage->columns, width, swap ? &box.y : &box.x,
		  swap ? &box.height : &box.width);
	find_span(rows, height, swap ? &box.x : &box.y,
		  swap ? &box.width : &box.height);
	ret = reserve_box(stage, (size_t)box.width * box.height);
	if (ret)
		return ret;

	hf_fetch_box(stage->plane, box.x, box.y, box.width, box.height,
		     stage->box);
	taps_to_indices(stage->column_indices, stage->columns, width,
			swap ? box.y : box.x, swap ? box.width : 1);
	taps_to_indices(row_indices, rows, height, swap ? box.x : box.y,
			swap ? 1 : box.width);
	hf_scale(stage->box, stage->column_indices, width, row_indices, height,
		 stage->band);
	return 0;
}

static int blend_band(pixman_image_t *picture, struct stage *stage,
		      const struct view *band)
{
	pixman_image_t *image;
	int ret;

	image = pixman_image_create_bits_no_clear(
		pixels_opaque(stage->plane) ? PIXMAN_x8r8g8b8 : PIXMAN_a8r8g8b8,
		band->width, band->height, stage->band, band->width * 4);
	if (!image)
		return -ENOMEM;

	ret = blend(picture, image, 0, stage->plane, band);
	pixman_image_unref(image);
	return ret;
}

static int show_staged(pixman_image_t *picture,
		       const struct hf_compose_plane *plane,
		       const struct view *view, struct orientation o)
{
	uint32_t lines = band_lines(plane, o.swap);
	struct view band = *view;
	struct stage stage;
	int ret;

	ret = init_stage(&stage, plane, view, o, lines);
	for (uint32_t y = 0; !ret && y < view->height; y += lines) {
		band.y = view->y + (int32_t)y;
		band.height = view->height - y < lines ? view->height - y : lines;
		ret = sample_band(&stage, view->width, stage.rows + y, band.height);
		if (!ret)
			ret = blend_band(picture, &stage, &band);
	}
	finish_stage(&stage);
	return ret;
}

static int show_plane(pixman_image_t *picture, uint32_t width, uint32_t height,
		      const struct hf_compose_plane *plane)
{
	const struct pixman_code *code = find_code(plane->format->fourcc);
	struct orientation o = orientation_of(plane);
	struct source source;
	struct view view;

	if (!find_view(&view, plane, width, height))
		return 0;

	if (code && unscaled(plane, o.swap) && within_framebuffer(plane)) {
		find_source(&source, o, plane, &view);
		if (direct(plane, &source))
			return show_direct(picture, plane, &view, o, &source, code);
	}
	return show_staged(picture, plane, &view, o);
}

/* The lowest plane to show: all below are hidden. Clears if none hides all. */
static size_t find_lowest(void *pixels, uint32_t width, uint32_t height,
			  uint32_t stride, const struct hf_compose_plane *planes,
			  size_t num_planes)
{
	for (size_t i = num_planes; i--;)
		if (hides_everything(&planes[i], width, height))
			return i;

	for (uint32_t y = 0; y < height; y++)
		memset((uint8_t *)pixels + (size_t)y * stride, 0,
		       (size_t)width * 4);
	return 0;
}

/* Between two entries of a LUT, in 255ths; from 16 bits to 8. */
static uint32_t interpolate(uint32_t a, uint32_t b, uint32_t fraction)
{
	return (a * (255 - fraction) + b * fraction + 32767) / 65535;
}

struct gamma_table {
	uint32_t red[256], green[256], blue[256];
};

static void make_table(struct gamma_table *table,
		       const struct drm_color_lut *lut, size_t size)
{
	for (size_t i = 0; i < 256; i++) {
		uint64_t position = (uint64_t)i * (size - 1);
		uint32_t fraction = position % 255;
		const struct drm_color_lut *a = &lut[position / 255];
		const struct drm_color_lut *b = fraction ? a + 1 : a;

		table->red[i] = interpolate(a->red, b->red, fraction) << 16;
		table->green[i] = interpolate(a->green, b->green, fraction) << 8;
		table->blue[i] = interpolate(a->blue, b->blue, fraction);
	}
}

static void apply_gamma(void *pixels, uint32_t width, uint32_t height,
			uint32_t stride, const struct drm_color_lut *gamma,
			size_t size)
{
	struct gamma_table table;

	make_table(&table, gamma, size);
	for (uint32_t y = 0; y < height; y++) {
		uint32_t *line = (uint32_t *)((uint8_t *)pixels + (size_t)y * stride);

		for (uint32_t x = 0; x < width; x++)
			line[x] = table.red[line[x] >> 16 & 0xff] |
				  table.green[line[x] >> 8 & 0xff] |
				  table.blue[line[x] & 0xff];
	}
}

bool hf_compose_target_supported(const struct hf_format *format)
{
	return format->fourcc == DRM_FORMAT_XRGB8888;
}

static bool valid_target(const struct hf_compose_target *target)
{
	if (!hf_compose_target_supported(target->format))
		return false;
	if (!target->width || target->width > MAX_SIZE || !target->height ||
	    target->height > MAX_SIZE)
		return false;
	if ((uintptr_t)target->pixels % 4 || target->pitch % 4 ||
	    target->pitch < target->width * 4)
		return false;
	return (uint64_t)target->pitch * target->height <= INT_MAX;
}

int hf_compose(const struct hf_compose_target *target,
	       const struct hf_compose_crtc *crtc,
	       const struct hf_compose_plane *planes, size_t num_planes)
{
	uint32_t width = target->width, height = target->height;
	pixman_image_t *picture;
	int ret = 0;

	if (!valid_target(target))
		return -EINVAL;
	if (crtc->gamma && crtc->gamma_size < 2)
		return -EINVAL;
	for (size_t i = 0; i < num_planes; i++)
		if (!valid_plane(&planes[i]))
			return -EINVAL;

	picture = pixman_image_create_bits_no_clear(PIXMAN_x8r8g8b8, width,
						    height, target->pixels,
						    target->pitch);
	if (!picture)
		return -ENOMEM;

	for (size_t i = find_lowest(target->pixels, width, height, target->pitch,
				    planes, num_planes);
	     !ret && i < num_planes; i++)
		ret = show_plane(picture, width, height, &planes[i]);
	pixman_image_unref(picture);

	if (!ret && crtc->gamma)
		apply_gamma(target->pixels, width, height, target->pitch,
			    crtc->gamma, crtc->gamma_size);
	return ret;
}

int hf_compose_crc(uint32_t width, uint32_t height,
		   const struct hf_compose_crtc *crtc,
		   const struct hf_compose_plane *planes, size_t num_planes,
		   uint32_t *crc)
{
	struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
		.width = width, .height = height, .pitch = width * 4,
		.pixels = calloc(height, (size_t)width * 4),
	};
	const uint32_t *pixels = target.pixels;
	int ret;

	if (!pixels)
		return -ENOMEM;
	ret = hf_compose(&target, crtc, planes, num_planes);
	*crc = 0;
	for (size_t i = 0; !ret && i < (size_t)width * height; i++) {
		uint16_t pixel[] = { (pixels[i] >> 16 & 0xff) * 257,
				     (pixels[i] >> 8 & 0xff) * 257,
				     (pixels[i] & 0xff) * 257, 0xffff };

		*crc = crc32(*crc, (const uint8_t *)pixel, sizeof(pixel));
	}
	free(target.pixels);
	return ret;
}
