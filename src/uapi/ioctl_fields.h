/* SPDX-License-Identifier: MIT */
/*
 * What is in the arguments of ioctls, field by field: the table that traces are
 * decoded by, beside the one table of ioctls (uapi/ioctls.h). Adding an ioctl is
 * adding its struct here, too; a test finds one that is missing, or has a hole.
 *
 * Constant data; no lock.
 */
#ifndef HF_UAPI_IOCTL_FIELDS_H
#define HF_UAPI_IOCTL_FIELDS_H

#include <stddef.h>
#include <stdint.h>

#include "uapi/ioctls.h"

enum hf_field_kind {
	HF_FIELD_PAD, /* nothing, as long as it is zero */
	HF_FIELD_UINT,
	HF_FIELD_INT,
	HF_FIELD_HEX,
	HF_FIELD_FIXED,	 /* 16.16 */
	HF_FIELD_FOURCC, /* the code of a format */
	HF_FIELD_STRING, /* char[], up to a NUL */
	HF_FIELD_ENUM,	 /* @names */
	HF_FIELD_FLAGS,	 /* @names, or'ed */
	HF_FIELD_STRUCT, /* @of */
	HF_FIELD_PROPERTY, /* the ID of one */
	HF_FIELD_VALUE,	   /* of the property whose ID is at @other */

	/* Pointers to the nested array number @array of the ioctl's row: */
	HF_FIELD_ARRAY,	  /* of what @elem says */
	HF_FIELD_BYTES,	  /* told by length */
	HF_FIELD_TEXT,	  /* char[] */
	HF_FIELD_PROPS,	  /* IDs of properties, their values in the next array */
	HF_FIELD_OBJECTS, /* as MODE_ATOMIC has them, in four arrays */
	HF_FIELD_PART,	  /* what one of those two shows, too */
};

/* Who sets a field. */
enum { HF_FIELD_IN = 1, HF_FIELD_OUT = 2, HF_FIELD_IO = 3 };

struct hf_name {
	uint64_t value;
	const char *name; /* NULL ends a list */
};

/**
 * struct hf_field - A field of an argument, or of an element of a nested array.
 * @name: as in the UAPI header; NULL ends a list
 * @off: bytes into the struct; likewise @size, of one of @count
 * @kind: enum hf_field_kind; likewise @elem, of a nested array's elements
 * @dir: HF_FIELD_IN, _OUT or _IO
 * @array: which nested array it points to
 * @other: offset of the field that says what this one is
 * @names: of values
 * @of: what it, or an element, consists of
 */
struct hf_field {
	const char *name;
	uint16_t off, size;
	uint8_t count, kind, dir, array, elem;
	uint16_t other;
	const struct hf_name *names;
	const struct hf_struct *of;
};

struct hf_struct {
	size_t size; /* bytes */
	const struct hf_field *fields;
};

/** hf_ioctl_struct() - The argument of a row of either table; NULL: it has none. */
const struct hf_struct *hf_ioctl_struct(const struct hf_ioctl_desc *desc);

#endif
