/* SPDX-License-Identifier: MIT */
/*
 * Virtual terminals: which one is in front, who decides that, and what a program can
 * say of screen and keyboard. Each test gives back what it has changed.
 */
#include <linux/kd.h>
#include <linux/major.h>
#include <linux/tiocl.h>
#include <linux/vt.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <termios.h>

#include "uapi.h"
#include <linux/keyboard.h> /* behind all that knows wait(2) */

/* Terminals that nobody else uses. */
#define A 40
#define B 41
#define C 42

#define BAD ((void *)1)

static unsigned int first; /* what was in front when the test began */

static int open_tty(int number, int flags)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/dev/tty%d", number);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == EACCES || errno == ENXIO))
		skip("%s: %s", path, strerror(errno));
	EXPECT(fd >= 0);
	return fd;
}

static int open_vt(int number)
{
	return open_tty(number, O_RDWR | O_NOCTTY);
}

static int call_value(int fd, unsigned long request, unsigned long value)
{
	return call(fd, request, (void *)value);
}

static struct vt_stat state_of(int fd)
{
	struct vt_stat state = { 0 };

	EXPECT_OK(call(fd, VT_GETSTATE, &state));
	return state;
}

static unsigned int active(int fd)
{
	return state_of(fd).v_active;
}

static void go_to(int fd, unsigned int number)
{
	EXPECT_OK(call_value(fd, VT_ACTIVATE, number));
	EXPECT_OK(call_value(fd, VT_WAITACTIVE, number));
}

static int get_int(int fd, unsigned long request)
{
	int value = -1;

	EXPECT_OK(call(fd, request, &value));
	return value;
}

/* Text, automatic, and another one in front. */
static void give_back(int fd)
{
	struct vt_mode mode = { .mode = VT_AUTO };

	EXPECT_OK(call(fd, VT_SETMODE, &mode));
	EXPECT_OK(call_value(fd, KDSETMODE, KD_TEXT));
	EXPECT_OK(call_value(fd, KDSKBMODE, K_UNICODE));
	go_to(fd, first);
	close(fd);
}

/* A terminal to play with, where the program may do all. */
static int begin(int number)
{
	int fd = open_vt(number);

	if (!is_root() && call_value(fd, KDSETMODE, KD_TEXT) == EPERM)
		skip("not allowed");
	first = active(fd);
	return fd;
}

static void set_process(int fd)
{
	struct vt_mode mode = { .mode = VT_PROCESS, .relsig = SIGUSR1,
				.acqsig = SIGUSR2, .frsig = SIGHUP };

	EXPECT_OK(call(fd, VT_SETMODE, &mode));
}

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGUSR2);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static int next_signal(const sigset_t *set)
{
	struct timespec timeout = { .tv_sec = 20 };
	int sig = sigtimedwait(set, NULL, &timeout);

	EXPECT(sig > 0);
	return sig;
}

static bool no_signal(const sigset_t *set)
{
	struct timespec timeout = { .tv_nsec = 50000000 };

	return sigtimedwait(set, NULL, &timeout) < 0;
}

/* -- files ------------------------------------------------------------------- */

TEST(a_terminal_is_a_tty_with_a_number)
{
	int fd = open_vt(A);
	struct stat st, named;

	EXPECT_OK(result(fstat(fd, &st)));
	EXPECT(S_ISCHR(st.st_mode));
	EXPECT_EQ(major(st.st_rdev), TTY_MAJOR);
	EXPECT_EQ(minor(st.st_rdev), A);
	EXPECT_OK(result(stat("/dev/tty40", &named)));
	EXPECT_EQ(named.st_rdev, st.st_rdev);
	EXPECT_EQ(named.st_ino, st.st_ino);
	EXPECT(isatty(fd));
	EXPECT(!strcmp(ttyname(fd), "/dev/tty40"));
}

TEST(a_terminal_of_25_lines_or_more_is_cooked_and_echoes)
{
	int fd = open_vt(A);
	struct termios termios;
	struct winsize size;

	EXPECT_OK(result(tcgetattr(fd, &termios)));
	EXPECT(termios.c_lflag & ICANON);
	EXPECT(termios.c_lflag & ECHO);
	EXPECT(termios.c_lflag & ISIG);
	EXPECT(termios.c_iflag & ICRNL);
	EXPECT(termios.c_oflag & OPOST);
	EXPECT_OK(result(ioctl(fd, TIOCGWINSZ, &size)));
	EXPECT(size.ws_row >= 25 && size.ws_col >= 80);
}

TEST(the_last_close_resets_the_settings_of_the_line)
{
	int fd = open_vt(A), again = open_vt(A);
	struct termios termios;

	EXPECT_OK(result(tcgetattr(fd, &termios)));
	termios.c_lflag &= ~(tcflag_t)ECHO;
	EXPECT_OK(result(tcsetattr(fd, TCSANOW, &termios)));
	close(fd);
	EXPECT_OK(result(tcgetattr(again, &termios)));
	EXPECT(!(termios.c_lflag & ECHO));
	close(again);
	fd = open_vt(A);
	EXPECT_OK(result(tcgetattr(fd, &termios)));
	EXPECT(termios.c_lflag & ECHO);
}

TEST(what_is_written_never_blocks)
{
	int fd = open_vt(A);
	char line[80];

	memset(line, 'x', sizeof(line));
	line[79] = '\n';
	for (int i = 0; i < 1000; i++)
		EXPECT_EQ(write(fd, line, sizeof(line)), sizeof(line));
}

TEST(a_sessions_leader_gets_what_it_opens_as_controlling_terminal)
{
	IN_CHILD({
		int fd;

		setsid();
		open_tty(A, O_RDWR | O_NOCTTY);
		EXPECT_EQ(open("/dev/tty", O_RDWR), -1);
		EXPECT_EQ(errno, ENXIO);
		open_tty(0, O_RDWR);
		EXPECT_EQ(open("/dev/tty", O_RDWR), -1);
		open_tty(A, O_RDWR);
		fd = open("/dev/tty", O_RDWR);
		EXPECT(fd >= 0);
		EXPECT_EQ(tcgetpgrp(fd), getpid());
		EXPECT_EQ(get_int(fd, KDGETMODE), KD_TEXT);
	});
}

/* -- which are open ---------------------------------------------------------- */

TEST(open_query_names_the_first_that_nobody_has_open)
{
	int zero = open_vt(0), number = get_int(zero, VT_OPENQRY), fd;

	EXPECT(number >= 1 && number <= MAX_NR_CONSOLES);
	fd = open_vt(number);
	EXPECT(get_int(zero, VT_OPENQRY) > number);
	close(fd);
	for (int i = 0; get_int(zero, VT_OPENQRY) != number && i < 400; i++)
		usleep(10000);
	EXPECT_EQ(get_int(zero, VT_OPENQRY), number);
}

TEST(the_state_has_a_bit_for_each_open_one)
{
	int zero = open_vt(0), fd;
	struct vt_stat state = { .v_signal = 77 };

	EXPECT_OK(call(zero, VT_GETSTATE, &state));
	EXPECT(state.v_state & 1);
	EXPECT_EQ(state.v_signal, 77);
	EXPECT(!(state.v_state & 1 << 14));
	fd = open_vt(14);
	EXPECT(state_of(zero).v_state & 1 << 14);
	close(fd);
	for (int i = 0; state_of(zero).v_state & 1 << 14 && i < 400; i++)
		usleep(10000);
	EXPECT(!(state_of(zero).v_state & 1 << 14));
}

TEST(an_open_terminal_is_not_disallocated)
{
	int zero = begin(0), fd = open_vt(A);

	EXPECT_ERROR(call_value(zero, VT_DISALLOCATE, A), EBUSY);
	EXPECT_ERROR(call_value(zero, VT_DISALLOCATE, active(zero)), EBUSY);
	EXPECT_ERROR(call_value(zero, VT_DISALLOCATE, 64), ENXIO);
	close(fd);
	/* A close may take a while to be complete. */
	for (int i = 0; call_value(zero, VT_DISALLOCATE, A); i++) {
		EXPECT(i < 400);
		usleep(10000);
	}
	EXPECT_ERROR(call_value(zero, VT_DISALLOCATE, A), EBUSY);
	EXPECT_OK(call_value(zero, VT_DISALLOCATE, 0));
}

/* -- switching --------------------------------------------------------------- */

TEST(activate_brings_one_to_the_front)
{
	int fd = begin(A), zero;

	go_to(fd, A);
	EXPECT_EQ(active(fd), A);
	zero = open_vt(0);
	EXPECT_EQ(get_int(zero, KDGETMODE), KD_TEXT);
	EXPECT_OK(call_value(zero, VT_WAITACTIVE, A));
	give_back(fd);
}

TEST(what_there_is_no_terminal_of_is_refused)
{
	int fd = begin(A);

	EXPECT_ERROR(call_value(fd, VT_ACTIVATE, 0), ENXIO);
	EXPECT_ERROR(call_value(fd, VT_ACTIVATE, MAX_NR_CONSOLES + 1), ENXIO);
	EXPECT_ERROR(call_value(fd, VT_WAITACTIVE, 0), ENXIO);
	EXPECT_ERROR(call_value(fd, VT_WAITACTIVE, MAX_NR_CONSOLES + 1), ENXIO);
	EXPECT_ERROR(call(fd, VT_SETACTIVATE, &(struct vt_setactivate){ 0 }),
		     ENXIO);
}

TEST(modes_are_checked_and_kept)
{
	struct vt_mode mode = { .mode = VT_PROCESS, .waitv = 1, .relsig = SIGUSR1,
				.acqsig = SIGUSR2, .frsig = SIGHUP };
	int fd = begin(A);

	EXPECT_OK(call(fd, VT_SETMODE, &mode));
	memset(&mode, 0xff, sizeof(mode));
	EXPECT_OK(call(fd, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_PROCESS);
	EXPECT_EQ(mode.waitv, 1);
	EXPECT_EQ(mode.relsig, SIGUSR1);
	EXPECT_EQ(mode.acqsig, SIGUSR2);
	EXPECT_EQ(mode.frsig, 0);
	mode.mode = VT_ACKACQ;
	EXPECT_ERROR(call(fd, VT_SETMODE, &mode), EINVAL);
	mode.mode = 7;
	EXPECT_ERROR(call(fd, VT_SETMODE, &mode), EINVAL);
	give_back(fd);
}

TEST(a_process_is_asked_and_told)
{
	int fd = begin(A), other = open_vt(B);
	sigset_t set;

	block_signals(&set);
	set_process(fd);
	go_to(fd, A);
	EXPECT_EQ(next_signal(&set), SIGUSR2);
	EXPECT_OK(call_value(fd, VT_RELDISP, VT_ACKACQ));
	EXPECT_OK(call_value(fd, VT_ACTIVATE, B));
	EXPECT_EQ(next_signal(&set), SIGUSR1);
	EXPECT_EQ(active(fd), A);
	EXPECT_OK(call_value(fd, VT_RELDISP, 1));
	EXPECT_OK(call_value(fd, VT_WAITACTIVE, B));
	EXPECT_OK(call_value(other, VT_ACTIVATE, A));
	EXPECT_EQ(next_signal(&set), SIGUSR2);
	EXPECT_EQ(active(fd), A);
	give_back(fd);
}

TEST(a_process_can_refuse)
{
	int fd = begin(A), other = open_vt(B);
	sigset_t set;

	block_signals(&set);
	go_to(fd, A);
	set_process(fd);
	EXPECT_OK(call_value(other, VT_ACTIVATE, B));
	EXPECT_EQ(next_signal(&set), SIGUSR1);
	EXPECT_OK(call_value(fd, VT_RELDISP, 0));
	EXPECT_EQ(active(fd), A);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, 1), EINVAL);
	EXPECT_EQ(active(fd), A);
	give_back(fd);
}

TEST(a_process_that_does_not_answer_is_asked_again_for_the_latest)
{
	int fd = begin(A);
	sigset_t set;

	block_signals(&set);
	go_to(fd, A);
	set_process(fd);
	EXPECT_OK(call_value(fd, VT_ACTIVATE, B));
	EXPECT_EQ(next_signal(&set), SIGUSR1);
	EXPECT_OK(call_value(fd, VT_ACTIVATE, C));
	EXPECT_EQ(next_signal(&set), SIGUSR1);
	EXPECT_OK(call_value(fd, VT_ACTIVATE, A)); /* where it is */
	EXPECT(no_signal(&set));
	EXPECT_OK(call_value(fd, VT_RELDISP, 1));
	EXPECT_OK(call_value(fd, VT_WAITACTIVE, C));
	give_back(fd);
}

TEST(a_release_that_nobody_asked_for_is_a_mistake)
{
	int fd = begin(A);

	EXPECT_ERROR(call_value(fd, VT_RELDISP, 1), EINVAL);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, VT_ACKACQ), EINVAL);
	set_process(fd);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, 0), EINVAL);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, 1), EINVAL);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, 3), EINVAL);
	EXPECT_OK(call_value(fd, VT_RELDISP, VT_ACKACQ));
	give_back(fd);
}

TEST(setting_the_mode_forgets_what_was_asked)
{
	int fd = begin(A);
	sigset_t set;

	block_signals(&set);
	go_to(fd, A);
	set_process(fd);
	EXPECT_OK(call_value(fd, VT_ACTIVATE, B));
	EXPECT_EQ(next_signal(&set), SIGUSR1);
	set_process(fd);
	EXPECT_ERROR(call_value(fd, VT_RELDISP, 1), EINVAL);
	EXPECT_EQ(active(fd), A);
	give_back(fd);
}

TEST(a_dead_process_is_not_waited_for_and_leaves_text)
{
	int fd = begin(A);
	struct vt_mode mode;

	go_to(fd, A);
	IN_CHILD({
		set_process(fd);
		EXPECT_OK(call_value(fd, KDSETMODE, KD_GRAPHICS));
		EXPECT_OK(call_value(fd, KDSKBMODE, K_OFF));
	});
	/* Until somebody wants to switch, nobody notices. */
	EXPECT_OK(call(fd, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_PROCESS);
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_GRAPHICS);
	go_to(fd, B);
	EXPECT_OK(call(fd, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_AUTO);
	EXPECT_EQ(mode.relsig, 0);
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_TEXT);
	EXPECT_EQ(get_int(fd, KDGKBMODE), K_UNICODE);
	give_back(fd);
}

TEST(who_is_dead_when_it_comes_to_the_front_is_forgotten)
{
	int fd = begin(A);
	struct vt_mode mode;

	IN_CHILD({
		set_process(fd);
		EXPECT_OK(call_value(fd, KDSETMODE, KD_GRAPHICS));
	});
	go_to(fd, A);
	EXPECT_OK(call(fd, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_AUTO);
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_TEXT);
	give_back(fd);
}

TEST(the_last_close_leaves_the_modes)
{
	int fd = begin(A);
	struct vt_mode mode;

	set_process(fd);
	EXPECT_OK(call_value(fd, KDSETMODE, KD_GRAPHICS));
	EXPECT_OK(call_value(fd, KDSKBMODE, K_RAW));
	close(fd);
	fd = open_vt(A);
	EXPECT_OK(call(fd, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_PROCESS);
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_GRAPHICS);
	EXPECT_EQ(get_int(fd, KDGKBMODE), K_RAW);
	give_back(fd);
}

TEST(graphics_that_nobody_controls_stay_in_front)
{
	int fd = begin(A);

	go_to(fd, A);
	EXPECT_OK(call_value(fd, KDSETMODE, KD_GRAPHICS));
	EXPECT_OK(call_value(fd, VT_ACTIVATE, B));
	usleep(50000);
	EXPECT_EQ(active(fd), A);
	give_back(fd);
}

TEST(switching_can_be_locked)
{
	int fd = begin(A);

	EXPECT_OK(call_value(fd, VT_LOCKSWITCH, 1));
	EXPECT_OK(call_value(fd, VT_ACTIVATE, A));
	usleep(50000);
	EXPECT_EQ(active(fd), first);
	EXPECT_OK(call_value(fd, VT_UNLOCKSWITCH, 1));
	EXPECT_EQ(active(fd), first);
	go_to(fd, A);
	give_back(fd);
}

TEST(set_activate_does_both)
{
	struct vt_setactivate arg = {
		.console = B,
		.mode = { .mode = VT_PROCESS, .relsig = SIGUSR1,
			  .acqsig = SIGUSR2 },
	};
	int fd = begin(A), other = open_vt(B);
	struct vt_mode mode;
	sigset_t set;

	block_signals(&set);
	EXPECT_OK(call(fd, VT_SETACTIVATE, &arg));
	EXPECT_EQ(next_signal(&set), SIGUSR2);
	EXPECT_EQ(active(fd), B);
	EXPECT_OK(call(other, VT_GETMODE, &mode));
	EXPECT_EQ(mode.mode, VT_PROCESS);
	close(fd);
	give_back(other);
}

/* -- waiting ----------------------------------------------------------------- */

static void *wait_for_switch(void *fd)
{
	static struct vt_event event = { .event = VT_EVENT_SWITCH };

	return call(*(int *)fd, VT_WAITEVENT, &event) ? NULL : &event;
}

TEST(a_switch_is_an_event)
{
	int fd = begin(A), waiting = open_vt(A);
	struct vt_event *event;
	pthread_t thread;
	void *ret;

	EXPECT_EQ(pthread_create(&thread, NULL, wait_for_switch, &waiting), 0);
	/* When it waits cannot be seen. */
	for (int i = 0; pthread_tryjoin_np(thread, &ret); i++) {
		EXPECT(i < 400);
		go_to(fd, i % 2 ? A : B);
		usleep(10000);
	}
	event = ret;
	EXPECT(event);
	EXPECT_EQ(event->event, VT_EVENT_SWITCH);
	EXPECT(event->newev == A || event->newev == B);
	EXPECT(event->oldev != event->newev);
	give_back(fd);
}

static void nothing(int sig)
{
	(void)sig;
}

TEST(a_wait_is_interrupted)
{
	struct vt_event event = { .event = VT_EVENT_SWITCH };
	struct sigaction action = { .sa_handler = nothing };
	int fd = begin(A);
	pid_t parent = getpid(), child;

	sigaction(SIGUSR1, &action, NULL);
	child = fork();
	if (!child) {
		for (;;) {
			usleep(10000);
			if (kill(parent, SIGUSR1))
				_exit(0);
		}
	}
	EXPECT_EQ(ioctl(fd, VT_WAITACTIVE, A), -1);
	EXPECT_EQ(errno, EINTR);
	EXPECT_EQ(ioctl(fd, VT_WAITEVENT, &event), -1);
	EXPECT_EQ(errno, EINTR);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	event.event = VT_MAX_EVENT + 1;
	EXPECT_ERROR(call(fd, VT_WAITEVENT, &event), EINVAL);
}

/* -- modes of screen and keyboard -------------------------------------------- */

TEST(screen_modes_are_text_and_graphics)
{
	int fd = begin(A);

	EXPECT_OK(call_value(fd, KDSETMODE, KD_GRAPHICS));
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_GRAPHICS);
	EXPECT_OK(call_value(fd, KDSETMODE, KD_TEXT1));
	EXPECT_EQ(get_int(fd, KDGETMODE), KD_TEXT);
	EXPECT_ERROR(call_value(fd, KDSETMODE, 4), EINVAL);
	EXPECT_ERROR(call_value(fd, KDMAPDISP, 0), EINVAL);
	EXPECT_ERROR(call_value(fd, KDUNMAPDISP, 0), EINVAL);
	give_back(fd);
}

TEST(keyboard_modes_are_five)
{
	int fd = begin(A);

	for (int mode = K_RAW; mode <= K_OFF; mode++) {
		EXPECT_OK(call_value(fd, KDSKBMODE, (unsigned long)mode));
		EXPECT_EQ(get_int(fd, KDGKBMODE), mode);
	}
	EXPECT_ERROR(call_value(fd, KDSKBMODE, 5), EINVAL);
	EXPECT_EQ(get_int(fd, KDGKBMODE), K_OFF);
	EXPECT_ERROR(call_value(fd, 0x4B51, 1), ENOTTY); /* KDSKBMUTE */
	give_back(fd);
}

TEST(meta_is_a_prefix_or_a_bit)
{
	int fd = begin(A);

	EXPECT_EQ(get_int(fd, KDGKBMETA), K_ESCPREFIX);
	EXPECT_OK(call_value(fd, KDSKBMETA, K_METABIT));
	EXPECT_EQ(get_int(fd, KDGKBMETA), K_METABIT);
	EXPECT_ERROR(call_value(fd, KDSKBMETA, 1), EINVAL);
	EXPECT_OK(call_value(fd, KDSKBMETA, K_ESCPREFIX));
}

TEST(a_keyboard_of_101_keys_has_three_lights)
{
	int fd = begin(A);
	char type = 0, flags = 0, old = 0;

	EXPECT_OK(call(fd, KDGKBTYPE, &type));
	EXPECT_EQ(type, KB_101);
	EXPECT_OK(call(fd, KDGKBLED, &old));
	EXPECT_OK(call_value(fd, KDSKBLED, 0x25));
	EXPECT_OK(call(fd, KDGKBLED, &flags));
	EXPECT_EQ(flags, 0x25);
	EXPECT_ERROR(call_value(fd, KDSKBLED, 0x08), EINVAL);
	EXPECT_OK(call_value(fd, KDSKBLED, (unsigned char)old));
	EXPECT_OK(call(fd, KDGETLED, &flags));
	EXPECT_OK(call_value(fd, KDSETLED, LED_NUM));
	EXPECT_OK(call_value(fd, KDSETLED, 0xff));
	give_back(fd);
}

TEST(the_rate_of_repetition_is_set_and_told)
{
	struct kbd_repeat repeat = { .delay = 0, .period = 0 };
	int fd = begin(A);

	EXPECT_OK(call(fd, KDKBDREP, &repeat));
	EXPECT_ERROR(call(fd, KDKBDREP, BAD), EFAULT);
}

/* -- the keymap -------------------------------------------------------------- */

static unsigned int entry(int fd, unsigned int table, unsigned int key)
{
	struct kbentry e = { .kb_table = (unsigned char)table,
			     .kb_index = (unsigned char)key };

	EXPECT_OK(call(fd, KDGKBENT, &e));
	return e.kb_value;
}

static int set_entry(int fd, unsigned int table, unsigned int key,
		     unsigned int value)
{
	return call(fd, KDSKBENT, &(struct kbentry){
		.kb_table = (unsigned char)table,
		.kb_index = (unsigned char)key,
		.kb_value = (unsigned short)value,
	});
}

TEST(keys_are_those_of_the_us)
{
	int fd = begin(A);

	EXPECT_EQ(entry(fd, 0, 30), K(KT_LETTER, 'a'));
	EXPECT_EQ(entry(fd, 1, 30), K(KT_LETTER, 'A'));
	EXPECT_EQ(entry(fd, 4, 30), K(KT_LATIN, 1));
	EXPECT_EQ(entry(fd, 8, 30), K(KT_META, 'a'));
	EXPECT_EQ(entry(fd, 12, 30), K(KT_META, 1));
	EXPECT_EQ(entry(fd, 0, 28), K_ENTER);
	EXPECT_EQ(entry(fd, 0, 42), K_SHIFT);
	EXPECT_EQ(entry(fd, 0, 59), K_F1);
	EXPECT_EQ(entry(fd, 1, 59), K_F11);
	EXPECT_EQ(entry(fd, 8, 59), K(KT_CONS, 0));
	EXPECT_EQ(entry(fd, 12, 63), K(KT_CONS, 4));
	EXPECT_EQ(entry(fd, 8, 105), K_DECRCONSOLE);
	EXPECT_EQ(entry(fd, 200, 30), K_HOLE);
	EXPECT_EQ(entry(fd, 200, 0), K_NOSUCHMAP);
}

/* All of it, as one number: dumpkeys(1) tells where it differs. */
TEST(all_keys_are_those_that_the_kernel_is_built_with)
{
	static const unsigned int tables[] = { 0, 1, 2, 4, 5, 8, 12 };
	int fd = begin(A);
	uint32_t sum = 2166136261u;

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		for (unsigned int key = 1; key < 128; key++)
			sum = (sum ^ entry(fd, tables[i], key)) * 16777619u;
	EXPECT_EQ(sum, 0x855c638du);
}

TEST(an_entry_can_be_set)
{
	int fd = begin(A);

	EXPECT_OK(set_entry(fd, 0, 30, K(KT_LETTER, 'q')));
	EXPECT_EQ(entry(fd, 0, 30), K(KT_LETTER, 'q'));
	EXPECT_OK(set_entry(fd, 0, 30, K(KT_LETTER, 'a')));
	EXPECT_ERROR(set_entry(fd, 0, 30, K(KT_SHIFT, 20)), EINVAL);
	EXPECT_OK(set_entry(fd, 77, 30, K(KT_LATIN, 'z')));
	EXPECT_EQ(entry(fd, 77, 30), K(KT_LATIN, 'z'));
	EXPECT_EQ(entry(fd, 77, 31), K_HOLE);
	EXPECT_OK(set_entry(fd, 77, 0, K_NOSUCHMAP));
	EXPECT_EQ(entry(fd, 77, 0), K_NOSUCHMAP);
}

TEST(unicode_is_for_unicode_modes)
{
	int fd = begin(A);

	EXPECT_OK(call_value(fd, KDSKBMODE, K_UNICODE));
	EXPECT_OK(set_entry(fd, 77, 30, 0x20ac ^ 0xf000));
	EXPECT_EQ(entry(fd, 77, 30), 0x20ac ^ 0xf000);
	EXPECT_OK(call_value(fd, KDSKBMODE, K_XLATE));
	EXPECT_EQ(entry(fd, 77, 30), K_HOLE);
	EXPECT_ERROR(set_entry(fd, 77, 30, 0x20ac ^ 0xf000), EINVAL);
	EXPECT_OK(set_entry(fd, 77, 0, K_NOSUCHMAP));
	give_back(fd);
}

TEST(function_keys_type_strings)
{
	struct kbsentry s = { .kb_func = 0 };
	int fd = begin(A);

	EXPECT_OK(call(fd, KDGKBSENT, &s));
	EXPECT(!strcmp((char *)s.kb_string, "\033[[A"));
	s.kb_func = 200;
	strcpy((char *)s.kb_string, "a word");
	EXPECT_OK(call(fd, KDSKBSENT, &s));
	memset(s.kb_string, 0, sizeof(s.kb_string));
	EXPECT_OK(call(fd, KDGKBSENT, &s));
	EXPECT(!strcmp((char *)s.kb_string, "a word"));
	s.kb_string[0] = '\0';
	EXPECT_OK(call(fd, KDSKBSENT, &s));
}

TEST(accents_are_kept_in_both_forms)
{
	static struct kbdiacrsuc old, all;
	static struct kbdiacrs bytes;
	int fd = begin(A);

	EXPECT_OK(call(fd, KDGKBDIACRUC, &old));
	all.kb_cnt = 1;
	all.kbdiacruc[0] = (struct kbdiacruc){ '\'', 'e', 0xe9 };
	EXPECT_OK(call(fd, KDSKBDIACRUC, &all));
	EXPECT_OK(call(fd, KDGKBDIACR, &bytes));
	EXPECT_EQ(bytes.kb_cnt, 1);
	EXPECT_EQ(bytes.kbdiacr[0].base, 'e');
	EXPECT_EQ(bytes.kbdiacr[0].result, 0xe9);
	all.kb_cnt = 256;
	EXPECT_ERROR(call(fd, KDSKBDIACRUC, &all), EINVAL);
	EXPECT_OK(call(fd, KDSKBDIACRUC, &old));
}

/* -- the rest ---------------------------------------------------------------- */

TEST(tioclinux_tells_what_programs_ask)
{
	int fd = begin(A);
	char arg[16] = { TIOCL_GETFGCONSOLE };

	EXPECT_EQ(ioctl(fd, TIOCLINUX, arg), (int)first - 1);
	arg[0] = TIOCL_GETSHIFTSTATE;
	EXPECT_EQ(ioctl(fd, TIOCLINUX, arg), 0);
	EXPECT_EQ(arg[0], 0);
	arg[0] = TIOCL_GETMOUSEREPORTING;
	EXPECT_EQ(ioctl(fd, TIOCLINUX, arg), 0);
	arg[0] = 99;
	EXPECT_ERROR(call(fd, TIOCLINUX, arg), EINVAL);
	EXPECT_ERROR(call(fd, TIOCLINUX, BAD), EFAULT);
}

TEST(the_palette_is_that_of_a_text_screen)
{
	unsigned char palette[48];
	int fd = begin(A);

	EXPECT_OK(call(fd, GIO_CMAP, palette));
	EXPECT(palette[3] == 0xaa && palette[4] == 0 && palette[5] == 0);
	EXPECT(palette[45] == 0xff && palette[46] == 0xff);
	EXPECT_OK(call(fd, PIO_CMAP, palette));
}

TEST(the_map_of_characters_is_the_identity)
{
	unsigned char map[E_TABSZ];
	unsigned short wide[E_TABSZ];
	int fd = begin(A);

	EXPECT_OK(call(fd, GIO_UNISCRNMAP, wide));
	EXPECT_EQ(wide['x'], 0xf000 + 'x');
	EXPECT_OK(call(fd, GIO_SCRNMAP, map));
	EXPECT_EQ(map['x'], 'x');
	EXPECT_OK(call(fd, PIO_UNISCRNMAP, wide));
}

TEST(signals_of_keys_are_checked)
{
	int fd = begin(A);

	EXPECT_ERROR(call_value(fd, KDSIGACCEPT, 0), EINVAL);
	EXPECT_ERROR(call_value(fd, KDSIGACCEPT, SIGKILL), EINVAL);
	EXPECT_ERROR(call_value(fd, KDSIGACCEPT, 65), EINVAL);
	EXPECT_OK(call_value(fd, KDSIGACCEPT, SIGWINCH));
}

TEST(sounds_are_made_and_ports_have_numbers)
{
	int fd = begin(A);

	EXPECT_OK(call_value(fd, KIOCSOUND, 0));
	EXPECT_OK(call_value(fd, KDMKTONE, 0));
	EXPECT_ERROR(call_value(fd, KDADDIO, 0x3b3), EINVAL);
	EXPECT_ERROR(call_value(fd, KDDELIO, 0x3e0), EINVAL);
}

TEST(what_a_terminal_does_not_know_is_not_for_ttys)
{
	int fd = begin(A);

	EXPECT_ERROR(call_value(fd, 0x5604, 0), ENOTTY); /* VT_SENDSIG */
	EXPECT_ERROR(call_value(fd, 0x56ff, 0), ENOTTY);
	EXPECT_ERROR(call_value(fd, 0x4bff, 0), ENOTTY);
}

TEST(bad_pointers_are_faults)
{
	static const unsigned long requests[] = {
		VT_OPENQRY, VT_GETMODE, VT_SETMODE, VT_GETSTATE, VT_RESIZE,
		VT_RESIZEX, VT_WAITEVENT, VT_SETACTIVATE, VT_GETHIFONTMASK,
		KDGETMODE, KDGKBMODE, KDGKBMETA, KDGKBTYPE, KDGKBLED, KDGETLED,
		KDGKBENT, KDSKBENT, KDGKBSENT, KDSKBSENT, KDGKBDIACR,
		KDSKBDIACR, KDGKBDIACRUC, KDSKBDIACRUC, KDGETKEYCODE,
		KDSETKEYCODE, GIO_CMAP, PIO_CMAP, GIO_SCRNMAP, PIO_SCRNMAP,
		GIO_UNISCRNMAP, PIO_UNISCRNMAP, GIO_UNIMAP, PIO_UNIMAP, KDFONTOP,
	};
	int fd = begin(A);

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
		if (call(fd, requests[i], BAD) != EFAULT)
			fail(__FILE__, __LINE__, "request %#lx", requests[i]);
}

TEST(a_stranger_may_look_but_not_touch)
{
	int fd = begin(A);

	IN_CHILD({
		struct vt_mode mode = { 0 };
		char arg[2] = { TIOCL_GETFGCONSOLE };

		become_nobody();
		EXPECT_OK(call(fd, VT_GETMODE, &mode));
		state_of(fd);
		EXPECT(get_int(fd, VT_OPENQRY) > 0);
		EXPECT_EQ(get_int(fd, KDGETMODE), KD_TEXT);
		EXPECT_ERROR(call(fd, VT_SETMODE, BAD), EPERM);
		EXPECT_ERROR(call_value(fd, VT_ACTIVATE, 0), EPERM);
		EXPECT_ERROR(call_value(fd, VT_WAITACTIVE, 0), EPERM);
		EXPECT_ERROR(call_value(fd, VT_RELDISP, 1), EPERM);
		EXPECT_ERROR(call(fd, VT_RESIZE, BAD), EPERM);
		EXPECT_ERROR(call(fd, VT_SETACTIVATE, BAD), EPERM);
		EXPECT_ERROR(call_value(fd, VT_LOCKSWITCH, 1), EPERM);
		EXPECT_ERROR(call_value(fd, KDSETMODE, 9), EPERM);
		EXPECT_ERROR(call_value(fd, KDSKBMODE, 9), EPERM);
		EXPECT_ERROR(call_value(fd, KDSKBLED, 0x8), EPERM);
		EXPECT_ERROR(call_value(fd, KDSETLED, 0), EPERM);
		EXPECT_ERROR(call_value(fd, KDSKBMETA, 1), EPERM);
		EXPECT_ERROR(call(fd, KDKBDREP, BAD), EPERM);
		EXPECT_ERROR(call_value(fd, KDSIGACCEPT, 0), EPERM);
		EXPECT_ERROR(call(fd, TIOCLINUX, arg), EPERM);
		EXPECT_ERROR(set_entry(fd, 0, 30, K_HOLE), EPERM);
		EXPECT_ERROR(call(fd, KDSKBENT, BAD), EFAULT);
		EXPECT_ERROR(call(fd, KDSKBDIACRUC, BAD), EPERM);
		EXPECT_ERROR(call(fd, PIO_CMAP, BAD), EPERM);
		EXPECT_ERROR(call_value(fd, VT_DISALLOCATE, A), EBUSY);
	});
}

TEST(who_has_it_as_controlling_terminal_may_most)
{
	int fd = begin(A);

	IN_CHILD({
		setsid();
		open_tty(A, O_RDWR);
		become_nobody();
		EXPECT_OK(call_value(fd, KDSETMODE, KD_TEXT));
		EXPECT_OK(call_value(fd, KDSKBMODE, K_UNICODE));
		EXPECT_ERROR(call_value(fd, VT_ACTIVATE, 0), ENXIO);
		EXPECT_ERROR(call_value(fd, VT_LOCKSWITCH, 1), EPERM);
		EXPECT_ERROR(set_entry(fd, 0, 30, K_HOLE), EPERM);
	});
}
