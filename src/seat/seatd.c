/* SPDX-License-Identifier: MIT */
/*
 * The seat as libseat knows it. See the header; the system's lock protects all of it.
 *
 * A client is new, and then has a session: the VT that was shown when it opened the
 * seat, which it controls from there on. When another VT comes, its devices are taken away
 * at once, it is told so, and says when it has got over it (PENDING until then): the other
 * VT is shown, but nobody gets the seat before.
 * One that does not say so while somebody waits is hung up on.
 *
 * Messages are small, so each is sent with one call, and one that does not fit into a
 * socket whose other end has read nothing for thousands of them ends the connection.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <json.h>

#include "base/fdpass.h"
#include "base/log.h"
#include "seat/seatd.h"
#include "seat/seatd_protocol.h"
#include "seat/taken.h"
#include "seat/vt.h"
#include "uapi/system.h"

#define SEAT_NAME "seat0"
#define MAX_CLIENTS 64
/* How long others wait for a client that has lost the seat to say that it knows. */
#define PATIENCE (10 * HF_NSEC_PER_SEC)

enum state { NEW, ACTIVE, PENDING, DISABLED, CLOSED };

struct hf_seatd {
	struct hf_system *sys;
	struct hf_vts *vts;
	struct hf_seat *seat;
	hf_seatd_find find;
	void *data;
	bool deaf; /* the socket was removed */
	int epoll;
	uint64_t last_id;
	struct wl_list clients; /* the oldest first */
	struct client *current; /* who has the seat, or has to let go of it */
	struct hf_timer patience;
};

struct client {
	struct hf_seatd *seatd;
	struct wl_list link;
	uint64_t id;
	int fd;
	struct hf_cred cred;
	enum state state;
	unsigned int session; /* the VT, while it has one */
	struct hf_vt_control control; /* of that */
	struct wl_list devices; /* hf_taken.link, by id */
	bool dropped;
	/* A message that is not all there yet. */
	size_t got;
	uint8_t in[sizeof(struct hf_seatd_header) + sizeof(uint16_t) +
		   HF_SEATD_PATH_MAX];
};

/* -- talking --------------------------------------------------------------- */

/* It is gone when it is safe to say so: by remove_dropped(). */
static void drop(struct client *client, const char *why)
{
	if (client->dropped)
		return;
	hf_info("pid %d: seatd's client dropped: %s", client->cred.pid, why);
	client->dropped = true;
	shutdown(client->fd, SHUT_RDWR); /* which the main thread hears */
}

static void tell_with(struct client *client, enum hf_seatd_answer opcode,
		      const void *body, size_t size, const int *fds,
		      unsigned int nfds)
{
	struct {
		struct hf_seatd_header header;
		uint8_t body[16];
	} message = { .header = { .opcode = opcode, .size = size } };
	int ret;

	if (client->dropped)
		return;
	if (size)
		memcpy(message.body, body, size);
	ret = hf_send_fds(client->fd, &message, sizeof(message.header) + size,
			  fds, nfds);
	if (ret)
		drop(client, ret == -EAGAIN ? "it does not read" : strerror(-ret));
}

static void tell(struct client *client, enum hf_seatd_answer opcode)
{
	tell_with(client, opcode, NULL, 0, NULL, 0);
}

static void tell_number(struct client *client, enum hf_seatd_answer opcode,
			int32_t number)
{
	tell_with(client, opcode, &number, sizeof(number), NULL, 0);
}

/* -- who has the seat ------------------------------------------------------ */

static void enable(struct client *client)
{
	struct hf_taken *taken;

	wl_list_for_each(taken, &client->devices, link)
		hf_taken_resume(taken);
	client->state = ACTIVE;
	client->seatd->current = client;
	tell(client, HF_SEATD_ENABLE);
}

static void disable(struct client *client)
{
	struct hf_taken *taken;

	wl_list_for_each(taken, &client->devices, link)
		hf_taken_pause(taken);
	client->state = PENDING;
	tell(client, HF_SEATD_DISABLE);
}

/* Whose VT is it? */
static struct client *client_of(struct hf_seatd *seatd, unsigned int vt)
{
	struct client *client;

	wl_list_for_each(client, &seatd->clients, link)
		if (client->session == vt && !client->dropped)
			return client;
	return NULL;
}

/* Who has the seat, or is still getting over it, and keeps another one waiting? */
static struct client *in_the_way(struct hf_seatd *seatd)
{
	struct client *next = client_of(seatd, hf_vt_active(seatd->vts));

	return next && next != seatd->current ? seatd->current : NULL;
}

/* Give the seat to whom it belongs, if nobody has it. */
static void give(struct hf_seatd *seatd)
{
	struct hf_clock *clock = seatd->sys->real_clock;
	struct client *next;

	if (seatd->current) {
		if (in_the_way(seatd) && !seatd->patience.armed)
			hf_timer_arm(clock, &seatd->patience,
				     hf_clock_now(clock) + PATIENCE);
		return;
	}
	hf_timer_disarm(clock, &seatd->patience);
	next = client_of(seatd, hf_vt_active(seatd->vts));
	if (next)
		enable(next);
}

/* Its VT is not to be shown any more. */
static void release_vt(struct hf_vt_control *control)
{
	struct client *client = wl_container_of(control, client, control);

	if (client->state == ACTIVE)
		disable(client);
	hf_vt_release(client->seatd->vts, control, true);
}

static void acquire_vt(struct hf_vt_control *control)
{
	struct client *client = wl_container_of(control, client, control);

	give(client->seatd);
}

/* -- life ------------------------------------------------------------------ */

static void close_devices(struct client *client)
{
	struct hf_taken *taken, *next;

	wl_list_for_each_safe(taken, next, &client->devices, link)
		hf_taken_close(taken);
}

/* The client gives its session back, or is gone. */
static void end_session(struct client *client)
{
	struct hf_seatd *seatd = client->seatd;

	close_devices(client);
	if (!client->session)
		return;
	client->session = 0;
	client->state = CLOSED;
	hf_vt_give_back(seatd->vts, &client->control);
	if (seatd->current != client)
		return;
	seatd->current = NULL;
	give(seatd);
}

static void destroy(struct client *client)
{
	wl_list_remove(&client->link);
	close(client->fd); /* which takes it out of the epoll set, too */
	end_session(client);
	free(client);
}

/* One that goes may make others hear of it, who then go, too. */
static void remove_dropped(struct hf_seatd *seatd)
{
	struct client *client;
	bool again;

	do {
		again = false;
		wl_list_for_each(client, &seatd->clients, link) {
			if (!client->dropped)
				continue;
			destroy(client);
			again = true;
			break;
		}
	} while (again);
}

static bool hung_up(const struct client *client)
{
	struct pollfd pollfd = { .fd = client->fd };

	return poll(&pollfd, 1, 0) > 0;
}

/* In the kernel a close is done when close(2) returns: so look before it matters. */
static void reap(struct hf_seatd *seatd, const struct client *but)
{
	struct client *client;

	wl_list_for_each(client, &seatd->clients, link)
		if (client != but && hung_up(client))
			client->dropped = true;
	remove_dropped(seatd);
}

static void out_of_patience(struct hf_timer *timer)
{
	struct hf_seatd *seatd = wl_container_of(timer, seatd, patience);
	struct client *client = in_the_way(seatd);

	if (!client)
		return;
	drop(client, "it does not let go of the seat");
	remove_dropped(seatd);
}

static int add_client(struct hf_seatd *seatd, const struct hf_cred *cred, int fd)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLRDHUP,
		.data.u64 = seatd->last_id + 1,
	};
	struct client *client = calloc(1, sizeof(*client));

	if (!client)
		return -ENOMEM;
	if (epoll_ctl(seatd->epoll, EPOLL_CTL_ADD, fd, &event)) {
		free(client);
		return -ENOMEM;
	}
	client->seatd = seatd;
	client->fd = fd;
	client->id = ++seatd->last_id;
	client->cred = *cred;
	client->control = (struct hf_vt_control){ release_vt, acquire_vt };
	wl_list_init(&client->devices);
	wl_list_insert(seatd->clients.prev, &client->link);
	return 0;
}

/* The oldest of those that do nothing goes first. */
static void make_room(struct hf_seatd *seatd)
{
	struct client *client;

	if (wl_list_length(&seatd->clients) < MAX_CLIENTS)
		return;
	wl_list_for_each(client, &seatd->clients, link) {
		if (client->session)
			continue;
		drop(client, "there are too many");
		break;
	}
	remove_dropped(seatd);
}

int hf_seatd_connect(struct hf_seatd *seatd, const struct hf_cred *cred,
		     int *client)
{
	int sv[2], ret;

	reap(seatd, NULL);
	make_room(seatd);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return -errno;
	ret = sv[0] >= seatd->sys->endpoints.max_fds ?
		      -ENFILE : add_client(seatd, cred, sv[0]);
	if (ret) {
		close(sv[0]);
		close(sv[1]);
		return ret;
	}
	*client = sv[1];
	return 0;
}

bool hf_seatd_listens(const struct hf_seatd *seatd)
{
	return !seatd->deaf;
}

void hf_seatd_stop_listening(struct hf_seatd *seatd)
{
	seatd->deaf = true;
}

struct hf_seatd *hf_seatd_create(struct hf_system *sys, struct hf_vts *vts,
				 struct hf_seat *seat, hf_seatd_find find,
				 void *data)
{
	struct hf_seatd *seatd = calloc(1, sizeof(*seatd));

	if (!seatd)
		return NULL;
	seatd->sys = sys;
	seatd->vts = vts;
	seatd->seat = seat;
	seatd->find = find;
	seatd->data = data;
	seatd->patience.fn = out_of_patience;
	wl_list_init(&seatd->clients);
	seatd->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (seatd->epoll >= 0)
		return seatd;
	free(seatd);
	return NULL;
}

void hf_seatd_destroy(struct hf_seatd *seatd)
{
	struct client *client;

	if (!seatd)
		return;
	wl_list_for_each(client, &seatd->clients, link)
		client->dropped = true;
	remove_dropped(seatd);
	hf_timer_disarm(seatd->sys->real_clock, &seatd->patience);
	close(seatd->epoll);
	free(seatd);
}

/* -- what clients ask for -------------------------------------------------- */

/* @vt: whose session it wants; 0: that of the one that is shown. */
static void open_seat(struct client *client, unsigned int vt)
{
	static const struct {
		uint16_t length;
		char name[sizeof(SEAT_NAME) - 1];
	} body = { sizeof(SEAT_NAME) - 1, SEAT_NAME };
	struct hf_seatd *seatd = client->seatd;

	reap(seatd, client);
	if (!vt)
		vt = hf_vt_active(seatd->vts);
	if (client->state != NEW ||
	    hf_vt_take(seatd->vts, vt, &client->control)) {
		drop(client, "the VT's seat is taken");
		return;
	}
	client->state = DISABLED;
	client->session = vt;
	tell_with(client, HF_SEATD_SEAT_OPENED, &body,
		  offsetof(typeof(body), name) + sizeof(body.name), NULL, 0);
	give(seatd);
}

static void close_seat(struct client *client)
{
	end_session(client);
	tell(client, HF_SEATD_SEAT_CLOSED);
}

static struct hf_taken *find_device(struct client *client, uint32_t major,
				    uint32_t minor)
{
	struct hf_taken *taken;

	wl_list_for_each(taken, &client->devices, link)
		if (taken->major == major && taken->minor == minor)
			return taken;
	return NULL;
}

/* Ids go up, so that the one of a device that was closed means nothing for long. */
static int take(struct client *client, uint32_t major, uint32_t minor,
		struct hf_taken **out)
{
	struct hf_taken *last = wl_container_of(client->devices.prev, last, link);
	bool none = wl_list_empty(&client->devices);
	struct hf_taken *taken;

	if (wl_list_length(&client->devices) >= HF_SEATD_MAX_DEVICES)
		return -EMFILE;
	taken = hf_taken_open(client->seatd->sys, client->seatd->seat,
			      &client->cred, major, minor);
	if (!taken)
		return -errno;
	taken->id = none ? 1 : last->id + 1;
	wl_list_insert(client->devices.prev, &taken->link);
	*out = taken;
	return 0;
}

static int take_path(struct client *client, const char *path,
		     struct hf_taken **out)
{
	struct hf_seatd *seatd = client->seatd;
	uint32_t major, minor;
	int ret;

	if (client->state != ACTIVE)
		return -EPERM;
	ret = seatd->find(seatd->data, path, &major, &minor);
	if (ret)
		return ret;
	*out = find_device(client, major, minor);
	if (!*out || !(*out)->active)
		ret = take(client, major, minor, out);
	return ret;
}

static void open_device(struct client *client, const char *path)
{
	struct hf_taken *taken;
	int ret = take_path(client, path, &taken);

	if (ret) {
		tell_number(client, HF_SEATD_ERROR, -ret);
		return;
	}
	taken->refs++;
	tell_with(client, HF_SEATD_DEVICE_OPENED, &taken->id, sizeof(taken->id),
		  &taken->fd, 1);
}

static void close_device(struct client *client, int32_t id)
{
	struct hf_taken *taken;

	wl_list_for_each(taken, &client->devices, link) {
		if (taken->id != id)
			continue;
		if (--taken->refs == 0)
			hf_taken_close(taken);
		tell(client, HF_SEATD_DEVICE_CLOSED);
		return;
	}
	tell_number(client, HF_SEATD_ERROR, EBADF);
}

/* There is no answer where it works. */
static void disabled(struct client *client)
{
	struct hf_seatd *seatd = client->seatd;

	if (client->state != PENDING) {
		tell_number(client, HF_SEATD_ERROR, EBUSY);
		return;
	}
	client->state = DISABLED;
	seatd->current = NULL;
	give(seatd);
}

/* Likewise. */
static void switch_session(struct client *client, int32_t session)
{
	struct hf_seatd *seatd = client->seatd;
	int ret = 0;

	if (client->state != ACTIVE)
		ret = -EPERM;
	else if (session <= 0)
		ret = -EINVAL;
	else if ((unsigned int)session != client->session)
		ret = hf_vt_switch(seatd->vts, (unsigned int)session);
	if (ret)
		tell_number(client, HF_SEATD_ERROR, -ret);
}

/* -- hearing them ---------------------------------------------------------- */

/* Is the body of a message as large as it has to be? */
static bool well_formed(const struct client *client,
			const struct hf_seatd_header *header)
{
	const uint8_t *body = client->in + sizeof(*header);
	uint16_t length;

	switch (header->opcode) {
	case HF_SEATD_OPEN_DEVICE:
		memcpy(&length, body, sizeof(length));
		return header->size > sizeof(length) &&
		       header->size == sizeof(length) + length &&
		       !body[header->size - 1];
	case HF_SEATD_OPEN_SEAT:
		return !header->size || header->size == sizeof(int32_t);
	case HF_SEATD_CLOSE_DEVICE:
	case HF_SEATD_SWITCH_SESSION:
		return header->size == sizeof(int32_t);
	default:
		return !header->size;
	}
}

static bool needs_seat(uint16_t opcode)
{
	return opcode != HF_SEATD_OPEN_SEAT && opcode != HF_SEATD_PING;
}

static void obey(struct client *client, const struct hf_seatd_header *header)
{
	const uint8_t *body = client->in + sizeof(*header);
	int32_t number = 0;

	if (header->size >= sizeof(number))
		memcpy(&number, body, sizeof(number));
	switch (header->opcode) {
	case HF_SEATD_OPEN_SEAT:
		open_seat(client, (unsigned int)number);
		break;
	case HF_SEATD_CLOSE_SEAT:
		close_seat(client);
		break;
	case HF_SEATD_OPEN_DEVICE:
		open_device(client, (const char *)body + sizeof(uint16_t));
		break;
	case HF_SEATD_CLOSE_DEVICE:
		close_device(client, number);
		break;
	case HF_SEATD_DISABLE_SEAT:
		disabled(client);
		break;
	case HF_SEATD_SWITCH_SESSION:
		switch_session(client, number);
		break;
	case HF_SEATD_PING:
		tell(client, HF_SEATD_PONG);
		break;
	default:
		drop(client, "it speaks another language");
	}
}

/*
 * How much of a message is missing? Reading no more than that keeps the buffer small,
 * and what lies behind a message in the socket.
 */
static size_t missing(const struct client *client)
{
	struct hf_seatd_header header;

	if (client->got < sizeof(header))
		return sizeof(header) - client->got;
	memcpy(&header, client->in, sizeof(header));
	return sizeof(header) + header.size - client->got;
}

static void hear(struct client *client)
{
	struct hf_seatd_header header;

	memcpy(&header, client->in, sizeof(header));
	client->got = 0;
	if (!well_formed(client, &header))
		drop(client, "a message is too short or too long");
	else if (needs_seat(header.opcode) && !client->session)
		drop(client, "it has no seat");
	else
		obey(client, &header);
}

/* Return: false where there is nothing to read, for now or for good. */
static bool read_some(struct client *client)
{
	size_t want = missing(client);
	ssize_t n;

	if (client->got + want > sizeof(client->in)) {
		drop(client, "a message is too long");
		return false;
	}
	n = recv(client->fd, client->in + client->got, want, MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		client->dropped = true;
	if (n <= 0)
		return false;
	client->got += (size_t)n;
	if (client->got >= sizeof(struct hf_seatd_header) && !missing(client))
		hear(client);
	return true;
}

/* One that talks all the time gets its turn, as others do. */
#define MAX_READS 64

static struct client *find(struct hf_seatd *seatd, uint64_t id)
{
	struct client *client;

	wl_list_for_each(client, &seatd->clients, link)
		if (client->id == id)
			return client;
	return NULL;
}

int hf_seatd_fd(const struct hf_seatd *seatd)
{
	return seatd->epoll;
}

void hf_seatd_dispatch(struct hf_seatd *seatd)
{
	struct epoll_event events[16];
	int n = epoll_wait(seatd->epoll, events, 16, 0);

	for (int i = 0; i < n; i++) {
		struct client *client = find(seatd, events[i].data.u64);

		for (int k = 0; client && !client->dropped && k < MAX_READS; k++)
			if (!read_some(client))
				break;
		remove_dropped(seatd);
	}
}

/* -- info ------------------------------------------------------------------ */

void hf_seatd_describe(const struct hf_seatd *seatd, struct json_object *array)
{
	const struct client *client;

	wl_list_for_each(client, &seatd->clients, link) {
		struct json_object *object;

		if (!client->session)
			continue;
		object = json_object_new_object();
		json_object_object_add(object, "pid",
				       json_object_new_int(client->cred.pid));
		json_object_object_add(object, "session",
				       json_object_new_int((int)client->session));
		json_object_object_add(
			object, "active",
			json_object_new_boolean(client->state == ACTIVE));
		json_object_object_add(
			object, "devices",
			json_object_new_int(wl_list_length(&client->devices)));
		json_object_array_add(array, object);
	}
}
