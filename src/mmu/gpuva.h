/* SPDX-License-Identifier: MIT */
/*
 * The mappings of an address space in order, split and merged: what the kernel's
 * drm_gpuvm does. Knows no tables, and drops no references: a mapping that goes
 * is handed to the caller, with its own.
 *
 * The lock of the devices protects it.
 */
#ifndef HF_MMU_GPUVA_H
#define HF_MMU_GPUVA_H

#include <bsd/sys/tree.h>
#include <wayland-util.h>

#include "mmu/vm.h"

/**
 * struct hf_gpuva - A node.
 * @by_va: in hf_gpuva_space.tree
 * @link: in hf_gpuva_space.spares, or in a list of those that went
 */
struct hf_gpuva {
	struct hf_vma vma;
	RB_ENTRY(hf_gpuva) by_va;
	struct wl_list link;
};

RB_HEAD(hf_gpuva_tree, hf_gpuva);

/**
 * struct hf_gpuva_space - All of them.
 * @spares: nodes for changes to come
 * @nspares: how many
 */
struct hf_gpuva_space {
	struct hf_gpuva_tree tree;
	struct wl_list spares;
	size_t nspares;
};

void hf_gpuva_init(struct hf_gpuva_space *space);
/** hf_gpuva_finish() - The tree is empty. */
void hf_gpuva_finish(struct hf_gpuva_space *space);

/** hf_gpuva_prepare() - Make sure that @n changes cannot fail. 0 or -ENOMEM. */
int hf_gpuva_prepare(struct hf_gpuva_space *space, size_t n);
/** hf_gpuva_settle() - Free all but a few spares. */
void hf_gpuva_settle(struct hf_gpuva_space *space);

/** hf_gpuva_first() - The first one that ends after @va, or NULL. */
struct hf_gpuva *hf_gpuva_first(const struct hf_gpuva_space *space,
				hf_gpuva_t va);

/**
 * hf_gpuva_remove() - Clear a range.
 * @gone: those that went are added here
 *
 * What is covered in part keeps the rest; a rest on both sides takes a reference.
 *
 * Return: there was something.
 */
bool hf_gpuva_remove(struct hf_gpuva_space *space, hf_gpuva_t va, uint64_t size,
		     struct wl_list *gone);

/**
 * hf_gpuva_insert() - Add a mapping where there is none; takes a reference.
 * @gone: likewise: neighbours that became part of it
 */
void hf_gpuva_insert(struct hf_gpuva_space *space, const struct hf_vma *vma,
		     struct wl_list *gone);

/** hf_gpuva_is() - Is all of a mapping there already? */
bool hf_gpuva_is(const struct hf_gpuva_space *space, const struct hf_vma *vma);

/** hf_gpuva_drop() - Drop the references of those that went; keep the nodes. */
void hf_gpuva_drop(struct hf_gpuva_space *space, struct wl_list *gone);

#endif
