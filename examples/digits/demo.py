#!/usr/bin/env python3
"""A small cluster on this machine: quote, submit, watch, kill a rank, see it recover.

Usage: demo.py PATH_OF_BERTH. Exit status 0 only if all of it held: the training ended with the
accuracy, after an interruption, resumed from a checkpoint, on two nodes, and was paid for.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ACCURACY = 0.95
PATIENCE_S = 120
BAR = 30


class Failed(Exception):
    """Something that the demo promises did not hold."""


class Cluster:
    """A controller and two agents, each a process of its own, in a folder of their own."""

    def __init__(self, berth, folder):
        self.berth = berth
        self.folder = folder
        self.processes = {}
        self.env = dict(os.environ, BERTH_CONFIG=str(folder / "config.yaml"))

    def start(self, name, *arguments):
        """Starts a serving verb with its output in a file; returns that file."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as out:
            self.processes[name] = subprocess.Popen(
                [self.berth, *arguments], stdout=out, stderr=out, env=self.env)
        return log

    def run(self, *arguments):
        """Runs a verb with --json and returns its data."""
        done = subprocess.run([self.berth, *arguments, "--json"], capture_output=True, text=True,
                              env=self.env)
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        if not lines:
            raise Failed(f"berth {' '.join(arguments)}: {done.stderr.strip() or done.returncode}")
        answer = json.loads(lines[-1])
        if not answer.get("ok"):
            raise Failed(f"berth {' '.join(arguments)}: {answer['error']['message']}")
        return answer["data"]

    def up(self):
        data = self.folder / "controller"
        self.start("controller", "controller", "--data", str(data), "--http", "127.0.0.1:0",
                   "--agents", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
        endpoints = data / "endpoints.json"
        wait_for("the controller",
                 lambda: endpoints.exists() and endpoints.read_text().endswith("\n"))
        at = json.loads(endpoints.read_text())
        token = (data / "admin-token").read_text().strip()
        self.env.update(BERTH_SERVER=at["http"], BERTH_TOKEN=token)
        wait_for("the API", lambda: self.try_run("version"))
        join = self.run("node", "token")["token"]
        self.env["BERTH_JOIN_TOKEN"] = join
        for node in ("node-1", "node-2"):
            self.start(node, "agent", "--data", str(self.folder / node), "--node", node,
                       "--cores", "1", "--address", "127.0.0.1", "--controller", at["agents"],
                       "--join-at", at["grpc"])
        wait_for("both nodes", lambda: self.ready_nodes() == 2)

    def ready_nodes(self):
        return sum(node["state"] == "ready" for node in self.run("nodes")["nodes"])

    def try_run(self, *arguments):
        try:
            return self.run(*arguments)
        except Failed:
            return None

    def down(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_for(what, condition, seconds=20.0):
    """Waits until `condition` gives something true, and returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise Failed(f"{what}: nothing after {seconds:.0f} s")


def credits(micros):
    return f"{micros / 1e6:.4f} credits"


def clock(ms):
    return time.strftime("%H:%M:%S", time.localtime(ms / 1000))


def pid_of_rank(job, rank):
    """The process that runs the user's program as `rank` of `job`."""
    for folder in pathlib.Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
            program = (folder / "comm").read_text().strip()
        except OSError:
            continue
        wanted = {f"BERTH_JOB_ID={job}".encode(), f"BERTH_RANK={rank}".encode()}
        if wanted <= set(variables) and program.startswith("python"):
            return int(folder.name)
    return None


def show_progress(state, epoch, epochs, loss, attempt):
    filled = BAR * epoch // epochs
    bar = "#" * filled + "." * (BAR - filled)
    text = f"  [{bar}] epoch {epoch}/{epochs}  loss {loss:.4f}  attempt {attempt}  {state}"
    end = "" if sys.stdout.isatty() else "\n"
    print(("\r\033[K" if sys.stdout.isatty() else "") + text, end=end, flush=True)


class Training:
    """One job, watched to its end."""

    def __init__(self, cluster, job):
        self.cluster = cluster
        self.job = job
        self.killed = None
        self.seen = 0

    def watch(self, epochs):
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            job = self.cluster.run("job", "show", str(self.job))
            self.show(job, epochs)
            if job["ended"]:
                print()
                return job
            time.sleep(0.25)
        raise Failed(f"job {self.job} has not ended after {PATIENCE_S} s")

    def show(self, job, epochs):
        points = self.cluster.run("job", "metrics", str(self.job), "--rank", "0",
                                  "--limit", "1000")["points"]
        losses = [(p["step"], p["values"]["loss"], p["attempt"])
                  for p in points if "loss" in p["values"]]
        if not losses:
            return
        epoch, loss, attempt = losses[-1]
        if (epoch, attempt) != self.seen:
            self.seen = (epoch, attempt)
            show_progress(job["state"], epoch, epochs, loss, attempt)
        if self.killed is None and epoch >= epochs // 2 and job["state"] == "running":
            self.kill_a_rank(epoch)

    def kill_a_rank(self, epoch):
        pid = pid_of_rank(self.job, 1)
        if pid is None:
            return
        os.kill(pid, signal.SIGKILL)
        self.killed = epoch
        print(f"\n  killed rank 1 (pid {pid}) with SIGKILL, on purpose")


def check(job, killed):
    """What must have held, each with a sentence."""
    attempts = job["attempts"]
    yield "the training succeeded", job["state"] == "succeeded"
    yield "a rank was killed half-way", killed is not None
    yield "it took a second attempt", len(attempts) == 2
    yield "that one resumed from a checkpoint", attempts[-1]["resume_from"].startswith("step-")
    yield "the ranks ran on two nodes", len({rank["node"] for rank in attempts[-1]["ranks"]}) == 2
    yield "it was done before its deadline", job["ended"] <= job["deadline"]
    yield "it was paid for, and cost no more than quoted", 0 < job["paid"] <= job["price"]


def train(cluster):
    file = str(HERE / "job.yaml")
    quote = cluster.run("quote", file)
    if not quote.get("offer"):
        raise Failed(f"the bid was refused: {quote.get('text')}")
    offer = quote["offer"]
    print(f"Quote: start {clock(offer['start'])}, "
          f"promised to be done by {clock(quote['promised_finish'])}, "
          f"at most {credits(offer['price'])}, on {', '.join(offer['nodes'])}")
    job = cluster.run("submit", file, "--quote-id", quote["quote_id"])["jobs"][0]
    print(f"Submitted job {job['id']}: {job['state']}")
    training = Training(cluster, job["id"])
    ended = training.watch(epochs=36)
    return ended, training.killed


def show_results(cluster, job):
    to = cluster.folder / "results"
    cluster.run("job", "get", str(job["id"]), "--to", str(to))
    result = json.loads((to / "outputs" / "result.json").read_text())
    accuracy = result["test_accuracy"]
    print(f"Test accuracy {accuracy:.4f} on 360 images that it has not seen")
    print(f"  model  {to / 'outputs' / 'models' / 'digits.pt'}")
    for attempt in job["attempts"]:
        print(f"  curve  {to / ('attempt-%d' % attempt['number']) / 'rank-0.metrics.jsonl'}")
        print(f"  log    {to / ('attempt-%d' % attempt['number']) / 'rank-0.log'}")
    print(f"  paid   {credits(job['paid'])} of at most {credits(job['price'])}")
    return accuracy


def main():
    berth = str(pathlib.Path(sys.argv[1]).resolve())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="berth-demo-"))
    cluster = Cluster(berth, folder)
    started = time.monotonic()
    held = False
    try:
        cluster.up()
        print(f"A controller and two agents are up after {time.monotonic() - started:.1f} s")
        job, killed = train(cluster)
        for line in job["history"]:
            print(f"  {clock(line['at'])}  {line['state']:<12} {line['cause']}")
        accuracy = show_results(cluster, job)
        claims = [*check(job, killed),
                  (f"test accuracy of at least {ACCURACY}", accuracy >= ACCURACY)]
        for sentence, ok in claims:
            print(f"  {'yes' if ok else 'NO '}  {sentence}")
        held = all(ok for _, ok in claims)
    except (Failed, KeyboardInterrupt) as problem:
        print(f"demo: {problem or 'interrupted'}", file=sys.stderr)
        for log in sorted(folder.glob("*.log")):
            print(f"--- {log}\n{log.read_text()[-2000:]}", file=sys.stderr)
    finally:
        cluster.down()
    verdict = "All of it held" if held else "It did not hold"
    print(f"{verdict}, in {time.monotonic() - started:.0f} s. Everything is in {folder}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
