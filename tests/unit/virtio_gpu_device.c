/* SPDX-License-Identifier: MIT */
/*
 * A virtio-gpu for tests: see the header. It belongs to one thread.
 *
 * Source: VIRTIO 1.2, 5.7.6; strict where QEMU's is, and where the specification
 * leaves a choice that a device could make.
 */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kms/edid.h"
#include "kms/mode.h"
#include "virtio_gpu_device.h"

#define CONTROL 0
#define CURSOR 1

static struct virtio_gpu_config *config(struct gdev *dev)
{
	return (struct virtio_gpu_config *)dev->vdev.config;
}

/* -- resources --------------------------------------------------------------- */

static void drop_resource(struct gdev_resource *resource)
{
	free(resource->pixels);
	free(resource->entries);
	memset(resource, 0, sizeof(*resource));
}

/* What a reset does to what there is besides the rings. */
static void see_resets(struct gdev *dev)
{
	if (dev->resets == dev->vdev.resets)
		return;
	dev->resets = dev->vdev.resets;
	for (unsigned int i = 0; i < GDEV_RESOURCES; i++)
		drop_resource(&dev->resources[i]);
	for (unsigned int i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		dev->scanouts[i].resource = dev->scanouts[i].cursor = 0;
}

static struct gdev_resource *find(struct gdev *dev, uint32_t id)
{
	assert_in_range(id, 1, GDEV_RESOURCES - 1);
	return dev->resources[id].used ? &dev->resources[id] : NULL;
}

static uint32_t create(struct gdev *dev,
		       const struct virtio_gpu_resource_create_2d *cmd)
{
	struct gdev_resource *resource;

	assert_in_range(cmd->resource_id, 1, GDEV_RESOURCES - 1);
	resource = &dev->resources[cmd->resource_id];
	assert_false(resource->used);
	assert_in_range(cmd->width, 1, 16384);
	assert_in_range(cmd->height, 1, 16384);
	resource->used = true;
	resource->format = cmd->format;
	resource->width = cmd->width;
	resource->height = cmd->height;
	resource->pixels = calloc(cmd->width * 4, cmd->height);
	assert_non_null(resource->pixels);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t attach(struct gdev *dev, const struct vdev_chain *chain,
		       const struct virtio_gpu_resource_attach_backing *cmd)
{
	struct gdev_resource *resource = find(dev, cmd->resource_id);
	size_t size = cmd->nr_entries * sizeof(struct virtio_gpu_mem_entry);

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	assert_null(resource->entries);
	assert_in_range(cmd->nr_entries, 1, 1 << 20);
	resource->nentries = cmd->nr_entries;
	resource->entries = malloc(size);
	assert_non_null(resource->entries);
	assert_int_equal(vdev_read(&dev->vdev, chain, sizeof(*cmd),
				   resource->entries, size + 1),
			 size);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static uint32_t unref(struct gdev *dev,
		      const struct virtio_gpu_resource_unref *cmd)
{
	struct gdev_resource *resource = find(dev, cmd->resource_id);

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	/* Legal, but the driver should have switched it off. */
	for (unsigned int i = 0; i < dev->num_scanouts; i++) {
		assert_int_not_equal(dev->scanouts[i].resource,
				     cmd->resource_id);
		assert_int_not_equal(dev->scanouts[i].cursor, cmd->resource_id);
	}
	drop_resource(resource);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* Read the backing, which is scattered. */
static void read_backing(struct gdev *dev, const struct gdev_resource *resource,
			 uint64_t offset, uint8_t *to, size_t size)
{
	for (uint32_t i = 0; i < resource->nentries && size; i++) {
		const struct virtio_gpu_mem_entry *entry =
			&resource->entries[i];
		size_t n = entry->length;

		if (offset >= n) {
			offset -= n;
			continue;
		}
		n -= offset;
		n = n < size ? n : size;
		assert_int_equal(hf_dma_read(&dev->vdev.port, to,
					     entry->addr + offset, n),
				 0);
		to += n;
		size -= n;
		offset = 0;
	}
	assert_int_equal(size, 0);
}

static bool inside(const struct virtio_gpu_rect *rect,
		   const struct gdev_resource *resource)
{
	return rect->x <= resource->width && rect->y <= resource->height &&
	       rect->width <= resource->width - rect->x &&
	       rect->height <= resource->height - rect->y;
}

static uint32_t transfer(struct gdev *dev,
			 const struct virtio_gpu_transfer_to_host_2d *cmd)
{
	struct gdev_resource *resource = find(dev, cmd->resource_id);
	const struct virtio_gpu_rect *rect = &cmd->r;

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	assert_true(inside(rect, resource) && rect->width && rect->height);
	for (uint32_t y = 0; y < rect->height; y++) {
		size_t at = ((size_t)(rect->y + y) * resource->width + rect->x) * 4;

		read_backing(dev, resource,
			     cmd->offset + (uint64_t)y * resource->width * 4,
			     resource->pixels + at, (size_t)rect->width * 4);
	}
	dev->transferred = *rect;
	dev->offset = cmd->offset;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

/* -- what is on the screen --------------------------------------------------- */

/* Which byte has red, green, blue, alpha. */
static const uint8_t layouts[256][4] = {
	[VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM] = { 2, 1, 0, 3 },
	[VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM] = { 2, 1, 0, 3 },
	[VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM] = { 1, 2, 3, 0 },
	[VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM] = { 1, 2, 3, 0 },
	[VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM] = { 0, 1, 2, 3 },
	[VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM] = { 3, 2, 1, 0 },
	[VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM] = { 3, 2, 1, 0 },
	[VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM] = { 0, 1, 2, 3 },
};

static uint32_t pixel(const struct gdev_resource *resource, uint32_t x,
		      uint32_t y)
{
	const uint8_t *bytes =
		resource->pixels + ((size_t)y * resource->width + x) * 4;
	const uint8_t *layout = layouts[resource->format & 0xff];

	assert_int_not_equal(layout[0] + layout[1] + layout[2] + layout[3], 0);
	return (uint32_t)bytes[layout[3]] << 24 |
	       (uint32_t)bytes[layout[0]] << 16 | bytes[layout[1]] << 8 |
	       bytes[layout[2]];
}

static uint32_t set_scanout(struct gdev *dev,
			    const struct virtio_gpu_set_scanout *cmd)
{
	struct gdev_scanout *scanout;
	struct gdev_resource *resource;

	assert_in_range(cmd->scanout_id, 0, dev->num_scanouts - 1);
	scanout = &dev->scanouts[cmd->scanout_id];
	scanout->resource = cmd->resource_id;
	for (size_t i = 0; i < GDEV_MAX * GDEV_MAX; i++)
		scanout->picture[i] = GDEV_GARBAGE;
	if (!cmd->resource_id)
		return VIRTIO_GPU_RESP_OK_NODATA;
	resource = find(dev, cmd->resource_id);
	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	assert_true(inside(&cmd->r, resource));
	assert_in_range(cmd->r.width, 16, GDEV_MAX);
	assert_in_range(cmd->r.height, 16, GDEV_MAX);
	scanout->rect = cmd->r;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static void show(struct gdev_scanout *scanout,
		 const struct gdev_resource *resource,
		 const struct virtio_gpu_rect *rect)
{
	for (uint32_t y = rect->y; y < rect->y + rect->height; y++)
		for (uint32_t x = rect->x; x < rect->x + rect->width; x++) {
			uint32_t to_x = x - scanout->rect.x;
			uint32_t to_y = y - scanout->rect.y;

			if (to_x < scanout->rect.width &&
			    to_y < scanout->rect.height)
				scanout->picture[to_y * GDEV_MAX + to_x] =
					pixel(resource, x, y) & 0xffffff;
		}
}

static uint32_t flush(struct gdev *dev,
		      const struct virtio_gpu_resource_flush *cmd)
{
	struct gdev_resource *resource = find(dev, cmd->resource_id);

	if (!resource)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	assert_true(inside(&cmd->r, resource));
	assert_true(cmd->hdr.flags & VIRTIO_GPU_FLAG_FENCE);
	for (unsigned int i = 0; i < dev->num_scanouts; i++)
		if (dev->scanouts[i].resource == cmd->resource_id)
			show(&dev->scanouts[i], resource, &cmd->r);
	dev->flushed = cmd->r;
	return VIRTIO_GPU_RESP_OK_NODATA;
}

static void cursor(struct gdev *dev, const struct virtio_gpu_update_cursor *cmd)
{
	struct gdev_scanout *scanout;
	struct gdev_resource *resource;

	assert_in_range(cmd->pos.scanout_id, 0, dev->num_scanouts - 1);
	scanout = &dev->scanouts[cmd->pos.scanout_id];
	scanout->x = cmd->pos.x;
	scanout->y = cmd->pos.y;
	if (cmd->hdr.type == VIRTIO_GPU_CMD_MOVE_CURSOR) {
		dev->moves++;
		return;
	}
	assert_int_equal(cmd->hdr.type, VIRTIO_GPU_CMD_UPDATE_CURSOR);
	dev->updates++;
	scanout->cursor = cmd->resource_id;
	if (!cmd->resource_id)
		return;
	resource = find(dev, cmd->resource_id);
	assert_non_null(resource);
	assert_int_equal(resource->width, GDEV_CURSOR);
	assert_int_equal(resource->height, GDEV_CURSOR);
	for (uint32_t i = 0; i < GDEV_CURSOR * GDEV_CURSOR; i++)
		scanout->image[i] = pixel(resource, i % GDEV_CURSOR,
					  i / GDEV_CURSOR);
}

/* -- what it says of itself -------------------------------------------------- */

static uint32_t display_info(struct gdev *dev,
			     struct virtio_gpu_resp_display_info *info)
{
	for (unsigned int i = 0; i < dev->num_scanouts; i++) {
		info->pmodes[i].enabled = dev->scanouts[i].enabled;
		info->pmodes[i].r.width = dev->scanouts[i].width;
		info->pmodes[i].r.height = dev->scanouts[i].height;
	}
	return VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static uint32_t edid(struct gdev *dev, const struct virtio_gpu_cmd_get_edid *cmd,
		     struct virtio_gpu_resp_edid *out)
{
	assert_true(dev->vdev.accepted & 1ull << VIRTIO_GPU_F_EDID);
	assert_in_range(cmd->scanout, 0, dev->num_scanouts - 1);
	memcpy(out->edid, dev->scanouts[cmd->scanout].edid, sizeof(out->edid));
	out->size = dev->scanouts[cmd->scanout].edid_size;
	return VIRTIO_GPU_RESP_OK_EDID;
}

void gdev_plug(struct gdev *dev, unsigned int index, uint32_t width,
	       uint32_t height)
{
	struct gdev_scanout *scanout = &dev->scanouts[index];
	struct hf_edid_monitor monitor = { .vendor = "GDV", .name = "gdev" };

	scanout->width = width;
	scanout->height = height;
	scanout->enabled = width != 0;
	memset(scanout->edid, 0, sizeof(scanout->edid));
	if (!hf_mode_make(&monitor.native, width, height, 60))
		hf_edid_build(&monitor, scanout->edid);
	/* However much of it there is (as QEMU). */
	scanout->edid_size = sizeof(scanout->edid);
}

void gdev_hotplug(struct gdev *dev)
{
	config(dev)->events_read |= VIRTIO_GPU_EVENT_DISPLAY;
	vdev_interrupt(&dev->vdev, HF_VIRTIO_IRQ_CONFIG);
}

/* -- commands ---------------------------------------------------------------- */

union request {
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resource_create_2d create;
	struct virtio_gpu_resource_unref unref;
	struct virtio_gpu_set_scanout set_scanout;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer;
	struct virtio_gpu_resource_attach_backing attach;
	struct virtio_gpu_cmd_get_edid edid;
	struct virtio_gpu_update_cursor cursor;
};

union response {
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resp_display_info info;
	struct virtio_gpu_resp_edid edid;
};

static uint32_t dispatch(struct gdev *dev, const struct vdev_chain *chain,
			 const union request *request, union response *response)
{
	switch (request->hdr.type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO:
		return display_info(dev, &response->info);
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		return create(dev, &request->create);
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
		return unref(dev, &request->unref);
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		return set_scanout(dev, &request->set_scanout);
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		return flush(dev, &request->flush);
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		return transfer(dev, &request->transfer);
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		return attach(dev, chain, &request->attach);
	case VIRTIO_GPU_CMD_GET_EDID:
		return edid(dev, &request->edid, &response->edid);
	default:
		fail_msg("command %#x", request->hdr.type);
		return 0;
	}
}

static size_t response_size(uint32_t type)
{
	switch (type) {
	case VIRTIO_GPU_RESP_OK_DISPLAY_INFO:
		return sizeof(struct virtio_gpu_resp_display_info);
	case VIRTIO_GPU_RESP_OK_EDID:
		return sizeof(struct virtio_gpu_resp_edid);
	default:
		return sizeof(struct virtio_gpu_ctrl_hdr);
	}
}

static uint32_t answer(struct gdev *dev, const struct vdev_chain *chain,
		       const union request *request, union response *response)
{
	size_t size = response_size(response->hdr.type);

	assert_true(chain->room >= size);
	if (request->hdr.flags & VIRTIO_GPU_FLAG_FENCE) {
		response->hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		response->hdr.fence_id =
			request->hdr.fence_id + dev->wrong_fence;
	}
	if (dev->wrong_type)
		response->hdr.type = VIRTIO_GPU_RESP_OK_CAPSET;
	if (dev->short_answers && dev->short_answers < size)
		size = dev->short_answers;
	return vdev_write(&dev->vdev, chain, 0, response, size);
}

/* Return: bytes written. */
static uint32_t execute(struct gdev *dev, unsigned int queue,
			const struct vdev_chain *chain)
{
	union response response = { 0 };
	union request request = { 0 };
	size_t size = vdev_read(&dev->vdev, chain, 0, &request,
				sizeof(request));
	uint32_t type = request.hdr.type;

	assert_in_range(size, sizeof(request.hdr), sizeof(request));
	if (queue == CURSOR) {
		cursor(dev, &request.cursor);
		return 0;
	}
	assert_in_range(type, VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
			VIRTIO_GPU_CMD_GET_DISPLAY_INFO + GDEV_TYPES - 1);
	dev->commands[type - VIRTIO_GPU_CMD_GET_DISPLAY_INFO]++;
	response.hdr.type = dev->fail == type ?
				    dev->error :
				    dispatch(dev, chain, &request, &response);
	return answer(dev, chain, &request, &response);
}

static void clear_events(struct gdev *dev)
{
	config(dev)->events_read &= ~config(dev)->events_clear;
	config(dev)->events_clear = 0;
}

bool gdev_step(struct gdev *dev, unsigned int queue)
{
	static struct vdev_chain chain;

	see_resets(dev);
	clear_events(dev);
	if (!dev->vdev.queues[queue].size ||
	    !vdev_pop(&dev->vdev, queue, &chain))
		return false;
	vdev_push(&dev->vdev, queue, chain.head, execute(dev, queue, &chain));
	vdev_interrupt(&dev->vdev, HF_VIRTIO_IRQ_QUEUE);
	return true;
}

void gdev_run(struct gdev *dev)
{
	while (gdev_step(dev, CONTROL) || gdev_step(dev, CURSOR))
		;
}

void gdev_run_backwards(struct gdev *dev, unsigned int queue)
{
	uint32_t written[GDEV_HELD];
	unsigned int n = 0;

	while (vdev_pop(&dev->vdev, queue, &dev->held[n])) {
		written[n] = execute(dev, queue, &dev->held[n]);
		assert_in_range(n++, 0, GDEV_HELD - 2);
	}
	while (n--)
		vdev_push(&dev->vdev, queue, dev->held[n].head, written[n]);
	vdev_interrupt(&dev->vdev, HF_VIRTIO_IRQ_QUEUE);
}

static void kicked(struct vdev *vdev, unsigned int queue)
{
	struct gdev *dev = (struct gdev *)vdev;

	while (!dev->hold && gdev_step(dev, queue))
		;
}

unsigned int gdev_count(const struct gdev *dev, uint32_t type)
{
	return dev->commands[type - VIRTIO_GPU_CMD_GET_DISPLAY_INFO];
}

unsigned int gdev_resources(const struct gdev *dev)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < GDEV_RESOURCES; i++)
		n += dev->resources[i].used;
	return n;
}

void gdev_init(struct gdev *dev, struct hf_dma_device *dma,
	       unsigned int num_scanouts, unsigned int entries)
{
	vdev_init(&dev->vdev, dma, 1ull << VIRTIO_GPU_F_EDID, 2, entries);
	dev->vdev.kicked = kicked;
	dev->num_scanouts = num_scanouts;
	config(dev)->num_scanouts = num_scanouts;
}

void gdev_finish(struct gdev *dev)
{
	dev->resets = dev->vdev.resets - 1;
	see_resets(dev);
	vdev_finish(&dev->vdev);
}
