#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A compositor that nobody here wrote sees monitors come and go: Weston.

. "$(dirname "$0")/tap.sh"

# start_weston: on two monitors; what it says is in the file weston.log.
start_weston() {
	need weston python3
	start_server --output 1280x720 --output 1024x768
	mkdir -m 700 run
	XDG_RUNTIME_DIR=$PWD/run "$holdfast" run --socket "$PWD/server" -- \
		python3 "$here/weston.py" --no-config --backend=drm-backend.so --use-pixman \
		--continue-without-input --shell=fullscreen-shell.so --idle-time=0 \
		--log="$PWD/weston.log" >out 2>&1 &
	launcher=$!
	eventually 20000 said 1 "Output 'HDMI-A-2' enabled" ||
		fail "it does not show anything: $(cat out weston.log)"
}

# said TIMES WHAT
said() {
	[ "$(grep -c "$2" weston.log)" -ge "$1" ]
}

# plug CONNECTOR STATE
plug() {
	# shellcheck disable=SC2016
	client bash -c 'echo "$2" >"$(echo /sys/class/drm/card*-$1/status)"' bash "$1" "$2"
}

# Only what it hears: Weston 10 may fail an assertion of its own when it shows the second
# monitor again, for it then takes the planes of the first away, and so gets an event
# that it does not expect.
test_weston_follows_a_monitor_that_is_unplugged_and_replugged() {
	start_weston
	plug HDMI-A-2 off
	eventually 10000 said 1 "'HDMI-A-2' updated, connector [0-9]* is disconnected" ||
		fail "$(cat weston.log)"
	eventually 10000 said 1 "Output 'HDMI-A-2' no heads left, disabling" ||
		fail "$(cat weston.log)"
	plug HDMI-A-2 detect
	eventually 10000 said 2 "'HDMI-A-2' updated, connector [0-9]* is connected" ||
		fail "$(cat weston.log)"
}

test_weston_survives_that_a_monitor_goes() {
	start_weston
	plug HDMI-A-2 off
	eventually 10000 said 1 "no heads left, disabling"
	# The other one is not concerned.
	expect "$(grep -c "'HDMI-A-1' updated" weston.log)" 1
	kill -0 $launcher
}

tap_main "$@"
