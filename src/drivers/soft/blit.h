/* SPDX-License-Identifier: MIT */
/*
 * The commands that work on surfaces. blit.c has those that move bytes, and what
 * all of them need; render.c those that pixman computes.
 *
 * Each may be interrupted: exec->done says how many rows (or pieces) were done,
 * and the same call with the same command goes on from there.
 */
#ifndef HF_SOFT_BLIT_H
#define HF_SOFT_BLIT_H

#include <pixman.h>

#include "drivers/soft/exec.h"
#include "drivers/soft/region.h"

/* Rows that do not lie in one run are worked on in a copy, so many at a time. */
#define HF_BLIT_BOUNCE_ROWS 16

/* Pixels to do before the clock is looked at. */
#define HF_BLIT_BAND (64u << 10)

/* From the first to the last row of an image: pixman counts in an int. */
#define HF_BLIT_MAX_BYTES (1u << 30)

/* What an execution goes by; see hf_exec_run(). */
struct hf_blit {
	struct hf_exec *exec;
	struct hf_mmu *mmu;
	uint64_t deadline;
	const _Atomic bool *stop;
};

/* A format of the engine. */
struct hf_blit_format {
	uint32_t fourcc;
	uint32_t cpp; /* bytes a pixel */
	pixman_format_code_t code;
};

/**
 * struct hf_blit_layer - A rectangle of a surface.
 * @format: of the surface
 * @rect: where it is in the surface
 * @region: its rows; valid after hf_blit_translate(), as is
 * @shared: it is read, and may share memory with what is written: to be copied
 * @bounce: a copy of a few rows, made when it is needed
 */
struct hf_blit_layer {
	const struct hf_blit_format *format;
	struct holdfast_rect rect;
	hf_gpuva_t va;
	uint32_t pitch;
	struct hf_region region;
	bool shared;
	void *bounce;
};

bool hf_blit_stopped(const struct hf_blit *blit);
/** hf_blit_time_up() - Stopped, or the deadline has passed. */
bool hf_blit_time_up(const struct hf_blit *blit);

/* Ends of a command: what to return. */
enum hf_exec_status hf_blit_bad(struct hf_blit *blit);
enum hf_exec_status hf_blit_no_memory(struct hf_blit *blit);
enum hf_exec_status hf_blit_fault(struct hf_blit *blit,
				  const struct hf_mmu_fault *fault);

/**
 * hf_blit_layer_init() - A rectangle of a surface, checked, not translated.
 *
 * Return: false where it is none.
 */
bool hf_blit_layer_init(struct hf_blit_layer *layer,
			const struct holdfast_surface *surface,
			const struct holdfast_rect *rect);
void hf_blit_layer_finish(struct hf_blit_layer *layer);
static inline bool hf_blit_layer_empty(const struct hf_blit_layer *layer)
{
	return !layer->rect.width || !layer->rect.height;
}
/**
 * hf_blit_translate() - Translate layers, the first one for writing.
 *
 * Return: HF_EXEC_DONE, and all regions are valid; or what to return.
 */
enum hf_exec_status hf_blit_translate(struct hf_blit *blit,
				      struct hf_blit_layer *const *layers,
				      size_t n);
/**
 * hf_blit_rows() - Do a command step by step, until the time is up.
 * @rows: steps are counted in
 * @step: do some rows from @row on; returns how many, 0: no memory
 */
enum hf_exec_status hf_blit_rows(struct hf_blit *blit, uint32_t rows,
				 uint32_t (*step)(void *data, uint32_t row),
				 void *data);
/**
 * hf_blit_band() - How many rows, from @row on, to do at once.
 * @most: rows at most
 * @direct: set to whether all are in one run that pixman can work on
 */
uint32_t hf_blit_band(struct hf_blit_layer *layer, uint32_t row, uint32_t most,
		      bool *direct);

enum hf_exec_status hf_blit_fill(struct hf_blit *blit,
				 const union hf_exec_command *cmd);
enum hf_exec_status hf_blit_copy(struct hf_blit *blit,
				 const union hf_exec_command *cmd);
enum hf_exec_status hf_blit_copy_linear(struct hf_blit *blit,
					const union hf_exec_command *cmd);
enum hf_exec_status hf_blit_convert(struct hf_blit *blit,
				    const union hf_exec_command *cmd);
enum hf_exec_status hf_blit_composite(struct hf_blit *blit,
				      const union hf_exec_command *cmd);
enum hf_exec_status hf_blit_scale(struct hf_blit *blit,
				  const union hf_exec_command *cmd);

#endif
