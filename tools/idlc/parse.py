# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# The reader of the interface language: abi/*.idl and the name lists abi/*.def.
# parse_file() gives an Interface or raises IdlError("file:line: what is wrong").
# The language is described in tools/idlc/README.md.

import re
from dataclasses import dataclass, field

SCALARS = {"u64": 64, "u32": 32, "u16": 16, "u8": 8, "i64": 64, "bool": 1}
CTYPES = {"u64": "u64", "u32": "u32", "u16": "u16", "u8": "u8", "i64": "i64",
          "bool": "bool", "slot": "struct handle", "uaddr": "struct uaddr",
          "handle": "struct handle"}
MAX_SYSCALLS = 50          # the kernel's budget
MAX_ARGS, MAX_RESULTS, MAX_CAPS = 7, 6, 4   # of results, a message holds 7
C_WORDS = set("""auto bool break case char const continue default do double
else enum extern false float for goto if inline int long nullptr register
restrict return short signed sizeof static struct switch true typedef union
unsigned void volatile while self cap out""".split())
TOKEN = re.compile(r"""(?P<space>[ \t\r]+)|(?P<newline>\n)|(?P<comment>//[^\n]*)
  |(?P<arrow>(?<=\s)->)|(?P<number>0x[0-9a-fA-F]+|[0-9]+)|(?P<word>[A-Za-z_]\w*)
  |(?P<mark>[()<>,:|=?-])""", re.X)


class IdlError(Exception):
    pass


@dataclass
class Arg:
    kind: str              # a scalar, slot, uaddr, handle, cap, bytes, in, out
    name: str
    object: str = ""       # handle and cap: the object type, in lower case
    rights: list = field(default_factory=list)
    optional: bool = False
    lend: bool = False     # the data lies in the session's buffer already
    line: int = 0

    def text(self):
        if self.kind == "handle":
            mark = "?" if self.optional else ""
            return f"handle{mark}<{self.object}:{rights_text(self)}> {self.name}"
        if self.kind == "cap":
            return f"cap {self.name}: {self.object} {rights_text(self)}"
        return ("lend " if self.lend else "") + f"{self.kind} {self.name}"


@dataclass
class Call:
    name: str
    number: int
    line: int
    doc: list = field(default_factory=list)
    object: str = "none"
    rights: list = field(default_factory=list)
    raw: bool = False
    args: list = field(default_factory=list)
    results: list = field(default_factory=list)
    errors: list = field(default_factory=list)


@dataclass
class Interface:
    path: str
    kind: str = ""         # "syscalls" or "service"
    name: str = "syscall"
    version: int = 0
    doc: list = field(default_factory=list)
    calls: list = field(default_factory=list)
    events: list = field(default_factory=list)     # (name, bit, doc)
    consts: list = field(default_factory=list)     # (name, value, doc)


def rights_text(thing):
    return "|".join(thing.rights) or "-"


def parse_def(text, macro):
    """The (name, number, text) triples of MACRO(NAME, number, "text")."""
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
    return [(name, int(number), re.findall('"([^"]*)"', rest)[-1])
            for name, number, rest in re.findall(
                macro + r"\((\w+),\s*([0-9]+),\s*([^\n]*)\)", text)]


class Parser:
    def __init__(self, path, text, errors=(), rights=(), objects=()):
        self.path, self.at, self.tokens = path, 0, []
        self.known_errors, self.known_rights = set(errors), set(rights)
        self.known_objects = {name.lower() for name in objects}
        self.comments = {}     # line -> text, only for comment-only lines
        self.read_tokens(text)

    def fail(self, what, line=None):
        if line is None:
            line = self.tokens[min(self.at, len(self.tokens) - 1)][2]
        raise IdlError(f"{self.path}:{line}: {what}")

    def read_tokens(self, text):
        line, at, fresh = 1, 0, True
        while at < len(text):
            match = TOKEN.match(text, at)
            if not match:
                raise IdlError(f"{self.path}:{line}: unexpected character "
                               f"'{text[at]}'")
            kind, at = match.lastgroup, match.end()
            if kind == "newline":
                line, fresh = line + 1, True
            elif kind == "comment":
                if fresh:
                    self.comments[line] = re.sub("^// ?", "", match.group())
            elif kind != "space":
                self.tokens.append((kind, match.group(), line))
                fresh = False
        self.tokens.append(("end", "end of file", line))

    def peek(self):
        return self.tokens[self.at][1] if self.tokens[self.at][0] != "end" \
            else None

    def accept(self, text):
        if self.peek() == text:
            self.at += 1
            return True
        return False

    def expect(self, text):
        if not self.accept(text):
            self.fail(f"expected '{text}', found '{self.tokens[self.at][1]}'")

    def word(self, what):
        kind, text, _ = self.tokens[self.at]
        if kind != "word":
            self.fail(f"expected {what}, found '{text}'")
        self.at += 1
        return text

    def name(self, what):
        text = self.word(what)
        if not re.fullmatch("[a-z]([a-z0-9_]*[a-z0-9])?", text):
            self.fail(f"{what} '{text}' must be in lower case, not ending in _",
                      self.tokens[self.at - 1][2])
        if text in C_WORDS:
            self.fail(f"{what} '{text}' is a reserved word",
                      self.tokens[self.at - 1][2])
        return text

    def number(self, limit):
        kind, text, _ = self.tokens[self.at]
        if kind != "number":
            self.fail(f"expected a number, found '{text}'")
        if int(text, 0) > limit:
            self.fail(f"{text} is larger than {limit}")
        self.at += 1
        return int(text, 0)

    def doc_above(self, line):
        lines, line = [], line - 1
        while line in self.comments:
            lines.insert(0, self.comments[line])
            line -= 1
        return lines

    def rights(self):
        if self.accept("-"):
            return []
        found = []
        while True:
            right = self.word("a right or '-'")
            if right not in self.known_rights:
                self.fail(f"unknown right '{right}' (abi/rights.def)",
                          self.tokens[self.at - 1][2])
            if right in found:
                self.fail(f"right {right} named twice")
            found.append(right)
            if not self.accept("|"):
                return found

    def object_type(self, extra):
        text = self.word("an object type")
        if text not in self.known_objects and text not in extra:
            self.fail(f"unknown object type '{text}' (abi/objects.def)",
                      self.tokens[self.at - 1][2])
        return text

    def arg(self, kind, result):
        line = self.tokens[self.at][2]
        word = self.word("an argument type")
        if word in SCALARS:
            return Arg(word, self.name("argument name"), line=line)
        if kind == "syscalls" and not result:
            if word in ("slot", "uaddr"):
                return Arg(word, self.name("argument name"), line=line)
            if word == "handle":
                arg = Arg(word, "", "any", line=line)
                arg.optional = self.accept("?")
                if self.accept("<"):
                    arg.object = self.object_type({"any"})
                    self.expect(":")
                    arg.rights = self.rights()
                    self.expect(">")
                arg.name = self.name("argument name")
                return arg
        if kind == "syscalls" and result and word == "slot":
            return Arg(word, self.name("result name"), line=line)
        if kind == "service" and word == "cap":
            arg = Arg(word, self.name("argument name"), line=line)
            self.expect(":")
            arg.object = self.object_type({"any"})
            arg.rights = self.rights()
            return arg
        if kind == "service" and not result:
            lend = word == "lend"
            if lend:
                word = self.word("'in' or 'out'")
            if word in ("in", "out") or (word == "bytes" and not lend):
                return Arg(word, self.name("argument name"), lend=lend,
                           line=line)
        self.fail(f"unknown type '{word}' for {'a result' if result else 'an argument'}"
                  f" of {'a system call' if kind == 'syscalls' else 'a service call'}",
                  line)

    def arg_list(self, kind, result):
        found, names = [], set()
        self.expect("(")
        while not self.accept(")"):
            if found:
                self.expect(",")
            arg = self.arg(kind, result)
            buffer = arg.kind in ("bytes", "in", "out")
            for name in [arg.name] + [arg.name + end for end in ("_bytes", "_offset") if buffer]:
                if name in names:
                    self.fail(f"'{name}' appears twice", arg.line)
                names.add(name)
            found.append(arg)
        return found

    def call(self, interface):
        line = self.tokens[self.at - 1][2]
        call = Call(self.name("call name"), 0, line, self.doc_above(line))
        self.expect("=")
        call.number = self.number(127 if interface.kind == "syscalls" else 0xffff)
        if interface.kind == "syscalls":
            self.expect("on")
            call.object = self.object_type({"any", "none"})
            call.rights = self.rights()
            if call.object == "none" and call.rights:
                self.fail("a call on none cannot ask for rights", line)
            call.raw = self.accept("raw")
        call.args = self.arg_list(interface.kind, False)
        if self.accept("->"):
            call.results = self.arg_list(interface.kind, True)
        if self.accept("errors"):
            while self.tokens[self.at][1].isupper():
                error = self.word("an error")
                if error not in self.known_errors:
                    self.fail(f"unknown error '{error}' (abi/errors.def)",
                              self.tokens[self.at - 1][2])
                if error in call.errors:
                    self.fail(f"error {error} named twice",
                              self.tokens[self.at - 1][2])
                call.errors.append(error)
        if not call.doc:
            self.fail(f"call {call.name} has no comment above it", line)
        self.check_counts(interface, call)
        return call

    def check_counts(self, interface, call):
        args = [a for a in call.args if a.kind != "cap"]
        results = [r for r in call.results if r.kind != "cap"]
        ncaps = len(call.args + call.results) - len(args + results)
        kernel = interface.kind == "syscalls"
        for count, limit, what in ((len(args), MAX_ARGS, "arguments"),
                                   (len(results), MAX_RESULTS + (not kernel), "results"),
                                   (ncaps, MAX_CAPS, "capabilities, both ways counted")):
            if count > limit and not call.raw:
                self.fail(f"call {call.name} has {count} {what}, at most {limit} fit", call.line)

    def unique(self, seen, key, what, line):
        if key in seen:
            self.fail(f"{what} {key} is used twice (first in line "
                      f"{seen[key]})", line)
        seen[key] = line

    def parse(self):
        interface = Interface(self.path)
        first = self.tokens[0][2]
        interface.doc = [text for line, text in sorted(self.comments.items())
                         if line < first and not text.startswith(
                             ("SPDX-License-Identifier", "Copyright "))]
        interface.kind = self.word("'syscalls' or 'service'")
        if interface.kind == "service":
            interface.name = self.name("service name")
            self.expect("version")
            interface.version = self.number(0xffff)
        elif interface.kind != "syscalls":
            self.fail(f"expected 'syscalls' or 'service', found "
                      f"'{interface.kind}'", first)
        names, numbers, bits = {}, {}, {}
        while self.peek():
            line = self.tokens[self.at][2]
            word = self.word("'call'")
            if word == "call":
                call = self.call(interface)
                self.unique(names, call.name, "name", line)
                self.unique(numbers, call.number, "number", line)
                interface.calls.append(call)
            elif word in ("event", "const") and interface.kind == "service":
                name = self.name(f"{word} name")
                self.unique(names, name, "name", line)
                self.expect("=")
                value = self.number(63 if word == "event" else 2**64 - 1)
                if word == "event":
                    self.unique(bits, value, "event bit", line)
                getattr(interface, word + "s").append(
                    (name, value, self.doc_above(line)))
            else:
                self.fail(f"unknown word '{word}'", line)
        if interface.kind == "syscalls" and len(interface.calls) > MAX_SYSCALLS:
            self.fail(f"{len(interface.calls)} system calls, the budget is "
                      f"{MAX_SYSCALLS}")
        return interface
