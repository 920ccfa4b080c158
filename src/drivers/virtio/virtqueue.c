/* SPDX-License-Identifier: MIT */
/*
 * Split virtqueues: a table of descriptors and two rings, in memory that the device
 * shares. The device may write anything anywhere in it, at any time: what chains
 * there are and how long is kept in memory of our own, the shared table is only
 * ever written, and of the ring of used buffers each field is read once.
 *
 * An interrupt costs more than all the rest, so the device is asked for one only when
 * it is done with the last buffer that it has, if it can be asked that (2.7.7).
 *
 * Source: VIRTIO 1.2, 2.7. The lock of the devices protects it.
 */
#include <endian.h>
#include <errno.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>

#include <holdfast/barrier.h>

#include "drivers/virtio/virtio.h"
#include "mem/page.h"

#define MAX_SIZE 32768u

/* The ends of lists of descriptors. */
#define NONE UINT16_MAX

/**
 * struct chain - What is known of a descriptor, and if it is a head, of its buffer.
 * @data: the driver's; NULL: no head
 * @room: bytes that the device may write
 * @count: descriptors
 * @last: the last one
 * @next: the descriptor after this one, in its buffer or free
 * @hidden: the head that was added before this one and is not shown either
 * @shown: the device knows of it
 */
struct chain {
	void *data;
	uint32_t room;
	uint16_t count, last, next, hidden;
	bool shown;
};

/**
 * struct hf_virtqueue - A queue.
 * @desc, @avail, @used: in @ring, shared
 * @events: each side says which buffer it wants to hear of next
 * @ring: @ring_size bytes at @iova
 * @chains: @size of them
 * @free: descriptors in the list from @first
 * @hidden: list of heads that the device does not know of yet
 * @nshown: buffers that the device has
 * @added: index of the next buffer in the ring of available ones
 * @kicked: the same, of those that the device knows of
 * @seen: how far the device has got, as we looked last
 * @taken: how far of that was taken
 * @detached: where hf_virtqueue_detach() goes on
 */
struct hf_virtqueue {
	struct hf_virtio *dev;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	void *ring;
	size_t ring_size;
	hf_iova_t iova;
	struct chain *chains;
	unsigned int index, size, free, nshown, detached;
	uint16_t first, hidden, added, kicked, seen, taken;
	bool events;
};

/* -- life -------------------------------------------------------------------- */

static size_t align_up(size_t n, size_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* Where the parts are, as 2.7 wants them aligned. Return: bytes in all. */
static size_t layout(unsigned int size, size_t *avail, size_t *used)
{
	*avail = size * sizeof(struct vring_desc);
	/* Behind each ring is the other side's event. */
	*used = align_up(*avail + sizeof(struct vring_avail) +
			 (size + 1) * sizeof(__virtio16),
			 VRING_USED_ALIGN_SIZE);
	return align_up(*used + sizeof(struct vring_used) +
			size * sizeof(struct vring_used_elem) +
			sizeof(__virtio16), HF_PAGE_SIZE);
}

static unsigned int power_of_two(unsigned int n)
{
	unsigned int power = 1;

	while (power <= n / 2)
		power *= 2;
	return power;
}

static int create_chains(struct hf_virtqueue *vq)
{
	vq->chains = calloc(vq->size, sizeof(*vq->chains));
	if (!vq->chains)
		return -ENOMEM;
	for (unsigned int i = 0; i < vq->size; i++)
		vq->chains[i].next = i + 1;
	vq->free = vq->size;
	vq->hidden = NONE;
	return 0;
}

static int create_ring(struct hf_virtqueue *vq)
{
	size_t avail, used;
	char *ring;

	vq->ring_size = layout(vq->size, &avail, &used);
	ring = hf_dma_alloc(vq->dev->dma, vq->ring_size, &vq->iova);
	if (!ring)
		return -errno;
	vq->ring = ring;
	vq->desc = vq->ring;
	vq->avail = (struct vring_avail *)(ring + avail);
	vq->used = (struct vring_used *)(ring + used);
	return vq->dev->ops->setup_queue(vq->dev, vq->index, vq->size, vq->iova,
					 vq->iova + avail, vq->iova + used);
}

struct hf_virtqueue *hf_virtqueue_create(struct hf_virtio *dev,
					 unsigned int index, unsigned int size)
{
	unsigned int most = dev->ops->queue_size(dev, index);
	struct hf_virtqueue *vq;
	int ret;

	if (!size || !most || dev->broken) {
		errno = dev->broken ? EIO : !size ? EINVAL : ENODEV;
		return NULL;
	}
	size = size < most ? size : most;
	vq = calloc(1, sizeof(*vq));
	if (!vq)
		return NULL;
	vq->dev = dev;
	vq->index = index;
	vq->events = dev->features & 1ull << VIRTIO_RING_F_EVENT_IDX;
	vq->size = power_of_two(size < MAX_SIZE ? size : MAX_SIZE);
	ret = create_chains(vq);
	if (!ret)
		ret = create_ring(vq);
	if (ret) {
		hf_virtqueue_destroy(vq);
		errno = -ret;
		return NULL;
	}
	return vq;
}

void hf_virtqueue_destroy(struct hf_virtqueue *vq)
{
	if (!vq)
		return;
	if (!vq->dev->stuck)
		hf_dma_free(vq->dev->dma, vq->ring, vq->ring_size, vq->iova);
	free(vq->chains);
	free(vq);
}

/* -- to the device ----------------------------------------------------------- */

/* Add up lengths. Return: false for a piece of nothing, or beyond 4 GiB (2.7.5). */
static bool total(const struct hf_virtio_sg *pieces, unsigned int n,
		  uint32_t *sum)
{
	for (unsigned int i = 0; i < n; i++)
		if (!pieces[i].length ||
		    __builtin_add_overflow(*sum, pieces[i].length, sum))
			return false;
	return true;
}

/* Take pieces from the free list. */
static void fill(struct hf_virtqueue *vq, struct chain *head,
		 const struct hf_virtio_sg *pieces, unsigned int n,
		 uint16_t flags, unsigned int left)
{
	for (unsigned int i = 0; i < n; i++) {
		uint16_t at = vq->first, next = vq->chains[at].next;
		uint16_t more = --left ? VRING_DESC_F_NEXT : 0;

		vq->desc[at] = (struct vring_desc){
			.addr = htole64(pieces[i].addr),
			.len = htole32(pieces[i].length),
			.flags = htole16(flags | more),
			.next = htole16(more ? next : 0),
		};
		head->last = at;
		vq->first = next;
	}
}

int hf_virtqueue_add(struct hf_virtqueue *vq, const struct hf_virtio_sg *out,
		     unsigned int nout, const struct hf_virtio_sg *in,
		     unsigned int nin, void *data)
{
	uint32_t room = 0, sum;
	uint16_t head = vq->first;
	struct chain *chain;

	if (vq->dev->broken)
		return -EIO;
	if ((!nout && !nin) || !data)
		return -EINVAL;
	if (nout > vq->free || nin > vq->free - nout)
		return -ENOSPC;
	if (!total(in, nin, &room))
		return -EINVAL;
	sum = room;
	if (!total(out, nout, &sum))
		return -EINVAL;
	chain = &vq->chains[head];
	chain->data = data;
	chain->room = room;
	chain->count = nout + nin;
	chain->shown = false;
	chain->hidden = vq->hidden;
	vq->hidden = head;
	fill(vq, chain, out, nout, 0, nout + nin);
	fill(vq, chain, in, nin, VRING_DESC_F_WRITE, nin);
	vq->free -= chain->count;
	__atomic_store_n(&vq->avail->ring[vq->added++ % vq->size],
			 htole16(head), __ATOMIC_RELAXED);
	return 0;
}

/* When all that it has is done; it has the last one from here on. */
static void ask_for_interrupt(struct hf_virtqueue *vq)
{
	__atomic_store_n(&vq->avail->ring[vq->size],
			 htole16((uint16_t)(vq->added - 1)), __ATOMIC_RELAXED);
}

static bool wants_notification(const struct hf_virtqueue *vq, uint16_t before)
{
	const __virtio16 *event = (const void *)&vq->used->ring[vq->size];

	if (vq->events)
		return vring_need_event(
			le16toh(__atomic_load_n(event, __ATOMIC_RELAXED)),
			vq->kicked, before);
	return !(le16toh(__atomic_load_n(&vq->used->flags, __ATOMIC_RELAXED)) &
		 VRING_USED_F_NO_NOTIFY);
}

void hf_virtqueue_kick(struct hf_virtqueue *vq)
{
	uint16_t before = vq->kicked;

	if (vq->hidden == NONE || vq->dev->broken)
		return;
	while (vq->hidden != NONE) {
		struct chain *chain = &vq->chains[vq->hidden];

		chain->shown = true;
		vq->nshown++;
		vq->hidden = chain->hidden;
	}
	if (vq->events)
		ask_for_interrupt(vq);
	hf_dma_wmb();
	__atomic_store_n(&vq->avail->idx, htole16(vq->added), __ATOMIC_RELEASE);
	vq->kicked = vq->added;
	/* Only then: it may have begun to want notifications meanwhile (2.7.13.4.1). */
	hf_dma_mb();
	if (wants_notification(vq, before))
		vq->dev->ops->notify(vq->dev, vq->index);
}

unsigned int hf_virtqueue_free_entries(const struct hf_virtqueue *vq)
{
	return vq->free;
}

/* -- and back ---------------------------------------------------------------- */

/* Is there one? A device that says what cannot be is broken. */
static bool look(struct hf_virtqueue *vq)
{
	uint16_t index, n;

	if (vq->dev->broken)
		return false;
	if (vq->seen != vq->taken)
		return true;
	index = le16toh(__atomic_load_n(&vq->used->idx, __ATOMIC_ACQUIRE));
	hf_dma_rmb();
	n = index - vq->seen;
	if (n > vq->nshown) {
		hf_virtio_fail(vq->dev, "queue %u: %u buffers used, and it had %u",
			       vq->index, n, vq->nshown);
		return false;
	}
	vq->seen = index;
	return n;
}

/* The buffer goes; its descriptors are free. Return: its data. */
static void *release(struct hf_virtqueue *vq, uint16_t head)
{
	struct chain *chain = &vq->chains[head];
	void *data = chain->data;

	vq->chains[chain->last].next = vq->first;
	vq->first = head;
	vq->free += chain->count;
	vq->nshown -= chain->shown;
	chain->data = NULL;
	return data;
}

void *hf_virtqueue_get(struct hf_virtqueue *vq, uint32_t *written)
{
	const struct vring_used_elem *elem;
	const struct chain *chain;
	uint32_t id, length;

	if (!look(vq))
		return NULL;
	elem = &vq->used->ring[vq->taken % vq->size];
	id = le32toh(__atomic_load_n(&elem->id, __ATOMIC_RELAXED));
	length = le32toh(__atomic_load_n(&elem->len, __ATOMIC_RELAXED));
	if (id >= vq->size || !vq->chains[id].data || !vq->chains[id].shown) {
		hf_virtio_fail(vq->dev, "queue %u: buffer %u used, which it did not have",
			       vq->index, id);
		return NULL;
	}
	chain = &vq->chains[id];
	if (length > chain->room) {
		hf_virtio_fail(vq->dev, "queue %u: %u bytes written to a buffer of %u",
			       vq->index, length, chain->room);
		return NULL;
	}
	vq->taken++;
	*written = length;
	return release(vq, id);
}

void *hf_virtqueue_detach(struct hf_virtqueue *vq)
{
	for (; vq->detached < vq->size; vq->detached++)
		if (vq->chains[vq->detached].data)
			return release(vq, vq->detached);
	return NULL;
}
