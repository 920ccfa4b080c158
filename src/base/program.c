/* SPDX-License-Identifier: MIT */
/*
 * A look at a program's first bytes: an ELF file says which loader it wants and
 * which machine it is for, a script which program reads it. No state.
 */
#define _GNU_SOURCE
#include "base/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

/* As the kernel: a script's interpreter may be a script, but not for ever. */
#define MAX_SCRIPTS 5
#define MAX_SEGMENTS 64
/* It may run on the small stack of a signal's handler. */
#define MAX_LOADER 256

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#else
#define OWN_MACHINE EM_NONE
#endif

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts(const char *s, const char *with)
{
	return !strncmp(s, with, strlen(with));
}

/* -- privileges ---------------------------------------------------------------- */

/* Does the kernel honour what the file says of privileges? */
static bool can_gain(int fd)
{
	struct statvfs vfs;

	return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 &&
	       (fstatvfs(fd, &vfs) || !(vfs.f_flag & ST_NOSUID));
}

static bool gains_privileges(int fd, const struct stat *st)
{
	const mode_t group = S_ISGID | S_IXGRP;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (st->st_mode & S_ISUID)
		uid = st->st_uid;
	if ((st->st_mode & group) == group)
		gid = st->st_gid;
	if (uid != geteuid() || gid != getegid())
		return (uid != getuid() || gid != getgid()) && can_gain(fd);
	return getuid() && can_gain(fd) &&
	       fgetxattr(fd, "security.capability", NULL, 0) > 0;
}

/* -- ELF -------------------------------------------------------------------------- */

static enum hf_program_kind judge_loader(const char *loader)
{
	const char *name = base_name(loader);

	return starts(name, "ld-linux") || starts(name, "ld64.so") ?
		       HF_PROGRAM_FINE :
		       HF_PROGRAM_LIBC;
}

/* A loader may be started as a program, and honours the environment. */
static bool is_loader(const char *path)
{
	return starts(base_name(path), "ld") && strstr(base_name(path), ".so");
}

static enum hf_program_kind look_at_segments(int fd, const Elf64_Ehdr *header,
					     const char *path)
{
	size_t n = header->e_phnum, size;
	char loader[MAX_LOADER];
	Elf64_Phdr segment;

	if (header->e_phentsize != sizeof(segment) || !n || n > MAX_SEGMENTS)
		return HF_PROGRAM_FINE;
	for (size_t i = 0; i < n; i++) {
		if (pread(fd, &segment, sizeof(segment),
			  header->e_phoff + i * sizeof(segment)) !=
		    sizeof(segment))
			return HF_PROGRAM_FINE;
		if (segment.p_type != PT_INTERP)
			continue;
		size = segment.p_filesz;
		if (!size || size >= sizeof(loader) ||
		    pread(fd, loader, size, segment.p_offset) != (ssize_t)size)
			return HF_PROGRAM_FINE;
		loader[size] = 0;
		return judge_loader(loader);
	}
	return is_loader(path) ? HF_PROGRAM_FINE : HF_PROGRAM_STATIC;
}

static enum hf_program_kind look_at_elf(int fd, const char *path)
{
	Elf64_Ehdr header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return HF_PROGRAM_FINE;
	if (header.e_ident[EI_CLASS] != ELFCLASS64 ||
	    header.e_machine != OWN_MACHINE)
		return HF_PROGRAM_MACHINE;
	return look_at_segments(fd, &header, path);
}

/* -- scripts ------------------------------------------------------------------------ */

/* "#! /path argument": Return: the path, or NULL. */
static const char *interpreter(char *line)
{
	char *path = line + 2;

	path += strspn(path, " \t");
	path[strcspn(path, " \t\n")] = 0;
	return *path ? path : NULL;
}

/* Return: true where @line was filled in with a script's first line. */
static bool look_at_file(int dirfd, const char *path, char line[256],
			 enum hf_program_kind *kind)
{
	/* It may be a FIFO or a terminal: do not wait, and take no hold of it. */
	int fd = openat(dirfd, path,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	bool script = false;
	ssize_t n = 0;

	*kind = HF_PROGRAM_FINE;
	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		n = pread(fd, line, 255, 0);
	if (n >= 4 && !memcmp(line, ELFMAG, SELFMAG)) {
		*kind = look_at_elf(fd, path);
		if (*kind == HF_PROGRAM_FINE && gains_privileges(fd, &st))
			*kind = HF_PROGRAM_PRIVILEGED;
	} else if (n >= 2 && line[0] == '#' && line[1] == '!') {
		line[n] = 0;
		script = true;
	}
	close(fd);
	return script;
}

enum hf_program_kind hf_program_look(int dirfd, const char *path)
{
	enum hf_program_kind kind = HF_PROGRAM_FINE;
	char lines[2][256];
	int saved = errno;

	for (unsigned int i = 0; path && i < MAX_SCRIPTS; i++) {
		char *line = lines[i % 2];

		if (!look_at_file(dirfd, path, line, &kind))
			break;
		path = interpreter(line);
		dirfd = AT_FDCWD;
	}
	errno = saved;
	return kind;
}

/* -- names --------------------------------------------------------------------------- */

const char *hf_program_find(const char *name, const char *search, char *buf,
			    size_t size)
{
	int saved = errno;

	if (strchr(name, '/') || !*name)
		return name;
	for (search = search ? search : "/bin:/usr/bin"; *search;) {
		size_t length = strcspn(search, ":");
		int n = snprintf(buf, size, "%.*s%s%s", (int)length, search,
				 length ? "/" : "", name);

		if (n > 0 && (size_t)n < size && !access(buf, X_OK)) {
			errno = saved;
			return buf;
		}
		search += length;
		search += *search == ':';
	}
	errno = saved;
	return NULL;
}

const char *hf_program_why(enum hf_program_kind kind)
{
	switch (kind) {
	case HF_PROGRAM_STATIC:
		return "is statically linked";
	case HF_PROGRAM_LIBC:
		return "uses another C library";
	case HF_PROGRAM_MACHINE:
		return "is for another machine, or 32-bit";
	case HF_PROGRAM_PRIVILEGED:
		return "gains privileges, so nothing is preloaded into it";
	default:
		return NULL;
	}
}
