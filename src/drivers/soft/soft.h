/* SPDX-License-Identifier: MIT */
/*
 * The soft device: a display that is composed only when somebody looks.
 */
#ifndef HF_SOFT_SOFT_H
#define HF_SOFT_SOFT_H

#include "uapi/device.h"

extern const struct hf_driver hf_soft_driver;

#endif
