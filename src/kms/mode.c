/* SPDX-License-Identifier: MIT */
/*
 * Display modes. A table holds the timings that VESA DMT and CTA-861 fix for
 * common sizes, because monitors and programs expect exactly those; every other
 * size and rate gets a CVT timing. Everything here is a pure function of its
 * arguments: no state, no lock.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxcvt/libxcvt.h>

#include "kms/mode.h"

/* The fastest clock of single-link DVI; above it blanking is kept short. */
#define CVT_MAX_KHZ 165000

/* libxcvt works in cells of so many pixels. */
#define CVT_CELL 8

/* Slower clocks are too coarse, in steps of 10 kHz, for an accurate rate. */
#define MIN_KHZ 5000

/* CVT's own tolerance for the rate. */
#define CVT_TOLERANCE 0.005

#define PP (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_PVSYNC)
#define PN (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC)
#define NP (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC)
#define NN (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC)

/* A standard timing; a television one (CTA-861) also exists at hz / 1.001. */
struct timing {
	uint16_t hz;
	bool tv;
	uint32_t clock;
	uint16_t h[4];
	uint16_t v[4];
	uint32_t flags;
};

/*
 * Where DMT has a size and rate both with and without reduced blanking, the one
 * below CVT_MAX_KHZ that monitors really use is listed. 2560x1440 and 3440x1440
 * are in neither standard; theirs are the CVT-RB timings that such panels have.
 */
static const struct timing timings[] = {
	{ 60, 0, 25175, { 640, 656, 752, 800 }, { 480, 490, 492, 525 }, NN },
	{ 73, 0, 31500, { 640, 664, 704, 832 }, { 480, 489, 492, 520 }, NN },
	{ 75, 0, 31500, { 640, 656, 720, 840 }, { 480, 481, 484, 500 }, NN },
	{ 85, 0, 36000, { 640, 696, 752, 832 }, { 480, 481, 484, 509 }, NN },
	{ 60, 1, 27000, { 720, 736, 798, 858 }, { 480, 489, 495, 525 }, NN },
	{ 60, 0, 33750, { 848, 864, 976, 1088 }, { 480, 486, 494, 517 }, PP },
	{ 50, 1, 27000, { 720, 732, 796, 864 }, { 576, 581, 586, 625 }, NN },
	{ 56, 0, 36000, { 800, 824, 896, 1024 }, { 600, 601, 603, 625 }, PP },
	{ 60, 0, 40000, { 800, 840, 968, 1056 }, { 600, 601, 605, 628 }, PP },
	{ 72, 0, 50000, { 800, 856, 976, 1040 }, { 600, 637, 643, 666 }, PP },
	{ 75, 0, 49500, { 800, 816, 896, 1056 }, { 600, 601, 604, 625 }, PP },
	{ 85, 0, 56250, { 800, 832, 896, 1048 }, { 600, 601, 604, 631 }, PP },
	{ 120, 0, 73250, { 800, 848, 880, 960 }, { 600, 603, 607, 636 }, PN },
	{ 60, 0, 65000, { 1024, 1048, 1184, 1344 }, { 768, 771, 777, 806 }, NN },
	{ 70, 0, 75000, { 1024, 1048, 1184, 1328 }, { 768, 771, 777, 806 }, NN },
	{ 75, 0, 78750, { 1024, 1040, 1136, 1312 }, { 768, 769, 772, 800 }, PP },
	{ 85, 0, 94500, { 1024, 1072, 1168, 1376 }, { 768, 769, 772, 808 }, PP },
	{ 120, 0, 115500, { 1024, 1072, 1104, 1184 }, { 768, 771, 775, 813 }, PN },
	{ 50, 1, 74250, { 1280, 1720, 1760, 1980 }, { 720, 725, 730, 750 }, PP },
	{ 60, 1, 74250, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
	{ 120, 1, 148500, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
	{ 60, 0, 79500, { 1280, 1344, 1472, 1664 }, { 768, 771, 778, 798 }, NP },
	{ 75, 0, 102250, { 1280, 1360, 1488, 1696 }, { 768, 771, 778, 805 }, NP },
	{ 75, 0, 108000, { 1152, 1216, 1344, 1600 }, { 864, 865, 868, 900 }, PP },
	{ 60, 0, 83500, { 1280, 1352, 1480, 1680 }, { 800, 803, 809, 831 }, NP },
	{ 75, 0, 106500, { 1280, 1360, 1488, 1696 }, { 800, 803, 809, 838 }, NP },
	{ 120, 0, 146250, { 1280, 1328, 1360, 1440 }, { 800, 803, 809, 847 }, PN },
	{ 60, 0, 85500, { 1360, 1424, 1536, 1792 }, { 768, 771, 777, 795 }, PP },
	{ 120, 0, 148250, { 1360, 1408, 1440, 1520 }, { 768, 771, 776, 813 }, PN },
	{ 60, 0, 85500, { 1366, 1436, 1579, 1792 }, { 768, 771, 774, 798 }, PP },
	{ 60, 0, 108000, { 1280, 1376, 1488, 1800 }, { 960, 961, 964, 1000 }, PP },
	{ 85, 0, 148500, { 1280, 1344, 1504, 1728 }, { 960, 961, 964, 1011 }, PP },
	{ 60, 0, 106500, { 1440, 1520, 1672, 1904 }, { 900, 903, 909, 934 }, NP },
	{ 75, 0, 136750, { 1440, 1536, 1688, 1936 }, { 900, 903, 909, 942 }, NP },
	{ 120, 0, 182750, { 1440, 1488, 1520, 1600 }, { 900, 903, 909, 953 }, PN },
	{ 60, 0, 108000, { 1280, 1328, 1440, 1688 }, { 1024, 1025, 1028, 1066 }, PP },
	{ 75, 0, 135000, { 1280, 1296, 1440, 1688 }, { 1024, 1025, 1028, 1066 }, PP },
	{ 85, 0, 157500, { 1280, 1344, 1504, 1728 }, { 1024, 1025, 1028, 1072 }, PP },
	{ 120, 0, 187250, { 1280, 1328, 1360, 1440 }, { 1024, 1027, 1034, 1084 }, PN },
	{ 60, 0, 108000, { 1600, 1624, 1704, 1800 }, { 900, 901, 904, 1000 }, PP },
	{ 60, 0, 121750, { 1400, 1488, 1632, 1864 }, { 1050, 1053, 1057, 1089 }, NP },
	{ 75, 0, 156000, { 1400, 1504, 1648, 1896 }, { 1050, 1053, 1057, 1099 }, NP },
	{ 120, 0, 208000, { 1400, 1448, 1480, 1560 }, { 1050, 1053, 1057, 1112 }, PN },
	{ 60, 0, 146250, { 1680, 1784, 1960, 2240 }, { 1050, 1053, 1059, 1089 }, NP },
	{ 75, 0, 187000, { 1680, 1800, 1976, 2272 }, { 1050, 1053, 1059, 1099 }, NP },
	{ 120, 0, 245500, { 1680, 1728, 1760, 1840 }, { 1050, 1053, 1059, 1112 }, PN },
	{ 60, 0, 162000, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ 75, 0, 202500, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ 120, 0, 268250, { 1600, 1648, 1680, 1760 }, { 1200, 1203, 1207, 1271 }, PN },
	{ 24, 1, 74250, { 1920, 2558, 2602, 2750 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 25, 1, 74250, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 30, 1, 74250, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 50, 1, 148500, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 60, 1, 148500, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 100, 1, 297000, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 120, 1, 297000, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ 60, 0, 154000, { 1920, 1968, 2000, 2080 }, { 1200, 1203, 1209, 1235 }, PN },
	{ 120, 0, 317000, { 1920, 1968, 2000, 2080 }, { 1200, 1203, 1209, 1271 }, PN },
	{ 60, 0, 162000, { 2048, 2074, 2154, 2250 }, { 1152, 1153, 1156, 1200 }, PP },
	{ 60, 0, 234000, { 1920, 2048, 2256, 2600 }, { 1440, 1441, 1444, 1500 }, NP },
	{ 60, 1, 198000, { 2560, 2808, 2852, 3000 }, { 1080, 1084, 1089, 1100 }, PP },
	{ 60, 0, 241500, { 2560, 2608, 2640, 2720 }, { 1440, 1443, 1448, 1481 }, PN },
	{ 60, 0, 268500, { 2560, 2608, 2640, 2720 }, { 1600, 1603, 1609, 1646 }, PN },
	{ 120, 0, 552750, { 2560, 2608, 2640, 2720 }, { 1600, 1603, 1609, 1694 }, PN },
	{ 60, 0, 319750, { 3440, 3488, 3520, 3600 }, { 1440, 1443, 1448, 1481 }, PN },
	{ 24, 1, 297000, { 3840, 5116, 5204, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 25, 1, 297000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 30, 1, 297000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 50, 1, 594000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 60, 1, 594000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 100, 1, 1188000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 120, 1, 1188000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 50, 1, 594000, { 4096, 5064, 5152, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 60, 1, 594000, { 4096, 4184, 4272, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 60, 1, 742500, { 5120, 5284, 5372, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ 24, 1, 1188000, { 7680, 10232, 10408, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ 25, 1, 1188000, { 7680, 10032, 10208, 10800 }, { 4320, 4336, 4356, 4400 }, PP },
	{ 30, 1, 1188000, { 7680, 8232, 8408, 9000 }, { 4320, 4336, 4356, 4400 }, PP },
	{ 50, 1, 2376000, { 7680, 10032, 10208, 10800 }, { 4320, 4336, 4356, 4400 }, PP },
	{ 60, 1, 2376000, { 7680, 8232, 8408, 9000 }, { 4320, 4336, 4356, 4400 }, PP },
};

static void set_name(struct drm_mode_modeinfo *mode)
{
	snprintf(mode->name, sizeof(mode->name), "%ux%u", mode->hdisplay,
		 mode->vdisplay);
}

void hf_mode_from_timing(struct drm_mode_modeinfo *mode, uint32_t clock,
			 const uint16_t h[4], const uint16_t v[4],
			 uint32_t flags)
{
	*mode = (struct drm_mode_modeinfo){
		.clock = clock,
		.hdisplay = h[0],
		.hsync_start = h[1],
		.hsync_end = h[2],
		.htotal = h[3],
		.vdisplay = v[0],
		.vsync_start = v[1],
		.vsync_end = v[2],
		.vtotal = v[3],
		.flags = flags,
	};
}

static void from_timing(struct drm_mode_modeinfo *mode,
			const struct timing *timing)
{
	hf_mode_from_timing(mode, timing->clock, timing->h, timing->v,
			    timing->flags);
	mode->type = DRM_MODE_TYPE_DRIVER;
	mode->vrefresh = hf_mode_vrefresh(mode);
	set_name(mode);
}

static double exact_rate(const struct drm_mode_modeinfo *mode)
{
	return mode->clock * 1000.0 / mode->htotal / mode->vtotal;
}

/* EDID stores multiples of 10 kHz, so a mode has one if that is up to us. */
static uint32_t clock_for_rate(const struct drm_mode_modeinfo *mode, double hz)
{
	return (uint32_t)lround(hz * mode->htotal * mode->vtotal / 10000.0) * 10;
}

static bool make_standard(struct drm_mode_modeinfo *mode, unsigned int width,
			  unsigned int height, double hz)
{
	for (size_t i = 0; i < sizeof(timings) / sizeof(timings[0]); i++) {
		const struct timing *timing = &timings[i];

		if (timing->h[0] != width || timing->v[0] != height)
			continue;

		from_timing(mode, timing);
		if (fabs(hz - timing->hz) < 0.005 ||
		    fabs(hz - exact_rate(mode)) < 0.005)
			return true;
		if (timing->tv && fabs(hz - timing->hz / 1.001) < 0.005) {
			mode->clock = clock_for_rate(mode, timing->hz / 1.001);
			mode->vrefresh = hf_mode_vrefresh(mode);
			return true;
		}
	}
	return false;
}

static struct libxcvt_mode_info *cvt(unsigned int width, unsigned int height,
				     double hz)
{
	struct libxcvt_mode_info *info;

	info = libxcvt_gen_mode_info(width, height, hz, false, false);
	/* Very small pictures get no horizontal blanking at all. */
	if (info && info->dot_clock <= CVT_MAX_KHZ &&
	    info->htotal >= info->hdisplay + 4 * CVT_CELL)
		return info;

	free(info);
	return libxcvt_gen_mode_info(width, height, hz, true, false);
}

/*
 * CVT rounds the clock down to 0.25 MHz, which leaves small pictures far from
 * the rate or with no clock at all. Correct the clock, and where that would be
 * too coarse, lengthen the vertical blanking first.
 */
static void correct_rate(struct drm_mode_modeinfo *mode, double hz)
{
	double min_lines;

	if (mode->clock && fabs(exact_rate(mode) / hz - 1) < CVT_TOLERANCE)
		return;

	min_lines = ceil(MIN_KHZ * 1000.0 / hz / mode->htotal);
	if (mode->vtotal < min_lines)
		mode->vtotal = min_lines < UINT16_MAX ? min_lines : UINT16_MAX;
	mode->clock = clock_for_rate(mode, hz);
}

static int make_cvt(struct drm_mode_modeinfo *mode, unsigned int width,
		    unsigned int height, double hz)
{
	unsigned int cells = (width + CVT_CELL - 1) / CVT_CELL * CVT_CELL;
	struct libxcvt_mode_info *info = cvt(cells, height, hz);

	if (!info)
		return -EINVAL;

	/* A width between two cells has its surplus in the front porch. */
	*mode = (struct drm_mode_modeinfo){
		.clock = info->dot_clock,
		.hdisplay = width,
		.hsync_start = info->hsync_start,
		.hsync_end = info->hsync_end,
		.htotal = info->htotal,
		.vdisplay = height,
		.vsync_start = info->vsync_start,
		.vsync_end = info->vsync_end,
		.vtotal = info->vtotal,
		.flags = (info->mode_flags & LIBXCVT_MODE_FLAG_HSYNC_POSITIVE ?
			  PN : NP),
		.type = DRM_MODE_TYPE_DRIVER,
	};
	free(info);

	correct_rate(mode, hz);
	mode->vrefresh = hf_mode_vrefresh(mode);
	set_name(mode);
	return 0;
}

int hf_mode_make(struct drm_mode_modeinfo *mode, unsigned int width,
		 unsigned int height, double hz)
{
	if (width < HF_MODE_MIN_SIZE || width > HF_MODE_MAX_SIZE)
		return -EINVAL;
	if (height < HF_MODE_MIN_SIZE || height > HF_MODE_MAX_SIZE)
		return -EINVAL;
	if (!(hz >= 1.0 && hz <= 1000.0))
		return -EINVAL;

	if (make_standard(mode, width, height, hz))
		return 0;
	return make_cvt(mode, width, height, hz);
}

static bool offers(const struct drm_mode_modeinfo *native,
		   const struct drm_mode_modeinfo *mode)
{
	uint32_t fastest = hf_mode_vrefresh(native);

	return mode->hdisplay <= native->hdisplay &&
	       mode->vdisplay <= native->vdisplay &&
	       mode->vrefresh <= (fastest > 60 ? fastest : 60);
}

static bool same_choice(const struct drm_mode_modeinfo *a,
			const struct drm_mode_modeinfo *b)
{
	return a->hdisplay == b->hdisplay && a->vdisplay == b->vdisplay &&
	       a->vrefresh == b->vrefresh;
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static uint64_t area(const struct drm_mode_modeinfo *mode)
{
	return (uint64_t)mode->hdisplay * mode->vdisplay;
}

int hf_mode_compare(const struct drm_mode_modeinfo *a,
		    const struct drm_mode_modeinfo *b)
{
	int diff;

	diff = !!(b->type & DRM_MODE_TYPE_PREFERRED) -
	       !!(a->type & DRM_MODE_TYPE_PREFERRED);
	if (!diff)
		diff = compare_u64(area(b), area(a));
	if (!diff)
		diff = compare_u64(hf_mode_vrefresh(b), hf_mode_vrefresh(a));
	if (!diff)
		diff = compare_u64(b->clock, a->clock);
	/* qsort() is not stable; two shapes of one area need an order too. */
	return diff ? diff : b->hdisplay - a->hdisplay;
}

static int compare_modes(const void *a, const void *b)
{
	return hf_mode_compare(a, b);
}

size_t hf_mode_list(const struct drm_mode_modeinfo *native,
		    struct drm_mode_modeinfo *modes, size_t max)
{
	size_t num = 0;

	if (!max)
		return 0;

	modes[num] = *native;
	modes[num].vrefresh = hf_mode_vrefresh(native);
	modes[num++].type = DRM_MODE_TYPE_PREFERRED | DRM_MODE_TYPE_DRIVER;

	/* The table ascends in size: from its end, so the largest are kept. */
	for (size_t i = sizeof(timings) / sizeof(timings[0]); i-- && num < max;) {
		from_timing(&modes[num], &timings[i]);
		if (offers(native, &modes[num]) &&
		    !same_choice(&modes[num], &modes[0]))
			num++;
	}
	qsort(modes, num, sizeof(*modes), compare_modes);
	return num;
}

static bool known_aspect(uint32_t flags)
{
	return (flags & DRM_MODE_FLAG_PIC_AR_MASK) <=
	       DRM_MODE_FLAG_PIC_AR_256_135;
}

static bool known_flags(uint32_t flags)
{
	flags &= ~DRM_MODE_FLAG_PIC_AR_MASK;
	return !(flags & ~DRM_MODE_FLAG_ALL) &&
	       (flags & DRM_MODE_FLAG_3D_MASK) <=
		       DRM_MODE_FLAG_3D_SIDE_BY_SIDE_HALF;
}

static bool in_order(uint16_t display, uint16_t sync_start, uint16_t sync_end,
		     uint16_t total)
{
	return display && display <= sync_start && sync_start <= sync_end &&
	       sync_end <= total;
}

int hf_mode_check(const struct drm_mode_modeinfo *mode)
{
	if (mode->clock > INT_MAX || mode->vrefresh > INT_MAX)
		return -ERANGE;
	if (!known_aspect(mode->flags) || !known_flags(mode->flags))
		return -EINVAL;
	if (!mode->clock)
		return -EINVAL;
	if (!in_order(mode->hdisplay, mode->hsync_start, mode->hsync_end,
		      mode->htotal))
		return -EINVAL;
	if (!in_order(mode->vdisplay, mode->vsync_start, mode->vsync_end,
		      mode->vtotal))
		return -EINVAL;
	return 0;
}

bool hf_mode_equal(const struct drm_mode_modeinfo *a,
		   const struct drm_mode_modeinfo *b)
{
	return a->clock == b->clock && a->hdisplay == b->hdisplay &&
	       a->hsync_start == b->hsync_start &&
	       a->hsync_end == b->hsync_end && a->htotal == b->htotal &&
	       a->hskew == b->hskew && a->vdisplay == b->vdisplay &&
	       a->vsync_start == b->vsync_start &&
	       a->vsync_end == b->vsync_end && a->vtotal == b->vtotal &&
	       a->vscan == b->vscan && a->flags == b->flags;
}

void hf_mode_size(const struct drm_mode_modeinfo *mode, uint32_t *width,
		  uint32_t *height)
{
	*width = mode->hdisplay;
	*height = mode->vdisplay;
	if ((mode->flags & DRM_MODE_FLAG_3D_MASK) ==
	    DRM_MODE_FLAG_3D_FRAME_PACKING)
		*height += mode->vtotal;
}

/* Pixel clocks that a whole frame takes: below 2^50. */
static uint64_t frame_pixels(const struct drm_mode_modeinfo *mode)
{
	uint64_t pixels = (uint64_t)mode->htotal * mode->vtotal;

	if (mode->flags & DRM_MODE_FLAG_DBLSCAN)
		pixels *= 2;
	if (mode->vscan > 1)
		pixels *= mode->vscan;
	return pixels;
}

uint64_t hf_mode_frame_ns(const struct drm_mode_modeinfo *mode)
{
	/* The clock is in kHz; the product takes up to 70 bits. */
	unsigned __int128 ns = (unsigned __int128)frame_pixels(mode) * 1000000;

	if (!mode->clock)
		return 0;

	ns /= mode->clock;
	if (mode->flags & DRM_MODE_FLAG_INTERLACE)
		ns /= 2;
	return ns < INT64_MAX ? ns : INT64_MAX;
}

uint32_t hf_mode_vrefresh(const struct drm_mode_modeinfo *mode)
{
	uint64_t num = (uint64_t)mode->clock * 1000;
	uint64_t den = frame_pixels(mode);

	if (!den)
		return 0;
	if (mode->flags & DRM_MODE_FLAG_INTERLACE)
		num *= 2;
	return (num + den / 2) / den;
}
