/* SPDX-License-Identifier: MIT */
/*
 * DMA through VFIO's IOMMU, on QEMU's edu device: what is mapped is pinned and
 * reached, and nothing else is; limits are errors that say what to raise.
 *
 * Runs as root, in tests/vm/run -p edu.
 */
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "vfio_fixture.h"

#define ENTRY_LIMIT "/sys/module/vfio_iommu_type1/parameters/dma_entry_limit"

static int map(struct edu *edu, struct object *object)
{
	return hf_dma_map_sgtable(&edu->dma, &object->table,
				  HF_DMA_BIDIRECTIONAL);
}

static void unmap(struct edu *edu, struct object *object)
{
	hf_dma_unmap_sgtable(&edu->dma, &object->table, HF_DMA_BIDIRECTIONAL);
}

static uint32_t mappings(struct edu *edu)
{
	struct hf_vfio_stats stats;

	hf_vfio_stats(edu->vfio, &stats);
	return stats.mappings;
}

static uint32_t available(struct edu *edu)
{
	struct hf_vfio_stats stats;

	hf_vfio_stats(edu->vfio, &stats);
	return stats.available;
}

/* -- copies ------------------------------------------------------------------ */

TEST(memory_goes_out_and_comes_back)
{
	struct object out, in;
	struct edu edu;

	edu_start(&edu);
	object_create(&out, edu.mem, 3);
	object_create(&in, edu.mem, 3);
	EXPECT_EQ(map(&edu, &out), 0);
	EXPECT_EQ(map(&edu, &in), 0);
	EXPECT_EQ(mappings(&edu), 2);
	fill(hf_page_cpu(out.pages[0]), 3 * PAGE, 1);
	/* From the middle of a page to the middle of the next. */
	edu_copy(&edu, false, out.table.sgl[0].dma + 3000, 4000);
	edu_copy(&edu, true, in.table.sgl[0].dma + 5000, 4000);
	EXPECT(!memcmp((char *)hf_page_cpu(in.pages[0]) + 5000,
		       (char *)hf_page_cpu(out.pages[0]) + 3000, 4000));
	EXPECT_EQ(((char *)hf_page_cpu(in.pages[0]))[4999], 0);
	EXPECT_EQ(((char *)hf_page_cpu(in.pages[0]))[9000], 0);
	unmap(&edu, &out);
	unmap(&edu, &in);
	EXPECT_EQ(mappings(&edu), 0);
	object_free(&out);
	object_free(&in);
	edu_stop(&edu);
}

TEST(pages_that_are_no_neighbours_are_one_run_for_the_device)
{
	struct object object;
	struct edu edu;

	edu_start(&edu);
	object_create_torn(&object, edu.mem, 4);
	EXPECT_EQ(map(&edu, &object), 0);
	EXPECT_EQ(mappings(&edu), 4);
	EXPECT_EQ(object.table.nents, 1);
	fill(hf_page_cpu(object.pages[1]), PAGE, 1);
	fill(hf_page_cpu(object.pages[2]), PAGE, 2);
	edu_copy(&edu, false, object.table.sgl[0].dma + PAGE + 2048, 4000);
	edu_copy(&edu, true, object.table.sgl[0].dma + 2 * PAGE + 2048, 4000);
	EXPECT(!memcmp((char *)hf_page_cpu(object.pages[2]) + 2048,
		       (char *)hf_page_cpu(object.pages[1]) + 2048, 2048));
	EXPECT(!memcmp(hf_page_cpu(object.pages[3]),
		       hf_page_cpu(object.pages[2]), 4000 - 2048));
	unmap(&edu, &object);
	EXPECT_EQ(mappings(&edu), 0);
	EXPECT_EQ(pinned(&edu), 0);
	object_free(&object);
	edu_stop(&edu);
}

TEST(device_has_memory_of_its_own)
{
	struct edu edu;
	hf_iova_t iova;
	char *ring;

	edu_start(&edu);
	ring = hf_dma_alloc(&edu.dma, 4 * PAGE, &iova);
	EXPECT(ring);
	fill(ring, 2048, 3);
	edu_copy(&edu, false, iova, 2048);
	edu_copy(&edu, true, iova + 3 * PAGE, 2048);
	EXPECT(is_filled(ring + 3 * PAGE, 2048, 3));
	hf_dma_free(&edu.dma, ring, 4 * PAGE, iova);
	EXPECT_EQ(pinned(&edu), 0);
	edu_stop(&edu);
}

/* -- what is pinned ---------------------------------------------------------- */

TEST(memory_is_pinned_while_it_is_mapped)
{
	struct object object;
	struct edu edu;

	edu_start(&edu);
	object_create(&object, edu.mem, 16);
	EXPECT_EQ(pinned(&edu), 0);
	EXPECT_EQ(map(&edu, &object), 0);
	EXPECT_EQ(pinned(&edu), 16 * PAGE);
	unmap(&edu, &object);
	EXPECT_EQ(pinned(&edu), 0);
	object_free(&object);
	edu_stop(&edu);
}

TEST(memory_that_was_put_stays_pinned_until_the_copy_is_over)
{
	struct object object;
	struct edu edu;
	char *memory;

	edu_start(&edu);
	object_create(&object, edu.mem, 2);
	memory = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      object.backing->fd, 0);
	EXPECT(memory != MAP_FAILED);
	fill(memory, 2048, 7);
	EXPECT_EQ(map(&edu, &object), 0);
	edu_copy(&edu, false, object.table.sgl[0].dma, 2048);
	edu_begin_copy(&edu, true, object.table.sgl[0].dma + PAGE, 2048);
	/* All that holds it here goes, but for the mapping. */
	hf_pages_put(object.pages, object.n);
	hf_backing_put(object.backing);
	EXPECT_EQ(pinned(&edu), 2 * PAGE);
	edu_end_copy(&edu);
	EXPECT_EQ(pinned(&edu), 2 * PAGE);
	unmap(&edu, &object);
	EXPECT_EQ(pinned(&edu), 0);
	EXPECT(is_filled(memory + PAGE, 2048, 7));
	hf_sg_table_finish(&object.table);
	edu_stop(&edu);
}

TEST(process_that_dies_during_a_copy_leaves_nothing_behind)
{
	struct edu edu;

	kernel_log_begin();
	IN_CHILD({
		struct object object;
		struct edu dying;

		edu_start(&dying);
		object_create(&object, dying.mem, 2);
		EXPECT_EQ(map(&dying, &object), 0);
		edu_begin_copy(&dying, true, object.table.sgl[0].dma, 2048);
	});
	edu_start(&edu);
	EXPECT_EQ(mappings(&edu), 0);
	EXPECT_EQ(pinned(&edu), 0);
	edu_end_copy(&edu);
	edu_stop(&edu);
}

TEST(device_that_was_released_has_nothing_pinned)
{
	struct object object;
	char why[HF_VFIO_WHY];
	struct hf_vfio *next;
	struct edu edu;
	uint32_t id;
	int event = 0;

	edu_start(&edu);
	object_create(&object, edu.mem, 4);
	EXPECT_EQ(map(&edu, &object), 0);
	EXPECT_EQ(pinned(&edu), 4 * PAGE);
	edu_begin_copy(&edu, true, object.table.sgl[0].dma, 2048);
	hf_vfio_release(edu.vfio);
	EXPECT_EQ(pinned(&edu), 0);
	/* Somebody else may have it, while this one goes on without. */
	next = hf_vfio_open(edu_address(0), 0, why);
	EXPECT(next);
	hf_vfio_close(next);
	EXPECT_EQ(edu_read(edu.bar, EDU_ID), 0);
	EXPECT_EQ(hf_vfio_config_read(edu.vfio, 0, &id, sizeof(id)), -EIO);
	EXPECT_EQ(hf_vfio_set_master(edu.vfio, true), -EIO);
	EXPECT_EQ(hf_vfio_set_irqs(edu.vfio, HF_VFIO_MSI, &event, 1), -EIO);
	unmap(&edu, &object);
	EXPECT_EQ(map(&edu, &object), 0);
	unmap(&edu, &object);
	object_free(&object);
	edu_stop(&edu);
}

/* -- what must not be reached ------------------------------------------------ */

/* The device's buffer has a pattern that memory does not. */
static void load(struct edu *edu)
{
	struct object object;

	object_create(&object, edu->mem, 1);
	EXPECT_EQ(map(edu, &object), 0);
	fill(hf_page_cpu(object.pages[0]), 2048, 9);
	edu_copy(edu, false, object.table.sgl[0].dma, 2048);
	unmap(edu, &object);
	object_free(&object);
}

TEST(address_that_was_unmapped_is_a_fault_and_no_data)
{
	struct object object;
	struct edu edu;
	hf_iova_t iova;

	edu_start(&edu);
	load(&edu);
	object_create(&object, edu.mem, 1);
	EXPECT_EQ(map(&edu, &object), 0);
	iova = object.table.sgl[0].dma;
	unmap(&edu, &object);
	kernel_log_begin();
	edu_copy(&edu, true, iova, 2048);
	EXPECT(kernel_log_has("DMAR: [DMA Write", 2000));
	EXPECT_EQ(((char *)hf_page_cpu(object.pages[0]))[0], 0);
	EXPECT_EQ(((char *)hf_page_cpu(object.pages[0]))[2047], 0);
	object_free(&object);
	edu_stop(&edu);
}

TEST(memory_that_the_device_may_only_read_is_not_written)
{
	struct object object;
	struct edu edu;

	edu_start(&edu);
	load(&edu);
	object_create(&object, edu.mem, 1);
	EXPECT_EQ(hf_dma_map_sgtable(&edu.dma, &object.table,
				     HF_DMA_TO_DEVICE), 0);
	kernel_log_begin();
	edu_copy(&edu, true, object.table.sgl[0].dma, 2048);
	EXPECT(kernel_log_has("DMAR: [DMA Write", 2000));
	EXPECT_EQ(((char *)hf_page_cpu(object.pages[0]))[0], 0);
	hf_dma_unmap_sgtable(&edu.dma, &object.table, HF_DMA_TO_DEVICE);
	object_free(&object);
	edu_stop(&edu);
}

TEST(copies_that_are_allowed_leave_no_fault)
{
	struct object object;
	struct edu edu;

	kernel_log_begin();
	edu_start(&edu);
	object_create(&object, edu.mem, 1);
	EXPECT_EQ(map(&edu, &object), 0);
	edu_copy(&edu, true, object.table.sgl[0].dma, 2048);
	unmap(&edu, &object);
	object_free(&object);
	edu_stop(&edu);
	EXPECT(!kernel_log_has("DMAR", 300));
}

TEST(software_finds_what_is_mapped)
{
	enum hf_iommu_fault_reason reason;
	struct hf_iommu_domain *domain;
	struct object object;
	struct edu edu;
	hf_iova_t iova;
	hf_bus_t bus;

	edu_start(&edu);
	domain = edu.dma.domain;
	object_create(&object, edu.mem, 5);
	EXPECT_EQ(map(&edu, &object), 0);
	iova = object.table.sgl[0].dma;
	for (size_t i = 0; i < 5; i++) {
		EXPECT_EQ(hf_iommu_walk(domain, iova + i * PAGE + 12, true,
					&bus, &reason), 0);
		EXPECT_EQ(bus, hf_page_bus(object.pages[i]) + 12);
	}
	EXPECT_EQ(hf_iommu_walk(domain, iova + 5 * PAGE, false, &bus, &reason),
		  -EFAULT);
	EXPECT_EQ(reason, HF_IOMMU_FAULT_UNMAPPED);
	unmap(&edu, &object);
	EXPECT_EQ(hf_iommu_walk(domain, iova, false, &bus, &reason), -EFAULT);
	object_free(&object);
	edu_stop(&edu);
}

/* -- limits ------------------------------------------------------------------ */

TEST(reserved_addresses_are_never_given_out)
{
	const size_t size = 1u << 20;
	struct edu edu;
	hf_iova_t iova = UINT64_MAX;

	edu_start(&edu);
	EXPECT_EQ(hf_iova_reserve(edu.dma.domain->space, 0xfee00000, PAGE),
		  -EBUSY);
	for (unsigned int i = 0; i < 64 && iova > 0xfd000000; i++) {
		iova = hf_iova_alloc(edu.dma.domain->space, size, PAGE,
				     UINT32_MAX);
		EXPECT(iova);
		EXPECT(iova + size <= 0xfee00000 || iova > 0xfeefffff);
	}
	EXPECT(iova < 0xfee00000);
	edu_stop(&edu);
}

TEST(one_domain_a_device)
{
	struct edu edu;

	edu_start(&edu);
	EXPECT(!hf_vfio_domain_create(edu.vfio, edu.mem));
	EXPECT_EQ(errno, EBUSY);
	edu_stop(&edu);
}

static void drop_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	EXPECT_EQ(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1u << capability);
	data[0].permitted &= ~(1u << capability);
	EXPECT_EQ(syscall(SYS_capset, &header, data), 0);
}

TEST(memlock_that_is_too_low_says_what_is_needed)
{
	const struct rlimit limit = { 16 * PAGE, 16 * PAGE };
	struct object small, large;
	const char *text;
	struct edu edu;

	edu_start(&edu);
	object_create(&small, edu.mem, 12);
	object_create(&large, edu.mem, 12);
	drop_capability(CAP_IPC_LOCK);
	EXPECT_EQ(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	EXPECT_EQ(map(&edu, &small), 0);
	log_begin();
	EXPECT_EQ(map(&edu, &large), -ENOMEM);
	text = log_end();
	if (!strstr(text, "RLIMIT_MEMLOCK is 64 KiB") ||
	    !strstr(text, "96 KiB are needed") || !strstr(text, "ulimit -l") ||
	    !strstr(text, "LimitMEMLOCK"))
		fail(__FILE__, __LINE__, "%s", text);
	EXPECT_EQ(pinned(&edu), 12 * PAGE);
	unmap(&edu, &small);
	EXPECT_EQ(map(&edu, &large), 0);
	unmap(&edu, &large);
	EXPECT_EQ(pinned(&edu), 0);
	object_free(&small);
	object_free(&large);
	edu_stop(&edu);
}

TEST(mappings_beyond_the_limit_name_it_and_leave_nothing)
{
	struct object fits, torn;
	const char *text;
	struct edu edu;

	sysfs_write(ENTRY_LIMIT, "4");
	edu_start(&edu);
	sysfs_write(ENTRY_LIMIT, "65535");
	EXPECT_EQ(available(&edu), 4);
	object_create(&fits, edu.mem, 8);
	object_create_torn(&torn, edu.mem, 4);
	EXPECT_EQ(map(&edu, &fits), 0);
	EXPECT_EQ(available(&edu), 3);
	log_begin();
	EXPECT_EQ(map(&edu, &torn), -ENOSPC);
	text = log_end();
	EXPECT(strstr(text, "dma_entry_limit"));
	EXPECT_EQ(available(&edu), 3);
	EXPECT_EQ(mappings(&edu), 1);
	EXPECT_EQ(pinned(&edu), 8 * PAGE);
	unmap(&edu, &fits);
	EXPECT_EQ(map(&edu, &torn), 0);
	EXPECT_EQ(available(&edu), 0);
	unmap(&edu, &torn);
	EXPECT_EQ(available(&edu), 4);
	object_free(&fits);
	object_free(&torn);
	edu_stop(&edu);
}

/* -- without an IOMMU -------------------------------------------------------- */

/*
 * In a machine without one, on a kernel with VFIO's no-IOMMU mode, which Debian's
 * has not; the device is one of QEMU's that reaches 4 GiB (edu,dma_mask=0xffffffff).
 */
TEST(without_iommu_the_device_gets_physical_addresses)
{
	char why[HF_VFIO_WHY] = "", *ring;
	struct object object;
	struct edu edu;
	hf_iova_t iova;
	size_t size;

	if (!getenv("HOLDFAST_VFIO_NO_IOMMU"))
		skip("the kernel has no no-IOMMU mode, or there is an IOMMU");
	cannot_open(edu_address(0), EPERM, "--unsafe-no-iommu");
	edu.vfio = hf_vfio_open(edu_address(0), HF_VFIO_UNSAFE_NO_IOMMU, why);
	if (!edu.vfio)
		fail(__FILE__, __LINE__, "%s", why);
	EXPECT(hf_vfio_no_iommu(edu.vfio));
	edu.bar = hf_vfio_bar(edu.vfio, 0, &size);
	EXPECT(edu.bar);
	edu.mem = hf_memory_create(&(struct hf_memory_options){ .pool = 0 });
	EXPECT(!hf_vfio_domain_create(edu.vfio, edu.mem) && errno == ENOTSUP);
	EXPECT_EQ(hf_dma_device_init(&edu.dma, "edu", edu.mem, NULL), 0);
	EXPECT_EQ(hf_dma_device_use_physical(&edu.dma), 0);
	edu.dma.mask = UINT32_MAX;
	EXPECT_EQ(hf_vfio_set_master(edu.vfio, true), 0);
	object_create(&object, edu.mem, 3);
	EXPECT_EQ(map(&edu, &object), 0);
	EXPECT(pinned(&edu) >= 3 * PAGE);
	ring = hf_dma_alloc(&edu.dma, PAGE, &iova);
	EXPECT(ring);
	fill(ring, 2048, 5);
	edu_copy(&edu, false, iova, 2048);
	edu_copy(&edu, true, object.table.sgl[0].dma, 2048);
	EXPECT(is_filled(hf_page_cpu(object.pages[0]), 2048, 5));
	hf_dma_free(&edu.dma, ring, PAGE, iova);
	unmap(&edu, &object);
	object_free(&object);
	EXPECT_EQ(pinned(&edu), 0);
	edu_stop(&edu);
}
