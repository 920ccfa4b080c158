/* SPDX-License-Identifier: MIT */
/*
 * A client process: its channel and the thread that serves it.
 *
 * The channel is memory that the client can write to at any time, so a request
 * is copied into a hf_call before anything looks at it. A call that must wait
 * stays in its slot's place (`busy`) and is completed by whoever ends the
 * wait, with the device's lock held. A client that breaks the protocol is hung
 * up on; the main thread notices and destroys it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "base/futex.h"
#include "base/log.h"
#include "base/spin.h"
#include "mem/shmem.h"
#include "seat/vt.h"
#include "server/attribute.h"
#include "server/debugfs.h"
#include "server/json.h"
#include "server/scenario.h"
#include "server/server.h"
#include "server/socket.h"
#include "server/sysfs_session.h"
#include "server/sysfs_tty.h"
#include "server/trace.h"
#include "uapi/call.h"
#include "uapi/device_ioctls.h"
#include "uapi/dma_buf.h"
#include "uapi/tree.h"

#define STACK_SIZE (1u << 20)
#define INLINE_ARG 512
/* The client breaks the protocol: no errno, for an ioctl may fail with any. */
#define VIOLATION (HF_WIRE_STALE - 1)

struct slot {
	struct hf_client *client;
	unsigned int index;
	struct hf_call call;
	_Atomic bool busy; /* being served or parked */
	bool parked;	   /* when last seen; the thread's own */
	uint32_t seq;
	_Alignas(8) uint8_t small_arg[INLINE_ARG];
	uint8_t *big_arg;
	void *payload; /* mapped, where it came as a descriptor */
	size_t payload_size;
	/* Descriptors that came early, for a request still to be seen. */
	int stash[HF_FDPASS_MAX];
	unsigned int nstash;
	bool stashed;
	uint32_t stash_seq;
};

/* A file that the client has shown the descriptor of. */
struct attached {
	uint32_t id;
	UT_hash_handle hh;
};

struct hf_client {
	struct hf_server *server;
	struct hf_cred cred;
	int fd;
	struct hf_wire_channel *channel;
	struct wl_event_source *source, *exit_source;
	int pidfd;
	char comm[16]; /* of its process, when it connected */
	pthread_t thread;
	_Atomic bool stop;
	struct attached *attached; /* the thread's own */
	unsigned int prune_at;
	pthread_mutex_t receive_lock; /* each slot's stash */
	struct slot *_Atomic slots[HF_WIRE_SLOTS];
	_Atomic uint64_t requests;
	struct wl_list link;
};

static void hang_up(struct hf_client *client, const char *why)
{
	hf_warn("pid %d: dropped: %s", client->cred.pid, why);
	atomic_store(&client->stop, true);
	shutdown(client->fd, SHUT_RDWR);
}

/* -- attached files -------------------------------------------------------- */

static bool is_attached(struct hf_client *client, uint32_t id)
{
	struct attached *attached;

	HASH_FIND(hh, client->attached, &id, sizeof(id), attached);
	return attached;
}

/* Forget files that are closed, when there are twice as many as there were. */
static void prune(struct hf_client *client)
{
	struct attached *attached, *next;

	HASH_ITER(hh, client->attached, attached, next) {
		if (hf_file_find(client->server->sys, attached->id))
			continue;
		HASH_DEL(client->attached, attached);
		free(attached);
	}
	client->prune_at = 2 * HASH_COUNT(client->attached) + 16;
}

/* Called with the device's lock held. */
static int attach(struct hf_client *client, uint32_t id)
{
	struct attached *attached;

	if (is_attached(client, id))
		return 0;
	if (HASH_COUNT(client->attached) >= client->prune_at)
		prune(client);
	attached = calloc(1, sizeof(*attached));
	if (!attached)
		return -ENOMEM;
	attached->id = id;
	HASH_ADD(hh, client->attached, id, sizeof(id), attached);
	return 0;
}

static void forget(struct hf_client *client, uint32_t id)
{
	struct attached *attached;

	HASH_FIND(hh, client->attached, &id, sizeof(id), attached);
	if (!attached)
		return;
	HASH_DEL(client->attached, attached);
	free(attached);
}

/* -- answering ------------------------------------------------------------- */

static void answer(struct slot *slot, int ret)
{
	struct hf_client *client = slot->client;
	struct hf_call *call = &slot->call;
	struct hf_wire_slot *wire = hf_wire_slot(client->channel, slot->index);
	struct hf_wire_fds packet = {
		.type = HF_WIRE_FDS,
		.slot = slot->index,
		.seq = slot->seq,
	};

	/* The same argument comes again with the answer to an ask. */
	if (ret != HF_WIRE_ASK)
		memcpy(wire->arg, call->arg, call->out_size);
	memcpy(wire->asks, call->asks, call->nasks * sizeof(*call->asks));
	wire->nasks = call->nasks;
	/* Lines of memory that nobody needs are not worth their transfer. */
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && call->desc &&
				 call->desc->arrays[i].kind; i++)
		wire->arrays[i].used = call->arrays[i].used;
	wire->nfds = ret < 0 ? 0 : call->nfds_out;
	wire->cloexec = call->cloexec;
	if (wire->nfds && hf_send_fds(client->fd, &packet, sizeof(packet),
				      call->fds_out, call->nfds_out)) {
		wire->nfds = 0;
		ret = -EMFILE; /* too many in flight */
	}
	if (!call->desc)
		wire->arrays[0].used = call->out_size;
	wire->ret = ret ? ret : call->value;
	hf_call_release(call);
	for (unsigned int i = 0; i < call->nfds_in; i++)
		close(call->fds_in[i]);
	if (slot->payload)
		munmap(slot->payload, slot->payload_size);
	slot->payload = NULL;
	free(slot->big_arg);
	slot->big_arg = NULL;
	/* From here on the client may use the slot again. */
	atomic_store(&slot->busy, false);
	if (atomic_exchange(&wire->state, HF_SLOT_DONE) == HF_SLOT_WAITED)
		hf_futex_wake(&wire->state);
}

static void parked_done(struct hf_call *call, int ret)
{
	struct slot *slot = wl_container_of(call, slot, call);

	if (call->trace)
		hf_trace_end(call, ret);
	answer(slot, ret);
}

/* -- requests -------------------------------------------------------------- */

/* Made on first use, by either thread. */
static struct slot *get_slot(struct hf_client *client, unsigned int index)
{
	struct slot *slot = atomic_load(&client->slots[index]), *none = NULL;

	if (slot)
		return slot;
	slot = calloc(1, sizeof(*slot));
	if (!slot)
		return NULL;
	slot->client = client;
	slot->index = index;
	wl_list_init(&slot->call.file_link);
	if (atomic_compare_exchange_strong(&client->slots[index], &none, slot))
		return slot;
	free(slot);
	return none;
}

/*
 * Take packets with descriptors off the socket, each into the stash of the
 * slot that it names. Both the main thread and the client's do: a packet that
 * lay unread could hold the client's own end of the socket, and so keep it
 * from ever hanging up. Called with the receive lock held.
 */
static int receive_fds(struct hf_client *client)
{
	for (;;) {
		struct hf_wire_fds packet;
		struct slot *to;
		int fds[HF_FDPASS_MAX];
		unsigned int n;
		int len = hf_recv_fds(client->fd, &packet, sizeof(packet),
				      MSG_DONTWAIT, fds, &n);

		if (len == -EAGAIN)
			return 0;
		to = len == sizeof(packet) && packet.type == HF_WIRE_FDS &&
				     packet.slot < HF_WIRE_SLOTS ?
			     get_slot(client, packet.slot) :
			     NULL;
		if (!to || to->stashed) {
			while (n)
				close(fds[--n]);
			return VIOLATION;
		}
		memcpy(to->stash, fds, sizeof(fds));
		to->stashed = true;
		to->nstash = n;
		to->stash_seq = packet.seq;
	}
}

/* The descriptors of a request are on the socket already, or in the stash. */
static int collect_fds(struct hf_client *client, struct slot *slot,
		       unsigned int nfds)
{
	struct hf_call *call = &slot->call;
	int ret = 0;

	pthread_mutex_lock(&client->receive_lock);
	if (!slot->stashed)
		ret = receive_fds(client);
	if (!ret && (!slot->stashed || slot->stash_seq != slot->seq))
		ret = VIOLATION;
	if (!ret) {
		memcpy(call->fds_in, slot->stash, sizeof(slot->stash));
		call->nfds_in = slot->nstash;
		slot->nstash = 0;
		slot->stashed = false;
		/* They got lost where we are out of descriptors. */
		if (call->nfds_in != nfds)
			ret = -EMFILE;
	}
	pthread_mutex_unlock(&client->receive_lock);
	return ret;
}

/* Where the nested arrays are: behind the argument, or in a descriptor. */
static int map_payload(struct slot *slot, struct hf_wire_slot *wire,
		       uint64_t size)
{
	struct hf_call *call = &slot->call;
	size_t real;

	if (!size) {
		call->payload = wire->payload;
		call->payload_size = HF_WIRE_PAYLOAD_INLINE;
		return 0;
	}
	if (!call->nfds_in || hf_shmem_check(call->fds_in[0], &real) ||
	    real < size || size > HF_WIRE_PAYLOAD_MAX)
		return VIOLATION;
	slot->payload = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			     call->fds_in[0], 0);
	if (slot->payload == MAP_FAILED) {
		slot->payload = NULL;
		return -ENOMEM;
	}
	slot->payload_size = size;
	call->payload = slot->payload;
	call->payload_size = size;
	/* The handler sees only the descriptors that it is meant to see. */
	close(call->fds_in[0]);
	call->nfds_in--;
	memmove(call->fds_in, call->fds_in + 1,
		call->nfds_in * sizeof(*call->fds_in));
	return 0;
}

static int copy_arrays(struct hf_call *call, const struct hf_wire_slot *wire)
{
	const struct hf_ioctl_desc *desc = call->desc;
	uint32_t nasks = wire->nasks;

	if (nasks > HF_WIRE_ASKS)
		return VIOLATION;
	memcpy(call->asks, wire->asks, nasks * sizeof(*call->asks));
	call->nasks = nasks;
	for (unsigned int i = 0; i < HF_WIRE_ARRAYS && desc->arrays[i].kind;
	     i++) {
		struct hf_wire_array *array = &call->arrays[i];

		*array = wire->arrays[i];
		array->used = 0;
		if ((uint64_t)array->off + array->len > call->payload_size ||
		    array->off % 8)
			return VIOLATION;
	}
	return 0;
}

/* The sizes of the kernel's drm_ioctl(). */
static int copy_arg(struct slot *slot, const struct hf_wire_slot *wire)
{
	struct hf_call *call = &slot->call;
	const struct hf_ioctl_desc *desc = call->desc;
	uint32_t cmd = call->cmd;
	uint32_t in = _IOC_SIZE(cmd), out = in, ksize;

	if (!(cmd & desc->cmd & IOC_IN))
		in = 0;
	if (!(cmd & desc->cmd & IOC_OUT))
		out = 0;
	ksize = in > out ? in : out;
	if (_IOC_SIZE(desc->cmd) > ksize)
		ksize = _IOC_SIZE(desc->cmd);
	call->arg = slot->small_arg;
	if (ksize > INLINE_ARG) {
		call->arg = slot->big_arg = malloc(ksize);
		if (!call->arg)
			return -ENOMEM;
	}
	memcpy(call->arg, wire->arg, in);
	memset(call->arg + in, 0, ksize - in);
	call->out_size = out;
	return 0;
}

static void trace_begin(struct slot *slot, const struct hf_wire_slot *wire)
{
	struct hf_trace_caller caller = { .tid = wire->tid };

	memcpy(caller.comm, slot->client->comm, sizeof(caller.comm));
	hf_trace_begin(&slot->call, &caller);
}

/* Unless it goes on, later or with what the client is asked for. */
static void trace_end(struct hf_call *call, int ret)
{
	if (call->trace && ret != HF_CALL_PARKED && ret != HF_WIRE_ASK)
		hf_trace_end(call, ret);
}

/* Our own copy of an ioctl's argument, and its arrays. */
static int read_request(struct slot *slot, struct hf_wire_slot *wire,
			const struct hf_ioctl_desc *desc)
{
	struct hf_call *call = &slot->call;
	uint64_t payload_size = wire->payload_size;
	int ret;

	call->desc = desc;
	ret = map_payload(slot, wire, payload_size);
	if (!ret)
		ret = copy_arrays(call, wire);
	if (!ret)
		ret = copy_arg(slot, wire);
	if (ret)
		return ret;
	atomic_fetch_add(&slot->client->server->ioctls, 1);
	if (hf_trace_on())
		trace_begin(slot, wire);
	else if (call->trace) /* of one that was asked for more, and did not come */
		hf_trace_drop(call);
	return 0;
}

static int dispatch(struct hf_call *call, uint32_t file_id)
{
	call->file = hf_file_find(call->sys, file_id);
	call->dev = call->file ? call->file->dev : NULL;
	return call->file ? hf_call_dispatch(call) : HF_WIRE_STALE;
}

static int op_ioctl(struct hf_client *client, struct slot *slot,
		    struct hf_wire_slot *wire, uint32_t file_id)
{
	struct hf_call *call = &slot->call;
	struct hf_system *sys = client->server->sys;
	const struct hf_ioctl_desc *desc =
		&hf_ioctl_descs[_IOC_NR(call->cmd)];
	int ret;

	if (!is_attached(client, file_id))
		return HF_WIRE_STALE;
	ret = read_request(slot, wire, desc);
	if (ret)
		return ret;
	if (desc->rights & HF_REAP)
		hf_server_reap(client->server);
	pthread_mutex_lock(&sys->lock);
	while ((ret = dispatch(call, file_id)) == HF_CALL_POPULATE) {
		hf_call_populate_now(call, &client->stop);
		if (atomic_load(&client->stop)) {
			ret = -EINTR;
			break;
		}
	}
	if (call->trace && !call->file)
		hf_trace_drop(call); /* the client shows its file and comes again */
	trace_end(call, ret);
	hf_scenario_settle(client->server->scenario);
	pthread_mutex_unlock(&sys->lock);
	if (ret == HF_WIRE_STALE && !call->file)
		forget(client, file_id);
	return ret;
}

/* An ioctl on a descriptor that is no DRM file: whoever holds it may. */
static int op_fd_ioctl(struct hf_client *client, struct slot *slot,
		       struct hf_wire_slot *wire)
{
	struct hf_system *sys = client->server->sys;
	struct hf_call *call = &slot->call;
	int row = hf_fd_ioctl_row(call->cmd), ret;

	if (row < 0)
		return -ENOTTY;
	ret = read_request(slot, wire, &hf_fd_ioctl_descs[row]);
	if (ret)
		return ret;
	pthread_mutex_lock(&sys->lock);
	ret = hf_call_dispatch_fd(call);
	trace_end(call, ret);
	pthread_mutex_unlock(&sys->lock);
	return ret;
}

static int op_open(struct hf_client *client, struct slot *slot)
{
	struct hf_system *sys = client->server->sys;
	struct hf_file *file;
	int fd, ret = 0;

	hf_server_reap(client->server);
	pthread_mutex_lock(&sys->lock);
	file = hf_file_open(sys, slot->call.cmd, &client->cred, &fd);
	if (!file)
		ret = -errno;
	if (file) {
		ret = attach(client, file->id);
		if (ret) {
			close(fd);
			hf_file_close(file);
		}
	}
	pthread_mutex_unlock(&sys->lock);
	return ret ? ret : hf_call_add_fd(&slot->call, fd, true);
}

/* The client says that it holds a file; the descriptor proves it. */
static int op_attach(struct hf_client *client, struct slot *slot, uint32_t id)
{
	struct hf_system *sys = client->server->sys;
	struct hf_file *file;
	bool genuine;
	int ret;

	if (slot->call.nfds_in != 1)
		return -EBADF;
	pthread_mutex_lock(&sys->lock);
	file = hf_file_find(sys, id);
	genuine = file && hf_endpoint_of(&sys->endpoints,
					 slot->call.fds_in[0]) ==
				  &file->endpoint;
	ret = genuine ? attach(client, id) : -EBADF;
	pthread_mutex_unlock(&sys->lock);
	return ret;
}

static int op_mmap(struct hf_client *client, struct slot *slot,
		   struct hf_wire_slot *wire, uint32_t file_id)
{
	struct hf_system *sys = client->server->sys;
	struct hf_wire_mmap map;
	struct hf_file *file;
	int fd = HF_WIRE_STALE;

	memcpy(&map, wire->arg, sizeof(map));
	if (!is_attached(client, file_id))
		return HF_WIRE_STALE;
	pthread_mutex_lock(&sys->lock);
	file = hf_file_find(sys, file_id);
	if (file && file->dev->unplugged)
		fd = -ENODEV;
	else if (file)
		fd = hf_gem_mmap(&file->gem, map.offset, map.length, map.prot,
				 map.flags);
	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (fd < 0)
			fd = -ENOMEM;
	}
	if (fd >= 0 && hf_gem_is_held(&file->gem, map.offset))
		map.flags |= MAP_POPULATE;
	pthread_mutex_unlock(&sys->lock);
	if (fd < 0)
		return fd;
	memcpy(wire->arg, &map, sizeof(map));
	return hf_call_add_fd(&slot->call, fd, true);
}

/* Only of files that the same user opened, unless it is root who asks. */
static int op_fdinfo(struct hf_client *client, struct slot *slot,
		     struct hf_wire_slot *wire)
{
	struct hf_system *sys = client->server->sys;
	struct hf_file *file;
	uint64_t inode;
	int fd = -ENOENT;

	memcpy(&inode, wire->arg, sizeof(inode));
	pthread_mutex_lock(&sys->lock);
	file = hf_file_of_endpoint(
		hf_endpoint_by_inode(&sys->endpoints, inode));
	if (file && (client->cred.uid == 0 ||
		     client->cred.uid == file->cred.uid))
		fd = hf_fdinfo(file);
	pthread_mutex_unlock(&sys->lock);
	return fd < 0 ? fd : hf_call_add_fd(&slot->call, fd, true);
}

static int op_tree(struct hf_client *client, struct slot *slot)
{
	struct hf_server *server = client->server;
	int fd;

	pthread_mutex_lock(&server->sys->lock);
	fd = fcntl(server->tree_fd, F_DUPFD_CLOEXEC, 0);
	pthread_mutex_unlock(&server->sys->lock);
	return fd < 0 ? -ENOMEM : hf_call_add_fd(&slot->call, fd, true);
}

/* What was written and closed before comes before what is opened now. */
static int op_file_open(struct hf_client *client, struct slot *slot,
			struct hf_wire_slot *wire)
{
	char path[HF_TREE_PATH_MAX + 1];
	int fd;

	memcpy(path, wire->arg, sizeof(path));
	if (!memchr(path, 0, sizeof(path)))
		return -ENAMETOOLONG;
	hf_server_reap(client->server);
	fd = hf_sysfs_tty_open(client->server, path);
	if (fd == -ENOENT)
		fd = hf_sysfs_session_open(client->server, path);
	if (fd == -ENOENT)
		fd = hf_debugfs_open(client->server->sys, &client->cred, path);
	return fd < 0 ? fd : hf_call_add_fd(&slot->call, fd, true);
}

/* The client polls a dma-buf. */
static int op_watch(struct hf_client *client, struct slot *slot,
		    struct hf_wire_slot *wire)
{
	struct hf_system *sys = client->server->sys;
	struct hf_wire_watch *watch = (void *)slot->small_arg;
	struct hf_call *call = &slot->call;
	int fd = -1, ret;

	if (call->nfds_in != 1)
		return -EBADF;
	memcpy(watch, wire->arg, sizeof(*watch));
	call->out_size = sizeof(*watch);
	pthread_mutex_lock(&sys->lock);
	ret = hf_dma_buf_watch(sys, call->fds_in[0], watch, &fd);
	pthread_mutex_unlock(&sys->lock);
	return fd >= 0 ? hf_call_add_fd(call, fd, true) : ret;
}

static int op_write(struct hf_client *client, struct slot *slot,
		    struct hf_wire_slot *wire)
{
	struct hf_server *server = client->server;
	struct hf_wire_write write;
	char text[HF_WIRE_WRITE_MAX + 1];
	int ret;

	memcpy(&write, wire->arg, sizeof(write));
	if (write.size > sizeof(write.bytes))
		return VIOLATION;
	write.path[HF_WIRE_PATH_MAX] = '\0';
	memcpy(text, write.bytes, write.size);
	text[write.size] = '\0';
	hf_server_reap(server);
	pthread_mutex_lock(&server->sys->lock);
	ret = hf_attribute_write(server, &client->cred, write.path, text,
				 write.size);
	if (!ret)
		ret = hf_server_settle(server, &slot->call);
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

static int open_monitor(struct hf_server *server, struct hf_call *call,
			const struct hf_wire_monitor *arg)
{
	int netlink = -1, fd, ret;

	if (call->nfds_in) {
		netlink = fcntl(call->fds_in[0], F_DUPFD_CLOEXEC, 0);
		if (netlink < 0)
			return -EMFILE;
	}
	ret = hf_monitor_open(&server->monitors, (int)arg->type, netlink, &fd);
	return ret ? ret : hf_call_add_fd(call, fd, true);
}

static int run_monitor_op(struct hf_server *server, struct hf_call *call,
			  struct hf_wire_monitor *arg)
{
	struct hf_monitor *monitor;

	if (call->cmd == HF_MONITOR_OPEN)
		return open_monitor(server, call, arg);
	monitor = call->nfds_in ?
			  hf_monitor_of(&server->monitors, call->fds_in[0]) :
			  NULL;
	if (!monitor)
		return -EBADF;
	switch (call->cmd) {
	case HF_MONITOR_BIND:
		return hf_monitor_bind(monitor, arg->pid, arg->groups,
				       arg->self);
	case HF_MONITOR_NAME:
		hf_monitor_name(monitor, &arg->pid, &arg->groups);
		return 0;
	case HF_MONITOR_OPTION:
		return hf_monitor_option(monitor, arg->option, arg->value);
	default:
		return VIOLATION;
	}
}

static int op_monitor(struct hf_client *client, struct slot *slot,
		      struct hf_wire_slot *wire)
{
	struct hf_wire_monitor *arg = (void *)slot->small_arg;
	struct hf_server *server = client->server;
	int ret;

	memcpy(arg, wire->arg, sizeof(*arg));
	slot->call.out_size = sizeof(*arg);
	pthread_mutex_lock(&server->sys->lock);
	ret = run_monitor_op(server, &slot->call, arg);
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

/* -- character devices of the seat ----------------------------------------- */

static int op_device_open(struct hf_client *client, struct slot *slot,
			  struct hf_wire_slot *wire)
{
	struct hf_server *server = client->server;
	char path[HF_TREE_PATH_MAX + 1];
	int fd, ret;

	memcpy(path, wire->arg, sizeof(path));
	if (!memchr(path, 0, sizeof(path)))
		return -ENAMETOOLONG;
	if (!server->seat)
		return -ENXIO;
	hf_server_reap(server);
	pthread_mutex_lock(&server->sys->lock);
	ret = hf_seat_open(server->seat, &client->cred, path,
			   (int)slot->call.cmd, &fd);
	pthread_mutex_unlock(&server->sys->lock);
	return ret ? ret : hf_call_add_fd(&slot->call, fd, true);
}

static int op_device_owner(struct hf_client *client, struct slot *slot,
			   struct hf_wire_slot *wire)
{
	struct hf_server *server = client->server;
	struct hf_wire_owner owner;
	int ret = -EPERM;

	memcpy(&owner, wire->arg, sizeof(owner));
	owner.path[HF_WIRE_PATH_MAX] = '\0';
	pthread_mutex_lock(&server->sys->lock);
	if (server->seat)
		ret = hf_seat_set_owner(server->seat, &client->cred, owner.path,
					owner.uid, owner.gid, owner.mode);
	if (!ret)
		ret = hf_server_settle(server, &slot->call);
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

/* Our own copy of what the table says that comes along. */
static int read_device_arg(struct slot *slot, struct hf_wire_slot *wire,
			   const struct hf_device_ioctl *desc)
{
	uint32_t in = desc->value ? sizeof(uint64_t) : desc->in;
	uint32_t size = in > desc->out ? in : desc->out;
	struct hf_call *call = &slot->call;

	if (size > INLINE_ARG) {
		call->arg = slot->big_arg = malloc(size);
		if (!call->arg)
			return -ENOMEM;
	}
	memcpy(call->arg, wire->arg, in);
	memset(call->arg + in, 0, (size > INLINE_ARG ? size : INLINE_ARG) - in);
	call->payload = wire->payload;
	call->payload_size = HF_WIRE_PAYLOAD_INLINE;
	for (unsigned int i = 0; i < 2; i++)
		call->arrays[i] = wire->arrays[i];
	return call->arrays[1].len > desc->nested ||
			       call->arrays[1].len > call->payload_size ||
			       call->arrays[1].off ?
		       VIOLATION : 0;
}

/* What was written before counts: so see to that first. */
static int op_device_ioctl(struct hf_client *client, struct slot *slot,
			   struct hf_wire_slot *wire)
{
	struct hf_server *server = client->server;
	struct hf_device_ioctl desc = hf_device_ioctl_desc(slot->call.cmd);
	int ret = read_device_arg(slot, wire, &desc);

	if (ret)
		return ret;
	if (!server->seat)
		return -ENODEV;
	hf_server_reap(server);
	pthread_mutex_lock(&server->sys->lock);
	ret = hf_seat_ioctl(server->seat, &slot->call);
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

/* A socket that the server answers at. */
static int op_socket(struct hf_client *client, struct slot *slot,
		     struct hf_wire_slot *wire)
{
	struct hf_server *server = client->server;
	char path[HF_TREE_PATH_MAX + 1];
	int fd = -1, ret;

	memcpy(path, wire->arg, sizeof(path));
	if (!memchr(path, 0, sizeof(path)))
		return -ENAMETOOLONG;
	pthread_mutex_lock(&server->sys->lock);
	ret = hf_socket_op(server, &slot->call, path, &fd);
	pthread_mutex_unlock(&server->sys->lock);
	return fd >= 0 ? hf_call_add_fd(&slot->call, fd, true) : ret;
}

static int run_op(struct hf_client *client, struct slot *slot,
		  struct hf_wire_slot *wire, uint32_t op, uint32_t file)
{
	switch (op) {
	case HF_OP_IOCTL:
		return op_ioctl(client, slot, wire, file);
	case HF_OP_OPEN:
		return op_open(client, slot);
	case HF_OP_ATTACH:
		return op_attach(client, slot, file);
	case HF_OP_MMAP:
		return op_mmap(client, slot, wire, file);
	case HF_OP_TREE:
		return op_tree(client, slot);
	case HF_OP_FD_IOCTL:
		return op_fd_ioctl(client, slot, wire);
	case HF_OP_WATCH:
		return op_watch(client, slot, wire);
	case HF_OP_FILE_OPEN:
		return op_file_open(client, slot, wire);
	case HF_OP_WRITE:
		return op_write(client, slot, wire);
	case HF_OP_MONITOR:
		return op_monitor(client, slot, wire);
	case HF_OP_DEVICE_OPEN:
		return op_device_open(client, slot, wire);
	case HF_OP_DEVICE_OWNER:
		return op_device_owner(client, slot, wire);
	case HF_OP_DEVICE_IOCTL:
		return op_device_ioctl(client, slot, wire);
	case HF_OP_SOCKET:
		return op_socket(client, slot, wire);
	case HF_OP_FDINFO:
		return op_fdinfo(client, slot, wire);
	case HF_OP_REAP:
		hf_server_reap(client->server);
		return 0;
	default:
		return VIOLATION;
	}
}

/*
 * Is the slot's last request still waiting? If a signal came for it, end it.
 * Decided under the lock that answers are given under: without, an answer
 * could come between the looks at `busy` and at the slot's state, and the old
 * request be taken for a new one.
 */
static bool still_parked(struct hf_client *client, struct slot *slot,
			 struct hf_wire_slot *wire)
{
	struct hf_system *sys = client->server->sys;

	if (!slot->parked)
		return false;
	pthread_mutex_lock(&sys->lock);
	if (atomic_load(&slot->busy) && atomic_load(&wire->cancel))
		hf_call_interrupt(&slot->call);
	slot->parked = atomic_load(&slot->busy);
	pthread_mutex_unlock(&sys->lock);
	return slot->parked;
}

static void reset_call(struct hf_client *client, struct slot *slot,
		       uint32_t cmd)
{
	struct hf_call *call = &slot->call;

	/* All but the questions, which are counted. */
	memset(call, 0, offsetof(struct hf_call, asks));
	wl_list_init(&call->file_link);
	call->sys = client->server->sys;
	call->cred = client->cred;
	call->cmd = cmd;
	call->arg = slot->small_arg;
	call->done = parked_done;
}

static void serve_slot(struct hf_client *client, unsigned int index)
{
	struct hf_wire_slot *wire = hf_wire_slot(client->channel, index);
	struct slot *slot = get_slot(client, index);
	uint32_t state, op, file, nfds;
	int ret = 0;

	if (!slot) {
		hang_up(client, "no memory");
		return;
	}
	if (still_parked(client, slot, wire))
		return;
	state = atomic_load(&wire->state);
	/* A bit may be left over from a signal that came too late. */
	if (state != HF_SLOT_POSTED && state != HF_SLOT_WAITED)
		return;
	reset_call(client, slot, wire->cmd);
	op = wire->op;
	file = wire->file;
	nfds = wire->nfds;
	slot->seq = wire->seq;
	atomic_fetch_add(&client->requests, 1);
	if (nfds)
		ret = nfds > HF_FDPASS_MAX ? VIOLATION :
					     collect_fds(client, slot, nfds);
	atomic_store(&slot->busy, true);
	if (!ret)
		ret = run_op(client, slot, wire, op, file);
	if (ret == VIOLATION) {
		hang_up(client, "protocol violation");
		ret = -EBADMSG;
	}
	slot->parked = ret == HF_CALL_PARKED;
	if (!slot->parked)
		answer(slot, ret);
	else
		still_parked(client, slot, wire); /* a signal may have come */
}

static void *serve(void *arg)
{
	struct hf_client *client = arg;
	struct hf_wire_channel *channel = client->channel;

	while (!atomic_load(&client->stop)) {
		uint32_t pending = atomic_exchange(&channel->pending, 0);

		for (; pending; pending &= pending - 1)
			serve_slot(client, __builtin_ctz(pending));
		if (hf_spin_until(atomic_load(&channel->pending),
				  client->server->spin))
			continue;
		atomic_store(&channel->sleeping, 1);
		if (!atomic_load(&channel->pending) &&
		    !atomic_load(&client->stop))
			hf_futex_wait(&channel->pending, 0, -1);
		atomic_store(&channel->sleeping, 0);
	}
	return NULL;
}

/* -- life ------------------------------------------------------------------ */

static int socket_event(int fd, uint32_t mask, void *data)
{
	struct hf_client *client = data;
	int ret;

	(void)fd;
	if (mask & (WL_EVENT_HANGUP | WL_EVENT_ERROR)) {
		hf_client_destroy(client);
		return 0;
	}
	pthread_mutex_lock(&client->receive_lock);
	ret = receive_fds(client);
	pthread_mutex_unlock(&client->receive_lock);
	if (ret)
		hang_up(client, "protocol violation");
	return 0;
}

static int exited(int fd, uint32_t mask, void *data)
{
	(void)fd;
	(void)mask;
	hf_client_destroy(data);
	return 0;
}

/*
 * A client may have sent us a descriptor that holds its own end of the socket,
 * however indirectly, and the socket never hangs up then. So its process is
 * watched too, where it can be.
 */
static int watch(struct hf_client *client)
{
	struct wl_event_loop *loop = client->server->loop;

	client->source = wl_event_loop_add_fd(loop, client->fd,
					      WL_EVENT_READABLE, socket_event,
					      client);
	if (!client->source)
		return -ENOMEM;
	client->pidfd = syscall(SYS_pidfd_open, client->cred.pid, 0);
	if (client->pidfd < 0)
		return 0;
	fcntl(client->pidfd, F_SETFD, FD_CLOEXEC);
	client->exit_source = wl_event_loop_add_fd(
		loop, client->pidfd, WL_EVENT_READABLE, exited, client);
	return client->exit_source ? 0 : -ENOMEM;
}

static void unwatch(struct hf_client *client)
{
	if (client->source)
		wl_event_source_remove(client->source);
	if (client->exit_source)
		wl_event_source_remove(client->exit_source);
	if (client->pidfd >= 0)
		close(client->pidfd);
}

static int map_channel(struct hf_client *client, int *fd)
{
	int ret;

	*fd = hf_shmem_create("holdfast channel", HF_WIRE_CHANNEL_SIZE);
	if (*fd < 0)
		return *fd;
	ret = hf_shmem_seal(*fd);
	if (ret) {
		close(*fd);
		return ret;
	}
	client->channel = mmap(NULL, HF_WIRE_CHANNEL_SIZE,
			       PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (client->channel == MAP_FAILED) {
		client->channel = NULL;
		close(*fd);
		return -ENOMEM;
	}
	atomic_store(&client->channel->tree,
		     atomic_load(&client->server->generation));
	atomic_store(&client->channel->traced, hf_trace_on());
	client->channel->spin = client->server->spin;
	client->channel->user_max =
		hf_user_files_max(client->server->sys->user_files)
		<< HF_PAGE_SHIFT;
	return 0;
}

static void write_ttys(struct hf_client *client)
{
	struct hf_seat *seat = client->server->seat;
	uint32_t ttys[HF_WIRE_VTS];

	if (!seat)
		return;
	atomic_store(&client->channel->vt_dev,
		     hf_vts_ttys(hf_seat_vts(seat), ttys));
	for (unsigned int i = 0; i < HF_WIRE_VTS; i++)
		atomic_store(&client->channel->vts[i], ttys[i]);
}

void hf_clients_update_ttys(struct hf_server *server)
{
	struct hf_client *client;

	wl_list_for_each(client, &server->clients, link)
		write_ttys(client);
}

/* The list is the main thread's, and may be read by who has the lock. */
static void enlist(struct hf_client *client)
{
	pthread_mutex_lock(&client->server->sys->lock);
	write_ttys(client);
	wl_list_insert(&client->server->clients, &client->link);
	pthread_mutex_unlock(&client->server->sys->lock);
}

static void delist(struct hf_client *client)
{
	pthread_mutex_lock(&client->server->sys->lock);
	wl_list_remove(&client->link);
	pthread_mutex_unlock(&client->server->sys->lock);
}

static int start_thread(struct hf_client *client)
{
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	err = pthread_create(&client->thread, &attr, serve, client);
	pthread_attr_destroy(&attr);
	return -err;
}

static void free_client(struct hf_client *client)
{
	struct attached *attached, *next;

	HASH_ITER(hh, client->attached, attached, next) {
		HASH_DEL(client->attached, attached);
		free(attached);
	}
	if (client->channel)
		munmap(client->channel, HF_WIRE_CHANNEL_SIZE);
	close(client->fd);
	pthread_mutex_destroy(&client->receive_lock);
	free(client);
}

int hf_client_create(struct hf_server *server, int fd,
		     const struct hf_cred *cred)
{
	struct hf_wire_hello hello = {
		.type = HF_WIRE_HELLO,
		.magic = HF_WIRE_MAGIC,
		.version = HF_WIRE_VERSION,
	};
	struct hf_client *client = calloc(1, sizeof(*client));
	int channel_fd, ret;

	if (!client) {
		close(fd);
		return -ENOMEM;
	}
	client->server = server;
	client->cred = *cred;
	hf_trace_comm(cred->pid, client->comm);
	client->fd = fd;
	client->pidfd = -1;
	pthread_mutex_init(&client->receive_lock, NULL);
	ret = map_channel(client, &channel_fd);
	if (ret) {
		free_client(client);
		return ret;
	}
	enlist(client);
	ret = hf_send_fds(fd, &hello, sizeof(hello), &channel_fd, 1);
	close(channel_fd);
	if (!ret)
		ret = watch(client);
	if (!ret)
		ret = start_thread(client);
	if (ret) {
		delist(client);
		unwatch(client);
		free_client(client);
		return ret;
	}
	hf_dbg("pid %d: connected", cred->pid);
	return 0;
}

static void drop_slot(struct slot *slot)
{
	if (!slot)
		return;
	if (atomic_load(&slot->busy)) {
		if (slot->call.trace)
			hf_trace_end(&slot->call, HF_TRACE_GONE);
		hf_call_abandon(&slot->call);
		hf_call_release(&slot->call);
		for (unsigned int i = 0; i < slot->call.nfds_in; i++)
			close(slot->call.fds_in[i]);
	}
	for (unsigned int i = 0; i < slot->nstash; i++)
		close(slot->stash[i]);
	hf_trace_drop(&slot->call);
	if (slot->payload)
		munmap(slot->payload, slot->payload_size);
	free(slot->big_arg);
	free(slot);
}

/* Wake the thread until it has seen that it is to stop: a client that still
 * writes to the channel could make it miss a wake-up. */
static void stop_thread(struct hf_client *client)
{
	struct timespec soon;

	atomic_store(&client->stop, true);
	do {
		atomic_store(&client->channel->pending, 1);
		hf_futex_wake(&client->channel->pending);
		clock_gettime(CLOCK_REALTIME, &soon);
		soon.tv_nsec += 1000000;
		if (soon.tv_nsec >= 1000000000) {
			soon.tv_nsec -= 1000000000;
			soon.tv_sec++;
		}
	} while (pthread_timedjoin_np(client->thread, NULL, &soon));
}

void hf_client_destroy(struct hf_client *client)
{
	struct hf_system *sys = client->server->sys;

	atomic_store(&client->channel->dead, 1);
	stop_thread(client);
	pthread_mutex_lock(&sys->lock);
	for (unsigned int i = 0; i < HF_WIRE_SLOTS; i++) {
		struct hf_wire_slot *wire = hf_wire_slot(client->channel, i);

		drop_slot(client->slots[i]);
		/* Threads of a client that is still there must not sleep. */
		if (atomic_load(&wire->state) == HF_SLOT_WAITED)
			hf_futex_wake(&wire->state);
	}
	/* Another connection of it has to show its files again. */
	hf_user_files_forget(sys->user_files, client->cred.pid);
	hf_monitors_reap(&client->server->monitors);
	pthread_mutex_unlock(&sys->lock);
	delist(client);
	unwatch(client);
	hf_dbg("pid %d: gone", client->cred.pid);
	free_client(client);
}

void hf_clients_destroy(struct hf_server *server)
{
	struct hf_client *client, *next;

	wl_list_for_each_safe(client, next, &server->clients, link)
		hf_client_destroy(client);
}

int hf_clients_pids(struct hf_server *server, int *pids, int max)
{
	struct hf_client *client;
	int n = 0;

	wl_list_for_each(client, &server->clients, link) {
		if (n < max)
			pids[n] = client->cred.pid;
		n++;
	}
	return n;
}

void hf_clients_update_tree(struct hf_server *server)
{
	struct hf_client *client;

	wl_list_for_each(client, &server->clients, link)
		atomic_store(&client->channel->tree,
			     atomic_load(&server->generation));
}

void hf_clients_trace(struct hf_server *server, bool on)
{
	struct hf_client *client;

	wl_list_for_each(client, &server->clients, link)
		atomic_store(&client->channel->traced, on);
}

void hf_clients_describe(struct hf_server *server, struct json_object *array)
{
	struct hf_client *client;

	wl_list_for_each(client, &server->clients, link) {
		struct json_object *obj = json_object_new_object();

		hf_json_add(obj, "pid",
				       json_object_new_int(client->cred.pid));
		hf_json_add(obj, "program",
			    json_object_new_string(client->comm));
		hf_json_add(
			obj, "requests",
			json_object_new_uint64(atomic_load(&client->requests)));
		hf_json_append(array, obj);
	}
}
