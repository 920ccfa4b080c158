/* SPDX-License-Identifier: MIT */
/*
 * Screenshots: what a CRTC's planes show, composed with pixman.
 *
 * The planes' state is copied with the lock held, with a mapping of each object
 * for the display; the pixels are read without it, so a client that draws or
 * flips meanwhile is not held up. They are read as the display does: through its
 * IOMMU, if it has one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/soft/compose.h"
#include "drivers/soft/png.h"
#include "server/server.h"

struct layer {
	struct hf_compose_plane plane;
	struct {
		struct hf_gem_mapping *mapping;
		void *copy;
	} memory[3];
	uint32_t offsets[3];
};

struct hf_picture {
	struct hf_device *dev;
	struct hf_dma_port port;
	uint32_t width, height;
	struct layer layers[HF_CRTC_MAX_PLANES];
	unsigned int nlayers;
	struct drm_color_lut gamma[HF_KMS_LUT_SIZE];
	size_t gamma_size; /* entries; 0: there is none */
};

/* What is shown is; but a display that is gone shows nothing. */
static bool is_mapped(const struct hf_framebuffer *fb)
{
	for (unsigned int i = 0; i < fb->format->num_planes; i++)
		if (!fb->objects[i]->mapping)
			return false;
	return true;
}

static void add_layer(struct hf_picture *picture,
		      const struct hf_plane_state *state)
{
	const struct hf_framebuffer *fb = state->fb;
	struct layer *layer = &picture->layers[picture->nlayers];
	struct hf_compose_plane *out = &layer->plane;

	if (!is_mapped(fb))
		return;
	picture->nlayers++;
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

static void add_shown(struct hf_picture *picture, const struct hf_crtc *crtc)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	unsigned int n = hf_crtc_planes(crtc, planes);

	for (unsigned int i = 0; i < n; i++)
		add_layer(picture, planes[i]);
}

static void add_held(struct hf_picture *picture, const struct hf_crtc *crtc)
{
	for (unsigned int i = 0; i < HF_CRTC_MAX_PLANES; i++)
		if (crtc->held[i])
			add_layer(picture, crtc->held[i]);
}

static int capture(struct hf_device *dev, unsigned int index,
		   struct hf_picture *picture)
{
	struct hf_kms_device *kms = &dev->kms;
	const struct hf_crtc *crtc;
	const struct hf_blob *gamma;

	if (index >= kms->num_crtcs)
		return -ENOENT;
	crtc = kms->crtcs[index];
	picture->width = crtc->last_width;
	picture->height = crtc->last_height;
	if (!picture->width)
		return -ENODATA;
	gamma = crtc->state->gamma;
	add_shown(picture, crtc);
	if (!picture->nlayers && crtc->held_state) {
		gamma = crtc->held_state->gamma;
		add_held(picture, crtc);
	}
	if (gamma) {
		memcpy(picture->gamma, gamma->data, gamma->length);
		picture->gamma_size = gamma->length / sizeof(*picture->gamma);
	}
	return 0;
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

static int read_layers(struct hf_picture *picture)
{
	for (unsigned int l = 0; l < picture->nlayers; l++) {
		struct layer *layer = &picture->layers[l];

		for (unsigned int i = 0; i < 3; i++) {
			char *data;

			if (!layer->memory[i].mapping)
				continue;
			data = read_memory(&picture->port,
					   &layer->memory[i].mapping->table,
					   &layer->memory[i].copy);
			if (!data)
				return -errno;
			layer->plane.data[i] = data + layer->offsets[i];
		}
	}
	return 0;
}

void hf_picture_destroy(struct hf_picture *picture)
{
	if (!picture)
		return;
	pthread_mutex_lock(&picture->dev->sys->lock);
	for (unsigned int l = 0; l < picture->nlayers; l++)
		for (unsigned int i = 0; i < 3; i++)
			hf_gem_unmap(picture->layers[l].memory[i].mapping);
	pthread_mutex_unlock(&picture->dev->sys->lock);
	for (unsigned int l = 0; l < picture->nlayers; l++)
		for (unsigned int i = 0; i < 3; i++)
			free(picture->layers[l].memory[i].copy);
	free(picture);
}

static int compose(const struct hf_picture *picture, int fd)
{
	struct hf_compose_plane planes[HF_CRTC_MAX_PLANES];
	uint32_t stride = picture->width * 4;
	void *pixels = malloc((size_t)stride * picture->height);
	int ret;

	if (!pixels)
		return -ENOMEM;
	for (unsigned int i = 0; i < picture->nlayers; i++)
		planes[i] = picture->layers[i].plane;
	ret = hf_compose(pixels, picture->width, picture->height, stride,
			 planes, picture->nlayers,
			 picture->gamma_size ? picture->gamma : NULL,
			 picture->gamma_size);
	if (!ret)
		ret = hf_png_write(fd, pixels, picture->width, picture->height,
				   stride);
	free(pixels);
	return ret;
}

int hf_picture_capture(struct hf_device *dev, unsigned int crtc,
		       struct hf_picture **picture)
{
	int ret;

	*picture = calloc(1, sizeof(**picture));
	if (!*picture)
		return -ENOMEM;
	(*picture)->dev = dev;
	(*picture)->port.dev = &dev->dma;
	pthread_mutex_lock(&dev->sys->lock);
	ret = capture(dev, crtc, *picture);
	pthread_mutex_unlock(&dev->sys->lock);
	if (ret) {
		hf_picture_destroy(*picture);
		*picture = NULL;
	}
	return ret;
}

int hf_picture_write(struct hf_picture *picture, int fd)
{
	int ret = read_layers(picture);

	return ret ? ret : compose(picture, fd);
}
