// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// An ordered tree of nodes embedded in other structures. It is a treap: a binary
// search tree by key in which random priorities, highest at the root, keep the
// expected height logarithmic. Nodes of the same key lie in the order of their
// addresses. A node's key may change as long as the order stays. Nothing is
// recursive, nothing is allocated; the caller locks.
#ifndef KERNEL_TREE_H
#define KERNEL_TREE_H
#include "lib/base/types.h"

struct tree_node {
	struct tree_node *left, *right;
	u64 key; // set before it is inserted
	u64 priority;
};

struct tree {
	struct tree_node *root; // NULL: empty
	u64 seed; // of priorities; unknown to who must not make a tall tree
};

void tree_insert(struct tree *tree, struct tree_node *node);
void tree_remove(struct tree *tree, struct tree_node *node);

// The first node whose key is not below this one; NULL.
static inline struct tree_node *tree_find(const struct tree *tree, u64 key)
{
	struct tree_node *best = nullptr, *node = tree->root;

	while (node) {
		if (key <= node->key) {
			best = node;
			node = node->left;
		} else {
			node = node->right;
		}
	}
	return best;
}
#endif
