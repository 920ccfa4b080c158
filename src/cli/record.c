/* SPDX-License-Identifier: MIT */
/*
 * `holdfast record`: pictures from a running server, into a file, until a signal
 * comes, there are enough, or the server ends; and --record of our own server.
 *
 * The server composes, this process encodes. To stop is to shut down our side of the
 * stream: the server sends what is under way, and how many pictures are missing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/futex.h"
#include "cli/cli.h"
#include "server/record.h"
#include "video/video.h"

/* Beyond what any mode has. */
#define MAX_SIZE 16384

static int open_video(struct hf_video **video, const char *path)
{
	const char *why = NULL;

	*video = hf_video_create(path, &why);
	return *video ? 0 : hf_cli_error("%s: %s", path, why);
}

static int finish_video(struct hf_video *video, const char *path,
			uint64_t end_ns, uint64_t skipped, int error)
{
	uint64_t n = hf_video_count(video);
	int ret = hf_video_finish(video, end_ns);

	if (error)
		ret = error;
	if (ret == -ENODATA)
		hf_cli_error("%s: nothing was shown", path);
	else if (ret == -EPIPE || ret == -EIO)
		hf_cli_error("%s: ffmpeg has failed", path);
	else if (ret)
		hf_cli_error("%s: %s", path, strerror(-ret));
	if (ret)
		return 1;
	fprintf(stderr, "holdfast: %s: %lu frames, %lu skipped\n", path, n,
		skipped);
	return 0;
}

/* -- of our own server ----------------------------------------------------- */

int hf_cli_record_start(struct hf_cli_recording *recording,
			struct hf_server *server,
			const struct hf_cli_options *options)
{
	int ret;

	if (!options->record)
		return 0;
	ret = open_video(&recording->video, options->record);
	if (ret)
		return ret;
	ret = hf_record_start(server, HF_KMS_MAIN, recording->video,
			      &recording->recording);
	if (ret) {
		hf_video_finish(recording->video, 0);
		recording->video = NULL;
		return hf_cli_error("%s: %s", options->record, strerror(-ret));
	}
	recording->path = options->record;
	return 0;
}

int hf_cli_record_end(struct hf_cli_recording *recording)
{
	uint64_t skipped, end_ns;
	int ret;

	if (!recording->path)
		return 0;
	ret = hf_record_stop(recording->recording, &skipped, &end_ns);
	ret = finish_video(recording->video, recording->path, end_ns, skipped,
			   ret);
	memset(recording, 0, sizeof(*recording));
	return ret;
}

/* -- of a running one ------------------------------------------------------ */

struct session {
	const struct hf_cli_options *options;
	struct hf_video *video;
	int fd, signals;
	uint64_t deadline; /* 0: none */
	bool stopped;	   /* we have said so; */
	bool ended;	   /* and there is nothing more */
	uint64_t skipped, end_ns, last_end_ns;
	uint32_t *pixels;
	size_t size;
};

static void stop(struct session *session)
{
	if (!session->stopped)
		shutdown(session->fd, SHUT_WR);
	session->stopped = true;
}

static bool has_enough(const struct session *session)
{
	return session->options->frames &&
	       hf_video_count(session->video) >= session->options->frames;
}

/* Return: 0; -ENODATA at the end; or another negative errno. */
static int receive(struct session *session, void *data, size_t size)
{
	ssize_t n = recv(session->fd, data, size, MSG_WAITALL);

	if (n < 0)
		return errno == ECONNRESET ? -ENODATA : -errno;
	return (size_t)n == size ? 0 : -ENODATA;
}

static int receive_pixels(struct session *session,
			  const struct hf_record_packet *packet)
{
	size_t size = (size_t)packet->width * packet->height * 4;
	uint32_t *pixels;

	if (packet->width > MAX_SIZE || packet->height > MAX_SIZE || !size)
		return -EPROTO;
	if (size > session->size) {
		pixels = realloc(session->pixels, size);
		if (!pixels)
			return -ENOMEM;
		session->pixels = pixels;
		session->size = size;
	}
	return receive(session, session->pixels, size);
}

static int receive_picture(struct session *session)
{
	struct hf_record_packet packet;
	int ret = receive(session, &packet, sizeof(packet));

	if (!ret && !packet.width) {
		session->skipped = packet.skipped;
		session->end_ns = packet.ns;
		session->ended = true;
		return 0;
	}
	if (!ret)
		ret = receive_pixels(session, &packet);
	if (ret == -ENODATA) { /* the server is gone */
		session->ended = true;
		return 0;
	}
	if (ret || has_enough(session))
		return ret;
	session->last_end_ns = packet.ns + packet.frame_ns;
	return hf_video_add(session->video, &(struct hf_picture){
		.pixels = session->pixels,
		.width = packet.width,
		.height = packet.height,
		.frame_ns = packet.frame_ns,
		.ns = packet.ns,
	});
}

static int timeout_ms(const struct session *session)
{
	uint64_t now = hf_monotonic_ns();

	if (!session->deadline || session->stopped)
		return -1;
	return session->deadline > now ?
		       (session->deadline - now) / 1000000 + 1 :
		       0;
}

static int record(struct session *session)
{
	struct pollfd fds[] = { { .fd = session->fd, .events = POLLIN },
				{ .fd = session->signals, .events = POLLIN } };
	int ret = 0;

	while (!ret && !session->ended) {
		int n = poll(fds, 2, timeout_ms(session));

		if (n == 0 || fds[1].revents) {
			fds[1].fd = -1;
			fds[1].revents = 0;
			stop(session);
		}
		if (n > 0 && fds[0].revents)
			ret = receive_picture(session);
		if (has_enough(session))
			stop(session);
	}
	return ret;
}

static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int hf_cli_record(const struct hf_cli_options *options, int argc, char **argv)
{
	struct session session = { .options = options };
	int ret;

	if (argc != 1)
		return hf_cli_error("record needs one file name");
	session.signals = catch_signals();
	ret = open_video(&session.video, argv[0]);
	if (ret)
		return ret;
	session.fd = hf_cli_query_display(options, "record");
	if (session.fd < 0) {
		hf_video_finish(session.video, 0);
		return 1;
	}
	if (options->duration > 0)
		session.deadline = hf_monotonic_ns() + options->duration * 1e9;
	ret = record(&session);
	if (has_enough(&session) || !session.end_ns)
		session.end_ns = session.last_end_ns;
	close(session.fd);
	free(session.pixels);
	return finish_video(session.video, argv[0], session.end_ns,
			    session.skipped, ret);
}
