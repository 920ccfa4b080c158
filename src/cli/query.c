/* SPDX-License-Identifier: MIT */
/*
 * `holdfast screenshot`, `info` and `top`: questions to a running server.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/address.h"
#include "base/fdpass.h"
#include "cli/cli.h"

static int connect_to(const char *name)
{
	struct sockaddr_un addr;
	socklen_t len;
	int fd;

	if (!name)
		name = getenv(HF_ENV_SOCKET);
	if (!name || !*name)
		return -ENOENT;
	if (hf_socket_address(name, &addr, &len))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&addr, len)) {
		int err = errno;

		close(fd);
		return -err;
	}
	return fd;
}

int hf_cli_query_data(const char *socket, const char *text, int data,
		      char *answer, size_t size)
{
	struct hf_wire_query query = { .type = HF_WIRE_QUERY };
	const char *key = getenv(HF_ENV_KEY);
	int fds[HF_FDPASS_MAX], fd = connect_to(socket), ret;
	unsigned int n = 0;

	if (size)
		*answer = 0;
	if (fd < 0)
		return fd;
	if (key)
		memcpy(query.key, key, strnlen(key, sizeof(query.key)));
	snprintf(query.text, sizeof(query.text), "%s", text);
	ret = hf_send_fds(fd, &query, sizeof(query), &data, data >= 0);
	if (!ret)
		ret = hf_recv_fds(fd, &query, sizeof(query), 0, fds, &n);
	close(fd);
	if (ret != sizeof(query))
		return ret < 0 ? ret : -ECONNRESET;
	query.text[sizeof(query.text) - 1] = 0;
	if (query.error && size && strcmp(query.text, text))
		snprintf(answer, size, "%s", query.text);
	return query.error ? query.error : n == 1 ? fds[0] : -EPROTO;
}

int hf_cli_query(const char *socket, const char *text)
{
	return hf_cli_query_data(socket, text, -1, NULL, 0);
}

char *hf_cli_query_text(const char *socket, const char *text)
{
	int fd = hf_cli_query(socket, text);
	struct stat st;
	char *buf = NULL;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	if (!fstat(fd, &st))
		buf = calloc(1, st.st_size + 1);
	if (buf && pread(fd, buf, st.st_size, 0) != st.st_size) {
		free(buf);
		buf = NULL;
	}
	close(fd);
	return buf;
}

int hf_cli_no_server(int err)
{
	if (err == ENOENT && !getenv(HF_ENV_SOCKET))
		hf_cli_error("no server: give --socket or set HOLDFAST_SOCKET");
	else
		hf_cli_error("no answer from the server: %s", strerror(err));
	return 1;
}

int hf_cli_query_display(const struct hf_cli_options *options,
			 const char *question)
{
	const char *connector = options->connector;
	char text[64], crtc[32];
	int fd;

	if (options->crtc == HF_KMS_MAIN)
		snprintf(crtc, sizeof(crtc), "main");
	else
		snprintf(crtc, sizeof(crtc), "%u", options->crtc);
	if (snprintf(text, sizeof(text), "%s %s", question,
		     connector ? connector : crtc) >= (int)sizeof(text))
		fd = -ENXIO;
	else
		fd = hf_cli_query(options->socket, text);
	if (fd >= 0)
		return fd;
	if (fd == -ECHRNG)
		hf_cli_error("there is no CRTC %s", crtc);
	else if (fd == -ENXIO)
		hf_cli_error("there is no connector %s", connector);
	else if (fd == -ENOTCONN)
		hf_cli_error("nothing is shown on %s", connector);
	else if (fd == -ENODATA && !connector && options->crtc == HF_KMS_MAIN)
		hf_cli_error("nothing is shown yet");
	else if (fd == -ENODATA)
		hf_cli_error("%s%s shows nothing yet", connector ? "" : "CRTC ",
			     connector ? connector : crtc);
	else if (fd == -EBUSY)
		hf_cli_error("the server does that for others already");
	else
		hf_cli_no_server(-fd);
	return fd;
}

static int copy(int in, int out)
{
	char buf[65536];
	ssize_t n, written;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0; done < n; done += written) {
			written = write(out, buf + done, n - done);
			if (written < 0)
				return -errno;
		}
	return n < 0 ? -errno : 0;
}

/* "-" is standard output. */
int hf_cli_screenshot(const struct hf_cli_options *options, int argc,
		      char **argv)
{
	int in, out, ret;

	if (argc != 1)
		return hf_cli_error("screenshot needs one file name");
	in = hf_cli_query_display(options, "screenshot");
	if (in < 0)
		return 1;
	out = strcmp(argv[0], "-") ?
		      open(argv[0], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0666) :
		      STDOUT_FILENO;
	ret = out < 0 ? -errno : copy(in, out);
	if (out >= 0 && close(out) && !ret)
		ret = -errno;
	close(in);
	if (ret)
		hf_cli_error("%s: %s", argv[0], strerror(-ret));
	return ret ? 1 : 0;
}

static uint64_t number(struct json_object *obj, const char *key)
{
	return json_object_get_uint64(json_object_object_get(obj, key));
}

static const char *string(struct json_object *obj, const char *key)
{
	return json_object_get_string(json_object_object_get(obj, key));
}

static bool truth(struct json_object *obj, const char *key)
{
	return json_object_get_boolean(json_object_object_get(obj, key));
}

static struct json_object *list_of(struct json_object *obj, const char *key,
				   size_t *n)
{
	struct json_object *list = json_object_object_get(obj, key);

	*n = list ? json_object_array_length(list) : 0;
	return list;
}

static void print_crtcs(struct json_object *info)
{
	size_t n;
	struct json_object *list = list_of(info, "crtcs", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *crtc = json_object_array_get_idx(list, i);

		printf("crtc %zu    %s", i,
		       truth(crtc, "active") ? "on " : "off");
		if (number(crtc, "width"))
			printf(" %lux%lu", number(crtc, "width"),
			       number(crtc, "height"));
		printf(", %lu frames, %lu vblanks\n", number(crtc, "frames"),
		       number(crtc, "vblanks"));
	}
}

static void print_lease(struct json_object *lease)
{
	size_t n;

	if (!lease)
		return;
	list_of(lease, "objects", &n);
	printf(", lessee %lu of file %lu with %zu objects",
	       number(lease, "lessee"), number(lease, "lessor"), n);
}

static void print_files(struct json_object *info)
{
	size_t n;
	struct json_object *list = list_of(info, "files", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *file = json_object_array_get_idx(list, i);

		printf("file %-4lu pid %lu (%s), %s%s, %lu handles, "
		       "%lu framebuffers, %lu events pending",
		       number(file, "id"), number(file, "pid"),
		       string(file, "program"), string(file, "node"),
		       truth(file, "master") ? ", master" : "",
		       number(file, "handles"), number(file, "framebuffers"),
		       number(file, "pending_events"));
		print_lease(json_object_object_get(file, "lease"));
		putchar('\n');
	}
}

/* -- objects --------------------------------------------------------------- */

/* So many of them, the largest, are what fits a screen. */
#define MAX_LINES 20

static void print_holders(struct json_object *object)
{
	size_t n, nhandles;
	struct json_object *list = list_of(object, "holders", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *holder = json_object_array_get_idx(list, i);
		struct json_object *handles =
			list_of(holder, "handles", &nhandles);

		printf(nhandles == 1 ? ", handle" : ", handles");
		for (size_t j = 0; j < nhandles; j++)
			printf(" %lu", json_object_get_uint64(
					       json_object_array_get_idx(handles,
									 j)));
		printf(" of file %lu (%s)", number(holder, "file"),
		       string(holder, "program"));
	}
}

static void print_framebuffers(struct json_object *object)
{
	size_t n, nplanes;
	struct json_object *list = list_of(object, "framebuffers", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *fb = json_object_array_get_idx(list, i);
		struct json_object *planes = list_of(fb, "planes", &nplanes);

		printf(", framebuffer %lu (%lux%lu %s)", number(fb, "id"),
		       number(fb, "width"), number(fb, "height"),
		       string(fb, "format"));
		for (size_t j = 0; j < nplanes; j++) {
			struct json_object *plane =
				json_object_array_get_idx(planes, j);

			printf("%s plane %lu of crtc %lu", j ? "," : " on",
			       number(plane, "id"), number(plane, "crtc"));
		}
	}
}

static void print_object(struct json_object *object)
{
	static const struct {
		const char *key, *text;
	} states[] = {
		{ "pins", "mapped" },	       { "contiguous", "contiguous" },
		{ "user_pages", "user pages" }, { "imported", "imported" },
		{ "exported", "exported" },     { "purgeable", "purgeable" },
		{ "purged", "purged" },
	};

	printf("object %-4lu %lu bytes, of pid %lu", number(object, "id"),
	       number(object, "bytes"), number(object, "pid"));
	print_holders(object);
	print_framebuffers(object);
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
		if (truth(object, states[i].key))
			printf(", %s", states[i].text);
	putchar('\n');
}

/* The largest first. */
static int compare_objects(const void *a, const void *b)
{
	struct json_object *first = *(struct json_object *const *)a;
	struct json_object *second = *(struct json_object *const *)b;
	uint64_t x = number(first, "bytes"), y = number(second, "bytes");

	return x != y ? (x < y) - (x > y) :
			(number(first, "id") > number(second, "id")) -
				(number(first, "id") < number(second, "id"));
}

static void print_objects(struct json_object *info, size_t max)
{
	uint64_t bytes = 0;
	size_t n;
	struct json_object *list = list_of(info, "objects", &n);

	json_object_array_sort(list, compare_objects);
	for (size_t i = 0; i < n && i < max; i++)
		print_object(json_object_array_get_idx(list, i));
	for (size_t i = max; i < n; i++)
		bytes += number(json_object_array_get_idx(list, i), "bytes");
	if (n > max)
		printf("objects   %zu more of %lu bytes\n", n - max, bytes);
}

static void print_clients(struct json_object *info)
{
	size_t n;
	struct json_object *list = list_of(info, "clients", &n);

	for (size_t i = 0; i < n; i++) {
		struct json_object *client = json_object_array_get_idx(list, i);

		printf("client    pid %lu (%s), %lu requests\n",
		       number(client, "pid"), string(client, "program"),
		       number(client, "requests"));
	}
}

static void print_faults(struct json_object *info)
{
	size_t n;
	struct json_object *list = list_of(info, "last_faults", &n);

	for (size_t i = 0; i < n; i++)
		printf("fault     %s\n",
		       json_object_get_string(
			       json_object_array_get_idx(list, i)));
}

static void print_hardware(struct json_object *hardware)
{
	if (!hardware)
		return;
	printf("hardware  %s%s, %lu commands in flight, %lu done, %lu errors, "
	       "%lu resources\n",
	       string(hardware, "address"),
	       truth(hardware, "gone") ? " (gone)" : "",
	       number(hardware, "in_flight"), number(hardware, "commands"),
	       number(hardware, "errors"), number(hardware, "resources"));
	printf("iommu     %lu mappings, room for %lu, %lu bytes pinned\n",
	       number(hardware, "iommu_mappings"),
	       number(hardware, "iommu_available"),
	       number(hardware, "pinned_bytes"));
}

static void print_info(struct json_object *info)
{
	size_t clients;

	list_of(info, "clients", &clients);
	printf("device    %s, card%lu, renderD%lu, server pid %lu\n",
	       string(info, "device"),
	       number(info, "card"), number(info, "render"),
	       number(info, "pid"));
	printf("clients   %zu, %lu ioctls\n", clients, number(info, "ioctls"));
	printf("objects   %lu of %lu bytes, at the peak %lu of %lu bytes\n",
	       number(info, "object_count"), number(info, "object_bytes"),
	       number(info, "peak_objects"), number(info, "peak_bytes"));
	printf("memory    %lu pages held (%lu of users), at the peak %lu; "
	       "pool %lu of %lu bytes used, largest hole %lu\n",
	       number(info, "pages_held"), number(info, "user_pages"),
	       number(info, "peak_pages"), number(info, "pool_used"),
	       number(info, "pool_bytes"), number(info, "pool_largest_hole"));
	printf("dma       %lu mappings of %lu bytes, %lu faults, "
	       "%lu missed syncs\n",
	       number(info, "dma_mappings"), number(info, "dma_mapped_bytes"),
	       number(info, "iommu_faults"), number(info, "missed_syncs"));
	printf("engine    %lu jobs, busy for %lu ms\n", number(info, "jobs"),
	       number(info, "engine_busy_ns") / 1000000);
	print_hardware(json_object_object_get(info, "hardware"));
	print_crtcs(info);
	if (number(info, "writebacks"))
		printf("writeback %lu frames\n", number(info, "writebacks"));
	print_clients(info);
	print_files(info);
	print_objects(info, MAX_LINES);
	print_faults(info);
}

static int print_problems(struct json_object *info)
{
	size_t n;
	struct json_object *list = list_of(info, "problems", &n);

	if (!list) {
		hf_cli_error("the server was not started with --check");
		return 1;
	}
	if (number(info, "problem_count") > n)
		printf("%lu earlier ones are not kept\n",
		       number(info, "problem_count") - n);
	for (size_t i = 0; i < n; i++) {
		struct json_object *problem =
			json_object_array_get_idx(list, i);

		printf("%lu.%06lu pid %lu (%s): %s\n",
		       number(problem, "ns") / HF_NSEC_PER_SEC,
		       number(problem, "ns") % HF_NSEC_PER_SEC / 1000,
		       number(problem, "pid"), string(problem, "program"),
		       string(problem, "text"));
	}
	return 0;
}

static struct json_object *get_info(const char *socket)
{
	char *text = hf_cli_query_text(socket, "info");
	struct json_object *info;

	if (!text)
		return NULL;
	info = json_tokener_parse(text);
	free(text);
	if (!info)
		errno = EPROTO;
	return info;
}

int hf_cli_info(const struct hf_cli_options *options, int argc, char **argv)
{
	struct json_object *info;
	int ret = 0;

	if (argc)
		return hf_cli_error("info does not know %s", argv[0]);
	info = get_info(options->socket);
	if (!info)
		return hf_cli_no_server(errno);
	if (options->problems)
		ret = print_problems(info);
	else if (options->objects)
		print_objects(info, SIZE_MAX);
	else if (options->json)
		puts(json_object_to_json_string_ext(info,
						    JSON_C_TO_STRING_PRETTY));
	else
		print_info(info);
	json_object_put(info);
	return ret;
}

int hf_cli_top(const struct hf_cli_options *options, int argc, char **argv)
{
	uint64_t ioctls = 0, frames = 0;

	if (argc)
		return hf_cli_error("top does not know %s", argv[0]);
	for (bool first = true;; first = false) {
		struct json_object *info = get_info(options->socket);

		if (!info)
			return first ? hf_cli_no_server(errno) : 0;
		if (isatty(STDOUT_FILENO))
			fputs("\033[H\033[J", stdout);
		if (!first)
			printf("rates     %lu ioctls/s, %lu frames/s\n",
			       number(info, "ioctls") - ioctls,
			       number(info, "frames") - frames);
		print_info(info);
		if (fflush(stdout))
			return 1;
		ioctls = number(info, "ioctls");
		frames = number(info, "frames");
		json_object_put(info);
		sleep(1);
	}
}
