/* SPDX-License-Identifier: MIT */
/*
 * The tree of paths that a server shows: one immutable blob in a sealed
 * memfd, written by the server (server/sysfs.c) and mapped by every shim.
 *
 * A header, then the nodes sorted by path, then a pool of bytes that holds
 * paths, link targets and contents. Offsets count from the blob's start. The
 * reader checks a blob once, on mapping it, and then trusts it: the seals see
 * to it that it stays as it was.
 */
#ifndef HF_UAPI_TREE_H
#define HF_UAPI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define HF_DRM_MAJOR 226

#define HF_TREE_MAGIC 0x65657274666823ull
#define HF_TREE_VERSION 1u

/* A path is also the name of a memfd, which the kernel limits to 249 bytes. */
#define HF_TREE_PATH_MAX 240

/*
 * The machine may have this directory too, and then it is the machine's: only
 * its listing gains entries.
 */
#define HF_TREE_OVERLAY 0x1u
/* A file whose content is not here: who opens it asks the server for it. */
#define HF_TREE_SERVED 0x2u
/*
 * The machine may have this, too, and it is ours that programs get: a directory of
 * that kind hides all that the machine has in it. Only what the shim's look at a
 * name lets through (hf_path_first()) can have this flag.
 */
#define HF_TREE_FIRST 0x4u

/* A node of this path says that the machine's input devices and VTs are hidden. */
#define HF_TREE_SEAT "/dev/tty0"

/* Where debugfs has the directories of DRM's minors. */
#define HF_DEBUGFS_DIR "/sys/kernel/debug/dri"

/**
 * struct hf_tree - the blob's first bytes
 * @magic: HF_TREE_MAGIC
 * @version: HF_TREE_VERSION
 * @n_nodes: how many nodes follow
 * @size: bytes in the whole blob
 * @time: seconds since the epoch at which the server built it; the time stamp
 *        of every node
 */
struct hf_tree {
	uint64_t magic;
	uint32_t version;
	uint32_t n_nodes;
	uint64_t size;
	int64_t time;
};

/**
 * struct hf_tree_node - one path
 * @path: offset of the absolute path, NUL-terminated
 * @mode: type (directory, regular file, symbolic link, character device, or a
 *        socket that nobody answers at) and permissions
 * @flags: HF_TREE_OVERLAY, HF_TREE_SERVED, HF_TREE_FIRST
 * @data: offset of a file's content or a link's target; NUL-terminated
 * @data_size: its bytes without the NUL
 * @size: what st_size reports
 * @major: of a character device
 * @minor: of a character device
 * @uid: owner
 * @gid: owner
 */
struct hf_tree_node {
	uint32_t path;
	uint32_t mode;
	uint32_t flags;
	uint32_t data;
	uint32_t data_size;
	uint32_t size;
	uint32_t major;
	uint32_t minor;
	uint32_t uid;
	uint32_t gid;
};

static inline const struct hf_tree_node *hf_tree_nodes(const struct hf_tree *t)
{
	return (const struct hf_tree_node *)(t + 1);
}

static inline const char *hf_tree_path(const struct hf_tree *t,
				       const struct hf_tree_node *node)
{
	return (const char *)t + node->path;
}

/** hf_tree_data() - A file's content or a link's target. */
static inline const char *hf_tree_data(const struct hf_tree *t,
				       const struct hf_tree_node *node)
{
	return (const char *)t + node->data;
}

/* Does [offset, offset + length] lie in the pool and end in a NUL? */
static inline bool hf_tree_pooled(const struct hf_tree *t, uint64_t offset,
				  uint64_t length)
{
	uint64_t pool = sizeof(*t) + t->n_nodes * sizeof(struct hf_tree_node);

	return offset >= pool && offset < t->size &&
	       length < t->size - offset &&
	       ((const char *)t)[offset + length] == '\0';
}

static inline bool hf_tree_node_valid(const struct hf_tree *t,
				      const struct hf_tree_node *node)
{
	const char *path = hf_tree_path(t, node);
	size_t length;

	if (node->path >= t->size)
		return false;
	length = strnlen(path, t->size - node->path);
	if (!hf_tree_pooled(t, node->path, length))
		return false;
	if (path[0] != '/' || length < 2 || length > HF_TREE_PATH_MAX)
		return false;

	switch (node->mode & S_IFMT) {
	case S_IFLNK:
		if (node->data_size == 0)
			return false;
		/* fall through */
	case S_IFREG:
		return hf_tree_pooled(t, node->data, node->data_size);
	case S_IFDIR:
	case S_IFCHR:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

/**
 * hf_tree_valid() - Is this a well-formed tree?
 * @blob: aligned to 8 bytes
 * @size: bytes that may be read
 */
static inline bool hf_tree_valid(const void *blob, size_t size)
{
	const struct hf_tree *t = blob;
	const struct hf_tree_node *node;

	if (size < sizeof(*t) || t->magic != HF_TREE_MAGIC ||
	    t->version != HF_TREE_VERSION || t->size != size)
		return false;
	if (t->n_nodes > (size - sizeof(*t)) / sizeof(*node))
		return false;

	node = hf_tree_nodes(t);
	for (uint32_t i = 0; i < t->n_nodes; i++) {
		if (!hf_tree_node_valid(t, &node[i]))
			return false;
		if (i > 0 && strcmp(hf_tree_path(t, &node[i - 1]),
				    hf_tree_path(t, &node[i])) >= 0)
			return false;
	}
	return true;
}

/* The first node whose path is not below @path. */
static inline uint32_t hf_tree_lower_bound(const struct hf_tree *t,
					   const char *path)
{
	uint32_t low = 0, high = t->n_nodes;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (strcmp(hf_tree_path(t, &hf_tree_nodes(t)[middle]), path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/**
 * hf_tree_find() - Look up a path.
 * @t: a valid tree
 * @path: absolute, without empty, "." or ".." components, without a slash at
 *        its end
 *
 * Return: the node or NULL.
 */
static inline const struct hf_tree_node *hf_tree_find(const struct hf_tree *t,
						      const char *path)
{
	uint32_t i = hf_tree_lower_bound(t, path);
	const struct hf_tree_node *node = &hf_tree_nodes(t)[i];

	if (i == t->n_nodes || strcmp(hf_tree_path(t, node), path) != 0)
		return NULL;
	return node;
}

/**
 * hf_tree_name() - A node's name in its directory.
 * @t: the tree
 * @node: one of its nodes
 */
static inline const char *hf_tree_name(const struct hf_tree *t,
				       const struct hf_tree_node *node)
{
	return strrchr(hf_tree_path(t, node), '/') + 1;
}

/**
 * hf_tree_next() - Walk through a directory's entries.
 * @t: a valid tree
 * @dir: the directory's path
 * @last: what the last call returned, or NULL to begin
 *
 * Return: the next entry in the order of paths, or NULL after the last.
 */
static inline const struct hf_tree_node *
hf_tree_next(const struct hf_tree *t, const char *dir,
	     const struct hf_tree_node *last)
{
	const struct hf_tree_node *nodes = hf_tree_nodes(t);
	size_t length = strlen(dir);
	uint32_t i = last ? (uint32_t)(last - nodes) + 1 :
			    hf_tree_lower_bound(t, dir);

	for (; i < t->n_nodes; i++) {
		const char *path = hf_tree_path(t, &nodes[i]);

		if (strncmp(path, dir, length) != 0)
			break;
		if (path[length] == '/' && !strchr(path + length + 1, '/'))
			return &nodes[i];
	}
	return NULL;
}

#endif
