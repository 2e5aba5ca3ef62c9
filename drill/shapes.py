"""What a fault is, and when which one strikes."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """A process of the stack."""

    API = "api"
    WORKER = "worker"
    POSTGRES = "postgres"
    S3 = "s3"
    TEMPORAL = "temporal"
    CLAMD = "clamd"


class Deed(StrEnum):
    KILL = "kill"
    #: SIGSTOP, then SIGCONT.
    STOP = "stop"
    #: SIGTERM, then a new one.
    RESTART = "restart"
    #: The scanner reads its signatures anew.
    RELOAD = "reload"
    #: The proxy in front of a dependency resets all connections and refuses new ones.
    CUT = "cut"
    #: It takes everything and passes nothing on.
    BLACKHOLE = "blackhole"
    #: Everything takes two seconds longer.
    DELAY = "delay"
    #: Requests pass, answers do not.
    HALF_OPEN = "half-open"
    #: Answers come a byte a second.
    DRIP = "drip"
    #: The next process of this part dies at a named point.
    CRASH = "crash"
    #: The worker's scratch disk is full.
    FILL = "fill"
    #: The clock of the API is wrong by so many seconds.
    SKEW = "skew"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    #: Seconds after the start of the drill.
    at: float
    deed: Deed
    part: Part
    #: Which of several processes of this part.
    number: int = 0
    #: How long it lasts, where it lasts.
    seconds: float = 0.0
    #: Of a crash: its point. Of a skew: the seconds.
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Struck:
    """A fault as it really came about, on the monotonic clock."""

    fault: Fault
    began: float
    #: When all was whole again: the process back, the way free.
    ended: float
    #: Whether it could take place: a crash point may never have been come by.
    met: bool = True
