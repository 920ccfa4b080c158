/* SPDX-License-Identifier: MIT */
/*
 * What a device's buffer objects are for, for the answer to "info".
 */
#ifndef HF_SERVER_OBJECTS_H
#define HF_SERVER_OBJECTS_H

#include <json-c/json.h>

#include "uapi/device.h"

/**
 * hf_objects_describe() - Each object, who has handles for it, and what shows it.
 * @objects: an array; what there was no memory for is not in it
 *
 * With the system's lock held.
 */
void hf_objects_describe(struct hf_device *dev, struct json_object *objects);

#endif
