// SPDX-License-Identifier: MIT
/*
 * Flips through plain colours in two buffers, so that one is drawn into while the other
 * is shown: colours COUNT MILLISECONDS. It waits for a vblank, too, as a call that
 * takes its time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xf86drm.h>

#include "screen.h"

struct buffer {
	uint32_t framebuffer;
	uint32_t *pixels;
	size_t size;
};

/* Up to 24 of them, 10 apart in each channel. */
static uint32_t colour(unsigned int i)
{
	uint32_t level = 10 * (i + 1);

	return level << 16 | (255 - level) << 8 | level / 2;
}

static void draw(const struct buffer *buffer, unsigned int i)
{
	for (size_t n = 0; n < buffer->size / 4; n++)
		buffer->pixels[n] = colour(i);
}

static struct buffer make_buffer(const struct screen *screen)
{
	struct buffer buffer;
	uint32_t handle, pitch;
	uint64_t size, offset;

	if (drmModeCreateDumbBuffer(screen->fd, screen->mode.hdisplay,
				    screen->mode.vdisplay, 32, 0, &handle,
				    &pitch, &size) ||
	    drmModeMapDumbBuffer(screen->fd, handle, &offset))
		die("dumb buffer");
	buffer.size = size;
	buffer.pixels = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     screen->fd, offset);
	if (buffer.pixels == MAP_FAILED)
		die("mmap");
	buffer.framebuffer = screen_add(screen, handle, screen->mode.hdisplay,
					screen->mode.vdisplay, pitch);
	return buffer;
}

static void wait_two_vblanks(const struct screen *screen)
{
	drmVBlank vblank = { .request = { .type = DRM_VBLANK_RELATIVE,
					  .sequence = 2 } };

	if (drmWaitVBlank(screen->fd, &vblank))
		die("vblank");
}

int main(int argc, char **argv)
{
	struct buffer buffers[2];
	struct screen screen;
	unsigned int count, ms;

	if (argc != 3)
		return 2;
	count = atoi(argv[1]);
	ms = atoi(argv[2]);
	screen_open(&screen);
	buffers[0] = make_buffer(&screen);
	buffers[1] = make_buffer(&screen);
	draw(&buffers[0], 0);
	screen_show(&screen, buffers[0].framebuffer);
	for (unsigned int i = 1; i < count; i++) {
		usleep(ms * 1000);
		draw(&buffers[i % 2], i);
		screen_flip(&screen, buffers[i % 2].framebuffer);
	}
	wait_two_vblanks(&screen);
	usleep(ms * 1000);
	return 0;
}
