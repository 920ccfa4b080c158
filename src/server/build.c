/* SPDX-License-Identifier: MIT */
/*
 * Collects the nodes of a tree of paths. See the header.
 *
 * Nodes and their strings are in two growing arrays. At the end the nodes are sorted
 * and everything goes to a memfd.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/build.h"

/* Append to the pool and close with a NUL; the offset within the pool. */
uint32_t hf_build_bytes(struct hf_builder *b, const void *bytes, size_t size)
{
	size_t offset = b->pool_size;
	size_t need = offset + size + 1;

	if (b->error)
		return 0;
	if (size >= UINT32_MAX / 2 || need >= UINT32_MAX / 2) {
		b->error = -E2BIG;
		return 0;
	}
	if (need > b->max_pool) {
		size_t max = need * 2;
		char *pool = realloc(b->pool, max);

		if (!pool) {
			b->error = -ENOMEM;
			return 0;
		}
		b->pool = pool;
		b->max_pool = max;
	}
	if (size)
		memcpy(b->pool + offset, bytes, size);
	b->pool[offset + size] = '\0';
	b->pool_size = need;
	return (uint32_t)offset;
}

/* A blank node for the caller to fill; one that nobody reads after an error. */
struct hf_tree_node *hf_build_node(struct hf_builder *b, const char *path,
				     uint32_t mode)
{
	static _Thread_local struct hf_tree_node nowhere;
	struct hf_tree_node *node;

	if (!b->error && b->n_nodes == b->max_nodes) {
		size_t max = b->max_nodes ? b->max_nodes * 2 : 64;
		struct hf_tree_node *nodes =
			reallocarray(b->nodes, max, sizeof(*nodes));

		if (nodes) {
			b->nodes = nodes;
			b->max_nodes = max;
		} else {
			b->error = -ENOMEM;
		}
	}
	if (b->error)
		return &nowhere;

	node = &b->nodes[b->n_nodes++];
	*node = (struct hf_tree_node){ .mode = mode };
	node->path = hf_build_bytes(b, path, strlen(path));
	return node;
}

struct hf_build_path hf_build_path(struct hf_builder *b, const char *format, ...)
{
	struct hf_build_path p;
	va_list ap;

	va_start(ap, format);
	if (vsnprintf(p.s, sizeof(p.s), format, ap) >= (int)sizeof(p.s) &&
	    !b->error)
		b->error = -ENAMETOOLONG;
	va_end(ap);
	return p;
}

void hf_build_dir(struct hf_builder *b, const char *path)
{
	hf_build_node(b, path, S_IFDIR | 0755);
}

void hf_build_overlay(struct hf_builder *b, const char *path)
{
	hf_build_node(b, path, S_IFDIR | 0755)->flags = HF_TREE_OVERLAY;
}

void hf_build_first(struct hf_builder *b, const char *path)
{
	hf_build_node(b, path, S_IFDIR | 0755)->flags = HF_TREE_FIRST;
}

void hf_build_data(struct hf_builder *b, const char *path, uint32_t mode,
		     uint32_t reported, const void *data, size_t size)
{
	uint32_t offset = hf_build_bytes(b, data, size);
	struct hf_tree_node *node = hf_build_node(b, path, mode);

	node->data = offset;
	node->data_size = (uint32_t)size;
	node->size = reported;
}

/* An attribute "dir/name" with formatted content. */
void hf_build_attr(struct hf_builder *b, const char *dir, const char *name,
		     uint32_t mode, const char *format, ...)
{
	struct hf_build_path path = hf_build_path(b, "%s/%s", dir, name);
	char *text;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length < 0) {
		b->error = b->error ? b->error : -ENOMEM;
		return;
	}
	hf_build_data(b, path.s, mode, HF_BUILD_SIZE, text, (size_t)length);
	free(text);
}

/*
 * An attribute that can be written to: the server's user may, as root may with a
 * kernel's.
 */
void hf_build_store(struct hf_builder *b, const char *dir, const char *name,
		    const char *format, ...)
{
	struct hf_build_path path = hf_build_path(b, "%s/%s", dir, name);
	struct hf_tree_node *node = hf_build_node(b, path.s, HF_BUILD_RW);
	char text[HF_BUILD_SIZE];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (length >= (int)sizeof(text) && !b->error)
		b->error = -E2BIG;
	node->uid = b->uid;
	node->gid = b->gid;
	node->size = HF_BUILD_SIZE;
	node->data_size = (uint32_t)length;
	node->data = hf_build_bytes(b, text, b->error ? 0 : (size_t)length);
}

/* A link "dir/name"; sysfs reports links as empty, /dev by their length. */
void hf_build_link(struct hf_builder *b, const char *dir, const char *name,
		     const char *format, ...)
{
	struct hf_build_path path = hf_build_path(b, "%s/%s", dir, name);
	char target[HF_TREE_PATH_MAX];
	va_list ap;
	int length;

	va_start(ap, format);
	length = vsnprintf(target, sizeof(target), format, ap);
	va_end(ap);
	if (length >= (int)sizeof(target)) {
		b->error = b->error ? b->error : -ENAMETOOLONG;
		return;
	}
	hf_build_data(b, path.s, S_IFLNK | 0777,
		 strncmp(dir, "/sys", 4) == 0 ? 0 : (uint32_t)length, target,
		 (size_t)length);
}

static int by_path(const void *a, const void *b, void *pool)
{
	const struct hf_tree_node *x = a, *y = b;

	return strcmp((char *)pool + x->path, (char *)pool + y->path);
}

/* Sort the nodes and turn offsets in the pool into offsets in the blob. */
static void finish_nodes(struct hf_builder *b)
{
	uint32_t pool = (uint32_t)(sizeof(struct hf_tree) +
				   b->n_nodes * sizeof(*b->nodes));

	qsort_r(b->nodes, b->n_nodes, sizeof(*b->nodes), by_path, b->pool);
	for (size_t i = 1; i < b->n_nodes; i++)
		if (by_path(&b->nodes[i - 1], &b->nodes[i], b->pool) == 0)
			b->error = -EINVAL;

	for (size_t i = 0; i < b->n_nodes; i++) {
		b->nodes[i].path += pool;
		b->nodes[i].data += pool;
	}
}

static int write_all(int fd, const void *bytes, size_t size)
{
	const char *next = bytes;

	while (size > 0) {
		ssize_t n = write(fd, next, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		next += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Put the blob into a memfd and seal that. */
static int publish(const struct hf_builder *b)
{
	struct hf_tree header = {
		.magic = HF_TREE_MAGIC,
		.version = HF_TREE_VERSION,
		.n_nodes = (uint32_t)b->n_nodes,
		.time = time(NULL),
	};
	size_t nodes_size = b->n_nodes * sizeof(*b->nodes);
	int fd, ret;

	header.size = sizeof(header) + nodes_size + b->pool_size;
	fd = memfd_create("holdfast-tree", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;

	ret = write_all(fd, &header, sizeof(header));
	if (ret == 0)
		ret = write_all(fd, b->nodes, nodes_size);
	if (ret == 0)
		ret = write_all(fd, b->pool, b->pool_size);
	if (ret == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW |
			      F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		ret = -errno;
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}

int hf_build_finish(struct hf_builder *b)
{
	int ret;

	if (!b->error)
		finish_nodes(b);
	ret = b->error ? b->error : publish(b);
	free(b->nodes);
	free(b->pool);
	return ret;
}
