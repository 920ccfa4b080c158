/* SPDX-License-Identifier: MIT */
/*
 * Traces. See the header.
 *
 * Records are made with the devices' lock held, mostly, and put into the rings of
 * all traces that run, whose list has a lock of its own (`running`). Each trace has
 * a thread that empties its ring every few milliseconds, or when it is half full.
 * A trace that cannot go on takes itself off that list; the main thread frees it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/log.h"
#include "server/server.h"
#include "server/thread.h"
#include "server/trace.h"
#include "server/trace_ring.h"
#include "uapi/call.h"

#define MAX_TRACES 8
#define RING_SIZE ((size_t)4 << 20)
/* How often a ring is looked into, milliseconds. */
#define PERIOD_MS 20
/* What a reader that does not read may hold up the end for, milliseconds. */
#define GRACE_MS 1000
/* Written at a time, about. */
#define CHUNK ((size_t)64 << 10)

struct hf_trace {
	struct hf_server *server;
	struct hf_trace_ring *ring;
	struct hf_trace_formatter formatter;
	struct hf_decode_names *names;
	struct hf_kms_watch watch;
	char *path;  /* NULL: a stream */
	int fd;	     /* never blocks */
	int wake_fd; /* an eventfd */
	pthread_t thread;
	_Atomic bool stop, woken, ended;
	uint64_t left_out; /* records, for want of memory */
	struct wl_list link; /* hf_tracing.traces */
};

struct hf_tracing {
	struct wl_list traces; /* the main thread's */
	int ended_fd; /* an eventfd: a trace has ended by itself */
	struct wl_event_source *source;
};

static struct {
	pthread_mutex_t lock;
	struct hf_trace *traces[MAX_TRACES];
	unsigned int n;
} running = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* -- making records -------------------------------------------------------- */

static void wake(struct hf_trace *trace)
{
	if (!atomic_exchange(&trace->woken, true))
		eventfd_write(trace->wake_fd, 1);
}

static void put(struct hf_trace *trace, const struct iovec *parts,
		unsigned int n)
{
	if (hf_trace_ring_put(trace->ring, parts, n) > RING_SIZE / 2)
		wake(trace);
}

static void put_all(const struct iovec *parts, unsigned int n)
{
	pthread_mutex_lock(&running.lock);
	for (unsigned int i = 0; i < running.n; i++)
		put(running.traces[i], parts, n);
	pthread_mutex_unlock(&running.lock);
}

static void put_record(void *record, size_t size)
{
	put_all(&(struct iovec){ record, size }, 1);
}

static struct hf_trace_node node_of(const struct hf_file *file)
{
	return (struct hf_trace_node){
		.id = file->id,
		.render = file->render,
		.minor = file->render ? file->dev->render_minor :
					file->dev->primary_minor,
	};
}

static void on_event(const struct hf_event *event, uint32_t crtc_id,
		     uint64_t sequence, uint64_t ns)
{
	struct hf_trace_event record = {
		.base = { .type = HF_TRACE_EVENT, .ns = hf_monotonic_ns() },
		.node.minor = -1,
		.type = event->packet.base.type,
		.crtc = crtc_id,
		.sequence = sequence,
		.time = ns,
		.user_data = event->packet.vbl.user_data,
	};

	if (event->file) {
		const struct hf_file *file =
			wl_container_of(event->file, file, kms);

		record.base.pid = file->cred.pid;
		record.node = node_of(file);
	}
	put_record(&record, sizeof(record));
}

static void put_fence(enum hf_trace_type type, const struct hf_fence *fence)
{
	struct hf_trace_fence record = {
		.base = { .type = type, .ns = hf_monotonic_ns() },
		.context = fence->context,
		.seqno = fence->seqno,
		.error = fence->error,
	};

	memcpy(record.timeline, fence->timeline, sizeof(record.timeline));
	put_record(&record, sizeof(record));
}

static void on_fence_created(const struct hf_fence *fence)
{
	put_fence(HF_TRACE_FENCE_CREATED, fence);
}

static void on_fence_signaled(const struct hf_fence *fence)
{
	put_fence(HF_TRACE_FENCE_SIGNALED, fence);
}

static void on_job(const struct hf_probe_job *job)
{
	struct hf_trace_job record = {
		.base = { .type = HF_TRACE_JOB, .ns = hf_monotonic_ns() },
		.what = job->what,
		.core = job->core,
		.error = job->error,
		.context = job->fence->context,
		.seqno = job->fence->seqno,
		.start = job->start,
		.end = job->end,
	};

	memcpy(record.timeline, job->fence->timeline, sizeof(record.timeline));
	put_record(&record, sizeof(record));
}

static void on_uevent(const struct hf_kms_device *kms, const char *what,
		      const struct hf_connector *connector,
		      const struct hf_property *prop)
{
	struct hf_trace_uevent record = {
		.base = { .type = HF_TRACE_UEVENT, .ns = hf_monotonic_ns() },
	};
	size_t size = sizeof(record.text), n;
	char name[32] = "";

	(void)kms;
	n = snprintf(record.text, size, "%s", what);
	if (connector && n < size) {
		hf_connector_name(connector, name, sizeof(name));
		n += snprintf(record.text + n, size - n, " CONNECTOR=%u (%s)",
			      connector->base.id, name);
	}
	if (prop && n < size)
		snprintf(record.text + n, size - n, " PROPERTY=%u (%s)",
			 prop->base.id, prop->name);
	put_record(&record, sizeof(record));
}

static void on_mapping(const struct hf_gem_object *object, uint64_t addr,
		       size_t runs, bool mapped)
{
	struct hf_trace_mapping record = {
		.base = { .type = HF_TRACE_MAPPING,
			  .pid = hf_gem_object_owner(object)->pid,
			  .ns = hf_monotonic_ns() },
		.object = hf_gem_object_owner(object)->object,
		.size = object->size,
		.addr = addr,
		.runs = runs,
		.mapped = mapped,
	};

	put_record(&record, sizeof(record));
}

static void on_file(const struct hf_file *file, bool opened)
{
	struct hf_trace_file record = {
		.base = { .type = HF_TRACE_FILE, .pid = file->cred.pid,
			  .ns = hf_monotonic_ns() },
		.node = node_of(file),
		.opened = opened,
	};

	put_record(&record, sizeof(record));
}

static const struct hf_probes probes = {
	.event = on_event,
	.fence_created = on_fence_created,
	.fence_signaled = on_fence_signaled,
	.job = on_job,
	.uevent = on_uevent,
	.mapping = on_mapping,
	.file = on_file,
};

/* What the CRTC shows now. */
static void on_shown(struct hf_kms_watch *watch, struct hf_crtc *crtc,
		     uint64_t ns)
{
	struct hf_trace *trace = wl_container_of(watch, trace, watch);
	const struct hf_kms_device *kms = crtc->kms;
	struct {
		struct hf_trace_shown shown;
		uint32_t room[2 * HF_KMS_MAX_PLANES];
	} record = { .shown = {
		.base = { .type = HF_TRACE_SHOWN, .ns = hf_monotonic_ns() },
		.crtc = crtc->base.id,
		.frame = crtc->frames,
		.time = ns,
	} };
	uint32_t n = 0;

	for (unsigned int i = 0; i < kms->num_planes; i++) {
		const struct hf_plane_state *state = kms->planes[i]->state;

		if (state->crtc != crtc || !state->fb)
			continue;
		record.room[2 * n] = kms->planes[i]->base.id;
		record.room[2 * n + 1] = state->fb->base.id;
		n++;
	}
	record.shown.n = n;
	put(trace, &(struct iovec){ &record, sizeof(record.shown) + 8 * n }, 1);
}

/* -- ioctls ---------------------------------------------------------------- */

/* A call that has begun, with its argument as it was. */
struct hf_trace_call {
	const struct hf_ioctl_desc *desc;
	uint64_t start;
	struct hf_trace_caller caller;
	uint32_t arg_size;
	uint8_t arg[];
};

void hf_trace_comm(pid_t pid, char comm[16])
{
	char path[32];
	ssize_t n;
	int fd;

	memset(comm, 0, 16);
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, comm, 15) : 0;
	if (fd >= 0)
		close(fd);
	if (n <= 0 || comm[0] == '\n') {
		strcpy(comm, "?");
		return;
	}
	comm[strcspn(comm, "\n")] = 0;
	/* It ends up on terminals. */
	for (char *c = comm; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}

void hf_trace_begin(struct hf_call *call, const struct hf_trace_caller *caller)
{
	uint32_t size = _IOC_SIZE(call->desc->cmd);
	struct hf_trace_call *trace;

	if (call->nasks && call->trace && call->trace->desc == call->desc)
		return; /* the second part of a call */
	hf_trace_drop(call);
	trace = malloc(sizeof(*trace) + size);
	if (!trace)
		return;
	trace->desc = call->desc;
	trace->start = hf_monotonic_ns();
	trace->caller = *caller;
	trace->arg_size = size;
	memcpy(trace->arg, call->arg, size);
	call->trace = trace;
}

void hf_trace_drop(struct hf_call *call)
{
	free(call->trace);
	call->trace = NULL;
}

/* The parts of a record, with padding between them. */
struct parts {
	struct iovec parts[2 * (HF_WIRE_ARRAYS + 2) + 1];
	unsigned int n;
};

/* What comes next starts at a multiple of 8, after so many bytes. */
static void add_padding(struct parts *parts, size_t size)
{
	static uint8_t zeros[8];

	if (size % 8)
		parts->parts[parts->n++] =
			(struct iovec){ zeros, 8 - size % 8 };
}

/* What a handler read was copied; what it wrote is where the client gets it. */
static void add_array(struct parts *parts, struct hf_ioctl_record *record,
		      const struct hf_call *call, unsigned int i)
{
	const struct hf_array_desc *desc = &call->desc->arrays[i];
	const struct hf_wire_array *array = &call->arrays[i];
	uint32_t size = desc->out ? array->used : array->len;
	const void *data = call->copies[i] ? call->copies[i] :
					     call->payload + array->off;

	if (desc->kind == HF_ARRAY_USER_PAGES ||
	    (array->flags & (HF_ARRAY_FAULT | HF_ARRAY_TOO_BIG)))
		size = 0;
	record->arrays[i].flags = array->flags;
	record->arrays[i].size = size;
	record->arrays[i].kept = size < HF_DECODE_KEPT ? size : HF_DECODE_KEPT;
	parts->parts[parts->n++] =
		(struct iovec){ (void *)data, record->arrays[i].kept };
	add_padding(parts, record->arrays[i].kept);
}

void hf_trace_end(struct hf_call *call, int ret)
{
	struct hf_trace_call *trace = call->trace;
	struct hf_trace_ioctl record = {
		.base = { .type = HF_TRACE_IOCTL, .pid = call->cred.pid,
			  .ns = trace->start },
		.end = hf_monotonic_ns(),
		.node.minor = -1,
		.tid = trace->caller.tid,
		.record = { .desc = call->desc, .cmd = call->cmd, .ret = ret,
			    .arg_size = trace->arg_size },
	};
	struct parts parts = { .n = 0 };

	memcpy(record.comm, trace->caller.comm, sizeof(record.comm));
	if (call->file)
		record.node = node_of(call->file);
	parts.parts[parts.n++] = (struct iovec){ &record, sizeof(record) };
	parts.parts[parts.n++] =
		(struct iovec){ trace->arg, trace->arg_size };
	parts.parts[parts.n++] = (struct iovec){ call->arg, trace->arg_size };
	add_padding(&parts, 2 * trace->arg_size);
	for (unsigned int i = 0;
	     i < HF_WIRE_ARRAYS && call->desc->arrays[i].kind; i++)
		add_array(&parts, &record.record, call, i);
	put_all(parts.parts, parts.n);
	hf_trace_drop(call);
}

/* -- a trace's thread ------------------------------------------------------ */

/* Wait until the descriptor takes more. Return: 0, -EPIPE, -ETIMEDOUT. */
static int wait_writable(struct hf_trace *trace, uint64_t *give_up)
{
	struct pollfd fds[] = { { .fd = trace->fd, .events = POLLOUT },
				{ .fd = trace->wake_fd, .events = POLLIN } };
	uint64_t now;

	if (atomic_load(&trace->stop)) {
		now = hf_monotonic_ns();
		if (!*give_up)
			*give_up = now + GRACE_MS * UINT64_C(1000000);
		if (now >= *give_up)
			return -ETIMEDOUT;
		poll(fds, 1, PERIOD_MS);
	} else {
		/* Somebody who wakes it up means it to stop, or has a full
		 * ring, which is not news. */
		poll(fds, 2, -1);
		if (fds[1].revents)
			eventfd_read(trace->wake_fd, &(eventfd_t){ 0 });
	}
	return fds[0].revents & (POLLERR | POLLHUP) ? -EPIPE : 0;
}

static int write_out(struct hf_trace *trace)
{
	struct hf_text *text = &trace->formatter.text;
	uint64_t give_up = 0;
	size_t done = 0;
	int ret = 0;

	while (!ret && done < text->length) {
		ssize_t n = write(trace->fd, text->bytes + done,
				  text->length - done);

		if (n >= 0)
			done += n;
		else if (errno == EAGAIN)
			ret = wait_writable(trace, &give_up);
		else if (errno != EINTR)
			ret = -errno;
	}
	text->length = 0;
	return ret;
}

/* Return: false where it was no record to be told. */
static bool take_names(struct hf_trace *trace,
		       const struct hf_trace_record *record)
{
	const struct hf_trace_names *names = (const void *)record;

	if (record->type != HF_TRACE_NAMES)
		return false;
	free(trace->names);
	trace->names = names->names;
	trace->formatter.names = names->names;
	return true;
}

/* Put what is in the ring into words, and write them. */
static int drain(struct hf_trace *trace)
{
	struct hf_trace_formatter *formatter = &trace->formatter;
	const struct hf_trace_record *record;
	uint64_t lost = 0;
	int ret = 0;

	atomic_store(&trace->woken, false);
	while (!ret && (record = hf_trace_ring_peek(trace->ring, &lost))) {
		lost += trace->left_out;
		trace->left_out = 0;
		if (lost)
			hf_trace_format_lost(formatter, lost, record->ns);
		if (!take_names(trace, record) &&
		    hf_trace_format_record(formatter, record))
			trace->left_out++;
		hf_trace_ring_pop(trace->ring);
		if (formatter->text.length >= CHUNK)
			ret = write_out(trace);
	}
	if (!ret && (lost || trace->left_out)) {
		hf_trace_format_lost(formatter, lost + trace->left_out,
				     hf_monotonic_ns());
		trace->left_out = 0;
	}
	return ret ? ret : write_out(trace);
}

/* Until there may be something to do. Return: false when the reader is gone. */
static bool rest(struct hf_trace *trace)
{
	struct pollfd fds[] = { { .fd = trace->fd, .events = POLLRDHUP },
				{ .fd = trace->wake_fd, .events = POLLIN } };

	poll(fds, 2, PERIOD_MS);
	if (fds[1].revents)
		eventfd_read(trace->wake_fd, &(eventfd_t){ 0 });
	return !(fds[0].revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Nothing comes in any more. */
static void detach(struct hf_trace *trace)
{
	struct hf_system *sys = trace->server->sys;

	pthread_mutex_lock(&sys->lock);
	wl_list_remove(&trace->watch.link);
	wl_list_init(&trace->watch.link);
	pthread_mutex_unlock(&sys->lock);
	pthread_mutex_lock(&running.lock);
	for (unsigned int i = 0; i < running.n; i++)
		if (running.traces[i] == trace)
			running.traces[i] = running.traces[--running.n];
	if (!running.n)
		atomic_store(&hf_probes, NULL);
	pthread_mutex_unlock(&running.lock);
}

static void complain(const struct hf_trace *trace, int error)
{
	if (trace->path)
		hf_warn("trace: %s: %s; it ends here", trace->path,
			strerror(-error));
	else if (error != -EPIPE && error != -ECONNRESET)
		hf_warn("trace: %s; it ends here", strerror(-error));
}

static void *run(void *arg)
{
	struct hf_trace *trace = arg;
	bool stop = false;
	int ret = 0;

	hf_trace_format_begin(&trace->formatter);
	while (!ret && !stop) {
		stop = !rest(trace) || atomic_load(&trace->stop);
		if (stop)
			detach(trace);
		ret = drain(trace);
	}
	if (!stop)
		detach(trace);
	if (!ret) {
		hf_trace_format_end(&trace->formatter);
		ret = write_out(trace);
	}
	if (ret)
		complain(trace, ret);
	/* Its reader waits for this. */
	if (!trace->path)
		shutdown(trace->fd, SHUT_RDWR);
	atomic_store(&trace->ended, true);
	eventfd_write(trace->server->tracing->ended_fd, 1);
	return NULL;
}

/* -- life ------------------------------------------------------------------ */

/* What was not written any more. */
static void empty(struct hf_trace *trace)
{
	const struct hf_trace_record *record;
	uint64_t lost;

	while ((record = hf_trace_ring_peek(trace->ring, &lost))) {
		take_names(trace, record);
		hf_trace_ring_pop(trace->ring);
	}
}

static void free_trace(struct hf_trace *trace)
{
	if (trace->ring)
		empty(trace);
	if (trace->fd >= 0)
		close(trace->fd);
	if (trace->wake_fd >= 0)
		close(trace->wake_fd);
	hf_trace_ring_destroy(trace->ring);
	hf_trace_formatter_finish(&trace->formatter);
	free(trace->names);
	free(trace->path);
	free(trace);
}

/* Owns @fd. */
static struct hf_trace *create_trace(struct hf_server *server, int fd,
				     enum hf_trace_format format,
				     const char *path)
{
	struct hf_trace *trace = calloc(1, sizeof(*trace));

	if (!trace) {
		close(fd);
		return NULL;
	}
	trace->server = server;
	trace->fd = fd;
	trace->formatter.format = format;
	wl_list_init(&trace->watch.link);
	trace->watch.shown = on_shown;
	trace->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	trace->ring = hf_trace_ring_create(RING_SIZE);
	trace->path = path ? strdup(path) : NULL;
	if (trace->wake_fd < 0 || !trace->ring || (path && !trace->path)) {
		free_trace(trace);
		return NULL;
	}
	return trace;
}

/* From here on it gets records. */
static int attach(struct hf_trace *trace)
{
	struct hf_kms_device *kms = &trace->server->dev->kms;
	int ret = 0;

	pthread_mutex_lock(&trace->server->sys->lock);
	trace->names = hf_decode_names_create(kms);
	trace->formatter.names = trace->names;
	pthread_mutex_lock(&running.lock);
	if (!trace->names) {
		ret = -ENOMEM;
	} else if (running.n == MAX_TRACES) {
		ret = -EBUSY;
	} else {
		running.traces[running.n++] = trace;
		wl_list_insert(&kms->watches, &trace->watch.link);
		atomic_store(&hf_probes, &probes);
	}
	pthread_mutex_unlock(&running.lock);
	pthread_mutex_unlock(&trace->server->sys->lock);
	return ret;
}

/* Owns @fd. */
static int start(struct hf_server *server, int fd, enum hf_trace_format format,
		 const char *path)
{
	struct hf_trace *trace = create_trace(server, fd, format, path);
	int ret = trace ? attach(trace) : -ENOMEM;

	if (!ret) {
		ret = hf_thread_start(&trace->thread, run, trace);
		if (ret)
			detach(trace);
	}
	if (ret) {
		if (trace)
			free_trace(trace);
		return ret;
	}
	wl_list_insert(&server->tracing->traces, &trace->link);
	hf_clients_trace(server, true);
	return 0;
}

/* Where there is no room for the names, the old ones are better than none. */
static void follow(struct hf_trace *trace, struct hf_kms_device *kms)
{
	struct hf_trace_names record = { .base = { .type = HF_TRACE_NAMES } };

	if (wl_list_empty(&trace->watch.link))
		return; /* it has ended */
	record.names = hf_decode_names_create(kms);
	wl_list_remove(&trace->watch.link);
	wl_list_insert(&kms->watches, &trace->watch.link);
	if (record.names &&
	    !hf_trace_ring_put(trace->ring,
			       &(struct iovec){ &record, sizeof(record) }, 1))
		free(record.names);
}

void hf_tracing_follow(struct hf_server *server)
{
	struct hf_trace *trace;

	wl_list_for_each(trace, &server->tracing->traces, link)
		follow(trace, &server->dev->kms);
}

static bool ends_in(const char *string, const char *end)
{
	size_t n = strlen(string), m = strlen(end);

	return n >= m && !strcmp(string + n - m, end);
}

int hf_trace_to_file(struct hf_server *server, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return -errno;
	/* A FIFO's reader must not keep the server from ending. */
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return start(server, fd,
		     ends_in(path, ".json") ? HF_TRACE_CHROME : HF_TRACE_TEXT,
		     path);
}

int hf_trace_to_stream(struct hf_server *server, enum hf_trace_format format)
{
	int fds[2], ret;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ret = start(server, fds[0], format, NULL);
	if (!ret)
		return fds[1];
	close(fds[1]);
	return ret;
}

/* Free those that have ended by themselves. */
static int reap(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;
	struct hf_tracing *tracing = server->tracing;
	struct hf_trace *trace, *next;

	(void)mask;
	eventfd_read(fd, &(eventfd_t){ 0 });
	wl_list_for_each_safe(trace, next, &tracing->traces, link) {
		if (!atomic_load(&trace->ended))
			continue;
		pthread_join(trace->thread, NULL);
		wl_list_remove(&trace->link);
		free_trace(trace);
	}
	hf_clients_trace(server, !wl_list_empty(&tracing->traces));
	return 0;
}

int hf_tracing_init(struct hf_server *server)
{
	struct hf_tracing *tracing = calloc(1, sizeof(*tracing));

	if (!tracing)
		return -ENOMEM;
	wl_list_init(&tracing->traces);
	server->tracing = tracing;
	tracing->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (tracing->ended_fd < 0)
		return -errno;
	tracing->source = wl_event_loop_add_fd(server->loop, tracing->ended_fd,
					       WL_EVENT_READABLE, reap, server);
	return tracing->source ? 0 : -ENOMEM;
}

void hf_tracing_finish(struct hf_server *server)
{
	struct hf_tracing *tracing = server->tracing;
	struct hf_trace *trace, *next;

	if (!tracing)
		return;
	wl_list_for_each_safe(trace, next, &tracing->traces, link) {
		atomic_store(&trace->stop, true);
		eventfd_write(trace->wake_fd, 1);
	}
	wl_list_for_each_safe(trace, next, &tracing->traces, link) {
		pthread_join(trace->thread, NULL);
		free_trace(trace);
	}
	if (tracing->source)
		wl_event_source_remove(tracing->source);
	if (tracing->ended_fd >= 0)
		close(tracing->ended_fd);
	free(tracing);
	server->tracing = NULL;
}
