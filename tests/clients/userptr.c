// SPDX-License-Identifier: MIT
/*
 * User pages of a program, from malloc() to handle: which memory is taken, what
 * is refused with which error, what is charged, and that nothing in the program
 * stays open or allocated for it. Run as a client of a device.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include "client.h"

#include <holdfast_drm.h>

#define PAGE 4096ul

static int fd;

/* Return: 0 or a negative errno. */
static int userptr(const void *addr, uint64_t size, uint32_t flags,
		   uint32_t *handle)
{
	struct drm_holdfast_gem_userptr arg = {
		.addr = (uintptr_t)addr, .size = size, .flags = flags
	};

	int ret = drmIoctl(fd, DRM_IOCTL_HOLDFAST_GEM_USERPTR, &arg);

	*handle = arg.handle;
	return ret ? -errno : 0;
}

static void check(const void *addr, uint64_t size)
{
	uint32_t handle;

	assert_int_equal(userptr(addr, size, 0, &handle), 0);
	assert_int_not_equal(handle, 0);
	assert_int_equal(drmCloseBufferHandle(fd, handle), 0);
}

static char *anonymous(size_t size)
{
	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(map, MAP_FAILED);
	return map;
}

static char in_bss[10000];

static void all_kinds_of_memory_can_be_registered(void **state)
{
	char on_stack[5000] = { 0 }, *heap = malloc(10), *large = malloc(8u << 20);

	check(on_stack, sizeof(on_stack));
	check(in_bss, sizeof(in_bss));
	check(heap, 10);
	check(large, 8u << 20);
	check(large + 1000, 5000);
	check(large, 8u << 20);
	free(heap);
	free(large);
}

static void many_pieces_are_one_object(void **state)
{
	char *map = anonymous(64 * PAGE);

	for (int i = 0; i < 64; i += 2)
		check(map + i * PAGE, PAGE);
	memset(map, 7, 64 * PAGE);
	check(map, 64 * PAGE);
	for (size_t i = 0; i < 64 * PAGE; i++)
		assert_int_equal(map[i], 7);
	munmap(map, 64 * PAGE);
}

static void too_many_pieces_are_enomem(void **state)
{
	char *map = anonymous(1200 * PAGE);
	uint32_t handle;

	for (int i = 0; i < 1200; i += 2)
		check(map + i * PAGE, PAGE);
	assert_int_equal(userptr(map, 1200 * PAGE, 0, &handle), -ENOMEM);
	check(map, 400 * PAGE);
	munmap(map, 1200 * PAGE);
}

static void several_shared_files_are_shown_in_one_call(void **state)
{
	char *map = anonymous(5 * PAGE);

	for (int i = 0; i < 5; i++) {
		int memory = memfd_create("shared", MFD_CLOEXEC);

		assert_int_equal(ftruncate(memory, PAGE), 0);
		assert_ptr_not_equal(mmap(map + i * PAGE, PAGE,
					  PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_FIXED, memory, 0),
				     MAP_FAILED);
		close(memory);
	}
	if (getuid() == 0) /* without a descriptor it takes a privilege */
		check(map, 5 * PAGE);
	munmap(map, 5 * PAGE);
}

static void a_file_that_shrank_can_be_registered(void **state)
{
	int memory = memfd_create("shared", MFD_CLOEXEC);
	uint32_t handle;
	char *map;

	assert_int_equal(ftruncate(memory, 4 * PAGE), 0);
	map = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, memory,
		   0);
	check(map, 4 * PAGE);
	assert_int_equal(ftruncate(memory, PAGE), 0);
	/* The kernel could not hold those pages either. */
	assert_int_equal(userptr(map, 4 * PAGE, 0, &handle), -EFAULT);
	check(map, PAGE);
	munmap(map, 4 * PAGE);
	close(memory);
}

static void bad_arguments_are_refused_in_order(void **state)
{
	static const char constant[] = "constant";
	char *map = anonymous(4 * PAGE);
	uint32_t handle;
	int zero;

	assert_int_equal(userptr(NULL, 0, 0, &handle), -EINVAL);
	assert_int_equal(userptr(NULL, 1, 2, &handle), -EINVAL);
	assert_int_equal(userptr(map, 0, 0, &handle), -EINVAL);
	assert_int_equal(userptr(NULL, 1, 0, &handle), -EFAULT);
	assert_int_equal(userptr(map, -1ull, 0, &handle), -EFAULT);
	assert_int_equal(userptr((void *)-PAGE, PAGE, 0, &handle), -EFAULT);
	assert_int_equal(userptr((void *)getauxval(AT_SYSINFO_EHDR), 1, 1,
				 &handle), -EFAULT);
	assert_int_equal(userptr(constant, 1, 0, &handle), -EFAULT);
	assert_int_equal(userptr(constant, 1, HOLDFAST_USERPTR_READ_ONLY,
				 &handle), 0);
	drmCloseBufferHandle(fd, handle);
	mprotect(map, PAGE, PROT_READ);
	assert_int_equal(userptr(map, 4 * PAGE, 0, &handle), -EFAULT);
	mprotect(map, PAGE, PROT_NONE);
	assert_int_equal(userptr(map, 4 * PAGE, 1, &handle), -EFAULT);
	munmap(map, PAGE);
	assert_int_equal(userptr(map, 4 * PAGE, 1, &handle), -EFAULT);
	/* A file of a file system is no memory. */
	zero = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, zero, 0);
	assert_int_equal(userptr(map, PAGE, 1, &handle), -EFAULT);
	close(zero);
}

static void there_is_no_dma_buf_and_no_offset(void **state)
{
	struct drm_mode_map_dumb map = { 0 };
	char *memory = anonymous(PAGE);
	int dma_buf;

	assert_int_equal(userptr(memory, PAGE, 0, &map.handle), 0);
	assert_int_not_equal(drmPrimeHandleToFD(fd, map.handle, O_CLOEXEC,
						&dma_buf), 0);
	assert_int_not_equal(drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map), 0);
	drmCloseBufferHandle(fd, map.handle);
	munmap(memory, PAGE);
}

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void no_descriptor_stays_open(void **state)
{
	char *map = anonymous(64 * PAGE);
	unsigned int before;

	check(map, PAGE);
	before = count_fds();
	for (int i = 1; i < 64; i++)
		check(map + i * PAGE, PAGE);
	assert_int_equal(count_fds(), before);
	munmap(map, 64 * PAGE);
}

static void the_limit_is_charged_and_given_back(void **state)
{
	struct drm_holdfast_get_param max = {
		.param = HOLDFAST_PARAM_USERPTR_MAX
	};
	uint32_t handles[8], one;
	uint64_t part;
	char *map;
	int n = 0;

	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &max), 0);
	assert_true(max.value >= PAGE);
	part = (max.value / 4) & ~(PAGE - 1);
	/* Never touched: it is addresses only, until a device touches it. */
	map = mmap(NULL, part, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(map, MAP_FAILED);
	while (n < 8 && !userptr(map, part, 0, &handles[n]))
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(userptr(map, part, 0, &one), -ENOMEM);
	drmCloseBufferHandle(fd, handles[--n]);
	assert_int_equal(userptr(map, part, 0, &handles[n]), 0);
	n++;
	while (n)
		drmCloseBufferHandle(fd, handles[--n]);
	munmap(map, part);
}

static bool child_registers(void *data)
{
	char *map = data;
	uint32_t handle;
	bool ok;

	ok = map[0] == 1 && !userptr(map, 4 * PAGE, 0, &handle);
	map[0] = 2;
	return ok && !drmCloseBufferHandle(fd, handle);
}

static void a_child_has_memory_of_its_own(void **state)
{
	char *map = anonymous(4 * PAGE);
	uint32_t handle;

	map[0] = 1;
	assert_int_equal(userptr(map, 4 * PAGE, 0, &handle), 0);
	assert_child_succeeds(fork_child(child_registers, map));
	assert_int_equal(map[0], 1);
	drmCloseBufferHandle(fd, handle);
	munmap(map, 4 * PAGE);
}

static void memory_can_be_registered_again_and_after_it_was_forgotten(void **state)
{
	char *map = anonymous(16 * PAGE);

	for (int i = 0; i < 3; i++) {
		check(map, 16 * PAGE);
		check(map + 3 * PAGE, PAGE);
	}
	sleep(2); /* idle files are looked after meanwhile */
	map[0] = 5;
	check(map, 16 * PAGE);
	assert_int_equal(map[0], 5);
	munmap(map, 16 * PAGE);
}

static void *register_often(void *data)
{
	for (int i = 0; i < 100; i++) {
		char *p = malloc(100 + i * 300);
		uint32_t handle;

		memset(p, i, 100 + i * 300);
		if (userptr(p, 100 + i * 300, 0, &handle))
			return (void *)1;
		for (int k = 0; k < 100 + i * 300; k++)
			if (p[k] != i)
				return (void *)2;
		drmCloseBufferHandle(fd, handle);
		free(p);
	}
	return NULL;
}

static void many_threads_register_at_once(void **state)
{
	pthread_t threads[8];
	void *result;

	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						register_often, NULL), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_null(result);
	}
}

static bool as_nobody(void *data)
{
	if (getuid() == 0 && (setgid(65534) || setuid(65534)))
		return false;
	prctl(PR_SET_DUMPABLE, 1); /* as if started by that user */
	all_kinds_of_memory_can_be_registered(NULL);
	many_threads_register_at_once(NULL);
	return true;
}

static void an_ordinary_user_can_do_it_too(void **state)
{
	assert_child_succeeds(fork_child(as_nobody, NULL));
}

static bool dies(void *data)
{
	char *map = anonymous(64 * PAGE);
	uint32_t handle;

	memset(map, 1, 64 * PAGE);
	if (userptr(map, 64 * PAGE, 0, &handle))
		return false;
	_exit(0); /* with the handle open */
}

static void a_program_that_exits_leaves_nothing(void **state)
{
	for (int i = 0; i < 20; i++)
		assert_child_succeeds(fork_child(dies, NULL));
	check(in_bss, 1);
}

/* -- with the engine ----------------------------------------------------------- */

#define SRC_VA 0x1000000ull
#define DST_VA 0x2000000ull
#define CMD_VA 0x3000000ull

struct engine {
	uint32_t vm, ctx, cmd, syncobj;
	struct holdfast_cmd_copy_linear *commands;
};

static int bind_object(const struct engine *e, uint32_t handle, uint64_t va,
		uint64_t range, uint32_t flags)
{
	struct drm_holdfast_bind_op op = {
		.op = HOLDFAST_BIND_MAP,
		.flags = flags,
		.handle = handle,
		.va = va,
		.range = range,
	};
	struct drm_holdfast_vm_bind args = {
		.vm_id = e->vm, .num_ops = 1, .ops = (uintptr_t)&op
	};

	return drmIoctl(fd, DRM_IOCTL_HOLDFAST_VM_BIND, &args) ? -errno : 0;
}

static bool start_engine(struct engine *e)
{
	struct drm_holdfast_get_param param = { .param = HOLDFAST_PARAM_ENGINE };
	struct drm_holdfast_gem_create create = { .size = PAGE };
	struct drm_holdfast_gem_mmap_offset map = { 0 };
	struct drm_holdfast_vm_create vm = { 0 };
	struct drm_holdfast_ctx_create ctx = {
		.priority = HOLDFAST_PRIORITY_NORMAL
	};

	if (drmIoctl(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &param) || !param.value)
		return false;
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &vm), 0);
	e->vm = ctx.vm_id = vm.vm_id;
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &ctx), 0);
	e->ctx = ctx.ctx_id;
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_GEM_CREATE, &create),
			 0);
	e->cmd = map.handle = create.handle;
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &map),
			 0);
	e->commands = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   map.offset);
	assert_ptr_not_equal(e->commands, MAP_FAILED);
	assert_int_equal(bind_object(e, e->cmd, CMD_VA, PAGE, 0), 0);
	assert_int_equal(drmSyncobjCreate(fd, 0, &e->syncobj), 0);
	return true;
}

static void stop_engine(struct engine *e)
{
	struct drm_holdfast_ctx_destroy ctx = { .ctx_id = e->ctx };
	struct drm_holdfast_vm_destroy vm = { .vm_id = e->vm };

	drmIoctl(fd, DRM_IOCTL_HOLDFAST_CTX_DESTROY, &ctx);
	drmIoctl(fd, DRM_IOCTL_HOLDFAST_VM_DESTROY, &vm);
	drmSyncobjDestroy(fd, e->syncobj);
	munmap(e->commands, PAGE);
	drmCloseBufferHandle(fd, e->cmd);
}

/* Copy from one to the other, and wait for it. Return: was there no fault? */
static bool engine_copy(struct engine *e, uint64_t dst, uint64_t src,
			size_t size)
{
	struct drm_holdfast_sync sync = {
		.handle = e->syncobj, .flags = HOLDFAST_SYNC_SIGNAL
	};
	struct drm_holdfast_submit submit = {
		.ctx_id = e->ctx,
		.cmd_va = CMD_VA,
		.cmd_size = sizeof(*e->commands),
		.num_syncs = 1,
		.syncs = (uintptr_t)&sync,
	};
	struct drm_holdfast_ctx_query query = { .ctx_id = e->ctx };

	*e->commands = (struct holdfast_cmd_copy_linear){
		.base = { HOLDFAST_CMD_COPY_LINEAR, sizeof(*e->commands), 0 },
		.dst = dst,
		.src = src,
		.size = size,
	};
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_SUBMIT, &submit), 0);
	assert_int_equal(drmSyncobjWait(fd, &e->syncobj, 1, INT64_MAX, 0, NULL),
			 0);
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, &query), 0);
	return !query.banned;
}

static void the_engine_works_on_the_programs_own_memory(void **state)
{
	size_t size = 300000;
	char *src = anonymous(size + PAGE), *dst = malloc(size);
	uint32_t from, to, again;
	struct engine e;
	uint64_t range;

	if (!start_engine(&e))
		skip();
	memset(dst, 0, size);
	memset(src, 1, size);
	range = ((uintptr_t)dst % PAGE + size + PAGE - 1) & ~(PAGE - 1);
	assert_int_equal(userptr(src, size, HOLDFAST_USERPTR_READ_ONLY, &from),
			 0);
	assert_int_equal(userptr(dst, size, 0, &to), 0);
	assert_int_equal(bind_object(&e, from, SRC_VA, (size + PAGE - 1) & ~(PAGE - 1),
			      HOLDFAST_BIND_READ_ONLY), 0);
	assert_int_equal(bind_object(&e, to, DST_VA, range, 0), 0);
	assert_true(engine_copy(&e, DST_VA + (uintptr_t)dst % PAGE, SRC_VA,
				size));
	assert_memory_equal(dst, src, size);
	/* What the program stores now is seen the next time. */
	memset(src, 2, size);
	src[size - 1] = 3;
	assert_true(engine_copy(&e, DST_VA + (uintptr_t)dst % PAGE, SRC_VA,
				size));
	assert_memory_equal(dst, src, size);
	/* Without the mapping, the engine has what it had. */
	assert_ptr_equal(mmap(src, size, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
			 src);
	memset(src, 9, size);
	memset(dst, 0, size);
	drmCloseBufferHandle(fd, from);
	assert_true(engine_copy(&e, DST_VA + (uintptr_t)dst % PAGE, SRC_VA,
				size));
	assert_int_equal(dst[0], 2);
	assert_int_equal(dst[size - 1], 3);
	/* And a new registration of the same address the new memory. */
	assert_int_equal(userptr(src, size, 0, &again), 0);
	assert_int_equal(bind_object(&e, again, SRC_VA,
			      (size + PAGE - 1) & ~(PAGE - 1), 0), 0);
	assert_true(engine_copy(&e, DST_VA + (uintptr_t)dst % PAGE, SRC_VA,
				size));
	assert_memory_equal(dst, src, size);
	drmCloseBufferHandle(fd, again);
	drmCloseBufferHandle(fd, to);
	stop_engine(&e);
	munmap(src, size + PAGE);
	free(dst);
}

static void the_engine_must_not_write_what_is_read_only(void **state)
{
	static const char constant[2 * PAGE]
		__attribute__((aligned(4096))) = "constant";
	uint32_t handle;
	struct engine e;

	if (!start_engine(&e))
		skip();
	assert_int_equal(userptr(constant, PAGE, HOLDFAST_USERPTR_READ_ONLY,
				 &handle), 0);
	/* Either it cannot be bound to be written, or a write is a fault. */
	if (!bind_object(&e, handle, DST_VA, PAGE, 0))
		assert_false(engine_copy(&e, DST_VA, CMD_VA, 64));
	assert_string_equal(constant, "constant");
	drmCloseBufferHandle(fd, handle);
	stop_engine(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_kinds_of_memory_can_be_registered),
		cmocka_unit_test(many_pieces_are_one_object),
		cmocka_unit_test(too_many_pieces_are_enomem),
		cmocka_unit_test(several_shared_files_are_shown_in_one_call),
		cmocka_unit_test(a_file_that_shrank_can_be_registered),
		cmocka_unit_test(bad_arguments_are_refused_in_order),
		cmocka_unit_test(there_is_no_dma_buf_and_no_offset),
		cmocka_unit_test(no_descriptor_stays_open),
		cmocka_unit_test(the_limit_is_charged_and_given_back),
		cmocka_unit_test(a_child_has_memory_of_its_own),
		cmocka_unit_test(
			memory_can_be_registered_again_and_after_it_was_forgotten),
		cmocka_unit_test(many_threads_register_at_once),
		cmocka_unit_test(an_ordinary_user_can_do_it_too),
		cmocka_unit_test(a_program_that_exits_leaves_nothing),
		cmocka_unit_test(the_engine_works_on_the_programs_own_memory),
		cmocka_unit_test(the_engine_must_not_write_what_is_read_only),
	};

	fd = open_device();
	if (fd < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
