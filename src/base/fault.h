/* SPDX-License-Identifier: MIT */
/*
 * Things that fail on purpose. A fault lives in the struct of whatever it
 * breaks, whose lock protects it; that asks it where it might fail by itself.
 */
#ifndef HF_BASE_FAULT_H
#define HF_BASE_FAULT_H

#include <stdint.h>

/**
 * struct hf_fault - The next few times, something fails.
 * @left: how often; 0: not armed
 * @error: a negative errno
 */
struct hf_fault {
	uint32_t left;
	int error;
};

/** hf_fault_take() - Return: 0 or the error, one of which is used up. */
static inline int hf_fault_take(struct hf_fault *fault)
{
	if (__builtin_expect(!fault->left, 1))
		return 0;
	fault->left--;
	return fault->error;
}

#endif
