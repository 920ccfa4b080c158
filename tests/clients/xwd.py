#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Is a screenshot what the X server has?  xwd.py DUMP.xwd PICTURE.png

A picture of xwd's: a header of 32-bit words, big-endian, of which some say how the
pixels are stored; the window's name; a table of colours; the pixels.
"""

import struct
import sys

sys.path.insert(0, __file__.rsplit('/', 1)[0])
from png import Picture  # noqa: E402

COLOUR_SIZE = 12


def main(dump, picture):
    with open(dump, 'rb') as file:
        data = file.read()
    header = struct.unpack('>25I', data[:100])
    start = header[0] + header[19] * COLOUR_SIZE
    width, height, stride = header[4], header[5], header[12]
    if header[11] != 32 or header[7] != 0:
        sys.exit(f'{dump}: not 32 bits, the lowest first')
    shot = Picture(picture)
    if (shot.width, shot.height) != (width, height):
        sys.exit(f'{picture}: {shot.width}x{shot.height} are not {width}x{height}')
    for y in range(height):
        line = data[start + y * stride:start + y * stride + 4 * width]
        rgb = bytearray(3 * width)
        rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
        if rgb != shot.lines[y]:
            sys.exit(f'{picture}: line {y} is not the X server\'s')


if __name__ == '__main__':
    main(*sys.argv[1:])
