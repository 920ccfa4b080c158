/* SPDX-License-Identifier: MIT */
/*
 * What a person is going to do, step by step: a person needs time between two things,
 * and some programs need it, too. And who reads must keep up, or events are lost.
 *
 * The seat owns the queue; the system's lock is held.
 */
#ifndef HF_SEAT_INPUT_QUEUE_H
#define HF_SEAT_INPUT_QUEUE_H

#include <wayland-util.h>

#include "base/clock.h"
#include "seat/input.h"

#define HF_INPUT_STEP_CODES 10

/**
 * struct hf_input_step - Something that happens at once.
 * @device: HF_INPUT_*
 * @codes: @n of them
 * @pause: nanoseconds until the next step
 */
struct hf_input_step {
	unsigned int device, n;
	struct hf_input_code codes[HF_INPUT_STEP_CODES];
	uint64_t pause;
};

struct hf_input_steps {
	struct hf_input_step *steps;
	size_t n, max;
};

/* Fingers, as they are once all steps are done. */
struct hf_input_finger {
	bool down;
	uint32_t id, order;
	int32_t x, y;
};

/**
 * struct hf_input_queue - What is to be done.
 * @next: index of the next step
 * @busy_until: the last step's pause is over then
 * @waited: since when the next one waits for readers, or 0
 * @waiters: hf_input_waiter.link
 */
struct hf_input_queue {
	struct hf_seat *seat;
	struct hf_input_steps all;
	size_t next;
	uint64_t busy_until, waited;
	struct hf_timer timer;
	struct wl_list waiters;
	struct hf_input_finger fingers[HF_INPUT_SLOTS];
	uint32_t touches; /* so far */
};

void hf_input_queue_init(struct hf_input_queue *queue, struct hf_seat *seat);
void hf_input_queue_finish(struct hf_input_queue *queue);

/**
 * hf_input_queue_add() - Do these after what is there already.
 * @steps: taken over, and empty after it
 *
 * Return: 0, -ENOMEM, -E2BIG.
 */
int hf_input_queue_add(struct hf_input_queue *queue,
		       struct hf_input_steps *steps);

/** hf_input_steps_add() - Return: a blank step, or NULL: no memory. */
struct hf_input_step *hf_input_steps_add(struct hf_input_steps *steps,
					 unsigned int device, uint64_t pause);
/** hf_input_step_code() - Add what happens in it. */
void hf_input_step_code(struct hf_input_step *step, unsigned int type,
			unsigned int code, int32_t value);

#endif
