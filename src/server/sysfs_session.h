/* SPDX-License-Identifier: MIT */
/*
 * The files of /run/systemd that libsystemd's sd_session_*(), sd_seat_*() and sd_uid_*()
 * read, where the sessions of `--logind` are there (src/logind).
 */
#ifndef HF_SERVER_SYSFS_SESSION_H
#define HF_SERVER_SYSFS_SESSION_H

struct hf_builder;
struct hf_server;

/* "c1" to "c6", on VT 1 to 6. */
#define HF_SESSIONS 6

/** hf_sysfs_add_sessions() - Add them all. */
void hf_sysfs_add_sessions(struct hf_builder *b);

/**
 * hf_sysfs_session_open() - Open one of them: they say which VT is shown.
 *
 * Takes the lock. Return: a descriptor, -ENOENT for any other path, -ENOMEM, -EMFILE.
 */
int hf_sysfs_session_open(struct hf_server *server, const char *path);

#endif
