/* SPDX-License-Identifier: MIT */
/*
 * Packets with descriptors: what arrives, what is refused, what leaks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fdpass.h"
#include "fdcount.h"

static int sv[2];
static unsigned int open_before;

static int setup(void **state)
{
	(void)state;
	open_before = count_fds();
	return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv);
}

static int teardown(void **state)
{
	(void)state;
	close(sv[0]);
	close(sv[1]);
	return count_fds() != open_before;
}

static ino_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void close_all(int *fds, unsigned int n)
{
	while (n)
		close(fds[--n]);
}

/* Past hf_send_fds(), as one who does not keep to its limits. */
static void send_raw(const void *data, size_t len, const int *fds, size_t n)
{
	union {
		char buf[CMSG_SPACE(sizeof(int) * 64)];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { (void *)data, len };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = CMSG_SPACE(sizeof(int) * n),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n);
	assert_int_equal(sendmsg(sv[0], &msg, 0), len);
}

static void a_packet_arrives_whole(void **state)
{
	int fds[HF_FDPASS_MAX];
	unsigned int n = 99;
	char buf[16];

	(void)state;
	assert_int_equal(hf_send_fds(sv[0], "hello", 6, NULL, 0), 0);
	assert_int_equal(hf_send_fds(sv[0], "you", 4, NULL, 0), 0);
	assert_int_equal(hf_recv_fds(sv[1], buf, sizeof(buf), 0, fds, &n), 6);
	assert_string_equal(buf, "hello");
	assert_int_equal(n, 0);
	assert_int_equal(hf_recv_fds(sv[1], buf, sizeof(buf), 0, fds, &n), 4);
	assert_string_equal(buf, "you");
}

static void the_most_descriptors_arrive_in_order(void **state)
{
	int out[HF_FDPASS_MAX], in[HF_FDPASS_MAX];
	unsigned int n;
	char byte;

	(void)state;
	for (int i = 0; i < HF_FDPASS_MAX; i++)
		out[i] = memfd_create("passed", MFD_CLOEXEC);
	assert_int_equal(hf_send_fds(sv[0], "x", 1, out, HF_FDPASS_MAX), 0);
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, 0, in, &n), 1);
	assert_int_equal(n, HF_FDPASS_MAX);
	for (int i = 0; i < HF_FDPASS_MAX; i++)
		assert_int_equal(inode(in[i]), inode(out[i]));
	close_all(in, n);
	close_all(out, HF_FDPASS_MAX);
}

static void descriptors_arrive_close_on_exec(void **state)
{
	int out = memfd_create("passed", 0), in[HF_FDPASS_MAX];
	unsigned int n;
	char byte;

	(void)state;
	assert_int_equal(hf_send_fds(sv[0], "x", 1, &out, 1), 0);
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, 0, in, &n), 1);
	assert_int_equal(n, 1);
	assert_int_equal(fcntl(in[0], F_GETFD), FD_CLOEXEC);
	close(in[0]);
	close(out);
}

static void too_many_descriptors_are_not_sent(void **state)
{
	int fds[HF_FDPASS_MAX + 1], in[HF_FDPASS_MAX];
	unsigned int n;
	char byte;

	(void)state;
	for (int i = 0; i <= HF_FDPASS_MAX; i++)
		fds[i] = STDERR_FILENO;
	assert_int_equal(hf_send_fds(sv[0], "x", 1, fds, HF_FDPASS_MAX + 1),
			 -EINVAL);
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, MSG_DONTWAIT, in, &n),
			 -EAGAIN);
}

static void too_many_descriptors_are_closed_and_none_arrives(void **state)
{
	int fds[64], in[HF_FDPASS_MAX];
	unsigned int n = 99, before = count_fds();
	char byte;

	(void)state;
	for (int i = 0; i < 64; i++)
		fds[i] = STDERR_FILENO;
	for (int i = HF_FDPASS_MAX + 1; i <= 64; i++) {
		send_raw("x", 1, fds, i);
		assert_int_equal(hf_recv_fds(sv[1], &byte, 1, 0, in, &n), 1);
		assert_int_equal(n, 0);
		assert_int_equal(count_fds(), before);
	}
}

static void a_packet_that_is_too_long_is_refused_and_its_descriptors_closed(
	void **state)
{
	int fds[2] = { STDERR_FILENO, STDERR_FILENO }, in[HF_FDPASS_MAX];
	unsigned int n = 99, before = count_fds();
	char buf[4];

	(void)state;
	assert_int_equal(hf_send_fds(sv[0], "12345", 5, fds, 2), 0);
	assert_int_equal(hf_recv_fds(sv[1], buf, sizeof(buf), 0, in, &n),
			 -EBADMSG);
	assert_int_equal(n, 0);
	assert_int_equal(count_fds(), before);
	/* The next one is not affected. */
	assert_int_equal(hf_send_fds(sv[0], "1234", 4, NULL, 0), 0);
	assert_int_equal(hf_recv_fds(sv[1], buf, sizeof(buf), 0, in, &n), 4);
}

static void an_empty_packet_may_carry_descriptors(void **state)
{
	int fd = STDERR_FILENO, in[HF_FDPASS_MAX];
	unsigned int n = 99;
	char byte;

	(void)state;
	send_raw("", 0, &fd, 1);
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, 0, in, &n), 0);
	assert_int_equal(n, 1);
	close(in[0]);
}

static void nothing_to_receive_is_eagain_and_the_end_is_zero(void **state)
{
	int in[HF_FDPASS_MAX];
	unsigned int n = 99;
	char byte;

	(void)state;
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, MSG_DONTWAIT, in, &n),
			 -EAGAIN);
	assert_int_equal(n, 0);
	shutdown(sv[0], SHUT_RDWR);
	assert_int_equal(hf_recv_fds(sv[1], &byte, 1, 0, in, &n), 0);
	assert_int_equal(n, 0);
}

static void sending_never_blocks_and_never_raises_sigpipe(void **state)
{
	char packet[1024] = { 0 };
	int ret = 0;

	(void)state;
	for (int i = 0; i < 100000 && !ret; i++)
		ret = hf_send_fds(sv[0], packet, sizeof(packet), NULL, 0);
	assert_int_equal(ret, -EAGAIN);
	shutdown(sv[1], SHUT_RDWR);
	assert_int_equal(hf_send_fds(sv[0], packet, 1, NULL, 0), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_packet_arrives_whole),
		TEST(the_most_descriptors_arrive_in_order),
		TEST(descriptors_arrive_close_on_exec),
		TEST(too_many_descriptors_are_not_sent),
		TEST(too_many_descriptors_are_closed_and_none_arrives),
		TEST(a_packet_that_is_too_long_is_refused_and_its_descriptors_closed),
		TEST(an_empty_packet_may_carry_descriptors),
		TEST(nothing_to_receive_is_eagain_and_the_end_is_zero),
		TEST(sending_never_blocks_and_never_raises_sigpipe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
