/* SPDX-License-Identifier: MIT */
/*
 * A process for each viewer: `holdfast view` starts it with a connection that it has
 * accepted. libvncserver speaks RFB, over WebSockets where it is a browser, and may
 * block as long as it likes, or fall over what it is sent: nobody else is in here.
 *
 * One thread. The framebuffer is the last frame; what differs in the next one is copied
 * into it and is the damage. A frame is asked for when the viewer waits for one and has
 * seen all of the last. So what is kept for a viewer is one frame, however slow it is.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <rfb/rfb.h>
#include <rfb/rfbregion.h>

#include "base/clock.h"
#include "base/futex.h"
#include "view/source.h"
#include "view/tiles.h"

/* How long the other side may take none of what it is sent, or keep us waiting for the
 * rest of a message; and how long to say hello. */
#define PATIENCE_MS 10000
#define HELLO_NS (10 * HF_NSEC_PER_SEC)
/* What is shown before anything was. */
#define NO_WIDTH 1024
#define NO_HEIGHT 768
/* More rectangles than this are sent as one. */
#define MAX_RECTS 500

struct options {
	int client, stream, password;
	bool view_only, websocket;
	const char *name;
};

struct viewer {
	const struct options *options;
	struct hf_source source;
	rfbScreenInfoPtr screen;
	rfbClientPtr client; /* NULL: it has gone */
	uint32_t width, height; /* of the frame that the framebuffer has */
	bool lit;		/* and it is not all black */
	char password[9];
	char *passwords[2];
	sraRegionPtr damage;
};

static struct viewer *viewer_of(rfbClientPtr client)
{
	return client->screen->screenData;
}

static void no_log(const char *format, ...)
{
	(void)format;
}

/* -- frames ------------------------------------------------------------------ */

/* What memory has: blue is the lowest byte. */
static void set_format(rfbScreenInfoPtr screen)
{
	screen->serverFormat.redShift = 16;
	screen->serverFormat.greenShift = 8;
	screen->serverFormat.blueShift = 0;
}

static bool can_resize(const struct viewer *viewer)
{
	return viewer->client &&
	       (viewer->client->useNewFBSize ||
		viewer->client->useExtDesktopSize);
}

/* One that cannot be told of another size sees what fits in its own. */
static bool resize(struct viewer *viewer, uint32_t width, uint32_t height)
{
	rfbScreenInfoPtr screen = viewer->screen;
	char *old = screen->frameBuffer;
	char *pixels = calloc((size_t)width * height, 4);

	if (!pixels)
		return false;
	rfbNewFramebuffer(screen, pixels, (int)width, (int)height, 8, 3, 4);
	set_format(screen);
	screen->setTranslateFunction(viewer->client);
	free(old);
	viewer->lit = false;
	return true;
}

static void add_damage(void *data, uint32_t x, uint32_t y, uint32_t width,
		       uint32_t height)
{
	struct viewer *viewer = data;
	sraRegionPtr rect = sraRgnCreateRect((int)x, (int)y, (int)(x + width),
					     (int)(y + height));

	sraRgnOr(viewer->damage, rect);
	sraRgnDestroy(rect);
}

/* Return: was it anything but black? */
static bool clear(struct viewer *viewer)
{
	rfbScreenInfoPtr screen = viewer->screen;

	if (!viewer->lit)
		return false;
	memset(screen->frameBuffer, 0,
	       (size_t)screen->width * screen->height * 4);
	add_damage(viewer, 0, 0, screen->width, screen->height);
	viewer->lit = false;
	return true;
}

static bool copy(struct viewer *viewer)
{
	const struct hf_source *source = &viewer->source;
	rfbScreenInfoPtr screen = viewer->screen;
	struct hf_pixels to = { (uint32_t *)screen->frameBuffer,
				(size_t)screen->width };
	struct hf_pixels from = { (uint32_t *)source->pixels, source->width };
	uint32_t width = source->width, height = source->height;

	if (width > (uint32_t)screen->width)
		width = screen->width;
	if (height > (uint32_t)screen->height)
		height = screen->height;
	viewer->lit = true;
	return hf_tiles_update(&to, &from, width, height, add_damage, viewer);
}

static bool same_size(const struct viewer *viewer)
{
	return viewer->source.width == (uint32_t)viewer->screen->width &&
	       viewer->source.height == (uint32_t)viewer->screen->height;
}

static void show(struct viewer *viewer)
{
	const struct hf_source *source = &viewer->source;
	bool differs = false;

	if (source->width && !same_size(viewer) && can_resize(viewer))
		differs = resize(viewer, source->width, source->height);
	if (source->width != viewer->width || source->height != viewer->height)
		differs |= clear(viewer);
	viewer->width = source->width;
	viewer->height = source->height;
	differs |= source->lit ? copy(viewer) : clear(viewer);
	hf_source_differed(&viewer->source, differs);
	rfbMarkRegionAsModified(viewer->screen, viewer->damage);
	sraRgnMakeEmpty(viewer->damage);
}

/* -- input -------------------------------------------------------------------- */

/* Errors show where frames are asked for. */
static void on_key(rfbBool down, rfbKeySym keysym, rfbClientPtr client)
{
	hf_source_key(&viewer_of(client)->source, keysym, down);
}

static void on_pointer(int buttons, int x, int y, rfbClientPtr client)
{
	hf_source_pointer(&viewer_of(client)->source, x, y, (uint32_t)buttons);
}

/* -- the connection ----------------------------------------------------------- */

static void client_gone(rfbClientPtr client)
{
	viewer_of(client)->client = NULL;
}

/* A page of another site can open a WebSocket to any port: only where it was looked at. */
static enum rfbNewClientAction new_client(rfbClientPtr client)
{
	struct viewer *viewer = viewer_of(client);

	if (!client->wsctx == viewer->options->websocket)
		return RFB_CLIENT_REFUSE;
	viewer->client = client;
	client->clientGoneHook = client_gone;
	client->viewOnly = viewer->options->view_only;
	return RFB_CLIENT_ACCEPT;
}

static bool read_password(struct viewer *viewer)
{
	ssize_t n = read(viewer->options->password, viewer->password,
			 sizeof(viewer->password) - 1);

	viewer->password[strcspn(viewer->password, "\r\n")] = 0;
	viewer->passwords[0] = viewer->password;
	viewer->screen->authPasswdData = viewer->passwords;
	viewer->screen->passwordCheck = rfbCheckPasswordByList;
	return n > 0 && *viewer->password;
}

static bool create_screen(struct viewer *viewer)
{
	const struct hf_source *source = &viewer->source;
	int width = source->width ? (int)source->width : NO_WIDTH;
	int height = source->width ? (int)source->height : NO_HEIGHT;
	rfbScreenInfoPtr screen =
		rfbGetScreen(NULL, NULL, width, height, 8, 3, 4);

	if (!screen)
		return false;
	viewer->screen = screen;
	viewer->damage = sraRgnCreate();
	set_format(screen);
	screen->screenData = viewer;
	screen->desktopName = viewer->options->name;
	screen->alwaysShared = TRUE;
	screen->deferUpdateTime = 0;
	screen->maxRectsPerUpdate = MAX_RECTS;
	screen->maxClientWait = PATIENCE_MS;
	screen->cursor = NULL;
	screen->newClientHook = new_client;
	screen->kbdAddEvent = on_key;
	screen->ptrAddEvent = on_pointer;
	screen->frameBuffer = calloc((size_t)width * height, 4);
	if (viewer->options->password >= 0 && !read_password(viewer))
		return false;
	return screen->frameBuffer;
}

/* Its size is said at once, so it should be the right one. */
static bool get_first_frame(struct viewer *viewer)
{
	struct pollfd fd = { .fd = viewer->source.fd, .events = POLLIN };
	int ret = hf_source_ask_now(&viewer->source);

	while (ret == 0 && poll(&fd, 1, PATIENCE_MS) == 1)
		ret = hf_source_receive(&viewer->source);
	return ret == 1;
}

/* It waits for a frame, and has all that there was. */
static bool wants_more(const struct viewer *viewer)
{
	return viewer->client->state == RFB_NORMAL &&
	       !sraRgnEmpty(viewer->client->requestedRegion);
}

static void serve(struct viewer *viewer)
{
	uint64_t end = hf_monotonic_ns() + HELLO_NS;
	struct pollfd fds[] = {
		{ .fd = viewer->client->sock, .events = POLLIN },
		{ .fd = viewer->source.fd, .events = POLLIN },
	};
	int ret = 0;

	while (ret >= 0) {
		int timeout = 1000;

		rfbProcessEvents(viewer->screen, 0);
		if (!viewer->client || (viewer->client->state != RFB_NORMAL &&
					hf_monotonic_ns() > end))
			return;
		if (wants_more(viewer)) {
			ret = hf_source_ask(&viewer->source);
			timeout = hf_source_timeout(&viewer->source);
		}
		if (ret < 0 || poll(fds, 2, timeout) < 1 || !fds[1].revents)
			continue;
		ret = hf_source_receive(&viewer->source);
		if (ret == 1)
			show(viewer);
	}
}

/* One whose machine is gone does not say so. */
static void watch_connection(int fd)
{
	int on = 1, idle = 30, probes = 3, dead_ms = 60000;

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms,
		   sizeof(dead_ms));
}

static int run(const struct options *options)
{
	static struct viewer viewer;

	viewer.options = options;
	hf_source_init(&viewer.source, options->stream);
	if (!get_first_frame(&viewer) || !create_screen(&viewer))
		return 1;
	if (viewer.source.lit)
		show(&viewer);
	watch_connection(options->client);
	if (rfbNewClient(viewer.screen, options->client))
		serve(&viewer);
	/* What libvncserver has is given back by the end of the process. */
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option names[] = {
		{ "client", required_argument, NULL, 'c' },
		{ "stream", required_argument, NULL, 's' },
		{ "password", required_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'n' },
		{ "view-only", no_argument, NULL, 'v' },
		{ "websocket", no_argument, NULL, 'w' },
		{ 0 },
	};
	struct options options = { .client = -1,
				   .stream = -1,
				   .password = -1,
				   .name = "holdfast" };
	int option;

	signal(SIGPIPE, SIG_IGN);
	rfbLog = rfbErr = no_log;
	while ((option = getopt_long(argc, argv, "", names, NULL)) != -1)
		switch (option) {
		case 'c':
			options.client = atoi(optarg);
			break;
		case 's':
			options.stream = atoi(optarg);
			break;
		case 'p':
			options.password = atoi(optarg);
			break;
		case 'n':
			options.name = optarg;
			break;
		case 'v':
			options.view_only = true;
			break;
		case 'w':
			options.websocket = true;
			break;
		default:
			return 2;
		}
	if (options.client < 0 || options.stream < 0) {
		fputs("holdfast-viewer: started by holdfast view\n", stderr);
		return 2;
	}
	return run(&options);
}
