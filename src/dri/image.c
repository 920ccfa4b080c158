/* SPDX-License-Identifier: MIT */
/*
 * Images: what the renderer makes and takes is linear, and here it says so.
 *
 * The renderer knows of no modifiers, so compositors and clients would have to guess how
 * a buffer is laid out. It takes an image with more than one plane for one with the
 * first, where a display needs to know all. And it knows handles of the primary
 * node only, while a program that has the render node wants one that is valid there. What
 * has to be known for that of an image is its note. Notes are a list with a lock; the table
 * is filled once, under the lock of the caller, and never changes after that.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <drm_fourcc.h>
#include <xf86drm.h>

#include "dri/dri.h"

static __DRIimageExtension real, image;

/*
 * @planes: of an image with more than one, each as an image of one line
 * @offset: of the only plane, which the renderer does not know either
 * @render_fd: of the node that handles are for, or -1: the renderer knows them
 * @handle: there, or 0 as long as nobody has asked
 */
struct note {
	__DRIimage *image;
	__DRIimage *planes[4];
	unsigned int num_planes;
	int offset;
	int render_fd;
	uint32_t handle;
	struct note *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct note *notes;

static void destroy(__DRIimage *img);

/* -- notes ----------------------------------------------------------------------- */

/* Called with the lock held. */
static struct note **find_note(const __DRIimage *img)
{
	struct note **at = &notes;

	while (*at && (*at)->image != img)
		at = &(*at)->next;
	return at;
}

/* Return: @img, or NULL where there is no memory; then there is no image either. */
static __DRIimage *add_note(__DRIimage *img, const struct note *content)
{
	struct note *note = img ? malloc(sizeof(*note)) : NULL;

	if (!note) {
		for (unsigned int i = 0; i < content->num_planes; i++)
			destroy(content->planes[i]);
		if (img)
			real.destroyImage(img);
		return NULL;
	}
	*note = *content;
	note->image = img;
	pthread_mutex_lock(&lock);
	note->next = notes;
	notes = note;
	pthread_mutex_unlock(&lock);
	return img;
}

/* A new image of the renderer's, for a screen of ours. */
static __DRIimage *note_node(__DRIimage *img, __DRIscreen *screen)
{
	struct note note = { .render_fd = hf_dri_screen_render_fd(screen) };

	return note.render_fd < 0 ? img : add_note(img, &note);
}

/* One more image of the same memory. */
static __DRIimage *note_copy(__DRIimage *copy, const __DRIimage *img)
{
	struct note note;
	const struct note *old;

	pthread_mutex_lock(&lock);
	old = *find_note(img);
	if (old)
		note = *old;
	pthread_mutex_unlock(&lock);
	if (!old)
		return copy;
	note.num_planes = 0; /* these are of the image itself */
	return add_note(copy, &note);
}

/* Called with the lock held. */
static bool handle_is_used(int render_fd, uint32_t handle)
{
	for (struct note *note = notes; note; note = note->next)
		if (note->render_fd == render_fd && note->handle == handle)
			return true;
	return false;
}

static void destroy(__DRIimage *img)
{
	struct note **at, *note;

	pthread_mutex_lock(&lock);
	at = find_note(img);
	note = *at;
	if (note) {
		*at = note->next;
		if (note->handle &&
		    !handle_is_used(note->render_fd, note->handle))
			drmCloseBufferHandle(note->render_fd, note->handle);
	}
	pthread_mutex_unlock(&lock);
	for (unsigned int i = 0; note && i < note->num_planes; i++)
		destroy(note->planes[i]);
	free(note);
	real.destroyImage(img);
}

/* -- queries ----------------------------------------------------------------------- */

/* The handle on the render node. Called with the lock held. */
static bool render_handle(struct note *note, int *value)
{
	int fd;

	if (!note->handle) {
		if (!real.queryImage(note->image, __DRI_IMAGE_ATTRIB_FD, &fd))
			return false;
		if (drmPrimeFDToHandle(note->render_fd, fd, &note->handle))
			note->handle = 0;
		close(fd);
	}
	*value = note->handle;
	return note->handle;
}

/* Return: whether the note answers it. */
static bool query_note(const __DRIimage *img, int attribute, int *value,
		       unsigned char *ret)
{
	struct note *note;
	bool answered = true;

	pthread_mutex_lock(&lock);
	note = *find_note(img);
	*ret = 1;
	if (note && note->num_planes &&
	    attribute == __DRI_IMAGE_ATTRIB_NUM_PLANES)
		*value = note->num_planes;
	else if (note && attribute == __DRI_IMAGE_ATTRIB_OFFSET)
		*value = note->offset;
	else if (note && note->render_fd >= 0 &&
		 attribute == __DRI_IMAGE_ATTRIB_HANDLE)
		*ret = render_handle(note, value);
	else
		answered = false;
	pthread_mutex_unlock(&lock);
	return answered;
}

static unsigned char query(__DRIimage *img, int attribute, int *value)
{
	unsigned char ret;

	if (query_note(img, attribute, value, &ret))
		return ret;
	switch (attribute) {
	case __DRI_IMAGE_ATTRIB_MODIFIER_LOWER:
		*value = (int)(uint32_t)DRM_FORMAT_MOD_LINEAR;
		return 1;
	case __DRI_IMAGE_ATTRIB_MODIFIER_UPPER:
		*value = (int)(uint32_t)(DRM_FORMAT_MOD_LINEAR >> 32);
		return 1;
	default:
		return real.queryImage(img, attribute, value);
	}
}

static __DRIimage *from_planar(__DRIimage *img, int plane, void *loader)
{
	__DRIimage *one = NULL;
	const struct note *note;

	pthread_mutex_lock(&lock);
	note = *find_note(img);
	if (note && plane >= 0 && (unsigned int)plane < note->num_planes)
		one = note->planes[plane];
	pthread_mutex_unlock(&lock);
	if (one)
		return note_copy(real.dupImage(one, loader), one);
	return note_copy(real.fromPlanar(img, plane, loader), img);
}

static __DRIimage *duplicate(__DRIimage *img, void *loader)
{
	return note_copy(real.dupImage(img, loader), img);
}

/* -- making images ------------------------------------------------------------------ */

/* May it be linear? */
static bool acceptable(const uint64_t *modifiers, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		if (modifiers[i] == DRM_FORMAT_MOD_LINEAR ||
		    modifiers[i] == DRM_FORMAT_MOD_INVALID)
			return true;
	return !count;
}

static __DRIimage *create_for_use(__DRIscreen *screen, int width, int height,
				  int format, const uint64_t *modifiers,
				  const unsigned int count, unsigned int use,
				  void *loader)
{
	if (!acceptable(modifiers, count))
		return NULL;
	return note_node(real.createImage(screen, width, height, format, use,
					  loader),
			 screen);
}

static __DRIimage *create_plain(__DRIscreen *screen, int width, int height,
				int format, unsigned int use, void *loader)
{
	return create_for_use(screen, width, height, format, NULL, 0, use,
			      loader);
}

static __DRIimage *create(__DRIscreen *screen, int width, int height,
			  int format, const uint64_t *modifiers,
			  const unsigned int count, void *loader)
{
	return create_for_use(screen, width, height, format, modifiers, count,
			      __DRI_IMAGE_USE_SHARE, loader);
}

static __DRIimage *import(__DRIscreen *screen, int width, int height,
			  int fourcc, uint64_t modifier, int *fds, int num_fds,
			  int *strides, int *offsets,
			  enum __DRIYUVColorSpace space,
			  enum __DRISampleRange range,
			  enum __DRIChromaSiting horizontal,
			  enum __DRIChromaSiting vertical, unsigned int *error,
			  void *loader)
{
	__DRIimage *img = real.createImageFromDmaBufs2(
		screen, width, height, fourcc, modifier, fds, num_fds, strides,
		offsets, space, range, horizontal, vertical, error, loader);
	struct note note = { .offset = offsets[0] };

	note.render_fd = hf_dri_screen_render_fd(screen);
	for (int i = 0; img && num_fds > 1 && num_fds <= 4 && i < num_fds; i++) {
		__DRIimage *plane = import(screen, width, 1, DRM_FORMAT_R8,
					   modifier, &fds[i], 1, &strides[i],
					   &offsets[i], space, range,
					   horizontal, vertical, error, loader);

		if (!plane) {
			add_note(NULL, &note);
			real.destroyImage(img);
			return NULL;
		}
		note.planes[note.num_planes++] = plane;
	}
	return add_note(img, &note);
}

/* -- formats ------------------------------------------------------------------------- */

/* Is it one that a shader reads through a sampler of its own kind? */
static bool is_yuv(uint32_t fourcc)
{
	switch (fourcc) {
	case DRM_FORMAT_AYUV:
	case DRM_FORMAT_XYUV8888:
	case DRM_FORMAT_YUYV:
	case DRM_FORMAT_YVYU:
	case DRM_FORMAT_UYVY:
	case DRM_FORMAT_VYUY:
	case DRM_FORMAT_Y210:
	case DRM_FORMAT_Y212:
	case DRM_FORMAT_Y216:
	case DRM_FORMAT_Y410:
	case DRM_FORMAT_Y412:
	case DRM_FORMAT_Y416:
	case DRM_FORMAT_NV12:
	case DRM_FORMAT_NV21:
	case DRM_FORMAT_NV16:
	case DRM_FORMAT_NV61:
	case DRM_FORMAT_P010:
	case DRM_FORMAT_P012:
	case DRM_FORMAT_P016:
	case DRM_FORMAT_YUV410:
	case DRM_FORMAT_YVU410:
	case DRM_FORMAT_YUV411:
	case DRM_FORMAT_YVU411:
	case DRM_FORMAT_YUV420:
	case DRM_FORMAT_YVU420:
	case DRM_FORMAT_YUV422:
	case DRM_FORMAT_YVU422:
	case DRM_FORMAT_YUV444:
	case DRM_FORMAT_YVU444:
		return true;
	default:
		return false;
	}
}

static unsigned char query_modifiers(__DRIscreen *screen, int fourcc, int max,
				     uint64_t *modifiers,
				     unsigned int *external_only, int *count)
{
	int none;

	if (!real.queryDmaBufModifiers(screen, fourcc, 0, NULL, NULL, &none))
		return 0;
	*count = 1;
	if (max > 0 && modifiers)
		modifiers[0] = DRM_FORMAT_MOD_LINEAR;
	if (max > 0 && external_only)
		external_only[0] = is_yuv(fourcc);
	return 1;
}

/* A table of an older version is shorter. */
static size_t size_of(int version)
{
	if (version < 20)
		return offsetof(__DRIimageExtension, createImageFromFds2);
	if (version < 21)
		return offsetof(__DRIimageExtension, setInFenceFd);
	return sizeof(__DRIimageExtension);
}

const __DRIextension *hf_dri_image(const __DRIextension *extension)
{
	const __DRIimageExtension *renderer = (const void *)extension;

	if (image.base.name)
		return &image.base;
	/* Less would not have the entries that are replaced. */
	if (extension->version < 19 || !renderer->queryDmaBufModifiers)
		return extension;
	memcpy(&real, renderer, size_of(extension->version));
	image = real;
	if (image.base.version > 21)
		image.base.version = 21;
	image.destroyImage = destroy;
	image.createImage = create_plain;
	image.queryImage = query;
	image.dupImage = duplicate;
	image.fromPlanar = from_planar;
	image.createImageFromDmaBufs2 = import;
	image.createImageWithModifiers = create;
	image.createImageWithModifiers2 = create_for_use;
	image.queryDmaBufModifiers = query_modifiers;
	return &image.base;
}
