"""Rows of resident memory: what entries need, and what is left after many changes."""

from peers import LOG, load
from row import Goal, Row

MIB = 1 << 20
RSS_METRICS = {
    "rss_mib": "RSS, MiB",
    "entry_bytes": "RSS an entry beyond that of the empty server, B",
}


def rss_row(name, title, goal, options_of, durability=()):
    entries = 1_000_000

    def run(context):
        count = context.count(entries)

        def measure(peer):
            with peer.start(*durability) as server:
                before = server.rss()
                load(server, *options_of(server), "--keys", count, "--expire", 86400,
                     "--preload-only")
                after = server.settled_rss()
            return {"rss_mib": after / MIB, "entry_bytes": (after - before) / count}

        return context.each(measure), {}

    return Row(name, title, run, RSS_METRICS, [Goal("rss_mib", "ratio", goal, "RSS")])


def session_options(*more):
    def options(server):
        workload = "session-create" if server.peer.has_sessions else "plain-create"
        return ("--workload", workload, "--sessions-per-user", 2, *more)
    return options


def run_fragmentation(context, durability=()):
    entries, rounds, least, most = context.count(1_000_000), 10, 100, 400
    # Sizes are drawn uniformly and the keys are many: what lives is their mean, within 0.1 %.
    live_bytes = entries * (len("sess:") + 32 + (least + most) / 2)
    data = ("--workload", "set", "--keys", entries, "--value-size", least,
            "--value-size-max", most)

    def measure(peer):
        with peer.start(*durability) as server:
            load(server, *data, "--preload-only", "--pipeline", 64)
            fresh = server.settled_rss()
            for number in range(rounds):
                load(server, *data, "--distribution", "half", "--seed", number + 2,
                     "--requests", entries // 2, "--pipeline", 64)
            after = server.settled_rss()
        return {"rss_over_live": after / live_bytes, "fresh_over_live": fresh / live_bytes,
                "rss_mib": after / MIB}

    return context.each(measure), {}


def rows(suffix="", durability=()):
    """The rows; `suffix` of their names tells of the log."""
    kept = ", with a log" if durability else ""
    return [
        rss_row(f"rss-strings{suffix}",
                f"RSS of 1M x SET sess:<32 hex digits> <176 B> EX 86400{kept}", 0.72,
                lambda _: ("--workload", "set", "--value-size", 176), durability),
        rss_row(f"rss-sessions{suffix}",
                "RSS of 1M sessions of 6 fields (149 B with key and field names), two a user: "
                f"SESSION.* against HSET+EXPIRE+SADD+EXPIRE{kept}", 0.37, session_options(),
                durability),
        rss_row(f"rss-sessions-large{suffix}",
                f"the same with 20 fields of 40 B and a user agent of 200 B{kept}", 0.6,
                session_options("--field-count", 20, "--field-size", 40, "--user-agent-size", 200),
                durability),
        Row(f"fragmentation{suffix}",
            "10 rounds, each replacing a random half of 1M values with new sizes of 100 to 400 B: "
            f"RSS over live bytes (keys and values){kept}",
            lambda context: run_fragmentation(context, durability),
            {"rss_over_live": "RSS over live bytes", "fresh_over_live": "the same before the "
             "rounds", "rss_mib": "RSS, MiB"},
            [Goal("rss_over_live", "own", 1.25, "RSS over live bytes")]),
    ]


ROWS = rows() + rows("-log", LOG)
