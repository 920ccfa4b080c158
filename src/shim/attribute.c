/* SPDX-License-Identifier: MIT */
/*
 * Writing to virtual files. One that is open for writing only is an empty memfd; a
 * write(2) to it goes to the server, which says what comes of it. What stdio writes
 * lands in the memfd, since the C library calls the kernel without us, and goes to
 * the server when the stream is flushed or closed, with the result as its own.
 *
 * No locks. The one variable says whether there is anything to look for; it holds for
 * the child of a fork as well.
 */
#include "shim/path.h"

#include <stdio.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "shim/attribute.h"
#include "shim/client.h"
#include "shim/usercopy.h"

_Atomic int hf_attributes;

void hf_attribute_opened(void)
{
	hf_attributes = HF_ATTRIBUTES_SOME;
}

/* Is it a virtual file that is open for writing? */
static bool is_attribute(int fd, char path[PATH_MAX])
{
	struct stat st;
	int flags;

	if (REAL(fstat)(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink)
		return false;
	flags = REAL(fcntl)(fd, F_GETFL);
	return flags >= 0 && (flags & O_ACCMODE) != O_RDONLY &&
	       !(flags & O_PATH) && hf_path_of_fd(fd, path) &&
	       strlen(path) <= HF_WIRE_PATH_MAX;
}

/* What we have started with may be one: the output of a shell's redirection. */
bool hf_attribute_look(void)
{
	char path[PATH_MAX];
	int saved = errno, unknown = HF_ATTRIBUTES_UNKNOWN;
	bool any = false;

	if (!hf_shim_active())
		return false;
	if (hf_attributes == HF_ATTRIBUTES_UNKNOWN) {
		for (int fd = 0; fd <= 2 && !any; fd++)
			any = is_attribute(fd, path);
		__atomic_compare_exchange_n((int *)&hf_attributes, &unknown,
					    any ? HF_ATTRIBUTES_SOME :
						  HF_ATTRIBUTES_NONE,
					    false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
		errno = saved;
	}
	return hf_attributes == HF_ATTRIBUTES_SOME;
}

/* -- asking the server ----------------------------------------------------- */

/* Up to a page of what is there to be written. */
static int gather(struct hf_wire_write *write, const struct iovec *iov, int n)
{
	for (int i = 0; i < n; i++) {
		size_t left = sizeof(write->bytes) - write->size;
		size_t size = iov[i].iov_len < left ? iov[i].iov_len : left;

		if (hf_copy_from_user(write->bytes + write->size,
				      iov[i].iov_base, size))
			return -EFAULT;
		write->size += (uint32_t)size;
	}
	return 0;
}

/* Return: bytes that were written, or a negative errno. */
static ssize_t store(const char *path, const struct iovec *iov, int n)
{
	struct hf_request req;
	struct hf_wire_write *write;
	uint32_t size = 0;
	ssize_t ret = hf_request_begin(&req, HF_OP_WRITE);

	if (ret)
		return ret;
	write = (struct hf_wire_write *)req.slot->arg;
	memset(write, 0, offsetof(struct hf_wire_write, bytes));
	strcpy(write->path, path);
	ret = gather(write, iov, n);
	size = write->size;
	if (!ret && size)
		ret = hf_request_run(&req);
	hf_request_end(&req);
	return ret ? ret : (ssize_t)size;
}

bool hf_attribute_write(int fd, const struct iovec *iov, int n, ssize_t *ret)
{
	char path[PATH_MAX];
	int saved = errno;

	if (!is_attribute(fd, path) || n < 0) {
		errno = saved;
		return false;
	}
	*ret = store(path, iov, n);
	errno = *ret < 0 ? (int)-*ret : saved;
	if (*ret < 0)
		*ret = -1;
	return true;
}

int hf_attribute_flush(int fd)
{
	char path[PATH_MAX], bytes[HF_WIRE_WRITE_MAX];
	struct iovec iov = { .iov_base = bytes };
	int saved = errno;
	ssize_t ret = 0;
	char link[40];
	struct stat st;
	int own;

	if (!is_attribute(fd, path) || REAL(fstat)(fd, &st) ||
	    st.st_size == 0 ||
	    (REAL(fcntl)(fd, F_GETFL) & O_ACCMODE) != O_WRONLY) {
		errno = saved;
		return 0;
	}
	/* It is open for writing only. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	own = REAL(open)(link, O_RDWR | O_CLOEXEC);
	if (own >= 0) {
		ret = pread(own, bytes, sizeof(bytes), 0);
		REAL(close)(own);
	}
	if (own >= 0 && ret > 0 && ftruncate(fd, 0) == 0) {
		lseek(fd, 0, SEEK_SET);
		iov.iov_len = (size_t)ret;
		ret = store(path, &iov, 1);
	}
	errno = saved;
	return ret < 0 ? (int)ret : 0;
}

/* -- stdio ----------------------------------------------------------------- */

/* As if the stream's own write had failed. */
static int failed(FILE *f, int error)
{
	f->_flags |= _IO_ERR_SEEN;
	errno = error;
	return EOF;
}

HF_SHIM_EXPORT int fflush(FILE *f)
{
	int ret = REAL(fflush)(f), error;

	if (!f || !hf_attribute_possible())
		return ret;
	error = hf_attribute_flush(fileno(f));
	return error ? failed(f, -error) : ret;
}

HF_SHIM_EXPORT int fclose(FILE *f)
{
	int error = 0, ret;

	if (hf_attribute_possible()) {
		/* What could not be written is forgotten then, and closing succeeds. */
		if (__fwriting(f) && REAL(fflush)(f))
			error = -errno;
		else
			error = hf_attribute_flush(fileno(f));
	}
	ret = REAL(fclose)(f);
	if (!error)
		return ret;
	errno = -error;
	return EOF;
}

/* What a program leaves to exit(3), which flushes streams without us. */
__attribute__((destructor)) static void flush_output(void)
{
	if (!hf_attribute_possible())
		return;
	REAL(fflush)(NULL);
	for (int fd = 0; fd < 256; fd++)
		hf_attribute_flush(fd);
}
