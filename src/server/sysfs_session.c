/* SPDX-License-Identifier: MIT */
/*
 * Sessions as systemd-logind writes them down. See the header. They go before the
 * machine's own, which are about other VTs.
 *
 * No state: the tree has their names, and what they say is made when one is opened.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seat/seat.h"
#include "seat/vt.h"
#include "server/build.h"
#include "server/server.h"
#include "server/sysfs_session.h"

#define SEAT "/run/systemd/seats/seat0"
#define SESSION "/run/systemd/sessions/c"
#define USER "/run/systemd/users/"

static void add_file(struct hf_builder *b, const char *path)
{
	uint32_t nothing = hf_build_bytes(b, "", 0);
	struct hf_tree_node *node = hf_build_node(b, path, HF_BUILD_RO);

	node->data = nothing;
	node->flags = HF_TREE_SERVED | HF_TREE_FIRST;
}

void hf_sysfs_add_sessions(struct hf_builder *b)
{
	static const char *const dirs[] = { "/run/systemd", "/run/systemd/seats",
					    "/run/systemd/sessions",
					    "/run/systemd/users" };

	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		hf_build_overlay(b, dirs[i]);
	add_file(b, SEAT);
	add_file(b, hf_build_path(b, USER "%u", geteuid()).s);
	for (unsigned int i = 1; i <= HF_SESSIONS; i++)
		add_file(b, hf_build_path(b, SESSION "%u", i).s);
}

/* -- what they say --------------------------------------------------------- */

/* "c1 c2 …", or as often the user's id. */
static void print_list(FILE *f, const char *name, bool sessions)
{
	fprintf(f, "%s=", name);
	for (unsigned int i = 1; i <= HF_SESSIONS; i++)
		fprintf(f, "%s%s%u", i > 1 ? " " : "", sessions ? "c" : "",
			sessions ? i : geteuid());
	fputc('\n', f);
}

static void print_seat(FILE *f, unsigned int vt)
{
	fputs("IS_SEAT0=1\nCAN_MULTI_SESSION=1\nCAN_TTY=1\nCAN_GRAPHICAL=1\n", f);
	if (vt <= HF_SESSIONS)
		fprintf(f, "ACTIVE=c%u\nACTIVE_UID=%u\n", vt, geteuid());
	print_list(f, "SESSIONS", true);
	print_list(f, "UIDS", false);
}

struct user_name {
	char s[64];
};

/* Several threads may ask at once. */
static struct user_name user_name(void)
{
	struct user_name name = { "user" };
	struct passwd user, *found = NULL;
	char text[4096];

	if (!getpwuid_r(geteuid(), &user, text, sizeof(text), &found) && found)
		snprintf(name.s, sizeof(name.s), "%s", user.pw_name);
	return name;
}

static void print_session(FILE *f, unsigned int number, unsigned int vt)
{
	bool active = number == vt;

	fprintf(f,
		"UID=%u\nUSER=%s\nACTIVE=%d\nIS_DISPLAY=%d\nSTATE=%s\nREMOTE=0\n"
		"TYPE=tty\nORIGINAL_TYPE=tty\nCLASS=user\nSEAT=seat0\nTTY=tty%u\n"
		"SERVICE=holdfast\nPOSITION=%u\nLEADER=%d\nVTNR=%u\n",
		geteuid(), user_name().s, active, active,
		active ? "active" : "online", number, number, getpid(), number);
}

static void print_user(FILE *f, unsigned int vt)
{
	fprintf(f,
		"NAME=%s\nSTATE=active\nSTOPPING=no\nDISPLAY=c%u\nSEATS=seat0\n"
		"ACTIVE_SEATS=seat0\nONLINE_SEATS=seat0\n",
		user_name().s, vt <= HF_SESSIONS ? vt : 1);
	if (vt <= HF_SESSIONS)
		fprintf(f, "ACTIVE_SESSIONS=c%u\n", vt);
	print_list(f, "SESSIONS", true);
	print_list(f, "ONLINE_SESSIONS", true);
}

static bool print(FILE *f, const char *path, unsigned int vt)
{
	unsigned int n;

	if (!strcmp(path, SEAT))
		print_seat(f, vt);
	else if (!strncmp(path, USER, sizeof(USER) - 1))
		print_user(f, vt);
	else if (sscanf(path, SESSION "%u", &n) == 1)
		print_session(f, n, vt);
	else
		return false;
	return true;
}

static int publish(const char *path, const char *text, size_t size)
{
	char name[sizeof("holdfast:") + HF_TREE_PATH_MAX];
	int fd;

	snprintf(name, sizeof(name), "holdfast:%s", path);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (write(fd, text, size) == (ssize_t)size && !fchmod(fd, 0444) &&
	    !fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
		   F_SEAL_SEAL))
		return fd;
	close(fd);
	return -ENOMEM;
}

int hf_sysfs_session_open(struct hf_server *server, const char *path)
{
	unsigned int vt;
	char *text = NULL;
	size_t size = 0;
	bool known;
	FILE *f;
	int fd;

	if (!server->seat || !server->logind)
		return -ENOENT;
	pthread_mutex_lock(&server->sys->lock);
	vt = hf_vt_active(hf_seat_vts(server->seat));
	pthread_mutex_unlock(&server->sys->lock);
	f = open_memstream(&text, &size);
	if (!f)
		return -ENOMEM;
	known = print(f, path, vt);
	fd = fclose(f) ? -ENOMEM : known ? publish(path, text, size) : -ENOENT;
	free(text);
	return fd;
}
