# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# An X server for a test: Debian's Xorg, unmodified, on a Holdfast device, on a display
# number of its own. Sourced after tap.sh.

# It is a large program, and many of them run at a time.
case_seconds=${HOLDFAST_TEST_SECONDS:-120}

# The wrapper that a distribution may put around it drops LD_PRELOAD.
xorg=/usr/lib/xorg/Xorg

# start_x [METHOD] [OPTION]...: on the running server, with acceleration or without
# (glamor, none), up to the moment when it takes clients; its pid is in $xserver.
start_x() {
	local method=${1:-none} display
	shift $(($# > 0))
	[ -x $xorg ] || skip "$xorg is not installed"
	write_config "$method"
	rm -f display client.pid
	# glamor does not want to draw with Mesa's software; it only knows that by the name.
	[ "$method" = none ] || export force_gl_renderer=Holdfast
	start_client $xorg -displayfd 3 -config "$PWD/xorg.conf" -logfile "$PWD/xorg.log" \
		-noreset -nolisten tcp "$@" 3>display
	unset force_gl_renderer
	eventually 20000 test -s display || fail "no X server: $(cat err; tail -n 20 xorg.log)"
	xserver=$(cat client.pid)
	read -r display <display
	export DISPLAY=:$display
	trap end_x EXIT
}

# It goes first, by itself, for what it leaves behind is in everybody's /tmp.
end_x() {
	kill "$xserver" 2>/dev/null || :
	if ! eventually 5000 x_is_gone; then
		kill -KILL "$xserver" 2>/dev/null || :
	fi
	forget_display
	kill "$server" 2>/dev/null || :
}

# What one that is killed leaves, unless another has taken the number already.
forget_display() {
	local number=${DISPLAY#:}
	if grep -qsw "$xserver" "/tmp/.X$number-lock"; then
		rm -f "/tmp/.X$number-lock" "/tmp/.X11-unix/X$number"
	fi
}

x_is_gone() {
	[ ! -e "/proc/$xserver" ]
}

# write_config METHOD
write_config() {
	cat >xorg.conf <<-CONFIG
		Section "Device"
			Identifier "holdfast"
			Driver "modesetting"
			Option "AccelMethod" "$1"
		EndSection
	CONFIG
}

# stop_x [SIGNAL]: and what `holdfast run` says of it.
stop_x() {
	kill -s "${1:-TERM}" "$xserver"
	wait "$client"
}

ask() {
	"$holdfast" "$1" --socket "$PWD/server" "${@:2}"
}

# shows CRTC [X Y RRGGBB]...: these pixels, within ten seconds.
shows() {
	eventually 10000 pixels_are "$@" || fail "$(cat pixels.err)"
}

pixels_are() {
	ask screenshot --crtc "$1" shot.png 2>pixels.err &&
		"$here/png.py" shot.png pixel "${@:2}" 2>pixels.err
}

# crtc_is CRTC PATTERN: of its line in what info says.
crtc_is() {
	ask info | grep -q "^crtc $1  *$2"
}

# expect_crtc CRTC PATTERN
expect_crtc() {
	eventually 10000 crtc_is "$@" || fail "$(ask info)"
}

# root_is RRGGBB: the root window's colour.
root_is() {
	xsetroot -solid "#$1"
}

# info_says PYTHON: is that so of what info says, in `info`?
info_says() {
	ask info --json >info.json
	python3 -c '
import json, sys
with open("info.json") as file:
    info = json.load(file)
sys.exit(not ('"$1"'))'
}

expect_info() {
	eventually 10000 info_says "$1" || fail "not so: $1: $(cat info.json)"
}

# start_screen [METHOD] [OUTPUT]...: an X server with these monitors.
start_screen() {
	local output options=() method=${1:-none}
	need xsetroot xrandr python3
	shift $(($# > 0))
	for output in "${@:-640x480}"; do
		options+=(--output "$output")
	done
	start_server "${options[@]}"
	start_x "$method"
	root_is 204060
	shows 0 0 0 204060 320 240 204060
}

# start_two: 640x480, and 800x600 on the right of it.
start_two() {
	start_screen none 640x480 800x600
	shows 1 0 0 204060 799 599 204060
}

# A window of one colour, 100x100, without a border: window X Y RRGGBB.
window() {
	need xlogo
	xlogo -geometry "100x100+$1+$2" -bw 0 -bg "#$3" -fg "#$3" &
}

# Is the picture of the monitor what the X server says that it is?
same_as_xwd() {
	ask screenshot one.png && xwd -root -silent >root.xwd &&
		"$here/xwd.py" root.xwd one.png
}
