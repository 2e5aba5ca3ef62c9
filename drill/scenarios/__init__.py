"""Faults that chance does not bring about: each is played on its own."""

from collections.abc import Mapping

from drill.scenarios import (
    back_pressure,
    clocks,
    crash_points,
    duplicates,
    erasures,
    orphans,
    restarts,
    retry_storm,
    silent_receiver,
)
from drill.scene import Scenario

SCENARIOS: Mapping[str, Scenario] = {
    "crash-points": crash_points.play,
    "erasures": erasures.play,
    "duplicates": duplicates.play,
    "orphans": orphans.play,
    "restarts": restarts.play,
    "retry-storm": retry_storm.play,
    "silent-receiver": silent_receiver.play,
    "back-pressure": back_pressure.play,
    "clocks": clocks.play,
}
