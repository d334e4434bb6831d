#!/usr/bin/python3
"""Nodes that close for a time, on a clock that runs 60 times as fast: what is booked
moves, what runs leaves before, what would break is named, and an opened node takes work at once."""

from lib.cluster import LOOPBACK, Cluster
from lib.trial import check, check_equal, check_in, main, wait_for

SCALE = 60
GPUS = 2
MINUTE_MS = 60_000


class ClosingCluster(Cluster):
    """Two nodes, and jobs that fill one."""

    def now(self):
        return self.api("GET", "/v1/version")["now"]

    def submit(self, name, job_class, minutes, **bid):
        spec = {
            "name": name,
            "program": {"command": ["/bin/sleep", "600"]},
            "bid": {
                "job_class": job_class,
                "duration": minutes * MINUTE_MS,
                "shape": {"ranks": 1, "per_rank": {"gpus": GPUS, "cpu_millis": 100}},
                **bid,
            },
        }
        return self.api("POST", "/v1/jobs", {"spec": spec}, key=name)["jobs"][0]["id"]

    def row_of(self, name):
        lines = self.berth("nodes").ok().out.splitlines()
        return next(line for line in lines if line.startswith(name + " "))


def starts(trial):
    cluster = trial.cluster = ClosingCluster(trial)
    cluster.start_controller([*LOOPBACK, "--time-scale", str(SCALE)])
    for name in ("n1", "n2"):
        cluster.start_agent(name, "--simulated-gpus", f"A100:{GPUS}")
    cluster.wait_for_nodes(2)
    cluster.api("POST", "/v1/teams/default/grants", {"credits_micros": 10**12})


def fills(trial):
    """A flex job on either node, and a promise on one of them half an hour from now."""
    cluster = trial.cluster
    flex = [cluster.submit(f"flex-{number}", "flex", 600) for number in range(2)]
    cluster.flex_on = {cluster.wait_for_state(job, ["running"])["nodes"][0]: job for job in flex}
    check_equal(sorted(cluster.flex_on), ["n1", "n2"], "the nodes of the flex jobs")
    start = cluster.now() + 30 * MINUTE_MS
    window = {"earliest": start, "deadline": start + 10 * MINUTE_MS, "firm": True}
    cluster.booked = cluster.submit("booked", "reserved", 10, **window)
    cluster.before = cluster.job(cluster.booked)
    (cluster.closed,) = cluster.before["nodes"]


def closes(trial):
    cluster = trial.cluster
    refused = cluster.berth("node", "close", "--all", "--for", "8h")
    check_equal(refused.status, 6, "the exit status of a conflict")
    check_in(f"job {cluster.booked} would lose a promised place", refused.err, "the conflict")
    check_equal(cluster.json("node", "closures")["closures"], [], "closures after a refusal")
    begin = cluster.begin = cluster.now() + 4 * MINUTE_MS
    times = [{"from": begin, "until": begin + 90 * MINUTE_MS}]
    wish = {"nodes": [cluster.closed], "times": times, "cause": "new disks"}
    cluster.closure = cluster.api("POST", "/v1/closures", wish)["id"]
    after = cluster.job(cluster.booked)
    check(after["nodes"] != cluster.before["nodes"], f"the booking stayed on {after['nodes']}")
    check_equal(after["planned_start"], cluster.before["planned_start"], "the firm start")


def leaves(trial):
    cluster = trial.cluster
    leaver = cluster.flex_on[cluster.closed]
    wait_for("the node to close", lambda: cluster.row_of(cluster.closed).split()[2] == "closed")
    check_in(": new disks", cluster.row_of(cluster.closed), "why it is closed")
    gone = cluster.job(leaver)
    check(gone["state"] not in ("running", "starting"), f"the flex job is {gone['state']}")
    left = [each for each in gone["history"] if each["cause"] == "its nodes close: new disks"]
    check_equal([each["state"] for each in left], ["interrupted"], "what became of the flex job")
    check(left[0]["at"] <= cluster.begin, "it left before the node closed")
    why = cluster.berth("why", leaver).ok().out
    check_in("The next attempt may start", why, "why it waits")
    (stays,) = set(cluster.flex_on.values()) - {leaver}
    check_equal(cluster.job(stays)["state"], "running", "the job on the node that stays open")


def opens(trial):
    cluster = trial.cluster
    cluster.berth("node", "open", cluster.closure).ok()
    job = cluster.wait_for_state(cluster.flex_on[cluster.closed], ["running"])
    check_equal(job["nodes"], [cluster.closed], "where it runs again")
    again = cluster.berth("node", "open", cluster.closure)
    check_equal(again.status, 4, "the exit status of a closure that is gone")
    for number in [*cluster.flex_on.values(), cluster.booked]:
        cluster.berth("job", "cancel", number, "--yes").ok()
    cluster.check_nothing_left()


if __name__ == "__main__":
    main([starts, fills, closes, leaves, opens])
