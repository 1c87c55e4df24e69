"""Adds three made-up providers to a copy of the project: for each a row and a computed value, and nothing else.

Usage: made_up_row.py FOLDER, with the copy in FOLDER
"""

import pathlib
import subprocess
import sys

copy = pathlib.Path(sys.argv[1])

ROW = '''
    /// MadeUp: `X-Made-Up-Signature: m1=<base64url>` over `{id}.{timestamp}.{body}`.
    ///
    /// - Repeats: unknown ([documentation](https://example.com/webhooks)).
    /// - Identity: none.
    /// - Safe: unknown.
    /// - Useful: unknown.
    MADE_UP: Documentation "https://example.com/webhooks" =
        Scheme::new("made-up", "X-Made-Up-Signature")
            .tagged(b'=', &[("m1", Algorithm::Sha384)])
            .encoding(Encoding::Base64Url)
            .prefix(&[Part::Id, Part::Literal("."), Part::Timestamp, Part::Literal(".")])
            .id_header("X-Made-Up-Id")
            .timestamp_header("X-Made-Up-Time", FIVE_MINUTES)
            .unauthenticated_event_header("X-Made-Up-Event");

    /// MadeUpTwice: `X-Made-Up-New` and `X-Made-Up-Old: <base64>` over `{body}`, with a secret after `mu_`.
    ///
    /// - Repeats: unknown ([documentation](https://example.com/webhooks)).
    /// - Identity: none.
    /// - Safe: unknown.
    /// - Useful: unknown.
    MADE_UP_TWICE: Documentation "https://example.com/webhooks" =
        Scheme::new("made-up-twice", "X-Made-Up-New")
            .any_of_headers(&["X-Made-Up-New", "X-Made-Up-Old"])
            .encoding(Encoding::Base64)
            .base64_secret("mu_")
            .key_lengths(32, 64);

    /// MadeUpNumbers: `X-Made-Up-1: <hex>` and so on over `{body}`.
    ///
    /// - Repeats: unknown ([documentation](https://example.com/webhooks)).
    /// - Identity: none.
    /// - Safe: unknown.
    /// - Useful: unknown.
    MADE_UP_NUMBERS: Documentation "https://example.com/webhooks" =
        Scheme::new("made-up-numbers", "X-Made-Up-1").numbered_headers("X-Made-Up-");
}
'''
COMPUTED = '''    ("made-up", {"X-Made-Up-Id": "{id}", "X-Made-Up-Time": "{s}", "X-Made-Up-Signature": "m1={base64url}"},
     "{id}.{s}.{body}", TEXT, "sha384"),
    ("made-up-twice", {"X-Made-Up-New": "{base64}"}, "{body}",
     ("mu_" + base64.b64encode(KEY).decode(), lambda text: KEY)),
    ("made-up-numbers", {"X-Made-Up-1": "{hex}"}, "{body}"),
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
