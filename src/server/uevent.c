/* SPDX-License-Identifier: MIT */
/*
 * Uevents, made of the tree of paths: what a device's own `uevent` file says, and
 * for the udev daemon's form of a message also what its database has.
 *
 * What happens is only noted, under the lock, by whatever thread. The main thread
 * sends it when the tree of paths shows it, so that whoever hears of a change sees
 * it. What is gone by then is looked up in the tree before.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/log.h"
#include "base/probe.h"
#include "server/monitor.h"
#include "server/server.h"
#include "server/uevent.h"
#include "uapi/tree.h"

#define UUID_LENGTH 36

/* -- text ------------------------------------------------------------------ */

/* A message in the making, or a list of "KEY=VALUE": strings, each with its NUL. */
struct text {
	char *s;
	size_t size, max;
	bool full;
};

__attribute__((format(printf, 2, 3)))
static void add(struct text *text, const char *format, ...)
{
	size_t left = text->max - text->size;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text->s + text->size, left, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= left)
		text->full = true;
	else
		text->size += (size_t)n + 1;
}

/* The last string goes on with this. */
static void append(struct text *text, const char *s, size_t length)
{
	if (length >= text->max - text->size) {
		text->full = true;
		return;
	}
	text->size--;
	memcpy(text->s + text->size, s, length);
	text->size += length;
	text->s[text->size++] = '\0';
}

/* -- a device in the tree ---------------------------------------------------- */

static const char *file_text(const struct hf_tree *tree, const char *dir,
			     const char *name)
{
	char path[HF_TREE_PATH_MAX + 1];
	const struct hf_tree_node *node;

	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return NULL;
	node = hf_tree_find(tree, path);
	return node ? hf_tree_data(tree, node) : NULL;
}

/* A device says what it belongs to by a link; a driver has none. */
static const char *subsystem_of(const struct hf_tree *tree, const char *dir)
{
	const char *target = file_text(tree, dir, "subsystem");
	const char *slash = target ? strrchr(target, '/') : NULL;

	return slash ? slash + 1 : target ? target : "drivers";
}

/* The value behind "key" in a file of lines, or NULL. */
static const char *value_of(const char *lines, const char *key, size_t *length)
{
	size_t n = strlen(key);

	for (; lines && *lines; lines += strcspn(lines, "\n"),
				lines += *lines == '\n') {
		if (strncmp(lines, key, n))
			continue;
		*length = strcspn(lines + n, "\n");
		return lines + n;
	}
	return NULL;
}

/* What udev's database has of a device: by its number, else by its name. */
static const char *record_of(const struct hf_tree *tree, const char *dir,
			     const char *uevent)
{
	size_t major_length, minor_length;
	const char *major = value_of(uevent, "MAJOR=", &major_length);
	const char *minor = value_of(uevent, "MINOR=", &minor_length);
	char id[HF_TREE_PATH_MAX + 1];

	if (major && minor)
		snprintf(id, sizeof(id), "c%.*s:%.*s", (int)major_length, major,
			 (int)minor_length, minor);
	else
		snprintf(id, sizeof(id), "+%s:%s", subsystem_of(tree, dir),
			 strrchr(dir, '/') + 1);
	return file_text(tree, "/run/udev/data", id);
}

/* -- messages -------------------------------------------------------------- */

static const char *devpath(const struct hf_uevent *event)
{
	return event->dir + strlen("/sys");
}

/* What both forms begin with. */
static void add_action(struct text *text, const struct hf_tree *tree,
		       const struct hf_uevent *event)
{
	add(text, "ACTION=%s", event->action);
	add(text, "DEVPATH=%s", devpath(event));
	add(text, "SUBSYSTEM=%s", subsystem_of(tree, event->dir));
	for (const char *s = event->extra; *s; s += strlen(s) + 1)
		add(text, "%s", s);
}

/* Each line a string; with the names of nodes as udev has them, if need be. */
static void add_lines(struct text *text, const char *lines, bool udev)
{
	static const char node[] = "DEVNAME=";
	size_t skip = sizeof(node) - 1;

	while (*lines) {
		size_t length = strcspn(lines, "\n");

		if (udev && length > skip && strncmp(lines, node, skip) == 0)
			add(text, "DEVNAME=/dev/%.*s", (int)(length - skip),
			    lines + skip);
		else if (length)
			add(text, "%.*s", (int)length, lines);
		lines += length + (lines[length] == '\n');
	}
}

int hf_uevent_kernel(const struct hf_tree *tree, const struct hf_uevent *event,
		     char message[HF_UEVENT_MAX])
{
	struct text text = { .s = message, .max = HF_UEVENT_MAX };
	const char *uevent = file_text(tree, event->dir, "uevent");

	if (!uevent)
		return -ENOENT;
	add(&text, "%s@%s", event->action, devpath(event));
	add_action(&text, tree, event);
	add_lines(&text, uevent, false);
	add(&text, "SEQNUM=%llu", (unsigned long long)event->seqnum);
	return text.full ? -E2BIG : (int)text.size;
}

/* MurmurHash2 by Austin Appleby, who gave it to the public: what libudev has its
 * packets filtered by. */
static uint32_t hash(const char *s, size_t length)
{
	const uint32_t m = 0x5bd1e995;
	uint32_t h = (uint32_t)length;

	for (; length >= 4; length -= 4, s += 4) {
		uint32_t k;

		memcpy(&k, s, sizeof(k));
		k *= m;
		k ^= k >> 24;
		h = h * m ^ k * m;
	}
	if (length) {
		uint32_t k = 0;

		memcpy(&k, s, length);
		h = (h ^ k) * m;
	}
	h = (h ^ h >> 13) * m;
	return h ^ h >> 15;
}

static uint64_t bloom(const char *s, size_t length)
{
	uint32_t h = hash(s, length);

	return 1ull << (h & 63) | 1ull << (h >> 6 & 63) |
	       1ull << (h >> 12 & 63) | 1ull << (h >> 18 & 63);
}

/* In front of the strings; numbers of the header are in network order where libudev's
 * filters look at them. */
struct udev_header {
	char prefix[8];
	uint32_t magic;
	uint32_t header_size, properties_off, properties_len;
	uint32_t subsystem_hash, devtype_hash;
	uint32_t tag_bloom_hi, tag_bloom_lo;
};

/* All lines of a kind, in one string: "KEY=:a:b:". Return: a bloom filter of them. */
static uint64_t add_list(struct text *text, const char *record, const char *kind,
			 const char *key, const char *before,
			 const char *between)
{
	const char *value;
	uint64_t bits = 0;
	size_t length;

	value = value_of(record, kind, &length);
	if (!value)
		return 0;
	add(text, "%s%s", key, between[0] == ':' ? ":" : "");
	for (bool first = true; value;
	     value = value_of(value, kind, &length), first = false) {
		if (!first && between[0] != ':')
			append(text, between, strlen(between));
		append(text, before, strlen(before));
		append(text, value, length);
		if (between[0] == ':')
			append(text, between, strlen(between));
		bits |= bloom(value, length);
	}
	return bits;
}

/* What the database has of it. Return: the bloom filter of its tags. */
static uint64_t add_record(struct text *text, const char *record)
{
	size_t length;
	const char *value = value_of(record, "I:", &length);
	uint64_t tags;

	add(text, "USEC_INITIALIZED=%.*s", value ? (int)length : 1,
	    value ? value : "1");
	for (value = value_of(record, "E:", &length); value;
	     value = value_of(value, "E:", &length))
		add(text, "%.*s", (int)length, value);
	add_list(text, record, "S:", "DEVLINKS=", "/dev/", " ");
	tags = add_list(text, record, "G:", "TAGS=", "", ":");
	add_list(text, record, "Q:", "CURRENT_TAGS=", "", ":");
	return tags;
}

int hf_uevent_udev(const struct hf_tree *tree, const struct hf_uevent *event,
		   char message[HF_UEVENT_MAX])
{
	struct udev_header header = {
		.prefix = "libudev",
		.magic = htonl(0xfeedcafe),
		.header_size = sizeof(header),
		.properties_off = sizeof(header),
	};
	struct text text = {
		.s = message,
		.size = sizeof(header),
		.max = HF_UEVENT_MAX,
	};
	const char *uevent = file_text(tree, event->dir, "uevent");
	const char *subsystem, *devtype;
	uint64_t tags;
	size_t length;

	if (!uevent)
		return -ENOENT;
	add_action(&text, tree, event);
	add_lines(&text, uevent, true);
	add(&text, "SEQNUM=%llu", (unsigned long long)event->seqnum);
	tags = add_record(&text, record_of(tree, event->dir, uevent));
	if (text.full)
		return -E2BIG;

	subsystem = subsystem_of(tree, event->dir);
	devtype = value_of(uevent, "DEVTYPE=", &length);
	header.properties_len = (uint32_t)(text.size - sizeof(header));
	header.subsystem_hash = htonl(hash(subsystem, strlen(subsystem)));
	if (devtype)
		header.devtype_hash = htonl(hash(devtype, length));
	header.tag_bloom_hi = htonl((uint32_t)(tags >> 32));
	header.tag_bloom_lo = htonl((uint32_t)tags);
	memcpy(message, &header, sizeof(header));
	return (int)text.size;
}

/* -- what has happened ------------------------------------------------------- */

/* Something of a device's directory, or of it and all below. */
struct pending {
	struct wl_list link;
	bool all;
	char dir[HF_TREE_PATH_MAX + 1];
	char action[16];
	char extra[]; /* strings, an empty one at the end */
};

/* Note it, to be sent when the tree is up to date. */
static int note(struct hf_system *sys, bool all, const char *dir,
		const char *action, const struct text *extra)
{
	struct pending *pending;

	if (!sys->uevents) /* the server ends */
		return 0;
	pending = calloc(1, sizeof(*pending) + extra->size + 1);
	if (!pending) {
		hf_warn("no memory for a uevent: it is lost");
		return -ENOMEM;
	}
	pending->all = all;
	snprintf(pending->dir, sizeof(pending->dir), "%s", dir);
	snprintf(pending->action, sizeof(pending->action), "%s", action);
	if (extra->size)
		memcpy(pending->extra, extra->s, extra->size);
	wl_list_insert(sys->uevents->pending.prev, &pending->link);
	eventfd_write(sys->changed_fd, 1);
	return 0;
}

static void primary_dir(const struct hf_device *dev, char *dir, size_t size)
{
	snprintf(dir, size, "/sys/devices/platform/%s/drm/card%d", dev->unique,
		 dev->primary_minor);
}

/* The uevent of a display: hf_kms_uevent(). */
static void display_changed(struct hf_kms_device *kms, const char *what,
			    const struct hf_connector *connector,
			    const struct hf_property *prop)
{
	struct hf_device *dev = wl_container_of(kms, dev, kms);
	char strings[128], dir[HF_TREE_PATH_MAX + 1];
	struct text extra = { .s = strings, .max = sizeof(strings) };

	add(&extra, "%s", what);
	if (connector)
		add(&extra, "CONNECTOR=%u", connector->base.id);
	if (connector && prop)
		add(&extra, "PROPERTY=%u", prop->base.id);
	primary_dir(dev, dir, sizeof(dir));
	note(dev->sys, false, dir, "change", &extra);
}

void hf_uevent_device(struct hf_server *server, const struct hf_device *dev,
		      const char *action)
{
	bool all = strcmp(action, "change") != 0;
	struct text none = { .size = 0 };
	char dir[HF_TREE_PATH_MAX + 1];

	if (all)
		snprintf(dir, sizeof(dir), "/sys/devices/platform/%s",
			 dev->unique);
	else
		primary_dir(dev, dir, sizeof(dir));
	hf_probe(uevent, &dev->kms, action, NULL, NULL);
	note(server->sys, all, dir, action, &none);
}

void hf_uevent_below(struct hf_server *server, const char *dir,
		     const char *action)
{
	struct text none = { .size = 0 };

	note(server->sys, true, dir, action, &none);
}

/* -- events that somebody asks for ------------------------------------------- */

/* "6a35c1c0-..." */
static bool is_uuid(const char *s)
{
	for (int i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !isxdigit((unsigned char)s[i]))
			return false;
	}
	return true;
}

static size_t alphanumerics(const char *s)
{
	size_t n = 0;

	while (isalnum((unsigned char)s[n]))
		n++;
	return n;
}

/* What comes behind the action: " UUID KEY=VALUE ...". */
static int parse_arguments(const char *s, struct text *extra)
{
	if (!is_uuid(s + 1))
		return -EINVAL;
	add(extra, "SYNTH_UUID=%.*s", UUID_LENGTH, s + 1);
	s += 1 + UUID_LENGTH;
	while (*s == ' ') {
		size_t key = alphanumerics(++s), value;

		if (!key || s[key] != '=')
			return -EINVAL;
		value = alphanumerics(s + key + 1);
		if (!value)
			return -EINVAL;
		add(extra, "SYNTH_ARG_%.*s", (int)(key + 1 + value), s);
		s += key + 1 + value;
	}
	return *s ? -EINVAL : extra->full ? -ENOMEM : 0;
}

int hf_uevent_synthesize(struct hf_server *server, const char *dir,
			 const char *text)
{
	static const char *const actions[] = {
		"add", "remove", "change", "move", "online", "offline", "bind",
		"unbind",
	};
	char copy[HF_WIRE_WRITE_MAX + 1], strings[2048];
	struct text extra = { .s = strings, .max = sizeof(strings) };
	size_t length = strlen(text), word;
	int ret = 0;

	if (length > HF_WIRE_WRITE_MAX)
		return -EINVAL;
	strcpy(copy, text);
	if (length && copy[length - 1] == '\n')
		copy[--length] = '\0';
	word = strcspn(copy, " ");
	if (copy[word])
		ret = parse_arguments(copy + word, &extra);
	else
		add(&extra, "SYNTH_UUID=0");
	if (ret)
		return ret;
	copy[word] = '\0';
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(copy, actions[i]) == 0)
			return note(server->sys, false, dir, copy, &extra);
	return -EINVAL;
}

/* -- sending --------------------------------------------------------------- */

/* Is there a file `uevent` below, and in which directory? */
static bool has_uevent(const char *path, const char *dir,
		       char found[HF_TREE_PATH_MAX + 1])
{
	size_t length = strlen(dir);
	const char *name = strrchr(path, '/');

	if (strncmp(path, dir, length) || path[length] != '/' ||
	    strcmp(name, "/uevent"))
		return false;
	snprintf(found, HF_TREE_PATH_MAX + 1, "%.*s", (int)(name - path), path);
	return true;
}

static bool send_one(struct hf_server *server, const struct hf_tree *tree,
		     const struct hf_uevent *event)
{
	char message[HF_UEVENT_MAX];
	int n = hf_uevent_kernel(tree, event, message);

	if (n == -ENOENT)
		return false;
	if (n > 0)
		hf_monitors_send(&server->monitors, HF_MONITOR_KERNEL, message,
				 (size_t)n);
	if (n > 0)
		n = hf_uevent_udev(tree, event, message);
	if (n > 0)
		hf_monitors_send(&server->monitors, HF_MONITOR_UDEV, message,
				 (size_t)n);
	if (n < 0)
		hf_warn("%s: a uevent is too long and was not sent", event->dir);
	return true;
}

/*
 * A device and all below it. The tree has what is below first, and connectors before
 * cards before render nodes: the order in which the kernel takes them away, and the
 * opposite of that in which it adds them.
 */
static bool send_all(struct hf_server *server, const struct hf_tree *tree,
		     struct hf_uevent *event, const char *dir)
{
	bool add = strcmp(event->action, "add") == 0, any = false;
	char found[HF_TREE_PATH_MAX + 1];

	event->dir = found;
	for (uint32_t i = 0; i < tree->n_nodes; i++) {
		uint32_t at = add ? tree->n_nodes - 1 - i : i;
		const struct hf_tree_node *node = &hf_tree_nodes(tree)[at];

		if (!has_uevent(hf_tree_path(tree, node), dir, found))
			continue;
		event->seqnum = ++server->uevents.seqnum;
		any |= send_one(server, tree, event);
	}
	return any;
}

static bool send_pending(struct hf_server *server, const struct hf_tree *tree,
			 const struct pending *pending)
{
	struct hf_uevent event = {
		.dir = pending->dir,
		.action = pending->action,
		.extra = pending->extra,
	};

	if (!tree)
		return false;
	if (pending->all)
		return send_all(server, tree, &event, pending->dir);
	event.seqnum = server->uevents.seqnum + 1;
	if (!send_one(server, tree, &event))
		return false;
	server->uevents.seqnum++;
	return true;
}

void hf_uevents_flush(struct hf_server *server)
{
	struct pending *pending, *next;

	wl_list_for_each_safe(pending, next, &server->uevents.pending, link) {
		bool gone = strcmp(pending->action, "remove") == 0;
		const struct hf_tree *first = gone ? server->old_tree :
						     server->tree;
		const struct hf_tree *other = gone ? server->tree :
						     server->old_tree;

		if (!send_pending(server, first, pending))
			send_pending(server, other, pending);
		wl_list_remove(&pending->link);
		free(pending);
	}
}

/* Numbers go on from the kernel's: they are all the same sequence to a reader. */
static uint64_t kernel_seqnum(void)
{
	FILE *f = fopen("/sys/kernel/uevent_seqnum", "re");
	unsigned long long n = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

void hf_uevents_init(struct hf_server *server)
{
	wl_list_init(&server->uevents.pending);
	server->uevents.seqnum = kernel_seqnum();
	server->sys->uevents = &server->uevents;
}

void hf_uevents_follow(struct hf_device *dev)
{
	dev->kms.uevent = display_changed;
}

void hf_uevents_finish(struct hf_server *server)
{
	struct pending *pending, *next;

	if (!server->sys || !server->sys->uevents)
		return;
	server->sys->uevents = NULL;
	wl_list_for_each_safe(pending, next, &server->uevents.pending, link) {
		wl_list_remove(&pending->link);
		free(pending);
	}
}
