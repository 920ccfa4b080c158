/* SPDX-License-Identifier: MIT */
/*
 * Ioctls on a VT: who may, those of type 'V', and TIOCLINUX. The order of checks is that
 * of the kernel's vt_ioctl(). The system's lock is held.
 *
 * The server's user is to its own seat what root is to the machine's.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/tiocl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "seat/vt_internal.h"

/* The kernel's limit of a console. */
#define MAX_CHARS 32767

/* -- arguments ------------------------------------------------------------- */

unsigned long hf_vt_arg(const struct hf_vt_caller *c)
{
	uint64_t arg;

	memcpy(&arg, c->call->arg, sizeof(arg));
	return arg;
}

int hf_vt_get(const struct hf_vt_caller *c, void *to, size_t size)
{
	const struct hf_wire_array *array = &c->call->arrays[0];

	if ((array->flags & HF_ARRAY_FAULT) || array->len < size)
		return -EFAULT;
	memcpy(to, c->call->arg, size);
	return 0;
}

int hf_vt_put(const struct hf_vt_caller *c, const void *from, size_t size)
{
	memcpy(c->call->arg, from, size);
	c->call->out_size = (uint32_t)size;
	return 0;
}

/* -- rights ---------------------------------------------------------------- */

/* Is the VT the controlling terminal of the process that calls? */
static bool controls(const struct hf_vt_caller *c)
{
	char path[32], stat[512];
	const char *end;
	ssize_t n;
	int fd, tty;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)c->call->cred.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	/* Behind the name, which may be anything: state, ppid, pgrp, session, tty. */
	end = strrchr(stat, ')');
	if (!end || sscanf(end + 1, " %*c %*d %*d %*d %d", &tty) != 1)
		return false;
	/* Which is encoded as the kernel does it for user space. */
	return c->vt->tty.master >= 0 && major((dev_t)tty) >= 136 &&
	       major((dev_t)tty) <= 143 && minor((dev_t)tty) == c->vt->tty.pts;
}

static void judge(struct hf_vt_caller *c)
{
	const struct hf_cred *cred = &c->call->cred;

	c->capable = hf_cred_capable(cred) ||
		     (geteuid() != 0 && cred->uid == geteuid());
	c->perm = c->capable || controls(c);
}

/* -- waiting --------------------------------------------------------------- */

static void stop_waiting(struct hf_call *call)
{
	wl_list_remove(&call->wait.vt.link);
}

static int park(const struct hf_vt_caller *c, unsigned int events,
		unsigned int number)
{
	struct hf_call *call = c->call;

	call->wait.vt.events = events;
	call->wait.vt.number = number;
	wl_list_insert(c->vts->waits.prev, &call->wait.vt.link);
	return hf_call_park(call, stop_waiting, true);
}

static int wait_active(const struct hf_vt_caller *c, unsigned long number)
{
	if (number == 0 || number > HF_VT_MAX)
		return -ENXIO;
	if (number == c->vts->active)
		return 0;
	return park(c, VT_EVENT_SWITCH, (unsigned int)number);
}

static int wait_event(const struct hf_vt_caller *c)
{
	struct vt_event event;

	if (hf_vt_get(c, &event, sizeof(event)))
		return -EFAULT;
	if (event.event & ~(unsigned int)VT_MAX_EVENT)
		return -EINVAL;
	return park(c, event.event, 0);
}

/* -- requests -------------------------------------------------------------- */

static int open_query(const struct hf_vt_caller *c)
{
	int number = -1;

	for (int i = 1; i <= HF_VT_MAX && number < 0; i++)
		if (!hf_vt_in_use(c->vts, &c->vts->vt[i]))
			number = i;
	return hf_vt_put(c, &number, sizeof(number));
}

static int get_state(const struct hf_vt_caller *c)
{
	struct vt_stat state;

	if (hf_vt_get(c, &state, sizeof(state)))
		return -EFAULT;
	state.v_active = (unsigned short)c->vts->active;
	state.v_state = 1; /* /dev/tty0 */
	for (unsigned int i = 1; i < 16; i++)
		if (hf_vt_in_use(c->vts, &c->vts->vt[i]))
			state.v_state |= (unsigned short)(1u << i);
	return hf_vt_put(c, &state, sizeof(state));
}

static int set_mode(const struct hf_vt_caller *c)
{
	struct vt_mode mode;

	if (hf_vt_get(c, &mode, sizeof(mode)))
		return -EFAULT;
	if (mode.mode != VT_AUTO && mode.mode != VT_PROCESS)
		return -EINVAL;
	return hf_vt_set_mode(c->vt, &mode, c->call->cred.pid);
}

static int activate(const struct hf_vt_caller *c, unsigned long number)
{
	if (number == 0 || number > HF_VT_MAX)
		return -ENXIO;
	/* The kernel does not say whether it could. */
	hf_vt_switch(c->vts, (unsigned int)number);
	return 0;
}

static int set_activate(const struct hf_vt_caller *c)
{
	struct vt_setactivate arg;
	struct hf_vt *vt;
	unsigned int next;
	int ret;

	if (hf_vt_get(c, &arg, sizeof(arg)))
		return -EFAULT;
	if (arg.console == 0 || arg.console > HF_VT_MAX)
		return -ENXIO;
	vt = &c->vts->vt[arg.console];
	next = vt->next;
	ret = hf_vt_set_mode(vt, &arg.mode, c->call->cred.pid);
	if (ret)
		return ret;
	vt->next = next;
	hf_vt_switch(c->vts, arg.console);
	return 0;
}

static int disallocate(const struct hf_vt_caller *c, unsigned long number)
{
	if (number > HF_VT_MAX)
		return -ENXIO;
	if (number)
		return hf_vt_deallocate(c->vts, &c->vts->vt[number]);
	for (unsigned int i = 2; i <= HF_VT_MAX; i++)
		hf_vt_deallocate(c->vts, &c->vts->vt[i]);
	return 0;
}

static int resize(const struct hf_vt_caller *c, unsigned int rows,
		  unsigned int cols)
{
	if (rows > MAX_CHARS || cols > MAX_CHARS)
		return 0;
	for (unsigned int i = 1; i <= HF_VT_MAX; i++) {
		struct hf_vt *vt = &c->vts->vt[i];

		if (vt->allocated && hf_tty_resize(vt, rows, cols))
			hf_vt_post(c->vts, VT_EVENT_RESIZE, i, i);
	}
	return 0;
}

static int resize_all(const struct hf_vt_caller *c)
{
	unsigned short sizes[2];

	if (hf_vt_get(c, sizes, sizeof(sizes)))
		return -EFAULT;
	return resize(c, sizes[0], sizes[1]);
}

static int resize_all_x(const struct hf_vt_caller *c)
{
	struct vt_consize sizes;

	if (hf_vt_get(c, &sizes, sizeof(sizes)))
		return -EFAULT;
	return resize(c, sizes.v_rows, sizes.v_cols);
}

static int lock_switch(const struct hf_vt_caller *c, bool lock)
{
	if (!c->capable)
		return -EPERM;
	c->vts->locked = lock;
	return 0;
}

static bool is_restricted(uint32_t cmd)
{
	return cmd == VT_SETMODE || cmd == VT_ACTIVATE ||
	       cmd == VT_SETACTIVATE || cmd == VT_WAITACTIVE ||
	       cmd == VT_RELDISP || cmd == VT_RESIZE || cmd == VT_RESIZEX;
}

/* Those that only who controls the tty may do. */
static int restricted(const struct hf_vt_caller *c)
{
	if (is_restricted(c->call->cmd) && !c->perm)
		return -EPERM;
	switch (c->call->cmd) {
	case VT_SETMODE:
		return set_mode(c);
	case VT_ACTIVATE:
		return activate(c, hf_vt_arg(c));
	case VT_SETACTIVATE:
		return set_activate(c);
	case VT_WAITACTIVE:
		return wait_active(c, hf_vt_arg(c));
	case VT_RELDISP:
		return hf_vt_reldisp(c->vts, c->vt, hf_vt_arg(c));
	case VT_RESIZE:
		return resize_all(c);
	case VT_RESIZEX:
		return resize_all_x(c);
	default:
		return -ENOTTY;
	}
}

static int ioctl_vt(const struct hf_vt_caller *c)
{
	const unsigned short no_mask = 0;

	switch (c->call->cmd) {
	case VT_GETMODE:
		return hf_vt_put(c, &c->vt->mode, sizeof(c->vt->mode));
	case VT_GETSTATE:
		return get_state(c);
	case VT_OPENQRY:
		return open_query(c);
	case VT_DISALLOCATE:
		return disallocate(c, hf_vt_arg(c));
	case VT_LOCKSWITCH:
		return lock_switch(c, true);
	case VT_UNLOCKSWITCH:
		return lock_switch(c, false);
	case VT_GETHIFONTMASK:
		return hf_vt_put(c, &no_mask, sizeof(no_mask));
	case VT_WAITEVENT:
		return wait_event(c);
	default:
		return restricted(c);
	}
}

/* -- TIOCLINUX ------------------------------------------------------------- */

static int put_byte(const struct hf_vt_caller *c, unsigned int byte)
{
	uint8_t b = (uint8_t)byte;

	return hf_vt_put(c, &b, 1);
}

static int set_kmsg(const struct hf_vt_caller *c)
{
	uint8_t arg[2];

	if (!c->capable)
		return -EPERM;
	if (hf_vt_get(c, arg, sizeof(arg)))
		return -EFAULT;
	c->vts->kmsg = arg[1];
	return 0;
}

static int ioctl_linux(const struct hf_vt_caller *c)
{
	uint8_t what;

	if (!c->perm)
		return -EPERM;
	if (hf_vt_get(c, &what, 1))
		return -EFAULT;
	switch (what) {
	case TIOCL_GETSHIFTSTATE:
		return put_byte(c, hf_vt_kbd_shift_state(c->vts));
	case TIOCL_GETMOUSEREPORTING:
		return put_byte(c, 0);
	case TIOCL_SETKMSGREDIRECT:
		return set_kmsg(c);
	case TIOCL_GETKMSGREDIRECT:
		c->call->value = c->vts->kmsg;
		return 0;
	case TIOCL_GETFGCONSOLE:
		c->call->value = (int)c->vts->active - 1;
		return 0;
	case TIOCL_UNBLANKSCREEN: /* there is no screen to be blank or to scroll */
	case TIOCL_BLANKSCREEN:
	case TIOCL_BLANKEDSCREEN:
	case TIOCL_SETVESABLANK:
	case TIOCL_SCROLLCONSOLE:
		return 0;
	default:
		return -EINVAL;
	}
}

int hf_vt_ioctl(struct hf_vts *vts, struct hf_call *call, unsigned int number)
{
	struct hf_vt_caller c = {
		.vts = vts, .vt = &vts->vt[number], .call = call,
	};

	if (number < 1 || number > HF_VT_MAX)
		return -ENOTTY;
	call->out_size = 0;
	judge(&c);
	if (call->cmd == TIOCLINUX)
		return ioctl_linux(&c);
	if (_IOC_TYPE(call->cmd) == 'K')
		return hf_vt_ioctl_kd(&c);
	return ioctl_vt(&c);
}
