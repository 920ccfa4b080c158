# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# For scripts that run in the machine of tests/vm/dma: tests/clients/tap.sh, on a
# real display. HOLDFAST_VFIO_GPU is its address, HOLDFAST_VM_SHARE the directory
# that the host sees as well.

. "$(dirname "${BASH_SOURCE[0]}")/../../clients/tap.sh"

guest=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
gpu=$HOLDFAST_VFIO_GPU
share=$HOLDFAST_VM_SHARE
# shellcheck disable=SC2034
vm=$(dirname "$holdfast")/../tests/vm
devices=/sys/bus/pci/devices

ask() {
	"$guest/ask" "$@"
}

# start_display [OPTION...]: a server for the display.
start_display() {
	start_server --device "vfio:$gpu" "$@"
}

# expect_no_fault: the kernel's log has no DMAR fault. They are printed seldom, but
# the first one always is.
expect_no_fault() {
	! dmesg | grep -i 'DMAR:.*fault' || fail "the IOMMU refused something"
}

# locked: bytes that the kernel has pinned for the server.
locked() {
	echo $((1024 * $(awk '/^VmLck:/ { print $2 }' "/proc/$server/status")))
}

# info KEY: a number of the server's.
info() {
	"$holdfast" info --socket "$PWD/server" --json |
		sed -n "s/^ *\"$1\": *\([0-9]*\),*$/\1/p" | head -n 1
}

# dump HEAD NAME: what the emulated monitor shows, as NAME.ppm.
dump() {
	ask screendump "$1" "$2.ppm" && cp "$share/$2.ppm" "$2.ppm"
}

# expect_same A B: two pictures are the same, pixel for pixel.
expect_same() {
	cmp "$1" "$2" || fail "$(head -c 15 "$1" | head -n 2) $(head -c 15 "$2" | head -n 2)"
}

# screenshot CRTC NAME: what the server says that it shows, as NAME.ppm.
screenshot() {
	"$holdfast" screenshot --socket "$PWD/server" --crtc "$1" "$2.png" &&
		pngtopnm "$2.png" >"$2.ppm"
}

# bind DEVICE DRIVER: take a PCI device from its driver and give it to another one.
bind() {
	echo "$2" >"$devices/$1/driver_override"
	[ ! -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers_probe
	expect "$(basename "$(realpath "$devices/$1/driver")")" "$2" "driver of $1"
}

# tap_program COMMAND...: one that prints TAP itself; if it does not, that is a test
# that failed.
tap_program() {
	local status=0
	"$@" >tap 2>err </dev/null || status=$?
	cat tap
	[ $status -eq 0 ] || sed 's/^/# /' err
	if [ $status -gt 1 ] || ! grep -q '^1\.\.' tap; then
		printf '1..1\nnot ok 1 - %s ended with status %s\n' "${*##*/}" "$status"
	fi
}
