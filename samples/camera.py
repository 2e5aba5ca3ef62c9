"""Makes a flat drawing look like a photo: paper, a place to lie, light, a lens."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Height, width, RGB; 0 to 255.
Pixels = NDArray[np.float32]
#: x and y, in pixels or as shares of the photo's sides.
Point = tuple[float, float]
Colour = tuple[float, float, float]
Rng = np.random.Generator


class Light(NamedTuple):
    """Where it is bright, and what stands in the way; places as shares of the photo."""

    centre: Point = (0.4, 0.3)
    falloff: float = 0.45
    shadow: tuple[Point, ...] = ()
    depth: float = 0.4
    tint: Colour = (1.03, 1.0, 0.94)


class Lens(NamedTuple):
    blur: float = 0.8
    noise: float = 3.0


def clouds(rng: Rng, size: tuple[int, int], grid: Point) -> Pixels:
    """Smooth noise around 0 whose spots are `grid` pixels high and wide."""
    height, width = size
    coarse = (max(3, round(height / grid[0])), max(3, round(width / grid[1])))
    noise = rng.normal(0, 1, coarse).astype(np.float32)
    return cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)


def wood(rng: Rng, size: tuple[int, int], colour: Colour = (142, 98, 62)) -> Pixels:
    """A table top: long fibres, and planks that differ."""
    fibres = clouds(rng, size, (4, 300)) + clouds(rng, size, (30, 900))
    rings = np.sin(clouds(rng, size, (150, 900)) * 16)
    tone = 1 + 0.07 * fibres + 0.05 * rings
    tone[:: size[0] // 3] *= 0.45
    return _coloured(cv2.GaussianBlur(tone, (0, 0), 0.8), colour)


def stone(rng: Rng, size: tuple[int, int], colour: Colour) -> Pixels:
    """Concrete, plaster, slate or felt, by its colour."""
    tone = 1 + 0.05 * clouds(rng, size, (90, 120)) + 0.07 * clouds(rng, size, (3, 3))
    return _coloured(tone, colour)


def bricks(rng: Rng, size: tuple[int, int], brick: tuple[int, int]) -> Pixels:
    wall = stone(rng, size, (176, 168, 156))
    high, wide = brick
    for row, top in enumerate(range(0, size[0], high)):
        for left in range(-(row % 2) * wide // 2, size[1], wide):
            tone = rng.normal(1, 0.09)
            spot = (slice(top, top + high - 7), slice(max(left, 0), left + wide - 7))
            wall[spot] *= np.array((0.86, 0.50, 0.40), np.float32) * tone
    return cv2.GaussianBlur(wall, (0, 0), 1.2)


def paper(drawing: Image.Image, rng: Rng, *, creases: float = 0.0) -> Pixels:
    """The drawing on paper: fibres, stains, and shading where it has been folded."""
    page = np.asarray(drawing.convert("RGB"), np.float32)
    size = page.shape[:2]
    relief = clouds(rng, size, (90, 110)) + 0.5 * clouds(rng, size, (35, 40))
    slope = relief - np.roll(relief, (9, 14), (0, 1))
    fibres = 0.010 * clouds(rng, size, (2, 3)) + 0.012 * clouds(rng, size, (60, 60))
    tone = 1 + fibres + creases * slope / (np.abs(slope).max() + 1e-6)
    return page * tone[..., None]


def bend(page: Pixels, *, height: float, waves: float) -> Pixels:
    """Let the page curl: lines rise and fall, and the slopes catch the light."""
    rows, columns = page.shape[:2]
    x, y = np.meshgrid(*(np.arange(n, dtype=np.float32) for n in (columns, rows)))
    phase = x / columns * np.float32(2 * np.pi * waves)
    bent = cv2.remap(
        page,
        x,
        y + np.float32(height) * np.sin(phase),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return bent * (1 - 0.10 * np.cos(phase))[..., None]


def lay(
    page: Pixels, scene: Pixels, corners: tuple[Point, ...], *, lift: float = 12
) -> Pixels:
    """See the page in perspective on the scene, with the shadow that it throws.

    `corners` are shares of the scene: top left, top right, bottom right, bottom left.
    """
    rows, columns = page.shape[:2]
    height, width = scene.shape[:2]
    flat = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    seen = np.array([(x * width, y * height) for x, y in corners], np.float32)
    turn = cv2.getPerspectiveTransform(flat, seen)
    sharp = cv2.warpPerspective(page, turn, (width, height), flags=cv2.INTER_CUBIC)
    whole = np.ones((rows, columns), np.float32)
    mask = np.clip(cv2.warpPerspective(whole, turn, (width, height)), 0, 1)
    moved = cv2.warpAffine(
        mask, np.array([[1, 0, lift], [0, 1, lift]], np.float32), (width, height)
    )
    shade = 1 - 0.5 * cv2.GaussianBlur(moved, (0, 0), lift)[..., None]
    return scene * shade * (1 - mask[..., None]) + sharp * mask[..., None]


def shine(scene: Pixels, *, at: float, strength: float) -> Pixels:
    """A window mirrored in glass: a bright band across the scene."""
    height, width = scene.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    across = np.abs(0.8 * x / width + 0.5 * y / height - at)
    return scene + strength * np.clip(1 - 7 * across, 0, 1)[..., None]


def shoot(scene: Pixels, rng: Rng, light: Light, lens: Lens) -> Image.Image:
    """What the sensor makes of the scene."""
    height, width = scene.shape[:2]
    seen = scene * _brightness((height, width), light)[..., None]
    seen = cv2.GaussianBlur(seen * np.array(light.tint, np.float32), (0, 0), lens.blur)
    grain = rng.normal(0, 1, seen.shape).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.7) * 2.2
    grain *= lens.noise * (0.6 + 0.4 * np.sqrt(np.clip(seen, 0, 255) / 255))
    return Image.fromarray(np.clip(seen + grain, 0, 255).astype(np.uint8))


def _brightness(size: tuple[int, int], light: Light) -> Pixels:
    height, width = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    away = np.hypot(x / width - light.centre[0], y / height - light.centre[1])
    bright = 1.05 - light.falloff * away**1.5
    if light.shadow:
        mask = np.zeros(size, np.float32)
        outline = [(px * width, py * height) for px, py in light.shadow]
        cv2.fillPoly(mask, [np.array(outline, np.int32)], 1.0)
        bright *= 1 - light.depth * cv2.GaussianBlur(mask, (0, 0), width / 28)
    return bright


def _coloured(tone: Pixels, colour: Colour) -> Pixels:
    return tone[..., None] * np.array(colour, np.float32)
