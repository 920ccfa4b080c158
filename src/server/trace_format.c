/* SPDX-License-Identifier: MIT */
/*
 * Records in words. See the header.
 *
 * In the Chrome format ioctls are slices of the threads that called them. What the
 * server does has tracks of its own under the server's process: vblanks, flips and
 * commits of each CRTC, what each core of the engine executes, mappings, uevents.
 * Fences and jobs last from one record to another, so they are asynchronous
 * events. Every record starts with the comma that separates it, so the array is
 * complete but for its bracket whenever the writer dies.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uthash.h>

#include "base/clock.h"
#include "base/probe.h"
#include "kms/kms.h"
#include "server/trace_format.h"

/* Threads of the server's process that stand for something, by number. */
enum { CRTCS = 1000, CORES = 2000, MEMORY = 3000, UEVENTS };

struct hf_trace_track {
	struct {
		int32_t pid, tid; /* tid 0: the process */
	} key;
	char name[16];
	UT_hash_handle hh;
};

static unsigned int crtc_index(const struct hf_trace_formatter *formatter,
			       uint32_t id)
{
	const struct hf_decode_object *object =
		hf_decode_object(formatter->names, id);

	return object ? object->index : 0;
}

static const char *event_name(uint32_t type)
{
	switch (type) {
	case DRM_EVENT_VBLANK:
		return "vblank";
	case DRM_EVENT_FLIP_COMPLETE:
		return "flip";
	case DRM_EVENT_CRTC_SEQUENCE:
		return "sequence";
	default:
		return "event";
	}
}

static const char *ioctl_name(const struct hf_ioctl_record *record, char *name,
			      size_t size)
{
	if (record->desc->name)
		return record->desc->name;
	snprintf(name, size, "ioctl 0x%08x", record->cmd);
	return name;
}

static const char *result_name(int ret)
{
	const char *name;

	if (ret == HF_TRACE_GONE)
		return "?";
	name = ret ? strerrorname_np(-ret) : "0";
	return name ? name : "?";
}

/* -- lines for people ------------------------------------------------------ */

static void print_time(struct hf_text *text, uint64_t ns)
{
	hf_text_printf(text, "%lu.%09lu", ns / HF_NSEC_PER_SEC,
		       ns % HF_NSEC_PER_SEC);
}

static void print_node(struct hf_text *text, const struct hf_trace_node *node)
{
	if (node->minor >= 0)
		hf_text_printf(text, " %s%d#%u",
			       node->render ? "renderD" : "card", node->minor,
			       node->id);
}

static void print_ioctl(struct hf_trace_formatter *formatter,
			const struct hf_trace_ioctl *call)
{
	struct hf_text *text = &formatter->text;
	uint64_t ns = call->end - call->base.ns;
	char name[32];

	hf_text_printf(text, " %.16s[%d/%d]", call->comm, call->base.pid,
		       call->tid ? call->tid : call->base.pid);
	print_node(text, &call->node);
	hf_text_printf(text, " %s ",
		       ioctl_name(&call->record, name, sizeof(name)));
	hf_decode_in(text, formatter->names, &call->record);
	if (hf_decode_has_out(&call->record)) {
		hf_text_printf(text, " => ");
		hf_decode_out(text, formatter->names, &call->record);
	}
	hf_text_printf(text, " = %s <%lu.%03lu us>",
		       result_name(call->record.ret), ns / 1000, ns % 1000);
}

static void print_event(struct hf_trace_formatter *formatter,
			const struct hf_trace_event *event)
{
	struct hf_text *text = &formatter->text;

	hf_text_printf(text, " crtc %u: %s %lu at ", event->crtc,
		       event_name(event->type), event->sequence);
	print_time(text, event->time);
	if (event->base.pid) {
		hf_text_printf(text, " to pid %d", event->base.pid);
		print_node(text, &event->node);
	}
	hf_text_printf(text, " user_data=0x%lx", event->user_data);
}

static void print_shown(struct hf_trace_formatter *formatter,
			const struct hf_trace_shown *shown)
{
	struct hf_text *text = &formatter->text;

	hf_text_printf(text, " crtc %u: shows frame %lu at ", shown->crtc,
		       shown->frame);
	print_time(text, shown->time);
	for (uint32_t i = 0; i < shown->n; i++)
		hf_text_printf(text, "%s plane %u fb %u", i ? "," : ":",
			       shown->planes[i].plane, shown->planes[i].fb);
}

static void print_signaled(struct hf_trace_formatter *formatter,
			   const struct hf_trace_fence *fence)
{
	hf_text_printf(&formatter->text, " fence %.32s %lu#%lu: signaled",
		       fence->timeline, fence->context, fence->seqno);
	if (fence->error)
		hf_text_printf(&formatter->text, " = %s",
			       result_name(fence->error));
}

static void print_job(struct hf_trace_formatter *formatter,
		      const struct hf_trace_job *job)
{
	hf_text_printf(&formatter->text, " job %.32s %lu#%lu: ", job->timeline,
		       job->context, job->seqno);
	if (job->what == HF_PROBE_JOB_BEGINS)
		hf_text_printf(&formatter->text, "begins");
	else
		hf_text_printf(&formatter->text, "ends = %s",
			       result_name(job->error));
}

static void print_mapping(struct hf_trace_formatter *formatter,
			  const struct hf_trace_mapping *mapping)
{
	hf_text_printf(&formatter->text,
		       " object %lu of pid %d: %s, %lu bytes at 0x%lx in %lu %s",
		       mapping->object, mapping->base.pid,
		       mapping->mapped ? "pinned and mapped" :
					 "unmapped and unpinned",
		       mapping->size, mapping->addr, mapping->runs,
		       mapping->runs == 1 ? "run" : "runs");
}

static void print_file(struct hf_trace_formatter *formatter,
		       const struct hf_trace_file *file)
{
	hf_text_printf(&formatter->text, " pid %d", file->base.pid);
	print_node(&formatter->text, &file->node);
	hf_text_printf(&formatter->text, file->opened ? " opened" : " closed");
}

/* What only a picture has a use for. */
static bool is_drawn_only(const struct hf_trace_record *record)
{
	const struct hf_trace_job *job = (const void *)record;

	return record->type == HF_TRACE_FENCE_CREATED ||
	       (record->type == HF_TRACE_JOB &&
		job->what == HF_PROBE_JOB_SLICE);
}

static void print_record(struct hf_trace_formatter *formatter,
			 const struct hf_trace_record *record)
{
	const struct hf_trace_uevent *uevent = (const void *)record;

	if (is_drawn_only(record))
		return;
	print_time(&formatter->text, record->ns);
	switch (record->type) {
	case HF_TRACE_IOCTL:
		print_ioctl(formatter, (const void *)record);
		break;
	case HF_TRACE_EVENT:
		print_event(formatter, (const void *)record);
		break;
	case HF_TRACE_SHOWN:
		print_shown(formatter, (const void *)record);
		break;
	case HF_TRACE_FENCE_SIGNALED:
		print_signaled(formatter, (const void *)record);
		break;
	case HF_TRACE_JOB:
		print_job(formatter, (const void *)record);
		break;
	case HF_TRACE_MAPPING:
		print_mapping(formatter, (const void *)record);
		break;
	case HF_TRACE_FILE:
		print_file(formatter, (const void *)record);
		break;
	default:
		hf_text_printf(&formatter->text, " uevent %.128s",
			       uevent->text);
	}
	hf_text_printf(&formatter->text, "\n");
}

/* -- the Chrome format ----------------------------------------------------- */

/* The comma before an element, and what each of them has. */
static void open_element(struct hf_trace_formatter *formatter,
			 const char *phase, const char *category, int pid,
			 int tid)
{
	struct hf_text *text = &formatter->text;

	hf_text_printf(text, formatter->begun ? ",\n" : "\n");
	formatter->begun = true;
	hf_text_open(text, '{');
	hf_text_name(text, "ph");
	hf_text_word(text, "%s", phase);
	if (category) {
		hf_text_name(text, "cat");
		hf_text_word(text, "%s", category);
	}
	hf_text_name(text, "pid");
	hf_text_int(text, pid);
	hf_text_name(text, "tid");
	hf_text_int(text, tid);
}

/* Microseconds. */
static void add_time(struct hf_text *text, const char *name, uint64_t ns)
{
	hf_text_name(text, name);
	hf_text_printf(text, "%lu.%03lu", ns / 1000, ns % 1000);
}

static void name_track(struct hf_trace_formatter *formatter, int pid, int tid,
		       const char *name)
{
	struct hf_text *text = &formatter->text;

	open_element(formatter, "M", NULL, pid, tid);
	hf_text_name(text, "name");
	hf_text_word(text, tid ? "thread_name" : "process_name");
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	hf_text_name(text, "name");
	hf_text_string(text, name, 16);
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

/* Name a process or a track, if it is not called so already. */
static void see(struct hf_trace_formatter *formatter, int pid, int tid,
		const char *name)
{
	struct hf_trace_track *track, wanted;

	memset(&wanted, 0, sizeof(wanted));
	wanted.key.pid = pid;
	wanted.key.tid = tid;
	HASH_FIND(hh, formatter->seen, &wanted.key, sizeof(wanted.key), track);
	if (track && !strncmp(track->name, name, sizeof(track->name)))
		return;
	if (!track) {
		track = calloc(1, sizeof(*track));
		if (!track)
			return; /* it has a number all the same */
		track->key = wanted.key;
		HASH_ADD(hh, formatter->seen, key, sizeof(track->key), track);
	}
	memcpy(track->name, name, strnlen(name, sizeof(track->name)));
	name_track(formatter, pid, tid, name);
}

/* A track of the server's. */
static void open_own(struct hf_trace_formatter *formatter, const char *phase,
		     const char *category, int track, const char *name)
{
	see(formatter, getpid(), track, name);
	open_element(formatter, phase, category, getpid(), track);
}

static void open_crtc(struct hf_trace_formatter *formatter, uint32_t id)
{
	unsigned int index = crtc_index(formatter, id);
	char name[16];

	snprintf(name, sizeof(name), "CRTC %u", index);
	open_own(formatter, "i", "kms", CRTCS + index, name);
	hf_text_name(&formatter->text, "s");
	hf_text_word(&formatter->text, "t");
}

static void draw_ioctl(struct hf_trace_formatter *formatter,
		       const struct hf_trace_ioctl *call)
{
	struct hf_text *text = &formatter->text;
	int pid = call->base.pid;
	char name[32];

	see(formatter, pid, 0, call->comm);
	open_element(formatter, "X", "ioctl", pid, call->tid ? call->tid : pid);
	hf_text_name(text, "name");
	hf_text_word(text, "%s", ioctl_name(&call->record, name, sizeof(name)));
	add_time(text, "ts", call->base.ns);
	add_time(text, "dur", call->end - call->base.ns);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	if (call->node.minor >= 0) {
		hf_text_name(text, "node");
		hf_text_word(text, "%s%d",
			     call->node.render ? "renderD" : "card",
			     call->node.minor);
		hf_text_name(text, "file");
		hf_text_uint(text, call->node.id);
	}
	hf_text_name(text, "in");
	hf_decode_in(text, formatter->names, &call->record);
	hf_text_name(text, "out");
	hf_decode_out(text, formatter->names, &call->record);
	hf_text_name(text, "result");
	hf_text_word(text, "%s", result_name(call->record.ret));
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

static void draw_event(struct hf_trace_formatter *formatter,
		       const struct hf_trace_event *event)
{
	struct hf_text *text = &formatter->text;

	open_crtc(formatter, event->crtc);
	hf_text_name(text, "name");
	hf_text_word(text, "%s %lu", event_name(event->type), event->sequence);
	add_time(text, "ts", event->base.ns);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	add_time(text, "time", event->time);
	hf_text_name(text, "to_pid");
	hf_text_int(text, event->base.pid);
	hf_text_name(text, "file");
	hf_text_uint(text, event->node.id);
	hf_text_name(text, "user_data");
	hf_text_hex(text, event->user_data);
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

static void draw_shown(struct hf_trace_formatter *formatter,
		       const struct hf_trace_shown *shown)
{
	struct hf_text *text = &formatter->text;
	char plane[24];

	open_crtc(formatter, shown->crtc);
	hf_text_name(text, "name");
	hf_text_word(text, "frame %lu", shown->frame);
	add_time(text, "ts", shown->base.ns);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	add_time(text, "time", shown->time);
	for (uint32_t i = 0; i < shown->n; i++) {
		snprintf(plane, sizeof(plane), "plane %u",
			 shown->planes[i].plane);
		hf_text_name(text, plane);
		hf_text_word(text, "fb %u", shown->planes[i].fb);
	}
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

/* The beginning or the end of something that is named by a fence. */
static void draw_async(struct hf_trace_formatter *formatter, bool begins,
		       const char *category, const struct hf_trace_fence *fence)
{
	struct hf_text *text = &formatter->text;

	see(formatter, getpid(), 0, "holdfast");
	open_element(formatter, begins ? "b" : "e", category, getpid(), 0);
	hf_text_name(text, "id");
	hf_text_word(text, "%lu.%lu", fence->context, fence->seqno);
	hf_text_name(text, "name");
	hf_text_string(text, fence->timeline, sizeof(fence->timeline));
	add_time(text, "ts", fence->base.ns);
	if (!begins) {
		hf_text_name(text, "args");
		hf_text_open(text, '{');
		hf_text_name(text, "result");
		hf_text_word(text, "%s", result_name(fence->error));
		hf_text_close(text, '}');
	}
	hf_text_close(text, '}');
}

static void draw_job(struct hf_trace_formatter *formatter,
		     const struct hf_trace_job *job)
{
	struct hf_text *text = &formatter->text;
	struct hf_trace_fence fence = {
		.base = job->base,
		.context = job->context,
		.seqno = job->seqno,
		.error = job->error,
	};
	char name[16];

	memcpy(fence.timeline, job->timeline, sizeof(fence.timeline));
	if (job->what != HF_PROBE_JOB_SLICE) {
		draw_async(formatter, job->what == HF_PROBE_JOB_BEGINS, "job",
			   &fence);
		return;
	}
	snprintf(name, sizeof(name), "engine core %u", job->core % 1000);
	open_own(formatter, "X", "engine", CORES + job->core, name);
	hf_text_name(text, "name");
	hf_text_string(text, job->timeline, sizeof(job->timeline));
	add_time(text, "ts", job->start);
	add_time(text, "dur", job->end - job->start);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	hf_text_name(text, "job");
	hf_text_word(text, "%lu.%lu", job->context, job->seqno);
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

static void draw_mapping(struct hf_trace_formatter *formatter,
			 const struct hf_trace_mapping *mapping)
{
	struct hf_text *text = &formatter->text;

	open_own(formatter, "i", "dma", MEMORY, "memory");
	hf_text_name(text, "s");
	hf_text_word(text, "t");
	hf_text_name(text, "name");
	hf_text_word(text, "%s object %lu", mapping->mapped ? "map" : "unmap",
		     mapping->object);
	add_time(text, "ts", mapping->base.ns);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	hf_text_name(text, "of_pid");
	hf_text_int(text, mapping->base.pid);
	hf_text_name(text, "bytes");
	hf_text_uint(text, mapping->size);
	hf_text_name(text, "address");
	hf_text_hex(text, mapping->addr);
	hf_text_name(text, "runs");
	hf_text_uint(text, mapping->runs);
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

static void draw_uevent(struct hf_trace_formatter *formatter,
			const struct hf_trace_uevent *uevent)
{
	struct hf_text *text = &formatter->text;

	open_own(formatter, "i", "uevent", UEVENTS, "uevents");
	hf_text_name(text, "s");
	hf_text_word(text, "p");
	hf_text_name(text, "name");
	hf_text_string(text, uevent->text, sizeof(uevent->text));
	add_time(text, "ts", uevent->base.ns);
	hf_text_close(text, '}');
}

static void draw_file(struct hf_trace_formatter *formatter,
		      const struct hf_trace_file *file)
{
	struct hf_text *text = &formatter->text;

	open_element(formatter, "i", "file", file->base.pid, file->base.pid);
	hf_text_name(text, "s");
	hf_text_word(text, "p");
	hf_text_name(text, "name");
	hf_text_word(text, "%s %s%d", file->opened ? "open" : "close",
		     file->node.render ? "renderD" : "card", file->node.minor);
	add_time(text, "ts", file->base.ns);
	hf_text_name(text, "args");
	hf_text_open(text, '{');
	hf_text_name(text, "file");
	hf_text_uint(text, file->node.id);
	hf_text_close(text, '}');
	hf_text_close(text, '}');
}

static void draw_record(struct hf_trace_formatter *formatter,
			const struct hf_trace_record *record)
{
	switch (record->type) {
	case HF_TRACE_IOCTL:
		draw_ioctl(formatter, (const void *)record);
		break;
	case HF_TRACE_EVENT:
		draw_event(formatter, (const void *)record);
		break;
	case HF_TRACE_SHOWN:
		draw_shown(formatter, (const void *)record);
		break;
	case HF_TRACE_FENCE_CREATED:
	case HF_TRACE_FENCE_SIGNALED:
		draw_async(formatter, record->type == HF_TRACE_FENCE_CREATED,
			   "fence", (const void *)record);
		break;
	case HF_TRACE_JOB:
		draw_job(formatter, (const void *)record);
		break;
	case HF_TRACE_MAPPING:
		draw_mapping(formatter, (const void *)record);
		break;
	case HF_TRACE_FILE:
		draw_file(formatter, (const void *)record);
		break;
	default:
		draw_uevent(formatter, (const void *)record);
	}
}

/* -- either ---------------------------------------------------------------- */

void hf_trace_format_begin(struct hf_trace_formatter *formatter)
{
	formatter->text.json = formatter->format == HF_TRACE_CHROME;
	if (formatter->format != HF_TRACE_CHROME)
		return;
	hf_text_printf(&formatter->text, "[");
	see(formatter, getpid(), 0, "holdfast");
}

int hf_trace_format_record(struct hf_trace_formatter *formatter,
			   const struct hf_trace_record *record)
{
	struct hf_text *text = &formatter->text;
	size_t start = text->length;
	bool begun = formatter->begun;

	text->separate = false;
	if (formatter->format == HF_TRACE_CHROME)
		draw_record(formatter, record);
	else
		print_record(formatter, record);
	if (!text->failed)
		return 0;
	text->failed = false;
	text->length = start;
	formatter->begun = begun;
	return -ENOMEM;
}

void hf_trace_format_lost(struct hf_trace_formatter *formatter, uint64_t n,
			  uint64_t ns)
{
	struct hf_text *text = &formatter->text;

	if (formatter->format == HF_TRACE_TEXT) {
		hf_text_printf(text, "... %lu records lost\n", n);
		return;
	}
	open_element(formatter, "i", "lost", getpid(), 0);
	hf_text_name(text, "s");
	hf_text_word(text, "g");
	hf_text_name(text, "name");
	hf_text_word(text, "%lu records lost", n);
	add_time(text, "ts", ns);
	hf_text_close(text, '}');
}

void hf_trace_format_end(struct hf_trace_formatter *formatter)
{
	if (formatter->format == HF_TRACE_CHROME)
		hf_text_printf(&formatter->text, "\n]\n");
}

void hf_trace_formatter_finish(struct hf_trace_formatter *formatter)
{
	struct hf_trace_track *track, *next;

	HASH_ITER(hh, formatter->seen, track, next) {
		HASH_DEL(formatter->seen, track);
		free(track);
	}
	hf_text_finish(&formatter->text);
}
