/* SPDX-License-Identifier: MIT */
/*
 * Writes to the files of the tree of paths: a table says which files take any, by
 * the end of their paths. The device's lock is held throughout.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "server/attribute.h"
#include "server/debugfs.h"
#include "server/server.h"
#include "server/uevent.h"
#include "uapi/tree.h"

/* The kernel's sysfs_streq(): a newline at the end does not matter. */
static bool says(const char *text, const char *word)
{
	size_t length = strlen(word);

	return strncmp(text, word, length) == 0 &&
	       (!text[length] || strcmp(text + length, "\n") == 0);
}

static struct hf_connector *connector_of(struct hf_device *dev,
					 const char *dir)
{
	struct hf_kms_device *kms = &dev->kms;

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		char path[HF_TREE_PATH_MAX + 1], name[32];

		hf_connector_name(kms->connectors[i], name, sizeof(name));
		snprintf(path, sizeof(path),
			 "/sys/devices/platform/%s/drm/card%d/card%d-%s",
			 dev->unique, dev->primary_minor, dev->primary_minor,
			 name);
		if (strcmp(path, dir) == 0)
			return kms->connectors[i];
	}
	return NULL;
}

static int store_status(struct hf_server *server, const char *dir,
			const char *text)
{
	static const struct {
		const char *word;
		enum hf_force force;
	} words[] = {
		{ "detect", HF_FORCE_UNSPECIFIED },
		{ "on", HF_FORCE_ON },
		{ "on-digital", HF_FORCE_ON_DIGITAL },
		{ "off", HF_FORCE_OFF },
	};
	struct hf_connector *connector = connector_of(server->dev, dir);

	if (!connector)
		return -ENOENT;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (says(text, words[i].word))
			return hf_kms_force(connector, words[i].force);
	return -EINVAL;
}

static int store_source(struct hf_server *server, const char *dir,
			const char *text)
{
	return hf_debugfs_set_source(server->sys, dir, text);
}

/* Files that take writes, by the ends of their paths. */
static const struct attribute {
	const char *name;
	/* Of the file in this directory, the path without that end: 0 or a
	 * negative errno. */
	int (*store)(struct hf_server *server, const char *dir,
		     const char *text);
} attributes[] = {
	{ "/control", store_source },
	{ "/status", store_status },
	{ "/uevent", hf_uevent_synthesize },
};

int hf_attribute_write(struct hf_server *server, const struct hf_cred *cred,
		       const char *path, const char *text, size_t size)
{
	size_t length = strlen(path);
	char dir[HF_TREE_PATH_MAX + 1];

	if (!hf_tree_find(server->tree, path))
		return -ENOENT;
	if (cred->uid != 0 && cred->uid != geteuid())
		return -EACCES;
	if (size == 0)
		return 0;
	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		size_t end = strlen(attributes[i].name);

		if (end >= length ||
		    strcmp(path + length - end, attributes[i].name))
			continue;
		snprintf(dir, sizeof(dir), "%.*s", (int)(length - end), path);
		return attributes[i].store(server, dir, text);
	}
	return -EIO;
}
