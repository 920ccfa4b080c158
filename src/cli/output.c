/* SPDX-License-Identifier: MIT */
/*
 * What the text after --output says, attribute by attribute: one table has them, with
 * the function that understands each. Scenario files and the like name monitors in the
 * same words. No state, no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/output.h"
#include "kms/mode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Of all outputs together: each CRTC may need one for writeback. */
#define MAX_ENCODERS (HF_KMS_MAX_ENCODERS - HF_KMS_MAX_CRTCS)
#define MAX_ENCODERS_EACH 8

/* A base block and as many extensions as it can count. */
#define MAX_EDID (256 * 128)

struct parser {
	struct hf_kms_output *output;
	char *why;
	bool sized, off;
	uint32_t seen; /* a bit a row of the table */
};

__attribute__((format(printf, 2, 3)))
static int fail(struct parser *parser, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(parser->why, HF_OUTPUT_WHY, fmt, ap);
	va_end(ap);
	/* What the user wrote may be anything, but a sentence is one line. */
	for (char *c = parser->why; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	return -EINVAL;
}

/* -- values ------------------------------------------------------------------- */

/* Digits alone, up to a limit. */
static bool parse_number(const char *text, unsigned long min, unsigned long max,
			 unsigned long *value)
{
	char *end;

	if (!*text || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return !errno && *value >= min && *value <= max;
}

/* WIDTHxHEIGHT[@HZ]; sscanf() skips white space, which has no place here. */
static bool parse_size(const char *text, struct hf_kms_size *size)
{
	int end = 0;

	size->hz = 60;
	if (strspn(text, "0123456789.x@") != strlen(text) ||
	    sscanf(text, "%5ux%5u%n", &size->width, &size->height, &end) < 2)
		return false;
	text += end;
	return !*text || (sscanf(text, "@%lf%n", &size->hz, &end) == 1 &&
			  !text[end]);
}

static int parse_mode(struct parser *parser, const char *text,
		      struct hf_kms_size *size)
{
	struct drm_mode_modeinfo mode;

	if (!parse_size(text, size))
		return fail(parser, "%s: not WIDTHxHEIGHT[@HZ]", text);
	if (hf_mode_make(&mode, size->width, size->height, size->hz))
		return fail(parser, "%s: no such mode can be made", text);
	return 0;
}

/* -- attributes --------------------------------------------------------------- */

static int set_type(struct parser *parser, const char *value)
{
	const char *name;

	for (uint32_t type = 0; (name = hf_connector_type_name(type)); type++) {
		if (strcmp(name, value))
			continue;
		if (type == DRM_MODE_CONNECTOR_WRITEBACK)
			return fail(parser,
				    "type=%s: nothing can be plugged in there",
				    value);
		if (type == DRM_MODE_CONNECTOR_Unknown)
			break;
		parser->output->type = type;
		return 0;
	}
	return fail(parser,
		    "type=%s: no connector such as HDMI-A, DP, eDP, DSI or VGA",
		    value);
}

static int read_file(struct parser *parser, const char *path, uint8_t *bytes,
		     size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 0;

	*size = 0;
	while (fd >= 0 && *size < MAX_EDID) {
		n = read(fd, bytes + *size, MAX_EDID - *size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		*size += n;
	}
	if (fd < 0 || n < 0) {
		int error = errno;

		if (fd >= 0)
			close(fd);
		fail(parser, "edid=%s: %s", path, strerror(error));
		return -error;
	}
	close(fd);
	return 0;
}

/* The first mode that is not interlaced or in stereo; else it is of no use. */
static int take_edid(struct parser *parser, const char *path,
		     const uint8_t *edid, size_t size)
{
	struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES];
	struct hf_kms_output *output = parser->output;
	uint32_t width_mm, height_mm;
	int n = hf_edid_modes(edid, size, modes, HF_KMS_MAX_MODES, &width_mm,
			      &height_mm);

	if (n < 0)
		return fail(parser, "edid=%s: no EDID, or not all of it", path);
	for (int i = 0; i < n; i++) {
		if (modes[i].flags &
		    (DRM_MODE_FLAG_INTERLACE | DRM_MODE_FLAG_3D_MASK))
			continue;
		output->width = modes[i].hdisplay;
		output->height = modes[i].vdisplay;
		output->hz = modes[i].vrefresh;
		output->edid = edid;
		output->edid_size = size;
		return 0;
	}
	return fail(parser, "edid=%s: it lists no mode that can be shown",
		    path);
}

static int set_edid(struct parser *parser, const char *path)
{
	uint8_t *edid = malloc(MAX_EDID);
	size_t size;
	int ret;

	if (!edid) {
		fail(parser, "edid=%s: %s", path, strerror(ENOMEM));
		return -ENOMEM;
	}
	ret = read_file(parser, path, edid, &size);
	if (!ret)
		ret = take_edid(parser, path, edid, hf_edid_size(edid, size));
	if (ret)
		free(edid);
	return ret;
}

static int set_vendor(struct parser *parser, const char *value)
{
	if (strlen(value) != 3 ||
	    strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3)
		return fail(parser, "vendor=%s: not three capital letters",
			    value);
	memcpy(parser->output->vendor, value, 4);
	return 0;
}

static int set_name(struct parser *parser, const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < length; i++)
		if (value[i] < ' ' || value[i] > '~')
			length = 0;
	if (!length || length >= sizeof(parser->output->name))
		return fail(parser, "name=%s: not 1 to 13 ASCII characters",
			    value);
	memcpy(parser->output->name, value, length + 1);
	return 0;
}

static int set_product(struct parser *parser, const char *value)
{
	unsigned long n;

	if (!parse_number(value, 1, UINT16_MAX, &n))
		return fail(parser, "product=%s: not a number from 1 to 65535",
			    value);
	parser->output->product = n;
	return 0;
}

static int set_serial(struct parser *parser, const char *value)
{
	unsigned long n;

	if (!parse_number(value, 1, UINT32_MAX, &n))
		return fail(parser, "serial=%s: not a number from 1 to %u",
			    value, UINT32_MAX);
	parser->output->serial = n;
	return 0;
}

/* An EDID cannot say more, or less. */
static int set_mm(struct parser *parser, const char *value)
{
	unsigned int width, height;
	int end = 0;

	if (strspn(value, "0123456789x") != strlen(value) ||
	    sscanf(value, "%4ux%4u%n", &width, &height, &end) < 2 ||
	    value[end] || width < 5 || width > 2550 || height < 5 ||
	    height > 2550)
		return fail(parser, "mm=%s: not WIDTHxHEIGHT of 5 to 2550 each",
			    value);
	parser->output->width_mm = width;
	parser->output->height_mm = height;
	return 0;
}

static int set_off(struct parser *parser, const char *value)
{
	(void)value;
	parser->off = true;
	return 0;
}

static int set_non_desktop(struct parser *parser, const char *value)
{
	(void)value;
	parser->output->non_desktop = true;
	return 0;
}

static int set_orientation(struct parser *parser, const char *value)
{
	static const char *const names[] = { "normal", "upside-down",
					     "left-side-up", "right-side-up" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], value))
			continue;
		parser->output->has_orientation = true;
		parser->output->orientation = i;
		return 0;
	}
	return fail(parser, "orientation=%s: neither normal, upside-down, "
			    "left-side-up nor right-side-up", value);
}

/* The group goes where an EDID has the monitor's serial number. */
static int set_tile(struct parser *parser, const char *value)
{
	struct hf_edid_tile *tile = &parser->output->tile;
	unsigned int columns, rows, column, row, group = 1;
	int end = 0;

	if (strspn(value, "0123456789x+:") != strlen(value) ||
	    sscanf(value, "%2ux%2u+%2u+%2u%n", &columns, &rows, &column, &row,
		   &end) < 4 ||
	    (value[end] && (sscanf(value + end, ":%3u%n", &group,
				   &(int){ 0 }) != 1 ||
			    value[end + 1 + strspn(value + end + 1,
						   "0123456789")])))
		return fail(parser,
			    "tile=%s: not COLUMNSxROWS+COLUMN+ROW[:GROUP]",
			    value);
	if (!columns || columns > 64 || !rows || rows > 64 ||
	    columns * rows < 2 || column >= columns || row >= rows || !group ||
	    group > UINT8_MAX)
		return fail(parser, "tile=%s: there is no such tile", value);
	*tile = (struct hf_edid_tile){
		.columns = columns,
		.rows = rows,
		.column = column,
		.row = row,
		.single = true,
		.topology = { 'H', 'F', 'S', 1, 0, group },
	};
	return 0;
}

static int set_path(struct parser *parser, const char *value)
{
	if (!*value || strlen(value) >= sizeof(parser->output->path))
		return fail(parser, "path=%s: not 1 to %zu characters", value,
			    sizeof(parser->output->path) - 1);
	strcpy(parser->output->path, value);
	return 0;
}

static int set_max_bpc(struct parser *parser, const char *value)
{
	unsigned long n;

	if (!parse_number(value, 8, 16, &n) || n % 2)
		return fail(parser, "max-bpc=%s: neither 8, 10, 12, 14 nor 16",
			    value);
	parser->output->max_bpc = n;
	return 0;
}

static int set_hdr(struct parser *parser, const char *value)
{
	(void)value;
	parser->output->hdr = true;
	return 0;
}

static int set_vrr(struct parser *parser, const char *value)
{
	int end = 0;

	parser->output->vrr = true;
	if (value && (strspn(value, "0123456789.") != strlen(value) ||
		      sscanf(value, "%lf%n", &parser->output->vrr_min_hz,
			     &end) != 1 ||
		      value[end] || parser->output->vrr_min_hz < 1))
		return fail(parser, "vrr=%s: not a refresh rate of 1 or more",
			    value);
	return 0;
}

static int set_modes(struct parser *parser, const char *value)
{
	struct hf_kms_output *output = parser->output;
	char *copy = strdup(value), *rest = copy, *text;
	int ret = copy ? 0 : -ENOMEM;

	if (ret)
		fail(parser, "modes=%s: %s", value, strerror(ENOMEM));
	while (!ret && (text = strsep(&rest, "+"))) {
		if (output->num_modes == HF_OUTPUT_MODES)
			ret = fail(parser, "modes=%s: more than %d", value,
				   HF_OUTPUT_MODES);
		else
			ret = parse_mode(parser, text,
					 &output->modes[output->num_modes++]);
	}
	free(copy);
	return ret;
}

static int set_encoders(struct parser *parser, const char *value)
{
	unsigned long n;

	if (!parse_number(value, 1, MAX_ENCODERS_EACH, &n))
		return fail(parser, "encoders=%s: not a number from 1 to %d",
			    value, MAX_ENCODERS_EACH);
	parser->output->encoders = n;
	return 0;
}

static int set_share(struct parser *parser, const char *value)
{
	unsigned long n;

	if (!parse_number(value, 1, HF_KMS_MAX_OUTPUTS, &n))
		return fail(parser,
			    "share=%s: not the number of an output before it",
			    value);
	parser->output->share = n;
	return 0;
}

static int set_clone(struct parser *parser, const char *value)
{
	(void)value;
	parser->output->clone = true;
	return 0;
}

static const struct {
	const char *name;
	uint32_t type, value;
} subconnectors[] = {
	{ "VGA", DRM_MODE_CONNECTOR_DisplayPort, DRM_MODE_SUBCONNECTOR_VGA },
	{ "DVI-D", DRM_MODE_CONNECTOR_DisplayPort, DRM_MODE_SUBCONNECTOR_DVID },
	{ "HDMI", DRM_MODE_CONNECTOR_DisplayPort, DRM_MODE_SUBCONNECTOR_HDMIA },
	{ "DP", DRM_MODE_CONNECTOR_DisplayPort,
	  DRM_MODE_SUBCONNECTOR_DisplayPort },
	{ "Wireless", DRM_MODE_CONNECTOR_DisplayPort,
	  DRM_MODE_SUBCONNECTOR_Wireless },
	{ "Native", DRM_MODE_CONNECTOR_DisplayPort,
	  DRM_MODE_SUBCONNECTOR_Native },
	{ "DVI-D", DRM_MODE_CONNECTOR_DVII, DRM_MODE_SUBCONNECTOR_DVID },
	{ "DVI-A", DRM_MODE_CONNECTOR_DVII, DRM_MODE_SUBCONNECTOR_DVIA },
};

static int set_subconnector(struct parser *parser, const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(subconnectors); i++) {
		if (strcmp(subconnectors[i].name, value))
			continue;
		parser->output->subconnector = subconnectors[i].value;
		return 0;
	}
	return fail(parser, "subconnector=%s: neither VGA, DVI-D, DVI-A, HDMI, "
			    "DP, Wireless nor Native", value);
}

/* -- the table ---------------------------------------------------------------- */

/* May it have a value, must it, and is it a part of an EDID that is made up? */
enum { VALUE = 1, OPTIONAL = 2, MADE_UP = 4, TWICE = 8 };

static const struct attribute {
	const char *name;
	unsigned int flags;
	int (*set)(struct parser *parser, const char *value);
	const char *value, *help;
} attributes[] = {
	{ "type", VALUE, set_type, "NAME",
	  "HDMI-A (default), DP, eDP, DSI, LVDS, VGA, DVI-I, Virtual..." },
	{ "off", 0, set_off, NULL, "nothing is plugged in" },
	{ "edid", VALUE, set_edid, "FILE", "what a real monitor says of itself" },
	{ "name", VALUE | MADE_UP, set_name, "TEXT", "the monitor's name" },
	{ "vendor", VALUE | MADE_UP, set_vendor, "ABC", "its vendor's letters" },
	{ "product", VALUE | MADE_UP, set_product, "N", "its product code" },
	{ "serial", VALUE | MADE_UP, set_serial, "N", "its serial number" },
	{ "mm", VALUE | MADE_UP, set_mm, "WxH", "its size" },
	{ "modes", VALUE | MADE_UP | TWICE, set_modes, "WxH[@HZ][+...]",
	  "what it shows besides" },
	{ "hdr", MADE_UP, set_hdr, NULL, "it shows HDR" },
	{ "vrr", VALUE | OPTIONAL, set_vrr, "[MIN]",
	  "its refresh rate is variable, from MIN on" },
	{ "non-desktop", 0, set_non_desktop, NULL, "it is no place for a desktop" },
	{ "tile", VALUE | MADE_UP, set_tile, "CxR+COLUMN+ROW[:GROUP]",
	  "it is a part of a monitor" },
	{ "orientation", VALUE, set_orientation, "HOW",
	  "normal, upside-down, left-side-up, right-side-up" },
	{ "max-bpc", VALUE, set_max_bpc, "N", "at most so many bits a colour" },
	{ "path", VALUE, set_path, "TEXT", "where in a DisplayPort topology" },
	{ "subconnector", VALUE, set_subconnector, "NAME",
	  "what is behind a DP or DVI-I" },
	{ "encoders", VALUE, set_encoders, "N", "it has several" },
	{ "share", VALUE, set_share, "N", "it has those of the Nth output" },
	{ "clone", 0, set_clone, NULL,
	  "one CRTC may drive all that have this" },
};

void hf_output_help(FILE *file)
{
	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		const struct attribute *a = &attributes[i];
		bool optional = a->flags & OPTIONAL;
		char head[40];

		snprintf(head, sizeof(head), "%s%s%s", a->name,
			 optional ? "[=" : a->value ? "=" : "",
			 a->value ? a->value + optional : "");
		fprintf(file, "    %-28s %s\n", head, a->help);
	}
}

static int set_attribute(struct parser *parser, char *text)
{
	char *value = strchr(text, '=');
	size_t i;

	if (value)
		*value++ = 0;
	for (i = 0; i < ARRAY_SIZE(attributes); i++)
		if (!strcmp(attributes[i].name, text))
			break;
	if (i == ARRAY_SIZE(attributes))
		return fail(parser, "\"%s\" is no attribute of an output", text);
	if (value && !(attributes[i].flags & VALUE))
		return fail(parser, "%s takes no value", text);
	if (!value && attributes[i].flags & VALUE &&
	    !(attributes[i].flags & OPTIONAL))
		return fail(parser, "%s needs a value: %s=%s", text, text,
			    attributes[i].value);
	if (parser->seen & 1u << i && !(attributes[i].flags & TWICE))
		return fail(parser, "%s is said twice", text);
	parser->seen |= 1u << i;
	return attributes[i].set(parser, value);
}

/* -- the whole ---------------------------------------------------------------- */

/* Up to the next comma; "\," is one that belongs to the text. In place. */
static char *next_word(char **rest)
{
	char *word = *rest, *from = word, *to = word;

	if (!word)
		return NULL;
	while (*from && *from != ',') {
		if (from[0] == '\\' && from[1] == ',')
			from++;
		*to++ = *from++;
	}
	*rest = *from ? from + 1 : NULL;
	*to = 0;
	return word;
}

static int set_size(struct parser *parser, const char *text)
{
	struct hf_kms_output *output = parser->output;
	struct hf_kms_size size;
	int ret = parse_mode(parser, text, &size);

	output->width = size.width;
	output->height = size.height;
	output->hz = size.hz;
	parser->sized = true;
	return ret;
}

static bool subconnector_fits(const struct hf_kms_output *output)
{
	for (size_t i = 0; i < ARRAY_SIZE(subconnectors); i++)
		if (subconnectors[i].value == output->subconnector &&
		    subconnectors[i].type == output->type)
			return true;
	return false;
}

static bool takes_hdr(uint32_t type)
{
	return type == 0 || type == DRM_MODE_CONNECTOR_HDMIA ||
	       type == DRM_MODE_CONNECTOR_HDMIB ||
	       type == DRM_MODE_CONNECTOR_DisplayPort ||
	       type == DRM_MODE_CONNECTOR_eDP;
}

/* What does not go together. */
static int check(struct parser *parser)
{
	const struct hf_kms_output *output = parser->output;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++)
		if (output->edid && parser->seen & 1u << i &&
		    attributes[i].flags & MADE_UP)
			return fail(parser, "%s is not for a monitor that has "
					    "edid=", attributes[i].name);
	if (output->hdr && !takes_hdr(output->type))
		return fail(parser, "hdr is for HDMI-A, DP and eDP");
	if (output->subconnector && !subconnector_fits(output))
		return fail(parser,
			    "subconnector is for DP and DVI-I, each its own");
	if (output->encoders && output->share)
		return fail(parser, "encoders and share do not go together");
	if (output->vrr_min_hz >= output->hz)
		return fail(parser, "vrr=%g: not below %g Hz",
			    output->vrr_min_hz, output->hz);
	return 0;
}

static int parse(struct parser *parser, char *text)
{
	char *rest = text, *word;
	int ret = 0;

	if (*text >= '0' && *text <= '9')
		ret = set_size(parser, next_word(&rest));
	else if (!*text)
		ret = fail(parser, "it is empty");
	while (!ret && (word = next_word(&rest)))
		ret = set_attribute(parser, word);
	if (!ret && !parser->sized && !parser->output->edid)
		ret = set_size(parser, "1920x1080");
	if (!ret)
		ret = check(parser);
	if (parser->off)
		parser->output->width = 0;
	return ret;
}

int hf_output_parse(const char *text, struct hf_kms_output *output,
		    char why[HF_OUTPUT_WHY])
{
	struct parser parser = { .output = output, .why = why };
	char *copy = strdup(text);
	int ret;

	memset(output, 0, sizeof(*output));
	if (!copy) {
		fail(&parser, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	ret = parse(&parser, copy);
	free(copy);
	if (ret)
		hf_output_finish(output);
	return ret;
}

int hf_outputs_check(const struct hf_kms_output *outputs, size_t n,
		     char why[HF_OUTPUT_WHY])
{
	struct parser parser = { .why = why };
	unsigned int encoders = 0;

	for (size_t i = 0; i < n; i++) {
		if (outputs[i].share > i)
			return fail(&parser, "share=%u: only %zu outputs are "
					     "before it", outputs[i].share, i);
		if (!outputs[i].share)
			encoders += outputs[i].encoders ? outputs[i].encoders :
							  1;
	}
	if (encoders > MAX_ENCODERS)
		return fail(&parser, "more than %d encoders", MAX_ENCODERS);
	return 0;
}

void hf_output_finish(struct hf_kms_output *output)
{
	free((void *)output->edid);
	output->edid = NULL;
	output->edid_size = 0;
}
