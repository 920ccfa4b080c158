/* SPDX-License-Identifier: MIT */
/*
 * Backings: files as memory, found by inode, and the pages that somebody holds
 * of them. Extents are kept in an array by address; each is one mapping, and its
 * pages are populated before anybody gets them, so that a machine that is full
 * says so then.
 *
 * The lock of the devices protects them.
 */
#define _GNU_SOURCE
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "mem/backing.h"
#include "mem/memory.h"
#include "mem/shmem.h"

/* From here on, freeing an object's pages takes longer than handing its memfd
 * over, bytes. */
#define LARGE (256u << 10)

/* From here on a machine may have huge pages for it, in pages. */
#define HUGE_PAGE 512u

/* How much is allocated at a time: a signal makes the kernel start again. */
#define POPULATE_STEP ((size_t)16 << 20)

static size_t pages_of(size_t bytes)
{
	return bytes / HF_PAGE_SIZE + (bytes % HF_PAGE_SIZE != 0);
}

/* -- creation, keys, references ---------------------------------------------- */

static struct hf_backing *backing_new(struct hf_memory *mem, int fd,
				      size_t size, pid_t pid)
{
	struct hf_backing *backing = calloc(1, sizeof(*backing));

	if (!backing)
		return NULL;
	backing->mem = mem;
	backing->refcount = 1;
	backing->fd = fd;
	backing->size = size;
	backing->owner.object = hf_owner_number(mem);
	backing->owner.pid = pid;
	wl_list_init(&backing->objects);
	return backing;
}

/* As the largest page of a device's MMU that can be used for it. */
static size_t run_align(size_t npages)
{
	return npages >= 512 ? 512 : npages >= 16 ? 16 : 1;
}

static int take_run(struct hf_backing *backing)
{
	size_t npages = backing->size >> HF_PAGE_SHIFT;
	struct hf_pool_run *run = malloc(sizeof(*run));
	int ret;

	if (!run)
		return -ENOMEM;
	ret = hf_pool_alloc(&backing->mem->pool, run, npages,
			    run_align(npages));
	if (ret)
		free(run);
	else
		backing->run = run;
	return ret;
}

struct hf_backing *hf_backing_create(struct hf_memory *mem, size_t size,
				     bool contiguous, pid_t pid)
{
	struct hf_backing *backing;
	int fd;

	if (!size || size % HF_PAGE_SIZE) {
		errno = EINVAL;
		return NULL;
	}
	fd = hf_shmem_create("drm mm object", size);
	if (fd >= mem->max_fds) {
		close(fd);
		fd = -ENFILE;
	}
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	backing = backing_new(mem, fd, size, pid);
	if (!backing) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	if (contiguous && take_run(backing)) {
		hf_backing_put(backing);
		errno = ENOMEM;
		return NULL;
	}
	return backing;
}

static void key_init(struct hf_backing_key *key, const struct stat *st)
{
	memset(key, 0, sizeof(*key));
	key->dev = st->st_dev;
	key->ino = st->st_ino;
}

static int add_key(struct hf_backing *backing, const struct stat *st)
{
	struct hf_memory *mem = backing->mem;

	key_init(&backing->key, st);
	HASH_ADD(by_key, mem->by_key, key, sizeof(backing->key), backing);
	if (!backing->by_key.tbl)
		return -ENOMEM;
	backing->keyed = true;
	return 0;
}

struct hf_backing *hf_backing_find(struct hf_memory *mem,
				   const struct hf_backing_key *key)
{
	struct hf_backing *backing;

	HASH_FIND(by_key, mem->by_key, key, sizeof(*key), backing);
	return backing;
}

/* Memory of a client process, which may be any file but those that stall. */
static int check_user(int fd, const struct stat *st, size_t *size)
{
	struct statfs fs;

	if (!S_ISREG(st->st_mode) || st->st_size <= 0 || fstatfs(fd, &fs) ||
	    fs.f_type == HUGETLBFS_MAGIC || fs.f_type == FUSE_SUPER_MAGIC)
		return -EINVAL;
	*size = pages_of(st->st_size) << HF_PAGE_SHIFT;
	return 0;
}

static int check(int fd, bool user, const struct stat *st, size_t *size)
{
	int mode = fcntl(fd, F_GETFL);

	if (mode < 0 || (mode & O_PATH) || (mode & O_ACCMODE) == O_WRONLY)
		return -EINVAL;
	return user ? check_user(fd, st, size) : hf_shmem_check(fd, size);
}

static bool may_not_shrink(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

static bool may_write(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR &&
	       (seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)));
}

/* Its pages were mapped for reading; the same ones are mapped for both. */
static int make_writable(struct hf_backing *backing, int fd)
{
	if (dup3(fd, backing->fd, O_CLOEXEC) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < backing->nextents; i++) {
		struct hf_extent *extent = backing->extents[i];

		if (mmap(extent->cpu, extent->npages << HF_PAGE_SHIFT,
			 PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)extent->first << HF_PAGE_SHIFT) == MAP_FAILED)
			return -ENOMEM;
		extent->trap.prot = PROT_READ | PROT_WRITE;
	}
	backing->read_only = false;
	return 0;
}

/* The file is known: what has changed since, and is this descriptor better? */
static int refresh(struct hf_backing *backing, int fd, size_t size)
{
	if (!backing->sealed) {
		backing->size = size;
		backing->sealed = may_not_shrink(fd);
	}
	if (backing->read_only && may_write(fd))
		return make_writable(backing, fd);
	return 0;
}

static int adopt(struct hf_memory *mem, int fd, bool user, pid_t pid,
		 const struct stat *st, size_t size, struct hf_backing **out)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	struct hf_backing *backing;

	if (own < 0)
		return -errno;
	if (own >= mem->max_fds) {
		close(own);
		return -ENFILE;
	}
	backing = backing_new(mem, own, size, pid);
	if (!backing) {
		close(own);
		return -ENOMEM;
	}
	backing->foreign = true;
	backing->user = user;
	backing->sealed = may_not_shrink(fd);
	backing->read_only = !may_write(fd);
	if (add_key(backing, st)) {
		hf_backing_put(backing);
		return -ENOMEM;
	}
	*out = backing;
	return 0;
}

struct hf_backing *hf_backing_of(struct hf_memory *mem, int fd, bool user,
				 pid_t pid)
{
	struct hf_backing *backing;
	struct hf_backing_key key;
	struct stat st;
	size_t size;
	int ret;

	if (fstat(fd, &st))
		return NULL;
	ret = check(fd, user, &st, &size);
	if (!ret) {
		key_init(&key, &st);
		backing = hf_backing_find(mem, &key);
		if (!backing)
			ret = adopt(mem, fd, user, pid, &st, size, &backing);
		else
			ret = refresh(hf_backing_get(backing), fd, size);
		if (ret && backing)
			hf_backing_put(backing);
	}
	if (ret) {
		errno = -ret;
		return NULL;
	}
	return backing;
}

struct hf_backing *hf_backing_get(struct hf_backing *backing)
{
	backing->refcount++;
	return backing;
}

void hf_backing_put(struct hf_backing *backing)
{
	hf_backing_put_memory(backing, NULL);
}

void hf_backing_put_memory(struct hf_backing *backing, int *fd)
{
	struct hf_memory *mem;

	if (fd)
		*fd = -1;
	if (!backing || --backing->refcount)
		return;
	mem = backing->mem;
	if (backing->keyed)
		HASH_DELETE(by_key, mem->by_key, backing);
	if (backing->resv)
		backing->resv_destroy(backing->resv);
	if (backing->run)
		hf_pool_free(&mem->pool, backing->run);
	free(backing->run);
	if (fd && backing->size >= LARGE && !backing->user)
		*fd = backing->fd;
	else
		hf_reaper_close(&mem->reaper, backing->fd, backing->size);
	free(backing->extents);
	free(backing);
}

size_t hf_backing_size(const struct hf_backing *backing)
{
	return backing->size;
}

int hf_backing_fd(const struct hf_backing *backing)
{
	return backing->fd;
}

int hf_backing_seal(struct hf_backing *backing)
{
	if (backing->sealed || backing->foreign)
		return 0;
	if (hf_shmem_seal(backing->fd))
		return -ENOMEM;
	backing->sealed = true;
	return 0;
}

int hf_backing_share(struct hf_backing *backing)
{
	struct stat st;

	if (backing->keyed)
		return 0;
	if (hf_backing_seal(backing) || fstat(backing->fd, &st))
		return -ENOMEM;
	return add_key(backing, &st);
}

/* -- populating -------------------------------------------------------------- */

/* Return: 0; -ENOMEM; -EOPNOTSUPP where this file cannot be allocated so. */
static int allocate(int fd, size_t start, size_t end)
{
	while (start < end) {
		size_t step = end - start;

		if (step > POPULATE_STEP)
			step = POPULATE_STEP;
		if (!fallocate(fd, FALLOC_FL_KEEP_SIZE, start, step))
			start += step;
		else if (errno == ENOSPC || errno == ENOMEM || errno == EDQUOT)
			return -ENOMEM;
		else if (errno != EINTR)
			return -EOPNOTSUPP;
	}
	return 0;
}

/*
 * Touch all pages of a mapping, as huge pages where there are any.
 *
 * Return: 0; -EFAULT where a page of the file cannot be had; -ENOMEM;
 * -EOPNOTSUPP where the kernel cannot do it.
 */
static int touch(char *map, size_t size, bool write)
{
	int ret;

	if (write && size >> HF_PAGE_SHIFT >= HUGE_PAGE)
		madvise(map, size, MADV_HUGEPAGE);
	do
		ret = madvise(map, size,
			      write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
	while (ret && (errno == EINTR || errno == EAGAIN));
	if (!ret)
		return 0;
	return errno == EFAULT || errno == ENOMEM ? -errno : -EOPNOTSUPP;
}

int hf_backing_populate(int fd, size_t first, size_t n)
{
	size_t start = first << HF_PAGE_SHIFT, size = n << HF_PAGE_SHIFT;
	int ret = -EOPNOTSUPP;

	if (n >= HUGE_PAGE) {
		char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
				 fd, start);

		if (map != MAP_FAILED) {
			ret = touch(map, size, true);
			munmap(map, size);
		}
	}
	if (ret == -EOPNOTSUPP)
		ret = allocate(fd, start, start + size);
	return ret ? -ENOMEM : 0;
}

/* What of a file is within its size now. */
static size_t end_of_file(const struct hf_extent *extent)
{
	size_t end = (extent->first + extent->npages) << HF_PAGE_SHIFT;
	struct stat st;

	if (!extent->backing->sealed && extent->backing->foreign &&
	    !fstat(extent->backing->fd, &st) && (size_t)st.st_size < end)
		return st.st_size;
	return end;
}

/*
 * A file of somebody else's is given no pages but those wanted, and the trap is
 * there for those that it has lost.
 */
static int populate_foreign(struct hf_extent *extent)
{
	const struct hf_backing *backing = extent->backing;
	size_t start = extent->first << HF_PAGE_SHIFT;
	size_t end = end_of_file(extent);
	int ret = -EOPNOTSUPP;

	if (end <= start)
		return 0;
	if (!backing->read_only)
		ret = allocate(backing->fd, start, end);
	if (ret != -EOPNOTSUPP)
		return ret;
	ret = touch(extent->cpu, extent->npages << HF_PAGE_SHIFT,
		    !backing->read_only);
	if (ret == -EFAULT && backing->sealed)
		ret = -ENOMEM;
	return ret == -ENOMEM ? ret : 0;
}

/* Asking is several times faster than allocating what is there. */
static bool has_hole(int fd, off_t start, off_t end)
{
	off_t hole = lseek(fd, start, SEEK_HOLE);

	return hole < 0 || hole < end;
}

static int populate(struct hf_extent *extent)
{
	size_t start = extent->first << HF_PAGE_SHIFT;
	size_t size = extent->npages << HF_PAGE_SHIFT;
	int ret = -EOPNOTSUPP;

	if (extent->backing->foreign)
		return populate_foreign(extent);
	if (!has_hole(extent->backing->fd, start, start + size))
		return 0;
	if (extent->npages >= HUGE_PAGE)
		ret = touch(extent->cpu, size, true);
	if (ret == -EOPNOTSUPP)
		ret = allocate(extent->backing->fd, start, start + size);
	return ret ? -ENOMEM : 0;
}

/* -- extents ----------------------------------------------------------------- */

/* The extent that a page is in, or else the first one behind it. */
static uint32_t extent_at(const struct hf_backing *backing, size_t index)
{
	uint32_t low = 0, high = backing->nextents;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct hf_extent *extent = backing->extents[middle];

		if (extent->first + extent->npages <= index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int grow(struct hf_backing *backing)
{
	uint32_t max = backing->max_extents ? 2 * backing->max_extents : 1;
	struct hf_extent **extents;

	if (backing->nextents < backing->max_extents)
		return 0;
	extents = reallocarray(backing->extents, max, sizeof(*extents));
	if (!extents)
		return -ENOMEM;
	backing->extents = extents;
	backing->max_extents = max;
	return 0;
}

static int extent_map(struct hf_extent *extent)
{
	const struct hf_backing *backing = extent->backing;
	size_t size = extent->npages << HF_PAGE_SHIFT;
	int prot = backing->read_only ? PROT_READ : PROT_READ | PROT_WRITE;
	off_t offset = (off_t)extent->first << HF_PAGE_SHIFT;

	extent->cpu = mmap(NULL, size, prot, MAP_SHARED, backing->fd, offset);
	if (extent->cpu == MAP_FAILED)
		return -ENOMEM;
	extent->trap = (struct hf_trap){
		.start = extent->cpu,
		.size = size,
		.fd = backing->fd,
		.offset = offset,
		.prot = prot,
	};
	if (!backing->mem->shadow || backing->coherent)
		return 0;
	extent->shadow = mmap(NULL, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (extent->shadow == MAP_FAILED) {
		munmap(extent->cpu, size);
		return -ENOMEM;
	}
	return 0;
}

static void extent_unmap(struct hf_extent *extent)
{
	struct hf_reaper *reaper = &extent->backing->mem->reaper;
	size_t size = extent->npages << HF_PAGE_SHIFT;

	hf_reaper_unmap(reaper, extent->cpu, size);
	hf_reaper_unmap(reaper, extent->shadow, size);
}

/* Pages that are in no extent. Return: NULL for no memory. */
static struct hf_extent *extent_create(struct hf_backing *backing, size_t first,
				       size_t n)
{
	uint32_t at = extent_at(backing, first);
	struct hf_extent *extent;

	if (grow(backing))
		return NULL;
	extent = calloc(1, sizeof(*extent) + n * sizeof(extent->pages[0]));
	if (!extent)
		return NULL;
	extent->backing = backing;
	extent->first = first;
	extent->npages = n;
	if (extent_map(extent))
		goto error_free;
	if (populate(extent))
		goto error_unmap;
	hf_trap_arm(&extent->trap);
	memmove(&backing->extents[at + 1], &backing->extents[at],
		(backing->nextents - at) * sizeof(backing->extents[0]));
	backing->extents[at] = extent;
	backing->nextents++;
	hf_backing_get(backing);
	return extent;

error_unmap:
	extent_unmap(extent);
error_free:
	free(extent);
	return NULL;
}

static void extent_destroy(struct hf_extent *extent)
{
	struct hf_backing *backing = extent->backing;
	uint32_t at = extent_at(backing, extent->first);

	backing->nextents--;
	memmove(&backing->extents[at], &backing->extents[at + 1],
		(backing->nextents - at) * sizeof(backing->extents[0]));
	if (!backing->nextents) {
		free(backing->extents);
		backing->extents = NULL;
		backing->max_extents = 0;
	}
	hf_trap_disarm(&extent->trap);
	extent_unmap(extent);
	free(extent);
	hf_backing_put(backing);
}

void hf_extent_drop(struct hf_extent *extent)
{
	struct hf_backing *backing = extent->backing;
	struct hf_memory_stats *stats = &backing->mem->stats;

	stats->pages--;
	stats->user_pages -= backing->user;
	if (!--backing->held && backing->run)
		backing->run->pinned--;
	if (!--extent->live)
		extent_destroy(extent);
}

/* -- holding ----------------------------------------------------------------- */

static int reserve(struct hf_backing *backing, size_t first, size_t n)
{
	if (backing->run)
		return hf_frames_reserve_pool(backing->mem,
					      backing->run->start + first, n);
	return hf_frames_reserve(backing->mem, n);
}

/* The trap may have put zeroes there, long ago; show the file as it is now. */
static void remap(struct hf_extent *extent, size_t index)
{
	const struct hf_trap *trap = &extent->trap;
	size_t at = index << HF_PAGE_SHIFT;

	mmap(trap->start + at, HF_PAGE_SIZE, trap->prot, MAP_SHARED | MAP_FIXED,
	     trap->fd, trap->offset + (off_t)at);
}

static void appear(struct hf_extent *extent, struct hf_page *page)
{
	struct hf_backing *backing = extent->backing;
	struct hf_memory *mem = backing->mem;
	size_t index = page - extent->pages;

	if (backing->run)
		page->pfn = hf_frame_pool(backing->run->start + extent->first +
					  index);
	else
		page->pfn = hf_frame_take(mem);
	page->extent = extent;
	if (atomic_load(&extent->trap.sprung))
		remap(extent, index);
	hf_page_appear(mem, page);
	extent->live++;
	if (!backing->held++ && backing->run)
		backing->run->pinned++;
	mem->stats.user_pages += backing->user;
	if (++mem->stats.pages > mem->stats.peak_pages)
		mem->stats.peak_pages = mem->stats.pages;
}

static void hold(struct hf_extent *extent, size_t index, size_t n,
		 struct hf_page **pages)
{
	struct hf_page *page = &extent->pages[index];

	for (size_t i = 0; i < n; i++, page++) {
		if (!page->refcount++)
			appear(extent, page);
		pages[i] = page;
	}
}

/* The extent with a page, or a new one up to @end or the next extent. */
static struct hf_extent *extent_for(struct hf_backing *backing, size_t index,
				    size_t end)
{
	uint32_t at = extent_at(backing, index);

	if (at < backing->nextents) {
		struct hf_extent *next = backing->extents[at];

		if (next->first <= index)
			return next;
		if (next->first < end)
			end = next->first;
	}
	return extent_create(backing, index, end - index);
}

/* Pages of a range that nobody holds yet. */
static size_t not_held(const struct hf_backing *backing, size_t first, size_t n)
{
	size_t held = 0;

	for (uint32_t i = 0; i < backing->nextents; i++) {
		const struct hf_extent *extent = backing->extents[i];

		for (size_t j = 0; j < extent->npages; j++)
			held += extent->first + j >= first &&
				extent->first + j < first + n &&
				extent->pages[j].refcount;
	}
	return n - held;
}

static bool may_hold(const struct hf_backing *backing, size_t first, size_t n)
{
	return hf_memory_has_room(backing->mem, n) ||
	       hf_memory_has_room(backing->mem, not_held(backing, first, n));
}

int hf_backing_get_pages(struct hf_backing *backing, size_t first, size_t n,
			 struct hf_page **pages)
{
	size_t npages = backing->size >> HF_PAGE_SHIFT, done = 0;

	if (!n || first > npages || n > npages - first)
		return -EINVAL;
	if (!may_hold(backing, first, n) || reserve(backing, first, n))
		return -ENOMEM;
	while (done < n) {
		size_t index = first + done, count;
		struct hf_extent *extent = extent_for(backing, index,
						      first + n);

		if (!extent) {
			hf_pages_put(pages, done);
			return -ENOMEM;
		}
		count = extent->first + extent->npages - index;
		if (count > n - done)
			count = n - done;
		hold(extent, index - extent->first, count, pages + done);
		done += count;
	}
	return 0;
}

int64_t hf_backing_purge(struct hf_backing *backing)
{
	struct stat before, after;
	int64_t freed;

	if (backing->foreign)
		return -EINVAL;
	if (backing->held)
		return -EBUSY;
	if (fstat(backing->fd, &before) ||
	    fallocate(backing->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		      0, backing->size) ||
	    fstat(backing->fd, &after))
		return -errno;
	freed = (int64_t)(before.st_blocks - after.st_blocks) * 512;
	if (freed < 0)
		freed = 0;
	backing->mem->stats.purged += freed;
	/* Nobody is going to hold pages of it again. */
	if (backing->run)
		hf_pool_free(&backing->mem->pool, backing->run);
	free(backing->run);
	backing->run = NULL;
	return freed;
}
