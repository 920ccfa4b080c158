/* SPDX-License-Identifier: MIT */
/*
 * The ptys that VTs are. See the headers. The system's lock is held.
 *
 * The server has the master, programs have slaves, each opened anew, so that everything
 * that a tty does is done by the kernel's. When the last slave is closed the master
 * hangs up and goes, too: the next one who opens the VT finds it as it was in the
 * beginning, as with the kernel's, whose settings go with the last close.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include "seat/vt_internal.h"

/* Reads of a master at a time, before others have their turn. */
#define ROUNDS 16

static int open_slave(int master, int flags)
{
	int fd = ioctl(master, TIOCGPTPEER, flags | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Where a pty differs from what a VT starts with. */
static int set_up(struct hf_tty *tty)
{
	struct winsize size = { .ws_row = tty->rows, .ws_col = tty->cols };
	struct termios termios;

	if (tcgetattr(tty->master, &termios))
		return -errno;
	termios.c_iflag |= IUTF8;
	termios.c_cflag |= HUPCL;
	if (tcsetattr(tty->master, TCSANOW, &termios) ||
	    ioctl(tty->master, TIOCSWINSZ, &size))
		return -errno;
	return 0;
}

/* Which one is it? */
static int identify(struct hf_tty *tty, int slave)
{
	struct stat st;

	if (fstat(slave, &st))
		return -errno;
	tty->dev = st.st_dev;
	/* No other pty has this bit: a mark for those who hold the descriptor. */
	if (fchmod(slave, (st.st_mode & 0777) | S_ISVTX))
		return -errno;
	return ioctl(tty->master, TIOCGPTN, &tty->pts) ? -errno : 0;
}

/* Make the pty, with a first slave open, for else it would count as hung up. */
static int make(struct hf_vts *vts, struct hf_vt *vt, int flags)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = vt };
	struct hf_tty *tty = &vt->tty;
	int ret = 0, slave = -1, unlock = 0;

	tty->length = tty->end = 0;
	tty->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (tty->master < 0)
		return -errno;
	if (ioctl(tty->master, TIOCSPTLCK, &unlock))
		ret = -errno;
	if (!ret)
		ret = set_up(tty);
	if (!ret)
		ret = slave = open_slave(tty->master, flags);
	if (ret >= 0)
		ret = identify(tty, slave);
	if (!ret && epoll_ctl(vts->epoll, EPOLL_CTL_ADD, tty->master, &event))
		ret = -errno;
	if (!ret)
		return slave;
	if (slave >= 0)
		close(slave);
	close(tty->master);
	tty->master = -1;
	return ret;
}

static void tell(struct hf_vts *vts)
{
	if (vts->funcs.ttys)
		vts->funcs.ttys(vts->data);
}

int hf_tty_open(struct hf_vts *vts, struct hf_vt *vt, int flags)
{
	int fd;

	flags &= O_ACCMODE | O_NONBLOCK;
	if (hf_tty_in_use(vts, vt) && vt->tty.master >= 0)
		return open_slave(vt->tty.master, flags);
	fd = make(vts, vt, flags);
	if (fd >= 0)
		tell(vts);
	return fd;
}

/* Keep the end of what was written. */
static void keep(struct hf_tty *tty, const char *bytes, size_t size)
{
	if (!tty->text)
		tty->text = malloc(HF_TTY_TEXT);
	if (!tty->text)
		return;
	for (size_t i = 0; i < size; i++) {
		tty->text[tty->end] = bytes[i];
		tty->end = (tty->end + 1) % HF_TTY_TEXT;
	}
	tty->length += size;
	if (tty->length > HF_TTY_TEXT)
		tty->length = HF_TTY_TEXT;
}

/* Nobody who writes may have to wait for a reader. Return: false at the end. */
static bool drain(struct hf_tty *tty, int rounds)
{
	char bytes[4096];

	while (rounds-- > 0) {
		ssize_t n = read(tty->master, bytes, sizeof(bytes));

		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		keep(tty, bytes, (size_t)n);
	}
	return true;
}

static bool hung_up(const struct hf_tty *tty)
{
	struct pollfd p = { .fd = tty->master };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

bool hf_tty_in_use(struct hf_vts *vts, struct hf_vt *vt)
{
	if (vt->tty.master >= 0 && hung_up(&vt->tty)) {
		drain(&vt->tty, ROUNDS); /* what was written last */
		hf_tty_close(vts, vt);
	}
	return vt->tty.master >= 0 || vt->tty.held;
}

void hf_tty_close(struct hf_vts *vts, struct hf_vt *vt)
{
	struct hf_tty *tty = &vt->tty;

	if (tty->master < 0)
		return;
	close(tty->master);
	tty->master = -1;
	tell(vts);
}

size_t hf_vt_text(struct hf_vts *vts, unsigned int number, char *text,
		  size_t size)
{
	const struct hf_tty *tty = &vts->vt[number].tty;
	size_t n = size < tty->length ? size : tty->length;

	if (number < 1 || number > HF_VT_MAX)
		return 0;
	for (size_t i = 0; i < n; i++)
		text[i] = tty->text[(tty->end + HF_TTY_TEXT - n + i) %
				    HF_TTY_TEXT];
	return n;
}

void hf_tty_type(struct hf_vt *vt, const void *bytes, size_t size)
{
	if (vt->tty.master >= 0 && write(vt->tty.master, bytes, size) < 0)
		return; /* nobody reads */
}

void hf_tty_flush(struct hf_vts *vts, struct hf_vt *vt)
{
	int slave;

	if (!hf_tty_in_use(vts, vt) || vt->tty.master < 0)
		return;
	slave = open_slave(vt->tty.master, O_RDWR);
	if (slave < 0)
		return;
	tcflush(slave, TCIFLUSH);
	close(slave);
}

bool hf_tty_resize(struct hf_vt *vt, unsigned int rows, unsigned int cols)
{
	struct hf_tty *tty = &vt->tty;
	struct winsize size = { 0 };

	/* A program may have set it as one does with any tty. */
	if (tty->master >= 0 && !ioctl(tty->master, TIOCGWINSZ, &size)) {
		tty->rows = size.ws_row;
		tty->cols = size.ws_col;
	}
	size.ws_row = (unsigned short)(rows ? rows : tty->rows);
	size.ws_col = (unsigned short)(cols ? cols : tty->cols);
	if (size.ws_row == tty->rows && size.ws_col == tty->cols)
		return false;
	tty->rows = size.ws_row;
	tty->cols = size.ws_col;
	if (tty->master >= 0)
		ioctl(tty->master, TIOCSWINSZ, &size);
	return true;
}

int hf_vt_open(struct hf_vts *vts, unsigned int minor, int flags, int *fd)
{
	struct hf_vt *vt;

	if (minor > HF_VT_MAX)
		return -ENXIO;
	vt = &vts->vt[minor ? minor : vts->active];
	*fd = hf_tty_open(vts, vt, flags);
	if (*fd < 0)
		return *fd;
	vt->allocated = true;
	return 0;
}

/*
 * By the pty that it is; by /dev/tty, which is a file of its own, a process has it open,
 * too. What the kernel knows without asking a file system is enough, for one of a
 * client's own may never answer.
 */
unsigned int hf_vt_of(struct hf_vts *vts, int fd)
{
	struct statx st;
	unsigned int dev;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) ||
	    !S_ISCHR(st.stx_mode) || ioctl(fd, TIOCGDEV, &dev))
		return 0;
	for (unsigned int i = 1; i <= HF_VT_MAX; i++) {
		const struct hf_tty *tty = &vts->vt[i].tty;

		if (tty->master >= 0 && minor(dev) == tty->pts &&
		    (makedev(st.stx_dev_major, st.stx_dev_minor) == tty->dev ?
			     st.stx_rdev_minor == tty->pts :
			     st.stx_rdev_major == 5 && !st.stx_rdev_minor))
			return i;
	}
	return 0;
}

int hf_vts_fd(const struct hf_vts *vts)
{
	return vts->epoll;
}

void hf_vts_dispatch(struct hf_vts *vts)
{
	struct epoll_event events[16];
	int n = epoll_wait(vts->epoll, events, 16, 0);

	for (int i = 0; i < n; i++) {
		struct hf_vt *vt = events[i].data.ptr;

		if (vt->tty.master >= 0 && (events[i].events & EPOLLIN))
			drain(&vt->tty, ROUNDS);
		hf_tty_in_use(vts, vt);
	}
}

uint64_t hf_vts_ttys(const struct hf_vts *vts, uint32_t ttys[HF_VT_MAX + 1])
{
	uint64_t dev = 0;

	memset(ttys, 0, (HF_VT_MAX + 1) * sizeof(*ttys));
	for (unsigned int i = 1; i <= HF_VT_MAX; i++) {
		const struct hf_tty *tty = &vts->vt[i].tty;

		if (tty->master < 0)
			continue;
		ttys[i] = tty->pts + 1;
		dev = tty->dev;
	}
	return dev;
}
