/* SPDX-License-Identifier: MIT */
/*
 * The device and its files. A file is an endpoint (base/endpoint.h): the client's
 * end of it is the DRM descriptor.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/probe.h"
#include "drivers/soft/composer.h"
#include "drivers/soft/engine.h"
#include "uapi/bind.h"
#include "uapi/call.h"
#include "uapi/check.h"
#include "uapi/problem.h"

/* What a device puts on the bus, behind an IOMMU. */
#define IOVA_LAST ((1ull << 48) - 1)

static struct hf_iommu_domain *
create_domain(struct hf_system *sys, const struct hf_device_options *options)
{
	if (options->vfio)
		return hf_vfio_domain_create(options->vfio, sys->mem);
	return hf_soft_iommu_create(sys->mem, IOVA_LAST, false);
}

/* Nothing translates for it: bus addresses of ours would be anybody's memory. */
static int use_physical(struct hf_device *dev,
			const struct hf_device_options *options)
{
	int ret = hf_dma_device_use_physical(&dev->dma);

	if (ret)
		snprintf(options->why, HF_VFIO_WHY,
			 "physical addresses cannot be had: %s (without an "
			 "IOMMU, run as root)", strerror(-ret));
	return ret;
}

static int init_dma(struct hf_device *dev,
		    const struct hf_device_options *options)
{
	struct hf_iommu_domain *domain = NULL;
	int ret;

	if (options->iommu) {
		domain = create_domain(dev->sys, options);
		if (!domain)
			return -errno;
	}
	ret = hf_dma_device_init(&dev->dma, dev->unique, dev->sys->mem, domain);
	if (ret) {
		hf_iommu_destroy(domain);
		return ret;
	}
	dev->dma.coherent = options->coherent;
	if (options->vfio && !domain)
		ret = use_physical(dev, options);
	if (ret)
		hf_dma_device_finish(&dev->dma);
	return ret;
}

static bool has_master(const struct hf_kms_device *kms)
{
	const struct hf_device *dev = wl_container_of(kms, dev, kms);

	return dev->master;
}

/* What the driver finds at its connectors goes before what was asked for. */
static int init_display(struct hf_device *dev,
			const struct hf_device_options *options)
{
	struct hf_kms_output found[HF_KMS_MAX_OUTPUTS];
	const struct hf_driver *driver = dev->driver;
	struct hf_kms_options kms = {
		.overlays = options->overlays,
		.virtual_cursor = options->virtual_cursor,
	};
	int n = 0, ret;

	dev->composer = hf_composer_create(&dev->sys->lock);
	if (!dev->composer)
		return -ENOMEM;
	if (driver->probe) {
		n = driver->probe(dev, options, found);
		if (n < 0)
			return n;
	}
	ret = driver->probe ?
		      hf_kms_device_init(&dev->kms, dev->sys->clock,
					 driver->kms, found, n, &kms) :
		      hf_kms_device_init(&dev->kms, dev->sys->clock,
					 driver->kms, options->outputs,
					 options->noutputs, &kms);
	if (!ret)
		dev->kms.has_master = has_master;
	if (!ret && driver->start)
		driver->start(dev);
	if (ret && driver->probe) {
		driver->stop(dev);
		driver->remove(dev);
	}
	return ret;
}

struct hf_device *hf_device_create(struct hf_system *sys,
				   const struct hf_driver *driver,
				   const struct hf_device_options *options)
{
	struct hf_device *dev = calloc(1, sizeof(*dev));
	int ret;

	if (!dev)
		return NULL;
	dev->sys = sys;
	dev->driver = driver;
	dev->primary_minor = options->primary;
	dev->render_minor = options->render;
	dev->irq_fd = -1;
	dev->vfio = options->vfio;
	wl_list_init(&dev->files);
	wl_list_init(&dev->frozen);
	snprintf(dev->unique, sizeof(dev->unique), "holdfast.%u",
		 options->index);
	ret = init_dma(dev, options);
	if (ret)
		goto error_free;
	hf_gem_device_init(&dev->gem, &dev->dma);
	if (driver->engine) {
		dev->engine = hf_engine_create(&dev->dma, &sys->lock,
					       sys->clock, 0);
		ret = dev->engine ? 0 : -errno;
	}
	if (!ret && driver->kms)
		ret = init_display(dev, options);
	if (ret)
		goto error_dma;
	dev->kms.fences = &sys->fences;
	if (dev->engine)
		hf_engine_faults(dev->engine, &sys->fences);
	pthread_mutex_lock(&sys->lock);
	wl_list_insert(sys->devices.prev, &dev->link);
	pthread_mutex_unlock(&sys->lock);
	return dev;

error_dma:
	hf_composer_destroy(dev->composer);
	hf_engine_destroy(dev->engine);
	hf_dma_device_finish(&dev->dma);
error_free:
	free(dev);
	errno = -ret;
	return NULL;
}

/* What is going to be shown is shown now, and what that captures is composed. */
static void stop_display(struct hf_device *dev)
{
	pthread_mutex_lock(&dev->sys->lock);
	hf_kms_device_stop(&dev->kms);
	hf_check_destroy(dev->check);
	pthread_mutex_unlock(&dev->sys->lock);
	hf_composer_destroy(dev->composer);
	dev->composer = NULL;
}

void hf_device_destroy(struct hf_device *dev)
{
	if (!dev)
		return;
	hf_engine_destroy(dev->engine);
	if (dev->driver->stop)
		dev->driver->stop(dev);
	if (dev->driver->kms) {
		stop_display(dev);
		hf_kms_device_finish(&dev->kms);
	}
	if (dev->driver->remove)
		dev->driver->remove(dev);
	hf_gem_device_finish(&dev->gem);
	hf_dma_device_finish(&dev->dma);
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

static void set_owner(struct hf_file *file, const struct hf_cred *cred)
{
	file->cred = *cred;
	if (file->dev->sys->problems)
		hf_program_name(cred->pid, file->program);
}

void hf_file_used_by(struct hf_file *file, const struct hf_cred *cred)
{
	if (file->was_master || file->cred.pid == cred->pid)
		return;
	set_owner(file, cred);
	file->gem.pid = cred->pid;
}

/* Whose @master it will be is not decided yet. */
static struct hf_file *create_file(struct hf_device *dev, unsigned int minor,
				   const struct hf_cred *cred, int *client)
{
	struct hf_file *file = calloc(1, sizeof(*file));
	int ret;

	if (!file)
		return NULL;
	file->dev = dev;
	file->id = dev->sys->next_file++;
	file->render = (int)minor == dev->render_minor;
	set_owner(file, cred);
	wl_list_init(&file->calls);
	ret = open_endpoint(file, minor, client);
	if (ret) {
		free(file);
		errno = -ret;
		return NULL;
	}
	return file;
}

static void add_file(struct hf_file *file)
{
	struct hf_device *dev = file->dev;

	hf_gem_file_init(&file->gem, &dev->gem, file->cred.pid);
	hf_kms_file_init(&file->kms, &dev->kms, file->endpoint.fd);
	hf_syncobj_file_init(&file->syncobjs);
	wl_list_insert(dev->files.prev, &file->link);
	HASH_ADD(hh, dev->sys->files_by_id, id, sizeof(file->id), file);
	hf_probe(file, file, true);
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
	if (dev->unplugged) {
		errno = ENODEV;
		return NULL;
	}
	/* The modes that the nodes show: 0660 and 0666. */
	if ((int)minor == dev->primary_minor && cred->uid != geteuid() &&
	    cred->gid != getegid() && !hf_cred_capable(cred)) {
		errno = EACCES;
		return NULL;
	}
	file = create_file(dev, minor, cred, client);
	if (!file)
		return NULL;
	if (!file->render)
		ret = open_primary(file);
	if (ret) {
		close(*client);
		hf_endpoint_close(&sys->endpoints, &file->endpoint);
		free(file);
		errno = -ret;
		return NULL;
	}
	add_file(file);
	return file;
}

struct hf_file *hf_file_open_lease(struct hf_master *lessee,
				   const struct hf_cred *cred, int *client)
{
	struct hf_device *dev = lessee->dev;
	struct hf_file *file =
		create_file(dev, dev->primary_minor, cred, client);

	if (!file)
		return NULL;
	file->master = lessee;
	file->is_master = file->authenticated = true;
	add_file(file);
	file->kms.lease = &lessee->lease;
	return file;
}

/* Their jobs hold the address spaces until they are over. */
static void destroy_contexts(struct hf_file *file)
{
	if (file->dev->engine)
		hf_engine_kill(file->dev->engine, file);
	for (uint32_t id = 1; hf_idr_next(&file->contexts, &id); id++)
		hf_engine_context_destroy(hf_idr_remove(&file->contexts, id),
					  true);
	for (uint32_t id = 1; hf_idr_next(&file->spaces, &id); id++)
		hf_address_space_destroy(hf_idr_remove(&file->spaces, id));
	hf_idr_finish(&file->contexts);
	hf_idr_finish(&file->spaces);
}

void hf_file_close(struct hf_file *file)
{
	/* Somebody is inside an ioctl, and the descriptor is gone. The end of one
	 * wait may be that of another. */
	while (!wl_list_empty(&file->calls)) {
		struct hf_call *call =
			wl_container_of(file->calls.next, call, file_link);

		call->cancel(call);
		hf_call_complete(call, -ENODEV);
	}
	hf_probe(file, file, false);
	destroy_contexts(file);
	hf_check_leaks(file);
	hf_syncobj_file_finish(&file->syncobjs);
	hf_kms_file_finish(&file->kms);
	hf_gem_file_finish(&file->gem);
	hf_user_account_put(file->user_pages);
	hf_file_release_master(file);
	HASH_DEL(file->dev->sys->files_by_id, file);
	wl_list_remove(&file->link);
	hf_endpoint_close(&file->dev->sys->endpoints, &file->endpoint);
	free(file);
}

struct hf_file *hf_file_of_endpoint(struct hf_endpoint *endpoint)
{
	struct hf_file *file;

	return endpoint && endpoint->hung_up == file_hung_up ?
		       wl_container_of(endpoint, file, endpoint) :
		       NULL;
}

struct hf_file *hf_file_find(struct hf_system *sys, uint32_t id)
{
	struct hf_file *file;

	HASH_FIND(hh, sys->files_by_id, &id, sizeof(id), file);
	return file;
}
