// SPDX-License-Identifier: MIT
/*
 * The device's page tables: see mmu/table.h.
 *
 * A table has two halves: 4 KiB of descriptors, which the device walks, and a
 * `struct node`, which is ours and knows where the tables below are. Tables come
 * from chunks of DMA memory.
 *
 * A node may have a child that its descriptor does not lead to: reserved for
 * later, or left over. Nothing is mapped in such a child, at any level below;
 * tables in chunks that nobody has are all zero. Both hold between any two calls.
 *
 * The lock of the devices protects it all, but the descriptors, which walkers
 * read at any time.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <wayland-util.h>

#include "mmu/table.h"

#define LAST_LEVEL (HF_PT_LEVELS - 1)
#define BLOCK_LEVEL (LAST_LEVEL - 1)
#define BLOCK_SIZE (1ull << 21)

/* Entries that the Contiguous bit makes one. */
#define GROUP 16u
#define GROUP_SIZE (GROUP * HF_PAGE_SIZE)

/* Tables in a chunk: the first one of a tree is small, as many trees are. */
#define CHUNK_FIRST 8
#define CHUNK_TABLES 64

typedef _Atomic uint64_t descriptor_t;

/*
 * struct chunk - Memory for tables.
 * @free: a bit for each table that nobody has
 * @link: in hf_page_table.chunks; those with free tables come first
 */
struct chunk {
	char *cpu;
	hf_iova_t iova;
	unsigned int tables;
	uint64_t free;
	struct wl_list link;
};

/*
 * struct node - A table.
 * @descs: its descriptors
 * @live: of level 3: how many of them are not 0
 * @child: of the other levels: the tables below
 */
struct node {
	descriptor_t *descs;
	hf_iova_t iova;
	struct chunk *chunk;
	unsigned int live;
	struct node *child[];
};

struct hf_page_table {
	struct hf_dma_device *dev;
	struct node *root;
	struct wl_list chunks;
	unsigned int next_chunk; /* tables */
	size_t bytes;
	size_t empty; /* tables of level 3 without a mapping */
};

static uint64_t load(const descriptor_t *desc)
{
	return atomic_load_explicit(desc, memory_order_relaxed);
}

/* A walker that sees it sees what it leads to. */
static void store(descriptor_t *desc, uint64_t value)
{
	atomic_store_explicit(desc, value, memory_order_release);
}

/* At levels 0..2. */
static bool is_table(uint64_t desc)
{
	return (desc & HF_PTE_VALID) && (desc & HF_PTE_TABLE);
}

static bool is_leaf(uint64_t desc)
{
	return desc && !is_table(desc);
}

static uint64_t entry_size(unsigned int level)
{
	return 1ull << hf_pt_shift(level);
}

/* Where the part of [va, end) ends that one entry covers. */
static uint64_t entry_end(hf_gpuva_t va, hf_gpuva_t end, unsigned int level)
{
	uint64_t next = (va | (entry_size(level) - 1)) + 1;

	return next < end ? next : end;
}

static void advance(struct hf_sg_pos *pos, uint64_t bytes)
{
	pos->offset += bytes;
	while (pos->offset && pos->offset >= pos->sg->dma_length) {
		pos->offset -= pos->sg->dma_length;
		pos->sg++;
	}
}

/* -- memory ------------------------------------------------------------------ */

static struct chunk *chunk_create(struct hf_page_table *table,
				  unsigned int tables)
{
	struct chunk *chunk = calloc(1, sizeof(*chunk));

	if (!chunk)
		return NULL;
	chunk->tables = tables;
	chunk->cpu = hf_dma_alloc(table->dev, chunk->tables * HF_PAGE_SIZE,
				  &chunk->iova);
	if (!chunk->cpu) {
		free(chunk);
		return NULL;
	}
	chunk->free = ~0ull >> (CHUNK_TABLES - chunk->tables);
	table->bytes += chunk->tables * HF_PAGE_SIZE;
	wl_list_insert(&table->chunks, &chunk->link);
	return chunk;
}

static void chunk_destroy(struct hf_page_table *table, struct chunk *chunk)
{
	size_t size = chunk->tables * HF_PAGE_SIZE;

	wl_list_remove(&chunk->link);
	hf_dma_free(table->dev, chunk->cpu, size, chunk->iova);
	table->bytes -= size;
	free(chunk);
}

static struct chunk *chunk_with_room(struct hf_page_table *table)
{
	unsigned int tables;
	struct chunk *chunk;

	if (!wl_list_empty(&table->chunks)) {
		chunk = wl_container_of(table->chunks.next, chunk, link);
		if (chunk->free)
			return chunk;
	}
	/* Without an IOMMU one run of addresses may be hard to find. */
	for (tables = table->next_chunk; tables; tables /= 2) {
		chunk = chunk_create(table, tables);
		if (!chunk)
			continue;
		table->next_chunk = tables;
		return chunk;
	}
	return NULL;
}

static struct node *node_create(struct hf_page_table *table, unsigned int level)
{
	size_t children = level == LAST_LEVEL ? 0 : HF_PT_ENTRIES;
	struct node *node;
	struct chunk *chunk;
	unsigned int i;

	node = calloc(1, sizeof(*node) + children * sizeof(node->child[0]));
	if (!node)
		return NULL;
	chunk = chunk_with_room(table);
	if (!chunk) {
		free(node);
		errno = ENOMEM;
		return NULL;
	}

	i = (unsigned int)__builtin_ctzll(chunk->free);
	chunk->free &= chunk->free - 1;
	if (!chunk->free) {
		wl_list_remove(&chunk->link);
		wl_list_insert(table->chunks.prev, &chunk->link);
	}
	node->chunk = chunk;
	node->descs = (descriptor_t *)(chunk->cpu + i * HF_PAGE_SIZE);
	node->iova = chunk->iova + i * HF_PAGE_SIZE;
	if (level == LAST_LEVEL)
		table->empty++;
	return node;
}

/* Its descriptors are all 0. */
static void node_destroy(struct hf_page_table *table, struct node *node,
			 unsigned int level)
{
	struct chunk *chunk = node->chunk;
	size_t i = (node->iova - chunk->iova) / HF_PAGE_SIZE;

	if (level == LAST_LEVEL)
		table->empty--;
	chunk->free |= 1ull << i;
	wl_list_remove(&chunk->link);
	wl_list_insert(&table->chunks, &chunk->link);
	if (chunk->free == ~0ull >> (CHUNK_TABLES - chunk->tables))
		chunk_destroy(table, chunk);
	free(node);
}

static void set_live(struct hf_page_table *table, struct node *node,
		     unsigned int live)
{
	table->empty += !live;
	table->empty -= !node->live;
	node->live = live;
}

struct hf_page_table *hf_page_table_create(struct hf_dma_device *dev)
{
	struct hf_page_table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->dev = dev;
	table->next_chunk = CHUNK_FIRST;
	wl_list_init(&table->chunks);
	table->root = node_create(table, 0);
	if (!table->root) {
		free(table);
		errno = ENOMEM;
		return NULL;
	}
	table->next_chunk = CHUNK_TABLES;
	return table;
}

static void free_nodes(struct node *node, unsigned int level)
{
	unsigned int i;

	for (i = 0; level < LAST_LEVEL && i < HF_PT_ENTRIES; i++)
		if (node->child[i])
			free_nodes(node->child[i], level + 1);
	free(node);
}

void hf_page_table_destroy(struct hf_page_table *table)
{
	struct chunk *chunk, *tmp;

	if (!table)
		return;
	free_nodes(table->root, 0);
	wl_list_for_each_safe(chunk, tmp, &table->chunks, link)
		chunk_destroy(table, chunk);
	free(table);
}

hf_iova_t hf_page_table_root(const struct hf_page_table *table)
{
	return table->root->iova;
}

size_t hf_page_table_bytes(const struct hf_page_table *table)
{
	return table->bytes;
}

size_t hf_page_table_empty(const struct hf_page_table *table)
{
	return table->empty * HF_PAGE_SIZE;
}

/* -- reserving --------------------------------------------------------------- */

enum use { USE_MAP, USE_SPARSE, USE_UNMAP };

/*
 * struct reservation - What for.
 * @from, @at: of a map: the memory, and the address that it belongs to
 */
struct reservation {
	struct hf_page_table *table;
	enum use use;
	struct hf_sg_pos from;
	hf_gpuva_t at;
};

/* How much of the range can be blocks, from its beginning on? */
static uint64_t blocks(const struct hf_sg_pos *pos, hf_gpuva_t va,
		       hf_gpuva_t end)
{
	uint64_t size = pos->sg->dma_length - pos->offset;

	if ((va | (pos->sg->dma + pos->offset)) & (BLOCK_SIZE - 1))
		return 0;
	if (size > end - va)
		size = end - va;
	return size & ~(BLOCK_SIZE - 1);
}

/* Where the entries that can be leaves end; @va if this one cannot. */
static hf_gpuva_t reserve_leaves(struct reservation *r, unsigned int level,
				 hf_gpuva_t va, hf_gpuva_t end)
{
	hf_gpuva_t next = entry_end(va, end, level);

	if (next - va < entry_size(level))
		return va;
	if (r->use != USE_MAP)
		return next;
	if (level != BLOCK_LEVEL)
		return va;
	advance(&r->from, va - r->at);
	r->at = va;
	return va + blocks(&r->from, va, end);
}

/* @filled: there may be something to cut when the change is made */
static int reserve(struct reservation *r, struct node *node, unsigned int level,
		   hf_gpuva_t va, hf_gpuva_t end, bool filled)
{
	hf_gpuva_t next;

	for (; va < end; va = next) {
		unsigned int i = hf_pt_index(va, level);
		bool cut = filled || is_leaf(load(&node->descs[i]));
		int err;

		/* With a table there it does not matter: ask if it is easy. */
		if (!node->child[i] || r->use != USE_MAP || r->at == va) {
			next = reserve_leaves(r, level, va, end);
			if (next != va)
				continue;
		}
		next = entry_end(va, end, level);
		if (!node->child[i]) {
			if (r->use == USE_UNMAP && !cut)
				continue;
			node->child[i] = node_create(r->table, level + 1);
			if (!node->child[i])
				return -ENOMEM;
		}
		if (level == BLOCK_LEVEL)
			continue;
		err = reserve(r, node->child[i], level + 1, va, next, cut);
		if (err)
			return err;
	}
	return 0;
}

int hf_page_table_reserve_map(struct hf_page_table *table, hf_gpuva_t va,
			      uint64_t size, struct hf_sg_pos from)
{
	struct reservation r = { table, USE_MAP, from, va };

	return reserve(&r, table->root, 0, va, va + size, false);
}

int hf_page_table_reserve_sparse(struct hf_page_table *table, hf_gpuva_t va,
				 uint64_t size)
{
	struct reservation r = { .table = table, .use = USE_SPARSE };

	return reserve(&r, table->root, 0, va, va + size, false);
}

int hf_page_table_reserve_unmap(struct hf_page_table *table, hf_gpuva_t va,
				uint64_t size, bool after_map)
{
	struct reservation r = { .table = table, .use = USE_UNMAP };

	return reserve(&r, table->root, 0, va, va + size, after_map);
}

/* -- clearing ---------------------------------------------------------------- */

static void clear_pages(struct hf_page_table *table, struct node *node,
			unsigned int first, unsigned int n)
{
	unsigned int i, left = node->live;

	if (!left)
		return;
	for (i = first; n < HF_PT_ENTRIES && i < first + n; i++)
		left -= load(&node->descs[i]) != 0;
	for (i = first; i < first + n; i++)
		store(&node->descs[i], 0);
	set_live(table, node, n < HF_PT_ENTRIES ? left : 0);
}

/* Nothing in the range reaches over its ends. Whole tables are taken out. */
static void clear(struct hf_page_table *table, struct node *node,
		  unsigned int level, hf_gpuva_t va, hf_gpuva_t end)
{
	hf_gpuva_t next;

	if (level == LAST_LEVEL) {
		clear_pages(table, node, hf_pt_index(va, level),
			    (unsigned int)((end - va) >> HF_PAGE_SHIFT));
		return;
	}
	for (; va < end; va = next) {
		unsigned int i = hf_pt_index(va, level);
		uint64_t desc = load(&node->descs[i]);

		next = entry_end(va, end, level);
		if (desc && (next - va == entry_size(level) || is_leaf(desc)))
			store(&node->descs[i], 0);
		if (is_table(desc))
			clear(table, node->child[i], level + 1, va, next);
	}
}

static void clear_all(struct hf_page_table *table, struct node *node,
		      unsigned int level)
{
	clear(table, node, level, 0, HF_PT_ENTRIES * entry_size(level));
}

/* -- cutting ----------------------------------------------------------------- */

static void link_child(struct node *node, unsigned int i)
{
	store(&node->descs[i],
	      node->child[i]->iova | HF_PTE_TABLE | HF_PTE_VALID);
}

/* One leaf becomes a table of leaves that say the same. */
static void split(struct hf_page_table *table, struct node *node,
		  unsigned int level, unsigned int i)
{
	struct node *child = node->child[i];
	uint64_t desc = load(&node->descs[i]), step = 0;
	unsigned int k;

	if (desc & HF_PTE_VALID) {
		desc |= HF_PTE_TABLE | HF_PTE_CONT;
		step = HF_PAGE_SIZE;
	}
	for (k = 0; k < HF_PT_ENTRIES; k++)
		store(&child->descs[k], desc + k * step);
	if (level + 1 == LAST_LEVEL)
		set_live(table, child, HF_PT_ENTRIES);
	link_child(node, i);
}

/* The entries stay valid, each on its own now. */
static void split_group(struct node *node, unsigned int i)
{
	unsigned int first = i & ~(GROUP - 1);

	for (i = first; i < first + GROUP; i++) {
		uint64_t desc = load(&node->descs[i]);

		if (desc & HF_PTE_CONT)
			store(&node->descs[i], desc & ~HF_PTE_CONT);
	}
}

/* No mapping of more than a page reaches over @va afterwards. */
static void cut(struct hf_page_table *table, hf_gpuva_t va)
{
	struct node *node = table->root;
	unsigned int level;

	for (level = 0; level < LAST_LEVEL; level++) {
		unsigned int i = hf_pt_index(va, level);
		uint64_t desc = load(&node->descs[i]);

		if (!desc || !(va & (entry_size(level) - 1)))
			return;
		if (is_leaf(desc))
			split(table, node, level, i);
		node = node->child[i];
	}
	if (va & (GROUP_SIZE - 1))
		split_group(node, hf_pt_index(va, LAST_LEVEL));
}

void hf_page_table_unmap(struct hf_page_table *table, hf_gpuva_t va,
			 uint64_t size)
{
	cut(table, va);
	cut(table, va + size);
	clear(table, table->root, 0, va, va + size);
}

/* -- mapping ----------------------------------------------------------------- */

/* Return: a table was taken out. */
static bool set_leaf(struct hf_page_table *table, struct node *node,
		     unsigned int level, unsigned int i, uint64_t desc)
{
	bool had_table = is_table(load(&node->descs[i]));

	store(&node->descs[i], desc);
	if (had_table)
		clear_all(table, node->child[i], level + 1);
	return had_table;
}

/* Consecutive memory. The Contiguous bit goes where sixteen entries allow. */
static void fill_run(descriptor_t *descs, unsigned int i, unsigned int n,
		     uint64_t desc)
{
	unsigned int end = i + n;
	bool groups = !((desc / HF_PAGE_SIZE - i) & (GROUP - 1));
	uint64_t cont = 0;

	for (; i < end; i++, desc += HF_PAGE_SIZE) {
		if (groups && !(i & (GROUP - 1)))
			cont = end - i >= GROUP ? HF_PTE_CONT : 0;
		store(&descs[i], desc | cont);
	}
}

/* None is looked at that need not be there: each one before it was small. */
static bool four_pages(const struct hf_sg *sg)
{
	return sg[0].dma_length == HF_PAGE_SIZE &&
	       sg[1].dma_length == HF_PAGE_SIZE &&
	       sg[2].dma_length == HF_PAGE_SIZE &&
	       sg[3].dma_length == HF_PAGE_SIZE;
}

/* While four pages are entries of their own. Return: where that ends. */
static unsigned int fill_scattered(descriptor_t *descs, unsigned int i,
				   unsigned int end, const struct hf_sg **from,
				   uint64_t attrs)
{
	const struct hf_sg *sg = *from;

	for (; end - i >= 4 && four_pages(sg); i += 4, sg += 4) {
		store(&descs[i], sg[0].dma | attrs);
		store(&descs[i + 1], sg[1].dma | attrs);
		store(&descs[i + 2], sg[2].dma | attrs);
		store(&descs[i + 3], sg[3].dma | attrs);
	}
	*from = sg;
	return i;
}

static void fill_pages(struct hf_page_table *table, struct node *node,
		       unsigned int i, unsigned int n, struct hf_sg_pos *from,
		       uint64_t attrs)
{
	const struct hf_sg *sg = from->sg;
	uint64_t offset = from->offset;
	unsigned int k, added = 0, end = i + n;

	attrs |= HF_PTE_TABLE;
	if (n == HF_PT_ENTRIES)
		added = n - node->live;
	else
		for (k = i; k < end; k++)
			added += !load(&node->descs[k]);

	while (i < end) {
		uint64_t run = (sg->dma_length - offset) >> HF_PAGE_SHIFT;
		uint64_t desc = (sg->dma + offset) | attrs;

		if (run <= end - i) {
			fill_run(node->descs, i, (unsigned int)run, desc);
			i += (unsigned int)run;
		} else {
			fill_run(node->descs, i, end - i, desc);
			offset += (uint64_t)(end - i) << HF_PAGE_SHIFT;
			break;
		}
		sg++;
		offset = 0;
		i = fill_scattered(node->descs, i, end, &sg, attrs);
	}
	from->sg = sg;
	from->offset = offset;
	set_live(table, node, node->live + added);
}

static bool set_blocks(struct hf_page_table *table, struct node *node,
		       unsigned int i, uint64_t size, uint64_t desc)
{
	unsigned int end = i + (unsigned int)(size / BLOCK_SIZE);
	bool removed = false;

	for (; i < end; i++, desc += BLOCK_SIZE)
		removed |= set_leaf(table, node, BLOCK_LEVEL, i, desc);
	return removed;
}

/* What reaches over the ends is cut. */
static bool map(struct hf_page_table *table, struct node *node,
		unsigned int level, hf_gpuva_t va, hf_gpuva_t end,
		struct hf_sg_pos *from, uint64_t attrs)
{
	bool removed = false;
	hf_gpuva_t next;

	for (; va < end; va = next) {
		unsigned int i = hf_pt_index(va, level);
		struct node *child = node->child[i];
		uint64_t size = level == BLOCK_LEVEL ? blocks(from, va, end)
						     : 0;

		if (size) {
			removed |= set_blocks(table, node, i, size,
					      (from->sg->dma + from->offset) |
						      attrs);
			advance(from, size);
			next = va + size;
			continue;
		}
		next = entry_end(va, end, level);
		if (level < BLOCK_LEVEL)
			removed |= map(table, child, level + 1, va, next, from,
				       attrs);
		else
			fill_pages(table, child, hf_pt_index(va, LAST_LEVEL),
				   (unsigned int)((next - va) >> HF_PAGE_SHIFT),
				   from, attrs);
		if (!is_table(load(&node->descs[i])))
			link_child(node, i);
	}
	return removed;
}

bool hf_page_table_map(struct hf_page_table *table, hf_gpuva_t va,
		       uint64_t size, struct hf_sg_pos from, bool writable)
{
	uint64_t attrs = HF_PTE_VALID | HF_PTE_USER | HF_PTE_SHARED | HF_PTE_AF;

	if (!writable)
		attrs |= HF_PTE_RDONLY;
	cut(table, va);
	cut(table, va + size);
	return map(table, table->root, 0, va, va + size, &from, attrs);
}

static bool map_sparse(struct hf_page_table *table, struct node *node,
		       unsigned int level, hf_gpuva_t va, hf_gpuva_t end,
		       uint64_t desc)
{
	bool removed = false;
	hf_gpuva_t next;

	for (; va < end; va = next) {
		unsigned int i = hf_pt_index(va, level);

		next = entry_end(va, end, level);
		if (level == LAST_LEVEL) {
			set_live(table, node,
				 node->live + !load(&node->descs[i]));
			store(&node->descs[i], desc);
		} else if (next - va == entry_size(level)) {
			removed |= set_leaf(table, node, level, i, desc);
		} else {
			removed |= map_sparse(table, node->child[i], level + 1,
					      va, next, desc);
			if (!is_table(load(&node->descs[i])))
				link_child(node, i);
		}
	}
	return removed;
}

bool hf_page_table_map_sparse(struct hf_page_table *table, hf_gpuva_t va,
			      uint64_t size, bool writable)
{
	uint64_t desc = HF_PTE_SPARSE | (writable ? 0 : HF_PTE_RDONLY);

	cut(table, va);
	cut(table, va + size);
	return map_sparse(table, table->root, 0, va, va + size, desc);
}

/* -- trimming ---------------------------------------------------------------- */

/* Return: nothing is left in it. */
static bool trim(struct hf_page_table *table, struct node *node,
		 unsigned int level)
{
	bool empty = true;
	unsigned int i;

	if (level == LAST_LEVEL)
		return !node->live;
	for (i = 0; i < HF_PT_ENTRIES; i++) {
		struct node *child = node->child[i];

		if (child && trim(table, child, level + 1)) {
			if (is_table(load(&node->descs[i])))
				store(&node->descs[i], 0);
			node->child[i] = NULL;
			node_destroy(table, child, level + 1);
		}
		empty &= !load(&node->descs[i]);
	}
	return empty;
}

void hf_page_table_trim(struct hf_page_table *table)
{
	trim(table, table->root, 0);
}
