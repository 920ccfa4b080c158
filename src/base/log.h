/* SPDX-License-Identifier: MIT */
/*
 * Messages on stderr, one line each, prefixed with the program's name.
 */
#ifndef HF_BASE_LOG_H
#define HF_BASE_LOG_H

enum hf_log_level { HF_LOG_ERROR, HF_LOG_WARN, HF_LOG_INFO, HF_LOG_DEBUG };

/**
 * hf_log_init() - Take the level from $HOLDFAST_LOG.
 *
 * "error", "warn" (the default), "info" or "debug"; anything else keeps the
 * default.
 */
void hf_log_init(void);

/**
 * hf_log() - Write one line, atomically, where @level is enabled.
 */
void hf_log(enum hf_log_level level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#define hf_err(...) hf_log(HF_LOG_ERROR, __VA_ARGS__)
#define hf_warn(...) hf_log(HF_LOG_WARN, __VA_ARGS__)
#define hf_info(...) hf_log(HF_LOG_INFO, __VA_ARGS__)
#define hf_dbg(...) hf_log(HF_LOG_DEBUG, __VA_ARGS__)

#endif
