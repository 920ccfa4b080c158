/* SPDX-License-Identifier: MIT */
/*
 * System calls that a program makes by itself, trapped inside of the process
 * (Syscall User Dispatch). On x86-64 only; elsewhere nothing is ever trapped.
 */
#ifndef HF_SHIM_TRAP_H
#define HF_SHIM_TRAP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

/* The environment: 1: trap whatever the program is, 0: never do. */
#define HF_ENV_TRAP "HOLDFAST_TRAP"

/** hf_trap_start() - Trap, if the program needs it. Called once, at its start. */
void hf_trap_start(void);

/** hf_trap_on() - Are system calls trapped in this process? Costs a load. */
bool hf_trap_on(void);

/** hf_trap_thread() - Trap those of the calling thread, if those of others are. */
void hf_trap_thread(void);

/**
 * hf_trap_mask() - A signal mask that is going to be the thread's.
 * @set: what the program asks for, or NULL
 * @copy: room for another
 *
 * A trap that is blocked ends the process.
 *
 * Return: @set, or @copy, which has no SIGSYS.
 */
const sigset_t *hf_trap_mask(const sigset_t *set, sigset_t *copy);

/** hf_trap_action() - The program's own action for SIGSYS; either may be NULL. */
void hf_trap_action(const struct sigaction *new, struct sigaction *old);

/**
 * hf_code_has_calls() - Does this machine code make system calls by itself?
 * @code: instructions
 * @size: bytes
 *
 * Looks for the instruction, with the number of a call set before it. May be
 * wrong either way, which costs time or needs HOLDFAST_TRAP=1.
 */
bool hf_code_has_calls(const unsigned char *code, size_t size);

#endif
