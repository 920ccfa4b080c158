#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The screen is watched, and keys and pointer used, by VNC viewers that nobody here wrote,
# by a browser, and by a client of our own, which is exact where those compress, and rude
# where those are not.

. "$(dirname "$0")/tap.sh"

# A browser takes its time, and so does dropping those who stall.
case_seconds=${HOLDFAST_TEST_SECONDS:-90}

# start_view [OPTION...]: `holdfast view` on free ports, in $vnc and $http; $view is its pid.
start_view() {
	"$holdfast" view --socket "$PWD/server" "$@" >view.out 2>view.err &
	view=$!
	trap 'kill $server $view 2>/dev/null || :' EXIT
	eventually 10000 listens view.out || fail "it does not listen: $(cat view.err)"
	vnc=$(sed -n 's/^VNC=//p' view.out)
	http=$(sed -n 's/^HTTP=//p' view.out)
}

listens() {
	grep -qs -e '^HTTP=' -e '^VNC=' "$1" && [ "$(tail -c 1 "$1" | xxd -p)" = 0a ]
}

# viewer COMMAND...: of vnc.py
viewer() {
	need python3
	python3 "$here/vnc.py" "$vnc" "$@"
}

# see MARK: until the viewer in the background has made it.
see() {
	eventually 25000 test -e "$1" || fail "the viewer does not see what is $1"
}

png() {
	python3 "$here/png.py" "$@"
}

# show MODE: modetest's pattern, until `end`.
show() {
	need modetest
	[ -p keys ] || open_keys
	start_client modetest -M holdfast -s "HDMI-A-1:$1"
	eventually 10000 shows "$1" || fail "modetest shows nothing: $(cat out err)"
}

shows() {
	"$holdfast" screenshot --socket "$PWD/server" shown.png 2>/dev/null &&
		png shown.png size "$1" 2>/dev/null &&
		png shown.png smpte 0 0 "${1%x*}" "${1#*x}" 2>/dev/null
}

end() {
	press_key
	wait "$client"
}

# listen_to NUMBER: what an input device says, in the file eventNUMBER.
listen_to() {
	need evtest
	"$holdfast" run --socket "$PWD/server" -- \
		stdbuf -oL evtest "/dev/input/event$1" >"event$1" 2>&1 &
	eventually 10000 grep -qs Testing "event$1" || fail "$(cat "event$1")"
}

# heard NUMBER PATTERN
heard() {
	eventually 10000 grep -qs "$2" "event$1" || fail "not heard: $2: $(tail -n 5 "event$1")"
}

# -- pictures ---------------------------------------------------------------------

test_a_viewer_sees_what_a_screenshot_shows() {
	start_server --output 640x480
	show 640x480
	start_view
	viewer shot seen.png
	png seen.png photo 0 0 shown.png
	end
}

test_vncsnapshot_sees_the_pattern() {
	need vncsnapshot compare
	start_server --output 640x480
	show 640x480
	start_view
	vncsnapshot -quiet -quality 100 "${vnc/:/::}" seen.jpg >out 2>&1 || fail "$(cat out)"
	# JPEG loses a little, and most at the edges.
	compare -metric MAE seen.jpg shown.png null: 2>difference || :
	awk '{ gsub(/[()]/, ""); print; exit !($2 < 0.02) }' difference
	end
}

test_gvnccapture_sees_every_pixel() {
	need gvnccapture
	start_server --output 640x480
	show 640x480
	start_view
	gvnccapture --quiet "${vnc%:*}:$((${vnc##*:} - 5900))" seen.png >out 2>&1 ||
		fail "$(cat out)"
	compare -metric AE seen.png shown.png null: 2>difference || :
	expect "$(cat difference)" 0 "pixels that differ"
	end
}

test_two_viewers_see_the_same_at_once() {
	start_server --output 640x480
	show 640x480
	start_view
	viewer shot one.png &
	viewer shot other.png
	wait $!
	cmp one.png other.png
	png one.png photo 0 0 shown.png
	end
}

test_nothing_is_sent_where_nothing_changes() {
	start_server --output 640x480
	show 640x480
	start_view
	viewer size 640x480 quiet
	end
}

test_a_viewer_follows_another_mode_and_a_dark_screen() {
	start_server --output 640x480,modes=800x600
	start_view
	viewer pixel 10 10 000000 mark black size 640x480 pixel 10 10 c0c0c0 mark small \
		pixel 10 10 000000 mark dark size 800x600 pixel 10 10 c0c0c0 shot seen.png &
	watching=$!
	see black
	show 640x480
	see small
	end
	see dark
	show 800x600
	wait $watching
	png seen.png photo 0 0 shown.png
	end
}

test_a_viewer_outlives_the_device() {
	start_server --output 640x480
	show 640x480
	start_view
	viewer pixel 10 10 c0c0c0 mark lit pixel 10 10 000000 mark dark pixel 10 10 c0c0c0 &
	watching=$!
	see lit
	"$holdfast" inject --socket "$PWD/server" device unplug
	see dark
	kill "$client" && wait "$client" || :
	"$holdfast" inject --socket "$PWD/server" device replug
	show 640x480
	wait $watching
	end
}

test_a_connector_can_be_watched() {
	start_server --output 800x600 --output 640x480
	start_view --connector HDMI-A-2
	need modetest
	open_keys
	start_client modetest -M holdfast -s HDMI-A-2:640x480
	viewer size 640x480 pixel 10 10 c0c0c0 shot seen.png
	"$holdfast" screenshot --socket "$PWD/server" --connector HDMI-A-2 shown.png
	png seen.png photo 0 0 shown.png
	end
	expect_status 1 "$holdfast" view --socket "$PWD/server" --connector DP-7
}

# -- keys and pointer ---------------------------------------------------------------

test_keys_arrive_and_go_up_with_their_viewer() {
	start_server --output 640x480
	start_view
	listen_to 0
	viewer type 'a"' key 0x62 down
	heard 0 '(KEY_A), value 0'
	heard 0 '(KEY_APOSTROPHE), value 1'
	heard 0 '(KEY_B), value 1'
	heard 0 '(KEY_B), value 0'
	# Once: somebody pressed it only once.
	expect "$(grep -c '(KEY_LEFTSHIFT), value 1' event0)" 1 "shift keys"
}

test_a_character_needs_no_shift_key_of_the_viewer() {
	start_server --output 640x480
	start_view
	listen_to 0
	# As a keyboard has it where the slash is above the seven.
	viewer key 0xffe1 down key 0x2f down key 0x2f up key 0xffe1 up
	heard 0 '(KEY_SLASH), value 0'
	sed -n 's/.*(\(KEY_[A-Z]*\)), value \([01]\)/\1 \2/p' event0 | head -n 4 >keys_heard
	printf '%s\n' 'KEY_LEFTSHIFT 1' 'KEY_LEFTSHIFT 0' 'KEY_SLASH 1' 'KEY_LEFTSHIFT 1' |
		diff - keys_heard
}

test_the_pointer_is_where_the_viewer_has_it() {
	start_server --output 640x480
	show 640x480
	start_view
	listen_to 2
	listen_to 1
	viewer size 640x480 move 320 120 click 1 click 4 button 3 down
	heard 2 '(ABS_X), value 32819'
	heard 2 '(ABS_Y), value 16452'
	heard 2 '(BTN_LEFT), value 0'
	heard 2 '(BTN_RIGHT), value 1'
	heard 2 '(BTN_RIGHT), value 0'
	heard 1 '(REL_WHEEL), value 1'
	end
}

test_who_may_only_watch_types_in_vain() {
	start_server --output 640x480
	start_view --view-only
	listen_to 0
	viewer type abc
	"$holdfast" input --socket "$PWD/server" key x
	heard 0 '(KEY_X), value 0'
	if grep -q '(KEY_A), value' event0; then
		fail "$(cat event0)"
	fi
}

test_tigervnc_shows_the_screen_and_types() {
	local id
	need Xvfb vncviewer xdotool
	start_server --output 640x480
	show 640x480
	start_view
	listen_to 0
	Xvfb -displayfd 3 -screen 0 800x600x24 -nolisten tcp 3>display 2>xvfb.err &
	eventually 10000 test -s display || fail "$(cat xvfb.err)"
	export DISPLAY
	DISPLAY=:$(cat display)
	HOME=$PWD vncviewer -PreferredEncoding=Raw -AutoSelect=0 "${vnc/:/::}" >tiger 2>&1 &
	eventually 15000 window_shows || fail "$(cat tiger)"
	id=$(xdotool search --name holdfast | tail -n 1)
	xdotool windowfocus "$id" mousemove 300 300 || :
	eventually 10000 types_until_heard || fail "$(cat tiger event0)"
	end
}

window_shows() {
	xdotool search --name holdfast >/dev/null 2>&1
}

types_until_heard() {
	xdotool type q 2>/dev/null
	grep -qs '(KEY_Q), value 0' event0
}

# -- browsers -----------------------------------------------------------------------

# Chromium on what is shown: connected, and the picture is there.
browser() {
	need python3 chromium
	[ -n "$http" ] || skip "noVNC is not installed"
	python3 "$here/browser.py" "$http" 800x640 \
		run 'document.documentElement.classList.contains("noVNC_connected")' \
		"$@" >browser.out 2>&1 || fail "$(tail -n 20 browser.out)"
}

# on_canvas X Y: an expression, true where noVNC shows modetest's grey, or what is near.
on_canvas() {
	echo "(() => { const p = document.querySelector('#noVNC_container canvas').getContext('2d')" \
		".getImageData($1, $2, 1, 1).data;" \
		"return [0, 1, 2].every(i => Math.abs(p[i] - 192) < 12); })()"
}

test_a_browser_shows_the_screen() {
	start_server --output 640x480
	show 640x480
	start_view
	browser run "$(on_canvas 20 100)" shot page.png
	# The middle column is green, and the page is around it.
	python3 - "$here" page.png <<-PYTHON
		import sys
		sys.path.insert(0, sys.argv[1])
		from png import Picture
		page = Picture(sys.argv[2])
		seen = page.pixel(page.width // 2, page.height // 4)
		print(page.width, page.height, seen)
		sys.exit(any(abs(a - b) > 12 for a, b in zip(seen, (0, 192, 0))))
	PYTHON
	end
}

test_a_browser_types() {
	start_server --output 640x480
	show 640x480
	start_view
	listen_to 0
	listen_to 2
	browser run "$(on_canvas 20 100)" click 400 200 type z
	heard 0 '(KEY_Z), value 0'
	heard 2 '(BTN_LEFT), value 0'
	end
}

# request STATUS CURL_OPTION...: the status that a request gets.
request() {
	local status=$1
	shift
	expect "$(curl -s -o answer -w '%{http_code}' --path-as-is --max-time 10 "$@")" \
		"$status" "status of $*"
}

test_only_the_files_of_novnc_are_served() {
	need curl
	start_server --output 640x480
	mkdir -p pages/app
	echo secret >secret
	echo page >pages/vnc.html
	echo code >pages/app/ui.js
	ln secret pages/.hidden
	mkfifo pages/pipe
	start_view --novnc "$PWD/pages"
	request 302 "$http"
	request 200 "${http}vnc.html"
	expect "$(cat answer)" page
	request 200 "${http}app/ui.js?v=1"
	for path in ../secret app/../../secret %2e%2e/secret ..%2fsecret .hidden pipe app app/ \
		/secret "//$PWD/secret" nothing a%20b a%01; do
		request 404 "$http$path"
	done
	request 405 -X DELETE "${http}vnc.html"
	request 405 -d x=y "${http}vnc.html"
}

test_pages_of_others_cannot_watch() {
	local -a upgrade=(-H 'Connection: Upgrade' -H 'Upgrade: websocket'
		-H 'Sec-WebSocket-Version: 13' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')
	need curl
	start_server --output 640x480
	mkdir pages
	echo page >pages/vnc.html
	start_view --novnc "$PWD/pages"
	request 403 "${upgrade[@]}" -H 'Origin: http://elsewhere.example' "$http"
	request 403 "${upgrade[@]}" -H 'Host: elsewhere.example' \
		-H 'Origin: http://elsewhere.example' "$http"
	curl -s -i -N --max-time 2 "${upgrade[@]}" -H "Origin: ${http%/}" "$http" >own || :
	grep -qa '^HTTP/1.1 101' own || fail "$(head -c 300 own)"
	# Nor on the port for viewers, where nobody looks at where they come from.
	curl -s -i -N --http0.9 --max-time 2 "${upgrade[@]}" -H 'Origin: http://elsewhere.example' \
		"http://$vnc/" >other || :
	expect "$(grep -ac 'holdfast' other)" 0 "screens named"
}

# -- those who behave badly -----------------------------------------------------------

test_a_viewer_that_stalls_is_dropped_and_delays_nobody() {
	start_server --output 1280x720
	show 1280x720
	start_view
	viewer stall &
	stalled=$!
	for _ in 1 2 3; do
		viewer shot seen.png
		png seen.png photo 0 0 shown.png
	done
	wait $stalled
	viewer shot seen.png
	end
}

test_garbage_is_dropped() {
	local i
	start_server --output 640x480
	show 640x480
	start_view
	for i in $(seq 8); do
		{ head -c 20000 /dev/urandom || :; } >garbage
		bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1#*:}"; cat garbage >&3' garbage "$vnc" || :
		# What comes after a greeting that is one.
		bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1#*:}"; printf "RFB 003.008\n\1\1" >&3
			cat garbage >&3' garbage "$vnc" || :
		[ -z "$http" ] || bash -c 'exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
			printf "GET / HTTP/1.1\r\nUpgrade: websocket\r\n" >&3; cat garbage >&3' \
			garbage "$(echo "$http" | sed 's,http://\(.*\)/,\1,')" || :
	done 2>/dev/null
	viewer shot seen.png
	png seen.png photo 0 0 shown.png
	kill -0 "$view"
	end
}

test_who_says_nothing_keeps_nobody_out() {
	local i
	local -a silent=()
	start_server --output 640x480
	show 640x480
	start_view
	for i in $(seq 20); do
		exec {fd}<>"/dev/tcp/${vnc%:*}/${vnc#*:}"
		silent+=("$fd")
	done
	viewer shot seen.png
	png seen.png photo 0 0 shown.png
	end
}

# -- the command ------------------------------------------------------------------------

test_a_password_is_asked_for() {
	need openssl
	openssl list -providers -provider legacy >/dev/null 2>&1 || skip "openssl has no DES"
	start_server --output 640x480
	show 640x480
	echo sesame >password
	start_view --password-file password
	viewer password sesame shot seen.png
	png seen.png photo 0 0 shown.png
	expect_status 1 viewer password wrong shot no.png
	expect_status 1 viewer shot no.png
	[ ! -e no.png ]
	end
	echo much-too-long >password
	expect_status 2 "$holdfast" view --socket "$PWD/server" --password-file password
	expect_status 1 "$holdfast" view --socket "$PWD/server" --password-file nothing
}

test_it_ends_with_the_server() {
	start_server --output 640x480
	start_view
	stop_server
	wait "$view"
}

test_a_run_can_be_watched() {
	need modetest
	open_keys
	"$holdfast" run --output 640x480 --view -- modetest -M holdfast \
		-s HDMI-A-1:640x480 <&"$keys" >out 2>err &
	run=$!
	eventually 10000 listens err || fail "$(cat err)"
	vnc=$(sed -n 's/^VNC=//p' err)
	viewer pixel 10 10 c0c0c0
	press_key
	wait $run
	expect_status 1 viewer shot no.png
	# However early it is over.
	for _ in 1 2 3 4 5; do
		expect_status 5 "$holdfast" run --view -- sh -c 'exit 5'
	done
}

test_ports_that_cannot_be_are_refused() {
	start_server --output 640x480
	start_view --vnc 127.0.0.1:0
	expect "$(grep -c HTTP= view.out)" 0 "web servers"
	expect_status 2 "$holdfast" view --socket "$PWD/server" --vnc "$vnc"
	# A free port is not the one that is named.
	port=${vnc##*:}
	kill "$view"
	wait "$view" || :
	start_view --vnc auto --http "$port"
	[ -z "$http" ] || expect "$http" "http://127.0.0.1:$port/"
	for port in 65536 x -1 :5900 '[::1:5900' ::1 1.2.3.4:auto; do
		expect_status 2 "$holdfast" view --socket "$PWD/server" --vnc "$port"
	done
}

tap_main "$@"
