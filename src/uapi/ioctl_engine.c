/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of the engine: parameters, contexts, jobs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "drivers/soft/engine.h"
#include "holdfast_drm.h"
#include "sync/resv.h"
#include "uapi/bind.h"
#include "uapi/check.h"
#include "uapi/handlers.h"
#include "uapi/syncs.h"

#define DEFAULT_TIMEOUT_MS 2000
#define MAX_TIMEOUT_MS 60000
#define MAX_COMMANDS (16u << 20)
#define MAX_OBJECTS 4096
#define MAX_CONTEXTS 256 /* of a file */

int hf_ioctl_get_param(struct hf_call *call, void *arg)
{
	struct drm_holdfast_get_param *get = arg;
	const struct hf_device *dev = call->dev;

	if (get->pad)
		return -EINVAL;
	switch (get->param) {
	case HOLDFAST_PARAM_ENGINE:
		get->value = dev->engine != NULL;
		return 0;
	case HOLDFAST_PARAM_IOMMU:
		get->value = dev->dma.domain != NULL;
		return 0;
	case HOLDFAST_PARAM_COHERENT:
		get->value = dev->dma.coherent;
		return 0;
	case HOLDFAST_PARAM_VA_BITS:
		get->value = HF_MMU_VA_BITS;
		return 0;
	case HOLDFAST_PARAM_PAGE_SIZES:
		get->value = 1 << 12 | 1 << 16 | 1 << 21;
		return 0;
	case HOLDFAST_PARAM_USERPTR_MAX:
		get->value = hf_user_files_max(dev->sys->user_files) *
			     HF_PAGE_SIZE;
		return 0;
	case HOLDFAST_PARAM_CORES:
		get->value = dev->engine ? hf_engine_cores(dev->engine) : 0;
		return 0;
	case HOLDFAST_PARAM_TIMEOUT_MS:
		get->value = DEFAULT_TIMEOUT_MS;
		return 0;
	case HOLDFAST_PARAM_CMD_MAX:
		get->value = MAX_COMMANDS;
		return 0;
	default:
		return -EINVAL;
	}
}

/* -- contexts ------------------------------------------------------------------ */

static bool may_have_priority(const struct hf_call *call, uint32_t priority)
{
	return priority < HOLDFAST_PRIORITY_HIGH ||
	       hf_file_is_current_master(call->file) ||
	       hf_cred_capable(&call->cred);
}

int hf_ioctl_ctx_create(struct hf_call *call, void *arg)
{
	struct drm_holdfast_ctx_create *create = arg;
	struct hf_engine_context *context;
	struct hf_address_space *space;
	char name[32];
	int id;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	if (create->flags || create->pad ||
	    create->priority > HOLDFAST_PRIORITY_HIGH ||
	    create->timeout_ms > MAX_TIMEOUT_MS)
		return -EINVAL;
	if (!may_have_priority(call, create->priority))
		return -EACCES;
	space = hf_idr_find(&call->file->spaces, create->vm_id);
	if (!space)
		return -ENOENT;
	if (hf_engine_owned(call->dev->engine, call->file) >= MAX_CONTEXTS)
		return -ENOSPC;
	snprintf(name, sizeof(name), "holdfast-pid-%d", call->cred.pid);
	context = hf_engine_context_create(
		call->dev->engine, space->vm, create->priority,
		create->timeout_ms ? create->timeout_ms : DEFAULT_TIMEOUT_MS,
		name, call->file);
	if (!context)
		return -ENOMEM;
	id = hf_idr_alloc(&call->file->contexts, context);
	if (id < 0) {
		hf_engine_context_destroy(context, true);
		return id;
	}
	create->ctx_id = id;
	return 0;
}

int hf_ioctl_ctx_destroy(struct hf_call *call, void *arg)
{
	const struct drm_holdfast_ctx_destroy *destroy = arg;
	struct hf_engine_context *context;
	struct hf_engine_status status;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	if (destroy->pad)
		return -EINVAL;
	context = hf_idr_remove(&call->file->contexts, destroy->ctx_id);
	if (!context)
		return -ENOENT;
	hf_engine_context_status(context, &status);
	call->file->busy_ns += status.busy_ns;
	hf_engine_context_destroy(context, false);
	return 0;
}

int hf_ioctl_ctx_query(struct hf_call *call, void *arg)
{
	struct drm_holdfast_ctx_query *query = arg;
	struct hf_engine_context *context;
	struct hf_engine_status status;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	context = hf_idr_find(&call->file->contexts, query->ctx_id);
	if (!context)
		return -ENOENT;
	hf_engine_context_status(context, &status);
	query->banned = status.banned;
	query->fault = status.fault;
	query->write = status.fault_write;
	query->fault_va = status.fault_va;
	query->jobs_done = status.jobs_done;
	query->busy_ns = status.busy_ns;
	return 0;
}

/* -- jobs ---------------------------------------------------------------------- */

/*
 * struct submission - A job on its way in.
 * @objects: to synchronise with implicitly, with a reference each
 * @waits: fences that it waits for, with a reference each
 */
struct submission {
	struct hf_syncs syncs;
	const struct drm_holdfast_object *user_objects;
	struct hf_gem_object **objects;
	size_t nobjects;
	struct hf_fence **waits;
	size_t nwaits;
};

static void finish(struct submission *sub)
{
	for (size_t i = 0; i < sub->nobjects; i++)
		hf_gem_object_put(sub->objects[i]);
	for (size_t i = 0; i < sub->nwaits; i++)
		hf_fence_put(sub->waits[i]);
	free(sub->objects);
	free(sub->waits);
	hf_syncs_finish(&sub->syncs);
}

static int look_up_objects(struct hf_call *call, struct submission *sub,
			   size_t n)
{
	sub->objects = calloc(n + 1, sizeof(struct hf_gem_object *));
	if (!sub->objects)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct drm_holdfast_object *user = &sub->user_objects[i];

		if (user->flags & ~HOLDFAST_OBJECT_WRITE)
			return -EINVAL;
		sub->objects[i] = hf_gem_lookup(&call->file->gem, user->handle);
		if (!sub->objects[i])
			return -ENOENT;
		sub->nobjects++;
	}
	return 0;
}

/* Explicit fences, then those of the objects, with room for the job's own. */
static int collect_waits(struct submission *sub)
{
	size_t n = sub->syncs.nwait + sub->nobjects;
	int ret = 0;

	sub->waits = calloc(n + 1, sizeof(struct hf_fence *));
	if (!sub->waits)
		return -ENOMEM;
	for (size_t i = 0; i < sub->syncs.nwait; i++)
		sub->waits[sub->nwaits++] = hf_fence_get(sub->syncs.wait[i]);
	for (size_t i = 0; !ret && i < sub->nobjects; i++) {
		struct hf_backing *backing = sub->objects[i]->backing;
		bool write = sub->user_objects[i].flags & HOLDFAST_OBJECT_WRITE;
		struct hf_fence *fence = NULL;

		if (!backing)
			continue; /* user pages: nobody shares them */
		ret = hf_resv_reserve(backing);
		if (!ret)
			ret = hf_resv_fence(backing, write, &fence);
		if (fence)
			sub->waits[sub->nwaits++] = fence;
	}
	return ret;
}

static void add_to_reservations(const struct submission *sub,
				struct hf_fence *fence)
{
	for (size_t i = 0; i < sub->nobjects; i++)
		if (sub->objects[i]->backing)
			hf_resv_add(sub->objects[i]->backing, fence,
				    sub->user_objects[i].flags &
					    HOLDFAST_OBJECT_WRITE);
}

static int check_submit(const struct drm_holdfast_submit *submit)
{
	if (submit->flags || submit->pad || submit->cmd_va % 8 ||
	    submit->cmd_size % 8 || submit->cmd_size > MAX_COMMANDS ||
	    submit->num_syncs > HF_SYNCS_MAX ||
	    submit->num_objects > MAX_OBJECTS)
		return -EINVAL;
	if (submit->cmd_va > (1ull << HF_MMU_VA_BITS) - submit->cmd_size)
		return -EINVAL;
	return 0;
}

static int prepare(struct hf_call *call, struct submission *sub,
		   const struct drm_holdfast_submit *submit)
{
	const void *syncs, *objects;
	int ret = hf_call_copy_in(call, 0, submit->num_syncs, &syncs);

	if (!ret)
		ret = hf_call_copy_in(call, 1, submit->num_objects, &objects);
	if (!ret)
		ret = hf_syncs_prepare(call->file, syncs, submit->num_syncs,
				       &sub->syncs);
	if (ret)
		return ret;
	sub->user_objects = objects;
	ret = look_up_objects(call, sub, submit->num_objects);
	return ret ? ret : collect_waits(sub);
}

/* A job that waits for nothing may begin now. */
static void check_writes(const struct hf_call *call,
			 const struct submission *sub)
{
	for (size_t i = 0; !sub->syncs.nwait && i < sub->nobjects; i++)
		if (sub->user_objects[i].flags & HOLDFAST_OBJECT_WRITE)
			hf_check_write(call, sub->objects[i]);
}

int hf_ioctl_submit(struct hf_call *call, void *arg)
{
	const struct drm_holdfast_submit *submit = arg;
	struct submission sub = { 0 };
	struct hf_engine_context *context;
	struct hf_engine_job job;
	struct hf_fence *fence;
	int ret;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	ret = check_submit(submit);
	if (ret)
		return ret;
	context = hf_idr_find(&call->file->contexts, submit->ctx_id);
	if (!context)
		return -ENOENT;
	ret = prepare(call, &sub, submit);
	job = (struct hf_engine_job){
		.va = submit->cmd_va,
		.size = submit->cmd_size,
		.wait = sub.waits,
		.nwait = sub.nwaits,
	};
	if (!ret)
		ret = hf_engine_submit(context, &job, &fence);
	if (!ret) {
		hf_syncs_attach(&sub.syncs, fence);
		add_to_reservations(&sub, fence);
		check_writes(call, &sub);
		hf_fence_put(fence);
	}
	finish(&sub);
	return ret;
}
