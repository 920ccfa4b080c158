/* SPDX-License-Identifier: MIT */
/*
 * What a program is that is about to be started: can a library be preloaded into
 * it? Used by the command and by the shim.
 */
#ifndef HF_BASE_PROGRAM_H
#define HF_BASE_PROGRAM_H

#include <stddef.h>

/**
 * enum hf_program_kind - Who it is.
 * @HF_PROGRAM_FINE: nothing is known against it
 * @HF_PROGRAM_STATIC: it has no loader that could load a library
 * @HF_PROGRAM_LIBC: its loader is another C library's
 * @HF_PROGRAM_MACHINE: it is for another kind of processor, or 32-bit
 * @HF_PROGRAM_PRIVILEGED: it gains privileges, and its loader ignores the environment
 */
enum hf_program_kind {
	HF_PROGRAM_FINE,
	HF_PROGRAM_STATIC,
	HF_PROGRAM_LIBC,
	HF_PROGRAM_MACHINE,
	HF_PROGRAM_PRIVILEGED,
};

/**
 * hf_program_look() - Look at a program, or at what interprets a script.
 * @dirfd: as for openat(2)
 * @path: of the file
 *
 * Calls nothing that allocates. Keeps errno.
 *
 * Return: what it is; HF_PROGRAM_FINE as well where it cannot be looked at.
 */
enum hf_program_kind hf_program_look(int dirfd, const char *path);

/**
 * hf_program_find() - Find a program as execvp(3) does.
 * @name: with or without a slash
 * @search: directories, as in $PATH; NULL: the default
 * @buf: room for a path
 *
 * Return: a path, @name or @buf; NULL where there is none.
 */
const char *hf_program_find(const char *name, const char *search, char *buf,
			    size_t size);

/** hf_program_why() - Half a sentence, "is statically linked"; NULL: it is fine. */
const char *hf_program_why(enum hf_program_kind kind);

#endif
