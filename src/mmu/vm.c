// SPDX-License-Identifier: MIT
/*
 * Address spaces: see mmu/vm.h. Brings together the mappings (mmu/gpuva.h), the
 * tables (mmu/table.h), and what jobs can still reach.
 *
 * For the last, time is divided into epochs. Jobs belong to the one in which they
 * began. A change that takes mappings away while jobs run ends it, and leaves the
 * mappings with it; they are dropped when neither it nor an older one has jobs.
 *
 * The lock of the devices protects it.
 */
#include <errno.h>
#include <stdlib.h>

#include "mmu/internal.h"

/* Empty tables that an address space may keep, beyond as many as it uses. */
#define EMPTY_TABLES ((size_t)4 << 20)

/*
 * struct hf_vm_epoch - See above.
 * @number: what jobs know it by
 * @jobs: of it, that run
 * @gone: hf_gpuva.link
 * @link: in hf_vm.epochs
 */
struct hf_vm_epoch {
	uint64_t number;
	unsigned int jobs;
	struct wl_list gone;
	struct wl_list link;
};

/* -- memory ------------------------------------------------------------------ */

void hf_vm_memory_finish(struct hf_vm_memory *memory)
{
	free(memory->index);
	memory->index = NULL;
	memory->size = 0;
}

/* Without an index, for want of memory, finding an offset takes longer. */
static void memory_measure(struct hf_vm_memory *memory)
{
	const struct hf_sg_table *table = memory->table;
	uint64_t size = 0;
	size_t i;

	if (table->nents > HF_VM_INDEX)
		memory->index = calloc(table->nents / HF_VM_INDEX + 1,
				       sizeof(memory->index[0]));
	for (i = 0; i < table->nents; i++) {
		if (memory->index && i % HF_VM_INDEX == 0)
			memory->index[i / HF_VM_INDEX] = size;
		size += table->sgl[i].dma_length;
	}
	memory->size = size;
}

static uint64_t memory_size(struct hf_vm_memory *memory)
{
	if (!memory->size)
		memory_measure(memory);
	return memory->size;
}

/* The last entry of the index that begins at or before @offset. */
static size_t index_find(const struct hf_vm_memory *memory, uint64_t offset)
{
	size_t low = 0, high = (memory->table->nents - 1) / HF_VM_INDEX;

	while (low < high) {
		size_t middle = high - (high - low) / 2;

		if (memory->index[middle] <= offset)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

static struct hf_sg_pos memory_find(const struct hf_vm_memory *memory,
				    uint64_t offset)
{
	struct hf_sg_pos pos = { memory->table->sgl, offset };

	if (memory->index) {
		size_t i = index_find(memory, offset);

		pos.sg += i * HF_VM_INDEX;
		pos.offset -= memory->index[i];
	}
	while (pos.offset >= pos.sg->dma_length) {
		pos.offset -= pos.sg->dma_length;
		pos.sg++;
	}
	return pos;
}

/* -- epochs ------------------------------------------------------------------ */

static struct hf_vm_epoch *epoch_create(void)
{
	struct hf_vm_epoch *epoch = calloc(1, sizeof(*epoch));

	if (epoch) {
		wl_list_init(&epoch->gone);
		wl_list_init(&epoch->link);
	}
	return epoch;
}

static struct hf_vm_epoch *epoch_of(struct wl_list *link)
{
	struct hf_vm_epoch *epoch;

	return wl_container_of(link, epoch, link);
}

static struct hf_vm_epoch *current(const struct hf_vm *vm)
{
	return epoch_of(vm->epochs.prev);
}

static void move_list(struct wl_list *to, struct wl_list *from)
{
	wl_list_insert_list(to->prev, from);
	wl_list_init(from);
}

static void begin_epoch(struct hf_vm *vm)
{
	struct hf_vm_epoch *epoch = vm->spare;

	vm->spare = NULL;
	epoch->number = current(vm)->number + 1;
	wl_list_insert(vm->epochs.prev, &epoch->link);
}

/* Its jobs have ended, and it is not the current one. */
static void end_epoch(struct hf_vm *vm, struct hf_vm_epoch *epoch,
		      struct wl_list *gone)
{
	if (epoch->link.prev != &vm->epochs)
		gone = &epoch_of(epoch->link.prev)->gone;
	move_list(gone, &epoch->gone);
	wl_list_remove(&epoch->link);
	free(epoch);
}

static void take_away(struct hf_vm *vm)
{
	atomic_fetch_add_explicit(&vm->generation, 1, memory_order_release);
}

/* Without jobs, mappings and tables need not be kept. */
static void trim(struct hf_vm *vm)
{
	size_t empty = hf_page_table_empty(vm->table);
	size_t used = hf_page_table_bytes(vm->table) - empty;

	if (vm->jobs || empty <= EMPTY_TABLES + used)
		return;
	hf_page_table_trim(vm->table);
	take_away(vm);
}

/* Drop mappings, or leave them with the jobs that may reach them. */
static void release(struct hf_vm *vm, struct wl_list *gone)
{
	if (wl_list_empty(gone))
		return;
	if (!vm->jobs) {
		hf_gpuva_drop(&vm->space, gone);
		return;
	}
	if (current(vm)->jobs)
		begin_epoch(vm);
	move_list(&epoch_of(current(vm)->link.prev)->gone, gone);
}

uint64_t hf_vm_job_begin(struct hf_vm *vm)
{
	vm->jobs++;
	current(vm)->jobs++;
	return current(vm)->number;
}

void hf_vm_job_end(struct hf_vm *vm, uint64_t token)
{
	struct hf_vm_epoch *epoch = current(vm);
	struct wl_list gone;

	wl_list_init(&gone);
	while (epoch->number != token)
		epoch = epoch_of(epoch->link.prev);
	vm->jobs--;
	if (--epoch->jobs || epoch == current(vm)) {
		trim(vm);
		return;
	}
	end_epoch(vm, epoch, &gone);
	trim(vm);
	hf_gpuva_drop(&vm->space, &gone);
	hf_gpuva_settle(&vm->space);
}

/* -- address spaces ---------------------------------------------------------- */

struct hf_vm *hf_vm_create(struct hf_dma_device *dev)
{
	static _Atomic uint64_t last_id;
	struct hf_vm_epoch *epoch = epoch_create();
	struct hf_vm *vm = calloc(1, sizeof(*vm));

	if (!epoch || !vm)
		goto error;
	vm->table = hf_page_table_create(dev);
	if (!vm->table)
		goto error;
	vm->dev = dev;
	vm->id = ++last_id;
	vm->refcount = 1;
	vm->root = hf_page_table_root(vm->table);
	hf_gpuva_init(&vm->space);
	wl_list_init(&vm->epochs);
	wl_list_insert(&vm->epochs, &epoch->link);
	return vm;

error:
	free(epoch);
	free(vm);
	errno = ENOMEM;
	return NULL;
}

struct hf_vm *hf_vm_get(struct hf_vm *vm)
{
	vm->refcount++;
	return vm;
}

void hf_vm_put(struct hf_vm *vm)
{
	struct wl_list gone;

	if (!vm || --vm->refcount)
		return;
	wl_list_init(&gone);
	hf_gpuva_remove(&vm->space, 0, 1ull << HF_MMU_VA_BITS, &gone);
	hf_page_table_destroy(vm->table);
	hf_gpuva_drop(&vm->space, &gone);
	hf_gpuva_finish(&vm->space);
	free(current(vm));
	free(vm->spare);
	free(vm);
}

const struct hf_vma *hf_vm_next(const struct hf_vm *vm, hf_gpuva_t va)
{
	const struct hf_gpuva *node = hf_gpuva_first(&vm->space, va);

	return node ? &node->vma : NULL;
}

struct hf_page_table *hf_vm_table(struct hf_vm *vm)
{
	return vm->table;
}

/* -- changes ----------------------------------------------------------------- */

static bool is_range(uint64_t start, uint64_t size, uint64_t end)
{
	return size && !((start | size) & (HF_PAGE_SIZE - 1)) && start < end &&
	       size <= end - start;
}

int hf_vm_check(const struct hf_vm *vm, const struct hf_vm_op *ops, size_t n)
{
	size_t i;

	(void)vm;
	for (i = 0; i < n; i++) {
		const struct hf_vma *vma = &ops[i].vma;

		if (!is_range(vma->va, vma->size, 1ull << HF_MMU_VA_BITS))
			return -EINVAL;
		if (ops[i].type == HF_VM_MAP && vma->memory &&
		    !is_range(vma->offset, vma->size,
			      memory_size(vma->memory)))
			return -EINVAL;
	}
	return 0;
}

static int reserve(struct hf_vm *vm, const struct hf_vm_op *op, bool after_map)
{
	const struct hf_vma *vma = &op->vma;

	if (op->type == HF_VM_UNMAP)
		return hf_page_table_reserve_unmap(vm->table, vma->va,
						   vma->size, after_map);
	if (!vma->memory)
		return hf_page_table_reserve_sparse(vm->table, vma->va,
						    vma->size);
	return hf_page_table_reserve_map(vm->table, vma->va, vma->size,
					 memory_find(vma->memory, vma->offset));
}

/* All that can fail. */
static int prepare(struct hf_vm *vm, const struct hf_vm_op *ops, size_t n)
{
	bool after_map = false;
	int err;
	size_t i;

	err = hf_gpuva_prepare(&vm->space, n);
	if (err)
		return err;
	if (!vm->spare)
		vm->spare = epoch_create();
	if (!vm->spare)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		err = reserve(vm, &ops[i], after_map);
		if (err)
			return err;
		after_map |= ops[i].type == HF_VM_MAP;
	}
	return 0;
}

/* Return: a translation changed, or went. */
static bool unmap(struct hf_vm *vm, const struct hf_vma *vma,
		  struct wl_list *gone)
{
	if (!hf_gpuva_remove(&vm->space, vma->va, vma->size, gone))
		return false;
	hf_page_table_unmap(vm->table, vma->va, vma->size);
	return true;
}

static bool map(struct hf_vm *vm, const struct hf_vma *vma,
		struct wl_list *gone)
{
	bool replaced, removed;

	if (hf_gpuva_is(&vm->space, vma))
		return false;
	replaced = hf_gpuva_remove(&vm->space, vma->va, vma->size, gone);
	hf_gpuva_insert(&vm->space, vma, gone);
	if (vma->memory)
		removed = hf_page_table_map(
			vm->table, vma->va, vma->size,
			memory_find(vma->memory, vma->offset), !vma->read_only);
	else
		removed = hf_page_table_map_sparse(vm->table, vma->va,
						   vma->size, !vma->read_only);
	return replaced || removed;
}

int hf_vm_bind(struct hf_vm *vm, const struct hf_vm_op *ops, size_t n)
{
	struct wl_list gone;
	bool changed = false;
	int err;
	size_t i;

	wl_list_init(&gone);
	err = prepare(vm, ops, n);
	for (i = 0; !err && i < n; i++)
		changed |= ops[i].type == HF_VM_MAP
				   ? map(vm, &ops[i].vma, &gone)
				   : unmap(vm, &ops[i].vma, &gone);
	if (changed)
		take_away(vm);
	release(vm, &gone);
	trim(vm);
	hf_gpuva_settle(&vm->space);
	return err;
}
