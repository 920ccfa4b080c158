# SPDX-License-Identifier: MIT
#
# The front door. Each target installs what is missing (tools/deps), configures
# and builds with Meson and Ninja, and then does its own work.

BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=

DEPS = build
SETUP = --buildtype=debugoptimized
# The instrumented code makes the compiler see mistakes that are none.
SANITIZE = $(SETUP) -Dwerror=false -Db_lundef=false

# A sanitizer stops at its first finding, and the test counts as failed. The shim
# is preloaded before the runtime of the sanitizers, which is what it must be.
export ASAN_OPTIONS ?= abort_on_error=1:detect_leaks=1:verify_asan_link_order=0
export UBSAN_OPTIONS ?= halt_on_error=1:abort_on_error=1:print_stacktrace=1
export TSAN_OPTIONS ?= halt_on_error=1:abort_on_error=1

.PHONY: all build deps demo check check-sanitize bench vm-check install clean
.PHONY: deb deb-check ci-check uninstall
.DEFAULT_GOAL := all

all: build

deps:
	@tools/deps $(DEPS)

$(BUILD)/build.ninja: | deps
	meson setup $(SETUP) --prefix=$(PREFIX) $(BUILD)

build: deps $(BUILD)/build.ninja
	@ninja -C $(BUILD)

demo: DEPS = build check
demo: build
	@tools/demo $(BUILD)

check: DEPS = build check
check: build
	@tests/run $(BUILD)

# The threaded tests alone under the thread sanitizer, everything under the
# other two.
check-sanitize: DEPS = build check
check-sanitize: deps
	@test -e build-tsan/build.ninja || \
		meson setup $(SANITIZE) -Db_sanitize=thread build-tsan
	@test -e build-asan/build.ninja || \
		meson setup $(SANITIZE) -Db_sanitize=address,undefined build-asan
	@ninja -C build-tsan
	@ninja -C build-asan
	@tests/run build-tsan --suite threads --slow 4
	@tests/run build-asan --slow 4

bench: DEPS = build bench
bench: build
	@$(BUILD)/bench/bench

# Real DMA first; then what the kernel's own drivers say to tests/uapi.
vm-check: DEPS = build check vm
vm-check: build
	@status=0; \
	tests/vm/dma $(BUILD) || status=1; \
	tests/vm/judge $(BUILD) || status=1; \
	exit $$status

# Debian packages, in $(BUILD)/deb.
deb: DEPS = deb
deb: deps
	@tools/deb $(BUILD)/deb

# Root only, minutes long, and much is downloaded: the packages, and examples/ci, in
# a Debian that has nothing else.
deb-check: DEPS = clean-root
deb-check: deps
	@tools/deb-check $(BUILD)/deb-check

ci-check: DEPS = clean-root
ci-check: deps
	@tools/ci-check $(BUILD)/ci-check

install: build
	meson configure $(BUILD) --prefix=$(PREFIX)
	DESTDIR="$(DESTDIR)" meson install -C $(BUILD)

# What the last install of this build directory has left.
uninstall:
	ninja -C $(BUILD) uninstall

clean:
	rm -rf $(BUILD) build-asan build-tsan
