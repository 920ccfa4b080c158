/* SPDX-License-Identifier: MIT */
/*
 * A file's address spaces, and their queues of binds: VM_BIND with fences is done
 * later, and in order. The lock of the devices protects them.
 */
#ifndef HF_UAPI_BIND_H
#define HF_UAPI_BIND_H

#include "mmu/vm.h"
#include "sync/fence.h"

struct hf_bind;

/**
 * struct hf_address_space - What a vm_id stands for.
 * @binds: that are not done yet, in order: hf_bind.link
 * @queued_ops: in all of them
 * @timeline: of their fences
 * @dying: what is queued is dropped, and nothing is done any more
 */
struct hf_address_space {
	struct hf_vm *vm;
	struct hf_clock *clock;
	struct wl_list binds;
	size_t queued_ops;
	struct hf_timeline timeline;
	bool dying;
};

/** hf_address_space_create() - Return: NULL and ENOMEM. */
struct hf_address_space *hf_address_space_create(struct hf_dma_device *dma,
						 struct hf_clock *clock);
/** hf_address_space_destroy() - Binds not done are dropped. Takes NULL. */
void hf_address_space_destroy(struct hf_address_space *space);

/**
 * struct hf_bind - Changes that wait for their turn.
 * @done: called once it is done, or was dropped (-ECANCELED); may be NULL
 */
struct hf_bind {
	struct hf_address_space *space;
	struct hf_vm_op *ops;
	size_t nops;
	struct hf_fence *fence; /* signals when it is done */
	struct hf_fence *after; /* it waits for this one; or NULL */
	struct hf_fence_cb cb;
	void (*done)(struct hf_bind *bind, int ret);
	void *data;
	struct wl_list link;
};

/**
 * hf_bind_create() - Prepare changes.
 * @ops: checked; owned by it then, with the references to their memory
 *
 * Return: NULL and ENOMEM, and @ops are still the caller's.
 */
struct hf_bind *hf_bind_create(struct hf_address_space *space,
			       struct hf_vm_op *ops, size_t nops);
/** hf_bind_queue() - Do it after @after (NULL: nothing) and all before it. */
void hf_bind_queue(struct hf_bind *bind, struct hf_fence *after);
/** hf_bind_destroy() - One that is not done, or was not queued. Takes NULL. */
void hf_bind_destroy(struct hf_bind *bind);
/** hf_bind_ops_free() - Free changes and drop their memory. Takes NULL. */
void hf_bind_ops_free(struct hf_vm_op *ops, size_t nops);

#endif
