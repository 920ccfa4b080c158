/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 of a picture, line by line. For the composer only.
 */
#ifndef HF_SOFT_CRC_H
#define HF_SOFT_CRC_H

#include <stddef.h>
#include <stdint.h>

/**
 * struct hf_crc - The CRC of the lines until now.
 * @words: what is left of them, then the next line
 * @line: 64-bit words of a line
 * @begun: there was a line
 */
struct hf_crc {
	uint64_t *words;
	size_t line;
	int begun;
};

/**
 * hf_crc_init() - Begin.
 * @crc: to fill in
 * @line: 64-bit words of a line
 *
 * Return: 0 or -ENOMEM.
 */
int hf_crc_init(struct hf_crc *crc, size_t line);

/** hf_crc_line() - Where the next line is to be put. */
void *hf_crc_line(const struct hf_crc *crc);

/** hf_crc_add() - The line is complete. */
void hf_crc_add(struct hf_crc *crc);

/**
 * hf_crc_finish() - End.
 * @crc: was begun
 *
 * Return: what zlib's crc32() says of all lines together.
 */
uint32_t hf_crc_finish(struct hf_crc *crc);

#endif
