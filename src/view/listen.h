/* SPDX-License-Identifier: MIT */
/* Ports to listen on. */
#ifndef HF_VIEW_LISTEN_H
#define HF_VIEW_LISTEN_H

#include <netdb.h>
#include <stddef.h>

#define HF_LISTEN_NAME (NI_MAXHOST + NI_MAXSERV)

/**
 * hf_listen() - Listen where a text says: [ADDRESS:]PORT.
 * @text: the address may be a host's name, or an IPv6 one in brackets; without it,
 *	127.0.0.1. The port may be "auto" or 0: a free one
 * @first: where to look for a free one; the next hundred are tried, and then any
 * @name: set to "ADDRESS:PORT", as numbers
 *
 * Return: a descriptor that does not block, or a negative errno: -EINVAL for a text that
 * makes no sense, -EADDRNOTAVAIL for an address that is not this machine's.
 */
int hf_listen(const char *text, unsigned int first, char *name, size_t size);
/** hf_listen_is_local() - Can nobody on other machines connect? */
int hf_listen_is_local(int fd);

#endif
