import hashlib
import os
import unittest
from unittest import mock

from isolated import IsolatedTest

import berth
from berth import _files


class SaveModelTest(IsolatedTest):
    def test_keeps_bytes_under_a_name_and_registers_them(self):
        known = {"accuracy": 0.97, "tags": ["a"], "bad": float("nan")}
        path = berth.save_model(b"weights", name="digits.pt", **known)
        self.assertEqual(path, self.path("outputs", "models", "digits.pt"))
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"weights")
        (line,) = self.lines("model")
        self.assertEqual((line["name"], line["file"]), ("digits.pt", "models/digits.pt"))
        self.assertEqual(line["bytes"], 7)
        self.assertEqual(line["sha256"], hashlib.sha256(b"weights").hexdigest())
        self.assertEqual(line["metadata"], {"accuracy": 0.97, "tags": ["a"], "bad": "nan"})

    def test_keeps_a_file_under_its_own_name(self):
        source = self.path("net.onnx")
        with open(source, "wb") as file:
            file.write(b"x" * 3000000)
        path = berth.save_model(source)
        self.assertEqual(os.path.basename(path), "net.onnx")
        self.assertEqual(self.lines("model")[0]["bytes"], 3000000)

    def test_replaces_one_of_that_name_and_leaves_nothing_beside_it(self):
        berth.save_model(b"old", name="m")
        path = berth.save_model(b"new", name="m")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"new")
        with self.assertRaises(OSError):
            berth.save_model(self.path("absent"), name="m")
        with mock.patch.object(_files, "measure", side_effect=OSError(28, "No space left")):
            with self.assertRaises(OSError):
                berth.save_model(b"newer", name="m")
        self.assertEqual(os.listdir(os.path.dirname(path)), ["m"])

    def test_says_no_to_a_name_that_leads_elsewhere(self):
        for name in ("../m", "a/b", ".hidden", "", "a\nb", "n" * 300):
            with self.assertRaises(ValueError, msg=name):
                berth.save_model(b"", name=name)
        with self.assertRaises(ValueError):
            berth.save_model(b"")
        with self.assertRaises(ValueError):
            berth.save_model(self.folder)


if __name__ == "__main__":
    unittest.main()
