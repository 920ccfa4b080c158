#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Writeback: what modetest shows, written back by a program that takes its place as
# master, is what the screenshot has, pixel for pixel.

. "$(dirname "$0")/tap.sh"

# show ARG...: modetest on a 640x480 output, which gives the display up but stays.
show() {
	need modetest python3
	start_server --output 640x480@60
	learn_ids
	open_keys
	eval "start_client modetest -d -M holdfast $*"
	eventually 5000 is_shown || fail "$(cat err)"
	client "$programs/writeback" written.png
}

is_shown() {
	"$holdfast" info --socket "$PWD/server" >info &&
		grep -q '^crtc 0 *on' info && ! grep -q ', master' info
}

# end: the two pictures are one, and the display goes on.
end() {
	"$holdfast" screenshot --socket "$PWD/server" shot.png
	python3 "$here/png.py" written.png size 640x480
	python3 "$here/png.py" written.png photo 0 0 shot.png
	kill -0 "$client"
	press_key
	wait "$client"
	stop_server
}

test_a_picture_is_written_back() {
	# shellcheck disable=SC2016 # show() expands it
	show '-s $connector@$crtc:640x480'
	python3 "$here/png.py" written.png smpte 0 0 640 480
	end
}

test_planes_are_written_back_as_they_are_shown() {
	# shellcheck disable=SC2016
	show '-s $connector@$crtc:640x480 -P $overlay@$crtc:210x90+40+60 -F plain,smpte'
	end
}

test_a_scaled_overlay_in_yuv_is_written_back() {
	# shellcheck disable=SC2016
	show '-s $connector@$crtc:640x480 -P $overlay@$crtc:200x100+13+77*1.7@NV12 -F smpte,tiles'
	end
}

test_a_deep_picture_is_written_back() {
	# shellcheck disable=SC2016
	show '-s $connector@$crtc:640x480@XR30'
	end
}

test_info_counts_what_was_written_back() {
	# shellcheck disable=SC2016
	show '-s $connector@$crtc:640x480'
	client "$programs/writeback" again.png
	"$holdfast" info --socket "$PWD/server" >info
	written=$(sed -n 's/^writeback *\([0-9]*\) frames$/\1/p' info)
	[ "${written:-0}" -ge 2 ] || fail "$(cat info)"
	end
}

test_modetest_and_drm_info_are_shown_as_much_as_they_ask_for() {
	need modetest drm_info python3
	"$holdfast" run --output 1024x768 -- modetest -M holdfast -c >list
	expect "$(grep -Ec '^[0-9]+	[0-9]+	(connected|unknown)	' list)" 1 "connectors of modetest"
	"$holdfast" run --output 1024x768 -- drm_info -j >info.json
	python3 - <<'PYTHON'
import json
import sys

card = next(iter(json.load(open('info.json', encoding='utf-8')).values()))
found = [c['properties'] for c in card['connectors'] if 'WRITEBACK_FB_ID' in c['properties']]
if len(found) != 2:
    sys.exit(f'{len(found)} writeback connectors')
for properties in found:
    if 'EDID' in properties or 'WRITEBACK_PIXEL_FORMATS' not in properties:
        sys.exit(str(list(properties)))
PYTHON
}

tap_main "$@"
