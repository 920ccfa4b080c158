/* SPDX-License-Identifier: MIT */
/*
 * A viewer's end of a stream. See the header.
 *
 * A frame that comes after a later request was made is not looked at: the memory is being
 * written again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/futex.h"
#include "mem/shmem.h"
#include "server/stream.h"
#include "view/source.h"

#define MS UINT64_C(1000000)
/* Between two frames, at least: nobody sees more of them. */
#define PACE_NS (4 * MS)
/* Until one is asked for in any case: while that finds something, and when not. */
#define EAGER_NS (100 * MS)
#define LAZY_NS (1000 * MS)

void hf_source_init(struct hf_source *source, int fd)
{
	memset(source, 0, sizeof(*source));
	source->fd = fd;
	source->patience_ns = EAGER_NS;
}

static void unmap(struct hf_source *source)
{
	if (source->pixels)
		munmap((void *)source->pixels, source->size);
	source->pixels = NULL;
	source->size = 0;
}

void hf_source_finish(struct hf_source *source)
{
	unmap(source);
	close(source->fd);
}

static int tell(const struct hf_source *source,
		const struct hf_stream_request *packet)
{
	if (send(source->fd, packet, sizeof(*packet), MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static int request(struct hf_source *source, enum hf_stream_what what)
{
	source->asked = true;
	source->in_any_case = what == HF_STREAM_NOW;
	return tell(source, &(struct hf_stream_request){
				    .what = what,
				    .serial = ++source->serial,
			    });
}

int hf_source_key(struct hf_source *source, uint32_t keysym, bool down)
{
	return tell(source, &(struct hf_stream_request){
				    .what = HF_STREAM_KEY,
				    .code = keysym,
				    .x = down,
			    });
}

int hf_source_pointer(struct hf_source *source, int x, int y, uint32_t buttons)
{
	return tell(source, &(struct hf_stream_request){
				    .what = HF_STREAM_POINTER,
				    .code = buttons,
				    .x = x,
				    .y = y,
			    });
}

int hf_source_ask_now(struct hf_source *source)
{
	return request(source, HF_STREAM_NOW);
}

static uint64_t due(const struct hf_source *source)
{
	if (source->asked && source->in_any_case)
		return UINT64_MAX;
	return source->last_ns +
	       (source->asked ? source->patience_ns : PACE_NS);
}

int hf_source_ask(struct hf_source *source)
{
	if (hf_monotonic_ns() < due(source))
		return 0;
	return request(source, source->asked ? HF_STREAM_NOW : HF_STREAM_NEXT);
}

int hf_source_timeout(const struct hf_source *source)
{
	uint64_t now = hf_monotonic_ns(), then = due(source);

	if (then == UINT64_MAX)
		return -1;
	return then > now ? (int)((then - now + MS - 1) / MS) : 0;
}

static int map(struct hf_source *source, int fd)
{
	void *pixels;
	size_t size;

	if (lseek(fd, 0, SEEK_END) <= 0)
		return -EPROTO;
	size = (size_t)lseek(fd, 0, SEEK_END);
	pixels = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (pixels == MAP_FAILED)
		return -errno;
	unmap(source);
	source->pixels = pixels;
	source->size = size;
	return 0;
}

static int take(struct hf_source *source, const struct hf_stream_frame *frame)
{
	if (frame->error)
		return frame->error;
	if (frame->lit && source->size <
				  (size_t)frame->width * frame->height * 4)
		return -EPROTO;
	if (frame->serial != source->serial)
		return 0;
	source->asked = false;
	source->last_ns = hf_monotonic_ns();
	source->lit = frame->lit;
	source->width = frame->width;
	source->height = frame->height;
	return 1;
}

int hf_source_receive(struct hf_source *source)
{
	struct hf_stream_frame frame;
	int fds[HF_FDPASS_MAX], len, ret = 0;
	unsigned int n = 0;

	len = hf_recv_fds(source->fd, &frame, sizeof(frame), MSG_DONTWAIT, fds,
			  &n);
	if (len == -EAGAIN || len == -EINTR)
		return 0;
	if (len == 0)
		return -ENODATA;
	if (n)
		ret = map(source, fds[0]);
	while (n)
		close(fds[--n]);
	if (len != sizeof(frame))
		return len < 0 ? len : -EPROTO;
	return ret ? ret : take(source, &frame);
}

void hf_source_differed(struct hf_source *source, bool differed)
{
	if (differed)
		source->patience_ns = EAGER_NS;
	else if (source->in_any_case && source->patience_ns < LAZY_NS)
		source->patience_ns *= 2;
}
