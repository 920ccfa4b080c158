/* SPDX-License-Identifier: MIT */
/*
 * Text that grows: named values, lists and groups of them, either to be read by
 * people ("{width=640, flags=A|B}") or as JSON ({"width":640,"flags":"A|B"}).
 *
 * The caller's memory and the caller's to serialise. Where memory runs out the
 * text is marked as failed, and what is added from there on is not.
 */
#ifndef HF_SERVER_TEXT_H
#define HF_SERVER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct hf_text - A text.
 * @bytes: what it has, without a NUL; likewise @length
 * @json: set before anything is added
 * @failed: it is not complete
 */
struct hf_text {
	char *bytes;
	size_t length, size;
	bool json, failed, separate;
};

void hf_text_finish(struct hf_text *text);
/** hf_text_printf() - Add this as it is. */
void hf_text_printf(struct hf_text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * hf_text_name() - What is added next is called so. NULL: it is an element of a list.
 *
 * Puts the comma before it, where there must be one.
 */
void hf_text_name(struct hf_text *text, const char *name);
/** hf_text_open() - Begin a group or a list. @bracket: '{' or '[' */
void hf_text_open(struct hf_text *text, char bracket);
void hf_text_close(struct hf_text *text, char bracket);

/* Values. In JSON a number that is no exact double is a string. */
void hf_text_uint(struct hf_text *text, uint64_t value);
void hf_text_int(struct hf_text *text, int64_t value);
void hf_text_hex(struct hf_text *text, uint64_t value);
/** hf_text_word() - A symbol; a string in JSON. */
void hf_text_word(struct hf_text *text, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** hf_text_string() - Quoted, up to @size bytes or a NUL, whatever they are. */
void hf_text_string(struct hf_text *text, const char *string, size_t size);

#endif
