#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The layers below the display, each by a program of its own on a device of its own.
# One of them makes the IOMMU refuse accesses, and finds that in the kernel's log.

. "$(dirname "$0")/lib.sh"

cd /tmp || exit 1
tap_program "$vm/vm-vfio"
tap_program "$vm/vm-virtio"
echo 1..1
if "$vm/../../examples/edu" "${HOLDFAST_VFIO_EDU%% *}" >out 2>err; then
	echo "ok 1 - a_driver_in_two_hundred_lines_does_dma"
else
	echo "not ok 1 - a_driver_in_two_hundred_lines_does_dma"
	sed 's/^/# /' err
fi
