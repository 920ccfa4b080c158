/* SPDX-License-Identifier: MIT */
/*
 * Giving memory back to the machine takes its time, a quarter of a second a
 * gigabyte, and those who do it hold the lock of the devices. So what is large is
 * unmapped and closed by a thread that does nothing else. Nobody uses it any more
 * then, and it is not counted.
 *
 * It has a lock of its own.
 */
#ifndef HF_MEM_REAPER_H
#define HF_MEM_REAPER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <wayland-util.h>

struct hf_reaper {
	pthread_mutex_t lock;
	pthread_cond_t work;
	pthread_t thread;
	bool started, stop;
	struct wl_list queue;
};

void hf_reaper_init(struct hf_reaper *reaper);
/** hf_reaper_finish() - Returns when all is given back. */
void hf_reaper_finish(struct hf_reaper *reaper);

/** hf_reaper_unmap() - munmap(2), now or soon. Takes NULL. */
void hf_reaper_unmap(struct hf_reaper *reaper, void *map, size_t size);
/** hf_reaper_close() - close(2) of a memfd of @size bytes, now or soon. */
void hf_reaper_close(struct hf_reaper *reaper, int fd, size_t size);

#endif
