import json
import os
import unittest
from unittest import mock

from isolated import IsolatedTest

import berth
from berth import _due


class DueTest(IsolatedTest):
    def setUp(self):
        super().setUp()
        self.now = 1000.0
        fresh = {"_since": self.now, "_cost_s": None, "_said_s": None, "_has_looked": False}
        for patch in (
            mock.patch.multiple(_due, **fresh),
            mock.patch("time.monotonic", lambda: self.now),
        ):
            patch.start()
            self.addCleanup(patch.stop)

    def keep(self, step, seconds):
        with berth.checkpoint(step):
            self.now += seconds

    def start_again(self):
        _due._cost_s = None
        _due._has_looked = False

    def due_after(self):
        """Returns after how many seconds from now a checkpoint is due."""
        begin = self.now
        while not berth.checkpoint_due():
            self.now += 1
        after, self.now = self.now - begin, begin
        return after

    def test_the_first_comes_after_a_minute(self):
        self.assertEqual(self.due_after(), 60)

    def test_then_as_often_as_its_cost_and_failures_make_it_worth(self):
        os.environ["BERTH_MTBF"] = "10000"
        self.keep(1, 2)
        self.assertEqual(self.due_after(), 200)  # sqrt(2 * 2 * 10000)
        self.keep(2, 8)
        self.assertEqual(self.due_after(), 400)
        os.environ["BERTH_MTBF"] = "2500"
        self.assertEqual(self.due_after(), 200)

    def test_one_that_failed_does_not_count(self):
        os.environ["BERTH_MTBF"] = "10000"
        self.keep(1, 2)
        self.now += 100
        with self.assertRaises(OSError):
            with berth.checkpoint(2):
                raise OSError("the disk is full")
        self.assertEqual(self.due_after(), 100)

    def test_what_one_takes_is_known_from_an_earlier_attempt(self):
        os.environ["BERTH_MTBF"] = "10000"
        self.keep(1, 2)
        self.start_again()
        self.assertEqual(self.due_after(), 200)

    def test_a_checkpoint_that_does_not_say_what_it_took_says_nothing(self):
        self.keep(1, 2)
        manifest = self.path("checkpoints", "step-00000001", "MANIFEST.json")
        with open(manifest) as file:
            known = json.load(file)
        for seconds in ("long", None, {}):
            known["seconds"] = seconds
            with open(manifest, "w") as file:
                json.dump(known, file)
            self.start_again()
            self.assertEqual(self.due_after(), 60, seconds)

    def test_one_that_takes_no_time_is_not_always_due(self):
        os.environ["BERTH_MTBF"] = "80000"
        self.keep(1, 0)
        self.assertEqual(self.due_after(), 13)  # sqrt(2 * 0.001 * 80000) = 12.6

    def test_outside_berth_a_failure_a_day_is_expected(self):
        self.keep(1, 0.5)
        self.assertEqual(self.due_after(), 294)  # sqrt(2 * 0.5 * 86400) = 293.9
        for text in ("", "soon", "nan"):
            os.environ["BERTH_MTBF"] = text
            self.assertEqual(self.due_after(), 294, text)

    def test_it_says_how_often_and_again_when_that_changes_much(self):
        os.environ["BERTH_MTBF"] = "36000"
        with self.heard() as said:
            for step, seconds in enumerate((2, 2.5, 1.5, 50)):
                self.keep(step, seconds)
                berth.checkpoint_due()
        line = "berth: best is a checkpoint every %d s: one takes %d s, "
        line += "a failure is due every 10 h\n"
        self.assertEqual(said.getvalue(), line % (379, 2) + line % (1897, 50))

    def test_only_rank_0_says_it(self):
        os.environ["BERTH_RANK"] = "1"
        with self.heard() as said:
            self.keep(1, 2)
            berth.checkpoint_due()
        self.assertEqual(said.getvalue(), "")

    def test_who_does_not_ask_is_not_told(self):
        with self.heard() as said:
            self.keep(1, 2)
        self.assertEqual(said.getvalue(), "")


if __name__ == "__main__":
    unittest.main()
