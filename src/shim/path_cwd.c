/* SPDX-License-Identifier: MIT */
/*
 * The working directory, where it is a directory of ours.
 *
 * The kernel cannot stand in a directory that it does not have, so it stands
 * in the nearest one above that it does have, and the path is kept here. A
 * program that is executed from there finds its way back by $PWD, which
 * shells set. The state is plain memory that a child of fork inherits with
 * the directory itself; as with the directory, threads share it and the last
 * change wins.
 */
#include "shim/path.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

_Atomic int hf_cwd_kind;

static char virtual_path[HF_TREE_PATH_MAX + 1];

/*
 * A child of vfork moves alone, but its memory is its parent's. It runs as the
 * thread that the C library takes it for, whose number a mutex tells without
 * asking the kernel.
 */
static bool in_vfork_child(void)
{
	pthread_mutex_t mutex = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
	pid_t self;

	pthread_mutex_lock(&mutex);
	self = mutex.__data.__owner;
	pthread_mutex_unlock(&mutex);
	return self != gettid();
}

static bool inside(const char *path)
{
	return hf_path_merged(path) || !path[strspn(path, "/")];
}

static void enter(const char *path)
{
	if (in_vfork_child())
		return;
	strcpy(virtual_path, path);
	atomic_store(&hf_cwd_kind, HF_CWD_VIRTUAL);
}

/* Is $PWD a directory of ours, and does the kernel stand where it would? */
static bool adopt(const char *pwd)
{
	char path[HF_TREE_PATH_MAX + 1], here[PATH_MAX];
	struct hf_path p;
	bool ok;

	ok = hf_path_resolve(AT_FDCWD, pwd, 0, &p) == HF_PATH_NODE &&
	     hf_path_is_dir(&p);
	hf_path_put(&p);
	if (!ok || !REAL(getcwd)(here, sizeof(here)))
		return false;
	strcpy(path, p.path);
	hf_path_machine_dir(p.path);
	if (strcmp(p.path, here) != 0)
		return false;
	enter(path);
	return true;
}

/* Before anybody changed it, $PWD tells without a system call. */
static void start(void)
{
	const char *pwd = hf_shim_active() ? getenv("PWD") : "/home";
	int saved = errno;

	if (!pwd || pwd[0] != '/')
		hf_cwd_kind = HF_CWD_UNKNOWN;
	else if (!inside(pwd))
		hf_cwd_kind = HF_CWD_OUTSIDE;
	else if ((!hf_path_named(pwd) && !hf_path_first(AT_FDCWD, pwd)) ||
		 !adopt(pwd))
		hf_cwd_kind = HF_CWD_INSIDE;
	errno = saved;
}

bool hf_cwd_claims_slow(int dirfd, const char *name)
{
	if (hf_cwd_kind == HF_CWD_START)
		start();
	return hf_cwd_kind == HF_CWD_VIRTUAL && dirfd == AT_FDCWD && name &&
	       name[0] && name[0] != '/';
}

bool hf_cwd_get(char *path)
{
	if (hf_cwd_kind != HF_CWD_VIRTUAL)
		return REAL(getcwd)(path, PATH_MAX) != NULL;
	strcpy(path, virtual_path);
	return true;
}

bool hf_cwd_inside(void)
{
	char path[PATH_MAX];
	int saved = errno;

	if (hf_cwd_kind == HF_CWD_START)
		start();
	if (hf_cwd_kind == HF_CWD_UNKNOWN) {
		hf_cwd_kind = hf_cwd_get(path) && !inside(path) ?
			      HF_CWD_OUTSIDE : HF_CWD_INSIDE;
		errno = saved;
	}
	return hf_cwd_kind != HF_CWD_OUTSIDE;
}

/* The kernel went somewhere. */
static void moved(const char *name)
{
	int kind = hf_cwd_kind;

	if (kind == HF_CWD_VIRTUAL && in_vfork_child())
		return;
	if (name[0] == '/')
		kind = inside(name) ? HF_CWD_INSIDE : HF_CWD_OUTSIDE;
	else if (kind != HF_CWD_OUTSIDE || strstr(name, ".."))
		kind = HF_CWD_UNKNOWN;
	hf_cwd_kind = kind;
}

/* Enter a directory of ours, or one of the machine's by way of ours. */
static int go_to(int dirfd, const char *name)
{
	struct hf_path p;
	enum hf_path_kind kind;
	int ret = -1;

	kind = hf_path_resolve(dirfd, name, AT_EMPTY_PATH, &p);
	if (kind == HF_PATH_REAL) {
		ret = REAL(chdir)(p.path);
		if (ret == 0)
			moved(p.path);
	} else if (kind == HF_PATH_NODE && !hf_path_is_dir(&p)) {
		errno = ENOTDIR;
	} else if (kind == HF_PATH_NODE) {
		char path[HF_TREE_PATH_MAX + 1];

		strcpy(path, p.path);
		hf_path_machine_dir(p.path);
		ret = REAL(chdir)(p.path);
		if (ret == 0)
			enter(path);
	}
	hf_path_put(&p);
	return ret;
}

static __typeof__(&chdir) real_chdir(void)
{
	return REAL(chdir);
}

void hf_cwd_resolve(void)
{
	real_chdir();
}

HF_SHIM_EXPORT int chdir(const char *name)
{
	bool ours = false;
	int ret;

	if (!hf_shim_active())
		return real_chdir()(name);
	ret = HF_PATH_TRY(AT_FDCWD, name, real_chdir()(name),
			  (ours = true, go_to(AT_FDCWD, name)));
	if (ret == 0 && !ours)
		moved(name);
	return ret;
}

HF_SHIM_EXPORT int fchdir(int fd)
{
	int saved = errno;
	int ret = REAL(fchdir)(fd);

	if (ret == 0 && hf_shim_active()) {
		if (hf_cwd_kind != HF_CWD_OUTSIDE || hf_open_seen())
			moved("..");
	} else if (ret < 0 && errno == ENOTDIR && hf_shim_active()) {
		ret = go_to(fd, "");
		if (ret == 0)
			errno = saved;
	}
	return ret;
}

/* As getcwd(3): NULL asks for memory, of @size bytes or as much as it takes. */
static char *copy_cwd(char *buf, size_t size)
{
	size_t need = strlen(virtual_path) + 1;

	if (buf && size == 0) {
		errno = EINVAL;
		return NULL;
	}
	if (size && size < need) {
		errno = ERANGE;
		return NULL;
	}
	if (!buf)
		buf = malloc(size ? size : need);
	return buf ? memcpy(buf, virtual_path, need) : NULL;
}

HF_SHIM_EXPORT char *getcwd(char *buf, size_t size)
{
	if (hf_cwd_claims(AT_FDCWD, "."))
		return copy_cwd(buf, size);
	return REAL(getcwd)(buf, size);
}

char *__getcwd_chk(char *buf, size_t size, size_t buflen);

HF_SHIM_EXPORT char *__getcwd_chk(char *buf, size_t size, size_t buflen)
{
	if (size <= buflen && hf_cwd_claims(AT_FDCWD, "."))
		return copy_cwd(buf, size);
	return REAL(__getcwd_chk)(buf, size, buflen);
}

HF_SHIM_EXPORT char *get_current_dir_name(void)
{
	if (hf_cwd_claims(AT_FDCWD, "."))
		return copy_cwd(NULL, 0);
	return REAL(get_current_dir_name)();
}
