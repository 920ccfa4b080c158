/* SPDX-License-Identifier: MIT */
/*
 * CRCs of what CRTCs show.
 *
 * While somebody reads, each vblank takes a picture of the CRTC, and the composer's
 * thread makes a line of it. The memory may be written at any time, so it is done at
 * each vblank even where nothing was flipped.
 *
 * A commit swaps its state in some time before that is shown: from then until it is, the
 * picture of the old state stands for the CRTC. So the line of a flip's vblank is the first
 * that has what was flipped to. The same holds for a vblank whose timer is late.
 *
 * The system's lock protects it all, but for what a job is doing.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "server/crc.h"

/* As the kernel's: frame and CRC in hexadecimal, a newline, and the NUL. */
#define LINE_SIZE (10 + 11 + 1 + 1)
/* What may wait to be read; the kernel's ring of 128 has one that stays free. */
#define MAX_UNREAD 127
/* Flips that the composer is behind; then vblanks have no line. */
#define MAX_JOBS 64
#define MAX_SOURCE 4095

static const char *const source = "auto";

/* A frame that several jobs may be about; no lock is held where it is let go. */
struct picture {
	unsigned int refcount;
	struct hf_frame *frame;
	struct hf_compose_job drop;
};

struct reader {
	struct hf_endpoint endpoint;
	struct crc *crc; /* NULL: closed, and only jobs are left of it */
	unsigned int jobs;
	struct job *newest; /* not done, and of what is still shown; or NULL */
	bool overflow;
};

struct job {
	struct hf_compose_job job;
	struct reader *reader;
	struct picture *picture;
	uint64_t first, last; /* vblanks that the line is for */
	_Atomic bool begun;   /* it may have read the memory */
	uint32_t crc;
	int ret;
};

/* Of one CRTC. */
struct crc {
	struct hf_crcs *crcs;
	struct hf_crtc *crtc;
	struct hf_kms_watch watch; /* listed while there is a reader, and so is: */
	struct hf_vblank_wait wait; /* unless the CRTC is off */
	struct reader *reader;
	unsigned int pending; /* commits that are in and not shown */
	struct picture *old;  /* what is shown until they are */
	uint64_t next;	     /* the next vblank that has no picture */
};

struct hf_crcs {
	struct hf_device *dev;
	struct crc crcs[HF_KMS_MAX_CRTCS];
};

/* -- pictures -------------------------------------------------------------- */

static void drop_frame(struct hf_compose_job *job)
{
	struct picture *picture = wl_container_of(job, picture, drop);

	hf_frame_destroy(picture->frame);
}

static void free_picture(struct hf_compose_job *job)
{
	struct picture *picture = wl_container_of(job, picture, drop);

	free(picture);
}

static struct picture *take_picture(struct crc *crc)
{
	struct picture *picture = calloc(1, sizeof(*picture));

	if (picture && hf_frame_capture(crc->crcs->dev, crc->crtc,
					&picture->frame)) {
		free(picture);
		return NULL;
	}
	if (!picture)
		return NULL;
	picture->refcount = 1;
	picture->drop.run = drop_frame;
	picture->drop.done = free_picture;
	return picture;
}

static void put_picture(struct hf_composer *composer, struct picture *picture)
{
	if (picture && !--picture->refcount)
		hf_composer_queue(composer, &picture->drop);
}

/* -- lines ----------------------------------------------------------------- */

static void send_line(struct reader *reader, uint64_t vblank, uint32_t crc)
{
	char line[LINE_SIZE];

	if (hf_endpoint_unread(reader->endpoint.fd) >= MAX_UNREAD) {
		if (!reader->overflow)
			hf_warn("CRCs are lost: they are not read fast enough");
		reader->overflow = true;
		return;
	}
	snprintf(line, sizeof(line), "0x%08x 0x%08x\n", (uint32_t)vblank, crc);
	send(reader->endpoint.fd, line, sizeof(line),
	     MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void run_job(struct hf_compose_job *compose)
{
	struct job *job = wl_container_of(compose, job, job);

	atomic_store(&job->begun, true);
	job->ret = hf_frame_crc(job->picture->frame, &job->crc);
}

static void job_done(struct hf_compose_job *compose)
{
	struct job *job = wl_container_of(compose, job, job);
	struct reader *reader = job->reader;

	if (job->ret)
		hf_dbg("no CRC of vblank %llu: %s",
		       (unsigned long long)job->first, strerror(-job->ret));
	for (uint64_t n = job->first;
	     reader->crc && !job->ret && n <= job->last; n++)
		send_line(reader, n, job->crc);
	if (reader->newest == job)
		reader->newest = NULL;
	if (!--reader->jobs && !reader->crc)
		free(reader);
	free(job);
}

/* The composer does what is queued in order: so the picture goes after its job. */
static void queue_job(struct crc *crc, struct picture *picture, uint64_t first,
		      uint64_t last)
{
	struct hf_composer *composer = crc->crcs->dev->composer;
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	job->job.run = run_job;
	job->job.done = job_done;
	job->reader = crc->reader;
	job->picture = picture;
	job->first = first;
	job->last = last;
	crc->reader->jobs++;
	crc->reader->newest = job;
	hf_composer_queue(composer, &job->job);
}

/* -- vblanks --------------------------------------------------------------- */

/* The composer is behind: what it has not begun with will do for these as well. */
static bool stretch(struct crc *crc, uint64_t last)
{
	struct job *newest = crc->reader->newest;

	if (!newest || atomic_load(&newest->begun))
		return crc->reader->jobs >= MAX_JOBS;
	newest->last = last;
	return true;
}

/* Vblanks up to @count that have no picture get one of what is shown now. */
static void catch_up(struct crc *crc, uint64_t count)
{
	struct hf_composer *composer = crc->crcs->dev->composer;
	struct picture *picture = crc->old;
	uint64_t first = crc->next;

	if (!crc->crtc->vblank.on || (int64_t)(count - first) < 0)
		return;
	crc->next = count + 1;
	if (count - first >= MAX_UNREAD)
		first = count - MAX_UNREAD + 1;
	if (stretch(crc, count))
		return;
	if (picture)
		picture->refcount++;
	else
		picture = take_picture(crc);
	if (!picture)
		return;
	queue_job(crc, picture, first, count);
	put_picture(composer, picture);
}

static void wait_for_next(struct crc *crc)
{
	if (!crc->crtc->vblank.on || !wl_list_empty(&crc->wait.link))
		return;
	crc->wait.sequence = crc->next;
	hf_vblank_wait_add(crc->crtc, &crc->wait);
}

static void vblank_came(struct hf_vblank_wait *wait)
{
	struct crc *crc = wl_container_of(wait, crc, wait);

	catch_up(crc, crc->crtc->vblank.told);
	wait_for_next(crc);
}

/* A commit that waits to be shown has vblanks of its own, which are not told yet. */
static void commit_begins(struct hf_kms_watch *watch,
			  const struct hf_atomic_state *state)
{
	struct crc *crc = wl_container_of(watch, crc, watch);
	struct hf_crtc *crtc = crc->crtc;

	if (!state->crtcs[crtc->index])
		return;
	catch_up(crc, crc->pending ? crtc->vblank.told :
				     hf_vblank_count(crtc, NULL));
	crc->pending++;
	if (!crc->old)
		crc->old = take_picture(crc);
}

/* The vblank that was at @ns, which was the last one a moment ago. */
static uint64_t vblank_at(struct hf_crtc *crtc, uint64_t ns)
{
	const struct hf_vblank *vblank = &crtc->vblank;
	uint64_t last, count = hf_vblank_count(crtc, &last);

	if (!vblank->on || last <= ns)
		return count;
	return count - ((last - ns) * vblank->frame_den +
			vblank->frame_num / 2) / vblank->frame_num;
}

static void shown(struct hf_kms_watch *watch, struct hf_crtc *crtc, uint64_t ns)
{
	struct crc *crc = wl_container_of(watch, crc, watch);

	if (crtc != crc->crtc)
		return;
	/* One that was in when the reader came was not counted. */
	if (crc->pending && --crc->pending)
		return;
	if (crc->old)
		catch_up(crc, vblank_at(crtc, ns) - 1);
	put_picture(crc->crcs->dev->composer, crc->old);
	crc->old = NULL;
	crc->reader->newest = NULL;
	/* It may have been off. */
	if (wl_list_empty(&crc->wait.link))
		crc->next = hf_vblank_count(crtc, NULL) + 1;
	wait_for_next(crc);
}

/* -- readers --------------------------------------------------------------- */

static void stop(struct crc *crc)
{
	struct reader *reader = crc->reader;

	if (!wl_list_empty(&crc->wait.link))
		hf_vblank_wait_remove(&crc->wait);
	wl_list_remove(&crc->watch.link);
	put_picture(crc->crcs->dev->composer, crc->old);
	crc->old = NULL;
	crc->pending = 0;
	crc->reader = NULL;
	reader->crc = NULL;
	hf_endpoint_close(&crc->crcs->dev->sys->endpoints, &reader->endpoint);
	if (!reader->jobs)
		free(reader);
}

static void hung_up(struct hf_endpoint *endpoint)
{
	struct reader *reader = wl_container_of(endpoint, reader, endpoint);

	stop(reader->crc);
}

static int create_reader(struct crc *crc, int *client)
{
	struct hf_device *dev = crc->crcs->dev;
	struct reader *reader = calloc(1, sizeof(*reader));
	char name[96];
	int ret;

	if (!reader)
		return -ENOMEM;
	reader->crc = crc;
	snprintf(name, sizeof(name), "holdfast-%s/debugfs/%llu/%d/crtc-%u/crc/data",
		 dev->sys->instance,
		 (unsigned long long)dev->sys->endpoints.last_id + 1,
		 dev->primary_minor, crc->crtc->index);
	ret = hf_endpoint_open(&dev->sys->endpoints, &reader->endpoint, name,
			       hung_up, client);
	if (ret) {
		free(reader);
		return ret;
	}
	crc->reader = reader;
	return 0;
}

int hf_crc_open(struct hf_crcs *crcs, unsigned int index, int *client)
{
	struct crc *crc = &crcs->crcs[index];
	int ret;

	if (!crc->crtc->state->active)
		return -EIO;
	if (crc->reader)
		return -EBUSY;
	ret = hf_composer_start(crcs->dev->composer);
	if (!ret)
		ret = create_reader(crc, client);
	if (ret)
		return ret;
	wl_list_insert(&crc->crtc->kms->watches, &crc->watch.link);
	crc->next = hf_vblank_count(crc->crtc, NULL) + 1;
	wait_for_next(crc);
	return 0;
}

int hf_crc_set_source(struct hf_crcs *crcs, unsigned int index,
		      const char *text)
{
	size_t size = strlen(source);

	if (strlen(text) > MAX_SOURCE)
		return -E2BIG;
	/* One newline is nothing. */
	if (strncmp(text, source, size) ||
	    (text[size] && strcmp(text + size, "\n")))
		return -EINVAL;
	return crcs->crcs[index].reader ? -EBUSY : 0;
}

void hf_crc_print_sources(FILE *out)
{
	fprintf(out, "%s*\n", source);
}

struct hf_crcs *hf_crcs_create(struct hf_device *dev)
{
	struct hf_crcs *crcs = calloc(1, sizeof(*crcs));

	if (!crcs)
		return NULL;
	crcs->dev = dev;
	for (unsigned int i = 0; i < dev->kms.num_crtcs; i++) {
		struct crc *crc = &crcs->crcs[i];

		crc->crcs = crcs;
		crc->crtc = dev->kms.crtcs[i];
		crc->watch.begins = commit_begins;
		crc->watch.shown = shown;
		crc->wait.last = true;
		crc->wait.done = vblank_came;
		wl_list_init(&crc->wait.link);
	}
	return crcs;
}

void hf_crcs_destroy(struct hf_crcs *crcs)
{
	if (!crcs)
		return;
	for (unsigned int i = 0; i < crcs->dev->kms.num_crtcs; i++)
		if (crcs->crcs[i].reader)
			stop(&crcs->crcs[i]);
	free(crcs);
}
