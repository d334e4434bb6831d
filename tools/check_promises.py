#!/usr/bin/env python3
"""Fails where docs/architecture.md names a test of a promise that does not exist.

Every row of its table "Promises" must name tests between backquotes, each of them
  * a file or folder of the tree, such as `tests/e2e/kill.py`,
  * a program of tests, such as `era_test` or `fuzz_http_body`, or
  * one test, such as `Simulation.P2NoGpuIsHeldByTwoRanks`,
and the promises must be P1 to P10, all of them, in order.

Usage: check_promises.py [root]. Prints "file:line: message" and exits with 1.
"""

import pathlib
import re
import sys

from tree_text import files_below, read_modules

PAGE = "docs/architecture.md"
PROMISES = [f"P{number}" for number in range(1, 11)]
ROW = re.compile(r"^\| (P\d+) \|[^|]*\|([^|]*)\|$")
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+)\s*,\s*(\w+)\s*\)", re.M)


class PromiseCheck:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.programs, self.tests = set(), set()
        modules = read_modules(self.root)
        for module in modules:
            name = module.folder.replace("/", "_")
            self.programs.add(name + "_test" if module.kind == "module" else name)
        with_tests = set()
        for path in files_below(self.root):
            if not path.name.endswith("_test.cc"):
                continue
            with_tests.add(str(path.parent.relative_to(self.root)))
            for suite, name in TEST.findall(path.read_text(encoding="utf-8")):
                self.tests.add(f"{suite}.{name}")
        for module in modules:
            if module.kind == "module" and f"src/{module.folder}" not in with_tests:
                self.programs.discard(module.folder.replace("/", "_") + "_test")

    def exists(self, name):
        if "/" in name:
            return (self.root / name).exists()
        return name in self.programs or name in self.tests

    def run(self):
        errors, found = [], []
        text = (self.root / PAGE).read_text(encoding="utf-8")
        for line, row in enumerate(text.splitlines(), start=1):
            match = ROW.match(row.rstrip())
            if not match:
                continue
            found.append(match[1])
            names = re.findall(r"`([^`]+)`", match[2])
            if not names:
                errors.append(f"{PAGE}:{line}: {match[1]} names no test")
            errors += [f"{PAGE}:{line}: {match[1]}: there is no test {name}"
                       for name in names if not self.exists(name)]
        if found != PROMISES:
            errors.append(f"{PAGE}:1: the promises are {', '.join(found)}, not P1 to P10")
        return errors


if __name__ == "__main__":
    problems = PromiseCheck(sys.argv[1] if len(sys.argv) > 1 else
                            pathlib.Path(__file__).resolve().parent.parent).run()
    print("\n".join(problems) if problems else "every promise names tests that exist")
    sys.exit(1 if problems else 0)
