/* SPDX-License-Identifier: MIT */
/*
 * Which VT is in front, and who decides that. See the header.
 *
 * A switch is done at once, unless a process controls the VT in front: that gets a
 * signal and answers with VT_RELDISP, whenever it likes. What becomes of a process that
 * is gone is found out when it is needed next, as in the kernel: until then its VT stays
 * as it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "seat/vt_internal.h"

/* The sixteen colours of a text screen: red, green, blue. */
static const uint8_t palette[48] = {
	0x00, 0x00, 0x00, 0xaa, 0x00, 0x00, 0x00, 0xaa, 0x00, 0xaa, 0x55, 0x00,
	0x00, 0x00, 0xaa, 0xaa, 0x00, 0xaa, 0x00, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
	0x55, 0x55, 0x55, 0xff, 0x55, 0x55, 0x55, 0xff, 0x55, 0xff, 0xff, 0x55,
	0x55, 0x55, 0xff, 0xff, 0x55, 0xff, 0x55, 0xff, 0xff, 0xff, 0xff, 0xff,
};

/* A VT starts out like that, and returns to it when who controlled it is gone. */
static void set_auto(struct hf_vt *vt)
{
	vt->mode = (struct vt_mode){ .mode = VT_AUTO };
	if (vt->pidfd >= 0)
		close(vt->pidfd);
	vt->pidfd = -1;
	vt->pid = 0;
	vt->control = NULL;
	vt->next = 0;
}

void hf_vt_reset(struct hf_vts *vts, struct hf_vt *vt)
{
	vt->graphics = KD_TEXT;
	vt->kbd.mode = K_UNICODE;
	set_auto(vt);
	hf_vt_kbd_changed(vts);
}

struct hf_vts *hf_vts_create(struct hf_system *sys,
			     const struct hf_vt_funcs *funcs, void *data)
{
	struct hf_vts *vts = calloc(1, sizeof(*vts));

	if (!vts)
		return NULL;
	vts->sys = sys;
	if (funcs)
		vts->funcs = *funcs;
	vts->data = data;
	vts->active = vts->last = 1;
	vts->spawn_pidfd = -1;
	vts->repeat = (struct kbd_repeat){ .delay = 250, .period = 33 };
	hf_vt_owner_init(vts);
	memcpy(vts->palette, palette, sizeof(palette));
	for (unsigned int i = 0; i < E_TABSZ; i++)
		vts->screen_map[i] = (uint16_t)(UNI_DIRECT_BASE | i);
	wl_list_init(&vts->waits);
	wl_list_init(&vts->watches);
	for (unsigned int i = 1; i <= HF_VT_MAX; i++) {
		struct hf_vt *vt = &vts->vt[i];

		vt->tty.master = vt->pidfd = -1;
		vt->tty.rows = HF_VT_ROWS;
		vt->tty.cols = HF_VT_COLS;
		vt->allocated = i <= HF_VT_ALLOCATED;
		hf_vt_kbd_init(&vt->kbd);
	}
	/* The console of a machine is its first VT, and always open. */
	vts->vt[1].tty.held = 1;
	vts->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (vts->epoll >= 0)
		return vts;
	free(vts);
	errno = EMFILE;
	return NULL;
}

void hf_vts_destroy(struct hf_vts *vts)
{
	if (!vts)
		return;
	vts->funcs = (struct hf_vt_funcs){ 0 };
	for (unsigned int i = 1; i <= HF_VT_MAX; i++) {
		set_auto(&vts->vt[i]);
		hf_tty_close(vts, &vts->vt[i]);
		free(vts->vt[i].tty.text);
	}
	if (vts->spawn_pidfd >= 0)
		close(vts->spawn_pidfd);
	hf_vt_kbd_finish(vts);
	close(vts->epoll);
	free(vts);
}

bool hf_vt_in_use(struct hf_vts *vts, struct hf_vt *vt)
{
	return vt->control || hf_tty_in_use(vts, vt);
}

/* -- events ---------------------------------------------------------------- */

/* Does that end this wait, and with what? */
static bool ends(struct hf_call *call, unsigned int event, unsigned int from,
		 unsigned int to)
{
	struct vt_event *answer = (struct vt_event *)call->arg;

	if (!(call->wait.vt.events & event) ||
	    (call->wait.vt.number && call->wait.vt.number != to))
		return false;
	if (call->wait.vt.number)
		return true;
	answer->event = event;
	answer->oldev = from;
	answer->newev = to;
	call->out_size = sizeof(*answer);
	return true;
}

void hf_vt_post(struct hf_vts *vts, unsigned int event, unsigned int from,
		unsigned int to)
{
	struct hf_call *call, *next;

	wl_list_for_each_safe(call, next, &vts->waits, wait.vt.link) {
		if (!ends(call, event, from, to))
			continue;
		wl_list_remove(&call->wait.vt.link);
		hf_call_complete(call, 0);
	}
}

void hf_vt_watch(struct hf_vts *vts, struct hf_vt_watch *watch)
{
	wl_list_insert(&vts->watches, &watch->link);
}

void hf_vt_unwatch(struct hf_vt_watch *watch)
{
	wl_list_remove(&watch->link);
}

/* -- switching ------------------------------------------------------------- */

/*
 * Send the process that controls a VT a signal. One that we may not send any to, for it
 * is root's, is alive nevertheless.
 */
static bool signal_process(struct hf_vt *vt, int sig)
{
	if (vt->pidfd < 0)
		return false;
	return syscall(SYS_pidfd_send_signal, vt->pidfd, sig, NULL, 0) == 0 ||
	       errno == EPERM;
}

static void complete_switch(struct hf_vts *vts, unsigned int number)
{
	struct hf_vt *vt = &vts->vt[number];
	unsigned int from = vts->active;
	struct hf_vt_watch *watch, *next;

	vts->last = from;
	vts->active = number;
	hf_vt_kbd_changed(vts);
	if (vt->control)
		vt->control->acquire(vt->control);
	else if (vt->mode.mode == VT_PROCESS &&
		 !signal_process(vt, vt->mode.acqsig))
		hf_vt_reset(vts, vt);
	hf_vt_post(vts, VT_EVENT_SWITCH, from, number);
	wl_list_for_each_safe(watch, next, &vts->watches, link)
		watch->switched(watch, from, number);
}

/* Who controls the one in front is asked. Return: false where nobody is there. */
static bool ask(struct hf_vt *vt, unsigned int number)
{
	vt->next = number;
	if (vt->control) {
		vt->control->release(vt->control);
		return true;
	}
	return signal_process(vt, vt->mode.relsig);
}

static void change(struct hf_vts *vts, unsigned int number)
{
	struct hf_vt *front = &vts->vt[vts->active];

	if (number == vts->active)
		return;
	if (front->mode.mode == VT_PROCESS) {
		if (ask(front, number))
			return;
		hf_vt_reset(vts, front);
	}
	if (front->graphics == KD_GRAPHICS)
		return;
	complete_switch(vts, number);
}

int hf_vt_request(struct hf_vts *vts, unsigned int number)
{
	const struct hf_vt *front = &vts->vt[vts->active];

	if (number < 1 || number > HF_VT_MAX)
		return -ENXIO;
	if (!vts->vt[number].allocated || vts->locked ||
	    (front->mode.mode == VT_AUTO && front->graphics == KD_GRAPHICS))
		return -EBUSY;
	change(vts, number);
	return 0;
}

int hf_vt_switch(struct hf_vts *vts, unsigned int number)
{
	if (number < 1 || number > HF_VT_MAX)
		return -ENXIO;
	vts->vt[number].allocated = true;
	return hf_vt_request(vts, number);
}

unsigned int hf_vt_active(const struct hf_vts *vts)
{
	return vts->active;
}

int hf_vt_reldisp(struct hf_vts *vts, struct hf_vt *vt, unsigned long how)
{
	unsigned int next = vt->next;

	if (vt->mode.mode != VT_PROCESS)
		return -EINVAL;
	if (!next)
		return how == VT_ACKACQ ? 0 : -EINVAL;
	vt->next = 0;
	if (how == 0)
		return 0; /* it stays */
	vts->vt[next].allocated = true;
	complete_switch(vts, next);
	return 0;
}

/* -- modes ----------------------------------------------------------------- */

int hf_vt_set_mode(struct hf_vt *vt, const struct vt_mode *mode, pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0)
		return errno == EMFILE || errno == ENFILE ? -EMFILE : -EINVAL;
	set_auto(vt);
	vt->mode = *mode;
	vt->mode.frsig = 0;
	vt->pidfd = pidfd;
	vt->pid = pid;
	return 0;
}

int hf_vt_deallocate(struct hf_vts *vts, struct hf_vt *vt)
{
	unsigned int number = hf_vt_index(vts, vt);

	/* The kernel takes one that there is not for one that has a selection. */
	if (hf_vt_in_use(vts, vt) || number == vts->active || !vt->allocated)
		return -EBUSY;
	if (number == 1)
		return 0;
	vt->allocated = false;
	vt->graphics = KD_TEXT;
	vt->tty.rows = HF_VT_ROWS;
	vt->tty.cols = HF_VT_COLS;
	set_auto(vt);
	return 0;
}

int hf_vt_set_graphics(struct hf_vts *vts, struct hf_vt *vt, unsigned long mode)
{
	unsigned int number = hf_vt_index(vts, vt);

	if (mode == KD_TEXT0 || mode == KD_TEXT1)
		mode = KD_TEXT;
	if (mode != KD_TEXT && mode != KD_GRAPHICS)
		return -EINVAL;
	if (vt->graphics == (int)mode)
		return 0;
	vt->graphics = (int)mode;
	if (number == vts->active && mode == KD_TEXT)
		hf_vt_post(vts, VT_EVENT_UNBLANK, number, number);
	return 0;
}

/* -- control within the server --------------------------------------------- */

int hf_vt_take(struct hf_vts *vts, unsigned int number,
	       struct hf_vt_control *control)
{
	struct hf_vt *vt;

	if (number < 1 || number > HF_VT_MAX)
		return -ENXIO;
	vt = &vts->vt[number];
	if (vt->control)
		return -EBUSY;
	set_auto(vt);
	vt->allocated = true;
	vt->mode.mode = VT_PROCESS;
	vt->control = control;
	vt->graphics = KD_GRAPHICS;
	vt->kbd.mode = K_OFF;
	return 0;
}

static struct hf_vt *controlled(struct hf_vts *vts,
				const struct hf_vt_control *control)
{
	for (unsigned int i = 1; i <= HF_VT_MAX; i++)
		if (vts->vt[i].control == control)
			return &vts->vt[i];
	return NULL;
}

void hf_vt_give_back(struct hf_vts *vts, struct hf_vt_control *control)
{
	struct hf_vt *vt = controlled(vts, control);
	unsigned int next = vt ? vt->next : 0;

	if (!vt)
		return;
	hf_vt_reset(vts, vt);
	if (next && hf_vt_index(vts, vt) == vts->active)
		hf_vt_switch(vts, next);
}

void hf_vt_release(struct hf_vts *vts, struct hf_vt_control *control, bool yes)
{
	struct hf_vt *vt = controlled(vts, control);

	if (vt)
		hf_vt_reldisp(vts, vt, yes);
}

int hf_vt_describe(struct hf_vts *vts, unsigned int number,
		   struct hf_vt_info *info)
{
	struct hf_vt *vt = &vts->vt[number];

	if (number < 1 || number > HF_VT_MAX)
		return -ENXIO;
	*info = (struct hf_vt_info){
		.open = hf_vt_in_use(vts, vt),
		.graphics = vt->graphics == KD_GRAPHICS,
		.keyboard = vt->kbd.mode,
	};
	if (vt->mode.mode == VT_PROCESS)
		info->process = vt->control ? -1 : vt->pid;
	return 0;
}
