#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A compositor that nobody here wrote sees monitors come and go: Weston.

. "$(dirname "$0")/tap.sh"

# start_weston MONITORS: up to the last of so many; what it says is in the file weston.log.
start_weston() {
	need weston dbus-daemon
	[ -n "${server:-}" ] || start_server --output 1280x720 --output 1024x768
	mkdir -m 700 run
	XDG_RUNTIME_DIR=$PWD/run "$holdfast" run --logind --socket "$PWD/server" -- \
		weston --no-config --backend=drm-backend.so --use-pixman \
		--shell=fullscreen-shell.so --idle-time=0 \
		--log="$PWD/weston.log" >out 2>&1 &
	eventually 20000 said "Output 'HDMI-A-$1' enabled" ||
		fail "it does not show anything: $(cat out weston.log)"
}

# said WHAT
said() {
	grep -qs "$1" weston.log
}

# plug CONNECTOR STATE
plug() {
	# shellcheck disable=SC2016
	client bash -c 'echo "$2" >"$(echo /sys/class/drm/card*-$1/status)"' bash "$1" "$2"
}

# Only what it hears: Weston 10 may fail an assertion of its own soon after, for in its next
# commit it takes the planes of all outputs away, and gets an event for one too many.
test_weston_hears_of_a_monitor_that_is_unplugged() {
	start_weston 2
	plug HDMI-A-2 off
	eventually 10000 said "'HDMI-A-2' updated, connector [0-9]* is disconnected" ||
		fail "$(cat weston.log)"
	eventually 10000 said "Output 'HDMI-A-2' no heads left, disabling" ||
		fail "$(cat weston.log)"
}

test_weston_hears_of_a_monitor_that_is_plugged_in() {
	start_server --output 1280x720 --output 1024x768
	plug HDMI-A-2 off
	start_weston 1
	plug HDMI-A-2 detect
	eventually 10000 said "'HDMI-A-2' updated, connector [0-9]* is connected" ||
		fail "$(cat weston.log)"
	eventually 10000 said "Output 'HDMI-A-2' enabled" || fail "$(cat weston.log)"
}

tap_main "$@"
