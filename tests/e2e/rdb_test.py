#!/usr/bin/env python3
"""Dump files against the real redis-server: what it saves we read as what it says, in every
encoding; what we write it loads, and redis-check-rdb finds nothing wrong with it."""

import os
import random
import shutil
import subprocess
import tempfile
import time
import unittest

import servers

TOOL = str(servers.BUILD / "rdb_tool")

# How the same data are encoded differently, and what else stands beside them.
VARIANTS = {
    "as it is": (),
    "nothing compressed": ("--rdbcompression", "no"),
    "no checksum": ("--rdbchecksum", "no"),
    "nothing packed": ("--hash-max-listpack-entries", "0", "--set-max-intset-entries", "0",
                       "--zset-max-listpack-entries", "0"),
    "everything packed": ("--hash-max-listpack-entries", "100000", "--hash-max-listpack-value",
                          "100000", "--set-max-intset-entries", "100000"),
    "with idle times": ("--maxmemory-policy", "allkeys-lru"),
    "with frequencies": ("--maxmemory-policy", "allkeys-lfu"),
}
NUMBERS = [0, 1, -1, 12, 13, 63, 127, 128, -128, -129, 4095, 4096, -4096, -4097, 32767, 32768,
           -32768, -32769, 8388607, 8388608, -8388608, -8388609, 2147483647, 2147483648,
           -2147483648, -2147483649, 9223372036854775807, -9223372036854775808]


def words(rng):
    """Strings of every kind that is encoded in its own way."""
    found = [str(number).encode() for number in NUMBERS]
    found += [b"", b"007", b"+1", b"-0", b" 1", b"1.5", b"99999999999999999999", bytes(range(256))]
    for size in (1, 20, 21, 62, 63, 64, 65, 100, 127, 128, 4095, 4096, 16383, 16384, 70000):
        found.append(b"a" * size)
        found.append(rng.randbytes(size))
        found.append(b" ".join(b"word%d" % rng.randrange(50) for _ in range(size // 6)))
    return found


def fill(client):
    """Every type and size, in several databases, some keys with deadlines."""
    rng = random.Random(1)
    texts = words(rng)
    for db in (0, 3, 15):
        client.call("SELECT", db)
        short = [text for text in texts if len(text) < 1000]
        for i, text in enumerate(texts):
            client.call("SET", b"s%d" % i, text)
            client.call("SET", b"key " + text[:3000], i)
        for count in (1, 2, 100, 600):
            pairs = [rng.choice(texts[:40]) + b"%d" % (i if i % 2 else i // 2)
                     for i in range(2 * count)]
            client.call("HSET", b"h small %d" % count, *(pair[:60] for pair in pairs))
            client.call("HSET", b"h mixed %d" % count,
                        *(word for i in range(count)
                          for word in (b"f%d" % i, rng.choice(texts if count < 10 else short))))
            client.call("HSET", b"h numbers %d" % count,
                        *(word for i in range(count) for word in (i * i, rng.choice(NUMBERS))))
            client.call("SADD", b"t small %d" % count, *range(-count, count))
            client.call("SADD", b"t wide %d" % count, *range(1 << 20, (1 << 20) + count))
            client.call("SADD", b"t widest %d" % count, *range(1 << 40, (1 << 40) + count), -5)
            client.call("SADD", b"t mixed %d" % count,
                        *(rng.choice(short) + b"%d" % i for i in range(count)))
        client.call("SADD", "t all", *texts)
        for i, key in enumerate(client.call("KEYS", "*")):
            if i % 3 == 0:
                client.call("PEXPIREAT", key, 4102444800000 + i)
        # What we do not have is to be passed over.
        client.call("RPUSH", "l small", *texts[:30])
        client.call("RPUSH", "l large", *(texts * 5))
        client.call("ZADD", "z small", 1, "a", "-inf", "b", "1.5", "c")
        client.call("ZADD", "z large",
                    *(word for i in range(300) for word in (str(i / 7), b"m%d" % i)))
        for i in range(250):
            client.call("XADD", "x", "*", "field", i, "other", rng.choice(texts)[:200])
        client.call("XGROUP", "CREATE", "x", "g", 0)
        client.call("XGROUP", "CREATE", "x", "nobody", "$")
        client.call("XREADGROUP", "GROUP", "g", "ana", "COUNT", 20, "STREAMS", "x", ">")
        client.call("XREADGROUP", "GROUP", "g", "bob", "COUNT", 5, "STREAMS", "x", ">")
        client.call("PFADD", "hyperloglog", *range(1000))
    client.call("FUNCTION", "LOAD",
                "#!lua name=mylib\nredis.register_function('f', function() return 1 end)")


def contents(client):
    """{(db, key): (kind, deadline, value)} and {(db, key): type} of what we do not have."""
    ours, others = {}, {}
    for db in range(16):
        client.call("SELECT", db)
        for key in client.call("KEYS", "*"):
            kind = client.call("TYPE", key).decode()
            deadline = max(client.call("PEXPIRETIME", key), 0)
            if kind == "string":
                value = client.call("GET", key)
            elif kind == "hash":
                flat = client.call("HGETALL", key)
                value = dict(zip(flat[::2], flat[1::2]))
            elif kind == "set":
                value = set(client.call("SMEMBERS", key))
            else:
                others[db, key] = kind
                continue
            ours[db, key] = (kind, deadline, value)
    return ours, others


def described(path):
    """The same, from what the reader finds in a file."""
    done = subprocess.run([TOOL, "describe", path], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    ours, others = {}, {}
    for line in done.stdout.decode().splitlines():
        db, kind, third, *rest = line.split(" ")
        rest = [bytes.fromhex(word[1:]) for word in rest]
        key = int(db), rest[0]
        if kind == "other":
            others[key] = third
            continue
        items = rest[1:]
        assert len(items) == len(set(items)) or kind != "set", "a member twice"
        value = {"string": lambda: items[0], "set": lambda: set(items),
                 "hash": lambda: dict(zip(items[::2], items[1::2]))}[kind]()
        ours[key] = (kind, int(third), value)
    return ours, others


class RdbTest(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="rdb-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def connected(self, server):
        """A connection to a server that has read its file."""
        client = server.connect()
        self.addCleanup(client.close)
        deadline = time.monotonic() + 60
        while client.raw("PING").startswith(b"-LOADING"):
            self.assertLess(time.monotonic(), deadline, server.log())
        return client

    def compare(self, found, expected):
        for ours, theirs in zip(found, expected):
            self.assertEqual(sorted(ours), sorted(theirs))
            for key, value in theirs.items():
                self.assertEqual(ours[key], value, key)

    def saved(self, client):
        client.call("SAVE")
        return os.path.join(client.call("CONFIG", "GET", "dir")[1].decode(), "dump.rdb")

    def rewritten(self, path):
        out = os.path.join(self.folder, "dump.rdb")
        subprocess.run([TOOL, "rewrite", path, out], check=True)
        return out

    def test_what_redis_saves_we_read_and_what_we_write_it_loads(self):
        for name, options in VARIANTS.items():
            with self.subTest(name), servers.redis(*options) as server:
                client = self.connected(server)
                fill(client)
                expected = contents(client)
                self.assertGreater(len(expected[1]), 10)
                path = self.saved(client)
                self.compare(described(path), expected)

                out = self.rewritten(path)
                checked = subprocess.run(["redis-check-rdb", out], capture_output=True, check=False)
                self.assertEqual(checked.returncode, 0, checked.stdout)
                self.assertIn(b"RDB looks OK", checked.stdout)
                self.compare(described(out), (expected[0], {}))
                # Deep sanitization: Redis looks at each entry of each packed form.
                with servers.redis("--dir", self.folder, "--sanitize-dump-payload", "yes",
                                   *options) as second:
                    self.compare(contents(self.connected(second)), (expected[0], {}))

    def test_what_we_write_is_about_as_small_as_what_redis_saves(self):
        with servers.redis() as server:
            client = self.connected(server)
            for i in range(2000):
                client.call("HSET", f"session:{i:032x}", "user", f"u{i}", "ip", "10.0.0.1", "agent",
                            "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/115.0",
                            "csrf", f"{i * 7919:040x}", "lang", "en", "visits", i)
            path = self.saved(client)
            ours, theirs = os.path.getsize(self.rewritten(path)), os.path.getsize(path)
            self.assertLess(ours, 1.05 * theirs, f"{ours} bytes, Redis {theirs}")


if __name__ == "__main__":
    unittest.main()
