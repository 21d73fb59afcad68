// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// token-test: a component that tests tokens, twice in one manifest: the owner
// exports, the user imports, forges, replays, and kills the token service in
// between. It is in no ordinary image; tests/system/tokens gives it a manifest.
// Results are lines "PASS name" and "FAIL name: why" in the log, the last one "DONE N
// passed, N failed"; then the machine is turned off.
//
// Arguments: "owner", or for the user "cost" (only measure) and "kills=N".
#include "gen/abi/tokens.h"
#include "lib/sys/component.h"
#include "services/token-test/mail.h"

struct session tokens;

int component_main(const struct startup *)
{
	const struct startup_cap *service =
		startup_need("tokens", STARTUP_ENDPOINT_CLIENT);

	if (session_open(&tokens, handle_of(service->handle), 0, 0,
			 TOKENS_VERSION) != STATUS_OK)
		component_fail("no session");
	if (startup_word("owner", nullptr, 0))
		owner_main();
	user_main();
}
