/* SPDX-License-Identifier: MIT */
/* Shared between the files of gem/. */
#ifndef HF_GEM_INTERNAL_H
#define HF_GEM_INTERNAL_H

#include "gem/gem.h"

/* An object of a backing; takes over the caller's reference unless it fails. */
struct hf_gem_object *hf_gem_object_adopt(struct hf_gem_device *gem,
					  struct hf_backing *backing);

/* Drop a reference; see hf_gem_handle_close(). @memory may be NULL. */
void hf_gem_object_put_memory(struct hf_gem_object *object, int *memory);

/* It was used: as a candidate for purging it comes last now. */
void hf_gem_reclaim_touch(struct hf_gem_object *object);

/* What a file has of an object, or NULL. */
struct hf_gem_ref *hf_gem_ref_find(struct hf_gem_file *file,
				   struct hf_gem_object *object);

#endif
