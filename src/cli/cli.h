/* SPDX-License-Identifier: MIT */
/* What the files of the command share. */
#ifndef HF_CLI_CLI_H
#define HF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "server/server.h"

#define HF_EXIT_USAGE 2

/**
 * struct hf_cli_options - What the command line said.
 * @outputs: monitors; one of 1920x1080@60 where none was named
 * @screenshot: path to write at the end, or NULL
 * @socket: path, or NULL
 * @trace: path, or NULL
 * @vfio: address of a PCI device; NULL: the device is in software
 * @unsafe_no_iommu: it may be used without an IOMMU
 * @contiguous: the display has no IOMMU
 * @split: display and engine are two devices
 * @incoherent: devices do not see the CPU's caches
 * @pool: bytes of the contiguous pool; 0: the default; likewise @memory
 * @stats: print a line at the end
 * @json: machine-readable
 * @crtc: index
 * @connector: name of one to take the CRTC of, or NULL
 * @record: file to record to, or NULL
 * @frames: to record; 0: any number
 * @format: of a trace: "text" or "chrome"
 * @path: where to write it, or NULL: to standard output
 * @duration: seconds that it takes; 0: until it is interrupted
 */
struct hf_cli_options {
	struct hf_kms_output outputs[HF_KMS_MAX_OUTPUTS];
	size_t noutputs;
	const char *screenshot;
	const char *socket;
	const char *trace;
	const char *vfio;
	bool unsafe_no_iommu;
	bool contiguous, split, incoherent;
	size_t pool, memory;
	bool stats;
	bool json;
	unsigned int crtc;
	const char *connector;
	const char *record;
	unsigned long frames;
	const char *format, *path;
	double duration;
};

/* Each returns the command's exit status. argv is what follows the options. */
int hf_cli_run(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_serve(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_screenshot(const struct hf_cli_options *options, int argc,
		      char **argv);
int hf_cli_info(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_top(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_trace(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_record(const struct hf_cli_options *options, int argc, char **argv);

/** hf_cli_error() - One line on stderr. Return: HF_EXIT_USAGE. */
int hf_cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/**
 * hf_cli_query() - Ask a running server.
 * @socket: path or @name; NULL: $HOLDFAST_SOCKET
 *
 * Return: a descriptor with the answer, or a negative errno: -ENOENT where no
 * server is named, -ECONNREFUSED where none listens.
 */
int hf_cli_query(const char *socket, const char *text);
/** hf_cli_query_text() - The same, read into memory that the caller frees. */
char *hf_cli_query_text(const char *socket, const char *text);

/**
 * hf_cli_query_display() - Ask about the CRTC or connector that the options name.
 * @question: "screenshot", "record"
 *
 * Return: as hf_cli_query(), but where it is negative the user was told.
 */
int hf_cli_query_display(const struct hf_cli_options *options,
			 const char *question);
/** hf_cli_no_server() - Say why there is no answer. Return: 1. */
int hf_cli_no_server(int err);

/** hf_cli_shim_path() - Where the shim is: beside the command, or installed. */
int hf_cli_shim_path(char *path, size_t size);

/**
 * hf_cli_open_server() - Start a server as the options say.
 *
 * Return: 0, -EADDRINUSE where there is one on that socket, or another negative
 * errno; then the user was told.
 */
int hf_cli_open_server(struct hf_server *server,
		       const struct hf_cli_options *options);

/* record.c: --record */

struct hf_video;
struct hf_recording;

/**
 * struct hf_cli_recording - A recording of a server of our own.
 * @path: NULL: there is none
 */
struct hf_cli_recording {
	const char *path;
	struct hf_video *video;
	struct hf_recording *recording;
};

/** hf_cli_record_start() - As the options say. Return: 0, or the user was told. */
int hf_cli_record_start(struct hf_cli_recording *recording,
			struct hf_server *server,
			const struct hf_cli_options *options);
/** hf_cli_record_end() - Complete it. Return: 0, or the user was told. */
int hf_cli_record_end(struct hf_cli_recording *recording);

#endif
