// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// ioport: see the header.
#include "kernel/object/ioport.h"
#include "gen/kernel/syscall_decode.h"
#include "kernel/arch/arch.h"
#include "kernel/object/cap.h"
#include "kernel/object/pool.h"

#define PORTS 65536

enum status ioport_create(struct pool *pool, u64 first, u64 count,
			  struct ioport **out)
{
	enum status status;

	if (first >= PORTS || !count || count > PORTS - first)
		return ERR_RANGE;
	status = POOL_NEW(pool, OBJECT_IOPORT, out);
	if (status != STATUS_OK)
		return status;
	(*out)->first = first;
	(*out)->count = count;
	return STATUS_OK;
}

enum status sysk_ioport_access(struct thread *, struct cap_ref *cap, u32 port,
			       u32 width, bool write, u32 value,
			       struct ioport_access_result *out)
{
	struct ioport *ioport = (struct ioport *)cap_object(cap);

	if (width != 1 && width != 2 && width != 4)
		return ERR_ARGUMENT;
	if (port < ioport->first || port - ioport->first >= ioport->count ||
	    width > ioport->count - (port - ioport->first))
		return ERR_RANGE;
	out->value = value;
	if (write)
		arch_port_write(port, width, value);
	else
		arch_port_read(port, width, &out->value);
	return STATUS_OK;
}
