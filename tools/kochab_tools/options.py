# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""The options of `run`, `exec` and `debug`: words in, one checked object out.

    parse_machine(words, usage_code) -> (MachineOptions, remaining words)

Everything is checked here, before anything is built or started, and an error
names the option and what it wants. Parsing stops at `--` or at the first word
that is no option; both leave the rest to the caller.
"""

import os
import re

from .common import Failure, arch_of

SIZE_UNITS = {"": 1, "M": 1, "G": 1024}
MEM_MIN_MIB, MEM_MAX_MIB = 8, 1 << 20
SMP_MAX = 64
DISKS_MAX = 8
# The ways to boot; the first is the default.
BOOTS = {"x86_64": ("pvh", "uefi", "bios", "multiboot2", "multiboot2-uefi"),
         "aarch64": ("direct", "uefi", "uboot"),
         "riscv64": ("direct", "uboot")}


class Disk:
    """One --disk: a raw image behind a virtio-blk device."""

    def __init__(self, path, readonly=False, drive=None):
        self.path = path
        self.readonly = readonly
        self.drive = drive  # a full -drive text instead, for tests


class MachineOptions:
    """What kind of machine is asked for; the defaults are the contract's."""

    def __init__(self):
        self.arch = "x86_64"
        self.boot = None  # of BOOTS; None: the architecture's first
        self.build = "release"
        self.smp = 2
        self.mem_mib = 512
        self.disks = []
        self.devices = []  # further -device texts, of tests
        self.adds = []  # (host path, guest path)
        self.timeout_s = None
        self.log = None
        self.icount = False
        self.gdb = False
        self.accel = "tcg"
        self.machine = ""  # further properties of the board, for -M
        self.calls = False
        self.screen = False  # a display device, and a text console on it
        self.window = False  # and a way to look at it
        self.words = []  # further words for the kernel command line


def number(option, text, low, high):
    if not re.fullmatch(r"[0-9]{1,9}", text) or not low <= int(text) <= high:
        raise Failure("%s %s: wants a whole number from %d to %d"
                      % (option, text, low, high), 2)
    return int(text)


def mem_of(text):
    match = re.fullmatch(r"([0-9]{1,9})([MG]?)(i?B)?", text, re.IGNORECASE)
    mib = int(match[1]) * SIZE_UNITS[match[2].upper()] if match else -1
    if not MEM_MIN_MIB <= mib <= MEM_MAX_MIB:
        raise Failure("--mem %s: wants a size such as 512M or 2G, from %dM "
                      "to %dG" % (text, MEM_MIN_MIB, MEM_MAX_MIB >> 10), 2)
    return mib


def disk_of(text):
    path, *extras = text.split(",")
    disk = Disk(path)
    for extra in extras:
        name, _, value = extra.partition("=")
        if name == "type":
            if value != "virtio":
                raise Failure("--disk %s: type %s is not there; virtio is"
                              % (text, value), 2)
        elif name == "readonly" and value in ("", "on", "off"):
            disk.readonly = value != "off"
        else:
            raise Failure("--disk %s: %s is not understood; wants "
                          "FILE[,type=virtio][,readonly=on]"
                          % (text, extra), 2)
    if not os.path.exists(path):
        raise Failure("--disk %s: there is no such file; make one with "
                      "`truncate -s 64M FILE && mformat -F -i FILE ::`"
                      % path, 2)
    if os.path.isdir(path):
        raise Failure("--disk %s: is a folder; a disk is a file. To put a "
                      "folder into the guest use --add HOST:GUEST" % path, 2)
    if not os.access(path, os.R_OK):
        raise Failure("--disk %s: may not be read" % path, 2)
    size = os.path.getsize(path)
    if os.path.isfile(path) and (size == 0 or size % 512):
        raise Failure("--disk %s: has %d bytes; a disk is a whole number of "
                      "512-byte sectors and not empty" % (path, size), 2)
    if not os.access(path, os.W_OK):
        disk.readonly = True
    return disk


def add_of(text):
    host, colon, guest = text.rpartition(":")
    if not colon or not host or not guest.startswith("/"):
        raise Failure("--add %s: wants HOST:GUEST, where GUEST begins with /"
                      % text, 2)
    parts = [part for part in guest.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise Failure("--add %s: GUEST has to name something below / and "
                      "hold no .." % text, 2)
    if parts[0] == "kochab":
        raise Failure("--add %s: /kochab belongs to the system" % text, 2)
    if not os.path.lexists(host):
        raise Failure("--add %s: there is no %s on this machine"
                      % (text, host), 2)
    return host, "/".join(parts)


def seconds_of(option, text):
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,3})?", text) or \
            float(text) <= 0:
        raise Failure("%s %s: wants seconds, more than 0" % (option, text), 2)
    return float(text)


def log_of(text):
    folder = os.path.dirname(os.path.abspath(text))
    if not os.path.isdir(folder) or os.path.isdir(text):
        raise Failure("--log %s: cannot be written there" % text, 2)
    return os.path.abspath(text)


def accel_of(text):
    if text not in ("tcg", "kvm"):
        raise Failure("--accel %s: wants tcg (emulation, the default) or kvm"
                      % text, 2)
    return text


def boot_of(arch, text):
    if text is not None and text not in BOOTS[arch]:
        raise Failure("--boot %s: --arch %s wants one of %s"
                      % (text, arch, ", ".join(BOOTS[arch])), 2)
    return text or BOOTS[arch][0]


def machine_of(text):
    if not re.fullmatch(r"[a-z0-9.-]+=[a-z0-9.-]+(,[a-z0-9.-]+=[a-z0-9.-]+)*",
                        text):
        raise Failure("--machine %s: wants NAME=VALUE[,NAME=VALUE…], "
                      "properties of QEMU's board" % text, 2)
    return text


def take_value(words, option, inline):
    if inline is not None:
        return inline
    if not words:
        raise Failure("%s: wants a value behind it" % option, 2)
    return words.pop(0)


def apply(options, option, words, inline):
    """One option onto the object; False when its name is unknown."""
    if option in ("--icount", "--gdb", "--calls", "--screen"):
        if inline is not None:
            raise Failure("%s: takes no value" % option, 2)
        setattr(options, option[2:], True)
        return True
    known = {
        "--arch": lambda v: setattr(options, "arch", arch_of(v)),
        "--boot": lambda v: setattr(options, "boot", v),
        "--smp": lambda v: setattr(options, "smp",
                                   number("--smp", v, 1, SMP_MAX)),
        "--mem": lambda v: setattr(options, "mem_mib", mem_of(v)),
        "--disk": lambda v: options.disks.append(disk_of(v)),
        "--add": lambda v: options.adds.append(add_of(v)),
        "--timeout": lambda v: setattr(options, "timeout_s",
                                       seconds_of("--timeout", v)),
        "--log": lambda v: setattr(options, "log", log_of(v)),
        "--accel": lambda v: setattr(options, "accel", accel_of(v)),
        "--machine": lambda v: setattr(options, "machine", machine_of(v)),
    }
    if option not in known:
        return False
    known[option](take_value(words, option, inline))
    return True


def parse_machine(words, command):
    """Options of `command`; Failure.code follows the command's contract."""
    words = list(words)
    options = MachineOptions()
    try:
        while words:
            if words[0] == "--":
                words.pop(0)
                break
            if not words[0].startswith("-") or words[0] == "-":
                break
            option, equals, value = words.pop(0).partition("=")
            inline = value if equals else None
            if option == "--calls" and command != "exec" or \
                    not apply(options, option, words, inline):
                raise Failure("%s: no such option of `%s`; see "
                              "`./kochab --help`" % (option, command), 2)
        options.boot = boot_of(options.arch, options.boot)
        if len(options.disks) > DISKS_MAX:
            raise Failure("--disk: at most %d disks" % DISKS_MAX, 2)
        if options.accel == "kvm" and options.arch != "x86_64":
            raise Failure("--accel kvm: only for --arch x86_64", 2)
        if options.accel == "kvm" and options.icount:
            raise Failure("--icount: only emulation counts instructions; "
                          "leave --accel kvm out", 2)
    except Failure as failure:
        if command == "exec":
            failure.code = 125
        raise
    return options, words
