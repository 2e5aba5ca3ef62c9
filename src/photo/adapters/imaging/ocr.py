"""The models: where lines of text are, and what each says. Loaded once a process."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rapidocr import EngineType, RapidOCR
from rapidocr.utils.process_img import apply_vertical_padding

from photo.adapters.imaging.ctc import Span, words

#: Blue, green, red, a byte each.
Pixels = NDArray[np.uint8]
#: Four corners, clockwise from the top left.
Box = NDArray[np.float32]

_LINE_HEIGHT = 48
_MIN_LINE_WIDTH = 320
#: Wider images than this are padded, or too little height is left to detect in.
_MAX_ASPECT = 8
_MIN_HEIGHT = 30
#: Lines are detected on a copy with so long a side, or, of long receipts and
#: screenshots, with as many pixels as such a copy has at 4:3.
_DETECTION_SIDE = 960
_DETECTION_PIXELS = 960 * 720

_PARAMS = {
    "Global.log_level": "critical",
    "Global.use_cls": False,
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    "EngineConfig.openvino.inference_num_threads": 1,
    "Det.limit_type": "max",
    "Det.limit_side_len": _DETECTION_SIDE,
    # The model's own; the package's default differs.
    "Det.mean": [0.485, 0.456, 0.406],
    "Det.std": [0.229, 0.224, 0.225],
}


class Models:
    """Detection and recognition with the models in rapidocr's wheel."""

    def __init__(self, runtime: EngineType = EngineType.ONNXRUNTIME) -> None:
        cv2.setNumThreads(1)
        engines = {"Det.engine_type": runtime, "Rec.engine_type": runtime}
        engine: Any = RapidOCR(params={**_PARAMS, **engines})
        self._detector = engine._load_det_model()  # noqa: SLF001 - loads it now
        self._recognizer = engine._load_rec_model()  # noqa: SLF001 - the same
        self._alphabet: Sequence[str] = self._recognizer.postprocess_op.character

    def boxes(self, image: Pixels) -> list[Box]:
        """Where lines of text are, found on a small copy."""
        padded, done = apply_vertical_padding(image, {}, _MAX_ASPECT, _MIN_HEIGHT)
        height, width = padded.shape[:2]
        aspect = max(width, height) / min(width, height)
        self._detector.limit_side_len = max(
            _DETECTION_SIDE, int((_DETECTION_PIXELS * aspect) ** 0.5)
        )
        found = self._detector(padded).boxes
        if found is None:
            return []
        height, width = image.shape[:2]
        top = done["padding_1"]["top"]
        boxes = np.clip(found - (0, top), 0, (width, height)).astype(np.float32)
        return list(boxes)

    def words(self, line: Pixels) -> list[Span]:
        """What a line says, if it is level and upright."""
        height, width = line.shape[:2]
        aspect = max(width / height, _MIN_LINE_WIDTH / _LINE_HEIGHT)
        batch = self._recognizer.resize_norm_img(np.ascontiguousarray(line), aspect)
        columns = self._recognizer.session(batch[np.newaxis])[0]
        used = max(1, round(len(columns) * width / height / aspect))
        return words(columns[:used], self._alphabet)


@cache
def models() -> Models:
    return Models()


def bgr(image: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


def crop(image: Pixels, box: Box) -> Pixels:
    """A line cut out and turned level."""
    a, b, c, d = box
    width = max(1, int(max(np.linalg.norm(a - b), np.linalg.norm(c - d))))
    height = max(1, int(max(np.linalg.norm(a - d), np.linalg.norm(b - c))))
    corners = [(0, 0), (width, 0), (width, height), (0, height)]
    line = cv2.warpPerspective(
        image,
        cv2.getPerspectiveTransform(box, np.array(corners, np.float32)),
        (width, height),
        borderMode=cv2.BORDER_REPLICATE,
        flags=cv2.INTER_CUBIC,
    )
    return line.astype(np.uint8, copy=False)
