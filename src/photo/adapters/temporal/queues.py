"""Task queues: images have one of their own, as long as there are imaging processes.

So a heavy step waits in Temporal, where any worker may take it, and never keeps a
light one from running.
"""


def images_queue(task_queue: str) -> str:
    return f"{task_queue}-images"
