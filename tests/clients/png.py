#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check a screenshot's pixels.

  png.py FILE size WxH          the picture's size
  png.py FILE smpte X Y W H     modetest's SMPTE pattern fills the rectangle
  png.py FILE pixel [X Y RRGGBB]...     pixels
  png.py FILE photo [X Y PNG]...        other pictures are there, bit for bit
  png.py FILE varied            it is not of one colour
  png.py FILE differs X Y W H   the rectangle is not just SMPTE pattern

Elsewhere a channel may be off by one: a gamma table rounds.
"""

import struct
import sys
import zlib

GREY, BLACK, WHITE = (192, 192, 192), (19, 19, 19), (255, 255, 255)
YELLOW, CYAN, GREEN = (192, 192, 0), (0, 192, 192), (0, 192, 0)
MAGENTA, RED, BLUE = (192, 0, 192), (192, 0, 0), (0, 0, 192)
IN_PHASE, QUADRATURE = (0, 33, 76), (50, 0, 106)

TOP = [GREY, YELLOW, CYAN, GREEN, MAGENTA, RED, BLUE]
MIDDLE = [BLUE, BLACK, MAGENTA, BLACK, CYAN, BLACK, GREY]
BOTTOM = [IN_PHASE, WHITE, QUADRATURE, BLACK]
PLUGE = [(9, 9, 9), BLACK, (29, 29, 29)]


class Picture:
    """An 8-bit PNG, RGB or RGBA, as RGB."""

    def __init__(self, path):
        with open(path, 'rb') as file:
            data = file.read()
        if data[:8] != b'\x89PNG\r\n\x1a\n':
            sys.exit(f'{path}: not a PNG')
        packed = b''
        at = 8
        while at < len(data):
            length, kind = struct.unpack('>I4s', data[at:at + 8])
            body = data[at + 8:at + 8 + length]
            if kind == b'IHDR':
                self.width, self.height, depth, colour = struct.unpack('>IIBB', body[:10])
                if depth != 8 or colour not in (2, 6):
                    sys.exit(f'{path}: not 8-bit RGB')
                self.bytes = 4 if colour == 6 else 3
            elif kind == b'IDAT':
                packed += body
            at += 12 + length
        self.lines = self.unfilter(zlib.decompress(packed))

    def unfilter(self, raw):
        stride = self.width * self.bytes
        previous = bytearray(stride)
        lines = []
        for y in range(self.height):
            start = y * (stride + 1)
            line = bytearray(raw[start + 1:start + 1 + stride])
            self.unfilter_line(raw[start], line, previous)
            lines.append(line)
            previous = line
        if self.bytes == 4:
            for line in lines:
                del line[3::4]
        return lines

    def unfilter_line(self, kind, line, above):
        step = self.bytes
        for i in range(len(line) if kind else 0):
            left = line[i - step] if i >= step else 0
            up = above[i]
            corner = above[i - step] if i >= step else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                guess = min((left, up, corner), key=lambda c: abs(left + up - corner - c))
            line[i] = (line[i] + guess) & 0xff

    def pixel(self, x, y):
        return tuple(self.lines[y][3 * x:3 * x + 3])


def same(a, b):
    return all(abs(x - y) <= 1 for x, y in zip(a, b))


def smpte(x, y, width, height):
    if y < height * 6 // 9:
        return TOP[x * 7 // width]
    if y < height * 7 // 9:
        return MIDDLE[x * 7 // width]
    if x < width * 5 // 7:
        return BOTTOM[x * 4 // (width * 5 // 7)]
    if x < width * 6 // 7:
        return PLUGE[(x - width * 5 // 7) * 3 // (width // 7)]
    return BLACK


def wrong_pixels(picture, left, top, width, height):
    for y in range(0, height, 3):
        for x in range(0, width, 3):
            got = picture.pixel(left + x, top + y)
            want = smpte(x, y, width, height)
            if not same(got, want):
                yield f'pixel {left + x},{top + y} is {got}, expected {want}'


def wrong_pixel(picture, x, y, colour):
    got = picture.pixel(x, y)
    want = tuple(bytes.fromhex(colour))
    return None if same(got, want) else f'pixel {x},{y} is {got}, expected {want}'


def wrong_photo(picture, left, top, path):
    photo = Picture(path)
    for y, line in enumerate(photo.lines):
        if picture.lines[top + y][3 * left:3 * (left + photo.width)] != line:
            return f'line {y} of {path} at {left},{top} is wrong'
    return None


PLACED = {'pixel': wrong_pixel, 'photo': wrong_photo}


def check(picture, what, arguments):
    if what == 'size':
        got = f'{picture.width}x{picture.height}'
        return None if got == arguments[0] else f'the size is {got}'
    if what in PLACED:
        places = zip(*[iter(arguments)] * 3)
        complaints = (PLACED[what](picture, int(x), int(y), it) for x, y, it in places)
        return next(filter(None, complaints), None)
    if what == 'varied':
        colours = {picture.pixel(x, y) for y in range(0, picture.height, 7)
                   for x in range(0, picture.width, 7)}
        return None if len(colours) > 16 else f'only {len(colours)} colours'
    wrong = next(wrong_pixels(picture, *map(int, arguments)), None)
    if what == 'differs':
        return None if wrong else 'the pattern is undisturbed'
    return wrong


def main():
    checks = ('size', 'smpte', 'pixel', 'photo', 'varied', 'differs')
    if len(sys.argv) < 3 or sys.argv[2] not in checks:
        sys.exit(__doc__)
    complaint = check(Picture(sys.argv[1]), sys.argv[2], sys.argv[3:])
    if complaint:
        sys.exit(f'{sys.argv[1]}: {complaint}')


if __name__ == '__main__':
    main()
