#!/bin/bash
# SPDX-License-Identifier: MIT
#
# drm_info prints all that a device says of itself: every object, every property
# and what the blobs hold.

. "$(dirname "$0")/tap.sh"

# ask OPTION... -- PYTHON: what drm_info says, as `card`; the program uses expect().
ask() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	need drm_info python3
	"$holdfast" run "${options[@]}" -- drm_info -j >info.json
	python3 - "$2" <<'PYTHON'
import json
import sys

card = next(iter(json.load(open('info.json', encoding='utf-8')).values()))


def expect(got, expected, what):
    if got != expected:
        sys.exit(f'{what}: got {got}, expected {expected}')


def need(objects, names):
    for thing in objects:
        missing = set(names.split()) - set(thing['properties'])
        expect(missing, set(), f'what {thing["id"]} lacks')


def planes(kind):
    return [plane for plane in card['planes'] if plane['properties']['type']['value'] == kind]


OVERLAY, PRIMARY, CURSOR = range(3)
exec(sys.argv[1])
PYTHON
}

test_a_crtc_has_every_property() {
	ask -- '
need(card["crtcs"], "ACTIVE MODE_ID OUT_FENCE_PTR VRR_ENABLED DEGAMMA_LUT "
     "DEGAMMA_LUT_SIZE CTM GAMMA_LUT GAMMA_LUT_SIZE BACKGROUND_COLOR")
for crtc in card["crtcs"]:
    expect(crtc["gamma_size"], 256, "the old table")
    expect(crtc["properties"]["GAMMA_LUT_SIZE"]["value"], 4096, "the new table")
    expect(crtc["properties"]["BACKGROUND_COLOR"]["raw_value"], 0xffff << 48, "background")
'
}

test_a_plane_has_every_property() {
	ask -- '
need(card["planes"], "type FB_ID CRTC_ID CRTC_X CRTC_Y CRTC_W CRTC_H SRC_X SRC_Y SRC_W SRC_H "
     "IN_FENCE_FD FB_DAMAGE_CLIPS IN_FORMATS alpha rotation zpos SCALING_FILTER")
need(planes(PRIMARY), "IN_FORMATS_ASYNC COLOR_ENCODING COLOR_RANGE")
need(planes(OVERLAY), "COLOR_ENCODING COLOR_RANGE")
need(planes(CURSOR), "SIZE_HINTS")
for plane in card["planes"]:
    if "pixel blend mode" not in plane["properties"]:
        sys.exit("there is no blend mode")
'
}

test_there_are_as_many_planes_as_asked_for() {
	ask --planes 3 -- '
expect(len(planes(OVERLAY)), 3 * len(card["crtcs"]), "overlays")
expect(len(planes(PRIMARY)), len(card["crtcs"]), "primaries")
expect(len(planes(CURSOR)), len(card["crtcs"]), "cursors")
for crtc in range(len(card["crtcs"])):
    places = [plane["properties"]["zpos"]["value"] for plane in card["planes"]
              if plane["possible_crtcs"] == 1 << crtc]
    expect(places, [0, 1, 2, 3, 4], "places")
'
	ask --planes 0 -- 'expect(len(planes(OVERLAY)), 0, "overlays")'
}

test_in_formats_has_the_formats_of_the_plane() {
	ask -- '
for plane in card["planes"]:
    formats = [format for row in plane["properties"]["IN_FORMATS"]["data"]
               for format in row["formats"]]
    expect(sorted(formats), sorted(plane["formats"]), "formats")
    expect({row["modifier"] for row in plane["properties"]["IN_FORMATS"]["data"]}, {0},
           "modifiers")
'
}

# drm_info is atomic and has never heard of hotspots.
test_a_virtual_cursor_is_hidden() {
	ask --virtual-cursor -- '
expect(len(planes(CURSOR)), 0, "cursors")
expect(len(planes(PRIMARY)), len(card["crtcs"]), "primaries")
'
}

tap_main "$@"
