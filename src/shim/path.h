/* SPDX-License-Identifier: MIT */
/*
 * What the shim's path files share; to be included first, for it decides
 * which of the C library's names are seen plainly.
 *
 * The rule that keeps a program that never touches DRM as fast as ever: the
 * C library's function goes first. Our paths do not exist for it, so only
 * when it fails with ENOENT or ENOTDIR, and the name has the looks of ours,
 * is the name resolved against the server's tree. What succeeds was not ours,
 * except for descriptors of ours, which a look at the answer tells.
 *
 * An open virtual file or directory is a memfd that is called by its path, so
 * the kernel keeps its identity through dup, fork, exec and passing. Nothing
 * here needs a lock or allocates on the open, stat, access and readlink paths.
 */
#ifndef HF_SHIM_PATH_H
#define HF_SHIM_PATH_H

#undef _FORTIFY_SOURCE
#undef _FILE_OFFSET_BITS
#undef _TIME_BITS
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shim/shim.h"
#include "uapi/tree.h"

_Static_assert(sizeof(struct stat) == sizeof(struct stat64) &&
	       sizeof(off_t) == 8, "the shim is for LP64");

#if __has_attribute(copy)
#define HF_ALIAS(of) HF_SHIM_EXPORT __attribute__((alias(#of), copy(of)))
#else
#define HF_ALIAS(of) HF_SHIM_EXPORT __attribute__((alias(#of)))
#endif

/* An alias whose types differ in name only, as struct stat64 and stat do. */
#define HF_ALIAS64_PLAIN(name, of) \
	HF_SHIM_EXPORT __typeof__(name) name __attribute__((alias(#of)));
#ifdef __clang__
#define HF_ALIAS64 HF_ALIAS64_PLAIN
#else
#define HF_ALIAS64(name, of)						\
	_Pragma("GCC diagnostic push")					\
	_Pragma("GCC diagnostic ignored \"-Wattribute-alias\"")		\
	_Pragma("GCC diagnostic ignored \"-Wmissing-attributes\"")	\
	_Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")	\
	HF_ALIAS64_PLAIN(name, of)					\
	_Pragma("GCC diagnostic pop")
#endif

/* ---- Resolving a name: path.c ---- */

/**
 * enum hf_path_kind - what a name turned out to be
 * @HF_PATH_FAIL: not ours, or an error; errno says which
 * @HF_PATH_REAL: the machine's, but only by way of ours: use hf_path.path
 * @HF_PATH_NODE: a node of the tree
 */
enum hf_path_kind { HF_PATH_FAIL, HF_PATH_REAL, HF_PATH_NODE };

/**
 * struct hf_path - a resolved name
 * @kind: what it is; of the fields below only @path is set for HF_PATH_REAL
 * @path: the canonical path of a node, or a path to hand to the kernel
 * @tree: where the node is from, referenced until hf_path_put()
 * @node: the node, or NULL: a descriptor of ours whose path is gone by now
 * @gone_mode: type and permissions of a node that is gone
 * @first: what the machine has by this name does not count
 */
struct hf_path {
	enum hf_path_kind kind;
	char path[PATH_MAX];
	const struct hf_tree *tree;
	const struct hf_tree_node *node;
	uint32_t gone_mode;
	bool first;
};

/**
 * hf_path_resolve() - Walk a name through the tree and the machine's files.
 * @dirfd: as for openat(2)
 * @name: the name
 * @flags: AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH
 * @p: filled; hf_path_put() it whatever came out
 *
 * Where the name is not ours at all, errno stays what it was.
 *
 * Return: the kind.
 */
enum hf_path_kind hf_path_resolve(int dirfd, const char *name, int flags,
				  struct hf_path *p);

/** hf_path_put() - Let go of the tree; keeps errno. */
void hf_path_put(struct hf_path *p);

/** hf_path_is_dir() - Did a name resolve to a directory of ours? */
bool hf_path_is_dir(const struct hf_path *p);

/** hf_path_mode() - Type and permissions of a node. */
uint32_t hf_path_mode(const struct hf_path *p);

/**
 * hf_path_missed() - Might a name that failed be ours?
 * @dirfd: as for openat(2)
 * @name: the name that the C library's function failed on
 *
 * Reads errno; makes no system call.
 */
bool hf_path_missed(int dirfd, const char *name);

/**
 * hf_path_named() - Does a name look like one of ours?
 * @name: the name
 *
 * For what must not reach the kernel first, such as creating a file.
 */
bool hf_path_named(const char *name);

/**
 * hf_path_first() - Is this a name that we go before the machine with?
 * @dirfd: as for openat(2)
 * @name: the name; NULL is none
 *
 * Where there is a seat, the machine's own VTs and input devices are hidden, and
 * names of ours stand in their place. Compares strings unless it may be one.
 */
bool hf_path_first(int dirfd, const char *name);

/** hf_path_hidden() - Does the machine have this canonical path in vain? */
bool hf_path_hidden(const struct hf_tree *tree, const char *path);

/**
 * hf_path_merged() - May this name be a directory to merge entries into?
 * @name: an absolute path
 *
 * Compares strings only, and so may say yes too often.
 */
bool hf_path_merged(const char *name);

/**
 * hf_path_merged_dir() - Is this name one of the directories to merge into?
 * @name: an absolute path; slashes at its end do not matter
 */
bool hf_path_merged_dir(const char *name);

/** hf_path_merges() - Is this canonical path a directory to merge into? */
bool hf_path_merges(const char *path);

/**
 * hf_path_of_fd() - The path that a virtual file was opened by.
 * @fd: any descriptor
 * @path: at least PATH_MAX bytes; holds what the kernel says even where the
 *        answer is no, or is empty
 *
 * Return: true where @fd is a memfd of ours.
 */
bool hf_path_of_fd(int fd, char *path);

/**
 * hf_path_plain() - Turn the kernel's name of a memfd of ours into its path.
 * @text: what readlink said, NUL-terminated; changed in place
 *
 * Return: true where it was such a name.
 */
bool hf_path_plain(char *text);

/**
 * hf_path_fd_link() - Is this "/proc/self/fd/N" or one of its other names?
 * @dirfd: as for openat(2)
 * @name: the name
 *
 * Return: N, or -1.
 */
int hf_path_fd_link(int dirfd, const char *name);

/**
 * hf_path_resolve_drm() - Resolve to the node that a socket of ours was opened by: a
 * DRM file, or one that is served.
 * @fd: any descriptor
 * @p: as for hf_path_resolve()
 */
enum hf_path_kind hf_path_resolve_drm(int fd, struct hf_path *p);

/**
 * hf_path_allowed() - May this user do that with a node?
 * @p: a node
 * @mask: of R_OK, W_OK and X_OK
 * @uid: real or effective
 * @gid: real or effective
 */
bool hf_path_allowed(const struct hf_path *p, int mask, uid_t uid, gid_t gid);

/**
 * hf_path_machine_dir() - The nearest directory above that the machine has.
 * @path: a canonical path, cut short in place
 */
void hf_path_machine_dir(char *path);

/*
 * The shape of every wrapper: call the C library; where it failed and the
 * name may be ours, do it our way, and leave errno alone if that worked.
 */
#define HF_PATH_TRY(dirfd, name, real, ours) ({				\
	int saved_ = errno;						\
	bool first_ = hf_path_first(dirfd, name);			\
	__typeof__(real) ret_;						\
	if (__builtin_expect(first_ || hf_cwd_claims(dirfd, name), false)) { \
		errno = ENOENT;						\
		ret_ = (__typeof__(ret_))-1;				\
	} else {							\
		ret_ = (real);						\
	}								\
	if (ret_ == (__typeof__(ret_))-1 &&				\
	    (first_ || hf_path_missed(dirfd, name))) {			\
		ret_ = (ours);						\
		if (ret_ != (__typeof__(ret_))-1)			\
			errno = saved_;					\
	}								\
	ret_; })

/* ---- The working directory: path_cwd.c ---- */

/**
 * enum hf_cwd - where the working directory is, as far as we know
 * @HF_CWD_START: not looked at yet
 * @HF_CWD_UNKNOWN: somewhere; the kernel knows
 * @HF_CWD_OUTSIDE: not in /dev, /sys or /run, nor their parent
 * @HF_CWD_INSIDE: the opposite
 * @HF_CWD_VIRTUAL: in a directory of ours, of which the kernel knows nothing
 */
enum hf_cwd {
	HF_CWD_START,
	HF_CWD_UNKNOWN,
	HF_CWD_OUTSIDE,
	HF_CWD_INSIDE,
	HF_CWD_VIRTUAL,
};

extern _Atomic int hf_cwd_kind;

bool hf_cwd_claims_slow(int dirfd, const char *name);

/** hf_cwd_claims() - Is this name relative to a working directory of ours? */
static inline bool hf_cwd_claims(int dirfd, const char *name)
{
	int kind = hf_cwd_kind;

	return dirfd == AT_FDCWD &&
	       (kind == HF_CWD_START || kind == HF_CWD_VIRTUAL) &&
	       hf_cwd_claims_slow(dirfd, name);
}

/**
 * hf_cwd_get() - The working directory.
 * @path: PATH_MAX bytes
 *
 * Return: false where the kernel will not tell.
 */
bool hf_cwd_get(char *path);

/** hf_cwd_inside() - May relative names reach what we merge into? */
bool hf_cwd_inside(void);

/* ---- Opening: open.c ---- */

/**
 * hf_open_node() - Open a node of the tree.
 * @p: a node
 * @flags: as for open(2)
 *
 * Return: a descriptor, or -1 with errno.
 */
int hf_open_node(const struct hf_path *p, int flags);

/**
 * hf_open_saw() - Note that a directory that we merge into was opened.
 *
 * Until then no descriptor is worth a look.
 */
void hf_open_saw(const char *name);

/** hf_open_seen() - Was there one? */
bool hf_open_seen(void);

/* ---- Attributes: stat.c ---- */

/**
 * hf_stat_node() - Fill a struct stat for a node.
 * @p: a node
 * @st: filled
 */
void hf_stat_node(const struct hf_path *p, struct stat *st);

/** hf_stat_ino() - The inode number of a path of ours. */
uint64_t hf_stat_ino(const char *path);

/* ---- Directories: dir.c ---- */

/**
 * hf_dir_write() - Write a directory's records for getdents64 into a file.
 * @fd: an empty file
 * @p: a directory
 *
 * Return: 0 or -1 with errno.
 */
int hf_dir_write(int fd, const struct hf_path *p);

/** hf_cwd_resolve() - Look chdir(2) up, for when that cannot be done later. */
void hf_cwd_resolve(void);

/** hf_openat2() - openat2(2), which the C library does not have. */
struct open_how;
long hf_openat2(int dirfd, const char *name, const struct open_how *how,
		size_t size);

#endif
