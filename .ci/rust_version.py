"""Compares the rust-version of each published crate with the highest rust-version among the dependencies of the crate.

Reads the output of `cargo metadata` from standard input.
"""

import json
import sys

metadata = json.load(sys.stdin)
packages = {package["id"]: package for package in metadata["packages"]}
nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
EDITION_2024 = (1, 85)


def version(package):
    numbers = (package["rust_version"] or "0").split(".")
    return tuple(int(number) for number in (numbers + ["0"])[:2])


def dependencies(root):
    seen, todo = set(), [root]
    while todo:
        for dep in nodes[todo.pop()]["deps"]:
            normal = any(kind["kind"] is None for kind in dep["dep_kinds"])
            if normal and dep["pkg"] not in seen:
                seen.add(dep["pkg"])
                todo.append(dep["pkg"])
    return [packages[identity] for identity in seen]


faults = 0
for identity in metadata["workspace_members"]:
    package = packages[identity]
    if package["publish"] == []:
        continue
    others = [other for other in dependencies(identity) if other["source"]]
    highest = max(others, key=version)
    needed = max(version(highest), EDITION_2024)
    right = version(package) == needed
    faults += not right
    print(f"{package['name']}: {package['rust_version']}, needed {needed[0]}.{needed[1]} by {highest['name']}", "" if right else "WRONG")
sys.exit(1 if faults else 0)
