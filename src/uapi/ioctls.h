/* SPDX-License-Identifier: MIT */
/*
 * The one table of ioctls. The shim marshals by it, the server checks and
 * dispatches by it, the trace prints by it. Adding an ioctl is adding a row
 * here and its handler.
 *
 * A row is HF_IOCTL(request, rights, handler, nested arrays…), or HF_IOCTL_FD
 * for one whose argument returns a descriptor; the rights and their order of
 * checking are those of the kernel's drm_ioctl_permit().
 *
 * A second, small table has the ioctls of the descriptors that are no DRM files:
 * sync_files and dma-bufs. Its rows have no rights.
 */
#ifndef HF_UAPI_IOCTLS_H
#define HF_UAPI_IOCTLS_H

#include <stddef.h>
#include <stdint.h>
#include <drm.h>
#include <drm_mode.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "holdfast_drm.h"
#include "uapi/wire.h"

/* Newer than the libdrm that is built against. */
#ifndef DRM_IOCTL_MODE_CLOSEFB
struct drm_mode_closefb {
	uint32_t fb_id;
	uint32_t pad;
};
#define DRM_IOCTL_MODE_CLOSEFB DRM_IOWR(0xD0, struct drm_mode_closefb)
#endif

#ifndef DRM_IOCTL_SYNCOBJ_EVENTFD
struct drm_syncobj_eventfd {
	uint32_t handle;
	uint32_t flags; /* 0, DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE */
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};
#define DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct drm_syncobj_eventfd)
#endif

/* Rights. */
#define HF_AUTH 1u	   /* authenticated, or a render node */
#define HF_MASTER 2u	   /* the current master */
#define HF_ROOT_ONLY 4u	   /* CAP_SYS_ADMIN */
#define HF_RENDER_ALLOW 8u /* also on render nodes */
/* Not a right, and looked at after them: the device has a display. */
#define HF_DISPLAY 16u
/* Nor these: the descriptor that comes back is a DRM file, in the mode (O_NONBLOCK)
 * that the one of the ioctl is in; and, files that somebody closed must be gone. */
#define HF_DRM_FD 32u
#define HF_REAP 64u

enum hf_array_kind {
	HF_ARRAY_NONE,
	HF_ARRAY_COUNTED, /* count_off names a field of the argument */
	HF_ARRAY_USER_PAGES, /* the caller's memory: struct hf_wire_segment */
	HF_ARRAY_SUMMED,  /* as many as the u32s of array `sum_of` add up to */
};

/**
 * struct hf_array_desc - A user pointer inside an ioctl's argument.
 * @kind: how many elements it points to
 * @out: the server writes it (else it reads it)
 * @sum_of: for HF_ARRAY_SUMMED, an earlier array; for HF_ARRAY_USER_PAGES, offset
 *	of the flags, of which bit 0 says that nobody will write to it
 * @count_size: bytes of the count field: 4 or 8
 * @ptr_off: offset of the pointer in the argument; pointers are 64 bits wide
 * @count_off: offset of the count
 * @elem: bytes an element takes
 */
struct hf_array_desc {
	uint8_t kind;
	uint8_t out;
	uint8_t sum_of;
	uint8_t count_size;
	uint16_t ptr_off;
	uint16_t count_off;
	uint16_t elem;
};

/**
 * struct hf_ioctl_desc - A row of the table.
 * @cmd: the request number, with the size that this version knows; 0: none
 * @rights: HF_AUTH…
 * @name: as in the UAPI header
 * @fd_out: offset of a descriptor that the client gets, + 1; 0: none
 * @arrays: nested arrays
 */
struct hf_ioctl_desc {
	uint32_t cmd;
	uint32_t rights;
	const char *name;
	uint16_t fd_out;
	struct hf_array_desc arrays[HF_WIRE_ARRAYS];
};

/* By the request's number (_IOC_NR). */
extern const struct hf_ioctl_desc hf_ioctl_descs[256];

#define HF_ARRAY_(T, p, c, e, o)                                              \
	{ HF_ARRAY_COUNTED, o, 0, sizeof(((T *)0)->c), offsetof(T, p),        \
	  offsetof(T, c), e }
#define HF_IN(T, ptr, count, elem) HF_ARRAY_(T, ptr, count, elem, 0)
#define HF_OUT(T, ptr, count, elem) HF_ARRAY_(T, ptr, count, elem, 1)
#define HF_IN_SUM(T, ptr, of, elem)                                           \
	{ HF_ARRAY_SUMMED, 0, of, 0, offsetof(T, ptr), 0, elem }

#define HF_RENDER (HF_AUTH | HF_RENDER_ALLOW)
#define HF_USER_PAGES(T, addr, size, flags)                                    \
	{ HF_ARRAY_USER_PAGES, 0, offsetof(T, flags), sizeof(((T *)0)->size),  \
	  offsetof(T, addr), offsetof(T, size),                                \
	  sizeof(struct hf_wire_segment) }

#define HF_ROOT_MASTER (HF_AUTH | HF_MASTER | HF_ROOT_ONLY)

/* clang-format off */
#define HF_IOCTLS(HF_IOCTL, HF_IOCTL_FD)					\
HF_IOCTL(VERSION, HF_RENDER_ALLOW, hf_ioctl_version,				\
	HF_OUT(struct drm_version, name, name_len, 1),				\
	HF_OUT(struct drm_version, date, date_len, 1),				\
	HF_OUT(struct drm_version, desc, desc_len, 1))				\
HF_IOCTL(GET_UNIQUE, 0, hf_ioctl_get_unique,					\
	HF_OUT(struct drm_unique, unique, unique_len, 1))			\
HF_IOCTL(GET_MAGIC, 0, hf_ioctl_get_magic)					\
HF_IOCTL(IRQ_BUSID, HF_MASTER | HF_ROOT_ONLY, hf_ioctl_invalid)			\
HF_IOCTL(GET_MAP, 0, hf_ioctl_invalid)						\
HF_IOCTL(GET_CLIENT, 0, hf_ioctl_get_client)					\
HF_IOCTL(GET_STATS, 0, hf_ioctl_get_stats)					\
HF_IOCTL(SET_VERSION, HF_MASTER, hf_ioctl_set_version)				\
HF_IOCTL(MODESET_CTL, 0, hf_ioctl_noop)						\
HF_IOCTL(GEM_CLOSE, HF_RENDER_ALLOW, hf_ioctl_gem_close)			\
HF_IOCTL(GEM_FLINK, HF_AUTH, hf_ioctl_gem_flink)				\
HF_IOCTL(GEM_OPEN, HF_AUTH, hf_ioctl_gem_open)					\
HF_IOCTL(GET_CAP, HF_RENDER_ALLOW, hf_ioctl_get_cap)				\
HF_IOCTL(SET_CLIENT_CAP, HF_DISPLAY, hf_ioctl_set_client_cap)				\
HF_IOCTL(SET_UNIQUE, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(AUTH_MAGIC, HF_MASTER, hf_ioctl_auth_magic)				\
HF_IOCTL(BLOCK, HF_ROOT_MASTER, hf_ioctl_noop)					\
HF_IOCTL(UNBLOCK, HF_ROOT_MASTER, hf_ioctl_noop)				\
HF_IOCTL(CONTROL, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(ADD_MAP, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(ADD_BUFS, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(MARK_BUFS, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(INFO_BUFS, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(MAP_BUFS, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(FREE_BUFS, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(RM_MAP, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(SET_SAREA_CTX, HF_ROOT_MASTER, hf_ioctl_invalid)			\
HF_IOCTL(GET_SAREA_CTX, HF_AUTH, hf_ioctl_invalid)				\
HF_IOCTL(SET_MASTER, HF_REAP, hf_ioctl_set_master)				\
HF_IOCTL(DROP_MASTER, 0, hf_ioctl_drop_master)					\
HF_IOCTL(ADD_CTX, HF_AUTH | HF_ROOT_ONLY, hf_ioctl_invalid)			\
HF_IOCTL(RM_CTX, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(MOD_CTX, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(GET_CTX, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(SWITCH_CTX, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(NEW_CTX, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(RES_CTX, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(ADD_DRAW, HF_ROOT_MASTER, hf_ioctl_noop)				\
HF_IOCTL(RM_DRAW, HF_ROOT_MASTER, hf_ioctl_noop)				\
HF_IOCTL(DMA, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(LOCK, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(UNLOCK, HF_AUTH, hf_ioctl_invalid)					\
HF_IOCTL(FINISH, HF_AUTH, hf_ioctl_noop)					\
HF_IOCTL_FD(PRIME_HANDLE_TO_FD, HF_RENDER_ALLOW, hf_ioctl_prime_handle_to_fd,	\
	offsetof(struct drm_prime_handle, fd) + 1)				\
HF_IOCTL(PRIME_FD_TO_HANDLE, HF_RENDER_ALLOW, hf_ioctl_prime_fd_to_handle)	\
HF_IOCTL(SG_ALLOC, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(SG_FREE, HF_ROOT_MASTER, hf_ioctl_invalid)				\
HF_IOCTL(WAIT_VBLANK, HF_DISPLAY, hf_ioctl_wait_vblank)					\
HF_IOCTL(CRTC_GET_SEQUENCE, HF_DISPLAY, hf_ioctl_crtc_get_sequence)			\
HF_IOCTL(CRTC_QUEUE_SEQUENCE, HF_DISPLAY, hf_ioctl_crtc_queue_sequence)			\
HF_IOCTL(UPDATE_DRAW, HF_ROOT_MASTER, hf_ioctl_noop)				\
HF_IOCTL(MODE_GETRESOURCES, HF_DISPLAY, hf_ioctl_mode_getresources,			\
	HF_OUT(struct drm_mode_card_res, fb_id_ptr, count_fbs, 4),		\
	HF_OUT(struct drm_mode_card_res, crtc_id_ptr, count_crtcs, 4),		\
	HF_OUT(struct drm_mode_card_res, connector_id_ptr, count_connectors, 4),\
	HF_OUT(struct drm_mode_card_res, encoder_id_ptr, count_encoders, 4))	\
HF_IOCTL(MODE_GETCRTC, HF_DISPLAY, hf_ioctl_mode_getcrtc)				\
HF_IOCTL(MODE_SETCRTC, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_setcrtc,			\
	HF_IN(struct drm_mode_crtc, set_connectors_ptr, count_connectors, 4))	\
HF_IOCTL(MODE_CURSOR, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_cursor)				\
HF_IOCTL(MODE_GETGAMMA, HF_DISPLAY, hf_ioctl_mode_getgamma,				\
	HF_OUT(struct drm_mode_crtc_lut, red, gamma_size, 2),			\
	HF_OUT(struct drm_mode_crtc_lut, green, gamma_size, 2),			\
	HF_OUT(struct drm_mode_crtc_lut, blue, gamma_size, 2))			\
HF_IOCTL(MODE_SETGAMMA, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_setgamma,			\
	HF_IN(struct drm_mode_crtc_lut, red, gamma_size, 2),			\
	HF_IN(struct drm_mode_crtc_lut, green, gamma_size, 2),			\
	HF_IN(struct drm_mode_crtc_lut, blue, gamma_size, 2))			\
HF_IOCTL(MODE_GETENCODER, HF_DISPLAY, hf_ioctl_mode_getencoder)				\
HF_IOCTL(MODE_GETCONNECTOR, HF_DISPLAY, hf_ioctl_mode_getconnector,			\
	HF_OUT(struct drm_mode_get_connector, encoders_ptr, count_encoders, 4),	\
	HF_OUT(struct drm_mode_get_connector, modes_ptr, count_modes,		\
	       sizeof(struct drm_mode_modeinfo)),				\
	HF_OUT(struct drm_mode_get_connector, props_ptr, count_props, 4),	\
	HF_OUT(struct drm_mode_get_connector, prop_values_ptr, count_props, 8))	\
HF_IOCTL(MODE_ATTACHMODE, HF_MASTER, hf_ioctl_noop)				\
HF_IOCTL(MODE_DETACHMODE, HF_MASTER, hf_ioctl_noop)				\
HF_IOCTL(MODE_GETPROPERTY, HF_DISPLAY, hf_ioctl_mode_getproperty,			\
	HF_OUT(struct drm_mode_get_property, values_ptr, count_values, 8),	\
	HF_OUT(struct drm_mode_get_property, enum_blob_ptr, count_enum_blobs,	\
	       sizeof(struct drm_mode_property_enum)))				\
HF_IOCTL(MODE_SETPROPERTY, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_setproperty)		\
HF_IOCTL(MODE_GETPROPBLOB, HF_DISPLAY, hf_ioctl_mode_getpropblob,			\
	HF_OUT(struct drm_mode_get_blob, data, length, 1))			\
HF_IOCTL(MODE_GETFB, HF_DISPLAY, hf_ioctl_mode_getfb)					\
HF_IOCTL(MODE_ADDFB, HF_DISPLAY, hf_ioctl_mode_addfb)					\
HF_IOCTL(MODE_RMFB, HF_DISPLAY, hf_ioctl_mode_rmfb)					\
HF_IOCTL(MODE_PAGE_FLIP, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_page_flip)			\
HF_IOCTL(MODE_DIRTYFB, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_dirtyfb,			\
	HF_IN(struct drm_mode_fb_dirty_cmd, clips_ptr, num_clips,		\
	      sizeof(struct drm_clip_rect)))					\
HF_IOCTL(MODE_CREATE_DUMB, 0, hf_ioctl_mode_create_dumb)			\
HF_IOCTL(MODE_MAP_DUMB, 0, hf_ioctl_mode_map_dumb)				\
HF_IOCTL(MODE_DESTROY_DUMB, 0, hf_ioctl_mode_destroy_dumb)			\
HF_IOCTL(MODE_GETPLANERESOURCES, HF_DISPLAY, hf_ioctl_mode_getplaneresources,		\
	HF_OUT(struct drm_mode_get_plane_res, plane_id_ptr, count_planes, 4))	\
HF_IOCTL(MODE_GETPLANE, HF_DISPLAY, hf_ioctl_mode_getplane,				\
	HF_OUT(struct drm_mode_get_plane, format_type_ptr, count_format_types, 4))\
HF_IOCTL(MODE_SETPLANE, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_setplane)			\
HF_IOCTL(MODE_ADDFB2, HF_DISPLAY, hf_ioctl_mode_addfb2)					\
HF_IOCTL(MODE_OBJ_GETPROPERTIES, HF_DISPLAY, hf_ioctl_mode_obj_getproperties,		\
	HF_OUT(struct drm_mode_obj_get_properties, props_ptr, count_props, 4),	\
	HF_OUT(struct drm_mode_obj_get_properties, prop_values_ptr, count_props, 8))\
HF_IOCTL(MODE_OBJ_SETPROPERTY, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_obj_setproperty)	\
HF_IOCTL(MODE_CURSOR2, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_cursor2)			\
HF_IOCTL(MODE_ATOMIC, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_atomic,				\
	HF_IN(struct drm_mode_atomic, objs_ptr, count_objs, 4),			\
	HF_IN(struct drm_mode_atomic, count_props_ptr, count_objs, 4),		\
	HF_IN_SUM(struct drm_mode_atomic, props_ptr, 1, 4),			\
	HF_IN_SUM(struct drm_mode_atomic, prop_values_ptr, 1, 8))		\
HF_IOCTL(MODE_CREATEPROPBLOB, HF_DISPLAY, hf_ioctl_mode_createpropblob,			\
	HF_IN(struct drm_mode_create_blob, data, length, 1))			\
HF_IOCTL(MODE_DESTROYPROPBLOB, HF_DISPLAY, hf_ioctl_mode_destroypropblob)		\
HF_IOCTL(SYNCOBJ_CREATE, HF_RENDER_ALLOW, hf_ioctl_syncobj_create)		\
HF_IOCTL(SYNCOBJ_DESTROY, HF_RENDER_ALLOW, hf_ioctl_syncobj_destroy)		\
HF_IOCTL_FD(SYNCOBJ_HANDLE_TO_FD, HF_RENDER_ALLOW,				\
	hf_ioctl_syncobj_handle_to_fd,						\
	offsetof(struct drm_syncobj_handle, fd) + 1)				\
HF_IOCTL(SYNCOBJ_FD_TO_HANDLE, HF_RENDER_ALLOW, hf_ioctl_syncobj_fd_to_handle)	\
HF_IOCTL(SYNCOBJ_WAIT, HF_RENDER_ALLOW, hf_ioctl_syncobj_wait,			\
	HF_IN(struct drm_syncobj_wait, handles, count_handles, 4))		\
HF_IOCTL(SYNCOBJ_RESET, HF_RENDER_ALLOW, hf_ioctl_syncobj_reset,		\
	HF_IN(struct drm_syncobj_array, handles, count_handles, 4))		\
HF_IOCTL(SYNCOBJ_SIGNAL, HF_RENDER_ALLOW, hf_ioctl_syncobj_signal,		\
	HF_IN(struct drm_syncobj_array, handles, count_handles, 4))		\
HF_IOCTL(SYNCOBJ_TIMELINE_WAIT, HF_RENDER_ALLOW,				\
	hf_ioctl_syncobj_timeline_wait,						\
	HF_IN(struct drm_syncobj_timeline_wait, handles, count_handles, 4),	\
	HF_IN(struct drm_syncobj_timeline_wait, points, count_handles, 8))	\
HF_IOCTL(SYNCOBJ_QUERY, HF_RENDER_ALLOW, hf_ioctl_syncobj_query,		\
	HF_IN(struct drm_syncobj_timeline_array, handles, count_handles, 4),	\
	HF_OUT(struct drm_syncobj_timeline_array, points, count_handles, 8))	\
HF_IOCTL(SYNCOBJ_TRANSFER, HF_RENDER_ALLOW, hf_ioctl_syncobj_transfer)		\
HF_IOCTL(SYNCOBJ_TIMELINE_SIGNAL, HF_RENDER_ALLOW,				\
	hf_ioctl_syncobj_timeline_signal,					\
	HF_IN(struct drm_syncobj_timeline_array, handles, count_handles, 4),	\
	HF_IN(struct drm_syncobj_timeline_array, points, count_handles, 8))	\
HF_IOCTL(SYNCOBJ_EVENTFD, HF_RENDER_ALLOW, hf_ioctl_syncobj_eventfd)		\
HF_IOCTL_FD(MODE_CREATE_LEASE, HF_MASTER | HF_DISPLAY | HF_DRM_FD | HF_REAP,	\
	hf_ioctl_mode_create_lease,						\
	offsetof(struct drm_mode_create_lease, fd) + 1,				\
	HF_IN(struct drm_mode_create_lease, object_ids, object_count, 4))	\
HF_IOCTL(MODE_LIST_LESSEES, HF_MASTER | HF_DISPLAY | HF_REAP,			\
	hf_ioctl_mode_list_lessees,						\
	HF_OUT(struct drm_mode_list_lessees, lessees_ptr, count_lessees, 4))	\
HF_IOCTL(MODE_GET_LEASE, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_get_lease,		\
	HF_OUT(struct drm_mode_get_lease, objects_ptr, count_objects, 4))	\
HF_IOCTL(MODE_REVOKE_LEASE, HF_MASTER | HF_DISPLAY, hf_ioctl_mode_revoke_lease)	\
HF_IOCTL(HOLDFAST_GET_PARAM, HF_RENDER, hf_ioctl_get_param)			\
HF_IOCTL(HOLDFAST_GEM_CREATE, HF_RENDER, hf_ioctl_gem_create)			\
HF_IOCTL(HOLDFAST_GEM_MMAP_OFFSET, HF_RENDER, hf_ioctl_gem_mmap_offset)		\
HF_IOCTL(HOLDFAST_GEM_USERPTR, HF_RENDER, hf_ioctl_gem_userptr,			\
	HF_USER_PAGES(struct drm_holdfast_gem_userptr, addr, size, flags))	\
HF_IOCTL(HOLDFAST_GEM_MADVISE, HF_RENDER, hf_ioctl_gem_madvise)			\
HF_IOCTL(HOLDFAST_GEM_WAIT, HF_RENDER, hf_ioctl_gem_wait)			\
HF_IOCTL(HOLDFAST_VM_CREATE, HF_RENDER, hf_ioctl_vm_create)			\
HF_IOCTL(HOLDFAST_VM_DESTROY, HF_RENDER, hf_ioctl_vm_destroy)			\
HF_IOCTL(HOLDFAST_VM_BIND, HF_RENDER, hf_ioctl_vm_bind,				\
	HF_IN(struct drm_holdfast_vm_bind, ops, num_ops,			\
	      sizeof(struct drm_holdfast_bind_op)),				\
	HF_IN(struct drm_holdfast_vm_bind, syncs, num_syncs,			\
	      sizeof(struct drm_holdfast_sync)))				\
HF_IOCTL(HOLDFAST_CTX_CREATE, HF_RENDER, hf_ioctl_ctx_create)			\
HF_IOCTL(HOLDFAST_CTX_DESTROY, HF_RENDER, hf_ioctl_ctx_destroy)			\
HF_IOCTL(HOLDFAST_CTX_QUERY, HF_RENDER, hf_ioctl_ctx_query)			\
HF_IOCTL(HOLDFAST_SUBMIT, HF_RENDER, hf_ioctl_submit,				\
	HF_IN(struct drm_holdfast_submit, syncs, num_syncs,			\
	      sizeof(struct drm_holdfast_sync)),				\
	HF_IN(struct drm_holdfast_submit, objects, num_objects,			\
	      sizeof(struct drm_holdfast_object)))				\
HF_IOCTL(MODE_GETFB2, HF_DISPLAY, hf_ioctl_mode_getfb2)					\
HF_IOCTL(MODE_CLOSEFB, HF_DISPLAY, hf_ioctl_mode_closefb)

#define HF_FD_IOCTLS(HF_IOCTL, HF_IOCTL_FD)					\
HF_IOCTL_FD(SYNC_IOC_MERGE, 0, hf_ioctl_sync_merge,				\
	offsetof(struct sync_merge_data, fence) + 1)				\
HF_IOCTL(SYNC_IOC_FILE_INFO, 0, hf_ioctl_sync_file_info,			\
	HF_OUT(struct sync_file_info, sync_fence_info, num_fences,		\
	       sizeof(struct sync_fence_info)))					\
HF_IOCTL(DMA_BUF_IOCTL_SYNC, 0, hf_ioctl_dma_buf_sync)				\
HF_IOCTL_FD(DMA_BUF_IOCTL_EXPORT_SYNC_FILE, 0, hf_ioctl_dma_buf_export,		\
	offsetof(struct dma_buf_export_sync_file, fd) + 1)			\
HF_IOCTL(DMA_BUF_IOCTL_IMPORT_SYNC_FILE, 0, hf_ioctl_dma_buf_import)
/* clang-format on */

#define HF_COUNT_(cmd, rights, handler, ...) +1
enum { HF_FD_IOCTL_ROWS = 0 HF_FD_IOCTLS(HF_COUNT_, HF_COUNT_) };

extern const struct hf_ioctl_desc hf_fd_ioctl_descs[HF_FD_IOCTL_ROWS];

/**
 * hf_fd_ioctl_row() - Which row is a request's?
 *
 * As in the kernel the whole of it selects, size and direction included.
 *
 * Return: an index of hf_fd_ioctl_descs, or -1.
 */
static inline int hf_fd_ioctl_row(uint32_t cmd)
{
	for (int i = 0; i < HF_FD_IOCTL_ROWS; i++)
		if (hf_fd_ioctl_descs[i].cmd == cmd)
			return i;
	return -1;
}

#endif
