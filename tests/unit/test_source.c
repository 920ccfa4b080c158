/* SPDX-License-Identifier: MIT */
/*
 * A viewer's end of a stream, and a server that answers by hand: late, twice, and with
 * nonsense.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdpass.h"
#include "fdcount.h"
#include "mem/shmem.h"
#include "server/stream.h"
#include "view/source.h"

static struct hf_source source;
static int server;
static unsigned int open_before;

static int setup(void **state)
{
	int fds[2];

	(void)state;
	open_before = count_fds();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -1;
	server = fds[0];
	hf_source_init(&source, fds[1]);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (server >= 0)
		close(server);
	hf_source_finish(&source);
	return count_fds() == open_before ? 0 : -1;
}

static struct hf_stream_request request(void)
{
	struct hf_stream_request packet = { 0 };

	assert_int_equal(recv(server, &packet, sizeof(packet), MSG_DONTWAIT),
			 sizeof(packet));
	return packet;
}

static void expect_no_request(void)
{
	char byte;

	assert_int_equal(recv(server, &byte, 1, MSG_DONTWAIT), -1);
}

/* A frame of 2x2, with its memory if there are @pixels. */
static void answer(uint32_t serial, const uint32_t *pixels)
{
	struct hf_stream_frame frame = {
		.serial = serial, .lit = 1, .width = 2, .height = 2,
	};
	int fd = pixels ? hf_shmem_data("frame", pixels, 16) : -1;

	assert_int_equal(hf_send_fds(server, &frame, sizeof(frame), &fd,
				     pixels != NULL), 0);
	if (pixels)
		close(fd);
}

static const uint32_t picture[4] = { 1, 2, 3, 4 };

static void a_frame_is_asked_for_and_comes(void **state)
{
	struct hf_stream_request asked;

	(void)state;
	assert_int_equal(hf_source_ask(&source), 0);
	asked = request();
	assert_int_equal(asked.what, HF_STREAM_NEXT);
	assert_int_equal(hf_source_receive(&source), 0);
	answer(asked.serial, picture);
	assert_int_equal(hf_source_receive(&source), 1);
	assert_false(source.asked);
	assert_memory_equal(source.pixels, picture, sizeof(picture));
}

static void asking_twice_is_asking_once(void **state)
{
	(void)state;
	source.last_ns = UINT64_MAX / 2; /* just now */
	source.asked = true;
	assert_int_equal(hf_source_ask(&source), 0);
	expect_no_request();
	source.asked = false; /* nor too soon after the last */
	assert_int_equal(hf_source_ask(&source), 0);
	expect_no_request();
	assert_true(hf_source_timeout(&source) > 0);
}

static void after_a_while_it_is_asked_for_in_any_case(void **state)
{
	(void)state;
	hf_source_ask(&source);
	assert_int_equal(request().what, HF_STREAM_NEXT);
	hf_source_ask(&source);
	assert_int_equal(request().what, HF_STREAM_NOW);
	assert_int_equal(hf_source_timeout(&source), -1);
	hf_source_ask(&source);
	expect_no_request();
}

static void an_answer_to_an_earlier_request_is_not_looked_at(void **state)
{
	uint32_t first, second;

	(void)state;
	hf_source_ask(&source);
	first = request().serial;
	hf_source_ask_now(&source);
	second = request().serial;
	assert_int_not_equal(first, second);
	answer(first, picture);
	assert_int_equal(hf_source_receive(&source), 0);
	assert_true(source.asked);
	answer(second, NULL); /* the memory came with the first */
	assert_int_equal(hf_source_receive(&source), 1);
	assert_memory_equal(source.pixels, picture, sizeof(picture));
}

static void what_finds_nothing_is_done_less_often(void **state)
{
	uint64_t first = source.patience_ns, last;

	(void)state;
	source.in_any_case = true;
	for (int i = 0; i < 10; i++)
		hf_source_differed(&source, false);
	last = source.patience_ns;
	assert_true(last > first && last < 20 * first);
	hf_source_differed(&source, true);
	assert_int_equal(source.patience_ns, first);
}

static void a_picture_must_fit_its_memory(void **state)
{
	struct hf_stream_frame frame = { .lit = 1, .width = 2, .height = 3 };

	(void)state;
	hf_source_ask(&source);
	frame.serial = request().serial;
	answer(frame.serial, picture);
	assert_int_equal(hf_source_receive(&source), 1);
	assert_int_equal(hf_send_fds(server, &frame, sizeof(frame), NULL, 0),
			 0);
	assert_int_equal(hf_source_receive(&source), -EPROTO);
}

static void nonsense_and_errors_end_a_stream(void **state)
{
	struct hf_stream_frame frame = { .error = -ENOMEM };

	(void)state;
	assert_int_equal(send(server, "x", 1, 0), 1);
	assert_int_equal(hf_source_receive(&source), -EPROTO);
	assert_int_equal(hf_send_fds(server, &frame, sizeof(frame), NULL, 0),
			 0);
	assert_int_equal(hf_source_receive(&source), -ENOMEM);
	close(server);
	server = -1;
	assert_int_equal(hf_source_receive(&source), -ENODATA);
	assert_int_equal(hf_source_ask_now(&source), -EPIPE);
}

static void keys_and_pointer_are_passed_on(void **state)
{
	struct hf_stream_request packet;

	(void)state;
	hf_source_key(&source, 0x41, true);
	packet = request();
	assert_int_equal(packet.what, HF_STREAM_KEY);
	assert_int_equal(packet.code, 0x41);
	assert_int_equal(packet.x, 1);
	hf_source_pointer(&source, 3, 4, 5);
	packet = request();
	assert_int_equal(packet.what, HF_STREAM_POINTER);
	assert_int_equal(packet.x, 3);
	assert_int_equal(packet.y, 4);
	assert_int_equal(packet.code, 5);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_frame_is_asked_for_and_comes),
		TEST(asking_twice_is_asking_once),
		TEST(after_a_while_it_is_asked_for_in_any_case),
		TEST(an_answer_to_an_earlier_request_is_not_looked_at),
		TEST(what_finds_nothing_is_done_less_often),
		TEST(a_picture_must_fit_its_memory),
		TEST(nonsense_and_errors_end_a_stream),
		TEST(keys_and_pointer_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
