// SPDX-License-Identifier: MIT
/*
 * A hostile client: it says hello as the shim does, and then writes whatever it
 * likes into the memory that it shares with the server, while the server reads
 * it. `scribble SEED SECONDS`. It succeeds when it has had its time; whether the
 * server did is for the caller to see.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include "uapi/wire.h"

struct hostile {
	int socket;
	struct hf_wire_channel *channel;
	uint64_t random;
};

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

/* xorshift64: the same seed does the same again. */
static uint64_t next_random(struct hostile *hostile)
{
	hostile->random ^= hostile->random << 13;
	hostile->random ^= hostile->random >> 7;
	hostile->random ^= hostile->random << 17;
	return hostile->random;
}

static bool one_in(struct hostile *hostile, unsigned int n)
{
	return next_random(hostile) % n == 0;
}

/* Numbers that are likely to mean something, or to be just beyond it. */
static uint64_t odd_number(struct hostile *hostile)
{
	static const uint64_t numbers[] = {
		0, 1, 2, 3, 4, 7, 8, 16, 64, 255, 256, 4095, 4096, 4097, 65535,
		65536, HF_WIRE_SLOT_SIZE, HF_WIRE_PAYLOAD_MAX,
		HF_WIRE_PAYLOAD_MAX + 1, INT32_MAX, 0x80000000, UINT32_MAX,
		0x100000000, INT64_MAX, UINT64_MAX, UINT64_MAX - 4095,
	};
	size_t count = sizeof(numbers) / sizeof(numbers[0]);

	return one_in(hostile, 8) ? next_random(hostile) :
				    numbers[next_random(hostile) % count];
}

static int connect_server(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *name = getenv(HF_ENV_SOCKET);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (!name || strlen(name) >= sizeof(address.sun_path) || fd < 0)
		return -1;
	memcpy(address.sun_path, name, strlen(name));
	if (name[0] == '@')
		address.sun_path[0] = 0;
	if (connect(fd, (struct sockaddr *)&address,
		    name[0] == '@' ? offsetof(struct sockaddr_un, sun_path) +
					     strlen(name) :
				     sizeof(address))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int receive_channel(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct hf_wire_hello answer;
	struct iovec iov = { &answer, sizeof(answer) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != sizeof(answer) ||
	    answer.error || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static int say_hello(struct hostile *hostile)
{
	struct hf_wire_hello hello = {
		.type = HF_WIRE_HELLO,
		.magic = HF_WIRE_MAGIC,
		.version = HF_WIRE_VERSION,
	};
	const char *key = getenv(HF_ENV_KEY);

	if (key)
		memcpy(hello.key, key, strnlen(key, sizeof(hello.key)));
	hostile->socket = connect_server();
	if (hostile->socket < 0 ||
	    send(hostile->socket, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		return -1;
	int memory = receive_channel(hostile->socket);

	if (memory < 0)
		return -1;
	hostile->channel = mmap(NULL, HF_WIRE_CHANNEL_SIZE,
				PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	close(memory);
	return hostile->channel == MAP_FAILED ? -1 : 0;
}

static void hang_up(struct hostile *hostile)
{
	munmap(hostile->channel, HF_WIRE_CHANNEL_SIZE);
	close(hostile->socket);
}

static void ring(struct hostile *hostile, unsigned int slot)
{
	atomic_fetch_or(&hostile->channel->pending, 1u << slot);
	syscall(SYS_futex, &hostile->channel->pending, FUTEX_WAKE, INT32_MAX,
		NULL, NULL, 0);
}

/* Something that looks like a request. */
static void fill_slot(struct hostile *hostile, struct hf_wire_slot *slot)
{
	slot->op = one_in(hostile, 8) ? odd_number(hostile) :
					1 + next_random(hostile) % 6;
	slot->file = next_random(hostile) % 4;
	slot->cmd = _IOC(next_random(hostile) % 4, 'd',
			 next_random(hostile) % 0xd8,
			 next_random(hostile) % 128);
	slot->nfds = one_in(hostile, 4) ? odd_number(hostile) : 0;
	slot->payload_size = one_in(hostile, 4) ? odd_number(hostile) : 0;
	for (int i = 0; i < HF_WIRE_ARRAYS; i++) {
		slot->arrays[i].off = odd_number(hostile);
		slot->arrays[i].len = odd_number(hostile);
		slot->arrays[i].flags = next_random(hostile) % 4;
	}
	for (int i = 0; i < 128; i += 4) {
		uint32_t word = odd_number(hostile);

		memcpy(slot->arg + i, &word, sizeof(word));
	}
	atomic_store(&slot->state, HF_SLOT_POSTED);
}

static void scribble(struct hostile *hostile)
{
	char *memory = (char *)hostile->channel;

	for (int i = 0; i < 64; i++) {
		uint64_t word = odd_number(hostile);
		size_t at = next_random(hostile) %
			    (one_in(hostile, 2) ? 512 : HF_WIRE_CHANNEL_SIZE);

		at = at / sizeof(word) * sizeof(word);
		memcpy(memory + at, &word, sizeof(word));
	}
}

static void send_descriptors(struct hostile *hostile)
{
	struct hf_wire_fds packet = {
		.type = HF_WIRE_FDS,
		.slot = odd_number(hostile),
		.seq = odd_number(hostile),
	};
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { &packet, sizeof(packet) };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fds[2] = { hostile->socket, STDERR_FILENO };

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fds));
	memcpy(CMSG_DATA(header), fds, sizeof(fds));
	sendmsg(hostile->socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void misbehave(struct hostile *hostile)
{
	unsigned int slot = next_random(hostile) % HF_WIRE_SLOTS;

	fill_slot(hostile, hf_wire_slot(hostile->channel, slot));
	if (one_in(hostile, 8))
		send_descriptors(hostile);
	ring(hostile, slot);
	if (one_in(hostile, 4))
		fill_slot(hostile, hf_wire_slot(hostile->channel, slot));
	if (one_in(hostile, 32))
		scribble(hostile);
}

int main(int argc, char **argv)
{
	struct hostile hostile = { 0 };

	if (argc != 3)
		return 2;
	hostile.random = strtoull(argv[1], NULL, 10) * 0x9e3779b97f4a7c15 + 1;
	for (uint64_t end = now_ms() + atoi(argv[2]) * 1000; now_ms() < end;) {
		if (say_hello(&hostile)) {
			perror("hello");
			return 1;
		}
		int rounds = 1 + next_random(&hostile) % 5000;

		while (rounds-- && !atomic_load(&hostile.channel->dead))
			misbehave(&hostile);
		hang_up(&hostile);
	}
	return 0;
}
