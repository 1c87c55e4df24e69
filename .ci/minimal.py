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
text = manifest.read_text()
for name, value in (("members", '["crates/*"]'), ("exclude", '["crates/countersign-cli"]')):
    text, found = re.subn(rf"(?m)^{name} = \[[^\]]*\]", f"{name} = {value}", text)
    assert found == 1, name
manifest.write_text(text)
for manifest in root.glob("crates/*/Cargo.toml"):
    manifest.write_text(re.sub(r"(?ms)^\[dev-dependencies\]\n.*?(?=^\[|\Z)", "", manifest.read_text()))
