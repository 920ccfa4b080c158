/* SPDX-License-Identifier: MIT */
/*
 * Registers of a device, in a BAR: little endian, one access each, in the order of
 * the calls. Functions of their own, so that a test can be the device.
 *
 * What orders them against memory that the device shares is in holdfast/barrier.h.
 */
#ifndef HF_DMA_MMIO_H
#define HF_DMA_MMIO_H

#include <stdint.h>

/* @at: aligned to the size of the access. */
uint8_t hf_mmio_read8(const volatile void *at);
uint16_t hf_mmio_read16(const volatile void *at);
uint32_t hf_mmio_read32(const volatile void *at);
void hf_mmio_write8(volatile void *at, uint8_t value);
void hf_mmio_write16(volatile void *at, uint16_t value);
void hf_mmio_write32(volatile void *at, uint32_t value);

#endif
