/* SPDX-License-Identifier: MIT */
/*
 * Lays out the paths of the seat's input devices: each is a platform device, which has
 * an input device, which has an event node. And what udev's rules find out about them,
 * from the bits of what they have.
 *
 * No state: what it makes is in the builder. The system's lock is held.
 */
#include <stdio.h>
#include <string.h>

#include "seat/input.h"
#include "server/build.h"
#include "server/sysfs_input.h"

/* As an attribute says it: words from the highest one on that is not zero. */
#define BITS_MAX ((KEY_CNT / 64) * 17 + 1)

struct bits {
	char s[BITS_MAX];
};

static struct bits print_bits(const uint64_t *bits, unsigned int nwords)
{
	struct bits text = { "0" };
	size_t used = 0;

	while (nwords && !bits[nwords - 1])
		nwords--;
	while (nwords--)
		used += (size_t)snprintf(text.s + used, sizeof(text.s) - used,
					 used ? " %lx" : "%lx", bits[nwords]);
	return text;
}

/* What a device has, by type. */
struct set {
	const char *name, *property;
	char letter; /* in the modalias */
	unsigned int first; /* that is listed there */
	const uint64_t *bits;
	unsigned int count, type;
};

#define SETS 9

static void sets_of(const struct hf_input_info *info, struct set sets[SETS])
{
	const struct set all[SETS] = {
		{ "ev", "EV", 'e', 0, &info->ev, EV_CNT, EV_SYN },
		{ "key", "KEY", 'k', KEY_MIN_INTERESTING, info->key, KEY_CNT,
		  EV_KEY },
		{ "rel", "REL", 'r', 0, &info->rel, REL_CNT, EV_REL },
		{ "abs", "ABS", 'a', 0, &info->abs, ABS_CNT, EV_ABS },
		{ "msc", "MSC", 'm', 0, &info->msc, MSC_CNT, EV_MSC },
		{ "led", "LED", 'l', 0, &info->led, LED_CNT, EV_LED },
		{ "snd", "SND", 's', 0, &info->snd, SND_CNT, EV_SND },
		{ "ff", "FF", 'f', 0, &info->ff, 64, EV_FF },
		{ "sw", "SW", 'w', 0, &info->sw, SW_CNT, EV_SW },
	};

	memcpy(sets, all, sizeof(all));
}

struct modalias {
	char s[2048];
};

static struct modalias print_modalias(const struct hf_input_info *info,
				      const struct set sets[SETS])
{
	struct modalias text;
	size_t size = sizeof(text.s), used;

	used = (size_t)snprintf(text.s, size, "input:b%04Xv%04Xp%04Xe%04X-",
				info->id.bustype, info->id.vendor,
				info->id.product, info->id.version);
	for (unsigned int i = 0; i < SETS; i++) {
		const struct set *set = &sets[i];

		used += (size_t)snprintf(text.s + used, size - used, "%c",
					 set->letter);
		for (unsigned int n = set->first; n < set->count; n++)
			if (set->bits[n / 64] >> n % 64 & 1 &&
			    used + 8 < size)
				used += (size_t)snprintf(text.s + used,
							 size - used, "%X,", n);
	}
	return text;
}

static void add_power(struct hf_builder *b, const char *device)
{
	struct hf_build_path dir = hf_build_path(b, "%s/power", device);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "control", HF_BUILD_RW, "auto\n");
	hf_build_attr(b, dir.s, "runtime_status", HF_BUILD_RO, "unsupported\n");
}

static void add_id(struct hf_builder *b, const char *device,
		   const struct hf_input_info *info)
{
	struct hf_build_path dir = hf_build_path(b, "%s/id", device);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "bustype", HF_BUILD_RO, "%04x\n",
		      info->id.bustype);
	hf_build_attr(b, dir.s, "product", HF_BUILD_RO, "%04x\n",
		      info->id.product);
	hf_build_attr(b, dir.s, "vendor", HF_BUILD_RO, "%04x\n",
		      info->id.vendor);
	hf_build_attr(b, dir.s, "version", HF_BUILD_RO, "%04x\n",
		      info->id.version);
}

static void add_capabilities(struct hf_builder *b, const char *device,
			     const struct set sets[SETS])
{
	struct hf_build_path dir = hf_build_path(b, "%s/capabilities", device);

	hf_build_dir(b, dir.s);
	for (unsigned int i = 0; i < SETS; i++)
		hf_build_attr(b, dir.s, sets[i].name, HF_BUILD_RO, "%s\n",
			      print_bits(sets[i].bits,
					 (sets[i].count + 63) / 64).s);
}

/* The lines of an input device's uevent; the kernel leaves out what it has not. */
static void add_uevent(struct hf_builder *b, const char *device,
		       const struct hf_input_info *info,
		       const struct set sets[SETS])
{
	char text[3072];
	size_t used, size = sizeof(text);

	used = (size_t)snprintf(text, size,
				"PRODUCT=%x/%x/%x/%x\nNAME=\"%s\"\nPHYS=\"%s\"\n"
				"PROP=%s\n",
				info->id.bustype, info->id.vendor,
				info->id.product, info->id.version, info->name,
				info->phys, print_bits(&info->prop, 1).s);
	for (unsigned int i = 0; i < SETS; i++)
		if (!i || info->ev >> sets[i].type & 1)
			used += (size_t)snprintf(
				text + used, size - used, "%s=%s\n",
				sets[i].property,
				print_bits(sets[i].bits,
					   (sets[i].count + 63) / 64).s);
	hf_build_store(b, device, "uevent", "%sMODALIAS=%s\n", text,
		       print_modalias(info, sets).s);
}

/* -- udev ------------------------------------------------------------------ */

struct udev {
	const char *properties; /* lines of its record */
	const char *suffix;	/* of the link by path */
};

/* As udev's input_id finds it out. */
static struct udev classify(const struct hf_input_info *info)
{
	if (info->prop >> INPUT_PROP_DIRECT & 1)
		return (struct udev){ "E:ID_INPUT_TOUCHSCREEN=1\n", "event" };
	if (info->rel >> REL_X & 1 || info->abs >> ABS_X & 1)
		return (struct udev){ "E:ID_INPUT_MOUSE=1\n", "event-mouse" };
	return (struct udev){ "E:ID_INPUT_KEY=1\nE:ID_INPUT_KEYBOARD=1\n",
			      "event-kbd" };
}

static bool is_keyboard(const struct hf_input_info *info)
{
	return info->ev >> EV_REP & 1;
}

static void add_tag(struct hf_builder *b, const char *tag, const char *id)
{
	struct hf_build_path dir = hf_build_path(b, "/run/udev/tags/%s", tag);

	hf_build_attr(b, dir.s, id, HF_BUILD_RW, "%s", "");
}

static void add_records(struct hf_builder *b, const struct hf_input_info *info,
			unsigned int n)
{
	struct hf_build_path input = hf_build_path(b, "+input:input%u", n);
	struct hf_build_path event = hf_build_path(b, "c%d:%u", HF_INPUT_MAJOR,
						   HF_INPUT_MINOR + n);
	struct hf_build_path path = hf_build_path(
		b, "E:ID_PATH=platform-holdfast-input.%u\n"
		   "E:ID_PATH_TAG=platform-holdfast-input_%u\n", n, n);
	struct udev udev = classify(info);

	hf_build_attr(b, "/run/udev/data", input.s, HF_BUILD_RW,
		      "I:1\nE:ID_INPUT=1\n%s%s"
		      "E:ID_FOR_SEAT=input-platform-holdfast-input_%u\n"
		      "G:seat\nQ:seat\nV:1\n", udev.properties, path.s, n);
	add_tag(b, "seat", input.s);
	hf_build_attr(b, "/run/udev/data", event.s, HF_BUILD_RW,
		      "S:input/by-path/platform-holdfast-input.%u-%s\n"
		      "I:1\nE:ID_INPUT=1\n%s%sE:ID_SERIAL=noserial\n"
		      "E:LIBINPUT_DEVICE_GROUP=%x/%x/%x:%.16s\n%sV:1\n", n,
		      udev.suffix, udev.properties, path.s, info->id.bustype,
		      info->id.vendor, info->id.product, info->phys,
		      is_keyboard(info) ? "G:power-switch\nQ:power-switch\n" :
					  "");
	if (is_keyboard(info))
		add_tag(b, "power-switch", event.s);
	hf_build_link(b, "/dev/input/by-path",
		      hf_build_path(b, "platform-holdfast-input.%u-%s", n,
				    udev.suffix).s, "../event%u", n);
}

/* -- devices --------------------------------------------------------------- */

static void add_node(struct hf_builder *b, unsigned int n, bool dev_char)
{
	struct hf_build_path path = hf_build_path(b, "/dev/input/event%u", n);
	struct hf_build_path number = hf_build_path(b, "%d:%u", HF_INPUT_MAJOR,
						    HF_INPUT_MINOR + n);
	struct hf_tree_node *node = hf_build_node(b, path.s, S_IFCHR | 0660);

	node->major = HF_INPUT_MAJOR;
	node->minor = HF_INPUT_MINOR + n;
	node->uid = b->uid;
	node->gid = b->gid;
	if (dev_char)
		hf_build_link(b, "/dev/char", number.s, "../input/event%u", n);
	hf_build_link(b, "/sys/dev/char", number.s,
		      "../../devices/platform/holdfast-input.%u/input/input%u/"
		      "event%u", n, n, n);
}

static void add_event(struct hf_builder *b, const char *input, unsigned int n)
{
	struct hf_build_path dir = hf_build_path(b, "%s/event%u", input, n);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "dev", HF_BUILD_RO, "%d:%u\n", HF_INPUT_MAJOR,
		      HF_INPUT_MINOR + n);
	hf_build_link(b, dir.s, "device", "../../input%u", n);
	add_power(b, dir.s);
	hf_build_link(b, dir.s, "subsystem", "../../../../../../class/input");
	hf_build_store(b, dir.s, "uevent",
		       "MAJOR=%d\nMINOR=%u\nDEVNAME=input/event%u\n",
		       HF_INPUT_MAJOR, HF_INPUT_MINOR + n, n);
	hf_build_link(b, "/sys/class/input", hf_build_path(b, "event%u", n).s,
		      "../../devices/platform/holdfast-input.%u/input/input%u/"
		      "event%u", n, n, n);
}

static void add_input(struct hf_builder *b, const char *parent,
		      const struct hf_input_info *info, unsigned int n)
{
	struct hf_build_path inputs = hf_build_path(b, "%s/input", parent);
	struct hf_build_path dir = hf_build_path(b, "%s/input%u", inputs.s, n);
	struct set sets[SETS];

	sets_of(info, sets);
	hf_build_dir(b, inputs.s);
	hf_build_dir(b, dir.s);
	add_capabilities(b, dir.s, sets);
	hf_build_link(b, dir.s, "device", "../../../holdfast-input.%u", n);
	add_id(b, dir.s, info);
	hf_build_attr(b, dir.s, "modalias", HF_BUILD_RO, "%s\n",
		      print_modalias(info, sets).s);
	hf_build_attr(b, dir.s, "name", HF_BUILD_RO, "%s\n", info->name);
	hf_build_attr(b, dir.s, "phys", HF_BUILD_RO, "%s\n", info->phys);
	add_power(b, dir.s);
	hf_build_attr(b, dir.s, "properties", HF_BUILD_RO, "%s\n",
		      print_bits(&info->prop, 1).s);
	hf_build_link(b, dir.s, "subsystem", "../../../../../class/input");
	add_uevent(b, dir.s, info, sets);
	hf_build_attr(b, dir.s, "uniq", HF_BUILD_RO, "%s\n", info->uniq);
	hf_build_link(b, "/sys/class/input", hf_build_path(b, "input%u", n).s,
		      "../../devices/platform/holdfast-input.%u/input/input%u",
		      n, n);
	add_event(b, dir.s, n);
}

static void add_device(struct hf_builder *b, const struct hf_input_info *info,
		       unsigned int n, bool dev_char)
{
	struct hf_build_path name = hf_build_path(b, "holdfast-input.%u", n);
	struct hf_build_path dir = hf_build_path(b, "/sys/devices/platform/%s",
						 name.s);

	hf_build_dir(b, dir.s);
	hf_build_attr(b, dir.s, "modalias", HF_BUILD_RO,
		      "platform:holdfast-input\n");
	add_power(b, dir.s);
	hf_build_link(b, dir.s, "subsystem", "../../../bus/platform");
	hf_build_store(b, dir.s, "uevent",
		       "MODALIAS=platform:holdfast-input\n");
	hf_build_link(b, "/sys/bus/platform/devices", name.s,
		      "../../../devices/platform/%s", name.s);
	add_input(b, dir.s, info, n);
	add_node(b, n, dev_char);
	add_records(b, info, n);
}

void hf_sysfs_add_input(struct hf_builder *b, const struct hf_seat *seat,
			bool dev_char)
{
	/* The machine's own are hidden. */
	hf_build_first(b, "/dev/input");
	hf_build_first(b, "/sys/class/input");
	hf_build_dir(b, "/dev/input/by-path");
	hf_build_overlay(b, "/run/udev/tags/power-switch");
	for (unsigned int n = 0; n < HF_INPUT_DEVICES; n++) {
		const struct hf_input_info *info = hf_input_info(seat, n);

		if (info)
			add_device(b, info, n, dev_char);
	}
}
