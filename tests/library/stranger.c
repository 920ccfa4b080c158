/* SPDX-License-Identifier: MIT */
/*
 * A program of somebody else's: built with what is installed, and nothing of the
 * source. It has a device in software, a driver for it, and a memfd of another
 * process's, and looks at what they get to see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <holdfast/dma.h>
#include <holdfast/memory.h>
#include <holdfast/vfio.h>

#define PAGES 100
#define SIZE (PAGES * HF_PAGE_SIZE)

static int count, failures;

static void expect(bool good, const char *name)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++count, name);
	failures += !good;
}

struct driver {
	struct hf_memory *mem;
	struct hf_dma_device *dma;
	struct hf_dma_port *port; /* the device's side */
};

static bool driver_init(struct driver *driver)
{
	struct hf_memory_options options = { 0 };
	struct hf_iommu_domain *domain;

	driver->mem = hf_memory_create(&options);
	if (!driver->mem)
		return false;
	domain = hf_soft_iommu_create(driver->mem, UINT32_MAX, false);
	if (!domain)
		return false;
	driver->dma = hf_dma_device_create("stranger", driver->mem, domain);
	if (!driver->dma)
		return false;
	driver->port = hf_dma_port_create(driver->dma);
	return driver->port && !hf_dma_set_mask(driver->dma, (1u << 28) - 1);
}

static bool nothing_is_held(struct driver *driver)
{
	struct hf_memory_stats stats;

	hf_memory_stats(driver->mem, &stats);
	return stats.pages == 0 && stats.peak_pages > 0;
}

static void driver_finish(struct driver *driver)
{
	hf_dma_port_destroy(driver->port);
	hf_dma_device_destroy(driver->dma);
	hf_memory_destroy(driver->mem);
}

static void the_device_reaches_what_is_mapped(struct driver *driver)
{
	struct hf_page *pages[PAGES];
	struct hf_sg_table table;
	struct hf_backing *backing;
	char *data, seen[16];
	hf_iova_t iova;
	bool good;

	backing = hf_backing_create(driver->mem, SIZE, false, getpid());
	good = backing && hf_backing_size(backing) == SIZE &&
	       !hf_backing_get_pages(backing, 0, PAGES, pages) &&
	       !hf_sg_table_from_pages(&table, pages, PAGES, 0) &&
	       !hf_dma_map_sgtable(driver->dma, &table, HF_DMA_BIDIRECTIONAL);
	expect(good, "memory_is_mapped");
	if (!good)
		return;
	data = hf_page_cpu(pages[0]);
	iova = table.sgl[0].dma;
	memcpy(data + SIZE - 6, "hello", 6);
	expect(!hf_dma_read(driver->port, seen, iova + SIZE - 6, 6) &&
	       !strcmp(seen, "hello"), "the_device_reads_what_we_wrote");
	expect(!hf_dma_write(driver->port, iova + HF_PAGE_SIZE - 2, "world", 6) &&
	       !strcmp(data + HF_PAGE_SIZE - 2, "world"),
	       "we_read_what_the_device_wrote");
	hf_dma_unmap_sgtable(driver->dma, &table, HF_DMA_BIDIRECTIONAL);
	expect(hf_dma_read(driver->port, seen, iova, 1) == -EFAULT,
	       "what_is_unmapped_is_out_of_reach");
	hf_sg_table_finish(&table);
	hf_pages_put(pages, PAGES);
	hf_backing_put(backing);
	expect(nothing_is_held(driver), "all_is_given_back");
}

static void memory_of_others_is_used_in_place(struct driver *driver)
{
	int fd = memfd_create("theirs", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	struct hf_backing *backing, *again;
	struct hf_page *page;
	bool good;

	good = fd >= 0 && !ftruncate(fd, HF_PAGE_SIZE) &&
	       pwrite(fd, "theirs", 7, 0) == 7;
	backing = hf_backing_of(driver->mem, fd, false, getpid());
	expect(good && !backing && errno == EINVAL,
	       "memory_that_may_shrink_is_refused");
	fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	backing = hf_backing_of(driver->mem, fd, false, getpid());
	again = hf_backing_of(driver->mem, fd, false, getpid());
	expect(backing && backing == again && hf_backing_fd(backing) != fd,
	       "a_file_has_one_backing");
	close(fd);
	hf_backing_put(again);
	good = backing && !hf_backing_get_pages(backing, 0, 1, &page);
	expect(good && !strcmp(hf_page_cpu(page), "theirs"),
	       "their_bytes_are_there");
	if (good)
		hf_pages_put(&page, 1);
	hf_backing_put(backing);
}

static void a_device_that_is_not_there_is_refused(void)
{
	char why[HF_VFIO_WHY] = "";
	struct hf_vfio *vfio = hf_vfio_open("ffff:ff:1f.7", 0, why);

	expect(!vfio && errno == ENODEV && strstr(why, "ffff:ff:1f.7"),
	       "a_device_that_is_not_there_is_refused_with_a_sentence");
}

int main(void)
{
	struct driver driver = { 0 };

	expect(driver_init(&driver), "a_driver_starts");
	if (driver.port) {
		the_device_reaches_what_is_mapped(&driver);
		memory_of_others_is_used_in_place(&driver);
	}
	driver_finish(&driver);
	a_device_that_is_not_there_is_refused();
	printf("1..%d\n", count);
	return failures != 0;
}
