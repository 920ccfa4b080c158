/* SPDX-License-Identifier: MIT */
/*
 * The device's side of a virtio device, for tests. It belongs to one thread.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "virtio_device.h"

static struct vdev *vdev_of(struct hf_virtio *virtio)
{
	return (struct vdev *)virtio;
}

/* -- the transport ----------------------------------------------------------- */

static uint8_t get_status(struct hf_virtio *virtio)
{
	struct vdev *dev = vdev_of(virtio);

	return dev->gone ? 0xff : dev->status;
}

static void reset(struct vdev *dev)
{
	dev->status = 0;
	dev->accepted = 0;
	dev->resets++;
	for (unsigned int i = 0; i < VDEV_QUEUES; i++) {
		struct vdev_queue *queue = &dev->queues[i];

		queue->size = 0;
		queue->next_avail = queue->next_used = 0;
	}
}

static int set_status(struct hf_virtio *virtio, uint8_t status)
{
	struct vdev *dev = vdev_of(virtio);

	if (dev->gone || (!status && dev->stuck))
		return -EIO;
	if (!status) {
		reset(dev);
		return 0;
	}
	assert_int_equal(dev->status & ~status, 0);
	dev->status = status;
	if (dev->no_features)
		dev->status &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	return 0;
}

static uint64_t get_features(struct hf_virtio *virtio)
{
	return vdev_of(virtio)->offered;
}

static void set_features(struct hf_virtio *virtio, uint64_t features)
{
	struct vdev *dev = vdev_of(virtio);

	assert_int_equal(dev->status, VIRTIO_CONFIG_S_ACKNOWLEDGE |
				      VIRTIO_CONFIG_S_DRIVER);
	assert_int_equal(features & ~dev->offered, 0);
	dev->accepted = features;
}

static unsigned int queue_size(struct hf_virtio *virtio, unsigned int index)
{
	return index < VDEV_QUEUES ? vdev_of(virtio)->queues[index].max : 0;
}

static int setup_queue(struct hf_virtio *virtio, unsigned int index,
		       unsigned int size, hf_iova_t desc, hf_iova_t avail,
		       hf_iova_t used)
{
	struct vdev *dev = vdev_of(virtio);
	struct vdev_queue *queue = &dev->queues[index];

	assert_in_range(index, 0, VDEV_QUEUES - 1);
	assert_true(dev->status & VIRTIO_CONFIG_S_FEATURES_OK);
	assert_false(dev->status & VIRTIO_CONFIG_S_DRIVER_OK);
	assert_int_equal(queue->size, 0);
	assert_in_range(size, 1, queue->max);
	assert_int_equal(size & (size - 1), 0);
	assert_int_equal(desc % VRING_DESC_ALIGN_SIZE, 0);
	assert_int_equal(avail % VRING_AVAIL_ALIGN_SIZE, 0);
	assert_int_equal(used % VRING_USED_ALIGN_SIZE, 0);
	if (queue->no_setup || dev->gone)
		return -EIO;
	queue->size = size;
	queue->desc = desc;
	queue->avail = avail;
	queue->used = used;
	return 0;
}

static void notify(struct hf_virtio *virtio, unsigned int index)
{
	struct vdev *dev = vdev_of(virtio);

	assert_in_range(index, 0, VDEV_QUEUES - 1);
	assert_true(dev->status & VIRTIO_CONFIG_S_DRIVER_OK);
	dev->queues[index].notified++;
	if (dev->kicked)
		dev->kicked(dev, index);
}

static int config_access(struct vdev *dev, unsigned int offset, size_t size)
{
	if (offset > VDEV_CONFIG || size > VDEV_CONFIG - offset)
		return -EINVAL;
	return dev->gone ? -EIO : 0;
}

static int config_read(struct hf_virtio *virtio, unsigned int offset,
		       void *data, size_t size)
{
	struct vdev *dev = vdev_of(virtio);
	int ret = config_access(dev, offset, size);

	if (!ret)
		memcpy(data, dev->config + offset, size);
	return ret;
}

static int config_write(struct hf_virtio *virtio, unsigned int offset,
			const void *data, size_t size)
{
	struct vdev *dev = vdev_of(virtio);
	int ret = config_access(dev, offset, size);

	if (!ret)
		memcpy(dev->config + offset, data, size);
	return ret;
}

static unsigned int interrupts(struct hf_virtio *virtio)
{
	struct vdev *dev = vdev_of(virtio);
	unsigned int what = dev->pending;
	eventfd_t count;

	eventfd_read(virtio->irq_fd, &count);
	dev->pending = 0;
	return what;
}

static void destroy(struct hf_virtio *virtio)
{
	struct vdev *dev = vdev_of(virtio);

	assert_false(dev->destroyed);
	dev->destroyed = true;
}

static int release(struct hf_virtio *virtio)
{
	struct vdev *dev = (struct vdev *)virtio;

	dev->released++;
	return dev->behind_iommu ? 0 : -EIO;
}

static const struct hf_virtio_ops ops = {
	.get_status = get_status,
	.set_status = set_status,
	.get_features = get_features,
	.set_features = set_features,
	.queue_size = queue_size,
	.setup_queue = setup_queue,
	.notify = notify,
	.config_read = config_read,
	.config_write = config_write,
	.interrupts = interrupts,
	.release = release,
	.destroy = destroy,
};

void vdev_init(struct vdev *dev, struct hf_dma_device *dma, uint64_t features,
	       unsigned int queues, unsigned int max)
{
	assert_in_range(queues, 0, VDEV_QUEUES);
	dev->virtio.ops = &ops;
	dev->virtio.dma = dma;
	dev->virtio.irq_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	assert_true(dev->virtio.irq_fd >= 0);
	dev->port.dev = dma;
	dev->offered = features | 1ull << VIRTIO_F_VERSION_1 |
		       1ull << VIRTIO_F_ACCESS_PLATFORM;
	for (unsigned int i = 0; i < queues; i++)
		dev->queues[i].max = max;
}

void vdev_finish(struct vdev *dev)
{
	close(dev->virtio.irq_fd);
}

void vdev_interrupt(struct vdev *dev, unsigned int what)
{
	dev->pending |= what;
	assert_int_equal(eventfd_write(dev->virtio.irq_fd, 1), 0);
}

/* -- rings ------------------------------------------------------------------- */

static void fetch(struct vdev *dev, void *to, hf_iova_t from, size_t size)
{
	assert_int_equal(hf_dma_read(&dev->port, to, from, size), 0);
}

static void store(struct vdev *dev, hf_iova_t to, const void *from, size_t size)
{
	assert_int_equal(hf_dma_write(&dev->port, to, from, size), 0);
}

static uint16_t fetch16(struct vdev *dev, hf_iova_t from)
{
	uint16_t value;

	fetch(dev, &value, from, sizeof(value));
	return le16toh(value);
}

static void store16(struct vdev *dev, hf_iova_t to, uint16_t value)
{
	value = htole16(value);
	store(dev, to, &value, sizeof(value));
}

static void add_piece(struct vdev_chain *chain, const struct vring_desc *desc)
{
	const struct hf_virtio_sg piece = { le64toh(desc->addr),
					    le32toh(desc->len) };

	assert_int_not_equal(piece.length, 0);
	assert_in_range(chain->nout + chain->nin, 0, VDEV_PIECES - 1);
	if (le16toh(desc->flags) & VRING_DESC_F_WRITE) {
		chain->in[chain->nin++] = piece;
		chain->room += piece.length;
	} else {
		/* Those that are read come first. */
		assert_int_equal(chain->nin, 0);
		chain->out[chain->nout++] = piece;
	}
}

bool vdev_pop(struct vdev *dev, unsigned int index, struct vdev_chain *chain)
{
	struct vdev_queue *queue = &dev->queues[index];
	struct vring_desc desc;
	unsigned int n = 0;
	uint16_t avail, at;

	assert_int_not_equal(queue->size, 0);
	avail = fetch16(dev, queue->avail + offsetof(struct vring_avail, idx));
	if (avail == queue->next_avail)
		return false;
	assert_in_range((uint16_t)(avail - queue->next_avail), 1, queue->size);
	at = fetch16(dev, queue->avail + offsetof(struct vring_avail, ring) +
		     2 * (queue->next_avail++ % queue->size));
	chain->head = at;
	chain->nout = chain->nin = 0;
	chain->room = 0;
	do {
		assert_in_range(at, 0, queue->size - 1);
		assert_in_range(n++, 0, queue->size - 1);
		fetch(dev, &desc, queue->desc + at * sizeof(desc), sizeof(desc));
		add_piece(chain, &desc);
		at = le16toh(desc.next);
	} while (le16toh(desc.flags) & VRING_DESC_F_NEXT);
	return true;
}

/* Copy within pieces, to or from @data. Return: bytes. */
static size_t copy(struct vdev *dev, const struct hf_virtio_sg *pieces,
		   unsigned int n, size_t offset, void *data, size_t size,
		   bool write)
{
	size_t done = 0;

	for (unsigned int i = 0; i < n && done < size; i++) {
		size_t length = pieces[i].length;

		if (offset >= length) {
			offset -= length;
			continue;
		}
		length -= offset;
		if (length > size - done)
			length = size - done;
		if (write)
			store(dev, pieces[i].addr + offset,
			      (char *)data + done, length);
		else
			fetch(dev, (char *)data + done,
			      pieces[i].addr + offset, length);
		done += length;
		offset = 0;
	}
	return done;
}

size_t vdev_read(struct vdev *dev, const struct vdev_chain *chain,
		 size_t offset, void *data, size_t size)
{
	return copy(dev, chain->out, chain->nout, offset, data, size, false);
}

size_t vdev_write(struct vdev *dev, const struct vdev_chain *chain,
		  size_t offset, const void *data, size_t size)
{
	return copy(dev, chain->in, chain->nin, offset, (void *)data, size,
		    true);
}

void vdev_push(struct vdev *dev, unsigned int index, uint16_t head,
	       uint32_t written)
{
	struct vdev_queue *queue = &dev->queues[index];

	vdev_set_used(dev, index, queue->next_used++, head, written);
	vdev_set_used_index(dev, index, queue->next_used);
}

void vdev_want_notify(struct vdev *dev, unsigned int index, bool want)
{
	store16(dev, dev->queues[index].used + offsetof(struct vring_used, flags),
		want ? 0 : VRING_USED_F_NO_NOTIFY);
}

void vdev_set_avail_event(struct vdev *dev, unsigned int index, uint16_t event)
{
	const struct vdev_queue *queue = &dev->queues[index];

	store16(dev, queue->used + offsetof(struct vring_used, ring) +
			     queue->size * sizeof(struct vring_used_elem),
		event);
}

uint16_t vdev_used_event(struct vdev *dev, unsigned int index)
{
	const struct vdev_queue *queue = &dev->queues[index];
	uint16_t event;

	assert_int_equal(hf_dma_read(&dev->port, &event,
				     queue->avail +
					     offsetof(struct vring_avail, ring) +
					     queue->size * sizeof(event),
				     sizeof(event)), 0);
	return le16toh(event);
}

void vdev_set_used(struct vdev *dev, unsigned int index, uint16_t slot,
		   uint32_t id, uint32_t written)
{
	struct vdev_queue *queue = &dev->queues[index];
	const struct vring_used_elem elem = { htole32(id), htole32(written) };

	store(dev, queue->used + offsetof(struct vring_used, ring) +
	      slot % queue->size * sizeof(elem), &elem, sizeof(elem));
}

void vdev_set_used_index(struct vdev *dev, unsigned int queue, uint16_t index)
{
	store16(dev, dev->queues[queue].used + offsetof(struct vring_used, idx),
		index);
}

void vdev_scribble(struct vdev *dev, unsigned int queue, unsigned int desc)
{
	struct vring_desc nonsense;

	memset(&nonsense, 0xa5, sizeof(nonsense));
	store(dev, dev->queues[queue].desc + desc * sizeof(nonsense), &nonsense,
	      sizeof(nonsense));
}
