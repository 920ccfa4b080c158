/* SPDX-License-Identifier: MIT */
/*
 * The timings that an EDID names without spelling them out: tables of those that
 * CTA-861-H and VESA DMT 1.0 (revision 13) number, and the formulas CVT (libxcvt)
 * and GTF. mode.c has a table of its own: the modes that Holdfast would offer by
 * itself, of which there are fewer. Pure functions: no state, no lock.
 */
#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#include <libxcvt/libxcvt.h>

#include "kms/edid_timings.h"
#include "kms/mode.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* How far a clock may be off from having been stored in steps of 10 kHz. */
#define ROUNDING_KHZ 5

/* Both standards' formulas work in cells of so many pixels. */
#define CELL 8

#define PP (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_PVSYNC)
#define PN (DRM_MODE_FLAG_PHSYNC | DRM_MODE_FLAG_NVSYNC)
#define NP (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_PVSYNC)
#define NN (DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC)
#define I DRM_MODE_FLAG_INTERLACE
#define D DRM_MODE_FLAG_DBLCLK

/* What a timing has nothing to do with. */
#define LOOKS (DRM_MODE_FLAG_PIC_AR_MASK | DRM_MODE_FLAG_3D_MASK)

/* One or two ids: CTA-861 numbers a timing once for each shape of the picture. */
struct timing {
	uint8_t id[2];
	uint32_t clock;
	uint16_t h[4];
	uint16_t v[4];
	uint32_t flags;
};

/*
 * CTA-861-H, table 1, by VIC. Interlaced ones count the lines of a frame. Of those
 * that send every pixel twice, the pixels are counted once and the clock is halved.
 */
static const struct timing cta[] = {
	{ { 1 }, 25175, { 640, 656, 752, 800 }, { 480, 490, 492, 525 }, NN },
	{ { 2, 3 }, 27000, { 720, 736, 798, 858 }, { 480, 489, 495, 525 }, NN },
	{ { 4, 69 }, 74250, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
	{ { 5 }, 74250, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1094, 1125 }, PP | I },
	{ { 6, 7 }, 13500, { 720, 739, 801, 858 }, { 480, 488, 494, 525 }, NN | I | D },
	{ { 8, 9 }, 13500, { 720, 739, 801, 858 }, { 240, 244, 247, 262 }, NN | D },
	{ { 10, 11 }, 54000, { 2880, 2956, 3204, 3432 }, { 480, 488, 494, 525 }, NN | I },
	{ { 12, 13 }, 54000, { 2880, 2956, 3204, 3432 }, { 240, 244, 247, 262 }, NN },
	{ { 14, 15 }, 54000, { 1440, 1472, 1596, 1716 }, { 480, 489, 495, 525 }, NN },
	{ { 16, 76 }, 148500, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 17, 18 }, 27000, { 720, 732, 796, 864 }, { 576, 581, 586, 625 }, NN },
	{ { 19, 68 }, 74250, { 1280, 1720, 1760, 1980 }, { 720, 725, 730, 750 }, PP },
	{ { 20 }, 74250, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1094, 1125 }, PP | I },
	{ { 21, 22 }, 13500, { 720, 732, 795, 864 }, { 576, 580, 586, 625 }, NN | I | D },
	{ { 23, 24 }, 13500, { 720, 732, 795, 864 }, { 288, 290, 293, 312 }, NN | D },
	{ { 25, 26 }, 54000, { 2880, 2928, 3180, 3456 }, { 576, 580, 586, 625 }, NN | I },
	{ { 27, 28 }, 54000, { 2880, 2928, 3180, 3456 }, { 288, 290, 293, 312 }, NN },
	{ { 29, 30 }, 54000, { 1440, 1464, 1592, 1728 }, { 576, 581, 586, 625 }, NN },
	{ { 31, 75 }, 148500, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 32, 72 }, 74250, { 1920, 2558, 2602, 2750 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 33, 73 }, 74250, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 34, 74 }, 74250, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 35, 36 }, 108000, { 2880, 2944, 3192, 3432 }, { 480, 489, 495, 525 }, NN },
	{ { 37, 38 }, 108000, { 2880, 2928, 3184, 3456 }, { 576, 581, 586, 625 }, NN },
	{ { 39 }, 72000, { 1920, 1952, 2120, 2304 }, { 1080, 1126, 1136, 1250 }, PN | I },
	{ { 40 }, 148500, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1094, 1125 }, PP | I },
	{ { 41, 70 }, 148500, { 1280, 1720, 1760, 1980 }, { 720, 725, 730, 750 }, PP },
	{ { 42, 43 }, 54000, { 720, 732, 796, 864 }, { 576, 581, 586, 625 }, NN },
	{ { 44, 45 }, 27000, { 720, 732, 795, 864 }, { 576, 580, 586, 625 }, NN | I | D },
	{ { 46 }, 148500, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1094, 1125 }, PP | I },
	{ { 47, 71 }, 148500, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
	{ { 48, 49 }, 54000, { 720, 736, 798, 858 }, { 480, 489, 495, 525 }, NN },
	{ { 50, 51 }, 27000, { 720, 739, 801, 858 }, { 480, 488, 494, 525 }, NN | I | D },
	{ { 52, 53 }, 108000, { 720, 732, 796, 864 }, { 576, 581, 586, 625 }, NN },
	{ { 54, 55 }, 54000, { 720, 732, 795, 864 }, { 576, 580, 586, 625 }, NN | I | D },
	{ { 56, 57 }, 108000, { 720, 736, 798, 858 }, { 480, 489, 495, 525 }, NN },
	{ { 58, 59 }, 54000, { 720, 739, 801, 858 }, { 480, 488, 494, 525 }, NN | I | D },
	{ { 60, 65 }, 59400, { 1280, 3040, 3080, 3300 }, { 720, 725, 730, 750 }, PP },
	{ { 61, 66 }, 74250, { 1280, 3700, 3740, 3960 }, { 720, 725, 730, 750 }, PP },
	{ { 62, 67 }, 74250, { 1280, 3040, 3080, 3300 }, { 720, 725, 730, 750 }, PP },
	{ { 63, 78 }, 297000, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 64, 77 }, 297000, { 1920, 2448, 2492, 2640 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 79 }, 59400, { 1680, 3040, 3080, 3300 }, { 720, 725, 730, 750 }, PP },
	{ { 80 }, 59400, { 1680, 2908, 2948, 3168 }, { 720, 725, 730, 750 }, PP },
	{ { 81 }, 59400, { 1680, 2380, 2420, 2640 }, { 720, 725, 730, 750 }, PP },
	{ { 82 }, 82500, { 1680, 1940, 1980, 2200 }, { 720, 725, 730, 750 }, PP },
	{ { 83 }, 99000, { 1680, 1940, 1980, 2200 }, { 720, 725, 730, 750 }, PP },
	{ { 84 }, 165000, { 1680, 1740, 1780, 2000 }, { 720, 725, 730, 825 }, PP },
	{ { 85 }, 198000, { 1680, 1740, 1780, 2000 }, { 720, 725, 730, 825 }, PP },
	{ { 86 }, 99000, { 2560, 3558, 3602, 3750 }, { 1080, 1084, 1089, 1100 }, PP },
	{ { 87 }, 90000, { 2560, 3008, 3052, 3200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 88 }, 118800, { 2560, 3328, 3372, 3520 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 89 }, 185625, { 2560, 3108, 3152, 3300 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 90 }, 198000, { 2560, 2808, 2852, 3000 }, { 1080, 1084, 1089, 1100 }, PP },
	{ { 91 }, 371250, { 2560, 2778, 2822, 2970 }, { 1080, 1084, 1089, 1250 }, PP },
	{ { 92 }, 495000, { 2560, 3108, 3152, 3300 }, { 1080, 1084, 1089, 1250 }, PP },
	{ { 93, 103 }, 297000, { 3840, 5116, 5204, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 94, 104 }, 297000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 95, 105 }, 297000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 96, 106 }, 594000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 97, 107 }, 594000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 98 }, 297000, { 4096, 5116, 5204, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 99 }, 297000, { 4096, 5064, 5152, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 100 }, 297000, { 4096, 4184, 4272, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 101 }, 594000, { 4096, 5064, 5152, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 102 }, 594000, { 4096, 4184, 4272, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 108, 109 }, 90000, { 1280, 2240, 2280, 2500 }, { 720, 725, 730, 750 }, PP },
	{ { 110 }, 99000, { 1680, 2490, 2530, 2750 }, { 720, 725, 730, 750 }, PP },
	{ { 111, 112 }, 148500, { 1920, 2558, 2602, 2750 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 113 }, 198000, { 2560, 3558, 3602, 3750 }, { 1080, 1084, 1089, 1100 }, PP },
	{ { 114, 116 }, 594000, { 3840, 5116, 5204, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 115 }, 594000, { 4096, 5116, 5204, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 117, 119 }, 1188000, { 3840, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 118, 120 }, 1188000, { 3840, 4016, 4104, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 121 }, 396000, { 5120, 7116, 7204, 7500 }, { 2160, 2168, 2178, 2200 }, PP },
	{ { 122 }, 396000, { 5120, 6816, 6904, 7200 }, { 2160, 2168, 2178, 2200 }, PP },
	{ { 123 }, 396000, { 5120, 5784, 5872, 6000 }, { 2160, 2168, 2178, 2200 }, PP },
	{ { 124 }, 742500, { 5120, 5866, 5954, 6250 }, { 2160, 2168, 2178, 2475 }, PP },
	{ { 125 }, 742500, { 5120, 6216, 6304, 6600 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 126 }, 742500, { 5120, 5284, 5372, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 127 }, 1485000, { 5120, 6216, 6304, 6600 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 193 }, 1485000, { 5120, 5284, 5372, 5500 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 194, 202 }, 1188000, { 7680, 10232, 10408, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 195, 203 }, 1188000, { 7680, 10032, 10208, 10800 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 196, 204 }, 1188000, { 7680, 8232, 8408, 9000 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 197, 205 }, 2376000, { 7680, 10232, 10408, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 198, 206 }, 2376000, { 7680, 10032, 10208, 10800 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 199, 207 }, 2376000, { 7680, 8232, 8408, 9000 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 200, 208 }, 4752000, { 7680, 9792, 9968, 10560 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 201, 209 }, 4752000, { 7680, 8032, 8208, 8800 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 210 }, 1485000, { 10240, 11732, 11908, 12500 }, { 4320, 4336, 4356, 4950 }, PP },
	{ { 211 }, 1485000, { 10240, 12732, 12908, 13500 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 212 }, 1485000, { 10240, 10528, 10704, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 213 }, 2970000, { 10240, 11732, 11908, 12500 }, { 4320, 4336, 4356, 4950 }, PP },
	{ { 214 }, 2970000, { 10240, 12732, 12908, 13500 }, { 4320, 4336, 4356, 4400 }, PP },
	{ { 215 }, 2970000, { 10240, 10528, 10704, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 216 }, 5940000, { 10240, 12432, 12608, 13200 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 217 }, 5940000, { 10240, 10528, 10704, 11000 }, { 4320, 4336, 4356, 4500 }, PP },
	{ { 218 }, 1188000, { 4096, 4896, 4984, 5280 }, { 2160, 2168, 2178, 2250 }, PP },
	{ { 219 }, 1188000, { 4096, 4184, 4272, 4400 }, { 2160, 2168, 2178, 2250 }, PP },
};

/* VESA DMT, by its id. Borders are part of the blanking. */
static const struct timing dmt[] = {
	{ { 0x01 }, 31500, { 640, 672, 736, 832 }, { 350, 382, 385, 445 }, PN },
	{ { 0x02 }, 31500, { 640, 672, 736, 832 }, { 400, 401, 404, 445 }, NP },
	{ { 0x03 }, 35500, { 720, 756, 828, 936 }, { 400, 401, 404, 446 }, NP },
	{ { 0x04 }, 25175, { 640, 656, 752, 800 }, { 480, 490, 492, 525 }, NN },
	{ { 0x05 }, 31500, { 640, 664, 704, 832 }, { 480, 489, 492, 520 }, NN },
	{ { 0x06 }, 31500, { 640, 656, 720, 840 }, { 480, 481, 484, 500 }, NN },
	{ { 0x07 }, 36000, { 640, 696, 752, 832 }, { 480, 481, 484, 509 }, NN },
	{ { 0x08 }, 36000, { 800, 824, 896, 1024 }, { 600, 601, 603, 625 }, PP },
	{ { 0x09 }, 40000, { 800, 840, 968, 1056 }, { 600, 601, 605, 628 }, PP },
	{ { 0x0a }, 50000, { 800, 856, 976, 1040 }, { 600, 637, 643, 666 }, PP },
	{ { 0x0b }, 49500, { 800, 816, 896, 1056 }, { 600, 601, 604, 625 }, PP },
	{ { 0x0c }, 56250, { 800, 832, 896, 1048 }, { 600, 601, 604, 631 }, PP },
	{ { 0x0d }, 73250, { 800, 848, 880, 960 }, { 600, 603, 607, 636 }, PN },
	{ { 0x0e }, 33750, { 848, 864, 976, 1088 }, { 480, 486, 494, 517 }, PP },
	{ { 0x0f }, 44900, { 1024, 1032, 1208, 1264 }, { 768, 768, 776, 817 }, PP | I },
	{ { 0x10 }, 65000, { 1024, 1048, 1184, 1344 }, { 768, 771, 777, 806 }, NN },
	{ { 0x11 }, 75000, { 1024, 1048, 1184, 1328 }, { 768, 771, 777, 806 }, NN },
	{ { 0x12 }, 78750, { 1024, 1040, 1136, 1312 }, { 768, 769, 772, 800 }, PP },
	{ { 0x13 }, 94500, { 1024, 1072, 1168, 1376 }, { 768, 769, 772, 808 }, PP },
	{ { 0x14 }, 115500, { 1024, 1072, 1104, 1184 }, { 768, 771, 775, 813 }, PN },
	{ { 0x15 }, 108000, { 1152, 1216, 1344, 1600 }, { 864, 865, 868, 900 }, PP },
	{ { 0x16 }, 68250, { 1280, 1328, 1360, 1440 }, { 768, 771, 778, 790 }, PN },
	{ { 0x17 }, 79500, { 1280, 1344, 1472, 1664 }, { 768, 771, 778, 798 }, NP },
	{ { 0x18 }, 102250, { 1280, 1360, 1488, 1696 }, { 768, 771, 778, 805 }, NP },
	{ { 0x19 }, 117500, { 1280, 1360, 1496, 1712 }, { 768, 771, 778, 809 }, NP },
	{ { 0x1a }, 140250, { 1280, 1328, 1360, 1440 }, { 768, 771, 778, 813 }, PN },
	{ { 0x1b }, 71000, { 1280, 1328, 1360, 1440 }, { 800, 803, 809, 823 }, PN },
	{ { 0x1c }, 83500, { 1280, 1352, 1480, 1680 }, { 800, 803, 809, 831 }, NP },
	{ { 0x1d }, 106500, { 1280, 1360, 1488, 1696 }, { 800, 803, 809, 838 }, NP },
	{ { 0x1e }, 122500, { 1280, 1360, 1496, 1712 }, { 800, 803, 809, 843 }, NP },
	{ { 0x1f }, 146250, { 1280, 1328, 1360, 1440 }, { 800, 803, 809, 847 }, PN },
	{ { 0x20 }, 108000, { 1280, 1376, 1488, 1800 }, { 960, 961, 964, 1000 }, PP },
	{ { 0x21 }, 148500, { 1280, 1344, 1504, 1728 }, { 960, 961, 964, 1011 }, PP },
	{ { 0x22 }, 175500, { 1280, 1328, 1360, 1440 }, { 960, 963, 967, 1017 }, PN },
	{ { 0x23 }, 108000, { 1280, 1328, 1440, 1688 }, { 1024, 1025, 1028, 1066 }, PP },
	{ { 0x24 }, 135000, { 1280, 1296, 1440, 1688 }, { 1024, 1025, 1028, 1066 }, PP },
	{ { 0x25 }, 157500, { 1280, 1344, 1504, 1728 }, { 1024, 1025, 1028, 1072 }, PP },
	{ { 0x26 }, 187250, { 1280, 1328, 1360, 1440 }, { 1024, 1027, 1034, 1084 }, PN },
	{ { 0x27 }, 85500, { 1360, 1424, 1536, 1792 }, { 768, 771, 777, 795 }, PP },
	{ { 0x28 }, 148250, { 1360, 1408, 1440, 1520 }, { 768, 771, 776, 813 }, PN },
	{ { 0x29 }, 101000, { 1400, 1448, 1480, 1560 }, { 1050, 1053, 1057, 1080 }, PN },
	{ { 0x2a }, 121750, { 1400, 1488, 1632, 1864 }, { 1050, 1053, 1057, 1089 }, NP },
	{ { 0x2b }, 156000, { 1400, 1504, 1648, 1896 }, { 1050, 1053, 1057, 1099 }, NP },
	{ { 0x2c }, 179500, { 1400, 1504, 1656, 1912 }, { 1050, 1053, 1057, 1105 }, NP },
	{ { 0x2d }, 208000, { 1400, 1448, 1480, 1560 }, { 1050, 1053, 1057, 1112 }, PN },
	{ { 0x2e }, 88750, { 1440, 1488, 1520, 1600 }, { 900, 903, 909, 926 }, PN },
	{ { 0x2f }, 106500, { 1440, 1520, 1672, 1904 }, { 900, 903, 909, 934 }, NP },
	{ { 0x30 }, 136750, { 1440, 1536, 1688, 1936 }, { 900, 903, 909, 942 }, NP },
	{ { 0x31 }, 157000, { 1440, 1544, 1696, 1952 }, { 900, 903, 909, 948 }, NP },
	{ { 0x32 }, 182750, { 1440, 1488, 1520, 1600 }, { 900, 903, 909, 953 }, PN },
	{ { 0x33 }, 162000, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ { 0x34 }, 175500, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ { 0x35 }, 189000, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ { 0x36 }, 202500, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ { 0x37 }, 229500, { 1600, 1664, 1856, 2160 }, { 1200, 1201, 1204, 1250 }, PP },
	{ { 0x38 }, 268250, { 1600, 1648, 1680, 1760 }, { 1200, 1203, 1207, 1271 }, PN },
	{ { 0x39 }, 119000, { 1680, 1728, 1760, 1840 }, { 1050, 1053, 1059, 1080 }, PN },
	{ { 0x3a }, 146250, { 1680, 1784, 1960, 2240 }, { 1050, 1053, 1059, 1089 }, NP },
	{ { 0x3b }, 187000, { 1680, 1800, 1976, 2272 }, { 1050, 1053, 1059, 1099 }, NP },
	{ { 0x3c }, 214750, { 1680, 1808, 1984, 2288 }, { 1050, 1053, 1059, 1105 }, NP },
	{ { 0x3d }, 245500, { 1680, 1728, 1760, 1840 }, { 1050, 1053, 1059, 1112 }, PN },
	{ { 0x3e }, 204750, { 1792, 1920, 2120, 2448 }, { 1344, 1345, 1348, 1394 }, NP },
	{ { 0x3f }, 261000, { 1792, 1888, 2104, 2456 }, { 1344, 1345, 1348, 1417 }, NP },
	{ { 0x40 }, 333250, { 1792, 1840, 1872, 1952 }, { 1344, 1347, 1351, 1423 }, PN },
	{ { 0x41 }, 218250, { 1856, 1952, 2176, 2528 }, { 1392, 1393, 1396, 1439 }, NP },
	{ { 0x42 }, 288000, { 1856, 1984, 2208, 2560 }, { 1392, 1393, 1396, 1500 }, NP },
	{ { 0x43 }, 356500, { 1856, 1904, 1936, 2016 }, { 1392, 1395, 1399, 1473 }, PN },
	{ { 0x44 }, 154000, { 1920, 1968, 2000, 2080 }, { 1200, 1203, 1209, 1235 }, PN },
	{ { 0x45 }, 193250, { 1920, 2056, 2256, 2592 }, { 1200, 1203, 1209, 1245 }, NP },
	{ { 0x46 }, 245250, { 1920, 2056, 2264, 2608 }, { 1200, 1203, 1209, 1255 }, NP },
	{ { 0x47 }, 281250, { 1920, 2064, 2272, 2624 }, { 1200, 1203, 1209, 1262 }, NP },
	{ { 0x48 }, 317000, { 1920, 1968, 2000, 2080 }, { 1200, 1203, 1209, 1271 }, PN },
	{ { 0x49 }, 234000, { 1920, 2048, 2256, 2600 }, { 1440, 1441, 1444, 1500 }, NP },
	{ { 0x4a }, 297000, { 1920, 2064, 2288, 2640 }, { 1440, 1441, 1444, 1500 }, NP },
	{ { 0x4b }, 380500, { 1920, 1968, 2000, 2080 }, { 1440, 1443, 1447, 1523 }, PN },
	{ { 0x4c }, 268500, { 2560, 2608, 2640, 2720 }, { 1600, 1603, 1609, 1646 }, PN },
	{ { 0x4d }, 348500, { 2560, 2752, 3032, 3504 }, { 1600, 1603, 1609, 1658 }, NP },
	{ { 0x4e }, 443250, { 2560, 2768, 3048, 3536 }, { 1600, 1603, 1609, 1672 }, NP },
	{ { 0x4f }, 505250, { 2560, 2768, 3048, 3536 }, { 1600, 1603, 1609, 1682 }, NP },
	{ { 0x50 }, 552750, { 2560, 2608, 2640, 2720 }, { 1600, 1603, 1609, 1694 }, PN },
	{ { 0x51 }, 85500, { 1366, 1436, 1579, 1792 }, { 768, 771, 774, 798 }, PP },
	{ { 0x52 }, 148500, { 1920, 2008, 2052, 2200 }, { 1080, 1084, 1089, 1125 }, PP },
	{ { 0x53 }, 108000, { 1600, 1624, 1704, 1800 }, { 900, 901, 904, 1000 }, PP },
	{ { 0x54 }, 162000, { 2048, 2074, 2154, 2250 }, { 1152, 1153, 1156, 1200 }, PP },
	{ { 0x55 }, 74250, { 1280, 1390, 1430, 1650 }, { 720, 725, 730, 750 }, PP },
	{ { 0x56 }, 72000, { 1366, 1380, 1436, 1500 }, { 768, 769, 772, 800 }, PP },
	{ { 0x57 }, 556744, { 4096, 4104, 4136, 4176 }, { 2160, 2208, 2216, 2222 }, PN },
	{ { 0x58 }, 556188, { 4096, 4104, 4136, 4176 }, { 2160, 2208, 2216, 2222 }, PN },
};

/* What established timings have that DMT has not: IBM's and Apple's. */
enum { IBM_70 = 0xf0, IBM_88, APPLE_67, APPLE_75, APPLE_870 };

static const struct timing old[] = {
	{ { IBM_70 }, 28320, { 720, 738, 846, 900 }, { 400, 421, 423, 449 }, NP },
	{ { IBM_88 }, 35500, { 720, 738, 846, 900 }, { 400, 412, 414, 449 }, NP },
	{ { APPLE_67 }, 30240, { 640, 704, 768, 864 }, { 480, 483, 486, 525 }, NN },
	{ { APPLE_75 }, 57284, { 832, 864, 928, 1152 }, { 624, 625, 628, 667 }, NN },
	{ { APPLE_870 }, 100000, { 1152, 1200, 1328, 1456 }, { 870, 873, 876, 915 }, PP },
};

static void from_timing(struct drm_mode_modeinfo *mode,
			const struct timing *timing)
{
	hf_mode_from_timing(mode, timing->clock, timing->h, timing->v,
			    timing->flags);
}

static bool from_table(struct drm_mode_modeinfo *mode,
		       const struct timing *table, size_t size, unsigned int id)
{
	for (size_t i = 0; i < size; i++) {
		if (!id || (table[i].id[0] != id && table[i].id[1] != id))
			continue;
		from_timing(mode, &table[i]);
		return true;
	}
	return false;
}

/* CTA-861-H, table 3: the shape of a code's picture, up to the next row's code. */
static uint32_t shape_of(unsigned int vic)
{
	static const struct {
		uint8_t first;
		uint32_t flags;
	} shapes[] = {
		{ 220, 0 },
		{ 218, DRM_MODE_FLAG_PIC_AR_256_135 },
		{ 202, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 194, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 119, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 117, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 116, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 115, DRM_MODE_FLAG_PIC_AR_256_135 },
		{ 114, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 112, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 111, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 109, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 108, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 103, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 98, DRM_MODE_FLAG_PIC_AR_256_135 },
		{ 93, DRM_MODE_FLAG_PIC_AR_16_9 },
		{ 65, DRM_MODE_FLAG_PIC_AR_64_27 },
		{ 60, DRM_MODE_FLAG_PIC_AR_16_9 },
	};
	/* The old ones come in pairs of both shapes, but for these few. */
	static const uint8_t wide[] = { 4, 5, 16, 19, 20, 31, 32, 33,
					34, 39, 40, 41, 46, 47 };

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		if (vic >= shapes[i].first)
			return shapes[i].flags;
	for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
		if (vic == wide[i])
			return DRM_MODE_FLAG_PIC_AR_16_9;
	for (size_t i = 0; i < ARRAY_SIZE(cta); i++)
		if (cta[i].id[1] == vic)
			return DRM_MODE_FLAG_PIC_AR_16_9;
	return DRM_MODE_FLAG_PIC_AR_4_3;
}

bool hf_timing_vic(struct drm_mode_modeinfo *mode, unsigned int vic)
{
	if (!from_table(mode, cta, ARRAY_SIZE(cta), vic))
		return false;
	mode->flags |= shape_of(vic);
	return true;
}

bool hf_timing_dmt(struct drm_mode_modeinfo *mode, unsigned int id)
{
	return from_table(mode, dmt, ARRAY_SIZE(dmt), id);
}

/* The blanking that CVT calls reduced, its first version. */
bool hf_timing_is_reduced(const struct drm_mode_modeinfo *mode)
{
	return mode->htotal - mode->hdisplay == 160 &&
	       mode->hsync_start - mode->hdisplay == 48 &&
	       mode->hsync_end - mode->hsync_start == 32 &&
	       mode->vsync_start - mode->vdisplay == 3;
}

/* Standard timings say 72 for 640x480 at 72.8 Hz, but 60 for others at 59.9. */
static bool has_rate(const struct drm_mode_modeinfo *mode, unsigned int hz)
{
	uint32_t floor = mode->clock * 1000 / (mode->htotal * mode->vtotal);

	return hf_mode_vrefresh(mode) == hz || floor == hz;
}

bool hf_timing_find_dmt(struct drm_mode_modeinfo *mode, unsigned int width,
			unsigned int height, unsigned int hz, bool reduced)
{
	for (size_t i = 0; i < ARRAY_SIZE(dmt); i++) {
		if (dmt[i].h[0] != width || dmt[i].v[0] != height)
			continue;
		from_timing(mode, &dmt[i]);
		if (has_rate(mode, hz) && hf_timing_is_reduced(mode) == reduced)
			return true;
	}
	return false;
}

void hf_timing_established(struct drm_mode_modeinfo *mode, unsigned int bit)
{
	static const uint8_t ids[17] = {
		IBM_70, IBM_88, 0x04, APPLE_67, 0x05, 0x06, 0x08, 0x09,
		0x0a, 0x0b, APPLE_75, 0x0f, 0x10, 0x11, 0x12, 0x24, APPLE_870,
	};

	if (!hf_timing_dmt(mode, ids[bit]))
		from_table(mode, old, ARRAY_SIZE(old), ids[bit]);
}

bool hf_timing_established3(struct drm_mode_modeinfo *mode, unsigned int bit)
{
	static const uint8_t ids[] = {
		0x01, 0x02, 0x03, 0x07, 0x0e, 0x0c, 0x13, 0x15,
		0x16, 0x17, 0x18, 0x19, 0x20, 0x21, 0x23, 0x25,
		0x27, 0x2e, 0x2f, 0x30, 0x31, 0x29, 0x2a, 0x2b,
		0x2c, 0x39, 0x3a, 0x3b, 0x3c, 0x33, 0x34, 0x35,
		0x36, 0x37, 0x3e, 0x3f, 0x41, 0x42, 0x44, 0x45,
		0x46, 0x47, 0x49, 0x4a,
	};

	return bit < ARRAY_SIZE(ids) && hf_timing_dmt(mode, ids[bit]);
}

bool hf_timing_cvt(struct drm_mode_modeinfo *mode, unsigned int width,
		   unsigned int height, unsigned int hz, bool reduced)
{
	struct libxcvt_mode_info *info;

	width -= width % CELL;
	if (width < HF_MODE_MIN_SIZE || height < HF_MODE_MIN_SIZE)
		return false;

	info = libxcvt_gen_mode_info(width, height, hz, reduced, false);
	if (!info)
		return false;

	*mode = (struct drm_mode_modeinfo){
		.clock = info->dot_clock,
		.hdisplay = info->hdisplay,
		.hsync_start = info->hsync_start,
		.hsync_end = info->hsync_end,
		.htotal = info->htotal,
		.vdisplay = info->vdisplay,
		.vsync_start = info->vsync_start,
		.vsync_end = info->vsync_end,
		.vtotal = info->vtotal,
		.flags = reduced ? PN : NP,
	};
	free(info);
	return true;
}

/* VESA GTF 1.1, section 5.2: from a rate in Hz; times are in microseconds. */
bool hf_timing_gtf(struct drm_mode_modeinfo *mode, unsigned int width,
		   unsigned int height, unsigned int hz,
		   const struct hf_gtf *curve)
{
	static const struct hf_gtf standard = { 600, 40, 128, 20 };
	const struct hf_gtf *g = curve ? curve : &standard;
	const double min_vsync_back = 550, vfront = 1, vsync = 3;
	double c = (g->c - g->j) * g->k / 256 + g->j, m = g->k / 256 * g->m;
	double line, vsync_back, vtotal, duty, hblank, htotal, hsync;

	width = (width + CELL / 2) / CELL * CELL;
	line = (1e6 / hz - min_vsync_back) / (height + vfront);
	vsync_back = round(min_vsync_back / line);
	vtotal = height + vsync_back + vfront;
	line = 1e6 / hz / vtotal;
	duty = c - m * line / 1000;
	if (!(duty > 0 && duty < 50))
		return false;
	hblank = round(width * duty / (100 - duty) / (2 * CELL)) * (2 * CELL);
	htotal = width + hblank;
	hsync = round(htotal * 0.08 / CELL) * CELL;
	if (hsync > hblank / 2 || vsync_back < vsync)
		return false;

	*mode = (struct drm_mode_modeinfo){
		.clock = round(htotal / line * 1000),
		.hdisplay = width,
		.hsync_start = width + hblank / 2 - hsync,
		.hsync_end = width + hblank / 2,
		.htotal = htotal,
		.vdisplay = height,
		.vsync_start = height + vfront,
		.vsync_end = height + vfront + vsync,
		.vtotal = vtotal,
		.flags = curve ? PN : NP,
	};
	return true;
}

static uint32_t divide(uint64_t dividend, uint64_t divisor)
{
	return (dividend + divisor / 2) / divisor;
}

/* The table has 480 lines at n/1.001 Hz and all others at n. */
static uint32_t second_clock(const struct timing *timing,
			     const struct drm_mode_modeinfo *mode)
{
	if (hf_mode_vrefresh(mode) % 6)
		return timing->clock;
	if (timing->v[0] == 240 || timing->v[0] == 480)
		return divide((uint64_t)timing->clock * 1001, 1000);
	return divide((uint64_t)timing->clock * 1000, 1001);
}

/* All but the clock is that of this timing: its clocks at either rate. */
static bool same_but_clock(const struct drm_mode_modeinfo *mode,
			   const struct timing *timing, uint32_t clocks[2])
{
	struct drm_mode_modeinfo tv;

	from_timing(&tv, timing);
	clocks[0] = tv.clock;
	clocks[1] = second_clock(timing, &tv);
	tv.clock = mode->clock;
	tv.flags |= mode->flags & LOOKS;
	return hf_mode_equal(mode, &tv);
}

static bool near(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) <= ROUNDING_KHZ;
}

uint32_t hf_timing_exact_clock(const struct drm_mode_modeinfo *mode)
{
	uint32_t clocks[2];

	for (size_t i = 0; i < ARRAY_SIZE(cta); i++) {
		if (!same_but_clock(mode, &cta[i], clocks))
			continue;
		if (near(mode->clock, clocks[0]))
			return clocks[0];
		if (near(mode->clock, clocks[1]))
			return clocks[1];
	}
	return mode->clock;
}

bool hf_timing_other(const struct drm_mode_modeinfo *mode,
		     struct drm_mode_modeinfo *other)
{
	uint32_t clocks[2];

	for (size_t i = 0; i < ARRAY_SIZE(cta); i++) {
		if (!same_but_clock(mode, &cta[i], clocks) ||
		    clocks[0] == clocks[1])
			continue;
		if (mode->clock != clocks[0] && mode->clock != clocks[1])
			continue;
		*other = *mode;
		other->type = 0;
		other->clock = clocks[mode->clock == clocks[0]];
		if (!(mode->flags & DRM_MODE_FLAG_PIC_AR_MASK))
			other->flags |= shape_of(cta[i].id[0]);
		return true;
	}
	return false;
}
