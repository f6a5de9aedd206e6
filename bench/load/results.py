"""Keeps what was measured, a JSON file a row, and writes RESULTS.md from all of them."""

import json
import pathlib
import re
import subprocess

import curves
import figures
from peers import OURS, REDIS

INTRODUCTION = """\
# What was measured

Written by `./dev bench`; [README.md](README.md) says what each row does. Each server is pinned to
one core and the load to another; the servers take turns within every run. Nothing is persisted,
except in the rows that end in -log and in log-everysec, log-always, image and recovery: there it is
on both sides. Ratios are ours to redis-server's in the same run. A figure is the median over the
runs, with the least and the most in brackets. Each row says at which commit it was measured.
"""

# What a run of rows writes itself: rows measured one after another need no commit in between.
OWN_FILES = (":!bench/RESULTS.md", ":!bench/results", ":!bench/plots")


def git(root, *words):
    """(whether it succeeded, what it said)."""
    try:
        done = subprocess.run(["git", *words], cwd=root, capture_output=True, text=True,
                              check=False)
    except OSError:
        return False, ""
    return done.returncode == 0, done.stdout.strip()


def commit_of(root):
    """The commit of the tree that is measured; marked when it is not the whole truth."""
    found, commit = git(root, "rev-parse", "--short=10", "HEAD")
    if not found:
        return "unknown"
    _, changes = git(root, "status", "--porcelain", "--untracked-files=no", "--", ".", *OWN_FILES)
    return commit + ("-dirty" if changes else "")


def unfit_tree(root):
    """Why the figures of this tree could not be told by a commit of main; empty when they can."""
    commit = commit_of(root)
    if commit == "unknown" or commit.endswith("-dirty"):
        return f"the tree is at commit {commit}"
    if git(root, "rev-parse", "--verify", "main")[0] and not git(
            root, "merge-base", "--is-ancestor", "HEAD", "main")[0]:
        return f"commit {commit} is not in the history of main"
    return ""


class Store:
    """The files beside RESULTS.md: results/<row>.json and plots/<row>.svg."""

    def __init__(self, report_path):
        self.report = pathlib.Path(report_path)
        self.results = self.report.parent / "results"
        self.plots = self.report.parent / "plots"

    def save(self, row, measured, latency_curves, conditions):
        """Stores one row; `conditions` are the command, commit, versions, runs and scale."""
        self.results.mkdir(parents=True, exist_ok=True)
        stored = {"row": row.name, **conditions, "measured": measured, "curves": latency_curves}
        text = json.dumps(stored, indent=1)
        # Lists of numbers on one line each: a row is to be read, and compared by git.
        text = re.sub(r"\[\s+([^\[\]]*?)\s+\]", lambda m: "[" + re.sub(r"\s+", " ", m[1]) + "]",
                      text)
        (self.results / f"{row.name}.json").write_text(text + "\n", "utf-8")
        if latency_curves:
            self.plots.mkdir(parents=True, exist_ok=True)
            (self.plots / f"{row.name}.svg").write_text(
                curves.draw(row.name + ": latency by percentile", latency_curves), "utf-8")

    def load(self, rows):
        """The stored rows, in the order of `rows`."""
        for row in rows:
            path = self.results / f"{row.name}.json"
            if path.exists():
                yield row, json.loads(path.read_text("utf-8"))

    def render(self, rows):
        """Writes RESULTS.md from all that is stored."""
        stored = list(self.load(rows))
        parts = [INTRODUCTION, conditions_text(stored), summary_table(stored)]
        parts += [self.details(row, values) for row, values in stored]
        self.report.write_text("\n".join(parts), "utf-8")

    def details(self, row, stored):
        lines = [f"## {row.name}\n", f"{row.title[0].upper()}{row.title[1:]}.\n",
                 *([f"{row.note}\n"] if row.note else []),
                 f"`{stored['command']}`, {runs_text(stored)}\n",
                 details_table(row, stored["measured"])]
        plot = self.plots / f"{row.name}.svg"
        if plot.exists():
            lines.append(f"\n![latency by percentile](plots/{row.name}.svg)\n")
        return "\n".join(lines)


def runs_text(stored):
    return f"{stored['runs']} run{'s' * (stored['runs'] != 1)} at commit {stored['commit']}"


def goal_values(goal, measured):
    """The figures of a goal, one a run; empty where redis-server was not measured."""
    ours = measured.get(OURS, {}).get(goal.metric, [])
    if goal.kind == "own":
        return ours
    return figures.ratios(ours, measured.get(REDIS, {}).get(goal.metric, []))


def verdict(goal, measured):
    values = goal_values(goal, measured)
    if not values:
        return "-"
    return "yes" if figures.spread(values)[0] <= goal.limit else "no"


def summary_table(stored):
    """One line for each goal of each row."""
    lines = ["| row | what | measured | at most | met | redis-server |",
             "|---|---|---|---|---|---|"]
    for row, values in stored:
        for goal in row.goals:
            measured = values["measured"]
            theirs = ""
            if goal.kind == "own":
                theirs = figures.spread_text(measured.get(REDIS, {}).get(goal.metric, []))
            label = goal.label + (", ratio" if goal.kind == "ratio" else "")
            note = "" if values["scale"] == 1 else f" (at scale {values['scale']:g})"
            lines.append(f"| [{row.name}](#{row.name}){note} | {label} | "
                         f"{figures.spread_text(goal_values(goal, measured))} | {goal.limit:g} | "
                         f"{verdict(goal, measured)} | {theirs} |")
    return "\n".join(lines) + "\n"


def details_table(row, measured):
    """Every figure of every server, and every other server's ratio to redis-server."""
    names = list(measured)
    against = [name for name in names if name != REDIS and REDIS in measured]
    head = ["", *names, *(f"{name} / {REDIS}" for name in against)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for metric, label in row.metrics.items():
        cells = [figures.spread_text(measured[name].get(metric, [])) for name in names]
        for name in against:
            ratios = figures.ratios(measured[name].get(metric, []),
                                    measured[REDIS].get(metric, []))
            cells.append(figures.spread_text(ratios))
        lines.append("| " + " | ".join([label, *cells]) + " |")
    return "\n".join(lines) + "\n"


def conditions_text(stored):
    """What was measured with: one paragraph for each set of versions, with the rows it holds for.
    How often, and at which commit, each row says itself."""
    groups = {}
    for row, values in stored:
        versions = tuple(sorted(values["versions"].items()))
        groups.setdefault(versions, []).append(row.name)
    parts = []
    for versions, names in groups.items():
        said = "; ".join(f"{what}: {version}" for what, version in versions)
        which = "All rows" if len(groups) == 1 else ", ".join(names)
        parts.append(f"{which} with: {said}.\n")
    return "\n".join(parts)
