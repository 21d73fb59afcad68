// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The reference model of capabilities: slots that know their parent, objects
// that know their pool. As simple as can be, with no thought of cost.
#ifndef TESTS_MODEL_DERIVATION_MODEL_H
#define TESTS_MODEL_DERIVATION_MODEL_H
#include "kernel/object/object.h"
#include "lib/base/status.h"

#define PER_CNODE 3
#define SLOTS (2 * PER_CNODE) // of two cnodes, open to the operations
#define POOL_SLOT SLOTS // the slot of the pool that all come from
#define ALL_SLOTS (SLOTS + 1)
#define OBJECTS 4 // alive at once, the pool included
#define NONE 0xff

struct model_slot {
	u8 object; // NONE: empty
	u8 rights, badge;
	u8 parent; // NONE: root
};

struct model {
	struct model_slot slot[ALL_SLOTS];
	struct {
		u8 type; // 0: none
		u8 pool; // NONE: not from a pool that can go
		void *real;
	} object[OBJECTS];
};

enum kind : u8 {
	COPY,
	MINT_LESS, // rights CALL, CONTROL, DERIVE only
	MINT_FINAL, // no DERIVE
	MINT_BADGE,
	MOVE,
	DELETE,
	REVOKE,
	CREATE, // an endpoint, from the pool in slot source
	CARVE, // a pool
	DESTROY, // the pool in slot source
	KINDS,
};

struct step {
	enum kind kind;
	u8 to, source; // slots
};

void model_start(struct model *model);
// What the step must return; the model is changed accordingly. A new object's
// place in the table is put into *made (NONE: none).
enum status model_step(struct model *model, struct step step, u8 *made);
#endif
