/* SPDX-License-Identifier: MIT */
/*
 * The device, its files and masters. A file is an endpoint (base/endpoint.h):
 * the client's end of it is the DRM descriptor.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "uapi/call.h"

struct hf_device *hf_device_create(struct hf_system *sys,
				   const struct hf_driver *driver,
				   unsigned int index, int primary, int render,
				   const struct hf_kms_output *outputs,
				   size_t noutputs)
{
	struct hf_device *dev = calloc(1, sizeof(*dev));
	int ret = 0;

	if (!dev)
		return NULL;
	dev->sys = sys;
	dev->driver = driver;
	dev->primary_minor = primary;
	dev->render_minor = render;
	wl_list_init(&dev->files);
	snprintf(dev->unique, sizeof(dev->unique), "holdfast.%u", index);
	if (driver->kms)
		ret = hf_kms_device_init(&dev->kms, sys->clock, driver->kms,
					 outputs, noutputs);
	if (ret) {
		free(dev);
		errno = -ret;
		return NULL;
	}
	hf_gem_device_init(&dev->gem);
	wl_list_insert(sys->devices.prev, &dev->link);
	return dev;
}

void hf_device_destroy(struct hf_device *dev)
{
	if (!dev)
		return;
	if (dev->driver->kms)
		hf_kms_device_finish(&dev->kms);
	hf_gem_device_finish(&dev->gem);
	wl_list_remove(&dev->link);
	free(dev);
}

static void file_hung_up(struct hf_endpoint *endpoint)
{
	struct hf_file *file = wl_container_of(endpoint, file, endpoint);

	hf_file_close(file);
}

static int open_endpoint(struct hf_file *file, unsigned int minor, int *client)
{
	char name[96];

	snprintf(name, sizeof(name), HF_WIRE_NAME_PREFIX "%s/%u/%u",
		 file->dev->sys->instance, minor, file->id);
	return hf_endpoint_open(&file->dev->sys->endpoints, &file->endpoint, name,
				file_hung_up, client);
}

/* In a user namespace of its own, anybody has all capabilities. */
static bool same_user_namespace(pid_t pid)
{
	struct stat own, other;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
	return !stat("/proc/self/ns/user", &own) && !stat(path, &other) &&
	       own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

bool hf_cred_capable(const struct hf_cred *cred)
{
	unsigned long long caps = cred->uid == 0 ? UINT64_MAX : 0;
	char path[32], line[128];
	FILE *f;

	if (cred->uid != 0 && !same_user_namespace(cred->pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", cred->pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "CapEff: %llx", &caps) == 1)
			break;
	if (f)
		fclose(f);
	return caps & 1ull << CAP_SYS_ADMIN;
}

struct hf_master *hf_master_create(void)
{
	struct hf_master *master = calloc(1, sizeof(*master));

	if (master)
		master->refcount = 1;
	return master;
}

void hf_master_put(struct hf_master *master)
{
	if (!master || --master->refcount)
		return;
	hf_idr_finish(&master->magics);
	free(master);
}

static void drop_magic(struct hf_file *file)
{
	if (file->magic)
		hf_idr_remove(&file->master->magics, file->magic);
	file->magic = 0;
}

int hf_file_new_master(struct hf_file *file)
{
	struct hf_master *master = hf_master_create();

	if (!master)
		return -ENOMEM;
	drop_magic(file);
	hf_master_put(file->master);
	file->master = master;
	file->is_master = file->was_master = file->authenticated = true;
	master->refcount++;
	file->dev->master = master;
	return 0;
}

bool hf_file_is_current_master(const struct hf_file *file)
{
	return file->is_master && file->master == file->dev->master;
}

static int open_primary(struct hf_file *file)
{
	struct hf_device *dev = file->dev;

	file->authenticated = hf_cred_capable(&file->cred);
	if (!dev->master)
		return hf_file_new_master(file);
	file->master = dev->master;
	file->master->refcount++;
	return 0;
}

static struct hf_device *find_device(struct hf_system *sys, unsigned int minor)
{
	struct hf_device *dev;

	wl_list_for_each(dev, &sys->devices, link)
		if ((int)minor == dev->primary_minor ||
		    (int)minor == dev->render_minor)
			return dev;
	return NULL;
}

struct hf_file *hf_file_open(struct hf_system *sys, unsigned int minor,
			     const struct hf_cred *cred, int *client)
{
	struct hf_device *dev = find_device(sys, minor);
	struct hf_file *file;
	int ret = 0;

	if (!dev) {
		errno = ENXIO;
		return NULL;
	}
	/* The modes that the nodes show: 0660 and 0666. */
	if ((int)minor == dev->primary_minor && cred->uid != geteuid() &&
	    cred->gid != getegid() && !hf_cred_capable(cred)) {
		errno = EACCES;
		return NULL;
	}
	file = calloc(1, sizeof(*file));
	if (!file)
		return NULL;
	file->dev = dev;
	file->id = sys->next_file++;
	file->render = (int)minor == dev->render_minor;
	file->cred = *cred;
	wl_list_init(&file->calls);
	ret = open_endpoint(file, minor, client);
	if (!ret && !file->render) {
		ret = open_primary(file);
		if (ret) {
			close(*client);
			hf_endpoint_close(&dev->sys->endpoints, &file->endpoint);
		}
	}
	if (ret) {
		free(file);
		errno = -ret;
		return NULL;
	}
	hf_gem_file_init(&file->gem, &dev->gem, cred->pid);
	hf_kms_file_init(&file->kms, &dev->kms, file->endpoint.fd);
	hf_syncobj_file_init(&file->syncobjs);
	wl_list_insert(dev->files.prev, &file->link);
	HASH_ADD(hh, sys->files_by_id, id, sizeof(file->id), file);
	return file;
}

static void release_master(struct hf_file *file)
{
	struct hf_device *dev = file->dev;

	if (!file->master)
		return;
	drop_magic(file);
	if (hf_file_is_current_master(file)) {
		hf_master_put(dev->master);
		dev->master = NULL;
	}
	hf_master_put(file->master);
}

void hf_file_close(struct hf_file *file)
{
	struct hf_call *call, *next;

	/* Somebody is inside an ioctl, and the descriptor is gone. */
	wl_list_for_each_safe(call, next, &file->calls, file_link) {
		call->cancel(call);
		hf_call_complete(call, -ENODEV);
	}
	hf_syncobj_file_finish(&file->syncobjs);
	hf_kms_file_finish(&file->kms);
	hf_gem_file_finish(&file->gem);
	release_master(file);
	HASH_DEL(file->dev->sys->files_by_id, file);
	wl_list_remove(&file->link);
	hf_endpoint_close(&file->dev->sys->endpoints, &file->endpoint);
	free(file);
}

struct hf_file *hf_file_find(struct hf_system *sys, uint32_t id)
{
	struct hf_file *file;

	HASH_FIND(hh, sys->files_by_id, &id, sizeof(id), file);
	return file;
}
