import os
import signal
import threading
import time
import unittest

from isolated import IsolatedTest

import berth
from berth import _stop

UNTIL_STOPPED = """
import berth, signal, time
{before}
berth.should_stop()
print("listening", flush=True)
while not berth.should_stop():
    time.sleep(0.005)
print("stopping", flush=True)
"""


class StopTest(IsolatedTest):
    def setUp(self):
        super().setUp()
        self.addCleanup(signal.signal, signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _stop._heard, _stop._listening, _stop._earlier = False, False, None
        os.environ["BERTH_STOP_FILE"] = self.path("stop")

    def ask_to_stop(self, content):
        with open(self.path("stop"), "w") as file:
            file.write(content)

    def test_goes_on_until_the_stop_file_is_there_and_then_stays_so(self):
        self.assertFalse(berth.should_stop())
        self.ask_to_stop("")
        self.assertTrue(berth.should_stop())
        os.unlink(self.path("stop"))
        self.assertTrue(berth.should_stop())

    def test_tells_how_long_from_the_file_then_from_the_variable(self):
        self.assertIsNone(berth.seconds_left())
        os.environ["BERTH_STOP_DEADLINE"] = str(int((time.time() + 500) * 1000))
        self.assertTrue(490 < berth.seconds_left() <= 500)
        self.ask_to_stop("half a numb")
        self.assertTrue(490 < berth.seconds_left() <= 500)
        self.ask_to_stop("%d\n" % ((time.time() + 30) * 1000))
        self.assertTrue(25 < berth.seconds_left() <= 30)
        self.ask_to_stop("1000")
        self.assertEqual(berth.seconds_left(), 0.0)

    def test_sigterm_asks_and_an_earlier_handler_is_called(self):
        calls = []
        signal.signal(signal.SIGTERM, lambda number, frame: calls.append(number))
        self.assertFalse(berth.should_stop())
        signal.raise_signal(signal.SIGTERM)
        self.assertTrue(berth.should_stop())
        self.assertEqual(calls, [signal.SIGTERM])

    def test_another_thread_may_ask_before_the_main_one_listens(self):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(berth.should_stop()))
        thread.start()
        thread.join()
        self.assertEqual(answers, [False])
        self.assertEqual(signal.getsignal(signal.SIGTERM), signal.SIG_DFL)
        self.assertFalse(berth.should_stop())
        signal.raise_signal(signal.SIGTERM)
        self.assertTrue(berth.should_stop())

    def test_a_process_ends_by_itself_after_sigterm(self):
        for before in ("", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"):
            child = self.start(UNTIL_STOPPED.format(before=before))
            self.assertEqual(child.stdout.readline(), "listening\n")
            child.send_signal(signal.SIGTERM)
            output, errors = child.communicate(timeout=20)
            self.assertEqual((child.returncode, output, errors), (0, "stopping\n", ""))

    def test_importing_leaves_sigterm_alone(self):
        child = self.start("import berth, time; print('up', flush=True); time.sleep(600)")
        self.assertEqual(child.stdout.readline(), "up\n")
        child.send_signal(signal.SIGTERM)
        self.assertEqual(child.wait(timeout=20), -signal.SIGTERM)


if __name__ == "__main__":
    unittest.main()
