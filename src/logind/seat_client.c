/* SPDX-License-Identifier: MIT */
/* A client of seatd. See the header. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "logind/seat_client.h"
#include "seat/seatd_protocol.h"

struct message {
	struct hf_seatd_header header;
	union {
		int32_t number;
		char bytes[64];
	};
	int fd; /* that came along, or -1 */
};

static int lose(struct seat_client *client, int error)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	return error;
}

static int say(struct seat_client *client, uint16_t opcode, const void *body,
	       uint16_t size)
{
	uint8_t bytes[sizeof(struct hf_seatd_header) + 2 + HF_SEATD_PATH_MAX];
	const struct hf_seatd_header header = { opcode, size };

	memcpy(bytes, &header, sizeof(header));
	if (size)
		memcpy(bytes + sizeof(header), body, size);
	size += sizeof(header);
	return send(client->fd, bytes, size, MSG_NOSIGNAL) == (ssize_t)size ?
		       0 : lose(client, -ECONNRESET);
}

static int fd_of(struct msghdr *msg)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS && cmsg->cmsg_len >= CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* A descriptor comes with the first byte of its message. */
static int hear(struct seat_client *client, struct message *message)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &message->header, sizeof(message->header) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(client->fd, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC);
	uint16_t size;

	if (n != sizeof(message->header))
		return lose(client, -ECONNRESET);
	message->fd = fd_of(&msg);
	size = message->header.size;
	if (size > sizeof(message->bytes) ||
	    (size && recv(client->fd, message->bytes, size, MSG_WAITALL) != size)) {
		if (message->fd >= 0)
			close(message->fd);
		return lose(client, -ECONNRESET);
	}
	return 0;
}

static bool is_event(const struct message *message)
{
	return message->header.opcode == HF_SEATD_ENABLE ||
	       message->header.opcode == HF_SEATD_DISABLE;
}

static int keep(struct seat_client *client, const struct message *message)
{
	if (client->nevents == MAX_EVENTS)
		return lose(client, -EOVERFLOW);
	client->events[client->nevents++] = message->header.opcode;
	return 0;
}

/* The next that is no event. Return: 0 or the error that it is. */
static int await(struct seat_client *client, struct message *message)
{
	for (;;) {
		int ret = hear(client, message);

		if (!ret && is_event(message)) {
			ret = keep(client, message);
			if (!ret)
				continue;
		}
		if (!ret && message->header.opcode == HF_SEATD_ERROR)
			ret = -message->number;
		return ret;
	}
}

int seat_client_open(struct seat_client *client, unsigned int vt)
{
	const struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
		.sun_path = HF_SEATD_PATH,
	};
	const int32_t session = (int32_t)vt;
	struct message message;
	int ret;

	client->nevents = 0;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	if (connect(client->fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return lose(client, -errno);
	ret = say(client, HF_SEATD_OPEN_SEAT, &session, sizeof(session));
	if (!ret)
		ret = await(client, &message);
	/* What it has to say with that has come when it answers this. */
	if (!ret)
		ret = say(client, HF_SEATD_PING, NULL, 0);
	if (!ret)
		ret = await(client, &message);
	return ret == -ECONNRESET ? -EBUSY : ret;
}

void seat_client_close(struct seat_client *client)
{
	lose(client, 0);
	client->nevents = 0;
}

int seat_client_take(struct seat_client *client, const char *path, int32_t *id)
{
	struct {
		uint16_t length;
		char path[HF_SEATD_PATH_MAX];
	} body;
	size_t length = strlen(path) + 1;
	struct message message;
	int ret;

	if (length > sizeof(body.path))
		return -ENAMETOOLONG;
	body.length = (uint16_t)length;
	memcpy(body.path, path, length);
	ret = say(client, HF_SEATD_OPEN_DEVICE, &body,
		  (uint16_t)(offsetof(typeof(body), path) + length));
	if (!ret)
		ret = await(client, &message);
	if (ret)
		return ret;
	*id = message.number;
	return message.fd >= 0 ? message.fd : -EMFILE;
}

void seat_client_give_back(struct seat_client *client, int32_t id)
{
	struct message message;

	if (client->fd >= 0 &&
	    !say(client, HF_SEATD_CLOSE_DEVICE, &id, sizeof(id)))
		await(client, &message);
}

static bool readable(const struct seat_client *client)
{
	struct pollfd pollfd = { .fd = client->fd, .events = POLLIN };

	return poll(&pollfd, 1, 0) > 0;
}

int seat_client_event(struct seat_client *client)
{
	struct message message;
	int ret;

	if (!client->nevents && readable(client)) {
		ret = hear(client, &message);
		if (!ret && is_event(&message))
			ret = keep(client, &message);
		if (ret)
			return ret;
	}
	if (!client->nevents)
		return 0;
	ret = client->events[0];
	client->nevents--;
	memmove(client->events, client->events + 1,
		client->nevents * sizeof(*client->events));
	return ret;
}

int seat_client_let_go(struct seat_client *client)
{
	return say(client, HF_SEATD_DISABLE_SEAT, NULL, 0);
}
