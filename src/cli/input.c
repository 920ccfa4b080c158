/* SPDX-License-Identifier: MIT */
/*
 * `holdfast input`: a person types, moves the pointer, touches the screen. Mistakes in
 * the words are found here, by the parser that the server uses, too (seat/input.h).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "seat/input.h"

/* What fits into a question. */
#define MAX_TEXT sizeof(((struct hf_wire_query *)0)->text)

/* The words on lines; one that has lines itself is typed with Return. */
static int join(char text[MAX_TEXT], const char *const *words, size_t n)
{
	size_t used = (size_t)snprintf(text, MAX_TEXT, "input");

	for (size_t i = 0; i < n && used < MAX_TEXT; i++) {
		char *word = text + used + 1;

		used += (size_t)snprintf(text + used, MAX_TEXT - used, "\n%s",
					 words[i]);
		while (used < MAX_TEXT && (word = strchr(word, '\n')))
			*word = '\r';
	}
	return used < MAX_TEXT ? 0 : -E2BIG;
}

static int ask(const char *socket, const char *const *words, size_t n)
{
	char text[MAX_TEXT], why[MAX_TEXT];
	int ret;

	if (join(text, words, n))
		return hf_cli_error("%s: too much at once", words[0]);
	ret = hf_cli_query_data(socket, text, -1, why, sizeof(why));
	if (ret >= 0) {
		close(ret);
		return 0;
	}
	if (!*why)
		return hf_cli_no_server(-ret);
	hf_cli_error("%s", why);
	return 1;
}

static int run(const char *socket, const char *const *words, size_t n)
{
	char why[HF_INPUT_WHY];

	return hf_input_parse(words, n, why) ? hf_cli_error("%s", why) :
					       ask(socket, words, n);
}

int hf_cli_input(const struct hf_cli_options *options, int argc, char **argv)
{
	const char *layout[] = { "layout", options->layout };
	int ret;

	if (options->help) {
		puts("Usage: holdfast input [--socket PATH] [--layout LAYOUT] COMMAND...\n");
		hf_input_help(stdout);
		return 0;
	}
	if (!argc)
		return hf_cli_error("input needs a command; see holdfast input --help");
	ret = options->layout ? run(options->socket, layout, 2) : 0;
	return ret ? ret : run(options->socket, (const char *const *)argv,
			       (size_t)argc);
}
