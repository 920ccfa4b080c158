/* SPDX-License-Identifier: MIT */
/*
 * The functions behind <wayland-util.h>'s lists, for the shared library: whoever
 * links it gets no Wayland. They are local to it.
 */
#include <wayland-util.h>

void wl_list_init(struct wl_list *list)
{
	list->prev = list;
	list->next = list;
}

void wl_list_insert(struct wl_list *list, struct wl_list *elm)
{
	elm->prev = list;
	elm->next = list->next;
	list->next->prev = elm;
	list->next = elm;
}

void wl_list_remove(struct wl_list *elm)
{
	elm->prev->next = elm->next;
	elm->next->prev = elm->prev;
	/* As libwayland does: a second removal is found out. */
	elm->prev = NULL;
	elm->next = NULL;
}

int wl_list_empty(const struct wl_list *list)
{
	return list->next == list;
}
