/* SPDX-License-Identifier: MIT */
/*
 * Recordings. See the header.
 *
 * A picture goes through three hands, and is a `struct shot` all the way: on_shown()
 * captures it, with the lock held; the composer turns it into pixels; the recording's
 * thread writes them. The lock protects the queue between the last two, and the
 * number of shots under way. The program may draw into what is not shown any more, so
 * a picture that was replaced while it was composed is not one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/futex.h"
#include "base/log.h"
#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "kms/mode.h"
#include "server/record.h"
#include "server/server.h"
#include "server/shown.h"
#include "server/thread.h"
#include "video/video.h"

#define MAX_RECORDINGS 8
/* Pictures under way, and bytes of them. */
#define MAX_SHOTS 64
#define MAX_BYTES ((size_t)256 << 20)
/* What a reader that does not read may hold up the end for, milliseconds. */
#define GRACE_MS 1000

struct shot {
	struct hf_compose_job job;
	struct hf_recording *recording;
	struct hf_frame *frame;
	uint32_t *pixels;
	uint32_t width, height;
	uint64_t ns, frame_ns;
	uint64_t given_back; /* as in the recording, when it was captured */
	int error;
	struct wl_list link; /* hf_recording.ready */
};

struct hf_recording {
	struct hf_server *server;
	unsigned int index;   /* or HF_KMS_MAIN */
	struct hf_crtc *crtc; /* of that index now */
	struct hf_kms_watch watch;
	struct hf_video *video; /* NULL: a stream */
	int fd;			/* of the stream */
	struct wl_event_source *source;
	pthread_t thread;
	pthread_cond_t changed;
	struct wl_list ready; /* shots that are composed */
	unsigned int shots;   /* under way; and their bytes */
	size_t bytes;
	unsigned int uncomposed; /* of the shots */
	struct hf_shown shown;
	uint64_t skipped, end_ns;
	bool stopping, ended;
	int error;
	struct wl_list link; /* hf_recordings.list */
};

struct hf_recordings {
	struct wl_list list; /* changed by the main thread, with the lock */
	int ended_fd; /* an eventfd: a stream has ended */
	struct wl_event_source *source;
};

static pthread_mutex_t *lock_of(const struct hf_recording *recording)
{
	return &recording->server->sys->lock;
}

/* -- capturing ------------------------------------------------------------- */

static void free_shot(struct shot *shot)
{
	hf_frame_destroy(shot->frame);
	free(shot->pixels);
	free(shot);
}

/* On the composer's thread, without the lock. */
static void compose(struct hf_compose_job *job)
{
	struct shot *shot = wl_container_of(job, shot, job);
	struct hf_compose_target target = {
		.format = hf_format_info(DRM_FORMAT_XRGB8888),
		.width = shot->width,
		.height = shot->height,
		.pitch = shot->width * 4,
	};

	shot->pixels = malloc((size_t)target.pitch * target.height);
	target.pixels = shot->pixels;
	shot->error = shot->pixels ? hf_frame_compose(shot->frame, &target) :
				     -ENOMEM;
	hf_frame_destroy(shot->frame);
	shot->frame = NULL;
}

static void give_up(struct shot *shot)
{
	struct hf_recording *recording = shot->recording;

	recording->skipped++;
	recording->shots--;
	recording->bytes -= (size_t)shot->width * shot->height * 4;
	pthread_cond_signal(&recording->changed);
	free_shot(shot);
}

/* With the lock. */
static void composed(struct hf_compose_job *job)
{
	struct shot *shot = wl_container_of(job, shot, job);
	struct hf_recording *recording = shot->recording;

	recording->uncomposed--;
	if (shot->error || shot->given_back != recording->shown.given_back) {
		give_up(shot);
		return;
	}
	wl_list_insert(recording->ready.prev, &shot->link);
	pthread_cond_signal(&recording->changed);
}

static struct shot *capture(struct hf_recording *recording, uint64_t ns)
{
	struct hf_crtc *crtc = recording->crtc;
	struct shot *shot = calloc(1, sizeof(*shot));

	if (!shot)
		return NULL;
	if (hf_frame_capture(recording->server->dev, crtc, &shot->frame)) {
		free(shot);
		return NULL;
	}
	hf_frame_size(shot->frame, &shot->width, &shot->height);
	shot->recording = recording;
	shot->ns = ns;
	shot->frame_ns = hf_mode_frame_ns(&crtc->state->mode);
	shot->given_back = recording->shown.given_back;
	shot->job.run = compose;
	shot->job.done = composed;
	return shot;
}

/* Is there room for a picture of this mode? */
static bool has_room(const struct hf_recording *recording)
{
	const struct drm_mode_modeinfo *mode = &recording->crtc->state->mode;
	size_t size = (size_t)mode->hdisplay * mode->vdisplay * 4;

	return !recording->shots || (recording->shots < MAX_SHOTS &&
				     recording->bytes + size <= MAX_BYTES);
}

static void shoot(struct hf_recording *recording, uint64_t ns)
{
	bool late = recording->crtc->state->async_flip && recording->uncomposed;
	struct shot *shot = !late && has_room(recording) ?
				    capture(recording, ns) :
				    NULL;

	if (!shot) {
		recording->skipped++;
		return;
	}
	recording->shots++;
	recording->uncomposed++;
	recording->bytes += (size_t)shot->width * shot->height * 4;
	hf_composer_queue(recording->server->dev->composer, &shot->job);
}

static struct hf_crtc *crtc_of(const struct hf_recording *recording)
{
	const struct hf_kms_device *kms = &recording->server->dev->kms;
	unsigned int index = recording->index;

	return kms->crtcs[index == HF_KMS_MAIN ? hf_kms_main_crtc(kms) : index];
}

static void on_shown(struct hf_kms_watch *watch, struct hf_crtc *crtc,
		     uint64_t ns)
{
	struct hf_recording *recording =
		wl_container_of(watch, recording, watch);

	if (recording->index == HF_KMS_MAIN)
		recording->crtc = crtc_of(recording);
	if (crtc != recording->crtc)
		return;
	hf_shown_look(&recording->shown, recording->crtc);
	if (!recording->error && recording->shown.num_fbs)
		shoot(recording, ns);
}

/* -- a recording's thread -------------------------------------------------- */

/* Until a stream takes more. */
static int wait_writable(struct hf_recording *recording)
{
	struct pollfd fd = { .fd = recording->fd, .events = POLLOUT };
	bool stopping;

	pthread_mutex_lock(lock_of(recording));
	stopping = recording->stopping;
	pthread_mutex_unlock(lock_of(recording));
	if (poll(&fd, 1, GRACE_MS) == 0 && stopping)
		return -ETIMEDOUT;
	return 0;
}

static int send_all(struct hf_recording *recording, const void *data,
		    size_t size)
{
	const char *at = data;
	int ret = 0;

	while (!ret && size) {
		ssize_t n = send(recording->fd, at, size, MSG_NOSIGNAL);

		if (n >= 0) {
			at += n;
			size -= n;
		} else if (errno == EAGAIN) {
			ret = wait_writable(recording);
		} else if (errno != EINTR) {
			ret = -errno;
		}
	}
	return ret;
}

static int write_shot(struct hf_recording *recording, const struct shot *shot,
		      uint64_t skipped)
{
	struct hf_record_packet packet = {
		.width = shot->width,
		.height = shot->height,
		.frame_ns = shot->frame_ns,
		.ns = shot->ns,
		.skipped = skipped,
	};
	struct hf_picture picture = {
		.pixels = shot->pixels,
		.width = shot->width,
		.height = shot->height,
		.frame_ns = shot->frame_ns,
		.ns = shot->ns,
	};
	int ret;

	if (recording->video)
		return hf_video_add(recording->video, &picture);
	ret = send_all(recording, &packet, sizeof(packet));
	return ret ? ret :
		     send_all(recording, shot->pixels,
			      (size_t)shot->width * shot->height * 4);
}

/* The next one that is composed; NULL: there will be none. The lock is held. */
static struct shot *next_shot(struct hf_recording *recording)
{
	struct shot *shot;

	while (wl_list_empty(&recording->ready) &&
	       !(recording->stopping && !recording->shots))
		pthread_cond_wait(&recording->changed, lock_of(recording));
	if (wl_list_empty(&recording->ready))
		return NULL;
	shot = wl_container_of(recording->ready.next, shot, link);
	wl_list_remove(&shot->link);
	return shot;
}

static void *run(void *arg)
{
	struct hf_recording *recording = arg;
	struct hf_record_packet end = { 0 };
	struct shot *shot;

	pthread_mutex_lock(lock_of(recording));
	while ((shot = next_shot(recording))) {
		int ret = recording->error;
		uint64_t skipped = recording->skipped;

		pthread_mutex_unlock(lock_of(recording));
		if (!ret)
			ret = write_shot(recording, shot, skipped);
		pthread_mutex_lock(lock_of(recording));
		recording->error = ret;
		recording->shots--;
		recording->bytes -= (size_t)shot->width * shot->height * 4;
		free_shot(shot);
	}
	end.skipped = recording->skipped;
	end.ns = recording->end_ns;
	recording->ended = true;
	pthread_mutex_unlock(lock_of(recording));
	if (!recording->video) {
		if (!recording->error)
			send_all(recording, &end, sizeof(end));
		shutdown(recording->fd, SHUT_RDWR);
		eventfd_write(recording->server->records->ended_fd, 1);
	}
	return NULL;
}

/* -- life ------------------------------------------------------------------ */

static struct hf_recording *create_recording(struct hf_server *server,
					     unsigned int crtc)
{
	struct hf_recording *recording = calloc(1, sizeof(*recording));

	if (!recording)
		return NULL;
	recording->server = server;
	recording->index = crtc;
	recording->fd = -1;
	recording->watch.shown = on_shown;
	wl_list_init(&recording->ready);
	wl_list_init(&recording->watch.link);
	wl_list_init(&recording->link);
	pthread_cond_init(&recording->changed, NULL);
	return recording;
}

static void free_recording(struct hf_recording *recording)
{
	pthread_mutex_lock(lock_of(recording));
	wl_list_remove(&recording->link);
	pthread_mutex_unlock(lock_of(recording));
	pthread_cond_destroy(&recording->changed);
	if (recording->source)
		wl_event_source_remove(recording->source);
	if (recording->fd >= 0)
		close(recording->fd);
	free(recording);
}

/* What is shown already is the first picture. */
static int begin(struct hf_recording *recording)
{
	struct hf_server *server = recording->server;
	int ret = hf_thread_start(&recording->thread, run, recording);

	if (ret)
		return ret;
	pthread_mutex_lock(lock_of(recording));
	recording->crtc = crtc_of(recording);
	wl_list_insert(&server->dev->kms.watches, &recording->watch.link);
	wl_list_insert(&server->records->list, &recording->link);
	hf_shown_look(&recording->shown, recording->crtc);
	if (recording->shown.num_fbs)
		shoot(recording, hf_clock_now(server->sys->clock));
	pthread_mutex_unlock(lock_of(recording));
	return 0;
}

/* Nothing new is captured from here on. */
static void end(struct hf_recording *recording)
{
	pthread_mutex_lock(lock_of(recording));
	if (!recording->stopping) {
		wl_list_remove(&recording->watch.link);
		wl_list_init(&recording->watch.link);
		recording->end_ns = hf_clock_now(recording->server->sys->clock);
		recording->stopping = true;
	}
	pthread_cond_signal(&recording->changed);
	pthread_mutex_unlock(lock_of(recording));
}

static int check(const struct hf_server *server, unsigned int crtc)
{
	bool there;

	pthread_mutex_lock(&server->sys->lock);
	there = crtc == HF_KMS_MAIN || crtc < server->dev->kms.num_crtcs;
	pthread_mutex_unlock(&server->sys->lock);
	if (!there)
		return -ENOENT;
	return wl_list_length(&server->records->list) < MAX_RECORDINGS ?
		       0 : -EBUSY;
}

int hf_record_start(struct hf_server *server, unsigned int crtc,
		    struct hf_video *video, struct hf_recording **recording)
{
	int ret = check(server, crtc);

	if (ret)
		return ret;
	*recording = create_recording(server, crtc);
	if (!*recording)
		return -ENOMEM;
	(*recording)->video = video;
	ret = begin(*recording);
	if (ret)
		free_recording(*recording);
	return ret;
}

int hf_record_stop(struct hf_recording *recording, uint64_t *skipped,
		   uint64_t *end_ns)
{
	int ret;

	end(recording);
	pthread_join(recording->thread, NULL);
	*skipped = recording->skipped;
	*end_ns = recording->end_ns;
	ret = recording->error;
	free_recording(recording);
	return ret;
}

/* He does not send anything: it is the end. */
static int hung_up(int fd, uint32_t mask, void *data)
{
	struct hf_recording *recording = data;

	(void)fd;
	(void)mask;
	wl_event_source_remove(recording->source);
	recording->source = NULL;
	end(recording);
	return 0;
}

int hf_record_to_stream(struct hf_server *server, unsigned int crtc)
{
	struct hf_recording *recording;
	int fds[2], ret = check(server, crtc);

	if (ret)
		return ret;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	recording = create_recording(server, crtc);
	if (!recording) {
		close(fds[0]);
		close(fds[1]);
		return -ENOMEM;
	}
	recording->fd = fds[0];
	recording->source = wl_event_loop_add_fd(
		server->loop, fds[0], WL_EVENT_READABLE, hung_up, recording);
	ret = recording->source ? begin(recording) : -ENOMEM;
	if (!ret)
		return fds[1];
	free_recording(recording);
	close(fds[1]);
	return ret;
}

/* Free the streams that have ended. */
static int reap(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;
	struct hf_recording *recording, *next;

	(void)mask;
	eventfd_read(fd, &(eventfd_t){ 0 });
	wl_list_for_each_safe(recording, next, &server->records->list, link) {
		bool ended;

		pthread_mutex_lock(lock_of(recording));
		ended = recording->ended && !recording->video;
		pthread_mutex_unlock(lock_of(recording));
		if (!ended)
			continue;
		pthread_join(recording->thread, NULL);
		free_recording(recording);
	}
	return 0;
}

/* The new one has as many CRTCs. */
void hf_records_follow(struct hf_server *server)
{
	struct hf_kms_device *kms = &server->dev->kms;
	struct hf_recording *recording;

	wl_list_for_each(recording, &server->records->list, link) {
		if (recording->stopping)
			continue;
		recording->crtc = crtc_of(recording);
		wl_list_remove(&recording->watch.link);
		wl_list_insert(&kms->watches, &recording->watch.link);
		hf_shown_look(&recording->shown, recording->crtc);
	}
}

int hf_records_init(struct hf_server *server)
{
	struct hf_recordings *records = calloc(1, sizeof(*records));

	if (!records)
		return -ENOMEM;
	wl_list_init(&records->list);
	server->records = records;
	records->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (records->ended_fd < 0)
		return -errno;
	records->source = wl_event_loop_add_fd(server->loop, records->ended_fd,
					       WL_EVENT_READABLE, reap, server);
	return records->source ? 0 : -ENOMEM;
}

void hf_records_finish(struct hf_server *server)
{
	struct hf_recordings *records = server->records;
	struct hf_recording *recording, *next;
	uint64_t skipped, end_ns;

	if (!records)
		return;
	wl_list_for_each(recording, &records->list, link)
		end(recording);
	wl_list_for_each_safe(recording, next, &records->list, link)
		hf_record_stop(recording, &skipped, &end_ns);
	if (records->source)
		wl_event_source_remove(records->source);
	if (records->ended_fd >= 0)
		close(records->ended_fd);
	free(records);
	server->records = NULL;
}
