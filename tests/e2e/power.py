#!/usr/bin/python3
"""A node that is off while nobody needs it, on a clock that runs 60 times as fast: the operator's
program is asked to switch it, in time for a promise, and again when it fails."""

from lib.cluster import LOOPBACK, Cluster
from lib.trial import check, check_equal, check_in, main, wait_for

SCALE = 60
MINUTE_MS = 60_000
PROGRAM = """#!/bin/sh
echo "$1 $2 $BERTH_POWER $BERTH_NODE" >> {asked}
[ ! -e {broken} ] || {{ echo "no power"; exit 3; }}
"""


class PoweredCluster(Cluster):
    """One node, whose agent stands for its machine."""

    def state(self):
        return self.api("GET", "/v1/nodes/n1")["state"]

    def asked(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def switch(self, on):
        if on:
            self.agents["n1"].start()
        else:
            self.agents["n1"].stop()


def starts(trial):
    cluster = trial.cluster = PoweredCluster(trial)
    cluster.log = trial.folder / "asked"
    cluster.broken = trial.folder / "broken"
    program = trial.folder / "power"
    program.write_text(PROGRAM.format(asked=cluster.log, broken=cluster.broken))
    words = [*LOOPBACK, "--time-scale", str(SCALE), "--node-provider", str(program)]
    program.chmod(0o777)
    refused = cluster.berth("controller", "--data", trial.folder / "other", *words)
    check(refused.status != 0, "a program that everybody may change is refused")
    check_in("power", refused.err, "why")
    program.chmod(0o700)
    cluster.start_controller(words)
    cluster.start_agent("n1", "--simulated-gpus", "A100:2")
    cluster.wait_for_nodes(1)
    cluster.api("POST", "/v1/teams/default/grants", {"credits_micros": 10**12})


def goes_off(trial):
    cluster = trial.cluster
    cluster.broken.touch()
    said = cluster.berth("node", "power", "n1", "--idle", "2m", "--resume", "10m").ok().out
    check_in("switched off after 2m", said, "what was set")
    wait_for("the node to be suspended", lambda: cluster.state() == "suspended")
    wait_for("a first ask", lambda: cluster.asked() == ["suspend n1 suspend n1"])
    cluster.broken.unlink()
    wait_for("another ask after it failed", lambda: len(cluster.asked()) == 2)
    cluster.switch(on=False)
    check_in("suspended", cluster.berth("nodes").ok().out, "berth nodes")


def comes_up_in_time(trial):
    cluster = trial.cluster
    now = cluster.api("GET", "/v1/version")["now"]
    spec = {
        "name": "train",
        "program": {"command": ["/bin/sleep", "1"]},
        "bid": {
            "job_class": "reserved",
            "duration": 10 * MINUTE_MS,
            "shape": {"ranks": 1, "per_rank": {"gpus": 2, "cpu_millis": 100}},
            "deadline": now + 60 * MINUTE_MS,
        },
    }
    job = cluster.api("POST", "/v1/jobs", {"spec": spec}, key="train")["jobs"][0]["id"]
    planned = cluster.job(job)["planned_start"]
    check(planned >= now + 11 * MINUTE_MS, f"it is to start {(planned - now) / MINUTE_MS} min on")
    wait_for("the machine to be asked for", lambda: "resume n1 resume n1" in cluster.asked())
    check_equal(cluster.state(), "resuming", "the node")
    cluster.switch(on=True)
    done = cluster.wait_for_state(job, ["succeeded"])
    check(done["ended"] <= now + 60 * MINUTE_MS, "it is done by its deadline")
    cluster.check_nothing_left()


def stays_on(trial):
    cluster = trial.cluster
    said = cluster.berth("node", "power", "n1", "--always-on").ok().out
    check_in("n1 is always on", said, "what was set")
    wait_for("the node to be ready", lambda: cluster.state() == "ready")
    asked = len(cluster.asked())
    begin = cluster.api("GET", "/v1/version")["now"]
    wait_for(
        "five minutes of the cluster's",
        lambda: cluster.api("GET", "/v1/version")["now"] > begin + 5 * MINUTE_MS,
    )
    check_equal(cluster.state(), "ready", "the node")
    check_equal(len(cluster.asked()), asked, "asks since")


if __name__ == "__main__":
    main([starts, goes_off, comes_up_in_time, stays_on])
