"""Pixels of every kind, made grey or sRGB."""

from contextlib import suppress
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageCms

#: How many bands of colour, and of alpha.
_BANDS = {"L": (1, 0), "RGB": (3, 0), "RGBA": (3, 1)}
_DEEP_GRAY = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")


#: Of sRGB, near enough.
_GAMMA = 1 / 2.2


def plain(image: Image.Image, side: int) -> Image.Image:
    """Grey or sRGB, opaque, within a square, and nothing but pixels."""
    info = image.info
    pixels = _workable(image)
    pixels.thumbnail((side, side), Image.Resampling.LANCZOS)
    pixels = _over_white(_with_gamma(pixels, info))
    pixels = _to_srgb(pixels, info.get("icc_profile"))
    pixels.info.clear()
    return pixels


def _with_gamma(image: Image.Image, info: dict[Any, Any]) -> Image.Image:
    """As bright as a PNG means to be that tells its gamma, and no profile."""
    gamma = info.get("gamma", _GAMMA)
    told = "icc_profile" in info or "srgb" in info
    if told or image.mode not in _BANDS or not 0.1 < gamma < 10:  # noqa: PLR2004 - sane
        return image
    curve = [round(255 * (level / 255) ** (_GAMMA / gamma)) for level in range(256)]
    same = list(range(256))
    colours, alpha = _BANDS[image.mode]
    return image.point(curve * colours + same * alpha)


def _workable(image: Image.Image) -> Image.Image:
    """In a mode that can be made smaller without loss of meaning."""
    if image.mode in _DEEP_GRAY:
        return _stretched(image)
    if image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "YCbCr", "HSV", "RGBX"):
        return image.convert("RGB")
    return image


def _stretched(image: Image.Image) -> Image.Image:
    """Deep grey in eight bits, from its darkest to its lightest."""
    deep = np.nan_to_num(np.asarray(image.convert("F")), posinf=0.0, neginf=0.0)
    low, high = float(deep.min()), float(deep.max())
    stretched = (deep - low) * (255 / (high - low or 1))
    return Image.fromarray(stretched.astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode == "L":
        return image
    if image.mode == "LAB":
        return _converted(image, ImageCms.createProfile("LAB"))
    if profile:
        # A profile that is broken or made for other colours says nothing.
        with suppress(ImageCms.PyCMSError, OSError):
            return _converted(image, ImageCms.ImageCmsProfile(BytesIO(profile)))
    return image.convert("RGB")


def _converted(image: Image.Image, profile: Any) -> Image.Image:
    srgb = ImageCms.createProfile("sRGB")
    converted = ImageCms.profileToProfile(image, profile, srgb, outputMode="RGB")
    return converted or image.convert("RGB")
