/* SPDX-License-Identifier: MIT */
/*
 * The files of debugfs. See the header.
 *
 * What is only read is printed when it is opened, into a memfd. A file that is opened to
 * be written is a socket: what the C library's stdio writes to it, past the shim, comes
 * as packets; they are looked at before any file is opened, so that who has written
 * sees what has come of it. The shim's own writes come as requests, and have an answer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/crc.h"
#include "server/debugfs.h"
#include "server/kms_state.h"
#include "uapi/tree.h"

#define MAX_WRITE 4096

struct hf_debugfs {
	struct hf_system *sys;
	struct wl_list controls; /* control.link */
};

/* An open crc/control. */
struct control {
	struct hf_endpoint endpoint;
	struct hf_debugfs *debugfs;
	struct hf_device *dev;
	unsigned int crtc;
	struct wl_list link;
};

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
static int make_file(const char *path, const char *text, size_t size)
{
	char name[sizeof("holdfast:") + HF_TREE_PATH_MAX];
	int fd, ret;

	if (snprintf(name, sizeof(name), "holdfast:%s", path) >=
	    (int)sizeof(name))
		return -ENOENT;
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, size) == (ssize_t)size && !fchmod(fd, 0444) &&
			      !fcntl(fd, F_ADD_SEALS,
				     F_SEAL_SHRINK | F_SEAL_GROW |
					     F_SEAL_WRITE | F_SEAL_SEAL) ?
		      0 :
		      -ENOMEM;
	if (ret)
		close(fd);
	return ret ? ret : fd;
}

static int open_text(const char *path, const struct hf_device *dev,
		     printer print)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int ret = -ENOMEM;

	if (!out)
		return ret;
	print(out, dev);
	if (!fclose(out))
		ret = make_file(path, text, size);
	free(text);
	return ret;
}

/* -- control --------------------------------------------------------------- */

static void close_control(struct control *control)
{
	hf_endpoint_close(&control->debugfs->sys->endpoints,
			  &control->endpoint);
	wl_list_remove(&control->link);
	free(control);
}

/* Nobody hears of an error. */
static void control_ready(struct hf_endpoint *endpoint)
{
	struct control *control = wl_container_of(endpoint, control, endpoint);
	char text[MAX_WRITE];
	ssize_t n;

	while ((n = recv(endpoint->fd, text, sizeof(text),
			 MSG_DONTWAIT | MSG_TRUNC)) > 0)
		hf_crc_set_source(control->dev->crcs, control->crtc, text,
				  n < MAX_WRITE ? n : MAX_WRITE);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		close_control(control);
}

/* What is read from it comes first, and then nothing. */
static int send_sources(struct control *control)
{
	char text[64] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");

	if (!out)
		return -ENOMEM;
	hf_crc_print_sources(out);
	fclose(out);
	if (send(control->endpoint.fd, text, strlen(text),
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

static int open_control(struct hf_debugfs *debugfs, struct hf_device *dev,
			unsigned int crtc, int flags)
{
	struct hf_endpoints *endpoints = &debugfs->sys->endpoints;
	struct control *control = calloc(1, sizeof(*control));
	char name[96];
	int client, ret;

	if (!control)
		return -ENOMEM;
	control->debugfs = debugfs;
	control->dev = dev;
	control->crtc = crtc;
	snprintf(name, sizeof(name),
		 "holdfast-%s/debugfs/%llu/%d/crtc-%u/crc/control",
		 debugfs->sys->instance,
		 (unsigned long long)endpoints->last_id + 1,
		 dev->primary_minor, crtc);
	ret = hf_endpoint_open_writable(endpoints, &control->endpoint, name,
					control_ready, &client);
	if (ret) {
		free(control);
		return ret;
	}
	wl_list_insert(&debugfs->controls, &control->link);
	if ((flags & O_ACCMODE) == O_RDWR)
		ret = send_sources(control);
	if (!ret && shutdown(control->endpoint.fd, SHUT_WR))
		ret = -errno;
	if (ret) {
		close(client);
		close_control(control);
	}
	return ret ? ret : client;
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

/* Below crtc-N. */
static int open_crc(struct hf_debugfs *debugfs, struct hf_device *dev,
		    unsigned int crtc, const char *path, const char *name,
		    int flags)
{
	int client, ret;

	if (!dev->crcs)
		dev->crcs = hf_crcs_create(dev);
	if (!dev->crcs)
		return -ENOMEM;
	if (!strcmp(name, "crc/control"))
		return (flags & O_ACCMODE) == O_RDONLY ?
			       open_text(path, dev, print_sources) :
			       open_control(debugfs, dev, crtc, flags);
	if (strcmp(name, "crc/data"))
		return -ENOENT;
	ret = hf_crc_open(dev->crcs, crtc, &client);
	return ret ? ret : client;
}

static int open_path(struct hf_debugfs *debugfs, const char *path, int flags)
{
	const char *rest;
	struct hf_device *dev;
	unsigned int crtc;
	int minor, n = 0;
	printer print;

	if (sscanf(path, HF_DEBUGFS_DIR "/%d/%n", &minor, &n) != 1 || !n)
		return -ENOENT;
	rest = path + n;
	dev = find_device(debugfs->sys, minor);
	if (!dev)
		return -ENOENT;
	n = 0;
	if (dev->driver->kms && minor == dev->primary_minor &&
	    sscanf(rest, "crtc-%u/%n", &crtc, &n) == 1 && n)
		return crtc < dev->kms.num_crtcs &&
				       hf_kms_has_vblank(&dev->kms) ?
			       open_crc(debugfs, dev, crtc, path, rest + n,
					flags) :
			       -ENOENT;
	print = find_printer(dev, rest);
	return print ? open_text(path, dev, print) : -ENOENT;
}

int hf_debugfs_open(struct hf_debugfs *debugfs, const struct hf_cred *cred,
		    const char *path, int flags)
{
	int ret;

	if (cred->uid != geteuid() && !hf_cred_capable(cred))
		return -EACCES;
	pthread_mutex_lock(&debugfs->sys->lock);
	ret = open_path(debugfs, path, flags);
	pthread_mutex_unlock(&debugfs->sys->lock);
	return ret;
}

int hf_debugfs_write(struct hf_debugfs *debugfs, int fd, const char *data,
		     size_t size)
{
	struct hf_endpoint *endpoint;
	struct control *control;
	int ret = -EBADF;

	pthread_mutex_lock(&debugfs->sys->lock);
	endpoint = hf_endpoint_of(&debugfs->sys->endpoints, fd);
	if (endpoint && endpoint->hung_up == control_ready) {
		control = wl_container_of(endpoint, control, endpoint);
		ret = hf_crc_set_source(control->dev->crcs, control->crtc,
					data, size);
	}
	pthread_mutex_unlock(&debugfs->sys->lock);
	return ret;
}

struct hf_debugfs *hf_debugfs_create(struct hf_system *sys)
{
	struct hf_debugfs *debugfs = calloc(1, sizeof(*debugfs));

	if (!debugfs)
		return NULL;
	debugfs->sys = sys;
	wl_list_init(&debugfs->controls);
	return debugfs;
}

void hf_debugfs_destroy(struct hf_debugfs *debugfs)
{
	struct control *control, *next;
	struct hf_device *dev;

	if (!debugfs)
		return;
	pthread_mutex_lock(&debugfs->sys->lock);
	wl_list_for_each_safe(control, next, &debugfs->controls, link)
		close_control(control);
	wl_list_for_each(dev, &debugfs->sys->devices, link) {
		hf_crcs_destroy(dev->crcs);
		dev->crcs = NULL;
	}
	pthread_mutex_unlock(&debugfs->sys->lock);
	free(debugfs);
}
