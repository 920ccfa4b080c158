/* SPDX-License-Identifier: MIT */
/* Connectors through sysfs: their status as one writes it, and uevents as the kernel says them. */
#include "uapi.h"

#include <ctype.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* The card's directory in sysfs, and a file in it or in its first connector's. */
static void card_dir(int fd, char *dir, size_t size)
{
	char link[64], target[256];
	struct stat st;
	ssize_t n;

	EXPECT_OK(result(fstat(fd, &st)));
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	n = readlink(link, target, sizeof(target) - 1);
	EXPECT(n > 0);
	target[n] = '\0';
	snprintf(dir, size, "/sys/class/drm/%s", strrchr(target, '/') + 1);
}

/* Connectors of the names that sysfs has, by the numbers that KMS has. */
static const char *const type_names[] = {
	"Unknown", "VGA", "DVI-I", "DVI-D", "DVI-A", "Composite", "SVIDEO",
	"LVDS", "Component", "DIN", "DP", "HDMI-A", "HDMI-B", "TV", "eDP",
	"Virtual", "DSI", "DPI", "Writeback", "SPI", "USB",
};

static void connector_dir(const struct kms *kms, char *dir, size_t size)
{
	drmModeConnector *conn = drmModeGetConnectorCurrent(kms->fd, kms->connector);
	char card[64];

	EXPECT(conn);
	EXPECT(conn->connector_type < ARRAY_SIZE(type_names));
	card_dir(kms->fd, card, sizeof(card));
	snprintf(dir, size, "%s/%s-%s-%u", card, strrchr(card, '/') + 1,
		 type_names[conn->connector_type], conn->connector_type_id);
	drmModeFreeConnector(conn);
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	int fd, error = 0;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		error = errno;
	close(fd);
	return error;
}

/* The first line. */
static const char *read_file(const char *dir, const char *name)
{
	static char text[4096];
	char path[256];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	EXPECT(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	EXPECT(n >= 0);
	close(fd);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static drmModeConnection probed(const struct kms *kms, int *modes)
{
	drmModeConnector *conn = drmModeGetConnector(kms->fd, kms->connector);
	drmModeConnection connection;

	EXPECT(conn);
	connection = conn->connection;
	*modes = conn->count_modes;
	drmModeFreeConnector(conn);
	return connection;
}

static void open_writable(struct kms *kms, char *dir, size_t size)
{
	char path[256];

	kms_open(kms);
	connector_dir(kms, dir, size);
	snprintf(path, sizeof(path), "%s/status", dir);
	if (access(path, W_OK))
		skip("not the owner of %s", path);
}

TEST(a_connector_that_is_switched_off_is_disconnected)
{
	struct kms kms;
	char dir[128];
	int modes;

	open_writable(&kms, dir, sizeof(dir));
	EXPECT(!strcmp(read_file(dir, "status"), "connected"));
	EXPECT_OK(write_file(dir, "status", "off"));
	EXPECT(!strcmp(read_file(dir, "status"), "disconnected"));
	EXPECT_EQ(probed(&kms, &modes), DRM_MODE_DISCONNECTED);
	EXPECT_EQ(modes, 0);
	EXPECT(!strcmp(read_file(dir, "modes"), ""));
	EXPECT_OK(write_file(dir, "status", "detect\n"));
	EXPECT(!strcmp(read_file(dir, "status"), "connected"));
	EXPECT_EQ(probed(&kms, &modes), DRM_MODE_CONNECTED);
	EXPECT(modes > 0);
}

TEST(a_connector_that_is_switched_on_is_connected)
{
	struct kms kms;
	char dir[128];
	int modes;

	open_writable(&kms, dir, sizeof(dir));
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(write_file(dir, "status", "off\n"));
		EXPECT_OK(write_file(dir, "status", i ? "on-digital" : "on"));
		EXPECT(!strcmp(read_file(dir, "status"), "connected"));
		EXPECT_EQ(probed(&kms, &modes), DRM_MODE_CONNECTED);
		EXPECT(modes > 0);
	}
	EXPECT_OK(write_file(dir, "status", "detect"));
}

TEST(probing_does_not_undo_what_was_written)
{
	struct kms kms;
	char dir[128];
	int modes;

	open_writable(&kms, dir, sizeof(dir));
	EXPECT_OK(write_file(dir, "status", "off"));
	for (int i = 0; i < 3; i++)
		EXPECT_EQ(probed(&kms, &modes), DRM_MODE_DISCONNECTED);
	EXPECT_OK(write_file(dir, "status", "detect"));
	EXPECT_EQ(probed(&kms, &modes), DRM_MODE_CONNECTED);
}

TEST(a_status_that_there_is_not_is_einval)
{
	static const char *const nonsense[] = {
		"maybe", "offf", "of", "OFF", " off", "off ", "off\n\n", "\n", "1",
	};
	struct kms kms;
	char dir[128];

	open_writable(&kms, dir, sizeof(dir));
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++)
		EXPECT_ERROR(write_file(dir, "status", nonsense[i]), EINVAL);
	EXPECT(!strcmp(read_file(dir, "status"), "connected"));
}

TEST(a_crtc_stays_on_when_its_connector_goes)
{
	struct kms kms;
	uint32_t fb;
	char dir[128];

	open_writable(&kms, dir, sizeof(dir));
	kms_show(&kms, &fb);
	EXPECT_OK(write_file(dir, "status", "off"));
	EXPECT_EQ(crtc_fb(&kms), fb);
	EXPECT(!strcmp(read_file(dir, "enabled"), "enabled"));
	EXPECT_OK(write_file(dir, "status", "detect"));
}

/* -- uevents --------------------------------------------------------------- */

static int open_monitor(void)
{
	struct sockaddr_nl name = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);

	if (fd < 0)
		skip("no socket for uevents: %s", strerror(errno));
	EXPECT_OK(result(bind(fd, (struct sockaddr *)&name, sizeof(name))));
	return fd;
}

/* The next message that is of a directory, as words with spaces between. */
static const char *next_message(int fd, const char *dir)
{
	static char text[8192];
	const char *name = strrchr(dir, '/');

	for (;;) {
		ssize_t n;

		EXPECT(readable(fd, 20000));
		n = recv(fd, text, sizeof(text) - 1, 0);
		EXPECT(n > 0);
		text[n] = '\0';
		if (!strstr(text, "@") || strcmp(strrchr(text, '/') ?: "", name))
			continue;
		EXPECT_EQ(text[n - 1], '\0');
		for (ssize_t i = 0; i < n; i++)
			if (!text[i])
				text[i] = ' ';
		return text;
	}
}

/* Numbers are of no matter, nor are the device's own name and what comes before it. */
static void expect_message(const char *message, const char *action, const char *dir,
			   const char *format)
{
	const char *path = strchr(message, '@') + 1;
	char expected[1024];
	int length = (int)strcspn(path, " ");

	EXPECT(length > 0 && strstr(path, strrchr(dir, '/')));
	snprintf(expected, sizeof(expected),
		 "%s@%.*s ACTION=%s DEVPATH=%.*s SUBSYSTEM=drm %s SEQNUM=", action,
		 length, path, action, length, path, format);
	if (strncmp(message, expected, strlen(expected)))
		fail(__FILE__, __LINE__, "got \"%s\", expected \"%s...\"", message,
		     expected);
	message += strlen(expected);
	EXPECT(isdigit((unsigned char)*message));
	EXPECT(!strcmp(message + strspn(message, "0123456789"), " "));
}

static void card_words(int fd, const char *dir, const char *before, char *words, size_t size)
{
	struct stat st;

	EXPECT_OK(result(fstat(fd, &st)));
	snprintf(words, size, "%s MAJOR=%u MINOR=%u DEVNAME=dri%s DEVTYPE=drm_minor",
		 before, major(st.st_rdev), minor(st.st_rdev), strrchr(dir, '/'));
}

static int open_uevent(char *dir, size_t size)
{
	int fd = open_card();
	char path[256];

	card_dir(fd, dir, size);
	snprintf(path, sizeof(path), "%s/uevent", dir);
	if (access(path, W_OK))
		skip("not the owner of %s", path);
	return fd;
}

TEST(a_uevent_can_be_asked_for)
{
	static const char *const actions[] = {
		"change", "add", "move", "online", "offline", "bind", "unbind",
	};
	char dir[128], words[256];
	int fd = open_uevent(dir, sizeof(dir)), monitor = open_monitor();

	card_words(fd, dir, "SYNTH_UUID=0", words, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		EXPECT_OK(write_file(dir, "uevent", actions[i]));
		expect_message(next_message(monitor, dir), actions[i], dir, words);
	}
}

TEST(a_uevent_that_is_asked_for_says_by_whom)
{
	static const char before[] =
		"SYNTH_UUID=fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed "
		"SYNTH_ARG_A=1 SYNTH_ARG_Xyz=2b";
	char dir[128], words[256];
	int fd = open_uevent(dir, sizeof(dir)), monitor = open_monitor();

	EXPECT_OK(write_file(dir, "uevent",
			     "change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1 Xyz=2b\n"));
	card_words(fd, dir, before, words, sizeof(words));
	expect_message(next_message(monitor, dir), "change", dir, words);
}

TEST(a_connector_has_uevents_too)
{
	struct kms kms;
	char dir[128];
	int monitor;

	open_writable(&kms, dir, sizeof(dir));
	monitor = open_monitor();
	EXPECT_OK(write_file(dir, "uevent", "change"));
	expect_message(next_message(monitor, dir), "change", dir,
		       "SYNTH_UUID=0 DEVTYPE=drm_connector");
}

TEST(a_uevent_that_there_is_not_is_einval)
{
	static const char *const nonsense[] = {
		"chang", "changes", "CHANGE", " change", "change ", "\n",
		"change A=1", "change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18ee",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eedd",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eeg",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed =1",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A_=1",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed A=1  B=2",
		"change fe4d7c9d-b8c6-4a70-9ef1-3d8a58d18eed ",
	};
	char dir[128];

	open_uevent(dir, sizeof(dir));
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		int error = write_file(dir, "uevent", nonsense[i]);

		if (error != EINVAL)
			fail(__FILE__, __LINE__, "\"%s\": %s", nonsense[i],
			     error_name(error));
	}
}

TEST(others_may_not_write)
{
	struct kms kms;
	char dir[128];

	open_writable(&kms, dir, sizeof(dir));
	become_nobody();
	EXPECT_ERROR(write_file(dir, "status", "off"), EACCES);
	EXPECT_ERROR(write_file(dir, "uevent", "change"), EACCES);
	EXPECT(!strcmp(read_file(dir, "status"), "connected"));
}

TEST(a_write_of_nothing_does_nothing)
{
	struct kms kms;
	char dir[128];

	open_writable(&kms, dir, sizeof(dir));
	EXPECT_OK(write_file(dir, "status", ""));
	EXPECT_OK(write_file(dir, "uevent", ""));
}
