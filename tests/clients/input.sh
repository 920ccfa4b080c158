#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs that read input devices, and a person who uses those: evtest, libinput,
# python-evdev, udev's tools.

. "$(dirname "$0")/tap.sh"

python=/usr/bin/python3
# A machine that has other things to do is not in a hurry.
patience=15000

input() {
	"$holdfast" input --socket "$PWD/server" "$@"
}

inject() {
	"$holdfast" inject --socket "$PWD/server" "$@"
}

# says FILE TEXT: a line of the file has it.
says() {
	grep -qF -- "$2" "$1"
}

await() {
	eventually "$patience" says "$@" || fail "no '$2' in $1: $(tail -n 20 "$1")"
}

count() {
	grep -cF -- "$2" "$1" || :
}

end_client() {
	kill "$(cat client.pid)"
	wait "$client" || :
}

test_mistakes_are_one_line_and_status_2() {
	expect_status 2 "$holdfast" input 2>err
	expect_status 2 "$holdfast" input dance 2>>err
	expect_status 2 "$holdfast" input key nonsense 2>>err
	expect_status 2 "$holdfast" input move here there 2>>err
	expect_status 2 "$holdfast" input --crtc 1 click 2>>err
	expect_status 2 "$holdfast" inject input unplug trackball 2>>err
	expect_status 2 "$holdfast" inject input dance 2>>err
	expect "$(wc -l <err)" 7 "lines"
	expect "$(grep -vc '^holdfast: ' err)" 0 "lines of another kind"
	"$holdfast" input --help >help
	grep -q '^  type TEXT' help
}

test_what_cannot_be_done_is_one_line_and_status_1() {
	start_server --output 640x480
	expect_status 1 input move 10 10 2>err
	expect "$(cat err)" "holdfast: nothing is shown anywhere"
	expect_status 1 input --layout nowhere type a 2>err
	expect "$(cat err)" "holdfast: nowhere: no such keyboard layout"
	inject input unplug mouse
	expect_status 1 input click 2>err
	expect "$(cat err)" "holdfast: click: the device is unplugged"
	expect_status 1 inject input unplug mouse 2>err
	expect "$(cat err)" "holdfast: the mouse is gone already"
	stop_server
}

test_without_a_seat_there_is_nothing_to_type_on() {
	start_server --no-seat
	client sh -c '! ls /dev/input/event0' 2>/dev/null
	expect_status 1 input type a 2>err
	expect "$(cat err)" "holdfast: there is no seat"
	stop_server
}

test_udev_knows_what_the_devices_are() {
	need udevadm
	"$holdfast" run -- sh -c '
		for n in 0 1 2 3; do udevadm info "/dev/input/event$n"; done
		udevadm info -a /sys/class/input/event0' >out
	for kind in KEYBOARD TOUCHSCREEN; do
		expect "$(count out "ID_INPUT_$kind=1")" 1 "$kind"
	done
	expect "$(count out ID_INPUT_MOUSE=1)" 2 "mouse"
	grep -qF 'ATTRS{name}=="Holdfast Keyboard"' out
	grep -qF 'S: input/by-path/platform-holdfast-input.0-event-kbd' out
}

test_libinput_lists_the_devices() {
	need libinput
	"$holdfast" run -- libinput list-devices >out
	expect "$(count out 'Seat:             seat0, default')" 4 "devices"
	grep -A4 'Holdfast Keyboard' out | grep -q 'Capabilities: *keyboard'
	grep -A4 'Holdfast Mouse' out | grep -q 'Capabilities: *pointer'
	grep -A4 'Holdfast Tablet' out | grep -q 'Capabilities: *pointer'
	grep -A4 'Holdfast Touchscreen' out | grep -q 'Capabilities: *touch'
}

test_libinput_sees_what_a_person_does() {
	need libinput
	start_server --output 640x480
	start_client stdbuf -oL libinput debug-events --show-keycodes
	await out 'Holdfast Touchscreen'
	input key a
	await out 'KEY_A (30) released'
	input motion 5 -3
	await out POINTER_MOTION
	input click right
	await out 'BTN_RIGHT (273) released'
	input scroll 2
	await out POINTER_SCROLL_WHEEL
	# A device that goes and comes back is another one.
	inject input unplug mouse
	await out DEVICE_REMOVED
	inject input plug mouse
	eventually "$patience" added_again || fail "$(cat out)"
	input click
	await out 'BTN_LEFT (272) released'
	end_client
	stop_server
}

added_again() {
	[ "$(grep -c 'DEVICE_ADDED.*Holdfast Mouse' out)" -eq 2 ]
}

test_a_touch_is_where_the_pixels_are() {
	need libinput kmscube
	start_server --output 640x480
	open_keys
	client kmscube <&"$keys" >kmscube.out 2>&1 &
	shown=$!
	start_client stdbuf -oL libinput debug-events
	await out 'Holdfast Touchscreen'
	eventually "$patience" input move 320 240 2>/dev/null || fail "nothing is shown"
	await out POINTER_MOTION_ABSOLUTE
	grep -q 'POINTER_MOTION_ABSOLUTE.*50\.0[0-9]*/ *50\.1' out
	input touch down 1 160 120
	input touch move 1 480 360
	input touch up 1
	await out TOUCH_UP
	grep -q 'TOUCH_DOWN.*25\.[01][0-9]*/ *25\.[01]' out
	grep -q 'TOUCH_MOTION.*75\.[01][0-9]*/ *75\.[01]' out
	end_client
	press_key
	wait "$shown" || :
	stop_server
}

test_evtest_prints_every_event() {
	need evtest
	start_server
	start_client stdbuf -oL evtest /dev/input/event0
	await out 'Testing ...'
	says out 'Input device name: "Holdfast Keyboard"'
	input type 'Hi'
	await out 'code 23 (KEY_I), value 0'
	expect "$(count out 'code 42 (KEY_LEFTSHIFT), value 1')" 1 "shift"
	expect "$(count out 'code 35 (KEY_H), value 1')" 1 "h"
	# One that is held repeats until it is released.
	input press space
	await out 'code 57 (KEY_SPACE), value 2'
	input release space
	await out 'code 57 (KEY_SPACE), value 0'
	inject input unplug keyboard
	wait "$client" || :
	says out 'No such device' || says err 'No such device' || fail "$(cat out err)"
	stop_server
}

test_python_reads_a_long_text_whole() {
	[ -x $python ] && $python -c 'import evdev' 2>/dev/null || skip "python3-evdev is not installed"
	cat >reader.py <<'PYTHON'
import evdev, sys
device = evdev.InputDevice('/dev/input/event0')
print('ready', flush=True)
text = ''
for event in device.read_loop():
    if event.type == evdev.ecodes.EV_SYN and event.code == evdev.ecodes.SYN_DROPPED:
        print('lost', flush=True)
    if event.type != evdev.ecodes.EV_KEY or event.value != 1:
        continue
    if event.code == evdev.ecodes.KEY_ENTER:
        break
    text += evdev.ecodes.KEY[event.code][4:].lower()
print(text, flush=True)
PYTHON
	start_server
	start_client $python reader.py
	await out ready
	text=$(printf 'the%.0s' $(seq 100))
	input type "$text"
	input key Return
	wait "$client"
	expect "$(tail -n 1 out)" "$text" "text"
	expect "$(count out lost)" 0 "lost events"
	stop_server
}

test_a_scenario_types() {
	need evtest
	printf 'at 1s input type "ab"\nat 1500ms input unplug keyboard\n' >scenario
	"$holdfast" run --scenario scenario -- stdbuf -oL evtest /dev/input/event0 >out 2>&1 || :
	await out 'code 48 (KEY_B), value 0'
}

test_another_user_may_not_type() {
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	# shellcheck disable=SC2016 # the inner shell expands it
	"$holdfast" run -- sh -c '
		nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
		nobody test -x "$1" || exit 77
		! nobody "$1" input type a && ! nobody head -c 1 /dev/input/event0' \
		sh "$holdfast" 2>err || { [ $? -eq 77 ] && skip "nobody may not run it"; fail "$(cat err)"; }
	grep -q 'Permission denied' err
}

tap_main "$@"
