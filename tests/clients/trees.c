// SPDX-License-Identifier: MIT
/*
 * A process that does to itself what daemons and sandboxes do, and has its device
 * afterwards. The words on the command line are done one after another; each says
 * in the table what it does. It fails, and says which, where one cannot be done.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xf86drm.h>

extern char **environ;

static char **rest; /* of the words */
static int device = -1;

/* -- the device ------------------------------------------------------------------- */

static bool answers(int fd)
{
	struct drm_mode_create_dumb dumb = { .width = 64, .height = 64,
					     .bpp = 32 };
	struct drm_mode_map_dumb map = { 0 };
	drmVersion *version = drmGetVersion(fd);
	bool ok = version && !strcmp(version->name, "holdfast");
	uint32_t *pixels;

	drmFreeVersion(version);
	if (!ok || drmIoctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
		return false;
	map.handle = dumb.handle;
	ok = !drmIoctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map);
	pixels = mmap(NULL, dumb.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		      map.offset);
	if (pixels == MAP_FAILED)
		return false;
	pixels[1] = 1;
	munmap(pixels, dumb.size);
	return ok && !drmCloseBufferHandle(fd, dumb.handle);
}

/* Open it and use it. */
static int use(void)
{
	int fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);

	if (fd < 0 || !answers(fd))
		return -1;
	return close(fd);
}

/* The node that is for all. */
static int render(void)
{
	int fd = open("/dev/dri/renderD128", O_RDWR | O_CLOEXEC);
	drmVersion *version = drmGetVersion(fd);

	if (!version)
		return -1;
	drmFreeVersion(version);
	return close(fd);
}

/* Buffers without end; it has as many as it gets, and goes on. */
static int flood(void)
{
	struct drm_mode_create_dumb dumb = { .width = 512, .height = 512,
					     .bpp = 32 };

	for (unsigned int i = 0; i < 100000; i++)
		if (drmIoctl(device, DRM_IOCTL_MODE_CREATE_DUMB, &dumb))
			return errno == ENOMEM && i ? 0 : -1;
	errno = EOVERFLOW;
	return -1;
}

/* Open it and go on with it. */
static int hold(void)
{
	device = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
	return device < 0 ? -1 : 0;
}

static int held(void)
{
	return answers(device) ? 0 : -1;
}

/* A file of the device's in sysfs. */
static int attribute(void)
{
	char text[16] = "";
	int fd = open("/sys/class/drm/card0/dev", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	close(fd);
	return n == 6 && !strcmp(text, "226:0\n") ? 0 : -1;
}

/* Until somebody says so. */
static int wait_for_input(void)
{
	char byte;

	puts("waiting");
	fflush(stdout);
	return read(0, &byte, 1) == 1 ? 0 : -1;
}

/* -- descriptors --------------------------------------------------------------------- */

static int close_from(void)
{
	closefrom(3);
	return 0;
}

static int close_each(void)
{
	for (int fd = 3; fd < 70000; fd++)
		close(fd);
	return 0;
}

static int close_listed(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		if (atoi(entry->d_name) > 2 &&
		    atoi(entry->d_name) != dirfd(dir))
			close(atoi(entry->d_name));
	return closedir(dir);
}

static int close_by_number(void)
{
	return syscall(SYS_close_range, 3, ~0u, 0);
}

/* A program that opens what it needs wherever it wants it. */
static int take_numbers(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 3; fd < 1100; fd++)
		if (fd != null && fd != device)
			dup2(null, fd);
	closefrom(device < 3 ? 3 : device + 1);
	return 0;
}

static int few_files(void)
{
	const struct rlimit few = { 12, 12 };

	return setrlimit(RLIMIT_NOFILE, &few);
}

/* -- privileges and limits --------------------------------------------------------------- */

static int drop(void)
{
	return setgroups(0, NULL) || setresgid(65534, 65534, 65534) ||
			       setresuid(65534, 65534, 65534) ?
		       -1 :
		       0;
}

static int undumpable(void)
{
	return prctl(PR_SET_DUMPABLE, 0);
}

static int little_memory(void)
{
	const struct rlimit little = { 96u << 20, 96u << 20 };

	return setrlimit(RLIMIT_AS, &little);
}

/* Nothing can be connected to from now on. */
static int sandbox(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { 5, filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
			       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
				     &program) ?
		       -1 :
		       0;
}

/* -- name spaces and roots --------------------------------------------------------------------- */

static int users(void)
{
	return unshare(CLONE_NEWUSER);
}

static int network(void)
{
	return unshare(CLONE_NEWNET);
}

/* Nothing of what the child has open is the parent's. */
static int borrow_network(void)
{
	int status;
	pid_t pid = vfork();

	if (!pid)
		_exit(users() || network());
	if (waitpid(pid, &status, 0) != pid || status)
		return -1;
	return 0;
}

static int mounts(void)
{
	return unshare(CLONE_NEWNS);
}

static int others(void)
{
	return unshare(CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID);
}

/* By way of syscall(2), as small sandboxes do it. */
static int network_by_number(void)
{
	return (int)syscall(SYS_unshare, CLONE_NEWNET);
}

static int empty_root(void)
{
	if (mkdir("empty", 0755) && errno != EEXIST)
		return -1;
	return chroot("empty") || chdir("/") ? -1 : 0;
}

/* -- processes ------------------------------------------------------------------------------------ */

/* What comes next is a child's. */
static int in_child(void)
{
	pid_t pid = fork();
	int status;

	if (pid <= 0)
		return pid;
	if (waitpid(pid, &status, 0) != pid)
		_exit(1);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

/* As a daemon: the process that was started has ended by then. */
static int daemonise(void)
{
	int pair[2];
	char byte = 1;
	pid_t pid;

	if (pipe(pair))
		return -1;
	pid = fork();
	if (pid < 0)
		return -1;
	if (pid) {
		close(pair[1]);
		_exit(read(pair[0], &byte, 1) == 1 ? byte : 1);
	}
	setsid();
	if (fork())
		_exit(0);
	umask(0);
	close(pair[0]);
	dup2(pair[1], 9);
	return 0;
}

/* Tell whoever waits for the daemon. */
static int tell(void)
{
	return write(9, "", 1) == 1 ? 0 : -1;
}

/* -- programs: the other words are theirs ------------------------------------------------------------- */

#define NOTHING ((char *[]){ NULL })

static int clear(void)
{
	return clearenv();
}

static int execute(void)
{
	execve("/proc/self/exe", rest - 1, NOTHING);
	return -1;
}

static int execute_v(void)
{
	execv("/proc/self/exe", rest - 1);
	return -1;
}

static int execute_l(void)
{
	execle("/proc/self/exe", "trees", rest[0], rest[1], rest[0] && rest[1] ?
	       rest[2] : NULL, NULL, NOTHING);
	return -1;
}

static int execute_fd(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	fexecve(fd, rest - 1, NOTHING);
	return -1;
}

static int finish(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		return -1;
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

static int spawn(void)
{
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, rest - 1, NOTHING))
		return -1;
	return finish(pid);
}

static int borrow(void)
{
	pid_t pid = vfork();

	if (!pid) {
		execve("/proc/self/exe", rest - 1, NOTHING);
		_exit(1);
	}
	return finish(pid);
}

/* In pages. */
static long address_space(void)
{
	long pages = -1;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%ld", &pages) != 1)
		pages = -1;
	if (f)
		fclose(f);
	return pages;
}

/* A child of vfork leaves nothing in its parent's memory. */
static int borrow_often(void)
{
	long before = address_space();

	for (unsigned int i = 0; i < 64; i++) {
		pid_t pid = vfork();

		if (!pid) {
			execve("/bin/true", (char *[]){ "true", NULL }, NOTHING);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	errno = ENOMEM;
	return address_space() - before > 32 ? -1 : 0;
}

/* What a shell is told, and whether it ends well. */
static int shell(void)
{
	return system(rest[0]) ? -1 : (rest++, 0);
}

static int read_shell(void)
{
	FILE *f = popen(rest[0], "r");
	char line[256];

	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		fputs(line, stdout);
	rest++;
	return pclose(f) ? -1 : 0;
}

static const struct {
	const char *word;
	int (*act)(void);
} words[] = {
	{ "use", use }, { "render", render }, { "hold", hold }, { "held", held },
	{ "flood", flood }, { "wait", wait_for_input },
	{ "attribute", attribute }, { "close-from", close_from },
	{ "close-each", close_each }, { "close-listed", close_listed },
	{ "close-by-number", close_by_number },
	{ "take-numbers", take_numbers }, { "few-files", few_files },
	{ "drop", drop }, { "undumpable", undumpable },
	{ "little-memory", little_memory }, { "sandbox", sandbox },
	{ "users", users }, { "network", network }, { "mounts", mounts },
	{ "others", others }, { "network-by-number", network_by_number },
	{ "empty-root", empty_root }, { "child", in_child },
	{ "daemon", daemonise }, { "tell", tell }, { "clear", clear },
	{ "execve", execute }, { "execv", execute_v }, { "execle", execute_l },
	{ "fexecve", execute_fd }, { "spawn", spawn }, { "vfork", borrow },
	{ "vforks", borrow_often },
	{ "vfork-network", borrow_network }, { "system", shell },
	{ "popen", read_shell },
};

static int act(const char *word)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(word, words[i].word))
			return words[i].act();
	errno = EINVAL;
	return -1;
}

int main(int argc, char **argv)
{
	(void)argc;
	rest = argv + 1;
	while (*rest) {
		const char *word = *rest++;

		if (act(word)) {
			fprintf(stderr, "%s: %s\n", word, strerror(errno));
			return 1;
		}
	}
	return 0;
}
