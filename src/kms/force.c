/* SPDX-License-Identifier: MIT */
/*
 * Connectors that are told what to find: whoever writes to a connector's status
 * in sysfs has it say that something is plugged in, or that nothing is.
 *
 * A connector keeps what really is plugged in, so that it can be shown again. The
 * device's lock protects all of it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "kms/writeback.h"

struct hf_kms_output hf_connector_seen(const struct hf_connector *connector,
				       const struct hf_kms_output *output)
{
	/* What the kernel assumes of a monitor that says nothing of itself. */
	static const struct hf_kms_output unknown = {
		.width = 1024, .height = 768, .hz = 60,
	};
	static const struct hf_kms_output nothing;

	switch (connector->force) {
	case HF_FORCE_OFF:
		return nothing;
	case HF_FORCE_ON:
	case HF_FORCE_ON_DIGITAL:
		return output->width ? *output : unknown;
	default:
		return *output;
	}
}

int hf_connector_remember(struct hf_connector *connector,
			  const struct hf_kms_output *output)
{
	size_t size = output->edid ? output->edid_size : 0;
	struct hf_kms_output *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return -ENOMEM;
	*copy = *output;
	if (output->edid)
		copy->edid = memcpy(copy + 1, output->edid, size);
	free(connector->wired);
	connector->wired = copy;
	return 0;
}

/* Nothing is plugged in at one that writes back. */
static void force_writeback(struct hf_connector *connector)
{
	struct hf_kms_device *kms = connector->kms;

	connector->num_modes = 0;
	connector->connected = false;
	connector->unknown = connector->force != HF_FORCE_OFF;
	if (kms->changed)
		kms->changed(kms);
}

static int apply(struct hf_connector *connector)
{
	int ret = 0;

	if (hf_connector_writes_back(connector))
		force_writeback(connector);
	else
		ret = hf_kms_plug(connector, connector->wired);
	if (!ret)
		hf_connector_probe(connector);
	return ret;
}

int hf_kms_force(struct hf_connector *connector, enum hf_force force)
{
	enum hf_force old = connector->force;
	bool was = connector->connected;
	int ret;

	connector->force = force;
	ret = apply(connector);
	if (ret) {
		connector->force = old;
		return ret;
	}
	if (connector->connected != was)
		hf_kms_uevent(connector->kms, "HOTPLUG=1", NULL, NULL);
	return 0;
}
