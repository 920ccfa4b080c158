/* SPDX-License-Identifier: MIT */
/*
 * A client of seatd, for one session. Calls wait for their answer; what comes in
 * between is kept for seat_client_event().
 */
#ifndef HF_LOGIND_SEAT_CLIENT_H
#define HF_LOGIND_SEAT_CLIENT_H

#include <stdint.h>

#define MAX_EVENTS 16

struct seat_client {
	int fd; /* -1: not connected */
	uint16_t events[MAX_EVENTS]; /* not looked at yet, the oldest first */
	unsigned int nevents;
};

/**
 * seat_client_open() - Have the seat for a session.
 * @vt: its VT, which need not be shown
 *
 * Return: 0, -EBUSY where another program has that VT's, or as connect(2).
 */
int seat_client_open(struct seat_client *client, unsigned int vt);
void seat_client_close(struct seat_client *client);

/**
 * seat_client_take() - Open a device.
 * @id: set to what it is given back by
 *
 * Return: a descriptor, or a negative errno.
 */
int seat_client_take(struct seat_client *client, const char *path, int32_t *id);
void seat_client_give_back(struct seat_client *client, int32_t id);

/**
 * seat_client_event() - What happened next? Does not wait.
 *
 * Return: HF_SEATD_ENABLE, HF_SEATD_DISABLE, 0 for nothing, or a negative errno.
 */
int seat_client_event(struct seat_client *client);
/** seat_client_let_go() - The answer to HF_SEATD_DISABLE. */
int seat_client_let_go(struct seat_client *client);

#endif
