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

#endif
