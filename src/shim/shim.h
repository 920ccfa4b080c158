/* SPDX-License-Identifier: MIT */
/*
 * What the shim's files share.
 *
 * The shim has no policy: it makes paths appear, marshals ioctls and turns
 * offsets into mappings. All of its state lives in one region that the kernel
 * wipes on fork (MADV_WIPEONFORK), so a child starts afresh: it connects
 * anew and never touches its parent's channel.
 */
#ifndef HF_SHIM_H
#define HF_SHIM_H

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HF_SHIM_EXPORT __attribute__((visibility("default")))

/*
 * The C library's own function behind one that the shim replaces. Resolved on
 * first use; a race resolves it twice, to the same address.
 */
#define REAL(fn) ({						\
	static __typeof__(&fn) real_##fn;			\
	if (!real_##fn)						\
		real_##fn = (__typeof__(&fn))dlsym(RTLD_NEXT, #fn); \
	real_##fn; })

/**
 * hf_shim_active() - Is there a device to show to this process?
 *
 * True where the environment names a server. Never connects, costs a load.
 */
bool hf_shim_active(void);

/**
 * hf_shim_drm_open() - Open a DRM node on the server.
 * @minor: the node's minor number, 0..255
 * @flags: what open(2) was called with; O_CLOEXEC, O_NONBLOCK and the access
 *         mode count
 *
 * Return: a file descriptor, or a negative errno: %ENODEV without a server,
 * %ENXIO for a minor that it does not have, %EMFILE.
 */
int hf_shim_drm_open(unsigned int minor, int flags);

/**
 * hf_shim_drm_fd() - Is this descriptor a DRM file of ours?
 * @fd: any number
 * @minor: set to the node's minor number where it is; may be NULL
 *
 * Asks the kernel (the name of the socket's peer), so it holds for
 * descriptors that were inherited, duplicated or received. Keeps errno.
 */
bool hf_shim_drm_fd(int fd, unsigned int *minor);

/**
 * hf_shim_tree_fd() - Fetch the tree of paths that the server shows.
 *
 * Return: a descriptor of a sealed memfd in the format of uapi/tree.h that
 * the caller closes, or a negative errno.
 */
int hf_shim_tree_fd(void);

/**
 * hf_shim_tree_generation() - The tree's current generation.
 *
 * Changes when the server has a new tree (a connector came or went). 0 where
 * there is no connection yet. Costs a load.
 */
unsigned int hf_shim_tree_generation(void);

/**
 * hf_fdinfo_complete() - Was this the fdinfo of a DRM file that was opened?
 * @fd: the kernel's, open for reading
 * @flags: what it was opened with
 *
 * Return: @fd, or in its place one that says what there is to say of a DRM file.
 */
int hf_fdinfo_complete(int fd, int flags);

/**
 * hf_shim_map() - mmap(2) for the shim's own use, readable and writable.
 *
 * Away from where the program's next mappings go: the kernel would have made
 * none here, and a stale pointer of the program must stay one.
 */
void *hf_shim_map(size_t size, int flags, int fd);

/** hf_shim_owns() - Is any of this where hf_shim_map() maps? */
bool hf_shim_owns(const void *addr, size_t size);

/**
 * hf_shim_state() - This process's private state of a shim module.
 * @slot: which module asks, a constant of its own
 * @size: bytes; at most 32 KiB
 *
 * Zero-filled at start and again in the child of a fork. Safe in a vfork
 * child, which shares its parent's memory.
 */
void *hf_shim_state(unsigned int slot, size_t size);
enum { HF_SHIM_STATE_CLIENT, HF_SHIM_STATE_PATHS, HF_SHIM_STATE_WATCHES,
       HF_SHIM_STATE_USERPTR, HF_SHIM_STATES };

#endif
