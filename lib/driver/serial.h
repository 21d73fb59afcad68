// SPDX-License-Identifier: MIT
// Copyright The Kochab authors
//
// What the drivers of serial ports share: a raw stream of bytes both ways, served
// by the protocol of abi/console.idl. The driver supplies struct serial_hooks and
// calls serial_main().
//
// Both queues lie in the stash, so bytes that were accepted for output and bytes
// that were received outlive the driver. What arrives while the queue of input is
// full stays in the port (its interrupt is turned off), so that the sender is held
// up instead of losing bytes.
//
// A call that moves bytes is committed together with the record of its answer, so
// that a client who has to send it again does not write or read twice.
//
// What a client gave to be signalled is kept in the cnode "keep" where the
// manifest gives one, so that a new instance can wake those who wait for input;
// without one, they are heard of again when they next call.
//
// Where the manifest gives a channel "tap", all output goes there as well
// (lib/driver/tap.h), for a screen. Nobody waits for who reads it.
#ifndef LIB_DRIVER_SERIAL_H
#define LIB_DRIVER_SERIAL_H
#include "abi/startup.h"
#include "lib/base/status.h"

struct serial_hooks {
	// Make the port ready: program it if it is the first instance (fresh),
	// with no interrupts allowed. Of a later one: has the byte with the
	// number sent, which is in front of the queue, been sent already?
	bool (*open)(bool fresh, u64 sent);
	// How many bytes the port takes now.
	u32 (*room)(void);
	// Send a byte; number counts all bytes ever sent.
	void (*send)(u8 byte, u64 number);
	// Take a byte that arrived; false: there is none. Also before open().
	bool (*receive)(u8 *byte);
	// What may interrupt: input, room for output. sent: bytes ever sent.
	void (*allow)(bool input, bool output, u64 sent);
	// Is there a reason to interrupt that is allowed?
	bool (*pending)(void);
};

// The port that the manifest gives with the directive serial: registers in memory
// (mapped), or I/O ports.
struct serial_port {
	u32 kind; // SERIAL number
	volatile u8 *registers; // NULL: ports
	struct handle ports; // and their first
	u32 base;
	u32 stride; // from register to register
	struct handle irq;
};

// Fails the component when the manifest does not give it.
void serial_port_find(const char *name, struct serial_port *port);

// Serve on the endpoint "console".
[[noreturn]] void serial_main(const struct serial_hooks *hooks,
			      struct handle irq);
#endif
