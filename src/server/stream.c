/* SPDX-License-Identifier: MIT */
/*
 * Streams. See the header.
 *
 * A request is seen by the main thread; a frame is captured with the lock held, there or
 * where a commit is shown, and composed without it by the composer, which answers. There
 * is one job a stream, and while it runs the memory is the composer's. A stream whose
 * viewer goes meanwhile is freed when the job is done.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/futex.h"
#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "mem/shmem.h"
#include "server/desktop.h"
#include "server/hands.h"
#include "server/server.h"
#include "server/shown.h"
#include "server/stream.h"

#define MAX_STREAMS 32
/* A picture is composed anew if the program may have drawn into it: so often. */
#define MAX_RETRIES 2

struct hf_stream {
	struct hf_server *server;
	struct wl_list link; /* hf_streams.list */
	struct hf_kms_watch watch;
	char connector[32]; /* "": it is a CRTC that is watched, */
	bool main;	    /* or what hf_kms_main_crtc() says */
	unsigned int index; /* of the CRTC that it is, or was last */
	struct hf_shown shown;
	int fd;
	struct wl_event_source *source;
	uint32_t serial; /* of the last request */
	bool asked;	 /* and it has no answer yet */
	bool changed;	 /* since what was captured last */
	bool gone;	 /* the viewer is: to be freed */
	struct hf_hands hands;

	/* The picture under way. */
	struct hf_compose_job job;
	bool busy;
	struct hf_frame *frame;
	uint32_t width, height;
	uint64_t ns, given_back;
	unsigned int retries;
	int error;

	/* Where it is composed; the composer's while it does. */
	void *pixels;
	size_t size;
	uint32_t memory_width, memory_height;
	int memory; /* -1: the viewer has it */
};

struct hf_streams {
	struct wl_list list;
};

static pthread_mutex_t *lock_of(const struct hf_stream *stream)
{
	return &stream->server->sys->lock;
}

/* -- what is watched -------------------------------------------------------- */

static const struct hf_connector *find_connector(const struct hf_stream *stream)
{
	const struct hf_kms_device *kms = &stream->server->dev->kms;
	char name[32];

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		hf_connector_name(kms->connectors[i], name, sizeof(name));
		if (!strcmp(name, stream->connector))
			return kms->connectors[i];
	}
	return NULL;
}

/* NULL: none. A monitor that was pulled out shows nothing, whatever it is sent. */
static struct hf_crtc *crtc_of(const struct hf_stream *stream)
{
	const struct hf_kms_device *kms = &stream->server->dev->kms;
	const struct hf_connector *connector;

	if (stream->main)
		return kms->crtcs[hf_kms_main_crtc(kms)];
	if (!*stream->connector)
		return stream->index < kms->num_crtcs ?
			       kms->crtcs[stream->index] : NULL;
	connector = find_connector(stream);
	return connector && connector->connected ? connector->state->crtc : NULL;
}

/* -- memory ------------------------------------------------------------------ */

static void free_memory(struct hf_stream *stream)
{
	if (stream->pixels)
		munmap(stream->pixels, stream->size);
	if (stream->memory >= 0)
		close(stream->memory);
	stream->pixels = NULL;
	stream->memory = -1;
	stream->memory_width = stream->memory_height = 0;
}

/* All of it is allocated now: nobody faults later, when there is none left. */
static int allocate(struct hf_stream *stream, size_t size)
{
	int fd = hf_shmem_create("holdfast stream", size), ret;
	void *pixels;

	if (fd < 0)
		return fd;
	ret = posix_fallocate(fd, 0, (off_t)size) ? -ENOMEM : hf_shmem_seal(fd);
	pixels = ret ? MAP_FAILED :
		       mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			    0);
	if (pixels == MAP_FAILED) {
		close(fd);
		return ret ? ret : -ENOMEM;
	}
	stream->pixels = pixels;
	stream->size = size;
	stream->memory = fd;
	return 0;
}

static int prepare_memory(struct hf_stream *stream)
{
	int ret;

	if (stream->memory_width == stream->width &&
	    stream->memory_height == stream->height)
		return 0;
	free_memory(stream);
	ret = allocate(stream, (size_t)stream->width * stream->height * 4);
	if (ret)
		return ret;
	stream->memory_width = stream->width;
	stream->memory_height = stream->height;
	return 0;
}

/* -- answers ----------------------------------------------------------------- */

static void free_stream(struct hf_stream *stream)
{
	free_memory(stream);
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream);
}

/* A viewer that does not take its answers has broken the rules: it is hung up on. */
static void answer(struct hf_stream *stream, struct hf_stream_frame *frame)
{
	bool memory = frame->lit && stream->memory >= 0;

	frame->serial = stream->serial;
	stream->asked = false;
	if (hf_send_fds(stream->fd, frame, sizeof(*frame), &stream->memory,
			memory))
		shutdown(stream->fd, SHUT_RDWR);
	if (memory) {
		close(stream->memory);
		stream->memory = -1;
	}
}

static void answer_dark(struct hf_stream *stream)
{
	const struct hf_crtc *crtc =
		stream->server->dev->kms.crtcs[stream->index];

	stream->changed = false;
	answer(stream, &(struct hf_stream_frame){
			       .width = crtc->last_width,
			       .height = crtc->last_height,
			       .ns = hf_monotonic_ns(),
		       });
}

static void answer_error(struct hf_stream *stream, int error)
{
	answer(stream, &(struct hf_stream_frame){ .error = error });
}

static void answer_picture(struct hf_stream *stream)
{
	answer(stream, &(struct hf_stream_frame){
			       .lit = 1,
			       .width = stream->width,
			       .height = stream->height,
			       .ns = stream->ns,
		       });
}

/* -- pictures ---------------------------------------------------------------- */

static void begin(struct hf_stream *stream, uint64_t ns);

/* On the composer's thread, without the lock. */
static void compose(struct hf_compose_job *job)
{
	struct hf_stream *stream = wl_container_of(job, stream, job);
	struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
		.width = stream->width,
		.height = stream->height,
		.pitch = stream->width * 4,
	};

	stream->error = prepare_memory(stream);
	target.pixels = stream->pixels;
	if (!stream->error)
		stream->error = hf_frame_compose(stream->frame, &target);
	hf_frame_destroy(stream->frame);
	stream->frame = NULL;
}

/* With the lock. */
static void composed(struct hf_compose_job *job)
{
	struct hf_stream *stream = wl_container_of(job, stream, job);
	bool stale = stream->given_back != stream->shown.given_back;

	stream->busy = false;
	if (stream->gone)
		free_stream(stream);
	else if (stale && stream->retries++ < MAX_RETRIES)
		begin(stream, hf_monotonic_ns());
	else if (stream->error)
		answer_error(stream, stream->error);
	else
		answer_picture(stream);
}

static void capture(struct hf_stream *stream, struct hf_crtc *crtc, uint64_t ns)
{
	struct hf_device *dev = stream->server->dev;
	int ret = hf_frame_capture(dev, crtc, &stream->frame);

	if (ret) {
		answer_error(stream, ret);
		return;
	}
	hf_frame_size(stream->frame, &stream->width, &stream->height);
	stream->changed = false;
	stream->ns = ns;
	stream->given_back = stream->shown.given_back;
	stream->busy = true;
	hf_composer_queue(dev->composer, &stream->job);
}

/* Answer with what is shown now, if a program shows anything. */
static void begin(struct hf_stream *stream, uint64_t ns)
{
	struct hf_crtc *crtc = crtc_of(stream);

	if (crtc)
		stream->index = crtc->index;
	if (crtc && crtc->state->active && crtc->last_width &&
	    !stream->server->dev->unplugged)
		capture(stream, crtc, ns);
	else
		answer_dark(stream);
}

/* Something is drawn or shown, here or where it was until now. */
static void has_changed(struct hf_stream *stream)
{
	stream->changed = true;
	if (stream->asked && !stream->busy)
		begin(stream, hf_monotonic_ns());
}

static void on_shown(struct hf_kms_watch *watch, struct hf_crtc *crtc,
		     uint64_t ns)
{
	struct hf_stream *stream = wl_container_of(watch, stream, watch);
	struct hf_crtc *current = crtc_of(stream);

	(void)ns; /* of the devices' time, which may stand still */
	if (crtc != current && crtc->index != stream->index)
		return;
	if (current)
		hf_shown_look(&stream->shown, current);
	has_changed(stream);
}

static void on_drawn(struct hf_kms_watch *watch, struct hf_framebuffer *fb)
{
	struct hf_stream *stream = wl_container_of(watch, stream, watch);

	for (unsigned int i = 0; i < stream->shown.num_fbs; i++)
		if (stream->shown.fbs[i] == fb->base.id) {
			has_changed(stream);
			return;
		}
}

/* -- life ------------------------------------------------------------------- */

static void watch_display(struct hf_stream *stream)
{
	struct hf_crtc *crtc = crtc_of(stream);

	wl_list_remove(&stream->watch.link);
	wl_list_insert(&stream->server->dev->kms.watches, &stream->watch.link);
	if (crtc)
		hf_shown_look(&stream->shown, crtc);
}

/* In the main thread, with the lock. */
static void hang_up(struct hf_stream *stream)
{
	wl_event_source_remove(stream->source);
	wl_list_remove(&stream->watch.link);
	wl_list_remove(&stream->link);
	if (stream->server->seat)
		hf_hands_release(&stream->hands, stream->server->seat);
	stream->gone = true;
	if (!stream->busy)
		free_stream(stream);
}

/* The connector that the pointer's screen is: that of the CRTC, or one of them. */
static bool name_connector(const struct hf_stream *stream, char *name,
			   size_t size)
{
	const struct hf_kms_device *kms = &stream->server->dev->kms;
	const struct hf_crtc *crtc = crtc_of(stream);

	for (unsigned int i = 0; crtc && i < kms->num_connectors; i++) {
		const struct hf_connector *connector = kms->connectors[i];

		if (connector->state->crtc != crtc)
			continue;
		hf_connector_name(connector, name, size);
		if (!*stream->connector || !strcmp(name, stream->connector))
			return true;
	}
	return false;
}

static void point(struct hf_stream *stream,
		  const struct hf_stream_request *request)
{
	struct hf_rect all, rect;
	char name[32];

	if (!name_connector(stream, name, sizeof(name)) ||
	    hf_desktop_bounds(&stream->server->dev->kms, name, &all, &rect))
		return;
	hf_hands_pointer(&stream->hands, stream->server->seat, &all, &rect,
			 request->x, request->y, request->code);
}

static void ask(struct hf_stream *stream,
		const struct hf_stream_request *request)
{
	stream->serial = request->serial;
	stream->asked = true;
	if (request->what == HF_STREAM_NOW)
		stream->changed = true;
	if (stream->busy)
		return;
	stream->retries = 0;
	if (stream->changed)
		begin(stream, hf_monotonic_ns());
}

/* Return: false for one that makes no sense. */
static bool obey(struct hf_stream *stream,
		 const struct hf_stream_request *request)
{
	struct hf_seat *seat = stream->server->seat;

	switch (request->what) {
	case HF_STREAM_NEXT:
	case HF_STREAM_NOW:
		ask(stream, request);
		return true;
	case HF_STREAM_KEY:
		if (seat)
			hf_hands_key(&stream->hands, seat, request->code,
				     request->x);
		return true;
	case HF_STREAM_POINTER:
		if (seat)
			point(stream, request);
		return true;
	default:
		return false;
	}
}

static int readable(int fd, uint32_t mask, void *data)
{
	struct hf_stream *stream = data;
	struct hf_stream_request request;
	pthread_mutex_t *lock = lock_of(stream);
	ssize_t n = recv(fd, &request, sizeof(request),
			 MSG_DONTWAIT | MSG_TRUNC);

	(void)mask;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	pthread_mutex_lock(lock);
	if (n != sizeof(request) || !obey(stream, &request))
		hang_up(stream);
	pthread_mutex_unlock(lock);
	return 0;
}

static struct hf_stream *create_stream(struct hf_server *server,
				       const char *what, int fd)
{
	struct hf_stream *stream = calloc(1, sizeof(*stream));
	char more;

	if (!stream)
		return NULL;
	stream->server = server;
	stream->fd = fd;
	stream->memory = -1;
	stream->changed = true;
	stream->job.run = compose;
	stream->job.done = composed;
	stream->watch.shown = on_shown;
	stream->watch.drawn = on_drawn;
	wl_list_init(&stream->watch.link);
	stream->main = !strcmp(what, "main");
	if (!stream->main && sscanf(what, "%9u%c", &stream->index, &more) != 1) {
		stream->index = 0;
		snprintf(stream->connector, sizeof(stream->connector), "%s",
			 what);
	}
	stream->source = wl_event_loop_add_fd(
		server->loop, fd, WL_EVENT_READABLE, readable, stream);
	if (stream->source)
		return stream;
	free(stream);
	return NULL;
}

int hf_stream_open(struct hf_server *server, const char *what)
{
	struct hf_stream *stream;
	int fds[2];

	if (wl_list_length(&server->streams->list) >= MAX_STREAMS)
		return -EBUSY;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return -errno;
	stream = create_stream(server, what, fds[0]);
	if (!stream) {
		close(fds[0]);
		close(fds[1]);
		return -ENOMEM;
	}
	pthread_mutex_lock(lock_of(stream));
	wl_list_insert(&server->streams->list, &stream->link);
	watch_display(stream);
	pthread_mutex_unlock(lock_of(stream));
	return fds[1];
}

/* The new one has as many CRTCs. */
void hf_streams_follow(struct hf_server *server)
{
	struct hf_stream *stream;

	wl_list_for_each(stream, &server->streams->list, link) {
		if (*stream->connector)
			stream->index = 0;
		watch_display(stream);
		has_changed(stream);
	}
}

int hf_streams_init(struct hf_server *server)
{
	server->streams = calloc(1, sizeof(*server->streams));
	if (!server->streams)
		return -ENOMEM;
	wl_list_init(&server->streams->list);
	return 0;
}

void hf_streams_finish(struct hf_server *server)
{
	struct hf_stream *stream, *next;

	if (!server->streams)
		return;
	pthread_mutex_lock(&server->sys->lock);
	wl_list_for_each_safe(stream, next, &server->streams->list, link)
		hang_up(stream);
	pthread_mutex_unlock(&server->sys->lock);
	free(server->streams);
	server->streams = NULL;
}
