# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The interface generator.
#
#   python3 tools/idlc -o build/x86_64-release/gen abi/     everything
#   python3 tools/idlc --layout abi/                        print the layout text
#
# With -o, abi/layout.txt must equal what --layout prints. Files whose content
# does not change keep their time, so that nothing is compiled again for them.

import argparse
import difflib
import os
import pathlib
import sys

import emit_services
import emit_syscalls
import emit_text
from parse import IdlError, Parser, parse_def


def read(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def load(folder):
    lists = {}
    for name, macro in ("errors", "ERROR"), ("rights", "RIGHT"), ("objects", "OBJECT"):
        lists[name] = parse_def(read(folder / f"{name}.def"), macro)
    known = {key: [name for name, _, _ in found] for key, found in lists.items()}
    interfaces = []
    for path in sorted(folder.glob("*.idl"), key=lambda p: (p.stem != "syscall", p.stem)):
        interface = Parser(str(path), read(path), **known).parse()
        if path.stem != interface.name:
            raise IdlError(f"{path}:1: service {interface.name} must be in {interface.name}.idl")
        interfaces.append(interface)
    return interfaces, lists


def generate(interfaces, lists):
    """A dictionary from path below gen/ to text."""
    files = {"abi/objects.h": emit_syscalls.objects_h(lists["objects"]),
             "abi/rights.h": emit_syscalls.rights_h(lists["rights"])}
    for i in interfaces:
        section = 2 if i.kind == "syscalls" else 3
        for call in i.calls:
            page = call.name if section == 2 else f"{i.name}.{call.name}"
            files[f"man/{page}.{section}.txt"] = emit_text.man_page(i, call, section, lists["errors"])
        if i.kind == "syscalls":
            files["abi/syscall_nr.h"] = emit_syscalls.syscall_nr_h(i)
            files["abi/syscall_names.h"] = emit_syscalls.syscall_names_h(i)
            files["abi/syscall_stubs.h"] = emit_syscalls.syscall_stubs_h(i)
            files["kernel/syscall_decode.h"] = emit_syscalls.syscall_decode_h(i)
            files["kernel/syscall_decode.c"] = emit_syscalls.syscall_decode_c(i)
            files["fuzz/syscall_desc.h"] = emit_syscalls.syscall_desc_h(i)
            files["tests/conformance_list.txt"] = emit_syscalls.conformance_list(i)
        else:
            files[f"abi/{i.name}.h"] = emit_services.service_h(i)
            files[f"fuzz/{i.name}_decode.h"] = emit_services.fuzz_h(i)
    files["fuzz/services.h"] = emit_services.services_h([i for i in interfaces if i.kind == "service"])
    return files


def write(output, files):
    for name, text in files.items():
        path = output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or read(path) != text:
            fresh = path.with_name(f".{path.name}.{os.getpid()}")   # another make may be reading
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(path)
    for folder in ("abi", "fuzz", "kernel", "man", "tests"):
        for path in (output / folder).glob("*"):
            if f"{folder}/{path.name}" not in files and not path.name.startswith("."):
                path.unlink(missing_ok=True)


def main():
    parser = argparse.ArgumentParser(prog="idlc", description="Kochab's interface generator")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="folder for the generated files")
    parser.add_argument("--layout", action="store_true", help="print the layout text and stop")
    parser.add_argument("abi", type=pathlib.Path, help="folder with the .idl and .def files")
    options = parser.parse_args()
    try:
        interfaces, lists = load(options.abi)
    except (IdlError, OSError) as error:
        sys.exit(f"idlc: {error}")
    layout = emit_text.layout(interfaces)
    if options.layout:
        sys.stdout.write(layout)
        return
    if not options.output:
        parser.error("-o is missing")
    write(options.output, generate(interfaces, lists))
    kept = options.abi / "layout.txt"
    old = read(kept) if kept.exists() else ""
    if old != layout:
        sys.stderr.writelines(difflib.unified_diff(
            old.splitlines(True), layout.splitlines(True), str(kept), "what the .idl files say"))
        sys.exit(f"idlc: the interface changed. If that is meant: make layout, commit {kept}, and note it in CHANGES")


if __name__ == "__main__":
    main()
