#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Photographs that the engine draws from memory which the program frees
# meanwhile: the screenshot has them pixel for pixel, on every kind of device.

. "$(dirname "$0")/tap.sh"

files=("$here"/pictures/*.png)

# photographs_are_right: what the program printed is what the screenshot has.
photographs_are_right() {
	local file place x y places=()
	grep -q 'overwritten at the same address: [1-9]' out ||
		fail "malloc gave other addresses: $(cat out)"
	while IFS=: read -r file place; do
		[ -f "$file" ] || continue
		IFS=, read -r x y <<<"${place##* }"
		places+=("$x" "$y" "$file")
	done <out
	expect $((${#places[@]} / 3)) ${#files[@]} "photographs"
	python3 "$here/png.py" shot.png photo "${places[@]}"
	# The paper that the last one is printed on.
	python3 "$here/png.py" shot.png pixel $((x - 5)) $((y + 5)) f4f2ec
}

# photos OPTION...: on such a device.
photos() {
	"$holdfast" run --output 1280x480 --stats --screenshot shot.png "$@" -- \
		"$programs/photos" -n 8 "${files[@]}" >out 2>err || fail "$(cat out err)"
	grep -q ' 0 pages held now, 0 faults' err || fail "$(cat err)"
	expect "$(wc -l <err)" 1 "lines on stderr"
}

test_the_picture_is_right_though_the_source_was_freed() {
	photos
	photographs_are_right
}

test_one_photograph_is_enough() {
	files=("$here/pictures/cat.png")
	photos
	photographs_are_right
}

test_every_kind_of_device_shows_the_same() {
	photos
	mv shot.png default.png
	for options in '--scanout contiguous' --split --non-coherent \
		'--split --scanout contiguous --non-coherent'; do
		# shellcheck disable=SC2086
		photos $options
		cmp shot.png default.png || fail "$options shows something else"
	done
}

test_a_program_that_syncs_misses_none() {
	start_server --output 1280x480 --non-coherent
	client "$programs/photos" -n 8 "${files[@]}" >out
	"$holdfast" info --socket "$PWD/server" >figures
	grep -q ' 0 faults, 0 missed syncs' figures || fail "$(cat figures)"
	stop_server
}

pages_of_users() {
	"$holdfast" info --socket "$PWD/server" >figures
	sed -n 's/^memory .*(\([0-9]*\) of users).*/\1/p' figures
}

none_of_users() {
	[ "$(pages_of_users)" = 0 ]
}

test_what_was_freed_is_held_until_the_engine_is_done() {
	start_server --output 1280x480
	open_keys
	start_client "$programs/photos" -k -n 2 "${files[@]}"
	eventually 10000 grep -q '^freed' out || fail "$(cat out err)"
	# The program takes at least 256 KiB a picture.
	[ "$(pages_of_users)" -ge $((64 * ${#files[@]})) ] || fail "$(cat figures)"
	press_key
	expect_status 0 wait "$client"
	eventually 5000 none_of_users || fail "$(cat figures)"
	stop_server
}

test_a_file_that_is_no_picture_is_named() {
	echo text >text.png
	expect_status 1 "$holdfast" run -- "$programs/photos" text.png 2>err
	grep -q '^text.png: ' err || fail "$(cat err)"
}

tap_main "$@"
