/* SPDX-License-Identifier: MIT */
/*
 * Starting programs: the exec family, posix_spawn, system and popen. The device
 * goes along: what the program has left out of the environment is put back in
 * (environment.c). Where the shim cannot be loaded into the new program, that is
 * said on standard error, once for each program in the time of a server.
 *
 * All of it may run in the child of a vfork or in a signal handler: nothing
 * allocates but mappings, and nothing uses this process's connection.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "shim/client.h"
#include "shim/environment.h"
#include "shim/keep.h"
#include "shim/shim.h"
#include "shim/usercopy.h"

/* -- what is said ------------------------------------------------------------------ */

/* The server remembers. Return: is it the first time? */
static bool first_time(const char *path)
{
	struct hf_wire_query query = { 0 };

	snprintf(query.text, sizeof(query.text), "told\n%s", path);
	return hf_client_query(&query) && query.error != -EEXIST;
}

static void tell(const char *path, const char *why)
{
	char line[PATH_MAX + 128];
	int saved = errno, n;

	if (first_time(path)) {
		n = snprintf(line, sizeof(line),
			     "holdfast: %s %s: it will not see the device\n",
			     path, why);
		if (n > 0 && (size_t)n < sizeof(line))
			n = REAL(write)(STDERR_FILENO, line, n);
	}
	errno = saved;
}

/* -- before a program is started ----------------------------------------------------- */

static void prepare(int dirfd, const char *path, char *const *list,
		    struct hf_environment_copy *copy)
{
	enum hf_program_kind kind = HF_PROGRAM_FINE;
	char buf[40];

	if (!hf_shim_active()) {
		*copy = (struct hf_environment_copy){ .list = list };
		return;
	}
	if (path && hf_environment()->follow)
		kind = hf_program_look(dirfd, path);
	hf_environment_complete(list,
				kind != HF_PROGRAM_LIBC &&
					kind != HF_PROGRAM_MACHINE,
				copy);
	if (kind != HF_PROGRAM_FINE)
		tell(path, hf_program_why(kind));
	else if (path && hf_environment()->follow && !hf_keep_shim_path(buf))
		tell(path, "has a root directory without " HF_LIBRARY);
}

static void prepare_search(const char *name, char *const *list, char *buf,
			   struct hf_environment_copy *copy)
{
	prepare(AT_FDCWD,
		hf_shim_active() ? hf_program_find(name, getenv("PATH"), buf,
						   PATH_MAX) :
				   NULL,
		list, copy);
}

/* "/proc/self/fd/N", since a descriptor may be one that cannot be read from. */
static const char *fd_path(int fd, char buf[40])
{
	snprintf(buf, 40, "/proc/self/fd/%d", fd);
	return buf;
}

/* -- exec -------------------------------------------------------------------------------- */

HF_SHIM_EXPORT int execve(const char *path, char *const argv[],
			  char *const list[])
{
	struct hf_environment_copy copy;
	int ret;

	prepare(AT_FDCWD, path, list, &copy);
	ret = REAL(execve)(path, argv, copy.list);
	hf_environment_drop(&copy);
	return ret;
}

HF_SHIM_EXPORT int execvpe(const char *name, char *const argv[],
			   char *const list[])
{
	struct hf_environment_copy copy;
	char buf[PATH_MAX];
	int ret;

	prepare_search(name, list, buf, &copy);
	ret = REAL(execvpe)(name, argv, copy.list);
	hf_environment_drop(&copy);
	return ret;
}

HF_SHIM_EXPORT int execv(const char *path, char *const argv[])
{
	return execve(path, argv, environ);
}

HF_SHIM_EXPORT int execvp(const char *name, char *const argv[])
{
	return execvpe(name, argv, environ);
}

HF_SHIM_EXPORT int fexecve(int fd, char *const argv[], char *const list[])
{
	struct hf_environment_copy copy;
	char buf[40];
	int ret;

	prepare(AT_FDCWD, fd_path(fd, buf), list, &copy);
	ret = REAL(fexecve)(fd, argv, copy.list);
	hf_environment_drop(&copy);
	return ret;
}

HF_SHIM_EXPORT int execveat(int dirfd, const char *path, char *const argv[],
			    char *const list[], int flags)
{
	struct hf_environment_copy copy;
	char buf[40];
	int ret;

	if (!hf_user_readable(path))
		copy = (struct hf_environment_copy){ .list = list };
	else if (!*path && (flags & AT_EMPTY_PATH))
		prepare(AT_FDCWD, fd_path(dirfd, buf), list, &copy);
	else
		prepare(dirfd, path, list, &copy);
	ret = REAL(execveat)(dirfd, path, argv, copy.list, flags);
	hf_environment_drop(&copy);
	return ret;
}

/* How many arguments there are, with the NULL. */
#define COUNT_ARGUMENTS(first) ({					\
	size_t n_ = 1;							\
	va_list ap_;							\
	va_start(ap_, first);						\
	for (const char *arg_ = first; arg_; n_++)			\
		arg_ = va_arg(ap_, const char *);			\
	va_end(ap_);							\
	n_; })

/* By its address, since more may be taken from it then. */
static void take_arguments(char **argv, size_t n, const char *first,
			   va_list *ap)
{
	argv[0] = (char *)first;
	for (size_t i = 1; i < n; i++)
		argv[i] = va_arg(*ap, char *);
}

HF_SHIM_EXPORT int execl(const char *path, const char *first, ...)
{
	size_t n = COUNT_ARGUMENTS(first);
	char *argv[n];
	va_list ap;

	va_start(ap, first);
	take_arguments(argv, n, first, &ap);
	va_end(ap);
	return execve(path, argv, environ);
}

HF_SHIM_EXPORT int execlp(const char *name, const char *first, ...)
{
	size_t n = COUNT_ARGUMENTS(first);
	char *argv[n];
	va_list ap;

	va_start(ap, first);
	take_arguments(argv, n, first, &ap);
	va_end(ap);
	return execvpe(name, argv, environ);
}

HF_SHIM_EXPORT int execle(const char *path, const char *first, ...)
{
	size_t n = COUNT_ARGUMENTS(first);
	char *argv[n], **list;
	va_list ap;

	va_start(ap, first);
	take_arguments(argv, n, first, &ap);
	list = va_arg(ap, char **);
	va_end(ap);
	return execve(path, argv, list);
}

/* -- spawn ------------------------------------------------------------------------------- */

HF_SHIM_EXPORT int posix_spawn(pid_t *restrict pid, const char *restrict path,
			       const posix_spawn_file_actions_t *restrict files,
			       const posix_spawnattr_t *restrict attr,
			       char *const argv[restrict],
			       char *const list[restrict])
{
	struct hf_environment_copy copy;
	int ret;

	prepare(AT_FDCWD, path, list, &copy);
	ret = REAL(posix_spawn)(pid, path, files, attr, argv, copy.list);
	hf_environment_drop(&copy);
	return ret;
}

HF_SHIM_EXPORT int posix_spawnp(pid_t *restrict pid, const char *restrict name,
				const posix_spawn_file_actions_t *restrict files,
				const posix_spawnattr_t *restrict attr,
				char *const argv[restrict],
				char *const list[restrict])
{
	struct hf_environment_copy copy;
	char buf[PATH_MAX];
	int ret;

	prepare_search(name, list, buf, &copy);
	ret = REAL(posix_spawnp)(pid, name, files, attr, argv, copy.list);
	hf_environment_drop(&copy);
	return ret;
}

/* -- what starts a shell -------------------------------------------------------------------- */

/* These pass on what `environ` is at the time. */
struct borrowed {
	struct hf_environment_copy copy;
	char **environ;
};

static void lend_environment(struct borrowed *b)
{
	b->environ = environ;
	b->copy = (struct hf_environment_copy){ .list = environ };
	if (!hf_shim_active())
		return;
	hf_environment_complete(environ, true, &b->copy);
	hf_environment_keep(&b->copy);
	environ = (char **)b->copy.list;
}

/* Where another thread has added to it meanwhile, it is the program's for good. */
static void return_environment(struct borrowed *b)
{
	if (environ != (char **)b->copy.list)
		return;
	environ = b->environ;
	hf_environment_drop(&b->copy);
}

HF_SHIM_EXPORT int system(const char *command)
{
	struct borrowed b;
	int ret;

	lend_environment(&b);
	ret = REAL(system)(command);
	return_environment(&b);
	return ret;
}

HF_SHIM_EXPORT FILE *popen(const char *command, const char *mode)
{
	struct borrowed b;
	FILE *f;

	lend_environment(&b);
	f = REAL(popen)(command, mode);
	return_environment(&b);
	return f;
}
