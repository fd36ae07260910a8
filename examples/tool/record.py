"""Records events from Python, without Node: python3 examples/tool/record.py [FOLDER]

GUIDANCE_LEDGER names the executable (`npx guidance-ledger which` prints its path). One process takes all events of a
long run; each id is printed when its event is accepted.
"""

import json
import os
import subprocess
import sys


class Recorder:
    """A process that accepts events for as long as it is open."""

    def __init__(self, folder=None):
        call = [os.environ.get("GUIDANCE_LEDGER", "guidance-ledger"), "record", "--stream"]
        if folder:
            call += ["--dir", folder]
        self._process = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")

    def record(self, **event):
        """Returns the event's id once the event is accepted."""
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        event_id = self._process.stdout.readline().strip()
        if not event_id:
            raise RuntimeError("the event was not accepted; stderr says why")
        return event_id

    def close(self):
        self._process.stdin.close()
        if self._process.wait() != 0:
            raise RuntimeError("not all events were accepted; stderr says which")


if __name__ == "__main__":
    recorder = Recorder(*sys.argv[1:2])
    for number in range(3):
        print(recorder.record(taskId=f"task-{number}", toolsUsed=["Edit"], violations=[], reworkLines=number))
    recorder.close()
