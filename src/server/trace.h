/* SPDX-License-Identifier: MIT */
/*
 * Tracing: every ioctl, decoded, timed and attributed, and what the devices do.
 *
 * A trace goes to a file or to somebody who has asked for it. Whoever makes a
 * record copies it into the ring of each trace that runs; a thread of the trace
 * puts it into words and writes it. So a client never waits for a disk or a
 * reader: a trace that is not read fast enough loses records, and says so.
 */
#ifndef HF_SERVER_TRACE_H
#define HF_SERVER_TRACE_H

#include "base/probe.h"
#include "server/trace_format.h"

struct hf_call;
struct hf_server;
struct hf_tracing;

/** hf_tracing_init() - Be ready for traces. Return: 0, -ENOMEM, -EMFILE. */
int hf_tracing_init(struct hf_server *server);
/** hf_tracing_follow() - The server has another display. The lock is held. */
void hf_tracing_follow(struct hf_server *server);
/** hf_tracing_finish() - End all traces, with what they have. */
void hf_tracing_finish(struct hf_server *server);

/**
 * hf_trace_to_file() - Start a trace. In the main thread, without the lock.
 *
 * In the Chrome format where the name ends in ".json". When the file cannot be
 * written to any more, the trace ends and the log says why.
 *
 * Return: 0, the negative errno of open(2), -EBUSY for too many traces, -ENOMEM.
 */
int hf_trace_to_file(struct hf_server *server, const char *path);
/**
 * hf_trace_to_stream() - Likewise, for whoever has the returned descriptor.
 *
 * It ends when he shuts down his side of it, or closes it. Return: the
 * descriptor, or a negative errno.
 */
int hf_trace_to_stream(struct hf_server *server, enum hf_trace_format format);

/** hf_trace_on() - Does any trace run? */
static inline bool hf_trace_on(void)
{
	return __builtin_expect(!!atomic_load_explicit(&hf_probes,
						       memory_order_acquire),
				0);
}

/**
 * struct hf_trace_caller - Who makes a call.
 * @comm: of the process
 * @tid: as the client says, or 0
 */
struct hf_trace_caller {
	char comm[16];
	int32_t tid;
};

/** hf_trace_comm() - What a process calls itself now. */
void hf_trace_comm(pid_t pid, char comm[16]);

/**
 * hf_trace_begin() - A call comes in: remember its argument. No lock is needed.
 *
 * Kept in call->trace; where the server has asked the client for something, the
 * call that comes again is the same one.
 */
void hf_trace_begin(struct hf_call *call, const struct hf_trace_caller *caller);
/** hf_trace_end() - It has returned. The lock is held. */
void hf_trace_end(struct hf_call *call, int ret);
/** hf_trace_drop() - Nobody wants to know. */
void hf_trace_drop(struct hf_call *call);

#endif
