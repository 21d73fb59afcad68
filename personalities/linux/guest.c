// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Checked access to guest memory; the raw routines are in arch/.
#include "personalities/linux/guest.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

i64 guest_copy_raw(void *to, const void *from, usize bytes);
i64 guest_zero_raw(void *to, usize bytes);
i64 guest_load_raw(const u32 *from, u32 *value);
i64 guest_exchange_raw(u32 *at, u32 expected, u32 wanted, u32 *value);

i64 guest_copy_in(void *to, u64 from, usize bytes)
{
	if (!range_within(from, bytes, GUEST_END))
		return -EFAULT;
	return guest_copy_raw(to, (const void *)from, bytes);
}

i64 guest_copy_out(u64 to, const void *from, usize bytes)
{
	if (!range_within(to, bytes, GUEST_END))
		return -EFAULT;
	return guest_copy_raw((void *)to, from, bytes);
}

i64 guest_zero(u64 to, usize bytes)
{
	if (!range_within(to, bytes, GUEST_END))
		return -EFAULT;
	return guest_zero_raw((void *)to, bytes);
}

i64 guest_text_in(char *to, u64 from, usize size)
{
	usize done = 0;

	while (done < size) {
		// Never across a page: the text may end before the next one.
		usize part = MIN(size - done, PAGE - (from + done) % PAGE);
		const char *end;
		i64 error;

		part = MIN(part, 256ul);
		error = guest_copy_in(to + done, from + done, part);
		if (error)
			return error;
		end = memchr(to + done, 0, part);
		if (end)
			return end - to;
		done += part;
	}
	return -ENAMETOOLONG;
}

i64 guest_load_u32(u64 from, u32 *value)
{
	if (!range_within(from, 4, GUEST_END))
		return -EFAULT;
	return guest_load_raw((const u32 *)from, value);
}

i64 guest_exchange_u32(u64 at, u32 expected, u32 wanted, u32 *value)
{
	if (!range_within(at, 4, GUEST_END))
		return -EFAULT;
	return guest_exchange_raw((u32 *)at, expected, wanted, value);
}

i64 io_put(struct io *io, const void *from, usize bytes)
{
	i64 error = 0;

	if (io->native)
		memcpy((void *)io->address, from, bytes);
	else
		error = guest_copy_out(io->address, from, bytes);
	io->address += bytes;
	io->left -= bytes;
	return error;
}

i64 io_get(struct io *io, void *to, usize bytes)
{
	i64 error = 0;

	if (io->native)
		memcpy(to, (const void *)io->address, bytes);
	else
		error = guest_copy_in(to, io->address, bytes);
	io->address += bytes;
	io->left -= bytes;
	return error;
}
