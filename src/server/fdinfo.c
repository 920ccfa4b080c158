/* SPDX-License-Identifier: MIT */
/*
 * What a file uses, under the keys of the kernel's drm-usage-stats
 * (Documentation/gpu/drm-usage-stats.rst), for /proc/PID/fdinfo/FD.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "drivers/soft/engine.h"
#include "mem/shmem.h"
#include "server/server.h"
#include "sync/resv.h"

/* Bytes of the objects that a file has handles for. */
struct usage {
	uint64_t total, shared, resident, purgeable, active;
};

static uint64_t resident(const struct hf_gem_object *object)
{
	struct stat st;

	if (!object->backing)
		return object->size;
	return fstat(object->backing->fd, &st) ? 0 :
						 (uint64_t)st.st_blocks * 512;
}

static bool is_active(const struct hf_gem_object *object)
{
	struct hf_fence *fence = NULL;
	bool active;

	if (!object->backing || hf_resv_fence(object->backing, true, &fence))
		return false;
	active = fence;
	hf_fence_put(fence);
	return active;
}

static void count(struct hf_file *file, struct usage *usage)
{
	struct hf_gem_ref *ref;

	for (uint32_t id = 1; (ref = hf_idr_next(&file->gem.handles, &id));
	     id++) {
		const struct hf_gem_object *object = ref->object;

		usage->total += object->size;
		usage->shared += object->handle_count > 1 ? object->size : 0;
		usage->resident += resident(object);
		usage->purgeable +=
			object->dontneed && !object->purged ? object->size : 0;
		usage->active += is_active(object) ? object->size : 0;
	}
}

static uint64_t busy_ns(struct hf_file *file)
{
	struct hf_engine_context *context;
	struct hf_engine_status status;
	uint64_t ns = file->busy_ns;

	for (uint32_t id = 1; (context = hf_idr_next(&file->contexts, &id));
	     id++) {
		hf_engine_context_status(context, &status);
		ns += status.busy_ns;
	}
	return ns;
}

int hf_fdinfo(struct hf_file *file)
{
	struct usage usage = { 0 };
	char text[1024];
	int n;

	count(file, &usage);
	n = snprintf(text, sizeof(text),
		     "drm-driver:\t%s\n"
		     "drm-client-id:\t%u\n"
		     "drm-total-memory:\t%lu KiB\n"
		     "drm-shared-memory:\t%lu KiB\n"
		     "drm-resident-memory:\t%lu KiB\n"
		     "drm-purgeable-memory:\t%lu KiB\n"
		     "drm-active-memory:\t%lu KiB\n",
		     file->dev->driver->name, file->id, usage.total / 1024,
		     usage.shared / 1024, usage.resident / 1024,
		     usage.purgeable / 1024, usage.active / 1024);
	if (file->dev->engine)
		n += snprintf(text + n, sizeof(text) - n,
			      "drm-engine-2d:\t%lu ns\n"
			      "drm-engine-capacity-2d:\t%u\n",
			      busy_ns(file),
			      hf_engine_cores(file->dev->engine));
	return hf_shmem_data("holdfast fdinfo", text, n);
}
