"""`python -m drill.process api|worker`: a process of the service, with crash points."""

import os
import sys
from pathlib import Path

from drill.crash import FOLDER_VARIABLE, Points
from drill.decorated import CrashPoints
from drill.poison import Poison
from drill.shapes import Part
from photo.entrypoints.api import serve_api
from photo.entrypoints.start import run
from photo.entrypoints.worker import run_worker


def main(part: str) -> None:
    points = CrashPoints(Points(Path(os.environ[FOLDER_VARIABLE])))
    match Part(part):
        case Part.API:
            run(lambda settings: serve_api(settings, points))
        case Part.WORKER:
            run(lambda settings: run_worker(settings, points, Poison()))


if __name__ == "__main__":
    main(*sys.argv[1:])
