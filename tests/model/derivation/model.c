// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The reference model: see model.h.
#include "tests/fake_arch/own.h"
#include "tests/model/derivation/model.h"

#define LESS (RIGHT_CALL | RIGHT_CONTROL | RIGHT_DERIVE)

void model_start(struct model *model)
{
	*model = (struct model){};
	for (u32 i = 0; i < ALL_SLOTS; i++)
		model->slot[i] = (struct model_slot){NONE, 0, 0, NONE};
	model->object[0].type = OBJECT_POOL;
	model->object[0].pool = NONE;
	model->slot[POOL_SLOT] = (struct model_slot){0, RIGHTS_ALL, 0, NONE};
}

static void die(struct model *model, u8 object);

static void empty(struct model *model, u8 slot)
{
	u8 object = model->slot[slot].object;
	bool referred = false;

	for (u32 i = 0; i < ALL_SLOTS; i++)
		if (model->slot[i].parent == slot)
			model->slot[i].parent = model->slot[slot].parent;
	model->slot[slot] = (struct model_slot){NONE, 0, 0, NONE};
	for (u32 i = 0; i < ALL_SLOTS; i++)
		referred |= model->slot[i].object == object;
	if (!referred && model->object[object].type)
		die(model, object);
}

// An object goes, and if it is a pool all that was made from it.
static void die(struct model *model, u8 object)
{
	model->object[object].type = 0;
	for (u8 i = 0; i < ALL_SLOTS; i++)
		if (model->slot[i].object == object)
			empty(model, i);
	for (u8 i = 0; i < OBJECTS; i++)
		if (model->object[i].type && model->object[i].pool == object)
			die(model, i);
}

static bool descends(const struct model *model, u8 slot, u8 from)
{
	while ((slot = model->slot[slot].parent) != NONE)
		if (slot == from)
			return true;
	return false;
}

static enum status derive(struct model *model, struct step step, u8 rights,
			  u8 badge)
{
	struct model_slot *from = &model->slot[step.source];

	if (from->object == NONE)
		return ERR_HANDLE;
	if (!(from->rights & RIGHT_DERIVE))
		return ERR_RIGHTS;
	if (badge &&
	    (from->badge ||
	     model->object[from->object].type != OBJECT_ENDPOINT))
		return ERR_ARGUMENT;
	if (model->slot[step.to].object != NONE)
		return ERR_OCCUPIED;
	model->slot[step.to] =
		(struct model_slot){from->object, from->rights & rights,
				    badge ? badge : from->badge, step.source};
	return STATUS_OK;
}

static enum status move(struct model *model, struct step step)
{
	if (model->slot[step.to].object != NONE)
		return ERR_OCCUPIED;
	if (model->slot[step.source].object == NONE)
		return ERR_HANDLE;
	model->slot[step.to] = model->slot[step.source];
	for (u32 i = 0; i < ALL_SLOTS; i++)
		if (model->slot[i].parent == step.source)
			model->slot[i].parent = step.to;
	model->slot[step.source] = (struct model_slot){NONE, 0, 0, NONE};
	return STATUS_OK;
}

static enum status revoke(struct model *model, u8 slot)
{
	bool victim[ALL_SLOTS];

	if (model->slot[slot].object == NONE)
		return ERR_HANDLE;
	for (u8 i = 0; i < ALL_SLOTS; i++)
		victim[i] = descends(model, i, slot);
	for (u8 i = 0; i < ALL_SLOTS; i++)
		if (victim[i])
			empty(model, i);
	return STATUS_OK;
}

static enum status pool_of(const struct model *model, u8 slot)
{
	const struct model_slot *s = &model->slot[slot];

	if (s->object == NONE)
		return ERR_HANDLE;
	if (model->object[s->object].type != OBJECT_POOL)
		return ERR_TYPE;
	return s->rights & RIGHT_CONTROL ? STATUS_OK : ERR_RIGHTS;
}

static enum status make(struct model *model, struct step step, u8 type,
			u8 *made)
{
	enum status status = pool_of(model, step.source);
	u8 place = 0;

	if (status != STATUS_OK)
		return status;
	if (model->slot[step.to].object != NONE)
		return ERR_OCCUPIED;
	while (model->object[place].type)
		place++; // the caller has made sure that there is one
	model->object[place].type = type;
	model->object[place].pool = model->slot[step.source].object;
	model->slot[step.to] = (struct model_slot){place, RIGHTS_ALL, 0, NONE};
	*made = place;
	return STATUS_OK;
}

enum status model_step(struct model *model, struct step step, u8 *made)
{
	enum status status;

	*made = NONE;
	switch (step.kind) {
	case COPY:
		return derive(model, step, RIGHTS_ALL, 0);
	case MINT_LESS:
		return derive(model, step, LESS, 0);
	case MINT_FINAL:
		return derive(model, step, RIGHTS_ALL & ~RIGHT_DERIVE, 0);
	case MINT_BADGE:
		return derive(model, step, RIGHTS_ALL, 5);
	case MOVE:
		return move(model, step);
	case DELETE:
		if (model->slot[step.to].object != NONE)
			empty(model, step.to);
		return STATUS_OK;
	case REVOKE:
		return revoke(model, step.to);
	case CREATE:
		return make(model, step, OBJECT_ENDPOINT, made);
	case CARVE:
		return make(model, step, OBJECT_POOL, made);
	default:
		status = pool_of(model, step.source);
		if (status == STATUS_OK)
			die(model, model->slot[step.source].object);
		return status;
	}
}
