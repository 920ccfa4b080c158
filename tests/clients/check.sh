#!/bin/bash
# SPDX-License-Identifier: MIT
#
# `--check` and `--strict`: what a program does wrong with what is shown is said in a
# line, and nothing is said of one that does it right.

. "$(dirname "$0")/tap.sh"

# strict STATUS PROGRAM...: what was said is in the file err.
strict() {
	expect_status "$1" "$holdfast" run --strict --output 640x480@500 -- "${@:2}" 2>err ||
		fail "$(cat err)"
}

# said N TEXT: there are so many lines, and one of them has that.
said() {
	expect "$(grep -c 'problem: ' err)" "$1" "problems: $(cat err)"
	grep -q "problem: [0-9.]* pid [0-9]* (mistakes): .*$2" err || fail "$(cat err)"
}

test_nothing_is_said_of_a_program_that_does_it_right() {
	strict 0 "$programs/mistakes" none
	[ ! -s err ] || fail "$(cat err)"
}

test_drawing_on_what_is_shown_is_fine_if_it_is_said() {
	strict 0 "$programs/mistakes" dirty
}

test_a_write_to_what_is_scanned_out_is_found() {
	strict 99 "$programs/mistakes" write
	said 1 'framebuffer [0-9]* of object [0-9]*: written while it is scanned out: 10x5 pixels at 100,50$'
	grep -q '^holdfast: --strict: 1 problem$' err || fail "$(cat err)"
}

test_a_write_before_the_flip_is_done_is_found() {
	strict 99 "$programs/mistakes" early
	said 1 'written while it is scanned out'
}

test_a_write_to_a_picture_that_stays_is_found_meanwhile() {
	open_keys
	"$holdfast" run --check --output 640x480 -- "$programs/mistakes" still <&"$keys" >out 2>err &
	run=$!
	eventually 10000 grep -q 'written while it is scanned out' err || fail "$(cat err)"
	echo >&"$keys"
	wait "$run"
	said 1 'written while it is scanned out'
}

test_a_framebuffer_that_is_removed_while_it_is_shown_is_found() {
	strict 99 "$programs/mistakes" rmfb
	said 1 'framebuffer [0-9]* of object [0-9]*: removed while plane [0-9]* shows it on CRTC [0-9]*'
}

test_what_is_left_at_the_end_is_found() {
	strict 99 "$programs/mistakes" leak
	expect "$(grep -c 'object [0-9]* of 1228800 bytes, handle [12]: not closed' err)" 2 "$(cat err)"
	expect "$(grep -c 'framebuffer [0-9]* of object [0-9]*: not removed' err)" 2 "$(cat err)"
}

test_a_job_that_writes_to_what_is_scanned_out_is_found() {
	strict 99 "$programs/mistakes" render
	grep -q 'a job writes to it while it is scanned out' err || fail "$(cat err)"
}

test_accesses_without_a_sync_are_found_where_nothing_is_shown() {
	"$holdfast" run --check --non-coherent -- "$programs/../engine/engine-coherency" >out 2>err || :
	grep -q 'problem: .*: [0-9]* accesses without a sync' err || fail "$(cat out err)"
}

test_a_framebuffer_that_is_shown_before_its_job_is_done_is_found() {
	strict 99 "$programs/mistakes" fence
	grep -q 'before a job that writes to it is done' err || fail "$(cat err)"
}

test_a_program_that_fails_keeps_its_status() {
	strict 7 sh -c "$programs/mistakes leak; exit 7"
	grep -q -- '--strict: 4 problems' err || fail "$(cat err)"
}

test_a_running_server_lists_them() {
	start_server --output 640x480@500 --check 2>err
	client "$programs/mistakes" write
	eventually 5000 "$holdfast" info --socket "$PWD/server" --problems >list
	expect "$(wc -l <list)" 1 "$(cat list)"
	grep -q '^[0-9.]* pid [0-9]* (mistakes): framebuffer .* written while' list || fail "$(cat list)"
	"$holdfast" info --socket "$PWD/server" --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
assert info["problem_count"] == 1, info
assert info["problems"][0]["program"] == "mistakes", info'
	stop_server
}

test_what_a_device_that_is_unplugged_takes_away_is_not_left() {
	open_keys
	start_server --output 640x480@500 --strict 2>err
	start_client "$programs/mistakes" idle
	eventually 10000 grep -q shown out || fail "$(cat out err)"
	"$holdfast" inject --socket "$PWD/server" device unplug
	press_key
	wait "$client"
	"$holdfast" inject --socket "$PWD/server" device replug
	client "$programs/mistakes" none
	stop_server
	! grep problem err || fail "$(cat err)"
	rm serve.out
	# The new one is looked at as the old one was.
	start_server --output 640x480@500 --check 2>err
	"$holdfast" inject --socket "$PWD/server" device unplug
	"$holdfast" inject --socket "$PWD/server" device replug
	client "$programs/mistakes" write
	eventually 5000 grep -q 'written while it is scanned out' err || fail "$(cat err)"
	stop_server
}

test_a_strict_server_fails_at_the_end() {
	start_server --output 640x480@500 --strict 2>err
	client "$programs/mistakes" rmfb
	kill "$server"
	expect_status 1 wait "$server"
}

test_a_server_that_runs_is_not_strict_for_another() {
	start_server
	for option in --check --strict --trace=trace; do
		expect_status 2 "$holdfast" run --socket "$PWD/server" "$option" -- touch started 2>err
		expect "$(wc -l <err)" 1 "lines"
		[ ! -e started ] || fail "the program was started"
	done
	stop_server
}

test_without_checks_there_is_no_list() {
	start_server
	expect_status 1 "$holdfast" info --socket "$PWD/server" --problems 2>err
	grep -q 'was not started with --check' err || fail "$(cat err)"
	stop_server
}

test_modetest_leaves_nothing_wrong_but_what_it_leaves() {
	need modetest
	"$holdfast" run --check --output 640x480 -- modetest -M holdfast -r </dev/null 2>err
	! grep 'scanned out\|before a job' err || fail "$(cat err)"
}

test_kmscube_draws_on_nothing_that_is_shown() {
	need kmscube
	open_keys
	"$holdfast" run --check --output 640x480 -- kmscube -c 20 >out 2>err <&"$keys" || fail "$(cat err)"
	! grep 'scanned out\|before a job' err || fail "$(cat err)"
}

tap_main "$@"
