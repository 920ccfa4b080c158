// SPDX-License-Identifier: MIT
/*
 * A DRM file descriptor is a real one: it crosses fork, vfork, posix_spawn and
 * exec, goes from process to process, closes on exec when told to, and serves
 * many threads. Run as a client of a device; runs itself with a descriptor's
 * number to look at it from a fresh image.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include "client.h"

extern char **environ;

static char program[4096];

/* What a fresh image says of a descriptor, as its exit status. */
enum look { LOOK_DRM, LOOK_CLOSED, LOOK_OTHER };

static int look(const char *number)
{
	int fd = atoi(number);

	if (fcntl(fd, F_GETFD) < 0)
		return LOOK_CLOSED;
	return is_drm_file(fd) ? LOOK_DRM : LOOK_OTHER;
}

static int spawn_look(int fd, const posix_spawn_file_actions_t *actions)
{
	char number[16];
	char *argv[] = { program, number, NULL };
	int status;
	pid_t pid;

	snprintf(number, sizeof(number), "%d", fd);
	if (posix_spawn(&pid, program, actions, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

static bool uses_file(void *data)
{
	int fd = *(int *)data;
	uint32_t handle = create_dumb(fd, 16, 16);

	return is_drm_file(fd) && handle && !drmCloseBufferHandle(fd, handle);
}

static void a_child_uses_the_fd_that_it_inherited(void **state)
{
	int fd = open_device();

	assert_true(uses_file(&fd));
	assert_child_succeeds(fork_child(uses_file, &fd));
	assert_true(uses_file(&fd));
	close(fd);
}

static void an_fd_that_was_never_used_works_in_the_child(void **state)
{
	int fd = open_device();

	assert_child_succeeds(fork_child(uses_file, &fd));
	close(fd);
}

static bool opens_the_device(void *data)
{
	int fd = open_device();

	return fd >= 0 && uses_file(&fd);
}

static void a_child_opens_the_device_itself(void **state)
{
	int fd = open_device();

	assert_child_succeeds(fork_child(opens_the_device, NULL));
	assert_true(uses_file(&fd));
	close(fd);
}

static bool forks_again(void *data)
{
	pid_t pid = fork_child(uses_file, data);
	int status;

	return waitpid(pid, &status, 0) == pid && status == 0;
}

static void a_grandchild_uses_the_fd(void **state)
{
	int fd = open_device();

	assert_child_succeeds(fork_child(forks_again, &fd));
	close(fd);
}

static bool works_long(void *data)
{
	for (int i = 0; i < 500; i++)
		if (!uses_file(data))
			return false;
	return true;
}

static void parent_and_children_use_the_fd_at_once(void **state)
{
	int fd = open_device();
	pid_t children[4];

	for (int i = 0; i < 4; i++)
		children[i] = fork_child(works_long, &fd);
	assert_true(works_long(&fd));
	for (int i = 0; i < 4; i++)
		assert_child_succeeds(children[i]);
	close(fd);
}

static void handles_are_shared_with_a_forked_child(void **state)
{
	int fd = open_device();
	uint32_t handle = create_dumb(fd, 16, 16);
	pid_t pid = fork();

	if (pid == 0)
		_exit(drmCloseBufferHandle(fd, handle) ? 1 : 0);
	assert_child_succeeds(pid);
	assert_int_equal(drmCloseBufferHandle(fd, handle), -1);
	close(fd);
}

static void a_mapping_is_shared_with_a_forked_child(void **state)
{
	int fd = open_device();
	uint32_t handle = create_dumb(fd, 64, 64);
	volatile uint32_t *pixels = map_dumb(fd, handle, 64 * 64 * 4);

	assert_ptr_not_equal(pixels, MAP_FAILED);
	pid_t pid = fork();

	if (pid == 0) {
		pixels[5] = 0xabcdef;
		_exit(0);
	}
	assert_child_succeeds(pid);
	assert_int_equal(pixels[5], 0xabcdef);
	munmap((void *)pixels, 64 * 64 * 4);
	close(fd);
}

static void the_end_of_a_child_leaves_the_parents_file_alone(void **state)
{
	int fd = open_device();
	uint32_t handle = create_dumb(fd, 16, 16);
	pid_t pid = fork();

	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	assert_child_succeeds(pid);
	assert_int_equal(drmCloseBufferHandle(fd, handle), 0);
	close(fd);
}

/* The name of an object that only this file keeps, as GEM_FLINK gives it. */
static uint32_t flink(int fd, uint32_t handle)
{
	struct drm_gem_flink flink = { .handle = handle };

	return drmIoctl(fd, DRM_IOCTL_GEM_FLINK, &flink) ? 0 : flink.name;
}

static bool name_exists(int fd, uint32_t name)
{
	struct drm_gem_open open = { .name = name };

	if (drmIoctl(fd, DRM_IOCTL_GEM_OPEN, &open))
		return false;
	drmCloseBufferHandle(fd, open.handle);
	return true;
}

static void the_last_close_anywhere_releases_the_file(void **state)
{
	int watcher = open_device();
	int fd = open_device();
	struct drm_auth auth = { 0 };
	int gate[2];

	/* FLINK and OPEN want an authenticated file. */
	assert_int_equal(drmIoctl(fd, DRM_IOCTL_GET_MAGIC, &auth), 0);
	assert_int_equal(drmIoctl(watcher, DRM_IOCTL_AUTH_MAGIC, &auth), 0);
	uint32_t name = flink(fd, create_dumb(fd, 16, 16));

	assert_int_not_equal(name, 0);
	assert_int_equal(pipe2(gate, O_CLOEXEC), 0);
	pid_t pid = fork();

	if (pid == 0) {
		char byte;

		close(gate[1]);
		_exit(read(gate[0], &byte, 1) == 0 ? 0 : 1);
	}
	close(gate[0]);
	close(fd);
	assert_true(name_exists(watcher, name));
	close(gate[1]);
	assert_child_succeeds(pid);
	for (int i = 0; i < 100 && name_exists(watcher, name); i++)
		usleep(1000);
	assert_false(name_exists(watcher, name));
	close(watcher);
}

static void exec_keeps_an_fd_without_cloexec(void **state)
{
	int fd = open_device();

	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	assert_int_equal(spawn_look(fd, NULL), LOOK_DRM);
	assert_true(uses_file(&fd));
	close(fd);
}

static void o_cloexec_closes_the_fd_on_exec(void **state)
{
	drmDevice *devices[8];
	int count = drmGetDevices2(0, devices, 8);

	assert_true(count > 0);
	int fd = open(devices[0]->nodes[DRM_NODE_PRIMARY], O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(spawn_look(fd, NULL), LOOK_CLOSED);
	close(fd);
	fd = open(devices[0]->nodes[DRM_NODE_PRIMARY], O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), 0);
	assert_int_equal(spawn_look(fd, NULL), LOOK_DRM);
	close(fd);
	drmFreeDevices(devices, count);
}

static void nothing_of_ours_survives_exec_that_was_not_asked_to(void **state)
{
	int fd = open_device();

	assert_true(uses_file(&fd));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (int other = 3; other < 64; other++) {
		int flags = fcntl(other, F_GETFD);

		if (flags < 0 || flags & FD_CLOEXEC)
			continue;
		assert_int_not_equal(spawn_look(other, NULL), LOOK_DRM);
	}
	close(fd);
}

static void posix_spawn_moves_the_fd(void **state)
{
	posix_spawn_file_actions_t actions;
	int fd = open_device();

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 200);
	assert_int_equal(spawn_look(200, &actions), LOOK_DRM);
	posix_spawn_file_actions_destroy(&actions);
	assert_true(uses_file(&fd));
	close(fd);
}

static void vfork_and_exec_leave_the_parent_intact(void **state)
{
	int fd = open_device();
	char number[16];

	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	snprintf(number, sizeof(number), "%d", fd);
	for (int i = 0; i < 20; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl(program, program, number, (char *)NULL);
			_exit(127);
		}
		assert_child_succeeds(pid);
		assert_true(uses_file(&fd));
	}
	close(fd);
}

static void a_vfork_child_that_closes_the_fd_closes_only_its_own(void **state)
{
	int fd = open_device();
	uint32_t handle = create_dumb(fd, 16, 16);
	pid_t pid = vfork();

	if (pid == 0) {
		close(fd);
		_exit(0);
	}
	assert_child_succeeds(pid);
	assert_int_equal(drmCloseBufferHandle(fd, handle), 0);
	close(fd);
}

struct handover {
	int socket;
	uint32_t handle;
};

static bool receives_file(void *data)
{
	struct handover *handover = data;
	int fd = receive_fd(handover->socket);

	return fd >= 0 && uses_file(&fd) &&
	       !drmCloseBufferHandle(fd, handover->handle);
}

static void a_received_fd_is_the_senders_file(void **state)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	/* The child starts before the file exists, so it cannot inherit it. */
	struct handover handover = { sockets[1], 1 };
	pid_t pid = fork_child(receives_file, &handover);
	int fd = open_device();

	assert_int_equal(create_dumb(fd, 16, 16), handover.handle);
	assert_int_equal(send_fd(sockets[0], fd), 0);
	assert_child_succeeds(pid);
	assert_int_equal(drmCloseBufferHandle(fd, handover.handle), -1);
	close(fd);
	close(sockets[0]);
	close(sockets[1]);
}

static void a_file_lives_on_in_the_receiver(void **state)
{
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open_device();
		uint32_t handle = create_dumb(fd, 16, 16);

		_exit(handle != 1 || send_fd(sockets[1], fd) ? 1 : 0);
	}
	assert_child_succeeds(pid);
	int fd = receive_fd(sockets[0]);

	assert_true(fd >= 0);
	assert_int_equal(drmCloseBufferHandle(fd, 1), 0);
	close(fd);
	close(sockets[0]);
	close(sockets[1]);
}

enum { NUM_THREADS = 8, NUM_ROUNDS = 500 };

static void *thread_of_one_file(void *data)
{
	for (int i = 0; i < NUM_ROUNDS; i++)
		if (!uses_file(data))
			return data;
	return NULL;
}

static void join_all(pthread_t *threads, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		void *failed;

		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

static void many_threads_use_one_file(void **state)
{
	pthread_t threads[NUM_THREADS];
	int fd = open_device();

	for (int i = 0; i < NUM_THREADS; i++)
		pthread_create(&threads[i], NULL, thread_of_one_file, &fd);
	join_all(threads, NUM_THREADS);
	close(fd);
}

static void *thread_that_opens(void *data)
{
	for (int i = 0; i < NUM_ROUNDS / 10; i++) {
		int fd = open_device();
		bool works = fd >= 0 && uses_file(&fd);

		close(fd);
		if (!works)
			return data;
	}
	return NULL;
}

static void many_threads_open_and_close(void **state)
{
	pthread_t threads[NUM_THREADS];

	for (int i = 0; i < NUM_THREADS; i++)
		pthread_create(&threads[i], NULL, thread_that_opens, program);
	join_all(threads, NUM_THREADS);
}

static void fork_works_while_threads_are_in_ioctls(void **state)
{
	pthread_t threads[NUM_THREADS];
	int fd = open_device();

	for (int i = 0; i < NUM_THREADS; i++)
		pthread_create(&threads[i], NULL, thread_of_one_file, &fd);
	for (int i = 0; i < 20; i++)
		assert_child_succeeds(fork_child(uses_file, &fd));
	join_all(threads, NUM_THREADS);
	close(fd);
}

static void *thread_that_ends(void *data)
{
	return uses_file(data) ? NULL : data;
}

static void threads_come_and_go(void **state)
{
	int fd = open_device();

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, thread_that_ends, &fd);
		join_all(&thread, 1);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_uses_the_fd_that_it_inherited),
		cmocka_unit_test(an_fd_that_was_never_used_works_in_the_child),
		cmocka_unit_test(a_child_opens_the_device_itself),
		cmocka_unit_test(a_grandchild_uses_the_fd),
		cmocka_unit_test(parent_and_children_use_the_fd_at_once),
		cmocka_unit_test(handles_are_shared_with_a_forked_child),
		cmocka_unit_test(a_mapping_is_shared_with_a_forked_child),
		cmocka_unit_test(the_end_of_a_child_leaves_the_parents_file_alone),
		cmocka_unit_test(the_last_close_anywhere_releases_the_file),
		cmocka_unit_test(exec_keeps_an_fd_without_cloexec),
		cmocka_unit_test(o_cloexec_closes_the_fd_on_exec),
		cmocka_unit_test(nothing_of_ours_survives_exec_that_was_not_asked_to),
		cmocka_unit_test(posix_spawn_moves_the_fd),
		cmocka_unit_test(vfork_and_exec_leave_the_parent_intact),
		cmocka_unit_test(a_vfork_child_that_closes_the_fd_closes_only_its_own),
		cmocka_unit_test(a_received_fd_is_the_senders_file),
		cmocka_unit_test(a_file_lives_on_in_the_receiver),
		cmocka_unit_test(many_threads_use_one_file),
		cmocka_unit_test(many_threads_open_and_close),
		cmocka_unit_test(fork_works_while_threads_are_in_ioctls),
		cmocka_unit_test(threads_come_and_go),
	};

	if (argc > 1)
		return look(argv[1]);
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
