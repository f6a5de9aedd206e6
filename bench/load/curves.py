"""Draws latency by percentile of several servers into one SVG picture."""

import html
import math

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ["#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf"]


def time_label(micros):
    for unit, size in (("s", 1e6), ("ms", 1e3), ("us", 1)):
        if micros >= size:
            return f"{micros / size:g} {unit}"
    return f"{micros * 1e3:g} ns"


def share_label(nines):
    return ["0 %", "90 %", "99 %"][nines] if nines < 3 else f"99.{'9' * (nines - 2)} %"


def draw(title, curves):
    """The picture of `curves`: by server name a list of [share, microseconds], rising. Shares stand
    on a logarithmic axis that widens towards 100 %, as far as the last point short of it."""
    curves = {name: points for name, points in curves.items() if points}
    times = [micros for points in curves.values() for _, micros in points if micros > 0] or [1, 10]
    shares = [share for points in curves.values() for share, _ in points if share < 1] or [0.9]
    nines = max(1, math.ceil(-math.log10(1 - max(shares)) - 1e-9))
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    high = max(high, low + 1)

    def x(share):
        at = nines if share >= 1 else min(-math.log10(1 - share), nines)
        return LEFT + at / nines * (WIDTH - LEFT - RIGHT)

    def y(micros):
        at = (math.log10(max(micros, 10 ** low)) - low) / (high - low)
        return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM)

    def text(at_x, at_y, anchor, words, colour="black"):
        return (f'<text x="{at_x:.1f}" y="{at_y:.1f}" text-anchor="{anchor}" fill="{colour}">'
                f'{html.escape(words)}</text>')

    def line(x1, y1, x2, y2):
        return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
                f'stroke="#ddd"/>')

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
           f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
           '<rect width="100%" height="100%" fill="white"/>',
           text(WIDTH / 2, TOP / 2 + 4, "middle", title),
           text(WIDTH / 2, HEIGHT - 12, "middle",
                "share of all requests that took at most so long")]
    for count in range(nines + 1):
        at = x(1 - 10 ** -count)
        out += [line(at, TOP, at, HEIGHT - BOTTOM),
                text(at, HEIGHT - BOTTOM + 16, "middle", share_label(count))]
    for decade in range(low, high + 1):
        at = y(10 ** decade)
        out += [line(LEFT, at, WIDTH - RIGHT, at),
                text(LEFT - 8, at + 4, "end", time_label(10 ** decade))]
    for index, (name, points) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        steps, before = [], 0
        for share, micros in points:
            steps.append(f"{x(before):.1f},{y(micros):.1f} {x(share):.1f},{y(micros):.1f}")
            before = share
        out += [f'<polyline fill="none" stroke="{colour}" stroke-width="2" '
                f'points="{" ".join(steps)}"/>',
                text(LEFT + 12, TOP + 18 + 16 * index, "start", name, colour)]
    return "\n".join(out) + "\n</svg>\n"
