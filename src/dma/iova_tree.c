/* SPDX-License-Identifier: MIT */
/*
 * A treap of holes. Neighbouring holes are always one hole, so the number of
 * holes is at most that of taken ranges plus one.
 *
 * Recursion is as deep as the tree, which priorities keep at a few dozen for
 * any number of holes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dma/iova_tree.h"

/* Holes that are large enough and yet do not fit, before a search gets strict. */
#define TRIES 16

static struct hf_iova_hole *hole_at(struct hf_iova_tree *tree, uint32_t i)
{
	return &tree->holes[i];
}

static void update(struct hf_iova_tree *tree, uint32_t i)
{
	struct hf_iova_hole *hole = hole_at(tree, i);
	uint64_t left = hole_at(tree, hole->left)->max;
	uint64_t right = hole_at(tree, hole->right)->max;
	uint64_t max = left > right ? left : right;

	hole->max = hole->size > max ? hole->size : max;
}

/* A hole changed its size: tell those above it. */
static void refresh(struct hf_iova_tree *tree, uint32_t i, hf_iova_t start)
{
	struct hf_iova_hole *hole = hole_at(tree, i);

	if (start < hole->start)
		refresh(tree, hole->left, start);
	else if (start > hole->start)
		refresh(tree, hole->right, start);
	update(tree, i);
}

/* Split the subtree @i into those below @start and the others. */
static void split(struct hf_iova_tree *tree, uint32_t i, hf_iova_t start,
		  uint32_t *below, uint32_t *above)
{
	struct hf_iova_hole *hole = hole_at(tree, i);

	if (!i) {
		*below = *above = 0;
		return;
	}
	if (hole->start < start) {
		split(tree, hole->right, start, &hole->right, above);
		*below = i;
	} else {
		split(tree, hole->left, start, below, &hole->left);
		*above = i;
	}
	update(tree, i);
}

static uint32_t merge(struct hf_iova_tree *tree, uint32_t left, uint32_t right)
{
	if (!left || !right)
		return left ? left : right;
	if (hole_at(tree, left)->priority > hole_at(tree, right)->priority) {
		struct hf_iova_hole *hole = hole_at(tree, left);

		hole->right = merge(tree, hole->right, right);
		update(tree, left);
		return left;
	}
	hole_at(tree, right)->left =
		merge(tree, left, hole_at(tree, right)->left);
	update(tree, right);
	return right;
}

static uint32_t insert_at(struct hf_iova_tree *tree, uint32_t root, uint32_t i)
{
	struct hf_iova_hole *hole = hole_at(tree, i);
	struct hf_iova_hole *top = hole_at(tree, root);

	if (!root || top->priority < hole->priority) {
		split(tree, root, hole->start, &hole->left, &hole->right);
		update(tree, i);
		return i;
	}
	if (hole->start < top->start)
		top->left = insert_at(tree, top->left, i);
	else
		top->right = insert_at(tree, top->right, i);
	update(tree, root);
	return root;
}

static uint32_t remove_at(struct hf_iova_tree *tree, uint32_t root, uint32_t i)
{
	struct hf_iova_hole *top = hole_at(tree, root);

	if (root == i)
		return merge(tree, top->left, top->right);
	if (hole_at(tree, i)->start < top->start)
		top->left = remove_at(tree, top->left, i);
	else
		top->right = remove_at(tree, top->right, i);
	update(tree, root);
	return root;
}

static uint32_t next_priority(struct hf_iova_tree *tree)
{
	tree->seed ^= tree->seed << 13;
	tree->seed ^= tree->seed >> 17;
	tree->seed ^= tree->seed << 5;
	return tree->seed;
}

/* Room for as many holes as there may be once one more range is taken. */
static int make_room(struct hf_iova_tree *tree)
{
	struct hf_iova_hole *holes;
	size_t need = tree->taken + 3; /* no node, and the one that is left */
	size_t capacity;

	if (need <= tree->capacity)
		return 0;
	capacity = tree->capacity ? 2 * (size_t)tree->capacity : 64;
	if (capacity > UINT32_MAX)
		return -ENOMEM;
	holes = realloc(tree->holes, capacity * sizeof(*holes));
	if (!holes)
		return -ENOMEM;
	tree->holes = holes;
	tree->capacity = capacity;
	return 0;
}

static void add_hole(struct hf_iova_tree *tree, hf_iova_t start, uint64_t size)
{
	uint32_t i = tree->spare;

	if (i)
		tree->spare = hole_at(tree, i)->right;
	else
		i = tree->used++;
	*hole_at(tree, i) = (struct hf_iova_hole){
		.start = start,
		.size = size,
		.priority = next_priority(tree),
	};
	tree->root = insert_at(tree, tree->root, i);
}

static void remove_hole(struct hf_iova_tree *tree, uint32_t i)
{
	tree->root = remove_at(tree, tree->root, i);
	hole_at(tree, i)->right = tree->spare;
	tree->spare = i;
}

/* Its order among the others stays. */
static void resize_hole(struct hf_iova_tree *tree, uint32_t i, hf_iova_t start,
			uint64_t size)
{
	hole_at(tree, i)->start = start;
	hole_at(tree, i)->size = size;
	refresh(tree, tree->root, start);
}

int hf_iova_tree_init(struct hf_iova_tree *tree, hf_iova_t start,
		      uint64_t size)
{
	memset(tree, 0, sizeof(*tree));
	tree->seed = 0x9e3779b9;
	if (make_room(tree))
		return -ENOMEM;
	memset(tree->holes, 0, sizeof(*tree->holes));
	tree->used = 1;
	add_hole(tree, start, size);
	return 0;
}

void hf_iova_tree_finish(struct hf_iova_tree *tree)
{
	free(tree->holes);
}

static void carve(struct hf_iova_tree *tree, uint32_t i, hf_iova_t start,
		  uint64_t size)
{
	struct hf_iova_hole hole = *hole_at(tree, i);
	uint64_t before = start - hole.start;
	uint64_t after = hole.size - before - size;

	if (before)
		resize_hole(tree, i, hole.start, before);
	else if (after)
		resize_hole(tree, i, start + size, after);
	else
		remove_hole(tree, i);
	if (before && after)
		add_hole(tree, start + size, after);
	tree->taken++;
}

/**
 * struct search - What is looked for.
 * @need: holes that are smaller are not looked at
 * @tries: left, then the search is given up
 * @at: set to where it was found
 */
struct search {
	uint64_t size, need, align;
	hf_iova_t limit, at;
	size_t tries;
};

static bool fits(const struct hf_iova_hole *hole, struct search *search)
{
	hf_iova_t last = hole->start + (hole->size - 1);

	if (last > search->limit)
		last = search->limit;
	if (last < hole->start || last - hole->start < search->size - 1)
		return false;
	search->at = (last - (search->size - 1)) & ~(search->align - 1);
	return search->at >= hole->start;
}

/* The highest hole that fits, or 0. */
static uint32_t find(struct hf_iova_tree *tree, uint32_t i,
		     struct search *search)
{
	struct hf_iova_hole *hole = hole_at(tree, i);
	uint32_t found;

	if (!i || hole->max < search->need || !search->tries)
		return 0;
	if (hole->start <= search->limit) {
		found = find(tree, hole->right, search);
		if (found)
			return found;
		if (hole->size >= search->need && search->tries) {
			if (fits(hole, search))
				return i;
			search->tries--;
		}
	}
	return find(tree, hole->left, search);
}

hf_iova_t hf_iova_tree_take(struct hf_iova_tree *tree, uint64_t size,
			    uint64_t align, hf_iova_t limit)
{
	struct search search = { .size = size, .need = size, .align = align,
				 .limit = limit, .tries = TRIES };
	uint32_t i;

	if (make_room(tree))
		return 0;
	i = find(tree, tree->root, &search);
	if (!i && !search.tries) {
		/* Such a hole fits wherever it starts, but for the limit. */
		search.need = size + align - HF_PAGE_SIZE;
		search.tries = TRIES;
		i = find(tree, tree->root, &search);
	}
	if (!i) {
		search.need = size;
		search.tries = SIZE_MAX;
		i = find(tree, tree->root, &search);
	}
	if (!i)
		return 0;
	carve(tree, i, search.at, size);
	return search.at;
}

/* The last hole that starts at or below an address, and the first above. */
static void neighbours(struct hf_iova_tree *tree, hf_iova_t start,
		       uint32_t *below, uint32_t *above)
{
	*below = *above = 0;
	for (uint32_t i = tree->root; i;) {
		struct hf_iova_hole *hole = hole_at(tree, i);

		if (hole->start <= start) {
			*below = i;
			i = hole->right;
		} else {
			*above = i;
			i = hole->left;
		}
	}
}

int hf_iova_tree_take_at(struct hf_iova_tree *tree, hf_iova_t start,
			 uint64_t size)
{
	uint32_t below, above;
	struct hf_iova_hole *hole;

	if (make_room(tree))
		return -ENOMEM;
	neighbours(tree, start, &below, &above);
	hole = hole_at(tree, below);
	if (!below || hole->size < size ||
	    start - hole->start > hole->size - size)
		return -EBUSY;
	carve(tree, below, start, size);
	return 0;
}

bool hf_iova_tree_give(struct hf_iova_tree *tree, hf_iova_t start,
		       uint64_t size)
{
	struct hf_iova_hole *low, *high;
	uint32_t below, above;
	bool joins_low, joins_high;

	neighbours(tree, start, &below, &above);
	low = hole_at(tree, below);
	high = hole_at(tree, above);
	if (!tree->taken || (below && low->start + low->size > start) ||
	    (above && high->start - start < size))
		return false;
	joins_low = below && low->start + low->size == start;
	joins_high = above && start + size == high->start;
	tree->taken--;
	if (joins_low && joins_high) {
		size += high->size;
		remove_hole(tree, above);
	}
	if (joins_low)
		resize_hole(tree, below, low->start, low->size + size);
	else if (joins_high)
		resize_hole(tree, above, start, high->size + size);
	else
		add_hole(tree, start, size);
	return true;
}
