/* SPDX-License-Identifier: MIT */
/*
 * Random ioctls from the tables, straight into the dispatcher: what must hold is
 * that nothing crashes, no sanitizer has anything to say, and that nothing is
 * left once the files are closed.
 *
 * usage: fuzz-ioctl [ITERATIONS [SEED]]. The same numbers give the same calls,
 * but for what depends on the time of a vblank.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../unit/fdcount.h"
#include "drivers/soft/composer.h"
#include "drivers/soft/frame.h"
#include "drivers/soft/soft.h"
#include "kms/legacy.h"
#include "kms/writeback.h"
#include "server/server.h"
#include "uapi/call.h"

#define CARD 7
#define RENDER 135
#define FILES 5
#define PARKED 32
#define FDS 16
#define EVENTFDS 3 /* the first of them, which stay */

static struct hf_system *sys;
static struct hf_device *dev;
static struct hf_file *files[FILES];
static int clients[FILES];
static int fds[FDS]; /* dma-bufs and others, to be imported */
static uint64_t seed = 1;

/* A call owns all its memory, so that each byte beyond is one too many. */
struct request {
	struct hf_call call;
	uint32_t arg_size; /* of call.arg */
	bool finished;
};

static struct request *parked[PARKED];

static void require(bool condition, const char *what)
{
	if (condition)
		return;
	printf("not ok 1 - %s\n", what);
	fflush(stdout);
	abort();
}

/* -- random values --------------------------------------------------------- */

static uint64_t next(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (next() >> 16) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

static uint64_t edge(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 127, 128, 255, 256, 4095, 4096,
		16383, 16384, 16385, 65535, 65536, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff, 0x100000000, 0x7fffffffffffffff,
		0x8000000000000000, 0xfffffffffffffffe, 0xffffffffffffffff,
	};

	return edges[below(sizeof(edges) / sizeof(*edges))];
}

static uint32_t any_object(void)
{
	uint32_t id = 1 + below(dev->kms.objects.size + 2);

	return hf_idr_next(&dev->kms.objects, &id) ? id : below(200);
}

static uint64_t any_value(void)
{
	switch (below(6)) {
	case 0:
		return edge();
	case 1:
		return next();
	case 2:
		return any_object();
	case 3:
		return 0;
	default:
		return below(8);
	}
}

static uint32_t any_fb(void)
{
	for (int tries = 0; tries < 20; tries++) {
		uint32_t id = any_object();

		if (hf_framebuffer_find(&dev->kms, id))
			return id;
	}
	return any_object();
}

static struct hf_crtc *any_crtc(void)
{
	return dev->kms.crtcs[below(dev->kms.num_crtcs)];
}

static struct hf_plane *any_plane(void)
{
	return dev->kms.planes[below(dev->kms.num_planes)];
}

static struct hf_connector *any_connector(void)
{
	return dev->kms.connectors[below(dev->kms.num_connectors)];
}

static void any_mode(struct drm_mode_modeinfo *mode)
{
	/* Those of the monitors. */
	const struct hf_connector *connector = dev->kms.connectors[below(2)];

	/* One that writes back has none before it is probed. */
	if (!connector->num_modes)
		connector = dev->kms.connectors[0];
	*mode = connector->modes[below(connector->num_modes)];
	if (one_in(8))
		mode->clock = edge();
	if (one_in(8))
		mode->flags = next();
	if (one_in(8))
		((uint8_t *)mode)[below(sizeof(*mode))] = next();
}

/* -- arguments that make sense, more or less ------------------------------- */

static void shape_addfb2(struct drm_mode_fb_cmd2 *cmd, struct hf_file *file)
{
	const struct hf_format *format = hf_format_at(below(80));
	uint32_t handle = 1 + below(file->gem.handles.count + 1);

	cmd->width = one_in(2) ? 640 : 1 + below(700);
	cmd->height = one_in(2) ? 480 : 1 + below(500);
	if (!format || one_in(2))
		format = hf_format_info(DRM_FORMAT_XRGB8888);
	cmd->pixel_format = format->fourcc;
	for (unsigned int i = 0; i < format->num_planes; i++) {
		cmd->handles[i] = handle;
		cmd->pitches[i] = hf_format_min_pitch(format, cmd->width, i) +
				  (one_in(4) ? below(64) : 0);
		cmd->offsets[i] = one_in(4) ? below(4096) : 0;
	}
}

/* What there is to be said of a property: mostly what it may be set to. */
static uint64_t value_for(const struct hf_property *prop)
{
	if (one_in(6))
		return any_value();
	if (prop == dev->kms.prop.fb_id || prop == dev->kms.prop.writeback_fb)
		return one_in(6) ? 0 : any_fb();
	if (prop == dev->kms.prop.crtc_id)
		return one_in(6) ? 0 : any_crtc()->base.id;
	if (prop == dev->kms.prop.active)
		return !one_in(4);
	if (prop->flags & DRM_MODE_PROP_BLOB)
		return one_in(4) ? 0 : any_object();
	if (prop->num_enums)
		return prop->flags & DRM_MODE_PROP_BITMASK ?
			       1u << below(6) :
			       prop->enums[below(prop->num_enums)].value;
	if (prop == dev->kms.prop.src_w || prop == dev->kms.prop.src_h)
		return (uint64_t)(1 + below(480)) << 16 | (one_in(8) ? 77 : 0);
	return below(500);
}

struct atomic {
	uint32_t objs[4], counts[4], props[32];
	uint64_t values[32];
	uint32_t nobjs, nprops;
};

static void add_object(struct atomic *a, const struct hf_mode_object *object,
		       bool all)
{
	uint32_t n = all ? object->nprops : below(6);

	a->objs[a->nobjs] = object->id;
	a->counts[a->nobjs] = 0;
	for (uint32_t i = 0; i < n && a->nprops < 32; i++) {
		const struct hf_property *prop =
			object->props[all ? i : below(object->nprops)];

		if (all && (prop->flags & DRM_MODE_PROP_IMMUTABLE))
			continue;
		a->props[a->nprops] = prop->base.id;
		a->values[a->nprops++] = value_for(prop);
		a->counts[a->nobjs]++;
	}
	a->nobjs++;
}

/* A CRTC and the connector that writes it back. */
static void add_writeback(struct atomic *a)
{
	const struct hf_crtc *crtc = any_crtc();
	const struct hf_connector *connector =
		dev->kms.connectors[2 + crtc->index];

	a->objs[a->nobjs] = connector->base.id;
	a->props[a->nprops] = dev->kms.prop.crtc_id->base.id;
	a->values[a->nprops++] = crtc->base.id;
	a->props[a->nprops] = dev->kms.prop.writeback_fb->base.id;
	a->values[a->nprops++] = any_fb();
	a->counts[a->nobjs] = 2;
	if (one_in(2)) {
		a->props[a->nprops] = dev->kms.prop.writeback_out_fence->base.id;
		a->values[a->nprops++] = 4096;
		a->counts[a->nobjs]++;
	}
	a->nobjs++;
}

static void shape_atomic(struct atomic *a)
{
	memset(a, 0, sizeof(*a));
	if (one_in(4)) {
		add_writeback(a);
		return;
	}
	for (uint32_t n = 1 + below(3); n; n--) {
		switch (below(4)) {
		case 0:
			add_object(a, &any_crtc()->base, false);
			break;
		case 1:
			add_object(a, &any_connector()->base, false);
			break;
		default:
			add_object(a, &any_plane()->base, one_in(2));
		}
	}
}

/* Ioctls on sync_files and dma-bufs. */
static void shape_fd(uint32_t cmd, uint8_t *arg)
{
	struct sync_merge_data *merge = (void *)arg;
	struct sync_file_info *info = (void *)arg;
	struct dma_buf_sync *sync = (void *)arg;
	struct dma_buf_export_sync_file *export = (void *)arg;

	switch (cmd) {
	case SYNC_IOC_MERGE:
		memset(merge->name, 'm', one_in(2) ? sizeof(merge->name) : 0);
		merge->flags = one_in(16);
		break;
	case SYNC_IOC_FILE_INFO:
		info->num_fences = below(4);
		break;
	case DMA_BUF_IOCTL_SYNC:
		sync->flags = below(9);
		break;
	default: /* import is like export */
		export->flags = below(5);
	}
}

static uint32_t any_syncobj(const struct hf_file *file)
{
	return 1 + below(file->syncobjs.handles.size / 8 + 1);
}

/* Returns false where it is no ioctl of syncobjs that needs any help. */
static bool shape_syncobj(uint32_t cmd, uint8_t *arg, struct hf_file *file)
{
	struct drm_syncobj_handle *handle = (void *)arg;
	struct drm_syncobj_wait *wait = (void *)arg;
	struct drm_syncobj_timeline_wait *timeline = (void *)arg;
	struct drm_syncobj_array *array = (void *)arg;
	struct drm_syncobj_timeline_array *points = (void *)arg;
	struct drm_syncobj_transfer *transfer = (void *)arg;
	struct drm_syncobj_eventfd *event = (void *)arg;

	switch (cmd) {
	case DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD:
	case DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE:
		handle->handle = any_syncobj(file);
		handle->flags = below(2);
		return true;
	case DRM_IOCTL_SYNCOBJ_WAIT:
		wait->count_handles = 1 + below(4);
		wait->flags = below(4);
		wait->timeout_nsec = one_in(2) ? INT64_MAX : 1;
		return true;
	case DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT:
		timeline->points = !one_in(4);
		timeline->count_handles = 1 + below(4);
		timeline->flags = below(8);
		timeline->timeout_nsec = one_in(2) ? INT64_MAX : 1;
		return true;
	case DRM_IOCTL_SYNCOBJ_RESET:
	case DRM_IOCTL_SYNCOBJ_SIGNAL:
		array->count_handles = 1 + below(4);
		return true;
	case DRM_IOCTL_SYNCOBJ_QUERY:
	case DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL:
		points->points = !one_in(4);
		points->count_handles = 1 + below(4);
		points->flags = cmd == DRM_IOCTL_SYNCOBJ_QUERY && one_in(2);
		return true;
	case DRM_IOCTL_SYNCOBJ_TRANSFER:
		transfer->src_handle = any_syncobj(file);
		transfer->dst_handle = any_syncobj(file);
		transfer->src_point = below(3);
		transfer->dst_point = below(3);
		transfer->flags = below(4);
		return true;
	case DRM_IOCTL_SYNCOBJ_EVENTFD:
		event->handle = any_syncobj(file);
		event->flags = one_in(2) ?
				       DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE :
				       0;
		event->point = below(4);
		return true;
	default:
		return false;
	}
}

static void shape(uint32_t cmd, uint8_t *arg, struct hf_file *file)
{
	union drm_wait_vblank *vblank = (void *)arg;
	struct drm_mode_create_dumb *dumb = (void *)arg;
	struct drm_mode_crtc *crtc = (void *)arg;
	struct drm_mode_crtc_page_flip *flip = (void *)arg;
	struct drm_mode_set_plane *plane = (void *)arg;
	struct drm_mode_cursor2 *cursor = (void *)arg;
	struct drm_mode_crtc_lut *lut = (void *)arg;
	struct drm_crtc_queue_sequence *queue = (void *)arg;
	struct drm_mode_obj_set_property *set = (void *)arg;
	struct drm_mode_obj_get_properties *get = (void *)arg;
	struct drm_mode_create_blob *blob = (void *)arg;
	struct drm_mode_atomic *atomic = (void *)arg;
	struct drm_set_client_cap *cap = (void *)arg;
	const struct hf_mode_object *object;

	if (shape_syncobj(cmd, arg, file))
		return;
	switch (cmd) {
	case DRM_IOCTL_MODE_CREATE_DUMB:
		dumb->width = one_in(2) ? 640 : 1 + below(2000);
		dumb->height = one_in(2) ? 480 : 1 + below(2000);
		dumb->bpp = 8 * (1 + below(5));
		break;
	case DRM_IOCTL_MODE_ADDFB2:
		shape_addfb2((void *)arg, file);
		break;
	case DRM_IOCTL_MODE_SETCRTC:
		crtc->crtc_id = any_crtc()->base.id;
		crtc->mode_valid = !one_in(4);
		crtc->count_connectors = crtc->mode_valid ? 1 + below(2) : 0;
		crtc->fb_id = any_fb();
		any_mode(&crtc->mode);
		break;
	case DRM_IOCTL_MODE_PAGE_FLIP:
		flip->crtc_id = any_crtc()->base.id;
		flip->fb_id = any_fb();
		flip->flags = below(4);
		break;
	case DRM_IOCTL_MODE_SETPLANE:
		plane->plane_id = any_plane()->base.id;
		plane->crtc_id = any_crtc()->base.id;
		plane->fb_id = one_in(6) ? 0 : any_fb();
		plane->crtc_x = (int)below(800) - 100;
		plane->crtc_y = (int)below(800) - 100;
		plane->crtc_w = below(700);
		plane->crtc_h = below(500);
		plane->src_w = below(640 << 16);
		plane->src_h = below(480 << 16);
		break;
	case DRM_IOCTL_MODE_CURSOR:
	case DRM_IOCTL_MODE_CURSOR2:
		cursor->flags = 1 + below(3);
		cursor->crtc_id = any_crtc()->base.id;
		cursor->handle = below(file->gem.handles.count + 2);
		cursor->width = cursor->height = 64;
		cursor->x = (int)below(800) - 100;
		break;
	case DRM_IOCTL_MODE_GETGAMMA:
	case DRM_IOCTL_MODE_SETGAMMA:
		lut->crtc_id = any_crtc()->base.id;
		lut->gamma_size = HF_KMS_GAMMA_SIZE;
		break;
	case DRM_IOCTL_WAIT_VBLANK:
		vblank->request.type = below(2) |
				       (one_in(2) ? _DRM_VBLANK_EVENT : 0) |
				       below(2) << _DRM_VBLANK_HIGH_CRTC_SHIFT;
		vblank->request.sequence = one_in(4) ? edge() : below(20);
		break;
	case DRM_IOCTL_CRTC_QUEUE_SEQUENCE:
		queue->crtc_id = any_crtc()->base.id;
		queue->flags = below(4);
		queue->sequence = one_in(3) ? edge() : below(20);
		break;
	case DRM_IOCTL_MODE_OBJ_SETPROPERTY:
	case DRM_IOCTL_MODE_OBJ_GETPROPERTIES:
		object = one_in(2) ? &any_plane()->base :
			 one_in(2) ? &any_crtc()->base :
				     &any_connector()->base;
		if (cmd == DRM_IOCTL_MODE_OBJ_GETPROPERTIES) {
			get->obj_id = object->id;
			get->obj_type = object->type;
			get->count_props = below(30);
			break;
		}
		set->obj_id = object->id;
		set->obj_type = object->type;
		set->prop_id = object->props[below(object->nprops)]->base.id;
		set->value = any_value();
		break;
	case DRM_IOCTL_MODE_CREATEPROPBLOB:
		blob->length = one_in(2) ? sizeof(struct drm_mode_modeinfo) :
			       one_in(2) ? 2048 :
					   16 * (1 + below(4));
		break;
	case DRM_IOCTL_MODE_ATOMIC:
		atomic->flags = next() & DRM_MODE_ATOMIC_FLAGS &
				~DRM_MODE_PAGE_FLIP_ASYNC;
		if (one_in(2))
			atomic->flags |= DRM_MODE_ATOMIC_ALLOW_MODESET;
		break;
	case DRM_IOCTL_SET_CLIENT_CAP:
		cap->capability = 1 + below(5);
		cap->value = 1;
		break;
	default:
		for (uint32_t i = 0; i + 4 <= _IOC_SIZE(cmd); i += 4) {
			uint32_t value = any_value();

			memcpy(arg + i, &value, 4);
		}
	}
}

static void mutate(uint8_t *arg, uint32_t size)
{
	for (uint32_t n = below(3); size >= 8 && n; n--) {
		uint64_t value = any_value();
		uint32_t width = one_in(2) ? 4 : 8;

		memcpy(arg + below((size - width) / 4 + 1) * 4, &value, width);
	}
}

/* -- calls ----------------------------------------------------------------- */

static void free_request(struct request *request)
{
	struct hf_call *call = &request->call;

	hf_call_release(call);
	for (unsigned int i = 0; i < call->nfds_in; i++)
		close(call->fds_in[i]);
	free(call->arg);
	free(call->payload);
	free(request);
}

static void finished(struct hf_call *call, int ret)
{
	struct request *request = wl_container_of(call, request, call);

	(void)ret;
	require(!request->finished, "a parked call is answered once");
	request->finished = true;
}

static void fill(uint32_t cmd, uint8_t *data, uint32_t len)
{
	struct drm_mode_modeinfo mode;

	if (cmd == DRM_IOCTL_MODE_CREATEPROPBLOB && len == sizeof(mode)) {
		any_mode(&mode);
		memcpy(data, &mode, len);
		return;
	}
	for (uint32_t i = 0; i + 4 <= len; i += 4) {
		uint32_t value = cmd == DRM_IOCTL_MODE_SETCRTC ?
					 any_connector()->base.id :
					 any_value();

		memcpy(data + i, &value, 4);
	}
}

/* The nested arrays: as large as their counts say, or not. */
static void put_arrays(struct request *request)
{
	struct hf_call *call = &request->call;
	const struct hf_ioctl_desc *desc = call->desc;
	static struct atomic atomic;
	const void *parts[] = { atomic.objs, atomic.counts, atomic.props,
				atomic.values };
	bool sane = call->cmd == DRM_IOCTL_MODE_ATOMIC && !one_in(8);
	uint32_t off = 0;

	if (sane) {
		shape_atomic(&atomic);
		((struct drm_mode_atomic *)call->arg)->count_objs =
			atomic.nobjs;
	}
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS; i++) {
		const struct hf_array_desc *d = &desc->arrays[i];
		uint64_t n = below(16);

		if (d->kind == HF_ARRAY_NONE)
			continue;
		if (d->kind == HF_ARRAY_COUNTED &&
		    d->count_off + d->count_size <= request->arg_size) {
			n = 0;
			memcpy(&n, call->arg + d->count_off, d->count_size);
		}
		if (sane)
			n = i < 2 ? atomic.nobjs : atomic.nprops;
		if (!sane && (n > 1024 || one_in(16))) {
			call->arrays[i].flags = below(4);
			n = below(64);
		}
		call->arrays[i].off = off;
		call->arrays[i].len = n * d->elem;
		off += (n * d->elem + 7) & ~7u;
	}
	call->payload = malloc(off ? off : 1);
	call->payload_size = off;
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS; i++) {
		uint8_t *to = call->payload + call->arrays[i].off;

		if (sane && i < 4)
			memcpy(to, parts[i], call->arrays[i].len);
		else
			fill(call->cmd, to, call->arrays[i].len);
	}
}

/* The descriptor that it is on, and one more to be asked for. */
static struct request *make_fd_request(void)
{
	struct request *request = calloc(1, sizeof(*request));
	struct hf_call *call = &request->call;
	unsigned int row = below(HF_FD_IOCTL_ROWS);

	wl_list_init(&call->file_link);
	call->sys = sys;
	call->done = finished;
	call->desc = &hf_fd_ioctl_descs[row];
	call->cmd = call->desc->cmd;
	request->arg_size = _IOC_SIZE(call->cmd);
	call->arg = calloc(1, request->arg_size);
	shape_fd(call->cmd, call->arg);
	if (one_in(8))
		mutate(call->arg, request->arg_size);
	put_arrays(request);
	while (call->nfds_in < 2) {
		call->fds_in[call->nfds_in] =
			fcntl(fds[below(FDS)], F_DUPFD_CLOEXEC, 0);
		require(call->fds_in[call->nfds_in++] >= 0, "a descriptor");
	}
	return request;
}

static struct request *make_request(struct hf_file *file)
{
	struct request *request = calloc(1, sizeof(*request));
	struct hf_call *call = &request->call;
	const struct hf_ioctl_desc *desc;

	wl_list_init(&call->file_link);
	call->sys = sys;
	call->dev = dev;
	call->file = file;
	call->cred = file->cred;
	call->done = finished;
	do {
		desc = &hf_ioctl_descs[below(256)];
	} while (!desc->cmd);
	call->cmd = one_in(500) ? (uint32_t)next() : desc->cmd;
	desc = &hf_ioctl_descs[_IOC_NR(call->cmd)];
	request->arg_size = _IOC_SIZE(desc->cmd);
	call->arg = calloc(1, request->arg_size ? request->arg_size : 8);
	if (desc->cmd && !one_in(10))
		shape(desc->cmd, call->arg, file);
	if (one_in(3))
		mutate(call->arg, request->arg_size);
	call->desc = desc;
	put_arrays(request);
	if (call->cmd == DRM_IOCTL_PRIME_FD_TO_HANDLE ||
	    call->cmd == DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE ||
	    call->cmd == DRM_IOCTL_SYNCOBJ_EVENTFD || one_in(10)) {
		call->fds_in[0] = fcntl(fds[below(FDS)], F_DUPFD_CLOEXEC, 0);
		call->nfds_in = call->fds_in[0] >= 0;
	}
	return request;
}

/* Parked calls have a place each; the oldest one there gives way. */
static void park(struct request *request)
{
	unsigned int i = below(PARKED);

	if (parked[i]) {
		if (!parked[i]->finished)
			hf_call_abandon(&parked[i]->call);
		free_request(parked[i]);
	}
	parked[i] = request;
}

static int dispatch_once(struct hf_call *call)
{
	static const _Atomic bool never;
	int ret;

	if (!call->file)
		return hf_call_dispatch_fd(call);
	while ((ret = hf_call_dispatch(call)) == HF_CALL_POPULATE)
		hf_call_populate_now(call, &never);
	return ret;
}

/* Run a call, and answer what it asks of the client, truthfully or not. */
static int dispatch(struct hf_call *call)
{
	int ret = dispatch_once(call);

	for (unsigned int n = 0; ret == HF_WIRE_ASK; n++) {
		require(n < HF_WIRE_ASKS, "a call does not ask for ever");
		require(call->nasks > 0 && call->nasks <= HF_WIRE_ASKS,
			"what is asked fits");
		call->asks[call->nasks - 1].result =
			one_in(8) ? (int32_t)any_value() : !call->file;
		ret = dispatch_once(call);
	}
	return ret;
}

static void issue(void)
{
	struct request *request = one_in(4) ?
					  make_fd_request() :
					  make_request(files[below(FILES)]);
	struct hf_call *call = &request->call;
	int ret = dispatch(call);

	if (ret == HF_CALL_PARKED) {
		park(request);
		return;
	}
	require(ret <= 0 && ret > -4096, "a call returns an errno");
	require(!request->finished, "only a parked call is answered later");
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS; i++)
		require(call->arrays[i].used <= call->arrays[i].len,
			"no more comes back than fits");
	/* Keep a descriptor that came out. */
	if (call->nfds_out) {
		unsigned int i = EVENTFDS + below(FDS - EVENTFDS);

		close(fds[i]);
		fds[i] = fcntl(call->fds_out[0], F_DUPFD_CLOEXEC, 0);
	}
	free_request(request);
}

/* -- what else happens ----------------------------------------------------- */

static void open_file(unsigned int i)
{
	/* The first is master and last is a render node; one is root's. */
	struct hf_cred cred = { .uid = i == 1 ? 0 : 65534, .gid = getegid() };

	files[i] = hf_file_open(sys, i == FILES - 1 ? RENDER : CARD, &cred,
				&clients[i]);
	require(files[i], "a file opens");
	files[i]->kms.atomic = files[i]->kms.universal = !one_in(4);
	if (i == 2)
		files[i]->authenticated = true;
}

static void close_file(unsigned int i)
{
	close(clients[i]);
	hf_file_close(files[i]);
	files[i] = NULL;
}

static void drop_finished(bool all)
{
	for (unsigned int i = 0; i < PARKED; i++) {
		if (!parked[i] || (!all && !parked[i]->finished))
			continue;
		if (!parked[i]->call.file && !parked[i]->finished)
			hf_call_abandon(&parked[i]->call);
		else
			require(parked[i]->finished,
				"closing ends a parked call");
		free_request(parked[i]);
		parked[i] = NULL;
	}
}

static void read_events(void)
{
	char packet[64];

	for (unsigned int i = 0; i < FILES; i++)
		while (recv(clients[i], packet, sizeof(packet),
			    MSG_DONTWAIT) > 0)
			;
}

/* The lock is held, but here, where the composer may be at its jobs. */
static void screenshot(void)
{
	unsigned int i = below(dev->kms.num_crtcs + 1);
	const struct hf_crtc *crtc =
		i < dev->kms.num_crtcs ? dev->kms.crtcs[i] : NULL;
	struct hf_frame *frame;
	int fd;

	if (crtc && (uint64_t)crtc->last_width * crtc->last_height > 1 << 19)
		return;
	pthread_mutex_unlock(&sys->lock);
	if (!hf_screenshot_capture(dev, i, &frame)) {
		fd = memfd_create("fuzz screenshot", MFD_CLOEXEC);
		hf_screenshot_write(frame, fd);
		hf_frame_destroy(frame);
		close(fd);
	}
	pthread_mutex_lock(&sys->lock);
}

/* What is being written back ends, and lets go of its memory. */
static void stop_display(void)
{
	hf_kms_device_stop(&dev->kms);
	pthread_mutex_unlock(&sys->lock);
	hf_composer_destroy(dev->composer);
	dev->composer = NULL;
	pthread_mutex_lock(&sys->lock);
}

static int write_back(struct hf_atomic_state *state, struct hf_crtc *crtc)
{
	struct hf_framebuffer *fb = hf_framebuffer_find(&dev->kms, any_fb());
	struct hf_connector_state *connector = hf_atomic_get_connector(
		state, dev->kms.connectors[2 + crtc->index]);

	require(connector, "a state");
	return hf_atomic_set_connector_crtc(state, connector, crtc) ||
	       hf_writeback_set_fb(connector, fb);
}

/* Chance alone hardly ever lights a CRTC, or has it written back. */
static void light(void)
{
	struct hf_crtc *crtc = any_crtc();
	struct hf_connector *connector = dev->kms.connectors[crtc->index];
	struct hf_framebuffer *fb =
		hf_framebuffer_find(&dev->kms, any_fb());
	const struct drm_mode_modeinfo *mode = &connector->modes[0];
	struct hf_atomic_state *state;

	if (!fb || fb->width < mode->hdisplay || fb->height < mode->vdisplay ||
	    !hf_plane_has_format(crtc->primary, fb->format->fourcc,
				 fb->modifier))
		return;
	state = hf_atomic_state_create(&dev->kms);
	require(state, "a state");
	if (hf_legacy_set_crtc(state, crtc, mode, fb, 0, 0, &connector, 1) ||
	    (one_in(2) && write_back(state, crtc)) ||
	    hf_atomic_check(state) || hf_atomic_commit(state, NULL) < 0)
		hf_atomic_state_destroy(state);
}

/* Descriptors other than files that were given out, and closed. */
static void reap(void)
{
	uint64_t ids[16];
	int n;

	while ((n = hf_endpoints_poll(&sys->endpoints, ids, 16)))
		while (n)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
}

/*
 * A legacy cursor is no file's, and what CLOSEFB was done to is no file's any
 * more: both stay for the next master to remove.
 */
static void take_planes_off(void)
{
	struct hf_atomic_state *state = hf_atomic_state_create(&dev->kms);

	for (unsigned int i = 0; i < dev->kms.num_planes; i++) {
		struct hf_plane_state *plane =
			hf_atomic_get_plane(state, dev->kms.planes[i]);

		hf_atomic_set_plane_fb(plane, NULL);
		hf_atomic_set_plane_crtc(state, plane, NULL);
	}
	require(!hf_atomic_commit_now(state), "planes can be taken off");
}

static void something_else(void)
{
	unsigned int i;

	switch (below(8)) {
	case 0:
		i = below(FILES);
		if (one_in(4)) {
			close_file(i);
			open_file(i);
		}
		break;
	case 1:
		i = below(PARKED);
		if (parked[i] && !parked[i]->finished)
			hf_call_interrupt(&parked[i]->call);
		break;
	case 2:
		read_events();
		reap();
		break;
	case 3:
		if (one_in(4))
			screenshot();
		break;
	case 4:
		light();
		break;
	default:
		hf_clock_dispatch(sys->clock);
	}
	drop_finished(false);
	/* The composer's turn. */
	pthread_mutex_unlock(&sys->lock);
	sched_yield();
	pthread_mutex_lock(&sys->lock);
}

static int foreign(void)
{
	int fd = memfd_create("fuzz foreign", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	require(fd >= 0 && !ftruncate(fd, below(3) * 4096), "a memfd");
	fcntl(fd, F_ADD_SEALS, one_in(4) ? F_SEAL_GROW : F_SEAL_SHRINK);
	return fd;
}

static void run(unsigned long iterations)
{
	static const struct hf_kms_output outputs[] = {
		{ .width = 640, .height = 480, .hz = 500 },
		{ .width = 320, .height = 240, .hz = 1000 },
	};
	struct hf_mode_object *object;

	sys = hf_system_create(
		&(struct hf_memory_options){ .pool = 16 << 20, .max_pages = 16384 });
	require(sys, "a system");
	dev = hf_device_create(sys, &hf_soft_driver,
			       &(struct hf_device_options){
				       .primary = CARD,
				       .render = RENDER,
				       .iommu = true,
				       .coherent = true,
				       .outputs = outputs,
				       .noutputs = 2,
			       });
	require(dev, "a device");
	for (unsigned int i = 0; i < FDS; i++)
		fds[i] = i < EVENTFDS ? eventfd(0, EFD_CLOEXEC) : foreign();
	pthread_mutex_lock(&sys->lock);
	for (unsigned int i = 0; i < FILES; i++)
		open_file(i);
	for (unsigned long n = 0; n < iterations; n++) {
		issue();
		if (one_in(8))
			something_else();
	}
	for (unsigned int i = 0; i < FILES; i++)
		close_file(i);
	drop_finished(true);
	for (unsigned int i = 0; i < FDS; i++)
		close(fds[i]);
	reap();
	take_planes_off();
	stop_display();
	require(dev->gem.count == 0, "no object is left");
	require(dev->gem.bytes == 0, "no byte is left");
	require(dev->gem.names.count == 0, "no name is left");
	require(wl_list_empty(&dev->files), "no file is left");
	require(!dev->master, "no master is left");
	for (uint32_t id = 1;
	     (object = hf_idr_next(&dev->kms.objects, &id)); id++)
		require(object->type != DRM_MODE_OBJECT_FB,
			"no framebuffer is left");
	for (unsigned int i = 0; i < dev->kms.num_crtcs; i++)
		require(!dev->kms.crtcs[i]->commit &&
				wl_list_empty(&dev->kms.crtcs[i]->vblank.events) &&
				wl_list_empty(&dev->kms.crtcs[i]->vblank.waiters),
			"nobody waits");
	pthread_mutex_unlock(&sys->lock);
	hf_device_destroy(dev);
	hf_system_destroy(sys);
}

int main(int argc, char **argv)
{
	unsigned long iterations = argc > 1 ? strtoul(argv[1], NULL, 0) :
					      300000;
	unsigned int before;

	if (argc > 2)
		seed = strtoull(argv[2], NULL, 0) | 1;
	before = count_fds();
	printf("1..1\n");
	fflush(stdout);
	run(iterations);
	require(count_fds() == before, "no descriptor is left");
	printf("ok 1 - random_ioctls_leave_nothing_behind\n");
	return 0;
}
