#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Somebody sits in front of Weston: clicks on the panel, types into a terminal, and moves
# the pointer. What comes of it is on the screen.

. "$(dirname "$0")/tap.sh"
. "$here/weston-session.sh"

input() {
	"$holdfast" input --socket "$PWD/server" "$@"
}

# colour RRGGBB: is it in a window of the screen? The pointer is smaller.
colour() {
	shot now && python3 "$here/desktop.py" box now.png "$1" >box 2>/dev/null &&
		awk -F '[x+]' '{ exit !($1 > 300 && $2 > 200) }' box
}

# The icon at the left of the panel starts a terminal, with a prompt.
open_terminal() {
	need weston-terminal
	SHELL=/bin/sh ENV='' start_weston "$@"
	# Over the icon; again, until somebody looks.
	input move 22 16
	input click
	eventually 30000 colour 000000 || fail "no terminal: $(tail -n 20 weston.log)"
	# It has the focus when its shell has.
	eventually 30000 focused || fail "no focus: $(tail -n 20 weston.log)"
}

# What is typed arrives.
focused() {
	type_command ": >$PWD/focused"
	eventually 2000 test -e focused
}

# type_command TEXT: into whatever has the focus, with Return.
type_command() {
	input type "$1"
	input key Return
}

# What the terminal's shell is told to do changes the colour of its window.
test_a_terminal_takes_what_is_typed() {
	open_terminal
	type_command 'printf "\033[44m%2000s"'
	eventually 30000 colour 0000a8 || fail "the terminal is not blue"
}

test_the_same_with_pixman() {
	open_terminal --use-pixman
	type_command 'printf "\033[44m%2000s"'
	eventually 30000 colour 0000a8 || fail "the terminal is not blue"
}

# The pointer is on the cursor plane, where it was moved to.
test_the_pointer_is_a_hardware_cursor() {
	start_weston
	input move 300 200
	eventually 20000 cursor_near 300 200 || fail "$(cat planes.now)"
	input motion 100 50
	eventually 20000 cursor_moved || fail "$(cat planes.now)"
}

# cursor_near X Y: its picture covers that.
cursor_near() {
	planes >planes.now
	awk -F '[ x+]' -v x="$1" -v y="$2" '
		/^AR24/ { found = $4 <= x && $4 + $2 > x && $5 <= y && $5 + $3 > y }
		END { exit !found }' planes.now
}

cursor_moved() {
	! cursor_near 300 200 && [ "$(grep -c ^AR24 planes.now)" -eq 1 ]
}

test_a_screen_that_is_idle_goes_on_when_the_mouse_moves() {
	write_ini
	sed -i 's/idle-time=0/idle-time=1/' weston.ini
	start_weston
	# Whatever fades, it is off in the end.
	eventually 30000 is_lit off || fail "$(cat info)"
	input motion 10 10
	eventually 20000 is_lit on || fail "$(cat info)"
}

# is_lit on|off: any CRTC?
is_lit() {
	local state=off

	"$holdfast" info --socket "$PWD/server" >info
	! grep -q '^crtc.* on ' info || state=on
	[ $state = "$1" ]
}

tap_main "$@"
