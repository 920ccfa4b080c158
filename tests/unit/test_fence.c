/* SPDX-License-Identifier: MIT */
/*
 * Fences: timelines, callbacks, and fences made of others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sync/fence.h"

struct told {
	struct hf_fence_cb cb;
	unsigned int times;
	struct hf_fence *drops; /* the reference that it gives up */
	struct told *removes;
};

static void tell(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct told *told = wl_container_of(cb, told, cb);

	assert_true(fence->signaled);
	told->times++;
	hf_fence_put(told->drops);
	if (told->removes)
		hf_fence_remove_callback(&told->removes->cb);
}

static void put_all(struct hf_fence **fences, size_t n)
{
	for (size_t i = 0; i < n; i++)
		hf_fence_put(fences[i]);
}

static void fences_of_a_timeline_are_numbered_in_order(void **state)
{
	struct hf_timeline timeline, other;
	struct hf_fence *fences[4];

	(void)state;
	hf_timeline_init(&timeline, "one");
	hf_timeline_init(&other, "a name that is longer than there is room for it");
	assert_int_not_equal(timeline.id, other.id);
	fences[0] = hf_fence_create(&timeline);
	fences[1] = hf_fence_create(&timeline);
	fences[2] = hf_fence_create(&other);
	fences[3] = hf_fence_create(NULL);
	assert_int_equal(fences[0]->context, fences[1]->context);
	assert_int_equal(fences[0]->seqno, 1);
	assert_int_equal(fences[1]->seqno, 2);
	assert_string_equal(fences[1]->timeline, "one");
	assert_int_equal(fences[2]->seqno, 1);
	assert_int_not_equal(fences[2]->context, fences[0]->context);
	assert_int_not_equal(fences[3]->context, fences[2]->context);
	assert_int_not_equal(fences[3]->context, fences[0]->context);
	put_all(fences, 4);
}

static void who_waits_is_told_once(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct told a = { 0 }, b = { 0 };

	(void)state;
	assert_int_equal(hf_fence_add_callback(fence, &a.cb, tell), 0);
	assert_int_equal(hf_fence_add_callback(fence, &b.cb, tell), 0);
	hf_fence_remove_callback(&b.cb);
	hf_fence_remove_callback(&b.cb);
	hf_fence_signal(fence, -EIO, 7);
	hf_fence_signal(fence, 0, 8);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 0);
	assert_int_equal(fence->error, -EIO);
	assert_int_equal(fence->ns, 7);
	assert_int_equal(hf_fence_add_callback(fence, &b.cb, tell), -ENOENT);
	hf_fence_remove_callback(&b.cb);
	hf_fence_put(fence);
	assert_int_equal(b.times, 0);
}

static void a_callback_may_drop_the_last_reference(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct told told = { .drops = fence };

	(void)state;
	hf_fence_add_callback(fence, &told.cb, tell);
	hf_fence_signal(fence, 0, 1);
	assert_int_equal(told.times, 1);
}

static void a_callback_may_remove_another(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct told b = { 0 }, a = { .removes = &b };

	(void)state;
	hf_fence_add_callback(fence, &a.cb, tell);
	hf_fence_add_callback(fence, &b.cb, tell);
	hf_fence_signal(fence, 0, 1);
	assert_int_equal(a.times, 1);
	assert_int_equal(b.times, 0);
	hf_fence_put(fence);
}

static void a_fence_can_be_born_signaled(void **state)
{
	struct hf_fence *fence = hf_fence_create_signaled(5);

	(void)state;
	assert_true(fence->signaled);
	assert_int_equal(fence->ns, 5);
	assert_int_equal(fence->error, 0);
	hf_fence_put(fence);
}

/* -- merging --------------------------------------------------------------- */

static void a_merge_signals_with_the_last_of_its_parts(void **state)
{
	struct hf_fence *fences[3], *merged;
	struct told told = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		fences[i] = hf_fence_create(NULL);
	merged = hf_fence_merge(fences, 3);
	hf_fence_add_callback(merged, &told.cb, tell);
	hf_fence_signal(fences[2], 0, 10);
	hf_fence_signal(fences[0], 0, 20);
	assert_false(merged->signaled);
	hf_fence_signal(fences[1], 0, 30);
	assert_true(merged->signaled);
	assert_int_equal(told.times, 1);
	assert_int_equal(merged->ns, 30);
	assert_int_equal(merged->error, 0);
	put_all(fences, 3);
	hf_fence_put(merged);
}

static void a_merge_keeps_its_parts(void **state)
{
	struct hf_fence *fences[2], *merged;
	struct hf_fence *const *parts;

	(void)state;
	fences[0] = hf_fence_create(NULL);
	fences[1] = hf_fence_create(NULL);
	merged = hf_fence_merge(fences, 2);
	put_all(fences, 2);
	assert_int_equal(hf_fence_parts(merged, &parts), 2);
	hf_fence_signal(parts[0], 0, 1);
	hf_fence_signal(parts[1], 0, 2);
	assert_true(merged->signaled);
	assert_int_equal(hf_fence_parts(merged, &parts), 2);
	assert_int_equal(parts[1]->ns, 2);
	hf_fence_put(merged);
}

static void a_plain_fence_is_its_own_part(void **state)
{
	struct hf_fence *fence = hf_fence_create(NULL);
	struct hf_fence *const *parts;

	(void)state;
	assert_int_equal(hf_fence_parts(fence, &parts), 1);
	assert_ptr_equal(parts[0], fence);
	hf_fence_put(fence);
}

static void the_error_of_a_part_is_the_merges(void **state)
{
	struct hf_fence *fences[3], *merged;

	(void)state;
	for (int i = 0; i < 3; i++)
		fences[i] = hf_fence_create(NULL);
	merged = hf_fence_merge(fences, 3);
	hf_fence_signal(fences[1], -EIO, 1);
	hf_fence_signal(fences[0], -ECANCELED, 2);
	hf_fence_signal(fences[2], 0, 3);
	assert_int_equal(merged->error, -EIO);
	put_all(fences, 3);
	hf_fence_put(merged);
}

static void only_the_last_of_a_timeline_counts(void **state)
{
	struct hf_timeline timeline;
	struct hf_fence *fences[4], *merged;
	struct hf_fence *const *parts;

	(void)state;
	hf_timeline_init(&timeline, "jobs");
	for (int i = 0; i < 3; i++)
		fences[i] = hf_fence_create(&timeline);
	merged = hf_fence_merge(fences, 3);
	assert_ptr_equal(merged, fences[2]);
	hf_fence_put(merged);
	fences[3] = hf_fence_create(NULL);
	merged = hf_fence_merge((struct hf_fence *[]){ fences[2], fences[3],
						       fences[0] }, 3);
	assert_int_equal(hf_fence_parts(merged, &parts), 2);
	hf_fence_signal(fences[3], 0, 1);
	hf_fence_signal(fences[0], 0, 1);
	assert_false(merged->signaled);
	hf_fence_signal(fences[2], 0, 1);
	assert_true(merged->signaled);
	put_all(fences, 4);
	hf_fence_put(merged);
}

static void merges_of_merges_are_flat(void **state)
{
	struct hf_fence *fences[4], *two, *three;
	struct hf_fence *const *parts;

	(void)state;
	for (int i = 0; i < 4; i++)
		fences[i] = hf_fence_create(NULL);
	two = hf_fence_merge(fences, 3);
	hf_fence_signal(fences[1], -EIO, 1);
	three = hf_fence_merge((struct hf_fence *[]){ two, fences[3], fences[0] },
			       3);
	hf_fence_put(two);
	assert_int_equal(hf_fence_parts(three, &parts), 3);
	for (int i = 0; i < 3; i++)
		assert_null(parts[i]->array);
	hf_fence_signal(fences[0], 0, 1);
	hf_fence_signal(fences[2], 0, 1);
	hf_fence_signal(fences[3], 0, 1);
	assert_true(three->signaled);
	assert_int_equal(three->error, -EIO);
	put_all(fences, 4);
	hf_fence_put(three);
}

static void signaled_parts_leave_nothing_but_their_error(void **state)
{
	struct hf_fence *fences[3], *merged;
	struct hf_fence *const *parts;

	(void)state;
	for (int i = 0; i < 3; i++)
		fences[i] = hf_fence_create(NULL);
	hf_fence_signal(fences[0], 0, 5);
	merged = hf_fence_merge(fences, 2);
	assert_ptr_equal(merged, fences[1]);
	hf_fence_put(merged);

	hf_fence_signal(fences[1], -EIO, 9);
	merged = hf_fence_merge(fences, 3);
	assert_ptr_not_equal(merged, fences[2]);
	assert_int_equal(hf_fence_parts(merged, &parts), 1);
	hf_fence_signal(fences[2], 0, 10);
	assert_int_equal(merged->error, -EIO);
	hf_fence_put(merged);

	merged = hf_fence_merge(fences, 3);
	assert_ptr_equal(merged, fences[1]);
	hf_fence_put(merged);
	put_all(fences, 3);
}

static void a_merge_of_nothing_is_signaled(void **state)
{
	struct hf_fence *merged = hf_fence_merge(NULL, 0);

	(void)state;
	assert_true(merged->signaled);
	hf_fence_put(merged);
}

static void a_merge_may_go_before_its_parts(void **state)
{
	struct hf_fence *fences[2], *merged;

	(void)state;
	fences[0] = hf_fence_create(NULL);
	fences[1] = hf_fence_create(NULL);
	merged = hf_fence_merge(fences, 2);
	hf_fence_signal(fences[0], 0, 1);
	hf_fence_put(merged);
	assert_true(wl_list_empty(&fences[1]->callbacks));
	hf_fence_signal(fences[1], 0, 1);
	put_all(fences, 2);
}

/* However often it is done, a signal takes no more stack. */
static void merging_again_and_again_nests_nothing(void **state)
{
	struct hf_fence *first = hf_fence_create(NULL), *merged = NULL;
	struct hf_fence *all[2] = { first, NULL };
	struct hf_fence *const *parts;

	(void)state;
	hf_fence_get(first);
	for (int i = 0; i < 300; i++) {
		all[1] = hf_fence_create(NULL);
		merged = hf_fence_merge(all, 2);
		hf_fence_put(all[0]);
		hf_fence_put(all[1]);
		all[0] = merged;
	}
	assert_int_equal(hf_fence_parts(merged, &parts), 301);
	for (int i = 0; i < 301; i++)
		hf_fence_signal(parts[i], 0, 1);
	assert_true(merged->signaled);
	hf_fence_put(merged);
	hf_fence_put(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fences_of_a_timeline_are_numbered_in_order),
		cmocka_unit_test(who_waits_is_told_once),
		cmocka_unit_test(a_callback_may_drop_the_last_reference),
		cmocka_unit_test(a_callback_may_remove_another),
		cmocka_unit_test(a_fence_can_be_born_signaled),
		cmocka_unit_test(a_merge_signals_with_the_last_of_its_parts),
		cmocka_unit_test(a_merge_keeps_its_parts),
		cmocka_unit_test(a_plain_fence_is_its_own_part),
		cmocka_unit_test(the_error_of_a_part_is_the_merges),
		cmocka_unit_test(only_the_last_of_a_timeline_counts),
		cmocka_unit_test(merges_of_merges_are_flat),
		cmocka_unit_test(signaled_parts_leave_nothing_but_their_error),
		cmocka_unit_test(a_merge_of_nothing_is_signaled),
		cmocka_unit_test(a_merge_may_go_before_its_parts),
		cmocka_unit_test(merging_again_and_again_nests_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
