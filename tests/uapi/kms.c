/* SPDX-License-Identifier: MIT */
/* Looking at the display: resources, objects, properties and blobs. */
#include "uapi.h"

#define NO_SUCH_ID 0x00ffffffu

static int get_properties(int fd, uint32_t id, uint32_t type, uint32_t *count)
{
	struct drm_mode_obj_get_properties get = { .obj_id = id, .obj_type = type };
	int error = call(fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &get);

	*count = get.count_props;
	return error;
}

TEST(getresources_counts_first_and_fills_then)
{
	struct drm_mode_card_res res = { 0 };
	uint32_t crtcs[32] = { 0 }, connectors[32] = { 0 }, encoders[32] = { 0 };
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT(res.count_crtcs > 0 && res.count_crtcs <= 32);
	EXPECT(res.count_connectors > 0 && res.count_connectors <= 32);
	EXPECT(res.count_encoders > 0 && res.count_encoders <= 32);
	EXPECT_EQ(res.count_fbs, 0);
	EXPECT(res.max_width >= kms.mode.hdisplay && res.max_height >= kms.mode.vdisplay);
	res.crtc_id_ptr = PTR(crtcs);
	res.connector_id_ptr = PTR(connectors);
	res.encoder_id_ptr = PTR(encoders);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	for (uint32_t i = 0; i < res.count_crtcs; i++)
		EXPECT(crtcs[i] != 0);
	for (uint32_t i = 0; i < res.count_connectors; i++)
		EXPECT(connectors[i] != 0);
	for (uint32_t i = 0; i < res.count_encoders; i++)
		EXPECT(encoders[i] != 0);
}

TEST(getresources_fills_a_short_array_as_far_as_it_goes)
{
	struct drm_mode_card_res whole = { 0 }, res = { 0 };
	uint32_t fbs[2] = { 0, 0 }, second;
	int fd = open_master();

	need_kms(fd);
	fb_create(fd, 64, 64);
	second = fb_create(fd, 64, 64);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &whole));
	EXPECT_EQ(whole.count_fbs, 2);
	res.fb_id_ptr = PTR(fbs);
	res.count_fbs = 1;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_EQ(res.count_fbs, 2);
	/* The newest comes first. */
	EXPECT_EQ(fbs[0], second);
	EXPECT_EQ(fbs[1], 0);
}

TEST(getresources_into_a_bad_array_is_efault)
{
	struct drm_mode_card_res res = { .count_crtcs = 32, .crtc_id_ptr = 8 };
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res), EFAULT);
}

TEST(a_file_sees_only_its_own_framebuffers)
{
	struct drm_mode_card_res res = { 0 };
	int fd = open_master(), other;

	need_kms(fd);
	fb_create(fd, 64, 64);
	other = open_second();
	EXPECT_OK(call(other, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_EQ(res.count_fbs, 0);
}

TEST(unknown_ids_are_enoent)
{
	struct drm_mode_crtc crtc = { .crtc_id = NO_SUCH_ID };
	struct drm_mode_get_encoder encoder = { .encoder_id = NO_SUCH_ID };
	struct drm_mode_get_connector connector = { .connector_id = NO_SUCH_ID };
	struct drm_mode_get_plane plane = { .plane_id = NO_SUCH_ID };
	struct drm_mode_get_property property = { .prop_id = NO_SUCH_ID };
	struct drm_mode_get_blob blob = { .blob_id = NO_SUCH_ID };
	struct drm_mode_fb_cmd fb = { .fb_id = NO_SUCH_ID };
	uint32_t count;
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETCRTC, &crtc), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETENCODER, &encoder), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETPLANE, &plane), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETPROPERTY, &property), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETPROPBLOB, &blob), ENOENT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETFB, &fb), ENOENT);
	EXPECT_ERROR(get_properties(fd, NO_SUCH_ID, DRM_MODE_OBJECT_ANY, &count), ENOENT);
}

TEST(ids_of_another_type_are_enoent)
{
	struct drm_mode_crtc crtc = { 0 };
	struct drm_mode_get_encoder encoder = { 0 };
	struct drm_mode_get_connector connector = { 0 };
	struct drm_mode_get_plane plane = { 0 };
	struct kms kms;
	uint32_t count;

	kms_open(&kms);
	crtc.crtc_id = kms.connector;
	encoder.encoder_id = kms.crtc;
	connector.connector_id = kms.crtc;
	plane.plane_id = kms.crtc;
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc), ENOENT);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder), ENOENT);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector), ENOENT);
	EXPECT_ERROR(call(kms.fd, DRM_IOCTL_MODE_GETPLANE, &plane), ENOENT);
	EXPECT_ERROR(get_properties(kms.fd, kms.crtc, DRM_MODE_OBJECT_CONNECTOR, &count), ENOENT);
}

TEST(properties_can_be_asked_without_naming_the_type)
{
	struct kms kms;
	uint32_t any, named;

	kms_open(&kms);
	EXPECT_OK(get_properties(kms.fd, kms.connector, DRM_MODE_OBJECT_ANY, &any));
	EXPECT_OK(get_properties(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, &named));
	EXPECT(any > 0);
	EXPECT_EQ(any, named);
}

TEST(an_object_without_properties_is_einval)
{
	struct kms kms;
	uint32_t count;

	kms_open(&kms);
	EXPECT_ERROR(get_properties(kms.fd, kms.encoder, DRM_MODE_OBJECT_ENCODER, &count), EINVAL);
}

TEST(a_connector_has_modes_encoders_and_properties)
{
	struct drm_mode_get_connector get = { 0 };
	struct drm_mode_modeinfo *modes;
	uint32_t encoders[8], properties[64];
	uint64_t values[64];
	struct kms kms;

	kms_open(&kms);
	get.connector_id = kms.connector;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.connection, DRM_MODE_CONNECTED);
	EXPECT(get.count_modes > 0 && get.count_encoders > 0 && get.count_encoders <= 8);
	EXPECT(get.count_props > 0 && get.count_props <= 64);
	modes = calloc(get.count_modes, sizeof(*modes));
	get.modes_ptr = PTR(modes);
	get.encoders_ptr = PTR(encoders);
	get.props_ptr = PTR(properties);
	get.prop_values_ptr = PTR(values);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.connector_id, kms.connector);
	EXPECT_EQ(encoders[0], kms.encoder);
	for (uint32_t i = 0; i < get.count_modes; i++) {
		EXPECT(modes[i].hdisplay > 0 && modes[i].vdisplay > 0);
		EXPECT(modes[i].htotal >= modes[i].hdisplay && modes[i].vtotal >= modes[i].vdisplay);
		EXPECT(modes[i].clock > 0);
		EXPECT(modes[i].name[0]);
	}
}

TEST(getconnector_fills_modes_all_or_not)
{
	struct drm_mode_get_connector get = { 0 };
	struct drm_mode_modeinfo mode = { .hdisplay = 0xabcd };
	uint32_t count;
	struct kms kms;

	kms_open(&kms);
	get.connector_id = kms.connector;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	if (get.count_modes < 2)
		skip("there is one mode only");
	count = get.count_modes;
	memset(&get, 0, sizeof(get));
	get.connector_id = kms.connector;
	get.count_modes = 1;
	get.modes_ptr = PTR(&mode);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.count_modes, count);
	EXPECT_EQ(mode.hdisplay, 0xabcd);
}

TEST(object_properties_fill_a_short_array_as_far_as_it_goes)
{
	struct drm_mode_obj_get_properties get = { .obj_type = DRM_MODE_OBJECT_CONNECTOR };
	uint32_t properties[2] = { 0, 0 }, count;
	uint64_t values[2] = { 7, 7 };
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(get_properties(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, &count));
	EXPECT(count >= 2);
	get.obj_id = kms.connector;
	get.count_props = 1;
	get.props_ptr = PTR(properties);
	get.prop_values_ptr = PTR(values);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &get));
	EXPECT_EQ(get.count_props, count);
	EXPECT(properties[0] != 0);
	EXPECT_EQ(properties[1], 0);
	EXPECT_EQ(values[1], 7);
}

TEST(getcrtc_shows_what_setcrtc_set)
{
	struct drm_mode_crtc crtc = { 0 };
	struct drm_mode_get_encoder encoder = { 0 };
	struct drm_mode_get_connector connector = { 0 };
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	crtc.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	EXPECT_EQ(crtc.fb_id, fb);
	EXPECT_EQ(crtc.mode_valid, 1);
	EXPECT_EQ(crtc.mode.hdisplay, kms.mode.hdisplay);
	EXPECT_EQ(crtc.mode.vdisplay, kms.mode.vdisplay);
	EXPECT_EQ(crtc.x, 0);
	EXPECT_EQ(crtc.y, 0);
	connector.connector_id = kms.connector;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &connector));
	encoder.encoder_id = connector.encoder_id;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT_EQ(encoder.crtc_id, kms.crtc);
}

TEST(an_encoder_names_crtcs_that_exist)
{
	struct drm_mode_card_res res = { 0 };
	struct drm_mode_get_encoder encoder = { 0 };
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	encoder.encoder_id = kms.encoder;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT(encoder.possible_crtcs != 0);
	EXPECT(res.count_crtcs >= 32 || encoder.possible_crtcs >> res.count_crtcs == 0);
}

static uint32_t count_planes(int fd)
{
	struct drm_mode_get_plane_res res = { 0 };

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &res));
	return res.count_planes;
}

TEST(primary_and_cursor_planes_are_hidden_until_asked_for)
{
	uint32_t planes[64], hidden, all, overlays = 0;
	struct drm_mode_get_plane_res res = { .plane_id_ptr = PTR(planes), .count_planes = 64 };
	int fd = open_card();

	need_kms(fd);
	hidden = count_planes(fd);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1), 0);
	all = count_planes(fd);
	EXPECT(all > hidden && all <= 64);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &res));
	for (uint32_t i = 0; i < all; i++)
		overlays += property_value(fd, planes[i], DRM_MODE_OBJECT_PLANE, "type") ==
			DRM_PLANE_TYPE_OVERLAY;
	EXPECT_EQ(overlays, hidden);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 0), 0);
	EXPECT_EQ(count_planes(fd), hidden);
}

TEST(atomic_properties_are_hidden_until_asked_for)
{
	struct kms kms;
	uint64_t value;
	int other;

	kms_open_atomic(&kms);
	EXPECT(find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", &value));
	EXPECT(find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", &value));
	EXPECT(find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", &value));
	EXPECT(find_property(kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", &value));
	other = open_second();
	EXPECT(!find_property(other, kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", &value));
	EXPECT(!find_property(other, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", &value));
	EXPECT(!find_property(other, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", &value));
	EXPECT(!find_property(other, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", &value));
	EXPECT(find_property(other, kms.primary, DRM_MODE_OBJECT_PLANE, "type", &value));
	EXPECT(find_property(other, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS", &value));
}

static uint32_t kms_type(const struct kms *kms)
{
	drmModeConnector *connector = drmModeGetConnectorCurrent(kms->fd, kms->connector);
	uint32_t type;

	EXPECT(connector);
	type = connector->connector_type;
	drmModeFreeConnector(connector);
	return type;
}

/* The core's properties come first, in one order with all drivers; NULL ends them. */
static void expect_order(const struct kms *kms, uint32_t object, uint32_t type,
			 const char *const *names)
{
	drmModeObjectProperties *props = drmModeObjectGetProperties(kms->fd, object, type);

	EXPECT(props);
	for (uint32_t i = 0; names[i]; i++) {
		drmModePropertyRes *prop;

		EXPECT(i < props->count_props);
		prop = drmModeGetProperty(kms->fd, props->props[i]);
		EXPECT(prop);
		if (strcmp(prop->name, names[i]))
			fail(__FILE__, __LINE__, "property %u of %u is %s, not %s", i, object,
			     prop->name, names[i]);
		drmModeFreeProperty(prop);
	}
	drmModeFreeObjectProperties(props);
}

TEST(properties_of_the_core_come_first_and_in_order)
{
	static const char *const plane[] = {
		"type", "FB_ID", "IN_FENCE_FD", "CRTC_ID", "CRTC_X", "CRTC_Y", "CRTC_W", "CRTC_H",
		"SRC_X", "SRC_Y", "SRC_W", "SRC_H", NULL,
	};
	static const char *const crtc[] = {
		"ACTIVE", "MODE_ID", "OUT_FENCE_PTR", "VRR_ENABLED", NULL,
	};
	static const char *const connector[] = {
		"EDID", "DPMS", "link-status", "non-desktop", "TILE", "CRTC_ID", NULL,
	};
	struct kms kms;
	bool edid;

	kms_open_atomic(&kms);
	edid = find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "EDID", NULL);
	expect_order(&kms, kms.primary, DRM_MODE_OBJECT_PLANE, plane);
	expect_order(&kms, kms.crtc, DRM_MODE_OBJECT_CRTC, crtc);
	/* Virtual ones have no EDID, unless their driver adds it. */
	expect_order(&kms, kms.connector, DRM_MODE_OBJECT_CONNECTOR,
		     connector + (kms_type(&kms) == DRM_MODE_CONNECTOR_VIRTUAL || !edid));
}

TEST(getplane_fills_formats_all_or_not)
{
	struct drm_mode_get_plane get = { 0 };
	uint32_t plane, count, format = 0x1234, formats[256];
	struct kms kms;
	bool found = false;

	kms_open(&kms);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	get.plane_id = plane;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPLANE, &get));
	EXPECT_EQ(get.plane_id, plane);
	EXPECT(get.possible_crtcs & 1u << kms.pipe);
	count = get.count_format_types;
	EXPECT(count > 0 && count <= 256);
	if (count > 1) {
		get.count_format_types = 1;
		get.format_type_ptr = PTR(&format);
		EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPLANE, &get));
		EXPECT_EQ(get.count_format_types, count);
		EXPECT_EQ(format, 0x1234);
	}
	get.count_format_types = count;
	get.format_type_ptr = PTR(formats);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPLANE, &get));
	for (uint32_t i = 0; i < count; i++)
		found = found || formats[i] == DRM_FORMAT_XRGB8888;
	EXPECT(found);
}

TEST(getproperty_describes_an_enum)
{
	struct drm_mode_property_enum enums[8] = { 0 };
	struct drm_mode_get_property get = { 0 };
	uint64_t values[8] = { 0 };
	struct kms kms;

	kms_open(&kms);
	get.prop_id = find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS", NULL);
	EXPECT(get.prop_id);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
	EXPECT(!strcmp(get.name, "DPMS"));
	EXPECT(get.flags & DRM_MODE_PROP_ENUM);
	EXPECT_EQ(get.count_enum_blobs, 4);
	EXPECT_EQ(get.count_values, 4);
	get.count_enum_blobs = 2;
	get.enum_blob_ptr = PTR(enums);
	get.values_ptr = PTR(values);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
	EXPECT_EQ(get.count_enum_blobs, 4);
	EXPECT(!strcmp(enums[0].name, "On"));
	EXPECT(!strcmp(enums[1].name, "Standby"));
	EXPECT_EQ(enums[2].name[0], 0);
	EXPECT_EQ(values[3], 3);
}

TEST(getproperty_counts_no_enums_of_what_has_none)
{
	struct drm_mode_get_property get = { .count_enum_blobs = 7 };
	struct kms kms;

	kms_open_atomic(&kms);
	get.prop_id = find_property(kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "CRTC_W", NULL);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
	/* Of a range, what the caller had said stays. */
	EXPECT_EQ(get.count_enum_blobs, 7);
	EXPECT_EQ(get.count_values, 2);
	get = (struct drm_mode_get_property){ .count_enum_blobs = 7 };
	get.prop_id = find_property(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", NULL);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
	EXPECT_EQ(get.count_enum_blobs, 0);
	EXPECT_EQ(get.count_values, 0);
}

TEST(getproperty_describes_the_type_of_a_plane_as_immutable)
{
	struct drm_mode_get_property get = { 0 };
	uint32_t plane;
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	get.prop_id = find_property(kms.fd, plane, DRM_MODE_OBJECT_PLANE, "type", NULL);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
	EXPECT(get.flags & DRM_MODE_PROP_IMMUTABLE);
	EXPECT(get.flags & DRM_MODE_PROP_ENUM);
	EXPECT_EQ(get.count_enum_blobs, 3);
}

static int object_set(const struct kms *kms, uint32_t object, uint32_t type, uint32_t property,
		      uint64_t value)
{
	struct drm_mode_obj_set_property set = {
		.obj_id = object, .obj_type = type, .prop_id = property, .value = value,
	};

	return call(kms->fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &set);
}

TEST(setting_a_property_checks_object_and_value)
{
	uint32_t dpms, type, status, plane;
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(find_plane(kms.fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms.pipe, &plane));
	dpms = find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS", NULL);
	type = find_property(kms.fd, plane, DRM_MODE_OBJECT_PLANE, "type", NULL);
	EXPECT_ERROR(object_set(&kms, NO_SUCH_ID, DRM_MODE_OBJECT_CONNECTOR, dpms, 0), ENOENT);
	EXPECT_ERROR(object_set(&kms, kms.crtc, DRM_MODE_OBJECT_CONNECTOR, dpms, 0), ENOENT);
	/* A property that the object does not have, or that does not exist. */
	EXPECT_ERROR(object_set(&kms, kms.crtc, DRM_MODE_OBJECT_CRTC, dpms, 0), EINVAL);
	EXPECT_ERROR(object_set(&kms, kms.crtc, DRM_MODE_OBJECT_CRTC, NO_SUCH_ID, 0), EINVAL);
	status = find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "link-status",
			       NULL);
	if (status)
		EXPECT_ERROR(object_set(&kms, kms.connector, DRM_MODE_OBJECT_CONNECTOR, status, 99),
			     EINVAL);
	EXPECT_ERROR(object_set(&kms, plane, DRM_MODE_OBJECT_PLANE, type, 1), EINVAL);
	EXPECT_ERROR(object_set(&kms, kms.encoder, DRM_MODE_OBJECT_ENCODER, dpms, 0), EINVAL);
}

TEST(dpms_round_trips)
{
	struct drm_mode_connector_set_property set = { .value = DRM_MODE_DPMS_OFF };
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	set.connector_id = kms.connector;
	set.prop_id = find_property(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS", NULL);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_SETPROPERTY, &set));
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS"),
		  DRM_MODE_DPMS_OFF);
	/* The picture is only dark: the framebuffer is still there. */
	EXPECT_EQ(crtc_fb(&kms), fb);
	set.value = DRM_MODE_DPMS_ON;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_SETPROPERTY, &set));
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS"),
		  DRM_MODE_DPMS_ON);
}

/* Blobs */

static int blob_get(int fd, uint32_t id, void *data, uint32_t *length)
{
	struct drm_mode_get_blob get = { .blob_id = id, .data = PTR(data), .length = *length };
	int error = call(fd, DRM_IOCTL_MODE_GETPROPBLOB, &get);

	*length = get.length;
	return error;
}

static int blob_destroy(int fd, uint32_t id)
{
	struct drm_mode_destroy_blob destroy = { .blob_id = id };

	return call(fd, DRM_IOCTL_MODE_DESTROYPROPBLOB, &destroy);
}

TEST(a_blob_can_be_read_back)
{
	char data[5] = "abcd", back[5] = "";
	uint32_t blob, length = 0;
	int fd = open_card();

	need_kms(fd);
	blob = blob_create(fd, data, sizeof(data));
	EXPECT_OK(blob_get(fd, blob, NULL, &length));
	EXPECT_EQ(length, 5);
	EXPECT_OK(blob_get(fd, blob, back, &length));
	EXPECT(!memcmp(data, back, 5));
}

TEST(a_blob_is_read_at_its_exact_length_only)
{
	char data[8] = "abcdefg", back[16] = "";
	uint32_t blob, length = 4;
	int fd = open_card();

	need_kms(fd);
	blob = blob_create(fd, data, sizeof(data));
	EXPECT_OK(blob_get(fd, blob, back, &length));
	EXPECT_EQ(length, 8);
	EXPECT_EQ(back[0], 0);
	length = 16;
	EXPECT_OK(blob_get(fd, blob, back, &length));
	EXPECT_EQ(length, 8);
	EXPECT_EQ(back[0], 0);
}

TEST(bad_blobs_are_refused)
{
	struct drm_mode_create_blob create = { .data = PTR("x"), .length = 0 };
	int fd = open_card();

	need_kms(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &create), EINVAL);
	create.length = 0xffffffff;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &create), EINVAL);
	create.length = 16;
	create.data = 8;
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &create), EFAULT);
}

TEST(a_destroyed_blob_is_enoent)
{
	uint32_t blob, length = 0;
	int fd = open_card();

	need_kms(fd);
	blob = blob_create(fd, "x", 1);
	EXPECT_OK(blob_destroy(fd, blob));
	EXPECT_ERROR(blob_get(fd, blob, NULL, &length), ENOENT);
	EXPECT_ERROR(blob_destroy(fd, blob), ENOENT);
	EXPECT_ERROR(blob_destroy(fd, 0), ENOENT);
}

TEST(another_file_may_read_a_blob_but_not_destroy_it)
{
	uint32_t blob, length = 0;
	int fd = open_card(), other = open_card();

	need_kms(fd);
	blob = blob_create(fd, "x", 1);
	EXPECT_OK(blob_get(other, blob, NULL, &length));
	EXPECT_EQ(length, 1);
	EXPECT_ERROR(blob_destroy(other, blob), EPERM);
	close(fd);
	EXPECT_ERROR(blob_get(other, blob, NULL, &length), ENOENT);
}

TEST(the_mode_of_a_crtc_is_a_blob_that_nobody_may_destroy)
{
	struct drm_mode_modeinfo mode;
	uint32_t length = sizeof(mode), fb;
	struct kms kms;
	uint64_t blob;

	kms_open_atomic(&kms);
	kms_show(&kms, &fb);
	blob = property_value(kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID");
	EXPECT(blob != 0);
	EXPECT_OK(blob_get(kms.fd, (uint32_t)blob, &mode, &length));
	EXPECT_EQ(length, sizeof(mode));
	EXPECT_EQ(mode.hdisplay, kms.mode.hdisplay);
	EXPECT_ERROR(blob_destroy(kms.fd, (uint32_t)blob), EPERM);
}
