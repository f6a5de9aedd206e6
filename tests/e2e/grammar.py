"""Random commands of the Redis families, from one line of grammar each, with coverage by option.

A line is words and slots: {s} {h} {t} {any} a key (mostly of strings, hashes, sets, or whichever),
{val} {int} {float} {field} {member} {sec} {ms} {at} {atms} {idx} {count} {pattern} {cursor} {db};
a + after the name repeats it, {fv+} and {kv+} repeat pairs. [WORD {slot}] is an option: present or
not, neighbouring options in any order. <A|B> is one of the words; each counts as an option.
"""

import re
import time

import dumps

GRAMMAR = """
GET {s}
SET {s} {val} [NX] [XX] [GET] [KEEPTTL] [EX {sec}] [PX {ms}] [EXAT {at}] [PXAT {atms}]
SETEX {s} {sec} {val}
PSETEX {s} {ms} {val}
SETNX {s} {val}
GETSET {s} {val}
GETEX {s} [EX {sec}] [PX {ms}] [EXAT {at}] [PXAT {atms}] [PERSIST]
GETDEL {s}
MGET {any+}
MSET {kv+}
MSETNX {kv+}
APPEND {s} {val}
STRLEN {s}
INCR {s}
DECR {s}
INCRBY {s} {int}
DECRBY {s} {int}
INCRBYFLOAT {s} {float}
GETRANGE {s} {idx} {idx}
SUBSTR {s} {idx} {idx}
SETRANGE {s} {offset} {val}
HSET {h} {fv+}
HMSET {h} {fv+}
HSETNX {h} {field} {val}
HGET {h} {field}
HMGET {h} {field+}
HGETALL {h}
HDEL {h} {field+}
HEXISTS {h} {field}
HKEYS {h}
HVALS {h}
HLEN {h}
HSTRLEN {h} {field}
HINCRBY {h} {field} {int}
HINCRBYFLOAT {h} {field} {float}
HRANDFIELD {h}
HRANDFIELD {h} {count} [WITHVALUES]
HSCAN {h} {cursor} [MATCH {pattern}] [COUNT {count}]
SADD {t} {member+}
SREM {t} {member+}
SMEMBERS {t}
SISMEMBER {t} {member}
SMISMEMBER {t} {member+}
SCARD {t}
SPOP {t}
SPOP {t} {count}
SRANDMEMBER {t}
SRANDMEMBER {t} {count}
SMOVE {t} {t} {member}
SINTER {t+}
SUNION {t+}
SDIFF {t+}
SINTERSTORE {t} {t+}
SUNIONSTORE {t} {t+}
SDIFFSTORE {t} {t+}
SINTERCARD {numkeys} {t+} [LIMIT {count}]
SSCAN {t} {cursor} [MATCH {pattern}] [COUNT {count}]
DEL {any+}
UNLINK {any+}
EXISTS {any+}
TYPE {any}
TOUCH {any+}
EXPIRE {any} {sec} [NX] [XX] [GT] [LT]
PEXPIRE {any} {ms} [NX] [XX] [GT] [LT]
EXPIREAT {any} {at} [NX] [XX] [GT] [LT]
PEXPIREAT {any} {atms} [NX] [XX] [GT] [LT]
TTL {any}
PTTL {any}
EXPIRETIME {any}
PEXPIRETIME {any}
PERSIST {any}
RENAME {any} {any}
RENAMENX {any} {any}
COPY {any} {any} [DB {db}] [REPLACE]
MOVE {any} {db}
RANDOMKEY
KEYS {pattern}
SCAN {cursor} [MATCH {pattern}] [COUNT {count}] [TYPE {type}]
DBSIZE
DUMP {any}
RESTORE {any} {ttl} {dump} [REPLACE] [ABSTTL] [IDLETIME {count}] [FREQ {count}]
OBJECT <ENCODING|IDLETIME|REFCOUNT|FREQ> {any}
MEMORY USAGE {any} [SAMPLES {count}]
SELECT {db}
SWAPDB {db} {db}
FLUSHDB <ASYNC|SYNC>
FLUSHALL <ASYNC|SYNC>
PING
PING {val}
ECHO {val}
TIME
ROLE
CLIENT <GETNAME|UNPAUSE>
CLIENT SETNAME {field}
CLIENT NO-EVICT <on|off>
CLIENT PAUSE {garbage} <WRITE|ALL>
CLIENT KILL {garbage}
CLIENT KILL <ID|ADDR|TYPE|LADDR|SKIPME> {garbage}
CLIENT REPLY {garbage}
AUTH {val}
AUTH default {val}
HELLO {garbage}
DISCARD
EXEC
UNWATCH
WATCH {any+}
SLOWLOG <RESET>
SLOWLOG GET {garbage}
COMMAND GETKEYS GET {any}
COMMAND GETKEYS MSET {kv+}
COMMAND GETKEYS SINTERCARD {numkeys} {t+}
CONFIG GET <maxmemory|appendonly|databases|hash-max-listpack-entries|set-max-intset-entries>
CONFIG SET {garbage} {val}
CONFIG RESETSTAT
"""

# Rare, because what they do empties or moves what the others work on.
RARE = {"FLUSHDB", "FLUSHALL", "SWAPDB", "SELECT", "MOVE", "CLIENT", "AUTH", "HELLO", "SLOWLOG",
        "COMMAND", "CONFIG", "ROLE", "DISCARD", "EXEC", "UNWATCH", "WATCH"}

TOKEN = re.compile(r"\[[^\]]*\]|<[^>]*>|\{[^}]*\}|\S+")
HUGE = [b"9223372036854775807", b"-9223372036854775808", b"9223372036854775808",
        b"4611686018427387904", b"9223372036854775", b"99999999999999999999"]
BAD_NUMBERS = [b"", b"abc", b"1.5", b" 1", b"1 ", b"+1", b"01", b"-0", b"1e3", b"0x10", b"-"]
KEYS = {"s": [b"s:%d" % i for i in range(8)], "h": [b"h:%d" % i for i in range(6)],
        "t": [b"t:%d" % i for i in range(6)]}
MISSING = [b"none:0", b"none:1"]
EVERY_KEY = KEYS["s"] + KEYS["h"] + KEYS["t"] + MISSING


class Generator:
    """Seeded: the same seed gives the same commands, but for absolute times."""

    def __init__(self, rng):
        self.rng = rng
        self.lines = [(line.split()[0], TOKEN.findall(line))
                      for line in GRAMMAR.split("\n") if line]
        self.weights = [1 if name in RARE else 6 for name, _ in self.lines]
        self.coverage = {}
        for name, tokens in self.lines:
            for label in self._labels(name, tokens):
                self.coverage.setdefault(label, 0)

    @staticmethod
    def _labels(name, tokens):
        labels = [name]
        for token in tokens[1:]:
            if token[0] == "[":
                labels.append(f"{name} {token[1:-1].split()[0]}")
            elif token[0] == "<":
                labels += [f"{name} {word}" for word in token[1:-1].split("|")]
            elif token[0] != "{":
                labels.append(f"{name} {token}")
        return labels + [f"{name} (arity)", f"{name} (garbled)"]

    def lacking(self, times):
        """Labels seen fewer than `times`."""
        return {label for label, count in self.coverage.items() if count < times}

    def command(self, lacking=None):
        """One random command; with `lacking`, of a line that has a label in it."""
        rng = self.rng
        if lacking:
            chosen = [line for line in self.lines
                      if any(label in lacking for label in self._labels(*line))]
            name, tokens = rng.choice(chosen or self.lines)
        else:
            name, tokens = rng.choices(self.lines, self.weights)[0]
        words, labels, options = [name.encode()], [name], []
        for token in tokens[1:] + [None]:
            if token is not None and token[0] == "[":
                options.append(token[1:-1].split())
                continue
            rng.shuffle(options)
            for option in options:
                if rng.random() < (0.35 if len(options) < 5 else 0.22):
                    labels.append(f"{name} {option[0]}")
                    words.append(self._case(option[0].encode()))
                    for slot in option[1:]:
                        words += self._slot(slot[1:-1])
            options = []
            if token is None:
                break
            if token[0] == "<":
                word = rng.choice(token[1:-1].split("|"))
                labels.append(f"{name} {word}")
                words.append(self._case(word.encode()))
            elif token[0] == "{":
                words += self._slot(token[1:-1])
            else:
                labels.append(f"{name} {token}")
                words.append(token.encode())
        dice = rng.random()
        if lacking and f"{name} (arity)" in lacking:
            dice *= 0.08
        elif lacking and f"{name} (garbled)" in lacking:
            dice = 0.03 + dice * 0.08
        if dice < 0.03:
            words = words[:-1] if rng.random() < 0.6 and len(words) > 1 else words + [b"extra"]
            labels.append(f"{name} (arity)")
        elif dice < 0.06 and len(words) > 2 and name != "CLIENT":
            garbage = BAD_NUMBERS + HUGE + [b"NX", b"syntax"]
            words[rng.randrange(2, len(words))] = rng.choice(garbage)
            labels.append(f"{name} (garbled)")
        elif dice < 0.06:
            words.append(b"garbage")
            labels.append(f"{name} (garbled)")
        words[0] = self._case(words[0])
        for label in labels:
            self.coverage[label] = self.coverage.get(label, 0) + 1
        return words

    def _case(self, word):
        return word.lower() if self.rng.random() < 0.2 else word

    def _slot(self, slot):
        if slot.endswith("+"):
            out, slot = [], slot[:-1]
            for _ in range(self.rng.choice((1, 1, 2, 3, 5))):
                if slot == "fv":
                    out += self._slot("field") + self._slot("val")
                elif slot == "kv":
                    out += [self._key("s"), self.value()]
                else:
                    out += self._slot(slot)
            return out
        if slot in ("s", "h", "t", "any"):
            return [self._key(slot)]
        return [getattr(self, slot if slot != "val" else "value")()]

    def _key(self, kind):
        dice = self.rng.random()
        if kind == "any" or dice < 0.08:
            return self.rng.choice(EVERY_KEY)
        return self.rng.choice(MISSING) if dice < 0.11 else self.rng.choice(KEYS[kind])

    def value(self):
        rng = self.rng
        return rng.choice((
            lambda: b"%d" % rng.randint(-1000, 1000),
            lambda: b"%d" % rng.randint(-1000, 1000),
            lambda: rng.choice(HUGE + BAD_NUMBERS),
            lambda: b"%.3f" % rng.uniform(-9, 9),
            lambda: b"x" * rng.choice((1, 43, 44, 45, 63, 64, 65, 300)),
            lambda: bytes(rng.randrange(256) for _ in range(rng.randrange(12))),
            lambda: b"hello",
        ))()

    def int(self):
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(HUGE + BAD_NUMBERS)
        return b"%d" % rng.randint(-100, 100)

    def float(self):
        rng = self.rng
        return rng.choice((b"%.2f" % rng.uniform(-5, 5), b"%d" % rng.randint(-5, 5), b"3.0e3",
                           b"nan", b"inf", b"-inf", b"1e308", b"abc", b"", b" 1", b"0.1",
                           b"1e-10", b"5.0"))

    def field(self):
        rng = self.rng
        return rng.choice((b"f%d" % rng.randrange(8), b"f%d" % rng.randrange(8),
                           b"f%d" % rng.randrange(400), b"long" * rng.choice((1, 16, 17)), b"",
                           b"%d" % rng.randrange(10)))

    def member(self):
        rng = self.rng
        return rng.choice((b"%d" % rng.randrange(12), b"%d" % rng.randrange(12),
                           b"%d" % rng.randrange(12), b"%d" % rng.randint(-100000, 100000),
                           b"m%d" % rng.randrange(12), b"9223372036854775807", b"01", b"",
                           b"m" * 70))

    def sec(self):
        return self._span(100_000, 1)

    def ms(self):
        return self._span(100_000_000, 1003)

    def at(self):
        return self._span(int(time.time()) + 100_000, 1)

    def atms(self):
        return self._span(int(time.time() * 1000) + 100_000_000, 1003)

    def _span(self, base, unit):
        rng = self.rng
        dice = rng.random()
        if dice < 0.8:
            # Far apart, so that no GT or LT hangs on the instant at which a server read its clock.
            return b"%d" % (base + rng.randrange(90_000) * unit)
        if dice < 0.86:
            # 1 is long past as an instant; as a span it would end in the midst of the comparison.
            return rng.choice((b"0", b"-1", b"1" if base > time.time() else b"-100"))
        # Not the largest instants: a deadline is kept in 48 bits, until the year 10889.
        return rng.choice([word for word in HUGE if word[:3] in (b"922", b"-92", b"999")
                           and len(word) > 16] + BAD_NUMBERS)

    def ttl(self):
        """Of RESTORE: a span, or with ABSTTL an instant long past."""
        return b"0" if self.rng.random() < 0.6 else self.ms()

    def dump(self):
        return dumps.draw(self.rng)

    def idx(self):
        rng = self.rng
        return rng.choice((b"%d" % rng.randint(-12, 12), b"0", b"-1",
                           rng.choice(HUGE + BAD_NUMBERS)))

    def offset(self):
        rng = self.rng
        if rng.random() < 0.12:
            return rng.choice((b"-1", b"536870912", b"abc", HUGE[0]))
        return b"%d" % rng.randrange(50)

    def count(self):
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice(HUGE[:3] + BAD_NUMBERS + [b"0"])
        return b"%d" % rng.choice((0, 1, 2, 3, 5, 10, 100, -1, -3))

    def numkeys(self):
        return self.rng.choice((b"1", b"1", b"2", b"3", b"0", b"-1", b"abc", b"9"))

    def pattern(self):
        return self.rng.choice((b"*", b"s:*", b"?:1", b"[st]:[0-3]", b"[^s]*", b"f*", b"*1", b"",
                                b"\\*", b"[a-", b"m?", b"h:[2-0]", b"none*", b"s:\\1"))

    def cursor(self):
        return b"0" if self.rng.random() < 0.93 else self.rng.choice((b"abc", b"-1", b"", b"1.5"))

    def db(self):
        return self.rng.choice((b"0", b"0", b"0", b"1", b"15", b"16", b"-1", b"abc"))

    def type(self):
        return self.rng.choice((b"string", b"hash", b"set", b"zset", b"STRING", b"nosuch"))

    def garbage(self):
        return self.rng.choice((b"0", b"abc", b"-1", b"", b"nosuch", b"1.5"))
