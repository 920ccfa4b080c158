#!/bin/bash
# SPDX-License-Identifier: MIT
#
# X on several monitors: RandR, gamma, DPMS, and monitors that come and go.

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/xorg.sh"

test_a_mode_is_set() {
	start_screen none 1280x720
	xrandr --output HDMI-1 --mode 800x600
	expect_crtc 0 'on  800x600'
	xrandr --output HDMI-1 --auto
	expect_crtc 0 'on  1280x720'
	xrandr --output HDMI-1 --off
	expect_crtc 0 off
	xrandr --output HDMI-1 --preferred
	expect_crtc 0 'on  1280x720'
	shows 0 0 0 204060 1279 719 204060
}

test_two_monitors_are_placed() {
	start_two
	window 600 100 ff8000
	shows 0 639 150 ff8000 599 150 204060
	shows 1 0 150 ff8000 59 150 ff8000 60 150 204060
	xrandr --output HDMI-2 --pos 0x480
	shows 0 639 150 ff8000
	shows 1 0 150 204060
	xrandr --output HDMI-2 --same-as HDMI-1
	shows 1 639 150 ff8000 599 150 204060
	xrandr --output HDMI-2 --off
	expect_crtc 1 off
	xrandr --output HDMI-2 --auto --left-of HDMI-1
	shows 1 639 150 ff8000 799 599 204060
}

test_a_monitor_is_turned() {
	start_screen
	window 0 0 ff8000
	shows 0 0 0 ff8000 99 99 ff8000 100 99 204060
	xrandr --output HDMI-1 --rotate left
	shows 0 0 479 ff8000 99 380 ff8000 100 479 204060 0 379 204060
	xrandr --output HDMI-1 --rotate inverted
	shows 0 639 479 ff8000 540 380 ff8000 539 479 204060
	xrandr --output HDMI-1 --rotate normal --reflect x
	shows 0 639 0 ff8000 540 99 ff8000 539 0 204060
	xrandr --output HDMI-1 --reflect normal
	shows 0 0 0 ff8000 99 99 ff8000 100 99 204060
}

test_a_monitor_is_scaled() {
	start_screen
	window 0 0 ff8000
	xrandr --output HDMI-1 --filter nearest --scale 0.5x0.5
	shows 0 0 0 ff8000 199 199 ff8000 200 199 204060
	xrandr --output HDMI-1 --filter nearest --scale 2x2
	shows 0 0 0 ff8000 49 49 ff8000 50 49 204060
}

test_brightness_and_gamma_are_the_crtcs() {
	start_two
	xrandr --output HDMI-1 --brightness 0.5
	shows 0 320 240 102030
	shows 1 320 240 204060
	# xrandr makes a curve of the inverse.
	xrandr --output HDMI-1 --brightness 1 --gamma 0.5:1:1
	shows 0 320 240 044060
	xrandr --output HDMI-1 --gamma 1:1:1
	shows 0 320 240 204060
}

test_dpms_and_the_screen_saver_darken_the_monitor() {
	need xset
	start_screen
	xset dpms force off
	expect_crtc 0 off
	xset dpms force on
	expect_crtc 0 on
	shows 0 320 240 204060
	xset s blank
	xset s activate
	shows 0 320 240 000000
	xset s reset
	shows 0 320 240 204060
}

test_clients_hear_of_monitors_that_come_and_go() {
	need xev
	start_screen none 640x480 off
	stdbuf -oL xev -root -event randr >events &
	# It listens by the time that it hears of this.
	eventually 10000 hears_of HDMI-1 || fail "$(cat events)"
	ask inject plug HDMI-A-2 800x600
	eventually 10000 grep -A2 'RROutputChangeNotify' events >/dev/null
	eventually 10000 output_is 2 connected || fail "$(xrandr)"
	eventually 10000 event_says HDMI-2 RR_Connected || fail "$(cat events)"
	xrandr --output HDMI-2 --auto --right-of HDMI-1
	shows 1 799 599 204060
	xrandr --verbose >properties
	sed -n '/^HDMI-2/,$p' properties | grep -A1 'EDID:' | grep -q 00ffffffffffff00 ||
		fail "$(cat properties)"
	ask inject unplug HDMI-A-2
	eventually 10000 event_says HDMI-2 RR_Disconnected || fail "$(cat events)"
	output_is 2 disconnected || fail "$(xrandr)"
	xrandr --output HDMI-2 --off
	expect_crtc 1 off
}

# hears_of OUTPUT: that it is turned over, and back.
hears_of() {
	xrandr --output "$1" --primary --reflect x
	xrandr --output "$1" --primary --reflect normal
	grep -q "output $1" events
}

# output_is N STATE
output_is() {
	xrandr | grep -q "^HDMI-$1 $2"
}

# event_says OUTPUT CONNECTION
event_says() {
	grep -A3 "output $1," events | grep -q "connection $2"
}

test_the_atomic_interface_shows_the_same() {
	write_config() {
		cat >xorg.conf <<-'CONFIG'
			Section "Device"
				Identifier "holdfast"
				Driver "modesetting"
				Option "AccelMethod" "none"
				Option "Atomic" "on"
			EndSection
		CONFIG
	}
	start_two
	grep -q '"Atomic" "on"' xorg.log || fail "$(cat xorg.log)"
	window 600 100 ff8000
	shows 1 0 150 ff8000 59 150 ff8000 60 150 204060
	xrandr --output HDMI-1 --rotate left --output HDMI-2 --brightness 0.5
	shows 1 400 300 102030
	xrandr --output HDMI-2 --off
	expect_crtc 1 off
	xset dpms force off
	expect_crtc 0 off
	xset dpms force on
	expect_crtc 0 on
}

tap_main "$@"
