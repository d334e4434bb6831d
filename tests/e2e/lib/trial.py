"""What a script of tests/e2e is made of: steps with a name, checks, waiting with a deadline, an end
with a status. A script calls `main` with its steps; each is a function of one `Trial`."""

import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

SKIPPED = 77


class Failed(Exception):
    """A check that did not hold."""


class Skipped(Exception):
    """What the script needs is not here; the text names it."""


def check(holds, what):
    if not holds:
        raise Failed(what)


def check_equal(got, wanted, what):
    if got != wanted:
        raise Failed(f"{what}: got {got!r}, not {wanted!r}")


def check_in(part, text, what):
    if part not in text:
        raise Failed(f"{what}: no {part!r} in {text!r}")


def wait_for(what, condition, seconds=30.0, every=0.02):
    """Waits until `condition` gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        if time.monotonic() > end:
            raise Failed(f"{what}: not within {seconds:.0f} s")
        time.sleep(every)


def build_folder():
    """Where berth and berth-shim lie."""
    folder = pathlib.Path(os.environ.get("BERTH_BUILD_DIR", "build/dev")).resolve()
    check((folder / "berth").exists(), f"there is no program {folder}/berth; build it first")
    return folder


def source_folder():
    return pathlib.Path(
        os.environ.get("BERTH_SOURCE_DIR", pathlib.Path(__file__).parents[3])
    ).resolve()


class Trial:
    """A temporary folder and what has to be ended when the script ends, in the opposite order."""

    def __init__(self, name):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"berth-{name}-"))
        self.at_end = []

    def close(self):
        for act in reversed(self.at_end):
            try:
                act()
            except Exception:  # The others still have to be ended.
                traceback.print_exc()
        shutil.rmtree(self.folder, ignore_errors=True)


def main(steps):
    """Runs the steps in their order and exits: 0 all held, 1 not, 77 skipped by name."""
    name = pathlib.Path(sys.argv[0]).stem
    # So that what was started is ended by a time limit from outside, too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    trial = Trial(name)
    status = 1
    try:
        for step in steps:
            begun = time.monotonic()
            step(trial)
            print(f"ok   {name}: {step.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
        status = 0
    except Skipped as why:
        print(f"skip {name}: {why}", flush=True)
        status = SKIPPED
    except Failed as why:
        print(f"FAIL {name}: {step.__name__}: {why}", flush=True)
        for log in sorted(trial.folder.rglob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-15:]
            print(f"--- {log.name}", *lines, sep="\n")
    finally:
        trial.close()
    sys.exit(status)
