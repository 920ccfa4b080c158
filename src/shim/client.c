/* SPDX-License-Identifier: MIT */
/*
 * The client's end of the wire.
 *
 * A link is a connection and its channel. A process has one, and more only
 * while all slots of the first are taken by threads that block. Everything
 * lives in state that the kernel wipes on fork, so a child connects anew; the
 * channel's mapping is not inherited either (MADV_DONTFORK).
 *
 * Claiming a slot is lock-free. The one lock, taken with signals blocked,
 * is for connecting and for descriptors that arrive.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/address.h"
#include "base/fdpass.h"
#include "base/futex.h"
#include "base/spin.h"
#include "shim/client.h"
#include "shim/descriptor.h"
#include "shim/environment.h"
#include "shim/keep.h"
#include "shim/poll.h"
#include "shim/shim.h"
#include "uapi/tree.h"

#define MAX_LINKS 64
#define MAX_FILES 256	/* a cache; more files are looked up anew */

struct hf_link {
	struct hf_wire_channel *channel;
	int fd;
	uint32_t seq;
	/* Descriptors of answers that another thread took off the socket. */
	struct {
		uint32_t seq;
		unsigned int nfds;
		int fds[HF_WIRE_FDS_MAX];
	} stash[HF_WIRE_SLOTS];
};

struct client {
	_Atomic uint32_t lock;
	_Atomic uint32_t nlinks;
	_Atomic int maps; /* descriptor of /proc/self/maps, + 1; 0: none */
	struct hf_link *_Atomic links[MAX_LINKS];
	/* By a hash of the inode: the inode (32 bits, as the kernel numbers
	 * sockets) and the file's id. */
	_Atomic uint64_t files[MAX_FILES];
	_Atomic uint32_t likely[HF_MAX_LIKELY]; /* by descriptor: its file */
};

static struct client *client(void)
{
	return hf_shim_state(HF_SHIM_STATE_CLIENT, sizeof(struct client));
}

/* -- the lock -------------------------------------------------------------- */

void hf_client_lock(struct hf_locked *locked)
{
	_Atomic uint32_t *word = &client()->lock;
	sigset_t all;

	sigfillset(&all);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &locked->cancel);
	pthread_sigmask(SIG_SETMASK, &all, &locked->signals);
	while (atomic_exchange(word, 1))
		hf_futex_wait(word, 1, 10);
}

void hf_client_unlock(const struct hf_locked *locked)
{
	_Atomic uint32_t *word = &client()->lock;

	atomic_store(word, 0);
	hf_futex_wake(word);
	pthread_sigmask(SIG_SETMASK, &locked->signals, NULL);
	pthread_setcancelstate(locked->cancel, NULL);
}

/* -- connecting ------------------------------------------------------------ */

/* Out of the way of programs that count their descriptors. */
static int move_away(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, HF_OWN_FD_BASE);

	if (high < 0)
		return fd;
	REAL(close)(fd);
	return high;
}

int hf_client_connect(void)
{
	struct sockaddr_un addr;
	socklen_t len;
	int fd = hf_keep_connect();

	if (fd >= 0)
		return move_away(fd);
	if (hf_socket_address(hf_environment()->socket, &addr, &len))
		return -ENODEV;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, len)) {
		REAL(close)(fd);
		return -ENODEV;
	}
	return move_away(fd);
}

/* Say hello; the answer brings the channel. */
static int shake_hands(int fd)
{
	struct hf_wire_hello hello = {
		.type = HF_WIRE_HELLO,
		.magic = HF_WIRE_MAGIC,
		.version = HF_WIRE_VERSION,
	};
	int fds[HF_FDPASS_MAX], ret;
	unsigned int n;

	memcpy(hello.key, hf_environment()->key, sizeof(hello.key));
	ret = hf_send_fds(fd, &hello, sizeof(hello), NULL, 0);
	if (ret)
		return -ENODEV;
	ret = hf_recv_fds(fd, &hello, sizeof(hello), 0, fds, &n);
	if (ret == sizeof(hello) && !hello.error && n == 1)
		return fds[0];
	while (ret > 0 && n)
		REAL(close)(fds[--n]);
	return ret == sizeof(hello) && hello.error ? hello.error : -ENODEV;
}

bool hf_client_query(struct hf_wire_query *query)
{
	int fd = hf_client_connect(), fds[HF_FDPASS_MAX], ret;
	unsigned int n = 0;

	if (fd < 0)
		return false;
	query->type = HF_WIRE_QUERY;
	memcpy(query->key, hf_environment()->key, sizeof(query->key));
	ret = hf_send_fds(fd, query, sizeof(*query), NULL, 0);
	if (!ret)
		ret = hf_recv_fds(fd, query, sizeof(*query), 0, fds, &n);
	while (n)
		REAL(close)(fds[--n]);
	REAL(close)(fd);
	return ret == sizeof(*query);
}

bool hf_client_ids(uid_t *uid, gid_t *gid)
{
	struct hf_wire_query query = { .text = "who" };
	int saved = errno;
	bool known = hf_client_query(&query) && !query.error &&
		     sscanf(query.text, "%u %u", uid, gid) == 2;

	errno = saved;
	return known;
}

static struct hf_link *new_link(void)
{
	struct hf_link *link;
	int channel, err;

	link = hf_shim_map(sizeof(*link), MAP_PRIVATE | MAP_ANONYMOUS, -1);
	if (link == MAP_FAILED)
		return NULL;
	link->fd = hf_client_connect();
	err = -link->fd;
	if (link->fd < 0)
		goto error_map;
	channel = shake_hands(link->fd);
	err = -channel;
	if (channel < 0)
		goto error_close;
	link->channel = hf_shim_map(HF_WIRE_CHANNEL_SIZE, MAP_SHARED, channel);
	err = errno;
	REAL(close)(channel);
	if (link->channel == MAP_FAILED)
		goto error_close;
	madvise(link->channel, HF_WIRE_CHANNEL_SIZE, MADV_DONTFORK);
	return link;

error_close:
	REAL(close)(link->fd);
error_map:
	munmap(link, sizeof(*link));
	errno = err;
	return NULL;
}

static void set_likely(int fd, uint32_t file);

/* One that lives: dead ones are replaced, and leak what a thread may still
 * look at. Called with the lock held. */
static struct hf_link *link_at(unsigned int i)
{
	struct client *c = client();
	struct hf_link *link = atomic_load(&c->links[i]);

	if (link && !atomic_load(&link->channel->dead))
		return link;
	if (link)
		REAL(close)(link->fd);
	link = new_link();
	atomic_store(&c->links[i], link);
	if (link && atomic_load(&c->nlinks) <= i)
		atomic_store(&c->nlinks, i + 1);
	/* Another server does not know what this one knew. */
	if (i > 0)
		return link;
	for (unsigned int f = 0; f < MAX_FILES; f++)
		atomic_store(&c->files[f], 0);
	for (int fd = 0; fd < HF_MAX_LIKELY; fd++)
		set_likely(fd, 0);
	return link;
}

void hf_client_prepare(void)
{
	struct hf_locked locked;
	int saved = errno;

	if (!hf_shim_active())
		return;
	hf_client_lock(&locked);
	link_at(0);
	hf_client_unlock(&locked);
	errno = saved;
}

bool hf_client_connected(void)
{
	return hf_shim_active() &&
	       atomic_load_explicit(&client()->nlinks, memory_order_relaxed);
}

/* -- slots ----------------------------------------------------------------- */

static bool claim_on(struct hf_request *req, struct hf_link *link)
{
	_Atomic uint32_t *claimed = &link->channel->claimed;
	uint32_t mask = atomic_load(claimed);

	while (mask != UINT32_MAX) {
		unsigned int i = __builtin_ctz(~mask);

		if (!atomic_compare_exchange_weak(claimed, &mask,
						  mask | 1u << i))
			continue;
		req->link = link;
		req->index = i;
		req->slot = hf_wire_slot(link->channel, i);
		return true;
	}
	return false;
}

static int claim(struct hf_request *req)
{
	struct client *c = client();

	for (unsigned int i = 0; i < MAX_LINKS; i++) {
		struct hf_link *link = atomic_load(&c->links[i]);

		if (!link || atomic_load(&link->channel->dead)) {
			struct hf_locked locked;

			hf_client_lock(&locked);
			link = link_at(i);
			hf_client_unlock(&locked);
			if (!link)
				return errno == EACCES ? -EACCES : -ENODEV;
		}
		if (claim_on(req, link))
			return 0;
	}
	return -ENOMEM;
}

int hf_request_begin(struct hf_request *req, enum hf_wire_op op)
{
	int ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &req->cancel);
	ret = claim(req);
	if (ret) {
		pthread_setcancelstate(req->cancel, NULL);
		return ret;
	}
	req->slot->op = op;
	req->slot->nfds = 0;
	req->slot->nasks = 0;
	req->slot->payload_size = 0;
	atomic_store_explicit(&req->slot->cancel, 0, memory_order_relaxed);
	req->payload = req->slot->payload;
	req->payload_size = HF_WIRE_PAYLOAD_INLINE;
	req->payload_fd = -1;
	req->nfds = 0;
	return 0;
}

int hf_request_payload(struct hf_request *req, size_t size)
{
	void *map;
	int fd;

	if (size <= req->payload_size)
		return 0;
	size = (size + 4095) & ~(size_t)4095;
	fd = memfd_create("holdfast payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -ENOMEM;
	if (ftruncate(fd, size) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		goto error;
	map = hf_shim_map(size, MAP_SHARED, fd);
	if (map == MAP_FAILED)
		goto error;
	req->payload = map;
	req->payload_size = size;
	req->payload_fd = fd;
	req->slot->payload_size = size;
	return 0;

error:
	REAL(close)(fd);
	return -ENOMEM;
}

void hf_request_end(struct hf_request *req)
{
	for (; req->nfds; req->nfds--)
		if (req->fds[req->nfds - 1] >= 0)
			REAL(close)(req->fds[req->nfds - 1]);
	if (req->payload_fd >= 0) {
		munmap(req->payload, req->payload_size);
		REAL(close)(req->payload_fd);
	}
	atomic_fetch_and(&req->link->channel->claimed, ~(1u << req->index));
	pthread_setcancelstate(req->cancel, NULL);
}

int hf_request_open(enum hf_wire_op op, const char *path, int flags)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, op);

	if (ret)
		return ret;
	req.slot->cmd = (uint32_t)flags;
	strncpy((char *)req.slot->arg, path, HF_TREE_PATH_MAX + 1);
	ret = hf_request_run(&req);
	if (!ret)
		ret = req.nfds == 1 ? req.fds[--req.nfds] : -EIO;
	hf_request_end(&req);
	return ret;
}

/* -- running --------------------------------------------------------------- */

/* Return: did the server have to be woken? */
static bool ring(struct hf_request *req)
{
	struct hf_wire_channel *channel = req->link->channel;

	atomic_fetch_or(&channel->pending, 1u << req->index);
	if (!atomic_load(&channel->sleeping))
		return false;
	hf_futex_wake(&channel->pending);
	return true;
}

static bool server_gone(const struct hf_link *link)
{
	struct pollfd pfd = { .fd = link->fd };

	return atomic_load(&link->channel->dead) ||
	       (REAL(poll)(&pfd, 1, 0) == 1 && (pfd.revents & (POLLHUP | POLLNVAL)));
}

/* Sleep until the answer is there. The sleep is cut up, since nobody wakes us
 * if the server is killed. */
static int sleep_for_answer(struct hf_request *req)
{
	struct hf_wire_slot *slot = req->slot;

	for (;;) {
		uint32_t posted = HF_SLOT_POSTED;
		int ret;

		atomic_compare_exchange_strong(&slot->state, &posted,
					       HF_SLOT_WAITED);
		if (atomic_load(&slot->state) == HF_SLOT_DONE)
			return 0;
		ret = hf_futex_wait(&slot->state, HF_SLOT_WAITED, 1000);
		if (atomic_load(&slot->state) == HF_SLOT_DONE)
			return 0;
		if (ret == -EINTR) {
			/* The server answers EINTR, if it still can. */
			atomic_store(&slot->cancel, 1);
			ring(req);
		} else if (server_gone(req->link)) {
			/* The next request need not find out again. */
			atomic_store(&req->link->channel->dead, 1);
			return -ENODEV;
		}
	}
}

/* The descriptors of the answer are on the socket already, or another thread
 * has found them there. */
static int collect_fds(struct hf_request *req, uint32_t seq, unsigned int want)
{
	struct hf_link *link = req->link;
	struct hf_wire_fds packet;
	int fds[HF_FDPASS_MAX], len, ret = 0;
	unsigned int n;
	struct hf_locked locked;

	hf_client_lock(&locked);
	while (!link->stash[req->index].nfds ||
	       link->stash[req->index].seq != seq) {
		len = hf_recv_fds(link->fd, &packet, sizeof(packet),
				  MSG_DONTWAIT, fds, &n);
		if (len != sizeof(packet) || packet.slot >= HF_WIRE_SLOTS ||
		    n > HF_WIRE_FDS_MAX) {
			/* Out of descriptors, most likely. */
			ret = -EMFILE;
			break;
		}
		link->stash[packet.slot].seq = packet.seq;
		link->stash[packet.slot].nfds = n;
		memcpy(link->stash[packet.slot].fds, fds, n * sizeof(*fds));
	}
	if (!ret) {
		req->nfds = link->stash[req->index].nfds;
		memcpy(req->fds, link->stash[req->index].fds,
		       sizeof(req->fds));
		link->stash[req->index].nfds = 0;
		if (req->nfds != want)
			ret = -EMFILE;
	}
	hf_client_unlock(&locked);
	return ret;
}

static int send_fds(struct hf_request *req)
{
	struct hf_wire_fds packet = {
		.type = HF_WIRE_FDS,
		.slot = req->index,
		.seq = req->slot->seq,
	};
	int fds[HF_WIRE_FDS_MAX + 1];
	unsigned int n = 0;

	if (req->payload_fd >= 0)
		fds[n++] = req->payload_fd;
	memcpy(fds + n, req->fds, req->nfds * sizeof(*fds));
	n += req->nfds;
	req->slot->nfds = n;
	req->nfds = 0; /* they stay the caller's */
	return n ? hf_send_fds(req->link->fd, &packet, sizeof(packet), fds,
			       n) :
		   0;
}

uint64_t hf_request_user_max(const struct hf_request *req)
{
	return req->link->channel->user_max;
}

int hf_request_run(struct hf_request *req)
{
	struct hf_wire_slot *slot = req->slot;
	uint32_t seq = __atomic_add_fetch(&req->link->seq, 1,
					  __ATOMIC_RELAXED);
	int ret;

	slot->seq = seq;
	if (atomic_load_explicit(&req->link->channel->traced,
				 memory_order_relaxed))
		slot->tid = gettid();
	ret = send_fds(req);
	if (ret)
		return ret;
	atomic_store(&slot->state, HF_SLOT_POSTED);
	/* Waking takes longer than spinning is worth, and may want this CPU. */
	if (ring(req) ||
	    !hf_spin_until(atomic_load(&slot->state) == HF_SLOT_DONE,
			   req->link->channel->spin)) {
		ret = sleep_for_answer(req);
		if (ret)
			return ret;
	}
	ret = slot->ret;
	if (ret >= 0 && slot->nfds) {
		int err = collect_fds(req, seq, slot->nfds);

		if (err)
			ret = err;
	}
	atomic_store_explicit(&slot->state, HF_SLOT_IDLE,
			      memory_order_relaxed);
	return ret;
}

/* -- which descriptors are DRM files --------------------------------------- */

/* The name of the socket's other end: "<instance>/<minor>/<file>". */
static bool read_name(int fd, unsigned int *minor, uint32_t *id)
{
	struct sockaddr_un addr;
	const char *name = hf_endpoint_name(fd, &addr);
	char *slash;

	if (!name)
		return false;
	*minor = strtoul(name, &slash, 10);
	if (*slash != '/')
		return false;
	*id = strtoul(slash + 1, NULL, 10);
	return true;
}

bool hf_shim_drm_fd(int fd, unsigned int *minor)
{
	int saved = errno;
	unsigned int m;
	uint32_t id;
	bool ours = hf_shim_active() && read_name(fd, &m, &id);

	if (ours && minor)
		*minor = m;
	errno = saved;
	return ours;
}

/* Prove to the server that we hold the file, by showing it. */
static int attach(int fd, uint32_t id)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_ATTACH);

	if (ret)
		return ret;
	req.slot->file = id;
	req.fds[0] = fd;
	req.nfds = 1;
	ret = hf_request_run(&req);
	hf_request_end(&req);
	return ret;
}

static void set_likely(int fd, uint32_t file)
{
	if (fd >= 0 && fd < HF_MAX_LIKELY)
		atomic_store(&client()->likely[fd], file);
}

uint32_t hf_file_likely(int fd)
{
	if (fd < 0 || fd >= HF_MAX_LIKELY)
		return 0;
	return atomic_load_explicit(&client()->likely[fd],
				    memory_order_relaxed);
}

void hf_file_mark(int fd, uint32_t file)
{
	set_likely(fd, file);
}

void hf_file_opened(int fd)
{
	unsigned int minor;
	uint32_t id;

	if (read_name(fd, &minor, &id))
		set_likely(fd, id);
}

bool hf_file_closed(int fd)
{
	if (!hf_file_likely(fd))
		return false;
	set_likely(fd, 0);
	return true;
}

void hf_files_reap(void)
{
	struct hf_request req;
	int saved = errno;

	if (!hf_request_begin(&req, HF_OP_REAP)) {
		hf_request_run(&req);
		hf_request_end(&req);
	}
	errno = saved;
}

static unsigned int cache_index(uint64_t inode)
{
	return inode * 0x9e3779b97f4a7c15ull >> 56;
}

int hf_file_of(int fd, uint32_t *id)
{
	struct client *c = client();
	unsigned int minor, i;
	uint64_t entry;
	struct stat st;
	int ret;

	if (REAL(fstat)(fd, &st))
		return -EBADF;
	if (!S_ISSOCK(st.st_mode))
		return -ENOTTY;
	i = cache_index(st.st_ino);
	entry = atomic_load(&c->files[i]);
	if (entry >> 32 == st.st_ino && (uint32_t)entry) {
		*id = entry;
		set_likely(fd, *id);
		return 0;
	}
	if (!read_name(fd, &minor, id))
		return -ENOTTY;
	ret = attach(fd, *id);
	if (ret)
		return ret == -EBADF ? -ENODEV : ret;
	set_likely(fd, *id);
	atomic_store(&c->files[i], (uint64_t)st.st_ino << 32 | *id);
	return 0;
}

void hf_file_forget(int fd)
{
	struct stat st;

	set_likely(fd, 0);
	if (!REAL(fstat)(fd, &st))
		atomic_store(&client()->files[cache_index(st.st_ino)], 0);
}

int hf_shim_drm_open(unsigned int minor, int flags)
{
	struct hf_request req;
	int ret, fd;

	if (flags & O_EXCL)
		return -EBUSY;
	ret = hf_request_begin(&req, HF_OP_OPEN);
	if (ret)
		return ret;
	req.slot->cmd = minor;
	ret = hf_request_run(&req);
	if (!ret && req.nfds == 1) {
		fd = req.fds[--req.nfds];
		if (!(flags & O_CLOEXEC))
			REAL(fcntl)(fd, F_SETFD, 0);
		if (flags & O_NONBLOCK)
			REAL(fcntl)(fd, F_SETFL, O_RDWR | O_NONBLOCK);
		hf_file_opened(fd);
		ret = fd;
	}
	hf_request_end(&req);
	return ret;
}

/* -- the tree -------------------------------------------------------------- */

int hf_shim_tree_fd(void)
{
	struct hf_request req;
	int ret = hf_request_begin(&req, HF_OP_TREE);

	if (ret)
		return ret;
	ret = hf_request_run(&req);
	if (!ret && req.nfds == 1)
		ret = req.fds[--req.nfds];
	hf_request_end(&req);
	return ret;
}

unsigned int hf_shim_tree_generation(void)
{
	struct hf_link *link;

	if (!hf_shim_active())
		return 0;
	link = atomic_load(&client()->links[0]);
	return link ? atomic_load(&link->channel->tree) : 0;
}

struct hf_wire_channel *hf_client_channel(bool connect)
{
	struct hf_link *link = atomic_load(&client()->links[0]);
	struct hf_locked locked;

	if (!link && connect) {
		hf_client_lock(&locked);
		link = link_at(0);
		hf_client_unlock(&locked);
	}
	return link ? link->channel : NULL;
}

/* -- descriptors of the shim's own ------------------------------------------ */

int hf_own_maps_fd(void)
{
	return atomic_load_explicit(&client()->maps, memory_order_acquire) - 1;
}

int hf_own_maps_keep(int fd)
{
	int none = 0;

	fd = move_away(fd);
	if (atomic_compare_exchange_strong(&client()->maps, &none, fd + 1))
		return fd;
	REAL(close)(fd); /* another thread was faster */
	return none - 1;
}

bool hf_own_fd(int fd)
{
	struct client *c;
	unsigned int n;

	if (!hf_shim_active())
		return false;
	c = client();
	if ((fd >= 0 && fd == hf_own_maps_fd()) || hf_keep_own(fd))
		return true;
	n = atomic_load_explicit(&c->nlinks, memory_order_relaxed);
	for (unsigned int i = 0; i < n; i++) {
		struct hf_link *link = atomic_load(&c->links[i]);

		if (link && link->fd == fd)
			return true;
	}
	return hf_watch_own(fd);
}

unsigned int hf_own_fd_next(unsigned int first, unsigned int last)
{
	struct client *c = client();
	unsigned int n = atomic_load(&c->nlinks);
	unsigned int next = hf_watch_own_next(first, last);
	unsigned int keep = hf_keep_own_next(first, last);
	int maps = hf_own_maps_fd();

	next = keep < next ? keep : next;
	if (maps >= 0 && (unsigned int)maps >= first &&
	    (unsigned int)maps < next)
		next = maps;
	for (unsigned int i = 0; i < n; i++) {
		struct hf_link *link = atomic_load(&c->links[i]);

		if (link && (unsigned int)link->fd >= first &&
		    (unsigned int)link->fd < next)
			next = link->fd;
	}
	return next;
}

void hf_own_fd_move(int fd)
{
	struct client *c = client();
	struct hf_locked locked;
	int moved;

	hf_client_lock(&locked);
	/* It is opened again when it is needed. */
	if (hf_own_maps_fd() == fd)
		atomic_store(&c->maps, 0);
	for (unsigned int i = 0; i < atomic_load(&c->nlinks); i++) {
		struct hf_link *link = atomic_load(&c->links[i]);

		if (!link || link->fd != fd)
			continue;
		moved = fcntl(fd, F_DUPFD_CLOEXEC, HF_OWN_FD_BASE);
		if (moved >= 0)
			link->fd = moved;
	}
	hf_client_unlock(&locked);
	hf_watch_own_move(fd);
	hf_keep_own_move(fd);
}
