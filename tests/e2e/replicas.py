"""Primaries and replicas as real processes, and links between them that can be cut."""

import contextlib
import random
import socket
import threading
import unittest

import servers
from on_disk import wait_for
from resp import ReplyError

QUIET = ("--save", "")


def info(client, section="replication"):
    text = client.call("INFO", section).decode()
    return dict(line.split(":", 1) for line in text.splitlines() if ":" in line)


def dump(client):
    """All strings, hashes and sets, with their deadlines; and the sessions' count."""
    state = {}
    cursor = b"0"
    while True:
        cursor, keys = client.call("SCAN", cursor, "COUNT", 1000)
        for key in keys:
            kind = client.call("TYPE", key)
            if kind == b"string":
                value = client.call("GET", key)
            elif kind == b"hash":
                flat = client.call("HGETALL", key)
                value = sorted(zip(flat[::2], flat[1::2]))
            else:
                value = sorted(client.call("SMEMBERS", key))
            state[key] = (kind, value, client.call("PEXPIRETIME", key))
        if cursor == b"0":
            return state


def shut(end):
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


class Relay:
    """A port that carries bytes to another, until it is cut."""

    def __init__(self, to_port):
        self.to_port = to_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = True
        self.pairs = []
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                if not self.open:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.to_port))
                self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    @staticmethod
    def carry(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            shut(end)

    def cut(self):
        with self.lock:
            self.open = False
            for pair in self.pairs:
                for end in pair:
                    shut(end)

    def mend(self):
        with self.lock:
            self.open = True

    def close(self):
        self.cut()
        self.listener.close()
        for pair in self.pairs:
            for end in pair:
                end.close()


class ReplicaCase(unittest.TestCase):
    def start(self, *arguments, folder=None):
        server = servers.cloakroom(*QUIET, *arguments, folder=folder)
        self.addCleanup(server.__exit__)
        client = server.connect()
        self.addCleanup(client.close)
        return server, client

    def follow(self, client, port):
        client.call("REPLICAOF", "127.0.0.1", port)

    def wait_level(self, primary, *replicas):
        """Until every replica has what the primary has now."""
        newest = int(info(primary)["master_repl_offset"])
        for replica in replicas:
            def level():
                state = info(replica)
                return (state["role"] == "slave" and state["master_link_status"] == "up"
                        and int(state["slave_repl_offset"]) >= newest)
            wait_for(level)

    def write(self, client, seed, count=2000):
        draw = random.Random(seed)
        for number in range(count):
            key = f"k{draw.randrange(300)}"
            kind = draw.randrange(8)
            if kind == 0:
                client.send("SET", key, "v" * draw.randrange(200), "PX",
                            draw.randrange(1, 10_000_000))
            elif kind == 1:
                client.send("HSET", "h" + key, draw.randrange(20), number)
            elif kind == 2:
                client.send("SADD", "s" + key, draw.randrange(50))
            elif kind == 3:
                client.send("DEL", key)
            elif kind == 4:
                client.send("APPEND", "a" + key, "xyz")
            elif kind == 5:
                client.send("INCR", "n" + key)
            elif kind == 6:
                client.send("EXPIRE", "h" + key, draw.randrange(1000, 9000))
            else:
                client.send("SET", key, number)
        for _ in range(count):
            client.read()

    def assert_equal(self, one, other):
        self.assertEqual(dump(one), dump(other))

    @staticmethod
    def port_of(client):
        return client.socket.getpeername()[1]

    @staticmethod
    def refused(client, *words):
        try:
            client.call(*words)
            return False
        except ReplyError:
            return True
