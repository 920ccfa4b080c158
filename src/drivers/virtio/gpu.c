/* SPDX-License-Identifier: MIT */
/*
 * A virtio-gpu as a device: it is started, asked for its monitors, now and whenever
 * they change, and stopped, or given up.
 *
 * It is "down" from then on: all commands have ended, none is sent any more, and KMS
 * goes on without it. Where it would not even be reset it is "lost": nobody knows
 * what it does, so all that it may reach is kept for good.
 *
 * The lock of the devices protects it all.
 */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "drivers/virtio/gpu_internal.h"
#include "kms/mode.h"

#define HZ 60

/* Devices that were never reset: their memory is theirs for good. */
static struct hf_virtio_gpu *kept;

const char *hf_gpu_name(const struct hf_virtio_gpu *gpu)
{
	return gpu->virtio->dma->name;
}

static size_t whole_pages(size_t size)
{
	return (size + HF_PAGE_SIZE - 1) & ~(HF_PAGE_SIZE - 1);
}

int hf_gpu_alloc(struct hf_virtio_gpu *gpu, size_t size,
		 struct hf_gpu_memory *memory)
{
	memory->cpu = hf_dma_alloc(gpu->virtio->dma, whole_pages(size),
				   &memory->iova);
	memory->size = size;
	return memory->cpu ? 0 : -errno;
}

void hf_gpu_free(struct hf_virtio_gpu *gpu, struct hf_gpu_memory *memory)
{
	if (gpu->lost || !memory->cpu)
		return;
	hf_dma_free(gpu->virtio->dma, memory->cpu, whole_pages(memory->size),
		    memory->iova);
	memory->cpu = NULL;
}

/* -- its end ----------------------------------------------------------------- */

static void plug_all(struct hf_virtio_gpu *gpu);

/* @reset: 0 where it was reset. */
static void go_down(struct hf_virtio_gpu *gpu)
{
	gpu->down = true;
	gpu->lost = gpu->virtio->stuck && gpu->live;
	if (gpu->lost)
		hf_err("%s: it would not be reset: %llu buffers that it may still reach are kept",
		       hf_gpu_name(gpu),
		       (unsigned long long)gpu->stats.resources);
	hf_gpu_abort(gpu);
	for (unsigned int i = 0; i < gpu->num_scanouts; i++)
		hf_gpu_scanout_clear(&gpu->scanouts[i]);
	plug_all(gpu);
}

void hf_gpu_fail(struct hf_virtio_gpu *gpu, const char *fmt, ...)
{
	char why[160];
	va_list args;

	if (gpu->down)
		return;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	hf_virtio_fail(gpu->virtio, "%s", why);
	go_down(gpu);
}

void hf_virtio_gpu_stop(struct hf_virtio_gpu *gpu)
{
	/* Whatever it shows, monitors are not unplugged by this. */
	gpu->kms = NULL;
	if (gpu->down)
		return;
	hf_virtio_reset(gpu->virtio);
	go_down(gpu);
}

void hf_virtio_gpu_destroy(struct hf_virtio_gpu *gpu)
{
	if (!gpu)
		return;
	hf_virtio_gpu_stop(gpu);
	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++)
		hf_virtqueue_destroy(gpu->queues[i].vq);
	if (gpu->lost) {
		hf_virtio_destroy(gpu->virtio);
		gpu->kept = kept;
		kept = gpu;
		return;
	}
	hf_gpu_free(gpu, &gpu->query.answer);
	hf_gpu_commands_finish(gpu);
	hf_idr_finish(&gpu->ids);
	hf_virtio_destroy(gpu->virtio);
	free(gpu);
}

/* -- its start --------------------------------------------------------------- */

static int read_config(struct hf_virtio_gpu *gpu)
{
	struct virtio_gpu_config config;
	int ret = gpu->virtio->ops->config_read(gpu->virtio, 0, &config,
						sizeof(config));

	if (ret) {
		hf_err("%s: its configuration cannot be read",
		       hf_gpu_name(gpu));
		return -EIO;
	}
	gpu->num_scanouts = le32toh(config.num_scanouts);
	if (gpu->num_scanouts >= 1 &&
	    gpu->num_scanouts <= VIRTIO_GPU_MAX_SCANOUTS)
		return 0;
	hf_err("%s: it says that it has %u scanouts", hf_gpu_name(gpu),
	       gpu->num_scanouts);
	gpu->num_scanouts = 0;
	return -EIO;
}

static int create_queues(struct hf_virtio_gpu *gpu)
{
	static const unsigned int sizes[HF_GPU_QUEUES] = {
		[HF_GPU_CONTROL] = 256,
		[HF_GPU_CURSOR] = 16,
	};

	gpu->live = true;
	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++) {
		gpu->queues[i].vq =
			hf_virtqueue_create(gpu->virtio, i, sizes[i]);
		if (gpu->queues[i].vq)
			continue;
		if (errno == ENODEV) {
			hf_err("%s: it has no queue %u", hf_gpu_name(gpu), i);
			return -ENOTSUP;
		}
		return -errno;
	}
	return 0;
}

static int start(struct hf_virtio_gpu *gpu)
{
	const uint64_t edid = 1ull << VIRTIO_GPU_F_EDID;
	int ret = hf_virtio_negotiate(gpu->virtio, edid, 0);

	if (ret)
		return ret;
	gpu->has_edid = gpu->virtio->features & edid;
	ret = read_config(gpu);
	if (!ret)
		ret = create_queues(gpu);
	if (!ret)
		ret = hf_gpu_alloc(gpu, HF_PAGE_SIZE, &gpu->query.answer);
	if (ret)
		return ret;
	gpu->query.command = hf_gpu_command_create(gpu);
	if (!gpu->query.command)
		return -errno;
	for (unsigned int i = 0; !ret && i < gpu->num_scanouts; i++)
		ret = hf_gpu_scanout_init(&gpu->scanouts[i], gpu, i);
	return ret ? ret : hf_virtio_start(gpu->virtio);
}

struct hf_virtio_gpu *hf_virtio_gpu_create(struct hf_virtio *virtio,
					   struct hf_clock *clock)
{
	struct hf_virtio_gpu *gpu = calloc(1, sizeof(*gpu));
	int ret;

	if (!gpu) {
		hf_virtio_destroy(virtio);
		errno = ENOMEM;
		return NULL;
	}
	gpu->virtio = virtio;
	gpu->clock = clock;
	hf_gpu_commands_init(gpu);
	ret = start(gpu);
	if (ret) {
		hf_virtio_gpu_destroy(gpu);
		errno = -ret;
		return NULL;
	}
	return gpu;
}

/* -- monitors ---------------------------------------------------------------- */

/* A copy of the answer; its header was checked, nothing else. */
static const void *answer(const struct hf_virtio_gpu *gpu, void *copy,
			  size_t size)
{
	return memcpy(copy, gpu->query.answer.cpu, size);
}

static void expect(struct hf_gpu_query *query, uint32_t type, size_t size)
{
	struct hf_gpu_command *command = query->command;

	command->expected = type;
	command->response = query->answer.cpu;
	command->response_iova = query->answer.iova;
	command->room = size;
}

static void ask_displays(struct hf_virtio_gpu *gpu);

static void query_over(struct hf_virtio_gpu *gpu)
{
	struct hf_gpu_query *query = &gpu->query;

	query->running = false;
	if (query->again && !gpu->down)
		ask_displays(gpu);
	else if (!gpu->down && query->known)
		plug_all(gpu);
}

static void ask_edid(struct hf_virtio_gpu *gpu);

static void edid_answered(void *data, int error)
{
	struct hf_virtio_gpu *gpu = data;
	struct hf_gpu_scanout *scanout = &gpu->scanouts[gpu->query.at++];
	struct virtio_gpu_resp_edid edid;
	uint32_t size;

	scanout->edid_size = 0;
	if (!error) {
		answer(gpu, &edid, sizeof(edid));
		size = le32toh(edid.size);
		if (size <= sizeof(edid.edid))
			scanout->edid_size = hf_edid_size(edid.edid, size);
		if (!scanout->edid_size)
			hf_warn("%s: scanout %u: what it gives as EDID, %u bytes, is none",
				hf_gpu_name(gpu), scanout->index, size);
		memcpy(scanout->edid, edid.edid, scanout->edid_size);
	}
	ask_edid(gpu);
}

/* Of the next scanout that has something to say. */
static void ask_edid(struct hf_virtio_gpu *gpu)
{
	struct hf_gpu_query *query = &gpu->query;
	struct virtio_gpu_cmd_get_edid *request;

	while (query->at < gpu->num_scanouts && !gpu->scanouts[query->at].width)
		query->at++;
	if (query->at == gpu->num_scanouts || !gpu->has_edid || gpu->down) {
		query_over(gpu);
		return;
	}
	request = hf_gpu_command_begin(query->command, VIRTIO_GPU_CMD_GET_EDID,
				       sizeof(*request));
	request->scanout = htole32(query->at);
	expect(query, VIRTIO_GPU_RESP_OK_EDID,
	       sizeof(struct virtio_gpu_resp_edid));
	hf_gpu_command_send(query->command, HF_GPU_CONTROL, NULL, edid_answered,
			    gpu);
}

static void set_display(struct hf_gpu_scanout *scanout,
			const struct virtio_gpu_display_one *one)
{
	struct drm_mode_modeinfo mode;
	uint32_t width = le32toh(one->r.width);
	uint32_t height = le32toh(one->r.height);

	scanout->width = scanout->height = 0;
	scanout->edid_size = 0;
	if (!le32toh(one->enabled))
		return;
	if (hf_mode_make(&mode, width, height, HZ)) {
		hf_warn("%s: scanout %u says that it has %u x %u pixels; it is left out",
			hf_gpu_name(scanout->gpu), scanout->index, width,
			height);
		return;
	}
	scanout->width = width;
	scanout->height = height;
}

static void displays_answered(void *data, int error)
{
	struct hf_virtio_gpu *gpu = data;
	struct virtio_gpu_resp_display_info info;

	if (error) {
		query_over(gpu);
		return;
	}
	answer(gpu, &info, sizeof(info));
	for (unsigned int i = 0; i < gpu->num_scanouts; i++)
		set_display(&gpu->scanouts[i], &info.pmodes[i]);
	gpu->query.known = true;
	ask_edid(gpu);
}

static void ask_displays(struct hf_virtio_gpu *gpu)
{
	struct hf_gpu_query *query = &gpu->query;

	query->again = query->running;
	if (query->running)
		return;
	query->running = true;
	query->at = 0;
	hf_gpu_command_begin(query->command, VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
			     sizeof(struct virtio_gpu_ctrl_hdr));
	expect(query, VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
	       sizeof(struct virtio_gpu_resp_display_info));
	hf_gpu_command_send(query->command, HF_GPU_CONTROL, NULL,
			    displays_answered, gpu);
}

static void describe(const struct hf_gpu_scanout *scanout,
		     struct hf_kms_output *output)
{
	*output = (struct hf_kms_output){ .hz = HZ };
	if (scanout->gpu->down)
		return;
	output->width = scanout->width;
	output->height = scanout->height;
	output->edid = scanout->edid_size ? scanout->edid : NULL;
	output->edid_size = scanout->edid_size;
}

static void plug(struct hf_gpu_scanout *scanout,
		 struct hf_connector *connector)
{
	struct hf_kms_output output;
	int ret;

	describe(scanout, &output);
	ret = hf_kms_plug(connector, &output);
	if (ret)
		hf_warn("%s: scanout %u has changed, and cannot be shown: %s",
			hf_gpu_name(scanout->gpu), scanout->index,
			strerror(-ret));
}

static void plug_all(struct hf_virtio_gpu *gpu)
{
	struct hf_kms_device *kms = gpu->kms;

	gpu->stale = !kms;
	for (unsigned int i = 0; kms && i < gpu->num_scanouts; i++)
		plug(&gpu->scanouts[i], kms->connectors[i]);
	if (kms)
		hf_kms_uevent(kms, "HOTPLUG=1", NULL, NULL);
}

/* Wait for the answers, without an event loop. */
static void wait_for_query(struct hf_virtio_gpu *gpu)
{
	struct pollfd pfd = { .fd = gpu->virtio->irq_fd, .events = POLLIN };
	uint64_t end = hf_clock_now(gpu->clock) + gpu->timeout;

	while (gpu->query.running && !gpu->down) {
		uint64_t now = hf_clock_now(gpu->clock);

		if (now >= end) {
			hf_gpu_fail(gpu, "it does not say what monitors it has");
			return;
		}
		poll(&pfd, 1, (end - now) / 1000000 + 1);
		hf_virtio_gpu_interrupt(gpu);
	}
}

int hf_virtio_gpu_outputs(struct hf_virtio_gpu *gpu,
			  struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS])
{
	if (gpu->down)
		return -EIO;
	ask_displays(gpu);
	hf_gpu_kick(gpu);
	wait_for_query(gpu);
	if (gpu->down || !gpu->query.known)
		return -EIO;
	for (unsigned int i = 0; i < gpu->num_scanouts; i++)
		describe(&gpu->scanouts[i], &outputs[i]);
	gpu->stale = false;
	return gpu->num_scanouts;
}

void hf_virtio_gpu_attach(struct hf_virtio_gpu *gpu, struct hf_kms_device *kms)
{
	gpu->kms = kms;
	if (gpu->stale)
		plug_all(gpu);
}

/* -- interrupts -------------------------------------------------------------- */

static void config_changed(struct hf_virtio_gpu *gpu)
{
	const struct hf_virtio_ops *ops = gpu->virtio->ops;
	uint32_t events, clear = htole32(VIRTIO_GPU_EVENT_DISPLAY);
	int ret;

	ret = ops->config_read(gpu->virtio,
			       offsetof(struct virtio_gpu_config, events_read),
			       &events, sizeof(events));
	if (!ret && !(le32toh(events) & VIRTIO_GPU_EVENT_DISPLAY))
		return;
	if (!ret)
		ret = ops->config_write(gpu->virtio,
					offsetof(struct virtio_gpu_config,
						 events_clear),
					&clear, sizeof(clear));
	if (ret)
		hf_gpu_fail(gpu, "its configuration cannot be reached");
	else
		ask_displays(gpu);
}

void hf_virtio_gpu_interrupt(struct hf_virtio_gpu *gpu)
{
	unsigned int what = hf_virtio_interrupts(gpu->virtio);

	hf_gpu_collect(gpu);
	if (!gpu->down && what & HF_VIRTIO_IRQ_CONFIG)
		config_changed(gpu);
	hf_gpu_kick(gpu);
}

void hf_virtio_gpu_stats(const struct hf_virtio_gpu *gpu,
			 struct hf_virtio_gpu_stats *stats)
{
	*stats = gpu->stats;
	stats->down = gpu->down;
}
