// SPDX-License-Identifier: MIT
/*
 * System calls in machine code: the instruction with a number before it, at any
 * place, and not what only looks like it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "shim/trap.h"

#define NOP 0x90

static unsigned char code[4096];

static void put(size_t at, const char *bytes, size_t size)
{
	memcpy(code + at, bytes, size);
}

#define PUT(at, bytes) put(at, bytes, sizeof(bytes) - 1)
#define NUMBER "\xb8\x10\x00\x00\x00"
#define WIDE "\x48\xc7\xc0\x10\x01\x00\x00"
#define CALL "\x0f\x05"

static int fill(void **state)
{
	(void)state;
	memset(code, NOP, sizeof(code));
	return 0;
}

static void nothing_is_found_in_nothing(void **state)
{
	(void)state;
	for (size_t size = 0; size < 64; size++)
		assert_false(hf_code_has_calls(code, size));
	assert_false(hf_code_has_calls(code, sizeof(code)));
}

static void a_call_is_found_wherever_it_is(void **state)
{
	for (size_t at = 0; at < 100; at++) {
		fill(state);
		PUT(at, NUMBER CALL);
		assert_true(hf_code_has_calls(code, sizeof(code)));
		assert_true(hf_code_has_calls(code, at + 8));
		assert_false(hf_code_has_calls(code, at + 6));
	}
}

static void arguments_may_come_between(void **state)
{
	PUT(100, WIDE);
	PUT(130, CALL);
	assert_true(hf_code_has_calls(code, sizeof(code)));
	fill(state);
	PUT(100, WIDE);
	PUT(180, CALL);
	assert_false(hf_code_has_calls(code, sizeof(code)));
}

static void the_bytes_alone_are_no_call(void **state)
{
	(void)state;
	PUT(100, CALL);
	assert_false(hf_code_has_calls(code, sizeof(code)));
	/* No such number. */
	PUT(90, "\xb8\x10\x00\x01\x00");
	assert_false(hf_code_has_calls(code, sizeof(code)));
}

static void a_displacement_is_no_call(void **state)
{
	(void)state;
	PUT(90, NUMBER);
	PUT(99, "\xe9" CALL "\x00\x00");
	assert_false(hf_code_has_calls(code, sizeof(code)));
}

#define TEST(name) cmocka_unit_test_setup(name, fill)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_found_in_nothing),
		TEST(a_call_is_found_wherever_it_is),
		TEST(arguments_may_come_between),
		TEST(the_bytes_alone_are_no_call),
		TEST(a_displacement_is_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
