/* SPDX-License-Identifier: MIT */
/*
 * Names and sessions of virtual terminals. See the header. No state, no locks.
 */
#undef _FORTIFY_SOURCE
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "shim/descriptor.h"
#include "shim/shim.h"
#include "shim/tty.h"

/*
 * The first terminal that a session's leader opens is its controlling terminal, but for
 * /dev/tty0, which stands for another, and unless it is only written. All else that is
 * in the way the kernel sees to.
 */
void hf_tty_opened(int fd, const char *path, int flags)
{
	int saved = errno;

	if (!(flags & O_NOCTTY) && (flags & O_ACCMODE) != O_WRONLY &&
	    strcmp(path, "/dev/tty0") && getsid(0) == getpid())
		REAL(ioctl)(fd, TIOCSCTTY, 0);
	errno = saved;
}

bool hf_tty_path(int fd, char path[HF_TTY_PATH])
{
	unsigned int number = hf_vt_number(fd);

	if (number)
		snprintf(path, HF_TTY_PATH, "/dev/tty%u", number);
	return number;
}

HF_SHIM_EXPORT int ttyname_r(int fd, char *buf, size_t size)
{
	char path[HF_TTY_PATH];

	if (!hf_tty_path(fd, path))
		return REAL(ttyname_r)(fd, buf, size);
	if (size <= strlen(path)) {
		errno = ERANGE;
		return ERANGE;
	}
	strcpy(buf, path);
	return 0;
}

int __ttyname_r_chk(int fd, char *buf, size_t size, size_t room);

HF_SHIM_EXPORT int __ttyname_r_chk(int fd, char *buf, size_t size, size_t room)
{
	return size > room ? REAL(__ttyname_r_chk)(fd, buf, size, room) :
			     ttyname_r(fd, buf, size);
}

HF_SHIM_EXPORT char *ttyname(int fd)
{
	static char path[HF_TTY_PATH];

	return hf_tty_path(fd, path) ? path : REAL(ttyname)(fd);
}
