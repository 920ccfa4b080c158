/* SPDX-License-Identifier: MIT */
/*
 * The ring that records of traces go through: nothing is torn, nothing is out of
 * order, and what does not fit is counted.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "server/trace_ring.h"

#define SIZE 1024

struct record {
	uint64_t number;
	uint32_t length, pad;
	uint8_t bytes[256];
};

static size_t put(struct hf_trace_ring *ring, uint64_t number, uint32_t length)
{
	struct record record = { .number = number, .length = length };
	struct iovec parts[] = {
		{ &record, offsetof(struct record, bytes) },
		{ NULL, 0 },
		{ record.bytes, length },
	};

	memset(record.bytes, (uint8_t)number, length);
	return hf_trace_ring_put(ring, parts, 3);
}

static void check(const struct record *record)
{
	assert_int_equal((uintptr_t)record % 8, 0);
	for (uint32_t i = 0; i < record->length; i++)
		assert_int_equal(record->bytes[i], (uint8_t)record->number);
}

static void records_come_out_as_they_went_in(void **state)
{
	struct hf_trace_ring *ring = hf_trace_ring_create(SIZE);
	const struct record *record;
	uint64_t lost;

	(void)state;
	assert_non_null(ring);
	assert_null(hf_trace_ring_peek(ring, &lost));
	assert_int_equal(lost, 0);
	/* Many times around, of every size, so that each place is a seam once. */
	for (uint64_t i = 0; i < 2000; i++) {
		assert_true(put(ring, i, i * 7 % 250) > 0);
		assert_true(put(ring, i + 5000, 1) > 0);
		record = hf_trace_ring_peek(ring, &lost);
		assert_non_null(record);
		assert_int_equal(record->number, i);
		assert_int_equal(lost, 0);
		check(record);
		hf_trace_ring_pop(ring);
		record = hf_trace_ring_peek(ring, &lost);
		assert_int_equal(record->number, i + 5000);
		hf_trace_ring_pop(ring);
	}
	assert_null(hf_trace_ring_peek(ring, &lost));
	hf_trace_ring_destroy(ring);
}

static void what_does_not_fit_is_counted_where_it_is_missing(void **state)
{
	struct hf_trace_ring *ring = hf_trace_ring_create(SIZE);
	const struct record *record;
	uint64_t n = 0, lost;

	(void)state;
	while (put(ring, n, 64))
		n++;
	assert_true(n >= 8);
	assert_int_equal(put(ring, n, 64), 0);
	for (uint64_t i = 0; i < n; i++) {
		record = hf_trace_ring_peek(ring, &lost);
		assert_int_equal(record->number, i);
		assert_int_equal(lost, 0);
		hf_trace_ring_pop(ring);
	}
	/* Two were lost, before the next one. */
	assert_true(put(ring, 77, 64) > 0);
	record = hf_trace_ring_peek(ring, &lost);
	assert_int_equal(record->number, 77);
	assert_int_equal(lost, 2);
	hf_trace_ring_pop(ring);
	assert_null(hf_trace_ring_peek(ring, &lost));
	assert_int_equal(lost, 0);
	hf_trace_ring_destroy(ring);
}

static void the_last_losses_are_told_once_at_the_end(void **state)
{
	struct hf_trace_ring *ring = hf_trace_ring_create(SIZE);
	static const uint8_t much[2 * SIZE];
	struct iovec part = { (void *)much, sizeof(much) };
	uint64_t lost;

	(void)state;
	/* More than the ring has. */
	assert_int_equal(hf_trace_ring_put(ring, &part, 1), 0);
	assert_null(hf_trace_ring_peek(ring, &lost));
	assert_int_equal(lost, 1);
	assert_null(hf_trace_ring_peek(ring, &lost));
	assert_int_equal(lost, 0);
	hf_trace_ring_destroy(ring);
}

#define THREADS 3
#define EACH 20000

struct producer {
	struct hf_trace_ring *ring;
	uint64_t id;
};

static _Atomic unsigned int busy;

static void *produce(void *arg)
{
	struct producer *producer = arg;

	for (uint64_t i = 0; i < EACH; i++)
		put(producer->ring, i << 8 | producer->id, i % 100);
	atomic_fetch_sub(&busy, 1);
	return NULL;
}

static void threads_lose_nothing_that_is_not_counted(void **state)
{
	struct hf_trace_ring *ring = hf_trace_ring_create(SIZE);
	struct producer producers[THREADS];
	pthread_t threads[THREADS];
	uint64_t next[THREADS] = { 0 }, seen = 0, lost, all_lost = 0;
	const struct record *record;
	bool done;

	(void)state;
	busy = THREADS;
	for (uint64_t i = 0; i < THREADS; i++) {
		producers[i] = (struct producer){ ring, i };
		assert_int_equal(pthread_create(&threads[i], NULL, produce,
						&producers[i]), 0);
	}
	do {
		done = !atomic_load(&busy);
		while ((record = hf_trace_ring_peek(ring, &lost))) {
			uint64_t id = record->number & 0xff;

			/* Each thread's are in order. */
			assert_true(record->number >> 8 >= next[id]);
			next[id] = (record->number >> 8) + 1;
			check(record);
			hf_trace_ring_pop(ring);
			all_lost += lost;
			seen++;
		}
		all_lost += lost;
	} while (!done);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(seen + all_lost, THREADS * EACH);
	hf_trace_ring_destroy(ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_out_as_they_went_in),
		cmocka_unit_test(what_does_not_fit_is_counted_where_it_is_missing),
		cmocka_unit_test(the_last_losses_are_told_once_at_the_end),
		cmocka_unit_test(threads_lose_nothing_that_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
