"""What count_tests.py makes of the ways in which a ctest run can end."""

import unittest

from count_tests import count

JUNIT = """<testsuite name="x" tests="5">
<testcase name="a" status="run"><system-out>
[  SKIPPED ] Redis.Answers (0 ms)
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Redis.Answers
test_two_ranks (test_train.Train)
Trains with two ranks. ... skipped 'no torch'
</system-out></testcase>
<testcase name="b" status="fail"><failure message=""/></testcase>
<testcase name="c" status="notrun"><skipped message="Unable to find executable: c"/></testcase>
<testcase name="d" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/></testcase>
<testcase name="e" status="disabled"><skipped message="Disabled"/></testcase>
</testsuite>"""


class CountTest(unittest.TestCase):
    def test_what_could_not_start_has_failed(self):
        passed, failed, _, skipped = count(JUNIT)
        self.assertEqual((passed, failed, skipped), (1, 2, 1))

    def test_names_what_was_skipped(self):
        self.assertEqual(count(JUNIT)[2],
                         ["a: Redis.Answers", "a: test_two_ranks (test_train.Train)", "d"])

    def test_an_empty_run_counts_nothing(self):
        self.assertEqual(count("<testsuite/>")[:2], (0, 0))


if __name__ == "__main__":
    unittest.main()
