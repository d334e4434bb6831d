#!/usr/bin/python3
"""The first day: one command starts a cluster; jobs run, are paid and kept; people sign in."""

import json
import os
import re
import signal
import subprocess

from lib.cluster import LOOPBACK, Cluster, Server
from lib.trial import PATIENCE, build_folder, check, check_equal, check_in, main, wait_for


class FirstDay(Cluster):
    """`berth up`, and the command line as it finds it: by the configuration that `up` wrote."""

    def up(self):
        # The agent's data lies inside the controller's: one folder holds all there is.
        words = ["up", "--data", self.data, "--node", "home", "--cores", "2", *LOOPBACK]
        self.controller = Server(self.trial, "up", words, self.env).start()
        wait_for(
            "`up` to say that it is up",
            lambda: "berth run -- hostname" in self.controller.log.read_text(),
        )

    def again(self):
        self.controller.stop()
        self.controller.log.unlink()
        self.up()

    def last_job(self):
        return self.json("jobs", "--all", "--limit", "1")["jobs"][0]["id"]


JOB_FILE = """\
name: greeting
command: [sh, -c, 'echo hello $WHOM | tee out.txt; cp out.txt $BERTH_OUTPUT_DIR']
env: {WHOM: world}
workdir: .
outputs: ['*.txt']
memory: 64MiB
duration: 2m
by: 1h
class: reserved
"""
day = None


def up_and_run(trial):
    global day
    day = FirstDay(trial, "home")
    day.up()
    run = day.berth("run", "--", "hostname")
    check_equal(
        (run.status, run.out, run.err), (0, os.uname().nodename + "\n", ""), "run -- hostname"
    )
    run = day.berth("run", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    check_equal(run.status, 7, "the command's exit status")
    check_equal(sorted(run.out.split()), ["err", "out"], "the log of the rank")
    check_equal(run.err.count("\n"), 1, f"an end that is bad is said once: {run.err}")
    check_in("failed: exited with code 7", run.err, "the end of the job")
    check_equal(
        day.berth("run", "--retries", "0", "--", "sh", "-c", "kill -SEGV $$").status,
        128 + 11,
        "ended by a signal",
    )


def interrupt_cancels(trial):
    words = [
        str(build_folder() / "berth"),
        "run",
        "--grace",
        "2s",
        "--",
        "sh",
        "-c",
        "echo begun; exec sleep 600",
    ]
    run = subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=day.env,
        cwd=day.folder,
    )
    trial.at_end.append(run.kill)
    check_equal(run.stdout.readline(), "begun\n", "the log while it runs")
    job = day.last_job()
    run.send_signal(signal.SIGINT)
    _, error = run.communicate(timeout=20 * PATIENCE)
    check_equal(run.returncode, 130, "the status of a cancelled run")
    check_in("cancelling job", error, "what Ctrl-C says")
    check_equal(day.job(job)["state"], "cancelled", "the job after Ctrl-C")
    day.check_nothing_left()


def job_file(trial):
    (day.folder / "job.yaml").write_text(JOB_FILE)
    quote = day.berth("quote", "job.yaml").ok()
    for part in ("promised finish", "credits at most", "To take it"):
        check_in(part, quote.out, "the quote")
    command = quote.out.strip().splitlines()[-1].split()
    check_equal(command[:2], ["berth", "submit"], "the line that takes the quote")
    submitted = day.berth(*command[1:]).ok()
    job = int(re.search(r"job (\d+)", submitted.out).group(1))
    check_in(f"berth job logs -f {job}", submitted.out, "what to do next")
    check_equal(day.berth("job", "logs", "-f", job).ok().out, "hello world\n", "the log")
    shown = day.wait_for_state(job, ["succeeded"])
    check(0 < shown["ended"] <= shown["deadline"], "it was done before its deadline")
    text = day.berth("job", "show", job).ok().out
    for part in ("greeting", "succeeded", "exit 0", "home"):
        check_in(part, text, "job show")
    files = [file["path"] for file in day.json("job", "files", job)["files"]]
    check(any(path.endswith("out.txt") for path in files), f"out.txt is kept: {files}")
    day.berth("job", "get", job, "--to", "fetched").ok()
    kept = list((day.folder / "fetched").rglob("out.txt"))
    check(
        kept and all(path.read_text() == "hello world\n" for path in kept),
        f"the fetched file: {kept}",
    )
    check_in(f"job {job} succeeded", day.berth("why", job).ok().out, "why of what is done")


def waiting_is_explained(trial):
    first = day.json("submit", "--cores", "2", "--", "sleep", "600")["jobs"][0]["id"]
    day.wait_for_state(first, ["running"])
    second = day.json("submit", "--cores", "2", "--", "true")["jobs"][0]["id"]
    why = day.berth("why", second).ok().out
    check_in(f"job {first}", why, "who is in the way")
    check_in("What would help", why, "what to do about it")
    day.berth("job", "cancel", first).ok()
    day.wait_for_state(first, ["cancelled"])
    day.wait_for_state(second, ["succeeded"])


def lists(trial):
    for words, part in (
        (["jobs", "--all"], "greeting"),
        (["nodes"], "ready"),
        (["calendar"], "CORE-HOUR"),
        (["events", "--limit", "500"], "JobAccepted"),
        (["prices"], "core"),
        (["teams"], "default"),
        (["statement"], "refund"),
        (["whoami"], "admin"),
        (["version"], "controller"),
    ):
        answer = day.berth(*words).ok()
        check_in(part, answer.out, f"berth {words[0]}")
        check_equal(answer.err, "", f"berth {words[0]} on standard error")
        check(
            max(len(line) for line in answer.out.splitlines()) < 200,
            f"berth {words[0]}: lines without end",
        )
        check(isinstance(day.json(*words), dict), f"berth {words[0]} --json")
    empty = day.berth("jobs").ok()
    check_in("No jobs", empty.out, "jobs when nothing is live")
    day.check_books()


def refusals_say_what_would_be_taken(trial):
    holder = day.json("submit", "--cores", "2", "-t", "2h", "--by", "5h", "--", "sleep", "600")[
        "jobs"
    ][0]["id"]
    refused = day.berth("quote", "--cores", "2", "-t", "2h", "--by", "3h", "--", "true")
    check_equal(refused.status, 3, "the status of a refusal")
    check_in("This would be accepted:", refused.out, "a refusal")
    command = next(
        line for line in refused.out.splitlines() if line.strip().startswith("berth quote")
    )
    check_equal(
        day.berth(*command.split()[1:]).status,
        0,
        f"what the refusal says would be accepted: {command}",
    )
    day.berth("job", "cancel", holder).ok()
    day.wait_for_state(holder, ["cancelled"])
    refused = day.berth("run", "--gpus", "1", "--", "true")
    check_equal(refused.status, 3, "a bid on GPUs that are not there")
    check_equal(
        day.berth("run", "--gpsu", "1", "--", "true").status, 2, "an option that is not there"
    )
    check_equal(day.berth("job", "show", "99999").status, 4, "a job that is not there")
    check_in("job logs", day.berth("logs", "1").err, "the verb that was meant")


def people_sign_in(trial):
    day.berth("team", "add", "vision").ok()
    day.berth(
        "users",
        "add",
        "li",
        "--team",
        "vision",
        "--password-stdin",
        stdin="correct horse battery\n",
    ).ok()
    day.berth("grant", "vision", "50").ok()
    theirs = {"BERTH_CONFIG": str(day.folder / "li.yaml")}
    url = re.search(r"http://\S+", day.controller.log.read_text()).group(0)
    wrong = day.berth("login", url, "--user", "li", "--password-stdin", stdin="wrong\n", env=theirs)
    check_equal(wrong.status, 5, "a wrong password")
    day.berth(
        "login",
        url,
        "--user",
        "li",
        "--password-stdin",
        stdin="correct horse battery\n",
        env=theirs,
    ).ok()
    check_equal(
        (day.folder / "li.yaml").stat().st_mode & 0o777, 0o600, "who may read the configuration"
    )
    check_in("li of team vision", day.berth("whoami", env=theirs).ok().out, "whoami")
    check_equal(day.berth("run", "--", "echo", "mine", env=theirs).ok().out, "mine\n", "li's job")
    check_equal(day.berth("job", "show", "1", env=theirs).status, 4, "another team's job")
    check_equal(day.berth("grant", "vision", "50", env=theirs).status, 5, "a grant by a member")
    made = json.loads(day.berth("--json", "tokens", "create", "ci", env=theirs).ok().out)["data"]
    only_token = {"BERTH_CONFIG": "/nonexistent", "BERTH_SERVER": url, "BERTH_TOKEN": made["token"]}
    check_in("li", day.berth("whoami", env=only_token).ok().out, "whoami with a token")
    day.berth("tokens", "revoke", made["id"], "--yes", env=theirs).ok()
    check_equal(day.berth("whoami", env=only_token).status, 5, "a revoked token")


def second_up_is_refused(trial):
    second = subprocess.run(
        [str(build_folder() / "berth"), "up", "--data", str(day.data), *LOOPBACK],
        capture_output=True,
        text=True,
        env=day.env,
        timeout=20 * PATIENCE,
    )
    check_equal(second.returncode, 6, "a second `up` on the same data")
    check_in("another controller uses", second.stderr, "a second `up`")


def without_use(answer):
    """What teams have, without what they use: that grows while a job runs."""
    for team in answer["teams"]:
        del team["used"]
    return answer


def restart_keeps_everything(trial):
    stays = day.json("submit", "--", "sleep", "600")["jobs"][0]["id"]
    day.wait_for_state(stays, ["running"])
    before, ranks = day.json("jobs", "--all"), day.processes(stays)
    teams = without_use(day.json("teams"))
    check(ranks, "the job's processes")
    day.again()
    wait_for("the node", lambda: day.json("nodes")["nodes"][0]["state"] == "ready")
    check_equal(day.json("jobs", "--all"), before, "the jobs after a restart")
    check_equal(without_use(day.json("teams")), teams, "the teams after a restart")
    check_equal(day.processes(stays), ranks, "the processes of the running job")
    day.berth("job", "cancel", stays).ok()
    day.wait_for_state(stays, ["cancelled"])
    day.check_nothing_left()
    day.check_books()
    check_equal(
        day.berth("run", "--", "echo", "again").ok().out, "again\n", "a job after the restart"
    )


if __name__ == "__main__":
    main(
        [
            up_and_run,
            interrupt_cancels,
            job_file,
            waiting_is_explained,
            lists,
            refusals_say_what_would_be_taken,
            people_sign_in,
            second_up_is_refused,
            restart_keeps_everything,
        ]
    )
