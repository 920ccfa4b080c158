/* SPDX-License-Identifier: MIT */
/* See the header. */
#include "engine.h"

#include <linux/sync_file.h>
#include <sched.h>
#include <sys/wait.h>

uint64_t get_param(int fd, uint32_t param)
{
	struct drm_holdfast_get_param get = { .param = param };

	EXPECT_OK(call(fd, DRM_IOCTL_HOLDFAST_GET_PARAM, &get));
	return get.value;
}

void need_engine(int fd)
{
	if (!get_param(fd, HOLDFAST_PARAM_ENGINE))
		skip("the device has no engine");
}

void need_coherent(int fd)
{
	if (!get_param(fd, HOLDFAST_PARAM_COHERENT))
		skip("the device does not see the CPU's caches");
}

/* -- objects ------------------------------------------------------------------- */

int gem_create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_holdfast_gem_create create = { .size = size, .flags = flags };
	int error = call(fd, DRM_IOCTL_HOLDFAST_GEM_CREATE, &create);

	*handle = create.handle;
	return error;
}

int gem_mmap_offset(int fd, uint32_t handle, uint64_t *offset)
{
	struct drm_holdfast_gem_mmap_offset get = { .handle = handle };
	int error = call(fd, DRM_IOCTL_HOLDFAST_GEM_MMAP_OFFSET, &get);

	*offset = get.offset;
	return error;
}

void *gem_map(int fd, uint32_t handle, uint64_t size)
{
	uint64_t offset;
	void *data;

	EXPECT_OK(gem_mmap_offset(fd, handle, &offset));
	data = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (data == MAP_FAILED)
		fail(__FILE__, __LINE__, "mmap of an object: %s", error_name(errno));
	return data;
}

int gem_userptr(int fd, const void *addr, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_holdfast_gem_userptr userptr = {
		.addr = PTR(addr), .size = size, .flags = flags,
	};
	int error = call(fd, DRM_IOCTL_HOLDFAST_GEM_USERPTR, &userptr);

	*handle = userptr.handle;
	return error;
}

int gem_madvise(int fd, uint32_t handle, uint32_t madv, uint32_t *retained)
{
	struct drm_holdfast_gem_madvise advise = { .handle = handle, .madv = madv };
	int error = call(fd, DRM_IOCTL_HOLDFAST_GEM_MADVISE, &advise);

	*retained = advise.retained;
	return error;
}

int gem_wait(int fd, uint32_t handle, uint32_t flags, int64_t timeout_ns)
{
	struct drm_holdfast_gem_wait wait = {
		.handle = handle, .flags = flags, .timeout_ns = timeout_ns,
	};

	return call(fd, DRM_IOCTL_HOLDFAST_GEM_WAIT, &wait);
}

void object_create(int fd, uint64_t size, uint32_t flags, struct object *object)
{
	*object = (struct object){ .fd = fd, .size = size };
	EXPECT_OK(gem_create(fd, size, flags, &object->handle));
	object->data = gem_map(fd, object->handle, size);
}

void object_destroy(struct object *object)
{
	EXPECT_OK(result(munmap(object->data, object->size)));
	EXPECT_OK(gem_close(object->fd, object->handle));
}

static uint32_t pattern_at(uint64_t index, uint32_t seed)
{
	uint32_t x = (uint32_t)index * 2654435761u + seed * 40503u + 1;

	return x ^ x >> 15;
}

void pattern_fill(void *data, uint64_t size, uint32_t seed)
{
	uint32_t *numbers = data;

	for (uint64_t i = 0; i < size / 4; i++)
		numbers[i] = pattern_at(i, seed);
}

bool pattern_is(const void *data, uint64_t size, uint32_t seed)
{
	const uint32_t *numbers = data;

	for (uint64_t i = 0; i < size / 4; i++) {
		if (numbers[i] == pattern_at(i, seed))
			continue;
		fprintf(stderr, "# byte %#llx: %#x, expected %#x\n",
			(unsigned long long)i * 4, numbers[i], pattern_at(i, seed));
		return false;
	}
	return true;
}

bool bytes_are(const void *data, uint64_t size, uint8_t byte)
{
	const uint8_t *bytes = data;

	return !size || (bytes[0] == byte && !memcmp(bytes, bytes + 1, size - 1));
}

/* -- address spaces ------------------------------------------------------------- */

int vm_create(int fd, uint32_t *vm)
{
	struct drm_holdfast_vm_create create = { 0 };
	int error = call(fd, DRM_IOCTL_HOLDFAST_VM_CREATE, &create);

	*vm = create.vm_id;
	return error;
}

int vm_destroy(int fd, uint32_t vm)
{
	return call(fd, DRM_IOCTL_HOLDFAST_VM_DESTROY,
		    &(struct drm_holdfast_vm_destroy){ .vm_id = vm });
}

struct drm_holdfast_bind_op map_op(uint32_t handle, uint64_t offset, uint64_t va,
				   uint64_t range, uint32_t flags)
{
	return (struct drm_holdfast_bind_op){
		.op = HOLDFAST_BIND_MAP, .flags = flags, .handle = handle,
		.offset = offset, .va = va, .range = range,
	};
}

struct drm_holdfast_bind_op unmap_op(uint64_t va, uint64_t range)
{
	return (struct drm_holdfast_bind_op){
		.op = HOLDFAST_BIND_UNMAP, .va = va, .range = range,
	};
}

int vm_bind_fenced(int fd, uint32_t vm, const struct drm_holdfast_bind_op *ops,
		   uint32_t count, const struct drm_holdfast_sync *syncs, uint32_t sync_count)
{
	struct drm_holdfast_vm_bind bind = {
		.vm_id = vm, .num_ops = count, .num_syncs = sync_count,
		.ops = PTR(ops), .syncs = PTR(syncs),
	};

	return call(fd, DRM_IOCTL_HOLDFAST_VM_BIND, &bind);
}

int vm_bind(int fd, uint32_t vm, const struct drm_holdfast_bind_op *ops, uint32_t count)
{
	return vm_bind_fenced(fd, vm, ops, count, NULL, 0);
}

int vm_map(int fd, uint32_t vm, const struct object *object, uint64_t va)
{
	struct drm_holdfast_bind_op op = map_op(object->handle, 0, va, object->size, 0);

	return vm_bind(fd, vm, &op, 1);
}

int vm_unmap(int fd, uint32_t vm, uint64_t va, uint64_t range)
{
	struct drm_holdfast_bind_op op = unmap_op(va, range);

	return vm_bind(fd, vm, &op, 1);
}

/* -- fences --------------------------------------------------------------------- */

uint32_t syncobj_create(int fd)
{
	uint32_t handle;

	EXPECT_OK(result(drmSyncobjCreate(fd, 0, &handle)));
	return handle;
}

struct drm_holdfast_sync wait_for(uint32_t syncobj, uint64_t point)
{
	return (struct drm_holdfast_sync){ .handle = syncobj, .point = point };
}

struct drm_holdfast_sync signal_to(uint32_t syncobj, uint64_t point)
{
	return (struct drm_holdfast_sync){
		.handle = syncobj, .flags = HOLDFAST_SYNC_SIGNAL, .point = point,
	};
}

int syncobj_wait(int fd, uint32_t syncobj, int64_t timeout_ns)
{
	return result(drmSyncobjWait(fd, &syncobj, 1, timeout_ns, 0, NULL));
}

bool syncobj_done(int fd, uint32_t syncobj)
{
	int error = syncobj_wait(fd, syncobj, 0);

	if (error != ETIME)
		EXPECT_OK(error);
	return !error;
}

int fence_status(int fd, uint32_t syncobj)
{
	struct sync_file_info sync_info = { 0 };
	int file;

	EXPECT_OK(result(drmSyncobjExportSyncFile(fd, syncobj, &file)));
	EXPECT_OK(result(ioctl(file, SYNC_IOC_FILE_INFO, &sync_info)));
	close(file);
	return sync_info.status;
}

/* -- contexts ------------------------------------------------------------------- */

int ctx_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms, uint32_t *ctx)
{
	struct drm_holdfast_ctx_create create = {
		.vm_id = vm, .priority = priority, .timeout_ms = timeout_ms,
	};
	int error = call(fd, DRM_IOCTL_HOLDFAST_CTX_CREATE, &create);

	*ctx = create.ctx_id;
	return error;
}

int ctx_destroy(int fd, uint32_t ctx)
{
	return call(fd, DRM_IOCTL_HOLDFAST_CTX_DESTROY,
		    &(struct drm_holdfast_ctx_destroy){ .ctx_id = ctx });
}

void ctx_query(int fd, uint32_t ctx, struct drm_holdfast_ctx_query *query)
{
	*query = (struct drm_holdfast_ctx_query){ .ctx_id = ctx };
	EXPECT_OK(call(fd, DRM_IOCTL_HOLDFAST_CTX_QUERY, query));
}

void engine_create(int fd, uint32_t timeout_ms, struct engine *engine)
{
	*engine = (struct engine){ .fd = fd, .limit = COMMANDS_SIZE / 2 };
	need_engine(fd);
	EXPECT_OK(vm_create(fd, &engine->vm));
	EXPECT_OK(ctx_create(fd, engine->vm, HOLDFAST_PRIORITY_NORMAL, timeout_ms,
			     &engine->ctx));
	object_create(fd, COMMANDS_SIZE, 0, &engine->commands);
	object_create(fd, PAGE, 0, &engine->slots);
	engine_map(engine, &engine->commands, COMMANDS_VA);
	engine_map(engine, &engine->slots, SLOTS_VA);
}

void engine_open(struct engine *engine)
{
	engine_create(open_render(), PATIENT_MS, engine);
	need_coherent(engine->fd);
}

/* Without a bind, which would wait for those that wait. */
void engine_sibling(const struct engine *engine, struct engine *sibling)
{
	static unsigned int siblings;

	*sibling = *engine;
	EXPECT_OK(ctx_create(engine->fd, engine->vm, HOLDFAST_PRIORITY_NORMAL, PATIENT_MS,
			     &sibling->ctx));
	sibling->start = sibling->end = COMMANDS_SIZE - ++siblings * SIBLING_SIZE;
	sibling->limit = sibling->start + SIBLING_SIZE;
	EXPECT(sibling->start >= COMMANDS_SIZE / 2);
}

void engine_map(const struct engine *engine, const struct object *object, uint64_t va)
{
	EXPECT_OK(vm_map(engine->fd, engine->vm, object, va));
}

/* -- commands ------------------------------------------------------------------- */

uint64_t emit(struct engine *engine, const void *command, size_t size)
{
	uint64_t va = COMMANDS_VA + engine->end;

	EXPECT(engine->end + size <= engine->limit);
	memcpy((char *)engine->commands.data + engine->end, command, size);
	engine->end += size;
	return va;
}

uint64_t emit_nop(struct engine *engine, uint16_t size)
{
	static const char padding[65536];
	uint64_t va = emit(engine, padding, size);

	memcpy((char *)engine->commands.data + (va - COMMANDS_VA),
	       &(struct holdfast_cmd){ HOLDFAST_CMD_NOP, size, 0 },
	       sizeof(struct holdfast_cmd));
	return va;
}

uint64_t emit_end(struct engine *engine)
{
	struct holdfast_cmd end = { HOLDFAST_CMD_END, sizeof(end), 0 };

	return emit(engine, &end, sizeof(end));
}

uint64_t emit_jump(struct engine *engine, uint64_t va, uint32_t size)
{
	struct holdfast_cmd_jump jump = {
		.base = { HOLDFAST_CMD_JUMP, sizeof(jump), 0 }, .va = va, .size = size,
	};

	return emit(engine, &jump, sizeof(jump));
}

static uint64_t emit_store(struct engine *engine, uint64_t va, uint64_t value, uint32_t flags)
{
	struct holdfast_cmd_write write = {
		.base = { HOLDFAST_CMD_WRITE, sizeof(write), flags }, .va = va, .value = value,
	};

	return emit(engine, &write, sizeof(write));
}

uint64_t emit_write(struct engine *engine, uint64_t va, uint32_t value)
{
	return emit_store(engine, va, value, 0);
}

uint64_t emit_write64(struct engine *engine, uint64_t va, uint64_t value)
{
	return emit_store(engine, va, value, HOLDFAST_WRITE_64);
}

uint64_t emit_wait(struct engine *engine, uint64_t va, uint32_t condition, uint32_t value,
		   uint32_t mask)
{
	struct holdfast_cmd_wait wait = {
		.base = { HOLDFAST_CMD_WAIT, sizeof(wait), condition },
		.va = va, .value = value, .mask = mask,
	};

	return emit(engine, &wait, sizeof(wait));
}

uint64_t emit_copy_linear(struct engine *engine, uint64_t dst, uint64_t src, uint64_t size)
{
	struct holdfast_cmd_copy_linear copy = {
		.base = { HOLDFAST_CMD_COPY_LINEAR, sizeof(copy), 0 },
		.dst = dst, .src = src, .size = size,
	};

	return emit(engine, &copy, sizeof(copy));
}

uint64_t emit_fill(struct engine *engine, const struct holdfast_surface *dst,
		   struct holdfast_rect rect, uint32_t color)
{
	struct holdfast_cmd_fill fill = {
		.base = { HOLDFAST_CMD_FILL, sizeof(fill), 0 },
		.dst = *dst, .rect = rect, .color = color,
	};

	return emit(engine, &fill, sizeof(fill));
}

uint64_t emit_copy(struct engine *engine, uint16_t op, const struct holdfast_surface *dst,
		   const struct holdfast_surface *src, struct holdfast_rect rect,
		   uint32_t dst_x, uint32_t dst_y)
{
	struct holdfast_cmd_copy copy = {
		.base = { op, sizeof(copy), 0 }, .dst = *dst, .src = *src, .rect = rect,
		.dst_x = dst_x, .dst_y = dst_y,
	};

	return emit(engine, &copy, sizeof(copy));
}

static uint32_t *slot(const struct engine *engine, unsigned int n)
{
	EXPECT(64 * n < PAGE);
	return (uint32_t *)((char *)engine->slots.data + 64 * n);
}

void emit_hold(struct engine *engine, unsigned int n)
{
	emit_write(engine, SLOT(n), 1);
	emit_wait(engine, SLOT(n + 1), HOLDFAST_WAIT_EQUAL, 1, ~0u);
}

/* No limit but the harness's. */
void await(const struct engine *engine, unsigned int n)
{
	while (!__atomic_load_n(slot(engine, n), __ATOMIC_ACQUIRE))
		sched_yield();
}

void release(const struct engine *engine, unsigned int n)
{
	__atomic_store_n(slot(engine, n + 1), 1, __ATOMIC_RELEASE);
}

/* -- jobs ----------------------------------------------------------------------- */

int submit(struct engine *engine, const struct drm_holdfast_sync *syncs, uint32_t sync_count,
	   const struct drm_holdfast_object *objects, uint32_t object_count)
{
	struct drm_holdfast_submit args = {
		.ctx_id = engine->ctx, .cmd_va = COMMANDS_VA + engine->start,
		.cmd_size = (uint32_t)(engine->end - engine->start),
		.syncs = PTR(syncs), .num_syncs = sync_count,
		.objects = PTR(objects), .num_objects = object_count,
	};

	engine->start = engine->end;
	return call(engine->fd, DRM_IOCTL_HOLDFAST_SUBMIT, &args);
}

uint32_t go(struct engine *engine)
{
	uint32_t done = syncobj_create(engine->fd);
	struct drm_holdfast_sync sync = signal_to(done, 0);

	EXPECT_OK(submit(engine, &sync, 1, NULL, 0));
	return done;
}

void run(struct engine *engine)
{
	uint32_t done = go(engine);
	struct drm_holdfast_ctx_query query;

	EXPECT_OK(syncobj_wait(engine->fd, done, INT64_MAX));
	EXPECT_OK(result(drmSyncobjDestroy(engine->fd, done)));
	ctx_query(engine->fd, engine->ctx, &query);
	if (query.banned)
		fail(__FILE__, __LINE__, "fault %u at %#llx, a %s", query.fault,
		     (unsigned long long)query.fault_va, query.write ? "write" : "read");
}

void run_fault(struct engine *engine, uint32_t fault, uint64_t va, bool write)
{
	uint32_t done = go(engine);
	struct drm_holdfast_ctx_query query;

	EXPECT_OK(syncobj_wait(engine->fd, done, INT64_MAX));
	EXPECT_EQ(fence_status(engine->fd, done),
		  fault == HOLDFAST_FAULT_TIMEOUT ? -ETIME : -EIO);
	ctx_query(engine->fd, engine->ctx, &query);
	EXPECT_EQ(query.banned, 1);
	EXPECT_EQ(query.fault, fault);
	EXPECT_EQ(query.write, write);
	if (va)
		EXPECT_EQ(query.fault_va, va);
}

#define READ_BACK_VA UINT64_C(0x7d0000000000)

void read_back(struct engine *engine, uint64_t va, uint64_t size, struct object *into)
{
	object_create(engine->fd, (size + PAGE - 1) / PAGE * PAGE, 0, into);
	engine_map(engine, into, READ_BACK_VA);
	emit_copy_linear(engine, READ_BACK_VA, va, size);
	run(engine);
	EXPECT_OK(vm_unmap(engine->fd, engine->vm, READ_BACK_VA, into->size));
}

/* -- pictures ------------------------------------------------------------------- */

void picture_create(struct engine *engine, uint64_t va, uint32_t width, uint32_t height,
		    uint32_t format, struct picture *picture)
{
	uint32_t cpp = format == DRM_FORMAT_RGB565 ? 2 : 4;
	/* Lines that do not follow each other without a gap show a wrong pitch. */
	uint32_t pitch = (width * cpp + 3) / 4 * 4 + 36;
	uint64_t size = ((uint64_t)pitch * height + PAGE - 1) / PAGE * PAGE;

	object_create(engine->fd, size, 0, &picture->object);
	engine_map(engine, &picture->object, va);
	picture->surface = (struct holdfast_surface){
		.va = va, .pitch = pitch, .format = format, .width = width, .height = height,
	};
}

uint32_t *pixel(const struct picture *picture, uint32_t x, uint32_t y)
{
	return (uint32_t *)((char *)picture->object.data + y * picture->surface.pitch) + x;
}

void picture_clear(const struct picture *picture, uint32_t color)
{
	uint32_t *data = picture->object.data;

	for (uint64_t i = 0; i < picture->object.size / 4; i++)
		data[i] = color;
}

/* -- figures -------------------------------------------------------------------- */

/* The command is not a client of the device that it asks about. */
static FILE *ask(pid_t *pid)
{
	const char *command = getenv("HOLDFAST");
	int fds[2];

	if (!command)
		fail(__FILE__, __LINE__, "HOLDFAST must name the command");
	EXPECT_OK(result(pipe2(fds, O_CLOEXEC)));
	*pid = fork_child();
	if (!*pid) {
		unsetenv("LD_PRELOAD");
		dup2(fds[1], STDOUT_FILENO);
		execlp(command, command, "info", "--json", NULL);
		_exit(127);
	}
	close(fds[1]);
	return fdopen(fds[0], "r");
}

uint64_t info(const char *key)
{
	static char text[8 << 20];
	char name[64], *found;
	size_t length;
	pid_t pid;
	FILE *file = ask(&pid);

	EXPECT(file);
	length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	fclose(file);
	join_child(pid);
	/* Two spaces: the top level. */
	snprintf(name, sizeof(name), "\n  \"%s\":", key);
	found = strstr(text, name);
	if (!found)
		fail(__FILE__, __LINE__, "holdfast info has no %s", key);
	return strtoull(found + strlen(name), NULL, 10);
}

void await_info(const char *key, uint64_t value)
{
	uint64_t end = now_ns() + 15000000000u, now;

	while ((now = info(key)) != value) {
		if (now_ns() > end)
			fail(__FILE__, __LINE__, "%s stays at %llu, expected %llu", key,
			     (unsigned long long)now, (unsigned long long)value);
		usleep(10000);
	}
}
