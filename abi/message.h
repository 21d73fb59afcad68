// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// A message as user space sees it outside of registers.
#ifndef KOCHAB_ABI_MESSAGE_H
#define KOCHAB_ABI_MESSAGE_H
#include "abi/constants.h"
#include "lib/base/types.h"

struct message {
	u64 word[MESSAGE_WORDS];
	u64 badge; // set by the kernel on receive
	u32 nwords;
	u32 ncaps; // capabilities sent or received
	// Sending: slots of the root cnode to send, then slots for what comes
	// back. Receiving: the slots where capabilities were put.
	u16 slot[MESSAGE_CAPS];
};
#endif
