/* SPDX-License-Identifier: MIT */
/*
 * Writes finished pixels as words of 16, 32 or 64 bits. Pure functions, no lock.
 */
#include "drivers/soft/layout.h"
#include "drivers/soft/store.h"

bool hf_store_supported(const struct hf_format *format)
{
	const struct hf_layout *layout = hf_layout_of(format);

	return layout && !layout->half && !format->is_yuv &&
	       layout->channels[0].unit > 1;
}

unsigned int hf_store_bits(const struct hf_format *format)
{
	/* Green has the most. */
	return hf_layout_of(format)->channels[1].bits;
}

void hf_store_init(struct hf_store *store, const struct hf_format *format)
{
	const struct hf_channel *channels = hf_layout_of(format)->channels;

	*store = (struct hf_store){ .size = format->cpp[0], .fill = ~0u };
	for (int i = 0; i < 3; i++) {
		const struct hf_channel *c = &channels[i];
		uint32_t mask = (1u << c->bits) - 1;

		store->shifts[i] = 8 * c->unit * c->offset + c->shift;
		store->scales[i] = mask / HF_PIXELS_ONE;
		if (store->size < 8)
			store->fill &= ~(mask << c->shift);
	}
}

static inline uint32_t code(float value, float scale)
{
	return (int32_t)(value * scale + 0.5f);
}

#define STORE(name, type) \
	HF_HOT \
	static void name(const struct hf_store *store, const float *restrict r, \
			 const float *restrict g, const float *restrict b, \
			 size_t count, type *restrict to) \
	{ \
		const struct hf_store s = *store; \
\
		for (size_t i = 0; i < count; i++) \
			to[i] = code(r[i], s.scales[0]) << s.shifts[0] | \
				code(g[i], s.scales[1]) << s.shifts[1] | \
				code(b[i], s.scales[2]) << s.shifts[2] | s.fill; \
	}

STORE(store_u16, hf_any_u16)
STORE(store_u32, hf_any_u32)

/* 16 bits each, in the order of memory, and all ones. */
HF_HOT
static void store_wide(const float *restrict first, const float *restrict second,
		       const float *restrict third, size_t count,
		       hf_any_u32 *restrict to)
{
	for (size_t i = 0; i < count; i++) {
		to[2 * i] = code(first[i], 1) | code(second[i], 1) << 16;
		to[2 * i + 1] = code(third[i], 1) | 0xffff0000;
	}
}

void hf_store_line(const struct hf_store *store, const struct hf_pixels *pixels,
		   size_t count, void *to)
{
	if (store->size == 2)
		store_u16(store, pixels->r, pixels->g, pixels->b, count, to);
	else if (store->size == 4)
		store_u32(store, pixels->r, pixels->g, pixels->b, count, to);
	else if (!store->shifts[0])
		store_wide(pixels->r, pixels->g, pixels->b, count, to);
	else
		store_wide(pixels->b, pixels->g, pixels->r, count, to);
}
