/* SPDX-License-Identifier: MIT */
/*
 * Traces of a server in this process: what makes records here are the probes,
 * called by hand. Whatever becomes of a reader, whoever makes records goes on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>
#include <json-c/json.h>

#include "base/futex.h"
#include "server/server.h"
#include "server/trace.h"
#include "uapi/call.h"

#define DEADLINE_NS UINT64_C(30000000000)

static struct hf_server server;

static int set_up(void **state)
{
	static const struct hf_kms_output output = { .width = 320,
						     .height = 240, .hz = 60 };
	const struct hf_server_options options = { .outputs = &output,
						   .noutputs = 1 };

	(void)state;
	return hf_server_init(&server, &options);
}

static int tear_down(void **state)
{
	(void)state;
	hf_server_finish(&server);
	return hf_trace_on();
}

/* Records that are told from each other by number. */
static void make_records(unsigned int first, unsigned int n)
{
	char what[64];

	for (unsigned int i = first; i < first + n; i++) {
		snprintf(what, sizeof(what), "RECORD=%u", i);
		pthread_mutex_lock(&server.sys->lock);
		hf_kms_uevent(&server.dev->kms, what, NULL, NULL);
		pthread_mutex_unlock(&server.sys->lock);
	}
}

/* All that comes until the end; the caller frees it. */
static char *read_all(int fd, size_t *length)
{
	size_t size = 1 << 16, n = 0;
	char *bytes = malloc(size);
	ssize_t got;

	assert_non_null(bytes);
	while ((got = read(fd, bytes + n, size - n - 1)) > 0) {
		n += got;
		if (size - n < 4096)
			bytes = realloc(bytes, size *= 2);
		assert_non_null(bytes);
	}
	bytes[n] = 0;
	*length = n;
	return bytes;
}

static void dispatch_until_nothing_is_traced(void)
{
	uint64_t end = hf_monotonic_ns() + DEADLINE_NS;

	while (hf_trace_on() && hf_monotonic_ns() < end)
		hf_server_dispatch(&server, 10);
	assert_false(hf_trace_on());
}

static void a_reader_gets_all_records_and_an_end(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	size_t length, at = 0;
	unsigned int n = 0;
	char *bytes;

	(void)state;
	assert_true(fd >= 0);
	make_records(0, 1000);
	shutdown(fd, SHUT_WR);
	bytes = read_all(fd, &length);
	for (char *line = bytes; *line; line = strchr(line, '\n') + 1, n++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), " uevent RECORD=%u\n", n);
		at = strcspn(line, " ");
		assert_memory_equal(line + at, wanted, strlen(wanted));
	}
	assert_int_equal(n, 1000);
	free(bytes);
	close(fd);
	dispatch_until_nothing_is_traced();
}

static void a_reader_of_the_chrome_format_gets_whole_json(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_CHROME);
	struct json_object *array;
	size_t length, n = 0;
	char *bytes;

	(void)state;
	assert_true(fd >= 0);
	make_records(0, 10);
	shutdown(fd, SHUT_WR);
	bytes = read_all(fd, &length);
	array = json_tokener_parse(bytes);
	assert_non_null(array);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *event = json_object_array_get_idx(array, i);
		const char *name = json_object_get_string(
			json_object_object_get(event, "name"));

		n += !strncmp(name, "RECORD=", 7);
	}
	assert_int_equal(n, 10);
	json_object_put(array);
	free(bytes);
	close(fd);
	dispatch_until_nothing_is_traced();
}

static void a_slow_reader_loses_records_and_learns_how_many(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	unsigned int there = 0, n = 100000;
	uint64_t lost = 0, some;
	size_t length;
	char *bytes;

	(void)state;
	assert_true(fd >= 0);
	make_records(0, n);
	shutdown(fd, SHUT_WR);
	bytes = read_all(fd, &length);
	for (char *line = bytes; *line; line = strchr(line, '\n') + 1) {
		if (sscanf(line, "... %lu records lost", &some) == 1)
			lost += some;
		else
			there++;
	}
	assert_true(lost > 0);
	assert_int_equal(there + lost, n);
	free(bytes);
	close(fd);
	dispatch_until_nothing_is_traced();
}

static void a_reader_that_goes_away_is_forgotten(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);

	(void)state;
	assert_true(fd >= 0);
	make_records(0, 10);
	close(fd);
	make_records(10, 10);
	dispatch_until_nothing_is_traced();
}

static void a_full_disk_ends_the_trace_and_nothing_else(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	char byte;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(hf_trace_to_file(&server, "/dev/full"), 0);
	make_records(0, 10);
	/* The other one goes on. */
	assert_int_equal(read(fd, &byte, 1), 1);
	close(fd);
	dispatch_until_nothing_is_traced();
}

static void a_file_that_cannot_be_opened_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(hf_trace_to_file(&server, "/no/such/directory/x"),
			 -ENOENT);
	assert_false(hf_trace_on());
}

static void there_is_a_limit_and_it_is_given_back(void **state)
{
	int fds[9];

	(void)state;
	for (int i = 0; i < 8; i++) {
		fds[i] = hf_trace_to_stream(&server, HF_TRACE_TEXT);
		assert_true(fds[i] >= 0);
	}
	assert_int_equal(hf_trace_to_stream(&server, HF_TRACE_TEXT), -EBUSY);
	for (int i = 0; i < 8; i++)
		close(fds[i]);
	dispatch_until_nothing_is_traced();
	fds[8] = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	assert_true(fds[8] >= 0);
	close(fds[8]);
	dispatch_until_nothing_is_traced();
}

static void a_reader_that_does_not_read_does_not_hold_up_the_end(void **state)
{
	int fd;

	set_up(state);
	fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	assert_true(fd >= 0);
	make_records(0, 100000);
	hf_server_finish(&server);
	assert_false(hf_trace_on());
	close(fd);
}

static void replug(void)
{
	pthread_mutex_lock(&server.sys->lock);
	hf_server_unplug(&server);
	assert_int_equal(hf_server_replug(&server), 0);
	pthread_mutex_unlock(&server.sys->lock);
}

static void a_trace_follows_the_server_to_another_device(void **state)
{
	int fd = hf_trace_to_stream(&server, HF_TRACE_TEXT);
	struct hf_kms_device *before = &server.dev->kms;
	size_t length;
	char *bytes;

	(void)state;
	assert_true(fd >= 0);
	replug();
	assert_true(wl_list_empty(&before->watches));
	assert_int_equal(wl_list_length(&server.dev->kms.watches), 1);
	make_records(0, 1);
	replug();
	shutdown(fd, SHUT_WR);
	bytes = read_all(fd, &length);
	assert_non_null(strstr(bytes, " uevent RECORD=0\n"));
	free(bytes);
	close(fd);
	dispatch_until_nothing_is_traced();
	assert_true(wl_list_empty(&server.dev->kms.watches));
}

/* A call of a row, as the transport has it. */
static void init_call(struct hf_call *call, uint32_t cmd, void *arg)
{
	memset(call, 0, sizeof(*call));
	call->sys = server.sys;
	call->desc = &hf_ioctl_descs[_IOC_NR(cmd)];
	call->cmd = cmd;
	call->cred.pid = 4711;
	call->arg = arg;
}

static char *trace_of(void (*run)(void), enum hf_trace_format format)
{
	int fd = hf_trace_to_stream(&server, format);
	size_t length;
	char *bytes;

	assert_true(fd >= 0);
	run();
	shutdown(fd, SHUT_WR);
	bytes = read_all(fd, &length);
	close(fd);
	dispatch_until_nothing_is_traced();
	return bytes;
}

static const struct hf_trace_caller caller = { "a program", 4712 };

static void ask_twice(void)
{
	struct drm_mode_destroy_dumb arg = { .handle = 5 };
	struct hf_call call;

	init_call(&call, DRM_IOCTL_MODE_DESTROY_DUMB, &arg);
	hf_trace_begin(&call, &caller);
	/* The client has been asked for something; it comes again. */
	call.nasks = 1;
	hf_trace_begin(&call, &caller);
	hf_trace_end(&call, 0);
	assert_null(call.trace);
}

static void a_call_that_comes_again_is_one_call(void **state)
{
	char *bytes = trace_of(ask_twice, HF_TRACE_TEXT);

	(void)state;
	assert_non_null(strstr(bytes, " a program[4711/4712] "
				      "MODE_DESTROY_DUMB {handle=5} = 0 <"));
	assert_int_equal(strchr(bytes, '\n') - bytes, strlen(bytes) - 1);
	free(bytes);
}

/* A client may say that a call goes on when it is another one. */
static void lie_about_asks(void)
{
	struct drm_mode_destroy_dumb small = { .handle = 5 };
	struct drm_mode_create_dumb large = { .width = 7 };
	struct hf_call call;

	init_call(&call, DRM_IOCTL_MODE_CREATE_DUMB, &large);
	hf_trace_begin(&call, &caller);
	call.nasks = 1;
	call.cmd = DRM_IOCTL_MODE_DESTROY_DUMB;
	call.desc = &hf_ioctl_descs[_IOC_NR(DRM_IOCTL_MODE_DESTROY_DUMB)];
	call.arg = (uint8_t *)&small;
	hf_trace_begin(&call, &caller);
	hf_trace_end(&call, -EINVAL);
}

static void another_call_is_not_taken_for_the_one_that_was_asked(void **state)
{
	char *bytes = trace_of(lie_about_asks, HF_TRACE_TEXT);

	(void)state;
	assert_non_null(strstr(bytes,
			       "MODE_DESTROY_DUMB {handle=5} = EINVAL <"));
	free(bytes);
}

static void go_away(void)
{
	union drm_wait_vblank arg = { .request.type = _DRM_VBLANK_RELATIVE,
				      .request.sequence = 1000 };
	struct hf_call call;

	init_call(&call, DRM_IOCTL_WAIT_VBLANK, &arg);
	hf_trace_begin(&call, &caller);
	hf_trace_end(&call, HF_TRACE_GONE);
}

static void a_caller_that_is_gone_has_no_result(void **state)
{
	char *bytes = trace_of(go_away, HF_TRACE_TEXT);

	(void)state;
	assert_non_null(strstr(bytes, "{request.type=_DRM_VBLANK_RELATIVE, "
				      "request.sequence=1000, "
				      "request.signal=0x0} = ? <"));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(a_reader_gets_all_records_and_an_end),
		TEST(a_reader_of_the_chrome_format_gets_whole_json),
		TEST(a_slow_reader_loses_records_and_learns_how_many),
		TEST(a_reader_that_goes_away_is_forgotten),
		TEST(a_full_disk_ends_the_trace_and_nothing_else),
		TEST(a_file_that_cannot_be_opened_is_an_error),
		TEST(there_is_a_limit_and_it_is_given_back),
		TEST(a_trace_follows_the_server_to_another_device),
		cmocka_unit_test(
			a_reader_that_does_not_read_does_not_hold_up_the_end),
		TEST(a_call_that_comes_again_is_one_call),
		TEST(another_call_is_not_taken_for_the_one_that_was_asked),
		TEST(a_caller_that_is_gone_has_no_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
