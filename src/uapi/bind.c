/* SPDX-License-Identifier: MIT */
/* Address spaces of files and their queues of binds. See the header. */
#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "uapi/bind.h"

void hf_bind_ops_free(struct hf_vm_op *ops, size_t nops)
{
	if (!ops)
		return;
	for (size_t i = 0; i < nops; i++)
		if (ops[i].vma.memory)
			ops[i].vma.memory->put(ops[i].vma.memory);
	free(ops);
}

struct hf_bind *hf_bind_create(struct hf_address_space *space,
			       struct hf_vm_op *ops, size_t nops)
{
	struct hf_bind *bind = calloc(1, sizeof(*bind));

	if (!bind)
		return NULL;
	bind->fence = hf_fence_create(&space->timeline);
	if (!bind->fence) {
		free(bind);
		return NULL;
	}
	bind->space = space;
	bind->ops = ops;
	bind->nops = nops;
	wl_list_init(&bind->link);
	wl_list_init(&bind->cb.link);
	return bind;
}

/* Off the queue, its fence signaled, and gone. */
static void finish(struct hf_bind *bind, int ret)
{
	if (!wl_list_empty(&bind->link))
		bind->space->queued_ops -= bind->nops;
	wl_list_remove(&bind->link);
	hf_fence_remove_callback(&bind->cb);
	hf_fence_put(bind->after);
	hf_bind_ops_free(bind->ops, bind->nops);
	hf_fence_signal(bind->fence, ret, hf_clock_now(bind->space->clock));
	hf_fence_put(bind->fence);
	if (bind->done)
		bind->done(bind, ret);
	free(bind);
}

void hf_bind_destroy(struct hf_bind *bind)
{
	if (!bind)
		return;
	bind->done = NULL;
	finish(bind, -ECANCELED);
}

static void run_queue(struct hf_address_space *space)
{
	while (!space->dying && !wl_list_empty(&space->binds)) {
		struct hf_bind *bind =
			wl_container_of(space->binds.next, bind, link);

		if (bind->after && !bind->after->signaled)
			return;
		finish(bind, hf_vm_bind(space->vm, bind->ops, bind->nops));
	}
}

static void fence_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct hf_bind *bind = wl_container_of(cb, bind, cb);

	(void)fence;
	run_queue(bind->space);
}

void hf_bind_queue(struct hf_bind *bind, struct hf_fence *after)
{
	wl_list_insert(bind->space->binds.prev, &bind->link);
	bind->space->queued_ops += bind->nops;
	if (after && !hf_fence_add_callback(after, &bind->cb, fence_signaled))
		bind->after = hf_fence_get(after);
	run_queue(bind->space);
}

struct hf_address_space *hf_address_space_create(struct hf_dma_device *dma,
						 struct hf_clock *clock)
{
	struct hf_address_space *space = calloc(1, sizeof(*space));

	if (!space)
		return NULL;
	space->vm = hf_vm_create(dma);
	if (!space->vm) {
		free(space);
		return NULL;
	}
	space->clock = clock;
	wl_list_init(&space->binds);
	hf_timeline_init(&space->timeline, "holdfast-bind");
	return space;
}

void hf_address_space_destroy(struct hf_address_space *space)
{
	if (!space)
		return;
	space->dying = true;
	while (!wl_list_empty(&space->binds)) {
		struct hf_bind *bind =
			wl_container_of(space->binds.next, bind, link);

		finish(bind, -ECANCELED);
	}
	hf_vm_put(space->vm);
	free(space);
}
