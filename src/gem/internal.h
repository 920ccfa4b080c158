/* SPDX-License-Identifier: MIT */
/* Shared between the files of gem/. */
#ifndef HF_GEM_INTERNAL_H
#define HF_GEM_INTERNAL_H

#include "gem/gem.h"

/* An object of memory that exists already; owns @fd unless it fails. */
struct hf_gem_object *hf_gem_object_adopt(struct hf_gem_device *gem, int fd,
					  size_t size, pid_t pid);

/* Make it findable by its memfd. Return: 0 or a negative errno of fstat(2). */
int hf_gem_object_share(struct hf_gem_object *object);

/* Drop a reference; see hf_gem_handle_close(). @memory may be NULL. */
void hf_gem_object_put_memory(struct hf_gem_object *object, int *memory);

/* Fix its size for good, before a client gets the memfd. */
int hf_gem_object_seal(struct hf_gem_object *object);

/* What a file has of an object, or NULL. */
struct hf_gem_ref *hf_gem_ref_find(struct hf_gem_file *file,
				   struct hf_gem_object *object);

#endif
