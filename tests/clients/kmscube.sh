#!/bin/bash
# SPDX-License-Identifier: MIT
#
# kmscube draws with Mesa: GBM buffers, EGL on the device, legacy and atomic.

. "$(dirname "$0")/tap.sh"

# cube COMMAND...: thirty frames, and a cube on the screenshot. It ends early
# where somebody presses a key, or standard input ends.
cube() {
	need kmscube
	open_keys
	"$holdfast" run --output 640x480 --screenshot shot.png -- "$@" -c 30 \
		<&"$keys" >out 2>&1 || fail "$(tail -n 5 out | cut -c 1-160)"
	python3 "$here/png.py" shot.png size 640x480
	python3 "$here/png.py" shot.png varied
}

test_kmscube_draws_a_cube() {
	cube kmscube
}

test_kmscube_draws_a_cube_atomically() {
	cube kmscube -A
}

test_kmscube_draws_a_cube_without_a_surface() {
	cube kmscube -x
}

test_frames_are_paced_by_the_vblank() {
	need kmscube
	open_keys
	"$holdfast" run --output 640x480@60 -- kmscube -c 120 <&"$keys" >out 2>&1 ||
		fail "$(tail -n 5 out | cut -c 1-160)"
	# "Rendered 119 frames in 1.98 sec (60.0 fps)"
	sed -n 's/.*Rendered .*(\([0-9.]*\) fps).*/\1/p' out | tail -n 1 | awk '
		{ print "fps", $1 }
		END { exit !(NR && $1 > 20 && $1 < 61) }' || fail "$(cat out)"
}

tap_main "$@"
