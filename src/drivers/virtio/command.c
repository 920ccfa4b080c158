/* SPDX-License-Identifier: MIT */
/*
 * Commands of a virtio-gpu: their memory, the queues, and the answers.
 *
 * A command is a slot in a page that the device reaches: request and answer. It is
 * queued in order, in the ring as far as that has room, and over when the device has
 * used it or was reset. The answer is copied once, then checked: whatever it says,
 * the command is over, and whoever sent it is told.
 *
 * The lock of the devices protects it all.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "drivers/virtio/gpu_internal.h"

/* A slot: the largest request of a fixed size, and an answer without data. */
#define REQUEST_SIZE 64
#define RESPONSE_SIZE 64
#define SLOT_SIZE (REQUEST_SIZE + RESPONSE_SIZE)
#define SLOTS (HF_PAGE_SIZE / SLOT_SIZE)

_Static_assert(sizeof(struct virtio_gpu_update_cursor) <= REQUEST_SIZE &&
		       sizeof(struct virtio_gpu_transfer_to_host_2d) <=
			       REQUEST_SIZE &&
		       sizeof(struct virtio_gpu_ctrl_hdr) <= RESPONSE_SIZE,
	       "a slot has room for these");

struct command_page {
	struct wl_list link; /* hf_virtio_gpu.pages */
	struct hf_gpu_memory memory;
	struct hf_gpu_command commands[SLOTS];
};

/* -- memory ------------------------------------------------------------------ */

static int add_page(struct hf_virtio_gpu *gpu)
{
	struct command_page *page = calloc(1, sizeof(*page));
	int ret;

	if (!page)
		return -ENOMEM;
	ret = hf_gpu_alloc(gpu, HF_PAGE_SIZE, &page->memory);
	if (ret) {
		free(page);
		return ret;
	}
	wl_list_insert(&gpu->pages, &page->link);
	for (size_t i = 0; i < SLOTS; i++) {
		struct hf_gpu_command *command = &page->commands[i];
		size_t offset = i * SLOT_SIZE;

		command->gpu = gpu;
		command->request = (char *)page->memory.cpu + offset;
		command->request_iova = page->memory.iova + offset;
		wl_list_insert(gpu->idle.prev, &command->link);
	}
	return 0;
}

struct hf_gpu_command *hf_gpu_command_create(struct hf_virtio_gpu *gpu)
{
	struct hf_gpu_command *command;
	int ret = wl_list_empty(&gpu->idle) ? add_page(gpu) : 0;

	if (ret) {
		errno = -ret;
		return NULL;
	}
	command = wl_container_of(gpu->idle.next, command, link);
	wl_list_remove(&command->link);
	wl_list_init(&command->link);
	command->once = false;
	return command;
}

void hf_gpu_command_destroy(struct hf_gpu_command *command)
{
	if (!command)
		return;
	hf_gpu_free(command->gpu, &command->more);
	wl_list_insert(&command->gpu->idle, &command->link);
}

static void watchdog(struct hf_timer *timer);

void hf_gpu_commands_init(struct hf_virtio_gpu *gpu)
{
	wl_list_init(&gpu->idle);
	wl_list_init(&gpu->pages);
	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++) {
		wl_list_init(&gpu->queues[i].sent);
		wl_list_init(&gpu->queues[i].waiting);
	}
	gpu->timer.fn = watchdog;
	gpu->timeout = HF_GPU_TIMEOUT;
}

void hf_gpu_commands_finish(struct hf_virtio_gpu *gpu)
{
	struct command_page *page, *next;

	wl_list_for_each_safe(page, next, &gpu->pages, link) {
		for (size_t i = 0; i < SLOTS; i++)
			hf_gpu_free(gpu, &page->commands[i].more);
		hf_gpu_free(gpu, &page->memory);
		free(page);
	}
}

/* -- sending ----------------------------------------------------------------- */

void *hf_gpu_command_begin(struct hf_gpu_command *command, uint32_t type,
			   size_t size)
{
	struct virtio_gpu_ctrl_hdr *hdr = command->request;

	memset(hdr, 0, size);
	hdr->type = htole32(type);
	command->size = size;
	command->fence = 0;
	command->expected = VIRTIO_GPU_RESP_OK_NODATA;
	command->response = (char *)command->request + REQUEST_SIZE;
	command->response_iova = command->request_iova + REQUEST_SIZE;
	command->room = sizeof(struct virtio_gpu_ctrl_hdr);
	return hdr;
}

void hf_gpu_command_fence(struct hf_gpu_command *command)
{
	struct virtio_gpu_ctrl_hdr *hdr = command->request;

	command->fence = ++command->gpu->last_fence;
	hdr->flags = htole32(VIRTIO_GPU_FLAG_FENCE);
	hdr->fence_id = htole64(command->fence);
}

/* Into the ring. -ENOSPC: it is full. */
static int add_to_ring(struct hf_gpu_queue *queue,
		       struct hf_gpu_command *command)
{
	struct hf_virtio_gpu *gpu = command->gpu;
	const struct hf_virtio_sg out[2] = {
		{ command->request_iova, command->size },
		{ command->more.iova, command->more.size },
	};
	const struct hf_virtio_sg in = { command->response_iova,
					 command->room };
	int ret;

	/* For the watchdog, which has seconds. */
	command->sent = hf_clock_coarse(gpu->clock);
	if (!gpu->timer.armed)
		hf_timer_arm(gpu->clock, &gpu->timer,
			     command->sent + gpu->timeout);
	ret = hf_virtqueue_add(queue->vq, out, command->more.cpu ? 2 : 1, &in,
			       command->expected != 0, command);
	if (ret)
		return ret;
	wl_list_insert(queue->sent.prev, &command->link);
	queue->kick = true;
	return 0;
}

void hf_gpu_command_send(struct hf_gpu_command *command, unsigned int index,
			 struct hf_gpu_resource *resource, hf_gpu_done done,
			 void *data)
{
	struct hf_virtio_gpu *gpu = command->gpu;
	struct hf_gpu_queue *queue = &gpu->queues[index];

	command->resource = resource ? hf_gpu_resource_get(resource) : NULL;
	command->done = done;
	command->data = data;
	/* The cursor's queue has no answers (5.7.6.7). */
	if (index == HF_GPU_CURSOR)
		command->expected = 0;
	gpu->stats.in_flight++;
	if (!wl_list_empty(&queue->waiting) || add_to_ring(queue, command))
		wl_list_insert(queue->waiting.prev, &command->link);
}

/* What has waited for room, in order. */
static void feed(struct hf_gpu_queue *queue)
{
	while (!wl_list_empty(&queue->waiting)) {
		struct hf_gpu_command *command =
			wl_container_of(queue->waiting.next, command, link);

		wl_list_remove(&command->link);
		if (add_to_ring(queue, command)) {
			wl_list_insert(&queue->waiting, &command->link);
			return;
		}
	}
}

void hf_gpu_kick(struct hf_virtio_gpu *gpu)
{
	for (unsigned int i = 0; i < HF_GPU_QUEUES && !gpu->down; i++) {
		struct hf_gpu_queue *queue = &gpu->queues[i];

		feed(queue);
		if (queue->kick)
			hf_virtqueue_kick(queue->vq);
		queue->kick = false;
	}
}

/* -- answers ----------------------------------------------------------------- */

/* Kinds of complaints: each is in the log once. The device's errors come first. */
enum complaint {
	UNKNOWN_ERROR = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER -
			VIRTIO_GPU_RESP_ERR_UNSPEC + 1,
	TOO_SHORT,
	WRONG_TYPE,
	WRONG_FENCE,
};

static const char *const complaints[] = {
	"the device could not, and does not say why",
	"the device has no memory for it",
	"the device knows no such scanout",
	"the device knows no such resource",
	"the device knows no such context",
	"the device says that a parameter is wrong",
	[UNKNOWN_ERROR] = "the device gives an error that there is not",
	[TOO_SHORT] = "the answer is too short",
	[WRONG_TYPE] = "the answer is to something else",
	[WRONG_FENCE] = "the answer has another fence",
};

static int complain(struct hf_gpu_command *command, unsigned int what,
		    uint32_t type)
{
	struct hf_virtio_gpu *gpu = command->gpu;
	const struct virtio_gpu_ctrl_hdr *hdr = command->request;

	if (!(gpu->complained & 1u << what))
		hf_err("%s: command %#x: %s (%#x); not said again",
		       hf_gpu_name(gpu), le32toh(hdr->type), complaints[what],
		       type);
	gpu->complained |= 1u << what;
	return -EIO;
}

static int check_answer(struct hf_gpu_command *command, uint32_t written)
{
	struct virtio_gpu_ctrl_hdr hdr;
	uint32_t type;

	if (!command->expected)
		return 0;
	if (written < sizeof(hdr))
		return complain(command, TOO_SHORT, written);
	memcpy(&hdr, command->response, sizeof(hdr));
	type = le32toh(hdr.type);
	if (type >= VIRTIO_GPU_RESP_ERR_UNSPEC &&
	    type <= VIRTIO_GPU_RESP_ERR_UNSPEC + 0xff) {
		type -= VIRTIO_GPU_RESP_ERR_UNSPEC;
		return complain(command,
				type < UNKNOWN_ERROR ? type : UNKNOWN_ERROR,
				type + VIRTIO_GPU_RESP_ERR_UNSPEC);
	}
	if (type != command->expected)
		return complain(command, WRONG_TYPE, type);
	if (written < command->room)
		return complain(command, TOO_SHORT, written);
	if (command->fence && (!(le32toh(hdr.flags) & VIRTIO_GPU_FLAG_FENCE) ||
			       le64toh(hdr.fence_id) != command->fence))
		return complain(command, WRONG_FENCE, le64toh(hdr.fence_id));
	return 0;
}

/* It is over: let go of what it used. Its owner may send it again at once. */
static void end(struct hf_gpu_command *command, int error)
{
	struct hf_virtio_gpu *gpu = command->gpu;
	struct hf_gpu_resource *resource = command->resource;
	hf_gpu_done done = command->done;
	void *data = command->data;

	wl_list_remove(&command->link);
	wl_list_init(&command->link);
	command->resource = NULL;
	gpu->stats.in_flight--;
	gpu->stats.commands++;
	gpu->stats.errors += error != 0;
	hf_gpu_free(gpu, &command->more);
	if (command->once)
		hf_gpu_command_destroy(command);
	if (done)
		done(data, error);
	hf_gpu_resource_put(resource);
}

void hf_gpu_collect(struct hf_virtio_gpu *gpu)
{
	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++) {
		struct hf_gpu_command *command;
		uint32_t written;

		while (!gpu->down &&
		       (command = hf_virtqueue_get(gpu->queues[i].vq,
						   &written)))
			end(command, check_answer(command, written));
	}
	if (gpu->virtio->broken)
		hf_gpu_fail(gpu, "it is broken");
}

void hf_gpu_abort(struct hf_virtio_gpu *gpu)
{
	hf_timer_disarm(gpu->clock, &gpu->timer);
	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++) {
		struct hf_gpu_queue *queue = &gpu->queues[i];
		struct hf_gpu_command *command;

		while (queue->vq &&
		       (command = hf_virtqueue_detach(queue->vq)))
			end(command, -EIO);
		while (!wl_list_empty(&queue->waiting)) {
			command = wl_container_of(queue->waiting.next, command,
						  link);
			end(command, -EIO);
		}
	}
}

/* -- the watchdog ------------------------------------------------------------ */

/* When the next command should have been answered; UINT64_MAX: there is none. */
static uint64_t next_deadline(const struct hf_virtio_gpu *gpu)
{
	uint64_t next = UINT64_MAX;

	for (unsigned int i = 0; i < HF_GPU_QUEUES; i++) {
		const struct wl_list *sent = &gpu->queues[i].sent;
		const struct hf_gpu_command *oldest;

		if (wl_list_empty(sent))
			continue;
		oldest = wl_container_of(sent->next, oldest, link);
		if (oldest->sent + gpu->timeout < next)
			next = oldest->sent + gpu->timeout;
	}
	return next;
}

static void watchdog(struct hf_timer *timer)
{
	struct hf_virtio_gpu *gpu = wl_container_of(timer, gpu, timer);
	uint64_t next;

	/* An interrupt may have been lost. */
	hf_gpu_collect(gpu);
	hf_gpu_kick(gpu);
	next = next_deadline(gpu);
	if (gpu->down || next == UINT64_MAX)
		return;
	if (next <= hf_clock_now(gpu->clock))
		hf_gpu_fail(gpu, "it has not answered for %g s",
			    (double)gpu->timeout / HF_NSEC_PER_SEC);
	else
		hf_timer_arm(gpu->clock, &gpu->timer, next);
}
