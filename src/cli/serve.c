/* SPDX-License-Identifier: MIT */
/*
 * `holdfast serve`: a server that runs until it gets a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "server/scenario.h"
#include "uapi/problem.h"
#include "server/trace.h"

#ifndef HF_SHIM_INSTALLED
#define HF_SHIM_INSTALLED "/usr/local/lib/holdfast/libholdfast-shim.so"
#endif

int hf_cli_helper_path(const char *name, const char *installed, char *path,
		       size_t size)
{
	char self[2048];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = 0;
		slash = strrchr(self, '/');
		if (slash) {
			*slash = 0;
			snprintf(path, size, "%s/%s", self, name);
			if (!access(path, R_OK))
				return 0;
		}
	}
	snprintf(path, size, "%s", installed);
	if (!access(path, R_OK))
		return 0;
	hf_cli_error("%s: %s", path, strerror(errno));
	return -ENOENT;
}

int hf_cli_shim_path(char *path, size_t size)
{
	return hf_cli_helper_path("libholdfast-shim.so", HF_SHIM_INSTALLED,
				  path, size);
}

int hf_cli_dri_path(const char *shim, char *path, size_t size)
{
#ifdef HF_MESA_DRI_DIR
	int beside = strrchr(shim, '/') - shim;

	/* Where Mesa looks by itself? */
	if (!access(HF_MESA_DRI_DIR "/holdfast_dri.so", R_OK))
		return -EEXIST;
	snprintf(path, size, "%.*s/holdfast_dri.so", beside, shim);
	if (access(path, R_OK))
		return -ENOENT;
	snprintf(path, size, "%.*s:" HF_MESA_DRI_DIR, beside, shim);
	return 0;
#else
	(void)shim;
	(void)path;
	(void)size;
	return -ENOENT;
#endif
}

/* Return: 0, or -ECANCELED; then the user was told. */
static int start_trace(struct hf_server *server,
		       const struct hf_cli_options *options)
{
	int ret = options->trace ? hf_trace_to_file(server, options->trace) : 0;

	if (!ret)
		return 0;
	hf_cli_error("%s: %s", options->trace, strerror(-ret));
	hf_server_finish(server);
	return -ECANCELED;
}

/* Before there is a server: a mistake in it, and nothing has happened. */
static int load_scenario(const struct hf_cli_options *options,
			 struct hf_scenario **scenario)
{
	char why[HF_SCENARIO_WHY];

	*scenario = NULL;
	if (!options->scenario)
		return 0;
	*scenario = hf_scenario_load(options->scenario, why);
	if (*scenario)
		return 0;
	hf_cli_error("%s", why);
	return -EINVAL;
}

static int start_scenario(struct hf_server *server,
			  struct hf_scenario *scenario)
{
	char why[HF_SCENARIO_WHY];

	if (!scenario)
		return 0;
	server->scenario = scenario;
	if (!hf_scenario_start(scenario, server, why))
		return 0;
	hf_cli_error("%s", why);
	hf_server_finish(server);
	return -EINVAL;
}

int hf_cli_open_server(struct hf_server *server,
		       const struct hf_cli_options *options)
{
	char why[HF_VFIO_WHY] = "";
	struct hf_server_options server_options = {
		.vfio = options->vfio,
		.vfio_flags = options->unsafe_no_iommu ?
				      HF_VFIO_UNSAFE_NO_IOMMU : 0,
		.why = why,
		.socket = options->socket,
		.outputs = options->outputs,
		.noutputs = options->noutputs,
		.overlays = options->has_overlays ? &options->overlays : NULL,
		.virtual_cursor = options->virtual_cursor,
		.contiguous = options->contiguous,
		.split = options->split,
		.incoherent = options->incoherent,
		.pool = options->pool,
		.memory = options->memory,
		.client_memory = options->client_memory,
		.check = options->check,
		.hold_last_picture = options->screenshot,
		.pace = options->pace,
		.no_seat = options->no_seat,
		.logind = options->logind,
	};
	struct hf_scenario *scenario;
	int ret = load_scenario(options, &scenario);

	if (ret)
		return ret;
	ret = hf_server_init(server, &server_options);
	if (!ret)
		ret = start_trace(server, options);
	if (!ret)
		return start_scenario(server, scenario);
	hf_scenario_destroy(scenario);
	if (ret == -EADDRINUSE || ret == -ECANCELED)
		return ret;
	if (*why)
		hf_cli_error("--device vfio:%s: %s", options->vfio, why);
	else
		hf_cli_error("%s: %s", options->socket ?: "no device",
			     strerror(-ret));
	return ret;
}

bool hf_cli_problems(const struct hf_cli_options *options,
		     const struct hf_server *server)
{
	uint64_t n = 0;

	pthread_mutex_lock(&server->sys->lock);
	if (options->strict)
		n = server->sys->problems->total;
	pthread_mutex_unlock(&server->sys->lock);
	if (n)
		hf_cli_error("--strict: %lu problem%s", n, n == 1 ? "" : "s");
	return n;
}

static int stop(int signal, void *data)
{
	bool *stopped = data;

	(void)signal;
	*stopped = true;
	return 0;
}

int hf_cli_serve(const struct hf_cli_options *options, int argc, char **argv)
{
	struct hf_server server;
	struct wl_event_source *sources[2];
	struct hf_cli_recording recording = { 0 };
	bool stopped = false;
	pid_t viewer;
	char shim[4096], dri[8192];
	int ret;

	if (argc)
		return hf_cli_error("serve does not know %s", argv[0]);
	if (hf_cli_shim_path(shim, sizeof(shim)))
		return 1;
	ret = hf_cli_open_server(&server, options);
	if (ret == -EADDRINUSE)
		hf_cli_error("%s: %s", options->socket ?: "its own socket",
			     strerror(-ret));
	if (ret)
		return options->vfio || ret == -EINVAL ? HF_EXIT_USAGE : 1;
	ret = hf_cli_record_start(&recording, &server, options);
	if (!ret)
		ret = hf_cli_view_start(options, server.address, server.key,
					&viewer);
	if (ret) {
		hf_cli_record_end(&recording);
		hf_server_finish(&server);
		return ret;
	}
	sources[0] = wl_event_loop_add_signal(server.loop, SIGTERM, stop,
					      &stopped);
	sources[1] = wl_event_loop_add_signal(server.loop, SIGINT, stop,
					      &stopped);
	if (!sources[0] || !sources[1]) {
		hf_cli_error("no memory");
		abort();
	}
	printf("HOLDFAST_SOCKET=%s\nHOLDFAST_KEY=%s\n", server.address,
	       server.key);
	if (!hf_cli_dri_path(shim, dri, sizeof(dri)))
		printf(HF_ENV_DRI "=%s\n", dri);
	printf("LD_PRELOAD=%s\n", shim);
	fflush(stdout);
	while (!stopped)
		hf_server_dispatch(&server, -1);
	wl_event_source_remove(sources[0]);
	wl_event_source_remove(sources[1]);
	hf_cli_view_stop(viewer);
	ret = hf_cli_record_end(&recording);
	if (hf_cli_problems(options, &server))
		ret = 1;
	hf_server_finish(&server);
	return ret ? 1 : 0;
}
