#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A VNC client that does what it is told.

  vnc.py ADDRESS:PORT COMMAND...

  shot FILE.png         write what is shown, pixel by pixel
  size WxH              wait until the screen is of that size
  pixel X Y RRGGBB      wait until a pixel is of that colour, within one
  damage X Y W H        wait for the next update, which lies in that rectangle
  quiet                 nothing is sent for a while
  key KEYSYM down|up    as a person would; likewise
  type TEXT
  move X Y
  button N down|up
  click N
  stall                 ask for everything and read nothing, until hung up on
  mark FILE             make it, to say that all before it has come to pass
  password TEXT         of the connection; before anything else

It reads raw pixels, so what it sees is exact. It ends with status 1 where something
does not come to pass within some seconds.
"""

import socket
import struct
import subprocess
import sys
import time
import zlib

DEADLINE = 20
RAW, NEW_SIZE = 0, -223


class Client:
    def __init__(self, address, password=None, encodings=(RAW, NEW_SIZE)):
        host, port = address.rsplit(':', 1)
        self.socket = socket.create_connection((host.strip('[]'), int(port)),
                                               DEADLINE)
        self.buttons = self.x = self.y = 0
        self.waiting = False
        version = self.read(12)
        if not version.startswith(b'RFB 003.'):
            sys.exit(f'no VNC server: {version}')
        self.socket.sendall(b'RFB 003.008\n')
        self.authenticate(password)
        self.socket.sendall(b'\1')
        self.width, self.height = struct.unpack('>HH', self.read(4))
        self.read(16)
        self.name = self.read(struct.unpack('>I', self.read(4))[0])
        self.resized()
        # 32 bits, little endian, red highest: as it is in memory.
        self.socket.sendall(struct.pack('>BxxxBBBBHHHBBBxxx', 0, 32, 24, 0, 1,
                                        255, 255, 255, 16, 8, 0))
        self.socket.sendall(struct.pack(f'>BxH{len(encodings)}i', 2,
                                        len(encodings), *encodings))
        self.request(incremental=0)

    def authenticate(self, password):
        types = self.read(self.read(1)[0])
        if not types:
            sys.exit(self.read(struct.unpack('>I', self.read(4))[0]))
        if password is not None:
            self.socket.sendall(b'\2')
            self.socket.sendall(encrypt(password, self.read(16)))
        else:
            self.socket.sendall(b'\1')
        if struct.unpack('>I', self.read(4))[0]:
            sys.exit('not let in')

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                sys.exit('hung up on')
            data += more
        return bytes(data)

    def resized(self):
        self.pixels = bytearray(self.width * self.height * 4)

    def request(self, incremental=1):
        self.waiting = True
        self.socket.sendall(struct.pack('>BBHHHH', 3, incremental, 0, 0,
                                        self.width, self.height))

    def rectangle(self):
        """Take one; its place, or None where it is no pixels."""
        x, y, width, height, encoding = struct.unpack('>HHHHi', self.read(12))
        if encoding == NEW_SIZE:
            if (self.width, self.height) != (width, height):
                self.width, self.height = width, height
                self.resized()
            return None
        if encoding != RAW:
            sys.exit(f'encoding {encoding} was not asked for')
        data = self.read(width * height * 4)
        for line in range(height):
            to = ((y + line) * self.width + x) * 4
            self.pixels[to:to + width * 4] = \
                data[line * width * 4:(line + 1) * width * 4]
        return x, y, width, height

    def update(self, seconds=DEADLINE):
        """Take the next update; its rectangles. None: nothing came."""
        if not self.waiting:
            self.request()
        self.socket.settimeout(seconds)
        try:
            kind = self.read(1)[0]
        except TimeoutError:
            return None
        finally:
            self.socket.settimeout(DEADLINE)
        if kind == 2:
            return []
        if kind != 0:
            sys.exit(f'message {kind} makes no sense')
        self.waiting = False
        count = struct.unpack('>xH', self.read(3))[0]
        return [rect for rect in (self.rectangle() for _ in range(count))
                if rect]

    def until(self, what, test):
        end = time.monotonic() + DEADLINE
        while not test():
            if time.monotonic() > end or self.update(2) is None and \
                    time.monotonic() > end:
                sys.exit(f'{what}: it is {self.width}x{self.height}, '
                         f'{self.pixels[:8].hex()}...')

    def near(self, x, y, colour):
        if x >= self.width or y >= self.height:
            return False
        at = (y * self.width + x) * 4
        seen = self.pixels[at:at + 3][::-1]
        return all(abs(a - b) <= 1 for a, b in zip(seen, colour))

    def shot(self, path):
        # An update of all that was there is complete; what comes later is damage.
        while self.update(0.5):
            pass
        lines = b''
        for y in range(self.height):
            line = self.pixels[y * self.width * 4:(y + 1) * self.width * 4]
            rgb = bytearray(self.width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
            lines += b'\0' + rgb
        write_png(path, self.width, self.height, lines)

    def key(self, keysym, down):
        self.socket.sendall(struct.pack('>BBxxI', 4, down, keysym))

    def pointer(self):
        self.socket.sendall(struct.pack('>BBHH', 5, self.buttons, self.x,
                                        self.y))

    def type(self, text):
        for letter in text:
            keysym = {'\n': 0xff0d}.get(letter, ord(letter))
            shift = letter.isupper() or letter in '~!@#$%^&*()_+{}|:"<>?'
            if shift:
                self.key(0xffe1, 1)
            self.key(keysym, 1)
            self.key(keysym, 0)
            if shift:
                self.key(0xffe1, 0)

    def stall(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        start = time.monotonic()
        self.socket.settimeout(1)
        while time.monotonic() < start + 60:
            try:
                for _ in range(50):
                    self.request(incremental=0)
                time.sleep(0.2)
            except (ConnectionError, TimeoutError):
                pass
            if not connected(self.socket):
                return
        sys.exit('still connected')


def connected(sock):
    """Not hung up on, as far as TCP knows, without reading anything."""
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] == 1


def chunk(kind, data):
    return (struct.pack('>I', len(data)) + kind + data +
            struct.pack('>I', zlib.crc32(kind + data)))


def write_png(path, width, height, lines):
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) +
                   chunk(b'IDAT', zlib.compress(lines, 1)) + chunk(b'IEND', b''))


def encrypt(password, challenge):
    """DES, with the bits of each byte of the key the other way round."""
    key = password.encode().ljust(8, b'\0')[:8]
    key = bytes(int(f'{byte:08b}'[::-1], 2) for byte in key)
    return subprocess.run(
        ['openssl', 'enc', '-des-ecb', '-nopad', '-K', key.hex(),
         '-provider', 'legacy', '-provider', 'default'],
        input=challenge, stdout=subprocess.PIPE, check=True).stdout


def number(word):
    return int(word, 0)


def main():
    address, words = sys.argv[1], sys.argv[2:]
    password = None
    if words[:1] == ['password']:
        password, words = words[1], words[2:]
    client = Client(address, password)
    client.update()

    while words:
        command, words = words[0], words[1:]
        if command == 'shot':
            client.shot(words.pop(0))
        elif command == 'size':
            size = words.pop(0)
            client.until(f'size {size}', lambda: size ==
                         f'{client.width}x{client.height}')
        elif command == 'pixel':
            x, y = (number(words.pop(0)) for _ in range(2))
            colour = bytes.fromhex(words.pop(0))
            client.until(f'pixel {x} {y}', lambda: client.near(x, y, colour))
        elif command == 'damage':
            x, y, width, height = (number(words.pop(0)) for _ in range(4))
            rects = client.update() or sys.exit('no update')
            for left, top, wide, high in rects:
                if (left < x or top < y or left + wide > x + width or
                        top + high > y + height):
                    sys.exit(f'damage: {rects}')
        elif command == 'quiet':
            rects = client.update(3)
            if rects:
                sys.exit(f'not quiet: {rects}')
        elif command == 'key':
            client.key(number(words.pop(0)), words.pop(0) == 'down')
        elif command == 'type':
            client.type(words.pop(0).replace('\\n', '\n'))
        elif command == 'move':
            client.x, client.y = (number(words.pop(0)) for _ in range(2))
            client.pointer()
        elif command in ('button', 'click'):
            bit = 1 << (number(words.pop(0)) - 1)
            steps = [words.pop(0)] if command == 'button' else ['down', 'up']
            for step in steps:
                client.buttons ^= bit
                if step != ('down' if client.buttons & bit else 'up'):
                    sys.exit(f'button {step}: it is')
                client.pointer()
        elif command == 'stall':
            client.stall()
        elif command == 'mark':
            with open(words.pop(0), 'w', encoding='ascii'):
                pass
        else:
            sys.exit(f'{command}: no such command')


if __name__ == '__main__':
    main()
