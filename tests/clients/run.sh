#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The command: what `holdfast run` does around the program, and `serve`,
# `screenshot` and `info` beside it.

. "$(dirname "$0")/tap.sh"

test_the_exit_status_is_the_programs() {
	expect_status 0 "$holdfast" run -- true
	expect_status 7 "$holdfast" run -- sh -c 'exit 7'
	expect_status 255 "$holdfast" run -- sh -c 'exit 255'
}

test_a_signal_gives_128_and_its_number() {
	expect_status 143 "$holdfast" run -- sh -c 'kill -TERM $$'
	expect_status 137 "$holdfast" run -- sh -c 'kill -KILL $$'
}

test_a_program_that_does_not_exist_gives_127() {
	expect_status 127 "$holdfast" run -- ./no-such-program 2>err
	expect "$(wc -l <err)" 1 "lines on stderr"
}

test_a_program_that_cannot_be_executed_gives_126() {
	echo text >file
	expect_status 126 "$holdfast" run -- ./file 2>err
	expect "$(wc -l <err)" 1 "lines on stderr"
}

refused() {
	expect_status 2 "$holdfast" "$@" >out 2>err
	expect "$(wc -l <err)" 1 "lines on stderr of $*"
	[ ! -s out ] || fail "$* printed on stdout: $(cat out)"
}

test_a_mistake_on_the_command_line_is_one_line_and_status_2() {
	refused
	refused frobnicate
	refused --frobnicate
	refused run
	refused run --
	refused run --frobnicate -- true
	refused run --output -- true
	refused run --output abc -- true
	refused run --output 0x0 -- true
	refused run --output 640x480@0 -- true
	refused run --output 999999x999999 -- true
	refused run --output 640x480junk -- true
	refused run --output '640x480@60 ' -- true
	refused run --screenshot /no/such/directory/shot.png -- true
	refused run --trace /no/such/directory/trace -- true
	refused serve extra
	refused screenshot
	refused screenshot --crtc x shot.png
	refused info --frobnicate
}

test_help_and_version_are_printed() {
	"$holdfast" --version | grep -Eq '^holdfast [0-9]+\.[0-9]+'
	"$holdfast" --help >help
	for command in run serve screenshot info top; do
		grep -q "$command" help || fail "no $command in: $(cat help)"
	done
}

test_without_a_server_the_others_say_so() {
	for command in info top 'screenshot shot.png'; do
		# shellcheck disable=SC2086
		if env -u HOLDFAST_SOCKET "$holdfast" $command >out 2>err; then
			fail "$command succeeded"
		fi
		expect "$(wc -l <err)" 1 "lines on stderr of $command"
	done
}

# passes_on SIGNAL: `holdfast run` gets it, the program acts on it.
passes_on() {
	rm -f out
	# shellcheck disable=SC2016
	"$holdfast" run -- sh -c '
		trap "exit 9" '"$1"'
		echo ready
		while :; do sleep 0.01; done' >out &
	runner=$!
	eventually 5000 grep -q ready out
	kill -s "$1" $runner
	expect_status 9 wait $runner
}

test_signals_are_passed_on() {
	passes_on TERM
	passes_on HUP
	passes_on USR1
	passes_on USR2
}

test_a_sigterm_ends_a_program_that_does_not_mind_it() {
	"$holdfast" run -- sleep 60 &
	runner=$!
	sleep 0.2
	kill -TERM $runner
	expect_status 143 wait $runner
}

test_the_standard_streams_pass_through() {
	expect "$(seq 1000 | "$holdfast" run -- cat | cksum)" "$(seq 1000 | cksum)"
	expect "$("$holdfast" run -- sh -c 'echo error >&2' 2>&1 >/dev/null)" error
	"$holdfast" run -- sh -c 'echo given >&5' 5>five
	expect "$(cat five)" given
}

test_arguments_and_directory_are_the_programs() {
	# shellcheck disable=SC2016
	expect "$("$holdfast" run -- sh -c 'printf "[%s]" "$@"' sh 'a b' '' -- --output)" \
		'[a b][][--][--output]'
	expect "$("$holdfast" run -- pwd)" "$PWD"
}

# Processes whose environment carries the mark of this test.
marked() {
	local environ
	for environ in /proc/[0-9]*/environ; do
		if grep -qsz "^HOLDFAST_MARK=$1\$" "$environ"; then
			echo "$environ"
		fi
	done 2>/dev/null
}

no_marked() {
	[ -z "$(marked "$1")" ]
}

# leaves_nothing SIGNAL: a run whose program lit the display and then got the
# signal (0: none) leaves no process, socket or file.
leaves_nothing() {
	rm -rf tmp
	mkdir tmp
	# shellcheck disable=SC2016
	env HOLDFAST_MARK="$$.$1" TMPDIR="$PWD/tmp" XDG_RUNTIME_DIR="$PWD/tmp" \
		"$holdfast" run --output 640x480 -- sh -c '
			echo "$HOLDFAST_SOCKET" >socket
			echo $$ >pid
			'"$2"'
			[ "$0" = 0 ] || exec sleep 60' "$1" &
	runner=$!
	eventually 5000 test -s pid || fail "the program did not start"
	if [ "$1" != 0 ]; then
		kill -s "$1" "$(cat pid)"
	fi
	wait $runner || :
	eventually 100 no_marked "$$.$1" || fail "left processes: $(marked "$$.$1")"
	expect "$(find tmp -mindepth 1)" ''
	socket=$(cat socket)
	[ -n "$socket" ] || fail "HOLDFAST_SOCKET is not set"
	[ ! -e "$socket" ] || fail "left the socket $socket"
	# An abstract socket has no file.
	if grep -qF -- "${socket#@}" /proc/net/unix; then
		fail "left a socket: $(grep -F -- "${socket#@}" /proc/net/unix)"
	fi
	rm pid socket
}

test_nothing_is_left_behind() {
	leaves_nothing 0 'true'
	leaves_nothing 0 'modetest -M holdfast -r </dev/null >/dev/null 2>&1 || :'
	leaves_nothing TERM 'true'
	leaves_nothing KILL 'true'
}

test_a_background_process_does_not_keep_the_device() {
	env HOLDFAST_MARK="$$.b" timeout 10 "$holdfast" run -- \
		sh -c 'sleep 0.3 & exit 3' || expect $? 3 "status"
}

test_devices_run_side_by_side() {
	need modetest
	for size in 640x480 800x600 1024x768 1280x720; do
		"$holdfast" run --output $size -- \
			sh -c 'modetest -M holdfast -c; sleep 0.3; modetest -M holdfast -c' >list-$size &
	done
	wait
	for size in 640x480 800x600 1024x768 1280x720; do
		expect "$(grep -c "#0 $size" list-$size)" 2 "$size"
	done
}

test_twenty_runs_at_once() {
	runners=
	for number in $(seq 20); do
		"$holdfast" run -- sh -c "drmdevice >$number.out && exit $number" &
		runners="$runners $!"
	done
	number=0
	for runner in $runners; do
		number=$((number + 1))
		expect_status $number wait "$runner"
	done
}

# In a container a program may have no capability at all.
test_an_ordinary_user_without_capabilities() {
	need setpriv modetest
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --clear-groups test -x "$holdfast" ||
			skip "the build directory is closed to ordinary users"
		drop='setpriv --reuid=65534 --regid=65534 --clear-groups --bounding-set=-all --no-new-privs'
	else
		drop='setpriv --no-new-privs'
	fi
	# shellcheck disable=SC2016
	$drop sh -c '"$0" run --output 640x480 -- modetest -M holdfast -r </dev/null' "$holdfast" \
		>out 2>&1 || fail "$(cat out)"
	grep -q 'setting mode 640x480' out
}

test_a_root_that_is_read_only() {
	[ "$(id -u)" -eq 0 ] || skip "needs root to remount"
	unshare -m true 2>/dev/null || skip "may not unshare mounts"
	need modetest
	# shellcheck disable=SC2016
	unshare -m sh -c '
		mount --make-rprivate /
		while read -r _ at _; do
			case $at in
			/proc* | /sys* | /dev/pts | /dev/mqueue) ;;
			*) mount -o remount,bind,ro "$at" 2>/dev/null ;;
			esac
		done </proc/self/mounts
		if touch /tmp/holdfast-is-read-only 2>/dev/null; then
			rm /tmp/holdfast-is-read-only
			exit 99
		fi
		unset TMPDIR XDG_RUNTIME_DIR
		"$0" run --output 640x480 -- modetest -M holdfast -r </dev/null
	' "$holdfast" >out 2>&1 || {
		[ $? -ne 99 ] || skip "may not remount read-only"
		fail "$(cat out)"
	}
	grep -q 'setting mode 640x480' out
}

test_the_environment_is_otherwise_the_programs_own() {
	env | grep -Ev '^(_|LD_PRELOAD|LIBGL_DRIVERS_PATH|HOLDFAST[A-Z_]*)=' | sort >before
	"$holdfast" run -- env | grep -Ev '^(_|LD_PRELOAD|LIBGL_DRIVERS_PATH|HOLDFAST[A-Z_]*)=' | sort >after
	diff before after
}

test_a_preloaded_library_stays_preloaded() {
	# shellcheck disable=SC2016
	LD_PRELOAD=libm.so.6 "$holdfast" run -- sh -c 'echo "$LD_PRELOAD"' >out
	grep -q 'libm.so.6' out || fail "$(cat out)"
}

test_stats_are_one_line_at_the_end() {
	"$holdfast" run --stats --output 640x480 -- modetest -M holdfast -r </dev/null >out 2>err
	expect "$(tail -n 1 err | grep -Eci 'frames.*objects.*pages.*faults')" 1 "stats in $(cat err)"
	"$holdfast" run --stats -- true 2>err
	expect "$(wc -l <err)" 1 "lines on stderr"
}

test_nothing_is_held_after_the_program_has_ended() {
	need modetest
	eval "$("$holdfast" run --output 640x480 -- modetest -M holdfast |
		awk -f "$here/pipe.awk")"
	# It ends in the middle of flipping.
	# shellcheck disable=SC2154 # pipe.awk assigns them
	sleep 1 | "$holdfast" run --output 640x480 --screenshot shot.png --stats -- \
		modetest -M holdfast -s "$connector@$crtc:640x480" -v >out 2>err
	expect "$(tail -n 1 err | grep -o '[0-9]* pages held')" '0 pages held'
}

test_a_trace_names_the_ioctls() {
	need modetest
	"$holdfast" run --trace trace -- modetest -M holdfast -c >list
	grep -q VERSION trace || fail "$(head trace)"
}

test_serve_prints_an_environment_that_works() {
	need drmdevice
	start_server
	grep -q '^\(export \)\?HOLDFAST_SOCKET=' serve.out
	sh -c '
		set -a
		eval "$(cat serve.out)"
		drmdevice' >out
	grep -q 'nodes\[0\] /dev/dri/card' out || fail "$(cat serve.out out)"
	stop_server
	[ ! -e server ] || fail "left the socket"
}

test_serve_ends_on_sigint() {
	# The shell has a background command ignore the signal.
	env --default-signal=INT "$holdfast" serve --socket "$PWD/server" >serve.out &
	server=$!
	eventually 5000 grep -q LD_PRELOAD serve.out
	kill -INT "$server"
	expect_status 0 wait "$server"
	[ ! -e server ] || fail "left the socket"
}

test_run_joins_a_server_that_listens() {
	need modetest
	start_server --output 800x600
	client modetest -M holdfast -c >first
	client modetest -M holdfast -c >second
	grep -q '#0 800x600' first
	cmp first second
	kill -0 "$server" || fail "the server is gone"
	stop_server
}

test_run_starts_a_server_where_none_listens() {
	# shellcheck disable=SC2016
	"$holdfast" run --socket "$PWD/mine" -- sh -c 'echo "$HOLDFAST_SOCKET"; test -S mine' >out
	expect "$(cat out)" "$PWD/mine"
	[ ! -e mine ] || fail "left the socket"
}

test_a_stale_socket_is_no_obstacle() {
	python3 -c 'import socket; socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).bind("stale")'
	"$holdfast" run --socket "$PWD/stale" -- drmdevice >out
	grep -q 'nodes\[0\]' out || fail "$(cat out)"
}

test_a_file_in_the_sockets_place_is_not_removed() {
	echo precious >server
	if "$holdfast" run --socket "$PWD/server" -- true 2>err; then
		fail "it ran"
	fi
	expect "$(cat server)" precious
	expect "$(wc -l <err)" 1 "lines on stderr"
}

test_a_second_server_at_the_same_place_is_refused() {
	start_server
	if "$holdfast" serve --socket "$PWD/server" >out 2>err; then
		fail "it ran"
	fi
	expect "$(wc -l <err)" 1 "lines on stderr"
	client true
	stop_server
}

test_info_describes_the_server() {
	start_server --output 640x480
	"$holdfast" info --socket "$PWD/server" >text
	[ -s text ]
	"$holdfast" info --socket "$PWD/server" --json | python3 -m json.tool >json
	# Inside, the environment names the server.
	client "$holdfast" info --json | python3 -m json.tool >inside
	stop_server
}

test_screenshots_of_a_dark_output_fail_clearly_or_are_black() {
	start_server --output 640x480
	if "$holdfast" screenshot --socket "$PWD/server" shot.png 2>err; then
		python3 "$here/png.py" shot.png pixel 320 240 000000
	else
		expect "$(wc -l <err)" 1 "lines on stderr"
		[ ! -e shot.png ] || fail "left a picture"
	fi
	stop_server
}

test_top_runs_until_it_is_stopped() {
	start_server
	timeout -s INT 1 "$holdfast" top --socket "$PWD/server" >out || :
	[ -s out ] || fail "it showed nothing"
	stop_server
}

test_a_program_without_drm_runs_as_ever() {
	# shellcheck disable=SC2012
	expect "$("$holdfast" run -- ls -l /usr | cksum)" "$(ls -l /usr | cksum)"
	expect "$("$holdfast" run -- find /usr/share/doc -maxdepth 1 | sort | cksum)" \
		"$(find /usr/share/doc -maxdepth 1 | sort | cksum)"
	expect "$("$holdfast" run -- python3 -c 'print(sum(open("/etc/passwd", "rb").read()))')" \
		"$(python3 -c 'print(sum(open("/etc/passwd", "rb").read()))')"
}

tap_main "$@"
