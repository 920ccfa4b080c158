// SPDX-License-Identifier: MIT
/*
 * Renders turning rings with OpenGL ES as fast as it can, and prints how many frames a
 * second that are: to a display, with asynchronous page flips, or off-screen, with no
 * device at all. Mesa renders both with the same code.
 *
 *   gl-scene screen|off-screen FRAMES
 *
 * Mesa's software renderer finishes a frame in eglSwapBuffers(), so off-screen each is
 * finished with glFinish().
 */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES3/gl3.h>
#include <gbm.h>

#include "bench.h"
#include "screen.h"

enum {
	WIDTH = 1280,
	HEIGHT = 720,
	/* Off-screen; as many take turns on the screen. */
	BUFFERS = 3,
	RINGS = 6,
	/* Of a ring: around it, and around its tube. */
	SEGMENTS = 64,
	SIDES = 24,
	VERTICES = (SEGMENTS + 1) * (SIDES + 1),
	INDICES = SEGMENTS * SIDES * 6,
	WARMUP_FRAMES = 10,
};

static const char vertex_shader[] =
	"attribute vec3 place;"
	"attribute vec3 normal;"
	"uniform vec2 turn, at;"
	"varying vec3 across;"
	"vec3 turned(vec3 v) {"
	"	v.yz = mat2(turn.x, turn.y, -turn.y, turn.x) * v.yz;"
	"	v.xz = mat2(turn.x, turn.y, -turn.y, turn.x) * v.xz;"
	"	return v;"
	"}"
	"void main() {"
	"	vec3 p = turned(place);"
	"	across = turned(normal);"
	"	gl_Position = vec4(p.xy * vec2(0.5625, 1.0) + at * (1.0 + p.z * 0.2),"
	"			   p.z * 0.5, 1.0 + p.z * 0.2);"
	"}";

static const char fragment_shader[] =
	"precision highp float;"
	"uniform vec3 color;"
	"varying vec3 across;"
	"void main() {"
	"	vec3 n = normalize(across);"
	"	float light = max(dot(n, vec3(0.48, 0.6, -0.64)), 0.0);"
	"	gl_FragColor = vec4(color * (0.2 + 0.6 * light) + pow(light, 16.0), 1.0);"
	"}";

/* One of the two ways to have frames. */
struct target {
	/* Makes a context current. */
	void (*open)(void);
	/* What was drawn is a frame: have it shown, and go on to the next buffer. */
	void (*finish_frame)(void);
};

static GLint turn_place, at_place, color_place;
static EGLDisplay display;
static EGLSurface surface;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "gl-scene: %s: EGL error %#x: %m\n", what, eglGetError());
	exit(1);
}

/* -- the scene ------------------------------------------------------------------ */

static void add_shader(GLuint program, GLenum type, const char *source)
{
	GLuint shader = glCreateShader(type);
	GLint compiled;

	glShaderSource(shader, 1, &source, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &compiled);
	if (!compiled)
		die("the shader is refused");
	glAttachShader(program, shader);
}

static void use_program(void)
{
	GLuint program = glCreateProgram();

	add_shader(program, GL_VERTEX_SHADER, vertex_shader);
	add_shader(program, GL_FRAGMENT_SHADER, fragment_shader);
	glBindAttribLocation(program, 0, "place");
	glBindAttribLocation(program, 1, "normal");
	glLinkProgram(program);
	glUseProgram(program);
	turn_place = glGetUniformLocation(program, "turn");
	at_place = glGetUniformLocation(program, "at");
	color_place = glGetUniformLocation(program, "color");
}

/* A place and a normal. */
static void make_vertex(GLfloat *vertex, unsigned int segment, unsigned int side)
{
	float around = 2 * M_PI * segment / SEGMENTS, tube = 2 * M_PI * side / SIDES;
	float out = 0.5f + 0.2f * cosf(tube);

	vertex[0] = out * cosf(around);
	vertex[1] = out * sinf(around);
	vertex[2] = 0.2f * sinf(tube);
	vertex[3] = cosf(tube) * cosf(around);
	vertex[4] = cosf(tube) * sinf(around);
	vertex[5] = sinf(tube);
}

static void make_ring(void)
{
	static GLfloat vertices[VERTICES][6];
	static GLushort indices[SEGMENTS * SIDES][6];
	GLuint buffers[2];

	for (unsigned int i = 0; i < VERTICES; i++)
		make_vertex(vertices[i], i / (SIDES + 1), i % (SIDES + 1));
	for (unsigned int i = 0; i < SEGMENTS * SIDES; i++) {
		GLushort here = i / SIDES * (SIDES + 1) + i % SIDES;
		GLushort next = here + SIDES + 1;
		const GLushort quad[6] = { here,	next, here + 1,
					   here + 1, next, next + 1 };

		memcpy(indices[i], quad, sizeof(quad));
	}
	glGenBuffers(2, buffers);
	glBindBuffer(GL_ARRAY_BUFFER, buffers[0]);
	glBufferData(GL_ARRAY_BUFFER, sizeof(vertices), vertices, GL_STATIC_DRAW);
	glBindBuffer(GL_ELEMENT_ARRAY_BUFFER, buffers[1]);
	glBufferData(GL_ELEMENT_ARRAY_BUFFER, sizeof(indices), indices,
		     GL_STATIC_DRAW);
	glVertexAttribPointer(0, 3, GL_FLOAT, GL_FALSE, 24, NULL);
	glVertexAttribPointer(1, 3, GL_FLOAT, GL_FALSE, 24, (void *)12);
	glEnableVertexAttribArray(0);
	glEnableVertexAttribArray(1);
}

static void prepare_scene(void)
{
	use_program();
	make_ring();
	glViewport(0, 0, WIDTH, HEIGHT);
	glEnable(GL_DEPTH_TEST);
	glClearColor(0.1, 0.1, 0.15, 1);
}

static void draw_frame(unsigned int frame)
{
	glClear(GL_COLOR_BUFFER_BIT | GL_DEPTH_BUFFER_BIT);
	for (unsigned int i = 0; i < RINGS; i++) {
		float angle = frame * 0.02f + i;

		glUniform2f(turn_place, cosf(angle), sinf(angle));
		glUniform2f(at_place, i % 3 * 0.6f - 0.6f, i / 3 * 0.8f - 0.4f);
		glUniform3f(color_place, i % 2 * 0.8f, i % 3 * 0.4f, 0.6f);
		glDrawElements(GL_TRIANGLES, INDICES, GL_UNSIGNED_SHORT, NULL);
	}
}

/* -- EGL ------------------------------------------------------------------------ */

/* The configuration whose pixels are what the display shows. */
static EGLConfig choose_config(EGLint surface_type)
{
	const EGLint wanted[] = {
		EGL_SURFACE_TYPE, surface_type,
		EGL_RENDERABLE_TYPE, EGL_OPENGL_ES3_BIT,
		EGL_RED_SIZE, 8, EGL_ALPHA_SIZE, 0, EGL_DEPTH_SIZE, 24, EGL_NONE,
	};
	EGLConfig configs[128];
	EGLint count = 0, format;

	eglChooseConfig(display, wanted, configs, 128, &count);
	for (EGLint i = 0; i < count; i++)
		if (surface_type == EGL_PBUFFER_BIT ||
		    (eglGetConfigAttrib(display, configs[i], EGL_NATIVE_VISUAL_ID,
					&format) &&
		     format == GBM_FORMAT_XRGB8888))
			return configs[i];
	die("no configuration");
}

static void open_display(EGLenum platform, void *native)
{
	display = eglGetPlatformDisplay(platform, native, NULL);
	if (!eglInitialize(display, NULL, NULL) || !eglBindAPI(EGL_OPENGL_ES_API))
		die("no EGL");
}

static void open_context(EGLConfig config)
{
	static const EGLint version[] = { EGL_CONTEXT_CLIENT_VERSION, 3, EGL_NONE };
	EGLContext context;

	context = eglCreateContext(display, config, EGL_NO_CONTEXT, version);
	if (!eglMakeCurrent(display, surface, surface, context))
		die("no context");
}

/* -- off-screen ------------------------------------------------------------------ */

static GLuint framebuffers[BUFFERS];
static unsigned int current;

static void add_storage(GLenum attachment, GLenum format)
{
	GLuint buffer;

	glGenRenderbuffers(1, &buffer);
	glBindRenderbuffer(GL_RENDERBUFFER, buffer);
	glRenderbufferStorage(GL_RENDERBUFFER, format, WIDTH, HEIGHT);
	glFramebufferRenderbuffer(GL_FRAMEBUFFER, attachment, GL_RENDERBUFFER, buffer);
}

static void open_off_screen(void)
{
	open_display(EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY);
	surface = EGL_NO_SURFACE;
	open_context(choose_config(EGL_PBUFFER_BIT));
	glGenFramebuffers(BUFFERS, framebuffers);
	for (unsigned int i = 0; i < BUFFERS; i++) {
		glBindFramebuffer(GL_FRAMEBUFFER, framebuffers[i]);
		add_storage(GL_COLOR_ATTACHMENT0, GL_RGBA8);
		add_storage(GL_DEPTH_ATTACHMENT, GL_DEPTH_COMPONENT24);
		if (glCheckFramebufferStatus(GL_FRAMEBUFFER) != GL_FRAMEBUFFER_COMPLETE)
			die("no framebuffer");
	}
}

static void finish_off_screen_frame(void)
{
	glFinish();
	current = (current + 1) % BUFFERS;
	glBindFramebuffer(GL_FRAMEBUFFER, framebuffers[current]);
}

/* -- on screen ------------------------------------------------------------------- */

static struct screen screen;
static struct gbm_surface *buffers;
/* What is shown, and what is about to be. */
static struct gbm_bo *shown, *pending;

static void open_screen(void)
{
	struct gbm_device *gbm;
	EGLConfig config;

	if (screen_light(&screen))
		exit(1);
	gbm = gbm_create_device(screen.fd);
	if (!gbm)
		die("no GBM");
	buffers = gbm_surface_create(gbm, WIDTH, HEIGHT, GBM_FORMAT_XRGB8888,
				     GBM_BO_USE_RENDERING | GBM_BO_USE_SCANOUT);
	if (!buffers)
		die("no GBM surface");
	open_display(EGL_PLATFORM_GBM_KHR, gbm);
	config = choose_config(EGL_WINDOW_BIT);
	surface = eglCreatePlatformWindowSurface(display, config, buffers, NULL);
	open_context(config);
}

/* Made once a buffer; it is kept in the number that GBM keeps for us. */
static uint32_t framebuffer_of(struct gbm_bo *bo)
{
	uint32_t framebuffer = (uintptr_t)gbm_bo_get_user_data(bo);

	if (framebuffer)
		return framebuffer;
	if (drmModeAddFB(screen.fd, WIDTH, HEIGHT, 24, 32, gbm_bo_get_stride(bo),
			 gbm_bo_get_handle(bo).u32, &framebuffer))
		die("no framebuffer");
	gbm_bo_set_user_data(bo, (void *)(uintptr_t)framebuffer, NULL);
	return framebuffer;
}

static void flipped(int fd, unsigned int sequence, unsigned int seconds,
		    unsigned int microseconds, void *data)
{
	if (shown)
		gbm_surface_release_buffer(buffers, shown);
	shown = pending;
	pending = NULL;
}

static void wait_for_flip(void)
{
	drmEventContext context = {
		.version = 2, .page_flip_handler = flipped,
	};
	struct pollfd readable = { screen.fd, POLLIN, 0 };

	while (pending)
		if (poll(&readable, 1, -1) < 0 || drmHandleEvent(screen.fd, &context))
			die("no event");
}

/* A flip does not change the format, so the first frame sets the mode anew. */
static void show_first_frame(void)
{
	if (drmModeSetCrtc(screen.fd, screen.crtc, framebuffer_of(pending), 0, 0,
			   &screen.connector, 1, &screen.mode))
		die("no mode");
	shown = pending;
	pending = NULL;
}

static void finish_screen_frame(void)
{
	if (!eglSwapBuffers(display, surface))
		die("no frame");
	wait_for_flip();
	pending = gbm_surface_lock_front_buffer(buffers);
	if (!pending)
		die("no buffer");
	if (!shown)
		show_first_frame();
	else if (drmModePageFlip(screen.fd, screen.crtc, framebuffer_of(pending),
			    DRM_MODE_PAGE_FLIP_EVENT | DRM_MODE_PAGE_FLIP_ASYNC, NULL))
		die("no flip");
}

/* --------------------------------------------------------------------------------- */

static const struct target off_screen = { open_off_screen, finish_off_screen_frame };
static const struct target on_screen = { open_screen, finish_screen_frame };

static void run_frames(const struct target *target, unsigned int frames)
{
	for (unsigned int i = 0; i < frames; i++) {
		draw_frame(i);
		target->finish_frame();
	}
	glFinish();
}

int main(int argc, char **argv)
{
	const struct target *target = argc == 3 && !strcmp(argv[1], "screen") ?
					      &on_screen : &off_screen;
	unsigned int frames = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (!frames) {
		fprintf(stderr, "usage: gl-scene screen|off-screen FRAMES\n");
		return 2;
	}
	target->open();
	prepare_scene();
	run_frames(target, WARMUP_FRAMES);

	uint64_t start = now_ns();

	run_frames(target, frames);
	printf("%.6g\n", frames * 1e9 / (now_ns() - start));
	return 0;
}
