/* SPDX-License-Identifier: MIT */
/*
 * Videos: names, pictures of their own, and the frames of a .y4m.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "video/video.h"

#define FRAME_NS UINT64_C(16666666)

static char directory[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/unit-video-XXXXXX");
	return !mkdtemp(directory) || chdir(directory);
}

static int tear_down(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return chdir("/") || system(command);
}

static bool exists(const char *path)
{
	return !access(path, F_OK);
}

static struct hf_video *create(const char *path)
{
	const char *why = NULL;
	struct hf_video *video = hf_video_create(path, &why);

	if (!video)
		fail_msg("%s: %s", path, why);
	return video;
}

static void check_refused(const char *path, int error)
{
	const char *why = NULL;

	assert_null(hf_video_create(path, &why));
	assert_int_equal(errno, error);
	assert_non_null(why);
}

/* Of one colour. */
static int add(struct hf_video *video, uint32_t width, uint32_t height,
	       uint32_t pixel, uint64_t ns)
{
	uint32_t *pixels = malloc(width * height * 4);
	int ret;

	assert_non_null(pixels);
	for (uint32_t i = 0; i < width * height; i++)
		pixels[i] = pixel;
	ret = hf_video_add(video, &(struct hf_picture){ pixels, width, height,
							FRAME_NS, ns });
	free(pixels);
	return ret;
}

static void names_of_no_video_are_refused(void **state)
{
	(void)state;
	check_refused("video", EINVAL);
	check_refused("video.avi", EINVAL);
	check_refused("%s.png", EINVAL);
	check_refused("%", EINVAL);
	check_refused("%d-%d.png", EINVAL);
	check_refused("%10d.png", EINVAL);
	check_refused("%n.png", EINVAL);
	check_refused("no/such/%d.png", ENOENT);
	check_refused("no/such.y4m", ENOENT);
}

static void pictures_are_numbered_from_zero(void **state)
{
	struct hf_video *video = create("a%03db.png");

	(void)state;
	assert_int_equal(add(video, 4, 2, 0xff0000, 5), 0);
	/* Each has its own size. */
	assert_int_equal(add(video, 8, 8, 0xff00, 6), 0);
	assert_int_equal(hf_video_count(video), 2);
	assert_int_equal(hf_video_finish(video, 7), 0);
	assert_true(exists("a000b.png"));
	assert_true(exists("a001b.png"));
	assert_false(exists("a002b.png"));
}

static void a_number_may_be_of_any_width(void **state)
{
	static const struct {
		const char *path, *first;
	} names[] = { { "%d.png", "0.png" }, { "%2d.png", "00.png" },
		      { "%05d", "00000" }, { "%0d.x", "0.x" } };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct hf_video *video = create(names[i].path);

		assert_int_equal(add(video, 2, 2, 0, 1), 0);
		assert_int_equal(hf_video_finish(video, 2), 0);
		assert_true(exists(names[i].first));
	}
}

static void a_video_of_nothing_is_removed(void **state)
{
	struct hf_video *video = create("video.y4m");

	(void)state;
	assert_true(exists("video.y4m"));
	assert_int_equal(hf_video_finish(video, 5), -ENODATA);
	assert_false(exists("video.y4m"));
}

/* -- y4m ------------------------------------------------------------------- */

struct y4m {
	unsigned int width, height;
	size_t n;
	unsigned char luma[64]; /* of the first pixel of each frame */
	unsigned char last[64]; /* and of the last one */
};

static void read_y4m(const char *path, struct y4m *y4m)
{
	FILE *f = fopen(path, "re");
	char line[128];

	assert_non_null(f);
	y4m->n = 0;
	assert_non_null(fgets(line, sizeof(line), f));
	assert_int_equal(sscanf(line, "YUV4MPEG2 W%u H%u F1000000000:16666666 ",
				&y4m->width, &y4m->height), 2);
	assert_non_null(strstr(line, " C444 "));
	while (fgets(line, sizeof(line), f)) {
		unsigned char frame[3 * 64];
		size_t size = y4m->width * y4m->height;

		assert_string_equal(line, "FRAME\n");
		assert_int_equal(fread(frame, 1, 3 * size, f), 3 * size);
		y4m->luma[y4m->n] = frame[0];
		y4m->last[y4m->n++] = frame[size - 1];
	}
	fclose(f);
}

static void a_picture_is_repeated_for_as_long_as_it_was_shown(void **state)
{
	struct hf_video *video = create("video.y4m");
	uint64_t start = 123456789;
	struct y4m y4m;

	(void)state;
	assert_int_equal(add(video, 4, 2, 0xffffff, start), 0);
	/* A little early, as the clock may be. */
	assert_int_equal(add(video, 4, 2, 0, start + 3 * FRAME_NS - 1000), 0);
	assert_int_equal(add(video, 4, 2, 0xffffff, start + 5 * FRAME_NS), 0);
	assert_int_equal(hf_video_finish(video, start + 6 * FRAME_NS), 0);
	read_y4m("video.y4m", &y4m);
	assert_int_equal(y4m.n, 6);
	assert_memory_equal(y4m.luma, ((unsigned char[]){ 235, 235, 235, 16, 16,
							   235 }), 6);
}

static void of_two_in_a_frame_the_last_one_is_seen(void **state)
{
	struct hf_video *video = create("video.y4m");
	struct y4m y4m;

	(void)state;
	assert_int_equal(add(video, 2, 2, 0, 0), 0);
	assert_int_equal(add(video, 2, 2, 0x808080, FRAME_NS), 0);
	assert_int_equal(add(video, 2, 2, 0xffffff, FRAME_NS + 2000), 0);
	/* It lasts for a frame at least. */
	assert_int_equal(hf_video_finish(video, FRAME_NS + 2000), 0);
	read_y4m("video.y4m", &y4m);
	assert_int_equal(y4m.n, 2);
	assert_int_equal(y4m.luma[0], 16);
	assert_int_equal(y4m.luma[1], 235);
}

static void colours_are_converted_to_bt709(void **state)
{
	static const struct {
		uint32_t pixel;
		unsigned char ycc[3];
	} colours[] = {
		{ 0x000000, { 16, 128, 128 } }, { 0xffffff, { 235, 128, 128 } },
		{ 0xff0000, { 63, 102, 240 } }, { 0x00ff00, { 173, 42, 26 } },
		{ 0x0000ff, { 32, 240, 118 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(colours) / sizeof(*colours); i++) {
		struct hf_video *video = create("one.y4m");
		unsigned char ycc[3];
		FILE *f;

		assert_int_equal(add(video, 1, 1, colours[i].pixel, 0), 0);
		assert_int_equal(hf_video_finish(video, 0), 0);
		f = fopen("one.y4m", "re");
		assert_non_null(f);
		assert_int_equal(fseek(f, -3, SEEK_END), 0);
		assert_int_equal(fread(ycc, 1, 3, f), 3);
		fclose(f);
		for (int c = 0; c < 3; c++)
			assert_in_range(ycc[c], colours[i].ycc[c] - 1,
					colours[i].ycc[c] + 1);
	}
}

static void a_video_keeps_the_size_of_its_first_picture(void **state)
{
	struct hf_video *video = create("video.y4m");
	struct y4m y4m;

	(void)state;
	hf_log_init();
	assert_int_equal(add(video, 4, 4, 0xffffff, 0), 0);
	assert_int_equal(add(video, 2, 2, 0xffffff, FRAME_NS), 0);
	assert_int_equal(add(video, 8, 8, 0xffffff, 2 * FRAME_NS), 0);
	assert_int_equal(hf_video_finish(video, 3 * FRAME_NS), 0);
	read_y4m("video.y4m", &y4m);
	assert_int_equal(y4m.width, 4);
	assert_int_equal(y4m.n, 3);
	assert_memory_equal(y4m.luma, ((unsigned char[]){ 235, 235, 235 }), 3);
	/* The second one is padded, the third one cut off. */
	assert_memory_equal(y4m.last, ((unsigned char[]){ 235, 16, 235 }), 3);
}

static void a_disk_that_is_full_is_an_error(void **state)
{
	struct hf_video *video;

	(void)state;
	assert_int_equal(symlink("/dev/full", "full.y4m"), 0);
	video = create("full.y4m");
	assert_int_equal(add(video, 4, 4, 0, 0), -ENOSPC);
	assert_int_equal(hf_video_finish(video, FRAME_NS), -ENODATA);
}

/* -- an encoder ------------------------------------------------------------ */

/* A program of that name which does this, in place of any other. */
static void install_ffmpeg(const char *script)
{
	FILE *f = fopen("ffmpeg", "we");

	assert_non_null(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod("ffmpeg", 0755), 0);
	setenv("PATH", directory, 1);
}

static void an_encoder_gets_a_matroska_of_every_picture(void **state)
{
	const char *path = getenv("PATH");
	char *old = strdup(path ? path : "");
	struct hf_video *video;
	unsigned char bytes[4096];
	size_t n, clusters = 0;
	FILE *f;

	(void)state;
	install_ffmpeg("exec /bin/cat >got");
	video = create("video.mkv");
	assert_true(hf_video_encoder(video) > 0);
	assert_int_equal(add(video, 4, 4, 0x112233, 0), 0);
	assert_int_equal(add(video, 4, 4, 0x445566, 9 * FRAME_NS), 0);
	/* And the last one again, at its end. */
	assert_int_equal(hf_video_finish(video, 20 * FRAME_NS), 0);
	f = fopen("got", "re");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_memory_equal(bytes, "\x1a\x45\xdf\xa3", 4);
	assert_non_null(memmem(bytes, n, "V_UNCOMPRESSED", 14));
	assert_non_null(memmem(bytes, n, "\x33\x22\x11\x00\x33\x22\x11", 7));
	for (size_t i = 0; i + 4 <= n; i++)
		clusters += !memcmp(bytes + i, "\x1f\x43\xb6\x75", 4);
	assert_int_equal(clusters, 3);
	setenv("PATH", old, 1);
	free(old);
}

static void an_encoder_that_fails_is_an_error(void **state)
{
	const char *path = getenv("PATH");
	char *old = strdup(path ? path : "");
	struct hf_video *video;
	int ret = 0;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	install_ffmpeg("exit 1");
	video = create("video.mp4");
	for (int i = 0; !ret && i < 100000; i++)
		ret = add(video, 64, 64, 0, i * FRAME_NS);
	assert_int_equal(ret, -EPIPE);
	assert_int_not_equal(hf_video_finish(video, 0), 0);
	setenv("PATH", old, 1);
	free(old);
}

static void without_an_encoder_there_is_a_reason_and_no_file(void **state)
{
	const char *path = getenv("PATH");
	char *old = strdup(path ? path : "");

	(void)state;
	setenv("PATH", directory, 1);
	check_refused("video.webm", ENOENT);
	assert_false(exists("video.webm"));
	setenv("PATH", old, 1);
	free(old);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		TEST(names_of_no_video_are_refused),
		TEST(pictures_are_numbered_from_zero),
		TEST(a_number_may_be_of_any_width),
		TEST(a_video_of_nothing_is_removed),
		TEST(a_picture_is_repeated_for_as_long_as_it_was_shown),
		TEST(of_two_in_a_frame_the_last_one_is_seen),
		TEST(colours_are_converted_to_bt709),
		TEST(a_video_keeps_the_size_of_its_first_picture),
		TEST(a_disk_that_is_full_is_an_error),
		TEST(an_encoder_gets_a_matroska_of_every_picture),
		TEST(an_encoder_that_fails_is_an_error),
		TEST(without_an_encoder_there_is_a_reason_and_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
