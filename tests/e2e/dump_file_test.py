#!/usr/bin/env python3
"""Dump files: a start imports one from a Redis, and a tool writes one back, with real processes."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import servers
from on_disk import SERVER, InFolder, info, kill, tool


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

    def test_functions_and_data_of_modules_are_refused_or_left_out(self):
        with servers.redis() as redis:
            theirs = redis.connect()
            theirs.call("SET", "a", "1")
            theirs.call("FUNCTION", "LOAD",
                        "#!lua name=mylib\nredis.register_function('f', function() return 1 end)")
            theirs.call("SAVE")
            shutil.copy(os.path.join(redis.folder, "dump.rdb"), self.folder)
        self.refused_or_left_out(self.folder, "1 libraries of functions and 0 pieces of data of")
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "dump.rdb").write_bytes(
                b"REDIS0010" + bytes([247, 5, 2, 1, 2, 9, 0]) + b"\x00\x01a\x011"
                + bytes([255]) + bytes(8))
            self.refused_or_left_out(folder, "0 libraries of functions and 1 pieces of data of")

    def refused_or_left_out(self, folder, what):
        code, said = tool(folder, "--port", servers.free_port())
        self.assertEqual(code, 1, said)
        self.assertIn(f"the dump file holds {what}", said)
        self.assertIn("Nothing was imported", said)
        client = self.start("--import-other-types", "skip", folder=folder)
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertIn(f"Left out: {what}", self.server.log())
        self.server.stop()

    def test_a_dump_file_beside_an_append_only_file_is_only_taken_when_it_is_named(self):
        with servers.redis("--appendonly", "yes") as redis:
            theirs = redis.connect()
            theirs.call("SET", "a", "1")
            theirs.call("SAVE")
            theirs.call("SET", "a", "2")
            theirs.call("EXPIRE", "a", "1000")
            theirs.call("SET", "dead", "1", "PX", "1")
            redis.stop()  # without rules it saves nothing, and the append-only file has it all
            shutil.copytree(redis.folder, self.folder, dirs_exist_ok=True)
        dump = os.path.join(self.folder, "dump.rdb")
        for newest in ("appendonlydir/appendonly.aof.1.incr.aof", "appendonly.aof"):
            code, said = tool(self.folder, "--port", servers.free_port())
            self.assertEqual(code, 1, said)
            self.assertIn("may be newer than ./dump.rdb, so nothing was imported", said)
            self.assertIn("send it SAVE", said)
            self.assertIn(newest, said)
            if newest.startswith("appendonlydir"):  # and then as an older Redis keeps it
                shutil.move(os.path.join(self.folder, newest), self.folder + "/appendonly.aof")
                shutil.rmtree(self.folder + "/appendonlydir")
        client = self.start("--import-rdb", dump)
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertIn("is taken as it was asked for", self.server.log())
        client = self.restart()
        self.assertEqual(client.call("GET", "a"), b"1")
        self.assertNotIn("append-only file of a Redis", self.server.log())

    def test_an_append_only_file_alone_is_told_of(self):
        os.mkdir(self.folder + "/appendonlydir")
        for name in ("appendonly.aof.1.base.rdb", "appendonly.aof.manifest"):
            pathlib.Path(self.folder, "appendonlydir", name).write_bytes(b"")
        client = self.start()
        self.assertEqual(client.call("DBSIZE"), 0)
        self.assertIn("appendonlydir/appendonly.aof.1.base.rdb, ./appendonlydir/"
                      "appendonly.aof.manifest. The server starts EMPTY", self.server.log())

    def test_an_import_tells_what_it_brought(self):
        with servers.redis() as redis:
            theirs = redis.connect()
            theirs.call("MSET", "a", "1", "b", "2")
            theirs.call("SET", "dead", "1", "PX", "200")
            theirs.call("SAVE")
            shutil.copy(os.path.join(redis.folder, "dump.rdb"), self.folder)
        time.sleep(0.3)
        client = self.start()
        self.assertEqual(info(client, "rdb_last_load_keys_loaded"), "2")
        self.assertEqual(info(client, "rdb_last_load_keys_expired"), "1")

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
            for until, keys in ((7, 7), (10, 10), (11, 0), (12, 1)):
                code, text = tool(self.folder, "--recover-until", until, "--export-rdb",
                                  f"{other}/{until}.rdb")
                self.assertEqual(code, 0, text)
                self.assertIn(f": {keys} keys", text)
                self.assertEqual(files(), before)
            code, text = tool(self.folder, "--recover-until", 99, "--export-rdb",
                              other + "/99.rdb")
            self.assertEqual(code, 1, text)
            self.assertIn("record 99 is not there", text)
            self.assertEqual(files(), before)
            code, text = tool(self.folder, "--export-rdb", other + "/all.rdb")
            self.assertIn(": 1 keys", text)
            self.assertEqual(files(), before)

    def test_a_failed_export_leaves_nothing(self):
        client = self.start()
        client.call("SET", "a", "1")
        self.server.stop()
        with tempfile.TemporaryDirectory() as other:
            os.mkdir(other + "/taken")
            code, text = tool(self.folder, "--export-rdb", other + "/taken")
            self.assertEqual(code, 1, text)
            self.assertEqual(os.listdir(other), ["taken"])

    def test_an_export_says_which_sessions_it_leaves_out(self):
        client = self.start()
        for user in ("ana", "bob"):
            token = client.call("SESSION.CREATE", "web", user)[1]
        name = "session:" + hashlib.sha256(token).hexdigest()[:32]
        client.call("SET", name, "mine")
        self.server.stop()
        with tempfile.TemporaryDirectory() as other:
            code, text = tool(self.folder, "--export-rdb", other + "/dump.rdb")
        self.assertEqual(code, 0, text)
        self.assertIn("1 keys, 1 sessions, as of", text)
        self.assertIn("1 sessions were left out: each would be a hash in database 0 whose name a "
                      "key there has", text)

    def test_tools_that_only_read_need_no_more_than_that(self):
        client = self.start()
        client.call("SET", "a", "1")
        self.server.stop()
        folders = [self.folder, self.folder + "/appendonlydir"]
        for path in folders + self.images() + self.wal_files() + [self.folder + "/cloakroom.lock"]:
            os.chmod(path, 0o555)
        user = 65534 if os.geteuid() == 0 else None  # whom modes do bind
        with tempfile.TemporaryDirectory() as other:
            os.chmod(other, 0o777)

            def run(*words):
                return subprocess.run([SERVER, "--dir", self.folder, *words], user=user, cwd=other,
                                      capture_output=True, timeout=60, check=False)

            for words in (["--check-log"], ["--export-rdb", other + "/dump.rdb"]):
                done = run(*words)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertTrue(os.path.exists(other + "/dump.rdb"))
            for words in (["--truncate-log-at", "1"], []):
                done = run("--port", str(servers.free_port()), *words)
                self.assertIn(b"cannot open ./cloakroom.lock", done.stderr)
            # Who could write there is kept out, and keeps others out, all the same.
            with open(self.folder + "/cloakroom.lock", "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.assertIn(b"is locked", run("--check-log").stderr)
        for path in folders:
            os.chmod(path, 0o755)

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
