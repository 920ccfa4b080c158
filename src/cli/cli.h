/* SPDX-License-Identifier: MIT */
/* What the files of the command share. */
#ifndef HF_CLI_CLI_H
#define HF_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "server/server.h"

#define HF_EXIT_USAGE 2
/* Of `run --strict`, where the program succeeded but did something wrong. */
#define HF_EXIT_PROBLEMS 99

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
 * @pool: bytes of the contiguous pool; 0: the default; likewise @memory,
 *	@client_memory
 * @overlays: planes a CRTC, if @has_overlays
 * @virtual_cursor: a cursor's plane is for clients that say where its hotspot is
 * @check: say what clients do wrong
 * @strict: and fail where they did
 * @problems: print those only; likewise @objects
 * @stats: print a line at the end
 * @json: machine-readable
 * @crtc: index
 * @connector: name of one to take the CRTC of, or NULL
 * @record: file to record to, or NULL
 * @frames: to record; 0: any number
 * @format: of a trace: "text" or "chrome"
 * @path: where to write it, or NULL: to standard output
 * @duration: seconds that it takes; 0: until it is interrupted
 * @help: what the command knows is to be listed
 * @scenario: path of a file of events, or NULL
 * @pace: how the device's time passes
 * @vnc: where to listen for viewers, or NULL; likewise @http for browsers
 * @novnc: directory of the pages for those; NULL: where it is installed
 * @password_file: path of a file with the viewers' password, or NULL
 * @view_only: viewers only watch
 * @view: the run is to be watched; browsers connect to @view_port; NULL: any
 * @no_seat: there are no input devices and no terminals
 * @logind: programs find a login manager on the system bus
 * @layout: of the keyboard; NULL: as it is
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
	size_t pool, memory, client_memory;
	unsigned int overlays;
	bool has_overlays, virtual_cursor;
	bool check, strict, problems, objects;
	bool stats;
	bool json;
	unsigned int crtc;
	const char *connector;
	const char *record;
	unsigned long frames;
	const char *format, *path;
	double duration;
	bool help;
	const char *scenario;
	enum hf_clock_pace pace;
	const char *vnc, *http, *novnc, *password_file;
	bool view_only;
	bool view;
	const char *view_port;
	bool no_seat, logind;
	const char *layout;
};

/* Each returns the command's exit status. argv is what follows the options. */
int hf_cli_run(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_serve(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_screenshot(const struct hf_cli_options *options, int argc,
		      char **argv);
int hf_cli_info(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_inject(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_input(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_vblank(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_top(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_trace(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_record(const struct hf_cli_options *options, int argc, char **argv);
int hf_cli_view(const struct hf_cli_options *options, int argc, char **argv);

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
/**
 * hf_cli_query_data() - The same, sending a descriptor along.
 * @data: it, or -1
 * @answer: set to the text of an answer that says what went wrong, else to ""
 */
int hf_cli_query_data(const char *socket, const char *text, int data,
		      char *answer, size_t size);
/** hf_cli_no_server() - Say so. Return: the command's exit status. */
int hf_cli_no_server(int err);
/** hf_cli_query_text() - The same, read into memory that the caller frees. */
char *hf_cli_query_text(const char *socket, const char *text);

/** hf_cli_problems() - Clients of a server that ends did something wrong, and
 * `--strict` is on. Then the user was told. */
bool hf_cli_problems(const struct hf_cli_options *options,
		     const struct hf_server *server);
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
 * hf_cli_helper_path() - Where a file is that belongs to the command.
 * @name: beside the command, where it was built
 * @installed: path
 *
 * Return: 0 or -ENOENT, and the user was told.
 */
int hf_cli_helper_path(const char *name, const char *installed, char *path,
		       size_t size);

/** HF_ENV_DRI - Where Mesa looks for drivers. */
#define HF_ENV_DRI "LIBGL_DRIVERS_PATH"

/**
 * hf_cli_dri_path() - What HF_ENV_DRI must say for Mesa to find our driver.
 * @shim: where the shim is: the driver is beside it.
 *
 * Return: 0, -ENOENT without the driver, or -EEXIST when Mesa finds it by itself.
 */
int hf_cli_dri_path(const char *shim, char *path, size_t size);

/**
 * hf_cli_open_server() - Start a server as the options say.
 *
 * Return: 0, -EADDRINUSE where there is one on that socket, or another negative
 * errno, -EINVAL for a mistake in what was asked for; then the user was told.
 */
int hf_cli_open_server(struct hf_server *server,
		       const struct hf_cli_options *options);

/* view.c: --view */

/**
 * hf_cli_view_start() - Start a process that lets people watch, if the options say so.
 * @socket: of the server; @key: of it, or NULL where the environment has it
 * @pid: set to the process; 0: there is none
 *
 * It says on standard error where it listens. Return: 0, or the user was told.
 */
int hf_cli_view_start(const struct hf_cli_options *options, const char *socket,
		      const char *key, pid_t *pid);
/** hf_cli_view_stop() - End it. Nothing for 0. */
void hf_cli_view_stop(pid_t pid);

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
