/* SPDX-License-Identifier: MIT */
/*
 * A whole server in this process, and clients that speak the wire protocol by
 * hand, some of them badly: the server must hang up on those, go on serving
 * the others, and keep nothing of anyone who is gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/input.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdpass.h"
#include "base/futex.h"
#include "base/log.h"
#include "fdcount.h"
#include "mem/backing.h"
#include "server/server.h"
#include "sync/resv.h"
#include "uapi/ioctls.h"

static struct hf_server server;
static pthread_t thread;
static _Atomic bool stop;
static char directory[32], path[64];
static unsigned int open_before;

static void *serve(void *data)
{
	(void)data;
	while (!atomic_load(&stop))
		hf_server_dispatch(&server, 10);
	return NULL;
}

static int start(void **state)
{
	static const struct hf_kms_output output = {
		.width = 320, .height = 240, .hz = 1000,
	};
	struct hf_server_options options = {
		.socket = path,
		.outputs = &output,
		.noutputs = 1,
	};

	(void)state;
	strcpy(directory, "/tmp/unit-server-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	chmod(directory, 0755);
	snprintf(path, sizeof(path), "%s/socket", directory);
	if (hf_server_init(&server, &options))
		return -1;
	chmod(path, 0777);
	atomic_store(&stop, false);
	return pthread_create(&thread, NULL, serve, NULL);
}

static int finish(void **state)
{
	(void)state;
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	hf_server_finish(&server);
	if (access(path, F_OK) == 0)
		return -1;
	return rmdir(directory);
}

static uint64_t objects_left(void)
{
	uint64_t n;

	pthread_mutex_lock(&server.sys->lock);
	n = server.dev->gem.count + wl_list_length(&server.dev->files);
	pthread_mutex_unlock(&server.sys->lock);
	return n;
}

static int setup(void **state)
{
	(void)state;
	open_before = count_fds();
	return 0;
}

/* All clients are gone: nothing of them is left, in a while. */
static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++) {
		if (objects_left() == 0 && count_fds() == open_before)
			return 0;
		usleep(10000);
	}
	print_error("%lu objects and files, %u descriptors left\n",
		    (unsigned long)objects_left(), count_fds() - open_before);
	return -1;
}

/* -- a client -------------------------------------------------------------- */

struct client {
	int fd;
	struct hf_wire_channel *channel;
	uint32_t seq;
};

static int connect_raw(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	strcpy(addr.sun_path, path);
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		close(fd);
		return -errno;
	}
	return fd;
}

static bool wait_hang_up(int fd)
{
	struct pollfd pfd = { .fd = fd };

	return poll(&pfd, 1, 20000) == 1 && (pfd.revents & POLLHUP);
}

/* Say hello on a connection. Return: the channel's descriptor or an errno. */
static int hello(int fd, const char *key, uint32_t version)
{
	struct hf_wire_hello hello = {
		.type = HF_WIRE_HELLO,
		.magic = HF_WIRE_MAGIC,
		.version = version,
	};
	int fds[HF_FDPASS_MAX], len;
	unsigned int n;

	if (key)
		memcpy(hello.key, key, sizeof(hello.key));
	assert_int_equal(hf_send_fds(fd, &hello, sizeof(hello), NULL, 0), 0);
	len = hf_recv_fds(fd, &hello, sizeof(hello), 0, fds, &n);
	if (len != sizeof(hello))
		return -EPIPE;
	if (hello.error)
		return hello.error;
	assert_int_equal(n, 1);
	return fds[0];
}

static struct client *join_server(void)
{
	struct client *client = calloc(1, sizeof(*client));
	int channel;

	client->fd = connect_raw();
	assert_true(client->fd >= 0);
	channel = hello(client->fd, NULL, HF_WIRE_VERSION);
	assert_true(channel >= 0);
	client->channel = mmap(NULL, HF_WIRE_CHANNEL_SIZE,
			       PROT_READ | PROT_WRITE, MAP_SHARED, channel, 0);
	assert_ptr_not_equal(client->channel, MAP_FAILED);
	close(channel);
	return client;
}

static void leave(struct client *client)
{
	munmap(client->channel, HF_WIRE_CHANNEL_SIZE);
	close(client->fd);
	free(client);
}

static struct hf_wire_slot *slot_of(struct client *client, unsigned int i)
{
	struct hf_wire_slot *slot = hf_wire_slot(client->channel, i);

	return slot;
}

/* Clear a slot for a request. */
static struct hf_wire_slot *prepare(struct client *client, unsigned int i,
				    uint32_t op)
{
	struct hf_wire_slot *slot = slot_of(client, i);

	memset(&slot->seq, 0,
	       offsetof(struct hf_wire_slot, arg) -
		       offsetof(struct hf_wire_slot, seq));
	atomic_store(&slot->cancel, 0);
	slot->seq = ++client->seq;
	slot->op = op;
	return slot;
}

static void ring(struct client *client, unsigned int i)
{
	atomic_fetch_or(&client->channel->pending, 1u << i);
	hf_futex_wake(&client->channel->pending);
}

static void post(struct client *client, unsigned int i)
{
	atomic_store(&slot_of(client, i)->state, HF_SLOT_WAITED);
	ring(client, i);
}

static void send_slot_fds(struct client *client, unsigned int i,
			  const int *fds, unsigned int n)
{
	struct hf_wire_fds packet = {
		.type = HF_WIRE_FDS,
		.slot = i,
		.seq = slot_of(client, i)->seq,
	};

	assert_int_equal(hf_send_fds(client->fd, &packet, sizeof(packet), fds,
				     n),
			 0);
	slot_of(client, i)->nfds = n;
}

/* Return: the answer, or -EPIPE where the server hung up. */
static int await(struct client *client, unsigned int i)
{
	struct hf_wire_slot *slot = slot_of(client, i);
	uint32_t state;

	while ((state = atomic_load(&slot->state)) != HF_SLOT_DONE) {
		struct pollfd pfd = { .fd = client->fd };

		if (poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP))
			return -EPIPE;
		hf_futex_wait(&slot->state, state, 20);
	}
	return slot->ret;
}

/* The one descriptor of an answer. */
static int answered_fd(struct client *client)
{
	struct hf_wire_fds packet;
	int fds[HF_FDPASS_MAX];
	unsigned int n;

	assert_int_equal(hf_recv_fds(client->fd, &packet, sizeof(packet), 0,
				     fds, &n),
			 sizeof(packet));
	assert_int_equal(n, 1);
	return fds[0];
}

static int ioctl_on(struct client *client, unsigned int i, uint32_t file,
		    uint32_t cmd, void *arg)
{
	struct hf_wire_slot *slot = prepare(client, i, HF_OP_IOCTL);
	int ret;

	slot->file = file;
	slot->cmd = cmd;
	memcpy(slot->arg, arg, _IOC_SIZE(cmd));
	post(client, i);
	ret = await(client, i);
	if (ret != -EPIPE)
		memcpy(arg, slot->arg, _IOC_SIZE(cmd));
	return ret;
}

/* Which file of the server's a socket is. */
static uint32_t file_of(int fd)
{
	struct sockaddr_un addr = { 0 };
	socklen_t len = sizeof(addr);

	assert_int_equal(getpeername(fd, (struct sockaddr *)&addr, &len), 0);
	addr.sun_path[len - sizeof(addr.sun_family)] = 0;
	return strtoul(strrchr(addr.sun_path + 1, '/') + 1, NULL, 10);
}

static int open_node(struct client *client, unsigned int minor, uint32_t *file)
{
	struct hf_wire_slot *slot = prepare(client, 0, HF_OP_OPEN);
	int fd;

	slot->cmd = minor;
	post(client, 0);
	assert_int_equal(await(client, 0), 0);
	fd = answered_fd(client);
	*file = file_of(fd);
	return fd;
}

static int open_card(struct client *client, uint32_t *file)
{
	return open_node(client, server.dev->primary_minor, file);
}

/* What a well-behaved client does; false if it was let down. */
static bool behave(void)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64,
					     .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	struct client *client = join_server();
	struct hf_wire_mmap request;
	struct hf_wire_slot *slot;
	uint32_t file;
	int fd = open_card(client, &file), memory;
	bool good;

	good = !ioctl_on(client, 3, file, DRM_IOCTL_GET_CAP, &cap) &&
	       cap.value == 1 &&
	       !ioctl_on(client, 4, file, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	map.handle = dumb.handle;
	good = good && !ioctl_on(client, 5, file, DRM_IOCTL_MODE_MAP_DUMB,
				 &map);
	if (good) {
		slot = prepare(client, 6, HF_OP_MMAP);
		slot->file = file;
		request = (struct hf_wire_mmap){ .offset = map.offset,
						 .length = dumb.size,
						 .prot = PROT_READ,
						 .flags = MAP_SHARED };
		memcpy(slot->arg, &request, sizeof(request));
		post(client, 6);
		good = !await(client, 6);
		if (good) {
			memory = answered_fd(client);
			good = lseek(memory, 0, SEEK_END) == (off_t)dumb.size;
			close(memory);
		}
	}
	close(fd);
	leave(client);
	return good;
}

static void *behave_for_a_while(void *data)
{
	_Atomic bool *enough = data;
	bool good = true;

	while (good && !atomic_load(enough))
		good = behave();
	return (void *)(uintptr_t)good;
}

/* -- admission ------------------------------------------------------------- */

static void a_well_behaved_client_is_served(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++)
		assert_true(behave());
}

static void another_version_is_refused(void **state)
{
	int fd = connect_raw();

	(void)state;
	assert_int_equal(hello(fd, NULL, HF_WIRE_VERSION + 1), -EPROTO);
	assert_true(wait_hang_up(fd));
	close(fd);
}

static void another_user_needs_the_key(void **state)
{
	char wrong[HF_WIRE_KEY_SIZE] = { 0 };
	int bare, guess, known, channel;

	(void)state;
	if (geteuid() != 0)
		skip();
	/* This thread alone, and not the server's. */
	assert_int_equal(syscall(SYS_setresuid, -1, 65534, -1), 0);
	bare = connect_raw();
	guess = connect_raw();
	known = connect_raw();
	assert_int_equal(syscall(SYS_setresuid, -1, 0, -1), 0);
	assert_int_equal(hello(bare, NULL, HF_WIRE_VERSION), -EACCES);
	memcpy(wrong, server.key, sizeof(wrong) - 1);
	wrong[sizeof(wrong) - 1] = 'x';
	assert_int_equal(hello(guess, wrong, HF_WIRE_VERSION), -EACCES);
	channel = hello(known, server.key, HF_WIRE_VERSION);
	assert_true(channel >= 0);
	close(channel);
	close(bare);
	close(guess);
	close(known);
}

static void garbage_is_hung_up_on(void **state)
{
	static const char zeros[8192];
	const size_t sizes[] = { 1, 4, sizeof(struct hf_wire_hello) - 1,
				 sizeof(struct hf_wire_hello),
				 sizeof(struct hf_wire_query), 8192 };
	int fds[3] = { STDERR_FILENO, STDERR_FILENO, STDERR_FILENO };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		int fd = connect_raw();

		assert_int_equal(hf_send_fds(fd, zeros, sizes[i], fds, 3), 0);
		assert_true(wait_hang_up(fd));
		close(fd);
	}
	assert_true(behave());
}

static void whoever_says_nothing_is_no_trouble(void **state)
{
	int fds[50];

	(void)state;
	for (int i = 0; i < 50; i++)
		fds[i] = connect_raw();
	assert_true(behave());
	for (int i = 0; i < 50; i++)
		close(fds[i]);
}

/* -- files ----------------------------------------------------------------- */

static void a_file_is_gone_when_its_last_descriptor_is(void **state)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64,
					     .bpp = 32 };
	struct client *client = join_server();
	uint32_t file;
	int fd = open_card(client, &file), other = dup(fd);

	(void)state;
	assert_int_equal(ioctl_on(client, 1, file, DRM_IOCTL_MODE_CREATE_DUMB,
				  &dumb),
			 0);
	close(fd);
	prepare(client, 0, HF_OP_REAP);
	post(client, 0);
	assert_int_equal(await(client, 0), 0);
	assert_int_equal(objects_left(), 2);
	close(other);
	prepare(client, 0, HF_OP_REAP);
	post(client, 0);
	assert_int_equal(await(client, 0), 0);
	assert_int_equal(objects_left(), 0);
	assert_int_equal(ioctl_on(client, 1, file, DRM_IOCTL_MODE_CREATE_DUMB,
				  &dumb),
			 HF_WIRE_STALE);
	leave(client);
}

static int attach(struct client *client, uint32_t file, int fd)
{
	struct hf_wire_slot *slot = prepare(client, 2, HF_OP_ATTACH);

	slot->file = file;
	send_slot_fds(client, 2, &fd, 1);
	post(client, 2);
	return await(client, 2);
}

static void a_file_must_be_shown_to_be_used(void **state)
{
	struct client *owner = join_server(), *other = join_server();
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };
	int sv[2];
	uint32_t file;
	int fd = open_card(owner, &file);

	(void)state;
	assert_int_equal(ioctl_on(other, 0, file, DRM_IOCTL_GET_CAP, &cap),
			 HF_WIRE_STALE);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	assert_int_equal(attach(other, file, sv[0]), -EBADF);
	assert_int_equal(attach(other, file + 1, fd), -EBADF);
	assert_int_equal(ioctl_on(other, 0, file, DRM_IOCTL_GET_CAP, &cap),
			 HF_WIRE_STALE);
	assert_int_equal(attach(other, file, fd), 0);
	assert_int_equal(ioctl_on(other, 0, file, DRM_IOCTL_GET_CAP, &cap), 0);
	close(sv[0]);
	close(sv[1]);
	close(fd);
	leave(owner);
	leave(other);
}

/* In a file system of one's own a socket's inode may have any number. */
static void a_socket_in_a_file_system_proves_nothing(void **state)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct client *client = join_server();
	int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fake;
	struct hf_endpoint *ours;
	struct hf_file *opened;
	struct stat st;
	uint32_t file;
	int fd = open_card(client, &file);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/fake", directory);
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	fake = open(addr.sun_path, O_PATH | O_CLOEXEC);
	assert_int_equal(fstat(fake, &st), 0);
	pthread_mutex_lock(&server.sys->lock);
	opened = hf_file_find(server.sys, file);
	ours = &opened->endpoint;
	HASH_DELETE(by_inode, server.sys->endpoints.by_inode, ours);
	ours->inode = st.st_ino;
	HASH_ADD(by_inode, server.sys->endpoints.by_inode, inode,
		 sizeof(ours->inode), ours);
	pthread_mutex_unlock(&server.sys->lock);
	assert_int_equal(attach(client, file, fake), -EBADF);
	unlink(addr.sun_path);
	close(fake);
	close(sock);
	close(fd);
	leave(client);
}

/* -- breaking the protocol ------------------------------------------------- */

static void an_unknown_operation_is_hung_up_on(void **state)
{
	const uint32_t ops[] = { 0, 99, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct client *client = join_server();

		prepare(client, 0, ops[i]);
		post(client, 0);
		assert_true(wait_hang_up(client->fd));
		leave(client);
	}
}

/* -- writes and monitors ------------------------------------------------------- */

static void status_path(char *buf, size_t size)
{
	snprintf(buf, size, "/sys/devices/platform/%s/drm/card%d/card%d-HDMI-A-1/status",
		 server.dev->unique, server.dev->primary_minor,
		 server.dev->primary_minor);
}

static void post_write(struct client *client, unsigned int i, const char *to,
		       const char *bytes, uint32_t size)
{
	struct hf_wire_write write = { .size = size };

	memset(write.path, 'x', sizeof(write.path));
	memcpy(write.path, to, strnlen(to, HF_WIRE_PATH_MAX) + 1);
	memcpy(write.bytes, bytes, strlen(bytes));
	memcpy(prepare(client, i, HF_OP_WRITE)->arg, &write, sizeof(write));
	post(client, i);
}

static int write_to(struct client *client, const char *to, const char *bytes)
{
	post_write(client, 2, to, bytes, (uint32_t)strlen(bytes));
	return await(client, 2);
}

static bool is_connected(void)
{
	bool connected;

	pthread_mutex_lock(&server.sys->lock);
	connected = server.dev->kms.connectors[0]->connected;
	pthread_mutex_unlock(&server.sys->lock);
	return connected;
}

static void a_write_is_answered_when_the_tree_shows_it(void **state)
{
	struct client *client = join_server();
	char status[HF_WIRE_PATH_MAX];

	(void)state;
	status_path(status, sizeof(status));
	for (int i = 0; i < 20; i++) {
		uint32_t before = atomic_load(&client->channel->tree);

		assert_int_equal(write_to(client, status, i % 2 ? "detect\n" :
							  "off"), 0);
		assert_int_equal(is_connected(), i % 2);
		assert_true(atomic_load(&client->channel->tree) > before);
	}
	leave(client);
}

static void a_write_to_nothing_is_an_error(void **state)
{
	struct client *client = join_server();
	char longest[HF_WIRE_PATH_MAX + 1], status[HF_WIRE_PATH_MAX];

	(void)state;
	memset(longest, '/', sizeof(longest));
	longest[HF_WIRE_PATH_MAX] = '\0';
	status_path(status, sizeof(status));
	assert_int_equal(write_to(client, "", "off"), -ENOENT);
	assert_int_equal(write_to(client, "status", "off"), -ENOENT);
	assert_int_equal(write_to(client, longest, "off"), -ENOENT);
	assert_int_equal(write_to(client, "/sys/class/drm", "off"), -EIO);
	assert_int_equal(write_to(client, "/sys/class/drm/version", "off"), -EIO);
	assert_int_equal(write_to(client, status, "often"), -EINVAL);
	assert_int_equal(write_to(client, status, ""), 0);
	assert_true(is_connected());
	leave(client);
}

static void a_write_that_is_too_long_is_hung_up_on(void **state)
{
	const uint32_t sizes[] = { HF_WIRE_WRITE_MAX + 1, UINT32_MAX };
	char status[HF_WIRE_PATH_MAX];

	(void)state;
	status_path(status, sizeof(status));
	for (size_t i = 0; i < 2; i++) {
		struct client *client = join_server();

		post_write(client, 0, status, "off", sizes[i]);
		assert_true(wait_hang_up(client->fd));
		leave(client);
	}
}

static void leaving_before_a_write_is_answered_is_fine(void **state)
{
	struct client *last;
	char status[HF_WIRE_PATH_MAX];

	(void)state;
	status_path(status, sizeof(status));
	for (int i = 0; i < 50; i++) {
		struct client *client = join_server();

		for (unsigned int slot = 0; slot < 8; slot++)
			post_write(client, slot, status, slot % 2 ? "detect" : "off",
				   slot % 2 ? 6 : 3);
		leave(client);
	}
	/* Whatever came of them. */
	last = join_server();
	assert_int_equal(write_to(last, status, "detect"), 0);
	assert_true(is_connected());
	leave(last);
}

static int ask_monitor(struct client *client, uint32_t op, int fd,
		       struct hf_wire_monitor *arg)
{
	struct hf_wire_slot *slot = prepare(client, 3, HF_OP_MONITOR);
	int ret;

	slot->cmd = op;
	memcpy(slot->arg, arg, sizeof(*arg));
	if (fd >= 0)
		send_slot_fds(client, 3, &fd, 1);
	post(client, 3);
	ret = await(client, 3);
	if (ret != -EPIPE)
		memcpy(arg, slot->arg, sizeof(*arg));
	return ret;
}

static void a_monitor_is_whose_descriptor_is_shown(void **state)
{
	struct hf_wire_monitor arg = { .type = SOCK_RAW };
	struct client *client = join_server();
	char status[HF_WIRE_PATH_MAX], text[512];
	int fd;

	(void)state;
	assert_int_equal(ask_monitor(client, HF_MONITOR_OPEN, STDERR_FILENO, &arg),
			 -EINVAL);
	assert_int_equal(ask_monitor(client, HF_MONITOR_OPEN, -1, &arg), 0);
	fd = answered_fd(client);
	assert_int_equal(ask_monitor(client, HF_MONITOR_NAME, -1, &arg), -EBADF);
	assert_int_equal(ask_monitor(client, HF_MONITOR_BIND, STDERR_FILENO, &arg),
			 -EBADF);
	arg = (struct hf_wire_monitor){ .groups = HF_MONITOR_KERNEL, .self = 7 };
	assert_int_equal(ask_monitor(client, HF_MONITOR_BIND, fd, &arg), 0);
	assert_int_equal(ask_monitor(client, HF_MONITOR_NAME, fd, &arg), 0);
	assert_int_equal(arg.pid, 7);
	assert_int_equal(arg.groups, HF_MONITOR_KERNEL);
	status_path(status, sizeof(status));
	assert_int_equal(write_to(client, status, "off"), 0);
	assert_true(recv(fd, text, sizeof(text), MSG_DONTWAIT) > 0);
	assert_memory_equal(text, "change@", 7);
	assert_int_equal(write_to(client, status, "detect"), 0);
	close(fd);
	leave(client);
}

static void an_unknown_question_to_a_monitor_is_hung_up_on(void **state)
{
	struct hf_wire_monitor arg = { .type = SOCK_RAW };
	struct client *client = join_server();
	int fd;

	(void)state;
	assert_int_equal(ask_monitor(client, HF_MONITOR_OPEN, -1, &arg), 0);
	fd = answered_fd(client);
	assert_true(ask_monitor(client, 99, fd, &arg) < 0);
	assert_true(wait_hang_up(client->fd));
	close(fd);
	leave(client);
	/* That it is closed is seen with the next who comes or goes. */
	leave(join_server());
}

static void descriptors_for_no_slot_are_hung_up_on(void **state)
{
	const uint32_t slots[] = { HF_WIRE_SLOTS, 1000, UINT32_MAX };
	int fds[2] = { STDERR_FILENO, STDERR_FILENO };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct client *client = join_server();
		struct hf_wire_fds packet = {
			.type = HF_WIRE_FDS,
			.slot = slots[i],
		};

		hf_send_fds(client->fd, &packet, sizeof(packet), fds, 2);
		prepare(client, 0, HF_OP_ATTACH)->nfds = 1;
		post(client, 0);
		assert_true(wait_hang_up(client->fd));
		leave(client);
	}
}

static void descriptors_that_never_came_are_hung_up_on(void **state)
{
	const uint32_t counts[] = { 1, HF_FDPASS_MAX, HF_FDPASS_MAX + 1,
				    UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct client *client = join_server();

		prepare(client, 0, HF_OP_ATTACH)->nfds = counts[i];
		post(client, 0);
		assert_true(wait_hang_up(client->fd));
		leave(client);
	}
}

static void empty_packets_with_descriptors_leak_nothing(void **state)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 2)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { NULL, 0 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	int fds[2] = { STDERR_FILENO, STDERR_FILENO };

	(void)state;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
	for (int i = 0; i < 10; i++) {
		struct client *client = join_server();

		assert_int_equal(sendmsg(client->fd, &msg, 0), 0);
		prepare(client, 0, HF_OP_ATTACH)->nfds = 2;
		post(client, 0);
		assert_true(wait_hang_up(client->fd));
		leave(client);
	}
}

static void descriptors_may_arrive_for_a_slot_before_its_first_request(
	void **state)
{
	struct client *client = join_server();
	uint32_t file;
	int fd = open_card(client, &file);

	(void)state;
	/* Two threads: one has sent its descriptor, the other goes first. */
	prepare(client, 9, HF_OP_ATTACH)->file = file;
	send_slot_fds(client, 9, &fd, 1);
	assert_int_equal(attach(client, file, fd), 0);
	post(client, 9);
	assert_int_equal(await(client, 9), 0);
	close(fd);
	leave(client);
}

static void arrays_out_of_bounds_are_hung_up_on(void **state)
{
	static const struct {
		uint32_t off, len;
	} bad[] = { { 0, HF_WIRE_PAYLOAD_INLINE + 1 },
		    { 8, HF_WIRE_PAYLOAD_INLINE - 7 },
		    { UINT32_MAX - 7, 8 },
		    { UINT32_MAX - 7, UINT32_MAX },
		    { 0, UINT32_MAX },
		    { 4, 8 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct client *client = join_server();
		struct hf_wire_slot *slot;
		uint32_t file;
		int fd = open_card(client, &file);

		slot = prepare(client, 1, HF_OP_IOCTL);
		slot->file = file;
		slot->cmd = DRM_IOCTL_MODE_GETRESOURCES;
		slot->arrays[2].off = bad[i].off;
		slot->arrays[2].len = bad[i].len;
		post(client, 1);
		assert_true(wait_hang_up(client->fd));
		close(fd);
		leave(client);
	}
}

static int memory(off_t size, unsigned int seals)
{
	int fd = memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, size), 0);
	fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

/* A blob of @len bytes whose data is in @payload. Return: as await(). */
static int blob_from(struct client *client, uint32_t file, int payload,
		     uint64_t payload_size, uint32_t len)
{
	struct drm_mode_create_blob create = { .length = len };
	struct hf_wire_slot *slot = prepare(client, 1, HF_OP_IOCTL);

	slot->file = file;
	slot->cmd = DRM_IOCTL_MODE_CREATEPROPBLOB;
	slot->payload_size = payload_size;
	slot->arrays[0].len = len;
	memcpy(slot->arg, &create, sizeof(create));
	if (payload >= 0)
		send_slot_fds(client, 1, &payload, 1);
	post(client, 1);
	return await(client, 1);
}

static void a_payload_must_be_memory_that_stays(void **state)
{
	const size_t mib = 1 << 20;
	int good = memory(mib, F_SEAL_SHRINK), small = memory(4096, F_SEAL_SHRINK);
	int unsealed = memory(mib, 0), read_only, *bad[4];
	int huge = memory(1 << 30, F_SEAL_SHRINK), none = -1;

	(void)state;
	read_only = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bad[0] = &small;
	bad[1] = &unsealed;
	bad[2] = &read_only;
	bad[3] = &none;
	for (int i = 0; i < 6; i++) {
		struct client *client = join_server();
		uint32_t file;
		int fd = open_card(client, &file);

		if (i < 4) {
			blob_from(client, file, *bad[i], mib, 100);
			assert_true(wait_hang_up(client->fd));
		} else if (i == 4) {
			assert_int_equal(blob_from(client, file, good, mib,
						   mib),
					 0);
		} else {
			/* More than was said to be there. */
			blob_from(client, file, huge, 4096, 512 << 20);
			assert_true(wait_hang_up(client->fd));
		}
		close(fd);
		leave(client);
	}
	close(good);
	close(small);
	close(unsealed);
	close(read_only);
	close(huge);
}

/* -- waiting calls --------------------------------------------------------- */

/* Light the display. */
static int light(struct client *client, uint32_t *file)
{
	int fd = open_card(client, file);
	struct hf_crtc *crtc = server.dev->kms.crtcs[0];

	pthread_mutex_lock(&server.sys->lock);
	if (!crtc->vblank.on)
		hf_vblank_on(crtc, &server.dev->kms.connectors[0]->modes[0]);
	pthread_mutex_unlock(&server.sys->lock);
	return fd;
}

/* Wait for a vblank that is many minutes away. */
static void park(struct client *client, unsigned int i, uint32_t file)
{
	union drm_wait_vblank wait = { .request = {
		.type = _DRM_VBLANK_RELATIVE,
		.sequence = 1000000,
	} };
	struct hf_wire_slot *slot = prepare(client, i, HF_OP_IOCTL);

	slot->file = file;
	slot->cmd = DRM_IOCTL_WAIT_VBLANK;
	memcpy(slot->arg, &wait, sizeof(wait));
	post(client, i);
}

/* Until so many calls of the CRTC's wait. */
static void await_parked(int n)
{
	struct wl_list *waiters = &server.dev->kms.crtcs[0]->vblank.waiters;

	for (int i = 0; i < 20000; i++) {
		bool there;

		pthread_mutex_lock(&server.sys->lock);
		there = wl_list_length(waiters) == n;
		pthread_mutex_unlock(&server.sys->lock);
		if (there)
			return;
		usleep(1000);
	}
	fail_msg("not %d waiters", n);
}

static void cancel(struct client *client, unsigned int i)
{
	atomic_store(&slot_of(client, i)->cancel, 1);
	ring(client, i);
}

static void a_cancelled_wait_is_eintr(void **state)
{
	struct client *client = join_server();
	uint32_t file;
	int fd = light(client, &file);

	(void)state;
	for (int i = 0; i < 50; i++) {
		park(client, i % HF_WIRE_SLOTS, file);
		if (i % 2)
			usleep(500);
		cancel(client, i % HF_WIRE_SLOTS);
		assert_int_equal(await(client, i % HF_WIRE_SLOTS), -EINTR);
	}
	close(fd);
	leave(client);
}

static void cancelling_what_is_idle_or_done_does_nothing(void **state)
{
	struct drm_get_cap cap = { .capability = DRM_CAP_DUMB_BUFFER };
	struct client *client = join_server();
	uint32_t file;
	int fd = light(client, &file);

	(void)state;
	for (int i = 0; i < 2000; i++)
		cancel(client, i % HF_WIRE_SLOTS);
	for (int i = 0; i < 200; i++) {
		assert_int_equal(ioctl_on(client, i % 8, file,
					  DRM_IOCTL_GET_CAP, &cap),
				 0);
		cancel(client, i % 8);
	}
	close(fd);
	leave(client);
}

static void a_slot_that_waits_cannot_be_posted_again(void **state)
{
	struct client *client = join_server();
	uint32_t file;
	int fd = light(client, &file);

	(void)state;
	park(client, 5, file);
	await_parked(1);
	for (int i = 0; i < 100; i++) {
		slot_of(client, 5)->op = HF_OP_TREE;
		slot_of(client, 5)->cmd = 0;
		post(client, 5);
	}
	cancel(client, 5);
	assert_int_equal(await(client, 5), -EINTR);
	close(fd);
	leave(client);
}

static void leaving_in_the_middle_of_waits_is_fine(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		struct client *client = join_server();
		uint32_t file;
		int fd = light(client, &file);

		for (unsigned int i = 0; i < HF_WIRE_SLOTS; i++)
			park(client, i, file);
		usleep(round * 300);
		if (round % 2)
			close(fd);
		leave(client);
		if (!(round % 2))
			close(fd);
	}
	assert_true(behave());
}

static void closing_the_file_ends_its_waits(void **state)
{
	struct client *client = join_server();
	uint32_t file;
	int fd = light(client, &file);

	(void)state;
	for (unsigned int i = 0; i < 8; i++)
		park(client, i, file);
	await_parked(8);
	close(fd);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(await(client, i), -ENODEV);
	leave(client);
}

/* -- descriptors that are no DRM files --------------------------------------- */

/* Memory that a job writes to. */
struct busy {
	int fd;
	struct hf_backing *backing;
	struct hf_fence *fence;
};

static void make_busy(struct busy *busy)
{
	busy->fd = memory(4096, F_SEAL_SHRINK | F_SEAL_GROW);
	pthread_mutex_lock(&server.sys->lock);
	busy->backing = hf_backing_of(server.sys->mem, busy->fd, false, 0);
	busy->fence = hf_fence_create(NULL);
	assert_non_null(busy->backing);
	assert_non_null(busy->fence);
	assert_int_equal(hf_resv_add(busy->backing, busy->fence, true), 0);
	pthread_mutex_unlock(&server.sys->lock);
}

static void make_idle(struct busy *busy)
{
	pthread_mutex_lock(&server.sys->lock);
	hf_fence_signal(busy->fence, 0, 1);
	hf_fence_put(busy->fence);
	hf_backing_put(busy->backing);
	pthread_mutex_unlock(&server.sys->lock);
	close(busy->fd);
}

static void begin_access(struct client *client, unsigned int i,
			 const struct busy *busy)
{
	struct dma_buf_sync sync = { .flags = DMA_BUF_SYNC_READ };
	struct hf_wire_slot *slot = prepare(client, i, HF_OP_FD_IOCTL);

	slot->cmd = DMA_BUF_IOCTL_SYNC;
	memcpy(slot->arg, &sync, sizeof(sync));
	send_slot_fds(client, i, &busy->fd, 1);
	post(client, i);
}

static void access_to_busy_memory_waits_or_is_cancelled(void **state)
{
	struct client *client = join_server();
	struct busy busy;

	(void)state;
	make_busy(&busy);
	begin_access(client, 0, &busy);
	begin_access(client, 1, &busy);
	cancel(client, 1);
	assert_int_equal(await(client, 1), -EINTR);
	assert_int_not_equal(atomic_load(&slot_of(client, 0)->state),
			     HF_SLOT_DONE);
	make_idle(&busy);
	assert_int_equal(await(client, 0), 0);
	leave(client);
}

/* Nothing lists these calls but their client. */
static void leaving_while_memory_is_busy_is_fine(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		struct client *client = join_server();
		struct busy busy;

		make_busy(&busy);
		for (unsigned int i = 0; i < 8; i++)
			begin_access(client, i, &busy);
		usleep(round * 300);
		leave(client);
		make_idle(&busy);
	}
	assert_true(behave());
}

static int watch(struct client *client, int fd, struct hf_wire_watch *watch)
{
	struct hf_wire_slot *slot = prepare(client, 3, HF_OP_WATCH);
	int ret;

	memcpy(slot->arg, watch, sizeof(*watch));
	if (fd >= 0)
		send_slot_fds(client, 3, &fd, 1);
	post(client, 3);
	ret = await(client, 3);
	memcpy(watch, slot->arg, sizeof(*watch));
	return ret;
}

static void busy_memory_is_watched(void **state)
{
	struct hf_wire_watch ask = { .events = POLLIN };
	struct client *client = join_server();
	struct pollfd pfd = { .events = POLLIN | POLLOUT };
	struct busy busy;

	(void)state;
	make_busy(&busy);
	assert_int_equal(watch(client, -1, &ask), -EBADF);
	assert_int_equal(watch(client, busy.fd, &ask), 0);
	assert_int_equal(ask.ready, 0);
	pfd.fd = answered_fd(client);
	assert_int_equal(poll(&pfd, 1, 0), 0);
	make_idle(&busy);
	assert_int_equal(poll(&pfd, 1, 20000), 1);
	assert_int_equal(pfd.revents, POLLIN);
	close(pfd.fd);
	leave(client);
}

static void an_ioctl_on_nothing_is_enotty(void **state)
{
	struct client *client = join_server();

	(void)state;
	for (int i = 0; i < HF_FD_IOCTL_ROWS; i++) {
		prepare(client, 4, HF_OP_FD_IOCTL)->cmd =
			hf_fd_ioctl_descs[i].cmd;
		post(client, 4);
		assert_int_equal(await(client, 4), -ENOTTY);
	}
	prepare(client, 4, HF_OP_FD_IOCTL)->cmd = DRM_IOCTL_VERSION;
	post(client, 4);
	assert_int_equal(await(client, 4), -ENOTTY);
	leave(client);
}

/* -- chaos ----------------------------------------------------------------- */

/* So that what is garbage gets further. */
static void name_a_file(struct hf_wire_slot *slot)
{
	static const char *const names[] = {
		"/sys/kernel/debug/dri/%u/%s",
		"/sys/devices/platform/holdfast.0/drm/card%u/%s",
		"/sys/devices/platform/holdfast.0/drm/card%u/card0-HDMI-A-1/%s",
	};
	static const char *const files[] = {
		"uevent", "status", "state", "crtc-0/crc/control",
		"crtc-0/crc/data", "crtc-9/crc/data", "", "../..",
	};
	struct hf_wire_write *write = (struct hf_wire_write *)slot->arg;
	static const char *const texts[] = { "change", "on", "off", "detect",
					     "add ", "auto", "" };
	bool open = slot->op == HF_OP_FILE_OPEN;

	if (slot->op == HF_OP_MONITOR)
		slot->cmd = random() % 6;
	if (!open && slot->op != HF_OP_WRITE)
		return;
	snprintf(open ? (char *)slot->arg : write->path, HF_WIRE_PATH_MAX,
		 names[random() % 3], server.dev->primary_minor,
		 files[random() % 8]);
	if (open)
		return;
	strcpy(write->bytes, texts[random() % 7]);
	write->size = strlen(write->bytes);
	if (random() % 8 == 0)
		write->size = random() % 5000;
}

static void noise_in_a_channel_harms_only_its_client(void **state)
{
	_Atomic bool enough = false;
	pthread_t good;
	void *result;

	(void)state;
	srandom(1);
	assert_int_equal(pthread_create(&good, NULL, behave_for_a_while,
					&enough),
			 0);
	for (int round = 0; round < 30; round++) {
		struct client *client = join_server();
		uint32_t file;
		int fd = open_card(client, &file);
		/* From just behind the header, where the slots are. */
		uint32_t *words = (uint32_t *)hf_wire_slot(client->channel, 0);
		size_t n = HF_WIRE_SLOTS * HF_WIRE_SLOT_SIZE / 4;

		for (int burst = 0; burst < 30; burst++) {
			for (int i = 0; i < 5000; i++)
				words[random() % n] = random();
			for (unsigned int i = 0; i < HF_WIRE_SLOTS; i++) {
				struct hf_wire_slot *slot = slot_of(client, i);

				slot->op = 1 + random() % (HF_OP_MONITOR + 1);
				slot->file = random() % 2 ? file : random();
				slot->cmd = random() % 4 ?
						    hf_ioctl_descs[random() % 256].cmd :
						    random();
				if (random() % 4) {
					slot->nfds = 0;
					slot->payload_size = 0;
				}
				if (random() % 2)
					name_a_file(slot);
				for (int a = 0; a < HF_WIRE_ARRAYS; a++) {
					if (random() % 16 == 0)
						continue;
					slot->arrays[a].off = random() % 512 * 8;
					slot->arrays[a].len = random() % 4096;
				}
				atomic_store(&slot->cancel, random() % 2);
				atomic_store(&slot->state, random() % 4);
			}
			atomic_store(&client->channel->pending, random());
			atomic_store(&client->channel->sleeping, random());
			hf_futex_wake(&client->channel->pending);
		}
		close(fd);
		leave(client);
	}
	atomic_store(&enough, true);
	pthread_join(good, &result);
	assert_true((uintptr_t)result);
}

struct churn {
	unsigned int seed;
	bool good;
};

/* Connect, do a random amount of things, and drop everything. */
static void *churn(void *data)
{
	struct churn *churn = data;

	for (int round = 0; round < 40; round++) {
		struct client *client = join_server();
		int fds[3] = { -1, -1, -1 };
		uint32_t file = 0;

		for (int i = 0; i < 3; i++) {
			struct drm_mode_create_dumb dumb = {
				.width = 64, .height = 64, .bpp = 32,
			};

			if (rand_r(&churn->seed) % 4 == 0)
				break;
			fds[i] = open_card(client, &file);
			if (ioctl_on(client, i, file,
				     DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
				churn->good = false;
		}
		/* An answer that nobody waits for. */
		prepare(client, 7, HF_OP_TREE);
		if (rand_r(&churn->seed) % 2)
			post(client, 7);
		for (int i = 0; i < 3; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		leave(client);
	}
	return NULL;
}

static void many_clients_come_and_go_at_once(void **state)
{
	struct churn churns[4];
	pthread_t threads[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		churns[i] = (struct churn){ .seed = i + 1, .good = true };
		assert_int_equal(pthread_create(&threads[i], NULL, churn,
						&churns[i]),
				 0);
	}
	for (unsigned int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_true(churns[i].good);
	}
}

/* -- the address ----------------------------------------------------------- */

static void a_path_that_is_served_is_in_use(void **state)
{
	struct hf_server_options options = { .socket = path };
	struct hf_server second;

	(void)state;
	assert_int_equal(hf_server_init(&second, &options), -EADDRINUSE);
	assert_true(behave());
}

#define WRITERS 4

static void *write_on_and_on(void *data)
{
	struct input_event events[2048] = { { .type = EV_SYN } };
	const int *fd = data;

	for (int i = 0; i < 2048; i += 2)
		events[i] = (struct input_event){
			.type = EV_KEY, .code = KEY_A, .value = i / 2 % 2,
		};
	while (send(*fd, events, sizeof(events), MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void who_writes_on_and_on_keeps_nobody_waiting(void **state)
{
	const struct hf_cred cred = { .uid = geteuid(), .gid = getegid() };
	pthread_t writers[WRITERS];
	int fds[WRITERS], closing[8];

	(void)state;
	pthread_mutex_lock(&server.sys->lock);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(hf_seat_open(server.seat, &cred,
					      "/dev/input/event0", O_RDWR,
					      &fds[i]), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(hf_seat_open(server.seat, &cred,
					      "/dev/input/event1", O_RDONLY,
					      &closing[i]), 0);
	pthread_mutex_unlock(&server.sys->lock);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&writers[i], NULL,
						write_on_and_on, &fds[i]), 0);
	usleep(100000);
	for (int i = 0; i < 8; i++)
		close(closing[i]);
	/* It comes back, and the server's loop goes on as well. */
	hf_server_reap(&server);
	assert_true(behave());
	for (int i = 0; i < WRITERS; i++) {
		shutdown(fds[i], SHUT_RDWR);
		pthread_join(writers[i], NULL);
		close(fds[i]);
	}
}

static void a_server_leaves_nothing_behind(void **state)
{
	struct hf_server_options options = { 0 };
	struct hf_server second;

	(void)state;
	assert_int_equal(hf_server_init(&second, &options), 0);
	assert_int_equal(second.address[0], '@');
	hf_server_finish(&second);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_well_behaved_client_is_served),
		TEST(another_version_is_refused),
		TEST(another_user_needs_the_key),
		TEST(garbage_is_hung_up_on),
		TEST(whoever_says_nothing_is_no_trouble),
		TEST(a_file_is_gone_when_its_last_descriptor_is),
		TEST(a_file_must_be_shown_to_be_used),
		TEST(a_socket_in_a_file_system_proves_nothing),
		TEST(an_unknown_operation_is_hung_up_on),
		TEST(a_write_is_answered_when_the_tree_shows_it),
		TEST(a_write_to_nothing_is_an_error),
		TEST(a_write_that_is_too_long_is_hung_up_on),
		TEST(leaving_before_a_write_is_answered_is_fine),
		TEST(a_monitor_is_whose_descriptor_is_shown),
		TEST(an_unknown_question_to_a_monitor_is_hung_up_on),
		TEST(descriptors_for_no_slot_are_hung_up_on),
		TEST(descriptors_that_never_came_are_hung_up_on),
		TEST(empty_packets_with_descriptors_leak_nothing),
		TEST(descriptors_may_arrive_for_a_slot_before_its_first_request),
		TEST(arrays_out_of_bounds_are_hung_up_on),
		TEST(a_payload_must_be_memory_that_stays),
		TEST(a_cancelled_wait_is_eintr),
		TEST(cancelling_what_is_idle_or_done_does_nothing),
		TEST(a_slot_that_waits_cannot_be_posted_again),
		TEST(leaving_in_the_middle_of_waits_is_fine),
		TEST(closing_the_file_ends_its_waits),
		TEST(access_to_busy_memory_waits_or_is_cancelled),
		TEST(leaving_while_memory_is_busy_is_fine),
		TEST(busy_memory_is_watched),
		TEST(an_ioctl_on_nothing_is_enotty),
		TEST(noise_in_a_channel_harms_only_its_client),
		TEST(many_clients_come_and_go_at_once),
		TEST(a_path_that_is_served_is_in_use),
		TEST(who_writes_on_and_on_keeps_nobody_waiting),
		TEST(a_server_leaves_nothing_behind),
	};

	setenv("HOLDFAST_LOG", "error", 1);
	hf_log_init();
	return cmocka_run_group_tests(tests, start, finish);
}
