/* SPDX-License-Identifier: MIT */
/*
 * What an ordinary program sees of the paths: in /dev, in /sys, by libdrm and
 * by libudev. It knows nothing of the shim; run it under one, and it prints a
 * line of TAP for each thing that holds.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <libudev.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <unistd.h>
#include <xf86drm.h>

static int count, failures;

/* The first Holdfast device's names, found by its link. */
static char card[32], render[32], card_node[64], card_sys[64], device_sys[128];
static unsigned int card_minor, render_minor;

__attribute__((format(printf, 2, 3)))
static void ok(bool good, const char *format, ...)
{
	va_list ap;

	failures += !good;
	printf("%sok %d - ", good ? "" : "not ", ++count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* A path below the card's directory in sysfs; four may be in use at once. */
static const char *in_card(const char *name)
{
	static _Thread_local char paths[4][PATH_MAX];
	static _Thread_local int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/%s", card_sys, name);
	return path;
}

static bool fails(long ret, int error)
{
	return ret < 0 && errno == error;
}

static bool content_is(const char *path, const char *expected)
{
	char text[4096] = "";
	FILE *f = fopen(path, "re");

	if (!f)
		return false;
	text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
	fclose(f);
	return strcmp(text, expected) == 0;
}

static bool link_is(const char *path, const char *expected)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strcmp(target, expected) == 0;
}

static bool fd_link_is(int fd, const char *expected)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return link_is(path, expected);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	       a->st_mode == b->st_mode && a->st_rdev == b->st_rdev;
}

static bool lists(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int times = 0;

	if (!d)
		return false;
	while ((e = readdir(d)))
		times += strcmp(e->d_name, name) == 0;
	closedir(d);
	return times == 1;
}

static bool find_device(void)
{
	char target[PATH_MAX];
	glob_t g;
	bool found = false;

	if (glob("/dev/dri/by-path/platform-holdfast.*-card", 0, NULL, &g) != 0)
		return false;
	if (realpath(g.gl_pathv[0], target)) {
		snprintf(card_node, sizeof(card_node), "%.63s", target);
		snprintf(card, sizeof(card), "%.31s",
			 strrchr(target, '/') + 1);
		snprintf(card_sys, sizeof(card_sys), "/sys/class/drm/%s", card);
		found = true;
	}
	globfree(&g);
	return found && sscanf(card, "card%u", &card_minor) == 1;
}

static bool find_render(void)
{
	DIR *d = opendir(in_card("device/drm"));
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, "renderD", 7) == 0)
			snprintf(render, sizeof(render), "%.31s", e->d_name);
	if (d)
		closedir(d);
	return sscanf(render, "renderD%u", &render_minor) == 1;
}

/* ---- Groups of tests ---- */

static void nodes_in_dev(void)
{
	char path[PATH_MAX];
	struct stat st, st2;
	struct statx stx;

	ok(stat(card_node, &st) == 0 && S_ISCHR(st.st_mode) &&
	   st.st_rdev == makedev(226, card_minor),
	   "stat of the card says a character device 226:%u", card_minor);
	ok((st.st_mode & 0777) == 0660, "the card's mode is 0660");
	snprintf(path, sizeof(path), "/dev/dri/%s", render);
	ok(lstat(path, &st2) == 0 && S_ISCHR(st2.st_mode) &&
	   (st2.st_mode & 0777) == 0666 &&
	   st2.st_rdev == makedev(226, render_minor),
	   "the render node is 226:%u and anybody's", render_minor);
	ok(st.st_ino != st2.st_ino, "two nodes have two inode numbers");
	ok(statx(AT_FDCWD, card_node, 0, STATX_ALL, &stx) == 0 &&
	   stx.stx_rdev_major == 226 && stx.stx_rdev_minor == card_minor &&
	   stx.stx_ino == st.st_ino && stx.stx_mode == st.st_mode,
	   "statx agrees with stat");
	ok(syscall(SYS_statx, AT_FDCWD, card_node, 0, STATX_ALL, &stx) == 0 &&
	   stx.stx_ino == st.st_ino, "statx through syscall agrees too");
	snprintf(path, sizeof(path), "/dev//./dri/../dri/%s", card);
	ok(stat(path, &st2) == 0 && same(&st, &st2),
	   "dots and doubled slashes are walked");
	ok(fails(stat("/dev/dri/card99", &st2), ENOENT), "card99 is not there");
	snprintf(path, sizeof(path), "%s/", card_node);
	ok(fails(stat(path, &st2), ENOTDIR), "a device with a slash is ENOTDIR");
	ok(access(card_node, R_OK | W_OK) == 0, "access allows what open does");
	ok(fails(access(card_node, X_OK), EACCES), "and execution it forbids");
	ok(lists("/dev", "dri") && lists("/dev", "null"),
	   "/dev lists dri beside its own");
	ok(fails(mkdir("/dev/dri", 0755), EEXIST), "mkdir /dev/dri is EEXIST");
	ok(fails(unlink(card_node), EPERM), "unlink of the card is EPERM");
}

static void opening_nodes(void)
{
	char link[64];
	struct stat st, st2;
	int fd, dir;

	stat(card_node, &st);
	fd = open(card_node, O_RDWR | O_CLOEXEC);
	ok(fd >= 0, "the card opens");
	ok(fcntl(fd, F_GETFD) == FD_CLOEXEC, "close-on-exec was heeded");
	ok(fstat(fd, &st2) == 0 && same(&st, &st2),
	   "fstat agrees with stat of the path");
	ok(fd_link_is(fd, card_node), "/proc/self/fd names the card");
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ok(stat(link, &st2) == 0 && same(&st, &st2), "stat through it agrees");
	close(fd);
	dir = open("/dev/dri", O_PATH | O_DIRECTORY);
	ok(dir >= 0 && (fd = openat(dir, card, O_RDWR)) >= 0,
	   "openat from /dev/dri opens the card");
	close(fd);
	close(dir);
	dir = open("/dev", O_RDONLY);
	snprintf(link, sizeof(link), "dri/%s", card);
	ok((fd = openat(dir, link, O_RDWR)) >= 0, "and so from /dev");
	close(fd);
	close(dir);
	ok(fails(open(card_node, O_RDWR | O_DIRECTORY), ENOTDIR),
	   "O_DIRECTORY on a node is ENOTDIR");
	ok(fails(open(card_node, O_RDWR | O_CREAT | O_EXCL, 0600), EEXIST),
	   "exclusive creation of a node is EEXIST");
	fd = open(card_node, O_RDWR | O_CREAT, 0600);
	ok(fd >= 0 && fstat(fd, &st2) == 0 && same(&st, &st2),
	   "O_CREAT opens what is there");
	close(fd);
	ok(fails(open("/dev/dri/card99", O_RDWR), ENOENT), "card99 is ENOENT");
	fd = open(card_node, O_PATH);
	ok(fd >= 0 && fstat(fd, &st2) == 0 && same(&st, &st2),
	   "an O_PATH descriptor of the card is the card to fstat");
	close(fd);
}

static void opening_by_openat2(void)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, in_card("dev"), &how,
			      sizeof(how));
	struct stat st;

	if (fd < 0 && (errno == ENOSYS || errno == EPERM)) {
		ok(true, "openat2 # SKIP not offered here");
		return;
	}
	ok(fd >= 0 && fstat(fd, &st) == 0 && st.st_size == 4096,
	   "openat2 opens an attribute");
	close(fd);
}

static void attributes(void)
{
	char text[256];
	struct stat st;
	FILE *f;
	int fd;

	snprintf(text, sizeof(text), "226:%u\n", card_minor);
	ok(content_is(in_card("dev"), text), "dev holds the card's number");
	snprintf(text, sizeof(text), "MAJOR=226\nMINOR=%u\nDEVNAME=dri/%s\n"
		 "DEVTYPE=drm_minor\n", card_minor, card);
	ok(content_is(in_card("uevent"), text), "uevent is as the kernel's");
	ok(content_is(in_card("device/uevent"),
		      "DRIVER=holdfast\nMODALIAS=platform:holdfast\n"),
	   "the device's uevent names the driver");
	ok(stat(in_card("dev"), &st) == 0 && st.st_size == 4096 &&
	   st.st_mode == (S_IFREG | 0444), "an attribute is 4096 bytes, 0444");
	fd = open(in_card("dev"), O_RDONLY);
	ok(pread(fd, text, 3, 0) == 3 && memcmp(text, "226", 3) == 0 &&
	   fails(write(fd, "x", 1), EBADF), "it is read and not written");
	ok(fstat(fd, &st) == 0 && st.st_size == 4096 &&
	   st.st_mode == (S_IFREG | 0444), "fstat says the same of it");
	close(fd);
	ok(fails(open(in_card("dev"), O_WRONLY), EACCES),
	   "opening 0444 for writing is EACCES");
	ok(fails(open(in_card("dev/x"), O_RDONLY), ENOTDIR),
	   "a file is no directory");
	ok(fails(open(in_card("nothing"), O_RDONLY), ENOENT) &&
	   fails(open(in_card("nothing/../dev"), O_RDONLY), ENOENT),
	   "what is not there is ENOENT");
	ok(!fopen(in_card("nothing"), "w") && (errno == EACCES ||
	   errno == ENOENT || errno == EPERM), "nothing can be created there");
	f = freopen(in_card("dev"), "r", fopen("/dev/null", "r"));
	ok(f && fgets(text, sizeof(text), f) && strncmp(text, "226:", 4) == 0,
	   "freopen opens an attribute");
	if (f)
		fclose(f);
	ok(fails(getxattr(in_card("dev"), "security.selinux", text, 9),
		 ENODATA), "there are no extended attributes");
	errno = 1234;
	fd = open(in_card("dev"), O_RDONLY);
	ok(fd >= 0 && errno == 1234, "success leaves errno alone");
	close(fd);
}

static void connectors(void)
{
	char pattern[160];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "/sys/class/drm/%s-*/status", card);
	ok(glob(pattern, 0, NULL, &g) == 0 && g.gl_pathc >= 1 &&
	   (content_is(g.gl_pathv[0], "connected\n") ||
	    content_is(g.gl_pathv[0], "disconnected\n")),
	   "a connector has a status");
	globfree(&g);
	snprintf(pattern, sizeof(pattern), "%s/%s-*/edid", card_sys, card);
	ok(glob(pattern, 0, NULL, &g) == 0, "and an EDID, by its own path");
	globfree(&g);
}

static void links(void)
{
	char expected[256], path[256];
	struct stat st;
	char *real;
	int fd;

	snprintf(expected, sizeof(expected), "../../../%s",
		 strrchr(device_sys, '/') + 1);
	ok(link_is(in_card("device"), expected), "device is a relative link");
	ok(lstat(card_sys, &st) == 0 && S_ISLNK(st.st_mode),
	   "the class's entry is a link");
	snprintf(path, sizeof(path), "/sys/dev/char/226:%u", card_minor);
	real = realpath(path, NULL);
	snprintf(expected, sizeof(expected), "%s/drm/%s", device_sys, card);
	ok(real && strcmp(real, expected) == 0,
	   "realpath of the number leads to the device's directory");
	free(real);
	real = realpath(in_card("device/subsystem/devices/.."), NULL);
	ok(real && strcmp(real, "/sys/bus/platform") == 0,
	   "a link leads out to the machine's own");
	free(real);
	real = canonicalize_file_name(in_card("device/driver"));
	ok(real && strcmp(real, "/sys/bus/platform/drivers/holdfast") == 0,
	   "the driver is holdfast");
	free(real);
	fd = open(card_sys, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	ok(fd >= 0 && fstat(fd, &st) == 0 && S_ISLNK(st.st_mode) &&
	   readlinkat(fd, "", path, sizeof(path)) > 6 &&
	   memcmp(path, "../../", 6) == 0,
	   "a link opened by O_PATH and O_NOFOLLOW can be read");
	close(fd);
	ok(fails(open(card_sys, O_RDONLY | O_NOFOLLOW), ELOOP),
	   "O_NOFOLLOW alone is ELOOP");
	ok(readlink(in_card("device"), path, 4) == 4 &&
	   memcmp(path, "../.", 4) == 0, "a short buffer gets a short answer");
	ok(fails(readlink(in_card("dev"), path, 9), EINVAL),
	   "a file is no link");
}

static void directories(void)
{
	struct dirent **list, *e;
	char buf[4096], seen[2][256];
	struct stat st;
	DIR *d, *d2;
	long place;
	ssize_t n;
	int fd;

	ok(lists("/sys/class", "drm") && lists("/sys/class", "net"),
	   "/sys/class lists drm beside its own");
	ok(lists("/sys/class/drm", card) && lists(card_sys, "dev") &&
	   lists(card_sys, "..") && !lists(card_sys, "nothing"),
	   "directories list their entries once");
	ok(lists("/sys/bus/platform/devices", strrchr(device_sys, '/') + 1) &&
	   lists("/sys/devices/platform", strrchr(device_sys, '/') + 1),
	   "the bus lists the device");

	fd = open(card_sys, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode), "an open one is one");
	n = getdents64(fd, buf, 64);
	ok(n > 0 && n <= 64 && getdents64(fd, buf, sizeof(buf)) > n &&
	   getdents64(fd, buf, sizeof(buf)) == 0, "getdents64 reads it");
	ok(faccessat(fd, "device/../nothing", F_OK, 0) < 0 &&
	   faccessat(fd, "uevent", R_OK, 0) == 0 &&
	   fstatat(fd, "../../uevent", &st, 0) == 0 &&
	   fstatat(fd, "subsystem", &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	   S_ISLNK(st.st_mode) && fstatat(fd, "", &st, AT_EMPTY_PATH) == 0 &&
	   S_ISDIR(st.st_mode), "names are looked up from it");
	d = fdopendir(dup(fd));
	ok(d && readdir(d), "a duplicate of it becomes a stream");
	rewinddir(d);
	readdir(d);
	place = telldir(d);
	e = readdir(d);
	snprintf(seen[0], sizeof(seen[0]), "%.255s", e->d_name);
	readdir(d);
	seekdir(d, place);
	e = readdir(d);
	snprintf(seen[1], sizeof(seen[1]), "%.255s", e->d_name);
	ok(strcmp(seen[0], seen[1]) == 0, "seekdir goes back to telldir");
	ok(fstat(dirfd(d), &st) == 0 && S_ISDIR(st.st_mode), "dirfd is its own");
	d2 = opendir("/proc/self");
	ok(d2 && readdir(d2), "another directory is read at the same time");
	closedir(d2);
	closedir(d);
	close(fd);

	n = scandir("/sys/class/drm", &list, NULL, alphasort);
	ok(n >= 4 && strcmp(list[0]->d_name, ".") == 0, "scandir sorts");
	while (n > 0)
		free(list[--n]);
	free(list);
	ok(fails(open(card_sys, O_RDWR), EISDIR), "writing to one is EISDIR");
	ok(!opendir(in_card("dev")) && errno == ENOTDIR, "a file is none");
	fd = open("/sys/class", O_RDONLY | O_DIRECTORY);
	d = fdopendir(fd);
	for (n = 0; d && (e = readdir(d));)
		n += strcmp(e->d_name, "drm") == 0;
	ok(n == 1, "fdopendir of the machine's own merges too");
	closedir(d);
}

static int n_walked;

static int walked(const char *path, const struct stat *st, int type,
		  struct FTW *ftw)
{
	(void)ftw;
	n_walked += type == FTW_F && S_ISREG(st->st_mode) &&
		    strstr(path, "uevent");
	return 0;
}

static void walking(void)
{
	ok(nftw(device_sys, walked, 16, FTW_PHYS) == 0 && n_walked >= 3,
	   "nftw walks the device");
}

static void working_directory(void)
{
	char here[PATH_MAX], was[PATH_MAX];
	struct stat st;
	int fd;

	if (!getcwd(was, sizeof(was)))
		return;
	ok(chdir(card_sys) == 0 && getcwd(here, sizeof(here)) &&
	   strstr(here, "/drm/card"), "chdir enters the card's directory");
	ok(stat("dev", &st) == 0 && st.st_size == 4096 &&
	   access("../../uevent", R_OK) == 0, "relative names start there");
	ok(lists(".", "uevent"), "it lists itself");
	fd = open(".", O_RDONLY);
	ok(chdir("/") == 0 && fchdir(fd) == 0 && access("dev", R_OK) == 0,
	   "fchdir goes back");
	close(fd);
	ok(chdir("/sys/class") == 0 && access("drm/version", R_OK) == 0 &&
	   lists(".", "drm"), "from the machine's own ours is reached");
	ok(chdir(was) == 0 && getcwd(here, sizeof(here)) &&
	   strcmp(was, here) == 0, "chdir leaves again");
}

static void file_systems(void)
{
	struct statfs st;
	int fd = open(in_card("dev"), O_RDONLY);

	ok(statfs(card_sys, &st) == 0 && st.f_type == SYSFS_MAGIC,
	   "statfs says sysfs");
	ok(fstatfs(fd, &st) == 0 && st.f_type == SYSFS_MAGIC,
	   "and fstatfs of an attribute too");
	close(fd);
}

static void by_libdrm(void)
{
	drmDevicePtr devices[16], device;
	int n = drmGetDevices2(0, devices, 16), found = -1;
	int fd = open(card_node, O_RDWR | O_CLOEXEC);
	char *name;

	for (int i = 0; i < n; i++)
		if (devices[i]->nodes[DRM_NODE_PRIMARY] &&
		    strcmp(devices[i]->nodes[DRM_NODE_PRIMARY], card_node) == 0)
			found = i;
	ok(found >= 0 && devices[found]->bustype == DRM_BUS_PLATFORM &&
	   devices[found]->available_nodes ==
	   (1 << DRM_NODE_PRIMARY | 1 << DRM_NODE_RENDER),
	   "drmGetDevices2 finds a platform device with two nodes");
	ok(drmGetDevice2(fd, 0, &device) == 0 && found >= 0 &&
	   drmDevicesEqual(device, devices[found]),
	   "drmGetDevice2 of the open card is the same");
	if (found >= 0)
		drmFreeDevice(&device);
	if (n > 0)
		drmFreeDevices(devices, n);
	ok(drmGetNodeTypeFromFd(fd) == DRM_NODE_PRIMARY,
	   "drmGetNodeTypeFromFd says primary");
	name = drmGetDeviceNameFromFd2(fd);
	ok(name && strcmp(name, card_node) == 0,
	   "drmGetDeviceNameFromFd2 names the card");
	free(name);
	name = drmGetRenderDeviceNameFromFd(fd);
	ok(name && strstr(name, render), "and its render node is found");
	free(name);
	close(fd);
}

static void by_libudev(void)
{
	struct udev *udev = udev_new();
	struct udev_enumerate *all = udev_enumerate_new(udev);
	struct udev_device *device, *parent;
	struct udev_list_entry *entry;
	int cards = 0, outputs = 0;
	const char *s;

	udev_enumerate_add_match_subsystem(all, "drm");
	ok(udev_enumerate_scan_devices(all) >= 0, "udev scans");
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(all)) {
		s = strrchr(udev_list_entry_get_name(entry), '/') + 1;
		cards += strcmp(s, card) == 0;
		outputs += strncmp(s, card, strlen(card)) == 0 && strchr(s, '-');
	}
	ok(cards == 1 && outputs >= 1, "udev finds the card and its outputs");
	udev_enumerate_unref(all);

	device = udev_device_new_from_devnum(udev, 'c',
					     makedev(226, card_minor));
	s = device ? udev_device_get_devnode(device) : NULL;
	ok(s && strcmp(s, card_node) == 0, "udev knows it by its number");
	s = device ? udev_device_get_syspath(device) : NULL;
	ok(s && strncmp(s, device_sys, strlen(device_sys)) == 0,
	   "and where it is in sysfs");
	s = device ? udev_device_get_sysattr_value(device, "dev") : NULL;
	ok(s && strncmp(s, "226:", 4) == 0, "and reads an attribute");
	parent = device ? udev_device_get_parent_with_subsystem_devtype(
			device, "platform", NULL) : NULL;
	s = parent ? udev_device_get_driver(parent) : NULL;
	ok(s && strcmp(s, "holdfast") == 0, "and its parent's driver");
	ok(device && udev_device_get_is_initialized(device),
	   "udev takes it for initialised");
	s = device ? udev_device_get_property_value(device, "ID_PATH") : NULL;
	ok(s && strncmp(s, "platform-holdfast.", 18) == 0, "with an ID_PATH");
	udev_device_unref(device);
	udev_unref(udev);
}

/* ---- Threads and processes ---- */

static void *look_around(void *bad)
{
	for (int i = 0; i < 300; i++) {
		struct stat st;
		int fd = open(in_card("dev"), O_RDONLY | O_CLOEXEC);
		bool good = fd >= 0 && fstat(fd, &st) == 0 &&
			    st.st_size == 4096 && lists(card_sys, "dev") &&
			    access(in_card("device/uevent"), R_OK) == 0;

		if (fd >= 0)
			close(fd);
		if (!good)
			__atomic_fetch_add((int *)bad, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

static bool exits_with_0(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void threads_and_forks(void)
{
	pthread_t threads[4];
	bool good = true;
	int bad = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, look_around, &bad);
	for (int i = 0; i < 50; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(access(in_card("dev"), R_OK) != 0 ||
			      !lists("/sys/class/drm", card));
		good &= exits_with_0(pid);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ok(bad == 0, "four threads look around at once");
	ok(good, "children forked meanwhile do too");
}

static bool is_fault(long ret)
{
	return ret == -1 && errno == EFAULT;
}

/* Names and environments that are not there; by way of a variable, so that the
 * compiler does not know better. */
static void bad_pointers(void)
{
	static char *argv[] = { "true", NULL };
	char *const mapped = mmap(NULL, 4096, PROT_NONE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *const bad[] = { (char *)1, (char *)-1, mapped };
	struct stat st;
	bool good = true;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *volatile name = bad[i];

		good &= is_fault(open(name, O_RDONLY)) &&
			is_fault(stat(name, &st)) &&
			is_fault(access(name, R_OK)) &&
			is_fault(execve(name, argv, argv)) &&
			is_fault(execve("/bin/true", argv, (char **)name));
	}
	munmap(mapped, 4096);
	ok(good, "bad pointers are EFAULT");
}

static void vfork_and_exec(void)
{
	int fd = open(card_sys, O_RDONLY | O_DIRECTORY);
	char number[16];
	pid_t pid;

	pid = vfork();
	if (pid == 0)
		_exit(access(card_node, R_OK) != 0);
	ok(exits_with_0(pid), "a child of vfork looks too");
	snprintf(number, sizeof(number), "%d", fd);
	pid = fork();
	if (pid == 0) {
		execl("/proc/self/exe", "paths", "inherited", number, NULL);
		_exit(127);
	}
	ok(exits_with_0(pid), "a directory is inherited through exec");
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c",
		      "cd /sys/class/drm && /bin/cat version >/dev/null && "
		      "test -d . && /bin/ls | /bin/grep -q '^card'", NULL);
		_exit(127);
	}
	ok(exits_with_0(pid), "a shell's programs share its directory");
	close(fd);
}

static int inherited(int fd)
{
	struct stat st;

	return !(fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
		 faccessat(fd, "dev", R_OK, 0) == 0 && fdopendir(fd));
}

int main(int argc, char **argv)
{
	char *real;

	if (argc == 3 && strcmp(argv[1], "inherited") == 0)
		return inherited(atoi(argv[2]));

	ok(find_device(), "glob finds the device by its path");
	real = realpath(in_card("device"), NULL);
	ok(real, "the device has a directory");
	if (!real)
		return 1;
	snprintf(device_sys, sizeof(device_sys), "%s", real);
	free(real);
	ok(find_render(), "and a render node");

	nodes_in_dev();
	opening_nodes();
	opening_by_openat2();
	attributes();
	connectors();
	links();
	directories();
	walking();
	working_directory();
	file_systems();
	by_libdrm();
	by_libudev();
	threads_and_forks();
	vfork_and_exec();
	bad_pointers();
	printf("1..%d\n", count);
	return failures != 0;
}
