/* SPDX-License-Identifier: MIT */
/*
 * Names: is this one ours, and what does it lead to?
 *
 * The tree's mapping lives in a static variable, for it is still there and
 * still right after a fork. Readers are counted in the state that the kernel
 * wipes on fork; a tree that was replaced is unmapped when nobody reads.
 */
#include "shim/path.h"
#include "shim/client.h"
#include "shim/device.h"
#include "shim/served.h"
#include "shim/usercopy.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAX_LINKS 40
#define MEMFD_PREFIX "/memfd:holdfast:"
#define MEMFD_SUFFIX " (deleted)"

/* Directories that the machine may have too; sorted. */
static const char *const merged_dirs[] = {
	"/dev",
	"/dev/char",
	"/dev/dri",
	"/dev/dri/by-path",
	"/run/systemd",
	"/run/systemd/seats",
	"/run/systemd/sessions",
	"/run/systemd/users",
	"/run/udev",
	"/run/udev/data",
	"/run/udev/tags",
	"/run/udev/tags/master-of-seat",
	"/run/udev/tags/power-switch",
	"/run/udev/tags/seat",
	"/run/udev/tags/uaccess",
	"/sys",
	"/sys/bus",
	"/sys/bus/platform",
	"/sys/bus/platform/devices",
	"/sys/bus/platform/drivers",
	"/sys/class",
	"/sys/class/drm",
	"/sys/class/tty",
	"/sys/dev",
	"/sys/dev/char",
	"/sys/devices",
	"/sys/devices/platform",
	"/sys/devices/virtual",
	"/sys/devices/virtual/tty",
	"/sys/kernel",
	"/sys/kernel/debug",
	HF_DEBUGFS_DIR,
};

#define MAX_RETIRED 32

struct state {
	_Atomic(unsigned int) readers;
	_Atomic(unsigned int) n_retired;
	_Atomic(const struct hf_tree *) retired[MAX_RETIRED];
};

static _Atomic(const struct hf_tree *) current;
static _Atomic(unsigned int) current_generation;

static struct state *get_state(void)
{
	return hf_shim_state(HF_SHIM_STATE_PATHS, sizeof(struct state));
}

/* ---- The tree ---- */

static void unmap(const struct hf_tree *tree)
{
	if (tree)
		REAL(munmap)((void *)tree, tree->size);
}

static const struct hf_tree *map_tree(void)
{
	const struct hf_tree *tree = NULL;
	int fd = hf_shim_tree_fd();
	struct stat st;
	void *blob;
	int seals;

	if (fd < 0)
		return NULL;
	seals = REAL(fcntl)(fd, F_GET_SEALS);
	if (seals >= 0 && (seals & F_SEAL_SHRINK) && (seals & F_SEAL_WRITE) &&
	    REAL(fstat)(fd, &st) == 0 && st.st_size > 0) {
		size_t size = (size_t)st.st_size;

		blob = hf_shim_map(size, MAP_PRIVATE, fd);
		if (blob != MAP_FAILED && hf_tree_valid(blob, size))
			tree = blob;
		else if (blob != MAP_FAILED)
			REAL(munmap)(blob, size);
	}
	REAL(close)(fd);
	return tree;
}

/*
 * Keep an old tree for those who read it. Where too many wait already it is
 * given up: a few pages, where trees change faster than readers finish.
 */
static void retire(struct state *state, const struct hf_tree *old)
{
	for (size_t i = 0; old && i < MAX_RETIRED; i++) {
		const struct hf_tree *none = NULL;

		if (!atomic_compare_exchange_strong(&state->retired[i], &none,
						    old))
			continue;
		atomic_fetch_add(&state->n_retired, 1);
		return;
	}
}

static const struct hf_tree *refresh(struct state *state,
				     const struct hf_tree *old,
				     unsigned int generation)
{
	const struct hf_tree *tree = map_tree();

	if (!tree)
		return old;
	if (!atomic_compare_exchange_strong(&current, &old, tree)) {
		unmap(tree);
		return old;
	}
	atomic_store(&current_generation, generation);
	retire(state, old);
	return tree;
}

/*
 * The current tree, which stays mapped until put_tree(). A generation of 0
 * means that there was no connection to ask; the tree is asked for once more
 * when there is.
 */
static const struct hf_tree *get_tree(void)
{
	struct state *state = get_state();
	unsigned int generation;
	const struct hf_tree *tree;

	atomic_fetch_add(&state->readers, 1);
	generation = hf_shim_tree_generation();
	tree = atomic_load(&current);
	if (!tree || (generation && generation != current_generation))
		tree = refresh(state, tree, generation);
	if (!tree)
		atomic_fetch_sub(&state->readers, 1);
	return tree;
}

/*
 * A reader who comes after a tree was retired cannot find it any more, so
 * when the count is zero while we hold it, nobody has it.
 */
static void sweep(struct state *state)
{
	for (size_t i = 0; i < MAX_RETIRED; i++) {
		const struct hf_tree *old =
			atomic_exchange(&state->retired[i], NULL);

		if (!old)
			continue;
		atomic_fetch_sub(&state->n_retired, 1);
		if (atomic_load(&state->readers) == 0)
			unmap(old);
		else
			retire(state, old);
	}
}

static void put_tree(const struct hf_tree *tree)
{
	struct state *state;

	if (!tree)
		return;
	state = get_state();
	if (atomic_fetch_sub(&state->readers, 1) == 1 &&
	    atomic_load(&state->n_retired))
		sweep(state);
}

/* ---- Descriptors ---- */

bool hf_path_plain(char *text)
{
	size_t prefix = strlen(MEMFD_PREFIX), suffix = strlen(MEMFD_SUFFIX);
	size_t length = strlen(text);

	if (strncmp(text, MEMFD_PREFIX, prefix) != 0 ||
	    length <= prefix + suffix ||
	    strcmp(text + length - suffix, MEMFD_SUFFIX) != 0)
		return false;
	length -= prefix + suffix;
	memmove(text, text + prefix, length);
	text[length] = '\0';
	return true;
}

bool hf_path_of_fd(int fd, char *path)
{
	char link[40] = "/proc/thread-self/fd/";
	char *end = link + strlen(link);
	unsigned int n = (unsigned int)fd, scale = 1;
	int saved = errno;
	ssize_t length;

	*path = '\0';
	if (fd < 0)
		return false;
	while (n / scale >= 10)
		scale *= 10;
	for (; scale > 0; scale /= 10)
		*end++ = (char)('0' + n / scale % 10);
	*end = '\0';

	length = REAL(readlink)(link, path, PATH_MAX - 1);
	errno = saved;
	if (length < 0)
		return false;
	path[length] = '\0';
	return hf_path_plain(path);
}

/* Digits to the end, as a descriptor's number. */
static int parse_fd(const char *s)
{
	int fd = 0;

	if (!isdigit((unsigned char)*s))
		return -1;
	for (; isdigit((unsigned char)*s); s++) {
		if (fd > 99999999)
			return -1;
		fd = fd * 10 + (*s - '0');
	}
	return *s ? -1 : fd;
}

/* The rest of a "/proc/<this process>/fd/…" after the last slash, or NULL. */
static const char *after_proc_fd(const char *path)
{
	static const char *const places[] = {
		"/proc/self/fd/", "/proc/thread-self/fd/", "/dev/fd/",
	};
	const char *pid = path + strlen("/proc/");
	const char *end;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return path + strlen(places[i]);

	if (strncmp(path, "/proc/", 6) != 0)
		return NULL;
	end = pid + strspn(pid, "0123456789");
	if (end == pid)
		return NULL;
	if (strncmp(end, "/task/", 6) == 0)
		end += 6 + strspn(end + 6, "0123456789");
	if (strncmp(end, "/fd/", 4) != 0)
		return NULL;
	return strtol(pid, NULL, 10) == getpid() ? end + 4 : NULL;
}

int hf_path_fd_link(int dirfd, const char *name)
{
	char dir[PATH_MAX];
	const char *rest;

	if (name[0] == '/') {
		if (strcmp(name, "/dev/stdin") == 0)
			return 0;
		if (strcmp(name, "/dev/stdout") == 0)
			return 1;
		if (strcmp(name, "/dev/stderr") == 0)
			return 2;
		rest = after_proc_fd(name);
		return rest ? parse_fd(rest) : -1;
	}
	if (parse_fd(name) < 0)
		return -1;
	if (dirfd == AT_FDCWD ? !hf_cwd_get(dir) : hf_path_of_fd(dirfd, dir))
		return -1;
	if (strlen(dir) + 2 > sizeof(dir))
		return -1;
	strcat(dir, "/");
	rest = after_proc_fd(dir);
	return rest && !*rest ? parse_fd(name) : -1;
}

/* ---- Looks ---- */

static bool starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static bool component_is(const char *s, const char *word)
{
	size_t length = strlen(word);

	return strncmp(s, word, length) == 0 && (!s[length] || s[length] == '/');
}

/* Could this component be an entry of ours in a directory of the machine? */
static bool component_named(const char *s)
{
	switch (s[0]) {
	case 'd':
		return component_is(s, "dri") || component_is(s, "drm");
	case 'c':
		return (starts(s, "card") && isdigit((unsigned char)s[4])) ||
		       starts(s, "c226:") || starts(s, "c13:") ||
		       component_is(s, "control");
	case '+':
		return starts(s, "+drm:card") || starts(s, "+input:");
	case 'i':
		return starts(s, "input");
	case 'e':
		return starts(s, "event") && isdigit((unsigned char)s[5]);
	case '1':
		return starts(s, "13:");
	case 'r':
		return starts(s, "renderD");
	case 'h':
		return starts(s, "holdfast");
	case 'p':
		return starts(s, "platform-holdfast");
	case '2':
		return starts(s, "226:");
	default:
		return false;
	}
}

/* Is there such a component in the name? */
static bool has_component(const char *name, bool (*is)(const char *))
{
	for (const char *s = name;; s++) {
		if (is(s))
			return true;
		s = strchr(s, '/');
		if (!s)
			return false;
	}
}

bool hf_path_named(const char *name)
{
	return name && hf_shim_active() && has_component(name, component_named);
}

/*
 * Could this component make a name one that goes before the machine's? Each of
 * HF_TREE_FIRST's paths, and each that is hidden, has one.
 */
static bool component_first(const char *s)
{
	switch (s[0]) {
	case 't':
		return starts(s, "tty") && isdigit((unsigned char)s[3]);
	case 'i':
		return component_is(s, "input");
	case 'c':
		return starts(s, "c13:");
	case '+':
		return starts(s, "+input:");
	case '1':
		return starts(s, "13:");
	case '4':
		return starts(s, "4:");
	case 's':
		return component_is(s, "seats") || component_is(s, "sessions");
	case 'u':
		return component_is(s, "users");
	default:
		return false;
	}
}

/* What the machine has of these is hidden by a seat: they begin so. */
static const char *const hidden_paths[] = {
	"/dev/char/13:",
	"/run/udev/data/+input:",
	"/run/udev/data/c13:",
	"/run/udev/tags/power-switch/+input:",
	"/run/udev/tags/power-switch/c13:",
	"/run/udev/tags/seat/+input:",
	"/run/udev/tags/seat/c13:",
	"/run/udev/tags/uaccess/+input:",
	"/run/udev/tags/uaccess/c13:",
	"/sys/dev/char/13:",
};

bool hf_path_hidden(const struct hf_tree *tree, const char *path)
{
	for (size_t i = 0; i < sizeof(hidden_paths) / sizeof(hidden_paths[0]); i++)
		if (starts(path, hidden_paths[i]))
			return hf_tree_find(tree, HF_TREE_SEAT);
	return false;
}

/* By itself, for it takes much of a signal handler's stack. */
static __attribute__((noinline)) bool resolves_first(int dirfd, const char *name)
{
	struct hf_path p;
	int saved = errno;

	hf_path_resolve(dirfd, name, AT_SYMLINK_NOFOLLOW, &p);
	hf_path_put(&p);
	errno = saved;
	return p.first;
}

bool hf_path_first(int dirfd, const char *name)
{
	if (!name || !hf_shim_active() || !hf_user_readable(name))
		return false;
	if (name[0] == '/') {
		const char *s = name + strspn(name, "/");

		if (!starts(s, "dev/") && !starts(s, "sys/") &&
		    !starts(s, "run/"))
			return false;
	}
	if (!has_component(name, component_first) ||
	    (name[0] != '/' && dirfd == AT_FDCWD && !hf_cwd_inside()))
		return false;
	return resolves_first(dirfd, name);
}

bool hf_path_merges(const char *path)
{
	for (size_t i = 0; i < sizeof(merged_dirs) / sizeof(merged_dirs[0]); i++)
		if (strcmp(path, merged_dirs[i]) == 0)
			return true;
	return false;
}

bool hf_path_merged(const char *name)
{
	while (*name == '/' || (name[0] == '.' && name[1] == '/'))
		name++;
	return starts(name, "dev") || starts(name, "sys") ||
	       starts(name, "run/udev") || starts(name, "run/systemd");
}

bool hf_path_merged_dir(const char *name)
{
	char path[HF_TREE_PATH_MAX];
	size_t length;

	if (!hf_path_merged(name))
		return false;
	length = strnlen(name, sizeof(path));
	if (length == sizeof(path))
		return false;
	while (length > 1 && name[length - 1] == '/')
		length--;
	memcpy(path, name, length);
	path[length] = '\0';
	return hf_path_merges(path);
}

/* The machine shows its debugfs to root only; ours is for whom the server says. */
static bool hidden(const char *name)
{
	return errno == EACCES && starts(name, HF_DEBUGFS_DIR);
}

bool hf_path_missed(int dirfd, const char *name)
{
	if ((errno != ENOENT && errno != ENOTDIR && !hidden(name)) ||
	    !hf_shim_active())
		return false;
	if (name[0] != '/') {
		if (dirfd == AT_FDCWD)
			return hf_cwd_kind == HF_CWD_VIRTUAL ||
			       hf_path_named(name);
		return errno == ENOTDIR || !name[0] || hf_path_named(name);
	}
	if (starts(name, "/proc/") && strstr(name, "/fd/"))
		return true;
	return hf_path_named(name) || hf_path_merged_dir(name);
}

/* ---- Walking ---- */

/*
 * The walk keeps the canonical path so far in its result, without a slash at
 * the end (the root is empty), and what is still to be walked at the end of
 * @rest, so that a link's target fits in before it.
 */
struct walk {
	struct hf_path *p;
	size_t length;
	char rest[PATH_MAX];
	size_t next;
	unsigned int links;
	bool ours;
};

/* Put text before the rest. */
static bool prepend(struct walk *w, const char *text, size_t length)
{
	if (length > w->next)
		return false;
	w->next -= length;
	memmove(w->rest + w->next, text, length);
	return true;
}

static void set_length(struct walk *w, size_t length)
{
	w->length = length;
	w->p->path[length] = '\0';
}

static void pop(struct walk *w)
{
	char *slash = strrchr(w->p->path, '/');

	set_length(w, slash ? (size_t)(slash - w->p->path) : 0);
}

/* Append the next component; false where it would be too long. */
static bool push(struct walk *w, size_t length)
{
	if (w->length + 1 + length >= sizeof(w->p->path))
		return false;
	w->p->path[w->length] = '/';
	memcpy(w->p->path + w->length + 1, w->rest + w->next, length);
	set_length(w, w->length + 1 + length);
	return true;
}

/* Continue at a link's target, which stands at the front of the rest. */
static int expand(struct walk *w, const char *target, size_t length)
{
	if (++w->links > MAX_LINKS)
		return ELOOP;
	pop(w);
	if (target[0] == '/')
		set_length(w, 0);
	if (w->rest[w->next] && !prepend(w, "/", 1))
		return ENAMETOOLONG;
	return prepend(w, target, length) ? 0 : ENAMETOOLONG;
}

/*
 * A link of the machine's on the way. Its target is read into the free front
 * of the rest.
 *
 * Return: 0 to go on, an errno, or -1 where the machine has nothing there.
 */
static int follow_machine(struct walk *w, bool follow)
{
	char *target = w->rest;
	ssize_t n;

	if (w->next < 2)
		return ENAMETOOLONG;
	n = REAL(readlink)(w->p->path, target, w->next - 1);
	if (n < 0)
		return errno == EINVAL ? 0 : -1;
	if (!follow)
		return 0;
	target[n] = '\0';
	if (hf_path_plain(target)) {
		n = (ssize_t)strlen(target);
		w->ours = true;
	}
	return expand(w, target, (size_t)n);
}

/*
 * Take one component.
 *
 * Return: 0 to go on, an errno, or -1 to leave the rest to the kernel.
 */
static int step(struct walk *w, bool nofollow)
{
	const char *name = w->rest + w->next;
	size_t length = strcspn(name, "/");
	bool last = !name[length + strspn(name + length, "/")];
	bool slash = name[length] == '/';
	bool follow = !last || slash || !nofollow;
	const struct hf_tree_node *node, *parent;

	if (length == 1 && name[0] == '.') {
		w->next += 1;
		return 0;
	}
	if (length == 2 && name[0] == '.' && name[1] == '.') {
		pop(w);
		w->next += 2;
		return 0;
	}

	parent = hf_tree_find(w->p->tree, w->p->path);
	if (!push(w, length))
		return ENAMETOOLONG;
	w->next += length;
	node = hf_tree_find(w->p->tree, w->p->path);
	if (!node) {
		if (parent && !(parent->flags & HF_TREE_OVERLAY))
			return ENOENT;
		if (!hf_path_hidden(w->p->tree, w->p->path))
			return follow_machine(w, follow);
		w->p->first = true;
		return ENOENT;
	}

	w->ours = true;
	w->p->first |= (node->flags & HF_TREE_FIRST) ||
		       hf_path_hidden(w->p->tree, w->p->path);
	switch (node->mode & S_IFMT) {
	case S_IFDIR:
		return 0;
	case S_IFLNK:
		if (!follow)
			return 0;
		return expand(w, hf_tree_data(w->p->tree, node),
			      node->data_size);
	default:
		return last && !slash ? 0 : ENOTDIR;
	}
}

/* Walk what is in @w->rest; an errno, 0 at the end, -1 to leave the rest. */
static int walk(struct walk *w, bool nofollow)
{
	for (;;) {
		int ret;

		while (w->rest[w->next] == '/')
			w->next++;
		if (!w->rest[w->next])
			return 0;
		ret = step(w, nofollow);
		if (ret != 0)
			return ret;
	}
}

/* What the walk's end is. */
static enum hf_path_kind arrive(struct walk *w)
{
	struct hf_path *p = w->p;
	const struct hf_tree_node *node = hf_tree_find(p->tree, p->path);

	if (w->length == 0)
		strcpy(p->path, "/");
	if (node && (!(node->flags & HF_TREE_OVERLAY) ||
		     REAL(faccessat)(AT_FDCWD, p->path, F_OK,
				     AT_SYMLINK_NOFOLLOW) < 0)) {
		p->node = node;
		return HF_PATH_NODE;
	}
	return w->ours ? HF_PATH_REAL : HF_PATH_FAIL;
}

/* Give the kernel what is left of the walk. */
static enum hf_path_kind hand_over(struct walk *w)
{
	struct hf_path *p = w->p;
	size_t rest = strlen(w->rest + w->next);

	if (!w->ours)
		return HF_PATH_FAIL;
	if (w->length + rest >= sizeof(p->path)) {
		errno = ENAMETOOLONG;
		return HF_PATH_FAIL;
	}
	memcpy(p->path + w->length, w->rest + w->next, rest + 1);
	return HF_PATH_REAL;
}

/* A memfd of ours may outlive its node; its permissions tell what it was. */
static uint32_t mode_of_gone(int fd)
{
	struct stat st = { 0 };

	REAL(fstat)(fd, &st);
	switch (st.st_mode & 0777) {
	case 0777:
		return S_IFLNK | 0777;
	case 0755:
		return S_IFDIR | 0755;
	default:
		return S_IFREG | (st.st_mode & 0777);
	}
}

static enum hf_path_kind resolve_fd(int fd, struct hf_path *p)
{
	p->node = hf_tree_find(p->tree, p->path);
	if (!p->node)
		p->gone_mode = mode_of_gone(fd);
	return HF_PATH_NODE;
}

/* Begin a relative walk: @p->path becomes the directory's. 0 or an errno. */
static int start_at(struct walk *w, int dirfd)
{
	struct hf_path *p = w->p;

	if (dirfd == AT_FDCWD) {
		w->ours = hf_cwd_kind == HF_CWD_VIRTUAL;
		if (!hf_cwd_get(p->path))
			return -1;
	} else {
		w->ours = hf_path_of_fd(dirfd, p->path);
		if (w->ours) {
			resolve_fd(dirfd, p);
			if (!hf_path_is_dir(p))
				return ENOTDIR;
			p->node = NULL;
		}
	}
	if (p->path[0] != '/')
		return -1;
	w->length = p->path[1] ? strlen(p->path) : 0;
	return 0;
}

static enum hf_path_kind resolve(int dirfd, const char *name, int flags,
				 struct hf_path *p)
{
	struct walk w = { .p = p, .next = sizeof(w.rest) - 1 };
	int saved = errno;
	int ret;

	if (!name[0]) {
		if (!(flags & AT_EMPTY_PATH) || !hf_path_of_fd(dirfd, p->path))
			return HF_PATH_FAIL;
		return resolve_fd(dirfd, p);
	}
	w.rest[w.next] = '\0';
	ret = prepend(&w, name, strnlen(name, PATH_MAX)) ? 0 : ENAMETOOLONG;
	set_length(&w, 0);
	if (ret == 0 && name[0] != '/') {
		ret = start_at(&w, dirfd);
		if (ret == 0)
			set_length(&w, w.length);
		else if (ret < 0)
			return HF_PATH_FAIL;
	}
	if (ret == 0)
		ret = walk(&w, flags & AT_SYMLINK_NOFOLLOW);
	errno = saved;
	if (ret > 0) {
		errno = ret;
		return HF_PATH_FAIL;
	}
	p->kind = ret < 0 ? hand_over(&w) : arrive(&w);
	if (p->kind == HF_PATH_FAIL)
		errno = saved;
	return p->kind;
}

enum hf_path_kind hf_path_resolve(int dirfd, const char *name, int flags,
				  struct hf_path *p)
{
	int saved = errno;

	p->kind = HF_PATH_FAIL;
	p->node = NULL;
	p->first = false;
	p->path[0] = '\0';
	p->tree = get_tree();
	errno = saved;
	if (p->tree)
		p->kind = resolve(dirfd, name, flags, p);
	return p->kind;
}

enum hf_path_kind hf_path_resolve_drm(int fd, struct hf_path *p)
{
	const struct hf_tree_node *node = NULL;
	unsigned int minor;
	int saved = errno;

	p->kind = HF_PATH_FAIL;
	p->node = NULL;
	p->tree = NULL;
	if (hf_served_path(fd, p->path, sizeof(p->path)) == 0) {
		p->tree = get_tree();
		p->node = p->tree ? hf_tree_find(p->tree, p->path) : NULL;
		p->kind = p->node ? HF_PATH_NODE : HF_PATH_FAIL;
		errno = saved;
		return p->kind;
	}
	errno = saved;
	if (hf_input_fd(fd, &minor)) {
		snprintf(p->path, sizeof(p->path), "/dev/input/event%u", minor);
		p->tree = get_tree();
		p->node = p->tree ? hf_tree_find(p->tree, p->path) : NULL;
		p->kind = p->node ? HF_PATH_NODE : HF_PATH_FAIL;
		errno = saved;
		return p->kind;
	}
	if (!hf_shim_drm_fd(fd, &minor))
		return p->kind;
	p->tree = get_tree();
	errno = saved;
	while (p->tree && (node = hf_tree_next(p->tree, "/dev/dri", node))) {
		if (!S_ISCHR(node->mode) || node->minor != minor)
			continue;
		strcpy(p->path, hf_tree_path(p->tree, node));
		p->node = node;
		p->kind = HF_PATH_NODE;
		break;
	}
	return p->kind;
}

void hf_path_put(struct hf_path *p)
{
	int saved = errno;

	put_tree(p->tree);
	p->tree = NULL;
	errno = saved;
}

uint32_t hf_path_mode(const struct hf_path *p)
{
	return p->node ? p->node->mode : p->gone_mode;
}

bool hf_path_is_dir(const struct hf_path *p)
{
	return S_ISDIR(hf_path_mode(p));
}

static bool in_group(gid_t gid)
{
	gid_t groups[256];
	int n = getgroups(256, groups);

	for (int i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool allowed_to(const struct hf_path *p, int mask, uid_t uid, gid_t gid)
{
	uint32_t mode = hf_path_mode(p);
	uid_t owner = p->node ? p->node->uid : 0;
	gid_t group = p->node ? p->node->gid : 0;

	if (uid == 0)
		return !(mask & X_OK) || (mode & 0111);
	if (uid == owner)
		mode >>= 6;
	else if (gid == group || ((mode >> 3 ^ mode) & 7 && in_group(group)))
		mode >>= 3;
	return !(mask & ~mode & 7);
}

/* In a user name space of its own a process has other numbers for those who it is
 * to the machine; the server sees the latter. */
bool hf_path_allowed(const struct hf_path *p, int mask, uid_t uid, gid_t gid)
{
	return allowed_to(p, mask, uid, gid) ||
	       (hf_client_ids(&uid, &gid) && allowed_to(p, mask, uid, gid));
}

void hf_path_machine_dir(char *path)
{
	int saved = errno;

	while (path[1] && REAL(faccessat)(AT_FDCWD, path, F_OK, 0) < 0) {
		char *slash = strrchr(path, '/');

		slash[slash == path] = '\0';
	}
	errno = saved;
}
