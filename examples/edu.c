/* SPDX-License-Identifier: MIT */
/*
 * A driver in user space, all of it: for "edu", the PCI device that QEMU has for
 * people who learn this. It has 4 KiB of memory and a DMA engine between that and
 * the machine's. We send it some bytes, fetch them back, and look whether they are
 * the same. docs/driver-guide.md walks through it.
 *
 * usage: edu 0000:00:03.0 (which is bound to vfio-pci)
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <holdfast/dma.h>
#include <holdfast/memory.h>
#include <holdfast/vfio.h>

/* Registers, in BAR 0: those below 0x80 have 4 bytes, the others 8. */
#define EDU_ID 0x00 /* 0xRRrr00ed: major and minor version */
#define EDU_IRQ_STATUS 0x24
#define EDU_IRQ_ACK 0x64
#define EDU_DMA_FROM 0x80
#define EDU_DMA_TO 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_COMMAND 0x98
#define EDU_DMA_START 0x1
#define EDU_DMA_TO_RAM 0x2
#define EDU_DMA_INTERRUPT 0x4

#define EDU_IRQ_DMA 0x100
#define EDU_MEMORY 0x40000		  /* where its engine sees its own memory */
#define EDU_DMA_MASK ((1u << 28) - 1) /* it drops the bits above */

#define SIZE 2048	 /* bytes there and back */
#define TIMEOUT_MS 10000 /* it takes 100 ms, but QEMU may be slow */

struct edu {
	struct hf_vfio *vfio;
	struct hf_memory *mem;
	struct hf_dma_device *dma;
	volatile char *bar;
	int irq; /* an eventfd */
};

/* A page, and where it is. */
struct buffer {
	struct hf_page *page;
	struct hf_sg_table table;
	char *data;
};

static uint32_t read32(struct edu *edu, unsigned int reg)
{
	return *(volatile uint32_t *)(edu->bar + reg);
}

static void write32(struct edu *edu, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(edu->bar + reg) = value;
}

static void write64(struct edu *edu, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + reg) = value;
}

static int say(const char *what, int error)
{
	fprintf(stderr, "edu: %s: %s\n", what, strerror(-error));
	return error;
}

static int open_device(struct edu *edu, const char *bdf)
{
	char why[HF_VFIO_WHY];
	size_t size;

	edu->vfio = hf_vfio_open(bdf, 0, why);
	if (!edu->vfio)
		return say(why, -errno);
	edu->bar = hf_vfio_bar(edu->vfio, 0, &size);
	if (!edu->bar)
		return say("BAR 0", -errno);
	if (size <= EDU_DMA_COMMAND || (read32(edu, EDU_ID) & 0xffff) != 0xed)
		return say("this is another device", -ENODEV);
	printf("%s is an edu %u.%u in IOMMU group %u\n", hf_vfio_name(edu->vfio),
	       read32(edu, EDU_ID) >> 24, read32(edu, EDU_ID) >> 16 & 0xff,
	       hf_vfio_group(edu->vfio));
	return 0;
}

static int open_dma(struct edu *edu)
{
	struct hf_iommu_domain *domain;

	edu->mem = hf_memory_create(&(struct hf_memory_options){ 0 });
	if (!edu->mem)
		return say("memory", -errno);
	domain = hf_vfio_domain_create(edu->vfio, edu->mem);
	if (!domain)
		return say("IOMMU", -errno);
	edu->dma = hf_dma_device_create("edu", edu->mem, domain);
	if (!edu->dma) {
		hf_iommu_destroy(domain);
		return say("DMA", -ENOMEM);
	}
	return hf_dma_set_mask(edu->dma, EDU_DMA_MASK);
}

static int open_interrupt(struct edu *edu)
{
	int ret;

	edu->irq = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (edu->irq < 0)
		return say("eventfd", -errno);
	ret = hf_vfio_set_irqs(edu->vfio, HF_VFIO_MSI, &edu->irq, 1);
	if (ret)
		return say("interrupt", ret);
	ret = hf_vfio_set_master(edu->vfio, true);
	return ret ? say("bus mastering", ret) : 0;
}

/* Every function here takes NULL: it does not matter how far we came. */
static void close_device(struct edu *edu)
{
	hf_dma_device_destroy(edu->dma);
	hf_vfio_close(edu->vfio);
	hf_memory_destroy(edu->mem);
	if (edu->irq >= 0)
		close(edu->irq);
}

static int buffer_init(struct edu *edu, struct buffer *buffer)
{
	struct hf_backing *backing;
	int ret;

	backing = hf_backing_create(edu->mem, HF_PAGE_SIZE, false, getpid());
	if (!backing)
		return say("memory", -errno);
	ret = hf_backing_get_pages(backing, 0, 1, &buffer->page);
	hf_backing_put(backing); /* the page holds it */
	if (ret)
		return say("page", ret);
	buffer->data = hf_page_cpu(buffer->page);
	ret = hf_sg_table_from_pages(&buffer->table, &buffer->page, 1, 0);
	if (ret)
		hf_pages_put(&buffer->page, 1);
	return ret ? say("table", ret) : 0;
}

static void buffer_finish(struct buffer *buffer)
{
	hf_sg_table_finish(&buffer->table);
	hf_pages_put(&buffer->page, 1);
}

static int wait_interrupt(struct edu *edu)
{
	struct pollfd poll_irq = { .fd = edu->irq, .events = POLLIN };
	uint32_t status;
	uint64_t count;

	if (poll(&poll_irq, 1, TIMEOUT_MS) != 1 ||
	    read(edu->irq, &count, sizeof(count)) != sizeof(count))
		return say("no interrupt", -ETIMEDOUT);
	status = read32(edu, EDU_IRQ_STATUS);
	write32(edu, EDU_IRQ_ACK, status);
	return status == EDU_IRQ_DMA ? 0 : say("strange interrupt", -EIO);
}

/* Map the buffer, have the device work on it, and take it back. */
static int transfer(struct edu *edu, struct buffer *buffer,
		    enum hf_dma_direction dir)
{
	uint32_t command = EDU_DMA_START | EDU_DMA_INTERRUPT;
	struct hf_vfio_stats stats;
	uint64_t iova;
	int ret;

	ret = hf_dma_map_sgtable(edu->dma, &buffer->table, dir);
	if (ret)
		return say("map", ret);
	iova = buffer->table.sgl[0].dma;
	hf_vfio_stats(edu->vfio, &stats);
	printf("%s %#llx, %llu bytes pinned\n",
	       dir == HF_DMA_TO_DEVICE ? "the device reads" : "the device writes",
	       (unsigned long long)iova, (unsigned long long)stats.pinned);
	if (dir == HF_DMA_FROM_DEVICE)
		command |= EDU_DMA_TO_RAM;
	write64(edu, EDU_DMA_FROM, dir == HF_DMA_TO_DEVICE ? iova : EDU_MEMORY);
	write64(edu, EDU_DMA_TO, dir == HF_DMA_TO_DEVICE ? EDU_MEMORY : iova);
	write64(edu, EDU_DMA_COUNT, SIZE);
	write64(edu, EDU_DMA_COMMAND, command);
	ret = wait_interrupt(edu);
	if (ret)
		hf_vfio_set_master(edu->vfio, false); /* late, or never: stop it */
	hf_dma_unmap_sgtable(edu->dma, &buffer->table, dir);
	return ret;
}
