#!/usr/bin/env python3
"""Fails where the tree departs from the architecture that CMakeLists.txt states.

  * A module includes only modules that its USES list reaches; its tests also those that its
    TEST_USES list reaches.
  * A module line uses only modules that stand above it, so there are no circles.
  * Every folder below src that holds C++ has a module line.
  * Pure modules do not touch clocks, threads, files, randomness or hash order.
  * Third-party headers stay inside adapters and apps; elsewhere a .cc file may include what the
    LIBRARIES of its module name, and a header only fmt, Boost.JSON, Boost.Describe and its Mp11.
  * A header of an adapter that shows a third-party header is included by its own folder alone.

Usage: check_layers.py [root]. Prints "file:line: message" and exits with 1.
"""

import pathlib
import re
import sys

from tree_text import files_below, read_modules, without_comments_and_strings

PURE = ("base", "domain", "era", "nets", "parallel", "ledger", "report")
BOOST_ROOMS = ("adapters", "apps", "ledger", "base")

BANNED = re.compile(
    r"\b(?:system|steady|high_resolution|utc)_clock::now|\bfloat\b|\brandom_device\b"
    r"|(?<![\w.>:])(?:std::|::)?(?:time|rand|srand|getenv|clock|localtime|gettimeofday)\("
    r"|<(?:thread|mutex|shared_mutex|condition_variable|future|atomic|iostream|fstream"
    r"|filesystem|unordered_map|unordered_set)>"
    r"|\bunordered_(?:multi)?(?:map|set)\b|\bspdlog\b|\bboost/(?:asio|beast)\b"
    r"|\bstd::c(?:out|err|log)\b|\bthread_local\b")

ANYWHERE = re.compile(r"fmt/|boost/(?:describe|json|mp11)(?:/|\.)")
TEST_HEADER = re.compile(r"gtest/|gmock/|rapidcheck(?:/|\.)|benchmark/")
SYSTEM_HEADER = re.compile(
    r"(?:sys|net|netinet|arpa|linux|asm)/|(?:unistd|fcntl|signal|poll|dlfcn|pwd|grp|spawn|errno"
    r"|time|dirent|sched|termios|netdb|pthread|glob|syslog|getopt|ftw|stdlib|stdio|string"
    r"|stdint|limits|malloc|mntent)\.h$")
# What a .cc file may include when the LIBRARIES of its module name the library.
LIBRARY_OF_HEADER = (
    ("CLI/", "CLI11"), ("yaml-cpp/", "yaml-cpp"), ("sodium", "sodium"), ("openssl/", "OpenSSL"),
    ("sqlite3.h", "SQLite"), ("benchmark/", "benchmark"), ("google/protobuf/", "protobuf"),
    ("zlib.h", "ZLIB"))


def in_room(folder, rooms):
    return folder.split("/")[0] in rooms


class LayerCheck:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.cmake = (self.root / "CMakeLists.txt").read_text(encoding="utf-8")
        self.lines = read_modules(root)
        self.modules = {m.folder: m for m in self.lines if m.kind == "module"}
        self.errors = []
        self.orphans = set()  # Folders without a module line; each is reported once.
        self.inner_headers = set()  # Headers of adapters and apps that show third-party headers.

    def run(self):
        self.check_module_lines()
        sources = [self.read(path) for path in files_below(self.root)
                   if path.suffix in (".h", ".cc") and path.relative_to(self.root).parts[0]
                   in ("src", "tests", "bench")]
        for source in sources:
            self.note_inner_header(source)
        for source in sources:
            self.check_source(source)
        return self.errors

    def report(self, file, line, message):
        self.errors.append(f"{file}:{line}: {message}")

    def read(self, path):
        return Source(path.relative_to(self.root).as_posix(), path.read_text(encoding="utf-8"))

    def check_module_lines(self):
        above = set()
        for module in self.lines:
            for used in module.uses + module.test_uses:
                if problem := self.use_problem(module, used, above):
                    self.report("CMakeLists.txt", module.line, problem)
            above.add(module.folder)

    def use_problem(self, module, used, above):
        if used not in self.modules:
            return f"{module.folder} uses {used}, which is no module"
        if used in module.test_uses:
            return None
        if module.kind == "module" and used not in above:
            return f"{module.folder} uses {used}, which stands below it"
        if in_room(module.folder, PURE) and not in_room(used, PURE):
            return f"{module.folder} is pure and must not use {used}"
        return None

    def reach(self, folders):
        """Everything that `folders` lead to along USES, themselves included."""
        seen, waiting = set(), list(folders)
        while waiting:
            folder = waiting.pop()
            if folder not in seen:
                seen.add(folder)
                waiting += self.modules[folder].uses if folder in self.modules else []
        return seen

    def owner(self, source):
        """The module lines that compile `source`."""
        if source.room == "src":
            return [self.modules[source.folder]] if source.folder in self.modules else []
        return [m for m in self.lines if m.kind == "module_test" and m.folder == source.place
                or m.kind == "fuzz_target" and source.file in m.lists["SOURCES"]]

    def is_program(self, source):
        """Whether CMakeLists.txt builds `source` by hand into a program, where modules meet."""
        return source.room == "src" and (in_room(source.folder, ("apps",))
                                         or f"{source.place}/" in self.cmake)

    def note_inner_header(self, source):
        if source.is_header and in_room(source.folder, ("adapters", "apps")):
            if any(angle and self.is_third_party(name) for _, angle, name in source.includes):
                self.inner_headers.add(source.file.removeprefix("src/"))

    @staticmethod
    def is_third_party(name):
        is_standard = re.fullmatch(r"[a-z_0-9]+", name)
        return not (is_standard or SYSTEM_HEADER.match(name) or ANYWHERE.match(name))

    def check_source(self, source):
        owners = self.owner(source)
        if not owners and not self.is_program(source):
            if source.room == "src" and source.folder not in self.orphans:
                self.orphans.add(source.folder)
                self.report(source.file, 1, f"folder {source.folder} has no module line")
            return
        for line, angle, name in source.includes:
            problem = (self.angle_problem(source, owners, name) if angle
                       else self.quote_problem(source, owners, name))
            if problem:
                self.report(source.file, line, problem)
        if source.room == "src" and in_room(source.folder, PURE) and not source.is_test:
            for line, text in enumerate(source.code, 1):
                if match := BANNED.search(text):
                    self.report(source.file, line, f"not allowed in a pure module: {match[0]}")

    def quote_problem(self, source, owners, name):
        target = name.rpartition("/")[0]
        if re.search(r"\.pb\.h$", name):
            return (None if in_room(source.folder, ("adapters", "apps"))
                    else f"{name} is generated; only adapters and apps include it")
        if not target:
            return f'write the whole path: #include "{source.folder}/{name}"'
        if name in self.inner_headers and target != source.folder:
            return f"{name} shows third-party headers and is for {target} alone"
        if not owners:
            return None if target in self.modules else f"{target} is no module"
        allowed = self.reach([m.folder for m in owners] + [u for m in owners for u in m.uses])
        if source.is_test:
            allowed |= self.reach([u for m in owners for u in m.test_uses])
        if target not in allowed:
            return f"{source.place} must not include {target}"
        return None

    def angle_problem(self, source, owners, name):
        folder = source.folder
        if name.split("/")[0] in {m.split("/")[0] for m in self.modules} and name.endswith(".h"):
            return f'{name} is ours: include it with "quotes"'
        if in_room(folder, ("adapters", "apps")) or ANYWHERE.match(name):
            return None
        if source.is_test and TEST_HEADER.match(name):
            return None
        if SYSTEM_HEADER.match(name):
            closed = source.is_header or source.room == "src" and in_room(folder, PURE)
            return (f"<{name}> is of the operating system: not in a header or a pure module"
                    if closed and not source.is_test else None)
        if not self.is_third_party(name):
            return None
        if name.startswith("boost/"):
            allowed = in_room(folder, BOOST_ROOMS) and not source.is_header
            return None if allowed else f"<{name}> belongs into a .cc of {', '.join(BOOST_ROOMS)}"
        for prefix, library in LIBRARY_OF_HEADER:
            listed = any(library.lower() in used.lower() for m in owners for used in m.libraries)
            if name.startswith(prefix) and listed and not source.is_header:
                return None
        return f"<{name}> is third-party: it belongs into a .cc of adapters or apps"


class Source:
    """One C++ file: where it lies, what it includes, its lines without comments and strings."""

    def __init__(self, file, text):
        self.file = file
        self.room = file.split("/")[0]
        self.place = file.rpartition("/")[0]
        self.folder = self.place.removeprefix("src/") if self.room == "src" else self.place
        self.is_header = file.endswith(".h")
        self.is_test = self.room != "src" or file.endswith("_test.cc")
        self.code = without_comments_and_strings(text).split("\n")
        self.includes = []
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r'\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")', line)
            if match and self.code[number - 1].strip():
                self.includes.append((number, match[1] is not None, match[1] or match[2]))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    errors = LayerCheck(root).run()
    print("\n".join(errors) or "layers: ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
