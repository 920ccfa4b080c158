/* SPDX-License-Identifier: MIT */
/*
 * The ioctls that every DRM device has: version, capabilities, magic and
 * master.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/drm_compat.h"
#include "uapi/handlers.h"

#define IF_MAJOR 1
#define IF_MINOR 4

int hf_ioctl_noop(struct hf_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return 0;
}

int hf_ioctl_invalid(struct hf_call *call, void *arg)
{
	(void)call;
	(void)arg;
	return -EINVAL;
}

/* The kernel's drm_copy_field(): as much as fits, and the whole length. */
static int copy_field(struct hf_call *call, unsigned int index,
		      const char *text, __kernel_size_t *len, bool wanted)
{
	size_t fits = *len;

	*len = strlen(text);
	if (fits > *len)
		fits = *len;
	if (!fits || !wanted)
		return 0;
	return hf_call_copy_out(call, index, text, 0, fits);
}

int hf_ioctl_version(struct hf_call *call, void *arg)
{
	const struct hf_driver *driver = call->dev->driver;
	struct drm_version *v = arg;
	int ret;

	v->version_major = driver->major;
	v->version_minor = driver->minor;
	v->version_patchlevel = driver->patch;
	ret = copy_field(call, 0, driver->name, &v->name_len, v->name);
	if (!ret)
		ret = copy_field(call, 1, driver->date, &v->date_len, v->date);
	if (!ret)
		ret = copy_field(call, 2, driver->desc, &v->desc_len, v->desc);
	return ret;
}

int hf_ioctl_get_unique(struct hf_call *call, void *arg)
{
	struct drm_unique *u = arg;
	const struct hf_master *master = call->file->master;
	const char *unique = master && master->unique_set ? call->dev->unique :
							    "";
	size_t len = strlen(unique);
	int ret = 0;

	if (u->unique_len >= len && len)
		ret = hf_call_copy_out(call, 0, unique, 0, len);
	u->unique_len = len;
	return ret;
}

int hf_ioctl_set_version(struct hf_call *call, void *arg)
{
	const struct hf_driver *driver = call->dev->driver;
	struct drm_set_version *v = arg;
	int ret = 0;

	if (v->drm_di_major != -1) {
		if (v->drm_di_major != IF_MAJOR || v->drm_di_minor < 0 ||
		    v->drm_di_minor > IF_MINOR)
			ret = -EINVAL;
		else if (v->drm_di_minor >= 1)
			call->file->master->unique_set = true;
	}
	if (!ret && v->drm_dd_major != -1 &&
	    (v->drm_dd_major != driver->major || v->drm_dd_minor < 0 ||
	     v->drm_dd_minor > driver->minor))
		ret = -EINVAL;
	v->drm_di_major = IF_MAJOR;
	v->drm_di_minor = IF_MINOR;
	v->drm_dd_major = driver->major;
	v->drm_dd_minor = driver->minor;
	return ret;
}

int hf_ioctl_get_client(struct hf_call *call, void *arg)
{
	struct drm_client *client = arg;

	if (client->idx != 0)
		return -EINVAL;
	client->auth = call->file->authenticated;
	client->pid = call->cred.pid;
	client->uid = 65534; /* the kernel keeps it to itself */
	client->magic = 0;
	client->iocs = 0;
	return 0;
}

int hf_ioctl_get_stats(struct hf_call *call, void *arg)
{
	(void)call;
	memset(arg, 0, sizeof(struct drm_stats));
	return 0;
}

static int get_kms_cap(const struct hf_call *call, struct drm_get_cap *cap)
{
	switch (cap->capability) {
	case DRM_CAP_DUMB_BUFFER:
	case DRM_CAP_VBLANK_HIGH_CRTC:
	case DRM_CAP_CRTC_IN_VBLANK_EVENT:
	case DRM_CAP_ADDFB2_MODIFIERS:
	case DRM_CAP_SYNCOBJ:
	case DRM_CAP_SYNCOBJ_TIMELINE:
		cap->value = 1;
		return 0;
	case DRM_CAP_ASYNC_PAGE_FLIP:
	case DRM_CAP_ATOMIC_ASYNC_PAGE_FLIP:
		cap->value = (call->dev->kms.funcs->features & HF_KMS_ASYNC) !=
			     0;
		return 0;
	case DRM_CAP_DUMB_PREFERRED_DEPTH:
		cap->value = 24;
		return 0;
	case DRM_CAP_CURSOR_WIDTH:
	case DRM_CAP_CURSOR_HEIGHT:
		cap->value = hf_kms_cursor_size(&call->dev->kms);
		return 0;
	case DRM_CAP_DUMB_PREFER_SHADOW:
	case DRM_CAP_PAGE_FLIP_TARGET:
		return 0;
	default:
		return -EINVAL;
	}
}

int hf_ioctl_get_cap(struct hf_call *call, void *arg)
{
	struct drm_get_cap *cap = arg;

	cap->value = 0;
	switch (cap->capability) {
	case DRM_CAP_TIMESTAMP_MONOTONIC:
	case DRM_CAP_SYNCOBJ:
	case DRM_CAP_SYNCOBJ_TIMELINE:
		cap->value = 1;
		return 0;
	case DRM_CAP_PRIME:
		cap->value = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;
		return 0;
	default:
		return call->dev->driver->kms ? get_kms_cap(call, cap) :
						-EOPNOTSUPP;
	}
}

/*
 * Xorg's modesetting driver asks for atomic and then uses it wrongly. The kernel goes
 * by the name of whoever asks; version 2 is for those who know better.
 */
static bool is_xorg(const struct hf_call *call)
{
	char path[32], first = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", call->cred.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, &first, 1) != 1)
		first = 0;
	close(fd);
	return first == 'X';
}

static int set_atomic_cap(const struct hf_call *call, uint64_t value)
{
	struct hf_kms_file *kms = &call->file->kms;

	if (value == 1 && is_xorg(call))
		return -EOPNOTSUPP;
	if (value > 2)
		return -EINVAL;
	kms->atomic = kms->universal = kms->aspect = value;
	return 0;
}

static int set_flag(bool *flag, uint64_t value)
{
	if (value > 1)
		return -EINVAL;
	*flag = value;
	return 0;
}

int hf_ioctl_set_client_cap(struct hf_call *call, void *arg)
{
	struct hf_kms_file *kms = &call->file->kms;
	const struct drm_set_client_cap *cap = arg;

	switch (cap->capability) {
	case DRM_CLIENT_CAP_STEREO_3D:
		return set_flag(&kms->stereo, cap->value);
	case DRM_CLIENT_CAP_UNIVERSAL_PLANES:
		return set_flag(&kms->universal, cap->value);
	case DRM_CLIENT_CAP_ATOMIC:
		return set_atomic_cap(call, cap->value);
	case DRM_CLIENT_CAP_ASPECT_RATIO:
		return set_flag(&kms->aspect, cap->value);
	case DRM_CLIENT_CAP_WRITEBACK_CONNECTORS:
		return kms->atomic ? set_flag(&kms->writeback, cap->value) :
				     -EINVAL;
	case DRM_CLIENT_CAP_CURSOR_PLANE_HOTSPOT:
		if (!call->dev->kms.virtual_cursor)
			return -EOPNOTSUPP;
		return kms->atomic ? set_flag(&kms->hotspot, cap->value) :
				     -EINVAL;
	default:
		return -EINVAL;
	}
}

int hf_ioctl_get_magic(struct hf_call *call, void *arg)
{
	struct hf_file *file = call->file;
	struct drm_auth *auth = arg;
	int id;

	if (!file->magic) {
		id = hf_idr_alloc(&file->master->magics, file);
		if (id < 0)
			return id;
		file->magic = id;
	}
	auth->magic = file->magic;
	return 0;
}

int hf_ioctl_auth_magic(struct hf_call *call, void *arg)
{
	struct hf_master *master = call->file->master;
	const struct drm_auth *auth = arg;
	struct hf_file *file;

	file = hf_idr_find(&master->magics, auth->magic);
	if (!file || (void *)file == master)
		return -EINVAL;
	file->authenticated = true;
	/* Used up, but not free until its file is closed. */
	master->magics.slots[auth->magic - 1] = master;
	return 0;
}

/* The kernel's drm_master_check_perm(). */
static int check_master_permission(const struct hf_call *call)
{
	if (call->file->was_master && call->file->cred.pid == call->cred.pid)
		return 0;
	return hf_cred_capable(&call->cred) ? 0 : -EACCES;
}

int hf_ioctl_set_master(struct hf_call *call, void *arg)
{
	int ret = check_master_permission(call);

	(void)arg;
	return ret ? ret : hf_file_set_master(call->file);
}

int hf_ioctl_drop_master(struct hf_call *call, void *arg)
{
	int ret = check_master_permission(call);

	(void)arg;
	return ret ? ret : hf_file_drop_master(call->file);
}
