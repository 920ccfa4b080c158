// SPDX-License-Identifier: MIT
/*
 * Memory and a device, as the server makes them. See the header.
 */
#include <errno.h>

#include "bench.h"
#include "machine.h"

#define IOVA_LAST ((UINT64_C(1) << 48) - 1)

int machine_init(struct machine *machine)
{
	static const struct hf_memory_options options;
	struct hf_iommu_domain *domain;

	machine->mem = hf_memory_create(&options);
	if (!machine->mem)
		return bench_fail("the machine's memory");
	domain = hf_soft_iommu_create(machine->mem, IOVA_LAST, false);
	errno = ENOMEM;
	if (!domain || hf_dma_device_init(&machine->dma, "bench", machine->mem,
					  domain))
		return bench_fail("a device");
	hf_gem_device_init(&machine->gem, &machine->dma);
	return 0;
}

void machine_finish(struct machine *machine)
{
	hf_gem_device_finish(&machine->gem);
	hf_dma_device_finish(&machine->dma);
	hf_memory_destroy(machine->mem);
}
