/* SPDX-License-Identifier: MIT */
/*
 * Spinning, for a condition that another thread is about to make true.
 *
 * In rounds that are counted, not timed: where the machine's clock is a device, as in
 * many virtual ones, to read it takes longer than what is waited for.
 */
#ifndef HF_BASE_SPIN_H
#define HF_BASE_SPIN_H

#include <sched.h>
#include <stdint.h>

static inline void hf_cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

#define HF_SPIN_BURST 64

/**
 * hf_spin_until() - Spin for some rounds, until a condition holds.
 * @rounds: of HF_SPIN_BURST looks; hf_spin_rounds() has a good number
 *
 * Yields between rounds: the one that is waited for may be on this very CPU.
 * Evaluates to whether it held in time.
 */
#define hf_spin_until(cond, rounds) ({                                        \
	_Bool spin_met = (cond);                                              \
	for (uint32_t spin_left = (rounds); !spin_met && spin_left;           \
	     spin_left--) {                                                   \
		for (int spin_i = 0; spin_i < HF_SPIN_BURST && !spin_met;     \
		     spin_i++) {                                              \
			hf_cpu_relax();                                       \
			spin_met = (cond);                                    \
		}                                                             \
		if (!spin_met)                                                \
			sched_yield();                                        \
	}                                                                     \
	spin_met; })

/**
 * hf_spin_rounds() - How many rounds take so long on this machine?
 * @ns: nanoseconds of the spinning thread's own time
 *
 * Measured, which takes some tens of microseconds.
 *
 * Return: at least 1.
 */
uint32_t hf_spin_rounds(uint64_t ns);

#endif
