/* SPDX-License-Identifier: MIT */
/*
 * Frames. See the header.
 *
 * The states of the planes are copied with the lock held, with a mapping of each
 * object for the display; the pixels are read without it, so a client that draws or
 * flips meanwhile is not held up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/soft/frame.h"

struct layer {
	struct hf_compose_plane plane;
	struct {
		struct hf_gem_mapping *mapping;
		void *copy;
	} memory[3];
	uint32_t offsets[3];
};

struct hf_frame {
	struct hf_device *dev;
	uint32_t width, height;
	struct hf_blob *gamma;
	bool read; /* the layers' data is set */
	unsigned int nlayers;
	struct layer layers[HF_KMS_MAX_PLANES];
};

/* What is shown is; but a display that is gone shows nothing. */
static bool is_mapped(const struct hf_framebuffer *fb)
{
	for (unsigned int i = 0; i < fb->format->num_planes; i++)
		if (!fb->objects[i]->mapping)
			return false;
	return true;
}

static void add_layer(struct hf_frame *frame,
		      const struct hf_plane_state *state)
{
	const struct hf_framebuffer *fb = state->fb;
	struct layer *layer = &frame->layers[frame->nlayers];
	struct hf_compose_plane *out = &layer->plane;

	if (!is_mapped(fb))
		return;
	frame->nlayers++;
	out->format = fb->format;
	out->width = fb->width;
	out->height = fb->height;
	out->src_x = state->src_x;
	out->src_y = state->src_y;
	out->src_w = state->src_w;
	out->src_h = state->src_h;
	out->dst_x = state->crtc_x;
	out->dst_y = state->crtc_y;
	out->dst_w = state->crtc_w;
	out->dst_h = state->crtc_h;
	out->alpha = state->alpha;
	out->blend = state->blend;
	out->rotation = state->rotation;
	out->bt709 = state->encoding;
	out->full_range = state->range;
	for (unsigned int i = 0; i < fb->format->num_planes; i++) {
		out->pitch[i] = fb->pitches[i];
		layer->offsets[i] = fb->offsets[i];
		layer->memory[i].mapping =
			hf_gem_mapping_get(fb->objects[i]->mapping);
	}
}

/* What the CRTC shows now, in the order of zpos, which is that of creation. */
static void add_shown(struct hf_frame *frame, const struct hf_crtc *crtc)
{
	const struct hf_kms_device *kms = crtc->kms;

	if (!crtc->state->active)
		return;
	for (unsigned int i = 0; i < kms->num_planes; i++)
		if (kms->planes[i]->state->crtc == crtc &&
		    kms->planes[i]->state->fb)
			add_layer(frame, kms->planes[i]->state);
	hf_blob_replace(&frame->gamma, crtc->state->gamma);
}

static void add_held(struct hf_frame *frame, const struct hf_crtc *crtc)
{
	for (unsigned int i = 0; i < 3; i++)
		if (crtc->held[i])
			add_layer(frame, crtc->held[i]);
	hf_blob_replace(&frame->gamma, crtc->held_gamma);
}

int hf_frame_capture(struct hf_device *dev, struct hf_crtc *crtc,
		     struct hf_frame **out)
{
	struct hf_frame *frame;

	if (!crtc->last_width)
		return -ENODATA;
	frame = calloc(1, sizeof(*frame));
	if (!frame)
		return -ENOMEM;
	frame->dev = dev;
	frame->width = crtc->last_width;
	frame->height = crtc->last_height;
	add_shown(frame, crtc);
	*out = frame;
	return 0;
}

int hf_frame_capture_last(struct hf_device *dev, struct hf_crtc *crtc,
			  struct hf_frame **out)
{
	int ret = hf_frame_capture(dev, crtc, out);

	if (!ret && !(*out)->nlayers && crtc->held[0])
		add_held(*out, crtc);
	return ret;
}

void hf_frame_size(const struct hf_frame *frame, uint32_t *width,
		   uint32_t *height)
{
	*width = frame->width;
	*height = frame->height;
}

/*
 * A table's memory as the display sees it: all in one piece if it is so in the
 * server, as an object's pages are however scattered they are on the bus; else
 * a copy. NULL and errno: no memory, or a fault.
 */
static void *read_memory(struct hf_dma_port *port,
			 const struct hf_sg_table *table, void **copy)
{
	size_t size = hf_sg_table_size(table), done = 0;
	char *start = NULL;

	for (size_t i = 0; i < table->nents; i++) {
		const struct hf_sg *sg = &table->sgl[i];
		size_t length;

		for (size_t at = 0; at < sg->dma_length; at += length) {
			char *page = hf_dma_access(port, sg->dma + at, false,
						   &length);

			if (!page) {
				errno = EFAULT;
				return NULL;
			}
			if (!start)
				start = page;
			if (!*copy && page != start + done) {
				*copy = malloc(size);
				if (!*copy)
					return NULL;
				memcpy(*copy, start, done);
			}
			if (*copy)
				memcpy((char *)*copy + done, page, length);
			done += length;
		}
	}
	return *copy ? *copy : start;
}

static int read_layer(struct hf_dma_port *port, struct layer *layer)
{
	for (unsigned int i = 0; i < 3; i++) {
		char *data;

		if (!layer->memory[i].mapping)
			continue;
		data = read_memory(port, &layer->memory[i].mapping->table,
				   &layer->memory[i].copy);
		if (!data)
			return -errno;
		layer->plane.data[i] = data + layer->offsets[i];
	}
	return 0;
}

static int read_layers(struct hf_frame *frame)
{
	struct hf_dma_port *port;
	int ret = 0;

	if (frame->read)
		return 0;
	port = hf_dma_port_create(&frame->dev->dma);
	if (!port)
		return -ENOMEM;
	for (unsigned int l = 0; !ret && l < frame->nlayers; l++)
		ret = read_layer(port, &frame->layers[l]);
	hf_dma_port_destroy(port);
	frame->read = !ret;
	return ret;
}

/* The layers as hf_compose() takes them, and what the CRTC does to them. */
struct picture {
	struct hf_compose_plane planes[HF_KMS_MAX_PLANES];
	struct hf_compose_crtc crtc;
};

static int prepare(struct hf_frame *frame, struct picture *picture)
{
	int ret = read_layers(frame);

	if (ret)
		return ret;
	memset(&picture->crtc, 0, sizeof(picture->crtc));
	if (frame->gamma) {
		picture->crtc.gamma = (const void *)frame->gamma->data;
		picture->crtc.gamma_size =
			frame->gamma->length / sizeof(*picture->crtc.gamma);
	}
	for (unsigned int i = 0; i < frame->nlayers; i++)
		picture->planes[i] = frame->layers[i].plane;
	return 0;
}

int hf_frame_compose(struct hf_frame *frame,
		     const struct hf_compose_target *target)
{
	struct picture picture;
	int ret = prepare(frame, &picture);

	if (!ret && (target->width != frame->width ||
		     target->height != frame->height))
		ret = -EINVAL;
	return ret ? ret :
		     hf_compose(target, &picture.crtc, picture.planes,
				frame->nlayers);
}

int hf_frame_crc(struct hf_frame *frame, uint32_t *crc)
{
	struct picture picture;
	int ret = prepare(frame, &picture);

	return ret ? ret :
		     hf_compose_crc(frame->width, frame->height, &picture.crtc,
				    picture.planes, frame->nlayers, crc);
}

void hf_frame_destroy(struct hf_frame *frame)
{
	pthread_mutex_t *lock;

	if (!frame)
		return;
	lock = &frame->dev->sys->lock;
	pthread_mutex_lock(lock);
	for (unsigned int l = 0; l < frame->nlayers; l++)
		for (unsigned int i = 0; i < 3; i++)
			hf_gem_unmap(frame->layers[l].memory[i].mapping);
	hf_blob_put(frame->gamma);
	pthread_mutex_unlock(lock);
	for (unsigned int l = 0; l < frame->nlayers; l++)
		for (unsigned int i = 0; i < 3; i++)
			free(frame->layers[l].memory[i].copy);
	free(frame);
}
