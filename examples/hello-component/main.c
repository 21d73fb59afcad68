// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// hello-component: the smallest component worth copying. It greets in the log
// every few seconds and remembers in its stash how often, so that a new instance
// goes on counting where the killed one stopped. docs/book/write-a-component.md
// goes through it line by line.
#include "lib/base/checksum.h"
#include "lib/base/parse.h"
#include "lib/base/string.h"
#include "lib/sys/component.h"

#define MAGIC 0x6c6c6568u // "hell", little-endian

// What outlives this process. The instance before us may have died while it
// wrote, so what we find is input: it counts only if its checksum is right.
struct stash {
	u32 magic, checksum;
	u64 greetings;
};

static u32 checksum_of(const struct stash *stash)
{
	return crc32c(0, &stash->greetings, sizeof stash->greetings);
}

static u64 recall(const struct stash *stash)
{
	struct stash copy = *stash;

	return copy.magic == MAGIC && copy.checksum == checksum_of(&copy) ?
		       copy.greetings :
		       0;
}

static void remember(struct stash *stash, u64 greetings)
{
	stash->greetings = greetings;
	stash->checksum = checksum_of(stash);
	stash->magic = MAGIC;
}

// "every=N" in the manifest's arguments: seconds between greetings.
static u64 period_ns(void)
{
	char text[16];
	u64 seconds = 5;

	if (startup_word("every", text, sizeof text) &&
	    (parse_u64(text, strlen(text), 3600, &seconds) != STATUS_OK ||
	     seconds < 1))
		component_fail("every=%s: not a number from 1 to 3600", text);
	return seconds * 1000000000ull;
}

int component_main(const struct startup *start)
{
	struct stash *stash = (struct stash *)start->stash;
	u64 period = period_ns(), next, bits;

	if (start->stash_bytes < sizeof *stash)
		component_fail("the manifest gives no stash");
	log_print("instance %u, %lu greetings so far", start->generation,
		  (unsigned long)recall(stash));
	component_ready();
	for (next = clock_ns();; next += period) {
		remember(stash, recall(stash) + 1);
		log_print("hello number %lu", (unsigned long)recall(stash));
		// Answers the engine's heartbeats while it waits.
		while (component_wait(NOTIFY_STOP, next + period, &bits) ==
		       STATUS_OK)
			if (bits & NOTIFY_STOP)
				return 0;
	}
}
