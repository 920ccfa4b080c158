/* SPDX-License-Identifier: MIT */
/*
 * The table of what can be done to a device, and how it is done: mostly by arming a
 * fault in the struct of whatever is to fail (base/fault.h), which the code there asks.
 *
 * The system's lock is held.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drivers/soft/engine.h"
#include "mem/shmem.h"
#include "seat/input.h"
#include "server/inject_parse.h"
#include "server/pace.h"
#include "uapi/power.h"

static struct hf_connector *find_connector(const struct hf_server *server,
					   const char *wanted)
{
	const struct hf_kms_device *kms = &server->dev->kms;
	char name[32];

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		hf_connector_name(kms->connectors[i], name, sizeof(name));
		if (!strcmp(name, wanted))
			return kms->connectors[i];
	}
	return NULL;
}

static struct hf_crtc *crtc_of(const struct hf_server *server,
			       const struct hf_inject *inject)
{
	return server->dev->kms.crtcs[inject->crtc];
}

/* -- monitors ---------------------------------------------------------------- */

static int replace_monitor(struct hf_server *server,
			   const struct hf_inject *inject,
			   const struct hf_kms_output *output, char *why)
{
	struct hf_connector *connector =
		find_connector(server, inject->connector);
	int ret = hf_kms_plug(connector, output);

	if (ret)
		return hf_inject_why(why, ret, "%s: %s", inject->connector,
				     strerror(-ret));
	hf_kms_uevent(connector->kms, "HOTPLUG=1", connector, NULL);
	return 0;
}

static int plug(struct hf_server *server, const struct hf_inject *inject,
		char *why)
{
	static const struct hf_kms_output usual = {
		.width = 1920, .height = 1080, .hz = 60 };

	return replace_monitor(server, inject,
			       inject->output.width ? &inject->output : &usual,
			       why);
}

static int unplug(struct hf_server *server, const struct hf_inject *inject,
		  char *why)
{
	static const struct hf_kms_output nothing;

	return replace_monitor(server, inject, &nothing, why);
}

static int set_edid(struct hf_server *server, const struct hf_inject *inject,
		    char *why)
{
	struct drm_mode_modeinfo *modes;
	struct hf_kms_output output = {
		.edid = inject->edid,
		.edid_size = inject->edid_size,
		.hz = 60,
	};
	uint32_t mm;
	int n;

	modes = calloc(HF_KMS_MAX_MODES, sizeof(*modes));
	if (!modes)
		return hf_inject_why(why, -ENOMEM, "%s", strerror(ENOMEM));
	n = hf_edid_modes(inject->edid, inject->edid_size, modes,
			  HF_KMS_MAX_MODES, &mm, &mm);
	if (n > 0) {
		output.width = modes[0].hdisplay;
		output.height = modes[0].vdisplay;
	}
	free(modes);
	if (n <= 0)
		return hf_inject_why(why, -EINVAL, "the EDID lists no modes");
	return replace_monitor(server, inject, &output, why);
}

static int set_modes(struct hf_server *server, const struct hf_inject *inject,
		     char *why)
{
	struct hf_connector *connector =
		find_connector(server, inject->connector);

	if (!connector->connected)
		return hf_inject_why(why, -ENOTCONN, "%s: nothing is plugged in",
				     inject->connector);
	hf_kms_set_modes(connector, inject->modes, inject->num_modes);
	hf_kms_uevent(connector->kms, "HOTPLUG=1", connector, NULL);
	return 0;
}

/* As drm_connector_set_link_status_property(), and drivers that call it. */
static int set_link(struct hf_server *server, const struct hf_inject *inject,
		    char *why)
{
	struct hf_connector *connector =
		find_connector(server, inject->connector);

	(void)why;
	connector->state->link_status = inject->good ?
						DRM_MODE_LINK_STATUS_GOOD :
						DRM_MODE_LINK_STATUS_BAD;
	hf_kms_uevent(connector->kms, "HOTPLUG=1", connector,
		      connector->kms->prop.link_status);
	return 0;
}

/* -- flips, commits, calls, fences, jobs, memory ------------------------------- */

static int drop_flips(struct hf_server *server, const struct hf_inject *inject,
		      char *why)
{
	(void)why;
	crtc_of(server, inject)->faults.drop = inject->n;
	return 0;
}

static int delay_flips(struct hf_server *server,
		       const struct hf_inject *inject, char *why)
{
	struct hf_flip_faults *faults = &crtc_of(server, inject)->faults;

	(void)why;
	faults->delay = inject->ns;
	faults->late = inject->ns ? inject->n : 0;
	return 0;
}

static int fail_commits(struct hf_server *server,
			const struct hf_inject *inject, char *why)
{
	struct hf_kms_device *kms = &server->dev->kms;

	(void)why;
	kms->commit_fault =
		(struct hf_fault){ .left = inject->n, .error = inject->error };
	kms->test_fault = inject->test;
	return 0;
}

static int fail_ioctls(struct hf_server *server,
		       const struct hf_inject *inject, char *why)
{
	struct hf_system *sys = server->sys;

	if (!sys->ioctl_faults)
		sys->ioctl_faults = calloc(1, sizeof(*sys->ioctl_faults));
	if (!sys->ioctl_faults)
		return hf_inject_why(why, -ENOMEM, "%s", strerror(ENOMEM));
	*hf_ioctl_fault(sys->ioctl_faults, inject->ioctl) =
		(struct hf_fault){ .left = inject->n, .error = inject->error };
	return 0;
}

static int delay_fences(struct hf_server *server,
			const struct hf_inject *inject, char *why)
{
	(void)why;
	server->sys->fences.delay = inject->ns;
	return 0;
}

static int fail_fences(struct hf_server *server,
		       const struct hf_inject *inject, char *why)
{
	(void)why;
	server->sys->fences.fail =
		(struct hf_fault){ .left = inject->n, .error = inject->error };
	return 0;
}

static int hang_engine(struct hf_server *server,
		       const struct hf_inject *inject, char *why)
{
	(void)why;
	hf_engine_hang(server->engine->engine, inject->n);
	return 0;
}

static int reset_engine(struct hf_server *server,
			const struct hf_inject *inject, char *why)
{
	(void)inject;
	(void)why;
	hf_engine_reset(server->engine->engine);
	return 0;
}

static int fail_memory(struct hf_server *server,
		       const struct hf_inject *inject, char *why)
{
	struct hf_device *dev;

	(void)why;
	wl_list_for_each(dev, &server->sys->devices, link)
		dev->gem.fault = (struct hf_gem_fault){
			.fault = { .left = inject->n, .error = -ENOMEM },
			.permille = inject->permille,
			.random = 1,
		};
	return 0;
}

/* -- the device ---------------------------------------------------------------- */

static int unplug_device(struct hf_server *server,
			 const struct hf_inject *inject, char *why)
{
	(void)inject;
	if (server->dev->unplugged)
		return hf_inject_why(why, -ENODEV, "it is unplugged already");
	hf_server_unplug(server);
	return 0;
}

static int replug_device(struct hf_server *server,
			 const struct hf_inject *inject, char *why)
{
	int ret;

	(void)inject;
	if (!server->dev->unplugged)
		return hf_inject_why(why, -EEXIST, "it is not unplugged");
	ret = hf_server_replug(server);
	return ret ? hf_inject_why(why, ret, "no new device: %s",
				   strerror(-ret)) : 0;
}

/* The display may have been unplugged while both were. */
static bool is_suspended(const struct hf_server *server)
{
	return server->dev->suspended || server->engine->suspended;
}

static int suspend(struct hf_server *server, const struct hf_inject *inject,
		   char *why)
{
	struct hf_device *dev;

	(void)inject;
	if (is_suspended(server))
		return hf_inject_why(why, -EALREADY, "it is suspended already");
	wl_list_for_each(dev, &server->sys->devices, link)
		if (!dev->unplugged)
			hf_device_suspend(dev);
	return 0;
}

static int resume(struct hf_server *server, const struct hf_inject *inject,
		  char *why)
{
	struct hf_device *dev;

	(void)inject;
	if (!is_suspended(server))
		return hf_inject_why(why, -EALREADY, "it is not suspended");
	wl_list_for_each(dev, &server->sys->devices, link)
		hf_device_resume(dev);
	return 0;
}

/* -- time ---------------------------------------------------------------------- */

static int set_pace(struct hf_server *server, enum hf_clock_pace pace)
{
	hf_clock_set_pace(server->sys->clock, pace);
	return 0;
}

static int time_runs(struct hf_server *server, const struct hf_inject *inject,
		     char *why)
{
	(void)inject;
	(void)why;
	return set_pace(server, HF_CLOCK_RUNS);
}

static int time_stops(struct hf_server *server,
		      const struct hf_inject *inject, char *why)
{
	(void)inject;
	(void)why;
	return set_pace(server, HF_CLOCK_STANDS);
}

static int time_jumps(struct hf_server *server,
		      const struct hf_inject *inject, char *why)
{
	(void)inject;
	(void)why;
	return set_pace(server, HF_CLOCK_JUMPS);
}

static int step(struct hf_server *server, const struct hf_inject *inject,
		char *why)
{
	struct hf_clock *clock = server->sys->clock;
	struct hf_crtc *crtc = crtc_of(server, inject);

	if (hf_clock_pace(clock) == HF_CLOCK_RUNS)
		return hf_inject_why(why, -EBUSY,
				     "time passes by itself: stop it first");
	if (inject->timed) {
		if (!hf_pace_step(server, hf_clock_now(clock) + inject->ns))
			return 0;
		return hf_inject_why(why, -EAGAIN,
				     "that far is more than %d vblanks at a time",
				     HF_PACE_MAX);
	}
	if (inject->n > HF_PACE_MAX)
		return hf_inject_why(why, -EINVAL,
				     "%u: at most %d vblanks at a time",
				     inject->n, HF_PACE_MAX);
	for (uint32_t i = 0; i < inject->n; i++) {
		if (!crtc->vblank.on)
			return hf_inject_why(why, -EINVAL, "CRTC %u is off",
					     inject->crtc);
		hf_pace_step(server, hf_vblank_next(crtc));
	}
	return 0;
}

/* -- what is armed --------------------------------------------------------------- */

static void list_flips(const struct hf_kms_device *kms, FILE *file)
{
	for (unsigned int i = 0; i < kms->num_crtcs; i++) {
		const struct hf_flip_faults *faults = &kms->crtcs[i]->faults;

		if (faults->drop)
			fprintf(file, "flip drop %u crtc %u\n", faults->drop, i);
		if (!faults->late)
			continue;
		fprintf(file, "flip delay %luns", faults->delay);
		if (faults->late != UINT32_MAX)
			fprintf(file, " %u", faults->late);
		fprintf(file, " crtc %u\n", i);
	}
}

static void list_fault(FILE *file, const char *what, const char *name,
		       const struct hf_fault *fault, const char *more)
{
	if (fault->left)
		fprintf(file, "%s%s %u %s%s\n", what, name, fault->left,
			strerrorname_np(-fault->error), more);
}

static void list_ioctls(const struct hf_ioctl_faults *faults, FILE *file)
{
	if (!faults)
		return;
	for (unsigned int i = 0; i < 256; i++)
		list_fault(file, "ioctl fail ", hf_ioctl_descs[i].name,
			   &faults->drm[i], "");
	for (unsigned int i = 0; i < HF_FD_IOCTL_ROWS; i++)
		list_fault(file, "ioctl fail ", hf_fd_ioctl_descs[i].name,
			   &faults->fd[i], "");
}

void hf_inject_list(struct hf_server *server, FILE *file)
{
	const struct hf_device *dev = server->dev;
	const struct hf_fence_faults *fences = &server->sys->fences;
	const struct hf_gem_fault *memory = &dev->gem.fault;
	const struct hf_engine *engine = server->engine->engine;

	list_flips(&dev->kms, file);
	list_fault(file, "commit fail", "", &dev->kms.commit_fault,
		   dev->kms.test_fault ? " test" : "");
	list_ioctls(server->sys->ioctl_faults, file);
	if (fences->delay)
		fprintf(file, "fence delay %luns\n", fences->delay);
	if (fences->fail.left)
		fprintf(file, "fence fail %s %u\n",
			strerrorname_np(-fences->fail.error),
			fences->fail.left);
	if (engine && hf_engine_hangs(engine))
		fprintf(file, "engine hang %u\n", hf_engine_hangs(engine));
	if (memory->fault.left)
		fprintf(file, "memory fail %u %u\n", memory->fault.left,
			memory->permille);
	if (dev->unplugged)
		fputs("device unplug\n", file);
	if (is_suspended(server))
		fputs("suspend\n", file);
}

/* What is late is over; monitors, and the device itself, stay as they are. */
static int clear(struct hf_server *server, const struct hf_inject *inject,
		 char *why)
{
	struct hf_system *sys = server->sys;
	struct hf_device *dev;

	(void)inject;
	(void)why;
	wl_list_for_each(dev, &sys->devices, link) {
		for (unsigned int i = 0; i < dev->kms.num_crtcs; i++)
			dev->kms.crtcs[i]->faults = (struct hf_flip_faults){ 0 };
		dev->kms.commit_fault.left = 0;
		dev->gem.fault.fault.left = 0;
		if (dev->engine)
			hf_engine_hang(dev->engine, 0);
		if (dev->driver->kms)
			hf_kms_end_late(&dev->kms);
	}
	if (sys->ioctl_faults)
		memset(sys->ioctl_faults, 0, sizeof(*sys->ioctl_faults));
	hf_fence_faults_clear(&sys->fences);
	return 0;
}

/* -- the seat ---------------------------------------------------------------- */

static const char *device_name(const struct hf_inject *inject)
{
	static const char *const names[HF_INPUT_DEVICES] = {
		"keyboard", "mouse", "tablet", "touchscreen",
	};

	return names[inject->device];
}

static int plug_input(struct hf_server *server, const struct hf_inject *inject,
		      char *why)
{
	int ret = hf_input_plug(server->seat, inject->device);

	return ret ? hf_inject_why(why, ret, "the %s is there already",
				   device_name(inject)) : 0;
}

static int unplug_input(struct hf_server *server,
			const struct hf_inject *inject, char *why)
{
	int ret = hf_input_unplug(server->seat, inject->device);

	return ret ? hf_inject_why(why, ret, "the %s is gone already",
				   device_name(inject)) : 0;
}

static int do_input(struct hf_server *server, const struct hf_inject *inject,
		    char *why)
{
	return hf_input_command(server->seat,
				(const char *const *)inject->words,
				inject->nwords, why);
}

#define SOFT HF_INJECT_DISPLAY
#define CRTC (HF_INJECT_DISPLAY | HF_INJECT_CRTC)
#define ENGINE HF_INJECT_ENGINE

/* clang-format off */
const struct hf_inject_command hf_inject_commands[] = {
	{ "plug", "cO", "CONNECTOR [WIDTHxHEIGHT[@HZ][,ATTRIBUTE...]]",
	  "plug a monitor in (1920x1080@60)", 0, SOFT, plug },
	{ "unplug", "c", "CONNECTOR", "unplug it", 0, SOFT, unplug },
	{ "edid", "cf", "CONNECTOR FILE", "plug in the monitor with this EDID",
	  0, SOFT, set_edid },
	{ "modes", "cm", "CONNECTOR WIDTHxHEIGHT[@HZ]...",
	  "change what modes it lists", 0, SOFT, set_modes },
	{ "link", "cg", "CONNECTOR good|bad", "change its link-status",
	  0, SOFT, set_link },
	{ "flip drop", "nX", "N [crtc INDEX]",
	  "the next N flips are never reported", 0, CRTC, drop_flips },
	{ "flip delay", "dNX", "DURATION [N] [crtc INDEX]",
	  "flips (the next N) are reported late", UINT32_MAX, CRTC, delay_flips },
	{ "commit fail", "neT", "N ERRNO [test]",
	  "the next N commits (and tests) fail", 0, 0, fail_commits },
	{ "ioctl fail", "ine", "NAME N ERRNO", "the next N of these ioctls fail",
	  0, 0, fail_ioctls },
	{ "fence delay", "d", "DURATION",
	  "fences of flips and jobs signal late (0s: no more)", 0, 0, delay_fences },
	{ "fence fail", "eN", "ERRNO [N]", "the next N (1) signal an error",
	  1, 0, fail_fences },
	{ "engine hang", "N", "[N]", "the next N (1) jobs hang", 1, ENGINE, hang_engine },
	{ "engine reset", "", "", "end the jobs that run", 0, ENGINE, reset_engine },
	{ "memory fail", "nP", "N [PERMILLE]",
	  "the next N allocations of objects (so many of 1000) fail",
	  0, 0, fail_memory },
	{ "device unplug", "", "", "the device is gone: ENODEV everywhere",
	  0, SOFT, unplug_device },
	{ "device replug", "", "", "a new one comes", 0, SOFT, replug_device },
	{ "suspend", "", "", "the device sleeps, and so does who calls it",
	  0, SOFT, suspend },
	{ "resume", "", "", "it goes on", 0, SOFT, resume },
	{ "input plug", "u", "keyboard|mouse|tablet|touchscreen",
	  "an input device comes", 0, HF_INJECT_SEAT, plug_input },
	{ "input unplug", "u", "keyboard|mouse|tablet|touchscreen",
	  "it goes: ENODEV for those who read it", 0, HF_INJECT_SEAT,
	  unplug_input },
	{ "input", "w", "COMMAND...",
	  "a person does something: see holdfast input --help",
	  0, HF_INJECT_SEAT, do_input },
	{ "list", "", "", "print what is armed", 0, HF_INJECT_LISTS | HF_INJECT_NOW,
	  NULL },
	{ "clear", "", "", "nothing is armed any more", 0, 0, clear },
	{ "vblank step", "NXS", "[N] [crtc INDEX] | time DURATION",
	  "move time to the Nth next (1) vblank", 1, CRTC | HF_INJECT_NOW, step },
	{ "vblank run", "", "", "let time pass", 0, SOFT, time_runs },
	{ "vblank stop", "", "", "let time stand still", 0, SOFT, time_stops },
	{ "vblank fast", "", "", "let it jump whenever all programs wait",
	  0, SOFT, time_jumps },
};
/* clang-format on */
const size_t hf_inject_num_commands =
	sizeof(hf_inject_commands) / sizeof(*hf_inject_commands);

void hf_inject_help(FILE *file, bool vblank)
{
	for (size_t i = 0; i < hf_inject_num_commands; i++) {
		const struct hf_inject_command *command =
			&hf_inject_commands[i];
		const char *name = command->name;

		if (!strncmp(name, "vblank ", 7) != vblank)
			continue;
		if (vblank)
			name += 7;
		fprintf(file, "  %s %s\n      %s\n", name, command->usage,
			command->help);
	}
}

int hf_inject_check(struct hf_server *server, const struct hf_inject *inject,
		    char why[HF_INJECT_WHY])
{
	unsigned int flags = inject->command->flags;
	const struct hf_connector *connector;

	if ((flags & HF_INJECT_DISPLAY) && server->vfio)
		return hf_inject_why(why, -EOPNOTSUPP, "%s is for the soft device",
				     inject->command->name);
	if ((flags & HF_INJECT_SEAT) && !server->seat)
		return hf_inject_why(why, -EOPNOTSUPP, "there is no seat");
	if ((flags & HF_INJECT_ENGINE) && !server->engine->engine)
		return hf_inject_why(why, -EOPNOTSUPP, "there is no engine");
	if ((flags & HF_INJECT_CRTC) &&
	    inject->crtc >= server->dev->kms.num_crtcs)
		return hf_inject_why(why, -ENOENT, "there is no CRTC %u",
				     inject->crtc);
	if (!*inject->connector)
		return 0;
	connector = find_connector(server, inject->connector);
	if (!connector)
		return hf_inject_why(why, -ENOENT, "%s: no such connector",
				     inject->connector);
	if (connector->type == DRM_MODE_CONNECTOR_WRITEBACK)
		return hf_inject_why(why, -EOPNOTSUPP,
				     "%s: nothing can be plugged in there",
				     inject->connector);
	return 0;
}

int hf_inject_apply(struct hf_server *server, const struct hf_inject *inject,
		    char why[HF_INJECT_WHY])
{
	int ret = hf_inject_check(server, inject, why);

	if (ret || !inject->command->apply)
		return ret;
	return inject->command->apply(server, inject, why);
}

/* -- what `holdfast inject` sent ---------------------------------------------------- */

#define MAX_WORDS 256

/* Cuts the text up. Return: how many words. */
static size_t split(char *text, const char *words[MAX_WORDS])
{
	size_t n = 0;
	char *save, *word;

	for (word = strtok_r(text, "\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &save))
		words[n++] = word;
	return n;
}

/* Only memory: a file might be slow, or someone else's. */
static int read_edid(struct hf_inject *inject, int fd, char *why)
{
	static const size_t max = 32768;
	ssize_t n;

	if (fd < 0 || fcntl(fd, F_GET_SEALS) < 0)
		return hf_inject_why(why, -EBADF, "the EDID is missing");
	inject->edid = malloc(max);
	n = inject->edid ? pread(fd, inject->edid, max, 0) : -1;
	if (n < 0)
		return hf_inject_why(why, -EIO, "the EDID cannot be read");
	inject->edid_size = n;
	return 0;
}

static int answer(struct hf_server *server, const struct hf_inject *inject)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);
	int fd;

	if (!file)
		return -ENOMEM;
	if (inject->command->flags & HF_INJECT_LISTS)
		hf_inject_list(server, file);
	if (fclose(file) || !text)
		return -ENOMEM;
	fd = hf_shmem_data("holdfast inject", text, size);
	free(text);
	return fd;
}

int hf_inject_query(struct hf_server *server, const char *text, int edid,
		    char why[HF_INJECT_WHY])
{
	const char *words[MAX_WORDS];
	struct hf_inject inject;
	char *copy = strdup(text);
	int ret;

	if (!copy)
		return hf_inject_why(why, -ENOMEM, "%s", strerror(ENOMEM));
	ret = hf_inject_parse(&inject, words, split(copy, words), why);
	free(copy);
	if (ret)
		return ret;
	if (inject.file)
		ret = read_edid(&inject, edid, why);
	if (!ret)
		ret = hf_inject_apply(server, &inject, why);
	if (!ret)
		ret = answer(server, &inject);
	hf_inject_finish(&inject);
	return ret;
}
