#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What can be seen: traces of real programs, recordings of what they show, and
# screenshots by name.

. "$(dirname "$0")/tap.sh"

check() {
	python3 "$here/seen.py" "$@"
}

# -- traces --------------------------------------------------------------------

test_a_trace_tells_every_argument_by_name() {
	need modetest
	"$holdfast" run --trace trace -- modetest -M holdfast >list
	check text trace
	grep -q 'modetest\[.*VERSION {.* => {.*name="holdfast"' trace
	grep -q 'MODE_GETPLANE {.* => {.*format_type_ptr=\[XR24' trace
	grep -q 'OBJ_GETPROPERTIES {.* => {props_ptr={.*type=Primary' trace
	grep -q 'card[0-9]*#1 closed' trace
}

test_a_wait_is_one_line_with_the_time_that_it_took() {
	"$holdfast" run --output 640x480 --trace trace -- "$programs/colours" 2 10
	check text trace
	expect "$(grep -c WAIT_VBLANK trace)" 1 "lines of the wait"
	# Two vblanks are more than a frame apart from any moment.
	sed -n 's/.*WAIT_VBLANK.*<\(.*\) us>/\1/p' trace | awk '
		{ print; exit !($1 > 16000) }' || fail "$(grep WAIT_VBLANK trace)"
}

test_commits_flips_and_mappings_are_in_a_trace() {
	"$holdfast" run --output 640x480 --trace trace -- "$programs/colours" 3 10
	grep -q 'shows frame 1 at .*: plane [0-9]* fb' trace
	grep -q ': flip [0-9]* at .* to pid' trace
	grep -q 'pinned and mapped, .* bytes' trace
	grep -q 'unmapped and unpinned' trace
}

test_jobs_and_fences_are_in_a_trace() {
	local at
	"$holdfast" run --trace trace.json -- "$programs/photos" "$here"/pictures/*.png \
		>out 2>&1 || skip "photos: $(tail -n 1 out)"
	check chrome trace.json HOLDFAST_SUBMIT
	at=$(grep -c '"cat":"engine"' trace.json)
	[ "$at" -gt 0 ] || fail "no slices of the engine"
	expect "$(grep -c '"ph":"b","cat":"job"' trace.json)" \
		"$(grep -c '"ph":"e","cat":"job"' trace.json)" "jobs that end"
}

test_a_trace_of_modetest_is_json_for_perfetto() {
	need modetest
	"$holdfast" run --output 640x480 --trace trace.json -- "$programs/colours" 3 10
	check chrome trace.json MODE_ADDFB2 MODE_PAGE_FLIP 'flip [0-9]+' 'frame [0-9]+' \
		thread_name
	"$holdfast" run --trace all.json -- modetest -M holdfast >list
	check chrome all.json MODE_GETPROPERTY VERSION
}

test_a_trace_of_kmscube_is_json_for_perfetto() {
	need kmscube
	open_keys
	"$holdfast" run --output 640x480 --trace trace.json -- kmscube -c 30 \
		<&"$keys" >out 2>&1 || fail "$(tail -n 5 out | cut -c 1-160)"
	check chrome trace.json MODE_PAGE_FLIP 'flip [0-9]+'
}

test_a_killed_server_leaves_an_array_without_an_end() {
	start_server --output 640x480 --trace trace.json
	client "$programs/colours" 3 10
	eventually 10000 grep -q close trace.json
	kill -KILL "$server"
	wait "$server" || :
	check killed trace.json
}

test_a_trace_can_be_taken_of_a_running_server() {
	start_server --output 640x480
	"$holdfast" trace --socket "$PWD/server" --output trace &
	tracer=$!
	eventually 10000 traced
	kill -TERM "$tracer"
	expect_status 0 wait "$tracer"
	check text trace
	grep -q 'colours\[.*MODE_SETCRTC' trace
	stop_server
}

# It may attach at any time: until there is something.
traced() {
	client "$programs/colours" 2 10
	[ -s trace ]
}

test_a_chrome_trace_of_a_running_server_has_an_end() {
	start_server --output 640x480
	"$holdfast" trace --socket "$PWD/server" --format chrome --duration 3 >trace.json &
	tracer=$!
	eventually 10000 grep -q process_name trace.json
	client "$programs/colours" 2 10
	expect_status 0 wait "$tracer"
	check chrome trace.json MODE_SETCRTC
	stop_server
}

test_a_trace_ends_with_its_server() {
	start_server --output 640x480
	"$holdfast" trace --socket "$PWD/server" --format chrome >trace.json &
	tracer=$!
	eventually 10000 grep -q process_name trace.json
	stop_server
	expect_status 0 wait "$tracer"
	check chrome trace.json
}

test_a_reader_of_a_trace_that_goes_away_is_no_harm() {
	need modetest
	start_server
	"$holdfast" trace --socket "$PWD/server" | head -n 1 >line &
	eventually 10000 one_line
	client modetest -M holdfast -c >list
	stop_server
}

one_line() {
	client modetest -M holdfast -c >list
	[ -s line ]
}

test_hotplug_is_in_a_trace() {
	start_server --trace trace
	"$holdfast" inject --socket "$PWD/server" unplug HDMI-A-1
	eventually 10000 grep -q 'uevent HOTPLUG=1' trace
	stop_server
	check text trace
}

test_a_full_disk_ends_a_trace_with_one_line() {
	need modetest
	"$holdfast" run --trace /dev/full -- modetest -M holdfast -c >list 2>err
	expect "$(grep -c 'No space left' err)" 1 "complaints"
}

# -- recordings ----------------------------------------------------------------

# What the last line on stderr says: frames, and those that were skipped.
skipped() {
	sed -n 's/^holdfast: .* frames, \([0-9]*\) skipped$/\1/p' "$1"
}

test_pictures_are_recorded_as_they_are_flipped() {
	"$holdfast" run --output 320x240 --record 'frame-%03d.png' -- \
		"$programs/colours" 12 100 2>err
	check pictures 12 "$(skipped err)" frame-*.png
	[ -e frame-000.png ] || fail "counts from 0"
}

test_a_y4m_has_every_colour_for_its_time() {
	"$holdfast" run --output 320x240 --record video.y4m -- \
		"$programs/colours" 12 100 2>err
	check y4m 12 "$(skipped err)" video.y4m
}

# A picture may be off by the video's own rounding to frames, and the trace's.
test_an_encoded_video_has_its_pictures_at_the_times_of_the_flips() {
	need ffmpeg ffprobe
	"$holdfast" run --output 320x240@60 --record video.mkv --trace trace -- \
		"$programs/colours" 12 100 2>err || fail "$(cat err)"
	ffprobe -v error -select_streams v:0 -show_entries frame=pts_time -of csv=p=0 \
		video.mkv | tr -d , >pts
	check times trace 17 pts
}

test_every_kind_of_video_can_be_read_again() {
	need ffmpeg ffprobe
	for file in video.mp4 video.webm video.gif; do
		"$holdfast" run --output 321x241 --record "$file" -- \
			"$programs/colours" 3 50 2>err || fail "$file: $(cat err)"
		ffprobe -v error -count_frames -select_streams v:0 \
			-show_entries stream=nb_read_frames -of csv=p=0 "$file" >n
		[ "$(tr -dc 0-9 <n)" -gt 0 ] || fail "$file: $(cat n)"
	done
}

test_without_ffmpeg_there_is_one_error_and_no_program() {
	mkdir bin
	expect_status 2 env PATH="$PWD/bin" "$holdfast" run --record video.mkv -- \
		/usr/bin/touch ran 2>err
	expect "$(wc -l <err)" 1 "lines on stderr"
	grep -q ffmpeg err || fail "$(cat err)"
	[ ! -e ran ] || fail "the program ran"
	[ ! -e video.mkv ] || fail "left a file"
}

refused() {
	expect_status 2 "$holdfast" run --record "$1" -- touch ran 2>err
	expect "$(wc -l <err)" 1 "lines on stderr of $1"
	[ ! -e ran ] || fail "the program ran"
}

test_a_name_that_says_no_kind_of_video_is_refused() {
	refused video
	refused video.xyz
	refused '%d%d.png'
	refused '%s.png'
	refused '%'
	refused /no/such/directory/%d.png
	refused /no/such/directory/video.y4m
}

test_a_recording_of_nothing_says_so() {
	expect_status 1 "$holdfast" run --record video.y4m -- true 2>err
	grep -q 'nothing was shown' err || fail "$(cat err)"
	[ ! -e video.y4m ] || fail "left a file"
}

test_a_recording_does_not_outlive_a_program_that_fails() {
	expect_status 3 "$holdfast" run --output 320x240 --record video.y4m -- \
		sh -c '"$0" 2 20; exit 3' "$programs/colours" 2>err
	[ -s video.y4m ] || fail "no video"
}

test_a_video_that_was_there_is_only_replaced_by_another() {
	local kind
	unset HOLDFAST_SOCKET
	for kind in y4m mkv; do
		echo old >"video.$kind"
		expect_status 1 "$holdfast" run --record "video.$kind" -- true 2>err
		expect "$(cat "video.$kind")" old
		expect_status 1 "$holdfast" record "video.$kind" 2>err
		expect "$(cat "video.$kind")" old
		expect "$(wc -l <err)" 1 "lines on stderr"
	done
}

test_a_running_server_can_be_recorded() {
	start_server --output 320x240
	"$holdfast" record --socket "$PWD/server" --frames 5 '%d.png' 2>err &
	recorder=$!
	# It may attach at any time.
	while kill -0 "$recorder" 2>/dev/null; do
		client "$programs/colours" 12 100
	done
	expect_status 0 wait "$recorder"
	expect "$(echo ?.png)" '0.png 1.png 2.png 3.png 4.png'
	stop_server
}

test_a_recording_ends_on_a_signal_with_a_whole_file() {
	start_server --output 320x240
	expect_status 1 "$holdfast" record --socket "$PWD/server" --connector HDMI-A-1 \
		video.y4m 2>err
	grep -q 'nothing is shown on HDMI-A-1' err || fail "$(cat err)"
	"$holdfast" record --socket "$PWD/server" video.y4m 2>err &
	recorder=$!
	eventually 20000 recorded
	kill -TERM "$recorder"
	expect_status 0 wait "$recorder"
	grep -q 'frames, .* skipped' err || fail "$(cat err)"
	head -c 10 video.y4m | grep -q YUV4MPEG2
	stop_server
}

recorded() {
	client "$programs/colours" 3 50
	[ -s video.y4m ]
}

# -- screenshots ---------------------------------------------------------------

# lit COMMAND...: while the display shows something.
lit() {
	start_client "$programs/colours" 24 1000
	eventually 10000 "$holdfast" screenshot --socket "$PWD/server" shot.png 2>err ||
		fail "$(cat err)"
}

test_a_screenshot_is_of_a_crtc_or_of_a_connector() {
	start_server --output 320x240
	lit
	python3 "$here/png.py" shot.png size 320x240
	"$holdfast" screenshot --socket "$PWD/server" --connector HDMI-A-1 name.png
	python3 "$here/png.py" name.png size 320x240
	"$holdfast" screenshot --socket "$PWD/server" --crtc 0 - >pipe.png
	python3 "$here/png.py" pipe.png size 320x240
}

# refused_shot STATUS WORDS OPTION...
refused_shot() {
	local words=$1
	shift
	expect_status 1 "$holdfast" screenshot --socket "$PWD/server" "$@" no.png 2>err
	expect "$(wc -l <err)" 1 "lines on stderr"
	grep -q "$words" err || fail "$(cat err)"
	[ ! -e no.png ] || fail "left a file"
}

test_a_screenshot_that_fails_takes_no_device_away() {
	mkfifo fifo
	exec {keep}<>fifo
	expect_status 1 "$holdfast" run --screenshot fifo -- true 2>err
	grep -q 'nothing was ever shown' err || fail "$(cat err)"
	[ -p fifo ] || fail "the pipe was removed"
}

test_a_screenshot_of_what_is_not_there_says_so() {
	start_server --output 320x240
	refused_shot 'there is no CRTC 99' --crtc 99
	refused_shot 'there is no connector VGA-7' --connector VGA-7
	refused_shot 'nothing is shown on HDMI-A-1' --connector HDMI-A-1
	refused_shot 'nothing is shown yet'
	stop_server
}

tap_main "$@"
