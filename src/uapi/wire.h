/* SPDX-License-Identifier: MIT */
/*
 * The wire between a client process and the server.
 *
 * A client connects to the server's socket (SOCK_SEQPACKET), says hello, and
 * receives a channel: a sealed memfd that both map. The channel has slots. A
 * thread claims one, writes a request into it, sets the slot's bit in
 * `pending`, and waits for the slot's state to become DONE, spinning a little
 * before it sleeps on the state word. The server's thread for the channel
 * waits on `pending` in the same way. Descriptors travel on the socket in
 * packets that name their slot, sent before the request (or the answer) that
 * they belong to.
 *
 * The server copies a request before it looks at it: the client may write to
 * the channel at any time. Nothing in a channel is trusted.
 */
#ifndef HF_UAPI_WIRE_H
#define HF_UAPI_WIRE_H

#include <stdatomic.h>
#include <stdint.h>

#define HF_WIRE_VERSION 4
#define HF_WIRE_MAGIC 0x74666468u /* "hdft" */

#define HF_WIRE_SLOTS 32
#define HF_WIRE_ARRAYS 6
#define HF_WIRE_ASKS 128
#define HF_WIRE_FDS_MAX 32 /* HF_FDPASS_MAX */
#define HF_WIRE_ARG_MAX (1u << 14) /* _IOC_SIZEMASK + 1 */
#define HF_WIRE_SLOT_SIZE 65536u
#define HF_WIRE_HEADER_SIZE 4096u
#define HF_WIRE_VTS 64
/* Nested arrays of a request above this are refused, in bytes. */
#define HF_WIRE_PAYLOAD_MAX (64u << 20)
/* How long either side spins before it sleeps, of its own time. */
#define HF_WIRE_SPIN_NS 50000u

/* Events are packets on a DRM file's socket, all of one size, bytes. */
#define HF_WIRE_EVENT_SIZE 32

/* The environment: where the server is, and the key that admits to it. */
#define HF_ENV_SOCKET "HOLDFAST_SOCKET"
#define HF_ENV_KEY "HOLDFAST_KEY"
#define HF_WIRE_KEY_SIZE 32

/* The name that the server's end of a DRM file is bound to, behind a NUL:
 * "holdfast-<instance>/<minor>/<file>", numbers in decimal. */
#define HF_WIRE_NAME_PREFIX "holdfast-"

/* Of an input device's reader: "holdfast-<instance>/input/<N>/<id>/<access>", where
 * access is O_RDONLY, O_WRONLY or O_RDWR in decimal. */
#define HF_WIRE_NAME_INPUT "input/"

/* Packets on the socket start with one of these. */
enum hf_wire_packet_type {
	HF_WIRE_HELLO = 1, /* client: hf_wire_hello; answered in kind + channel */
	HF_WIRE_FDS = 2,   /* either side: hf_wire_fds + descriptors */
	HF_WIRE_QUERY = 3, /* client: hf_wire_query + text; answered with a memfd */
	HF_WIRE_BROKER = 4,  /* client: hf_wire_hello: others connect by way of this */
	HF_WIRE_CONNECT = 5, /* on that: hf_wire_hello + a socket: a new connection */
};

struct hf_wire_hello {
	uint32_t type;
	uint32_t magic;
	uint32_t version;
	int32_t error; /* answer: 0 or a negative errno */
	char key[HF_WIRE_KEY_SIZE];
};

struct hf_wire_fds {
	uint32_t type;
	uint32_t slot;
	uint32_t seq; /* of the request */
	uint32_t pad;
};

struct hf_wire_query {
	uint32_t type;
	int32_t error; /* answer: 0 or a negative errno */
	char key[HF_WIRE_KEY_SIZE];
	char text[2048]; /* "info", "screenshot 0"; answer: what went wrong */
};

enum hf_wire_state {
	HF_SLOT_IDLE,
	HF_SLOT_POSTED,	 /* the client spins */
	HF_SLOT_WAITED,	 /* the client sleeps on the state word */
	HF_SLOT_DONE,
};

enum hf_wire_op {
	HF_OP_IOCTL = 1,  /* cmd, arg, arrays */
	HF_OP_OPEN,	  /* cmd: minor; answer: a descriptor */
	HF_OP_ATTACH,	  /* file; with the descriptor itself */
	HF_OP_MMAP,	  /* arg: hf_wire_mmap; answer: a descriptor */
	HF_OP_TREE,	  /* answer: a descriptor */
	HF_OP_FDINFO,	  /* arg: a socket's inode, 64 bits; answer: a descriptor */
	HF_OP_REAP,	  /* a descriptor was closed: see which files are gone */
	HF_OP_FD_IOCTL,	  /* as HF_OP_IOCTL, on the first descriptor */
	HF_OP_WATCH,	  /* arg: hf_wire_watch; with a dma-buf */
	HF_OP_FILE_OPEN,  /* cmd: O_*, arg: a path; answer: a descriptor */
	HF_OP_WRITE,	  /* arg: hf_wire_write; answered when all follows it */
	HF_OP_MONITOR,	  /* cmd: hf_monitor_op; arg: hf_wire_monitor */
	HF_OP_SOCKET,	  /* cmd: hf_socket_op; arg: a socket's path */
	HF_OP_DEVICE_OPEN, /* cmd: O_*, arg: a node's path; answer: a descriptor */
	HF_OP_DEVICE_OWNER, /* arg: hf_wire_owner; answered when all can see it */
	HF_OP_DEVICE_IOCTL, /* on the first descriptor; see uapi/device_ioctls.h */
};

/* What is done with a socket that the server answers at. */
enum hf_socket_op {
	HF_SOCKET_CONNECT = 1, /* answer: a descriptor */
	HF_SOCKET_BOUND,       /* a program answers there itself from now on */
};

/* A write to a file of the tree of paths. */
#define HF_WIRE_PATH_MAX 247
#define HF_WIRE_WRITE_MAX 4096 /* what sysfs takes at once */
struct hf_wire_write {
	uint32_t size; /* bytes */
	uint32_t pad;
	char path[HF_WIRE_PATH_MAX + 1];
	char bytes[HF_WIRE_WRITE_MAX];
};

/* Whose a node is to be, and who may: UINT32_MAX: as before. */
struct hf_wire_owner {
	uint32_t uid, gid, mode;
	char path[HF_WIRE_PATH_MAX + 1];
};

/*
 * Monitors: sockets that uevents come from. All but OPEN come with the monitor's
 * descriptor, OPEN with the kernel's socket for what else there is to hear, if
 * the machine lets the client have one.
 */
enum hf_monitor_op {
	HF_MONITOR_OPEN = 1, /* type; answer: a descriptor */
	HF_MONITOR_BIND,     /* pid, groups, self */
	HF_MONITOR_NAME,     /* answer: pid, groups */
	HF_MONITOR_OPTION,   /* option, value: of level SOL_NETLINK */
};

struct hf_wire_monitor {
	uint32_t type; /* SOCK_RAW, SOCK_DGRAM */
	uint32_t pid, groups; /* as struct sockaddr_nl has them */
	uint32_t self; /* the client's process, as it knows itself */
	int32_t option, value;
};

/*
 * How a monitor's ends are named, behind "holdfast-<instance>/": the client's
 * with its number and its type, the server's with its number.
 */
#define HF_MONITOR_NAME_CLIENT "uevents/"
#define HF_MONITOR_NAME_SERVER "uevent/"

/* The groups, as the kernel and libudev number them: one bit each. */
#define HF_MONITOR_KERNEL 1u
#define HF_MONITOR_UDEV 2u

/* A packet in place of those that a monitor had no room for: ENOBUFS. */
#define HF_MONITOR_LOST "holdfast lost some uevents"

/*
 * What does a dma-buf poll as? The answer says what it is ready for; while it
 * is ready for nothing, or where `always` is set, a descriptor comes along that
 * polls as the dma-buf would.
 */
struct hf_wire_watch {
	uint32_t events; /* POLLIN, POLLOUT */
	uint32_t ready;	 /* answer: which of them */
	uint32_t always;
	uint32_t pad;
};

struct hf_wire_mmap {
	uint64_t offset; /* as given to mmap(2), bytes */
	uint64_t length; /* bytes */
	uint32_t prot;	 /* PROT_* */
	uint32_t flags;	 /* MAP_*; answer: with which to map the descriptor */
};

/* One nested array of an ioctl's argument, in the table's order. */
struct hf_wire_array {
	uint32_t off;	/* in the payload, bytes, a multiple of 8 */
	uint32_t len;	/* bytes that are there (in), or that fit (out) */
	uint32_t flags; /* HF_ARRAY_* */
	uint32_t used;	/* answer: bytes to copy back */
};
#define HF_ARRAY_FAULT 1u /* the client could not read it all */
#define HF_ARRAY_TOO_BIG 2u

/*
 * A piece of the calling process's memory, as an element of an array of kind
 * HF_ARRAY_USER_PAGES: pages of a file that the process has mapped.
 */
struct hf_wire_segment {
	uint64_t dev, ino; /* as fstat(2) has them */
	uint64_t first;	   /* page in the file */
	uint64_t npages;
	uint32_t flags; /* HF_SEGMENT_* */
	uint32_t pad;
};
#define HF_SEGMENT_ADOPTED 1u /* private memory, in a file of the shim's */
#define HF_WIRE_SEGMENTS 512

/* Which file, as an ask for its descriptor names it. */
static inline uint64_t hf_wire_segment_file(uint64_t dev, uint64_t ino)
{
	return ino ^ dev << 44;
}

/*
 * What a handler needs of the client's process while it runs, where the kernel
 * would just reach into it: the server answers HF_WIRE_ASK with one more ask,
 * the client fills in its result and posts the same request again. Those of
 * kind HF_ASK_PUT_FD come with the final answer.
 */
enum hf_ask_kind {
	HF_ASK_FD = 1, /* send the descriptor of number `what` along */
	HF_ASK_PUT,    /* store `value` as a s32 at user address `what` */
	HF_ASK_PUT_FD, /* the same with the number of descriptor `value` */
	HF_ASK_USER_FD, /* send a descriptor of the file `what` of segments */
};

struct hf_wire_ask {
	uint32_t kind;
	int32_t value;
	uint64_t what;
	int32_t result; /* index of the descriptor, 0, or a negative errno */
	uint32_t pad;
};

/* Answers beyond all errnos: that one, and "show the file's descriptor first". */
#define HF_WIRE_ASK (-4096)
#define HF_WIRE_STALE (-4097)

struct hf_wire_slot {
	_Atomic uint32_t state; /* enum hf_wire_state; a futex */
	_Atomic uint32_t cancel; /* client: a signal came, answer EINTR */
	uint32_t seq;
	uint32_t op;
	uint32_t file; /* as the DRM file's name has it */
	uint32_t cmd;
	int32_t ret;
	uint32_t nfds;	       /* of the request, then of the answer */
	uint64_t payload_size; /* > 0: the payload is the first descriptor */
	uint32_t cloexec; /* answer: a bit a descriptor */
	uint32_t nasks;
	int32_t tid; /* of the thread that calls, where the channel is traced */
	struct hf_wire_array arrays[HF_WIRE_ARRAYS];
	struct hf_wire_ask asks[HF_WIRE_ASKS];
	_Alignas(64) uint8_t arg[HF_WIRE_ARG_MAX];
	_Alignas(64) uint8_t payload[];
};
#define HF_WIRE_PAYLOAD_INLINE \
	(HF_WIRE_SLOT_SIZE - (uint32_t)sizeof(struct hf_wire_slot))

struct hf_wire_channel {
	_Atomic uint32_t pending; /* a bit a slot; a futex of the server's */
	_Atomic uint32_t dead;	  /* the server has hung up */
	_Atomic uint32_t tree;	  /* generation of the tree of paths */
	_Atomic uint32_t traced;  /* the server wants to know who calls: tid */
	uint64_t user_max; /* bytes of user pages that the server takes */
	uint32_t spin;	   /* rounds that HF_WIRE_SPIN_NS are on this machine */
	/* Virtual terminals, which are ptys: st_dev of those, and by a terminal's
	 * number the pty's minor number + 1, 0: it has none. */
	_Atomic uint64_t vt_dev;
	_Atomic uint32_t vts[HF_WIRE_VTS];
	_Alignas(64) _Atomic uint32_t sleeping; /* the server sleeps on pending */
	_Alignas(64) _Atomic uint32_t claimed; /* a bit a slot; the client's */
};

#define HF_WIRE_CHANNEL_SIZE \
	(HF_WIRE_HEADER_SIZE + HF_WIRE_SLOTS * (size_t)HF_WIRE_SLOT_SIZE)

static inline struct hf_wire_slot *
hf_wire_slot(struct hf_wire_channel *channel, unsigned int i)
{
	return (struct hf_wire_slot *)((char *)channel + HF_WIRE_HEADER_SIZE +
				       i * (size_t)HF_WIRE_SLOT_SIZE);
}

#endif
