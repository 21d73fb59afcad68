// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the engine can tell the vault: bits of the vault's notification. The
// engine's startup page names a capability for each ("vault-kill" and so on).
#pragma once

#define VAULT_KILL 1ull // destroy the engine and start it anew
#define VAULT_HANG 2ull // stop the engine's thread: its heartbeat will miss
#define VAULT_READY 4ull // the engine serves
