/* SPDX-License-Identifier: MIT */
/*
 * User pages: the files that processes have shown, and what is registered of
 * them. See the header. Nothing here believes a process: not which file it
 * claims to show, not whether it may write to it, not how large it is.
 */
#define _GNU_SOURCE
#define HASH_NONFATAL_OOM 1
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <uthash.h>
#include <wayland-util.h>

#include "base/clock.h"
#include "gem/userptr.h"
#include "mem/backing.h"

/* How often the mappings of idle files are looked at. */
#define LOOK_NS 1000000000u
/* So many files of a server may be idle; each is a descriptor. */
#define MAX_IDLE 1024u

struct file_key {
	dev_t dev;
	ino_t ino;
	uint64_t pid;
};

/**
 * struct hf_user_file - A file that a process has shown.
 * @users: references; those without any are in the list of idle files
 * @known: it is found by its key
 * @adopted: it lingers
 * @writable: the process has shown a descriptor that may be written to
 * @mapped: the process still has it, when last looked
 */
struct hf_user_file {
	struct hf_user_files *files;
	struct file_key key;
	struct hf_backing *backing;
	uint32_t users;
	bool known, adopted, writable, mapped;
	struct wl_list idle;
	UT_hash_handle hh;
};

struct hf_user_files {
	struct hf_memory *mem;
	struct hf_clock *clock;
	struct hf_user_file *by_key;
	struct wl_list idle; /* hf_user_file.idle, the latest first */
	size_t nidle, max_pages;
	struct hf_timer look;
};

/* -- files ------------------------------------------------------------------- */

static void key_init(struct file_key *key, pid_t pid, dev_t dev, ino_t ino)
{
	memset(key, 0, sizeof(*key));
	key->pid = pid;
	key->dev = dev;
	key->ino = ino;
}

static void forget(struct hf_user_file *file)
{
	if (file->known)
		HASH_DEL(file->files->by_key, file);
	file->known = false;
}

static void drop(struct hf_user_file *file)
{
	forget(file);
	hf_backing_put(file->backing);
	free(file);
}

static void drop_idle(struct hf_user_file *file)
{
	wl_list_remove(&file->idle);
	file->files->nidle--;
	drop(file);
}

struct hf_user_file *hf_user_file_get(struct hf_user_file *file)
{
	if (file->users++ == 0) {
		wl_list_remove(&file->idle);
		file->files->nidle--;
	}
	return file;
}

void hf_user_file_put(struct hf_user_file *file)
{
	struct hf_user_files *files;

	if (!file || --file->users)
		return;
	files = file->files;
	if (!file->known || !file->adopted) {
		drop(file);
		return;
	}
	wl_list_insert(&files->idle, &file->idle);
	files->nidle++;
	if (files->nidle > MAX_IDLE)
		drop_idle(wl_container_of(files->idle.prev, file, idle));
	if (!files->look.armed)
		hf_timer_arm(files->clock, &files->look,
			     hf_clock_now(files->clock) + LOOK_NS);
}

bool hf_user_file_is(const struct hf_user_file *file, dev_t dev, ino_t ino)
{
	return file->key.dev == dev && file->key.ino == ino;
}

static struct hf_user_file *lookup(struct hf_user_files *files, pid_t pid,
				   dev_t dev, ino_t ino)
{
	struct hf_user_file *file;
	struct file_key key;

	key_init(&key, pid, dev, ino);
	HASH_FIND(hh, files->by_key, &key, sizeof(key), file);
	return file;
}

struct hf_user_file *hf_user_file_find(struct hf_user_files *files, pid_t pid,
				       dev_t dev, ino_t ino, bool write)
{
	struct hf_user_file *file = lookup(files, pid, dev, ino);

	return file && (file->writable || !write) ? hf_user_file_get(file) :
						    NULL;
}

static bool may_write(int fd)
{
	int mode = fcntl(fd, F_GETFL), seals = fcntl(fd, F_GET_SEALS);

	return mode >= 0 && (mode & O_ACCMODE) == O_RDWR &&
	       (seals < 0 || !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)));
}

/* Only what is memory: another file system may stall, or fail to read. */
static bool is_memory(int fd, const struct stat *st)
{
	struct statfs fs;

	return S_ISREG(st->st_mode) && !fstatfs(fd, &fs) &&
	       fs.f_type == TMPFS_MAGIC;
}

static struct hf_user_file *add_file(struct hf_user_files *files, pid_t pid,
				     struct hf_backing *backing,
				     const struct stat *st)
{
	struct hf_user_file *file = calloc(1, sizeof(*file));

	if (!file)
		return NULL;
	file->files = files;
	file->backing = backing;
	file->users = 1;
	key_init(&file->key, pid, st->st_dev, st->st_ino);
	/* A process that we cannot name could be any. */
	if (pid <= 0)
		return file;
	HASH_ADD(hh, files->by_key, key, sizeof(file->key), file);
	if (!file->hh.tbl) {
		free(file);
		return NULL;
	}
	file->known = true;
	return file;
}

int hf_user_file_show(struct hf_user_files *files, pid_t pid, int fd, dev_t dev,
		      ino_t ino, bool adopted, bool write,
		      struct hf_user_file **out)
{
	bool writable = may_write(fd);
	struct hf_user_file *file;
	struct hf_backing *backing;
	struct stat st;

	if (fstat(fd, &st) || st.st_dev != dev || st.st_ino != ino ||
	    !is_memory(fd, &st) || (write && !writable))
		return -EFAULT;
	backing = hf_backing_of(files->mem, fd, true, pid);
	if (!backing)
		return errno == EINVAL ? -EFAULT : -ENOMEM;
	file = lookup(files, pid, dev, ino);
	if (file) {
		hf_backing_put(backing); /* the same one */
		hf_user_file_get(file);
	} else {
		file = add_file(files, pid, backing, &st);
		if (!file) {
			hf_backing_put(backing);
			return -ENOMEM;
		}
	}
	file->writable |= writable;
	file->adopted = adopted;
	*out = file;
	return 0;
}

/* -- do they still have it? --------------------------------------------------- */

static void mark_line(struct hf_user_files *files, pid_t pid, const char *line)
{
	struct hf_user_file *file;
	unsigned int major, minor;
	unsigned long ino;

	if (sscanf(line, "%*s %*s %*s %x:%x %lu", &major, &minor, &ino) != 3 ||
	    !ino)
		return;
	file = lookup(files, pid, makedev(major, minor), ino);
	if (file)
		file->mapped = true;
}

/* What cannot be read is as if the process was gone. */
static void mark_mapped(struct hf_user_files *files, pid_t pid)
{
	char path[32], *line = NULL;
	size_t size = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	if (!maps)
		return;
	while (getline(&line, &size, maps) > 0)
		mark_line(files, pid, line);
	free(line);
	fclose(maps);
}

static void drop_unmapped(struct hf_user_files *files, uint64_t pid)
{
	struct hf_user_file *file, *next;

	wl_list_for_each_safe(file, next, &files->idle, idle)
		if (file->key.pid == pid && !file->mapped)
			drop_idle(file);
}

/* One process after the other: what is left of a process is marked. */
static void look(struct hf_timer *timer)
{
	struct hf_user_files *files = wl_container_of(timer, files, look);
	struct hf_user_file *file, *next;

	wl_list_for_each(file, &files->idle, idle)
		file->mapped = false;
	do {
		next = NULL;
		wl_list_for_each(file, &files->idle, idle)
			if (!file->mapped)
				next = file;
		if (next) {
			uint64_t pid = next->key.pid;

			mark_mapped(files, pid);
			drop_unmapped(files, pid);
		}
	} while (next);
	if (files->nidle)
		hf_timer_arm(files->clock, timer,
			     hf_clock_now(files->clock) + LOOK_NS);
}

/* -- all files --------------------------------------------------------------- */

struct hf_user_files *hf_user_files_create(struct hf_memory *mem,
					   struct hf_clock *clock)
{
	struct hf_user_files *files = calloc(1, sizeof(*files));
	struct sysinfo info;

	if (!files)
		return NULL;
	files->mem = mem;
	files->clock = clock;
	files->look.fn = look;
	wl_list_init(&files->idle);
	if (!sysinfo(&info))
		files->max_pages = info.totalram / 4 * info.mem_unit /
				   HF_PAGE_SIZE;
	return files;
}

void hf_user_files_destroy(struct hf_user_files *files)
{
	struct hf_user_file *file, *next;

	if (!files)
		return;
	wl_list_for_each_safe(file, next, &files->idle, idle)
		drop_idle(file);
	if (files->look.armed)
		hf_timer_disarm(files->clock, &files->look);
	free(files);
}

size_t hf_user_files_max(const struct hf_user_files *files)
{
	return files->max_pages;
}

size_t hf_user_files_idle(const struct hf_user_files *files)
{
	return files->nidle;
}

void hf_user_files_forget(struct hf_user_files *files, pid_t pid)
{
	struct hf_user_file *file, *next;

	HASH_ITER(hh, files->by_key, file, next) {
		if (file->key.pid != (uint64_t)pid)
			continue;
		if (file->users)
			forget(file);
		else
			drop_idle(file);
	}
}

/* -- accounts ---------------------------------------------------------------- */

struct hf_user_account *hf_user_account_create(void)
{
	struct hf_user_account *account = calloc(1, sizeof(*account));

	if (account)
		account->refcount = 1;
	return account;
}

void hf_user_account_put(struct hf_user_account *account)
{
	if (account && --account->refcount == 0)
		free(account);
}

static int charge(const struct hf_user_files *files,
		  struct hf_user_account *account, size_t npages)
{
	if (npages > files->max_pages ||
	    account->pages > files->max_pages - npages)
		return -ENOMEM;
	account->pages += npages;
	account->refcount++;
	return 0;
}

/* -- pages ------------------------------------------------------------------- */

/* Return: pages of all segments, or 0 where one cannot be. */
static size_t count_pages(const struct hf_user_segment *segments,
			  unsigned int n)
{
	size_t sum = 0, end;

	for (unsigned int i = 0; i < n; i++) {
		const struct hf_user_segment *s = &segments[i];
		const struct hf_backing *backing = s->file->backing;

		if (!s->npages ||
		    __builtin_add_overflow(s->first, s->npages, &end) ||
		    end > backing->size / HF_PAGE_SIZE)
			return 0;
		sum += s->npages;
	}
	return sum;
}

struct hf_user_pages *hf_user_pages_create(struct hf_user_files *files,
					   struct hf_user_account *account,
					   const struct hf_user_segment *segments,
					   unsigned int n, bool read_only)
{
	size_t npages = count_pages(segments, n);
	struct hf_user_pages *pages;

	if (!npages) {
		errno = EFAULT;
		return NULL;
	}
	pages = malloc(sizeof(*pages) + n * sizeof(*segments));
	if (!pages || charge(files, account, npages)) {
		free(pages);
		errno = ENOMEM;
		return NULL;
	}
	pages->account = account;
	pages->npages = npages;
	pages->read_only = read_only;
	pages->nsegments = n;
	memcpy(pages->segments, segments, n * sizeof(*segments));
	for (unsigned int i = 0; i < n; i++) {
		hf_user_file_get(segments[i].file);
		pages->segments[i].backing = segments[i].file->backing;
	}
	return pages;
}

void hf_user_pages_destroy(struct hf_user_pages *pages)
{
	if (!pages)
		return;
	for (unsigned int i = 0; i < pages->nsegments; i++)
		hf_user_file_put(pages->segments[i].file);
	pages->account->pages -= pages->npages;
	hf_user_account_put(pages->account);
	free(pages);
}
