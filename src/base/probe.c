/* SPDX-License-Identifier: MIT */
/*
 * Who listens to the probes: the server's tracer sets it (server/trace.c), from any
 * thread.
 */
#include "base/probe.h"

const struct hf_probes *_Atomic hf_probes;
