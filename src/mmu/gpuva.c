// SPDX-License-Identifier: MIT
/*
 * The mappings of an address space: see mmu/gpuva.h. A red-black tree by
 * address, and a list of spare nodes, so that changes need no memory.
 *
 * The lock of the devices protects it.
 */
#include <errno.h>
#include <stdlib.h>

#include "mmu/gpuva.h"

/* A change adds a mapping, and makes two of one. */
#define NODES_A_CHANGE 2
/* Spares that are kept from one bind to the next. */
#define SPARES 16

static int compare(const struct hf_gpuva *a, const struct hf_gpuva *b)
{
	return (a->vma.va > b->vma.va) - (a->vma.va < b->vma.va);
}

RB_PROTOTYPE_INTERNAL(hf_gpuva_tree, hf_gpuva, by_va, compare, static inline)
RB_GENERATE_INTERNAL(hf_gpuva_tree, hf_gpuva, by_va, compare, static inline)

static hf_gpuva_t end_of(const struct hf_vma *vma)
{
	return vma->va + vma->size;
}

void hf_gpuva_init(struct hf_gpuva_space *space)
{
	RB_INIT(&space->tree);
	wl_list_init(&space->spares);
	space->nspares = 0;
}

static void free_spares(struct hf_gpuva_space *space, size_t keep)
{
	struct hf_gpuva *node;

	while (space->nspares > keep) {
		node = wl_container_of(space->spares.next, node, link);
		wl_list_remove(&node->link);
		free(node);
		space->nspares--;
	}
}

void hf_gpuva_finish(struct hf_gpuva_space *space)
{
	free_spares(space, 0);
}

void hf_gpuva_settle(struct hf_gpuva_space *space)
{
	free_spares(space, SPARES);
}

static void put_spare(struct hf_gpuva_space *space, struct hf_gpuva *node)
{
	wl_list_insert(&space->spares, &node->link);
	space->nspares++;
}

static struct hf_gpuva *take_spare(struct hf_gpuva_space *space,
				   const struct hf_vma *vma)
{
	struct hf_gpuva *node =
		wl_container_of(space->spares.next, node, link);

	wl_list_remove(&node->link);
	space->nspares--;
	node->vma = *vma;
	if (vma->memory)
		vma->memory->get(vma->memory);
	return node;
}

int hf_gpuva_prepare(struct hf_gpuva_space *space, size_t n)
{
	while (space->nspares < n * NODES_A_CHANGE) {
		struct hf_gpuva *node = calloc(1, sizeof(*node));

		if (!node)
			return -ENOMEM;
		put_spare(space, node);
	}
	return 0;
}

struct hf_gpuva *hf_gpuva_first(const struct hf_gpuva_space *space,
				hf_gpuva_t va)
{
	struct hf_gpuva *node = RB_ROOT(&space->tree), *first = NULL;

	while (node) {
		if (end_of(&node->vma) > va) {
			first = node;
			node = RB_LEFT(node, by_va);
		} else {
			node = RB_RIGHT(node, by_va);
		}
	}
	return first;
}

/* Take bytes off the front. */
static void trim_front(struct hf_vma *vma, uint64_t bytes)
{
	vma->va += bytes;
	vma->size -= bytes;
	if (vma->memory)
		vma->offset += bytes;
}

/* Make a mapping of its own of what is behind the range. */
static void keep_tail(struct hf_gpuva_space *space, struct hf_gpuva *node,
		      hf_gpuva_t end)
{
	struct hf_vma tail = node->vma;

	trim_front(&tail, end - tail.va);
	RB_INSERT(hf_gpuva_tree, &space->tree, take_spare(space, &tail));
}

bool hf_gpuva_remove(struct hf_gpuva_space *space, hf_gpuva_t va, uint64_t size,
		     struct wl_list *gone)
{
	struct hf_gpuva *node = hf_gpuva_first(space, va), *next;
	hf_gpuva_t end = va + size;
	bool found = false;

	for (; node && node->vma.va < end; node = next) {
		struct hf_vma *vma = &node->vma;

		found = true;
		next = RB_NEXT(hf_gpuva_tree, &space->tree, node);
		if (vma->va < va) {
			if (end_of(vma) > end)
				keep_tail(space, node, end);
			vma->size = va - vma->va;
		} else if (end_of(vma) > end) {
			trim_front(vma, end - vma->va);
		} else {
			RB_REMOVE(hf_gpuva_tree, &space->tree, node);
			wl_list_insert(gone->prev, &node->link);
		}
	}
	return found;
}

static bool continues(const struct hf_vma *a, const struct hf_vma *b)
{
	return end_of(a) == b->va && a->memory == b->memory &&
	       a->read_only == b->read_only &&
	       (!a->memory || a->offset + a->size == b->offset);
}

/* @b becomes part of @a. */
static void merge(struct hf_gpuva_space *space, struct hf_gpuva *a,
		  struct hf_gpuva *b, struct wl_list *gone)
{
	RB_REMOVE(hf_gpuva_tree, &space->tree, b);
	a->vma.size += b->vma.size;
	wl_list_insert(gone->prev, &b->link);
}

void hf_gpuva_insert(struct hf_gpuva_space *space, const struct hf_vma *vma,
		     struct wl_list *gone)
{
	struct hf_gpuva *node = take_spare(space, vma), *other;

	if (!node->vma.memory)
		node->vma.offset = 0;
	RB_INSERT(hf_gpuva_tree, &space->tree, node);
	other = RB_NEXT(hf_gpuva_tree, &space->tree, node);
	if (other && continues(&node->vma, &other->vma))
		merge(space, node, other, gone);
	other = RB_PREV(hf_gpuva_tree, &space->tree, node);
	if (other && continues(&other->vma, &node->vma))
		merge(space, other, node, gone);
}

bool hf_gpuva_is(const struct hf_gpuva_space *space, const struct hf_vma *vma)
{
	const struct hf_gpuva *node = hf_gpuva_first(space, vma->va);
	const struct hf_vma *have;

	if (!node)
		return false;
	have = &node->vma;
	return have->va <= vma->va && end_of(have) >= end_of(vma) &&
	       have->memory == vma->memory &&
	       have->read_only == vma->read_only &&
	       (!have->memory || have->offset + (vma->va - have->va) ==
					 vma->offset);
}

void hf_gpuva_drop(struct hf_gpuva_space *space, struct wl_list *gone)
{
	struct hf_gpuva *node;

	while (!wl_list_empty(gone)) {
		struct hf_vm_memory *memory;

		node = wl_container_of(gone->next, node, link);
		wl_list_remove(&node->link);
		memory = node->vma.memory;
		put_spare(space, node);
		if (memory)
			memory->put(memory);
	}
}
