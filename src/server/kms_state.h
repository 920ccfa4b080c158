/* SPDX-License-Identifier: MIT */
/*
 * What a display's state is, as text: as the kernel prints it in debugfs.
 *
 * Called with the system's lock held.
 */
#ifndef HF_SERVER_KMS_STATE_H
#define HF_SERVER_KMS_STATE_H

#include <stdio.h>
#include <sys/types.h>

#include "kms/kms.h"

/** hf_kms_state_print() - All planes, CRTCs and connectors: "state". */
void hf_kms_state_print(FILE *out, const struct hf_kms_device *kms);
/** hf_kms_framebuffers_print() - All framebuffers: "framebuffer". */
void hf_kms_framebuffers_print(FILE *out, const struct hf_kms_device *kms);

#define HF_COMM_SIZE 17
/** hf_process_name() - What the kernel calls a process, or "<unknown>". */
void hf_process_name(pid_t pid, char name[HF_COMM_SIZE]);

#endif
