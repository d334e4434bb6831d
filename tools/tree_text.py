"""What the checks of the tree share: the root's files, the module lines, and C++ text without its
comments and strings."""

import pathlib
import re

SKIPPED_FOLDERS = {".git", ".berth", ".ccache", "__pycache__", "build", "dist", "node_modules"}

_TOKEN = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|\b(?:u8|u|U|L)?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'",
    re.S)


def files_below(root):
    """Every file below `root`, sorted, without build outputs and other people's code."""
    found = []
    for path in sorted(pathlib.Path(root).iterdir()):
        if path.is_symlink() or path.name in SKIPPED_FOLDERS:
            continue
        found += files_below(path) if path.is_dir() else [path]
    return found


def without_comments_and_strings(text):
    """The same C++ text with comments removed and literals emptied; lines keep their numbers."""
    def blank(match):
        kept = "" if match[0].startswith("/") else match[0][-1] * 2
        return kept + "\n" * match[0].count("\n")
    return _TOKEN.sub(blank, text)


class Module:
    """A module(...), module_test(...) or fuzz_target(...) line of CMakeLists.txt."""

    def __init__(self, kind, words, line):
        self.kind, self.folder, self.line = kind, words[0], line
        self.lists = {"USES": [], "TEST_USES": [], "LIBRARIES": [], "SOURCES": []}
        current = None
        for word in words[1:]:
            if word in self.lists:
                current = self.lists[word]
            elif current is not None:
                current.append(word)
        self.uses = self.lists["USES"]
        self.test_uses = self.lists["TEST_USES"]
        self.libraries = self.lists["LIBRARIES"]


def read_modules(root):
    """The module lines of CMakeLists.txt, in order."""
    text = (pathlib.Path(root) / "CMakeLists.txt").read_text(encoding="utf-8")
    text = re.sub(r"#[^\n]*", "", text)
    modules = []
    for match in re.finditer(r"^[ \t]*(module|module_test|fuzz_target)\(([^)]*)\)", text, re.M):
        line = text.count("\n", 0, match.start()) + 1
        modules.append(Module(match[1], match[2].split(), line))
    return modules
