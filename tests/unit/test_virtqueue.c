/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices and their queues: features, buffers there and back, and devices
 * that break the rules.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dma_fixture.h"
#include "virtio_device.h"

#define BIT(n) (1ull << (n))
#define BASE (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM))
#define SIZE 16

/* A device with two queues, behind an IOMMU, and memory for buffers. */
static struct {
	struct hf_memory *mem;
	struct hf_dma_device dma;
	struct vdev dev;
	struct hf_virtqueue *vq;
	char *memory;
	hf_iova_t iova;
	char log[2000];
} t;

static struct vdev_chain chain;

/* Data of buffers. */
static int tokens[SIZE + 1];

static void begin(uint64_t features, unsigned int max, bool iommu)
{
	memset(&t, 0, sizeof(t));
	t.mem = machine(false);
	device(&t.dma, t.mem, iommu, false);
	vdev_init(&t.dev, &t.dma, features, 2, max);
	t.memory = hf_dma_alloc(&t.dma, PAGE, &t.iova);
	assert_non_null(t.memory);
}

static void start(unsigned int size)
{
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), 0);
	t.vq = hf_virtqueue_create(&t.dev.virtio, 1, size);
	assert_non_null(t.vq);
	assert_int_equal(hf_virtio_start(&t.dev.virtio), 0);
}

static void setup(void)
{
	begin(0, SIZE, true);
	start(SIZE);
}

static void end(void)
{
	hf_virtqueue_destroy(t.vq);
	hf_virtio_destroy(&t.dev.virtio);
	assert_true(t.dev.destroyed);
	hf_dma_free(&t.dma, t.memory, PAGE, t.iova);
	vdev_finish(&t.dev);
	nothing_is_left(&t.dma, t.mem);
}

static void teardown(void)
{
	assert_int_equal(hf_virtio_reset(&t.dev.virtio), 0);
	end();
}

/* A buffer of one piece that the device reads and one that it writes. */
static int add(void *data)
{
	const struct hf_virtio_sg out = { t.iova, 8 }, in = { t.iova + 8, 8 };

	return hf_virtqueue_add(t.vq, &out, 1, &in, 1, data);
}

static int add_one(void *data)
{
	const struct hf_virtio_sg in = { t.iova, 8 };

	return hf_virtqueue_add(t.vq, NULL, 0, &in, 1, data);
}

static void pop(void)
{
	assert_true(vdev_pop(&t.dev, 1, &chain));
}

static void *get(void)
{
	uint32_t written;

	return hf_virtqueue_get(t.vq, &written);
}

/* The device has n buffers, tokens[0 … n - 1]. Return: the first one's head. */
static uint16_t give(unsigned int n)
{
	uint16_t head = 0;

	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(add(&tokens[i]), 0);
	hf_virtqueue_kick(t.vq);
	for (unsigned int i = 0; i < n; i++) {
		pop();
		if (!i)
			head = chain.head;
	}
	return head;
}

/* -- there and back ---------------------------------------------------------- */

static void a_buffer_goes_to_the_device_and_back(void **state)
{
	struct hf_virtio_sg pieces[4];
	uint32_t written = 99;
	char text[16] = "";

	(void)state;
	setup();
	pieces[0] = (struct hf_virtio_sg){ t.iova, 3 };
	pieces[1] = (struct hf_virtio_sg){ t.iova + 100, 5 };
	pieces[2] = (struct hf_virtio_sg){ t.iova + 200, 4 };
	pieces[3] = (struct hf_virtio_sg){ t.iova + 300, 10 };
	memcpy(t.memory, "abc", 3);
	memcpy(t.memory + 100, "defgh", 5);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 2, pieces + 2, 2,
					  tokens), 0);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE - 4);
	hf_virtqueue_kick(t.vq);
	pop();
	assert_int_equal(chain.nout, 2);
	assert_int_equal(chain.nin, 2);
	assert_int_equal(chain.room, 14);
	assert_int_equal(vdev_read(&t.dev, &chain, 0, text, 16), 8);
	assert_string_equal(text, "abcdefgh");
	assert_int_equal(vdev_write(&t.dev, &chain, 0, "0123456", 7), 7);
	assert_null(hf_virtqueue_get(t.vq, &written));
	vdev_push(&t.dev, 1, chain.head, 7);
	assert_ptr_equal(hf_virtqueue_get(t.vq, &written), tokens);
	assert_int_equal(written, 7);
	assert_memory_equal(t.memory + 200, "0123", 4);
	assert_memory_equal(t.memory + 300, "456", 3);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE);
	assert_null(hf_virtqueue_get(t.vq, &written));
	teardown();
}

static void a_device_may_fill_all_of_a_buffer(void **state)
{
	uint32_t written;

	(void)state;
	setup();
	give(1);
	vdev_push(&t.dev, 1, chain.head, 8);
	assert_ptr_equal(hf_virtqueue_get(t.vq, &written), tokens);
	assert_int_equal(written, 8);
	teardown();
}

static void nothing_is_seen_before_the_kick(void **state)
{
	(void)state;
	setup();
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 0);
	add(&tokens[0]);
	add(&tokens[1]);
	assert_false(vdev_pop(&t.dev, 1, &chain));
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 1);
	pop();
	pop();
	assert_false(vdev_pop(&t.dev, 1, &chain));
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 1);
	teardown();
}

static void a_device_that_wants_no_notification_gets_none(void **state)
{
	(void)state;
	setup();
	vdev_want_notify(&t.dev, 1, false);
	add(&tokens[0]);
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 0);
	pop();
	vdev_want_notify(&t.dev, 1, true);
	add(&tokens[1]);
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 1);
	teardown();
}

static void setup_events(void)
{
	begin(BIT(VIRTIO_RING_F_EVENT_IDX), SIZE, true);
	start(SIZE);
}

static void a_device_says_which_buffer_it_wants_to_hear_of(void **state)
{
	(void)state;
	setup_events();
	/* What the other kind of device says means nothing. */
	vdev_want_notify(&t.dev, 1, false);
	vdev_set_avail_event(&t.dev, 1, 0);
	give(1);
	assert_int_equal(t.dev.queues[1].notified, 1);
	give(1);
	assert_int_equal(t.dev.queues[1].notified, 1);
	vdev_set_avail_event(&t.dev, 1, 3);
	give(1);
	assert_int_equal(t.dev.queues[1].notified, 1);
	give(2);
	assert_int_equal(t.dev.queues[1].notified, 2);
	teardown();
}

static void an_interrupt_is_asked_for_with_the_last_buffer(void **state)
{
	uint16_t head;

	(void)state;
	setup_events();
	head = give(3);
	assert_int_equal(vdev_used_event(&t.dev, 1), 2);
	vdev_push(&t.dev, 1, head, 0);
	assert_ptr_equal(get(), &tokens[0]);
	assert_null(get());
	assert_int_equal(vdev_used_event(&t.dev, 1), 2);
	/* Not for one that the device does not know of. */
	assert_int_equal(add(&tokens[3]), 0);
	assert_int_equal(vdev_used_event(&t.dev, 1), 2);
	hf_virtqueue_kick(t.vq);
	assert_int_equal(vdev_used_event(&t.dev, 1), 3);
	teardown();
}

/* Complete the buffer as it is noticed. */
static void answer(struct vdev *dev, unsigned int queue)
{
	while (vdev_pop(dev, queue, &chain))
		vdev_push(dev, queue, chain.head, 4);
	vdev_interrupt(dev, HF_VIRTIO_IRQ_QUEUE);
}

static void a_device_may_answer_within_the_notification(void **state)
{
	struct pollfd pfd;

	(void)state;
	setup();
	t.dev.kicked = answer;
	pfd = (struct pollfd){ t.dev.virtio.irq_fd, POLLIN, 0 };
	assert_int_equal(poll(&pfd, 1, 0), 0);
	for (unsigned int i = 0; i < 3 * SIZE; i++) {
		add(&tokens[i % SIZE]);
		hf_virtqueue_kick(t.vq);
		assert_int_equal(poll(&pfd, 1, 0), 1);
		assert_int_equal(hf_virtio_interrupts(&t.dev.virtio),
				 HF_VIRTIO_IRQ_QUEUE);
		assert_int_equal(poll(&pfd, 1, 0), 0);
		assert_ptr_equal(get(), &tokens[i % SIZE]);
		assert_null(get());
	}
	teardown();
}

static void a_device_may_be_done_in_any_order(void **state)
{
	uint16_t heads[5];

	(void)state;
	setup();
	for (unsigned int i = 0; i < 5; i++)
		add(&tokens[i]);
	hf_virtqueue_kick(t.vq);
	for (unsigned int i = 0; i < 5; i++) {
		pop();
		heads[i] = chain.head;
	}
	vdev_push(&t.dev, 1, heads[3], 0);
	vdev_push(&t.dev, 1, heads[0], 0);
	assert_ptr_equal(get(), &tokens[3]);
	vdev_push(&t.dev, 1, heads[4], 0);
	assert_ptr_equal(get(), &tokens[0]);
	assert_ptr_equal(get(), &tokens[4]);
	assert_null(get());
	vdev_push(&t.dev, 1, heads[2], 0);
	vdev_push(&t.dev, 1, heads[1], 0);
	assert_ptr_equal(get(), &tokens[2]);
	assert_ptr_equal(get(), &tokens[1]);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE);
	teardown();
}

/* Buffers of 1 … 4 pieces that the device keeps for as long as it likes. */
struct traffic {
	struct {
		uint32_t room;
		unsigned int pieces;
		bool in_use;
	} buffers[64];
	struct {
		uint16_t head;
		uint32_t room;
	} held[64];
	unsigned int nheld, sent, got, entries;
};

static void send_some(struct traffic *traffic)
{
	struct hf_virtio_sg pieces[4];

	for (unsigned int i = 0; i < 64 && rand() % 4; i++) {
		unsigned int n = 1 + rand() % 4, nout = rand() % (n + 1);
		uint32_t room = 0;
		int ret;

		if (traffic->buffers[i].in_use)
			continue;
		for (unsigned int j = 0; j < n; j++) {
			pieces[j].addr = t.iova + rand() % 2048;
			pieces[j].length = 1 + rand() % 2048;
			if (j >= nout)
				room += pieces[j].length;
		}
		ret = hf_virtqueue_add(t.vq, pieces, nout, pieces + nout,
				       n - nout, &traffic->buffers[i]);
		assert_int_equal(ret, n > 64 - traffic->entries ? -ENOSPC : 0);
		if (ret)
			continue;
		traffic->buffers[i].in_use = true;
		traffic->buffers[i].room = room;
		traffic->buffers[i].pieces = n;
		traffic->entries += n;
		traffic->sent++;
	}
	hf_virtqueue_kick(t.vq);
}

/* The room of a buffer is all but its own: it says whether it is the right one. */
static void work_some(struct traffic *traffic)
{
	while (vdev_pop(&t.dev, 1, &chain)) {
		assert_in_range(traffic->nheld, 0, 63);
		traffic->held[traffic->nheld].head = chain.head;
		traffic->held[traffic->nheld++].room = chain.room;
	}
	while (traffic->nheld && rand() % 8) {
		unsigned int i = rand() % traffic->nheld;

		vdev_push(&t.dev, 1, traffic->held[i].head,
			  traffic->held[i].room);
		traffic->held[i] = traffic->held[--traffic->nheld];
	}
}

static void receive(struct traffic *traffic)
{
	uint32_t written;
	void *data;

	while ((data = hf_virtqueue_get(t.vq, &written))) {
		size_t i = ((char *)data - (char *)traffic->buffers) /
			   sizeof(traffic->buffers[0]);

		assert_in_range(i, 0, 63);
		assert_true(traffic->buffers[i].in_use);
		assert_int_equal(written, traffic->buffers[i].room);
		traffic->buffers[i].in_use = false;
		traffic->entries -= traffic->buffers[i].pieces;
		traffic->got++;
	}
	assert_int_equal(hf_virtqueue_free_entries(t.vq),
			 64 - traffic->entries);
}

static void no_buffer_is_lost_when_the_indices_wrap(void **state)
{
	struct traffic traffic = { 0 };
	unsigned int left = 0;

	(void)state;
	begin(0, 64, true);
	start(64);
	srand(1);
	while (traffic.got < 150000) {
		send_some(&traffic);
		work_some(&traffic);
		receive(&traffic);
	}
	hf_virtio_reset(&t.dev.virtio);
	while (hf_virtqueue_detach(t.vq))
		left++;
	assert_int_equal(traffic.got + left, traffic.sent);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), 64);
	assert_false(t.dev.virtio.broken);
	end();
}

static void one_slow_buffer_survives_the_wrap(void **state)
{
	uint16_t slow;

	(void)state;
	setup();
	slow = give(1);
	for (unsigned int i = 0; i < 66000; i++) {
		assert_int_equal(add_one(&tokens[1]), 0);
		hf_virtqueue_kick(t.vq);
		pop();
		vdev_push(&t.dev, 1, chain.head, 0);
		assert_ptr_equal(get(), &tokens[1]);
	}
	assert_null(get());
	vdev_push(&t.dev, 1, slow, 8);
	assert_ptr_equal(get(), &tokens[0]);
	teardown();
}

static void a_full_queue_takes_no_more(void **state)
{
	struct hf_virtio_sg pieces[SIZE + 1];
	uint16_t first;

	(void)state;
	setup();
	for (unsigned int i = 0; i <= SIZE; i++)
		pieces[i] = (struct hf_virtio_sg){ t.iova + i, 1 };
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, SIZE, pieces, 1,
					  tokens), -ENOSPC);
	first = give(SIZE / 2);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), 0);
	assert_int_equal(add_one(tokens), -ENOSPC);
	vdev_push(&t.dev, 1, first, 0);
	assert_ptr_equal(get(), &tokens[0]);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 2, pieces, 1, tokens),
			 -ENOSPC);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, UINT_MAX, pieces, 1,
					  tokens), -ENOSPC);
	assert_int_equal(add(tokens), 0);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), 0);
	teardown();
}

static void a_buffer_may_have_all_entries(void **state)
{
	struct hf_virtio_sg pieces[SIZE];

	(void)state;
	setup();
	for (unsigned int i = 0; i < SIZE; i++)
		pieces[i] = (struct hf_virtio_sg){ t.iova + i, 1 };
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(hf_virtqueue_add(t.vq, pieces, i % SIZE,
						  pieces + i % SIZE,
						  SIZE - i % SIZE, tokens), 0);
		assert_int_equal(hf_virtqueue_free_entries(t.vq), 0);
		hf_virtqueue_kick(t.vq);
		pop();
		assert_int_equal(chain.nout, i % SIZE);
		assert_int_equal(chain.nin, SIZE - i % SIZE);
		for (unsigned int j = 0; j < SIZE; j++)
			assert_int_equal(j < chain.nout ?
					 chain.out[j].addr :
					 chain.in[j - chain.nout].addr,
					 t.iova + j);
		vdev_push(&t.dev, 1, chain.head, chain.nin);
		assert_ptr_equal(get(), tokens);
	}
	teardown();
}

static void a_buffer_of_nothing_or_too_much_is_refused(void **state)
{
	struct hf_virtio_sg pieces[2];

	(void)state;
	setup();
	pieces[0] = pieces[1] = (struct hf_virtio_sg){ t.iova, 1u << 31 };
	assert_int_equal(hf_virtqueue_add(t.vq, NULL, 0, NULL, 0, tokens),
			 -EINVAL);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 1, NULL, 0, NULL),
			 -EINVAL);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 2, NULL, 0, tokens),
			 -EINVAL);
	assert_int_equal(hf_virtqueue_add(t.vq, NULL, 0, pieces, 2, tokens),
			 -EINVAL);
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 1, pieces, 1, tokens),
			 -EINVAL);
	pieces[1].length = 0;
	assert_int_equal(hf_virtqueue_add(t.vq, pieces, 2, NULL, 0, tokens),
			 -EINVAL);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE);
	hf_virtqueue_kick(t.vq);
	assert_false(vdev_pop(&t.dev, 1, &chain));
	teardown();
}

/* -- size -------------------------------------------------------------------- */

static void a_queue_is_a_power_of_two_and_no_larger_than_the_device_has(
	void **state)
{
	static const struct {
		unsigned int max, asked, size;
		size_t pages;
	} sizes[] = {
		{ 256, 64, 64, 1 },  { 64, 256, 64, 1 },   { 100, 100, 64, 1 },
		{ 1000, 50, 32, 1 }, { 256, 128, 128, 1 }, { 256, 256, 256, 2 },
		{ 1, 1, 1, 1 },	     { 3, 2, 2, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		begin(0, sizes[i].max, true);
		start(sizes[i].asked);
		assert_int_equal(t.dev.queues[1].size, sizes[i].size);
		assert_int_equal(hf_virtqueue_free_entries(t.vq),
				 sizes[i].size);
		assert_int_equal(t.dma.mapped, (1 + sizes[i].pages) * PAGE);
		teardown();
	}
}

static void a_queue_that_cannot_be_is_an_error(void **state)
{
	(void)state;
	setup();
	errno = 0;
	assert_null(hf_virtqueue_create(&t.dev.virtio, 2, 4));
	assert_int_equal(errno, ENODEV);
	assert_null(hf_virtqueue_create(&t.dev.virtio, 0, 0));
	assert_int_equal(errno, EINVAL);
	teardown();

	begin(0, SIZE, true);
	t.dev.queues[1].no_setup = true;
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), 0);
	assert_null(hf_virtqueue_create(&t.dev.virtio, 1, 4));
	assert_int_equal(errno, EIO);
	assert_int_equal(t.dma.mapped, PAGE);
	teardown();
}

static void a_ring_that_the_device_cannot_reach_is_an_error(void **state)
{
	(void)state;
	begin(0, SIZE, true);
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), 0);
	t.dma.mask = PAGE - 1;
	assert_null(hf_virtqueue_create(&t.dev.virtio, 1, 4));
	assert_int_not_equal(errno, 0);
	assert_int_equal(t.dma.mapped, PAGE);
	teardown();
}

/* -- nonsense ---------------------------------------------------------------- */

/* The device has done something that must not be: all @n buffers come back. */
static void is_broken(unsigned int n, const char *what)
{
	bool back[SIZE] = { false };
	unsigned int resets = t.dev.resets;
	int *token;

	log_begin();
	assert_null(get());
	assert_null(get());
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "once more"), 0);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, what));
	assert_null(strstr(t.log, "once more"));
	assert_true(t.dev.virtio.broken);
	assert_false(t.dev.virtio.stuck);
	assert_int_equal(t.dev.resets, resets + 1);
	assert_int_equal(add_one(tokens), -EIO);
	while ((token = hf_virtqueue_detach(t.vq))) {
		assert_in_range(token - tokens, 0, n - 1);
		assert_false(back[token - tokens]);
		back[token - tokens] = true;
	}
	for (unsigned int i = 0; i < n; i++)
		assert_true(back[i]);
	assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE);
	assert_null(hf_virtqueue_detach(t.vq));
	teardown();
}

static void a_device_cannot_use_more_than_it_has(void **state)
{
	(void)state;
	setup();
	give(3);
	vdev_set_used_index(&t.dev, 1, 4);
	is_broken(3, "4 buffers used");

	setup();
	vdev_set_used_index(&t.dev, 1, 1);
	is_broken(0, "1 buffers used, and it had 0");

	/* What it gave back it does not have any more. */
	setup();
	vdev_push(&t.dev, 1, give(3), 0);
	assert_ptr_equal(get(), &tokens[0]);
	vdev_set_used_index(&t.dev, 1, 4);
	log_begin();
	assert_null(get());
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "3 buffers used, and it had 2"));
	teardown();
}

static void the_index_cannot_go_back(void **state)
{
	uint16_t head;

	(void)state;
	setup();
	head = give(3);
	vdev_push(&t.dev, 1, head, 0);
	assert_ptr_equal(get(), &tokens[0]);
	assert_int_equal(add(&tokens[0]), 0);
	hf_virtqueue_kick(t.vq);
	vdev_set_used_index(&t.dev, 1, 0);
	is_broken(3, "65535 buffers used");
}

/* It says two, and takes one of them back before we have come to it. */
static void an_index_that_was_seen_cannot_be_taken_back(void **state)
{
	uint16_t head;

	(void)state;
	setup();
	head = give(3);
	vdev_push(&t.dev, 1, head, 0);
	vdev_push(&t.dev, 1, chain.head, 0);
	assert_ptr_equal(get(), &tokens[0]);
	vdev_set_used_index(&t.dev, 1, 1);
	assert_ptr_equal(get(), &tokens[2]);
	assert_int_equal(add(&tokens[0]), 0);
	assert_int_equal(add(&tokens[2]), 0);
	hf_virtqueue_kick(t.vq);
	is_broken(3, "buffers used");
}

static void a_buffer_out_of_range_is_none(void **state)
{
	static const uint32_t ids[] = { SIZE, 0xffff, 0x10000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		setup();
		give(3);
		vdev_set_used(&t.dev, 1, 0, ids[i], 0);
		vdev_set_used_index(&t.dev, 1, 1);
		is_broken(3, "which it did not have");
	}
}

static void what_is_no_head_is_no_buffer(void **state)
{
	(void)state;
	/* In the middle of a chain. */
	setup();
	vdev_push(&t.dev, 1, give(3) + 1, 0);
	is_broken(3, "which it did not have");
	/* Free. */
	setup();
	give(3);
	vdev_push(&t.dev, 1, SIZE - 1, 0);
	is_broken(3, "which it did not have");
}

static void a_buffer_that_was_not_shown_cannot_be_used(void **state)
{
	(void)state;
	setup();
	give(1);
	assert_int_equal(add(&tokens[1]), 0);
	/* It comes after the first, which has two entries. */
	vdev_push(&t.dev, 1, chain.head + 2, 0);
	is_broken(2, "which it did not have");
}

static void a_buffer_that_was_shown_once_is_shown_again_or_not_at_all(
	void **state)
{
	unsigned int heads;

	(void)state;
	setup();
	heads = give(2);
	heads += chain.head;
	vdev_push(&t.dev, 1, heads - chain.head, 0);
	vdev_push(&t.dev, 1, chain.head, 0);
	assert_ptr_equal(get(), &tokens[0]);
	assert_ptr_equal(get(), &tokens[1]);
	/* The two swap entries. */
	give(1);
	assert_int_equal(add(&tokens[1]), 0);
	vdev_push(&t.dev, 1, heads - chain.head, 0);
	is_broken(2, "which it did not have");
}

static void a_buffer_cannot_be_used_twice(void **state)
{
	uint16_t head;

	(void)state;
	setup();
	head = give(3);
	vdev_push(&t.dev, 1, head, 0);
	vdev_push(&t.dev, 1, head, 0);
	assert_ptr_equal(get(), &tokens[0]);
	log_begin();
	assert_null(get());
	log_end(t.log, sizeof(t.log));
	assert_true(t.dev.virtio.broken);
	assert_non_null(hf_virtqueue_detach(t.vq));
	assert_non_null(hf_virtqueue_detach(t.vq));
	assert_null(hf_virtqueue_detach(t.vq));
	teardown();
}

static void more_cannot_be_written_than_there_is_room(void **state)
{
	const struct hf_virtio_sg out = { 4096, 8 };

	(void)state;
	setup();
	vdev_push(&t.dev, 1, give(2), 9);
	is_broken(2, "9 bytes written to a buffer of 8");

	setup();
	assert_int_equal(hf_virtqueue_add(t.vq, &out, 1, NULL, 0, tokens), 0);
	hf_virtqueue_kick(t.vq);
	pop();
	vdev_push(&t.dev, 1, chain.head, 1);
	is_broken(1, "1 bytes written to a buffer of 0");

	setup();
	vdev_push(&t.dev, 1, give(2), UINT32_MAX);
	is_broken(2, "bytes written to a buffer of 8");
}

static void what_a_device_does_to_descriptors_changes_nothing(void **state)
{
	(void)state;
	setup();
	for (unsigned int round = 0; round < 3; round++) {
		uint16_t heads[3];

		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(add(&tokens[i]), 0);
		hf_virtqueue_kick(t.vq);
		for (unsigned int i = 0; i < 3; i++) {
			pop();
			heads[i] = chain.head;
		}
		for (unsigned int i = 0; i < SIZE; i++)
			vdev_scribble(&t.dev, 1, i);
		for (unsigned int i = 0; i < 3; i++)
			vdev_push(&t.dev, 1, heads[i], 8);
		for (unsigned int i = 0; i < 3; i++)
			assert_ptr_equal(get(), &tokens[i]);
		assert_int_equal(hf_virtqueue_free_entries(t.vq), SIZE);
	}
	assert_false(t.dev.virtio.broken);
	teardown();
}

static void nothing_is_sent_to_a_broken_device(void **state)
{
	(void)state;
	setup();
	assert_int_equal(add(&tokens[0]), 0);
	log_begin();
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "%d is %s", 1, "one"), 0);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "soft.0: broken: 1 is one"));
	hf_virtqueue_kick(t.vq);
	assert_int_equal(t.dev.queues[1].notified, 0);
	assert_int_equal(hf_virtio_start(&t.dev.virtio), -EIO);
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), -EIO);
	assert_null(hf_virtqueue_create(&t.dev.virtio, 0, 4));
	assert_int_equal(errno, EIO);
	assert_ptr_equal(hf_virtqueue_detach(t.vq), &tokens[0]);
	teardown();
}

static void nothing_is_taken_from_a_broken_device(void **state)
{
	(void)state;
	setup();
	vdev_push(&t.dev, 1, give(2), 0);
	log_begin();
	hf_virtio_fail(&t.dev.virtio, "a reason");
	log_end(t.log, sizeof(t.log));
	assert_null(get());
	assert_non_null(hf_virtqueue_detach(t.vq));
	assert_non_null(hf_virtqueue_detach(t.vq));
	assert_null(hf_virtqueue_detach(t.vq));
	teardown();
}

/* -- reset ------------------------------------------------------------------- */

static void a_device_starts_again_after_a_reset(void **state)
{
	uint16_t head;

	(void)state;
	setup();
	for (unsigned int round = 0; round < 3; round++) {
		head = give(3);
		vdev_push(&t.dev, 1, head, 0);
		assert_ptr_equal(get(), &tokens[0]);
		assert_int_equal(hf_virtio_reset(&t.dev.virtio), 0);
		assert_non_null(hf_virtqueue_detach(t.vq));
		assert_non_null(hf_virtqueue_detach(t.vq));
		assert_null(hf_virtqueue_detach(t.vq));
		hf_virtqueue_destroy(t.vq);
		start(SIZE);
	}
	teardown();
}

/* So that it is not taken for a leak. */
static void *volatile kept[2];

static void the_memory_of_a_device_that_does_not_reset_is_kept(void **state)
{
	(void)state;
	setup();
	give(1);
	t.dev.stuck = true;
	log_begin();
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "a reason"), -EIO);
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "a reason"), -EIO);
	assert_int_equal(hf_virtio_reset(&t.dev.virtio), -EIO);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "a reason"));
	assert_null(strstr(strstr(t.log, "a reason") + 1, "a reason"));
	assert_non_null(strstr(t.log, "does not reset"));
	assert_null(strstr(strstr(t.log, "does not") + 1, "does not"));
	assert_true(t.dev.virtio.stuck);
	assert_ptr_equal(hf_virtqueue_detach(t.vq), &tokens[0]);
	hf_virtqueue_destroy(t.vq);
	assert_int_equal(t.dma.mapped, 2 * PAGE);
	t.vq = NULL;
	hf_virtio_destroy(&t.dev.virtio);
	vdev_finish(&t.dev);
	hf_dma_free(&t.dma, t.memory, PAGE, t.iova);
	/* The ring is there for as long as the process is. */
	assert_int_equal(t.dma.mapped, PAGE);
	kept[0] = t.mem;
	kept[1] = t.dma.buffers;
	hf_iommu_destroy(t.dma.domain);
}

static void a_device_that_is_broken_is_given_back(void **state)
{
	(void)state;
	setup();
	log_begin();
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "a reason"), 0);
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "a reason"), 0);
	log_end(t.log, sizeof(t.log));
	assert_int_equal(t.dev.released, 1);
	teardown();
}

static void a_device_that_is_given_back_behind_an_iommu_reaches_nothing(
	void **state)
{
	(void)state;
	setup();
	give(1);
	t.dev.stuck = t.dev.behind_iommu = true;
	log_begin();
	assert_int_equal(hf_virtio_fail(&t.dev.virtio, "a reason"), 0);
	log_end(t.log, sizeof(t.log));
	assert_int_equal(t.dev.released, 1);
	assert_false(t.dev.virtio.stuck);
	assert_true(t.dev.virtio.broken);
	assert_ptr_equal(hf_virtqueue_detach(t.vq), &tokens[0]);
	t.dev.stuck = false;
	end();
}

/* -- features, status, interrupts -------------------------------------------- */

static void features_are_what_both_want(void **state)
{
	(void)state;
	begin(BIT(0) | BIT(1) | BIT(2) | BIT(50) | BIT(VIRTIO_F_ORDER_PLATFORM),
	      SIZE, true);
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio,
					     BIT(1) | BIT(3) | BIT(50),
					     BIT(2)), 0);
	assert_int_equal(t.dev.accepted,
			 BASE | BIT(1) | BIT(2) | BIT(50) |
			 BIT(VIRTIO_F_ORDER_PLATFORM));
	assert_int_equal(t.dev.virtio.features, t.dev.accepted);
	assert_int_equal(t.dev.status, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				       VIRTIO_CONFIG_S_DRIVER |
				       VIRTIO_CONFIG_S_FEATURES_OK);
	assert_int_equal(hf_virtio_start(&t.dev.virtio), 0);
	assert_true(t.dev.status & VIRTIO_CONFIG_S_DRIVER_OK);
	teardown();
}

static void rings_of_another_kind_are_never_agreed_on(void **state)
{
	const uint64_t others = BIT(VIRTIO_RING_F_INDIRECT_DESC) |
				BIT(VIRTIO_F_RING_PACKED) |
				BIT(VIRTIO_F_IN_ORDER) |
				BIT(VIRTIO_F_RING_RESET);

	(void)state;
	begin(others, SIZE, true);
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, UINT64_MAX, 0), 0);
	assert_int_equal(t.dev.accepted, BASE);
	log_begin();
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0,
					     BIT(VIRTIO_F_RING_PACKED)),
			 -ENOTSUP);
	log_end(t.log, sizeof(t.log));
	teardown();
}

static void what_is_needed_and_not_offered_is_said(void **state)
{
	(void)state;
	begin(BIT(0), SIZE, true);
	log_begin();
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, BIT(0) | BIT(5)),
			 -ENOTSUP);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "0x20,"));
	assert_true(t.dev.status & VIRTIO_CONFIG_S_FAILED);
	/* And the way back. */
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, BIT(0)), 0);
	teardown();
}

static void a_device_must_not_go_past_the_iommu(void **state)
{
	for (int iommu = 0; iommu < 2; iommu++) {
		(void)state;
		begin(0, SIZE, iommu);
		t.dev.offered = BIT(VIRTIO_F_VERSION_1);
		log_begin();
		assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0),
				 iommu ? -ENOTSUP : 0);
		log_end(t.log, sizeof(t.log));
		t.dev.offered = BIT(VIRTIO_F_ACCESS_PLATFORM);
		log_begin();
		assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0),
				 -ENOTSUP);
		log_end(t.log, sizeof(t.log));
		t.dev.offered = BASE;
		start(SIZE);
		assert_int_equal(t.dev.accepted, BASE);
		teardown();
	}
}

static void a_device_that_does_not_agree_is_not_supported(void **state)
{
	(void)state;
	begin(0, SIZE, true);
	t.dev.no_features = true;
	log_begin();
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), -ENOTSUP);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "does not agree"));
	teardown();
}

static void a_device_that_is_gone_is_an_error(void **state)
{
	(void)state;
	setup();
	t.dev.gone = true;
	assert_int_equal(hf_virtio_start(&t.dev.virtio), -EIO);
	log_begin();
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), -EIO);
	log_end(t.log, sizeof(t.log));
	assert_true(t.dev.virtio.broken);
	/* What it has cannot be known: but here it is. */
	t.dev.virtio.stuck = t.dev.gone = false;
	teardown();
}

static void a_device_that_needs_a_reset_is_broken(void **state)
{
	(void)state;
	setup();
	give(1);
	t.dev.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	assert_int_equal(hf_virtio_interrupts(&t.dev.virtio), 0);
	vdev_interrupt(&t.dev, HF_VIRTIO_IRQ_QUEUE);
	assert_int_equal(hf_virtio_interrupts(&t.dev.virtio),
			 HF_VIRTIO_IRQ_QUEUE);
	assert_false(t.dev.virtio.broken);
	vdev_interrupt(&t.dev, HF_VIRTIO_IRQ_CONFIG);
	log_begin();
	assert_int_equal(hf_virtio_interrupts(&t.dev.virtio),
			 HF_VIRTIO_IRQ_CONFIG);
	log_end(t.log, sizeof(t.log));
	assert_non_null(strstr(t.log, "needs a reset"));
	assert_true(t.dev.virtio.broken);
	assert_ptr_equal(hf_virtqueue_detach(t.vq), &tokens[0]);
	teardown();
}

static void a_device_that_needs_a_reset_does_not_start(void **state)
{
	(void)state;
	begin(0, SIZE, true);
	assert_int_equal(hf_virtio_negotiate(&t.dev.virtio, 0, 0), 0);
	t.dev.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	assert_int_equal(hf_virtio_start(&t.dev.virtio), -EIO);
	teardown();
}

static void a_device_that_is_wanted_back_is_stopped(void **state)
{
	(void)state;
	setup();
	vdev_interrupt(&t.dev, HF_VIRTIO_IRQ_GONE | HF_VIRTIO_IRQ_CONFIG);
	log_begin();
	assert_int_equal(hf_virtio_interrupts(&t.dev.virtio),
			 HF_VIRTIO_IRQ_GONE | HF_VIRTIO_IRQ_CONFIG);
	log_end(t.log, sizeof(t.log));
	assert_true(t.dev.virtio.broken);
	assert_int_equal(t.dev.status, 0);
	teardown();
}

static void nothing_can_be_destroyed(void **state)
{
	(void)state;
	hf_virtqueue_destroy(NULL);
	hf_virtio_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_goes_to_the_device_and_back),
		cmocka_unit_test(a_device_may_fill_all_of_a_buffer),
		cmocka_unit_test(nothing_is_seen_before_the_kick),
		cmocka_unit_test(a_device_that_wants_no_notification_gets_none),
		cmocka_unit_test(a_device_says_which_buffer_it_wants_to_hear_of),
		cmocka_unit_test(an_interrupt_is_asked_for_with_the_last_buffer),
		cmocka_unit_test(a_device_may_answer_within_the_notification),
		cmocka_unit_test(a_device_may_be_done_in_any_order),
		cmocka_unit_test(no_buffer_is_lost_when_the_indices_wrap),
		cmocka_unit_test(one_slow_buffer_survives_the_wrap),
		cmocka_unit_test(a_full_queue_takes_no_more),
		cmocka_unit_test(a_buffer_may_have_all_entries),
		cmocka_unit_test(a_buffer_of_nothing_or_too_much_is_refused),
		cmocka_unit_test(
			a_queue_is_a_power_of_two_and_no_larger_than_the_device_has),
		cmocka_unit_test(a_queue_that_cannot_be_is_an_error),
		cmocka_unit_test(a_ring_that_the_device_cannot_reach_is_an_error),
		cmocka_unit_test(a_device_cannot_use_more_than_it_has),
		cmocka_unit_test(the_index_cannot_go_back),
		cmocka_unit_test(an_index_that_was_seen_cannot_be_taken_back),
		cmocka_unit_test(a_buffer_out_of_range_is_none),
		cmocka_unit_test(what_is_no_head_is_no_buffer),
		cmocka_unit_test(a_buffer_that_was_not_shown_cannot_be_used),
		cmocka_unit_test(
			a_buffer_that_was_shown_once_is_shown_again_or_not_at_all),
		cmocka_unit_test(a_buffer_cannot_be_used_twice),
		cmocka_unit_test(more_cannot_be_written_than_there_is_room),
		cmocka_unit_test(
			what_a_device_does_to_descriptors_changes_nothing),
		cmocka_unit_test(nothing_is_sent_to_a_broken_device),
		cmocka_unit_test(nothing_is_taken_from_a_broken_device),
		cmocka_unit_test(a_device_starts_again_after_a_reset),
		cmocka_unit_test(
			the_memory_of_a_device_that_does_not_reset_is_kept),
		cmocka_unit_test(a_device_that_is_broken_is_given_back),
		cmocka_unit_test(
			a_device_that_is_given_back_behind_an_iommu_reaches_nothing),
		cmocka_unit_test(features_are_what_both_want),
		cmocka_unit_test(rings_of_another_kind_are_never_agreed_on),
		cmocka_unit_test(what_is_needed_and_not_offered_is_said),
		cmocka_unit_test(a_device_must_not_go_past_the_iommu),
		cmocka_unit_test(a_device_that_does_not_agree_is_not_supported),
		cmocka_unit_test(a_device_that_is_gone_is_an_error),
		cmocka_unit_test(a_device_that_needs_a_reset_is_broken),
		cmocka_unit_test(a_device_that_needs_a_reset_does_not_start),
		cmocka_unit_test(a_device_that_is_wanted_back_is_stopped),
		cmocka_unit_test(nothing_can_be_destroyed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
