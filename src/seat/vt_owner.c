/* SPDX-License-Identifier: MIT */
/*
 * Whose the nodes of terminals are. At first the server's user's; programs that give a
 * terminal to a user change that, as getty and openvt do. The system's lock is held.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seat/vt_internal.h"

void hf_vt_owner_init(struct hf_vts *vts)
{
	for (unsigned int i = 0; i <= HF_VT_MAX; i++)
		vts->owner[i] = (struct hf_vt_owner){
			.uid = geteuid(), .gid = getegid(), .mode = 0620,
		};
}

struct hf_vt_owner hf_vt_owner(const struct hf_vts *vts, unsigned int minor)
{
	return vts->owner[minor];
}

/* The server's user is root here. */
static bool is_root(const struct hf_cred *cred)
{
	return cred->uid == 0 || cred->uid == geteuid();
}

int hf_vt_set_owner(struct hf_vts *vts, const struct hf_cred *cred,
		    unsigned int minor, uint32_t uid, uint32_t gid,
		    uint32_t mode)
{
	struct hf_vt_owner *owner = &vts->owner[minor];
	bool own = cred->uid == owner->uid;

	if (!is_root(cred) &&
	    (!own || (uid != UINT32_MAX && uid != owner->uid) ||
	     (gid != UINT32_MAX && gid != owner->gid && gid != cred->gid)))
		return -EPERM;
	if (uid != UINT32_MAX)
		owner->uid = uid;
	if (gid != UINT32_MAX)
		owner->gid = gid;
	if (mode != UINT32_MAX)
		owner->mode = mode & 07777;
	return 0;
}

bool hf_vt_may_open(const struct hf_vts *vts, const struct hf_cred *cred,
		    unsigned int minor, int flags)
{
	const struct hf_vt_owner *owner = &vts->owner[minor];
	int access = flags & O_ACCMODE;
	uint32_t want = access == O_RDONLY ? 4 : access == O_WRONLY ? 2 : 6;
	uint32_t mode = owner->mode;

	if (is_root(cred))
		return true;
	if (cred->uid == owner->uid)
		mode >>= 6;
	else if (cred->gid == owner->gid)
		mode >>= 3;
	return !(want & ~mode);
}
