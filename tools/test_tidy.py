"""tidy.py with the real clang-tidy over a tree of one source and one header."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import tempfile
import unittest
from unittest import mock

import tidy

GOOD = "inline int half(int all) { return all / 2; }\n"
BAD = "inline int half(int all) { if (all > 2); return all / 2; }\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.root = pathlib.Path(made.name).resolve()
        before = os.getcwd()
        os.chdir(self.root)
        self.addCleanup(os.chdir, before)
        (self.root / "build").mkdir()
        self.write(".clang-tidy", "Checks: '-*,bugprone-suspicious-semicolon'\n"
                   "WarningsAsErrors: '*'\nHeaderFilterRegex: '.*'\n")
        self.write("half.h", GOOD)
        self.write("a.cc", '#include "half.h"\nint quarter(int all) { return half(half(all)); }\n')
        command = "ccache clang++-19 -std=c++23 -o a.o -c ../a.cc"
        entry = {"directory": str(self.root / "build"), "file": "../a.cc", "command": command}
        self.write("build/compile_commands.json", json.dumps([entry]))

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def run_tidy(self, *words):
        """(status, how many sources were looked at, what was printed)."""
        tidy.digest.cache_clear()  # A new process each time, but for this.
        out = io.StringIO()
        with mock.patch("sys.argv", ["tidy.py", "build", *words]), \
                contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            status = tidy.main()
        text = out.getvalue()
        return status, text.count("1 of them to look at"), text

    def test_what_passed_is_not_looked_at_again_until_it_changes(self):
        self.assertEqual(self.run_tidy()[:2], (0, 1))
        self.assertEqual(self.run_tidy()[:2], (0, 0))
        self.write("half.h", GOOD + "// Nothing but a comment, which may be a NOLINT.\n")
        self.assertEqual(self.run_tidy()[:2], (0, 1))
        self.assertEqual(self.run_tidy()[:2], (0, 0))

    def test_a_finding_in_a_header_fails_every_time(self):
        self.run_tidy()
        self.write("half.h", BAD)
        for _ in range(2):
            status, looked, text = self.run_tidy()
            self.assertEqual((status, looked), (1, 1))
            self.assertIn("bugprone-suspicious-semicolon", text)
        self.write("half.h", GOOD)
        self.assertEqual(self.run_tidy()[0], 0)

    def test_what_passed_has_passed_in_another_checkout(self):
        self.assertEqual(self.run_tidy()[:2], (0, 1))
        memory = self.root / "build/tidy"
        self.setUp()
        shutil.copytree(memory, self.root / "build/tidy")
        self.assertEqual(self.run_tidy()[:2], (0, 0))
        self.write("half.h", BAD)
        self.assertEqual(self.run_tidy()[:2], (1, 1))

    def test_other_checks_are_another_question(self):
        self.run_tidy()
        self.write(".clang-tidy", "Checks: '-*,bugprone-*'\nWarningsAsErrors: '*'\n")
        self.assertEqual(self.run_tidy()[:2], (0, 1))

    def test_what_does_not_compile_fails(self):
        self.write("half.h", "this is no C++\n")
        self.assertEqual(self.run_tidy()[0], 1)

    def test_a_run_over_nothing_fails(self):
        self.assertEqual(self.run_tidy("elsewhere")[0], 1)


if __name__ == "__main__":
    unittest.main()
