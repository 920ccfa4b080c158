/* SPDX-License-Identifier: MIT */
/*
 * LUTs, with linear interpolation between their entries, and the colour matrix. A
 * value is not rounded on its way through them. No lock: tables belong to who
 * composes a picture.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/soft/color.h"

/* Do all entries lie on the straight line, and not just close to it? */
static bool changes_nothing(const struct drm_color_lut *lut, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		uint64_t line = (uint64_t)i * 0xffff;

		if (lut[i].red * (size - 1) != line ||
		    lut[i].green * (size - 1) != line ||
		    lut[i].blue * (size - 1) != line)
			return false;
	}
	return true;
}

static bool lut_needed(const struct drm_color_lut *lut, size_t size)
{
	return lut && !changes_nothing(lut, size);
}

bool hf_color_needed(const struct hf_compose_crtc *crtc)
{
	return crtc->ctm || lut_needed(crtc->degamma, crtc->degamma_size) ||
	       lut_needed(crtc->gamma, crtc->gamma_size);
}

static int init_lut(struct hf_color_lut *table, const struct drm_color_lut *lut,
		    size_t size)
{
	if (!lut_needed(lut, size))
		return 0;
	table->size = size;
	table->r = calloc(size + 1, sizeof(float));
	table->g = calloc(size + 1, sizeof(float));
	table->b = calloc(size + 1, sizeof(float));
	if (!table->r || !table->g || !table->b)
		return -ENOMEM;
	for (size_t i = 0; i <= size; i++) {
		const struct drm_color_lut *entry = &lut[i < size ? i : size - 1];

		table->r[i] = entry->red;
		table->g[i] = entry->green;
		table->b[i] = entry->blue;
	}
	return 0;
}

static void finish_lut(struct hf_color_lut *table)
{
	free(table->b);
	free(table->g);
	free(table->r);
}

/* S31.32, of sign and magnitude. */
static double from_fixed(uint64_t value)
{
	double magnitude = (value & INT64_MAX) / 4294967296.0;

	return value >> 63 ? -magnitude : magnitude;
}

int hf_color_init(struct hf_color *color, const struct hf_compose_crtc *crtc)
{
	int ret;

	*color = (struct hf_color){ .has_matrix = crtc->ctm };
	for (int i = 0; crtc->ctm && i < 9; i++)
		color->matrix[i / 3][i % 3] = from_fixed(crtc->ctm->matrix[i]);
	ret = init_lut(&color->degamma, crtc->degamma, crtc->degamma_size);
	if (!ret)
		ret = init_lut(&color->gamma, crtc->gamma, crtc->gamma_size);
	if (ret)
		hf_color_finish(color);
	return ret;
}

void hf_color_finish(struct hf_color *color)
{
	finish_lut(&color->gamma);
	finish_lut(&color->degamma);
	*color = (struct hf_color){ 0 };
}

HF_HOT
static void look_up(const float *restrict table, size_t size, size_t count,
		    float *restrict values)
{
	/* A float would not do for the steps between many entries. */
	double step = (size - 1) / (double)HF_PIXELS_ONE;

	for (size_t i = 0; i < count; i++) {
		double position = values[i] * step;
		int32_t at = position;
		float part = position - at;

		values[i] = table[at] + (table[at + 1] - table[at]) * part;
	}
}

static void apply_lut(const struct hf_color_lut *lut,
		      const struct hf_pixels *pixels, size_t count)
{
	if (!lut->r)
		return;
	look_up(lut->r, lut->size, count, pixels->r);
	look_up(lut->g, lut->size, count, pixels->g);
	look_up(lut->b, lut->size, count, pixels->b);
}

static inline float sum(const double *line, double r, double g, double b)
{
	double value = line[0] * r + line[1] * g + line[2] * b;

	value = value > 0 ? value : 0;
	return value < (double)HF_PIXELS_ONE ? value : (double)HF_PIXELS_ONE;
}

HF_HOT
static void multiply(const double matrix[3][3], size_t count,
		     float *restrict r, float *restrict g, float *restrict b)
{
	double m[3][3];

	memcpy(m, matrix, sizeof(m));
	for (size_t i = 0; i < count; i++) {
		double red = r[i], green = g[i], blue = b[i];

		r[i] = sum(m[0], red, green, blue);
		g[i] = sum(m[1], red, green, blue);
		b[i] = sum(m[2], red, green, blue);
	}
}

void hf_color_apply(const struct hf_color *color, const struct hf_pixels *pixels,
		    size_t count)
{
	apply_lut(&color->degamma, pixels, count);
	if (color->has_matrix)
		multiply(color->matrix, count, pixels->r, pixels->g, pixels->b);
	apply_lut(&color->gamma, pixels, count);
}
