#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What a stranger has: the library, its headers and its man pages, installed into a
# directory of its own. Programs are built with what pkg-config says, and run.
#
# usage: install.sh BUILD LIBRARY-DIRECTORY STRANGER.c COMPILER [ARGUMENT]...

set -eu

build=$1
libdir=$2
stranger=$3
shift 3

work=$(mktemp -d "${TMPDIR:-/tmp}/holdfast-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
dest=$work/dest
count=0
failures=0

# What a command prints is shown where it fails.
expect() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/log" 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$work/log"
		failures=$((failures + 1))
	fi
}

config() {
	PKG_CONFIG_LIBDIR=$dest$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest \
		pkg-config "$@"
}

# shellcheck disable=SC2046
compile() {
	source=$1
	program=$2
	shift 2
	"$@" -Wall -Wextra -Werror -o "$work/$program" "$source" \
		$(config --cflags --libs libholdfast)
}

# A header needs no other one before it.
compiles_alone() {
	echo "#include <holdfast/$1>" >"$work/alone.c"
	# shellcheck disable=SC2046
	"$cc" -std=c11 -Wall -Wextra -Werror -fsyntax-only "$work/alone.c" \
		$(config --cflags libholdfast)
}

needs_only() {
	readelf -d "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' |
		grep -v -e '^libc\.' -e '^ld-linux' -e '^lib[a-z]*san\.' >"$work/needed" || :
	cat "$work/needed"
	[ ! -s "$work/needed" ]
}

no_page_is_missing() {
	nm -D --defined-only "$library" | awk '$2 == "T" { print $3 }' | sed 's/@.*//' >"$work/functions"
	test -s "$work/functions"
	while read -r function; do
		man=$(find "$dest" -path "*/man3/$function.3")
		[ -n "$man" ] && [ -s "$man" ] || { echo "no page for $function"; return 1; }
	done <"$work/functions"
}

expect it_is_installed env DESTDIR="$dest" meson install -C "$build" --no-rebuild --quiet
library=$dest$libdir/libholdfast.so.0
cc=$1

expect the_library_has_its_name test -e "$library"
expect it_needs_the_c_library_only needs_only "$library"
expect every_function_has_a_man_page no_page_is_missing
for header in barrier.h memory.h dma.h vfio.h; do
	expect "${header%.h}_compiles_on_its_own" compiles_alone "$header"
done
example=$(find "$dest" -name edu.c)
expect the_example_compiles_with_what_is_installed compile "$example" edu "$@"
expect a_program_compiles_with_what_is_installed compile "$stranger" stranger "$@"

export LD_LIBRARY_PATH="$dest$libdir"
expect the_example_says_how_it_is_used sh -c "'$work/edu' 2>&1 | grep -q usage"
echo "# the program itself:"
"$work/stranger" >"$work/tap" || failures=$((failures + 1))
# Its cases count on from ours.
awk -v base="$count" '
	/^(not )?ok / { n = $1 == "not" ? 3 : 2; $n += base }
	/^1\.\./ { cases = substr($0, 4); next }
	{ print }
	END { print "1.." base + cases }' "$work/tap"
[ "$failures" -eq 0 ]
