/* SPDX-License-Identifier: MIT */
/*
 * The soft device: a display that is composed only when somebody looks.
 */
#ifndef HF_SOFT_SOFT_H
#define HF_SOFT_SOFT_H

#include "uapi/device.h"

/* Display and engine in one; and each for itself. */
extern const struct hf_driver hf_soft_driver, hf_soft_display, hf_soft_engine;

#endif
