/* SPDX-License-Identifier: MIT */
/*
 * Small integers for pointers, lowest first, as the kernel's idr gives them.
 */
#ifndef HF_BASE_IDR_H
#define HF_BASE_IDR_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct hf_idr - A table from ids (1 and up) to pointers.
 *
 * Zero-filled is empty. The owner serialises its use.
 */
struct hf_idr {
	void **slots;
	uint64_t *full; /* a bit for each used slot */
	uint32_t size;	/* slots, a multiple of 64 */
	uint32_t lowest; /* no free slot below */
	uint32_t count;
};

/**
 * hf_idr_alloc() - Give a pointer the lowest free id.
 *
 * Return: the id, at least 1, or -ENOMEM.
 */
int hf_idr_alloc(struct hf_idr *idr, void *ptr);

/** hf_idr_find() - The pointer of an id, or NULL. */
void *hf_idr_find(const struct hf_idr *idr, uint32_t id);

/** hf_idr_remove() - Free an id. Return: its pointer, or NULL. */
void *hf_idr_remove(struct hf_idr *idr, uint32_t id);

/**
 * hf_idr_next() - Iterate: the first pointer whose id is at least *@id.
 * @id: set to its id; start at 1, and add 1 to go on
 *
 * Return: NULL after the last.
 */
void *hf_idr_next(const struct hf_idr *idr, uint32_t *id);

/** hf_idr_finish() - Free the table itself. */
void hf_idr_finish(struct hf_idr *idr);

#endif
