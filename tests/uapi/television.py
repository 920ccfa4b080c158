#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the EDID of a television set: modes with shapes, in stereo and in 4:2:0."""

import sys


def block(data):
    data = data + bytes(127 - len(data))
    return data + bytes([-sum(data) & 255])


def base():
    timing = bytes.fromhex('023a801871382d40582c45005ce03100001e')
    name = bytes.fromhex('000000fc00') + b'Television\n  '
    limits = bytes.fromhex('000000fd00173d0f8c3c000a202020202020')
    serial = bytes.fromhex('000000ff00') + b'HF00000001\n  '
    return block(bytes.fromhex('00ffffffffffff00')
                 + bytes.fromhex('20d3') + bytes([1, 0, 1, 0, 0, 0])  # vendor, product, serial
                 + bytes([1, 35, 1, 3])                               # date, version
                 + bytes([0x80, 86, 48, 120, 0x0e])                   # input, size, features
                 + bytes.fromhex('ee91a3544c99260f5054')
                 + bytes([0x20, 0, 0]) + b'\1' * 16
                 + timing + limits + name + serial + b'\1')


def television():
    blocks = [
        bytes([0x46, 0x90, 76, 32, 4, 19, 5]),           # 1080p60 in two shapes, ...
        bytes([0x6a, 3, 12, 0, 0x10, 0, 0, 0x3c, 0x20, 0x80, 0]),  # stereo
        bytes([0xe2, 0, 0x4a]),                          # what its colours can be
        bytes([0xe2, 0x0e, 97]),                         # 2160p60, 4:2:0 only
    ]
    data = b''.join(blocks)
    return block(bytes([2, 3, 4 + len(data), 0x80]) + data)


with open(sys.argv[1], 'wb') as file:
    file.write(base() + television())
