/* SPDX-License-Identifier: MIT */
/* The syncs of a job. See the header. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "uapi/syncs.h"

static int add_wait(struct hf_syncs *syncs, struct hf_syncobj *syncobj,
		    uint64_t point)
{
	int ret = hf_syncobj_find_fence(syncobj, point,
					&syncs->wait[syncs->nwait]);

	if (!ret)
		syncs->nwait++;
	return ret;
}

static int add_signal(struct hf_syncs *syncs, struct hf_syncobj *syncobj,
		      uint64_t value)
{
	struct hf_sync_target *target = &syncs->signal[syncs->nsignal];

	if (value) {
		target->point = hf_syncobj_point_create();
		if (!target->point)
			return -ENOMEM;
	}
	target->syncobj = hf_syncobj_get(syncobj);
	target->value = value;
	syncs->nsignal++;
	return 0;
}

static int add(struct hf_file *file, const struct drm_holdfast_sync *sync,
	       struct hf_syncs *syncs)
{
	struct hf_syncobj *syncobj;

	if (sync->flags & ~HOLDFAST_SYNC_SIGNAL)
		return -EINVAL;
	syncobj = hf_syncobj_lookup(&file->syncobjs, sync->handle);
	if (!syncobj)
		return -ENOENT;
	return sync->flags & HOLDFAST_SYNC_SIGNAL ?
		       add_signal(syncs, syncobj, sync->point) :
		       add_wait(syncs, syncobj, sync->point);
}

int hf_syncs_prepare(struct hf_file *file,
		     const struct drm_holdfast_sync *syncs, size_t n,
		     struct hf_syncs *out)
{
	int ret = 0;

	memset(out, 0, sizeof(*out));
	if (!n)
		return 0;
	out->wait = calloc(n, sizeof(*out->wait));
	out->signal = calloc(n, sizeof(*out->signal));
	if (!out->wait || !out->signal)
		ret = -ENOMEM;
	for (size_t i = 0; !ret && i < n; i++)
		ret = add(file, &syncs[i], out);
	if (ret)
		hf_syncs_finish(out);
	return ret;
}

void hf_syncs_attach(struct hf_syncs *syncs, struct hf_fence *fence)
{
	for (size_t i = 0; i < syncs->nsignal; i++) {
		struct hf_sync_target *target = &syncs->signal[i];

		if (target->point)
			hf_syncobj_use_point(target->syncobj, target->point,
					     fence, target->value);
		else
			hf_syncobj_replace(target->syncobj, fence);
		target->point = NULL;
	}
}

void hf_syncs_finish(struct hf_syncs *syncs)
{
	for (size_t i = 0; i < syncs->nwait; i++)
		hf_fence_put(syncs->wait[i]);
	for (size_t i = 0; i < syncs->nsignal; i++) {
		hf_syncobj_point_destroy(syncs->signal[i].point);
		hf_syncobj_put(syncs->signal[i].syncobj);
	}
	free(syncs->wait);
	free(syncs->signal);
	memset(syncs, 0, sizeof(*syncs));
}
