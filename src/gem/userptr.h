/* SPDX-License-Identifier: MIT */
/*
 * User pages: memory of client processes, as pages of files that they have
 * shown us (shim/userptr.h).
 *
 * A process may name a file by its inode once it has shown a descriptor of it,
 * and only then. What is remembered of it is a struct hf_user_file; so long as
 * pages of it are registered, and, if it is adopted memory, for as long as the
 * process has it mapped: it has no descriptor left to show again. Whether it
 * has is looked up every second, but only while there are such files.
 *
 * Pages are charged to the DRM file that they were registered with.
 *
 * The lock of the devices protects it.
 */
#ifndef HF_GEM_USERPTR_H
#define HF_GEM_USERPTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hf_backing;
struct hf_clock;
struct hf_memory;
struct hf_user_file;
struct hf_user_files;

/* The limits of a DRM file; lives on while its pages do. */
struct hf_user_account {
	uint32_t refcount;
	size_t pages;
};

/**
 * struct hf_user_segment - Pages of one file.
 * @file: with a reference
 * @backing: the file's, for hf_backing_get_pages()
 * @first: page in it
 * @npages: how many
 */
struct hf_user_segment {
	struct hf_user_file *file;
	struct hf_backing *backing;
	size_t first, npages;
};

/**
 * struct hf_user_pages - Registered memory of a process.
 * @npages: of all segments
 * @read_only: devices may only read
 */
struct hf_user_pages {
	struct hf_user_account *account;
	size_t npages;
	bool read_only;
	unsigned int nsegments;
	struct hf_user_segment segments[];
};

/** hf_user_files_create() - Return: NULL and ENOMEM. */
struct hf_user_files *hf_user_files_create(struct hf_memory *mem,
					   struct hf_clock *clock);
/** hf_user_files_destroy() - All pages must be gone. Takes NULL. */
void hf_user_files_destroy(struct hf_user_files *files);
/** hf_user_files_max() - Pages that an account may hold. */
size_t hf_user_files_max(const struct hf_user_files *files);
/** hf_user_files_idle() - How many are kept that nobody uses. */
size_t hf_user_files_idle(const struct hf_user_files *files);
/** hf_user_files_forget() - A process is gone. */
void hf_user_files_forget(struct hf_user_files *files, pid_t pid);

/**
 * hf_user_file_find() - A file that a process has shown.
 * @dev: as fstat(2) has it; likewise @ino
 * @write: to be written to
 *
 * Return: a reference, or NULL: it has to be shown (again).
 */
struct hf_user_file *hf_user_file_find(struct hf_user_files *files, pid_t pid,
				       dev_t dev, ino_t ino, bool write);
/**
 * hf_user_file_show() - A process shows a file.
 * @fd: stays the caller's
 * @dev: which file it should be; likewise @ino
 * @adopted: to be remembered while the process has it mapped
 * @file: set to a reference
 *
 * Return: 0; -EFAULT where it is another file, none that can be memory, or one
 * that must not be written to; -ENOMEM.
 */
int hf_user_file_show(struct hf_user_files *files, pid_t pid, int fd, dev_t dev,
		      ino_t ino, bool adopted, bool write,
		      struct hf_user_file **file);
struct hf_user_file *hf_user_file_get(struct hf_user_file *file);
/** hf_user_file_put() - Takes NULL. */
void hf_user_file_put(struct hf_user_file *file);
/** hf_user_file_is() - Is it this file of this process? */
bool hf_user_file_is(const struct hf_user_file *file, dev_t dev, ino_t ino);

/** hf_user_account_create() - Return: NULL and ENOMEM. */
struct hf_user_account *hf_user_account_create(void);
/** hf_user_account_put() - Takes NULL. */
void hf_user_account_put(struct hf_user_account *account);

/**
 * hf_user_pages_create() - Register memory.
 * @segments: their files and pages; references are taken, backings filled in
 * @n: how many, at least one
 *
 * Return: NULL and errno: EFAULT for segments that are empty or beyond their
 * file, ENOMEM, also where the account's limit is reached.
 */
struct hf_user_pages *hf_user_pages_create(struct hf_user_files *files,
					   struct hf_user_account *account,
					   const struct hf_user_segment *segments,
					   unsigned int n, bool read_only);
/** hf_user_pages_destroy() - Pages that are held stay. Takes NULL. */
void hf_user_pages_destroy(struct hf_user_pages *pages);

#endif
