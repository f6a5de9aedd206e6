#!/usr/bin/env python3
"""Sends the same seeded random commands to cloakroom-server and to redis-server and compares the
replies byte for byte. Prints how often each option of each command was sent.

  differential_test.py [--seed N] [--rounds N] [--keep-going]

CLOAKROOM_TEST_SEEDS multiplies the rounds. A failure prints its seed and the commands before it.
"""

import argparse
import collections
import os
import random
import re
import sys
import time

import servers
from grammar import KEYS, Generator
from resp import ReplyError, decode, encode

TIMES = 100  # how often each option must have been sent at least

# Where Redis leaves the order open: always, and only when the value is a hash table.
UNORDERED = {"SINTER", "SUNION", "SDIFF", "KEYS"}
UNORDERED_TABLES = {"SMEMBERS", "HKEYS", "HVALS", "HGETALL"}
# Replies that are drawn at random: their shape and origin are compared, then both made equal again.
DRAWN = {"SPOP", "SRANDMEMBER", "HRANDFIELD", "RANDOMKEY"}
SCANS = {"SCAN", "SSCAN", "HSCAN"}
# Integers that tell how much time is left: equal to within the time that passed between the two.
CLOCKS = {"TTL": 60, "PTTL": 60_000, "EXPIRETIME": 60, "PEXPIRETIME": 60_000}
SHAPE_ONLY = {"TIME", "ROLE"}  # ROLE tells the offset in the log, which is each server's own


class Mismatch(Exception):
    pass


class Pair:
    """One client at each server, told the same things."""

    def __init__(self, ours, theirs, protocol):
        self.both = (ours.connect(), theirs.connect())
        self.protocol = protocol
        if protocol == 3:
            for connection in self.both:
                connection.call("HELLO", 3)

    def raw(self, *words):
        for connection in self.both:
            connection.send(*words)
        return tuple(connection.read_raw() for connection in self.both)

    def call(self, *words):
        return tuple(decode(reply) for reply in self.raw(*words))

    def close(self):
        for connection in self.both:
            connection.close()


def name_of(words):
    return words[0].decode("latin-1").upper()


def pairs_of(items):
    return sorted(zip(items[::2], items[1::2]))


def normal(words, reply, is_table):
    """The reply in a form that must be equal."""
    name = name_of(words)
    value = decode(reply)
    if isinstance(value, ReplyError):
        return reply
    if name in UNORDERED or (name in UNORDERED_TABLES and is_table):
        head = reply[:reply.index(b"\r\n")]
        if isinstance(value, dict):
            return head, sorted(value.items())
        return head, pairs_of(value) if name == "HGETALL" else sorted(value)
    if name in CLOCKS and isinstance(value, int) and value > 0:
        return "time"
    if name == "OBJECT" and words[1].upper() in (b"IDLETIME", b"REFCOUNT") and isinstance(
            value, int):
        return "a number of each server's own"  # REFCOUNT: small integers are shared in Redis
    if name == "MEMORY":
        return "bytes"  # or nil: Redis still weighs a key that has expired
    if name in SHAPE_ONLY:
        return type(value), len(value)
    if name == "HELLO":
        return re.sub(rb"\r\nid\r\n:\d+", b"", reply)
    return reply


def compare(words, ours, theirs, is_table=False):
    name = name_of(words)
    a, b = normal(words, ours, is_table), normal(words, theirs, is_table)
    if a != b:
        raise Mismatch(f"{words}\n  ours   {ours!r}\n  theirs {theirs!r}")
    # A deadline is kept in 48 bits of milliseconds: what lies beyond the year 10889 is that year.
    milliseconds = decode(theirs) * 60_000 // CLOCKS[name] if a == "time" else 0
    if milliseconds < 1 << 47 and a == "time" and abs(decode(ours) - decode(theirs)) > CLOCKS[name]:
        raise Mismatch(f"{words}\n  ours   {ours!r}\n  theirs {theirs!r} (too far apart)")


def drawn(pair, words):
    """SPOP and its like: the drawn must stand in the value, and be as many as Redis draws."""
    name = name_of(words)
    key = words[1] if len(words) > 1 else b""
    if name == "RANDOMKEY":
        replies = pair.raw(*words)
        values = [decode(reply) for reply in replies]
        if isinstance(values[0], bytes) and isinstance(values[1], bytes):
            if any(decode(c.raw("EXISTS", v)) != 1 for c, v in zip(pair.both, values)):
                raise Mismatch(f"{words}: no such key: {values}")
            return
        compare(words, *replies)
        return
    before = pair.call("SMEMBERS" if name != "HRANDFIELD" else "HGETALL", key)[1]
    replies = pair.raw(*words)
    ours, theirs = (decode(reply) for reply in replies)
    if any(isinstance(reply, ReplyError) or reply in (None, []) for reply in (ours, theirs)):
        compare(words, *replies)
        return
    if type(ours) is not type(theirs):
        raise Mismatch(f"{words}\n  ours   {replies[0]!r}\n  theirs {replies[1]!r}")
    if isinstance(ours, bytes):
        ours, theirs = [ours], [theirs]
    if len(ours) != len(theirs):
        raise Mismatch(f"{words}: {len(ours)} drawn, Redis {len(theirs)}")
    if name == "HRANDFIELD":
        fields = before if isinstance(before, dict) else dict(zip(before[::2], before[1::2]))
        if len(words) > 3:
            got = ours if isinstance(ours[0], list) else list(zip(ours[::2], ours[1::2]))
            bad = [pair_ for pair_ in got if fields.get(pair_[0]) != pair_[1]]
        else:
            bad = [field for field in ours if field not in fields]
    else:
        bad = [member for member in ours if member not in before]
    if bad:
        raise Mismatch(f"{words}: drew {bad}, which is not there")
    distinct = len(words) > 2 and name != "HRANDFIELD" and int(words[2]) > 0
    if distinct and len(set(ours)) != len(ours):
        raise Mismatch(f"{words}: drew one twice: {ours}")
    if name == "SPOP":
        members = list(set(ours) | set(theirs))
        pair.raw("SREM", key, *members)


def scanned(pair, words):
    """A whole iteration at each server must give the same elements."""
    at = 1 if name_of(words) == "SCAN" else 2
    first = pair.raw(*words)
    values = [decode(reply) for reply in first]
    if any(isinstance(value, ReplyError) for value in values):
        compare(words, *first)
        return
    if words[at] != b"0":
        return  # somebody's made-up cursor: that both accept it is all there is to say
    found = []
    for connection, value in zip(pair.both, values):
        items = list(value[1])
        steps = 0
        while value[0] != b"0":
            value = connection.call(*words[:at], value[0], *words[at + 1:])
            items += value[1]
            steps += 1
            if steps > 100_000 or int(value[0]) >= 1 << 53 and connection is pair.both[0]:
                raise Mismatch(f"{words}: a scan that does not end, or a cursor beyond 2^53")
        found.append(sorted(pairs_of(items)) if name_of(words) == "HSCAN" else sorted(items))
    # A scan may repeat an element; ours and Redis's must cover the same ones.
    if sorted(set(found[0])) != sorted(set(found[1])):
        raise Mismatch(f"{words}\n  ours   {found[0]!r}\n  theirs {found[1]!r}")


def dumped(pair, words):
    """Payloads may differ in how they are packed: each server must restore the other's."""
    replies = pair.raw(*words)
    payloads = [decode(reply) for reply in replies]
    if not all(isinstance(payload, bytes) for payload in payloads):
        compare(words, *replies)
        return
    copy = b"restored"
    for connection, payload in zip(pair.both, reversed(payloads)):
        connection.call("RESTORE", copy, 0, payload)
    kinds = pair.call("TYPE", copy)
    reader = {b"string": "GET", b"hash": "HGETALL", b"set": "SMEMBERS"}[kinds[1]]
    for check in ([b"TYPE", copy], [b"OBJECT", b"ENCODING", copy]):
        compare(check, *pair.raw(*check))
    compare([reader.encode(), copy], *pair.raw(reader, copy), True)
    pair.raw("DEL", copy)


def counted(pair, words):
    """DBSIZE counts what has expired until it is swept: both must come to agree by themselves."""
    replies = pair.raw(*words)
    waited_until = time.monotonic() + 30
    while replies[0] != replies[1] and time.monotonic() < waited_until:
        replies = pair.raw(*words)
    compare(words, *replies)


def expire_some(pair, generator):
    """Lets a few keys run out and waits, by the servers' own clocks, until they have."""
    now = max(int(seconds) * 1000 + int(us) // 1000 for seconds, us in pair.call("TIME"))
    for kind in ("s", "h", "t"):
        pair.raw("PEXPIREAT", generator.rng.choice(KEYS[kind]), now + 20)
    while min(int(s) * 1000 + int(us) // 1000 for s, us in pair.call("TIME")) <= now + 21:
        pass


def grow(pair, generator):
    """Takes a hash and a set past the sizes where Redis changes their encoding."""
    rng = generator.rng
    count = rng.choice((120, 127, 128, 129, 200, 513))
    key = rng.choice(KEYS["h"])
    pair.raw("DEL", key)
    compare([b"HSET"], *pair.raw("HSET", key, *(w for i in range(count) for w in (f"f{i}", i))))
    key = rng.choice(KEYS["t"])
    pair.raw("DEL", key)
    compare([b"SADD"], *pair.raw("SADD", key, *range(rng.choice((500, 512, 513, 600)))))


def transaction(pair, other, generator, recent):
    """WATCH, perhaps a write by somebody else, MULTI, a few commands, EXEC or DISCARD."""
    rng = generator.rng
    script = []
    watched = rng.choice(KEYS["s"])
    if rng.random() < 0.6:
        script.append((pair, [b"WATCH", watched]))
        if rng.random() < 0.4:
            script.append((other, [b"SET", watched, b"other"]))
    script.append((pair, [b"MULTI"]))
    apart = set(SPECIAL) | UNORDERED | UNORDERED_TABLES | set(CLOCKS) | SHAPE_ONLY | {
        "OBJECT", "MEMORY", "EXEC", "DISCARD", "FLUSHALL", "FLUSHDB", "SELECT", "HELLO", "CLIENT"}
    for _ in range(rng.randrange(5)):
        words = generator.command()
        if name_of(words) in apart:
            continue
        script.append((pair, words))
    script.append((pair, [rng.choice((b"EXEC", b"EXEC", b"EXEC", b"DISCARD"))]))
    for who, words in script:
        recent.append((["another client"] if who is other else []) + words)
        compare(words, *who.raw(*words))


SPECIAL = {"DBSIZE": counted, "DUMP": dumped, **dict.fromkeys(DRAWN, drawn),
           **dict.fromkeys(SCANS, scanned)}


def run_round(ours, theirs, seed, keep_going, coverage, failures):
    rng = random.Random(seed)
    generator = Generator(rng)
    generator.coverage = coverage
    pair = Pair(ours, theirs, rng.choice((2, 3)))
    other = Pair(ours, theirs, 2)
    recent = collections.deque(maxlen=30)

    def failed(mismatch):
        failures.append(str(mismatch))
        if not keep_going:
            print(f"seed {seed}; the commands before:")
            for words in recent:
                print("  ", words)
            raise mismatch
        pair.raw("DISCARD")
        pair.raw("FLUSHALL")

    for connection in pair.both:
        connection.call("FLUSHALL")
        connection.call("SELECT", 0)
    for _ in range(60):
        lacking = generator.lacking(TIMES) if rng.random() < 0.3 else None
        batch = []
        for _ in range(60):
            words = generator.command(lacking)
            name = name_of(words)
            recent.append(words)
            if name in SPECIAL:
                try:
                    flush(pair, batch)
                    SPECIAL[name](pair, words)
                except Mismatch as mismatch:
                    failed(mismatch)
                batch = []
                continue
            if name == "HELLO" and len(words) > 1 and words[1] in (b"2", b"3"):
                continue
            if name in UNORDERED_TABLES and len(words) == 2:
                batch.append([b"OBJECT", b"ENCODING", words[1]])
            batch.append(words)
        try:
            flush(pair, batch)
            dice = rng.random()
            if dice < 0.2:
                expire_some(pair, generator)
            elif dice < 0.3:
                grow(pair, generator)
            elif dice < 0.7:
                transaction(pair, other, generator, recent)
        except Mismatch as mismatch:
            failed(mismatch)
    pair.close()
    other.close()


def flush(pair, batch):
    """Sends a pipeline to both and compares the replies in order."""
    for connection in pair.both:
        connection.send_bytes(b"".join(encode(words) for words in batch))
    replies = [tuple(connection.read_raw() for connection in pair.both) for _ in batch]
    is_table = False
    for words, (ours, theirs) in zip(batch, replies):
        compare(words, ours, theirs, is_table)
        is_table = words[0] == b"OBJECT" and b"hashtable" in theirs


def print_coverage(coverage):
    print(f"{'command':<14} sent   by option")
    rows = collections.defaultdict(dict)
    for label, count in coverage.items():
        name, _, option = label.partition(" ")
        rows[name][option] = count
    for name, options in sorted(rows.items()):
        rest = "  ".join(f"{option} {count}" for option, count in sorted(options.items()) if option)
        print(f"{name:<14} {options.get('', 0):<6} {rest}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--keep-going", action="store_true")
    parser.add_argument("--self-check", action="store_true",
                        help="compare redis-server with itself")
    arguments = parser.parse_args()
    rounds = arguments.rounds * int(os.environ.get("CLOAKROOM_TEST_SEEDS", "1"))
    coverage, failures = dict(Generator(random.Random(0)).coverage), []
    start = servers.redis if arguments.self_check else servers.cloakroom
    # What is slow hangs on the machine, so nothing may be. By default Redis keeps no log.
    options = ("--slowlog-log-slower-than", -1, "--save", "", "--appendonly", "no")
    with start(*options) as ours, servers.redis(*options) as theirs:
        seed = arguments.seed
        while seed < arguments.seed + rounds or min(coverage.values()) < TIMES:
            if seed >= arguments.seed + 10 * rounds:
                break
            try:
                run_round(ours, theirs, seed, arguments.keep_going, coverage, failures)
            except Mismatch as mismatch:
                print(f"FAILED at seed {seed}: {mismatch}")
                return 1
            seed += 1
    print_coverage(coverage)
    for failure, count in collections.Counter(failures).most_common(60):
        print(count, failure)
    lacking = [label for label, count in coverage.items() if count < TIMES]
    if lacking:
        print(f"FAILED: sent fewer than {TIMES} times: {lacking}")
        return 1
    print(f"{sum(coverage.values())} words of coverage, {seed - arguments.seed} seeds, "
          f"{len(failures)} mismatches")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
