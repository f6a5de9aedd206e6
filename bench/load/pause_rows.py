"""Rows of the longest pause: a probe asks each millisecond while something large happens, and the
server says how long its longest turn was. On a shared machine the probe also sees the machine's
own stalls: the idle control beside it, on the same server just before, shows how large they are."""

import time

from peers import Load, load
from row import Goal, Row

METRICS = {
    "pause_ms": "longest pause, ms (the server's own account; where it keeps none, the probe's)",
    "probe_ms": "longest wait that the probe saw, ms",
    "idle_probe_ms": "the same on the idle server, ms",
    "event_s": "until it was done and the memory stood still, s",
}

# A virtual machine stops now and then, for longer than anything here takes: how long, tells the
# same load where nothing grows.
GROWTH_METRICS = {
    **METRICS,
    "control_ms": "longest pause under the same load once all keys are there, ms",
}


def start_probe(server):
    probe = Load(server, "--workload", "ping", "--clients", 1, "--rate", 1000, "--duration", 3600)
    time.sleep(0.3)
    return probe


def watched(context, server, event):
    """The longest pauses while event() runs."""
    probe = start_probe(server)
    time.sleep(context.seconds(3))
    idle_ms = probe.finish()["latency_us"]["max"] / 1e3
    probe = start_probe(server)
    server.reset_longest_turn()
    began = time.monotonic()
    event()
    took = time.monotonic() - began
    longest_turn_ms = server.longest_turn_ms()
    probe_ms = probe.finish()["latency_us"]["max"] / 1e3
    return {"pause_ms": probe_ms if longest_turn_ms is None else longest_turn_ms,
            "probe_ms": probe_ms, "idle_probe_ms": idle_ms, "event_s": took}


def row(name, title, run, metrics=METRICS):
    return Row(name, title, run, metrics, [Goal("pause_ms", "own", 1.0, "longest pause, ms")])


def pause_row(name, title, prepare, event):
    """prepare(context, server) fills a fresh server; event(context, server) is what is watched."""
    def run(context):
        def measure(peer):
            with peer.start() as server:
                prepare(context, server)
                return watched(context, server, lambda: event(context, server))

        return context.each(measure), {}

    return row(name, title, run)


def grow(context, server):
    # Few connections and a shallow pipeline: a turn's own work must not look like a pause.
    keys = context.count(10_000_000)
    load(server, "--workload", "set", "--keys", keys, "--value-size", 150, "--clients", 10,
         "--pipeline", 16, "--distribution", "sequence", "--requests", keys, background=True)


def flush(server):
    server.call("FLUSHALL")
    server.settled_rss(30)


def grow_and_flush(context):
    """Both rows of ten million keys in one: what has grown is then flushed."""
    def measure(peer):
        with peer.start() as server:
            grown = watched(context, server, lambda: grow(context, server))
            server.settled_rss()
            control = watched(context, server, lambda: grow(context, server))
            grown["control_ms"] = control["pause_ms"]
            flushed = watched(context, server, lambda: flush(server))
        return {**{("growth", metric): value for metric, value in grown.items()},
                **{("flush", metric): value for metric, value in flushed.items()}}

    return context.each(measure)


def ten_million_row(name, title, part, metrics=METRICS):
    def run(context):
        both = context.once("ten million", lambda: grow_and_flush(context))
        return {peer: {metric: values for (of, metric), values in figures.items() if of == part}
                for peer, figures in both.items()}, {}

    return row(name, title, run, metrics)


def fill_one_user(context, server):
    workload = "session-create" if server.peer.has_sessions else "plain-create"
    count = context.count(1_000_000)
    load(server, "--workload", workload, "--keys", count, "--sessions-per-user", count,
         "--preload-only")


def revoke_all(_, server):
    """Log out everywhere; with plain commands as a library does it that deletes by portions."""
    if server.peer.has_sessions:
        server.call("SESSION.REVOKE", "bench", "user:0", "ALL")
    else:
        ids = server.call("SMEMBERS", "user:0")
        for at in range(0, len(ids), 1000):
            server.call("UNLINK", *(b"sess:" + name for name in ids[at:at + 1000]))
        server.call("DEL", "user:0")
    server.settled_rss(30)


def fill_hash(context, server):
    fields = context.count(1_000_000)
    for first in range(0, fields, 1000):
        words = [word for i in range(first, min(first + 1000, fields))
                 for word in (f"field:{i}", f"value:{i:016}")]
        server.call("HSET", "large", *words)


def delete_hash(_, server):
    server.call("DEL", "large")
    server.settled_rss(30)


ROWS = [
    ten_million_row("pause-growth", "longest pause while the table grows from 0 to 10M keys "
                    "(10 clients, pipeline 16)", "growth", GROWTH_METRICS),
    ten_million_row("pause-flushall", "longest pause at FLUSHALL of 10M keys", "flush"),
    pause_row("pause-revoke-all", "longest pause at SESSION.REVOKE ALL of a user with 1M sessions, "
              "against SMEMBERS and UNLINK by the thousand", fill_one_user, revoke_all),
    pause_row("pause-del", "longest pause at DEL of a hash of 1M fields", fill_hash, delete_hash),
]
