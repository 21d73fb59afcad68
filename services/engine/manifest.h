// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// The manifest of a system image: which components run, with which rights. The
// language is described in docs/book/manifests.md. Parsing touches nothing but
// the text and the result; every error names the line. The same text and the same
// numbers of devices always give the same result, index by index: a new instance of
// the engine relies on that.
#pragma once

#include "lib/base/status.h"
#include "lib/base/types.h"

#define COMPONENTS 48
#define CHANNELS 32
#define USES 24 // of one component
#define EXTRAS 10 // of one component
#define DISKS_MAX 8
#define SCREENS_MAX 1
#define NAME_BYTES 24
#define ARGUMENTS_BYTES 512

enum domain : u8 {
	DOMAIN_SOVEREIGN,
	DOMAIN_SERVICES,
	DOMAIN_DRIVERS,
	DOMAINS,
};

// So many bytes, or so many percent of what the fixed sizes leave of the domain.
struct size {
	u64 bytes;
	u32 percent;
};

// A client endpoint.
struct use {
	char name[NAME_BYTES]; // in the startup page
	char from[NAME_BYTES];
	u32 server; // component; USE_ENGINE: the engine itself
	u32 line;
	u64 badge; // 0: the client's own
	bool derive; // without a badge, to be minted by the client
	bool admin; // engine only: may give svc's commands
};
#define USE_ENGINE 0xffffffff

enum extra_kind : u8 {
	EXTRA_SYSTEM, // a = rights
	EXTRA_ARCHIVE,
	EXTRA_CNODE, // a = log2 of the slots; kept
	EXTRA_POOL, // size; kept
	EXTRA_NUMBER, // a, b
	EXTRA_IOPORT, // a = first, b = count
	EXTRA_IRQ, // a = line, b = IRQ_ISA or IRQ_GSI
	EXTRA_ECAM, // PCI configuration space
	EXTRA_SERIAL, // the console's port: registers and interrupt
	EXTRA_FRAMEBUFFER, // the picture that the firmware set up, if there is one
};
#define EXTRA_IRQ_ISA 0
#define EXTRA_IRQ_GSI 1

struct extra {
	enum extra_kind kind;
	char name[NAME_BYTES];
	u64 a, b;
	struct size size;
};

struct plan {
	char name[NAME_BYTES], binary[NAME_BYTES], serve[NAME_BYTES];
	char pl011[NAME_BYTES]; // the binary if the serial port is one
	char framebuffer[NAME_BYTES]; // the binary if there is a framebuffer
	char arguments[ARGUMENTS_BYTES];
	u32 line; // of the manifest
	enum domain domain;
	bool container; // personality: lives from GUEST_END on
	bool restart; // when it ends by itself or fails
	bool essential; // the machine stops when it is gone for good
	bool names; // gets the names of all clients (the log service)
	u32 layer, priority;
	struct size memory;
	u64 heap_bytes, stack_bytes, stash_bytes;
	u32 slots_log2;
	u32 misses; // heartbeats in a row that may be missed; 0: not watched
	u32 budget, budget_seconds; // failures allowed
	u32 nuses, nextras;
	struct use use[USES];
	struct extra extra[EXTRAS];
};

struct channel_plan {
	u32 client; // component
	u32 server; // component
	char client_name[NAME_BYTES], server_name[NAME_BYTES];
	char to[NAME_BYTES]; // server's name
	u64 data_bytes;
	u32 client_bit, server_bit; // of their notifications
	u32 line;
};

// What a machine may have several, or none, of: 'each disk', 'each screen'.
enum each : u8 {
	EACH_DISK,
	EACH_SCREEN,
	EACH_KINDS,
};

struct manifest {
	u32 ncomponents, nchannels;
	struct plan component[COMPONENTS];
	struct channel_plan channel[CHANNELS];
	// When it did not parse:
	u32 error_line; // 0: the text as a whole
	char error[120];
};

// A picture in the machine's memory, 32 bits for each pixel.
struct framebuffer {
	u64 address; // physical
	u32 width, height; // pixels
	u32 pitch; // bytes from row to row
	bool red_first; // byte 0 of a pixel is red, else blue
};

// The text of the word framebuffer= of the command line,
// address:width:height:pitch:bgr or rgb. ERR_FORMAT.
[[nodiscard]] enum status framebuffer_parse(struct framebuffer *framebuffer,
	const char *text);

// ERR_FORMAT: see error_line and error.
[[nodiscard]] enum status manifest_parse(struct manifest *manifest,
	const char *text, usize bytes, const u32 count[EACH_KINDS]);

// Index, or -1.
int manifest_find(const struct manifest *manifest, const char *name);

// Does client use, or share a channel served by, server?
bool manifest_depends(const struct manifest *manifest, u32 client, u32 server);

// Pages of each percentage: what one per cent of the rest of the domain is, given
// the domain's size. 0 when the fixed sizes do not fit.
u64 manifest_rest_pages(const struct manifest *manifest, enum domain domain,
	u64 domain_pages);
u64 size_pages(struct size size, u64 rest_pages);
