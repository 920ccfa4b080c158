# SPDX-License-Identifier: MIT
#
# Completion of holdfast for fish.

set -l commands run serve screenshot record trace info top inject vblank
set -l none "not __fish_seen_subcommand_from $commands"
set -l device '__fish_seen_subcommand_from run serve'

complete -c holdfast -f
complete -c holdfast -n "$none" -l help -d 'Print help'
complete -c holdfast -n "$none" -l version -d 'Print the version'
complete -c holdfast -n "$none" -a run -d 'Run a program on a device'
complete -c holdfast -n "$none" -a serve -d 'Keep a device running'
complete -c holdfast -n "$none" -a screenshot -d 'Write what an output shows'
complete -c holdfast -n "$none" -a record -d 'Write every frame that an output shows'
complete -c holdfast -n "$none" -a trace -d 'Print every ioctl and event'
complete -c holdfast -n "$none" -a info -d 'Say what a device holds'
complete -c holdfast -n "$none" -a top -d 'Watch a device'
complete -c holdfast -n "$none" -a inject -d 'Break a device on purpose'
complete -c holdfast -n "$none" -a vblank -d 'Move the time of a device'

complete -c holdfast -n "__fish_seen_subcommand_from $commands" -l socket -r -F -d 'Socket of the server'
complete -c holdfast -n $device -l device -x -a 'soft vfio:' -d 'Software, or a PCI device'
complete -c holdfast -n $device -l unsafe-no-iommu -d 'Drive a PCI device without an IOMMU'
complete -c holdfast -n $device -l output -x -a '1024x768 1280x720 1920x1080 3840x2160' -d 'A monitor'
complete -c holdfast -n $device -l screenshot -r -F -d 'Picture of what was shown last'
complete -c holdfast -n $device -l scanout -x -a 'iommu contiguous' -d 'Does the display have an IOMMU?'
complete -c holdfast -n $device -l split -d 'Display and engine are two devices'
complete -c holdfast -n $device -l non-coherent -d 'Devices do not see the caches'
complete -c holdfast -n $device -l pool -x -d 'Size of the contiguous pool'
complete -c holdfast -n $device -l memory -x -d 'Bytes that objects may take'
complete -c holdfast -n $device -l trace -r -F -d 'File for every ioctl and event'
complete -c holdfast -n $device -l record -r -F -d 'Video or pictures of every frame'
complete -c holdfast -n $device -l scenario -r -F -d 'Things that happen, and when'
complete -c holdfast -n $device -l clock -x -a 'real manual fast' -d 'How time passes'
complete -c holdfast -n $device -l planes -x -d 'Overlays of a CRTC'
complete -c holdfast -n $device -l virtual-cursor -d 'Cursors have a hotspot'
complete -c holdfast -n $device -l check -d 'Say what programs do wrong'
complete -c holdfast -n $device -l strict -d 'And fail where they did'
complete -c holdfast -n $device -l stats -d 'A line of figures at the end'
complete -c holdfast -n '__fish_seen_subcommand_from screenshot record' -l crtc -x -d 'Which one, from 0'
complete -c holdfast -n '__fish_seen_subcommand_from screenshot record' -l connector -x -d 'That is on the CRTC'
complete -c holdfast -n '__fish_seen_subcommand_from screenshot record' -F
complete -c holdfast -n '__fish_seen_subcommand_from record' -l frames -x -d 'How many'
complete -c holdfast -n '__fish_seen_subcommand_from record trace' -l duration -x -d 'Seconds'
complete -c holdfast -n '__fish_seen_subcommand_from trace' -l format -x -a 'text chrome' -d 'Of the trace'
complete -c holdfast -n '__fish_seen_subcommand_from trace' -l output -r -F -d 'Where to write'
complete -c holdfast -n '__fish_seen_subcommand_from info' -l objects -d 'What all of them are for'
complete -c holdfast -n '__fish_seen_subcommand_from info' -l problems -d 'What clients did wrong'
complete -c holdfast -n '__fish_seen_subcommand_from info' -l json -d 'For programs to read'
complete -c holdfast -n '__fish_seen_subcommand_from run; and contains -- -- (commandline -opc)' -a '(__fish_complete_subcommand)'
complete -c holdfast -n '__fish_seen_subcommand_from inject' -x -a 'plug unplug edid modes link flip commit ioctl fence engine memory device suspend resume list clear'
complete -c holdfast -n '__fish_seen_subcommand_from vblank' -x -a 'step run stop fast'
