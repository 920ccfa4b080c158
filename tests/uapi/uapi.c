/* SPDX-License-Identifier: MIT */
/*
 * The harness: runs tests in child processes, prints TAP, and holds what more
 * than one area needs (finding nodes, buffers, a display, events).
 */
#include "uapi.h"

#include <dirent.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define TIME_LIMIT 20
#define EXIT_FAILED 1
#define EXIT_SKIPPED 77

static struct uapi_test *tests, **tests_end = &tests;
static int reason_fd = -1;

void uapi_register(struct uapi_test *test)
{
	*tests_end = test;
	tests_end = &test->next;
}

void skip(const char *reason, ...)
{
	va_list args;

	va_start(args, reason);
	if (reason_fd >= 0)
		vdprintf(reason_fd, reason, args);
	va_end(args);
	_exit(EXIT_SKIPPED);
}

void fail(const char *file, int line, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "# %s:%d: %s\n", file, line, text);
	fflush(stderr);
	_exit(EXIT_FAILED);
}

const char *error_name(int error)
{
	const char *name;

	if (!error)
		return "success";
	name = strerrorname_np(error);
	return name ? name : "unknown error";
}

void check_error(const char *file, int line, const char *what, int got, int expected)
{
	if (got != expected)
		fail(file, line, "%s: got %s, expected %s", what, error_name(got),
		     error_name(expected));
}

pid_t fork_child(void)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	EXPECT(pid >= 0);
	return pid;
}

void join_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		EXPECT_EQ(errno, EINTR);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		_exit(EXIT_SKIPPED);
	EXPECT_EQ(status, 0);
}

static int run_one(const struct uapi_test *test, char *reason, size_t size)
{
	int pipe_fds[2], status;
	ssize_t length;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC))
		abort();
	pid = fork_child();
	if (pid == 0) {
		setpgid(0, 0);
		close(pipe_fds[0]);
		reason_fd = pipe_fds[1];
		alarm(TIME_LIMIT);
		test->run();
		_exit(0);
	}
	close(pipe_fds[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	/* Whatever the test left running must not disturb the next one. */
	kill(-pid, SIGKILL);
	length = read(pipe_fds[0], reason, size - 1);
	reason[length > 0 ? length : 0] = '\0';
	close(pipe_fds[0]);
	if (WIFSIGNALED(status)) {
		fprintf(stderr, "# %s: killed by SIG%s%s\n", test->name,
			sigabbrev_np(WTERMSIG(status)),
			WTERMSIG(status) == SIGALRM ? " (time limit)" : "");
		return EXIT_FAILED;
	}
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	struct uapi_test *test;
	unsigned int number = 0, failed = 0;
	char reason[256];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (only && !strcmp(only, "--list")) {
		for (test = tests; test; test = test->next)
			puts(test->name);
		return 0;
	}
	for (test = tests; test; test = test->next)
		number += !only || !strcmp(only, test->name);
	if (!number) {
		fprintf(stderr, "%s: no test named %s\n", argv[0], only ? only : "at all");
		return 2;
	}
	printf("1..%u\n", number);
	number = 0;
	for (test = tests; test; test = test->next) {
		if (only && strcmp(only, test->name))
			continue;
		number++;
		switch (run_one(test, reason, sizeof(reason))) {
		case 0:
			printf("ok %u - %s\n", number, test->name);
			break;
		case EXIT_SKIPPED:
			printf("ok %u - %s # SKIP %s\n", number, test->name, reason);
			break;
		default:
			printf("not ok %u - %s\n", number, test->name);
			failed++;
		}
	}
	return failed ? 1 : 0;
}

int call(int fd, unsigned long request, void *argument)
{
	int ret;

	do {
		ret = ioctl(fd, request, argument);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? errno : 0;
}

int result(long returned)
{
	if (returned == -1)
		return errno;
	return returned < 0 ? (int)-returned : 0;
}

/* Nodes */

static const char *first_node(const char *prefix, char *path, size_t size)
{
	int lowest = -1;
	struct dirent *entry;
	DIR *dir = opendir("/dev/dri");

	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		int number;
		char *end;

		if (strncmp(entry->d_name, prefix, strlen(prefix)))
			continue;
		number = (int)strtol(entry->d_name + strlen(prefix), &end, 10);
		if (*end || end == entry->d_name + strlen(prefix))
			continue;
		if (lowest < 0 || number < lowest)
			lowest = number;
	}
	closedir(dir);
	if (lowest < 0)
		return NULL;
	snprintf(path, size, "/dev/dri/%s%d", prefix, lowest);
	return path;
}

const char *card_path(void)
{
	static char path[64];
	const char *name = getenv("UAPI_CARD");

	if (!name || !*name)
		name = first_node("card", path, sizeof(path));
	if (!name)
		skip("no primary node");
	return name;
}

const char *render_path(void)
{
	static char path[64];
	const char *name = getenv("UAPI_RENDER");

	if (!name || !*name)
		name = first_node("renderD", path, sizeof(path));
	if (!name)
		skip("no render node");
	return name;
}

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(__FILE__, __LINE__, "open %s: %s", path, error_name(errno));
	return fd;
}

int open_card(void)
{
	return open_node(card_path());
}

int open_render(void)
{
	return open_node(render_path());
}

bool is_master(int fd)
{
	/* Needs master rights, and fails later with EINVAL if they are there. */
	return call(fd, DRM_IOCTL_AUTH_MAGIC, &(struct drm_auth){ .magic = 0 }) != EACCES;
}

int open_master(void)
{
	int fd = open_card();

	if (!is_master(fd))
		skip("somebody else is master of %s", card_path());
	return fd;
}

int open_second(void)
{
	int fd = open_card();

	EXPECT(!is_master(fd));
	return fd;
}

bool is_root(void)
{
	return geteuid() == 0;
}

void become_nobody(void)
{
	if (!is_root())
		skip("needs root, to give up its rights");
	EXPECT_OK(result(setgroups(0, NULL)));
	EXPECT_OK(result(setresgid(65534, 65534, 65534)));
	EXPECT_OK(result(setresuid(65534, 65534, 65534)));
}

uint64_t get_cap(int fd, uint64_t cap)
{
	struct drm_get_cap get = { .capability = cap };

	return call(fd, DRM_IOCTL_GET_CAP, &get) ? 0 : get.value;
}

void need_kms(int fd)
{
	struct drm_mode_card_res res = { 0 };

	if (call(fd, DRM_IOCTL_MODE_GETRESOURCES, &res) || !res.count_crtcs)
		skip("the device has no display");
}

void need_dumb(int fd)
{
	struct drm_mode_create_dumb create = { .width = 16, .height = 16, .bpp = 32 };

	/* vgem has dumb buffers without saying so. */
	if (get_cap(fd, DRM_CAP_DUMB_BUFFER))
		return;
	if (call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create))
		skip("the device has no dumb buffers");
	gem_close(fd, create.handle);
}

void need_prime(int fd)
{
	uint64_t both = DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT;

	need_dumb(fd);
	if ((get_cap(fd, DRM_CAP_PRIME) & both) != both)
		skip("the device does not both import and export");
}

/* Buffers */

void dumb_create(int fd, uint32_t width, uint32_t height, uint32_t bpp, struct dumb *dumb)
{
	struct drm_mode_create_dumb create = { .width = width, .height = height, .bpp = bpp };

	need_dumb(fd);
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_CREATE_DUMB, &create));
	*dumb = (struct dumb){
		.fd = fd,
		.handle = create.handle,
		.width = width,
		.height = height,
		.pitch = create.pitch,
		.size = create.size,
	};
}

uint64_t dumb_offset(const struct dumb *dumb)
{
	struct drm_mode_map_dumb map = { .handle = dumb->handle };

	EXPECT_OK(call(dumb->fd, DRM_IOCTL_MODE_MAP_DUMB, &map));
	return map.offset;
}

void *dumb_map(const struct dumb *dumb)
{
	void *data = mmap(NULL, dumb->size, PROT_READ | PROT_WRITE, MAP_SHARED, dumb->fd,
			  (off_t)dumb_offset(dumb));

	if (data == MAP_FAILED)
		fail(__FILE__, __LINE__, "mmap of a dumb buffer: %s", error_name(errno));
	return data;
}

int gem_close(int fd, uint32_t handle)
{
	return call(fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close){ .handle = handle });
}

int prime_export(int fd, uint32_t handle, uint32_t flags, int *out)
{
	struct drm_prime_handle prime = { .handle = handle, .flags = flags, .fd = -1 };
	int error = call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);

	*out = prime.fd;
	return error;
}

int prime_import(int fd, int dmabuf, uint32_t *handle)
{
	struct drm_prime_handle prime = { .fd = dmabuf };
	int error = call(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);

	*handle = prime.handle;
	return error;
}

void send_fd(int socket, int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	EXPECT_EQ(sendmsg(socket, &message, 0), 1);
}

int receive_fd(int socket)
{
	char byte, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *header;
	int fd;

	EXPECT_EQ(recvmsg(socket, &message, MSG_CMSG_CLOEXEC), 1);
	header = CMSG_FIRSTHDR(&message);
	EXPECT(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

/* Display */

void kms_probe(int fd, struct kms *kms)
{
	drmModeRes *res = drmModeGetResources(fd);
	bool found = false;

	if (!res || !res->count_crtcs || !res->count_connectors)
		skip("the device has no display");
	for (int i = 0; i < res->count_connectors && !found; i++) {
		drmModeConnector *connector = drmModeGetConnector(fd, res->connectors[i]);

		EXPECT(connector);
		if (connector->connection != DRM_MODE_CONNECTED || !connector->count_modes ||
		    !connector->count_encoders)
			goto next;
		for (int e = 0; e < connector->count_encoders && !found; e++) {
			drmModeEncoder *encoder = drmModeGetEncoder(fd, connector->encoders[e]);

			EXPECT(encoder);
			for (int c = 0; c < res->count_crtcs && !found; c++) {
				if (!(encoder->possible_crtcs & 1u << c))
					continue;
				kms->pipe = (uint32_t)c;
				kms->crtc = res->crtcs[c];
				kms->encoder = encoder->encoder_id;
				kms->connector = connector->connector_id;
				memcpy(&kms->mode, &connector->modes[0], sizeof(kms->mode));
				found = true;
			}
			drmModeFreeEncoder(encoder);
		}
next:
		drmModeFreeConnector(connector);
	}
	drmModeFreeResources(res);
	if (!found)
		skip("no connector is connected");
	kms->fd = fd;
	kms->primary = 0;
}

void kms_open(struct kms *kms)
{
	memset(kms, 0, sizeof(*kms));
	kms->fd = open_master();
	kms_probe(kms->fd, kms);
}

void kms_open_atomic(struct kms *kms)
{
	kms_open(kms);
	if (drmSetClientCap(kms->fd, DRM_CLIENT_CAP_ATOMIC, 1))
		skip("the driver is not atomic");
	EXPECT_OK(find_plane(kms->fd, DRM_PLANE_TYPE_PRIMARY, 1u << kms->pipe, &kms->primary));
}

uint32_t fb_create(int fd, uint32_t width, uint32_t height)
{
	struct drm_mode_fb_cmd2 cmd = {
		.width = width, .height = height, .pixel_format = DRM_FORMAT_XRGB8888,
	};
	struct dumb dumb;

	dumb_create(fd, width, height, 32, &dumb);
	cmd.handles[0] = dumb.handle;
	cmd.pitches[0] = dumb.pitch;
	EXPECT_OK(call(fd, DRM_IOCTL_MODE_ADDFB2, &cmd));
	EXPECT_OK(gem_close(fd, dumb.handle));
	return cmd.fb_id;
}

int kms_set(const struct kms *kms, uint32_t fb)
{
	struct drm_mode_crtc crtc = {
		.set_connectors_ptr = PTR(&kms->connector), .count_connectors = 1,
		.crtc_id = kms->crtc, .fb_id = fb, .mode = kms->mode, .mode_valid = 1,
	};

	return call(kms->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

void kms_show(const struct kms *kms, uint32_t *fb)
{
	*fb = fb_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay);
	EXPECT_OK(kms_set(kms, *fb));
}

int kms_off(const struct kms *kms)
{
	struct drm_mode_crtc crtc = { .crtc_id = kms->crtc };

	return call(kms->fd, DRM_IOCTL_MODE_SETCRTC, &crtc);
}

int kms_flip(const struct kms *kms, uint32_t fb, uint32_t flags, uint64_t user_data)
{
	struct drm_mode_crtc_page_flip flip = {
		.crtc_id = kms->crtc, .fb_id = fb, .flags = flags, .user_data = user_data,
	};

	return call(kms->fd, DRM_IOCTL_MODE_PAGE_FLIP, &flip);
}

int rmfb(int fd, uint32_t fb)
{
	return call(fd, DRM_IOCTL_MODE_RMFB, &fb);
}

uint32_t crtc_fb(const struct kms *kms)
{
	struct drm_mode_crtc crtc = { .crtc_id = kms->crtc };

	EXPECT_OK(call(kms->fd, DRM_IOCTL_MODE_GETCRTC, &crtc));
	return crtc.fb_id;
}

bool has_vblank(const struct kms *kms)
{
	struct drm_crtc_get_sequence sequence = { .crtc_id = kms->crtc };

	return call(kms->fd, DRM_IOCTL_CRTC_GET_SEQUENCE, &sequence) == 0;
}

/* Properties */

uint32_t find_property(int fd, uint32_t object, uint32_t type, const char *name, uint64_t *value)
{
	drmModeObjectProperties *properties = drmModeObjectGetProperties(fd, object, type);
	uint32_t found = 0;

	if (!properties)
		return 0;
	for (uint32_t i = 0; i < properties->count_props && !found; i++) {
		drmModePropertyRes *property = drmModeGetProperty(fd, properties->props[i]);

		if (property && !strcmp(property->name, name)) {
			found = property->prop_id;
			if (value)
				*value = properties->prop_values[i];
		}
		drmModeFreeProperty(property);
	}
	drmModeFreeObjectProperties(properties);
	return found;
}

uint64_t property_value(int fd, uint32_t object, uint32_t type, const char *name)
{
	uint64_t value = 0;

	if (!find_property(fd, object, type, name, &value))
		fail(__FILE__, __LINE__, "object %u has no property %s", object, name);
	return value;
}

int find_plane(int fd, uint32_t type, uint32_t crtc_mask, uint32_t *plane)
{
	drmModePlaneRes *res;
	int error = ENOENT;

	if (drmSetClientCap(fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1))
		return ENOENT;
	res = drmModeGetPlaneResources(fd);
	EXPECT(res);
	for (uint32_t i = 0; i < res->count_planes && error; i++) {
		drmModePlane *info = drmModeGetPlane(fd, res->planes[i]);
		uint64_t value = 0;

		EXPECT(info);
		if (info->possible_crtcs & crtc_mask &&
		    find_property(fd, res->planes[i], DRM_MODE_OBJECT_PLANE, "type", &value) &&
		    value == type) {
			*plane = res->planes[i];
			error = 0;
		}
		drmModeFreePlane(info);
	}
	drmModeFreePlaneResources(res);
	return error;
}

/* Atomic requests: an object's properties must be added one after the other. */

void request_set(struct request *request, uint32_t object, uint32_t property, uint64_t value)
{
	unsigned int n = request->object_count;

	if (!n || request->objects[n - 1] != object) {
		EXPECT(n < ARRAY_SIZE(request->objects));
		request->objects[n] = object;
		request->counts[n] = 0;
		request->object_count = ++n;
	}
	EXPECT(request->property_count < ARRAY_SIZE(request->properties));
	request->counts[n - 1]++;
	request->properties[request->property_count] = property;
	request->values[request->property_count++] = value;
}

void request_name(struct request *request, int fd, uint32_t object, uint32_t type,
		  const char *name, uint64_t value)
{
	uint32_t property = find_property(fd, object, type, name, NULL);

	if (!property)
		fail(__FILE__, __LINE__, "object %u has no property %s", object, name);
	request_set(request, object, property, value);
}

int request_commit(int fd, const struct request *request, uint32_t flags, uint64_t user_data)
{
	struct drm_mode_atomic atomic = {
		.flags = flags, .count_objs = request->object_count,
		.objs_ptr = PTR(request->objects), .count_props_ptr = PTR(request->counts),
		.props_ptr = PTR(request->properties), .prop_values_ptr = PTR(request->values),
		.user_data = user_data,
	};

	return call(fd, DRM_IOCTL_MODE_ATOMIC, &atomic);
}

void request_plane(struct request *request, const struct kms *kms, uint32_t plane, uint32_t fb,
		   uint32_t width, uint32_t height)
{
	const struct { const char *name; uint64_t value; } values[] = {
		{ "FB_ID", fb }, { "CRTC_ID", fb ? kms->crtc : 0 },
		{ "SRC_X", 0 }, { "SRC_Y", 0 },
		{ "SRC_W", (uint64_t)width << 16 }, { "SRC_H", (uint64_t)height << 16 },
		{ "CRTC_X", 0 }, { "CRTC_Y", 0 }, { "CRTC_W", width }, { "CRTC_H", height },
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		request_name(request, kms->fd, plane, DRM_MODE_OBJECT_PLANE, values[i].name,
			     values[i].value);
}

void request_modeset(struct request *request, const struct kms *kms, uint32_t mode_blob,
		     uint32_t fb)
{
	request_name(request, kms->fd, kms->connector, DRM_MODE_OBJECT_CONNECTOR, "CRTC_ID",
		     fb ? kms->crtc : 0);
	request_name(request, kms->fd, kms->crtc, DRM_MODE_OBJECT_CRTC, "MODE_ID", mode_blob);
	request_name(request, kms->fd, kms->crtc, DRM_MODE_OBJECT_CRTC, "ACTIVE", fb != 0);
	request_plane(request, kms, kms->primary, fb, fb ? kms->mode.hdisplay : 0,
		      fb ? kms->mode.vdisplay : 0);
}

uint32_t blob_create(int fd, const void *data, uint32_t size)
{
	struct drm_mode_create_blob create = { .data = PTR(data), .length = size };

	EXPECT_OK(call(fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &create));
	return create.blob_id;
}

void kms_show_atomic(const struct kms *kms, uint32_t *fb)
{
	struct request request = { 0 };

	*fb = fb_create(kms->fd, kms->mode.hdisplay, kms->mode.vdisplay);
	request_modeset(&request, kms, blob_create(kms->fd, &kms->mode, sizeof(kms->mode)), *fb);
	EXPECT_OK(request_commit(kms->fd, &request, DRM_MODE_ATOMIC_ALLOW_MODESET, 0));
}

int kms_fence(const struct kms *kms, uint32_t fb)
{
	struct request request = { 0 };
	int32_t fence = -1;

	request_name(&request, kms->fd, kms->primary, DRM_MODE_OBJECT_PLANE, "FB_ID", fb);
	request_name(&request, kms->fd, kms->crtc, DRM_MODE_OBJECT_CRTC, "OUT_FENCE_PTR",
		     PTR(&fence));
	EXPECT_OK(request_commit(kms->fd, &request, DRM_MODE_ATOMIC_NONBLOCK, 0));
	EXPECT(fence >= 0);
	return fence;
}

/* Events */

bool readable(int fd, int milliseconds)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		ret = poll(&pollfd, 1, milliseconds);
	} while (ret < 0 && errno == EINTR);
	EXPECT(ret >= 0);
	return ret > 0 && pollfd.revents & POLLIN;
}

size_t read_events(int fd, void *buffer, size_t size)
{
	ssize_t length;

	EXPECT(readable(fd, 10000));
	length = read(fd, buffer, size);
	EXPECT(length > 0);
	return (size_t)length;
}

void read_vblank_event(int fd, struct drm_event_vblank *event)
{
	EXPECT_EQ(read_events(fd, event, sizeof(*event)), sizeof(*event));
	EXPECT_EQ(event->base.length, sizeof(*event));
}

uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}
