/* SPDX-License-Identifier: MIT */
/*
 * CRC-32 of pixels as they are composed. For the composer only.
 */
#ifndef HF_SOFT_CRC_H
#define HF_SOFT_CRC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Words that a CRC remembers, and those that are added meanwhile. */
#define HF_CRC_PAST 300
#define HF_CRC_WORDS (HF_CRC_PAST + 2048)

/**
 * struct hf_crc - The CRC of some words.
 * @words: what is left of those that were added
 * @used: how many of @words are so
 * @begun: there were any
 */
struct hf_crc {
	uint64_t words[HF_CRC_WORDS];
	size_t used;
	bool begun;
};

/** hf_crc_init() - Begin. */
void hf_crc_init(struct hf_crc *crc);

/**
 * hf_crc_room() - Where the next words are to be put.
 * @crc: was begun
 * @count: how many they are, at most 2048
 */
void *hf_crc_room(struct hf_crc *crc, size_t count);

/**
 * hf_crc_add() - They are there.
 * @crc: was begun
 * @count: how many they are, as before
 */
void hf_crc_add(struct hf_crc *crc, size_t count);

/**
 * hf_crc_finish() - End.
 * @crc: was begun, and had a word
 *
 * Return: what zlib's crc32() says of all words together.
 */
uint32_t hf_crc_finish(struct hf_crc *crc);

#endif
