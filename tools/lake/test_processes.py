import subprocess
import sys

import psutil

from lake.processes import running_processes


def test_a_process_with_a_reused_id_is_returned_as_itself() -> None:
    # GIVEN a process whose id another had when the processes were looked at before
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)"]) as child:
        earlier = next(one for one in psutil.process_iter() if one.pid == child.pid)
        earlier._ident = (child.pid, 1.0)

        # WHEN it is looked up and ended
        found = next(one for one in running_processes() if one.pid == child.pid)
        found.terminate()

        # THEN it gets the signal
        assert child.wait(10) != 0
