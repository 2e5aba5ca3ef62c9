class StackError(Exception):
    """Why the local stack cannot run: a sentence for the person at the terminal."""
