/* SPDX-License-Identifier: MIT */
/*
 * An X client that draws by itself: it opens the device by DRI3, makes pixmaps of dumb
 * buffers, and presents them in a window that fills the screen.
 *
 *	present flips COUNT	so many, each at the vblank after the one before; says of
 *				each its MSC, its UST and whether it was flipped, and
 *				"shown", and stays until its standard input ends
 *	present flood		pixmaps, until there are no more; says how many
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xcb/dri3.h>
#include <xcb/present.h>
#include <xcb/xcb.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

#define BUFFERS 3

struct client {
	xcb_connection_t *x;
	xcb_screen_t *screen;
	xcb_window_t window;
	xcb_special_event_t *events;
	int drm;
	xcb_pixmap_t pixmaps[BUFFERS];
	bool busy[BUFFERS];
};

/* Red, green, blue: by what is shown one knows which is. */
static const uint32_t colours[BUFFERS] = { 0xc02020, 0x20c020, 0x2020c0 };

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "present: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void check(struct client *client, xcb_void_cookie_t cookie,
		  const char *what)
{
	xcb_generic_error_t *error = xcb_request_check(client->x, cookie);

	if (!error)
		return;
	fprintf(stderr, "present: %s: error %u\n", what, error->error_code);
	exit(1);
}

static void connect_to_x(struct client *client)
{
	client->x = xcb_connect(NULL, NULL);
	if (xcb_connection_has_error(client->x))
		fail("no X server");
	client->screen = xcb_setup_roots_iterator(xcb_get_setup(client->x)).data;
}

/* What the X server opened for us. */
static void open_device(struct client *client)
{
	xcb_dri3_open_reply_t *reply = xcb_dri3_open_reply(
		client->x,
		xcb_dri3_open(client->x, client->screen->root, 0), NULL);

	if (!reply || reply->nfd != 1)
		fail("DRI3Open");
	client->drm = xcb_dri3_open_reply_fds(client->x, reply)[0];
	free(reply);
}

static void fill(int drm, const struct drm_mode_create_dumb *dumb,
		 uint32_t colour)
{
	struct drm_mode_map_dumb map = { .handle = dumb->handle };
	uint32_t *pixels;

	if (drmIoctl(drm, DRM_IOCTL_MODE_MAP_DUMB, &map))
		fail("MAP_DUMB");
	pixels = mmap(NULL, dumb->size, PROT_READ | PROT_WRITE, MAP_SHARED, drm,
		      map.offset);
	if (pixels == MAP_FAILED)
		fail("mmap");
	for (size_t i = 0; i < dumb->size / sizeof(*pixels); i++)
		pixels[i] = colour;
	munmap(pixels, dumb->size);
}

/* A dumb buffer of the screen's size as a pixmap. Return: its dma-buf, or -1. */
static int create_buffer(struct client *client, struct drm_mode_create_dumb *dumb)
{
	int fd;

	*dumb = (struct drm_mode_create_dumb){
		.width = client->screen->width_in_pixels,
		.height = client->screen->height_in_pixels,
		.bpp = 32,
	};
	if (drmIoctl(client->drm, DRM_IOCTL_MODE_CREATE_DUMB, dumb))
		return -1;
	if (drmPrimeHandleToFD(client->drm, dumb->handle, DRM_CLOEXEC | DRM_RDWR,
			       &fd))
		return -1;
	return fd;
}

static xcb_void_cookie_t create_pixmap(struct client *client, int fd,
				       const struct drm_mode_create_dumb *dumb,
				       xcb_pixmap_t *pixmap)
{
	*pixmap = xcb_generate_id(client->x);
	return xcb_dri3_pixmap_from_buffer_checked(
		client->x, *pixmap, client->screen->root, dumb->size,
		dumb->width, dumb->height, dumb->pitch,
		client->screen->root_depth, 32, fd);
}

static void create_window(struct client *client)
{
	const uint32_t unmanaged = 1;
	uint32_t id = xcb_generate_id(client->x);

	client->window = xcb_generate_id(client->x);
	xcb_create_window(client->x, XCB_COPY_FROM_PARENT, client->window,
			  client->screen->root, 0, 0,
			  client->screen->width_in_pixels,
			  client->screen->height_in_pixels, 0,
			  XCB_WINDOW_CLASS_INPUT_OUTPUT,
			  XCB_COPY_FROM_PARENT, XCB_CW_OVERRIDE_REDIRECT,
			  &unmanaged);
	check(client, xcb_map_window_checked(client->x, client->window), "map");
	client->events = xcb_register_for_special_xge(
		client->x, &xcb_present_id, id, NULL);
	check(client,
	      xcb_present_select_input_checked(
		      client->x, id, client->window,
		      XCB_PRESENT_EVENT_MASK_COMPLETE_NOTIFY |
			      XCB_PRESENT_EVENT_MASK_IDLE_NOTIFY),
	      "PresentSelectInput");
}

/* Next of what the X server tells of the window. */
static xcb_present_generic_event_t *next_event(struct client *client)
{
	xcb_present_generic_event_t *event = (void *)xcb_wait_for_special_event(
		client->x, client->events);
	const xcb_present_idle_notify_event_t *idle = (void *)event;

	if (!event)
		fail("the X server is gone");
	if (event->evtype != XCB_PRESENT_IDLE_NOTIFY)
		return event;
	for (unsigned int i = 0; i < BUFFERS; i++)
		if (client->pixmaps[i] == idle->pixmap)
			client->busy[i] = false;
	return event;
}

static const char *mode_name(unsigned int mode)
{
	static const char *const names[] = { "copy", "flip", "skip",
					     "suboptimal" };

	return mode < sizeof(names) / sizeof(*names) ? names[mode] : "?";
}

/* Until the one with that number is shown. Return: its MSC. */
static uint64_t wait_for(struct client *client, uint32_t serial)
{
	xcb_present_complete_notify_event_t complete = { 0 };
	xcb_present_generic_event_t *event;

	while (complete.serial != serial) {
		event = next_event(client);
		if (event->evtype == XCB_PRESENT_COMPLETE_NOTIFY)
			memcpy(&complete, event, sizeof(complete));
		free(event);
	}
	printf("%u: msc %lu ust %lu %s\n", serial, (unsigned long)complete.msc,
	       (unsigned long)complete.ust, mode_name(complete.mode));
	return complete.msc;
}

static unsigned int free_buffer(struct client *client)
{
	for (;;) {
		for (unsigned int i = 0; i < BUFFERS; i++)
			if (!client->busy[i])
				return i;
		free(next_event(client));
	}
}

static uint64_t present(struct client *client, uint32_t serial, uint64_t msc)
{
	unsigned int i = free_buffer(client);

	client->busy[i] = true;
	check(client,
	      xcb_present_pixmap_checked(client->x, client->window,
					 client->pixmaps[i], serial, 0, 0, 0, 0,
					 0, 0, 0, 0, msc, 0, 0, 0, NULL),
	      "PresentPixmap");
	msc = wait_for(client, serial);
	printf("%u: colour %06x\n", serial, colours[i]);
	return msc;
}

static int run_flips(struct client *client, unsigned int count)
{
	struct drm_mode_create_dumb dumb;
	uint64_t msc = 0;
	char byte;

	for (unsigned int i = 0; i < BUFFERS; i++) {
		int fd = create_buffer(client, &dumb);

		if (fd < 0)
			fail("a buffer");
		fill(client->drm, &dumb, colours[i]);
		check(client,
		      create_pixmap(client, fd, &dumb, &client->pixmaps[i]),
		      "DRI3PixmapFromBuffer");
	}
	create_window(client);
	for (unsigned int i = 1; i <= count; i++)
		msc = present(client, i, msc + 1);
	puts("shown");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

/* The X server has the memory as well: what is closed here is not gone. */
static int run_flood(struct client *client)
{
	struct drm_mode_create_dumb dumb;
	xcb_generic_error_t *error = NULL;
	xcb_pixmap_t pixmap;
	unsigned int n;
	int fd;

	for (n = 0; !error; n++) {
		fd = create_buffer(client, &dumb);
		if (fd < 0)
			break;
		error = xcb_request_check(
			client->x, create_pixmap(client, fd, &dumb, &pixmap));
		drmCloseBufferHandle(client->drm, dumb.handle);
	}
	free(error);
	printf("%u pixmaps\n", n);
	return 0;
}

int main(int argc, char **argv)
{
	struct client client = { 0 };

	if (argc < 2)
		return 2;
	setlinebuf(stdout);
	connect_to_x(&client);
	open_device(&client);
	if (!strcmp(argv[1], "flood"))
		return run_flood(&client);
	return run_flips(&client, argc > 2 ? atoi(argv[2]) : 60);
}
