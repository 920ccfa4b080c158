#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Weston on two outputs: side by side with a window on both, in other modes, turned and
# scaled, and with one that comes and goes.

. "$(dirname "$0")/tap.sh"
. "$here/weston-session.sh"

# A scaled window that is as wide as both: its left half is on the one, its right half on
# the other.
test_a_window_spans_two_outputs() {
	start_server --output 640x480 --output 640x480
	start_weston
	program "$programs/dmabuf" -d 1280x200
	eventually 30000 program_said shown || fail "$(cat program.out)"
	eventually 20000 spans || fail "$(cat boxes)"
}

# Wherever the window was put: where it ends on the left output it goes on on the right.
spans() {
	shot left HDMI-A-1
	shot right HDMI-A-2
	{
		python3 "$here/desktop.py" box left.png ff0000
		python3 "$here/desktop.py" box right.png 00ff00
	} >boxes 2>&1 || return 1
	# The top half of both quarters, on the same lines.
	[ "$(sed 's/.*x\([0-9]*\)+.*+\([0-9]*\)$/\1 \2/' boxes | uniq | wc -l)" -eq 1 ]
}

test_modes_transforms_and_scales_of_weston_ini() {
	start_server --output 1024x768 --output 1024x768
	write_ini '[output]' 'name=HDMI-A-1' 'mode=800x600' \
		'[output]' 'name=HDMI-A-2' 'mode=640x480' 'transform=rotate-90' 'scale=2'
	start_weston
	eventually 20000 both_are_painted || fail "$(tail -n 50 weston.log)"
	python3 "$here/png.py" one.png size 800x600
	python3 "$here/png.py" two.png size 640x480
	# The panel is above the one, and on the left of what is turned, twice as wide.
	python3 "$here/png.py" one.png pixel 400 40 204060 400 590 204060
	python3 "$here/png.py" two.png pixel 70 100 204060 630 100 204060
	! python3 "$here/png.py" one.png pixel 400 28 204060 2>/dev/null
	! python3 "$here/png.py" two.png pixel 58 100 204060 2>/dev/null
}

both_are_painted() {
	shot one HDMI-A-1 2>/dev/null && shot two HDMI-A-2 2>/dev/null &&
		python3 "$here/png.py" one.png pixel 400 300 204060 >/dev/null 2>&1 &&
		python3 "$here/png.py" two.png pixel 320 240 204060 >/dev/null 2>&1
}

inject() {
	"$holdfast" inject --socket "$PWD/server" "$@"
}

# said_times N WHAT
said_times() {
	[ "$(grep -c -e "$2" weston.log)" -ge "$1" ]
}

test_an_output_comes_and_is_used_while_a_client_runs() {
	start_server --output 640x480 --output off
	start_weston
	program "$programs/dmabuf" -a
	eventually 30000 program_said shown || fail "$(cat program.out)"
	inject plug HDMI-A-2 800x600
	eventually 20000 said "Output 'HDMI-A-2' enabled" || fail "$(cat weston.log)"
	eventually 20000 second_is_painted || fail "$(tail -n 50 weston.log)"
	kill -0 "$program"
}

second_is_painted() {
	shot two HDMI-A-2 2>/dev/null &&
		python3 "$here/png.py" two.png pixel 400 300 204060 >/dev/null 2>&1
}

tap_main "$@"
