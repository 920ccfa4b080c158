/* SPDX-License-Identifier: MIT */
/*
 * Lays out the paths of virtual terminals. They go before the machine's own, each of
 * them: what else there is in /dev and /sys/class/tty stays to be seen.
 *
 * No state: what it makes is in the builder.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seat/seat.h"
#include "seat/vt.h"
#include "server/build.h"
#include "server/server.h"
#include "server/sysfs_tty.h"

#define DIR "/sys/devices/virtual/tty"
#define ACTIVE DIR "/tty0/active"

/* What was added last goes before the machine's. */
static void mark(struct hf_builder *b)
{
	if (!b->error)
		b->nodes[b->n_nodes - 1].flags |= HF_TREE_FIRST;
}

static void add_node(struct hf_builder *b, const char *name,
		     const struct hf_vt_owner *owner, unsigned int minor)
{
	struct hf_build_path path = hf_build_path(b, "/dev/%s", name);
	struct hf_tree_node *node = hf_build_node(b, path.s,
						  S_IFCHR | owner->mode);

	node->major = HF_VT_MAJOR;
	node->minor = minor;
	node->uid = owner->uid;
	node->gid = owner->gid;
	mark(b);
}

static void add_links(struct hf_builder *b, const char *name, unsigned int minor,
		      bool dev_char)
{
	struct hf_build_path number = hf_build_path(b, "%d:%u", HF_VT_MAJOR,
						    minor);

	hf_build_link(b, "/sys/class/tty", name,
		      "../../devices/virtual/tty/%s", name);
	mark(b);
	hf_build_link(b, "/sys/dev/char", number.s,
		      "../../devices/virtual/tty/%s", name);
	mark(b);
	if (!dev_char)
		return;
	hf_build_link(b, "/dev/char", number.s, "../%s", name);
	mark(b);
}

static void add_tty(struct hf_builder *b, const struct hf_vt_owner *owner,
		    unsigned int minor, bool dev_char)
{
	struct hf_build_path name = hf_build_path(b, "tty%u", minor);
	struct hf_build_path dir = hf_build_path(b, DIR "/%s", name.s);

	add_node(b, name.s, owner, minor);
	hf_build_first(b, dir.s);
	hf_build_attr(b, dir.s, "dev", HF_BUILD_RO, "%d:%u\n", HF_VT_MAJOR,
		      minor);
	hf_build_link(b, dir.s, "subsystem", "../../../../class/tty");
	hf_build_store(b, dir.s, "uevent", "MAJOR=%d\nMINOR=%u\nDEVNAME=%s\n",
		       HF_VT_MAJOR, minor, name.s);
	add_links(b, name.s, minor, dev_char);
}

void hf_sysfs_add_ttys(struct hf_builder *b, const struct hf_seat *seat,
		       bool dev_char)
{
	struct hf_tree_node *active;
	uint32_t nothing;

	hf_build_overlay(b, "/sys/class/tty");
	hf_build_overlay(b, "/sys/devices/virtual");
	hf_build_overlay(b, DIR);
	for (unsigned int minor = 0; minor <= HF_VT_MAX; minor++) {
		struct hf_vt_owner owner = hf_vt_owner(hf_seat_vts(seat), minor);

		add_tty(b, &owner, minor, dev_char);
	}
	nothing = hf_build_bytes(b, "", 0);
	active = hf_build_node(b, ACTIVE, HF_BUILD_RO);
	active->data = nothing;
	active->size = HF_BUILD_SIZE;
	active->flags = HF_TREE_SERVED;
}

int hf_sysfs_tty_open(struct hf_server *server, const char *path)
{
	char text[16];
	int fd, n;

	if (!server->seat || strcmp(path, ACTIVE))
		return -ENOENT;
	pthread_mutex_lock(&server->sys->lock);
	n = snprintf(text, sizeof(text), "tty%u\n",
		     hf_vt_active(hf_seat_vts(server->seat)));
	pthread_mutex_unlock(&server->sys->lock);
	fd = memfd_create("holdfast:" ACTIVE, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) == n && !fchmod(fd, 0444) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		   F_SEAL_SEAL))
		return fd;
	close(fd);
	return -ENOMEM;
}
