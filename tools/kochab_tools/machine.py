# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
"""One virtual machine: its command line, its life, and its end.

    machine = Machine(options, mode, argv, env)   prepares build/run/<pid>-<n>/
    machine.start()                               starts QEMU
    machine.com1      socket to the guest's serial port, the console
    machine.qmp       socket to QEMU's control channel
    machine.log       path of the kernel and service log: x86-64's second
                      serial port, semihosting's console on the others
    machine.stop()    asks QEMU to quit, waits, ends it; always safe to call
    machine.verdict() what became of it: see Verdict

QEMU never outlives this process: the kernel kills it when its parent dies.
KOCHAB_QEMU names another program to start instead of QEMU; the tests of the
host side use it.
"""

import atexit
import contextlib
import ctypes
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import time

from . import build, symbols
from .common import Failure, RUNS, need
from .image import make_grub_image, make_image
from .options import BOOTS
from .overlay import write_initrd

QEMU = {"x86_64": ("qemu-system-x86_64", "qemu-system-x86"),
        "aarch64": ("qemu-system-aarch64", "qemu-system-arm"),
        "riscv64": ("qemu-system-riscv64", "qemu-system-misc")}
# The board, the processor, the port of the log, and what else is needed. A
# kernel that panics ends QEMU with PANIC_EXIT: through isa-debug-exit, or
# semihosting.
SEMIHOSTING = ["-semihosting-config", "enable=on,target=native,chardev=com2"]
BOARD = {
    "x86_64": ("q35", "max", ["-serial", "chardev:com2", "-device",
                              "isa-debug-exit,iobase=0xf4,iosize=4"]),
    "aarch64": ("virt,gic-version=3", "max", SEMIHOSTING),
    "riscv64": ("virt", "rv64", SEMIHOSTING),
}
# The firmware of a boot from a disk: its file, the package it comes from, and the
# disk's controller, for which the system has no driver: it shows no disk.
FIRMWARE = {
    ("x86_64", "uefi"): ("/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf"),
    ("x86_64", "multiboot2-uefi"): ("/usr/share/OVMF/OVMF_CODE_4M.fd",
                                    "ovmf"),
    ("aarch64", "uefi"): ("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd",
                          "qemu-efi-aarch64"),
    ("aarch64", "uboot"): ("/usr/lib/u-boot/qemu_arm64/u-boot.bin",
                           "u-boot-qemu"),
    ("riscv64", "uboot"): ("/usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin",
                           "u-boot-qemu"),
}
OVMF_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
BOOT_DISK = {"x86_64": "ide-hd", "aarch64": "virtio-blk-device",
             "riscv64": "virtio-blk-device"}
# The display of --screen. Under UEFI it is one whose picture the firmware hands over.
DISPLAY = {("x86_64", "uefi"): "VGA,addr=0x10",
           ("aarch64", "uefi"): "ramfb"}
DISPLAY_ELSE = "virtio-gpu-pci,addr=0x10"
PANIC_EXIT = 0x50 << 1 | 1
KEEP_RUNS = 20
LARGE = ("initrd", "disk", "vars")  # files that only QEMU needs
SHELL_SOCKET = "kernel"  # in a debug machine's folder
BY_FILE = "questions-by-file"  # is there when the port is semihosting
VNC_SOCKET = "vnc"  # in the folder of a machine with a screen to look at
PR_SET_PDEATHSIG = 1
serial_numbers = itertools.count(1)


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)  # Ctrl-C on the terminal is ours to handle, not QEMU's


def escape(path):
    return path.replace(",", ",,")


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def prune():
    """Old run folders go, and the images of runs that ended badly. Several
    commands may do so at once: what is gone already is no error."""
    rows = []
    for name in os.listdir(RUNS) if os.path.isdir(RUNS) else ():
        folder = os.path.join(RUNS, name)
        pid = name.split("-")[0]
        if pid.isdigit() and not alive(int(pid)):
            with contextlib.suppress(FileNotFoundError):
                rows.append((os.path.getmtime(folder), folder))
            remove_large(folder)
    for _, folder in sorted(rows)[:-KEEP_RUNS]:
        shutil.rmtree(folder, ignore_errors=True)


def new_folder():
    """build/run/<pid>-<n>/; an earlier process may have had the same number."""
    while True:
        folder = os.path.join(RUNS, "%d-%d" % (os.getpid(),
                                               next(serial_numbers)))
        with contextlib.suppress(FileExistsError):
            os.makedirs(folder)
            return folder


def remove_large(folder):
    for name in LARGE:
        with contextlib.suppress(FileNotFoundError):
            os.remove(os.path.join(folder, name))


def probe_kvm(qemu):
    """None when KVM really starts a machine, else the reason it does not."""
    if not os.path.exists("/dev/kvm"):
        return "there is no /dev/kvm on this machine"
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm may not be used by this user (group kvm)"
    try:
        result = subprocess.run(
            [qemu, "-accel", "kvm", "-nodefaults", "-display", "none",
             "-S", "-M", "q35", "-cpu", "max", "-qmp", "stdio"],
            input='{"execute":"qmp_capabilities"}\n{"execute":"quit"}\n',
            capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "QEMU with KVM did not answer within 60 s"
    if result.returncode == 0 and '"QMP"' in result.stdout:
        return None
    return (result.stderr.strip() or "QEMU failed").splitlines()[-1]


class Verdict:
    """How the machine ended: kind is one of off, reset, panic, failed."""

    def __init__(self, kind, text=""):
        self.kind = kind
        self.text = text


class Machine:
    def __init__(self, options, mode, argv=None, env=(), words=()):
        self.options = options
        self.mode = mode
        self.words = list(words)
        program, package = QEMU[options.arch]
        self.program = os.environ.get("KOCHAB_QEMU") or need(program, package)
        self.output = build.ensure(options.arch, options.build, 125)
        self.elf = os.path.join(self.output, "kernel.elf")
        self.kernel = self.elf if options.arch == "x86_64" else \
            os.path.join(self.output, "kernel.image")
        prune()
        self.folder = new_folder()
        self.log = options.log or os.path.join(self.folder, "log")
        self.initrd = os.path.join(self.folder, "initrd")
        self.boot = options.boot or BOOTS[options.arch][0]
        self.process = None
        self.com1 = self.qmp = None
        self.qmp_text = b""
        self.reset_seen = False
        atexit.register(self.stop)
        try:
            write_initrd(self.initrd, os.path.join(self.output, "boot.tar"),
                         options.adds, argv, env)
            self.prepare_boot()
        except BaseException:
            self.stop()
            raise

    def command_words(self):
        """The kernel's command line."""
        words = ["mode=" + self.mode]
        if self.options.arch != "x86_64":
            words.append("log=semihosting")
        if self.options.disks:
            words.append("disks=%d" % len(self.options.disks))
        if self.options.screen:
            words.append("screen=1")
        if self.options.calls:
            words.append("calls=1")
        return " ".join(words + self.words + self.options.words)

    def prepare_boot(self):
        """What the way of booting wants besides kernel and boot archive."""
        firmware, package = FIRMWARE.get((self.options.arch, self.boot),
                                         (None, None))
        if firmware and not os.path.exists(firmware):
            raise Failure("--boot %s: %s is missing (Debian package %s)"
                          % (self.boot, firmware, package), 125)
        if self.boot.startswith("multiboot2"):
            make_grub_image(os.path.join(self.folder, "disk"), self.elf,
                            self.initrd, self.command_words().split())
        elif self.boot not in ("pvh", "direct"):
            make_image(os.path.join(self.folder, "disk"), self.options.arch,
                       self.output, self.initrd,
                       self.command_words().split())
        if firmware and self.options.arch == "x86_64":
            shutil.copy(OVMF_VARIABLES, os.path.join(self.folder, "vars"))

    def boot_words(self):
        """The part of QEMU's command line that says how it boots."""
        if self.boot in ("pvh", "direct"):
            return ["-kernel", self.kernel, "-initrd", self.initrd,
                    "-append", self.command_words()]
        arch, folder = self.options.arch, escape(self.folder)
        firmware = FIRMWARE.get((arch, self.boot), (None,))[0]
        line = ["-drive", "if=none,id=boot,format=raw,file=%s/disk" % folder,
                "-device", BOOT_DISK[arch] + ",drive=boot,bootindex=0"]
        if arch == "riscv64":
            line += ["-kernel", firmware]  # OpenSBI starts it
        elif arch == "aarch64":
            line += ["-bios", firmware]
        elif firmware:
            line += ["-drive", "if=pflash,unit=0,format=raw,readonly=on,"
                     "file=" + firmware,
                     "-drive", "if=pflash,unit=1,format=raw,file=%s/vars"
                     % folder]
        return line

    def log_port(self):
        """The chardev of the log; with the kernel shell's input in a debug
        build."""
        if self.options.build != "debug":
            return "file,id=com2,path=" + escape(self.log)
        if self.options.arch != "x86_64":
            with open(os.path.join(self.folder, BY_FILE), "wb"):
                pass
        return "socket,id=com2,path=%s/%s,server=on,wait=off,logfile=%s" % (
            escape(self.folder), SHELL_SOCKET, escape(self.log))

    def command(self, com1_fd, qmp_fd):
        options = self.options
        board, processor, extras = BOARD[options.arch]
        if options.machine:
            board += "," + options.machine
        display = "none"
        if options.window:
            display = "vnc=unix:%s/%s" % (escape(self.folder), VNC_SOCKET)
        line = [self.program, "-nodefaults", "-display", display, "-no-reboot",
                "-M", board, "-cpu", processor, "-smp", str(options.smp),
                "-m", str(options.mem_mib),
                "-chardev", "socket,id=com1,fd=%d" % com1_fd,
                "-serial", "chardev:com1",
                "-chardev", self.log_port()]
        line += extras
        line += ["-chardev", "socket,id=qmp,fd=%d" % qmp_fd,
                 "-mon", "chardev=qmp,mode=control"]
        line += self.boot_words()
        if options.accel == "kvm":
            line += ["-accel", "kvm"]
        elif (options.disks or options.screen) and options.smp > 1 \
                and not options.icount:
            # QEMU 7.2 crashes now and then when a PCI window moves while
            # another emulated processor reaches a device (mended in 8.0):
            # one host thread for all processors.
            line += ["-accel", "tcg,thread=single"]
        if options.icount:
            # The same day, as the clock chip counts it, and what is random, too.
            line += ["-icount", "shift=0,sleep=off", "-seed", "1",
                     "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
        if options.gdb:
            line += ["-gdb", "unix:%s/gdb,server=on,wait=off" % self.folder,
                     "-S"]
        for number, disk in enumerate(options.disks, 1):
            drive = disk.drive or "file=%s,format=raw%s" % (
                escape(os.path.abspath(disk.path)),
                ",readonly=on" if disk.readonly else "")
            line += ["-drive", "if=none,id=d%d,%s" % (number, drive),
                     "-device", "virtio-blk-pci,drive=d%d,disable-legacy=on,"
                     "addr=0x%x" % (number, 0x10 + number)]
        if options.screen:
            line += ["-device", DISPLAY.get((options.arch, self.boot),
                                            DISPLAY_ELSE)]
        for device in options.devices:
            line += ["-device", device]
        return line

    def start(self):
        if self.options.accel == "kvm":
            reason = probe_kvm(self.program)
            if reason is not None:
                raise Failure("--accel kvm does not work here: %s. Leave the "
                              "option out: emulation always works" % reason,
                              125)
        self.com1, com1_far = socket.socketpair()
        self.qmp, qmp_far = socket.socketpair()
        line = self.command(com1_far.fileno(), qmp_far.fileno())
        with open(self.folder + "/command", "w", encoding="utf-8") as f:
            f.write("\n".join(line) + "\n")
        try:
            with open(self.folder + "/qemu", "wb") as errors:
                self.process = subprocess.Popen(
                    line, cwd=self.folder, stdin=subprocess.DEVNULL,
                    stdout=errors,
                    stderr=errors, preexec_fn=die_with_parent,
                    pass_fds=(com1_far.fileno(), qmp_far.fileno()))
        finally:
            com1_far.close()
            qmp_far.close()
        self.com1.setblocking(False)
        self.qmp.setblocking(False)
        self.control("qmp_capabilities")

    def control(self, command, **arguments):
        """Send a command to QEMU; answers are only read for events."""
        message = {"execute": command}
        if arguments:
            message["arguments"] = arguments
        try:
            self.qmp.send(json.dumps(message).encode() + b"\n")
        except OSError:
            pass

    def read_control(self):
        """Take in QEMU's events; False when the channel is closed."""
        while True:
            try:
                block = self.qmp.recv(65536)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not block:
                return False
            self.qmp_text += block
            if b'"guest-reset"' in self.qmp_text:
                self.reset_seen = True
            self.qmp_text = self.qmp_text[-65536:]

    def wait_end(self, seconds):
        """True when QEMU has ended by itself within so many seconds."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read_control()
            time.sleep(0.01)
        return self.process.poll() is not None

    def stop(self):
        """The end of QEMU and of what only it needed."""
        if self.process is not None and self.process.poll() is None:
            self.control("cont")
            self.control("quit")
            if not self.wait_end(5):
                self.process.kill()
                self.process.wait()
        if self.qmp is not None:
            self.read_control()
        for channel in (self.com1, self.qmp):
            if channel is not None:
                channel.close()
        self.com1 = self.qmp = None
        remove_large(self.folder)
        atexit.unregister(self.stop)

    def log_text(self):
        try:
            with open(self.log, "rb") as f:
                return f.read().decode("utf-8", "replace").replace("\r", "")
        except OSError:
            return ""

    def log_tail(self, lines=15):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def verdict(self):
        """Only after stop() or wait_end(): how QEMU ended, and why."""
        panic = symbols.panic_of(self.log, self.elf)
        status = self.process.returncode
        if panic is not None or status == PANIC_EXIT:
            return Verdict("panic", panic or "(the log holds no panic text)")
        if status not in (0, None):
            with open(self.folder + "/qemu", "rb") as f:
                said = f.read().decode("utf-8", "replace").strip()
            return Verdict("failed", "QEMU ended with status %d%s"
                           % (status, ": " + said if said else ""))
        return Verdict("reset" if self.reset_seen else "off")
