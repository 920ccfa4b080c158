/* SPDX-License-Identifier: MIT */
/*
 * `holdfast inject` and `holdfast vblank`: things done to a running device. Mistakes
 * are found here, by the parser that the server uses, too (server/inject.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "mem/shmem.h"
#include "server/inject.h"

/* What fits into a question. */
#define MAX_TEXT sizeof(((struct hf_wire_query *)0)->text)

/* The words, each behind a newline. */
static int join(char text[MAX_TEXT], const char *const *words, size_t n)
{
	size_t used = snprintf(text, MAX_TEXT, "inject");

	for (size_t i = 0; i < n && used < MAX_TEXT; i++)
		used += snprintf(text + used, MAX_TEXT - used, "\n%s", words[i]);
	return used < MAX_TEXT ? 0 : -E2BIG;
}

static int print(int fd)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof(buf), at)) > 0 &&
	       fwrite(buf, 1, n, stdout) == (size_t)n)
		at += n;
	close(fd);
	if (!n && !fflush(stdout))
		return 0;
	hf_cli_error("standard output: %s", strerror(errno));
	return 1;
}

static int ask(const char *socket, const char *text,
	       const struct hf_inject *inject)
{
	char why[MAX_TEXT];
	int edid = -1, ret;

	if (inject->edid) {
		edid = hf_shmem_data("holdfast edid", inject->edid,
				     inject->edid_size);
		if (edid < 0)
			return hf_cli_no_server(-edid);
	}
	ret = hf_cli_query_data(socket, text, edid, why, sizeof(why));
	if (edid >= 0)
		close(edid);
	if (ret >= 0)
		return print(ret);
	if (!*why)
		return hf_cli_no_server(-ret);
	hf_cli_error("%s", why);
	return 1;
}

static int inject(const char *socket, const char *const *words, size_t n)
{
	char why[HF_INJECT_WHY], text[MAX_TEXT];
	struct hf_inject inject;
	int ret = hf_inject_parse(&inject, words, n, why);

	if (ret)
		return hf_cli_error("%s", why);
	ret = hf_inject_load(&inject, why);
	if (ret)
		ret = hf_cli_error("%s", why);
	else if (join(text, words, n))
		ret = hf_cli_error("%s: too much at once", words[0]);
	else
		ret = ask(socket, text, &inject);
	hf_inject_finish(&inject);
	return ret;
}

int hf_cli_inject(const struct hf_cli_options *options, int argc, char **argv)
{
	if (options->help) {
		puts("Usage: holdfast inject [--socket PATH] COMMAND...\n");
		hf_inject_help(stdout, false);
		return 0;
	}
	if (!argc)
		return hf_cli_error("inject needs a command; see holdfast inject --help");
	return inject(options->socket, (const char *const *)argv, argc);
}

/* Its options are words of the command's: --crtc 1, --time 20ms. */
int hf_cli_vblank(const struct hf_cli_options *options, int argc, char **argv)
{
	const char *words[16] = { "vblank" };
	size_t n = 1;

	if (options->help) {
		puts("Usage: holdfast vblank [--socket PATH] COMMAND...\n");
		hf_inject_help(stdout, true);
		return 0;
	}
	if (!argc || argc > 8)
		return hf_cli_error("vblank needs step, run, stop or fast");
	for (int i = 0; i < argc; i++)
		words[n++] = strncmp(argv[i], "--", 2) ? argv[i] : argv[i] + 2;
	return inject(options->socket, words, n);
}
