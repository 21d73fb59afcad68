// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The protocol between what draws and the driver of a display, over a channel
// (lib/driver/channel.h): the channel's data area is the picture, and a request
// says that a rectangle of it has changed. The driver answers when the rectangle
// has been shown, or is certain to be. Requests may be done twice, so a new instance
// of either side needs nothing but the channel; a new driver also shows the whole
// picture when it starts.
//
// A pixel is 32 bits, 0x00RRGGBB, in the machine's order; rows lie pitch bytes
// apart. Size and pitch are in the channel's table, and may be others after the
// driver has been restarted.
#ifndef LIB_DRIVER_DISPLAY_H
#define LIB_DRIVER_DISPLAY_H
#include "lib/driver/channel.h"

#define DISPLAY_SHOW 1 // the one operation
#define DISPLAY_SIDE_MAX 8192u
#define DISPLAY_PIXEL_BYTES 4

struct display_size {
	u32 width, height; // pixels; 0: no display
	u32 pitch; // bytes
};

struct rectangle {
	u32 x, y, width, height;
};

// Driver: say how large the picture is.
void display_publish(struct channel *channel, struct display_size size,
		     u32 generation);
// Client: what the driver has said, if it can be: all of it lies in the data area.
struct display_size display_size(const struct channel *channel);

struct channel_request display_request(struct rectangle rectangle);
// Driver: the rectangle of a copied request. ERR_ARGUMENT, ERR_RANGE.
[[nodiscard]] enum status
display_rectangle(const struct channel_request *request,
		  struct display_size size, struct rectangle *rectangle);
#endif
