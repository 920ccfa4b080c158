/* SPDX-License-Identifier: MIT */
/*
 * Connectors and encoders: their properties, what setting one takes, which modes are
 * listed for whom, and who may have which encoder.
 */
#include "uapi.h"

/* Run a block with each connector of the device; ends with the last one. */
#define FOR_EACH_CONNECTOR(fd, connector)					\
	for (uint32_t i_ = 0; (connector = nth_connector((fd), i_)); i_++,	\
	     drmModeFreeConnector(connector))

static drmModeConnector *nth_connector(int fd, uint32_t n)
{
	drmModeRes *res = drmModeGetResources(fd);
	drmModeConnector *connector = NULL;

	if (!res)
		skip("the device has no display");
	if (n < (uint32_t)res->count_connectors) {
		connector = drmModeGetConnector(fd, res->connectors[n]);
		EXPECT(connector);
	}
	drmModeFreeResources(res);
	return connector;
}

static uint32_t prop_of(int fd, uint32_t connector, const char *name, uint64_t *value)
{
	return find_property(fd, connector, DRM_MODE_OBJECT_CONNECTOR, name, value);
}

/* The first connector that has a property: its id, or 0. */
static uint32_t connector_with(int fd, const char *name)
{
	drmModeConnector *connector;
	uint32_t found = 0;

	FOR_EACH_CONNECTOR(fd, connector)
		if (!found && prop_of(fd, connector->connector_id, name, NULL))
			found = connector->connector_id;
	return found;
}

static uint32_t need_connector_with(int fd, const char *name)
{
	uint32_t connector = connector_with(fd, name);

	if (!connector)
		skip("no connector has %s", name);
	return connector;
}

static drmModePropertyRes *describe(int fd, uint32_t connector, const char *name)
{
	drmModePropertyRes *property =
		drmModeGetProperty(fd, prop_of(fd, connector, name, NULL));

	EXPECT(property);
	return property;
}

static bool has_enum(const drmModePropertyRes *property, const char *name, uint64_t value)
{
	for (int i = 0; i < property->count_enums; i++)
		if (!strcmp(property->enums[i].name, name))
			return property->enums[i].value == value;
	return false;
}

static int set_legacy(int fd, uint32_t connector, const char *name, uint64_t value)
{
	struct drm_mode_connector_set_property set = {
		.connector_id = connector, .prop_id = prop_of(fd, connector, name, NULL),
		.value = value,
	};

	return call(fd, DRM_IOCTL_MODE_SETPROPERTY, &set);
}

static int set_atomic(int fd, uint32_t connector, const char *name, uint64_t value,
		      uint32_t flags)
{
	struct request request = { 0 };

	request_set(&request, connector, prop_of(fd, connector, name, NULL), value);
	return request_commit(fd, &request, flags, 0);
}

/* Switch that connector on; what kms_open_atomic() found may be another. */
static void light(struct kms *kms, uint32_t connector)
{
	drmModeConnector *get = drmModeGetConnector(kms->fd, connector);
	drmModeEncoder *encoder;
	uint32_t fb;

	EXPECT(get);
	if (get->connection != DRM_MODE_CONNECTED || !get->count_modes)
		skip("it is not connected");
	encoder = drmModeGetEncoder(kms->fd, get->encoders[0]);
	EXPECT(encoder);
	kms->pipe = (uint32_t)__builtin_ctz(encoder->possible_crtcs);
	kms->encoder = encoder->encoder_id;
	kms->connector = connector;
	memcpy(&kms->mode, &get->modes[0], sizeof(kms->mode));
	drmModeFreeEncoder(encoder);
	drmModeFreeConnector(get);
	{
		drmModeRes *res = drmModeGetResources(kms->fd);

		EXPECT(res);
		kms->crtc = res->crtcs[kms->pipe];
		drmModeFreeResources(res);
	}
	kms_show(kms, &fb);
}

/* Properties */

TEST(standard_properties_have_the_kernels_flags)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} rows[] = {
		{ "EDID", DRM_MODE_PROP_BLOB | DRM_MODE_PROP_IMMUTABLE },
		{ "DPMS", DRM_MODE_PROP_ENUM },
		{ "link-status", DRM_MODE_PROP_ENUM },
		{ "non-desktop", DRM_MODE_PROP_RANGE | DRM_MODE_PROP_IMMUTABLE },
		{ "TILE", DRM_MODE_PROP_BLOB | DRM_MODE_PROP_IMMUTABLE },
		{ "PATH", DRM_MODE_PROP_BLOB | DRM_MODE_PROP_IMMUTABLE },
		{ "CRTC_ID", DRM_MODE_PROP_OBJECT | DRM_MODE_PROP_ATOMIC },
		{ "max bpc", DRM_MODE_PROP_RANGE },
		{ "content type", DRM_MODE_PROP_ENUM },
		{ "Colorspace", DRM_MODE_PROP_ENUM },
		{ "HDR_OUTPUT_METADATA", DRM_MODE_PROP_BLOB },
		{ "scaling mode", DRM_MODE_PROP_ENUM },
		{ "panel orientation", DRM_MODE_PROP_ENUM | DRM_MODE_PROP_IMMUTABLE },
		{ "subconnector", DRM_MODE_PROP_ENUM | DRM_MODE_PROP_IMMUTABLE },
	};
	drmModeConnector *connector;
	struct kms kms;

	kms_open_atomic(&kms);
	FOR_EACH_CONNECTOR(kms.fd, connector) {
		uint32_t id = connector->connector_id;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			drmModePropertyRes *property;

			if (!prop_of(kms.fd, id, rows[i].name, NULL))
				continue;
			property = describe(kms.fd, id, rows[i].name);
			EXPECT_EQ(property->flags, rows[i].flags);
			drmModeFreeProperty(property);
		}
		EXPECT(prop_of(kms.fd, id, "DPMS", NULL));
		EXPECT(prop_of(kms.fd, id, "link-status", NULL));
		EXPECT(prop_of(kms.fd, id, "non-desktop", NULL));
		EXPECT(prop_of(kms.fd, id, "TILE", NULL));
		EXPECT(prop_of(kms.fd, id, "CRTC_ID", NULL));
	}
}

struct name {
	const char *name;
	uint64_t value;
};

static void check_enums(const char *property, const struct name *names, int n)
{
	drmModePropertyRes *got;
	int fd = open_card();

	need_kms(fd);
	got = describe(fd, need_connector_with(fd, property), property);
	EXPECT(got->count_enums <= n);
	for (int i = 0; i < got->count_enums; i++) {
		bool known = false;

		for (int j = 0; j < n; j++)
			known = known || (!strcmp(got->enums[i].name, names[j].name) &&
					  got->enums[i].value == names[j].value);
		if (!known)
			fail(__FILE__, __LINE__, "%s: %s is %llu", property,
			     got->enums[i].name, (unsigned long long)got->enums[i].value);
	}
}

TEST(content_types_are_the_kernels)
{
	static const struct name names[] = {
		{ "No Data", 0 }, { "Graphics", 1 }, { "Photo", 2 }, { "Cinema", 3 },
		{ "Game", 4 },
	};

	check_enums("content type", names, ARRAY_SIZE(names));
}

TEST(scaling_modes_are_the_kernels)
{
	static const struct name names[] = {
		{ "None", 0 }, { "Full", 1 }, { "Center", 2 }, { "Full aspect", 3 },
	};

	check_enums("scaling mode", names, ARRAY_SIZE(names));
}

TEST(orientations_are_the_kernels)
{
	static const struct name names[] = {
		{ "Normal", 0 }, { "Upside Down", 1 }, { "Left Side Up", 2 },
		{ "Right Side Up", 3 },
	};

	check_enums("panel orientation", names, ARRAY_SIZE(names));
}

TEST(colorspaces_are_the_kernels)
{
	static const struct name names[] = {
		{ "Default", 0 }, { "SMPTE_170M_YCC", 1 }, { "BT709_YCC", 2 },
		{ "XVYCC_601", 3 }, { "XVYCC_709", 4 }, { "SYCC_601", 5 },
		{ "opYCC_601", 6 }, { "opRGB", 7 }, { "BT2020_CYCC", 8 },
		{ "BT2020_RGB", 9 }, { "BT2020_YCC", 10 }, { "DCI-P3_RGB_D65", 11 },
		{ "DCI-P3_RGB_Theater", 12 }, { "RGB_Wide_Gamut_Fixed_Point", 13 },
		{ "RGB_Wide_Gamut_Floating_Point", 14 }, { "RGB_WIDE_FIXED", 13 },
		{ "RGB_WIDE_FLOAT", 14 }, { "BT601_YCC", 15 },
	};

	check_enums("Colorspace", names, ARRAY_SIZE(names));
}

TEST(subconnectors_are_the_kernels)
{
	static const struct name names[] = {
		{ "Unknown", 0 }, { "VGA", 1 }, { "DVI-D", 3 }, { "DVI-A", 4 },
		{ "Composite", 5 }, { "SVIDEO", 6 }, { "Component", 8 }, { "SCART", 9 },
		{ "DP", 10 }, { "HDMI", 11 }, { "Native", 15 }, { "Wireless", 18 },
	};

	check_enums("subconnector", names, ARRAY_SIZE(names));
}

TEST(link_status_has_its_two_values)
{
	drmModePropertyRes *property;
	int fd = open_card();

	need_kms(fd);
	property = describe(fd, need_connector_with(fd, "link-status"), "link-status");
	EXPECT_EQ(property->count_enums, 2);
	EXPECT(has_enum(property, "Good", DRM_MODE_LINK_STATUS_GOOD));
	EXPECT(has_enum(property, "Bad", DRM_MODE_LINK_STATUS_BAD));
}

TEST(what_the_monitor_says_is_not_for_clients_to_set)
{
	static const char *const names[] = { "EDID", "TILE", "PATH", "non-desktop",
					     "panel orientation", "subconnector" };
	drmModeConnector *connector;
	struct kms kms;

	kms_open_atomic(&kms);
	FOR_EACH_CONNECTOR(kms.fd, connector) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
			uint32_t id = connector->connector_id;
			uint64_t value = 0;

			if (!prop_of(kms.fd, id, names[i], &value))
				continue;
			EXPECT_ERROR(set_legacy(kms.fd, id, names[i], value), EINVAL);
			EXPECT_ERROR(set_atomic(kms.fd, id, names[i], value,
						DRM_MODE_ATOMIC_TEST_ONLY), EINVAL);
		}
	}
}

TEST(dpms_is_not_for_atomic_clients)
{
	struct kms kms;

	kms_open_atomic(&kms);
	EXPECT_ERROR(set_atomic(kms.fd, kms.connector, "DPMS", DRM_MODE_DPMS_ON,
				DRM_MODE_ATOMIC_ALLOW_MODESET), EINVAL);
}

TEST(nobody_can_say_that_a_link_is_bad)
{
	struct kms kms;

	kms_open_atomic(&kms);
	light(&kms, kms.connector);
	EXPECT_OK(set_atomic(kms.fd, kms.connector, "link-status", DRM_MODE_LINK_STATUS_BAD, 0));
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR,
				 "link-status"), DRM_MODE_LINK_STATUS_GOOD);
	EXPECT_OK(set_legacy(kms.fd, kms.connector, "link-status", DRM_MODE_LINK_STATUS_BAD));
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR,
				 "link-status"), DRM_MODE_LINK_STATUS_GOOD);
	EXPECT_ERROR(set_atomic(kms.fd, kms.connector, "link-status", 2, 0), EINVAL);
}

/* Each value of an enum or range by both calls, and what is none. */
static void set_all(const char *name)
{
	drmModePropertyRes *property;
	struct kms kms;
	uint32_t id;

	kms_open_atomic(&kms);
	id = need_connector_with(kms.fd, name);
	property = describe(kms.fd, id, name);
	for (int i = 0; i < property->count_values; i++) {
		uint64_t value = property->values[i];

		EXPECT_OK(set_legacy(kms.fd, id, name, value));
		EXPECT_EQ(property_value(kms.fd, id, DRM_MODE_OBJECT_CONNECTOR, name), value);
	}
	light(&kms, id);
	for (int i = property->count_values; i-- > 0;) {
		uint64_t value = property->values[i];

		EXPECT_OK(set_atomic(kms.fd, id, name, value, DRM_MODE_ATOMIC_TEST_ONLY |
				     DRM_MODE_ATOMIC_ALLOW_MODESET));
		EXPECT_OK(set_atomic(kms.fd, id, name, value, DRM_MODE_ATOMIC_ALLOW_MODESET));
		EXPECT_EQ(property_value(kms.fd, id, DRM_MODE_OBJECT_CONNECTOR, name), value);
		/* What it is already takes nothing. */
		EXPECT_OK(set_atomic(kms.fd, id, name, value, 0));
	}
	EXPECT_ERROR(set_legacy(kms.fd, id, name, 99), EINVAL);
	EXPECT_ERROR(set_atomic(kms.fd, id, name, 99, DRM_MODE_ATOMIC_ALLOW_MODESET), EINVAL);
}

TEST(content_type_takes_its_values)
{
	set_all("content type");
}

TEST(colorspace_takes_its_values)
{
	set_all("Colorspace");
}

TEST(max_bpc_takes_its_range)
{
	set_all("max bpc");
}

TEST(scaling_mode_takes_its_values)
{
	set_all("scaling mode");
}

TEST(fewer_bits_a_colour_are_a_modeset)
{
	drmModePropertyRes *property;
	struct kms kms;
	uint32_t id;

	kms_open_atomic(&kms);
	id = need_connector_with(kms.fd, "max bpc");
	property = describe(kms.fd, id, "max bpc");
	light(&kms, id);
	EXPECT_OK(set_atomic(kms.fd, id, "max bpc", property->values[1],
			     DRM_MODE_ATOMIC_ALLOW_MODESET));
	EXPECT_ERROR(set_atomic(kms.fd, id, "max bpc", property->values[0], 0), EINVAL);
	EXPECT_EQ(property_value(kms.fd, id, DRM_MODE_OBJECT_CONNECTOR, "max bpc"),
		  property->values[1]);
}

TEST(hdr_metadata_has_one_size)
{
	struct hdr_output_metadata hdr = { 0 };
	uint32_t id, blob, longer, wrong;
	struct kms kms;

	kms_open_atomic(&kms);
	id = need_connector_with(kms.fd, "HDR_OUTPUT_METADATA");
	hdr.hdmi_metadata_type1.eotf = 2;
	hdr.hdmi_metadata_type1.max_cll = 400;
	blob = blob_create(kms.fd, &hdr, sizeof(hdr));
	wrong = blob_create(kms.fd, &hdr, sizeof(hdr) - 1);
	longer = blob_create(kms.fd, (char[sizeof(hdr) + 4]){ 0 }, sizeof(hdr) + 4);
	light(&kms, id);
	EXPECT_OK(set_atomic(kms.fd, id, "HDR_OUTPUT_METADATA", blob,
			     DRM_MODE_ATOMIC_ALLOW_MODESET));
	EXPECT_EQ(property_value(kms.fd, id, DRM_MODE_OBJECT_CONNECTOR, "HDR_OUTPUT_METADATA"),
		  blob);
	EXPECT_ERROR(set_atomic(kms.fd, id, "HDR_OUTPUT_METADATA", wrong,
				DRM_MODE_ATOMIC_ALLOW_MODESET), EINVAL);
	EXPECT_ERROR(set_atomic(kms.fd, id, "HDR_OUTPUT_METADATA", longer,
				DRM_MODE_ATOMIC_ALLOW_MODESET), EINVAL);
	EXPECT_ERROR(set_atomic(kms.fd, id, "HDR_OUTPUT_METADATA", kms.crtc,
				DRM_MODE_ATOMIC_ALLOW_MODESET), EINVAL);
	EXPECT_OK(set_legacy(kms.fd, id, "HDR_OUTPUT_METADATA", 0));
	EXPECT_EQ(property_value(kms.fd, id, DRM_MODE_OBJECT_CONNECTOR, "HDR_OUTPUT_METADATA"),
		  0);
}

static drmModePropertyBlobRes *blob_of(int fd, uint32_t connector, const char *name)
{
	uint64_t id = 0;

	prop_of(fd, connector, name, &id);
	return id ? drmModeGetPropertyBlob(fd, (uint32_t)id) : NULL;
}

TEST(a_tile_is_eight_numbers)
{
	drmModeConnector *connector;
	int fd = open_card(), tiles = 0;

	need_kms(fd);
	FOR_EACH_CONNECTOR(fd, connector) {
		drmModePropertyBlobRes *blob = blob_of(fd, connector->connector_id, "TILE");
		int n[8], end = 0;

		if (!blob)
			continue;
		EXPECT_EQ(((char *)blob->data)[blob->length - 1], 0);
		EXPECT_EQ(sscanf(blob->data, "%d:%d:%d:%d:%d:%d:%d:%d%n", &n[0], &n[1], &n[2],
				 &n[3], &n[4], &n[5], &n[6], &n[7], &end), 8);
		EXPECT_EQ((uint32_t)end + 1, blob->length);
		EXPECT(n[0] > 0 && n[4] < n[2] && n[5] < n[3] && n[6] > 0 && n[7] > 0);
		tiles++;
		drmModeFreePropertyBlob(blob);
	}
	if (!tiles)
		skip("no monitor is tiled");
}

TEST(a_path_is_a_string)
{
	drmModePropertyBlobRes *blob;
	int fd = open_card();

	need_kms(fd);
	blob = blob_of(fd, need_connector_with(fd, "PATH"), "PATH");
	EXPECT(blob);
	EXPECT(blob->length > 1);
	EXPECT_EQ(strnlen(blob->data, blob->length), blob->length - 1);
}

/* Lists */

TEST(connectors_of_a_type_are_numbered)
{
	drmModeConnector *connector;
	uint64_t seen[32] = { 0 };
	int fd = open_card();

	need_kms(fd);
	FOR_EACH_CONNECTOR(fd, connector) {
		EXPECT(connector->connector_type < 32 && connector->connector_type_id < 64);
		EXPECT(connector->connector_type_id > 0);
		EXPECT(!(seen[connector->connector_type] & 1ull << connector->connector_type_id));
		seen[connector->connector_type] |= 1ull << connector->connector_type_id;
		EXPECT(connector->subpixel >= DRM_MODE_SUBPIXEL_UNKNOWN &&
		       connector->subpixel <= DRM_MODE_SUBPIXEL_NONE);
	}
}

TEST(encoders_are_listed_all_or_not)
{
	drmModeConnector *connector;
	int fd = open_card();

	need_kms(fd);
	FOR_EACH_CONNECTOR(fd, connector) {
		struct drm_mode_get_connector get = {
			.connector_id = connector->connector_id, .count_modes = 1,
		};
		uint32_t ids[33] = { 0 };

		get.encoders_ptr = PTR(ids);
		get.count_encoders = (uint32_t)connector->count_encoders - 1;
		get.modes_ptr = PTR(&(struct drm_mode_modeinfo){ 0 });
		EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
		EXPECT_EQ(get.count_encoders, (uint32_t)connector->count_encoders);
		EXPECT_EQ(ids[0], 0);
	}
}

TEST(encoders_name_themselves_among_their_clones)
{
	drmModeRes *res;
	int fd = open_card();

	need_kms(fd);
	res = drmModeGetResources(fd);
	EXPECT(res);
	for (int i = 0; i < res->count_encoders; i++) {
		drmModeEncoder *encoder = drmModeGetEncoder(fd, res->encoders[i]);

		EXPECT(encoder);
		EXPECT(encoder->possible_clones & 1u << i);
		EXPECT_EQ(encoder->possible_clones & ~((1ull << res->count_encoders) - 1), 0);
		EXPECT(encoder->possible_crtcs);
		/* Clones are so both ways. */
		for (int j = 0; j < res->count_encoders; j++) {
			drmModeEncoder *other = drmModeGetEncoder(fd, res->encoders[j]);

			EXPECT(other);
			EXPECT_EQ(!!(encoder->possible_clones & 1u << j),
				  !!(other->possible_clones & 1u << i));
			drmModeFreeEncoder(other);
		}
		drmModeFreeEncoder(encoder);
	}
}

TEST(a_connector_that_is_off_has_no_encoder)
{
	struct drm_mode_get_connector get = { 0 };
	struct drm_mode_get_encoder encoder = { 0 };
	struct kms kms;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	get.connector_id = kms.connector;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT(get.encoder_id);
	encoder.encoder_id = get.encoder_id;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT_EQ(encoder.crtc_id, kms.crtc);
	EXPECT_OK(kms_off(&kms));
	get = (struct drm_mode_get_connector){ .connector_id = kms.connector };
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.encoder_id, 0);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETENCODER, &encoder));
	EXPECT_EQ(encoder.crtc_id, 0);
}

TEST(who_is_not_master_sees_what_the_last_probe_found)
{
	struct drm_mode_get_connector first = { 0 }, second = { 0 };
	struct kms kms;
	int other;

	kms_open(&kms);
	other = open_second();
	first.connector_id = second.connector_id = kms.connector;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &first));
	EXPECT_OK(call(other, DRM_IOCTL_MODE_GETCONNECTOR, &second));
	EXPECT_EQ(first.count_modes, second.count_modes);
	EXPECT_EQ(first.connection, second.connection);
}

#define LOOKS (DRM_MODE_FLAG_PIC_AR_MASK | DRM_MODE_FLAG_3D_MASK)

struct counts {
	int all, shapes, stereo, twice;
};

/* Modes that say a shape, are in stereo, or are there once more but for the shape. */
static struct counts count_modes(int fd)
{
	struct counts counts = { 0 };
	drmModeConnector *connector;

	FOR_EACH_CONNECTOR(fd, connector) {
		for (int i = 0; i < connector->count_modes; i++) {
			drmModeModeInfo mode = connector->modes[i];

			counts.all++;
			counts.shapes += !!(mode.flags & DRM_MODE_FLAG_PIC_AR_MASK);
			counts.stereo += !!(mode.flags & DRM_MODE_FLAG_3D_MASK);
			for (int j = 0; j < i; j++) {
				drmModeModeInfo other = connector->modes[j];

				other.flags &= ~DRM_MODE_FLAG_PIC_AR_MASK;
				other.flags |= mode.flags & DRM_MODE_FLAG_PIC_AR_MASK;
				other.type = mode.type;
				if (memcmp(&other, &mode, sizeof(mode)))
					continue;
				counts.twice++;
				break;
			}
		}
	}
	return counts;
}

TEST(shapes_are_for_who_knows_of_them)
{
	struct counts plain, aware;
	int fd = open_master();

	need_kms(fd);
	plain = count_modes(fd);
	EXPECT_EQ(plain.shapes, 0);
	EXPECT_EQ(plain.twice, 0);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_ASPECT_RATIO, 1), 0);
	aware = count_modes(fd);
	if (!aware.shapes)
		skip("no mode has a shape");
	EXPECT_EQ(aware.all - aware.twice, plain.all);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_ASPECT_RATIO, 0), 0);
	EXPECT_EQ(count_modes(fd).shapes, 0);
}

TEST(stereo_is_for_who_knows_of_it)
{
	struct counts plain, aware;
	int fd = open_master();

	need_kms(fd);
	plain = count_modes(fd);
	EXPECT_EQ(plain.stereo, 0);
	EXPECT_EQ(drmSetClientCap(fd, DRM_CLIENT_CAP_STEREO_3D, 1), 0);
	aware = count_modes(fd);
	if (!aware.stereo)
		skip("no monitor shows stereo");
	EXPECT_EQ(aware.all - aware.stereo, plain.all);
}

TEST(packed_frames_take_a_framebuffer_for_both_eyes)
{
	drmModeConnector *connector = NULL;
	struct kms kms;
	uint32_t fb;
	bool found = false;

	kms_open(&kms);
	EXPECT_EQ(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_STEREO_3D, 1), 0);
	connector = drmModeGetConnector(kms.fd, kms.connector);
	EXPECT(connector);
	for (int i = 0; i < connector->count_modes && !found; i++) {
		if ((connector->modes[i].flags & DRM_MODE_FLAG_3D_MASK) !=
		    DRM_MODE_FLAG_3D_FRAME_PACKING)
			continue;
		memcpy(&kms.mode, &connector->modes[i], sizeof(kms.mode));
		found = true;
	}
	if (!found)
		skip("no monitor shows packed frames");
	fb = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	EXPECT_ERROR(kms_set(&kms, fb), ENOSPC);
	fb = fb_create(kms.fd, kms.mode.hdisplay,
		       (uint32_t)kms.mode.vdisplay + kms.mode.vtotal);
	EXPECT_OK(kms_set(&kms, fb));
}

/* Routing */

/* Both on the first CRTC that either can be on. */
static int clone_both(struct kms *kms, uint32_t first, uint32_t second)
{
	struct request request = { 0 };
	uint32_t mode;

	light(kms, first);
	mode = blob_create(kms->fd, &kms->mode, sizeof(kms->mode));
	request_name(&request, kms->fd, second, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", kms->crtc);
	request_name(&request, kms->fd, kms->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", mode);
	return request_commit(kms->fd, &request,
			      DRM_MODE_ATOMIC_TEST_ONLY | DRM_MODE_ATOMIC_ALLOW_MODESET, 0);
}

/* Of the first encoder of a connector: what it can be cloned with, and itself. */
static void clones_of(int fd, uint32_t connector, uint32_t *clones, uint32_t *self)
{
	drmModeConnector *get = drmModeGetConnector(fd, connector);
	drmModeRes *res = drmModeGetResources(fd);
	drmModeEncoder *encoder;

	EXPECT(get && res && get->count_encoders > 0);
	encoder = drmModeGetEncoder(fd, get->encoders[0]);
	EXPECT(encoder);
	*clones = encoder->possible_clones;
	*self = 0;
	for (int i = 0; i < res->count_encoders; i++)
		if (res->encoders[i] == encoder->encoder_id)
			*self = 1u << i;
	drmModeFreeEncoder(encoder);
	drmModeFreeConnector(get);
	drmModeFreeResources(res);
}

static void two_connectors(int fd, uint32_t ids[2])
{
	drmModeConnector *connector;
	int n = 0;

	FOR_EACH_CONNECTOR(fd, connector)
		if (n < 2 && connector->connection == DRM_MODE_CONNECTED)
			ids[n++] = connector->connector_id;
	if (n < 2)
		skip("one connector is connected");
}

TEST(only_clones_are_on_one_crtc)
{
	uint32_t ids[2], clones, self, other_clones, other;
	struct kms kms;

	kms_open_atomic(&kms);
	two_connectors(kms.fd, ids);
	clones_of(kms.fd, ids[0], &clones, &self);
	clones_of(kms.fd, ids[1], &other_clones, &other);
	if (clones & other && other_clones & self && self != other)
		EXPECT_OK(clone_both(&kms, ids[0], ids[1]));
	else
		EXPECT_ERROR(clone_both(&kms, ids[0], ids[1]), EINVAL);
}

TEST(an_encoder_is_picked_by_the_crtc)
{
	drmModeConnector *connector;
	drmModeRes *res;
	struct kms kms;
	bool tried = false;

	kms_open(&kms);
	res = drmModeGetResources(kms.fd);
	EXPECT(res);
	FOR_EACH_CONNECTOR(kms.fd, connector) {
		if (connector->count_encoders < 2 || connector->connection != DRM_MODE_CONNECTED)
			continue;
		kms.connector = connector->connector_id;
		memcpy(&kms.mode, &connector->modes[0], sizeof(kms.mode));
		for (int i = 0; i < res->count_crtcs; i++) {
			drmModeConnector *now;
			drmModeEncoder *encoder;
			uint32_t fb;

			kms.crtc = res->crtcs[i];
			kms_show(&kms, &fb);
			now = drmModeGetConnector(kms.fd, kms.connector);
			EXPECT(now);
			encoder = drmModeGetEncoder(kms.fd, now->encoder_id);
			EXPECT(encoder);
			EXPECT(encoder->possible_crtcs & 1u << i);
			EXPECT_EQ(encoder->crtc_id, kms.crtc);
			drmModeFreeEncoder(encoder);
			drmModeFreeConnector(now);
			tried = true;
		}
	}
	if (!tried)
		skip("no connector has several encoders");
}

/* Two connectors with the same encoder, and no other. */
static void need_shared(int fd, uint32_t ids[2])
{
	drmModeConnector *a, *b;

	for (uint32_t i = 0; (a = nth_connector(fd, i)); i++) {
		for (uint32_t j = i + 1; (b = nth_connector(fd, j)); j++) {
			if (a->count_encoders != 1 || b->count_encoders != 1 ||
			    a->encoders[0] != b->encoders[0])
				continue;
			ids[0] = a->connector_id;
			ids[1] = b->connector_id;
			return;
		}
	}
	skip("no two connectors share an encoder");
}

TEST(setcrtc_takes_an_encoder_from_who_has_it)
{
	uint32_t ids[2];
	struct kms kms;

	kms_open(&kms);
	need_shared(kms.fd, ids);
	light(&kms, ids[0]);
	light(&kms, ids[1]);
	EXPECT_EQ(property_value(kms.fd, ids[1], DRM_MODE_OBJECT_CONNECTOR, "DPMS"),
		  DRM_MODE_DPMS_ON);
	EXPECT_EQ(property_value(kms.fd, ids[0], DRM_MODE_OBJECT_CONNECTOR, "DPMS"),
		  DRM_MODE_DPMS_OFF);
}

TEST(an_atomic_client_gives_an_encoder_back_first)
{
	struct request request = { 0 };
	uint32_t ids[2];
	struct kms kms;

	kms_open_atomic(&kms);
	need_shared(kms.fd, ids);
	light(&kms, ids[0]);
	request_name(&request, kms.fd, ids[1], DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", kms.crtc);
	EXPECT_ERROR(request_commit(kms.fd, &request, DRM_MODE_ATOMIC_ALLOW_MODESET, 0), EINVAL);
	request_name(&request, kms.fd, ids[0], DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID", 0);
	EXPECT_OK(request_commit(kms.fd, &request, DRM_MODE_ATOMIC_ALLOW_MODESET, 0));
}
