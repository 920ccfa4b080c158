#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hear of hotplug with pyudev, as scripts do.

Run under `holdfast run`. Says "ready" when it listens, then a line an event, and ends
after as many as it was told.
"""

import sys

import pyudev


def main():
    wanted = int(sys.argv[1])
    context = pyudev.Context()
    monitor = pyudev.Monitor.from_netlink(context)
    monitor.filter_by(subsystem='drm', device_type='drm_minor')
    monitor.start()
    print('ready', flush=True)
    while wanted:
        device = monitor.poll(timeout=20)
        if device is None:
            sys.exit('nothing was heard')
        status = [connector.attributes.asstring('status')
                  for connector in device.children
                  if 'HDMI' in connector.sys_name]
        print(device.action, device.device_node, device.get('HOTPLUG'),
              'initialized' if device.is_initialized else 'new',
              'seat' in device.tags, *status, flush=True)
        wanted -= 1


main()
