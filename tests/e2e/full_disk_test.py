#!/usr/bin/env python3
"""A full disk: what it cannot take is refused, all else goes on, and writes come back with the
space. On a small tmpfs, with real processes."""

import contextlib
import os
import subprocess
import sys
import tempfile
import unittest

from on_disk import InFolder, info, kill, wait_for
from resp import ReplyError


class FullDiskTest(InFolder):
    @contextlib.contextmanager
    def small_disk(self):
        mount = os.path.join(self.folder, "small")
        os.mkdir(mount)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount], check=True)
        try:
            yield mount
        finally:
            subprocess.run(["umount", "-l", mount], check=True)

    def assert_refused(self, client, *words, error="MISCONF"):
        with self.assertRaises(ReplyError) as refused:
            client.call(*words)
        self.assertIn(error, str(refused.exception))

    def test_what_is_larger_than_the_disk_is_refused_and_holds_nobody_up(self):
        with self.small_disk() as mount:
            options = ("--save", "", "--auto-aof-rewrite-percentage", "0",
                       "--appendfsync", "everysec")
            client = self.start(*options, folder=mount)
            other = self.server.connect()
            self.addCleanup(other.close)
            self.assert_refused(client, "SET", "huge", "x" * (30 << 20))
            self.assertEqual(client.call("EXISTS", "huge"), 0)
            self.assertEqual(other.call("SET", "small", "1"), b"OK", "it has its space")
            self.assertEqual(client.call("SET", "large", "x" * (7 << 20)), b"OK")
            self.assertEqual(client.call("DEL", "large"), 1)
            for number in range(4):
                for member in range(0, 9000, 1000):
                    client.call("SADD", f"big{number}", *(f"{number}-{i}".ljust(100, "x")
                                                          for i in range(member, member + 1000)))
            union = ("SUNIONSTORE", "d", "big0", "big1", "big2", "big3")
            with self.assertRaises(ReplyError):
                for number in range(9000):
                    client.call("SET", f"k{number}", "x" * 2000)
            self.assert_refused(client, *union)
            client.call("MULTI")
            client.call(*union)
            self.assert_refused(client, "EXEC", error="EXECABORT")
            self.assertEqual(client.call("EXISTS", "d"), 0)
            self.assertEqual(other.call("PING"), b"PONG")
            self.assertEqual(other.call("GET", "small"), b"1")
            subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)

            def taken():
                try:
                    return client.call(*union) == 36000
                except ReplyError:
                    return False

            wait_for(taken)
            self.assertEqual(client.call("SET", "huge", "x" * (30 << 20)), b"OK")
            kill(self.server)
            client = self.start(*options, folder=mount)
            self.assertEqual(client.call("SCARD", "d"), 36000)
            self.assertEqual(client.call("STRLEN", "huge"), 30 << 20)
            self.server.stop()

    def test_a_server_starts_on_a_full_disk_and_answers_reads(self):
        with self.small_disk() as mount:
            options = ("--save", "", "--auto-aof-rewrite-percentage", "0")
            client = self.start(*options, folder=mount)
            client.call("SET", "before", "1")
            with self.assertRaises(ReplyError):
                for number in range(2000):
                    client.call("SET", f"k{number}", "x" * 20000)
            with open(os.path.join(mount, "rest"), "wb") as rest, self.assertRaises(OSError):
                while True:
                    os.write(rest.fileno(), b"x" * 4096)
            for _ in range(3):
                kill(self.server)
                client = self.start(*options, folder=mount)
                self.assertEqual(client.call("GET", "before"), b"1")
            os.unlink(os.path.join(mount, "rest"))
            subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
            wait_for(lambda: self.is_taken(client))
            self.server.stop()

    @staticmethod
    def is_taken(client):
        try:
            return client.call("SET", "after", "1") == b"OK"
        except ReplyError:
            return False

    def test_a_full_disk_refuses_writes_and_takes_them_again(self):
        with self.small_disk() as mount:
            client = self.start("--save", "", "--auto-aof-rewrite-percentage", "0", folder=mount)
            client.call("SET", "before", "1")
            written = 0
            with self.assertRaises(ReplyError) as refused:
                for written in range(2000):
                    client.call("SET", f"k{written}", "x" * 20000)
            self.assertTrue(str(refused.exception).startswith(
                "MISCONF Errors writing to the AOF file: "), refused.exception)
            self.assertEqual(client.call("GET", "before"), b"1")
            self.assertEqual(client.call("EXISTS", f"k{written}"), 0, "it must not be executed")
            self.assertEqual(info(client, "aof_last_write_status"), "err")
            subprocess.run(["mount", "-o", "remount,size=200m", mount], check=True)
            wait_for(lambda: self.is_taken(client))
            kill(self.server)
            client = self.start("--save", "", folder=mount)
            self.assertEqual(client.call("GET", "after"), b"1")
            self.assertEqual(client.call("EXISTS", f"k{written - 1}"), 1)
            self.server.stop()


def may_mount():
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True,
                               check=False)
        if tried.returncode == 0:
            subprocess.run(["umount", folder], check=True)
        return tried.returncode == 0


if __name__ == "__main__":
    # Who may not mount has a name space of his own made, where he may.
    if "unshared" not in sys.argv and not may_mount():
        os.execvp("unshare", ["unshare", "--user", "--map-root-user", "--mount", sys.executable,
                              *sys.argv, "unshared"])
    unittest.main(argv=[word for word in sys.argv if word != "unshared"])
