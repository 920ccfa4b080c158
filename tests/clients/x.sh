#!/bin/bash
# SPDX-License-Identifier: MIT
#
# X: an unmodified Xorg with its modesetting driver, which draws into dumb buffers, and
# the programs that come with X as its clients.

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/xorg.sh"

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

# A terminal that makes what is typed into it the root window's colour.
start_terminal() {
	need xterm
	xterm -geometry 40x5+0+0 -bw 0 -b 0 -bg '#000080' -fg '#ffff00' \
		-e sh -c 'read -r colour; xsetroot -solid "#$colour"' &
	shows 0 5 50 000080
}

# A window with buttons; $message ends with the status of the one that is clicked.
start_message() {
	need xmessage xdotool
	xmessage -geometry 200x100+300+200 -buttons one:41,two:42 what &
	message=$!
	eventually 10000 xdotool search --onlyvisible --class xmessage >window ||
		fail "no window"
	# Its first button, in white on whatever is there.
	shows 0 318 281 ffffff
}

test_keys_and_clicks_of_its_own_extension_reach_clients() {
	need xdotool
	start_screen
	start_terminal
	xdotool mousemove 50 50
	# What is typed is there to be read, too.
	xdotool type 806040
	eventually 10000 terminal_has_text || fail "nothing was typed"
	xdotool key Return
	shows 0 320 440 806040
	start_message
	xdotool mousemove 318 288 click 1
	expect_status 41 wait "$message"
}

test_a_keyboard_and_a_tablet_reach_clients() {
	start_screen
	start_terminal
	ask input move 50 50
	ask input type 806040
	eventually 10000 terminal_has_text || fail "nothing was typed: $(cat xorg.log)"
	ask input key Return
	shows 0 320 440 806040
	start_message
	ask input move 318 288
	ask input click
	expect_status 41 wait "$message"
}

test_a_mouse_moves_the_pointer() {
	need xdotool
	start_screen
	square_cursor
	ask input move 100 100
	shows 0 100 100 f0f0f0
	ask input motion 60 0
	eventually 10000 pointer_is_right_of 100 || fail "$(xdotool getmouselocation)"
	expect "$(xdotool getmouselocation | sed 's/.* y:\([0-9]*\).*/\1/')" 100 y
}

pointer_is_right_of() {
	[ "$(xdotool getmouselocation | sed 's/x:\([0-9]*\).*/\1/')" -gt "$1" ]
}

test_a_finger_touches_a_button() {
	start_screen
	start_message
	ask input touch down 0 318 288
	ask input touch up 0
	expect_status 41 wait "$message"
}

test_another_terminal_comes_to_the_front_and_goes() {
	start_screen
	ask input key ctrl+alt+f1
	expect_info 'not any(file["master"] for file in info["files"])'
	ask input key ctrl+alt+f2
	expect_info 'any(file["master"] for file in info["files"])'
	root_is 806040
	shows 0 320 240 806040
}

test_two_x_servers_share_a_device() {
	start_screen
	first=$client first_x=$xserver
	# The other goes on the next terminal, and has that in front.
	start_x none -logfile "$PWD/second.log"
	root_is 806040
	shows 0 320 240 806040
	ask input key ctrl+alt+f2
	shows 0 320 240 204060
	ask input key ctrl+alt+f3
	shows 0 320 240 806040
	kill "$first_x"
	wait "$first" || :
	shows 0 320 240 806040
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

test_a_killed_x_server_can_be_started_again() {
	start_screen
	for colour in 102030 405060 708090; do
		window 0 0 ffffff
		shows 0 50 50 ffffff
		stop_x KILL || :
		forget_display
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
	x11perf -repeat 1 -time 1 -rect100 -putimage100 >perf 2>&1 ||
		fail "$(cat perf)"
	expect "$(grep -c 'reps @' perf)" 2 measurements
	shows 0 10 710 204060
}

tap_main "$@"
