// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A doubly linked list through nodes inside the objects. The head is a node of
// its own; an empty list points to itself. A node that is in no list and has
// been through list_init() or list_remove() points to itself as well.
#pragma once

#include "lib/base/types.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

// Of a head: no elements. Of a node: in no list.
static inline bool list_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_insert_after(struct list *where, struct list *node)
{
	node->prev = where;
	node->next = where->next;
	where->next->prev = node;
	where->next = node;
}

static inline void list_add_first(struct list *head, struct list *node)
{
	list_insert_after(head, node);
}

static inline void list_add_last(struct list *head, struct list *node)
{
	list_insert_after(head->prev, node);
}

// Make one ring of two: what follows other comes to follow where, then the rest.
static inline void list_join(struct list *where, struct list *other)
{
	struct list *next = where->next;

	where->next = other->next;
	other->next->prev = where;
	other->next = next;
	next->prev = other;
}

static inline void list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

// The first node or nullptr.
static inline struct list *list_first(const struct list *head)
{
	return list_empty(head) ? nullptr : head->next;
}

// Remove and return the first node, or nullptr.
static inline struct list *list_take_first(struct list *head)
{
	struct list *node = list_first(head);

	if (node)
		list_remove(node);
	return node;
}

#define LIST_ENTRY(node, type, member) CONTAINER_OF(node, type, member)

// The body must not remove `node`; LIST_FOR_EACH_SAFE allows it.
#define LIST_FOR_EACH(node, head)                                              \
	for (struct list *node = (head)->next; node != (head);                 \
	     node = node->next)
#define LIST_FOR_EACH_SAFE(node, head)                                         \
	for (struct list *node = (head)->next, *node##_next = node->next;      \
	     node != (head); node = node##_next, node##_next = node->next)
