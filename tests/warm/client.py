"""Have a command run by server.py; `SOCKET`, `SCRIPT` and `PREFIX` are written above."""

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
text = json.dumps(request).encode() + b"\n"
with socket.socket(socket.AF_UNIX) as server:
    server.connect(SOCKET)  # noqa: F821
    sent = socket.send_fds(server, [text], [0, 1, 2])
    server.sendall(text[sent:])
    code = int(server.recv(16) or 1)
if code < 0:
    if code != -signal.SIGKILL:
        signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
