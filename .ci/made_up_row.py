"""Adds a made-up provider to a scratch copy of the project: its row and its computed delivery, and nothing else. Takes the copy's folder."""

import pathlib
import subprocess
import sys

copy = pathlib.Path(sys.argv[1])

ROW = '''
    /// A provider that nobody has: `X-Made-Up-Signature: m1=<base64url>` over `{id}.{timestamp}.{body}`.
    MADE_UP: Documentation "https://example.com/webhooks" =
        Scheme::new("made-up", "X-Made-Up-Signature")
            .tagged(b'=', &[("m1", Algorithm::Sha384)])
            .encoding(Encoding::Base64Url)
            .prefix(&[Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal(".")])
            .id_header("X-Made-Up-Id")
            .timestamp_header("X-Made-Up-Time", FIVE_MINUTES)
            .unauthenticated_event_header("X-Made-Up-Event");
}
'''
COMPUTED = '''    ("made-up", {"X-Made-Up-Id": "{id}", "X-Made-Up-Time": "{s}", "X-Made-Up-Signature": "m1={base64url}"},
     "{id}.{s}.{body}", TEXT, "sha384"),
]
'''


def extend(path, end, more):
    text = path.read_text()
    before, after = text.rsplit(end, 1)
    path.write_text(before + more + after)


extend(copy / "crates/countersign/src/providers.rs", "}\n", ROW)
extend(copy / "tests/computed.py", "\n]\n", "\n" + COMPUTED)
values = subprocess.run([sys.executable, "tests/computed.py"], cwd=copy, check=True, stdout=subprocess.PIPE).stdout
(copy / "tests/computed.json").write_bytes(values)
