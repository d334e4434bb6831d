#!/usr/bin/env python3
"""Plays public traces to all policies and writes docs/evaluation.md and its plots from what comes
out.

Each result is kept in a file at once, so that a run that was stopped goes on where it was, and
--write-only makes the page of what is there. Results of another state of src/era or src/replay are
played again.

Usage: BERTH_TRACES=FOLDER bench/evaluate.py [--berth build/release/berth] [--seeds 5]
       [--philly-seeds 1] [--quick] [--write-only]
"""

import argparse
import itertools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TRACES = {
    "Philly": ("philly/philly.csv.gz", "philly"),
    "ITP 01": ("itp/cluster01.raw.csv", "itp"),
    "ITP 02": ("itp/cluster02.raw.csv.gz", "itp"),
    "ITP 10": ("itp/cluster10.raw.csv", "itp"),
}
LOADS = (0.5, 0.8, 1.0, 1.3, 2.0)
DEADLINES = ("a", "b", "c")
VALUES = ("i", "ii", "iii", "iv")
# What users say of their jobs: the truth, with the errors of the survey, or the truth and that they
# may pause, which costs nothing, or ten minutes each time, or also have a quarter to four times
# their GPUs, each doubling 1.8 times as fast. Only era makes anything of that.
MANNERS = {
    "none": [],
    "survey": ["--estimate-error", "survey"],
    "may pause": ["--bids", "preemptible", "--policy", "era"],
    "may pause, 600 s": ["--bids", "preemptible", "--restart", "600", "--policy", "era"],
    "may change": ["--bids", "elastic", "--policy", "era"],
}
FREER = ("none", "may pause", "may pause, 600 s", "may change")
POLICIES = ("era", "first-fit", "backfill", "edf", "fixed-price", "exponential-price", "greedy")
# Shares of the requested value and of an older bound, published before this page: seed 1, load
# 1.3, deadlines a. The simple forecast has the multiplier that turned out best for each column.
TO_BEAT = {
    "first fit, free": (".564", ".551", ".563", ".586"),
    "simple forecast x 0.5": (".573", ".682", ".561", ".615"),
    "simple forecast x 1.0": (".536", ".744", ".545", ".647"),
    "simple forecast x 1.5": (".522", ".750", ".516", ".654"),
    "the best of them with pieces": (".573", ".753", ".576", ".672"),
}


# The replay that is drawn, and what is drawn of it.
DRAWN = ("Philly", 1.3, "a", "iii", 1, "none")
PLOTS = {
    "value": "Value by policy",
    "utilisation": "GPUs in use over time",
    "accepted-by-size": "Jobs done in time, by size",
    "price-era": "What one more GPU cost at each hour of each day",
}


def revision():
    """What the results depend on, as far as it is committed."""
    names = [subprocess.run(["git", "rev-parse", "--short", f"HEAD:src/{folder}"], cwd=ROOT,
                            text=True, capture_output=True, check=True).stdout.strip()
             for folder in ("era", "replay")]
    return " and ".join(names)


def runs(options):
    """All there is to play, what matters most first: trace, load, deadlines, values, seed, manner.
    """
    def seeds(trace):
        return range(1, (options.philly_seeds if trace == "Philly" else options.seeds) + 1)

    def has_values(trace, values):
        return values != "iv" or trace == "Philly"  # Only Philly says whose a job is.

    small_first = sorted(TRACES, key=lambda trace: trace == "Philly")
    wanted = [(trace, 1.3, "a", values, 1, "none")
              for trace in small_first for values in ("i", "iii")]

    def beside(*manners):
        return [(trace, 1.3, "a", values, seed, manner)
                for seed in range(1, options.seeds + 1) for trace in small_first
                for values in ("i", "iii") for manner in manners]

    wanted += beside("none", "may pause", "may pause, 600 s")
    if options.quick:
        return wanted
    slices = ([(load, "a", "iii", "none") for load in LOADS] +
              [(1.3, deadlines, "iii", "none") for deadlines in DEADLINES] +
              [(1.3, "a", values, "none") for values in VALUES] + [(1.3, "a", "iii", "survey")])
    everything = [(*choice, "none") for choice in itertools.product(LOADS, DEADLINES, VALUES)]
    for choices in (slices, everything):
        wanted += [(trace, load, deadlines, values, seed, manner)
                   for seed in range(1, options.seeds + 1) for trace in small_first
                   for load, deadlines, values, manner in choices
                   if seed in seeds(trace) and has_values(trace, values)]
    wanted += beside("may change")  # What takes longest comes last.
    return list(dict.fromkeys(wanted))


def play(options, run, *more):
    trace, load, deadlines, values, seed, manner = run
    file, form = TRACES[trace]
    command = [options.berth, "sim", "--json", "--bound", "--trace", str(options.traces / file),
               "--format", form, "--load", str(load), "--deadlines", deadlines, "--values", values,
               "--seed", str(seed), *MANNERS[manner], *more]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        sys.exit(f"{' '.join(command)}: {answer.stdout}{answer.stderr}")
    return json.loads(answer.stdout)["data"]


def draw(options, folder):
    """Draws DRAWN into `folder`, which keeps PLOTS alone."""
    with tempfile.TemporaryDirectory() as drawn:
        play(options, DRAWN, "--plots", drawn)
        folder.mkdir(parents=True, exist_ok=True)
        for name in PLOTS:
            shutil.copy(pathlib.Path(drawn, f"{name}.svg"), folder)


def newest_state(file):
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return json.loads(lines[-1])["revision"] if lines else "none"


def read_kept(file, state):
    kept = {}
    if file.exists():
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            if entry["revision"] == state:
                kept[tuple(entry["run"])] = entry["result"]
    return kept


def policy_of(result, name):
    return next(line for line in result["policies"] if line["name"] == name)


def share(values):
    """A mean, and how far apart the seeds lie."""
    if not values:
        return "-"
    mean = f"{statistics.mean(values):.3f}".lstrip("0")
    if len(values) == 1:
        return mean
    return f"{mean} +-{(max(values) - min(values)) / 2:.3f}".replace("+-0", "+-")


class Page:
    def __init__(self, kept):
        self.kept = kept
        self.lines = []

    def select(self, trace, load=1.3, deadlines="a", values="iii", manner="none", seeds=None):
        return [result for run, result in self.kept.items()
                if run[:4] == (trace, load, deadlines, values) and run[5] == manner
                and (seeds is None or run[4] in seeds)]

    def table(self, head, rows):
        self.lines += ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        self.lines += ["| " + " | ".join(row) + " |" for row in rows]
        self.lines.append("")

    def text(self, *lines):
        self.lines += list(lines) + [""]

    def shares(self, results, policy, of):
        return share([policy_of(result, policy)[of] for result in results])

    def four_columns(self):
        columns = [(trace, values) for trace in ("Philly", "ITP 02") for values in ("i", "iii")]
        chosen = [self.select(trace, values=values, seeds=(1,)) for trace, values in columns]
        head = ["seed 1, load 1.3, deadlines a"] + [f"{t} ({v})" for t, v in columns]
        rows = [["**bound**"] + [share([r["bound_share_of_requested"] for r in results])
                                 for results in chosen]]
        for policy in POLICIES:
            rows.append([policy] + [self.shares(r, policy, "value_share") + " / " +
                                    self.shares(r, policy, "bound_share") for r in chosen])
        rows += [["*known: " + name + "*"] + list(cells) for name, cells in TO_BEAT.items()]
        self.table(head, rows)

    def family(self, head, choices, of="bound_share"):
        for trace in TRACES:
            chosen = [(name, self.select(trace, **choice)) for name, choice in choices]
            chosen = [(name, results) for name, results in chosen if results]
            if not chosen:
                continue
            counts = sorted({len(results) for _, results in chosen})
            self.text(f"**{trace}**, {head}; {' to '.join(map(str, counts))} seed(s) each")
            self.table(["policy"] + [name for name, _ in chosen],
                       [[policy] + [self.shares(results, policy, of) for _, results in chosen]
                        for policy in POLICIES])

    def pauses(self):
        """Era where jobs may pause or change beside the same jobs where they may not."""
        rows = []
        for trace, values in itertools.product(TRACES, ("i", "iii")):
            chosen = [self.select(trace, values=values, manner=manner) for manner in FREER]
            counts = [len(results) for results in chosen]
            if counts[0] > 0:
                rows.append([f"{trace} ({values})"] +
                            [self.shares(results, "era", "bound_share") for results in chosen] +
                            [", ".join(map(str, counts))])
        self.table(["load 1.3, deadlines a", "rigid", *FREER[1:], "seeds of each"], rows)

    def summary(self):
        """The mean over all combinations that were played, each of as much weight."""
        cells = {}
        for run, result in self.kept.items():
            if run[5] == "none":
                cells.setdefault(run[:4], []).append(result)

        def mean(results, policy):
            return statistics.mean(policy_of(result, policy)["bound_share"] for result in results)

        def over(policy, traces):
            return share([statistics.mean(mean(results, policy) for cell, results in cells.items()
                                          if cell[0] in traces)])

        played = [trace for trace in TRACES if any(cell[0] == trace for cell in cells)]
        self.table(["policy", "all"] + played,
                   [[policy, over(policy, played)] + [over(policy, [trace]) for trace in played]
                    for policy in POLICIES])
        lead, cell = min((mean(results, "era") - mean(results, "first-fit"), cell)
                         for cell, results in cells.items())
        better = {policy: sum(mean(results, policy) > mean(results, "era")
                              for results in cells.values()) for policy in POLICIES}
        known = [policy_of(result, "era") for run, result in self.kept.items()
                 if run[5] != "survey"]
        self.text(
            f"{len(cells)} combinations. `era` leads `first-fit` least on {cell[0]},",
            f"load {cell[1]}, deadlines ({cell[2]}), values ({cell[3]}): {lead:+.4f}.",
            "Combinations in which another does better: " +
            ", ".join(f"`{policy}` {count}" for policy, count in better.items() if count) + ".",
            f"Late among the {sum(line['accepted'] for line in known)} bids that `era` accepted "
            f"where owners know how long they run: {sum(line['late'] for line in known)}.")

    def everything(self):
        """Era beside the best of the others, for each combination that was played."""
        for trace in TRACES:
            rows = []
            for load, deadlines in itertools.product(LOADS, DEADLINES):
                cells = [self.beside(self.select(trace, load, deadlines, values))
                         for values in VALUES]
                if any(cell != "-" for cell in cells):
                    rows.append([str(load), deadlines] + cells)
            if rows:
                self.text(f"**{trace}**")
                self.table(["load", "deadlines"] + [f"({values})" for values in VALUES], rows)

    def beside(self, results):
        if not results:
            return "-"

        def mean(policy):
            return statistics.mean(policy_of(result, policy)["bound_share"] for result in results)

        best = max((policy for policy in POLICIES if policy != "era"), key=mean)
        return f"**{mean('era'):.3f}** {mean(best):.3f} {best}"

    def speed(self):
        rows = []
        for trace in TRACES:
            for result in self.select(trace, seeds=(1,)):
                line = policy_of(result, "era")
                rows.append([trace, str(result["jobs"]), f"{line['decide_us_p50']:.1f}",
                             f"{line['decide_us_p99']:.1f}"])
        self.table(["trace", "bids", "p50 us", "p99 us"], rows)


def write_page(file, kept, state):
    page = Page(kept)
    page.text("# Evaluation: what share of the value each policy gets done in time")
    page.text(
        "Made by `bench/evaluate.py` (`berth sim`, slots of 600 s), not by hand.",
        f"Trees of `src/era` and `src/replay`: {state}. {len(kept)} replays.",
        "Deadlines, values and loads are drawn as `src/replay/workload.h` says. Where there are",
        "more seeds: the mean and half the distance between the best and the worst. A job that is",
        "done after its deadline is worth nothing. *Bound*: no schedule, even one that knows all",
        "bids beforehand, earns more (`src/era/bound.h`). `era` is the controller's code.",
        "`backfill` and `greedy` promise nothing when a job arrives: what they start is known when",
        "GPUs are free. No cluster has fewer than 8 GPUs: ITP 10 is the same from load 0.8 on.")
    page.text("## Value reached, of what was requested / of the bound")
    page.four_columns()
    page.text("The known figures are of the requested value, for the same draws, from a study",
              "whose forecast was simpler; its multiplier is chosen by hand.")
    trace, load, deadlines, values, seed, _ = DRAWN
    page.text("## A replay, drawn",
              f"{trace}, load {load}, deadlines {deadlines}, values {values}, seed {seed}.")
    for name, what in PLOTS.items():
        page.text(f"![{what}]({file.stem}/{name}.svg)")
    page.text("## By load, share of the bound")
    page.family("deadlines a, values iii", [(f"{load}", {"load": load}) for load in LOADS])
    page.text("## By deadlines, share of the bound")
    page.family("load 1.3, values iii", [(f"({d})", {"deadlines": d}) for d in DEADLINES])
    page.text("## By values, share of the bound")
    page.family("load 1.3, deadlines a", [(f"({v})", {"values": v}) for v in VALUES])
    page.text("## When users misjudge how long their jobs run, share of the bound")
    page.text("They state exp(N(ln 1.25, 0.4)) times the truth: a choice, not a measurement. A job",
              "that takes longer goes on while its GPUs are promised to nobody, else it is stopped",
              "and worth nothing; `backfill` and `greedy`, without promises, let every job go on.")
    page.family("load 1.3, deadlines a, values iii",
                [("they know", {}), ("they err", {"manner": "survey"})])
    page.text("## When jobs may pause or change, share of the bound that rigid jobs have")
    page.text("`era` alone: to the other policies a job that may pause is as any other. A break",
              "costs nothing, or a slot. A job that may change also runs on a quarter to four",
              "times its GPUs, and each doubling makes it 1.8 times as fast: a choice, as the",
              "traces say nothing of speeds. Its own bound is higher, so a share may exceed 1.")
    page.pauses()
    page.text("## All combinations, share of the bound",
              "`era` in bold, then the best other policy there; means over the seeds.")
    page.everything()
    page.text("## The mean over all combinations, share of the bound")
    page.summary()
    page.text("## How long an answer of `era` takes",
              "Wall clock, on a machine that was busy with other work.")
    page.speed()
    page.text("## A day, live",
              "A controller and 200 agents have lived through a day of Philly, and their decisions",
              "are the replay's: [live-run.md](live-run.md), by `bench/live_run.py`.")
    file.write_text("\n".join(page.lines).rstrip() + "\n", encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--berth", default=str(ROOT / "build/release/berth"))
    parser.add_argument("--kept", default=str(ROOT / "build/evaluation.jsonl"))
    parser.add_argument("--page", default=str(ROOT / "docs/evaluation.md"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--philly-seeds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="the first table alone")
    parser.add_argument("--write-only", action="store_true")
    options = parser.parse_args()
    kept_file = pathlib.Path(options.kept)
    page = pathlib.Path(options.page)
    state = newest_state(kept_file) if options.write_only else revision()
    kept = read_kept(kept_file, state)
    if not options.write_only:
        folder = os.environ.get("BERTH_TRACES")
        if not folder:
            sys.exit("evaluate: set BERTH_TRACES to the folder of the traces")
        options.traces = pathlib.Path(folder)
        wanted = runs(options)
        started = time.time()
        for number, run in enumerate(wanted, 1):
            if run in kept:
                continue
            kept[run] = play(options, run)
            with kept_file.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"revision": state, "run": run, "result": kept[run]}) + "\n")
            passed = time.time() - started
            print(f"{number}/{len(wanted)} {passed:.0f} s {run}", flush=True)
        draw(options, page.with_suffix(""))
    write_page(page, kept, state)


if __name__ == "__main__":
    main()
