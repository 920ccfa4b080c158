/* SPDX-License-Identifier: MIT */
/* How many descriptors this process has, for tests that look for leaks. */
#ifndef HF_TESTS_FDCOUNT_H
#define HF_TESTS_FDCOUNT_H

#include <dirent.h>

static inline unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

#endif
