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
	struct hf_blob *degamma, *ctm, *gamma;
	uint64_t background;
	bool read; /* the layers' data is set */
	unsigned int nlayers;
	struct layer layers[HF_CRTC_MAX_PLANES];
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
	out->encoding = state->encoding;
	out->full_range = state->range;
	out->nearest = state->scaling_filter == HF_FILTER_NEAREST;
	for (unsigned int i = 0; i < fb->format->num_planes; i++) {
		out->pitch[i] = fb->pitches[i];
		layer->offsets[i] = fb->offsets[i];
		layer->memory[i].mapping =
			hf_gem_mapping_get(fb->objects[i]->mapping);
	}
}

static void set_colours(struct hf_frame *frame,
			const struct hf_crtc_state *state)
{
	frame->background = state->background;
	hf_blob_replace(&frame->degamma, state->degamma);
	hf_blob_replace(&frame->ctm, state->ctm);
	hf_blob_replace(&frame->gamma, state->gamma);
}

static void add_shown(struct hf_frame *frame, const struct hf_crtc *crtc)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	unsigned int n = hf_crtc_planes(crtc, planes);

	for (unsigned int i = 0; i < n; i++)
		add_layer(frame, planes[i]);
	if (crtc->state->active)
		set_colours(frame, crtc->state);
}

static void add_held(struct hf_frame *frame, const struct hf_crtc *crtc)
{
	for (unsigned int i = 0; i < HF_CRTC_MAX_PLANES; i++)
		if (crtc->held[i])
			add_layer(frame, crtc->held[i]);
	set_colours(frame, crtc->held_state);
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

	if (!ret && !(*out)->nlayers && crtc->held_state)
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
	struct hf_compose_plane planes[HF_CRTC_MAX_PLANES];
	struct hf_compose_crtc crtc;
};

static void prepare_crtc(const struct hf_frame *frame,
			 struct hf_compose_crtc *crtc)
{
	memset(crtc, 0, sizeof(*crtc));
	for (unsigned int i = 0; i < 3; i++)
		crtc->background[i] = frame->background >> (32 - 16 * i);
	if (frame->degamma) {
		crtc->degamma = (const void *)frame->degamma->data;
		crtc->degamma_size =
			frame->degamma->length / sizeof(*crtc->degamma);
	}
	if (frame->ctm)
		crtc->ctm = (const void *)frame->ctm->data;
	if (frame->gamma) {
		crtc->gamma = (const void *)frame->gamma->data;
		crtc->gamma_size = frame->gamma->length / sizeof(*crtc->gamma);
	}
}

static int prepare(struct hf_frame *frame, struct picture *picture)
{
	int ret = read_layers(frame);

	if (ret)
		return ret;
	prepare_crtc(frame, &picture->crtc);
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
	hf_blob_put(frame->degamma);
	hf_blob_put(frame->ctm);
	hf_blob_put(frame->gamma);
	pthread_mutex_unlock(lock);
	for (unsigned int l = 0; l < frame->nlayers; l++)
		for (unsigned int i = 0; i < 3; i++)
			free(frame->layers[l].memory[i].copy);
	free(frame);
}
