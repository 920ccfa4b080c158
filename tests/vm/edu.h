/* SPDX-License-Identifier: MIT */
/*
 * QEMU's "edu" device: a factorial, an interrupt, and a DMA engine that takes
 * 100 ms for what it copies between memory and a buffer of its own.
 *
 * Source: QEMU, docs/specs/edu.
 */
#ifndef HF_TESTS_EDU_H
#define HF_TESTS_EDU_H

#include <stdint.h>

#define EDU_VENDOR 0x1234
#define EDU_DEVICE 0x11e8

/* Registers of BAR 0. */
#define EDU_ID 0x00
#define EDU_LIVENESS 0x04
#define EDU_FACTORIAL 0x08
#define EDU_STATUS 0x20
#define EDU_COMPUTING 0x01u
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_RAISE 0x60
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_SOURCE 0x80
#define EDU_DMA_DESTINATION 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START 0x01u
#define EDU_DMA_TO_MEMORY 0x02u
#define EDU_DMA_IRQ 0x04u

/* Its buffer, as its DMA engine names it; of 4096 bytes, but QEMU 7.2 dies when the
 * last one is copied. */
#define EDU_BUFFER 0x40000u
#define EDU_BUFFER_SIZE 4095u

/* The highest address that it can put on the bus. */
#define EDU_DMA_MASK ((1u << 28) - 1)

static inline uint32_t edu_read(volatile void *bar, unsigned int offset)
{
	return *(volatile uint32_t *)((volatile char *)bar + offset);
}

static inline void edu_write(volatile void *bar, unsigned int offset,
			     uint32_t value)
{
	*(volatile uint32_t *)((volatile char *)bar + offset) = value;
}

/* The DMA engine's registers have 64 bits. */
static inline void edu_write64(volatile void *bar, unsigned int offset,
			       uint64_t value)
{
	*(volatile uint64_t *)((volatile char *)bar + offset) = value;
}

static inline uint64_t edu_read64(volatile void *bar, unsigned int offset)
{
	return *(volatile uint64_t *)((volatile char *)bar + offset);
}

#endif
