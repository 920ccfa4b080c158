/* SPDX-License-Identifier: MIT */
/*
 * What Mesa's loader asks a driver for, and the screens that are made with it.
 *
 * The renderer is in a library of Mesa's own, which stays loaded. It makes dumb buffers, as
 * the kernel lets a program do on a primary node only; so for a render node the primary one
 * of the same device is opened. The list of screens has a lock, since a program may
 * open displays from many threads.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xf86drm.h>

#include "dri/dri.h"

#define RENDERER "kms_swrast"
#define MAX_EXTENSIONS 32

struct screen {
	__DRIscreen *dri;
	int fd, render_fd;
	const __DRIextension *extensions[MAX_EXTENSIONS + 1];
	struct screen *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct screen *screens;

/* The renderer's tables, and what replaces them. */
static const __DRIextension *extensions[MAX_EXTENSIONS + 1];
static const __DRIcoreExtension *real_core;
static const __DRIdri2Extension *real_dri2;
static const __DRIimageDriverExtension *real_image_driver;
static __DRIcoreExtension core;
static __DRIdri2Extension dri2;
static __DRIimageDriverExtension image_driver;

/* -- screens ------------------------------------------------------------------- */

/* Called with the lock held. */
static struct screen **find_screen(__DRIscreen *dri)
{
	struct screen **at = &screens;

	while (*at && (*at)->dri != dri)
		at = &(*at)->next;
	return at;
}

int hf_dri_screen_fd(__DRIscreen *dri)
{
	struct screen *screen;

	pthread_mutex_lock(&lock);
	screen = *find_screen(dri);
	pthread_mutex_unlock(&lock);
	return screen ? screen->fd : -1;
}

int hf_dri_screen_render_fd(__DRIscreen *dri)
{
	struct screen *screen;

	pthread_mutex_lock(&lock);
	screen = *find_screen(dri);
	pthread_mutex_unlock(&lock);
	return screen ? screen->render_fd : -1;
}

/* The same file where it is a primary node, else a new one. */
static void open_node(struct screen *screen, int fd)
{
	int same = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	char *name;

	screen->fd = same;
	screen->render_fd = -1;
	if (drmGetNodeTypeFromFd(fd) != DRM_NODE_RENDER)
		return;
	screen->render_fd = same;
	name = drmGetPrimaryDeviceNameFromFd(fd);
	screen->fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
	free(name);
}

static void free_screen(struct screen *screen)
{
	if (screen->fd >= 0)
		close(screen->fd);
	if (screen->render_fd >= 0)
		close(screen->render_fd);
	free(screen);
}

static __DRIscreen *create_screen(__DRIcreateNewScreen2Func create, int number,
				  int fd, const __DRIextension **loader,
				  const __DRIextension **driver,
				  const __DRIconfig ***configs, void *data)
{
	struct screen *screen = calloc(1, sizeof(*screen));

	if (!screen)
		return NULL;
	open_node(screen, fd);
	if (screen->fd >= 0)
		screen->dri = create(number, screen->fd, loader, driver,
				     configs, data);
	if (!screen->dri) {
		free_screen(screen);
		return NULL;
	}
	pthread_mutex_lock(&lock);
	screen->next = screens;
	screens = screen;
	pthread_mutex_unlock(&lock);
	return screen->dri;
}

static __DRIscreen *create_dri2_screen(int number, int fd,
				       const __DRIextension **loader,
				       const __DRIextension **driver,
				       const __DRIconfig ***configs, void *data)
{
	return create_screen(real_dri2->createNewScreen2, number, fd, loader,
			     driver, configs, data);
}

static __DRIscreen *create_image_screen(int number, int fd,
					const __DRIextension **loader,
					const __DRIextension **driver,
					const __DRIconfig ***configs,
					void *data)
{
	return create_screen(real_image_driver->createNewScreen2, number, fd,
			     loader, driver, configs, data);
}

static void destroy_screen(__DRIscreen *dri)
{
	struct screen **at, *screen;

	pthread_mutex_lock(&lock);
	at = find_screen(dri);
	screen = *at;
	if (screen)
		*at = screen->next;
	pthread_mutex_unlock(&lock);
	real_core->destroyScreen(dri);
	if (screen)
		free_screen(screen);
}

static const __DRIextension *replace(const __DRIextension *extension)
{
	if (!strcmp(extension->name, __DRI_IMAGE))
		return hf_dri_image(extension);
	if (!strcmp(extension->name, __DRI2_FENCE))
		return hf_dri_fence(extension);
	return extension;
}

static const __DRIextension **get_extensions(__DRIscreen *dri)
{
	const __DRIextension **real = real_core->getExtensions(dri);
	struct screen *screen;

	pthread_mutex_lock(&lock);
	screen = *find_screen(dri);
	if (screen && real) {
		for (unsigned int i = 0; i < MAX_EXTENSIONS && real[i]; i++)
			screen->extensions[i] = replace(real[i]);
		real = screen->extensions;
	}
	pthread_mutex_unlock(&lock);
	return real;
}

/* -- the driver ------------------------------------------------------------------ */

static const __DRIextension *replace_core(const __DRIextension *extension)
{
	real_core = (const __DRIcoreExtension *)extension;
	core = *real_core;
	core.destroyScreen = destroy_screen;
	core.getExtensions = get_extensions;
	return &core.base;
}

static const __DRIextension *replace_dri2(const __DRIextension *extension)
{
	real_dri2 = (const __DRIdri2Extension *)extension;
	if (extension->version < 4)
		return extension;
	dri2 = *real_dri2;
	dri2.base.version = 4;
	dri2.createNewScreen2 = create_dri2_screen;
	return &dri2.base;
}

static const __DRIextension *replace_driver(const __DRIextension *extension)
{
	real_image_driver = (const __DRIimageDriverExtension *)extension;
	image_driver = *real_image_driver;
	image_driver.base.version = __DRI_IMAGE_DRIVER_VERSION;
	image_driver.createNewScreen2 = create_image_screen;
	return &image_driver.base;
}

static void load(void)
{
	void *library = dlopen(HF_MESA_DRI_DIR "/" RENDERER "_dri.so",
			       RTLD_NOW | RTLD_GLOBAL);
	const __DRIextension **(*get)(void), **real;

	if (!library)
		return;
	get = (const __DRIextension **(*)(void))dlsym(
		library, __DRI_DRIVER_GET_EXTENSIONS "_" RENDERER);
	if (!get)
		return;
	real = get();
	for (unsigned int i = 0; i < MAX_EXTENSIONS && real[i]; i++) {
		if (!strcmp(real[i]->name, __DRI_CORE))
			extensions[i] = replace_core(real[i]);
		else if (!strcmp(real[i]->name, __DRI_DRI2))
			extensions[i] = replace_dri2(real[i]);
		else if (!strcmp(real[i]->name, __DRI_IMAGE_DRIVER))
			extensions[i] = replace_driver(real[i]);
		else
			extensions[i] = real[i];
	}
}

/* The name under which Mesa's loader looks for the driver "holdfast". */
__attribute__((visibility("default"))) const __DRIextension **
__driDriverGetExtensions_holdfast(void);

const __DRIextension **__driDriverGetExtensions_holdfast(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return extensions[0] ? extensions : NULL;
}
