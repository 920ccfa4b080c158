/* SPDX-License-Identifier: MIT */
/*
 * Scenario files. See the header.
 *
 * An event waits for its time in one of three ways: a timer, a vblank of a CRTC, or
 * a look at each frame that is shown. When it comes the event is only noted, since
 * that is in the middle of something; it happens in hf_scenario_settle(), in the
 * order in which events became due.
 *
 * The system's lock protects it from hf_scenario_start() on.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "server/inject_parse.h"
#include "server/scenario.h"

#define MAX_WORDS 256

enum when { AT_TIME, AFTER_COMMIT, AT_FRAME, AT_VBLANK };

/**
 * struct event - A line.
 * @link: hf_scenario.events, or .due
 * @text: the command as it was written
 * @at: nanoseconds, or a number of frames or vblanks
 * @crtc: index
 */
struct event {
	struct wl_list link;
	struct hf_scenario *scenario;
	unsigned int line;
	enum when when;
	uint64_t at;
	uint32_t crtc;
	char *text;
	struct hf_inject inject;
	struct hf_timer timer;
	struct hf_vblank_wait wait;
	bool waits; /* wait is in a CRTC's list */
};

/**
 * struct hf_scenario - A file.
 * @server: NULL: it was not started
 * @start: when it was
 * @committed: something was shown since
 */
struct hf_scenario {
	char *path;
	struct wl_list events, due;
	struct hf_server *server;
	struct hf_kms_device *kms;
	struct hf_kms_watch watch;
	uint64_t start;
	bool committed, settling;
};

/* -- reading ------------------------------------------------------------------- */

/* What a line is made of. */
struct line {
	const char *path;
	unsigned int number;
	const char *words[MAX_WORDS];
	size_t n, next;
	char *why;
};

static int mistake(const struct line *line, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static int mistake(const struct line *line, const char *fmt, ...)
{
	char text[HF_INJECT_WHY];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(line->why, HF_SCENARIO_WHY, "%.200s:%u: %s", line->path,
		 line->number, text);
	return -EINVAL;
}

/* Cut a line up at blanks, in place; what is in quotation marks is one word. */
static int split(struct line *line, char *text)
{
	static const char blanks[] = " \t\r\n";

	for (;;) {
		const char *ends = blanks;

		text += strspn(text, blanks);
		if (!*text || *text == '#')
			return 0;
		if (line->n == MAX_WORDS)
			return mistake(line, "too many words");
		if (*text == '"') {
			text++;
			ends = "\"";
		}
		line->words[line->n++] = text;
		text += strcspn(text, ends);
		if (*ends == '"' && !*text)
			return mistake(line, "a quotation mark is missing");
		if (*text)
			*text++ = 0;
	}
}

static bool next_word(struct line *line, const char *word)
{
	if (line->next == line->n || strcmp(line->words[line->next], word))
		return false;
	line->next++;
	return true;
}

static int next_number(struct line *line, uint64_t *number)
{
	const char *word;
	char *end;

	if (line->next == line->n)
		return mistake(line, "a number is missing");
	word = line->words[line->next++];
	errno = 0;
	*number = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno)
		return mistake(line, "%s: not a number", word);
	return 0;
}

static int read_crtc(struct line *line, struct event *event)
{
	uint64_t crtc = 0;
	int ret = 0;

	if (next_word(line, "crtc"))
		ret = next_number(line, &crtc);
	if (!ret && crtc >= HF_KMS_MAX_CRTCS)
		return mistake(line, "there is no CRTC %lu", crtc);
	event->crtc = crtc;
	return ret;
}

static int read_count(struct line *line, struct event *event, enum when when)
{
	int ret = next_number(line, &event->at);

	event->when = when;
	return ret ? ret : read_crtc(line, event);
}

static int read_time(struct line *line, struct event *event)
{
	const char *word;

	if (line->next == line->n)
		return mistake(line, "at needs a time, a frame or a vblank");
	word = line->words[line->next++];
	if (hf_duration_parse(word, &event->at))
		return mistake(line, "%s: not a duration such as 1.5s", word);
	if (!next_word(line, "after"))
		return 0;
	if (!next_word(line, "first") || !next_word(line, "commit"))
		return mistake(line, "after what? (first commit)");
	event->when = AFTER_COMMIT;
	return 0;
}

static int read_when(struct line *line, struct event *event)
{
	if (!next_word(line, "at"))
		return mistake(line, "a line begins with at, not with %s",
			       line->words[0]);
	if (next_word(line, "frame"))
		return read_count(line, event, AT_FRAME);
	if (next_word(line, "vblank"))
		return read_count(line, event, AT_VBLANK);
	return read_time(line, event);
}

static int read_command(struct line *line, struct event *event)
{
	char why[HF_INJECT_WHY];
	size_t size = 1;
	int ret;

	ret = hf_inject_parse(&event->inject, line->words + line->next,
			      line->n - line->next, why);
	if (!ret)
		ret = hf_inject_load(&event->inject, why);
	if (ret)
		return mistake(line, "%s", why);
	if (event->inject.command->flags & HF_INJECT_NOW)
		return mistake(line, "%s has no place in a scenario",
			       event->inject.command->name);
	for (size_t i = line->next; i < line->n; i++)
		size += strlen(line->words[i]) + 1;
	event->text = calloc(1, size);
	if (!event->text)
		return mistake(line, "%s", strerror(ENOMEM));
	for (size_t i = line->next; i < line->n; i++) {
		strcat(event->text, i > line->next ? " " : "");
		strcat(event->text, line->words[i]);
	}
	return 0;
}

static void event_destroy(struct event *event)
{
	wl_list_remove(&event->link);
	hf_inject_finish(&event->inject);
	free(event->text);
	free(event);
}

static int read_line(struct hf_scenario *scenario, struct line *line,
		     char *text)
{
	struct event *event;
	int ret = split(line, text);

	if (ret || !line->n)
		return ret;
	event = calloc(1, sizeof(*event));
	if (!event)
		return mistake(line, "%s", strerror(ENOMEM));
	event->scenario = scenario;
	event->line = line->number;
	wl_list_insert(scenario->events.prev, &event->link);
	ret = read_when(line, event);
	return ret ? ret : read_command(line, event);
}

static int read_file(struct hf_scenario *scenario, FILE *file, char *why)
{
	struct line line = { .path = scenario->path, .why = why };
	char *text = NULL;
	size_t size = 0;
	int ret = 0;

	while (!ret && getline(&text, &size, file) >= 0) {
		line.number++;
		line.n = line.next = 0;
		ret = read_line(scenario, &line, text);
	}
	if (!ret && !feof(file)) {
		ret = -EINVAL;
		snprintf(why, HF_SCENARIO_WHY, "%.400s: %s", scenario->path,
			 strerror(errno));
	}
	free(text);
	return ret;
}

struct hf_scenario *hf_scenario_load(const char *path,
				     char why[HF_SCENARIO_WHY])
{
	struct hf_scenario *scenario = calloc(1, sizeof(*scenario));
	FILE *file = fopen(path, "re");
	int ret = -EINVAL;

	snprintf(why, HF_SCENARIO_WHY, "%.400s: %s", path,
		 strerror(file ? ENOMEM : errno));
	if (scenario) {
		wl_list_init(&scenario->events);
		wl_list_init(&scenario->due);
		wl_list_init(&scenario->watch.link);
		scenario->path = strdup(path);
	}
	if (file && scenario && scenario->path)
		ret = read_file(scenario, file, why);
	if (file)
		fclose(file);
	if (!ret)
		return scenario;
	hf_scenario_destroy(scenario);
	errno = -ret;
	return NULL;
}

/* -- waiting --------------------------------------------------------------------- */

static void is_due(struct event *event)
{
	wl_list_remove(&event->link);
	wl_list_insert(event->scenario->due.prev, &event->link);
}

static void time_came(struct hf_timer *timer)
{
	struct event *event = wl_container_of(timer, event, timer);

	is_due(event);
}

static void arm(struct event *event, uint64_t from)
{
	struct hf_clock *clock = event->scenario->server->sys->clock;
	uint64_t at;

	if (__builtin_add_overflow(from, event->at, &at))
		at = UINT64_MAX;
	event->timer.fn = time_came;
	hf_timer_arm(clock, &event->timer, at);
}

/* Or the CRTC was switched off: then it waits for the next that is shown there. */
static void vblank_came(struct hf_vblank_wait *wait)
{
	struct event *event = wl_container_of(wait, event, wait);
	struct hf_crtc *crtc = event->scenario->kms->crtcs[event->crtc];

	event->waits = false;
	if (hf_vblank_count(crtc, NULL) >= event->at)
		is_due(event);
}

static void wait_for_vblank(struct event *event, struct hf_crtc *crtc)
{
	if (event->waits || !crtc->vblank.on)
		return;
	event->waits = true;
	event->wait.sequence = event->at;
	event->wait.done = vblank_came;
	hf_vblank_wait_add(crtc, &event->wait);
}

static void shown(struct hf_kms_watch *watch, struct hf_crtc *crtc, uint64_t ns)
{
	struct hf_scenario *scenario = wl_container_of(watch, scenario, watch);
	bool first = !scenario->committed;
	struct event *event, *next;

	scenario->committed = true;
	wl_list_for_each_safe(event, next, &scenario->events, link) {
		if (first && event->when == AFTER_COMMIT)
			arm(event, ns);
		if (event->crtc != crtc->index)
			continue;
		if (event->when == AT_FRAME && crtc->frames >= event->at)
			is_due(event);
		else if (event->when == AT_VBLANK)
			wait_for_vblank(event, crtc);
	}
}

/* -- happening --------------------------------------------------------------------- */

static void happen(struct event *event)
{
	struct hf_scenario *scenario = event->scenario;
	uint64_t ns = hf_clock_now(scenario->server->sys->clock) -
		      scenario->start;
	char why[HF_INJECT_WHY];

	hf_info("%s:%u: at %lu.%09lus: %s", scenario->path, event->line,
		ns / HF_NSEC_PER_SEC, ns % HF_NSEC_PER_SEC, event->text);
	if (hf_inject_apply(scenario->server, &event->inject, why))
		hf_warn("%s:%u: %s", scenario->path, event->line, why);
}

void hf_scenario_settle(struct hf_scenario *scenario)
{
	if (!scenario || wl_list_empty(&scenario->due) || scenario->settling)
		return;
	scenario->settling = true;
	while (!wl_list_empty(&scenario->due)) {
		struct event *event =
			wl_container_of(scenario->due.next, event, link);

		happen(event);
		event_destroy(event);
	}
	scenario->settling = false;
}

/* -- life ---------------------------------------------------------------------------- */

static int check(const struct hf_scenario *scenario, struct hf_server *server,
		 char why[HF_SCENARIO_WHY])
{
	char reason[HF_INJECT_WHY];
	struct event *event;
	int ret = 0;

	wl_list_for_each(event, &scenario->events, link) {
		if (event->crtc >= server->dev->kms.num_crtcs)
			ret = snprintf(reason, sizeof(reason),
				       "there is no CRTC %u", event->crtc);
		else
			ret = hf_inject_check(server, &event->inject, reason);
		if (!ret)
			continue;
		snprintf(why, HF_SCENARIO_WHY, "%.200s:%u: %s", scenario->path,
			 event->line, reason);
		return ret < 0 ? ret : -ENOENT;
	}
	return 0;
}

int hf_scenario_start(struct hf_scenario *scenario, struct hf_server *server,
		      char why[HF_SCENARIO_WHY])
{
	struct event *event, *next;
	int ret;

	pthread_mutex_lock(&server->sys->lock);
	ret = check(scenario, server, why);
	if (!ret) {
		scenario->server = server;
		scenario->kms = &server->dev->kms;
		scenario->start = hf_clock_now(server->sys->clock);
		scenario->watch.shown = shown;
		wl_list_insert(scenario->kms->watches.prev,
			       &scenario->watch.link);
		wl_list_for_each_safe(event, next, &scenario->events, link)
			if (event->when == AT_TIME)
				arm(event, scenario->start);
	}
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

void hf_scenario_follow(struct hf_scenario *scenario, struct hf_kms_device *kms)
{
	if (!scenario)
		return;
	wl_list_remove(&scenario->watch.link);
	wl_list_insert(kms->watches.prev, &scenario->watch.link);
	scenario->kms = kms;
}

static void stop(struct hf_scenario *scenario)
{
	struct hf_system *sys = scenario->server->sys;
	struct event *event;

	pthread_mutex_lock(&sys->lock);
	wl_list_remove(&scenario->watch.link);
	wl_list_for_each(event, &scenario->events, link) {
		hf_timer_disarm(sys->clock, &event->timer);
		if (event->waits)
			hf_vblank_wait_remove(&event->wait);
	}
	pthread_mutex_unlock(&sys->lock);
}

void hf_scenario_destroy(struct hf_scenario *scenario)
{
	struct event *event, *next;

	if (!scenario)
		return;
	if (scenario->server)
		stop(scenario);
	wl_list_for_each_safe(event, next, &scenario->events, link)
		event_destroy(event);
	wl_list_for_each_safe(event, next, &scenario->due, link)
		event_destroy(event);
	free(scenario->path);
	free(scenario);
}
