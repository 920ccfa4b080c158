/* SPDX-License-Identifier: MIT */
/*
 * Adoption: a piece of private memory is copied into a memfd, which is then
 * mapped over it, shared.
 *
 * No store of another thread is lost on the way: userfaultfd(2) write-protects
 * the piece, so that who writes to it blocks. The mapping is replaced in one
 * step, and only then do they wake up, and store into the new one.
 *
 * The memfd is far larger than the piece, but sparse: a mapping that is grown
 * later finds zero pages behind its end, as private memory would, and no
 * SIGBUS. Everything else follows from its being an ordinary mapping: munmap,
 * mmap over it, free, brk, mremap, mprotect and exit take it away or move it
 * like any other, and the file, with all its pages, is there for as long as the
 * server has it. fork and madvise are different: see private.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shim/adopt.h"
#include "shim/raw.h"
#include "shim/shim.h"

/* Newer than the kernel headers that are built against. */
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#define FEATURE_WP_SHMEM (1u << 12)

struct scan_region {
	uint64_t start, end;
	uint64_t categories;
};
struct scan {
	uint64_t size;
	uint64_t flags;
	uint64_t start, end;
	uint64_t walk_end; /* out: how far it came */
	uint64_t vec;	   /* struct scan_region[] */
	uint64_t vec_len;
	uint64_t max_pages;
	uint64_t inverted, mask, anyof, returned; /* categories */
};
#define SCAN _IOWR('f', 16, struct scan)
#define SCAN_PRESENT (1u << 3)
#define SCAN_SWAPPED (1u << 4)
#define SCAN_ZERO (1u << 5)

/* -- the file -------------------------------------------------------------- */

static int make_file(struct hf_adopt *adopt)
{
	const uint64_t size = HF_ADOPT_PIECES * HF_ADOPT_ROOM;
	struct rlimit limit;
	struct stat st;
	int fd;

	/* Beyond it ftruncate(2) does not only fail but sends a signal. */
	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur < size)
		return -ENOMEM;
	fd = memfd_create(strchr(HF_ADOPT_NAME, ':') + 1,
			  MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -ENOMEM;
	if (ftruncate(fd, size) ||
	    REAL(fcntl)(fd, F_ADD_SEALS,
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) ||
	    REAL(fstat)(fd, &st)) {
		REAL(close)(fd);
		return -ENOMEM;
	}
	adopt->fd = fd;
	adopt->dev = st.st_dev;
	adopt->ino = st.st_ino;
	return 0;
}

/*
 * From where stores wait to where they go on, nothing here may take a lock that
 * another thread could hold, the dynamic linker's (REAL) among them.
 */

/* -- protection ------------------------------------------------------------ */

static void say_once(const char *line)
{
	static _Atomic bool said;

	if (!atomic_exchange(&said, true) &&
	    write(STDERR_FILENO, line, strlen(line)) < 0)
		return; /* then nobody wants to know */
}

static int open_uffd(uint64_t features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = hf_syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);

	/* What an ordinary user may: a system call of another thread that
	 * stores into the piece just then fails with EFAULT. */
	if (fd < 0)
		fd = hf_syscall(SYS_userfaultfd,
			     O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
	if (fd < 0) {
		say_once("holdfast: user pages of a program with threads, or "
			 "on a stack, need userfaultfd(2), which this system "
			 "does not allow\n");
		return -errno;
	}
	if (!REAL(ioctl)(fd, UFFDIO_API, &api))
		return fd;
	REAL(close)(fd);
	return -EINVAL;
}

/*
 * From here on stores block until the descriptor is closed. Pages that are not
 * there would not be protected: they are made to be zero pages first.
 */
static int protect(uintptr_t start, uintptr_t end, bool shared)
{
	struct uffdio_register reg = {
		.range = { start, end - start },
		.mode = UFFDIO_REGISTER_MODE_WP,
	};
	struct uffdio_writeprotect wp = {
		.range = { start, end - start },
		.mode = UFFDIO_WRITEPROTECT_MODE_WP,
	};
	int fd = open_uffd(UFFD_FEATURE_PAGEFAULT_FLAG_WP |
			   (shared ? FEATURE_WP_SHMEM : 0));

	if (fd < 0)
		return fd;
	if (!REAL(madvise)((void *)start, end - start, MADV_POPULATE_READ) &&
	    !REAL(ioctl)(fd, UFFDIO_REGISTER, &reg) &&
	    !REAL(ioctl)(fd, UFFDIO_WRITEPROTECT, &wp))
		return fd;
	REAL(close)(fd);
	return -EFAULT;
}

bool hf_adopt_alone(void)
{
	struct stat st;

	return !REAL(stat)("/proc/self/task", &st) && st.st_nlink == 3;
}

int hf_adopt_hold(uintptr_t start, uintptr_t end, bool shared, int *uffd)
{
	*uffd = hf_adopt_alone() ? -1 : protect(start, end, shared);
	return *uffd < -1 ? -EFAULT : 0;
}

void hf_adopt_release(int uffd)
{
	if (uffd >= 0)
		hf_syscall(SYS_close, uffd);
}

/* Nobody stores into what can only be read, and userfaultfd does not know
 * private mappings of files. */
static bool needs_protection(const struct hf_adopt *adopt,
			     const struct hf_vma *vma)
{
	return !adopt->alone &&
	       (vma->shared || !vma->ino || (vma->prot & PROT_WRITE));
}

/* -- the copy -------------------------------------------------------------- */

static int copy(int fd, uintptr_t start, uintptr_t end, uint64_t offset)
{
	while (start < end) {
		ssize_t n = pwrite(fd, (void *)start, end - start, offset);

		if (n <= 0)
			return n < 0 && errno == EFAULT ? -EFAULT : -ENOMEM;
		start += n;
		offset += n;
	}
	return 0;
}

/*
 * Anonymous memory that was never written to stays a hole. Return: 1 where the
 * kernel cannot tell which that is.
 */
static int copy_written(int fd, uintptr_t start, uintptr_t end,
			uint64_t offset)
{
	struct scan_region regions[128];
	struct scan scan = {
		.size = sizeof(scan),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = sizeof(regions) / sizeof(*regions),
		.inverted = SCAN_ZERO,
		.mask = SCAN_ZERO,
		.anyof = SCAN_PRESENT | SCAN_SWAPPED,
		.returned = SCAN_PRESENT,
	};
	int pagemap = hf_syscall(SYS_openat, AT_FDCWD, "/proc/self/pagemap",
			      O_RDONLY | O_CLOEXEC);
	int ret = 0, n;

	if (pagemap < 0)
		return 1;
	while (!ret && scan.start < end) {
		n = hf_syscall(SYS_ioctl, pagemap, SCAN, &scan);
		if (n < 0)
			ret = 1;
		for (int i = 0; !ret && i < n; i++)
			ret = copy(fd, regions[i].start, regions[i].end,
				   offset + (regions[i].start - start));
		scan.start = scan.walk_end;
	}
	hf_syscall(SYS_close, pagemap);
	return ret;
}

static int copy_piece(int fd, const struct hf_vma *vma, uintptr_t start,
		      uintptr_t end, uint64_t offset)
{
	int ret = vma->ino ? 1 : copy_written(fd, start, end, offset);

	return ret == 1 ? copy(fd, start, end, offset) : ret;
}

/* -- the move -------------------------------------------------------------- */

/* Is everything mapped from here to where the main thread's stack began? */
static bool on_main_stack(uintptr_t at)
{
	uintptr_t top = getauxval(AT_EXECFN);
	struct hf_vma vma;

	if (at > top)
		return false;
	while (at <= top) {
		if (hf_vma_find(at, false, &vma) || vma.start > at)
			return false;
		at = vma.end;
	}
	return true;
}

/*
 * The main thread's stack grows downwards by itself, from its lowest page. If
 * that one is not the stack's any more, there has to be another one below.
 */
static void keep_growing(const struct hf_vma *vma, uintptr_t start)
{
	long page = sysconf(_SC_PAGESIZE);

	if (start == vma->start && on_main_stack(start))
		hf_syscall(SYS_mmap, start - page, page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN |
				MAP_FIXED_NOREPLACE,
			-1, 0L);
}

static int move(int fd, const struct hf_vma *vma, uintptr_t start,
		uintptr_t end, uint64_t offset)
{
	int ret = copy_piece(fd, vma, start, end, offset);

	if (!ret && hf_syscall(SYS_mmap, start, end - start, vma->prot,
			    MAP_SHARED | MAP_FIXED, fd, offset) == -1)
		ret = -ENOMEM;
	if (ret)
		fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			  offset, end - start);
	else
		keep_growing(vma, start);
	return ret;
}

int hf_adopt_piece(struct hf_adopt *adopt, const struct hf_vma *vma,
		   uintptr_t start, uintptr_t end, uint64_t *offset)
{
	int uffd = -1, ret = 0;

	if (adopt->fd < 0)
		ret = make_file(adopt);
	if (!ret && (adopt->pieces == HF_ADOPT_PIECES ||
		     end - start > HF_ADOPT_ROOM))
		ret = -ENOMEM;
	if (ret)
		return ret;
	if (needs_protection(adopt, vma)) {
		uffd = protect(start, end, vma->shared);
		if (uffd < 0)
			return -EFAULT;
	}
	*offset = adopt->pieces * HF_ADOPT_ROOM;
	ret = move(adopt->fd, vma, start, end, *offset);
	if (!ret)
		adopt->pieces++;
	hf_adopt_release(uffd);
	return ret;
}

bool hf_adopt_ours(const struct hf_vma *vma)
{
	return vma->shared && !strncmp(vma->name, HF_ADOPT_NAME,
				       sizeof(HF_ADOPT_NAME) - 1);
}
