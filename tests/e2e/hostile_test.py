#!/usr/bin/env python3
"""Slow and hostile clients: whatever they do, others are served and nothing grows without end."""

import resource
import socket
import time
import unittest

import servers
from resp import ReplyError, encode

FEW_SECONDS = 20  # far beyond what a served request takes, so that only a hang fails


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.server = servers.cloakroom("--maxclients", 10500)
        cls.calm = cls.server.connect(timeout=FEW_SECONDS)

    @classmethod
    def tearDownClass(cls):
        cls.calm.close()
        assert cls.server.process.poll() is None, cls.server.log()
        assert cls.server.stop() == 0

    def served(self):
        self.calm.call("SET", "calm", "yes")
        self.assertEqual(self.calm.call("GET", "calm"), b"yes")

    def resident_bytes(self):
        with open(f"/proc/{self.server.process.pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def test_half_a_command(self):
        slow = [self.server.connect() for _ in range(50)]
        for at, client in enumerate(slow):
            client.send_bytes(encode(["SET", "k", "v" * 100])[:at + 3])
        self.served()
        for client in slow:
            client.close()

    def test_one_byte_at_a_time(self):
        client = self.server.connect()
        for byte in encode(["SET", "slow", "bytes"]) + b"GET slow\r\n":
            client.send_bytes(bytes([byte]))
        self.assertEqual(client.read(), b"OK")
        self.assertEqual(client.read(), b"bytes")
        client.close()

    def test_endless_inline(self):
        client = self.server.connect()
        try:
            for _ in range(64):
                client.send_bytes(b"x" * 16384)
        except OSError:
            pass
        try:
            self.assertIn("too big inline request", str(client.read()))
        except (ConnectionResetError, EOFError):
            pass
        self.served()
        client.close()

    def test_a_huge_announced_bulk_takes_no_memory(self):
        before = self.resident_bytes()
        clients = [self.server.connect() for _ in range(20)]
        for client in clients:
            client.send_bytes(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\nabc")
        self.served()
        self.assertLess(self.resident_bytes() - before, 100 << 20)
        for client in clients:
            client.close()

    def test_a_reader_that_never_reads(self):
        self.calm.call("SET", "big", "x" * 1_000_000)
        before = self.resident_bytes()
        deaf = socket.create_connection(("127.0.0.1", self.server.port))
        deaf.setblocking(False)
        request = encode(["GET", "big"]) * 1000
        try:
            for _ in range(200):
                deaf.send(request)
        except (BlockingIOError, ConnectionResetError, BrokenPipeError):
            pass
        for _ in range(50):
            self.served()
        self.assertLess(self.resident_bytes() - before, 300 << 20)
        deaf.close()

    def test_a_pipeline_of_a_million_commands(self):
        flood = self.server.connect()
        flood.socket.setblocking(False)
        request, worst, sent, got = encode(["INCR", "n"]) * 5000, 0.0, 0, 0
        pending = b""
        while got < 1_000_000:
            try:
                if sent < 1_000_000 and not pending:
                    pending, sent = request, sent + 5000
                if pending:
                    pending = pending[flood.socket.send(pending):]
            except BlockingIOError:
                pass
            try:
                got += flood.socket.recv(1 << 20).count(b"\n")
            except BlockingIOError:
                pass
            if sent % 100_000 == 0:
                start = time.monotonic()
                self.served()
                worst = max(worst, time.monotonic() - start)
        self.assertEqual(self.calm.call("GET", "n"), b"1000000")
        self.assertLess(worst, FEW_SECONDS)
        flood.close()

    def test_ten_thousand_idle_connections(self):
        before = self.resident_bytes()
        idle = [self.server.connect() for _ in range(10_000)]
        for client in idle[::100]:
            self.assertEqual(client.call("PING"), b"PONG")
        self.served()
        self.assertLess((self.resident_bytes() - before) / len(idle), 8192)
        for client in idle:
            client.close()

    def test_protocol_errors_close_only_their_own_connection(self):
        for garbage in (b"*-5\r\n*1\r\n:1\r\n", b"*abc\r\n", b"*1\r\n$-1\r\n", b"*2000000\r\n",
                        b"*1\r\n$99999999999\r\n", b"*1\r\nxyz\r\n", b"'unbalanced\r\n",
                        b"*1\r\n$3\r\nGETxx\r\n", b"\x00\xff\r\n",
                        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST / HTTP/1.1\r\n"):
            client = self.server.connect()
            client.send_bytes(garbage)
            client.socket.shutdown(socket.SHUT_WR)
            try:
                while client.socket.recv(65536):
                    pass
            except ConnectionResetError:
                pass
            client.close()
            self.served()


if __name__ == "__main__":
    unittest.main()
