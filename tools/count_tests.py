#!/usr/bin/env python3
"""Prints "passed failed skipped" of one ctest run, from the JUnit file that it wrote.

A test that could not be started counts as failed, not as skipped; a run without tests is an error.
Names what was skipped, whole programs and single cases, on standard error.
Usage: count_tests.py FILE
"""

import re
import sys
import xml.etree.ElementTree

# One case that GoogleTest or unittest skipped inside a program that ran.
SKIPPED_CASE = re.compile(
    r"^\[  SKIPPED \] ([\w./]*\.[\w./]+)|^(\w+ \([\w.]+\))(?:\n.*)? \.\.\. skipped", re.M)


def count(junit_text):
    """(passed, failed, names of what was skipped, skipped programs) of a JUnit text."""
    passed = failed = skipped = 0
    names = []
    for case in xml.etree.ElementTree.fromstring(junit_text).iter("testcase"):
        name, why = case.get("name"), case.find("skipped")
        output = case.findtext("system-out") or ""
        if case.get("status") == "run":
            passed += 1
            cases = SKIPPED_CASE.findall(output)
            names += sorted({f"{name}: {cpp or python}" for cpp, python in cases})
        elif why is not None and "SKIP_" in (why.get("message") or ""):
            skipped += 1
            names.append(name)
        elif case.get("status") != "disabled":
            failed += 1
    return passed, failed, names, skipped


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        passed, failed, names, skipped = count(file.read())
    for name in names:
        print(f"skipped: {name}", file=sys.stderr)
    if passed + failed + skipped == 0:
        print("no test ran", file=sys.stderr)
        return 1
    print(passed, failed, skipped)
    return 0


if __name__ == "__main__":
    sys.exit(main())
