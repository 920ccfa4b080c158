/* SPDX-License-Identifier: MIT */
/*
 * The KMS side of a virtio-gpu: a CRTC is a scanout, and shows what the device has
 * copied of a framebuffer.
 *
 * A flip only says what is to be shown. Each scanout has a unit of work for its
 * primary plane and one for its cursor, with commands of their own: what is asked for
 * while none are free is one piece of work later. So nothing piles up, however fast a
 * cursor moves, and nothing has to be allocated. The primary has commands for two
 * updates, so that the device finds the next one in the ring when it is done with one.
 *
 * A flip is over when nobody reads any more what was shown before, so that it may be
 * drawn into: when both units have done what was asked for when it began; or, from one
 * framebuffer to another, when the primary's unit has done what was asked for before.
 * So the device is busy while the next picture is drawn.
 *
 * The lock of the devices protects it all.
 */
#include <drm_fourcc.h>
#include <errno.h>

#include "drivers/virtio/gpu_internal.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "uapi/device.h"

static struct hf_virtio_gpu *gpu_of(struct hf_kms_device *kms)
{
	struct hf_device *dev = wl_container_of(kms, dev, kms);

	return dev->hw;
}

static void run(struct hf_gpu_scanout *scanout);

/* -- the primary ------------------------------------------------------------- */

static bool same_rect(const struct hf_gpu_rect *a, const struct hf_gpu_rect *b)
{
	return a->x1 == b->x1 && a->y1 == b->y1 && a->x2 == b->x2 &&
	       a->y2 == b->y2;
}

static struct hf_gpu_update *free_update(struct hf_gpu_primary *primary)
{
	for (unsigned int i = 0; i < HF_GPU_UPDATES; i++)
		if (!primary->updates[i].busy)
			return &primary->updates[i];
	return NULL;
}

/* Of those that are on their way; NULL: none is. */
static const struct hf_gpu_update *
oldest_update(const struct hf_gpu_primary *primary)
{
	const struct hf_gpu_update *oldest = NULL;

	for (unsigned int i = 0; i < HF_GPU_UPDATES; i++) {
		const struct hf_gpu_update *update = &primary->updates[i];

		if (update->busy && (!oldest || update->upto < oldest->upto))
			oldest = update;
	}
	return oldest;
}

/* A command of it is complete. */
static void primary_step(void *data, int error)
{
	struct hf_gpu_update *update = data;
	struct hf_gpu_primary *primary = &update->scanout->primary;
	const struct hf_gpu_update *oldest;

	primary->unsure |= error != 0;
	if (--update->busy)
		return;
	/* A device may be done with a later one first: that does not count yet. */
	oldest = oldest_update(primary);
	if (!oldest)
		primary->unit.done = primary->unit.begun;
	else if (oldest->upto > update->upto)
		primary->unit.done = update->upto;
	hf_gpu_resource_replace(&update->before, NULL);
	run(update->scanout);
}

static void set_scanout(struct hf_gpu_update *update)
{
	struct hf_gpu_scanout *scanout = update->scanout;
	struct hf_gpu_primary *primary = &scanout->primary;
	struct virtio_gpu_set_scanout *request =
		hf_gpu_command_begin(update->set, VIRTIO_GPU_CMD_SET_SCANOUT,
				     sizeof(*request));

	request->scanout_id = htole32(scanout->index);
	if (primary->resource) {
		request->resource_id = htole32(primary->resource->id);
		hf_gpu_rect_set(&request->r, &primary->src);
	}
	update->busy++;
	hf_gpu_command_send(update->set, HF_GPU_CONTROL, primary->resource,
			    primary_step, update);
	hf_gpu_resource_replace(&update->before, primary->shown);
	hf_gpu_resource_replace(&primary->shown, primary->resource);
	primary->shown_src = primary->src;
}

static void transfer_primary(struct hf_gpu_update *update,
			     const struct hf_gpu_rect *rect)
{
	update->busy++;
	hf_gpu_resource_transfer(update->scanout->primary.resource,
				 update->transfer, rect, primary_step, update);
}

static void flush_primary(struct hf_gpu_update *update,
			  const struct hf_gpu_rect *rect)
{
	struct hf_gpu_resource *resource = update->scanout->primary.resource;
	struct virtio_gpu_resource_flush *request =
		hf_gpu_command_begin(update->flush,
				     VIRTIO_GPU_CMD_RESOURCE_FLUSH,
				     sizeof(*request));

	request->resource_id = htole32(resource->id);
	hf_gpu_rect_set(&request->r, rect);
	hf_gpu_command_fence(update->flush);
	update->busy++;
	hf_gpu_command_send(update->flush, HF_GPU_CONTROL, resource,
			    primary_step, update);
}

static void start_update(struct hf_gpu_primary *primary,
			 struct hf_gpu_update *update)
{
	bool other = primary->unsure ||
		     primary->resource != primary->shown ||
		     (primary->resource &&
		      !same_rect(&primary->src, &primary->shown_src));
	struct hf_gpu_rect rect = other || primary->all ? primary->src :
							   primary->damage;
	bool draw = primary->resource && !hf_gpu_rect_empty(&rect);

	primary->all = primary->unsure = false;
	primary->damage = (struct hf_gpu_rect){ 0 };
	if (draw)
		transfer_primary(update, &rect);
	if (other)
		set_scanout(update);
	if (draw)
		flush_primary(update, &rect);
}

static void run_primary(struct hf_gpu_primary *primary, bool down)
{
	struct hf_gpu_update *update = free_update(primary);

	if (!update || primary->unit.begun == primary->unit.asked)
		return;
	primary->unit.begun = update->upto = primary->unit.asked;
	if (!down)
		start_update(primary, update);
	if (!oldest_update(primary))
		primary->unit.done = primary->unit.begun;
}

/* -- the cursor -------------------------------------------------------------- */

static void cursor_over(struct hf_gpu_scanout *scanout, int error)
{
	struct hf_gpu_cursor *cursor = &scanout->cursor;

	cursor->unsure |= error != 0;
	cursor->busy = false;
	cursor->unit.done = cursor->unit.begun;
	hf_gpu_resource_replace(&cursor->next, NULL);
	hf_gpu_resource_replace(&cursor->before, NULL);
	run(scanout);
}

static void cursor_step(void *data, int error)
{
	cursor_over(data, error);
}

static void send_cursor(struct hf_gpu_scanout *scanout, uint32_t type,
			struct hf_gpu_resource *resource)
{
	struct hf_gpu_cursor *cursor = &scanout->cursor;
	struct virtio_gpu_update_cursor *request = hf_gpu_command_begin(
		cursor->update, type, sizeof(*request));

	request->pos.scanout_id = htole32(scanout->index);
	request->pos.x = htole32(cursor->x);
	request->pos.y = htole32(cursor->y);
	request->hot_x = htole32(cursor->hot_x);
	request->hot_y = htole32(cursor->hot_y);
	request->resource_id = htole32(resource ? resource->id : 0);
	hf_gpu_command_send(cursor->update, HF_GPU_CURSOR, resource,
			    cursor_step, scanout);
	hf_gpu_resource_replace(&cursor->before, cursor->shown);
	hf_gpu_resource_replace(&cursor->shown, resource);
	cursor->shown_x = cursor->x;
	cursor->shown_y = cursor->y;
}

/* The two queues know nothing of each other: the picture must be there first. */
static void cursor_transferred(void *data, int error)
{
	struct hf_gpu_scanout *scanout = data;

	if (error || scanout->gpu->down)
		cursor_over(scanout, -EIO);
	else
		send_cursor(scanout, VIRTIO_GPU_CMD_UPDATE_CURSOR,
			    scanout->cursor.next);
}

static void start_cursor(struct hf_gpu_scanout *scanout)
{
	static const struct hf_gpu_rect whole = {
		.x2 = HF_GPU_CURSOR_SIZE, .y2 = HF_GPU_CURSOR_SIZE,
	};
	struct hf_gpu_cursor *cursor = &scanout->cursor;
	struct hf_gpu_resource *resource = cursor->resource;
	bool other = cursor->unsure || resource != cursor->shown;
	bool moved = cursor->x != cursor->shown_x ||
		     cursor->y != cursor->shown_y;

	if (!other && (!resource || (!cursor->content && !moved)))
		return;
	cursor->busy = true;
	cursor->unsure = false;
	if (resource && (other || cursor->content)) {
		hf_gpu_resource_replace(&cursor->next, resource);
		hf_gpu_resource_transfer(resource, cursor->transfer, &whole,
					 cursor_transferred, scanout);
	} else {
		send_cursor(scanout,
			    other ? VIRTIO_GPU_CMD_UPDATE_CURSOR :
				    VIRTIO_GPU_CMD_MOVE_CURSOR,
			    resource);
	}
	cursor->content = false;
}

static void run_cursor(struct hf_gpu_scanout *scanout)
{
	struct hf_gpu_cursor *cursor = &scanout->cursor;

	if (cursor->busy || cursor->unit.begun == cursor->unit.asked)
		return;
	cursor->unit.begun = cursor->unit.asked;
	if (!scanout->gpu->down)
		start_cursor(scanout);
	if (!cursor->busy)
		cursor->unit.done = cursor->unit.begun;
}

/* -- scanouts ---------------------------------------------------------------- */

/* How much of what was asked for counts: what is done; or what has begun and waits
 * for nothing else. */
static uint64_t primary_at(const struct hf_gpu_scanout *scanout)
{
	const struct hf_gpu_primary *primary = &scanout->primary;
	const struct hf_gpu_update *oldest = oldest_update(primary);

	return scanout->between && oldest ? oldest->upto : primary->unit.done;
}

/* Go on with what was asked for; the caller kicks. */
static void run(struct hf_gpu_scanout *scanout)
{
	struct hf_flip *flip = scanout->flip;

	run_primary(&scanout->primary, scanout->gpu->down);
	run_cursor(scanout);
	if (!flip || primary_at(scanout) < scanout->until[0] ||
	    scanout->cursor.unit.done < scanout->until[1])
		return;
	scanout->flip = NULL;
	hf_flip_done(flip);
}

static int create_command(struct hf_virtio_gpu *gpu,
			  struct hf_gpu_command **slot)
{
	*slot = hf_gpu_command_create(gpu);
	return *slot ? 0 : -errno;
}

static int init_update(struct hf_gpu_scanout *scanout,
		       struct hf_gpu_update *update)
{
	int ret;

	update->scanout = scanout;
	ret = create_command(scanout->gpu, &update->transfer);
	if (!ret)
		ret = create_command(scanout->gpu, &update->set);
	if (!ret)
		ret = create_command(scanout->gpu, &update->flush);
	return ret;
}

int hf_gpu_scanout_init(struct hf_gpu_scanout *scanout,
			struct hf_virtio_gpu *gpu, unsigned int index)
{
	int ret = 0;

	scanout->gpu = gpu;
	scanout->index = index;
	for (unsigned int i = 0; !ret && i < HF_GPU_UPDATES; i++)
		ret = init_update(scanout, &scanout->primary.updates[i]);
	if (!ret)
		ret = create_command(gpu, &scanout->cursor.transfer);
	if (!ret)
		ret = create_command(gpu, &scanout->cursor.update);
	return ret;
}

void hf_gpu_scanout_clear(struct hf_gpu_scanout *scanout)
{
	hf_gpu_resource_replace(&scanout->primary.resource, NULL);
	hf_gpu_resource_replace(&scanout->primary.shown, NULL);
	hf_gpu_resource_replace(&scanout->cursor.resource, NULL);
	hf_gpu_resource_replace(&scanout->cursor.shown, NULL);
}

/* -- what KMS asks ----------------------------------------------------------- */

/* The part of a plane that a CRTC shows. Return: false where it shows none. */
static bool visible(const struct hf_plane_state *plane,
		    const struct hf_crtc_state *crtc)
{
	int64_t x = plane->crtc_x, y = plane->crtc_y;

	return plane->fb && crtc->enable && plane->crtc_w && plane->crtc_h &&
	       x < crtc->mode.hdisplay && y < crtc->mode.vdisplay &&
	       x + plane->crtc_w > 0 && y + plane->crtc_h > 0;
}

static bool covers(const struct hf_plane_state *plane,
		   const struct hf_crtc_state *crtc)
{
	int64_t x = plane->crtc_x, y = plane->crtc_y;

	return x <= 0 && y <= 0 && x + plane->crtc_w >= crtc->mode.hdisplay &&
	       y + plane->crtc_h >= crtc->mode.vdisplay;
}

static bool is_scaled(const struct hf_plane_state *plane)
{
	return (plane->crtc_w &&
		plane->src_w != (uint64_t)plane->crtc_w << 16) ||
	       (plane->crtc_h &&
		plane->src_h != (uint64_t)plane->crtc_h << 16);
}

/* The device shows all of a cursor's resource, which has this size or is ignored. */
static bool is_cursor_size(const struct hf_plane_state *plane)
{
	return plane->fb->width == HF_GPU_CURSOR_SIZE &&
	       plane->fb->height == HF_GPU_CURSOR_SIZE &&
	       plane->fb->pitches[0] == HF_GPU_CURSOR_SIZE * 4 &&
	       plane->crtc_w == HF_GPU_CURSOR_SIZE &&
	       plane->crtc_h == HF_GPU_CURSOR_SIZE;
}

static int check_plane(const struct hf_plane_state *plane,
		       const struct hf_crtc_state *crtc)
{
	uint32_t pitch = plane->fb->pitches[0];

	if (is_scaled(plane))
		return -ERANGE;
	if (pitch % 4 || pitch / 4 > HF_KMS_MAX_SIZE)
		return -EINVAL;
	if (plane->plane->type == HF_PLANE_CURSOR)
		return is_cursor_size(plane) ? 0 : -EINVAL;
	if (!visible(plane, crtc))
		return 0;
	if (!covers(plane, crtc) || crtc->mode.hdisplay < HF_GPU_MIN_SIZE ||
	    crtc->mode.vdisplay < HF_GPU_MIN_SIZE)
		return -EINVAL;
	return 0;
}

static int check(struct hf_atomic_state *state)
{
	struct hf_kms_device *kms = state->kms;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < kms->num_planes; i++) {
		const struct hf_plane_state *plane =
			state->planes[i] ? state->planes[i] :
					   kms->planes[i]->state;
		const struct hf_crtc_state *crtc;

		if (!plane->fb)
			continue;
		crtc = state->crtcs[plane->crtc->index];
		if (state->planes[i] || (crtc && hf_crtc_needs_modeset(crtc)))
			ret = check_plane(plane,
					  crtc ? crtc : plane->crtc->state);
	}
	return ret;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* What changed in a framebuffer since, where it is shown; the rest does not matter. */
static void add_damage(struct hf_gpu_primary *primary,
		       const struct hf_blob *blob)
{
	const struct drm_mode_rect *clips = (const void *)blob->data;
	const struct hf_gpu_rect *src = &primary->src;
	struct hf_gpu_rect *damage = &primary->damage;

	for (size_t i = 0; i < blob->length / sizeof(*clips); i++) {
		const struct hf_gpu_rect clip = {
			larger(clips[i].x1, src->x1),
			larger(clips[i].y1, src->y1),
			smaller(clips[i].x2, src->x2),
			smaller(clips[i].y2, src->y2),
		};

		if (hf_gpu_rect_empty(&clip))
			continue;
		if (hf_gpu_rect_empty(damage)) {
			*damage = clip;
			continue;
		}
		damage->x1 = smaller(damage->x1, clip.x1);
		damage->y1 = smaller(damage->y1, clip.y1);
		damage->x2 = larger(damage->x2, clip.x2);
		damage->y2 = larger(damage->y2, clip.y2);
	}
}

/* @old: the plane's state before this commit; NULL: it is not part of it. */
static void ask_primary(struct hf_gpu_primary *primary,
			const struct hf_crtc *crtc,
			const struct hf_plane_state *old)
{
	const struct hf_plane_state *plane = crtc->primary->state;
	const struct drm_mode_modeinfo *mode = &crtc->state->mode;
	struct hf_gpu_resource *resource = NULL;
	struct hf_gpu_rect src = { 0 };

	if (plane->crtc == crtc && crtc->state->active &&
	    visible(plane, crtc->state)) {
		resource = plane->fb->driver;
		src.x1 = (plane->src_x >> 16) - plane->crtc_x;
		src.y1 = (plane->src_y >> 16) - plane->crtc_y;
		src.x2 = src.x1 + mode->hdisplay;
		src.y2 = src.y1 + mode->vdisplay;
	}
	if (resource != primary->resource || !same_rect(&src, &primary->src))
		primary->all = true;
	hf_gpu_resource_replace(&primary->resource, resource);
	primary->src = src;
	if (old && plane->damage)
		add_damage(primary, plane->damage);
	else if (old)
		primary->all = true;
	primary->unit.asked++;
}

static void ask_cursor(struct hf_gpu_cursor *cursor, const struct hf_crtc *crtc,
		       const struct hf_plane_state *old)
{
	const struct hf_plane_state *plane = crtc->cursor->state;
	bool on = plane->crtc == crtc && plane->fb && crtc->state->active;

	hf_gpu_resource_replace(&cursor->resource,
				on ? plane->fb->driver : NULL);
	cursor->x = plane->crtc_x;
	cursor->y = plane->crtc_y;
	cursor->hot_x = plane->hotspot_x;
	cursor->hot_y = plane->hotspot_y;
	/* A commit of the cursor that is no move is one of its content. */
	if (old && (plane->damage || old->fb != plane->fb ||
		    (old->crtc_x == plane->crtc_x &&
		     old->crtc_y == plane->crtc_y)))
		cursor->content = true;
	cursor->unit.asked++;
}

/* From one framebuffer to another, and nothing else. The flags of a modeset may be
 * gone: of states that were at once meanwhile. */
static bool is_between(const struct hf_crtc *crtc,
		       const struct hf_atomic_state *old)
{
	const struct hf_plane_state *before =
		old->planes[crtc->primary->index];
	const struct hf_crtc_state *was = old->crtcs[crtc->index];
	const struct hf_framebuffer *fb = crtc->primary->state->fb;

	return before && before->fb && fb && before->fb != fb &&
	       was->active && crtc->state->active &&
	       hf_mode_equal(&was->mode, &crtc->state->mode);
}

static void flip(struct hf_crtc *crtc, const struct hf_atomic_state *old,
		 struct hf_flip *flip)
{
	struct hf_virtio_gpu *gpu = gpu_of(crtc->kms);
	struct hf_gpu_scanout *scanout = &gpu->scanouts[crtc->index];
	struct hf_flip *before = scanout->flip;

	if (gpu->down) {
		if (flip)
			hf_flip_done(flip);
		return;
	}
	/* The state of a plane that is not in the commit may be that of another one,
	 * whose fences are not signaled yet. */
	if (old->planes[crtc->primary->index])
		ask_primary(&scanout->primary, crtc,
			    old->planes[crtc->primary->index]);
	if (old->planes[crtc->cursor->index])
		ask_cursor(&scanout->cursor, crtc,
			   old->planes[crtc->cursor->index]);
	if (flip) {
		scanout->flip = flip;
		scanout->between = is_between(crtc, old);
		scanout->until[0] = scanout->primary.unit.asked;
		scanout->until[1] = scanout->cursor.unit.asked;
	}
	run(scanout);
	hf_gpu_kick(gpu);
	/* Nobody will ever see what that one was for. */
	if (flip && before)
		hf_flip_done(before);
}

static int prepare_fb(struct hf_framebuffer *fb)
{
	struct hf_virtio_gpu *gpu = gpu_of(fb->kms);

	fb->driver = NULL;
	if (gpu->down)
		return 0;
	fb->driver = hf_gpu_resource_create(gpu, fb);
	return fb->driver ? 0 : -errno;
}

static void cleanup_fb(struct hf_framebuffer *fb)
{
	hf_gpu_resource_put(fb->driver);
	fb->driver = NULL;
}

static const uint32_t primary_formats[] = {
	DRM_FORMAT_XRGB8888, DRM_FORMAT_ARGB8888, DRM_FORMAT_BGRX8888,
	DRM_FORMAT_BGRA8888, DRM_FORMAT_RGBX8888, DRM_FORMAT_RGBA8888,
	DRM_FORMAT_XBGR8888, DRM_FORMAT_ABGR8888, 0,
};
static const uint32_t cursor_formats[] = { DRM_FORMAT_ARGB8888, 0 };

const struct hf_kms_funcs hf_virtio_gpu_kms = {
	.connector_type = DRM_MODE_CONNECTOR_VIRTUAL,
	.encoder_type = DRM_MODE_ENCODER_VIRTUAL,
	.formats = {
		[HF_PLANE_PRIMARY] = primary_formats,
		[HF_PLANE_CURSOR] = cursor_formats,
	},
	.check = check,
	.flip = flip,
	.prepare_fb = prepare_fb,
	.cleanup_fb = cleanup_fb,
};
