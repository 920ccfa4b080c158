// SPDX-License-Identifier: MIT
/*
 * The results as JSON and as a picture. The picture has a bar a benchmark: how
 * far it is from its limit, on a logarithmic scale, with the limit at 1.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdio.h>
#include "bench.h"

static struct json_object *number(double value)
{
	struct json_object *object = json_object_new_double(value);

	json_object_set_serializer(object, json_object_double_to_json_string,
				   "%.6g", NULL);
	return object;
}

static struct json_object *as_json(const struct bench *bench,
				   const struct result *result)
{
	struct json_object *row = json_object_new_object();
	struct json_object *reference = NULL, *ratio = NULL;

	if (bench->reference) {
		reference = json_object_new_object();
		json_object_object_add(reference, "name",
				       json_object_new_string(bench->reference));
		json_object_object_add(reference, "value",
				       number(result->reference));
		ratio = number(bench_ratio(bench, result));
	}
	json_object_object_add(row, "name", json_object_new_string(bench->name));
	json_object_object_add(row, "value", number(result->value));
	json_object_object_add(row, "unit", json_object_new_string(bench->unit));
	json_object_object_add(row, "reference", reference);
	json_object_object_add(row, "ratio", ratio);
	json_object_object_add(row, "better", json_object_new_string(
				       bench->more_is_better ? "higher" : "lower"));
	return row;
}

int report_json(const char *path, const struct bench *benches,
		const struct result *results, size_t count)
{
	struct json_object *rows = json_object_new_array();
	int ret = 0;

	for (size_t i = 0; i < count; i++)
		json_object_array_add(rows, as_json(&benches[i], &results[i]));
	if (json_object_to_file_ext(path, rows, JSON_C_TO_STRING_PRETTY) < 0)
		ret = bench_fail(path);
	json_object_put(rows);
	return ret;
}

/* The picture's measures, in SVG units. */
enum {
	LEFT = 160,
	PLOT = 400,
	RIGHT = 320,
	TOP = 56,
	ROW = 34,
	BAR = 18,
	BOTTOM = 34,
};

/* The scale runs over these powers of ten of ratio / limit. */
static const double scale_from = -2, scale_to = 1;

static double scale_x(double fraction)
{
	double power = log10(fraction);

	power = fmax(scale_from, fmin(scale_to, power));
	return LEFT + PLOT * (power - scale_from) / (scale_to - scale_from);
}

static void draw_scale(FILE *file, size_t count)
{
	int bottom = TOP + ROW * count;

	for (int power = scale_from; power <= scale_to; power++) {
		double x = scale_x(pow(10, power));

		fprintf(file,
			"<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#d8dee4'/>\n"
			"<text x='%.1f' y='%d' text-anchor='middle' fill='#57606a'>%g</text>\n",
			x, TOP, x, bottom, x, bottom + 20, pow(10, power));
	}
	fprintf(file,
		"<line x1='%.1f' y1='%d' x2='%.1f' y2='%d' stroke='#24292f' stroke-width='1.5' stroke-dasharray='4 3'/>\n"
		"<text x='%.1f' y='%d' text-anchor='middle' font-weight='bold'>limit</text>\n",
		scale_x(1), TOP - 6, scale_x(1), bottom, scale_x(1), TOP - 12);
}

static void draw_bar(FILE *file, size_t row, const struct bench *bench,
		     const struct result *result)
{
	double ratio = bench_ratio(bench, result);
	int y = TOP + ROW * row + (ROW - BAR) / 2;
	double used = bench_used(bench, result);
	const char *colour = used <= 1 ? "#2da44e" : "#cf222e";

	fprintf(file,
		"<text x='%d' y='%d' text-anchor='end' font-family='monospace'>%s</text>\n"
		"<rect x='%d' y='%d' width='%.1f' height='%d' rx='2' fill='%s'/>\n",
		LEFT - 10, y + 14, bench->name, LEFT, y,
		fmax(2, scale_x(used) - LEFT), BAR, colour);
	if (bench->reference)
		fprintf(file,
			"<text x='%d' y='%d'>%.3g × %s</text>\n"
			"<text x='%d' y='%d' fill='#57606a' font-size='10'>%s %.3g ×</text>\n",
			LEFT + PLOT + 14, y + 6, ratio, bench->reference,
			LEFT + PLOT + 14, y + 19,
			bench->more_is_better ? "at least" : "limit",
			bench->limit);
	else
		fprintf(file,
			"<text x='%d' y='%d'>%.3g %s</text>\n"
			"<text x='%d' y='%d' fill='#57606a' font-size='10'>limit %.3g %s</text>\n",
			LEFT + PLOT + 14, y + 6, ratio, bench->unit,
			LEFT + PLOT + 14, y + 19, bench->limit, bench->unit);
}

int report_svg(const char *path, const struct bench *benches,
	       const struct result *results, size_t count)
{
	int width = LEFT + PLOT + RIGHT;
	int height = TOP + ROW * count + BOTTOM;
	FILE *file = fopen(path, "w");

	if (!file)
		return bench_fail(path);
	fprintf(file,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' font-family='sans-serif' font-size='12' fill='#24292f'>\n"
		"<rect width='100%%' height='100%%' fill='#ffffff'/>\n"
		"<text x='14' y='24' font-size='15' font-weight='bold'>Holdfast: measured / allowed (shorter is better)</text>\n",
		width, height, width, height);
	draw_scale(file, count);
	for (size_t i = 0; i < count; i++)
		draw_bar(file, i, &benches[i], &results[i]);
	fputs("</svg>\n", file);
	return fclose(file) ? bench_fail(path) : 0;
}
