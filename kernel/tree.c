// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See tree.h.
#include "kernel/tree.h"

static bool is_before(const struct tree_node *a, const struct tree_node *b)
{
	if (__builtin_expect(a->key == b->key, 0))
		return a < b;
	return a->key < b->key;
}

void tree_insert(struct tree *tree, struct tree_node *node)
{
	struct tree_node **link = &tree->root, *rest;
	struct tree_node **left = &node->left, **right = &node->right;

	// Knuth's MMIX generator.
	tree->seed = tree->seed * 6364136223846793005 + 1442695040888963407;
	node->priority = tree->seed >> 16;
	while (*link && (*link)->priority >= node->priority)
		link = is_before(node, *link) ? &(*link)->left
					      : &(*link)->right;
	// Split what is below by the new node's place.
	for (rest = *link; rest;) {
		if (is_before(rest, node)) {
			*left = rest;
			left = &rest->right;
			rest = *left;
		} else {
			*right = rest;
			right = &rest->left;
			rest = *right;
		}
	}
	*left = *right = nullptr;
	*link = node;
}

void tree_remove(struct tree *tree, struct tree_node *node)
{
	struct tree_node **link = &tree->root;
	struct tree_node *a = node->left, *b = node->right;

	while (*link != node)
		link = is_before(node, *link) ? &(*link)->left
					      : &(*link)->right;
	while (a && b) {
		if (a->priority >= b->priority) {
			*link = a;
			link = &a->right;
			a = a->right;
		} else {
			*link = b;
			link = &b->left;
			b = b->left;
		}
	}
	*link = a ? a : b;
}
