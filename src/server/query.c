/* SPDX-License-Identifier: MIT */
/*
 * Questions that the command asks a running server: "info", "screenshot WHAT", "trace
 * FORMAT", "record WHAT", "stream WHAT". The answer is a memfd, so its size does not
 * matter; those to the last three are sockets. WHAT is a CRTC's index or a connector's
 * name.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "drivers/soft/engine.h"
#include "drivers/soft/frame.h"
#include "mem/shmem.h"
#include "seat/input.h"
#include "seat/seatd.h"
#include "seat/vt.h"
#include "server/inject.h"
#include "server/json.h"
#include "server/kms_state.h"
#include "server/objects.h"
#include "server/record.h"
#include "server/scenario.h"
#include "server/server.h"
#include "server/stream.h"
#include "uapi/problem.h"
#include "server/trace.h"

static void add_uint(struct json_object *obj, const char *key, uint64_t value)
{
	hf_json_add(obj, key, json_object_new_uint64(value));
}

/* Which lessee it is, of which file (0: that is closed), and what it has. */
static struct json_object *describe_lease(const struct hf_file *file)
{
	struct json_object *obj = json_object_new_object();
	struct json_object *ids = json_object_new_array();
	const struct hf_master *lessee = file->master;
	const struct hf_file *other;
	uint32_t lessor = 0;

	wl_list_for_each(other, &file->dev->files, link)
		if (other->is_master && other->master == lessee->lessor)
			lessor = other->id;
	add_uint(obj, "lessee", lessee->lessee_id);
	add_uint(obj, "lessor", lessor);
	for (uint32_t i = 0; i < lessee->lease.count; i++)
		hf_json_append(ids,
			       json_object_new_uint64(lessee->lease.ids[i]));
	hf_json_add(obj, "objects", ids);
	return obj;
}

static struct json_object *describe_file(struct hf_file *file)
{
	struct json_object *obj = json_object_new_object();
	char program[HF_COMM_SIZE];

	hf_process_name(file->cred.pid, program);
	add_uint(obj, "id", file->id);
	add_uint(obj, "pid", file->cred.pid);
	hf_json_add(obj, "program", json_object_new_string(program));
	hf_json_add(obj, "node",
			       json_object_new_string(
				       file->render ? "render" : "primary"));
	hf_json_add(
		obj, "master",
		json_object_new_boolean(hf_file_is_current_master(file)));
	add_uint(obj, "handles", file->gem.handles.count);
	add_uint(obj, "framebuffers", wl_list_length(&file->kms.fbs));
	add_uint(obj, "blobs", wl_list_length(&file->kms.blobs));
	add_uint(obj, "pending_events", file->kms.reserved);
	if (file->kms.lease)
		hf_json_add(obj, "lease", describe_lease(file));
	return obj;
}

static struct json_object *describe_crtc(struct hf_crtc *crtc)
{
	struct json_object *obj = json_object_new_object();

	add_uint(obj, "id", crtc->base.id);
	hf_json_add(obj, "active",
			       json_object_new_boolean(crtc->state->active));
	if (crtc->state->enable) {
		add_uint(obj, "width", crtc->state->mode.hdisplay);
		add_uint(obj, "height", crtc->state->mode.vdisplay);
	}
	add_uint(obj, "frames", crtc->frames);
	add_uint(obj, "vblanks", hf_vblank_count(crtc, NULL));
	return obj;
}

/* What the devices do, added up. */
struct totals {
	uint64_t objects, bytes, peak_objects, peak_bytes;
	uint64_t mapped, mappings, faults, missed_syncs, jobs, busy_ns;
	uint64_t frames, fbs, writebacks;
};

static void describe_hardware(struct hf_device *dev, struct json_object *root)
{
	struct json_object *obj = json_object_new_object();
	struct hf_hw_stats stats = { 0 };

	dev->driver->stats(dev, &stats);
	hf_json_add(obj, "address", json_object_new_string(stats.address));
	hf_json_add(obj, "gone", json_object_new_boolean(stats.gone));
	add_uint(obj, "in_flight", stats.in_flight);
	add_uint(obj, "resources", stats.resources);
	add_uint(obj, "commands", stats.commands);
	add_uint(obj, "errors", stats.errors);
	add_uint(obj, "iommu_mappings", stats.mappings);
	add_uint(obj, "iommu_available", stats.available);
	add_uint(obj, "pinned_bytes", stats.pinned);
	hf_json_add(root, "hardware", obj);
}

static void describe_device(struct hf_device *dev, struct json_object *root,
			    struct totals *sum)
{
	struct json_object *files = json_object_object_get(root, "files");
	struct json_object *crtcs = json_object_object_get(root, "crtcs");
	struct hf_file *file;

	wl_list_for_each(file, &dev->files, link) {
		hf_json_append(files, describe_file(file));
		sum->fbs += wl_list_length(&file->kms.fbs);
	}
	for (unsigned int i = 0; i < dev->kms.num_crtcs; i++) {
		/* The index is the command's name for it. */
		if (!dev->unplugged)
			hf_json_append(crtcs,
				       describe_crtc(dev->kms.crtcs[i]));
		sum->frames += dev->kms.crtcs[i]->frames;
	}
	sum->writebacks += dev->kms.writebacks;
	hf_objects_describe(dev, json_object_object_get(root, "objects"));
	sum->objects += dev->gem.count;
	sum->bytes += dev->gem.bytes;
	sum->peak_objects += dev->gem.peak_count;
	sum->peak_bytes += dev->gem.peak_bytes;
	sum->mapped += dev->dma.mapped;
	sum->mappings += dev->dma.mappings;
	sum->missed_syncs += atomic_load(&dev->dma.missed_syncs);
	if (!dev->engine)
		return;
	sum->jobs += hf_engine_jobs(dev->engine);
	sum->busy_ns += hf_engine_busy_ns(dev->engine);
}

/* The last ones, as sentences. */
static void describe_faults(struct hf_device *dev, struct json_object *root,
			    struct totals *sum)
{
	struct json_object *list = json_object_object_get(root, "last_faults");
	struct hf_dma_device *dma = &dev->dma;
	char text[256];

	pthread_mutex_lock(&dma->fault_lock);
	sum->faults += dma->nfaults;
	for (uint64_t i = dma->nfaults < 8 ? 0 : dma->nfaults - 8;
	     i < dma->nfaults; i++) {
		hf_dma_fault_text(&dma->faults[i % HF_DMA_FAULTS], text,
				  sizeof(text));
		hf_json_append(list, json_object_new_string(text));
	}
	pthread_mutex_unlock(&dma->fault_lock);
}

static void describe_memory(struct hf_system *sys, struct json_object *root)
{
	struct hf_memory_stats stats;

	hf_memory_stats(sys->mem, &stats);
	add_uint(root, "pages_held", stats.pages);
	add_uint(root, "peak_pages", stats.peak_pages);
	add_uint(root, "user_pages", stats.user_pages);
	add_uint(root, "pool_bytes", stats.pool_size);
	add_uint(root, "pool_used", stats.pool_used);
	add_uint(root, "pool_largest_hole", stats.pool_hole);
	add_uint(root, "purged_bytes", stats.purged);
}

static void describe_problems(const struct hf_problems *problems,
			      struct json_object *root)
{
	struct json_object *list = json_object_new_array();
	const struct hf_problem *problem;

	add_uint(root, "problem_count", problems->total);
	wl_list_for_each(problem, &problems->list, link) {
		struct json_object *obj = json_object_new_object();

		add_uint(obj, "ns", problem->ns);
		add_uint(obj, "pid", problem->pid);
		hf_json_add(obj, "program",
			    json_object_new_string(problem->program));
		hf_json_add(obj, "text", json_object_new_string(problem->text));
		json_object_array_add(list, obj);
	}
	hf_json_add(root, "problems", list);
}

static void describe_seat(const struct hf_seat *seat, struct json_object *root)
{
	struct json_object *sessions = json_object_new_array();

	add_uint(root, "vt", hf_vt_active(hf_seat_vts(seat)));
	hf_seatd_describe(hf_seat_seatd(seat), sessions);
	hf_json_add(root, "sessions", sessions);
}

static struct json_object *describe(struct hf_server *server)
{
	static const char *const lists[] = { "files", "crtcs", "objects",
					     "last_faults" };
	struct json_object *root = json_object_new_object();
	struct json_object *clients = json_object_new_array();
	struct hf_device *dev = server->dev;
	struct totals sum = { 0 };

	hf_json_add(root, "device",
			       json_object_new_string(dev->unique));
	add_uint(root, "pid", getpid());
	add_uint(root, "card", dev->primary_minor);
	add_uint(root, "render", server->engine->render_minor);
	hf_clients_describe(server, clients);
	hf_json_add(root, "clients", clients);
	if (server->seat)
		describe_seat(server->seat, root);
	add_uint(root, "ioctls", atomic_load(&server->ioctls));
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		hf_json_add(root, lists[i], json_object_new_array());
	wl_list_for_each(dev, &server->sys->devices, link) {
		describe_device(dev, root, &sum);
		describe_faults(dev, root, &sum);
		if (dev->driver->stats)
			describe_hardware(dev, root);
	}
	add_uint(root, "framebuffers", sum.fbs);
	add_uint(root, "frames", sum.frames);
	add_uint(root, "writebacks", sum.writebacks);
	add_uint(root, "object_count", sum.objects);
	add_uint(root, "object_bytes", sum.bytes);
	add_uint(root, "peak_objects", sum.peak_objects);
	add_uint(root, "peak_bytes", sum.peak_bytes);
	describe_memory(server->sys, root);
	add_uint(root, "dma_mappings", sum.mappings);
	add_uint(root, "dma_mapped_bytes", sum.mapped);
	add_uint(root, "iommu_faults", sum.faults);
	add_uint(root, "missed_syncs", sum.missed_syncs);
	add_uint(root, "jobs", sum.jobs);
	add_uint(root, "engine_busy_ns", sum.busy_ns);
	if (server->sys->problems)
		describe_problems(server->sys->problems, root);
	return root;
}

static int answer_info(struct hf_server *server)
{
	struct json_object *root;
	const char *text;
	int fd;

	pthread_mutex_lock(&server->sys->lock);
	root = describe(server);
	pthread_mutex_unlock(&server->sys->lock);
	text = root ? json_object_to_json_string_ext(root,
						     JSON_C_TO_STRING_PRETTY) :
		      NULL;
	fd = text ? hf_shmem_data("holdfast info", text, strlen(text)) :
		    -ENOMEM;
	json_object_put(root);
	return fd;
}

static void reply(const struct hf_wire_query *query, int fd, int answer)
{
	struct hf_wire_query packet = *query;

	packet.error = answer < 0 ? answer : 0;
	hf_send_fds(fd, &packet, sizeof(packet), &answer, answer >= 0);
	if (answer >= 0)
		close(answer);
	close(fd);
}

/* A screenshot takes its time: a thread of its own composes it. */
struct shot {
	struct hf_server *server;
	struct hf_frame *frame;
	struct hf_wire_query query;
	int fd;
};

#define MAX_SHOTS 4

static void shot_done(struct hf_server *server)
{
	pthread_mutex_lock(&server->shots_lock);
	if (!--server->shots)
		pthread_cond_signal(&server->no_shots);
	pthread_mutex_unlock(&server->shots_lock);
}

void hf_query_finish(struct hf_server *server)
{
	pthread_mutex_lock(&server->shots_lock);
	while (server->shots)
		pthread_cond_wait(&server->no_shots, &server->shots_lock);
	pthread_mutex_unlock(&server->shots_lock);
}

static void *compose(void *arg)
{
	struct shot *shot = arg;
	struct hf_server *server = shot->server;
	int fd = memfd_create("holdfast screenshot", MFD_CLOEXEC), ret;

	ret = fd < 0 ? -errno : hf_screenshot_write(shot->frame, fd);
	if (!ret)
		lseek(fd, 0, SEEK_SET); /* for whoever reads it */
	if (ret && fd >= 0)
		close(fd);
	reply(&shot->query, shot->fd, ret ? ret : fd);
	hf_frame_destroy(shot->frame);
	free(shot);
	shot_done(server);
	return NULL;
}

static int start_thread(struct shot *shot)
{
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	err = pthread_create(&thread, &attr, compose, shot);
	pthread_attr_destroy(&attr);
	return -err;
}

static bool shot_begins(struct hf_server *server)
{
	bool room;

	pthread_mutex_lock(&server->shots_lock);
	room = server->shots < MAX_SHOTS;
	server->shots += room;
	pthread_mutex_unlock(&server->shots_lock);
	return room;
}

static int find_connector(struct hf_kms_device *kms, const char *name,
			  unsigned int *crtc)
{
	char other[32];

	for (unsigned int i = 0; i < kms->num_connectors; i++) {
		const struct hf_connector_state *state =
			kms->connectors[i]->state;

		hf_connector_name(kms->connectors[i], other, sizeof(other));
		if (strcmp(name, other))
			continue;
		if (!state->crtc)
			return -ENOTCONN;
		*crtc = state->crtc->index;
		return 0;
	}
	return -ENXIO;
}

/* Which device, for there may be another at any time, and which of its CRTCs.
 * Return: -ECHRNG, -ENXIO: there is none; -ENOTCONN: it is on no CRTC. */
static int find_crtc(struct hf_server *server, const char *what,
		     struct hf_device **dev, unsigned int *crtc)
{
	char end;
	int ret;

	pthread_mutex_lock(&server->sys->lock);
	*dev = server->dev;
	*crtc = HF_KMS_MAIN;
	if (!strcmp(what, "main"))
		ret = 0;
	else if (sscanf(what, "%9u%c", crtc, &end) == 1)
		ret = *crtc < (*dev)->kms.num_crtcs ? 0 : -ECHRNG;
	else
		ret = find_connector(&(*dev)->kms, what, crtc);
	pthread_mutex_unlock(&server->sys->lock);
	return ret;
}

static int answer_screenshot(struct hf_server *server, const char *what,
			     const struct hf_wire_query *query, int fd)
{
	struct hf_device *dev;
	struct shot *shot;
	unsigned int crtc;
	int ret = find_crtc(server, what, &dev, &crtc);

	if (ret)
		return ret;
	if (!shot_begins(server))
		return -EBUSY;
	shot = calloc(1, sizeof(*shot));
	ret = shot ? hf_screenshot_capture(dev, crtc, &shot->frame) :
		     -ENOMEM;
	if (!ret) {
		shot->server = server;
		shot->query = *query;
		shot->fd = fd;
		ret = start_thread(shot);
	}
	if (ret) {
		if (shot)
			hf_frame_destroy(shot->frame);
		free(shot);
		shot_done(server);
	}
	return ret;
}

/* The answer is a stream, for as long as whoever asked reads it. */
static void answer_trace(struct hf_server *server, const char *format,
			 const struct hf_wire_query *query, int fd)
{
	int stream = -EINVAL;

	if (!strcmp(format, "text"))
		stream = hf_trace_to_stream(server, HF_TRACE_TEXT);
	else if (!strcmp(format, "chrome"))
		stream = hf_trace_to_stream(server, HF_TRACE_CHROME);
	reply(query, fd, stream);
}

/* Where it fails, the answer's text says why. */
static void answer_inject(struct hf_server *server,
			  const struct hf_wire_query *query, int fd, int data)
{
	struct hf_wire_query packet = *query;
	char why[HF_INJECT_WHY] = "";
	int ret;

	pthread_mutex_lock(&server->sys->lock);
	ret = hf_inject_query(server, query->text + 7, data, why);
	hf_scenario_settle(server->scenario);
	hf_server_refresh(server);
	pthread_mutex_unlock(&server->sys->lock);
	snprintf(packet.text, sizeof(packet.text), "%s", why);
	reply(&packet, fd, ret);
}

/* Who asked is answered when all is done. */
struct input_answer {
	struct hf_input_waiter waiter;
	struct hf_wire_query query;
	int fd;
};

static void input_done(struct hf_input_waiter *waiter)
{
	struct input_answer *answer = wl_container_of(waiter, answer, waiter);

	reply(&answer->query, answer->fd,
	      hf_shmem_data("holdfast input", "", 0));
	free(answer);
}

static void answer_when_done(struct hf_server *server,
			     const struct hf_wire_query *query, int fd)
{
	struct input_answer *answer = malloc(sizeof(*answer));

	if (!answer) {
		reply(query, fd, -ENOMEM);
		return;
	}
	answer->waiter.done = input_done;
	answer->query = *query;
	answer->fd = fd;
	hf_input_when_done(server->seat, &answer->waiter);
}

/* Words of a command. */
#define MAX_WORDS 256

/* What a person does, its words each on a line of its own. As hf_input_command(). */
static int run_input(struct hf_server *server, const char *text,
		     char why[HF_INPUT_WHY])
{
	const char *words[MAX_WORDS];
	char *copy = strdup(text), *save = NULL, *word;
	size_t n = 0;
	int ret;

	if (!copy) {
		snprintf(why, HF_INPUT_WHY, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (word = strtok_r(copy, "\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &save))
		words[n++] = word;
	if (word) {
		snprintf(why, HF_INPUT_WHY, "more than %d words", MAX_WORDS);
		ret = -E2BIG;
	} else {
		ret = hf_input_command(server->seat, words, n, why);
	}
	free(copy);
	return ret;
}

/* Where it fails, the answer's text says why. */
static void answer_input(struct hf_server *server,
			 const struct hf_wire_query *query, int fd)
{
	struct hf_wire_query packet = *query;
	char why[HF_INPUT_WHY] = "there is no seat";
	int ret = -EOPNOTSUPP;

	pthread_mutex_lock(&server->sys->lock);
	if (server->seat)
		ret = run_input(server, query->text + 6, why);
	if (!ret)
		answer_when_done(server, query, fd);
	pthread_mutex_unlock(&server->sys->lock);
	if (!ret)
		return;
	snprintf(packet.text, sizeof(packet.text), "%s", why);
	reply(&packet, fd, ret);
}

static void answer_record(struct hf_server *server, const char *what,
			  const struct hf_wire_query *query, int fd)
{
	struct hf_device *dev;
	unsigned int crtc;
	int ret = find_crtc(server, what, &dev, &crtc);

	reply(query, fd, ret ? ret : hf_record_to_stream(server, crtc));
}

/* Somebody is going to be a login manager: show its sessions. */
static void answer_logind(struct hf_server *server,
			  const struct hf_wire_query *query, int fd)
{
	int ret = -EOPNOTSUPP;

	pthread_mutex_lock(&server->sys->lock);
	if (server->seat) {
		server->logind = true;
		eventfd_write(server->sys->changed_fd, 1);
		hf_server_refresh(server);
		ret = hf_shmem_data("holdfast logind", "", 0);
	}
	pthread_mutex_unlock(&server->sys->lock);
	reply(query, fd, ret);
}

/* A connector that is on no CRTC may come to be. */
static void answer_stream(struct hf_server *server, const char *what,
			  const struct hf_wire_query *query, int fd)
{
	struct hf_device *dev;
	unsigned int crtc;
	int ret = find_crtc(server, what, &dev, &crtc);

	if (!ret || ret == -ENOTCONN)
		ret = hf_stream_open(server, what);
	reply(query, fd, ret);
}

void hf_query_answer(struct hf_server *server,
		     const struct hf_wire_query *query, int fd, int data)
{
	int ret = -EINVAL;

	if (!strcmp(query->text, "info")) {
		reply(query, fd, answer_info(server));
		return;
	}
	if (!strncmp(query->text, "trace ", 6)) {
		answer_trace(server, query->text + 6, query, fd);
		return;
	}
	if (!strncmp(query->text, "inject\n", 7)) {
		answer_inject(server, query, fd, data);
		return;
	}
	if (!strncmp(query->text, "input\n", 6)) {
		answer_input(server, query, fd);
		return;
	}
	if (!strcmp(query->text, "logind")) {
		answer_logind(server, query, fd);
		return;
	}
	if (!strncmp(query->text, "record ", 7)) {
		answer_record(server, query->text + 7, query, fd);
		return;
	}
	if (!strncmp(query->text, "stream ", 7)) {
		answer_stream(server, query->text + 7, query, fd);
		return;
	}
	if (!strncmp(query->text, "screenshot ", 11))
		ret = answer_screenshot(server, query->text + 11, query, fd);
	if (ret)
		reply(query, fd, ret);
}
