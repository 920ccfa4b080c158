/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of address spaces.
 */
#include <errno.h>
#include <stdlib.h>

#include "holdfast_drm.h"
#include "uapi/bind.h"
#include "uapi/handlers.h"
#include "uapi/syncs.h"

#define MAX_OPS 4096
#define MAX_QUEUED 65536 /* operations, of a space */
#define MAX_SPACES 256 /* of a file */
#define MAP_FLAGS (HOLDFAST_BIND_READ_ONLY | HOLDFAST_BIND_SPARSE)

int hf_ioctl_vm_create(struct hf_call *call, void *arg)
{
	struct drm_holdfast_vm_create *create = arg;
	struct hf_address_space *space;
	int id;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	if (create->flags)
		return -EINVAL;
	if (call->file->spaces.count >= MAX_SPACES)
		return -ENOSPC;
	space = hf_address_space_create(&call->dev->dma, call->dev->sys->clock);
	if (!space)
		return -ENOMEM;
	id = hf_idr_alloc(&call->file->spaces, space);
	if (id < 0) {
		hf_address_space_destroy(space);
		return id;
	}
	create->vm_id = id;
	return 0;
}

/* Contexts that run jobs in it keep the address space itself. */
int hf_ioctl_vm_destroy(struct hf_call *call, void *arg)
{
	const struct drm_holdfast_vm_destroy *destroy = arg;
	struct hf_address_space *space;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	if (destroy->pad)
		return -EINVAL;
	space = hf_idr_remove(&call->file->spaces, destroy->vm_id);
	if (!space)
		return -ENOENT;
	hf_address_space_destroy(space);
	return 0;
}

/* -- VM_BIND ------------------------------------------------------------------ */

static int check_op(const struct drm_holdfast_bind_op *op)
{
	if (op->pad || (op->flags & ~MAP_FLAGS))
		return -EINVAL;
	if (op->op == HOLDFAST_BIND_UNMAP)
		return op->flags || op->handle || op->offset ? -EINVAL : 0;
	if (op->op != HOLDFAST_BIND_MAP)
		return -EINVAL;
	if (op->flags & HOLDFAST_BIND_SPARSE)
		return op->handle || op->offset ? -EINVAL : 0;
	return 0;
}

/* The memory of a handle, as a map needs it, with a reference. */
static int get_memory(struct hf_call *call,
		      const struct drm_holdfast_bind_op *op,
		      struct hf_vm_memory **memory)
{
	struct hf_gem_object *object =
		hf_gem_lookup(&call->file->gem, op->handle);
	struct hf_gem_mapping *mapping;
	int ret = 0;

	if (!object)
		return -ENOENT;
	if (hf_gem_object_read_only(object) &&
	    !(op->flags & HOLDFAST_BIND_READ_ONLY))
		ret = -EACCES;
	if (!ret)
		ret = hf_call_populate(call, object);
	if (!ret) {
		mapping = hf_gem_map(object);
		ret = mapping ? 0 : -errno;
	}
	hf_gem_object_put(object);
	if (!ret)
		*memory = &mapping->memory;
	return ret;
}

static int make_op(struct hf_call *call, const struct drm_holdfast_bind_op *op,
		   struct hf_vm_op *out)
{
	int ret = check_op(op);

	if (ret)
		return ret;
	out->type = op->op == HOLDFAST_BIND_MAP ? HF_VM_MAP : HF_VM_UNMAP;
	out->vma.va = op->va;
	out->vma.size = op->range;
	out->vma.offset = op->offset;
	out->vma.read_only = op->flags & HOLDFAST_BIND_READ_ONLY;
	if (out->type == HF_VM_UNMAP || (op->flags & HOLDFAST_BIND_SPARSE))
		return 0;
	return get_memory(call, op, &out->vma.memory);
}

static int make_ops(struct hf_call *call, struct hf_vm *vm,
		    const struct drm_holdfast_bind_op *ops, size_t n,
		    struct hf_vm_op **out)
{
	struct hf_vm_op *made = calloc(n, sizeof(*made));
	int ret = made ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < n; i++)
		ret = make_op(call, &ops[i], &made[i]);
	if (!ret)
		ret = hf_vm_check(vm, made, n);
	if (ret)
		hf_bind_ops_free(made, n);
	else
		*out = made;
	return ret;
}

/* Binds with fences are before this one, which has none: it waits for them. */
static void bind_done(struct hf_bind *bind, int ret)
{
	hf_call_complete(bind->data, ret);
}

static void cancel_bind(struct hf_call *call)
{
	hf_bind_destroy(call->wait.bind);
}

static int bind_now(struct hf_call *call, struct hf_address_space *space,
		    struct hf_vm_op *ops, size_t n)
{
	struct hf_bind *bind;
	int ret;

	if (wl_list_empty(&space->binds)) {
		ret = hf_vm_bind(space->vm, ops, n);
		hf_bind_ops_free(ops, n);
		return ret;
	}
	bind = hf_bind_create(space, ops, n);
	if (!bind) {
		hf_bind_ops_free(ops, n);
		return -ENOMEM;
	}
	bind->done = bind_done;
	bind->data = call;
	call->wait.bind = bind;
	hf_bind_queue(bind, NULL);
	return hf_call_park(call, cancel_bind, true);
}

static int bind_later(struct hf_address_space *space, struct hf_vm_op *ops,
		      size_t n, struct hf_syncs *syncs)
{
	struct hf_bind *bind = hf_bind_create(space, ops, n);
	struct hf_fence *after = NULL;

	if (bind && syncs->nwait) {
		after = hf_fence_merge(syncs->wait, syncs->nwait);
		if (!after) {
			hf_bind_destroy(bind);
			return -ENOMEM;
		}
	}
	if (!bind) {
		hf_bind_ops_free(ops, n);
		return -ENOMEM;
	}
	hf_syncs_attach(syncs, bind->fence);
	hf_bind_queue(bind, after);
	hf_fence_put(after);
	return 0;
}

int hf_ioctl_vm_bind(struct hf_call *call, void *arg)
{
	const struct drm_holdfast_vm_bind *bind = arg;
	const void *user_ops, *user_syncs;
	struct hf_address_space *space;
	struct hf_vm_op *ops;
	struct hf_syncs syncs;
	int ret;

	if (!call->dev->engine)
		return -EOPNOTSUPP;
	if (bind->flags || !bind->num_ops || bind->num_ops > MAX_OPS ||
	    bind->num_syncs > HF_SYNCS_MAX)
		return -EINVAL;
	space = hf_idr_find(&call->file->spaces, bind->vm_id);
	if (!space)
		return -ENOENT;
	if (space->queued_ops + bind->num_ops > MAX_QUEUED)
		return -EAGAIN;
	ret = hf_call_copy_in(call, 0, bind->num_ops, &user_ops);
	if (!ret)
		ret = hf_call_copy_in(call, 1, bind->num_syncs, &user_syncs);
	if (!ret)
		ret = hf_syncs_prepare(call->file, user_syncs, bind->num_syncs,
				       &syncs);
	if (ret)
		return ret;
	ret = make_ops(call, space->vm, user_ops, bind->num_ops, &ops);
	if (!ret)
		ret = bind->num_syncs ?
			      bind_later(space, ops, bind->num_ops, &syncs) :
			      bind_now(call, space, ops, bind->num_ops);
	hf_syncs_finish(&syncs);
	return ret;
}
