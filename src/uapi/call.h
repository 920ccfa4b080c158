/* SPDX-License-Identifier: MIT */
/*
 * A call: one ioctl on its way through the server.
 *
 * The transport fills it in, hf_call_dispatch() runs it, and the transport's
 * done() takes the answer away. A handler that must wait parks the call: it
 * arranges for hf_call_complete() later, sets cancel(), and returns
 * HF_CALL_PARKED. Nothing in here points into memory that a client can write
 * to, but `payload`, which is only written through hf_call_copy_out().
 */
#ifndef HF_UAPI_CALL_H
#define HF_UAPI_CALL_H

#include "sync/fence.h"
#include "uapi/device.h"
#include "uapi/ioctls.h"

/* What a handler returns instead of an errno when the call goes on later. */
#define HF_CALL_PARKED 1
/* What it returns after hf_call_populate(): the transport allocates memory without
 * the lock, and dispatches the call again. */
#define HF_CALL_POPULATE 2

struct hf_syncobj_wait;
struct hf_syncobj_transfer;
struct hf_trace_call;

struct hf_call {
	struct hf_system *sys;
	struct hf_device *dev; /* NULL in a call on another descriptor */
	struct hf_file *file;  /* likewise */
	struct hf_cred cred; /* of the process that calls */
	const struct hf_ioctl_desc *desc;
	uint32_t cmd;
	uint8_t *arg;	   /* kernel's "kdata" */
	uint32_t out_size; /* bytes that go back */
	int value;	   /* what ioctl(2) returns where that is not 0 */

	struct hf_wire_array arrays[HF_WIRE_ARRAYS];
	uint8_t *payload; /* shared with the client */
	size_t payload_size;
	const void *copies[HF_WIRE_ARRAYS]; /* of arrays */
	uint8_t *small_copies; /* what they lie in, owned; or each for itself: */
	void *large_copies[HF_WIRE_ARRAYS];

	int populate_fd; /* HF_CALL_POPULATE: the memory, owned; and what of it */
	size_t populate_first, populate_pages;
	unsigned int populated; /* how often */

	unsigned int nasks;
	unsigned int nfds_in, nfds_out;
	uint32_t cloexec; /* a bit for each that goes out */

	/* Parked: */
	struct wl_list file_link;
	void (*cancel)(struct hf_call *call); /* stop waiting */
	bool interruptible;
	union {
		struct hf_vblank_wait vblank;
		struct hf_commit_wait commit;
		struct hf_bind *bind;
		struct hf_fence_wait {
			struct hf_fence *fence;
			struct hf_fence_cb cb;
			int (*then)(struct hf_call *call);
		} fence;
		struct hf_syncobj_wait *syncobj;
		struct hf_syncobj_transfer *transfer;
		struct wl_list resume; /* hf_device.frozen */
		struct wl_list settled; /* hf_server.settling */
		struct hf_vt_wait {
			struct wl_list link;
			unsigned int events; /* VT_EVENT_* */
			unsigned int number; /* until that one is in front; or 0 */
		} vt;
	} wait;
	struct hf_timer timeout; /* of a wait that has one */

	/* Called once, with the lock held, for a call that was parked. */
	void (*done)(struct hf_call *call, int ret);

	struct hf_wire_ask asks[HF_WIRE_ASKS]; /* answered, then new ones */
	int fds_in[HF_WIRE_FDS_MAX]; /* closed by the transport */
	int fds_out[HF_WIRE_FDS_MAX]; /* closed once they are sent */
	struct hf_trace_call *trace; /* the transport's; stays with the asks */
};

/**
 * hf_call_dispatch() - Check and run an ioctl.
 *
 * As the kernel's drm_ioctl(): -EINVAL for a number that there is none of,
 * -EACCES without the rights, else what the handler returns. The lock is held.
 *
 * Return: 0, a negative errno, or HF_CALL_PARKED.
 */
int hf_call_dispatch(struct hf_call *call);

/**
 * hf_call_dispatch_fd() - Run an ioctl on a sync_file or a dma-buf.
 *
 * The descriptor is the first that came in. The lock is held.
 *
 * Return: -ENOTTY for a request that there is none of, else as
 * hf_call_dispatch().
 */
int hf_call_dispatch_fd(struct hf_call *call);

/** hf_call_complete() - Answer a parked call. The lock is held. */
void hf_call_complete(struct hf_call *call, int ret);

/**
 * hf_call_park() - List a call as parked on its file, where it has one.
 * @cancel: takes it off whatever it waits for
 * @interruptible: a signal ends it with -EINTR
 *
 * The file's end ends it; so does that of the client's connection.
 *
 * Return: HF_CALL_PARKED
 */
int hf_call_park(struct hf_call *call, void (*cancel)(struct hf_call *call),
		 bool interruptible);

/** hf_call_abandon() - Stop a parked call for good; done() is not called. */
void hf_call_abandon(struct hf_call *call);

/**
 * hf_call_interrupt() - A signal came: end a parked call with -EINTR.
 *
 * Return: false where the call cannot be interrupted.
 */
bool hf_call_interrupt(struct hf_call *call);

/**
 * hf_call_copy_in() - The elements of a nested array.
 * @index: which, in the table's row
 * @n: how many elements the handler wants
 * @out: set to a copy that lives as long as the call, or NULL for none
 *
 * The kernel's copy_from_user() at the place where the kernel does it.
 *
 * Return: 0, -EFAULT, -ENOMEM.
 */
int hf_call_copy_in(struct hf_call *call, unsigned int index, size_t n,
		    const void **out);

/**
 * hf_call_copy_out() - Put elements into a nested array.
 * @first: the first element's index
 * @n: how many; what does not fit is -EFAULT
 *
 * Elements are put in order, without gaps.
 */
int hf_call_copy_out(struct hf_call *call, unsigned int index,
		     const void *data, size_t first, size_t n);

/**
 * hf_call_fd() - A descriptor of the client's.
 * @number: as the client knows it
 * @fd: set to our copy, which the transport closes
 *
 * Return: 0, -EBADF for a closed one, -EMFILE, or HF_WIRE_ASK, which the
 * handler returns at once, without having changed anything: it is called again.
 */
int hf_call_fd(struct hf_call *call, int number, int *fd);
/**
 * hf_call_user_fd() - A descriptor of a file that the client's memory is in.
 * @file: hf_wire_segment_file()
 *
 * Return: 0, -EFAULT where the client has none, -ENOMEM, or HF_WIRE_ASK as
 * above; the segments may be others the next time.
 */
int hf_call_user_fd(struct hf_call *call, uint64_t file, int *fd);
/**
 * hf_call_put() - The kernel's put_user() of an s32.
 *
 * Return: 0, -EFAULT, -EMFILE for too many, or HF_WIRE_ASK as above.
 */
int hf_call_put(struct hf_call *call, uint64_t addr, int32_t value);
/**
 * hf_call_put_fd() - Give a descriptor to the client, close-on-exec, and store
 * its number at a user address, which hf_call_put() has found to be good.
 */
int hf_call_put_fd(struct hf_call *call, uint64_t addr, int fd);

/**
 * hf_call_add_fd() - Give a descriptor to the client; owned by the call then.
 * @cloexec: the client gets it close-on-exec
 *
 * Its number ends up in the field that the table's row names.
 *
 * Return: 0 or -EMFILE.
 */
int hf_call_add_fd(struct hf_call *call, int fd, bool cloexec);

/**
 * hf_call_populate() - A device is going to need an object's memory.
 *
 * To allocate much takes its time, and the lock is held.
 *
 * Return: 0: go on; -EMFILE; -ENOMEM; or HF_CALL_POPULATE, which the handler returns at
 * once, without having changed anything: it is called again.
 */
int hf_call_populate(struct hf_call *call, const struct hf_gem_object *object);
/**
 * hf_call_populate_now() - Do so. The lock is dropped meanwhile.
 * @stop: set by another thread to have it return soon
 */
void hf_call_populate_now(struct hf_call *call, const _Atomic bool *stop);

/** hf_call_commit() - Check and commit a state for this call, and wait. */
int hf_call_commit(struct hf_call *call, struct hf_atomic_state *state,
		   bool nonblock);

/**
 * hf_call_cursor_fb() - The framebuffer of a legacy cursor.
 *
 * Return: 0 and one reference, or as hf_framebuffer_create(), or -ENOENT.
 */
int hf_call_cursor_fb(struct hf_call *call, uint32_t handle, uint32_t width,
		      uint32_t height, struct hf_framebuffer **fb);

/**
 * hf_call_wait_fence() - Wait for a fence.
 * @timeout: moment on the clock, nanoseconds; in the past: just look;
 *	INT64_MAX: for ever
 * @then: what to do when it is signaled, and what the call returns; NULL: 0
 *
 * Return: that, where it is signaled already; -ETIME; HF_CALL_PARKED.
 */
int hf_call_wait_fence(struct hf_call *call, struct hf_fence *fence,
		       int64_t timeout, int (*then)(struct hf_call *call));

/** hf_call_release() - Free what a call holds. */
void hf_call_release(struct hf_call *call);

#endif
