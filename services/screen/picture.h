// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the controls do to a terminal's picture: between parser.c, which calls, and
// terminal.c. Counts are at least 1, rows and columns begin with 0.
#ifndef SERVICES_SCREEN_PICTURE_H
#define SERVICES_SCREEN_PICTURE_H
#include "services/screen/terminal.h"

void picture_put(struct terminal *terminal, u32 character);
// To a place of the picture; the nearest one if there is no such.
void picture_move(struct terminal *terminal, i32 row, i32 column);
// The same, but rows count from the top of the region in origin mode.
void picture_go(struct terminal *terminal, u32 row, u32 column);
void picture_step(struct terminal *terminal, i32 down);
void picture_line_feed(struct terminal *terminal);
void picture_reverse_feed(struct terminal *terminal);
void picture_tab(struct terminal *terminal, u32 n, bool back);
void picture_tabs(struct terminal *terminal, bool usual); // else none
void picture_save(struct terminal *terminal);
void picture_restore(struct terminal *terminal);
// Scroll region; top and bottom begin with 1, 0 stands for the edge.
void picture_region(struct terminal *terminal, u32 top, u32 bottom);
void picture_scroll(struct terminal *terminal, u32 n, bool up);
void picture_lines(struct terminal *terminal, u32 n, bool insert); // or delete
void picture_insert(struct terminal *terminal, u32 n);
void picture_delete(struct terminal *terminal, u32 n);
void picture_erase(struct terminal *terminal, u32 n);
// which: 0 from the cursor on, 1 up to it, 2 all.
void picture_erase_line(struct terminal *terminal, u32 which);
void picture_erase_screen(struct terminal *terminal, u32 which);
void picture_align(struct terminal *terminal);
void picture_screen(struct terminal *terminal, u32 screen, bool clear);
void picture_reset(struct terminal *terminal);
struct cell picture_plain_pen(void);
#endif
