/* SPDX-License-Identifier: MIT */
/*
 * The files of debugfs. See the header.
 *
 * What a file says is printed when it is opened, into a memfd, but for CRCs, which are
 * a socket. Nothing here lives longer than a request, except for what is in crc.c.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/crc.h"
#include "server/debugfs.h"
#include "server/kms_state.h"
#include "uapi/tree.h"

/* -- what files say -------------------------------------------------------- */

static void print_name(FILE *out, const struct hf_device *dev)
{
	fprintf(out, "%s dev=%s%s%s unique=%s\n", dev->driver->name,
		dev->unique,
		dev->master && dev->master->unique_set ? " master=" : "",
		dev->master && dev->master->unique_set ? dev->unique : "",
		dev->unique);
}

static void print_clients(FILE *out, const struct hf_device *dev)
{
	const struct hf_file *file;
	char name[HF_COMM_SIZE];

	fprintf(out, "%20s %5s %3s master a %5s %10s\n", "command", "pid",
		"dev", "uid", "magic");
	wl_list_for_each(file, &dev->files, link) {
		hf_process_name(file->cred.pid, name);
		fprintf(out, "%20s %5d %3d   %c    %c %5d %10u\n", name,
			file->cred.pid,
			file->render ? dev->render_minor : dev->primary_minor,
			hf_file_is_current_master(file) ? 'y' : 'n',
			file->authenticated ? 'y' : 'n', file->cred.uid,
			file->magic);
	}
}

static void print_names(FILE *out, const struct hf_device *dev)
{
	const struct hf_gem_object *object;

	fputs("  name     size handles refcount\n", out);
	for (uint32_t id = 1; (object = hf_idr_next(&dev->gem.names, &id));
	     id++)
		fprintf(out, "%6u %8zu %7u %8u\n", object->name, object->size,
			object->handle_count, object->refcount);
}

static void print_state(FILE *out, const struct hf_device *dev)
{
	hf_kms_state_print(out, &dev->kms);
}

static void print_framebuffers(FILE *out, const struct hf_device *dev)
{
	hf_kms_framebuffers_print(out, &dev->kms);
}

static void print_sources(FILE *out, const struct hf_device *dev)
{
	(void)dev;
	hf_crc_print_sources(out);
}

typedef void (*printer)(FILE *out, const struct hf_device *dev);

static printer find_printer(const struct hf_device *dev, const char *name)
{
	static const struct {
		const char *name;
		printer print;
		bool display;
	} files[] = {
		{ "name", print_name, false },
		{ "clients", print_clients, false },
		{ "gem_names", print_names, false },
		{ "state", print_state, true },
		{ "framebuffer", print_framebuffers, true },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(files[i].name, name) &&
		    (dev->driver->kms || !files[i].display))
			return files[i].print;
	return NULL;
}

/* As the shim makes them of the tree's files. */
static int make_file(const char *path, mode_t mode, const char *text,
		     size_t size)
{
	char name[sizeof("holdfast:") + HF_TREE_PATH_MAX];
	int fd, ret;

	if (snprintf(name, sizeof(name), "holdfast:%s", path) >=
	    (int)sizeof(name))
		return -ENOENT;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, size) == (ssize_t)size && !fchmod(fd, mode) &&
			      !fcntl(fd, F_ADD_SEALS,
				     F_SEAL_SHRINK | F_SEAL_GROW |
					     F_SEAL_WRITE | F_SEAL_SEAL) ?
		      0 :
		      -ENOMEM;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int open_text(const char *path, mode_t mode,
		     const struct hf_device *dev, printer print)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret = -ENOMEM;

	if (!out)
		return ret;
	print(out, dev);
	if (!fclose(out))
		ret = make_file(path, mode, text, size);
	free(text);
	return ret;
}

/* -- paths ----------------------------------------------------------------- */

static struct hf_device *find_device(struct hf_system *sys, int minor)
{
	struct hf_device *dev;

	wl_list_for_each(dev, &sys->devices, link)
		if (!dev->unplugged && (minor == dev->primary_minor ||
					minor == dev->render_minor))
			return dev;
	return NULL;
}

/*
 * What a path below debugfs's directory names: a minor's device, and the rest.
 * NULL: there is no such device, any more.
 */
static struct hf_device *parse_path(struct hf_system *sys, const char *path,
				    int *minor, const char **rest)
{
	int n = 0;

	if (sscanf(path, HF_DEBUGFS_DIR "/%d/%n", minor, &n) != 1 || !n)
		return NULL;
	*rest = path + n;
	return find_device(sys, *minor);
}

/* "crtc-N/…" of a primary minor: N and the rest, or NULL. */
static const char *parse_crtc(const struct hf_device *dev, int minor,
			      const char *rest, unsigned int *crtc)
{
	int n = 0;

	if (!dev->driver->kms || minor != dev->primary_minor ||
	    !hf_kms_has_vblank(&dev->kms) ||
	    sscanf(rest, "crtc-%u/%n", crtc, &n) != 1 || !n ||
	    *crtc >= dev->kms.num_crtcs)
		return NULL;
	return rest + n;
}

static struct hf_crcs *crcs_of(struct hf_device *dev)
{
	if (!dev->crcs)
		dev->crcs = hf_crcs_create(dev);
	return dev->crcs;
}

static int open_crc(struct hf_device *dev, unsigned int crtc, const char *path,
		    const char *name)
{
	struct hf_crcs *crcs = crcs_of(dev);
	int client, ret;

	if (!strcmp(name, "crc/control"))
		return open_text(path, 0644, dev, print_sources);
	if (strcmp(name, "crc/data"))
		return -ENOENT;
	ret = crcs ? hf_crc_open(crcs, crtc, &client) : -ENOMEM;
	return ret ? ret : client;
}

static int open_path(struct hf_system *sys, const char *path)
{
	const char *rest, *name;
	struct hf_device *dev;
	unsigned int crtc;
	printer print;
	int minor;

	dev = parse_path(sys, path, &minor, &rest);
	if (!dev)
		return -ENOENT;
	name = parse_crtc(dev, minor, rest, &crtc);
	if (name)
		return open_crc(dev, crtc, path, name);
	print = find_printer(dev, rest);
	return print ? open_text(path, 0444, dev, print) : -ENOENT;
}

int hf_debugfs_open(struct hf_system *sys, const struct hf_cred *cred,
		    const char *path)
{
	int ret;

	if (cred->uid != geteuid() && !hf_cred_capable(cred))
		return -EACCES;
	pthread_mutex_lock(&sys->lock);
	ret = open_path(sys, path);
	pthread_mutex_unlock(&sys->lock);
	return ret;
}

int hf_debugfs_set_source(struct hf_system *sys, const char *dir,
			  const char *text)
{
	const char *rest, *name;
	struct hf_device *dev;
	unsigned int crtc;
	int minor;

	dev = parse_path(sys, dir, &minor, &rest);
	name = dev ? parse_crtc(dev, minor, rest, &crtc) : NULL;
	if (!name || strcmp(name, "crc"))
		return -EIO;
	return crcs_of(dev) ? hf_crc_set_source(dev->crcs, crtc, text) :
			      -ENOMEM;
}

void hf_debugfs_finish(struct hf_system *sys)
{
	struct hf_device *dev;

	pthread_mutex_lock(&sys->lock);
	wl_list_for_each(dev, &sys->devices, link) {
		hf_crcs_destroy(dev->crcs);
		dev->crcs = NULL;
	}
	pthread_mutex_unlock(&sys->lock);
}
