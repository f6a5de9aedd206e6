"""What the rows share: which servers, how many runs, how large, and servers that stay filled."""

import sys
import time


class Context:
    def __init__(self, peers, runs, scale, quiet=False):
        self.peers = peers
        self.runs = runs
        self.scale = scale
        self._quiet = quiet
        self._filled_with = None
        self._filled = {}
        self._known = {}
        self._began = time.monotonic()

    def count(self, full, least=100):
        """`full`, as --scale divides it."""
        return max(int(full * self.scale), min(least, full))

    def seconds(self, full):
        """A duration: never shorter than a second, however small the scale."""
        return max(1.0, full * min(1.0, self.scale * 4))

    def say(self, words):
        if not self._quiet:
            print(f"{time.monotonic() - self._began:7.0f} s  {words}", file=sys.stderr, flush=True)

    def filled(self, key, fill, durability=()):
        """The peers' servers, by name, started with `durability` and each filled by fill(server).
        They stay for the next row that asks for the same: to load ten million entries takes longer
        than to measure on them."""
        if self._filled_with != (key, durability):
            self.close()
            self._filled_with = (key, durability)
            for peer in self.peers:
                self.say(f"{peer.name}: filling ({key})")
                server = self._filled[peer.name] = peer.start(*durability)
                fill(server)
        return self._filled

    def once(self, key, measure):
        """What measure() returns, measured by the first row that asks for `key`: rows that look at
        the same servers at different times share one run of them."""
        if key not in self._known:
            self._known[key] = measure()
        return self._known[key]

    def turns(self, run):
        """The peers in the order of this run: each other run backwards, so that none always comes
        first."""
        return self.peers if run % 2 == 0 else self.peers[::-1]

    def each(self, measure):
        """Measures every peer in every run: measure(peer) -> {metric: value}. Returns
        {peer name: {metric: [value of each run]}}."""
        measured = {peer.name: {} for peer in self.peers}
        for run in range(self.runs):
            for peer in self.turns(run):
                for metric, value in measure(peer).items():
                    measured[peer.name].setdefault(metric, []).append(value)
            self.say(f"run {run + 1} of {self.runs}")
        return measured

    def close(self):
        """Stops the servers that were kept."""
        for server in self._filled.values():
            server.stop()
        self._filled = {}
        self._filled_with = None
