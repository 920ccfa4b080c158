/* SPDX-License-Identifier: MIT */
/*
 * The text that describes a connector and what is plugged in there:
 *
 *	[WIDTHxHEIGHT[@HZ]|off][,ATTRIBUTE[=VALUE]]...
 *
 * as after --output, and wherever else a monitor is named. One table, in output.c,
 * has the attributes. A comma in a value is written "\,".
 */
#ifndef HF_CLI_OUTPUT_H
#define HF_CLI_OUTPUT_H

#include <stdio.h>

#include "kms/kms.h"

#define HF_OUTPUT_WHY 256

/**
 * hf_output_parse() - What a text says.
 * @output: set to it; hf_output_finish() frees what it holds
 * @why: set to a sentence where the text cannot be understood
 *
 * Return: 0; -EINVAL for a mistake, -ENOMEM, or why an EDID's file cannot be read: then
 * @output holds nothing.
 */
int hf_output_parse(const char *text, struct hf_kms_output *output,
		    char why[HF_OUTPUT_WHY]);
/**
 * hf_outputs_check() - Can a device have these together?
 * @why: set to a sentence where it cannot
 *
 * Return: 0 or -EINVAL.
 */
int hf_outputs_check(const struct hf_kms_output *outputs, size_t n,
		     char why[HF_OUTPUT_WHY]);
/** hf_output_finish() - Free what the parser allocated. */
void hf_output_finish(struct hf_kms_output *output);
/** hf_output_help() - List the attributes. */
void hf_output_help(FILE *file);

#endif
