/* SPDX-License-Identifier: MIT */
/*
 * Devices that a session has taken. See the header; the system's lock protects them.
 *
 * The files and devices behind a descriptor are found by it, as for a client that
 * shows one: so what is unplugged meanwhile leaves nothing that points nowhere.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "seat/input.h"
#include "seat/seat.h"
#include "seat/taken.h"
#include "uapi/system.h"

#define DRM_MAJOR 226

static struct hf_file *file_of(const struct hf_taken *taken)
{
	return hf_file_of_endpoint(
		hf_endpoint_of(&taken->sys->endpoints, taken->fd));
}

/*
 * As the kernel has it for a file that another process has opened: whose it is cannot
 * make it master again, unless it is root's.
 */
static void make_master(struct hf_file *file)
{
	int ret = file->render ? 0 : hf_file_set_master(file);

	if (ret)
		hf_warn("pid %d: not made master: error %d", file->cred.pid, ret);
	file->was_master = false;
}

static int open_drm(struct hf_system *sys, const struct hf_cred *cred,
		    uint32_t minor)
{
	/* It is the seat's manager who opens, and it may. */
	struct hf_cred own = {
		.pid = cred->pid,
		.uid = geteuid(),
		.gid = getegid(),
	};
	struct hf_file *file;
	int fd;

	file = hf_file_open(sys, minor, &own, &fd);
	if (!file)
		return -errno;
	file->cred = *cred;
	make_master(file);
	return fd;
}

static int open_input(struct hf_seat *seat, uint32_t minor)
{
	const struct hf_cred own = { .uid = geteuid(), .gid = getegid() };
	char path[32];
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/input/event%u",
		 minor - HF_INPUT_MINOR);
	ret = hf_seat_open(seat, &own, path, O_RDWR, &fd);
	return ret ? ret : fd;
}

static int open_device(struct hf_system *sys, struct hf_seat *seat,
		       const struct hf_cred *cred, uint32_t major,
		       uint32_t minor)
{
	int fd = -ENODEV;

	if (major == DRM_MAJOR)
		fd = open_drm(sys, cred, minor);
	else if (seat && major == HF_INPUT_MAJOR && minor >= HF_INPUT_MINOR)
		fd = open_input(seat, minor);
	if (fd >= 0 && fd >= sys->endpoints.max_fds) {
		close(fd);
		return -ENFILE;
	}
	if (fd >= 0)
		fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK);
	return fd;
}

struct hf_taken *hf_taken_open(struct hf_system *sys, struct hf_seat *seat,
			       const struct hf_cred *cred, uint32_t major,
			       uint32_t minor)
{
	struct hf_taken *taken = calloc(1, sizeof(*taken));

	if (!taken)
		return NULL;
	*taken = (struct hf_taken){
		.sys = sys,
		.seat = seat,
		.major = major,
		.minor = minor,
		.fd = open_device(sys, seat, cred, major, minor),
		.active = true,
	};
	if (taken->fd < 0) {
		int err = -taken->fd;

		free(taken);
		errno = err;
		return NULL;
	}
	wl_list_init(&taken->link);
	return taken;
}

void hf_taken_close(struct hf_taken *taken)
{
	if (!taken)
		return;
	hf_taken_pause(taken);
	wl_list_remove(&taken->link);
	close(taken->fd);
	free(taken);
}

void hf_taken_pause(struct hf_taken *taken)
{
	struct hf_file *file = file_of(taken);

	taken->active = false;
	if (file)
		hf_file_drop_master(file);
	if (taken->major == HF_INPUT_MAJOR)
		hf_seat_revoke(taken->seat, taken->fd);
}

int hf_taken_resume(struct hf_taken *taken)
{
	struct hf_file *file = file_of(taken);

	if (taken->active)
		return 0;
	if (taken->major != DRM_MAJOR)
		return -EINVAL;
	taken->active = true;
	if (file)
		make_master(file);
	return 0;
}
