#!/bin/bash
# SPDX-License-Identifier: MIT
#
# Connectors of all kinds, as drm_info, modetest, edid-decode and sysfs show them.

. "$(dirname "$0")/tap.sh"

# info OPTION...: what drm_info says of a device with these outputs, in info.json.
info() {
	need drm_info python3
	"$holdfast" run "$@" -- drm_info -j >info.json
}

# ask EXPRESSION: of the connectors, each a dictionary c[n]; p(n, NAME) is what its
# property says.
ask() {
	python3 -c '
import json, sys
card = next(iter(json.load(open("info.json")).values()))
c = [each for each in card["connectors"] if each["type"] != 18] # Writeback
def p(n, name):
    got = c[n]["properties"][name]
    spec = got["spec"] if isinstance(got["spec"], list) else []
    names = [enum["name"] for enum in spec if enum["value"] == got["value"]]
    text = got["data"].rstrip("\0") if isinstance(got["data"], str) else None
    return names[0] if names else text or got["raw_value"]
print(eval(sys.argv[1]))' "$1"
}

test_drm_info_finds_every_type() {
	local -a types=(VGA DVI-I DVI-D DVI-A LVDS DP HDMI-A HDMI-B eDP Virtual DSI DPI SPI USB TV)
	local -a options=()
	for type in "${types[@]}"; do
		options+=(--output "640x480,type=$type")
	done
	info "${options[@]}"
	expect "$(ask '[each["type"] for each in c]')" \
		'[1, 2, 3, 4, 7, 10, 11, 12, 14, 15, 16, 17, 19, 20, 13]' types
	"$holdfast" run "${options[@]}" -- sh -c 'cd /sys/class/drm && ls -d card*-*' >names
	for type in "${types[@]}"; do
		grep -Eq "^card[0-9]+-$type-1\$" names || fail "no $type-1: $(cat names)"
	done
}

test_a_type_is_counted_by_itself() {
	"$holdfast" run --output 640x480,type=DP --output 640x480 --output 640x480,type=DP \
		-- sh -c 'cd /sys/class/drm && ls -d card*-*' | sed "/Writeback/d; s/^card[0-9]*-//" >names
	expect "$(paste -sd ' ' names)" 'DP-1 DP-2 HDMI-A-1' names
}

test_drm_info_shows_what_was_asked_for() {
	info --output 1920x1080,type=DP,path=mst:1-2,max-bpc=10,subconnector=HDMI,encoders=2 \
		--output 800x1280,type=DSI,orientation=right-side-up,mm=80x128 \
		--output 1024x768,type=VGA,non-desktop,share=1 \
		--output off,type=HDMI-A
	expect "$(ask 'p(0, "PATH")')" mst:1-2
	expect "$(ask 'p(0, "max bpc")')" 10
	expect "$(ask 'p(0, "subconnector")')" HDMI
	expect "$(ask 'len(c[0]["encoders"])')" 2
	expect "$(ask 'c[0]["encoders"] == c[2]["encoders"]')" True
	expect "$(ask 'p(1, "panel orientation")')" 'Right Side Up'
	expect "$(ask 'p(1, "scaling mode")')" 'Full aspect'
	expect "$(ask '(c[1]["phy_width"], c[1]["phy_height"])')" '(80, 128)'
	expect "$(ask '[p(n, "non-desktop") for n in range(4)]')" '[0, 0, 1, 0]'
	expect "$(ask '[each["status"] for each in c]')" '[1, 1, 1, 2]'
	expect "$(ask 'p(3, "EDID")')" 0
}

test_a_hdr_monitor_has_its_properties() {
	need drm_info
	info --output 1920x1080,hdr
	expect "$(ask 'p(0, "HDR_OUTPUT_METADATA")')" 0
	expect "$(ask 'p(0, "content type")')" 'No Data'
	expect "$(ask 'p(0, "Colorspace")')" Default
}

test_modetest_sets_what_can_be_set() {
	need modetest
	start_server --output 1920x1080,type=HDMI-A
	learn_ids
	# shellcheck disable=SC2154 # learn_ids assigns it
	client modetest -M holdfast -w "$connector:max bpc:8" -w "$connector:content type:4" \
		-w "$connector:Colorspace:9" >out 2>err
	[ ! -s err ] || fail "$(cat err)"
	client modetest -M holdfast -c >list
	for property in 'max bpc:8' 'content type:4' 'Colorspace:9'; do
		expect "$(awk -v name="${property%:*}:" '
			index($0, " " name) { found = 1 }
			found && $1 == "value:" { print $2; exit }' list)" \
			"${property#*:}" "$property"
	done
	stop_server
}

test_modetest_lists_more_modes() {
	need modetest
	"$holdfast" run --output 1024x768,modes=1280x720@50+1000x700@61 -- modetest -M holdfast -c >list
	grep -Eq '#0 1024x768 60.* type: .*preferred' list || fail "$(cat list)"
	grep -Eq '#[0-9]+ 1280x720 50\.00 ' list
	grep -Eq '#[0-9]+ 1000x700 60\.[789]' list
}

test_modetest_shows_a_tile() {
	need modetest xxd
	"$holdfast" run --output 960x1080,type=DP,tile=2x1+1+0 -- modetest -M holdfast -c >list
	expect "$(sed -n '/ TILE:/,/^	[0-9]* [A-Za-z]/p' list | grep -Eo '^		+[0-9a-f]+$' |
		tr -d '\t\n' | xxd -r -p | tr -d '\0')" 1:1:2:1:1:0:960:1080 TILE
}

# the_edid OUTPUT: of the first connector, in edid.bin.
the_edid() {
	"$holdfast" run --output "$1" -- sh -c 'cat /sys/class/drm/card*-*/edid' >edid.bin
}

test_edid_decode_likes_every_attribute() {
	need edid-decode
	for output in 1920x1080 1920x1080,hdr 3840x2160,hdr 2560x1440@144,hdr,type=DP,vrr \
		1920x1080,vrr=40 1920x1080,non-desktop,type=DP \
		1920x1080,modes=1280x720@50+640x400 1920x2160,tile=2x1+1+0,type=DP \
		5120x2880,tile=2x2+0+1,hdr,type=DP,non-desktop,modes=800x480+1920x1080@24 \
		'1920x1080,name=My Screen,vendor=ABC,product=7,serial=9,mm=300x200' \
		7680x4320,hdr 1280x800,type=eDP,max-bpc=10; do
		the_edid "$output"
		edid-decode --check edid.bin >decoded || fail "$output: $(cat decoded)"
	done
}

test_edid_decode_reads_who_made_it() {
	need edid-decode
	the_edid '1920x1080,name=My Screen,vendor=ABC,product=7,serial=9,mm=300x200'
	edid-decode edid.bin >decoded
	grep -q 'Manufacturer: ABC' decoded || fail "$(cat decoded)"
	grep -q 'Model: 7$' decoded
	grep -q "Product Name: 'My Screen'" decoded
	grep -q '30 cm x 20 cm' decoded
}

test_a_file_is_believed() {
	need modetest
	the_edid '1280x1024@75,name=Some,type=DP,hdr'
	cp edid.bin file.bin
	"$holdfast" run --output edid=file.bin,type=DP -- sh -c '
		cat /sys/class/drm/card*-*/edid >edid.bin
		modetest -M holdfast -c' >list
	cmp file.bin edid.bin
	grep -Eq '#0 1280x1024 75.* type: .*preferred' list || fail "$(cat list)"
}

refused() {
	expect_status 2 "$holdfast" run --output "$1" -- true 2>err
	expect "$(wc -l <err)" 1 "lines on stderr of $1"
	grep -q '^holdfast: --output: ' err || fail "$(cat err)"
}

test_a_mistake_is_one_line() {
	refused ''
	refused 640x480,frobnicate
	refused 640x480,type=
	refused 640x480,type=Writeback
	refused 640x480,edid=/no/such/file
	refused edid=/dev/null
	refused 640x480,share=1
	refused 640x480,orientation=sideways
	refused '640x480,name=two
lines'
	head -c 256 /dev/urandom >garbage
	refused edid=garbage
}

test_the_help_lists_attributes() {
	"$holdfast" --help >help
	for attribute in type= edid= orientation= tile= hdr 'vrr\[=MIN\]' non-desktop; do
		grep -q "^    $attribute" help || fail "no $attribute: $(cat help)"
	done
}

tap_main "$@"
