/* SPDX-License-Identifier: MIT */
/*
 * ioctl(2) on DRM files, sync_files and dma-bufs: marshalling by the tables of
 * ioctls, nothing else. The
 * argument and its nested arrays are copied into a slot as far as they can be
 * read; what cannot is marked, so that the server fails where the kernel
 * would have touched it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/device.h"
#include "shim/shim.h"
#include "shim/usercopy.h"
#include "shim/userptr.h"
#include "uapi/ioctls.h"

/* What an out array is given room for, whatever its count says. */
#define OUT_MAX (16u << 20)

static uint64_t read_field(const uint8_t *arg, unsigned int off,
			   unsigned int size)
{
	uint64_t value = 0;

	memcpy(&value, arg + off, size);
	return value;
}

struct array {
	uint64_t user; /* pointer */
	uint64_t bytes;
	uint32_t flags;
};

/* Where an array is, and how large. */
static void measure(const struct hf_ioctl_desc *desc, const uint8_t *arg,
		    unsigned int index, struct array *array)
{
	const struct hf_array_desc *d = &desc->arrays[index];
	uint64_t n;

	memset(array, 0, sizeof(*array));
	if (d->kind == HF_ARRAY_USER_PAGES)
		array->bytes = HF_WIRE_SEGMENTS * d->elem;
	if (d->kind != HF_ARRAY_COUNTED)
		return;
	array->user = read_field(arg, d->ptr_off, 8);
	n = read_field(arg, d->count_off, d->count_size);
	if (__builtin_mul_overflow(n, d->elem, &array->bytes))
		array->bytes = UINT64_MAX;
	if (d->out && array->bytes > OUT_MAX)
		array->bytes = OUT_MAX;
	if (!d->out && array->bytes > HF_WIRE_PAYLOAD_MAX / 2) {
		array->flags = HF_ARRAY_TOO_BIG;
		array->bytes = 0;
	}
}

/* The size of an array that has as many elements as another one's u32s add up
 * to; that one is read twice, once for this. */
static void measure_sum(const struct hf_ioctl_desc *desc, const uint8_t *arg,
			unsigned int index, struct array *arrays)
{
	const struct hf_array_desc *d = &desc->arrays[index];
	const struct array *of = &arrays[d->sum_of];
	uint32_t counts[256];
	uint64_t sum = 0;

	arrays[index].user = read_field(arg, d->ptr_off, 8);
	for (uint64_t done = 0; done < of->bytes; done += sizeof(counts)) {
		uint64_t n = of->bytes - done;

		if (n > sizeof(counts))
			n = sizeof(counts);
		if (hf_copy_from_user(counts, (void *)(of->user + done), n))
			break;
		for (uint64_t i = 0; i < n / 4; i++)
			sum += counts[i];
	}
	if (sum > HF_WIRE_PAYLOAD_MAX / 4 / d->elem)
		arrays[index].flags = HF_ARRAY_TOO_BIG;
	else
		arrays[index].bytes = sum * d->elem;
}

/* Where a range of the program's memory is. What is no such thing (no bytes at
 * all), or more than the server takes, is for it to say no to. */
static void put_user_pages(struct hf_request *req,
			   const struct hf_array_desc *d,
			   struct hf_wire_array *wire, struct hf_userptr *user)
{
	const uint8_t *arg = req->slot->arg;
	uint64_t size = read_field(arg, d->count_off, d->count_size);
	int ret = size > hf_request_user_max(req) ? -ENOMEM : 0;

	if (size && !ret)
		ret = hf_userptr_open(user, read_field(arg, d->ptr_off, 8),
				      size, read_field(arg, d->sum_of, 4) & 1,
				      (void *)(req->payload + wire->off),
				      HF_WIRE_SEGMENTS);
	wire->len = user->nsegments * d->elem;
	if (ret)
		wire->flags = ret == -EFAULT ? HF_ARRAY_FAULT :
					       HF_ARRAY_TOO_BIG;
}

/* Copy what goes to the server behind the argument, all of it at once. */
static void fill_arrays(struct hf_request *req, const struct hf_ioctl_desc *desc,
			const struct array arrays[HF_WIRE_ARRAYS],
			struct hf_userptr *user)
{
	struct hf_user_copy copies[HF_WIRE_ARRAYS];
	struct hf_wire_array *copied[HF_WIRE_ARRAYS];
	unsigned int n = 0;
	uint32_t off = 0;

	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && desc->arrays[i].kind;
	     i++) {
		struct hf_wire_array *wire = &req->slot->arrays[i];

		wire->off = off;
		wire->len = arrays[i].bytes;
		wire->flags = arrays[i].flags;
		if (desc->arrays[i].kind == HF_ARRAY_USER_PAGES) {
			put_user_pages(req, &desc->arrays[i], wire, user);
		} else if (!desc->arrays[i].out && arrays[i].bytes) {
			copied[n] = wire;
			copies[n++] = (struct hf_user_copy){
				.to = req->payload + off,
				.user = (void *)arrays[i].user,
				.size = arrays[i].bytes,
			};
		}
		off += (arrays[i].bytes + 7) & ~7ull;
	}
	hf_copy_all_from_user(copies, n);
	for (unsigned int i = 0; i < n; i++)
		if (copies[i].fault)
			copied[i]->flags |= HF_ARRAY_FAULT;
}

static int put_arrays(struct hf_request *req, const struct hf_ioctl_desc *desc,
		      struct array arrays[HF_WIRE_ARRAYS],
		      struct hf_userptr *user)
{
	const uint8_t *arg = req->slot->arg;
	uint64_t total = 0;
	int ret;

	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && desc->arrays[i].kind;
	     i++) {
		measure(desc, arg, i, &arrays[i]);
		if (desc->arrays[i].kind == HF_ARRAY_SUMMED)
			measure_sum(desc, arg, i, arrays);
		total += (arrays[i].bytes + 7) & ~7ull;
	}
	if (total > HF_WIRE_PAYLOAD_MAX)
		return -ENOMEM;
	ret = hf_request_payload(req, total);
	if (!ret)
		fill_arrays(req, desc, arrays, user);
	return ret;
}

static int get_arrays(struct hf_request *req, const struct hf_ioctl_desc *desc,
		      const struct array arrays[HF_WIRE_ARRAYS])
{
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && desc->arrays[i].kind;
	     i++) {
		const struct hf_wire_array *wire = &req->slot->arrays[i];

		if (desc->arrays[i].out && wire->used &&
		    hf_copy_to_user((void *)arrays[i].user,
				    req->payload + wire->off, wire->used))
			return -EFAULT;
	}
	return 0;
}

static bool has_arrays(const struct hf_ioctl_desc *desc)
{
	return desc->arrays[0].kind != HF_ARRAY_NONE;
}

/* Of a file that the user pages, which are the first array, are in. */
static void answer_user_fd(struct hf_request *req, struct hf_wire_ask *ask,
			   struct hf_userptr *user, int *fds,
			   unsigned int *nfds)
{
	int fd = user ? hf_userptr_fd(user, ask->what) : -EFAULT;

	if (user)
		req->slot->arrays[0].len =
			user->nsegments * sizeof(*user->segments);
	ask->result = fd < 0 ? fd : (int)*nfds;
	if (fd >= 0)
		fds[(*nfds)++] = fd;
}

/* The server needs something of this process: the last ask says what. */
static void answer_ask(struct hf_request *req, struct hf_userptr *user,
		       int *fds, unsigned int *nfds)
{
	uint32_t n = req->slot->nasks;
	struct hf_wire_ask *ask = &req->slot->asks[n - 1];

	if (n == 0 || n > HF_WIRE_ASKS)
		return;
	if (ask->kind == HF_ASK_PUT) {
		ask->result = hf_copy_to_user((void *)ask->what, &ask->value,
					      sizeof(ask->value));
	} else if (*nfds == HF_WIRE_FDS_MAX - 1) {
		ask->result = -EMFILE;
	} else if (ask->kind == HF_ASK_USER_FD) {
		answer_user_fd(req, ask, user, fds, nfds);
	} else if ((int)ask->what < 0 ||
		   REAL(fcntl)((int)ask->what, F_GETFD) < 0) {
		ask->result = -EBADF;
	} else {
		ask->result = *nfds;
		fds[(*nfds)++] = ask->what;
	}
}

/*
 * Post the request, again for as long as the server asks. @fd goes with it, if
 * there is one.
 */
static int run_request(struct hf_request *req, struct hf_userptr *user, int fd)
{
	int fds[HF_WIRE_FDS_MAX] = { fd }, ret;
	unsigned int nfds = fd >= 0;

	for (;;) {
		memcpy(req->fds, fds, nfds * sizeof(*fds));
		req->nfds = nfds;
		ret = hf_request_run(req);
		if (ret != HF_WIRE_ASK)
			return ret;
		answer_ask(req, user, fds, &nfds);
	}
}

/* Descriptors whose numbers go through user pointers. */
static void put_fds(struct hf_request *req)
{
	uint32_t n = req->slot->nasks;

	for (uint32_t i = 0; i < n && i < HF_WIRE_ASKS; i++) {
		const struct hf_wire_ask *ask = &req->slot->asks[i];
		int fd;

		if (ask->kind != HF_ASK_PUT_FD ||
		    (uint32_t)ask->value >= req->nfds)
			continue;
		fd = req->fds[ask->value];
		if (!hf_copy_to_user((void *)ask->what, &fd, sizeof(fd)))
			req->fds[ask->value] = -1; /* the program's now */
	}
}

/* A descriptor that came back: its number goes into the argument. */
static void get_fd(struct hf_request *req, const struct hf_ioctl_desc *desc,
		   int on)
{
	int fd;

	if (!desc->fd_out || !req->nfds)
		return;
	fd = req->fds[--req->nfds];
	if (!(req->slot->cloexec & 1))
		REAL(fcntl)(fd, F_SETFD, 0);
	if (desc->rights & HF_DRM_FD) {
		REAL(fcntl)(fd, F_SETFL, REAL(fcntl)(on, F_GETFL));
		hf_file_opened(fd);
	}
	memcpy(req->slot->arg + desc->fd_out - 1, &fd, sizeof(fd));
}

/* The sizes of the kernel's drm_ioctl(). */
struct sizes {
	uint32_t in, out, known;
};

static struct sizes sizes_of(uint32_t cmd, const struct hf_ioctl_desc *desc)
{
	struct sizes s = { _IOC_SIZE(cmd), _IOC_SIZE(cmd),
			   _IOC_SIZE(desc->cmd) };

	if (!(cmd & desc->cmd & IOC_IN))
		s.in = 0;
	if (!(cmd & desc->cmd & IOC_OUT))
		s.out = 0;
	return s;
}

static int run_ioctl(struct hf_request *req, int fd, uint32_t cmd, void *arg)
{
	const struct hf_ioctl_desc *desc = &hf_ioctl_descs[_IOC_NR(cmd)];
	struct sizes size = sizes_of(cmd, desc);
	struct hf_userptr user = { .adopt.fd = -1 };
	struct array arrays[HF_WIRE_ARRAYS];
	uint8_t *copy = req->slot->arg;
	int ret = 0;

	if (!desc->cmd)
		return hf_request_run(req); /* it is the server that says no */
	if (hf_copy_from_user(copy, arg, size.in))
		return -EFAULT;
	if (size.known > size.in)
		memset(copy + size.in, 0, size.known - size.in);
	if (has_arrays(desc))
		ret = put_arrays(req, desc, arrays, &user);
	if (!ret)
		ret = run_request(req, &user, -1);
	hf_userptr_close(&user);
	if (ret == HF_WIRE_STALE || ret == -ENODEV)
		return ret;
	if (has_arrays(desc) && get_arrays(req, desc, arrays))
		ret = -EFAULT;
	get_fd(req, desc, fd);
	put_fds(req);
	if (hf_copy_to_user(arg, copy, size.out))
		ret = -EFAULT;
	return ret;
}

static int drm_ioctl(int fd, uint32_t file, uint32_t cmd, void *arg)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_IOCTL);

	if (ret)
		return ret;
	req.slot->file = file;
	req.slot->cmd = cmd;
	ret = run_ioctl(&req, fd, cmd, arg);
	hf_request_end(&req);
	return ret;
}

/* -- ioctls on sync_files and dma-bufs --------------------------------------- */

/* Where it fails, nothing comes back. */
static int run_fd_ioctl(struct hf_request *req, int fd,
			const struct hf_ioctl_desc *desc, void *arg)
{
	uint32_t size = _IOC_SIZE(desc->cmd);
	struct array arrays[HF_WIRE_ARRAYS];
	uint8_t *copy = req->slot->arg;
	int ret;

	if (hf_copy_from_user(copy, arg, size))
		return -EFAULT;
	ret = put_arrays(req, desc, arrays, NULL);
	if (!ret)
		ret = run_request(req, NULL, fd);
	if (!ret)
		ret = get_arrays(req, desc, arrays);
	if (ret)
		return ret;
	get_fd(req, desc, fd);
	if (!(desc->cmd & IOC_OUT) || !hf_copy_to_user(arg, copy, size))
		return 0;
	if (desc->fd_out)
		REAL(close)((int)read_field(copy, desc->fd_out - 1, 4));
	return -EFAULT;
}

static int fd_ioctl(int fd, const struct hf_ioctl_desc *desc, void *arg)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_FD_IOCTL);

	if (ret)
		return ret;
	req.slot->cmd = desc->cmd;
	ret = run_fd_ioctl(&req, fd, desc, arg);
	hf_request_end(&req);
	return ret;
}

/* The kernel keeps it for its listings, where there is none of ours; so it is
 * only looked at: a string that must end in time. */
static int set_name(const char *name)
{
	char c;

	for (unsigned int i = 0; i < DMA_BUF_NAME_LEN; i++) {
		if (hf_copy_from_user(&c, name + i, 1))
			return -EFAULT;
		if (!c)
			return 0;
	}
	return -EINVAL;
}

/* 1: neither of them, or no ioctl of theirs. */
static int other_ioctl(int fd, uint32_t cmd, void *arg)
{
	int row = hf_fd_ioctl_row(cmd), ret;

	if (_IOC_TYPE(cmd) == SYNC_IOC_MAGIC)
		return row >= 0 && hf_is_sync_file(fd) ?
			       fd_ioctl(fd, &hf_fd_ioctl_descs[row], arg) :
			       1;
	if (cmd == DMA_BUF_SET_NAME_A || cmd == DMA_BUF_SET_NAME_B)
		return hf_is_memory(fd) ? set_name(arg) : 1;
	if (row < 0 || !hf_is_memory(fd))
		return 1;
	ret = fd_ioctl(fd, &hf_fd_ioctl_descs[row], arg);
	/* Memory outlives its devices, and then nobody works on it. */
	return ret == -ENODEV && cmd == DMA_BUF_IOCTL_SYNC ? 0 : ret;
}

/* 1: not ours, let the kernel answer. */
static int dispatch(int fd, uint32_t cmd, void *arg)
{
	uint32_t file;
	int ret;

	if (_IOC_TYPE(cmd) == SYNC_IOC_MAGIC || _IOC_TYPE(cmd) == DMA_BUF_BASE) {
		ret = other_ioctl(fd, cmd, arg);
		if (ret != 1)
			return ret;
	}
	if (_IOC_TYPE(cmd) != DRM_IOCTL_BASE)
		return hf_file_likely(fd) && _IOC_TYPE(cmd) != 'T' &&
				       !hf_file_of(fd, &file) ?
			       -ENOTTY :
			       1;
	file = hf_file_likely(fd);
	ret = file ? 0 : hf_file_of(fd, &file);
	if (ret == -ENOTTY)
		return 1;
	if (!ret)
		ret = drm_ioctl(fd, file, cmd, arg);
	/* Another link may serve this time; a file that is gone ends it. */
	while (ret == HF_WIRE_STALE) {
		hf_file_forget(fd);
		ret = hf_file_of(fd, &file);
		if (ret == -ENOTTY)
			return 1;
		if (!ret)
			ret = drm_ioctl(fd, file, cmd, arg);
	}
	return ret;
}

HF_SHIM_EXPORT int ioctl(int fd, unsigned long cmd, ...)
{
	va_list ap;
	void *arg;
	int ret = 1, value = 0, saved = errno;

	va_start(ap, cmd);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (hf_shim_active() &&
	    (_IOC_TYPE(cmd) == DRM_IOCTL_BASE ||
	     !hf_device_ioctl(fd, cmd, arg, &value)))
		ret = dispatch(fd, cmd, arg);
	else if (hf_shim_active())
		ret = value < 0 ? value : 0;
	if (ret == 1) {
		errno = saved;
		return REAL(ioctl)(fd, cmd, arg);
	}
	errno = ret < 0 ? -ret : saved;
	return ret < 0 ? -1 : value;
}
