/* SPDX-License-Identifier: MIT */
/*
 * The server: a listening socket, the clients' channels, the device.
 *
 * The main thread runs an event loop: it accepts connections, notices who has
 * hung up, and fires the device's timers. Each client has a thread of its own
 * that serves its channel. The device's lock serialises them.
 */
#ifndef HF_SERVER_SERVER_H
#define HF_SERVER_SERVER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <wayland-server-core.h>

#include "seat/seat.h"
#include "server/monitor.h"
#include "server/uevent.h"
#include "uapi/device.h"
#include "uapi/wire.h"

struct hf_server {
	struct wl_event_loop *loop;
	struct hf_system *sys;
	struct hf_vfio *vfio;  /* of the one with the display, or NULL */
	struct hf_device *dev; /* the one with the display */
	struct hf_seat *seat; /* NULL: none */
	bool logind; /* its sessions are there */
	struct hf_device *engine; /* the one with the engine: the same, or another */
	int listen_fd;
	int spare_fd; /* to be given up where there are no others */
	char address[108]; /* as in $HOLDFAST_SOCKET: a path, or @name */
	char key[HF_WIRE_KEY_SIZE + 1];
	bool own_socket_file; /* to be unlinked */
	int tree_fd;
	const struct hf_tree *tree, *old_tree; /* as it is, as it was before */
	_Atomic uint32_t generation; /* of the tree */
	struct hf_uevents uevents;
	struct hf_monitors monitors;
	struct wl_list settling; /* hf_call.wait.settled */
	struct wl_event_source *sources[9];
	struct wl_event_source *pressure;
	struct wl_list clients, connections;
	struct wl_list brokers; /* connections that others are made by way of */
	char **told; /* programs that are known not to see the device */
	unsigned int ntold;
	_Atomic uint64_t ioctls;
	uint32_t spin; /* rounds before a client's thread sleeps */
	pthread_mutex_t shots_lock;
	pthread_cond_t no_shots;
	unsigned int shots; /* threads that compose a screenshot */
	struct hf_tracing *tracing; /* server/trace.h */
	struct hf_recordings *records; /* server/record.h */
	struct hf_streams *streams; /* server/stream.h */
	struct hf_scenario *scenario; /* NULL: none */
	bool replugging; /* a new device is being made, without the lock */
	bool children; /* the programs are processes below this one */
	struct hf_device_options display; /* how the one with the display was made */
	size_t memory; /* bytes that objects may take; 0: any */
	size_t client_memory; /* of one client; 0: half of the machine's */
};

/**
 * struct hf_server_options - What to serve.
 * @socket: path to listen on, or NULL for an abstract name of its own
 * @outputs: monitors; a device of its own has its own
 * @vfio: address of the PCI device that has the display; NULL: it is in software
 * @vfio_flags: HF_VFIO_UNSAFE_NO_IOMMU
 * @why: set to a sentence where the device cannot be used; never NULL with @vfio
 * @hold_last_picture: keep the memory of what a CRTC showed last
 * @contiguous: the display has no IOMMU, so that it scans out contiguous memory only
 * @check: say what clients do wrong (uapi/check.h)
 * @split: display and engine are two devices
 * @incoherent: devices do not see the CPU's caches
 * @pool: bytes of the contiguous pool; 0: the default
 * @memory: bytes that objects may take before unneeded ones are purged; 0: any
 * @client_memory: bytes that those of one client may; 0: half of the machine's
 * @overlays: planes a CRTC, see struct hf_kms_options; likewise @virtual_cursor
 * @pace: how the devices' time passes
 * @no_seat: there are no input devices and no terminals
 * @logind: the files of a login manager's sessions are there
 *
 * What it points to must stay until hf_server_finish().
 */
struct hf_server_options {
	const char *socket;
	const char *vfio;
	unsigned int vfio_flags;
	char *why; /* of HF_VFIO_WHY bytes */
	bool hold_last_picture;
	bool contiguous, split, incoherent, check;
	bool no_seat, logind;
	size_t pool, memory, client_memory;
	enum hf_clock_pace pace;
	const struct hf_kms_output *outputs;
	size_t noutputs;
	const unsigned int *overlays;
	bool virtual_cursor;
};

/**
 * hf_server_init() - Create the device and listen.
 *
 * Return: 0, -EADDRINUSE where another server listens on that path, -EINVAL
 * for an impossible output, one of hf_vfio_open(), or another negative errno.
 */
int hf_server_init(struct hf_server *server,
		   const struct hf_server_options *options);

/**
 * hf_server_tell() - Is it news that a program does not see the device?
 *
 * Return: 0 the first time, then -EEXIST.
 */
int hf_server_tell(struct hf_server *server, const char *path);

/** hf_server_dispatch() - Handle events; waits @timeout ms, -1: for ever. */
int hf_server_dispatch(struct hf_server *server, int timeout);

/** hf_server_finish() - Hang up on everybody and leave nothing behind. */
void hf_server_finish(struct hf_server *server);

/* client.c */

struct hf_client;

/** hf_client_create() - Serve a connection that said hello. Owns @fd. */
int hf_client_create(struct hf_server *server, int fd,
		     const struct hf_cred *cred);
/** hf_client_destroy() - Stop its thread, end its calls, free it. */
void hf_client_destroy(struct hf_client *client);
/** hf_clients_destroy() - All of them. */
void hf_clients_destroy(struct hf_server *server);
/** hf_clients_pids() - Whose they are. Return: how many; @max are written at most. */
int hf_clients_pids(struct hf_server *server, int *pids, int max);
/** hf_clients_update_tree() - Tell them that there is a new tree of paths. */
void hf_clients_update_tree(struct hf_server *server);
/** hf_clients_update_ttys() - Tell them which ptys the VTs are. The lock is held. */
void hf_clients_update_ttys(struct hf_server *server);
/** hf_clients_trace() - Tell them whether somebody wants to know who calls. */
void hf_clients_trace(struct hf_server *server, bool on);
/** hf_clients_describe() - For the answer to "info". */
struct json_object;
void hf_clients_describe(struct hf_server *server, struct json_object *array);

/* server.c */

/**
 * hf_server_reap() - See which files and fences have lost their client's end.
 *
 * In the kernel a close is done when close(2) returns. Here it is once the
 * hang-up was seen: so look before it matters. Takes the device's lock.
 */
void hf_server_reap(struct hf_server *server);

/**
 * hf_server_refresh() - If anything has changed, let all see it, and hear of it.
 *
 * In the main thread, with the lock held; it does so by itself, but later.
 */
void hf_server_refresh(struct hf_server *server);

/**
 * hf_server_unplug() - The device with the display is gone: hf_device_unplug().
 *
 * The lock is held; likewise for hf_server_replug().
 */
void hf_server_unplug(struct hf_server *server);
/**
 * hf_server_replug() - A new device comes, as the first one was at the start.
 *
 * It has other minor numbers: those who held the old one still do. The lock is dropped
 * meanwhile. Return: 0 or a negative errno.
 */
int hf_server_replug(struct hf_server *server);

/**
 * hf_server_settle() - Answer a call when all can see what it has done.
 *
 * That is when the tree of paths is up to date and uevents are sent. The lock is
 * held. Return: HF_CALL_PARKED.
 */
struct hf_call;
int hf_server_settle(struct hf_server *server, struct hf_call *call);

/* pressure.c */

/** hf_pressure_watch() - Purge what is not needed when memory is short. */
void hf_pressure_watch(struct hf_server *server);
void hf_pressure_unwatch(struct hf_server *server);

/* query.c */

/**
 * hf_query_answer() - Answer a question such as "info" or "screenshot 0".
 * @query: as it came
 * @fd: where the answer goes; owned by the call, which may answer later
 * @data: a descriptor that came along, or -1; the caller's
 *
 * The answer's error is -EINVAL for a question that is not known.
 */
void hf_query_answer(struct hf_server *server,
		     const struct hf_wire_query *query, int fd, int data);

/** hf_query_finish() - Wait for answers that take their time. */
void hf_query_finish(struct hf_server *server);

/* fdinfo.c */

/**
 * hf_fdinfo() - The drm-usage-stats of a file. The lock is held.
 *
 * Return: a descriptor with the text, or a negative errno.
 */
int hf_fdinfo(struct hf_file *file);

/* screenshot.c */

struct hf_frame;

/**
 * hf_screenshot_capture() - What a CRTC shows, or showed last. Takes the lock.
 * @crtc: index
 * @frame: set to it; to be destroyed
 *
 * Return: 0, -ENOENT for no such CRTC, or as hf_frame_capture().
 */
int hf_screenshot_capture(struct hf_device *dev, unsigned int crtc,
			  struct hf_frame **frame);
/** hf_screenshot_write() - Compose a frame into a PNG. Return: 0 or a negative errno. */
int hf_screenshot_write(struct hf_frame *frame, int fd);

#endif
