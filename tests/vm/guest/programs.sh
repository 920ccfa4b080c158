#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The layers below the display, each by a program of its own on a device of its own.

. "$(dirname "$0")/lib.sh"

# program NAME ARGUMENT...: it ends with success, and what it says has no "not ok".
program() {
	local path=$1
	shift
	[ -x "$path" ] || skip "${path##*/} was not built"
	"$path" "$@" >out 2>&1 || fail "$(tail -n 30 out)"
	if grep '^not ok' out; then
		exit 1
	fi
	tail -n 30 out
}

# It makes faults, and looks for them itself.
test_vfio_maps_memory_and_catches_what_is_used_after_its_unmap() {
	program "$vm/vm-vfio" "$HOLDFAST_VFIO_EDU"
}

test_virtqueues_carry_random_bytes() {
	program "$vm/vm-virtio" "$HOLDFAST_VFIO_RNG"
}

test_a_driver_in_two_hundred_lines_does_dma() {
	program "$vm/../../examples/edu" "$HOLDFAST_VFIO_EDU"
}

tap_main "$@"
