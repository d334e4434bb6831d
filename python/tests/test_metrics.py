import json
import os
import time
import unittest

from isolated import IsolatedTest

import berth
from berth import _environment, _metrics

WRITER = """
import berth
for step in range(2000):
    berth.log(step=step, who={who}, pad={who} * 1e9)
"""


class Scalar:
    def __init__(self, value):
        self.value = value

    def item(self):
        return self.value


class LogTest(IsolatedTest):
    def setUp(self):
        super().setUp()
        _metrics._next_step = 0
        _metrics._looked_at.clear()
        _environment._warned.clear()

    def test_writes_one_line_a_call_with_time_step_and_values(self):
        before = int(time.time() * 1000)
        berth.log(step=7, loss=0.5, correct=3)
        berth.log({"lr/group 0": 1e-3}, step=8)
        berth.log(9, loss=0.25)
        first, second, third = self.lines()
        self.assertEqual(set(first), {"t", "kind", "step", "values"})
        self.assertEqual((first["kind"], first["step"]), ("metric", 7))
        self.assertEqual(first["values"], {"loss": 0.5, "correct": 3})
        self.assertTrue(before <= first["t"] <= int(time.time() * 1000))
        self.assertEqual((second["step"], second["values"]), (8, {"lr/group 0": 0.001}))
        self.assertEqual((third["step"], third["values"]), (9, {"loss": 0.25}))

    def test_counts_on_where_no_step_is_given(self):
        berth.log(a=1)
        berth.log(step=10, a=1)
        berth.log(a=1)
        self.assertEqual([line["step"] for line in self.lines()], [0, 10, 11])

    def test_takes_what_has_item_and_makes_truth_a_number(self):
        berth.log(a=Scalar(0.5), b=Scalar(3), c=True, first=1)
        self.assertEqual(self.lines()[0]["values"], {"a": 0.5, "b": 3, "c": 1, "first": 1})
        self.assertIs(type(self.lines()[0]["values"]["c"]), int)

    def test_writes_what_json_lacks_as_text(self):
        berth.log(a=float("nan"), b=float("inf"), c=Scalar(float("-inf")))
        self.assertEqual(self.lines()[0]["values"], {"a": "nan", "b": "inf", "c": "-inf"})

    def test_drops_a_value_that_is_no_number_and_says_so_once(self):
        with self.heard() as text:
            for _ in range(3):
                berth.log(step=1, good=1, bad="0.3", worse=object())
        self.assertEqual([line["values"] for line in self.lines()], [{"good": 1}] * 3)
        self.assertEqual(text.getvalue().count("'bad'"), 1)
        self.assertEqual(text.getvalue().count("'worse'"), 1)

    def test_never_raises_for_trouble_with_the_file_and_warns_once(self):
        os.environ["BERTH_METRICS_FILE"] = self.path("absent", "metrics")
        with self.heard() as text:
            berth.log(loss=1)
            berth.log(loss=2)
            berth.log("nonsense")
        self.assertEqual(text.getvalue().count("nothing can be recorded"), 1)
        self.assertEqual(text.getvalue().count("dropped a point"), 1)

    def test_never_raises_on_a_full_disk(self):
        os.environ["BERTH_METRICS_FILE"] = "/dev/full"
        with self.heard() as text:
            berth.log(loss=1)
        self.assertIn("No space left", text.getvalue())

    def test_starts_a_new_line_after_one_that_was_cut(self):
        with open(self.metrics, "w") as file:
            file.write('{"kind":"metric","st')
        berth.log(step=1, a=1)
        berth.log(step=2, a=1)
        with open(self.metrics) as file:
            _, first, second = file.read().splitlines()
        self.assertEqual([json.loads(first)["step"], json.loads(second)["step"]], [1, 2])

    def test_writes_nowhere_without_the_variable(self):
        del os.environ["BERTH_METRICS_FILE"]
        berth.log(step=1, a=1)
        berth.note("quiet")
        self.assertEqual(os.listdir(self.folder), [])

    def test_notes_are_kept_in_any_script(self):
        berth.note("\u5b66\u4e60\u7387\n")
        self.assertEqual(self.lines("note")[0]["text"], "\u5b66\u4e60\u7387\n")

    def test_two_processes_never_mix_their_lines(self):
        children = [self.start(WRITER.format(who=who)) for who in (1, 2)]
        for child in children:
            _, errors = child.communicate(timeout=60)
            self.assertEqual((child.returncode, errors), (0, ""))
        for who in (1, 2):
            steps = [line["step"] for line in self.lines() if line["values"]["who"] == who]
            self.assertEqual(steps, list(range(2000)))


class PlaceTest(IsolatedTest):
    def test_rank_and_world_come_from_berth_then_torch_then_are_one(self):
        self.assertEqual((berth.rank(), berth.world_size()), (0, 1))
        os.environ.update(RANK="3", WORLD_SIZE="4")
        self.assertEqual((berth.rank(), berth.world_size()), (3, 4))
        os.environ.update(BERTH_RANK="1", BERTH_WORLD_SIZE="2")
        self.assertEqual((berth.rank(), berth.world_size()), (1, 2))

    def test_a_rank_that_is_no_number_is_named(self):
        os.environ["BERTH_RANK"] = "one"
        with self.assertRaisesRegex(ValueError, "BERTH_RANK.*'one'"):
            berth.rank()


if __name__ == "__main__":
    unittest.main()
