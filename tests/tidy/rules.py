"""The rules of the tree. Each is a function from (path, text) to the violations it finds there:
pairs of a line number and a message. Paths are relative to the root. Standard library only."""

import pathlib
import re

# Who may include whom. A folder may always include itself and store/base. An entry with a name at
# its end allows that one file. This is the picture of store/README.md and redis_compat/README.md.
MAY_INCLUDE = {
    "store/base": [],
    "store/env": [],
    "store/op": [],
    "store/ring": [],
    "store/table": ["store/op"],
    "store/types": ["store/table", "store/op", "store/env"],
    "store/wal": ["store/op", "store/env"],
    "store/image": ["store/wal", "store/table", "store/op", "store/env"],
    "store/replication": ["store/wal", "store/image", "store/table", "store/op", "store/env"],
    "store/node": ["store/wal", "store/image", "store/types", "store/table", "store/op",
                   "store/env", "store/ring", "store/replication"],
    "store/uv": ["store/env"],
    "redis_compat/resp": [],
    "redis_compat/command": ["redis_compat/resp", "store/table", "store/op",
                             "store/node/shard.h", "store/node/persistence_status.h",
                             "store/node/replication_status.h"],
    "redis_compat/modules": ["redis_compat/command", "store/types", "store/table", "store/op",
                             "store/image"],
    "redis_compat/migrate": ["redis_compat/command", "redis_compat/resp", "store/image",
                             "store/table", "store/op", "store/env", "store/node/shard.h"],
    "redis_compat/server": ["redis_compat/command", "redis_compat/resp", "redis_compat/migrate",
                            "store/node", "store/replication", "store/env"],
    "redis_compat": [],
    "client": ["store/ring", "redis_compat/resp"],
}
# Families that look after the server itself may also ask the node.
ADMIN_FAMILIES = ["cluster", "info", "replication", "server"]
# The one place where uv, node and server meet.
ASSEMBLY = ["redis_compat/main.cc", "redis_compat/data_files.h", "redis_compat/data_files.cc"]

# Which folder may see a library of the machine or of others.
LIBRARY_HOME = {
    r"uv\.h|uv/.*": ["store/uv"],
    r"hiredis/.*": ["client"],
    r"CLI/.*": ["client"],
    r"spdlog/.*": ["redis_compat"],
    r"raft\.h|raft/.*": ["store/topology", "store/uv"],
    r"thread|mutex|shared_mutex|condition_variable|future|semaphore|barrier|latch|stop_token"
    r"|pthread\.h|threads\.h": ["store/uv"],
}

# The machine itself: clocks, randomness, threads, sleeps. Only store/uv may touch it; the rest is
# given a Clock, a Random and a Scheduler, so that a whole server can be run from a seed.
MACHINE = {
    "clock": [r"\b(?:system|steady|high_resolution|utc|tai|gps|file)_clock\b",
              r"\bgettimeofday\b", r"\bclock_gettime\b", r"\btimespec_get\b", r"\brdtscp?\b",
              r"\btime\s*\(\s*(?:nullptr|NULL|0|&)", r"\bstd::(?:time|clock)\s*\(",
              r"\buv_(?:hrtime|now)\s*\("],
    "randomness": [r"\brandom_device\b", r"(?<![\w.>])s?rand\s*\(", r"\brand_r\b",
                   r"\b[dlm]rand48\b", r"\barc4random\w*", r"\bgetrandom\b", r"\bgetentropy\b",
                   r"\bRAND_(?:priv_)?bytes\b", r"\buv_random\s*\("],
    "thread": [r"\bstd::j?thread\b", r"\bpthread_\w+", r"\bthrd_create\b", r"\bstd::async\b",
               r"\bstd::(?:\w+_)?mutex\b", r"\bstd::condition_variable\w*",
               r"\bstd::(?:promise|future|packaged_task|call_once|once_flag)\b",
               r"\bthread_local\b", r"\buv_(?:thread|mutex|queue_work)\w*\s*\("],
    "sleep": [r"\bsleep_(?:for|until)\b", r"(?<![\w.>])(?:u|nano)?sleep\s*\(",
              r"\bclock_nanosleep\b", r"\buv_sleep\b"],
}
# The same, where it would stand in a string.
RANDOM_DEVICE = re.compile(r"/dev/u?random")

LINES_MAX = 450
README_LINES_MAX = 60
COLUMNS_MAX = 100

# Said in two pieces, so that this file does not break its own rule.
LEFT_UNDONE = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
      | (?P<raw>R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL)


def _blank(text, kinds):
    def blank(match):
        if not any(match.group(kind) for kind in kinds):
            return match.group()
        return re.sub(r"[^\n]", " ", match.group())
    return _TOKEN.sub(blank, text)


def without_comments(text):
    """`text` with its comments blanked; lines stay where they are."""
    return _blank(text, ("comment",))


def without_words(text):
    """`text` with its comments and its literals blanked."""
    return _blank(text, ("comment", "raw", "string", "char"))


def _line_of(text, at):
    return text.count("\n", 0, at) + 1


def _folder(path):
    return str(pathlib.PurePosixPath(path).parent)


def _is_admin_family(path):
    name = pathlib.PurePosixPath(path).stem
    return any(name == family or name.startswith(family + "_") for family in ADMIN_FAMILIES)


def allowed_includes(path):
    """The folders and files that `path` may include, besides its own folder and store/base."""
    allowed = list(MAY_INCLUDE.get(_folder(path), []))
    if path.startswith("redis_compat/modules/") and _is_admin_family(path):
        allowed.append("store/node")
    return allowed


def check_includes(path, text):
    """Layers include only downward, as the table says."""
    if path in ASSEMBLY:
        return
    folder = _folder(path)
    if folder not in MAY_INCLUDE:
        yield 1, f"the folder {folder} is not in the table of who may include whom"
        return
    allowed = allowed_includes(path)
    code = without_comments(text)
    for match in INCLUDE.finditer(code):
        line = _line_of(code, match.start(1) if match.group(1) else match.start(2))
        if match.group(1):
            target = match.group(1)
            if _folder(target) in ("store/base", folder, *allowed) or target in allowed:
                continue
            yield line, f"{folder} may not include {target}"
        else:
            for library, homes in LIBRARY_HOME.items():
                if re.fullmatch(library, match.group(2)) and folder not in homes:
                    yield line, f"<{match.group(2)}> belongs to {', '.join(homes)}"


def check_machine(path, text):
    """No ambient clock, randomness, thread or sleep outside store/uv."""
    if path.startswith("store/uv/"):
        return
    for match in RANDOM_DEVICE.finditer(without_comments(text)):
        yield _line_of(text, match.start()), f"ambient randomness: {match.group()}"
    code = without_words(text)
    for kind, patterns in MACHINE.items():
        for pattern in patterns:
            for match in re.finditer(pattern, code):
                yield _line_of(code, match.start()), f"ambient {kind}: {match.group().strip()}"


def check_shape(path, text):
    """Files one can read whole, nothing left undone, lines that fit."""
    lines = text.split("\n")
    count = len(lines) - (1 if lines[-1] == "" else 0)
    name = pathlib.PurePosixPath(path).name
    if name == "README.md":
        if path != "README.md" and count > README_LINES_MAX:
            yield count, f"{count} lines, a README has at most {README_LINES_MAX}"
    elif path.endswith((".h", ".cc", ".py")) and count > LINES_MAX:
        yield count, f"{count} lines, a file has at most {LINES_MAX}: split it by meaning"
    if path.endswith(".h") and "#pragma once" not in text:
        yield 1, "a header needs #pragma once"
    for number, line in enumerate(lines, 1):
        if path.endswith((".h", ".cc", ".py")) and len(line) > COLUMNS_MAX:
            yield number, f"{len(line)} columns, at most {COLUMNS_MAX}"
        if match := LEFT_UNDONE.search(line):
            yield number, f"left undone: {match.group()}"


def check_folders(files):
    """What a folder of sources must have: a README, and a CMakeLists.txt that lists each source.
    `files` maps paths to texts; yields (path, line, message)."""
    folders = sorted({_folder(path) for path in files if path.endswith((".h", ".cc"))})
    for folder in folders:
        if not folder.startswith(("store/", "redis_compat", "client")):
            continue
        if f"{folder}/README.md" not in files:
            yield folder, 1, "no README.md"
        listed = files.get(f"{folder}/CMakeLists.txt", "")
        for path in sorted(files):
            name = pathlib.PurePosixPath(path).name
            if _folder(path) == folder and path.endswith(".cc"):
                if not re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", listed):
                    yield path, 1, f"not listed in {folder}/CMakeLists.txt"
