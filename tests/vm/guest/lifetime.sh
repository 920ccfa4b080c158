#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Memory that the display works on stays pinned until it is done, whatever the client
# does meanwhile, and not longer. The kernel's own count of what it has pinned is what
# counts.

. "$(dirname "$0")/lib.sh"

# The first client makes the server allocate what it keeps.
start_and_warm_up() {
	open_keys
	start_display
	client "$vm/vm-flip" -s 0.1 >flips
	eventually 10000 idle || fail "$(info in_flight) commands in flight"
	level=$(locked)
	echo "pinned at rest: $level bytes"
}

idle() {
	[ "$(info in_flight)" = 0 ]
}

expect_level() {
	"$guest/pinned" "$holdfast" "$PWD/server" "$server" "$level" |
		tee -a "$share/samples"
	expect "${PIPESTATUS[0]}" 0 "status of pinned"
	expect_no_fault
}

# let_go HOW: a client that does not wait for its last transfer.
let_go() {
	start_and_warm_up
	start_client "$vm/vm-transfers" "$1"
	eventually 60000 grep -q shown out || fail "$(cat err)"
	[ "$(locked)" -gt "$level" ] || fail "nothing more is pinned while it is shown"
	press_key
	eventually 20000 grep -q gone out || fail "$(cat err)"
	expect_level
	kill "$(cat client.pid)"
	wait "$client" || :
	expect "$(locked)" "$level" "bytes pinned after the client"
	stop_server
}

test_closed_objects_are_unpinned_when_the_display_is_done() {
	let_go close
}

test_user_memory_that_is_unmapped_is_unpinned_when_the_display_is_done() {
	let_go unmap
}

# stop_display: it may not do DMA any more. QEMU's does nothing at all then, and does
# not answer what it is given.
stop_display() {
	python3 - "$devices/$gpu/config" <<-'PYTHON'
		import sys
		with open(sys.argv[1], 'r+b', 0) as config:
		    config.seek(4)
		    command = config.read(1)[0]
		    config.seek(4)
		    config.write(bytes([command & ~4]))
	PYTHON
}

# stall COMMAND...: with the display stopped, a client lets go by COMMAND. Its memory
# stays pinned as long as the display could still come for it: until the server has
# waited for long enough and reset it.
stall() {
	start_and_warm_up
	start_client "$vm/vm-transfers" close
	eventually 60000 grep -q shown out || fail "$(cat err)"
	eventually 10000 idle
	shown=$(locked)
	stop_display
	"$@"
	sleep 1
	[ "$(info in_flight)" -gt 0 ] || fail "the display was not stopped"
	[ "$(locked)" -ge "$shown" ] || fail "unpinned before the display was done"
	expect_level
	"$holdfast" info --socket "$PWD/server" --json >info
	grep -q '"gone": *true' info || fail "unpinned without a reset"
	stop_server
}

let_go_now() {
	press_key
	eventually 5000 grep -q gone out || fail "$(cat err)"
}

kill_client_now() {
	press_key
	eventually 5000 grep -q gone out || fail "$(cat err)"
	kill -KILL "$(cat client.pid)"
	wait "$client" || :
}

test_closed_objects_stay_pinned_until_a_stopped_display_is_reset() {
	stall let_go_now
}

test_memory_of_a_killed_client_stays_pinned_until_a_stopped_display_is_reset() {
	stall kill_client_now
}

test_a_killed_client_leaves_nothing_pinned() {
	start_and_warm_up
	for round in 1 2 3 4 5 6; do
		rm -f client.pid
		start_client "$vm/vm-transfers" flip
		eventually 60000 grep -q shown out || fail "$(cat err)"
		sleep "0.$((round * 37 % 100))"
		[ "$(locked)" -gt "$level" ] || fail "nothing more is pinned in round $round"
		kill -KILL "$(cat client.pid)"
		expect_level
		wait "$client" || :
	done
	stop_server
}

test_a_server_that_is_killed_leaves_nothing_to_the_device() {
	start_and_warm_up
	start_client "$vm/vm-transfers" flip
	eventually 60000 grep -q shown out || fail "$(cat err)"
	kill -KILL "$server"
	wait "$client" || :
	wait "$server" || :
	# The next one has the device again.
	start_display
	client "$vm/vm-flip" -s 0.1
	stop_server
	expect_no_fault
}

[ $# -gt 0 ] || : >"$share/samples"
tap_main "$@"
