/* SPDX-License-Identifier: MIT */
/* Devices that are unplugged or suspended. See the header. */
#include <string.h>
#include <strings.h>

#include "drivers/soft/engine.h"
#include "uapi/power.h"

static bool is_name(const struct hf_ioctl_desc *desc, const char *name)
{
	static const char prefix[] = "DRM_IOCTL_";

	if (!desc->name)
		return false;
	if (!strncasecmp(name, prefix, sizeof(prefix) - 1))
		name += sizeof(prefix) - 1;
	return !strcasecmp(desc->name, name);
}

struct hf_fault *hf_ioctl_fault(struct hf_ioctl_faults *faults,
				const char *name)
{
	for (unsigned int i = 0; i < 256; i++)
		if (is_name(&hf_ioctl_descs[i], name))
			return &faults->drm[i];
	for (unsigned int i = 0; i < HF_FD_IOCTL_ROWS; i++)
		if (is_name(&hf_fd_ioctl_descs[i], name))
			return &faults->fd[i];
	return NULL;
}

static void stop_waiting(struct hf_call *call)
{
	wl_list_remove(&call->wait.resume);
}

int hf_call_wait_resume(struct hf_call *call)
{
	wl_list_insert(call->dev->frozen.prev, &call->wait.resume);
	return hf_call_park(call, stop_waiting, true);
}

/* Have them all made again: who they are for may be another by now. */
static void thaw(struct hf_device *dev)
{
	while (!wl_list_empty(&dev->frozen)) {
		struct hf_call *call =
			wl_container_of(dev->frozen.next, call, wait.resume);

		stop_waiting(call);
		call->nasks = 0;
		hf_call_complete(call, HF_WIRE_ASK);
	}
}

void hf_device_unplug(struct hf_device *dev)
{
	dev->unplugged = true;
	dev->suspended = false;
	thaw(dev);
	if (dev->driver->kms)
		hf_kms_shutdown(&dev->kms);
	if (dev->engine)
		hf_engine_stop(dev->engine);
}

void hf_device_suspend(struct hf_device *dev)
{
	if (dev->suspended)
		return;
	dev->suspended = true;
	if (dev->driver->kms)
		hf_kms_device_stop(&dev->kms);
}

void hf_device_resume(struct hf_device *dev)
{
	if (!dev->suspended)
		return;
	dev->suspended = false;
	if (dev->driver->kms)
		hf_kms_start(&dev->kms);
	thaw(dev);
}
