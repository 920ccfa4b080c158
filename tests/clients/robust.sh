#!/bin/bash
# SPDX-License-Identifier: MIT
#
# A client that dies or talks nonsense harms nobody but itself, and what it had
# is free again within 100 ms.

. "$(dirname "$0")/tap.sh"

# What the server holds for its clients, without what only ever grows.
holdings() {
	"$holdfast" info --socket "$PWD/server" --json | python3 -c '
import json, sys
info = json.load(sys.stdin)
print({key: len(info[key]) for key in ("clients", "files", "objects")},
      info["framebuffers"], "framebuffers")'
}

holds() {
	[ "$(holdings)" = "$1" ]
}

expect_holdings() {
	eventually 100 holds "$1" || fail "still held: $(holdings), before: $1"
}

random_ms() {
	sleep "$(printf '0.%03d' $((RANDOM % $1)))"
}

# A client that goes on working through it all.
start_steady() {
	"$holdfast" run --socket "$PWD/server" -- "$programs/churn" 2>steady.err &
	steady=$!
	sleep 0.1
}

expect_steady() {
	kill -0 "$steady" || fail "the other client ended: $(cat steady.err)"
	[ ! -s steady.err ] || fail "the other client: $(cat steady.err)"
}

test_a_client_killed_at_any_instant_leaves_nothing() {
	start_server --output 640x480
	before=$(holdings)
	for _ in $(seq 40); do
		start_client "$programs/churn"
		eventually 5000 test -s client.pid
		random_ms 60
		kill -KILL "$(cat client.pid)"
		wait "$client" || expect $? 137 "status"
		rm client.pid
		expect_holdings "$before"
	done
	stop_server
}

test_others_notice_nothing_of_a_killed_client() {
	start_server --output 640x480
	start_steady
	for _ in $(seq 20); do
		start_client "$programs/churn"
		eventually 5000 test -s client.pid
		random_ms 60
		kill -KILL "$(cat client.pid)"
		wait "$client" || :
		rm client.pid
		expect_steady
	done
	kill "$steady"
	wait "$steady" || :
	stop_server
}

test_many_clients_killed_at_once_leave_nothing() {
	start_server --output 640x480
	before=$(holdings)
	# shellcheck disable=SC2016
	client setsid sh -c '
		echo $$ >group.pid
		for number in 1 2 3 4 5 6 7 8 9 10 11 12; do
			"$0" &
		done
		wait' "$programs/churn" 2>/dev/null &
	clients=$!
	eventually 5000 test -s group.pid
	sleep 0.3
	kill -KILL -- -"$(cat group.pid)"
	wait $clients || :
	expect_holdings "$before"
	client "$programs/churn" 2
	stop_server
}

test_a_killed_master_gives_mastership_back() {
	need modetest
	start_server --output 640x480
	open_keys
	start_client modetest -M holdfast -r
	eventually 5000 test -s client.pid
	sleep 0.3
	kill -KILL "$(cat client.pid)"
	wait "$client" || :
	client modetest -M holdfast -r >out 2>&1 </dev/null
	if grep -qi 'failed' out; then
		fail "$(cat out)"
	fi
	stop_server
}

# garble STYLE: connect to the server's socket and misbehave.
garble() {
	python3 - "$1" <<-'PYTHON'
		import array, os, random, socket, struct, sys

		style = sys.argv[1]
		random.seed(style)

		def connect():
		    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
		        try:
		            connection = socket.socket(socket.AF_UNIX, kind)
		            connection.connect('server')
		            connection.settimeout(0.2)
		            return connection
		        except OSError as error:
		            problem = error
		    sys.exit(f'cannot connect: {problem}')

		def send(connection, data, fds=()):
		    try:
		        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))]
		        connection.sendmsg([data], rights if fds else [])
		    except OSError:
		        return False
		    return True

		def random_bytes(connection):
		    for size in (0, 1, 3, 4, 7, 8, 63, 64, 65, 4096, 65536):
		        send(connection, os.urandom(size))

		def small_numbers(connection):
		    for _ in range(64):
		        words = [random.choice((0, 1, 2, 3, 4, 7, 8, 0x64, 0xffffffff, 1 << 31))
		                 for _ in range(random.randrange(1, 33))]
		        send(connection, struct.pack(f'<{len(words)}I', *words))

		def descriptors(connection):
		    null = os.open('/dev/null', os.O_RDWR)
		    memory = os.memfd_create('garbage')
		    for size in (1, 8, 64, 256):
		        send(connection, os.urandom(size), [null])
		        send(connection, bytes(size), [memory] * 16)
		        send(connection, bytes(size), [connection.fileno()])

		def silence(connection):
		    connection.shutdown(socket.SHUT_WR)

		for _ in range(20):
		    connection = connect()
		    globals()[style](connection)
		    try:
		        connection.recv(65536)
		    except OSError:
		        pass
		    connection.close()
	PYTHON
}

test_garbage_on_the_socket_drops_that_client_alone() {
	start_server --output 640x480
	before=$(holdings)
	start_steady
	for style in random_bytes small_numbers descriptors silence; do
		garble $style
		expect_steady
	done
	kill "$steady"
	wait "$steady" || :
	expect_holdings "$before"
	client "$programs/churn" 2
	stop_server
}

test_a_client_that_scribbles_over_its_channel_is_dropped_alone() {
	start_server --output 640x480
	before=$(holdings)
	start_steady
	for seed in 1 2 3 4; do
		client "$programs/scribble" $seed 1
		expect_steady
	done
	kill "$steady"
	wait "$steady" || :
	expect_holdings "$before"
	client "$programs/churn" 2
	stop_server
}

test_a_client_that_connects_and_says_nothing_blocks_nobody() {
	start_server
	python3 -c '
import socket, time
held = []
for _ in range(50):
    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        connection = socket.socket(socket.AF_UNIX, kind)
        try:
            connection.connect("server")
            held.append(connection)
        except OSError:
            pass
open("held", "w").write(str(len(held)))
time.sleep(60)' &
	silent=$!
	eventually 5000 test -s held
	timeout 10 "$holdfast" run --socket "$PWD/server" -- "$programs/churn" 2
	kill $silent
	stop_server
}

test_a_full_event_queue_that_nobody_reads_blocks_nobody() {
	need modetest
	start_server --output 640x480
	learn_ids
	open_keys
	# shellcheck disable=SC2154 # learn_ids assigns them
	start_client modetest -M holdfast -s "$connector@$crtc:640x480" -v
	eventually 5000 test -s client.pid
	sleep 0.3
	kill -STOP "$(cat client.pid)"
	timeout 10 "$holdfast" run --socket "$PWD/server" -- "$programs/churn" 5
	kill -CONT "$(cat client.pid)"
	press_key
	wait "$client"
	stop_server
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

test_programs_end_when_the_server_is_killed() {
	start_server --output 640x480
	start_client "$programs/churn"
	eventually 5000 test -s client.pid
	sleep 0.2
	kill -KILL "$server"
	wait "$server" || :
	# The device is gone: its ioctls fail, and nobody hangs.
	eventually 5000 gone "$(cat client.pid)" || fail "the program hangs"
	wait "$client" || :
}

tap_main "$@"
