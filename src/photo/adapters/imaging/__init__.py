"""Photos made safe and read, in child processes that may die."""

import os

# onnxruntime reports its use to its maker unless this is set before it is imported.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from photo.adapters.imaging.children import ImagingPool
from photo.adapters.imaging.normalize import PillowNormalizer
from photo.adapters.imaging.recognize import RapidOcrRecognizer

__all__ = ["ImagingPool", "PillowNormalizer", "RapidOcrRecognizer"]
