// SPDX-License-Identifier: MIT
/*
 * Binding 1 GiB of memory: scattered, against writing the bytes of the tables,
 * and in one run, against the scattered one.
 *
 * The memory itself does not exist: a table of where it would be is all that an
 * address space looks at.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "machine.h"

#define VA (UINT64_C(1) << 40)
#define SIZE (UINT64_C(1) << 30)

enum { PAGES = SIZE / HF_PAGE_SIZE };

#define TABLE_BYTES (PAGES * sizeof(uint64_t))

/* struct memory - 1 GiB, and the address space that it is bound to. */
struct memory {
	struct hf_vm_memory memory;
	struct hf_sg_table table;
	struct hf_vm *vm;
	bool bound;
};

struct vm_context {
	struct machine machine;
	struct memory scattered, contiguous;
	char *flat; /* TABLE_BYTES */
};

/* No object is behind it that would count. */
static void no_reference(struct hf_vm_memory *memory)
{
	(void)memory;
}

/* The pages' device addresses have no neighbours, in any order of the bits. */
static void scatter(struct hf_sg *sgl)
{
	for (uint64_t i = 0; i < PAGES; i++)
		sgl[i] = (struct hf_sg){
			.dma = (PAGES + i * 40503 % PAGES) * 2 * HF_PAGE_SIZE,
			.dma_length = HF_PAGE_SIZE,
		};
}

static int memory_init(struct memory *memory, struct machine *machine,
		       size_t nents)
{
	memory->table = (struct hf_sg_table){
		.sgl = calloc(nents, sizeof(struct hf_sg)),
		.orig_nents = nents,
		.nents = nents,
	};
	memory->memory = (struct hf_vm_memory){
		.table = &memory->table,
		.get = no_reference,
		.put = no_reference,
	};
	memory->vm = hf_vm_create(&machine->dma);
	if (!memory->table.sgl || !memory->vm)
		return bench_fail("an address space");
	if (nents == 1)
		memory->table.sgl[0] = (struct hf_sg){
			.dma = SIZE,
			.dma_length = SIZE,
		};
	else
		scatter(memory->table.sgl);
	return 0;
}

static void memory_finish(struct memory *memory)
{
	hf_vm_put(memory->vm);
	hf_vm_memory_finish(&memory->memory);
	free(memory->table.sgl);
}

static int change(struct memory *memory, enum hf_vm_op_type type)
{
	struct hf_vm_op op = {
		.type = type,
		.vma = { .va = VA, .size = SIZE },
	};

	if (type == HF_VM_MAP)
		op.vma.memory = &memory->memory;
	int ret = hf_vm_check(memory->vm, &op, 1);

	if (!ret)
		ret = hf_vm_bind(memory->vm, &op, 1);
	errno = -ret;
	if (ret)
		return bench_fail("hf_vm_bind");
	memory->bound = type == HF_VM_MAP;
	return 0;
}

static int bind_scattered(void *data, unsigned int count)
{
	struct vm_context *context = data;

	return change(&context->scattered, HF_VM_MAP);
}

static int bind_contiguous(void *data, unsigned int count)
{
	struct vm_context *context = data;

	return change(&context->contiguous, HF_VM_MAP);
}

static int write_tables(void *data, unsigned int count)
{
	struct vm_context *context = data;

	memset(context->flat, 1, TABLE_BYTES);
	/* Somebody might look at it. */
	__asm__ volatile("" : : "r"(context->flat) : "memory");
	return 0;
}

static int unbind(void *data)
{
	struct vm_context *context = data;
	int ret = 0;

	if (context->scattered.bound)
		ret = change(&context->scattered, HF_VM_UNMAP);
	if (!ret && context->contiguous.bound)
		ret = change(&context->contiguous, HF_VM_UNMAP);
	return ret;
}

static int measure(struct contest contest, struct result *result, bool quick)
{
	struct vm_context context = { .flat = malloc(TABLE_BYTES) };
	int ret = machine_init(&context.machine);

	if (ret)
		return ret;
	if (!context.flat)
		return bench_fail("memory");
	ret = memory_init(&context.scattered, &context.machine, PAGES);
	if (!ret)
		ret = memory_init(&context.contiguous, &context.machine, 1);
	contest.after = unbind;
	contest.batches = quick ? 31 : 201;
	contest.count = 1;
	/* As rarely as it happens: no side is alone with the caches. */
	if (!ret)
		ret = contest_run(&contest, &context, result);
	if (ret)
		return ret;
	memory_finish(&context.scattered);
	memory_finish(&context.contiguous);
	machine_finish(&context.machine);
	free(context.flat);
	result->value /= 1e3;
	result->reference /= 1e3;
	return 0;
}

int measure_vm_bind_4k(struct result *result, bool quick)
{
	return measure((struct contest){ .value = bind_scattered,
					 .reference = write_tables },
		       result, quick);
}

int measure_vm_bind_2m(struct result *result, bool quick)
{
	return measure((struct contest){ .value = bind_contiguous,
					 .reference = bind_scattered },
		       result, quick);
}
