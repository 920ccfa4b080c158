/* SPDX-License-Identifier: MIT */
/*
 * Syncobjs: containers for a fence (binary) or for the points of a timeline.
 * The kernel's drm_syncobj, with dma_fence_chain's rules for points.
 *
 * The lock of the devices protects them.
 */
#ifndef HF_SYNC_SYNCOBJ_H
#define HF_SYNC_SYNCOBJ_H

#include "base/endpoint.h"
#include "base/idr.h"
#include "sync/fence.h"

struct hf_syncobj;
struct hf_syncobj_point;

/** hf_syncobj_create() - Without a fence. Return: NULL and ENOMEM. */
struct hf_syncobj *hf_syncobj_create(void);
struct hf_syncobj *hf_syncobj_get(struct hf_syncobj *syncobj);
/** hf_syncobj_put() - Takes NULL. */
void hf_syncobj_put(struct hf_syncobj *syncobj);

/** hf_syncobj_replace() - Let it hold this fence (or NULL: none). */
void hf_syncobj_replace(struct hf_syncobj *syncobj, struct hf_fence *fence);
/**
 * hf_syncobj_add_point() - A point of its timeline.
 *
 * One that is not beyond the last is taken as another fence for the last.
 *
 * Return: 0 or -ENOMEM.
 */
int hf_syncobj_add_point(struct hf_syncobj *syncobj, struct hf_fence *fence,
			 uint64_t point);

/** hf_syncobj_point_create() - What a point takes. NULL and ENOMEM. */
struct hf_syncobj_point *hf_syncobj_point_create(void);
/** hf_syncobj_point_destroy() - One that was not used. Takes NULL. */
void hf_syncobj_point_destroy(struct hf_syncobj_point *point);
/**
 * hf_syncobj_use_point() - hf_syncobj_add_point() that cannot fail.
 * @point: made before; not the caller's any more
 */
void hf_syncobj_use_point(struct hf_syncobj *syncobj,
			  struct hf_syncobj_point *point,
			  struct hf_fence *fence, uint64_t value);

enum hf_syncobj_state {
	HF_SYNCOBJ_EMPTY,    /* there is no fence for the point yet */
	HF_SYNCOBJ_PENDING,  /* there is one */
	HF_SYNCOBJ_SIGNALED,
};

/** hf_syncobj_look() - How it is at a point; 0: the whole of it. */
enum hf_syncobj_state hf_syncobj_look(const struct hf_syncobj *syncobj,
				      uint64_t point);

/**
 * hf_syncobj_find_fence() - What a job waits for, or a wait.
 * @point: 0: the whole of it
 * @fence: set to it with a reference; a signaled one for a point that is passed
 *
 * Return: 0; -EINVAL where there is no fence (yet) for it; -ENOMEM.
 */
int hf_syncobj_find_fence(struct hf_syncobj *syncobj, uint64_t point,
			  struct hf_fence **fence);

/**
 * struct hf_syncobj_cb - Be told when a fence appears for a point.
 * @fn: called once; off the list by then
 * @gone: called instead, where the syncobj goes first; for one whose owner holds
 *	no reference, else NULL
 * @ready: with a reference: @fn is about to be called; else NULL
 */
struct hf_syncobj_cb {
	uint64_t point;
	void (*fn)(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb);
	void (*gone)(struct hf_syncobj_cb *cb);
	struct hf_syncobj *ready;
	struct wl_list link;
};

/**
 * hf_syncobj_add_cb() - Be told.
 * @cb: filled in
 *
 * For a point that hf_syncobj_look() finds empty.
 */
void hf_syncobj_add_cb(struct hf_syncobj *syncobj, struct hf_syncobj_cb *cb);
/** hf_syncobj_remove_cb() - It will not be called any more. */
void hf_syncobj_remove_cb(struct hf_syncobj_cb *cb);

/** hf_syncobj_query() - The last point that is signaled, or submitted. */
uint64_t hf_syncobj_query(const struct hf_syncobj *syncobj, bool last_submitted);

/* -- what clients hold of them --------------------------------------------- */

/**
 * struct hf_syncobj_file - A file's.
 * @handles: to struct hf_syncobj, each with a reference
 * @eventfds: registered by this file, not fired yet: hf_syncobj_eventfd()
 */
struct hf_syncobj_file {
	struct hf_idr handles;
	struct wl_list eventfds;
	uint32_t num_eventfds;
};

void hf_syncobj_file_init(struct hf_syncobj_file *file);
/** hf_syncobj_file_finish() - Close all handles that are left. */
void hf_syncobj_file_finish(struct hf_syncobj_file *file);

/**
 * hf_syncobj_handle_create() - A handle, lowest first.
 *
 * Takes a reference of its own. Return: the handle or -ENOMEM.
 */
int hf_syncobj_handle_create(struct hf_syncobj_file *file,
			     struct hf_syncobj *syncobj);
/** hf_syncobj_handle_delete() - Return: 0, or -EINVAL for no such handle. */
int hf_syncobj_handle_delete(struct hf_syncobj_file *file, uint32_t handle);
/** hf_syncobj_lookup() - Of a handle, or NULL; no reference. */
struct hf_syncobj *hf_syncobj_lookup(const struct hf_syncobj_file *file,
				     uint32_t handle);

/**
 * hf_syncobj_export() - A descriptor of a syncobj, which keeps it alive.
 * @instance: the device's, for the descriptor's name
 *
 * Return: the client's descriptor, or a negative errno: -EMFILE, -ENOMEM.
 */
int hf_syncobj_export(struct hf_endpoints *endpoints, const char *instance,
		      struct hf_syncobj *syncobj);
/** hf_syncobj_import() - The one of a descriptor, or NULL; no reference. */
struct hf_syncobj *hf_syncobj_import(struct hf_endpoints *endpoints, int fd);

/**
 * hf_syncobj_eventfd() - Add 1 to an eventfd, once.
 * @fd: stays the caller's
 * @available: when there is a fence for the point; else when it is signaled
 *
 * It lasts as long as the syncobj, or the fence it waits for, whether or not
 * the file does.
 *
 * Return: 0; -EINVAL where it is no eventfd; -EMFILE where the file has too many
 * waiting; -ENOMEM; -EOPNOTSUPP where the machine has no way to do it.
 */
int hf_syncobj_eventfd(struct hf_syncobj_file *file, struct hf_syncobj *syncobj,
		       uint64_t point, bool available, int fd);

#endif
