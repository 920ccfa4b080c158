/* SPDX-License-Identifier: MIT */
/*
 * Reads pixels of any format. Each channel is a field of words that lie at regular
 * distances, read by one of a few loops; YCbCr is then converted, half floats are
 * decoded, and colours multiplied by alpha as the plane's blend mode wants it.
 * Formats are little endian, and so is the host. Pure functions, no lock.
 */
#include "drivers/soft/blend.h"
#include "drivers/soft/fetch.h"
#include "drivers/soft/view.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "see above");

/* A run, and what the first and the last pair of a subsampled one may add. */
#define RUN HF_PIXELS_RUN
#define SAMPLES (RUN + 2)

#define LOADER(name, type, step) \
	HF_HOT \
	static void name(const void *from, size_t count, unsigned int shift, \
			 uint32_t mask, float scale, float *restrict to) \
	{ \
		const type *restrict words = from; \
\
		for (size_t i = 0; i < count; i++) \
			to[i] = (int32_t)(words[i * (step)] >> shift & mask) * \
				scale; \
	}

LOADER(load_u8_1, uint8_t, 1)
LOADER(load_u8_2, uint8_t, 2)
LOADER(load_u8_3, uint8_t, 3)
LOADER(load_u8_4, uint8_t, 4)
LOADER(load_u16_1, hf_any_u16, 1)
LOADER(load_u16_2, hf_any_u16, 2)
LOADER(load_u16_4, hf_any_u16, 4)
LOADER(load_u32_1, hf_any_u32, 1)

static const struct {
	uint8_t unit, step;
	hf_fetch_load *load;
} loaders[] = {
	{ 1, 1, load_u8_1 },  { 1, 2, load_u8_2 },  { 1, 3, load_u8_3 },
	{ 1, 4, load_u8_4 },  { 2, 1, load_u16_1 }, { 2, 2, load_u16_2 },
	{ 2, 4, load_u16_4 }, { 4, 1, load_u32_1 },
};

static hf_fetch_load *find_loader(const struct hf_channel *channel)
{
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		if (loaders[i].unit == channel->unit &&
		    loaders[i].step == channel->step)
			return loaders[i].load;
	return NULL;
}

static bool readable(const struct hf_channel *channel)
{
	return !channel->bits || find_loader(channel);
}

bool hf_fetch_supported(const struct hf_format *format)
{
	const struct hf_layout *layout = hf_layout_of(format);

	for (int i = 0; layout && i < 4; i++)
		if (!readable(&layout->channels[i]))
			return false;
	return layout;
}

static void init_channel(struct hf_fetch *fetch, int index)
{
	const struct hf_channel *from = &fetch->layout->channels[index];
	struct hf_fetch_channel *channel = &fetch->channels[index];
	const struct hf_format *format = fetch->plane->format;
	bool chroma = format->is_yuv && (index == 1 || index == 2);
	/* YCbCr and half floats are converted from their codes. */
	bool codes = fetch->layout->half || (format->is_yuv && index < 3);

	*channel = (struct hf_fetch_channel){
		.load = find_loader(from),
		.plane = from->plane,
		.shift = from->shift,
		.step = from->unit * from->step,
		.offset = from->unit * from->offset,
		.size = from->unit,
		/* Subsampling is by 1 or 2. */
		.hshift = chroma ? format->hsub / 2 : 0,
		.vshift = chroma ? format->vsub / 2 : 0,
		.mask = (1u << from->bits) - 1,
	};
	channel->scale = codes ? 1 : HF_PIXELS_ONE / channel->mask;
}

/* What red and blue are of Y, by enum hf_encoding. */
static const double weights[][2] = {
	[HF_ENCODING_BT601] = { 0.299, 0.114 },
	[HF_ENCODING_BT709] = { 0.2126, 0.0722 },
	[HF_ENCODING_BT2020] = { 0.2627, 0.0593 },
};

static void init_matrix(struct hf_fetch *fetch)
{
	const struct hf_compose_plane *plane = fetch->plane;
	struct hf_fetch_matrix *matrix = &fetch->matrix;
	double kr = weights[plane->encoding][0];
	double kb = weights[plane->encoding][1];
	double kg = 1 - kr - kb;
	double full = fetch->channels[0].mask;
	double unit = (full + 1) / 256;
	double chroma = HF_PIXELS_ONE / (plane->full_range ? full : 224 * unit);

	matrix->y_zero = plane->full_range ? 0 : 16 * unit;
	matrix->y = HF_PIXELS_ONE / (plane->full_range ? full : 219 * unit);
	matrix->c_zero = 128 * unit;
	matrix->r_cr = chroma * 2 * (1 - kr);
	matrix->b_cb = chroma * 2 * (1 - kb);
	matrix->g_cb = -chroma * 2 * (1 - kb) * kb / kg;
	matrix->g_cr = -chroma * 2 * (1 - kr) * kr / kg;
}

void hf_fetch_init(struct hf_fetch *fetch, const struct hf_compose_plane *plane)
{
	const struct hf_channel *c;

	*fetch = (struct hf_fetch){
		.plane = plane,
		.layout = hf_layout_of(plane->format),
		.opaque = hf_plane_opaque(plane),
	};
	c = fetch->layout->channels;
	fetch->words = c[0].unit == 4 && !plane->format->is_yuv &&
		       c[0].bits == c[1].bits && c[0].bits == c[2].bits;
	for (int i = 0; i < 4; i++)
		if (fetch->layout->channels[i].bits)
			init_channel(fetch, i);
	if (plane->format->is_yuv)
		init_matrix(fetch);
}

static const uint8_t *line_of(const struct hf_fetch *fetch,
			      const struct hf_fetch_channel *channel, uint32_t y)
{
	const struct hf_compose_plane *plane = fetch->plane;

	return (const uint8_t *)plane->data[channel->plane] +
	       (size_t)(y >> channel->vshift) * plane->pitch[channel->plane] +
	       channel->offset;
}

static void load(const struct hf_fetch_channel *channel, const uint8_t *line,
		 uint32_t x, uint32_t count, float *to)
{
	channel->load(line + (size_t)x * channel->step, count, channel->shift,
		      channel->mask, channel->scale, to);
}

static void read_channel(const struct hf_fetch *fetch, int index, uint32_t x,
			 uint32_t y, uint32_t count, float *to)
{
	const struct hf_fetch_channel *channel = &fetch->channels[index];

	load(channel, line_of(fetch, channel, y), x, count, to);
}

/* Several planes in short runs are too much for the CPU to foresee what is next. */
static const hf_any_u32 *words_at(const struct hf_fetch *fetch, uint32_t x,
				  uint32_t y, uint32_t count)
{
	const uint8_t *line = line_of(fetch, &fetch->channels[0], y);
	const uint8_t *words = line + (size_t)x * sizeof(uint32_t);
	const size_t size = count * sizeof(uint32_t);

	for (size_t i = 0; i < size; i += 64)
		__builtin_prefetch(words + size + i);
	return (const hf_any_u32 *)words;
}

HF_HOT
static void load_words(const hf_any_u32 *restrict words, size_t count,
		       const struct hf_fetch_channel *channels,
		       float *restrict r, float *restrict g, float *restrict b)
{
	unsigned int red = channels[0].shift, green = channels[1].shift;
	unsigned int blue = channels[2].shift;
	uint32_t mask = channels[0].mask;
	float scale = channels[0].scale;

	for (size_t i = 0; i < count; i++) {
		uint32_t word = words[i];

		r[i] = (int32_t)(word >> red & mask) * scale;
		g[i] = (int32_t)(word >> green & mask) * scale;
		b[i] = (int32_t)(word >> blue & mask) * scale;
	}
}

/* What is brighter than white is white; what is negative or no number is black. */
HF_HOT
static void decode_halves(float *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t half = (int32_t)values[i];
		union {
			uint32_t bits;
			float value;
		} wide = { .bits = (half & 0x7fff) << 13 };
		/* The exponents of the two formats count from elsewhere. */
		float value = wide.value * 0x1p112f;

		value = value < 1 ? value : 1;
		values[i] = half > 0x7c00 ? 0 : value * HF_PIXELS_ONE;
	}
}

static void read_rgb(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		     uint32_t count, const struct hf_pixels *to)
{
	float *channels[] = { to->r, to->g, to->b, to->a };
	int first = 0;

	if (fetch->words) {
		load_words(words_at(fetch, x, y, count), count, fetch->channels,
			   to->r, to->g, to->b);
		first = 3;
	}
	for (int i = first; i < (fetch->opaque ? 3 : 4); i++) {
		read_channel(fetch, i, x, y, count, channels[i]);
		if (fetch->layout->half)
			decode_halves(channels[i], count);
	}
}

static void fill(float *to, uint32_t count, float value)
{
	for (uint32_t i = 0; i < count; i++)
		to[i] = value;
}

HF_HOT
static void widen(const float *restrict from, size_t count, float *restrict to)
{
	for (size_t i = 0; i < count; i++)
		to[2 * i] = to[2 * i + 1] = from[i];
}

/*
 * Read Cb or Cr, one for each pixel. A line of packed 4:2:2 with an odd width ends
 * in the middle of a group: the last pixel then takes what is missing from the
 * group before, or is grey. Returns where the first one is, in @to.
 */
static const float *read_chroma(const struct hf_fetch *fetch, int index,
				uint32_t x, uint32_t y, uint32_t count,
				float to[SAMPLES])
{
	const struct hf_fetch_channel *channel = &fetch->channels[index];
	const struct hf_compose_plane *plane = fetch->plane;
	const uint8_t *line = line_of(fetch, channel, y);
	float samples[SAMPLES];
	uint32_t first, wanted;
	uint64_t length, there;

	if (!channel->hshift) {
		load(channel, line, x, count, to);
		return to;
	}
	length = hf_format_min_pitch(plane->format, plane->width, channel->plane);
	there = (length + channel->step - channel->offset - channel->size) /
		channel->step;
	first = x / 2;
	wanted = (x + count - 1) / 2 - first + 1;
	if (there >= first + wanted) {
		load(channel, line, first, wanted, samples);
	} else {
		load(channel, line, first, wanted - 1, samples);
		if (there)
			load(channel, line, there - 1, 1, samples + wanted - 1);
		else
			fill(samples, 1, (channel->mask + 1) / 2);
	}
	widen(samples, wanted, to);
	return to + x % 2;
}

static inline float limit(float value)
{
	/* In the form of two instructions, not of two branches. */
	value = value > 0 ? value : 0;
	return value < HF_PIXELS_ONE ? value : HF_PIXELS_ONE;
}

HF_HOT
static void convert(const struct hf_fetch_matrix *matrix,
		    const float *restrict luma, const float *restrict cb,
		    const float *restrict cr, size_t count, float *restrict r,
		    float *restrict g, float *restrict b)
{
	const struct hf_fetch_matrix m = *matrix;

	for (size_t i = 0; i < count; i++) {
		float l = (luma[i] - m.y_zero) * m.y;
		float u = cb[i] - m.c_zero;
		float v = cr[i] - m.c_zero;

		r[i] = limit(l + m.r_cr * v);
		g[i] = limit(l + m.g_cb * u + m.g_cr * v);
		b[i] = limit(l + m.b_cb * u);
	}
}

static void read_yuv(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		     uint32_t count, const struct hf_pixels *to)
{
	float luma[RUN], cb[SAMPLES], cr[SAMPLES];

	for (uint32_t at = 0; at < count; at += RUN) {
		uint32_t n = count - at < RUN ? count - at : RUN;
		struct hf_pixels run = hf_pixels_at(to, at);

		read_channel(fetch, 0, x + at, y, n, luma);
		convert(&fetch->matrix, luma,
			read_chroma(fetch, 1, x + at, y, n, cb),
			read_chroma(fetch, 2, x + at, y, n, cr), n, run.r,
			run.g, run.b);
	}
	if (!fetch->opaque)
		read_channel(fetch, 3, x, y, count, to->a);
}

void hf_fetch_line(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		   uint32_t count, const struct hf_pixels *to)
{
	if (fetch->plane->format->is_yuv)
		read_yuv(fetch, x, y, count, to);
	else
		read_rgb(fetch, x, y, count, to);
	if (!fetch->opaque && fetch->plane->blend == HF_BLEND_COVERAGE)
		hf_blend_premultiply(to, count);
}

/* Can be read and blended in one loop. */
static bool blends_words(const struct hf_fetch *fetch, float alpha)
{
	return fetch->words && fetch->channels[0].mask == 0xff && alpha == 1 &&
	       !fetch->opaque && fetch->plane->blend == HF_BLEND_PREMULTIPLIED;
}

void hf_fetch_over(const struct hf_fetch *fetch, uint32_t x, uint32_t y,
		   uint32_t count, float alpha, const struct hf_pixels *to)
{
	HF_PIXELS_ALIGNED float channels[4][RUN];
	const struct hf_pixels from = { channels[0], channels[1], channels[2],
					fetch->opaque ? NULL : channels[3] };

	if (blends_words(fetch, alpha)) {
		const struct hf_fetch_channel *c = fetch->channels;
		const uint8_t shifts[] = { c[0].shift, c[1].shift, c[2].shift,
					   c[3].shift };

		hf_blend_words(words_at(fetch, x, y, count), count, shifts, to);
		return;
	}
	for (uint32_t at = 0; at < count; at += RUN) {
		uint32_t n = count - at < RUN ? count - at : RUN;
		struct hf_pixels run = hf_pixels_at(to, at);

		hf_fetch_line(fetch, x + at, y, n, &from);
		hf_blend_over(&from, n, alpha, &run);
	}
}
