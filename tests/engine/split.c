/* SPDX-License-Identifier: MIT */
/*
 * Two devices, as on many SoCs: a card with a display, and another with an engine
 * and a render node. What they share goes through PRIME. Run with --split.
 */
#include "engine.h"

#include <sys/wait.h>

#define A UINT64_C(0x100000000)

/* The other card: the one with the engine. */
static int open_engine_card(void)
{
	char path[64];

	for (int i = 0; i < 64; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/dri/card%d", i);
		if (!strcmp(path, card_path()))
			continue;
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	fail(__FILE__, __LINE__, "there is no second card");
}

TEST(one_has_the_display_and_the_other_the_engine)
{
	struct drm_mode_card_res res = { 0 };
	int display = open_master(), card = open_engine_card(), render = open_render();

	EXPECT_OK(call(display, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT(res.count_crtcs > 0 && res.count_connectors > 0);
	EXPECT_EQ(get_param(display, HOLDFAST_PARAM_ENGINE), 0);
	EXPECT_EQ(get_param(card, HOLDFAST_PARAM_ENGINE), 1);
	EXPECT_EQ(get_param(render, HOLDFAST_PARAM_ENGINE), 1);
	EXPECT_ERROR(call(card, DRM_IOCTL_MODE_GETRESOURCES, &res), EOPNOTSUPP);
}

TEST(both_share_by_prime)
{
	uint64_t both = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;

	EXPECT_EQ(get_cap(open_card(), DRM_CAP_PRIME), both);
	EXPECT_EQ(get_cap(open_render(), DRM_CAP_PRIME), both);
	EXPECT_EQ(get_cap(open_card(), DRM_CAP_DUMB_BUFFER), 1);
}

TEST(they_are_two_devices_to_libdrm)
{
	drmDevicePtr devices[8] = { 0 };
	int count = drmGetDevices2(0, devices, 8), displays = 0, renders = 0;

	EXPECT_EQ(count, 2);
	for (int i = 0; i < count; i++) {
		EXPECT(devices[i]->available_nodes & 1 << DRM_NODE_PRIMARY);
		displays += !(devices[i]->available_nodes & 1 << DRM_NODE_RENDER);
		renders += !!(devices[i]->available_nodes & 1 << DRM_NODE_RENDER);
	}
	EXPECT_EQ(displays, 1);
	EXPECT_EQ(renders, 1);
}

TEST(a_display_without_an_engine_says_so)
{
	struct drm_holdfast_submit job = { 0 };
	struct drm_holdfast_vm_bind bind = { 0 };
	struct drm_holdfast_ctx_query query = { 0 };
	int fd = open_master();
	uint32_t id;

	EXPECT_ERROR(vm_create(fd, &id), EOPNOTSUPP);
	EXPECT_ERROR(vm_destroy(fd, 1), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EOPNOTSUPP);
	EXPECT_ERROR(ctx_create(fd, 1, 0, 0, &id), EOPNOTSUPP);
	EXPECT_ERROR(ctx_destroy(fd, 1), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, &query), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_SUBMIT, &job), EOPNOTSUPP);
	/* Objects are another matter. */
	EXPECT_OK(gem_create(fd, PAGE, 0, &id));
}

TEST(an_engine_without_a_display_says_so)
{
	struct drm_mode_crtc crtc = { 0 };
	struct drm_mode_fb_cmd2 fb = { 0 };
	struct drm_mode_get_plane_res planes = { 0 };
	struct drm_mode_atomic atomic = { 0 };
	struct drm_mode_crtc_page_flip flip = { 0 };
	int fd = open_engine_card();

	EXPECT(is_master(fd));
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETCRTC, &crtc), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_SETCRTC, &crtc), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_ADDFB2, &fb), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &planes), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_ATOMIC, &atomic), EOPNOTSUPP);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_PAGE_FLIP, &flip), EOPNOTSUPP);
	EXPECT_ERROR(result(drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1)),
		     EOPNOTSUPP);
}

/* One's handles mean nothing to the other, nor do its names. */
TEST(handles_and_names_do_not_cross)
{
	int display = open_master(), card = open_engine_card();
	struct drm_gem_flink flink = { 0 };
	struct drm_gem_open name = { 0 };
	uint64_t offset;
	int dmabuf;

	for (int i = 0; i < 9; i++)
		EXPECT_OK(gem_create(card, PAGE, 0, &flink.handle));
	EXPECT_ERROR(prime_export(display, flink.handle, 0, &dmabuf), ENOENT);
	EXPECT_ERROR(gem_mmap_offset(display, flink.handle, &offset), ENOENT);
	EXPECT_OK(call(card, DRM_IOCTL_GEM_FLINK, &flink));
	name.name = flink.name;
	EXPECT_ERROR(call(display, DRM_IOCTL_GEM_OPEN, &name), ENOENT);
}

TEST(the_engine_draws_into_the_displays_memory)
{
	struct engine engine;
	struct object object;
	struct dumb dumb;
	struct holdfast_surface surface;
	uint32_t *pixels;
	int dmabuf;

	dumb_create(open_master(), 300, 200, 32, &dumb);
	EXPECT_OK(prime_export(dumb.fd, dumb.handle, O_RDWR, &dmabuf));
	engine_open(&engine);
	object = (struct object){ .fd = engine.fd, .size = dumb.size };
	EXPECT_OK(prime_import(engine.fd, dmabuf, &object.handle));
	engine_map(&engine, &object, A);
	surface = (struct holdfast_surface){
		.va = A, .pitch = dumb.pitch, .format = DRM_FORMAT_XRGB8888,
		.width = 300, .height = 200,
	};
	emit_fill(&engine, &surface, (struct holdfast_rect){ 10, 20, 30, 40 }, 0xabcdef);
	run(&engine);
	pixels = dumb_map(&dumb);
	EXPECT_EQ(pixels[20 * dumb.pitch / 4 + 10], 0xabcdef);
	EXPECT_EQ(pixels[59 * dumb.pitch / 4 + 39], 0xabcdef);
	EXPECT_EQ(pixels[60 * dumb.pitch / 4 + 39], 0);
}

static uint32_t add_framebuffer(int fd, uint32_t handle, uint32_t width, uint32_t height,
				uint32_t pitch)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = width, .height = height, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle }, .pitches = { pitch },
	};

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	return cmd.fb_id;
}

TEST(the_display_shows_the_engines_memory)
{
	struct object object;
	struct kms kms;
	uint32_t handle, fb, pitch, again;
	int render = open_render(), dmabuf;

	kms_open(&kms);
	pitch = 4 * kms.mode.hdisplay;
	object_create(render, ((uint64_t)pitch * kms.mode.vdisplay + PAGE - 1) / PAGE * PAGE,
		      get_param(kms.fd, HOLDFAST_PARAM_IOMMU) ? 0 : HOLDFAST_GEM_CONTIGUOUS,
		      &object);
	pattern_fill(object.data, object.size, 1);
	EXPECT_OK(prime_export(render, object.handle, O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(kms.fd, dmabuf, &handle));
	fb = add_framebuffer(kms.fd, handle, kms.mode.hdisplay, kms.mode.vdisplay, pitch);
	EXPECT_OK(kms_set(&kms, fb));
	EXPECT_EQ(crtc_fb(&kms), fb);
	/* It is the memory, not a copy: through a map of the importer, too. */
	EXPECT(pattern_is(gem_map(kms.fd, handle, object.size), object.size, 1));
	/* Home again it is what it was. */
	EXPECT_OK(prime_import(render, dmabuf, &again));
	EXPECT_EQ(again, object.handle);
}

TEST(a_scattered_import_needs_an_iommu_of_the_display)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = 512, .height = 512, .pixel_format = DRM_FORMAT_XRGB8888,
		.pitches = { 2048 },
	};
	int display = open_master(), render = open_render(), dmabuf;
	uint32_t handle;

	EXPECT_OK(gem_create(render, MIB, 0, &handle));
	EXPECT_OK(prime_export(render, handle, O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(display, dmabuf, &cmd.handles[0]));
	EXPECT_ERROR(call(display, DRM_IOCTL_MODE_ADDFB2, &cmd),
		     get_param(display, HOLDFAST_PARAM_IOMMU) ? 0 : EINVAL);
}

TEST(an_import_outlives_the_exporters_file)
{
	struct object object;
	int display = open_master(), render = open_render(), dmabuf;
	uint32_t handle;

	object_create(render, MIB, 0, &object);
	pattern_fill(object.data, MIB, 2);
	EXPECT_OK(prime_export(render, object.handle, O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(display, dmabuf, &handle));
	object_destroy(&object);
	close(render);
	close(dmabuf);
	EXPECT(pattern_is(gem_map(display, handle, MIB), MIB, 2));
}

TEST(a_flip_waits_for_a_job_of_the_other_device)
{
	struct drm_event_vblank event;
	struct drm_holdfast_object entry;
	struct engine engine;
	struct object object;
	struct kms kms;
	uint32_t handle, fb, first, pitch;
	int dmabuf;

	kms_open(&kms);
	kms_show(&kms, &first);
	engine_open(&engine);
	pitch = 4 * kms.mode.hdisplay;
	object_create(engine.fd, ((uint64_t)pitch * kms.mode.vdisplay + PAGE - 1) / PAGE * PAGE,
		      HOLDFAST_GEM_CONTIGUOUS, &object);
	EXPECT_OK(prime_export(engine.fd, object.handle, O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(kms.fd, dmabuf, &handle));
	fb = add_framebuffer(kms.fd, handle, kms.mode.hdisplay, kms.mode.vdisplay, pitch);
	emit_hold(&engine, 0);
	entry = (struct drm_holdfast_object){ object.handle, HOLDFAST_OBJECT_WRITE };
	EXPECT_OK(submit(&engine, NULL, 0, &entry, 1));
	await(&engine, 0);
	EXPECT_OK(kms_flip(&kms, fb, DRM_MODE_PAGE_FLIP_EVENT, 9));
	EXPECT(!readable(kms.fd, 100));
	EXPECT_ERROR(gem_wait(kms.fd, handle, 0, 0), ETIME);
	release(&engine, 0);
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.user_data, 9);
	EXPECT_OK(gem_wait(kms.fd, handle, HOLDFAST_WAIT_WRITE, 0));
}

TEST(a_flip_does_not_wait_for_readers_of_the_other_device)
{
	struct drm_event_vblank event;
	struct drm_holdfast_object entry;
	struct engine engine;
	struct kms kms;
	struct dumb dumb;
	uint32_t fb, first;
	int dmabuf;

	kms_open(&kms);
	kms_show(&kms, &first);
	engine_open(&engine);
	dumb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay, 32, &dumb);
	fb = add_framebuffer(kms.fd, dumb.handle, dumb.width, dumb.height, dumb.pitch);
	EXPECT_OK(prime_export(kms.fd, dumb.handle, O_RDWR, &dmabuf));
	entry = (struct drm_holdfast_object){ 0 };
	EXPECT_OK(prime_import(engine.fd, dmabuf, &entry.handle));
	emit_hold(&engine, 0);
	EXPECT_OK(submit(&engine, NULL, 0, &entry, 1));
	await(&engine, 0);
	EXPECT_OK(kms_flip(&kms, fb, DRM_MODE_PAGE_FLIP_EVENT, 9));
	read_vblank_event(kms.fd, &event);
	EXPECT_ERROR(gem_wait(engine.fd, entry.handle, HOLDFAST_WAIT_WRITE, 0), ETIME);
	release(&engine, 0);
}

TEST(a_syncobj_of_one_device_is_known_to_the_other)
{
	struct engine engine;
	int display = open_master(), file;
	uint32_t done, there;

	engine_open(&engine);
	emit_hold(&engine, 0);
	done = go(&engine);
	EXPECT_OK(result(drmSyncobjHandleToFD(engine.fd, done, &file)));
	EXPECT_OK(result(drmSyncobjFDToHandle(display, file, &there)));
	EXPECT(!syncobj_done(display, there));
	await(&engine, 0);
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(display, there, INT64_MAX));
}

static void share_all(uint64_t objects, uint64_t mapped)
{
	struct engine engine;
	struct object object;
	struct kms kms;
	struct dumb dumb;
	uint32_t fb;
	int dmabuf;

	kms_open(&kms);
	kms_show(&kms, &fb);
	engine_open(&engine);
	dumb_create(kms.fd, 640, 480, 32, &dumb);
	EXPECT_OK(prime_export(kms.fd, dumb.handle, O_RDWR, &dmabuf));
	object = (struct object){ .fd = engine.fd, .size = dumb.size };
	EXPECT_OK(prime_import(engine.fd, dmabuf, &object.handle));
	engine_map(&engine, &object, A);
	emit_write(&engine, A, 1);
	run(&engine);
	EXPECT(info("object_count") > objects);
	EXPECT(info("dma_mapped_bytes") > mapped);
}

TEST(nothing_is_left_of_what_was_shared)
{
	uint64_t objects = info("object_count"), pages = info("pages_held");
	uint64_t mapped = info("dma_mapped_bytes");

	IN_CHILD(share_all(objects, mapped););
	await_info("object_count", objects);
	await_info("dma_mapped_bytes", mapped);
	await_info("pages_held", pages);
}

static int inject(const char *words)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), "'%s' inject %s 2>/dev/null",
		 getenv("HOLDFAST"), words);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(an_engine_resumes_whose_display_was_unplugged_meanwhile)
{
	int card = open_engine_card();

	EXPECT_EQ(inject("suspend"), 0);
	EXPECT_EQ(inject("device unplug"), 0);
	EXPECT_EQ(inject("suspend"), 1);
	EXPECT_EQ(inject("resume"), 0);
	EXPECT_EQ(inject("resume"), 1);
	EXPECT_EQ(get_param(card, HOLDFAST_PARAM_ENGINE), 1);
	EXPECT_EQ(inject("device replug"), 0);
}
