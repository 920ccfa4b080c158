/* SPDX-License-Identifier: MIT */
/* Objects of the driver's own: creation, mapping, advice, parameters. */
#include "engine.h"

#include <signal.h>

#define A UINT64_C(0x100000000)

/* -- parameters --------------------------------------------------------------------- */

TEST(parameters_are_what_the_header_says)
{
	int fd = open_render();
	uint64_t sizes = get_param(fd, HOLDFAST_PARAM_PAGE_SIZES);

	EXPECT(get_param(fd, HOLDFAST_PARAM_ENGINE) <= 1);
	EXPECT(get_param(fd, HOLDFAST_PARAM_IOMMU) <= 1);
	EXPECT(get_param(fd, HOLDFAST_PARAM_COHERENT) <= 1);
	EXPECT_EQ(get_param(fd, HOLDFAST_PARAM_VA_BITS), 48);
	EXPECT_EQ(sizes, 4 * KIB | 64 * KIB | 2 * MIB);
	EXPECT(get_param(fd, HOLDFAST_PARAM_CORES) >= get_param(fd, HOLDFAST_PARAM_ENGINE));
	EXPECT(get_param(fd, HOLDFAST_PARAM_TIMEOUT_MS) > 0);
	EXPECT(get_param(fd, HOLDFAST_PARAM_CMD_MAX) >= 4096);
	EXPECT(get_param(fd, HOLDFAST_PARAM_USERPTR_MAX) >= 64 * MIB);
}

TEST(an_unknown_parameter_is_einval)
{
	struct drm_holdfast_get_param get = { .param = 9 };
	int fd = open_render();

	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &get), EINVAL);
	get.param = ~0u;
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &get), EINVAL);
	get = (struct drm_holdfast_get_param){ .param = HOLDFAST_PARAM_ENGINE, .pad = 1 };
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &get), EINVAL);
}

TEST(the_driver_says_who_it_is)
{
	int fd = open_render();
	drmVersion *version = drmGetVersion(fd);

	EXPECT(version);
	EXPECT(!strcmp(version->name, HOLDFAST_DRM_NAME));
	EXPECT_EQ(version->version_major, HOLDFAST_DRM_MAJOR);
	EXPECT_EQ(version->version_minor, HOLDFAST_DRM_MINOR);
}

TEST(a_primary_node_needs_an_authenticated_file)
{
	int master = open_master(), other = open_second();
	struct drm_holdfast_get_param get = { .param = HOLDFAST_PARAM_ENGINE };
	struct drm_auth magic = { 0 };
	uint32_t handle;

	EXPECT_OK(gem_create(master, PAGE, 0, &handle));
	if (!is_root()) {
		EXPECT_ERROR(gem_create(other, PAGE, 0, &handle), EACCES);
		EXPECT_ERROR(call(other, DRM_IOCTL_HOLDFAST_GET_PARAM, &get), EACCES);
	}
	EXPECT_OK(call(other, DRM_IOCTL_GET_MAGIC, &magic));
	EXPECT_OK(call(master, DRM_IOCTL_AUTH_MAGIC, &magic));
	EXPECT_OK(gem_create(other, PAGE, 0, &handle));
	EXPECT_OK(call(other, DRM_IOCTL_HOLDFAST_GET_PARAM, &get));
}

/* -- GEM_CREATE and GEM_MMAP_OFFSET ----------------------------------------------------- */

TEST(create_checks_size_and_flags)
{
	int fd = open_render();
	uint32_t handle;

	EXPECT_ERROR(gem_create(fd, 0, 0, &handle), EINVAL);
	EXPECT_ERROR(gem_create(fd, PAGE, 2, &handle), EINVAL);
	EXPECT_ERROR(gem_create(fd, PAGE, 1u << 31, &handle), EINVAL);
	EXPECT_ERROR(gem_create(fd, 0, HOLDFAST_GEM_CONTIGUOUS, &handle), EINVAL);
	/* It wraps when it is rounded up. */
	EXPECT(gem_create(fd, -(uint64_t)1, 0, &handle) != 0);
	EXPECT_ERROR(gem_create(fd, UINT64_C(1) << 40, HOLDFAST_GEM_CONTIGUOUS, &handle), ENOMEM);
	EXPECT_OK(gem_create(fd, 1, 0, &handle));
	EXPECT(handle);
}

static void is_zero_and_keeps(uint64_t size, uint32_t flags)
{
	struct object object, again;

	object_create(open_render(), size, flags, &object);
	EXPECT(bytes_are(object.data, size, 0));
	pattern_fill(object.data, size, 1);
	again = object;
	again.data = gem_map(object.fd, object.handle, size);
	EXPECT(pattern_is(again.data, size, 1));
}

TEST(an_object_is_zero_and_keeps_what_is_stored)
{
	IN_CHILD(is_zero_and_keeps(PAGE, 0););
	IN_CHILD(is_zero_and_keeps(100 * KIB, 0););
	IN_CHILD(is_zero_and_keeps(17 * MIB, 0););
	IN_CHILD(is_zero_and_keeps(PAGE, HOLDFAST_GEM_CONTIGUOUS););
	IN_CHILD(is_zero_and_keeps(3 * MIB, HOLDFAST_GEM_CONTIGUOUS););
}

TEST(a_contiguous_object_is_zero_after_another_was_there)
{
	struct object object;
	int fd = open_render();

	for (int i = 0; i < 20; i++) {
		object_create(fd, 5 * MIB, HOLDFAST_GEM_CONTIGUOUS, &object);
		EXPECT(bytes_are(object.data, object.size, 0));
		memset(object.data, 0xa5, object.size);
		object_destroy(&object);
	}
}

TEST(a_size_is_rounded_up_to_pages)
{
	int fd = open_render();
	uint32_t handle;
	int dmabuf;

	EXPECT_OK(gem_create(fd, PAGE + 1, 0, &handle));
	EXPECT_OK(prime_export(fd, handle, 0, &dmabuf));
	EXPECT_EQ(lseek(dmabuf, 0, SEEK_END), 2 * PAGE);
}

TEST(mmap_offset_checks_its_arguments)
{
	struct drm_holdfast_gem_mmap_offset get = { .pad = 1 };
	int fd = open_render();
	uint64_t offset;

	EXPECT_OK(gem_create(fd, PAGE, 0, &get.handle));
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &get), EINVAL);
	get.handle += 100;
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &get), EINVAL);
	EXPECT_ERROR(gem_mmap_offset(fd, get.handle, &offset), ENOENT);
	EXPECT_ERROR(gem_mmap_offset(fd, 0, &offset), ENOENT);
}

TEST(an_offset_ends_with_the_handle)
{
	int fd = open_render();
	uint32_t handle;
	uint64_t offset, again;

	EXPECT_OK(gem_create(fd, PAGE, 0, &handle));
	EXPECT_OK(gem_mmap_offset(fd, handle, &offset));
	EXPECT_OK(gem_mmap_offset(fd, handle, &again));
	EXPECT_EQ(offset, again);
	EXPECT_EQ(offset % PAGE, 0);
	EXPECT(mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, (off_t)offset) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
	EXPECT_OK(gem_close(fd, handle));
	EXPECT(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, (off_t)offset) == MAP_FAILED);
	EXPECT_EQ(errno, EINVAL);
}

TEST(what_the_cpu_stores_the_engine_sees_and_back)
{
	struct engine engine;
	struct object one, two, contiguous;

	engine_open(&engine);
	object_create(engine.fd, 3 * MIB, 0, &one);
	object_create(engine.fd, 3 * MIB, HOLDFAST_GEM_CONTIGUOUS, &contiguous);
	object_create(engine.fd, 3 * MIB, 0, &two);
	engine_map(&engine, &one, A);
	engine_map(&engine, &contiguous, A + 16 * MIB);
	engine_map(&engine, &two, A + 32 * MIB);
	pattern_fill(one.data, one.size, 5);
	emit_copy_linear(&engine, A + 16 * MIB, A, one.size);
	emit_copy_linear(&engine, A + 32 * MIB, A + 16 * MIB, one.size);
	run(&engine);
	EXPECT(pattern_is(contiguous.data, contiguous.size, 5));
	EXPECT(pattern_is(two.data, two.size, 5));
}

/* Pages are made when they are needed, by whoever comes first. */
TEST(the_engine_finds_zeroes_where_nobody_has_stored)
{
	struct engine engine;
	struct object object, copy;

	engine_open(&engine);
	object_create(engine.fd, 2 * MIB, 0, &object);
	engine_map(&engine, &object, A);
	read_back(&engine, A, 2 * MIB, &copy);
	EXPECT(bytes_are(copy.data, copy.size, 0));
}

TEST(dumb_buffers_can_be_bound)
{
	struct engine engine;
	struct object object;
	struct dumb dumb;
	int fd = open_master();

	engine_create(fd, PATIENT_MS, &engine);
	need_coherent(fd);
	dumb_create(fd, 256, 256, 32, &dumb);
	object = (struct object){ fd, dumb.handle, dumb.size, dumb_map(&dumb) };
	engine_map(&engine, &object, A);
	emit_write(&engine, A + 12, 0xabcd);
	run(&engine);
	EXPECT_EQ(((uint32_t *)object.data)[3], 0xabcd);
}

/* -- GEM_WAIT ------------------------------------------------------------------------------ */

TEST(wait_checks_its_arguments)
{
	int fd = open_render();
	uint32_t handle;

	EXPECT_OK(gem_create(fd, PAGE, 0, &handle));
	EXPECT_ERROR(gem_wait(fd, handle, 2, 0), EINVAL);
	EXPECT_ERROR(gem_wait(fd, handle + 100, 2, 0), EINVAL);
	EXPECT_ERROR(gem_wait(fd, handle + 100, 0, 0), ENOENT);
	EXPECT_ERROR(gem_wait(fd, 0, 0, INT64_MAX), ENOENT);
	EXPECT_OK(gem_wait(fd, handle, 0, 0));
	EXPECT_OK(gem_wait(fd, handle, HOLDFAST_WAIT_WRITE, -1));
	EXPECT_OK(gem_wait(fd, handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
	(void)number;
	alarms++;
}

TEST(a_signal_interrupts_gem_wait)
{
	struct drm_holdfast_object object;
	struct drm_holdfast_gem_wait wait = { .timeout_ns = INT64_MAX };
	struct sigaction action = { .sa_handler = count_alarm };
	struct engine engine;

	engine_open(&engine);
	EXPECT_OK(gem_create(engine.fd, PAGE, 0, &wait.handle));
	object = (struct drm_holdfast_object){ wait.handle, HOLDFAST_OBJECT_WRITE };
	emit_hold(&engine, 0);
	EXPECT_OK(submit(&engine, NULL, 0, &object, 1));
	EXPECT_OK(result(sigaction(SIGALRM, &action, NULL)));
	ualarm(50000, 0);
	EXPECT_EQ(ioctl(engine.fd, DRM_IOCTL_HOLDFAST_GEM_WAIT, &wait), -1);
	EXPECT_EQ(errno, EINTR);
	EXPECT_EQ(alarms, 1);
	alarm(20);
	await(&engine, 0);
	release(&engine, 0);
	EXPECT_OK(gem_wait(engine.fd, wait.handle, 0, INT64_MAX));
}

/* -- GEM_MADVISE ----------------------------------------------------------------------------- */

TEST(madvise_checks_its_arguments)
{
	struct drm_holdfast_gem_madvise advise = { .pad = 1 };
	int fd = open_render();
	uint32_t handle, retained;

	EXPECT_OK(gem_create(fd, PAGE, 0, &handle));
	advise.handle = handle;
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_GEM_MADVISE, &advise), EINVAL);
	EXPECT_ERROR(gem_madvise(fd, handle, 2, &retained), EINVAL);
	EXPECT_ERROR(gem_madvise(fd, handle + 100, 2, &retained), EINVAL);
	EXPECT_ERROR(gem_madvise(fd, handle + 100, HOLDFAST_MADV_DONTNEED, &retained), ENOENT);
	EXPECT_OK(gem_madvise(fd, handle, HOLDFAST_MADV_WILLNEED, &retained));
	EXPECT_EQ(retained, 1);
}

TEST(advice_alone_loses_nothing)
{
	struct object object;
	uint32_t retained;

	object_create(open_render(), MIB, 0, &object);
	pattern_fill(object.data, object.size, 2);
	EXPECT_OK(gem_madvise(object.fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained));
	EXPECT_EQ(retained, 1);
	EXPECT_OK(gem_madvise(object.fd, object.handle, HOLDFAST_MADV_WILLNEED, &retained));
	EXPECT_EQ(retained, 1);
	EXPECT(pattern_is(object.data, object.size, 2));
}

TEST(what_is_not_needed_cannot_be_bound)
{
	struct engine engine;
	struct object object;
	uint32_t retained;

	engine_open(&engine);
	object_create(engine.fd, PAGE, 0, &object);
	EXPECT_OK(gem_madvise(engine.fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained));
	EXPECT_ERROR(vm_map(engine.fd, engine.vm, &object, A), EFAULT);
	EXPECT_OK(gem_madvise(engine.fd, object.handle, HOLDFAST_MADV_WILLNEED, &retained));
	EXPECT_OK(vm_map(engine.fd, engine.vm, &object, A));
	/* Bound, it may be given up: it is held as long as it is bound. */
	EXPECT_OK(gem_madvise(engine.fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained));
	EXPECT_EQ(retained, 1);
	emit_write(&engine, A, 3);
	run(&engine);
	EXPECT_EQ(*(uint32_t *)object.data, 3);
}

/* -- scanout --------------------------------------------------------------------------------- */

static int add_framebuffer(int fd, uint32_t handle, uint32_t pitch)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = 512, .height = 512, .pixel_format = DRM_FORMAT_XRGB8888,
		.handles = { handle }, .pitches = { pitch },
	};

	return call(fd, DRM_IOCTL_MODE_ADDFB2, &cmd);
}

TEST(scattered_framebuffer_needs_an_iommu)
{
	int fd = open_master();
	bool iommu = get_param(fd, HOLDFAST_PARAM_IOMMU);
	uint32_t scattered, contiguous;
	struct dumb dumb;

	need_kms(fd);
	EXPECT_OK(gem_create(fd, 4 * MIB, 0, &scattered));
	EXPECT_OK(gem_create(fd, 4 * MIB, HOLDFAST_GEM_CONTIGUOUS, &contiguous));
	dumb_create(fd, 512, 512, 32, &dumb);
	EXPECT_OK(add_framebuffer(fd, dumb.handle, dumb.pitch));
	EXPECT_OK(add_framebuffer(fd, contiguous, 2048));
	EXPECT_ERROR(add_framebuffer(fd, scattered, 2048), iommu ? 0 : EINVAL);
}

/* The mode that the test runs in is the one that it was told. */
TEST(the_device_is_as_the_command_was_told)
{
	const char *iommu = getenv("EXPECT_IOMMU"), *coherent = getenv("EXPECT_COHERENT");
	int fd = open_render();

	if (!iommu && !coherent)
		skip("nobody said what to expect");
	if (iommu)
		EXPECT_EQ(get_param(fd, HOLDFAST_PARAM_IOMMU), atoi(iommu));
	if (coherent)
		EXPECT_EQ(get_param(fd, HOLDFAST_PARAM_COHERENT), atoi(coherent));
}
