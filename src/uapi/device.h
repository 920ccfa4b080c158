/* SPDX-License-Identifier: MIT */
/*
 * The DRM device, its open files and its masters: what the kernel calls
 * drm_device, drm_file and drm_master.
 *
 * The system's lock (uapi/system.h) protects a device and all that belongs to it.
 */
#ifndef HF_UAPI_DEVICE_H
#define HF_UAPI_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>
#include <wayland-util.h>

#include "dma/dma.h"
#include "dma/vfio.h"
#include "gem/gem.h"
#include "gem/userptr.h"
#include "kms/kms.h"
#include "sync/syncobj.h"
#include "uapi/system.h"

struct hf_call;
struct hf_check;
struct hf_composer;
struct hf_crcs;
struct hf_device;

struct hf_device_options;

/**
 * struct hf_hw_stats - What a driver of hardware says of it.
 * @address: on its bus
 * @in_flight: commands that it has not completed
 * @resources: that it has
 * @commands: ever completed
 * @errors: of those, with an error
 * @mappings: of its IOMMU, as the kernel counts them; likewise @available
 * @pinned: bytes that the kernel says this process has pinned
 * @gone: it is broken, or was taken away
 */
struct hf_hw_stats {
	const char *address;
	uint64_t in_flight, resources, commands, errors;
	uint64_t mappings, available, pinned;
	bool gone;
};

/**
 * struct hf_driver - What makes a device this device.
 * @name: for DRM_IOCTL_VERSION; likewise @desc and @date
 * @major: version of the driver's interface; likewise @minor, @patch
 * @kms: its display, or NULL
 * @engine: it has the 2D engine
 * @probe: start the hardware: its IOMMU domain is there, its display is not. Sets
 *	dev->hw and dev->irq_fd, and @outputs to what is at its connectors; returns how
 *	many or a negative errno. NULL: there is no hardware
 * @start: its display is there, too
 * @stop: the device is going: whoever waits for a flip is told, now, and from here on
 *	nothing works on memory; framebuffers are cleaned up after this
 * @remove: the display is gone, and the domain is not; let go of dev->hw
 * @interrupt: dev->irq_fd is readable
 * @stats: for `holdfast info`
 */
struct hf_driver {
	const char *name, *desc, *date;
	int major, minor, patch;
	const struct hf_kms_funcs *kms;
	bool engine;
	int (*probe)(struct hf_device *dev,
		     const struct hf_device_options *options,
		     struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS]);
	void (*start)(struct hf_device *dev);
	void (*stop)(struct hf_device *dev);
	void (*remove)(struct hf_device *dev);
	void (*interrupt)(struct hf_device *dev);
	void (*stats)(struct hf_device *dev, struct hf_hw_stats *stats);
};

struct hf_master {
	struct hf_device *dev;
	uint32_t refcount;
	bool unique_set; /* SET_VERSION gave it the device's name */
	struct hf_idr magics; /* to hf_file, or to itself once used up */

	/* Of a lessee: */
	struct hf_master *lessor; /* held; NULL: it is none, and has everything */
	uint32_t lessee_id;	  /* to its lessor */
	struct hf_lease lease;	  /* empty where it was revoked */
	struct wl_list lessor_link;
	/* Of a lessor: */
	struct wl_list lessees; /* hf_master.lessor_link, the oldest first */
	struct hf_idr lessee_ids;
};

struct hf_device {
	struct hf_system *sys;
	const struct hf_driver *driver;
	char unique[32]; /* "holdfast.0" */
	int primary_minor, render_minor; /* -1: none */
	struct hf_dma_device dma;
	struct hf_gem_device gem;
	struct hf_kms_device kms; /* empty where the driver has no display */
	struct hf_check *check;	  /* of what is shown; NULL: nobody checks */
	uint64_t missed_syncs_said; /* of dma.missed_syncs, by whoever checks */
	struct hf_composer *composer; /* NULL likewise */
	struct hf_crcs *crcs; /* server/crc.h; NULL: nobody has asked */
	struct wl_list files;
	struct hf_engine *engine; /* NULL: it has none */
	void *hw;		  /* the driver's */
	struct hf_vfio *vfio;	  /* what it is driven through, or NULL */
	int irq_fd;		  /* -1: none */
	struct hf_master *master; /* the current one, or NULL */
	bool unplugged, suspended; /* uapi/power.h */
	struct wl_list frozen; /* calls that wait for it to be resumed */
	struct wl_list link; /* hf_system.devices */
};

/* Who is at the other end, as the kernel says (SO_PEERCRED). */
struct hf_cred {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

struct hf_file {
	struct hf_device *dev;
	uint32_t id;
	bool render;
	bool authenticated, is_master, was_master;
	uint32_t magic;
	struct hf_master *master; /* primary nodes only */
	struct hf_cred cred;	  /* who uses it: hf_file_used_by() */
	char program[16]; /* its name, where somebody checks */
	struct hf_endpoint endpoint; /* the client's end is the descriptor */
	struct hf_gem_file gem;
	struct hf_user_account *user_pages; /* NULL: never had any */
	struct hf_kms_file kms;
	struct hf_idr spaces;	/* vm_id, to hf_address_space */
	struct hf_idr contexts; /* ctx_id, to hf_engine_context */
	uint64_t busy_ns; /* of the engine, by contexts that are destroyed */
	struct hf_syncobj_file syncobjs;
	struct wl_list calls; /* parked: hf_call.file_link */
	struct wl_list link;
	UT_hash_handle hh;
};

/**
 * struct hf_device_options - What a device is, besides its driver.
 * @index: 0, 1, … of the devices of this server; names it
 * @primary: minor number of its primary node; likewise @render; -1: none
 * @iommu: it is behind an IOMMU; else it sees bus addresses
 * @coherent: it sees the CPU's caches
 * @vfio: what it is driven through, which has the IOMMU; NULL: it is in software. The
 *	caller's to close, after the device is destroyed
 * @why: set to a sentence where the driver cannot use it; never NULL with @vfio
 * @outputs: its monitors, where the driver does not find them; likewise @noutputs
 * @overlays: planes a CRTC, see struct hf_kms_options; likewise @virtual_cursor
 */
struct hf_device_options {
	unsigned int index;
	int primary, render;
	bool iommu, coherent;
	struct hf_vfio *vfio;
	char *why; /* of HF_VFIO_WHY bytes */
	const struct hf_kms_output *outputs;
	size_t noutputs;
	const unsigned int *overlays;
	bool virtual_cursor;
};

/**
 * hf_device_create() - A device. Without the lock.
 *
 * Return: NULL and errno: EINVAL for an impossible output, ENOMEM, EMFILE; or what
 * the driver says of its hardware.
 */
struct hf_device *hf_device_create(struct hf_system *sys,
				   const struct hf_driver *driver,
				   const struct hf_device_options *options);
/** hf_device_destroy() - All its files must be closed. Takes NULL. */
void hf_device_destroy(struct hf_device *dev);

/* Each of these is called with the lock held. */

/**
 * hf_file_open() - Open a node.
 * @minor: of one of the devices
 * @cred: who opens it
 * @client: set to the client's end of the socket, close-on-exec
 *
 * Return: NULL and errno: ENXIO for another minor, ENODEV for one whose device was
 * unplugged, EACCES where the node's mode
 * forbids it, ENOMEM, EMFILE, ENFILE.
 */
struct hf_file *hf_file_open(struct hf_system *sys, unsigned int minor,
			     const struct hf_cred *cred, int *client);
/**
 * hf_file_open_lease() - Open a file for a lessee.
 * @lessee: from hf_master_lend(); the reference is the file's on success
 * @cred: who asks for it
 * @client: as above
 *
 * Return: NULL and errno: ENOMEM, EMFILE, ENFILE.
 */
struct hf_file *hf_file_open_lease(struct hf_master *lessee,
				   const struct hf_cred *cred, int *client);
/**
 * hf_file_used_by() - A process uses it, which need not be the one that opened it.
 *
 * It is the process that is said to have the file from then on, unless the file was
 * ever master: whoever opened that may become it again. The kernel's
 * drm_file_update_pid().
 */
void hf_file_used_by(struct hf_file *file, const struct hf_cred *cred);
/** hf_file_close() - The last descriptor is gone: release everything. */
void hf_file_close(struct hf_file *file);
/** hf_file_find() - By number, over all devices. */
struct hf_file *hf_file_find(struct hf_system *sys, uint32_t id);
/** hf_file_of_endpoint() - The file whose it is, or NULL. Takes NULL. */
struct hf_file *hf_file_of_endpoint(struct hf_endpoint *endpoint);
/**
 * hf_cred_capable() - Does this process have CAP_SYS_ADMIN now?
 *
 * As /proc says; without a /proc, root had it when it connected.
 */
bool hf_cred_capable(const struct hf_cred *cred);

/* master.c */

/** hf_master_create() - Return: one reference, or NULL and ENOMEM. */
struct hf_master *hf_master_create(struct hf_device *dev);
void hf_master_put(struct hf_master *master);
/**
 * hf_master_lend() - Make a lessee.
 * @lessor: who has everything
 * @lease: what the lessee gets; empty on success
 * @lessee: one reference
 *
 * Return: 0, -EBUSY where another lessee has some of it, -ENOMEM.
 */
int hf_master_lend(struct hf_master *lessor, struct hf_lease *lease,
		   struct hf_master **lessee);
/** hf_master_revoke() - It and its lessees are left with nothing that was lent. */
void hf_master_revoke(struct hf_master *master);
/** hf_file_new_master() - Make the file master, with a fresh master. */
int hf_file_new_master(struct hf_file *file);
/**
 * hf_file_set_master() - Make it the current master, again or for the first time.
 *
 * Return: 0, -EBUSY where another one is, -EINVAL for a lessee, -ENOMEM.
 */
int hf_file_set_master(struct hf_file *file);
/** hf_file_drop_master() - Nobody is, then. Return: 0, -EINVAL where it was not. */
int hf_file_drop_master(struct hf_file *file);
/** hf_file_is_current_master() - May it set modes? */
bool hf_file_is_current_master(const struct hf_file *file);
/** hf_file_release_master() - The file goes: what was lent by it or to it ends. */
void hf_file_release_master(struct hf_file *file);

#endif
