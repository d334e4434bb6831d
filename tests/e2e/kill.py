#!/usr/bin/python3
"""Kills controllers, agents, shims and ranks, at random instants and at chosen ones, and looks at
what is left: acknowledged means kept (P1), one attempt at a time (P3), restarts kill no job (P5),
and the books close (P8). BERTH_SEED repeats a run."""

import os
import random
import signal
import threading
import time
import urllib.error

from lib.cluster import Cluster, Server
from lib.trial import Failed, build_folder, check, check_equal, main, wait_for

SEED = int(os.environ.get("BERTH_SEED", random.randrange(10**6)))
chance = random.Random(SEED)
cluster = None

# Notes each attempt's start, then runs until the test lets it end.
PATIENT = (
    'echo $BERTH_ATTEMPT-$BERTH_RANK >> "$LOG"; while [ ! -e "$LOG.done" ]; do sleep 0.05; done'
)
# Keeps a checkpoint and waits to be killed, then goes on from it.
KEEPS = """
import berth, os, time
with open(os.environ["LOG"], "a") as log:
    print(os.environ["BERTH_MTBF"], file=log)
if berth.resume_from() is None:
    berth.checkpoint(1, {"state": b"1"})
    time.sleep(600)
assert not berth.checkpoint_due(), "one was just kept"
"""
QUICK = 'echo $BERTH_ATTEMPT-$BERTH_RANK >> "$LOG"'


def spec(name, script, ranks=1):
    """A job as the API takes it; what it does is noted in FOLDER/NAME."""
    shape = {"ranks": ranks, "per_rank": {"gpus": 0, "cpu_millis": 1000, "memory_bytes": 16 << 20}}
    program = {
        "command": ["/bin/sh", "-c", script],
        "workdir": str(cluster.folder),
        "env": {"LOG": str(cluster.folder / name)},
        "grace": 2000,
        "max_retries": 5,
    }
    return {
        "spec": {
            "name": name,
            "program": program,
            "bid": {"job_class": "flex", "shape": shape, "duration": 3_600_000},
        }
    }


def submit(name, script, ranks=1):
    return cluster.api("POST", "/v1/jobs", spec(name, script, ranks), key=name)["jobs"][0]["id"]


def let_end(name):
    (cluster.folder / f"{name}.done").touch()


def starts(name):
    path = cluster.folder / name
    return path.read_text().split() if path.exists() else []


def check_starts_are_once(name, attempts):
    noted = starts(name)
    check_equal(len(noted), len(set(noted)), f"starts of {name}, each at most once: {noted}")
    check(
        all(int(each.split("-")[0]) <= attempts for each in noted),
        f"{name}: more starts than attempts: {noted}",
    )


def wait_for_ranks(job, ranks=2):
    """The pids of the ranks' own programs, without what they start."""

    def running():
        found = {
            pid for pid, command in cluster.processes(job).items() if command.startswith("/bin/sh")
        }
        return found if len(found) == ranks else None

    return wait_for(f"the ranks of job {job}", running)


def a_cluster_of_two(trial):
    global cluster
    print(f"     BERTH_SEED={SEED}")
    cluster = Cluster(trial)
    cluster.start_controller()
    for node in ("node-1", "node-2"):
        cluster.start_agent(node)
    cluster.wait_for_nodes(2)


def a_job_lives_through_restarts(trial):
    job = submit("lives", PATIENT, ranks=2)
    pids = wait_for_ranks(job)
    servers = [cluster.controller, *cluster.agents.values()]
    for _ in range(8):
        time.sleep(chance.random() * 0.3)  # An instant by chance, not a wait for something.
        victims = chance.sample(servers, chance.choice([1, 1, 2, 3]))
        for victim in victims:
            victim.kill()
        check_equal(
            wait_for_ranks(job), pids, f"the ranks after the kill of {[v.name for v in victims]}"
        )
        for victim in victims:
            cluster.restart_controller() if victim is cluster.controller else victim.start()
    cluster.wait_for_nodes(2)
    check_equal(wait_for_ranks(job), pids, "the ranks after all restarts")
    let_end("lives")
    ended = cluster.wait_for_state(job, ["succeeded"])
    check_equal(len(ended["attempts"]), 1, "attempts of a job whose ranks were not touched")
    check_equal(sorted(starts("lives")), ["1-0", "1-1"], "its starts")


class Submitter(threading.Thread):
    """Sends bids one after another; a bid without an answer is sent again under its key."""

    def __init__(self, prefix):
        super().__init__(daemon=True)
        self.prefix = prefix
        self.stopping = False
        self.acknowledged = {}
        self.problem = None

    def run(self):
        number = 0
        while not self.stopping:
            number += 1
            name = f"{self.prefix}-{number}"
            while name not in self.acknowledged and not self.stopping:
                try:
                    self.acknowledged[name] = submit(name, QUICK)
                except urllib.error.HTTPError as error:
                    if error.code not in (429, 503, 504):
                        self.problem = f"{name}: HTTP {error.code}: {error.read()!r}"
                        return
                except (OSError, ValueError):
                    time.sleep(0.02)  # The controller is away.


def acknowledged_bids_are_there_once(trial):
    submitters = [Submitter(f"burst{i}") for i in range(3)]
    for each in submitters:
        each.start()
    for _ in range(6):
        time.sleep(0.05 + chance.random() * 0.25)
        cluster.controller.kill()
        cluster.restart_controller()
    for each in submitters:
        each.stopping = True
    for each in submitters:
        each.join(timeout=10)
        check(each.problem is None, each.problem)
    acknowledged = {name: job for each in submitters for name, job in each.acknowledged.items()}
    check(len(acknowledged) >= 6, f"bids were acknowledged: {len(acknowledged)}")
    for name, job in acknowledged.items():
        check_equal(submit(name, QUICK), job, f"the same key again: {name}")
    burst = jobs_by_name("burst")
    for name, ids in burst.items():
        check_equal(len(ids), 1, f"jobs of the key {name}: {ids}")
    check_equal(
        {name: burst.get(name) for name in acknowledged},
        {n: [j] for n, j in acknowledged.items()},
        "every acknowledged bid",
    )
    wait_for("all of them to end", lambda: not cluster.json("jobs")["jobs"], 60)
    for name in burst:
        check_equal(starts(name), ["1-0"], f"the starts of {name}")
    print(f"     {len(acknowledged)} bids acknowledged over 6 kills")


def jobs_by_name(prefix):
    found = {}
    before = ""
    while True:
        page = cluster.api("GET", f"/v1/jobs?limit=1000{before}")
        for job in page["jobs"]:
            if job["name"].startswith(prefix):
                found.setdefault(job["name"], []).append(job["id"])
        if not page.get("next"):
            return found
        before = f"&before={page['next']}"


def a_killed_shim_or_rank_is_tried_again(trial):
    for victim in ("shim", "rank", "shim-and-agents"):
        name = f"hurt-{victim}"
        job = submit(name, "setsid sleep 600 & " + PATIENT, ranks=2)
        pids = wait_for_ranks(job)
        wait_for("both to note their start", lambda: len(starts(name)) == 2)
        before = set(cluster.processes(job))
        target = chance.choice(sorted(pids if victim == "rank" else cluster.shims()))
        agents = list(cluster.agents.values()) if victim == "shim-and-agents" else []
        for agent in agents:
            agent.kill()
        os.kill(target, signal.SIGKILL)
        for agent in agents:  # What the rank's own program has started waits for them.
            agent.start()
        wait_for(
            f"the first attempt's processes to go after the kill of a {victim}",
            lambda: not before & set(cluster.processes(job)),
            15,
        )
        fresh = wait_for_ranks(job)
        check(not fresh & pids, "the second attempt has processes of its own")
        let_end(name)
        ended = cluster.wait_for_state(job, ["succeeded"])
        check_equal(len(ended["attempts"]), 2, f"attempts after the kill of a {victim}")
        check(
            ended["attempts"][0]["ended"] <= ended["attempts"][1]["started"],
            "one attempt at a time",
        )
        check_equal(sorted(starts(name)), ["1-0", "1-1", "2-0", "2-1"], "its starts")


def an_attempt_knows_how_often_its_job_fails(trial):
    program = cluster.folder / "keeps.py"
    program.write_text(KEEPS)
    job = submit("keeps", f"exec /usr/bin/python3 {program}")
    wait_for("its checkpoint", lambda: cluster.job(job)["checkpoint_step"] == 1)
    for pid in cluster.processes(job):
        os.kill(pid, signal.SIGKILL)
    ended = cluster.wait_for_state(job, ["succeeded"])
    check_equal(len(ended["attempts"]), 2, "attempts of a job that is killed after a checkpoint")
    first, second = map(int, starts("keeps"))
    check(second <= 3600 < first, f"seconds between failures, before and after: {first}, {second}")


def at_fault_points_of_the_controller(trial):
    for point in (
        "before_append:3",
        "after_append:2",
        "after_append:4",
        "before_reply",
        "after_reply",
    ):
        cluster.controller.kill()
        name = "fault-" + point.replace(":", "-")
        died = Faulty(cluster.controller, point)
        try:
            cluster.restart_controller(BERTH_FAULT=point)
        except Failed:
            pass  # It died before it served, which is as good an instant.
        job = died.until(lambda: submit(name, PATIENT, ranks=2))
        let_end(name)
        died.until(lambda: cluster.api("GET", f"/v1/jobs/{job}")["state"] == "succeeded" or None)
        for number in range(10):  # Facts are written together, so it takes more bids or fewer.
            if not died.has_died():
                died.until(lambda: submit(f"more-{name}-{number}", QUICK))
        check(died.has_died(), f"the controller died at {point}")
        check_equal(submit(name, PATIENT, ranks=2), job, f"the same key after {point}")
        check_equal(jobs_by_name(name), {name: [job]}, f"the jobs of the key after {point}")
        check_equal(sorted(starts(name)), ["1-0", "1-1"], f"its starts after {point}")


def at_fault_points_of_an_agent(trial):
    agent = cluster.agents["node-1"]
    for point in (
        "before_start",
        "after_start",
        "before_exit_noted",
        "after_exit_noted",
        "before_acknowledged:2",
    ):
        agent.kill()
        name = "agent-" + point.replace(":", "-")
        died = Faulty(agent, point)
        agent.start(BERTH_FAULT=point)
        cluster.wait_for_nodes(2)
        job = died.until(lambda: submit(name, PATIENT, ranks=2))
        let_end(name)
        ended = died.until(
            lambda: (lambda j: j if j["state"] == "succeeded" else None)(cluster.job(job))
        )
        wait_for(f"the agent's death at {point}", died.has_died, 20.0)
        most = 2 if point == "before_start" else 1
        check(len(ended["attempts"]) <= most, f"attempts after {point}: {len(ended['attempts'])}")
        check_starts_are_once(name, len(ended["attempts"]))


class Faulty:
    """Sees a server die of its fault, and starts it again, well."""

    def __init__(self, server: Server, point):
        self.server = server
        self.point = point
        self.seen = False

    def until(self, act, seconds=40.0):
        """Tries `act` until it gives something, whatever dies meanwhile."""

        def tried():
            if self.server.has_ended():
                self.seen = True
                (
                    cluster.restart_controller()
                    if self.server is cluster.controller
                    else self.server.start()
                )
            try:
                return act()
            except urllib.error.HTTPError as error:
                check(
                    error.code in (429, 503, 504),
                    f"{self.point}: HTTP {error.code}: {error.read()!r}",
                )
            except OSError:
                pass
            return None

        return wait_for(f"what comes after {self.point}", tried, seconds)

    def has_died(self):
        """Whether the fault was met; the server is started again if nobody has yet."""
        if self.server.has_ended():
            self.until(lambda: True)
        return self.seen


def the_books_close(trial):
    wait_for("the last job to end", lambda: not cluster.json("jobs")["jobs"])
    cluster.check_books()
    cluster.check_nothing_left()
    jobs = cluster.api("GET", "/v1/jobs?limit=1000")["jobs"]
    check(
        all(job["state"] == "succeeded" and job["held"] == 0 for job in jobs),
        "every job succeeded, nothing is held",
    )


def has_fault_points():
    """Release builds have none; a point's name is in the program where it has."""
    return b"before_append" in (build_folder() / "berth").read_bytes()


def steps():
    yield a_cluster_of_two
    yield a_job_lives_through_restarts
    yield acknowledged_bids_are_there_once
    yield a_killed_shim_or_rank_is_tried_again
    yield an_attempt_knows_how_often_its_job_fails
    if has_fault_points():
        yield at_fault_points_of_the_controller
        yield at_fault_points_of_an_agent
    else:
        print("     no fault points in this build: their steps are left out")
    yield the_books_close


if __name__ == "__main__":
    main(steps())
