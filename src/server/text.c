/* SPDX-License-Identifier: MIT */
/*
 * Text that grows. See the header. Nothing here waits or locks.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/text.h"

#define EXACT (UINT64_C(1) << 53)

void hf_text_finish(struct hf_text *text)
{
	free(text->bytes);
	memset(text, 0, sizeof(*text));
}

/* Room for so many more bytes. */
static bool grow(struct hf_text *text, size_t more)
{
	size_t size = text->size ? text->size : 4096;
	char *bytes;

	if (text->failed)
		return false;
	if (text->size - text->length >= more)
		return true;
	while (size - text->length < more)
		size *= 2;
	bytes = realloc(text->bytes, size);
	if (!bytes) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->size = size;
	return true;
}

static void add(struct hf_text *text, const char *bytes, size_t n)
{
	if (!grow(text, n))
		return;
	memcpy(text->bytes + text->length, bytes, n);
	text->length += n;
}

static void add_char(struct hf_text *text, char c)
{
	add(text, &c, 1);
}

static void add_formatted(struct hf_text *text, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	if (!grow(text, 64))
		goto out;
	n = vsnprintf(text->bytes + text->length, text->size - text->length,
		      fmt, ap);
	if ((size_t)n >= text->size - text->length) {
		if (!grow(text, n + 1))
			goto out;
		vsnprintf(text->bytes + text->length,
			  text->size - text->length, fmt, again);
	}
	text->length += n;
out:
	va_end(again);
}

void hf_text_printf(struct hf_text *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_formatted(text, fmt, ap);
	va_end(ap);
}

/* Inside quotes. */
static void add_escaped(struct hf_text *text, const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = bytes[i];

		if (c == '"' || c == '\\')
			hf_text_printf(text, "\\%c", c);
		else if (c >= ' ' && c < 0x7f)
			add_char(text, c);
		else
			hf_text_printf(text, text->json ? "\\u%04x" : "\\x%02x",
				       c);
	}
}

void hf_text_name(struct hf_text *text, const char *name)
{
	if (text->separate)
		add(text, ", ", text->json ? 1 : 2);
	text->separate = true;
	if (!name)
		return;
	if (text->json)
		add_char(text, '"');
	add_escaped(text, name, strlen(name));
	add(text, text->json ? "\":" : "=", text->json ? 2 : 1);
}

void hf_text_open(struct hf_text *text, char bracket)
{
	add_char(text, bracket);
	text->separate = false;
}

void hf_text_close(struct hf_text *text, char bracket)
{
	add_char(text, bracket);
	text->separate = true;
}

static void add_number(struct hf_text *text, bool exact, const char *number)
{
	bool quote = text->json && !exact;

	if (quote)
		add_char(text, '"');
	add(text, number, strlen(number));
	if (quote)
		add_char(text, '"');
}

void hf_text_uint(struct hf_text *text, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%lu", value);
	add_number(text, value <= EXACT, number);
}

void hf_text_int(struct hf_text *text, int64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "%ld", value);
	add_number(text, value <= (int64_t)EXACT && value >= -(int64_t)EXACT,
		   number);
}

void hf_text_hex(struct hf_text *text, uint64_t value)
{
	char number[24];

	snprintf(number, sizeof(number), "0x%lx", value);
	add_number(text, false, number);
}

void hf_text_word(struct hf_text *text, const char *fmt, ...)
{
	va_list ap;

	if (text->json)
		add_char(text, '"');
	va_start(ap, fmt);
	add_formatted(text, fmt, ap);
	va_end(ap);
	if (text->json)
		add_char(text, '"');
}

void hf_text_string(struct hf_text *text, const char *string, size_t size)
{
	add_char(text, '"');
	add_escaped(text, string, strnlen(string, size));
	add_char(text, '"');
}
