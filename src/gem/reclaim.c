/* SPDX-License-Identifier: MIT */
/*
 * Reclaim: objects whose owner does not need their content any more are listed,
 * least recently used first, and purged when memory is short. An object that a
 * device works on is left alone, and so is one that somebody else may have.
 *
 * The lock of the devices protects the list.
 */
#include "gem/gem.h"
#include "gem/internal.h"

void hf_gem_reclaim_touch(struct hf_gem_object *object)
{
	if (wl_list_empty(&object->lru))
		return;
	wl_list_remove(&object->lru);
	wl_list_insert(object->gem->purgeable.prev, &object->lru);
}

static void list(struct hf_gem_object *object)
{
	struct hf_gem_device *gem = object->gem;

	wl_list_insert(gem->purgeable.prev, &object->lru);
	if (gem->purging_makes_sense)
		gem->purging_makes_sense(gem);
	gem->purging_makes_sense = NULL;
}

bool hf_gem_madvise(struct hf_gem_object *object, bool needed)
{
	if (object->purged)
		return false;
	if (needed && object->dontneed) {
		wl_list_remove(&object->lru);
		wl_list_init(&object->lru);
	} else if (!needed && !object->dontneed && object->backing) {
		list(object);
	}
	object->dontneed = !needed && object->backing;
	return true;
}

static bool purge(struct hf_gem_object *object)
{
	if (object->mapping || object->shared ||
	    hf_backing_purge(object->backing) < 0)
		return false;
	wl_list_remove(&object->lru);
	wl_list_init(&object->lru);
	object->purged = true;
	object->gem->bytes -= object->size;
	hf_gem_account_purge(object->account, object->size);
	return true;
}

static uint64_t reclaim(struct hf_gem_device *gem, uint64_t bytes,
			const struct hf_gem_account *of)
{
	struct hf_gem_object *object, *next;
	uint64_t freed = 0;

	wl_list_for_each_safe(object, next, &gem->purgeable, lru) {
		if (freed >= bytes)
			break;
		if ((!of || object->account == of) && purge(object))
			freed += object->size;
	}
	return freed;
}

uint64_t hf_gem_reclaim(struct hf_gem_device *gem, uint64_t bytes)
{
	return reclaim(gem, bytes, NULL);
}

uint64_t hf_gem_reclaim_of(struct hf_gem_device *gem, uint64_t bytes,
			   const struct hf_gem_account *account)
{
	return reclaim(gem, bytes, account);
}
