#!/bin/bash
# SPDX-License-Identifier: MIT
#
# modetest from libdrm: it lists everything, and what it shows is what the
# screenshot has.

. "$(dirname "$0")/tap.sh"

# prepare: a server with a 640x480 output, and its objects in the variables of
# learn_ids, and $overlay2.
prepare() {
	need modetest
	start_server --output 640x480@60 --planes 2
	learn_ids
	# shellcheck disable=SC2034,SC2154 # the overlays of a CRTC follow each other
	overlay2=$(sed -n '/^Planes:/,$p' list | grep -E '^[0-9]+	' | cut -f 1 |
		sed -n "/^$overlay\$/{n;p}")
}

# show ARG...: modetest in the background, until `end`. The arguments name objects by
# those variables.
show() {
	open_keys
	eval "start_client modetest -M holdfast $*"
}

begin() {
	prepare
	show "$@"
}

end() {
	press_key
	wait "$client"
	stop_server
}

# shows CHECK...: a screenshot taken now passes png.py's check.
shows() {
	"$holdfast" screenshot --socket "$PWD/server" shot.png 2>shot.err &&
		python3 "$here/png.py" shot.png "$@" 2>shot.err
}

expect_picture() {
	eventually 5000 shows "$@" || fail "$(cat shot.err err)"
}

test_modetest_lists_everything() {
	need modetest
	start_server --output 1920x1080@60
	learn_ids
	grep -q '^Encoders:' list
	grep -Eq '^[0-9]+	[0-9]+	connected	' list
	grep -Eq '#0 1920x1080 60\.00 .* type: .*preferred' list
	# shellcheck disable=SC2154 # learn_ids assigns them
	for object in "$connector" "$crtc" "$primary" "$overlay" "$cursor"; do
		[ -n "$object" ] || fail "an object is missing: $(cat list)"
	done
	# Two CRTCs with three planes each.
	expect "$(sed -n '/^CRTCs:/,/^Planes:/p' list | grep -Ec '^[0-9]+	')" 2 "CRTCs"
	expect "$(sed -n '/^Planes:/,/^Frame/p' list | grep -Ec '^[0-9]+	')" 6 "planes"
	stop_server
}

test_the_edid_is_valid() {
	need modetest edid-decode
	"$holdfast" run --output 1920x1080@60 -- modetest -M holdfast -c >list
	sed -n '/EDID:/,/^	[0-9]* [A-Za-z]/p' list | grep -E '^		+[0-9a-f]{32}$' | tr -d '\t\n' >edid.hex
	[ -s edid.hex ] || fail "no EDID: $(cat list)"
	edid-decode --check edid.hex >decoded || fail "$(cat decoded)"
	grep -q '1920x1080' decoded
}

test_every_output_is_a_connector() {
	need modetest
	"$holdfast" run --output 1024x768 --output 800x600@75 -- modetest -M holdfast -c >list
	expect "$(grep -Ec '^[0-9]+	[0-9]+	connected	' list)" 2 "connectors"
	grep -Eq '#0 1024x768 60' list
	grep -Eq '#0 800x600 75' list
}

test_a_mode_set_shows_the_smpte_pattern() {
	# shellcheck disable=SC2016 # begin() expands it
	begin '-s $connector@$crtc:640x480'
	expect_picture smpte 0 0 640 480
	python3 "$here/png.py" shot.png size 640x480
	end
}

test_run_keeps_what_was_shown_last() {
	need modetest
	# modetest ends at once, since nobody will press a key.
	"$holdfast" run --output 640x480 --screenshot shot.png -- modetest -M holdfast -r
	python3 "$here/png.py" shot.png smpte 0 0 640 480
}

test_the_preferred_mode_is_the_outputs() {
	begin -r
	expect_picture smpte 0 0 640 480
	end
}

test_vsynced_flips_run_at_60_hz() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480 -v'
	expect_60_hz err
	end
}

test_atomic_vsynced_flips_run_at_60_hz() {
	# shellcheck disable=SC2016
	begin '-a -s $connector@$crtc:640x480 -P $primary@$crtc:640x480 -v'
	expect_60_hz err
	# This loop of modetest has no other end.
	kill "$client"
	wait "$client" || :
	stop_server
}

test_an_atomic_mode_set_shows_the_smpte_pattern() {
	# shellcheck disable=SC2016
	begin '-a -s $connector@$crtc:640x480 -P $primary@$crtc:640x480'
	expect_picture smpte 0 0 640 480
	end
}

test_an_overlay_plane_is_on_top_of_the_primary() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480 -P $overlay@$crtc:210x90+40+60 -F plain,smpte'
	expect_picture smpte 40 60 210 90
	python3 "$here/png.py" shot.png differs 0 0 640 480
	end
}

test_an_atomic_overlay_plane_is_on_top_of_the_primary() {
	# shellcheck disable=SC2016
	begin '-a -s $connector@$crtc:640x480 -P $primary@$crtc:640x480' \
		'-P $overlay@$crtc:210x90+40+60 -F plain,smpte'
	expect_picture smpte 40 60 210 90
	python3 "$here/png.py" shot.png differs 0 0 640 480
	end
}

test_a_scaled_overlay_covers_what_it_should() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480 -P $overlay@$crtc:64x48+100+100*2 -F smpte,plain'
	expect_picture differs 0 0 640 480
	# Scaled to 128x96: the pattern is whole above, beside and below.
	for at in '99 150' '228 150' '160 99' '160 196'; do
		read -r x y <<<"$at"
		python3 "$here/png.py" shot.png pixel "$x" "$y" \
			"$(python3 -c "
import sys
sys.path.insert(0, '$here')
import png
print(bytes(png.smpte($x, $y, 640, 480)).hex())")"
	done
	end
}

test_a_yuv_overlay_is_shown() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480 -P $overlay@$crtc:224x96+40+60@NV12 -F plain,smpte'
	# The white of the pattern's bottom row, clear of its neighbours.
	expect_picture pixel $((40 + 60)) $((60 + 90)) ffffff
	end
}

test_the_background_is_where_no_plane_is() {
	prepare
	# 0xffff00008000ffff: opaque, no red, half the green and all of the blue.
	client modetest -M holdfast -w "$crtc:BACKGROUND_COLOR:18446462600880390143"
	# shellcheck disable=SC2016
	show '-a -s $connector@$crtc:640x480 -P $primary@$crtc:320x240+0+0'
	expect_picture pixel 400 300 0080ff 639 0 0080ff 0 479 0080ff
	end
}

# overlays_at ZPOS ZPOS CHECK: of two overlays, the second is inside of the first. What
# is the first, if it is on top: whole, or not?
overlays_at() {
	prepare
	client modetest -M holdfast -w "$overlay:zpos:$1" -w "$overlay2:zpos:$2"
	# shellcheck disable=SC2016
	show '-a -s $connector@$crtc:640x480 -P $primary@$crtc:640x480' \
		'-P $overlay@$crtc:210x90+40+60 -P $overlay2@$crtc:60x30+80+80 -F plain,smpte'
	# It was the plain primary before.
	expect_picture pixel 45 65 c0c0c0
	expect_picture "$3" 40 60 210 90
	end
}

test_the_overlay_with_the_highest_zpos_is_on_top() {
	overlays_at 2 1 smpte
}

test_the_other_overlay_is_on_top_where_it_is_higher() {
	overlays_at 1 2 differs
}

test_overlays_with_the_same_zpos_are_in_the_order_of_their_ids() {
	overlays_at 1 1 differs
}

test_the_cursor_is_shown() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480 -C'
	expect_picture differs 0 0 640 480
	end
}

test_killing_modetest_gives_the_display_back() {
	# shellcheck disable=SC2016
	begin '-s $connector@$crtc:640x480'
	expect_picture smpte 0 0 640 480
	kill -KILL "$(cat client.pid)"
	wait "$client" || :
	# The next one is master at once.
	client modetest -M holdfast -s "$connector@$crtc:640x480" 2>err
	[ ! -s err ] || fail "$(cat err)"
	stop_server
}

tap_main "$@"
