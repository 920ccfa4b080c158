/* SPDX-License-Identifier: MIT */
/*
 * What the files that lay out the tree of paths build it with.
 *
 * A builder keeps the first error, so that the code that describes the layout is free
 * of checks; its caller owns it, and nobody else has it.
 */
#ifndef HF_SERVER_BUILD_H
#define HF_SERVER_BUILD_H

#include <stddef.h>
#include <sys/stat.h>

#include "uapi/tree.h"

/* What sysfs shows for each kind of attribute, and as its size. */
#define HF_BUILD_RO (S_IFREG | 0444)
#define HF_BUILD_RW (S_IFREG | 0644)
#define HF_BUILD_WO (S_IFREG | 0200)
#define HF_BUILD_SIZE 4096

/**
 * struct hf_builder - A tree in the making: zeroed, but for @uid and @gid.
 * @uid: owner of what hf_build_store() adds; likewise @gid
 */
struct hf_builder {
	uid_t uid;
	gid_t gid;
	struct hf_tree_node *nodes;
	size_t n_nodes, max_nodes;
	char *pool;
	size_t pool_size, max_pool;
	int error;
};

/* A path under construction. */
struct hf_build_path {
	char s[HF_TREE_PATH_MAX + 1];
};

/** hf_build_path() - Print one. */
struct hf_build_path hf_build_path(struct hf_builder *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** hf_build_bytes() - Put into the pool, with a NUL behind. Return: the offset there. */
uint32_t hf_build_bytes(struct hf_builder *b, const void *bytes, size_t size);
/** hf_build_node() - A blank node for the caller to fill, until the next is added. */
struct hf_tree_node *hf_build_node(struct hf_builder *b, const char *path,
				   uint32_t mode);
void hf_build_dir(struct hf_builder *b, const char *path);
/** hf_build_overlay() - A directory that the machine may have, too. */
void hf_build_overlay(struct hf_builder *b, const char *path);
/** hf_build_first() - A directory that hides the machine's. */
void hf_build_first(struct hf_builder *b, const char *path);
/** hf_build_data() - A file or a link; @reported is the size that it has for stat(2). */
void hf_build_data(struct hf_builder *b, const char *path, uint32_t mode,
		   uint32_t reported, const void *data, size_t size);
/** hf_build_attr() - An attribute "dir/name" with formatted content. */
void hf_build_attr(struct hf_builder *b, const char *dir, const char *name,
		   uint32_t mode, const char *format, ...)
	__attribute__((format(printf, 5, 6)));
/**
 * hf_build_store() - An attribute that can be written to: the server's user may, as
 * root may with a kernel's.
 */
void hf_build_store(struct hf_builder *b, const char *dir, const char *name,
		    const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/** hf_build_link() - A link "dir/name"; the format is its target's. */
void hf_build_link(struct hf_builder *b, const char *dir, const char *name,
		   const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/**
 * hf_build_finish() - Make a blob of it, and free what it has.
 *
 * Return: a sealed memfd in the format of uapi/tree.h, close-on-exec, or a negative
 * errno: the first error; %EINVAL for two nodes of the same path.
 */
int hf_build_finish(struct hf_builder *b);

#endif
