"""What a user feels: a controller and agents as processes of their own, on loopback and on disk.

Prints each figure beside its target and beside posix_spawn of the same command in the same run,
which is what this machine could do at all just now.

    bench_end_to_end.py [--berth PROGRAM] [--runs N] [--jobs N]
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

TRUE = "/bin/true"
LONGEST_WAIT_SECONDS = 120


def milliseconds_of(start):
    return (time.perf_counter() - start) * 1000


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def spawn_one_at_a_time(command, count):
    """Milliseconds of each run of `command`."""
    took = []
    for _ in range(count):
        start = time.perf_counter()
        os.waitpid(os.posix_spawn(command[0], command, {}), 0)
        took.append(milliseconds_of(start))
    return took


def spawn_rate(command, count, at_once):
    """Commands a second with `at_once` of them alive."""
    start = time.perf_counter()
    started = alive = 0
    while started < count or alive:
        while started < count and alive < at_once:
            os.posix_spawn(command[0], command, {})
            started, alive = started + 1, alive + 1
        os.wait()
        alive -= 1
    return count / (time.perf_counter() - start)


class Cluster:
    """A controller and its agents, until it is closed."""

    def __init__(self, berth, folder):
        self.berth, self.folder, self.processes = berth, Path(folder), []

    def open(self):
        data = self.folder / "controller"
        ports = [f"--{name}=127.0.0.1:0" for name in ("http", "agents", "grpc")]
        self.start("controller", "--data", str(data), *ports)
        self.endpoints = json.loads(self.wait_for_file(data / "endpoints.json"))
        self.token = self.wait_for_file(data / "admin-token").strip()
        self.environment = dict(os.environ, BERTH_SERVER=self.endpoints["http"],
                                BERTH_TOKEN=self.token, HOME=str(self.folder))
        self.ask("POST", "/v1/teams/default/grants", {"credits_micros": 10**12})

    def start(self, *arguments):
        log = open(self.folder / f"{arguments[0]}-{len(self.processes)}.txt", "wb")
        environment = dict(os.environ, HOME=str(self.folder))
        self.processes.append(subprocess.Popen([self.berth, *arguments], stdout=log, stderr=log,
                                               env=environment))

    def wait_for_file(self, path):
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            if path.exists() and path.read_text():
                return path.read_text()
            time.sleep(0.01)
        sys.exit(f"{path} did not come")

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.endpoints["http"] + path, data, method=method)
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=LONGEST_WAIT_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            sys.exit(f"{method} {path}: {refused.code} {refused.read().decode()}")

    def add_agents(self, count, cores):
        for number in range(count):
            token = self.ask("POST", "/v1/join-tokens", {})["token"]
            self.start("agent", "--data", str(self.folder / f"agent{number}"),
                       "--controller", self.endpoints["agents"], "--join-at",
                       self.endpoints["grpc"], "--join", token, "--node", f"n{number}",
                       "--cores", str(cores), "--address", "127.0.0.1")
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while True:
            nodes = self.ask("GET", "/v1/nodes")["nodes"]
            if sum(node["state"] == "ready" for node in nodes) == count:
                return
            if time.monotonic() > deadline:
                sys.exit("the agents did not come")
            time.sleep(0.02)

    def cpu_seconds(self):
        """Of each process, its children that have ended included."""
        used = []
        for process in self.processes:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            used.append(sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK"))
        return used

    def run_cli(self, *arguments):
        """Milliseconds of one command of the command line."""
        start = time.perf_counter()
        done = subprocess.run([self.berth, *arguments], env=self.environment, capture_output=True,
                              cwd=self.folder)
        took = milliseconds_of(start)
        if done.returncode != 0:
            sys.exit(f"berth {' '.join(arguments)}: {done.returncode} {done.stderr.decode()}")
        return took

    def close(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()


def measure_run(cluster, runs):
    cluster.run_cli("run", "--", TRUE)
    whole, start_only, spawned = [], [], []
    for _ in range(runs):  # In turns, so that all see the machine as it is at that time.
        start_only.append(cluster.run_cli("version"))
        whole.append(cluster.run_cli("run", "--", TRUE))
        spawned += spawn_one_at_a_time([TRUE], 1)
    start = statistics.median(start_only)
    beyond = [took - start for took in whole]
    print(f"posix_spawn of {TRUE}              p50 {statistics.median(spawned):6.1f} ms")
    print(f"berth version                      p50 {start:6.1f} ms")
    print(f"berth run -- {TRUE}            p50 {statistics.median(whole):6.1f} ms"
          f"  p95 {share(whole, 0.95):6.1f} ms")
    print(f"  beyond the command's own start   p50 {statistics.median(beyond):6.1f} ms"
          f"  p95 {share(beyond, 0.95):6.1f} ms   target p50 <= 15 ms")


def run_jobs(cluster, jobs):
    """Seconds from the submit until no job is left; all must have succeeded."""
    spec = {"name": "true", "program": {"command": [TRUE]},
            "bid": {"job_class": "flex", "shape": {"ranks": 1, "per_rank": {"cpu_millis": 1000}},
                    "duration": 60_000}}
    start = time.perf_counter()
    made = cluster.ask("POST", "/v1/jobs", {"spec": spec, "count": jobs})["jobs"]
    while cluster.ask("GET", "/v1/jobs?state=live&limit=1")["jobs"]:
        time.sleep(0.02)
    took = time.perf_counter() - start
    first = min(job["id"] for job in made)
    bad = [job for job in cluster.ask("GET", f"/v1/jobs?limit={jobs}")["jobs"]
           if job["id"] >= first and job["state"] != "succeeded"]
    if bad:
        sys.exit(f"{len(bad)} jobs did not succeed, such as {bad[0]}")
    return took


def measure_rate(cluster, jobs):
    run_jobs(cluster, 50)
    rates, spawned = [], []
    for _ in range(3):
        spawned.append(spawn_rate([TRUE], jobs, 8))
        before = cluster.cpu_seconds()
        rates.append(jobs / run_jobs(cluster, jobs))
        used = [after - first for first, after in zip(before, cluster.cpu_seconds())]
        print(f"  {rates[-1]:6.0f} jobs/s; CPU a job: controller {used[0] / jobs * 1e3:.2f} ms, "
              f"all agents {sum(used[1:]) / jobs * 1e3:.2f} ms")
    spawned.append(spawn_rate([TRUE], jobs, 8))
    raw, rate = statistics.median(spawned), statistics.median(rates)
    print(f"posix_spawn of {TRUE}, 8 at once {raw:6.0f} /s")
    print(f"{jobs} one-core jobs, 4 agents x 2   {rate:6.0f} /s   target >= 600, and 0.36 of"
          f" posix_spawn's rate: {rate / raw:.2f}")


def main():
    parser = argparse.ArgumentParser()
    build = os.environ.get("BERTH_BUILD_DIR", "build/release")
    parser.add_argument("--berth", default=build + "/berth")
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=1000)
    options = parser.parse_args()
    folder = tempfile.mkdtemp(prefix="bench_end_to_end_",
                              dir=os.environ.get("BERTH_BENCH_DIR", "."))
    cluster = Cluster(os.path.abspath(options.berth), os.path.abspath(folder))
    try:
        cluster.open()
        cluster.add_agents(4, 2)
        if options.runs:
            measure_run(cluster, options.runs)
        if options.jobs:
            measure_rate(cluster, options.jobs)
    finally:
        cluster.close()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
