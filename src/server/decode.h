/* SPDX-License-Identifier: MIT */
/*
 * An ioctl as it was recorded, and its arguments in words, as uapi/ioctl_fields.h
 * says what they are.
 *
 * A record is a copy that holds nothing: it is decoded later, without the lock.
 */
#ifndef HF_SERVER_DECODE_H
#define HF_SERVER_DECODE_H

#include <stdbool.h>
#include <stdint.h>

#include "server/text.h"
#include "uapi/ioctl_fields.h"

struct hf_kms_device;
struct hf_property;

/* Bytes of a nested array that a record keeps. */
#define HF_DECODE_KEPT 4096u

/**
 * struct hf_ioctl_record - A call that has returned.
 * @desc: its row
 * @cmd: as the client gave it
 * @ret: 0 or a negative errno
 * @arg_size: bytes of its argument, of which @data has two copies: from before the
 *	call, and from after it
 * @arrays: the nested arrays, in the order of the row; behind the arguments in @data,
 *	each from a multiple of 8 on. Bytes that there were (or were written), bytes
 *	of them that were kept, and HF_ARRAY_FAULT…
 */
struct hf_ioctl_record {
	const struct hf_ioctl_desc *desc;
	uint32_t cmd;
	int32_t ret;
	uint32_t arg_size;
	struct {
		uint32_t size, kept, flags;
	} arrays[HF_WIRE_ARRAYS];
	_Alignas(8) uint8_t data[];
};

/* A mode object that lives as long as its device. */
struct hf_decode_object {
	uint32_t id, type; /* DRM_MODE_OBJECT_* */
	unsigned int index; /* of a CRTC */
	const struct hf_property *property;
};

struct hf_decode_names {
	size_t n;
	struct hf_decode_object objects[]; /* by ID */
};

/**
 * hf_decode_names_create() - What the IDs of a display mean. The lock is held.
 *
 * Usable without it, until the display is gone. Freed with free(). Return: NULL
 * and ENOMEM.
 */
struct hf_decode_names *hf_decode_names_create(struct hf_kms_device *kms);
/** hf_decode_object() - By ID, or NULL. @names may be NULL. */
const struct hf_decode_object *
hf_decode_object(const struct hf_decode_names *names, uint32_t id);

/** hf_decode_in() - What the caller gave, as a group. */
void hf_decode_in(struct hf_text *text, const struct hf_decode_names *names,
		  const struct hf_ioctl_record *record);
/** hf_decode_has_out() - Did it get anything? */
bool hf_decode_has_out(const struct hf_ioctl_record *record);
/** hf_decode_out() - What it got, as a group. */
void hf_decode_out(struct hf_text *text, const struct hf_decode_names *names,
		   const struct hf_ioctl_record *record);

#endif
