#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What programs draw is on the emulated monitor, pixel for pixel: what QEMU dumps is
# what the server takes a screenshot of, and what the same program draws on the soft
# device, which shares nothing below the driver.

. "$(dirname "$0")/lib.sh"

# expected SIZE COMMAND...: its picture on the soft device, as expected.ppm. The words
# $connector and so on in COMMAND are that device's.
expected() {
	local size=$1
	shift
	(
		mkdir soft
		cd soft || exit 1
		start_server --output "$size"
		learn_ids
		eval "start_client $*"
		eventually 20000 screenshot_of_more_than_black ../expected
		kill "$(cat client.pid)"
		wait "$client" || :
		stop_server
	)
}

screenshot_of_more_than_black() {
	screenshot 0 "$1" 2>shot.err && [ "$(ppmhist -noheader "$1.ppm" | wc -l)" -gt 1 ]
}

# shown HEAD: the monitor shows what the program drew, and the server says so, too.
shown() {
	screenshot 0 said 2>shot.err && dump "$1" seen && cmp -s seen.ppm expected.ppm
}

# check SIZE COMMAND...: the program's picture on both.
check() {
	local size=$1
	shift
	open_keys
	expected "$size" "$@"
	start_display
	learn_ids
	eval "start_client $*"
	eventually 20000 shown 0 || expect_same seen.ppm expected.ppm
	expect_same seen.ppm said.ppm
	kill "$(cat client.pid)"
	wait "$client" || :
	stop_server
	expect_no_fault
}

# The words are expanded by check, with the ids of either device.
# shellcheck disable=SC2016
test_modetest_shows_its_picture_on_the_monitor() {
	check 1280x800 'modetest -M holdfast -s $connector@$crtc:1280x800'
}

# shellcheck disable=SC2016
test_an_atomic_commit_shows_its_picture() {
	check 1280x800 'modetest -M holdfast -a -s $connector@$crtc:1280x800 -P $primary@$crtc:1280x800'
}

# shellcheck disable=SC2016
test_a_smaller_mode_shows_its_picture() {
	check 1024x768 'modetest -M holdfast -s $connector@$crtc:1024x768'
}

# shellcheck disable=SC2016
test_another_format_shows_its_picture() {
	check 1280x800 'modetest -M holdfast -s $connector@$crtc:1280x800@AR24'
}

test_the_picture_stays_while_it_is_flipped() {
	open_keys
	start_display
	learn_ids
	# shellcheck disable=SC2154
	start_client modetest -M holdfast -v -s "$connector@$crtc:1280x800"
	eventually 30000 grep -q '^freq:' err || fail "$(cat err)"
	# Two pictures by turns: what is dumped is one of them.
	kill -STOP "$(cat client.pid)"
	eventually 10000 frozen
	kill -CONT "$(cat client.pid)"
	kill "$(cat client.pid)"
	wait "$client" || :
	stop_server
	expect_no_fault
}

# frozen: nothing is drawn any more; the monitor shows what the server says.
frozen() {
	screenshot 0 said && dump 0 seen && cmp seen.ppm said.ppm
}

test_kmscube_shows_its_cube_on_the_monitor() {
	need kmscube
	open_keys
	start_display
	start_client kmscube -c 100000
	eventually 60000 screenshot_of_more_than_black said || fail "$(cat err out)"
	kill -STOP "$(cat client.pid)"
	eventually 10000 frozen || fail "the dump is not the screenshot"
	kill -KILL "$(cat client.pid)"
	wait "$client" || :
	stop_server
	expect_no_fault
}

test_a_monitor_that_is_resized_says_so() {
	start_display
	"$guest/ask" resize 0 1000x700
	eventually 10000 preferred 1000x700 || fail "$(cat list)"
	"$guest/ask" resize 0 1280x800
	eventually 10000 preferred 1280x800 || fail "$(cat list)"
	stop_server
}

preferred() {
	client modetest -M holdfast -c >list && grep -q "#0 $1 .*preferred" list
}

test_a_second_monitor_is_plugged_in_and_shows_its_picture() {
	open_keys
	# shellcheck disable=SC2016
	expected 800x600 'modetest -M holdfast -s $connector@$crtc:800x600'
	start_display
	expect "$(connected)" 1 "monitors at first"
	"$guest/ask" resize 1 800x600
	eventually 10000 two_monitors || fail "$(cat list)"
	# The second pipe: the connector with an 800x600 monitor, and the last CRTC.
	second=$(awk '/^[0-9]+\t[0-9]+\tconnected/ { id = $1 } /#0 800x600/ { print id }' list)
	pipe=$(client modetest -M holdfast -p | awk '
		/^Planes:/ { exit }
		/^[0-9]+\t/ { id = $1 }
		END { print id }')
	start_client modetest -M holdfast -s "$second@$pipe:800x600"
	eventually 20000 second_shown || fail "$(cat shot.err err)"
	expect_same seen.ppm expected.ppm
	kill "$(cat client.pid)"
	wait "$client" || :
	"$guest/ask" resize 1 0x0
	eventually 10000 one_monitor || fail "$(cat list)"
	stop_server
	expect_no_fault
}

connected() {
	client modetest -M holdfast -c >list
	grep -Ec '^[0-9]+	[0-9]+	connected' list
}

one_monitor() {
	[ "$(connected)" -eq 1 ]
}

two_monitors() {
	[ "$(connected)" -eq 2 ]
}

second_shown() {
	screenshot 1 said 2>shot.err && dump 1 seen && cmp -s seen.ppm said.ppm
}

test_the_cursor_is_on_the_monitor() {
	open_keys
	start_display
	learn_ids
	start_client modetest -M holdfast -s "$connector@$crtc:1280x800" -C
	eventually 20000 ask cursor 0 cursor.rgba 2>ask.err || fail "$(cat ask.err err)"
	# What modetest draws is a grey half seen through.
	expect "$(wc -c <"$share/cursor.rgba")" 16384 "bytes of the cursor"
	expect "$(od -An -v -tx4 -w4 "$share/cursor.rgba" | sort -u)" " 77777777" "pixels"
	kill "$(cat client.pid)"
	wait "$client" || :
	stop_server
	expect_no_fault
}

tap_main "$@"
