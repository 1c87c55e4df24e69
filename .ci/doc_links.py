"""Fails if a link from the docs of one crate of ours to another leads nowhere. Takes the folder of the docs, which have been written."""

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
        # A path in Rust that was not resolved, or a page that is not there.
        if "::" in link or not (page.parent / link).resolve().exists():
            broken.append(f"{page.relative_to(root)}: {link}")
print(f"{links} links between our crates, {len(broken)} of them broken")
print("\n".join(sorted(set(broken))[:20]))
sys.exit(1 if broken or links < 100 else 0)
