"""Signs or verifies standard input with the module `hmac` of Python, as described on Jira's page: `others.py sign|verify`.

SECRET holds the secret. HEADERS holds the headers.
"""

import hashlib
import hmac
import os
import sys

body = sys.stdin.buffer.read()
tag = "sha256=" + hmac.new(os.environ["SECRET"].encode(), body, hashlib.sha256).hexdigest()
if sys.argv[1] == "sign":
    print(f"X-Hub-Signature: {tag}")
else:
    headers = dict(line.split(": ", 1) for line in os.environ["HEADERS"].splitlines())
    sys.exit(0 if hmac.compare_digest(headers["X-Hub-Signature"], tag) else 1)
