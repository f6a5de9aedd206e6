#!/usr/bin/env python3
"""Key events beside redis-server: the same commands, the same sequences of events; keys that
expire within 100 ms without a read; events of sessions, without their tokens."""

import random
import time
import unittest

import servers
from grammar import Generator
from resp import encode

FEW_SECONDS = 20
WITHIN_S = 0.1
END = b"the-end-of-a-step"
# What redis-server and we choose by chance, or answer apart.
DRAWN = {b"SPOP", b"RANDOMKEY", b"SCAN", b"SSCAN", b"HSCAN", b"HELLO", b"MULTI", b"EXEC",
         b"DISCARD", b"WATCH", b"UNWATCH", b"CLIENT", b"QUIT", b"RESET", b"OBJECT", b"DUMP",
         b"RESTORE", b"SHUTDOWN", b"CONFIG", b"SELECT"}

# Every command that writes, made to change something and made to change nothing.
COMMANDS = [["" if word == '""' else word for word in command.split()]
            for command in """
SET k 1|SET k 1|SET k 2 EX 100|SET k 3 KEEPTTL|SET k 1 NX|SET none 1 XX|SET k 1 XX GET|SET n 1 GET|
SET k 1 PX 100000|SET k 1 EXAT 4000000000|GETSET k 2|GETSET new1 1|SETNX k 1|SETNX new2 1|
SETEX k 100 1|SETEX new3 100 1|PSETEX k 100000 1|MSET a 1 b 2 a 3|MSETNX a 1 c 1|
MSETNX c 1 d 1 c 2|APPEND a x|APPEND new4 x|SETRANGE a 2 yy|SETRANGE new5 2 yy|SETRANGE a 0 ""|
SETRANGE no1 0 ""|
INCR b|INCR new6|DECR b|INCRBY b 5|DECRBY b 5|INCR a|INCRBYFLOAT b 1.5|INCRBYFLOAT new7 1|
GETEX a|GETEX a EX 100|GETEX a PERSIST|GETEX a PERSIST|GETEX no2|GETEX a PXAT 4000000000000|
GETEX a PXAT 1|GETDEL b|GETDEL b|GET no3|MGET no4 c no5|STRLEN no6|GETRANGE no7 0 1|SUBSTR no8 0 1|
HSET h f 1|HSET h f 2 g 1|HMSET h f 3|HMSET h2 f 3|HSETNX h f 1|HSETNX h x 1|HSETNX h3 x 1|
HINCRBY h f 1|HINCRBY h4 f 1|HINCRBYFLOAT h f 1|HINCRBYFLOAT h5 f 1|HDEL h none|HDEL h f none|
HDEL h g x|HDEL h g|HGET h g|HMGET no9 a|HGETALL no10|HKEYS no11|HVALS no12|HLEN no13|
HEXISTS no14 f|HSTRLEN no15 f|HRANDFIELD no16|HRANDFIELD no16 2|HSET c f 1|HDEL c f|
SADD s 1 2 3|SADD s 1|SADD s 1 4|SREM s 9|SREM s 4 9|SMOVE s t 1|SMOVE s t 9|SMOVE s s 2|
SMOVE t s 1|
SMOVE no17 s 1|SADD t 1|SMOVE t s 1|SPOP no18|SPOP no18 3|SPOP s 0|SPOP s 100|SREM s 1|
SADD s 1 2 3|SADD t 2 3 4|SINTERSTORE d s t|SINTERSTORE d s t|
SINTERSTORE d s no19|SINTERSTORE d s no19|
SUNIONSTORE d s t|SUNIONSTORE d no20|SDIFFSTORE d s t|SDIFFSTORE d s s|SDIFFSTORE d s s|
SINTER s no21|SUNION no22 s|SDIFF no23 s|SINTERCARD 2 s no24|SMEMBERS no25|SCARD no26|
SISMEMBER no27 1|
SMISMEMBER no28 1|SRANDMEMBER no29|SRANDMEMBER no29 2|SINTERSTORE d no30 c|SUNIONSTORE k s|
SADD k 1|
DEL no31|SET x 1|SET y 1|SET z 1|DEL x none x y|UNLINK z z|EXISTS no32 k no32|TOUCH no33 k|
TYPE no34|
SET x 1|RENAME x y|RENAME y y|RENAME x y|SET x 2|RENAME x y|RENAMENX y y|SET x 1|RENAMENX x y|
RENAMENX x w|COPY w v|COPY w v|COPY w v REPLACE|COPY w v DB 3|COPY w v DB 3 REPLACE|COPY no35 v|
MOVE w 4|MOVE w 4|MOVE no36 4|SET w 1|MOVE w 4|EXPIRE w 100|EXPIRE w 100 NX|EXPIRE w 200 GT|
PEXPIRE w 100000|EXPIREAT w 4000000000|PEXPIREAT w 4000000000000|PERSIST w|PERSIST w|EXPIRE no37 1|
EXPIRE w -1|EXPIRE w 1|SET w 1|PEXPIREAT w 1|TTL no38|PTTL no39|EXPIRETIME no40|PEXPIRETIME no41|
OBJECT ENCODING no42|OBJECT FREQ no43|OBJECT IDLETIME no44|OBJECT REFCOUNT no45|MEMORY USAGE no46|
DUMP no47|SWAPDB 0 1|SWAPDB 0 1|FLUSHDB|FLUSHALL
""".replace("\n", "").split("|")]


class Listening:
    """One server, a client of it, and one that is told of all events."""

    def __init__(self, server):
        self.server = server
        self.client = server.connect(timeout=FEW_SECONDS)
        self.listener = server.connect(timeout=FEW_SECONDS)
        self.listener.call("PSUBSCRIBE", "__key*__:*")

    def events(self):
        """(channel, payload) of each event up to now, in order."""
        self.listener.send("PING", END)
        seen = []
        while True:
            value = self.listener.read()
            if value == [b"pong", END]:
                return seen
            seen.append((value[2], value[3]))

    def after(self, *words):
        reply = self.client.raw(*words)
        return reply, self.events()

    def close(self):
        self.client.close()
        self.listener.close()


class BesideRedis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = [servers.cloakroom("--save", "", "--appendonly", "no"), servers.redis()]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.stop()

    def setUp(self):
        self.sides = [Listening(server) for server in self.servers]
        for side in self.sides:
            side.client.call("FLUSHALL")
            side.client.call("CONFIG", "SET", "notify-keyspace-events", "AKEmn")

    def tearDown(self):
        for side in self.sides:
            side.close()

    def both(self, *words):
        """Runs a command at both; its events must be the same, in the same order."""
        (mine, ours), (other, theirs) = (side.after(*words) for side in self.sides)
        self.assertEqual(ours, theirs, words)
        self.assertEqual(mine, other, words)
        return ours

    def test_options(self):
        for value in ["", "K", "KEA", "AnKE", "nKE", "Kg$lshzxetdE", "Elg$", "mKA", "x", "?", "A1",
                      "AKEmn", "KEg$lshzxetdAmn", "K E", "EKA", "gd", "td", "A", "Am", "n"]:
            self.both("CONFIG", "SET", "notify-keyspace-events", value)
            self.both("CONFIG", "GET", "notify-keyspace-events")

    def test_each_command(self):
        told = 0
        for words in COMMANDS:
            told += len(self.both(*words))
        self.assertGreater(told, 300)

    def test_restore(self):
        payloads = []
        for side in self.sides:
            side.client.call("SET", "k", "value")
            payloads.append(side.client.call("DUMP", "k"))
            side.events()
        for more in (["r", 0], ["r", 0], ["r", 0, "REPLACE"], ["q", 100_000],
                     ["q", 4_000_000_000_000, "ABSTTL"], ["q", 1, "REPLACE", "ABSTTL"],
                     ["q", 1, "REPLACE", "ABSTTL"]):
            got = [side.after("RESTORE", *more[:2], payload, *more[2:])
                   for side, payload in zip(self.sides, payloads)]
            self.assertEqual(got[0], got[1], more)

    def test_transactions(self):
        for words in (["MULTI"], ["SET", "k", "text"], ["INCR", "k"], ["SADD", "s", "1"],
                      ["SREM", "s", "1"], ["GET", "none"], ["SELECT", "2"], ["SET", "k", "v"],
                      ["SELECT", "0"], ["EXEC"], ["MULTI"], ["SET", "k", "v"], ["DISCARD"]):
            self.both(*words)

    def test_classes(self):
        """Each class alone, on either channel."""
        for letters in ["K" + c for c in "g$lshzxetdmn"] + ["E" + c for c in "g$lshzxetdmn"] + [
                "KE", "A", "g", "KEgs", "AK", "AE"]:
            self.both("CONFIG", "SET", "notify-keyspace-events", letters)
            for line in ("SET k 1 EX 100", "HSET h f 1", "SADD s 1", "SMOVE s t 1", "GET none",
                         "RENAME k l", "HDEL h f", "DEL l", "FLUSHALL"):
                self.both(*line.split())

    def test_protocol_3(self):
        """The same as pushes, to a listener that speaks RESP3."""
        got = []
        for side in self.sides:
            listener = side.server.connect(timeout=FEW_SECONDS)
            listener.call("HELLO", 3)
            listener.send("PSUBSCRIBE", "__key*__:*")
            raws = [listener.read_raw()]
            side.client.call("MSET", "a", "1", "b", "2")
            side.client.call("DEL", "a", "b")
            raws += [listener.read_raw() for _ in range(2 * 2 * 3)]
            got.append(raws)
            listener.close()
        self.assertEqual(*got)

    def test_ones_own_events(self):
        """A client that listens to its own writes gets them amid its replies, as there."""
        got = []
        for side in self.sides:
            client = side.server.connect(timeout=FEW_SECONDS)
            client.call("HELLO", 3)
            client.send("PSUBSCRIBE", "__keyevent@0__:*")
            client.read_raw()
            script = COMMANDS + [["MULTI"], ["MGET", "a", "b"], ["HSET", "h", "f", "1"], ["EXEC"],
                                 ["ECHO", "end"]]
            client.send_bytes(b"".join(encode(words) for words in script))
            got.append([])
            while not got[-1] or got[-1][-1] != b"$3\r\nend\r\n":
                got[-1].append(client.read_raw())
            client.close()
        self.assertEqual(*got)

    def test_expired_when_met(self):
        """A key that a command finds dead has expired before anything else happens to it."""
        for line in ("GET k", "SET k 2", "INCR k", "DEL k", "HSET k f 1", "RENAME other k",
                     "COPY other k", "EXPIRE k 5", "SETNX k 1", "TTL k", "EXISTS k"):
            for side in self.sides:
                side.client.call("FLUSHALL")
                side.client.call("SET", "other", "v")
                side.client.call("SET", "k", "1", "PX", 20)
                side.events()
            got = []
            for side in self.sides:
                clock_passes(side.client, 25)
                got.append(side.after(*line.split()))
            self.assertEqual(got[0], got[1], line)

    def test_random_commands(self):
        """What the differential test sends, with its events instead of its replies."""
        rng = random.Random(5)
        generator = Generator(rng)
        compared = 0
        for _ in range(3000):
            words = generator.command()
            if words[0].upper() in DRAWN:
                continue
            if words[0].upper() in (b"FLUSHALL", b"FLUSHDB") and rng.random() < 0.9:
                continue
            got = [side.after(*words) for side in self.sides]
            ours, theirs = (without_expired(events) for _, events in got)
            self.assertEqual(ours, theirs, words)
            compared += len(ours)
        self.assertGreater(compared, 1000)


def clock_passes(client, span_ms):
    """Returns when so much has passed by the server's own clock."""
    def now():
        seconds, us = client.call("TIME")
        return int(seconds) * 1000 + int(us) // 1000
    until = now() + span_ms
    while now() < until:
        pass


def without_expired(events):
    """When a key expires is each server's own affair, to some milliseconds."""
    return [event for event in events if event[1] != b"expired" and b":expired" not in event[0]]


class Ends(unittest.TestCase):
    def two_clients(self, server, event):
        listener, client = (server.connect(timeout=FEW_SECONDS) for _ in range(2))
        for each in (listener, client):
            self.addCleanup(each.close)
        listener.call("SUBSCRIBE", "__keyevent@0__:" + event)
        return listener, client

    def test_expired_within_100_ms_without_a_read(self):
        with servers.cloakroom("--notify-keyspace-events", "Ex") as server:
            listener, client = self.two_clients(server, "expired")
            late = []
            for span_ms in (1, 5, 20, 50, 100, 200, 333, 500, 1000, 1500, 2500):
                client.call("SET", f"k{span_ms}", "v", "PX", span_ms)
                due = time.time() + span_ms / 1000
                self.assertEqual(listener.read()[2], f"k{span_ms}".encode())
                late.append(time.time() - due)
            self.assertLess(sorted(late)[len(late) // 2], WITHIN_S / 2)
            self.assertLess(max(late), WITHIN_S)

    def test_many_expire_once_each(self):
        with servers.cloakroom("--notify-keyspace-events", "Ex") as server:
            listener, client = self.two_clients(server, "expired")
            keys = [f"k{i}".encode() for i in range(20_000)]
            client.send_bytes(b"".join(encode(["SET", key, "v", "PX", 300]) for key in keys))
            for _ in keys:
                client.read()
            # Half of them are read at about the time when they end.
            client.send_bytes(b"".join(encode(["GET", key]) for key in keys[::2]))
            seen = [listener.read()[2] for _ in keys]
            self.assertEqual(sorted(seen), sorted(keys))
            for _ in keys[::2]:
                client.read()
            listener.send("PING", END)
            self.assertEqual(listener.read(), [b"pong", END])

    def test_evicted_keys(self):
        with servers.cloakroom("--notify-keyspace-events", "Ee", "--appendonly", "no",
                               "--maxmemory-policy", "allkeys-random") as server:
            listener, client = self.two_clients(server, "evicted")
            for i in range(2000):
                client.send("SET", f"k{i}", "x" * 1000)
            for _ in range(2000):
                client.read()
            used = int(client.call("INFO", "memory").decode().split("used_memory:")[1].split()[0])
            client.call("CONFIG", "SET", "maxmemory", used - 500_000)
            seen = {listener.read()[2] for _ in range(100)}
            self.assertEqual(len(seen), 100)
            self.assertEqual(client.call("EXISTS", *seen), 0)


class Sessions(unittest.TestCase):
    def test_a_session_is_told_of_by_namespace_and_handle(self):
        with servers.cloakroom("--notify-keyspace-events", "KEA") as server:
            side = Listening(server)
            made = as_map(side.client.call("SESSION.CREATE", "web", "ana", "IDLE", 1))
            name = b"web:" + made[b"handle"]
            wanted = [(b"__keyspace@0__:" + name, b"session.create"),
                      (b"__keyevent@0__:session.create", name)]
            self.assertEqual(side.events(), wanted)
            rotated = as_map(side.client.call("SESSION.ROTATE", made[b"token"]))
            side.client.call("SESSION.SET", rotated[b"token"], "FIELDS", 1, "a", 1)
            side.client.call("SESSION.GET", rotated[b"token"])
            told = side.events()
            self.assertEqual([payload for _, payload in told[::2]],
                             [b"session.rotate", b"session.set"])
            # Its idle time runs out without anybody asking.
            self.assertEqual(side.listener.read()[2:], [b"__keyspace@0__:" + name,
                                                        b"session.expired"])
            self.assertEqual(side.listener.read()[2:], [b"__keyevent@0__:session.expired", name])
            shown = repr(wanted + told)
            for token in (made[b"token"], rotated[b"token"]):
                self.assertNotIn(token.decode(), shown)
            side.close()


def as_map(reply):
    return dict(zip(reply[::2], reply[1::2]))


if __name__ == "__main__":
    unittest.main()
