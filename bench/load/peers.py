"""The servers that are compared, and the load on them: each pinned to a core of its own."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import servers  # noqa: E402  (tests/e2e knows how to start and stop a server)

OURS = "cloakroom"
REDIS = "redis"
NOTHING_KEPT = ("--save", "", "--appendonly", "no")
# The log as it is by default, synced each second. Images are begun by hand, if at all, so that both
# sides take them at the same moment of a run.
LOG = ("--save", "", "--appendonly", "yes", "--auto-aof-rewrite-percentage", "0")


def cores():
    """(core of the servers, core of the load); (None, None) where there is but one."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2 or shutil.which("taskset") is None:
        return None, None
    return allowed[0], allowed[1]


SERVER_CORE, LOAD_CORE = cores()


class Peer:
    """A server binary that can be started with the same durability as the others."""

    def __init__(self, name, binary):
        self.name = name
        self.binary = str(binary)
        self.has_sessions = name == OURS

    def start(self, *durability, folder=None, core=SERVER_CORE):
        """A server with these options in the place of NOTHING_KEPT; fresh, or in `folder`, which
        then stays; on the servers' core, or on another."""
        return Running(self, durability or NOTHING_KEPT, folder, core)

    def version(self):
        """What the binary says of itself, without the numbers of its build."""
        words = subprocess.run([self.binary, "--version"], capture_output=True, text=True,
                               check=False).stdout.strip().split("\n")[0]
        return re.sub(r" (?:sha|build|bits)=\S+", "", words)


class Running(servers.Server):
    """A peer that runs, on a core that it has for itself or shares with the load."""

    def __init__(self, peer, durability, folder=None, core=SERVER_CORE):
        self.peer = peer
        self.keeps_folder = folder is not None
        folder = folder or tempfile.mkdtemp(prefix="cloakroom-bench-")
        port = servers.free_port()
        pin = [] if core is None else ["taskset", "-c", str(core)]
        command = [*pin, peer.binary, "--port", str(port), *durability, "--dir", folder]
        super().__init__(command, port, folder, not self.keeps_folder)
        self.control = self.connect(timeout=600)

    def call(self, *words):
        return self.control.call(*words)

    def info(self, section):
        text = self.call("INFO", section).decode()
        return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)

    def rss(self):
        """Resident bytes."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def settled_rss(self, within=10.0):
        """Resident bytes once they stand still for a second, or after `within` seconds."""
        end = time.monotonic() + within
        last, since = self.rss(), time.monotonic()
        while time.monotonic() < end and time.monotonic() - since < 1.0:
            time.sleep(0.1)
            now = self.rss()
            if abs(now - last) > 0.002 * last:
                last, since = now, time.monotonic()
        return self.rss()

    def reset_longest_turn(self):
        self.call("CONFIG", "RESETSTAT")

    def longest_turn_ms(self):
        """The server time of the longest pass of its event loop since the reset, by its own
        account; None where it keeps none."""
        micros = self.info("stats").get("eventloop_cpu_max_usec")
        return None if micros is None else int(micros) / 1e3

    def stop(self):
        self.control.close()
        code = super().stop()
        if not self.keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        return code


class LoadFailed(Exception):
    """cloakroom-bench ended with errors; the message has them."""


class Load:
    """A cloakroom-bench at work on `server`, with the given options. A background load gives way
    to others on its core, so that those can measure."""

    def __init__(self, server, *options, background=False):
        descriptor, self.json_path = tempfile.mkstemp(prefix="cloakroom-bench-", suffix=".json")
        os.close(descriptor)
        pin = [] if LOAD_CORE is None else ["taskset", "-c", str(LOAD_CORE)]
        nice = ["nice", "-n", "19"] if background else []
        self.measures = "--preload-only" not in options
        command = [*pin, *nice, str(servers.BUILD / "cloakroom-bench"), "--quiet",
                   "--port", str(server.port), *map(str, options)]
        if self.measures:
            command += ["--server-pid", str(server.process.pid), "--json", self.json_path]
        self.command = command
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)

    def result(self):
        """Waits for its end; what it measured."""
        _, errors = self.process.communicate()
        try:
            with open(self.json_path, encoding="utf-8") as file:
                text = file.read()
        finally:
            os.unlink(self.json_path)
        measured = json.loads(text) if text else {}
        if self.process.returncode != 0:
            found = "; ".join(f"{n} x {message}" for message, n in
                              measured.get("errors", {}).items())
            raise LoadFailed(f"{' '.join(self.command)}: {errors.strip()} {found}".strip())
        return measured

    def finish(self):
        """Ends it early, with what it measured so far."""
        self.process.send_signal(signal.SIGTERM)
        return self.result()


def load(server, *options, background=False):
    """Runs cloakroom-bench on `server` to its end."""
    return Load(server, *options, background=background).result()
