# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# TAP for shell scripts. A script sources this file, defines functions named
# test_SENTENCE, and ends with tap_main "$@". Each runs in a shell of its own
# under `set -e`, in a directory of its own; it fails when a command does, and
# its output is shown then. HOLDFAST names the command.

holdfast=${HOLDFAST:?names the holdfast command}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# Where meson put the programs of this directory.
# shellcheck disable=SC2034
programs=${HOLDFAST_TEST_PROGRAMS:-$(dirname "$holdfast")/../tests/clients}

# No case takes longer, unless it hangs.
case_seconds=${HOLDFAST_TEST_SECONDS:-30}

fail() {
	echo "$*" >&2
	exit 1
}

skip() {
	echo "$*" >skip
	exit 77
}

need() {
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "$program is not installed"
	done
}

expect() {
	[ "$1" = "$2" ] || fail "${3:-value}: got '$1', expected '$2'"
}

# expect_status STATUS COMMAND...
expect_status() {
	local expected=$1 got=0
	shift
	"$@" || got=$?
	expect "$got" "$expected" "status of $*"
}

# eventually MILLISECONDS COMMAND...: true once the command is.
eventually() {
	local end=$((${EPOCHREALTIME/[^0-9]/} + $1 * 1000))
	shift
	until "$@"; do
		[ "${EPOCHREALTIME/[^0-9]/}" -lt "$end" ] || return 1
		sleep 0.005
	done
}

# start_server [OPTION...]: a server in the background, its pid in $server, what
# it printed in the file serve.out.
start_server() {
	"$holdfast" serve --socket "$PWD/server" "$@" >serve.out &
	server=$!
	# shellcheck disable=SC2064 # now is when the pid is known
	trap "kill $server 2>/dev/null || :" EXIT
	eventually 5000 grep -q LD_PRELOAD serve.out || fail "the server did not get ready"
}

stop_server() {
	kill "$server"
	wait "$server"
}

# client COMMAND...: a client of that server.
client() {
	"$holdfast" run --socket "$PWD/server" -- "$@"
}

# start_client COMMAND...: the same in the background; $client is the pid of
# `holdfast run`, and the file client.pid has the program's own.
start_client() {
	# shellcheck disable=SC2016 # the inner shell expands it
	"$holdfast" run --socket "$PWD/server" -- \
		sh -c 'echo $$ >client.pid; exec "$@"' sh "$@" <&"${keys:-0}" >out 2>err &
	# shellcheck disable=SC2034
	client=$!
}

# learn_ids: the objects of the first pipe, as modetest lists them, in the
# variables connector, crtc, overlay, primary and cursor.
learn_ids() {
	client modetest -M holdfast >list
	eval "$(awk -f "$here/pipe.awk" list)"
}

# expect_60_hz FILE: not faster than that within 1 %, by what a program writes there
# after each sixty frames. A machine that has other things to do may miss some.
expect_60_hz() {
	eventually 15000 three_frequencies "$1" || fail "$(cat "$1")"
	sed -n 's/^freq: \(.*\)Hz$/\1/p' "$1" | head -n 3 | sort -n | sed -n 2p | awk '
		{ print "median frequency", $1 }
		END { exit !($1 > 20 && $1 < 60.6) }'
}

three_frequencies() {
	[ "$(grep -c '^freq:' "$1")" -ge 3 ]
}

# Keys that nobody presses: a standard input that stays open.
open_keys() {
	mkfifo keys
	exec {keys}<>keys
}

press_key() {
	echo >&"$keys"
}

# Run one case: `script NAME`. All of them: `script`.
tap_main() {
	local names name script number=0
	if [ $# -gt 0 ]; then
		set -e
		"test_$1"
		exit
	fi
	script=$(realpath "$0")
	mapfile -t names < <(sed -n 's/^test_\([a-z0-9_]*\)() .*/\1/p' "$0")
	scratch=$(mktemp -d)
	trap 'rm -rf "$scratch"' EXIT
	echo "1..${#names[@]}"
	for name in "${names[@]}"; do
		number=$((number + 1))
		mkdir "$scratch/$name"
		tap_case "$number" "$name" "$script"
	done
}

tap_case() {
	local number=$1 name=$2 script=$3 code=0 case
	cd "$scratch/$name" || exit 1
	timeout -k 1 "$case_seconds" bash "$script" "$name" >"$scratch/log" 2>&1 </dev/null &
	case=$!
	wait $case || code=$?
	# It leads a process group: whatever the case left behind goes.
	kill -KILL -- -$case 2>/dev/null
	if [ $code -eq 77 ] && [ -e skip ]; then
		echo "ok $number - $name # SKIP $(cat skip)"
	elif [ $code -eq 0 ]; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		[ $code -ne 124 ] || echo "# it did not end within $case_seconds seconds"
		tail -n 40 "$scratch/log" | cut -c 1-200 | sed 's/^/# /'
	fi
}
