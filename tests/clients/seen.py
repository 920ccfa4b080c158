#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Check traces and recordings.

  seen.py text TRACE                  every line is one that a trace has
  seen.py chrome TRACE [NAME]...      it is JSON as Perfetto opens it, with events so called
  seen.py killed TRACE                it is, but for its end
  seen.py pictures COUNT SKIPPED PNG...   those of colours.c, in order
  seen.py y4m COUNT SKIPPED FILE      likewise
  seen.py times TRACE FRAME-MS PTS    a video's times are those of the flips
"""

import json
import re
import sys

sys.path.insert(0, __file__.rsplit('/', 1)[0])
from png import Picture  # noqa: E402

TIME = r'\d+\.\d{9} '
NODE = r'(card|renderD)\d+#\d+'
LINES = [
    # time, program[pid/tid], file, ioctl {in} => {out} = result <time>
    rf'\S.*\[\d+/\d+\]( {NODE})? [A-Z][A-Z0-9_]+ \{{.*\}}( => \{{.*\}})? = (0|\?|E[A-Z]+) '
    r'<\d+\.\d{3} us>',
    r'crtc \d+: (vblank|flip|sequence) \d+ at \d+\.\d{9} to pid \d+ ' + NODE +
    r' user_data=0x[0-9a-f]+',
    r'crtc \d+: shows frame \d+ at \d+\.\d{9}(: plane \d+ fb \d+(, plane \d+ fb \d+)*)?',
    r'fence \S+ \d+#\d+: signaled( = E[A-Z]+)?',
    r'job \S+ \d+#\d+: (begins|ends = (0|E[A-Z]+))',
    r'object \d+ of pid \d+: (pinned and mapped|unmapped and unpinned), \d+ bytes at 0x[0-9a-f]+ '
    r'in \d+ runs?',
    rf'pid \d+ {NODE} (opened|closed)',
    r'uevent .*',
]
LINE = re.compile(TIME + '(' + '|'.join(LINES) + ')$')


def text(path):
    with open(path, encoding='ascii') as file:
        for number, line in enumerate(file, 1):
            if not LINE.match(line.rstrip('\n')):
                sys.exit(f'{path}:{number}: {line}')


def check_events(events):
    """As the format's description has it."""
    if not events:
        sys.exit('no events')
    for event in events:
        phase = event['ph']
        if phase not in 'XiMbe' or 'name' not in event or 'pid' not in event:
            sys.exit(f'not an event: {event}')
        if phase == 'M':
            continue
        if not isinstance(event['ts'], (int, float)):
            sys.exit(f'no time: {event}')
        if phase == 'X' and event['dur'] < 0:
            sys.exit(f'no duration: {event}')
        if phase in 'be' and 'id' not in event:
            sys.exit(f'no id: {event}')
    check_nesting(events)


def check_nesting(events):
    """The calls of a thread follow each other, or viewers draw nonsense."""
    ends = {}
    slices = [event for event in events if event['ph'] == 'X']
    for event in sorted(slices, key=lambda event: event['ts']):
        thread = (event['pid'], event['tid'])
        # Their times are in microseconds, as floating-point numbers.
        if event['ts'] < ends.get(thread, 0) - 0.01:
            sys.exit(f'overlaps the one before: {event}')
        ends[thread] = event['ts'] + event['dur']


def chrome(path, *names):
    with open(path, encoding='ascii') as file:
        events = json.load(file)
    check_events(events)
    for name in names:
        if not any(re.fullmatch(name, event['name']) for event in events):
            sys.exit(f'{path}: no {name}')
    processes = {event['pid'] for event in events
                 if event['ph'] == 'M' and event['name'] == 'process_name'}
    for event in events:
        if event['ph'] == 'X' and event['pid'] not in processes:
            sys.exit(f'a process without a name: {event}')


def killed(path):
    with open(path, encoding='ascii') as file:
        rest = file.read()
    if rest.rstrip().endswith(']'):
        sys.exit('it has an end')
    check_events(json.loads(rest + ']'))


def colour(i):
    level = 10 * (i + 1)
    return level, 255 - level, level // 2


def check_order(count, skipped, seen):
    """Numbers of pictures, in the order in which they were recorded."""
    if seen != sorted(set(seen)):
        sys.exit(f'out of order: {seen}')
    if len(seen) + skipped != count:
        sys.exit(f'{len(seen)} pictures and {skipped} skipped, not {count}')
    if len(seen) < count / 2:
        sys.exit(f'only {len(seen)} pictures of {count}')


def pictures(count, skipped, *paths):
    seen = []
    for path in sorted(paths):
        picture = Picture(path)
        pixels = {tuple(line[x:x + 3]) for line in picture.lines
                  for x in range(0, len(line), 3)}
        if len(pixels) != 1:
            sys.exit(f'{path}: torn: {len(pixels)} colours')
        rgb = pixels.pop()
        seen.append(rgb[0] // 10 - 1)
        if rgb != colour(seen[-1]):
            sys.exit(f'{path}: {rgb}')
    check_order(int(count), int(skipped), seen)


def number_of(ycc):
    """Which colour it is, in BT.709 of the limited range."""
    luma, blue, red = (ycc[0] - 16) / 219, (ycc[1] - 128) / 224, (ycc[2] - 128) / 224
    rgb = [luma + 1.5748 * red, luma - 0.1873 * blue - 0.4681 * red, luma + 1.8556 * blue]
    rgb = [round(255 * value) for value in rgb]
    i = round(rgb[0] / 10) - 1
    if any(abs(a - b) > 2 for a, b in zip(rgb, colour(i))):
        sys.exit(f'no colour of ours: {rgb}')
    return i


def y4m(count, skipped, path):
    with open(path, 'rb') as file:
        header = file.readline().split()
        fields = {field[:1]: field[1:].decode() for field in header[1:]}
        if header[0] != b'YUV4MPEG2' or fields[b'C'] != '444':
            sys.exit(f'{path}: {header}')
        size = int(fields[b'W']) * int(fields[b'H'])
        seen = []
        while file.readline() == b'FRAME\n':
            planes = [file.read(size) for _ in range(3)]
            if any(len(set(plane)) != 1 for plane in planes):
                sys.exit(f'{path}: torn')
            seen.append(number_of([plane[0] for plane in planes]))
    if seen != sorted(seen):
        sys.exit(f'{path}: out of order: {seen}')
    check_order(int(count), int(skipped), sorted(set(seen)))


def times(trace, frame_ms, pts):
    """Each picture of the video is from a flip, at its time, up to a frame."""
    with open(trace, encoding='ascii') as file:
        flips = [float(match[1]) for line in file
                 if (match := re.search(r'shows frame \d+ at (\S+): plane', line))]
    with open(pts, encoding='ascii') as file:
        shown = [float(line) for line in file if line.strip()]
    # The last one is there twice, to make it last.
    for at in shown[:-1]:
        off = min(abs(flip - flips[0] - (at - shown[0])) for flip in flips)
        if off * 1000 > float(frame_ms):
            sys.exit(f'{at}: {off * 1000:.1f} ms from the nearest flip')
    if len(shown) < len(flips) / 2:
        sys.exit(f'{len(shown)} pictures of {len(flips)} flips')


if __name__ == '__main__':
    {'text': text, 'chrome': chrome, 'killed': killed, 'pictures': pictures,
     'y4m': y4m, 'times': times}[sys.argv[1]](*sys.argv[2:])
