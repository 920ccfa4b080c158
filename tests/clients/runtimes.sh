#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Programs whose language makes system calls by itself: Rust with rustix, Go. Their
# compilers are large, so this is for machines that have them.

# To compile takes most of it.
HOLDFAST_TEST_SECONDS=${HOLDFAST_TEST_SECONDS:-170}
. "$(dirname "$0")/tap.sh"

crates=/usr/share/cargo/registry

# crate NAME DIRECTORY FLAG...: a crate of Debian's, as a library here.
crate() {
	local name=$1 directory=$2
	shift 2
	/usr/bin/rustc --edition=2021 --crate-name "$name" --crate-type rlib --cap-lints allow \
		-L . --out-dir . "$@" "$crates/$directory"*/src/lib.rs
}

feature() {
	printf -- '--cfg\nfeature="%s"\n' "$@"
}

test_rust_with_rustix() {
	local flags
	[ -x /usr/bin/rustc ] && compgen -G "$crates/rustix-0.35*" >/dev/null ||
		skip "Debian's rustc and librust-rustix-dev are not installed"
	crate bitflags bitflags-1
	mapfile -t flags < <(feature general no_std errno ioctl)
	crate linux_raw_sys linux-raw-sys-0 "${flags[@]}"
	crate io_lifetimes io-lifetimes-0 --cfg io_safety_is_in_std
	mapfile -t flags < <(feature std fs io-lifetimes)
	crate rustix rustix-0 --cfg linux_raw --cfg asm "${flags[@]}" --extern bitflags \
		--extern linux_raw_sys --extern io_lifetimes
	/usr/bin/rustc --edition=2021 -O -L . --extern rustix -o rust "$here/runtimes.rs"
	"$holdfast" run -- ./rust
	! HOLDFAST_TRAP=0 "$holdfast" run -- ./rust
}

test_go() {
	need go cc
	export GOCACHE=$PWD/cache HOME=$PWD GO111MODULE=off GOFLAGS=-buildvcs=false
	go build -o go "$here/runtimes.go" || skip "go cannot build with cgo here"
	for _ in 1 2 3; do
		"$holdfast" run -- ./go
	done
	! HOLDFAST_TRAP=0 "$holdfast" run -- ./go
}

tap_main "$@"
