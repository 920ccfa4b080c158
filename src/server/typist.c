/* SPDX-License-Identifier: MIT */
/*
 * Those who act for a person. See the header.
 *
 * Connections are the main thread's. One that says garbage gets sentences for it, and
 * one that hangs up lets go of what it holds only if it said so: a viewer's person may
 * have gone with a key down, as a real one may with a book on the keyboard.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/server.h"
#include "server/typist.h"

#define MAX_WORDS 256
#define MAX_TYPISTS 64

struct typist {
	struct hf_server *server;
	int fd;
	struct wl_event_source *source;
	struct wl_list link;
};

int hf_typist_command(struct hf_server *server, const char *text,
		      char why[HF_INPUT_WHY])
{
	const char *words[MAX_WORDS];
	char *copy = strdup(text), *save = NULL, *word;
	size_t n = 0;
	int ret;

	if (!copy) {
		snprintf(why, HF_INPUT_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (word = strtok_r(copy, "\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &save))
		words[n++] = word;
	if (word) {
		snprintf(why, HF_INPUT_WHY, "more than %d words", MAX_WORDS);
		ret = -E2BIG;
	} else {
		ret = hf_input_command(server->seat, words, n, why);
	}
	free(copy);
	return ret;
}

static void typist_destroy(struct typist *typist)
{
	wl_event_source_remove(typist->source);
	wl_list_remove(&typist->link);
	close(typist->fd);
	free(typist);
}

static void run_packet(struct typist *typist, const char *text)
{
	struct hf_server *server = typist->server;
	char why[HF_INPUT_WHY] = "";
	int ret;

	pthread_mutex_lock(&server->sys->lock);
	ret = hf_typist_command(server, text, why);
	pthread_mutex_unlock(&server->sys->lock);
	if (!ret)
		why[0] = '\0';
	send(typist->fd, why, strlen(why) + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int typist_readable(int fd, uint32_t mask, void *data)
{
	struct typist *typist = data;
	char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	(void)mask;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		typist_destroy(typist);
		return 0;
	}
	text[n] = '\0';
	run_packet(typist, text);
	return 1;
}

int hf_typist_open(struct hf_server *server)
{
	struct typist *typist;
	int sv[2];

	if (wl_list_length(&server->typists) >= MAX_TYPISTS)
		return -EMFILE;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv))
		return -errno;
	typist = calloc(1, sizeof(*typist));
	if (typist)
		typist->source = wl_event_loop_add_fd(
			server->loop, sv[0], WL_EVENT_READABLE,
			typist_readable, typist);
	if (!typist || !typist->source) {
		free(typist);
		close(sv[0]);
		close(sv[1]);
		return -ENOMEM;
	}
	typist->server = server;
	typist->fd = sv[0];
	wl_list_insert(&server->typists, &typist->link);
	return sv[1];
}

void hf_typists_finish(struct hf_server *server)
{
	struct typist *typist, *next;

	wl_list_for_each_safe(typist, next, &server->typists, link)
		typist_destroy(typist);
}
