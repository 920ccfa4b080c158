/* SPDX-License-Identifier: MIT */
/*
 * The decoder. A command is copied out of memory that clients may change at any
 * time, once, before it is looked at; then checked; then executed. One that is
 * interrupted is kept and goes on from the copy.
 *
 * A stream belongs to the thread that executes it. No lock.
 */
#include <string.h>

#include "drivers/soft/blit.h"

static enum hf_exec_status execute_nop(struct hf_blit *blit,
				       const union hf_exec_command *cmd)
{
	return cmd->base.flags ? hf_blit_bad(blit) : HF_EXEC_DONE;
}

static void *reach(struct hf_blit *blit, hf_gpuva_t va, uint64_t size,
		   bool write)
{
	struct hf_mmu_fault fault;
	uint64_t length;
	void *cpu;

	cpu = hf_mmu_access(blit->mmu, va, size, write, &length, &fault);
	if (!cpu)
		hf_blit_fault(blit, &fault);
	return cpu;
}

static enum hf_exec_status execute_write(struct hf_blit *blit,
					 const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_write *write = &cmd->write;
	bool wide = write->base.flags & HOLDFAST_WRITE_64;
	void *cpu;

	if (write->base.flags & ~HOLDFAST_WRITE_64 || write->va % (wide ? 8 : 4))
		return hf_blit_bad(blit);
	cpu = reach(blit, write->va, wide ? 8 : 4, true);
	if (!cpu)
		return HF_EXEC_FAULT;

	if (wide)
		atomic_store_explicit((_Atomic uint64_t *)cpu, write->value,
				      memory_order_release);
	else
		atomic_store_explicit((_Atomic uint32_t *)cpu,
				      (uint32_t)write->value,
				      memory_order_release);
	return HF_EXEC_DONE;
}

static bool compare(uint32_t how, uint32_t have, uint32_t want)
{
	switch (how) {
	case HOLDFAST_WAIT_EQUAL:
		return have == want;
	case HOLDFAST_WAIT_NOT_EQUAL:
		return have != want;
	default:
		return have >= want;
	}
}

static enum hf_exec_status execute_wait(struct hf_blit *blit,
					const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_wait *wait = &cmd->wait;
	_Atomic uint32_t *cpu;
	uint32_t have;

	if (wait->base.flags > HOLDFAST_WAIT_GREATER_EQUAL || wait->va % 4)
		return hf_blit_bad(blit);
	cpu = reach(blit, wait->va, 4, false);
	if (!cpu)
		return HF_EXEC_FAULT;

	have = atomic_load_explicit(cpu, memory_order_acquire) & wait->mask;
	return compare(wait->base.flags, have, wait->value) ? HF_EXEC_DONE :
							      HF_EXEC_WAIT;
}

/* Where the stream goes on is up to advance(). */
static enum hf_exec_status execute_jump(struct hf_blit *blit,
					const union hf_exec_command *cmd)
{
	const struct holdfast_cmd_jump *jump = &cmd->jump;

	if (jump->base.flags || jump->pad || jump->va % 8 || jump->size % 8 ||
	    jump->va >> HF_MMU_VA_BITS)
		return hf_blit_bad(blit);
	return HF_EXEC_DONE;
}

static const struct operation {
	uint16_t size; /* 0: any */
	enum hf_exec_status (*execute)(struct hf_blit *blit,
				       const union hf_exec_command *cmd);
} operations[] = {
	[HOLDFAST_CMD_NOP] = { 0, execute_nop },
	[HOLDFAST_CMD_END] = { sizeof(struct holdfast_cmd), execute_nop },
	[HOLDFAST_CMD_JUMP] = { sizeof(struct holdfast_cmd_jump), execute_jump },
	[HOLDFAST_CMD_WRITE] = { sizeof(struct holdfast_cmd_write),
				 execute_write },
	[HOLDFAST_CMD_WAIT] = { sizeof(struct holdfast_cmd_wait), execute_wait },
	[HOLDFAST_CMD_FILL] = { sizeof(struct holdfast_cmd_fill), hf_blit_fill },
	[HOLDFAST_CMD_COPY] = { sizeof(struct holdfast_cmd_copy), hf_blit_copy },
	[HOLDFAST_CMD_CONVERT] = { sizeof(struct holdfast_cmd_copy),
				   hf_blit_convert },
	[HOLDFAST_CMD_COMPOSITE] = { sizeof(struct holdfast_cmd_composite),
				     hf_blit_composite },
	[HOLDFAST_CMD_SCALE] = { sizeof(struct holdfast_cmd_scale),
				 hf_blit_scale },
	[HOLDFAST_CMD_COPY_LINEAR] = { sizeof(struct holdfast_cmd_copy_linear),
				       hf_blit_copy_linear },
};

#define NUM_OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static bool read_bytes(struct hf_blit *blit, hf_gpuva_t va, void *to,
		       uint64_t size)
{
	struct hf_mmu_fault fault;
	uint64_t length;
	const char *cpu;

	for (uint64_t done = 0; done < size; done += length) {
		cpu = hf_mmu_access(blit->mmu, va + done, size - done, false,
				    &length, &fault);
		if (!cpu) {
			hf_blit_fault(blit, &fault);
			return false;
		}
		memcpy((char *)to + done, cpu, length);
	}
	/* From here on only the copy may be looked at. */
	atomic_signal_fence(memory_order_seq_cst);
	return true;
}

static bool valid_header(const struct holdfast_cmd *header, uint64_t left)
{
	uint16_t size;

	if (header->op >= NUM_OPERATIONS || header->size < sizeof(*header) ||
	    header->size % 8 || header->size > left)
		return false;
	size = operations[header->op].size;
	return !size || size == header->size;
}

/* Copy the next command. */
static enum hf_exec_status fetch(struct hf_blit *blit)
{
	struct hf_exec *exec = blit->exec;
	const struct holdfast_cmd *header = &exec->command.base;
	char *copy = (char *)&exec->command;
	uint64_t left = exec->end - exec->pc;

	if (exec->pc % 8 || left < sizeof(*header))
		return hf_blit_bad(blit);
	if (!read_bytes(blit, exec->pc, copy, sizeof(*header)))
		return HF_EXEC_FAULT;
	if (!valid_header(header, left))
		return hf_blit_bad(blit);
	if (header->op == HOLDFAST_CMD_NOP)
		return HF_EXEC_DONE;
	if (!read_bytes(blit, exec->pc + sizeof(*header),
			copy + sizeof(*header),
			header->size - sizeof(*header)))
		return HF_EXEC_FAULT;
	return HF_EXEC_DONE;
}

/* The command is done. */
static void advance(struct hf_exec *exec)
{
	const union hf_exec_command *cmd = &exec->command;

	switch (cmd->base.op) {
	case HOLDFAST_CMD_END:
		exec->pc = exec->end;
		break;
	case HOLDFAST_CMD_JUMP:
		exec->pc = cmd->jump.va;
		exec->end = cmd->jump.va + cmd->jump.size;
		break;
	default:
		exec->pc += cmd->base.size;
	}
}

static enum hf_exec_status execute_next(struct hf_blit *blit)
{
	struct hf_exec *exec = blit->exec;
	enum hf_exec_status status = HF_EXEC_DONE;

	if (!exec->unfinished)
		status = fetch(blit);
	if (status == HF_EXEC_DONE)
		status = operations[exec->command.base.op].execute(
			blit, &exec->command);
	exec->unfinished = status == HF_EXEC_YIELD;
	if (!exec->unfinished)
		exec->done = 0;
	if (status == HF_EXEC_DONE)
		advance(exec);
	return status;
}

enum hf_exec_status hf_exec_run(struct hf_exec *exec, struct hf_mmu *mmu,
				uint64_t deadline, const _Atomic bool *stop)
{
	struct hf_blit blit = {
		.exec = exec,
		.mmu = mmu,
		.deadline = deadline,
		.stop = stop,
	};
	enum hf_exec_status status;

	if (hf_blit_stopped(&blit))
		return HF_EXEC_YIELD;
	while (exec->pc < exec->end) {
		status = execute_next(&blit);
		if (status != HF_EXEC_DONE)
			return status;
		if (exec->pc < exec->end && hf_blit_time_up(&blit))
			return HF_EXEC_YIELD;
	}
	return HF_EXEC_DONE;
}
