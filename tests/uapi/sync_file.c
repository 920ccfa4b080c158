/* SPDX-License-Identifier: MIT */
/* sync_files: the fences of commits, asked about and merged. */
#include "uapi.h"

#include <linux/sync_file.h>

/* A lit display and something else to show on it. */
struct screen {
	struct kms kms;
	uint32_t fb, next;
};

static void open_screen(struct screen *screen)
{
	kms_open_atomic(&screen->kms);
	kms_show_atomic(&screen->kms, &screen->fb);
	screen->next = fb_create(screen->kms.fd, screen->kms.mode.hdisplay,
				 screen->kms.mode.vdisplay);
}

static int merge(int fd, int fd2, const char *name, int *out)
{
	struct sync_merge_data merge = { .fd2 = fd2 };
	int ret;

	memcpy(merge.name, name, strnlen(name, sizeof(merge.name)));
	ret = call(fd, SYNC_IOC_MERGE, &merge);
	*out = merge.fence;
	return ret;
}

/* Ask for up to @n fences. */
static int ask(int fd, struct sync_file_info *info, struct sync_fence_info *fences, uint32_t n)
{
	memset(info, 0, sizeof(*info));
	info->num_fences = n;
	info->sync_fence_info = PTR(fences);
	return call(fd, SYNC_IOC_FILE_INFO, info);
}

TEST(asked_for_nothing_info_says_how_many)
{
	struct sync_file_info info;
	struct screen screen;
	int fence;

	open_screen(&screen);
	fence = kms_fence(&screen.kms, screen.next);
	EXPECT_OK(ask(fence, &info, NULL, 0));
	EXPECT_EQ(info.num_fences, 1);
	EXPECT(info.status == 0 || info.status == 1);
	EXPECT(info.name[0]);
	EXPECT(readable(fence, 10000));
	EXPECT_OK(ask(fence, &info, NULL, 0));
	EXPECT_EQ(info.status, 1);
}

TEST(info_describes_a_fence)
{
	struct sync_fence_info fence = { .flags = 77 };
	uint64_t before = now_ns();
	struct sync_file_info info;
	struct screen screen;
	int fd;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT(readable(fd, 10000));
	EXPECT_OK(ask(fd, &info, &fence, 1));
	EXPECT_EQ(info.num_fences, 1);
	EXPECT_EQ(info.status, 1);
	EXPECT_EQ(fence.status, 1);
	EXPECT_EQ(fence.flags, 0);
	EXPECT(fence.driver_name[0]);
	EXPECT(!strncmp(fence.obj_name, "CRTC:", 5));
	EXPECT(fence.timestamp_ns >= before && fence.timestamp_ns <= now_ns());
}

/* What is not signaled has no time. */
TEST(status_and_time_agree)
{
	struct sync_fence_info fence;
	struct sync_file_info info;
	struct screen screen;
	int fd;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	for (bool again = true; again;) {
		again = !readable(fd, 0);
		EXPECT_OK(ask(fd, &info, &fence, 1));
		EXPECT_EQ(info.status, fence.status);
		/* It may be signaled between the look at the one and at the other. */
		EXPECT(fence.status != 1 || fence.timestamp_ns != 0);
		EXPECT(again || fence.status == 1);
	}
}

TEST(more_room_than_fences_is_fine)
{
	struct sync_fence_info fences[3] = { [1].status = 99 };
	struct sync_file_info info;
	struct screen screen;

	open_screen(&screen);
	EXPECT_OK(ask(kms_fence(&screen.kms, screen.next), &info, fences, 3));
	EXPECT_EQ(info.num_fences, 1);
	EXPECT_EQ(fences[1].status, 99);
}

TEST(info_checks_its_arguments)
{
	struct sync_file_info info = { .flags = 1 };
	struct screen screen;
	int fd;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT_ERROR(call(fd, SYNC_IOC_FILE_INFO, &info), EINVAL);
	info = (struct sync_file_info){ .pad = 1 };
	EXPECT_ERROR(call(fd, SYNC_IOC_FILE_INFO, &info), EINVAL);
	EXPECT_ERROR(call(fd, SYNC_IOC_FILE_INFO, NULL), EFAULT);
	EXPECT_ERROR(ask(fd, &info, (void *)8, 1), EFAULT);
	EXPECT_EQ(info.status, 0);
	EXPECT_EQ(info.name[0], 0);
}

TEST(unknown_requests_are_enotty)
{
	struct sync_file_info info = { 0 };
	struct screen screen;
	int fd;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT_ERROR(call(fd, _IOWR(SYNC_IOC_MAGIC, 99, struct sync_file_info), &info), ENOTTY);
	EXPECT_ERROR(call(fd, DRM_IOCTL_GET_CAP, &info), ENOTTY);
	EXPECT_ERROR(call(screen.kms.fd, SYNC_IOC_FILE_INFO, &info), ENOTTY);
}

TEST(a_merged_file_waits_for_both)
{
	struct sync_fence_info fences[2];
	struct sync_file_info info;
	struct screen screen;
	int first, second, both;

	open_screen(&screen);
	first = kms_fence(&screen.kms, screen.next);
	EXPECT(readable(first, 10000));
	second = kms_fence(&screen.kms, screen.fb);
	EXPECT_OK(merge(first, second, "both", &both));
	EXPECT(both >= 0 && both != first && both != second);
	EXPECT_EQ(fcntl(both, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	EXPECT_OK(ask(both, &info, fences, 2));
	/* Of one timeline only the last counts. */
	EXPECT_EQ(info.num_fences, 1);
	EXPECT(!strcmp(info.name, "both"));
	if (!readable(second, 0))
		EXPECT_EQ(info.status, 0);
	EXPECT(readable(both, 10000));
	EXPECT(readable(second, 0));
	/* It does not need what it was made of. */
	close(first);
	close(second);
	EXPECT_OK(ask(both, &info, fences, 2));
	EXPECT_EQ(info.status, 1);
}

TEST(merging_a_file_with_itself_works)
{
	struct sync_file_info info;
	struct screen screen;
	int fd, twice;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT_OK(merge(fd, fd, "twice", &twice));
	EXPECT_OK(ask(twice, &info, NULL, 0));
	EXPECT_EQ(info.num_fences, 1);
	EXPECT(readable(twice, 10000));
	EXPECT(readable(fd, 0));
}

TEST(a_long_name_is_cut)
{
	struct sync_file_info info;
	struct screen screen;
	int fd, merged;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT_OK(merge(fd, fd, "0123456789012345678901234567890123456789", &merged));
	EXPECT_OK(ask(merged, &info, NULL, 0));
	EXPECT(!memcmp(info.name, "0123456789012345678901234567890", 32));
}

TEST(merge_checks_its_arguments)
{
	struct sync_merge_data merge_data = { .flags = 1 };
	struct screen screen;
	int fd, merged;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	EXPECT_ERROR(call(fd, SYNC_IOC_MERGE, &merge_data), EINVAL);
	merge_data = (struct sync_merge_data){ .pad = 1 };
	EXPECT_ERROR(call(fd, SYNC_IOC_MERGE, &merge_data), EINVAL);
	EXPECT_ERROR(call(fd, SYNC_IOC_MERGE, NULL), EFAULT);
	EXPECT_ERROR(merge(fd, -1, "", &merged), ENOENT);
	EXPECT_ERROR(merge(fd, 1000000, "", &merged), ENOENT);
	EXPECT_ERROR(merge(fd, screen.kms.fd, "", &merged), ENOENT);
	EXPECT_ERROR(merge(fd, open("/dev/null", O_RDONLY), "", &merged), ENOENT);
}

/* The result is not written, and no descriptor stays. */
TEST(merge_into_memory_that_is_read_only_leaves_nothing)
{
	struct sync_merge_data *data;
	struct screen screen;
	int fd, next;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(data != MAP_FAILED);
	data->fd2 = fd;
	EXPECT_OK(mprotect(data, 4096, PROT_READ));
	next = dup(fd);
	close(next);
	EXPECT_ERROR(call(fd, SYNC_IOC_MERGE, data), EFAULT);
	EXPECT_EQ(dup(fd), next);
}

TEST(a_file_works_in_another_process)
{
	struct sync_file_info info;
	struct screen screen;
	int fd;

	open_screen(&screen);
	fd = kms_fence(&screen.kms, screen.next);
	IN_CHILD({
		int merged;

		EXPECT_OK(merge(fd, fd, "child", &merged));
		EXPECT_OK(ask(merged, &info, NULL, 0));
		EXPECT(!strcmp(info.name, "child"));
		EXPECT(readable(merged, 10000));
	});
	EXPECT(readable(fd, 0));
}
