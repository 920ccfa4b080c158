#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Who sits there gets the devices: libseat with each of its back ends, and sway.

. "$(dirname "$0")/tap.sh"

# sit NAME COMMAND...: a user of the seat; its standard input is the descriptor $NAME, and
# what it says in the file NAME.out; ${NAME}_pid is the pid of `holdfast run`.
sit() {
	local name=$1 fd
	shift
	mkfifo "$name.in"
	exec {fd}<>"$name.in"
	printf -v "$name" %s "$fd"
	"$holdfast" run --socket "$PWD/server" "${options[@]}" -- "$@" \
		<"$name.in" >"$name.out" 2>"$name.err" &
	printf -v "${name}_pid" %s $!
}
options=() one_pid='' three_pid=''

# ask NAME WHAT...
ask() {
	local fd=${!1}
	shift
	echo "$*" >&"$fd"
}

# says NAME LINE [TIMES]: it has said that, so often or more.
says() {
	eventually 10000 said "$@" || fail "$1 did not say '$2': $(cat "$1.out" "$1.err")"
}

said() {
	[ "$(grep -cxF -e "$2" "$1.out")" -ge "${3:-1}" ]
}

shown_vt() {
	[ "$(client fgconsole)" = "$1" ]
}

need_client() {
	[ -x "$programs/seat" ] || skip "libseat is not there"
	need fgconsole
}

card=/dev/dri/card0

# A session's life, whatever libseat talks to. The arguments are the command.
use_seat() {
	sit one "$@"
	says one 'seat seat0'
	says one enabled
	ask one open $card
	says one "$card: ${id:-1} is a card, as master"
	ask one open /dev/input/event0
	eventually 10000 grep -q '^/dev/input/event0: .* is a device$' one.out ||
		fail "no keyboard: $(cat one.out)"
	ask one switch 2
	says one disabled
	eventually 10000 shown_vt 2 || fail "the VT did not change"
	ask one "what ${id:-1}"
	says one "${id:-1} is a card"
	# The text VT's keyboard switches by itself.
	"$holdfast" input --socket "$PWD/server" key ctrl+alt+f1
	says one enabled 2
	eventually 10000 shown_vt 1 || fail "the VT did not change back"
	ask one "what ${id:-1}"
	says one "${id:-1} is a card, as master"
	ask one leave
	says one left
	wait "$one_pid"
}

test_a_session_has_devices_while_its_vt_is_shown() {
	need_client
	start_server
	use_seat "$programs/seat"
}

test_the_back_end_that_is_built_in_works_for_root() {
	need_client
	[ "$(id -u)" -eq 0 ] || skip "only root may use it"
	start_server
	LIBSEAT_BACKEND=builtin use_seat "$programs/seat"
}

need_seatd() {
	need_client
	need "$1"
	[ "$(id -u)" -eq 0 ] || skip "only root may run seatd"
	[ ! -e /run/seatd.sock ] || skip "the machine has a seatd"
}

test_a_seatd_that_was_launched_takes_the_socket_over() {
	need_seatd seatd-launch
	start_server
	LIBSEAT_BACKEND=seatd use_seat seatd-launch -- "$programs/seat"
	grep -q 'Opened client' one.err || fail "it was not asked: $(cat one.err)"
	[ ! -e /run/seatd.sock ] || fail "it left its socket"
}

test_logind_gives_devices_too() {
	need_client
	need dbus-daemon
	start_server
	options=(--logind)
	# It names devices by their descriptors.
	unset id
	sit one env LIBSEAT_BACKEND=logind "$programs/seat"
	says one 'seat seat0'
	says one enabled
	ask one open $card
	eventually 10000 grep -q "^$card: [0-9]* is a card, as master$" one.out ||
		fail "no card: $(cat one.out one.err)"
	id=$(sed -n "s,^$card: \([0-9]*\) is.*,\1,p" one.out)
	ask one switch 2
	says one disabled
	ask one "what $id"
	says one "$id is a card"
	"$holdfast" input --socket "$PWD/server" key ctrl+alt+f1
	says one enabled 2
	ask one "what $id"
	says one "$id is a card, as master"
	ask one leave
	says one left
	wait "$one_pid"
}

test_one_at_a_time_has_the_seat_and_a_killed_one_leaves_it() {
	need_client
	start_server
	sit one "$programs/seat"
	says one enabled
	ask one open $card
	says one "$card: 1 is a card, as master"
	sit two env LIBSEAT_BACKEND=seatd "$programs/seat"
	eventually 10000 grep -q '^no seat' two.out || fail "two have it: $(cat two.out)"
	pkill -KILL -P "$one_pid"
	wait "$one_pid" || :
	sit three "$programs/seat"
	says three enabled
	ask three open $card
	says three "$card: 1 is a card, as master"
	ask three leave
	wait "$three_pid"
}

test_each_vt_has_a_session() {
	need_client
	start_server
	sit one "$programs/seat"
	says one enabled
	ask one open $card
	ask one switch 2
	says one disabled
	eventually 10000 shown_vt 2 || fail "the VT did not change"
	sit two "$programs/seat"
	says two enabled
	ask two open $card
	says two "$card: 1 is a card, as master"
	ask two switch 1
	says two disabled
	says one enabled 2
	ask one what 1
	says one '1 is a card, as master'
	ask two what 1
	says two '1 is a card'
}

test_only_devices_of_the_seat_are_handed_out() {
	need_client
	start_server
	sit one "$programs/seat"
	says one enabled
	ask one open /dev/null
	says one '/dev/null: No such file or directory'
	ask one open /dev/dri/../null
	says one '/dev/dri/../null: No such file or directory'
	ask one open /dev/dri/../dri/card0
	says one '/dev/dri/../dri/card0: 1 is a card, as master'
	ask one open /dev/hidraw0
	says one '/dev/hidraw0: No such file or directory'
}

# -- sway ----------------------------------------------------------------------------

start_sway() {
	XDG_RUNTIME_DIR=$PWD/run WLR_RENDERER=pixman "$holdfast" run --socket "$PWD/server" -- \
		env -u DISPLAY -u WAYLAND_DISPLAY sway -c "$PWD/config" >sway.log 2>&1 &
	sway=$!
}

# type_until FILE: a terminal takes what is typed and makes the file.
type_until() {
	eventually 20000 typed "$1" || fail "nothing was typed into $1: $(tail -n 20 sway.log)"
}

typed() {
	"$holdfast" input --socket "$PWD/server" type "touch $PWD/$1" &&
		"$holdfast" input --socket "$PWD/server" key Return
	eventually 1500 test -e "$1"
}

test_sway_comes_back() {
	need sway foot fgconsole
	[ "$(id -u)" -ne 0 ] || skip "it does not run as root"
	start_server --output 800x600
	mkdir -m 700 run
	echo 'exec foot --fullscreen --override=colors.background=203040 sh' >config
	start_sway
	type_until first
	"$holdfast" screenshot --socket "$PWD/server" --connector HDMI-A-1 sway.png
	python3 "$here/png.py" sway.png pixel 400 500 203040
	"$holdfast" input --socket "$PWD/server" key ctrl+alt+f3
	eventually 10000 shown_vt 3 || fail "sway did not switch: $(tail sway.log)"
	"$holdfast" input --socket "$PWD/server" key ctrl+alt+f1
	eventually 10000 shown_vt 1 || fail "the VT did not change back"
	type_until second
	pkill -KILL -P "$sway"
	wait "$sway" || :
	start_sway
	type_until third
	"$holdfast" screenshot --socket "$PWD/server" --connector HDMI-A-1 again.png
	python3 "$here/png.py" again.png pixel 400 500 203040
}

tap_main "$@"
