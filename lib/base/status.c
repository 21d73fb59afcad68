// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Names and texts of the errors in abi/errors.def.
#include "lib/base/status.h"

const char *status_text(enum status status)
{
	switch ((int)status) {
#define ERROR(name, number, text)                                              \
	case -(number):                                                        \
		return text;
#include "abi/errors.def"
#undef ERROR
	case STATUS_RESTART:
		return "call to be restarted";
	case STATUS_DEFERRED:
		return "answer comes later";
	default:
		return "unknown error";
	}
}

const char *status_name(enum status status)
{
	switch ((int)status) {
#define ERROR(name, number, text)                                              \
	case -(number):                                                        \
		return #name;
#include "abi/errors.def"
#undef ERROR
	default:
		return "UNKNOWN";
	}
}

enum status status_from_word(u64 word)
{
	switch ((i64)word) {
#define ERROR(name, number, text)                                              \
	case -(number):                                                        \
		return ERR_##name;
#include "abi/errors.def"
#undef ERROR
	default:
		return ERR_PROTOCOL;
	}
}
