/* SPDX-License-Identifier: MIT */
/*
 * Descriptors that we give to clients and want to recognise: socket pairs.
 *
 * The client holds one end, the server the other. The server's end is bound
 * to a name, so that whoever holds the client's end can read off it what it
 * is; the inode of the client's end, which nobody can forge, is what the
 * server believes. When the last descriptor of the client's end is closed,
 * anywhere, the server's end hangs up.
 */
#ifndef HF_BASE_ENDPOINT_H
#define HF_BASE_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uthash.h>

/**
 * struct hf_endpoint - Our end of a descriptor that a client holds.
 * @fd: the server's end of the socket
 * @inode: of the client's end
 * @hung_up: called when the client's end is gone; closes the endpoint
 * @ready: of a stream: called when something can be read, or written again where
 *	that was waited for; false: the client's end is gone
 */
struct hf_endpoint {
	uint64_t id;
	int fd;
	dev_t dev; /* and the device it is on */
	ino_t inode;
	void (*hung_up)(struct hf_endpoint *endpoint);
	bool (*ready)(struct hf_endpoint *endpoint);
	UT_hash_handle by_id, by_inode;
};

/* All endpoints of a device; the device's lock protects them. */
struct hf_endpoints {
	int epoll; /* readable when one has hung up */
	int max_fds; /* for endpoints: the rest is for connections */
	uint64_t last_id;
	struct hf_endpoint *by_id, *by_inode;
};

/** hf_endpoints_init() - Return: 0 or a negative errno of epoll_create(2). */
int hf_endpoints_init(struct hf_endpoints *endpoints);
/** hf_endpoints_finish() - Hang up on those that are left. */
void hf_endpoints_finish(struct hf_endpoints *endpoints);

/**
 * hf_endpoint_open() - Make a pair.
 * @name: what the server's end is bound to, in the abstract name space
 * @client: set to the client's end, close-on-exec
 *
 * Return: 0, or a negative errno: -EMFILE, -ENFILE, -ENOMEM.
 */
int hf_endpoint_open(struct hf_endpoints *endpoints,
		     struct hf_endpoint *endpoint, const char *name,
		     void (*hung_up)(struct hf_endpoint *endpoint),
		     int *client);
/**
 * hf_endpoint_open_stream() - Make a pair that both ends write to.
 * @ready: see struct hf_endpoint
 * @room: bytes, as SO_SNDBUF counts them, that may wait for the client to read them
 *
 * The client's end polls as writable. Otherwise as hf_endpoint_open().
 */
int hf_endpoint_open_stream(struct hf_endpoints *endpoints,
			    struct hf_endpoint *endpoint, const char *name,
			    void (*hung_up)(struct hf_endpoint *endpoint),
			    bool (*ready)(struct hf_endpoint *endpoint),
			    int room, int *client);
/** hf_endpoint_want_room() - Call ready() when a stream can be written to again. */
void hf_endpoint_want_room(struct hf_endpoints *endpoints,
			   struct hf_endpoint *endpoint, bool want);
void hf_endpoint_close(struct hf_endpoints *endpoints,
		       struct hf_endpoint *endpoint);

/**
 * hf_endpoint_unread() - How many packets the client has not read.
 * @fd: the server's end, which has sent packets of at most 64 bytes
 */
unsigned int hf_endpoint_unread(int fd);

/** hf_endpoint_make_readable() - The client's end is, for good. */
void hf_endpoint_make_readable(struct hf_endpoint *endpoint);
/** hf_endpoint_make_writable() - The client's end polls so, for good. */
void hf_endpoint_make_writable(struct hf_endpoint *endpoint);

/** hf_endpoint_of() - Whose client's end is this descriptor? NULL: nobody's. */
struct hf_endpoint *hf_endpoint_of(struct hf_endpoints *endpoints, int fd);

/** hf_endpoint_by_inode() - The same for a socket that nobody shows. */
struct hf_endpoint *hf_endpoint_by_inode(struct hf_endpoints *endpoints,
					 ino_t inode);

/**
 * hf_endpoints_poll() - Which ones have hung up? Needs no lock.
 *
 * Return: how many ids were written, at most @max.
 */
int hf_endpoints_poll(const struct hf_endpoints *endpoints, uint64_t *ids,
		      int max);
/** hf_endpoints_count() - How many there are. */
unsigned int hf_endpoints_count(const struct hf_endpoints *endpoints);
/** hf_endpoints_hang_up() - Call hung_up() of one that is still there. */
void hf_endpoints_hang_up(struct hf_endpoints *endpoints, uint64_t id);

#endif
