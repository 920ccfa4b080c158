/* SPDX-License-Identifier: MIT */
/*
 * Writeback of the soft display: the frame is captured when the CRTC shows it, with
 * the lock held, and composed by the composer, without. It is written as the display
 * would write it: through its IOMMU, if it has one, to memory that is mapped for it.
 *
 * The mapping is held from the commit to the end of the job, so neither removing the
 * framebuffer nor closing the file takes the memory away.
 */
#include <errno.h>
#include <stdlib.h>

#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "drivers/soft/writeback.h"

const uint32_t hf_soft_writeback_formats[] = { HF_SOFT_TARGET_FORMATS, 0 };

/**
 * struct writeback - A job of KMS's, as the composer has it.
 * @base: the composer's
 * @job: KMS's
 * @dev: whose display it is
 * @mapping: of the framebuffer's object
 * @frame: what to write; NULL until it is captured
 * @error: how it went
 */
struct writeback {
	struct hf_compose_job base;
	struct hf_writeback_job *job;
	struct hf_device *dev;
	struct hf_gem_mapping *mapping;
	struct hf_frame *frame;
	int error;
};

/* -- memory ------------------------------------------------------------------ */

/* The device address of a byte, and how many bytes there are from there on. */
static hf_iova_t address_of(const struct hf_sg_table *table, size_t offset,
			    size_t *length)
{
	const struct hf_sg *sg = table->sgl;

	while (offset >= sg->dma_length) {
		offset -= sg->dma_length;
		sg++;
	}
	*length = sg->dma_length - offset;
	return sg->dma + offset;
}

/*
 * Where the display's writes to a part of a table land.
 *
 * Return: 0, and @start is where it is, or NULL where it is not in one piece;
 * -EFAULT.
 */
static int reach(struct hf_dma_port *port, const struct hf_sg_table *table,
		 size_t offset, size_t size, char **start)
{
	size_t length, run;

	*start = NULL;
	for (size_t at = 0; at < size; at += length) {
		hf_iova_t iova = address_of(table, offset + at, &run);
		char *page = hf_dma_access(port, iova, true, &length);

		if (!page)
			return -EFAULT;
		if (length > run)
			length = run;
		if (!at)
			*start = page;
		else if (*start && page != *start + at)
			*start = NULL;
	}
	return 0;
}

static int write_line(struct hf_dma_port *port, const struct hf_sg_table *table,
		      size_t offset, const char *line, size_t size)
{
	size_t length;
	int ret = 0;

	for (size_t at = 0; !ret && at < size; at += length) {
		hf_iova_t iova = address_of(table, offset + at, &length);

		if (length > size - at)
			length = size - at;
		ret = hf_dma_write(port, iova, line + at, length);
	}
	return ret;
}

/* -- on the composer's thread ------------------------------------------------ */

/* Into memory that is in several pieces: line by line from a copy. */
static int compose_copy(struct writeback *wb, struct hf_dma_port *port,
			struct hf_compose_target *target)
{
	const struct hf_framebuffer *fb = wb->job->fb;
	size_t line = (size_t)target->width * fb->format->cpp[0];
	int ret;

	target->pitch = line;
	target->pixels = malloc(line * target->height);
	if (!target->pixels)
		return -ENOMEM;
	ret = hf_frame_compose(wb->frame, target);
	for (uint32_t y = 0; !ret && y < target->height; y++)
		ret = write_line(port, &wb->mapping->table,
				 fb->offsets[0] + (size_t)y * fb->pitches[0],
				 (char *)target->pixels + y * line, line);
	free(target->pixels);
	return ret;
}

static int compose(struct writeback *wb, struct hf_dma_port *port)
{
	const struct hf_framebuffer *fb = wb->job->fb;
	struct hf_compose_target target = {
		.format = fb->format,
		.width = fb->width,
		.height = fb->height,
		.pitch = fb->pitches[0],
	};
	size_t size = (size_t)fb->pitches[0] * (fb->height - 1) +
		      (size_t)fb->width * fb->format->cpp[0];
	char *start;
	int ret = reach(port, &wb->mapping->table, fb->offsets[0], size,
			&start);

	if (ret)
		return ret;
	target.pixels = start;
	return start ? hf_frame_compose(wb->frame, &target) :
		       compose_copy(wb, port, &target);
}

static void run(struct hf_compose_job *base)
{
	struct writeback *wb = wl_container_of(base, wb, base);
	struct hf_dma_port *port = hf_dma_port_create(&wb->dev->dma);

	wb->error = port ? compose(wb, port) : -ENOMEM;
	hf_dma_port_destroy(port);
	hf_frame_destroy(wb->frame);
}

static void done(struct hf_compose_job *base)
{
	struct writeback *wb = wl_container_of(base, wb, base);

	hf_writeback_done(wb->job, wb->error);
}

/* -- with the lock held ------------------------------------------------------ */

int hf_soft_writeback_prepare(struct hf_writeback_job *job)
{
	struct hf_gem_object *object = job->fb->objects[0];
	struct hf_kms_device *kms = job->connector->kms;
	struct hf_device *dev = wl_container_of(kms, dev, kms);
	struct writeback *wb;
	int ret;

	if (hf_gem_object_read_only(object))
		return -EACCES;
	ret = hf_composer_start(dev->composer);
	if (ret)
		return ret;
	wb = calloc(1, sizeof(*wb));
	if (!wb)
		return -ENOMEM;
	wb->mapping = hf_gem_map(object);
	if (!wb->mapping) {
		ret = -errno;
		free(wb);
		return ret;
	}
	wb->base.run = run;
	wb->base.done = done;
	wb->job = job;
	wb->dev = dev;
	job->driver = wb;
	return 0;
}

void hf_soft_writeback(struct hf_writeback_job *job)
{
	struct writeback *wb = job->driver;
	int ret = hf_frame_capture(wb->dev, job->crtc, &wb->frame);

	if (ret)
		hf_writeback_done(job, ret);
	else
		hf_composer_queue(wb->dev->composer, &wb->base);
}

void hf_soft_writeback_cleanup(struct hf_writeback_job *job)
{
	struct writeback *wb = job->driver;

	hf_gem_unmap(wb->mapping);
	free(wb);
}
