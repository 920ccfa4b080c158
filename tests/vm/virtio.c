/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI and VFIO, on QEMU's own devices in a machine with an IOMMU: random
 * bytes from virtio-rng, which has one queue, and the configuration of virtio-gpu.
 *
 * Runs as root, in tests/vm/run -p rng -p virtio-gpu.
 */
#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_gpu.h>
#include <linux/virtio_ids.h>

#include "../uapi/uapi.h"
#include "dma/vfio.h"
#include "drivers/virtio/virtio.h"
#include "mem/page.h"

#define PAGE HF_PAGE_SIZE
#define SIZE 8

/**
 * struct machine - A device, and a page for its buffers.
 * @virtio: over @vfio
 * @vq: its first queue, while it is started
 */
struct machine {
	struct hf_vfio *vfio;
	struct hf_memory *mem;
	struct hf_dma_device dma;
	struct hf_virtio *virtio;
	struct hf_virtqueue *vq;
	unsigned char *memory;
	hf_iova_t iova;
};

static const char *address(const char *variable)
{
	const char *name = getenv(variable);

	if (!name || !*name)
		skip("%s does not name a device", variable);
	return name;
}

static void open_device(struct machine *m, const char *bdf, uint16_t type)
{
	const struct hf_memory_options options = { .pool = 64 * PAGE };
	struct hf_iommu_domain *domain;
	char why[HF_VFIO_WHY];

	m->vfio = hf_vfio_open(bdf, 0, why);
	if (!m->vfio)
		fail(__FILE__, __LINE__, "%s", why);
	m->mem = hf_memory_create(&options);
	EXPECT(m->mem);
	domain = hf_vfio_domain_create(m->vfio, m->mem);
	EXPECT(domain);
	EXPECT_EQ(hf_dma_device_init(&m->dma, bdf, m->mem, domain), 0);
	m->memory = hf_dma_alloc(&m->dma, PAGE, &m->iova);
	EXPECT(m->memory);
	m->virtio = hf_virtio_pci_create(m->vfio, &m->dma, type, why,
					 sizeof(why));
	if (!m->virtio)
		fail(__FILE__, __LINE__, "%s", why);
}

static void close_device(struct machine *m)
{
	struct hf_memory_stats stats;

	hf_virtio_destroy(m->virtio);
	hf_dma_free(&m->dma, m->memory, PAGE, m->iova);
	EXPECT_EQ(m->dma.mappings, 0);
	hf_dma_device_finish(&m->dma);
	hf_vfio_close(m->vfio);
	hf_memory_stats(m->mem, &stats);
	EXPECT_EQ(stats.pages, 0);
	hf_memory_destroy(m->mem);
}

static void start(struct machine *m)
{
	EXPECT_EQ(hf_virtio_negotiate(m->virtio, 0, 0), 0);
	EXPECT(m->virtio->features & 1ull << VIRTIO_F_ACCESS_PLATFORM);
	m->vq = hf_virtqueue_create(m->virtio, 0, SIZE);
	EXPECT(m->vq);
	EXPECT_EQ(hf_virtio_start(m->virtio), 0);
}

/* Return: buffers that the device has not used. */
static unsigned int stop(struct machine *m)
{
	unsigned int n = 0;

	EXPECT_EQ(hf_virtio_reset(m->virtio), 0);
	while (hf_virtqueue_detach(m->vq))
		n++;
	hf_virtqueue_destroy(m->vq);
	m->vq = NULL;
	return n;
}

static unsigned int wait_for(struct machine *m)
{
	struct pollfd pfd = { .fd = m->virtio->irq_fd, .events = POLLIN };

	EXPECT_EQ(poll(&pfd, 1, 10000), 1);
	return hf_virtio_interrupts(m->virtio);
}

static void ask(struct machine *m, hf_iova_t iova, uint32_t length)
{
	const struct hf_virtio_sg in = { iova, length };

	EXPECT_EQ(hf_virtqueue_add(m->vq, NULL, 0, &in, 1, m), 0);
	hf_virtqueue_kick(m->vq);
}

/* Random bytes at the beginning of the page. Return: how many it wrote. */
static uint32_t get_bytes(struct machine *m, uint32_t length)
{
	uint32_t written;

	ask(m, m->iova, length);
	for (;;) {
		void *data = hf_virtqueue_get(m->vq, &written);

		EXPECT(!m->virtio->broken);
		if (data) {
			EXPECT(data == m);
			return written;
		}
		wait_for(m);
	}
}

TEST(random_bytes_come_with_an_interrupt)
{
	unsigned char before[64];
	struct machine m = { 0 };
	uint32_t written;

	open_device(&m, address("HOLDFAST_VFIO_RNG"), VIRTIO_ID_RNG);
	start(&m);
	memset(m.memory, 0, PAGE);
	ask(&m, m.iova, 64);
	EXPECT(wait_for(&m) & HF_VIRTIO_IRQ_QUEUE);
	EXPECT(hf_virtqueue_get(m.vq, &written) == &m);
	EXPECT_EQ(written, 64);
	memcpy(before, m.memory, 64);
	EXPECT_EQ(get_bytes(&m, 64), 64);
	EXPECT(memcmp(before, m.memory, 64));
	/* And nowhere else. */
	for (size_t i = 64; i < PAGE; i++)
		EXPECT_EQ(m.memory[i], 0);
	EXPECT_EQ(stop(&m), 0);
	close_device(&m);
}

TEST(many_buffers_go_around_the_ring)
{
	struct machine m = { 0 };

	open_device(&m, address("HOLDFAST_VFIO_RNG"), VIRTIO_ID_RNG);
	start(&m);
	for (unsigned int i = 0; i < 50 * SIZE; i++)
		EXPECT(get_bytes(&m, 16) > 0);
	EXPECT_EQ(hf_virtqueue_free_entries(m.vq), SIZE);
	EXPECT_EQ(stop(&m), 0);
	close_device(&m);
}

TEST(device_starts_again_after_a_reset)
{
	struct machine m = { 0 };

	open_device(&m, address("HOLDFAST_VFIO_RNG"), VIRTIO_ID_RNG);
	for (unsigned int i = 0; i < 3; i++) {
		const struct hf_virtio_sg in = { m.iova, 16 };

		start(&m);
		EXPECT(get_bytes(&m, 16) > 0);
		/* Not shown to the device: it is there when that is reset. */
		EXPECT_EQ(hf_virtqueue_add(m.vq, NULL, 0, &in, 1, &m), 0);
		EXPECT_EQ(stop(&m), 1);
	}
	close_device(&m);
}

/* The IOMMU refuses. QEMU has something in place of one page at most. */
TEST(device_that_is_sent_nowhere_asks_for_a_reset)
{
	struct hf_virtio_sg in[2];
	struct machine m = { 0 };

	open_device(&m, address("HOLDFAST_VFIO_RNG"), VIRTIO_ID_RNG);
	start(&m);
	in[0] = (struct hf_virtio_sg){ m.iova - 64 * PAGE, PAGE };
	in[1] = (struct hf_virtio_sg){ m.iova - 32 * PAGE, PAGE };
	EXPECT_EQ(hf_virtqueue_add(m.vq, NULL, 0, in, 2, &m), 0);
	hf_virtqueue_kick(m.vq);
	while (!m.virtio->broken)
		EXPECT(wait_for(&m) & HF_VIRTIO_IRQ_CONFIG);
	EXPECT(!m.virtio->stuck);
	EXPECT_EQ(stop(&m), 1);
	close_device(&m);
}

TEST(device_of_another_type_is_refused)
{
	const char *rng = address("HOLDFAST_VFIO_RNG");
	struct hf_dma_device dma = { 0 };
	char why[HF_VFIO_WHY];
	struct hf_vfio *vfio = hf_vfio_open(rng, 0, why);

	EXPECT(vfio);
	EXPECT(!hf_virtio_pci_create(vfio, &dma, VIRTIO_ID_GPU, why,
				     sizeof(why)));
	EXPECT_EQ(errno, ENODEV);
	EXPECT(strstr(why, "1af4:1044"));
	hf_vfio_close(vfio);
}

TEST(display_says_how_many_outputs_it_has)
{
	struct virtio_gpu_config config;
	struct machine m = { 0 };

	open_device(&m, address("HOLDFAST_VFIO_GPU"), VIRTIO_ID_GPU);
	EXPECT_EQ(hf_virtio_negotiate(m.virtio, 1ull << VIRTIO_GPU_F_EDID, 0),
		  0);
	EXPECT_EQ(m.virtio->ops->config_read(m.virtio, 0, &config,
					     sizeof(config)), 0);
	EXPECT(le32toh(config.num_scanouts) >= 1 &&
	       le32toh(config.num_scanouts) <= VIRTIO_GPU_MAX_SCANOUTS);
	EXPECT_EQ(m.virtio->ops->config_read(m.virtio, 1u << 20, &config, 1),
		  -EINVAL);
	close_device(&m);
}
