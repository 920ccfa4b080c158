/* SPDX-License-Identifier: MIT */
/*
 * The holes of a space of addresses, as a treap by address in which each node
 * knows the largest hole below it. For iova.c, which locks.
 *
 * The nodes are in one array that grows when addresses are taken, to as many
 * nodes as giving back could ever need, so giving back cannot fail.
 */
#ifndef HF_DMA_IOVA_TREE_H
#define HF_DMA_IOVA_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dma/sg.h"

/**
 * struct hf_iova_hole - Addresses that nobody has.
 * @start: the first one
 * @size: bytes
 * @max: the largest size in this subtree
 * @priority: a random number; a heap by it
 */
struct hf_iova_hole {
	hf_iova_t start;
	uint64_t size, max;
	uint32_t left, right, priority;
};

/**
 * struct hf_iova_tree - All of the holes.
 * @holes: nodes; 0 is no node
 * @capacity: nodes in the array
 * @used: nodes that were ever used
 * @spare: a list, by @right, of those that are not used now
 * @taken: ranges that were taken and not given back
 * @seed: of priorities
 */
struct hf_iova_tree {
	struct hf_iova_hole *holes;
	uint32_t root, capacity, used, spare, seed;
	size_t taken;
};

/** hf_iova_tree_init() - One hole. Return: 0 or -ENOMEM. */
int hf_iova_tree_init(struct hf_iova_tree *tree, hf_iova_t start,
		      uint64_t size);
void hf_iova_tree_finish(struct hf_iova_tree *tree);

/**
 * hf_iova_tree_take() - Take a range out of the highest hole that has it.
 *
 * Return: its address, or 0 where no hole has it or there is no memory.
 */
hf_iova_t hf_iova_tree_take(struct hf_iova_tree *tree, uint64_t size,
			    uint64_t align, hf_iova_t limit);
/** hf_iova_tree_take_at() - Take this one. 0, -EBUSY, -ENOMEM. */
int hf_iova_tree_take_at(struct hf_iova_tree *tree, hf_iova_t start,
			 uint64_t size);
/** hf_iova_tree_give() - Back. Return: false where some of it was not taken. */
bool hf_iova_tree_give(struct hf_iova_tree *tree, hf_iova_t start,
		       uint64_t size);

#endif
