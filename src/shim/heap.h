/* SPDX-License-Identifier: MIT */
/*
 * The C library's heap: memory that is there for certain.
 */
#ifndef HF_SHIM_HEAP_H
#define HF_SHIM_HEAP_H

#include <stdbool.h>
#include <stddef.h>

/**
 * hf_heap_has() - Is all of this on the heap, readable and writable?
 *
 * Costs a few loads, but for the first time. False does not mean that it is not.
 */
bool hf_heap_has(const void *addr, size_t size);

/** hf_heap_touched() - Something else is mapped there now, or nothing. */
void hf_heap_touched(const void *addr, size_t size);

#endif
