/* SPDX-License-Identifier: MIT */
/*
 * A driver in user space, all of it: for "edu", the PCI device that QEMU has for
 * learners, with 4 KiB of memory and a DMA engine. We send it some bytes, fetch them
 * back, and see whether they are the same. docs/driver-guide.md walks through it.
 *
 * usage: edu 0000:00:03.0 (which is bound to vfio-pci)
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <holdfast/barrier.h>
#include <holdfast/dma.h>
#include <holdfast/vfio.h>

/* Registers, in BAR 0. */
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
#define EDU_IRQ_DMA 0x100	      /* a transfer is done */
#define EDU_DMA_MASK ((1u << 28) - 1) /* it drops the bits above */
#define EDU_MEMORY 0x40000	      /* its own, for its engine */

#define SIZE 2048	 /* bytes, there and back */
#define TIMEOUT_MS 10000 /* it takes 100 ms where the machine is not busy */

struct edu {
	struct hf_vfio *vfio;
	volatile char *bar;
	int irq; /* an eventfd */
	struct hf_memory *mem;
	struct hf_dma_device *dma;
	struct hf_page *page; /* what is transferred */
	struct hf_sg_table table;
};

static volatile uint32_t *reg(struct edu *edu, unsigned int offset)
{
	return (volatile uint32_t *)(edu->bar + offset);
}

/* An error is told, and passed on. */
static int check(const char *what, int ret)
{
	if (ret)
		fprintf(stderr, "edu: %s: %s\n", what, strerror(-ret));
	return ret;
}

static int open_device(struct edu *edu, const char *bdf)
{
	char why[HF_VFIO_WHY];
	size_t size;

	edu->vfio = hf_vfio_open(bdf, 0, why);
	if (!edu->vfio)
		return check(why, -errno);
	edu->bar = hf_vfio_bar(edu->vfio, 0, &size);
	if (!edu->bar)
		return check("BAR 0", -errno);
	if (size <= EDU_DMA_COMMAND || (*reg(edu, EDU_ID) & 0xffff) != 0xed)
		return check("not an edu", -ENODEV);
	printf("%s is an edu\n", hf_vfio_name(edu->vfio));
	edu->irq = eventfd(0, EFD_CLOEXEC);
	if (edu->irq < 0)
		return check("eventfd", -errno);
	return check("MSI", hf_vfio_set_irqs(edu->vfio, HF_VFIO_MSI, &edu->irq, 1));
}

static int open_dma(struct edu *edu)
{
	struct hf_iommu_domain *domain;

	edu->mem = hf_memory_create(&(struct hf_memory_options){ 0 });
	if (!edu->mem)
		return check("memory", -errno);
	domain = hf_vfio_domain_create(edu->vfio, edu->mem);
	if (!domain)
		return check("IOMMU", -errno);
	edu->dma = hf_dma_device_create("edu", edu->mem, domain);
	if (!edu->dma) {
		hf_iommu_destroy(domain);
		return check("DMA", -errno);
	}
	hf_dma_set_mask(edu->dma, EDU_DMA_MASK);
	return check("bus mastering", hf_vfio_set_master(edu->vfio, true));
}

static int get_page(struct edu *edu)
{
	struct hf_backing *backing;
	int ret;

	backing = hf_backing_create(edu->mem, HF_PAGE_SIZE, false, getpid());
	if (!backing)
		return check("backing", -errno);
	ret = hf_backing_get_pages(backing, 0, 1, &edu->page);
	hf_backing_put(backing); /* the page keeps it */
	if (ret)
		return check("page", ret);
	return check("table", hf_sg_table_from_pages(&edu->table, &edu->page, 1, 0));
}

/* However far we came. */
static void close_device(struct edu *edu)
{
	hf_sg_table_finish(&edu->table);
	hf_pages_put(&edu->page, edu->page ? 1 : 0);
	hf_dma_device_destroy(edu->dma); /* and its domain */
	hf_vfio_close(edu->vfio);
	hf_memory_destroy(edu->mem);
	if (edu->irq >= 0)
		close(edu->irq);
}

/* Have the device copy, and wait until it says that it has. */
static int copy(struct edu *edu, hf_iova_t from, hf_iova_t to, uint32_t command)
{
	struct pollfd irq = { .fd = edu->irq, .events = POLLIN };
	uint64_t count;

	*reg(edu, EDU_DMA_FROM) = from;
	*reg(edu, EDU_DMA_TO) = to;
	*reg(edu, EDU_DMA_COUNT) = SIZE;
	hf_dma_wmb(); /* our data, before the device is told */
	*reg(edu, EDU_DMA_COMMAND) = command | EDU_DMA_START | EDU_DMA_INTERRUPT;
	if (poll(&irq, 1, TIMEOUT_MS) != 1 || read(edu->irq, &count, 8) != 8 ||
	    *reg(edu, EDU_IRQ_STATUS) != EDU_IRQ_DMA) {
		hf_vfio_set_master(edu->vfio, false); /* before the memory goes */
		return check("transfer", -ETIMEDOUT);
	}
	*reg(edu, EDU_IRQ_ACK) = EDU_IRQ_DMA;
	return 0;
}

/* The page is the device's from map to unmap, and nobody else's. */
static int transfer(struct edu *edu, enum hf_dma_direction dir)
{
	struct hf_vfio_stats stats;
	hf_iova_t iova;
	int ret;

	ret = hf_dma_map_sgtable(edu->dma, &edu->table, dir);
	if (ret)
		return check("map", ret);
	iova = edu->table.sgl[0].dma;
	hf_vfio_stats(edu->vfio, &stats);
	printf("%s %#llx: %llu bytes are pinned\n",
	       dir == HF_DMA_TO_DEVICE ? "out of" : "into",
	       (unsigned long long)iova, (unsigned long long)stats.pinned);
	if (dir == HF_DMA_TO_DEVICE)
		ret = copy(edu, iova, EDU_MEMORY, 0);
	else
		ret = copy(edu, EDU_MEMORY, iova, EDU_DMA_TO_RAM);
	hf_dma_unmap_sgtable(edu->dma, &edu->table, dir);
	return ret;
}

static int there_and_back(struct edu *edu)
{
	char *data = hf_page_cpu(edu->page), sent[SIZE];
	int ret;

	for (size_t i = 0; i < SIZE; i++)
		data[i] = sent[i] = i * i;
	ret = transfer(edu, HF_DMA_TO_DEVICE);
	memset(data, 0, SIZE);
	if (!ret)
		ret = transfer(edu, HF_DMA_FROM_DEVICE);
	if (!ret && memcmp(data, sent, SIZE))
		ret = check("other data came back", -EIO);
	return ret;
}

int main(int argc, char **argv)
{
	struct edu edu = { .irq = -1 };
	bool failed;

	if (argc != 2)
		return check("usage: edu 0000:00:03.0", -EINVAL) != 0;
	failed = open_device(&edu, argv[1]) || open_dma(&edu) || get_page(&edu) ||
		 there_and_back(&edu);
	if (!failed)
		printf("%d bytes came back as they went\n", SIZE);
	close_device(&edu);
	return failed;
}
