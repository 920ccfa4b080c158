#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A device that cannot be had: one clear line, and exit status 2.

. "$(dirname "$0")/lib.sh"

# refused PATTERN COMMAND...: it ends with status 2, and its only line matches.
refused() {
	local pattern=$1
	shift
	expect_status 2 "$@" >out 2>err
	expect "$(wc -l <err)" 1 "lines of: $(cat err)"
	grep -Eq "^holdfast: .*$pattern" err || fail "no '$pattern' in: $(cat err)"
	[ ! -s out ] || fail "it printed: $(cat out)"
}

run_on() {
	local device=$1
	shift
	"$holdfast" run --device "$device" -- "${@:-true}"
}

# as_user BYTES COMMAND...: an ordinary user who may lock so much memory, and to whom
# the display's group belongs.
as_user() {
	local bytes=$1
	shift
	chown nobody "/dev/vfio/$(basename "$(realpath "$devices/$gpu/iommu_group")")"
	chmod 755 /tmp /tmp/pack
	chmod 777 .
	prlimit --memlock="$bytes:$bytes" \
		setpriv --reuid=nobody --regid=nogroup --clear-groups \
		--inh-caps=-all --bounding-set=-all "$@"
}

test_no_such_device() {
	refused '0000:99:00\.0' run_on vfio:0000:99:00.0
}

test_no_address() {
	refused 'vfio:nonsense' run_on vfio:nonsense
	refused 'nonsense' run_on nonsense
}

test_a_device_that_another_driver_has() {
	bind "$HOLDFAST_VFIO_RNG" virtio-pci
	refused 'virtio-pci' run_on "vfio:$HOLDFAST_VFIO_RNG"
	bind "$HOLDFAST_VFIO_RNG" vfio-pci
}

test_a_device_that_nobody_has() {
	echo "$gpu" >/sys/bus/pci/drivers/vfio-pci/unbind
	refused 'vfio-pci' run_on "vfio:$gpu"
	bind "$gpu" vfio-pci
}

test_a_device_that_is_no_display() {
	local edu=${HOLDFAST_VFIO_EDU%% *}
	refused "$edu" run_on "vfio:$edu"
	refused "$HOLDFAST_VFIO_RNG" run_on "vfio:$HOLDFAST_VFIO_RNG"
}

test_a_device_that_somebody_else_uses() {
	start_display
	refused "$gpu" run_on "vfio:$gpu"
	stop_server
}

test_a_user_who_may_not_open_it() {
	chmod 755 /tmp /tmp/pack
	refused '/dev/vfio' setpriv --reuid=nobody --regid=nogroup --clear-groups \
		"$holdfast" run --device "vfio:$gpu" -- true
}

test_a_user_to_whom_it_belongs() {
	need modetest
	as_user 67108864 "$holdfast" run --device "vfio:$gpu" -- modetest -M holdfast -c >list
	grep -q 'connected' list
	expect_no_fault
}

test_memlock_is_too_low_for_the_device() {
	# The line that says what to raise comes before the one that says that it ends.
	expect_status 2 as_user 4096 "$holdfast" run --device "vfio:$gpu" -- true 2>err
	grep -q "^holdfast: .*MEMLOCK.* raise it" err || fail "$(cat err)"
}

test_memlock_is_too_low_for_the_desktop() {
	# Enough to begin with, and for no framebuffer: the ioctl says so, and the log
	# what to raise.
	as_user 2097152 "$holdfast" run --device "vfio:$gpu" -- "$vm/vm-flip" -s 0.1 >out 2>err &&
		fail "the desktop fits into 2 MiB"
	grep -qi 'cannot allocate memory' err || fail "$(cat err)"
	grep -Eqi 'memlock' err || fail "nobody says what to raise: $(cat err)"
	expect_no_fault
}

tap_main "$@"
