#!/usr/bin/env python3
"""A day of jobs of the Philly trace, lived by a cluster in three minutes and decided once more.

Starts a controller whose clock runs --scale times as fast and --nodes agents with simulated GPUs,
each a process of its own, on loopback. Every job of the day bids when it came, through the HTTP
API; where it is accepted it runs `sleep` for its real time, made so many times shorter. When all
have ended, `berth sim --retrace` makes every decision in the controller's log once more, and the
report's utilisation is held against what the agents sampled. Exits with 1 where they differ by
more than stated. The times of such a cluster are not real: it is a trial, and says so.

Usage: BERTH_TRACES=FOLDER bench/live_run.py [--berth build/release/berth] [--nodes 200] [--day 51]
       [--keep]
"""

import argparse
import concurrent.futures
import gzip
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import uuid
from pathlib import Path

HOUR_MS = 3_600_000
DAY_S = 86_400
# How far utilisation by the report, of what jobs held, may be from the integral of the agents'
# samples, of what was alive: starting and reporting an end take part of a second of each run.
UTILISATION_TOLERANCE = 0.02
# How long a start may come after the moment that was promised, and an end after the program's, in
# real milliseconds, at the median: processes start on a machine that has other things to do.
LATENCY_TOLERANCE_MS = 500
SAMPLE_SECONDS, LONGEST_WAIT_S = 1.0, 900


def main():
    options = arguments()
    jobs = jobs_of(options)
    parent = os.environ.get("BERTH_BENCH_DIR", ".")
    folder = Path(tempfile.mkdtemp(prefix="live_run_", dir=parent)).resolve()
    cluster = Cluster(options, folder)
    try:
        cluster.open()
        lived = live(cluster, jobs, options)
    finally:
        cluster.close()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    return show(options, jobs, lived)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    build = os.environ.get("BERTH_BUILD_DIR", "build/release")
    parser.add_argument("--berth", default=build + "/berth")
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--gpus", type=int, default=2, help="of a node")
    parser.add_argument("--scale", type=int, default=480)
    parser.add_argument("--day", type=int, default=51, help="of the trace, from its first job on")
    parser.add_argument("--days", type=int, default=3, help="of the trace, lived at once")
    parser.add_argument("--hours", type=float, default=24, help="of the day that are lived")
    parser.add_argument("--shortest-minutes", type=float, default=20, help="others are left out")
    parser.add_argument("--longest-hours", type=float, default=6, help="longer jobs are cut")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=0, help="jobs; 0: all of the day")
    parser.add_argument("--keep", action="store_true", help="keep the folder of the run")
    parser.add_argument("--json", help="write the figures here, too")
    options = parser.parse_args()
    options.berth = os.path.abspath(options.berth)
    return options


def jobs_of(options):
    """The day's jobs, in the order in which they come: those of a few days of the trace, each at
    its time of the day, so that they ask for about what the cluster has. What the trace does not
    say is drawn as `berth sim` draws it: a deadline of 1.05 to 2 times the length, a value of 1, 2,
    4 or 10 credits a GPU-hour. Owners say a quarter more than the truth, and half an hour."""
    traces = os.environ.get("BERTH_TRACES")
    if not traces:
        print("skipped: BERTH_TRACES does not name a folder with philly/philly.csv.gz")
        sys.exit(0)
    draw, first, jobs = random.Random(options.seed), options.day * DAY_S, []
    with gzip.open(Path(traces) / "philly/philly.csv.gz", "rt") as lines:
        columns = next(lines).strip().split(",")
        for line in lines:
            row = dict(zip(columns, line.strip().split(",")))
            day, after_s = divmod(int(row["submit_s"]) - first, DAY_S)
            if not 0 <= day < options.days or after_s >= options.hours * 3_600:
                continue
            if int(row["duration_s"]) < options.shortest_minutes * 60:
                continue
            runs_s = min(int(row["duration_s"]), options.longest_hours * 3_600)
            says_s = runs_s * 1.25 + 1_800
            gpus = int(row["gpus"])
            width = max(w for w in range(1, options.gpus + 1) if gpus % w == 0)
            jobs.append({
                "name": "philly-" + row["job"], "after_s": after_s, "runs_s": runs_s,
                "says_ms": int(says_s * 1_000), "gpus": gpus, "width": width,
                "due_ms": int(says_s * draw.uniform(1.05, 2) * 1_000),
                "value": int(says_s / 3_600 * gpus * draw.choice((1, 2, 4, 10)) * 1e6)})
    jobs.sort(key=lambda job: job["after_s"])
    return jobs[:options.most or None]


class Cluster:
    """A controller with a fast clock and its agents, until it is closed."""

    def __init__(self, options, folder):
        self.options, self.folder, self.processes = options, folder, []
        self.mine = threading.local()

    def open(self):
        data = self.folder / "controller"
        ports = [f"--{name}=127.0.0.1:0" for name in ("http", "agents", "grpc")]
        self.start("controller", "--data", str(data), "--time-scale", str(self.options.scale),
                   *ports)
        self.at = json.loads(self.wait_for_file(data / "endpoints.json"))
        self.token = self.wait_for_file(data / "admin-token").strip()
        self.ask("POST", "/v1/teams/default/grants", {"credits_micros": 10**15})
        # As in the replay: no base rate, so that a GPU costs what it displaces.
        prices = self.ask("GET", "/v1/prices") | {"gpu_hour": {"": 0}, "core_hour": 0}
        self.ask("PUT", "/v1/prices", prices)
        for number in range(self.options.nodes):
            self.add_agent(f"n{number:03}")
        deadline = time.monotonic() + LONGEST_WAIT_S
        while True:
            nodes = self.ask("GET", "/v1/nodes")["nodes"]
            if sum(node["state"] == "ready" for node in nodes) == self.options.nodes:
                return
            if time.monotonic() > deadline:
                sys.exit("the agents did not come")
            time.sleep(0.2)

    def add_agent(self, name):
        token = self.ask("POST", "/v1/join-tokens", {"hours": 720})["token"]
        self.start("agent", "--data", str(self.folder / name), "--controller", self.at["agents"],
                   "--join-at", self.at["grpc"], "--node", name, "--cores",
                   str(2 * self.options.gpus), "--address", "127.0.0.1", "--simulated-gpus",
                   f"A100:{self.options.gpus}", token=token)

    def start(self, *words, token=""):
        log = open(self.folder / "out.txt", "ab")
        env = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        env.update(HOME=str(self.folder), BERTH_JOIN_TOKEN=token, LC_ALL="C")
        self.processes.append(subprocess.Popen([self.options.berth, *words], stdout=log,
                                               stderr=log, stdin=subprocess.DEVNULL, env=env))

    def wait_for_file(self, path):
        deadline = time.monotonic() + LONGEST_WAIT_S
        while time.monotonic() < deadline:
            if path.exists() and path.read_text():
                return path.read_text()
            time.sleep(0.02)
        sys.exit(f"{path} did not come")

    def ask(self, method, path, body=None):
        """One request, over a connection that each thread keeps; again where it was closed for
        having been idle. A repeated wish has the same key, so that it is granted once."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json",
                   "Idempotency-Key": str(uuid.uuid4())}
        text = None if body is None else json.dumps(body)
        try:
            self.connection().request(method, path, text, headers)
            answer = self.connection().getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            del self.mine.connection
            self.connection().request(method, path, text, headers)
            answer = self.connection().getresponse()
        read = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {read.decode()}")
        return json.loads(read)

    def berth(self, *words):
        """What the command line answers."""
        env = dict(os.environ, BERTH_SERVER=self.at["http"], BERTH_TOKEN=self.token,
                   HOME=str(self.folder), LC_ALL="C")
        done = subprocess.run([self.options.berth, *words, "--json"], env=env, check=False,
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"berth {' '.join(words)}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout)["data"]

    def connection(self):
        if not hasattr(self.mine, "connection"):
            where = urllib.parse.urlsplit(self.at["http"])
            self.mine.connection = http.client.HTTPConnection(where.hostname, where.port,
                                                              timeout=LONGEST_WAIT_S)
        return self.mine.connection

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()


def bid_of(job, options, begin_ms):
    arrives_ms = begin_ms + int(job["after_s"] * 1_000)
    per_rank = {"gpus": job["width"], "cpu_millis": 1_000}
    return {"name": job["name"],
            # No two are the same program: who asks for the same again is no more demand.
            "program": {"command": ["/bin/sleep", f"{job['runs_s'] / options.scale:.3f}"],
                        "env": {"TRACE_JOB": job["name"]}},
            "bid": {"job_class": "reserved", "duration": job["says_ms"],
                    "deadline": arrives_ms + job["due_ms"], "max_price": job["value"],
                    "shape": {"ranks": job["gpus"] // job["width"], "per_rank": per_rank}}}


class Sampler(threading.Thread):
    """Keeps what every agent last said of its GPUs, once a second. The fast clock is the
    controller's alone: a sample's time is real."""

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster, self.over = cluster, threading.Event()
        self.samples = {}

    def run(self):
        while not self.over.wait(SAMPLE_SECONDS):
            for node in self.cluster.ask("GET", "/v1/nodes")["nodes"]:
                if node.get("sample"):
                    busy = sum(node["sample"]["gpu_permille"]) / 1_000
                    self.samples.setdefault(node["name"], {})[node["sample"]["at"]] = busy

    def utilisation(self, gpus):
        """Busy share of the GPUs: between two samples a node is as busy as the later one says."""
        busy = there = 0.0
        for samples in self.samples.values():
            known = sorted(samples.items())
            for (before, _), (after, value) in zip(known, known[1:]):
                busy += value * (after - before)
                there += gpus * (after - before)
        return busy / there if there else 0.0

    def count(self):
        return sum(len(samples) for samples in self.samples.values())


def live(cluster, jobs, options):
    """Bids for every job at its time, and waits until the last has ended."""
    sampler = Sampler(cluster)
    sampler.start()
    time.sleep(3 * SAMPLE_SECONDS)
    begin_ms = cluster.ask("GET", "/v1/version")["now"]
    begin = time.monotonic()
    late_ms, failed = [], []

    def bid(job):
        due = begin + job["after_s"] / options.scale
        late_ms.append(max(0.0, (time.monotonic() - due) * 1_000))
        try:
            cluster.ask("POST", "/v1/jobs", {"spec": bid_of(job, options, begin_ms)})
        except (RuntimeError, OSError) as error:
            failed.append(str(error))

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for job in jobs:
            time.sleep(max(0.0, begin + job["after_s"] / options.scale - time.monotonic()))
            pool.submit(bid, job)
    print(f"bids were made in {time.monotonic() - begin:.1f} s", flush=True)
    while cluster.ask("GET", "/v1/jobs?state=live&limit=1")["jobs"]:
        if time.monotonic() - begin > LONGEST_WAIT_S:
            sys.exit("jobs did not end")
        time.sleep(0.2)
    took_s = time.monotonic() - begin
    end_ms = cluster.ask("GET", "/v1/version")["now"]
    sampler.over.set()
    sampler.join()
    report = cluster.ask("GET", f"/v1/report?from={begin_ms}&to={end_ms}")
    slots = cluster.berth("report", "--replay")["replayed"]
    cluster.close()
    facts = cluster.folder / "facts.jsonl"
    with facts.open("w") as to:
        log = sqlite3.connect(cluster.folder / "controller/ledger.db")
        for (text,) in log.execute("select body from fact order by position"):
            to.write(text + "\n")
    return {"took_s": took_s, "failed": failed, "late_ms": late_ms, "report": report,
            "samples": sampler.count(), "sampled": sampler.utilisation(options.gpus),
            "retrace": cluster.berth("sim", "--retrace", str(facts)),
            "slots": slots, "fates": fates_of(facts)}


def fates_of(facts):
    """What the log says of each job that ran: by its name, in cluster milliseconds."""
    fates = {}
    for line in facts.open():
        fact = json.loads(line)
        event = fact["event"]
        kind = event["type"]
        if kind == "JobAccepted":
            fates[event["job"]] = {"name": event["spec"]["name"], "runs": [],
                                   "promised": event["offer"]["start"],
                                   "deadline": event["spec"]["bid"]["deadline"]}
        fate = fates.get(event.get("job")) if kind != "MoneyMoved" else None
        if fate is None:
            continue
        if kind == "AttemptStarted":
            fate["runs"].append({"start": fact["at"]})
        elif kind == "RankStarted":
            fate["runs"][-1]["runs"] = fact["at"]
        elif kind == "AttemptEnded":
            fate["runs"][-1]["end"] = fact["at"]
        elif kind == "JobEnded":
            fate["state"], fate["ended"] = event["state"], fact["at"]
        elif kind == "JobExtended":
            fate["extended"] = True
    return fates


def spread(values):
    """Median, 99th percentile and most, as text."""
    if not values:
        return "-"
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"{statistics.median(ordered):.0f} / {p99:.0f} / {ordered[-1]:.0f}"


def show(options, jobs, lived):
    """Prints the figures; 1 if something differs by more than stated."""
    fates, retrace = list(lived["fates"].values()), lived["retrace"]
    runs_s = {job["name"]: job["runs_s"] for job in jobs}
    good = [fate for fate in fates if fate["state"] == "succeeded"]
    once = [fate for fate in good if len(fate["runs"]) == 1]
    to_start = [(fate["runs"][0].get("runs", fate["runs"][0]["start"]) - fate["runs"][0]["start"])
                / options.scale for fate in once]
    to_end = [(fate["runs"][0]["end"] - fate["runs"][0]["start"]) / options.scale -
              runs_s[fate["name"]] * 1_000 / options.scale for fate in once]
    early = sum(fate["runs"][0]["start"] < fate["promised"] for fate in good)
    kept = sum(fate["ended"] <= fate["deadline"] for fate in good)
    used = lived["report"]["used"]["gpu_hours"]
    capacity = lived["report"]["cluster"]["capacity"]["gpu_hours"]
    reported = used / capacity
    apart = abs(reported - lived["sampled"])

    asked = sum(job["says_ms"] * job["gpus"] for job in jobs) / HOUR_MS
    there = options.nodes * options.gpus * options.hours
    print(f"{options.hours:g} hours of {options.days} days of Philly, from day {options.day} on, "
          f"at once, on {options.nodes} nodes of {options.gpus} simulated GPUs, {options.scale} "
          f"times as fast: {lived['took_s']:.0f} s until the last job had ended")
    print(f"asked for {asked:.0f} GPU-hours, {asked / there:.2f} of what there is")
    print(f"bids {len(jobs)}, accepted {len(fates)}, refused "
          f"{len(jobs) - len(fates) - len(lived['failed'])}, not answered {len(lived['failed'])}; "
          f"made late by (ms, p50 / p99 / most) {spread(lived['late_ms'])}")
    print(f"succeeded {len(good)}, by the deadline {kept}, before the promised start {early}, "
          f"extended {sum('extended' in fate for fate in fates)}, "
          f"more than one attempt {len(good) - len(once)}")
    print("\ndecided once more        made  differ  left out")
    kinds = ("answers", "starts", "early_starts", "replans", "extensions", "forecasts")
    for kind in kinds:
        line = retrace[kind]
        print(f"  {kind:20} {line['made']:8} {line['differ']:7} {line['left_out']:9}")
    for difference in retrace["differences"][:10]:
        print("  " + difference)
    print("\nlatencies in real ms                             p50 / p99 / most")
    print(f"  a promised time has come -> attempt started    mean "
          f"{retrace['mean_start_ms'] / options.scale:.1f}, most "
          f"{retrace['latest_start_ms'] / options.scale:.1f}")
    print(f"  attempt started -> all ranks run               {spread(to_start)}")
    print(f"  attempt started -> ended, less the program's   {spread(to_end)}")
    print(f"\nutilisation of the GPUs: {reported:.4f} by the report, {lived['sampled']:.4f} by "
          f"{lived['samples']} samples of agents; {apart:.4f} apart, at most "
          f"{UTILISATION_TOLERANCE} allowed")
    slots = lived["slots"]
    era = next(each for each in slots["policies"] if each["name"] == "era")
    print(f"the same bids in slots of {slots['slot_s']} s, where nothing starts early "
          f"(`berth report --replay`): {era['on_time']} done by the deadline, "
          f"{era['utilisation']:.4f} of the GPUs in use")
    wrong = []
    if lived["failed"]:
        wrong.append(f"{len(lived['failed'])} bids were not answered: {lived['failed'][0]}")
    if any(retrace[kind]["differ"] or retrace[kind]["left_out"] for kind in kinds):
        wrong.append("decisions differ")
    if len(good) != len(fates) or kept != len(good):
        wrong.append("a promise was not kept")
    if apart > UTILISATION_TOLERANCE:
        wrong.append("utilisation differs")
    for name, values in (("starts", to_start), ("ends", to_end)):
        if values and statistics.median(values) > LATENCY_TOLERANCE_MS:
            wrong.append(f"{name} are late")
    if options.json:
        figures = {key: lived[key] for key in ("took_s", "sampled", "samples", "retrace", "slots")}
        Path(options.json).write_text(json.dumps(figures | {"reported": reported}, indent=1))
    print("\n" + ("equal within what is stated" if not wrong else "; ".join(wrong)))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
