// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The result of everything that can fail. ERR_<name> are the errors of
// abi/errors.def, negated; a status may cross protection boundaries as an i64.
#pragma once

#include "lib/base/types.h"

enum [[nodiscard]] status {
#define ERROR(name, number, text) ERR_##name = -(number),
#include "abi/errors.def"
#undef ERROR
	STATUS_OK = 0,
	// Never cross a boundary:
	// Kernel: one step of a long operation is done. The thread runs the same
	// call again with unchanged registers, after interrupts had their chance.
	STATUS_RESTART = 1,
	// Services: the reply comes later. Kernel: the thread is blocked, or its
	// result registers have been written already.
	STATUS_DEFERRED = 2,
};

// A text for people; never nullptr.
const char *status_text(enum status status);

// The name as in abi/errors.def ("NOENT"); never nullptr.
const char *status_name(enum status status);

// The status in a message from another process: what is no error of
// abi/errors.def becomes ERR_PROTOCOL.
enum status status_from_word(u64 word);
