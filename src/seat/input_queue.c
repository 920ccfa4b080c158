/* SPDX-License-Identifier: MIT */
/*
 * Does what a person is going to do, on the clock that always runs. See the header.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "seat/input_device.h"
#include "seat/input_queue.h"
#include "uapi/system.h"

#define MSEC UINT64_C(1000000)
#define MAX_STEPS 65536
/* How long a step waits for those who read, and how often it looks. */
#define PATIENCE (1000 * MSEC)
#define LOOK (2 * MSEC)

/* -- steps ----------------------------------------------------------------- */

struct hf_input_step *hf_input_steps_add(struct hf_input_steps *steps,
					 unsigned int device, uint64_t pause)
{
	struct hf_input_step *step;

	if (steps->n == steps->max) {
		size_t max = steps->max ? 2 * steps->max : 16;

		step = reallocarray(steps->steps, max, sizeof(*step));
		if (!step)
			return NULL;
		steps->steps = step;
		steps->max = max;
	}
	step = &steps->steps[steps->n++];
	*step = (struct hf_input_step){ .device = device, .pause = pause };
	return step;
}

void hf_input_step_code(struct hf_input_step *step, unsigned int type,
			unsigned int code, int32_t value)
{
	step->codes[step->n++] = (struct hf_input_code){
		.type = (uint16_t)type,
		.code = (uint16_t)code,
		.value = value,
	};
}

/* -- doing ----------------------------------------------------------------- */

static void step_now(struct hf_seat *seat, const struct hf_input_step *step)
{
	if (step->device == HF_INPUT_KEYBOARD)
		hf_input_key(seat, step->codes[0].code, step->codes[0].value);
	else
		hf_input_emit(seat, step->device, step->codes, step->n);
}

static void tell_waiters(struct hf_input_queue *queue)
{
	struct wl_list waiters;
	struct hf_input_waiter *waiter;

	wl_list_init(&waiters);
	wl_list_insert_list(&waiters, &queue->waiters);
	wl_list_init(&queue->waiters);
	while (!wl_list_empty(&waiters)) {
		waiter = wl_container_of(waiters.next, waiter, link);
		wl_list_remove(&waiter->link);
		waiter->done(waiter);
	}
}

/* Is the next step to wait? Who has not read for too long is not waited for. */
static bool must_wait(struct hf_input_queue *queue, uint64_t now)
{
	const struct hf_input_step *step = &queue->all.steps[queue->next];
	struct hf_input *input = queue->seat->input[step->device];

	if (!hf_input_behind(input))
		return false;
	if (!queue->waited)
		queue->waited = now;
	if (now - queue->waited < PATIENCE)
		return true;
	hf_input_give_up(input);
	return false;
}

/* Do what is due; then wait, or tell that all is done. */
static void run(struct hf_input_queue *queue)
{
	struct hf_clock *clock = queue->seat->sys->real_clock;
	uint64_t now = hf_clock_now(clock), at = now;

	while (queue->next < queue->all.n) {
		const struct hf_input_step *step =
			&queue->all.steps[queue->next];

		if (queue->busy_until > now)
			at = queue->busy_until;
		else if (must_wait(queue, now))
			at = now + LOOK;
		if (at > now) {
			hf_timer_arm(clock, &queue->timer, at);
			return;
		}
		queue->waited = 0;
		queue->busy_until = now + step->pause;
		queue->next++;
		step_now(queue->seat, step);
	}
	queue->all.n = queue->next = 0;
	tell_waiters(queue);
}

static void timer_due(struct hf_timer *timer)
{
	struct hf_input_queue *queue = wl_container_of(timer, queue, timer);

	run(queue);
}

int hf_input_queue_add(struct hf_input_queue *queue,
		       struct hf_input_steps *steps)
{
	bool idle = queue->next == queue->all.n;
	int ret = 0;

	if (queue->all.n - queue->next + steps->n > MAX_STEPS)
		ret = -E2BIG;
	/* What is done already makes room. */
	if (queue->next)
		memmove(queue->all.steps, queue->all.steps + queue->next,
			(queue->all.n - queue->next) *
				sizeof(*queue->all.steps));
	queue->all.n -= queue->next;
	queue->next = 0;
	if (!ret && queue->all.n + steps->n > queue->all.max) {
		size_t max = queue->all.n + steps->n;
		void *more = reallocarray(queue->all.steps, max,
					  sizeof(*queue->all.steps));

		ret = more ? 0 : -ENOMEM;
		if (more) {
			queue->all.steps = more;
			queue->all.max = max;
		}
	}
	if (!ret && steps->n) {
		memcpy(queue->all.steps + queue->all.n, steps->steps,
		       steps->n * sizeof(*steps->steps));
		queue->all.n += steps->n;
	}
	free(steps->steps);
	*steps = (struct hf_input_steps){ 0 };
	if (!ret && idle)
		run(queue);
	return ret;
}

void hf_input_when_done(struct hf_seat *seat, struct hf_input_waiter *waiter)
{
	struct hf_input_queue *queue = &seat->queue;

	wl_list_insert(queue->waiters.prev, &waiter->link);
	if (queue->next == queue->all.n)
		tell_waiters(queue);
}

void hf_input_queue_init(struct hf_input_queue *queue, struct hf_seat *seat)
{
	queue->seat = seat;
	queue->timer.fn = timer_due;
	wl_list_init(&queue->waiters);
}

void hf_input_queue_finish(struct hf_input_queue *queue)
{
	hf_timer_disarm(queue->seat->sys->real_clock, &queue->timer);
	tell_waiters(queue);
	free(queue->all.steps);
}
