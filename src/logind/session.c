/* SPDX-License-Identifier: MIT */
/*
 * Sessions: who controls one has devices, as seatd gives and takes them. What seatd
 * calls disabled is a pause that is forced, as logind does it where VTs are switched:
 * nobody is waited for. An input device that was paused is opened anew.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logind/logind.h"
#include "seat/seatd_protocol.h"

#define DRM_MAJOR 226
#define SESSION_INTERFACE LOGIND ".Session"

void sessions_init(struct logind *logind)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct session *session = &logind->sessions[i];

		session->logind = logind;
		session->vt = i + 1;
		session->seat.fd = -1;
		snprintf(session->id, sizeof(session->id), "c%u", i + 1);
		snprintf(session->path, sizeof(session->path),
			 LOGIND_PATH "/session/%s", session->id);
		strcpy(session->type, "tty");
	}
}

void sessions_finish(struct logind *logind)
{
	for (unsigned int i = 0; i < SESSIONS; i++)
		session_release_control(&logind->sessions[i]);
}

struct session *session_by_id(struct logind *logind, const char *id)
{
	for (unsigned int i = 0; i < SESSIONS; i++)
		if (!strcmp(logind->sessions[i].id, id))
			return &logind->sessions[i];
	return NULL;
}

/* XDG_SESSION_ID as it was when the process began. */
static struct session *session_of_environment(struct logind *logind, pid_t pid)
{
	static const char name[] = "XDG_SESSION_ID=";
	struct session *session = NULL;
	char path[40], *line = NULL;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
	f = fopen(path, "re");
	while (f && !session && getdelim(&line, &size, 0, f) > 0)
		if (!strncmp(line, name, sizeof(name) - 1))
			session = session_by_id(logind, line + sizeof(name) - 1);
	if (f)
		fclose(f);
	free(line);
	return session;
}

struct session *session_of_pid(struct logind *logind, pid_t pid)
{
	struct session *session = session_of_environment(logind, pid);
	unsigned int vt = vt_active();

	if (!session && vt <= SESSIONS)
		session = &logind->sessions[vt - 1];
	return session;
}

bool session_active(const struct session *session)
{
	return session->controller ? session->enabled :
				     session->vt == vt_active();
}

/* -- what is said ---------------------------------------------------------- */

void session_changed(struct session *session)
{
	sd_bus *bus = session->logind->bus;

	sd_bus_emit_properties_changed(bus, session->path, SESSION_INTERFACE,
				       "Active", "State", "Type", NULL);
	sd_bus_emit_properties_changed(bus, LOGIND_PATH "/seat/seat0",
				       LOGIND ".Seat", "ActiveSession", NULL);
}

/* Only to who controls it. */
static sd_bus_message *new_signal(struct session *session, const char *name)
{
	const char *to = sd_bus_track_first(session->controller);
	sd_bus_message *message = NULL;

	if (!to || sd_bus_message_new_signal(session->logind->bus, &message,
					     session->path, SESSION_INTERFACE,
					     name) < 0)
		return NULL;
	sd_bus_message_set_destination(message, to);
	return message;
}

static void say_paused(struct session *session, const struct device *device)
{
	sd_bus_message *message = new_signal(session, "PauseDevice");

	if (!message)
		return;
	if (sd_bus_message_append(message, "uus", device->major, device->minor,
				  "force") >= 0)
		sd_bus_send(NULL, message, NULL);
	sd_bus_message_unref(message);
}

static void say_resumed(struct session *session, const struct device *device)
{
	sd_bus_message *message = new_signal(session, "ResumeDevice");

	if (!message)
		return;
	if (sd_bus_message_append(message, "uuh", device->major, device->minor,
				  device->fd) >= 0)
		sd_bus_send(NULL, message, NULL);
	sd_bus_message_unref(message);
}

/* -- devices --------------------------------------------------------------- */

/* Its node: DEVNAME in its uevent file. */
static int find_node(uint32_t major, uint32_t minor, char path[256])
{
	char file[64], line[200];
	int ret = -ENODEV;
	FILE *f;

	snprintf(file, sizeof(file), "/sys/dev/char/%u:%u/uevent", major, minor);
	f = fopen(file, "re");
	while (f && ret && fgets(line, sizeof(line), f))
		if (sscanf(line, "DEVNAME=%190s", line) == 1) {
			snprintf(path, 256, "/dev/%s", line);
			ret = 0;
		}
	if (f)
		fclose(f);
	return ret;
}

static int open_device(struct session *session, struct device *device)
{
	char path[256];
	int ret = find_node(device->major, device->minor, path);

	if (ret)
		return ret;
	device->fd = seat_client_take(&session->seat, path, &device->id);
	return device->fd < 0 ? device->fd : 0;
}

struct device *session_device(struct session *session, uint32_t major,
			      uint32_t minor)
{
	for (unsigned int i = 0; i < session->ndevices; i++)
		if (session->devices[i].major == major &&
		    session->devices[i].minor == minor)
			return &session->devices[i];
	return NULL;
}

int session_take_device(struct session *session, uint32_t major, uint32_t minor,
			struct device **out)
{
	struct device *device = &session->devices[session->ndevices];
	int ret;

	if (session->ndevices == MAX_DEVICES)
		return -EMFILE;
	*device = (struct device){ .major = major, .minor = minor, .fd = -1 };
	ret = open_device(session, device);
	if (ret)
		return ret;
	session->ndevices++;
	*out = device;
	return 0;
}

/* What could not be opened anew is not seatd's: by now its id may be another's. */
static void give_back(struct session *session, struct device *device)
{
	if (device->fd < 0)
		return;
	seat_client_give_back(&session->seat, device->id);
	close(device->fd);
	device->fd = -1;
}

void session_release_device(struct session *session, struct device *device)
{
	give_back(session, device);
	*device = session->devices[--session->ndevices];
}

/* -- who has the seat ------------------------------------------------------ */

static void enable(struct session *session)
{
	session->enabled = true;
	for (unsigned int i = 0; i < session->ndevices; i++) {
		struct device *device = &session->devices[i];

		if (device->major != DRM_MAJOR) {
			give_back(session, device);
			open_device(session, device);
		}
		if (device->fd >= 0)
			say_resumed(session, device);
	}
	session_changed(session);
}

static void disable(struct session *session)
{
	session->enabled = false;
	for (unsigned int i = 0; i < session->ndevices; i++)
		say_paused(session, &session->devices[i]);
	seat_client_let_go(&session->seat);
	session_changed(session);
}

/* Return: whether seatd is still there. */
static bool handle_events(struct session *session)
{
	int event;

	while ((event = seat_client_event(&session->seat)) > 0) {
		if (event == HF_SEATD_ENABLE)
			enable(session);
		else
			disable(session);
	}
	return !event;
}

static int seat_ready(sd_event_source *source, int fd, uint32_t events,
		      void *data)
{
	struct session *session = data;

	(void)source;
	(void)fd;
	(void)events;
	if (!handle_events(session))
		session_release_control(session);
	return 0;
}

/* What came while an answer was waited for. */
int sessions_catch_up(sd_event_source *source, void *data)
{
	struct logind *logind = data;

	(void)source;
	for (unsigned int i = 0; i < SESSIONS; i++)
		if (logind->sessions[i].seat.nevents)
			handle_events(&logind->sessions[i]);
	return 0;
}

/* -- control --------------------------------------------------------------- */

static int controller_gone(sd_bus_track *track, void *data)
{
	(void)track;
	session_release_control(data);
	return 0;
}

bool session_controls(const struct session *session, const char *sender)
{
	const char *controller = session->controller ?
		sd_bus_track_first(session->controller) : NULL;

	return controller && sender && !strcmp(controller, sender);
}


int session_take_control(struct session *session, const char *sender, bool force)
{
	int ret;

	if (session_controls(session, sender))
		return 0;
	if (session->controller && !force)
		return -EBUSY;
	session_release_control(session);
	ret = seat_client_open(&session->seat, session->vt);
	if (!ret)
		ret = sd_bus_track_new(session->logind->bus, &session->controller,
				       controller_gone, session);
	if (ret >= 0)
		ret = sd_bus_track_add_name(session->controller, sender);
	if (ret >= 0)
		ret = sd_event_add_io(session->logind->event, &session->source,
				      session->seat.fd, EPOLLIN, seat_ready,
				      session);
	if (ret < 0) {
		session_release_control(session);
		return ret;
	}
	handle_events(session);
	return 0;
}

void session_release_control(struct session *session)
{
	while (session->ndevices)
		session_release_device(session, &session->devices[0]);
	session->source = sd_event_source_disable_unref(session->source);
	seat_client_close(&session->seat);
	session->controller = sd_bus_track_unref(session->controller);
	session->enabled = false;
}
