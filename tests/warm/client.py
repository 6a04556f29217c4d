"""Have a command run by server.py; `SOCKET`, `LOG`, `SCRIPT` and `PREFIX` are written above."""

import json
import os
import signal
import socket
import sys

request = {
    "arguments": [SCRIPT, *sys.argv[1:]],  # noqa: F821
    "environment": dict(os.environ),
    "folder": os.getcwd(),  # noqa: PTH109  (pathlib takes longer to import than all of this)
    "prefix": PREFIX,  # noqa: F821
}
text = json.dumps(request).encode()
server = socket.socket(socket.AF_UNIX)


def pass_on(number, _):
    try:  # noqa: SIM105  (contextlib takes its time to import, too)
        server.send(bytes([number]))
    except OSError:
        pass  # the command has ended


try:
    server.connect(SOCKET)  # noqa: F821
    socket.send_fds(server, [len(text).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(text)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, pass_on)
    answer = server.recv(16)
except OSError:
    answer = b""
if not answer:
    try:
        with open(LOG) as log:  # noqa: F821, PTH123
            said = log.read()
    except OSError:
        said = "nothing: the tests that started it have ended"
    sys.exit(f"expected an exit code from tests/warm/server.py, got none; it said\n{said}")
code = int(answer)
if code < 0:
    if code != -signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
