/* SPDX-License-Identifier: MIT */
/*
 * Memory pressure: when the machine stalls for lack of memory (PSI,
 * Documentation/accounting/psi.rst), objects that nobody needs are purged. A
 * machine without PSI has only the limit of `--memory`.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/log.h"
#include "server/server.h"

/* 100 ms of stalling in 2 s; a user may ask for windows of 2 s only. */
static const char trigger[] = "some 100000 2000000";

/* Purged at a time, bytes. */
#define STEP (64u << 20)

static int stalled(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;
	struct epoll_event event;
	struct hf_device *dev;
	uint64_t freed = 0;

	(void)mask;
	if (epoll_wait(fd, &event, 1, 0) != 1)
		return 0;
	pthread_mutex_lock(&server->sys->lock);
	wl_list_for_each(dev, &server->sys->devices, link)
		freed += hf_gem_reclaim(&dev->gem, STEP);
	pthread_mutex_unlock(&server->sys->lock);
	if (freed)
		hf_info("memory is short: purged %lu bytes", freed);
	return 0;
}

/* The event loop knows readable and writable; a trigger fires with EPOLLPRI. */
static int wrap(int psi)
{
	struct epoll_event event = { .events = EPOLLPRI };
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd >= 0 && epoll_ctl(fd, EPOLL_CTL_ADD, psi, &event)) {
		close(fd);
		return -1;
	}
	return fd;
}

void hf_pressure_watch(struct hf_server *server)
{
	int psi = open("/proc/pressure/memory", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	server->psi_fd = psi;
	server->pressure_fd = -1;
	if (psi < 0 || write(psi, trigger, sizeof(trigger)) < 0)
		return;
	server->pressure_fd = wrap(psi);
	if (server->pressure_fd >= 0)
		server->pressure = wl_event_loop_add_fd(
			server->loop, server->pressure_fd, WL_EVENT_READABLE,
			stalled, server);
}

void hf_pressure_unwatch(struct hf_server *server)
{
	if (server->pressure)
		wl_event_source_remove(server->pressure);
	if (server->pressure_fd >= 0)
		close(server->pressure_fd);
	if (server->psi_fd >= 0)
		close(server->psi_fd);
}
