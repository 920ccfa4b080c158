/* SPDX-License-Identifier: MIT */
/*
 * User pages as objects: DRM_IOCTL_HOLDFAST_GEM_USERPTR. The shim says which
 * pages of which files the range is (struct hf_wire_segment), and shows a
 * descriptor of each file that its process has not shown yet.
 */
#include <errno.h>
#include <stdlib.h>
#include <holdfast_drm.h>

#include "mem/page.h"
#include "uapi/handlers.h"

static bool resolved(const struct hf_user_segment *segments, unsigned int n,
		     const struct hf_wire_segment *wire,
		     struct hf_user_file **file)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!hf_user_file_is(segments[i].file, wire->dev, wire->ino))
			continue;
		*file = hf_user_file_get(segments[i].file);
		return true;
	}
	return false;
}

/* With a reference. As hf_call_user_fd() where it has to be shown. */
static int resolve(struct hf_call *call, struct hf_user_segment *segments,
		   unsigned int i, const struct hf_wire_segment *wire,
		   bool write)
{
	struct hf_user_files *files = call->dev->sys->user_files;
	struct hf_user_segment *segment = &segments[i];
	int fd, ret;

	segment->first = wire->first;
	segment->npages = wire->npages;
	segment->file = hf_user_file_find(files, call->cred.pid, wire->dev,
					  wire->ino, write);
	if (segment->file || resolved(segments, i, wire, &segment->file))
		return 0;
	ret = hf_call_user_fd(call, hf_wire_segment_file(wire->dev, wire->ino),
			      &fd);
	if (ret)
		return ret;
	return hf_user_file_show(files, call->cred.pid, fd, wire->dev,
				 wire->ino, wire->flags & HF_SEGMENT_ADOPTED,
				 write, &segment->file);
}

static size_t range_pages(const struct drm_holdfast_gem_userptr *arg)
{
	uint64_t end;

	if (__builtin_add_overflow(arg->addr, arg->size, &end) ||
	    end > UINT64_MAX - HF_PAGE_SIZE)
		return 0;
	return ((end + HF_PAGE_SIZE - 1) >> HF_PAGE_SHIFT) -
	       (arg->addr >> HF_PAGE_SHIFT);
}

static struct hf_user_account *account_of(struct hf_file *file)
{
	if (!file->user_pages)
		file->user_pages = hf_user_account_create();
	return file->user_pages;
}

static int make_handle(struct hf_call *call, struct hf_user_pages *pages,
		       uint32_t *handle)
{
	struct hf_gem_object *object =
		hf_gem_object_of_user(&call->dev->gem, pages);
	int ret;

	if (!object) {
		hf_user_pages_destroy(pages);
		return -ENOMEM;
	}
	ret = hf_gem_handle_create(&call->file->gem, object, handle);
	hf_gem_object_put(object);
	return ret;
}

static int create(struct hf_call *call, struct drm_holdfast_gem_userptr *arg,
		  const struct hf_user_segment *segments, unsigned int n)
{
	struct hf_user_account *account = account_of(call->file);
	struct hf_user_pages *pages;

	if (!account)
		return -ENOMEM;
	pages = hf_user_pages_create(call->dev->sys->user_files, account,
				     segments, n,
				     arg->flags & HOLDFAST_USERPTR_READ_ONLY);
	if (!pages)
		return -errno;
	if (pages->npages != range_pages(arg)) {
		hf_user_pages_destroy(pages);
		return -EFAULT;
	}
	return make_handle(call, pages, &arg->handle);
}

int hf_ioctl_gem_userptr(struct hf_call *call, void *data)
{
	struct drm_holdfast_gem_userptr *arg = data;
	bool write = !(arg->flags & HOLDFAST_USERPTR_READ_ONLY);
	unsigned int n = call->arrays[0].len / sizeof(struct hf_wire_segment);
	const struct hf_wire_segment *wire;
	struct hf_user_segment *segments;
	const void *copy;
	unsigned int i = 0;
	int ret;

	if (!arg->size || arg->flags & ~HOLDFAST_USERPTR_READ_ONLY)
		return -EINVAL;
	if (!range_pages(arg))
		return -EFAULT;
	ret = hf_call_copy_in(call, 0, n ? n : 1, &copy);
	if (ret)
		return ret;
	if (n > HF_WIRE_SEGMENTS)
		return -ENOMEM;
	wire = copy;
	segments = calloc(n, sizeof(*segments));
	if (!segments)
		return -ENOMEM;
	for (; !ret && i < n; i++)
		ret = resolve(call, segments, i, &wire[i], write);
	if (!ret)
		ret = create(call, arg, segments, n);
	while (i)
		hf_user_file_put(segments[--i].file);
	free(segments);
	return ret;
}
