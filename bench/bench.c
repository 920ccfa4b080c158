// SPDX-License-Identifier: MIT
/*
 * Measures Holdfast against what a program would do without it, prints a table
 * and writes results.json and results.svg beside the program.
 *
 * The benchmarks that need a device run in a child that `holdfast run` starts:
 * this program again, with --child. It prints a line a benchmark to the pipe
 * that is its standard output. The others run here, free of the shim.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "bench.h"

static const char seqpacket[] = "64-byte SOCK_SEQPACKET round trip";
static const char flat[] = "pixman on flat memory";

static const struct bench benches[] = {
	{ "ioctl_hot", "ns", seqpacket, 1.0 / 20, true, measure_ioctl_hot },
	{ "ioctl_cold", "ns", seqpacket, 1.2, true, measure_ioctl_cold },
	{ "gem_create_close", "ns", "memfd_create, ftruncate, close", 1.5, true,
	  measure_gem_create_close },
	{ "gem_map_touch", "ns", "the same on a raw memfd", 1.1, true,
	  measure_gem_map_touch },
	{ "prime_share", "ns", "passing and mapping a raw memfd", 3, true,
	  measure_prime_share },
	{ "startup", "ms", "xvfb-run -a true", 1.0 / 10, false,
	  measure_startup },
	{ "idle_cpu", "% of a core", NULL, 0.5, true, measure_idle_cpu },
	{ "compose_3_planes", "ms", "bare pixman on flat memory", 1.15, false,
	  measure_compose_3_planes },
	{ "compose_formats", "ms", "bare pixman, the worst of all", 1.3, false,
	  measure_compose_formats },
	{ "crc_1080p", "ms", "compose_3_planes", 2, false, measure_crc_1080p },
	{ "iova_alloc_free", "ns", "malloc(64), free", 4, false,
	  measure_iova_alloc_free },
	{ "sgtable_map_unmap", "us", "writing as many 8-byte entries twice", 6,
	  false, measure_sgtable_map_unmap },
	{ "vm_bind_4k", "us", "memset of the table bytes", 6, false,
	  measure_vm_bind_4k },
	{ "vm_bind_2m", "us", "vm_bind_4k", 1.0 / 100, false,
	  measure_vm_bind_2m },
	{ "engine_fill", "ms", flat, 1.15, true, measure_engine_fill },
	{ "engine_copy", "ms", flat, 1.15, true, measure_engine_copy },
	{ "engine_over", "ms", flat, 1.15, true, measure_engine_over },
	{ "engine_parallel", "jobs/s", "one context", 1.7, true,
	  measure_engine_parallel, .more_is_better = true },
	{ "userptr_first", "ms", "memcpy into a fresh memfd", 1.5, true,
	  measure_userptr_first },
	{ "userptr_again", "ns", "ioctl_hot", 20, true, measure_userptr_again },
	{ "submit_latency", "ns", "futex round trip of two threads", 2, true,
	  measure_submit_latency },
	{ "object_overhead", "bytes", NULL, 512, false,
	  measure_object_overhead },
	{ "flip_rate", "ns", "ioctl_hot", 4, true, measure_flip_rate },
	{ "atomic_commit", "ns", "ioctl_hot", 10, true, measure_atomic_commit },
	{ "gl_on_screen", "frames/s", "the same off-screen", 0.95, false,
	  measure_gl_on_screen, .more_is_better = true },
	{ "x_startup", "ms", "Xvfb", 1.5, false, measure_x_startup },
	{ "weston_startup", "ms", "its headless back end", 1.5, false,
	  measure_weston_startup },
	{ "view_latency", "ms", "a frame and encoding", 1, true,
	  measure_view_latency },
	{ "vblank_jitter", "us", "how late clock_nanosleep wakes, 99 %", 2, true,
	  measure_vblank_jitter },
};

enum { NUM_BENCHES = sizeof(benches) / sizeof(benches[0]) };

bool bench_verbose;

static char program[PATH_MAX];

const char *bench_directory(void)
{
	static char path[PATH_MAX];

	strcpy(path, program);
	return dirname(path);
}

const char *bench_holdfast(void)
{
	static char path[PATH_MAX + 32];
	const char *named = getenv("HOLDFAST");

	if (named)
		return named;
	snprintf(path, sizeof(path), "%s/../src/holdfast", bench_directory());
	return path;
}

double bench_ratio(const struct bench *bench, const struct result *result)
{
	return bench->reference ? result->value / result->reference :
				  result->value;
}

double bench_used(const struct bench *bench, const struct result *result)
{
	double ratio = bench_ratio(bench, result);

	return bench->more_is_better ? bench->limit / ratio :
				       ratio / bench->limit;
}

static const struct bench *find(const char *name)
{
	for (size_t i = 0; i < NUM_BENCHES; i++)
		if (!strcmp(benches[i].name, name))
			return &benches[i];
	return NULL;
}

static int run_child(const char *name, bool quick)
{
	const struct bench *bench = find(name);
	struct result result = { 0 };

	if (!bench || bench->measure(&result, quick))
		return 1;
	printf("%.17g %.17g\n", result.value, result.reference);
	return 0;
}

/* Start `holdfast run -- bench --child NAME` with its stdout in @file. */
static pid_t spawn_child(const struct bench *bench, bool quick, FILE **file)
{
	const char *argv[] = { bench_holdfast(), "run", "--", program, "--child",
			       bench->name, quick ? "--quick" : NULL, NULL };
	extern char **environ;
	posix_spawn_file_actions_t actions;
	int pipe_fds[2];
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return bench_fail("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], STDOUT_FILENO);
	errno = posix_spawn(&pid, argv[0], &actions, NULL, (char **)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	if (errno) {
		int ret = bench_fail(argv[0]);

		close(pipe_fds[0]);
		return ret;
	}
	*file = fdopen(pipe_fds[0], "r");
	return pid;
}

static int measure_on_device(const struct bench *bench, struct result *result,
			     bool quick)
{
	FILE *file = NULL;
	int status;
	pid_t pid = spawn_child(bench, quick, &file);

	if (pid < 0)
		return pid;
	int fields = fscanf(file, "%lf %lf", &result->value, &result->reference);

	fclose(file);
	if (waitpid(pid, &status, 0) < 0)
		return bench_fail("waitpid");
	if (fields != 2 || status) {
		fprintf(stderr, "bench: %s: no result, status %#x\n",
			bench->name, status);
		return -ECHILD;
	}
	return 0;
}

static int measure(const struct bench *bench, struct result *result, bool quick)
{
	if (bench->on_device)
		return measure_on_device(bench, result, quick);
	return bench->measure(result, quick);
}

static void print_row(const struct bench *bench, const struct result *result)
{
	double ratio = bench_ratio(bench, result);
	const char *verdict = bench_used(bench, result) <= 1 ? "ok" : "MISSED";

	if (bench->reference)
		printf("%-18s %12.4g %12.4g %-12s %8.3f %8.3f  %s\n",
		       bench->name, result->value, result->reference,
		       bench->unit, ratio, bench->limit, verdict);
	else
		printf("%-18s %12.4g %12s %-12s %8s %8.3f  %s\n", bench->name,
		       result->value, "", bench->unit, "", bench->limit,
		       verdict);
	fflush(stdout);
}

static int write_reports(const char *directory, const struct bench *rows,
			 const struct result *results, size_t count)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%s/results.json", directory);
	int ret = report_json(path, rows, results, count);

	snprintf(path, sizeof(path), "%s/results.svg", directory);
	return ret ? ret : report_svg(path, rows, results, count);
}

/* Return: how many limits were missed or could not be measured. */
static int run_all(const char *only, bool quick)
{
	struct bench rows[NUM_BENCHES];
	struct result results[NUM_BENCHES];
	size_t count = 0;
	int missed = 0;

	printf("%-18s %12s %12s %-12s %8s %8s\n", "name", "value", "reference",
	       "unit", "ratio", "limit");
	for (size_t i = 0; i < NUM_BENCHES; i++) {
		struct result *result = &results[count];

		if (only && strcmp(only, benches[i].name))
			continue;
		*result = (struct result){ 0 };
		if (measure(&benches[i], result, quick)) {
			printf("%-18s not measured\n", benches[i].name);
			missed++;
			continue;
		}
		print_row(&benches[i], result);
		missed += bench_used(&benches[i], result) > 1;
		rows[count++] = benches[i];
	}
	if (!only && write_reports(dirname(program), rows, results, count))
		missed++;
	return missed;
}

static void usage(FILE *file)
{
	fputs("usage: bench [--quick] [--verbose] [--only NAME]\n"
	      "\n"
	      "  --quick      shorter and less exact\n"
	      "  --verbose    also what a row is the worst of\n"
	      "  --only NAME  one benchmark; writes no files\n"
	      "\n"
	      "HOLDFAST names the command to measure. The exit status is 1 when\n"
	      "a limit was missed.\n",
	      file);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "only", required_argument, NULL, 'o' },
		{ "child", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 }
	};
	const char *only = NULL, *child = NULL;
	bool quick = false;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			quick = true;
			break;
		case 'v':
			bench_verbose = true;
			break;
		case 'o':
			only = optarg;
			break;
		case 'c':
			child = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc || (only && !find(only))) {
		usage(stderr);
		return 2;
	}
	if (readlink("/proc/self/exe", program, sizeof(program) - 1) < 0)
		return -bench_fail("/proc/self/exe");
	if (child)
		return run_child(child, quick);
	return run_all(only, quick) ? 1 : 0;
}
