/* SPDX-License-Identifier: MIT */
/*
 * Who reads an input device: the open files, which evdev calls clients.
 *
 * The descriptor is one end of a stream; events are sent to it, and what is written to
 * it is the device's. So what a reader has not read is in the kernel's memory, which is
 * bounded: where it is full, events are lost, and the reader is told so (SYN_DROPPED)
 * when it has made room. During an ioctl the client's end is here, too, so that events
 * can be taken back.
 *
 * A reader that is revoked, or whose device is gone, is closed: its descriptor hangs up.
 * The system's lock is held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "seat/input_device.h"
#include "uapi/system.h"
#include "uapi/wire.h"

/* As SO_SNDBUF counts: some 64 packets, as the kernel's buffers have. */
#define ROOM 65536

/* -- events for readers ------------------------------------------------------ */

/* The time of a packet, by each of the clocks, taken once. */
struct moment {
	struct timespec times[3];
	bool known[3];
};

static const clockid_t clocks[3] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
				     CLOCK_BOOTTIME };

static int clock_index(int clock)
{
	for (int i = 0; i < 3; i++)
		if (clocks[i] == clock)
			return i;
	return -1;
}

static struct timespec when(struct moment *moment, int clock)
{
	int i = clock_index(clock);

	if (!moment->known[i])
		clock_gettime(clocks[i], &moment->times[i]);
	moment->known[i] = true;
	return moment->times[i];
}

static struct input_event make_event(struct timespec at,
				     const struct hf_input_code *code)
{
	return (struct input_event){
		.input_event_sec = (unsigned long)at.tv_sec,
		.input_event_usec = (unsigned long)at.tv_nsec / 1000,
		.type = code->type,
		.code = code->code,
		.value = code->value,
	};
}

static bool is_report(const struct input_event *event)
{
	return event->type == EV_SYN && event->code == SYN_REPORT;
}

static bool masked(const struct hf_input_reader *reader,
		   const struct hf_input_code *code)
{
	const uint64_t *types = reader->masks[EV_SYN];
	const uint64_t *codes;

	if (code->type == EV_SYN)
		return false;
	if (types && !hf_input_bit(types, code->type))
		return true;
	codes = reader->masks[code->type];
	return codes && code->code < hf_input_code_count(code->type) &&
	       !hf_input_bit(codes, code->code);
}

static struct hf_endpoints *endpoints_of(const struct hf_input_reader *reader)
{
	return &reader->input->seat->sys->endpoints;
}

/* All of it, or nothing. */
static bool push(struct hf_input_reader *reader,
		 const struct input_event *events, size_t n)
{
	size_t size = n * sizeof(*events);

	return send(reader->endpoint.fd, events, size,
		    MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)size;
}

/* It does not read: what comes is lost, until there is room again. */
static void set_full(struct hf_input_reader *reader, bool full)
{
	reader->full = full;
	hf_endpoint_want_room(endpoints_of(reader), &reader->endpoint, full);
}

static void pass_to(struct hf_input_reader *reader,
		    const struct hf_input_code *codes, size_t n,
		    struct moment *moment)
{
	static const struct hf_input_code lost = { EV_SYN, SYN_DROPPED, 0 };
	struct timespec at = when(moment, reader->clock);
	struct input_event events[HF_INPUT_PACKET + 1];
	size_t count = 0, first;

	if (reader->full || reader->access == O_WRONLY) {
		reader->dropped = true;
		return;
	}
	if (reader->dropped)
		events[count++] = make_event(at, &lost);
	first = count;
	for (size_t i = 0; i < n; i++)
		if (!masked(reader, &codes[i]))
			events[count++] = make_event(at, &codes[i]);
	/* A report of nothing. */
	if (count == first + 1 && is_report(&events[first]) && !reader->dropped)
		return;
	reader->dropped = !push(reader, events, count);
	if (!reader->dropped)
		return;
	/* One that has shut its end for reading is never full: it hangs up. */
	if (errno == EPIPE)
		shutdown(reader->endpoint.fd, SHUT_RDWR);
	else
		set_full(reader, true);
}

void hf_input_pass(struct hf_input *input, const struct hf_input_code *codes,
		   size_t n)
{
	struct moment moment = { 0 };
	struct hf_input_reader *reader;

	if (input->grab) {
		pass_to(input->grab, codes, n, &moment);
		return;
	}
	wl_list_for_each(reader, &input->readers, link)
		pass_to(reader, codes, n, &moment);
}

/* There is room again: say what was lost. */
static void has_room(struct hf_input_reader *reader)
{
	static const struct hf_input_code report = { EV_SYN, SYN_REPORT, 0 };
	struct moment moment = { 0 };

	if (!reader->full)
		return;
	set_full(reader, false);
	pass_to(reader, &report, 1, &moment);
}

/* -- keeping up -------------------------------------------------------------- */

/* Of ROOM: so many bytes that it has not read. */
static bool is_behind(const struct hf_input_reader *reader)
{
	int bytes = 0;

	return !ioctl(reader->endpoint.fd, SIOCOUTQ, &bytes) &&
	       bytes > ROOM / 2;
}

bool hf_input_behind(struct hf_input *input)
{
	struct hf_input_reader *reader;
	bool any = false;

	wl_list_for_each(reader, &input->readers, link) {
		bool behind = is_behind(reader);

		if (!behind)
			reader->stalled = false;
		any |= behind && !reader->stalled;
	}
	return any;
}

void hf_input_give_up(struct hf_input *input)
{
	struct hf_input_reader *reader;

	wl_list_for_each(reader, &input->readers, link)
		reader->stalled = is_behind(reader);
}

/* -- taking back ------------------------------------------------------------- */

#define BATCH 256

/* What it has not read, and could read now. Return: how many events, at most BATCH. */
static size_t take_back(int fd, struct input_event events[BATCH])
{
	ssize_t n = recv(fd, events, BATCH * sizeof(*events), MSG_DONTWAIT);

	return n > 0 ? (size_t)n / sizeof(*events) : 0;
}

/* Without events of a type, and without the reports of what was nothing else. */
static size_t strip(struct input_event *events, size_t n, unsigned int type,
		    size_t *inside)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (events[i].type == type ||
		    (is_report(&events[i]) && !*inside))
			continue;
		*inside = is_report(&events[i]) ? 0 : *inside + 1;
		events[kept++] = events[i];
	}
	return kept;
}

void hf_input_reader_flush(struct hf_input_reader *reader, int fd,
			   unsigned int type)
{
	struct input_event *events = NULL, *more;
	size_t n = 0, got, inside = 1, sent = 0;

	do {
		more = realloc(events, (n + BATCH) * sizeof(*events));
		if (!more)
			break;
		events = more;
		got = take_back(fd, events + n);
		n += strip(events + n, got, type, &inside);
	} while (got == BATCH);
	for (; sent < n; sent += BATCH) {
		size_t part = n - sent < BATCH ? n - sent : BATCH;

		if (!push(reader, events + sent, part)) {
			reader->dropped = true;
			break;
		}
	}
	free(events);
}

int hf_input_reader_set_clock(struct hf_input_reader *reader, int fd, int clock)
{
	struct input_event events[BATCH];

	if (clock_index(clock) < 0)
		return -EINVAL;
	if (reader->clock == clock)
		return 0;
	reader->clock = clock;
	/* Their times are another clock's. */
	while (take_back(fd, events))
		reader->dropped = true;
	return 0;
}

/* -- writing ----------------------------------------------------------------- */

static bool is_open(const struct hf_input *input,
		    const struct hf_input_reader *reader)
{
	const struct hf_input_reader *other;

	wl_list_for_each(other, &input->readers, link)
		if (other == reader)
			return true;
	return false;
}

/*
 * What was written happens; the part of an event that is left waits for the rest. Keys
 * that switch VTs may cost the one who writes them the device. Return: not so.
 */
static bool written(struct hf_input_reader *reader)
{
	struct hf_input *input = reader->input;
	struct input_event event;
	size_t at = 0;

	for (; reader->nwritten - at >= sizeof(event); at += sizeof(event)) {
		memcpy(&event, reader->written + at, sizeof(event));
		if (reader->access == O_RDONLY)
			continue;
		hf_input_event(input, event.type, event.code, event.value);
		if (!is_open(input, reader))
			return false;
	}
	reader->nwritten -= at;
	memmove(reader->written, reader->written + at, reader->nwritten);
	return true;
}

static bool reader_ready(struct hf_endpoint *endpoint)
{
	struct hf_input_reader *reader =
		wl_container_of(endpoint, reader, endpoint);
	ssize_t n;

	has_room(reader);
	/* One that writes on and on is not waited for: more than its socket held. */
	for (int i = 0; i < BATCH; i++) {
		n = recv(endpoint->fd, reader->written + reader->nwritten,
			 sizeof(reader->written) - reader->nwritten,
			 MSG_DONTWAIT);
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		reader->nwritten += (size_t)n;
		if (!written(reader))
			return true; /* it is closed already */
	}
	return true;
}

/* -- life ------------------------------------------------------------------ */

static void reader_hung_up(struct hf_endpoint *endpoint)
{
	struct hf_input_reader *reader =
		wl_container_of(endpoint, reader, endpoint);

	hf_input_reader_close(reader);
}

int hf_input_open(struct hf_input *input, int flags, int *fd)
{
	struct hf_system *sys = input->seat->sys;
	struct hf_input_reader *reader;
	char name[96];
	int ret;

	if (!input->plugged)
		return -ENODEV;
	reader = calloc(1, sizeof(*reader));
	if (!reader)
		return -ENOMEM;
	reader->input = input;
	reader->access = flags & O_ACCMODE;
	reader->clock = CLOCK_REALTIME;
	snprintf(name, sizeof(name),
		 HF_WIRE_NAME_PREFIX "%s/" HF_WIRE_NAME_INPUT "%u/%lu/%d",
		 sys->instance, input->index, sys->endpoints.last_id + 1,
		 reader->access);
	ret = hf_endpoint_open_stream(&sys->endpoints, &reader->endpoint, name,
				      reader_hung_up, reader_ready, ROOM, fd);
	if (ret) {
		free(reader);
		return ret;
	}
	wl_list_insert(&input->readers, &reader->link);
	return 0;
}

void hf_input_reader_close(struct hf_input_reader *reader)
{
	struct hf_input *input = reader->input;

	if (input->grab == reader)
		input->grab = NULL;
	hf_endpoint_close(endpoints_of(reader), &reader->endpoint);
	wl_list_remove(&reader->link);
	for (unsigned int type = 0; type < EV_CNT; type++)
		free(reader->masks[type]);
	free(reader);
}

void hf_input_reader_revoke(struct hf_input_reader *reader, int fd)
{
	struct input_event events[BATCH];

	while (take_back(fd, events))
		;
	hf_input_reader_close(reader);
}

struct hf_input_reader *hf_input_reader_of(struct hf_seat *seat, int fd)
{
	struct hf_endpoint *endpoint =
		hf_endpoint_of(&seat->sys->endpoints, fd);
	struct hf_input_reader *reader;

	if (!endpoint || endpoint->ready != reader_ready)
		return NULL;
	reader = wl_container_of(endpoint, reader, endpoint);
	return reader;
}
