// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// See tap.h.
#include "lib/driver/tap.h"

#include "lib/base/bits.h"
#include "lib/base/string.h"

bool tap_init(struct tap *tap, void *memory, u64 bytes)
{
	struct tap_shared *shared = memory;

	if (bytes < sizeof(*shared) + 64)
		return false;
	tap->shared = shared;
	tap->bytes = 1ull << highest_bit(bytes - sizeof(*shared));
	tap->position = __atomic_load_n(&shared->head, __ATOMIC_ACQUIRE);
	return true;
}

void tap_write(struct tap *tap, const u8 *data, u32 bytes)
{
	struct tap_shared *shared = tap->shared;

	while (bytes != 0) {
		u64 at = tap->position % tap->bytes;
		u32 piece = (u32)MIN((u64)bytes, tap->bytes - at);

		__atomic_store_n(&shared->writing, tap->position + piece,
				 __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		memcpy(shared->byte + at, data, piece);
		tap->position += piece;
		__atomic_store_n(&shared->head, tap->position,
				 __ATOMIC_RELEASE);
		data += piece;
		bytes -= piece;
	}
}

u32 tap_read(struct tap *tap, u8 *data, u32 limit, bool *lost)
{
	struct tap_shared *shared = tap->shared;
	u64 head = __atomic_load_n(&shared->head, __ATOMIC_ACQUIRE);
	u64 at;
	u32 bytes;

	*lost = head - tap->position > tap->bytes;
	if (*lost) // half of what is there, so that the writer stays behind
		tap->position = head - MIN(head, tap->bytes / 2);
	at = tap->position % tap->bytes;
	bytes = (u32)MIN(MIN(head - tap->position, (u64)limit),
			 tap->bytes - at);
	memcpy(data, shared->byte + at, bytes);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (__atomic_load_n(&shared->writing, __ATOMIC_RELAXED) -
		    tap->position >
	    tap->bytes) {
		*lost = true; // overwritten meanwhile
		tap->position = head;
		return 0;
	}
	tap->position += bytes;
	return bytes;
}
