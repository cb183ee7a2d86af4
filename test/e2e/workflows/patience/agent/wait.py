import os
import subprocess
import time

# A detached grandchild, so that a test can see whether the whole tree ends.
child = subprocess.Popen(["sleep", "241"], start_new_session=True)
print(f"waiting as {os.getpid()} with {child.pid}", flush=True)
time.sleep(240)
