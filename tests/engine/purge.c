/* SPDX-License-Identifier: MIT */
/*
 * A device with little memory: what is not needed is dropped, what is needed or
 * in use is not, and when nothing is left to drop it is ENOMEM. Run with
 * --memory, whose bytes MEMORY names.
 */
#include "engine.h"

#define A UINT64_C(0x100000000)

static uint64_t memory(void)
{
	const char *text = getenv("MEMORY");

	if (!text)
		skip("MEMORY does not say how much the device has");
	return strtoull(text, NULL, 10);
}

/* Objects that cannot be dropped, one after the other, each an eighth of all. */
struct pressure {
	struct engine engine;
	uint64_t va;
};

static int press(struct pressure *pressure)
{
	struct object object = { .fd = pressure->engine.fd, .size = memory() / 8 };
	int error = gem_create(object.fd, object.size, 0, &object.handle);

	if (!error) {
		error = vm_map(object.fd, pressure->engine.vm, &object, pressure->va);
		gem_close(object.fd, object.handle);
	}
	if (!error)
		pressure->va += object.size;
	return error;
}

static void open_pressure(struct pressure *pressure)
{
	memory();
	engine_open(&pressure->engine);
	pressure->va = A;
}

static uint32_t advise(const struct object *object, uint32_t madv)
{
	uint32_t retained;

	EXPECT_OK(gem_madvise(object->fd, object->handle, madv, &retained));
	return retained;
}

/* Its pages exist. */
static void filled(int fd, uint32_t seed, struct object *object)
{
	object_create(fd, memory() / 8, 0, object);
	pattern_fill(object->data, object->size, seed);
}

TEST(purged_object_reports_not_retained)
{
	struct pressure pressure;
	struct object needed, not_needed;

	open_pressure(&pressure);
	filled(pressure.engine.fd, 1, &needed);
	filled(pressure.engine.fd, 2, &not_needed);
	EXPECT_EQ(advise(&not_needed, HOLDFAST_MADV_DONTNEED), 1);
	while (!press(&pressure))
		;
	EXPECT_EQ(advise(&not_needed, HOLDFAST_MADV_WILLNEED), 0);
	/* It stays so, and it cannot be used any more. */
	EXPECT_EQ(advise(&not_needed, HOLDFAST_MADV_WILLNEED), 0);
	EXPECT_ERROR(vm_map(not_needed.fd, pressure.engine.vm, &not_needed, A - 64 * MIB), EFAULT);
	EXPECT_EQ(advise(&needed, HOLDFAST_MADV_WILLNEED), 1);
	EXPECT(pattern_is(needed.data, needed.size, 1));
}

/* Whether something else has it mapped at the moment does not matter. */
TEST(object_that_is_not_needed_cannot_be_bound_again)
{
	struct pressure pressure;
	struct object object;

	open_pressure(&pressure);
	filled(pressure.engine.fd, 1, &object);
	EXPECT_OK(vm_map(object.fd, pressure.engine.vm, &object, A - 64 * MIB));
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_DONTNEED), 1);
	EXPECT_ERROR(vm_map(object.fd, pressure.engine.vm, &object, A - 128 * MIB), EFAULT);
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_WILLNEED), 1);
	EXPECT_OK(vm_map(object.fd, pressure.engine.vm, &object, A - 128 * MIB));
}

TEST(a_device_without_memory_says_so_and_recovers)
{
	struct pressure pressure;
	int error, count = 0;

	open_pressure(&pressure);
	while (!(error = press(&pressure)))
		EXPECT(++count <= 8);
	EXPECT_EQ(error, ENOMEM);
	EXPECT(count >= 4);
	EXPECT_ERROR(press(&pressure), ENOMEM);
	EXPECT_OK(vm_unmap(pressure.engine.fd, pressure.engine.vm, A, memory()));
	for (int i = 0; i < count; i++)
		EXPECT_OK(press(&pressure));
}

TEST(an_object_that_can_never_fit_is_enomem)
{
	struct pressure pressure;
	struct object object = { .size = 16 * memory() };
	int error;

	open_pressure(&pressure);
	object.fd = pressure.engine.fd;
	error = gem_create(object.fd, object.size, 0, &object.handle);
	if (!error)
		error = vm_map(object.fd, pressure.engine.vm, &object, A);
	EXPECT_ERROR(error, ENOMEM);
	EXPECT_OK(press(&pressure));
}

/* Without touching it in a way that the device sees. */
static bool is_gone(const struct object *object)
{
	return bytes_are(object->data, PAGE, 0);
}

TEST(the_least_recently_used_goes_first)
{
	struct pressure pressure;
	struct object objects[3];
	static const uint32_t order[] = { 1, 2, 0 };

	open_pressure(&pressure);
	for (uint32_t i = 0; i < 3; i++)
		filled(pressure.engine.fd, i, &objects[i]);
	for (uint32_t i = 0; i < 3; i++) {
		EXPECT_OK(vm_map(pressure.engine.fd, pressure.engine.vm, &objects[order[i]],
				 A - 64 * MIB));
		EXPECT_OK(vm_unmap(pressure.engine.fd, pressure.engine.vm, A - 64 * MIB,
				   objects[0].size));
		EXPECT_EQ(advise(&objects[order[i]], HOLDFAST_MADV_DONTNEED), 1);
	}
	/* One eighth at a time: one of them goes at a time. */
	for (uint32_t i = 0; i < 3; i++) {
		while (!is_gone(&objects[order[i]]))
			EXPECT_OK(press(&pressure));
		for (uint32_t later = i + 1; later < 3; later++)
			EXPECT(!is_gone(&objects[order[later]]));
	}
}

TEST(what_is_bound_is_not_purged)
{
	struct pressure pressure;
	struct object object;

	open_pressure(&pressure);
	filled(pressure.engine.fd, 3, &object);
	engine_map(&pressure.engine, &object, A - 64 * MIB);
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_DONTNEED), 1);
	while (!press(&pressure))
		;
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_DONTNEED), 1);
	EXPECT(pattern_is(object.data, object.size, 3));
	/* Once it is not bound any more, it may go. */
	EXPECT_OK(vm_unmap(object.fd, pressure.engine.vm, A - 64 * MIB, object.size));
	EXPECT_OK(press(&pressure));
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_WILLNEED), 0);
}

TEST(what_is_shown_is_not_purged)
{
	struct pressure pressure;
	struct drm_mode_fb_cmd2 cmd = { .pixel_format = DRM_FORMAT_XRGB8888 };
	struct object object;
	struct kms kms;

	kms_open(&kms);
	open_pressure(&pressure);
	cmd.width = kms.mode.hdisplay;
	cmd.height = kms.mode.vdisplay;
	cmd.pitches[0] = 4 * cmd.width;
	object_create(kms.fd, ((uint64_t)cmd.pitches[0] * cmd.height + PAGE - 1) / PAGE * PAGE,
		      HOLDFAST_GEM_CONTIGUOUS, &object);
	pattern_fill(object.data, object.size, 4);
	cmd.handles[0] = object.handle;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	EXPECT_OK(kms_set(&kms, cmd.fb_id));
	advise(&object, HOLDFAST_MADV_DONTNEED);
	while (!press(&pressure))
		;
	EXPECT_EQ(advise(&object, HOLDFAST_MADV_WILLNEED), 1);
	EXPECT(pattern_is(object.data, object.size, 4));
}
