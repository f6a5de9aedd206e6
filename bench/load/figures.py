"""Medians, spreads, and how figures are written."""

import statistics


def spread(values):
    """(median, least, most) of at least one number."""
    return statistics.median(values), min(values), max(values)


def ratios(ours, theirs):
    """Our value over theirs, run by run: both of a run were measured right after one another."""
    return [a / b for a, b in zip(ours, theirs) if b]


def number(value):
    """A number to three significant digits, thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    digits = 1 if abs(value) >= 10 else 2 if abs(value) >= 1 else 3
    return f"{value:.{digits}f}"


def spread_text(values):
    """"median [least .. most]", or just the value where there is one."""
    if not values:
        return "-"
    median, least, most = spread(values)
    if len(values) == 1:
        return number(median)
    return f"{number(median)} [{number(least)} .. {number(most)}]"


def thinned(curve, points_max=160):
    """At most `points_max` of the points of a curve, its ends included."""
    if len(curve) <= points_max:
        return curve
    step = (len(curve) - 1) / (points_max - 1)
    return [curve[round(i * step)] for i in range(points_max)]
