/* SPDX-License-Identifier: MIT */
/*
 * Virtio over PCI: what a device says of itself, and its registers. VFIO and the
 * registers are the test's: each access arrives here.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_pci.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "dma/mmio.h"
#include "dma/vfio.h"
#include "dma_fixture.h"
#include "drivers/virtio/virtio.h"

#define BIT(n) (1ull << (n))
#define OFFERED (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM) | \
		 BIT(0) | BIT(3))

/* Where things are in BAR 4. */
#define BAR_SIZE 4096
#define COMMON 0x100
#define NOTIFY 0x800
#define DEVICE 0xf00
#define DEVICE_SIZE 24
#define MULTIPLIER 8

struct fake_queue {
	uint16_t size, vector, enabled, notify_off;
	uint32_t address[6];
};

/*
 * The device. @gone: all ones. @dead_status: the status is this whatever is written.
 * @slow: reads of the status until a reset is done. @moving: accesses to the
 * configuration after each of which it changes. @deaf: vectors are refused.
 */
static struct {
	uint8_t config[256];
	unsigned int at;
	char bar[BAR_SIZE];
	struct fake_queue queues[3];
	uint32_t feature_select, driver_select, driver_features[2];
	uint16_t queue_select, config_vector;
	uint8_t status, generation, dead_status;
	unsigned int slow, moving, num_queues;
	bool gone, deaf, no_enable, fixed_size;
	uint64_t rung;
	unsigned int rings;
	/* VFIO */
	unsigned int vectors, nfds, function_resets, released;
	int fds[4], request, reset_error;
	bool no_iommu, master, no_bar, no_irqs;
	unsigned int sleeps;
} f;

static struct hf_memory *mem;
static struct hf_dma_device dma;
static struct hf_virtio *dev;
static char why[HF_VFIO_WHY];

/* -- VFIO -------------------------------------------------------------------- */

int __wrap_hf_vfio_config_read(struct hf_vfio *vfio, unsigned int offset,
			       void *data, size_t size);
unsigned int __wrap_hf_vfio_capability(struct hf_vfio *vfio, uint8_t id,
				       unsigned int after);
volatile void *__wrap_hf_vfio_bar(struct hf_vfio *vfio, unsigned int index,
				  size_t *size);
int __wrap_hf_vfio_set_master(struct hf_vfio *vfio, bool master);
int __wrap_hf_vfio_reset(struct hf_vfio *vfio);
void __wrap_hf_vfio_release(struct hf_vfio *vfio);
bool __wrap_hf_vfio_no_iommu(const struct hf_vfio *vfio);
unsigned int __wrap_hf_vfio_num_irqs(const struct hf_vfio *vfio,
				     enum hf_vfio_irq kind);
int __wrap_hf_vfio_set_irqs(struct hf_vfio *vfio, enum hf_vfio_irq kind,
			    const int *fds, unsigned int n);
int __wrap_hf_vfio_request_fd(const struct hf_vfio *vfio);
uint8_t __wrap_hf_mmio_read8(const volatile void *at);
uint16_t __wrap_hf_mmio_read16(const volatile void *at);
uint32_t __wrap_hf_mmio_read32(const volatile void *at);
void __wrap_hf_mmio_write8(volatile void *at, uint8_t value);
void __wrap_hf_mmio_write16(volatile void *at, uint16_t value);
void __wrap_hf_mmio_write32(volatile void *at, uint32_t value);

static struct hf_vfio *const vfio_id = (void *)&f;

int __wrap_hf_vfio_config_read(struct hf_vfio *vfio, unsigned int offset,
			       void *data, size_t size)
{
	assert_ptr_equal(vfio, vfio_id);
	if (offset > sizeof(f.config) || size > sizeof(f.config) - offset)
		return -EINVAL;
	memcpy(data, f.config + offset, size);
	return f.gone ? -EIO : 0;
}

unsigned int __wrap_hf_vfio_capability(struct hf_vfio *vfio, uint8_t id,
				       unsigned int after)
{
	unsigned int at = f.config[after ? after + 1 : PCI_CAPABILITY_LIST];

	assert_ptr_equal(vfio, vfio_id);
	while (at && f.config[at] != id)
		at = f.config[at + 1];
	return at;
}

volatile void *__wrap_hf_vfio_bar(struct hf_vfio *vfio, unsigned int index,
				  size_t *size)
{
	assert_ptr_equal(vfio, vfio_id);
	assert_in_range(index, 0, 5);
	if (index != 4 || f.no_bar) {
		errno = ENODEV;
		return NULL;
	}
	*size = BAR_SIZE;
	return f.bar;
}

int __wrap_hf_vfio_set_master(struct hf_vfio *vfio, bool master)
{
	assert_ptr_equal(vfio, vfio_id);
	f.master = master;
	return 0;
}

int __wrap_hf_vfio_reset(struct hf_vfio *vfio)
{
	assert_ptr_equal(vfio, vfio_id);
	f.function_resets++;
	f.master = false;
	f.nfds = 0;
	if (!f.reset_error)
		f.status = f.dead_status = 0;
	return f.reset_error;
}

void __wrap_hf_vfio_release(struct hf_vfio *vfio)
{
	assert_ptr_equal(vfio, vfio_id);
	f.released++;
}

bool __wrap_hf_vfio_no_iommu(const struct hf_vfio *vfio)
{
	assert_ptr_equal(vfio, vfio_id);
	return f.no_iommu;
}

unsigned int __wrap_hf_vfio_num_irqs(const struct hf_vfio *vfio,
				     enum hf_vfio_irq kind)
{
	assert_ptr_equal(vfio, vfio_id);
	return kind == HF_VFIO_MSIX ? f.vectors : 0;
}

int __wrap_hf_vfio_set_irqs(struct hf_vfio *vfio, enum hf_vfio_irq kind,
			    const int *fds, unsigned int n)
{
	assert_ptr_equal(vfio, vfio_id);
	assert_int_equal(kind, HF_VFIO_MSIX);
	assert_in_range(n, 0, f.vectors);
	if (n && f.no_irqs)
		return -EIO;
	for (unsigned int i = 0; i < n; i++)
		f.fds[i] = fds[i];
	f.nfds = n;
	return 0;
}

int __wrap_hf_vfio_request_fd(const struct hf_vfio *vfio)
{
	assert_ptr_equal(vfio, vfio_id);
	return f.request;
}

/* -- registers --------------------------------------------------------------- */

static unsigned int place(const volatile void *at, size_t size)
{
	unsigned int offset = (const volatile char *)at - f.bar;

	assert_in_range(offset, 0, BAR_SIZE - size);
	assert_int_equal(offset % size, 0);
	return offset;
}

static struct fake_queue *queue(void)
{
	static struct fake_queue none;

	return f.queue_select < f.num_queues ? &f.queues[f.queue_select] :
					       &none;
}

static void device_reset(void)
{
	f.status = 0;
	f.config_vector = VIRTIO_MSI_NO_VECTOR;
	for (unsigned int i = 0; i < 3; i++) {
		f.queues[i] = (struct fake_queue){
			.size = 64,
			.vector = VIRTIO_MSI_NO_VECTOR,
			.notify_off = 2 * i,
		};
	}
}

static uint8_t read_status(void)
{
	if (f.dead_status)
		return f.dead_status;
	if (f.slow && !--f.slow)
		device_reset();
	return f.status;
}

static uint32_t common_read(unsigned int offset, size_t size)
{
	switch (offset << 8 | size) {
	case VIRTIO_PCI_COMMON_DF << 8 | 4:
		return f.feature_select > 1 ? 0 :
					      OFFERED >> 32 * f.feature_select;
	case VIRTIO_PCI_COMMON_MSIX << 8 | 2:
		return f.config_vector;
	case VIRTIO_PCI_COMMON_NUMQ << 8 | 2:
		return f.num_queues;
	case VIRTIO_PCI_COMMON_STATUS << 8 | 1:
		return read_status();
	case VIRTIO_PCI_COMMON_CFGGENERATION << 8 | 1:
		return f.generation;
	case VIRTIO_PCI_COMMON_Q_SIZE << 8 | 2:
		return queue()->size;
	case VIRTIO_PCI_COMMON_Q_MSIX << 8 | 2:
		return queue()->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE << 8 | 2:
		return queue()->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF << 8 | 2:
		return queue()->notify_off;
	}
	fail_msg("read of %zu at %u", size, offset);
	return 0;
}

static void write_status(uint8_t status)
{
	if (status)
		f.status = status;
	else if (!f.slow)
		device_reset();
}

static uint16_t vector(uint16_t wanted)
{
	return f.deaf ? VIRTIO_MSI_NO_VECTOR : wanted;
}

static void common_write(unsigned int offset, size_t size, uint32_t value)
{
	switch (offset << 8 | size) {
	case VIRTIO_PCI_COMMON_DFSELECT << 8 | 4:
		f.feature_select = value;
		return;
	case VIRTIO_PCI_COMMON_GFSELECT << 8 | 4:
		f.driver_select = value;
		return;
	case VIRTIO_PCI_COMMON_GF << 8 | 4:
		assert_in_range(f.driver_select, 0, 1);
		f.driver_features[f.driver_select] = value;
		return;
	case VIRTIO_PCI_COMMON_MSIX << 8 | 2:
		f.config_vector = vector(value);
		return;
	case VIRTIO_PCI_COMMON_STATUS << 8 | 1:
		write_status(value);
		return;
	case VIRTIO_PCI_COMMON_Q_SELECT << 8 | 2:
		f.queue_select = value;
		return;
	case VIRTIO_PCI_COMMON_Q_SIZE << 8 | 2:
		if (!f.fixed_size)
			queue()->size = value;
		return;
	case VIRTIO_PCI_COMMON_Q_MSIX << 8 | 2:
		queue()->vector = vector(value);
		return;
	case VIRTIO_PCI_COMMON_Q_ENABLE << 8 | 2:
		queue()->enabled = !f.no_enable && value;
		return;
	}
	assert_int_equal(size, 4);
	assert_in_range(offset, VIRTIO_PCI_COMMON_Q_DESCLO,
			VIRTIO_PCI_COMMON_Q_USEDHI);
	assert_false(queue()->enabled);
	queue()->address[(offset - VIRTIO_PCI_COMMON_Q_DESCLO) / 4] = value;
}

static void config_moves(void)
{
	if (f.moving) {
		f.moving--;
		f.generation++;
		for (unsigned int i = 0; i < DEVICE_SIZE; i++)
			f.bar[DEVICE + i]++;
	}
}

static uint32_t mmio_read(const volatile void *at, size_t size)
{
	unsigned int offset = place(at, size);
	uint32_t value = 0;

	if (f.gone)
		return UINT32_MAX >> (32 - 8 * size);
	if (offset >= COMMON &&
	    offset < COMMON + sizeof(struct virtio_pci_common_cfg))
		return common_read(offset - COMMON, size);
	assert_in_range(offset, DEVICE, DEVICE + DEVICE_SIZE - size);
	memcpy(&value, f.bar + offset, size);
	config_moves();
	return le32toh(value);
}

static void mmio_write(volatile void *at, size_t size, uint32_t value)
{
	unsigned int offset = place(at, size);

	if (f.gone)
		return;
	if (offset >= COMMON &&
	    offset < COMMON + sizeof(struct virtio_pci_common_cfg)) {
		common_write(offset - COMMON, size, value);
	} else if (offset >= NOTIFY && offset < NOTIFY + 0x100) {
		assert_int_equal(size, 2);
		f.rung = (uint64_t)(offset - NOTIFY) << 32 | value;
		f.rings++;
	} else {
		assert_in_range(offset, DEVICE, DEVICE + DEVICE_SIZE - size);
		value = htole32(value);
		memcpy(f.bar + offset, &value, size);
	}
}

uint8_t __wrap_hf_mmio_read8(const volatile void *at)
{
	return mmio_read(at, 1);
}

uint16_t __wrap_hf_mmio_read16(const volatile void *at)
{
	return mmio_read(at, 2);
}

uint32_t __wrap_hf_mmio_read32(const volatile void *at)
{
	return mmio_read(at, 4);
}

void __wrap_hf_mmio_write8(volatile void *at, uint8_t value)
{
	mmio_write(at, 1, value);
}

void __wrap_hf_mmio_write16(volatile void *at, uint16_t value)
{
	mmio_write(at, 2, value);
}

void __wrap_hf_mmio_write32(volatile void *at, uint32_t value)
{
	mmio_write(at, 4, value);
}

/* Time does not pass in here. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time;
	(void)left;
	f.sleeps++;
	return 0;
}

/* -- config space ------------------------------------------------------------ */

static void put16(unsigned int at, uint16_t value)
{
	f.config[at] = value;
	f.config[at + 1] = value >> 8;
}

static void put32(unsigned int at, uint32_t value)
{
	put16(at, value);
	put16(at + 2, value >> 16);
}

/* Add a capability. Return: where. */
static unsigned int cap(uint8_t type, uint8_t bar, uint32_t offset,
			uint32_t length)
{
	unsigned int at = f.at;

	f.config[at + VIRTIO_PCI_CAP_VNDR] = PCI_CAP_ID_VNDR;
	f.config[at + VIRTIO_PCI_CAP_LEN] =
		type == VIRTIO_PCI_CAP_NOTIFY_CFG ? 20 : 16;
	f.config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	f.config[at + VIRTIO_PCI_CAP_BAR] = bar;
	put32(at + VIRTIO_PCI_CAP_OFFSET, offset);
	put32(at + VIRTIO_PCI_CAP_LENGTH, length);
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
		put32(at + VIRTIO_PCI_NOTIFY_CAP_MULT, MULTIPLIER);
	f.at += 20;
	f.config[at + VIRTIO_PCI_CAP_NEXT] = f.at;
	return at;
}

static void id(uint16_t vendor, uint16_t device, uint16_t subsystem)
{
	put16(PCI_VENDOR_ID, vendor);
	put16(PCI_DEVICE_ID, device);
	put16(PCI_SUBSYSTEM_ID, subsystem);
}

/* A device without capabilities. */
static void begin(void)
{
	memset(&f, 0, sizeof(f));
	id(0x1af4, 0x1040 + VIRTIO_ID_GPU, 0x1100);
	f.config[PCI_CAPABILITY_LIST] = f.at = 0x40;
	f.vectors = 3;
	f.num_queues = 2;
	f.request = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	device_reset();
	mem = machine(false);
	device(&dma, mem, true, false);
}

static void end(void)
{
	hf_virtio_destroy(dev);
	dev = NULL;
	assert_int_equal(f.nfds, 0);
	assert_false(f.master);
	close(f.request);
	nothing_is_left(&dma, mem);
}

static void create(void)
{
	dev = hf_virtio_pci_create(vfio_id, &dma, VIRTIO_ID_GPU, why,
				   sizeof(why));
}

static void good_caps(void)
{
	cap(VIRTIO_PCI_CAP_COMMON_CFG, 4, COMMON,
	    sizeof(struct virtio_pci_common_cfg));
	cap(VIRTIO_PCI_CAP_NOTIFY_CFG, 4, NOTIFY, 0x100);
	cap(VIRTIO_PCI_CAP_DEVICE_CFG, 4, DEVICE, DEVICE_SIZE);
	f.config[f.at - 20 + 1] = 0;
}

static void setup(void)
{
	begin();
	good_caps();
	create();
	assert_non_null(dev);
}

static void refused(int error, const char *text)
{
	why[0] = '\0';
	errno = 0;
	create();
	assert_null(dev);
	assert_int_equal(errno, error);
	assert_non_null(strstr(why, text));
	end();
}

/* -- which device ------------------------------------------------------------ */

static void a_device_of_another_kind_is_none(void **state)
{
	static const uint16_t ids[][3] = {
		{ 0x1af4, 0x1040 + VIRTIO_ID_NET, 0 },
		{ 0x8086, 0x1040 + VIRTIO_ID_GPU, 0 },
		{ 0x1af4, 0x1001, 2 },
		{ 0x1af4, 0x0fff, VIRTIO_ID_GPU },
		{ 0x1af4, 0x1040 + VIRTIO_ID_NET, VIRTIO_ID_GPU },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		begin();
		good_caps();
		id(ids[i][0], ids[i][1], ids[i][2]);
		refused(ENODEV, "is no virtio device of type 16");
	}
}

static void a_legacy_device_is_not_supported(void **state)
{
	(void)state;
	begin();
	good_caps();
	id(0x1af4, 0x103f, VIRTIO_ID_GPU);
	refused(ENOTSUP, "legacy");
}

static void a_device_without_msix_is_not_supported(void **state)
{
	(void)state;
	begin();
	good_caps();
	f.vectors = 0;
	refused(ENOTSUP, "MSI-X");
}

static void a_device_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	begin();
	good_caps();
	f.gone = true;
	refused(EIO, "cannot be read");
}

/* -- capabilities ------------------------------------------------------------ */

static void a_capability_that_makes_no_sense_is_passed_over(void **state)
{
	static const struct {
		uint8_t bar;
		uint32_t offset, length;
	} bad[] = {
		{ 3, 0, 0x100 },		  /* no such BAR */
		{ 6, 0, 0x100 },		  /* reserved */
		{ 255, 0, 0x100 },
		{ 4, COMMON + 2, 0x100 },	  /* not aligned */
		{ 4, COMMON, 55 },		  /* too small */
		{ 4, 0, 0 },
		{ 4, BAR_SIZE - 52, 56 },	  /* beyond the end */
		{ 4, BAR_SIZE, 56 },
		{ 4, BAR_SIZE + 4, 56 },
		{ 4, 0, BAR_SIZE + 1 },
		{ 4, 0x80, UINT32_MAX },	  /* wraps */
		{ 4, 0xfffffffc, 0x100 },
		{ 4, 0xffffff80, 0x200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		begin();
		cap(VIRTIO_PCI_CAP_COMMON_CFG, bad[i].bar, bad[i].offset,
		    bad[i].length);
		cap(VIRTIO_PCI_CAP_NOTIFY_CFG, 4, NOTIFY, 0x100);
		f.config[f.at - 20 + 1] = 0;
		refused(ENOTSUP, "capability");

		/* And one after it is taken: the device works. */
		begin();
		cap(VIRTIO_PCI_CAP_COMMON_CFG, bad[i].bar, bad[i].offset,
		    bad[i].length);
		good_caps();
		create();
		assert_non_null(dev);
		assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
		end();
	}
}

static void a_short_capability_is_passed_over(void **state)
{
	static const uint8_t types[] = { VIRTIO_PCI_CAP_COMMON_CFG,
					 VIRTIO_PCI_CAP_NOTIFY_CFG };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin();
		good_caps();
		f.config[0x40 + 20 * i + VIRTIO_PCI_CAP_LEN]--;
		assert_int_equal(f.config[0x40 + 20 * i +
					  VIRTIO_PCI_CAP_CFG_TYPE], types[i]);
		refused(ENOTSUP, "capability");
	}
}

static void a_capability_at_the_end_of_config_space_is_read_no_further(
	void **state)
{
	(void)state;
	begin();
	cap(VIRTIO_PCI_CAP_COMMON_CFG, 4, COMMON,
	    sizeof(struct virtio_pci_common_cfg));
	f.config[0x41] = 0xf0;
	f.at = 0xf0 - 20;
	f.config[0xf0] = PCI_CAP_ID_VNDR;
	f.config[0xf0 + VIRTIO_PCI_CAP_LEN] = 20;
	f.config[0xf0 + VIRTIO_PCI_CAP_CFG_TYPE] = VIRTIO_PCI_CAP_NOTIFY_CFG;
	f.config[0xf0 + VIRTIO_PCI_CAP_BAR] = 4;
	put32(0xf0 + VIRTIO_PCI_CAP_LENGTH, 0x100);
	refused(ENOTSUP, "capability");
}

static void the_first_capability_that_works_is_taken(void **state)
{
	(void)state;
	begin();
	cap(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0);
	cap(77, 4, 0, 0x100);
	cap(VIRTIO_PCI_CAP_COMMON_CFG, 4, COMMON, 64);
	cap(VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 64);
	cap(VIRTIO_PCI_CAP_NOTIFY_CFG, 4, NOTIFY, 0x100);
	cap(VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0, 0x100);
	f.config[f.at - 20 + 1] = 0;
	create();
	assert_non_null(dev);
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	end();
}

static void registers_of_queues_are_at_even_places(void **state)
{
	(void)state;
	begin();
	good_caps();
	put32(0x40 + 20 + VIRTIO_PCI_NOTIFY_CAP_MULT, 3);
	refused(ENOTSUP, "capability");
}

static void a_bar_that_is_not_there_is_an_error(void **state)
{
	(void)state;
	begin();
	good_caps();
	f.no_bar = true;
	refused(ENOTSUP, "capability");
}

/* -- registers --------------------------------------------------------------- */

static void a_device_is_started(void **state)
{
	struct hf_virtqueue *queues[2];
	struct hf_virtio_sg in = { 4096, 8 };
	hf_iova_t ring;

	(void)state;
	setup();
	assert_int_equal(f.nfds, 0);
	assert_false(f.master);
	assert_int_equal(hf_virtio_negotiate(dev, BIT(3), 0), 0);
	assert_int_equal(f.driver_features[0], BIT(3));
	assert_int_equal(f.driver_features[1], 3);
	assert_int_equal(f.nfds, 2);
	assert_true(f.master);
	for (unsigned int i = 0; i < 2; i++) {
		queues[i] = hf_virtqueue_create(dev, i, 32);
		assert_non_null(queues[i]);
		assert_int_equal(f.queues[i].size, 32);
		assert_int_equal(f.queues[i].vector, 1);
		assert_int_equal(f.queues[i].enabled, 1);
		ring = (uint64_t)f.queues[i].address[1] << 32 |
		       f.queues[i].address[0];
		assert_int_equal(ring % PAGE, 0);
		assert_int_not_equal(f.queues[i].address[1], 0);
		assert_int_equal(f.queues[i].address[2] - (uint32_t)ring, 512);
		assert_int_equal(f.queues[i].address[3], ring >> 32);
		assert_int_equal(f.queues[i].address[4] - (uint32_t)ring, 584);
		assert_int_equal(f.queues[i].address[5], ring >> 32);
	}
	assert_null(hf_virtqueue_create(dev, 2, 32));
	assert_int_equal(errno, ENODEV);
	assert_int_equal(hf_virtio_start(dev), 0);
	assert_int_equal(f.config_vector, 0);
	assert_int_equal(f.status, 15);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(hf_virtqueue_add(queues[i], NULL, 0, &in, 1,
						  &in), 0);
		hf_virtqueue_kick(queues[i]);
		assert_int_equal(f.rings, i + 1);
		assert_int_equal(f.rung,
				 (uint64_t)(2 * i * MULTIPLIER) << 32 | i);
	}
	assert_int_equal(hf_virtio_reset(dev), 0);
	hf_virtqueue_destroy(queues[0]);
	hf_virtqueue_destroy(queues[1]);
	end();
}

static void create_fails(int error)
{
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	assert_null(hf_virtqueue_create(dev, 1, 8));
	assert_int_equal(errno, error);
	assert_int_equal(f.queues[1].enabled, 0);
	end();
}

static void a_queue_that_would_be_notified_outside_is_refused(void **state)
{
	struct hf_virtqueue *vq;

	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.queues[1].notify_off = 0x100 / MULTIPLIER;
	assert_null(hf_virtqueue_create(dev, 1, 8));
	assert_int_equal(errno, EIO);
	f.queues[1].notify_off = UINT16_MAX;
	assert_null(hf_virtqueue_create(dev, 1, 8));
	f.queues[1].notify_off = 0x100 / MULTIPLIER - 1;
	vq = hf_virtqueue_create(dev, 1, 8);
	assert_non_null(vq);
	hf_virtio_reset(dev);
	hf_virtqueue_destroy(vq);
	end();
}

static void a_large_multiplier_does_not_wrap(void **state)
{
	(void)state;
	begin();
	good_caps();
	put32(0x40 + 20 + VIRTIO_PCI_NOTIFY_CAP_MULT, 0x80000000);
	create();
	assert_non_null(dev);
	create_fails(EIO);
}

static void a_queue_without_a_vector_is_refused(void **state)
{
	(void)state;
	setup();
	f.deaf = true;
	create_fails(EIO);
}

static void a_queue_that_is_not_enabled_is_refused(void **state)
{
	(void)state;
	setup();
	f.no_enable = true;
	create_fails(EIO);
}

static void a_queue_whose_size_is_not_taken_is_refused(void **state)
{
	(void)state;
	setup();
	f.fixed_size = true;
	create_fails(EIO);
}

static void a_device_without_a_vector_does_not_start(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.deaf = true;
	assert_int_equal(hf_virtio_start(dev), -EIO);
	assert_int_equal(f.status & VIRTIO_CONFIG_S_DRIVER_OK, 0);
	end();
}

static void without_interrupts_there_is_no_device(void **state)
{
	(void)state;
	setup();
	f.no_irqs = true;
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), -EIO);
	assert_false(f.master);
	end();
}

/* -- reset ------------------------------------------------------------------- */

static void a_reset_is_waited_for(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.slow = 100;
	assert_int_equal(hf_virtio_reset(dev), 0);
	assert_int_equal(f.slow, 0);
	assert_int_equal(f.status, 0);
	assert_int_equal(f.function_resets, 0);
	end();
}

static void a_device_that_does_not_reset_is_reset_as_a_function(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.dead_status = 4;
	log_begin();
	assert_int_equal(hf_virtio_fail(dev, "tired"), 0);
	log_end(why, sizeof(why));
	assert_in_range(f.sleeps, 1, 10000);
	assert_int_equal(f.function_resets, 1);
	assert_false(dev->stuck);
	end();
}

static void it_starts_again_after_that(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.dead_status = 4;
	assert_int_equal(hf_virtio_reset(dev), 0);
	assert_int_equal(f.nfds, 0);
	assert_false(f.master);
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	assert_int_equal(f.nfds, 2);
	assert_true(f.master);
	end();
}

static void a_device_that_cannot_be_reset_at_all_is_stuck(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.dead_status = 4;
	f.reset_error = -ENOTSUP;
	f.no_iommu = true;
	log_begin();
	assert_int_equal(hf_virtio_fail(dev, "tired"), -EIO);
	log_end(why, sizeof(why));
	assert_true(dev->stuck);
	assert_int_equal(f.released, 1);
	end();
}

static void behind_an_iommu_it_need_not_be_reset(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.dead_status = 4;
	f.reset_error = -ENOTSUP;
	log_begin();
	assert_int_equal(hf_virtio_fail(dev, "tired"), 0);
	log_end(why, sizeof(why));
	assert_false(dev->stuck);
	assert_int_equal(f.released, 1);
	end();
}

static void all_ones_is_a_device_that_is_gone(void **state)
{
	char data[4];

	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	f.gone = true;
	f.reset_error = -EIO;
	assert_int_equal(dev->ops->config_read(dev, 0, data, 4), -EIO);
	assert_int_equal(dev->ops->config_write(dev, 0, data, 4), -EIO);
	assert_int_equal(dev->ops->get_status(dev), 0xff);
	assert_null(hf_virtqueue_create(dev, 0, 8));
	assert_int_equal(errno, ENODEV);
	assert_int_equal(hf_virtio_start(dev), -EIO);
	log_begin();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), -EIO);
	log_end(why, sizeof(why));
	/* It is not waited for. */
	assert_int_equal(f.sleeps, 0);
	assert_true(dev->broken);
	end();
}

/* -- configuration ----------------------------------------------------------- */

static void configuration_is_read_and_written_in_place(void **state)
{
	char data[DEVICE_SIZE];

	(void)state;
	setup();
	for (unsigned int i = 0; i < DEVICE_SIZE; i++)
		f.bar[DEVICE + i] = i + 1;
	for (unsigned int offset = 0; offset < DEVICE_SIZE; offset++) {
		for (unsigned int n = 0; offset + n <= DEVICE_SIZE; n++) {
			memset(data, 0, sizeof(data));
			assert_int_equal(dev->ops->config_read(
				dev, offset, data, n), 0);
			for (unsigned int i = 0; i < DEVICE_SIZE; i++)
				assert_int_equal(data[i],
						 i < n ? offset + i + 1 : 0);
		}
	}
	assert_int_equal(dev->ops->config_write(dev, 5, "abcdefghi", 9), 0);
	assert_memory_equal(f.bar + DEVICE, "\1\2\3\4\5abcdefghi\17\20", 16);
	end();
}

static void configuration_ends_where_it_ends(void **state)
{
	char data[DEVICE_SIZE + 1] = { 0 };

	(void)state;
	setup();
	assert_int_equal(dev->ops->config_read(dev, 0, data, DEVICE_SIZE + 1),
			 -EINVAL);
	assert_int_equal(dev->ops->config_read(dev, DEVICE_SIZE, data, 1),
			 -EINVAL);
	assert_int_equal(dev->ops->config_read(dev, UINT32_MAX, data, 2),
			 -EINVAL);
	assert_int_equal(dev->ops->config_read(dev, 4, data, SIZE_MAX),
			 -EINVAL);
	assert_int_equal(dev->ops->config_write(dev, DEVICE_SIZE - 3, data, 4),
			 -EINVAL);
	end();
}

static void a_device_may_have_no_configuration(void **state)
{
	char data;

	(void)state;
	begin();
	good_caps();
	f.config[0x40 + 20 + 1] = 0;
	create();
	assert_non_null(dev);
	assert_int_equal(dev->ops->config_read(dev, 0, &data, 1), -EINVAL);
	assert_int_equal(dev->ops->config_write(dev, 0, &data, 1), -EINVAL);
	end();
}

static void configuration_that_changes_is_read_again(void **state)
{
	unsigned char data[DEVICE_SIZE];

	(void)state;
	setup();
	f.moving = 15;
	assert_int_equal(dev->ops->config_read(dev, 0, data, DEVICE_SIZE), 0);
	assert_int_equal(f.moving, 0);
	for (unsigned int i = 0; i < DEVICE_SIZE; i++)
		assert_int_equal(data[i], 15);
	f.moving = UINT32_MAX;
	assert_int_equal(dev->ops->config_read(dev, 0, data, DEVICE_SIZE),
			 -EIO);
	end();
}

/* -- interrupts -------------------------------------------------------------- */

static bool has_interrupt(void)
{
	struct pollfd pfd = { dev->irq_fd, POLLIN, 0 };

	return poll(&pfd, 1, 0) == 1;
}

static void raise_fd(int fd, unsigned int what)
{
	assert_false(has_interrupt());
	assert_int_equal(eventfd_write(fd, 1), 0);
	assert_true(has_interrupt());
	assert_int_equal(dev->ops->interrupts(dev), what);
	assert_false(has_interrupt());
	assert_int_equal(dev->ops->interrupts(dev), 0);
}

static void interrupts_say_what_they_are(void **state)
{
	(void)state;
	setup();
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	raise_fd(f.fds[0], HF_VIRTIO_IRQ_CONFIG);
	raise_fd(f.fds[1], HF_VIRTIO_IRQ_QUEUE);
	raise_fd(f.request, HF_VIRTIO_IRQ_GONE);
	assert_int_equal(eventfd_write(f.fds[0], 3), 0);
	assert_int_equal(eventfd_write(f.fds[1], 3), 0);
	assert_int_equal(dev->ops->interrupts(dev),
			 HF_VIRTIO_IRQ_CONFIG | HF_VIRTIO_IRQ_QUEUE);
	assert_false(has_interrupt());
	end();
}

static void one_vector_is_for_everything(void **state)
{
	struct hf_virtqueue *vq;

	(void)state;
	begin();
	good_caps();
	f.vectors = 1;
	create();
	assert_non_null(dev);
	assert_int_equal(hf_virtio_negotiate(dev, 0, 0), 0);
	assert_int_equal(f.nfds, 1);
	vq = hf_virtqueue_create(dev, 0, 8);
	assert_non_null(vq);
	assert_int_equal(f.queues[0].vector, 0);
	assert_int_equal(hf_virtio_start(dev), 0);
	assert_int_equal(f.config_vector, 0);
	raise_fd(f.fds[0], HF_VIRTIO_IRQ_CONFIG | HF_VIRTIO_IRQ_QUEUE);
	hf_virtio_reset(dev);
	hf_virtqueue_destroy(vq);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_of_another_kind_is_none),
		cmocka_unit_test(a_legacy_device_is_not_supported),
		cmocka_unit_test(a_device_without_msix_is_not_supported),
		cmocka_unit_test(a_device_that_cannot_be_read_is_an_error),
		cmocka_unit_test(
			a_capability_that_makes_no_sense_is_passed_over),
		cmocka_unit_test(a_short_capability_is_passed_over),
		cmocka_unit_test(
			a_capability_at_the_end_of_config_space_is_read_no_further),
		cmocka_unit_test(the_first_capability_that_works_is_taken),
		cmocka_unit_test(registers_of_queues_are_at_even_places),
		cmocka_unit_test(a_bar_that_is_not_there_is_an_error),
		cmocka_unit_test(a_device_is_started),
		cmocka_unit_test(
			a_queue_that_would_be_notified_outside_is_refused),
		cmocka_unit_test(a_large_multiplier_does_not_wrap),
		cmocka_unit_test(a_queue_without_a_vector_is_refused),
		cmocka_unit_test(a_queue_that_is_not_enabled_is_refused),
		cmocka_unit_test(a_queue_whose_size_is_not_taken_is_refused),
		cmocka_unit_test(a_device_without_a_vector_does_not_start),
		cmocka_unit_test(without_interrupts_there_is_no_device),
		cmocka_unit_test(a_reset_is_waited_for),
		cmocka_unit_test(
			a_device_that_does_not_reset_is_reset_as_a_function),
		cmocka_unit_test(it_starts_again_after_that),
		cmocka_unit_test(a_device_that_cannot_be_reset_at_all_is_stuck),
		cmocka_unit_test(behind_an_iommu_it_need_not_be_reset),
		cmocka_unit_test(all_ones_is_a_device_that_is_gone),
		cmocka_unit_test(configuration_is_read_and_written_in_place),
		cmocka_unit_test(configuration_ends_where_it_ends),
		cmocka_unit_test(a_device_may_have_no_configuration),
		cmocka_unit_test(configuration_that_changes_is_read_again),
		cmocka_unit_test(interrupts_say_what_they_are),
		cmocka_unit_test(one_vector_is_for_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
