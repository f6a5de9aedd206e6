#!/usr/bin/env python3
"""The real redis-cli, in all its modes, against our server: what it prints must be what it prints
against redis-server, and its tools must find what is there."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
import unittest

import servers
from resp import encode

WAIT_S = 30
# Cursor movements, colours and the bell, with which redis-cli draws its line.
CONTROL = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x07|\r")


def redis_cli(server, *words, stdin=b""):
    """Everything that redis-cli prints for these words, standard error included."""
    done = subprocess.run(["redis-cli", "-p", str(server.port), *words], input=stdin,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=WAIT_S)
    return done.stdout.decode("utf-8", "replace")


# What INFO of redis-server has and ours has not, and why.
SECTIONS_NOT_OURS = {"Latencystats": "no histogram of each command's times is kept"}


def info_lines(server):
    """(section, name, value) of each line of INFO everything."""
    section = ""
    for line in redis_cli(server, "info", "everything").splitlines():
        if line.startswith("# "):
            section = line[2:].strip()
            yield section, "", ""
        elif ":" in line:
            yield section, *line.strip().split(":", 1)


def info_names(server):
    """{section: [name ...]}"""
    found = {}
    for section, name, _ in info_lines(server):
        found.setdefault(section, []).extend([name] if name else [])
    return found


def info_values(server):
    return {name: value for _, name, value in info_lines(server)}


def wait_for_value(server, name):
    """INFO's values, once that of `name` is not 0."""
    deadline = time.monotonic() + WAIT_S
    while (values := info_values(server))[name] == "0":
        assert time.monotonic() < deadline, name
        time.sleep(0.01)
    return values


class Terminal:
    """redis-cli on a terminal of its own, so that it draws hints and flushes each line."""

    def __init__(self, server, *words):
        self.seen = b""
        self.child, self.screen = pty.fork()
        if self.child == 0:
            environment = {**os.environ, "TERM": "xterm", "HOME": server.folder,
                           "REDISCLI_HISTFILE": "/dev/null"}
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 160, 0, 0))
            os.execvpe("redis-cli", ["redis-cli", "-p", str(server.port), *words], environment)

    def type(self, text):
        os.write(self.screen, text.encode())

    def wait_for(self, text):
        """Reads the screen until `text` was drawn; what came before it is forgotten."""
        deadline = time.monotonic() + WAIT_S
        wanted = text.encode()
        while wanted not in CONTROL.sub(b"", self.seen):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.screen], [], [], left)[0]:
                raise AssertionError(f"{text!r} is not on the screen: {self.seen[-2000:]!r}")
            try:
                self.seen += os.read(self.screen, 1 << 16)
            except OSError:
                raise AssertionError(f"redis-cli ended: {self.seen[-2000:]!r}") from None
        self.seen = b""

    def close(self):
        if self.screen is not None:
            os.close(self.screen)  # hangs up
            os.waitpid(self.child, 0)
            self.screen = None


class RedisCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.ours = servers.cloakroom("--unixsocket", "cloakroom.sock")
        cls.theirs = servers.redis()

    @classmethod
    def tearDownClass(cls):
        for server in (cls.ours, cls.theirs):
            server.__exit__()

    def setUp(self):
        self.client = self.ours.connect()
        for server in (self.ours, self.theirs):
            redis_cli(server, "flushall")

    def tearDown(self):
        self.client.close()

    def terminal(self, *words):
        terminal = Terminal(self.ours, *words)
        self.addCleanup(terminal.close)
        return terminal

    def same(self, *words, stdin=b""):
        """redis-cli prints the same against both servers; returns it."""
        ours = redis_cli(self.ours, *words, stdin=stdin)
        self.assertEqual(ours, redis_cli(self.theirs, *words, stdin=stdin), words)
        return ours

    def test_replies_print_alike_in_every_output_format(self):
        script = [("set", "k", "a\x01\"b"), ("get", "k"), ("get", "none"), ("incr", "n"),
                  ("incr", "k"), ("hset", "h", "f", "1", "g", ""), ("hgetall", "h"),
                  ("hmget", "h", "f", "x"), ("sadd", "s", "m"), ("smembers", "s"),
                  ("mget", "k", "none", "n"), ("nope", "x"), ("get",),
                  ("hincrbyfloat", "h", "f", "1.5"), ("config", "get", "maxmemory"),
                  ("object", "encoding", "n"), ("expire", "k", "99"), ("ttl", "k"),
                  ("command", "info", "get")]
        for options in ((), ("--no-raw",), ("-3", "--no-raw"), ("--csv",), ("--json",),
                        ("-n", "5", "-e")):
            for words in script:
                with self.subTest(options=options, words=words):
                    self.same(*options, *words)

    def test_options_of_a_single_command(self):
        self.assertEqual(self.same("-r", "3", "-i", "0.01", "incr", "n"), "1\n2\n3\n")
        self.same("-x", "set", "k", stdin=b"from standard input\n")
        self.assertEqual(self.same("get", "k"), "from standard input\n\n")
        self.same("-X", "tag", "set", "k2", "tag", stdin=b"tagged")
        self.same("-d", ";", "mget", "k2", "k2")
        self.same("--no-raw", stdin=b"set a 1\nget a\nnope\n\nmulti\nincr a\nexec\nget a\n")
        socket_path = os.path.join(self.ours.folder, "cloakroom.sock")
        self.assertEqual(redis_cli(self.ours, "-s", socket_path, "get", "a"), "2\n")
        url = f"redis://127.0.0.1:{self.ours.port}/0"
        self.assertEqual(redis_cli(self.ours, "-u", url, "get", "a"), "2\n")

    def test_pipe_loads_a_whole_protocol_stream(self):
        count = 50_000
        stream = b"".join(encode(("SET", f"key:{i}", f"value {i}")) for i in range(count))
        printed = redis_cli(self.ours, "--pipe", stdin=stream)
        self.assertIn(f"errors: 0, replies: {count}", printed)
        self.assertEqual(self.client.call("DBSIZE"), count)
        self.assertEqual(self.client.call("GET", f"key:{count - 1}"), f"value {count - 1}".encode())
        printed = redis_cli(self.ours, "--pipe", stdin=encode(("INCR", "key:1")))
        self.assertIn("errors: 1, replies: 1", printed)

    def test_scan_finds_every_key_once_the_table_is_large(self):
        keys = {f"scan:{i}" for i in range(5000)}
        self.client.call("MSET", *[word for key in keys for word in (key, "x")])
        self.client.call("SADD", "a-set", "m")
        printed = redis_cli(self.ours, "--scan", "--pattern", "scan:*")
        self.assertTrue(set(printed.split()) == keys)
        printed = redis_cli(self.ours, "--scan")
        self.assertTrue(set(printed.split()) == keys | {"a-set"})

    def test_bigkeys_and_memkeys_name_the_largest(self):
        self.client.call("SET", "small", "x")
        self.client.call("SET", "large", "x" * 10_000)
        self.client.call("HSET", "table", *[word for i in range(300) for word in (i, i)])
        self.client.call("SADD", "members", *range(700))
        printed = redis_cli(self.ours, "--bigkeys")
        self.assertIn("Sampled 4 keys in the keyspace!", printed)
        self.assertRegex(printed, r'Biggest string found .*"large".* has 10000 bytes')
        self.assertRegex(printed, r'Biggest   hash found .*"table".* has 300 fields')
        self.assertRegex(printed, r'Biggest    set found .*"members".* has 700 members')
        printed = redis_cli(self.ours, "--memkeys", "--memkeys-samples", "0")
        self.assertRegex(printed, r'Biggest string found .*"large".* has 1\d{4} bytes')

    def test_latency_measures(self):
        printed = redis_cli(self.ours, "--raw", "--latency", "-i", "0.2")
        least, most, average, samples = map(float, printed.split())
        self.assertGreater(samples, 5)
        self.assertLessEqual(least, average)
        self.assertLessEqual(average, most)

    def test_stat_shows_the_counts_of_info(self):
        self.client.call("MSET", "a", 1, "b", 2, "c", 3)
        terminal = self.terminal("--stat", "-i", "0.1")
        terminal.wait_for("keys       mem      clients blocked requests")
        terminal.wait_for("\n3 ")

    def test_monitor_shows_what_others_send(self):
        terminal = self.terminal("monitor")
        terminal.wait_for("OK")
        self.client.call("SET", "seen", "by monitor")
        terminal.wait_for('"SET" "seen" "by monitor"')

    def test_hints_and_completion_know_our_own_commands(self):
        terminal = self.terminal()
        terminal.wait_for(">")
        terminal.type("session.crea\t")
        terminal.wait_for("SESSION.CREATE")
        terminal.type(" ")
        terminal.wait_for("ns user [IDLE ")
        terminal.type("\x15set k ")  # Ctrl-U: a new line
        terminal.wait_for("value [NX|XX]")
        terminal.type("\x15help session.touch\r")
        terminal.wait_for("summary: ")

    def test_config_get_dir_is_absolute(self):
        self.assertEqual(redis_cli(self.ours, "config", "get", "dir"),
                         f"dir\n{os.path.realpath(self.ours.folder)}\n")
        self.assertIn(f"dir\n{os.path.realpath(self.ours.folder)}\n",
                      redis_cli(self.ours, "config", "get", "di*"))

    def test_info_has_every_name_that_redis_has(self):
        redis_cli(self.theirs, "config", "set", "appendonly", "yes")  # more names
        self.addCleanup(redis_cli, self.theirs, "config", "set", "appendonly", "no")
        for server in (self.ours, self.theirs):
            redis_cli(server, "set", "k", "v")
            redis_cli(server, "nope")
        ours, theirs = info_names(self.ours), info_names(self.theirs)
        self.assertEqual({section for section in theirs if section not in ours},
                         set(SECTIONS_NOT_OURS))
        for section in sorted(theirs.keys() & ours.keys()):
            with self.subTest(section):
                missing = [name for name in theirs[section] if name not in ours[section]
                           and not name.startswith("cmdstat_")]  # those that were called
                self.assertEqual(missing, [])

    def test_resetting_sets_the_same_counters_back(self):
        names = ("total_connections_received total_net_input_bytes total_net_output_bytes "
                 "total_reads_processed total_writes_processed rdb_saves keyspace_misses "
                 "total_error_replies lazyfreed_objects").split()
        for server in (self.ours, self.theirs):
            redis_cli(server, "hset", "k", *[str(i) for i in range(1000)])
            redis_cli(server, "flushall", "async")
            redis_cli(server, "save")
            redis_cli(server, "get", "none")
            redis_cli(server, "nope")
            peak = info_values(server)["used_memory_peak"]
            with self.subTest(server=server.port):
                before = wait_for_value(server, "lazyfreed_objects")
                redis_cli(server, "config", "resetstat")
                after = info_values(server)
                for name in names:
                    self.assertLess(int(after[name]), int(before[name]), name)
                self.assertGreaterEqual(int(after["used_memory_peak"]), int(peak))

    def test_help_says_what_a_command_takes_and_does(self):
        for name in ("get", "set", "hset", "expire", "scan", "sintercard", "session.list"):
            with self.subTest(name):
                printed = redis_cli(self.ours, "--no-raw", stdin=f"help {name}\n".encode())
                printed = CONTROL.sub(b"", printed.encode()).decode()
                self.assertIn(f"{name.upper()} ", printed)
                self.assertRegex(printed, r"summary: \w+")
                self.assertRegex(printed, r"since: \d")

    def test_authentication_and_its_warning(self):
        with servers.cloakroom("--requirepass", "open sesame") as server:
            self.assertIn("NOAUTH", redis_cli(server, "ping"))
            self.assertEqual(redis_cli(server, "--no-auth-warning", "-a", "open sesame", "ping"),
                             "PONG\n")
            self.assertIn("AUTH failed: WRONGPASS", redis_cli(server, "-a", "no", "ping"))
            self.assertEqual(redis_cli(server, "--user", "default", "--pass", "open sesame",
                                       "--no-auth-warning", "ping"), "PONG\n")


class OurCli(unittest.TestCase):
    """cloakroom-cli prints what redis-cli prints, and says with its exit code how it went."""

    @classmethod
    def setUpClass(cls):
        cls.server = servers.cloakroom("--unixsocket", "cloakroom.sock")

    @classmethod
    def tearDownClass(cls):
        cls.server.__exit__()

    def run_cli(self, *words):
        return subprocess.run([str(servers.BUILD / "cloakroom-cli"), *words], timeout=WAIT_S,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def test_prints_as_redis_cli_does(self):
        for words in (("set", "k", "a\"b\n\x01"), ("get", "k"), ("get", "none"), ("strlen", "k"),
                      ("hmset", "h", "f", "1"), ("hgetall", "h"), ("hgetall", "none"),
                      ("command", "info", "get", "none"), ("get", "-1"),
                      ("getrange", "k", "0", "-1")):
            for form in ("--raw", "--no-raw"):
                with self.subTest(words=words, form=form):
                    done = self.run_cli("-p", str(self.server.port), form, *words)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual(done.stdout.decode(), redis_cli(self.server, form, *words))

    def test_exit_codes(self):
        port = str(self.server.port)
        self.assertEqual(self.run_cli("-p", port, "nope").returncode, 1)
        self.assertEqual(self.run_cli("-p", "1", "ping").returncode, 1)
        self.assertEqual(self.run_cli("-p", "x", "ping").returncode, 2)
        self.assertEqual(self.run_cli("-p", port).returncode, 2)
        path = os.path.join(self.server.folder, "cloakroom.sock")
        self.assertEqual(self.run_cli("-s", path, "ping").stdout, b"PONG\n")

    def test_ring_simulate_reads_keys_and_prints_the_three_figures(self):
        keys = "".join(f"user:{i}\n" for i in range(3000)).encode()
        done = subprocess.run([str(servers.BUILD / "cloakroom-cli"), "ring", "simulate", "--shards",
                               "10", "--add", "1", "--strategy", "plan", "--keys", "-"],
                              input=keys, stdout=subprocess.PIPE, timeout=WAIT_S)
        found = re.fullmatch(r"moved (\d+) of 3000\noptimum 273\n"
                             r"largest (\d\.\d\d) before, (\d\.\d\d) after\n", done.stdout.decode())
        self.assertIsNotNone(found, done.stdout)
        self.assertLess(abs(int(found[1]) - 273), 80)


if __name__ == "__main__":
    unittest.main()
