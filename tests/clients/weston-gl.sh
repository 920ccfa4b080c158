#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Weston with its GL renderer, and clients that give it dma-bufs: on Mesa as it is, with
# nothing set in the environment.

. "$(dirname "$0")/tap.sh"
. "$here/weston-session.sh"

need_driver() {
	[ -e "$(dirname "$holdfast")/holdfast_dri.so" ] || skip "built without Mesa's headers"
}

# dmabuf ARG...: the program of that name, and its buffers are on the screen.
dmabuf() {
	program "$programs/dmabuf" "$@"
	eventually 30000 program_said shown || fail "$(cat program.out)"
}

# is_on FORMAT SIZE: a plane has a buffer of this format in this size.
is_on() {
	planes >planes.now
	grep -q "^$1 $2[+-]" planes.now
}

# position SIZE: and where.
position() {
	sed -n "s/^[^ ]* \($1+[0-9]*+[0-9]*\) .*/\1/p" planes.now | head -n 1
}

test_weston_renders_with_gl_on_the_device() {
	need_driver
	start_weston
	said 'GL renderer: llvmpipe' || fail "$(cat weston.log)"
	said 'EGL_EXT_device_drm' || fail "no device behind EGL: $(cat weston.log)"
	said 'explicit sync: yes' || fail "no explicit fences: $(cat weston.log)"
	shot desktop
	# The panel, and the picture of its launcher.
	[ "$(python3 "$here/desktop.py" colours desktop.png)" -gt 3 ]
	stop_weston
	stop_server
}

test_an_egl_client_gives_the_compositor_dma_bufs() {
	need_driver
	start_weston
	need weston-simple-egl
	program env WAYLAND_DEBUG=1 weston-simple-egl -o
	# Linear ones, and more than one frame.
	eventually 30000 program_said 'buffer_params_v1.*create_immed' ||
		fail "$(tail -n 20 program.out)"
	eventually 30000 frames_come || fail "$(tail -n 20 program.out)"
	program_said 'buffer_params_v1@[0-9]*\.add(fd [0-9]*, 0, 0, [0-9]*, 0, 0)' ||
		fail "$(grep buffer_params program.out)"
	shot triangle
	[ "$(python3 "$here/desktop.py" colours triangle.png)" -gt 200 ] ||
		fail "no triangle on the screen"
}

frames_come() {
	[ "$(grep -c 'callback@[0-9]*\.done' program.out)" -gt 20 ]
}

test_a_client_finds_the_render_node_by_feedback() {
	need_driver
	need weston-simple-dmabuf-feedback weston-simple-dmabuf-egl
	start_weston
	program weston-simple-dmabuf-feedback
	eventually 30000 program_said 'main_device event .*/dev/dri/renderD128' ||
		fail "$(head -n 5 program.out)"
	end_program
	program weston-simple-dmabuf-egl
	eventually 30000 shows_another_square || fail "$(cat program.out)"
}

shows_another_square() {
	shot square
	[ "$(python3 "$here/desktop.py" colours square.png)" -gt 1000 ]
}

# on_an_overlay FORMAT SIZE ARG...: so, in this size, and it looks as it should.
on_an_overlay() {
	dmabuf -f "$1" "${@:3}"
	eventually 20000 is_on "$1" "$2" ||
		fail "not on a plane of its own: $(cat planes.now; tail -n 50 weston.log)"
	shot overlay
	python3 "$here/desktop.py" quarters overlay.png "$(position "$2")"
	end_program
}

test_buffers_go_to_an_overlay_plane_and_are_scaled() {
	need_driver
	start_weston
	on_an_overlay XR24 160x120
	on_an_overlay XR24 200x100 -D -s 200x100
	on_an_overlay XR24 400x300 -d 400x300
}

test_a_video_in_nv12_goes_to_an_overlay_plane_and_is_scaled() {
	need_driver
	start_weston
	on_an_overlay NV12 320x240 -d 320x240
	on_an_overlay NV12 200x150 -D -s 200x150 -a
}

test_a_fullscreen_client_is_scanned_out_directly() {
	need_driver
	start_weston
	dmabuf -s 640x480 -F -a
	eventually 20000 said 'Using plane-only state composition' ||
		fail "$(tail -n 80 weston.log)"
	planes >planes.now
	expect "$(cat planes.now)" 'XR24 640x480+0+0 640.000000x480.000000+0.000000+0.000000'
	shot fullscreen
	python3 "$here/desktop.py" quarters fullscreen.png 640x480+0+0
}

# Both say what is shown, but the one asks the program that shows it.
test_the_compositors_screenshot_is_the_devices() {
	need weston-screenshooter
	start_weston
	dmabuf
	shot device
	client env XDG_PICTURES_DIR="$PWD" weston-screenshooter >out 2>&1 || fail "$(cat out)"
	python3 "$here/desktop.py" same wayland-screenshot-*.png device.png 0 0
}

test_a_running_compositor_is_recorded() {
	need weston-simple-egl ffmpeg
	start_weston
	program weston-simple-egl
	"$holdfast" record --socket "$PWD/server" --frames 10 frames%03d.png 2>record.err ||
		fail "$(cat record.err)"
	grep -q '10 frames' record.err || fail "$(cat record.err)"
	# What turns is elsewhere in each; something else may be new in one or two.
	[ "$(sha256sum frames*.png | sort -u -k 1,1 | wc -l)" -gt 7 ] ||
		fail "$(sha256sum frames*.png)"
	"$holdfast" record --socket "$PWD/server" --frames 10 video.mkv 2>record.err ||
		fail "$(cat record.err)"
	expect "$(ffprobe -v error -count_frames -show_entries stream=width,height,nb_read_frames \
		-of csv=p=0 video.mkv)" '640,480,10'
}

# Presented at vblanks, one after the other: no frame earlier than the display can.
test_presentation_times_are_those_of_vblanks() {
	need weston-presentation-shm
	start_weston
	program weston-presentation-shm -p
	eventually 30000 many_presented || fail "$(tail -n 5 program.out)"
	# It may be in the middle of a line.
	head -n -1 program.out | awk '
		/p2p/ {
			match($0, /p2p *[0-9]+/)
			us = substr($0, RSTART + 3, RLENGTH - 3) + 0
			match($0, /seq [0-9]+/)
			seq = substr($0, RSTART + 4, RLENGTH - 4) + 0
			if (!/\[sce/) { print "not of the hardware:", $0; exit 1 }
			if (last && us && (us - (seq - last) * 1000000 / 59.94) ^ 2 > 100 ^ 2) {
				print last, $0
				exit 1
			}
			last = seq
		}'
}

many_presented() {
	[ "$(grep -c p2p program.out)" -gt 60 ]
}

test_a_compositor_that_was_killed_starts_again() {
	for _ in 1 2 3; do
		start_weston
		dmabuf -a
		kill -KILL "$(weston_pid)"
		wait "$weston" || :
		wait "$program" || :
	done
	start_weston
	stop_weston
	"$holdfast" info --socket "$PWD/server" >info
	# What it shows last is all that is left of them.
	! grep -q '^file' info || fail "$(cat info)"
	stop_server
}

weston_pid() {
	sed -n 's/^file .* pid \([0-9]*\).*, primary, master.*/\1/p' <("$holdfast" info \
		--socket "$PWD/server")
}

frames() {
	"$holdfast" info --socket "$PWD/server" | sed -n 's/^crtc.* on .*, \([0-9]*\) frames.*/\1/p'
}

more_frames_than() {
	[ "$(frames)" -gt "$1" ]
}

# flood ARG...: a client that makes buffers until it is stopped; the other one goes on.
flood() {
	local status=0

	client "$programs/dmabuf" -n 5000 "$@" >flood.out 2>&1 || status=$?
	[ $status -ne 0 ] || fail "no limit: $(cat flood.out)"
	eventually 20000 more_frames_than $(($(frames) + 5)) || fail "nothing moves any more"
	kill -0 "$program" || fail "the other client is gone: $(cat program.out)"
}

test_a_client_that_makes_buffers_without_end_is_stopped_alone() {
	start_server --output 640x480
	# Of the compositor, which has a descriptor for each buffer.
	ulimit -Sn 200
	start_weston
	dmabuf -a
	flood -s 64x64
	eventually 20000 memory_is_back || fail "$(cat info)"
}

# What those had is free again.
memory_is_back() {
	"$holdfast" info --socket "$PWD/server" >info
	awk '/^objects/ { exit !($2 < 20) }' info
}

tap_main "$@"
