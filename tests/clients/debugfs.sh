#!/bin/bash
# SPDX-License-Identifier: MIT
#
# debugfs with the programs that are always there: cat, echo, dd, tee and so on, in
# dash and in bash, on CRCs of what modetest shows.

. "$(dirname "$0")/tap.sh"

# run SCRIPT: by sh, with modetest's picture on the first CRTC; $dir is the directory of
# the card in debugfs, and $crc that of the CRTC's CRCs.
run() {
	need modetest
	cat >script <<-'END'
		set -e
		card=$(ls -d /sys/bus/platform/devices/holdfast.0/drm/card*)
		dir=/sys/kernel/debug/dri/${card##*card}
		crc=$dir/crtc-0/crc
		mkfifo keys
		modetest -M holdfast -r <keys >shown 2>&1 &
		exec 9>keys
		n=0
		until grep -q "active=1" "$dir/state"; do
			sleep 0.02
			n=$((n + 1))
			[ "$n" -lt 500 ]
		done
	END
	printf '%s\necho >&9\nwait\n' "$1" >>script
	"${with[@]}" "$holdfast" run --output 640x480 -- "${shell:-sh}" script >out 2>err ||
		fail "$(cat out err)"
}

# lines FILE N: N lines of CRCs, of vblanks that follow each other, all the same.
lines() {
	local frame crc next='' first='' n=0
	while read -r frame crc; do
		[[ $frame$crc =~ ^(0x[0-9a-f]{8}){2}$ ]] || fail "bad line: $frame $crc"
		[ $((frame)) = "${next:-$((frame))}" ] || fail "a gap before $frame"
		expect "$crc" "${first:=$crc}" "CRC of $frame"
		next=$((frame + 1))
		n=$((n + 1))
	done < <(tr -d '\0' <"$1")
	expect "$n" "$2" "lines"
}

test_dd_reads_a_crc_a_block() {
	run 'dd if=$crc/data bs=64 count=5 of=crcs 2>/dev/null'
	lines crcs 5
	expect "$(stat -c %s crcs)" $((5 * 23)) "bytes"
}

test_dd_cannot_read_half_a_line() {
	run 'dd if=$crc/data bs=8 count=1 of=crcs 2>why && exit 1; grep -q "Invalid argument" why'
}

test_head_and_cat_read_crcs() {
	need timeout
	run 'head -n 3 $crc/data >head; timeout 1 cat $crc/data >cat || [ $? = 124 ]'
	lines head 3
	lines cat "$(tr -cd '\n' <cat | wc -c)"
	[ "$(tr -cd '\n' <cat | wc -c)" -gt 10 ] || fail "few lines: $(cat -v cat)"
}

test_a_redirected_program_reads_crcs() {
	run 'head -c 46 <$crc/data >crcs'
	lines crcs 2
}

test_a_crc_changes_with_the_picture() {
	run '
		head -n 1 $crc/data >before
		echo >&9
		wait
		mkfifo more
		modetest -M holdfast -r -F plain <more >shown 2>&1 &
		exec 9>more
		while [ "$(grep -m 1 fb= $dir/state)" = "	fb=0" ]; do sleep 0.02; done
		head -n 1 $crc/data >after'
	[ "$(cut -d' ' -f2 before)" != "$(cut -d' ' -f2 after)" ] || fail "$(cat -v before after)"
}

test_control_is_read_and_written() {
	run '
		[ "$(cat $crc/control)" = "auto*" ]
		echo auto >$crc/control
		printf auto >$crc/control
		if echo nonsense >$crc/control; then exit 1; fi 2>/dev/null
		echo auto | dd of=$crc/control 2>/dev/null
		if echo nonsense | dd of=$crc/control 2>why; then exit 1; fi
		grep -q "Invalid argument" why
		echo auto | cat >$crc/control
		if echo nonsense | cat >$crc/control 2>why; then exit 1; fi
		grep -q "Invalid argument" why
		[ "$(cat $crc/control)" = "auto*" ]'
}

test_a_second_reader_and_a_writer_find_it_busy() {
	run '
		exec 8<$crc/data
		if cat $crc/data 2>why; then exit 1; fi
		grep -q "resource busy" why
		if echo auto | dd of=$crc/control 2>why; then exit 1; fi
		grep -q "resource busy" why
		exec 8<&-
		echo auto | dd of=$crc/control 2>/dev/null
		head -n 1 $crc/data >crcs'
	lines crcs 1
}

test_a_killed_reader_is_none_any_more() {
	run '
		cat $crc/data >/dev/null &
		until grep -q . /proc/$!/comm && [ "$(cat /proc/$!/comm)" = cat ]; do sleep 0.01; done
		kill -9 $!
		wait $! || true
		head -n 1 $crc/data >crcs'
	lines crcs 1
}

test_stdio_writes_are_answered() {
	# bash's echo and coreutils' are.
	shell=bash
	run '
		echo auto >$crc/control
		/bin/echo auto >$crc/control
		if echo nonsense >$crc/control; then exit 1; fi 2>/dev/null
		if /bin/echo nonsense >$crc/control; then exit 1; fi 2>/dev/null
		[ "$(<$crc/control)" = "auto*" ]'
}

test_find_and_ls_list_the_files() {
	run 'here=$PWD
		cd /sys/kernel/debug/dri && ls -R ${dir##*/} >$here/list
		find ${dir##*/} -type f >$here/found && ls /sys/kernel >$here/kernel'
	grep -q '^debug$' kernel || fail "$(cat kernel)"
	for file in name clients gem_names state framebuffer crtc-0/crc/control crtc-0/crc/data; do
		grep -q "/$file\$" found || fail "$file: $(cat found)"
	done
	expect "$(grep -c '^crc:$\|/crc:$' list)" 2 "directories of CRCs"
}

test_state_names_what_modetest_shows() {
	run 'cat $dir/state >state; cat $dir/clients >clients; cat $dir/framebuffer >fbs'
	grep -q '^crtc\[[0-9]*\]: crtc-0$' state
	grep -q '^	mode: "640x480": 60 ' state
	grep -q '^	crtc-pos=640x480+0+0$' state
	grep -q '^ *modetest *[0-9]* *[0-9]* *y *y ' clients || fail "$(cat clients)"
	grep -q '^	allocated by = modetest$' fbs || fail "$(cat fbs)"
}

test_a_debugfs_of_the_machine_is_no_hindrance() {
	# One that is mounted as the kernel's: nobody but root gets in.
	unshare -rm sh -c 'mount -t tmpfs -o mode=700 none /sys/kernel/debug' 2>/dev/null ||
		skip "no namespace to mount something in"
	# shellcheck disable=SC2016
	with=(unshare -rm sh -c 'mount -t tmpfs -o mode=700 none /sys/kernel/debug &&
		mkdir /sys/kernel/debug/dri /sys/kernel/debug/dri/99 && exec "$@"' sh)
	run 'head -n 1 $crc/data >crcs; ls /sys/kernel/debug/dri >list'
	lines crcs 1
	grep -q '^99$' list || fail "$(cat list)"
}

test_the_machines_debugfs_may_be_closed_to_a_user() {
	[ "$(id -u)" = 0 ] || skip "needs root, to have a directory of root's only"
	unshare -m true 2>/dev/null || skip "no namespace to mount something in"
	chmod 777 .
	# shellcheck disable=SC2016
	with=(unshare -m sh -c 'mount -t tmpfs -o mode=700 none /sys/kernel/debug &&
		mkdir /sys/kernel/debug/dri /sys/kernel/debug/dri/99 &&
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"' sh)
	run 'head -n 1 $crc/data >crcs; cat $dir/name >name
		if ls /sys/kernel/debug 2>/dev/null; then exit 1; fi'
	lines crcs 1
	grep -q '^holdfast dev=' name
}

tap_main "$@"
