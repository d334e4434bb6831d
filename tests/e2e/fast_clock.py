#!/usr/bin/python3
"""A trial whose clock runs 480 times as fast: it says so, jobs run and end, and the replay decides
everything in its log once more. `bench/live_run.py` is the same with a day of a trace."""

import json
import random
import sqlite3
import time

from lib.cluster import LOOPBACK, Cluster
from lib.trial import check, check_equal, check_in, main, wait_for

SCALE = 480
NODES = 6
GPUS = 2
JOBS = 60
MINUTE_MS = 60_000


class FastCluster(Cluster):
    """A cluster whose controller is started with a fast clock."""

    def start_fast(self):
        self.start_controller([*LOOPBACK, "--time-scale", str(SCALE)])

    def now(self):
        return self.api("GET", "/v1/version")["now"]


def starts(trial):
    cluster = trial.cluster = FastCluster(trial)
    cluster.start_fast()
    wait_for(
        "the controller to say it",
        lambda: "480 times as fast" in cluster.controller.log.read_text(),
    )
    check_in("480 times as fast", cluster.berth("version").ok().out, "berth version")
    check_equal(cluster.api("GET", "/v1/version")["time_scale"], SCALE, "the scale")
    before, begin = cluster.now(), time.monotonic()
    wait_for("an hour of the cluster", lambda: cluster.now() - before >= 60 * MINUTE_MS)
    took = time.monotonic() - begin
    check(took >= 60 * 60 / SCALE * 0.99, f"an hour of the cluster took {took:.1f} s")
    cluster.api("POST", "/v1/teams/default/grants", {"credits_micros": 10**12})
    for number in range(NODES):
        cluster.start_agent(f"n{number}", "--simulated-gpus", f"A100:{GPUS}")
    cluster.wait_for_nodes(NODES)


def samples(cluster):
    """What the agents last said of their GPUs' load."""
    nodes = cluster.api("GET", "/v1/nodes")["nodes"]
    return [load for node in nodes for load in node.get("sample", {}).get("gpu_permille", [])]


def lives(trial):
    """More work than there are GPUs: some bids are refused, some jobs wait."""
    cluster, draw = trial.cluster, random.Random(7)
    for number in range(JOBS):
        runs_ms = (draw.randint(5, 30) if number > 0 else 90) * MINUTE_MS
        says_ms = runs_ms + 45 * MINUTE_MS
        spec = {
            "name": f"job-{number}",
            "program": {"command": ["/bin/sleep", f"{runs_ms / 1000 / SCALE:.3f}"]},
            "bid": {
                "job_class": "reserved",
                "duration": says_ms,
                "deadline": cluster.now() + says_ms * draw.randint(2, 5),
                "max_price": draw.randint(1, 20) * 10**6 if number > 0 else 10**9,
                "shape": {
                    "ranks": draw.randint(1, 3),
                    "per_rank": {"gpus": draw.randint(1, GPUS), "cpu_millis": 100},
                },
            },
        }
        cluster.api("POST", "/v1/jobs", {"spec": spec}, key=f"job-{number}")
        time.sleep(draw.uniform(0, 0.2))
        if number == 0:
            wait_for("a sample of a GPU that is held", lambda: 1_000 in samples(cluster))
    wait_for("all jobs to end", lambda: not cluster.api("GET", "/v1/jobs?state=live")["jobs"], 120)
    all_jobs = cluster.api("GET", f"/v1/jobs?limit={2 * JOBS}")["jobs"]
    states = [job["state"] for job in all_jobs]
    check(states.count("succeeded") >= 15, f"{states}")
    check_equal(set(states) - {"succeeded", "refused"}, set(), "other ends")
    node = cluster.api("GET", "/v1/nodes")["nodes"][0]
    check_equal(node["simulated"], True, "the node's mark")


def decides_the_same(trial):
    cluster = trial.cluster
    cluster.controller.stop()
    log = cluster.folder / "facts.jsonl"
    with sqlite3.connect(cluster.data / "ledger.db") as ledger, log.open("w") as to:
        for (fact,) in ledger.execute("select body from fact order by position"):
            to.write(fact + "\n")
    found = cluster.json("sim", "--retrace", log)
    check_equal(found["answers"]["made"], JOBS, f"answers in {json.dumps(found)}")
    for kind in ("answers", "starts", "early_starts", "replans", "extensions", "forecasts"):
        check_equal(found[kind]["differ"], 0, f"{kind} that differ: {found['differences']}")
    check(found["starts"]["made"] >= 15, f"{found}")


def keeps_its_clock(trial):
    cluster = trial.cluster
    cluster.restart_controller()
    check_equal(cluster.api("GET", "/v1/version")["time_scale"], SCALE, "the scale, started again")
    cluster.controller.stop()
    refused = cluster.berth("controller", "--data", cluster.data, "--time-scale", "2")
    check_in("this cluster was made with 480", refused.err, "another scale")


if __name__ == "__main__":
    main([starts, lives, decides_the_same, keeps_its_clock])
