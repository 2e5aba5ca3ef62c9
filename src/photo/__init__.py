"""Photo API: turns photos into text, safely."""

from importlib.metadata import version

__version__ = version("photo-api")
