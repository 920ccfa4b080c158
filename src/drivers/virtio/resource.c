/* SPDX-License-Identifier: MIT */
/*
 * Resources of a virtio-gpu: a framebuffer as the device has it, with the pages of
 * the object behind it.
 *
 * Counted. With the last reference the device is told to forget the resource; only
 * when it has, or was reset, the mapping goes, and with it the pages.
 *
 * The lock of the devices protects it all.
 */
#include <drm_fourcc.h>
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "drivers/virtio/gpu_internal.h"

/* DRM names the bits of a little-endian word, virtio the bytes in memory. */
uint32_t hf_gpu_format(uint32_t fourcc)
{
	switch (fourcc) {
	case DRM_FORMAT_XRGB8888:
		return VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
	case DRM_FORMAT_ARGB8888:
		return VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM;
	case DRM_FORMAT_BGRX8888:
		return VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM;
	case DRM_FORMAT_BGRA8888:
		return VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM;
	case DRM_FORMAT_RGBX8888:
		return VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM;
	case DRM_FORMAT_RGBA8888:
		return VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM;
	case DRM_FORMAT_XBGR8888:
		return VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM;
	case DRM_FORMAT_ABGR8888:
		return VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM;
	default:
		return 0;
	}
}

/* The device has forgotten it, or never knew. */
static void resource_free(struct hf_gpu_resource *resource)
{
	struct hf_virtio_gpu *gpu = resource->gpu;

	hf_idr_remove(&gpu->ids, resource->id);
	hf_gpu_command_destroy(resource->unref);
	hf_gem_unmap(resource->mapping);
	gpu->stats.resources--;
	free(resource);
}

static void forgotten(void *data, int error)
{
	struct hf_gpu_resource *resource = data;
	struct hf_virtio_gpu *gpu = resource->gpu;

	/* It would go on reading from there. */
	if (error && resource->accepted)
		hf_gpu_fail(gpu, "it does not give up resource %u",
			    resource->id);
	if (!gpu->lost)
		resource_free(resource);
}

static void release(struct hf_gpu_resource *resource)
{
	struct hf_virtio_gpu *gpu = resource->gpu;
	struct virtio_gpu_resource_unref *request;

	/* Where it is lost, it stays, without references. */
	if (gpu->down) {
		if (!gpu->lost)
			resource_free(resource);
		return;
	}
	request = hf_gpu_command_begin(resource->unref,
				       VIRTIO_GPU_CMD_RESOURCE_UNREF,
				       sizeof(*request));
	request->resource_id = htole32(resource->id);
	hf_gpu_command_send(resource->unref, HF_GPU_CONTROL, NULL, forgotten,
			    resource);
	hf_gpu_kick(gpu);
}

struct hf_gpu_resource *hf_gpu_resource_get(struct hf_gpu_resource *resource)
{
	resource->refcount++;
	return resource;
}

void hf_gpu_resource_put(struct hf_gpu_resource *resource)
{
	if (resource && !--resource->refcount)
		release(resource);
}

void hf_gpu_resource_replace(struct hf_gpu_resource **slot,
			     struct hf_gpu_resource *resource)
{
	struct hf_gpu_resource *old = *slot;

	*slot = resource ? hf_gpu_resource_get(resource) : NULL;
	hf_gpu_resource_put(old);
}

/* -- creation ---------------------------------------------------------------- */

/* The pieces of the object's memory, in memory that the device reads. */
static int list_backing(struct hf_virtio_gpu *gpu,
			const struct hf_sg_table *table,
			struct hf_gpu_memory *memory)
{
	struct virtio_gpu_mem_entry *entries;
	int ret;

	if (table->nents > UINT32_MAX / sizeof(*entries))
		return -ENOMEM;
	ret = hf_gpu_alloc(gpu, table->nents * sizeof(*entries), memory);
	if (ret)
		return ret;
	entries = memory->cpu;
	for (size_t i = 0; i < table->nents; i++) {
		entries[i].addr = htole64(table->sgl[i].dma);
		entries[i].length = htole32(table->sgl[i].dma_length);
	}
	return 0;
}

static void created(void *data, int error)
{
	struct hf_gpu_resource *resource = data;

	resource->accepted |= !error;
}

static void send_create(struct hf_gpu_resource *resource,
			struct hf_gpu_command *command, uint32_t format)
{
	struct virtio_gpu_resource_create_2d *request =
		hf_gpu_command_begin(command, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
				     sizeof(*request));

	request->resource_id = htole32(resource->id);
	request->format = htole32(format);
	request->width = htole32(resource->width);
	request->height = htole32(resource->height);
	command->once = true;
	hf_gpu_command_send(command, HF_GPU_CONTROL, resource, created,
			    resource);
}

static void send_attach(struct hf_gpu_resource *resource,
			struct hf_gpu_command *command)
{
	const struct hf_sg_table *table = &resource->mapping->table;
	struct virtio_gpu_resource_attach_backing *request =
		hf_gpu_command_begin(command,
				     VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
				     sizeof(*request));

	request->resource_id = htole32(resource->id);
	request->nr_entries = htole32(table->nents);
	command->once = true;
	hf_gpu_command_send(command, HF_GPU_CONTROL, resource, created,
			    resource);
}

static struct hf_gpu_resource *
resource_alloc(struct hf_virtio_gpu *gpu, const struct hf_framebuffer *fb)
{
	struct hf_gpu_resource *resource = calloc(1, sizeof(*resource));
	int id;

	if (!resource)
		return NULL;
	id = hf_idr_alloc(&gpu->ids, resource);
	if (id < 0) {
		free(resource);
		errno = -id;
		return NULL;
	}
	resource->gpu = gpu;
	resource->id = id;
	resource->refcount = 1;
	/* So the device's lines are as far apart as those of the framebuffer. */
	resource->width = fb->pitches[0] / 4;
	resource->height = fb->height;
	resource->pitch = fb->pitches[0];
	resource->offset = fb->offsets[0];
	gpu->stats.resources++;
	return resource;
}

struct hf_gpu_resource *
hf_gpu_resource_create(struct hf_virtio_gpu *gpu,
		       const struct hf_framebuffer *fb)
{
	uint32_t format = hf_gpu_format(fb->format->fourcc);
	struct hf_gpu_command *create = NULL, *attach = NULL;
	struct hf_gpu_resource *resource;
	int ret;

	if (!format || fb->pitches[0] % 4) {
		errno = EINVAL;
		return NULL;
	}
	resource = resource_alloc(gpu, fb);
	if (!resource)
		return NULL;
	resource->mapping = hf_gem_map(fb->objects[0]);
	if (!resource->mapping)
		goto error;
	resource->unref = hf_gpu_command_create(gpu);
	if (!resource->unref)
		goto error;
	create = hf_gpu_command_create(gpu);
	if (!create)
		goto error;
	attach = hf_gpu_command_create(gpu);
	if (!attach)
		goto error;
	ret = list_backing(gpu, &resource->mapping->table, &attach->more);
	if (ret) {
		errno = -ret;
		goto error;
	}
	send_create(resource, create, format);
	send_attach(resource, attach);
	hf_gpu_kick(gpu);
	return resource;

error:
	ret = errno;
	hf_gpu_command_destroy(attach);
	hf_gpu_command_destroy(create);
	resource_free(resource);
	errno = ret;
	return NULL;
}

void hf_gpu_resource_transfer(struct hf_gpu_resource *resource,
			      struct hf_gpu_command *command,
			      const struct hf_gpu_rect *rect, hf_gpu_done done,
			      void *data)
{
	struct virtio_gpu_transfer_to_host_2d *request =
		hf_gpu_command_begin(command,
				     VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
				     sizeof(*request));

	hf_gpu_rect_set(&request->r, rect);
	request->offset = htole64((uint64_t)rect->y1 * resource->pitch +
				  (uint64_t)rect->x1 * 4 + resource->offset);
	request->resource_id = htole32(resource->id);
	hf_gpu_command_send(command, HF_GPU_CONTROL, resource, done, data);
}
