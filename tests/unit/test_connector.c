/* SPDX-License-Identifier: MIT */
/*
 * Connectors: their kinds and properties, what a probe finds, and who gets which
 * encoder.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "display.h"
#include "kms/legacy.h"
#include "kms/mode.h"

#define KMS (&display.kms)
#define CONNECTOR(i) (KMS->connectors[i])
#define SIZE .width = 640, .height = 480, .hz = 60

static const struct hf_property *find(const struct hf_mode_object *object,
				      const char *name, uint64_t *value)
{
	for (uint32_t i = 0; i < object->nprops; i++) {
		if (strcmp(object->props[i]->name, name))
			continue;
		*value = hf_object_get_value(object, i);
		return object->props[i];
	}
	return NULL;
}

static uint64_t value_of(unsigned int connector, const char *name)
{
	uint64_t value = 0;

	if (!find(&CONNECTOR(connector)->base, name, &value))
		fail_msg("connector %u has no %s", connector, name);
	return value;
}

static bool has(unsigned int connector, const char *name)
{
	uint64_t value;

	return find(&CONNECTOR(connector)->base, name, &value);
}

static const char *text_of(unsigned int connector, const char *name)
{
	struct hf_blob *blob = hf_blob_find(KMS, value_of(connector, name));

	return blob ? (const char *)blob->data : "";
}

static int set(struct hf_atomic_state *state, unsigned int connector,
	       const char *name, uint64_t value)
{
	struct hf_mode_object *object = &CONNECTOR(connector)->base;
	uint64_t old;

	return hf_atomic_set_property(
		state, object, (struct hf_property *)find(object, name, &old),
		value);
}

/* -- kinds ---------------------------------------------------------------- */

static void names_count_each_type_for_itself(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort },
		{ SIZE },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort },
		{ SIZE, .type = DRM_MODE_CONNECTOR_HDMIA },
		{ SIZE, .type = DRM_MODE_CONNECTOR_eDP },
	};
	static const char *const names[] = { "DP-1", "HDMI-A-1", "DP-2",
					     "HDMI-A-2", "eDP-1" };
	char name[32];

	(void)state;
	display_begin(outputs, 5);
	for (unsigned int i = 0; i < 5; i++) {
		hf_connector_name(CONNECTOR(i), name, sizeof(name));
		assert_string_equal(name, names[i]);
	}
	display_end();
}

static void what_was_never_off_has_dpms_on(void **state)
{
	static const struct hf_kms_output outputs[] = { { SIZE }, { 0 } };

	(void)state;
	display_begin(outputs, 2);
	for (unsigned int i = 0; i < KMS->num_connectors; i++)
		assert_int_equal(value_of(i, "DPMS"), DRM_MODE_DPMS_ON);
	display_end();
}

static void properties_are_those_that_drivers_give_a_kind(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .type = DRM_MODE_CONNECTOR_HDMIA },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort },
		{ SIZE, .type = DRM_MODE_CONNECTOR_eDP },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DSI },
		{ SIZE, .type = DRM_MODE_CONNECTOR_VGA },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DVII },
	};
	static const struct {
		const char *name;
		bool has[6];
	} rows[] = {
		{ "EDID", { 1, 1, 1, 1, 1, 1 } },
		{ "DPMS", { 1, 1, 1, 1, 1, 1 } },
		{ "link-status", { 1, 1, 1, 1, 1, 1 } },
		{ "non-desktop", { 1, 1, 1, 1, 1, 1 } },
		{ "TILE", { 1, 1, 1, 1, 1, 1 } },
		{ "CRTC_ID", { 1, 1, 1, 1, 1, 1 } },
		{ "content type", { 1, 0, 0, 0, 0, 0 } },
		{ "Colorspace", { 1, 1, 1, 0, 0, 0 } },
		{ "HDR_OUTPUT_METADATA", { 1, 1, 1, 0, 0, 0 } },
		{ "max bpc", { 1, 1, 1, 0, 0, 0 } },
		{ "scaling mode", { 0, 0, 1, 1, 0, 0 } },
		{ "subconnector", { 0, 1, 0, 0, 0, 1 } },
		{ "PATH", { 0, 0, 0, 0, 0, 0 } },
		{ "panel orientation", { 0, 0, 0, 0, 0, 0 } },
	};

	(void)state;
	display_begin(outputs, 6);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (unsigned int j = 0; j < 6; j++)
			if (has(j, rows[i].name) != rows[i].has[j])
				fail_msg("%s of connector %u", rows[i].name, j);
	assert_int_equal(value_of(0, "max bpc"), 12);
	assert_int_equal(value_of(2, "scaling mode"), DRM_MODE_SCALE_ASPECT);
	assert_int_equal(value_of(1, "subconnector"),
			 DRM_MODE_SUBCONNECTOR_Native);
	assert_int_equal(value_of(5, "subconnector"),
			 DRM_MODE_SUBCONNECTOR_DVID);
	assert_int_equal(hf_connector_subpixel(CONNECTOR(0)),
			 HF_SUBPIXEL_UNKNOWN);
	assert_int_equal(hf_connector_subpixel(CONNECTOR(3)),
			 HF_SUBPIXEL_HORIZONTAL_RGB);
	display_end();
}

static void what_was_asked_for_is_what_properties_say(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort,
		  .path = "mst:1-2", .max_bpc = 10,
		  .subconnector = DRM_MODE_SUBCONNECTOR_VGA,
		  .tile = { .columns = 2, .rows = 1, .column = 1,
			    .single = true, .topology = "ABC" } },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort,
		  .non_desktop = true,
		  .tile = { .columns = 2, .rows = 1, .topology = "ABC" } },
		{ SIZE, .type = DRM_MODE_CONNECTOR_DSI, .has_orientation = true,
		  .orientation = 2,
		  .tile = { .columns = 3, .rows = 3, .topology = "ABD" } },
		{ .type = DRM_MODE_CONNECTOR_DisplayPort },
	};

	(void)state;
	display_begin(outputs, 4);
	assert_string_equal(text_of(0, "PATH"), "mst:1-2");
	assert_string_equal(text_of(0, "TILE"), "1:1:2:1:1:0:640:480");
	assert_string_equal(text_of(1, "TILE"), "1:0:2:1:0:0:640:480");
	assert_string_equal(text_of(2, "TILE"), "2:0:3:3:0:0:640:480");
	assert_int_equal(hf_blob_find(KMS, value_of(0, "TILE"))->length,
			 strlen("1:1:2:1:1:0:640:480") + 1);
	assert_int_equal(value_of(0, "max bpc"), 10);
	assert_int_equal(CONNECTOR(0)->max_bpc->values[0], 6);
	assert_int_equal(CONNECTOR(0)->max_bpc->values[1], 10);
	assert_int_equal(value_of(0, "subconnector"), DRM_MODE_SUBCONNECTOR_VGA);
	assert_int_equal(value_of(0, "non-desktop"), 0);
	assert_int_equal(value_of(1, "non-desktop"), 1);
	assert_int_equal(value_of(2, "panel orientation"), 2);
	/* Nothing is plugged in. */
	assert_false(CONNECTOR(3)->connected);
	assert_int_equal(value_of(3, "EDID"), 0);
	assert_int_equal(value_of(3, "TILE"), 0);
	assert_int_equal(value_of(3, "subconnector"),
			 DRM_MODE_SUBCONNECTOR_Unknown);
	display_end();
}

static void more_modes_are_listed_and_said(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .modes = { { 640, 480, 75 }, { 640, 480, 51 },
				   { 1280, 720, 50 }, { 640, 480, 51 } },
		  .num_modes = 4 },
		{ SIZE },
	};
	static const struct hf_kms_output bad[] = {
		{ SIZE, .modes = { { 1, 1, 60 } }, .num_modes = 1 },
	};
	struct drm_mode_modeinfo modes[256], mode;
	const struct hf_blob *edid;
	uint32_t width, height;
	int n, found = 0;

	(void)state;
	display_begin(outputs, 2);
	/* 75 Hz is a usual one: that is no more. */
	assert_int_equal(CONNECTOR(0)->num_modes, CONNECTOR(1)->num_modes + 3);
	assert_true(CONNECTOR(0)->modes[0].type & DRM_MODE_TYPE_PREFERRED);
	for (unsigned int i = 1; i < CONNECTOR(0)->num_modes; i++)
		assert_true(hf_mode_compare(&CONNECTOR(0)->modes[i - 1],
					    &CONNECTOR(0)->modes[i]) <= 0);
	assert_int_equal(hf_mode_make(&mode, 640, 480, 51), 0);
	edid = CONNECTOR(0)->edid;
	n = hf_edid_modes(edid->data, edid->length, modes, 256, &width, &height);
	for (int i = 0; i < n; i++)
		found += hf_mode_equal(&modes[i], &mode);
	assert_int_equal(found, 1);
	assert_int_equal(hf_kms_plug(CONNECTOR(1), bad), -EINVAL);
	assert_true(CONNECTOR(1)->connected);
	display_end();
}

/* -- probing ----------------------------------------------------------------- */

static bool master;

static bool has_master(const struct hf_kms_device *kms)
{
	(void)kms;
	return master;
}

static unsigned int changes;

static void changed(struct hf_kms_device *kms)
{
	(void)kms;
	changes++;
}

static void a_master_is_left_to_probe(void **state)
{
	static const struct hf_kms_output outputs[2] = { { SIZE }, { SIZE } };
	static const struct hf_kms_output none, large = {
		.width = 1280, .height = 720, .hz = 60, .non_desktop = true,
	};
	struct hf_connector *connector;

	(void)state;
	display_begin(outputs, 2);
	connector = CONNECTOR(0);
	KMS->has_master = has_master;
	KMS->changed = changed;
	master = true;
	changes = 0;
	assert_int_equal(hf_kms_plug(connector, &none), 0);
	assert_false(connector->connected);
	assert_true(connector->num_modes > 0 && connector->edid);
	assert_int_equal(changes, 1);
	/* What is plugged in next is all that the probe will see. */
	assert_int_equal(hf_kms_plug(connector, &large), 0);
	assert_true(connector->connected);
	assert_int_equal(connector->modes[0].hdisplay, 640);
	assert_false(connector->non_desktop);
	hf_connector_probe(connector);
	assert_int_equal(connector->modes[0].hdisplay, 1280);
	assert_true(connector->non_desktop);
	assert_int_equal(changes, 3);
	hf_connector_probe(connector);
	assert_int_equal(changes, 3);

	master = false;
	assert_int_equal(hf_kms_plug(connector, &none), 0);
	assert_int_equal(connector->num_modes, 0);
	assert_null(connector->edid);

	/* One that nobody looks at goes with the device. */
	master = true;
	assert_int_equal(hf_kms_plug(connector, &large), 0);
	display_end();
}

static void a_group_of_tiles_ends_with_its_last_tile(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .tile = { .columns = 2, .rows = 1, .topology = "A" } },
		{ SIZE, .tile = { .columns = 2, .rows = 1, .topology = "B" } },
	}, none;

	(void)state;
	display_begin(outputs, 2);
	assert_int_equal(CONNECTOR(0)->tile_group, 1);
	assert_int_equal(CONNECTOR(1)->tile_group, 2);
	assert_int_equal(hf_kms_plug(CONNECTOR(0), &none), 0);
	assert_int_equal(value_of(0, "TILE"), 0);
	assert_int_equal(hf_kms_plug(CONNECTOR(0), &outputs[1]), 0);
	assert_int_equal(CONNECTOR(0)->tile_group, 2);
	assert_int_equal(hf_kms_plug(CONNECTOR(0), &none), 0);
	assert_int_equal(hf_kms_plug(CONNECTOR(1), &outputs[0]), 0);
	assert_int_equal(CONNECTOR(1)->tile_group, 1);
	display_end();
}

/* A television set: 1080p60 as 16:9, in stereo, and interlaced. */
static size_t television(uint8_t edid[HF_EDID_MAX])
{
	static const uint8_t data[] = {
		0x42, 16, 5, 0x6a, 0x03, 0x0c, 0x00, 0x10, 0x00, 0x00, 0x3c,
		0x20, 0x80, 0x00, 0x41, 32,
	};
	struct hf_edid_monitor monitor = { .vendor = "HFT", .name = "TV" };
	uint8_t *cta = edid + 128, sum = 0, sum2 = 0;

	assert_int_equal(hf_mode_make(&monitor.native, 1280, 720, 60), 0);
	assert_int_equal(hf_edid_build(&monitor, edid), 128);
	edid[126] = 1;
	memset(cta, 0, 128);
	cta[0] = 2;
	cta[1] = 3;
	cta[2] = 4 + sizeof(data);
	memcpy(cta + 4, data, sizeof(data));
	for (int i = 0; i < 127; i++) {
		sum += edid[i];
		sum2 += cta[i];
	}
	edid[127] = -sum;
	cta[127] = -sum2;
	return 256;
}

static void stereo_is_for_hdmi(void **state)
{
	uint8_t edid[HF_EDID_MAX];
	size_t size = television(edid);
	const struct hf_kms_output outputs[] = {
		{ SIZE, .edid = edid, .edid_size = size },
		{ SIZE, .edid = edid, .edid_size = size,
		  .type = DRM_MODE_CONNECTOR_DisplayPort },
	};
	unsigned int stereo[2] = { 0 }, shapes[2] = { 0 };

	(void)state;
	display_begin(outputs, 2);
	for (unsigned int c = 0; c < 2; c++)
		for (unsigned int i = 0; i < CONNECTOR(c)->num_modes; i++) {
			uint32_t flags = CONNECTOR(c)->modes[i].flags;

			assert_false(flags & DRM_MODE_FLAG_INTERLACE);
			stereo[c] += !!(flags & DRM_MODE_FLAG_3D_MASK);
			shapes[c] += !!(flags & DRM_MODE_FLAG_PIC_AR_MASK);
		}
	/* 1080p24 and its 23.976; 720p60 of the base, and 59.94. */
	assert_int_equal(stereo[0], 8);
	assert_int_equal(stereo[1], 0);
	assert_true(shapes[1] >= 4);
	display_end();
}

/* -- the state ----------------------------------------------------------------- */

static const struct hf_kms_output two[2] = {
	{ SIZE, .type = DRM_MODE_CONNECTOR_HDMIA },
	{ SIZE, .type = DRM_MODE_CONNECTOR_eDP },
};

static struct hf_blob *hdr_blob(uint16_t max)
{
	struct hdr_output_metadata hdr = { .metadata_type = 0 };
	struct hf_blob *blob;

	hdr.hdmi_metadata_type1.max_cll = max;
	blob = hf_blob_create(KMS, &hdr, sizeof(hdr));
	assert_non_null(blob);
	return blob;
}

static void light_both(void)
{
	struct hf_framebuffer *fb = display_fb(640, 480, DRM_FORMAT_XRGB8888);
	struct hf_atomic_state *state = display_state();

	display_light(state, KMS->crtcs[0], CONNECTOR(0), fb);
	display_light(state, KMS->crtcs[1], CONNECTOR(1), fb);
	assert_int_equal(hf_atomic_commit_now(state), 0);
}

/* May it be set without a modeset? */
static bool needs_modeset(unsigned int connector, const char *name,
			  uint64_t value)
{
	struct hf_atomic_state *state = hf_atomic_state_create(KMS);
	int ret;

	assert_int_equal(set(state, connector, name, value), 0);
	ret = hf_atomic_check(state);
	assert_true(ret == 0 || ret == -EINVAL);
	if (ret) {
		state->allow_modeset = true;
		assert_int_equal(hf_atomic_check(state), 0);
	}
	hf_atomic_state_destroy(state);
	return ret;
}

static void what_the_monitor_is_told_takes_a_modeset(void **state)
{
	struct hf_blob *blob;

	(void)state;
	display_begin(two, 2);
	blob = hdr_blob(1);
	assert_false(needs_modeset(0, "max bpc", 8));
	light_both();
	assert_true(needs_modeset(0, "max bpc", 8));
	assert_false(needs_modeset(0, "max bpc", 12));
	assert_true(needs_modeset(0, "content type", 4));
	assert_false(needs_modeset(0, "content type", 0));
	assert_true(needs_modeset(0, "Colorspace", 9));
	assert_true(needs_modeset(1, "Colorspace", 13));
	assert_true(needs_modeset(1, "scaling mode", DRM_MODE_SCALE_CENTER));
	assert_false(needs_modeset(1, "scaling mode", DRM_MODE_SCALE_ASPECT));
	assert_true(needs_modeset(0, "HDR_OUTPUT_METADATA", blob->base.id));
	assert_false(needs_modeset(0, "HDR_OUTPUT_METADATA", 0));
	CONNECTOR(0)->state->link_status = DRM_MODE_LINK_STATUS_BAD;
	assert_true(needs_modeset(0, "link-status", DRM_MODE_LINK_STATUS_GOOD));
	assert_false(needs_modeset(0, "link-status", DRM_MODE_LINK_STATUS_BAD));
	hf_blob_put(blob);
	display_end();
}

static void hdr_metadata_is_what_it_says_not_which_blob(void **state)
{
	struct hf_atomic_state *new;
	struct hf_blob *a, *b, *c;
	uint32_t id;

	(void)state;
	display_begin(two, 2);
	a = hdr_blob(1);
	b = hdr_blob(1);
	c = hdr_blob(2);
	light_both();
	new = display_state();
	assert_int_equal(set(new, 0, "HDR_OUTPUT_METADATA", a->base.id), 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	id = a->base.id;
	hf_blob_put(a);
	/* The connector holds it. */
	assert_ptr_equal(hf_blob_find(KMS, id), a);
	assert_int_equal(value_of(0, "HDR_OUTPUT_METADATA"), id);
	assert_false(needs_modeset(0, "HDR_OUTPUT_METADATA", b->base.id));
	assert_true(needs_modeset(0, "HDR_OUTPUT_METADATA", c->base.id));
	assert_true(needs_modeset(0, "HDR_OUTPUT_METADATA", 0));
	new = display_state();
	assert_int_equal(set(new, 0, "HDR_OUTPUT_METADATA", 0), 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_null(hf_blob_find(KMS, id));
	hf_blob_put(b);
	hf_blob_put(c);
	display_end();
}

static void values_out_of_range_are_refused(void **state)
{
	struct hf_atomic_state *new;
	struct hf_blob *blob;

	(void)state;
	display_begin(two, 2);
	blob = hf_blob_create(KMS, "short", 5);
	assert_non_null(blob);
	new = display_state();
	assert_int_equal(set(new, 0, "max bpc", 7), -EINVAL);
	assert_int_equal(set(new, 0, "max bpc", 13), -EINVAL);
	assert_int_equal(set(new, 1, "max bpc", 6), 0);
	assert_int_equal(set(new, 0, "content type", 5), -EINVAL);
	/* Each kind has its own colours. */
	assert_int_equal(set(new, 0, "Colorspace", 13), -EINVAL);
	assert_int_equal(set(new, 1, "Colorspace", 1), -EINVAL);
	assert_int_equal(set(new, 1, "scaling mode", DRM_MODE_SCALE_NONE),
			 -EINVAL);
	assert_int_equal(set(new, 0, "HDR_OUTPUT_METADATA", blob->base.id),
			 -EINVAL);
	assert_int_equal(set(new, 0, "HDR_OUTPUT_METADATA", 0xffffff), -EINVAL);
	assert_int_equal(set(new, 0, "EDID", 0), -EINVAL);
	assert_int_equal(set(new, 0, "TILE", 0), -EINVAL);
	assert_int_equal(set(new, 0, "non-desktop", 0), -EINVAL);
	assert_int_equal(set(new, 0, "DPMS", 0), -EINVAL);
	hf_atomic_state_destroy(new);
	hf_blob_put(blob);
	display_end();
}

static void a_client_may_only_make_a_link_good(void **state)
{
	struct hf_atomic_state *new;

	(void)state;
	display_begin(two, 2);
	light_both();
	new = display_state();
	assert_int_equal(set(new, 0, "link-status", DRM_MODE_LINK_STATUS_BAD),
			 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_int_equal(value_of(0, "link-status"), DRM_MODE_LINK_STATUS_GOOD);
	CONNECTOR(0)->state->link_status = DRM_MODE_LINK_STATUS_BAD;
	/* An atomic modeset alone does not. */
	new = display_state();
	hf_atomic_get_crtc(new, KMS->crtcs[0])->active = false;
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_int_equal(value_of(0, "link-status"), DRM_MODE_LINK_STATUS_BAD);
	new = display_state();
	assert_int_equal(set(new, 0, "link-status", DRM_MODE_LINK_STATUS_GOOD),
			 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_int_equal(value_of(0, "link-status"), DRM_MODE_LINK_STATUS_GOOD);
	display_end();
}

/* -- encoders ------------------------------------------------------------------ */

static const struct hf_kms_output shared[3] = {
	{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort, .encoders = 3 },
	{ SIZE, .type = DRM_MODE_CONNECTOR_DisplayPort, .share = 1 },
	{ SIZE, .type = DRM_MODE_CONNECTOR_VGA },
};

static int try(struct hf_atomic_state *state)
{
	int ret = hf_atomic_check(state);

	hf_atomic_state_destroy(state);
	return ret;
}

static void an_encoder_takes_turns_at_the_crtcs(void **state)
{
	(void)state;
	display_begin(shared, 3);
	assert_int_equal(KMS->num_encoders, 4);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(KMS->encoders[i]->possible_crtcs, 1u << i);
		assert_int_equal(KMS->encoders[i]->possible_clones, 1u << i);
		assert_int_equal(KMS->encoders[i]->type,
				 DRM_MODE_ENCODER_DPMST);
	}
	assert_int_equal(KMS->encoders[3]->possible_crtcs, 7);
	assert_int_equal(KMS->encoders[3]->type, DRM_MODE_ENCODER_DAC);
	assert_int_equal(CONNECTOR(0)->possible_encoders, 7);
	assert_int_equal(CONNECTOR(1)->possible_encoders, 7);
	assert_int_equal(CONNECTOR(2)->possible_encoders, 8);
	display_end();
}

static void light(struct hf_atomic_state *state, unsigned int crtc,
		  unsigned int connector)
{
	display_light(state, KMS->crtcs[crtc], CONNECTOR(connector),
		      display_fb(640, 480, DRM_FORMAT_XRGB8888));
}

static void the_crtc_picks_the_encoder(void **state)
{
	struct hf_atomic_state *new;

	(void)state;
	display_begin(shared, 3);
	new = display_state();
	light(new, 1, 0);
	light(new, 2, 1);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_ptr_equal(CONNECTOR(0)->state->encoder, KMS->encoders[1]);
	assert_ptr_equal(CONNECTOR(1)->state->encoder, KMS->encoders[2]);
	assert_ptr_equal(hf_encoder_crtc(KMS, KMS->encoders[1]), KMS->crtcs[1]);
	assert_null(hf_encoder_crtc(KMS, KMS->encoders[0]));

	/* They change places, encoders and all. */
	new = display_state();
	light(new, 2, 0);
	light(new, 1, 1);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_ptr_equal(CONNECTOR(0)->state->encoder, KMS->encoders[2]);
	assert_ptr_equal(CONNECTOR(1)->state->encoder, KMS->encoders[1]);

	new = display_state();
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(0)), NULL), 0);
	assert_int_equal(hf_atomic_set_mode(
		hf_atomic_get_crtc(new, KMS->crtcs[2]), NULL), 0);
	new->crtcs[2]->active = false;
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_null(CONNECTOR(0)->state->encoder);
	display_end();
}

static void an_encoder_drives_one_connector(void **state)
{
	struct hf_atomic_state *new;

	(void)state;
	display_begin(shared, 3);
	/* Both in the state. */
	new = display_state();
	light(new, 0, 0);
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(1)),
		KMS->crtcs[0]), 0);
	assert_int_equal(try(new), -EINVAL);

	/* One is on already and not in the state. */
	new = display_state();
	light(new, 0, 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	new = display_state();
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(1)),
		KMS->crtcs[0]), 0);
	assert_int_equal(try(new), -EINVAL);

	/* It makes room in the same state. */
	new = display_state();
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(0)), NULL), 0);
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(1)),
		KMS->crtcs[0]), 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_ptr_equal(CONNECTOR(1)->state->encoder, KMS->encoders[0]);
	assert_null(CONNECTOR(0)->state->encoder);
	display_end();
}

/* One encoder for all CRTCs, two connectors that want it. */
static const struct hf_kms_output poor[2] = {
	{ SIZE, .type = DRM_MODE_CONNECTOR_DVII },
	{ SIZE, .type = DRM_MODE_CONNECTOR_VGA, .share = 1 },
};

static void legacy_switches_off_who_has_the_encoder(void **state)
{
	struct hf_connector *connector;
	struct hf_framebuffer *fb;
	struct hf_atomic_state *new;

	(void)state;
	display_begin(poor, 2);
	new = display_state();
	light(new, 0, 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);

	connector = CONNECTOR(1);
	fb = display_fb(640, 480, DRM_FORMAT_XRGB8888);
	new = hf_atomic_state_create(KMS);
	assert_int_equal(hf_legacy_set_crtc(new, KMS->crtcs[1],
					    &connector->modes[0], fb, 0, 0,
					    &connector, 1), 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	assert_ptr_equal(connector->state->crtc, KMS->crtcs[1]);
	assert_null(CONNECTOR(0)->state->crtc);
	assert_null(CONNECTOR(0)->state->encoder);
	assert_false(KMS->crtcs[0]->state->enable);
	assert_false(KMS->crtcs[0]->state->active);

	/* Both at once is too much even for legacy. */
	new = hf_atomic_state_create(KMS);
	assert_int_equal(hf_legacy_set_crtc(new, KMS->crtcs[1],
					    &connector->modes[0], fb, 0, 0,
					    KMS->connectors, 2), -EINVAL);
	hf_atomic_state_destroy(new);
	display_end();
}

static int try_clone(unsigned int a, unsigned int b)
{
	struct hf_atomic_state *new = display_state();

	light(new, 0, a);
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(b)),
		KMS->crtcs[0]), 0);
	return try(new);
}

static void only_clones_share_a_crtc(void **state)
{
	static const struct hf_kms_output outputs[] = {
		{ SIZE, .clone = true },
		{ SIZE },
		{ SIZE, .type = DRM_MODE_CONNECTOR_VGA, .clone = true },
		{ SIZE },
	};
	struct hf_atomic_state *new;

	(void)state;
	display_begin(outputs, 4);
	assert_int_equal(KMS->encoders[0]->possible_clones, 5);
	assert_int_equal(KMS->encoders[1]->possible_clones, 2);
	assert_int_equal(KMS->encoders[2]->possible_clones, 5);
	assert_int_equal(try_clone(0, 2), 0);
	assert_int_equal(try_clone(2, 0), 0);
	assert_int_equal(try_clone(0, 1), -EINVAL);
	assert_int_equal(try_clone(1, 3), -EINVAL);

	/* Also where the other one is on already. */
	new = display_state();
	light(new, 0, 0);
	assert_int_equal(hf_atomic_commit_now(new), 0);
	new = display_state();
	assert_int_equal(hf_atomic_set_connector_crtc(
		new, hf_atomic_get_connector(new, CONNECTOR(1)),
		KMS->crtcs[0]), 0);
	assert_int_equal(try(new), -EINVAL);
	display_end();
}

static void impossible_outputs_are_refused(void **state)
{
	static const struct hf_kms_output bad[][2] = {
		{ { SIZE, .share = 1 }, { SIZE } },
		{ { SIZE }, { SIZE, .share = 2 } },
		{ { SIZE, .type = 99 }, { SIZE } },
		{ { SIZE, .encoders = 33 }, { SIZE } },
		{ { SIZE, .encoders = 32 }, { SIZE } },
	};
	struct hf_kms_device kms;

	(void)state;
	display_begin(two, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(hf_kms_device_init(&kms, display.clock,
						    KMS->funcs, bad[i], 2,
						    NULL),
				 -EINVAL);
	display_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_count_each_type_for_itself),
		cmocka_unit_test(what_was_never_off_has_dpms_on),
		cmocka_unit_test(properties_are_those_that_drivers_give_a_kind),
		cmocka_unit_test(what_was_asked_for_is_what_properties_say),
		cmocka_unit_test(more_modes_are_listed_and_said),
		cmocka_unit_test(a_master_is_left_to_probe),
		cmocka_unit_test(a_group_of_tiles_ends_with_its_last_tile),
		cmocka_unit_test(stereo_is_for_hdmi),
		cmocka_unit_test(what_the_monitor_is_told_takes_a_modeset),
		cmocka_unit_test(hdr_metadata_is_what_it_says_not_which_blob),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(a_client_may_only_make_a_link_good),
		cmocka_unit_test(an_encoder_takes_turns_at_the_crtcs),
		cmocka_unit_test(the_crtc_picks_the_encoder),
		cmocka_unit_test(an_encoder_drives_one_connector),
		cmocka_unit_test(legacy_switches_off_who_has_the_encoder),
		cmocka_unit_test(only_clones_share_a_crtc),
		cmocka_unit_test(impossible_outputs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
