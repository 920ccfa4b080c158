#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Chromium without a window, told what to do over a pipe.

  browser.py URL WxH COMMAND...

  shot FILE.png         of the page
  until X Y RRGGBB FILE.png  take shots until a pixel is near that colour
  run SCRIPT            wait until that is true in the page
  type TEXT             as a person would; likewise
  click X Y

Chromium is $CHROMIUM, or whatever it is called here. It ends with status 1 where
something does not come to pass within some seconds.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

from png import Picture

DEADLINE = 45


class Browser:
    def __init__(self, url, size, profile):
        program = os.environ.get('CHROMIUM') or shutil.which('chromium')
        to_read, to_write = os.pipe(), os.pipe()
        # It reads from descriptor 3 and writes to 4.
        self.write, self.read_end = to_read[1], to_write[0]

        def place():
            os.dup2(to_read[0], 13)
            os.dup2(to_write[1], 14)
            os.dup2(13, 3)
            os.dup2(14, 4)

        self.process = subprocess.Popen(
            [program, '--headless', '--no-sandbox', '--disable-gpu',
             '--disable-dev-shm-usage', '--no-first-run', '--disable-extensions',
             '--disable-background-networking', '--remote-debugging-pipe',
             '--force-device-scale-factor=1', f'--user-data-dir={profile}',
             f'--window-size={size.replace("x", ",")}', 'about:blank'],
            stdin=subprocess.DEVNULL, preexec_fn=place, close_fds=False)
        self.buffer = b''
        self.last = 0
        self.session = None
        target = self.call('Target.createTarget', url=url)['targetId']
        self.session = self.call('Target.attachToTarget', targetId=target,
                                 flatten=True)['sessionId']
        self.call('Page.bringToFront')

    def message(self):
        while b'\0' not in self.buffer:
            data = os.read(self.read_end, 1 << 20)
            if not data:
                sys.exit('the browser has ended')
            self.buffer += data
        text, self.buffer = self.buffer.split(b'\0', 1)
        return json.loads(text)

    def call(self, method, **params):
        self.last += 1
        command = {'id': self.last, 'method': method, 'params': params}
        if self.session:
            command['sessionId'] = self.session
        os.write(self.write, json.dumps(command).encode() + b'\0')
        while True:
            answer = self.message()
            if answer.get('id') == self.last:
                if 'error' in answer:
                    sys.exit(f'{method}: {answer["error"]}')
                return answer['result']

    def shot(self, path):
        data = self.call('Page.captureScreenshot', format='png')['data']
        with open(path, 'wb') as file:
            file.write(base64.b64decode(data))

    def run(self, script):
        result = self.call('Runtime.evaluate', expression=script)['result']
        return result.get('value')

    def type(self, text):
        for letter in text:
            key = {'text': letter, 'key': letter}
            if letter == '\n':
                key = {'text': '\r', 'key': 'Enter', 'code': 'Enter',
                       'windowsVirtualKeyCode': 13}
            elif letter.isalpha():
                key['code'] = f'Key{letter.upper()}'
                key['windowsVirtualKeyCode'] = ord(letter.upper())
            self.call('Input.dispatchKeyEvent', type='keyDown', **key)
            key.pop('text')
            self.call('Input.dispatchKeyEvent', type='keyUp', **key)

    def mouse(self, kind, x, y):
        self.call('Input.dispatchMouseEvent', type=kind, x=x, y=y,
                  button='left' if kind != 'mouseMoved' else 'none',
                  clickCount=1)

    def click(self, x, y):
        for kind in 'mouseMoved', 'mousePressed', 'mouseReleased':
            self.mouse(kind, x, y)

    def end(self):
        self.process.kill()
        self.process.wait()


def eventually(what, test):
    end = time.monotonic() + DEADLINE
    while not test():
        if time.monotonic() > end:
            sys.exit(f'{what} did not come to pass')
        time.sleep(0.1)


def near(path, x, y, colour):
    # What is sent to a browser is compressed with losses.
    seen = Picture(path).pixel(x, y)
    return all(abs(a - b) <= 12 for a, b in zip(seen, colour))


def obey(browser, words):
    while words:
        command, words = words[0], words[1:]
        if command == 'shot':
            browser.shot(words.pop(0))
        elif command == 'until':
            x, y, colour = int(words[0]), int(words[1]), bytes.fromhex(words[2])
            path, words = words[3], words[4:]

            def seen():
                browser.shot(path)
                return near(path, x, y, colour)

            eventually(f'{colour.hex()} at {x} {y}', seen)
        elif command == 'run':
            script = words.pop(0)
            eventually(script, lambda: browser.run(script))
        elif command == 'type':
            browser.type(words.pop(0).replace('\\n', '\n'))
        elif command == 'click':
            browser.click(int(words.pop(0)), int(words.pop(0)))
        else:
            sys.exit(f'{command}: no such command')


def main():
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        browser = Browser(sys.argv[1], sys.argv[2], profile)
        try:
            obey(browser, sys.argv[3:])
        finally:
            browser.end()


if __name__ == '__main__':
    main()
