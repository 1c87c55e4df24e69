"""Reads a report of `cargo llvm-cov report --lcov`, and prints the share of covered lines for each crate, then the lines that are not covered.

Usage: coverage.py [crate ...] <report. Without a name: all crates.

Lines of unit tests do not count, and neither do functions that only run at compile time. Fails if a crate is below its bound.
"""

import collections
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BOUNDS = {
    "countersign": 99,
    "countersign-tower": 95,
    "countersign-actix-web": 95,
    "countersign-warp": 95,
    "countersign-once": 95,
    "countersign-once-redis": 95,
    "countersign-keys": 95,
    "countersign-tenants": 95,
}
WANTED = sys.argv[1:] or list(BOUNDS)


def tests_begin(path):
    """Returns the first line of the unit tests, which are the last item of a file."""
    lines = path.read_text().splitlines()
    for number, line in enumerate(lines, 1):
        if line == "mod tests {" and "cfg(test)" in "".join(lines[max(number - 3, 0) : number]):
            return number
    return len(lines) + 1


# Functions that only run at compile time, in constants. Nothing counts them.
AT_COMPILE_TIME = {
    "crates/countersign/src/providers.rs": ["const fn "],
    "crates/countersign/src/scheme.rs": ["pub(crate) const fn documented("],
}


def at_compile_time(path):
    """Returns the lines of the functions that only run at compile time."""
    inside, found = "", set()
    for number, line in enumerate((ROOT / path).read_text().splitlines(), 1):
        text = line.lstrip()
        if any(text.startswith(start) for start in AT_COMPILE_TIME.get(path, [])):
            inside = line[: len(line) - len(text)] + "}"
        if inside:
            found.add(number)
        if line == inside:
            inside = ""
    return found


covered = collections.defaultdict(lambda: [0, 0])
missed = []
for record in sys.stdin.read().split("end_of_record"):
    source = re.search(r"^SF:(.*)$", record, re.MULTILINE)
    if not source:
        continue
    path = pathlib.Path(source[1])
    crate = re.match(r"crates/([^/]+)/src/", path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else "")
    if not crate or crate[1] not in WANTED:
        continue
    end, left_out = tests_begin(path), at_compile_time(path.relative_to(ROOT).as_posix())
    for line, count in re.findall(r"^DA:(\d+),(\d+)", record, re.MULTILINE):
        if int(line) < end and int(line) not in left_out:
            covered[crate[1]][0] += count != "0"
            covered[crate[1]][1] += 1
            if count == "0":
                missed.append((path.relative_to(ROOT), int(line)))

failed = False
print(f"{'crate':<24} {'lines':>7} {'covered':>8}")
for crate in WANTED:
    bound = BOUNDS[crate]
    hit, total = covered[crate]
    share = 100 * hit / total if total else 0
    failed |= share < bound
    print(f"{crate:<24} {total:>7} {share:>7.2f}%{'' if share >= bound else f'  FAILED: below {bound} %'}")
for path, line in missed:
    print(f"{path}:{line}: {(ROOT / path).read_text().splitlines()[line - 1].strip()}")
sys.exit(failed)
