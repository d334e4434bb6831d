"""Controllers and agents as processes of their own, and the command line that speaks with them."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

from lib.trial import PATIENCE, SANITIZER_REPORT, Failed, build_folder, check, check_equal, wait_for

LOOPBACK = ["--http", "127.0.0.1:0", "--agents", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
# Loopback is asked directly, whatever proxy the environment names.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
FINAL = ("refused", "succeeded", "failed", "cancelled", "expired", "lost")


class Answer:
    """How one call of the command line ended."""

    def __init__(self, words, done):
        self.words = words
        self.status = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    def ok(self):
        check(
            self.status == 0,
            f"berth {' '.join(self.words)}: status {self.status}\n{self.out}{self.err}",
        )
        return self


class Server:
    """One serving verb: started, killed, started again with the same arguments."""

    def __init__(self, trial, name, words, env):
        self.name = name
        self.words = [str(word) for word in words]
        self.env = env
        self.log = trial.folder / f"{name}.log"
        self.process = None
        trial.at_end.append(self.stop)

    def start(self, **more):
        env = dict(self.env, **more)
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [str(build_folder() / "berth"), *self.words],
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env=env,
            )
        return self

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def has_ended(self):
        return self.process is None or self.process.poll() is not None

    def stop(self):
        if self.has_ended():
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout=15 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} did not stop in time after SIGTERM") from None


class Cluster:
    """A controller with as many agents as asked for, all on ports that were free."""

    def __init__(self, trial, name="cluster", lease="30s"):
        self.trial = trial
        self.lease = lease
        self.folder = trial.folder / name
        self.folder.mkdir()
        self.data = self.folder / "controller"
        self.env = {key: value for key, value in os.environ.items() if not key.startswith("BERTH_")}
        self.env.update(
            BERTH_CONFIG=str(self.folder / "config.yaml"), LC_ALL="C", HOME=str(self.folder)
        )
        self.controller = None
        self.agents = {}
        self.http = ""
        self.token = ""
        trial.at_end.append(self.end_ranks)

    # Serving.

    def start_controller(self, addresses=None, **faults):
        """Starts the controller and waits until it answers."""
        words = ["controller", "--data", self.data, "--lease", self.lease, *(addresses or LOOPBACK)]
        self.controller = Server(
            self.trial, f"{self.folder.name}-controller", words, self.env
        ).start(**faults)
        self.wait_until_serving()
        # The next start takes the same ports, as agents and people know them.
        at = self.endpoints()
        http = at["http"].split("//")[1].rstrip("/")
        self.controller.words = [
            "controller",
            "--data",
            str(self.data),
            "--lease",
            self.lease,
            "--http",
            http,
            "--agents",
            at["agents"],
            "--grpc",
            at["grpc"],
        ]

    def restart_controller(self, **faults):
        (self.data / "endpoints.json").unlink(missing_ok=True)
        self.controller.start(**faults)
        self.wait_until_serving()

    def wait_until_serving(self):
        endpoints = self.data / "endpoints.json"

        def serves():
            check(
                not self.controller.has_ended(),
                f"the controller ended: {self.controller.log.read_text()[-500:]}",
            )
            return endpoints.exists() and endpoints.read_text().endswith("\n")

        wait_for("the controller's addresses", serves)
        self.http = self.endpoints()["http"]
        self.token = (self.data / "admin-token").read_text().strip()
        self.env.update(BERTH_SERVER=self.http, BERTH_TOKEN=self.token)

    def endpoints(self):
        return json.loads((self.data / "endpoints.json").read_text())

    def start_agent(self, node, *more, **faults):
        at = self.endpoints()
        join = self.json("node", "token")["token"]
        words = [
            "agent",
            "--data",
            self.folder / node,
            "--node",
            node,
            "--cores",
            "1",
            "--address",
            "127.0.0.1",
            "--controller",
            at["agents"],
            "--join-at",
            at["grpc"],
            "--join",
            join,
            *more,
        ]
        self.agents[node] = Server(self.trial, f"{self.folder.name}-{node}", words, self.env).start(
            **faults
        )
        return self.agents[node]

    def wait_for_nodes(self, count):
        wait_for(
            f"{count} ready nodes",
            lambda: sum(node["state"] == "ready" for node in self.json("nodes")["nodes"]) == count,
        )

    # The command line and the API.

    def berth(self, *words, stdin="", env=None, cwd=None, timeout=60):
        done = subprocess.run(
            [str(build_folder() / "berth"), *map(str, words)],
            capture_output=True,
            text=True,
            input=stdin,
            env=dict(self.env, **(env or {})),
            cwd=cwd or self.folder,
            timeout=timeout * PATIENCE,
        )
        check(not SANITIZER_REPORT.search(done.stderr), done.stderr)
        return Answer([str(word) for word in words], done)

    def json(self, *words, **more):
        answer = self.berth("--json", *words, **more).ok()
        return json.loads(answer.out)["data"]

    def api(self, method, path, body=None, key=None, timeout=5.0):
        """One request over plain HTTP; errors of the connection are raised as OSError."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.http + path, data=data, headers=headers, method=method
        )
        with OPENER.open(request, timeout=timeout * PATIENCE) as answer:
            return json.loads(answer.read())

    def job(self, number):
        return self.json("job", "show", number)

    def wait_for_state(self, number, states, seconds=30.0):
        def reached():
            job = self.job(number)
            if job["state"] in states:
                return job
            check(job["state"] not in FINAL, f"job {number} is {job['state']}: {job['text']}")
            return None

        return wait_for(f"job {number} to be {' or '.join(states)}", reached, seconds)

    # What runs on this machine for this cluster.

    def processes(self, job=None):
        """{pid: command} of the processes of this cluster's ranks, found by what they carry."""
        mark = str(self.folder).encode()
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                variables = (entry / "environ").read_bytes().split(b"\0")
                command = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
                state = re.search(r"\) (\S)", (entry / "stat").read_text()).group(1)
            except (OSError, AttributeError):
                continue
            jobs = [each for each in variables if each.startswith(b"BERTH_JOB_ID=")]
            ours = any(mark in each for each in variables)
            is_wanted = job is None or f"BERTH_JOB_ID={job}".encode() in jobs
            if jobs and ours and is_wanted and state != "Z":
                found[int(entry.name)] = command
        return found

    def shims(self):
        """{pid: command} of the shims of this cluster."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"berth-shim") and any(
                str(self.folder).encode() in word for word in words
            ):
                found[int(entry.name)] = b" ".join(words).decode(errors="replace")
        return found

    def end_ranks(self):
        """At the end of a failed script, nothing of it stays."""
        for pid in [*self.shims(), *self.processes()]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def check_nothing_left(self):
        wait_for(
            "the last process of a rank to go",
            lambda: not self.processes() and not self.shims(),
            15,
        )

    def check_books(self):
        """Nothing is held once every job has ended; a statement's lines sum to the balance."""
        teams = self.json("teams")["teams"]
        for team in teams:
            check_equal(team["held"], 0, f"what is held of team {team['team']}")
            statement = self.json("statement", team["team"], "--limit", "1000")
            account = f"team:{team['team']}"
            sum_of_lines = 0
            for line in statement["lines"]:
                sum_of_lines += line["amount"] if line["to"] == account else -line["amount"]
            if len(statement["lines"]) < 1000:
                check_equal(sum_of_lines, team["balance"], f"the balance of team {team['team']}")


def now_ms():
    return int(time.time() * 1000)
