#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The small tools of libdrm find a platform device, its properties and its
# vblanks.

. "$(dirname "$0")/tap.sh"

test_drmdevice_finds_a_platform_device() {
	need drmdevice
	"$holdfast" run -- drmdevice >out
	grep -q 'bustype 0002' out || fail "$(cat out)"
	grep -Eq 'nodes\[0\] /dev/dri/card[0-9]+$' out
	grep -Eq 'nodes\[2\] /dev/dri/renderD[0-9]+$' out
	grep -q 'platform' out
	grep -q 'Opening device node /dev/dri/card' out
}

test_proptest_lists_properties() {
	need proptest
	"$holdfast" run -- proptest -M holdfast >out
	for property in EDID DPMS; do
		grep -Eq "^[[:space:]]*[0-9]+ $property:" out || fail "no $property: $(cat out)"
	done
}

test_modeprint_prints_the_resources() {
	need modeprint
	"$holdfast" run -- modeprint holdfast >out
	grep -q '^Connector' out || fail "$(cat out)"
	grep -q 'Encoder' out
	grep -q 'Crtc' out
}

test_vbltest_counts_60_vblanks_a_second() {
	need vbltest modetest
	start_server --output 640x480@60
	open_keys
	start_client modetest -M holdfast -r
	# shellcheck disable=SC2154 # start_client assigns it
	display=$client
	eventually 5000 "$holdfast" screenshot --socket "$PWD/server" shot.png
	start_client vbltest -M holdfast
	expect_60_hz err
	kill "$client" "$display"
	wait "$client" "$display" || :
	stop_server
}

tap_main "$@"
