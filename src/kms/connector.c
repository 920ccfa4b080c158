/* SPDX-License-Identifier: MIT */
/*
 * Connectors with their encoders and properties, and what is plugged in there: a
 * monitor that says of itself what it can do, or one that is made up. What was
 * plugged in is known at once, what it is after a probe.
 *
 * Connectors and encoders live as long as the device. Its lock protects them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/mode.h"
#include "kms/state.h"
#include "kms/writeback.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* What "max bpc" is, unless said otherwise. */
#define MAX_BPC 12

/* The lowest rate that monitors with a variable one usually have. */
#define VRR_MIN_HZ 48

struct hf_monitor {
	struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES];
	unsigned int num_modes;
	uint32_t width_mm, height_mm;
	uint32_t subconnector;
	double vrr_min_hz; /* 0: its rate is fixed */
	struct hf_edid_info info;
	struct hf_blob *edid;
};

/* -- kinds of connectors ----------------------------------------------------- */

enum {
	DISPLAYPORT = 1, /* its properties: bits a colour, colours, HDR */
	HDMI = 2,
	PANEL = 4, /* built in: it scales */
	SUBPIXELS = 8,
};

/* By DRM_MODE_CONNECTOR_*: name, encoder, and further encoders. */
static const struct kind {
	const char *name;
	uint32_t encoder, more;
	unsigned int flags;
} kinds[] = {
	[DRM_MODE_CONNECTOR_Unknown] = {
		"Unknown", DRM_MODE_ENCODER_NONE, DRM_MODE_ENCODER_NONE, 0 },
	[DRM_MODE_CONNECTOR_VGA] = {
		"VGA", DRM_MODE_ENCODER_DAC, DRM_MODE_ENCODER_DAC, 0 },
	[DRM_MODE_CONNECTOR_DVII] = {
		"DVI-I", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_DAC, 0 },
	[DRM_MODE_CONNECTOR_DVID] = {
		"DVI-D", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_TMDS, 0 },
	[DRM_MODE_CONNECTOR_DVIA] = {
		"DVI-A", DRM_MODE_ENCODER_DAC, DRM_MODE_ENCODER_DAC, 0 },
	[DRM_MODE_CONNECTOR_Composite] = {
		"Composite", DRM_MODE_ENCODER_TVDAC, DRM_MODE_ENCODER_TVDAC, 0 },
	[DRM_MODE_CONNECTOR_SVIDEO] = {
		"SVIDEO", DRM_MODE_ENCODER_TVDAC, DRM_MODE_ENCODER_TVDAC, 0 },
	[DRM_MODE_CONNECTOR_LVDS] = {
		"LVDS", DRM_MODE_ENCODER_LVDS, DRM_MODE_ENCODER_LVDS,
		PANEL | SUBPIXELS },
	[DRM_MODE_CONNECTOR_Component] = {
		"Component", DRM_MODE_ENCODER_TVDAC, DRM_MODE_ENCODER_TVDAC, 0 },
	[DRM_MODE_CONNECTOR_9PinDIN] = {
		"DIN", DRM_MODE_ENCODER_TVDAC, DRM_MODE_ENCODER_TVDAC, 0 },
	[DRM_MODE_CONNECTOR_DisplayPort] = {
		"DP", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_DPMST,
		DISPLAYPORT },
	[DRM_MODE_CONNECTOR_HDMIA] = {
		"HDMI-A", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_TMDS, HDMI },
	[DRM_MODE_CONNECTOR_HDMIB] = {
		"HDMI-B", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_TMDS, HDMI },
	[DRM_MODE_CONNECTOR_TV] = {
		"TV", DRM_MODE_ENCODER_TVDAC, DRM_MODE_ENCODER_TVDAC, 0 },
	[DRM_MODE_CONNECTOR_eDP] = {
		"eDP", DRM_MODE_ENCODER_TMDS, DRM_MODE_ENCODER_TMDS,
		DISPLAYPORT | PANEL },
	[DRM_MODE_CONNECTOR_VIRTUAL] = {
		"Virtual", DRM_MODE_ENCODER_VIRTUAL, DRM_MODE_ENCODER_VIRTUAL, 0 },
	[DRM_MODE_CONNECTOR_DSI] = {
		"DSI", DRM_MODE_ENCODER_DSI, DRM_MODE_ENCODER_DSI,
		PANEL | SUBPIXELS },
	[DRM_MODE_CONNECTOR_DPI] = {
		"DPI", DRM_MODE_ENCODER_DPI, DRM_MODE_ENCODER_DPI, 0 },
	[DRM_MODE_CONNECTOR_WRITEBACK] = {
		"Writeback", DRM_MODE_ENCODER_VIRTUAL, DRM_MODE_ENCODER_VIRTUAL,
		0 },
	[DRM_MODE_CONNECTOR_SPI] = {
		"SPI", DRM_MODE_ENCODER_NONE, DRM_MODE_ENCODER_NONE, 0 },
	[DRM_MODE_CONNECTOR_USB] = {
		"USB", DRM_MODE_ENCODER_NONE, DRM_MODE_ENCODER_NONE, 0 },
};

static bool is(const struct hf_connector *connector, unsigned int flags)
{
	return kinds[connector->type].flags & flags;
}

const char *hf_connector_type_name(uint32_t type)
{
	return type < ARRAY_SIZE(kinds) ? kinds[type].name : NULL;
}

void hf_connector_name(const struct hf_connector *connector, char *name,
		       size_t size)
{
	snprintf(name, size, "%s-%u", kinds[connector->type].name,
		 connector->type_id);
}

uint32_t hf_connector_subpixel(const struct hf_connector *connector)
{
	return is(connector, SUBPIXELS) ? HF_SUBPIXEL_HORIZONTAL_RGB :
					  HF_SUBPIXEL_UNKNOWN;
}

/* -- monitors ---------------------------------------------------------------- */

static void monitor_destroy(struct hf_monitor *monitor)
{
	if (!monitor)
		return;
	hf_blob_put(monitor->edid);
	free(monitor);
}

/* Connectors of the kernel drop these unless they say otherwise, as HDMI does. */
static unsigned int prune(const struct hf_connector *connector,
			  struct drm_mode_modeinfo *modes, int n)
{
	uint32_t flags = DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_DBLSCAN;
	unsigned int kept = 0;

	if (!is(connector, HDMI))
		flags |= DRM_MODE_FLAG_3D_MASK;
	for (int i = 0; i < n; i++)
		if (!(modes[i].flags & flags))
			modes[kept++] = modes[i];
	return kept;
}

/* One that says of itself what it can do. */
static int believe(const struct hf_connector *connector,
		   const struct hf_kms_output *output, struct hf_monitor *out)
{
	int n = hf_edid_modes(output->edid, output->edid_size, out->modes,
			      HF_KMS_MAX_MODES, &out->width_mm,
			      &out->height_mm);

	out->num_modes = prune(connector, out->modes, n);
	if (!out->num_modes)
		return -EINVAL;
	hf_edid_info(output->edid, output->edid_size, &out->info);
	out->edid = hf_blob_create(connector->kms, output->edid,
				   output->edid_size);
	return out->edid ? 0 : -ENOMEM;
}

static bool listed(const struct hf_monitor *monitor,
		   const struct drm_mode_modeinfo *mode)
{
	for (unsigned int i = 0; i < monitor->num_modes; i++)
		if (hf_mode_equal(&monitor->modes[i], mode))
			return true;
	return false;
}

static int compare_modes(const void *a, const void *b)
{
	return hf_mode_compare(a, b);
}

/* The modes that were asked for besides; @extra: those that are no usual ones. */
static int add_modes(const struct hf_kms_output *output,
		     struct hf_monitor *out,
		     struct drm_mode_modeinfo extra[HF_OUTPUT_MODES])
{
	int n = 0;

	for (unsigned int i = 0; i < output->num_modes; i++) {
		const struct hf_kms_size *size = &output->modes[i];
		struct drm_mode_modeinfo mode;

		if (hf_mode_make(&mode, size->width, size->height, size->hz))
			return -EINVAL;
		if (listed(out, &mode))
			continue;
		if (out->num_modes == HF_KMS_MAX_MODES)
			return -EINVAL;
		out->modes[out->num_modes++] = extra[n++] = mode;
	}
	qsort(out->modes, out->num_modes, sizeof(out->modes[0]), compare_modes);
	return n;
}

/* 0: it does not vary. */
static double slowest_rate(const struct hf_kms_output *output)
{
	if (!output->vrr)
		return 0;
	return output->vrr_min_hz > 0 ? output->vrr_min_hz : VRR_MIN_HZ;
}

static void describe(const struct hf_connector *connector,
		     const struct hf_kms_output *output,
		     struct hf_edid_monitor *monitor)
{
	*monitor = (struct hf_edid_monitor){
		.product = output->product ? output->product : 1,
		.serial = output->serial ? output->serial : connector->index + 1,
		.name = output->name[0] ? output->name : "Holdfast",
		/* 96 dots an inch, as a desktop would assume anyway. */
		.width_mm = output->width_mm ? output->width_mm :
					       output->width * 254 / 960,
		.height_mm = output->height_mm ? output->height_mm :
						 output->height * 254 / 960,
		.hdmi = is(connector, HDMI),
		.hdr = output->hdr,
		.non_desktop = output->non_desktop,
		.tile = output->tile,
	};
	memcpy(monitor->vendor, output->vendor[0] ? output->vendor : "HFS",
	       sizeof(monitor->vendor));
	monitor->min_hz = slowest_rate(output);
}

/* One that does not, or not so that it can be understood. */
static int make_up(const struct hf_connector *connector,
		   const struct hf_kms_output *output, struct hf_monitor *out)
{
	struct drm_mode_modeinfo extra[HF_OUTPUT_MODES];
	struct hf_edid_monitor monitor;
	uint8_t edid[HF_EDID_MAX];
	int n, len;

	describe(connector, output, &monitor);
	if (hf_mode_make(&monitor.native, output->width, output->height,
			 output->hz))
		return -EINVAL;
	monitor.tile.width = monitor.native.hdisplay;
	monitor.tile.height = monitor.native.vdisplay;
	out->width_mm = monitor.width_mm;
	out->height_mm = monitor.height_mm;
	out->num_modes = hf_mode_list(&monitor.native, out->modes,
				      HF_KMS_MAX_MODES - HF_OUTPUT_MODES);
	n = add_modes(output, out, extra);
	if (n < 0)
		return n;
	monitor.extra = extra;
	monitor.num_extra = n;
	len = hf_edid_build(&monitor, edid);
	if (len < 0)
		return len;
	hf_edid_info(edid, len, &out->info);
	out->edid = hf_blob_create(connector->kms, edid, len);
	return out->edid ? 0 : -ENOMEM;
}

/* What is behind a DisplayPort or DVI-I plug; in the kernel the driver asks. */
static uint32_t subconnector_of(const struct hf_connector *connector,
				const struct hf_kms_output *output)
{
	if (output->subconnector)
		return output->subconnector;
	if (connector->type == DRM_MODE_CONNECTOR_DVII)
		return DRM_MODE_SUBCONNECTOR_DVID;
	return DRM_MODE_SUBCONNECTOR_Native;
}

static int monitor_create(const struct hf_connector *connector,
			  const struct hf_kms_output *output,
			  struct hf_monitor **out)
{
	struct hf_monitor *monitor = calloc(1, sizeof(*monitor));
	int ret = 0;

	if (!monitor)
		return -ENOMEM;
	if (output->width) {
		ret = output->edid ? believe(connector, output, monitor) :
				     -EINVAL;
		if (ret == -EINVAL)
			ret = make_up(connector, output, monitor);
		monitor->info.non_desktop |= output->non_desktop;
		monitor->subconnector = subconnector_of(connector, output);
		monitor->vrr_min_hz = slowest_rate(output);
	}
	if (ret) {
		monitor_destroy(monitor);
		return ret;
	}
	*out = monitor;
	return 0;
}

/* -- probing ----------------------------------------------------------------- */

static bool group_taken(const struct hf_kms_device *kms, uint32_t group)
{
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		if (kms->connectors[i]->tile_group == group)
			return true;
	return false;
}

/* The tiles of a monitor have a number in common, the lowest that is free. */
static uint32_t find_group(const struct hf_kms_device *kms,
			   const uint8_t topology[HF_EDID_TOPOLOGY])
{
	uint32_t group = 1;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector *other = kms->connectors[i];

		if (other->tile_group &&
		    !memcmp(other->tile_topology, topology, HF_EDID_TOPOLOGY))
			return other->tile_group;
	}
	while (group_taken(kms, group))
		group++;
	return group;
}

/* The text is the kernel's; without memory for it there is no tile. */
static void set_tile(struct hf_connector *connector,
		     const struct hf_edid_tile *tile)
{
	struct hf_kms_device *kms = connector->kms;
	char text[96];

	hf_blob_put(connector->tile);
	connector->tile = NULL;
	connector->tile_group = 0;
	if (!tile->columns)
		return;
	connector->tile_group = find_group(kms, tile->topology);
	memcpy(connector->tile_topology, tile->topology, HF_EDID_TOPOLOGY);
	snprintf(text, sizeof(text), "%u:%d:%u:%u:%u:%u:%u:%u",
		 connector->tile_group, tile->single, tile->columns, tile->rows,
		 tile->column, tile->row, tile->width, tile->height);
	connector->tile = hf_blob_create(kms, text, strlen(text) + 1);
	if (!connector->tile)
		connector->tile_group = 0;
}

void hf_connector_probe(struct hf_connector *connector)
{
	struct hf_kms_device *kms = connector->kms;
	struct hf_monitor *monitor = connector->plugged;

	if (hf_connector_writes_back(connector))
		hf_writeback_probe(connector);
	if (!monitor)
		return;
	hf_blob_put(connector->edid);
	connector->edid = monitor->edid;
	memcpy(connector->modes, monitor->modes, sizeof(monitor->modes));
	connector->num_modes = monitor->num_modes;
	connector->width_mm = monitor->width_mm;
	connector->height_mm = monitor->height_mm;
	connector->non_desktop = monitor->info.non_desktop;
	connector->subconnector = monitor->subconnector;
	connector->vrr_min_hz = monitor->vrr_min_hz;
	set_tile(connector, &monitor->info.tile);
	connector->plugged = NULL;
	free(monitor);
	if (kms->changed)
		kms->changed(kms);
}

int hf_kms_plug(struct hf_connector *connector,
		const struct hf_kms_output *output)
{
	struct hf_kms_output seen = hf_connector_seen(connector, output);
	struct hf_kms_device *kms = connector->kms;
	struct hf_monitor *monitor;
	int ret;

	if (hf_connector_writes_back(connector))
		return -EINVAL;
	ret = monitor_create(connector, &seen, &monitor);
	if (ret)
		return ret;
	ret = hf_connector_remember(connector, output);
	if (ret) {
		monitor_destroy(monitor);
		return ret;
	}
	monitor_destroy(connector->plugged);
	connector->plugged = monitor;
	connector->connected = seen.width;
	if (!kms->has_master || !kms->has_master(kms))
		hf_connector_probe(connector);
	else if (kms->changed)
		kms->changed(kms);
	return 0;
}

void hf_kms_set_modes(struct hf_connector *connector,
		      const struct drm_mode_modeinfo *modes, unsigned int n)
{
	/* What is plugged in is found first, so that it does not undo this. */
	hf_connector_probe(connector);
	memcpy(connector->modes, modes, n * sizeof(*modes));
	connector->num_modes = n;
	connector->modes[0].type |= DRM_MODE_TYPE_PREFERRED;
	if (connector->kms->changed)
		connector->kms->changed(connector->kms);
}

/* -- creation ---------------------------------------------------------------- */

struct hf_encoder *hf_encoder_create(struct hf_kms_device *kms, uint32_t type,
				     uint32_t possible_crtcs)
{
	struct hf_encoder *encoder;

	if (kms->num_encoders == HF_KMS_MAX_ENCODERS) {
		errno = EINVAL;
		return NULL;
	}
	encoder = calloc(1, sizeof(*encoder));
	if (!encoder)
		return NULL;
	encoder->index = kms->num_encoders;
	encoder->type = type;
	encoder->possible_crtcs = possible_crtcs;
	encoder->possible_clones = 1u << encoder->index;
	kms->encoders[kms->num_encoders++] = encoder;
	if (hf_mode_object_add(kms, &encoder->base, DRM_MODE_OBJECT_ENCODER)) {
		errno = ENOMEM;
		return NULL;
	}
	return encoder;
}

struct hf_crtc *hf_encoder_crtc(const struct hf_kms_device *kms,
				const struct hf_encoder *encoder)
{
	for (unsigned int i = 0; i < kms->num_connectors; i++)
		if (kms->connectors[i]->state->encoder == encoder)
			return kms->connectors[i]->state->crtc;
	return NULL;
}

/* Of several encoders, the first has the first CRTC, and so on, in turn. */
static uint32_t crtcs_of(const struct hf_connector *connector, unsigned int i,
			 unsigned int n)
{
	const struct hf_kms_device *kms = connector->kms;
	uint32_t crtcs = 0;

	if (!(kms->funcs->features & HF_KMS_ROUTES))
		return 1u << connector->index;
	for (unsigned int crtc = i % n; crtc < kms->num_crtcs; crtc += n)
		crtcs |= 1u << crtc;
	return crtcs ? crtcs : 1u << i % kms->num_crtcs;
}

/* As many as it was to have, or those of an earlier connector. */
static int add_encoders(struct hf_connector *connector,
			const struct hf_kms_output *output)
{
	const struct kind *kind = &kinds[connector->type];
	struct hf_kms_device *kms = connector->kms;
	unsigned int n = output->encoders ? output->encoders : 1;
	/* In a topology of DisplayPort each CRTC has a stream of its own. */
	bool mst = kind->more == DRM_MODE_ENCODER_DPMST && n > 1;

	if (output->share > connector->index)
		return -EINVAL;
	if (output->share) {
		connector->possible_encoders =
			kms->connectors[output->share - 1]->possible_encoders;
		return 0;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t type = i || mst ? kind->more : kind->encoder;
		struct hf_encoder *encoder;

		if (!output->type)
			type = kms->funcs->encoder_type;
		encoder = hf_encoder_create(kms, type,
					    crtcs_of(connector, i, n));
		if (!encoder)
			return -errno;
		connector->possible_encoders |= 1u << encoder->index;
	}
	return 0;
}

static int attach_max_bpc(struct hf_connector *connector,
			  const struct hf_kms_output *output)
{
	uint32_t max = output->max_bpc ? output->max_bpc : MAX_BPC;

	connector->max_bpc = hf_property_create_range(
		connector->kms, "max bpc", DRM_MODE_PROP_RANGE,
		is(connector, HDMI) ? 8 : 6, max);
	if (!connector->max_bpc)
		return -ENOMEM;
	hf_object_attach(&connector->base, connector->max_bpc, 0);
	connector->state->max_bpc = max;
	return 0;
}

static int attach_path(struct hf_connector *connector, const char *path)
{
	connector->path = hf_blob_create(connector->kms, path,
					 strlen(path) + 1);
	if (!connector->path)
		return -ENOMEM;
	hf_object_attach(&connector->base, connector->kms->prop.path, 0);
	return 0;
}

/* What drivers of the kernel give to connectors of that kind. */
static int attach_more(struct hf_connector *connector,
		       const struct hf_kms_output *output)
{
	struct hf_kms_device *kms = connector->kms;
	struct hf_mode_object *base = &connector->base;
	int ret = 0;

	if (is(connector, HDMI)) {
		hf_object_attach(base, kms->prop.content_type, 0);
		hf_object_attach(base, kms->prop.hdmi_colorspace, 0);
	}
	if (is(connector, DISPLAYPORT))
		hf_object_attach(base, kms->prop.dp_colorspace, 0);
	if (is(connector, HDMI | DISPLAYPORT)) {
		hf_object_attach(base, kms->prop.hdr, 0);
		ret = attach_max_bpc(connector, output);
	}
	if (is(connector, PANEL)) {
		hf_object_attach(base, kms->prop.scaling_mode, 0);
		connector->state->scaling_mode = DRM_MODE_SCALE_ASPECT;
	}
	if (connector->type == DRM_MODE_CONNECTOR_DisplayPort)
		hf_object_attach(base, kms->prop.dp_subconnector, 0);
	if (connector->type == DRM_MODE_CONNECTOR_DVII)
		hf_object_attach(base, kms->prop.dvi_subconnector, 0);
	if (output->has_orientation) {
		hf_object_attach(base, kms->prop.orientation, 0);
		connector->orientation = output->orientation;
	}
	if (kms->funcs->features & HF_KMS_VRR)
		hf_object_attach(base, kms->prop.vrr_capable, 0);
	if (!ret && output->path[0])
		ret = attach_path(connector, output->path);
	return ret;
}

static uint32_t next_type_id(const struct hf_kms_device *kms, uint32_t type)
{
	uint32_t id = 1;

	for (unsigned int i = 0; i < kms->num_connectors; i++)
		id += kms->connectors[i]->type == type;
	return id;
}

struct hf_connector *hf_connector_create(struct hf_kms_device *kms,
					 uint32_t type)
{
	struct hf_connector *connector = calloc(1, sizeof(*connector));

	if (!connector)
		return NULL;
	connector->kms = kms;
	connector->index = kms->num_connectors;
	connector->type = type;
	connector->type_id = next_type_id(kms, type);
	connector->dpms = DRM_MODE_DPMS_ON; /* as in the kernel, until it is switched off */
	kms->connectors[kms->num_connectors++] = connector;
	connector->state = calloc(1, sizeof(*connector->state));
	if (!connector->state ||
	    hf_mode_object_add(kms, &connector->base,
			       DRM_MODE_OBJECT_CONNECTOR)) {
		errno = ENOMEM;
		return NULL;
	}
	connector->state->connector = connector;
	if (type != DRM_MODE_CONNECTOR_WRITEBACK)
		hf_object_attach(&connector->base, kms->prop.edid, 0);
	hf_object_attach(&connector->base, kms->prop.dpms, 0);
	hf_object_attach(&connector->base, kms->prop.link_status, 0);
	hf_object_attach(&connector->base, kms->prop.non_desktop, 0);
	hf_object_attach(&connector->base, kms->prop.tile, 0);
	hf_object_attach(&connector->base, kms->prop.crtc_id, 0);
	return connector;
}

int hf_connector_add_output(struct hf_kms_device *kms,
			    const struct hf_kms_output *output)
{
	uint32_t type = output->type ? output->type :
				       kms->funcs->connector_type;
	struct hf_connector *connector;
	int ret;

	if (type >= ARRAY_SIZE(kinds))
		return -EINVAL;
	connector = hf_connector_create(kms, type);
	if (!connector)
		return -errno;
	ret = add_encoders(connector, output);
	if (!ret)
		ret = attach_more(connector, output);
	return ret ? ret : hf_kms_plug(connector, output);
}

/* Encoders of outputs that may be driven by one CRTC, all at the same time. */
void hf_connector_set_clones(struct hf_kms_device *kms,
			     const struct hf_kms_output *outputs, size_t n)
{
	uint32_t clones = 0;

	for (size_t i = 0; i < n; i++)
		if (outputs[i].clone)
			clones |= kms->connectors[i]->possible_encoders;
	for (unsigned int i = 0; i < kms->num_encoders; i++)
		if (clones & 1u << i)
			kms->encoders[i]->possible_clones = clones;
}

void hf_connector_destroy(struct hf_connector *connector)
{
	monitor_destroy(connector->plugged);
	hf_blob_put(connector->edid);
	hf_blob_put(connector->tile);
	hf_blob_put(connector->path);
	hf_blob_put(connector->writeback_formats);
	hf_connector_state_destroy(connector->state);
	free(connector->wired);
	free(connector);
}
