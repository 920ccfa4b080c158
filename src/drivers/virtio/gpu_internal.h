/* SPDX-License-Identifier: MIT */
/*
 * The inside of the virtio-gpu driver, for its files and their tests.
 *
 * The rule of all of it: what a command uses, the device may reach until it has
 * completed that command or was reset. So commands hold resources, a resource holds
 * the mapping of an object, and that holds the pages.
 *
 * The lock of the devices protects it all.
 */
#ifndef HF_VIRTIO_GPU_INTERNAL_H
#define HF_VIRTIO_GPU_INTERNAL_H

#include <endian.h>

#include "base/idr.h"
#include "drivers/virtio/gpu.h"

/* How long a device may take to answer. */
#define HF_GPU_TIMEOUT (10 * HF_NSEC_PER_SEC)
/* The only size that cursors have, pixels and lines. */
#define HF_GPU_CURSOR_SIZE 64
/* The least that a device can scan out, pixels or lines. */
#define HF_GPU_MIN_SIZE 16

struct hf_gpu_resource;

/* -- commands (command.c) ---------------------------------------------------- */

/* The queues, by their numbers. */
enum { HF_GPU_CONTROL, HF_GPU_CURSOR, HF_GPU_QUEUES };

/* What a command's end means to whoever sent it. @error: 0, or -EIO where the device
 * refused it, answered nonsense, or is down. */
typedef void (*hf_gpu_done)(void *data, int error);

/* Of hf_dma_alloc(); @size is what is used of it, bytes. */
struct hf_gpu_memory {
	void *cpu;
	hf_iova_t iova;
	size_t size;
};

/**
 * struct hf_gpu_command - A request, and room for the answer.
 * @link: in a queue, or hf_virtio_gpu.idle
 * @request: where it is; likewise @request_iova, and @size, bytes
 * @more: what the device reads after it; freed when it is complete
 * @response: where the answer goes; likewise @response_iova, and @room, bytes
 * @expected: type of that answer; 0: it has none
 * @fence: that the answer must have; 0: none
 * @sent: when the device got it, nanoseconds
 * @resource: held until it is complete
 * @done: called then, with @data; NULL: nobody
 * @once: nobody's any more: destroyed when it is complete
 */
struct hf_gpu_command {
	struct wl_list link;
	struct hf_virtio_gpu *gpu;
	void *request, *response;
	hf_iova_t request_iova, response_iova;
	uint32_t size, room;
	struct hf_gpu_memory more;
	uint32_t expected;
	uint64_t fence, sent;
	struct hf_gpu_resource *resource;
	hf_gpu_done done;
	void *data;
	bool once;
};

/**
 * struct hf_gpu_queue - A virtqueue, and what does not fit in.
 * @sent: what the device has, the oldest first
 * @waiting: what it has not, in order
 */
struct hf_gpu_queue {
	struct hf_virtqueue *vq;
	struct wl_list sent, waiting;
	bool kick;
};

/** hf_gpu_command_create() - Return: NULL and errno: ENOMEM, EIO. */
struct hf_gpu_command *hf_gpu_command_create(struct hf_virtio_gpu *gpu);
/** hf_gpu_command_destroy() - It is not being executed. Takes NULL. */
void hf_gpu_command_destroy(struct hf_gpu_command *command);
/**
 * hf_gpu_command_begin() - Make it a request of that type.
 * @size: bytes, with the header
 *
 * Return: where to write the rest, which is zero.
 */
void *hf_gpu_command_begin(struct hf_gpu_command *command, uint32_t type,
			   size_t size);
/** hf_gpu_command_fence() - Its answer says that what came before it is done. */
void hf_gpu_command_fence(struct hf_gpu_command *command);
/**
 * hf_gpu_command_send() - Queue it; the device must not be down.
 * @queue: HF_GPU_CONTROL or HF_GPU_CURSOR
 * @resource: that it uses, held until it is complete; or NULL
 * @done: called then, never from here
 *
 * The device sees it after hf_gpu_kick().
 */
void hf_gpu_command_send(struct hf_gpu_command *command, unsigned int queue,
			 struct hf_gpu_resource *resource, hf_gpu_done done,
			 void *data);
void hf_gpu_kick(struct hf_virtio_gpu *gpu);
/** hf_gpu_collect() - End what the device has completed. */
void hf_gpu_collect(struct hf_virtio_gpu *gpu);
/** hf_gpu_abort() - End all commands with an error; the device was reset. */
void hf_gpu_abort(struct hf_virtio_gpu *gpu);
/** hf_gpu_commands_init() - Idle; likewise _finish(), which frees their memory. */
void hf_gpu_commands_init(struct hf_virtio_gpu *gpu);
void hf_gpu_commands_finish(struct hf_virtio_gpu *gpu);

/* -- resources (resource.c) -------------------------------------------------- */

/**
 * struct hf_gpu_resource - A picture in the device, and the memory behind it.
 * @refcount: framebuffer, commands, and what is or will be shown
 * @width: pixels; that of a line with its padding
 * @pitch: bytes of a line
 * @offset: of the first line in the object, bytes
 * @mapping: the object's, from which the device transfers
 * @unref: the command that takes it away from the device
 * @accepted: the device has it
 */
struct hf_gpu_resource {
	struct hf_virtio_gpu *gpu;
	uint32_t id;
	unsigned int refcount;
	uint32_t width, height, pitch, offset;
	struct hf_gem_mapping *mapping;
	struct hf_gpu_command *unref;
	bool accepted;
};

/* A rectangle, pixels; x2 and y2 are not in it. */
struct hf_gpu_rect {
	uint32_t x1, y1, x2, y2;
};

static inline bool hf_gpu_rect_empty(const struct hf_gpu_rect *rect)
{
	return rect->x1 >= rect->x2 || rect->y1 >= rect->y2;
}

/** hf_gpu_rect_set() - As the device has it. */
static inline void hf_gpu_rect_set(struct virtio_gpu_rect *out,
				   const struct hf_gpu_rect *rect)
{
	out->x = htole32(rect->x1);
	out->y = htole32(rect->y1);
	out->width = htole32(rect->x2 - rect->x1);
	out->height = htole32(rect->y2 - rect->y1);
}

/** hf_gpu_format() - The device's name for a format; 0: it has none. */
uint32_t hf_gpu_format(uint32_t fourcc);
/**
 * hf_gpu_resource_create() - A framebuffer's, with one reference.
 *
 * The device must not be down. Return: NULL and errno: EINVAL for a framebuffer that
 * it cannot show; ENOMEM, EIO; EFAULT for an object that was purged.
 */
struct hf_gpu_resource *
hf_gpu_resource_create(struct hf_virtio_gpu *gpu,
		       const struct hf_framebuffer *fb);
struct hf_gpu_resource *hf_gpu_resource_get(struct hf_gpu_resource *resource);
/**
 * hf_gpu_resource_put() - Drop a reference. Takes NULL.
 *
 * With the last one the device is told to forget it, and its memory is let go when
 * it has.
 */
void hf_gpu_resource_put(struct hf_gpu_resource *resource);
/** hf_gpu_resource_replace() - Let *@slot hold @resource (or NULL). */
void hf_gpu_resource_replace(struct hf_gpu_resource **slot,
			     struct hf_gpu_resource *resource);
/** hf_gpu_resource_transfer() - Have the device read what is in @rect. */
void hf_gpu_resource_transfer(struct hf_gpu_resource *resource,
			      struct hf_gpu_command *command,
			      const struct hf_gpu_rect *rect, hf_gpu_done done,
			      void *data);

/* -- scanouts (display.c) ---------------------------------------------------- */

/**
 * struct hf_gpu_unit - Work that is asked for again and again.
 * @asked: how often it was
 * @begun: how much of that is on its way or done; likewise @done
 *
 * What is asked for while the unit has no commands free is one piece of work later,
 * however much it is.
 */
struct hf_gpu_unit {
	uint64_t asked, begun, done;
};

/* Updates of a primary that can be on their way: while the device works on one, the
 * next one is in the ring. */
#define HF_GPU_UPDATES 2

/**
 * struct hf_gpu_update - A piece of a primary's work.
 * @upto: what is done of what was asked for when this is complete
 * @busy: commands that are not complete; 0: it is free
 * @before: what the device was told to show before it
 */
struct hf_gpu_update {
	struct hf_gpu_scanout *scanout;
	uint64_t upto;
	unsigned int busy;
	struct hf_gpu_resource *before;
	struct hf_gpu_command *transfer, *set, *flush;
};

/**
 * struct hf_gpu_primary - What a scanout shows.
 * @resource: to be shown; NULL: nothing. Likewise @src, the part of it
 * @all: all of @src is to be transferred, else @damage is
 * @shown: what the device was told last; likewise @shown_src
 * @unsure: it has not done what it was told
 */
struct hf_gpu_primary {
	struct hf_gpu_unit unit;
	struct hf_gpu_resource *resource, *shown;
	struct hf_gpu_rect src, shown_src, damage;
	bool all, unsure;
	struct hf_gpu_update updates[HF_GPU_UPDATES];
};

/**
 * struct hf_gpu_cursor - The cursor of a scanout.
 * @resource: to be shown; NULL: none. Likewise @x and @y
 * @content: it is to be transferred
 * @next: it is being transferred, to be shown
 * @shown: what the device was told last; likewise @shown_x and @shown_y
 * @before: what it was told before, while that may be executed
 * @unsure: it has not done what it was told
 * @busy: one change at a time: it is on its way
 */
struct hf_gpu_cursor {
	struct hf_gpu_unit unit;
	struct hf_gpu_resource *resource, *next, *shown, *before;
	int32_t x, y, shown_x, shown_y;
	int32_t hot_x, hot_y; /* the spot in its picture that points */
	bool content, unsure, busy;
	struct hf_gpu_command *transfer, *update;
};

/**
 * struct hf_gpu_scanout - A monitor, and what it shows.
 * @width: of its picture, pixels; 0: it is off. Likewise @height
 * @edid: what it says of itself; likewise @edid_size, 0: nothing
 * @flip: ends when both units have done what was asked when it began:
 * @until: of the primary, of the cursor
 * @between: it is from one framebuffer to another: of the primary only what comes
 *	before has to be done
 */
struct hf_gpu_scanout {
	struct hf_virtio_gpu *gpu;
	unsigned int index;
	uint32_t width, height;
	uint8_t edid[1024];
	size_t edid_size;
	struct hf_gpu_primary primary;
	struct hf_gpu_cursor cursor;
	struct hf_flip *flip;
	uint64_t until[2];
	bool between;
};

/** hf_gpu_scanout_init() - Return: 0, -ENOMEM, -EIO. */
int hf_gpu_scanout_init(struct hf_gpu_scanout *scanout,
			struct hf_virtio_gpu *gpu, unsigned int index);
/** hf_gpu_scanout_clear() - The device is down: it shows nothing. */
void hf_gpu_scanout_clear(struct hf_gpu_scanout *scanout);

/* -- the device (gpu.c) ------------------------------------------------------ */

/**
 * struct hf_gpu_query - What monitors are there? One command at a time.
 * @answer: room for the largest answer
 * @at: scanout whose EDID is asked for
 * @running: it is being asked; @again: something changed since
 * @known: there was an answer
 */
struct hf_gpu_query {
	struct hf_gpu_command *command;
	struct hf_gpu_memory answer;
	unsigned int at;
	bool running, again, known;
};

/**
 * struct hf_virtio_gpu - A device.
 * @kms: its display; NULL: there is none yet, or none any more
 * @timer: the watchdog, which is armed while commands are on the way; @timeout: what
 *	it allows for, nanoseconds
 * @live: it was told of memory
 * @down: it was stopped or is broken: no command is sent any more
 * @lost: it may be working, nobody knows: what it may reach is kept
 * @complained: a bit for each kind of complaint that was in the log
 * @stale: monitors have changed, and the display does not know
 * @has_edid: that can be asked for
 * @idle: commands that nobody has
 * @pages: memory of commands
 * @ids: of resources, all that there are
 * @kept: the next device that was never reset
 */
struct hf_virtio_gpu {
	struct hf_virtio *virtio;
	struct hf_clock *clock;
	struct hf_kms_device *kms;
	struct hf_timer timer;
	uint64_t timeout;
	bool live, down, lost, stale, has_edid;
	uint32_t complained;
	uint64_t last_fence;
	struct hf_virtio_gpu_stats stats;
	struct hf_gpu_queue queues[HF_GPU_QUEUES];
	struct wl_list idle, pages;
	struct hf_idr ids;
	struct hf_gpu_query query;
	unsigned int num_scanouts;
	struct hf_gpu_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	struct hf_virtio_gpu *kept;
};

/** hf_gpu_alloc() - Whole pages for @size bytes. 0, -ENOMEM, -EIO. */
int hf_gpu_alloc(struct hf_virtio_gpu *gpu, size_t size,
		 struct hf_gpu_memory *memory);
/** hf_gpu_free() - Unless the device may still reach it. Takes a zeroed one. */
void hf_gpu_free(struct hf_virtio_gpu *gpu, struct hf_gpu_memory *memory);
/**
 * hf_gpu_fail() - It cannot be relied on: say why, reset it, end all commands.
 *
 * Connectors are unplugged. Does nothing where it is down.
 */
void hf_gpu_fail(struct hf_virtio_gpu *gpu, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *hf_gpu_name(const struct hf_virtio_gpu *gpu);

#endif
