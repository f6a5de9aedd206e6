#!/usr/bin/env python3
"""What was acknowledged survives kill -9; images, backups and tools, with real processes."""

import os
import pathlib
import random
import signal
import tempfile
import threading
import time
import unittest

import servers
from on_disk import InFolder, info, kill, tool, wait_for
from resp import ReplyError, encode

KILLS = 50
WINDOW = 64  # commands under way on a connection


class KillTest(InFolder):
    """The process is killed at any moment under load; all that was answered is there."""

    def run_load(self, client, counts, started):
        """Pipelined writes until the server is gone; counts what was answered of each kind."""
        sent = dict(counts)
        under_way = []
        try:
            while True:
                batch = b""
                for _ in range(WINDOW):
                    kind = random.choice(["set", "incr", "session", "exec"])
                    number = sent[kind] = sent[kind] + 1
                    if kind == "set":
                        batch += encode(["SET", f"set:{number}", "x" * (number % 300)])
                    elif kind == "incr":
                        batch += encode(["INCR", "counter"])
                    elif kind == "session":
                        batch += encode(["SESSION.CREATE", "web", f"user:{number}", "FIELDS", "1",
                                         "n", number])
                    else:
                        batch += (encode(["MULTI"]) + encode(["SET", f"a:{number}", "1"])
                                  + encode(["SET", f"b:{number}", "1"]) + encode(["EXEC"]))
                    under_way.append(kind)
                client.send_bytes(batch)
                started.set()
                for kind in under_way:
                    for _ in range(4 if kind == "exec" else 1):
                        client.read()
                    counts[kind] += 1
                under_way = []
        except (OSError, EOFError):
            return sent

    def check(self, client, counts, sent):
        self.assertGreaterEqual(int(client.call("GET", "counter") or 0), counts["incr"])
        self.assertLessEqual(int(client.call("GET", "counter") or 0), sent["incr"])
        for number in range(max(1, counts["set"] - 200), counts["set"] + 1):
            self.assertEqual(client.call("STRLEN", f"set:{number}"), number % 300, number)
        for number in range(max(1, counts["session"] - 200), counts["session"] + 1):
            listed = client.call("SESSION.LIST", "web", f"user:{number}")[1]
            self.assertEqual(len(listed), 1, number)
        # A transaction is there whole or not at all, the unanswered ones too.
        for number in range(max(1, counts["exec"] - 200), sent["exec"] + 1):
            both = client.call("MGET", f"a:{number}", f"b:{number}")
            self.assertIn(both, ([b"1", b"1"], [None, None]), number)
            if number <= counts["exec"]:
                self.assertEqual(both, [b"1", b"1"], number)

    def kill_often(self, kills, *options):
        client = self.start("--save", "", *options)
        for _ in range(kills):
            client.call("FLUSHALL")
            counts = dict.fromkeys(["set", "incr", "session", "exec"], 0)
            started = threading.Event()

            def end(server=self.server, delay_s=random.uniform(0, 0.15), started=started):
                started.wait(30)
                time.sleep(delay_s)  # so that the kill comes at any moment
                server.process.send_signal(signal.SIGKILL)

            killer = threading.Thread(target=end)
            killer.start()
            if random.random() < 0.5:
                client.call("BGSAVE")
            sent = self.run_load(client, counts, started)
            killer.join()
            client = self.restart("--save", "", *options)
            self.check(client, counts, sent)
        client.close()

    def setUp(self):
        super().setUp()
        seed = random.randrange(1 << 30)
        print(f"seed {seed}", flush=True)
        random.seed(seed)

    def test_at_os(self):
        self.kill_often(KILLS // 2, "--appendfsync", "everysec")

    def test_at_disk(self):
        self.kill_often(KILLS - KILLS // 2, "--appendfsync", "always")


class ImageTest(InFolder):
    def fill(self, client, keys=2000):
        for number in range(keys):
            client.send("SET", f"k:{number}", number, "EX", 100000)
        for _ in range(keys):
            client.read()
        client.call("HSET", "h", *[word for n in range(3000) for word in (f"f{n}", n)])
        client.call("SADD", "s", *range(3000))
        client.call("SESSION.POLICY", "web", "SET", "idle", "900", "max", "3")
        return client.call("SESSION.CREATE", "web", "ana", "FIELDS", "1", "cart", "3")[1]

    def check(self, client, token, keys=2000):
        self.assertEqual(client.call("DBSIZE"), keys + 2)
        self.assertEqual(client.call("GET", "k:7"), b"7")
        self.assertGreater(client.call("TTL", "k:7"), 99000)
        self.assertEqual(client.call("HGET", "h", "f2999"), b"2999")
        self.assertEqual(client.call("SCARD", "s"), 3000)
        self.assertIn(b"ana", client.call("SESSION.GET", token))
        policy = client.call("SESSION.POLICY", "web")
        self.assertEqual(policy[policy.index(b"idle") + 1], 900)

    def test_a_restart_brings_all_back(self):
        client = self.start()
        token = self.fill(client)
        self.server.stop()
        self.check(self.start(), token)

    def test_an_image_and_what_came_after_it(self):
        client = self.start()
        token = self.fill(client, 1000)
        self.assertEqual(client.call("SAVE"), b"OK")
        self.assertEqual(len(self.images()), 1)
        token = self.fill(client, 2000)
        self.check(self.restart(), token)

    def test_without_a_log_the_image_is_what_stays(self):
        client = self.start("--appendonly", "no", "--save", "3600 1")
        token = self.fill(client)
        self.server.stop()  # saves, as there is a rule
        self.assertFalse(self.wal_files())
        self.check(self.start("--appendonly", "no", "--save", "3600 1"), token)

    def test_images_are_kept_and_the_log_is_cut_behind_the_oldest(self):
        client = self.start("--save", "", "--image-keep", "2")
        for number in range(4):
            client.call("SET", "n", number)
            client.call("SAVE")
        wait_for(lambda: len(self.images()) == 2)

    def test_a_damaged_image_gives_way_to_the_one_before(self):
        client = self.start("--save", "")
        token = self.fill(client, 1000)
        client.call("SAVE")
        token = self.fill(client, 1500)
        client.call("SAVE")
        token = self.fill(client, 2000)
        kill(self.server)
        newest = self.images()[-1]
        data = bytearray(newest.read_bytes())
        data[len(data) // 2] ^= 1
        newest.write_bytes(data)
        self.check(self.start("--save", ""), token)
        self.assertIn("passed over", self.server.log())

    def test_rules_begin_images(self):
        client = self.start("--save", "1 5")
        for number in range(6):
            client.call("SET", f"k{number}", 1)
        wait_for(lambda: info(client, "rdb_saves") == "1")
        self.assertEqual(info(client, "rdb_changes_since_last_save"), "0")

    def test_backup_and_restore(self):
        client = self.start()
        token = self.fill(client)
        self.assertEqual(client.call("BACKUP", "nightly.img"), b"OK")
        absolute = os.path.join(os.path.realpath(self.folder), "backups", "second.img")
        self.assertEqual(client.call("BACKUP", absolute), b"OK")
        self.assertTrue(os.path.exists(absolute))
        with self.assertRaises(ReplyError) as refused:
            client.call("BACKUP", "nightly.img")
        self.assertIn("is there already", str(refused.exception))
        for bad in ("image-00000000000000000007.img", "../x", "a/b", "", ".hidden", "/etc/passwd",
                    "x\0y"):
            with self.assertRaises(ReplyError, msg=bad):
                client.call("BACKUP", bad)
        backup = os.path.join(self.folder, "backups", "nightly.img")
        self.server.stop()
        code, text = tool(self.folder, "--port", servers.free_port(), "--restore", backup)
        self.assertEqual(code, 1, text)
        self.assertIn("holds an image or a log already", text)
        with tempfile.TemporaryDirectory() as other:
            client = self.start("--restore", backup, folder=other)
            self.check(client, token)
            self.server.stop()
            self.check(self.start(folder=other), token)
            self.server.stop()
        with tempfile.TemporaryDirectory() as other:
            broken = os.path.join(self.folder, "broken.img")
            pathlib.Path(broken).write_bytes(pathlib.Path(backup).read_bytes()[:-10])
            code, text = tool(other, "--port", servers.free_port(), "--restore", broken)
            self.assertEqual(code, 1, text)
            self.assertIn("broken.img", text)

    def test_two_servers_on_one_directory(self):
        self.start()
        code, text = tool(self.folder, "--port", servers.free_port())
        self.assertEqual(code, 1)
        self.assertIn("another cloakroom-server uses this data directory", text)

    def test_options_change_within_a_transaction(self):
        client = self.start("--save", "")
        for words in (("MULTI",), ("SET", "a", "1"), ("CONFIG", "SET", "appendfsync", "always")):
            client.call(*words)
        self.assertEqual(client.call("EXEC"), [b"OK", b"OK"])
        client.call("SET", "b", "2")
        client = self.restart("--save", "")
        self.assertEqual(client.call("MGET", "a", "b"), [b"1", b"2"])

    def test_shutdown_save_leaves_an_image(self):
        for log in ("yes", "no"):
            client = self.start("--save", "", "--appendonly", log)
            client.call("SET", f"with-log-{log}", "x" * 100)
            client.call("BGSAVE")
            with self.assertRaises((ConnectionError, EOFError)):
                client.call("SHUTDOWN", "SAVE")
            self.server.process.wait(30)
            self.server.stop()
            self.assertGreater(int(self.images()[-1].name[6:26]), 0)
        client = self.start("--save", "", "--appendonly", "no")
        self.assertEqual(client.call("EXISTS", "with-log-yes", "with-log-no"), 2)

    def test_one_that_keeps_nothing_stays_off_a_directory_in_use(self):
        client = self.start("--save", "", "--appendfsync", "always")
        nothing = ("--appendonly", "no", "--save", "")
        code, text = tool(self.folder, *nothing, "--port", servers.free_port())
        self.assertEqual(code, 1)
        self.assertIn("another cloakroom-server uses this data directory", text)
        client.call("SET", "a", "1")
        kill(self.server)
        client = self.start("--save", "")
        self.assertEqual(client.call("GET", "a"), b"1")


class LogTest(InFolder):
    def test_a_torn_tail_is_cut_and_damage_stops_the_start(self):
        client = self.start("--save", "", "--appendfsync", "always")
        for number in range(100):
            client.call("SET", f"k{number}", "x" * 100)
        self.server.stop()
        self.assertEqual(tool(self.folder, "--check-log")[0], 0)
        log = self.wal_files()[0]
        good = log.read_bytes()
        damaged = bytearray(good)
        damaged[5000] ^= 4
        log.write_bytes(damaged)
        code, text = tool(self.folder, "--check-log")
        self.assertEqual(code, 1)
        self.assertIn("offset", text)
        code, text = tool(self.folder, "--port", servers.free_port())
        self.assertEqual(code, 1)
        for word in (log.name, "at offset", "--truncate-log-at"):
            self.assertIn(word, text)
        at = text.rsplit("--truncate-log-at ", 1)[1].split()[0]
        self.assertEqual(log.read_bytes(), bytes(damaged), "nothing may be changed unasked")
        code, text = tool(self.folder, "--truncate-log-at", at)
        self.assertEqual(code, 0, text)
        client = self.start("--save", "")
        self.assertEqual(client.call("DBSIZE"), int(at) - 1)

    def test_back_to_a_point_in_time(self):
        client = self.start("--save", "", "--log-keep", "1gb")
        for number in range(10):
            client.call("SET", f"k{number}", 1)
        client.call("SAVE")
        moment = int(client.call("TIME")[0]) * 1000 + int(client.call("TIME")[1]) // 1000
        while int(client.call("TIME")[0]) * 1000 + int(client.call("TIME")[1]) // 1000 <= moment:
            pass
        client.call("FLUSHALL")
        client.call("SAVE")
        self.server.stop()
        client = self.start("--save", "", "--log-keep", "1gb", "--recover-until", moment)
        self.assertEqual(client.call("DBSIZE"), 10)
        client.call("SET", "after", 1)
        self.server.stop()
        client = self.start("--save", "", "--log-keep", "1gb")
        self.assertEqual(client.call("DBSIZE"), 11)
        self.server.stop()
        client = self.start("--save", "", "--log-keep", "1gb", "--recover-until", 3)
        self.assertEqual(client.call("DBSIZE"), 3)
        self.server.stop()
        before = self.images() + self.wal_files()
        code, text = tool(self.folder, "--port", servers.free_port(), "--recover-until",
                          "2001-01-01 00:00:00")
        self.assertEqual(code, 1, text)
        self.assertIn("Nothing was changed", text)
        self.assertEqual(self.images() + self.wal_files(), before)

    def test_what_would_be_ignored_is_refused(self):
        file = os.path.join(self.folder, "x")
        for words in (("--restore", file, "--check-log"),
                      ("--restore", file, "--import-rdb", file),
                      ("--export-rdb", file, "--truncate-log-at", 3),
                      ("--check-log", "--truncate-log-at", 3),
                      ("--check-log", "--recover-until", 3),
                      ("--restore", file, "--recover-until", 3),
                      ("--import-rdb", file, "--recover-until", 3)):
            code, text = tool(self.folder, "--port", servers.free_port(), *words)
            self.assertEqual(code, 1, words)
            self.assertIn("exclude each other", text)
        self.assertEqual(os.listdir(self.folder), [])

    def test_starts_do_not_pile_up_space_that_was_reserved(self):
        client = self.start("--save", "")
        for number in range(5):
            client.call("SET", f"k{number}", "x")
            client = self.restart("--save", "")
        old = self.wal_files()[:-1]
        self.assertEqual(len(old), 5)
        self.assertLess(sum(file.stat().st_size for file in old), 4096)
        self.assertLess(int(info(client, "aof_current_size")), 4096)

    def test_a_record_that_was_never_there_is_no_point_to_go_back_to(self):
        client = self.start("--save", "")
        client.call("SET", "a", 1)
        self.server.stop()
        for point in (999, int(time.time())):
            code, text = tool(self.folder, "--port", servers.free_port(), "--save", "",
                              "--recover-until", point)
            self.assertEqual(code, 1, text)
            self.assertIn(f"record {point} is not there: the newest is 1", text)
            self.assertIn("Nothing was changed", text)
        self.assertEqual(self.start("--save", "").call("DBSIZE"), 1)

    def test_a_policy_raises_what_a_reply_waits_for(self):
        client = self.start("--save", "", "--appendfsync", "no")
        client.call("SESSION.POLICY", "web", "SET", "ack", "disk")
        self.assertTrue(client.call("SESSION.CREATE", "web", "ana"))
        self.server.stop()
        client = self.start("--save", "", "--appendonly", "no")
        with self.assertRaises(ReplyError):
            client.call("SESSION.POLICY", "shop", "SET", "ack", "disk")


if __name__ == "__main__":
    unittest.main()
