"""Rows of what some clients feel while something large goes on beside them."""

import time

from figures import thinned
from peers import Load, load
from row import Goal, Row

MIB = 1 << 20
BACK_LIMIT_SECONDS = 30
BACK_FACTOR = 1.1


def steady_gets(keys, rate, seconds):
    """An open loop of GETs at a modest rate, by 50 clients."""
    return ("--workload", "get", "--keys", keys, "--clients", 50, "--rate", rate,
            "--duration", seconds)


def fill_with_deadline(server, data, keys):
    """Adds `keys` entries that all end at one instant, which it returns in unix seconds. Gives the
    load more time when it took longer than was thought."""
    allowed = 1.5 + keys / 250_000
    while True:
        deadline = time.time() + allowed
        load(server, *data, "--keys", keys, "--first-key", keys, "--preload-only",
             "--expire-at", int(deadline * 1000), "--pipeline", 64)
        if time.time() < deadline - 0.5:
            return deadline
        time.sleep(max(0.0, deadline - time.time()))
        allowed *= 2


def wait_for_rss(server, limit_bytes, deadline):
    """Seconds from `deadline` until the server's RSS is at most `limit_bytes`."""
    while server.rss() > limit_bytes and time.time() < deadline + BACK_LIMIT_SECONDS:
        time.sleep(0.02)
    return time.time() - deadline


def run_expiry(context):
    keys = context.count(1_000_000)
    data = ("--workload", "set", "--value-size", 176)
    curves = {}

    def measure(peer):
        seconds = context.seconds(5)
        rate = 20_000
        with peer.start() as server:
            load(server, *data, "--keys", keys, "--preload-only", "--pipeline", 64)
            living = server.settled_rss()
            calm = load(server, *steady_gets(keys, rate, seconds))
            deadline = fill_with_deadline(server, data, keys)
            full = server.rss()
            time.sleep(max(0.0, deadline - 0.2 - time.time()))
            during = Load(server, *steady_gets(keys, rate, 3600))
            time.sleep(max(0.0, deadline - time.time()))
            back = wait_for_rss(server, living * BACK_FACTOR, deadline)
            time.sleep(max(0.0, deadline + seconds - time.time()))
            measured = during.finish()
        curves[f"{peer.name}, calm"] = thinned(calm["curve_us"])
        curves[f"{peer.name}, while half expires"] = thinned(measured["curve_us"])
        calm_us, during_us = calm["latency_us"]["p99.9"], measured["latency_us"]["p99.9"]
        return {"back_s": back, "p99.9_times": during_us / calm_us, "calm_p99.9_us": calm_us,
                "during_p99.9_us": during_us, "living_mib": living / MIB, "full_mib": full / MIB}

    return context.each(measure), curves


def run_calm(context):
    keys = context.count(1_000_000)
    curves = {}

    def fill(server):
        load(server, "--keys", keys, "--value-size", 150, "--preload-only", "--pipeline", 64)

    def measure(peer):
        server = filled[peer.name]
        gets = steady_gets(keys, 5_000, context.seconds(4))
        calm = load(server, *gets)
        flood = Load(server, "--workload", "get", "--keys", keys, "--clients", 1, "--pipeline",
                     100_000, "--send", "window", "--duration", 3600, background=True)
        time.sleep(0.5)
        beside = load(server, *gets)
        flooded = flood.finish()
        curves[f"{peer.name}, calm"] = thinned(calm["curve_us"])
        curves[f"{peer.name}, beside the flood"] = thinned(beside["curve_us"])
        calm_us, beside_us = calm["latency_us"]["p99"], beside["latency_us"]["p99"]
        return {"p99_times": beside_us / calm_us, "calm_p99_us": calm_us,
                "beside_p99_us": beside_us, "flood_throughput": flooded["requests_per_second"]}

    filled = context.filled(f"{keys:,} strings of 150 B", fill)
    return context.each(measure), curves


ROWS = [
    Row("expiry", "1M entries with one deadline among 1M that stay, under 20,000 GET a second",
        run_expiry,
        {"back_s": f"until RSS is back to {BACK_FACTOR} x what the living need, s "
                   f"(looked at for {BACK_LIMIT_SECONDS} s)",
         "p99.9_times": "GET p99.9, times calm", "calm_p99.9_us": "GET p99.9 calm, us",
         "during_p99.9_us": "GET p99.9 from the deadline on, us",
         "living_mib": "RSS of the living alone, MiB", "full_mib": "RSS before the deadline, MiB"},
        [Goal("back_s", "own", 3.0, "RSS back, s"),
         Goal("p99.9_times", "own", 2.0, "GET p99.9, times calm")]),
    Row("calm-clients", "p99 of 50 calm clients (5,000 GET a second together) while one other "
        "keeps 100,000 GETs in flight", run_calm,
        {"p99_times": "p99 beside the flood, times calm", "calm_p99_us": "p99 calm, us",
         "beside_p99_us": "p99 beside the flood, us",
         "flood_throughput": "requests a second of the flood"},
        [Goal("p99_times", "own", 3.0, "p99, times calm")]),
]
