/* SPDX-License-Identifier: MIT */
/*
 * System calls that a program makes by itself, without the C library. The kernel
 * lets those through that come from the C library's own text, and sends SIGSYS for
 * all others (Syscall User Dispatch, Linux 5.11).
 *
 * The signal's handler makes no call: it saves the registers on a stack of the
 * thread's own and returns to trap_enter.S there. So the call is made as any
 * function is called: with the program's mask of signals, interruptible, with as
 * much stack as it needs, and no frame of a signal is in the way of others. Then
 * all registers are what they were, but those that a system call changes.
 *
 * Each thread is switched on by itself. SIGSYS must never be blocked, since the
 * kernel then ends the process: so masks are kept free of it (signals.c), and what the
 * program says of SIGSYS is kept here and done for those that are not traps.
 */
#define _GNU_SOURCE
#include "shim/trap.h"

#if !defined(__x86_64__) || !defined(__LP64__)

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shim/shim.h"

void hf_trap_start(void)
{
	const char *force = getenv(HF_ENV_TRAP);

	if (force && !strcmp(force, "1"))
		fprintf(stderr, "holdfast: system calls are not trapped on this architecture\n");
}

bool hf_trap_on(void)
{
	return false;
}

void hf_trap_thread(void)
{
}

const sigset_t *hf_trap_mask(const sigset_t *set, sigset_t *copy)
{
	(void)copy;
	return set;
}

void hf_trap_action(const struct sigaction *new, struct sigaction *old)
{
	(void)new;
	(void)old;
}

#else

#include <cpuid.h>
#include <errno.h>
#include <link.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "shim/keep.h"
#include "shim/raw.h"
#include "shim/shim.h"
#include "shim/trap_frame.h"
#include "shim/usercopy.h"

/* Newer than some C library's headers. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#ifndef SYS_USER_DISPATCH
#define SYS_USER_DISPATCH 2
#endif

/* A call of the shim's, and a handler of a signal of the program's on top. */
#define STACK_SIZE (512u << 10)
/* Of the stack that a program has, only this much is not its own (the ABI). */
#define RED_ZONE 128u
/* Text that is larger is not looked through: it would delay the program. */
#define MAX_TEXT (64u << 20)
#define MAX_RANGES 12
#define KERNEL_SIGSET_SIZE 8

struct range {
	uintptr_t low, high;
};

static atomic_bool trapping;
static struct range libc_text;
/* Of libraries that call the kernel on purpose, and are used by the shim. */
static struct range runtime[MAX_RANGES];
static unsigned int nruntime;
static uintptr_t restorer; /* the C library's, which ends handlers */
static size_t xsave_size;
static pthread_key_t stack_key;

/* What the program wants done at a SIGSYS that is no trap. */
static struct sigaction theirs;
static _Atomic uint32_t theirs_lock;

static __attribute__((tls_model("initial-exec"))) _Thread_local char *stack;

bool hf_trap_on(void)
{
	return atomic_load_explicit(&trapping, memory_order_relaxed);
}

/* -- masks --------------------------------------------------------------------- */

const sigset_t *hf_trap_mask(const sigset_t *set, sigset_t *copy)
{
	if (!hf_trap_on() || !set || !sigismember(set, SIGSYS))
		return set;
	*copy = *set;
	sigdelset(copy, SIGSYS);
	return copy;
}

/* -- SIGSYS of the program's own ------------------------------------------------- */

static void lock_theirs(sigset_t *old)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	REAL(pthread_sigmask)(SIG_SETMASK, &all, old);
	while (atomic_exchange(&theirs_lock, 1))
		sched_yield();
}

static void unlock_theirs(const sigset_t *old)
{
	atomic_store(&theirs_lock, 0);
	REAL(pthread_sigmask)(SIG_SETMASK, old, NULL);
}

void hf_trap_action(const struct sigaction *new, struct sigaction *old)
{
	struct sigaction before;
	sigset_t mask;

	lock_theirs(&mask);
	before = theirs;
	if (new)
		theirs = *new;
	unlock_theirs(&mask);
	if (old)
		*old = before;
}

/* A seccomp filter's, or somebody has sent it. */
static void pass_on(int sig, siginfo_t *info, void *context)
{
	struct sigaction action = theirs;

	if (action.sa_flags & SA_SIGINFO) {
		action.sa_sigaction(sig, info, context);
	} else if (action.sa_handler == SIG_IGN && info->si_code <= 0) {
		return;
	} else if (action.sa_handler != SIG_DFL &&
		   action.sa_handler != SIG_IGN) {
		action.sa_handler(sig);
	} else {
		action = (struct sigaction){ .sa_handler = SIG_DFL };
		REAL(sigaction)(SIGSYS, &action, NULL);
		raise(SIGSYS);
	}
}

/* -- the stack of a call ----------------------------------------------------------- */

static void free_stack(void *map)
{
	stack = NULL;
	munmap(map, STACK_SIZE);
}

/* One that a thread gets when it first needs it. */
static bool have_stack(void)
{
	void *map;

	if (stack)
		return true;
	map = (void *)hf_syscall(SYS_mmap, NULL, STACK_SIZE,
				 PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
					 MAP_STACK,
				 -1, 0);
	if (map == MAP_FAILED)
		return false;
	stack = map;
	return true;
}

static bool inside(uintptr_t at, const void *low, size_t size)
{
	return at - (uintptr_t)low < size;
}

/*
 * Where the call's frame goes. Below a handler's that runs on our stack (it
 * interrupted a call) or on one of the program's for signals (that may have begun
 * there as well); a program's ordinary code has no call under way.
 */
static uintptr_t find_room(const ucontext_t *uc, uintptr_t sp)
{
	const stack_t *alternate = &uc->uc_stack;

	if (inside(sp, stack, STACK_SIZE) ||
	    (!(alternate->ss_flags & SS_DISABLE) &&
	     inside(sp, alternate->ss_sp, alternate->ss_size)))
		return sp - RED_ZONE;
	return (uintptr_t)stack + STACK_SIZE;
}

static struct hf_trap_frame *make_frame(const ucontext_t *uc, uintptr_t sp)
{
	uintptr_t at = find_room(uc, sp) - xsave_size;
	struct hf_trap_frame *frame;

	at = (at & ~(uintptr_t)63) - sizeof(*frame);
	frame = (struct hf_trap_frame *)at;
	/* The processor insists on zeros in the header of what it restores. */
	memset(frame->xsave + HF_TRAP_XSAVE_HEADER, 0, 64);
	return frame;
}

static void save_registers(struct hf_trap_frame *frame, const greg_t *r)
{
	*frame = (struct hf_trap_frame){
		.rax = r[REG_RAX], .rbx = r[REG_RBX], .rcx = r[REG_RIP],
		.rdx = r[REG_RDX], .rsi = r[REG_RSI], .rdi = r[REG_RDI],
		.rbp = r[REG_RBP], .r8 = r[REG_R8],   .r9 = r[REG_R9],
		.r10 = r[REG_R10], .r11 = r[REG_EFL], .r12 = r[REG_R12],
		.r13 = r[REG_R13], .r14 = r[REG_R14], .r15 = r[REG_R15],
		.rsp = r[REG_RSP],
	};
}

/* Nothing but memory and registers: the thread may be anywhere in its program. */
static void handle(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;
	struct hf_trap_frame *frame;
	int saved = errno;

	if (info->si_code != SYS_USER_DISPATCH) {
		pass_on(sig, info, context);
		errno = saved;
		return;
	}
	r[REG_RAX] = info->si_syscall;
	if (r[REG_RAX] == SYS_rt_sigreturn) {
		/* The frame is where the stack pointer is: have it taken off. */
		r[REG_RIP] = (greg_t)restorer;
	} else if (!have_stack()) {
		r[REG_RAX] = -ENOMEM;
	} else {
		frame = make_frame(uc, (uintptr_t)r[REG_RSP]);
		save_registers(frame, r);
		r[REG_RSP] = (greg_t)(uintptr_t)frame;
		r[REG_RIP] = (greg_t)(uintptr_t)hf_trap_enter;
	}
	errno = saved;
}

/* -- calls about signals -------------------------------------------------------------- */

/* As the kernel has it. */
struct kernel_action {
	void (*handler)(int);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static uint64_t without_trap(uint64_t mask)
{
	return mask & ~(UINT64_C(1) << (SIGSYS - 1));
}

static void to_kernel(struct kernel_action *to, const struct sigaction *from)
{
	to->handler = from->sa_handler;
	to->flags = (unsigned int)from->sa_flags;
	to->restorer = from->sa_restorer;
	memcpy(&to->mask, &from->sa_mask, sizeof(to->mask));
}

static void from_kernel(struct sigaction *to, const struct kernel_action *from)
{
	to->sa_handler = from->handler;
	to->sa_flags = (int)from->flags;
	to->sa_restorer = from->restorer;
	sigemptyset(&to->sa_mask);
	memcpy(&to->sa_mask, &from->mask, sizeof(from->mask));
}

static long raw_sigaction(const long *a)
{
	struct kernel_action new, old;
	struct sigaction action, before;
	long b[6];

	if (a[3] != KERNEL_SIGSET_SIZE)
		return -EINVAL;
	if (a[1] && hf_copy_from_user(&new, (void *)a[1], sizeof(new)))
		return -EFAULT;
	if (a[0] == SIGSYS) {
		if (a[1])
			from_kernel(&action, &new);
		hf_trap_action(a[1] ? &action : NULL, &before);
		to_kernel(&old, &before);
		return a[2] && hf_copy_to_user((void *)a[2], &old,
					       sizeof(old)) ?
			       -EFAULT :
			       0;
	}
	memcpy(b, a, sizeof(b));
	if (a[1]) {
		new.mask = without_trap(new.mask);
		b[1] = (long)&new;
	}
	return hf_raw_kernel(SYS_rt_sigaction, b);
}

/* A call whose argument @which is a set of signals. */
static long raw_mask(long number, const long *a, unsigned int which,
		     unsigned int size)
{
	long b[6];
	uint64_t mask;

	memcpy(b, a, sizeof(b));
	if (a[which] && a[size] == KERNEL_SIGSET_SIZE) {
		if (hf_copy_from_user(&mask, (void *)a[which], sizeof(mask)))
			return -EFAULT;
		mask = without_trap(mask);
		b[which] = (long)&mask;
	}
	return hf_raw_kernel(number, b);
}

/* -- calls that make processes and threads ------------------------------------------------ */

static long finish_fork(struct hf_trap_frame *frame, long ret, uintptr_t sp)
{
	if (ret)
		return ret;
	hf_trap_thread();
	if (sp)
		frame->rsp = (long)sp;
	return 0;
}

/*
 * A thread that the program makes without the C library: it may not have what
 * the C library needs of one, so its calls are not trapped. It goes on where its
 * maker does, on its stack.
 */
static long raw_thread(const struct hf_trap_frame *frame, unsigned long flags,
		       uintptr_t sp, const long *a)
{
	struct hf_trap_frame *copy;
	uintptr_t at = (sp - 2 * RED_ZONE - HF_TRAP_LEGACY) & ~(uintptr_t)63;
	int ret;

	copy = (struct hf_trap_frame *)(at - sizeof(*copy));
	memcpy(copy, frame, sizeof(*copy) + HF_TRAP_LEGACY);
	copy->rax = 0;
	copy->rsp = (long)sp;
	ret = REAL(clone)((int (*)(void *))hf_trap_thread_enter, copy,
			  (int)flags, copy, a[2], a[4], a[3]);
	return ret < 0 ? -errno : ret;
}

/*
 * The kernel's clone(2): flags, stack, parent_tid, child_tid, tls. A child that
 * borrows its parent's memory (vfork) would unwind the parent's call: it gets a
 * copy, and the parent waits as it would.
 */
static long raw_clone(struct hf_trap_frame *frame, const long *a)
{
	unsigned long flags = (unsigned long)a[0];
	uintptr_t sp = (uintptr_t)a[1];
	long b[6];

	hf_keep_for(flags);
	if ((flags & CLONE_VM) && !(flags & CLONE_VFORK))
		return sp ? raw_thread(frame, flags, sp, a) : -EINVAL;
	memcpy(b, a, sizeof(b));
	b[0] = (long)(flags & ~(unsigned long)CLONE_VM);
	b[1] = 0;
	return finish_fork(frame, hf_raw_kernel(SYS_clone, b), sp);
}

static long raw_fork(struct hf_trap_frame *frame, unsigned long flags)
{
	long a[6] = { (long)(flags | SIGCHLD) };

	return raw_clone(frame, a);
}

static long raw_clone3(struct hf_trap_frame *frame, const long *a)
{
	struct clone_args args = { 0 };
	uintptr_t sp;
	size_t size = (size_t)a[1];
	long b[6] = { (long)&args, (long)size };

	if (size < CLONE_ARGS_SIZE_VER0 || size > sizeof(args))
		return hf_raw_kernel(SYS_clone3, a);
	if (hf_copy_from_user(&args, (void *)a[0], size))
		return -EFAULT;
	/* Who makes threads so has the older call to fall back to. */
	if ((args.flags & CLONE_VM) && !(args.flags & CLONE_VFORK))
		return -ENOSYS;
	hf_keep_for(args.flags);
	sp = args.stack ? args.stack + args.stack_size : 0;
	args.flags &= ~(uint64_t)CLONE_VM;
	args.stack = args.stack_size = 0;
	return finish_fork(frame, hf_raw_kernel(SYS_clone3, b), sp);
}

/* -- a call ---------------------------------------------------------------------------------- */

static bool in_runtime(uintptr_t at)
{
	for (unsigned int i = 0; i < nruntime; i++)
		if (at >= runtime[i].low && at < runtime[i].high)
			return true;
	return false;
}

/* Return: true where the trap itself has something to do with it. */
static bool own_call(struct hf_trap_frame *frame, const long *a, long *ret)
{
	switch (frame->rax) {
	case SYS_rt_sigaction:
		*ret = raw_sigaction(a);
		return true;
	case SYS_rt_sigprocmask:
		*ret = raw_mask(SYS_rt_sigprocmask, a, 1, 3);
		return true;
	case SYS_rt_sigsuspend:
		*ret = raw_mask(SYS_rt_sigsuspend, a, 0, 1);
		return true;
	case SYS_fork:
		*ret = raw_fork(frame, 0);
		return true;
	case SYS_vfork:
		*ret = raw_fork(frame, CLONE_VFORK);
		return true;
	case SYS_clone:
		*ret = raw_clone(frame, a);
		return true;
	case SYS_clone3:
		*ret = raw_clone3(frame, a);
		return true;
	default:
		return false;
	}
}

static long run_call(struct hf_trap_frame *frame)
{
	const long a[6] = { frame->rdi, frame->rsi, frame->rdx,
			    frame->r10, frame->r8,  frame->r9 };
	long ret;

	if (own_call(frame, a, &ret))
		return ret;
	if (!in_runtime((uintptr_t)frame->rcx) &&
	    hf_raw_call(frame->rax, a, &ret))
		return ret;
	return hf_raw_kernel(frame->rax, a);
}

void hf_trap_run(struct hf_trap_frame *frame)
{
	int saved = errno, cancel;

	if (!pthread_getspecific(stack_key))
		pthread_setspecific(stack_key, stack);
	/* Such a call is no point where a thread can be cancelled. */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	frame->rax = run_call(frame);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/* -- where calls may come from ---------------------------------------------------------------- */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool starts(const char *name, const char *with)
{
	return !strncmp(name, with, strlen(with));
}

static bool is_runtime(const char *name)
{
	static const char *const names[] = {
		"ld-", "linux-vdso", "linux-gate", "libpthread", "librt.so",
		"libdl.so", "libholdfast-shim", "libasan", "libtsan",
		"libubsan", "liblsan",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (starts(name, names[i]))
			return true;
	return false;
}

static struct range range_of(const struct dl_phdr_info *object,
			     const ElfW(Phdr) *segment)
{
	uintptr_t low = object->dlpi_addr + segment->p_vaddr;

	return (struct range){ low, low + segment->p_memsz };
}

static int learn_object(struct dl_phdr_info *object, size_t size, void *data)
{
	const char *name = base_name(object->dlpi_name);
	bool libc = starts(name, "libc.so") || starts(name, "libc-2");

	(void)size;
	(void)data;
	for (unsigned int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		if (libc)
			libc_text = range_of(object, segment);
		else if (is_runtime(name) && nruntime < MAX_RANGES)
			runtime[nruntime++] = range_of(object, segment);
	}
	return 0;
}

/* The first one is the program. */
static int look_at_program(struct dl_phdr_info *object, size_t size, void *data)
{
	bool *needed = data;

	(void)size;
	for (unsigned int i = 0; i < object->dlpi_phnum && !*needed; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];
		struct range text = range_of(object, segment);

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) &&
		    (segment->p_flags & PF_R) && segment->p_filesz <= MAX_TEXT)
			*needed = hf_code_has_calls((const void *)text.low,
						    segment->p_filesz);
	}
	return 1;
}

static bool program_needs_it(void)
{
	const char *force = getenv(HF_ENV_TRAP);
	bool needed = false;

	if (force && (!strcmp(force, "0") || !strcmp(force, "1")))
		return *force == '1';
	dl_iterate_phdr(look_at_program, &needed);
	return needed;
}

/* -- switching it on ---------------------------------------------------------------------------- */

static int switch_on(void)
{
	return hf_syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH,
			  PR_SYS_DISPATCH_ON, libc_text.low,
			  libc_text.high - libc_text.low, 0);
}

void hf_trap_thread(void)
{
	sigset_t set;

	if (!hf_trap_on())
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGSYS);
	REAL(pthread_sigmask)(SIG_UNBLOCK, &set, NULL);
	switch_on();
}

/* How much the processor saves, for what is in use. */
static size_t find_xsave_size(void)
{
	unsigned int a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) ||
	    !__get_cpuid_count(0xd, 0, &a, &b, &c, &d))
		return 0;
	return b;
}

static bool prepare(void)
{
	struct sigaction action = {
		.sa_sigaction = handle,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART,
	};
	struct kernel_action installed = { 0 };

	dl_iterate_phdr(learn_object, NULL);
	xsave_size = find_xsave_size();
	if (!libc_text.low || !xsave_size ||
	    pthread_key_create(&stack_key, free_stack) ||
	    REAL(sigaction)(SIGSYS, &action, &theirs) ||
	    hf_syscall(SYS_rt_sigaction, SIGSYS, NULL, &installed,
		       KERNEL_SIGSET_SIZE))
		return false;
	restorer = (uintptr_t)installed.restorer;
	return true;
}

void hf_trap_start(void)
{
	if (!program_needs_it() || !prepare())
		return;
	atomic_store(&trapping, true);
	if (switch_on()) {
		atomic_store(&trapping, false);
		fprintf(stderr,
			"holdfast: %s makes system calls by itself, which cannot be trapped here (%s; it takes Linux 5.11): it may not see the device\n",
			program_invocation_name, strerror(errno));
		REAL(sigaction)(SIGSYS, &theirs, NULL);
		return;
	}
	hf_user_prepare();
	hf_trap_thread();
	pthread_atfork(NULL, NULL, hf_trap_thread);
}

#endif
