#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What libholdfast exports, what its headers declare and what its man pages describe
are the same functions, with the same prototypes.

usage: symbols.py LIBRARY SHIM HEADER-DIRECTORY MAN-DIRECTORY
"""

import pathlib
import re
import subprocess
import sys

VERSION = 'HOLDFAST_0.1'
PROTOTYPE = re.compile(r'([\w ]+?[ *]+(hf_\w+)\s*\([^;{}]*\))\s*;')


def prototypes(text):
    """Declared functions, by name, with white space as if on one line."""
    found = {}
    for declaration, name in PROTOTYPE.findall(text):
        words = re.sub(r'\s+', ' ', declaration).strip()
        found.setdefault(name, []).append(re.sub(r'\s*\*\s*', ' *', words))
    return found


def merge(dictionaries):
    result = {}
    for dictionary in dictionaries:
        for name, declarations in dictionary.items():
            result.setdefault(name, []).extend(declarations)
    return result


def header(path):
    text = re.sub(r'/\*.*?\*/', '', path.read_text(), flags=re.S)
    return prototypes(re.sub(r'^\s*#.*$|^extern "C" \{$', '', text, flags=re.M))


def page(path):
    synopsis = path.read_text().split('\n# ')[2]
    return prototypes(re.sub(r'^\s*#.*$', '', synopsis.split('```')[1], flags=re.M))


def exported(library):
    """Dynamic symbols that it defines, by name, with their version."""
    lines = subprocess.run(['nm', '-D', '--defined-only', '--with-symbol-versions', library],
                           check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    symbols = {}
    for line in lines:
        kind, symbol = line.split()[-2:]
        name, _, version = symbol.partition('@')
        if kind != 'A':
            symbols[name] = version.lstrip('@')
    return symbols


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = False

    def case(self, name, wrong):
        self.count += 1
        print(f'{"not " if wrong else ""}ok {self.count} - {name}')
        for line in sorted(wrong):
            print(f'# {line}')
        self.failed |= bool(wrong)

    def end(self):
        print(f'1..{self.count}')
        return 1 if self.failed else 0


def differences(declared, described):
    return [f'{name}: {declared[name][0]} but {described[name][0]}'
            for name in declared.keys() & described.keys()
            if declared[name][0] != described[name][0]]


def twice(declared):
    return [name for name, declarations in declared.items() if len(declarations) > 1]


def main():
    library, shim, headers, man = sys.argv[1:]
    symbols = exported(library)
    declared = merge(header(path) for path in pathlib.Path(headers).glob('*.h'))
    described = merge(page(path) for path in pathlib.Path(man).glob('*.3.scd'))
    tap = Tap()
    tap.case('there_are_functions', [] if symbols and declared and described else ['none'])
    tap.case('what_is_exported_is_declared', symbols.keys() - declared.keys())
    tap.case('what_is_declared_is_exported', declared.keys() - symbols.keys())
    tap.case('what_is_exported_is_described', symbols.keys() - described.keys())
    tap.case('what_is_described_is_exported', described.keys() - symbols.keys())
    tap.case('man_pages_have_the_prototypes_of_the_headers', differences(declared, described))
    tap.case('a_function_is_declared_and_described_once', twice(declared) + twice(described))
    tap.case('all_symbols_have_the_version',
             [name for name, version in symbols.items() if version != VERSION])
    tap.case('no_symbol_is_the_shims', symbols.keys() & exported(shim).keys())
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
