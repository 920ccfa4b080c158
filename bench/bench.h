/* SPDX-License-Identifier: MIT */
/*
 * What the benchmarks share. A benchmark times a value and, in alternating
 * batches of the same run, the reference that it is held against.
 */
#ifndef HF_BENCH_H
#define HF_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** struct result - A median in the benchmark's unit, and its reference's. */
struct result {
	double value;
	double reference;
};

/**
 * struct bench - A row of the table.
 * @name: as in results.json
 * @unit: of value and reference
 * @reference: what the value is divided by; NULL where @limit is on the value
 * @limit: what must not be exceeded; or be reached, where more is better
 * @on_device: needs to run as a client of a device
 * @measure: fills in @result; quick runs are short and less exact. Returns 0
 *           or a negative errno after saying on stderr what went wrong
 * @more_is_better: @limit is a lower one
 */
struct bench {
	const char *name;
	const char *unit;
	const char *reference;
	double limit;
	bool on_device;
	int (*measure)(struct result *result, bool quick);
	bool more_is_better;
};

/**
 * struct contest - Two operations to time against each other.
 * @value: does what is measured, @count times
 * @reference: does what it is measured against, @count times
 * @before: what either of them needs each time, not timed; may be NULL
 * @after: undoes what either of them did, not timed; may be NULL
 * @batches: of each, alternating
 * @count: operations a batch
 * @warmup_ns: how long each side runs before its batch is timed: until the
 *             scheduler has put the two processes on two processors
 * @idle_ns: rest before each batch
 * @elapsed: where @value says how many nanoseconds count; NULL: all of it
 * @best: take each side's best batch, not the median one: for what needs several
 *        processors to itself, and others are at work
 *
 * The operations return 0 or a negative errno.
 */
#define BENCH_WARMUP_NS 80000000

struct contest {
	int (*value)(void *context, unsigned int count);
	int (*reference)(void *context, unsigned int count);
	int (*before)(void *context);
	int (*after)(void *context);
	unsigned int batches;
	unsigned int count;
	uint64_t warmup_ns;
	uint64_t idle_ns;
	const uint64_t *elapsed;
	bool best;
};

/** contest_run() - Time both; @result gets nanoseconds an operation. */
int contest_run(const struct contest *contest, void *context,
		struct result *result);

uint64_t now_ns(void);
void sleep_ns(uint64_t ns);
double median(double *values, size_t count);
double percentile(double *values, size_t count, unsigned int percent);

/** bench_fail() - Say on stderr what failed and why. Returns -errno. */
int bench_fail(const char *what);

/** bench_open_device() - Open the primary node, or say why not. */
int bench_open_device(void);

/** bench_verbose - Print what a row is made of, too. */
extern bool bench_verbose;

/** bench_directory() - Where the programs of this directory were built. */
const char *bench_directory(void);

/** bench_holdfast() - The command under test: $HOLDFAST or the build's own. */
const char *bench_holdfast(void);

int measure_ioctl_hot(struct result *result, bool quick);
int measure_ioctl_cold(struct result *result, bool quick);
int measure_gem_create_close(struct result *result, bool quick);
int measure_gem_map_touch(struct result *result, bool quick);
int measure_prime_share(struct result *result, bool quick);
int measure_startup(struct result *result, bool quick);
int measure_idle_cpu(struct result *result, bool quick);
int measure_compose_3_planes(struct result *result, bool quick);
int measure_compose_formats(struct result *result, bool quick);
int measure_crc_1080p(struct result *result, bool quick);
int measure_iova_alloc_free(struct result *result, bool quick);
int measure_sgtable_map_unmap(struct result *result, bool quick);
int measure_vm_bind_4k(struct result *result, bool quick);
int measure_vm_bind_2m(struct result *result, bool quick);
int measure_engine_fill(struct result *result, bool quick);
int measure_engine_copy(struct result *result, bool quick);
int measure_engine_over(struct result *result, bool quick);
int measure_engine_parallel(struct result *result, bool quick);
int measure_userptr_first(struct result *result, bool quick);
int measure_userptr_again(struct result *result, bool quick);
int measure_submit_latency(struct result *result, bool quick);
int measure_object_overhead(struct result *result, bool quick);
int measure_flip_rate(struct result *result, bool quick);
int measure_atomic_commit(struct result *result, bool quick);
int measure_gl_on_screen(struct result *result, bool quick);
int measure_x_startup(struct result *result, bool quick);
int measure_weston_startup(struct result *result, bool quick);
int measure_view_latency(struct result *result, bool quick);
int measure_vblank_jitter(struct result *result, bool quick);

/**
 * report_json(), report_svg() - Write all results to a file.
 * @path: the file
 * @benches: the rows
 * @results: theirs, in the same order
 * @count: how many
 *
 * Return: 0 or a negative errno, said on stderr.
 */
int report_json(const char *path, const struct bench *benches,
		const struct result *results, size_t count);
int report_svg(const char *path, const struct bench *benches,
	       const struct result *results, size_t count);

/** bench_ratio() - What is held against the limit. */
double bench_ratio(const struct bench *bench, const struct result *result);
/** bench_used() - How much of what is allowed: more than 1 is a limit missed. */
double bench_used(const struct bench *bench, const struct result *result);

#endif
