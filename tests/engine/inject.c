/* SPDX-License-Identifier: MIT */
/*
 * What `holdfast inject` and `holdfast vblank` do to a device, as its clients see it.
 *
 * CLOCK says which clock the device was started with; tests of the other one are
 * skipped. All tests share the device, so each begins with nothing armed.
 */
#include "engine.h"

#include <linux/sync_file.h>
#include <signal.h>
#include <sys/wait.h>

/* -- the command ------------------------------------------------------------------ */

static int holdfast(const char *format, const char *words)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), format, getenv("HOLDFAST"), words);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int inject_status(const char *words)
{
	return holdfast("'%s' inject %s 2>/dev/null", words);
}

static void inject(const char *words)
{
	EXPECT_EQ(holdfast("'%s' inject %s", words), 0);
}

static void vblank(const char *words)
{
	EXPECT_EQ(holdfast("'%s' vblank %s", words), 0);
}

static bool lists(const char *line)
{
	return holdfast("'%s' inject list | grep -qxF '%s'", line) == 0;
}

static bool is_manual(void)
{
	const char *clock = getenv("CLOCK");

	return clock && !strcmp(clock, "manual");
}

static void begin(bool manual)
{
	if (manual != is_manual())
		skip("it is for a device with the other clock");
	if (inject_status("resume") == 0)
		fail(__FILE__, __LINE__, "the device was suspended");
	if (inject_status("device replug") == 0)
		fail(__FILE__, __LINE__, "the device was unplugged");
	inject("clear");
	inject("plug HDMI-A-1 640x480");
}

static int wait_vblank(int fd, uint32_t type, uint32_t sequence, union drm_wait_vblank *wait)
{
	*wait = (union drm_wait_vblank){
		.request = { .type = type, .sequence = sequence },
	};
	return call(fd, DRM_IOCTL_WAIT_VBLANK, wait);
}

/* Shown, and over. */
static void show(struct kms *kms, uint32_t *fb)
{
	kms_open(kms);
	*fb = fb_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay);
	EXPECT_OK(kms_set(kms, *fb));
}

static int flip(const struct kms *kms, uint32_t fb, uint64_t data)
{
	return kms_flip(kms, fb, DRM_MODE_PAGE_FLIP_EVENT, data);
}

static void expect_flip(const struct kms *kms, uint64_t data)
{
	struct drm_event_vblank event;

	read_vblank_event(kms->fd, &event);
	EXPECT_EQ(event.base.type, DRM_EVENT_FLIP_COMPLETE);
	EXPECT_EQ(event.user_data, data);
}

static int sync_status(int fence)
{
	struct sync_file_info info = { 0 };

	EXPECT_OK(call(fence, SYNC_IOC_FILE_INFO, &info));
	return info.status;
}

static int create_dumb(int fd)
{
	struct drm_mode_create_dumb create = { .width = 64, .height = 64, .bpp = 32 };

	return call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);
}

/* -- monitors --------------------------------------------------------------------- */

static drmModeConnector *probe(int fd)
{
	drmModeRes *res = drmModeGetResources(fd);
	drmModeConnector *connector;

	EXPECT(res && res->count_connectors);
	connector = drmModeGetConnector(fd, res->connectors[0]);
	EXPECT(connector);
	drmModeFreeResources(res);
	return connector;
}

TEST(a_monitor_comes_and_goes)
{
	drmModeConnector *connector;
	int fd;

	begin(false);
	fd = open_card();
	inject("unplug HDMI-A-1");
	connector = probe(fd);
	EXPECT_EQ(connector->connection, DRM_MODE_DISCONNECTED);
	EXPECT_EQ(connector->count_modes, 0);
	EXPECT_EQ(holdfast("grep -qx disconnected /sys/class/drm/card*-HDMI-A-1/status", ""), 0);
	EXPECT_EQ(inject_status("modes HDMI-A-1 640x480"), 1);
	inject("plug HDMI-A-1 1280x1024@75");
	connector = probe(fd);
	EXPECT_EQ(connector->connection, DRM_MODE_CONNECTED);
	EXPECT_EQ(connector->modes[0].hdisplay, 1280);
	EXPECT_EQ(connector->modes[0].vrefresh, 75);
	EXPECT_EQ(holdfast("grep -qx connected /sys/class/drm/card*-HDMI-A-1/status", ""), 0);
	EXPECT_EQ(inject_status("plug HDMI-A-77"), 1);
	EXPECT_EQ(inject_status("plug HDMI-A-1 7"), 2);
}

TEST(the_list_of_modes_changes_and_the_edid_does_not)
{
	drmModeConnector *before, *after;
	uint64_t edid;
	int fd;

	begin(false);
	fd = open_card();
	before = probe(fd);
	edid = property_value(fd, before->connector_id, DRM_MODE_OBJECT_CONNECTOR, "EDID");
	inject("modes HDMI-A-1 800x600 640x480@75");
	after = probe(fd);
	EXPECT_EQ(after->count_modes, 2);
	EXPECT_EQ(after->modes[0].hdisplay, 800);
	EXPECT(after->modes[0].type & DRM_MODE_TYPE_PREFERRED);
	EXPECT_EQ(after->modes[1].vrefresh, 75);
	EXPECT_EQ(property_value(fd, before->connector_id, DRM_MODE_OBJECT_CONNECTOR, "EDID"),
		  edid);
	inject("plug HDMI-A-1 640x480");
	EXPECT(probe(fd)->count_modes != 2 || probe(fd)->modes[0].hdisplay != 800);
}

TEST(an_edid_is_replaced_by_a_file)
{
	char path[] = "/tmp/inject-edid-XXXXXX", command[64];
	drmModeConnector *connector;
	drmModePropertyBlobRes *blob;
	uint8_t edid[512];
	size_t size;
	int fd, file;

	begin(false);
	fd = open_card();
	connector = probe(fd);
	blob = drmModeGetPropertyBlob(fd, property_value(fd, connector->connector_id,
							 DRM_MODE_OBJECT_CONNECTOR, "EDID"));
	EXPECT(blob && blob->length <= sizeof(edid) && blob->length >= 128);
	size = blob->length;
	memcpy(edid, blob->data, size);
	/* Another serial number, and a checksum for it. */
	edid[12]++;
	edid[127]--;
	file = mkstemp(path);
	EXPECT(file >= 0);
	EXPECT_EQ(write(file, edid, size), size);
	close(file);
	snprintf(command, sizeof(command), "edid HDMI-A-1 %s", path);
	inject(command);
	connector = probe(fd);
	blob = drmModeGetPropertyBlob(fd, property_value(fd, connector->connector_id,
							 DRM_MODE_OBJECT_CONNECTOR, "EDID"));
	EXPECT(blob && blob->length == size);
	EXPECT(!memcmp(blob->data, edid, size));
	unlink(path);
	EXPECT_EQ(inject_status(command), 2);
}

TEST(a_bad_link_is_good_again_after_a_modeset)
{
	struct kms kms;
	uint32_t fb;

	begin(false);
	show(&kms, &fb);
	inject("link HDMI-A-1 bad");
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "link-status"),
		  DRM_MODE_LINK_STATUS_BAD);
	EXPECT_OK(kms_set(&kms, fb));
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "link-status"),
		  DRM_MODE_LINK_STATUS_GOOD);
	inject("link HDMI-A-1 bad");
	inject("link HDMI-A-1 good");
	EXPECT_EQ(property_value(kms.fd, kms.connector, DRM_MODE_OBJECT_CONNECTOR, "link-status"),
		  DRM_MODE_LINK_STATUS_GOOD);
}

/* -- flips and commits ---------------------------------------------------------------- */

TEST(a_dropped_flip_keeps_the_crtc_busy_and_is_never_told)
{
	struct kms kms;
	uint32_t fb;

	begin(false);
	show(&kms, &fb);
	inject("flip drop 1");
	EXPECT(lists("flip drop 1 crtc 0"));
	EXPECT_OK(flip(&kms, fb, 1));
	EXPECT(!readable(kms.fd, 100));
	EXPECT(!lists("flip drop 1 crtc 0"));
	EXPECT_ERROR(flip(&kms, fb, 2), EBUSY);
	/* What is late, or lost, is over. */
	inject("clear");
	EXPECT_OK(flip(&kms, fb, 3));
	expect_flip(&kms, 3);
	EXPECT(!readable(kms.fd, 0));
}

TEST(a_late_flip_is_told_when_it_is_time)
{
	struct drm_event_vblank event;
	union drm_wait_vblank wait;
	struct kms kms;
	uint32_t fb;

	begin(false);
	show(&kms, &fb);
	inject("flip delay 1min 1");
	EXPECT_OK(flip(&kms, fb, 1));
	EXPECT(!readable(kms.fd, 100));
	EXPECT_ERROR(flip(&kms, fb, 2), EBUSY);
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &wait));
	inject("clear");
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.user_data, 1);
	EXPECT(event.sequence >= wait.reply.sequence);
	/* One was to be; and this comes by itself. */
	inject("flip delay 50ms");
	EXPECT_OK(flip(&kms, fb, 3));
	expect_flip(&kms, 3);
	EXPECT(lists("flip delay 50000000ns crtc 0"));
	inject("flip delay 0s");
	EXPECT(!lists("flip delay 50000000ns crtc 0"));
}

TEST(commits_fail_before_anything_has_changed)
{
	struct request request = { 0 };
	struct kms kms;
	uint32_t first, second;

	begin(false);
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &first);
	second = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	inject("commit fail 2 ENOSPC");
	EXPECT_ERROR(flip(&kms, second, 1), ENOSPC);
	EXPECT_ERROR(kms_set(&kms, second), ENOSPC);
	EXPECT_EQ(crtc_fb(&kms), first);
	EXPECT(!readable(kms.fd, 50));
	EXPECT_OK(flip(&kms, second, 2));
	expect_flip(&kms, 2);
	EXPECT_EQ(crtc_fb(&kms), second);
	/* Tests of commits only if they are meant. */
	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", first);
	inject("commit fail 1 EIO");
	EXPECT_OK(request_commit(kms.fd, &request, DRM_MODE_ATOMIC_TEST_ONLY, 0));
	EXPECT_ERROR(request_commit(kms.fd, &request, 0, 0), EIO);
	inject("commit fail 1 EIO test");
	EXPECT_ERROR(request_commit(kms.fd, &request, DRM_MODE_ATOMIC_TEST_ONLY, 0), EIO);
	EXPECT_OK(request_commit(kms.fd, &request, 0, 0));
}

TEST(any_ioctl_fails_as_often_as_it_is_to)
{
	struct drm_mode_card_res res = { 0 };
	struct drm_version version = { 0 };
	int fd;

	begin(false);
	fd = open_card();
	inject("ioctl fail MODE_GETRESOURCES 2 EIO");
	inject("ioctl fail drm_ioctl_version 1 12");
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res), EIO);
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &version), ENOMEM);
	EXPECT_ERROR(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res), EIO);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res));
	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
	EXPECT_EQ(inject_status("ioctl fail NOTHING 1 EIO"), 2);
}

/* Also one that server and shim might have a use of their own for. */
TEST(ioctls_fail_with_any_errno)
{
	struct drm_version version = { 0 };
	int fd;

	begin(false);
	fd = open_card();
	inject("ioctl fail VERSION 1 EBADMSG");
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &version), EBADMSG);
	inject("ioctl fail VERSION 1 ESTALE");
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &version), ESTALE);
	inject("ioctl fail VERSION 1 ENODEV");
	EXPECT_ERROR(call(fd, DRM_IOCTL_VERSION, &version), ENODEV);
	EXPECT_OK(call(fd, DRM_IOCTL_VERSION, &version));
}

/* -- fences --------------------------------------------------------------------------- */

TEST(fences_of_flips_are_late_or_fail)
{
	struct kms kms;
	uint32_t fb;
	int fence;

	begin(false);
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	inject("fence delay 1min");
	fence = kms_fence(&kms, fb);
	EXPECT(!readable(fence, 100));
	/* The flip itself is over. */
	EXPECT_EQ(sync_status(fence), 0);
	inject("clear");
	EXPECT(readable(fence, 10000));
	EXPECT_EQ(sync_status(fence), 1);
	close(fence);
	inject("fence fail EREMOTEIO");
	fence = kms_fence(&kms, fb);
	EXPECT(readable(fence, 10000));
	EXPECT_EQ(sync_status(fence), -EREMOTEIO);
	close(fence);
	fence = kms_fence(&kms, fb);
	EXPECT(readable(fence, 10000));
	EXPECT_EQ(sync_status(fence), 1);
}

TEST(fences_of_jobs_are_late_or_fail)
{
	struct engine engine;
	uint32_t first, second;

	begin(false);
	engine_open(&engine);
	inject("fence delay 1min");
	emit_write(&engine, SLOT(0), 1);
	first = go(&engine);
	await(&engine, 0);
	second = go(&engine);
	EXPECT_ERROR(syncobj_wait(engine.fd, first, (int64_t)now_ns() + 50000000), ETIME);
	EXPECT(!syncobj_done(engine.fd, second));
	inject("clear");
	EXPECT_OK(syncobj_wait(engine.fd, second, INT64_MAX));
	EXPECT(syncobj_done(engine.fd, first));
	inject("fence fail EIO 1");
	first = go(&engine);
	second = go(&engine);
	EXPECT_OK(syncobj_wait(engine.fd, second, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, first), -EIO);
	EXPECT_EQ(fence_status(engine.fd, second), 1);
}

/* -- the engine ------------------------------------------------------------------------ */

TEST(a_job_hangs_until_its_time_is_up)
{
	struct drm_holdfast_ctx_query query;
	struct engine engine, other;
	uint32_t hung, behind;
	int fd;

	begin(false);
	fd = open_render();
	need_engine(fd);
	engine_create(fd, 50, &engine);
	engine_create(fd, PATIENT_MS, &other);
	inject("engine hang");
	emit_write(&engine, SLOT(0), 1);
	hung = go(&engine);
	behind = go(&engine);
	EXPECT_OK(syncobj_wait(fd, hung, INT64_MAX));
	EXPECT_EQ(fence_status(fd, hung), -ETIME);
	EXPECT_OK(syncobj_wait(fd, behind, INT64_MAX));
	EXPECT_EQ(fence_status(fd, behind), -ECANCELED);
	ctx_query(fd, engine.ctx, &query);
	EXPECT(query.banned);
	EXPECT_EQ(*(uint32_t *)engine.slots.data, 0);
	run(&other);
}

TEST(a_reset_ends_a_job_that_hangs)
{
	struct engine engine;
	uint32_t hung;

	begin(false);
	engine_open(&engine);
	inject("engine hang 1");
	emit_write(&engine, SLOT(0), 1);
	hung = go(&engine);
	while (lists("engine hang 1"))
		usleep(1000);
	EXPECT(!syncobj_done(engine.fd, hung));
	inject("engine reset");
	EXPECT_OK(syncobj_wait(engine.fd, hung, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, hung), -ETIME);
}

/* -- memory ---------------------------------------------------------------------------- */

TEST(memory_runs_out_for_as_many_objects_as_were_said)
{
	struct kms kms;
	uint32_t fb, handle;

	begin(false);
	kms_open(&kms);
	fb = fb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay);
	inject("memory fail 3");
	EXPECT_ERROR(create_dumb(kms.fd), ENOMEM);
	EXPECT_ERROR(gem_create(kms.fd, PAGE, 0, &handle), ENOMEM);
	/* Its pages are held when it is shown for the first time. */
	EXPECT_ERROR(kms_set(&kms, fb), ENOMEM);
	EXPECT_OK(create_dumb(kms.fd));
	EXPECT_OK(gem_create(kms.fd, PAGE, 0, &handle));
	EXPECT_OK(kms_set(&kms, fb));
}

static uint64_t pattern_of_failures(int fd)
{
	uint64_t failures = 0;

	inject("memory fail 1000 500");
	for (int i = 0; i < 64; i++)
		failures |= (uint64_t)(create_dumb(fd) == ENOMEM) << i;
	inject("clear");
	return failures;
}

TEST(failures_by_chance_are_the_same_each_time)
{
	uint64_t first;
	int fd;

	begin(false);
	fd = open_card();
	first = pattern_of_failures(fd);
	EXPECT(first && ~first);
	EXPECT_EQ(pattern_of_failures(fd), first);
}

/* -- unplugging the device --------------------------------------------------------------- */

/* Any request at all, known or not. */
static void expect_gone(int fd)
{
	uint64_t argument[64] = { 0 };

	for (unsigned int nr = 0; nr < 256; nr++)
		EXPECT_ERROR(call(fd, _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE, nr, 128),
				  argument), ENODEV);
}

static void replug(void)
{
	inject("device replug");
}

TEST(an_unplugged_device_is_enodev_and_its_memory_stays)
{
	struct dumb dumb;
	uint32_t *pixels, *shared;
	uint64_t offset;
	int fd, dmabuf;

	begin(false);
	fd = open_card();
	dumb_create(fd, 64, 64, 32, &dumb);
	pixels = dumb_map(&dumb);
	offset = dumb_offset(&dumb);
	EXPECT_OK(prime_export(fd, dumb.handle, DRM_RDWR | DRM_CLOEXEC, &dmabuf));
	pixels[5] = 0x12345678;
	inject("device unplug");
	EXPECT(lists("device unplug"));
	expect_gone(fd);
	EXPECT_EQ(pixels[5], 0x12345678);
	pixels[6] = 7;
	shared = mmap(NULL, 4096, PROT_READ, MAP_SHARED, dmabuf, 0);
	EXPECT(shared != MAP_FAILED && shared[6] == 7);
	EXPECT(mmap(NULL, dumb.size, PROT_READ, MAP_SHARED, fd, offset) == MAP_FAILED);
	EXPECT_EQ(errno, ENODEV);
	EXPECT_EQ(holdfast("ls /dev/dri 2>/dev/null | grep -q card", ""), 1);
	EXPECT_EQ(inject_status("device unplug"), 1);
	replug();
	expect_gone(fd);
	close(fd);
	EXPECT_EQ(pixels[6], 7);
}

TEST(waits_end_when_the_device_is_unplugged)
{
	union drm_wait_vblank wait;
	struct kms kms;
	uint32_t fb;
	pid_t child;

	begin(false);
	show(&kms, &fb);
	inject("flip delay 1min 1");
	EXPECT_OK(flip(&kms, fb, 1));
	/* A wait that no vblank ends. */
	child = fork_child();
	if (child == 0) {
		EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 100000, &wait));
		_exit(0);
	}
	usleep(100000);
	inject("device unplug");
	expect_flip(&kms, 1);
	join_child(child);
	EXPECT(!readable(kms.fd, 0));
	replug();
}

static uint64_t dpms(const struct kms *kms)
{
	return property_value(kms->fd, kms->connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS");
}

static int set_dpms(const struct kms *kms, uint64_t value)
{
	return result(drmModeConnectorSetProperty(
		kms->fd, kms->connector,
		find_property(kms->fd, kms->connector, DRM_MODE_OBJECT_CONNECTOR, "DPMS", NULL),
		value));
}

TEST(a_commit_that_fails_leaves_dpms_alone)
{
	struct kms kms;
	uint32_t fb;

	begin(false);
	kms_open(&kms);
	kms_show(&kms, &fb);
	inject("commit fail 1 EIO");
	EXPECT_ERROR(set_dpms(&kms, DRM_MODE_DPMS_OFF), EIO);
	EXPECT_EQ(dpms(&kms), DRM_MODE_DPMS_ON);
	EXPECT_OK(set_dpms(&kms, DRM_MODE_DPMS_OFF));
	EXPECT_OK(kms_off(&kms));
	EXPECT_EQ(dpms(&kms), DRM_MODE_DPMS_OFF);
	/* Without a CRTC none is needed, and so none fails. */
	inject("commit fail 1 EIO");
	EXPECT_OK(set_dpms(&kms, DRM_MODE_DPMS_ON));
	EXPECT_EQ(dpms(&kms), DRM_MODE_DPMS_ON);
	EXPECT_ERROR(kms_set(&kms, fb), EIO);
}

TEST(a_commit_that_waits_for_a_job_ends_when_the_device_is_unplugged)
{
	struct request request = { 0 };
	struct engine engine;
	struct kms kms;
	uint32_t fb, done;
	int fence, out;

	begin(false);
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	engine_open(&engine);
	emit_hold(&engine, 0);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_OK(result(drmSyncobjExportSyncFile(engine.fd, done, &fence)));
	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	request_name(&request, kms.fd, kms.primary, DRM_MODE_OBJECT_PLANE, "IN_FENCE_FD",
		     (uint64_t)fence);
	request_name(&request, kms.fd, kms.crtc, DRM_MODE_OBJECT_CRTC, "OUT_FENCE_PTR",
		     PTR(&out));
	EXPECT_OK(request_commit(kms.fd, &request,
				 DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT, 7));
	EXPECT(!readable(kms.fd, 50));
	inject("device unplug");
	expect_flip(&kms, 7);
	EXPECT(readable(out, 10000));
	EXPECT(!readable(kms.fd, 0));
	replug();
	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	close(fence);
	close(out);
}

TEST(jobs_end_when_the_device_is_unplugged)
{
	struct engine engine;
	uint32_t done;
	int fence;

	begin(false);
	engine_open(&engine);
	emit_hold(&engine, 0);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_OK(result(drmSyncobjExportSyncFile(engine.fd, done, &fence)));
	inject("device unplug");
	EXPECT(readable(fence, 10000));
	EXPECT_EQ(sync_status(fence), -ECANCELED);
	expect_gone(engine.fd);
	replug();
}

TEST(a_new_device_takes_the_place_of_an_unplugged_one)
{
	struct kms old, new;
	uint32_t fb;
	int dmabuf;
	struct dumb dumb;
	uint32_t handle;

	begin(false);
	show(&old, &fb);
	dumb_create(old.fd, 64, 64, 32, &dumb);
	EXPECT_OK(prime_export(old.fd, dumb.handle, DRM_RDWR | DRM_CLOEXEC, &dmabuf));
	inject("device unplug");
	replug();
	/* The old one is open still, and master of what is gone. */
	show(&new, &fb);
	EXPECT(is_master(new.fd));
	EXPECT_OK(flip(&new, fb, 5));
	expect_flip(&new, 5);
	EXPECT_OK(prime_import(new.fd, dmabuf, &handle));
	expect_gone(old.fd);
	close(old.fd);
	EXPECT_OK(flip(&new, fb, 6));
	expect_flip(&new, 6);
}

/* -- sleep ----------------------------------------------------------------------------- */

TEST(a_suspended_device_lets_its_callers_wait)
{
	struct kms kms;
	uint32_t fb;
	int fds[2];
	pid_t child;

	begin(false);
	show(&kms, &fb);
	EXPECT_OK(result(pipe(fds)));
	/* What is pending ends. */
	inject("flip delay 1min 1");
	EXPECT_OK(flip(&kms, fb, 1));
	inject("suspend");
	EXPECT(lists("suspend"));
	expect_flip(&kms, 1);
	EXPECT_EQ(inject_status("suspend"), 1);
	child = fork_child();
	if (child == 0) {
		EXPECT(get_cap(kms.fd, DRM_CAP_DUMB_BUFFER));
		EXPECT_EQ(write(fds[1], "x", 1), 1);
		_exit(0);
	}
	EXPECT(!readable(fds[0], 200));
	inject("resume");
	EXPECT(readable(fds[0], 10000));
	join_child(child);
	EXPECT_EQ(inject_status("resume"), 1);
	/* All is as it was. */
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT_OK(flip(&kms, fb, 2));
	expect_flip(&kms, 2);
}

static void no_action(int signal)
{
	(void)signal;
}

TEST(a_signal_reaches_who_waits_for_a_suspended_device)
{
	struct sigaction action = { .sa_handler = no_action };
	struct drm_get_cap cap = { .capability = DRM_CAP_PRIME };
	int fd;

	begin(false);
	fd = open_card();
	sigaction(SIGUSR1, &action, NULL);
	inject("suspend");
	IN_CHILD({
		pid_t self = getpid();

		if (fork() == 0) {
			for (;;) {
				usleep(10000);
				if (kill(self, SIGUSR1))
					_exit(0);
			}
		}
		EXPECT_EQ(ioctl(fd, DRM_IOCTL_GET_CAP, &cap), -1);
		EXPECT_EQ(errno, EINTR);
	});
	inject("resume");
	EXPECT_OK(call(fd, DRM_IOCTL_GET_CAP, &cap));
}

TEST(who_dies_while_the_device_sleeps_is_gone_afterwards)
{
	struct kms kms;
	uint32_t fb;
	pid_t child;

	begin(false);
	child = fork_child();
	if (child == 0) {
		show(&kms, &fb);
		inject("suspend");
		get_cap(kms.fd, DRM_CAP_PRIME);
		_exit(0);
	}
	while (!lists("suspend"))
		usleep(10000);
	kill(child, SIGKILL);
	EXPECT(waitpid(child, NULL, 0) == child);
	await_info("framebuffers", 0);
	inject("resume");
	show(&kms, &fb);
	EXPECT_OK(flip(&kms, fb, 1));
	expect_flip(&kms, 1);
}

/* -- time that stands --------------------------------------------------------------------- */

static uint64_t event_us(const struct drm_event_vblank *event)
{
	return event->tv_sec * UINT64_C(1000000) + event->tv_usec;
}

/* From one vblank to the next, to be found between two µs. */
static void expect_frame(const struct kms *kms, uint64_t us, unsigned int frames)
{
	const struct drm_mode_modeinfo *mode = &kms->mode;
	double exact = (double)frames * mode->htotal * mode->vtotal * 1000 / mode->clock;

	EXPECT((double)us > exact - 1.01 && (double)us < exact + 1.01);
}

/* The modeset itself takes a vblank, which somebody has to step to. */
static void show_by_hand(struct kms *kms, uint32_t *fb)
{
	pid_t child;

	kms_open(kms);
	*fb = fb_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay);
	child = fork_child();
	if (child == 0) {
		while (inject_status("vblank step"))
			usleep(10000);
		_exit(0);
	}
	EXPECT_OK(kms_set(kms, *fb));
	join_child(child);
}

TEST(nothing_comes_while_time_stands)
{
	struct drm_event_vblank event;
	union drm_wait_vblank before, after;
	struct kms kms;
	uint32_t fb;

	begin(true);
	show_by_hand(&kms, &fb);
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &before));
	EXPECT_OK(flip(&kms, fb, 1));
	EXPECT(!readable(kms.fd, 100));
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &after));
	EXPECT_EQ(after.reply.sequence, before.reply.sequence);
	EXPECT_EQ(after.reply.tval_usec, before.reply.tval_usec);
	vblank("step");
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.sequence, before.reply.sequence + 1);
	expect_frame(&kms, event_us(&event) - before.reply.tval_sec * UINT64_C(1000000) -
		     before.reply.tval_usec, 1);
}

TEST(steps_deliver_all_that_lies_on_the_way)
{
	struct drm_event_vblank events[3];
	union drm_wait_vblank wait;
	struct kms kms;
	uint32_t fb;

	begin(true);
	show_by_hand(&kms, &fb);
	for (uint32_t i = 1; i <= 3; i++)
		EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE | DRM_VBLANK_EVENT, 2 * i,
				      &wait));
	vblank("step 5 --crtc 0");
	read_vblank_event(kms.fd, &events[0]);
	read_vblank_event(kms.fd, &events[1]);
	EXPECT(!readable(kms.fd, 50));
	vblank("step --crtc 0");
	read_vblank_event(kms.fd, &events[2]);
	EXPECT_EQ(events[1].sequence - events[0].sequence, 2);
	EXPECT_EQ(events[2].sequence - events[1].sequence, 2);
	expect_frame(&kms, event_us(&events[1]) - event_us(&events[0]), 2);
	expect_frame(&kms, event_us(&events[2]) - event_us(&events[0]), 4);
	/* By time: ten minutes of frames, at once. */
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &wait));
	vblank("step --time 10min");
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &wait));
	EXPECT(wait.reply.sequence - events[2].sequence >= 600 * 59);
}

TEST(what_clients_give_as_a_moment_is_real_time)
{
	struct kms kms;
	uint32_t syncobj, fb;

	begin(true);
	show_by_hand(&kms, &fb);
	syncobj = syncobj_create(kms.fd);
	EXPECT_ERROR(result(drmSyncobjWait(kms.fd, &syncobj, 1, (int64_t)now_ns() + 20000000,
					   DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT, NULL)),
		     ETIME);
}

TEST(time_can_be_let_run_and_stopped_again)
{
	struct kms kms;
	uint32_t fb;

	begin(true);
	show_by_hand(&kms, &fb);
	vblank("run");
	EXPECT_EQ(inject_status("vblank step"), 1);
	EXPECT_OK(flip(&kms, fb, 1));
	expect_flip(&kms, 1);
	vblank("stop");
	EXPECT_OK(flip(&kms, fb, 2));
	EXPECT(!readable(kms.fd, 100));
	vblank("fast");
	expect_flip(&kms, 2);
	for (int i = 0; i < 100; i++) {
		EXPECT_OK(flip(&kms, fb, 3));
		expect_flip(&kms, 3);
	}
	vblank("stop");
	/* The server would be busy for an hour. */
	EXPECT_EQ(inject_status("vblank step 1000000000"), 1);
	EXPECT_OK(kms_off(&kms));
	EXPECT_EQ(inject_status("vblank step"), 1);
}

TEST(a_dropped_flip_is_given_up_in_the_devices_time)
{
	struct kms kms;
	uint32_t fb;

	begin(true);
	show_by_hand(&kms, &fb);
	inject("flip drop 1");
	EXPECT_OK(flip(&kms, fb, 1));
	vblank("step --time 9.9s");
	EXPECT_ERROR(flip(&kms, fb, 2), EBUSY);
	vblank("step --time 150ms");
	EXPECT_OK(flip(&kms, fb, 3));
	vblank("step");
	expect_flip(&kms, 3);
}

TEST(a_suspended_display_counts_no_vblanks)
{
	union drm_wait_vblank before, after;
	struct kms kms;
	uint32_t fb;

	begin(true);
	show_by_hand(&kms, &fb);
	vblank("step 10");
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &before));
	inject("suspend");
	vblank("step --time 5s");
	EXPECT_EQ(inject_status("vblank step"), 1);
	inject("resume");
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &after));
	/* None but that of a modeset, which it is to go on. */
	EXPECT_EQ(after.reply.sequence, before.reply.sequence + 1);
	vblank("step");
	EXPECT_OK(wait_vblank(kms.fd, DRM_VBLANK_RELATIVE, 0, &after));
	EXPECT_EQ(after.reply.sequence, before.reply.sequence + 2);
}
