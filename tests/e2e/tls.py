#!/usr/bin/python3
"""On an address that others can reach everything is TLS: the command line with the pinned authority
gets in, plain HTTP and agents with a wrong token do not. Needs an address that is not loopback."""

import socket
import ssl
import subprocess
import urllib.parse
from pathlib import Path

from lib.cluster import Cluster
from lib.trial import Skipped, build_folder, check, check_equal, check_in, main, wait_for

cluster = None


def address_of_this_machine():
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split()
    found = [each for each in said if ":" not in each and not each.startswith("127.")]
    if not found:
        raise Skipped("this machine has no address but loopback")
    return found[0]


def serves_with_tls(trial):
    global cluster
    address = address_of_this_machine()
    cluster = Cluster(trial)
    at = f"{address}:0"
    cluster.env["BERTH_CA"] = str(cluster.data / "ca" / "ca.pem")
    cluster.start_controller(["--http", at, "--agents", at, "--grpc", at, "--name", address])
    check(cluster.http.startswith(f"https://{address}:"), f"the address is {cluster.http}")
    # From here on as a person would: what is known comes from `berth login`.
    for name in ("BERTH_CA", "BERTH_TOKEN", "BERTH_SERVER"):
        cluster.env.pop(name, None)


def people_sign_in_over_tls(trial):
    admin = {"BERTH_SERVER": cluster.http, "BERTH_TOKEN": cluster.token}
    unknown = cluster.berth("whoami", env=admin)
    check(
        unknown.status in (5, 7),
        f"an authority that nobody trusts: {unknown.status} {unknown.out}{unknown.err}",
    )
    ca = cluster.data / "ca" / "ca.pem"
    login = cluster.berth("login", cluster.http, "--ca", ca, "--token", cluster.token)
    check_equal(login.status, 0, f"login with the pinned authority: {login.err}")
    check_in("admin", cluster.berth("whoami").ok().out, "whoami after login")


def plain_http_is_refused(trial):
    url = urllib.parse.urlsplit(cluster.http)
    with socket.create_connection((url.hostname, url.port), timeout=5) as plain:
        plain.sendall(b"GET /v1/health HTTP/1.1\r\nHost: berth\r\n\r\n")
        try:
            answer = plain.recv(4096)
        except ConnectionError:
            answer = b""
    check(not answer.startswith(b"HTTP/1.1 200"), f"plain HTTP got {answer!r}")
    check(b"cluster" not in answer, f"plain HTTP got {answer!r}")
    wrong = cluster.berth("whoami", env={"BERTH_SERVER": cluster.http.replace("https", "http")})
    check(wrong.status != 0, "the command line over plain HTTP")
    context = ssl.create_default_context(cafile=str(cluster.data / "ca" / "ca.pem"))
    with socket.create_connection((url.hostname, url.port), timeout=5) as raw:
        with context.wrap_socket(raw, server_hostname=url.hostname) as secure:
            check(secure.version() in ("TLSv1.2", "TLSv1.3"), f"the version is {secure.version()}")


def agent(trial, node, at, token):
    return [
        str(build_folder() / "berth"),
        "agent",
        "--data",
        str(cluster.folder / node),
        "--node",
        node,
        "--cores",
        "1",
        "--controller",
        at["agents"],
        "--join-at",
        at["grpc"],
        "--join",
        token,
    ]


def agents_need_a_good_token(trial):
    at = cluster.endpoints()
    good = cluster.json("node", "token")["token"]
    # Another secret with the same length and the same authority.
    half = len(good) // 2
    flipped = good[:half] + ("a" if good[half] != "a" else "b") + good[half + 1 :]
    for token, what in ((flipped, "a changed token"), ("nonsense", "nonsense"), ("", "no token")):
        words = agent(trial, "stranger", at, token)
        refused = subprocess.run(words, capture_output=True, text=True, env=cluster.env, timeout=30)
        check(refused.returncode != 0, f"an agent with {what} ended with {refused.returncode}")
        check_in("berth: ", refused.stderr, f"what an agent with {what} says")
    check_equal(
        [node["name"] for node in cluster.json("nodes")["nodes"]], [], "the nodes after those"
    )
    cluster.start_agent("node-1")
    cluster.wait_for_nodes(1)
    words = Path(f"/proc/{cluster.agents['node-1'].process.pid}/cmdline").read_text().split("\0")
    check_equal(set(words[words.index("--join") + 1]), {"*"}, "the token in the list of processes")
    check_equal(cluster.berth("run", "--", "echo", "secure").ok().out, "secure\n", "a job over TLS")


def a_removed_node_joins_again_with_a_new_token(_):
    removed = cluster.agents["node-1"]
    cluster.berth("node", "remove", "node-1", "--yes").ok()
    wait_for("its agent to end", removed.has_ended)
    check_in("node-1 was removed", removed.log.read_text(), "what its agent says")
    removed.start()
    wait_for("it to end again: its token was used", removed.has_ended)
    cluster.start_agent("node-1")
    cluster.wait_for_nodes(1)


if __name__ == "__main__":
    main(
        [
            serves_with_tls,
            people_sign_in_over_tls,
            plain_http_is_refused,
            agents_need_a_good_token,
            a_removed_node_joins_again_with_a_new_token,
        ]
    )
