#!/usr/bin/env python3
"""Measures cloakroom-server side by side with redis-server and writes bench/RESULTS.md."""

import argparse
import os
import pathlib
import platform
import re
import shutil
import signal
import subprocess
import sys
import time

import durability_rows
import figures
import memory_rows
import neighbour_rows
import pause_rows
import peers
import replication_rows
import results
import throughput_rows
from context import Context

# A file of rows for each kind of question, in the order of the table.
ROW_FILES = [throughput_rows, memory_rows, neighbour_rows, pause_rows, durability_rows,
             replication_rows]
ROWS = [row for file in ROW_FILES for row in file.ROWS]
RUNS = 7
REPORT = peers.ROOT / "bench" / "RESULTS.md"


def parse_arguments(arguments):
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description=__doc__,
        epilog="`./dev bench list` lists the rows, `./dev bench micro` runs the micro benches. "
               "Rows that are not measured now keep their last figures in RESULTS.md.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows to measure (default: all)")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=BINARY",
                        help="one more server to measure, started with redis-server's options")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"runs of each row (default {RUNS})")
    parser.add_argument("--scale", type=float, default=1.0,
                        help="share of the entries and requests, for a quick look (default 1); "
                             "needs --out")
    parser.add_argument("--out", type=pathlib.Path, default=REPORT,
                        help="the report; results/ and plots/ are written beside it "
                             "(default: bench/RESULTS.md)")
    parser.add_argument("--quiet", action="store_true", help="print the figures only")
    options = parser.parse_args(arguments)
    known = {row.name: row for row in ROWS}
    for name in options.rows:
        if name not in known:
            parser.error(f"no row is called '{name}': ./dev bench list shows them")
    if options.runs < 1:
        parser.error(f"--runs {options.runs}: at least 1")
    if not 0 < options.scale <= 1:
        parser.error(f"--scale {options.scale:g}: above 0 and up to 1")
    if options.scale != 1 and options.out.resolve() == REPORT:
        parser.error(f"--scale {options.scale:g}: {REPORT.name} keeps figures of full size only; "
                     "name another report with --out")
    options.rows = [known[name] for name in dict.fromkeys(options.rows)] or ROWS
    options.peers = all_peers(parser, options.peer)
    if options.out.resolve() == REPORT and (wrong := results.unfit_tree(peers.ROOT)):
        parser.error(f"{wrong}: nobody could tell later what {REPORT.name} says was measured; "
                     "name another report with --out")
    return options


def all_peers(parser, more):
    """Ours, redis-server, and those of --peer."""
    redis = shutil.which("redis-server")
    if redis is None:
        parser.error("redis-server is not installed")
    found = [peers.Peer(peers.OURS, peers.servers.BUILD / "cloakroom-server"),
             peers.Peer(peers.REDIS, redis)]
    for text in more:
        name, equals, binary = text.partition("=")
        if not equals or not re.fullmatch(r"[a-z][a-z0-9.-]*", name):
            parser.error(f"--peer {text}: must be NAME=BINARY, the name in small letters")
        if name in {peer.name for peer in found}:
            parser.error(f"--peer {text}: the name is taken")
        if not os.access(binary, os.X_OK):
            parser.error(f"--peer {text}: cannot run '{binary}'")
        found.append(peers.Peer(name, binary))
    for peer in found:
        if not os.access(peer.binary, os.X_OK):
            parser.error(f"{peer.binary} is not built")
    return found


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True,
                              cwd=peers.ROOT)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip().split("\n")[0]


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                return f"{line.split(':', 1)[1].strip()}, {os.cpu_count()} cores"
    return f"{platform.machine()}, {os.cpu_count()} cores"


def compiler():
    cache = (peers.servers.BUILD / "CMakeCache.txt").read_text("utf-8")
    found = re.search(r"^CMAKE_CXX_COMPILER:\w+=(.+)$", cache, re.MULTILINE)
    return first_line(found[1], "--version") if found else "unknown"


def versions(options):
    return {**{peer.name: peer.version() for peer in options.peers},
            "kernel": platform.release(), "processor": processor(),
            "compiler": compiler(),
            "pinning": "one core: not pinned" if peers.SERVER_CORE is None
                       else "servers and load on a core each"}


def command_of(options, row):
    words = ["./dev bench", row.name]
    if options.runs != RUNS:
        words.append(f"--runs {options.runs}")
    if options.scale != 1:
        words.append(f"--scale {options.scale:g}")
    # Where the other binary lies on this machine is nobody's business.
    words += [f"--peer {text.partition('=')[0]}=..." for text in options.peer]
    return " ".join(words)


def print_row(row, measured, seconds):
    print(f"\n{row.name}: {row.title} ({seconds:.0f} s)")
    for goal in row.goals:
        values = results.goal_values(goal, measured)
        kind = "ratio" if goal.kind == "ratio" else "ours"
        print(f"  {goal.label} ({kind}): {figures.spread_text(values)}, at most {goal.limit:g}: "
              f"{results.verdict(goal, measured)}")
    print("\n" + results.details_table(row, measured), flush=True)


def main(arguments):
    if arguments == ["list"]:
        for row in ROWS:
            print(f"{row.name:20}{row.title}")
        return 0
    # Also when it is told to end, no server must be left behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    options = parse_arguments(arguments)
    store = results.Store(options.out)
    if peers.SERVER_CORE is None:
        print("one core, or no taskset: nothing is pinned", file=sys.stderr)
    context = Context(options.peers, options.runs, options.scale, options.quiet)
    conditions = {"runs": options.runs, "scale": options.scale,
                  "commit": results.commit_of(peers.ROOT), "versions": versions(options)}
    failed = 0
    try:
        for row in options.rows:
            context.say(row.name)
            began = time.monotonic()
            try:
                measured, curves = row.run(context)
            except (peers.LoadFailed, OSError, RuntimeError) as error:
                print(f"{row.name}: failed: {error}", file=sys.stderr)
                context.close()
                failed += 1
                continue
            print_row(row, measured, time.monotonic() - began)
            store.save(row, measured, curves, {"command": command_of(options, row), **conditions})
            store.render(ROWS)
    finally:
        context.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
