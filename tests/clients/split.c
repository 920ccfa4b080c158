// SPDX-License-Identifier: MIT
/*
 * Renders on a device that has no display and shows it on one that has: GBM, EGL
 * and OpenGL ES on the first, page flips on the second, and between them dma-bufs
 * alone. Which is which, is asked of the devices.
 *
 *   split [FRAMES]
 *
 * Red grows to the right and green downwards; blue flickers, and is full in the
 * last frame.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <EGL/egl.h>
#include <EGL/eglext.h>
#include <GLES2/gl2.h>
#include <gbm.h>
#include <xf86drm.h>

#include "screen.h"

static const char vertex_shader[] =
	"attribute vec2 place;"
	"varying vec2 color;"
	"void main() {"
	"	color = vec2(place.x + 1.0, 1.0 - place.y) / 2.0;"
	"	gl_Position = vec4(place, 0.0, 1.0);"
	"}";

static const char fragment_shader[] =
	"precision highp float;"
	"uniform float blue;"
	"varying vec2 color;"
	"void main() {"
	"	gl_FragColor = vec4(color, blue, 1.0);"
	"}";

struct renderer {
	struct gbm_surface *buffers;
	EGLDisplay display;
	EGLSurface surface;
	GLint blue;
};

static _Noreturn void die_of_egl(const char *what)
{
	fprintf(stderr, "%s: EGL error %#x\n", what, eglGetError());
	exit(1);
}

static bool has_no_display(int fd)
{
	return !has_display(fd) && errno == EOPNOTSUPP;
}

/* -- rendering ----------------------------------------------------------------- */

static void add_shader(GLuint program, GLenum type, const char *source)
{
	GLuint shader = glCreateShader(type);
	GLint compiled;

	glShaderSource(shader, 1, &source, NULL);
	glCompileShader(shader);
	glGetShaderiv(shader, GL_COMPILE_STATUS, &compiled);
	if (!compiled)
		die_of_egl("the shader is refused");
	glAttachShader(program, shader);
}

static void use_program(struct renderer *renderer)
{
	static const GLfloat corners[] = { -1, -1, 1, -1, -1, 1, 1, 1 };
	GLuint program = glCreateProgram();

	add_shader(program, GL_VERTEX_SHADER, vertex_shader);
	add_shader(program, GL_FRAGMENT_SHADER, fragment_shader);
	glBindAttribLocation(program, 0, "place");
	glLinkProgram(program);
	glUseProgram(program);
	glVertexAttribPointer(0, 2, GL_FLOAT, GL_FALSE, 0, corners);
	glEnableVertexAttribArray(0);
	renderer->blue = glGetUniformLocation(program, "blue");
}

/* The configuration whose pixels are what the surface's are. */
static EGLConfig choose_config(EGLDisplay display)
{
	static const EGLint wanted[] = {
		EGL_SURFACE_TYPE, EGL_WINDOW_BIT,
		EGL_RENDERABLE_TYPE, EGL_OPENGL_ES2_BIT, EGL_NONE,
	};
	EGLConfig configs[128];
	EGLint count = 0, format;

	eglChooseConfig(display, wanted, configs, 128, &count);
	for (EGLint i = 0; i < count; i++)
		if (eglGetConfigAttrib(display, configs[i], EGL_NATIVE_VISUAL_ID,
				       &format) &&
		    format == GBM_FORMAT_XRGB8888)
			return configs[i];
	die_of_egl("no configuration");
}

static void renderer_open(struct renderer *renderer, uint32_t width,
			  uint32_t height)
{
	static const EGLint version[] = { EGL_CONTEXT_CLIENT_VERSION, 2, EGL_NONE };
	int fd = find_device(DRM_NODE_PRIMARY, has_no_display);
	struct gbm_device *gbm;
	EGLConfig config;
	EGLContext context;

	if (fd < 0)
		die("no device is without a display");
	gbm = gbm_create_device(fd);
	if (!gbm)
		die("no GBM");
	renderer->buffers = gbm_surface_create(gbm, width, height,
					       GBM_FORMAT_XRGB8888,
					       GBM_BO_USE_RENDERING);
	if (!renderer->buffers)
		die("no GBM surface");
	renderer->display = eglGetPlatformDisplay(EGL_PLATFORM_GBM_KHR, gbm, NULL);
	if (!eglInitialize(renderer->display, NULL, NULL) ||
	    !eglBindAPI(EGL_OPENGL_ES_API))
		die_of_egl("no EGL");
	config = choose_config(renderer->display);
	context = eglCreateContext(renderer->display, config, EGL_NO_CONTEXT,
				   version);
	renderer->surface = eglCreatePlatformWindowSurface(
		renderer->display, config, renderer->buffers, NULL);
	if (!eglMakeCurrent(renderer->display, renderer->surface,
			    renderer->surface, context))
		die_of_egl("no context");
	use_program(renderer);
}

static struct gbm_bo *render(const struct renderer *renderer, float blue)
{
	struct gbm_bo *bo;

	glUniform1f(renderer->blue, blue);
	glDrawArrays(GL_TRIANGLE_STRIP, 0, 4);
	if (!eglSwapBuffers(renderer->display, renderer->surface))
		die_of_egl("no frame");
	bo = gbm_surface_lock_front_buffer(renderer->buffers);
	if (!bo)
		die("no buffer");
	return bo;
}

/* -- showing ------------------------------------------------------------------- */

/* Made once a buffer; it is kept in the number that GBM keeps for us. */
static uint32_t framebuffer_of(const struct screen *screen, struct gbm_bo *bo)
{
	uint32_t framebuffer = (uintptr_t)gbm_bo_get_user_data(bo), handle;
	int dma_buf;

	if (framebuffer)
		return framebuffer;
	dma_buf = gbm_bo_get_fd(bo);
	if (dma_buf < 0)
		die("no dma-buf");
	if (drmPrimeFDToHandle(screen->fd, dma_buf, &handle))
		die("the dma-buf is refused");
	close(dma_buf);
	framebuffer = screen_add(screen, handle, gbm_bo_get_width(bo),
				 gbm_bo_get_height(bo), gbm_bo_get_stride(bo));
	drmCloseBufferHandle(screen->fd, handle);
	gbm_bo_set_user_data(bo, (void *)(uintptr_t)framebuffer, NULL);
	return framebuffer;
}

int main(int argc, char **argv)
{
	unsigned int frames = argc > 1 ? strtoul(argv[1], NULL, 10) : 60;
	struct gbm_bo *shown = NULL, *next;
	struct renderer renderer;
	struct screen screen;

	screen_open(&screen);
	renderer_open(&renderer, screen.mode.hdisplay, screen.mode.vdisplay);
	for (unsigned int i = 0; i < frames; i++) {
		next = render(&renderer, i + 1 == frames ? 1 : i % 2 * 0.5);
		if (shown) {
			screen_flip(&screen, framebuffer_of(&screen, next));
			gbm_surface_release_buffer(renderer.buffers, shown);
		} else {
			screen_show(&screen, framebuffer_of(&screen, next));
		}
		shown = next;
	}
	return 0;
}
