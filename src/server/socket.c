/* SPDX-License-Identifier: MIT */
/*
 * Sockets that the server answers at. See the header; the system's lock is held.
 *
 * Whoever is the server's user or root may listen there with a daemon of their own, and
 * then that is what all programs of this server find.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "seat/seatd.h"
#include "seat/seatd_protocol.h"
#include "server/socket.h"
#include "uapi/tree.h"

/* Links in a row that are followed. */
#define MAX_LINKS 8

static bool is_owner(const struct hf_cred *cred)
{
	return cred->uid == 0 || cred->uid == geteuid();
}

static int give_up_socket(struct hf_server *server, const struct hf_call *call)
{
	if (!is_owner(&call->cred))
		return -EACCES;
	hf_seatd_stop_listening(hf_seat_seatd(server->seat));
	return 0;
}

int hf_socket_op(struct hf_server *server, struct hf_call *call,
		 const char *path, int *fd)
{
	struct hf_seatd *seatd = server->seat ? hf_seat_seatd(server->seat) :
						NULL;

	if (strcmp(path, HF_SEATD_PATH) || !seatd || !hf_seatd_listens(seatd))
		return -ENOENT;
	switch (call->cmd) {
	case HF_SOCKET_CONNECT:
		/* As the daemon's socket has it. */
		if (!is_owner(&call->cred) && call->cred.gid != getegid())
			return -EACCES;
		return hf_seatd_connect(seatd, &call->cred, fd);
	case HF_SOCKET_BOUND:
		return give_up_socket(server, call);
	default:
		return -EINVAL;
	}
}

/* -- names ----------------------------------------------------------------- */

/* Take "//", "/./" and "/x/.." out of an absolute path, in place. */
static void clean(char *path)
{
	char *to = path, *word = path;

	for (size_t n; *word; word += n) {
		word += strspn(word, "/");
		n = strcspn(word, "/");
		if (!n || (n == 1 && word[0] == '.'))
			continue;
		if (n == 2 && word[0] == '.' && word[1] == '.') {
			while (to > path && *--to != '/')
				;
			continue;
		}
		*to++ = '/';
		memmove(to, word, n);
		to += n;
	}
	*to = '\0';
}

/* Where a link leads from its directory. Return: 0 or -ELOOP, for it is too long. */
static int follow(char path[PATH_MAX], const char *target)
{
	char next[PATH_MAX];
	int n;

	*strrchr(path, '/') = '\0';
	n = snprintf(next, sizeof(next), "%s/%s", target[0] == '/' ? "" : path,
		     target);
	if (n >= PATH_MAX)
		return -ELOOP;
	memcpy(path, next, (size_t)n + 1);
	return 0;
}

int hf_socket_find_device(void *data, const char *path, uint32_t *major,
			  uint32_t *minor)
{
	const struct hf_server *server = data;
	const struct hf_tree *tree = server->tree;
	char name[PATH_MAX];

	if (path[0] != '/' || strlen(path) >= sizeof(name))
		return -ENOENT;
	strcpy(name, path);
	for (unsigned int i = 0; i < MAX_LINKS; i++) {
		const struct hf_tree_node *node;

		clean(name);
		node = hf_tree_find(tree, name);
		if (node && S_ISCHR(node->mode)) {
			*major = node->major;
			*minor = node->minor;
			return 0;
		}
		if (!node || !S_ISLNK(node->mode))
			return -ENOENT;
		if (follow(name, hf_tree_data(tree, node)))
			return -ELOOP;
	}
	return -ELOOP;
}
