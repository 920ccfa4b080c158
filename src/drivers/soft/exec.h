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

#include "mmu/vm.h"

enum hf_exec_status {
	HF_EXEC_DONE,
	HF_EXEC_YIELD, /* time is up; go on later */
	HF_EXEC_WAIT,  /* a WAIT's value is not there yet; go on later */
	HF_EXEC_FAULT, /* see fault */
};

/**
 * struct hf_exec - A command stream being executed.
 * @pc: address of the next command
 * @end: address where the stream ends
 * @fault: HOLDFAST_FAULT_*; likewise @fault_va and @fault_write
 * @scratch: memory for rows, kept from call to call
 */
struct hf_exec {
	hf_gpuva_t pc, end;
	uint32_t fault;
	hf_gpuva_t fault_va;
	bool fault_write;
};

/**
 * hf_exec_run() - Execute commands until one of the above.
 * @mmu: switched to the job's address space
 * @deadline: moment on CLOCK_MONOTONIC, nanoseconds; looked at between commands and
 *	within long ones (a command is not taken up again: it goes on when the
 *	stream does, from its beginning only if it had no effect yet; so a single
 *	command is always finished)
 * @stop: set by another thread to have it return HF_EXEC_YIELD between commands
 */
enum hf_exec_status hf_exec_run(struct hf_exec *exec, struct hf_mmu *mmu,
				uint64_t deadline, const _Atomic bool *stop);

#endif
