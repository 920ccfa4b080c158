/* SPDX-License-Identifier: MIT */
/*
 * nftw and ftw over paths that may be ours: the C library's call its own
 * opendir and stat, which see the machine only.
 *
 * A walk holds one directory open a level, not the few that its caller asked
 * for; the trees in question are shallow.
 */
#include "shim/path.h"

#include <dirent.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>

struct tree_walk {
	char path[PATH_MAX];
	size_t length;
	__nftw_func_t visit;
	__ftw_func_t visit_plainly;
	int flags;
	dev_t dev;
	struct FTW ftw;
};

static int report(struct tree_walk *w, const struct stat *st, int type)
{
	const char *slash = strrchr(w->path, '/');

	w->ftw.base = slash && slash[1] ? (int)(slash + 1 - w->path) : 0;
	if (w->visit)
		return w->visit(w->path, st, type, &w->ftw);
	if (type == FTW_SLN)
		type = FTW_NS;
	return w->visit_plainly(w->path, st, type);
}

/* What is it? The type to report, or -1 where the walk fails. */
static int look_at(struct tree_walk *w, struct stat *st)
{
	bool link = w->flags & FTW_PHYS;

	if ((link ? lstat(w->path, st) : stat(w->path, st)) == 0) {
		if (S_ISLNK(st->st_mode))
			return FTW_SL;
		return S_ISDIR(st->st_mode) ? FTW_D : FTW_F;
	}
	if (!link && lstat(w->path, st) == 0 && S_ISLNK(st->st_mode))
		return FTW_SLN;
	if (errno == EACCES || (errno == ENOENT && w->ftw.level > 0))
		return FTW_NS;
	return -1;
}

/*
 * Is this directory one that the walk is in already? By way of links only; it
 * would not end.
 */
static bool is_above(struct tree_walk *w, const struct stat *st)
{
	size_t cut = w->length;
	struct stat above;
	bool found = false;

	if (w->flags & FTW_PHYS)
		return false;
	while (!found && cut > 0) {
		while (cut > 0 && w->path[cut] != '/')
			cut--;
		if (cut == 0)
			break;
		w->path[cut] = '\0';
		found = stat(w->path, &above) == 0 &&
			above.st_ino == st->st_ino &&
			above.st_dev == st->st_dev;
		w->path[cut] = '/';
		cut--;
	}
	return found;
}

static int visit(struct tree_walk *w);

/* Visit an entry of the directory that the path names. */
static int visit_entry(struct tree_walk *w, const char *name)
{
	size_t length = w->length, more = strlen(name);
	bool slash = length && w->path[length - 1] == '/';
	int ret;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0;
	if (length + 1 + more >= sizeof(w->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!slash)
		w->path[w->length++] = '/';
	memcpy(w->path + w->length, name, more + 1);
	w->length += more;
	w->ftw.level++;
	ret = visit(w);
	w->ftw.level--;
	w->length = length;
	w->path[length] = '\0';
	return ret;
}

static int visit_entries(struct tree_walk *w, DIR *dir)
{
	struct dirent *e;
	int ret = 0;

	while (ret == 0 && (e = readdir(dir)))
		ret = visit_entry(w, e->d_name);
	if ((w->flags & FTW_ACTIONRETVAL) && ret == FTW_SKIP_SIBLINGS)
		ret = 0;
	return ret;
}

static int visit_dir(struct tree_walk *w, const struct stat *st)
{
	DIR *dir;
	int ret = 0;

	if (is_above(w, st))
		return 0;
	dir = opendir(w->path);
	if (!dir)
		return errno == EACCES ? report(w, st, FTW_DNR) : -1;
	if (!(w->flags & FTW_DEPTH))
		ret = report(w, st, FTW_D);
	if ((w->flags & FTW_ACTIONRETVAL) && ret == FTW_SKIP_SUBTREE) {
		closedir(dir);
		return 0;
	}
	if (ret == 0)
		ret = visit_entries(w, dir);
	closedir(dir);
	if (ret == 0 && (w->flags & FTW_DEPTH))
		ret = report(w, st, FTW_DP);
	return ret;
}

static int visit(struct tree_walk *w)
{
	struct stat st = { 0 };
	int type = look_at(w, &st);

	if (type < 0)
		return -1;
	if (w->ftw.level == 0)
		w->dev = st.st_dev;
	else if ((w->flags & FTW_MOUNT) && type != FTW_NS &&
		 st.st_dev != w->dev)
		return 0;
	return type == FTW_D ? visit_dir(w, &st) : report(w, &st, type);
}

static int start(struct tree_walk *w, const char *name)
{
	size_t length = strlen(name);

	if (length >= sizeof(w->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while (length > 1 && name[length - 1] == '/')
		length--;
	memcpy(w->path, name, length);
	w->length = length;
	return visit(w);
}

/* Walks that change directories are left to the C library. */
static bool walk_ours(const char *name, int flags)
{
	return hf_shim_active() && !(flags & FTW_CHDIR) &&
	       (name[0] == '/' ? hf_path_merged(name) :
				 hf_path_named(name) ||
				 hf_path_first(AT_FDCWD, name) ||
				 hf_cwd_claims(AT_FDCWD, name));
}

HF_SHIM_EXPORT int nftw(const char *name, __nftw_func_t fn, int fds, int flags)
{
	struct tree_walk w = { .visit = fn, .flags = flags };

	return walk_ours(name, flags) ? start(&w, name) :
					REAL(nftw)(name, fn, fds, flags);
}

HF_SHIM_EXPORT int ftw(const char *name, __ftw_func_t fn, int fds)
{
	struct tree_walk w = { .visit_plainly = fn };

	return walk_ours(name, 0) ? start(&w, name) : REAL(ftw)(name, fn, fds);
}

HF_ALIAS64(nftw64, nftw)
HF_ALIAS64(ftw64, ftw)
