"""How every command line ends: an exit code and a sentence, never a traceback of ours."""

import os
import sys
from collections.abc import Callable

from .errors import KgerError


def run_command(command: Callable[[], int]) -> int:
    """The exit code of `command()`; 2 after an error of ours, 130 after Ctrl+C, both with a sentence on stderr."""
    try:
        code = command()
        sys.stdout.flush()  # here, where a reader that went away is caught; at exit it would be a traceback
        return code
    except KgerError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command continues where this one ended\n")
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def quiet_threads() -> None:
    """Call before numpy, torch or onnxruntime is imported: pools that spin starve one another on few cores."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
