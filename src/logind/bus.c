/* SPDX-License-Identifier: MIT */
/*
 * What there is on the bus: the manager, the seat, sessions and the user, with names,
 * types and errors of org.freedesktop.login1(5). What a machine's logind does besides,
 * such as power and idleness, is not here, but for what programs ask at their start.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "logind/logind.h"

#define SEAT_PATH LOGIND_PATH "/seat/seat0"

#define METHOD(name, in, out, fn) \
	SD_BUS_METHOD(name, in, out, fn, SD_BUS_VTABLE_UNPRIVILEGED)
#define FIXED SD_BUS_VTABLE_PROPERTY_CONST
#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

typedef sd_bus_message message_t;

static const char *user_path(void)
{
	static char path[64];

	snprintf(path, sizeof(path), LOGIND_PATH "/user/_%u", geteuid());
	return path;
}

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "user";
}

static int fail(sd_bus_error *error, const char *name, const char *text)
{
	return sd_bus_error_set(error, name, text);
}

static int reply(message_t *m, int ret, sd_bus_error *error)
{
	if (ret < 0)
		return sd_bus_error_set_errno(error, ret);
	return sd_bus_reply_method_return(m, NULL);
}

/* -- which session --------------------------------------------------------- */

static pid_t sender_pid(message_t *m)
{
	sd_bus_creds *creds = NULL;
	pid_t pid = 0;

	if (sd_bus_query_sender_creds(m, SD_BUS_CREDS_PID, &creds) >= 0)
		sd_bus_creds_get_pid(creds, &pid);
	sd_bus_creds_unref(creds);
	return pid;
}

/* "" and "self" are the caller's own, "auto" as well. */
static struct session *find_session(struct logind *logind, const char *id,
				    message_t *m)
{
	if (!*id || !strcmp(id, "self") || !strcmp(id, "auto"))
		return m ? session_of_pid(logind, sender_pid(m)) : NULL;
	return session_by_id(logind, id);
}

static struct session *shown_session(struct logind *logind)
{
	unsigned int vt = vt_active();

	return vt <= SESSIONS ? &logind->sessions[vt - 1] : NULL;
}

static int reply_session(message_t *m, const struct session *session,
			 sd_bus_error *error)
{
	if (!session)
		return fail(error, LOGIND ".NoSuchSession", "No such session");
	return sd_bus_reply_method_return(m, "o", session->path);
}

/* -- the manager ----------------------------------------------------------- */

static int get_session(message_t *m, void *data, sd_bus_error *error)
{
	const char *id;
	int ret = sd_bus_message_read(m, "s", &id);

	if (ret < 0)
		return ret;
	return reply_session(m, find_session(data, id, m), error);
}

static int get_session_by_pid(message_t *m, void *data, sd_bus_error *error)
{
	uint32_t pid;
	int ret = sd_bus_message_read(m, "u", &pid);

	if (ret < 0)
		return ret;
	return reply_session(
		m, session_of_pid(data, pid ? (pid_t)pid : sender_pid(m)), error);
}

static int get_seat(message_t *m, void *data, sd_bus_error *error)
{
	const char *id;
	int ret = sd_bus_message_read(m, "s", &id);

	(void)data;
	if (ret < 0)
		return ret;
	if (*id && strcmp(id, "seat0") && strcmp(id, "self") && strcmp(id, "auto"))
		return fail(error, LOGIND ".NoSuchSeat", "No such seat");
	return sd_bus_reply_method_return(m, "o", SEAT_PATH);
}

static int get_user(message_t *m, void *data, sd_bus_error *error)
{
	uint32_t uid;
	int ret = sd_bus_message_read(m, "u", &uid);

	(void)data;
	if (ret < 0)
		return ret;
	if (uid != geteuid())
		return fail(error, LOGIND ".NoSuchUser", "No such user");
	return sd_bus_reply_method_return(m, "o", user_path());
}

static int get_user_by_pid(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	(void)error;
	return sd_bus_reply_method_return(m, "o", user_path());
}

static int list_sessions(message_t *m, void *data, sd_bus_error *error)
{
	struct logind *logind = data;
	message_t *answer = NULL;
	int ret = sd_bus_message_new_method_return(m, &answer);

	(void)error;
	if (ret >= 0)
		ret = sd_bus_message_open_container(answer, 'a', "(susso)");
	for (unsigned int i = 0; i < SESSIONS && ret >= 0; i++)
		ret = sd_bus_message_append(answer, "(susso)",
					    logind->sessions[i].id, geteuid(),
					    user_name(), "seat0",
					    logind->sessions[i].path);
	if (ret >= 0)
		ret = sd_bus_message_close_container(answer);
	if (ret >= 0)
		ret = sd_bus_send(NULL, answer, NULL);
	sd_bus_message_unref(answer);
	return ret;
}

static int list_seats(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	(void)error;
	return sd_bus_reply_method_return(m, "a(so)", 1, "seat0", SEAT_PATH);
}

static int list_users(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	(void)error;
	return sd_bus_reply_method_return(m, "a(uso)", 1, geteuid(), user_name(),
					  user_path());
}

static int activate_session(message_t *m, void *data, sd_bus_error *error)
{
	struct session *session;
	const char *id;
	int ret = sd_bus_message_read(m, "s", &id);

	if (ret < 0)
		return ret;
	session = find_session(data, id, m);
	if (!session)
		return fail(error, LOGIND ".NoSuchSession", "No such session");
	return reply(m, vt_activate(session->vt), error);
}

/* Nothing is ever about to sleep or to shut down: what is held inhibits nothing. */
static int inhibit(message_t *m, void *data, sd_bus_error *error)
{
	int fds[2], ret;

	(void)data;
	if (pipe2(fds, O_CLOEXEC))
		return sd_bus_error_set_errno(error, -errno);
	ret = sd_bus_reply_method_return(m, "h", fds[1]);
	close(fds[0]);
	close(fds[1]);
	return ret;
}

static int cannot(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	(void)error;
	return sd_bus_reply_method_return(m, "s", "na");
}

static const sd_bus_vtable manager_vtable[] = {
	SD_BUS_VTABLE_START(0),
	METHOD("GetSession", "s", "o", get_session),
	METHOD("GetSessionByPID", "u", "o", get_session_by_pid),
	METHOD("GetUser", "u", "o", get_user),
	METHOD("GetUserByPID", "u", "o", get_user_by_pid),
	METHOD("GetSeat", "s", "o", get_seat),
	METHOD("ListSessions", "", "a(susso)", list_sessions),
	METHOD("ListUsers", "", "a(uso)", list_users),
	METHOD("ListSeats", "", "a(so)", list_seats),
	METHOD("ActivateSession", "s", "", activate_session),
	METHOD("Inhibit", "ssss", "h", inhibit),
	METHOD("CanPowerOff", "", "s", cannot),
	METHOD("CanReboot", "", "s", cannot),
	METHOD("CanSuspend", "", "s", cannot),
	METHOD("CanHibernate", "", "s", cannot),
	METHOD("CanHybridSleep", "", "s", cannot),
	SD_BUS_SIGNAL("SessionNew", "so", 0),
	SD_BUS_SIGNAL("SessionRemoved", "so", 0),
	SD_BUS_SIGNAL("PrepareForSleep", "b", 0),
	SD_BUS_SIGNAL("PrepareForShutdown", "b", 0),
	SD_BUS_VTABLE_END
};

/* -- a session: what it does ----------------------------------------------- */

static int activate(message_t *m, void *data, sd_bus_error *error)
{
	const struct session *session = data;

	return reply(m, vt_activate(session->vt), error);
}

/* Only the user's own programs, or root's, may have its devices. */
static bool is_owner(message_t *m)
{
	sd_bus_creds *creds = NULL;
	uid_t uid = (uid_t)-1;

	if (sd_bus_query_sender_creds(m, SD_BUS_CREDS_EUID, &creds) >= 0)
		sd_bus_creds_get_euid(creds, &uid);
	sd_bus_creds_unref(creds);
	return uid == 0 || uid == geteuid();
}

static int take_control(message_t *m, void *data, sd_bus_error *error)
{
	int force, ret = sd_bus_message_read(m, "b", &force);

	if (ret < 0)
		return ret;
	if (!is_owner(m))
		return fail(error, SD_BUS_ERROR_ACCESS_DENIED,
			    "Only owner of session may take control");
	return reply(m, session_take_control(data, sd_bus_message_get_sender(m),
					     force), error);
}

/* 1: the caller does; else the error is set. */
static int in_control(message_t *m, const struct session *session,
		      sd_bus_error *error)
{
	if (session_controls(session, sd_bus_message_get_sender(m)))
		return 1;
	return fail(error, LOGIND ".NotInControl",
		    "You are not in control of this session");
}

static int release_control(message_t *m, void *data, sd_bus_error *error)
{
	int ret = in_control(m, data, error);

	if (ret > 0)
		session_release_control(data);
	return ret < 0 ? ret : reply(m, 0, error);
}

static int take_device(message_t *m, void *data, sd_bus_error *error)
{
	struct session *session = data;
	struct device *device;
	uint32_t major, minor;
	int ret = sd_bus_message_read(m, "uu", &major, &minor);

	if (ret >= 0)
		ret = in_control(m, session, error);
	if (ret < 0)
		return ret;
	if (session_device(session, major, minor))
		return fail(error, LOGIND ".DeviceIsTaken", "Device already taken");
	ret = session_take_device(session, major, minor, &device);
	if (ret < 0)
		return sd_bus_error_set_errno(error, ret);
	return sd_bus_reply_method_return(m, "hb", device->fd, !session->enabled);
}

/* The device that a call is about, of the caller's; else the error is set. */
static int read_device(message_t *m, struct session *session,
		       struct device **device, sd_bus_error *error)
{
	uint32_t major, minor;
	int ret = sd_bus_message_read(m, "uu", &major, &minor);

	if (ret >= 0)
		ret = in_control(m, session, error);
	if (ret < 0)
		return ret;
	*device = session_device(session, major, minor);
	return *device ? 0 : fail(error, LOGIND ".DeviceNotTaken",
				  "Device not taken");
}

static int release_device(message_t *m, void *data, sd_bus_error *error)
{
	struct device *device;
	int ret = read_device(m, data, &device, error);

	if (ret < 0)
		return ret;
	session_release_device(data, device);
	return reply(m, 0, error);
}

/* All pauses are forced ones, which are complete. */
static int pause_complete(message_t *m, void *data, sd_bus_error *error)
{
	struct device *device;
	int ret = read_device(m, data, &device, error);

	return ret < 0 ? ret : reply(m, 0, error);
}

static int set_type(message_t *m, void *data, sd_bus_error *error)
{
	static const char *const types[] = { "unspecified", "tty", "x11",
					     "wayland", "mir", "web" };
	struct session *session = data;
	const char *type;
	int ret = sd_bus_message_read(m, "s", &type);

	if (ret >= 0)
		ret = in_control(m, session, error);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (strcmp(type, types[i]))
			continue;
		snprintf(session->type, sizeof(session->type), "%s", type);
		session_changed(session);
		return reply(m, 0, error);
	}
	return fail(error, SD_BUS_ERROR_INVALID_ARGS, "Invalid session type");
}

/* "idle" and "locked" are kept, and mean nothing here. */
static int set_hint(message_t *m, bool *hint, sd_bus_error *error)
{
	int value, ret = sd_bus_message_read(m, "b", &value);

	if (ret < 0)
		return ret;
	*hint = value;
	return reply(m, 0, error);
}

static int set_idle(message_t *m, void *data, sd_bus_error *error)
{
	struct session *session = data;

	return set_hint(m, &session->idle, error);
}

static int set_locked(message_t *m, void *data, sd_bus_error *error)
{
	struct session *session = data;

	return set_hint(m, &session->locked, error);
}

/* -- a session: what it is ------------------------------------------------- */

#define GETTER(name)							\
	static int name(sd_bus *bus, const char *path, const char *interface, \
			const char *property, message_t *m, void *data,	\
			sd_bus_error *error)
#define UNUSED_GETTER							\
	((void)bus, (void)path, (void)interface, (void)property, (void)data, \
	 (void)error)

GETTER(get_id)
{
	const struct session *session = data;

	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", session->id);
}

GETTER(get_type)
{
	const struct session *session = data;

	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", session->type);
}

GETTER(get_user_property)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "(uo)", geteuid(), user_path());
}

GETTER(get_user_name)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", user_name());
}

GETTER(get_started)
{
	const struct session *session = data;

	UNUSED_GETTER;
	return sd_bus_message_append(m, "t", session->logind->started);
}

GETTER(get_seat_property)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "(so)", "seat0", SEAT_PATH);
}

GETTER(get_tty)
{
	const struct session *session = data;
	char name[16];

	UNUSED_GETTER;
	snprintf(name, sizeof(name), "tty%u", session->vt);
	return sd_bus_message_append(m, "s", name);
}

GETTER(get_active)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "b", session_active(data));
}

GETTER(get_state)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "s",
				     session_active(data) ? "active" : "online");
}

GETTER(get_leader)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "u", getpid());
}

GETTER(get_idle)
{
	const struct session *session = data;

	UNUSED_GETTER;
	return sd_bus_message_append(m, "b", session->idle);
}

GETTER(get_locked)
{
	const struct session *session = data;

	UNUSED_GETTER;
	return sd_bus_message_append(m, "b", session->locked);
}

/* Properties that are the same for all. */
GETTER(get_constant)
{
	static const struct {
		const char *property, *value;
	} constants[] = {
		{ "Class", "user" },	  { "Display", "" },
		{ "RemoteHost", "" },	  { "RemoteUser", "" },
		{ "Service", "holdfast" }, { "Desktop", "" },
		{ "Scope", "" },
	};

	UNUSED_GETTER;
	for (size_t i = 0; i < sizeof(constants) / sizeof(*constants); i++)
		if (!strcmp(property, constants[i].property))
			return sd_bus_message_append(m, "s", constants[i].value);
	return -EINVAL;
}

GETTER(get_false)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "b", false);
}

GETTER(get_true)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "b", true);
}

static const sd_bus_vtable session_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_id, 0, FIXED),
	SD_BUS_PROPERTY("User", "(uo)", get_user_property, 0, FIXED),
	SD_BUS_PROPERTY("Name", "s", get_user_name, 0, FIXED),
	SD_BUS_PROPERTY("Timestamp", "t", get_started, 0, FIXED),
	SD_BUS_PROPERTY("VTNr", "u", NULL, offsetof(struct session, vt), FIXED),
	SD_BUS_PROPERTY("Seat", "(so)", get_seat_property, 0, FIXED),
	SD_BUS_PROPERTY("TTY", "s", get_tty, 0, FIXED),
	SD_BUS_PROPERTY("Display", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Remote", "b", get_false, 0, FIXED),
	SD_BUS_PROPERTY("RemoteHost", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("RemoteUser", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Service", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Desktop", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Scope", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Leader", "u", get_leader, 0, FIXED),
	SD_BUS_PROPERTY("Type", "s", get_type, 0, CHANGES),
	SD_BUS_PROPERTY("Class", "s", get_constant, 0, FIXED),
	SD_BUS_PROPERTY("Active", "b", get_active, 0, CHANGES),
	SD_BUS_PROPERTY("State", "s", get_state, 0, CHANGES),
	SD_BUS_PROPERTY("IdleHint", "b", get_idle, 0, 0),
	SD_BUS_PROPERTY("LockedHint", "b", get_locked, 0, 0),
	METHOD("Activate", "", "", activate),
	METHOD("TakeControl", "b", "", take_control),
	METHOD("ReleaseControl", "", "", release_control),
	METHOD("TakeDevice", "uu", "hb", take_device),
	METHOD("ReleaseDevice", "uu", "", release_device),
	METHOD("PauseDeviceComplete", "uu", "", pause_complete),
	METHOD("SetType", "s", "", set_type),
	METHOD("SetIdleHint", "b", "", set_idle),
	METHOD("SetLockedHint", "b", "", set_locked),
	SD_BUS_SIGNAL("PauseDevice", "uus", 0),
	SD_BUS_SIGNAL("ResumeDevice", "uuh", 0),
	SD_BUS_SIGNAL("Lock", "", 0),
	SD_BUS_SIGNAL("Unlock", "", 0),
	SD_BUS_VTABLE_END
};

static int find_session_object(sd_bus *bus, const char *path,
			       const char *interface, void *data, void **found,
			       sd_bus_error *error)
{
	const char *id = strrchr(path, '/') + 1;

	(void)interface;
	(void)error;
	*found = strcmp(path, LOGIND_PATH "/session") ?
			 find_session(data, id, sd_bus_get_current_message(bus)) :
			 NULL;
	return *found != NULL;
}

static int list_session_objects(sd_bus *bus, const char *prefix, void *data,
				char ***nodes, sd_bus_error *error)
{
	struct logind *logind = data;

	(void)bus;
	(void)prefix;
	(void)error;
	*nodes = calloc(SESSIONS + 1, sizeof(**nodes));
	for (unsigned int i = 0; *nodes && i < SESSIONS; i++)
		(*nodes)[i] = strdup(logind->sessions[i].path);
	return *nodes ? 0 : -ENOMEM;
}

/* -- the seat -------------------------------------------------------------- */

static int switch_to(message_t *m, void *data, sd_bus_error *error)
{
	uint32_t vt;
	int ret = sd_bus_message_read(m, "u", &vt);

	(void)data;
	if (ret < 0)
		return ret;
	return reply(m, vt ? vt_activate(vt) : -EINVAL, error);
}

/* By one up or down, round and round. */
static int switch_by(message_t *m, unsigned int by, sd_bus_error *error)
{
	unsigned int vt = vt_active();

	return reply(m, vt_activate((vt - 1 + by) % SESSIONS + 1), error);
}

static int switch_to_next(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	return switch_by(m, 1, error);
}

static int switch_to_previous(message_t *m, void *data, sd_bus_error *error)
{
	(void)data;
	return switch_by(m, SESSIONS - 1, error);
}

GETTER(get_seat_id)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", "seat0");
}

GETTER(get_active_session)
{
	const struct session *session = shown_session(data);

	UNUSED_GETTER;
	return sd_bus_message_append(m, "(so)", session ? session->id : "",
				     session ? session->path : "/");
}

GETTER(get_sessions)
{
	struct logind *logind = data;
	int ret = sd_bus_message_open_container(m, 'a', "(so)");

	UNUSED_GETTER;
	for (unsigned int i = 0; i < SESSIONS && ret >= 0; i++)
		ret = sd_bus_message_append(m, "(so)", logind->sessions[i].id,
					    logind->sessions[i].path);
	return ret < 0 ? ret : sd_bus_message_close_container(m);
}

static const sd_bus_vtable seat_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Id", "s", get_seat_id, 0, FIXED),
	SD_BUS_PROPERTY("ActiveSession", "(so)", get_active_session, 0, CHANGES),
	SD_BUS_PROPERTY("CanMultiSession", "b", get_true, 0, FIXED),
	SD_BUS_PROPERTY("CanTTY", "b", get_true, 0, FIXED),
	SD_BUS_PROPERTY("CanGraphical", "b", get_true, 0, CHANGES),
	SD_BUS_PROPERTY("Sessions", "a(so)", get_sessions, 0, 0),
	SD_BUS_PROPERTY("IdleHint", "b", get_false, 0, 0),
	METHOD("ActivateSession", "s", "", activate_session),
	METHOD("SwitchTo", "u", "", switch_to),
	METHOD("SwitchToNext", "", "", switch_to_next),
	METHOD("SwitchToPrevious", "", "", switch_to_previous),
	SD_BUS_VTABLE_END
};

/* -- the user -------------------------------------------------------------- */

GETTER(get_uid)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "u", geteuid());
}

GETTER(get_user_state)
{
	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", "active");
}

GETTER(get_runtime_path)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	UNUSED_GETTER;
	return sd_bus_message_append(m, "s", dir ? dir : "");
}

static const sd_bus_vtable user_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("UID", "u", get_uid, 0, FIXED),
	SD_BUS_PROPERTY("Name", "s", get_user_name, 0, FIXED),
	SD_BUS_PROPERTY("RuntimePath", "s", get_runtime_path, 0, FIXED),
	SD_BUS_PROPERTY("Display", "(so)", get_active_session, 0, 0),
	SD_BUS_PROPERTY("State", "s", get_user_state, 0, 0),
	SD_BUS_PROPERTY("Sessions", "a(so)", get_sessions, 0, 0),
	SD_BUS_PROPERTY("IdleHint", "b", get_false, 0, 0),
	SD_BUS_VTABLE_END
};

int bus_publish(struct logind *logind)
{
	const struct {
		const char *path, *interface;
		const sd_bus_vtable *vtable;
	} objects[] = {
		{ LOGIND_PATH, LOGIND ".Manager", manager_vtable },
		{ SEAT_PATH, LOGIND ".Seat", seat_vtable },
		{ LOGIND_PATH "/seat/self", LOGIND ".Seat", seat_vtable },
		{ LOGIND_PATH "/seat/auto", LOGIND ".Seat", seat_vtable },
		{ user_path(), LOGIND ".User", user_vtable },
		{ LOGIND_PATH "/user/self", LOGIND ".User", user_vtable },
	};
	int ret = sd_bus_add_fallback_vtable(
		logind->bus, NULL, LOGIND_PATH "/session", LOGIND ".Session",
		session_vtable, find_session_object, logind);

	if (ret >= 0)
		ret = sd_bus_add_node_enumerator(logind->bus, NULL,
						 LOGIND_PATH "/session",
						 list_session_objects, logind);
	for (size_t i = 0; i < sizeof(objects) / sizeof(*objects) && ret >= 0; i++)
		ret = sd_bus_add_object_vtable(logind->bus, NULL,
					       objects[i].path,
					       objects[i].interface,
					       objects[i].vtable, logind);
	return ret < 0 ? ret : 0;
}
