/* SPDX-License-Identifier: MIT */
/*
 * The registers of a system call that was trapped, as trap_enter.S has them too.
 */
#ifndef HF_SHIM_TRAP_FRAME_H
#define HF_SHIM_TRAP_FRAME_H

#define HF_TRAP_RAX 0
#define HF_TRAP_RBX 8
#define HF_TRAP_RCX 16
#define HF_TRAP_RDX 24
#define HF_TRAP_RSI 32
#define HF_TRAP_RDI 40
#define HF_TRAP_RBP 48
#define HF_TRAP_R8 56
#define HF_TRAP_R9 64
#define HF_TRAP_R10 72
#define HF_TRAP_R11 80
#define HF_TRAP_R12 88
#define HF_TRAP_R13 96
#define HF_TRAP_R14 104
#define HF_TRAP_R15 112
#define HF_TRAP_RSP 120
#define HF_TRAP_XSAVE 128 /* what else there is, as the processor saves it */
#define HF_TRAP_XSAVE_HEADER 512
#define HF_TRAP_LEGACY 512 /* the part of it that FXSAVE has as well */

#ifndef __ASSEMBLER__

/**
 * struct hf_trap_frame - A call's registers.
 * @rax: the call's number, then what it returns
 * @rcx: where the program goes on, as system calls leave it; likewise
 * @r11: the flags
 * @rsp: the program's stack
 */
struct hf_trap_frame {
	long rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14,
		r15, rsp;
	_Alignas(64) unsigned char xsave[];
};

/* trap_enter.S: to be jumped to, with the frame as stack pointer. */
void hf_trap_enter(void);
/* For clone(3): the new thread's start, with its frame as argument. */
int hf_trap_thread_enter(void *frame);

/* Make the call, and put what it returns into the frame. */
void hf_trap_run(struct hf_trap_frame *frame);

#endif
#endif
