"""Starts the pinned emulator (requirements.txt) on its own port alone.

With TLS it also binds port 443 wherever it may, which only helps clients of Cognito token issuers and makes two
emulators of one machine collide. The only question that it asks before it does so is answered with no.
"""

import sys

from ministack import app

if not callable(getattr(app, "_port_is_bindable", None)):
    sys.exit("this ministack decides about port 443 in another way: adapt emulator.py to it")
app._port_is_bindable = lambda host, port: False

app.main()
