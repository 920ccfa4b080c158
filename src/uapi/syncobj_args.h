/* SPDX-License-Identifier: MIT */
/*
 * The arguments that the ioctls of syncobjs have in common.
 */
#ifndef HF_UAPI_SYNCOBJ_ARGS_H
#define HF_UAPI_SYNCOBJ_ARGS_H

#include "uapi/call.h"

/* What the kernel would allocate for an array at the most, bytes. */
#define HF_SYNCOBJ_ALLOC_MAX (4u << 20)

/**
 * hf_call_syncobjs() - The handles of a call: its array 0, all of them good.
 *
 * Return: 0, -ENOMEM, -EFAULT, or -ENOENT for one that is none.
 */
int hf_call_syncobjs(struct hf_call *call, uint32_t n,
		     const uint32_t **handles);
/**
 * hf_call_points() - The points of a call: its array 1.
 * @ptr: as the client gave it
 * @points: set to NULL where that is NULL, which stands for zeroes
 */
int hf_call_points(struct hf_call *call, uint64_t ptr, uint32_t n,
		   const uint64_t **points);

#endif
