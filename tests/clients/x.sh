#!/bin/bash
# SPDX-License-Identifier: MIT
#
# X: an unmodified Xorg with its modesetting driver, which draws into dumb buffers, and
# the programs that come with X as its clients.

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/xorg.sh"

# start_screen [METHOD] [OUTPUT]...: an X server with these monitors.
start_screen() {
	local output options=() method=${1:-none}
	need xsetroot xrandr python3
	shift $(($# > 0))
	for output in "${@:-640x480}"; do
		options+=(--output "$output")
	done
	start_server "${options[@]}"
	start_x "$method"
	root_is 204060
	shows 0 0 0 204060 320 240 204060
}

# start_two: 640x480, and 800x600 on the right of it.
start_two() {
	start_screen none 640x480 800x600
	shows 1 0 0 204060 799 599 204060
}

# A window of one colour, 100x100, without a border: window X Y RRGGBB.
window() {
	need xlogo
	xlogo -geometry "100x100+$1+$2" -bw 0 -bg "#$3" -fg "#$3" &
}

test_the_monitor_shows_what_the_x_server_has_drawn() {
	need xwd xclock xeyes xlogo
	start_screen
	xclock -geometry 150x150+20+20 &
	xeyes -geometry 200x100+200+20 &
	xlogo -geometry 100x100+20+200 -bg '#ffffff' -fg '#ff0000' &
	xlogo -geometry 100x100+140+200 -bw 0 -bg '#c0ffee' -fg '#c0ffee' &
	shows 0 150 210 c0ffee 239 299 c0ffee 240 300 204060 22 298 ffffff
	ask screenshot one.png
	"$here/png.py" one.png varied || fail "it does not show the clients"
	# The pointer is a plane, of which the X server's picture has nothing.
	xdotool mousemove 639 479
	eventually 10000 same_as_xwd || fail "xwd sees something else"
}

same_as_xwd() {
	ask screenshot one.png && xwd -root -silent >root.xwd &&
		"$here/xwd.py" root.xwd one.png
}

test_keys_and_clicks_reach_clients() {
	need xterm xmessage xdotool
	start_screen
	xterm -geometry 40x5+0+0 -bw 0 -b 0 -bg '#000080' -fg '#ffff00' \
		-e sh -c 'read -r colour; xsetroot -solid "#$colour"' &
	shows 0 5 50 000080
	xdotool mousemove 50 50
	# What is typed is there to be read, too.
	xdotool type 806040
	eventually 10000 terminal_has_text || fail "nothing was typed"
	xdotool key Return
	shows 0 320 240 806040
	xmessage -geometry 200x100+300+200 -buttons one:41,two:42 what &
	message=$!
	eventually 10000 xdotool search --onlyvisible --class xmessage >window ||
		fail "no window"
	# Its buttons are below the text, from the left.
	xdotool mousemove 318 288 click 1
	expect_status 41 wait "$message"
}

terminal_has_text() {
	ask screenshot shot.png
	python3 - "$here" <<-'PYTHON'
		import sys
		sys.path.insert(0, sys.argv[1])
		from png import Picture
		picture = Picture('shot.png')
		sys.exit(not any(picture.pixel(x, y) == (255, 255, 0)
		                 for x in range(36) for y in range(13)))
	PYTHON
}

# A cursor that is a white square, and has its hot spot at its corner.
square_cursor() {
	cat >square.xbm <<-'XBM'
		#define square_width 8
		#define square_height 8
		#define square_x_hot 0
		#define square_y_hot 0
		static char square_bits[] = {
		  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	XBM
	xsetroot -cursor square.xbm square.xbm -fg '#f0f0f0'
}

test_the_pointer_is_a_plane() {
	need xdotool
	start_screen
	square_cursor
	xdotool mousemove 100 200
	shows 0 100 200 f0f0f0 107 207 f0f0f0 99 200 204060 108 207 204060
	expect_info '2 == sum(len(fb["planes"]) for object in info["objects"]
		for fb in object["framebuffers"] if fb["format"] in ("XR24", "AR24"))'
	xdotool mousemove 636 0
	shows 0 100 200 204060 636 0 f0f0f0 639 7 f0f0f0 635 0 204060
}

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
	eventually 10000 hears_of HDMI-1 xrandr --output HDMI-1 --primary --reflect x ||
		fail "$(cat events)"
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

# hears_of OUTPUT COMMAND...
hears_of() {
	"${@:2}"
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

test_a_killed_x_server_can_be_started_again() {
	start_screen
	for colour in 102030 405060 708090; do
		window 0 0 ffffff
		shows 0 50 50 ffffff
		stop_x KILL || :
		expect_info 'not info["objects"] and not info["files"]'
		start_x
		root_is $colour
		shows 0 0 0 $colour 320 240 $colour
	done
	stop_x || :
	expect_info 'not info["objects"]'
}

test_x11perf_runs() {
	need x11perf
	start_screen none 1280x720
	x11perf -repeat 1 -time 1 -rect500 -copywinwin100 -putimage100 -ftext >perf 2>&1 ||
		fail "$(cat perf)"
	expect "$(grep -c 'reps @' perf)" 4 measurements
	shows 0 10 710 204060
}

test_the_atomic_interface_shows_the_same() {
	write_config() {
		cat >xorg.conf <<-'CONFIG'
			Section "ServerFlags"
				Option "AutoAddDevices" "off"
			EndSection
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
