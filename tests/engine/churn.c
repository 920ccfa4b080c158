/* SPDX-License-Identifier: MIT */
/*
 * Everything at once: several processes make, map, bind, use, share, give up and
 * free objects in random order, some are killed in the midst of it, and in the
 * end nothing is left. CHURN_SECONDS says for how long at least.
 */
#include "engine.h"

#include <stdatomic.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define WORKERS 4
#define ITEMS 96
#define OBJECTS 10000
#define BASE UINT64_C(0x100000000)
#define STRIDE (4 * MIB)

/* What all processes see. */
static struct shared {
	_Atomic bool stop;
	_Atomic uint32_t created, jobs, shares, verified, killed;
	_Atomic uint32_t names[WORKERS];
} *shared;

struct item {
	uint32_t handle, id;	/* id: the first number in it, unless it is another's */
	uint64_t size;
	void *data;		/* mapped by the CPU, or registered memory */
	bool user, bound, not_needed, given;
};

struct worker {
	unsigned int number;
	int in, out;		/* sockets for descriptors */
	struct engine engine;
	struct item items[ITEMS];
	uint32_t last;		/* a syncobj of the last job or bind; 0: none */
};

/* The neighbours' sockets; every process has all of them. */
static int rings[WORKERS][2];

static uint64_t va_of(const struct worker *worker, const struct item *item)
{
	return BASE + (uint64_t)(item - worker->items) * STRIDE;
}

static struct item *pick(struct worker *worker, bool used)
{
	for (int tries = 0; tries < 20; tries++) {
		struct item *item = &worker->items[rand() % ITEMS];

		if (!!item->handle == used)
			return item;
	}
	return NULL;
}

static uint32_t new_id(void)
{
	return 1 + atomic_fetch_add(&shared->created, 1);
}

/* -- coming ------------------------------------------------------------------------- */

static void make(struct worker *worker)
{
	struct item *item = pick(worker, false);
	uint32_t flags = rand() % 8 ? 0 : HOLDFAST_GEM_CONTIGUOUS;

	if (!item)
		return;
	*item = (struct item){ .id = new_id(), .size = (1 + (uint64_t)rand() % 64) * PAGE };
	EXPECT_OK(gem_create(worker->engine.fd, item->size, flags, &item->handle));
	item->data = gem_map(worker->engine.fd, item->handle, item->size);
	*(uint32_t *)item->data = item->id;
}

static void register_memory(struct worker *worker)
{
	struct item *item = pick(worker, false);

	if (!item)
		return;
	*item = (struct item){
		.id = new_id(), .size = (1 + (uint64_t)rand() % 32) * PAGE, .user = true,
	};
	item->data = aligned_alloc(PAGE, item->size);
	EXPECT(item->data);
	*(uint32_t *)item->data = item->id;
	EXPECT_OK(gem_userptr(worker->engine.fd, item->data, item->size, 0, &item->handle));
}

/* An import may give a handle that is there already: then it is that object. */
static void adopt(struct worker *worker, uint32_t handle, uint64_t size)
{
	struct item *item = pick(worker, false);

	for (int i = 0; i < ITEMS; i++)
		if (worker->items[i].handle == handle)
			return;
	if (item)
		*item = (struct item){ .handle = handle, .size = size };
	else
		EXPECT_OK(gem_close(worker->engine.fd, handle));
}

static void receive(struct worker *worker)
{
	uint32_t handle;
	int dmabuf;

	if (!readable(worker->in, 0))
		return;
	dmabuf = receive_fd(worker->in);
	EXPECT_OK(prime_import(worker->engine.fd, dmabuf, &handle));
	adopt(worker, handle, (uint64_t)lseek(dmabuf, 0, SEEK_END));
	close(dmabuf);
	shared->shares++;
}

static void open_name(struct worker *worker)
{
	struct drm_gem_open args = { .name = shared->names[rand() % WORKERS] };
	int error;

	if (!args.name)
		return;
	error = call(worker->engine.fd, DRM_IOCTL_GEM_OPEN, &args);
	if (error == ENOENT)
		return;
	EXPECT_OK(error);
	adopt(worker, args.handle, args.size);
	shared->shares++;
}

/* -- going on ------------------------------------------------------------------------- */

static void wait_for_last(struct worker *worker)
{
	if (!worker->last)
		return;
	EXPECT_OK(syncobj_wait(worker->engine.fd, worker->last, INT64_MAX));
	EXPECT_OK(result(drmSyncobjDestroy(worker->engine.fd, worker->last)));
	worker->last = 0;
}

/* After the last job or bind, and the last one from now on. */
static uint32_t link_syncs(struct worker *worker, struct drm_holdfast_sync syncs[2])
{
	uint32_t old = worker->last, count = 0;

	if (old)
		syncs[count++] = wait_for(old, 0);
	worker->last = syncobj_create(worker->engine.fd);
	syncs[count++] = signal_to(worker->last, 0);
	return count;
}

static void unlink_syncs(struct worker *worker, const struct drm_holdfast_sync *syncs,
			 uint32_t count)
{
	if (count == 2)
		EXPECT_OK(result(drmSyncobjDestroy(worker->engine.fd, syncs[0].handle)));
}

static void bind_or_unbind(struct worker *worker)
{
	struct item *item = pick(worker, true);
	struct drm_holdfast_bind_op op;

	if (!item)
		return;
	op = item->bound ? unmap_op(va_of(worker, item), STRIDE) :
		map_op(item->handle, 0, va_of(worker, item), item->size, 0);
	if (item->not_needed && !item->bound) {
		EXPECT_ERROR(vm_bind(worker->engine.fd, worker->engine.vm, &op, 1), EFAULT);
		return;
	}
	if (rand() % 3) {
		EXPECT_OK(vm_bind(worker->engine.fd, worker->engine.vm, &op, 1));
	} else {
		struct drm_holdfast_sync syncs[2];
		uint32_t count = link_syncs(worker, syncs);

		EXPECT_OK(vm_bind_fenced(worker->engine.fd, worker->engine.vm, &op, 1, syncs,
					 count));
		unlink_syncs(worker, syncs, count);
	}
	item->bound = !item->bound;
}

/* Jobs whose memory was unbound before they ran have faulted, and rightly so. */
static void renew_context(struct worker *worker)
{
	struct drm_holdfast_ctx_query query;

	ctx_query(worker->engine.fd, worker->engine.ctx, &query);
	if (!query.banned)
		return;
	EXPECT_EQ(query.fault, HOLDFAST_FAULT_UNMAPPED);
	EXPECT(query.fault_va >= BASE && query.fault_va < BASE + ITEMS * STRIDE);
	EXPECT_OK(ctx_destroy(worker->engine.fd, worker->engine.ctx));
	EXPECT_OK(ctx_create(worker->engine.fd, worker->engine.vm, HOLDFAST_PRIORITY_NORMAL,
			     PATIENT_MS, &worker->engine.ctx));
}

/* Commands must not be overwritten while they may be read. */
static void make_room(struct worker *worker)
{
	if (worker->engine.end + PAGE < worker->engine.limit)
		return;
	wait_for_last(worker);
	worker->engine.start = worker->engine.end = 0;
}

static void copy(struct worker *worker)
{
	struct item *from = pick(worker, true), *to = pick(worker, true);
	struct drm_holdfast_object objects[2];
	struct drm_holdfast_sync syncs[2];
	uint32_t count;
	uint64_t size;
	int error;

	if (!from || !to || !from->bound || !to->bound)
		return;
	make_room(worker);
	size = (from->size < to->size ? from->size : to->size) - 64;
	objects[0] = (struct drm_holdfast_object){ from->handle, 0 };
	objects[1] = (struct drm_holdfast_object){ to->handle, HOLDFAST_OBJECT_WRITE };
	emit_copy_linear(&worker->engine, va_of(worker, to) + 64, va_of(worker, from) + 64, size);
	count = link_syncs(worker, syncs);
	error = submit(&worker->engine, syncs, count, objects, 2);
	if (error) {
		EXPECT_ERROR(error, EIO);
		EXPECT_OK(result(drmSyncobjDestroy(worker->engine.fd, worker->last)));
		worker->last = count == 2 ? syncs[0].handle : 0;
		renew_context(worker);
		return;
	}
	unlink_syncs(worker, syncs, count);
	shared->jobs++;
}

static void verify(struct worker *worker)
{
	struct item *item = pick(worker, true);
	uint32_t *slot = worker->engine.slots.data;

	if (!item || !item->bound || !item->id)
		return;
	wait_for_last(worker);
	renew_context(worker);
	make_room(worker);
	*slot = 0;
	emit_copy_linear(&worker->engine, SLOTS_VA, va_of(worker, item), 4);
	run(&worker->engine);
	EXPECT_EQ(*slot, item->id);
	EXPECT_EQ(*(uint32_t *)item->data, item->id);
	shared->verified++;
}

static void fault(struct worker *worker)
{
	struct engine bad;
	static unsigned int faults;

	/* A process has so many siblings. */
	if (++faults > 50)
		return;
	engine_sibling(&worker->engine, &bad);
	emit_write(&bad, BASE - STRIDE, 1);
	go(&bad);
	EXPECT_OK(ctx_destroy(bad.fd, bad.ctx));
}

static void pass_on(struct worker *worker)
{
	struct item *item = pick(worker, true);
	struct pollfd room = { .fd = worker->out, .events = POLLOUT };
	int dmabuf;

	if (!item || item->user || item->not_needed || poll(&room, 1, 0) != 1)
		return;
	EXPECT_OK(prime_export(worker->engine.fd, item->handle, O_RDWR, &dmabuf));
	send_fd(worker->out, dmabuf);
	close(dmabuf);
	item->given = true;
}

static void publish(struct worker *worker)
{
	struct item *item = pick(worker, true);
	struct drm_gem_flink flink;

	if (!item || item->user || item->not_needed)
		return;
	flink = (struct drm_gem_flink){ .handle = item->handle };
	EXPECT_OK(call(worker->engine.fd, DRM_IOCTL_GEM_FLINK, &flink));
	shared->names[worker->number] = flink.name;
	item->given = true;
}

static void advise(struct worker *worker)
{
	struct item *item = pick(worker, true);
	uint32_t retained;

	/* What others have is theirs, too. */
	if (!item || !item->id || item->user || item->given)
		return;
	EXPECT_OK(gem_madvise(worker->engine.fd, item->handle, item->not_needed ?
			      HOLDFAST_MADV_WILLNEED : HOLDFAST_MADV_DONTNEED, &retained));
	EXPECT_EQ(retained, 1);
	item->not_needed = !item->not_needed;
}

/* -- going --------------------------------------------------------------------------- */

static void drop(struct worker *worker)
{
	struct item *item = pick(worker, true);

	if (!item)
		return;
	/* In any order, and often with a job on it. */
	if (item->bound && rand() % 2) {
		EXPECT_OK(vm_unmap(worker->engine.fd, worker->engine.vm, va_of(worker, item),
				   STRIDE));
		item->bound = false;
	}
	if (item->user)
		free(item->data);
	else if (item->data)
		EXPECT_OK(result(munmap(item->data, item->size)));
	EXPECT_OK(gem_close(worker->engine.fd, item->handle));
	if (item->bound)
		EXPECT_OK(vm_unmap(worker->engine.fd, worker->engine.vm, va_of(worker, item),
				   STRIDE));
	*item = (struct item){ 0 };
}

static void step(struct worker *worker)
{
	static void (*const steps[])(struct worker *) = {
		make, make, make, make, drop, drop, drop, drop, bind_or_unbind, bind_or_unbind,
		bind_or_unbind, bind_or_unbind, copy, copy, copy, verify, verify, pass_on, receive,
		publish, open_name, advise, register_memory, fault,
	};

	steps[(size_t)rand() % ARRAY_SIZE(steps)](worker);
}

static void leave(struct worker *worker)
{
	for (int i = 0; i < 100 * ITEMS; i++)
		drop(worker);
	wait_for_last(worker);
	EXPECT_OK(ctx_destroy(worker->engine.fd, worker->engine.ctx));
	EXPECT_OK(vm_destroy(worker->engine.fd, worker->engine.vm));
}

static void work(unsigned int number, int fd, unsigned int seed)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	EXPECT(worker);
	srand(seed);
	worker->number = number;
	worker->in = rings[number][0];
	worker->out = rings[(number + 1) % WORKERS][1];
	engine_create(fd, PATIENT_MS, &worker->engine);
	while (!shared->stop)
		step(worker);
	/* Some clean up, some just end. */
	if (number % 2)
		leave(worker);
}

/* -- the parent ------------------------------------------------------------------------ */

/* Names need an authenticated file of the card. */
static pid_t start(int master, unsigned int number)
{
	static unsigned int seed = 1;
	struct drm_auth magic = { 0 };
	int fd = open_card();
	pid_t pid;

	EXPECT_OK(call(fd, DRM_IOCTL_GET_MAGIC, &magic));
	EXPECT_OK(call(master, DRM_IOCTL_AUTH_MAGIC, &magic));
	seed++;
	pid = fork_child();
	if (!pid) {
		work(number, fd, seed);
		_exit(0);
	}
	close(fd);
	return pid;
}

static void expect_alive(const pid_t *pids)
{
	int status;

	for (int i = 0; i < WORKERS; i++)
		EXPECT_EQ(waitpid(pids[i], &status, WNOHANG), 0);
}

static const char *const counts[] = {
	"object_count", "object_bytes", "pages_held", "user_pages", "dma_mapped_bytes",
	"dma_mappings", "jobs", "pool_used", "iommu_faults", "framebuffers",
};

TEST(ten_thousand_objects_in_random_order_leave_nothing)
{
	const char *text = getenv("CHURN_SECONDS");
	unsigned int seconds = text ? (unsigned int)atoi(text) : 10;
	uint64_t before[ARRAY_SIZE(counts)], end;
	int master = open_master();
	pid_t pids[WORKERS];

	need_engine(master);
	need_coherent(master);
	alarm(seconds + 150);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		before[i] = info(counts[i]);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	EXPECT(shared != MAP_FAILED);
	for (int i = 0; i < WORKERS; i++)
		EXPECT_OK(result(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, rings[i])));
	for (unsigned int i = 0; i < WORKERS; i++)
		pids[i] = start(master, i);
	end = now_ns() + seconds * UINT64_C(1000000000);
	while (now_ns() < end || shared->created < OBJECTS) {
		unsigned int victim = (unsigned int)rand() % WORKERS;

		usleep(300000);
		expect_alive(pids);
		EXPECT_OK(result(kill(pids[victim], SIGKILL)));
		EXPECT_EQ(waitpid(pids[victim], NULL, 0), pids[victim]);
		shared->killed++;
		pids[victim] = start(master, victim);
	}
	shared->stop = true;
	for (int i = 0; i < WORKERS; i++)
		join_child(pids[i]);
	/* Descriptors on their way hold objects. */
	for (int i = 0; i < WORKERS; i++) {
		close(rings[i][0]);
		close(rings[i][1]);
	}
	fprintf(stderr, "# %u objects, %u jobs, %u shares, %u looks, %u kills\n", shared->created,
		shared->jobs, shared->shares, shared->verified, shared->killed);
	/* It was what it says. */
	EXPECT(shared->created >= OBJECTS);
	EXPECT(shared->jobs && shared->shares && shared->verified && shared->killed);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		await_info(counts[i], before[i]);
}
