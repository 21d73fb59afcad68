# SPDX-License-Identifier: MIT
# Copyright The Kochab authors
#
# What is generated from abi/<service>.idl: one header with the numbers, the
# client's stubs and the server's decoding, and one for the fuzzer.
#
# Word 0 of a request is opcode | version << 16 | request id << 32, of a reply
# the status. Every other word is one argument or result. A buffer argument is
# offset << 32 | length within the session's buffer.

from emit_syscalls import FAIL, NOTE, each, from_word, guarded, note, result_name, signature
from parse import CTYPES, SCALARS

BUFFERS = ("bytes", "in", "out")


def words(args):
    return [a for a in args if a.kind != "cap"]


def caps(args):
    return [a for a in args if a.kind == "cap"]


def field_type(arg):
    return "struct handle" if arg.kind == "cap" else CTYPES[arg.kind]


def structs(service, call):
    out = ""
    for what, args in ("args", call.args), ("result", call.results):
        if not args:
            continue
        out += f"\nstruct {service}_{call.name}_{what} {{\n"
        for a in args:
            if a.kind in BUFFERS:
                const = "" if a.kind == "out" else "const "
                out += f"\t{const}u8 *{a.name};\n\tu32 {a.name}_bytes;\n"
            else:
                out += f"\t{field_type(a)} {a.name};\n"
        out += "};\n"
    return out


def range_check(arg, word):
    """A C condition that is true if the word is out of the type's range."""
    bits = SCALARS[arg.kind]
    return f"{word} >> {bits}" if bits < 64 else ""


def copied(call, arg):
    """How many bytes of an out buffer the reply says were filled."""
    for result in call.results:
        if result.name in ("done", arg.name + "_done"):
            return f"m_.word[{1 + words(call.results).index(result)}]"
    return f"{arg.name}_bytes"


def client(interface, call):
    service, upper = interface.name, interface.name.upper()
    parameters, body, after = ["struct session *session_"], "", ""
    if any(a.kind in BUFFERS and not a.lend for a in call.args):
        body += "\tsession_->used = 0;\n"
    for i, a in enumerate(words(call.args), 1):
        n = a.name
        if a.kind not in BUFFERS:
            parameters.append(f"{CTYPES[a.kind]} {n}")
            body += f"\tm_.word[{i}] = (u64){n};\n"
            continue
        if a.lend:
            parameters.append(f"u32 {n}_offset, u32 {n}_bytes")
            body += f"\tm_.word[{i}] = (u64){n}_offset << 32 | {n}_bytes;\n"
            continue
        const = "" if a.kind == "out" else "const "
        parameters.append(f"{const}void *{n}, u32 {n}_bytes")
        action = f"reserve(session_, {n}_bytes, &m_.word[{i}], &{n}_place)" if a.kind == "out" \
            else f"put(session_, {n}, {n}_bytes, &m_.word[{i}])"
        body += f"\tu8 *{n}_place;\n" if a.kind == "out" else ""
        body += f"\tstatus_ = session_{action};\n" + FAIL
        if a.kind == "out":
            count = copied(call, a)
            if count != f"{n}_bytes":
                after += f"\tif ({count} > {n}_bytes)\n\t\treturn ERR_PROTOCOL;\n"
            after += f"\tif ({count})\n\t\tmemcpy({n}, {n}_place, {count});\n"
    for i, a in enumerate(caps(call.args + call.results)):
        parameters.append(f"struct handle {a.name}")
        body += (f"\tif ({a.name}.value > 0xffff)\n\t\treturn ERR_ARGUMENT;\n"
                 f"\tm_.slot[{i}] = (u16){a.name}.value;\n")
    results = words(call.results)
    parameters += [f"{CTYPES[r.kind]} *{result_name(call, r)}" for r in results]
    out = "\n" + signature(f"static inline enum status {service}_{call.name}", parameters) + "\n{\n"
    out += (f"\tstruct message m_ = {{.word[0] = {upper}_{call.name.upper()},\n"
            f"\t\t.nwords = {1 + len(words(call.args))}, .ncaps = {len(caps(call.args))}}};\n"
            "\tenum status status_;\n\n" + body)
    out += "\tstatus_ = session_call(session_, &m_);\n" + FAIL
    wrong = [f"m_.nwords != {1 + len(results)}", f"m_.ncaps != {len(caps(call.results))}"]
    wrong += filter(None, (range_check(r, f"m_.word[{i}]") for i, r in enumerate(results, 1)))
    out += f"\tif ({' || '.join(wrong)})\n\t\treturn ERR_PROTOCOL;\n" + after
    for i, r in enumerate(results, 1):
        name = result_name(call, r)
        out += f"\tif ({name})\n\t\t*{name} = {from_word(r, f'm_.word[{i}]')};\n"
    return out + "\treturn STATUS_OK;\n}\n"


def reply(service, call):
    """The encoder of one call's reply, also for deferred answers."""
    result = call.results
    out = f"\n// Turn m into the reply to {call.name}; result matters only with STATUS_OK.\n"
    parameters = ["struct message *m", "enum status status"]
    parameters += [f"const struct {service}_{call.name}_result *result"] if result else []
    out += signature(f"static inline void {service}_{call.name}_reply", parameters) + "\n{\n"
    out += f"\tif (!service_reply(m, status, {1 + len(words(result))}, {len(caps(result))}))\n\t\treturn;\n"
    out += "".join(f"\tm->word[{i}] = (u64)result->{r.name};\n" for i, r in enumerate(words(result), 1))
    out += "".join(f"\tm->slot[{i}] = (u16)result->{r.name}.value;\n" for i, r in enumerate(caps(result)))
    return out + "}\n"


def op_type(service, call):
    parameters = ["void *context"]
    parameters += [f"const struct {service}_{call.name}_args *args"] if call.args else []
    parameters += [f"struct {service}_{call.name}_result *result"] if call.results else []
    return signature(f"enum status (*{call.name})", parameters)


def serve(service, call):
    full, used = f"{service}_{call.name}", ["context"]
    out = (f"\nstatic inline enum status {full}_serve(const struct {service}_ops *ops, void *context,\n"
           "\tconst struct service_session *session, struct message *m)\n{\n\tenum status status;\n")
    if call.args:
        out += f"\tstruct {full}_args args;\n"
        used.append("&args")
    if call.results:
        out += f"\tstruct {full}_result result = {{}};\n"
        used.append("&result")
    out += (f"\n\tif (!ops->{call.name})\n\t\treturn ERR_NOSYS;\n"
            f"\tif (m->nwords != {1 + len(words(call.args))} || m->ncaps != {len(caps(call.args))})\n"
            "\t\treturn ERR_PROTOCOL;\n")
    if not any(a.kind in BUFFERS for a in call.args):
        out += "\t(void)session;\n"
    for i, a in enumerate(words(call.args), 1):
        if a.kind in BUFFERS:
            const = "" if a.kind == "out" else "(const u8 *)"
            out += (f"\tstatus = service_range(session, m->word[{i}]);\n"
                    "\tif (status != STATUS_OK)\n\t\treturn status;\n"
                    f"\targs.{a.name}_bytes = (u32)m->word[{i}];\n"
                    f"\targs.{a.name} = {const}(session->buffer ? session->buffer + (m->word[{i}] >> 32) : nullptr);\n")
            continue
        check = range_check(a, f"m->word[{i}]")
        if check:
            out += f"\tif ({check})\n\t\treturn ERR_ARGUMENT;\n"
        out += f"\targs.{a.name} = {from_word(a, f'm->word[{i}]')};\n"
    for i, a in enumerate(caps(call.args)):
        out += f"\targs.{a.name} = (struct handle){{m->slot[{i}]}};\n"
    out += f"\tstatus = ops->{call.name}({', '.join(used)});\n"
    out += "\tif (status != STATUS_DEFERRED)\n"
    out += f"\t\t{full}_reply(m, status{', &result' if call.results else ''});\n"
    return out + "\treturn status;\n}\n"


def service_h(interface):
    service, upper = interface.name, interface.name.upper()
    out = note(
        interface, "", *interface.doc, "",
        f"Clients call {service}_<call>(); a result's pointer may be nullptr. A cap result's",
        "argument is the empty slot in which it shall arrive. Servers fill a",
        f"struct {service}_ops and give each received message to {service}_dispatch(), which",
        "checks it fully, calls the op and leaves the reply in the message. An op that",
        "answers later returns STATUS_DEFERRED; the server then saves the reply and uses",
        f"{service}_<call>_reply(). Memory behind a buffer argument is shared with the client",
        "and may change at any time: copy what is checked.")
    out += ('\n#include "abi/message.h"\n#include "lib/base/session_buffer.h"\n'
            '#include "lib/base/status.h"\n#include "lib/base/string.h"\n#include "lib/base/types.h"\n'
            '#include "lib/ipc/session.h"\n\n')
    out += f"#define {upper}_VERSION {interface.version}\n"
    for name, value, doc in interface.consts:
        out += "".join(f"// {line}\n" for line in doc)
        out += f"#define {upper}_{name.upper()} {value:#x}\n"
    if interface.events:
        out += "\n// Signals of the session's notification.\nenum {\n"
        for name, bit, doc in interface.events:
            out += "".join(f"\t// {line}\n" for line in doc)
            out += f"\t{upper}_EVENT_{name.upper()} = {bit}, // bit number\n"
        out += "};\n"
    out += f"\nenum {service}_opcode {{\n" + each(f"\t{upper}_{{NAME}} = {{number}},\n", interface.calls)
    out += f"}};\n\nstatic inline const char *{service}_call_name(u64 opcode)\n{{\n\tswitch (opcode & 0xffff) {{\n"
    out += each(f'\tcase {{number}}:\n\t\treturn "{service}.{{name}}";\n', interface.calls)
    out += f'\tdefault:\n\t\treturn "{service}.unknown";\n\t}}\n}}\n'
    for call in interface.calls:
        out += structs(service, call)
    for call in interface.calls:
        out += "\n" + "".join(f"// {line}".rstrip() + "\n" for line in call.doc)
        out += client(interface, call)[1:]
    out += f"\n// A server's side of each call; nullptr: ERR_NOSYS.\nstruct {service}_ops {{\n"
    out += "".join(f"\t{op_type(service, c)};\n" for c in interface.calls) + "};\n"
    for call in interface.calls:
        out += reply(service, call) + serve(service, call)
    out += (f"\n// Check m, call the op, put the reply into m. Returns the status in the reply,\n"
            "// or STATUS_DEFERRED if m holds none yet.\n"
            f"static inline enum status {service}_dispatch(const struct {service}_ops *ops, void *context,\n"
            "\tconst struct service_session *session, struct message *m)\n{\n"
            "\tenum status status = ERR_PROTOCOL;\n\n"
            f"\tif (m->nwords >= 1 && (m->word[0] >> 16 & 0xffff) != {upper}_VERSION)\n"
            "\t\tstatus = ERR_VERSION;\n\telse if (m->nwords >= 1)\n\t\tswitch (m->word[0] & 0xffff) {\n")
    out += each(f"\t\tcase {upper}_{{NAME}}:\n"
                f"\t\t\tstatus = {service}_{{name}}_serve(ops, context, session, m);\n\t\t\tbreak;\n", interface.calls)
    out += ("\t\tdefault:\n\t\t\tstatus = ERR_NOSYS;\n\t\t}\n"
            "\tif (status != STATUS_OK && status != STATUS_DEFERRED)\n"
            "\t\tservice_reply(m, status, 1, 0);\n\treturn status;\n}\n")
    return guarded(out)


def fuzz_h(interface):
    """Ops that touch every byte they are given, and an entry for libFuzzer."""
    service = interface.name
    out = note(interface, "", "Feeds arbitrary bytes to the decoding of a request: the first 66 bytes",
               "are the message, the rest is the session's buffer. Each op touches all the",
               "bytes it may touch, so that a sanitizer sees a range that was not checked.")
    out += f'\n#include "gen/abi/{service}.h"\n'
    for call in interface.calls:
        parameters = op_type(service, call).split("(", 2)[2][:-1]
        out += f"\nstatic enum status {service}_fuzz_{call.name}({parameters})\n{{\n\t(void)context;\n"
        out += "".join(f"\tservice_touch_{'out' if a.kind == 'out' else 'in'}(args->{a.name}, args->{a.name}_bytes);\n"
                       for a in call.args if a.kind in BUFFERS)
        out += "\t(void)args;\n" if call.args else ""
        out += "\t*result = (typeof(*result)){};\n" if call.results else ""
        out += "\treturn STATUS_OK;\n}\n"
    out += f"\nstatic const struct {service}_ops {service}_fuzz_ops = {{\n"
    out += each(f"\t.{{name}} = {service}_fuzz_{{name}},\n", interface.calls) + "};\n"
    out += (f"\nstatic inline void {service}_fuzz_one(const u8 *data, usize bytes)\n{{\n"
            "\tstruct message m;\n\tu8 buffer[bytes + 1];\n"
            "\tstruct service_session session = service_fuzz_input(data, bytes, &m, buffer);\n\n"
            f"\t(void){service}_dispatch(&{service}_fuzz_ops, nullptr, &session, &m);\n"
            f"\t(void){service}_call_name(m.word[0]);\n}}\n")
    return guarded(out)


def services_h(interfaces):
    """A table of all services for the fuzzer."""
    out = NOTE.format("abi/*.idl") + "\n"
    out += "".join(f'#include "gen/fuzz/{i.name}_decode.h"\n' for i in interfaces)
    out += "\nstatic void (*const service_fuzzers[])(const u8 *data, usize bytes) = {\n"
    return guarded(out + "".join(f"\t{i.name}_fuzz_one,\n" for i in interfaces) + "};\n")
