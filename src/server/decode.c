/* SPDX-License-Identifier: MIT */
/*
 * Decoding of recorded ioctls. See the header. Works on copies, so there is no
 * lock; what a client has put into an argument is never trusted to be right.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kms/kms.h"
#include "server/decode.h"

/* Elements of an array that are said. */
#define SCALARS 16
#define STRUCTS 4

/**
 * struct decoder - A record that is being decoded.
 * @arg: the argument that values are taken from, of the two
 */
struct decoder {
	struct hf_text *text;
	const struct hf_decode_names *names;
	const struct hf_ioctl_record *record;
	const uint8_t *arg;
};

/* -- names ----------------------------------------------------------------- */

static bool lives_on(const struct hf_mode_object *object)
{
	return object->type != DRM_MODE_OBJECT_FB &&
	       object->type != DRM_MODE_OBJECT_BLOB;
}

static void describe(struct hf_decode_object *out,
		     const struct hf_mode_object *object)
{
	const struct hf_crtc *crtc;

	out->id = object->id;
	out->type = object->type;
	if (object->type == DRM_MODE_OBJECT_PROPERTY)
		out->property = wl_container_of(object, out->property, base);
	if (object->type == DRM_MODE_OBJECT_CRTC) {
		crtc = wl_container_of(object, crtc, base);
		out->index = crtc->index;
	}
}

struct hf_decode_names *hf_decode_names_create(struct hf_kms_device *kms)
{
	const struct hf_mode_object *object;
	struct hf_decode_names *names =
		calloc(1, sizeof(*names) + kms->objects.count *
						   sizeof(*names->objects));

	if (!names)
		return NULL;
	for (uint32_t id = 1; (object = hf_idr_next(&kms->objects, &id)); id++)
		if (lives_on(object))
			describe(&names->objects[names->n++], object);
	return names;
}

static int compare(const void *key, const void *element)
{
	const struct hf_decode_object *object = element;
	uint32_t id = *(const uint32_t *)key;

	return (id > object->id) - (id < object->id);
}

const struct hf_decode_object *
hf_decode_object(const struct hf_decode_names *names, uint32_t id)
{
	if (!names)
		return NULL;
	return bsearch(&id, names->objects, names->n, sizeof(*names->objects),
		       compare);
}

static const struct hf_property *find_property(const struct decoder *decoder,
					       uint32_t id)
{
	const struct hf_decode_object *object =
		hf_decode_object(decoder->names, id);

	return object ? object->property : NULL;
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case DRM_MODE_OBJECT_CRTC:
		return "crtc";
	case DRM_MODE_OBJECT_CONNECTOR:
		return "connector";
	case DRM_MODE_OBJECT_ENCODER:
		return "encoder";
	case DRM_MODE_OBJECT_PLANE:
		return "plane";
	default:
		return "object";
	}
}

/* -- values ---------------------------------------------------------------- */

static uint64_t read_uint(const uint8_t *at, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, at, size);
	return value;
}

static int64_t read_int(const uint8_t *at, size_t size)
{
	unsigned int shift = 64 - 8 * size;

	return (int64_t)(read_uint(at, size) << shift) >> shift;
}

static void add_fourcc(struct hf_text *text, uint32_t code)
{
	bool big_endian = code >> 31;
	char name[5] = { 0 };

	code &= ~(1u << 31);
	memcpy(name, &code, 4);
	for (unsigned int i = 0; i < 4; i++)
		if (name[i] < ' ' || name[i] > '~' || name[i] == '"' ||
		    name[i] == '\\') {
			hf_text_hex(text, code | (uint32_t)big_endian << 31);
			return;
		}
	hf_text_word(text, "%s%s", name, big_endian ? "_BE" : "");
}

static void add_enum(struct hf_text *text, const struct hf_name *names,
		     uint64_t value)
{
	for (; names->name; names++)
		if (names->value == value) {
			hf_text_word(text, "%s", names->name);
			return;
		}
	hf_text_uint(text, value);
}

/* Words that are or'ed, up to what a line may have of them. */
struct flags {
	char words[512];
	size_t length;
};

static void add_flag(struct flags *flags, const char *word)
{
	size_t n = strlen(word), at = flags->length;

	if (at + n + 2 > sizeof(flags->words))
		return;
	if (at)
		flags->words[at++] = '|';
	memcpy(flags->words + at, word, n + 1);
	flags->length = at + n;
}

static void end_flags(struct hf_text *text, struct flags *flags, uint64_t rest)
{
	char hex[24];

	if (!flags->length) {
		hf_text_hex(text, rest);
		return;
	}
	snprintf(hex, sizeof(hex), "0x%lx", rest);
	if (rest)
		add_flag(flags, hex);
	hf_text_word(text, "%s", flags->words);
}

static void add_flags(struct hf_text *text, const struct hf_name *names,
		      uint64_t value)
{
	struct flags flags = { .length = 0 };
	uint64_t rest = value;

	for (; names->name; names++) {
		if ((value & names->value) != names->value ||
		    (!names->value && value))
			continue;
		add_flag(&flags, names->name);
		rest &= ~names->value;
	}
	if (value || flags.length)
		end_flags(text, &flags, rest);
	else
		hf_text_uint(text, 0);
}

static void add_bitmask(struct hf_text *text, const struct hf_property *prop,
			uint64_t value)
{
	struct flags flags = { .length = 0 };
	uint64_t rest = value;

	for (uint32_t i = 0; i < prop->num_enums; i++) {
		uint64_t bit = UINT64_C(1) << (prop->enums[i].value & 63);

		if (!(value & bit))
			continue;
		add_flag(&flags, prop->enums[i].name);
		rest &= ~bit;
	}
	end_flags(text, &flags, rest);
}

static void add_fixed(struct hf_text *text, uint64_t value)
{
	if (value & 0xffff)
		hf_text_word(text, "%.4f", value / 65536.0);
	else
		hf_text_uint(text, value >> 16);
}

/* The value of a property, or of something that is none. */
static void add_value(struct hf_text *text, const struct hf_property *prop,
		      uint64_t value)
{
	uint32_t flags = prop ? prop->flags : DRM_MODE_PROP_RANGE;

	if (flags & DRM_MODE_PROP_ENUM) {
		for (uint32_t i = 0; i < prop->num_enums; i++)
			if (prop->enums[i].value == value) {
				hf_text_word(text, "%s", prop->enums[i].name);
				return;
			}
	} else if (flags & DRM_MODE_PROP_BITMASK) {
		add_bitmask(text, prop, value);
		return;
	} else if ((flags & DRM_MODE_PROP_EXTENDED_TYPE) ==
		   DRM_MODE_PROP_SIGNED_RANGE) {
		hf_text_int(text, value);
		return;
	} else if (prop && !strncmp(prop->name, "SRC_", 4)) {
		add_fixed(text, value);
		return;
	}
	if (value > UINT32_MAX)
		hf_text_hex(text, value); /* an address, as a rule */
	else
		hf_text_uint(text, value);
}

/* -- nested arrays --------------------------------------------------------- */

struct array {
	const uint8_t *elements;
	size_t n, kept; /* elements that there were, and that are here */
	uint32_t elem, flags;
	bool out;
};

static const uint8_t *align(const uint8_t *start, size_t bytes)
{
	return start + ((bytes + 7) & ~(size_t)7);
}

static struct array get_array(const struct decoder *decoder, unsigned int index)
{
	const struct hf_ioctl_record *record = decoder->record;
	const struct hf_array_desc *desc = &record->desc->arrays[index];
	const uint8_t *at = align(record->data, 2 * record->arg_size);

	for (unsigned int i = 0; i < index; i++)
		at = align(at, record->arrays[i].kept);
	return (struct array){
		.elements = at,
		.n = record->arrays[index].size / desc->elem,
		.kept = record->arrays[index].kept / desc->elem,
		.elem = desc->elem,
		.flags = record->arrays[index].flags,
		.out = desc->out,
	};
}

static void add_rest(struct hf_text *text, size_t n)
{
	if (!n)
		return;
	hf_text_name(text, NULL);
	hf_text_word(text, "... %zu more", n);
}

static void add_fields(const struct decoder *decoder,
		       const struct hf_struct *of, const uint8_t *at);
static void add_scalar(const struct decoder *decoder,
		       const struct hf_field *field, unsigned int kind,
		       const uint8_t *at, size_t size);

static void add_elements(const struct decoder *decoder,
			 const struct hf_field *field,
			 const struct array *array)
{
	size_t limit = field->elem == HF_FIELD_STRUCT ? STRUCTS : SCALARS;
	size_t n = array->kept < limit ? array->kept : limit;

	hf_text_open(decoder->text, '[');
	for (size_t i = 0; i < n; i++) {
		hf_text_name(decoder->text, NULL);
		add_scalar(decoder, field, field->elem,
			   array->elements + i * array->elem, array->elem);
	}
	add_rest(decoder->text, array->n - n);
	hf_text_close(decoder->text, ']');
}

static void add_property(const struct decoder *decoder, uint32_t id,
			 uint64_t value)
{
	const struct hf_property *prop = find_property(decoder, id);
	char number[24];

	snprintf(number, sizeof(number), "property %u", id);
	hf_text_name(decoder->text, prop ? prop->name : number);
	add_value(decoder->text, prop, value);
}

static void add_props(const struct decoder *decoder,
		      const struct hf_field *field)
{
	struct array ids = get_array(decoder, field->array);
	struct array values = get_array(decoder, field->array + 1);
	size_t n = ids.kept < values.kept ? ids.kept : values.kept;

	hf_text_open(decoder->text, '{');
	for (size_t i = 0; i < n; i++)
		add_property(decoder, read_uint(ids.elements + 4 * i, 4),
			     read_uint(values.elements + 8 * i, 8));
	hf_text_close(decoder->text, '}');
}

/* "plane 31 {FB_ID=53, …}" */
static void open_object(const struct decoder *decoder, uint32_t id)
{
	const struct hf_decode_object *object =
		hf_decode_object(decoder->names, id);
	const char *type = type_name(object ? object->type : 0);

	hf_text_name(decoder->text, NULL);
	if (!decoder->text->json) {
		hf_text_printf(decoder->text, "%s %u ", type, id);
		hf_text_open(decoder->text, '{');
		return;
	}
	hf_text_open(decoder->text, '{');
	hf_text_name(decoder->text, "object");
	hf_text_word(decoder->text, "%s %u", type, id);
}

static void add_objects(const struct decoder *decoder,
			const struct hf_field *field)
{
	struct array ids = get_array(decoder, field->array);
	struct array counts = get_array(decoder, field->array + 1);
	struct array props = get_array(decoder, field->array + 2);
	struct array values = get_array(decoder, field->array + 3);
	size_t n = ids.kept < counts.kept ? ids.kept : counts.kept, at = 0;
	size_t total = props.kept < values.kept ? props.kept : values.kept;

	hf_text_open(decoder->text, '[');
	for (size_t i = 0; i < n; i++) {
		uint64_t end = at + read_uint(counts.elements + 4 * i, 4);

		open_object(decoder, read_uint(ids.elements + 4 * i, 4));
		for (; at < end && at < total; at++)
			add_property(decoder,
				     read_uint(props.elements + 4 * at, 4),
				     read_uint(values.elements + 8 * at, 8));
		hf_text_close(decoder->text, '}');
	}
	add_rest(decoder->text, ids.n - n);
	hf_text_close(decoder->text, ']');
}

static void add_pointed_to(const struct decoder *decoder,
			   const struct hf_field *field)
{
	struct array array = get_array(decoder, field->array);

	if (array.flags)
		hf_text_hex(decoder->text,
			    read_uint(decoder->arg + field->off, field->size));
	else if (field->kind == HF_FIELD_BYTES)
		hf_text_word(decoder->text, "%zu bytes", array.n);
	else if (field->kind == HF_FIELD_TEXT)
		hf_text_string(decoder->text, (const char *)array.elements,
			       array.kept);
	else if (field->kind == HF_FIELD_PROPS)
		add_props(decoder, field);
	else if (field->kind == HF_FIELD_OBJECTS)
		add_objects(decoder, field);
	else
		add_elements(decoder, field, &array);
}

/* -- fields ---------------------------------------------------------------- */

static bool is_pointer(const struct hf_field *field)
{
	return field->kind >= HF_FIELD_ARRAY;
}

static void add_scalar(const struct decoder *decoder,
		       const struct hf_field *field, unsigned int kind,
		       const uint8_t *at, size_t size)
{
	struct hf_text *text = decoder->text;
	const struct hf_property *prop;

	switch (kind) {
	case HF_FIELD_INT:
		hf_text_int(text, read_int(at, size));
		return;
	case HF_FIELD_HEX:
		hf_text_hex(text, read_uint(at, size));
		return;
	case HF_FIELD_FIXED:
		add_fixed(text, read_uint(at, size));
		return;
	case HF_FIELD_FOURCC:
		add_fourcc(text, read_uint(at, size));
		return;
	case HF_FIELD_STRING:
		hf_text_string(text, (const char *)at, size);
		return;
	case HF_FIELD_ENUM:
		add_enum(text, field->names, read_uint(at, size));
		return;
	case HF_FIELD_FLAGS:
		add_flags(text, field->names, read_uint(at, size));
		return;
	case HF_FIELD_STRUCT:
		hf_text_open(text, '{');
		add_fields(decoder, field->of, at);
		hf_text_close(text, '}');
		return;
	case HF_FIELD_PROPERTY:
		prop = find_property(decoder, read_uint(at, size));
		if (prop)
			hf_text_word(text, "%s", prop->name);
		else
			hf_text_uint(text, read_uint(at, size));
		return;
	case HF_FIELD_VALUE:
		add_value(text,
			  find_property(decoder,
					read_uint(decoder->arg + field->other,
						  4)),
			  read_uint(at, size));
		return;
	default:
		hf_text_uint(text, read_uint(at, size));
	}
}

static void add_field(const struct decoder *decoder,
		      const struct hf_field *field, const uint8_t *at)
{
	hf_text_name(decoder->text, field->name);
	if (is_pointer(field)) {
		add_pointed_to(decoder, field);
	} else if (field->count == 1) {
		add_scalar(decoder, field, field->kind, at, field->size);
	} else {
		hf_text_open(decoder->text, '[');
		for (unsigned int i = 0; i < field->count; i++) {
			hf_text_name(decoder->text, NULL);
			add_scalar(decoder, field, field->kind,
				   at + i * field->size, field->size);
		}
		hf_text_close(decoder->text, ']');
	}
}

static bool is_zero(const uint8_t *at, size_t size)
{
	return !read_uint(at, size);
}

/* All of a nested struct. */
static void add_fields(const struct decoder *decoder,
		       const struct hf_struct *of, const uint8_t *at)
{
	for (const struct hf_field *field = of->fields; field->name; field++)
		if (field->kind != HF_FIELD_PAD ||
		    !is_zero(at + field->off, field->size))
			add_field(decoder, field, at + field->off);
}

/* -- arguments ------------------------------------------------------------- */

/* Is this something that the caller gave? */
static bool is_in(const struct decoder *decoder, const struct hf_field *field)
{
	if (field->kind == HF_FIELD_PART)
		return false;
	if (is_pointer(field))
		return !decoder->record->desc->arrays[field->array].out;
	if (field->kind == HF_FIELD_PAD)
		return !is_zero(decoder->arg + field->off, field->size);
	return field->dir & HF_FIELD_IN;
}

/* Is this something that the caller got? */
static bool is_out(const struct hf_ioctl_record *record,
		   const struct hf_field *field)
{
	const uint8_t *before = record->data + field->off;
	size_t size = (size_t)field->size * field->count;

	if (field->kind == HF_FIELD_PART)
		return false;
	if (is_pointer(field))
		return record->desc->arrays[field->array].out &&
		       record->arrays[field->array].size;
	return (field->dir == HF_FIELD_OUT && !record->ret) ||
	       memcmp(before, before + record->arg_size, size);
}

static bool is_known(const struct hf_ioctl_record *record,
		     const struct hf_struct **arg)
{
	*arg = hf_ioctl_struct(record->desc);
	return *arg && record->arg_size >= (*arg)->size;
}

void hf_decode_in(struct hf_text *text, const struct hf_decode_names *names,
		  const struct hf_ioctl_record *record)
{
	struct decoder decoder = { text, names, record, record->data };
	const struct hf_struct *arg;

	hf_text_open(text, '{');
	if (is_known(record, &arg))
		for (const struct hf_field *field = arg->fields; field->name;
		     field++)
			if (is_in(&decoder, field))
				add_field(&decoder, field,
					  decoder.arg + field->off);
	hf_text_close(text, '}');
}

bool hf_decode_has_out(const struct hf_ioctl_record *record)
{
	const struct hf_struct *arg;

	if (!is_known(record, &arg))
		return false;
	for (const struct hf_field *field = arg->fields; field->name; field++)
		if (is_out(record, field))
			return true;
	return false;
}

void hf_decode_out(struct hf_text *text, const struct hf_decode_names *names,
		   const struct hf_ioctl_record *record)
{
	struct decoder decoder = { text, names, record,
				   record->data + record->arg_size };
	const struct hf_struct *arg;

	hf_text_open(text, '{');
	if (is_known(record, &arg))
		for (const struct hf_field *field = arg->fields; field->name;
		     field++)
			if (is_out(record, field))
				add_field(&decoder, field,
					  decoder.arg + field->off);
	hf_text_close(text, '}');
}
