"""usage: tidy.py includes|machine|shape|folders [root]: what breaks a rule of rules.py, a line
each; ends with 1 when something does."""

import os
import pathlib
import sys

import rules

TREES = ("store", "redis_compat", "client", "tests", "bench")
SUFFIXES = (".h", ".cc", ".py", ".md", "CMakeLists.txt")


def read_tree(root):
    """The texts of all sources and pages below `root`, by path."""
    files = {}
    for tree in TREES:
        for folder, folders, names in os.walk(root / tree):
            folders[:] = sorted(f for f in folders if not f.startswith((".", "__")))
            for name in sorted(names):
                if name.endswith(SUFFIXES):
                    path = pathlib.Path(folder, name)
                    files[path.relative_to(root).as_posix()] = path.read_text("utf-8")
    return files


def violations(rule, files):
    """All (path, line, message) that break `rule`."""
    if rule == "folders":
        yield from rules.check_folders(files)
        return
    for path, text in files.items():
        is_source = path.endswith((".h", ".cc"))
        in_product = path.startswith(("store/", "redis_compat/", "client/"))
        if rule == "includes" and is_source and in_product:
            found = rules.check_includes(path, text)
        elif rule == "machine" and is_source and not path.startswith("bench/"):
            found = rules.check_machine(path, text)
        elif rule == "shape":
            found = rules.check_shape(path, text)
        else:
            continue
        for line, message in found:
            yield path, line, message


def main(arguments):
    if not arguments or arguments[0] not in ("includes", "machine", "shape", "folders"):
        sys.exit(__doc__)
    root = pathlib.Path(arguments[1]) if len(arguments) > 1 else pathlib.Path(__file__).parents[2]
    files = read_tree(root)
    count = 0
    for path, line, message in violations(arguments[0], files):
        print(f"{path}:{line}: {message}")
        count += 1
    print(f"{arguments[0]}: {len(files)} files, {count} violations")
    return 1 if count or not files else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
