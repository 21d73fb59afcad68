// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// libFuzzer on the decoding of every service's requests. The first byte selects
// the service; see gen/fuzz/<service>_decode.h for the rest.
#include "gen/fuzz/services.h"

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes);
enum status session_call(struct session *, struct message *)
{
	return ERR_NOSYS;
}

enum status session_reserve(struct session *, usize, u64 *, u8 **)
{
	return ERR_NOSYS;
}

enum status session_put(struct session *, const void *, usize, u64 *)
{
	return ERR_NOSYS;
}

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	if (bytes)
		service_fuzzers[data[0] % ARRAY_COUNT(service_fuzzers)](
			data + 1, bytes - 1);
	return 0;
}
