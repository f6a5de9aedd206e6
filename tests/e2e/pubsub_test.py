#!/usr/bin/env python3
"""Pub/sub beside redis-server: the same commands of several clients, the same bytes to each."""

import random
import time
import unittest

import servers
from resp import decode, encode

FEW_SECONDS = 20
END = b"the-end-of-a-step"


class Side:
    """One server, and its clients by name."""

    def __init__(self, server):
        self.server = server
        self.clients = {}
        self.former = []

    def client(self, name, protocol):
        if name in self.clients:
            self.former.append(self.clients[name])
        client = self.clients[name] = self.server.connect(timeout=FEW_SECONDS)
        if protocol == 3:
            client.call("HELLO", 3)

    def close(self):
        for client in [*self.clients.values(), *self.former]:
            client.close()


def replies_until(client, last):
    """What comes up to the reply `last`, which is left out."""
    seen = []
    while True:
        raw = client.read_raw()
        if raw == last:
            return seen
        seen.append(raw)


class BesideRedis(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.servers = [servers.cloakroom("--slowlog-log-slower-than", -1), servers.redis()]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.stop()

    def setUp(self):
        self.sides = [Side(server) for server in self.servers]
        for side in self.sides:
            side.client("judge", 2)
            side.clients["judge"].call("FLUSHALL")

    def tearDown(self):
        for side in self.sides:
            side.close()

    def client(self, name, protocol):
        for side in self.sides:
            side.client(name, protocol)

    def step(self, name, *words):
        """Sends a command as `name` to both; what every client gets of it must be the same."""
        got = []
        for side in self.sides:
            client = side.clients[name]
            client.send(*words)
            seen = {name: self.drain(client)}
            for other, connection in side.clients.items():
                if other != name:
                    seen[other] = self.drain(connection)
            got.append(seen)
        self.assertEqual(*got, (name, words))
        return got[0]

    def drain(self, client):
        """All that has come to `client` by now: a PING, which all may send, marks the end."""
        client.send("PING", END)
        seen = []
        while True:
            raw = client.read_raw()
            value = decode(raw)
            if value == END or value == [b"pong", END]:
                return seen
            seen.append(raw)

    def test_subscribing(self):
        for protocol in (2, 3):
            one = f"one{protocol}"
            self.client(one, protocol)
            self.client("other", 2)
            for words in (["UNSUBSCRIBE"], ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"],
                          ["UNSUBSCRIBE", "x", "y"], ["SUBSCRIBE", "a", "b", "a"],
                          ["PSUBSCRIBE", "h*", "[ab]"], ["PSUBSCRIBE", "h*"],
                          ["SSUBSCRIBE", "shard", "a"], ["PING"], ["PING", "hi"],
                          ["PING", "a", "b"], ["GET", "k"], ["CONFIG", "GET", "nothing"],
                          ["CONFIG", "NOPE"], ["NOPE"], ["GET"], ["SUBSCRIBE"], ["PUBLISH", "a"],
                          ["UNSUBSCRIBE", "b"], ["SUNSUBSCRIBE", "none", "a"],
                          ["PUNSUBSCRIBE", "[ab]", "none"]):
                self.step(one, *words)
            for words in (["PUBLISH", "a", "1"], ["PUBLISH", "b", ""], ["PUBLISH", "", "x"],
                          ["PUBLISH", "hello", "2"], ["SPUBLISH", "shard", "3"],
                          ["SPUBLISH", "a", "3"], ["PUBLISH", "a", "x" * 5000],
                          ["PUBLISH", b"a\x00b", b"\r\n\x00"], ["PUBSUB", "CHANNELS"],
                          ["PUBSUB", "CHANNELS", "[a]"], ["PUBSUB", "CHANNELS", "none"],
                          ["PUBSUB", "NUMSUB", "a", "zz", "a"], ["PUBSUB", "NUMSUB"],
                          ["PUBSUB", "NUMPAT"], ["PUBSUB", "SHARDCHANNELS"],
                          ["PUBSUB", "SHARDCHANNELS", "x*"], ["PUBSUB", "SHARDNUMSUB", "shard"],
                          ["PUBSUB"], ["PUBSUB", "FOO"], ["PUBSUB", "CHANNELS", "a", "b"],
                          ["PUBSUB", "SHARDCHANNELS", "a", "b"], ["PUBSUB", "NUMPAT", "x"],
                          ["PUBSUB", "HELP", "x"], ["PUBLISH", "a", "b", "c"]):
                self.step("other", *words)
            self.step(one, "RESET")
            self.step("other", "PUBLISH", "a", "nobody")
            self.step(one, "GET", "k")
            self.step("other", "PUBSUB", "CHANNELS")

    def test_transactions(self):
        for protocol in (2, 3):
            one = f"one{protocol}"
            self.client(one, protocol)
            self.client("other", 3)
            self.step("other", "SUBSCRIBE", "news", "m1")
            for words in (["MULTI"], ["SUBSCRIBE", "m1", "m2"], ["SSUBSCRIBE", "m3"], ["PING"],
                          ["PUBLISH", "news", "from a transaction"], ["PUBLISH", "m1", "to myself"],
                          ["PSUBSCRIBE", "m*"], ["SET", "k", "1"], ["UNSUBSCRIBE", "m1"]):
                self.pipeline(one, words)
            self.finish(one, ["EXEC"])
            self.step(one, "GET", "k")
            self.step(one, "UNSUBSCRIBE")
            self.step(one, "PUNSUBSCRIBE")
            self.step(one, "GET", "k")

    def pipeline(self, name, words):
        """A command with one reply, where a PING would be queued, or its client is gone."""
        raws = [side.clients[name].raw(*words) for side in self.sides]
        self.assertEqual(*raws, (name, words))

    def finish(self, name, words):
        """EXEC: its array may hold more than it says, so it is read to the end by its bytes."""
        both = []
        for side in self.sides:
            client = side.clients[name]
            client.send(*words)
            client.send("PING", END)
            tail = encode([END])[4:]
            while not (client.buffer[client.at:]).endswith(tail):
                client.buffer = client.buffer[client.at:] + client.socket.recv(1 << 16)
                client.at = 0
            both.append(client.buffer[client.at:])
            client.buffer, client.at = b"", 0
            both[-1] += b"".join(self.drain(side.clients["other"]))
        self.assertEqual(*both, (name, words))

    def test_ones_own_messages(self):
        self.client("self", 3)
        for words in (["SUBSCRIBE", "a"], ["PSUBSCRIBE", "a*"], ["SSUBSCRIBE", "a"],
                      ["PUBLISH", "a", "1"], ["SPUBLISH", "a", "2"], ["PUBLISH", "ab", "3"],
                      ["PUBLISH", "", "4"], ["PUBLISH", "b", "5"]):
            self.step("self", *words)
        for side in self.sides:
            side.clients["self"].call("HELLO", 2)
        for words in (["GET", "k"], ["HELLO", "3"], ["PUBLISH", "a", "x"], ["UNSUBSCRIBE"],
                      ["PUNSUBSCRIBE"], ["SUNSUBSCRIBE"], ["GET", "k"]):
            self.step("self", *words)

    def test_silence(self):
        """CLIENT REPLY silences replies, but no messages and no confirmations."""
        for protocol in (2, 3):
            both = []
            for side in self.sides:
                client = side.server.connect(timeout=FEW_SECONDS)
                if protocol == 3:
                    client.call("HELLO", 3)
                script = [["CLIENT", "REPLY", "OFF"], ["SUBSCRIBE", "r"], ["PING"],
                          ["PUBLISH", "r", "off"], ["UNSUBSCRIBE", "r"], ["GET", "k"],
                          ["CLIENT", "REPLY", "ON"], ["CLIENT", "REPLY", "SKIP"],
                          ["SUBSCRIBE", "r"], ["UNSUBSCRIBE", "r"], ["ECHO", "end"]]
                client.send_bytes(b"".join(encode(words) for words in script))
                both.append(replies_until(client, b"$3\r\nend\r\n"))
                client.close()
            self.assertEqual(*both)

    def test_facts(self):
        """COMMAND INFO, CLIENT LIST and INFO of what is subscribed."""
        names = ["subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe",
                 "sunsubscribe", "publish", "spublish", "ping", "quit", "reset"]
        ours, theirs = (side.clients["judge"].call("COMMAND", "INFO", *names)
                        for side in self.sides)
        for mine, other in zip(ours, theirs):
            self.assertEqual(mine[:7] + mine[8:], other[:7] + other[8:])
        subs = [{info[0]: info[1:7] for info in side.clients["judge"].call(
            "COMMAND", "INFO", "pubsub")[0][9]} for side in self.sides]
        self.assertEqual(*subs)
        self.client("one", 2)
        self.step("judge", "COMMAND", "GETKEYS", "SPUBLISH", "a", "b")
        self.step("one", "SUBSCRIBE", "a", "b")
        self.step("one", "PSUBSCRIBE", "x*")
        self.step("one", "SSUBSCRIBE", "s", "t", "u")
        self.step("judge", "CLIENT", "LIST", "TYPE", "replica")
        seen = []
        for side in self.sides:
            judge = side.clients["judge"]
            lines = judge.call("CLIENT", "LIST", "TYPE", "pubsub").decode().splitlines()
            fields = [dict(word.split("=", 1) for word in line.split()) for line in lines]
            listed = [{name: field[name] for name in ("flags", "sub", "psub", "ssub", "multi")}
                      for field in fields]
            self.assertGreater(int(fields[0]["tot-mem"]), 6 * 100)
            info = judge.call("INFO", "stats").decode().split()
            seen.append((listed, [line for line in info if line.startswith("pubsub")]))
            self.assertNotIn("flags=P", judge.call("CLIENT", "LIST", "TYPE", "normal").decode())
        self.assertEqual(*seen)
        self.pipeline("judge", ["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"])
        for side in self.sides:
            self.assertTrue(side.clients.pop("one").at_end())
        self.step("judge", "PUBLISH", "a", "nobody")

    def test_random_scripts(self):
        """Several clients subscribe, leave and publish at random; each gets the same."""
        for seed in range(12):
            rng = random.Random(seed)
            names = [f"{seed}-{i}" for i in range(4)]
            for name in names:
                self.client(name, 3)  # in RESP2 a subscriber could not publish
            words = ["a", "b", "ab", "news", ""]
            patterns = ["*", "a*", "?", "[ab]", "none"]
            for _ in range(80):
                name = rng.choice(names)
                verb = rng.choice(["SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "UNSUBSCRIBE",
                                   "PUNSUBSCRIBE", "SUNSUBSCRIBE", "PUBLISH", "PUBLISH",
                                   "SPUBLISH"])
                if verb.endswith("PUBLISH"):
                    self.publish(name, verb, rng.choice(words), f"message {rng.random()}")
                    continue
                pool = patterns if verb[0] == "P" else words
                self.step(name, verb, *rng.sample(pool, rng.randrange(1, 4)))
            for name in names:
                for side in self.sides:
                    side.clients.pop(name).close()
            # Both have noticed that they are gone before the next begin.
            deadline = time.monotonic() + FEW_SECONDS
            for side in self.sides:
                while side.clients["judge"].call("PUBSUB", "NUMPAT") != 0 or side.clients[
                        "judge"].call("PUBSUB", "CHANNELS"):
                    self.assertLess(time.monotonic(), deadline)

    def publish(self, name, *words):
        """In which order one client's patterns match, Redis leaves open."""
        got = []
        for side in self.sides:
            client = side.clients[name]
            client.send(*words)
            seen = {name: sorted(self.drain(client))}
            for other, connection in side.clients.items():
                if other != name:
                    seen[other] = sorted(self.drain(connection))
            got.append(seen)
        self.assertEqual(*got, (name, words))


class Limits(unittest.TestCase):
    def test_a_subscriber_that_does_not_read_is_closed(self):
        with servers.cloakroom("--client-output-buffer-limit", "pubsub", "1mb", 0, 0) as server:
            lazy, publisher = (server.connect(timeout=FEW_SECONDS) for _ in range(2))
            self.addCleanup(lazy.close)
            self.addCleanup(publisher.close)
            lazy.call("SUBSCRIBE", "news")
            deadline = time.monotonic() + FEW_SECONDS
            while publisher.call("PUBLISH", "news", "x" * 100_000) != 0:
                self.assertLess(time.monotonic(), deadline)
            info = publisher.call("INFO", "stats").decode()
            self.assertIn("client_output_buffer_limit_disconnections:1\r\n", info)

    def test_many_subscribers_get_each_message(self):
        with servers.cloakroom() as server:
            crowd = [server.connect(timeout=FEW_SECONDS) for _ in range(200)]
            for client in crowd:
                client.call("SUBSCRIBE", "news")
            publisher = server.connect(timeout=FEW_SECONDS)
            self.addCleanup(publisher.close)
            publisher.send_bytes(b"".join(encode(["PUBLISH", "news", i]) for i in range(100)))
            self.assertEqual([publisher.read() for _ in range(100)], [200] * 100)
            for client in crowd:
                for i in range(100):
                    self.assertEqual(client.read(), [b"message", b"news", str(i).encode()])
                client.close()

    def test_replies_and_messages_survive_a_log_that_is_synced(self):
        """With appendfsync always a message waits for the record that it tells of, and comes."""
        with servers.cloakroom("--appendfsync", "always", "--notify-keyspace-events",
                               "KEA") as server:
            listener, writer = (server.connect(timeout=FEW_SECONDS) for _ in range(2))
            self.addCleanup(listener.close)
            self.addCleanup(writer.close)
            listener.call("SUBSCRIBE", "__keyevent@0__:set")
            for i in range(50):
                writer.send("SET", f"k{i}", "v")
                self.assertEqual(listener.read(), [b"message", b"__keyevent@0__:set",
                                                   f"k{i}".encode()])
                self.assertEqual(writer.read(), b"OK")


if __name__ == "__main__":
    unittest.main()
