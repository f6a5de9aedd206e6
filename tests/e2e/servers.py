"""Starts and stops the servers under test, on free ports, in a folder of their own."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from resp import Connection

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("CLOAKROOM_BUILD", ROOT / "build" / "release"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A server process, and connections to it. Use as a context manager."""

    def __init__(self, command, port, folder, own_folder):
        self.port = port
        self.folder = folder
        self._own_folder = own_folder
        self.log_path = os.path.join(folder, "server.out")
        self._log = open(self.log_path, "wb")
        self.process = subprocess.Popen(command, cwd=folder, stdout=self._log,
                                        stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            if self.process.poll() is not None:
                raise RuntimeError(f"{command[0]} ended at once:\n{self.log()}")
            try:
                self.connect().close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def connect(self, **options):
        return Connection(self.port, **options)

    def log(self):
        with open(self.log_path, "rb") as file:
            return file.read().decode("utf-8", "replace")

    def stop(self):
        """Asks for a graceful stop; returns the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._log.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        if self._own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def cloakroom(*arguments, folder=None):
    """Our server with the given `--option value` arguments."""
    own = folder is None
    folder = folder or tempfile.mkdtemp(prefix="cloakroom-test-")
    port = free_port()
    command = [str(BUILD / "cloakroom-server"), "--port", str(port), *map(str, arguments)]
    return Server(command, port, folder, own)


def redis(*arguments):
    """The installed redis-server, without persistence."""
    folder = tempfile.mkdtemp(prefix="redis-test-")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--save", "", "--appendonly", "no",
               "--dir", folder, *map(str, arguments)]
    return Server(command, port, folder, True)
