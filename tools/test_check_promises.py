"""Each rule of check_promises.py, broken once."""

import pathlib
import tempfile
import unittest

from check_promises import PROMISES, PromiseCheck

CMAKE = """
module(sim USES controller)
module(words)
fuzz_target(fuzz_event SOURCES fuzz_event.cc USES sim)
"""
GOOD = "`sim_test`, `Simulation.P1Survives`, `fuzz_event`, `tests/kill.py`"


class PromisesTest(unittest.TestCase):
    def check(self, tests=GOOD, promises=PROMISES):
        table = "".join(f"| {name} | it holds | {tests} |\n" for name in promises)
        tree = {"CMakeLists.txt": CMAKE, "docs/architecture.md": "# A\n\n" + table,
                "src/sim/sim_test.cc": "TEST(Simulation, P1Survives) {}\n", "tests/kill.py": "",
                "src/words/words.cc": ""}
        with tempfile.TemporaryDirectory() as folder:
            for name, content in tree.items():
                path = pathlib.Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content, encoding="utf-8")
            return PromiseCheck(folder).run()

    def test_names_that_exist_are_fine(self):
        self.assertEqual(self.check(), [])

    def test_names_that_do_not_exist_are_caught(self):
        for name in ("tests/gone.py", "words_test", "sim", "fuzz_all", "Simulation.P2Gone"):
            errors = self.check(tests=f"`sim_test`, `{name}`")
            self.assertEqual(len(errors), len(PROMISES), name)
            self.assertIn(f"there is no test {name}", errors[0])
            self.assertTrue(errors[0].startswith("docs/architecture.md:3:"), errors[0])

    def test_a_promise_without_a_test_is_caught(self):
        self.assertIn("names no test", self.check(tests="by good will")[0])

    def test_a_promise_that_is_missing_is_caught(self):
        self.assertIn("not P1 to P10", self.check(promises=PROMISES[:-1])[0])


if __name__ == "__main__":
    unittest.main()
