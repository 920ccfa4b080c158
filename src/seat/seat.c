/* SPDX-License-Identifier: MIT */
/*
 * The seat: finds which of its parts a node or a descriptor is of. See the header.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/kd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "seat/input_device.h"
#include "seat/internal.h"
#include "seat/keymap.h"
#include "seat/seatd.h"

static void ttys_changed(void *data)
{
	struct hf_seat *seat = data;

	if (seat->funcs->ttys)
		seat->funcs->ttys(seat->data);
}

static void set_lights(void *data, unsigned int lights)
{
	struct hf_seat *seat = data;
	struct hf_input *keyboard = seat->input[HF_INPUT_KEYBOARD];

	if (!keyboard->plugged)
		return;
	hf_input_event(keyboard, EV_LED, LED_SCROLLL, !!(lights & LED_SCR));
	hf_input_event(keyboard, EV_LED, LED_NUML, !!(lights & LED_NUM));
	hf_input_event(keyboard, EV_LED, LED_CAPSL, !!(lights & LED_CAP));
	hf_input_event(keyboard, EV_SYN, SYN_REPORT, 0);
}

static const struct hf_vt_funcs vt_funcs = {
	.ttys = ttys_changed,
	.leds = set_lights,
};

struct hf_seat *hf_seat_create(struct hf_system *sys,
			       const struct hf_seat_funcs *funcs, void *data)
{
	struct hf_seat *seat = calloc(1, sizeof(*seat));
	int ret;

	if (!seat)
		return NULL;
	seat->sys = sys;
	seat->funcs = funcs;
	seat->data = data;
	hf_input_queue_init(&seat->queue, seat);
	ret = hf_inputs_init(seat);
	if (!ret) {
		seat->vts = hf_vts_create(sys, &vt_funcs, seat);
		ret = seat->vts ? 0 : -errno;
	}
	if (!ret) {
		seat->seatd = hf_seatd_create(sys, seat->vts, seat, funcs->find,
					      data);
		ret = seat->seatd ? 0 : -errno;
	}
	if (!ret)
		return seat;
	hf_seat_destroy(seat);
	errno = -ret;
	return NULL;
}

void hf_seat_destroy(struct hf_seat *seat)
{
	if (!seat)
		return;
	hf_input_queue_finish(&seat->queue);
	hf_seatd_destroy(seat->seatd);
	hf_vts_destroy(seat->vts);
	hf_inputs_finish(seat);
	hf_keymap_destroy(seat->xkb);
	free(seat);
}

struct hf_vts *hf_seat_vts(const struct hf_seat *seat)
{
	return seat->vts;
}

/* The nodes are the server's user's. */
static bool may_open(const struct hf_cred *cred)
{
	return cred->uid == 0 || cred->uid == geteuid() ||
	       cred->gid == getegid();
}

/* Return: the minor number of a terminal's node, or -1. */
static int tty_minor(const char *path)
{
	unsigned int minor;
	int end = 0;

	return sscanf(path, "/dev/tty%2u%n", &minor, &end) == 1 && !path[end] &&
			       minor <= HF_VT_MAX ?
		       (int)minor : -1;
}

int hf_seat_set_owner(struct hf_seat *seat, const struct hf_cred *cred,
		      const char *path, uint32_t uid, uint32_t gid,
		      uint32_t mode)
{
	int minor = tty_minor(path), ret;

	if (minor < 0)
		return -EPERM;
	ret = hf_vt_set_owner(seat->vts, cred, (unsigned int)minor, uid, gid,
			      mode);
	if (!ret)
		seat->funcs->changed(seat->data);
	return ret;
}

int hf_seat_open(struct hf_seat *seat, const struct hf_cred *cred,
		 const char *path, int flags, int *fd)
{
	struct hf_input *input = hf_input_by_path(seat, path);
	int minor = tty_minor(path);

	if (minor >= 0)
		return hf_vt_may_open(seat->vts, cred, (unsigned int)minor,
				      flags) ?
			       hf_vt_open(seat->vts, (unsigned int)minor, flags,
					  fd) : -EACCES;
	if (!input)
		return -ENXIO;
	if (!may_open(cred))
		return -EACCES;
	return hf_input_open(input, flags, fd);
}

int hf_seat_ioctl(struct hf_seat *seat, struct hf_call *call)
{
	struct hf_input_reader *reader;
	unsigned int number;

	if (!call->nfds_in)
		return -EBADF;
	if (_IOC_TYPE(call->cmd) != 'E') {
		number = hf_vt_of(seat->vts, call->fds_in[0]);
		return number ? hf_vt_ioctl(seat->vts, call, number) : -ENOTTY;
	}
	reader = hf_input_reader_of(seat, call->fds_in[0]);
	return reader ? hf_input_ioctl(reader, call) : -ENODEV;
}

void hf_seat_revoke(struct hf_seat *seat, int fd)
{
	struct hf_input_reader *reader = hf_input_reader_of(seat, fd);

	if (reader)
		hf_input_reader_revoke(reader, fd);
}

struct hf_seatd *hf_seat_seatd(const struct hf_seat *seat)
{
	return seat->seatd;
}
