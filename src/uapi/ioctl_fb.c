/* SPDX-License-Identifier: MIT */
/*
 * The ioctls of framebuffers.
 */
#include <errno.h>
#include <string.h>

#include "uapi/check.h"
#include "uapi/handlers.h"

static void put_objects(struct hf_gem_object *objects[4])
{
	for (int i = 0; i < 4; i++)
		hf_gem_object_put(objects[i]);
}

/* Without an IOMMU, a display in software needs one run of bus addresses. */
static bool can_scan_out(const struct hf_device *dev,
			 const struct hf_gem_object *object)
{
	return dev->dma.domain || dev->dma.physical ||
	       hf_gem_object_contiguous(object);
}

/* Make a framebuffer of the file's own objects; not yet listed anywhere. */
static int create_fb(struct hf_call *call, const struct drm_mode_fb_cmd2 *cmd,
		     struct hf_framebuffer **fb)
{
	struct hf_kms_device *kms = &call->dev->kms;
	struct hf_gem_object *objects[4] = { NULL };
	const struct hf_format *format;
	int ret = hf_framebuffer_check(kms, cmd);

	if (ret)
		return ret;
	format = hf_format_info(cmd->pixel_format);
	for (unsigned int i = 0; i < format->num_planes; i++) {
		objects[i] = hf_gem_lookup(&call->file->gem, cmd->handles[i]);
		if (!objects[i]) {
			put_objects(objects);
			return -ENOENT;
		}
		if (!can_scan_out(call->dev, objects[i]))
			ret = -EINVAL;
		/* A display is going to need it: better now than in a flip. */
		if (!ret)
			ret = hf_call_populate(call, objects[i]);
	}
	if (!ret)
		ret = hf_framebuffer_create(kms, cmd, objects, fb);
	put_objects(objects);
	return ret;
}

int hf_ioctl_mode_addfb2(struct hf_call *call, void *arg)
{
	struct drm_mode_fb_cmd2 *cmd = arg;
	struct hf_framebuffer *fb;
	int ret = create_fb(call, cmd, &fb);

	if (ret)
		return ret;
	wl_list_insert(&call->file->kms.fbs, &fb->file_link);
	cmd->fb_id = fb->base.id;
	return 0;
}

int hf_ioctl_mode_addfb(struct hf_call *call, void *arg)
{
	struct drm_mode_fb_cmd *cmd = arg;
	struct drm_mode_fb_cmd2 cmd2 = {
		.width = cmd->width,
		.height = cmd->height,
		.pitches[0] = cmd->pitch,
		.pixel_format = hf_format_legacy(cmd->bpp, cmd->depth),
		.handles[0] = cmd->handle,
	};
	int ret;

	if (!cmd2.pixel_format)
		return -EINVAL;
	ret = hf_ioctl_mode_addfb2(call, &cmd2);
	if (!ret)
		cmd->fb_id = cmd2.fb_id;
	return ret;
}

static bool may_have_handles(const struct hf_call *call)
{
	return hf_file_is_current_master(call->file) ||
	       hf_cred_capable(&call->cred);
}

int hf_ioctl_mode_getfb(struct hf_call *call, void *arg)
{
	struct drm_mode_fb_cmd *get = arg;
	struct hf_framebuffer *fb =
		hf_framebuffer_find(&call->dev->kms, get->fb_id);

	if (!fb)
		return -ENOENT;
	if (fb->format->num_planes > 1)
		return -EINVAL;
	get->height = fb->height;
	get->width = fb->width;
	get->depth = fb->format->depth;
	get->bpp = fb->format->cpp[0] * 8;
	get->pitch = fb->pitches[0];
	get->handle = 0;
	if (!may_have_handles(call))
		return 0;
	return hf_gem_handle_create(&call->file->gem, fb->objects[0],
				    &get->handle);
}

/* Handles for a framebuffer's planes; planes of one object share one. */
static int create_handles(struct hf_call *call, struct hf_framebuffer *fb,
			  struct drm_mode_fb_cmd2 *get)
{
	struct hf_gem_file *gem = &call->file->gem;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < fb->format->num_planes; i++) {
		for (unsigned int j = 0; j < i; j++)
			if (fb->objects[j] == fb->objects[i])
				get->handles[i] = get->handles[j];
		if (!get->handles[i])
			ret = hf_gem_handle_create(gem, fb->objects[i],
						   &get->handles[i]);
	}
	for (unsigned int i = 0; ret && i < 4; i++) {
		if (get->handles[i])
			hf_gem_handle_delete(gem, get->handles[i]);
		get->handles[i] = 0;
	}
	return ret;
}

int hf_ioctl_mode_getfb2(struct hf_call *call, void *arg)
{
	struct drm_mode_fb_cmd2 *get = arg;
	struct hf_framebuffer *fb =
		hf_framebuffer_find(&call->dev->kms, get->fb_id);

	if (!fb)
		return -ENOENT;
	get->height = fb->height;
	get->width = fb->width;
	get->pixel_format = fb->format->fourcc;
	get->flags = DRM_MODE_FB_MODIFIERS;
	for (unsigned int i = 0; i < 4; i++) {
		get->handles[i] = 0;
		get->pitches[i] = fb->pitches[i];
		get->offsets[i] = fb->offsets[i];
		get->modifier[i] = i < fb->format->num_planes ? fb->modifier :
								0;
	}
	return may_have_handles(call) ? create_handles(call, fb, get) : 0;
}

/* The file's own framebuffer of that id. */
static struct hf_framebuffer *find_own(struct hf_call *call, uint32_t id)
{
	struct hf_framebuffer *fb;

	wl_list_for_each(fb, &call->file->kms.fbs, file_link)
		if (fb->base.id == id)
			return fb;
	return NULL;
}

int hf_ioctl_mode_rmfb(struct hf_call *call, void *arg)
{
	struct hf_framebuffer *fb = find_own(call, *(uint32_t *)arg);

	if (!fb)
		return -ENOENT;
	hf_check_rmfb(call, fb);
	wl_list_remove(&fb->file_link);
	wl_list_init(&fb->file_link);
	hf_framebuffer_remove(fb);
	return 0;
}

int hf_ioctl_mode_closefb(struct hf_call *call, void *arg)
{
	const struct drm_mode_closefb *close = arg;
	struct hf_framebuffer *fb;

	if (close->pad)
		return -EINVAL;
	fb = find_own(call, close->fb_id);
	if (!fb)
		return -ENOENT;
	wl_list_remove(&fb->file_link);
	wl_list_init(&fb->file_link);
	hf_framebuffer_put(fb);
	return 0;
}

/* Of pairs of source and destination, the destinations. */
static struct hf_blob *damage_of(struct hf_kms_device *kms,
				 const struct drm_clip_rect *clips, uint32_t n,
				 uint32_t step)
{
	struct drm_mode_rect rects[DRM_MODE_FB_DIRTY_MAX_CLIPS];

	for (uint32_t i = 0; i < n / step; i++) {
		const struct drm_clip_rect *clip = &clips[i * step + step - 1];

		rects[i] = (struct drm_mode_rect){ clip->x1, clip->y1, clip->x2,
						   clip->y2 };
	}
	return hf_blob_create(kms, rects, n / step * sizeof(*rects));
}

/* The kernel's drm_atomic_helper_dirtyfb(). */
static int show_again(struct hf_call *call, struct hf_framebuffer *fb,
		      const struct drm_clip_rect *clips, uint32_t n,
		      uint32_t step)
{
	struct hf_kms_device *kms = fb->kms;
	struct hf_atomic_state *state = hf_atomic_state_create(kms);
	struct hf_blob *damage = n ? damage_of(kms, clips, n, step) : NULL;
	int ret = state && (damage || !n) ? 0 : -ENOMEM;

	for (unsigned int i = 0; !ret && i < kms->num_planes; i++) {
		struct hf_plane_state *plane;

		if (kms->planes[i]->state->fb != fb)
			continue;
		plane = hf_atomic_get_plane(state, kms->planes[i]);
		ret = plane ? 0 : -ENOMEM;
		if (plane)
			hf_blob_replace(&plane->damage, damage);
	}
	hf_blob_put(damage);
	if (!ret)
		return hf_call_commit(call, state, false);
	hf_atomic_state_destroy(state);
	return ret;
}

int hf_ioctl_mode_dirtyfb(struct hf_call *call, void *arg)
{
	const struct drm_mode_fb_dirty_cmd *dirty = arg;
	struct hf_kms_device *kms = &call->dev->kms;
	struct hf_framebuffer *fb = hf_framebuffer_find(kms, dirty->fb_id);
	const void *clips;
	int ret;

	if (!fb)
		return -ENOENT;
	if (!dirty->num_clips != !dirty->clips_ptr)
		return -EINVAL;
	if ((dirty->flags & DRM_MODE_FB_DIRTY_ANNOTATE_COPY) &&
	    dirty->num_clips % 2)
		return -EINVAL;
	if (dirty->num_clips > DRM_MODE_FB_DIRTY_MAX_CLIPS)
		return -EINVAL;
	ret = hf_call_copy_in(call, 0, dirty->num_clips, &clips);
	if (!ret)
		hf_check_dirty(call->dev, fb);
	if (ret)
		return ret;
	/* A display without one reads planes when somebody looks. */
	if (!kms->funcs->flip) {
		hf_framebuffer_drawn(fb);
		return 0;
	}
	return show_again(call, fb, clips, dirty->num_clips,
			  dirty->flags & DRM_MODE_FB_DIRTY_ANNOTATE_COPY ? 2 : 1);
}

int hf_call_cursor_fb(struct hf_call *call, uint32_t handle, uint32_t width,
		      uint32_t height, struct hf_framebuffer **fb)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = width,
		.height = height,
		.pixel_format = DRM_FORMAT_ARGB8888,
		.pitches[0] = width * 4,
		.handles[0] = handle,
	};

	return create_fb(call, &cmd, fb);
}
