/* SPDX-License-Identifier: MIT */
/* Synchronisation objects: binary, timelines, and their descriptors. */
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "uapi.h"

#define FOR_SUBMIT DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT
#define ALL DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL
#define AVAILABLE DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE
#define SECOND 1000000000ull

static int open_sync(void)
{
	int fd = open_card();

	if (!get_cap(fd, DRM_CAP_SYNCOBJ))
		skip("the driver has no sync objects");
	return fd;
}

static int open_timeline(void)
{
	int fd = open_sync();

	if (!get_cap(fd, DRM_CAP_SYNCOBJ_TIMELINE))
		skip("the driver has no timelines");
	return fd;
}

static uint32_t create(int fd, uint32_t flags)
{
	struct drm_syncobj_create create = { .flags = flags };

	EXPECT_OK(call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create));
	EXPECT(create.handle != 0);
	return create.handle;
}

static int destroy(int fd, uint32_t handle)
{
	return call(fd, DRM_IOCTL_SYNCOBJ_DESTROY,
		    &(struct drm_syncobj_destroy){ .handle = handle });
}

static int array(int fd, unsigned long request, const uint32_t *handles, uint32_t count)
{
	struct drm_syncobj_array array = { .handles = PTR(handles), .count_handles = count };

	return call(fd, request, &array);
}

static int signal_one(int fd, uint32_t handle)
{
	return array(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &handle, 1);
}

static int reset_one(int fd, uint32_t handle)
{
	return array(fd, DRM_IOCTL_SYNCOBJ_RESET, &handle, 1);
}

/* The timeout is a moment; 0 lies in the past, so that it only looks. */
static int wait_many(int fd, const uint32_t *handles, uint32_t count, uint64_t timeout,
		     uint32_t flags, uint32_t *first)
{
	struct drm_syncobj_wait wait = {
		.handles = PTR(handles), .count_handles = count, .flags = flags,
		.timeout_nsec = timeout ? (int64_t)(now_ns() + timeout) : 0,
	};
	int error = call(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);

	if (first)
		*first = wait.first_signaled;
	return error;
}

static int wait_one(int fd, uint32_t handle, uint64_t timeout, uint32_t flags)
{
	return wait_many(fd, &handle, 1, timeout, flags, NULL);
}

static int timeline_signal(int fd, uint32_t handle, uint64_t point)
{
	struct drm_syncobj_timeline_array array = {
		.handles = PTR(&handle), .points = PTR(&point), .count_handles = 1,
	};

	return call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array);
}

static uint64_t query(int fd, uint32_t handle)
{
	uint64_t point = ~0ull;
	struct drm_syncobj_timeline_array array = {
		.handles = PTR(&handle), .points = PTR(&point), .count_handles = 1,
	};

	EXPECT_OK(call(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array));
	return point;
}

static int timeline_wait(int fd, uint32_t handle, uint64_t point, uint64_t timeout, uint32_t flags)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = PTR(&handle), .points = PTR(&point), .count_handles = 1,
		.timeout_nsec = timeout ? (int64_t)(now_ns() + timeout) : 0, .flags = flags,
	};

	return call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);
}

static int to_fd(int fd, uint32_t handle, uint32_t flags, int *out)
{
	struct drm_syncobj_handle args = { .handle = handle, .flags = flags, .fd = -1 };
	int error = call(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	*out = args.fd;
	return error;
}

static int from_fd(int fd, int source, uint32_t flags, uint32_t *handle)
{
	struct drm_syncobj_handle args = { .handle = *handle, .flags = flags, .fd = source };
	int error = call(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return error;
}

TEST(without_the_capability_sync_objects_are_eopnotsupp)
{
	struct drm_syncobj_create create = { 0 };
	int fd = open_card();

	if (get_cap(fd, DRM_CAP_SYNCOBJ))
		skip("the driver has sync objects");
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), EOPNOTSUPP);
}

TEST(a_new_sync_object_has_no_fence_unless_created_signaled)
{
	int fd = open_sync();

	EXPECT_ERROR(wait_one(fd, create(fd, 0), 0, 0), EINVAL);
	EXPECT_OK(wait_one(fd, create(fd, DRM_SYNCOBJ_CREATE_SIGNALED), 0, 0));
}

TEST(sync_objects_check_their_arguments)
{
	struct drm_syncobj_create bad = { .flags = 2 };
	struct drm_syncobj_destroy padded = { .pad = 1 };
	int fd = open_sync();
	uint32_t handle = create(fd, 0);

	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &bad), EINVAL);
	padded.handle = handle;
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &padded), EINVAL);
	EXPECT_OK(destroy(fd, handle));
	EXPECT_ERROR(destroy(fd, handle), EINVAL);
	EXPECT_ERROR(destroy(fd, 0), EINVAL);
	EXPECT_ERROR(signal_one(fd, handle), ENOENT);
	EXPECT_ERROR(reset_one(fd, handle), ENOENT);
	EXPECT_ERROR(wait_one(fd, handle, 0, 0), ENOENT);
	EXPECT_ERROR(array(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &handle, 0), EINVAL);
	EXPECT_ERROR(array(fd, DRM_IOCTL_SYNCOBJ_RESET, &handle, 0), EINVAL);
	EXPECT_ERROR(wait_one(fd, create(fd, 0), 0, 0x100), EINVAL);
	EXPECT_ERROR(wait_many(fd, NULL, 0, 0, 0, NULL), EINVAL);
}

TEST(signal_and_reset_change_what_a_wait_sees)
{
	int fd = open_sync();
	uint32_t handle = create(fd, 0);

	EXPECT_OK(signal_one(fd, handle));
	EXPECT_OK(wait_one(fd, handle, 0, 0));
	EXPECT_OK(reset_one(fd, handle));
	EXPECT_ERROR(wait_one(fd, handle, 0, 0), EINVAL);
	EXPECT_ERROR(wait_one(fd, handle, 0, FOR_SUBMIT), ETIME);
	EXPECT_ERROR(wait_one(fd, handle, SECOND / 50, FOR_SUBMIT), ETIME);
}

TEST(a_wait_for_any_names_the_first_that_is_signaled)
{
	int fd = open_sync();
	uint32_t handles[3], first = 99;

	for (int i = 0; i < 3; i++)
		handles[i] = create(fd, 0);
	EXPECT_OK(signal_one(fd, handles[1]));
	EXPECT_OK(wait_many(fd, handles, 3, 0, FOR_SUBMIT, &first));
	EXPECT_EQ(first, 1);
	EXPECT_ERROR(wait_many(fd, handles, 3, 0, FOR_SUBMIT | ALL, NULL), ETIME);
	EXPECT_OK(array(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, handles, 3));
	EXPECT_OK(wait_many(fd, handles, 3, 0, ALL, NULL));
}

TEST(a_waiter_wakes_when_another_process_signals)
{
	int fd = open_sync(), go[2];
	uint32_t handle = create(fd, 0);
	pid_t pid;

	EXPECT_OK(result(pipe(go)));
	pid = fork_child();
	if (pid == 0) {
		usleep(50000);
		EXPECT_OK(signal_one(fd, handle));
		_exit(0);
	}
	EXPECT_OK(wait_one(fd, handle, 10 * SECOND, FOR_SUBMIT));
	join_child(pid);
}

TEST(a_sync_object_travels_as_a_descriptor)
{
	int fd = open_sync(), other = open_card(), object;
	uint32_t handle = create(fd, 0), imported = 0, again = 0;

	EXPECT_OK(to_fd(fd, handle, 0, &object));
	EXPECT_EQ(fcntl(object, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	EXPECT_OK(from_fd(other, object, 0, &imported));
	EXPECT_OK(from_fd(other, object, 0, &again));
	EXPECT(imported != again);
	EXPECT_OK(signal_one(fd, handle));
	EXPECT_OK(wait_one(other, imported, 0, 0));
	EXPECT_OK(destroy(fd, handle));
	close(fd);
	EXPECT_OK(reset_one(other, imported));
	EXPECT_ERROR(wait_one(other, again, 0, 0), EINVAL);
}

TEST(descriptors_of_sync_objects_are_checked)
{
	int fd = open_sync(), object;
	uint32_t handle = create(fd, 0), imported = 0;

	EXPECT_ERROR(to_fd(fd, handle, 2, &object), EINVAL);
	EXPECT_ERROR(to_fd(fd, 99, 0, &object), EINVAL);
	/* No fence yet, so there is nothing to put into a sync file. */
	EXPECT_ERROR(to_fd(fd, handle, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, &object),
		     EINVAL);
	EXPECT_ERROR(to_fd(fd, 99, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, &object),
		     ENOENT);
	EXPECT_ERROR(from_fd(fd, open("/dev/null", O_RDWR), 0, &imported), EINVAL);
	EXPECT_ERROR(from_fd(fd, -1, 0, &imported), EINVAL);
	EXPECT_ERROR(from_fd(fd, -1, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, &handle),
		     EINVAL);
}

TEST(a_sync_file_carries_the_fence)
{
	int fd = open_sync(), file;
	uint32_t handle = create(fd, DRM_SYNCOBJ_CREATE_SIGNALED), other = create(fd, 0);

	EXPECT_OK(to_fd(fd, handle, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, &file));
	EXPECT(readable(file, 1000));
	EXPECT_OK(from_fd(fd, file, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE, &other));
	EXPECT_OK(wait_one(fd, other, 0, 0));
	/* It is a copy of the fence: resetting the source changes nothing. */
	EXPECT_OK(reset_one(fd, handle));
	EXPECT_OK(wait_one(fd, other, 0, 0));
}

TEST(a_timeline_counts_up)
{
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	EXPECT_EQ(query(fd, handle), 0);
	EXPECT_OK(timeline_signal(fd, handle, 5));
	EXPECT_EQ(query(fd, handle), 5);
	EXPECT_OK(timeline_wait(fd, handle, 3, 0, 0));
	EXPECT_OK(timeline_wait(fd, handle, 5, 0, 0));
	EXPECT_ERROR(timeline_wait(fd, handle, 6, 0, 0), EINVAL);
	EXPECT_ERROR(timeline_wait(fd, handle, 6, SECOND / 50, FOR_SUBMIT), ETIME);
	EXPECT_OK(timeline_signal(fd, handle, 9));
	EXPECT_EQ(query(fd, handle), 9);
	EXPECT_OK(timeline_wait(fd, handle, 6, 0, AVAILABLE));
	EXPECT_OK(reset_one(fd, handle));
	EXPECT_EQ(query(fd, handle), 0);
}

TEST(timeline_ioctls_check_their_arguments)
{
	uint64_t point = 1;
	struct drm_syncobj_timeline_array array = { .points = PTR(&point) };
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	array.handles = PTR(&handle);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array), EINVAL);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array), EINVAL);
	array.count_handles = 1;
	array.flags = 2;
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &array), EINVAL);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array), EINVAL);
	EXPECT_ERROR(timeline_signal(fd, 99, 1), ENOENT);
	EXPECT_ERROR(timeline_wait(fd, handle, 1, 0, 0x100), EINVAL);
}

TEST(a_timeline_waiter_wakes_at_its_point)
{
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);
	pid_t pid = fork_child();

	if (pid == 0) {
		usleep(20000);
		EXPECT_OK(timeline_signal(fd, handle, 1));
		usleep(20000);
		EXPECT_OK(timeline_signal(fd, handle, 2));
		_exit(0);
	}
	EXPECT_OK(timeline_wait(fd, handle, 2, 10 * SECOND, FOR_SUBMIT));
	EXPECT_EQ(query(fd, handle), 2);
	join_child(pid);
}

TEST(transfer_copies_a_fence_between_points)
{
	struct drm_syncobj_transfer transfer = { .dst_point = 7 };
	int fd = open_timeline();

	transfer.src_handle = create(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	transfer.dst_handle = create(fd, 0);
	EXPECT_OK(call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	EXPECT_OK(timeline_wait(fd, transfer.dst_handle, 7, SECOND, 0));
	transfer.pad = 1;
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), EINVAL);
	transfer.pad = 0;
	transfer.src_handle = 99;
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), ENOENT);
}

TEST(sync_objects_work_on_a_render_node)
{
	int fd = open_render();

	if (!get_cap(fd, DRM_CAP_SYNCOBJ))
		skip("the driver has no sync objects");
	EXPECT_OK(wait_one(fd, create(fd, DRM_SYNCOBJ_CREATE_SIGNALED), 0, 0));
}

TEST(closing_the_file_destroys_its_sync_objects_but_not_their_descriptors)
{
	int fd = open_sync(), object;
	uint32_t handle = create(fd, DRM_SYNCOBJ_CREATE_SIGNALED), imported = 0;

	EXPECT_OK(to_fd(fd, handle, 0, &object));
	close(fd);
	fd = open_card();
	EXPECT_ERROR(wait_one(fd, handle, 0, 0), ENOENT);
	EXPECT_OK(from_fd(fd, object, 0, &imported));
	EXPECT_OK(wait_one(fd, imported, 0, 0));
}

/* -- waiting, from several sides --------------------------------------------- */

/* Do something in another process, which shares the descriptors, in a moment. */
#define SOON(block)							\
	({								\
		pid_t pid_ = fork_child();				\
		if (pid_ == 0) {					\
			usleep(30000);					\
			block						\
			_exit(0);					\
		}							\
		pid_;							\
	})

static int wait_points(int fd, const uint32_t *handles, const uint64_t *points, uint32_t count,
		       uint32_t flags, uint32_t *first)
{
	struct drm_syncobj_timeline_wait wait = {
		.handles = PTR(handles), .points = PTR(points), .count_handles = count,
		.timeout_nsec = (int64_t)(now_ns() + 10 * SECOND), .flags = flags,
	};
	int error = call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &wait);

	if (first)
		*first = wait.first_signaled;
	return error;
}

TEST(a_wait_for_any_point_ends_with_one_of_them)
{
	int fd = open_timeline();
	uint32_t handles[2] = { create(fd, 0), create(fd, 0) }, first = 99;
	uint64_t points[2] = { 5, 3 };
	pid_t pid = SOON({ EXPECT_OK(timeline_signal(fd, handles[1], 4)); });

	EXPECT_OK(wait_points(fd, handles, points, 2, FOR_SUBMIT, &first));
	EXPECT_EQ(first, 1);
	join_child(pid);
}

TEST(a_wait_for_all_points_ends_with_the_last_of_them)
{
	int fd = open_timeline();
	uint32_t handles[2] = { create(fd, 0), create(fd, 0) };
	uint64_t points[2] = { 5, 3 };
	pid_t pid = SOON({
		EXPECT_OK(timeline_signal(fd, handles[1], 3));
		usleep(30000);
		EXPECT_OK(timeline_signal(fd, handles[0], 5));
	});

	EXPECT_OK(wait_points(fd, handles, points, 2, FOR_SUBMIT | ALL, NULL));
	EXPECT_EQ(query(fd, handles[0]), 5);
	join_child(pid);
}

/* Of one process: what waits must not stand in the way of what signals. */
struct waiter {
	pthread_t thread;
	int fd, error;
	uint32_t handle;
	uint64_t point;
};

static void *wait_in_thread(void *arg)
{
	struct waiter *waiter = arg;

	waiter->error = wait_points(waiter->fd, &waiter->handle, &waiter->point, 1, FOR_SUBMIT,
				    NULL);
	return NULL;
}

TEST(threads_wait_for_what_another_thread_signals)
{
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);
	struct waiter waiters[8];

	for (int i = 0; i < 8; i++) {
		waiters[i] = (struct waiter){ .fd = fd, .handle = handle, .point = i + 1 };
		EXPECT_EQ(pthread_create(&waiters[i].thread, NULL, wait_in_thread, &waiters[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		EXPECT_OK(timeline_signal(fd, handle, i + 1));
		pthread_join(waiters[i].thread, NULL);
		EXPECT_OK(waiters[i].error);
	}
}

TEST(a_wait_without_points_is_for_the_whole_timeline)
{
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	EXPECT_OK(timeline_signal(fd, handle, 5));
	EXPECT_OK(wait_points(fd, &handle, NULL, 1, 0, NULL));
}

TEST(arrays_that_cannot_be_read_are_efault)
{
	struct drm_syncobj_timeline_array bad = { .points = 8, .count_handles = 1 };
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	EXPECT_ERROR(array(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, (uint32_t *)8, 1), EFAULT);
	EXPECT_ERROR(array(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, NULL, 1), EFAULT);
	EXPECT_ERROR(wait_points(fd, &handle, (uint64_t *)8, 1, FOR_SUBMIT, NULL), EFAULT);
	bad.handles = PTR(&handle);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &bad), EFAULT);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_QUERY, &bad), EFAULT);
	EXPECT_EQ(query(fd, handle), 0);
}

TEST(a_point_not_beyond_the_last_does_not_take_it_back)
{
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	EXPECT_OK(timeline_signal(fd, handle, 5));
	EXPECT_OK(timeline_signal(fd, handle, 3));
	EXPECT_EQ(query(fd, handle), 5);
	EXPECT_OK(timeline_wait(fd, handle, 4, 0, 0));
	EXPECT_OK(timeline_signal(fd, handle, 6));
	EXPECT_EQ(query(fd, handle), 6);
}

TEST(the_last_submitted_point_can_be_asked_for)
{
	uint64_t point = 0;
	struct drm_syncobj_timeline_array array = {
		.points = PTR(&point), .count_handles = 1,
		.flags = DRM_SYNCOBJ_QUERY_FLAGS_LAST_SUBMITTED,
	};
	int fd = open_timeline();
	uint32_t handle = create(fd, 0);

	array.handles = PTR(&handle);
	EXPECT_OK(timeline_signal(fd, handle, 8));
	EXPECT_OK(call(fd, DRM_IOCTL_SYNCOBJ_QUERY, &array));
	EXPECT_EQ(point, 8);
}

TEST(transfer_waits_for_a_fence_where_it_is_told_to)
{
	struct drm_syncobj_transfer transfer = { .src_point = 2, .dst_point = 0 };
	int fd = open_timeline();
	pid_t pid;

	transfer.src_handle = create(fd, 0);
	transfer.dst_handle = create(fd, 0);
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer), EINVAL);
	pid = SOON({ EXPECT_OK(timeline_signal(fd, transfer.src_handle, 2)); });
	transfer.flags = FOR_SUBMIT;
	EXPECT_OK(call(fd, DRM_IOCTL_SYNCOBJ_TRANSFER, &transfer));
	EXPECT_OK(wait_one(fd, transfer.dst_handle, 0, 0));
	join_child(pid);
}

static void ignore(int signal)
{
	(void)signal;
}

TEST(a_signal_interrupts_a_wait)
{
	int fd = open_sync(), error;
	uint32_t handle = create(fd, 0);
	struct drm_syncobj_wait wait = {
		.handles = PTR(&handle), .count_handles = 1, .flags = FOR_SUBMIT,
		.timeout_nsec = (int64_t)(now_ns() + 10 * SECOND),
	};
	struct sigaction action = { .sa_handler = ignore };
	pid_t self = getpid(), pid;

	EXPECT_OK(result(sigaction(SIGUSR1, &action, NULL)));
	pid = SOON({ kill(self, SIGUSR1); });
	error = result(ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait));
	EXPECT_EQ(error, EINTR);
	join_child(pid);
}

TEST(a_waiter_that_is_killed_leaves_the_others_waiting)
{
	int fd = open_sync();
	uint32_t handle = create(fd, 0);
	pid_t victim = fork_child(), pid;

	if (victim == 0) {
		wait_one(fd, handle, 20 * SECOND, FOR_SUBMIT);
		_exit(1);
	}
	usleep(30000);
	EXPECT_OK(result(kill(victim, SIGKILL)));
	EXPECT_OK(result(waitpid(victim, NULL, 0)));
	pid = SOON({ EXPECT_OK(signal_one(fd, handle)); });
	EXPECT_OK(wait_one(fd, handle, 10 * SECOND, FOR_SUBMIT));
	join_child(pid);
}

TEST(a_sync_object_is_sent_to_another_process)
{
	int fd = open_sync(), sockets[2], object;
	uint32_t handle = create(fd, 0);
	pid_t pid;

	EXPECT_OK(result(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets)));
	pid = fork_child();
	if (pid == 0) {
		int own, received = receive_fd(sockets[1]);
		uint32_t imported = 0;

		close(fd);
		own = open_card();
		EXPECT_OK(from_fd(own, received, 0, &imported));
		EXPECT_OK(signal_one(own, imported));
		_exit(0);
	}
	EXPECT_OK(to_fd(fd, handle, 0, &object));
	send_fd(sockets[0], object);
	close(object);
	EXPECT_OK(wait_one(fd, handle, 10 * SECOND, FOR_SUBMIT));
	join_child(pid);
}

TEST(a_sync_file_is_no_sync_object_and_the_other_way_round)
{
	int fd = open_sync(), file, object;
	uint32_t handle = create(fd, DRM_SYNCOBJ_CREATE_SIGNALED), imported = 0;

	EXPECT_OK(to_fd(fd, handle, DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE, &file));
	EXPECT_OK(to_fd(fd, handle, 0, &object));
	EXPECT_ERROR(from_fd(fd, file, 0, &imported), EINVAL);
	EXPECT_ERROR(from_fd(fd, object, DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
			     &handle), EINVAL);
}

/* -- eventfds ---------------------------------------------------------------- */

#ifndef DRM_IOCTL_SYNCOBJ_EVENTFD
struct drm_syncobj_eventfd {
	uint32_t handle;
	uint32_t flags;
	uint64_t point;
	int32_t fd;
	uint32_t pad;
};
#define DRM_IOCTL_SYNCOBJ_EVENTFD DRM_IOWR(0xCF, struct drm_syncobj_eventfd)
#endif

static int watch(int fd, uint32_t handle, uint64_t point, uint32_t flags, int event)
{
	struct drm_syncobj_eventfd args = {
		.handle = handle, .point = point, .flags = flags, .fd = event,
	};

	return call(fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &args);
}

/* As programs find out whether there is such a thing. */
static int open_eventfd(void)
{
	int fd = open_timeline();

	if (watch(fd, 0, 0, 0, -1) != ENOENT)
		skip("the kernel has no SYNCOBJ_EVENTFD");
	return fd;
}

static int new_event(void)
{
	int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	EXPECT(event >= 0);
	return event;
}

static uint64_t count(int event)
{
	uint64_t value = 0;

	return read(event, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

TEST(an_eventfd_tells_of_a_point)
{
	int fd = open_eventfd(), event = new_event();
	uint32_t handle = create(fd, 0);
	pid_t pid;

	EXPECT_OK(watch(fd, handle, 2, 0, event));
	EXPECT_OK(timeline_signal(fd, handle, 1));
	EXPECT_EQ(count(event), 0);
	pid = SOON({ EXPECT_OK(timeline_signal(fd, handle, 2)); });
	EXPECT(readable(event, 10000));
	EXPECT_EQ(count(event), 1);
	join_child(pid);
	EXPECT_OK(timeline_signal(fd, handle, 3));
	EXPECT_EQ(count(event), 0);
	EXPECT_OK(watch(fd, handle, 1, AVAILABLE, event));
	EXPECT(readable(event, 10000));
	EXPECT_EQ(count(event), 1);
}

TEST(eventfds_are_checked)
{
	struct drm_syncobj_eventfd padded = { .pad = 1 };
	int fd = open_eventfd(), event = new_event();
	uint32_t handle = create(fd, 0);

	EXPECT_ERROR(watch(fd, handle, 1, 1, event), EINVAL);
	padded.handle = handle;
	padded.fd = event;
	EXPECT_ERROR(call(fd, DRM_IOCTL_SYNCOBJ_EVENTFD, &padded), EINVAL);
	EXPECT_ERROR(watch(fd, 99, 1, 0, event), ENOENT);
	EXPECT_ERROR(watch(fd, handle, 1, 0, -1), EBADF);
	EXPECT_ERROR(watch(fd, handle, 1, 0, fd), EINVAL);
	EXPECT_ERROR(watch(fd, handle, 1, 0, open("/dev/null", O_RDWR)), EINVAL);
}

/* The counter is at its maximum, where a write would wait. */
TEST(an_eventfd_that_is_full_stops_nobody)
{
	int fd = open_eventfd(), event = eventfd(0, 0);
	uint32_t handle = create(fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	uint64_t full = ~0ull - 1;

	EXPECT_EQ(write(event, &full, sizeof(full)), sizeof(full));
	EXPECT_OK(watch(fd, handle, 0, 0, event));
	EXPECT_OK(watch(fd, handle, 0, 0, event));
	EXPECT_OK(wait_one(fd, handle, 0, 0));
}
