"""Task queues: what may take long has one of its own for each thing that it waits for.

So it waits in Temporal, where any worker may take it, and never keeps a light step from
running.
"""


def fetches_queue(task_queue: str) -> str:
    """Waits for other people's servers."""
    return f"{task_queue}-fetches"


def scans_queue(task_queue: str) -> str:
    """Waits for the scanner."""
    return f"{task_queue}-scans"


def webhooks_queue(task_queue: str) -> str:
    """Waits for receivers of webhooks."""
    return f"{task_queue}-webhooks"


def images_queue(task_queue: str) -> str:
    """Waits for imaging processes."""
    return f"{task_queue}-images"
