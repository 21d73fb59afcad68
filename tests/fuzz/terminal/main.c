// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// Any bytes to the screen's terminal. The first two say its size, the third where
// it is copied to another size, as for a display that has changed. It stays valid,
// and whole and cut input leave the same.
#include <stdlib.h>

#include "lib/base/bits.h"
#include "lib/base/string.h"
#include "services/screen/terminal.h"

static struct terminal whole, pieces, copy;

int LLVMFuzzerTestOneInput(const u8 *data, usize bytes);
int LLVMFuzzerTestOneInput(const u8 *data, usize bytes)
{
	u32 columns, rows;
	usize cut;

	if (bytes < 3)
		return 0;
	columns = 2 + data[0] % 40;
	rows = 2 + data[1] % 20;
	cut = data[2];
	data += 3;
	bytes -= 3;
	cut = MIN(cut, bytes);
	terminal_init(&whole, columns, rows);
	memset(whole.cell, 0, sizeof(whole.cell));
	pieces = whole;
	terminal_write(&whole, data, bytes);
	terminal_write(&pieces, data, cut);
	if (!terminal_valid(&pieces))
		abort();
	terminal_init(&copy, 2 + rows, 2 + columns);
	terminal_copy(&copy, &pieces);
	if (!terminal_valid(&copy))
		abort();
	terminal_write(&pieces, data + cut, bytes - cut);
	terminal_write(&copy, data + cut, bytes - cut);
	if (!terminal_valid(&whole) || !terminal_valid(&copy) ||
	    memcmp(&whole, &pieces, sizeof(whole)) != 0)
		abort();
	for (u32 row = 0; row < copy.rows; row++)
		if (terminal_row(&copy, row) + copy.columns >
		    copy.cell[copy.screen] + TERMINAL_CELLS)
			abort();
	return 0;
}
