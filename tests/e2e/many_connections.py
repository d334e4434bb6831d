#!/usr/bin/python3
"""Ten thousand connections that never finish a request do not keep anybody out."""

import json
import resource
import selectors
import socket
import time
import urllib.parse

from lib.cluster import Cluster
from lib.trial import PATIENCE, Skipped, check, check_equal, main

MANY = 10_000
cluster = None


def room_for_many(trial):
    global cluster
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < MANY + 1_000:
        raise Skipped(f"{MANY} connections need more open files than the limit of {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    cluster = Cluster(trial)
    cluster.start_controller()
    cluster.start_agent("node-1")
    cluster.wait_for_nodes(1)


def connect(address, number):
    """A client that begins a request and goes quiet; one in three says nothing at all."""
    made = socket.create_connection(address, timeout=10)
    made.setblocking(False)
    begun = [
        b"",
        b"GET /v1/jobs HT",
        b"POST /v1/jobs HTTP/1.1\r\nHost: berth\r\nContent-Length: 100\r\n\r\n{",
    ][number % 3]
    if begun:
        made.send(begun)
    return made


def a_normal_client_works(trial):
    url = urllib.parse.urlsplit(cluster.http)
    address = (url.hostname, url.port)
    open_ones = []
    trial.at_end.append(lambda: [each.close() for each in open_ones])
    slowest = 0.0
    for number in range(MANY):
        open_ones.append(connect(address, number))
        if number % 1_000 == 999:
            begun = time.monotonic()
            cluster.api("GET", "/v1/jobs", timeout=5)
            slowest = max(slowest, time.monotonic() - begun)
    selector = selectors.DefaultSelector()
    for each in open_ones:
        selector.register(each, selectors.EVENT_READ)
    closed = len(selector.select(timeout=0))
    check(closed < MANY, "the server holds at least some of them")
    check_equal(
        cluster.berth("run", "--", "echo", "through").ok().out, "through\n", "a job meanwhile"
    )
    answer = cluster.api(
        "POST",
        "/v1/jobs",
        json.loads(
            '{"spec": {"name": "x", "program": {"command": ["true"]},'
            ' "bid": {"job_class": "flex", "duration": 60000}}}'
        ),
        key="among-many",
    )
    cluster.wait_for_state(answer["jobs"][0]["id"], ["succeeded"])
    check(slowest < 2.0 * PATIENCE, f"the slowest answer among them took {slowest:.2f} s")
    print(
        f"     {MANY} connections, {closed} closed by the server; "
        f"slowest answer {slowest * 1000:.0f} ms"
    )


if __name__ == "__main__":
    main([room_for_many, a_normal_client_works])
