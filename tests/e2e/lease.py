#!/usr/bin/python3
"""Kills agents, and looks at their ranks: within the lease they stay (P5), and at its end they are
gone before their job is tried elsewhere (P3), as their own history says (P7)."""

import time

from lib.cluster import Cluster
from lib.trial import check, check_equal, main, wait_for

LEASE_SECONDS = 10
cluster = None

# Notes its start and each SIGTERM, says every moment that it is alive, and heeds no SIGTERM.
STUBBORN = (
    'trap \'echo "term $BERTH_ATTEMPT" >> "$LOG"\' TERM; echo "start $BERTH_ATTEMPT" >> "$LOG"; '
    'touch "$LOG.start.$BERTH_ATTEMPT"; '
    'while [ ! -e "$LOG.done" ]; do date +%s.%N > "$LOG.$BERTH_ATTEMPT"; sleep 0.05; done'
)


def a_cluster_of_two(trial):
    global cluster
    cluster = Cluster(trial, lease=f"{LEASE_SECONDS}s")
    cluster.start_controller()
    for node in ("node-1", "node-2"):
        cluster.start_agent(node)
    cluster.wait_for_nodes(2)


def submit(name):
    spec = {
        "name": name,
        "program": {
            "command": ["/bin/sh", "-c", STUBBORN],
            "workdir": str(cluster.folder),
            "env": {"LOG": str(cluster.folder / name)},
            "grace": 2000,
        },
        "bid": {
            "job_class": "flex",
            "shape": {"ranks": 1, "per_rank": {"cpu_millis": 1000}},
            "duration": 3_600_000,
        },
    }
    job = cluster.api("POST", "/v1/jobs", {"spec": spec})["jobs"][0]["id"]
    wait_for(f"the start of {name}", lambda: "start 1" in noted(name))
    return job


def noted(name):
    path = cluster.folder / name
    return path.read_text().splitlines() if path.exists() else []


def time_of(name):
    return (cluster.folder / name).stat().st_mtime


def agent_of(job):
    attempt = cluster.job(job)["attempts"][-1]
    return cluster.agents[attempt["ranks"][0]["node"]]


def an_agent_that_is_back_in_time_finds_its_ranks(trial):
    job = submit("back")
    agent = agent_of(job)
    pids = set(cluster.processes(job))
    agent.kill()
    killed = time.monotonic()
    while time.monotonic() < killed + LEASE_SECONDS * 0.3:  # Before the SIGTERM.
        check(pids & set(cluster.processes(job)), "the rank stays while its agent is away")
        time.sleep(0.1)
    agent.start()
    cluster.wait_for_nodes(2)
    back = time.monotonic()
    while time.monotonic() < back + LEASE_SECONDS:  # Past the end of the lease it had then.
        check(pids & set(cluster.processes(job)), "the rank stays with the agent that is back")
        time.sleep(0.1)
    (cluster.folder / "back.done").touch()
    cluster.wait_for_state(job, ["succeeded"])
    check_equal(noted("back"), ["start 1"], "what happened to it")


def the_ranks_of_an_agent_that_stays_away_are_gone_in_time(trial):
    job = submit("gone")
    agent = agent_of(job)
    agent.kill()
    killed = time.monotonic()
    wait_for("the rank's end", lambda: not cluster.processes(job), LEASE_SECONDS * 2, 0.01)
    took = time.monotonic() - killed
    check(took < LEASE_SECONDS, f"the rank is gone within the lease, after {took:.1f} s")
    check_equal(noted("gone"), ["start 1", "term 1"], "one SIGTERM, and nothing elsewhere yet")
    wait_for("the next attempt", lambda: "start 2" in noted("gone"), LEASE_SECONDS * 3)
    agent.start()
    cluster.wait_for_nodes(2)
    (cluster.folder / "gone.done").touch()
    cluster.wait_for_state(job, ["succeeded"])
    check_equal(noted("gone"), ["start 1", "term 1", "start 2"], "its whole story")
    check(time_of("gone.1") < time_of("gone.start.2"), "the attempts were not alive together")


def nothing_is_left(trial):
    cluster.check_nothing_left()


def steps():
    yield a_cluster_of_two
    yield an_agent_that_is_back_in_time_finds_its_ranks
    yield the_ranks_of_an_agent_that_stays_away_are_gone_in_time
    yield nothing_is_left


if __name__ == "__main__":
    main(steps())
