/* SPDX-License-Identifier: MIT */
/*
 * org.freedesktop.login1 for the programs of a run: a bus, a seat with a session on each
 * of its first VTs, and their devices. It is a program like others below `holdfast run`
 * and knows nothing of the server: what it hands out it has from seatd's socket
 * (seat/seatd.h), and VTs are switched by their ioctls.
 *
 * One thread, one event loop; it waits for nobody but seatd, which answers at once.
 */
#ifndef HF_LOGIND_LOGIND_H
#define HF_LOGIND_LOGIND_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "logind/seat_client.h"

#define SESSIONS 6 /* "c1" to "c6", on VT 1 to 6 */
#define MAX_DEVICES 128 /* a session */

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"

struct device {
	uint32_t major, minor;
	int32_t id; /* seatd's */
	int fd;
};

struct session {
	struct logind *logind;
	unsigned int vt;
	char id[8], path[64];
	char type[16];
	bool idle, locked;
	sd_bus_track *controller; /* NULL: it has none */
	struct seat_client seat;
	bool enabled; /* it has the seat; of one with a controller */
	sd_event_source *source;
	struct device devices[MAX_DEVICES];
	unsigned int ndevices;
};

struct logind {
	sd_event *event;
	sd_event_source *catch_up;
	sd_bus *bus;
	uint64_t started; /* microseconds since the epoch */
	struct session sessions[SESSIONS];
};

/* vt.c */

/** vt_active() - Which VT is shown; 1 where there are none. */
unsigned int vt_active(void);
/** vt_activate() - Have one shown. Return: 0 or a negative errno. */
int vt_activate(unsigned int vt);

/* session.c */

void sessions_init(struct logind *logind);
void sessions_finish(struct logind *logind);
/** sessions_catch_up() - Called after each event: see to what came with an answer. */
int sessions_catch_up(sd_event_source *source, void *data);
struct session *session_by_id(struct logind *logind, const char *id);
/** session_of_pid() - Whose is a process? That of the VT that is shown, if it does not
 * say. NULL: nobody's. */
struct session *session_of_pid(struct logind *logind, pid_t pid);
bool session_active(const struct session *session);
/** session_take_control() - @sender is who it belongs to. */
int session_take_control(struct session *session, const char *sender, bool force);
void session_release_control(struct session *session);
bool session_controls(const struct session *session, const char *sender);
struct device *session_device(struct session *session, uint32_t major,
			      uint32_t minor);
/** session_take_device() - Return: 0, -ENODEV, -EMFILE, or seatd's error. */
int session_take_device(struct session *session, uint32_t major, uint32_t minor,
			struct device **device);
void session_release_device(struct session *session, struct device *device);
/** session_changed() - Tell who listens that properties have changed. */
void session_changed(struct session *session);

/* bus.c */

/** bus_publish() - Put all objects on the bus. Return: 0 or a negative errno. */
int bus_publish(struct logind *logind);

#endif
