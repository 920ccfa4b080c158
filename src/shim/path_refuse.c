/* SPDX-License-Identifier: MIT */
/*
 * What cannot be done to our paths: they are neither made nor removed nor
 * changed. The kernel would say that there is nothing; we say what it says of
 * sysfs and of another's node in /dev.
 */
#include "shim/path.h"
#include "shim/device.h"

#include <string.h>
#include <sys/inotify.h>

#define NOFOLLOW AT_SYMLINK_NOFOLLOW

/*
 * The call on a name that is ours, or the machine's by way of ours; then @args
 * finds the latter's path where the parameters were.
 */
#define REFUSED(fn, args, at, flags, error) ({				\
	struct hf_path p_;						\
	int refused_ = -1;						\
	enum hf_path_kind kind_ = hf_path_resolve(at, name, flags, &p_); \
	if (kind_ == HF_PATH_NODE) {					\
		errno = error;						\
	} else if (kind_ == HF_PATH_REAL) {				\
		const char *name = p_.path;				\
		refused_ = REAL(fn) args;				\
	}								\
	hf_path_put(&p_);						\
	refused_; })

/* A function that fails with an error on names of ours. */
#define REFUSE(fn, params, args, at, flags, error)			\
	HF_SHIM_EXPORT int fn params					\
	{								\
		return HF_PATH_TRY(at, name, REAL(fn) args,		\
				   REFUSED(fn, args, at, flags, error)); \
	}

REFUSE(unlink, (const char *name), (name), AT_FDCWD, NOFOLLOW, EPERM)
REFUSE(unlinkat, (int dirfd, const char *name, int flags),
       (dirfd, name, flags), dirfd, NOFOLLOW, EPERM)
REFUSE(rmdir, (const char *name), (name), AT_FDCWD, NOFOLLOW, EPERM)
REFUSE(truncate, (const char *name, off_t size), (name, size), AT_FDCWD, 0,
       EACCES)
REFUSE(utimensat, (int dirfd, const char *name,
		   const struct timespec times[2], int flags),
       (dirfd, name, times, flags), dirfd, flags & NOFOLLOW, EPERM)
REFUSE(name_to_handle_at, (int dirfd, const char *name,
			   struct file_handle *handle, int *mount, int flags),
       (dirfd, name, handle, mount, flags), dirfd,
       flags & AT_SYMLINK_FOLLOW ? 0 : NOFOLLOW, EOPNOTSUPP)

HF_ALIAS64(truncate64, truncate)

/* -- owners ---------------------------------------------------------------- */

/*
 * Terminals are handed from user to user; what else is ours stays whose it is, which
 * the server says.
 */
static int set_owner(int dirfd, const char *name, int flags, uint32_t uid,
		     uint32_t gid, uint32_t mode)
{
	struct hf_path p;
	int ret = -1, error = 0;

	switch (hf_path_resolve(dirfd, name, flags & NOFOLLOW, &p)) {
	case HF_PATH_NODE:
		error = -EPERM;
		if (p.node && S_ISCHR(p.node->mode))
			error = hf_device_set_owner(p.path, uid, gid, mode);
		errno = -error;
		ret = error ? -1 : 0;
		break;
	case HF_PATH_REAL:
		ret = mode == UINT32_MAX ?
			      REAL(fchownat)(AT_FDCWD, p.path, uid, gid, flags) :
			      REAL(fchmodat)(AT_FDCWD, p.path, mode, flags);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int chmod(const char *name, mode_t mode)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(chmod)(name, mode),
			   set_owner(AT_FDCWD, name, 0, UINT32_MAX, UINT32_MAX,
				     mode));
}

HF_SHIM_EXPORT int fchmodat(int dirfd, const char *name, mode_t mode, int flags)
{
	return HF_PATH_TRY(dirfd, name, REAL(fchmodat)(dirfd, name, mode, flags),
			   set_owner(dirfd, name, flags, UINT32_MAX, UINT32_MAX,
				     mode));
}

HF_SHIM_EXPORT int chown(const char *name, uid_t uid, gid_t gid)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(chown)(name, uid, gid),
			   set_owner(AT_FDCWD, name, 0, uid, gid, UINT32_MAX));
}

HF_SHIM_EXPORT int lchown(const char *name, uid_t uid, gid_t gid)
{
	return HF_PATH_TRY(AT_FDCWD, name, REAL(lchown)(name, uid, gid),
			   set_owner(AT_FDCWD, name, NOFOLLOW, uid, gid,
				     UINT32_MAX));
}

HF_SHIM_EXPORT int fchownat(int dirfd, const char *name, uid_t uid, gid_t gid,
			    int flags)
{
	return HF_PATH_TRY(dirfd, name,
			   REAL(fchownat)(dirfd, name, uid, gid, flags),
			   set_owner(dirfd, name, flags, uid, gid, UINT32_MAX));
}

/* -- others ---------------------------------------------------------------- */

/* A directory must not come to be where there is one of ours. */
static bool is_there(int dirfd, const char *name)
{
	struct hf_path p;
	int saved = errno;
	bool there;

	if (!hf_path_named(name) && !hf_path_first(dirfd, name))
		return false;
	there = hf_path_resolve(dirfd, name, NOFOLLOW, &p) == HF_PATH_NODE;
	hf_path_put(&p);
	errno = there ? EEXIST : saved;
	return there;
}

static int make_dir(int dirfd, const char *name, mode_t mode)
{
	if (is_there(dirfd, name))
		return -1;
	return HF_PATH_TRY(dirfd, name, REAL(mkdirat)(dirfd, name, mode),
			   REFUSED(mkdirat, (dirfd, name, mode), dirfd,
				   NOFOLLOW, EEXIST));
}

HF_SHIM_EXPORT int mkdir(const char *name, mode_t mode)
{
	return make_dir(AT_FDCWD, name, mode);
}

HF_SHIM_EXPORT int mkdirat(int dirfd, const char *name, mode_t mode)
{
	return make_dir(dirfd, name, mode);
}

/* Ours do not change in a way to watch for; the directory above them may. */
static int watch_ours(int fd, const char *name, uint32_t mask)
{
	struct hf_path p;
	int ret = -1;

	switch (hf_path_resolve(AT_FDCWD, name, 0, &p)) {
	case HF_PATH_NODE:
		hf_path_machine_dir(p.path);
		/* fall through */
	case HF_PATH_REAL:
		ret = REAL(inotify_add_watch)(fd, p.path, mask);
		break;
	case HF_PATH_FAIL:
		break;
	}
	hf_path_put(&p);
	return ret;
}

HF_SHIM_EXPORT int inotify_add_watch(int fd, const char *name, uint32_t mask)
{
	return HF_PATH_TRY(AT_FDCWD, name,
			   REAL(inotify_add_watch)(fd, name, mask),
			   watch_ours(fd, name, mask));
}
