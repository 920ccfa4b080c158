#!/bin/bash
# SPDX-License-Identifier: MIT
#
# What is measured, against what the kernel does in the same machine. A test here
# fails when nothing can be measured; how good the figures are is for the reader.

. "$(dirname "$0")/lib.sh"

# figure NAME VALUE UNIT REFERENCE VALUE LIMIT BETTER: a row of the table. It goes out
# past tap.sh, which shows what a test prints only if that fails.
figure() {
	printf '# figure {"name":"%s","value":%s,"unit":"%s","reference":{"name":"%s","value":%s},"limit":%s,"better":"%s"}\n' \
		"$@" >&9
}

test_memory_is_mapped_as_fast_as_by_the_bare_ioctls() {
	"$vm/../../bench/bench-vfio-map" "${HOLDFAST_VFIO_EDU%% *}" >row || fail "nothing was measured"
	sed 's/^/# figure /' row >&9
}

kernel_display() {
	bind "$gpu" virtio-pci
	busybox modprobe virtio-gpu
	eventually 10000 test -e /dev/dri/card0
}

our_display() {
	# Its console must let go of it first.
	for console in /sys/class/vtconsole/vtcon*; do
		! grep -q 'frame buffer' "$console/name" || echo 0 >"$console/bind"
	done
	bind "$gpu" vfio-pci
}

# rates OPTION...: flips a second, ours and the kernel's by turns; the medians in $ours
# and $theirs.
rates() {
	: >ours
	: >theirs
	for _ in 1 2 3 4 5; do
		"$holdfast" run --device "vfio:$gpu" -- "$vm/vm-flip" -s 3 "$@" >>ours
		kernel_display
		"$vm/vm-flip" -s 3 "$@" >>theirs
		our_display
	done
	ours=$(sort -g ours | sed -n 3p)
	theirs=$(sort -g theirs | sed -n 3p)
}

test_flips_are_as_fast_as_on_the_kernels_driver() {
	rates
	figure virtio_flip "$ours" "flips/s" "the kernel's virtio_gpu" "$theirs" 0.9 higher
}

test_redrawn_screens_are_as_fast_as_on_the_kernels_driver() {
	rates -d
	figure virtio_redraw "$ours" "flips/s" "the kernel's virtio_gpu" "$theirs" 0.9 higher
}

# The kernel's objects are shared memory that it locks: what the machine has more of
# that with the desktop than without. Ours are pinned by VFIO, which counts them.
test_the_same_desktop_pins_as_much_memory() {
	open_keys
	start_display
	before=$(locked)
	start_client "$vm/vm-flip" -w
	eventually 20000 grep -q shown out || fail "$(cat err)"
	ours=$(($(locked) - before))
	kill "$(cat client.pid)"
	wait "$client" || :
	stop_server
	kernel_display
	before=$(shared_memory)
	"$vm/vm-flip" -w <&"$keys" >out &
	desktop=$!
	eventually 20000 grep -q shown out
	theirs=$(($(shared_memory) - before))
	kill "$desktop"
	wait "$desktop" || :
	our_display
	figure desktop_memory "$ours" bytes "the kernel's virtio_gpu" "$theirs" 1.05 lower
}

shared_memory() {
	echo $((1024 * $(awk '/^Shmem:/ { print $2 }' /proc/meminfo)))
}

# A case has the descriptor of the script that started it.
{ : >&9; } 2>/dev/null || exec 9>&1
tap_main "$@"
