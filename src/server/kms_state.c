/* SPDX-License-Identifier: MIT */
/*
 * The state of a display as text, line for line what the kernel's atomic drivers
 * print, so that what reads those reads this. What it has no notion of here reads as
 * in a driver that does not use it.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "gem/gem.h"
#include "server/kms_state.h"

void hf_process_name(pid_t pid, char name[HF_COMM_SIZE])
{
	char path[32];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, HF_COMM_SIZE, f))
		strcpy(name, "<unknown>");
	name[strcspn(name, "\n")] = 0;
	if (f)
		fclose(f);
}

/* -- framebuffers ---------------------------------------------------------- */

static void indent(FILE *out, unsigned int depth)
{
	while (depth--)
		fputc('\t', out);
}

__attribute__((format(printf, 3, 4)))
static void print(FILE *out, unsigned int depth, const char *format, ...)
{
	va_list ap;

	indent(out, depth);
	va_start(ap, format);
	vfprintf(out, format, ap);
	va_end(ap);
	fputc('\n', out);
}

static void print_object(FILE *out, unsigned int depth,
			 const struct hf_gem_object *object)
{
	print(out, depth, "name=%u", object->name);
	print(out, depth, "refcount=%u", object->refcount);
	print(out, depth, "start=%08" PRIx64, object->offset >> 12);
	print(out, depth, "size=%zu", object->size);
	print(out, depth, "imported=%s",
	      object->foreign && object->backing ? "yes" : "no");
}

static void print_layer(FILE *out, unsigned int depth,
			const struct hf_framebuffer *fb, unsigned int i)
{
	print(out, depth, "size[%u]=%ux%u", i,
	      hf_format_plane_width(fb->format, fb->width, i),
	      hf_format_plane_height(fb->format, fb->height, i));
	print(out, depth, "pitch[%u]=%u", i, fb->pitches[i]);
	print(out, depth, "offset[%u]=%u", i, fb->offsets[i]);
	print(out, depth, "obj[%u]:", i);
	print_object(out, depth + 1, fb->objects[i]);
}

static void print_framebuffer(FILE *out, unsigned int depth,
			      const struct hf_framebuffer *fb)
{
	const char *fourcc = (const char *)&fb->format->fourcc;
	char name[HF_COMM_SIZE];

	hf_process_name(hf_gem_object_owner(fb->objects[0])->pid, name);
	print(out, depth, "allocated by = %s", name);
	print(out, depth, "refcount=%u", fb->refcount);
	print(out, depth, "format=%.4s little-endian (0x%08x)", fourcc,
	      fb->format->fourcc);
	print(out, depth, "modifier=0x%" PRIx64, fb->modifier);
	print(out, depth, "size=%ux%u", fb->width, fb->height);
	print(out, depth, "layers:");
	for (unsigned int i = 0; i < fb->format->num_planes; i++)
		print_layer(out, depth + 1, fb, i);
}

void hf_kms_framebuffers_print(FILE *out, const struct hf_kms_device *kms)
{
	const struct hf_mode_object *object;

	for (uint32_t id = 1; (object = hf_idr_next(&kms->objects, &id)); id++) {
		if (object->type != DRM_MODE_OBJECT_FB)
			continue;
		print(out, 0, "framebuffer[%u]:", id);
		print_framebuffer(out, 1,
				  (const struct hf_framebuffer *)object);
	}
}

/* -- objects --------------------------------------------------------------- */

static void crtc_name(const struct hf_crtc *crtc, char name[16])
{
	if (crtc)
		snprintf(name, 16, "crtc-%u", crtc->index);
	else
		strcpy(name, "(null)");
}

/* 16.16, as a decimal fraction. */
struct fixed {
	uint32_t whole, millionths;
};

static struct fixed fixed(uint32_t value)
{
	return (struct fixed){ value >> 16,
			       (value & 0xffff) * 15625ull >> 10 };
}

static void print_source(FILE *out, const struct hf_plane_state *state)
{
	struct fixed w = fixed(state->src_w), h = fixed(state->src_h);
	struct fixed x = fixed(state->src_x), y = fixed(state->src_y);

	print(out, 1, "src-pos=%u.%06ux%u.%06u+%u.%06u+%u.%06u", w.whole,
	      w.millionths, h.whole, h.millionths, x.whole, x.millionths,
	      y.whole, y.millionths);
}

/* Where it is among the planes of its CRTC. */
static unsigned int zpos(const struct hf_plane *plane)
{
	const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES];
	unsigned int n = plane->state->crtc ?
				 hf_crtc_planes(plane->state->crtc, planes) :
				 0;

	for (unsigned int i = 0; i < n; i++)
		if (planes[i] == plane->state)
			return i;
	return plane->state->zpos;
}

static const char *value_name(const struct hf_property *prop, uint64_t value)
{
	for (uint32_t i = 0; i < prop->num_enums; i++)
		if (prop->enums[i].value == value)
			return prop->enums[i].name;
	return "(null)";
}

static void print_plane(FILE *out, const struct hf_plane *plane)
{
	const struct hf_plane_state *state = plane->state;
	char crtc[16];

	crtc_name(state->crtc, crtc);
	print(out, 0, "plane[%u]: plane-%u", plane->base.id, plane->index);
	print(out, 1, "crtc=%s", crtc);
	print(out, 1, "fb=%u", state->fb ? state->fb->base.id : 0);
	if (state->fb)
		print_framebuffer(out, 2, state->fb);
	print(out, 1, "crtc-pos=%ux%u%+d%+d", state->crtc_w, state->crtc_h,
	      state->crtc_x, state->crtc_y);
	print_source(out, state);
	print(out, 1, "rotation=%x", state->rotation);
	print(out, 1, "normalized-zpos=%x", zpos(plane));
	print(out, 1, "color-encoding=%s",
	      value_name(plane->kms->prop.encoding, state->encoding));
	print(out, 1, "color-range=%s",
	      value_name(plane->kms->prop.range, state->range));
}

static uint32_t plane_mask(const struct hf_crtc *crtc)
{
	const struct hf_kms_device *kms = crtc->kms;
	uint32_t mask = 0;

	for (unsigned int i = 0; i < kms->num_planes && i < 32; i++)
		mask |= (uint32_t)(kms->planes[i]->state->crtc == crtc) << i;
	return mask;
}

static uint32_t encoder_mask(const struct hf_crtc *crtc)
{
	const struct hf_kms_device *kms = crtc->kms;
	uint32_t mask = 0;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector_state *state =
			kms->connectors[i]->state;

		if (state->crtc == crtc && state->encoder)
			mask |= 1u << state->encoder->index;
	}
	return mask;
}

static void print_crtc(FILE *out, const struct hf_crtc *crtc)
{
	const struct hf_crtc_state *state = crtc->state;
	const struct drm_mode_modeinfo *m = &state->mode;

	print(out, 0, "crtc[%u]: crtc-%u", crtc->base.id, crtc->index);
	print(out, 1, "enable=%d", state->enable);
	print(out, 1, "active=%d", state->active);
	print(out, 1, "self_refresh_active=0");
	print(out, 1, "planes_changed=0");
	print(out, 1, "mode_changed=%d", state->mode_changed);
	print(out, 1, "active_changed=%d", state->active_changed);
	print(out, 1, "connectors_changed=%d", state->connectors_changed);
	print(out, 1, "color_mgmt_changed=0");
	print(out, 1, "plane_mask=%x", plane_mask(crtc));
	print(out, 1, "connector_mask=%x", state->connector_mask);
	print(out, 1, "encoder_mask=%x", encoder_mask(crtc));
	print(out, 1,
	      "mode: \"%s\": %u %u %u %u %u %u %u %u %u %u 0x%x 0x%x", m->name,
	      m->vrefresh, m->clock, m->hdisplay, m->hsync_start, m->hsync_end,
	      m->htotal, m->vdisplay, m->vsync_start, m->vsync_end, m->vtotal,
	      m->type, m->flags);
}

static void print_connector(FILE *out, const struct hf_connector *connector)
{
	char name[32], crtc[16];

	hf_connector_name(connector, name, sizeof(name));
	crtc_name(connector->state->crtc, crtc);
	print(out, 0, "connector[%u]: %s", connector->base.id, name);
	print(out, 1, "crtc=%s", crtc);
	print(out, 1, "self_refresh_aware=0");
	print(out, 1, "max_requested_bpc=%u", connector->state->max_bpc);
}

void hf_kms_state_print(FILE *out, const struct hf_kms_device *kms)
{
	for (unsigned int i = 0; i < kms->num_planes; i++)
		print_plane(out, kms->planes[i]);
	for (unsigned int i = 0; i < kms->num_crtcs; i++)
		print_crtc(out, kms->crtcs[i]);
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		print_connector(out, kms->connectors[i]);
}
