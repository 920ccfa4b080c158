/* SPDX-License-Identifier: MIT */
/*
 * HTTP/1.1, as much as noVNC needs: GET and HEAD of files, one request a connection.
 *
 * A request is looked at where it waits until its header is complete, so that it can be
 * left to somebody else. A name has letters, digits and dots, and no part of it begins
 * with one, so it leads nowhere but below the directory.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/futex.h"
#include "view/http.h"

#define MAX_HEADER 8192
#define PATIENCE_NS (10 * HF_NSEC_PER_SEC)
#define START "/vnc.html?autoconnect=true&resize=scale&reconnect=true&reconnect_delay=1000"

/* Its text is kept as it came, and cut into lines. */
struct request {
	char text[MAX_HEADER + 1];
	size_t size; /* of the header, with the empty line */
	char *method, *target, *fields;
};

/* -- reading ------------------------------------------------------------------- */

static int remaining_ms(uint64_t end)
{
	uint64_t now = hf_monotonic_ns();

	return now < end ? (int)((end - now) / 1000000 + 1) : 0;
}

/* Be woken when there is more than we have seen. */
static bool await_more(int fd, size_t seen, uint64_t end)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	int low = (int)seen + 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	return poll(&poll_fd, 1, remaining_ms(end)) == 1;
}

/* Return: there is a whole header, and it is text. */
static bool peek(int fd, struct request *request)
{
	uint64_t end = hf_monotonic_ns() + PATIENCE_NS;
	size_t seen = 0;

	while (await_more(fd, seen, end)) {
		ssize_t n = recv(fd, request->text, MAX_HEADER,
				 MSG_PEEK | MSG_DONTWAIT);
		const char *last;

		if (n <= (ssize_t)seen)
			return false; /* closed in the middle */
		seen = (size_t)n;
		request->text[seen] = 0;
		if (memchr(request->text, 0, seen))
			return false;
		last = strstr(request->text, "\r\n\r\n");
		if (last) {
			request->size = (size_t)(last - request->text) + 4;
			request->text[request->size] = 0;
			return true;
		}
		if (seen == MAX_HEADER)
			return false;
	}
	return false;
}

/* "GET /name?query HTTP/1.1" */
static bool parse(struct request *request)
{
	char *at = request->text, *version;

	request->method = strsep(&at, " ");
	request->target = strsep(&at, " ");
	version = strsep(&at, "\r");
	request->fields = at;
	return version && !strncmp(version, "HTTP/1.", 7) &&
	       *request->target == '/';
}

/* A field's value, copied; "" where there is none. */
static void field(const struct request *request, const char *name, char *value,
		  size_t size)
{
	const char *line = request->fields;
	size_t length = strlen(name), n;

	*value = 0;
	while ((line = strstr(line, "\n"))) {
		line++;
		if (strncasecmp(line, name, length) || line[length] != ':')
			continue;
		line += length + 1;
		line += strspn(line, " \t");
		n = strcspn(line, " \t\r\n");
		if (n < size) {
			memcpy(value, line, n);
			value[n] = 0;
		}
		return;
	}
}

/* -- who may open a WebSocket ----------------------------------------------------- */

/* A name that is not found out by asking somebody. */
static bool is_this_machine(const char *host)
{
	char name[256], own[256] = "";
	struct in6_addr address;
	size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":");

	if (n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = 0;
	if (*name == '[')
		return inet_pton(AF_INET6, name + 1, &address) == 1;
	gethostname(own, sizeof(own) - 1);
	return inet_pton(AF_INET, name, &address) == 1 ||
	       !strcasecmp(name, "localhost") ||
	       (*own && !strcasecmp(name, own));
}

static bool may_watch(const struct request *request, bool open)
{
	char host[256], origin[300];
	const char *site;

	field(request, "Host", host, sizeof(host));
	field(request, "Origin", origin, sizeof(origin));
	if (open && !is_this_machine(host))
		return false;
	if (!*origin)
		return true; /* no browser */
	site = strstr(origin, "://");
	return site && !strcasecmp(site + 3, host);
}

static bool is_websocket(const struct request *request)
{
	char upgrade[32];

	field(request, "Upgrade", upgrade, sizeof(upgrade));
	return !strcasecmp(upgrade, "websocket");
}

/* -- answers --------------------------------------------------------------------- */

static bool send_all(int fd, const char *text)
{
	size_t size = strlen(text);

	return send(fd, text, size, MSG_NOSIGNAL) == (ssize_t)size;
}

static void answer(int fd, const char *status, const char *field)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "HTTP/1.1 %s\r\n%sContent-Length: 0\r\n"
		 "Connection: close\r\n\r\n",
		 status, field);
	send_all(fd, text);
}

static const char *type_of(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".oga", "audio/ogg" },
		{ ".mp3", "audio/mpeg" },
		{ ".ttf", "font/ttf" },
		{ ".woff", "font/woff" },
	};
	const char *dot = strrchr(name, '.');

	for (size_t i = 0; dot && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(dot, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* Below the directory: no part of it begins with a dot. */
static bool is_plain(const char *name)
{
	bool begins = true;

	for (; *name; name++) {
		if (!isalnum((unsigned char)*name) && !strchr("._-/", *name))
			return false;
		if (begins && (*name == '.' || *name == '/'))
			return false;
		begins = *name == '/';
	}
	return !begins;
}

static int open_file(int dir, const char *name, struct stat *st)
{
	int fd = is_plain(name) ? openat(dir, name, O_RDONLY | O_CLOEXEC |
							 O_NONBLOCK) : -1;

	if (fd >= 0 && (fstat(fd, st) || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void send_file(int fd, int dir, const char *name, bool body)
{
	struct stat st;
	int file = open_file(dir, name, &st);
	char header[512];
	off_t at = 0;

	if (file < 0) {
		answer(fd, "404 Not Found", "");
		return;
	}
	snprintf(header, sizeof(header),
		 "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		 "Content-Length: %lld\r\nX-Content-Type-Options: nosniff\r\n"
		 "X-Frame-Options: SAMEORIGIN\r\nConnection: close\r\n\r\n",
		 type_of(name), (long long)st.st_size);
	if (send_all(fd, header))
		while (body && at < st.st_size &&
		       sendfile(fd, file, &at, (size_t)(st.st_size - at)) > 0)
			;
	close(file);
}

/* What is left unread when a connection is closed resets it. */
static void take(int fd, size_t size)
{
	char text[MAX_HEADER];

	if (recv(fd, text, size, MSG_DONTWAIT) < 0)
		return;
}

/* No call waits longer than this; the file is small, so they are few. */
static void limit_waits(int fd)
{
	struct timeval limit = { .tv_sec = PATIENCE_NS / HF_NSEC_PER_SEC };
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &one, sizeof(one));
}

static void serve_file(int fd, int dir, struct request *request)
{
	char *query = strchr(request->target, '?');
	bool head = !strcmp(request->method, "HEAD");

	if (query)
		*query = 0;
	if (!head && strcmp(request->method, "GET"))
		answer(fd, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
	else if (!strcmp(request->target, "/"))
		answer(fd, "302 Found", "Location: " START "\r\n");
	else
		send_file(fd, dir, request->target + 1, !head);
	shutdown(fd, SHUT_WR);
}

bool hf_http_answer(int fd, int dir, bool open)
{
	struct request request;

	if (!peek(fd, &request) || !parse(&request))
		return false;
	limit_waits(fd);
	if (is_websocket(&request) && may_watch(&request, open))
		return true;
	take(fd, request.size);
	if (is_websocket(&request))
		answer(fd, "403 Forbidden", "");
	else
		serve_file(fd, dir, &request);
	return false;
}
