#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `--split`: one device has the display, the other one the engine. Programs that
# share memory between them by PRIME alone work, and so do those that need only one.

. "$(dirname "$0")/tap.sh"

# pixel X Y: of a 640x480 gradient, as RRGGBB.
pixel() {
	printf '%02x%02xff' $(((2 * $1 + 1) * 255 / (2 * 640))) \
		$(((2 * $2 + 1) * 255 / (2 * 480)))
}

# renders OPTION...: on the device without a display, and shown on the other one.
renders() {
	local at x y points=()
	"$holdfast" run --split --output 640x480 --stats --screenshot shot.png "$@" -- \
		"$programs/split" 10 >out 2>err || fail "$(cat err)"
	for at in '0 0' '639 0' '0 479' '639 479' '320 240' '101 387'; do
		read -r x y <<<"$at"
		points+=("$x" "$y" "$(pixel "$x" "$y")")
	done
	python3 "$here/png.py" shot.png size 640x480
	python3 "$here/png.py" shot.png pixel "${points[@]}"
}

test_a_gbm_program_renders_on_one_device_and_shows_on_the_other() {
	renders
	grep -q ' 0 pages held now, 0 faults' err || fail "$(cat err)"
}

test_the_display_may_be_without_an_iommu() {
	renders --scanout contiguous
}

test_one_device_is_not_two() {
	expect_status 1 "$holdfast" run -- "$programs/split" 2>err
	grep -q '^no device is without a display' err || fail "$(cat err)"
}

test_libdrm_lists_both_devices() {
	need drmdevice
	"$holdfast" run --split -- drmdevice >out
	expect "$(sed -n 's/^--- Devices reported \([0-9]*\).*/\1/p' out)" 2 "devices"
	grep -q 'available_nodes 0x01' out || fail "no device without a render node: $(cat out)"
	grep -q 'available_nodes 0x05' out || fail "no device with one: $(cat out)"
}

test_modetest_uses_the_one_with_the_display() {
	need modetest
	"$holdfast" run --split --output 640x480 --screenshot shot.png -- \
		modetest -M holdfast -r
	python3 "$here/png.py" shot.png smpte 0 0 640 480
}

test_kmscube_uses_the_one_with_the_display() {
	need kmscube
	open_keys
	"$holdfast" run --split --output 640x480 --screenshot shot.png -- kmscube -c 30 \
		<&"$keys" >out 2>&1 || fail "$(tail -n 5 out | cut -c 1-160)"
	python3 "$here/png.py" shot.png varied
}

tap_main "$@"
