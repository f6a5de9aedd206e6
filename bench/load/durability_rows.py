"""Rows of what is kept on disk: the log, images, and how long a start takes."""

import os
import pathlib
import shutil
import tempfile
import time

from figures import thinned
from peers import LOG, Load, load
from row import Goal, Row

MIB = 1 << 20
SESSIONS = 5_000_000
TAIL = 1_000_000
POLL_SECONDS = 0.05


def steady_sets(clients, pipeline, requests):
    return ("--workload", "set", "--keys", 1_000_000, "--value-size", 150, "--clients", clients,
            "--pipeline", pipeline, "--requests", requests, "--warmup", max(requests // 10, 1))


def log_row(name, title, sync, clients, pipeline, requests, goals):
    def run(context):
        count = context.count(requests)
        curves = {}

        def measure(peer):
            with peer.start(*LOG, "--appendfsync", sync) as server:
                measured = load(server, *steady_sets(clients, pipeline, count))
            curves[peer.name] = thinned(measured["curve_us"])
            latency = measured["latency_us"]
            return {"cpu_us": measured["server"]["cpu_us_per_command"],
                    "us_a_request": 1e6 / measured["requests_per_second"],
                    "throughput": measured["requests_per_second"], "p50_us": latency["p50"],
                    "p99_us": latency["p99"], "p99.9_us": latency["p99.9"]}

        return context.each(measure), curves

    return Row(name, title, run,
               {"cpu_us": "server CPU of all threads, us a command",
                "us_a_request": "time a request, us (the inverse of the next)",
                "throughput": "requests a second", "p50_us": "p50, us", "p99_us": "p99, us",
                "p99.9_us": "p99.9, us"}, goals)


def fill_sessions(server, sessions, tokens):
    kind = "session" if server.peer.has_sessions else "plain"
    load(server, "--workload", f"{kind}-mix", "--keys", sessions, "--sessions-per-user", 2,
         "--expire", 86400, "--preload-only", "--pipeline", 64,
         *(("--tokens", tokens) if server.peer.has_sessions else ()))


def mix(server, sessions, tokens, seconds):
    kind = "session" if server.peer.has_sessions else "plain"
    return ("--workload", f"{kind}-mix", "--keys", sessions, "--sessions-per-user", 2, "--clients",
            50, "--rate", 5_000, "--duration", seconds,
            *(("--tokens", tokens) if server.peer.has_sessions else ()))


def is_saving(server):
    found = server.info("persistence")
    return any(found.get(name) == "1" for name in ("rdb_bgsave_in_progress",
                                                   "aof_rewrite_in_progress"))


def resident(server):
    """RSS of the process, and what its children have of their own."""
    total = server.rss()
    pid = server.process.pid
    for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        try:
            rollup = pathlib.Path(f"/proc/{child}/smaps_rollup").read_text()
        except OSError:
            continue  # it has ended
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines()
                     if line.startswith("Private_Dirty"))
    return total


def save_watched(server, command):
    """Has an image taken; seconds it took, and the most memory that was in use meanwhile."""
    peak, began = resident(server), time.monotonic()
    server.call(command)
    while is_saving(server):
        peak = max(peak, resident(server))
        time.sleep(POLL_SECONDS)
    return time.monotonic() - began, peak


def image_bytes(folder):
    files = [*pathlib.Path(folder).glob("image-*.img"), *pathlib.Path(folder).glob("dump.rdb")]
    return max(file.stat().st_size for file in files)


def run_image(context):
    sessions = context.count(SESSIONS)
    curves = {}

    def measure(peer):
        tokens = os.path.join(tempfile.gettempdir(), f"cloakroom-bench-tokens-{os.getpid()}")
        with peer.start(*LOG) as server:
            fill_sessions(server, sessions, tokens)
            before = server.settled_rss()
            calm = load(server, *mix(server, sessions, tokens, context.seconds(5)))
            during = Load(server, *mix(server, sessions, tokens, 3600))
            time.sleep(1.0)
            took, peak = save_watched(server, "BGSAVE")
            measured = during.finish()
            size = image_bytes(server.folder)
        pathlib.Path(tokens).unlink(missing_ok=True)
        curves[f"{peer.name}, calm"] = thinned(calm["curve_us"])
        curves[f"{peer.name}, during an image"] = thinned(measured["curve_us"])
        calm_us, during_us = calm["latency_us"]["p99.9"], measured["latency_us"]["p99.9"]
        return {"p99.9_times": during_us / calm_us, "rss_times": peak / before,
                "bytes_a_session": size / sessions, "image_s": took, "calm_p99.9_us": calm_us,
                "during_p99.9_us": during_us, "rss_mib": before / MIB}

    return context.each(measure), curves


def loaded_after(peer, folder, options):
    """Seconds from the start of the process until all is loaded."""
    began = time.monotonic()
    with peer.start(*options, folder=folder) as server:
        while server.info("persistence")["loading"] != "0":
            time.sleep(POLL_SECONDS / 5)
        seconds = time.monotonic() - began
        keys = server.call("DBSIZE")
        server.process.kill()
    return seconds, keys


def run_recovery(context):
    sessions, tail = context.count(SESSIONS), context.count(TAIL)
    folders = {}

    def prepare(peer):
        """A directory with an image of the sessions and the log of so many SETs behind it."""
        folder = folders[peer.name] = tempfile.mkdtemp(prefix="cloakroom-bench-data-")
        tokens = os.path.join(folder, "tokens")
        with peer.start(*LOG, folder=folder) as server:
            fill_sessions(server, sessions, tokens)
            save_watched(server, "BGREWRITEAOF")
            load(server, "--workload", "set", "--keys", tail, "--value-size", 150,
                 "--preload-only", "--pipeline", 64)

    def measure(peer):
        seconds, _ = loaded_after(peer, folders[peer.name], LOG)
        return {"load_s": seconds}

    try:
        for peer in context.peers:
            context.say(f"{peer.name}: {sessions:,} sessions, then {tail:,} records")
            prepare(peer)
        return context.each(measure), {}
    finally:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)


ROWS = [
    log_row("log-everysec", "SET of 150 B, 50 clients, pipeline 16, appendfsync everysec",
            "everysec", 50, 16, 2_000_000,
            [Goal("cpu_us", "ratio", 0.55, "server CPU a command")]),
    log_row("log-always", "SET of 150 B, 200 clients, pipeline 1, appendfsync always", "always",
            200, 1, 100_000,
            [Goal("us_a_request", "ratio", 1.0, "time a request"),
             Goal("p99_us", "ratio", 0.8, "p99")]),
    Row("image", f"an image of {SESSIONS // 1_000_000}M sessions under 5,000 requests a second "
        "(80 % get, 15 % update, 4 % touch, 1 % list)", run_image,
        {"p99.9_times": "p99.9 during the image, times calm",
         "rss_times": "peak memory, times before", "bytes_a_session": "bytes on disk a session",
         "image_s": "the image took, s", "calm_p99.9_us": "p99.9 calm, us",
         "during_p99.9_us": "p99.9 during the image, us", "rss_mib": "RSS before, MiB"},
        [Goal("p99.9_times", "own", 2.0, "p99.9, times calm"),
         Goal("rss_times", "own", 1.05, "peak memory, times before"),
         Goal("bytes_a_session", "ratio", 0.8, "bytes on disk a session")]),
    Row("recovery", f"a start with {SESSIONS // 1_000_000}M sessions in an image and "
        f"{TAIL // 1_000_000}M records in the log behind it", run_recovery,
        {"load_s": "until all is loaded, s"},
        [Goal("load_s", "ratio", 0.5, "time to load")]),
]
