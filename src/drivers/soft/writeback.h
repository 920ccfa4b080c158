/* SPDX-License-Identifier: MIT */
/* Writeback of the soft display: what its struct hf_kms_funcs has for it. */
#ifndef HF_SOFT_WRITEBACK_H
#define HF_SOFT_WRITEBACK_H

#include "kms/writeback.h"

/** hf_soft_writeback_formats - Those of hf_compose_target_supported(), ended by 0. */
extern const uint32_t hf_soft_writeback_formats[];

int hf_soft_writeback_prepare(struct hf_writeback_job *job);
void hf_soft_writeback(struct hf_writeback_job *job);
void hf_soft_writeback_cleanup(struct hf_writeback_job *job);

#endif
