// SPDX-License-Identifier: MIT
/*
 * What an object costs the server while nobody uses it: bytes of heap, over many
 * objects of a page each, with a handle, as a client has them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "bench.h"
#include "machine.h"

enum { OBJECTS = 10000, OTHER_FILES = 100 };

/* Each object is a memfd. Return: how many there may be. */
static unsigned int raise_limit(void)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur < OBJECTS + OTHER_FILES ?
		       limit.rlim_cur - OTHER_FILES : OBJECTS;
}

/* All that malloc() has given out, with what it needs for itself. */
static size_t heap(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static int create_objects(struct machine *machine, struct hf_gem_file *file,
			  unsigned int count)
{
	while (count--) {
		struct hf_gem_object *object =
			hf_gem_object_create(&machine->gem, HF_PAGE_SIZE, false,
					     file->pid);
		uint32_t handle;
		int ret;

		if (!object)
			return bench_fail("hf_gem_object_create");
		ret = hf_gem_handle_create(file, object, &handle);
		hf_gem_object_put(object);
		if (ret) {
			errno = -ret;
			return bench_fail("hf_gem_handle_create");
		}
	}
	return 0;
}

int measure_object_overhead(struct result *result, bool quick)
{
	unsigned int count = raise_limit();
	struct machine machine;
	struct hf_gem_file file;
	int ret = machine_init(&machine);

	if (ret)
		return ret;
	hf_gem_file_init(&file, &machine.gem, 1);
	size_t before = heap();

	ret = create_objects(&machine, &file, count);
	result->value = (double)(heap() - before) / count;
	hf_gem_file_finish(&file);
	machine_finish(&machine);
	return ret;
}
