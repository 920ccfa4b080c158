/* SPDX-License-Identifier: MIT */
/*
 * The seat as libseat knows it: clients that speak the protocol over the socket that
 * they get, on two VTs that the test switches, with a display to be master of.
 *
 * What a daemon of version 0.7 answers to each of these was tried out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <json.h>

#include "base/fdpass.h"
#include "drivers/soft/soft.h"
#include "fdcount.h"
#include "seat/seatd.h"
#include "seat/seatd_protocol.h"
#include "seat/vt.h"
#include "uapi/call.h"

#define CARD 7
#define RENDER 135

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_seatd *seatd;
static struct hf_vts *vts;
static unsigned int open_before;

static int find_path(void *data, const char *path, uint32_t *major,
		     uint32_t *minor)
{
	(void)data;
	*major = 226;
	if (!strcmp(path, "/dev/dri/card7"))
		*minor = CARD;
	else if (!strcmp(path, "/dev/dri/renderD135"))
		*minor = RENDER;
	else if (!strcmp(path, "/dev/dri/card9"))
		*minor = 9; /* which is gone */
	else
		return -ENOENT;
	return 0;
}

static void switch_vt(unsigned int vt)
{
	assert_int_equal(hf_vt_switch(vts, vt), 0);
}

static bool graphics(unsigned int vt)
{
	struct hf_vt_info info;

	assert_int_equal(hf_vt_describe(vts, vt, &info), 0);
	return info.graphics;
}

static int setup(void **state)
{
	static const struct hf_kms_output output = {
		.width = 320, .height = 240, .hz = 1000,
	};

	(void)state;
	open_before = count_fds();
	sys = hf_system_create(&(struct hf_memory_options){ 0 });
	assert_non_null(sys);
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = CARD,
				       .render = RENDER,
				       .iommu = true,
				       .coherent = true,
				       .outputs = &output,
				       .noutputs = 1,
			       });
	assert_non_null(dev);
	vts = hf_vts_create(sys, NULL, NULL);
	assert_non_null(vts);
	seatd = hf_seatd_create(sys, vts, NULL, find_path, NULL);
	assert_non_null(seatd);
	return 0;
}

/* What the main thread does: files whose last descriptor is closed go. */
static void reap_files(void)
{
	uint64_t ids[64];
	int n = hf_endpoints_poll(&sys->endpoints, ids, 64);

	for (int i = 0; i < n; i++)
		hf_endpoints_hang_up(&sys->endpoints, ids[i]);
}

static int teardown(void **state)
{
	(void)state;
	hf_seatd_destroy(seatd);
	hf_vts_destroy(vts);
	reap_files();
	assert_true(wl_list_empty(&dev->files));
	hf_device_destroy(dev);
	hf_system_destroy(sys);
	assert_int_equal(count_fds(), open_before);
	return 0;
}

/* -- a client -------------------------------------------------------------- */

static int join(void)
{
	const struct hf_cred cred = { .pid = 4711, .uid = 4712, .gid = 4713 };
	int fd;

	assert_int_equal(hf_seatd_connect(seatd, &cred, &fd), 0);
	return fd;
}

static void dispatch(void)
{
	for (int i = 0; i < 4; i++)
		hf_seatd_dispatch(seatd);
}

static void say_raw(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
	dispatch();
}

static void say(int fd, uint16_t opcode, const void *body, uint16_t size)
{
	uint8_t bytes[1024];
	struct hf_seatd_header header = { opcode, size };

	memcpy(bytes, &header, sizeof(header));
	if (size)
		memcpy(bytes + sizeof(header), body, size);
	say_raw(fd, bytes, sizeof(header) + size);
}

static void say_number(int fd, uint16_t opcode, int32_t number)
{
	say(fd, opcode, &number, sizeof(number));
}

static void say_path(int fd, const char *path)
{
	uint8_t body[512];
	uint16_t length = (uint16_t)(strlen(path) + 1);

	memcpy(body, &length, 2);
	memcpy(body + 2, path, length);
	say(fd, HF_SEATD_OPEN_DEVICE, body, (uint16_t)(length + 2));
}

/* Return: the body's first four bytes. */
static int32_t expect(int fd, uint16_t opcode, uint16_t size)
{
	struct hf_seatd_header header;
	uint8_t body[16] = { 0 };
	int32_t number;

	assert_int_equal(recv(fd, &header, sizeof(header), MSG_DONTWAIT),
			 sizeof(header));
	assert_int_equal(header.opcode, opcode);
	assert_int_equal(header.size, size);
	if (size)
		assert_int_equal(recv(fd, body, size, MSG_DONTWAIT), size);
	memcpy(&number, body, sizeof(number));
	return number;
}

static void expect_error(int fd, int error)
{
	assert_int_equal(expect(fd, HF_SEATD_ERROR, 4), error);
}

static void expect_nothing(int fd)
{
	char c;

	assert_int_equal(recv(fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

static void expect_end(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);

	/* What it said was not all read. */
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static int expect_device(int fd, int32_t id)
{
	struct {
		struct hf_seatd_header header;
		int32_t id;
	} message;
	int fds[HF_FDPASS_MAX];
	unsigned int n;

	assert_int_equal(hf_recv_fds(fd, &message, sizeof(message), MSG_DONTWAIT,
				     fds, &n), sizeof(message));
	assert_int_equal(message.header.opcode, HF_SEATD_DEVICE_OPENED);
	assert_int_equal(message.header.size, 4);
	assert_int_equal(message.id, id);
	assert_int_equal(n, 1);
	return fds[0];
}

static void expect_opened(int fd)
{
	struct {
		struct hf_seatd_header header;
		uint16_t length;
		char name[5];
	} __attribute__((packed)) message;

	assert_int_equal(recv(fd, &message, sizeof(message), MSG_DONTWAIT), 11);
	assert_int_equal(message.header.opcode, HF_SEATD_SEAT_OPENED);
	assert_int_equal(message.header.size, 7);
	assert_int_equal(message.length, 5);
	assert_memory_equal(message.name, "seat0", 5);
}

static int join_seat(void)
{
	int fd = join();

	say(fd, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_opened(fd);
	return fd;
}

static int join_active(void)
{
	int fd = join_seat();

	expect(fd, HF_SEATD_ENABLE, 0);
	return fd;
}

static int open_card(int fd, int32_t id)
{
	say_path(fd, "/dev/dri/card7");
	return expect_device(fd, id);
}

static struct hf_file *file_of(int card)
{
	struct hf_file *file = hf_file_of_endpoint(
		hf_endpoint_of(&sys->endpoints, card));

	assert_non_null(file);
	return file;
}

static bool is_master(int card)
{
	return hf_file_is_current_master(file_of(card));
}

static void leave(int fd)
{
	close(fd);
	dispatch();
}

/* -- seats ----------------------------------------------------------------- */

static void a_session_of_another_vt_waits_until_it_is_shown(void **state)
{
	int fd = join(), other;

	(void)state;
	say_number(fd, HF_SEATD_OPEN_SEAT, 3);
	expect_opened(fd);
	expect_nothing(fd);
	other = join_active();
	say_number(other, HF_SEATD_SWITCH_SESSION, 3);
	expect(other, HF_SEATD_DISABLE, 0);
	expect_nothing(fd);
	say(other, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect(fd, HF_SEATD_ENABLE, 0);
	leave(fd);
	leave(other);
	other = join();
	say_number(other, HF_SEATD_OPEN_SEAT, 64);
	expect_end(other);
	other = join();
	say_number(other, HF_SEATD_OPEN_SEAT, -1);
	expect_end(other);
}

static void who_opens_the_seat_has_it(void **state)
{
	int fd = join();

	(void)state;
	expect_nothing(fd);
	assert_false(graphics(1));
	say(fd, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_opened(fd);
	expect(fd, HF_SEATD_ENABLE, 0);
	expect_nothing(fd);
	assert_true(graphics(1));
	leave(fd);
	assert_false(graphics(1));
}

static void ping_is_answered_without_a_seat(void **state)
{
	int fd = join();

	(void)state;
	say(fd, HF_SEATD_PING, NULL, 0);
	expect(fd, HF_SEATD_PONG, 0);
	leave(fd);
}

static void a_seat_that_is_taken_ends_the_connection(void **state)
{
	int fd = join_active(), other = join();

	(void)state;
	say(other, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_end(other);
	say(fd, HF_SEATD_PING, NULL, 0);
	expect(fd, HF_SEATD_PONG, 0);
	say(fd, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_end(fd);
}

static void a_closed_seat_is_free_and_its_client_is_used_up(void **state)
{
	int fd = join_active(), other, card = open_card(fd, 1);

	(void)state;
	say(fd, HF_SEATD_CLOSE_SEAT, NULL, 0);
	expect(fd, HF_SEATD_SEAT_CLOSED, 0);
	assert_false(graphics(1));
	assert_false(is_master(card));
	close(card);
	other = join_active();
	say(fd, HF_SEATD_PING, NULL, 0);
	expect(fd, HF_SEATD_PONG, 0);
	say(fd, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_end(fd);
	leave(other);
}

static void a_killed_client_leaves_the_seat_to_the_next_at_once(void **state)
{
	int fd = join_active(), card = open_card(fd, 1), next;

	(void)state;
	next = join();
	close(card);
	close(fd); /* and the main thread has not heard of it */
	say(next, HF_SEATD_OPEN_SEAT, NULL, 0);
	expect_opened(next);
	expect(next, HF_SEATD_ENABLE, 0);
	card = open_card(next, 1);
	assert_true(is_master(card));
	close(card);
	leave(next);
}

static void a_client_that_opens_the_seat_and_dies_is_no_harm(void **state)
{
	struct hf_seatd_header header = { HF_SEATD_OPEN_SEAT, 0 };
	int fd = join();

	(void)state;
	assert_int_equal(send(fd, &header, sizeof(header), 0), sizeof(header));
	close(fd);
	dispatch();
	assert_false(graphics(1));
	leave(join_active());
}

/* -- devices --------------------------------------------------------------- */

static void a_device_is_the_masters_whoever_asks(void **state)
{
	int fd = join_active(), card = open_card(fd, 1);

	(void)state;
	assert_true(is_master(card));
	assert_int_equal(file_of(card)->cred.uid, 4712);
	assert_int_equal(file_of(card)->cred.pid, 4711);
	/* It cannot make itself master again when it is not any more. */
	assert_false(file_of(card)->was_master);
	assert_true(fcntl(card, F_GETFL) & O_NONBLOCK);
	close(card);
	leave(fd);
}

static void a_path_opened_twice_is_one_device(void **state)
{
	int fd = join_active(), card = open_card(fd, 1), again;

	(void)state;
	again = open_card(fd, 1);
	assert_ptr_equal(file_of(card), file_of(again));
	close(again);
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
	expect(fd, HF_SEATD_DEVICE_CLOSED, 0);
	assert_true(is_master(card));
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
	expect(fd, HF_SEATD_DEVICE_CLOSED, 0);
	assert_false(is_master(card));
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
	expect_error(fd, EBADF);
	close(card);
	leave(fd);
}

static void a_device_stays_when_its_client_closes_the_descriptor(void **state)
{
	int fd = join_active(), card = open_card(fd, 1);
	struct hf_file *file = file_of(card);

	(void)state;
	close(card);
	reap_files();
	card = open_card(fd, 1);
	assert_ptr_equal(file_of(card), file);
	close(card);
	for (int i = 0; i < 2; i++) {
		say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
		expect(fd, HF_SEATD_DEVICE_CLOSED, 0);
	}
	reap_files();
	assert_true(wl_list_empty(&dev->files));
	leave(fd);
}

static void a_render_node_is_nobodys_to_be_master_of(void **state)
{
	int fd = join_active(), node;

	(void)state;
	say_path(fd, "/dev/dri/renderD135");
	node = expect_device(fd, 1);
	assert_false(is_master(node));
	close(node);
	leave(fd);
}

static void only_devices_of_the_seat_are_opened(void **state)
{
	int fd = join_active();

	(void)state;
	say_path(fd, "/etc/shadow");
	expect_error(fd, ENOENT);
	say_path(fd, "/dev/hidraw0");
	expect_error(fd, ENOENT);
	say_path(fd, "");
	expect_error(fd, ENOENT);
	say_path(fd, "/dev/dri/card9");
	expect_error(fd, ENXIO);
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
	expect_error(fd, EBADF);
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 0);
	expect_error(fd, EBADF);
	say_number(fd, HF_SEATD_CLOSE_DEVICE, -1);
	expect_error(fd, EBADF);
	say_path(fd, "/dev/dri/card7");
	close(expect_device(fd, 1));
	leave(fd);
}

static void a_device_that_is_unplugged_can_be_closed(void **state)
{
	int fd = join_active(), card = open_card(fd, 1);

	(void)state;
	close(card);
	hf_file_close(file_of(card = open_card(fd, 1)));
	switch_vt(2);
	expect(fd, HF_SEATD_DISABLE, 0);
	say(fd, HF_SEATD_DISABLE_SEAT, NULL, 0);
	switch_vt(1);
	expect(fd, HF_SEATD_ENABLE, 0);
	say_number(fd, HF_SEATD_CLOSE_DEVICE, 1);
	expect(fd, HF_SEATD_DEVICE_CLOSED, 0);
	close(card);
	leave(fd);
}

/* -- switching ------------------------------------------------------------- */

static void a_switch_takes_the_devices_and_the_way_back_returns_them(void **state)
{
	int fd = join_active(), card = open_card(fd, 1);

	(void)state;
	say_number(fd, HF_SEATD_SWITCH_SESSION, 2);
	assert_int_equal(hf_vt_active(vts), 2);
	assert_false(is_master(card));
	expect(fd, HF_SEATD_DISABLE, 0);
	say_path(fd, "/dev/dri/renderD135");
	expect_error(fd, EPERM);
	say_number(fd, HF_SEATD_SWITCH_SESSION, 1);
	expect_error(fd, EPERM);
	say(fd, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect_nothing(fd);
	switch_vt(1);
	expect(fd, HF_SEATD_ENABLE, 0);
	assert_true(is_master(card));
	close(card);
	leave(fd);
}

static void a_switch_to_the_own_or_no_session_changes_nothing(void **state)
{
	int fd = join_active();

	(void)state;
	say_number(fd, HF_SEATD_SWITCH_SESSION, 1);
	expect_nothing(fd);
	say_number(fd, HF_SEATD_SWITCH_SESSION, 0);
	expect_error(fd, EINVAL);
	say_number(fd, HF_SEATD_SWITCH_SESSION, -1);
	expect_error(fd, EINVAL);
	say_number(fd, HF_SEATD_SWITCH_SESSION, 64);
	expect_error(fd, ENXIO);
	say(fd, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect_error(fd, EBUSY);
	assert_int_equal(hf_vt_active(vts), 1);
	leave(fd);
}

static void nobody_gets_the_seat_before_it_is_let_go_of(void **state)
{
	int first = join_active(), card = open_card(first, 1), second, other;

	(void)state;
	switch_vt(2);
	expect(first, HF_SEATD_DISABLE, 0);
	second = join_seat();
	expect_nothing(second);
	say_path(second, "/dev/dri/card7");
	expect_error(second, EPERM);
	say(first, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect(second, HF_SEATD_ENABLE, 0);
	assert_true(graphics(2));
	other = open_card(second, 1);
	assert_true(is_master(other));
	switch_vt(1);
	expect(second, HF_SEATD_DISABLE, 0);
	say(second, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect(first, HF_SEATD_ENABLE, 0);
	assert_true(is_master(card));
	assert_false(is_master(other));
	close(card);
	close(other);
	leave(first);
	assert_false(graphics(1));
	assert_true(graphics(2));
	leave(second);
	assert_false(graphics(2));
}

static void there_and_back_before_it_has_let_go_ends_enabled(void **state)
{
	int fd = join_active(), card = open_card(fd, 1);

	(void)state;
	switch_vt(2);
	switch_vt(1);
	expect(fd, HF_SEATD_DISABLE, 0);
	expect_nothing(fd);
	say(fd, HF_SEATD_DISABLE_SEAT, NULL, 0);
	expect(fd, HF_SEATD_ENABLE, 0);
	assert_true(is_master(card));
	close(card);
	leave(fd);
}

static void the_one_in_the_way_that_dies_makes_way(void **state)
{
	int first = join_active(), second;

	(void)state;
	switch_vt(2);
	second = join_seat();
	expect_nothing(second);
	leave(first);
	expect(second, HF_SEATD_ENABLE, 0);
	assert_false(graphics(1));
	leave(second);
}

/* The clock is stopped, and moved by hand. */
static void the_one_in_the_way_that_does_nothing_is_dropped(void **state)
{
	int first, second;
	uint64_t at;

	(void)state;
	hf_clock_set_pace(sys->real_clock, HF_CLOCK_STANDS);
	first = join_active();
	switch_vt(2);
	expect(first, HF_SEATD_DISABLE, 0);
	/* It is in nobody's way. */
	assert_false(hf_clock_next(sys->real_clock, &at));
	second = join_seat();
	assert_true(hf_clock_next(sys->real_clock, &at));
	hf_clock_advance(sys->real_clock, at);
	expect_end(first);
	expect(second, HF_SEATD_ENABLE, 0);
	leave(second);
}

/* -- bad ones -------------------------------------------------------------- */

static void expect_dropped(uint16_t opcode, const void *body, uint16_t size)
{
	int fd = join_active();

	say(fd, opcode, body, size);
	expect_end(fd);
	assert_false(graphics(1));
}

static void garbage_ends_the_connection(void **state)
{
	static const uint8_t path[] = { 9, 0, '/', 'x', 0 };
	static const uint8_t endless[] = { 3, 0, '/', 'x', 'y' };
	static const uint8_t bytes[600];

	(void)state;
	expect_dropped(0, NULL, 0);
	expect_dropped(99, NULL, 0);
	expect_dropped(HF_SEATD_ERROR, NULL, 0);
	expect_dropped(HF_SEATD_OPEN_SEAT, "x", 1);
	expect_dropped(HF_SEATD_OPEN_SEAT, "\2\0\0\0", 4);
	expect_dropped(HF_SEATD_CLOSE_SEAT, "x", 1);
	expect_dropped(HF_SEATD_DISABLE_SEAT, "x", 1);
	expect_dropped(HF_SEATD_PING, "x", 1);
	expect_dropped(HF_SEATD_OPEN_DEVICE, NULL, 0);
	expect_dropped(HF_SEATD_OPEN_DEVICE, "\0", 2);
	expect_dropped(HF_SEATD_OPEN_DEVICE, path, sizeof(path));
	expect_dropped(HF_SEATD_OPEN_DEVICE, endless, sizeof(endless));
	expect_dropped(HF_SEATD_OPEN_DEVICE, bytes, 300);
	expect_dropped(HF_SEATD_CLOSE_DEVICE, "x", 1);
	expect_dropped(HF_SEATD_SWITCH_SESSION, "xxxxx", 5);
	expect_dropped(HF_SEATD_PING, bytes, sizeof(bytes));
}

static void nothing_but_ping_goes_without_a_seat(void **state)
{
	static const uint16_t opcodes[] = {
		HF_SEATD_CLOSE_SEAT, HF_SEATD_CLOSE_DEVICE,
		HF_SEATD_DISABLE_SEAT, HF_SEATD_SWITCH_SESSION,
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		int fd = join();

		say(fd, opcodes[i], "\1\0\0\0",
		    opcodes[i] == HF_SEATD_CLOSE_DEVICE ||
				    opcodes[i] == HF_SEATD_SWITCH_SESSION ?
			    4 : 0);
		expect_end(fd);
	}
}

static void a_message_in_pieces_is_one(void **state)
{
	static const uint8_t bytes[] = {
		HF_SEATD_OPEN_DEVICE, 0, 17, 0, 15, 0, '/', 'd', 'e', 'v', '/',
		'd', 'r', 'i', '/', 'c', 'a', 'r', 'd', '7', 0,
	};
	int fd = join_active();

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		expect_nothing(fd);
		say_raw(fd, bytes + i, 1);
	}
	close(expect_device(fd, 1));
	leave(fd);
}

static void one_that_does_not_read_is_dropped(void **state)
{
	struct hf_seatd_header ping = { HF_SEATD_PING, 0 };
	int fd = join_active(), size = 1, i;

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	for (i = 0; i < 100000; i++) {
		if (send(fd, &ping, sizeof(ping), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		hf_seatd_dispatch(seatd);
	}
	assert_true(i < 100000);
	dispatch();
	assert_false(graphics(1));
	close(fd);
	leave(join_active());
}

static void one_that_talks_all_the_time_keeps_nobody_waiting(void **state)
{
	struct hf_seatd_header pings[256];
	int fd = join(), other = join();

	(void)state;
	for (size_t i = 0; i < 256; i++)
		pings[i] = (struct hf_seatd_header){ HF_SEATD_PING, 0 };
	assert_int_equal(send(fd, pings, sizeof(pings), 0), sizeof(pings));
	assert_int_equal(send(other, pings, sizeof(*pings), 0), sizeof(*pings));
	hf_seatd_dispatch(seatd);
	expect(other, HF_SEATD_PONG, 0);
	leave(fd);
	leave(other);
}

static void too_many_connections_cost_those_that_do_nothing(void **state)
{
	int active = join_active(), fds[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		fds[i] = join();
	expect_end(fds[0]);
	say(fds[99], HF_SEATD_PING, NULL, 0);
	expect(fds[99], HF_SEATD_PONG, 0);
	say(active, HF_SEATD_PING, NULL, 0);
	expect(active, HF_SEATD_PONG, 0);
	for (size_t i = 1; i < 100; i++)
		leave(fds[i]);
	leave(active);
}

static void info_shows_who_has_a_session(void **state)
{
	struct json_object *array = json_object_new_array();
	int idle = join(), fd = join_active(), card = open_card(fd, 1);

	(void)state;
	hf_seatd_describe(seatd, array);
	assert_string_equal(
		json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN),
		"[{\"pid\":4711,\"session\":1,\"active\":true,\"devices\":1}]");
	json_object_put(array);
	close(card);
	leave(fd);
	leave(idle);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_of_another_vt_waits_until_it_is_shown),
		TEST(who_opens_the_seat_has_it),
		TEST(ping_is_answered_without_a_seat),
		TEST(a_seat_that_is_taken_ends_the_connection),
		TEST(a_closed_seat_is_free_and_its_client_is_used_up),
		TEST(a_killed_client_leaves_the_seat_to_the_next_at_once),
		TEST(a_client_that_opens_the_seat_and_dies_is_no_harm),
		TEST(a_device_is_the_masters_whoever_asks),
		TEST(a_path_opened_twice_is_one_device),
		TEST(a_device_stays_when_its_client_closes_the_descriptor),
		TEST(a_render_node_is_nobodys_to_be_master_of),
		TEST(only_devices_of_the_seat_are_opened),
		TEST(a_device_that_is_unplugged_can_be_closed),
		TEST(a_switch_takes_the_devices_and_the_way_back_returns_them),
		TEST(a_switch_to_the_own_or_no_session_changes_nothing),
		TEST(nobody_gets_the_seat_before_it_is_let_go_of),
		TEST(there_and_back_before_it_has_let_go_ends_enabled),
		TEST(the_one_in_the_way_that_dies_makes_way),
		TEST(the_one_in_the_way_that_does_nothing_is_dropped),
		TEST(garbage_ends_the_connection),
		TEST(nothing_but_ping_goes_without_a_seat),
		TEST(a_message_in_pieces_is_one),
		TEST(one_that_does_not_read_is_dropped),
		TEST(one_that_talks_all_the_time_keeps_nobody_waiting),
		TEST(too_many_connections_cost_those_that_do_nothing),
		TEST(info_shows_who_has_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
