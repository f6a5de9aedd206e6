#!/usr/bin/env python3
"""Memory limits: refusals, policies and options beside redis-server; and that they hold."""

import random
import resource
import time
import unittest

import servers
from resp import ReplyError, encode

MIB = 1 << 20
FEW_SECONDS = 20
POLICIES = ["noeviction", "allkeys-lru", "volatile-lru", "volatile-ttl", "allkeys-random",
            "volatile-random", "allkeys-lfu", "volatile-lfu"]


def words(line):
    return line.split()


class BesideRedis(unittest.TestCase):
    """What does not depend on how many bytes a key takes must be the same to the byte."""

    @classmethod
    def setUpClass(cls):
        cls.servers = [servers.cloakroom(), servers.redis()]

    @classmethod
    def tearDownClass(cls):
        for server in cls.servers:
            server.stop()

    def setUp(self):
        self.clients = [server.connect() for server in self.servers]
        for client in self.clients:
            for option, value in [("maxmemory", "0"), ("maxmemory-policy", "noeviction"),
                                  ("maxmemory-clients", "0"), ("lfu-decay-time", "1"),
                                  ("maxmemory-samples", "5")]:
                client.call("CONFIG", "SET", option, value)
            client.call("FLUSHALL")

    def tearDown(self):
        for client in self.clients:
            client.close()

    def both(self, *command):
        ours, theirs = (client.raw(*command) for client in self.clients)
        self.assertEqual(ours, theirs, command)
        return ours

    def test_options(self):
        for option in ["maxmemory", "maxmemory-clients", "maxmemory-samples",
                       "maxmemory-eviction-tenacity", "lfu-log-factor", "lfu-decay-time"]:
            for value in ["0", "1", "64", "100", "101", "-1", "100mb", "1gb", "2k", "abc", "5%",
                          "0%", "100%", "101%", "%", "1.5", "9223372036854775807"]:
                self.both("CONFIG", "SET", option, value)
                self.both("CONFIG", "GET", option)
        for policy in POLICIES:
            self.both("CONFIG", "SET", "maxmemory-policy", policy.upper())
            self.both("CONFIG", "GET", "maxmemory-policy")

    def test_flags(self):
        """Every command that both know is refused, or not, alike."""
        ours, theirs = ({info[0]: info for info in client.call("COMMAND", "INFO", *self.names())
                         if info} for client in self.clients)
        self.assertGreater(len(ours), 80)
        for name, info in ours.items():
            if name in theirs:
                self.assertEqual(b"denyoom" in info[2], b"denyoom" in theirs[name][2], name)

    def names(self):
        return [name for name in self.clients[0].call("COMMAND", "LIST")
                if not name.startswith(b"session.")]

    def test_over_the_limit(self):
        for line in ["SET s 1", "HSET h f 1", "SADD set a b", "SET n 5 EX 1000"]:
            self.both(*words(line))
        self.both("CONFIG", "SET", "maxmemory", "1")
        for line in ["SET s 2", "SET s", "SET s 1 NX XX", "GET s", "APPEND s x", "SETRANGE s 0 x",
                     "INCR n", "DECR n", "INCRBYFLOAT n 1", "GETSET s 1", "GETDEL none", "GETEX s",
                     "MSET a 1", "MSETNX a 1", "SETNX s 1", "SETEX s 5 x", "PSETEX s 5 x",
                     "HSET h f 2", "HSETNX h f 2", "HINCRBY h f 1", "HINCRBYFLOAT h f 1",
                     "HMSET h f 2", "HDEL h none", "HGET h f", "SADD set a", "SREM set none",
                     "SMOVE set other a", "SPOP none", "SINTERSTORE d set set",
                     "SUNIONSTORE d set set", "SDIFFSTORE d set set", "SMEMBERS none",
                     "COPY s t", "RENAME none t", "RENAMENX none t", "MOVE s 1", "EXPIRE s 1000",
                     "PERSIST s", "DEL none", "UNLINK none", "TOUCH s", "EXISTS s", "TYPE s",
                     "HSET s f v", "SADD s x", "INCR h", "SELECT 0", "PING", "DBSIZE",
                     "CONFIG GET maxmemory"]:
            self.both(*words(line))
        self.both("FLUSHALL")
        self.both("SET", "s", "1")

    def test_transactions(self):
        def limit(value):
            for client in [server.connect() for server in self.servers]:
                client.call("CONFIG", "SET", "maxmemory", value)
                client.close()
        self.both("SET", "s", "1")
        self.both("MULTI")
        self.both("SET", "s", "2")
        self.both("GET", "s")
        limit(1)
        self.both("EXEC")
        self.both("GET", "s")
        self.both("MULTI")
        for line in ["GET s", "PING", "SET s 3"]:
            self.both(*words(line))
        self.both("EXEC")
        for last in ["DISCARD", "EXEC", "RESET"]:
            self.both("MULTI")
            self.both(last)
        limit(0)
        self.both("MULTI")
        self.both("GET", "s")
        limit(1)
        self.both("EXEC")
        limit(0)
        self.both("INFO", "nonsense")

    def test_clocks(self):
        self.both("SET", "s", "1")
        self.both("OBJECT", "IDLETIME", "s")
        for policy in POLICIES:
            self.both("CONFIG", "SET", "maxmemory-policy", policy)
            key = "new-" + policy
            self.both("SET", key, "text")  # small integers are shared there, and never used
            for what in ["FREQ", "IDLETIME"]:
                self.both("OBJECT", what, key)
                self.both("OBJECT", what, "none")
            self.both("GET", key)
            self.both("OBJECT", "FREQ", key)

    def test_error_counts(self):
        self.both("CONFIG", "RESETSTAT")
        self.both("CONFIG", "SET", "maxmemory", "1")
        self.both("SET", "a", "1")
        for client in self.clients:
            self.assertIn(b"errorstat_OOM:count=1", client.call("INFO", "errorstats"))
            self.assertIn(b"cmdstat_set:calls=0,usec=0,usec_per_call=0.00,rejected_calls=1",
                          client.call("INFO", "commandstats"))


class Limits(unittest.TestCase):
    """What a limit promises, with real bytes."""

    def setUp(self):
        # To the byte, so without what waits for the disk, which no limit counts.
        self.server = servers.cloakroom("--appendonly", "no", "--save", "")
        self.client = self.server.connect(timeout=FEW_SECONDS)

    def tearDown(self):
        self.client.close()
        self.assertIsNone(self.server.process.poll(), self.server.log())
        self.server.stop()

    def info(self, name):
        for line in self.client.call("INFO", "everything").decode().splitlines():
            if line.startswith(name + ":"):
                return int(line.split(":")[1])
        raise KeyError(name)

    def resident_bytes(self):
        with open(f"/proc/{self.server.process.pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def fill(self, keys, size, prefix="key", more=()):
        """Sets keys by pipeline; returns how many were refused."""
        refused = 0
        for first in range(0, keys, 500):
            batch = range(first, min(keys, first + 500))
            self.client.send_bytes(b"".join(encode(["SET", f"{prefix}{i}", "v" * size, *more])
                                            for i in batch))
            for _ in batch:
                reply = self.client.read_raw()
                self.assertIn(reply[:4], [b"+OK\r", b"-OOM"])
                refused += reply[:4] == b"-OOM"
        return refused

    def test_used_memory_stays_within_the_limit(self):
        limit = 32 * MIB
        self.client.call("CONFIG", "SET", "maxmemory", limit)
        refused = self.fill(200_000, 150)
        self.assertGreater(refused, 10_000)
        # Buffers are measured ten times a second, and what they take cannot be refused.
        self.assertLessEqual(self.info("used_memory"), limit + MIB)
        self.assertGreater(self.info("used_memory"), limit * 0.95)
        self.assertLess(self.resident_bytes(), limit * 1.3 + 8 * MIB)
        self.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.assertEqual(self.fill(200_000, 150, prefix="other"), 0)
        self.assertLessEqual(self.info("used_memory"), limit + MIB)
        self.assertLess(self.resident_bytes(), limit * 1.3 + 8 * MIB)
        self.assertGreater(self.info("evicted_keys"), 100_000)

    def test_large_values_within_the_limit(self):
        self.client.call("CONFIG", "SET", "maxmemory", 64 * MIB)
        self.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.fill(100_000, 150)
        for at in range(20):
            self.client.call("SET", f"large{at}", "x" * (4 * MIB))
            going = self.info("mem_not_counted_for_evict")  # evicted, and being freed in slices
            self.assertLessEqual(self.info("used_memory") - going, 64 * MIB)
        self.assertEqual(self.client.raw("SET", "huge", "x" * (80 * MIB))[:4], b"-OOM")
        self.assertEqual(self.client.raw("SETRANGE", "huge", 500_000_000, "x")[:4], b"-OOM")
        self.assertEqual(self.client.call("EXISTS", "huge"), 0)
        self.assertLess(self.resident_bytes(), 200 * MIB)

    def test_lru_keeps_the_hot_half(self):
        self.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        keys = 20_000
        self.fill(keys, 200)
        hot = [f"key{i}" for i in range(keys // 2)]
        while self.client.call("OBJECT", "IDLETIME", "key0") < 2:  # it counts seconds
            pass
        for key in range(0, len(hot), 500):
            self.client.call("TOUCH", *hot[key:key + 500])
        used = self.info("used_memory")
        self.client.call("CONFIG", "SET", "maxmemory", used - keys * 200 * 45 // 100)
        deadline = time.monotonic() + FEW_SECONDS
        while self.info("used_memory") > int(self.client.call("CONFIG", "GET", "maxmemory")[1]):
            self.assertLess(time.monotonic(), deadline)
        kept = sum(self.client.call("EXISTS", *hot[at:at + 500]) for at in range(0, len(hot), 500))
        self.assertGreater(kept, len(hot) * 0.9)
        self.assertLess(self.client.call("DBSIZE"), keys * 0.7)

    def test_volatile_policies_end_in_refusal(self):
        self.fill(5_000, 200)
        self.fill(2_000, 200, prefix="volatile", more=("EX", "1000"))
        for policy in ["volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"]:
            self.client.call("CONFIG", "SET", "maxmemory", self.info("used_memory") - 50_000)
            self.client.call("CONFIG", "SET", "maxmemory-policy", policy)
            self.client.call("SET", "key1", "v")
        self.client.call("CONFIG", "SET", "maxmemory", self.info("used_memory") - 600_000)
        deadline = time.monotonic() + FEW_SECONDS
        while self.client.raw("SET", "key1", "v")[:4] != b"-OOM":  # it is reached in slices
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.client.call("DBSIZE"), 5_000)

    def test_sessions_anonymous_first(self):
        self.client.call("CONFIG", "SET", "maxmemory-policy", "sessions-anonymous-first")
        self.client.call("SET", "key", "stays")
        users = [self.client.call("SESSION.CREATE", "web", f"user{i}")[1] for i in range(500)]
        for _ in range(4_000):
            self.client.call("SESSION.ANON", "web", "FIELDS", "1", "f", "x" * 200)
        self.client.call("CONFIG", "SET", "maxmemory", self.info("used_memory") + 10_000)
        for i in range(500, 1_000):
            users.append(self.client.call("SESSION.CREATE", "web", f"user{i}")[1])
        for token in random.Random(1).sample(users, 200):
            self.assertIsNotNone(self.client.call("SESSION.GET", token))
        stats = self.client.call("SESSION.STATS", "web")
        stats = dict(zip(stats[::2], stats[1::2]))
        self.assertGreater(stats[b"evicted"], 100)
        self.assertEqual(stats[b"live"] - stats[b"anonymous"], 1_000)
        with self.assertRaises(ReplyError) as refused:
            for i in range(100_000):
                self.client.call("SESSION.CREATE", "web", f"more{i}", "FIELDS", "1", "f", "x" * 500)
        self.assertTrue(str(refused.exception).startswith("OOM "))
        self.assertEqual(self.client.call("GET", "key"), b"stays")
        for token in users:
            self.assertIsNotNone(self.client.call("SESSION.GET", token))

    def test_lowering_the_limit_stops_nobody(self):
        self.client.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        self.fill(200_000, 150)
        self.client.call("CONFIG", "RESETSTAT")
        self.client.call("CONFIG", "SET", "maxmemory", 8 * MIB)
        deadline = time.monotonic() + FEW_SECONDS
        while self.info("used_memory") > 8 * MIB:
            self.client.call("PING")
            self.client.call("SET", "new", "v")
            self.assertLess(time.monotonic(), deadline)
        self.assertGreater(self.info("total_eviction_exceeded_time"), 0)
        # Other processes may have the core for a while: far less than all at once would take.
        self.assertLess(self.info("slowest_command_usec"), 20_000)

    def test_clients_that_hold_too_much_are_closed(self):
        self.client.call("CONFIG", "SET", "maxmemory-clients", "4mb")
        self.client.call("SET", "large", "x" * MIB)
        lazy = [self.server.connect() for _ in range(3)]
        for client in lazy:
            client.send_bytes(encode(["GET", "large"]) * 30)
        deadline = time.monotonic() + FEW_SECONDS
        while self.info("evicted_clients") < 2:
            self.assertLess(time.monotonic(), deadline)
        self.assertLess(self.info("mem_clients_normal"), 5 * MIB)
        for client in lazy:
            client.close()

    def test_purge_gives_memory_back(self):
        self.fill(200_000, 200)
        full = self.resident_bytes()
        self.client.call("FLUSHALL")
        deadline = time.monotonic() + FEW_SECONDS
        while self.info("lazyfree_pending_objects") > 0:
            self.assertLess(time.monotonic(), deadline)
        self.assertEqual(self.client.call("MEMORY", "PURGE"), b"OK")
        self.assertLess(self.resident_bytes(), full / 3)
        self.assertIn(b"jemalloc", self.client.call("MEMORY", "MALLOC-STATS"))
        self.assertIn(b"memory", self.client.call("MEMORY", "DOCTOR"))


if __name__ == "__main__":
    unittest.main()
