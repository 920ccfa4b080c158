/* SPDX-License-Identifier: MIT */
/* The VTs, as any program sees them: by /dev/tty0. No state. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/vt.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "logind/logind.h"

static int open_console(void)
{
	int fd = open("/dev/tty0", O_RDWR | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

unsigned int vt_active(void)
{
	struct vt_stat state = { .v_active = 1 };
	int fd = open_console();

	if (fd < 0)
		return 1;
	ioctl(fd, VT_GETSTATE, &state);
	close(fd);
	return state.v_active;
}

int vt_activate(unsigned int vt)
{
	int fd, ret;

	if (vt == vt_active())
		return 0;
	fd = open_console();
	if (fd < 0)
		return fd;
	ret = ioctl(fd, VT_ACTIVATE, vt) ? -errno : 0;
	close(fd);
	return ret;
}
