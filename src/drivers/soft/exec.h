/* SPDX-License-Identifier: MIT */
/*
 * The engine's commands: decoding and executing them. Knows addresses of the
 * device and nothing of jobs, files or locks; runs on the engine's threads.
 */
#ifndef HF_SOFT_EXEC_H
#define HF_SOFT_EXEC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <holdfast_drm.h>

#include "mmu/vm.h"

enum hf_exec_status {
	HF_EXEC_DONE,
	HF_EXEC_YIELD, /* time is up; go on later */
	HF_EXEC_WAIT,  /* a WAIT's value is not there yet; go on later */
	HF_EXEC_FAULT, /* see fault */
};

/* Any command. */
union hf_exec_command {
	struct holdfast_cmd base;
	struct holdfast_cmd_jump jump;
	struct holdfast_cmd_write write;
	struct holdfast_cmd_wait wait;
	struct holdfast_cmd_fill fill;
	struct holdfast_cmd_copy copy;
	struct holdfast_cmd_copy_linear copy_linear;
	struct holdfast_cmd_composite composite;
	struct holdfast_cmd_scale scale;
};

/**
 * struct hf_exec - A command stream being executed.
 * @pc: address of the next command, or of the one that is not finished
 * @end: address where the stream ends
 * @fault: HOLDFAST_FAULT_*; likewise @fault_va and @fault_write
 * @unfinished: hf_exec_run() returned in the middle of @command
 * @done: how much of it was done: rows, or pieces
 * @command: a copy, so that nobody can change it meanwhile
 *
 * Set pc and end, and zero the rest. It owns nothing: drop it at any time.
 */
struct hf_exec {
	hf_gpuva_t pc, end;
	uint32_t fault;
	hf_gpuva_t fault_va;
	bool fault_write;
	bool unfinished;
	uint64_t done;
	union hf_exec_command command;
};

/**
 * hf_exec_run() - Execute commands until one of the above.
 * @exec: a stream; another thread, with an MMU of its own, may go on with it
 * @mmu: switched to the job's address space
 * @deadline: moment on CLOCK_MONOTONIC, nanoseconds; looked at between commands and
 *	within long ones, which go on where they were. A call gets something done
 *	even where it has passed.
 * @stop: set by another thread to have it return HF_EXEC_YIELD as soon as can be;
 *	nothing more is done
 *
 * A fault has no effect on memory, unless it is found in a command that had been
 * interrupted by HF_EXEC_YIELD: somebody unmapped what it works on.
 */
enum hf_exec_status hf_exec_run(struct hf_exec *exec, struct hf_mmu *mmu,
				uint64_t deadline, const _Atomic bool *stop);

#endif
