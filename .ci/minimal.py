"""Reduces a copy of this repository to the published libraries, and removes the dependencies of their tests.

cargo chooses the oldest versions for the whole workspace. A test or the command could require a newer version than the libraries, and hide
a manifest with a version that is too old.

Usage: minimal.py FOLDER, with the copy in FOLDER
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
manifest = root / "Cargo.toml"
members = 'members = ["crates/*"]\nexclude = ["crates/countersign-cli"]'
manifest.write_text(re.sub(r"members = \[[^\]]*\]", members, manifest.read_text(), count=1))
for manifest in root.glob("crates/*/Cargo.toml"):
    manifest.write_text(re.sub(r"(?ms)^\[dev-dependencies\]\n.*?(?=^\[|\Z)", "", manifest.read_text()))
