/* SPDX-License-Identifier: MIT */
/*
 * Attributes of names and descriptors: the stat family, access, readlink,
 * realpath, statfs and extended attributes.
 *
 * A descriptor of ours is a memfd or a socket to the kernel. The functions
 * that succeed on those look at the answer: only what may be ours (a file
 * without a name, a socket) is worth another question.
 */
#include "shim/path.h"

#include "shim/descriptor.h"
#include "shim/tty.h"

#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* ---- struct stat ---- */

uint64_t hf_stat_ino(const char *path)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
	/* Out of the way of the machine's own, and small enough to print. */
	return (hash >> 32 ^ (hash & 0xffffffff)) | 1ull << 40;
}

/* Ours are on the file system that "/dev" or "/sys" is. */
static dev_t machine_dev(const char *path)
{
	char root[16] = "/";
	struct stat st;

	strncat(root, path + 1, strnlen(path + 1, 3));
	return REAL(lstat)(root, &st) == 0 ? st.st_dev : makedev(0, 0xfe);
}

static nlink_t count_links(const struct hf_path *p)
{
	const struct hf_tree_node *node = NULL;
	nlink_t n = 1;

	if (!p->node)
		return 0;
	if (!S_ISDIR(p->node->mode))
		return n;
	for (n = 2; (node = hf_tree_next(p->tree, p->path, node));)
		n += S_ISDIR(node->mode);
	return n;
}

void hf_stat_node(const struct hf_path *p, struct stat *st)
{
	int saved = errno;

	*st = (struct stat){
		.st_dev = machine_dev(p->path),
		.st_ino = hf_stat_ino(p->path),
		.st_nlink = count_links(p),
		.st_mode = hf_path_mode(p),
		.st_blksize = 4096,
	};
	if (p->node) {
		st->st_uid = p->node->uid;
		st->st_gid = p->node->gid;
		st->st_size = p->node->size;
		/* Not 0 as in sysfs: a copier would take the file for sparse. */
		st->st_blocks = (p->node->size + 511) / 512;
		if (S_ISCHR(p->node->mode))
			st->st_rdev = makedev(p->node->major, p->node->minor);
	}
	st->st_mtim.tv_sec = p->tree->time;
	st->st_atim = st->st_ctim = st->st_mtim;
	errno = saved;
}

/*
 * The kernel answered for something that has this mode and so many names.
 * Is that a memfd or a socket of ours? Then @p is resolved.
 */
static bool answered_for_ours(int dirfd, const char *name, int flags,
			      mode_t mode, nlink_t nlink, struct hf_path *p)
{
	int saved = errno;
	bool ours = false;

	if (!hf_shim_active())
		return false;
	if (S_ISSOCK(mode)) {
		int fd = name && *name ? hf_path_fd_link(dirfd, name) : dirfd;

		if (fd < 0)
			return false;
		ours = hf_path_resolve_drm(fd, p) == HF_PATH_NODE;
	} else if (S_ISREG(mode) && nlink == 0) {
		ours = hf_path_resolve(dirfd, name ? name : "",
				       name && *name ? flags : AT_EMPTY_PATH,
				       p) == HF_PATH_NODE;
	} else {
		return false;
	}
	if (!ours)
		hf_path_put(p);
	errno = saved;
	return ours;
}

/* Is a descriptor that the kernel takes for a pty a virtual terminal? */
static bool answered_for_tty(int dirfd, const char *name,
			     const struct stat *st, struct hf_path *p)
{
	unsigned int number = hf_vt_of_stat(st);
	char path[HF_TTY_PATH];

	if (!number || (name && *name && hf_path_fd_link(dirfd, name) < 0))
		return false;
	snprintf(path, sizeof(path), "/dev/tty%u", number);
	if (hf_path_resolve(AT_FDCWD, path, 0, p) == HF_PATH_NODE)
		return true;
	hf_path_put(p);
	return false;
}

static int correct(int dirfd, const char *name, int flags, struct stat *st)
{
	struct hf_path p;

	if (S_ISCHR(st->st_mode)) {
		if (answered_for_tty(dirfd, name, st, &p)) {
			hf_stat_node(&p, st);
			hf_path_put(&p);
		}
		return 0;
	}
	if (answered_for_ours(dirfd, name, flags, st->st_mode, st->st_nlink,
			      &p)) {
		hf_stat_node(&p, st);
		hf_path_put(&p);
	}
	return 0;
}

static int stat_ours(int dirfd, const char *name, int flags, struct stat *st)
{
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(dirfd, name, flags, &p)) {
	case HF_PATH_NODE:
		hf_stat_node(&p, st);
		ret = 0;
		break;
	case HF_PATH_REAL:
		ret = REAL(fstatat)(AT_FDCWD, p.path, st, flags);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

#define TRY_STAT(dirfd, name, flags, st, real) ({			\
	int stat_ = HF_PATH_TRY(dirfd, name, real,			\
				stat_ours(dirfd, name, flags, st));	\
	stat_ == 0 ? correct(dirfd, name, flags, st) : stat_; })

HF_SHIM_EXPORT int stat(const char *name, struct stat *st)
{
	return TRY_STAT(AT_FDCWD, name, 0, st, REAL(stat)(name, st));
}

HF_SHIM_EXPORT int lstat(const char *name, struct stat *st)
{
	return TRY_STAT(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, st,
			REAL(lstat)(name, st));
}

HF_SHIM_EXPORT int fstatat(int dirfd, const char *name, struct stat *st,
			   int flags)
{
	return TRY_STAT(dirfd, name, flags, st,
			REAL(fstatat)(dirfd, name, st, flags));
}

HF_SHIM_EXPORT int fstat(int fd, struct stat *st)
{
	int ret = REAL(fstat)(fd, st);

	return ret == 0 ? correct(fd, NULL, AT_EMPTY_PATH, st) : ret;
}

/* Programs built before glibc 2.33 call these; the version is always one. */
int __xstat(int version, const char *name, struct stat *st);
int __lxstat(int version, const char *name, struct stat *st);
int __fxstat(int version, int fd, struct stat *st);
int __fxstatat(int version, int dirfd, const char *name, struct stat *st,
	       int flags);

HF_SHIM_EXPORT int __xstat(int version, const char *name, struct stat *st)
{
	(void)version;
	return TRY_STAT(AT_FDCWD, name, 0, st, REAL(stat)(name, st));
}

HF_SHIM_EXPORT int __lxstat(int version, const char *name, struct stat *st)
{
	(void)version;
	return TRY_STAT(AT_FDCWD, name, AT_SYMLINK_NOFOLLOW, st,
			REAL(lstat)(name, st));
}

HF_SHIM_EXPORT int __fxstat(int version, int fd, struct stat *st)
{
	int ret = REAL(fstat)(fd, st);

	(void)version;
	return ret == 0 ? correct(fd, NULL, AT_EMPTY_PATH, st) : ret;
}

HF_SHIM_EXPORT int __fxstatat(int version, int dirfd, const char *name,
			      struct stat *st, int flags)
{
	(void)version;
	return TRY_STAT(dirfd, name, flags, st,
			REAL(fstatat)(dirfd, name, st, flags));
}

int __xstat64(int version, const char *name, struct stat64 *st);
int __lxstat64(int version, const char *name, struct stat64 *st);
int __fxstat64(int version, int fd, struct stat64 *st);
int __fxstatat64(int version, int dirfd, const char *name, struct stat64 *st,
		 int flags);
HF_ALIAS64(stat64, stat)
HF_ALIAS64(lstat64, lstat)
HF_ALIAS64(fstat64, fstat)
HF_ALIAS64(fstatat64, fstatat)
HF_ALIAS64(__xstat64, __xstat)
HF_ALIAS64(__lxstat64, __lxstat)
HF_ALIAS64(__fxstat64, __fxstat)
HF_ALIAS64(__fxstatat64, __fxstatat)

/* ---- statx ---- */

static void statx_node(const struct hf_path *p, struct statx *stx)
{
	struct stat st;

	hf_stat_node(p, &st);
	*stx = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st.st_blksize,
		.stx_nlink = (uint32_t)st.st_nlink,
		.stx_uid = st.st_uid,
		.stx_gid = st.st_gid,
		.stx_mode = (uint16_t)st.st_mode,
		.stx_ino = st.st_ino,
		.stx_size = (uint64_t)st.st_size,
		.stx_blocks = (uint64_t)st.st_blocks,
		.stx_rdev_major = major(st.st_rdev),
		.stx_rdev_minor = minor(st.st_rdev),
		.stx_dev_major = major(st.st_dev),
		.stx_dev_minor = minor(st.st_dev),
	};
	stx->stx_mtime.tv_sec = st.st_mtim.tv_sec;
	stx->stx_atime = stx->stx_ctime = stx->stx_mtime;
}

static int statx_ours(int dirfd, const char *name, int flags,
		      unsigned int mask, struct statx *stx)
{
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(dirfd, name, flags, &p)) {
	case HF_PATH_NODE:
		statx_node(&p, stx);
		ret = 0;
		break;
	case HF_PATH_REAL:
		ret = REAL(statx)(AT_FDCWD, p.path, flags, mask, stx);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int statx(int dirfd, const char *name, int flags,
			 unsigned int mask, struct statx *stx)
{
	struct hf_path p;
	int ret = HF_PATH_TRY(dirfd, name,
			      REAL(statx)(dirfd, name, flags, mask, stx),
			      statx_ours(dirfd, name, flags, mask, stx));

	if (ret == 0 &&
	    (S_ISCHR(stx->stx_mode) ?
		     answered_for_tty(dirfd, name, &(struct stat){
			.st_mode = stx->stx_mode,
			.st_dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
			.st_rdev = makedev(stx->stx_rdev_major,
					   stx->stx_rdev_minor),
		     }, &p) :
		     answered_for_ours(dirfd, name, flags, stx->stx_mode,
				       stx->stx_nlink, &p))) {
		statx_node(&p, stx);
		hf_path_put(&p);
	}
	return ret;
}

/* ---- access ---- */

static int access_ours(int dirfd, const char *name, int mask, int flags)
{
	bool effective = flags & AT_EACCESS;
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(dirfd, name, flags & ~AT_EACCESS, &p)) {
	case HF_PATH_NODE:
		if (hf_path_allowed(&p, mask, effective ? geteuid() : getuid(),
				    effective ? getegid() : getgid()))
			ret = 0;
		else
			errno = EACCES;
		break;
	case HF_PATH_REAL:
		ret = REAL(faccessat)(AT_FDCWD, p.path, mask, flags);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int access(const char *name, int mask)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(access)(name, mask),
			   access_ours(AT_FDCWD, name, mask, 0));
}

HF_SHIM_EXPORT int faccessat(int dirfd, const char *name, int mask, int flags)
{
	return HF_PATH_TRY(dirfd, name,
			   REAL(faccessat)(dirfd, name, mask, flags),
			   access_ours(dirfd, name, mask, flags));
}

HF_SHIM_EXPORT int euidaccess(const char *name, int mask)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(euidaccess)(name, mask),
			   access_ours(AT_FDCWD, name, mask, AT_EACCESS));
}

HF_ALIAS(euidaccess) int eaccess(const char *name, int mask);

/* ---- readlink ---- */

/* As much of the text as fits, without a NUL. */
static ssize_t copy_link(char *buf, size_t size, const char *text, size_t n)
{
	if (n > size)
		n = size;
	memcpy(buf, text, n);
	return (ssize_t)n;
}

static ssize_t readlink_ours(int dirfd, const char *name, char *buf,
			     size_t size)
{
	struct hf_path p;
	ssize_t ret = -1;

	switch (hf_path_resolve(dirfd, name,
				AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &p)) {
	case HF_PATH_NODE:
		if (p.node && S_ISLNK(p.node->mode))
			ret = copy_link(buf, size,
					hf_tree_data(p.tree, p.node),
					p.node->data_size);
		else
			errno = *name ? EINVAL : ENOENT;
		break;
	case HF_PATH_REAL:
		ret = REAL(readlink)(p.path, buf, size);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

static bool begins(const char *buf, ssize_t n, const char *with)
{
	size_t length = strlen(with);

	return n > 0 && memcmp(buf, with, (size_t)n < length ? (size_t)n :
			       length) == 0;
}

/*
 * The kernel's name of a descriptor of ours becomes the path that it was
 * opened by. The caller's buffer may be too small for the former.
 */
static ssize_t correct_link(int dirfd, const char *name, char *buf,
			    size_t size, ssize_t n)
{
	struct hf_path p;

	if (n <= 0 || !hf_shim_active())
		return n;
	if (begins(buf, n, "/memfd:holdfast:")) {
		char text[PATH_MAX];
		ssize_t full = REAL(readlinkat)(dirfd, name, text,
						sizeof(text) - 1);

		if (full < 0)
			return n;
		text[full] = '\0';
		return hf_path_plain(text) ?
			       copy_link(buf, size, text, strlen(text)) : n;
	}
	if (begins(buf, n, "/dev/pts/")) {
		char path[HF_TTY_PATH];
		int fd = hf_path_fd_link(dirfd, name);

		return fd >= 0 && hf_tty_path(fd, path) ?
			       copy_link(buf, size, path, strlen(path)) : n;
	}
	if (begins(buf, n, "socket:[")) {
		int fd = hf_path_fd_link(dirfd, name);

		if (fd >= 0 && hf_path_resolve_drm(fd, &p) == HF_PATH_NODE) {
			n = copy_link(buf, size, p.path, strlen(p.path));
			hf_path_put(&p);
		}
	}
	return n;
}

#define TRY_READLINK(dirfd, name, buf, size, real) ({			\
	ssize_t n_ = HF_PATH_TRY(dirfd, name, real,			\
				 readlink_ours(dirfd, name, buf, size)); \
	correct_link(dirfd, name, buf, size, n_); })

HF_SHIM_EXPORT ssize_t readlink(const char *name, char *buf, size_t size)
{
	return TRY_READLINK(AT_FDCWD, name, buf, size,
			    REAL(readlink)(name, buf, size));
}

HF_SHIM_EXPORT ssize_t readlinkat(int dirfd, const char *name, char *buf,
				  size_t size)
{
	return TRY_READLINK(dirfd, name, buf, size,
			    REAL(readlinkat)(dirfd, name, buf, size));
}

ssize_t __readlink_chk(const char *name, char *buf, size_t size, size_t room);
ssize_t __readlinkat_chk(int dirfd, const char *name, char *buf, size_t size,
			 size_t room);

HF_SHIM_EXPORT ssize_t __readlink_chk(const char *name, char *buf, size_t size,
				      size_t room)
{
	return TRY_READLINK(AT_FDCWD, name, buf, size,
			    REAL(__readlink_chk)(name, buf, size, room));
}

HF_SHIM_EXPORT ssize_t __readlinkat_chk(int dirfd, const char *name, char *buf,
					size_t size, size_t room)
{
	return TRY_READLINK(dirfd, name, buf, size,
			    REAL(__readlinkat_chk)(dirfd, name, buf, size,
						   room));
}

/* ---- realpath ---- */

static char *realpath_ours(const char *name, char *buf)
{
	int fd = hf_path_fd_link(AT_FDCWD, name);
	enum hf_path_kind kind = HF_PATH_FAIL;
	struct hf_path p;
	char *ret = NULL;

	if (fd >= 0)
		kind = hf_path_resolve_drm(fd, &p);
	if (kind == HF_PATH_FAIL) {
		if (fd >= 0)
			hf_path_put(&p);
		kind = hf_path_resolve(AT_FDCWD, name, 0, &p);
	}
	if (kind == HF_PATH_NODE)
		ret = buf ? strcpy(buf, p.path) : strdup(p.path);
	else if (kind == HF_PATH_REAL)
		ret = REAL(realpath)(p.path, buf);
	hf_path_put(&p);
	return ret;
}

/* Of a descriptor that is a virtual terminal: its own path. */
static char *correct_tty(const char *name, char *buf, char *real)
{
	int fd = hf_path_fd_link(AT_FDCWD, name);
	char path[HF_TTY_PATH];

	if (fd < 0 || !hf_tty_path(fd, path))
		return real;
	if (buf)
		return strcpy(buf, path);
	free(real);
	return strdup(path);
}

static char *try_realpath(const char *name, char *buf)
{
	bool first = hf_path_first(AT_FDCWD, name);
	int saved = errno;
	char *ret = NULL;

	errno = ENOENT;
	if (!first && !hf_cwd_claims(AT_FDCWD, name)) {
		errno = saved;
		ret = REAL(realpath)(name, buf);
		if (ret && strncmp(ret, "/dev/pts/", 9) == 0)
			ret = correct_tty(name, buf, ret);
	}
	if (ret || !name || (!first && !hf_path_missed(AT_FDCWD, name)))
		return ret;
	ret = realpath_ours(name, buf);
	if (ret)
		errno = saved;
	return ret;
}

HF_SHIM_EXPORT char *realpath(const char *name, char *buf)
{
	return try_realpath(name, buf);
}

char *__realpath_chk(const char *name, char *buf, size_t room);

HF_SHIM_EXPORT char *__realpath_chk(const char *name, char *buf, size_t room)
{
	if (room < PATH_MAX)
		return REAL(__realpath_chk)(name, buf, room);
	return try_realpath(name, buf);
}

HF_SHIM_EXPORT char *canonicalize_file_name(const char *name)
{
	return try_realpath(name, NULL);
}

/* ---- statfs ---- */

/* Ours are on the file systems of the kernel's; libudev insists on sysfs. */
static int statfs_node(const struct hf_path *p, struct statfs *st)
{
	bool sysfs = strncmp(p->path, "/sys", 4) == 0;
	int saved = errno;

	if (REAL(statfs)(sysfs ? "/sys" : "/dev", st) < 0)
		*st = (struct statfs){ .f_bsize = 4096, .f_namelen = 255 };
	errno = saved;
	st->f_type = sysfs ? SYSFS_MAGIC : TMPFS_MAGIC;
	return 0;
}

static int statfs_ours(const char *name, struct statfs *st)
{
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(AT_FDCWD, name, 0, &p)) {
	case HF_PATH_NODE:
		ret = statfs_node(&p, st);
		break;
	case HF_PATH_REAL:
		ret = REAL(statfs)(p.path, st);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int statfs(const char *name, struct statfs *st)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(statfs)(name, st),
			   statfs_ours(name, st));
}

HF_SHIM_EXPORT int fstatfs(int fd, struct statfs *st)
{
	int ret = REAL(fstatfs)(fd, st);
	mode_t mode = 0;
	struct hf_path p;

	if (ret == 0 && st->f_type == SOCKFS_MAGIC)
		mode = S_IFSOCK;
	else if (ret == 0 && st->f_type == TMPFS_MAGIC)
		mode = S_IFREG;
	if (mode && answered_for_ours(fd, NULL, 0, mode, 0, &p)) {
		statfs_node(&p, st);
		hf_path_put(&p);
	}
	return ret;
}

static int statvfs_ours(const char *name, struct statvfs *st)
{
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(AT_FDCWD, name, 0, &p)) {
	case HF_PATH_NODE:
		hf_path_machine_dir(p.path);
		/* fall through */
	case HF_PATH_REAL:
		ret = REAL(statvfs)(p.path, st);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int statvfs(const char *name, struct statvfs *st)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(statvfs)(name, st),
			   statvfs_ours(name, st));
}

HF_ALIAS64(statfs64, statfs)
HF_ALIAS64(fstatfs64, fstatfs)
HF_ALIAS64(statvfs64, statvfs)

/* ---- Extended attributes ---- */

/* Ours have none; of ACLs sysfs says that it knows nothing. */
static ssize_t no_xattr(const char *attribute)
{
	if (!attribute)
		return 0;
	errno = strncmp(attribute, "system.", 7) == 0 ? EOPNOTSUPP : ENODATA;
	return -1;
}

#define XATTR_OURS(fn, flags, attribute, file, ...) ({			\
	struct hf_path p_;						\
	ssize_t n_ = -1;						\
	enum hf_path_kind kind_ =					\
		hf_path_resolve(AT_FDCWD, file, flags, &p_);		\
	if (kind_ == HF_PATH_NODE)					\
		n_ = no_xattr(attribute);				\
	else if (kind_ == HF_PATH_REAL)					\
		n_ = REAL(fn)(p_.path, __VA_ARGS__);			\
	hf_path_put(&p_);						\
	n_; })

#define TRY_XATTR(fn, flags, attribute, file, ...)			\
	HF_PATH_TRY(AT_FDCWD, file, REAL(fn)(file, __VA_ARGS__),	\
		    XATTR_OURS(fn, flags, attribute, file, __VA_ARGS__))

HF_SHIM_EXPORT ssize_t getxattr(const char *name, const char *attribute,
				void *value, size_t size)
{
	return TRY_XATTR(getxattr, 0, attribute, name, attribute, value, size);
}

HF_SHIM_EXPORT ssize_t lgetxattr(const char *name, const char *attribute,
				 void *value, size_t size)
{
	return TRY_XATTR(lgetxattr, AT_SYMLINK_NOFOLLOW, attribute, name,
			 attribute, value, size);
}

HF_SHIM_EXPORT ssize_t listxattr(const char *name, char *list, size_t size)
{
	return TRY_XATTR(listxattr, 0, NULL, name, list, size);
}

HF_SHIM_EXPORT ssize_t llistxattr(const char *name, char *list, size_t size)
{
	return TRY_XATTR(llistxattr, AT_SYMLINK_NOFOLLOW, NULL, name, list,
			 size);
}
