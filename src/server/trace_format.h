/* SPDX-License-Identifier: MIT */
/*
 * What traces are made of, and how it is written: as lines for people, or as the
 * JSON array that Chrome's tracing and Perfetto open.
 *
 * A formatter belongs to the one thread that writes a trace.
 */
#ifndef HF_SERVER_TRACE_FORMAT_H
#define HF_SERVER_TRACE_FORMAT_H

#include "server/decode.h"
#include "server/text.h"

enum hf_trace_format { HF_TRACE_TEXT, HF_TRACE_CHROME };

enum hf_trace_type {
	HF_TRACE_IOCTL,		 /* struct hf_trace_ioctl */
	HF_TRACE_EVENT,		 /* struct hf_trace_event */
	HF_TRACE_SHOWN,		 /* struct hf_trace_shown */
	HF_TRACE_FENCE_CREATED,	 /* struct hf_trace_fence */
	HF_TRACE_FENCE_SIGNALED, /* likewise */
	HF_TRACE_JOB,		 /* struct hf_trace_job */
	HF_TRACE_MAPPING,	 /* struct hf_trace_mapping */
	HF_TRACE_UEVENT,	 /* struct hf_trace_uevent */
	HF_TRACE_FILE,		 /* struct hf_trace_file */
	HF_TRACE_NAMES,		 /* struct hf_trace_names: not to be formatted */
};

/* Of every record. @ns: when, on CLOCK_MONOTONIC; @pid: whose doing it is; or 0 */
struct hf_trace_record {
	uint32_t type; /* enum hf_trace_type */
	int32_t pid;
	uint64_t ns;
};

/* An open file of a node; @minor is -1 where there is none. */
struct hf_trace_node {
	uint32_t id;
	int32_t minor;
	bool render;
};

/* What a caller gets that went away while it waited. */
#define HF_TRACE_GONE 1

/* @base.ns is when it came in; @record.ret may be HF_TRACE_GONE. */
struct hf_trace_ioctl {
	struct hf_trace_record base;
	uint64_t end;
	struct hf_trace_node node;
	int32_t tid; /* 0: not known */
	char comm[16];
	struct hf_ioctl_record record;
};

/* @pid is whose file it is sent to. */
struct hf_trace_event {
	struct hf_trace_record base;
	struct hf_trace_node node;
	uint32_t type, crtc; /* DRM_EVENT_*, the CRTC's ID */
	uint64_t sequence, time, user_data;
};

struct hf_trace_shown {
	struct hf_trace_record base;
	uint32_t crtc, n;
	uint64_t frame, time;
	struct {
		uint32_t plane, fb;
	} planes[];
};

struct hf_trace_fence {
	struct hf_trace_record base;
	uint64_t context, seqno;
	int32_t error;
	char timeline[32];
};

struct hf_trace_job {
	struct hf_trace_record base;
	uint32_t what; /* enum hf_probe_job_what */
	uint32_t core;
	int32_t error;
	uint64_t context, seqno, start, end;
	char timeline[32];
};

struct hf_trace_mapping {
	struct hf_trace_record base;
	uint64_t object, size, addr, runs;
	bool mapped;
};

struct hf_trace_uevent {
	struct hf_trace_record base;
	char text[128];
};

struct hf_trace_file {
	struct hf_trace_record base;
	struct hf_trace_node node;
	bool opened;
};

/* There is another display from here on; the record owns them. */
struct hf_trace_names {
	struct hf_trace_record base;
	struct hf_decode_names *names;
};

/**
 * struct hf_trace_formatter - How a trace is being written.
 * @text: what is not written yet; the caller takes it off
 * @names: of the display, or NULL; the caller's
 * @seen: processes and tracks that were named; its own
 */
struct hf_trace_formatter {
	enum hf_trace_format format;
	struct hf_text text;
	const struct hf_decode_names *names;
	bool begun;
	struct hf_trace_track *seen;
};

/** hf_trace_format_begin() - What comes before the first record. */
void hf_trace_format_begin(struct hf_trace_formatter *formatter);
/** hf_trace_format_record() - Return: -ENOMEM where it had to be left out. */
int hf_trace_format_record(struct hf_trace_formatter *formatter,
			   const struct hf_trace_record *record);
/** hf_trace_format_lost() - So many records are missing here. */
void hf_trace_format_lost(struct hf_trace_formatter *formatter, uint64_t n,
			  uint64_t ns);
/** hf_trace_format_end() - What comes after the last. */
void hf_trace_format_end(struct hf_trace_formatter *formatter);
void hf_trace_formatter_finish(struct hf_trace_formatter *formatter);

#endif
