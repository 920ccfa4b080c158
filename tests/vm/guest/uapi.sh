#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The tests of the ioctls (tests/uapi), on the real display: nothing may fail, as
# nothing does on the kernel's own driver for it (tests/vm/judge).

. "$(dirname "$0")/lib.sh"

cd /tmp || exit 1
# Two monitors, as the kernel's driver has there.
ask resize 1 1024x768
number=0
for program in "$vm"/../uapi/uapi-*; do
	"$holdfast" run --device "vfio:$gpu" -- "$program" >tap 2>err </dev/null
	status=$?
	cat tap
	number=$((number + 1))
	if [ $status -gt 1 ] || ! grep -q '^1\.\.' tap; then
		echo "1..1"
		echo "not ok $number - ${program##*/} ended with status $status"
		sed 's/^/# /' err
	fi
done
if dmesg | grep -i 'DMAR:.*fault'; then
	echo "not ok - the_iommu_refused_nothing"
else
	echo "ok - the_iommu_refused_nothing"
fi
echo 1..1
