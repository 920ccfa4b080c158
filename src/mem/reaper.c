/* SPDX-License-Identifier: MIT */
/* A thread that gives large memory back. See the header. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem/reaper.h"

/* Below, handing it over costs more than doing it, bytes. */
#define LARGE (1u << 20)

/* A mapping, or a file where @map is NULL. */
struct item {
	void *map;
	size_t size;
	int fd;
	struct wl_list link;
};

static void give_back(const struct item *item)
{
	if (item->map)
		munmap(item->map, item->size);
	else
		close(item->fd);
}

void hf_reaper_init(struct hf_reaper *reaper)
{
	pthread_mutex_init(&reaper->lock, NULL);
	pthread_cond_init(&reaper->work, NULL);
	wl_list_init(&reaper->queue);
	reaper->started = reaper->stop = false;
}

static void *reap(void *arg)
{
	struct hf_reaper *reaper = arg;

	pthread_mutex_lock(&reaper->lock);
	while (!reaper->stop || !wl_list_empty(&reaper->queue)) {
		struct item *item;

		if (wl_list_empty(&reaper->queue)) {
			pthread_cond_wait(&reaper->work, &reaper->lock);
			continue;
		}
		item = wl_container_of(reaper->queue.next, item, link);
		wl_list_remove(&item->link);
		pthread_mutex_unlock(&reaper->lock);
		give_back(item);
		free(item);
		pthread_mutex_lock(&reaper->lock);
	}
	pthread_mutex_unlock(&reaper->lock);
	return NULL;
}

static bool start(struct hf_reaper *reaper)
{
	sigset_t all, before;

	if (reaper->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	reaper->started = !pthread_create(&reaper->thread, NULL, reap, reaper);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return reaper->started;
}

static void hand_over(struct hf_reaper *reaper, const struct item *what)
{
	struct item *item = what->size < LARGE ? NULL : malloc(sizeof(*item));

	if (!item) {
		give_back(what);
		return;
	}
	*item = *what;
	pthread_mutex_lock(&reaper->lock);
	if (start(reaper)) {
		wl_list_insert(reaper->queue.prev, &item->link);
		pthread_cond_signal(&reaper->work);
		item = NULL;
	}
	pthread_mutex_unlock(&reaper->lock);
	if (item)
		give_back(item);
	free(item);
}

void hf_reaper_unmap(struct hf_reaper *reaper, void *map, size_t size)
{
	if (map)
		hand_over(reaper, &(struct item){ .map = map, .size = size });
}

void hf_reaper_close(struct hf_reaper *reaper, int fd, size_t size)
{
	hand_over(reaper, &(struct item){ .fd = fd, .size = size });
}

void hf_reaper_finish(struct hf_reaper *reaper)
{
	pthread_mutex_lock(&reaper->lock);
	reaper->stop = true;
	pthread_cond_signal(&reaper->work);
	pthread_mutex_unlock(&reaper->lock);
	if (reaper->started)
		pthread_join(reaper->thread, NULL);
	pthread_cond_destroy(&reaper->work);
	pthread_mutex_destroy(&reaper->lock);
}
