/* SPDX-License-Identifier: MIT */
/*
 * Where a trapped system call goes on: trap.c has saved the registers in the frame
 * that the stack pointer is set to. The last instructions give the program its
 * registers back; only one of them leaves this stack, so that a signal finds
 * either stack whole. As a system call does, they leave its next instruction in
 * rcx and the flags in r11.
 */
#if defined(__x86_64__) && defined(__LP64__)

#include "shim/trap_frame.h"

	.text

.macro resume
	pushq	HF_TRAP_R11(%rsp)
	popfq
	movq	HF_TRAP_RAX(%rsp), %rax
	movq	HF_TRAP_RBX(%rsp), %rbx
	movq	HF_TRAP_RCX(%rsp), %rcx
	movq	HF_TRAP_RDX(%rsp), %rdx
	movq	HF_TRAP_RSI(%rsp), %rsi
	movq	HF_TRAP_RDI(%rsp), %rdi
	movq	HF_TRAP_RBP(%rsp), %rbp
	movq	HF_TRAP_R8(%rsp), %r8
	movq	HF_TRAP_R9(%rsp), %r9
	movq	HF_TRAP_R10(%rsp), %r10
	movq	HF_TRAP_R11(%rsp), %r11
	movq	HF_TRAP_R12(%rsp), %r12
	movq	HF_TRAP_R13(%rsp), %r13
	movq	HF_TRAP_R14(%rsp), %r14
	movq	HF_TRAP_R15(%rsp), %r15
	movq	HF_TRAP_RSP(%rsp), %rsp
	jmp	*%rcx
.endm

	.globl	hf_trap_enter
	.hidden	hf_trap_enter
	.type	hf_trap_enter, @function
hf_trap_enter:
	.cfi_startproc
	.cfi_undefined rip
	cld
	movl	$-1, %eax
	movl	$-1, %edx
	xsave64	HF_TRAP_XSAVE(%rsp)
	movq	%rsp, %rdi
	call	hf_trap_run
	movl	$-1, %eax
	movl	$-1, %edx
	xrstor64 HF_TRAP_XSAVE(%rsp)
	resume
	.cfi_endproc
	.size	hf_trap_enter, . - hf_trap_enter

	.globl	hf_trap_thread_enter
	.hidden	hf_trap_thread_enter
	.type	hf_trap_thread_enter, @function
hf_trap_thread_enter:
	.cfi_startproc
	.cfi_undefined rip
	movq	%rdi, %rsp
	fxrstor64 HF_TRAP_XSAVE(%rsp)
	resume
	.cfi_endproc
	.size	hf_trap_thread_enter, . - hf_trap_thread_enter

#endif
	.section .note.GNU-stack, "", @progbits
