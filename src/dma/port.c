/* SPDX-License-Identifier: MIT */
/*
 * The device's side: an access goes through the port's IOTLB, the tables of the
 * IOMMU, and the page that is at the bus address, or it is a fault, which is
 * logged with the name of whoever had the memory.
 *
 * A port belongs to one thread. What it finds is valid for as long as the driver
 * keeps its promise to hold what it has mapped. What is left in an IOTLB between
 * a deferred unmapping and the flush is used only while the page is still there:
 * memory that was given away is never reached.
 *
 * Without an IOMMU, and for a device that is not coherent, nothing is cached.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dma/internal.h"
#include "mem/backing.h"

struct hf_dma_port *hf_dma_port_create(struct hf_dma_device *dev)
{
	struct hf_dma_port *port = calloc(1, sizeof(*port));

	if (port)
		port->dev = dev;
	return port;
}

void hf_dma_port_destroy(struct hf_dma_port *port)
{
	free(port);
}

uint64_t hf_dma_generation(struct hf_dma_device *dev)
{
	if (!dev->coherent)
		return atomic_fetch_add(&dev->generation, 1) + 1;
	if (dev->domain)
		return hf_iommu_generation(dev->domain);
	return atomic_load_explicit(&dev->generation, memory_order_acquire);
}

/* -- faults ------------------------------------------------------------------ */

static const char *reason_text(const struct hf_iommu_fault *fault)
{
	switch (fault->reason) {
	case HF_IOMMU_FAULT_UNMAPPED:
		return "not mapped";
	case HF_IOMMU_FAULT_PERMISSION:
		return fault->write ? "not writable" : "not readable";
	case HF_IOMMU_FAULT_BUS:
		break;
	}
	return "no memory there";
}

static void age_text(uint64_t ns, char *text, size_t size)
{
	static const struct {
		uint64_t ns;
		const char *name;
	} units[] = { { 1000000000, "s" }, { 1000000, "ms" }, { 1000, "us" } };
	size_t i = 0;

	while (i < 2 && ns < units[i].ns)
		i++;
	snprintf(text, size, "%" PRIu64 " %s", ns / units[i].ns, units[i].name);
}

void hf_dma_fault_text(const struct hf_iommu_fault *fault, char *text,
		       size_t size)
{
	char owner[100] = "", age[32];

	if (fault->owned && fault->freed_ns) {
		age_text(fault->ns - fault->freed_ns, age, sizeof(age));
		snprintf(owner, sizeof(owner),
			 "; freed %s ago, was object %u of PID %d", age,
			 fault->owner.object, fault->owner.pid);
	} else if (fault->owned) {
		snprintf(owner, sizeof(owner), "; is object %u of PID %d",
			 fault->owner.object, fault->owner.pid);
	}
	snprintf(text, size, "%s: %s fault at 0x%010" PRIx64 ": %s%s",
		 fault->device, fault->write ? "write" : "read", fault->iova,
		 reason_text(fault), owner);
}

static const struct hf_page *page_at(struct hf_dma_device *dev, hf_bus_t bus)
{
	if (dev->physical)
		return hf_physical_page(dev->physical, bus);
	return hf_page_at(dev->mem, bus);
}

/* Whose memory is, or was, where the access went. */
static void find_owner(struct hf_dma_device *dev, struct hf_iommu_fault *fault,
		       hf_bus_t bus)
{
	const struct hf_page *page;

	switch (fault->reason) {
	case HF_IOMMU_FAULT_UNMAPPED:
		fault->owned = hf_iommu_last_owner(
			dev->domain, fault->iova, &fault->owner,
			&fault->freed_ns);
		return;
	case HF_IOMMU_FAULT_BUS:
		if (dev->physical)
			return; /* nobody knows */
		fault->owned = hf_page_former_owner(dev->mem, bus,
						    &fault->owner,
						    &fault->freed_ns);
		return;
	case HF_IOMMU_FAULT_PERMISSION:
		page = page_at(dev, bus);
		fault->owned = page;
		if (page)
			fault->owner = *hf_page_owner(page);
		return;
	}
}

/* Log it. Return: NULL, for the access. */
static void *refuse(struct hf_dma_device *dev, hf_iova_t iova, bool write,
		    enum hf_iommu_fault_reason reason, hf_bus_t bus)
{
	struct hf_iommu_fault fault = {
		.iova = iova,
		.reason = reason,
		.write = write,
	};
	char text[200];

	memcpy(fault.device, dev->name, sizeof(fault.device));
	find_owner(dev, &fault, bus);
	fault.ns = hf_dma_now();
	pthread_mutex_lock(&dev->fault_lock);
	dev->faults[dev->nfaults++ % HF_DMA_FAULTS] = fault;
	pthread_mutex_unlock(&dev->fault_lock);
	hf_dma_fault_text(&fault, text, sizeof(text));
	hf_dma_warn(dev, text);
	return NULL;
}

/* -- accesses ---------------------------------------------------------------- */

static struct hf_dma_port_entry *entry_for(struct hf_dma_port *port,
					   hf_iova_t iova)
{
	return &port->entries[(iova >> HF_PAGE_SHIFT) % HF_DMA_PORT_ENTRIES];
}

static uint64_t tag_of(hf_iova_t iova)
{
	return (iova >> HF_PAGE_SHIFT) + 1;
}

/* Is the page of an entry still the one that was looked up? */
static bool is_there(const struct hf_dma_device *dev,
		     const struct hf_dma_port_entry *entry)
{
	const struct hf_page *page = hf_page_at(dev->mem, entry->bus);

	return page && hf_page_cpu(page) == entry->cpu &&
	       hf_page_owner(page)->object == entry->object;
}

static void remember(struct hf_dma_port *port, hf_iova_t iova,
		     uint64_t generation, const struct hf_page *page,
		     char *cpu, unsigned int prot)
{
	struct hf_dma_port_entry *entry = entry_for(port, iova);

	if (entry->tag == tag_of(iova) && entry->generation == generation &&
	    entry->cpu == cpu)
		prot |= entry->prot;
	*entry = (struct hf_dma_port_entry){
		.tag = tag_of(iova),
		.generation = generation,
		.bus = hf_page_bus(page),
		.cpu = cpu,
		.object = hf_page_owner(page)->object,
		.prot = prot,
	};
}

/* Not in the IOTLB: @size bytes are wanted, which do not leave the page. */
static void *lookup(struct hf_dma_port *port, hf_iova_t iova, bool write,
		    size_t size, uint64_t generation)
{
	struct hf_dma_device *dev = port->dev;
	enum hf_iommu_fault_reason reason;
	size_t offset = iova % HF_PAGE_SIZE;
	const struct hf_page *page;
	hf_bus_t bus = iova;
	char *cpu;

	if (dev->domain &&
	    hf_iommu_walk(dev->domain, iova, write, &bus, &reason))
		return refuse(dev, iova, write, reason, bus);
	page = page_at(dev, bus);
	if (!page)
		return refuse(dev, iova, write, HF_IOMMU_FAULT_BUS, bus);
	if (write && !(page->extent->trap.prot & PROT_WRITE))
		return refuse(dev, iova, write, HF_IOMMU_FAULT_PERMISSION, bus);
	cpu = hf_dma_page_memory(dev, page);
	if (!dev->coherent) {
		if (!write)
			hf_dma_check_read(dev, page, offset, size);
	} else if (dev->domain) {
		remember(port, iova, generation, page, cpu,
			 write ? HF_IOMMU_WRITE : HF_IOMMU_READ);
	}
	return cpu + offset;
}

/* @length: bytes that are wanted; set to those of them that are in the page. */
static void *reach(struct hf_dma_port *port, hf_iova_t iova, bool write,
		   size_t *length)
{
	const struct hf_dma_port_entry *entry = entry_for(port, iova);
	uint64_t generation = hf_dma_generation(port->dev);
	size_t offset = iova % HF_PAGE_SIZE;

	if (*length > HF_PAGE_SIZE - offset)
		*length = HF_PAGE_SIZE - offset;
	if (entry->tag == tag_of(iova) && entry->generation == generation &&
	    entry->prot & (write ? HF_IOMMU_WRITE : HF_IOMMU_READ) &&
	    (!port->dev->domain->deferred || is_there(port->dev, entry)))
		return entry->cpu + offset;
	return lookup(port, iova, write, *length, generation);
}

void *hf_dma_access(struct hf_dma_port *port, hf_iova_t iova, bool write,
		    size_t *length)
{
	*length = HF_PAGE_SIZE;
	return reach(port, iova, write, length);
}

int hf_dma_read(struct hf_dma_port *port, void *to, hf_iova_t from,
		size_t size)
{
	while (size) {
		size_t length = size;
		const void *at = reach(port, from, false, &length);

		if (!at)
			return -EFAULT;
		memcpy(to, at, length);
		to = (char *)to + length;
		from += length;
		size -= length;
	}
	return 0;
}

int hf_dma_write(struct hf_dma_port *port, hf_iova_t to, const void *from,
		 size_t size)
{
	while (size) {
		size_t length = size;
		void *at = reach(port, to, true, &length);

		if (!at)
			return -EFAULT;
		memcpy(at, from, length);
		from = (const char *)from + length;
		to += length;
		size -= length;
	}
	return 0;
}
