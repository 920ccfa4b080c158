/* SPDX-License-Identifier: MIT */
/*
 * Videos that ffmpeg encodes. It reads uncompressed Matroska from a pipe, which is
 * simple to write and has a time stamp for every picture: a picture that stays for
 * long costs nothing, and ffmpeg keeps the times.
 *
 * It has a process group of its own, so that a Ctrl-C leaves it alone: it ends when
 * the pipe does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "video/internal.h"

extern char **environ;

/* -- Matroska -------------------------------------------------------------- */

/* What fits into a header. */
struct ebml {
	unsigned char bytes[1024];
	size_t n;
};

static void put_id(struct ebml *ebml, uint32_t id)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		if (id >> shift)
			ebml->bytes[ebml->n++] = id >> shift;
}

/* Always in 8 bytes. */
static void put_size(struct ebml *ebml, uint64_t size)
{
	ebml->bytes[ebml->n++] = 1;
	for (int shift = 48; shift >= 0; shift -= 8)
		ebml->bytes[ebml->n++] = size >> shift;
}

static void put_uint(struct ebml *ebml, uint32_t id, uint64_t value)
{
	put_id(ebml, id);
	put_size(ebml, 8);
	for (int shift = 56; shift >= 0; shift -= 8)
		ebml->bytes[ebml->n++] = value >> shift;
}

static void put_bytes(struct ebml *ebml, uint32_t id, const char *bytes,
		      size_t n)
{
	put_id(ebml, id);
	put_size(ebml, n);
	memcpy(ebml->bytes + ebml->n, bytes, n);
	ebml->n += n;
}

static void put_string(struct ebml *ebml, uint32_t id, const char *string)
{
	put_bytes(ebml, id, string, strlen(string));
}

static void put_element(struct ebml *ebml, uint32_t id,
			const struct ebml *content)
{
	put_bytes(ebml, id, (const char *)content->bytes, content->n);
}

#define UNKNOWN_SIZE ((UINT64_C(1) << 56) - 1)
#define NS_A_TICK 1000

static int begin(struct hf_video *video, const struct hf_picture *picture)
{
	struct ebml out = { .n = 0 }, header = { .n = 0 }, info = { .n = 0 };
	struct ebml size = { .n = 0 }, track = { .n = 0 }, tracks = { .n = 0 };

	put_uint(&header, 0x4286, 1);		/* EBMLVersion */
	put_uint(&header, 0x42f7, 1);		/* EBMLReadVersion */
	put_uint(&header, 0x42f2, 4);		/* EBMLMaxIDLength */
	put_uint(&header, 0x42f3, 8);		/* EBMLMaxSizeLength */
	put_string(&header, 0x4282, "matroska"); /* DocType */
	put_uint(&header, 0x4287, 4);		/* DocTypeVersion */
	put_uint(&header, 0x4285, 2);		/* DocTypeReadVersion */
	put_element(&out, 0x1a45dfa3, &header);
	put_id(&out, 0x18538067); /* Segment */
	put_size(&out, UNKNOWN_SIZE);

	put_uint(&info, 0x2ad7b1, NS_A_TICK);	/* TimestampScale */
	put_string(&info, 0x4d80, "holdfast");	/* MuxingApp */
	put_string(&info, 0x5741, "holdfast");	/* WritingApp */
	put_element(&out, 0x1549a966, &info);

	put_uint(&size, 0xb0, picture->width);	/* PixelWidth */
	put_uint(&size, 0xba, picture->height); /* PixelHeight */
	put_bytes(&size, 0x2eb524, "BGR", 4);	/* UncompressedFourCC */
	put_uint(&track, 0xd7, 1);		/* TrackNumber */
	put_uint(&track, 0x73c5, 1);		/* TrackUID */
	put_uint(&track, 0x83, 1);		/* TrackType: video */
	put_string(&track, 0x86, "V_UNCOMPRESSED"); /* CodecID */
	put_uint(&track, 0x23e383, picture->frame_ns); /* DefaultDuration */
	put_element(&track, 0xe0, &size);	/* Video */
	put_element(&tracks, 0xae, &track);	/* TrackEntry */
	put_element(&out, 0x1654ae6b, &tracks); /* Tracks */
	return hf_video_write(video->fd, out.bytes, out.n);
}

/* A cluster with one block. */
static int put_picture(struct hf_video *video, const struct hf_picture *picture)
{
	struct ebml out = { .n = 0 }, time = { .n = 0 };
	uint64_t ns = picture->ns > video->first_ns ?
			      picture->ns - video->first_ns :
			      0;
	size_t size = hf_video_pixels(picture), block = size + 4;
	int ret;

	put_uint(&time, 0xe7, ns / NS_A_TICK); /* Timestamp */
	put_id(&out, 0x1f43b675);	       /* Cluster */
	put_size(&out, time.n + 9 + block);
	memcpy(out.bytes + out.n, time.bytes, time.n);
	out.n += time.n;
	put_id(&out, 0xa3); /* SimpleBlock: track 1, at that time, a key frame */
	put_size(&out, block);
	memcpy(out.bytes + out.n, "\x81\x00\x00\x80", 4);
	out.n += 4;
	ret = hf_video_write(video->fd, out.bytes, out.n);
	return ret ? ret : hf_video_write(video->fd, picture->pixels, size);
}

/* -- the encoder ----------------------------------------------------------- */

/* Even sizes, for the colours of most encoders are of two pixels by two. */
#define FIT "pad=ceil(iw/2)*2:ceil(ih/2)*2"
#define MAX_ARGS 32

static void add_args(const char *args[MAX_ARGS], size_t *n,
		     const char *const *more)
{
	while (*more && *n < MAX_ARGS - 2)
		args[(*n)++] = *more++;
}

static void make_args(const char *path, const char *args[MAX_ARGS])
{
	static const char *const input[] = {
		"ffmpeg", "-loglevel", "error", "-y", "-f", "matroska", "-i",
		"pipe:0", NULL,
	};
	static const char *const h264[] = {
		"-vf", FIT, "-c:v", "libx264", "-preset", "ultrafast", "-crf",
		"18", "-pix_fmt", "yuv420p", NULL,
	};
	static const char *const vp8[] = {
		"-vf", FIT, "-c:v", "libvpx", "-deadline", "realtime",
		"-cpu-used", "8", "-b:v", "8M", "-crf", "10", "-pix_fmt",
		"yuv420p", NULL,
	};
	/* It counts hundredths of a second, and viewers slow down what is faster. */
	static const char *const gif[] = { "-vf", "fps=50", NULL };
	const char *dot = strrchr(path, '.');
	size_t n = 0;

	add_args(args, &n, input);
	if (!strcmp(dot, ".webm"))
		add_args(args, &n, vp8);
	else if (!strcmp(dot, ".gif"))
		add_args(args, &n, gif);
	else
		add_args(args, &n, h264);
	args[n++] = path;
	args[n] = NULL;
}

static int spawn(struct hf_video *video, int input)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	const char *args[MAX_ARGS];
	sigset_t none, defaults;
	char *path = NULL;
	int err;

	/* A name that starts with a dash is no option. */
	if (video->path[0] == '-' && asprintf(&path, "./%s", video->path) < 0)
		return -ENOMEM;
	make_args(path ? path : video->path, args);
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
						POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &defaults);
	err = posix_spawnp(&video->encoder, args[0], &files, &attr,
			   (char *const *)args, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	free(path);
	return -err;
}

/* ffmpeg would say so when it is too late. */
static int try_file(struct hf_video *video)
{
	int fd = hf_video_open_file(video);

	return fd < 0 ? fd : close(fd);
}

static int open_ffmpeg(struct hf_video *video, const char **why)
{
	int fds[2], ret = try_file(video);

	if (ret) {
		*why = strerror(-ret);
		return ret;
	}
	if (pipe2(fds, O_CLOEXEC)) {
		*why = strerror(errno);
		return -errno;
	}
	ret = spawn(video, fds[0]);
	close(fds[0]);
	video->fd = fds[1];
	if (!ret)
		return 0;
	close(fds[1]);
	if (video->created)
		unlink(video->path);
	*why = ret == -ENOENT ? "ffmpeg is not installed, which makes such videos" :
				strerror(-ret);
	return ret;
}

static int add_ffmpeg(struct hf_video *video, const struct hf_picture *picture)
{
	int ret = video->count ? 0 : begin(video, picture);

	if (!ret)
		ret = put_picture(video, picture);
	return ret ? ret : hf_video_keep(video, picture);
}

/* Once more, so that it stays until the end. */
static int finish_ffmpeg(struct hf_video *video, uint64_t end_ns)
{
	struct hf_picture last = video->last;

	if (end_ns <= last.ns + last.frame_ns)
		return 0;
	last.ns = end_ns - last.frame_ns;
	return put_picture(video, &last);
}

static int close_ffmpeg(struct hf_video *video)
{
	siginfo_t info;
	pid_t pid;
	int status;

	/* It would complain of having got nothing. */
	if (!video->count && !waitid(P_PID, video->encoder, &info,
				     WEXITED | WNOHANG | WNOWAIT))
		kill(video->encoder, SIGKILL);
	close(video->fd);
	do {
		pid = waitpid(video->encoder, &status, 0);
	} while (pid < 0 && errno == EINTR);
	/* Whoever waits for all children may have been told instead. */
	return pid < 0 || !status || !video->count ? 0 : -EIO;
}

const struct hf_video_kind hf_video_ffmpeg = {
	.one_size = true,
	.open = open_ffmpeg,
	.add = add_ffmpeg,
	.finish = finish_ffmpeg,
	.close = close_ffmpeg,
};
