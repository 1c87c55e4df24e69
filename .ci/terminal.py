"""Runs the command on terminals of several widths.

Fails if a line is wider than the terminal, if the command waits for input without a prompt, or if the exit status is not 0, 1 or 2.

Usage: terminal.py COMMAND
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import tempfile
import termios
import time

COMMAND = os.path.abspath(sys.argv[1])
FORGED = "X-Hub-Signature: sha256=" + "0" * 64


def printed(columns, arguments, typed=b""):
    """Returns the output on a terminal with `columns` columns, and the exit status. Writes `typed` when the command waits for input."""
    ready, go = os.pipe()
    process, terminal = pty.fork()
    if process == 0:
        os.read(ready, 1)
        os.execv(COMMAND, [COMMAND, *arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    os.write(go, b"x")
    output, until = b"", time.monotonic() + 30
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 1)[0]:
            # The command is silent for a second, and thus waits for input.
            if typed:
                os.write(terminal, typed)
                typed = b""
            continue
        try:
            more = os.read(terminal, 4096)
        except OSError:
            break
        if not more:
            break
        output += more
    else:
        os.kill(process, 9)
        sys.exit(f"{arguments}: the command did not end within 30 seconds")
    _, status = os.waitpid(process, 0)
    text = re.sub(r"\x1b\[[0-9;]*m", "", output.decode()).replace("\r", "")
    return text, os.waitstatus_to_exitcode(status)


failed = False
with tempfile.TemporaryDirectory() as folder:
    body = os.path.join(folder, "event.json")
    with open(body, "w") as file:
        file.write('{"a":1}\n')
    cases = [(["--help"], b"")]
    cases += [([name, "--help"], b"") for name in ("secret", "sign", "send", "listen", "verify", "explain", "providers", "completions", "man")]
    cases += [
        (["providers"], b""),
        (["providers", "nobody"], b""),
        (["send", "--provider", "strip", "http://127.0.0.1:1/"], b""),
        (["send", "--secret", "swordfish", "http://127.0.0.1:1/", body], b""),
        (["explain", "--secret", "swordfish", "-H", FORGED, body], b""),
        (["verify", "--secret", "swordfish", body], b""),
        (["verify", "--secret", "swordfish", "-H", FORGED], b"{}\n\x04"),
        (["sign", "--secret", "swordfish"], b"{}\n\x04"),
    ]
    for columns in (60, 80, 100):
        for arguments, typed in cases:
            text, status = printed(columns, arguments, typed)
            # Header lines are not wrapped, so that users can copy the lines.
            lines = [line for line in text.split("\n") if not line.startswith("X-Hub-Signature: ")]
            wide = [line for line in lines if len(line) > columns]
            if wide:
                failed = True
                print(f"{' '.join(arguments)}: a line is wider than {columns} columns: {wide[0]}")
            if typed and "Reading the body from standard" not in text:
                failed = True
                print(f"{' '.join(arguments)}: the command waits for input without a prompt: {text}")
            if status not in (0, 1, 2):
                failed = True
                print(f"{' '.join(arguments)}: the exit status is {status}")
print("terminal: ok" if not failed else "FAILED")
sys.exit(failed)
