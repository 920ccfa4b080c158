/* SPDX-License-Identifier: MIT */
/*
 * The environment, as it was when the program was started: a program that clears
 * its own keeps its device, and so do the programs that it starts with another
 * one, as with `env -i`. Written once, before the program runs.
 */
#define _GNU_SOURCE
#include "shim/environment.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shim/keep.h"
#include "shim/shim.h"
#include "shim/trap.h"
#include "shim/usercopy.h"

#define PRELOAD "LD_PRELOAD"

static struct hf_environment environment;

const struct hf_environment *hf_environment(void)
{
	return &environment;
}

static void learn(char *to, size_t size, const char *name)
{
	const char *value = getenv(name);

	if (value && strlen(value) < size)
		strcpy(to, value);
}

static void learn_shim(void)
{
	Dl_info info;

	if (dladdr(&environment, &info) && info.dli_fname &&
	    strlen(info.dli_fname) < sizeof(environment.shim))
		strcpy(environment.shim, info.dli_fname);
}

bool hf_environment_learn(void)
{
	const char *follow = getenv(HF_ENV_FOLLOW);

	learn(environment.socket, sizeof(environment.socket), HF_ENV_SOCKET);
	if (!environment.socket[0])
		return false;
	learn(environment.key, sizeof(environment.key), HF_ENV_KEY);
	learn(environment.trap, sizeof(environment.trap), HF_ENV_TRAP);
	learn_shim();
	environment.follow = !follow || strcmp(follow, "0");
	hf_keep_learn();
	return true;
}

/* What the program does later, to its environment for one, is not to matter. */
static __attribute__((constructor)) void start(void)
{
	if (hf_shim_active())
		hf_trap_start();
}

/* -- lists ------------------------------------------------------------------------ */

static const char *value_of(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return !strncmp(entry, name, length) && entry[length] == '=' ?
		       entry + length + 1 :
		       NULL;
}

static const char *find(char *const *list, const char *name)
{
	const char *value;

	for (; *list; list++)
		if ((value = value_of(*list, name)))
			return value;
	return NULL;
}

static bool is_shim(const char *entry, size_t length)
{
	const char *name = environment.shim;
	size_t library = strlen(HF_LIBRARY);

	return (length == strlen(name) && !memcmp(entry, name, length)) ||
	       (length >= library &&
		!memcmp(entry + length - library, HF_LIBRARY, library));
}

/* The first entry of a list like $LD_PRELOAD's that is the shim, or NULL. */
static const char *find_shim(const char *list, size_t *length)
{
	while (list && *list) {
		*length = strcspn(list, ": ");
		if (is_shim(list, *length))
			return list;
		list += *length;
		list += strspn(list, ": ");
	}
	return NULL;
}

/* -- completing -------------------------------------------------------------------- */

/* What an environment is to have, each as "NAME=value"; all of them fit. */
struct wanted {
	char socket[sizeof(HF_ENV_SOCKET) + sizeof(environment.socket)];
	char key[sizeof(HF_ENV_KEY) + sizeof(environment.key)];
	char trap[sizeof(HF_ENV_TRAP) + sizeof(environment.trap)];
	char kept[sizeof(HF_ENV_KEPT) + 32];
	char preload[];
};

#define MAX_ADDED 5

/* Where it can be loaded from: nowhere, to be left where it is, or a path. */
struct shim_entry {
	const char *path;
	char buf[40];
	bool add, remove;
};

static void choose_shim(const char *preload, bool wanted,
			struct shim_entry *entry)
{
	size_t length;
	const char *there = find_shim(preload, &length);

	entry->path = hf_keep_shim_path(entry->buf);
	wanted = wanted && entry->path;
	entry->remove = there && (!wanted || strlen(entry->path) != length ||
				  memcmp(entry->path, there, length));
	/* Another file of that name is as good, where names are what they were. */
	if (entry->remove && wanted && entry->path == environment.shim)
		entry->remove = false;
	entry->add = wanted && (!there || entry->remove);
}

/* "LD_PRELOAD=" and what belongs there. */
static void write_preload(char *to, const char *preload,
			  const struct shim_entry *entry)
{
	size_t length = 0;
	const char *there = entry->remove ? find_shim(preload, &length) : NULL;

	to = stpcpy(to, PRELOAD "=");
	if (entry->add)
		to = stpcpy(to, entry->path);
	if (entry->add && preload && *preload)
		to = stpcpy(to, ":");
	if (!preload)
		return;
	if (!there) {
		strcpy(to, preload);
		return;
	}
	to = mempcpy(to, preload, there - preload);
	strcpy(to, there + length);
}

static char *join(char *to, const char *name, const char *value)
{
	stpcpy(stpcpy(stpcpy(to, name), "="), value);
	return to;
}

/* The program's, but for those that are said anew. */
static size_t copy_list(char **to, char *const *list, bool preload, bool kept)
{
	size_t n = 0;

	for (; *list; list++)
		if (!(preload && value_of(*list, PRELOAD)) &&
		    !(kept && value_of(*list, HF_ENV_KEPT)))
			to[n++] = *list;
	return n;
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

/*
 * A child of vfork makes its list in its parent's memory, and is gone from it when
 * the program is started: the next one of this thread takes the list away.
 */
static __attribute__((tls_model("initial-exec"))) _Thread_local struct {
	void *map;
	size_t size;
	pid_t pid;
} last;

static void drop_last(void)
{
	if (last.map && last.pid != getpid())
		REAL(munmap)(last.map, last.size);
	last.map = NULL;
}

static void remember_last(const struct hf_environment_copy *copy)
{
	last.map = copy->map;
	last.size = copy->size;
	last.pid = getpid();
}

/* Memory for a list of @n entries and all that is added to it. */
static char **make_list(struct hf_environment_copy *copy, size_t n,
			const char *preload)
{
	size_t size = n * sizeof(char *) + sizeof(struct wanted) +
		      sizeof(PRELOAD "=:") + PATH_MAX +
		      (preload ? strlen(preload) : 0);
	void *map;

	drop_last();
	map = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	copy->map = map;
	copy->size = size;
	copy->list = map;
	remember_last(copy);
	return map;
}

/* The variables that a list lacks. Return: how many there are then. */
static size_t add_missing(char **to, size_t n, char *const *list,
			  struct wanted *wanted)
{
	if (!find(list, HF_ENV_SOCKET))
		to[n++] = join(wanted->socket, HF_ENV_SOCKET,
			       environment.socket);
	if (environment.key[0] && !find(list, HF_ENV_KEY))
		to[n++] = join(wanted->key, HF_ENV_KEY, environment.key);
	if (environment.trap[0] && !find(list, HF_ENV_TRAP))
		to[n++] = join(wanted->trap, HF_ENV_TRAP, environment.trap);
	return n;
}

static bool is_followed(char *const *list)
{
	const char *follow = find(list, HF_ENV_FOLLOW);
	const char *socket = find(list, HF_ENV_SOCKET);

	if (!environment.follow || (follow && !strcmp(follow, "0")))
		return false;
	/* Another server's client is not ours to complete. */
	return !socket || !strcmp(socket, environment.socket);
}

void hf_environment_complete(char *const *list, bool preload,
			     struct hf_environment_copy *copy)
{
	static char *const empty[] = { NULL };
	struct shim_entry entry;
	struct wanted *wanted;
	const char *old;
	bool keeps, loads;
	char kept[32], **to;
	size_t n;

	list = list ? list : empty;
	*copy = (struct hf_environment_copy){ .list = list };
	if (!hf_user_readable(list) || !is_followed(list))
		return;
	old = find(list, PRELOAD);
	choose_shim(old, preload, &entry);
	loads = entry.add || entry.remove;
	keeps = hf_keep_describe(kept, sizeof(kept));
	if (!loads && !keeps && find(list, HF_ENV_SOCKET) &&
	    (!environment.key[0] || find(list, HF_ENV_KEY)))
		return;
	n = count(list) + MAX_ADDED + 1;
	to = make_list(copy, n, old);
	if (!to)
		return;
	wanted = (struct wanted *)(to + n);
	n = copy_list(to, list, loads, keeps);
	if (loads) {
		write_preload(wanted->preload, old, &entry);
		to[n++] = wanted->preload;
	}
	n = add_missing(to, n, list, wanted);
	if (keeps)
		to[n++] = join(wanted->kept, HF_ENV_KEPT, kept);
}

void hf_environment_keep(struct hf_environment_copy *copy)
{
	if (copy->map && last.map == copy->map)
		last.map = NULL;
}

void hf_environment_drop(struct hf_environment_copy *copy)
{
	int saved = errno;

	hf_environment_keep(copy);
	if (copy->map)
		REAL(munmap)(copy->map, copy->size);
	errno = saved;
}
