"""Servers that keep their state in a folder of their own: to start, kill and start again."""

import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import servers

SERVER = str(servers.BUILD / "cloakroom-server")


def tool(folder, *arguments):
    """Runs the server where it does not serve; returns its exit code and what it printed."""
    done = subprocess.run([SERVER, "--dir", folder, *map(str, arguments)], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout.decode()


def kill(server):
    server.process.send_signal(signal.SIGKILL)
    server.process.wait()
    server.stop()


def info(client, name):
    for line in client.call("INFO", "persistence").decode().splitlines():
        if line.startswith(name + ":"):
            return line.split(":", 1)[1]
    raise KeyError(name)


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("waited in vain")
        time.sleep(0.01)


class InFolder(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cloakroom-durability-")
        self.server = None

    def tearDown(self):
        if self.server is not None:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, *arguments, folder=None):
        self.server = servers.cloakroom(*arguments, folder=folder or self.folder)
        client = self.server.connect()
        self.addCleanup(client.close)
        wait_for(lambda: info(client, "loading") == "0")
        return client

    def restart(self, *arguments):
        kill(self.server)
        return self.start(*arguments)

    def wal_files(self):
        return sorted(pathlib.Path(self.folder, "appendonlydir").glob("*.wal"))

    def images(self):
        return sorted(pathlib.Path(self.folder).glob("image-*.img"))
