/* SPDX-License-Identifier: MIT */
/* What /proc/PID/fdinfo/FD says of a file, under the keys of drm-usage-stats. */
#include "engine.h"

#define A UINT64_C(0x100000000)

/* As nvtop does it, relative to a directory; fopen() has a test of its own. */
static FILE *open_fdinfo(int fd)
{
	int dir = open("/proc/self/fdinfo", O_RDONLY | O_DIRECTORY), info_fd;
	char name[16];
	FILE *file;

	EXPECT(dir >= 0);
	snprintf(name, sizeof(name), "%d", fd);
	info_fd = openat(dir, name, O_RDONLY);
	close(dir);
	EXPECT(info_fd >= 0);
	file = fdopen(info_fd, "r");
	EXPECT(file);
	return file;
}

/* The number after a key, in bytes where it is in KiB; fails if there is no such key. */
static uint64_t usage(int fd, const char *key)
{
	char line[256], unit[16];
	unsigned long long value = 0;
	bool found = false;
	FILE *file = open_fdinfo(fd);

	while (fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');
		int fields;

		if (!colon)
			continue;
		*colon = '\0';
		if (strcmp(line, key))
			continue;
		EXPECT(!found);
		found = true;
		fields = sscanf(colon + 1, " %llu %15s", &value, unit);
		EXPECT(fields >= 1);
		if (fields == 2 && !strcmp(unit, "KiB"))
			value *= KIB;
		else if (fields == 2 && !strcmp(unit, "MiB"))
			value *= MIB;
	}
	fclose(file);
	if (!found)
		fail(__FILE__, __LINE__, "fdinfo has no %s", key);
	return value;
}

TEST(fdinfo_names_driver_and_client)
{
	char text[4096] = "";
	int fd = open_render(), other = open_render();
	FILE *file = open_fdinfo(fd);

	EXPECT(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	EXPECT(strstr(text, "drm-driver:\tholdfast\n"));
	EXPECT(strstr(text, "flags:\t"));
	/* Two opens are two clients, a duplicate is not. */
	EXPECT(usage(fd, "drm-client-id") != usage(other, "drm-client-id"));
	EXPECT_EQ(usage(dup(fd), "drm-client-id"), usage(fd, "drm-client-id"));
}

TEST(fdinfo_can_be_read_by_fopen)
{
	char path[64], text[4096] = "";
	int fd = open_render();
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", getpid(), fd);
	file = fopen(path, "r");
	EXPECT(file);
	EXPECT(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	EXPECT(strstr(text, "drm-driver:\tholdfast\n"));
}

/* As a tool sees it that looks at other processes. */
TEST(fdinfo_of_another_process)
{
	char path[64], text[4096] = "";
	int fd = open_render(), info_fd;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", getpid(), fd);
	IN_CHILD({
		close(fd);
		info_fd = open(path, O_RDONLY);
		EXPECT(info_fd >= 0);
		EXPECT(read(info_fd, text, sizeof(text) - 1) > 0);
		EXPECT(strstr(text, "drm-driver:\tholdfast\n"));
	});
}

TEST(fdinfo_counts_memory)
{
	struct engine engine;
	struct object object;
	uint64_t total, resident, shared;
	uint32_t retained;
	int dmabuf;

	engine_open(&engine);
	total = usage(engine.fd, "drm-total-memory");
	resident = usage(engine.fd, "drm-resident-memory");
	shared = usage(engine.fd, "drm-shared-memory");
	EXPECT_EQ(usage(engine.fd, "drm-purgeable-memory"), 0);
	object_create(engine.fd, 8 * MIB, 0, &object);
	EXPECT_EQ(usage(engine.fd, "drm-total-memory"), total + 8 * MIB);
	engine_map(&engine, &object, A);
	EXPECT(usage(engine.fd, "drm-resident-memory") >= resident + 8 * MIB);
	EXPECT_OK(prime_export(engine.fd, object.handle, O_RDWR, &dmabuf));
	EXPECT(usage(engine.fd, "drm-shared-memory") <= shared + 8 * MIB);
	close(dmabuf);
	EXPECT_OK(vm_unmap(engine.fd, engine.vm, A, object.size));
	object_destroy(&object);
	EXPECT_EQ(usage(engine.fd, "drm-total-memory"), total);

	object_create(engine.fd, 8 * MIB, 0, &object);
	pattern_fill(object.data, object.size, 1);
	EXPECT_OK(gem_madvise(engine.fd, object.handle, HOLDFAST_MADV_DONTNEED, &retained));
	EXPECT_EQ(usage(engine.fd, "drm-purgeable-memory"), 8 * MIB);
	EXPECT_OK(gem_madvise(engine.fd, object.handle, HOLDFAST_MADV_WILLNEED, &retained));
	EXPECT_EQ(usage(engine.fd, "drm-purgeable-memory"), 0);
}

TEST(fdinfo_shows_shared_memory_to_both)
{
	struct object object;
	int one = open_render(), two = open_render(), dmabuf;
	uint32_t handle;

	object_create(one, 2 * MIB, 0, &object);
	EXPECT_EQ(usage(one, "drm-shared-memory"), 0);
	EXPECT_OK(prime_export(one, object.handle, O_RDWR, &dmabuf));
	EXPECT_OK(prime_import(two, dmabuf, &handle));
	EXPECT_EQ(usage(one, "drm-shared-memory"), 2 * MIB);
	EXPECT_EQ(usage(two, "drm-shared-memory"), 2 * MIB);
}

TEST(fdinfo_shows_memory_that_a_job_works_on)
{
	struct drm_holdfast_object entry;
	struct engine engine;
	struct object object;

	engine_open(&engine);
	object_create(engine.fd, 4 * MIB, 0, &object);
	EXPECT_EQ(usage(engine.fd, "drm-active-memory"), 0);
	entry = (struct drm_holdfast_object){ object.handle, HOLDFAST_OBJECT_WRITE };
	emit_hold(&engine, 0);
	EXPECT_OK(submit(&engine, NULL, 0, &entry, 1));
	await(&engine, 0);
	EXPECT(usage(engine.fd, "drm-active-memory") >= 4 * MIB);
	release(&engine, 0);
	EXPECT_OK(gem_wait(engine.fd, object.handle, HOLDFAST_WAIT_WRITE, INT64_MAX));
	EXPECT_EQ(usage(engine.fd, "drm-active-memory"), 0);
}

TEST(fdinfo_counts_the_engines_time)
{
	struct engine engine;
	struct object object;
	uint64_t before, after;
	int idle = open_render();

	engine_open(&engine);
	EXPECT(usage(engine.fd, "drm-engine-capacity-2d") ==
	       get_param(engine.fd, HOLDFAST_PARAM_CORES));
	object_create(engine.fd, 16 * MIB, 0, &object);
	engine_map(&engine, &object, A);
	before = usage(engine.fd, "drm-engine-2d");
	emit_copy_linear(&engine, A, A + 8 * MIB, 8 * MIB);
	run(&engine);
	after = usage(engine.fd, "drm-engine-2d");
	EXPECT(after > before);
	EXPECT_EQ(usage(idle, "drm-engine-2d"), 0);
	/* A counter never falls, not even when the context goes. */
	EXPECT_OK(ctx_destroy(engine.fd, engine.ctx));
	EXPECT(usage(engine.fd, "drm-engine-2d") >= after);
}
