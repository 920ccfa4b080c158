/* SPDX-License-Identifier: MIT */
/*
 * A small harness for tests of the DRM ioctl interface.
 *
 * The tests are ordinary programs: they know DRM and nothing about the driver
 * below it, so that the same binary can judge any driver. Each test runs in a
 * child process of its own with a time limit, and results are printed as TAP.
 *
 * UAPI_CARD and UAPI_RENDER name the nodes to use; without them the first ones
 * in /dev/dri are taken.
 */
#ifndef UAPI_H
#define UAPI_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <xf86drm.h>
#include <xf86drmMode.h>

struct uapi_test {
	const char *name;
	void (*run)(void);
	struct uapi_test *next;
};

void uapi_register(struct uapi_test *test);

/* A test is a function whose name says what must hold. */
#define TEST(name)							\
	static void name(void);						\
	static struct uapi_test test_##name = { #name, name, NULL };	\
	__attribute__((constructor)) static void register_##name(void)	\
	{								\
		uapi_register(&test_##name);				\
	}								\
	static void name(void)

/* Both end the test. skip() is for what the driver rightly does not offer. */
_Noreturn void skip(const char *reason, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

const char *error_name(int error);
void check_error(const char *file, int line, const char *what, int got, int expected);

#define EXPECT(condition)						\
	do {								\
		if (!(condition))					\
			fail(__FILE__, __LINE__, "%s", #condition);	\
	} while (0)

#define EXPECT_EQ(a, b)							\
	do {								\
		long long a_ = (long long)(a), b_ = (long long)(b);	\
		if (a_ != b_)						\
			fail(__FILE__, __LINE__, "%s == %s: got %lld (%#llx), expected %lld (%#llx)", \
			     #a, #b, a_, a_, b_, b_);			\
	} while (0)

/* For calls that return 0 or a (positive) errno, as call() does. */
#define EXPECT_OK(expression) \
	check_error(__FILE__, __LINE__, #expression, (expression), 0)
#define EXPECT_ERROR(expression, error) \
	check_error(__FILE__, __LINE__, #expression, (expression), (error))

/* Run a block in a child process and expect it to end well. */
#define IN_CHILD(block)							\
	do {								\
		pid_t pid_ = fork_child();				\
		if (pid_ == 0) {					\
			block						\
			_exit(0);					\
		}							\
		join_child(pid_);					\
	} while (0)

pid_t fork_child(void);
void join_child(pid_t pid);

/* ioctl() that returns 0 or a positive errno and is restarted by signals. */
int call(int fd, unsigned long request, void *argument);
/* Likewise for any call that returns -1 and sets errno, or libdrm's -errno. */
int result(long returned);

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PTR(p) ((uintptr_t)(p))

/* Nodes */
const char *card_path(void);
const char *render_path(void);	/* skips if there is none */
int open_card(void);		/* may or may not be master */
int open_render(void);
int open_master(void);		/* skips if somebody else is master */
int open_second(void);		/* a card that is not master; one must be open */
bool is_master(int fd);
bool is_root(void);
void become_nobody(void);	/* skips unless root */
uint64_t get_cap(int fd, uint64_t cap);	/* 0 if the driver does not know it */
void need_kms(int fd);
void need_dumb(int fd);
void need_prime(int fd);

/* Buffers */
struct dumb {
	int fd;
	uint32_t handle, width, height, pitch;
	uint64_t size;
};

void dumb_create(int fd, uint32_t width, uint32_t height, uint32_t bpp, struct dumb *dumb);
uint64_t dumb_offset(const struct dumb *dumb);
void *dumb_map(const struct dumb *dumb);
int gem_close(int fd, uint32_t handle);
int prime_export(int fd, uint32_t handle, uint32_t flags, int *out);
int prime_import(int fd, int dmabuf, uint32_t *handle);

void send_fd(int socket, int fd);
int receive_fd(int socket);

/* Display: a connected connector with something that can drive it. */
struct kms {
	int fd;
	uint32_t connector, encoder, crtc, pipe, primary;
	struct drm_mode_modeinfo mode;
};

void kms_open(struct kms *kms);		/* master, legacy view */
void kms_open_atomic(struct kms *kms);	/* with DRM_CLIENT_CAP_ATOMIC */
void kms_probe(int fd, struct kms *kms);
uint32_t fb_create(int fd, uint32_t width, uint32_t height);
int kms_set(const struct kms *kms, uint32_t fb);
void kms_show(const struct kms *kms, uint32_t *fb);	/* a new full-size fb */
int kms_off(const struct kms *kms);
int kms_flip(const struct kms *kms, uint32_t fb, uint32_t flags, uint64_t user_data);
int rmfb(int fd, uint32_t fb);
uint32_t crtc_fb(const struct kms *kms);
bool has_vblank(const struct kms *kms);	/* the CRTC is on and counts vblanks */

/* Object properties; find_property() returns 0 when there is none. */
uint32_t find_property(int fd, uint32_t object, uint32_t type, const char *name,
		       uint64_t *value);
uint64_t property_value(int fd, uint32_t object, uint32_t type, const char *name);
int find_plane(int fd, uint32_t type, uint32_t crtc_mask, uint32_t *plane);

/* Atomic requests */
struct request {
	uint32_t objects[64], counts[64], properties[256];
	uint64_t values[256];
	unsigned int object_count, property_count;
};

void request_set(struct request *request, uint32_t object, uint32_t property, uint64_t value);
void request_name(struct request *request, int fd, uint32_t object, uint32_t type,
		  const char *name, uint64_t value);
int request_commit(int fd, const struct request *request, uint32_t flags, uint64_t user_data);
void request_plane(struct request *request, const struct kms *kms, uint32_t plane, uint32_t fb,
		   uint32_t width, uint32_t height);
void request_modeset(struct request *request, const struct kms *kms, uint32_t mode_blob,
		     uint32_t fb);
uint32_t blob_create(int fd, const void *data, uint32_t size);
void kms_show_atomic(const struct kms *kms, uint32_t *fb);
/* Show a framebuffer soon: a sync_file that is signaled then. */
int kms_fence(const struct kms *kms, uint32_t fb);

/* Events: wait for one, or make sure that none comes. */
size_t read_events(int fd, void *buffer, size_t size);
void read_vblank_event(int fd, struct drm_event_vblank *event);
bool readable(int fd, int milliseconds);
uint64_t now_ns(void);

#endif
