/* SPDX-License-Identifier: MIT */
/*
 * The fields of every ioctl's argument. See the header.
 *
 * A struct is STRUCT(name, type, fields…); within it T is the type. A field is
 * IN, OUT or IO with its kind, and what the kind needs; one that is an array in
 * the struct itself ends in _EACH. IN_ARRAY points to a nested array of the row,
 * whose direction the row knows.
 */
#include "uapi/ioctl_fields.h"

/* -- names of values ------------------------------------------------------- */

#define N(value) { value, #value }
#define NAMES(id, ...)                                                         \
	static const struct hf_name id[] = { __VA_ARGS__, { 0, NULL } }

/* clang-format off */
NAMES(map_types, N(_DRM_FRAME_BUFFER), N(_DRM_REGISTERS), N(_DRM_SHM), N(_DRM_AGP),
	N(_DRM_SCATTER_GATHER), N(_DRM_CONSISTENT));
NAMES(map_flags, N(_DRM_RESTRICTED), N(_DRM_READ_ONLY), N(_DRM_LOCKED), N(_DRM_KERNEL),
	N(_DRM_WRITE_COMBINING), N(_DRM_CONTAINS_LOCK), N(_DRM_REMOVABLE), N(_DRM_DRIVER));
NAMES(stat_types, N(_DRM_STAT_LOCK), N(_DRM_STAT_OPENS), N(_DRM_STAT_CLOSES),
	N(_DRM_STAT_IOCTLS), N(_DRM_STAT_LOCKS), N(_DRM_STAT_UNLOCKS), N(_DRM_STAT_VALUE),
	N(_DRM_STAT_BYTE), N(_DRM_STAT_COUNT), N(_DRM_STAT_IRQ), N(_DRM_STAT_PRIMARY),
	N(_DRM_STAT_SECONDARY), N(_DRM_STAT_DMA), N(_DRM_STAT_SPECIAL), N(_DRM_STAT_MISSED));
NAMES(modeset_cmds, N(_DRM_PRE_MODESET), N(_DRM_POST_MODESET));
NAMES(control_funcs, N(DRM_ADD_COMMAND), N(DRM_RM_COMMAND), N(DRM_INST_HANDLER),
	N(DRM_UNINST_HANDLER));
NAMES(buf_flags, N(_DRM_PAGE_ALIGN), N(_DRM_AGP_BUFFER), N(_DRM_SG_BUFFER),
	N(_DRM_FB_BUFFER), N(_DRM_PCI_BUFFER_RO));
NAMES(lock_flags, N(_DRM_LOCK_READY), N(_DRM_LOCK_QUIESCENT), N(_DRM_LOCK_FLUSH),
	N(_DRM_LOCK_FLUSH_ALL), N(_DRM_HALT_ALL_QUEUES), N(_DRM_HALT_CUR_QUEUES));
NAMES(dma_flags, N(_DRM_DMA_BLOCK), N(_DRM_DMA_WHILE_LOCKED), N(_DRM_DMA_PRIORITY),
	N(_DRM_DMA_WAIT), N(_DRM_DMA_SMALLER_OK), N(_DRM_DMA_LARGER_OK));
NAMES(ctx_flags, N(_DRM_CONTEXT_PRESERVED), N(_DRM_CONTEXT_2DONLY));
NAMES(caps, N(DRM_CAP_DUMB_BUFFER), N(DRM_CAP_VBLANK_HIGH_CRTC),
	N(DRM_CAP_DUMB_PREFERRED_DEPTH), N(DRM_CAP_DUMB_PREFER_SHADOW), N(DRM_CAP_PRIME),
	N(DRM_CAP_TIMESTAMP_MONOTONIC), N(DRM_CAP_ASYNC_PAGE_FLIP), N(DRM_CAP_CURSOR_WIDTH),
	N(DRM_CAP_CURSOR_HEIGHT), N(DRM_CAP_ADDFB2_MODIFIERS), N(DRM_CAP_PAGE_FLIP_TARGET),
	N(DRM_CAP_CRTC_IN_VBLANK_EVENT), N(DRM_CAP_SYNCOBJ), N(DRM_CAP_SYNCOBJ_TIMELINE),
	{ 0x15, "DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP" });
NAMES(client_caps, N(DRM_CLIENT_CAP_STEREO_3D), N(DRM_CLIENT_CAP_UNIVERSAL_PLANES),
	N(DRM_CLIENT_CAP_ATOMIC), N(DRM_CLIENT_CAP_ASPECT_RATIO),
	N(DRM_CLIENT_CAP_WRITEBACK_CONNECTORS), { 6, "DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT" });
NAMES(fd_flags, { 00000002, "DRM_RDWR" }, { 02000000, "DRM_CLOEXEC" });
NAMES(vblank_types, N(_DRM_VBLANK_ABSOLUTE), N(_DRM_VBLANK_RELATIVE), N(_DRM_VBLANK_EVENT),
	N(_DRM_VBLANK_FLIP), N(_DRM_VBLANK_NEXTONMISS), N(_DRM_VBLANK_SECONDARY),
	N(_DRM_VBLANK_SIGNAL));
NAMES(sequence_flags, N(DRM_CRTC_SEQUENCE_RELATIVE), N(DRM_CRTC_SEQUENCE_NEXT_ON_MISS));
NAMES(mode_types, { DRM_MODE_TYPE_BUILTIN, "DRM_MODE_TYPE_BUILTIN" },
	N(DRM_MODE_TYPE_PREFERRED), N(DRM_MODE_TYPE_DEFAULT), N(DRM_MODE_TYPE_USERDEF),
	N(DRM_MODE_TYPE_DRIVER));
NAMES(mode_flags, N(DRM_MODE_FLAG_PHSYNC), N(DRM_MODE_FLAG_NHSYNC), N(DRM_MODE_FLAG_PVSYNC),
	N(DRM_MODE_FLAG_NVSYNC), N(DRM_MODE_FLAG_INTERLACE), N(DRM_MODE_FLAG_DBLSCAN),
	N(DRM_MODE_FLAG_CSYNC), N(DRM_MODE_FLAG_PCSYNC), N(DRM_MODE_FLAG_NCSYNC),
	N(DRM_MODE_FLAG_HSKEW), N(DRM_MODE_FLAG_BCAST), N(DRM_MODE_FLAG_PIXMUX),
	N(DRM_MODE_FLAG_DBLCLK), N(DRM_MODE_FLAG_CLKDIV2));
NAMES(connections, { 1, "connected" }, { 2, "disconnected" }, { 3, "unknown" });
NAMES(subpixels, { 1, "unknown" }, { 2, "RGB" }, { 3, "BGR" }, { 4, "vertical RGB" },
	{ 5, "vertical BGR" }, { 6, "none" });
NAMES(connector_types, N(DRM_MODE_CONNECTOR_Unknown), N(DRM_MODE_CONNECTOR_VGA),
	N(DRM_MODE_CONNECTOR_DVII), N(DRM_MODE_CONNECTOR_DVID), N(DRM_MODE_CONNECTOR_DVIA),
	N(DRM_MODE_CONNECTOR_Composite), N(DRM_MODE_CONNECTOR_SVIDEO),
	N(DRM_MODE_CONNECTOR_LVDS), N(DRM_MODE_CONNECTOR_Component),
	N(DRM_MODE_CONNECTOR_9PinDIN), N(DRM_MODE_CONNECTOR_DisplayPort),
	N(DRM_MODE_CONNECTOR_HDMIA), N(DRM_MODE_CONNECTOR_HDMIB), N(DRM_MODE_CONNECTOR_TV),
	N(DRM_MODE_CONNECTOR_eDP), N(DRM_MODE_CONNECTOR_VIRTUAL), N(DRM_MODE_CONNECTOR_DSI),
	N(DRM_MODE_CONNECTOR_DPI), N(DRM_MODE_CONNECTOR_WRITEBACK), N(DRM_MODE_CONNECTOR_SPI),
	N(DRM_MODE_CONNECTOR_USB));
NAMES(encoder_types, N(DRM_MODE_ENCODER_NONE), N(DRM_MODE_ENCODER_DAC),
	N(DRM_MODE_ENCODER_TMDS), N(DRM_MODE_ENCODER_LVDS), N(DRM_MODE_ENCODER_TVDAC),
	N(DRM_MODE_ENCODER_VIRTUAL), N(DRM_MODE_ENCODER_DSI), N(DRM_MODE_ENCODER_DPMST),
	N(DRM_MODE_ENCODER_DPI));
NAMES(object_types, N(DRM_MODE_OBJECT_ANY), N(DRM_MODE_OBJECT_CRTC),
	N(DRM_MODE_OBJECT_CONNECTOR), N(DRM_MODE_OBJECT_ENCODER), N(DRM_MODE_OBJECT_MODE),
	N(DRM_MODE_OBJECT_PROPERTY), N(DRM_MODE_OBJECT_FB), N(DRM_MODE_OBJECT_BLOB),
	N(DRM_MODE_OBJECT_PLANE));
NAMES(prop_flags, N(DRM_MODE_PROP_PENDING), N(DRM_MODE_PROP_RANGE),
	N(DRM_MODE_PROP_IMMUTABLE), N(DRM_MODE_PROP_ENUM), N(DRM_MODE_PROP_BLOB),
	N(DRM_MODE_PROP_BITMASK), N(DRM_MODE_PROP_OBJECT), N(DRM_MODE_PROP_SIGNED_RANGE),
	N(DRM_MODE_PROP_ATOMIC));
NAMES(present_flags, N(DRM_MODE_PRESENT_TOP_FIELD), N(DRM_MODE_PRESENT_BOTTOM_FIELD));
NAMES(fb_flags, N(DRM_MODE_FB_INTERLACED), N(DRM_MODE_FB_MODIFIERS));
NAMES(dirty_flags, N(DRM_MODE_FB_DIRTY_ANNOTATE_COPY), N(DRM_MODE_FB_DIRTY_ANNOTATE_FILL));
NAMES(cursor_flags, N(DRM_MODE_CURSOR_BO), N(DRM_MODE_CURSOR_MOVE));
NAMES(flip_flags, N(DRM_MODE_PAGE_FLIP_EVENT), N(DRM_MODE_PAGE_FLIP_ASYNC),
	N(DRM_MODE_PAGE_FLIP_TARGET_ABSOLUTE), N(DRM_MODE_PAGE_FLIP_TARGET_RELATIVE));
NAMES(atomic_flags, N(DRM_MODE_PAGE_FLIP_EVENT), N(DRM_MODE_PAGE_FLIP_ASYNC),
	N(DRM_MODE_ATOMIC_TEST_ONLY), N(DRM_MODE_ATOMIC_NONBLOCK),
	N(DRM_MODE_ATOMIC_ALLOW_MODESET));
NAMES(syncobj_create_flags, N(DRM_SYNCOBJ_CREATE_SIGNALED));
NAMES(syncobj_export_flags, N(DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE));
NAMES(syncobj_import_flags, N(DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE));
NAMES(syncobj_wait_flags, N(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL),
	N(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT), N(DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE));
NAMES(syncobj_query_flags, N(DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED));
NAMES(dma_buf_flags, N(DMA_BUF_SYNC_START), N(DMA_BUF_SYNC_READ), N(DMA_BUF_SYNC_WRITE),
	N(DMA_BUF_SYNC_END));
NAMES(params, N(HOLDFAST_PARAM_ENGINE), N(HOLDFAST_PARAM_IOMMU), N(HOLDFAST_PARAM_COHERENT),
	N(HOLDFAST_PARAM_VA_BITS), N(HOLDFAST_PARAM_PAGE_SIZES),
	N(HOLDFAST_PARAM_USERPTR_MAX), N(HOLDFAST_PARAM_CORES), N(HOLDFAST_PARAM_TIMEOUT_MS),
	N(HOLDFAST_PARAM_CMD_MAX));
NAMES(gem_flags, N(HOLDFAST_GEM_CONTIGUOUS));
NAMES(userptr_flags, N(HOLDFAST_USERPTR_READ_ONLY));
NAMES(madv, N(HOLDFAST_MADV_WILLNEED), N(HOLDFAST_MADV_DONTNEED));
NAMES(wait_flags, N(HOLDFAST_WAIT_WRITE));
NAMES(sync_flags, N(HOLDFAST_SYNC_SIGNAL));
NAMES(bind_ops, N(HOLDFAST_BIND_MAP), N(HOLDFAST_BIND_UNMAP));
NAMES(bind_flags, N(HOLDFAST_BIND_READ_ONLY), N(HOLDFAST_BIND_SPARSE));
NAMES(priorities, N(HOLDFAST_PRIORITY_LOW), N(HOLDFAST_PRIORITY_NORMAL),
	N(HOLDFAST_PRIORITY_HIGH));
NAMES(faults, N(HOLDFAST_FAULT_NONE), N(HOLDFAST_FAULT_UNMAPPED),
	N(HOLDFAST_FAULT_READ_ONLY), N(HOLDFAST_FAULT_COMMAND), N(HOLDFAST_FAULT_TIMEOUT),
	N(HOLDFAST_FAULT_BUS));
NAMES(object_flags, N(HOLDFAST_OBJECT_WRITE));

/* -- structs --------------------------------------------------------------- */

#define MEMBER(m) ((T *)0)->m
#define FIELD(m, kind_, dir_, ...)                                             \
	{ .name = #m, .off = offsetof(T, m), .size = sizeof(MEMBER(m)),        \
	  .count = 1, .kind = HF_FIELD_##kind_, .dir = HF_FIELD_##dir_,        \
	  __VA_ARGS__ }
#define IN(m, kind, ...) FIELD(m, kind, IN, __VA_ARGS__)
#define OUT(m, kind, ...) FIELD(m, kind, OUT, __VA_ARGS__)
#define IO(m, kind, ...) FIELD(m, kind, IO, __VA_ARGS__)
#define EACH(m, kind_, dir_, ...)                                              \
	{ .name = #m, .off = offsetof(T, m), .size = sizeof(MEMBER(m[0])),     \
	  .count = sizeof(MEMBER(m)) / sizeof(MEMBER(m[0])),                   \
	  .kind = HF_FIELD_##kind_, .dir = HF_FIELD_##dir_, __VA_ARGS__ }
#define ARRAY(m, array_, kind, ...)                                            \
	FIELD(m, ARRAY, IN, .array = array_, .elem = HF_FIELD_##kind, __VA_ARGS__)
#define POINTER(m, kind, array_) FIELD(m, kind, IN, .array = array_)
#define PAD(m) FIELD(m, PAD, IN)

#define STRUCT(id, ...)                                                        \
	static const struct hf_field id##_fields[] = { __VA_ARGS__,            \
						       { .name = NULL } };     \
	static const struct hf_struct id = { sizeof(T), id##_fields }

#define T struct drm_version
STRUCT(version, OUT(version_major, INT), OUT(version_minor, INT),
	OUT(version_patchlevel, INT), IO(name_len, UINT), POINTER(name, TEXT, 0),
	IO(date_len, UINT), POINTER(date, TEXT, 1), IO(desc_len, UINT),
	POINTER(desc, TEXT, 2));
#undef T
#define T struct drm_unique
STRUCT(unique, IO(unique_len, UINT), POINTER(unique, TEXT, 0));
STRUCT(set_unique, IN(unique_len, UINT), IN(unique, HEX));
#undef T
#define T struct drm_auth
STRUCT(get_magic, OUT(magic, UINT));
STRUCT(auth_magic, IN(magic, UINT));
#undef T
#define T struct drm_irq_busid
STRUCT(irq_busid, OUT(irq, INT), IN(busnum, INT), IN(devnum, INT), IN(funcnum, INT));
#undef T
#define T struct drm_map
STRUCT(map, IO(offset, HEX), IO(size, UINT), IO(type, ENUM, .names = map_types),
	IO(flags, FLAGS, .names = map_flags), IO(handle, HEX), IO(mtrr, INT));
#undef T
#define T struct drm_client
STRUCT(client, IN(idx, INT), OUT(auth, INT), OUT(pid, UINT), OUT(uid, UINT),
	OUT(magic, UINT), OUT(iocs, UINT));
#undef T
#define T typeof(((struct drm_stats *)0)->data[0])
STRUCT(stat, OUT(value, UINT), OUT(type, ENUM, .names = stat_types));
#undef T
#define T struct drm_stats
STRUCT(stats, OUT(count, UINT), EACH(data, STRUCT, OUT, .of = &stat));
#undef T
#define T struct drm_set_version
STRUCT(set_version, IO(drm_di_major, INT), IO(drm_di_minor, INT), IO(drm_dd_major, INT),
	IO(drm_dd_minor, INT));
#undef T
#define T struct drm_modeset_ctl
STRUCT(modeset_ctl, IN(crtc, UINT), IN(cmd, ENUM, .names = modeset_cmds));
#undef T
#define T struct drm_gem_close
STRUCT(gem_close, IN(handle, UINT), PAD(pad));
#undef T
#define T struct drm_gem_flink
STRUCT(gem_flink, IN(handle, UINT), OUT(name, UINT));
#undef T
#define T struct drm_gem_open
STRUCT(gem_open, IN(name, UINT), OUT(handle, UINT), OUT(size, UINT));
#undef T
#define T struct drm_get_cap
STRUCT(get_cap, IN(capability, ENUM, .names = caps), OUT(value, UINT));
#undef T
#define T struct drm_set_client_cap
STRUCT(set_client_cap, IN(capability, ENUM, .names = client_caps), IN(value, UINT));
#undef T
#define T struct drm_block
STRUCT(block, PAD(unused));
#undef T
#define T struct drm_control
STRUCT(control, IN(func, ENUM, .names = control_funcs), IN(irq, INT));
#undef T
#define T struct drm_buf_desc
STRUCT(buf_desc, IO(count, INT), IO(size, INT), IO(low_mark, INT), IO(high_mark, INT),
	IO(flags, FLAGS, .names = buf_flags), IO(agp_start, HEX));
#undef T
#define T struct drm_buf_info
STRUCT(buf_info, IO(count, INT), IN(list, HEX));
#undef T
#define T struct drm_buf_map
STRUCT(buf_map, IO(count, INT), OUT(virtual, HEX), IN(list, HEX));
#undef T
#define T struct drm_buf_free
STRUCT(buf_free, IN(count, INT), IN(list, HEX));
#undef T
#define T struct drm_ctx_priv_map
STRUCT(ctx_priv_map, IN(ctx_id, UINT), IO(handle, HEX));
#undef T
#define T struct drm_ctx
STRUCT(ctx, IO(handle, UINT), IO(flags, FLAGS, .names = ctx_flags));
#undef T
#define T struct drm_ctx_res
STRUCT(ctx_res, IO(count, INT), IN(contexts, HEX));
#undef T
#define T struct drm_draw
STRUCT(draw, IO(handle, UINT));
#undef T
#define T struct drm_update_draw
STRUCT(update_draw, IN(handle, UINT), IN(type, UINT), IN(num, UINT), IN(data, HEX));
#undef T
#define T struct drm_dma
STRUCT(dma, IN(context, INT), IN(send_count, INT), IN(send_indices, HEX),
	IN(send_sizes, HEX), IN(flags, FLAGS, .names = dma_flags), IN(request_count, INT),
	IN(request_size, INT), IN(request_indices, HEX), IN(request_sizes, HEX),
	OUT(granted_count, INT));
#undef T
#define T struct drm_lock
STRUCT(lock, IN(context, INT), IN(flags, FLAGS, .names = lock_flags));
#undef T
#define T struct drm_scatter_gather
STRUCT(scatter_gather, IN(size, UINT), IO(handle, HEX));
#undef T
#define T struct drm_prime_handle
STRUCT(handle_to_fd, IN(handle, UINT), IN(flags, FLAGS, .names = fd_flags), OUT(fd, INT));
STRUCT(fd_to_handle, OUT(handle, UINT), IN(flags, FLAGS, .names = fd_flags), IN(fd, INT));
#undef T
#define T union drm_wait_vblank
STRUCT(wait_vblank, IN(request.type, FLAGS, .names = vblank_types),
	IN(request.sequence, UINT), IN(request.signal, HEX),
	OUT(reply.type, FLAGS, .names = vblank_types), OUT(reply.sequence, UINT),
	OUT(reply.tval_sec, INT), OUT(reply.tval_usec, INT));
#undef T
#define T struct drm_crtc_get_sequence
STRUCT(get_sequence, IN(crtc_id, UINT), OUT(active, UINT), OUT(sequence, UINT),
	OUT(sequence_ns, INT));
#undef T
#define T struct drm_crtc_queue_sequence
STRUCT(queue_sequence, IN(crtc_id, UINT), IN(flags, FLAGS, .names = sequence_flags),
	IO(sequence, UINT), IN(user_data, HEX));
#undef T

#define T struct drm_mode_modeinfo
STRUCT(modeinfo, IO(clock, UINT), IO(hdisplay, UINT), IO(hsync_start, UINT),
	IO(hsync_end, UINT), IO(htotal, UINT), IO(hskew, UINT), IO(vdisplay, UINT),
	IO(vsync_start, UINT), IO(vsync_end, UINT), IO(vtotal, UINT), IO(vscan, UINT),
	IO(vrefresh, UINT), IO(flags, FLAGS, .names = mode_flags),
	IO(type, FLAGS, .names = mode_types), IO(name, STRING));
#undef T
#define T struct drm_mode_card_res
STRUCT(card_res, ARRAY(fb_id_ptr, 0, UINT), ARRAY(crtc_id_ptr, 1, UINT),
	ARRAY(connector_id_ptr, 2, UINT), ARRAY(encoder_id_ptr, 3, UINT),
	IO(count_fbs, UINT), IO(count_crtcs, UINT), IO(count_connectors, UINT),
	IO(count_encoders, UINT), OUT(min_width, UINT), OUT(max_width, UINT),
	OUT(min_height, UINT), OUT(max_height, UINT));
#undef T
#define T struct drm_mode_crtc
STRUCT(getcrtc, IN(set_connectors_ptr, PAD), IN(count_connectors, PAD), IN(crtc_id, UINT),
	OUT(fb_id, UINT), OUT(x, UINT), OUT(y, UINT), OUT(gamma_size, UINT),
	OUT(mode_valid, UINT), OUT(mode, STRUCT, .of = &modeinfo));
STRUCT(setcrtc, ARRAY(set_connectors_ptr, 0, UINT), IN(count_connectors, UINT),
	IN(crtc_id, UINT), IN(fb_id, UINT), IN(x, UINT), IN(y, UINT), IN(gamma_size, UINT),
	IN(mode_valid, UINT), IN(mode, STRUCT, .of = &modeinfo));
#undef T
#define T struct drm_mode_cursor
STRUCT(cursor, IN(flags, FLAGS, .names = cursor_flags), IN(crtc_id, UINT), IN(x, INT),
	IN(y, INT), IN(width, UINT), IN(height, UINT), IN(handle, UINT));
#undef T
#define T struct drm_mode_cursor2
STRUCT(cursor2, IN(flags, FLAGS, .names = cursor_flags), IN(crtc_id, UINT), IN(x, INT),
	IN(y, INT), IN(width, UINT), IN(height, UINT), IN(handle, UINT), IN(hot_x, INT),
	IN(hot_y, INT));
#undef T
#define T struct drm_mode_crtc_lut
STRUCT(crtc_lut, IN(crtc_id, UINT), IN(gamma_size, UINT), ARRAY(red, 0, UINT),
	ARRAY(green, 1, UINT), ARRAY(blue, 2, UINT));
#undef T
#define T struct drm_mode_get_encoder
STRUCT(get_encoder, IN(encoder_id, UINT), OUT(encoder_type, ENUM, .names = encoder_types),
	OUT(crtc_id, UINT), OUT(possible_crtcs, HEX), OUT(possible_clones, HEX));
#undef T
#define T struct drm_mode_get_connector
STRUCT(get_connector, ARRAY(encoders_ptr, 0, UINT),
	ARRAY(modes_ptr, 1, STRUCT, .of = &modeinfo), POINTER(props_ptr, PROPS, 2),
	POINTER(prop_values_ptr, PART, 3), IO(count_modes, UINT), IO(count_props, UINT),
	IO(count_encoders, UINT), OUT(encoder_id, UINT), IN(connector_id, UINT),
	OUT(connector_type, ENUM, .names = connector_types), OUT(connector_type_id, UINT),
	OUT(connection, ENUM, .names = connections), OUT(mm_width, UINT),
	OUT(mm_height, UINT), OUT(subpixel, ENUM, .names = subpixels), PAD(pad));
#undef T
#define T struct drm_mode_mode_cmd
STRUCT(mode_cmd, IN(connector_id, UINT), IN(mode, STRUCT, .of = &modeinfo));
#undef T
#define T struct drm_mode_property_enum
STRUCT(property_enum, OUT(value, UINT), OUT(name, STRING));
#undef T
#define T struct drm_mode_get_property
STRUCT(get_property, ARRAY(values_ptr, 0, UINT),
	ARRAY(enum_blob_ptr, 1, STRUCT, .of = &property_enum), IN(prop_id, UINT),
	OUT(flags, FLAGS, .names = prop_flags), OUT(name, STRING), IO(count_values, UINT),
	IO(count_enum_blobs, UINT));
#undef T
#define T struct drm_mode_connector_set_property
STRUCT(set_property, IN(value, VALUE, .other = offsetof(T, prop_id)),
	IN(prop_id, PROPERTY), IN(connector_id, UINT));
#undef T
#define T struct drm_mode_get_blob
STRUCT(get_blob, IN(blob_id, UINT), IO(length, UINT), POINTER(data, BYTES, 0));
#undef T
#define T struct drm_mode_fb_cmd
STRUCT(getfb, IN(fb_id, UINT), OUT(width, UINT), OUT(height, UINT), OUT(pitch, UINT),
	OUT(bpp, UINT), OUT(depth, UINT), OUT(handle, UINT));
STRUCT(addfb, OUT(fb_id, UINT), IN(width, UINT), IN(height, UINT), IN(pitch, UINT),
	IN(bpp, UINT), IN(depth, UINT), IN(handle, UINT));
#undef T
#define T struct drm_mode_fb_cmd2
STRUCT(addfb2, OUT(fb_id, UINT), IN(width, UINT), IN(height, UINT),
	IN(pixel_format, FOURCC), IN(flags, FLAGS, .names = fb_flags),
	EACH(handles, UINT, IN), EACH(pitches, UINT, IN), EACH(offsets, UINT, IN),
	EACH(modifier, HEX, IN));
STRUCT(getfb2, IN(fb_id, UINT), OUT(width, UINT), OUT(height, UINT),
	OUT(pixel_format, FOURCC), OUT(flags, FLAGS, .names = fb_flags),
	EACH(handles, UINT, OUT), EACH(pitches, UINT, OUT), EACH(offsets, UINT, OUT),
	EACH(modifier, HEX, OUT));
#undef T
#define T uint32_t
static const struct hf_field rmfb_fields[] = {
	{ .name = "fb_id", .size = 4, .count = 1, .kind = HF_FIELD_UINT,
	  .dir = HF_FIELD_IN },
	{ .name = NULL },
};
static const struct hf_struct rmfb = { sizeof(T), rmfb_fields };
#undef T
#define T struct drm_mode_closefb
STRUCT(closefb, IN(fb_id, UINT), PAD(pad));
#undef T
#define T struct drm_mode_crtc_page_flip
STRUCT(page_flip, IN(crtc_id, UINT), IN(fb_id, UINT), IN(flags, FLAGS, .names = flip_flags),
	PAD(reserved), IN(user_data, HEX));
#undef T
#define T struct drm_clip_rect
STRUCT(clip_rect, IN(x1, UINT), IN(y1, UINT), IN(x2, UINT), IN(y2, UINT));
#undef T
#define T struct drm_mode_fb_dirty_cmd
STRUCT(dirtyfb, IN(fb_id, UINT), IN(flags, FLAGS, .names = dirty_flags), IN(color, HEX),
	IN(num_clips, UINT), ARRAY(clips_ptr, 0, STRUCT, .of = &clip_rect));
#undef T
#define T struct drm_mode_create_dumb
STRUCT(create_dumb, IN(height, UINT), IN(width, UINT), IN(bpp, UINT), IN(flags, HEX),
	OUT(handle, UINT), OUT(pitch, UINT), OUT(size, UINT));
#undef T
#define T struct drm_mode_map_dumb
STRUCT(map_dumb, IN(handle, UINT), PAD(pad), OUT(offset, HEX));
#undef T
#define T struct drm_mode_destroy_dumb
STRUCT(destroy_dumb, IN(handle, UINT));
#undef T
#define T struct drm_mode_get_plane_res
STRUCT(get_plane_res, ARRAY(plane_id_ptr, 0, UINT), IO(count_planes, UINT));
#undef T
#define T struct drm_mode_get_plane
STRUCT(get_plane, IN(plane_id, UINT), OUT(crtc_id, UINT), OUT(fb_id, UINT),
	OUT(possible_crtcs, HEX), OUT(gamma_size, UINT), IO(count_format_types, UINT),
	ARRAY(format_type_ptr, 0, FOURCC));
#undef T
#define T struct drm_mode_set_plane
STRUCT(set_plane, IN(plane_id, UINT), IN(crtc_id, UINT), IN(fb_id, UINT),
	IN(flags, FLAGS, .names = present_flags), IN(crtc_x, INT), IN(crtc_y, INT),
	IN(crtc_w, UINT), IN(crtc_h, UINT), IN(src_x, FIXED), IN(src_y, FIXED),
	IN(src_h, FIXED), IN(src_w, FIXED));
#undef T
#define T struct drm_mode_obj_get_properties
STRUCT(obj_get_properties, POINTER(props_ptr, PROPS, 0), POINTER(prop_values_ptr, PART, 1),
	IO(count_props, UINT), IN(obj_id, UINT), IN(obj_type, ENUM, .names = object_types));
#undef T
#define T struct drm_mode_obj_set_property
STRUCT(obj_set_property, IN(value, VALUE, .other = offsetof(T, prop_id)),
	IN(prop_id, PROPERTY), IN(obj_id, UINT), IN(obj_type, ENUM, .names = object_types));
#undef T
#define T struct drm_mode_atomic
STRUCT(atomic, IN(flags, FLAGS, .names = atomic_flags), IN(count_objs, UINT),
	POINTER(objs_ptr, OBJECTS, 0), POINTER(count_props_ptr, PART, 1),
	POINTER(props_ptr, PART, 2), POINTER(prop_values_ptr, PART, 3), PAD(reserved),
	IN(user_data, HEX));
#undef T
#define T struct drm_mode_create_blob
STRUCT(create_blob, POINTER(data, BYTES, 0), IN(length, UINT), OUT(blob_id, UINT));
#undef T
#define T struct drm_mode_destroy_blob
STRUCT(destroy_blob, IN(blob_id, UINT));
#undef T
#define T struct drm_mode_create_lease
STRUCT(create_lease, ARRAY(object_ids, 0, UINT), IN(object_count, UINT),
	IN(flags, FLAGS, .names = fd_flags), OUT(lessee_id, UINT), OUT(fd, INT));
#undef T
#define T struct drm_mode_list_lessees
STRUCT(list_lessees, IO(count_lessees, UINT), PAD(pad), ARRAY(lessees_ptr, 0, UINT));
#undef T
#define T struct drm_mode_get_lease
STRUCT(get_lease, IO(count_objects, UINT), PAD(pad), ARRAY(objects_ptr, 0, UINT));
#undef T
#define T struct drm_mode_revoke_lease
STRUCT(revoke_lease, IN(lessee_id, UINT));
#undef T

/* Younger than the rest of these structs. */
#ifdef DRM_SYNCOBJ_WAIT_FLAGS_WAIT_DEADLINE
#define DEADLINE , IN(deadline_nsec, UINT)
#else
#define DEADLINE
#endif

#define T struct drm_syncobj_create
STRUCT(syncobj_create, OUT(handle, UINT), IN(flags, FLAGS, .names = syncobj_create_flags));
#undef T
#define T struct drm_syncobj_destroy
STRUCT(syncobj_destroy, IN(handle, UINT), PAD(pad));
#undef T
#define T struct drm_syncobj_handle
STRUCT(syncobj_export, IN(handle, UINT), IN(flags, FLAGS, .names = syncobj_export_flags),
	OUT(fd, INT), PAD(pad));
STRUCT(syncobj_import, IO(handle, UINT), IN(flags, FLAGS, .names = syncobj_import_flags),
	IN(fd, INT), PAD(pad));
#undef T
#define T struct drm_syncobj_wait
STRUCT(syncobj_wait, ARRAY(handles, 0, UINT), IN(timeout_nsec, INT),
	IN(count_handles, UINT), IN(flags, FLAGS, .names = syncobj_wait_flags),
	OUT(first_signaled, UINT), PAD(pad)
	DEADLINE);
#undef T
#define T struct drm_syncobj_timeline_wait
STRUCT(syncobj_timeline_wait, ARRAY(handles, 0, UINT), ARRAY(points, 1, UINT),
	IN(timeout_nsec, INT), IN(count_handles, UINT),
	IN(flags, FLAGS, .names = syncobj_wait_flags), OUT(first_signaled, UINT), PAD(pad)
	DEADLINE);
#undef T
#define T struct drm_syncobj_array
STRUCT(syncobj_array, ARRAY(handles, 0, UINT), IN(count_handles, UINT), PAD(pad));
#undef T
#define T struct drm_syncobj_timeline_array
STRUCT(syncobj_query, ARRAY(handles, 0, UINT), ARRAY(points, 1, UINT),
	IN(count_handles, UINT), IN(flags, FLAGS, .names = syncobj_query_flags));
#undef T
#define T struct drm_syncobj_transfer
STRUCT(syncobj_transfer, IN(src_handle, UINT), IN(dst_handle, UINT), IN(src_point, UINT),
	IN(dst_point, UINT), IN(flags, FLAGS, .names = syncobj_wait_flags), PAD(pad));
#undef T
#define T struct drm_syncobj_eventfd
STRUCT(syncobj_eventfd, IN(handle, UINT), IN(flags, FLAGS, .names = syncobj_wait_flags),
	IN(point, UINT), IN(fd, INT), PAD(pad));
#undef T

#define T struct drm_holdfast_get_param
STRUCT(get_param, IN(param, ENUM, .names = params), PAD(pad), OUT(value, UINT));
#undef T
#define T struct drm_holdfast_gem_create
STRUCT(gem_create, IN(size, UINT), IN(flags, FLAGS, .names = gem_flags), OUT(handle, UINT));
#undef T
#define T struct drm_holdfast_gem_mmap_offset
STRUCT(gem_mmap_offset, IN(handle, UINT), PAD(pad), OUT(offset, HEX));
#undef T
#define T struct drm_holdfast_gem_userptr
STRUCT(gem_userptr, IN(addr, HEX), IN(size, UINT), IN(flags, FLAGS, .names = userptr_flags),
	OUT(handle, UINT));
#undef T
#define T struct drm_holdfast_gem_madvise
STRUCT(gem_madvise, IN(handle, UINT), IN(madv, ENUM, .names = madv), OUT(retained, UINT),
	PAD(pad));
#undef T
#define T struct drm_holdfast_gem_wait
STRUCT(gem_wait, IN(handle, UINT), IN(flags, FLAGS, .names = wait_flags),
	IN(timeout_ns, INT));
#undef T
#define T struct drm_holdfast_vm_create
STRUCT(vm_create, IN(flags, HEX), OUT(vm_id, UINT));
#undef T
#define T struct drm_holdfast_vm_destroy
STRUCT(vm_destroy, IN(vm_id, UINT), PAD(pad));
#undef T
#define T struct drm_holdfast_sync
STRUCT(sync, IN(handle, UINT), IN(flags, FLAGS, .names = sync_flags), IN(point, UINT));
#undef T
#define T struct drm_holdfast_bind_op
STRUCT(bind_op, IN(op, ENUM, .names = bind_ops), IN(flags, FLAGS, .names = bind_flags),
	IN(handle, UINT), PAD(pad), IN(offset, HEX), IN(va, HEX), IN(range, UINT));
#undef T
#define T struct drm_holdfast_vm_bind
STRUCT(vm_bind, IN(vm_id, UINT), IN(flags, HEX), IN(num_ops, UINT), IN(num_syncs, UINT),
	ARRAY(ops, 0, STRUCT, .of = &bind_op), ARRAY(syncs, 1, STRUCT, .of = &sync));
#undef T
#define T struct drm_holdfast_ctx_create
STRUCT(ctx_create, IN(vm_id, UINT), IN(priority, ENUM, .names = priorities),
	IN(timeout_ms, UINT), IN(flags, HEX), OUT(ctx_id, UINT), PAD(pad));
#undef T
#define T struct drm_holdfast_ctx_destroy
STRUCT(ctx_destroy, IN(ctx_id, UINT), PAD(pad));
#undef T
#define T struct drm_holdfast_ctx_query
STRUCT(ctx_query, IN(ctx_id, UINT), OUT(banned, UINT), OUT(fault, ENUM, .names = faults),
	OUT(write, UINT), OUT(fault_va, HEX), OUT(jobs_done, UINT), OUT(busy_ns, UINT));
#undef T
#define T struct drm_holdfast_object
STRUCT(object, IN(handle, UINT), IN(flags, FLAGS, .names = object_flags));
#undef T
#define T struct drm_holdfast_submit
STRUCT(submit, IN(ctx_id, UINT), IN(flags, HEX), IN(cmd_va, HEX), IN(cmd_size, UINT),
	IN(num_syncs, UINT), ARRAY(syncs, 0, STRUCT, .of = &sync),
	ARRAY(objects, 1, STRUCT, .of = &object), IN(num_objects, UINT), PAD(pad));
#undef T

#define T struct sync_merge_data
STRUCT(sync_merge, IN(name, STRING), IN(fd2, INT), OUT(fence, INT), IN(flags, HEX),
	PAD(pad));
#undef T
#define T struct sync_fence_info
STRUCT(fence_info, OUT(obj_name, STRING), OUT(driver_name, STRING), OUT(status, INT),
	OUT(flags, HEX), OUT(timestamp_ns, UINT));
#undef T
#define T struct sync_file_info
STRUCT(file_info, OUT(name, STRING), OUT(status, INT), IN(flags, HEX), IO(num_fences, UINT),
	PAD(pad), ARRAY(sync_fence_info, 0, STRUCT, .of = &fence_info));
#undef T
#define T struct dma_buf_sync
STRUCT(dma_buf_sync_arg, IN(flags, FLAGS, .names = dma_buf_flags));
#undef T
#define T struct dma_buf_export_sync_file
STRUCT(dma_buf_export, IN(flags, FLAGS, .names = dma_buf_flags), OUT(fd, INT));
#undef T
#define T struct dma_buf_import_sync_file
STRUCT(dma_buf_import, IN(flags, FLAGS, .names = dma_buf_flags), IN(fd, INT));
#undef T

/* -- the tables ------------------------------------------------------------ */

#define ARG(cmd, name) [_IOC_NR(DRM_IOCTL_##cmd)] = &name

static const struct hf_struct *const args[256] = {
	ARG(VERSION, version),
	ARG(GET_UNIQUE, unique),
	ARG(GET_MAGIC, get_magic),
	ARG(IRQ_BUSID, irq_busid),
	ARG(GET_MAP, map),
	ARG(GET_CLIENT, client),
	ARG(GET_STATS, stats),
	ARG(SET_VERSION, set_version),
	ARG(MODESET_CTL, modeset_ctl),
	ARG(GEM_CLOSE, gem_close),
	ARG(GEM_FLINK, gem_flink),
	ARG(GEM_OPEN, gem_open),
	ARG(GET_CAP, get_cap),
	ARG(SET_CLIENT_CAP, set_client_cap),
	ARG(SET_UNIQUE, set_unique),
	ARG(AUTH_MAGIC, auth_magic),
	ARG(BLOCK, block),
	ARG(UNBLOCK, block),
	ARG(CONTROL, control),
	ARG(ADD_MAP, map),
	ARG(ADD_BUFS, buf_desc),
	ARG(MARK_BUFS, buf_desc),
	ARG(INFO_BUFS, buf_info),
	ARG(MAP_BUFS, buf_map),
	ARG(FREE_BUFS, buf_free),
	ARG(RM_MAP, map),
	ARG(SET_SAREA_CTX, ctx_priv_map),
	ARG(GET_SAREA_CTX, ctx_priv_map),
	ARG(ADD_CTX, ctx),
	ARG(RM_CTX, ctx),
	ARG(MOD_CTX, ctx),
	ARG(GET_CTX, ctx),
	ARG(SWITCH_CTX, ctx),
	ARG(NEW_CTX, ctx),
	ARG(RES_CTX, ctx_res),
	ARG(ADD_DRAW, draw),
	ARG(RM_DRAW, draw),
	ARG(DMA, dma),
	ARG(LOCK, lock),
	ARG(UNLOCK, lock),
	ARG(FINISH, lock),
	ARG(PRIME_HANDLE_TO_FD, handle_to_fd),
	ARG(PRIME_FD_TO_HANDLE, fd_to_handle),
	ARG(SG_ALLOC, scatter_gather),
	ARG(SG_FREE, scatter_gather),
	ARG(WAIT_VBLANK, wait_vblank),
	ARG(CRTC_GET_SEQUENCE, get_sequence),
	ARG(CRTC_QUEUE_SEQUENCE, queue_sequence),
	ARG(UPDATE_DRAW, update_draw),
	ARG(MODE_GETRESOURCES, card_res),
	ARG(MODE_GETCRTC, getcrtc),
	ARG(MODE_SETCRTC, setcrtc),
	ARG(MODE_CURSOR, cursor),
	ARG(MODE_GETGAMMA, crtc_lut),
	ARG(MODE_SETGAMMA, crtc_lut),
	ARG(MODE_GETENCODER, get_encoder),
	ARG(MODE_GETCONNECTOR, get_connector),
	ARG(MODE_ATTACHMODE, mode_cmd),
	ARG(MODE_DETACHMODE, mode_cmd),
	ARG(MODE_GETPROPERTY, get_property),
	ARG(MODE_SETPROPERTY, set_property),
	ARG(MODE_GETPROPBLOB, get_blob),
	ARG(MODE_GETFB, getfb),
	ARG(MODE_ADDFB, addfb),
	ARG(MODE_RMFB, rmfb),
	ARG(MODE_PAGE_FLIP, page_flip),
	ARG(MODE_DIRTYFB, dirtyfb),
	ARG(MODE_CREATE_DUMB, create_dumb),
	ARG(MODE_MAP_DUMB, map_dumb),
	ARG(MODE_DESTROY_DUMB, destroy_dumb),
	ARG(MODE_GETPLANERESOURCES, get_plane_res),
	ARG(MODE_GETPLANE, get_plane),
	ARG(MODE_SETPLANE, set_plane),
	ARG(MODE_ADDFB2, addfb2),
	ARG(MODE_OBJ_GETPROPERTIES, obj_get_properties),
	ARG(MODE_OBJ_SETPROPERTY, obj_set_property),
	ARG(MODE_CURSOR2, cursor2),
	ARG(MODE_ATOMIC, atomic),
	ARG(MODE_CREATEPROPBLOB, create_blob),
	ARG(MODE_DESTROYPROPBLOB, destroy_blob),
	ARG(SYNCOBJ_CREATE, syncobj_create),
	ARG(SYNCOBJ_DESTROY, syncobj_destroy),
	ARG(SYNCOBJ_HANDLE_TO_FD, syncobj_export),
	ARG(SYNCOBJ_FD_TO_HANDLE, syncobj_import),
	ARG(SYNCOBJ_WAIT, syncobj_wait),
	ARG(SYNCOBJ_RESET, syncobj_array),
	ARG(SYNCOBJ_SIGNAL, syncobj_array),
	ARG(SYNCOBJ_TIMELINE_WAIT, syncobj_timeline_wait),
	ARG(SYNCOBJ_QUERY, syncobj_query),
	ARG(SYNCOBJ_TRANSFER, syncobj_transfer),
	ARG(SYNCOBJ_TIMELINE_SIGNAL, syncobj_query),
	ARG(SYNCOBJ_EVENTFD, syncobj_eventfd),
	ARG(MODE_CREATE_LEASE, create_lease),
	ARG(MODE_LIST_LESSEES, list_lessees),
	ARG(MODE_GET_LEASE, get_lease),
	ARG(MODE_REVOKE_LEASE, revoke_lease),
	ARG(HOLDFAST_GET_PARAM, get_param),
	ARG(HOLDFAST_GEM_CREATE, gem_create),
	ARG(HOLDFAST_GEM_MMAP_OFFSET, gem_mmap_offset),
	ARG(HOLDFAST_GEM_USERPTR, gem_userptr),
	ARG(HOLDFAST_GEM_MADVISE, gem_madvise),
	ARG(HOLDFAST_GEM_WAIT, gem_wait),
	ARG(HOLDFAST_VM_CREATE, vm_create),
	ARG(HOLDFAST_VM_DESTROY, vm_destroy),
	ARG(HOLDFAST_VM_BIND, vm_bind),
	ARG(HOLDFAST_CTX_CREATE, ctx_create),
	ARG(HOLDFAST_CTX_DESTROY, ctx_destroy),
	ARG(HOLDFAST_CTX_QUERY, ctx_query),
	ARG(HOLDFAST_SUBMIT, submit),
	ARG(MODE_GETFB2, getfb2),
	ARG(MODE_CLOSEFB, closefb),
};

static const struct {
	uint32_t cmd;
	const struct hf_struct *arg;
} fd_args[] = {
	{ SYNC_IOC_MERGE, &sync_merge },
	{ SYNC_IOC_FILE_INFO, &file_info },
	{ DMA_BUF_IOCTL_SYNC, &dma_buf_sync_arg },
	{ DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &dma_buf_export },
	{ DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &dma_buf_import },
};
/* clang-format on */

const struct hf_struct *hf_ioctl_struct(const struct hf_ioctl_desc *desc)
{
	if (desc >= hf_ioctl_descs && desc < hf_ioctl_descs + 256)
		return args[desc - hf_ioctl_descs];
	for (size_t i = 0; i < sizeof(fd_args) / sizeof(*fd_args); i++)
		if (fd_args[i].cmd == desc->cmd)
			return fd_args[i].arg;
	return NULL;
}
