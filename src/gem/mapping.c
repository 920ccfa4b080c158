/* SPDX-License-Identifier: MIT */
/*
 * Mappings: an object's pages held and mapped for its device, in the kernel's
 * order: get_pages, dma_map_sgtable, (device), dma_unmap_sgtable, put_pages.
 * Address spaces, framebuffers that are shown and screenshots share one.
 *
 * The lock of the devices protects them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/probe.h"
#include "gem/gem.h"
#include "gem/internal.h"
#include "gem/userptr.h"

static enum hf_dma_direction direction(const struct hf_gem_object *object)
{
	return hf_gem_object_read_only(object) ? HF_DMA_TO_DEVICE : HF_DMA_BIDIRECTIONAL;
}

static int get_pages(const struct hf_gem_object *object, struct hf_page **pages)
{
	size_t done = 0;
	int ret;

	if (object->backing)
		return hf_backing_get_pages(object->backing, 0,
					    object->size >> HF_PAGE_SHIFT,
					    pages);
	for (unsigned int i = 0; i < object->user->nsegments; i++) {
		const struct hf_user_segment *segment =
			&object->user->segments[i];

		ret = hf_backing_get_pages(segment->backing, segment->first,
					   segment->npages, pages + done);
		if (ret) {
			hf_pages_put(pages, done);
			return ret;
		}
		done += segment->npages;
	}
	return 0;
}

static void memory_get(struct hf_vm_memory *memory)
{
	struct hf_gem_mapping *mapping =
		wl_container_of(memory, mapping, memory);

	hf_gem_mapping_get(mapping);
}

static void memory_put(struct hf_vm_memory *memory)
{
	struct hf_gem_mapping *mapping =
		wl_container_of(memory, mapping, memory);

	hf_gem_unmap(mapping);
}

static int map_pages(struct hf_gem_mapping *mapping)
{
	struct hf_gem_object *object = mapping->object;
	struct hf_dma_device *dma = object->gem->dma;
	size_t n = object->size >> HF_PAGE_SHIFT;
	int ret = hf_gem_fault(object->gem);

	if (!ret)
		ret = get_pages(object, mapping->pages);
	if (ret)
		return ret;
	ret = hf_sg_table_from_pages(&mapping->table, mapping->pages, n,
				     dma->max_segment);
	if (!ret)
		ret = hf_dma_map_sgtable(dma, &mapping->table,
					 direction(object));
	if (ret) {
		hf_sg_table_finish(&mapping->table);
		hf_pages_put(mapping->pages, n);
	}
	return ret;
}

struct hf_gem_mapping *hf_gem_map(struct hf_gem_object *object)
{
	struct hf_gem_mapping *mapping = object->mapping;
	int ret;

	/* Its content may go at any time, or has gone. */
	if (object->dontneed || object->purged) {
		errno = EFAULT;
		return NULL;
	}
	if (mapping)
		return hf_gem_mapping_get(mapping);
	if (object->size >> HF_PAGE_SHIFT > hf_memory_max_pages(object->gem->mem)) {
		errno = ENOMEM;
		return NULL;
	}
	mapping = calloc(1, sizeof(*mapping));
	if (!mapping)
		return NULL;
	mapping->refcount = 1;
	mapping->object = hf_gem_object_get(object);
	mapping->memory.table = &mapping->table;
	mapping->memory.get = memory_get;
	mapping->memory.put = memory_put;
	mapping->pages = malloc((object->size >> HF_PAGE_SHIFT) *
				sizeof(*mapping->pages));
	ret = mapping->pages ? map_pages(mapping) : -ENOMEM;
	if (ret) {
		hf_gem_object_put(object);
		free(mapping->pages);
		free(mapping);
		errno = -ret;
		return NULL;
	}
	object->mapping = mapping;
	hf_probe(mapping, object, mapping->table.sgl[0].dma,
		 mapping->table.nents, true);
	return mapping;
}

struct hf_gem_mapping *hf_gem_mapping_get(struct hf_gem_mapping *mapping)
{
	mapping->refcount++;
	return mapping;
}

void hf_gem_unmap(struct hf_gem_mapping *mapping)
{
	struct hf_gem_object *object;

	if (!mapping || --mapping->refcount)
		return;
	object = mapping->object;
	object->mapping = NULL;
	hf_vm_memory_finish(&mapping->memory);
	hf_probe(mapping, object, mapping->table.sgl[0].dma,
		 mapping->table.nents, false);
	hf_dma_unmap_sgtable(object->gem->dma, &mapping->table,
			     direction(object));
	hf_sg_table_finish(&mapping->table);
	hf_pages_put(mapping->pages, object->size >> HF_PAGE_SHIFT);
	free(mapping->pages);
	free(mapping);
	hf_gem_reclaim_touch(object);
	hf_gem_object_put(object);
}

void hf_gem_sync_cpu(struct hf_gem_device *gem, struct hf_backing *backing,
		     bool start, enum hf_dma_direction dir)
{
	struct hf_gem_object *object;

	wl_list_for_each(object, &backing->objects, backing_link) {
		if (object->gem != gem || !object->mapping)
			continue;
		if (start)
			hf_dma_sync_sgtable_for_cpu(
				gem->dma, &object->mapping->table, dir);
		else
			hf_dma_sync_sgtable_for_device(
				gem->dma, &object->mapping->table, dir);
	}
}
