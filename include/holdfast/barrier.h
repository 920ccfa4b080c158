/* SPDX-License-Identifier: MIT */
/*
 * Barriers between the CPU and a device that see the same coherent memory. They
 * order the CPU's accesses to that memory, and before or after accesses to the
 * device's registers, for everybody on the bus: what orders CPUs among themselves
 * is not always enough.
 *
 * For everybody who writes a driver: this header is a part of libholdfast, and the
 * drivers of Holdfast itself include it, too.
 */
#ifndef HOLDFAST_BARRIER_H
#define HOLDFAST_BARRIER_H

/*
 * hf_dma_rmb() - Loads before it are done before loads after it.
 * hf_dma_wmb() - Stores before it are seen before stores after it.
 * hf_dma_mb() - Both, and loads after it are done after stores before it.
 */
#if defined(__x86_64__) || defined(__i386__)

/* Loads stay in order, and so do stores; registers are not cached. */
#define hf_dma_rmb() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define hf_dma_wmb() __atomic_signal_fence(__ATOMIC_SEQ_CST)
#define hf_dma_mb() __asm__ volatile("mfence" ::: "memory")

#elif defined(__aarch64__)

#define hf_dma_rmb() __asm__ volatile("dsb ld" ::: "memory")
#define hf_dma_wmb() __asm__ volatile("dsb st" ::: "memory")
#define hf_dma_mb() __asm__ volatile("dsb sy" ::: "memory")

#elif defined(__riscv)

#define hf_dma_rmb() __asm__ volatile("fence ir, ir" ::: "memory")
#define hf_dma_wmb() __asm__ volatile("fence ow, ow" ::: "memory")
#define hf_dma_mb() __asm__ volatile("fence iorw, iorw" ::: "memory")

#else
#error "barriers for devices are not known on this architecture"
#endif

#endif
