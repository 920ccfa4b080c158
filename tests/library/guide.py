#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the driver's guide quotes is in the example.

usage: guide.py GUIDE EXAMPLE
"""

import pathlib
import re
import sys

MAX_LINES = 200


def squeeze(text):
    return re.sub(r'\s+', ' ', text).strip()


def quotes(guide):
    """The pieces of C code; an ellipsis on a line of its own divides them."""
    for block in re.findall(r'^```c\n(.*?)^```', guide, flags=re.S | re.M):
        for piece in block.split('\n…\n'):
            yield squeeze(piece)


def main():
    guide, example = (pathlib.Path(path).read_text() for path in sys.argv[1:])
    pieces = list(quotes(guide))
    missing = [piece for piece in pieces if piece not in squeeze(example)]
    cases = {
        'the_guide_quotes_the_example': pieces and not missing,
        'the_example_is_under_200_lines': example.count('\n') < MAX_LINES,
    }
    print(f'1..{len(cases)}')
    for number, (name, good) in enumerate(cases.items(), 1):
        print(f'{"" if good else "not "}ok {number} - {name}')
    for piece in missing:
        print(f'# not in the example: {piece}')
    return 0 if all(cases.values()) else 1


if __name__ == '__main__':
    sys.exit(main())
