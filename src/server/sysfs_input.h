/* SPDX-License-Identifier: MIT */
/* The paths of the seat's input devices, as the kernel and udev have them. */
#ifndef HF_SERVER_SYSFS_INPUT_H
#define HF_SERVER_SYSFS_INPUT_H

#include <stdbool.h>

struct hf_builder;
struct hf_seat;

/** hf_sysfs_add_input() - Add them all. @dev_char: there is a /dev/char */
void hf_sysfs_add_input(struct hf_builder *b, const struct hf_seat *seat,
			bool dev_char);

#endif
