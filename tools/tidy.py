#!/usr/bin/env python3
"""Runs clang-tidy over the sources of a configured build folder, but those that have passed as they
are. Exits with 1 when one has a finding.

clang-tidy takes longer than the compiler, so a pass is remembered below FOLDER/tidy, with a digest
of all that decided it: the text of every file that the compiler reads for that source, its command,
.clang-tidy, and the version of clang-tidy. A finding is never remembered. Paths are remembered as
seen from the tree and FOLDER, so that FOLDER/tidy can be carried to another checkout.
Usage: tidy.py [--jobs N] FOLDER [PATH...]     PATH limits the run to sources below it
"""

import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

TIDY = "clang-tidy-19"
# The macros of a test count as nesting, so tests are spared that one check.
TEST_CHECKS = "--checks=-readability-function-size"


@functools.lru_cache(maxsize=None)
def digest(path):
    try:
        return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
    except OSError:
        return "absent"


class Places:
    """The tree and the build folder, and paths as words that hold in any checkout."""

    def __init__(self, root, folder):
        self.root, self.folder = root, folder

    def word(self, text):
        return text.replace(str(self.folder), "{folder}").replace(str(self.root), "{root}")

    def path(self, word):
        return word.replace("{folder}", str(self.folder)).replace("{root}", str(self.root))


class Source:
    """One entry of compile_commands.json."""

    def __init__(self, entry, places):
        self.path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        self.places = places
        self.name = str(self.path.relative_to(places.root))
        self.directory, self.file = entry["directory"], entry["file"]
        words = shlex.split(entry["command"])
        # A compiler cache may stand before the compiler.
        first = next(i for i, word in enumerate(words) if "clang" in pathlib.Path(word).name)
        self.command = words[first:]
        self.memory = places.folder / "tidy" / (self.name.replace("/", "_") + ".json")

    def tidy_words(self):
        checks = [TEST_CHECKS] if self.name.endswith("_test.cc") else []
        return [TIDY, "--quiet", *checks, "-p", str(self.places.folder), str(self.path)]

    def files(self):
        """What the compiler reads for this source; nothing when it does not compile."""
        words = [word for word in self.command if word not in ("-c", self.file)]
        at = words.index("-o")
        del words[at : at + 2]
        done = subprocess.run(
            [*words, "-M", str(self.path)], cwd=self.directory, capture_output=True, text=True
        )
        if done.returncode:
            return []
        rule = done.stdout.replace("\\\n", " ").split(":", 1)[1]
        paths = (os.path.join(self.directory, path) for path in rule.split())
        return sorted({os.path.normpath(path) for path in paths})

    def key(self):
        """What decides about a finding besides the text of files."""
        words = [self.places.word(word) for word in [*self.command, *self.tidy_words()]]
        return [words, digest(self.places.root / ".clang-tidy"), version()]

    def has_passed(self):
        try:
            memory = json.loads(self.memory.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        return memory["key"] == self.key() and all(
            digest(self.places.path(word)) == before for word, before in memory["files"].items()
        )

    def remember(self, files):
        self.memory.parent.mkdir(exist_ok=True)
        memory = {"key": self.key(), "files": files}
        self.memory.write_text(json.dumps(memory), encoding="utf-8")


@functools.lru_cache(maxsize=None)
def version():
    return subprocess.run([TIDY, "--version"], capture_output=True, text=True, check=True).stdout


def sources(places, limits):
    """The tree's own sources that the build folder compiles, each once."""
    found, root, folder = {}, places.root, places.folder
    for entry in json.loads((folder / "compile_commands.json").read_text(encoding="utf-8")):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        if not path.is_relative_to(root) or path.is_relative_to(folder):
            continue
        if not limits or any(map(path.is_relative_to, limits)):
            found.setdefault(path, Source(entry, places))
    return [found[path] for path in sorted(found)]


def tidy(source):
    """(whether the source is good, what clang-tidy said)."""
    # Read before the run: a file that changes meanwhile then differs from what is remembered.
    files = {source.places.word(path): digest(path) for path in source.files()}
    done = subprocess.run(source.tidy_words(), capture_output=True, text=True)
    is_good = done.returncode == 0
    if is_good and files:
        source.remember(files)
    return is_good, done.stdout + ("" if is_good else done.stderr)


def main():
    parser = argparse.ArgumentParser(description="clang-tidy over what has changed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("paths", type=pathlib.Path, nargs="*")
    given = parser.parse_args()
    places = Places(pathlib.Path.cwd().resolve(), given.folder.resolve())
    every = sources(places, [path.resolve() for path in given.paths])
    if not every:
        print("there is nothing to look at", file=sys.stderr)
        return 1
    todo = [source for source in every if not source.has_passed()]
    print(f"clang-tidy: {len(every)} sources, {len(todo)} of them to look at", flush=True)
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(given.jobs) as pool:
        waiting = {pool.submit(tidy, source): source for source in todo}
        for done in concurrent.futures.as_completed(waiting):
            is_good, text = done.result()
            if not is_good:
                bad += 1
                print(f"--- {waiting[done].name}\n{text.strip()}", flush=True)
    print(f"clang-tidy: {bad} with findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
