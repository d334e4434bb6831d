#!/usr/bin/env python3
"""Fails where the tree departs from the part of its style that a program can see.

  * Lines of code have at most 100 columns; files at most 400 lines, tests at most 800.
  * C++ functions have at most 60 lines. (Parameters and nesting: clang-tidy, in `./dev check`.)
  * No type is called ...Manager, Helper, Util, Common, Base, Impl, Info or Data, no file util.h.
  * `TODO` only with an issue number: TODO(#12).
  * Headers begin with `#pragma once`.
  * Code is ASCII; other letters live in catalogs: a part of their path is zh, text, catalog or
    locales.
  * Every folder of code has a README.md of at most 40 lines.
  * No path of one particular machine.

Hash containers in pure modules are found by check_layers.py.
Usage: check_style.py [root]. Prints "file:line: message" and exits with 1.
"""

import pathlib
import re
import sys

from tree_text import files_below, read_modules, without_comments_and_strings

MOST_COLUMNS = 100
MOST_FUNCTION_LINES = 60
MOST_FILE_LINES = 400
MOST_TEST_LINES = 800
MOST_README_LINES = 40

CPP = {".h", ".cc"}
CODE = CPP | {".py", ".sh", ".cmake", ".proto", ".ts", ".tsx", ".css", ".js", ".mjs"}
TEXT = CODE | {".md", ".txt", ".json", ".yaml", ".yml", ".toml", ".html", ".service", ".conf", ""}
DOCUMENTED = ("bench", "contracts", "deploy", "examples", "python/berth", "tests", "tools", "web")

FORBIDDEN_TYPE = re.compile(
    r"\b(?:class|struct|union|concept|enum(?:\s+(?:class|struct))?)\s+"
    r"(\w*(?:Manager|Helper|Helpers|Util|Utils|Common|Base|Impl|Info|Data))\b(?!\s*::)")
FORBIDDEN_ALIAS = re.compile(
    r"\busing\s+(\w*(?:Manager|Helper|Helpers|Util|Utils|Common|Base|Impl|Info|Data))\s*=")
FORBIDDEN_FILE = re.compile(r"(?:^|_)(?:util|utils|helper|helpers|common|misc|manager)(?:_test)?$")
UNNUMBERED_TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b(?!\(#\d+\))")
MACHINE_PATH = re.compile(r"(?<![\w.$})-])/(?:work|root)/")

_NOT_A_FUNCTION = re.compile(
    r"^\s*(?:namespace|class|struct|union|enum|extern|concept|export|inline\s+namespace)\b")
_CONTROL = re.compile(r"^\s*(?:if|for|while|switch|else|do|try|catch|return)\b")
_FUNCTION_END = re.compile(
    r"\)\s*(?:const|noexcept(?:\s*\([^)]*\))?|override|final|mutable|&&?|->[^;{}]*|requires[^;{}]*"
    r"|:\s[^;]*|\s)*$", re.S)


def function_lengths(text):
    """(line, name, lines) of each C++ function in `text`: from its signature to its last brace.

    Works on braces alone. What opens a brace below a function belongs to that function."""
    code = without_comments_and_strings(text)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m[0].count("\n"), code,
                  flags=re.M)
    found, depth, parens, head = [], 0, 0, 0
    inside = initialiser = None  # The open function (depth, start); the depth of a member{...}.
    for match in re.finditer(r"[;{}()]", code):
        at, mark = match.start(), match[0]
        if inside is None and mark in "()":
            parens += 1 if mark == "(" else -1
        if mark in "()" or inside is None and parens > 0:
            continue
        if mark == "{":
            depth += 1
            signature = code[head:at]
            if inside or initialiser:
                continue
            if re.search(r"\)\s*(?:noexcept\s*)?:\s[^;]*[\w>]\s*$", signature):
                initialiser = depth
                continue
            if _opens_function(signature):
                inside = (depth, head + len(signature) - len(signature.lstrip()))
        elif mark == "}":
            depth -= 1
            if initialiser == depth + 1:
                initialiser = None
                continue
            if inside and inside[0] == depth + 1:
                first = code.count("\n", 0, inside[1]) + 1
                last = code.count("\n", 0, at) + 1
                found.append((first, _name(code[inside[1]:]), last - first + 1))
                inside = None
        if inside is None and initialiser is None:
            head = at + 1
    return found


def _opens_function(head):
    head = re.sub(r"^\s*template\s*<.*?>\s*(?=[\w\[~:])", "", head, flags=re.S)
    head = re.sub(r"^\s*(?:public|private|protected)\s*:", "", head)
    if _NOT_A_FUNCTION.match(head) or _CONTROL.match(head):
        return False
    return bool(_FUNCTION_END.search(head))


def _name(text):
    match = re.search(r"([\w:~]+|operator\S+)\s*\(([^,)]*(?:,\s*\w+)?)", text)
    if not match:
        return "function"
    is_test = match[1] in ("TEST", "TEST_F", "TEST_P", "TYPED_TEST", "RC_GTEST_PROP")
    return f"{match[1]}({match[2]})" if is_test else match[1]


class StyleCheck:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.errors = []

    def run(self):
        files = files_below(self.root)
        for path in files:
            if path.suffix in TEXT and path.name != "LICENSE":
                self.check_file(path)
        self.check_readmes({path.parent.relative_to(self.root).as_posix() for path in files})
        return self.errors

    def report(self, file, line, message):
        self.errors.append(f"{file}:{line}: {message}")

    def check_file(self, path):
        file = path.relative_to(self.root).as_posix()
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            if path.suffix in CODE:
                self.report(file, 1, "is not UTF-8 text")
            return
        lines = text.splitlines()
        for number, line in enumerate(lines, 1):
            if MACHINE_PATH.search(line):
                self.report(file, number, "names a path of one particular machine")
        is_generated = any("generated" in line.lower() for line in lines[:3])
        if path.suffix in CODE and not is_generated:
            self.check_code(file, lines)
        if path.suffix in CPP:
            self.check_cpp(path, file, text)
        if path.name == "README.md" and len(lines) > MOST_README_LINES and file != "README.md":
            self.report(file, len(lines), f"a README has at most {MOST_README_LINES} lines")

    def check_code(self, file, lines):
        is_catalog = re.search(r"(?:^|[/_.-])(?:zh|text|catalog|locales)(?:[/_.-]|$)", file)
        for number, line in enumerate(lines, 1):
            if len(line) > MOST_COLUMNS and not re.search(r"https?://\S{60}", line):
                self.report(file, number, f"{len(line)} columns, {MOST_COLUMNS} at most")
            if not line.isascii() and not is_catalog:
                self.report(file, number, "non-ASCII text belongs into a catalog")
            if UNNUMBERED_TODO.search(line) and not file.startswith("tools/"):
                self.report(file, number, "a TODO needs an issue number: TODO(#12)")
        is_test = re.search(r"(?:^|[/_.])test|[_.]test\.", file)
        most = MOST_TEST_LINES if is_test else MOST_FILE_LINES
        if len(lines) > most:
            self.report(file, len(lines), f"{len(lines)} lines, {most} at most")

    def check_cpp(self, path, file, text):
        code = without_comments_and_strings(text)
        for number, line in enumerate(code.split("\n"), 1):
            match = FORBIDDEN_TYPE.search(line) or FORBIDDEN_ALIAS.search(line)
            if match:
                self.report(file, number, f"{match[1]} says nothing: name what it does")
        if FORBIDDEN_FILE.search(path.stem):
            self.report(file, 1, f"{path.name} says nothing: name what is in it")
        if path.suffix == ".h" and not code.lstrip().startswith("#pragma once"):
            self.report(file, 1, "a header begins with #pragma once")
        for line, name, length in function_lengths(text):
            if length > MOST_FUNCTION_LINES:
                self.report(file, line, f"{name} has {length} lines, {MOST_FUNCTION_LINES} at most")

    def check_readmes(self, folders):
        modules = {f"src/{m.folder}" for m in read_modules(self.root) if m.kind == "module"}
        for folder in sorted(folders & modules | {f for f in DOCUMENTED if self.has_files(f)}):
            if not (self.root / folder / "README.md").exists():
                self.report(f"{folder}/README.md", 1, "is missing: what the folder is for")

    def has_files(self, folder):
        return (self.root / folder).is_dir() and bool(files_below(self.root / folder))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    errors = StyleCheck(root).run()
    print("\n".join(errors) or "style: ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
