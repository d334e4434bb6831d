import hashlib
import json
import os
import signal
import unittest
from unittest import mock

from isolated import IsolatedTest

import berth
from berth import _files, _metrics

KILLED_WHILE_WRITING = """
import berth, os, time
berth.checkpoint(1, {"a": b"one"})
with berth.checkpoint(2) as folder:
    with open(folder + "/a", "wb") as file:
        file.write(b"two")
        file.flush()
        print("half", flush=True)
        time.sleep(600)
"""

KILLED_AT_ANY_TIME = """
import berth, os
berth.checkpoint(1, {"a": b"1" * 100000, "b": b"1" * 100000})
print("first", flush=True)
for step in range(2, 100000):
    text = str(step).encode() * 100000
    berth.checkpoint(step, {"a": text, "b": text})
"""


class CheckpointCase(IsolatedTest):
    def setUp(self):
        super().setUp()
        self.root = self.path("checkpoints")

    def names(self):
        return sorted(os.listdir(self.root))

    def resume(self, name):
        os.environ["BERTH_RESUME_FROM"] = os.path.join(self.root, name)
        return berth.resume_from()

    def spoil(self, name, file, content):
        with open(os.path.join(self.root, name, file), "wb") as spoiled:
            spoiled.write(content)


class CheckpointTest(CheckpointCase):
    def test_keeps_what_was_written_with_a_manifest_and_says_so(self):
        os.environ.update(BERTH_JOB_ID="j1", BERTH_ATTEMPT="2")
        with berth.checkpoint(120) as folder:
            os.mkdir(os.path.join(folder, "parts"))
            with open(os.path.join(folder, "parts", "a.pt"), "wb") as file:
                file.write(b"weights")
            self.assertTrue(os.path.basename(folder).startswith("."))
        self.assertEqual(self.names(), ["step-00000120"])
        with open(os.path.join(self.root, "step-00000120", "MANIFEST.json")) as file:
            manifest = json.load(file)
        sha256 = hashlib.sha256(b"weights").hexdigest()
        self.assertEqual(manifest["files"], {"parts/a.pt": {"bytes": 7, "sha256": sha256}})
        self.assertEqual((manifest["step"], manifest["job"], manifest["attempt"]), (120, "j1", "2"))
        (line,) = self.lines("checkpoint")
        self.assertEqual((line["name"], line["step"], line["bytes"]), ("step-00000120", 120, 7))

    def test_takes_files_at_once_and_gives_the_path(self):
        path = berth.checkpoint(3, {"model.pt": b"m", "deep/er.pt": b"d"})
        self.assertEqual(path, os.path.join(self.root, "step-00000003"))
        self.assertEqual(self.resume("step-00000003"), path)
        with open(os.path.join(path, "deep", "er.pt"), "rb") as file:
            self.assertEqual(file.read(), b"d")

    def write_in_a_folder(self, step):
        with berth.checkpoint(step) as folder:
            os.mkdir(os.path.join(folder, "parts"))
            with open(os.path.join(folder, "parts", "a"), "wb") as file:
                file.write(b"1")

    def test_files_reach_the_disk_before_the_manifest_and_that_before_the_name(self):
        order = []
        synced, renamed = os.fsync, os.rename

        def fsync(file):
            order.append(os.path.basename(os.readlink("/proc/self/fd/%d" % file)))
            synced(file)

        def rename(source, target):
            order.append("rename")
            renamed(source, target)

        with mock.patch("os.fsync", fsync), mock.patch("os.rename", rename):
            self.write_in_a_folder(1)
        manifest, name = order.index("MANIFEST.json"), order.index("rename")
        self.assertLess(order.index("a"), order.index("parts"))
        self.assertLess(order.index("parts"), manifest)
        self.assertLess(manifest, name)
        self.assertTrue(order[manifest + 1].startswith(".step-00000001"))
        self.assertIn("checkpoints", order[name + 1 :])

    def test_a_block_that_raises_leaves_nothing_and_hides_nothing(self):
        berth.checkpoint(1, {"a": b"1"})
        with self.assertRaises(ZeroDivisionError):
            with berth.checkpoint(2):
                1 / 0
        self.assertEqual(self.names(), ["step-00000001"])

    def test_a_full_disk_is_raised_and_leaves_the_older_one(self):
        berth.checkpoint(1, {"a": b"1"})
        with mock.patch.object(_files, "sync", side_effect=OSError(28, "No space left")):
            with self.assertRaises(OSError):
                berth.checkpoint(2, {"a": b"2"})
        self.assertEqual(self.names(), ["step-00000001"])

    def test_only_rank_0_keeps_one_and_the_block_still_runs_elsewhere(self):
        os.environ.update(BERTH_RANK="1", BERTH_WORLD_SIZE="2")
        self.assertIsNone(berth.checkpoint(1, {"a": b"1"}))
        with berth.checkpoint(1) as folder:
            self.assertTrue(os.path.isdir(folder))
        self.assertEqual(self.names(), [])

    def test_keeps_the_newest_and_removes_those_of_an_abandoned_try(self):
        for step in (10, 20, 30):
            berth.checkpoint(step, {"a": b"1"})
        self.assertEqual(self.names(), ["step-00000020", "step-00000030"])
        berth.checkpoint(25, {"a": b"2"})
        self.assertEqual(self.names(), ["step-00000020", "step-00000025"])
        berth.checkpoint(40, {"a": b"2"}, keep=1)
        self.assertEqual(self.names(), ["step-00000040"])

    def test_pruning_does_not_count_one_without_a_manifest(self):
        berth.checkpoint(1, {"a": b"1"})
        os.mkdir(os.path.join(self.root, "step-00000002"))
        os.mkdir(os.path.join(self.root, "mine"))
        berth.checkpoint(3, {"a": b"1"})
        self.assertEqual(self.names(), ["mine", "step-00000001", "step-00000003"])

    def test_replaces_one_of_the_same_step(self):
        berth.checkpoint(1, {"a": b"old", "b": b"old"})
        path = berth.checkpoint(1, {"a": b"new"})
        self.assertEqual(sorted(os.listdir(path)), ["MANIFEST.json", "a"])
        self.assertEqual(self.names(), ["step-00000001"])

    def test_says_no_to_what_it_cannot_keep(self):
        for name in ("../a", "/a", "a//b", "MANIFEST.json", ""):
            with self.assertRaises(ValueError, msg=name):
                berth.checkpoint(1, {name: b""})
        with self.assertRaises(ValueError):
            berth.checkpoint(-1, {})
        with self.assertRaises(TypeError):
            berth.checkpoint(1.5, {})
        with self.assertRaises(ValueError):
            with berth.checkpoint(1) as folder:
                os.symlink("/etc/hostname", os.path.join(folder, "link"))
        self.assertEqual(self.names(), [])

    def test_says_when_the_with_was_forgotten(self):
        with self.heard() as text:
            berth.checkpoint(5)
        self.assertIn("checkpoint(5) kept nothing", text.getvalue())

    def test_lies_below_the_working_folder_outside_berth(self):
        del os.environ["BERTH_CHECKPOINT_DIR"]
        back = os.getcwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, back)
        path = berth.checkpoint(1, {"a": b"1"})
        self.assertEqual(os.path.relpath(path, self.folder), "checkpoints/step-00000001")


class ResumeTest(CheckpointCase):
    def test_nothing_named_means_a_fresh_start(self):
        with self.heard() as text:
            self.assertIsNone(berth.resume_from())
        self.assertEqual(text.getvalue(), "")
        berth.checkpoint(1, {"a": b"1"})
        with self.heard() as text:
            self.assertIsNone(berth.resume_from())
        self.assertIn("BERTH_RESUME_FROM is not set", text.getvalue())

    def test_a_torn_one_is_never_given(self):
        def cut(path):
            os.truncate(os.path.join(path, "a"), 2)

        def turn_a_bit(path):
            self.spoil(path, "a", b"twp")

        def remove_a_file(path):
            os.unlink(os.path.join(path, "a"))

        def remove_the_manifest(path):
            os.unlink(os.path.join(path, "MANIFEST.json"))

        def cut_the_manifest(path):
            os.truncate(os.path.join(path, "MANIFEST.json"), 40)

        def forge_the_manifest(path):
            self.spoil(path, "MANIFEST.json", b'{"version":1,"pieces":1,"step":2,"files":[]}')

        def lead_outside(path):
            known = {"bytes": 3, "sha256": hashlib.sha256(b"one").hexdigest()}
            files = {"../step-00000001/a": known}
            manifest = {"version": 1, "pieces": 1, "step": 2, "files": files}
            self.spoil(path, "MANIFEST.json", json.dumps(manifest).encode())

        ways = (cut, turn_a_bit, remove_a_file, remove_the_manifest, cut_the_manifest)
        for way in ways + (forge_the_manifest, lead_outside):
            older = berth.checkpoint(1, {"a": b"one"})
            newer = berth.checkpoint(2, {"a": b"two"})
            self.assertEqual(self.resume("step-00000002"), newer)
            way(newer)
            with self.heard() as text, self.subTest(way=way.__name__):
                self.assertEqual(self.resume("step-00000002"), older)
                self.assertIn("cannot be resumed from", text.getvalue())
                self.assertIn("resuming from " + older, text.getvalue())
        self.assertIn("cannot be resumed from", self.lines("note")[0]["text"])

    def test_no_complete_one_at_all_means_a_fresh_start_with_a_warning(self):
        berth.checkpoint(1, {"a": b"one"})
        self.spoil("step-00000001", "a", b"")
        with self.heard() as text:
            self.assertIsNone(self.resume("step-00000001"))
            self.assertIsNone(self.resume("step-00000009"))
        self.assertIn("no complete checkpoint is left", text.getvalue())

    def test_the_named_one_is_taken_though_a_newer_is_there(self):
        older = berth.checkpoint(1, {"a": b"one"})
        berth.checkpoint(2, {"a": b"two"})
        self.assertEqual(self.resume("step-00000001"), older)

    def test_steps_count_on_after_it(self):
        _metrics._next_step = 0
        berth.checkpoint(41, {"a": b"one"})
        self.resume("step-00000041")
        berth.log(loss=1)
        self.assertEqual(self.lines("metric")[-1]["step"], 42)

    def as_rank(self, rank, world=2):
        os.environ.update(BERTH_RANK=str(rank), BERTH_WORLD_SIZE=str(world))

    def test_pieces_of_all_ranks_count_only_together(self):
        for step in (1, 2):
            for rank in (0, 1):
                self.as_rank(rank)
                berth.checkpoint(step, {"a": b"%d" % rank}, all_ranks=True)
        for rank, name in ((0, "step-00000002"), (1, "step-00000002-rank-00001")):
            self.as_rank(rank)
            self.assertEqual(self.resume("step-00000002"), os.path.join(self.root, name))
        self.spoil("step-00000002-rank-00001", "a", b"")
        for rank, name in ((0, "step-00000001"), (1, "step-00000001-rank-00001")):
            self.as_rank(rank)
            with self.heard():
                self.assertEqual(self.resume("step-00000002"), os.path.join(self.root, name))
        self.as_rank(0, world=3)
        with self.heard() as text:
            self.assertIsNone(self.resume("step-00000002"))
        self.assertIn("written by 2 ranks, this gang has 3", text.getvalue())

    def test_a_rank_that_is_ahead_keeps_what_the_others_need(self):
        self.as_rank(0)
        with self.assertRaisesRegex(ValueError, "keep >= 2"):
            berth.checkpoint(1, {"a": b""}, keep=1, all_ranks=True)


class KillTest(CheckpointCase):
    def test_a_kill_in_the_middle_leaves_the_older_one_and_is_cleaned_up(self):
        child = self.start(KILLED_WHILE_WRITING)
        self.assertEqual(child.stdout.readline(), "half\n")
        older = berth.checkpoint(1, {"a": b"one again"})
        self.assertIn(".step-00000002", " ".join(self.names()), "a living writer's folder is gone")
        child.send_signal(signal.SIGKILL)
        child.wait()
        self.assertEqual(len([name for name in self.names() if name.startswith(".step-")]), 1)
        with self.heard():
            self.assertEqual(self.resume("step-00000002"), older)
        berth.checkpoint(3, {"a": b"three"})
        self.assertEqual([name for name in self.names() if name.startswith(".")], [])

    def test_leftovers_of_an_earlier_attempt_go_whatever_their_pid(self):
        leftover = ".step-00000001.rank1.attempt1.%d.0123abcd.4" % os.getpid()
        os.makedirs(os.path.join(self.root, leftover))
        os.environ["BERTH_ATTEMPT"] = "2"
        berth.checkpoint(3, {"a": b"three"})
        self.assertEqual(self.names(), ["step-00000003"])

    def test_a_complete_one_is_there_after_a_kill_at_any_time(self):
        for round in range(8):
            child = self.start(KILLED_AT_ANY_TIME)
            self.assertEqual(child.stdout.readline(), "first\n")
            goal = "step-%08d" % (3 + 2 * round)
            self.wait_for(goal, lambda: max(self.names()) >= goal)
            child.send_signal(signal.SIGKILL)
            child.wait()
            whole = [name for name in self.names() if name.startswith("step-")]
            for name in whole:
                self.assertEqual(self.resume(name), os.path.join(self.root, name))
            with open(os.path.join(self.root, whole[-1], "a"), "rb") as file:
                self.assertEqual(file.read(), str(int(whole[-1][5:])).encode() * 100000)


if __name__ == "__main__":
    unittest.main()
