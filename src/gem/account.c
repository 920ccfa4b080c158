/* SPDX-License-Identifier: MIT */
/*
 * What each client has of a device: objects, each of which costs the server a
 * descriptor, and bytes of memory. Whoever makes an object, or is the first to
 * bring it from outside, pays for it until it is gone, wherever it is passed to.
 * At its limit a client gets ENOMEM, and others go on. A client is a process.
 *
 * The lock of the devices protects all of it.
 */
#include <errno.h>
#include <stdlib.h>

#include "gem/gem.h"
#include "gem/internal.h"

/**
 * struct hf_gem_account - One client's.
 * @count: objects; the account goes with the last one
 */
struct hf_gem_account {
	pid_t pid;
	uint64_t count, bytes;
	UT_hash_handle hh;
};

static struct hf_gem_account *find(struct hf_gem_device *gem, pid_t pid)
{
	struct hf_gem_account *account;

	HASH_FIND(hh, gem->accounts, &pid, sizeof(pid), account);
	return account;
}

static bool has_room(const struct hf_gem_device *gem,
		     const struct hf_gem_account *account, uint64_t size)
{
	uint64_t count = account ? account->count : 0;
	uint64_t bytes = account ? account->bytes : 0;

	if (gem->client_count && count >= gem->client_count)
		return false;
	return !gem->client_bytes ||
	       (size <= gem->client_bytes && bytes <= gem->client_bytes - size);
}

bool hf_gem_account_has_room(struct hf_gem_device *gem, pid_t pid,
			     uint64_t size)
{
	struct hf_gem_account *account = find(gem, pid);

	if (account && !has_room(gem, account, size) &&
	    has_room(gem, account, 0))
		hf_gem_reclaim_of(gem, size, account);
	return has_room(gem, account, size);
}

struct hf_gem_account *hf_gem_account_charge(struct hf_gem_device *gem,
					     pid_t pid, uint64_t size)
{
	struct hf_gem_account *account = find(gem, pid);

	if (!has_room(gem, account, size))
		return NULL;
	if (!account) {
		account = calloc(1, sizeof(*account));
		if (!account)
			return NULL;
		account->pid = pid;
		HASH_ADD(hh, gem->accounts, pid, sizeof(account->pid), account);
	}
	account->count++;
	account->bytes += size;
	return account;
}

void hf_gem_account_purge(struct hf_gem_account *account, uint64_t size)
{
	if (account)
		account->bytes -= size;
}

void hf_gem_account_discharge(struct hf_gem_device *gem,
			      struct hf_gem_account *account, uint64_t size)
{
	if (!account)
		return;
	account->bytes -= size;
	if (--account->count)
		return;
	HASH_DELETE(hh, gem->accounts, account);
	free(account);
}
