/* SPDX-License-Identifier: MIT */
/* Writeback connectors: who sees them, what a job is refused for, and what it writes. */
#include "uapi.h"

#include <linux/sync_file.h>

#define MODESET DRM_MODE_ATOMIC_ALLOW_MODESET
#define TEST_ONLY DRM_MODE_ATOMIC_TEST_ONLY
#define NONBLOCK DRM_MODE_ATOMIC_NONBLOCK
#define EVENT DRM_MODE_PAGE_FLIP_EVENT
#define CONNECTOR DRM_MODE_OBJECT_CONNECTOR
#define COLOUR 0x00ffffffu /* what an XRGB8888 pixel has of it */
#define UNTOUCHED 0x00a5a5a5u

/* A framebuffer whose pixels are at hand. */
struct picture {
	uint32_t fb, width, height, pitch;
	uint32_t *pixels;
};

/* A lit screen, the connector that writes back what it shows, and a place for that. */
struct screen {
	struct kms kms;
	uint32_t writeback;
	struct picture shown, target;
};

static void fill(struct picture *picture, uint32_t pixel)
{
	for (uint32_t y = 0; y < picture->height; y++)
		for (uint32_t x = 0; x < picture->width; x++)
			picture->pixels[y * picture->pitch / 4 + x] = pixel;
}

/* No two lines or columns are alike. */
static uint32_t test_pixel(uint32_t x, uint32_t y, uint32_t seed)
{
	return ((x * 7 + seed) & 0xff) << 16 | ((y * 5 + seed) & 0xff) << 8 | ((x ^ y) & 0xff);
}

static void draw(struct picture *picture, uint32_t seed)
{
	for (uint32_t y = 0; y < picture->height; y++)
		for (uint32_t x = 0; x < picture->width; x++)
			picture->pixels[y * picture->pitch / 4 + x] = test_pixel(x, y, seed);
}

static void expect_drawing(const struct picture *picture, uint32_t seed)
{
	for (uint32_t y = 0; y < picture->height; y++)
		for (uint32_t x = 0; x < picture->width; x++) {
			uint32_t got = picture->pixels[y * picture->pitch / 4 + x] & COLOUR;

			if (got != test_pixel(x, y, seed))
				fail(__FILE__, __LINE__, "pixel %u,%u is %06x, not %06x", x, y, got,
				     test_pixel(x, y, seed));
		}
}

static void expect_untouched(const struct picture *picture)
{
	EXPECT_EQ(picture->pixels[0], UNTOUCHED);
	EXPECT_EQ(picture->pixels[(picture->height - 1) * picture->pitch / 4 + picture->width - 1],
		  UNTOUCHED);
}

static void picture_create(int fd, uint32_t width, uint32_t height, struct picture *picture)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = width, .height = height, .pixel_format = DRM_FORMAT_XRGB8888,
	};
	struct dumb dumb;

	dumb_create(fd, width, height, 32, &dumb);
	*picture = (struct picture){
		.width = width, .height = height, .pitch = dumb.pitch, .pixels = dumb_map(&dumb),
	};
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	EXPECT_OK(gem_close(fd, dumb.handle));
	picture->fb = cmd.fb_id;
	fill(picture, UNTOUCHED);
}

static uint32_t type_of(int fd, uint32_t connector)
{
	struct drm_mode_get_connector get = { .connector_id = connector, .count_modes = 1 };
	struct drm_mode_modeinfo mode;

	get.modes_ptr = PTR(&mode); /* so nobody is asked what is plugged in */
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	return get.connector_type;
}

/* The writeback connectors that the file is shown; the first few ids. */
static unsigned int list_writeback(int fd, uint32_t ids[16])
{
	uint32_t connectors[64];
	struct drm_mode_card_res res = {
		.connector_id_ptr = PTR(connectors), .count_connectors = 64,
	};
	unsigned int n = 0;

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT(res.count_connectors <= 64);
	for (uint32_t i = 0; i < res.count_connectors; i++)
		if (type_of(fd, connectors[i]) == DRM_MODE_CONNECTOR_WRITEBACK && n < 16)
			ids[n++] = connectors[i];
	return n;
}

/* A writeback connector's only encoder. */
static void find_encoder(int fd, uint32_t connector, struct drm_mode_get_encoder *encoder)
{
	struct drm_mode_modeinfo mode;
	struct drm_mode_get_connector get = {
		.connector_id = connector, .modes_ptr = PTR(&mode), .count_modes = 1,
		.encoders_ptr = PTR(&encoder->encoder_id), .count_encoders = 1,
	};

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.count_encoders, 1);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETENCODER, encoder));
	EXPECT_EQ(encoder->encoder_type, DRM_MODE_ENCODER_VIRTUAL);
}

static uint32_t possible_crtcs(int fd, uint32_t connector)
{
	struct drm_mode_get_encoder encoder = { 0 };

	find_encoder(fd, connector, &encoder);
	return encoder.possible_crtcs;
}

static uint32_t encoder_bit(int fd, uint32_t encoder)
{
	uint32_t encoders[32];
	struct drm_mode_card_res res = { .encoder_id_ptr = PTR(encoders), .count_encoders = 32 };

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	for (uint32_t i = 0; i < res.count_encoders; i++)
		if (encoders[i] == encoder)
			return 1u << i;
	return 0;
}

/* Both encoders must say so, as a check says that came to stable kernels in 2025. */
static bool may_clone(const struct kms *kms, uint32_t writeback)
{
	struct drm_mode_get_encoder own = { 0 }, other = { .encoder_id = kms->encoder };

	find_encoder(kms->fd, writeback, &own);
	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETENCODER, &other));
	return own.possible_clones & encoder_bit(kms->fd, other.encoder_id) &&
	       other.possible_clones & encoder_bit(kms->fd, own.encoder_id);
}

/* One that can be on the pipe; all that the driver has. */
static uint32_t find_writeback(int fd, unsigned int pipe)
{
	uint32_t ids[16];
	unsigned int n;

	if (drmSetClientCap(fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 1))
		skip("the driver knows nothing of writeback");
	n = list_writeback(fd, ids);
	if (!n)
		skip("the driver has no writeback connectors");
	for (unsigned int i = 0; i < n; i++)
		if (possible_crtcs(fd, ids[i]) & 1u << pipe)
			return ids[i];
	skip("no writeback connector can be on this CRTC");
}

static void set(struct request *request, const struct screen *screen, const char *name,
		uint64_t value)
{
	request_name(request, screen->kms.fd, screen->writeback, CONNECTOR, name, value);
}

static int commit(const struct screen *screen, const struct request *request, uint32_t flags)
{
	return request_commit(screen->kms.fd, request, flags, 0);
}

static void show(const struct screen *screen, struct request *request)
{
	const struct kms *kms = &screen->kms;

	request_modeset(request, kms, blob_create(kms->fd, &kms->mode, sizeof(kms->mode)),
			screen->shown.fb);
}

/* On the screen's CRTC: beside the monitor if that may be, else in place of it. */
static void attach(const struct screen *screen, struct request *request)
{
	const struct kms *kms = &screen->kms;

	set(request, screen, "CRTC_ID", kms->crtc);
	if (!may_clone(kms, screen->writeback))
		request_name(request, kms->fd, kms->connector, CONNECTOR, "CRTC_ID", 0);
}

/* The smallest mode there is: each of its pixels is looked at. */
static void choose_mode(struct kms *kms)
{
	struct drm_mode_modeinfo modes[128];
	struct drm_mode_get_connector get = {
		.connector_id = kms->connector, .modes_ptr = PTR(modes), .count_modes = 128,
	};

	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT(get.count_modes && get.count_modes <= 128);
	for (uint32_t i = 0; i < get.count_modes; i++)
		if (modes[i].hdisplay * modes[i].vdisplay < kms->mode.hdisplay * kms->mode.vdisplay)
			kms->mode = modes[i];
}

/* A lit screen without its writeback connector, or with it. */
static void open_screen(struct screen *screen, bool attached)
{
	struct request request = { 0 };
	struct kms *kms = &screen->kms;

	kms_open_atomic(kms);
	choose_mode(kms);
	screen->writeback = find_writeback(kms->fd, kms->pipe);
	picture_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay, &screen->shown);
	picture_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay, &screen->target);
	draw(&screen->shown, 1);
	show(screen, &request);
	set(&request, screen, "CRTC_ID", 0);
	if (attached)
		attach(screen, &request);
	EXPECT_OK(commit(screen, &request, MODESET));
}

/* A commit of nothing but a job. */
static int write_back(const struct screen *screen, const struct picture *target, int32_t *fence,
		      uint32_t flags)
{
	struct request request = { 0 };

	set(&request, screen, "WRITEBACK_FB_ID", target->fb);
	if (fence)
		set(&request, screen, "WRITEBACK_OUT_FENCE_PTR", PTR(fence));
	return commit(screen, &request, flags);
}

static void fence_info(int fence, struct sync_fence_info *info)
{
	struct sync_file_info file = { .num_fences = 1, .sync_fence_info = PTR(info) };

	EXPECT_OK(call(fence, SYNC_IOC_FILE_INFO, &file));
	EXPECT_EQ(file.num_fences, 1);
}

/*
 * A client is to wait for a job before it commits to the CRTC again; else all is
 * undefined, and vkms loses the job, or the one after it. It also stops composing when it
 * cleans up after a job, which is some time after the fence, so that has to be over, too.
 */
static void wait_for(int fence)
{
	struct sync_fence_info info = { 0 };

	EXPECT(fence >= 0);
	EXPECT(readable(fence, 10000));
	fence_info(fence, &info);
	if (!strcmp(info.driver_name, "vkms"))
		usleep(100000);
}

static void write_back_and_wait(const struct screen *screen, const struct picture *target)
{
	int32_t fence = -1;

	EXPECT_OK(write_back(screen, target, &fence, 0));
	wait_for(fence);
	close(fence);
}

/* What becomes of a job whose CRTC goes dark is undefined, too, as the kernel has it. */
static void need_jobs_to_be_done(const struct screen *screen)
{
	drmVersion *version = drmGetVersion(screen->kms.fd);

	EXPECT(version != NULL);
	if (!strcmp(version->name, "vkms"))
		skip("vkms forgets a job when its CRTC goes dark");
	drmFreeVersion(version);
}

TEST(writeback_connectors_are_shown_to_those_who_ask)
{
	uint32_t ids[16], hidden[16], without, with;
	struct drm_mode_card_res before = { 0 }, after = { 0 };
	struct kms kms;
	unsigned int n;

	kms_open_atomic(&kms);
	without = list_writeback(kms.fd, ids);
	EXPECT_EQ(without, 0);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &before));
	find_writeback(kms.fd, kms.pipe);
	with = list_writeback(kms.fd, ids);
	EXPECT(with > 0);
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &after));
	EXPECT_EQ(after.count_connectors, before.count_connectors + with);
	EXPECT_EQ(after.count_encoders, before.count_encoders);

	/* What it has found once it may use. */
	EXPECT_OK(result(drmSetClientCap(kms.fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS, 0)));
	n = list_writeback(kms.fd, hidden);
	EXPECT_EQ(n, 0);
	EXPECT_EQ(type_of(kms.fd, ids[0]), DRM_MODE_CONNECTOR_WRITEBACK);
}

TEST(a_writeback_connector_offers_the_usual_modes)
{
	struct drm_mode_get_connector get = { 0 };
	struct drm_mode_modeinfo modes[128];
	struct screen screen;

	open_screen(&screen, false);
	/* Nobody has looked before, or somebody has. */
	get.connector_id = screen.writeback;
	get.count_modes = 128;
	get.modes_ptr = PTR(modes);
	EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.connection, get.count_modes ? DRM_MODE_CONNECTED : DRM_MODE_UNKNOWNCONNECTION);
	memset(&get, 0, sizeof(get));
	get.connector_id = screen.writeback;
	EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(get.connection, DRM_MODE_CONNECTED);
	EXPECT(get.count_modes > 10 && get.count_modes <= 128);
	EXPECT_EQ(get.mm_width, 0);
	EXPECT_EQ(get.mm_height, 0);
	get.count_props = get.count_encoders = 0;
	get.modes_ptr = PTR(modes);
	EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_GETCONNECTOR, &get));
	EXPECT_EQ(modes[0].hdisplay, 4096);
	EXPECT_EQ(modes[0].vdisplay, 2160);
	EXPECT_EQ(modes[get.count_modes - 1].hdisplay, 640);
	for (uint32_t i = 0; i < get.count_modes; i++) {
		EXPECT_EQ(modes[i].type, DRM_MODE_TYPE_DRIVER);
		EXPECT(modes[i].vrefresh <= 61);
	}
}

TEST(a_writeback_connector_has_its_properties_and_no_edid)
{
	static const struct {
		const char *name;
		uint32_t flags;
	} expected[] = {
		{ "WRITEBACK_FB_ID", DRM_MODE_PROP_OBJECT | DRM_MODE_PROP_ATOMIC },
		{ "WRITEBACK_OUT_FENCE_PTR", DRM_MODE_PROP_RANGE | DRM_MODE_PROP_ATOMIC },
		{ "WRITEBACK_PIXEL_FORMATS", DRM_MODE_PROP_BLOB | DRM_MODE_PROP_ATOMIC |
					     DRM_MODE_PROP_IMMUTABLE },
	};
	struct screen screen;
	uint64_t value;

	open_screen(&screen, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(expected); i++) {
		struct drm_mode_get_property get = { 0 };

		get.prop_id = find_property(screen.kms.fd, screen.writeback, CONNECTOR,
					    expected[i].name, &value);
		EXPECT(get.prop_id != 0);
		EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_GETPROPERTY, &get));
		EXPECT_EQ(get.flags, expected[i].flags);
		EXPECT(i == 2 || value == 0);
		EXPECT_EQ(find_property(screen.kms.fd, screen.kms.connector, CONNECTOR,
					expected[i].name, &value), 0);
	}
	EXPECT_EQ(find_property(screen.kms.fd, screen.writeback, CONNECTOR, "EDID", &value), 0);
	EXPECT(find_property(screen.kms.fd, screen.writeback, CONNECTOR, "DPMS", &value) != 0);
	EXPECT(find_property(screen.kms.fd, screen.writeback, CONNECTOR, "non-desktop", &value) != 0);
}

static unsigned int read_formats(const struct screen *screen, uint32_t formats[64])
{
	struct drm_mode_get_blob get = { 0 };

	get.blob_id = property_value(screen->kms.fd, screen->writeback, CONNECTOR,
				     "WRITEBACK_PIXEL_FORMATS");
	EXPECT_OK(call(screen->kms.fd, DRM_IOCTL_MODE_GETPROPBLOB, &get));
	EXPECT(get.length && get.length % 4 == 0 && get.length <= 64 * 4);
	get.data = PTR(formats);
	EXPECT_OK(call(screen->kms.fd, DRM_IOCTL_MODE_GETPROPBLOB, &get));
	return get.length / 4;
}

static bool is_listed(uint32_t format, const uint32_t *formats, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (formats[i] == format)
			return true;
	return false;
}

TEST(the_formats_are_an_immutable_list)
{
	struct request request = { 0 };
	uint32_t formats[64];
	struct screen screen;
	unsigned int n;

	open_screen(&screen, false);
	n = read_formats(&screen, formats);
	EXPECT(is_listed(DRM_FORMAT_XRGB8888, formats, n));
	set(&request, &screen, "WRITEBACK_PIXEL_FORMATS", 0);
	EXPECT_ERROR(commit(&screen, &request, 0), EINVAL);
}

TEST(what_is_shown_is_written)
{
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, 0));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
}

TEST(a_job_may_come_with_the_modeset)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, false);
	show(&screen, &request);
	attach(&screen, &request);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	EXPECT_OK(commit(&screen, &request, MODESET));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
}

TEST(the_new_state_is_written_not_the_old_one)
{
	struct request request = { 0 };
	struct picture next;
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	picture_create(screen.kms.fd, screen.kms.mode.hdisplay, screen.kms.mode.vdisplay, &next);
	draw(&next, 99);
	request_name(&request, screen.kms.fd, screen.kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID",
		     next.fb);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	EXPECT_OK(commit(&screen, &request, NONBLOCK));
	wait_for(fence);
	expect_drawing(&screen.target, 99);
}

TEST(a_job_is_done_once)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, 0));
	EXPECT_EQ(property_value(screen.kms.fd, screen.writeback, CONNECTOR, "WRITEBACK_FB_ID"), 0);
	EXPECT_EQ(property_value(screen.kms.fd, screen.writeback, CONNECTOR,
				 "WRITEBACK_OUT_FENCE_PTR"), 0);
	wait_for(fence);
	fill(&screen.target, UNTOUCHED);

	/* Another commit to the same CRTC, the next frame, and the one after it. */
	for (unsigned int i = 0; i < 2; i++) {
		request = (struct request){ 0 };
		request_name(&request, screen.kms.fd, screen.kms.primary, DRM_MODE_OBJECT_PLANE,
			     "FB_ID", screen.shown.fb);
		EXPECT_OK(commit(&screen, &request, 0));
	}
	expect_untouched(&screen.target);
}

TEST(many_jobs_in_a_row_are_each_done)
{
	struct screen screen;

	open_screen(&screen, true);
	for (unsigned int i = 0; i < 8; i++) {
		int32_t fence = -1;

		draw(&screen.shown, i * 13);
		fill(&screen.target, UNTOUCHED);
		EXPECT_OK(write_back(&screen, &screen.target, &fence, i & 1 ? NONBLOCK : 0));
		wait_for(fence);
		expect_drawing(&screen.target, i * 13);
		close(fence);
	}
}

TEST(a_job_sends_the_events_of_any_commit)
{
	struct drm_event_vblank event;
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = -1, crtc_fence = -1;

	open_screen(&screen, true);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	request_name(&request, screen.kms.fd, screen.kms.crtc, DRM_MODE_OBJECT_CRTC,
		     "OUT_FENCE_PTR", PTR(&crtc_fence));
	EXPECT_OK(commit(&screen, &request, NONBLOCK | EVENT));
	EXPECT(fence >= 0 && crtc_fence >= 0 && fence != crtc_fence);
	read_vblank_event(screen.kms.fd, &event);
	EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	EXPECT_EQ(event.crtc_id, screen.kms.crtc);
	wait_for(crtc_fence);
	wait_for(fence);
}

TEST(the_fence_says_whose_it_is)
{
	struct sync_fence_info info = { 0 };
	char expected[32], suffix[] = "-Writeback-";
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, 0));
	wait_for(fence);
	fence_info(fence, &info);
	EXPECT_EQ(info.status, 1);
	EXPECT(info.timestamp_ns != 0);
	snprintf(expected, sizeof(expected), "CONNECTOR:%u%s", screen.writeback, suffix);
	EXPECT_EQ(strncmp(info.obj_name, expected, strlen(expected)), 0);
}

TEST(a_fence_is_not_needed)
{
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	need_jobs_to_be_done(&screen);
	EXPECT_OK(write_back(&screen, &screen.target, NULL, 0));
	/* Jobs are done in order. */
	EXPECT_OK(write_back(&screen, &screen.shown, &fence, 0));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
}

TEST(attaching_is_a_modeset_and_a_job_is_none)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, false);
	attach(&screen, &request);
	EXPECT_ERROR(commit(&screen, &request, 0), EINVAL);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	EXPECT_ERROR(commit(&screen, &request, 0), EINVAL);
	EXPECT_OK(commit(&screen, &request, MODESET));
	EXPECT_EQ(property_value(screen.kms.fd, screen.writeback, CONNECTOR, "CRTC_ID"),
		  screen.kms.crtc);
	wait_for(fence);
	write_back_and_wait(&screen, &screen.target);
}

TEST(a_job_without_a_crtc_is_einval)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 7;

	open_screen(&screen, false);
	EXPECT_ERROR(write_back(&screen, &screen.target, &fence, 0), EINVAL);
	EXPECT_EQ(fence, -1);
	EXPECT_ERROR(write_back(&screen, &screen.target, NULL, TEST_ONLY), EINVAL);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "CRTC_ID", 0);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	expect_untouched(&screen.target);
}

TEST(a_job_of_a_crtc_that_is_off_is_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen, true);
	request_name(&request, screen.kms.fd, screen.kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 0);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
	request = (struct request){ 0 };
	request_name(&request, screen.kms.fd, screen.kms.crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", 0);
	EXPECT_OK(commit(&screen, &request, MODESET));
	EXPECT_ERROR(write_back(&screen, &screen.target, NULL, 0), EINVAL);
	EXPECT_ERROR(write_back(&screen, &screen.target, NULL, MODESET), EINVAL);
}

TEST(a_framebuffer_of_another_size_than_the_mode_is_einval)
{
	struct screen screen;
	struct kms *kms = &screen.kms;
	struct picture other;
	int32_t fence = 7;

	open_screen(&screen, true);
	picture_create(kms->fd, kms->mode.hdisplay - 1, kms->mode.vdisplay, &other);
	EXPECT_ERROR(write_back(&screen, &other, NULL, 0), EINVAL);
	picture_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay + 1, &other);
	EXPECT_ERROR(write_back(&screen, &other, &fence, 0), EINVAL);
	EXPECT_EQ(fence, -1);
	EXPECT_ERROR(write_back(&screen, &other, NULL, TEST_ONLY), EINVAL);
}

TEST(a_format_that_is_not_listed_is_einval)
{
	static const uint32_t others[] = {
		DRM_FORMAT_ARGB8888, DRM_FORMAT_RGBX8888, DRM_FORMAT_BGRX8888, DRM_FORMAT_BGRA8888,
	};
	uint32_t formats[64];
	struct screen screen;
	unsigned int n, tried = 0;

	open_screen(&screen, true);
	n = read_formats(&screen, formats);
	for (unsigned int i = 0; i < ARRAY_SIZE(others); i++) {
		struct drm_mode_fb_cmd2 cmd = {
			.width = screen.kms.mode.hdisplay, .height = screen.kms.mode.vdisplay,
			.pixel_format = others[i],
		};
		struct picture other;
		struct dumb dumb;

		if (is_listed(others[i], formats, n))
			continue;
		dumb_create(screen.kms.fd, cmd.width, cmd.height, 32, &dumb);
		cmd.handles[0] = dumb.handle;
		cmd.pitches[0] = dumb.pitch;
		if (call(screen.kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd))
			continue;
		other.fb = cmd.fb_id;
		EXPECT_ERROR(write_back(&screen, &other, NULL, 0), EINVAL);
		tried++;
	}
	if (!tried)
		skip("every format of 32 bits is listed, or has no framebuffers");
}

TEST(every_listed_format_is_written)
{
	uint32_t formats[64];
	struct screen screen;
	unsigned int n, tried = 0;

	open_screen(&screen, true);
	fill(&screen.shown, 0x00ffffff);
	n = read_formats(&screen, formats);
	for (unsigned int i = 0; i < n; i++) {
		struct drm_mode_fb_cmd2 cmd = {
			.width = screen.kms.mode.hdisplay, .height = screen.kms.mode.vdisplay,
			.pixel_format = formats[i],
		};
		struct sync_fence_info info;
		struct picture target;
		struct dumb dumb;
		int32_t fence = -1;
		const uint64_t *pixels;

		/* As wide as the widest. */
		dumb_create(screen.kms.fd, cmd.width, cmd.height, 64, &dumb);
		cmd.handles[0] = dumb.handle;
		cmd.pitches[0] = dumb.pitch;
		/* What no plane shows has no framebuffers. */
		if (call(screen.kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd))
			continue;
		tried++;
		target.fb = cmd.fb_id;
		pixels = dumb_map(&dumb);
		EXPECT_OK(write_back(&screen, &target, &fence, 0));
		wait_for(fence);
		fence_info(fence, &info);
		EXPECT_EQ(info.status, 1);
		/* White is ones, and there are at least 4 for each colour. */
		EXPECT(__builtin_popcountll(pixels[0]) >= 12);
		EXPECT(__builtin_popcountll(pixels[dumb.pitch / 8 * (cmd.height - 1)]) >= 12);
	}
	EXPECT(tried > 0);
}

TEST(a_framebuffer_that_does_not_exist_is_einval)
{
	struct picture none = { .fb = 0x00ffffff }, crtc;
	struct screen screen;

	open_screen(&screen, true);
	EXPECT_ERROR(write_back(&screen, &none, NULL, 0), EINVAL);
	crtc.fb = screen.kms.crtc;
	EXPECT_ERROR(write_back(&screen, &crtc, NULL, 0), EINVAL);
}

TEST(a_fence_for_no_framebuffer_is_einval)
{
	struct picture none = { .fb = 0 };
	struct screen screen;
	int32_t fence = 7;

	open_screen(&screen, true);
	EXPECT_ERROR(write_back(&screen, &none, &fence, 0), EINVAL);
	EXPECT_EQ(fence, -1);
	/* A test makes no fences, so there is nothing to refuse. */
	fence = 7;
	EXPECT_OK(write_back(&screen, &none, &fence, TEST_ONLY));
	EXPECT_EQ(fence, -1);
	EXPECT_OK(write_back(&screen, &none, NULL, 0));
}

TEST(a_fence_without_a_job_is_minus_one)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 7;

	open_screen(&screen, true);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_EQ(fence, -1);
}

TEST(a_bad_fence_pointer_is_efault)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	EXPECT_ERROR(write_back(&screen, &screen.target, (int32_t *)8, 0), EFAULT);
	EXPECT_ERROR(write_back(&screen, &screen.target, (int32_t *)8, TEST_ONLY), EFAULT);
	/* None is none, and takes nothing back. */
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", 0);
	EXPECT_OK(commit(&screen, &request, 0));
	wait_for(fence);
}

TEST(a_test_writes_nothing)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 7;

	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, TEST_ONLY));
	EXPECT_EQ(fence, -1);
	/* Nor does a later commit. */
	request_name(&request, screen.kms.fd, screen.kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID",
		     screen.shown.fb);
	EXPECT_OK(commit(&screen, &request, 0));
	EXPECT_OK(commit(&screen, &request, 0));
	expect_untouched(&screen.target);
}

TEST(a_commit_that_fails_leaves_no_fence)
{
	struct request request = { 0 };
	struct screen screen;
	int32_t fence = 7, crtc_fence = 7;

	open_screen(&screen, true);
	set(&request, &screen, "WRITEBACK_FB_ID", screen.target.fb);
	set(&request, &screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence));
	request_name(&request, screen.kms.fd, screen.kms.crtc, DRM_MODE_OBJECT_CRTC,
		     "OUT_FENCE_PTR", PTR(&crtc_fence));
	request_name(&request, screen.kms.fd, screen.kms.primary, DRM_MODE_OBJECT_PLANE, "SRC_W",
		     0xffffffff);
	EXPECT_ERROR(commit(&screen, &request, 0), ENOSPC);
	EXPECT_EQ(fence, -1);
	EXPECT_EQ(crtc_fence, -1);
	expect_untouched(&screen.target);
}

TEST(a_removed_framebuffer_is_still_written)
{
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, NONBLOCK));
	EXPECT_OK(rmfb(screen.kms.fd, screen.target.fb));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
}

TEST(a_closed_file_still_gets_its_fence)
{
	struct screen screen;
	int32_t fence = -1;

	open_screen(&screen, true);
	need_jobs_to_be_done(&screen);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, NONBLOCK));
	close(screen.kms.fd);
	wait_for(fence);
}

TEST(a_dead_client_leaves_a_display_that_works)
{
	struct screen screen;
	int32_t fence = -1;

	IN_CHILD({
		int32_t other = -1;

		open_screen(&screen, true);
		need_jobs_to_be_done(&screen);
		EXPECT_OK(write_back(&screen, &screen.target, &other, NONBLOCK));
	});
	open_screen(&screen, true);
	EXPECT_OK(write_back(&screen, &screen.target, &fence, 0));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
}

TEST(encoders_that_cannot_be_cloned_are_einval)
{
	struct request request = { 0 };
	struct screen screen;

	open_screen(&screen, false);
	set(&request, &screen, "CRTC_ID", screen.kms.crtc);
	if (may_clone(&screen.kms, screen.writeback))
		EXPECT_OK(commit(&screen, &request, MODESET));
	else
		EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_crtc_may_have_nothing_but_writeback)
{
	struct request request = { 0 };
	struct screen screen;
	struct kms *kms = &screen.kms;
	int32_t fence = -1;

	open_screen(&screen, true);
	request_name(&request, kms->fd, kms->connector, CONNECTOR, "CRTC_ID", 0);
	EXPECT_OK(commit(&screen, &request, MODESET));
	EXPECT_OK(write_back(&screen, &screen.target, &fence, 0));
	wait_for(fence);
	expect_drawing(&screen.target, 1);
	/* Without it, there would be nothing at all. */
	set(&request, &screen, "CRTC_ID", 0);
	EXPECT_ERROR(commit(&screen, &request, MODESET), EINVAL);
}

TEST(a_crtc_that_the_connector_cannot_be_on_is_einval)
{
	struct drm_mode_card_res res = { 0 };
	struct request request = { 0 };
	uint32_t crtcs[32], mask;
	struct screen screen;

	open_screen(&screen, false);
	mask = possible_crtcs(screen.kms.fd, screen.writeback);
	res.crtc_id_ptr = PTR(crtcs);
	res.count_crtcs = 32;
	EXPECT_OK(call(screen.kms.fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	if (mask == (1ull << res.count_crtcs) - 1)
		skip("it can be on any");
	for (uint32_t i = 0; i < res.count_crtcs; i++)
		if (!(mask & 1u << i))
			set(&request, &screen, "CRTC_ID", crtcs[i]);
	EXPECT_ERROR(commit(&screen, &request, MODESET | TEST_ONLY), EINVAL);
}

TEST(legacy_setcrtc_takes_it_off)
{
	struct screen screen;

	open_screen(&screen, true);
	EXPECT_OK(kms_set(&screen.kms, screen.shown.fb));
	EXPECT_EQ(property_value(screen.kms.fd, screen.writeback, CONNECTOR, "CRTC_ID"), 0);
}

static int set_legacy(const struct screen *screen, const char *name, uint64_t value)
{
	struct drm_mode_obj_set_property legacy = {
		.obj_id = screen->writeback, .obj_type = CONNECTOR, .value = value,
	};
	uint64_t before;

	legacy.prop_id = find_property(screen->kms.fd, screen->writeback, CONNECTOR, name, &before);
	return call(screen->kms.fd, DRM_IOCTL_MODE_OBJ_SETPROPERTY, &legacy);
}

TEST(legacy_properties_write_back_too)
{
	struct screen screen;

	open_screen(&screen, true);
	need_jobs_to_be_done(&screen);
	EXPECT_OK(set_legacy(&screen, "WRITEBACK_FB_ID", screen.target.fb));
	/* There is no fence; but jobs are done in order. */
	write_back_and_wait(&screen, &screen.shown);
	expect_drawing(&screen.target, 1);
}

TEST(a_legacy_fence_is_minus_one)
{
	struct screen screen;
	int32_t fence = 7;

	open_screen(&screen, true);
	EXPECT_OK(set_legacy(&screen, "WRITEBACK_OUT_FENCE_PTR", PTR(&fence)));
	EXPECT_EQ(fence, -1);
	EXPECT_ERROR(set_legacy(&screen, "WRITEBACK_OUT_FENCE_PTR", 8), EFAULT);
}
