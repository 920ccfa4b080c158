/* SPDX-License-Identifier: MIT */
/*
 * Framebuffers: GEM objects with a format and a size. The checks are those of
 * the kernel's framebuffer_check() and drm_gem_fb_create(), in their order.
 *
 * Counted: the file that made it, each plane state that shows it.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "gem/gem.h"
#include "kms/kms.h"

bool hf_plane_has_format(const struct hf_plane *plane, uint32_t fourcc,
			 uint64_t modifier)
{
	if (modifier != DRM_FORMAT_MOD_LINEAR)
		return false;
	for (unsigned int i = 0; i < plane->num_formats; i++)
		if (plane->formats[i] == fourcc)
			return true;
	return false;
}

static bool any_plane_has_format(const struct hf_kms_device *kms,
				 uint32_t fourcc, uint64_t modifier)
{
	for (unsigned int i = 0; i < kms->num_planes; i++)
		if (hf_plane_has_format(kms->planes[i], fourcc, modifier))
			return true;
	return false;
}

static int check_plane(const struct drm_mode_fb_cmd2 *cmd,
		       const struct hf_format *format, unsigned int i)
{
	uint64_t width = hf_format_plane_width(format, cmd->width, i);
	uint64_t height = hf_format_plane_height(format, cmd->height, i);
	uint64_t min_pitch = width * format->cpp[i];

	if (!cmd->handles[i])
		return -EINVAL;
	if (min_pitch > UINT_MAX)
		return -ERANGE;
	if (height * cmd->pitches[i] + cmd->offsets[i] > UINT_MAX)
		return -ERANGE;
	if (cmd->pitches[i] < min_pitch)
		return -EINVAL;
	if (cmd->modifier[i] && !(cmd->flags & DRM_MODE_FB_MODIFIERS))
		return -EINVAL;
	if ((cmd->flags & DRM_MODE_FB_MODIFIERS) &&
	    cmd->modifier[i] != cmd->modifier[0])
		return -EINVAL;
	return 0;
}

int hf_framebuffer_check(struct hf_kms_device *kms,
			 const struct drm_mode_fb_cmd2 *cmd)
{
	const struct hf_format *format;
	unsigned int i;
	int ret;

	if (cmd->flags & ~(DRM_MODE_FB_INTERLACED | DRM_MODE_FB_MODIFIERS))
		return -EINVAL;
	if (cmd->width > HF_KMS_MAX_SIZE || cmd->height > HF_KMS_MAX_SIZE)
		return -EINVAL;
	format = hf_format_info(cmd->pixel_format);
	if (!format)
		return -EINVAL;
	if (cmd->width == 0 || cmd->height == 0)
		return -EINVAL;
	for (i = 0; i < format->num_planes; i++) {
		ret = check_plane(cmd, format, i);
		if (ret)
			return ret;
	}
	for (; i < 4; i++) {
		if (cmd->modifier[i])
			return -EINVAL;
		/* Old clients do not clear the rest. */
		if ((cmd->flags & DRM_MODE_FB_MODIFIERS) &&
		    (cmd->handles[i] || cmd->pitches[i] || cmd->offsets[i]))
			return -EINVAL;
	}
	return any_plane_has_format(kms, cmd->pixel_format, cmd->modifier[0]) ?
		       0 :
		       -EINVAL;
}

static int check_size(const struct drm_mode_fb_cmd2 *cmd,
		      const struct hf_format *format,
		      const struct hf_gem_object *object, unsigned int i)
{
	uint64_t width = hf_format_plane_width(format, cmd->width, i);
	uint64_t height = hf_format_plane_height(format, cmd->height, i);
	uint64_t need = (height - 1) * cmd->pitches[i] +
			width * format->cpp[i] + cmd->offsets[i];

	return object->size < need ? -EINVAL : 0;
}

int hf_framebuffer_create(struct hf_kms_device *kms,
			  const struct drm_mode_fb_cmd2 *cmd,
			  struct hf_gem_object *const objects[4],
			  struct hf_framebuffer **out)
{
	const struct hf_format *format = hf_format_info(cmd->pixel_format);
	struct hf_framebuffer *fb;
	int ret;

	for (unsigned int i = 0; i < format->num_planes; i++) {
		ret = check_size(cmd, format, objects[i], i);
		if (ret)
			return ret;
	}
	fb = calloc(1, sizeof(*fb));
	if (!fb)
		return -ENOMEM;
	ret = hf_mode_object_add(kms, &fb->base, DRM_MODE_OBJECT_FB);
	if (ret) {
		free(fb);
		return ret;
	}
	fb->kms = kms;
	fb->refcount = 1;
	wl_list_init(&fb->file_link);
	fb->format = format;
	fb->width = cmd->width;
	fb->height = cmd->height;
	fb->modifier = cmd->modifier[0];
	fb->flags = cmd->flags;
	for (unsigned int i = 0; i < format->num_planes; i++) {
		fb->pitches[i] = cmd->pitches[i];
		fb->offsets[i] = cmd->offsets[i];
		fb->objects[i] = hf_gem_object_get(objects[i]);
	}
	*out = fb;
	return 0;
}

struct hf_framebuffer *hf_framebuffer_get(struct hf_framebuffer *fb)
{
	fb->refcount++;
	return fb;
}

void hf_framebuffer_put(struct hf_framebuffer *fb)
{
	if (!fb || --fb->refcount)
		return;
	hf_mode_object_remove(fb->kms, &fb->base);
	wl_list_remove(&fb->file_link);
	if (fb->prepared)
		fb->kms->funcs->cleanup_fb(fb);
	for (int i = 0; i < 4; i++)
		hf_gem_object_put(fb->objects[i]);
	free(fb);
}

void hf_framebuffer_drawn(struct hf_framebuffer *fb)
{
	struct hf_kms_watch *watch, *next;

	wl_list_for_each_safe(watch, next, &fb->kms->watches, link)
		if (watch->drawn)
			watch->drawn(watch, fb);
}

static int take_off(struct hf_atomic_state *state, struct hf_framebuffer *fb)
{
	struct hf_kms_device *kms = fb->kms;
	int ret = 0;

	for (unsigned int i = 0; !ret && i < kms->num_planes; i++) {
		struct hf_plane_state *plane;

		if (kms->planes[i]->state->fb != fb)
			continue;
		plane = hf_atomic_get_plane(state, kms->planes[i]);
		if (!plane)
			return -ENOMEM;
		hf_atomic_set_plane_fb(plane, NULL);
		ret = hf_atomic_set_plane_crtc(state, plane, NULL);
	}
	return ret;
}

void hf_framebuffer_remove(struct hf_framebuffer *fb)
{
	struct hf_atomic_state *state;

	if (fb->refcount > 1) {
		state = hf_atomic_state_create(fb->kms);
		if (state && !take_off(state, fb) &&
		    !hf_atomic_commit_now(state))
			state = NULL;
		hf_atomic_state_destroy(state);
	}
	hf_framebuffer_put(fb);
}
