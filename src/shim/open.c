/* SPDX-License-Identifier: MIT */
/*
 * Opening: the open family, stdio's, and openat2.
 *
 * A virtual file is written into a memfd named by its path, sealed, and
 * opened anew through /proc with the access mode that was asked for; so a
 * descriptor for reading reads only, and one of O_PATH does nothing at all.
 */
#include "shim/path.h"
#include "shim/served.h"

#include <linux/openat2.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "shim/attribute.h"
#include "shim/device.h"
#include "shim/raw.h"

/* What a descriptor is opened anew with; the rest was dealt with before. */
#define REOPEN_FLAGS (O_ACCMODE | O_CLOEXEC | O_PATH | O_NONBLOCK | O_APPEND | \
		      O_NOATIME)

/* Was a directory opened that we merge into? Inherited ones do not count. */
static atomic_bool seen;

/* ---- Nodes ---- */

/* "/proc/thread-self/fd/N" */
static void fd_link(char *link, int fd)
{
	char digits[12];
	size_t n = 0;

	strcpy(link, "/proc/thread-self/fd/");
	link += strlen(link);
	do {
		digits[n++] = (char)('0' + fd % 10);
		fd /= 10;
	} while (fd);
	while (n > 0)
		*link++ = digits[--n];
	*link = '\0';
}

static int write_node(int fd, const struct hf_path *p)
{
	const char *data;
	size_t size;

	if (hf_path_is_dir(p))
		return hf_dir_write(fd, p);
	if (!S_ISREG(p->node->mode))
		return 0;
	data = hf_tree_data(p->tree, p->node);
	size = p->node->data_size;
	while (size > 0) {
		ssize_t n = REAL(write)(fd, data, size);

		if (n <= 0)
			return -1;
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

/* An attribute that is written to and not read: it starts out empty. */
static bool is_sink(const struct hf_path *p, int flags)
{
	return S_ISREG(hf_path_mode(p)) && !(flags & O_PATH) &&
	       (flags & O_ACCMODE) == O_WRONLY;
}

/*
 * A memfd with the node's name, content and permissions. What is written to it goes to
 * the server (attribute.c), and stdio's writes pass through its memory.
 */
static int make_memfd(const struct hf_path *p, bool sink)
{
	char name[sizeof("holdfast:") + HF_TREE_PATH_MAX] = "holdfast:";
	int fd;

	strcat(name, p->path);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -1;
	if ((!sink && write_node(fd, p) < 0) ||
	    fchmod(fd, hf_path_mode(p) & 0777) < 0 ||
	    REAL(fcntl)(fd, F_ADD_SEALS, sink ? F_SEAL_SEAL :
			F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
			F_SEAL_SEAL) < 0) {
		REAL(close)(fd);
		return -1;
	}
	return fd;
}

/* Below a root directory without /proc: it takes reads and writes, whatever was
 * asked for, but what was sealed stays as it is. */
static int use_memfd(int fd, int flags)
{
	REAL(lseek)(fd, 0, SEEK_SET);
	if (!(flags & O_CLOEXEC))
		REAL(fcntl)(fd, F_SETFD, 0);
	REAL(fcntl)(fd, F_SETFL, flags & (O_APPEND | O_NONBLOCK));
	return fd;
}

/*
 * A memfd has no owner but its maker, whom the owner's permissions bind; open
 * it before they shut out a write that the node's owner may do.
 */
static int open_memfd(int fd, int flags)
{
	char link[40];
	int ret;

	if (fd < 0)
		return -1;
	fd_link(link, fd);
	ret = REAL(open)(link, flags & REOPEN_FLAGS & ~O_NOATIME);
	if (ret < 0 && errno == ENOENT) {
		ret = use_memfd(fd, flags);
	} else if (ret < 0) {
		int error = errno;

		REAL(close)(fd);
		errno = error;
		return -1;
	} else {
		REAL(close)(fd);
	}
	if ((flags & O_ACCMODE) != O_RDONLY)
		hf_attribute_opened();
	return ret;
}

/* What it was opened for, a socket is ready for already. */
static int open_served(const struct hf_path *p, int flags)
{
	int fd = hf_served_open(p->path, flags);
	struct stat st;

	if (fd < 0) {
		errno = -fd;
		return -1;
	}
	if (REAL(fstat)(fd, &st) == 0 && S_ISSOCK(st.st_mode))
		return fd;
	return open_memfd(fd, flags);
}

static int check_tmpfile(const struct hf_path *p)
{
	if (!hf_path_is_dir(p))
		return ENOTDIR;
	return hf_path_allowed(p, W_OK | X_OK, geteuid(), getegid()) ?
		       EOPNOTSUPP : EACCES;
}

/* The checks of open(2), in the kernel's order; 0 or an errno. */
static int check_open(const struct hf_path *p, int flags)
{
	int access_mode = flags & O_ACCMODE;
	bool dir = hf_path_is_dir(p);
	int mask = R_OK;

	if (flags & O_PATH)
		return (flags & O_DIRECTORY) && !dir ? ENOTDIR : 0;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return EEXIST;
	if (S_ISLNK(hf_path_mode(p)))
		return flags & O_DIRECTORY ? ENOTDIR : ELOOP;
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return check_tmpfile(p);
	if (dir && (flags & O_CREAT))
		return EISDIR;
	if ((flags & O_DIRECTORY) && !dir)
		return ENOTDIR;
	if (dir && (access_mode != O_RDONLY || (flags & O_TRUNC)))
		return EISDIR;

	if (access_mode == O_WRONLY)
		mask = W_OK;
	else if (access_mode != O_RDONLY)
		mask = R_OK | W_OK;
	if (flags & O_TRUNC)
		mask |= W_OK;
	if (!hf_path_allowed(p, mask, geteuid(), getegid()))
		return EACCES;
	/* sysfs holds even root to an attribute's permissions. */
	if (S_ISREG(hf_path_mode(p)) && (mask & W_OK) &&
	    !(hf_path_mode(p) & 0222))
		return EACCES;
	if (S_ISREG(hf_path_mode(p)) && (mask & R_OK) &&
	    !(hf_path_mode(p) & 0444))
		return EACCES;
	return 0;
}

int hf_open_node(const struct hf_path *p, int flags)
{
	int ret = p->node ? check_open(p, flags) : ENOENT;

	if (ret > 0) {
		errno = ret;
		return -1;
	}
	if (S_ISSOCK(p->node->mode) && !(flags & O_PATH)) {
		errno = ENXIO;
		return -1;
	}
	if ((p->node->flags & HF_TREE_SERVED) && !(flags & O_PATH) &&
	    !is_sink(p, flags))
		return open_served(p, flags);
	if (!S_ISCHR(p->node->mode) || (flags & O_PATH))
		return open_memfd(make_memfd(p, is_sink(p, flags)), flags);

	ret = p->node->major == HF_DRM_MAJOR ?
		      hf_shim_drm_open(p->node->minor, flags) :
		      hf_device_open(p->path, flags);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	return ret;
}

/* ---- The open family ---- */

void hf_open_saw(const char *name)
{
	if (!atomic_load_explicit(&seen, memory_order_relaxed) &&
	    name[0] == '/' &&
	    (!name[strspn(name, "/")] || hf_path_merged_dir(name)) &&
	    hf_shim_active())
		seen = true;
}

bool hf_open_seen(void)
{
	return seen;
}

/*
 * Nothing is created in a directory of ours. Where @name is not there but its
 * directory is, and is ours, say so in place of ENOENT.
 */
static void refuse_creation(int dirfd, const char *name, int error)
{
	size_t length = strlen(name);
	bool slash = length && name[length - 1] == '/';
	char parent[PATH_MAX];
	struct hf_path p;

	while (length > 0 && name[length - 1] == '/')
		length--;
	while (length > 0 && name[length - 1] != '/')
		length--;
	if (length >= sizeof(parent) - 1)
		return;
	memcpy(parent, name, length);
	strcpy(parent + length, ".");
	errno = error;
	if (hf_path_resolve(dirfd, parent, 0, &p) == HF_PATH_NODE &&
	    hf_path_is_dir(&p))
		error = slash ? EISDIR : EACCES;
	hf_path_put(&p);
	errno = error;
}

static int open_ours(int dirfd, const char *name, int flags, mode_t mode)
{
	bool nofollow = (flags & O_NOFOLLOW) ||
			(flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(dirfd, name,
				nofollow ? AT_SYMLINK_NOFOLLOW : 0, &p)) {
	case HF_PATH_NODE:
		if ((flags & O_CREAT) && name[0] &&
		    name[strlen(name) - 1] == '/')
			errno = EISDIR;
		else
			ret = hf_open_node(&p, flags);
		break;
	case HF_PATH_REAL:
		ret = REAL(open)(p.path, flags, mode);
		if (ret >= 0)
			hf_open_saw(p.path);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	if (ret < 0 && errno == ENOENT && (flags & O_CREAT))
		refuse_creation(dirfd, name, ENOENT);
	return ret;
}

/* A socket cannot be opened anew through /proc, but a DRM file can. */
static int reopen_drm(int dirfd, const char *name, int flags)
{
	int fd = hf_path_fd_link(dirfd, name), ret = -ENXIO;
	unsigned int minor;
	struct hf_path p;

	if (fd >= 0 && hf_shim_drm_fd(fd, &minor)) {
		ret = hf_shim_drm_open(minor, flags);
	} else if (fd >= 0 && hf_input_fd(fd, NULL)) {
		if (hf_path_resolve_drm(fd, &p) == HF_PATH_NODE)
			ret = hf_device_open(p.path, flags);
		hf_path_put(&p);
	}
	if (ret >= 0)
		return ret;
	errno = -ret;
	return -1;
}

/* A name of ours must not be created by the kernel before we are asked. */
static bool must_ask_first(const char *name, int flags)
{
	return (flags & O_CREAT) && hf_shim_active() && hf_path_named(name);
}

/*
 * Where the name is ours, sets @fd to the outcome; the kernel is asked only
 * where it is not.
 */
static bool create_ours(int dirfd, const char *name, int flags, mode_t mode,
			int *fd)
{
	int saved = errno;

	errno = 0;
	*fd = open_ours(dirfd, name, flags, mode);
	if (*fd < 0 && errno == 0) {
		errno = saved;
		return false;
	}
	if (*fd >= 0)
		errno = saved;
	return true;
}

/* What ends in a number may be somebody's fdinfo. */
static int opened(int fd, const char *name, int flags)
{
	size_t length = strlen(name);

	hf_open_saw(name);
	if (length && name[length - 1] >= '0' && name[length - 1] <= '9' &&
	    (flags & (O_ACCMODE | O_PATH)) == O_RDONLY && hf_shim_active())
		return hf_fdinfo_complete(fd, flags);
	return fd;
}

#define TRY_OPEN(dirfd, name, flags, mode, real) ({			\
	int fd_, before_ = errno;					\
	if (!must_ask_first(name, flags) ||				\
	    !create_ours(dirfd, name, flags, mode, &fd_)) {		\
		fd_ = HF_PATH_TRY(dirfd, name, real,			\
				  open_ours(dirfd, name, flags, mode));	\
		if (fd_ >= 0)						\
			fd_ = opened(fd_, name, flags);			\
		else if (errno == ENXIO && hf_shim_active())		\
			fd_ = reopen_drm(dirfd, name, flags);		\
		if (fd_ >= 0)						\
			errno = before_;				\
	}								\
	fd_; })

/* The mode is there only where a file may be created. */
#define MODE_ARGUMENT(flags) ({						\
	mode_t mode_ = 0;						\
	if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {	\
		va_list ap_;						\
		va_start(ap_, flags);					\
		mode_ = va_arg(ap_, mode_t);				\
		va_end(ap_);						\
	}								\
	mode_; })

HF_SHIM_EXPORT int open(const char *name, int flags, ...)
{
	mode_t mode = MODE_ARGUMENT(flags);

	return TRY_OPEN(AT_FDCWD, name, flags, mode,
			REAL(open)(name, flags, mode));
}

HF_SHIM_EXPORT int openat(int dirfd, const char *name, int flags, ...)
{
	mode_t mode = MODE_ARGUMENT(flags);

	return TRY_OPEN(dirfd, name, flags, mode,
			REAL(openat)(dirfd, name, flags, mode));
}

int __open_2(const char *name, int flags);
int __openat_2(int dirfd, const char *name, int flags);

HF_SHIM_EXPORT int __open_2(const char *name, int flags)
{
	return TRY_OPEN(AT_FDCWD, name, flags, 0, REAL(__open_2)(name, flags));
}

HF_SHIM_EXPORT int __openat_2(int dirfd, const char *name, int flags)
{
	return TRY_OPEN(dirfd, name, flags, 0,
			REAL(__openat_2)(dirfd, name, flags));
}

HF_SHIM_EXPORT int creat(const char *name, mode_t mode)
{
	const int flags = O_CREAT | O_WRONLY | O_TRUNC;

	return TRY_OPEN(AT_FDCWD, name, flags, mode, REAL(creat)(name, mode));
}

/* off_t is 64 bits wide either way. */
HF_ALIAS(open) int open64(const char *name, int flags, ...);
HF_ALIAS(openat) int openat64(int dirfd, const char *name, int flags, ...);
HF_ALIAS(open) int __open(const char *name, int flags, ...);
HF_ALIAS(open) int __open64(const char *name, int flags, ...);
HF_ALIAS(__open_2) int __open64_2(const char *name, int flags);
HF_ALIAS(__openat_2) int __openat64_2(int dirfd, const char *name, int flags);
HF_ALIAS(creat) int creat64(const char *name, mode_t mode);

/* ---- stdio ---- */

/* The flags of an fopen mode, or -1 where it is none. */
static int stdio_flags(const char *mode)
{
	int flags;

	switch (mode[0]) {
	case 'r':
		flags = O_RDONLY;
		break;
	case 'w':
		flags = O_WRONLY | O_CREAT | O_TRUNC;
		break;
	case 'a':
		flags = O_WRONLY | O_CREAT | O_APPEND;
		break;
	default:
		return -1;
	}
	for (mode++; *mode && *mode != ','; mode++) {
		if (*mode == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*mode == 'e')
			flags |= O_CLOEXEC;
		else if (*mode == 'x')
			flags |= O_EXCL;
	}
	return flags;
}

static FILE *fopen_fd(int fd, const char *mode)
{
	FILE *f;

	if (fd < 0)
		return NULL;
	f = fdopen(fd, mode);
	if (!f)
		REAL(close)(fd);
	return f;
}

/* Is this a name that fopen must not be asked about first? */
static bool stdio_claims(const char *name, const char *mode)
{
	int flags = stdio_flags(mode);
	int saved = errno;
	struct hf_path p;
	bool claims;

	if (flags < 0 || !must_ask_first(name, flags))
		return false;
	claims = hf_path_resolve(AT_FDCWD, name, 0, &p) != HF_PATH_FAIL;
	hf_path_put(&p);
	errno = saved;
	return claims;
}

HF_SHIM_EXPORT FILE *fopen(const char *name, const char *mode)
{
	int saved = errno;
	bool first = hf_path_first(AT_FDCWD, name);
	FILE *f = NULL;

	if (strstr(name, "/fdinfo/") && stdio_flags(mode) >= 0)
		return fopen_fd(open(name, stdio_flags(mode), 0666), mode);
	errno = ENOENT;
	if (!first && !hf_cwd_claims(AT_FDCWD, name) &&
	    !stdio_claims(name, mode)) {
		errno = saved;
		f = REAL(fopen)(name, mode);
	}
	if (f || stdio_flags(mode) < 0 ||
	    (!first && !hf_path_missed(AT_FDCWD, name)))
		return f;
	f = fopen_fd(open_ours(AT_FDCWD, name, stdio_flags(mode), 0666), mode);
	if (f)
		errno = saved;
	return f;
}

/* freopen closes the old file even when it fails, so look before. */
static FILE *freopen_ours(const char *name, const char *mode, FILE *f)
{
	int flags = stdio_flags(mode);
	int fd = open_ours(AT_FDCWD, name, flags, 0666);
	int old = fileno(f);
	char link[40];

	if (fd < 0 || old < 0) {
		int error = errno;

		if (fd >= 0)
			REAL(close)(fd);
		fclose(f);
		errno = error;
		return NULL;
	}
	fd_link(link, fd);
	f = REAL(freopen)(link, mode, f);
	REAL(close)(fd);
	return f;
}

HF_SHIM_EXPORT FILE *freopen(const char *name, const char *mode, FILE *f)
{
	struct hf_path p;
	bool ours = false;
	int saved = errno;

	if (name && stdio_flags(mode) >= 0 &&
	    (hf_cwd_claims(AT_FDCWD, name) || hf_path_named(name) ||
	     hf_path_first(AT_FDCWD, name))) {
		ours = hf_path_resolve(AT_FDCWD, name, 0, &p) != HF_PATH_FAIL;
		hf_path_put(&p);
		errno = saved;
	}
	return ours ? freopen_ours(name, mode, f) :
		      REAL(freopen)(name, mode, f);
}

HF_ALIAS(fopen) FILE *fopen64(const char *name, const char *mode);
HF_ALIAS(freopen) FILE *freopen64(const char *name, const char *mode, FILE *f);

/* ---- openat2(2) ---- */

/*
 * Of what openat2 can resolve by, only the refusal of links concerns names of
 * ours.
 */
static int openat2_ours(int dirfd, const char *name,
			const struct open_how *how)
{
	if (how->resolve & (RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH |
			    RESOLVE_IN_ROOT) &&
	    name[0] == '/' && !(how->resolve & RESOLVE_NO_SYMLINKS)) {
		errno = how->resolve & RESOLVE_BENEATH ? EXDEV : ENOENT;
		return -1;
	}
	return open_ours(dirfd, name, (int)how->flags, (mode_t)how->mode);
}

long hf_openat2(int dirfd, const char *name, const struct open_how *how,
		size_t size)
{
	int saved = errno;
	long fd = HF_PATH_TRY(dirfd, name,
			      hf_syscall(SYS_openat2, dirfd, name, how, size),
			      openat2_ours(dirfd, name, how));

	if (fd >= 0) {
		hf_open_saw(name);
		errno = saved;
	}
	return fd;
}
