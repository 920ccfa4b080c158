#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""See what is on pictures of a desktop.

  desktop.py box PNG RRGGBB           where that colour is: WIDTHxHEIGHT+X+Y
  desktop.py quarters PNG BOX         red, green, blue and yellow fill the box
  desktop.py same PNG OTHER X Y       OTHER is in PNG at X, Y, pixel for pixel
  desktop.py changed PNG PNG TOP      where they differ, from line TOP on: likewise
  desktop.py colours PNG              how many different ones there are
"""

import re
import sys

sys.path.insert(0, __file__.rsplit('/', 1)[0])
from png import Picture  # noqa: E402

QUARTERS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)]


def parse(text):
    match = re.fullmatch(r'(\d+)x(\d+)\+(-?\d+)\+(-?\d+)', text)
    if not match:
        sys.exit(f'{text}: no WIDTHxHEIGHT+X+Y')
    return [int(number) for number in match.groups()]


def box(path, colour):
    picture = Picture(path)
    wanted = bytes.fromhex(colour)
    rows, columns = [], []
    for y, line in enumerate(picture.lines):
        xs = [x for x in range(picture.width) if line[3 * x:3 * x + 3] == wanted]
        if xs:
            rows.append(y)
            columns += [xs[0], xs[-1]]
    if not rows:
        sys.exit(f'{path}: no {colour}')
    left, top = min(columns), rows[0]
    print(f'{max(columns) - left + 1}x{rows[-1] - top + 1}+{left}+{top}')


def changed(path, other, top):
    one, two = Picture(path), Picture(other)
    left, right, rows = one.width, -1, []
    for y in range(int(top), one.height):
        a, b = one.lines[y], two.lines[y]
        if a != b:
            rows.append(y)
            xs = [x for x in range(one.width) if a[3 * x:3 * x + 3] != b[3 * x:3 * x + 3]]
            left, right = min(left, xs[0]), max(right, xs[-1])
    if not rows:
        sys.exit(f'{path}, {other}: no difference')
    print(f'{right - left + 1}x{rows[-1] - rows[0] + 1}+{left}+{rows[0]}')


def near(one, other):
    return all(abs(a - b) <= 4 for a, b in zip(one, other))


def quarters(path, where):
    """The middle of each, and points near its corners: scaled ones are soft in between."""
    picture = Picture(path)
    width, height, left, top = parse(where)
    for i, wanted in enumerate(QUARTERS):
        for across in (0.1, 0.5, 0.9):
            for down in (0.1, 0.5, 0.9):
                x = left + int((i % 2 + across) * width / 2)
                y = top + int((i // 2 + down) * height / 2)
                got = picture.pixel(x, y)
                if not near(got, wanted):
                    sys.exit(f'{path}: {got} at {x},{y}, not {wanted}')


def same(path, other, left, top):
    picture, part = Picture(path), Picture(other)
    for y, line in enumerate(part.lines):
        at = picture.lines[int(top) + y][3 * int(left):3 * (int(left) + part.width)]
        if at != line:
            x = next(x for x in range(part.width) if at[3 * x:3 * x + 3] !=
                     line[3 * x:3 * x + 3])
            sys.exit(f'{path}: not as {other} at {x},{y} of it: '
                     f'{tuple(at[3 * x:3 * x + 3])}, not {tuple(line[3 * x:3 * x + 3])}')


def colours(path):
    picture = Picture(path)
    print(len({bytes(line[x:x + 3]) for line in picture.lines
               for x in range(0, len(line), 3)}))


def main():
    checks = {'box': box, 'quarters': quarters, 'same': same, 'changed': changed,
              'colours': colours}
    if len(sys.argv) < 3 or sys.argv[1] not in checks:
        sys.exit(__doc__)
    checks[sys.argv[1]](*sys.argv[2:])


main()
