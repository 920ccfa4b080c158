// SPDX-License-Identifier: MIT
/*
 * What a file is that is about to be started: made-up ELF files and scripts, broken
 * ones as well, and names that are searched for.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/program.h"

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#else
#define MACHINE EM_AARCH64
#endif

static char dir[] = "/tmp/holdfast-program-XXXXXX";
/* There is one file at a time. */
static char path[128];

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	char loader[64];
};

static struct image make_image(const char *loader)
{
	struct image image = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64 },
			.e_machine = MACHINE,
			.e_phoff = offsetof(struct image, segment),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.segment = {
			.p_type = loader ? PT_INTERP : PT_LOAD,
			.p_offset = offsetof(struct image, loader),
			.p_filesz = loader ? strlen(loader) + 1 : 0,
		},
	};

	if (loader)
		strcpy(image.loader, loader);
	return image;
}

static void name_it(const char *name)
{
	if (path[0])
		unlink(path);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
}

static enum hf_program_kind look_at(const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_int_equal(write(fd, data, size), size);
	close(fd);
	return hf_program_look(AT_FDCWD, path);
}

static void loaders_tell_the_c_library(void **state)
{
	struct image glibc = make_image("/lib64/ld-linux-x86-64.so.2");
	struct image musl = make_image("/lib/ld-musl-x86_64.so.1");
	struct image none = make_image(NULL);

	(void)state;
	name_it("program");
	assert_int_equal(look_at(&glibc, sizeof(glibc)), HF_PROGRAM_FINE);
	assert_int_equal(look_at(&musl, sizeof(musl)), HF_PROGRAM_LIBC);
	assert_int_equal(look_at(&none, sizeof(none)), HF_PROGRAM_STATIC);
	/* A loader has none, and is one. */
	name_it("ld-linux-x86-64.so.2");
	assert_int_equal(look_at(&none, sizeof(none)), HF_PROGRAM_FINE);
}

static void other_machines_are_told(void **state)
{
	struct image image = make_image("/lib/ld-linux.so.2");

	(void)state;
	name_it("program");
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(look_at(&image, sizeof(image)), HF_PROGRAM_MACHINE);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_machine = EM_S390;
	assert_int_equal(look_at(&image, sizeof(image)), HF_PROGRAM_MACHINE);
}

static void broken_files_are_nobodys_business(void **state)
{
	struct image image = make_image("/lib/ld-musl-x86_64.so.1");

	(void)state;
	name_it("program");
	errno = 4711;
	assert_int_equal(hf_program_look(AT_FDCWD, "/nonexistent"),
			 HF_PROGRAM_FINE);
	assert_int_equal(hf_program_look(AT_FDCWD, dir), HF_PROGRAM_FINE);
	assert_int_equal(errno, 4711);
	for (size_t size = 1; size < offsetof(struct image, loader); size++)
		assert_int_equal(look_at(&image, size), HF_PROGRAM_FINE);
	image.segment.p_filesz = UINT64_MAX;
	assert_int_equal(look_at(&image, sizeof(image)), HF_PROGRAM_FINE);
	image.header.e_phnum = UINT16_MAX;
	assert_int_equal(look_at(&image, sizeof(image)), HF_PROGRAM_FINE);
	image.header.e_phnum = 1;
	image.header.e_phoff = UINT64_MAX;
	assert_int_equal(look_at(&image, sizeof(image)), HF_PROGRAM_FINE);
}

static void nobody_waits_for_a_fifo(void **state)
{
	(void)state;
	name_it("fifo");
	assert_int_equal(mkfifo(path, 0755), 0);
	alarm(10);
	assert_int_equal(hf_program_look(AT_FDCWD, path), HF_PROGRAM_FINE);
	alarm(0);
}

static void scripts_are_followed_but_not_for_ever(void **state)
{
	char script[256];
	int n;

	(void)state;
	name_it("script");
	n = snprintf(script, sizeof(script), "#!%s\n", path);
	assert_int_equal(look_at(script, n), HF_PROGRAM_FINE);
	assert_int_equal(look_at("#!", 2), HF_PROGRAM_FINE);
	assert_int_equal(look_at("#! \t\n", 5), HF_PROGRAM_FINE);
	assert_int_equal(look_at("#! /nonexistent -x\n", 19), HF_PROGRAM_FINE);
}

static void names_are_searched_for(void **state)
{
	char buf[256], search[256];

	(void)state;
	name_it("tool");
	look_at("x", 1);
	snprintf(search, sizeof(search), "/nonexistent::%s", dir);
	assert_string_equal(hf_program_find("./a", search, buf, sizeof(buf)),
			    "./a");
	assert_non_null(hf_program_find("tool", search, buf, sizeof(buf)));
	assert_string_equal(buf, path);
	assert_null(hf_program_find("no-such-tool", search, buf, sizeof(buf)));
	assert_null(hf_program_find("tool", search, buf, 4));
	assert_non_null(hf_program_find("sh", NULL, buf, sizeof(buf)));
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loaders_tell_the_c_library),
		cmocka_unit_test(other_machines_are_told),
		cmocka_unit_test(broken_files_are_nobodys_business),
		cmocka_unit_test(nobody_waits_for_a_fifo),
		cmocka_unit_test(scripts_are_followed_but_not_for_ever),
		cmocka_unit_test(names_are_searched_for),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
