/* SPDX-License-Identifier: MIT */
/*
 * Events: packets that a file's reader finds on its socket.
 *
 * The kernel lets 4 KiB of events wait in a file. Here the socket is the
 * queue; how much waits in it is asked of the kernel (hf_endpoint_unread()).
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/endpoint.h"
#include "base/log.h"
#include "base/probe.h"
#include "kms/kms.h"

#define QUEUE_BYTES 4096
#define EVENT_BYTES 32

_Static_assert(sizeof(struct drm_event_vblank) == EVENT_BYTES, "one size");
_Static_assert(sizeof(struct drm_event_crtc_sequence) == EVENT_BYTES,
	       "one size");

struct hf_event *hf_event_create(struct hf_kms_file *file, uint32_t type,
				 uint64_t user_data)
{
	struct hf_event *event;

	if ((file->reserved + hf_endpoint_unread(file->fd) + 1) * EVENT_BYTES >
	    QUEUE_BYTES) {
		errno = ENOMEM;
		return NULL;
	}
	event = calloc(1, sizeof(*event));
	if (!event)
		return NULL;
	event->file = file;
	file->reserved++;
	wl_list_insert(&file->pending, &event->file_link);
	wl_list_init(&event->link);
	event->packet.base.type = type;
	event->packet.base.length = EVENT_BYTES;
	/* The same place in both kinds. */
	event->packet.vbl.user_data = user_data;
	return event;
}

void hf_event_destroy(struct hf_event *event)
{
	if (!event)
		return;
	if (event->file)
		event->file->reserved--;
	wl_list_remove(&event->file_link);
	wl_list_remove(&event->link);
	free(event);
}

void hf_event_send(struct hf_event *event, uint32_t crtc_id, uint64_t sequence,
		   uint64_t ns)
{
	if (event->packet.base.type == DRM_EVENT_CRTC_SEQUENCE) {
		event->packet.seq.time_ns = ns;
		event->packet.seq.sequence = sequence;
	} else {
		event->packet.vbl.tv_sec = ns / HF_NSEC_PER_SEC;
		event->packet.vbl.tv_usec = ns % HF_NSEC_PER_SEC / 1000;
		event->packet.vbl.sequence = sequence;
		event->packet.vbl.crtc_id = crtc_id;
	}
	hf_probe(event, event, crtc_id, sequence, ns);
	if (event->file &&
	    send(event->file->fd, &event->packet, EVENT_BYTES,
		 MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		hf_dbg("event lost: the reader is gone");
	hf_event_destroy(event);
}
