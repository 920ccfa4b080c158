/* SPDX-License-Identifier: MIT */
/*
 * From words to a command of the table in inject.c. Every mistake is a sentence.
 *
 * Knows nothing of servers; no lock.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "kms/mode.h"
#include "seat/input.h"
#include "server/inject_parse.h"
#include "uapi/power.h"

/* More than any EDID: 256 blocks of 128 bytes. */
#define MAX_EDID 32768
#define MAX_N 1000000000u
/* Thirty years: a time that far from now is still one. */
#define MAX_NS 1e18

_Static_assert(HF_INJECT_WHY >= HF_OUTPUT_WHY, "its sentences fit");

/* The words that are left, and what has become of those before. */
struct parse {
	const char *const *words;
	size_t n;
	struct hf_inject *inject;
	char *why;
};

int hf_inject_why(char why[HF_INJECT_WHY], int error, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, HF_INJECT_WHY, fmt, ap);
	va_end(ap);
	return error;
}

static const char *take(struct parse *parse)
{
	parse->n--;
	return *parse->words++;
}

static bool next_is(const struct parse *parse, const char *word)
{
	return parse->n && !strcmp(*parse->words, word);
}

static bool is_number(const char *word)
{
	return *word >= '0' && *word <= '9' &&
	       strspn(word, "0123456789") == strlen(word);
}

static int parse_number(struct parse *parse, uint32_t max, uint32_t *n)
{
	const char *word = take(parse);
	unsigned long long value;

	errno = 0;
	value = strtoull(word, NULL, 10);
	if (!is_number(word) || errno || value > max)
		return hf_inject_why(parse->why, -EINVAL,
				     "%s: not a number up to %u", word, max);
	*n = value;
	return 0;
}

int hf_duration_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 },
		{ "s", 1e9 }, { "min", 60e9 },
	};
	size_t digits = strspn(text, "0123456789."), used = 0;
	double value;
	char *end;

	value = strtod(text, &end);
	used = end - text;
	if (!digits || used != digits)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		value = value * units[i].ns + 0.5;
		if (value > MAX_NS)
			return -EINVAL;
		*ns = value;
		return 0;
	}
	return -EINVAL;
}

static int parse_duration(struct parse *parse)
{
	const char *word = take(parse);

	if (!hf_duration_parse(word, &parse->inject->ns))
		return 0;
	return hf_inject_why(parse->why, -EINVAL,
			     "%s: not a duration such as 20ms", word);
}

static int parse_errno(struct parse *parse)
{
	const char *word = take(parse);
	int error = is_number(word) ? atoi(word) : 0;

	for (int i = 1; !error && i < 4096; i++) {
		const char *name = strerrorname_np(i);

		if (name && !strcasecmp(name, word))
			error = i;
	}
	if (error < 1 || !strerrorname_np(error))
		return hf_inject_why(parse->why, -EINVAL,
				     "%s: no errno is called so", word);
	parse->inject->error = -error;
	return 0;
}

static int copy_word(struct parse *parse, char *to, size_t size)
{
	const char *word = take(parse);

	if (!*word)
		return hf_inject_why(parse->why, -EINVAL, "a name is empty");
	if (strlen(word) >= size)
		return hf_inject_why(parse->why, -EINVAL, "%.40s…: too long a name",
				     word);
	strcpy(to, word);
	return 0;
}

static int parse_ioctl(struct parse *parse)
{
	struct hf_inject *inject = parse->inject;
	static struct hf_ioctl_faults names;
	int ret = copy_word(parse, inject->ioctl, sizeof(inject->ioctl));

	if (ret || hf_ioctl_fault(&names, inject->ioctl))
		return ret;
	return hf_inject_why(parse->why, -EINVAL, "%s: no ioctl is called so",
			     inject->ioctl);
}

/* Files are read by whoever asks, never by a server: "edid" is for that. */
static int parse_monitor(struct parse *parse, struct hf_kms_output *output)
{
	const char *word = take(parse);

	if (strstr(word, ",edid="))
		return hf_inject_why(parse->why, -EINVAL,
				     "%s: its EDID is for the command edid",
				     word);
	return hf_output_parse(word, output, parse->why);
}

static int parse_output(struct parse *parse)
{
	struct hf_kms_output *output = &parse->inject->output;
	int ret = parse_monitor(parse, output);

	if (ret || output->width)
		return ret;
	return hf_inject_why(parse->why, -EINVAL,
			     "nothing to plug in; unplug is another command");
}

static int parse_mode(struct parse *parse, struct drm_mode_modeinfo *mode)
{
	const char *word = *parse->words;
	struct hf_kms_output output;
	int ret = parse_monitor(parse, &output);

	if (ret)
		return ret;
	if (strchr(word, ',') ||
	    hf_mode_make(mode, output.width, output.height, output.hz))
		ret = hf_inject_why(parse->why, -EINVAL,
				    "%s: not a mode such as 1920x1080@60", word);
	hf_output_finish(&output);
	return ret;
}

/* All that is left. */
static int parse_modes(struct parse *parse)
{
	struct hf_inject *inject = parse->inject;
	int ret = 0;

	if (parse->n > HF_KMS_MAX_MODES)
		return hf_inject_why(parse->why, -EINVAL, "at most %d modes",
				     HF_KMS_MAX_MODES);
	inject->modes = calloc(parse->n, sizeof(*inject->modes));
	if (!inject->modes)
		return -ENOMEM;
	while (!ret && parse->n)
		ret = parse_mode(parse, &inject->modes[inject->num_modes++]);
	return ret;
}

static int parse_link(struct parse *parse)
{
	const char *word = take(parse);

	parse->inject->good = !strcmp(word, "good");
	if (!parse->inject->good && strcmp(word, "bad"))
		return hf_inject_why(parse->why, -EINVAL,
				     "%s: a link is good or bad", word);
	return 0;
}

static int parse_file(struct parse *parse)
{
	parse->inject->file = strdup(take(parse));
	return parse->inject->file ? 0 : -ENOMEM;
}

/* A keyword and its value. Return: 1 where something else comes. */
static int parse_keyword(struct parse *parse, const char *keyword)
{
	if (!next_is(parse, keyword))
		return 1;
	take(parse);
	return parse->n ? 0 :
			  hf_inject_why(parse->why, -EINVAL,
					"%s needs a value", keyword);
}

static int parse_crtc(struct parse *parse)
{
	int ret = parse_keyword(parse, "crtc");

	if (ret)
		return ret == 1 ? 0 : ret;
	return parse_number(parse, HF_KMS_MAX_CRTCS - 1, &parse->inject->crtc);
}

static int parse_time(struct parse *parse)
{
	int ret = parse_keyword(parse, "time");

	if (ret)
		return ret == 1 ? 0 : ret;
	parse->inject->timed = true;
	return parse_duration(parse);
}

static int parse_n(struct parse *parse)
{
	return parse_number(parse, MAX_N, &parse->inject->n);
}

static int parse_device(struct parse *parse)
{
	const char *word = take(parse);
	int device = hf_input_find(word);

	if (device < 0)
		return hf_inject_why(parse->why, -EINVAL,
				     "%s: not keyboard, mouse, tablet or touchscreen",
				     word);
	parse->inject->device = (unsigned int)device;
	return 0;
}

/* What a person does: all that is left. */
static int parse_words(struct parse *parse)
{
	struct hf_inject *inject = parse->inject;
	int ret = hf_input_parse(parse->words, parse->n, parse->why);

	if (ret)
		return ret;
	inject->words = calloc(parse->n, sizeof(*inject->words));
	if (!inject->words)
		return -ENOMEM;
	while (parse->n) {
		char *word = strdup(take(parse));

		if (!word)
			return -ENOMEM;
		inject->words[inject->nwords++] = word;
	}
	return 0;
}

/* One that must be there, but for capitals. */
static int parse_arg(struct parse *parse, char arg)
{
	struct hf_inject *inject = parse->inject;

	switch (arg) {
	case 'c':
		return copy_word(parse, inject->connector,
				 sizeof(inject->connector));
	case 'd':
		return parse_duration(parse);
	case 'e':
		return parse_errno(parse);
	case 'f':
		return parse_file(parse);
	case 'g':
		return parse_link(parse);
	case 'i':
		return parse_ioctl(parse);
	case 'm':
		return parse_modes(parse);
	case 'n':
		return parse_n(parse);
	case 'N':
		return parse->n && is_number(*parse->words) ? parse_n(parse) : 0;
	case 'O':
		return parse->n ? parse_output(parse) : 0;
	case 'P':
		return parse->n ? parse_number(parse, 1000, &inject->permille) :
				  0;
	case 'S':
		return parse_time(parse);
	case 'T':
		inject->test = next_is(parse, "test");
		if (inject->test)
			take(parse);
		return 0;
	case 'u':
		return parse_device(parse);
	case 'w':
		return parse_words(parse);
	default: /* 'X' */
		return parse_crtc(parse);
	}
}

static bool is_optional(char arg)
{
	return arg >= 'A' && arg <= 'Z';
}

/* How many words of a name these are; 0: another's. */
static size_t matches(const char *name, const char *const *words, size_t n)
{
	char two[64];

	if (n && !strcmp(name, words[0]))
		return 1;
	if (n < 2)
		return 0;
	snprintf(two, sizeof(two), "%s %s", words[0], words[1]);
	return strcmp(name, two) ? 0 : 2;
}

static const struct hf_inject_command *find_command(struct parse *parse)
{
	for (size_t i = 0; i < hf_inject_num_commands; i++) {
		const struct hf_inject_command *command =
			&hf_inject_commands[i];
		size_t n = matches(command->name, parse->words, parse->n);

		if (!n)
			continue;
		parse->words += n;
		parse->n -= n;
		return command;
	}
	return NULL;
}

static int parse_args(struct parse *parse,
		      const struct hf_inject_command *command)
{
	int ret = 0;

	parse->inject->command = command;
	parse->inject->n = command->n;
	parse->inject->permille = 1000;
	for (const char *arg = command->args; !ret && *arg; arg++) {
		if (!parse->n && !is_optional(*arg))
			return hf_inject_why(parse->why, -EINVAL,
					     "%s needs %s", command->name,
					     command->usage);
		ret = parse_arg(parse, *arg);
	}
	if (!ret && parse->n)
		return hf_inject_why(parse->why, -EINVAL,
				     "%s does not know %s", command->name,
				     *parse->words);
	return ret;
}

int hf_inject_parse(struct hf_inject *inject, const char *const *words,
		    size_t n, char why[HF_INJECT_WHY])
{
	struct parse parse = { words, n, inject, why };
	const struct hf_inject_command *command = find_command(&parse);
	int ret;

	memset(inject, 0, sizeof(*inject));
	hf_inject_why(why, 0, "%s", strerror(ENOMEM));
	if (!n)
		return hf_inject_why(why, -EINVAL, "no command");
	if (!command)
		return hf_inject_why(why, -EINVAL, "%s: no such command",
				     words[0]);
	ret = parse_args(&parse, command);
	if (ret)
		hf_inject_finish(inject);
	return ret;
}

int hf_inject_load(struct hf_inject *inject, char why[HF_INJECT_WHY])
{
	ssize_t n;
	int fd;

	if (!inject->file)
		return 0;
	inject->edid = malloc(MAX_EDID);
	if (!inject->edid)
		return hf_inject_why(why, -ENOMEM, "%s", strerror(ENOMEM));
	fd = open(inject->file, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, inject->edid, MAX_EDID);
	if (n < 0)
		hf_inject_why(why, 0, "%s: %s", inject->file, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -ENOENT;
	inject->edid_size = n;
	if (!hf_edid_size(inject->edid, n))
		return hf_inject_why(why, -EINVAL, "%s: not an EDID",
				     inject->file);
	return 0;
}

void hf_inject_finish(struct hf_inject *inject)
{
	hf_output_finish(&inject->output);
	inject->output = (struct hf_kms_output){ 0 };
	for (size_t i = 0; i < inject->nwords; i++)
		free(inject->words[i]);
	free(inject->words);
	inject->words = NULL;
	inject->nwords = 0;
	free(inject->modes);
	free(inject->file);
	free(inject->edid);
	inject->modes = NULL;
	inject->file = NULL;
	inject->edid = NULL;
}
