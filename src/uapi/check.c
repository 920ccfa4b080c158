/* SPDX-License-Identifier: MIT */
/*
 * Checkers. See the header.
 *
 * Whether a framebuffer was written to while it was scanned out is found by
 * comparison: a copy of its visible lines is taken when it is shown, and compared when
 * the next one is, before any event of that is sent, for from then on it may be drawn
 * into. That holds the lock for some milliseconds a frame.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "sync/resv.h"
#include "uapi/check.h"
#include "uapi/problem.h"

/* How often what is shown is looked at. */
#define LOOK_NS (HF_NSEC_PER_SEC / 5)
/* Lines about what a file leaves behind; the rest is counted. */
#define MAX_LEAKS 8

/**
 * struct shown - What a plane shows.
 * @fb: with a reference; NULL: nothing that can be looked at
 * @memory: of its objects, mapped; likewise @size, bytes
 * @copy: its visible lines, one after the other
 * @dirty: a client drew on it, and said so
 */
struct shown {
	struct hf_framebuffer *fb;
	void *memory[3];
	size_t size[3];
	uint8_t *copy;
	bool dirty;
};

struct hf_check {
	struct hf_device *dev;
	struct hf_kms_watch watch;
	struct hf_timer timer;
	struct shown shown[HF_KMS_MAX_PLANES];
};

static struct hf_problems *problems_of(const struct hf_device *dev)
{
	return dev->sys->problems;
}

/* The device has said where; how many there are counts as one problem. */
static void say_missed_syncs(struct hf_device *dev)
{
	uint64_t missed = atomic_load(&dev->dma.missed_syncs);

	if (missed == dev->missed_syncs_said)
		return;
	hf_problem(problems_of(dev), 0, "",
		   "%lu accesses without a sync: the lines before have the objects",
		   missed - dev->missed_syncs_said);
	dev->missed_syncs_said = missed;
}

static const struct hf_owner *owner_of(const struct hf_framebuffer *fb)
{
	return hf_gem_object_owner(fb->objects[0]);
}

/* -- what is written while it is shown ------------------------------------------- */

/* Rectangle of what differs, in samples of a plane of the framebuffer. */
struct difference {
	uint32_t x1, y1, x2, y2;
};

static size_t line_bytes(const struct hf_framebuffer *fb, unsigned int plane)
{
	return hf_format_min_pitch(fb->format, fb->width, plane);
}

static uint32_t lines(const struct hf_framebuffer *fb, unsigned int plane)
{
	return hf_format_plane_height(fb->format, fb->height, plane);
}

static const uint8_t *line_at(const struct shown *shown, unsigned int plane,
			      uint32_t y)
{
	return (const uint8_t *)shown->memory[plane] +
	       shown->fb->offsets[plane] +
	       (size_t)y * shown->fb->pitches[plane];
}

static void forget(struct shown *shown)
{
	for (unsigned int i = 0; i < 3; i++) {
		if (shown->memory[i])
			munmap(shown->memory[i], shown->size[i]);
		shown->memory[i] = NULL;
	}
	free(shown->copy);
	hf_framebuffer_put(shown->fb);
	*shown = (struct shown){ 0 };
}

/* The CPU's view: that is what the client writes to. User pages have none. */
static int map_plane(struct shown *shown, unsigned int plane)
{
	const struct hf_backing *backing =
		shown->fb->objects[plane]->backing;
	void *memory;

	if (!backing)
		return -ENODATA;
	memory = mmap(NULL, backing->size, PROT_READ, MAP_SHARED, backing->fd,
		      0);
	if (memory == MAP_FAILED)
		return -errno;
	shown->memory[plane] = memory;
	shown->size[plane] = backing->size;
	return 0;
}

static void copy_lines(struct shown *shown)
{
	uint8_t *at = shown->copy;

	for (unsigned int p = 0; p < shown->fb->format->num_planes; p++) {
		size_t bytes = line_bytes(shown->fb, p);

		for (uint32_t y = 0; y < lines(shown->fb, p); y++) {
			memcpy(at, line_at(shown, p, y), bytes);
			at += bytes;
		}
	}
	shown->dirty = false;
}

static void remember(struct shown *shown, struct hf_framebuffer *fb)
{
	size_t size = 0;
	int ret = 0;

	shown->fb = hf_framebuffer_get(fb);
	for (unsigned int p = 0; !ret && p < fb->format->num_planes; p++) {
		size += line_bytes(fb, p) * lines(fb, p);
		ret = map_plane(shown, p);
	}
	shown->copy = ret ? NULL : malloc(size);
	if (shown->copy)
		copy_lines(shown);
	else
		forget(shown);
}

static void widen(struct difference *difference, const uint8_t *a,
		  const uint8_t *b, size_t bytes, unsigned int cpp, uint32_t y)
{
	size_t first = 0, end = bytes;

	while (first < end && a[first] == b[first])
		first++;
	while (end > first && a[end - 1] == b[end - 1])
		end--;
	/* It may be written to right now. */
	if (first == end)
		return;
	if (difference->x2 == 0 || first / cpp < difference->x1)
		difference->x1 = first / cpp;
	if ((end + cpp - 1) / cpp > difference->x2)
		difference->x2 = (end + cpp - 1) / cpp;
	if (difference->y2 == 0)
		difference->y1 = y;
	difference->y2 = y + 1;
}

/* Return: false where it is as it was. */
static bool compare(const struct shown *shown, struct difference *difference)
{
	const struct hf_framebuffer *fb = shown->fb;
	const uint8_t *at = shown->copy;

	*difference = (struct difference){ 0 };
	for (unsigned int p = 0; p < fb->format->num_planes; p++) {
		size_t bytes = line_bytes(fb, p);

		for (uint32_t y = 0; y < lines(fb, p); y++, at += bytes)
			if (memcmp(at, line_at(shown, p, y), bytes))
				widen(difference, at, line_at(shown, p, y),
				      bytes, fb->format->cpp[p], y);
		if (difference->y2)
			return true;
	}
	return false;
}

static void look(struct hf_check *check, struct shown *shown)
{
	const struct hf_framebuffer *fb = shown->fb;
	struct difference d;

	if (!fb || shown->dirty || !compare(shown, &d))
		return;
	hf_problem(problems_of(check->dev), owner_of(fb)->pid, NULL,
		   "framebuffer %u of object %u: written while it is scanned out: "
		   "%ux%u pixels at %u,%u",
		   fb->base.id, owner_of(fb)->object, d.x2 - d.x1, d.y2 - d.y1,
		   d.x1, d.y1);
	copy_lines(shown);
}

static void arm(struct hf_check *check)
{
	struct hf_clock *clock = check->dev->sys->real_clock;

	if (!check->timer.armed)
		hf_timer_arm(clock, &check->timer,
			     hf_clock_now(clock) + LOOK_NS);
}

static void look_at_all(struct hf_timer *timer)
{
	struct hf_check *check = wl_container_of(timer, check, timer);
	bool more = false;

	for (unsigned int i = 0; i < check->dev->kms.num_planes; i++) {
		look(check, &check->shown[i]);
		more |= check->shown[i].fb != NULL;
	}
	say_missed_syncs(check->dev);
	if (more)
		arm(check);
}

/* Does a job write to it still? */
static bool is_written(const struct hf_framebuffer *fb)
{
	bool written = false;

	for (unsigned int i = 0; !written && i < fb->format->num_planes; i++) {
		const struct hf_backing *backing = fb->objects[i]->backing;
		struct hf_fence *fence = NULL;

		if (!backing || hf_resv_fence(backing, false, &fence) || !fence)
			continue;
		written = !fence->signaled;
		hf_fence_put(fence);
	}
	return written;
}

/* What is shown from here on: the commit has waited for those that it was told of. */
static void look_for_jobs(struct hf_check *check,
			  const struct hf_framebuffer *fb)
{
	if (is_written(fb))
		hf_problem(problems_of(check->dev), owner_of(fb)->pid, NULL,
			   "framebuffer %u of object %u: shown, and so read, "
			   "before a job that writes to it is done",
			   fb->base.id, owner_of(fb)->object);
}

/*
 * A plane shows something else, or the same that was said to be drawn on. Cursors are
 * not looked at: everybody draws on those that are shown.
 */
static void plane_shows(struct hf_check *check, const struct hf_plane *plane)
{
	struct shown *shown = &check->shown[plane->index];
	struct hf_framebuffer *fb = plane->state->crtc &&
						    plane->state->crtc->state->active ?
					    plane->state->fb :
					    NULL;

	if (plane->type == HF_PLANE_CURSOR)
		return;
	if (shown->fb == fb && !shown->dirty)
		return;
	look(check, shown);
	if (shown->fb != fb && fb)
		look_for_jobs(check, fb);
	forget(shown);
	if (!fb)
		return;
	remember(shown, fb);
	arm(check);
}

static void crtc_shows(struct hf_kms_watch *watch, struct hf_crtc *crtc,
		       uint64_t ns)
{
	struct hf_check *check = wl_container_of(watch, check, watch);

	(void)ns;
	for (unsigned int i = 0; i < crtc->kms->num_planes; i++)
		if (crtc->kms->planes[i]->possible_crtcs & 1u << crtc->index)
			plane_shows(check, crtc->kms->planes[i]);
}

/* It is in a commit again: the client says that it has changed. */
static void commit_begins(struct hf_kms_watch *watch,
			  const struct hf_atomic_state *state)
{
	struct hf_check *check = wl_container_of(watch, check, watch);

	for (unsigned int i = 0; i < state->kms->num_planes; i++)
		if (state->planes[i] && check->shown[i].fb &&
		    state->planes[i]->fb == check->shown[i].fb)
			check->shown[i].dirty = true;
}

struct hf_check *hf_check_create(struct hf_device *dev)
{
	struct hf_check *check = calloc(1, sizeof(*check));

	if (!check)
		return NULL;
	check->dev = dev;
	check->timer.fn = look_at_all;
	check->watch.shown = crtc_shows;
	check->watch.begins = commit_begins;
	wl_list_insert(&dev->kms.watches, &check->watch.link);
	return check;
}

void hf_check_destroy(struct hf_check *check)
{
	if (!check)
		return;
	hf_timer_disarm(check->dev->sys->real_clock, &check->timer);
	wl_list_remove(&check->watch.link);
	for (unsigned int i = 0; i < HF_KMS_MAX_PLANES; i++)
		forget(&check->shown[i]);
	free(check);
}

void hf_check_dirty(struct hf_device *dev, const struct hf_framebuffer *fb)
{
	if (!dev->check)
		return;
	for (unsigned int i = 0; i < dev->kms.num_planes; i++)
		if (dev->check->shown[i].fb == fb)
			copy_lines(&dev->check->shown[i]);
}

/* -- what clients ask for -------------------------------------------------------- */

void hf_check_rmfb(const struct hf_call *call, const struct hf_framebuffer *fb)
{
	const struct hf_kms_device *kms = fb->kms;

	if (!call->sys->problems)
		return;
	for (unsigned int i = 0; i < kms->num_planes; i++) {
		const struct hf_plane_state *plane = kms->planes[i]->state;

		if (plane->fb != fb || !plane->crtc)
			continue;
		hf_problem(call->sys->problems, call->cred.pid, NULL,
			   "framebuffer %u of object %u: removed while plane %u "
			   "shows it on CRTC %u",
			   fb->base.id, owner_of(fb)->object,
			   kms->planes[i]->base.id, plane->crtc->base.id);
		return;
	}
}

static bool uses(const struct hf_framebuffer *fb,
		 const struct hf_backing *backing)
{
	for (unsigned int i = 0; i < fb->format->num_planes; i++)
		if (fb->objects[i]->backing == backing)
			return true;
	return false;
}

/* On some device: the memory may be shared. A CRTC that is about to show something else
 * is left alone, for the job may come after that. */
static const struct hf_framebuffer *
find_shown(const struct hf_system *sys, const struct hf_backing *backing)
{
	const struct hf_device *dev;

	wl_list_for_each(dev, &sys->devices, link)
		for (unsigned int i = 0; i < dev->kms.num_planes; i++) {
			const struct hf_plane_state *plane =
				dev->kms.planes[i]->state;

			if (plane->fb && plane->crtc &&
			    plane->crtc->state->active &&
			    !plane->crtc->commit && uses(plane->fb, backing))
				return plane->fb;
		}
	return NULL;
}

void hf_check_write(const struct hf_call *call,
		    const struct hf_gem_object *object)
{
	const struct hf_framebuffer *fb;

	if (!call->sys->problems || !object->backing)
		return;
	fb = find_shown(call->sys, object->backing);
	if (fb)
		hf_problem(call->sys->problems, call->cred.pid, NULL,
			   "framebuffer %u of object %u: a job writes to it while "
			   "it is scanned out",
			   fb->base.id, hf_gem_object_owner(object)->object);
}

/* -- what is left ---------------------------------------------------------------- */

static unsigned int leaked_objects(struct hf_file *file,
				   struct hf_problems *problems)
{
	unsigned int n = 0;

	for (uint32_t id = 1; hf_idr_next(&file->gem.handles, &id); id++) {
		const struct hf_gem_ref *ref =
			hf_idr_find(&file->gem.handles, id);

		if (n++ < MAX_LEAKS)
			hf_problem(problems, file->cred.pid, file->program,
				   "object %u of %zu bytes, handle %u: not closed "
				   "before its file was",
				   hf_gem_object_owner(ref->object)->object,
				   ref->object->size, id);
	}
	return n;
}

static unsigned int leaked_framebuffers(struct hf_file *file,
					struct hf_problems *problems)
{
	const struct hf_framebuffer *fb;
	unsigned int n = 0;

	wl_list_for_each(fb, &file->kms.fbs, file_link)
		if (n++ < MAX_LEAKS)
			hf_problem(problems, file->cred.pid, file->program,
				   "framebuffer %u of object %u: not removed before "
				   "its file was closed",
				   fb->base.id, owner_of(fb)->object);
	return n;
}

static void say_more(struct hf_file *file, struct hf_problems *problems,
		     unsigned int n, const char *what)
{
	if (n > MAX_LEAKS)
		hf_problem(problems, file->cred.pid, file->program,
			   "%u more %s like that", n - MAX_LEAKS, what);
}

void hf_check_leaks(struct hf_file *file)
{
	struct hf_problems *problems = problems_of(file->dev);

	if (!problems)
		return;
	say_missed_syncs(file->dev);
	/* From a device that is gone nothing can be taken away any more. */
	if (file->dev->unplugged)
		return;
	say_more(file, problems, leaked_framebuffers(file, problems),
		 "framebuffers");
	say_more(file, problems, leaked_objects(file, problems), "objects");
}
