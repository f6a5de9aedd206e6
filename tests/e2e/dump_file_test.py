#!/usr/bin/env python3
"""Dump files: a start imports one from a Redis, and a tool writes one back, with real processes."""

import hashlib
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import unittest

import servers
from on_disk import SERVER, InFolder, kill, tool


class DumpTest(InFolder):
    """From a Redis, and back to one."""

    def test_a_dump_file_in_an_empty_directory_is_imported(self):
        with servers.redis() as redis:
            theirs = redis.connect()
            theirs.call("MSET", "a", "1", "b", "2")
            theirs.call("HSET", "h", "f", "v")
            theirs.call("SADD", "s", "1", "2", "x")
            theirs.call("EXPIRE", "a", "1000")
            theirs.call("SAVE")
            shutil.copy(os.path.join(redis.folder, "dump.rdb"), self.folder)
            theirs.call("RPUSH", "list", "1")
            theirs.call("SAVE")
            shutil.copy(os.path.join(redis.folder, "dump.rdb"), self.folder + "/other.rdb")
        client = self.start()
        self.assertEqual(client.call("MGET", "a", "b"), [b"1", b"2"])
        self.assertEqual(client.call("SCARD", "s"), 3)
        self.assertGreater(client.call("TTL", "a"), 900)
        client.call("SET", "mine", "1")
        client = self.restart()
        self.assertEqual(client.call("GET", "mine"), b"1")
        self.assertIn("is ignored", self.server.log())
        self.server.stop()
        code, text = tool(self.folder, "--port", servers.free_port(), "--import-rdb",
                          self.folder + "/other.rdb")
        self.assertEqual(code, 1)
        self.assertIn("holds an image or a log already", text)
        with tempfile.TemporaryDirectory() as empty:
            code, text = tool(empty, "--port", servers.free_port(), "--import-rdb",
                              self.folder + "/other.rdb")
            self.assertEqual(code, 1)
            self.assertIn("list (db 0, list)", text)
            client = self.start("--import-rdb", self.folder + "/other.rdb",
                                "--import-other-types", "skip", folder=empty)
            self.assertEqual(client.call("DBSIZE"), 4)
            self.server.stop()

    def test_fields_that_would_live_for_ever_are_refused_or_left_out(self):
        def text(word):
            return bytes([len(word)]) + word

        dump = os.path.join(self.folder, "dump.rdb")
        far = struct.pack("<q", 4102444800000)
        pathlib.Path(dump).write_bytes(
            b"REDIS0012" + bytes([24]) + text(b"h") + far + bytes([2])
            + bytes([1]) + text(b"short") + text(b"1") + bytes([0]) + text(b"long") + text(b"2")
            + bytes([255]) + bytes(8))
        code, said = tool(self.folder, "--port", servers.free_port())
        self.assertEqual(code, 1, said)
        self.assertIn("1 hash fields with a deadline of their own, the first in key h", said)
        client = self.start("--import-other-types", "skip")
        self.assertEqual(client.call("HGETALL", "h"), [b"long", b"2"])
        self.assertIn("Left out: 1 hash fields", self.server.log())

    def test_an_import_ends_when_it_is_told_to(self):
        words = b"".join(b"\x00" + bytes([8]) + b"%08d" % n + b"\x01v" for n in range(6000000))
        dump = os.path.join(self.folder, "dump.rdb")
        pathlib.Path(dump).write_bytes(b"REDIS0009" + words + bytes([255]) + bytes(8))
        with subprocess.Popen([SERVER, "--dir", self.folder, "--port", str(servers.free_port())],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for line in process.stdout:
                if b"Importing" in line:
                    break
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)
            self.assertNotIn(b"Ready", process.stdout.read())
        self.assertEqual(sorted(os.listdir(self.folder)), ["cloakroom.lock", "dump.rdb"])

    def test_an_export_of_an_earlier_state_changes_nothing(self):
        client = self.start("--save", "", "--log-keep", "1gb")
        for number in range(10):
            client.call("SET", f"k{number}", 1)
        client.call("SAVE")
        client.call("FLUSHALL")
        client.call("SAVE")
        client.call("SET", "late", 1)
        kill(self.server)
        with self.wal_files()[-1].open("ab") as log:
            log.write(b"torn")
        pathlib.Path(self.folder, "image-00000000000000000003.img.tmp").write_bytes(b"half")

        def files():
            return {str(path): path.read_bytes() for path in pathlib.Path(self.folder).rglob("*")
                    if path.is_file()}

        before = files()
        with tempfile.TemporaryDirectory() as other:
            for until, keys in ((7, 7), (10, 10), (11, 0), (99, 1)):
                code, text = tool(self.folder, "--recover-until", until, "--export-rdb",
                                  f"{other}/{until}.rdb")
                self.assertEqual(code, 0, text)
                self.assertIn(f": {keys} keys", text)
                self.assertEqual("is not there" in text, until == 99)
                self.assertEqual(files(), before)
            code, text = tool(self.folder, "--export-rdb", other + "/all.rdb")
            self.assertIn(": 1 keys", text)
            self.assertEqual(files(), before)

    def test_an_export_is_loaded_by_redis(self):
        client = self.start()
        client.call("MSET", "a", "1", "b", "2")
        client.call("PEXPIRE", "a", "1000000")
        client.call("HSET", "h", "f", "v")
        token = client.call("SESSION.CREATE", "web", "ana", "FIELDS", "1", "cart", "3")[1]
        self.server.stop()
        dump = os.path.join(self.folder, "dump.rdb")
        code, text = tool(self.folder, "--export-rdb", dump)
        self.assertEqual(code, 0, text)
        subprocess.run(["redis-check-rdb", dump], check=True, stdout=subprocess.DEVNULL)
        with servers.redis("--dir", self.folder) as redis:
            theirs = redis.connect()
            self.assertEqual(theirs.call("MGET", "a", "b"), [b"1", b"2"])
            key = "session:" + hashlib.sha256(token).hexdigest()[:32]
            found = theirs.call("HGETALL", key)
            self.assertIn(b"ana", found)
            self.assertEqual(found[found.index(b"cart") + 1], b"3")
            self.assertGreater(theirs.call("PTTL", key), 0)


if __name__ == "__main__":
    unittest.main()
