# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# What people read: a manual page for each call, and abi/layout.txt, the short
# text in which a change of the interface shows.

import re
import textwrap

from parse import rights_text


def paragraphs(lines):
    """Comment lines, filled; an empty line separates, an indented one is kept."""
    out, flow = [], []
    for line in lines + [""]:
        if line and not line.startswith("  "):
            flow.append(line)
            continue
        if flow:
            out += [f"    {x}" for x in textwrap.wrap(" ".join(flow), 72)]
            flow = []
        out.append("    " + line if line else "")
    while out and not out[-1]:
        out.pop()
    return out


def summary(call):
    text = re.split(r"(?<=[.])\s", " ".join(call.doc) + " ")[0].strip().rstrip(".")
    return textwrap.shorten(text, 60, placeholder=" …")


def describe(arg):
    words = {"slot": "number of a slot of the caller's own cnode", "uaddr": "address in the caller's space",
             "bool": "0 or 1", "bytes": "bytes, copied", "in": "bytes read by the service",
             "out": "bytes written by the service"}
    if arg.kind in ("handle", "cap"):
        text = f"capability of type {arg.object}, rights {rights_text(arg)}"
        return text + (", or 0 for none" if arg.optional else "")
    text = words.get(arg.kind, arg.kind)
    return text + (", in the session's buffer" if arg.lend else "")


def man_page(interface, call, section, errors):
    kernel = interface.kind == "syscalls"
    name = call.name if kernel else f"{interface.name}.{call.name}"
    prefix = "sys_" if kernel else interface.name + "_"
    first = [] if kernel and call.object == "none" else ["self" if kernel else "session"]
    title = f"{name}({section})"
    out = [title + "Kochab Manual".center(78 - 2 * len(title)) + title, "", "NAME", f"    {name} - {summary(call)}", "", "SYNOPSIS"]
    out.append(f'    #include "gen/abi/{"syscall_stubs" if kernel else interface.name}.h"')
    what = f"{prefix}{call.name}({', '.join(first + [a.text() for a in call.args])})"
    out += textwrap.wrap(what, 74, initial_indent="    ", subsequent_indent="        ", break_on_hyphens=False)
    if call.results:
        out.append("        -> " + ", ".join(r.text() for r in call.results))
    out += ["", "DESCRIPTION"] + paragraphs(call.doc)
    if getattr(call, "raw"):
        out += ["", "    This call has a stub and a kernel entry of its own; see abi/message.h."]
    for head, args in ("ARGUMENTS", call.args), ("RESULTS", call.results):
        if args:
            out += ["", head] + [f"    {a.name:<18} {describe(a)}" for a in args]
    out += ["", "ERRORS"]
    texts = {n: t for n, _, t in errors}
    implied = [] if not kernel else ["ARGUMENT"] * bool(call.args)
    if kernel and call.object != "none" or any(a.kind == "handle" for a in call.args):
        implied = ["HANDLE", "TYPE", "RIGHTS"] + implied
    if not kernel:
        implied = ["PROTOCOL", "VERSION", "NOSYS", "PEER_GONE", "PEER_RESTARTED", "TIMEOUT"]
    for error in dict.fromkeys(call.errors + implied):
        out.append(f"    ERR_{error:<18} {texts.get(error, '')}")
    if len(out) and out[-1] == "ERRORS":
        out.append("    none")
    if kernel:
        out += ["", "RIGHTS"]
        out.append("    none: no capability is needed" if call.object == "none" else
                   f"    {rights_text(call)} on a capability of type {call.object}")
    related = [c.name for c in interface.calls
               if c is not call and c.name.split("_")[0] == call.name.split("_")[0]]
    if related:
        also = ", ".join((r if kernel else f"{interface.name}.{r}") + f"({section})" for r in related)
        out += ["", "SEE ALSO"] + textwrap.wrap(also, 74, initial_indent="    ", subsequent_indent="    ")
    where = f"kernel/ (sysk_{call.name})" if kernel else f"services/, drivers/: {interface.name}"
    return "\n".join(out + ["", "SOURCE", f"    {interface.path}:{call.line}, {where}", ""])


def layout(interfaces):
    out = ["# Every call that crosses a protection boundary. Written by tools/idlc --layout;",
           "# the build fails if it differs, so that a change of the interface is seen."]
    for i in interfaces:
        out += ["", i.kind if i.kind == "syscalls" else f"service {i.name} version {i.version}"]
        out += [f"  const {name} = {value:#x}" for name, value, _ in i.consts]
        out += [f"  event {name} = bit {bit}" for name, bit, _ in i.events]
        for c in sorted(i.calls, key=lambda c: c.number):
            on = f" on {c.object} {rights_text(c)}" if i.kind == "syscalls" else ""
            out.append(f"  {c.number:3} {c.name}{on}{' raw' * c.raw} ({', '.join(a.text() for a in c.args)})"
                       f" -> ({', '.join(r.text() for r in c.results)}) {' '.join(c.errors)}".rstrip())
    return "\n".join(out) + "\n"
