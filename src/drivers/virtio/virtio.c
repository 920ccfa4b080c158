/* SPDX-License-Identifier: MIT */
/*
 * The life of a virtio device, whatever it is reached over: reset, features,
 * start, and the end of one that cannot be relied on.
 *
 * The lock of the devices protects it.
 */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/log.h"
#include "drivers/virtio/virtio.h"

#define BIT(n) (1ull << (n))

/* Bits of the types of devices; all others change how queues and transports work. */
#define TYPE_FEATURES (~(BIT(50) - BIT(24)))
/* Those of the others that are implemented. */
#define OUR_FEATURES                                            \
	(BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM) | \
	 BIT(VIRTIO_F_ORDER_PLATFORM) | BIT(VIRTIO_RING_F_EVENT_IDX))

/* What it reads as when it does not answer. */
#define STATUS_GONE 0xff

/* Nobody needs it any more. Return: is it certain that it reaches no memory? */
static bool give_back(struct hf_virtio *dev)
{
	dev->broken = true;
	return dev->ops->release && !dev->ops->release(dev);
}

int hf_virtio_reset(struct hf_virtio *dev)
{
	if (dev->stuck)
		return -EIO;
	if (dev->ops->set_status(dev, 0)) {
		hf_err("%s: does not reset", dev->dma->name);
		dev->stuck = !give_back(dev);
		return -EIO;
	}
	return 0;
}

int hf_virtio_fail(struct hf_virtio *dev, const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (dev->broken)
		return dev->stuck ? -EIO : 0;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	hf_err("%s: broken: %s", dev->dma->name, text);
	dev->broken = true;
	if (!hf_virtio_reset(dev))
		give_back(dev);
	return dev->stuck ? -EIO : 0;
}

/* Add to the status. Return: 0, or -EIO where it does not stay. */
static int add_status(struct hf_virtio *dev, uint8_t bits)
{
	uint8_t status = dev->ops->get_status(dev);

	if (status == STATUS_GONE || dev->ops->set_status(dev, status | bits))
		return -EIO;
	status = dev->ops->get_status(dev);
	if (status == STATUS_GONE || status & VIRTIO_CONFIG_S_NEEDS_RESET ||
	    (status & bits) != bits)
		return -EIO;
	return 0;
}

/* 3.1.1, 4 to 6. */
static int agree(struct hf_virtio *dev, uint64_t wanted, uint64_t needed)
{
	uint64_t can = dev->ops->get_features(dev) &
		       (TYPE_FEATURES | OUR_FEATURES);

	if (dev->ops->get_status(dev) == STATUS_GONE)
		return -EIO;
	if (needed & ~can) {
		hf_err("%s: does not offer features %#llx, which are needed",
		       dev->dma->name, (unsigned long long)(needed & ~can));
		return -ENOTSUP;
	}
	dev->features = can & (wanted | needed);
	dev->ops->set_features(dev, dev->features);
	if (!add_status(dev, VIRTIO_CONFIG_S_FEATURES_OK))
		return 0;
	if (dev->ops->get_status(dev) == STATUS_GONE)
		return -EIO;
	hf_err("%s: does not agree to features %#llx", dev->dma->name,
	       (unsigned long long)dev->features);
	return -ENOTSUP;
}

int hf_virtio_negotiate(struct hf_virtio *dev, uint64_t wanted, uint64_t needed)
{
	int ret;

	if (dev->broken || hf_virtio_reset(dev))
		return -EIO;
	needed |= BIT(VIRTIO_F_VERSION_1);
	if (dev->dma->domain)
		needed |= BIT(VIRTIO_F_ACCESS_PLATFORM);
	if (add_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE) ||
	    add_status(dev, VIRTIO_CONFIG_S_DRIVER))
		return -EIO;
	ret = agree(dev, wanted | OUR_FEATURES, needed);
	if (ret)
		add_status(dev, VIRTIO_CONFIG_S_FAILED);
	return ret;
}

int hf_virtio_start(struct hf_virtio *dev)
{
	if (dev->broken)
		return -EIO;
	return add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
}

unsigned int hf_virtio_interrupts(struct hf_virtio *dev)
{
	unsigned int what = dev->ops->interrupts(dev);
	uint8_t status;

	if (what & HF_VIRTIO_IRQ_GONE)
		hf_virtio_fail(dev, "it is gone, or to be removed");
	if (!(what & HF_VIRTIO_IRQ_CONFIG) || dev->broken)
		return what;
	status = dev->ops->get_status(dev);
	if (status == STATUS_GONE)
		hf_virtio_fail(dev, "it does not answer");
	else if (status & VIRTIO_CONFIG_S_NEEDS_RESET)
		hf_virtio_fail(dev, "it says that it needs a reset");
	return what;
}

void hf_virtio_destroy(struct hf_virtio *dev)
{
	if (!dev)
		return;
	hf_virtio_reset(dev);
	dev->ops->destroy(dev);
}
