# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The frames of the exec channel, the host's half.

Before the marker everything is boot noise and ignored. Behind it both sides
send frames: type u8, length u16 little endian, payload.

    guest to host   O stdout   E stderr   T text of Kochab itself
                    C u32 further bytes of stdin the host may send
                    X i32 end: 0-255 exit code, 256+n signal n, -1 not started
    host to guest   I stdin (within credit)   Z end of stdin
                    S u8 signal to the foreground group   W u16 cols u16 rows

The guest is not trusted: a frame of an unknown type or a wrong length ends the
session with ChannelError.
"""

import struct

MARKER = b"\x1bKOCHAB-EXEC\n"
PAYLOAD_MAX = 0xffff
FIXED = {b"C": 4, b"X": 4}
KNOWN = frozenset((b"O", b"E", b"T", b"C", b"X"))
CREDIT_MAX = 1 << 30


class ChannelError(Exception):
    """The guest sent what the protocol does not hold."""


def frame(kind, payload=b""):
    assert len(payload) <= PAYLOAD_MAX
    return kind + struct.pack("<H", len(payload)) + payload


class Decoder:
    """Bytes in, frames out."""

    def __init__(self):
        self.buffer = bytearray()
        self.marked = False
        self.noise = b""  # the last bytes before the marker

    def feed(self, data):
        """The frames [(kind, payload)] that these bytes complete."""
        self.buffer += data
        if not self.marked and not self._find_marker():
            return []
        frames = []
        at = 0
        while len(self.buffer) - at >= 3:
            kind = bytes(self.buffer[at:at + 1])
            size = struct.unpack_from("<H", self.buffer, at + 1)[0]
            if kind not in KNOWN:
                raise ChannelError("a frame of unknown type %r" % kind)
            if FIXED.get(kind, size) != size:
                raise ChannelError("a %s frame of %d bytes"
                                   % (kind.decode(), size))
            if len(self.buffer) - at < 3 + size:
                break
            frames.append((kind, bytes(self.buffer[at + 3:at + 3 + size])))
            at += 3 + size
        del self.buffer[:at]
        return frames

    def _find_marker(self):
        at = self.buffer.find(MARKER)
        if at < 0:
            keep = len(MARKER) - 1
            self.noise = (self.noise + bytes(self.buffer[:-keep]))[-4096:]
            del self.buffer[:-keep]
            return False
        self.noise = (self.noise + bytes(self.buffer[:at]))[-4096:]
        del self.buffer[:at + len(MARKER)]
        self.marked = True
        return True


class Credit:
    """How many bytes of stdin may still be sent."""

    def __init__(self):
        self.bytes = 0

    def add(self, payload):
        self.bytes += struct.unpack("<I", payload)[0]
        if self.bytes > CREDIT_MAX:
            raise ChannelError("more stdin credit than %d bytes" % CREDIT_MAX)


def exit_status(payload):
    """The exit frame's number as a shell would give it, or None for -1."""
    value = struct.unpack("<i", payload)[0]
    if 0 <= value <= 255:
        return value
    if 256 < value <= 256 + 64:
        return 128 + (value - 256)
    if value == -1:
        return None
    raise ChannelError("an exit status of %d" % value)
