/* SPDX-License-Identifier: MIT */
/* Address spaces: what VM_BIND takes, and what the engine then finds where. */
#include "engine.h"

#include <signal.h>
#include <sys/wait.h>

#define A UINT64_C(0x100000000)
#define B UINT64_C(0x200000000)
/* Where a TLB of any shape keeps it beside the pages of commands and slots. */
#define APART (A + 5 * PAGE)
#define TOP (UINT64_C(1) << 48)

/* Read the first number of a page as the engine sees it. */
static uint32_t peek(struct engine *engine, uint64_t va)
{
	uint32_t *slot = (uint32_t *)((char *)engine->slots.data + 2048);

	emit_copy_linear(engine, SLOTS_VA + 2048, va, 4);
	run(engine);
	return *slot;
}

/* Each page starts with its number and @seed. */
static void number_pages(const struct object *object, uint32_t seed)
{
	for (uint64_t i = 0; i < object->size / PAGE; i++)
		*(uint32_t *)((char *)object->data + i * PAGE) = seed + (uint32_t)i;
}

static void open_with(struct engine *engine, struct object *object, uint64_t size)
{
	engine_open(engine);
	object_create(engine->fd, size, 0, object);
	number_pages(object, 1000);
}

static int bind_one(const struct engine *engine, struct drm_holdfast_bind_op op)
{
	return vm_bind(engine->fd, engine->vm, &op, 1);
}

/* Does a read there fault? In a context of its own, which is banned by it. */
static bool is_mapped(const struct engine *engine, uint64_t va)
{
	struct engine probe;
	struct drm_holdfast_ctx_query query;
	uint32_t done;

	engine_sibling(engine, &probe);
	emit_copy_linear(&probe, SLOTS_VA + 1024, va, 4);
	done = go(&probe);
	EXPECT_OK(syncobj_wait(probe.fd, done, INT64_MAX));
	ctx_query(probe.fd, probe.ctx, &query);
	EXPECT_OK(ctx_destroy(probe.fd, probe.ctx));
	if (query.banned) {
		EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
		EXPECT_EQ(query.fault_va, va);
		EXPECT_EQ(query.write, 0);
	}
	return !query.banned;
}

/* -- VM_CREATE and VM_DESTROY ------------------------------------------------------ */

TEST(an_address_space_is_gone_once_destroyed)
{
	int fd = open_render();
	uint32_t vm, other;

	need_engine(fd);
	EXPECT_OK(vm_create(fd, &vm));
	EXPECT_OK(vm_create(fd, &other));
	EXPECT(vm && other && vm != other);
	EXPECT_OK(vm_destroy(fd, vm));
	EXPECT_ERROR(vm_destroy(fd, vm), ENOENT);
	EXPECT_ERROR(vm_unmap(fd, vm, A, PAGE), ENOENT);
	EXPECT_OK(vm_unmap(fd, other, A, PAGE));
	EXPECT_ERROR(vm_destroy(fd, 0), ENOENT);
	EXPECT_ERROR(vm_destroy(fd, ~0u), ENOENT);
}

TEST(vm_create_and_destroy_check_flags_and_padding)
{
	struct drm_holdfast_vm_create create = { .flags = 1 };
	struct drm_holdfast_vm_destroy destroy = { .vm_id = 12345, .pad = 1 };
	int fd = open_render();

	need_engine(fd);
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &create), EINVAL);
	create.flags = 1u << 31;
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &create), EINVAL);
	EXPECT_ERROR(call(fd, DRM_IOCTL_HOLDFAST_VM_DESTROY, &destroy), EINVAL);
}

TEST(a_context_keeps_its_address_space)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, PAGE);
	engine_map(&engine, &object, A);
	EXPECT_OK(vm_destroy(engine.fd, engine.vm));
	EXPECT_EQ(peek(&engine, A), 1000);
}

TEST(address_spaces_are_worlds_apart)
{
	struct engine one, two;
	struct object object;

	open_with(&one, &object, PAGE);
	engine_create(one.fd, PATIENT_MS, &two);
	engine_map(&one, &object, A);
	EXPECT(is_mapped(&one, A));
	EXPECT(!is_mapped(&two, A));
}

/* -- what VM_BIND takes ------------------------------------------------------------- */

TEST(bind_checks_its_header)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_vm_bind good, bind;

	open_with(&engine, &object, PAGE);
	op = map_op(object.handle, 0, A, PAGE, 0);
	good = (struct drm_holdfast_vm_bind){
		.vm_id = engine.vm, .num_ops = 1, .ops = PTR(&op),
	};
	bind = good;
	bind.flags = 1;
	bind.vm_id = 999;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EINVAL);
	bind = good;
	bind.num_ops = 0;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EINVAL);
	bind.num_ops = 4097;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EINVAL);
	bind = good;
	bind.num_syncs = 65;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EINVAL);
	bind = good;
	bind.vm_id = 999;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), ENOENT);
	bind = good;
	bind.ops = 0;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EFAULT);
	bind.ops = 0x1000;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EFAULT);
	bind = good;
	bind.num_syncs = 1;
	EXPECT_ERROR(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind), EFAULT);
	EXPECT(!is_mapped(&engine, A));
	EXPECT_OK(call(engine.fd, DRM_IOCTL_HOLDFAST_VM_BIND, &good));
	EXPECT(is_mapped(&engine, A));
}

TEST(bind_checks_each_operation)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op map, unmap, sparse, op;

#define REFUSED(base, field, number, error)			\
	do {							\
		op = base;					\
		op.field = number;				\
		EXPECT_ERROR(bind_one(&engine, op), error);	\
	} while (0)

	open_with(&engine, &object, 4 * PAGE);
	map = map_op(object.handle, 0, A, 2 * PAGE, 0);
	unmap = unmap_op(A, 2 * PAGE);
	sparse = map_op(0, 0, A, 2 * PAGE, HOLDFAST_BIND_SPARSE);
	REFUSED(map, op, 2, EINVAL);
	REFUSED(map, op, ~0u, EINVAL);
	REFUSED(map, flags, 4, EINVAL);
	REFUSED(map, flags, 1u << 31, EINVAL);
	REFUSED(map, pad, 1, EINVAL);
	REFUSED(map, handle, 0, ENOENT);
	REFUSED(map, handle, 4711, ENOENT);
	REFUSED(map, range, 0, EINVAL);
	REFUSED(map, range, PAGE / 2, EINVAL);
	REFUSED(map, range, 5 * PAGE, EINVAL);
	REFUSED(map, range, -PAGE, EINVAL);
	REFUSED(map, offset, 1, EINVAL);
	REFUSED(map, offset, 3 * PAGE, EINVAL);
	REFUSED(map, offset, -PAGE, EINVAL);
	REFUSED(map, va, A + 8, EINVAL);
	REFUSED(map, va, TOP - PAGE, EINVAL);
	REFUSED(map, va, TOP, EINVAL);
	REFUSED(map, va, -PAGE, EINVAL);
	REFUSED(unmap, flags, HOLDFAST_BIND_READ_ONLY, EINVAL);
	REFUSED(unmap, flags, HOLDFAST_BIND_SPARSE, EINVAL);
	REFUSED(unmap, handle, object.handle, EINVAL);
	REFUSED(unmap, pad, 1, EINVAL);
	REFUSED(unmap, range, 0, EINVAL);
	REFUSED(unmap, range, 1, EINVAL);
	REFUSED(unmap, va, 1, EINVAL);
	REFUSED(unmap, va, TOP - PAGE, EINVAL);
	REFUSED(sparse, handle, object.handle, EINVAL);
	REFUSED(sparse, range, 0, EINVAL);
	REFUSED(sparse, va, TOP, EINVAL);
	EXPECT(!is_mapped(&engine, A));
	EXPECT_OK(bind_one(&engine, map));
	EXPECT(is_mapped(&engine, A));
}

TEST(the_last_page_of_the_address_space_can_be_mapped)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, 2 * PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, TOP - 2 * PAGE, 2 * PAGE, 0)));
	EXPECT_EQ(peek(&engine, TOP - PAGE), 1001);
	EXPECT_OK(bind_one(&engine, unmap_op(TOP - 2 * PAGE, 2 * PAGE)));
	EXPECT(!is_mapped(&engine, TOP - PAGE));
}

TEST(unmapping_what_is_not_there_is_no_error)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, PAGE);
	EXPECT_OK(bind_one(&engine, unmap_op(A, 1024 * MIB)));
	engine_map(&engine, &object, A + PAGE);
	EXPECT_OK(bind_one(&engine, unmap_op(A, 1024 * MIB)));
	EXPECT_OK(bind_one(&engine, unmap_op(A, 1024 * MIB)));
	EXPECT(!is_mapped(&engine, A + PAGE));
}

TEST(a_bad_operation_undoes_those_before_it)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op ops[3];

	open_with(&engine, &object, 4 * PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, A, PAGE, 0)));
	ops[0] = unmap_op(A, PAGE);
	ops[1] = map_op(object.handle, PAGE, B, PAGE, 0);
	ops[2] = map_op(4711, 0, B + PAGE, PAGE, 0);
	EXPECT_ERROR(vm_bind(engine.fd, engine.vm, ops, 3), ENOENT);
	EXPECT_EQ(peek(&engine, A), 1000);
	EXPECT(!is_mapped(&engine, B));
	ops[2] = map_op(object.handle, 0, B + PAGE, 5 * PAGE, 0);
	EXPECT_ERROR(vm_bind(engine.fd, engine.vm, ops, 3), EINVAL);
	EXPECT_EQ(peek(&engine, A), 1000);
	EXPECT(!is_mapped(&engine, B));
}

TEST(operations_of_a_call_are_done_in_order)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op ops[4];

	open_with(&engine, &object, 4 * PAGE);
	ops[0] = map_op(object.handle, 0, A, 4 * PAGE, 0);
	ops[1] = unmap_op(A + PAGE, 3 * PAGE);
	ops[2] = map_op(object.handle, 3 * PAGE, A + 2 * PAGE, PAGE, 0);
	ops[3] = map_op(object.handle, 2 * PAGE, A + 2 * PAGE, PAGE, 0);
	EXPECT_OK(vm_bind(engine.fd, engine.vm, ops, 4));
	EXPECT_EQ(peek(&engine, A), 1000);
	EXPECT(!is_mapped(&engine, A + PAGE));
	EXPECT_EQ(peek(&engine, A + 2 * PAGE), 1002);
	EXPECT(!is_mapped(&engine, A + 3 * PAGE));
}

TEST(one_call_takes_4096_operations)
{
	static struct drm_holdfast_bind_op ops[4096];
	struct engine engine;
	struct object object;

	open_with(&engine, &object, 4096 * PAGE);
	/* Backwards, so that no page is beside the one before it. */
	for (uint32_t i = 0; i < 4096; i++)
		ops[i] = map_op(object.handle, i * PAGE, A + (4095 - i) * PAGE, PAGE, 0);
	EXPECT_OK(vm_bind(engine.fd, engine.vm, ops, 4096));
	for (uint32_t i = 0; i < 4096; i += 315)
		EXPECT_EQ(peek(&engine, A + (4095 - i) * PAGE), 1000 + i);
}

/* -- replacing, splitting, merging ----------------------------------------------------- */

TEST(a_map_replaces_what_it_covers)
{
	struct engine engine;
	struct object one, two;

	open_with(&engine, &one, 16 * PAGE);
	object_create(engine.fd, 4 * PAGE, 0, &two);
	number_pages(&two, 2000);
	engine_map(&engine, &one, A);
	engine_map(&engine, &two, A + 6 * PAGE);
	for (uint32_t i = 0; i < 16; i++)
		EXPECT_EQ(peek(&engine, A + i * PAGE), i >= 6 && i < 10 ? 2000 + i - 6 : 1000 + i);
	/* Over the border of two mappings, and over the end. */
	EXPECT_OK(bind_one(&engine, map_op(one.handle, 0, A + 9 * PAGE, 9 * PAGE, 0)));
	EXPECT_EQ(peek(&engine, A + 8 * PAGE), 2002);
	EXPECT_EQ(peek(&engine, A + 9 * PAGE), 1000);
	EXPECT_EQ(peek(&engine, A + 17 * PAGE), 1008);
	EXPECT(!is_mapped(&engine, A + 18 * PAGE));
}

TEST(an_unmap_splits_a_mapping)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, 9 * PAGE);
	engine_map(&engine, &object, A);
	for (uint32_t hole = 1; hole < 8; hole += 3)
		EXPECT_OK(bind_one(&engine, unmap_op(A + hole * PAGE, PAGE)));
	for (uint32_t i = 0; i < 9; i++) {
		if (i % 3 == 1)
			EXPECT(!is_mapped(&engine, A + i * PAGE));
		else
			EXPECT_EQ(peek(&engine, A + i * PAGE), 1000 + i);
	}
	/* Fill the holes again: it is one mapping that can go in one piece or in two. */
	for (uint32_t hole = 1; hole < 8; hole += 3)
		EXPECT_OK(bind_one(&engine, map_op(object.handle, hole * PAGE, A + hole * PAGE,
						   PAGE, 0)));
	for (uint32_t i = 0; i < 9; i++)
		EXPECT_EQ(peek(&engine, A + i * PAGE), 1000 + i);
	EXPECT_OK(bind_one(&engine, unmap_op(A, 5 * PAGE)));
	EXPECT(!is_mapped(&engine, A + 4 * PAGE));
	EXPECT_EQ(peek(&engine, A + 5 * PAGE), 1005);
}

/* A 2 MiB page of the device's table must come apart where a piece of it goes. */
TEST(a_large_page_comes_apart_where_a_piece_of_it_goes)
{
	struct engine engine;
	struct object object, small;

	engine_open(&engine);
	object_create(engine.fd, 6 * MIB, HOLDFAST_GEM_CONTIGUOUS, &object);
	object_create(engine.fd, PAGE, 0, &small);
	number_pages(&object, 0);
	number_pages(&small, 77777);
	engine_map(&engine, &object, A);
	EXPECT_OK(bind_one(&engine, unmap_op(A + 2 * MIB + 5 * PAGE, PAGE)));
	engine_map(&engine, &small, A + 2 * MIB + 300 * PAGE);
	for (uint32_t i = 0; i < 6 * MIB / PAGE; i += 100)
		EXPECT_EQ(peek(&engine, A + i * PAGE), i == 812 ? 77777 : i);
	EXPECT_EQ(peek(&engine, A + (512 + 300) * PAGE), 77777);
	EXPECT_EQ(peek(&engine, A + (512 + 4) * PAGE), 512 + 4);
	EXPECT(!is_mapped(&engine, A + (512 + 5) * PAGE));
	EXPECT_EQ(peek(&engine, A + (512 + 6) * PAGE), 512 + 6);
}

static void copy_through(uint32_t flags, uint64_t va, uint64_t offset)
{
	const uint64_t size = 5 * MIB;
	struct engine engine;
	struct object from, to;

	engine_open(&engine);
	object_create(engine.fd, size + 2 * MIB, flags, &from);
	object_create(engine.fd, size + 2 * MIB, flags, &to);
	pattern_fill(from.data, from.size, 9);
	EXPECT_OK(bind_one(&engine, map_op(from.handle, offset, va, size, 0)));
	EXPECT_OK(bind_one(&engine, map_op(to.handle, offset, va + 512 * MIB, size, 0)));
	emit_copy_linear(&engine, va + 512 * MIB, va, size);
	run(&engine);
	EXPECT(!memcmp((char *)to.data + offset, (char *)from.data + offset, size));
	EXPECT(bytes_are(to.data, offset, 0));
	EXPECT(bytes_are((char *)to.data + offset + size, to.size - offset - size, 0));
}

TEST(pages_of_all_sizes_at_all_alignments_are_found)
{
	static const uint64_t alignments[] = { 0, 4 * KIB, 64 * KIB, 2 * MIB };

	for (size_t i = 0; i < ARRAY_SIZE(alignments); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(alignments); k++) {
			IN_CHILD(copy_through(HOLDFAST_GEM_CONTIGUOUS, A + alignments[i],
					      alignments[k]););
			IN_CHILD(copy_through(0, A + alignments[i], alignments[k]););
		}
	}
}

/* Random binds against a model of the address space that is one number a page. */
TEST(random_binds_match_a_model)
{
	enum { PAGES = 1024 };
	static uint32_t model[PAGES];
	struct engine engine;
	struct object objects[3];
	uint32_t *seen;
	struct object copy;

	engine_open(&engine);
	srand(20);
	for (uint32_t i = 0; i < 3; i++) {
		object_create(engine.fd, PAGES * PAGE, i ? 0 : HOLDFAST_GEM_CONTIGUOUS,
			      &objects[i]);
		number_pages(&objects[i], 100000 * (i + 1));
	}
	object_create(engine.fd, PAGES * PAGE, 0, &copy);
	engine_map(&engine, &copy, B);
	/* Sparse at first, so that all of it can be read. */
	EXPECT_OK(bind_one(&engine, map_op(0, 0, A, PAGES * PAGE, HOLDFAST_BIND_SPARSE)));
	for (int round = 0; round < 60; round++) {
		struct drm_holdfast_bind_op ops[20];

		for (int n = 0; n < 20; n++) {
			uint32_t first = rand() % PAGES;
			uint32_t count = 1 + rand() % (n % 4 ? 40 : PAGES);
			uint32_t offset = rand() % PAGES, which = rand() % 4;

			if (count > PAGES - first)
				count = PAGES - first;
			if (count > PAGES - offset)
				count = PAGES - offset;
			ops[n] = which == 3 ?
				map_op(0, 0, A + first * PAGE, count * PAGE, HOLDFAST_BIND_SPARSE) :
				map_op(objects[which].handle, offset * PAGE, A + first * PAGE,
				       count * PAGE, 0);
			for (uint32_t i = 0; i < count; i++)
				model[first + i] = which == 3 ? 0 :
					100000 * (which + 1) + offset + i;
		}
		EXPECT_OK(vm_bind(engine.fd, engine.vm, ops, 20));
		emit_copy_linear(&engine, B, A, PAGES * PAGE);
		run(&engine);
		seen = copy.data;
		for (uint32_t i = 0; i < PAGES; i++)
			EXPECT_EQ(seen[i * PAGE / 4], model[i]);
	}
}

/* -- sparse and read-only ---------------------------------------------------------------- */

TEST(sparse_ranges_read_as_zero_and_swallow_writes)
{
	struct engine engine;
	struct object copy;

	engine_open(&engine);
	EXPECT_OK(bind_one(&engine, map_op(0, 0, A, 64 * 1024 * MIB, HOLDFAST_BIND_SPARSE)));
	emit_write(&engine, A + 8, 0xdeadbeef);
	emit_write(&engine, A + 40 * 1024 * MIB, 0xdeadbeef);
	emit_copy_linear(&engine, A, SLOTS_VA, PAGE);
	emit_write(&engine, SLOT(0), 5);
	run(&engine);
	EXPECT_EQ(*(uint32_t *)engine.slots.data, 5);
	emit_copy_linear(&engine, A, SLOTS_VA, PAGE);
	read_back(&engine, A, 3 * MIB, &copy);
	EXPECT(bytes_are(copy.data, copy.size, 0));
}

TEST(what_is_written_to_a_sparse_range_is_not_read_elsewhere)
{
	struct engine engine;
	struct object copy;

	engine_open(&engine);
	EXPECT_OK(bind_one(&engine, map_op(0, 0, A, 2 * MIB, HOLDFAST_BIND_SPARSE)));
	/* In one job, so that nothing comes between. */
	object_create(engine.fd, PAGE, 0, &copy);
	memset(copy.data, 0xff, PAGE);
	engine_map(&engine, &copy, B);
	emit_copy_linear(&engine, A, B, PAGE);
	emit_copy_linear(&engine, A + 5 * PAGE, B, PAGE);
	emit_copy_linear(&engine, B, A, PAGE);
	run(&engine);
	EXPECT(bytes_are(copy.data, PAGE, 0));
}

TEST(a_read_only_mapping_can_be_read)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, 2 * PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, A, 2 * PAGE,
					   HOLDFAST_BIND_READ_ONLY)));
	EXPECT_EQ(peek(&engine, A + PAGE), 1001);
	emit_write(&engine, A + PAGE, 1);
	run_fault(&engine, HOLDFAST_FAULT_READ_ONLY, A + PAGE, true);
	EXPECT_EQ(*(uint32_t *)((char *)object.data + PAGE), 1001);
}

TEST(the_same_pages_may_be_writable_elsewhere)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op ops[2];

	open_with(&engine, &object, PAGE);
	ops[0] = map_op(object.handle, 0, A, PAGE, HOLDFAST_BIND_READ_ONLY);
	ops[1] = map_op(object.handle, 0, A + PAGE, PAGE, 0);
	EXPECT_OK(vm_bind(engine.fd, engine.vm, ops, 2));
	emit_write(&engine, A + PAGE, 4);
	run(&engine);
	EXPECT_EQ(peek(&engine, A), 4);
	/* Neighbours with other rights are not made one. */
	emit_write(&engine, A, 5);
	run_fault(&engine, HOLDFAST_FAULT_READ_ONLY, A, true);
}

TEST(rights_follow_the_last_map)
{
	struct engine engine;
	struct object object;

	open_with(&engine, &object, PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, A, PAGE, HOLDFAST_BIND_READ_ONLY)));
	EXPECT_EQ(peek(&engine, A), 1000);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, A, PAGE, 0)));
	emit_write(&engine, A, 6);
	run(&engine);
	EXPECT_EQ(*(uint32_t *)object.data, 6);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, A, PAGE, HOLDFAST_BIND_READ_ONLY)));
	emit_write(&engine, A, 7);
	run_fault(&engine, HOLDFAST_FAULT_READ_ONLY, A, true);
	EXPECT_EQ(*(uint32_t *)object.data, 6);
}

/* -- fences --------------------------------------------------------------------------------- */

TEST(bind_checks_its_syncs)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync sync;
	uint32_t empty;

	open_with(&engine, &object, PAGE);
	op = map_op(object.handle, 0, A, PAGE, 0);
	empty = syncobj_create(engine.fd);
	sync = wait_for(4711, 0);
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1), ENOENT);
	sync = signal_to(4711, 0);
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1), ENOENT);
	sync = wait_for(empty, 0); /* there is no fence to wait for */
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1), EINVAL);
	sync = wait_for(empty, 0);
	sync.flags = 2;
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1), EINVAL);
	EXPECT(!is_mapped(&engine, A));
	sync = signal_to(empty, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1));
	EXPECT_OK(syncobj_wait(engine.fd, empty, INT64_MAX));
	EXPECT(is_mapped(&engine, A));
}

TEST(a_failed_bind_signals_nothing)
{
	struct engine engine;
	struct drm_holdfast_bind_op op = map_op(4711, 0, A, PAGE, 0);
	struct drm_holdfast_sync sync;
	uint32_t out;

	engine_open(&engine);
	out = syncobj_create(engine.fd);
	sync = signal_to(out, 0);
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1), ENOENT);
	EXPECT_ERROR(syncobj_wait(engine.fd, out, 0), EINVAL); /* it has no fence */
}

TEST(a_bind_waits_for_its_fences)
{
	struct engine engine, other;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync syncs[2];
	uint32_t before, after;

	open_with(&engine, &object, PAGE);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	before = go(&other);
	after = syncobj_create(engine.fd);
	op = map_op(object.handle, 0, A, PAGE, 0);
	syncs[0] = wait_for(before, 0);
	syncs[1] = signal_to(after, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 2));
	await(&other, 0);
	EXPECT(!syncobj_done(engine.fd, after));
	EXPECT(!is_mapped(&engine, A));
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, after, INT64_MAX));
	EXPECT_EQ(peek(&engine, A), 1000);
}

TEST(binds_are_done_in_order_even_if_the_later_one_need_not_wait)
{
	struct engine engine, other;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync syncs[2];
	uint32_t before, first, second;

	open_with(&engine, &object, 2 * PAGE);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	before = go(&other);
	first = syncobj_create(engine.fd);
	second = syncobj_create(engine.fd);
	syncs[0] = wait_for(before, 0);
	syncs[1] = signal_to(first, 0);
	op = map_op(object.handle, 0, A, PAGE, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 2));
	op = map_op(object.handle, PAGE, A, PAGE, 0);
	syncs[0] = signal_to(second, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 1));
	await(&other, 0);
	EXPECT(!syncobj_done(engine.fd, second));
	EXPECT(!is_mapped(&engine, A));
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, second, INT64_MAX));
	EXPECT(syncobj_done(engine.fd, first));
	EXPECT_EQ(peek(&engine, A), 1001);
}

/* The call returns when it is done, which is after the binds before it. */
TEST(a_bind_without_fences_waits_for_those_with)
{
	struct engine engine, other;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync sync;
	int fds[2];
	pid_t pid;

	open_with(&engine, &object, 2 * PAGE);
	engine_sibling(&engine, &other);
	emit_hold(&other, 0);
	sync = wait_for(go(&other), 0);
	op = map_op(object.handle, 0, A, PAGE, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, &sync, 1));
	await(&other, 0);
	EXPECT_OK(result(pipe(fds)));
	pid = fork_child();
	if (!pid) {
		EXPECT_OK(bind_one(&engine, map_op(object.handle, PAGE, A, PAGE, 0)));
		EXPECT_EQ(write(fds[1], "", 1), 1);
		_exit(0);
	}
	EXPECT(!readable(fds[0], 100));
	release(&other, 0);
	EXPECT(readable(fds[0], 10000));
	join_child(pid);
	EXPECT_EQ(peek(&engine, A), 1001);
}

TEST(a_killed_bind_leaves_the_others_in_order)
{
	struct engine engine, other;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync syncs[2];
	uint32_t done;
	pid_t pid;

	open_with(&engine, &object, 2 * PAGE);
	engine_sibling(&engine, &other);
	done = syncobj_create(engine.fd);
	emit_hold(&other, 0);
	syncs[0] = wait_for(go(&other), 0);
	syncs[1] = signal_to(done, 0);
	op = map_op(object.handle, 0, A, PAGE, 0);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 2));
	await(&other, 0);
	pid = fork_child();
	if (!pid) {
		bind_one(&engine, map_op(object.handle, PAGE, A, PAGE, 0));
		_exit(1);
	}
	usleep(50000);
	kill(pid, SIGKILL);
	EXPECT_EQ(waitpid(pid, NULL, 0), pid);
	release(&other, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	EXPECT(is_mapped(&engine, A));
	EXPECT_OK(bind_one(&engine, unmap_op(A, PAGE)));
	EXPECT(!is_mapped(&engine, A));
}

TEST(a_bind_may_wait_for_and_signal_points_of_timelines)
{
	struct engine engine, other;
	struct object object;
	struct drm_holdfast_bind_op op;
	struct drm_holdfast_sync syncs[2];
	uint32_t timeline;
	uint64_t point = 7;

	open_with(&engine, &object, PAGE);
	engine_sibling(&engine, &other);
	timeline = syncobj_create(engine.fd);
	emit_hold(&other, 0);
	syncs[0] = signal_to(timeline, 5);
	EXPECT_OK(submit(&other, syncs, 1, NULL, 0));
	op = map_op(object.handle, 0, A, PAGE, 0);
	syncs[0] = wait_for(timeline, 5);
	syncs[1] = signal_to(timeline, 7);
	EXPECT_OK(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 2));
	await(&other, 0);
	EXPECT_ERROR(result(drmSyncobjTimelineWait(engine.fd, &timeline, &point, 1, 0, 0, NULL)),
		     ETIME);
	release(&other, 0);
	EXPECT_OK(result(drmSyncobjTimelineWait(engine.fd, &timeline, &point, 1, INT64_MAX, 0,
						NULL)));
	EXPECT(is_mapped(&engine, A));
	/* A point that nobody has promised. */
	syncs[0] = wait_for(timeline, 100);
	EXPECT_ERROR(vm_bind_fenced(engine.fd, engine.vm, &op, 1, syncs, 1), EINVAL);
}

/* -- binds and jobs ------------------------------------------------------------------------- */

TEST(an_unmap_while_a_job_runs_stops_its_later_accesses)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_ctx_query query;
	uint32_t done;

	open_with(&engine, &object, PAGE);
	engine_map(&engine, &object, APART);
	/* It has used the mapping, so that whatever is cached is cached. */
	emit_write(&engine, APART + 4, 1);
	emit_hold(&engine, 0);
	emit_write(&engine, APART, 1);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_OK(bind_one(&engine, unmap_op(APART, PAGE)));
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.banned, 1);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
	EXPECT_EQ(query.fault_va, APART);
	EXPECT_EQ(query.write, 1);
	EXPECT_EQ(((uint32_t *)object.data)[0], 1000);
	EXPECT_EQ(((uint32_t *)object.data)[1], 1);
}

TEST(a_remap_while_a_job_runs_is_seen_by_it)
{
	struct engine engine;
	struct object object;
	uint32_t done, *numbers;

	open_with(&engine, &object, 2 * PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, APART, PAGE, 0)));
	emit_write(&engine, APART + 4, 1);
	emit_hold(&engine, 0);
	emit_write(&engine, APART + 4, 2);
	done = go(&engine);
	await(&engine, 0);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, PAGE, APART, PAGE, 0)));
	release(&engine, 0);
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	numbers = object.data;
	EXPECT_EQ(numbers[1], 1);
	EXPECT_EQ(numbers[PAGE / 4 + 1], 2);
}

/* The next number that the loop stores; the one after the next was read after now. */
static uint32_t next_seen(uint32_t *slot)
{
	uint32_t seen = 0;

	for (int i = 0; i < 3; i++) {
		__atomic_store_n(slot, 0, __ATOMIC_SEQ_CST);
		while (!(seen = __atomic_load_n(slot, __ATOMIC_SEQ_CST)))
			;
	}
	return seen;
}

/* A job that never stops in between has nothing but its TLB to forget by. */
TEST(a_job_in_a_loop_sees_each_remap_at_once)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_ctx_query query;
	uint64_t start;
	uint32_t done;

	open_with(&engine, &object, 2 * PAGE);
	EXPECT_OK(bind_one(&engine, map_op(object.handle, 0, APART, PAGE, 0)));
	start = emit_copy_linear(&engine, SLOT(8), APART, 4);
	emit_jump(&engine, start, sizeof(struct holdfast_cmd_copy_linear) +
		  sizeof(struct holdfast_cmd_jump));
	done = go(&engine);
	for (uint32_t i = 0; i < 500; i++) {
		EXPECT_OK(bind_one(&engine, map_op(object.handle, (i % 2) * PAGE, APART, PAGE, 0)));
		EXPECT_EQ(next_seen((uint32_t *)((char *)engine.slots.data + 512)),
			  1000 + i % 2);
	}
	EXPECT_OK(bind_one(&engine, unmap_op(APART, PAGE)));
	EXPECT_OK(syncobj_wait(engine.fd, done, INT64_MAX));
	ctx_query(engine.fd, engine.ctx, &query);
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
	EXPECT_EQ(query.fault_va, APART);
}
