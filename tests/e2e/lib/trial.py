"""What a script of tests/e2e is made of: steps with a name, checks, waiting with a deadline, an end
with a status. A script calls `main` with its steps; each is a function of one `Trial`."""

import os
import pathlib
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback

SKIPPED = 77
# Lengthens every wait: programs with a sanitizer in them are slower.
PATIENCE = float(os.environ.get("BERTH_PATIENCE", "1"))
# How the reports of all sanitizers of the compiler end.
SANITIZER_REPORT = re.compile(r"SUMMARY: \w*Sanitizer")


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
    seconds *= PATIENCE
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
        """Ends everything; whether that went as it should and no process left a report."""
        is_good = True
        for act in reversed(self.at_end):
            try:
                act()
            except Exception:  # The others still have to be ended.
                traceback.print_exc()
                is_good = False
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace")
            if SANITIZER_REPORT.search(text):
                print(f"--- a sanitizer's report in {log.name}", text[-20_000:], sep="\n")
                is_good = False
        shutil.rmtree(self.folder, ignore_errors=True)
        return is_good


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
        if not trial.close() and status != 1:
            print(f"FAIL {name}: the end, see above", flush=True)
            status = 1
    sys.exit(status)
