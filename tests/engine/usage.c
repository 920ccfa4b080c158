/* SPDX-License-Identifier: MIT */
/* /proc/PID/fdinfo/FD: the keys of the kernel's drm-usage-stats. */
#include "engine.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Of a descriptor of any process. */
static char *read_fdinfo(pid_t pid, int fd)
{
	static char text[4096];
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	f = fopen(path, "re");
	EXPECT(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

/* The value of a key, which must be there once and have this unit. */
static uint64_t value(const char *text, const char *key, const char *unit)
{
	char line[64], *end;
	const char *at;
	uint64_t n;

	snprintf(line, sizeof(line), "\n%s:\t", key);
	at = strstr(text, line);
	EXPECT(at);
	EXPECT(!strstr(at + 1, line));
	n = strtoull(at + strlen(line), &end, 10);
	EXPECT(!strncmp(end, unit, strlen(unit)));
	EXPECT_EQ(end[strlen(unit)], '\n');
	return n;
}

TEST(fdinfo_names_the_driver_and_the_client)
{
	int one = open_render(), two = open_render(), again = dup(one);
	uint64_t id = value(read_fdinfo(getpid(), one), "drm-client-id", "");

	EXPECT(strstr(read_fdinfo(getpid(), one), "\ndrm-driver:\t" HOLDFAST_DRM_NAME "\n"));
	EXPECT(strstr(read_fdinfo(getpid(), one), "pos:\t"));
	EXPECT(id != value(read_fdinfo(getpid(), two), "drm-client-id", ""));
	EXPECT_EQ(value(read_fdinfo(getpid(), again), "drm-client-id", ""), id);
}

TEST(fdinfo_of_another_file_is_the_kernels_own)
{
	int fds[2];

	EXPECT(!pipe(fds));
	EXPECT(!strstr(read_fdinfo(getpid(), fds[0]), "drm-"));
	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	EXPECT(!strstr(read_fdinfo(getpid(), fds[0]), "drm-"));
}

TEST(memory_is_counted_where_it_is)
{
	int fd = open_render();
	struct object object;
	uint32_t retained;
	char *text;

	object_create(fd, MIB, 0, &object);
	text = read_fdinfo(getpid(), fd);
	EXPECT_EQ(value(text, "drm-total-memory", " KiB"), 1024);
	EXPECT_EQ(value(text, "drm-resident-memory", " KiB"), 0);
	EXPECT_EQ(value(text, "drm-purgeable-memory", " KiB"), 0);
	memset(object.data, 1, MIB / 2);
	text = read_fdinfo(getpid(), fd);
	EXPECT(value(text, "drm-resident-memory", " KiB") >= 512);
	EXPECT_OK(gem_madvise(fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained));
	text = read_fdinfo(getpid(), fd);
	EXPECT_EQ(value(text, "drm-purgeable-memory", " KiB"), 1024);
	object_destroy(&object);
	EXPECT_EQ(value(read_fdinfo(getpid(), fd), "drm-total-memory", " KiB"), 0);
}

TEST(an_object_that_a_job_uses_is_active)
{
	struct engine engine;
	struct object object;
	struct drm_holdfast_object use = { .flags = HOLDFAST_OBJECT_WRITE };

	engine_open(&engine);
	need_engine(engine.fd);
	object_create(engine.fd, 64 * KIB, 0, &object);
	use.handle = object.handle;
	emit_hold(&engine, 0);
	EXPECT_OK(submit(&engine, NULL, 0, &use, 1));
	await(&engine, 0);
	EXPECT_EQ(value(read_fdinfo(getpid(), engine.fd), "drm-active-memory", " KiB"), 64);
	release(&engine, 0);
	EXPECT_OK(gem_wait(engine.fd, object.handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
	EXPECT_EQ(value(read_fdinfo(getpid(), engine.fd), "drm-active-memory", " KiB"), 0);
}

TEST(the_engines_time_goes_up_with_its_jobs)
{
	struct picture picture;
	struct engine engine;
	uint64_t before, after;

	engine_open(&engine);
	need_engine(engine.fd);
	before = value(read_fdinfo(getpid(), engine.fd), "drm-engine-2d", " ns");
	picture_create(&engine, UINT64_C(0x100000000), 512, 512, DRM_FORMAT_XRGB8888, &picture);
	emit_fill(&engine, &picture.surface, (struct holdfast_rect){ 0, 0, 512, 512 }, 7);
	run(&engine);
	after = value(read_fdinfo(getpid(), engine.fd), "drm-engine-2d", " ns");
	EXPECT(after > before);
	EXPECT(value(read_fdinfo(getpid(), engine.fd), "drm-engine-capacity-2d", "") >= 1);
}

TEST(another_process_reads_the_same)
{
	int fd = open_render(), status;
	struct object object;
	pid_t child;

	object_create(fd, 64 * KIB, 0, &object);
	child = fork();
	EXPECT(child >= 0);
	if (!child) {
		int theirs = dup(fd);

		/* Its own descriptor of that number may be another one. */
		close(fd);
		_exit(value(read_fdinfo(getppid(), fd), "drm-total-memory", " KiB") == 64 &&
		      theirs >= 0 ? 0 : 1);
	}
	EXPECT_EQ(waitpid(child, &status, 0), child);
	EXPECT_EQ(status, 0);
}
