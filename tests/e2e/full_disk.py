#!/usr/bin/python3
"""The controller's disk is full: new work is refused and says so, nothing is lost, a running job
ends and is recorded once there is room again. Needs root, for a small file system of its own."""

import errno
import os
import subprocess

from lib.cluster import Cluster, now_ms
from lib.trial import Skipped, check, check_equal, check_in, main, wait_for

LOG = "begun\nended\n"
cluster = None


def a_cluster_on_a_small_disk(trial):
    global cluster
    if os.geteuid() != 0:
        raise Skipped("a small file system needs root")
    cluster = Cluster(trial)
    cluster.data.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(cluster.data)],
        capture_output=True,
        text=True,
    )
    if mounted.returncode != 0:
        raise Skipped(f"this machine lets nothing be mounted: {mounted.stderr.strip()}")
    # Undone after the controller has ended, so it is noted before it starts.
    trial.at_end.append(
        lambda: subprocess.run(["umount", "--lazy", str(cluster.data)], check=False)
    )
    cluster.start_controller()
    cluster.start_agent("node-1")
    cluster.wait_for_nodes(1)


def fill():
    with (cluster.data / "ballast").open("ab", buffering=0) as ballast:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError as error:
                check_equal(error.errno, errno.ENOSPC, "why the disk takes no more")


def sampled_at():
    sample = cluster.json("nodes")["nodes"][0].get("sample")
    return sample["at"] if sample else 0


def new_work_is_refused(trial):
    done = cluster.folder / "done"
    script = f"echo begun; while [ ! -e {done} ]; do sleep 0.05; done; echo ended"
    running = cluster.json("submit", "--name", "runs", "--", "sh", "-c", script)["jobs"][0]["id"]
    cluster.wait_for_state(running, ["running"])
    accepted = [running]
    fill()

    def refused():
        fill()  # A log that was cut back may have made a little room.
        answer = cluster.berth("--json", "submit", "--name", "x" * 60, "--", "true")
        if answer.status != 0:
            return answer
        accepted.append(cluster.json("jobs", "--all", "--limit", "1")["jobs"][0]["id"])
        return None

    answer = wait_for("a refusal for want of room", refused)
    check_equal(answer.status, 8, f"the status when the disk is full: {answer.out}{answer.err}")
    check_in("full", (answer.out + answer.err).lower(), "what the refusal says")
    check(not cluster.controller.has_ended(), "the controller is there")
    check_equal(cluster.job(running)["state"], "running", "the job that runs")
    # It ends while nothing can be written.
    done.touch()
    wait_for("the job's process to end", lambda: not cluster.processes(running))
    # A sample that the node took later says that its agent has sent the last of the log, in vain.
    gone = now_ms()
    wait_for("word from the agent", lambda: sampled_at() > gone)
    trial.kept = (running, accepted)


def it_goes_on_when_there_is_room(trial):
    running, accepted = trial.kept
    (cluster.data / "ballast").unlink()
    ended = cluster.wait_for_state(running, ["succeeded"])
    check_equal(len(ended["attempts"]), 1, "attempts of the job that ended meanwhile")
    # The log comes after the end where the disk was full: the agent sends it until it is kept.
    wait_for("its whole log", lambda: cluster.berth("job", "logs", running).ok().out == LOG)
    check_equal(cluster.berth("run", "--", "echo", "room").ok().out, "room\n", "a new job")
    for job in accepted:
        cluster.wait_for_state(job, ["succeeded"])
    cluster.controller.kill()
    cluster.restart_controller()
    for job in accepted:
        check_equal(cluster.job(job)["state"], "succeeded", f"job {job} after a restart")
    cluster.check_nothing_left()
    cluster.check_books()


if __name__ == "__main__":
    main([a_cluster_on_a_small_disk, new_work_is_refused, it_goes_on_when_there_is_room])
