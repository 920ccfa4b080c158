/* SPDX-License-Identifier: MIT */
/* Shared between the files of gem/. */
#ifndef HF_GEM_INTERNAL_H
#define HF_GEM_INTERNAL_H

#include "gem/gem.h"

/* An object of a backing, which @pid pays for; takes over the caller's reference
 * unless it fails. */
struct hf_gem_object *hf_gem_object_adopt(struct hf_gem_device *gem,
					  struct hf_backing *backing, pid_t pid);

/* May this client have one more object, of so many bytes? Purges what it does not
 * need. */
bool hf_gem_account_has_room(struct hf_gem_device *gem, pid_t pid,
			     uint64_t size);
/* Have it pay for one. Return: NULL where it may not, or without memory. */
struct hf_gem_account *hf_gem_account_charge(struct hf_gem_device *gem,
					     pid_t pid, uint64_t size);
/* The object's memory is gone, or all of it. They take NULL. */
void hf_gem_account_purge(struct hf_gem_account *account, uint64_t size);
void hf_gem_account_discharge(struct hf_gem_device *gem,
			      struct hf_gem_account *account, uint64_t size);

/* Drop a reference; see hf_gem_handle_close(). @memory may be NULL. */
void hf_gem_object_put_memory(struct hf_gem_object *object, int *memory);

/* It was used: as a candidate for purging it comes last now. */
void hf_gem_reclaim_touch(struct hf_gem_object *object);

/* As hf_gem_reclaim(), of what one client pays for. */
uint64_t hf_gem_reclaim_of(struct hf_gem_device *gem, uint64_t bytes,
			   const struct hf_gem_account *account);

/* What a file has of an object, or NULL. */
struct hf_gem_ref *hf_gem_ref_find(struct hf_gem_file *file,
				   struct hf_gem_object *object);

#endif
