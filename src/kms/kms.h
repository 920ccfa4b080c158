/* SPDX-License-Identifier: MIT */
/*
 * KMS: mode objects, their properties, atomic state, and vblanks.
 *
 * A configuration change is always the same three steps: build a
 * hf_atomic_state (copies of the states of the objects it touches), check it,
 * commit it. The legacy calls build one too. What the display hardware has to
 * say goes through struct hf_kms_funcs.
 *
 * All of it is protected by the device's lock. Framebuffers and blobs are
 * counted; all other objects live as long as the device.
 */
#ifndef HF_KMS_KMS_H
#define HF_KMS_KMS_H

#include <stdbool.h>
#include <stdint.h>
#include <drm.h>
#include <drm_mode.h>
#include <wayland-util.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/idr.h"
#include "kms/edid.h"
#include "kms/format.h"
#include "kms/lease.h"
#include "sync/fence.h"
#include "sync/late.h"

#define HF_KMS_MAX_CRTCS 16
#define HF_KMS_MAX_OVERLAYS 8 /* of a CRTC */
#define HF_CRTC_MAX_PLANES (HF_KMS_MAX_OVERLAYS + 2)
#define HF_KMS_MAX_PLANES (HF_CRTC_MAX_PLANES * HF_KMS_MAX_CRTCS)
#define HF_KMS_MAX_OUTPUTS HF_KMS_MAX_CRTCS
/* With one a CRTC that writes back. */
#define HF_KMS_MAX_CONNECTORS (HF_KMS_MAX_OUTPUTS + HF_KMS_MAX_CRTCS)
#define HF_KMS_MAX_ENCODERS 32 /* a bit each */
#define HF_KMS_MAX_MODES 128
#define HF_KMS_MAX_PROPS 48
#define HF_KMS_MAX_SIZE 16384 /* pixels or lines of a framebuffer or mode */
#define HF_KMS_GAMMA_SIZE 256 /* entries of the legacy table */
#define HF_KMS_LUT_SIZE 4096  /* of GAMMA_LUT and DEGAMMA_LUT, at most */
#define HF_KMS_CURSOR_SIZE 64 /* unless the driver says more */

struct hf_gem_object;
struct hf_kms_device;
struct hf_kms_file;
struct hf_atomic_state;
struct hf_commit;
struct hf_flip;
struct hf_writeback_job;

/* -- objects and properties ---------------------------------------------- */

struct hf_property;

struct hf_mode_object {
	uint32_t id;
	uint32_t type; /* DRM_MODE_OBJECT_* */
	uint32_t nprops;
	uint32_t prop_ids[HF_KMS_MAX_PROPS]; /* side by side, to be searched */
	struct hf_property *props[HF_KMS_MAX_PROPS];
	uint64_t values[HF_KMS_MAX_PROPS]; /* of those that no state holds */
};

struct hf_property_enum {
	uint64_t value; /* of a bitmask: the bit's number */
	const char *name;
};

struct hf_property {
	struct hf_mode_object base;
	uint32_t flags; /* DRM_MODE_PROP_* */
	const char *name;
	uint32_t num_values;
	uint64_t values[2]; /* a range's ends, an object's type */
	const struct hf_property_enum *enums;
	uint32_t num_enums;
	struct wl_list link;
};

struct hf_blob {
	struct hf_mode_object base;
	struct hf_kms_device *kms;
	uint32_t refcount;
	struct wl_list file_link; /* hf_kms_file.blobs, or itself */
	size_t length;		  /* bytes */
	uint8_t data[];
};

struct hf_framebuffer {
	struct hf_mode_object base;
	struct hf_kms_device *kms;
	uint32_t refcount;
	struct wl_list file_link; /* hf_kms_file.fbs, or itself */
	const struct hf_format *format;
	uint32_t width, height;
	uint32_t pitches[4], offsets[4]; /* bytes */
	uint64_t modifier;
	uint32_t flags; /* DRM_MODE_FB_* */
	struct hf_gem_object *objects[4];
	bool prepared; /* it was shown: the display may read it */
	void *driver;  /* the display's own, from prepare_fb to cleanup_fb */
};

/* -- state ---------------------------------------------------------------- */

struct hf_crtc;
struct hf_plane;
struct hf_connector;
struct hf_encoder;

struct hf_plane_state {
	struct hf_plane *plane;
	struct hf_crtc *crtc;
	struct hf_framebuffer *fb;
	int32_t crtc_x, crtc_y;
	uint32_t crtc_w, crtc_h;
	uint32_t src_x, src_y, src_w, src_h; /* 16.16 */
	uint16_t alpha;
	uint32_t rotation; /* DRM_MODE_ROTATE_* | DRM_MODE_REFLECT_* */
	uint32_t blend;	   /* 0 pre-multiplied, 1 coverage, 2 none */
	uint32_t encoding, range;
	uint32_t zpos;
	uint32_t scaling_filter; /* HF_FILTER_* */
	int32_t hotspot_x, hotspot_y;
	struct hf_blob *damage;
	struct hf_fence *in_fence; /* to wait for before it is shown */
};

struct hf_crtc_state {
	struct hf_crtc *crtc;
	bool enable, active;
	bool mode_changed, active_changed, connectors_changed;
	bool async_flip;
	uint32_t connector_mask;
	struct drm_mode_modeinfo mode;
	struct hf_blob *mode_blob;
	/* What is done to the pixels, in this order; NULL: nothing. */
	struct hf_blob *degamma, *ctm, *gamma;
	uint64_t background; /* ARGB, 16 bits each */
	bool vrr;	     /* VRR_ENABLED */
	struct hf_event *event; /* to send when the commit is shown */
	struct hf_fence *out_fence; /* to signal then */
	uint64_t out_fence_ptr; /* where the client wants it; 0: nowhere */
};

struct hf_connector_state {
	struct hf_connector *connector;
	struct hf_crtc *crtc;
	struct hf_encoder *encoder; /* that drives it; NULL without a CRTC */
	uint32_t link_status;	    /* DRM_MODE_LINK_STATUS_* */
	uint32_t max_bpc;
	uint32_t content_type; /* DRM_MODE_CONTENT_TYPE_* */
	uint32_t colorspace;
	uint32_t scaling_mode; /* DRM_MODE_SCALE_* */
	struct hf_blob *hdr;   /* struct hdr_output_metadata, or NULL */
	struct hf_writeback_job *writeback; /* of this commit only, or NULL */
	uint64_t out_fence_ptr; /* where the client wants its fence; 0: nowhere */
};

/* -- the objects of a display --------------------------------------------- */

/* The values of a plane's "type". */
enum { HF_PLANE_OVERLAY, HF_PLANE_PRIMARY, HF_PLANE_CURSOR };

/* The values of "SCALING_FILTER". */
enum { HF_FILTER_DEFAULT, HF_FILTER_NEAREST };

struct hf_plane {
	struct hf_mode_object base;
	struct hf_kms_device *kms;
	unsigned int index;
	uint32_t type; /* HF_PLANE_* */
	uint32_t possible_crtcs;
	const uint32_t *formats;
	unsigned int num_formats;
	struct hf_blob *in_formats, *size_hints; /* or NULL */
	struct hf_property *zpos; /* its own, with its own range; or NULL */
	struct hf_plane_state *state;
	int32_t cursor_x, cursor_y; /* where legacy MOVE put it */
};

/*
 * Vblanks are arithmetic: number n of a running CRTC is at
 * start_ns + (n - start) * frame_num / frame_den. A timer runs only while
 * somebody waits.
 *
 * With a variable rate a frame lasts longest_ns, but where there is a flip the next
 * vblank is at early_ns, and those after it are counted from there.
 */
struct hf_vblank {
	bool on;
	uint64_t start;	   /* count at start_ns */
	uint64_t start_ns; /* of the last modeset, or an early vblank */
	uint64_t frame_num, frame_den;
	uint64_t longest_ns; /* 0: the rate is that of the mode */
	uint64_t early_ns;   /* of number start + 1; 0: no flip is waiting for it */
	uint64_t last; /* count when it was switched off */
	uint64_t last_ns;
	uint64_t told;		/* the vblank that waiters were last told of */
	struct wl_list events;	/* hf_event.link, in no order */
	struct wl_list waiters; /* hf_vblank_wait.link */
	struct hf_timer timer;
};

/**
 * struct hf_flip_faults - How the flips of a CRTC go wrong on purpose.
 * @drop: that so many of the next ones were shown is never told
 * @late: that so many are is told late; UINT32_MAX: all of them
 * @delay: how late, nanoseconds
 */
struct hf_flip_faults {
	uint32_t drop, late;
	uint64_t delay;
};

struct hf_crtc {
	struct hf_mode_object base;
	struct hf_kms_device *kms;
	unsigned int index;
	struct hf_plane *primary, *cursor;
	struct hf_crtc_state *state;
	struct hf_commit *commit; /* swapped in, not yet shown */
	struct hf_vblank vblank;
	struct hf_timeline timeline; /* of its out-fences */
	uint64_t frames; /* shown so far */
	struct hf_flip_faults faults;
	uint32_t last_width, last_height; /* of its last mode; 0: none yet */
	/* What its planes showed before they were taken off, lowest first. */
	struct hf_plane_state *held[HF_CRTC_MAX_PLANES];
	struct hf_crtc_state *held_state; /* of that time, or NULL */
	uint16_t gamma[3][HF_KMS_GAMMA_SIZE]; /* as GETGAMMA reads it */
};

struct hf_encoder {
	struct hf_mode_object base;
	unsigned int index;
	uint32_t type; /* DRM_MODE_ENCODER_* */
	uint32_t possible_crtcs;
	uint32_t possible_clones; /* a bit an encoder, its own among them */
};

/*
 * What is plugged in at a connector: hf_kms_plug() puts it there, and a probe finds
 * it. The connector's modes and the like are those that the last probe found.
 */
struct hf_monitor;

/* What a connector is told to find, whatever is plugged in. */
enum hf_force {
	HF_FORCE_UNSPECIFIED,
	HF_FORCE_OFF,
	HF_FORCE_ON,
	HF_FORCE_ON_DIGITAL,
};

struct hf_kms_output;

struct hf_connector {
	struct hf_mode_object base;
	struct hf_kms_device *kms;
	unsigned int index;
	uint32_t type, type_id; /* DRM_MODE_CONNECTOR_* */
	uint32_t possible_encoders; /* a bit each */
	uint32_t orientation; /* as the property has it, if it has that */
	struct hf_property *max_bpc; /* its own, or NULL */
	struct hf_blob *path;
	bool connected;
	struct hf_monitor *plugged; /* not probed yet, or NULL */
	bool unknown; /* nobody has looked yet whether it is */
	uint32_t width_mm, height_mm;
	struct drm_mode_modeinfo modes[HF_KMS_MAX_MODES];
	unsigned int num_modes;
	double vrr_min_hz; /* if its rate may vary, the lowest; else 0 */
	bool non_desktop;
	uint32_t subconnector; /* DRM_MODE_SUBCONNECTOR_* */
	struct hf_blob *edid, *tile;
	uint32_t tile_group; /* 0: it shows no tile */
	uint8_t tile_topology[HF_EDID_TOPOLOGY];
	struct hf_blob *writeback_formats; /* of one that writes back, or NULL */
	struct hf_timeline timeline;	   /* of such a one's out-fences */
	uint32_t dpms; /* DRM_MODE_DPMS_* */
	struct hf_connector_state *state;
	enum hf_force force;
	struct hf_kms_output *wired; /* what really is plugged in; NULL: nothing yet */
};

/* What a display can do (hf_kms_funcs.features). */
#define HF_KMS_VBLANK 1u /* vblanks, at the rate of the mode: flips end with one */
#define HF_KMS_GAMMA 2u	 /* a CRTC has colour tables, a matrix and a background */
#define HF_KMS_BLEND 4u	 /* alpha, blend mode, rotation, zpos, YUV encodings, filters */
#define HF_KMS_ASYNC 8u	 /* flips that do not wait for a vblank */
#define HF_KMS_ROUTES 16u /* any connector can be on any CRTC; else n is on n */
#define HF_KMS_WRITEBACK 32u /* it can write what a CRTC shows into a framebuffer */
#define HF_KMS_VRR 64u	  /* the rate may vary, where the monitor can */

/**
 * struct hf_kms_funcs - What display hardware adds.
 * @features: HF_KMS_*
 * @min_crtcs: CRTCs, if there are fewer outputs
 * @connector_type: DRM_MODE_CONNECTOR_*; likewise @encoder_type
 * @formats: fourccs of each HF_PLANE_*, ended by 0; NULL: there is no such plane
 * @cursor_size: pixels and lines of a cursor, at most; 0: HF_KMS_CURSOR_SIZE, and @check
 *	says what it may be
 * @check: may this state be? 0 or a negative errno. NULL: all may.
 * @flip: the fences of a commit are signaled, and this CRTC's new state (and those of
 *	its planes) is to be shown; @old holds the old ones, of what changed. @flip is
 *	NULL or must be given to hf_flip_done(), now or later, once, whatever
 *	happens. NULL: nothing to do; vblanks say when it is shown.
 * @prepare_fb: a framebuffer is going to be shown for the first time: make its
 *	memory reachable for the display; 0 or a negative errno. NULL: nothing to do
 * @cleanup_fb: one that was prepared goes. NULL: nothing to do
 * @writeback_formats: fourccs that it can write back to, ended by 0; for
 *	HF_KMS_WRITEBACK, as what follows
 * @prepare_writeback: a job is going to be committed: make its framebuffer's memory
 *	reachable for the display, to write; 0 or a negative errno. NULL: nothing to do
 * @writeback: the job's CRTC shows its new state, since now: write that to the
 *	framebuffer. The job must be given to hf_writeback_done(), now or later, once,
 *	whatever happens, and those of a connector in order
 * @cleanup_writeback: a job that was prepared goes, done or not. NULL: nothing to do
 */
struct hf_kms_funcs {
	unsigned int features, min_crtcs;
	uint32_t connector_type, encoder_type;
	const uint32_t *formats[3];
	uint32_t cursor_size;
	int (*check)(struct hf_atomic_state *state);
	void (*flip)(struct hf_crtc *crtc, const struct hf_atomic_state *old,
		     struct hf_flip *flip);
	int (*prepare_fb)(struct hf_framebuffer *fb);
	void (*cleanup_fb)(struct hf_framebuffer *fb);
	const uint32_t *writeback_formats;
	int (*prepare_writeback)(struct hf_writeback_job *job);
	void (*writeback)(struct hf_writeback_job *job);
	void (*cleanup_writeback)(struct hf_writeback_job *job);
};

struct hf_kms_device {
	const struct hf_kms_funcs *funcs;
	struct hf_clock *clock;
	struct hf_idr objects;
	struct wl_list properties;
	struct hf_crtc *crtcs[HF_KMS_MAX_CRTCS];
	struct hf_plane *planes[HF_KMS_MAX_PLANES];
	struct hf_connector *connectors[HF_KMS_MAX_CONNECTORS];
	struct hf_encoder *encoders[HF_KMS_MAX_ENCODERS];
	unsigned int num_crtcs, num_planes, num_connectors, num_encoders;
	uint32_t reserved;    /* a bit a CRTC: by a hf_commit_wait */
	struct wl_list turns; /* those who wait for such a CRTC */
	uint64_t writebacks;  /* jobs done so far, well or not */
	bool hold; /* keep what a CRTC showed last */
	bool virtual_cursor; /* cursors are drawn by somebody else: by their hotspot */
	/* Told after outputs were wired up anew; NULL: nobody is. */
	void (*changed)(struct hf_kms_device *kms);
	/* Has the uevent sent, as hf_kms_uevent() says; NULL: nobody does. */
	void (*uevent)(struct hf_kms_device *kms, const char *what,
		       const struct hf_connector *connector,
		       const struct hf_property *prop);
	struct wl_list watches; /* hf_kms_watch.link */
	struct hf_fence_faults *fences; /* of out-fences, or NULL */
	struct hf_fault commit_fault; /* of commits of clients */
	bool test_fault; /* and of their tests */
	struct wl_list late; /* flips that were shown, which nobody was told of */
	/* Is there a master, whom a probe is left to? NULL: there is none. */
	bool (*has_master)(const struct hf_kms_device *kms);
	struct {
		struct hf_property *type, *fb_id, *crtc_id, *crtc_x, *crtc_y;
		struct hf_property *crtc_w, *crtc_h;
		struct hf_property *src_x, *src_y, *src_w, *src_h;
		struct hf_property *in_formats, *alpha, *rotation, *blend;
		struct hf_property *encoding, *range, *damage;
		struct hf_property *in_formats_async, *size_hints;
		struct hf_property *scaling_filter, *hotspot_x, *hotspot_y;
		struct hf_property *active, *mode_id, *gamma, *gamma_size;
		struct hf_property *degamma, *degamma_size, *ctm, *background;
		struct hf_property *vrr_enabled, *vrr_capable;
		struct hf_property *edid, *dpms, *link_status, *non_desktop;
		struct hf_property *tile, *in_fence, *out_fence;
		struct hf_property *writeback_fb, *writeback_formats;
		struct hf_property *writeback_out_fence;
		struct hf_property *path, *hdr, *content_type, *scaling_mode;
		struct hf_property *hdmi_colorspace, *dp_colorspace;
		struct hf_property *orientation;
		struct hf_property *dp_subconnector, *dvi_subconnector;
	} prop;
};

/**
 * struct hf_kms_watch - Somebody who looks at what a display does.
 * @shown: a CRTC shows a new state, since @ns on the clock; nobody was told yet
 * @begins: a commit is going to be the current state; NULL: not to be told
 * @drawn: a client says that it has drawn into a framebuffer, which may be shown; NULL
 *	likewise
 *
 * The lock is held.
 */
struct hf_kms_watch {
	struct wl_list link; /* hf_kms_device.watches */
	void (*shown)(struct hf_kms_watch *watch, struct hf_crtc *crtc,
		      uint64_t ns);
	void (*begins)(struct hf_kms_watch *watch,
		       const struct hf_atomic_state *state);
	void (*drawn)(struct hf_kms_watch *watch, struct hf_framebuffer *fb);
};

/* What KMS keeps of an open DRM file. */
struct hf_kms_file {
	struct hf_kms_device *kms;
	bool universal, atomic, aspect, stereo, hotspot; /* DRM_CLIENT_CAP_* */
	bool writeback; /* DRM_CLIENT_CAP_WRITEBACK_CONNECTORS */
	struct wl_list fbs;
	struct wl_list blobs;
	const struct hf_lease *lease; /* all that it may see; NULL: everything */
	int fd; /* the socket that events go to */
	uint32_t reserved; /* events that were promised and not yet sent */
	struct wl_list pending; /* hf_event.file_link */
};

/** struct hf_kms_size - A mode by its size and refreshes a second. */
struct hf_kms_size {
	unsigned int width, height;
	double hz;
};

#define HF_OUTPUT_MODES 8
#define HF_OUTPUT_PATH 64

/**
 * struct hf_kms_output - A connector, and what is plugged in there.
 *
 * All may be 0 but the size, and that where nothing is plugged in.
 *
 * The monitor:
 * @width: pixels of the mode that it prefers; 0: nothing is plugged in
 * @height: lines
 * @hz: refreshes a second
 * @edid: what it says of itself, or NULL: one is made up; likewise @edid_size, bytes
 * @vrr: it can refresh whenever there is something new to show
 * @vrr_min_hz: refreshes a second if there is nothing new; 0: what is usual
 * @vendor: what a made-up EDID says, "": "HFS"; likewise @name ("Holdfast"),
 *	@product and @serial (1 and up)
 * @width_mm: its picture; 0: as 96 dots an inch make it; likewise @height_mm
 * @hdr: it shows HDR
 * @non_desktop: it is worn, say, and no place for a desktop
 * @tile: it is a part of a monitor of so many columns and rows of them
 * @modes: what it shows besides; likewise @num_modes
 * @subconnector: DRM_MODE_SUBCONNECTOR_*, what is behind a DP or DVI-I; 0: the usual
 *
 * The connector, which hf_kms_plug() does not look at:
 * @type: DRM_MODE_CONNECTOR_*; 0: the driver's own
 * @encoders: how many it has, which take turns at the CRTCs; 0: one
 * @share: has those of the connector of this number, counted from 1; 0: its own
 * @clone: its CRTC may drive others at the same time that have this, too
 * @max_bpc: the most bits a colour; 0: the usual
 * @has_orientation: it is a panel that was built in like this: @orientation, as the
 *	property has it
 * @path: where it is in a DisplayPort topology; "": it is in none
 */
struct hf_kms_output {
	unsigned int width, height;
	double hz;
	const void *edid;
	size_t edid_size;
	bool vrr;
	double vrr_min_hz;
	char vendor[4], name[14];
	uint16_t product;
	uint32_t serial;
	uint32_t width_mm, height_mm;
	bool hdr, non_desktop;
	struct hf_edid_tile tile;
	struct hf_kms_size modes[HF_OUTPUT_MODES];
	unsigned int num_modes;
	uint32_t subconnector;
	uint32_t type;
	unsigned int encoders, share;
	bool clone;
	unsigned int max_bpc;
	bool has_orientation;
	uint32_t orientation;
	char path[HF_OUTPUT_PATH];
};

/* device.c */

/**
 * struct hf_kms_options - How a display is configured.
 * @overlays: overlay planes a CRTC, 0 to HF_KMS_MAX_OVERLAYS; NULL: one, if any
 * @virtual_cursor: whoever looks at the display draws the cursor where his own is, so
 *	that its plane is for clients that say where its hotspot is
 */
struct hf_kms_options {
	const unsigned int *overlays;
	bool virtual_cursor;
};

/**
 * hf_kms_device_init() - A display with a connector an output.
 * @options: or NULL, for the defaults
 *
 * A CRTC an output, each with the planes that the driver has formats for.
 *
 * Return: 0, -EINVAL for an output or option that cannot be, -ENOMEM.
 */
int hf_kms_device_init(struct hf_kms_device *kms, struct hf_clock *clock,
		       const struct hf_kms_funcs *funcs,
		       const struct hf_kms_output *outputs, size_t noutputs,
		       const struct hf_kms_options *options);
/**
 * hf_kms_device_stop() - Vblanks end, and with them what waits for one.
 *
 * Flips that are late are over. The states stay: hf_kms_start().
 */
void hf_kms_device_stop(struct hf_kms_device *kms);
void hf_kms_device_finish(struct hf_kms_device *kms);
/**
 * hf_kms_plug() - Something was plugged in at a connector, or was unplugged.
 *
 * Its modes follow from the EDID, the one that is preferred first; where that lists
 * none, another one is made up. A CRTC that it is
 * on stays as it is, as in the kernel: that is for the client to change.
 *
 * The connector's status changes at once, and all else with the next probe: it is the
 * master's (hf_connector_probe()), and where there is none it is done here, as the
 * kernel's console does it.
 *
 * Return: 0, or a negative errno, and nothing was changed.
 */
int hf_kms_plug(struct hf_connector *connector,
		const struct hf_kms_output *output);

/* force.c */

/**
 * hf_kms_force() - Tell a connector what to find, as the kernel's status_store().
 *
 * If that makes a difference there is a uevent. Return: as hf_kms_plug().
 */
int hf_kms_force(struct hf_connector *connector, enum hf_force force);
/** hf_connector_seen() - What it makes of an output that is plugged in. */
struct hf_kms_output hf_connector_seen(const struct hf_connector *connector,
				       const struct hf_kms_output *output);
/** hf_connector_remember() - That is plugged in. Return: 0 or -ENOMEM. */
int hf_connector_remember(struct hf_connector *connector,
			  const struct hf_kms_output *output);

/* device.c */

/**
 * hf_kms_set_modes() - A connector lists other modes now, whatever its EDID says.
 *
 * The first one is preferred. Where something else is plugged in they are gone.
 */
void hf_kms_set_modes(struct hf_connector *connector,
		      const struct drm_mode_modeinfo *modes, unsigned int n);
/**
 * hf_kms_uevent() - Tell those who listen to the device's uevents.
 * @what: "HOTPLUG=1", "LEASE=1"
 * @connector: which has changed, or NULL: any may have
 * @prop: which property of it has, or NULL
 */
void hf_kms_uevent(struct hf_kms_device *kms, const char *what,
		   const struct hf_connector *connector,
		   const struct hf_property *prop);
/** hf_connector_name() - "HDMI-A-1". */
void hf_connector_name(const struct hf_connector *connector, char *name,
		       size_t size);
/** hf_connector_type_name() - "HDMI-A"; NULL beyond the last DRM_MODE_CONNECTOR_*. */
const char *hf_connector_type_name(uint32_t type);
/* The kernel's numbers; libdrm adds one. */
enum { HF_SUBPIXEL_UNKNOWN, HF_SUBPIXEL_HORIZONTAL_RGB };
/** hf_connector_subpixel() - HF_SUBPIXEL_*. */
uint32_t hf_connector_subpixel(const struct hf_connector *connector);
/** hf_connector_probe() - See what is plugged in, as GETCONNECTOR has it done. */
void hf_connector_probe(struct hf_connector *connector);
/** hf_encoder_crtc() - The CRTC that it shows, or NULL. */
struct hf_crtc *hf_encoder_crtc(const struct hf_kms_device *kms,
				const struct hf_encoder *encoder);
void hf_kms_file_init(struct hf_kms_file *file, struct hf_kms_device *kms,
		      int fd);
/** hf_kms_hold() - Keep what a CRTC shows now, if it shows anything. */
void hf_kms_hold(struct hf_crtc *crtc);
/** HF_KMS_MAIN - An index of a CRTC: the one of hf_kms_main_crtc() at the time. */
#define HF_KMS_MAIN UINT32_MAX
/**
 * hf_kms_main_crtc() - What somebody means who does not say which CRTC.
 *
 * Return: the index of the first connector's that is on one; where all are off, of the
 * first that has shown anything; else 0.
 */
unsigned int hf_kms_main_crtc(const struct hf_kms_device *kms);
/** hf_kms_drop_held() - Let go of what CRTCs showed last. */
void hf_kms_drop_held(struct hf_kms_device *kms);
/** hf_kms_file_finish() - Drop its events, framebuffers and blobs. */
void hf_kms_file_finish(struct hf_kms_file *file);

/* object.c */

int hf_mode_object_add(struct hf_kms_device *kms, struct hf_mode_object *object,
		       uint32_t type);
void hf_mode_object_remove(struct hf_kms_device *kms,
			   struct hf_mode_object *object);
/** hf_mode_object_find() - By id and type (DRM_MODE_OBJECT_ANY), or NULL. */
struct hf_mode_object *hf_mode_object_find(struct hf_kms_device *kms,
					   uint32_t id, uint32_t type);
/**
 * hf_kms_file_sees() - May this file use the object?
 *
 * A lessee has the CRTCs, connectors and planes that it was lent.
 */
bool hf_kms_file_sees(const struct hf_kms_file *file,
		      const struct hf_mode_object *object);
/**
 * hf_kms_file_crtcs() - Which CRTCs a mask means to a file.
 * @crtcs: a bit an index
 *
 * A lessee counts only those that it has.
 */
uint32_t hf_kms_file_crtcs(const struct hf_kms_file *file, uint32_t crtcs);
/** hf_kms_file_crtc() - The CRTC that a file counts as this one, or NULL. */
struct hf_crtc *hf_kms_file_crtc(const struct hf_kms_file *file,
				 unsigned int index);
/** hf_mode_object_seen() - As hf_mode_object_find(), of those that a file sees. */
struct hf_mode_object *hf_mode_object_seen(const struct hf_kms_file *file,
					   uint32_t id, uint32_t type);
/* What may be lent is found for a file, all else for a device. */
struct hf_crtc *hf_crtc_find(const struct hf_kms_file *file, uint32_t id);
struct hf_plane *hf_plane_find(const struct hf_kms_file *file, uint32_t id);
struct hf_connector *hf_connector_find(const struct hf_kms_file *file,
				       uint32_t id);
struct hf_encoder *hf_encoder_find(struct hf_kms_device *kms, uint32_t id);
struct hf_property *hf_property_find(struct hf_kms_device *kms, uint32_t id);
struct hf_framebuffer *hf_framebuffer_find(struct hf_kms_device *kms,
					   uint32_t id);
struct hf_blob *hf_blob_find(struct hf_kms_device *kms, uint32_t id);

/** hf_blob_create() - Return: one reference, or NULL and ENOMEM. */
struct hf_blob *hf_blob_create(struct hf_kms_device *kms, const void *data,
			       size_t length);
struct hf_blob *hf_blob_get(struct hf_blob *blob);
void hf_blob_put(struct hf_blob *blob);
/** hf_blob_replace() - Let *@slot hold @blob (or NULL), with references. */
void hf_blob_replace(struct hf_blob **slot, struct hf_blob *blob);

/* property.c */

int hf_kms_properties_init(struct hf_kms_device *kms);
/** hf_property_create_range() - Return: NULL and ENOMEM. */
struct hf_property *hf_property_create_range(struct hf_kms_device *kms,
					     const char *name, uint32_t flags,
					     uint64_t min, uint64_t max);
void hf_object_attach(struct hf_mode_object *object, struct hf_property *prop,
		      uint64_t value);
/** hf_object_prop() - The property of that id on an object, or NULL. */
struct hf_property *hf_object_prop(const struct hf_mode_object *object,
				   uint32_t prop_id);
/**
 * hf_property_valid() - May this value be set? The kernel's
 * drm_property_change_valid_get(): not immutable, in range, a known enum,
 * an object or blob that exists.
 */
bool hf_property_valid(struct hf_kms_device *kms,
		       const struct hf_property *prop, uint64_t value);
/** hf_object_get_value() - The value of a property as a client reads it. */
uint64_t hf_object_get_value(const struct hf_mode_object *object,
			     unsigned int i);
/** hf_atomic_get_value() - The value that a property of an object has in a state. */
uint64_t hf_atomic_get_value(const struct hf_atomic_state *state,
			     const struct hf_mode_object *object,
			     const struct hf_property *prop);

/* plane.c */

/** hf_planes_create() - Those of a CRTC, the lowest first. Return: 0, -ENOMEM. */
int hf_planes_create(struct hf_crtc *crtc, unsigned int overlays);
/** hf_kms_cursor_size() - Pixels and lines of a cursor, at most. */
static inline uint32_t hf_kms_cursor_size(const struct hf_kms_device *kms)
{
	return kms->funcs->cursor_size ? kms->funcs->cursor_size :
					 HF_KMS_CURSOR_SIZE;
}
/**
 * hf_crtc_planes() - What a CRTC shows, the lowest plane first.
 * @planes: where to put the states
 *
 * The order is that of zpos, and of ids where that is the same.
 *
 * Return: how many; 0 where it is off.
 */
unsigned int
hf_crtc_planes(const struct hf_crtc *crtc,
	       const struct hf_plane_state *planes[HF_CRTC_MAX_PLANES]);

/* framebuffer.c */

/**
 * hf_framebuffer_create() - Check a request and make a framebuffer of it.
 * @cmd: as given to ADDFB2
 * @objects: behind its handles; a reference to each is taken
 * @fb: where to put it
 *
 * Return: 0, or the errno of the kernel's framebuffer_check() and
 * drm_gem_fb_create(): -EINVAL, -ERANGE, -ENOMEM.
 */
int hf_framebuffer_create(struct hf_kms_device *kms,
			  const struct drm_mode_fb_cmd2 *cmd,
			  struct hf_gem_object *const objects[4],
			  struct hf_framebuffer **fb);
/** hf_framebuffer_check() - The part of it that needs no objects. */
int hf_framebuffer_check(struct hf_kms_device *kms,
			 const struct drm_mode_fb_cmd2 *cmd);
struct hf_framebuffer *hf_framebuffer_get(struct hf_framebuffer *fb);
void hf_framebuffer_put(struct hf_framebuffer *fb);
/** hf_framebuffer_drawn() - A client says that it has drawn into it: tell who watches. */
void hf_framebuffer_drawn(struct hf_framebuffer *fb);
/**
 * hf_framebuffer_remove() - Take it off every plane that shows it, and drop
 * the caller's reference.
 */
void hf_framebuffer_remove(struct hf_framebuffer *fb);
bool hf_plane_has_format(const struct hf_plane *plane, uint32_t fourcc,
			 uint64_t modifier);

/* vblank.c, event.c */

struct hf_event {
	struct hf_kms_file *file;  /* NULL: its file was closed meanwhile */
	struct wl_list file_link;  /* hf_kms_file.pending */
	struct wl_list link;	   /* hf_vblank.events, or itself */
	uint64_t sequence;	   /* the vblank it waits for */
	union {
		struct drm_event base;
		struct drm_event_vblank vbl;
		struct drm_event_crtc_sequence seq;
	} packet;
};

/**
 * hf_event_create() - Reserve room in a file's queue for an event.
 *
 * Return: NULL and ENOMEM where 4 KiB of events wait to be read already, as
 * the kernel's drm_event_reserve_init().
 */
struct hf_event *hf_event_create(struct hf_kms_file *file, uint32_t type,
				 uint64_t user_data);
/** hf_event_destroy() - Cancel an event that was not sent. Takes NULL. */
void hf_event_destroy(struct hf_event *event);
/** hf_event_send() - Send with this vblank's count and time; frees it. */
void hf_event_send(struct hf_event *event, uint32_t crtc_id, uint64_t sequence,
		   uint64_t ns);

/**
 * struct hf_vblank_wait - Somebody who waits for a vblank.
 * @last: after all others: who looks at what they have made of it
 * @done: called once: at the vblank, or when the CRTC was switched off
 */
struct hf_vblank_wait {
	struct wl_list link;
	bool last;
	struct hf_crtc *crtc; /* whose, set by hf_vblank_wait_add() */
	uint64_t sequence;
	void (*done)(struct hf_vblank_wait *wait);
};

/* As the kernel's vblank_passed(): counts may be compared after they wrap. */
static inline bool hf_vblank_passed(uint64_t count, uint64_t sequence)
{
	return count - sequence <= 1u << 23;
}

/** hf_crtc_gamma_size() - Entries of its legacy gamma table; 0: it has none. */
static inline uint32_t hf_crtc_gamma_size(const struct hf_crtc *crtc)
{
	return crtc->kms->funcs->features & HF_KMS_GAMMA ? HF_KMS_GAMMA_SIZE :
							   0;
}

/** hf_kms_has_vblank() - Else there is nothing to wait for, and nothing to count. */
static inline bool hf_kms_has_vblank(const struct hf_kms_device *kms)
{
	return kms->funcs->features & HF_KMS_VBLANK;
}

void hf_vblank_init(struct hf_crtc *crtc);
/** hf_vblank_on() - The CRTC starts to scan out this mode now, if it has vblanks. */
void hf_vblank_on(struct hf_crtc *crtc, const struct drm_mode_modeinfo *mode);
/** hf_vblank_off() - It stops; whoever waits is told. */
void hf_vblank_off(struct hf_crtc *crtc);
/**
 * hf_vblank_set_rate() - Let the rate vary, or be that of the mode again.
 * @min_hz: refreshes a second, at least; 0: as the mode has it
 */
void hf_vblank_set_rate(struct hf_crtc *crtc, double min_hz);
/**
 * hf_vblank_hurry() - There is a flip: the next vblank is as soon as it may be.
 *
 * With a variable rate that is now, but not before the mode's frame is over; else
 * nothing changes.
 *
 * Return: its number.
 */
uint64_t hf_vblank_hurry(struct hf_crtc *crtc);
/**
 * hf_vblank_target() - The vblank that whoever asks for one waits for.
 *
 * As in the kernel, one that was more than 2^23 vblanks ago does not come.
 */
static inline uint64_t hf_vblank_target(uint64_t count, uint64_t sequence)
{
	return sequence > count ? sequence : UINT64_MAX;
}
/** hf_vblank_count() - Vblanks so far, and when the last one was. */
uint64_t hf_vblank_count(struct hf_crtc *crtc, uint64_t *ns);
/** hf_vblank_next() - When the next one is, of a CRTC that is on. */
uint64_t hf_vblank_next(struct hf_crtc *crtc);
/** hf_vblank_queue() - Send an event at event->sequence, or now if passed. */
void hf_vblank_queue(struct hf_crtc *crtc, struct hf_event *event);
/** hf_vblank_wait_add() - Call wait->done() at wait->sequence. */
void hf_vblank_wait_add(struct hf_crtc *crtc, struct hf_vblank_wait *wait);
void hf_vblank_wait_remove(struct hf_vblank_wait *wait);

/* atomic.c: the state machine */

struct hf_atomic_state {
	struct hf_kms_device *kms;
	const struct hf_kms_file *file; /* who builds it; NULL: nobody's file */
	bool allow_modeset;
	bool async;   /* DRM_MODE_PAGE_FLIP_ASYNC: nothing else may change */
	bool at_once; /* shown without a vblank, waits for nothing */
	/* By index, as many as the device has; NULL: not touched. */
	struct hf_crtc_state **crtcs;
	struct hf_plane_state **planes;
	struct hf_connector_state **connectors;
	void *slots[]; /* of these three */
};

/**
 * hf_atomic_state_create() - An empty one.
 *
 * All objects of the device are there already. Return: NULL and ENOMEM.
 */
struct hf_atomic_state *hf_atomic_state_create(struct hf_kms_device *kms);
/** hf_atomic_state_destroy() - With its events. Takes NULL. */
void hf_atomic_state_destroy(struct hf_atomic_state *state);

/*
 * The new state of an object, copied on first use. A plane or connector brings
 * the state of the CRTC that it is on. NULL: no memory.
 */
struct hf_crtc_state *hf_atomic_get_crtc(struct hf_atomic_state *state,
					 struct hf_crtc *crtc);
struct hf_plane_state *hf_atomic_get_plane(struct hf_atomic_state *state,
					   struct hf_plane *plane);
struct hf_connector_state *
hf_atomic_get_connector(struct hf_atomic_state *state,
			struct hf_connector *connector);

/* Changes to a new state. Return: 0, -ENOMEM, -EINVAL for a bad mode. */
int hf_atomic_set_mode(struct hf_crtc_state *state,
		       const struct drm_mode_modeinfo *mode);
int hf_atomic_set_mode_blob(struct hf_crtc_state *state, struct hf_blob *blob);
int hf_atomic_set_plane_crtc(struct hf_atomic_state *state,
			     struct hf_plane_state *plane,
			     struct hf_crtc *crtc);
void hf_atomic_set_plane_fb(struct hf_plane_state *plane,
			    struct hf_framebuffer *fb);
int hf_atomic_set_connector_crtc(struct hf_atomic_state *state,
				 struct hf_connector_state *connector,
				 struct hf_crtc *crtc);
/**
 * hf_atomic_may_set() - May a property be set, as far as that can be said of it alone?
 *
 * Has the state of the object in @state.
 *
 * Return: 1; 0: it need not be, and nothing is to be done; -EINVAL, -ENOMEM.
 */
int hf_atomic_may_set(struct hf_atomic_state *state,
		      struct hf_mode_object *object,
		      const struct hf_property *prop, uint64_t value);
/**
 * hf_atomic_set_property() - Set a property on an object in a new state.
 *
 * Return: 0, -EINVAL, -EACCES for a CRTC that does not exist, -ENOMEM.
 */
int hf_atomic_set_property(struct hf_atomic_state *state,
			   struct hf_mode_object *object,
			   struct hf_property *prop, uint64_t value);

/**
 * hf_atomic_check() - May this state be?
 *
 * Return: 0 or the errno of the kernel's drm_atomic_check_only().
 */
int hf_atomic_check(struct hf_atomic_state *state);

/**
 * struct hf_commit_wait - Somebody who waits for a commit to be shown.
 * @done: called once, when every CRTC of the commit shows it
 */
struct hf_commit_wait {
	struct wl_list link;
	uint32_t reserved; /* a bit a CRTC: nobody else commits to it meanwhile */
	void (*done)(struct hf_commit_wait *wait);
};

/**
 * hf_atomic_commit() - Make a checked state the current one.
 * @state: owned by the commit on success
 * @wait: told when it is shown, if that is not the case on return; NULL: nobody
 *
 * Return: 0: shown already; 1: @wait will be told; -EBUSY: a commit before it
 * is not shown yet, and the state is still the caller's: hf_atomic_wait_idle().
 */
int hf_atomic_commit(struct hf_atomic_state *state,
		     struct hf_commit_wait *wait);
/**
 * hf_atomic_wait_idle() - Be told when a commit that is in the way is shown.
 *
 * The state's CRTCs are reserved for @wait, zeroed before its first use, until
 * hf_commit_wait_finish(): whoever flips one of them all the time does not keep a
 * commit to several from its turn.
 */
void hf_atomic_wait_idle(struct hf_atomic_state *state,
			 struct hf_commit_wait *wait);
/**
 * hf_atomic_wait_turn() - Wait while a CRTC of the state is reserved for another.
 *
 * The kernel would sleep on the CRTC's lock, non-blocking commits too.
 *
 * Return: false where none is, and nobody is told.
 */
bool hf_atomic_wait_turn(const struct hf_atomic_state *state,
			 struct hf_commit_wait *wait);
void hf_commit_wait_remove(struct hf_commit_wait *wait);
/** hf_commit_wait_finish() - The same, and what was reserved is free. */
void hf_commit_wait_finish(struct hf_kms_device *kms,
			   struct hf_commit_wait *wait);

/** hf_flip_done() - Called by a driver: what it was given the flip for is shown. */
void hf_flip_done(struct hf_flip *flip);

/**
 * hf_kms_end_late() - Flips that are late are over now, and so are those that were
 * dropped.
 */
void hf_kms_end_late(struct hf_kms_device *kms);

/** hf_kms_start() - It goes on with what the states say. */
void hf_kms_start(struct hf_kms_device *kms);
/** hf_kms_shutdown() - All of it is off, as drm_atomic_helper_shutdown() does it. */
void hf_kms_shutdown(struct hf_kms_device *kms);

/** hf_atomic_commit_now() - Check and commit; nobody waits, nothing is busy. */
int hf_atomic_commit_now(struct hf_atomic_state *state);

#endif
