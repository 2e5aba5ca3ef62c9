"""Photos made safe and read, in child processes that may die."""

from photo.adapters.imaging.children import ImagingPool
from photo.adapters.imaging.normalize import PillowNormalizer
from photo.adapters.imaging.recognize import RapidOcrRecognizer

__all__ = ["ImagingPool", "PillowNormalizer", "RapidOcrRecognizer"]
