/* SPDX-License-Identifier: MIT */
/*
 * Dispatch: from a request number to its handler, with the kernel's checks in
 * the kernel's order; and the life of a call that has to wait.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "uapi/call.h"
#include "uapi/handlers.h"
#include "uapi/power.h"

/* What arrays take together to be copied at once, bytes. */
#define SMALL_ARRAYS 4096u

#define ROW(cmd, rights, handler, ...) [_IOC_NR(DRM_IOCTL_##cmd)] = handler,

static const hf_ioctl_handler handlers[256] = { HF_IOCTLS(ROW, ROW) };

#define FD_ROW(cmd, rights, handler, ...) handler,

static const hf_ioctl_handler fd_handlers[] = { HF_FD_IOCTLS(FD_ROW, FD_ROW) };

/* The kernel's drm_ioctl_permit(). */
static int permit(const struct hf_call *call)
{
	const struct hf_file *file = call->file;
	uint32_t rights = call->desc->rights;

	if ((rights & HF_ROOT_ONLY) && !hf_cred_capable(&call->cred))
		return -EACCES;
	if ((rights & HF_AUTH) && !file->render && !file->authenticated)
		return -EACCES;
	if ((rights & HF_MASTER) && !hf_file_is_current_master(file))
		return -EACCES;
	if (!(rights & HF_RENDER_ALLOW) && file->render)
		return -EACCES;
	return 0;
}

int hf_call_dispatch(struct hf_call *call)
{
	hf_ioctl_handler handler = handlers[_IOC_NR(call->cmd)];
	int ret;

	call->desc = &hf_ioctl_descs[_IOC_NR(call->cmd)];
	if (call->dev->unplugged)
		return -ENODEV;
	if (call->dev->suspended)
		return hf_call_wait_resume(call);
	if (!handler) {
		hf_info("pid %d: unknown ioctl 0x%08x", call->cred.pid,
			call->cmd);
		return -EINVAL;
	}
	hf_file_used_by(call->file, &call->cred);
	ret = permit(call);
	if (!ret && (call->desc->rights & HF_DISPLAY) &&
	    !call->dev->driver->kms)
		ret = -EOPNOTSUPP;
	if (!ret && call->dev->sys->ioctl_faults)
		ret = hf_fault_take(&call->dev->sys->ioctl_faults
					     ->drm[_IOC_NR(call->cmd)]);
	return ret ? ret : handler(call, call->arg);
}

int hf_call_dispatch_fd(struct hf_call *call)
{
	int row = hf_fd_ioctl_row(call->cmd), ret = 0;

	if (row < 0 || !call->nfds_in)
		return -ENOTTY;
	call->desc = &hf_fd_ioctl_descs[row];
	if (call->sys->ioctl_faults)
		ret = hf_fault_take(&call->sys->ioctl_faults->fd[row]);
	return ret ? ret : fd_handlers[row](call, call->arg);
}

int hf_call_park(struct hf_call *call, void (*cancel)(struct hf_call *call),
		 bool interruptible)
{
	call->cancel = cancel;
	call->interruptible = interruptible;
	if (call->file)
		wl_list_insert(call->file->calls.prev, &call->file_link);
	return HF_CALL_PARKED;
}

static void unpark(struct hf_call *call)
{
	wl_list_remove(&call->file_link);
	wl_list_init(&call->file_link);
	call->cancel = NULL;
}

void hf_call_complete(struct hf_call *call, int ret)
{
	unpark(call);
	call->done(call, ret);
}

void hf_call_abandon(struct hf_call *call)
{
	if (!call->cancel)
		return;
	call->cancel(call);
	unpark(call);
}

bool hf_call_interrupt(struct hf_call *call)
{
	if (!call->cancel || !call->interruptible)
		return false;
	call->cancel(call);
	hf_call_complete(call, -EINTR);
	return true;
}

/*
 * Small arrays lie side by side and are copied together, a large one when it is looked
 * at. All of each: a handler may come back for more.
 */
static void *copy_array(struct hf_call *call, unsigned int index)
{
	const struct hf_wire_array *array = &call->arrays[index];
	size_t end = 0;

	for (unsigned int i = 0; i < HF_WIRE_ARRAYS; i++)
		if (call->arrays[i].off + (size_t)call->arrays[i].len > end)
			end = call->arrays[i].off + call->arrays[i].len;
	if (end <= SMALL_ARRAYS) {
		if (!call->small_copies) {
			call->small_copies = malloc(end);
			if (call->small_copies)
				memcpy(call->small_copies, call->payload, end);
		}
		return call->small_copies ? call->small_copies + array->off :
					    NULL;
	}
	call->large_copies[index] = malloc(array->len);
	if (call->large_copies[index])
		memcpy(call->large_copies[index], call->payload + array->off,
		       array->len);
	return call->large_copies[index];
}

int hf_call_copy_in(struct hf_call *call, unsigned int index, size_t n,
		    const void **out)
{
	const struct hf_wire_array *array = &call->arrays[index];
	size_t bytes;

	*out = NULL;
	if (n == 0)
		return 0;
	if (array->flags & HF_ARRAY_FAULT)
		return -EFAULT;
	if (__builtin_mul_overflow(n, call->desc->arrays[index].elem, &bytes) ||
	    (array->flags & HF_ARRAY_TOO_BIG))
		return -ENOMEM;
	if (bytes > array->len)
		return -EFAULT;
	if (!call->copies[index])
		call->copies[index] = copy_array(call, index);
	*out = call->copies[index];
	return *out ? 0 : -ENOMEM;
}

int hf_call_copy_out(struct hf_call *call, unsigned int index,
		     const void *data, size_t first, size_t n)
{
	struct hf_wire_array *array = &call->arrays[index];
	size_t elem = call->desc->arrays[index].elem;

	if ((first + n) * elem > array->len)
		return -EFAULT;
	memcpy(call->payload + array->off + first * elem, data, n * elem);
	if ((first + n) * elem > array->used)
		array->used = (first + n) * elem;
	return 0;
}

int hf_call_add_fd(struct hf_call *call, int fd, bool cloexec)
{
	if (call->nfds_out == HF_WIRE_FDS_MAX) {
		close(fd);
		return -EMFILE;
	}
	call->cloexec |= (uint32_t)cloexec << call->nfds_out;
	call->fds_out[call->nfds_out++] = fd;
	return 0;
}

static struct hf_wire_ask *find_ask(struct hf_call *call, uint32_t kind,
				    uint64_t what)
{
	for (unsigned int i = 0; i < call->nasks; i++)
		if (call->asks[i].kind == kind && call->asks[i].what == what)
			return &call->asks[i];
	return NULL;
}

static int add_ask(struct hf_call *call, uint32_t kind, uint64_t what,
		   int32_t value)
{
	struct hf_wire_ask *ask = &call->asks[call->nasks];

	if (call->nasks == HF_WIRE_ASKS)
		return -EMFILE;
	call->nasks++;
	ask->kind = kind;
	ask->what = what;
	ask->value = value;
	ask->result = 0;
	return 0;
}

int hf_call_fd(struct hf_call *call, int number, int *fd)
{
	struct hf_wire_ask *ask = find_ask(call, HF_ASK_FD, (uint32_t)number);
	int ret;

	if (!ask) {
		ret = add_ask(call, HF_ASK_FD, (uint32_t)number, 0);
		return ret ? ret : HF_WIRE_ASK;
	}
	if (ask->result < 0 || (uint32_t)ask->result >= call->nfds_in)
		return -EBADF;
	*fd = call->fds_in[ask->result];
	return 0;
}

int hf_call_user_fd(struct hf_call *call, uint64_t file, int *fd)
{
	struct hf_wire_ask *ask = find_ask(call, HF_ASK_USER_FD, file);
	int ret;

	if (!ask) {
		ret = add_ask(call, HF_ASK_USER_FD, file, 0);
		return ret ? ret : HF_WIRE_ASK;
	}
	if (ask->result == -ENOMEM || ask->result == -EMFILE)
		return -ENOMEM;
	if (ask->result < 0 || (uint32_t)ask->result >= call->nfds_in)
		return -EFAULT;
	*fd = call->fds_in[ask->result];
	return 0;
}

int hf_call_put(struct hf_call *call, uint64_t addr, int32_t value)
{
	struct hf_wire_ask *ask = find_ask(call, HF_ASK_PUT, addr);
	int ret;

	if (!ask) {
		ret = add_ask(call, HF_ASK_PUT, addr, value);
		return ret ? ret : HF_WIRE_ASK;
	}
	return ask->result < 0 ? -EFAULT : 0;
}

int hf_call_put_fd(struct hf_call *call, uint64_t addr, int fd)
{
	int ret = add_ask(call, HF_ASK_PUT_FD, addr, call->nfds_out);

	if (ret) {
		close(fd);
		return ret;
	}
	return hf_call_add_fd(call, fd, true);
}

void hf_call_release(struct hf_call *call)
{
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS; i++) {
		free(call->large_copies[i]);
		call->large_copies[i] = NULL;
		call->copies[i] = NULL;
	}
	free(call->small_copies);
	call->small_copies = NULL;
	for (unsigned int i = 0; i < call->nfds_out; i++)
		close(call->fds_out[i]);
	call->nfds_out = 0;
}

/* -- waiting for a commit -------------------------------------------------- */

static void commit_shown(struct hf_commit_wait *wait)
{
	struct hf_call *call = wl_container_of(wait, call, wait.commit);

	hf_commit_wait_finish(&call->dev->kms, wait);
	hf_call_complete(call, 0);
}

/* What the handler was about to give to the client. */
static void forget_answer(struct hf_call *call)
{
	while (call->nasks && call->asks[call->nasks - 1].kind == HF_ASK_PUT_FD)
		call->nasks--;
	while (call->nfds_out)
		close(call->fds_out[--call->nfds_out]);
	call->cloexec = 0;
}

/* The commit that was in the way is shown: do the whole call again. */
static void retry(struct hf_commit_wait *wait)
{
	struct hf_call *call = wl_container_of(wait, call, wait.commit);
	int ret;

	unpark(call);
	forget_answer(call);
	if (call->dev->suspended) {
		hf_commit_wait_finish(&call->dev->kms, wait);
		hf_call_wait_resume(call);
		return;
	}
	ret = call->dev->unplugged ? -ENODEV : permit(call);
	if (!ret)
		ret = handlers[_IOC_NR(call->cmd)](call, call->arg);
	if (ret == HF_CALL_PARKED)
		return;
	hf_commit_wait_finish(&call->dev->kms, wait);
	call->done(call, ret);
}

static void cancel_commit(struct hf_call *call)
{
	hf_commit_wait_finish(&call->dev->kms, &call->wait.commit);
}

int hf_call_commit(struct hf_call *call, struct hf_atomic_state *state,
		   bool nonblock)
{
	struct hf_commit_wait *wait = &call->wait.commit;
	int ret = hf_atomic_check(state);

	if (ret) {
		hf_atomic_state_destroy(state);
		return ret;
	}
	wl_list_init(&wait->link);
	wait->done = retry;
	if (hf_atomic_wait_turn(state, wait)) {
		hf_atomic_state_destroy(state);
		return hf_call_park(call, cancel_commit, true);
	}
	ret = hf_fault_take(&state->kms->commit_fault);
	if (ret) {
		hf_atomic_state_destroy(state);
		return ret;
	}
	wait->done = commit_shown;
	ret = hf_atomic_commit(state, nonblock ? NULL : wait);
	if (ret == 1) /* in, and from here on it cannot be taken back */
		return nonblock ? 0 : hf_call_park(call, cancel_commit, false);
	if (ret == -EBUSY && !nonblock) {
		wait->done = retry;
		hf_atomic_wait_idle(state, wait);
		ret = hf_call_park(call, cancel_commit, true);
	}
	if (ret)
		hf_atomic_state_destroy(state);
	return ret;
}

/* From here on it is allocated without the lock, bytes: about a millisecond. */
#define MUCH (4u << 20)
/* How often in a call: its client may be making holes in it meanwhile. */
#define MAX_POPULATED 1024
/* Allocated at a time, pages. */
#define STEP 4096

static bool has_hole(int fd, size_t first, size_t npages)
{
	off_t start = first << HF_PAGE_SHIFT;
	off_t hole = lseek(fd, start, SEEK_HOLE);

	return hole >= 0 && hole < start + (off_t)(npages << HF_PAGE_SHIFT);
}

static int populate(struct hf_call *call, struct hf_backing *backing,
		    size_t first, size_t npages)
{
	if (call->populated == MAX_POPULATED || npages < MUCH >> HF_PAGE_SHIFT ||
	    !has_hole(backing->fd, first, npages))
		return 0;
	if (hf_memory_promise(backing->mem, npages))
		return -ENOMEM;
	call->populate_fd = fcntl(backing->fd, F_DUPFD_CLOEXEC, 0);
	if (call->populate_fd < 0) {
		hf_memory_promised(backing->mem, npages);
		return -EMFILE;
	}
	call->populate_first = first;
	call->populate_pages = npages;
	return HF_CALL_POPULATE;
}

int hf_call_populate(struct hf_call *call, const struct hf_gem_object *object)
{
	int ret = 0;

	if (object->mapping)
		return 0;
	if (object->backing)
		return populate(call, object->backing, 0,
				object->size >> HF_PAGE_SHIFT);
	for (unsigned int i = 0; !ret && i < object->user->nsegments; i++) {
		const struct hf_user_segment *segment =
			&object->user->segments[i];

		ret = populate(call, segment->backing, segment->first,
			       segment->npages);
	}
	return ret;
}

void hf_call_populate_now(struct hf_call *call, const _Atomic bool *stop)
{
	size_t done = 0, n;
	int ret = 0;

	pthread_mutex_unlock(&call->sys->lock);
	for (; !ret && done < call->populate_pages && !atomic_load(stop);
	     done += n) {
		n = call->populate_pages - done;
		n = n < STEP ? n : STEP;
		ret = hf_backing_populate(call->populate_fd,
					  call->populate_first + done, n);
	}
	close(call->populate_fd);
	pthread_mutex_lock(&call->sys->lock);
	hf_memory_promised(call->sys->mem, call->populate_pages);
	/* Where it fails, the handler does, too, and gives up. */
	call->populated = ret ? MAX_POPULATED : call->populated + 1;
}

/* -- waiting for a fence ------------------------------------------------------ */

static void stop_waiting(struct hf_call *call)
{
	hf_timer_disarm(call->sys->real_clock, &call->timeout);
	hf_fence_remove_callback(&call->wait.fence.cb);
	hf_fence_put(call->wait.fence.fence);
}

static int go_on(struct hf_call *call, int (*then)(struct hf_call *call))
{
	return then ? then(call) : 0;
}

static void fence_signaled(struct hf_fence *fence, struct hf_fence_cb *cb)
{
	struct hf_call *call = wl_container_of(cb, call, wait.fence.cb);

	(void)fence;
	stop_waiting(call);
	hf_call_complete(call, go_on(call, call->wait.fence.then));
}

static void time_is_up(struct hf_timer *timer)
{
	struct hf_call *call = wl_container_of(timer, call, timeout);

	stop_waiting(call);
	hf_call_complete(call, -ETIME);
}

int hf_call_wait_fence(struct hf_call *call, struct hf_fence *fence,
		       int64_t timeout, int (*then)(struct hf_call *call))
{
	struct hf_clock *clock = call->sys->real_clock;

	if (fence->signaled)
		return go_on(call, then);
	if (timeout <= 0 || (uint64_t)timeout <= hf_clock_now(clock))
		return -ETIME;
	hf_fence_add_callback(fence, &call->wait.fence.cb, fence_signaled);
	call->wait.fence.fence = hf_fence_get(fence);
	call->wait.fence.then = then;
	call->timeout = (struct hf_timer){ .fn = time_is_up };
	if (timeout != INT64_MAX)
		hf_timer_arm(clock, &call->timeout, timeout);
	return hf_call_park(call, stop_waiting, true);
}
