#!/bin/bash
# SPDX-License-Identifier: MIT
#
# X with glamor, which draws by OpenGL into objects of the device, and clients that
# share theirs with the X server (DRI3) and have them shown at vblanks (Present).

. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/xorg.sh"

# start_glamor [OPTION]...: of the device.
start_glamor() {
	need xsetroot python3
	start_server --output 640x480 "$@"
	start_x glamor
	grep -q 'glamor X acceleration enabled' xorg.log || fail "$(cat xorg.log)"
	root_is 204060
	shows 0 0 0 204060 320 240 204060
}

# start_gears [OPTION]...: they are drawn in objects that Mesa makes by the descriptor that
# the X server has opened for it, and not in the program's memory.
start_gears() {
	need glxgears
	MESA_LOADER_DRIVER_OVERRIDE=kms_swrast LIBGL_DEBUG=verbose \
		"$holdfast" run --socket "$PWD/server" -- stdbuf -oL glxgears "$@" \
		>gears 2>gears.err &
	eventually 10000 grep -q 'Using DRI3' gears.err || fail "$(cat gears gears.err)"
}

start_present() {
	[ -e keys ] || open_keys
	"$holdfast" run --socket "$PWD/server" -- "$programs/present" "$@" \
		<&"$keys" >presented 2>&1 &
}

# Objects that X server and client $1 both have handles for.
shared_with() {
	echo "[o for o in info['objects']
		if {'Xorg', '$1'} <= {h['program'] for h in o['holders']}]"
}

test_glamor_shows_what_the_x_server_has_drawn() {
	need xwd xclock xlogo xterm
	start_glamor
	xclock -geometry 150x150+20+20 &
	xterm -geometry 40x8+200+20 -e sh -c 'seq 7; sleep 1000' &
	xlogo -geometry 100x100+140+300 -bw 0 -bg '#c0ffee' -fg '#c0ffee' &
	shows 0 150 310 c0ffee 239 399 c0ffee 240 400 204060
	eventually 10000 same_as_xwd || fail "xwd sees something else"
}

test_glamor_turns_and_moves_and_places() {
	need xrandr xlogo
	start_glamor --output 800x600
	xlogo -geometry 100x100+0+0 -bw 0 -bg '#ff8000' -fg '#ff8000' &
	shows 0 0 0 ff8000 99 99 ff8000 100 99 204060
	xrandr --output HDMI-1 --rotate left
	shows 0 0 479 ff8000 99 380 ff8000 100 479 204060 0 379 204060
	xrandr --output HDMI-1 --rotate normal --output HDMI-2 --pos 50x0
	shows 1 49 50 ff8000 50 50 204060
	ask inject unplug HDMI-A-2
	eventually 10000 disconnected || fail "$(xrandr)"
	xrandr --output HDMI-2 --off
	shows 0 0 0 ff8000 99 99 ff8000 100 99 204060
}

disconnected() {
	xrandr | grep -q '^HDMI-2 disconnected'
}

test_gears_are_objects_that_client_and_x_server_share() {
	start_glamor
	start_gears -geometry 300x300+0+0
	expect_info "$(shared_with glxgears)"
	expect_info "all(o['exported'] and o['device'] == info['device'] and
		o['pid'] in [f['pid'] for f in info['files'] if f['program'] == 'glxgears']
		for o in $(shared_with glxgears))"
	ask info | grep -q 'handle [0-9]* of file [0-9]* (Xorg), handle [0-9]* of file [0-9]* (glxgears)' ||
		fail "$(ask info)"
	eventually 10000 gears_are_seen || fail "no gears"
	shows 0 300 100 204060
}

# Red, green and blue.
gears_are_seen() {
	ask screenshot shot.png
	python3 - "$here" <<-'PYTHON'
		import sys
		sys.path.insert(0, sys.argv[1])
		from png import Picture
		picture = Picture('shot.png')
		pixels = [picture.pixel(x, y) for x in range(0, 300, 3) for y in range(0, 300, 3)]
		sys.exit(not all(sum(p[i] > 100 + max(p[:i] + p[i + 1:]) for p in pixels) > 100
		                 for i in range(3)))
	PYTHON
}

test_gears_that_fill_the_screen_are_flipped() {
	start_glamor
	start_gears -fullscreen
	# The framebuffer is an object of the program's, no copy.
	expect_info "[p for o in $(shared_with glxgears) for fb in o['framebuffers']
		for p in fb['planes']]"
	flips=$(frames)
	eventually 10000 more_frames $((flips + 60)) || fail "$(ask info)"
	# With each at a vblank there cannot be more.
	expect_info 'info["crtcs"][0]["frames"] <= info["crtcs"][0]["vblanks"]'
}

frames() {
	ask info | sed -n 's/^crtc 0.* \([0-9]*\) frames.*/\1/p'
}

more_frames() {
	[ "$(frames)" -ge "$1" ]
}

test_presented_pixmaps_are_flipped_at_the_vblank_they_are_for() {
	start_glamor
	start_present flips 60
	eventually 20000 grep -q shown presented || fail "$(cat presented)"
	python3 - presented 60 <<-'PYTHON' || fail "$(cat presented)"
		import re
		import sys
		with open(sys.argv[1]) as file:
		    shown = [(int(m[1]), int(m[2]), m[3])
		             for m in re.finditer(r'msc (\d+) ust (\d+) (\w+)', file.read())]
		count = int(sys.argv[2])
		flips = [how for _, _, how in shown].count('flip')
		if len(shown) != count or flips < count - 1:
		    sys.exit(f'{len(shown)} were shown, {flips} of them flipped')
		for (msc, ust, _), (next_msc, next_ust, _) in zip(shown, shown[1:]):
		    # A vblank has one time, whenever we hear of it.
		    frames = (next_ust - ust) / 16683.4
		    if next_msc <= msc or abs(frames - (next_msc - msc)) > 0.01:
		        sys.exit(f'{msc} at {ust}, {next_msc} at {next_ust}')
	PYTHON
	shows 0 320 240 "$(sed -n 's/^60: colour //p' presented)"
	press_key
	exec {keys}>&-
}

test_a_client_that_floods_the_x_server_meets_the_limit() {
	start_glamor --memory 64M
	start_present flood
	wait $!
	grep -q '^[1-9][0-9]* pixmaps$' presented || fail "$(cat presented)"
	[ "$(sed -n 's/ pixmaps//p' presented)" -le 60 ] || fail "$(cat presented)"
	# It is gone, and so are they; all is as it was.
	expect_info "not $(shared_with present) and info['object_bytes'] < 8 << 20"
	root_is 806040
	shows 0 0 0 806040 320 240 806040
	start_present flips 2
	eventually 20000 grep -q shown presented || fail "$(cat presented)"
}

test_a_killed_x_server_leaves_nothing() {
	start_glamor
	for _ in 1 2 3; do
		start_gears -fullscreen
		expect_info "$(shared_with glxgears)"
		gears=$!
		stop_x KILL || :
		wait $gears || :
		expect_info 'not info["objects"] and not info["files"]'
		start_x glamor
		root_is 806040
		shows 0 0 0 806040 320 240 806040
	done
}

tap_main "$@"
