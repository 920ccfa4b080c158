#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Any process tree: the device is there for whatever a program does to itself and
# starts, and where the shim cannot go, that is said in one line.

. "$(dirname "$0")/tap.sh"

trees=$programs/trees

# tree WORD...: a program that does them, as its tree of processes.
tree() {
	"$holdfast" run -- "$trees" "$@"
}

need_root() {
	[ "$(id -u)" -eq 0 ] || skip "only root can"
}

# May one have name spaces of one's own?
need_users() {
	unshare --user --net true 2>/dev/null || skip "no user name spaces here"
}

test_descriptors_are_closed_before() {
	local how
	for how in close-from close-each close-listed close-by-number take-numbers; do
		tree "$how" use attribute
	done
}

test_descriptors_are_closed_after() {
	local how
	for how in close-from close-each close-listed close-by-number take-numbers; do
		tree hold held "$how" use attribute
	done
	tree hold held take-numbers held
}

test_descriptors_are_few() {
	tree few-files use
	tree use few-files hold held attribute
}

test_a_daemon() {
	tree hold daemon held use tell
	tree clear daemon use attribute tell
}

test_an_environment_is_cleared() {
	local how
	for how in execve execv execle fexecve spawn vfork; do
		tree "$how" use attribute
		tree clear "$how" use attribute
	done
	tree clear use child use
	tree vforks
	tree clear system "$trees use"
	tree clear popen "$trees use && echo fine" | grep -qx fine
}

test_env_i() {
	"$holdfast" run -- env -i "$trees" use
	"$holdfast" run -- env -i sh -c "$trees use"
	"$holdfast" run -- env -u LD_PRELOAD sh -c "$trees use; exec env -i $trees use attribute"
}

test_an_environment_that_is_not_followed() {
	! HOLDFAST_FOLLOW=0 "$holdfast" run -- env -i "$trees" use
	"$holdfast" run -- env -i HOLDFAST_FOLLOW=0 sh -c 'env' >out
	! grep -q LD_PRELOAD out
	HOLDFAST_FOLLOW=0 "$holdfast" run -- "$trees" use
}

test_another_library_is_preloaded_too() {
	LD_PRELOAD=$programs/native_fence.so "$holdfast" run -- env >out
	grep -qx "LD_PRELOAD=.*/libholdfast-shim.so:.*/native_fence.so" out
	"$holdfast" run -- env -i LD_PRELOAD="$programs/native_fence.so" sh -c env >out
	grep -qx "LD_PRELOAD=.*/libholdfast-shim.so:.*/native_fence.so" out
	"$holdfast" run -- env -i LD_PRELOAD="$programs/native_fence.so" "$trees" use
}

test_nothing_is_said_twice_in_an_environment() {
	"$holdfast" run -- env -i sh -c 'exec sh -c "exec env"' >out
	expect "$(grep -c ^HOLDFAST_SOCKET= out)" 1
	expect "$(grep -c ^HOLDFAST_KEY= out)" 1
	expect "$(grep -o 'libholdfast-shim.so' out | wc -l)" 1
}

test_privileges_are_dropped() {
	need_root
	tree drop render attribute
	tree hold drop held render child held render
	tree drop execve render attribute
	! tree drop use
	"$holdfast" run -- setpriv --reuid=65534 --regid=65534 --clear-groups \
		env -i "$trees" render
}

test_a_process_that_cannot_be_dumped() {
	tree undumpable use attribute
	tree hold undumpable held
}

test_address_space_is_little() {
	tree little-memory use attribute
}

test_a_sandbox_without_connections() {
	tree sandbox use
	tree hold sandbox held use
}

test_name_spaces() {
	need_users
	tree users network use attribute child use
	tree hold users network held use
	tree users network-by-number use
	tree users network execve use attribute
	tree vfork-network users network use child use
	tree users network close-each execve close-each use
	tree users mounts network others child use child use
	"$holdfast" run -- unshare --user --net env -i "$trees" use attribute child use
	"$holdfast" run -- unshare --user --map-root-user --net --mount --pid --ipc --fork \
		sh -c "env -i $trees use child use"
}

test_name_spaces_of_a_server_with_a_path() {
	need_users
	start_server
	client "$trees" users network use child use
	client unshare --user --map-root-user --mount sh -c "mount -t tmpfs none $PWD &&
		$trees use child use"
	stop_server
}

test_many_name_spaces_end() {
	need_users
	start_server
	for _ in $(seq 20); do
		client unshare --user --net "$trees" use
	done
	client "$trees" use
	stop_server
}

test_a_root_directory_without_anything() {
	need_root
	tree empty-root use child use
	tree hold empty-root held use
	tree empty-root attribute
	start_server
	client "$trees" empty-root use child use
	stop_server
}

# make_root: a root directory with what a program needs, but for the shim and /proc.
make_root() {
	mkdir -p root/tmp root/proc
	local name
	for name in /usr /lib /lib64 /bin /etc "$(dirname "$trees")"; do
		if [ -L "$name" ]; then
			cp -P "$name" "root$name"
		else
			mkdir -p "root$name"
			mount --bind "$name" "root$name"
		fi
	done
}

test_a_program_below_another_root() {
	need_root
	# The mounts go with the name space.
	unshare --mount env HOLDFAST="$holdfast" bash -c ". $here/tap.sh; . $here/trees.sh no_test; set -e
		make_root
		cp $holdfast $(dirname "$holdfast")/libholdfast-shim.so .
		! ./holdfast run -- chroot root $trees use 2>err
		grep -q 'has a root directory without libholdfast-shim.so: it will not see' err
		mount -t proc none root/proc
		./holdfast run -- chroot root $trees use child use execve use attribute"
}

# flooded: one client has all that it gets; is the device there for others?
flooded() {
	open_keys
	start_client "$trees" hold flood wait
	eventually 20000 grep -q waiting out || fail "$(cat err)"
	client "$trees" use hold held
	press_key
	wait "$client"
	client "$trees" hold flood
	stop_server
}

test_a_flood_of_bytes_ends_at_a_clients_limit() {
	start_server --client-memory 32M
	flooded
}

test_a_flood_of_objects_ends_at_a_clients_limit() {
	ulimit -n 256
	start_server
	flooded
}

test_a_static_program_is_announced() {
	need busybox
	file_is_static "$(command -v busybox)" || skip "busybox is not static"
	"$holdfast" run -- busybox true 2>err
	expect "$(cat err)" "holdfast: $(command -v busybox) is statically linked: it will not see the device"
}

file_is_static() {
	! readelf -l "$1" | grep -q INTERP
}

make_static() {
	command -v cc >/dev/null || skip "there is no compiler"
	echo 'int main(void) { return 0; }' >static.c
	cc -static -o static static.c 2>/dev/null || skip "no static programs can be made"
}

test_a_static_program_is_announced_once() {
	make_static
	"$holdfast" run -- ./static 2>err
	expect "$(cat err)" "holdfast: ./static is statically linked: it will not see the device"
	"$holdfast" run -- sh -c './static; ./static; env -i ./static; (./static)' 2>err
	expect "$(cat err)" "holdfast: ./static is statically linked: it will not see the device"
	printf '#!%s/static\n' "$PWD" >script
	chmod +x script
	"$holdfast" run -- env ./script 2>err
	expect "$(cat err)" "holdfast: ./script is statically linked: it will not see the device"
	HOLDFAST_FOLLOW=0 "$holdfast" run -- sh -c ./static 2>err
	expect "$(cat err)" ""
}

test_a_program_that_gains_privileges_is_announced() {
	local su
	[ "$(id -u)" -ne 0 ] || skip "root gains nothing"
	su=$(command -v su) && [ -u "$su" ] || skip "su is not setuid"
	"$holdfast" run -- sh -c 'su --version' >/dev/null 2>err
	grep -q "holdfast: .*su gains privileges, so nothing is preloaded into it: it will not see the device" err
}

test_a_program_of_another_c_library_runs() {
	need musl-gcc
	echo 'int main(void) { return 7; }' >musl.c
	musl-gcc -o musl musl.c
	expect_status 7 "$holdfast" run -- ./musl 2>err
	expect "$(cat err)" "holdfast: ./musl uses another C library: it will not see the device"
	"$holdfast" run -- sh -c './musl; ./musl; env -i ./musl; [ $? -eq 7 ]' 2>err
	expect "$(cat err)" "holdfast: ./musl uses another C library: it will not see the device"
}

test_what_cannot_be_executed_is_not_spoken_of() {
	"$holdfast" run -- sh -c './nothing; true' 2>err
	! grep -q holdfast: err
	expect_status 127 "$holdfast" run -- ./nothing 2>err
	expect "$(grep -c holdfast: err)" 1
}

[ "${1:-}" = no_test ] || tap_main "$@"
