/* SPDX-License-Identifier: MIT */
/* What the devices of a server share. See the header. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "gem/userptr.h"
#include "uapi/problem.h"
#include "uapi/system.h"

static int make_instance(struct hf_system *sys)
{
	unsigned char id[8];

	if (getrandom(id, sizeof(id), 0) != sizeof(id))
		return -errno;
	for (size_t i = 0; i < sizeof(id); i++)
		snprintf(sys->instance + 2 * i, 3, "%02x", id[i]);
	return 0;
}

struct hf_system *hf_system_create(const struct hf_memory_options *memory)
{
	struct hf_system *sys = calloc(1, sizeof(*sys));
	int ret;

	if (!sys)
		return NULL;
	pthread_mutex_init(&sys->lock, NULL);
	wl_list_init(&sys->devices);
	sys->next_file = 1;
	sys->changed_fd = sys->psi_fd = sys->pressure_fd = -1;
	ret = hf_endpoints_init(&sys->endpoints);
	if (!ret)
		ret = make_instance(sys);
	if (!ret) {
		sys->clock = hf_clock_create();
		sys->real_clock = hf_clock_create();
		sys->mem = hf_memory_create(memory);
		sys->changed_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (!sys->clock || !sys->real_clock || !sys->mem ||
		    sys->changed_fd < 0)
			ret = -errno;
	}
	if (!ret) {
		hf_fence_faults_init(&sys->fences, sys->clock);
		sys->user_files =
			hf_user_files_create(sys->mem, sys->real_clock);
		if (!sys->user_files)
			ret = -ENOMEM;
	}
	if (!ret)
		return sys;
	hf_system_destroy(sys);
	errno = -ret;
	return NULL;
}

void hf_system_destroy(struct hf_system *sys)
{
	if (!sys)
		return;
	hf_endpoints_finish(&sys->endpoints);
	hf_problems_destroy(sys->problems);
	hf_user_files_destroy(sys->user_files);
	hf_memory_destroy(sys->mem);
	hf_clock_destroy(sys->clock);
	hf_clock_destroy(sys->real_clock);
	free(sys->ioctl_faults);
	if (sys->changed_fd >= 0)
		close(sys->changed_fd);
	pthread_mutex_destroy(&sys->lock);
	free(sys);
}
