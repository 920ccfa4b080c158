#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Hotplug with the programs of a machine: udevadm and pyudev listen, and shells plug.

. "$(dirname "$0")/tap.sh"

# plug STATE: write that to the first connector's status.
plug() {
	# shellcheck disable=SC2016
	client bash -c 'echo "$1" >"$(echo /sys/class/drm/card*-HDMI-A-1/status)"' bash "$1"
}

# none PATTERN FILE
none() {
	if grep "$@"; then
		fail "there is '$1' in $2"
	fi
}

# start_monitor: udevadm in the background; what it says is in the file monitor.
start_monitor() {
	start_client udevadm monitor --kernel --udev --property "$@"
	ln -s out monitor
	eventually 10000 grep -q '^KERNEL - ' monitor || fail "udevadm does not listen"
	# It says so before it has opened both sockets.
	eventually 10000 hears_both || fail "udevadm hears nothing"
}

hears_both() {
	# shellcheck disable=SC2016
	client sh -c 'echo add >"$(echo /sys/class/drm/card*-HDMI-A-1/uevent)"'
	eventually 500 says add KERNEL && eventually 500 says add UDEV
}

# says ACTION SOURCE
says() {
	grep -q "^$2 *\[.*\] $1 " monitor
}

# paragraph SOURCE ACTION: what it says of the first such event.
paragraph() {
	awk -v RS= -v start="^$1 *\\\\[[0-9.]*\\\\] $2 " '$0 ~ start { print; exit }' monitor
}

test_udevadm_hears_of_a_monitor_that_is_unplugged() {
	need udevadm
	start_server
	start_monitor
	plug off
	eventually 10000 says change UDEV || fail "$(cat monitor)"
	says change KERNEL
	paragraph KERNEL change >kernel
	paragraph UDEV change >udev
	for line in ACTION=change SUBSYSTEM=drm HOTPLUG=1 DEVTYPE=drm_minor MAJOR=226; do
		grep -qx "$line" kernel || fail "the kernel does not say $line: $(cat kernel)"
		grep -qx "$line" udev || fail "udev does not say $line: $(cat udev)"
	done
	none '^ID_PATH=' kernel
	grep -q '^ID_PATH=platform-holdfast' udev
	grep -q '^DEVLINKS=/dev/dri/by-path/platform-holdfast' udev
	grep -q '^TAGS=.*:seat:' udev
	grep -qx "$(grep SEQNUM= kernel)" udev
}

test_udevadm_hears_of_a_device_that_is_unplugged_and_of_a_new_one() {
	need udevadm
	start_server
	start_monitor
	card=$(client sh -c 'echo /sys/class/drm/card*-HDMI-A-1')
	card=${card##*/}
	card=${card%-HDMI-A-1}
	"$holdfast" inject --socket "$PWD/server" device unplug
	eventually 20000 says remove UDEV
	eventually 20000 grep -q "^UDEV .* remove .*/holdfast.0 (platform)" monitor || fail "$(cat monitor)"
	grep -q "^UDEV .* remove .*/$card/$card-HDMI-A-1 (drm)" monitor
	grep -q "^UDEV .* remove .*/$card (drm)" monitor
	grep -q "^UDEV .* remove .*/renderD[0-9]* (drm)" monitor
	"$holdfast" inject --socket "$PWD/server" device replug
	eventually 20000 grep -q "^UDEV .* add .*/card[0-9]*-HDMI-A-1 (drm)" monitor || fail "$(cat monitor)"
	# shellcheck disable=SC2016
	client sh -c 'udevadm info "$(echo /sys/class/drm/card*-HDMI-A-1)"' >info
	grep -q '^E: TAGS=.*:seat:' info
}

test_udevadm_hears_what_is_injected() {
	need udevadm
	start_server
	start_monitor
	"$holdfast" inject --socket "$PWD/server" unplug HDMI-A-1
	eventually 20000 says change UDEV || fail "$(cat monitor)"
	paragraph UDEV change >udev
	grep -qx 'HOTPLUG=1' udev
	grep -q '^CONNECTOR=[0-9]' udev
}

test_udevadm_triggers_and_waits() {
	need udevadm
	start_server
	start_monitor --subsystem-match=drm
	client timeout 20 udevadm trigger --settle --action=online --subsystem-match=drm \
		--sysname-match='card*-HDMI-*' --sysname-match='renderD*' \
		--property-match=ID_PATH='platform-holdfast*'
	eventually 10000 says online UDEV || fail "$(cat monitor)"
	# A connector and a render node.
	eventually 10000 counted 2 '^UDEV .* online ' || fail "$(cat monitor)"
	grep -q '^SYNTH_UUID=........-' monitor
}

counted() {
	[ "$(grep -c "$2" monitor)" -eq "$1" ]
}

test_pyudev_hears_and_sees_what_has_changed() {
	# Debian's is there for Debian's Python only.
	python=/usr/bin/python3
	$python -c 'import pyudev' 2>/dev/null || skip "pyudev is not installed"
	start_server
	client $python "$here/listen.py" 3 >heard &
	listener=$!
	eventually 20000 grep -q ready heard || fail "it does not listen"
	plug off
	eventually 20000 grep -q ' disconnected$' heard || fail "$(cat heard)"
	plug detect
	eventually 20000 grep -q ' connected$' heard || fail "$(cat heard)"
	# shellcheck disable=SC2016
	client sh -c 'echo change >"$(echo /sys/class/drm/card*-HDMI-A-1)/device/uevent"'
	wait $listener
	sed -n 2p heard | grep -Eq '^change /dev/dri/card[0-9]+ 1 initialized True disconnected$'
	sed -n 3p heard | grep -Eq '^change /dev/dri/card[0-9]+ 1 initialized True connected$'
	sed -n 4p heard | grep -Eq '^change /dev/dri/card[0-9]+ None initialized True connected$'
}

test_udevadm_knows_cards_and_connectors() {
	need udevadm
	start_server
	# shellcheck disable=SC2016
	client sh -c 'udevadm info "$(echo /sys/class/drm/card*-HDMI-A-1)"' >info
	grep -qx 'E: DEVTYPE=drm_connector' info
	grep -q '^E: USEC_INITIALIZED=' info
	grep -q '^E: TAGS=.*:seat:' info
}

test_servers_do_not_hear_each_other() {
	need udevadm
	start_server
	start_monitor
	# shellcheck disable=SC2016
	"$holdfast" run -- sh -c 'for i in 1 2 3; do
		echo online >"$(echo /sys/class/drm/card*-HDMI-A-1/uevent)"
	done'
	plug off
	eventually 10000 says change UDEV
	none ' online ' monitor
}

test_every_shell_can_plug() {
	start_server
	# shellcheck disable=SC2016
	client bash -c '
		set -e
		status=$(echo /sys/class/drm/card*-HDMI-A-1/status)
		is() { [ "$(cat "$status")" = "$1" ] || { echo "not $1 $2"; exit 1; }; }
		echo off >"$status"; is disconnected "(bash)"
		/bin/echo detect >"$status"; is connected "(/bin/echo)"
		echo off | tee "$status" >/dev/null; is disconnected "(tee)"
		printf on >"$status"; is connected "(printf)"
		sh -c "echo off >$status"; is disconnected "(sh)"
		python3 -c "print(\"detect\", file=open(\"$status\", \"w\"))"; is connected "(python)"
		cat >"$status" <<<off; is disconnected "(cat)"
		dd of="$status" status=none <<<detect; is connected "(dd)"
		exec 5>"$status"; echo off >&5; is disconnected "(a descriptor)"
		exec 5>&-; is disconnected "(closed)"
		! echo nonsense >"$status" || exit 1
		! /bin/echo nonsense >"$status" || exit 1
		! tee "$status" <<<nonsense >/dev/null || exit 1
		is disconnected "(nonsense)"
	'
}

test_another_user_may_not_plug() {
	[ "$(id -u)" -eq 0 ] || skip "only root can become another user"
	# shellcheck disable=SC2016
	"$holdfast" run -- setpriv --reuid=65534 --regid=65534 --clear-groups sh -c '
		status=$(echo /sys/class/drm/card*-HDMI-A-1/status)
		! echo off >"$status" && grep -x connected "$status"' 2>err
	grep -qi 'permission denied' err
}

test_a_program_outlives_the_server_in_peace() {
	need udevadm
	start_server
	start_monitor
	pid=$(cat client.pid)
	stop_server
	# It waits, and does not spin.
	read -r _ _ _ _ _ _ _ _ _ _ _ _ _ before _ <"/proc/$pid/stat"
	sleep 0.3
	read -r _ _ _ _ _ _ _ _ _ _ _ _ _ after _ <"/proc/$pid/stat"
	[ $((after - before)) -lt 10 ] || fail "it took $((after - before)) ticks"
}

tap_main "$@"
