/* SPDX-License-Identifier: MIT */
/*
 * How long after a flip is shown a VNC viewer on this machine has all of the new picture,
 * every pixel of which is another one; against a frame's time and what it takes to send
 * such a picture that is there already.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "screen.h"

#define MAX_ROUNDS 200
/* Until all is quiet again. */
#define REST_NS 30000000

/*
 * struct watching - A viewer, and `holdfast view`, which it is connected to.
 * @latencies: from a flip that is shown to its picture, nanoseconds
 * @encodings: from a request to the picture
 */
struct watching {
	struct screen screen;
	pid_t view;
	int socket;
	uint8_t *data;
	double latencies[MAX_ROUNDS], encodings[MAX_ROUNDS];
};

/* -- the viewer ---------------------------------------------------------------- */

static int receive(struct watching *watching, void *data, size_t size)
{
	if (recv(watching->socket, data, size, MSG_WAITALL) == (ssize_t)size)
		return 0;
	errno = errno ? errno : ECONNRESET;
	return bench_fail("viewer");
}

static int transmit(struct watching *watching, const void *data, size_t size)
{
	if (send(watching->socket, data, size, MSG_NOSIGNAL) == (ssize_t)size)
		return 0;
	return bench_fail("viewer");
}

/* RFB 3.8, without a password, in the framebuffer's own format. */
static int greet(struct watching *watching)
{
	uint8_t text[256];
	uint32_t size;
	int ret = receive(watching, text, 12);

	if (!ret)
		ret = transmit(watching, "RFB 003.008\n", 12);
	if (!ret)
		ret = receive(watching, text, 2); /* one way to get in: */
	if (!ret)
		ret = transmit(watching, "\1", 1);
	if (!ret)
		ret = receive(watching, text, 4);
	if (!ret)
		ret = transmit(watching, "\1", 1);
	if (!ret)
		ret = receive(watching, text, 20);
	if (!ret)
		ret = receive(watching, &size, 4);
	size = be32toh(size);
	return ret ? ret : receive(watching, text, size & 0xff);
}

static int request(struct watching *watching, bool incremental)
{
	const drmModeModeInfo *mode = &watching->screen.mode;
	struct {
		uint8_t kind, incremental;
		uint16_t x, y, width, height;
	} packet = {
		.kind = 3,
		.incremental = incremental,
		.width = htobe16(mode->hdisplay),
		.height = htobe16(mode->vdisplay),
	};

	return transmit(watching, &packet, 10);
}

static int receive_update(struct watching *watching)
{
	struct {
		uint8_t kind, padding;
		uint16_t count;
	} update;
	int ret = receive(watching, &update, 4);

	for (unsigned int i = ret ? 0 : be16toh(update.count); i && !ret; i--) {
		struct {
			uint16_t x, y, width, height;
			int32_t encoding;
		} rect;

		ret = receive(watching, &rect, 12);
		if (!ret)
			ret = receive(watching, watching->data,
				      (size_t)be16toh(rect.width) *
					      be16toh(rect.height) * 4);
	}
	return ret;
}

static int connect_to(struct watching *watching, unsigned int port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htobe16(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	watching->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (watching->socket < 0 ||
	    connect(watching->socket, (struct sockaddr *)&address,
		    sizeof(address)))
		return bench_fail("connect");
	return greet(watching);
}

/* -- holdfast view --------------------------------------------------------------- */

static void run_view(int out)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	unsetenv("LD_PRELOAD");
	dup2(out, STDOUT_FILENO);
	execl(bench_holdfast(), "holdfast", "view", "--vnc", "auto", NULL);
	_exit(127);
}

static int start_view(struct watching *watching)
{
	unsigned int port = 0;
	char line[256];
	int out[2];
	FILE *file;

	if (pipe2(out, O_CLOEXEC))
		return bench_fail("pipe");
	watching->view = fork();
	if (watching->view == 0)
		run_view(out[1]);
	close(out[1]);
	file = fdopen(out[0], "r");
	if (file && fgets(line, sizeof(line), file))
		sscanf(line, "VNC=127.0.0.1:%u", &port);
	if (file)
		fclose(file);
	if (port)
		return connect_to(watching, port);
	errno = EPROTO;
	return bench_fail("holdfast view");
}

static void stop_view(struct watching *watching)
{
	if (watching->socket > 0)
		close(watching->socket);
	if (watching->view > 0 && !kill(watching->view, SIGTERM))
		waitpid(watching->view, NULL, 0);
}

/* -- pictures ------------------------------------------------------------------- */

static int fill(const struct screen *screen, uint32_t id, int byte)
{
	drmModeFB *fb = drmModeGetFB(screen->fd, id);
	struct drm_mode_map_dumb map = { .handle = fb ? fb->handle : 0 };
	size_t size = fb ? (size_t)fb->pitch * fb->height : 0;
	void *pixels = MAP_FAILED;

	if (fb && !drmIoctl(screen->fd, DRM_IOCTL_MODE_MAP_DUMB, &map))
		pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      screen->fd, (off_t)map.offset);
	drmModeFreeFB(fb);
	if (pixels == MAP_FAILED)
		return bench_fail("map");
	memset(pixels, byte, size);
	munmap(pixels, size);
	return 0;
}

/* Return: when it began to be shown; 0 on an error. */
static uint64_t flip(const struct screen *screen, uint32_t fb)
{
	struct drm_event_vblank event;

	if (drmModePageFlip(screen->fd, screen->crtc, fb,
			    DRM_MODE_PAGE_FLIP_EVENT, NULL) ||
	    read(screen->fd, &event, sizeof(event)) != sizeof(event)) {
		bench_fail("flip");
		return 0;
	}
	return event.tv_sec * UINT64_C(1000000000) +
	       event.tv_usec * UINT64_C(1000);
}

static int measure_round(struct watching *watching, unsigned int i)
{
	uint64_t start;
	int ret = request(watching, true);

	if (ret)
		return ret;
	sleep_ns(REST_NS);
	start = flip(&watching->screen, watching->screen.fbs[(i + 1) % 2]);
	ret = start ? receive_update(watching) : -EIO;
	watching->latencies[i] = now_ns() - start;
	if (ret)
		return ret;
	sleep_ns(REST_NS);
	start = now_ns();
	ret = request(watching, false);
	if (!ret)
		ret = receive_update(watching);
	watching->encodings[i] = now_ns() - start;
	return ret;
}

static int prepare(struct watching *watching)
{
	struct screen *screen = &watching->screen;
	int ret = screen_light(screen);

	if (!ret)
		ret = fill(screen, screen->fbs[0], 0x55);
	if (!ret)
		ret = fill(screen, screen->fbs[1], 0xaa);
	if (ret)
		return ret;
	watching->data = malloc((size_t)screen->mode.hdisplay *
				screen->mode.vdisplay * 4);
	if (!watching->data)
		return bench_fail("memory");
	ret = start_view(watching);
	if (!ret)
		ret = request(watching, false);
	return ret ? ret : receive_update(watching);
}

int measure_view_latency(struct result *result, bool quick)
{
	struct watching *watching = calloc(1, sizeof(*watching));
	unsigned int rounds = quick ? 20 : MAX_ROUNDS;
	int ret;

	if (!watching)
		return bench_fail("memory");
	ret = prepare(watching);
	for (unsigned int i = 0; !ret && i < rounds; i++)
		ret = measure_round(watching, i);
	if (!ret) {
		double encoding = median(watching->encodings, rounds);
		double latency = median(watching->latencies, rounds);

		if (bench_verbose)
			printf("view_latency: %.2f ms, of which encoding %.2f ms\n",
			       latency / 1e6, encoding / 1e6);
		result->value = latency / 1e6;
		result->reference =
			1e3 / watching->screen.mode.vrefresh + encoding / 1e6;
	}
	stop_view(watching);
	screen_close(&watching->screen);
	free(watching->data);
	free(watching);
	return ret;
}
