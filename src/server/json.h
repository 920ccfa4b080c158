/* SPDX-License-Identifier: MIT */
/* json-c aborts where it is given what there was no memory for: these do not. */
#ifndef HF_SERVER_JSON_H
#define HF_SERVER_JSON_H

#include <json-c/json.h>

/** hf_json_add() - A value of an object, owned by it. Either may be NULL. */
static inline void hf_json_add(struct json_object *object, const char *key,
			       struct json_object *value)
{
	if (!object || json_object_object_add(object, key, value))
		json_object_put(value);
}

/** hf_json_append() - A value of an array, owned by it. Either may be NULL. */
static inline void hf_json_append(struct json_object *array,
				  struct json_object *value)
{
	if (!array || json_object_array_add(array, value))
		json_object_put(value);
}

#endif
