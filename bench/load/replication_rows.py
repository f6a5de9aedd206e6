"""Rows of replicas: what one costs its primary, and how long it takes until one has all."""

import time

from peers import LOAD_CORE, NOTHING_KEPT, OURS, load
from row import Goal, Row

POLL_SECONDS = 0.005
# Both sides send the image from memory to the socket, and begin at once.
REDIS_ONLY = ("--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0")


def options_of(peer):
    return NOTHING_KEPT + (() if peer.name == OURS else REDIS_ONLY)


def state(server):
    found = server.info("replication")
    return found.get("master_link_status"), int(found.get("slave_repl_offset", -1))


def follow(replica, primary):
    """Seconds from REPLICAOF until the link is up and the replica has what the primary had."""
    wanted = int(primary.info("replication")["master_repl_offset"])
    began = time.monotonic()
    replica.call("REPLICAOF", "127.0.0.1", primary.port)
    while True:
        status, offset = state(replica)
        if status == "up" and offset >= wanted:
            return time.monotonic() - began
        time.sleep(POLL_SECONDS)


def run_replica_set(context):
    """The primary has its core for itself, the replica shares the load's."""
    count = context.count(2_000_000)
    sets = ("--workload", "set", "--keys", context.count(1_000_000), "--value-size", 150,
            "--clients", 50, "--pipeline", 16)

    def measure(peer):
        with peer.start(*options_of(peer), "--repl-backlog-size", "256mb") as primary, \
                peer.start(*options_of(peer), core=LOAD_CORE) as replica:
            follow(replica, primary)
            load(primary, *sets, "--preload-only")
            measured = load(primary, *sets, "--requests", count, "--warmup", max(count // 10, 1))
            follow(replica, primary)
            partial = primary.info("stats")
            return {"cpu_us": measured["server"]["cpu_us_per_command"],
                    "throughput": measured["requests_per_second"],
                    "p99_us": measured["latency_us"]["p99"],
                    "full_syncs": int(partial["sync_full"])}

    return context.each(measure), {}


def run_full_sync(context):
    sessions = context.count(2_000_000)

    def measure(peer):
        kind = "session" if peer.has_sessions else "plain"
        with peer.start(*options_of(peer)) as primary, \
                peer.start(*options_of(peer), core=LOAD_CORE) as replica:
            load(primary, "--workload", f"{kind}-create", "--keys", sessions,
                 "--sessions-per-user", 2, "--expire", 86400, "--preload-only", "--pipeline", 64)
            seconds = follow(replica, primary)
            return {"sync_s": seconds, "primary_mib": primary.rss() / (1 << 20),
                    "replica_mib": replica.rss() / (1 << 20)}

    return context.each(measure), {}


def run_follow_redis(context):
    keys = context.count(2_000_000)
    source_peer = next(peer for peer in context.peers if peer.name == "redis")

    def measure(peer):
        with source_peer.start(*options_of(source_peer)) as source, \
                peer.start(*options_of(peer), core=LOAD_CORE) as copy:
            load(source, "--workload", "set", "--keys", keys, "--value-size", 150,
                 "--preload-only", "--pipeline", 64)
            return {"sync_s": follow(copy, source), "copy_mib": copy.rss() / (1 << 20)}

    return context.each(measure), {}


ROWS = [
    Row("replica-set", "SET of 150 B, 50 clients, pipeline 16, with one replica: CPU of the "
        "primary", run_replica_set,
        {"cpu_us": "primary's CPU, us a command", "throughput": "requests a second",
         "p99_us": "p99, us", "full_syncs": "full syncs in all"},
        [Goal("cpu_us", "ratio", 0.55, "primary's CPU a command")]),
    Row("full-sync", "a replica of 2M sessions of 6 fields, two a user: from REPLICAOF until it "
        "follows", run_full_sync,
        {"sync_s": "until it follows, s", "primary_mib": "RSS of the primary, MiB",
         "replica_mib": "RSS of the replica, MiB"},
        [Goal("sync_s", "ratio", 0.6, "time to sync")]),
    Row("follow-redis", "a redis-server of 2M strings of 150 B is followed: from REPLICAOF until "
        "all is there", run_follow_redis,
        {"sync_s": "until it follows, s", "copy_mib": "RSS of the follower, MiB"},
        [Goal("sync_s", "ratio", 0.8, "time to sync")]),
]
