/* SPDX-License-Identifier: MIT */
/*
 * The server's main thread: the listening socket, new connections, hang-ups of
 * DRM files, the device's timers, and the tree of paths.
 *
 * A connection says hello first: with the right key, or from the server's own
 * user or root. Everything that it says before that is not trusted, and so is
 * everything after.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/spin.h"
#include "drivers/soft/soft.h"
#include "drivers/virtio/driver.h"
#include "seat/seatd.h"
#include "seat/vt.h"
#include "server/debugfs.h"
#include "server/desktop.h"
#include "server/pace.h"
#include "server/scenario.h"
#include "server/server.h"
#include "server/record.h"
#include "server/socket.h"
#include "server/stream.h"
#include "server/sysfs.h"
#include "server/trace.h"
#include "uapi/call.h"
#include "uapi/check.h"
#include "uapi/power.h"
#include "uapi/problem.h"
#include "uapi/tree.h"

/* -- connections ----------------------------------------------------------- */

/* That have not said hello yet; the oldest goes first. */
#define MAX_CONNECTIONS 64
/* Kept by processes that have left this network name space, or root directory. */
#define MAX_BROKERS 256

struct connection {
	struct hf_server *server;
	struct wl_event_source *source;
	struct hf_cred cred;
	int fd;
	bool broker; /* others connect by way of it; it stays */
	struct wl_list link;
};

static void connection_destroy(struct connection *conn)
{
	wl_event_source_remove(conn->source);
	wl_list_remove(&conn->link);
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn);
}

/* The server's user, or root. */
static bool is_own(const struct connection *conn)
{
	return conn->cred.uid == geteuid() || conn->cred.uid == 0;
}

static bool admitted(const struct connection *conn,
		     const char key[HF_WIRE_KEY_SIZE])
{
	unsigned char differs = 0;

	if (is_own(conn))
		return true;
	for (size_t i = 0; i < HF_WIRE_KEY_SIZE; i++)
		differs |= key[i] ^ conn->server->key[i];
	return !differs;
}

static void say_hello(struct connection *conn, struct hf_wire_hello *hello)
{
	int fd = conn->fd, ret;

	hello->error = 0;
	if (hello->magic != HF_WIRE_MAGIC)
		return;
	if (hello->version != HF_WIRE_VERSION)
		hello->error = -EPROTO;
	else if (!admitted(conn, hello->key))
		hello->error = -EACCES;
	if (hello->error) {
		hf_warn("pid %d: not admitted: %s", conn->cred.pid,
			strerror(-hello->error));
		hf_send_fds(fd, hello, sizeof(*hello), NULL, 0);
		return;
	}
	conn->fd = -1; /* the client's from here on */
	ret = hf_client_create(conn->server, fd, &conn->cred);
	/* It may have been killed meanwhile. */
	if (ret && ret != -EPIPE && ret != -ECONNRESET)
		hf_warn("pid %d: no channel: %s", conn->cred.pid,
			strerror(-ret));
}

/*
 * A program that the shim cannot be loaded into is spoken of once. Only so many
 * are remembered: a client that names more of them is told that all was said.
 */
#define MAX_TOLD 256

static int remember_told(struct hf_server *server, const char *path)
{
	char **told;

	for (unsigned int i = 0; i < server->ntold; i++)
		if (!strcmp(server->told[i], path))
			return -EEXIST;
	if (server->ntold == MAX_TOLD)
		return -EEXIST;
	told = realloc(server->told, (server->ntold + 1) * sizeof(*told));
	if (!told)
		return 0;
	server->told = told;
	told[server->ntold] = strdup(path);
	server->ntold += told[server->ntold] != NULL;
	return 0;
}

int hf_server_tell(struct hf_server *server, const char *path)
{
	return remember_told(server, path);
}

/* What the shim asks of its own accord. Return: was it that? */
static bool answer_shim(struct connection *conn, struct hf_wire_query *query)
{
	static const char told[] = "told\n";

	if (!strncmp(query->text, told, sizeof(told) - 1)) {
		query->error = remember_told(conn->server,
					     query->text + sizeof(told) - 1);
	} else if (!strcmp(query->text, "who")) {
		snprintf(query->text, sizeof(query->text), "%u %u",
			 conn->cred.uid, conn->cred.gid);
		query->error = 0;
	} else {
		return false;
	}
	hf_send_fds(conn->fd, query, sizeof(*query), NULL, 0);
	return true;
}

/* The key is for devices: what others do with them, and what is done to all, is not
 * a client's business. */
static void answer_query(struct connection *conn, struct hf_wire_query *query,
			 int data)
{
	query->text[sizeof(query->text) - 1] = 0;
	if (admitted(conn, query->key) && answer_shim(conn, query))
		return;
	if (!admitted(conn, query->key) ||
	    (!is_own(conn) && strcmp(query->text, "info"))) {
		query->error = -EACCES;
		hf_send_fds(conn->fd, query, sizeof(*query), NULL, 0);
		return;
	}
	hf_query_answer(conn->server, query, conn->fd, data);
	conn->fd = -1; /* answered now or later */
}

static int connection_readable(int fd, uint32_t mask, void *data);

/* One that has not said hello yet. Owns @sock. */
static void add_connection(struct hf_server *server, int sock)
{
	struct connection *conn;
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (wl_list_length(&server->connections) >= MAX_CONNECTIONS)
		connection_destroy(wl_container_of(server->connections.prev,
						   conn, link));
	conn = calloc(1, sizeof(*conn));
	if (!conn || getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &cred, &len)) {
		free(conn);
		close(sock);
		return;
	}
	conn->server = server;
	conn->fd = sock;
	conn->cred.pid = cred.pid;
	conn->cred.uid = cred.uid;
	conn->cred.gid = cred.gid;
	wl_list_insert(&server->connections, &conn->link);
	conn->source = wl_event_loop_add_fd(server->loop, sock,
					    WL_EVENT_READABLE,
					    connection_readable, conn);
	if (!conn->source) {
		wl_list_remove(&conn->link);
		free(conn);
		close(sock);
	}
}

static bool is_hello(const struct connection *conn,
		     const struct hf_wire_hello *hello)
{
	return hello->magic == HF_WIRE_MAGIC &&
	       hello->version == HF_WIRE_VERSION && admitted(conn, hello->key);
}

/* Return: whether it stays. */
static bool become_broker(struct connection *conn,
			  const struct hf_wire_hello *hello)
{
	struct hf_server *server = conn->server;

	if (conn->broker || !is_hello(conn, hello) ||
	    wl_list_length(&server->brokers) >= MAX_BROKERS)
		return false;
	conn->broker = true;
	wl_list_remove(&conn->link);
	wl_list_insert(&server->brokers, &conn->link);
	return true;
}

static bool is_socket_pair(int fd)
{
	int domain = -1, type = -1;
	socklen_t len = sizeof(domain);

	return !getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) &&
	       !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) &&
	       domain == AF_UNIX && type == SOCK_SEQPACKET;
}

/* Whoever made the pair of sockets is who connects. Return: did it take @fd? */
static bool broker_connection(struct connection *conn,
			      const struct hf_wire_hello *hello, int fd)
{
	if (!is_hello(conn, hello) || !is_socket_pair(fd))
		return false;
	add_connection(conn->server, fd);
	return true;
}

union packet {
	uint32_t type;
	struct hf_wire_hello hello;
	struct hf_wire_query query;
};

/* What comes on a broker. Return: whether it stays. */
static bool broker_packet(struct connection *conn, const union packet *packet,
			  int len, int *fds, unsigned int *n)
{
	if (len != sizeof(packet->hello) || packet->type != HF_WIRE_CONNECT)
		return false;
	if (*n && broker_connection(conn, &packet->hello, fds[*n - 1]))
		--*n;
	return true;
}

/* What comes first. Return: whether the connection stays as it is. */
static bool first_packet(struct connection *conn, union packet *packet, int len,
			 const int *fds, unsigned int n)
{
	if (len == sizeof(packet->hello) && packet->type == HF_WIRE_BROKER)
		return become_broker(conn, &packet->hello);
	if (len == sizeof(packet->hello) && packet->type == HF_WIRE_HELLO)
		say_hello(conn, &packet->hello);
	else if (len == sizeof(packet->query) && packet->type == HF_WIRE_QUERY)
		answer_query(conn, &packet->query, n ? fds[0] : -1);
	else if (len > 0)
		hf_warn("pid %d: dropped: garbage", conn->cred.pid);
	return false;
}

static int connection_readable(int fd, uint32_t mask, void *data)
{
	struct connection *conn = data;
	union packet packet = { 0 };
	int fds[HF_FDPASS_MAX], len;
	unsigned int n;
	bool stays;

	(void)mask;
	len = hf_recv_fds(fd, &packet, sizeof(packet), MSG_DONTWAIT, fds, &n);
	if (len == -EAGAIN)
		return 0;
	stays = conn->broker ? broker_packet(conn, &packet, len, fds, &n) :
			       first_packet(conn, &packet, len, fds, n);
	while (n)
		close(fds[--n]);
	if (!stays)
		connection_destroy(conn);
	return 1;
}

/* Without a descriptor to spare, the listening socket would stay readable. */
static void turn_away(struct hf_server *server)
{
	int sock;

	close(server->spare_fd);
	sock = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (sock >= 0)
		close(sock);
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	hf_warn("out of descriptors: a connection was turned away");
}

static int accept_connection(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;
	int sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)mask;
	if (sock < 0 && (errno == EMFILE || errno == ENFILE))
		turn_away(server);
	else if (sock >= 0)
		add_connection(server, sock);
	return 0;
}

/* -- descriptors that clients have closed ------------------------------------------------------------- */

#define REAP_BATCH 16

/*
 * One whose other end writes on and on is ready each time, and none of those that have
 * hung up may wait for that: epoll has all of them in turn.
 */
void hf_server_reap(struct hf_server *server)
{
	struct hf_system *sys = server->sys;
	unsigned int turns = 1;
	uint64_t ids[REAP_BATCH];

	for (unsigned int i = 0; i < turns; i++) {
		int n = hf_endpoints_poll(&sys->endpoints, ids, REAP_BATCH);

		if (!n)
			break;
		pthread_mutex_lock(&sys->lock);
		if (!i)
			turns = hf_endpoints_count(&sys->endpoints) / REAP_BATCH + 2;
		while (n)
			hf_endpoints_hang_up(&sys->endpoints, ids[--n]);
		hf_scenario_settle(server->scenario);
		pthread_mutex_unlock(&sys->lock);
	}
}

static int endpoints_ready(int fd, uint32_t mask, void *data)
{
	(void)fd;
	(void)mask;
	hf_server_reap(data);
	return 0;
}

static int device_interrupts(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	server->dev->driver->interrupt(server->dev);
	hf_scenario_settle(server->scenario);
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

static int timers_due(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_clock_dispatch(server->sys->clock);
	hf_scenario_settle(server->scenario);
	pthread_mutex_unlock(&server->sys->lock);
	if (hf_clock_pace(server->sys->clock) == HF_CLOCK_JUMPS)
		hf_pace_jump(server);
	return 0;
}

/* Of what clients wait for no longer than until then. */
static int deadlines_due(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_clock_dispatch(server->sys->real_clock);
	hf_scenario_settle(server->scenario);
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

/* -- the tree of paths ----------------------------------------------------- */

struct connector_text {
	char name[32];
	const char *modes[HF_KMS_MAX_MODES];
};

static const char *dpms_name(uint32_t dpms)
{
	static const char *const names[] = { "On", "Standby", "Suspend",
					     "Off" };

	return names[dpms & 3];
}

static void describe_connector(const struct hf_connector *connector,
			       struct hf_sysfs_connector *out,
			       struct connector_text *text)
{
	hf_connector_name(connector, text->name, sizeof(text->name));
	for (unsigned int i = 0; i < connector->num_modes; i++)
		text->modes[i] = connector->modes[i].name;
	out->name = text->name;
	out->id = connector->base.id;
	out->status = connector->unknown   ? "unknown" :
		      connector->connected ? "connected" :
					     "disconnected";
	out->enabled = connector->state->crtc;
	out->dpms = dpms_name(connector->dpms);
	out->edid = connector->edid ? connector->edid->data : NULL;
	out->edid_size = connector->edid ? connector->edid->length : 0;
	out->modes = text->modes;
	out->n_modes = connector->num_modes;
}

static struct hf_sysfs_device describe_device(const struct hf_device *dev)
{
	return (struct hf_sysfs_device){
		.name = dev->unique,
		.primary = dev->primary_minor,
		.render = dev->render_minor,
		.uid = geteuid(),
		.gid = getegid(),
	};
}

/* Returns the new tree, as of now; the lock is held. */
static int build_tree(const struct hf_server *server)
{
	struct hf_sysfs_connector connectors[HF_KMS_MAX_CONNECTORS];
	static struct connector_text text[HF_KMS_MAX_CONNECTORS];
	const struct hf_device *dev = server->dev;
	struct hf_sysfs_device devices[2];
	size_t n = 0;

	if (!dev->unplugged)
		devices[n++] = describe_device(dev);
	for (unsigned int i = 0; i < dev->kms.num_connectors; i++)
		describe_connector(dev->kms.connectors[i], &connectors[i],
				   &text[i]);
	if (n) {
		devices[0].connectors = connectors;
		devices[0].n_connectors = dev->kms.num_connectors;
		devices[0].n_crtcs = dev->kms.num_crtcs;
		devices[0].crcs = hf_kms_has_vblank(&dev->kms);
	}
	if (server->engine != dev)
		devices[n++] = describe_device(server->engine);
	return hf_sysfs_build(devices, n, server->seat, server->logind);
}

static void unmap_tree(const struct hf_tree *tree)
{
	if (tree)
		munmap((void *)tree, tree->size);
}

static int update_tree(struct hf_server *server)
{
	int fd = build_tree(server);
	struct stat st;
	void *tree;

	if (fd < 0)
		return fd;
	tree = fstat(fd, &st) ? MAP_FAILED :
				mmap(NULL, (size_t)st.st_size, PROT_READ,
				     MAP_SHARED, fd, 0);
	if (tree == MAP_FAILED) {
		close(fd);
		return -ENOMEM;
	}
	if (server->tree_fd >= 0)
		close(server->tree_fd);
	server->tree_fd = fd;
	unmap_tree(server->old_tree);
	server->old_tree = server->tree;
	server->tree = tree;
	atomic_fetch_add(&server->generation, 1);
	return 0;
}

/* -- the seat -------------------------------------------------------------- */

static void seat_changed(void *data)
{
	struct hf_server *server = data;

	eventfd_write(server->sys->changed_fd, 1);
}

static void seat_ttys(void *data)
{
	hf_clients_update_ttys(data);
}

static void seat_uevent(void *data, const char *devpath, const char *action)
{
	hf_uevent_below(data, devpath, action);
}

static int seat_bounds(void *data, const char *connector, struct hf_rect *all,
		       struct hf_rect *rect)
{
	const struct hf_server *server = data;

	return hf_desktop_bounds(&server->dev->kms, connector, all, rect);
}

static int seatd_ready(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_seatd_dispatch(hf_seat_seatd(server->seat));
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

static int seatd_fd(const struct hf_server *server)
{
	return server->seat ? hf_seatd_fd(hf_seat_seatd(server->seat)) : -1;
}

static int create_seat(struct hf_server *server)
{
	static const struct hf_seat_funcs funcs = {
		.changed = seat_changed,
		.ttys = seat_ttys,
		.uevent = seat_uevent,
		.bounds = seat_bounds,
		.find = hf_socket_find_device,
	};

	server->seat = hf_seat_create(server->sys, &funcs, server);
	return server->seat ? 0 : -errno;
}

static void destroy_seat(struct hf_server *server)
{
	if (!server->seat)
		return;
	pthread_mutex_lock(&server->sys->lock);
	hf_seat_destroy(server->seat);
	server->seat = NULL;
	pthread_mutex_unlock(&server->sys->lock);
}

/* -- what has happened, for all to see ------------------------------------- */

static void stop_settling(struct hf_call *call)
{
	wl_list_remove(&call->wait.settled);
}

int hf_server_settle(struct hf_server *server, struct hf_call *call)
{
	wl_list_insert(server->settling.prev, &call->wait.settled);
	eventfd_write(server->sys->changed_fd, 1);
	return hf_call_park(call, stop_settling, false);
}

static void settled(struct hf_server *server)
{
	struct hf_call *call, *next;

	wl_list_for_each_safe(call, next, &server->settling, wait.settled) {
		wl_list_remove(&call->wait.settled);
		hf_call_complete(call, 0);
	}
}

static void configuration_changed(struct hf_kms_device *kms)
{
	struct hf_device *dev = wl_container_of(kms, dev, kms);

	eventfd_write(dev->sys->changed_fd, 1);
}

void hf_server_refresh(struct hf_server *server)
{
	eventfd_t count;

	if (eventfd_read(server->sys->changed_fd, &count))
		return;
	if (update_tree(server))
		hf_warn("no memory for the tree of paths");
	hf_clients_update_tree(server);
	hf_uevents_flush(server);
	settled(server);
}

static int tree_stale(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_server_refresh(server);
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

static int ttys_ready(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_vts_dispatch(hf_seat_vts(server->seat));
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

static int monitors_ready(int fd, uint32_t mask, void *data)
{
	struct hf_server *server = data;

	(void)fd;
	(void)mask;
	pthread_mutex_lock(&server->sys->lock);
	hf_monitors_dispatch(&server->monitors);
	pthread_mutex_unlock(&server->sys->lock);
	return 0;
}

/* -- start and end --------------------------------------------------------- */

/* Of the contiguous pool, bytes. */
#define DEFAULT_POOL ((size_t)1 << 30)

/* One that was unplugged keeps its numbers. */
static bool has_minor(struct hf_system *sys, int minor)
{
	struct hf_device *dev;

	wl_list_for_each(dev, &sys->devices, link)
		if (dev->primary_minor == minor || dev->render_minor == minor)
			return true;
	return false;
}

/* The first minor number from @first on that the machine does not use, nor we. */
static unsigned int free_minor(struct hf_system *sys, const char *prefix,
			       unsigned int first)
{
	char path[64];
	unsigned int minor = first;
	struct stat st;

	for (;; minor++) {
		if (has_minor(sys, minor))
			continue;
		snprintf(path, sizeof(path), "/dev/dri/%s%u", prefix, minor);
		if (!stat(path, &st))
			continue;
		snprintf(path, sizeof(path), "/sys/class/drm/%s%u", prefix,
			 minor);
		if (stat(path, &st))
			return minor;
	}
}

/* An object is a descriptor: take as many as there may be. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int make_key(struct hf_server *server)
{
	unsigned char bytes[HF_WIRE_KEY_SIZE / 2];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -errno;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(server->key + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* A socket file that nobody answers at is left over from a crash. */
static int clear_stale_socket(const struct sockaddr_un *addr, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int ret = 0;
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!lstat(addr->sun_path, &st) && !S_ISSOCK(st.st_mode))
		ret = -EEXIST; /* somebody's file */
	else if (!connect(fd, (const struct sockaddr *)addr, len))
		ret = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		unlink(addr->sun_path);
	close(fd);
	return ret;
}

static int start_listening(struct hf_server *server, const char *path)
{
	struct sockaddr_un addr;
	char own[64];
	socklen_t len;
	int ret;

	snprintf(own, sizeof(own), "@" HF_WIRE_NAME_PREFIX "%s",
		 server->sys->instance);
	ret = hf_socket_address(path ? path : own, &addr, &len);
	if (!ret && addr.sun_path[0])
		ret = clear_stale_socket(&addr, len);
	if (ret)
		return ret;
	snprintf(server->address, sizeof(server->address), "%s",
		 path ? path : own);
	server->listen_fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listen_fd < 0 ||
	    bind(server->listen_fd, (struct sockaddr *)&addr, len))
		return -errno;
	server->own_socket_file = addr.sun_path[0];
	return listen(server->listen_fd, SOMAXCONN) ? -errno : 0;
}

static bool add_sources(struct hf_server *server)
{
	const struct {
		int fd;
		wl_event_loop_fd_func_t fn;
	} sources[] = {
		{ server->listen_fd, accept_connection },
		{ server->sys->endpoints.epoll, endpoints_ready },
		{ hf_clock_fd(server->sys->clock), timers_due },
		{ hf_clock_fd(server->sys->real_clock), deadlines_due },
		{ server->sys->changed_fd, tree_stale },
		{ server->monitors.epoll, monitors_ready },
		{ server->dev->irq_fd, device_interrupts },
		{ seatd_fd(server), seatd_ready },
		{ server->seat ? hf_vts_fd(hf_seat_vts(server->seat)) : -1,
		  ttys_ready },
	};

	for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
		if (sources[i].fd < 0)
			continue;
		server->sources[i] = wl_event_loop_add_fd(
			server->loop, sources[i].fd, WL_EVENT_READABLE,
			sources[i].fn, server);
		if (!server->sources[i])
			return false;
	}
	return true;
}

static int create_system(struct hf_server *server,
			 const struct hf_server_options *options)
{
	struct hf_memory_options memory = {
		.pool = options->pool ? options->pool : DEFAULT_POOL,
		.shadow = options->incoherent,
	};

	server->sys = hf_system_create(&memory);
	if (!server->sys)
		return -errno;
	if (!options->check)
		return 0;
	server->sys->problems = hf_problems_create(server->sys->clock);
	return server->sys->problems ? 0 : -ENOMEM;
}

static int open_hardware(struct hf_server *server,
			 const struct hf_server_options *options,
			 struct hf_device_options *display)
{
	server->vfio = hf_vfio_open(options->vfio, options->vfio_flags,
				    options->why);
	if (!server->vfio)
		return -errno;
	display->vfio = server->vfio;
	display->iommu = !hf_vfio_no_iommu(server->vfio);
	display->why = options->why;
	return 0;
}

static const struct hf_driver *
driver_of(const struct hf_server_options *options)
{
	if (options->vfio)
		return &hf_virtio_driver;
	return options->split ? &hf_soft_display : &hf_soft_driver;
}

/* What is the server's business in a device. */
static void look_after(struct hf_server *server, struct hf_device *dev)
{
	dev->gem.limit = server->memory;
	/* So that no client leaves the others nothing. */
	dev->gem.client_count = hf_memory_max_fds(server->sys->mem) / 2;
	dev->gem.client_bytes = server->client_memory ?:
		hf_memory_max_pages(server->sys->mem) << HF_PAGE_SHIFT;
	if (dev->driver->kms) {
		dev->kms.changed = configuration_changed;
		hf_uevents_follow(dev);
	}
}

static int create_devices(struct hf_server *server,
			  const struct hf_server_options *options)
{
	struct hf_device_options display = {
		.primary = free_minor(server->sys, "card", 0),
		.render = free_minor(server->sys, "renderD", 128),
		.iommu = !options->contiguous,
		.coherent = !options->incoherent,
		.outputs = options->outputs,
		.noutputs = options->noutputs,
		.overlays = options->overlays,
		.virtual_cursor = options->virtual_cursor,
	};
	struct hf_device_options engine = {
		.index = 1,
		.primary = free_minor(server->sys, "card", display.primary + 1),
		.render = display.render,
		.iommu = true,
		.coherent = display.coherent,
	};
	int ret = options->vfio ? open_hardware(server, options, &display) : 0;

	if (ret)
		return ret;
	if (options->split)
		display.render = -1;
	server->dev = hf_device_create(server->sys, driver_of(options),
				       &display);
	server->engine = server->dev;
	if (server->dev && options->split)
		server->engine = hf_device_create(server->sys, &hf_soft_engine,
						  &engine);
	if (!server->engine)
		return -errno;
	server->display = display;
	server->memory = options->memory;
	server->client_memory = options->client_memory;
	look_after(server, server->dev);
	if (server->engine != server->dev)
		look_after(server, server->engine);
	server->dev->kms.hold = options->hold_last_picture;
	if (options->check)
		server->dev->check = hf_check_create(server->dev);
	return options->check && !server->dev->check ? -ENOMEM : 0;
}

void hf_server_unplug(struct hf_server *server)
{
	hf_uevent_device(server, server->dev, "remove");
	hf_device_unplug(server->dev);
	configuration_changed(&server->dev->kms);
}

/* It is not there until the lock is taken again. */
static struct hf_device *create_again(struct hf_server *server,
				      const struct hf_device *old)
{
	struct hf_device_options options = server->display;
	struct hf_device *dev;

	options.primary = free_minor(server->sys, "card", 0);
	if (old->render_minor >= 0)
		options.render = free_minor(server->sys, "renderD", 128);
	server->replugging = true;
	pthread_mutex_unlock(&server->sys->lock);
	dev = hf_device_create(server->sys, old->driver, &options);
	pthread_mutex_lock(&server->sys->lock);
	server->replugging = false;
	return dev;
}

int hf_server_replug(struct hf_server *server)
{
	struct hf_device *old = server->dev, *dev;

	if (server->replugging)
		return -EBUSY;
	dev = create_again(server, old);
	if (!dev)
		return -errno;
	look_after(server, dev);
	dev->kms.hold = old->kms.hold;
	if (old->check)
		dev->check = hf_check_create(dev);
	if (server->engine == old)
		server->engine = dev;
	server->dev = dev;
	hf_scenario_follow(server->scenario, &dev->kms);
	hf_uevent_device(server, dev, "add");
	hf_tracing_follow(server);
	hf_records_follow(server);
	hf_streams_follow(server);
	configuration_changed(&dev->kms);
	return 0;
}

int hf_server_init(struct hf_server *server,
		   const struct hf_server_options *options)
{
	int ret;

	memset(server, 0, sizeof(*server));
	wl_list_init(&server->clients);
	wl_list_init(&server->connections);
	wl_list_init(&server->brokers);
	wl_list_init(&server->settling);
	pthread_mutex_init(&server->shots_lock, NULL);
	pthread_cond_init(&server->no_shots, NULL);
	server->listen_fd = server->tree_fd = server->monitors.epoll = -1;
	server->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	raise_file_limit();
	server->spin = hf_spin_rounds(HF_WIRE_SPIN_NS);
	/* A terminal or a reader of the trace that goes away is no reason. */
	signal(SIGPIPE, SIG_IGN);
	ret = create_system(server, options);
	if (!ret)
		hf_pace_start(server->sys->clock, options->pace);
	if (!ret)
		ret = make_key(server);
	if (!ret)
		ret = start_listening(server, options->socket);
	if (!ret)
		ret = create_devices(server, options);
	if (!ret) {
		server->loop = wl_event_loop_create();
		ret = server->loop ? 0 : -ENOMEM;
	}
	if (!ret)
		ret = hf_tracing_init(server);
	if (!ret)
		ret = hf_records_init(server);
	if (!ret)
		ret = hf_streams_init(server);
	if (!ret)
		ret = hf_monitors_init(&server->monitors, server->sys->instance,
				       server->sys->endpoints.max_fds);
	if (!ret && !options->no_seat)
		ret = create_seat(server);
	server->logind = options->logind;
	if (!ret) {
		hf_uevents_init(server);
		ret = update_tree(server);
	}
	if (!ret && !add_sources(server))
		ret = -ENOMEM;
	if (ret)
		hf_server_finish(server);
	else
		hf_pressure_watch(server);
	return ret;
}

int hf_server_dispatch(struct hf_server *server, int timeout)
{
	return wl_event_loop_dispatch(server->loop, timeout);
}

static void close_files(struct hf_system *sys)
{
	struct hf_file *file, *next;

	pthread_mutex_lock(&sys->lock);
	HASH_ITER(hh, sys->files_by_id, file, next)
		hf_file_close(file);
	pthread_mutex_unlock(&sys->lock);
}

void hf_server_finish(struct hf_server *server)
{
	struct connection *conn, *next;

	for (size_t i = 0; i < sizeof(server->sources) / sizeof(void *); i++)
		if (server->sources[i])
			wl_event_source_remove(server->sources[i]);
	hf_pressure_unwatch(server);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->own_socket_file)
		unlink(server->address);
	wl_list_for_each_safe(conn, next, &server->connections, link)
		connection_destroy(conn);
	wl_list_for_each_safe(conn, next, &server->brokers, link)
		connection_destroy(conn);
	while (server->ntold)
		free(server->told[--server->ntold]);
	free(server->told);
	server->told = NULL;
	hf_clients_destroy(server);
	hf_query_finish(server);
	hf_streams_finish(server);
	hf_records_finish(server);
	hf_tracing_finish(server);
	pthread_cond_destroy(&server->no_shots);
	pthread_mutex_destroy(&server->shots_lock);
	hf_scenario_destroy(server->scenario);
	server->scenario = NULL;
	if (server->sys) {
		close_files(server->sys);
		hf_fence_faults_clear(&server->sys->fences);
	}
	if (server->sys)
		hf_debugfs_finish(server->sys);
	destroy_seat(server);
	hf_uevents_finish(server);
	hf_monitors_finish(&server->monitors);
	while (server->sys && !wl_list_empty(&server->sys->devices)) {
		/* The engine's before the one of the display. */
		struct hf_device *dev = wl_container_of(
			server->sys->devices.prev, dev, link);

		hf_device_destroy(dev);
	}
	hf_vfio_close(server->vfio);
	hf_system_destroy(server->sys);
	if (server->loop)
		wl_event_loop_destroy(server->loop);
	if (server->tree_fd >= 0)
		close(server->tree_fd);
	unmap_tree(server->old_tree);
	unmap_tree(server->tree);
	if (server->spare_fd >= 0)
		close(server->spare_fd);
}
