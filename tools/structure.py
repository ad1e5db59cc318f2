#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The architecture as a test: who includes whom, what pure code must not know, and sizes.

Prints one line for each breach and exits with 1 if there is any.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE_MAX, FUNCTION_MAX, FILE_MAX = 100, 70, 600

# What each module may include besides itself. `protocol/<name>` counts as its own module.
MAY_INCLUDE = {
    "base": "",
    "crypto": "base",
    "libp2p": "base crypto",
    "primitives": "base crypto",
    "trie": "base crypto primitives",
    "chain": "base crypto primitives trie",
    "protocol": "base crypto primitives",
    "protocol/moderntensor": "base crypto primitives protocol",
    "peers": "base",
    "mempool": "base primitives chain",
    "relay": "base crypto primitives protocol",
    "sync": "base crypto primitives trie chain protocol",
    "validator": "base crypto primitives chain",
    "engine": "base crypto primitives trie chain protocol peers mempool relay sync validator",
    "io": "base",
    "transport": "base io",
    "storage": "base crypto primitives trie chain",
    "rpc": "base crypto primitives io",
    "node": "base crypto primitives trie chain protocol peers mempool relay sync validator engine io "
            "transport storage rpc libp2p",
    "cli": "base crypto primitives chain protocol io node engine rpc libp2p",
}
EDGE = {"io", "transport", "storage", "rpc", "metrics", "node", "cli"}
# Deterministic code has no use for any of these.
IMPURE = re.compile(r"<(thread|mutex|shared_mutex|condition_variable|future|filesystem|fstream|"
                    r"iostream|boost/asio.*|boost/beast.*|spdlog/.*|unistd\.h|sys/.*|netinet/.*)>")
CLOCKS = re.compile(r"\b(steady_clock|system_clock|high_resolution_clock)::now\b|\brandom_device\b")
INCLUDE = re.compile(r'^\s*#include\s+(?:"([^"]+)"|(<[^>]+>))')


def module_of(path: pathlib.PurePath) -> str:
    parts = path.parts
    if len(parts) > 2 and f"{parts[0]}/{parts[1]}" in MAY_INCLUDE:
        return f"{parts[0]}/{parts[1]}"
    return parts[0]


def is_test(path: pathlib.PurePath) -> bool:
    """Tests and their support may use whatever helps them."""
    support = ("_test.cpp", "_fuzz.cpp", "fixture.hpp", "test_chain.cpp", "test_chain.hpp", "testing.hpp",
               "conformance.hpp", "vectors.hpp", "reference_trie.hpp", "temporary_directory.hpp")
    folders = {"conformance", "contract"}
    name = path.name
    return name.endswith(support) or bool(folders & set(path.parts)) or "consensus_" in name or "_world" in name


def check_includes(path, text, breaches):
    module = module_of(path)
    if module not in MAY_INCLUDE:
        breaches.append(f"{path}: module {module} has no row in tools/structure.py")
        return
    allowed = set(MAY_INCLUDE[module].split()) | {module}
    if str(path) == "protocol/registry.cpp":
        allowed |= {row for row in MAY_INCLUDE if row.startswith("protocol/")}
    for number, line in enumerate(text, 1):
        found = INCLUDE.match(line)
        if found and found.group(1) and "/" in found.group(1) and not found.group(1).startswith("sennit/"):
            target = module_of(pathlib.PurePath(found.group(1)))
            if target not in allowed:
                breaches.append(f"{path}:{number}: {module} may not include {target}")
        if found and found.group(2) and module not in EDGE and IMPURE.fullmatch(found.group(2)):
            breaches.append(f"{path}:{number}: pure module includes {found.group(2)}")
        if found and found.group(2) and "boost/beast" in found.group(2) and module != "io":
            breaches.append(f"{path}:{number}: only io includes Beast")
        if CLOCKS.search(line) and module not in EDGE:
            breaches.append(f"{path}:{number}: pure code asks for the time or for chance")


def check_names(path, text, breaches):
    """Protocols and transports are named by their registries, their own folders and nobody else."""
    registry = {"protocol": "protocol/registry.cpp", "transport": "transport/registry.cpp"}
    for shelf, home in registry.items():
        names = [p.name for p in (ROOT / "src" / shelf).iterdir()
                 if p.is_dir() and p.name not in ("framing", "conformance", "skeletons")]
        if str(path) == home:
            continue
        for number, line in enumerate(text, 1):
            found = INCLUDE.match(line)
            if not found or not found.group(1):
                continue
            for name in names:
                inside = str(path).startswith(f"{shelf}/{name}/")
                if found.group(1).startswith(f"{shelf}/{name}/") and not inside:
                    breaches.append(f"{path}:{number}: only {home} may name {shelf}/{name}")


def check_sizes(path, text, breaches):
    if len(text) > FILE_MAX:
        breaches.append(f"{path}: {len(text)} lines, at most {FILE_MAX}")
    start = None
    for number, line in enumerate(text, 1):
        if len(line) > LINE_MAX:
            breaches.append(f"{path}:{number}: {len(line)} columns, at most {LINE_MAX}")
        opens = line.endswith("{") and not line.startswith((" ", "namespace", "struct", "class", "enum", "union",
                                                             "extern", "}", "#", "template", "constexpr", "/"))
        if opens and start is None:
            start = number
        if line == "}" and start is not None:
            if number - start - 1 > FUNCTION_MAX:
                breaches.append(f"{path}:{start}: function of {number - start - 1} lines, at most {FUNCTION_MAX}")
            start = None


def check_cycles(breaches):
    def visit(module, trail):
        if module in trail:
            breaches.append("cycle in MAY_INCLUDE: " + " -> ".join(trail + [module]))
            return
        for other in MAY_INCLUDE.get(module, "").split():
            if not breaches:
                visit(other, trail + [module])

    for module in MAY_INCLUDE:
        visit(module, [])


def main():
    breaches = []
    check_cycles(breaches)
    files = sorted(p for p in (ROOT / "src").rglob("*") if p.suffix in (".hpp", ".cpp"))
    for file in files:
        path = file.relative_to(ROOT / "src")
        text = file.read_text(encoding="utf-8").splitlines()
        check_sizes(path, text, breaches)
        if not is_test(path):
            check_includes(path, text, breaches)
            check_names(path, text, breaches)
    for breach in breaches:
        print(breach)
    print(f"{len(files)} files, {len(breaches)} breaches")
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
