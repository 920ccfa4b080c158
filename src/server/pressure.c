/* SPDX-License-Identifier: MIT */
/*
 * Memory pressure: when the machine stalls for lack of memory (PSI,
 * Documentation/accounting/psi.rst), objects that nobody needs are purged. A
 * machine without PSI has only the limit of `--memory`.
 *
 * A trigger takes the kernel tens of milliseconds to remove, so there is none until
 * there is something to purge.
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

/* Called with the lock held, by any thread. */
static void arm(struct hf_system *sys)
{
	struct epoll_event event = { .events = EPOLLPRI };

	if (sys->psi_fd >= 0)
		return;
	sys->psi_fd = open("/proc/pressure/memory",
			   O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (sys->psi_fd >= 0 &&
	    write(sys->psi_fd, trigger, sizeof(trigger)) > 0)
		epoll_ctl(sys->pressure_fd, EPOLL_CTL_ADD, sys->psi_fd, &event);
}

static void purging_makes_sense(struct hf_gem_device *gem)
{
	struct hf_device *dev = wl_container_of(gem, dev, gem);

	arm(dev->sys);
}

/* The event loop knows readable and writable; a trigger fires with EPOLLPRI. */
void hf_pressure_watch(struct hf_server *server)
{
	struct hf_system *sys = server->sys;
	struct hf_device *dev;

	sys->pressure_fd = epoll_create1(EPOLL_CLOEXEC);
	if (sys->pressure_fd < 0)
		return;
	server->pressure = wl_event_loop_add_fd(server->loop, sys->pressure_fd,
						WL_EVENT_READABLE, stalled,
						server);
	wl_list_for_each(dev, &sys->devices, link)
		dev->gem.purging_makes_sense = purging_makes_sense;
}

void hf_pressure_unwatch(struct hf_server *server)
{
	struct hf_system *sys = server->sys;

	if (server->pressure)
		wl_event_source_remove(server->pressure);
	if (!sys)
		return;
	if (sys->pressure_fd >= 0)
		close(sys->pressure_fd);
	if (sys->psi_fd >= 0)
		close(sys->psi_fd);
}
