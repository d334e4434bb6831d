#!/usr/bin/python3
"""Runs what README.md and README.zh-CN.md tell a newcomer, as it stands, each on a fresh cluster.
The two must hold the same commands, and what they link to and name must be there."""

import os
import re
import shutil
import subprocess

from lib.cluster import LOOPBACK, Cluster, Server
from lib.trial import build_folder, check, check_equal, check_in, main, source_folder, wait_for

# What the test sees to itself: the program is built, and its folder is on the PATH.
SEEN_TO = ("./dev build", "export PATH=$PWD/build/release:$PATH")
FILES = ("README.md", "README.zh-CN.md")


def blocks(name):
    """The lines of each fenced sh block."""
    text = (source_folder() / name).read_text()
    return [
        [line for line in block.splitlines() if line]
        for block in re.findall(r"```sh\n(.*?)```", text, re.S)
    ]


def both_say_the_same(_):
    check(blocks(FILES[0]), "README.md has commands")
    check_equal(blocks(FILES[1]), blocks(FILES[0]), "the commands of the two languages")
    for name in FILES:
        text = (source_folder() / name).read_text()
        for link in re.findall(r"\]\(([^)#:]+)\)", text):
            check((source_folder() / link).exists(), f"{name} links to {link}, which is not there")
        verbs = (
            re.search(r"^  (demo \|.*)\)$", (source_folder() / "dev").read_text(), re.M)
            .group(1)
            .split(" | ")
        )
        for verb in re.findall(r"\./dev (\w+)", text):
            check(verb in verbs, f"{name} names ./dev {verb}, which is no verb")


class Newcomer(Cluster):
    """Someone with a home, a copy of the examples, and `berth` on the PATH."""

    def __init__(self, trial, name, language):
        super().__init__(trial, name)
        shutil.copytree(source_folder() / "examples", self.folder / "examples")
        self.env.pop("BERTH_CONFIG")
        self.env.pop("LC_ALL")
        self.env.update(
            HOME=str(self.folder),
            LANG=language,
            BERTH_DATA=str(self.data),
            PATH=f"{build_folder()}:{os.environ['PATH']}",
        )
        for each in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            self.env.pop(each, None)

    def up(self):
        self.controller = Server(
            self.trial, f"{self.folder.name}-up", ["up", "--cores", "2", *LOOPBACK], self.env
        ).start()
        wait_for("`berth up`", lambda: "berth run -- hostname" in self.controller.log.read_text())

    def shell(self, line):
        done = subprocess.run(
            ["sh", "-c", line],
            capture_output=True,
            text=True,
            env=self.env,
            cwd=self.folder,
            timeout=60,
        )
        check_equal(done.returncode, 0, f"{line}\n{done.stdout}{done.stderr}")
        check_equal(done.stderr, "", f"{line}: what it says on standard error")
        return done.stdout

    def add_node(self, text):
        """Pastes the printed line, as on another machine: another name and another data folder."""
        line = next(line.strip() for line in text.splitlines() if " | berth agent " in line)
        pasted = re.fullmatch(r"echo (\S+) \| berth (agent .* --join-token-file) -", line)
        token, agent = pasted.groups()
        file = self.folder / "token"
        file.write_text(token + "\n")
        check(token not in agent, "the token is not on the command line")
        words = [
            *agent.split(),
            file,
            "--node",
            "second",
            "--data",
            self.folder / "second",
            "--cores",
            "1",
        ]
        Server(self.trial, f"{self.folder.name}-second", words, self.env).start()
        self.nodes = wait_for("the second node", self.nodes_with_second)

    def nodes_with_second(self):
        nodes = self.shell("berth nodes")
        return nodes if "second" in nodes else None


def tour(trial, name, language):
    newcomer = Newcomer(trial, f"tour-{language[:2]}", language)
    said = {}
    for block in blocks(name):
        for line in block:
            if line in SEEN_TO:
                continue
            if line == "berth up":
                newcomer.up()
                continue
            said[line] = newcomer.shell(line)
            if line == "berth node token":
                newcomer.add_node(said[line])
    check_equal(said["berth run -- hostname"], os.uname().nodename + "\n", "berth run -- hostname")
    check_in("sleep 1", said["berth job show 2"], "the job that the README speaks of")
    check_equal(said["berth job logs 1"], said["berth run -- hostname"], "the log of the first job")
    check("second" in newcomer.nodes, "the node that was added")
    chinese = any("\u4e00" <= letter <= "\u9fff" for letter in said["berth nodes"])
    check_equal(chinese, language.startswith("zh"), "whether the tables are in Chinese")


def english(trial):
    tour(trial, FILES[0], "C.UTF-8")


def chinese(trial):
    tour(trial, FILES[1], "zh_CN.UTF-8")


if __name__ == "__main__":
    main([both_say_the_same, english, chinese])
