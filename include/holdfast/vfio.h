/* SPDX-License-Identifier: MIT */
/*
 * VFIO: a PCI device that the kernel has no driver bound to, and the IOMMU in
 * front of it.
 *
 * A device is opened with its group in a container of its own. Its BARs, config
 * space, interrupts and reset are here; its memory is mapped through the
 * container's type 1 IOMMU, which is a domain like any other (holdfast/dma.h): what is
 * mapped is pinned by the kernel, and what is unmapped is let go.
 *
 * For everybody who writes a driver: this header is a part of libholdfast, and the
 * drivers of Holdfast itself include it, too.
 *
 * A device is used by one thread at a time. Its domain is its DMA device's, and
 * mapping is done with the lock of the devices held (holdfast/memory.h).
 *
 * Source: <linux/vfio.h>, Documentation/driver-api/vfio.rst; PCI Local Bus 3.0.
 */
#ifndef HOLDFAST_VFIO_H
#define HOLDFAST_VFIO_H

#include <holdfast/dma.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hf_vfio;

/* What an error says, and what helps against it. */
#define HF_VFIO_WHY 256

/* Go on without an IOMMU, if the kernel lets us: see hf_vfio_open(). */
#define HF_VFIO_UNSAFE_NO_IOMMU 1u

/**
 * hf_vfio_open() - Open a PCI device.
 * @bdf: "0000:00:03.0", or without the domain
 * @flags: 0 or HF_VFIO_UNSAFE_NO_IOMMU
 * @why: on an error, set to a sentence for whoever named the device
 *
 * Bus mastering is off until hf_vfio_set_master(); the device was reset, if it can
 * be.
 *
 * HF_VFIO_UNSAFE_NO_IOMMU is for a machine without an IOMMU whose kernel has VFIO's
 * no-IOMMU mode switched on. The device then reaches all of the machine's memory; a
 * fault of the device, or of its driver, overwrites anything. Pages are locked, but
 * the kernel may still move them, and the device does not learn of it.
 *
 * Return: NULL and errno: EINVAL for what is no address; ENODEV for no such device, or
 * one that no driver is bound to; EBUSY where another driver is, or somebody else has
 * its group open;
 * EPERM where the group is shared with a device that is not ours to have, or the
 * machine has no IOMMU and @flags does not allow that; EACCES where /dev/vfio may
 * not be opened; ENOTSUP where the kernel lacks type 1 or no-IOMMU mode; ENOMEM,
 * EMFILE.
 */
struct hf_vfio *hf_vfio_open(const char *bdf, unsigned int flags,
			     char why[HF_VFIO_WHY]);
/**
 * hf_vfio_close() - Stop the device's DMA, reset it, and let go of it.
 *
 * Its domain must be destroyed. BARs are unmapped. Takes NULL.
 */
void hf_vfio_close(struct hf_vfio *vfio);
/**
 * hf_vfio_release() - Give the device back, and go on without it.
 *
 * For when hf_vfio_request_fd() is readable. Its DMA is stopped, it is reset if it can
 * be, and the kernel lets go of all that it had pinned. What it was mapped stays
 * recorded in its domain, and can be unmapped; what is mapped from now on reaches
 * nothing. BARs that are mapped read as 0; no others can be, nor a domain be created.
 * Config space and interrupts fail with -EIO; there is nothing to reset or to switch off.
 */
void hf_vfio_release(struct hf_vfio *vfio);

/** hf_vfio_name() - Its address with the domain, "0000:00:03.0". */
const char *hf_vfio_name(const struct hf_vfio *vfio);
/** hf_vfio_group() - Number of its IOMMU group. */
unsigned int hf_vfio_group(const struct hf_vfio *vfio);
/** hf_vfio_no_iommu() - It was opened without an IOMMU. */
bool hf_vfio_no_iommu(const struct hf_vfio *vfio);

/* -- config space and BARs --------------------------------------------------- */

/**
 * hf_vfio_config_read() - Read config space.
 * @offset: bytes
 * @size: bytes; 1, 2, 4 are one access
 *
 * Return: 0; -EINVAL beyond its end; -EIO where the device is gone.
 */
int hf_vfio_config_read(struct hf_vfio *vfio, unsigned int offset, void *data,
			size_t size);
/** hf_vfio_config_write() - Likewise. */
int hf_vfio_config_write(struct hf_vfio *vfio, unsigned int offset,
			 const void *data, size_t size);
/**
 * hf_vfio_capability() - Find a capability in the first 256 bytes.
 * @id: PCI_CAP_ID_*
 * @after: offset of the one found before; 0: from the start
 *
 * Return: its offset; 0 where there is none (more).
 */
unsigned int hf_vfio_capability(struct hf_vfio *vfio, uint8_t id,
				unsigned int after);
/**
 * hf_vfio_bar() - Map a BAR, once; until the device is closed.
 *
 * When the device is taken away, or its decoding is switched off, the BAR reads as 0
 * from then on, and what is written is lost.
 *
 * @index: 0 to 5
 * @size: set to its size, bytes
 *
 * Return: NULL and errno: ENODEV where there is no such BAR; ENOTSUP for an I/O
 * BAR or one that cannot be mapped.
 */
volatile void *hf_vfio_bar(struct hf_vfio *vfio, unsigned int index,
			   size_t *size);
/** hf_vfio_set_master() - May it do DMA? Return: 0, -EIO. */
int hf_vfio_set_master(struct hf_vfio *vfio, bool master);
/**
 * hf_vfio_reset() - Reset the function: afterwards it does no DMA, and has none
 * pending. Bus mastering is off, and so are its interrupts.
 *
 * Return: 0; -ENOTSUP where it cannot be reset by itself; -EBUSY while somebody else
 * resets it, or it is being unbound; -EIO.
 */
int hf_vfio_reset(struct hf_vfio *vfio);

/* -- interrupts -------------------------------------------------------------- */

enum hf_vfio_irq { HF_VFIO_MSIX, HF_VFIO_MSI };

/** hf_vfio_num_irqs() - Vectors of a kind; 0: it has none. */
unsigned int hf_vfio_num_irqs(const struct hf_vfio *vfio,
			      enum hf_vfio_irq kind);
/**
 * hf_vfio_set_irqs() - Have interrupts counted in eventfds.
 * @fds: an eventfd a vector; the same one may stand for several
 * @n: how many; 0: switch all of this kind off
 *
 * Return: 0; -EINVAL for more than it has; -EIO, -ENOMEM.
 */
int hf_vfio_set_irqs(struct hf_vfio *vfio, enum hf_vfio_irq kind,
		     const int *fds, unsigned int n);
/**
 * hf_vfio_request_fd() - Readable when the kernel wants the device back (it is being
 * unplugged, or unbound), or it reported an error that it does not recover from.
 *
 * The device should be closed then, soon: whoever wants it back waits.
 */
int hf_vfio_request_fd(const struct hf_vfio *vfio);

/* -- memory ------------------------------------------------------------------ */

/**
 * hf_vfio_domain_create() - The IOMMU in front of a device, as a domain.
 * @mem: the memory that is mapped
 *
 * One a device, and there must be an IOMMU. Its space has the addresses that the
 * hardware has, without the reserved ones. To map memory is to have the kernel pin
 * it: -ENOMEM may mean RLIMIT_MEMLOCK, and -ENOSPC the module's dma_entry_limit; the
 * log says which, and what to raise. Memory that lies together in the server is one
 * mapping. What a device does that is not allowed is in the kernel's log alone.
 *
 * Return: NULL and errno: ENOTSUP where pages of 4 KiB cannot be mapped; EBUSY for
 * a second one; ENOMEM.
 */
struct hf_iommu_domain *hf_vfio_domain_create(struct hf_vfio *vfio,
					      struct hf_memory *mem);

/**
 * struct hf_vfio_stats - What the kernel says of a device's mappings.
 * @mappings: of the domain, now
 * @available: that may be added (dma_entry_limit); UINT32_MAX: it does not say
 * @pinned: bytes that this process has locked (VmLck): by this and other devices
 */
struct hf_vfio_stats {
	uint32_t mappings, available;
	uint64_t pinned;
};
void hf_vfio_stats(struct hf_vfio *vfio, struct hf_vfio_stats *stats);

#ifdef __cplusplus
}
#endif

#endif
