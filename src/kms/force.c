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
	struct hf_kms_output copy = *output;
	void *edid = NULL;

	copy.edid = NULL;
	if (output->edid) {
		edid = malloc(output->edid_size);
		if (!edid)
			return -ENOMEM;
		memcpy(edid, output->edid, output->edid_size);
		copy.edid = edid;
	}
	free(connector->wired_edid);
	connector->wired = copy;
	connector->wired_edid = edid;
	return 0;
}

int hf_kms_force(struct hf_connector *connector, enum hf_force force)
{
	struct hf_kms_device *kms = connector->kms;
	enum hf_force old = connector->force;
	bool was = connector->connected;
	int ret;

	connector->force = force;
	ret = hf_kms_plug(connector, &connector->wired);
	if (ret) {
		connector->force = old;
		return ret;
	}
	if (connector->connected != was)
		hf_kms_uevent(kms, "HOTPLUG=1", NULL, NULL);
	return 0;
}
