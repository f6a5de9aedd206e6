#!/usr/bin/env python3
"""The benches themselves, tiny: cloakroom-bench against both servers, and the orchestrator, so that
neither rots. What they measure here means nothing; that the counts add up does."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

import servers

LOAD = servers.ROOT / "bench" / "load"
sys.path.insert(0, str(LOAD))

import curves  # noqa: E402
import figures  # noqa: E402
import results  # noqa: E402
import throughput_rows  # noqa: E402

BENCH = servers.BUILD / "cloakroom-bench"


def run(server, *options):
    return subprocess.run([BENCH, "--port", str(server.port), *map(str, options)], text=True,
                          capture_output=True, check=False, timeout=120)


class Figures(unittest.TestCase):
    def test_spread_is_median_least_most(self):
        self.assertEqual(figures.spread([5, 1, 9]), (5, 1, 9))
        self.assertEqual(figures.spread([4, 2]), (3, 2, 4))

    def test_ratios_pair_the_runs(self):
        self.assertEqual(figures.ratios([1, 4], [2, 2]), [0.5, 2])
        self.assertEqual(figures.ratios([1, 4], [0, 2]), [2], "nothing is no measure")

    def test_numbers_have_three_digits(self):
        self.assertEqual([figures.number(n) for n in (0, 0.4567, 4.567, 45.67, 456.7, 45678)],
                         ["0", "0.457", "4.57", "45.7", "457", "45,678"])

    def test_a_thinned_curve_keeps_its_ends(self):
        curve = [[i, i] for i in range(1000)]
        thin = figures.thinned(curve, 10)
        self.assertEqual((len(thin), thin[0], thin[-1]), (10, curve[0], curve[-1]))
        self.assertEqual(figures.thinned(curve[:5], 10), curve[:5])

    def test_plots_are_xml_whatever_they_show(self):
        for points in ([[1, 5.0]], [[0.5, 0.2], [0.999, 7e6], [1, 9e6]], []):
            ElementTree.fromstring(curves.draw("a < b", {"x & y": points}))


class Tool(unittest.TestCase):
    def measure(self, server, *options):
        with tempfile.TemporaryDirectory() as folder:
            files = {name: os.path.join(folder, name) for name in ("json", "svg")}
            done = run(server, *options, "--json", files["json"], "--svg", files["svg"],
                       "--server-pid", server.process.pid)
            self.assertEqual(done.returncode, 0, done.stderr)
            ElementTree.parse(files["svg"])
            with open(files["json"], encoding="utf-8") as file:
                return json.load(file), done.stdout

    def test_gets_add_up_on_both_servers(self):
        for start in (servers.cloakroom, servers.redis):
            with start() as server:
                measured, table = self.measure(
                    server, "--workload", "get", "--preload", "--keys", 500, "--requests", 2000,
                    "--clients", 5, "--pipeline", 7, "--warmup", 100)
                client = server.connect()
                self.assertEqual(client.call("DBSIZE"), 500)
                client.close()
                for count in ("requests", "steps", "commands", "replies"):
                    self.assertEqual(measured[count], 2000)
                self.assertEqual(measured["latency_us"]["count"], 2000)
                self.assertEqual((measured["misses"], measured["errors"]), (0, {}))
                self.assertGreater(measured["server"]["cpu_us_per_command"], 0)
                self.assertIn("latency p99.9 us", table)

    def test_login_flows_leave_what_was_there(self):
        with servers.cloakroom() as server:
            for workload in ("login-flow", "plain-login-flow"):
                measured, _ = self.measure(server, "--workload", workload, "--preload", "--keys",
                                           100, "--requests", 300, "--clients", 3)
                self.assertEqual((measured["requests"], measured["errors"]), (300, {}))
                self.assertEqual(measured["misses"], 0)
                self.assertEqual(measured["replies"], measured["commands"])
            client = server.connect()
            stats = client.call("SESSION.STATS")
            self.assertEqual(stats[stats.index(b"live") + 1], 100)
            self.assertEqual(client.call("DBSIZE"), 100 + 50, "sessions, and a set for each user")
            client.close()

    def test_one_server_takes_every_workload(self):
        with servers.cloakroom() as server:
            for workload in ("set", "plain-create", "plain-get", "plain-mix", "plain-login-flow",
                             "get"):
                measured, _ = self.measure(server, "--workload", workload, "--keys", 100,
                                           "--requests", 300, "--clients", 3)
                self.assertEqual((measured["errors"], measured["misses"]), ({}, 0), workload)

    def test_awaited_commands_do_the_same_in_more_steps(self):
        with servers.redis() as server:
            measured, _ = self.measure(server, "--workload", "plain-login-flow", "--preload",
                                       "--keys", 100, "--requests", 200, "--await-each")
            self.assertEqual((measured["requests"], measured["misses"]), (200, 0))
            self.assertEqual(measured["steps"], measured["commands"])

    def test_tokens_of_an_earlier_run_are_known(self):
        with servers.cloakroom() as server, tempfile.TemporaryDirectory() as folder:
            tokens = ("--keys", 200, "--tokens", os.path.join(folder, "tokens"))
            done = run(server, "--workload", "session-get", *tokens, "--preload-only")
            self.assertEqual(done.returncode, 0, done.stderr)
            for workload in ("session-get", "session-mix"):
                measured, _ = self.measure(server, "--workload", workload, *tokens,
                                           "--requests", 500)
                self.assertEqual((measured["requests"], measured["misses"]), (500, 0))

    def test_workloads_with_tokens_need_no_other_option(self):
        with servers.cloakroom() as server:
            for workload in ("session-get", "session-mix"):
                measured, _ = self.measure(server, "--workload", workload, "--keys", 100,
                                           "--requests", 500)
                self.assertEqual((measured["requests"], measured["misses"]), (500, 0))

    def test_an_open_loop_keeps_its_rate(self):
        with servers.cloakroom() as server:
            measured, _ = self.measure(server, "--workload", "ping", "--rate", 500, "--clients", 3,
                                       "--duration", 1)
            self.assertEqual(measured["requests"], 500)
            self.assertGreater(measured["seconds"], 0.9)

    def test_a_window_stays_full(self):
        with servers.cloakroom() as server:
            measured, _ = self.measure(server, "--workload", "get", "--clients", 1, "--pipeline",
                                       5000, "--send", "window", "--requests", 30000, "--preload",
                                       "--keys", 100)
            self.assertEqual(measured["replies"], 30000)

    def test_errors_are_counted_by_message_and_fail(self):
        with servers.redis() as server:
            done = run(server, "--workload", "session-create", "--requests", 10)
            self.assertEqual(done.returncode, 1)
            self.assertIn("10 x ERR unknown command 'SESSION.CREATE'", done.stdout)

    def test_a_server_that_is_not_there_is_said(self):
        done = subprocess.run([BENCH, "--port", str(servers.free_port())], text=True,
                              capture_output=True, check=False, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("connection refused", done.stderr)

    def test_passwords(self):
        with servers.cloakroom("--requirepass", "secret") as server:
            self.assertEqual(run(server, "--requests", 10, "--auth", "secret").returncode, 0)
            wrong = run(server, "--requests", 10, "--auth", "wrong")
            self.assertIn("WRONGPASS", wrong.stderr)
            self.assertEqual(wrong.returncode, 1)


class Report(unittest.TestCase):
    # A goal that was set for one form of a flow stands beside other forms of it too.
    def test_a_row_says_which_form_its_goal_is_meant_for(self):
        with tempfile.TemporaryDirectory() as folder:
            store = results.Store(pathlib.Path(folder, "RESULTS.md"))
            flows = [row for row in throughput_rows.ROWS if row.name.startswith("login-flow")]
            self.assertEqual(len(flows), 3)
            for row in flows:
                store.save(row, {"cloakroom": {"cpu_us": [7]}, "redis": {"cpu_us": [10]}}, {},
                           {"command": "x", "commit": "y", "versions": {}, "runs": 1, "scale": 1})
            store.render(flows)
            text = store.report.read_text("utf-8")
            self.assertEqual(text.count("| 0.35 | no |"), 3, "what is not met is said")
            for row in flows:
                self.assertIn("0.35 is meant", row.note)
                self.assertIn(row.note, text)


class Orchestrator(unittest.TestCase):
    def run_bench(self, *arguments):
        return subprocess.run([sys.executable, "-B", LOAD / "bench.py", *map(str, arguments)],
                              text=True, capture_output=True, check=False, timeout=300)

    def test_rows_are_measured_kept_and_rendered(self):
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder, "RESULTS.md")
            for row in ("get-p16", "rss-sessions"):
                done = self.run_bench(row, "--runs", 1, "--scale", 0.001, "--out", report)
                self.assertEqual(done.returncode, 0, done.stderr)
            stored = json.loads((report.parent / "results" / "get-p16.json").read_text("utf-8"))
            self.assertEqual(sorted(stored["measured"]), ["cloakroom", "redis"])
            self.assertEqual(len(stored["measured"]["redis"]["cpu_us"]), 1)
            ElementTree.parse(report.parent / "plots" / "get-p16.svg")
            self.assertRegex(stored["commit"], "^([0-9a-f]{10}(-dirty)?|unknown)$")
            text = report.read_text("utf-8")
            for expected in ("| [get-p16](#get-p16)", "| [rss-sessions](#rss-sessions)",
                             "plots/get-p16.svg", "redis-server", "./dev bench get-p16",
                             "1 run at commit " + stored["commit"]):
                self.assertIn(expected, text)

    # What RESULTS.md says was measured must be found again later: by a commit that stays.
    def test_only_commits_of_main_are_fit_to_be_named(self):
        with tempfile.TemporaryDirectory() as folder:
            def git(*words):
                subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@x", *words],
                               cwd=folder, check=True, capture_output=True)

            self.assertIn("unknown", results.unfit_tree(folder))
            git("init", "-q", "-b", "main")
            for name in ("code", "bench/RESULTS.md"):
                path = pathlib.Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_text("1", "utf-8")
            git("add", ".")
            git("commit", "-q", "-m", "one")
            self.assertEqual(results.unfit_tree(folder), "")
            pathlib.Path(folder, "bench/RESULTS.md").write_text("2", "utf-8")
            self.assertEqual(results.unfit_tree(folder), "", "its own figures do not count")
            pathlib.Path(folder, "code").write_text("2", "utf-8")
            self.assertIn("-dirty", results.unfit_tree(folder))
            git("checkout", "-q", "-b", "aside")
            git("commit", "-q", "-a", "-m", "two")
            self.assertIn("not in the history of main", results.unfit_tree(folder))

    def test_what_it_cannot_run_is_said(self):
        for arguments, words in [(("nonsense",), "no row is called"),
                                 (("--runs", "0"), "at least 1"),
                                 (("--scale", "2"), "up to 1"),
                                 (("--scale", "0.5"), "name another report with --out"),
                                 (("--peer", "x"), "NAME=BINARY"),
                                 (("--peer", "redis=/bin/true"), "taken"),
                                 (("--peer", "other=/nowhere"), "cannot run")]:
            done = self.run_bench(*arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
