"""Real training: two ranks, a kill in the middle, a restart, a request to stop. Needs torch."""

import gzip
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PYTHON = os.environ.get("BERTH_TEST_PYTHON", sys.executable)
TORCH = subprocess.run([PYTHON, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@unittest.skipUnless(TORCH, "training on digits: torch is absent from " + PYTHON)
class TrainTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="berth-digits-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.checkpoints = os.path.join(self.folder, "checkpoints")

    def start_gang(self, attempt, world, arguments=(), resume=None):
        """Starts a gang's ranks as an agent does, on a new port."""
        port = free_port()
        return [self._start(attempt, rank, world, port, arguments, resume) for rank in range(world)]

    def _start(self, attempt, rank, world, port, arguments, resume):
        own = os.path.join(self.folder, "attempt-%d-rank-%d" % (attempt, rank))
        os.makedirs(own)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("BERTH_")}
        environment.update(
            PYTHONPATH=os.path.join(ROOT, "python"),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
            BERTH_JOB_ID="1",
            BERTH_ATTEMPT=str(attempt),
            BERTH_RANK=str(rank),
            BERTH_WORLD_SIZE=str(world),
            BERTH_METRICS_FILE=os.path.join(own, "metrics"),
            BERTH_CHECKPOINT_DIR=self.checkpoints,
            BERTH_OUTPUT_DIR=os.path.join(own, "outputs"),
            BERTH_STOP_FILE=os.path.join(own, "stop"),
        )
        if resume:
            environment["BERTH_RESUME_FROM"] = resume
        with open(os.path.join(own, "log"), "w") as log:
            command = [PYTHON, os.path.join(HERE, "train.py"), *arguments]
            child = subprocess.Popen(
                command, cwd=own, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        child.folder = own
        return child

    def end(self, gang, seconds=90):
        """Waits for the ranks' ends and returns their exit statuses."""
        deadline = time.monotonic() + seconds
        try:
            return [child.wait(timeout=max(0.1, deadline - time.monotonic())) for child in gang]
        except subprocess.TimeoutExpired:
            self.fail("\n".join(self.log_of(child) for child in gang))

    def log_of(self, child):
        with open(os.path.join(child.folder, "log")) as file:
            return file.read()

    def lines(self, child, kind):
        try:
            with open(os.path.join(child.folder, "metrics")) as file:
                records = [json.loads(line) for line in file]
        except OSError:
            return []
        return [record for record in records if record["kind"] == kind]

    def losses(self, child):
        points = [(line["step"], line["values"]) for line in self.lines(child, "metric")]
        return {step: values["loss"] for step, values in points if "loss" in values}

    def wait_for_checkpoints(self, child, count, seconds=60):
        deadline = time.monotonic() + seconds
        while len(self.lines(child, "checkpoint")) < count:
            self.assertIsNone(child.poll(), self.log_of(child))
            self.assertLess(time.monotonic(), deadline, self.log_of(child))
            time.sleep(0.01)

    def newest_checkpoint(self):
        names = [name for name in os.listdir(self.checkpoints) if name.startswith("step-")]
        return os.path.join(self.checkpoints, max(names))

    def test_a_killed_rank_ends_the_gang_and_a_restart_goes_on_to_the_end(self):
        first = self.start_gang(1, 2)
        self.wait_for_checkpoints(first[0], 12)
        first[1].send_signal(signal.SIGKILL)
        killed = time.monotonic()
        status = first[0].wait(timeout=20)
        self.assertLess(time.monotonic() - killed, 10)
        self.assertNotIn(status, (0, 143), self.log_of(first[0]))
        before = self.losses(first[0])
        self.assertFalse(os.path.exists(os.path.join(first[0].folder, "outputs", "result.json")))

        second = self.start_gang(2, 2, resume=self.newest_checkpoint())
        self.assertEqual(self.end(second), [0, 0], self.log_of(second[0]))
        after = self.losses(second[0])
        self.assertIn(min(after), (max(before), max(before) + 1), "epochs were lost or repeated")
        self.assertGreaterEqual(min(after), 12)
        self.assertEqual(max(after), 36)
        self.assertLess(after[min(after)], 3 * before[max(before)])
        self.assertLess(after[max(after)], before[max(before)])
        self.check_result(second[0])

    def check_result(self, child):
        outputs = os.path.join(child.folder, "outputs")
        with open(os.path.join(outputs, "result.json")) as file:
            accuracy = json.load(file)["test_accuracy"]
        self.assertGreaterEqual(accuracy, 0.95)
        last = self.lines(child, "metric")[-1]
        self.assertEqual(last["values"], {"test_accuracy": accuracy})
        (model,) = self.lines(child, "model")
        self.assertEqual(os.path.getsize(os.path.join(outputs, model["file"])), model["bytes"])
        self.check_model(os.path.join(outputs, model["file"]))

    def check_model(self, path):
        """Runs the saved model alone on the first image, which is a nought."""
        with gzip.open(os.path.join(HERE, "digits.csv.gz"), "rt") as file:
            cells = [int(cell) for cell in file.readline().split(",")]
        source = "import sys, torch\nmodel = torch.jit.load(sys.argv[1])\n"
        source += "image = torch.tensor(%r).reshape(1, 1, 8, 8) / 16.0\n" % cells[:64]
        source += "print(model(image).argmax().item())"
        answer = subprocess.check_output([PYTHON, "-c", source, path], text=True)
        self.assertEqual(answer.strip(), str(cells[64]))

    def test_a_gang_of_any_size_takes_the_same_steps(self):
        curves = []
        for world in (1, 2, 3):
            gang = self.start_gang(world, world, ["--epochs", "2"])
            self.assertEqual(self.end(gang), [0] * world, self.log_of(gang[0]))
            shutil.rmtree(self.checkpoints)
            curves.append(self.losses(gang[0]))
        for curve in curves[1:]:
            self.assertEqual(sorted(curve), [1, 2])
            for epoch in (1, 2):
                self.assertAlmostEqual(curve[epoch], curves[0][epoch], delta=0.01)

    def test_a_request_to_stop_leaves_a_checkpoint_that_loses_nothing(self):
        arguments = ["--epochs", "6"]
        whole = self.start_gang(1, 2, arguments)
        self.assertEqual(self.end(whole), [0, 0], self.log_of(whole[0]))
        shutil.rmtree(self.checkpoints)

        stopped = self.start_gang(2, 2, arguments)
        self.wait_for_checkpoints(stopped[0], 2)
        stopped[1].send_signal(signal.SIGTERM)  # One rank hears it; all must stop at one step.
        self.assertEqual(self.end(stopped), [143, 143], self.log_of(stopped[0]))
        resumed = self.start_gang(3, 2, arguments, self.newest_checkpoint())
        self.assertEqual(self.end(resumed), [0, 0], self.log_of(resumed[0]))

        curve = {**self.losses(stopped[0]), **self.losses(resumed[0])}
        expected = self.losses(whole[0])
        self.assertEqual(sorted(curve), sorted(expected))
        for epoch, loss in expected.items():
            self.assertAlmostEqual(curve[epoch], loss, delta=0.02)


if __name__ == "__main__":
    unittest.main()
