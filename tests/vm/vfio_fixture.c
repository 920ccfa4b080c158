/* SPDX-License-Identifier: MIT */
/* For tests of VFIO on QEMU's edu device. What goes wrong here fails the test. */
#include "vfio_fixture.h"

const char *edu_address(unsigned int n)
{
	const char *list = getenv("HOLDFAST_VFIO_EDU");
	static char name[32];

	for (unsigned int i = 0; list && i <= n; i++) {
		int used = 0;

		if (sscanf(list, "%31s%n", name, &used) != 1)
			break;
		if (i == n)
			return name;
		list += used;
	}
	skip("%u edu devices are needed, bound to vfio-pci", n + 1);
}

struct hf_vfio *edu_open(unsigned int n, volatile void **bar)
{
	char why[HF_VFIO_WHY];
	struct hf_vfio *vfio;
	size_t size;

	vfio = hf_vfio_open(edu_address(n), 0, why);
	if (!vfio)
		fail(__FILE__, __LINE__, "%s: %s", strerror(errno), why);
	*bar = hf_vfio_bar(vfio, 0, &size);
	EXPECT(*bar);
	return vfio;
}

void cannot_open(const char *bdf, int error, const char *word)
{
	char why[HF_VFIO_WHY] = "";

	EXPECT(!hf_vfio_open(bdf, 0, why));
	if (errno != error || !strstr(why, word))
		fail(__FILE__, __LINE__, "%s: %s; expected %s and \"%s\"",
		     error_name(errno), why, error_name(error), word);
}

/* -- DMA --------------------------------------------------------------------- */

void edu_start(struct edu *edu)
{
	const struct hf_memory_options options = { .pool = 64 * PAGE };
	struct hf_iommu_domain *domain;

	edu->vfio = edu_open(0, &edu->bar);
	edu->mem = hf_memory_create(&options);
	EXPECT(edu->mem);
	domain = hf_vfio_domain_create(edu->vfio, edu->mem);
	EXPECT(domain);
	EXPECT_EQ(hf_dma_device_init(&edu->dma, "edu", edu->mem, domain), 0);
	edu->dma.mask = EDU_DMA_MASK;
	EXPECT_EQ(hf_vfio_set_master(edu->vfio, true), 0);
}

void edu_stop(struct edu *edu)
{
	struct hf_memory_stats stats;

	EXPECT_EQ(edu->dma.mappings, 0);
	hf_dma_device_finish(&edu->dma);
	hf_vfio_close(edu->vfio);
	hf_memory_stats(edu->mem, &stats);
	EXPECT_EQ(stats.pages, 0);
	hf_memory_destroy(edu->mem);
}

void edu_begin_copy(struct edu *edu, bool to_memory, hf_iova_t iova,
		    size_t size)
{
	edu_write64(edu->bar, EDU_DMA_SOURCE, to_memory ? EDU_BUFFER : iova);
	edu_write64(edu->bar, EDU_DMA_DESTINATION,
		    to_memory ? iova : EDU_BUFFER);
	edu_write64(edu->bar, EDU_DMA_COUNT, size);
	edu_write64(edu->bar, EDU_DMA_COMMAND,
		    EDU_DMA_START | (to_memory ? EDU_DMA_TO_MEMORY : 0));
}

void edu_end_copy(struct edu *edu)
{
	uint64_t end = now_ns() + 5000000000;

	while (edu_read64(edu->bar, EDU_DMA_COMMAND) & EDU_DMA_START) {
		EXPECT(now_ns() < end);
		usleep(1000);
	}
}

void edu_copy(struct edu *edu, bool to_memory, hf_iova_t iova, size_t size)
{
	edu_begin_copy(edu, to_memory, iova, size);
	edu_end_copy(edu);
}

/* -- memory ------------------------------------------------------------------ */

static void make_table(struct object *object)
{
	EXPECT_EQ(hf_sg_table_from_pages(&object->table, object->pages,
					 object->n, 0), 0);
}

void object_create(struct object *object, struct hf_memory *mem, size_t n)
{
	EXPECT(n <= MAX_PAGES);
	object->n = n;
	object->backing = hf_backing_create(mem, n * PAGE, false, getpid());
	EXPECT(object->backing);
	EXPECT_EQ(hf_backing_get_pages(object->backing, 0, n, object->pages),
		  0);
	make_table(object);
}

void object_create_torn(struct object *object, struct hf_memory *mem,
			size_t n)
{
	EXPECT(2 * n <= MAX_PAGES);
	object->n = n;
	object->backing = hf_backing_create(mem, 2 * n * PAGE, false, getpid());
	EXPECT(object->backing);
	for (size_t i = 0; i < n; i++)
		EXPECT_EQ(hf_backing_get_pages(object->backing, 2 * i, 1,
					       &object->pages[i]), 0);
	make_table(object);
}

void object_free(struct object *object)
{
	hf_sg_table_finish(&object->table);
	hf_pages_put(object->pages, object->n);
	hf_backing_put(object->backing);
}

static uint8_t pattern(size_t i, uint32_t seed)
{
	return (i * 167 + (i >> 8) * 13 + seed) & 0xff;
}

void fill(void *memory, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		((uint8_t *)memory)[i] = pattern(i, seed);
}

bool is_filled(const void *memory, size_t size, uint32_t seed)
{
	for (size_t i = 0; i < size; i++)
		if (((const uint8_t *)memory)[i] != pattern(i, seed))
			return false;
	return true;
}

uint64_t pinned(const struct edu *edu)
{
	struct hf_vfio_stats stats;

	hf_vfio_stats(edu->vfio, &stats);
	return stats.pinned;
}

/* -- logs -------------------------------------------------------------------- */

void sysfs_write(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, word, strlen(word)) != (ssize_t)strlen(word))
		fail(__FILE__, __LINE__, "%s: %s", path, strerror(errno));
	close(fd);
}

static int real_stderr, log_fd = -1, kernel_log = -1;

void log_begin(void)
{
	real_stderr = dup(STDERR_FILENO);
	log_fd = memfd_create("log", 0);
	dup2(log_fd, STDERR_FILENO);
}

const char *log_end(void)
{
	static char text[4096];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	close(log_fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

void kernel_log_begin(void)
{
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	EXPECT(kernel_log >= 0);
	EXPECT(lseek(kernel_log, 0, SEEK_END) >= 0);
}

bool kernel_log_has(const char *text, int milliseconds)
{
	uint64_t end = now_ns() + (uint64_t)milliseconds * 1000000;
	char line[2048];

	while (now_ns() < end) {
		ssize_t n = read(kernel_log, line, sizeof(line) - 1);

		if (n < 0) {
			usleep(10000);
			continue;
		}
		line[n] = '\0';
		if (strstr(line, text))
			return true;
	}
	return false;
}
