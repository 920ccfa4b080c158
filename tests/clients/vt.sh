#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Virtual terminals with the programs of kbd, and with those that ask what their
# terminal is.

. "$(dirname "$0")/tap.sh"

# run SCRIPT: what it prints is in the file out.
run() {
	printf '%s\n' "$1" >script
	"$holdfast" run ${options[@]+"${options[@]}"} -- "${shell:-sh}" -e script >out 2>err ||
		fail "$(cat out err)"
}

# says LINE...: just that was printed.
says() {
	printf '%s\n' "$@" | diff - out || fail "$(cat err)"
}

test_terminals_of_the_machine_are_hidden() {
	run 'stat -c %t:%T:%u /dev/tty0 /dev/tty63
		ls /dev | grep -c "^tty[0-9]*$"
		ls -d /sys/class/tty/tty[0-9]* | grep -c "tty[0-9]*$"
		cat /sys/class/tty/tty12/dev
		readlink -f /sys/class/tty/tty12 /sys/dev/char/4:12
		cd /dev && stat -c %t:%T tty7
		ls -d /dev/tty /dev/null'
	says "4:0:$(id -u)" "4:3f:$(id -u)" 65 64 4:12 \
		/sys/devices/virtual/tty/tty12 /sys/devices/virtual/tty/tty12 \
		4:7 /dev/null /dev/tty
}

test_without_a_seat_they_are_the_machines() {
	options=(--no-seat)
	run 'ls -l /dev/tty0 2>/dev/null || echo none'
	{ ls -l /dev/tty0 2>/dev/null || echo none; } | diff - out
}

test_nobody_removes_or_makes_them() {
	run 'rm -f /dev/tty9 2>/dev/null || echo stays
		mkdir /dev/tty9 2>/dev/null || echo stays
		rmdir /dev/input 2>/dev/null || echo stays
		ls /dev/tty9'
	says stays stays stays /dev/tty9
}

test_chvt_switches_and_fgconsole_tells() {
	need chvt fgconsole
	run 'fgconsole; chvt 4; fgconsole; cat /sys/class/tty/tty0/active; chvt 1
		fgconsole; fgconsole --next-available'
	says 1 4 tty4 1 2
}

test_a_key_switches() {
	need fgconsole
	run '"$HOLDFAST" input key ctrl+alt+f3
		fgconsole'
	says 3
}

test_openvt_runs_a_program_that_has_its_terminal() {
	need openvt
	run 'openvt -w -s -- sh -c "tty >tty; tty </dev/tty >>tty; fgconsole >>tty; stty size >>tty
			ps -o tty= -p \$\$ >pts; echo typed >/dev/tty"
		cat tty; fgconsole; grep -c pts pts'
	says /dev/tty2 /dev/tty2 2 '25 80' 1 1
}

test_deallocvt_frees_what_nobody_has_open() {
	need deallocvt openvt
	run 'chvt 9; chvt 1; deallocvt 9 && echo freed
		deallocvt 1 2>/dev/null || echo busy
		exec 5<>/dev/tty9; deallocvt 9 2>/dev/null || echo busy
		fgconsole --next-available; exec 5>&-; deallocvt'
	says freed busy busy 2
}

test_kbd_mode_and_setleds_ask_and_set() {
	need kbd_mode setleds setmetamode
	run 'kbd_mode -C /dev/tty3; kbd_mode -f -a -C /dev/tty3; kbd_mode -C /dev/tty3
		setleds -F +num </dev/tty3; setleds -F </dev/tty3 | grep Num
		setmetamode bit </dev/tty3 >/dev/null; setmetamode </dev/tty3'
	grep -q 'Unicode' out || fail "$(cat out)"
	grep -q 'xlate\|ASCII' out || fail "$(cat out)"
	grep -q 'NumLock on' out || fail "$(cat out)"
	grep -qi 'meta key sets high' out || fail "$(cat out)"
}

test_dumpkeys_and_loadkeys_have_the_keymap() {
	need dumpkeys loadkeys
	run 'dumpkeys >before
		printf "keycode 30 = z\n" | loadkeys -q -
		dumpkeys | grep -c "^keycode  30 = +z"
		loadkeys -q before; dumpkeys | grep -c "^keycode  30 = +a"'
	says 1 1
}

test_what_is_typed_is_read() {
	run 'exec 5<>/dev/tty1
		stty -F /dev/tty1 -echo
		"$HOLDFAST" input type "hello"
		"$HOLDFAST" input key enter
		read -r word <&5; echo "$word"'
	says hello
}

test_showkey_reads_scan_codes() {
	need showkey stdbuf
	run 'stdbuf -o0 showkey -s <>/dev/tty1 >codes 2>/dev/null &
		until kbd_mode -C /dev/tty1 | grep -qi raw; do sleep 0.02; done
		"$HOLDFAST" input key a
		until grep -q 0x9e codes; do sleep 0.02; done
		kill $!; wait || :
		grep -o "0x[19]e" codes'
	says 0x1e 0x9e
}

test_a_terminal_is_passed_on_and_inherited() {
	need python3
	run 'exec 7<>/dev/tty5; tty <&7
		python3 -c "import os; print(os.ttyname(7), os.major(os.fstat(7).st_rdev),
			os.minor(os.fstat(7).st_rdev), os.readlink(\"/proc/self/fd/7\"))"
		env -i LD_PRELOAD="$LD_PRELOAD" HOLDFAST_SOCKET="$HOLDFAST_SOCKET" \
			HOLDFAST_KEY="$HOLDFAST_KEY" tty <&7'
	says /dev/tty5 '/dev/tty5 4 5 /dev/tty5' /dev/tty5
}

test_a_terminal_changes_hands() {
	run 'chmod 600 /dev/tty8; stat -c %a /dev/tty8
		chown "$(id -u):$(id -g)" /dev/tty8; stat -c %u:%g /dev/tty8
		chown 0 /dev/dri/card* 2>/dev/null || echo stays'
	says 600 "$(id -u):$(id -g)" stays
}

export HOLDFAST=$holdfast
tap_main "$@"
