"""Makes the sample photos and their texts again: `python samples/make.py [FOLDER]`.

Needs the service's own packages and, from Debian, the fonts of fonts-dejavu-core and
fonts-liberation. The same versions of all of them give the same pixels.
"""

import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import numpy as np
import sheets
from camera import (
    Lens,
    Light,
    Rng,
    bend,
    bricks,
    clouds,
    lay,
    paper,
    shine,
    shoot,
    stone,
    wood,
)
from PIL import ExifTags, Image
from pillow_heif import register_heif_opener

Shot = Callable[[Rng], Image.Image]


def receipt(rng: Rng) -> Image.Image:
    page = bend(paper(sheets.receipt().image, rng, creases=0.10), height=3, waves=1)
    corners = ((0.30, 0.06), (0.72, 0.05), (0.77, 0.94), (0.22, 0.95))
    hand = ((0.62, 1.05), (1.1, 1.05), (1.1, 0.45), (0.86, 0.5), (0.58, 0.82))
    scene = lay(page, wood(rng, (1400, 1050)), corners)
    return shoot(scene, rng, Light(shadow=hand, depth=0.42), Lens())


def form(rng: Rng) -> Image.Image:
    flatbed = np.full((1400, 1060, 3), 226, np.float32)
    corners = ((0.035, 0.018), (0.965, 0.030), (0.957, 0.985), (0.027, 0.972))
    scene = lay(paper(sheets.form().image, rng), flatbed, corners, lift=4)
    light = Light(centre=(0.6, 0.5), falloff=0.10, tint=(1, 1, 1))
    return shoot(scene, rng, light, Lens(0.6, 1.2)).convert("L").point(sixteen_tones)


def sixteen_tones(tone: int) -> int:
    return round(tone / 17) * 17


def sign(rng: Rng) -> Image.Image:
    corners = ((0.14, 0.20), (0.86, 0.10), (0.88, 0.80), (0.13, 0.84))
    board = paper(sheets.sign().image, rng, creases=0.05)
    scene = lay(board, bricks(rng, (900, 1300), (62, 170)), corners, lift=20)
    tree = ((-0.1, -0.1), (0.5, -0.1), (0.34, 0.35), (0.44, 0.62), (-0.1, 1.1))
    light = Light(centre=(0.7, 0.2), falloff=0.3, shadow=tree, depth=0.45)
    return shoot(scene, rng, light, Lens(0.9, 3.0))


def terminal(rng: Rng) -> Image.Image:
    corners = ((0.06, 0.09), (0.94, 0.05), (0.96, 0.93), (0.04, 0.90))
    bezel = Image.new("RGB", (1280, 850), "#3b3b3e")
    bezel.paste(sheets.terminal().image, (40, 40))
    panel = np.asarray(bezel, np.float32) + 8
    panel[::3] *= 0.82
    panel[:, ::3] *= np.array((1.0, 0.86, 0.86), np.float32)
    scene = lay(panel, stone(rng, (960, 1400), (118, 116, 110)), corners, lift=24)
    light = Light(centre=(0.5, 0.5), falloff=0.5, tint=(0.97, 1.0, 1.06))
    return shoot(shine(scene, at=0.36, strength=34), rng, light, Lens(1.0, 3.5))


def label(rng: Rng) -> Image.Image:
    """Held upright; `main` turns the pixels and leaves the rest to EXIF."""
    corners = ((0.08, 0.30), (0.90, 0.27), (0.94, 0.69), (0.05, 0.72))
    box = stone(rng, (1440, 1080), (182, 142, 96))
    scene = lay(paper(sheets.label().image, rng, creases=0.06), box, corners, lift=5)
    phone = ((0.0, 1.1), (0.1, 0.62), (0.5, 0.58), (0.62, 1.1))
    return shoot(scene, rng, Light(shadow=phone, depth=0.35), Lens())


def notice(rng: Rng) -> Image.Image:
    corners = ((0.17, 0.09), (0.85, 0.12), (0.82, 0.92), (0.13, 0.90))
    board = stone(rng, (1320, 1040), (170, 128, 84))
    page = bend(paper(sheets.notice().image, rng, creases=0.10), height=4, waves=0.6)
    light = Light(centre=(0.75, 0.2), falloff=0.5)
    return shoot(lay(page, board, corners, lift=9), rng, light, Lens(0.9, 3.5))


def book(rng: Rng) -> Image.Image:
    corners = ((0.09, 0.06), (0.92, 0.04), (0.95, 0.97), (0.05, 0.95))
    page = bend(paper(sheets.book().image, rng, creases=0.03), height=9, waves=0.5)
    gutter = np.linspace(0, 1, page.shape[1], dtype=np.float32)
    page *= (1 - 0.45 * np.exp(-gutter * 14))[:, None]
    scene = lay(page, wood(rng, (1500, 1120), (92, 70, 58)), corners)
    light = Light(centre=(0.8, 0.25), falloff=0.5, tint=(1.06, 1.0, 0.88))
    return shoot(scene, rng, light, Lens(0.8, 3.5))


def menu(rng: Rng) -> Image.Image:
    corners = ((0.10, 0.07), (0.87, 0.11), (0.88, 0.90), (0.09, 0.94))
    slate = paper(sheets.menu().image, rng, creases=0.12)
    scene = lay(slate, wood(rng, (1180, 1060), (120, 84, 60)), corners)
    light = Light(centre=(0.3, 0.2), falloff=0.6, tint=(0.98, 0.86, 0.70))
    return shoot(scene, rng, light, Lens(1.0, 6.0))


def scan(sheet: sheets.Sheet, rng: Rng) -> Image.Image:
    """A page as a fax machine sees it: black or white, askew, with specks."""
    tilt = rng.normal(0, 0.008)
    corners = ((0.0, tilt), (1.0, -tilt), (1.0, 1 - tilt), (0.0, 1 + tilt))
    glass = np.full((1000, 1240, 3), 245, np.float32)
    page = lay(paper(sheet.image, rng), glass, corners, lift=1)
    page += 160 * np.minimum(0, clouds(rng, page.shape[:2], (2, 2)) + 2.2)[..., None]
    light = Light(falloff=0.2, tint=(1, 1, 1))
    return shoot(page, rng, light, Lens(0.7, 14)).convert("1", dither=0)


def where_it_was_taken() -> Image.Exif:
    """What a phone adds: its name, how it was held, and a place in the open sea."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "Imaginary"
    exif[ExifTags.Base.Model] = "Pocket Camera 1"
    exif[ExifTags.Base.DateTime] = "2026:03:21 17:45:10"
    gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
    gps[ExifTags.GPS.GPSLatitudeRef] = "N"
    gps[ExifTags.GPS.GPSLatitude] = (Fraction(48), Fraction(52), Fraction(30))
    gps[ExifTags.GPS.GPSLongitudeRef] = "W"
    gps[ExifTags.GPS.GPSLongitude] = (Fraction(30), Fraction(15), Fraction(45))
    return exif


def take(shot: Shot) -> Image.Image:
    return shot(np.random.default_rng(crc32(shot.__name__.encode())))


def main(folder: Path) -> None:
    register_heif_opener()
    left, right = Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270
    take(receipt).save(folder / "receipt.jpg", quality=82)
    take(form).save(folder / "form.png", optimize=True)
    take(sign).save(folder / "sign.webp", quality=78, method=6)
    take(terminal).save(folder / "terminal.jpg", quality=80)
    turned = take(label).transpose(left)
    turned.save(folder / "parcel-exif6.jpg", quality=82, exif=where_it_was_taken())
    take(notice).transpose(right).save(folder / "notice-sideways.jpg", quality=82)
    take(book).save(folder / "book.heic", quality=55)
    take(menu).save(folder / "menu.avif", quality=60)
    pages = sheets.minutes()
    rng = np.random.default_rng(7)
    first, *others = (scan(page, rng) for page in pages)
    tiff = {"compression": "group4", "dpi": (150, 150)}
    first.save(folder / "minutes.tiff", save_all=True, append_images=others, **tiff)

    texts = {
        "receipt": sheets.receipt().text,
        "form": sheets.form().text,
        "sign": sheets.sign().text,
        "terminal": sheets.terminal().text,
        "parcel-exif6": sheets.label().text,
        "notice-sideways": sheets.notice().text,
        "book": sheets.book().text,
        "menu": sheets.menu().text,
        "minutes": "\f".join(page.text for page in pages),
    }
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
