/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather tables. A table is one array of entries, owned by whoever made
 * it; nothing here has a lock.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dma/sg.h"

static bool continues(const struct hf_sg *sg, hf_bus_t bus, size_t max_segment)
{
	return sg->bus + sg->length == bus &&
	       sg->length + HF_PAGE_SIZE <= max_segment;
}

/* Coalesce into @sgl, or only count where it is NULL. */
static size_t coalesce(struct hf_sg *sgl, struct hf_page *const *pages,
		       size_t n, size_t max_segment)
{
	struct hf_sg sg = { .bus = hf_page_bus(pages[0]),
			    .length = HF_PAGE_SIZE };
	size_t nents = 0;

	for (size_t i = 1; i < n; i++) {
		hf_bus_t bus = hf_page_bus(pages[i]);

		if (continues(&sg, bus, max_segment)) {
			sg.length += HF_PAGE_SIZE;
			continue;
		}
		if (sgl)
			sgl[nents] = sg;
		nents++;
		sg.bus = bus;
		sg.length = HF_PAGE_SIZE;
	}
	if (sgl)
		sgl[nents] = sg;
	return nents + 1;
}

int hf_sg_table_from_pages(struct hf_sg_table *table,
			   struct hf_page *const *pages, size_t n,
			   size_t max_segment)
{
	size_t nents;

	memset(table, 0, sizeof(*table));
	if (!n)
		return -EINVAL;
	if (!max_segment || max_segment > HF_SG_MAX)
		max_segment = HF_SG_MAX;
	nents = coalesce(NULL, pages, n, max_segment);
	table->sgl = calloc(nents, sizeof(*table->sgl));
	if (!table->sgl)
		return -ENOMEM;
	table->orig_nents = coalesce(table->sgl, pages, n, max_segment);
	table->size = n << HF_PAGE_SHIFT;
	return 0;
}

void hf_sg_table_finish(struct hf_sg_table *table)
{
	free(table->sgl);
	memset(table, 0, sizeof(*table));
}

size_t hf_sg_table_size(const struct hf_sg_table *table)
{
	size_t size = table->size;

	for (size_t i = 0; !table->size && i < table->orig_nents; i++)
		size += table->sgl[i].length;
	return size;
}
