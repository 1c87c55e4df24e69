"""Reduces the copy of this repository that is given to what is published as libraries, without what only their tests need: cargo's least versions
are those of everything in the workspace."""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
manifest = root / "Cargo.toml"
members = 'members = ["crates/*"]\nexclude = ["crates/countersign-cli"]'
manifest.write_text(re.sub(r"members = \[[^\]]*\]", members, manifest.read_text(), count=1))
for manifest in root.glob("crates/*/Cargo.toml"):
    manifest.write_text(re.sub(r"(?ms)^\[dev-dependencies\]\n.*?(?=^\[|\Z)", "", manifest.read_text()))
