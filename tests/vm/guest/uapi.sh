#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The tests of the ioctls (tests/uapi), on the real display: nothing may fail, as
# nothing does on the kernel's own driver for it (tests/vm/judge).

. "$(dirname "$0")/lib.sh"

cd /tmp || exit 1
# Two monitors, as the kernel's driver has there.
ask resize 1 1024x768
for program in "$vm"/../uapi/uapi-*; do
	tap_program "$holdfast" run --device "vfio:$gpu" -- "$program"
done
echo 1..1
if dmesg | grep -i 'DMAR:.*fault'; then
	echo "not ok 1 - the_iommu_refused_nothing"
else
	echo "ok 1 - the_iommu_refused_nothing"
fi
