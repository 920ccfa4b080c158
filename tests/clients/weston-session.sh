# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# Weston on a Holdfast device, for scripts of tests. Sourced behind tap.sh. The runtime
# directory and the server's socket are the case's own, so cases run
# beside each other. Nothing moves on the desktop but what a test starts: no clock, no
# animations, a background of one colour (20 40 60).

# Software rendering on a machine that is busy.
case_seconds=${HOLDFAST_TEST_SECONDS:-90}

# write_ini [LINE...]: weston.ini, and more lines of it.
write_ini() {
	printf '%s\n' '[core]' 'idle-time=0' \
		'[shell]' 'clock-format=none' 'panel-position=top' \
		'background-color=0xff204060' 'animation=none' 'close-animation=none' \
		'startup-animation=none' 'focus-animation=none' \
		"$@" >weston.ini
}

# start_weston [ARG...]: on the server that runs; one with an output of 640x480 unless
# there is one. What it says is in weston.log, the pid of `holdfast run` in $weston. Root's
# opens a terminal and the devices itself, and needs nobody for that; Debian's Weston asks
# logind where it is not root.
start_weston() {
	need weston python3 dbus-daemon
	[ -n "${server:-}" ] || start_server --output 640x480
	[ -e weston.ini ] || write_ini
	# A socket's path is short.
	export XDG_RUNTIME_DIR=${PWD%/*}/r$$ WAYLAND_DISPLAY=wayland-test
	mkdir -p -m 700 "$XDG_RUNTIME_DIR"
	rm -f "$XDG_RUNTIME_DIR"/wayland-test* weston.log
	local command=(--logind -- weston)
	[ "$(id -u)" -ne 0 ] || command=(-- weston --tty=1)
	"$holdfast" run --socket "$PWD/server" "${command[@]}" --config="$PWD/weston.ini" \
		--backend=drm-backend.so --continue-without-input --debug \
		--logger-scopes=log,drm-backend --socket=wayland-test \
		--log="$PWD/weston.log" "$@" >out 2>&1 &
	weston=$!
	eventually 40000 is_up || fail "it does not start: $(cat out weston.log)"
}

# The desktop is there when its background has been on the screen.
is_up() {
	awk '/background for output/ { background = 1 }
		background && /flip processing completed/ { shown = 1; exit }
		END { exit !shown }' weston.log 2>/dev/null
}

stop_weston() {
	kill "$weston"
	wait "$weston" || :
}

# said WHAT: in the log.
said() {
	grep -qs -e "$1" weston.log
}

# shot NAME [CONNECTOR]: a picture, in NAME.png.
shot() {
	"$holdfast" screenshot --socket "$PWD/server" --connector "${2:-HDMI-A-1}" "$1.png"
}

# planes: what is lit, a line each: FORMAT POSITION SOURCE.
planes() {
	client cat /sys/kernel/debug/dri/0/state | awk '
		/^plane/ { crtc = "" }
		/^crtc|^connector/ { exit }
		/\tcrtc=crtc/ { crtc = $1 }
		/format=/ { sub(/.*format=/, ""); format = $1 }
		/crtc-pos=/ { sub(/.*=/, ""); position = $1 }
		/src-pos=/ { sub(/.*=/, ""); if (crtc) print format, position, $1 }'
}

# program ARG...: a client in the background, what it says in program.out, its pid in
# $program.
program() {
	"$holdfast" run --socket "$PWD/server" -- "$@" >program.out 2>&1 &
	program=$!
}

program_said() {
	grep -qs -e "$1" program.out
}

end_program() {
	kill "$program"
	wait "$program" || :
}
