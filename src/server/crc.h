/* SPDX-License-Identifier: MIT */
/*
 * CRCs of what the CRTCs of a device show, one a vblank, for whoever reads them: what
 * the kernel has as crc/control and crc/data of a CRTC in debugfs.
 *
 * All of it is called with the system's lock held.
 */
#ifndef HF_SERVER_CRC_H
#define HF_SERVER_CRC_H

#include <stdio.h>

#include "uapi/device.h"

struct hf_crcs;

/** hf_crcs_create() - Return: NULL and ENOMEM. */
struct hf_crcs *hf_crcs_create(struct hf_device *dev);
/** hf_crcs_destroy() - Its readers are at an end. Takes NULL. */
void hf_crcs_destroy(struct hf_crcs *crcs);

/**
 * hf_crc_open() - Begin to read a CRTC's CRCs.
 * @index: the CRTC's
 * @client: set to a descriptor that the next ones are read from: one a packet, a line
 *	with a NUL behind it; when it is closed everywhere, nobody reads any more
 *
 * Return: 0, -EIO where the CRTC is off, -EBUSY where somebody reads already, -ENOMEM,
 * -EMFILE, -ENFILE, -EAGAIN.
 */
int hf_crc_open(struct hf_crcs *crcs, unsigned int index, int *client);

/**
 * hf_crc_set_source() - Write to a CRTC's crc/control.
 *
 * Return: 0, -E2BIG, -EINVAL for a source that there is none of, -EBUSY while somebody
 * reads.
 */
int hf_crc_set_source(struct hf_crcs *crcs, unsigned int index,
		      const char *text);
/** hf_crc_print_sources() - What is read from crc/control. */
void hf_crc_print_sources(FILE *out);

#endif
