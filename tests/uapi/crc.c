/* SPDX-License-Identifier: MIT */
/* CRCs of what a CRTC shows: crc/control and crc/data in debugfs. */
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "uapi.h"

/* A frame's number and one CRC, with the NUL that the kernel puts behind it. */
#define LINE 23

struct line {
	uint32_t frame, crc;
};

/* The path of one of a CRTC's files; skips where there is none. */
static const char *crc_path(const struct kms *kms, const char *name)
{
	static char path[128];
	struct stat st;

	EXPECT_OK(result(fstat(kms->fd, &st)));
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/crtc-%u/crc/%s", minor(st.st_rdev),
		 kms->pipe, name);
	if (access(path, F_OK))
		skip("no CRCs, or debugfs is not there: %s", path);
	return path;
}

static int open_data(const struct kms *kms, int flags)
{
	return open(crc_path(kms, "data"), O_RDONLY | O_CLOEXEC | flags);
}

static int set_source(const struct kms *kms, const char *text, size_t size)
{
	int fd = open(crc_path(kms, "control"), O_WRONLY | O_CLOEXEC);
	ssize_t n;
	int error;

	EXPECT(fd >= 0);
	n = write(fd, text, size);
	error = n < 0 ? errno : 0;
	EXPECT(n < 0 || (size_t)n == size);
	close(fd);
	return error;
}

static struct line parse(const char *text)
{
	struct line line;
	char end;

	EXPECT_EQ(sscanf(text, "0x%8x 0x%8x%c", &line.frame, &line.crc, &end), 3);
	EXPECT_EQ(text[10], ' ');
	EXPECT_EQ(end, '\n');
	EXPECT_EQ(text[LINE - 1], 0);
	return line;
}

static struct line next_line(int fd)
{
	char text[64];

	EXPECT(readable(fd, 10000));
	EXPECT_EQ(read(fd, text, sizeof(text)), LINE);
	return parse(text);
}

/* Those of what is shown from now on, not of what waits to be read. */
static struct line fresh_line(const struct kms *kms, int fd)
{
	struct drm_crtc_get_sequence now = { .crtc_id = kms->crtc };
	struct line line;

	EXPECT_OK(call(kms->fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &now));
	do {
		line = next_line(fd);
	} while ((int32_t)(line.frame - (uint32_t)now.sequence) <= 0);
	return line;
}

/* A framebuffer of one colour, and its memory. */
static uint32_t coloured(const struct kms *kms, uint32_t colour, uint32_t **pixels)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = kms->mode.hdisplay, .height = kms->mode.vdisplay,
		.pixel_format = DRM_FORMAT_XRGB8888,
	};
	struct dumb dumb;
	uint32_t *map;

	dumb_create(kms->fd, cmd.width, cmd.height, 32, &dumb);
	map = dumb_map(&dumb);
	for (size_t i = 0; i < dumb.size / 4; i++)
		map[i] = colour;
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	if (pixels)
		*pixels = map;
	return cmd.fb_id;
}

static void open_shown(struct kms *kms, uint32_t *fb)
{
	kms_open(kms);
	crc_path(kms, "data");
	*fb = coloured(kms, 0x123456, NULL);
	EXPECT_OK(kms_set(kms, *fb));
}

/* -- control --------------------------------------------------------------------- */

TEST(control_marks_the_source_in_use)
{
	char text[4096] = "";
	struct kms kms;
	int fd, stars = 0;

	kms_open(&kms);
	fd = open(crc_path(&kms, "control"), O_RDONLY);
	EXPECT(fd >= 0);
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strcmp(line, "auto*"))
			stars += 100;
		stars += line[strlen(line) - 1] == '*';
	}
	EXPECT_EQ(stars, 101);
	EXPECT_EQ(read(fd, text, sizeof(text)), 0);
	EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
	EXPECT(read(fd, text, sizeof(text)) > 0);
}

TEST(control_takes_a_source_with_or_without_a_newline)
{
	static char much[4096];
	struct kms kms;

	kms_open(&kms);
	EXPECT_OK(set_source(&kms, "auto", 4));
	EXPECT_OK(set_source(&kms, "auto\n", 5));
	EXPECT_OK(set_source(&kms, "auto\0junk", 9));
	EXPECT_OK(set_source(&kms, "", 0));
	EXPECT_ERROR(set_source(&kms, "auto\n\n", 6), EINVAL);
	EXPECT_ERROR(set_source(&kms, "\n", 1), EINVAL);
	EXPECT_ERROR(set_source(&kms, "no such source", 14), EINVAL);
	memset(much, 'a', sizeof(much));
	EXPECT_ERROR(set_source(&kms, much, 4095), EINVAL);
	EXPECT_ERROR(set_source(&kms, much, 4096), E2BIG);
	EXPECT_OK(set_source(&kms, "auto", 4));
}

TEST(control_is_busy_while_somebody_reads)
{
	struct kms kms;
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	EXPECT_ERROR(set_source(&kms, "auto", 4), EBUSY);
	EXPECT_ERROR(set_source(&kms, "nonsense", 8), EINVAL);
	close(data);
	EXPECT_OK(set_source(&kms, "auto", 4));
}

/* -- data ------------------------------------------------------------------------ */

TEST(data_of_a_dark_crtc_is_eio)
{
	struct kms kms;
	uint32_t fb;

	open_shown(&kms, &fb);
	EXPECT_OK(kms_off(&kms));
	EXPECT_ERROR(result(open_data(&kms, 0)), EIO);
	EXPECT_OK(kms_set(&kms, fb));
	EXPECT(open_data(&kms, 0) >= 0);
}

TEST(there_is_one_reader_at_a_time)
{
	struct kms kms;
	uint32_t fb;
	int first;

	open_shown(&kms, &fb);
	first = open_data(&kms, 0);
	EXPECT(first >= 0);
	EXPECT_ERROR(result(open_data(&kms, 0)), EBUSY);
	close(first);
	EXPECT(open_data(&kms, 0) >= 0);
}

TEST(a_reader_lives_as_long_as_any_descriptor_of_it)
{
	struct kms kms;
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	IN_CHILD({
		close(dup(data));
		EXPECT_ERROR(result(open_data(&kms, 0)), EBUSY);
		next_line(data);
	});
	EXPECT_ERROR(result(open_data(&kms, 0)), EBUSY);
	next_line(data);
	close(data);
	EXPECT(open_data(&kms, 0) >= 0);
}

TEST(every_vblank_has_a_line)
{
	union drm_wait_vblank wait = { 0 };
	struct line line, before;
	struct kms kms;
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	wait.request.type = _DRM_VBLANK_RELATIVE;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	before = next_line(data);
	/* Frames are counted as vblanks are. */
	EXPECT((int32_t)(before.frame - wait.reply.sequence) > 0);
	for (int i = 0; i < 20; i++) {
		line = next_line(data);
		EXPECT_EQ(line.frame, before.frame + 1);
		EXPECT_EQ(line.crc, before.crc);
		before = line;
	}
	memset(&wait, 0, sizeof(wait));
	wait.request.type = _DRM_VBLANK_RELATIVE;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
	EXPECT((int32_t)(wait.reply.sequence - line.frame) >= 0);
}

TEST(a_read_takes_a_line_or_nothing)
{
	struct line first, second;
	struct kms kms;
	char text[LINE];
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	first = next_line(data);
	EXPECT(readable(data, 10000));
	EXPECT_ERROR(result(read(data, text, LINE - 1)), EINVAL);
	EXPECT_EQ(read(data, text, LINE), LINE);
	second = parse(text);
	EXPECT_EQ(second.frame, first.frame + 1);
	EXPECT_ERROR(result(lseek(data, 0, SEEK_SET)), ESPIPE);
}

TEST(data_blocks_unless_it_was_opened_not_to)
{
	struct pollfd pollfd = { .events = POLLIN | POLLOUT };
	struct kms kms;
	char text[LINE];
	uint32_t fb;
	int error;

	open_shown(&kms, &fb);
	pollfd.fd = open_data(&kms, O_NONBLOCK);
	EXPECT(pollfd.fd >= 0);
	do {
		error = result(read(pollfd.fd, text, LINE));
	} while (!error);
	EXPECT_EQ(error, EAGAIN);
	EXPECT_EQ(poll(&pollfd, 1, 10000), 1);
	EXPECT_EQ(pollfd.revents, POLLIN);
	EXPECT_EQ(read(pollfd.fd, text, LINE), LINE);
	EXPECT_OK(result(fcntl(pollfd.fd, F_SETFL, 0)));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(read(pollfd.fd, text, LINE), LINE);
}

TEST(data_is_only_read)
{
	struct kms kms;
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	EXPECT_ERROR(result(write(data, "auto", 4)), EBADF);
}

TEST(lines_that_are_not_read_are_lost_from_the_127th_on)
{
	union drm_wait_vblank wait = { 0 };
	uint32_t fb, n, first;
	struct line line;
	struct kms kms;
	char text[LINE];
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, O_NONBLOCK);
	EXPECT(data >= 0);
	first = next_line(data).frame;
	for (int i = 0; i < 2; i++) {
		wait.request.type = _DRM_VBLANK_RELATIVE;
		wait.request.sequence = 80;
		EXPECT_OK(call(kms.fd, DRM_IOCTL_WAIT_VBLANK, &wait));
	}
	for (n = 0; n < 127; n++) {
		EXPECT_EQ(read(data, text, LINE), LINE);
		EXPECT_EQ(parse(text).frame, first + 1 + n);
	}
	/* And go on with what is shown now. */
	line = next_line(data);
	EXPECT(line.frame > first + 127);
}

TEST(lines_stop_while_the_crtc_is_off)
{
	struct kms kms;
	char text[LINE];
	uint32_t fb;
	int data;

	open_shown(&kms, &fb);
	data = open_data(&kms, O_NONBLOCK);
	EXPECT(data >= 0);
	next_line(data);
	EXPECT_OK(kms_off(&kms));
	/* One may be under way. */
	while (readable(data, 200))
		EXPECT_EQ(read(data, text, LINE), LINE);
	EXPECT_ERROR(result(read(data, text, LINE)), EAGAIN);
	EXPECT_OK(kms_set(&kms, fb));
	next_line(data);
	next_line(data);
}

/* -- what the CRC is of ------------------------------------------------------------ */

TEST(equal_pictures_have_equal_crcs)
{
	uint32_t fbs[3], crcs[3];
	struct kms kms;
	int data;

	open_shown(&kms, &fbs[0]);
	fbs[1] = coloured(&kms, 0x123457, NULL);
	fbs[2] = coloured(&kms, 0x123456, NULL);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	for (int i = 0; i < 3; i++) {
		EXPECT_OK(kms_set(&kms, fbs[i]));
		crcs[i] = fresh_line(&kms, data).crc;
		EXPECT_EQ(fresh_line(&kms, data).crc, crcs[i]);
	}
	EXPECT(crcs[0] != crcs[1]);
	EXPECT_EQ(crcs[0], crcs[2]);
}

TEST(one_pixel_makes_another_crc)
{
	struct kms kms;
	uint32_t fb, *pixels, crc;
	int data;

	kms_open(&kms);
	crc_path(&kms, "data");
	fb = coloured(&kms, 0x808080, &pixels);
	EXPECT_OK(kms_set(&kms, fb));
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	crc = fresh_line(&kms, data).crc;
	/* Nobody says that the memory was written. */
	pixels[kms.mode.hdisplay * (kms.mode.vdisplay / 2) + 7] ^= 1;
	EXPECT(fresh_line(&kms, data).crc != crc);
	pixels[kms.mode.hdisplay * (kms.mode.vdisplay / 2) + 7] ^= 1;
	EXPECT_EQ(fresh_line(&kms, data).crc, crc);
}

TEST(the_line_of_a_flips_vblank_is_the_first_of_what_it_shows)
{
	struct drm_event_vblank event;
	uint32_t fbs[2], crcs[2];
	struct line line;
	struct kms kms;
	int data;

	open_shown(&kms, &fbs[0]);
	fbs[1] = coloured(&kms, 0xabcdef, NULL);
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(kms_set(&kms, fbs[i]));
		crcs[i] = fresh_line(&kms, data).crc;
	}
	for (int i = 0; i < 12; i++) {
		int from = !(i & 1), to = i & 1;

		line = fresh_line(&kms, data);
		EXPECT_EQ(line.crc, crcs[from]);
		EXPECT_OK(kms_flip(&kms, fbs[to], DRM_MODE_PAGE_FLIP_EVENT, 0));
		read_vblank_event(kms.fd, &event);
		do {
			line = next_line(data);
			EXPECT_EQ(line.crc, crcs[(int32_t)(line.frame - event.sequence) < 0 ?
						 from : to]);
		} while ((int32_t)(line.frame - event.sequence) < 2);
	}
}

/* A plane of @type over a part of the primary one. */
static void check_plane(uint32_t type)
{
	struct request on = { 0 }, off = { 0 };
	uint32_t crc, fb, plane, small;
	struct drm_mode_fb_cmd2 cmd = {
		.width = 64, .height = 64, .pixel_format = DRM_FORMAT_ARGB8888,
	};
	struct dumb dumb;
	struct kms kms;
	int data;

	kms_open_atomic(&kms);
	crc_path(&kms, "data");
	if (find_plane(kms.fd, type, 1u << kms.pipe, &plane))
		skip("there is no such plane");
	fb = coloured(&kms, 0x404040, NULL);
	EXPECT_OK(kms_set(&kms, fb));
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	crc = fresh_line(&kms, data).crc;
	dumb_create(kms.fd, 64, 64, 32, &dumb);
	memset(dumb_map(&dumb), 0xff, dumb.size);
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	small = cmd.fb_id;
	request_plane(&on, &kms, plane, small, 64, 64);
	EXPECT_OK(request_commit(kms.fd, &on, 0, 0));
	EXPECT(fresh_line(&kms, data).crc != crc);
	request_plane(&off, &kms, plane, 0, 0, 0);
	EXPECT_OK(request_commit(kms.fd, &off, 0, 0));
	EXPECT_EQ(fresh_line(&kms, data).crc, crc);
}

TEST(an_overlay_is_part_of_the_picture)
{
	check_plane(DRM_PLANE_TYPE_OVERLAY);
}

TEST(a_cursor_is_part_of_the_picture)
{
	check_plane(DRM_PLANE_TYPE_CURSOR);
}

TEST(gamma_is_part_of_the_picture)
{
	static uint16_t ramp[4096];
	struct drm_mode_crtc_lut lut = {
		.red = PTR(ramp), .green = PTR(ramp), .blue = PTR(ramp),
	};
	struct drm_mode_crtc get = { 0 };
	uint32_t fb, crc;
	struct kms kms;
	int data;

	open_shown(&kms, &fb);
	get.crtc_id = lut.crtc_id = kms.crtc;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_GETCRTC, &get));
	if (get.gamma_size < 2 || get.gamma_size > 4096)
		skip("the CRTC has no gamma table");
	lut.gamma_size = get.gamma_size;
	data = open_data(&kms, 0);
	EXPECT(data >= 0);
	crc = fresh_line(&kms, data).crc;
	for (uint32_t i = 0; i < lut.gamma_size; i++)
		ramp[i] = (uint16_t)(0xffff - i * 0xffff / (lut.gamma_size - 1));
	EXPECT_OK(call(kms.fd, DRM_IOCTL_MODE_SETGAMMA, &lut));
	EXPECT(fresh_line(&kms, data).crc != crc);
}

/* -- the other files ------------------------------------------------------------------ */

static char *read_file(const struct kms *kms, const char *name)
{
	static char text[65536];
	char path[96];
	struct stat st;
	ssize_t n;
	int fd;

	EXPECT_OK(result(fstat(kms->fd, &st)));
	snprintf(path, sizeof(path), "/sys/kernel/debug/dri/%u/%s", minor(st.st_rdev), name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		skip("debugfs is not there: %s", path);
	n = read(fd, text, sizeof(text) - 1);
	EXPECT(n >= 0);
	text[n] = 0;
	close(fd);
	return text;
}

TEST(state_tells_what_is_shown)
{
	struct kms kms;
	char line[64];
	uint32_t fb;
	char *text;

	kms_open_atomic(&kms);
	kms_show_atomic(&kms, &fb);
	text = read_file(&kms, "state");
	snprintf(line, sizeof(line), "\nconnector[%u]: ", kms.connector);
	EXPECT(strstr(text, line));
	snprintf(line, sizeof(line), "\ncrtc[%u]: ", kms.crtc);
	text = strstr(text, line);
	EXPECT(text);
	EXPECT(strstr(text, "\tactive=1\n"));
	text = read_file(&kms, "state");
	snprintf(line, sizeof(line), "plane[%u]: ", kms.primary);
	text = strstr(text, line);
	EXPECT(text);
	snprintf(line, sizeof(line), "\tfb=%u\n", fb);
	EXPECT(strstr(text, line));
	snprintf(line, sizeof(line), "\t\tsize=%ux%u\n", kms.mode.hdisplay, kms.mode.vdisplay);
	EXPECT(strstr(text, line));
	snprintf(line, sizeof(line), "\tcrtc-pos=%ux%u+0+0\n\tsrc-pos=%u.000000x",
		 kms.mode.hdisplay, kms.mode.vdisplay, kms.mode.hdisplay);
	EXPECT(strstr(text, line));
}

TEST(framebuffer_lists_those_that_there_are)
{
	struct kms kms;
	char line[64];
	uint32_t fb;

	kms_open(&kms);
	fb = fb_create(kms.fd, 128, 96);
	snprintf(line, sizeof(line), "framebuffer[%u]:\n\tallocated by = ", fb);
	EXPECT(strstr(read_file(&kms, "framebuffer"), line));
	EXPECT_OK(rmfb(kms.fd, fb));
	EXPECT(!strstr(read_file(&kms, "framebuffer"), line));
}

TEST(clients_lists_open_files)
{
	struct drm_auth auth;
	struct kms kms;
	char line[64];
	char *text;
	int other;

	kms_open(&kms);
	other = open_second();
	EXPECT_OK(call(other, DRM_IOCTL_GET_MAGIC, &auth));
	text = read_file(&kms, "clients");
	EXPECT(!strncmp(text, "             command ", 21));
	snprintf(line, sizeof(line), " %5d ", getpid());
	text = strstr(text, line);
	EXPECT(text && strstr(text, "   y    y "));
	snprintf(line, sizeof(line), "%10u\n", auth.magic);
	EXPECT(strstr(text, line));
}

TEST(gem_names_lists_what_has_one)
{
	struct drm_gem_flink flink = { 0 };
	struct dumb dumb;
	struct kms kms;
	char line[64];

	kms_open(&kms);
	dumb_create(kms.fd, 64, 64, 32, &dumb);
	flink.handle = dumb.handle;
	EXPECT_OK(call(kms.fd, DRM_IOCTL_GEM_FLINK, &flink));
	snprintf(line, sizeof(line), "\n%6u %8zu       1 ", flink.name, (size_t)dumb.size);
	EXPECT(strstr(read_file(&kms, "gem_names"), line));
}

TEST(name_tells_the_driver)
{
	drmVersion *version;
	struct kms kms;
	char line[128];

	kms_open(&kms);
	version = drmGetVersion(kms.fd);
	EXPECT(version);
	snprintf(line, sizeof(line), "%s dev=", version->name);
	EXPECT(!strncmp(read_file(&kms, "name"), line, strlen(line)));
}
