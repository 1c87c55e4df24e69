"""Fails if a link between the docs of two crates of this workspace is broken, or if fewer than 100 such links exist.

Usage: doc_links.py FOLDER, with the docs written by `cargo doc` in FOLDER
"""

import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
links, broken = 0, []
for page in root.glob("countersign*/**/*.html"):
    for link in re.findall(r'href="([^"#]*countersign[^"#]*)', page.read_text()):
        if link.startswith("http"):
            continue
        links += 1
        # Either rustdoc left a Rust path unresolved, or the page does not exist.
        if "::" in link or not (page.parent / link).resolve().exists():
            broken.append(f"{page.relative_to(root)}: {link}")
print(f"{links} links between the crates, {len(broken)} of them broken")
print("\n".join(sorted(set(broken))[:20]))
sys.exit(1 if broken or links < 100 else 0)
