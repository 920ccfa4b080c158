/* SPDX-License-Identifier: MIT */
/* How long a round of spinning takes. No state, no lock. */
#include <stdatomic.h>

#include "base/futex.h"
#include "base/spin.h"

#define SAMPLES 5
#define ROUNDS 8

uint32_t hf_spin_rounds(uint64_t ns)
{
	_Atomic uint32_t never = 0;
	uint64_t best = UINT64_MAX, rounds;

	/* Of several, the one that nobody got in the way of. */
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t start = hf_monotonic_ns(), took;

		(void)hf_spin_until(atomic_load(&never), ROUNDS);
		took = hf_monotonic_ns() - start;
		best = took < best ? took : best;
	}
	rounds = best ? ns * ROUNDS / best : 1;
	return rounds > UINT32_MAX ? UINT32_MAX : rounds ? rounds : 1;
}
