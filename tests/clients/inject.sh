#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A display that is broken on purpose, by the command and by scenario files, and time
# that is not real.

. "$(dirname "$0")/tap.sh"

# Ten minutes of frames, twice.
case_seconds=${HOLDFAST_TEST_SECONDS:-150}

inject() {
	"$holdfast" inject --socket "$PWD/server" "$@"
}

# mistake FILE SENTENCE: `run --scenario FILE` says so, and starts nothing.
mistake() {
	expect_status 2 "$holdfast" run --scenario "$1" -- touch started 2>err
	expect "$(cat err)" "holdfast: $2"
	[ ! -e started ] || fail "the program was started"
}

test_mistakes_are_one_line_and_status_2() {
	expect_status 2 "$holdfast" inject 2>err
	expect_status 2 "$holdfast" inject frobnicate 2>>err
	expect_status 2 "$holdfast" inject flip drop many 2>>err
	expect_status 2 "$holdfast" inject edid HDMI-A-1 /nonexistent 2>>err
	expect_status 2 "$holdfast" inject --crtc 1 clear 2>>err
	expect_status 2 "$holdfast" vblank 2>>err
	expect_status 2 "$holdfast" vblank step 1 --frob 2>>err
	expect_status 2 "$holdfast" run --clock slow -- true 2>>err
	expect_status 2 "$holdfast" serve --scenario /nonexistent 2>>err
	expect "$(wc -l <err)" 9 "lines"
	expect "$(grep -vc '^holdfast: ' err)" 0 "lines of another kind"
}

test_without_a_server_there_is_nothing_to_break() {
	unset HOLDFAST_SOCKET
	expect_status 1 "$holdfast" inject clear 2>err
	expect "$(cat err)" "holdfast: no server: give --socket or set HOLDFAST_SOCKET"
	expect_status 1 "$holdfast" inject --socket "$PWD/none" clear 2>/dev/null
}

test_the_help_lists_commands_and_needs_no_server() {
	"$holdfast" inject --help >help
	grep -q '^  flip drop N' help
	grep -q '^  device unplug' help
	"$holdfast" vblank --help >help
	grep -q '^  step ' help
}

test_what_the_server_refuses_is_one_line_and_status_1() {
	start_server --output 640x480
	expect_status 1 inject unplug HDMI-A-9 2>err
	expect "$(cat err)" "holdfast: HDMI-A-9: no such connector"
	expect_status 1 inject device replug 2>err
	expect "$(cat err)" "holdfast: it is not unplugged"
	expect_status 1 inject flip drop 1 crtc 7 2>err
	expect "$(cat err)" "holdfast: there is no CRTC 7"
	expect_status 1 "$holdfast" vblank --socket "$PWD/server" step 2>err
	expect "$(cat err)" "holdfast: time passes by itself: stop it first"
	stop_server
}

test_what_is_armed_is_listed_in_words_that_arm_it() {
	start_server --output 640x480
	cat >armed <<-END
		flip drop 3 crtc 1
		flip delay 20000000ns 2 crtc 0
		commit fail 2 EBUSY test
		ioctl fail MODE_PAGE_FLIP 1 EINVAL
		ioctl fail SYNC_IOC_MERGE 4 ENOMEM
		fence delay 1000000ns
		fence fail EIO 2
		engine hang 1
		memory fail 9 250
	END
	while read -r line; do
		# shellcheck disable=SC2086 # words
		inject $line
	done <armed
	inject list | sort >list
	sort armed | diff - list
	inject clear
	expect "$(inject list)" ""
	stop_server
}

test_modetest_sees_what_is_plugged_in() {
	need modetest
	start_server --output 640x480 --output 800x600
	inject unplug HDMI-A-1
	inject plug HDMI-A-2 1600x1200
	client modetest -M holdfast -c >list
	grep -q $'\tdisconnected\tHDMI-A-1' list
	grep -q $'\tconnected\tHDMI-A-2' list
	grep -q '#0 1600x1200 60' list
	inject modes HDMI-A-2 720x400@70
	client modetest -M holdfast -c >list
	expect "$(grep -c '  #[0-9]' list)" 1 "modes"
	grep -q '#0 720x400 69' list
	stop_server
}

test_the_node_of_an_unplugged_device_is_gone() {
	start_server --output 640x480
	before=$(client sh -c 'echo /dev/dri/card*')
	inject device unplug
	expect "$(client sh -c 'ls /dev/dri | grep -c card' || :)" \
		"$(find /dev/dri -name 'card*' 2>/dev/null | wc -l)" "cards"
	inject device replug
	after=$(client sh -c 'echo /dev/dri/card*')
	[ "$before" != "$after" ] || fail "the same node came back: $after"
	client "$programs/frames" 3 >/dev/null
	stop_server
}

# listen: udevadm in the background, until it hears what happens.
listen() {
	start_client udevadm monitor --kernel --property --subsystem-match=drm
	eventually 10000 hears || fail "udevadm hears nothing: $(cat out)"
	: >out
}

hears() {
	inject plug HDMI-A-1 640x480
	eventually 500 grep -q '^HOTPLUG=1$' out
}

# heard LINE...: in one message.
heard() {
	eventually 10000 in_one "$@" || fail "not heard: $*: $(cat out)"
}

in_one() {
	awk -v RS= -v lines="$*" '
		BEGIN { n = split(lines, line, " ") }
		{ for (i = 1; i <= n && "\n" $0 "\n" ~ "\n" line[i] "\n"; i++); found = found || i > n }
		END { exit !found }' out
}

test_udevadm_hears_what_is_done_to_monitors() {
	need udevadm
	start_server --output 640x480
	listen
	connector=$(client modetest -M holdfast -c | awk '/HDMI-A-1/ { print $1 }')
	inject unplug HDMI-A-1
	heard ACTION=change HOTPLUG=1 "CONNECTOR=$connector"
	: >out
	inject link HDMI-A-1 bad
	heard HOTPLUG=1 "CONNECTOR=$connector" 'PROPERTY=[0-9]+'
	stop_server
}

test_udevadm_hears_of_a_device_that_goes_and_of_a_new_one() {
	need udevadm
	start_server --output 640x480
	listen
	inject device unplug
	heard ACTION=remove 'DEVNAME=/dev/dri/card[0-9]+' DEVTYPE=drm_minor
	heard ACTION=remove 'DEVNAME=/dev/dri/renderD[0-9]+'
	: >out
	inject device replug
	heard ACTION=add 'DEVNAME=/dev/dri/card[0-9]+' DEVTYPE=drm_minor
	stop_server
}

test_mistakes_in_a_scenario_have_their_line() {
	printf 'at 1s clear\n\nat 2s explode\n' >a
	mistake a "a:3: explode: no such command"
	printf '# nothing\nunplug HDMI-A-1\n' >b
	mistake b "b:2: a line begins with at, not with unplug"
	printf 'at 1s unplug HDMI-A-9\n' >c
	mistake c "c:1: HDMI-A-9: no such connector"
	mistake none "none: No such file or directory"
}

test_a_server_that_runs_takes_no_scenario() {
	start_server
	echo 'at 1s clear' >a
	expect_status 2 "$holdfast" run --socket "$PWD/server" --scenario a -- true 2>err
	expect "$(wc -l <err)" 1 "lines"
	stop_server
}

# What happens to the frames of this is the same in each run, to the microsecond.
scenario() {
	cat >scenario <<-END
		at frame 20 commit fail 3 ENOSPC
		at frame 40 flip drop 1
		at vblank 700 flip delay 25ms 4
		at 13s unplug HDMI-A-1
		at 13.5s plug HDMI-A-1 640x480
		at 14s ioctl fail MODE_PAGE_FLIP 2 EINVAL
		at 2s after first commit link HDMI-A-1 bad
		at 15s suspend
		at 16s resume
	END
}

run_scenario() {
	HOLDFAST_LOG=info "$holdfast" run --output 640x480 --clock fast \
		--scenario scenario -- "$programs/frames" 1200 >"$1.frames" 2>"$1.log"
}

test_a_scenario_gives_the_same_run_each_time() {
	scenario
	run_scenario first
	run_scenario second
	diff first.frames second.frames
	diff first.log second.log
	expect "$(grep -c '^holdfast: scenario:' first.log)" 9 "events"
	grep -q 'flip_done timed out' first.log
	expect "$(grep -c 'No space left on device' first.frames)" 3 "failed commits"
	expect "$(grep -c 'Invalid argument' first.frames)" 2 "failed ioctls"
	expect "$(grep -c 'nothing' first.frames)" 1 "lost flips"
	grep -q 'Device or resource busy' first.frames
}

test_ten_minutes_of_frames_are_the_same_twice() {
	time "$holdfast" run --output 640x480@60 --clock fast -- "$programs/frames" 36000 >first
	time "$holdfast" run --output 640x480@60 --clock fast -- "$programs/frames" 36000 >second
	cmp first second
	expect "$(wc -l <first)" 36000 "frames"
	expect "$(sort -n first | cut -d' ' -f2 | uniq -c | awk '{ print $1, $2 }')" \
		"36000 vblank"
	# One a vblank, and as long as it is to be, to the microsecond.
	tail -n 1 first | awk '{
		print
		exit !($1 == "36000:" && $5 > 599 * 1000000 && $5 < 602 * 1000000)
	}'
}

test_time_is_stepped_from_outside() {
	need modetest
	start_server --output 640x480 --clock manual
	"$holdfast" run --socket "$PWD/server" -- "$programs/frames" 5 >out &
	client=$!
	# Each step lets one more frame be shown; the first is the modeset's.
	for _ in $(seq 200); do
		kill -0 $client 2>/dev/null || break
		"$holdfast" vblank --socket "$PWD/server" step 2>/dev/null || :
		sleep 0.02
	done
	wait $client
	expect "$(wc -l <out)" 5 "frames"
	stop_server
}

test_a_program_of_others_is_as_fast_as_it_can_be() {
	need kmscube
	LIBGL_ALWAYS_SOFTWARE=1 "$holdfast" run --output 640x480 --clock fast --stats -- \
		kmscube -c 60 >out 2>err || fail "$(cat out err)"
	grep -q '^holdfast: [0-9]* frames' err
}

tap_main "$@"
