/* SPDX-License-Identifier: MIT */
/*
 * Registers of a device: an access is one instruction, never split, merged or
 * left out. Nothing is kept, so no lock is needed.
 */
#include <endian.h>

#include "dma/mmio.h"

uint8_t hf_mmio_read8(const volatile void *at)
{
	return *(const volatile uint8_t *)at;
}

uint16_t hf_mmio_read16(const volatile void *at)
{
	return le16toh(*(const volatile uint16_t *)at);
}

uint32_t hf_mmio_read32(const volatile void *at)
{
	return le32toh(*(const volatile uint32_t *)at);
}

void hf_mmio_write8(volatile void *at, uint8_t value)
{
	*(volatile uint8_t *)at = value;
}

void hf_mmio_write16(volatile void *at, uint16_t value)
{
	*(volatile uint16_t *)at = htole16(value);
}

void hf_mmio_write32(volatile void *at, uint32_t value)
{
	*(volatile uint32_t *)at = htole32(value);
}
