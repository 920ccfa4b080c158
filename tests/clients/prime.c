// SPDX-License-Identifier: MIT
/*
 * Two processes that know nothing of each other but a socket share a buffer by
 * PRIME. Each has a file of its own; the exporter sends the dma-buf's fd.
 */
#define _GNU_SOURCE
#include "client.h"

enum { WIDTH = 64, HEIGHT = 64, SIZE = WIDTH * HEIGHT * 4 };

static const uint32_t greeting = 0x48656c6c, answer = 0x48693a29;

struct pair {
	int socket; /* this side's end */
	int fd;
	uint32_t handle;
};

static int exported(const struct pair *pair)
{
	int dmabuf;

	return drmPrimeHandleToFD(pair->fd, pair->handle, DRM_CLOEXEC | DRM_RDWR,
				  &dmabuf) ? -1 : dmabuf;
}

/* Open the device, import what comes, and map it. */
static volatile uint32_t *import(int socket, int *fd, uint32_t *handle)
{
	int dmabuf = receive_fd(socket);

	*fd = open_device();
	if (dmabuf < 0 || *fd < 0 || drmPrimeFDToHandle(*fd, dmabuf, handle))
		return MAP_FAILED;
	close(dmabuf);
	return map_dumb(*fd, *handle, SIZE);
}

static bool reads_and_answers(void *data)
{
	uint32_t handle;
	int fd;
	volatile uint32_t *pixels = import(*(int *)data, &fd, &handle);

	if (pixels == MAP_FAILED || pixels[100] != greeting)
		return false;
	pixels[101] = answer;
	return true;
}

static void start(struct pair *pair, bool (*child)(void *), pid_t *pid)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
	*pid = fork();
	if (*pid == 0) {
		close(sockets[0]);
		_exit(child(&sockets[1]) ? 0 : 1);
	}
	close(sockets[1]);
	pair->socket = sockets[0];
	pair->fd = open_device();
	pair->handle = create_dumb(pair->fd, WIDTH, HEIGHT);
	assert_int_not_equal(pair->handle, 0);
}

static void finish(struct pair *pair)
{
	close(pair->fd);
	close(pair->socket);
}

static void both_sides_see_each_others_writes(void **state)
{
	struct pair pair;
	pid_t pid;

	start(&pair, reads_and_answers, &pid);
	volatile uint32_t *pixels = map_dumb(pair.fd, pair.handle, SIZE);

	pixels[100] = greeting;
	int dmabuf = exported(&pair);

	assert_int_equal(send_fd(pair.socket, dmabuf), 0);
	assert_child_succeeds(pid);
	assert_int_equal(pixels[101], answer);
	munmap((void *)pixels, SIZE);
	close(dmabuf);
	finish(&pair);
}

/* Import only after the exporter has let go of everything. */
static bool reads_after_the_exporter_closed(void *data)
{
	int socket = *(int *)data;
	int dmabuf = receive_fd(socket);
	char byte;

	if (read(socket, &byte, 1) != 0)
		return false;
	uint32_t handle;
	int fd = open_device();

	if (drmPrimeFDToHandle(fd, dmabuf, &handle))
		return false;
	close(dmabuf);
	volatile uint32_t *pixels = map_dumb(fd, handle, SIZE);

	return pixels != MAP_FAILED && pixels[100] == greeting;
}

static void the_buffer_outlives_its_exporter(void **state)
{
	struct pair pair;
	pid_t pid;

	start(&pair, reads_after_the_exporter_closed, &pid);
	volatile uint32_t *pixels = map_dumb(pair.fd, pair.handle, SIZE);

	pixels[100] = greeting;
	munmap((void *)pixels, SIZE);
	int dmabuf = exported(&pair);

	assert_int_equal(send_fd(pair.socket, dmabuf), 0);
	close(dmabuf);
	finish(&pair);
	assert_child_succeeds(pid);
}

static bool imports_twice_as_one(void *data)
{
	int dmabuf = receive_fd(*(int *)data);
	int fd = open_device();
	uint32_t first = 0, second = 0;

	return !drmPrimeFDToHandle(fd, dmabuf, &first) &&
	       !drmPrimeFDToHandle(fd, dmabuf, &second) && first == second;
}

static void the_importer_has_one_handle_for_one_object(void **state)
{
	struct pair pair;
	pid_t pid;

	start(&pair, imports_twice_as_one, &pid);
	int dmabuf = exported(&pair);

	assert_int_equal(send_fd(pair.socket, dmabuf), 0);
	assert_child_succeeds(pid);
	close(dmabuf);
	finish(&pair);
}

static void the_exporter_gets_its_own_handle_back(void **state)
{
	struct pair pair;
	pid_t pid;
	uint32_t handle = 0;

	start(&pair, imports_twice_as_one, &pid);
	int dmabuf = exported(&pair);

	assert_int_equal(drmPrimeFDToHandle(pair.fd, dmabuf, &handle), 0);
	assert_int_equal(handle, pair.handle);
	assert_int_equal(send_fd(pair.socket, dmabuf), 0);
	assert_child_succeeds(pid);
	close(dmabuf);
	finish(&pair);
}

/* Needs no device of its own: the dma-buf is enough. */
static bool maps_the_dmabuf(void *data)
{
	int dmabuf = receive_fd(*(int *)data);
	volatile uint32_t *pixels = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
					 MAP_SHARED, dmabuf, 0);

	if (pixels == MAP_FAILED || lseek(dmabuf, 0, SEEK_END) != SIZE ||
	    pixels[100] != greeting)
		return false;
	pixels[101] = answer;
	return true;
}

static void the_dmabuf_itself_can_be_mapped(void **state)
{
	struct pair pair;
	pid_t pid;

	start(&pair, maps_the_dmabuf, &pid);
	volatile uint32_t *pixels = map_dumb(pair.fd, pair.handle, SIZE);

	pixels[100] = greeting;
	int dmabuf = exported(&pair);

	assert_int_equal(send_fd(pair.socket, dmabuf), 0);
	assert_child_succeeds(pid);
	assert_int_equal(pixels[101], answer);
	munmap((void *)pixels, SIZE);
	close(dmabuf);
	finish(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides_see_each_others_writes),
		cmocka_unit_test(the_buffer_outlives_its_exporter),
		cmocka_unit_test(the_importer_has_one_handle_for_one_object),
		cmocka_unit_test(the_exporter_gets_its_own_handle_back),
		cmocka_unit_test(the_dmabuf_itself_can_be_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
