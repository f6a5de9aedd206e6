"""What a row of the table is."""

import dataclasses
import typing


@dataclasses.dataclass(frozen=True)
class Goal:
    """What a row must reach: `metric` at most `limit`, either as our ratio to redis-server in the
    same run ("ratio") or as our own figure ("own")."""
    metric: str
    kind: str
    limit: float
    label: str


@dataclasses.dataclass(frozen=True)
class Row:
    """One named line of the table. run(context) returns ({peer: {metric: [value of each run]}},
    {peer: latency curve, or nothing}); `metrics` are the figures it has, with what they are called,
    and `note` what a reader of its goals must know besides.
    """
    name: str
    title: str
    run: typing.Callable
    metrics: dict
    goals: list
    note: str = ""
