/* SPDX-License-Identifier: MIT */
/*
 * Is there a system call in this machine code? The two bytes of the instruction
 * appear by chance, too, in numbers and displacements, so something that sets
 * the call's number must come shortly before. No state; reads text once, at the
 * speed of memory.
 */
#include <stdint.h>
#include <string.h>

#include "shim/trap.h"

#if defined(__x86_64__)
#include <emmintrin.h>

/* How far before the call its number is set: its arguments come between. */
#define NUMBER_BEFORE 40
#define MAX_NUMBER 512

/* "mov $number, %eax" or "mov $number, %rax" */
static bool sets_number(const unsigned char *at)
{
	static const unsigned char wide[] = { 0x48, 0xc7, 0xc0 };
	uint32_t number;

	if (at[0] == 0xb8)
		memcpy(&number, at + 1, sizeof(number));
	else if (!memcmp(at, wide, sizeof(wide)))
		memcpy(&number, at + sizeof(wide), sizeof(number));
	else
		return false;
	return number < MAX_NUMBER;
}

static bool is_call(const unsigned char *code, size_t size, size_t at)
{
	size_t first = at > NUMBER_BEFORE ? at - NUMBER_BEFORE : 0;

	/* No instruction that makes sense starts with a 0: it is a number's. */
	if (at + 2 >= size || code[at + 2] == 0)
		return false;
	for (size_t i = first; i + 5 <= at; i++)
		if (sets_number(code + i))
			return true;
	return false;
}

/* A bit for each of sixteen places where the two bytes are. */
static unsigned int candidates(const unsigned char *code)
{
	__m128i here = _mm_loadu_si128((const __m128i *)code);
	__m128i next = _mm_loadu_si128((const __m128i *)(code + 1));

	return _mm_movemask_epi8(
		_mm_and_si128(_mm_cmpeq_epi8(here, _mm_set1_epi8(0x0f)),
			      _mm_cmpeq_epi8(next, _mm_set1_epi8(0x05))));
}

bool hf_code_has_calls(const unsigned char *code, size_t size)
{
	size_t i = 0;

	for (; i + 17 <= size; i += 16)
		for (unsigned int bits = candidates(code + i); bits;
		     bits &= bits - 1)
			if (is_call(code, size, i + __builtin_ctz(bits)))
				return true;
	for (; i + 2 <= size; i++)
		if (code[i] == 0x0f && code[i + 1] == 0x05 &&
		    is_call(code, size, i))
			return true;
	return false;
}

#else

bool hf_code_has_calls(const unsigned char *code, size_t size)
{
	(void)code;
	(void)size;
	return false;
}

#endif
