"""A test case with its own folder, and no BERTH_* variable from outside."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PACKAGE_PARENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, PACKAGE_PARENT)


class IsolatedTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="berth-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        saved = dict(os.environ)
        self.addCleanup(os.environ.update, saved)
        self.addCleanup(os.environ.clear)
        for name in list(os.environ):
            if name.startswith("BERTH_") or name in ("RANK", "WORLD_SIZE"):
                del os.environ[name]
        self.metrics = self.path("metrics.jsonl")
        os.environ["BERTH_METRICS_FILE"] = self.metrics
        os.environ["BERTH_CHECKPOINT_DIR"] = self.path("checkpoints")
        os.environ["BERTH_OUTPUT_DIR"] = self.path("outputs")

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def lines(self, kind=None):
        """Returns the recorded lines as strict JSON: NaN and Infinity are refused."""
        with open(self.metrics, encoding="utf-8") as file:
            records = [json.loads(line, parse_constant=self.fail) for line in file if line.strip()]
        return [record for record in records if kind in (None, record["kind"])]

    @contextlib.contextmanager
    def heard(self):
        """Collects what is written to stderr."""
        text = io.StringIO()
        with contextlib.redirect_stderr(text):
            yield text

    def start(self, source, **variables):
        """Starts Python on a source text with the package on its path."""
        environment = dict(os.environ, PYTHONPATH=PACKAGE_PARENT, **variables)
        child = subprocess.Popen(
            [sys.executable, "-c", source],
            env=environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(_end, child)
        return child

    def wait_for(self, what, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain for " + what)
            time.sleep(0.005)


def _end(child):
    if child.poll() is None:
        child.kill()
    child.wait()
    child.stdout.close()
    child.stderr.close()
