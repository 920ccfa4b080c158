#!/bin/bash
# SPDX-License-Identifier: MIT
#
# The display goes away while a client flips: that goes on or fails, but nobody waits
# for a device that is not there, and the server answers.

. "$(dirname "$0")/lib.sh"

begin_flips() {
	open_keys
	start_display
	start_client "$vm/vm-flip" -f
	eventually 30000 grep -q flipping out || fail "$(cat err)"
	sleep 0.5
}

# end_flips: the client does not hang, and the server is well.
end_flips() {
	sleep 1
	press_key
	eventually 30000 grep -q '^flip [0-9]*:' out || fail "the client hangs: $(cat err)"
	cat out
	! grep -q 'no event' out || fail "a flip has never ended"
	wait "$client" || :
	"$holdfast" info --socket "$PWD/server" >info || fail "the server does not answer"
	stop_server
	expect_no_fault
}

gone() {
	[ ! -e "$devices/$gpu" ]
}

back() {
	echo 1 >/sys/bus/pci/rescan
	eventually 5000 test -e "$devices/$gpu" || fail "it does not come back"
	bind "$gpu" vfio-pci
	start_display
	client "$vm/vm-flip" -s 0.1
	stop_server
}

test_the_kernel_takes_the_device_back() {
	begin_flips
	echo "$gpu" >/sys/bus/pci/drivers/vfio-pci/unbind &
	eventually 10000 unbound || fail "the server keeps the device"
	end_flips
	bind "$gpu" vfio-pci
	start_display
	client "$vm/vm-flip" -s 0.1
	stop_server
}

unbound() {
	[ ! -e "$devices/$gpu/driver" ]
}

test_the_device_is_removed_and_comes_back() {
	begin_flips
	echo 1 >"$devices/$gpu/remove" &
	eventually 10000 gone || fail "the server keeps the device"
	end_flips
	back
}

test_the_device_is_reset_by_somebody_else() {
	begin_flips
	echo 1 >"$devices/$gpu/reset"
	end_flips
	start_display
	client "$vm/vm-flip" -s 0.1
	stop_server
}

# The last one: nobody puts it back.
test_the_card_is_pulled_out_of_its_slot() {
	local port
	port=$(basename "$(dirname "$(realpath "$devices/$gpu")")")
	begin_flips
	"$guest/pull" "$port"
	eventually 10000 gone || fail "the server keeps the device"
	end_flips
}

tap_main "$@"
