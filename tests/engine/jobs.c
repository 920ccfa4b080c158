/* SPDX-License-Identifier: MIT */
/* Contexts and jobs: what SUBMIT takes, faults, order, and fences. */
#include "engine.h"

#include <signal.h>
#include <sys/wait.h>

#define A UINT64_C(0x100000000)
#define B UINT64_C(0x200000000)
#define NOWHERE UINT64_C(0x400000000)

static uint32_t slot_value(const struct engine *engine, unsigned int n)
{
	return *(volatile uint32_t *)((char *)engine->slots.data + 64 * n);
}

/* Other contexts are fine, on the same file and on another. */
static void expect_others_unharmed(const struct engine *engine)
{
	struct engine sibling, stranger;

	engine_sibling(engine, &sibling);
	emit_write(&sibling, SLOT(60), 60);
	run(&sibling);
	EXPECT_EQ(slot_value(&sibling, 60), 60);
	EXPECT_OK(ctx_destroy(sibling.fd, sibling.ctx));
	engine_open(&stranger);
	emit_write(&stranger, SLOT(1), 61);
	run(&stranger);
	EXPECT_EQ(slot_value(&stranger, 1), 61);
	close(stranger.fd);
}

/* -- contexts ----------------------------------------------------------------------- */

TEST(ctx_create_checks_its_arguments)
{
	struct drm_holdfast_ctx_create good, create;
	int fd = open_render();
	uint32_t vm;

#define REFUSED(field, number, error)						\
	do {									\
		create = good;							\
		create.field = number;						\
		EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &create), error); \
	} while (0)

	need_engine(fd);
	EXPECT_OK(vm_create(fd, &vm));
	good = (struct drm_holdfast_ctx_create){
		.vm_id = vm, .priority = HOLDFAST_PRIORITY_LOW, .timeout_ms = 60000,
	};
	REFUSED(flags, 1, EINVAL);
	REFUSED(pad, 1, EINVAL);
	REFUSED(priority, 3, EINVAL);
	REFUSED(priority, ~0u, EINVAL);
	REFUSED(timeout_ms, 60001, EINVAL);
	REFUSED(timeout_ms, ~0u, EINVAL);
	REFUSED(vm_id, 0, ENOENT);
	REFUSED(vm_id, vm + 100, ENOENT);
	/* Flags come before the address space. */
	create = good;
	create.flags = 1;
	create.vm_id = vm + 100;
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &create), EINVAL);
	EXPECT_OK(call(fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &good));
	EXPECT(good.ctx_id);
#undef REFUSED
}

TEST(a_context_is_gone_once_destroyed)
{
	struct drm_holdfast_ctx_destroy destroy;
	struct drm_holdfast_ctx_query query;
	struct engine engine;

	engine_open(&engine);
	destroy = (struct drm_holdfast_ctx_destroy){ .ctx_id = engine.ctx, .pad = 1 };
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_CTX_DESTROY, &destroy), EINVAL);
	EXPECT_OK(ctx_destroy(engine.fd, engine.ctx));
	EXPECT_ERROR(ctx_destroy(engine.fd, engine.ctx), ENOENT);
	EXPECT_ERROR(ctx_destroy(engine.fd, 0), ENOENT);
	EXPECT_ERROR(submit(&engine, NULL, 0, NULL, 0), ENOENT);
	query = (struct drm_holdfast_ctx_query){ .ctx_id = engine.ctx };
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, &query), ENOENT);
}

TEST(a_high_priority_needs_a_right)
{
	uint32_t vm, ctx;
	int fd;

	if (is_root()) {
		fd = open_render();
		need_engine(fd);
		EXPECT_OK(vm_create(fd, &vm));
		EXPECT_OK(ctx_create(fd, vm, HOLDFAST_PRIORITY_HIGH, 0, &ctx));
	}
	IN_CHILD({
		if (is_root())
			become_nobody();
		fd = open_render();
		need_engine(fd);
		EXPECT_OK(vm_create(fd, &vm));
		EXPECT_ERROR(ctx_create(fd, vm, HOLDFAST_PRIORITY_HIGH, 0, &ctx), EACCES);
		EXPECT_OK(ctx_create(fd, vm, HOLDFAST_PRIORITY_NORMAL, 0, &ctx));
		EXPECT_OK(ctx_create(fd, vm, HOLDFAST_PRIORITY_LOW, 0, &ctx));
	});
}

TEST(a_master_may_have_a_high_priority)
{
	uint32_t vm, ctx;
	int fd = open_master();

	need_engine(fd);
	EXPECT_OK(vm_create(fd, &vm));
	EXPECT_OK(ctx_create(fd, vm, HOLDFAST_PRIORITY_HIGH, 0, &ctx));
}

TEST(a_context_counts_its_jobs_and_its_time)
{
	struct drm_holdfast_ctx_query before, after;
	struct engine engine;

	engine_open(&engine);
	ctx_query(engine.fd, engine.ctx, &before);
	EXPECT_EQ(before.banned, 0);
	EXPECT_EQ(before.fault, HOLDFAST_FAULT_NONE);
	EXPECT_EQ(before.jobs_done, 0);
	EXPECT_EQ(before.busy_ns, 0);
	for (int i = 0; i < 5; i++) {
		emit_write(&engine, SLOT(i), 1);
		run(&engine);
	}
	ctx_query(engine.fd, engine.ctx, &after);
	EXPECT_EQ(after.jobs_done, 5);
	EXPECT(after.busy_ns > 0);
}

/* -- what SUBMIT takes -------------------------------------------------------------------- */

TEST(submit_checks_its_arguments)
{
	struct drm_holdfast_submit good, bad;
	struct drm_holdfast_object object;
	struct drm_holdfast_sync sync;
	struct engine engine;
	uint32_t empty;
	uint64_t max;

#define REFUSED(field, number, error)						\
	do {									\
		bad = good;							\
		bad.field = number;						\
		EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_SUBMIT, &bad), error); \
	} while (0)

	engine_open(&engine);
	max = get_param(engine.fd, HOLDFAST_PARAM_CMD_MAX);
	EXPECT(max >= 4096 && max % 8 == 0);
	emit_write(&engine, SLOT(0), 1);
	good = (struct drm_holdfast_submit){
		.ctx_id = engine.ctx, .cmd_va = COMMANDS_VA, .cmd_size = (uint32_t)engine.end,
	};
	REFUSED(flags, 1, EINVAL);
	REFUSED(pad, 1, EINVAL);
	REFUSED(cmd_va, COMMANDS_VA + 4, EINVAL);
	REFUSED(cmd_va, UINT64_C(1) << 48, EINVAL);
	REFUSED(cmd_va, -(uint64_t)8, EINVAL);
	REFUSED(cmd_size, 12, EINVAL);
	REFUSED(cmd_size, (uint32_t)max + 8, EINVAL);
	REFUSED(num_syncs, 65, EINVAL);
	REFUSED(num_objects, 4097, EINVAL);
	REFUSED(ctx_id, 0, ENOENT);
	REFUSED(ctx_id, engine.ctx + 100, ENOENT);
	REFUSED(num_syncs, 1, EFAULT);
	REFUSED(num_objects, 1, EFAULT);
	/* What can be seen at once comes before what must be looked up. */
	EXPECT_EQ(slot_value(&engine, 0), 0);
	bad = good;
	bad.flags = 1;
	bad.ctx_id = 0;
	bad.num_syncs = 1;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_SUBMIT, &bad), EINVAL);

	object = (struct drm_holdfast_object){ .handle = 4711 };
	good.objects = PTR(&object);
	REFUSED(num_objects, 1, ENOENT);
	object = (struct drm_holdfast_object){ .handle = engine.slots.handle, .flags = 2 };
	REFUSED(num_objects, 1, EINVAL);

	empty = syncobj_create(engine.fd);
	good.syncs = PTR(&sync);
	sync = wait_for(4711, 0);
	REFUSED(num_syncs, 1, ENOENT);
	sync = signal_to(4711, 0);
	REFUSED(num_syncs, 1, ENOENT);
	sync = wait_for(empty, 0);
	REFUSED(num_syncs, 1, EINVAL);
	sync = wait_for(empty, 3);
	REFUSED(num_syncs, 1, EINVAL);
	sync = signal_to(empty, 0);
	sync.flags |= 4;
	REFUSED(num_syncs, 1, EINVAL);
	/* None of them ran. */
	EXPECT_EQ(slot_value(&engine, 0), 0);
	EXPECT_OK(call(engine.fd, DRM_IOCTL_HOLDFAST_SUBMIT, &good));
	await(&engine, 0);
#undef REFUSED
}

TEST(an_empty_job_signals_its_fence)
{
	struct engine engine;
	uint32_t done;

	engine_open(&engine);
	done = go(&engine);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, done), 1);
}

TEST(an_empty_job_waits_for_the_jobs_before_it)
{
	struct engine engine;
	uint32_t first, second;

	engine_open(&engine);
	emit_hold(&engine, 0);
	first = go(&engine);
	second = go(&engine);
	await(&engine, 0);
	EXPECT(!syncobj_done(engine.fd, second));
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, second, INT64_MAX));
	EXPECT(syncobj_done(engine.fd, first));
}

TEST(a_job_of_64_syncs_and_4096_objects_is_taken)
{
	static struct drm_holdfast_object objects[4096];
	struct drm_holdfast_sync syncs[64];
	struct engine engine;
	uint32_t handle;

	engine_open(&engine);
	for (uint32_t i = 0; i < 4096; i++) {
		EXPECT_OK(gem_create(engine.fd, PAGE, 0, &handle));
		objects[i] = (struct drm_holdfast_object){ handle, i & HOLDFAST_OBJECT_WRITE };
	}
	for (uint32_t i = 0; i < 64; i++)
		syncs[i] = signal_to(syncobj_create(engine.fd), i % 3);
	emit_write(&engine, SLOT(0), 1);
	EXPECT_OK(submit(&engine, syncs, 64, objects, 4096));
	await(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, syncs[63].handle, INT64_MAX));
	EXPECT_OK(gem_wait(engine.fd, objects[4095].handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
}

TEST(an_object_may_be_named_twice)
{
	struct drm_holdfast_object objects[2];
	struct engine engine;

	engine_open(&engine);
	objects[0] = (struct drm_holdfast_object){ engine.slots.handle, 0 };
	objects[1] = (struct drm_holdfast_object){ engine.slots.handle, HOLDFAST_OBJECT_WRITE };
	emit_write(&engine, SLOT(0), 1);
	EXPECT_OK(submit(&engine, NULL, 0, objects, 2));
	EXPECT_OK(gem_wait(engine.fd, engine.slots.handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
	EXPECT_EQ(slot_value(&engine, 0), 1);
}

/* -- order ---------------------------------------------------------------------------------- */

TEST(jobs_of_a_context_run_in_order)
{
	enum { JOBS = 500 };
	struct engine engine;
	struct object log;
	uint32_t done = 0;

	engine_open(&engine);
	object_create(engine.fd, PAGE, 0, &log);
	engine_map(&engine, &log, A);
	/* Each job copies what the one before it wrote, and adds its own. */
	for (uint32_t i = 0; i < JOBS; i++) {
		emit_write(&engine, A + 8 * (i % 2), i);
		emit_copy_linear(&engine, A + 64 + 4 * i, A + 8 * ((i + 1) % 2), 4);
		done = go(&engine);
	}
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	for (uint32_t i = 1; i < JOBS; i++)
		EXPECT_EQ(((uint32_t *)log.data)[16 + i], i - 1);
}

TEST(contexts_do_not_wait_for_each_other)
{
	enum { HELD = 16 };
	struct engine engine, held[HELD];
	uint32_t done[HELD];

	engine_open(&engine);
	/* More than there are cores. */
	for (unsigned int i = 0; i < HELD; i++) {
		engine_sibling(&engine, &held[i]);
		emit_hold(&held[i], 2 * i);
		done[i] = go(&held[i]);
	}
	for (unsigned int i = 0; i < HELD; i++)
		await(&held[i], 2 * i);
	emit_write(&engine, SLOT(60), 1);
	run(&engine);
	/* Backwards, too. */
	for (int i = HELD - 1; i >= 0; i--) {
		release(&held[i], 2 * (unsigned int)i);
		EXPECT_OK(syncobj_wait(engine.fd, done[i], INT64_MAX));
		EXPECT(i == 0 || !syncobj_done(engine.fd, done[i - 1]));
	}
}

TEST(a_spinning_job_does_not_starve_the_others)
{
	struct engine engine, spinner[8];

	engine_open(&engine);
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t va;

		engine_sibling(&engine, &spinner[i]);
		va = emit_nop(&spinner[i], 8);
		emit_jump(&spinner[i], va, 8 + sizeof(struct holdfast_cmd_jump));
		go(&spinner[i]);
	}
	for (int i = 0; i < 20; i++) {
		emit_write(&engine, SLOT(0), 1);
		run(&engine);
	}
}

TEST(a_job_waits_for_its_in_fences)
{
	struct engine engine, other;
	struct drm_holdfast_sync syncs[2];
	uint32_t done;

	engine_open(&engine);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	syncs[0] = wait_for(go(&other), 0);
	done = syncobj_create(engine.fd);
	syncs[1] = signal_to(done, 0);
	emit_write(&engine, SLOT(4), 1);
	EXPECT_OK(submit(&engine, syncs, 2, NULL, 0));
	await(&other, 0);
	usleep(20000);
	EXPECT_EQ(slot_value(&engine, 4), 0);
	EXPECT(!syncobj_done(engine.fd, done));
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT_EQ(slot_value(&engine, 4), 1);
}

TEST(a_syncobj_may_be_waited_for_and_signaled_by_one_job)
{
	struct engine engine, other;
	struct drm_holdfast_sync syncs[2];

	engine_open(&engine);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	syncs[0] = wait_for(go(&other), 0);
	syncs[1] = signal_to(syncs[0].handle, 0);
	emit_write(&engine, SLOT(4), 1);
	EXPECT_OK(submit(&engine, syncs, 2, NULL, 0));
	await(&other, 0);
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, syncs[1].handle, INT64_MAX));
	EXPECT_EQ(slot_value(&engine, 4), 1);
}

TEST(jobs_pass_a_timeline_between_contexts)
{
	enum { STEPS = 20 };
	struct engine engine, sides[2];
	uint32_t timeline;
	uint64_t point = STEPS;

	engine_open(&engine);
	engine_sibling(&engine, &sides[0]);
	engine_sibling(&engine, &sides[1]);
	timeline = syncobj_create(engine.fd);
	emit_hold(&engine, 0);
	EXPECT_OK(submit(&engine, &(struct drm_holdfast_sync){ timeline, HOLDFAST_SYNC_SIGNAL, 1 },
			 1, NULL, 0));
	for (uint32_t i = 1; i < STEPS; i++) {
		struct engine *side = &sides[i % 2];
		struct drm_holdfast_sync syncs[2] = {
			wait_for(timeline, i), signal_to(timeline, i + 1),
		};

		/* The number that the step before wrote goes one on. */
		emit_wait(side, SLOT(4), HOLDFAST_WAIT_EQUAL, i - 1, ~0u);
		emit_write(side, SLOT(4), i);
		EXPECT_OK(submit(side, syncs, 2, NULL, 0));
	}
	EXPECT_EQ(slot_value(&engine, 4), 0);
	await(&engine, 0);
	release(&engine, 0);
	EXPECT_OK(result(drmSyncobjTimelineWait(engine.fd, &timeline, &point, 1, INT64_MAX, 0,
						NULL)));
	EXPECT_EQ(slot_value(&engine, 4), STEPS - 1);
	EXPECT_OK(result(drmSyncobjQuery(engine.fd, &timeline, &point, 1)));
	EXPECT_EQ(point, STEPS);
}

/* -- faults -------------------------------------------------------------------------------- */

TEST(a_read_of_nothing_names_its_address)
{
	struct engine engine;

	engine_open(&engine);
	emit_copy_linear(&engine, SLOTS_VA, NOWHERE + 20, 4);
	run_fault(&engine, HOLDFAST_FAULT_UNMAPPED, NOWHERE + 20, false);
	expect_others_unharmed(&engine);
}

TEST(a_write_to_nothing_names_its_address)
{
	struct engine engine;

	engine_open(&engine);
	emit_write(&engine, NOWHERE + 24, 4);
	run_fault(&engine, HOLDFAST_FAULT_UNMAPPED, NOWHERE + 24, true);
	expect_others_unharmed(&engine);
}

TEST(a_fill_that_leaves_its_object_faults_where_it_does)
{
	struct engine engine;
	struct object object;
	struct holdfast_surface surface = {
		.va = A, .pitch = 4096, .format = DRM_FORMAT_XRGB8888,
		.width = 1024, .height = 5,
	};

	engine_open(&engine);
	object_create(engine.fd, 4 * PAGE, 0, &object);
	engine_map(&engine, &object, A);
	emit_fill(&engine, &surface, (struct holdfast_rect){ 0, 0, 1024, 5 }, 1);
	run_fault(&engine, HOLDFAST_FAULT_UNMAPPED, A + 4 * PAGE, true);
	/* A command that faults has changed nothing. */
	EXPECT(bytes_are(object.data, object.size, 0));
}

TEST(an_error_of_a_fence_is_not_its_waiters)
{
	struct engine engine, other;
	struct drm_holdfast_sync syncs[2];

	engine_open(&engine);
	engine_sibling(&engine, &other);
	emit_write(&other, NOWHERE, 1);
	syncs[0] = wait_for(go(&other), 0);
	syncs[1] = signal_to(syncobj_create(engine.fd), 0);
	emit_write(&engine, SLOT(4), 1);
	EXPECT_OK(submit(&engine, syncs, 2, NULL, 0));
	EXPECT_OK(syncobj_wait(engine.fd, syncs[1].handle, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, syncs[0].handle), -EIO);
	EXPECT_EQ(fence_status(engine.fd, syncs[1].handle), 1);
	EXPECT_EQ(slot_value(&engine, 4), 1);
}

TEST(commands_that_are_not_mapped_are_a_fault)
{
	struct engine engine;
	struct drm_holdfast_ctx_query query;

	engine_open(&engine);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, COMMANDS_VA, COMMANDS_SIZE));
	emit_write(&engine, SLOT(0), 1);
	EXPECT_OK(syncobj_wait(engine.fd, go(&engine), INT64_MAX));
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.banned, 1);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
	EXPECT_EQ(query.fault_va, COMMANDS_VA);
	EXPECT_EQ(query.write, 0);
	EXPECT_EQ(slot_value(&engine, 0), 0);
}

/* A command that is not one: the job stops there, the one before it has run. */
static void refuse(const void *command, size_t size)
{
	struct engine engine;
	uint64_t va;

	engine_open(&engine);
	emit_write(&engine, SLOT(0), 1);
	va = emit(&engine, command, size);
	emit_write(&engine, SLOT(1), 1);
	run_fault(&engine, HOLDFAST_FAULT_COMMAND, va, false);
	EXPECT_EQ(slot_value(&engine, 0), 1);
	EXPECT_EQ(slot_value(&engine, 1), 0);
	expect_others_unharmed(&engine);
}

TEST(garbage_is_a_fault)
{
	uint64_t random[8];
	static const struct holdfast_cmd bad[] = {
		{ 11, 8, 0 },		/* no such command */
		{ 0xffff, 8, 0 },
		{ HOLDFAST_CMD_NOP, 0, 0 },
		{ HOLDFAST_CMD_NOP, 4, 0 },
		{ HOLDFAST_CMD_NOP, 12, 0 },
		{ HOLDFAST_CMD_NOP, 8, 1 },
		{ HOLDFAST_CMD_END, 8, 1 },
		{ HOLDFAST_CMD_END, 16, 0 },
		{ HOLDFAST_CMD_WRITE, 8, 0 },
		{ HOLDFAST_CMD_NOP, 0xfff8, 0 }, /* beyond the end */
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		IN_CHILD(refuse(&bad[i], sizeof(bad[i])););
	memset(random, 0xff, sizeof(random));
	IN_CHILD(refuse(random, sizeof(random)););
	srand(3);
	for (int i = 0; i < 8; i++)
		random[i] = (uint64_t)rand() << 40 | 0x800b | (uint64_t)rand() << 16;
	IN_CHILD(refuse(random, sizeof(random)););
}

TEST(writes_and_waits_must_be_aligned_and_known)
{
	struct holdfast_cmd_write write = {
		.base = { HOLDFAST_CMD_WRITE, sizeof(write), 0 }, .va = SLOT(8) + 2,
	};
	struct holdfast_cmd_wait wait = {
		.base = { HOLDFAST_CMD_WAIT, sizeof(wait), 0 }, .va = SLOT(8) + 1, .mask = ~0u,
	};

	IN_CHILD(refuse(&write, sizeof(write)););
	write.va = SLOT(8) + 4;
	write.base.flags = HOLDFAST_WRITE_64;
	IN_CHILD(refuse(&write, sizeof(write)););
	write.base.flags = 2;
	IN_CHILD(refuse(&write, sizeof(write)););
	IN_CHILD(refuse(&wait, sizeof(wait)););
	wait.va = SLOT(8);
	wait.base.flags = 3;
	IN_CHILD(refuse(&wait, sizeof(wait)););
}

TEST(jumps_must_be_aligned)
{
	struct holdfast_cmd_jump jump = {
		.base = { HOLDFAST_CMD_JUMP, sizeof(jump), 0 }, .va = COMMANDS_VA + 4, .size = 8,
	};

	IN_CHILD(refuse(&jump, sizeof(jump)););
	jump.va = COMMANDS_VA;
	jump.size = 12;
	IN_CHILD(refuse(&jump, sizeof(jump)););
	jump.size = 8;
	jump.pad = 1;
	IN_CHILD(refuse(&jump, sizeof(jump)););
	jump.pad = 0;
	jump.base.flags = 1;
	IN_CHILD(refuse(&jump, sizeof(jump)););
}

static struct holdfast_surface good_surface(void)
{
	/* Nothing is mapped there: the check of the command comes first. */
	return (struct holdfast_surface){
		.va = NOWHERE, .pitch = 400, .format = DRM_FORMAT_XRGB8888,
		.width = 100, .height = 50,
	};
}

TEST(surfaces_are_checked)
{
	const struct holdfast_cmd_fill good = {
		.base = { HOLDFAST_CMD_FILL, sizeof(good), 0 },
		.dst = good_surface(), .rect = { 0, 0, 100, 50 },
	};
	struct holdfast_cmd_fill fill;

#define REFUSED(field, number)				\
	do {						\
		fill = good;				\
		fill.field = number;			\
		IN_CHILD(refuse(&fill, sizeof(fill));); \
	} while (0)

	REFUSED(base.flags, 1);
	REFUSED(pad, 1);
	REFUSED(dst.va, NOWHERE + 2);
	REFUSED(dst.pitch, 402);
	REFUSED(dst.pitch, 396); /* less than a line */
	REFUSED(dst.format, 0);
	REFUSED(dst.format, DRM_FORMAT_NV12);
	REFUSED(dst.width, 0);
	REFUSED(dst.height, 0);
	REFUSED(dst.height, 32768);
	REFUSED(rect.x, 1);
	REFUSED(rect.y, 1);
	REFUSED(rect.width, 101);
	REFUSED(rect.height, 51);
	REFUSED(rect.x, 0xffffffff);
	REFUSED(rect.height, 0xffffffff);
	/* A sum that wraps. */
	fill = good;
	fill.rect = (struct holdfast_rect){ 0xffffffff, 0, 2, 1 };
	IN_CHILD(refuse(&fill, sizeof(fill)););
#undef REFUSED
}

TEST(copies_between_sizes_of_pixels_or_out_of_bounds_are_a_fault)
{
	struct holdfast_cmd_copy good = {
		.base = { HOLDFAST_CMD_COPY, sizeof(good), 0 },
		.dst = good_surface(), .src = good_surface(), .rect = { 0, 0, 50, 50 },
	}, copy;

	copy = good;
	copy.dst.format = DRM_FORMAT_RGB565;
	IN_CHILD(refuse(&copy, sizeof(copy)););
	copy = good;
	copy.dst_x = 51;
	IN_CHILD(refuse(&copy, sizeof(copy)););
	copy = good;
	copy.dst_y = 1;
	IN_CHILD(refuse(&copy, sizeof(copy)););
	copy = good;
	copy.rect.x = 51;
	IN_CHILD(refuse(&copy, sizeof(copy)););
	copy = good;
	copy.dst_x = 0xffffffff;
	IN_CHILD(refuse(&copy, sizeof(copy)););
}

TEST(composites_and_scales_are_checked)
{
	struct holdfast_cmd_composite composite = {
		.base = { HOLDFAST_CMD_COMPOSITE, sizeof(composite), HOLDFAST_OP_MAX + 1 },
		.dst = good_surface(), .src = good_surface(), .rect = { 0, 0, 10, 10 },
		.alpha = 0xffff,
	};
	struct holdfast_cmd_scale scale = {
		.base = { HOLDFAST_CMD_SCALE, sizeof(scale), 2 },
		.dst = good_surface(), .src = good_surface(),
		.dst_rect = { 0, 0, 10, 10 }, .src_rect = { 0, 0, 10, 10 },
	};

	IN_CHILD(refuse(&composite, sizeof(composite)););
	composite.base.flags = HOLDFAST_OP_OVER;
	composite.alpha = 0x10000;
	IN_CHILD(refuse(&composite, sizeof(composite)););
	composite.alpha = 0xffff;
	composite.src_x = 91;
	IN_CHILD(refuse(&composite, sizeof(composite)););
	IN_CHILD(refuse(&scale, sizeof(scale)););
	scale.base.flags = 0;
	scale.src_rect.width = 101;
	IN_CHILD(refuse(&scale, sizeof(scale)););
}

TEST(a_truncated_command_is_a_fault)
{
	struct engine engine;
	struct drm_holdfast_submit args;
	struct drm_holdfast_ctx_query query;
	struct drm_holdfast_sync sync;
	uint64_t va;

	engine_open(&engine);
	sync = signal_to(syncobj_create(engine.fd), 0);
	va = emit_write(&engine, SLOT(0), 1);
	args = (struct drm_holdfast_submit){
		.ctx_id = engine.ctx, .cmd_va = va, .cmd_size = 16,
		.syncs = PTR(&sync), .num_syncs = 1,
	};
	EXPECT_OK(call(engine.fd, DRM_IOCTL_HOLDFAST_SUBMIT, &args));
	EXPECT_OK(syncobj_wait(engine.fd, sync.handle, INT64_MAX));
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_COMMAND);
	EXPECT_EQ(query.fault_va, va);
	EXPECT_EQ(slot_value(&engine, 0), 0);
}

TEST(a_loop_runs_out_of_time)
{
	struct engine engine;
	struct drm_holdfast_ctx_query query;
	uint64_t va;
	uint32_t done;

	engine_create(open_render(), 100, &engine);
	va = emit_nop(&engine, 8);
	emit_jump(&engine, va, 8 + sizeof(struct holdfast_cmd_jump));
	done = go(&engine);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, done), -ETIME);
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.banned, 1);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_TIMEOUT);
	EXPECT(query.fault_va == va || query.fault_va == va + 8);
	expect_others_unharmed(&engine);
}

TEST(a_wait_that_nobody_answers_runs_out_of_time)
{
	struct engine engine;
	uint64_t va;

	engine_create(open_render(), 100, &engine);
	emit_nop(&engine, 8);
	va = emit_wait(&engine, SLOT(0), HOLDFAST_WAIT_EQUAL, 1, ~0u);
	run_fault(&engine, HOLDFAST_FAULT_TIMEOUT, va, false);
	expect_others_unharmed(&engine);
}

/* Time in the queue is not the job's. */
TEST(waiting_for_a_fence_is_not_running)
{
	struct engine engine, other;
	struct drm_holdfast_sync syncs[2];

	engine_create(open_render(), 200, &engine);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	syncs[0] = wait_for(go(&other), 0);
	syncs[1] = signal_to(syncobj_create(engine.fd), 0);
	emit_write(&engine, SLOT(4), 1);
	EXPECT_OK(submit(&engine, syncs, 2, NULL, 0));
	usleep(500000);
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, syncs[1].handle, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, syncs[1].handle), 1);
	EXPECT_EQ(slot_value(&engine, 4), 1);
}

TEST(a_banned_context_takes_no_jobs_and_cancels_the_queued)
{
	struct engine engine;
	struct drm_holdfast_ctx_query query;
	uint32_t first, second, third;

	engine_open(&engine);
	emit_hold(&engine, 0);
	emit_write(&engine, NOWHERE, 1);
	first = go(&engine);
	emit_write(&engine, SLOT(4), 1);
	second = go(&engine);
	third = go(&engine);
	await(&engine, 0);
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, third, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, first), -EIO);
	EXPECT_EQ(fence_status(engine.fd, second), -ECANCELED);
	EXPECT_EQ(fence_status(engine.fd, third), -ECANCELED);
	EXPECT_EQ(slot_value(&engine, 4), 0);
	EXPECT_ERROR(submit(&engine, NULL, 0, NULL, 0), EIO);
	emit_write(&engine, SLOT(4), 1);
	EXPECT_ERROR(submit(&engine, NULL, 0, NULL, 0), EIO);
	/* The first fault stays. */
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
	EXPECT_EQ(query.fault_va, NOWHERE);
	expect_others_unharmed(&engine);
	EXPECT_OK(ctx_destroy(engine.fd, engine.ctx));
}

TEST(a_submit_that_fails_signals_nothing)
{
	struct engine engine;
	struct drm_holdfast_sync sync;
	struct drm_holdfast_object object;

	engine_open(&engine);
	emit_write(&engine, NOWHERE, 1);
	run_fault(&engine, HOLDFAST_FAULT_UNMAPPED, NOWHERE, true);
	sync = signal_to(syncobj_create(engine.fd), 0);
	object = (struct drm_holdfast_object){ engine.slots.handle, HOLDFAST_OBJECT_WRITE };
	EXPECT_ERROR(submit(&engine, &sync, 1, &object, 1), EIO);
	EXPECT_ERROR(syncobj_wait(engine.fd, sync.handle, 0), EINVAL);
	EXPECT_OK(gem_wait(engine.fd, object.handle, HOLDFAST_WAIT_WRITE, 0));
}

TEST(destroying_a_context_lets_its_jobs_end)
{
	struct engine engine;
	uint32_t done;

	engine_open(&engine);
	emit_hold(&engine, 0);
	emit_write(&engine, SLOT(4), 1);
	go(&engine);
	emit_write(&engine, SLOT(5), 1);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_OK(ctx_destroy(engine.fd, engine.ctx));
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT_EQ(fence_status(engine.fd, done), 1);
	EXPECT_EQ(slot_value(&engine, 4), 1);
	EXPECT_EQ(slot_value(&engine, 5), 1);
}

TEST(a_job_may_rewrite_the_commands_behind_it)
{
	struct engine engine;
	uint64_t va;

	engine_open(&engine);
	/* The value of the next WRITE, which lies 16 bytes into it. */
	va = COMMANDS_VA + engine.end + sizeof(struct holdfast_cmd_write);
	emit_write64(&engine, va + offsetof(struct holdfast_cmd_write, value), 99);
	emit_write(&engine, SLOT(0), 1);
	run(&engine);
	EXPECT_EQ(slot_value(&engine, 0), 99);
}

/* -- implicit fences -------------------------------------------------------------------------- */

/* The same memory on two files, as two programs have it. */
struct shared {
	struct engine one, two;
	uint32_t one_handle, two_handle;
	int dmabuf;
};

static void share(struct shared *shared)
{
	engine_open(&shared->one);
	engine_open(&shared->two);
	EXPECT_OK(gem_create(shared->one.fd, PAGE, 0, &shared->one_handle));
	EXPECT_OK(prime_export(shared->one.fd, shared->one_handle, O_RDWR, &shared->dmabuf));
	EXPECT_OK(prime_import(shared->two.fd, shared->dmabuf, &shared->two_handle));
}

static uint32_t go_with(struct engine *engine, uint32_t handle, uint32_t flags)
{
	struct drm_holdfast_object object = { handle, flags };
	struct drm_holdfast_sync sync = signal_to(syncobj_create(engine->fd), 0);

	EXPECT_OK(submit(engine, &sync, 1, &object, 1));
	return sync.handle;
}

static void second_waits(uint32_t first_flags, uint32_t second_flags, bool waits)
{
	struct shared shared;
	uint32_t first, second;

	share(&shared);
	emit_hold(&shared.one, 0);
	first = go_with(&shared.one, shared.one_handle, first_flags);
	await(&shared.one, 0);
	emit_write(&shared.two, SLOT(0), 1);
	second = go_with(&shared.two, shared.two_handle, second_flags);
	if (waits) {
		usleep(20000);
		EXPECT(!syncobj_done(shared.two.fd, second));
		EXPECT_EQ(slot_value(&shared.two, 0), 0);
	} else {
		EXPECT_OK(syncobj_wait(shared.two.fd, second, INT64_MAX));
		EXPECT(!syncobj_done(shared.one.fd, first));
	}
	release(&shared.one, 0);
	EXPECT_OK(syncobj_wait(shared.two.fd, second, INT64_MAX));
	EXPECT_OK(syncobj_wait(shared.one.fd, first, INT64_MAX));
	EXPECT_EQ(slot_value(&shared.two, 0), 1);
}

TEST(a_reader_waits_for_the_writer_of_another_file)
{
	second_waits(HOLDFAST_OBJECT_WRITE, 0, true);
}

TEST(a_writer_waits_for_the_reader_of_another_file)
{
	second_waits(0, HOLDFAST_OBJECT_WRITE, true);
}

TEST(a_writer_waits_for_the_writer_of_another_file)
{
	second_waits(HOLDFAST_OBJECT_WRITE, HOLDFAST_OBJECT_WRITE, true);
}

TEST(readers_do_not_wait_for_each_other)
{
	second_waits(0, 0, false);
}

TEST(gem_wait_waits_for_writers_or_for_all)
{
	struct shared shared;
	uint32_t done;

	share(&shared);
	EXPECT_OK(gem_wait(shared.two.fd, shared.two_handle, HOLDFAST_WAIT_WRITE, 0));
	emit_hold(&shared.one, 0);
	done = go_with(&shared.one, shared.one_handle, 0);
	EXPECT_OK(gem_wait(shared.two.fd, shared.two_handle, 0, 0));
	EXPECT_ERROR(gem_wait(shared.two.fd, shared.two_handle, HOLDFAST_WAIT_WRITE, 0), ETIME);
	EXPECT_ERROR(gem_wait(shared.two.fd, shared.two_handle, HOLDFAST_WAIT_WRITE,
			      (int64_t)now_ns() + 20000000), ETIME);
	await(&shared.one, 0);
	release(&shared.one, 0);
	EXPECT_OK(gem_wait(shared.two.fd, shared.two_handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
	EXPECT(syncobj_done(shared.one.fd, done));

	emit_hold(&shared.one, 2);
	done = go_with(&shared.one, shared.one_handle, HOLDFAST_OBJECT_WRITE);
	EXPECT_ERROR(gem_wait(shared.two.fd, shared.two_handle, 0, 0), ETIME);
	await(&shared.one, 2);
	release(&shared.one, 2);
	EXPECT_OK(gem_wait(shared.two.fd, shared.two_handle, 0, INT64_MAX));
	EXPECT(syncobj_done(shared.one.fd, done));
}

TEST(a_dmabuf_polls_as_its_jobs_allow)
{
	struct shared shared;
	struct pollfd reader, writer;
	uint32_t done;

	share(&shared);
	reader = (struct pollfd){ .fd = shared.dmabuf, .events = POLLIN };
	writer = (struct pollfd){ .fd = shared.dmabuf, .events = POLLOUT };
	EXPECT_EQ(poll(&writer, 1, 0), 1);
	emit_hold(&shared.one, 0);
	done = go_with(&shared.one, shared.one_handle, 0);
	await(&shared.one, 0);
	EXPECT_EQ(poll(&reader, 1, 0), 1);
	EXPECT_EQ(poll(&writer, 1, 0), 0);
	release(&shared.one, 0);
	EXPECT_EQ(poll(&writer, 1, 10000), 1);
	EXPECT(syncobj_done(shared.one.fd, done));
}

TEST(a_flip_waits_for_the_job_that_draws)
{
	struct kms kms;
	struct engine engine;
	struct drm_mode_fb_cmd2 cmd = { .pixel_format = DRM_FORMAT_XRGB8888 };
	struct drm_event_vblank event;
	struct dumb dumb;
	uint32_t fb;

	kms_open(&kms);
	kms_show(&kms, &fb);
	engine_create(kms.fd, PATIENT_MS, &engine);
	need_coherent(engine.fd);
	dumb_create(kms.fd, kms.mode.hdisplay, kms.mode.vdisplay, 32, &dumb);
	cmd.width = dumb.width;
	cmd.height = dumb.height;
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	emit_hold(&engine, 0);
	go_with(&engine, dumb.handle, HOLDFAST_OBJECT_WRITE);
	await(&engine, 0);
	EXPECT_OK(kms_flip(&kms, cmd.fb_id, DRM_MODE_PAGE_FLIP_EVENT, 7));
	EXPECT(!readable(kms.fd, 100));
	release(&engine, 0);
	read_vblank_event(kms.fd, &event);
	EXPECT_EQ(event.user_data, 7);
}

TEST(an_export_of_fences_and_an_import_work_with_jobs)
{
	struct shared shared;
	struct dma_buf_export_sync_file {
		__u32 flags;
		__s32 fd;
	} export = { .flags = 1 << 0, .fd = -1 }, import;
	unsigned long export_request = _IOWR('b', 2, struct dma_buf_export_sync_file);
	unsigned long import_request = _IOW('b', 3, struct dma_buf_export_sync_file);
	uint32_t done, after;

	share(&shared);
	/* What a job signals explicitly becomes an implicit writer. */
	emit_hold(&shared.one, 0);
	done = go(&shared.one);
	EXPECT_OK(result(drmSyncobjExportSyncFile(shared.one.fd, done, &import.fd)));
	import.flags = 1 << 1;
	EXPECT_OK(call(shared.dmabuf, import_request, &import));
	await(&shared.one, 0);
	EXPECT_ERROR(gem_wait(shared.two.fd, shared.two_handle, 0, 0), ETIME);
	emit_write(&shared.two, SLOT(0), 1);
	after = go_with(&shared.two, shared.two_handle, 0);
	EXPECT(!syncobj_done(shared.two.fd, after));
	EXPECT_OK(call(shared.dmabuf, export_request, &export));
	EXPECT(!readable(export.fd, 0));
	release(&shared.one, 0);
	EXPECT(readable(export.fd, 10000));
	EXPECT_OK(syncobj_wait(shared.two.fd, after, INT64_MAX));
}

TEST(many_writers_of_two_objects_do_not_deadlock)
{
	struct shared shared;
	uint32_t extra[2], done[2];
	struct drm_holdfast_sync sync;
	int dmabuf;

	share(&shared);
	EXPECT_OK(gem_create(shared.one.fd, PAGE, 0, &extra[0]));
	EXPECT_OK(prime_export(shared.one.fd, extra[0], O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(shared.two.fd, dmabuf, &extra[1]));
	for (int i = 0; i < 200; i++) {
		struct drm_holdfast_object objects[2] = {
			{ shared.one_handle, HOLDFAST_OBJECT_WRITE },
			{ extra[0], HOLDFAST_OBJECT_WRITE },
		}, reversed[2] = {
			{ extra[1], HOLDFAST_OBJECT_WRITE },
			{ shared.two_handle, HOLDFAST_OBJECT_WRITE },
		};

		sync = signal_to(done[0] = syncobj_create(shared.one.fd), 0);
		EXPECT_OK(submit(&shared.one, &sync, 1, objects, 2));
		sync = signal_to(done[1] = syncobj_create(shared.two.fd), 0);
		EXPECT_OK(submit(&shared.two, &sync, 1, reversed, 2));
	}
	EXPECT_OK(syncobj_wait(shared.two.fd, done[1], INT64_MAX));
	EXPECT_OK(syncobj_wait(shared.one.fd, done[0], INT64_MAX));
}
