// SPDX-License-Identifier: MIT
/*
 * Photographs on a desk, drawn by the engine: an ordinary DRM program that knows
 * nothing but the UAPI.
 *
 * It decodes PNG files into malloc'ed memory and has the engine draw them from
 * there into pixmaps. When the engine has read one half of each, the program
 * frees that memory and fills what malloc gives it next with other bytes; only
 * then may the engine go on. The pixmaps must have the pictures all the same.
 *
 * Then it lays them out on a desk, and a strip of film runs past below them. The
 * display may be another device than the engine: they share the two buffers that
 * are flipped by PRIME, and the display waits for the engine by itself.
 *
 *   photos [-k] [-n FRAMES] FILE.png...
 *
 * With -k it waits for a key while the engine still needs what was freed. Where
 * each photograph went is printed. The status is 0 if every pixmap is right.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <drm_fourcc.h>
#include <png.h>
#include <xf86drm.h>

#include "gpu.h"
#include "screen.h"

#define MAX_PICTURES 6
/* What free() puts back into the program's heap is still the same memory, with a
 * picture in it that is about to be overwritten. So malloc is told to give large
 * blocks a mapping of their own, which free() unmaps, and a picture's block is
 * never so small that it fits into a gap in the heap. */
#define MAPPED_FROM (64 * 1024)
#define BLOCK_MIN (256 * 1024)

#define BORDER 10    /* of a photograph's paper; */
#define FOOT 34	     /* at its lower edge */
#define BLUR 20	     /* of its shadow */
#define DROP 8
#define SHADOW 0xa000
#define DIM 0x7800
#define PERFORATION 22
#define PERFORATIONS 6 /* a frame of film */
#define GAP 12
#define SPEED 3 /* of the film, pixels a frame */

struct pixmap {
	struct gpu_memory memory;
	struct holdfast_surface surface;
};

/**
 * struct picture - One of the files.
 * @pixels: malloc'ed, as R, G, B
 * @source: the same for the engine
 */
struct picture {
	const char *path;
	uint32_t width, height, pitch;
	void *pixels;
	struct gpu_memory source;
	struct pixmap pixmap;
};

static struct picture pictures[MAX_PICTURES];
static unsigned int num_pictures;

/* -- files --------------------------------------------------------------------- */

static size_t block_size(uint32_t pitch, uint32_t height)
{
	size_t size = (size_t)pitch * height;

	return size < BLOCK_MIN ? BLOCK_MIN : size;
}

static void *decode(const char *path, uint32_t *width, uint32_t *height,
		    uint32_t *pitch)
{
	png_image image = { .version = PNG_IMAGE_VERSION };
	void *pixels;

	if (!png_image_begin_read_from_file(&image, path)) {
		fprintf(stderr, "%s: %s\n", path, image.message);
		exit(1);
	}
	image.format = PNG_FORMAT_RGB;
	*width = image.width;
	*height = image.height;
	*pitch = (3 * image.width + 3) & ~3u;
	pixels = malloc(block_size(*pitch, *height));
	if (!pixels)
		die("no memory");
	if (!png_image_finish_read(&image, NULL, pixels, *pitch, NULL)) {
		fprintf(stderr, "%s: %s\n", path, image.message);
		exit(1);
	}
	return pixels;
}

static size_t bytes_of(const struct picture *picture)
{
	return block_size(picture->pitch, picture->height);
}

/* The file once more, against what the pixmap has. */
static bool pixmap_is_right(const struct picture *picture)
{
	const struct pixmap *pixmap = &picture->pixmap;
	uint32_t width, height, pitch;
	uint8_t *file = decode(picture->path, &width, &height, &pitch);
	uint32_t wrong = 0;

	gpu_cpu_begin(&pixmap->memory, DMA_BUF_SYNC_READ);
	for (uint32_t y = 0; y < height; y++) {
		const uint8_t *want = file + (size_t)y * pitch;
		const uint8_t *got = (uint8_t *)pixmap->memory.cpu +
				     (size_t)y * pixmap->surface.pitch;

		for (uint32_t x = 0; x < width; x++, want += 3, got += 4)
			wrong += got[2] != want[0] || got[1] != want[1] ||
				 got[0] != want[2];
	}
	gpu_cpu_end(&pixmap->memory, DMA_BUF_SYNC_READ);
	free(file);
	if (wrong)
		fprintf(stderr, "%s: %u pixels are wrong\n", picture->path, wrong);
	return !wrong;
}

/* -- from malloc'ed memory into pixmaps ------------------------------------------ */

static void create_pixmap(struct gpu *gpu, uint32_t width, uint32_t height,
			  uint32_t format, struct pixmap *pixmap)
{
	uint32_t size = format == DRM_FORMAT_R8 ? 1 : 4;
	uint32_t pitch = (width * size + 63) & ~63u;

	gpu_create(gpu, (uint64_t)pitch * height, &pixmap->memory);
	pixmap->surface = (struct holdfast_surface){
		.va = pixmap->memory.va, .pitch = pitch, .format = format,
		.width = width, .height = height,
	};
}

static void convert_lines(struct gpu_job *job, const struct picture *picture,
			  uint32_t first, uint32_t count)
{
	struct holdfast_surface source = {
		.va = picture->source.va, .pitch = picture->pitch,
		.format = DRM_FORMAT_BGR888, /* in memory: R, G, B */
		.width = picture->width, .height = picture->height,
	};

	gpu_copy(job, HOLDFAST_CMD_CONVERT, &picture->pixmap.surface, &source,
		 (struct holdfast_rect){ 0, first, picture->width, count });
}

/* Two numbers by which the job and the program meet. */
struct meeting {
	struct gpu_memory memory;
	uint64_t half_read, go_on; /* their addresses */
};

static void create_meeting(struct gpu *gpu, struct meeting *meeting)
{
	gpu_create(gpu, 2 * sizeof(uint32_t), &meeting->memory);
	meeting->half_read = meeting->memory.va;
	meeting->go_on = meeting->half_read + sizeof(uint32_t);
}

static void await_half(const struct meeting *meeting)
{
	const uint32_t *half_read = meeting->memory.cpu;
	bool there;

	do {
		gpu_cpu_begin(&meeting->memory, DMA_BUF_SYNC_READ);
		there = __atomic_load_n(half_read, __ATOMIC_ACQUIRE);
		gpu_cpu_end(&meeting->memory, DMA_BUF_SYNC_READ);
	} while (!there && !usleep(1000));
}

/* The engine looks at that number all the time. So the engine writes it, in
 * another context: the CPU would have to stop the other job for that, where the
 * engine does not see its caches. */
static void let_go_on(struct gpu *gpu, const struct meeting *meeting)
{
	uint32_t ctx = gpu_create_context(gpu);
	struct gpu_job job;

	gpu_job_create(gpu, 4096, &job);
	gpu_job_begin(&job);
	gpu_write(&job, meeting->go_on, 1);
	gpu_job_submit(gpu, ctx, &job, 0);
}

static void submit_drawing(struct gpu *gpu, struct gpu_job *job,
			   const struct meeting *meeting, uint32_t done)
{
	gpu_job_begin(job);
	for (unsigned int i = 0; i < num_pictures; i++) {
		gpu_job_uses(job, &pictures[i].pixmap.memory,
			     HOLDFAST_OBJECT_WRITE);
		convert_lines(job, &pictures[i], 0, pictures[i].height / 2);
	}
	gpu_write(job, meeting->half_read, 1);
	gpu_wait_for(job, meeting->go_on, 1);
	for (unsigned int i = 0; i < num_pictures; i++) {
		uint32_t half = pictures[i].height / 2;

		convert_lines(job, &pictures[i], half, pictures[i].height - half);
	}
	gpu_job_submit(gpu, gpu->ctx, job, done);
}

/* The memory goes, and other things come in its place. */
static void free_and_overwrite(struct gpu *gpu)
{
	unsigned int again = 0;

	for (unsigned int i = 0; i < num_pictures; i++) {
		struct picture *picture = &pictures[i];
		uintptr_t was = (uintptr_t)picture->pixels;

		gpu_close(gpu, &picture->source);
		free(picture->pixels);
		picture->pixels = malloc(bytes_of(picture));
		if (!picture->pixels)
			die("no memory");
		memset(picture->pixels, 0x55, bytes_of(picture));
		again += (uintptr_t)picture->pixels == was;
	}
	printf("freed while the engine reads: %u pictures; overwritten at the same "
	       "address: %u\n", num_pictures, again);
}

static void wait_for_key(void)
{
	fflush(stdout);
	while (getchar() != '\n' && !feof(stdin))
		;
}

static void draw_pixmaps(struct gpu *gpu, bool key)
{
	struct meeting meeting;
	struct gpu_job job;
	uint32_t done;

	for (unsigned int i = 0; i < num_pictures; i++) {
		struct picture *picture = &pictures[i];

		gpu_register(gpu, picture->pixels, bytes_of(picture),
			     &picture->source);
		create_pixmap(gpu, picture->width, picture->height,
			      DRM_FORMAT_XRGB8888, &picture->pixmap);
	}
	create_meeting(gpu, &meeting);
	gpu_job_create(gpu, 16384, &job);
	if (drmSyncobjCreate(gpu->fd, 0, &done))
		die("no syncobj");
	submit_drawing(gpu, &job, &meeting, done);
	await_half(&meeting);
	free_and_overwrite(gpu);
	if (key)
		wait_for_key();
	let_go_on(gpu, &meeting);
	gpu_wait(gpu, done);
	gpu_check(gpu, gpu->ctx);
	for (unsigned int i = 0; i < num_pictures; i++) {
		gpu_unmap(gpu, &pictures[i].source);
		free(pictures[i].pixels);
	}
}

/* -- the desk ------------------------------------------------------------------ */

/* The middle of @box, as large as the picture or as much of it as there is room. */
static struct holdfast_rect fit(struct holdfast_rect box,
				const struct picture *picture)
{
	uint64_t width = picture->width, height = picture->height;

	if (width > box.width) {
		height = height * box.width / width;
		width = box.width;
	}
	if (height > box.height) {
		width = width * box.height / height;
		height = box.height;
	}
	return (struct holdfast_rect){
		box.x + (box.width - width) / 2,
		box.y + (box.height - height) / 2, width, height,
	};
}

/* A photograph out of focus: halved until it is tiny, then as large as the desk,
 * and dimmed. */
static void draw_backdrop(struct gpu *gpu, struct gpu_job *job,
			  const struct pixmap *desk, const struct pixmap *photo)
{
	const struct holdfast_surface *from = &photo->surface;
	const struct holdfast_surface *to = &desk->surface;
	struct holdfast_rect all = { 0, 0, to->width, to->height };
	struct holdfast_surface black = *to;
	struct pixmap half;

	while (from->width > 16 && from->height > 16) {
		struct holdfast_rect rect = { 0, 0, from->width / 2,
					      from->height / 2 };
		struct holdfast_surface previous = *from;

		create_pixmap(gpu, rect.width, rect.height, to->format, &half);
		gpu_scale(job, &half.surface, rect, &previous);
		from = &half.surface;
	}
	gpu_scale(job, to, all, from);
	black.va = gpu_black(gpu, (uint64_t)to->pitch * to->height);
	gpu_over(job, to, all, &black, 0, NULL, DIM);
}

/* Black through a mask with soft edges: a tiny one, made large. */
static void draw_shadow(struct gpu *gpu, struct gpu_job *job,
			const struct pixmap *desk, struct holdfast_rect paper)
{
	struct holdfast_rect around = {
		paper.x - BLUR, paper.y - BLUR + DROP,
		paper.width + 2 * BLUR, paper.height + 2 * BLUR,
	};
	struct holdfast_rect all = { 0, 0, around.width, around.height };
	struct holdfast_rect inner = { 1, 1, all.width / BLUR - 2,
				       all.height / BLUR - 2 };
	struct pixmap tiny, mask;
	struct holdfast_surface black = desk->surface;

	create_pixmap(gpu, inner.width + 2, inner.height + 2, DRM_FORMAT_R8, &tiny);
	create_pixmap(gpu, all.width, all.height, DRM_FORMAT_R8, &mask);
	gpu_fill(job, &tiny.surface, inner, 0xff);
	gpu_scale(job, &mask.surface, all, &tiny.surface);
	black.va = gpu_black(gpu, (uint64_t)black.pitch * black.height);
	gpu_over(job, &desk->surface, around, &black, 0, &mask.surface, SHADOW);
}

static void draw_photograph(struct gpu *gpu, struct gpu_job *job,
			    const struct pixmap *desk,
			    const struct picture *picture, struct holdfast_rect box)
{
	struct holdfast_rect rect = fit(box, picture);
	struct holdfast_rect paper = {
		rect.x - BORDER, rect.y - BORDER, rect.width + 2 * BORDER,
		rect.height + BORDER + FOOT,
	};

	draw_shadow(gpu, job, desk, paper);
	gpu_fill(job, &desk->surface, paper, 0xf4f2ec);
	gpu_scale(job, &desk->surface, rect, &picture->pixmap.surface);
	printf("%s: %ux%u at %u,%u\n", picture->path, rect.width, rect.height,
	       rect.x, rect.y);
}

/* Side by side, each other one a little lower. */
static void draw_desk(struct gpu *gpu, struct gpu_job *job,
		      const struct pixmap *desk, uint32_t film_height)
{
	uint32_t width = desk->surface.width / num_pictures;
	uint32_t height = desk->surface.height - film_height;
	uint32_t margin = BORDER + BLUR + DROP, step = height / 12;

	draw_backdrop(gpu, job, desk, &pictures[num_pictures / 2].pixmap);
	for (unsigned int i = 0; i < num_pictures; i++)
		draw_photograph(gpu, job, desk, &pictures[i],
				(struct holdfast_rect){
			.x = i * width + margin,
			.y = margin + (i % 2 ? step : 0),
			.width = width - 2 * margin,
			.height = height - 2 * margin - step,
		});
}

/* -- the film ------------------------------------------------------------------ */

/**
 * struct film - All pictures in a row, over and over.
 * @period: after so many pixels it repeats
 */
struct film {
	struct pixmap pixmap;
	struct holdfast_rect on_desk;
	uint32_t period;
};

static void draw_frame(struct gpu_job *job, const struct pixmap *film,
		       const struct picture *picture, struct holdfast_rect frame)
{
	uint32_t hole = PERFORATION / 3, lower = film->surface.height - 2 * hole;

	gpu_scale(job, &film->surface, frame, &picture->pixmap.surface);
	for (uint32_t i = 0; i < PERFORATIONS; i++) {
		struct holdfast_rect rect = {
			frame.x + i * (frame.width + GAP) / PERFORATIONS, hole,
			hole + 4, hole,
		};

		gpu_fill(job, &film->surface, rect, 0xb0b0b0b0);
		rect.y = lower;
		gpu_fill(job, &film->surface, rect, 0xb0b0b0b0);
	}
}

/* Wide enough to be shown from any place within its period. */
static void draw_film(struct gpu *gpu, struct gpu_job *job,
		      struct holdfast_rect on_desk, struct film *film)
{
	uint32_t height = on_desk.height - 2 * PERFORATION;
	uint32_t width = height * 3 / 2, each = width + GAP, frames;

	film->on_desk = on_desk;
	film->period = num_pictures * each;
	frames = (on_desk.width + film->period + each - 1) / each;
	create_pixmap(gpu, frames * each, on_desk.height, DRM_FORMAT_ARGB8888,
		      &film->pixmap);
	gpu_fill(job, &film->pixmap.surface,
		 (struct holdfast_rect){ 0, 0, frames * each, on_desk.height },
		 0xe8101010);
	for (uint32_t i = 0; i < frames; i++)
		draw_frame(job, &film->pixmap, &pictures[i % num_pictures],
			   (struct holdfast_rect){ i * each + GAP / 2,
						   PERFORATION, width, height });
}

/* -- the display --------------------------------------------------------------- */

/* A buffer of the display, which the engine draws on. */
struct scanout {
	uint32_t framebuffer;
	struct pixmap pixmap;
};

static void create_scanout(struct gpu *gpu, const struct screen *screen,
			   struct scanout *scanout)
{
	struct drm_mode_create_dumb dumb = {
		.width = screen->mode.hdisplay,
		.height = screen->mode.vdisplay,
		.bpp = 32,
	};
	int dma_buf;

	if (drmIoctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) ||
	    drmPrimeHandleToFD(screen->fd, dumb.handle, DRM_CLOEXEC | DRM_RDWR,
			       &dma_buf))
		die("no buffer to scan out");
	gpu_import(gpu, dma_buf, dumb.size, &scanout->pixmap.memory);
	scanout->pixmap.surface = (struct holdfast_surface){
		.va = scanout->pixmap.memory.va, .pitch = dumb.pitch,
		.format = DRM_FORMAT_XRGB8888, .width = dumb.width,
		.height = dumb.height,
	};
	scanout->framebuffer = screen_add(screen, dumb.handle, dumb.width,
					  dumb.height, dumb.pitch);
}

/* Nobody waits here: who shows the buffer waits for the job. */
static void draw_scanout(const struct gpu *gpu, struct gpu_job *job,
			 const struct scanout *scanout, const struct pixmap *desk,
			 const struct film *film, unsigned int frame)
{
	gpu_job_begin(job);
	gpu_job_uses(job, &scanout->pixmap.memory, HOLDFAST_OBJECT_WRITE);
	gpu_copy(job, HOLDFAST_CMD_COPY, &scanout->pixmap.surface, &desk->surface,
		 (struct holdfast_rect){ 0, 0, desk->surface.width,
					 desk->surface.height });
	gpu_over(job, &scanout->pixmap.surface, film->on_desk,
		 &film->pixmap.surface, frame * SPEED % film->period, NULL, 0xffff);
	gpu_job_submit(gpu, gpu->ctx, job, 0);
}

static void show(struct gpu *gpu, struct screen *screen,
		 const struct pixmap *desk, const struct film *film,
		 unsigned int frames)
{
	struct scanout scanouts[2];
	struct gpu_job job;

	gpu_job_create(gpu, 4096, &job);
	create_scanout(gpu, screen, &scanouts[0]);
	create_scanout(gpu, screen, &scanouts[1]);
	draw_scanout(gpu, &job, &scanouts[0], desk, film, 0);
	screen_show(screen, scanouts[0].framebuffer);
	for (unsigned int i = 1; i < frames; i++) {
		draw_scanout(gpu, &job, &scanouts[i % 2], desk, film, i);
		screen_flip(screen, scanouts[i % 2].framebuffer);
	}
	gpu_check(gpu, gpu->ctx);
}

static void compose(struct gpu *gpu, const struct screen *screen,
		    struct pixmap *desk, struct film *film)
{
	uint32_t width = screen->mode.hdisplay, height = screen->mode.vdisplay;
	uint32_t film_height = height / 4;
	struct gpu_job job;

	create_pixmap(gpu, width, height, DRM_FORMAT_XRGB8888, desk);
	gpu_job_create(gpu, 1024 * 1024, &job);
	gpu_job_begin(&job);
	draw_desk(gpu, &job, desk, film_height + film_height / 6);
	draw_film(gpu, &job,
		  (struct holdfast_rect){ 0, height - film_height - film_height / 6,
					  width, film_height }, film);
	gpu_job_submit(gpu, gpu->ctx, &job, 0);
}

/* ------------------------------------------------------------------------------ */

static void usage(void)
{
	fprintf(stderr, "usage: photos [-k] [-n FRAMES] FILE.png...\n");
	exit(2);
}

int main(int argc, char **argv)
{
	unsigned int frames = 60;
	bool key = false, right = true;
	struct screen screen;
	struct pixmap desk;
	struct film film;
	struct gpu gpu;
	int option;

	while ((option = getopt(argc, argv, "kn:")) != -1) {
		if (option == 'k')
			key = true;
		else if (option == 'n')
			frames = strtoul(optarg, NULL, 10);
		else
			usage();
	}
	if (optind == argc || argc - optind > MAX_PICTURES)
		usage();
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	for (; optind < argc; optind++) {
		struct picture *picture = &pictures[num_pictures++];

		picture->path = argv[optind];
		picture->pixels = decode(picture->path, &picture->width,
					 &picture->height, &picture->pitch);
	}
	screen_open(&screen);
	gpu_open(&gpu);
	draw_pixmaps(&gpu, key);
	for (unsigned int i = 0; i < num_pictures; i++)
		right = pixmap_is_right(&pictures[i]) && right;
	compose(&gpu, &screen, &desk, &film);
	show(&gpu, &screen, &desk, &film, frames);
	return right ? 0 : 1;
}
