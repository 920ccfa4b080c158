/* SPDX-License-Identifier: MIT */
/*
 * The driver-private part of the UAPI of a Holdfast device: buffer objects,
 * user pages, address spaces, and the 2D engine. Everything else is the DRM
 * UAPI of drm.h and drm_mode.h. docs/uapi.md describes each call, its checks
 * and its errors.
 *
 * Unknown flags and non-zero padding are EINVAL everywhere. Pointers are user
 * pointers in 64 bits. Rights: all of these work on render nodes, and on a
 * primary node for an authenticated file.
 */
#ifndef HOLDFAST_DRM_H
#define HOLDFAST_DRM_H

#include <drm.h>

#if defined(__cplusplus)
extern "C" {
#endif

/* What DRM_IOCTL_VERSION says. A change of the major number breaks programs. */
#define HOLDFAST_DRM_NAME "holdfast"
#define HOLDFAST_DRM_MAJOR 1
#define HOLDFAST_DRM_MINOR 1

#define DRM_HOLDFAST_GET_PARAM 0x00
#define DRM_HOLDFAST_GEM_CREATE 0x01
#define DRM_HOLDFAST_GEM_MMAP_OFFSET 0x02
#define DRM_HOLDFAST_GEM_USERPTR 0x03
#define DRM_HOLDFAST_GEM_MADVISE 0x04
#define DRM_HOLDFAST_GEM_WAIT 0x05
#define DRM_HOLDFAST_VM_CREATE 0x06
#define DRM_HOLDFAST_VM_DESTROY 0x07
#define DRM_HOLDFAST_VM_BIND 0x08
#define DRM_HOLDFAST_CTX_CREATE 0x09
#define DRM_HOLDFAST_CTX_DESTROY 0x0a
#define DRM_HOLDFAST_CTX_QUERY 0x0b
#define DRM_HOLDFAST_SUBMIT 0x0c

/* -- parameters -------------------------------------------------------------- */

#define HOLDFAST_PARAM_ENGINE 0	     /* 1: VM_*, CTX_* and SUBMIT work */
#define HOLDFAST_PARAM_IOMMU 1	     /* 1: the device is behind an IOMMU */
#define HOLDFAST_PARAM_COHERENT 2    /* 1: the device sees the CPU's caches */
#define HOLDFAST_PARAM_VA_BITS 3     /* of an address space: 48 */
#define HOLDFAST_PARAM_PAGE_SIZES 4  /* a bit a size: 4 KiB, 64 KiB, 2 MiB */
#define HOLDFAST_PARAM_USERPTR_MAX 5 /* bytes of user pages a file may hold */
#define HOLDFAST_PARAM_CORES 6	     /* jobs that run at the same time */
#define HOLDFAST_PARAM_TIMEOUT_MS 7  /* a job's, by default */
#define HOLDFAST_PARAM_CMD_MAX 8     /* bytes of a command buffer */

struct drm_holdfast_get_param {
	__u32 param; /* HOLDFAST_PARAM_*; another: EINVAL */
	__u32 pad;
	__u64 value; /* out */
};

/* -- objects ----------------------------------------------------------------- */

#define HOLDFAST_GEM_CONTIGUOUS (1u << 0) /* one run of bus addresses */

struct drm_holdfast_gem_create {
	__u64 size;   /* bytes, rounded up to pages; 0: EINVAL */
	__u32 flags;  /* HOLDFAST_GEM_* */
	__u32 handle; /* out */
};

struct drm_holdfast_gem_mmap_offset {
	__u32 handle;
	__u32 pad;
	__u64 offset; /* out: for mmap(2) on the DRM file */
};

/* The device only reads; needed where the memory is not writable. */
#define HOLDFAST_USERPTR_READ_ONLY (1u << 0)

/*
 * Memory of the calling process as an object. It has the pages from the one
 * that @addr is in to the one that the last byte is in; @addr's byte is at
 * offset @addr % 4096 of the object. It has no mmap offset and no dma-buf.
 */
struct drm_holdfast_gem_userptr {
	__u64 addr;
	__u64 size;   /* bytes; 0: EINVAL */
	__u32 flags;  /* HOLDFAST_USERPTR_* */
	__u32 handle; /* out */
};

#define HOLDFAST_MADV_WILLNEED 0 /* keep it */
#define HOLDFAST_MADV_DONTNEED 1 /* may be dropped under memory pressure */

struct drm_holdfast_gem_madvise {
	__u32 handle;
	__u32 madv;	/* HOLDFAST_MADV_* */
	__u32 retained; /* out: 0: its content is gone (and stays so) */
	__u32 pad;
};

#define HOLDFAST_WAIT_WRITE (1u << 0) /* the caller wants to write: for all
				       * jobs; else for those that write */

/* For the implicit fences of an object. ETIME when time is up. */
struct drm_holdfast_gem_wait {
	__u32 handle;
	__u32 flags;	  /* HOLDFAST_WAIT_* */
	__s64 timeout_ns; /* moment on CLOCK_MONOTONIC; in the past: just look */
};

/* -- address spaces ---------------------------------------------------------- */

struct drm_holdfast_vm_create {
	__u32 flags;
	__u32 vm_id; /* out */
};

struct drm_holdfast_vm_destroy {
	__u32 vm_id;
	__u32 pad;
};

#define HOLDFAST_SYNC_SIGNAL (1u << 0) /* else: wait */

/* A syncobj to wait for before, or to signal after. */
struct drm_holdfast_sync {
	__u32 handle;
	__u32 flags; /* HOLDFAST_SYNC_* */
	__u64 point; /* on a timeline; 0: binary */
};

#define HOLDFAST_BIND_MAP 0
#define HOLDFAST_BIND_UNMAP 1

#define HOLDFAST_BIND_READ_ONLY (1u << 0)
/* No object: reads give 0, writes go nowhere. */
#define HOLDFAST_BIND_SPARSE (1u << 1)

/*
 * Addresses, offset and range are multiples of 4096. A map over mappings that
 * are there replaces what it covers; an unmap of what is not there is no error.
 */
struct drm_holdfast_bind_op {
	__u32 op;     /* HOLDFAST_BIND_MAP or _UNMAP */
	__u32 flags;  /* HOLDFAST_BIND_*; of a map */
	__u32 handle; /* of a map that is not sparse; else 0 */
	__u32 pad;
	__u64 offset; /* in the object */
	__u64 va;
	__u64 range; /* bytes; 0: EINVAL */
};

/*
 * All operations or none. Without @syncs it is done on return; with, it is done
 * in order with the other binds of the address space when the fences have
 * signaled.
 */
struct drm_holdfast_vm_bind {
	__u32 vm_id;
	__u32 flags;
	__u32 num_ops; /* 1..4096 */
	__u32 num_syncs; /* 0..64 */
	__u64 ops;   /* struct drm_holdfast_bind_op[] */
	__u64 syncs; /* struct drm_holdfast_sync[] */
};

/* -- contexts and jobs ------------------------------------------------------- */

#define HOLDFAST_PRIORITY_LOW 0
#define HOLDFAST_PRIORITY_NORMAL 1
#define HOLDFAST_PRIORITY_HIGH 2 /* EACCES without CAP_SYS_ADMIN or master */

struct drm_holdfast_ctx_create {
	__u32 vm_id;
	__u32 priority; /* HOLDFAST_PRIORITY_* */
	__u32 timeout_ms; /* of a job; 0: the default; more than 60000: EINVAL */
	__u32 flags;
	__u32 ctx_id; /* out */
	__u32 pad;
};

struct drm_holdfast_ctx_destroy {
	__u32 ctx_id;
	__u32 pad;
};

#define HOLDFAST_FAULT_NONE 0
#define HOLDFAST_FAULT_UNMAPPED 1  /* no mapping at that address */
#define HOLDFAST_FAULT_READ_ONLY 2 /* a write to a read-only mapping */
#define HOLDFAST_FAULT_COMMAND 3   /* garbage; the address is the command's */
#define HOLDFAST_FAULT_TIMEOUT 4   /* likewise */
#define HOLDFAST_FAULT_BUS 5	   /* the IOMMU said no */

/*
 * A context whose job failed is banned: its later jobs fail with EIO at
 * SUBMIT, those queued signal with -ECANCELED.
 */
struct drm_holdfast_ctx_query {
	__u32 ctx_id;
	__u32 banned; /* out */
	__u32 fault;  /* out: HOLDFAST_FAULT_*, of the job that failed */
	__u32 write;  /* out: 1: the fault was on a write */
	__u64 fault_va;	 /* out */
	__u64 jobs_done; /* out */
	__u64 busy_ns;	 /* out: of the engine's time */
};

#define HOLDFAST_OBJECT_WRITE (1u << 0)

/* An object to synchronise with implicitly, as through a dma-buf. */
struct drm_holdfast_object {
	__u32 handle;
	__u32 flags; /* HOLDFAST_OBJECT_* */
};

struct drm_holdfast_submit {
	__u32 ctx_id;
	__u32 flags;
	__u64 cmd_va;	/* of the first command, a multiple of 8 */
	__u32 cmd_size; /* bytes, a multiple of 8; 0: an empty job */
	__u32 num_syncs; /* 0..64 */
	__u64 syncs;	/* struct drm_holdfast_sync[] */
	__u64 objects;	/* struct drm_holdfast_object[] */
	__u32 num_objects; /* 0..4096 */
	__u32 pad;
};

/* -- commands ---------------------------------------------------------------- */

/*
 * A command buffer is a sequence of commands, each a multiple of 8 bytes that
 * starts with a header. It ends after cmd_size bytes, or at an END.
 */
struct holdfast_cmd {
	__u16 op;   /* HOLDFAST_CMD_* */
	__u16 size; /* bytes, with the header */
	__u32 flags; /* 0 unless said otherwise */
};

#define HOLDFAST_CMD_NOP 0   /* any size */
#define HOLDFAST_CMD_END 1   /* struct holdfast_cmd */
#define HOLDFAST_CMD_JUMP 2  /* struct holdfast_cmd_jump */
#define HOLDFAST_CMD_WRITE 3 /* struct holdfast_cmd_write */
#define HOLDFAST_CMD_WAIT 4  /* struct holdfast_cmd_wait */
#define HOLDFAST_CMD_FILL 5  /* struct holdfast_cmd_fill */
#define HOLDFAST_CMD_COPY 6  /* struct holdfast_cmd_copy */
#define HOLDFAST_CMD_CONVERT 7	 /* struct holdfast_cmd_copy */
#define HOLDFAST_CMD_COMPOSITE 8 /* struct holdfast_cmd_composite */
#define HOLDFAST_CMD_SCALE 9	 /* struct holdfast_cmd_scale */
#define HOLDFAST_CMD_COPY_LINEAR 10 /* struct holdfast_cmd_copy_linear */

/* Go on elsewhere, with a size of its own. */
struct holdfast_cmd_jump {
	struct holdfast_cmd base;
	__u64 va;   /* a multiple of 8 */
	__u32 size; /* bytes, a multiple of 8 */
	__u32 pad;
};

#define HOLDFAST_WRITE_64 (1u << 0) /* flags: 8 bytes, else 4 */

/* Store a value, after all that the commands before it did. */
struct holdfast_cmd_write {
	struct holdfast_cmd base;
	__u64 va; /* a multiple of the value's size */
	__u64 value; /* of 4 bytes, the low ones are stored */
};

#define HOLDFAST_WAIT_EQUAL 0
#define HOLDFAST_WAIT_NOT_EQUAL 1
#define HOLDFAST_WAIT_GREATER_EQUAL 2 /* as unsigned numbers */

/* Wait until (the 4 bytes at va & mask) compare as said with value. */
struct holdfast_cmd_wait {
	struct holdfast_cmd base; /* flags: HOLDFAST_WAIT_* */
	__u64 va;		  /* a multiple of 4 */
	__u32 value;
	__u32 mask;
};

/* A picture in memory. */
struct holdfast_surface {
	__u64 va;     /* of the first pixel, a multiple of 4 */
	__u32 pitch;  /* bytes from line to line, a multiple of 4 */
	__u32 format; /* DRM_FORMAT_*: see docs/uapi.md for which */
	__u32 width;  /* pixels, 1..32767 */
	__u32 height; /* lines, 1..32767 */
};

/* Rectangles lie within their surfaces, or the command is a fault. An empty one
 * is allowed: nothing is done. */
struct holdfast_rect {
	__u32 x, y, width, height;
};

struct holdfast_cmd_fill {
	struct holdfast_cmd base;
	struct holdfast_surface dst;
	struct holdfast_rect rect;
	__u32 color; /* a pixel, as it lies in memory: the low bytes count */
	__u32 pad;
};

/* COPY: formats of the same size a pixel, taken as they are, and the rectangles
 * may overlap. CONVERT: any two formats. */
struct holdfast_cmd_copy {
	struct holdfast_cmd base;
	struct holdfast_surface dst, src;
	struct holdfast_rect rect; /* in src */
	__u32 dst_x, dst_y;
};

#define HOLDFAST_COPY_LINEAR_MAX (1ull << 32)

/* Bytes, between any addresses; the ranges may overlap. */
struct holdfast_cmd_copy_linear {
	struct holdfast_cmd base;
	__u64 dst, src;
	__u64 size; /* bytes, at most HOLDFAST_COPY_LINEAR_MAX */
};

/* Porter and Duff's operators, numbered as the X Render protocol has them:
 * Clear 0, Src 1, Dst 2, Over 3, OverReverse 4, In 5, InReverse 6, Out 7,
 * OutReverse 8, Atop 9, AtopReverse 10, Xor 11, Add 12. */
#define HOLDFAST_OP_OVER 3
#define HOLDFAST_OP_MAX 12

/* Colours are premultiplied. Without a mask, mask.va is 0, and the rest of it
 * does not count. */
struct holdfast_cmd_composite {
	struct holdfast_cmd base; /* flags: the number of the operator */
	struct holdfast_surface dst, src, mask;
	struct holdfast_rect rect; /* in dst */
	__u32 src_x, src_y, mask_x, mask_y;
	__u32 alpha; /* over all of it, 0..0xffff */
	__u32 pad;
};

#define HOLDFAST_FILTER_NEAREST 0
#define HOLDFAST_FILTER_BILINEAR 1

struct holdfast_cmd_scale {
	struct holdfast_cmd base; /* flags: HOLDFAST_FILTER_* */
	struct holdfast_surface dst, src;
	struct holdfast_rect dst_rect, src_rect;
};

/* -- requests ---------------------------------------------------------------- */

#define DRM_HOLDFAST_IOWR(nr, type) \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_HOLDFAST_##nr, struct type)
#define DRM_HOLDFAST_IOW(nr, type) \
	DRM_IOW(DRM_COMMAND_BASE + DRM_HOLDFAST_##nr, struct type)

#define DRM_IOCTL_HOLDFAST_GET_PARAM \
	DRM_HOLDFAST_IOWR(GET_PARAM, drm_holdfast_get_param)
#define DRM_IOCTL_HOLDFAST_GEM_CREATE \
	DRM_HOLDFAST_IOWR(GEM_CREATE, drm_holdfast_gem_create)
#define DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET \
	DRM_HOLDFAST_IOWR(GEM_MMAP_OFFSET, drm_holdfast_gem_mmap_offset)
#define DRM_IOCTL_HOLDFAST_GEM_USERPTR \
	DRM_HOLDFAST_IOWR(GEM_USERPTR, drm_holdfast_gem_userptr)
#define DRM_IOCTL_HOLDFAST_GEM_MADVISE \
	DRM_HOLDFAST_IOWR(GEM_MADVISE, drm_holdfast_gem_madvise)
#define DRM_IOCTL_HOLDFAST_GEM_WAIT \
	DRM_HOLDFAST_IOW(GEM_WAIT, drm_holdfast_gem_wait)
#define DRM_IOCTL_HOLDFAST_VM_CREATE \
	DRM_HOLDFAST_IOWR(VM_CREATE, drm_holdfast_vm_create)
#define DRM_IOCTL_HOLDFAST_VM_DESTROY \
	DRM_HOLDFAST_IOW(VM_DESTROY, drm_holdfast_vm_destroy)
#define DRM_IOCTL_HOLDFAST_VM_BIND \
	DRM_HOLDFAST_IOW(VM_BIND, drm_holdfast_vm_bind)
#define DRM_IOCTL_HOLDFAST_CTX_CREATE \
	DRM_HOLDFAST_IOWR(CTX_CREATE, drm_holdfast_ctx_create)
#define DRM_IOCTL_HOLDFAST_CTX_DESTROY \
	DRM_HOLDFAST_IOW(CTX_DESTROY, drm_holdfast_ctx_destroy)
#define DRM_IOCTL_HOLDFAST_CTX_QUERY \
	DRM_HOLDFAST_IOWR(CTX_QUERY, drm_holdfast_ctx_query)
#define DRM_IOCTL_HOLDFAST_SUBMIT \
	DRM_HOLDFAST_IOW(SUBMIT, drm_holdfast_submit)

#if defined(__cplusplus)
}
#endif

#endif
