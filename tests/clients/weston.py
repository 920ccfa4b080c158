#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Run Weston without a seat: open the devices that it asks for.

It speaks to its launcher over a socket: a request is the number 0, flags and a path;
the answer the number 3, a result, and the descriptor. Where the launcher goes, Weston
ends.
"""

import array
import os
import socket
import struct
import subprocess
import sys


def open_device(request):
    _, flags = struct.unpack_from('ii', request)
    try:
        return os.open(request[8:].split(b'\0')[0], flags)
    except OSError:
        return -1


def main():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    env = {**os.environ, 'WESTON_LAUNCHER_SOCK': str(theirs.fileno())}
    weston = subprocess.Popen(['weston', *sys.argv[1:]], pass_fds=[theirs.fileno()],
                              env=env)
    theirs.close()
    while request := ours.recv(4096):
        if request[:4] != b'\0\0\0\0':
            continue
        fd = open_device(request)
        ancillary = []
        if fd >= 0:
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [fd]))]
        ours.sendmsg([struct.pack('ii', 3, min(fd, 0))], ancillary)
        if fd >= 0:
            os.close(fd)
    sys.exit(weston.wait())


main()
