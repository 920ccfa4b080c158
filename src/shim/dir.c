/* SPDX-License-Identifier: MIT */
/*
 * Directories: listing ours, and the machine's with our entries added.
 *
 * A DIR of ours is a snapshot: the records that getdents64 would give, in one
 * piece of memory, and a place in it. It is told from the C library's by its
 * first bytes: where that keeps a descriptor, which is never negative, ours
 * has a magic number. Reading takes no lock; who reads moves the place on.
 */
#include "shim/path.h"

#include <dirent.h>
#include <glob.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#define DIR_MAGIC 0x9c64297321fa0dedull

struct dir {
	uint64_t magic;
	uint64_t magic_again;
	int fd;
	bool machine;
	char *records;
	size_t size, room;
	_Atomic(size_t) place;
};

_Static_assert(sizeof(struct dirent) == sizeof(struct dirent64) &&
	       sizeof(ino_t) == 8, "readdir and readdir64 are one");

static struct dir *ours(DIR *dir)
{
	struct dir *d = (struct dir *)dir;

	return d && d->magic == DIR_MAGIC && d->magic_again == DIR_MAGIC ? d :
									   NULL;
}

/* ---- Records ---- */

static size_t record_size(size_t name_length)
{
	return (offsetof(struct dirent, d_name) + name_length + 8) & ~7ul;
}

/* Fill a record of record_size() bytes that ends at offset @end. */
static void fill_record(struct dirent *e, size_t size, const char *name,
			uint64_t ino, unsigned char type, size_t end)
{
	memset(e, 0, size);
	e->d_ino = ino;
	e->d_off = (off_t)end;
	e->d_reclen = (unsigned short)size;
	e->d_type = type;
	strcpy(e->d_name, name);
}

/* Records are written when there is no room for one more. */
struct writer {
	int fd;
	size_t end, used;
	_Alignas(struct dirent) char buffer[4096];
};

static int flush(struct writer *w)
{
	size_t used = w->used;

	w->used = 0;
	return REAL(write)(w->fd, w->buffer, used) == (ssize_t)used ? 0 : -1;
}

static int write_record(struct writer *w, const char *name, const char *path,
			uint32_t mode)
{
	size_t size = record_size(strlen(name));

	if (w->used + size > sizeof(w->buffer) && flush(w) < 0)
		return -1;
	w->end += size;
	fill_record((struct dirent *)(w->buffer + w->used), size, name,
		    hf_stat_ino(path), IFTODT(mode), w->end);
	w->used += size;
	return 0;
}

int hf_dir_write(int fd, const struct hf_path *p)
{
	char parent[HF_TREE_PATH_MAX + 1];
	const struct hf_tree_node *node = NULL;
	struct writer w;

	w.fd = fd;
	w.end = w.used = 0;
	strcpy(parent, p->path);
	*strrchr(parent, '/') = '\0';
	if (write_record(&w, ".", p->path, S_IFDIR) < 0 ||
	    write_record(&w, "..", parent, S_IFDIR) < 0)
		return -1;
	while ((node = hf_tree_next(p->tree, p->path, node)))
		if (write_record(&w, hf_tree_name(p->tree, node),
				 hf_tree_path(p->tree, node), node->mode) < 0)
			return -1;
	return flush(&w);
}

/* ---- Snapshots ---- */

static bool make_room(struct dir *d, size_t more)
{
	size_t room = (d->size + more) * 2;
	char *records;

	if (d->size + more <= d->room)
		return true;
	records = realloc(d->records, room);
	if (!records)
		return false;
	d->records = records;
	d->room = room;
	return true;
}

static struct dirent *record_at(const struct dir *d, size_t place)
{
	return (struct dirent *)(d->records + place);
}

static bool has_name(const struct dir *d, const char *name)
{
	for (size_t i = 0; i < d->size; i += record_at(d, i)->d_reclen)
		if (strcmp(record_at(d, i)->d_name, name) == 0)
			return true;
	return false;
}

/* All that the kernel lists. */
static bool load_machine(struct dir *d)
{
	for (;;) {
		ssize_t n;

		if (!make_room(d, 32768))
			return false;
		n = REAL(getdents64)(d->fd, d->records + d->size, 32768);
		if (n <= 0)
			return n == 0;
		d->size += (size_t)n;
	}
}

/* Is this entry of the machine's directory not to be seen, or only ours? */
static bool is_hidden(const struct hf_tree *tree, const char *dir,
		      const char *name)
{
	char path[PATH_MAX + 256];
	const struct hf_tree_node *node;

	strcpy(path, dir);
	strcat(path, "/");
	strcat(path, name);
	node = hf_tree_find(tree, path);
	return node ? node->flags & HF_TREE_FIRST : hf_path_hidden(tree, path);
}

/* A place is an offset into the records. */
static void drop_hidden(struct dir *d, const struct hf_tree *tree,
			const char *path)
{
	size_t end = 0;

	for (size_t i = 0; i < d->size;) {
		struct dirent *e = record_at(d, i);
		size_t size = e->d_reclen;

		i += size;
		if (tree && is_hidden(tree, path, e->d_name))
			continue;
		e = memmove(record_at(d, end), e, size);
		end += size;
		e->d_off = (off_t)end;
	}
	d->size = end;
}

/* What the tree has in a directory of the machine, and the machine has not. */
static bool merge_tree(struct dir *d, const char *path)
{
	const struct hf_tree_node *node = NULL;
	struct hf_path p;
	bool ok = true;

	/* For the tree; the path itself is the machine's. */
	hf_path_resolve(AT_FDCWD, path, 0, &p);
	drop_hidden(d, p.tree, path);
	while (ok && p.tree && (node = hf_tree_next(p.tree, path, node))) {
		const char *name = hf_tree_name(p.tree, node);
		size_t size = record_size(strlen(name));

		if (has_name(d, name))
			continue;
		ok = make_room(d, size);
		if (!ok)
			break;
		d->size += size;
		fill_record(record_at(d, d->size - size), size, name,
			    hf_stat_ino(hf_tree_path(p.tree, node)),
			    IFTODT(node->mode), d->size);
	}
	hf_path_put(&p);
	return ok;
}

/* A virtual directory's descriptor holds its records. */
static bool load_virtual(struct dir *d)
{
	off_t size = REAL(lseek)(d->fd, 0, SEEK_END);

	if (size < 0 || !make_room(d, (size_t)size))
		return false;
	if (REAL(pread)(d->fd, d->records, (size_t)size, 0) != size)
		return false;
	d->size = (size_t)size;
	return true;
}

static bool load(struct dir *d)
{
	char path[PATH_MAX];

	d->size = 0;
	d->place = 0;
	if (!d->machine)
		return load_virtual(d);
	hf_path_of_fd(d->fd, path);
	return load_machine(d) && merge_tree(d, path);
}

/* A DIR of ours on a descriptor, which stays the caller's on failure. */
static DIR *wrap(int fd, bool machine)
{
	struct dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->magic = d->magic_again = DIR_MAGIC;
	d->fd = fd;
	d->machine = machine;
	if (!load(d)) {
		free(d->records);
		free(d);
		errno = ENOMEM;
		return NULL;
	}
	return (DIR *)d;
}

/* ---- Opening ---- */

/* The descriptor of a directory to merge into, by what the kernel calls it. */
static bool fd_merges(int fd)
{
	char path[PATH_MAX];

	return !hf_path_of_fd(fd, path) && hf_path_merges(path);
}

/* Open a directory that is ours, or the machine's by way of ours. */
static DIR *open_ours(int dirfd, const char *name)
{
	struct hf_path p;
	DIR *dir = NULL;
	int fd = -1;
	bool machine;

	switch (hf_path_resolve(dirfd, name, 0, &p)) {
	case HF_PATH_NODE:
		fd = hf_open_node(&p, O_DIRECTORY | O_CLOEXEC);
		break;
	case HF_PATH_REAL:
		fd = REAL(open)(p.path, O_DIRECTORY | O_CLOEXEC);
		break;
	case HF_PATH_FAIL:
		break;
	}
	machine = p.kind == HF_PATH_REAL;
	hf_path_put(&p);
	if (fd < 0)
		return NULL;

	dir = machine && !fd_merges(fd) ? REAL(fdopendir)(fd) :
					  wrap(fd, machine);
	if (!dir)
		REAL(close)(fd);
	return dir;
}

/* Exchange the C library's DIR for one of ours where there is to merge. */
static DIR *merge(DIR *dir)
{
	int saved = errno;
	DIR *merged;
	int fd;

	if (!fd_merges(REAL(dirfd)(dir)))
		return dir;
	fd = REAL(fcntl)(REAL(dirfd)(dir), F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return dir;
	merged = wrap(fd, true);
	if (merged) {
		REAL(closedir)(dir);
		dir = merged;
	} else {
		REAL(close)(fd);
	}
	errno = saved;
	return dir;
}

/* May an opened directory of this name be one to merge into? */
static bool worth_a_look(const char *name)
{
	if (!hf_shim_active())
		return false;
	return name[0] == '/' ? hf_path_merged(name) : hf_cwd_inside();
}

HF_SHIM_EXPORT DIR *opendir(const char *name)
{
	bool first = hf_path_first(AT_FDCWD, name);
	int saved = errno;
	DIR *dir = NULL;

	errno = ENOENT;
	if (!first && !hf_cwd_claims(AT_FDCWD, name)) {
		errno = saved;
		dir = REAL(opendir)(name);
	}
	if (dir)
		return worth_a_look(name) ? merge(dir) : dir;
	if (!first && !hf_path_missed(AT_FDCWD, name))
		return NULL;
	dir = open_ours(AT_FDCWD, name);
	if (dir)
		errno = saved;
	return dir;
}

HF_SHIM_EXPORT DIR *fdopendir(int fd)
{
	char path[PATH_MAX];
	int saved = errno;
	struct stat st;
	DIR *dir;

	if (!hf_shim_active())
		return REAL(fdopendir)(fd);
	if ((hf_open_seen() || hf_cwd_inside()) && fd_merges(fd) &&
	    REAL(fstat)(fd, &st) == 0)
		return wrap(fd, true);
	dir = REAL(fdopendir)(fd);
	if (dir || errno != ENOTDIR || !hf_path_of_fd(fd, path) ||
	    fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode))
		return dir;
	dir = wrap(fd, false);
	if (dir)
		errno = saved;
	return dir;
}

/* ---- Reading ---- */

/* The next record, or NULL at the end; two readers get two records. */
static struct dirent *next_record(struct dir *d)
{
	size_t place = d->place;
	struct dirent *e;

	do {
		if (place >= d->size)
			return NULL;
		e = record_at(d, place);
	} while (!atomic_compare_exchange_weak(&d->place, &place,
					       place + e->d_reclen));
	return e;
}

HF_SHIM_EXPORT struct dirent *readdir(DIR *dir)
{
	return ours(dir) ? next_record(ours(dir)) : REAL(readdir)(dir);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

HF_SHIM_EXPORT int readdir_r(DIR *dir, struct dirent *entry,
			     struct dirent **result)
{
	struct dir *d = ours(dir);
	struct dirent *e;

	if (!d)
		return REAL(readdir_r)(dir, entry, result);
	e = next_record(d);
	*result = e ? memcpy(entry, e, e->d_reclen) : NULL;
	return 0;
}

#pragma GCC diagnostic pop

HF_SHIM_EXPORT int closedir(DIR *dir)
{
	struct dir *d = ours(dir);
	int fd;

	if (!d)
		return REAL(closedir)(dir);
	fd = d->fd;
	d->magic = 0;
	free(d->records);
	free(d);
	return REAL(close)(fd);
}

HF_SHIM_EXPORT void rewinddir(DIR *dir)
{
	struct dir *d = ours(dir);
	int saved = errno;

	if (!d) {
		REAL(rewinddir)(dir);
		return;
	}
	REAL(lseek)(d->fd, 0, SEEK_SET);
	load(d);
	errno = saved;
}

HF_SHIM_EXPORT long telldir(DIR *dir)
{
	return ours(dir) ? (long)ours(dir)->place : REAL(telldir)(dir);
}

HF_SHIM_EXPORT void seekdir(DIR *dir, long place)
{
	struct dir *d = ours(dir);

	if (!d)
		REAL(seekdir)(dir, place);
	else if (place >= 0 && (size_t)place <= d->size)
		d->place = (size_t)place;
}

HF_SHIM_EXPORT int dirfd(DIR *dir)
{
	return ours(dir) ? ours(dir)->fd : REAL(dirfd)(dir);
}

/* Whole records of a virtual directory, from the descriptor's own offset. */
static ssize_t read_records(int fd, void *buf, size_t size)
{
	off_t place = REAL(lseek)(fd, 0, SEEK_CUR);
	ssize_t n = REAL(pread)(fd, buf, size, place);
	size_t used = 0;

	if (place < 0 || n <= 0)
		return n;
	while (used + offsetof(struct dirent, d_name) < (size_t)n) {
		size_t next = ((struct dirent *)((char *)buf + used))->d_reclen;

		if (used + next > (size_t)n)
			break;
		used += next;
	}
	if (used == 0) {
		errno = EINVAL;
		return -1;
	}
	REAL(lseek)(fd, place + (off_t)used, SEEK_SET);
	return (ssize_t)used;
}

HF_SHIM_EXPORT ssize_t getdents64(int fd, void *buf, size_t size)
{
	char path[PATH_MAX];
	int saved = errno;
	struct stat st;
	ssize_t n = REAL(getdents64)(fd, buf, size);

	if (n >= 0 || errno != ENOTDIR || !hf_shim_active() ||
	    !hf_path_of_fd(fd, path) || fstat(fd, &st) < 0 ||
	    !S_ISDIR(st.st_mode))
		return n;
	n = read_records(fd, buf, size);
	if (n >= 0)
		errno = saved;
	return n;
}

/* ---- scandir ---- */

typedef int (*filter_fn)(const struct dirent *);
typedef int (*compare_fn)(const struct dirent **, const struct dirent **);

/* May the C library's own opendir see less than ours? */
static bool scan_ours(int dirfd, const char *name)
{
	if (!hf_shim_active())
		return false;
	if (hf_cwd_claims(dirfd, name) || hf_path_named(name) ||
	    hf_path_first(dirfd, name) || worth_a_look(name))
		return true;
	return dirfd != AT_FDCWD && name[0] != '/';
}

static DIR *open_at(int at, const char *name)
{
	DIR *dir;
	int fd;

	if (at == AT_FDCWD || name[0] == '/')
		return opendir(name);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	dir = fdopendir(fd);
	if (!dir)
		REAL(close)(fd);
	return dir;
}

static void free_list(struct dirent **list, size_t n)
{
	while (n > 0)
		free(list[--n]);
	free(list);
}

/* Append a copy of an entry; false without memory. */
static bool add_entry(struct dirent ***list, size_t n, const struct dirent *e)
{
	struct dirent **longer = *list;

	/* Grow at each power of two. */
	if ((n & (n - 1)) == 0) {
		longer = reallocarray(*list, n ? n * 2 : 1, sizeof(*longer));
		if (!longer)
			return false;
		*list = longer;
	}
	longer[n] = malloc(e->d_reclen);
	if (!longer[n])
		return false;
	memcpy(longer[n], e, e->d_reclen);
	return true;
}

static int scan(int at, const char *name, struct dirent ***result,
		filter_fn filter, compare_fn compare)
{
	DIR *dir = open_at(at, name);
	struct dirent **list = NULL;
	const struct dirent *e;
	int saved = errno;
	size_t n = 0;

	if (!dir)
		return -1;
	while ((e = readdir(dir))) {
		if (filter && !filter(e))
			continue;
		if (!add_entry(&list, n, e)) {
			free_list(list, n);
			closedir(dir);
			errno = ENOMEM;
			return -1;
		}
		n++;
	}
	closedir(dir);
	if (n && compare)
		qsort(list, n, sizeof(*list),
		      (int (*)(const void *, const void *))compare);
	*result = list ? list : malloc(sizeof(*list));
	errno = saved;
	return (int)n;
}

HF_SHIM_EXPORT int scandir(const char *name, struct dirent ***list,
			   filter_fn filter, compare_fn compare)
{
	if (scan_ours(AT_FDCWD, name))
		return scan(AT_FDCWD, name, list, filter, compare);
	return REAL(scandir)(name, list, filter, compare);
}

HF_SHIM_EXPORT int scandirat(int at, const char *name, struct dirent ***list,
			     filter_fn filter, compare_fn compare)
{
	if (scan_ours(at, name))
		return scan(at, name, list, filter, compare);
	return REAL(scandirat)(at, name, list, filter, compare);
}

/* ---- glob ---- */

static void *glob_opendir(const char *name)
{
	return opendir(name);
}

static struct dirent *glob_readdir(void *dir)
{
	return readdir(dir);
}

static void glob_closedir(void *dir)
{
	closedir(dir);
}

/* The C library's glob, on our functions where the pattern may meet ours. */
HF_SHIM_EXPORT int glob(const char *pattern, int flags,
			int (*error)(const char *, int), glob_t *g)
{
	int ret;

	if ((flags & GLOB_ALTDIRFUNC) || !worth_a_look(pattern))
		return REAL(glob)(pattern, flags, error, g);
	g->gl_opendir = glob_opendir;
	g->gl_readdir = glob_readdir;
	g->gl_closedir = glob_closedir;
	g->gl_stat = stat;
	g->gl_lstat = lstat;
	ret = REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, error, g);
	g->gl_flags &= ~GLOB_ALTDIRFUNC;
	return ret;
}

HF_ALIAS64(readdir64, readdir)
HF_ALIAS64(readdir64_r, readdir_r)
HF_ALIAS64(scandir64, scandir)
HF_ALIAS64(scandirat64, scandirat)
HF_ALIAS64(glob64, glob)
