// SPDX-License-Identifier: MIT
/*
 * A Wayland client that makes its buffers itself, on the device, and gives them to the
 * compositor with zwp_linux_dmabuf_v1: four quarters, red, green, blue and yellow.
 *
 *   dmabuf [-f XR24|NV12] [-s WxH] [-d WxH] [-D] [-F] [-a] [-n COUNT]
 *
 *   -s  pixels of the buffer, 160x120
 *   -d  what it is scaled to, by wp_viewporter
 *   -D  a dumb buffer of the primary node, not an object of the render node
 *   -F  fullscreen
 *   -a  a new frame whenever the compositor asks for one
 *   -n  make buffers, as many, and keep them all; say how many there are
 *
 * It says "shown" when the compositor has shown the first frame, and stays until it is
 * killed. A compositor that refuses a buffer is an error.
 */
#include <drm_fourcc.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>
#include <xf86drm.h>

#include "holdfast_drm.h"
#include "linux-dmabuf-client.h"
#include "screen.h"
#include "viewporter-client.h"
#include "xdg-shell-client.h"

#define MODIFIER_INVALID ((1ULL << 56) - 1)

struct options {
	uint32_t format;
	int width, height, to_width, to_height;
	bool dumb, fullscreen, animated;
	unsigned int count;
};

/* What a buffer is made of: one object, with one or two planes. */
struct memory {
	uint32_t handle;
	uint32_t pitch, planes, offsets[2];
	uint64_t size, map_offset;
};

struct client {
	struct options options;
	int drm;
	struct wl_display *display;
	struct wl_compositor *compositor;
	struct xdg_wm_base *shell;
	struct wp_viewporter *viewporter;
	struct zwp_linux_dmabuf_v1 *dmabuf;
	struct wl_surface *surface;
	struct wl_buffer *buffers[2];
	bool linear, any, configured, shown;
	unsigned int frame;
};

/* -- buffers ------------------------------------------------------------------- */

static void allocate_dumb(const struct client *client, struct memory *memory)
{
	const struct options *options = &client->options;
	struct drm_mode_create_dumb create = {
		.width = options->width,
		.height = options->height,
		.bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };

	if (options->format == DRM_FORMAT_NV12) {
		create.bpp = 8;
		create.height = options->height * 3 / 2;
	}
	if (drmIoctl(client->drm, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		die("CREATE_DUMB");
	memory->handle = map.handle = create.handle;
	memory->pitch = create.pitch;
	memory->size = create.size;
	if (drmIoctl(client->drm, DRM_IOCTL_MODE_MAP_DUMB, &map))
		die("MAP_DUMB");
	memory->map_offset = map.offset;
}

static void allocate_object(const struct client *client, struct memory *memory)
{
	const struct options *options = &client->options;
	bool planar = options->format == DRM_FORMAT_NV12;
	struct drm_holdfast_gem_create create = { 0 };
	struct drm_holdfast_gem_mmap_offset map = { 0 };

	memory->pitch = (options->width * (planar ? 1 : 4) + 63) & ~63;
	create.size = (uint64_t)memory->pitch * options->height;
	if (planar)
		create.size += create.size / 2;
	if (drmIoctl(client->drm, DRM_IOCTL_HOLDFAST_GEM_CREATE, &create))
		die("GEM_CREATE");
	memory->handle = map.handle = create.handle;
	memory->size = create.size;
	if (drmIoctl(client->drm, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &map))
		die("GEM_MMAP_OFFSET");
	memory->map_offset = map.offset;
}

/* Which quarter: 0 red, 1 green, 2 blue, 3 yellow. */
static int quarter(int x, int y, int width, int height)
{
	return (x >= width / 2) + 2 * (y >= height / 2);
}

static void draw_rgb(const struct options *options, const struct memory *memory,
		     uint8_t *pixels)
{
	static const uint32_t colours[] = { 0xffff0000, 0xff00ff00, 0xff0000ff,
					    0xffffff00 };

	for (int y = 0; y < options->height; y++) {
		uint32_t *line = (uint32_t *)(pixels + y * memory->pitch);

		for (int x = 0; x < options->width; x++)
			line[x] = colours[quarter(x, y, options->width,
						  options->height)];
	}
}

/* BT.601, limited range. */
static void draw_nv12(const struct options *options,
		      const struct memory *memory, uint8_t *pixels)
{
	static const uint8_t colours[][3] = {
		{ 81, 90, 240 },
		{ 145, 54, 34 },
		{ 41, 240, 110 },
		{ 210, 16, 146 },
	};
	int width = options->width, height = options->height;

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			pixels[y * memory->pitch + x] =
				colours[quarter(x, y, width, height)][0];
	pixels += memory->offsets[1];
	for (int y = 0; y < height / 2; y++)
		for (int x = 0; x < width; x++)
			pixels[y * memory->pitch + x] =
				colours[quarter(x, 2 * y, width, height)]
				       [1 + (x & 1)];
}

static void draw(const struct client *client, const struct memory *memory)
{
	uint8_t *pixels = mmap(NULL, memory->size, PROT_READ | PROT_WRITE,
			       MAP_SHARED, client->drm, memory->map_offset);

	if (pixels == MAP_FAILED)
		die("mmap");
	if (memory->planes == 2)
		draw_nv12(&client->options, memory, pixels);
	else
		draw_rgb(&client->options, memory, pixels);
	munmap(pixels, memory->size);
}

static struct wl_buffer *create_buffer(const struct client *client)
{
	const struct options *options = &client->options;
	uint64_t modifier = client->linear ? DRM_FORMAT_MOD_LINEAR :
					     MODIFIER_INVALID;
	struct zwp_linux_buffer_params_v1 *params;
	struct memory memory = { .planes = 1 };
	struct wl_buffer *buffer;
	int fd;

	if (options->dumb)
		allocate_dumb(client, &memory);
	else
		allocate_object(client, &memory);
	if (options->format == DRM_FORMAT_NV12) {
		memory.planes = 2;
		memory.offsets[1] = memory.pitch * options->height;
	}
	draw(client, &memory);
	if (drmPrimeHandleToFD(client->drm, memory.handle, DRM_CLOEXEC, &fd))
		die("PRIME_HANDLE_TO_FD");
	drmCloseBufferHandle(client->drm, memory.handle);
	params = zwp_linux_dmabuf_v1_create_params(client->dmabuf);
	for (uint32_t i = 0; i < memory.planes; i++)
		zwp_linux_buffer_params_v1_add(params, fd, i, memory.offsets[i],
					       memory.pitch, modifier >> 32,
					       (uint32_t)modifier);
	buffer = zwp_linux_buffer_params_v1_create_immed(
		params, options->width, options->height, options->format, 0);
	zwp_linux_buffer_params_v1_destroy(params);
	close(fd);
	return buffer;
}

/* -- what the compositor says ---------------------------------------------------- */

static void on_format(void *data, struct zwp_linux_dmabuf_v1 *dmabuf,
		      uint32_t format)
{
}

static void on_modifier(void *data, struct zwp_linux_dmabuf_v1 *dmabuf,
			uint32_t format, uint32_t high, uint32_t low)
{
	struct client *client = data;
	uint64_t modifier = (uint64_t)high << 32 | low;

	if (format != client->options.format)
		return;
	client->any = true;
	client->linear |= modifier == DRM_FORMAT_MOD_LINEAR;
}

static const struct zwp_linux_dmabuf_v1_listener dmabuf_listener = {
	.format = on_format,
	.modifier = on_modifier,
};

static void on_ping(void *data, struct xdg_wm_base *shell, uint32_t serial)
{
	xdg_wm_base_pong(shell, serial);
}

static const struct xdg_wm_base_listener shell_listener = { .ping = on_ping };

static void on_global(void *data, struct wl_registry *registry, uint32_t name,
		      const char *interface, uint32_t version)
{
	struct client *client = data;

	if (!strcmp(interface, wl_compositor_interface.name)) {
		client->compositor = wl_registry_bind(
			registry, name, &wl_compositor_interface, 4);
	} else if (!strcmp(interface, xdg_wm_base_interface.name)) {
		client->shell = wl_registry_bind(registry, name,
						 &xdg_wm_base_interface, 1);
		xdg_wm_base_add_listener(client->shell, &shell_listener, NULL);
	} else if (!strcmp(interface, wp_viewporter_interface.name)) {
		client->viewporter = wl_registry_bind(
			registry, name, &wp_viewporter_interface, 1);
	} else if (!strcmp(interface, zwp_linux_dmabuf_v1_interface.name)) {
		client->dmabuf = wl_registry_bind(
			registry, name, &zwp_linux_dmabuf_v1_interface, 3);
		zwp_linux_dmabuf_v1_add_listener(client->dmabuf,
						 &dmabuf_listener, client);
	}
}

static void on_global_remove(void *data, struct wl_registry *registry,
			     uint32_t name)
{
}

static const struct wl_registry_listener registry_listener = {
	.global = on_global,
	.global_remove = on_global_remove,
};

static void connect_display(struct client *client)
{
	struct wl_registry *registry;

	client->display = wl_display_connect(NULL);
	if (!client->display)
		die("no compositor");
	registry = wl_display_get_registry(client->display);
	wl_registry_add_listener(registry, &registry_listener, client);
	wl_display_roundtrip(client->display);
	wl_display_roundtrip(client->display);
	if (!client->compositor || !client->shell || !client->dmabuf)
		die("the compositor lacks an interface");
	if (!client->any)
		die("the compositor does not take the format");
}

/* -- the window ------------------------------------------------------------------- */

static void show_frame(struct client *client);

static void on_frame(void *data, struct wl_callback *callback, uint32_t ms)
{
	struct client *client = data;

	wl_callback_destroy(callback);
	if (!client->shown)
		puts("shown");
	fflush(stdout);
	client->shown = true;
	if (client->options.animated)
		show_frame(client);
}

static const struct wl_callback_listener frame_listener = { .done = on_frame };

static void show_frame(struct client *client)
{
	const struct options *options = &client->options;

	wl_callback_add_listener(wl_surface_frame(client->surface),
				 &frame_listener, client);
	wl_surface_attach(client->surface, client->buffers[client->frame++ % 2],
			  0, 0);
	wl_surface_damage_buffer(client->surface, 0, 0, options->width,
				 options->height);
	wl_surface_commit(client->surface);
}

static void on_configure(void *data, struct xdg_surface *surface,
			 uint32_t serial)
{
	struct client *client = data;

	xdg_surface_ack_configure(surface, serial);
	if (!client->configured)
		show_frame(client);
	client->configured = true;
}

static const struct xdg_surface_listener surface_listener = {
	.configure = on_configure,
};

static void on_size(void *data, struct xdg_toplevel *toplevel, int32_t width,
		    int32_t height, struct wl_array *states)
{
}

static void on_close(void *data, struct xdg_toplevel *toplevel)
{
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = on_size,
	.close = on_close,
};

static void set_opaque(const struct client *client, int width, int height)
{
	struct wl_region *region =
		wl_compositor_create_region(client->compositor);

	wl_region_add(region, 0, 0, width, height);
	wl_surface_set_opaque_region(client->surface, region);
	wl_region_destroy(region);
}

static void open_window(struct client *client)
{
	const struct options *options = &client->options;
	int width = options->to_width ?: options->width;
	int height = options->to_height ?: options->height;
	struct xdg_surface *surface;
	struct xdg_toplevel *toplevel;

	client->surface = wl_compositor_create_surface(client->compositor);
	surface = xdg_wm_base_get_xdg_surface(client->shell, client->surface);
	xdg_surface_add_listener(surface, &surface_listener, client);
	toplevel = xdg_surface_get_toplevel(surface);
	xdg_toplevel_add_listener(toplevel, &toplevel_listener, client);
	xdg_toplevel_set_title(toplevel, "dmabuf");
	if (options->fullscreen)
		xdg_toplevel_set_fullscreen(toplevel, NULL);
	set_opaque(client, width, height);
	if (options->to_width) {
		struct wp_viewport *viewport;

		if (!client->viewporter)
			die("the compositor lacks wp_viewporter");
		viewport = wp_viewporter_get_viewport(client->viewporter,
						      client->surface);
		wp_viewport_set_destination(viewport, width, height);
	}
	wl_surface_commit(client->surface);
}

/* As many as may be: whoever has enough of it says so. */
static void flood(struct client *client)
{
	unsigned int n = 0;

	while (n < client->options.count) {
		create_buffer(client);
		if (wl_display_roundtrip(client->display) < 0)
			break;
		n++;
	}
	printf("%u buffers\n", n);
	fflush(stdout);
	if (n < client->options.count)
		exit(1);
}

static void parse_size(const char *text, int *width, int *height)
{
	if (sscanf(text, "%dx%d", width, height) != 2 || *width < 2 ||
	    *height < 2)
		die("a size is WxH");
}

static void parse(struct options *options, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "f:s:d:DFan:")) != -1) {
		switch (option) {
		case 'f':
			if (strlen(optarg) != 4)
				die("a format has four letters");
			memcpy(&options->format, optarg, 4);
			break;
		case 's':
			parse_size(optarg, &options->width, &options->height);
			break;
		case 'd':
			parse_size(optarg, &options->to_width,
				   &options->to_height);
			break;
		case 'D':
			options->dumb = true;
			break;
		case 'F':
			options->fullscreen = true;
			break;
		case 'a':
			options->animated = true;
			break;
		case 'n':
			options->count = strtoul(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
}

static bool any_device(int fd)
{
	return true;
}

int main(int argc, char **argv)
{
	struct client client = {
		.options = {
			.format = DRM_FORMAT_XRGB8888,
			.width = 160,
			.height = 120,
		},
	};
	struct options *options = &client.options;

	parse(options, argc, argv);
	client.drm = find_device(options->dumb ? DRM_NODE_PRIMARY :
						 DRM_NODE_RENDER,
				 any_device);
	if (client.drm < 0)
		die("no device");
	connect_display(&client);
	if (options->count) {
		flood(&client);
	} else {
		client.buffers[0] = create_buffer(&client);
		client.buffers[1] = create_buffer(&client);
		open_window(&client);
	}
	while (wl_display_dispatch(client.display) >= 0)
		;
	die("the compositor is gone");
}
