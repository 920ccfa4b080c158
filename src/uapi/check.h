/* SPDX-License-Identifier: MIT */
/*
 * Checkers: they look at what clients do with what is shown, and with what they leave
 * behind, and speak up (uapi/problem.h) where the kernel would let it pass.
 *
 * The system's lock protects it all. Each function does nothing for a system that
 * does not check.
 */
#ifndef HF_UAPI_CHECK_H
#define HF_UAPI_CHECK_H

#include "uapi/call.h"

struct hf_check;

/**
 * hf_check_create() - Watch what a device shows.
 *
 * Of each framebuffer that is shown there is a copy, so that it is seen when somebody
 * writes to it meanwhile: when it is not shown any more, and some times a second.
 *
 * Return: NULL and ENOMEM.
 */
struct hf_check *hf_check_create(struct hf_device *dev);
/** hf_check_destroy() - Before the device's display goes. Takes NULL. */
void hf_check_destroy(struct hf_check *check);
/** hf_check_dirty() - A client says that it drew on a framebuffer: so it may have. */
void hf_check_dirty(struct hf_device *dev, const struct hf_framebuffer *fb);
/** hf_check_rmfb() - It is about to be removed: is it shown? */
void hf_check_rmfb(const struct hf_call *call,
		   const struct hf_framebuffer *fb);
/** hf_check_write() - A job that waits for nothing writes to an object: is it shown? */
void hf_check_write(const struct hf_call *call,
		    const struct hf_gem_object *object);
/**
 * hf_check_leaks() - A file is closed: is everything gone that it made?
 *
 * And were there accesses to the device's memory without a sync?
 */
void hf_check_leaks(struct hf_file *file);

#endif
