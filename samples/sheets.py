"""What the samples say, all of it invented: drawings that remember their text."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONTS = Path("/usr/share/fonts/truetype")
SANS = "liberation/LiberationSans-Regular.ttf"
SANS_BOLD = "liberation/LiberationSans-Bold.ttf"
SERIF = "liberation/LiberationSerif-Regular.ttf"
SERIF_BOLD = "liberation/LiberationSerif-Bold.ttf"
SERIF_ITALIC = "liberation/LiberationSerif-Italic.ttf"
MONO = "dejavu/DejaVuSansMono.ttf"
TYPEWRITER = "liberation/LiberationMono-Regular.ttf"
INK = "#26242a"


class Sheet:
    """A drawing on which words that share a `y` are one line of its text."""

    def __init__(self, size: tuple[int, int], colour: str, ink: str = INK) -> None:
        self.image = Image.new("RGB", size, colour)
        self.pen = ImageDraw.Draw(self.image)
        self.ink = ink
        self._lines: dict[float, list[str]] = {}

    @property
    def text(self) -> str:
        lines = (" ".join(" ".join(words).split()) for words in self._lines.values())
        return "\n".join(lines)

    def write(
        self,
        x: float,
        y: float,
        words: str,
        *,
        font: str = SANS,
        size: float = 30,
        anchor: str = "l",
        ink: str | None = None,
    ) -> None:
        """Write with the base line at `y`, and `x` at the left, middle or right."""
        face = ImageFont.truetype(FONTS / font, size)
        fill = ink or self.ink
        self.pen.text((x, y), words, fill=fill, font=face, anchor=f"{anchor}s")
        self._lines.setdefault(y, []).append(words)

    def write_down(
        self, x: float, y: float, lines: Sequence[str], *, size: float, font: str = SANS
    ) -> None:
        for number, line in enumerate(lines):
            self.write(x, y + number * round(size * 1.55), line, size=size, font=font)

    def rule(self, y: float, left: float, right: float, width: int = 2) -> None:
        self.pen.line((left, y, right, y), fill=self.ink, width=width)


def receipt() -> Sheet:
    sheet = Sheet((560, 1080), "#e9e6df")
    sheet.write(280, 80, "HARBOUR LANE GROCERS", font=MONO, size=36, anchor="m")
    sheet.write(280, 124, "14 Harbour Lane, Eastmere", font=MONO, size=26, anchor="m")
    sheet.write(280, 162, "Receipt 004817", font=MONO, size=26, anchor="m")
    _prices(sheet)
    lines = ("Paid by card 4471", "21 March 2026 17:42", "Till 3 Clerk 12")
    sheet.write_down(110, 850, lines, size=27, font=MONO)
    sheet.write(280, 1010, "Thank you, come again!", font=MONO, size=27, anchor="m")
    return sheet


def _prices(sheet: Sheet) -> None:
    for y, name, price in (
        (236, "Oat bread", "2.40"),
        (290, "Apples 1.2 kg", "3.18"),
        (344, "Butter salted", "2.95"),
        (398, "Coffee beans", "8.50"),
        (452, "Tomatoes 500 g", "1.99"),
        (506, "Olive oil 1 L", "9.75"),
        (560, "Paper bag", "0.15"),
        (660, "Subtotal", "28.92"),
        (716, "VAT 7%", "2.02"),
        (772, "TOTAL", "30.94"),
    ):
        sheet.write(40, y, name, font=MONO)
        sheet.write(520, y, price, font=MONO, anchor="r")
    sheet.rule(600, 40, 520)
    sheet.rule(800, 40, 520)


def form() -> Sheet:
    sheet = Sheet((1000, 1340), "#f6f6f4")
    sheet.write(80, 110, "Application for a garden plot", font=SANS_BOLD, size=44)
    sheet.write(80, 160, "Please fill in every field in block letters.", size=26)
    for number, (label, value) in enumerate(
        (
            ("Family name", "WINTERBOURNE"),
            ("Given name", "ODILE"),
            ("Date of birth", "09.11.1987"),
            ("Street", "7 MILLRACE WALK"),
            ("Town", "KESTREL BAY"),
            ("Telephone", "0555 014 2290"),
            ("E-mail", "odile@example.org"),
            ("Size of plot", "120 square metres"),
        )
    ):
        y = 256 + 92 * number
        sheet.pen.rectangle((360, y - 50, 920, y + 20), outline=INK, width=2)
        sheet.write(80, y, label)
        sheet.write(380, y, value, font=TYPEWRITER, size=34, ink="#3a4068")
    sheet.write(80, 1080, "I have read the rules of the association.", size=27)
    sheet.write(80, 1250, "Place and date:")
    sheet.write(380, 1250, "Kestrel Bay, 2 March 2026", font=TYPEWRITER, ink="#3a4068")
    sheet.rule(1264, 370, 920)
    return sheet


def sign() -> Sheet:
    sheet = Sheet((1000, 560), "#1d4a3a", ink="#efe2b4")
    sheet.pen.rounded_rectangle((22, 22, 978, 538), 26, outline="#e8d9a8", width=8)
    sheet.write(500, 150, "THE COPPER KETTLE", font=SERIF_BOLD, size=80, anchor="m")
    sheet.write(500, 246, "Tea Room & Bakery", font=SERIF, size=64, anchor="m")
    sheet.write(500, 350, "Open Tuesday to Sunday", size=50, anchor="m")
    sheet.write(500, 424, "8:30 - 17:00", size=50, anchor="m")
    sheet.write(500, 494, "Deliveries at the rear", size=36, anchor="m")
    return sheet


def terminal() -> Sheet:
    sheet = Sheet((1200, 760), "#10151c")
    for number, (line, ink) in enumerate(
        (
            ("$ backup status", "#e6edf3"),
            ("Volume      Used    Free    State", "#8fa3b8"),
            ("archive     412 GB  88 GB   healthy", "#7ee2a0"),
            ("photos      731 GB  19 GB   warning", "#f2cc60"),
            ("journal      64 GB  136 GB  healthy", "#7ee2a0"),
            ("Last run finished at 03:15:42", "#e6edf3"),
            ("$ copy album.tar /srv/photos", "#e6edf3"),
            ("error 28: no space left on device", "#ff8f85"),
        )
    ):
        sheet.write(60, 96 + 80 * number, line, font=MONO, size=38, ink=ink)
    return sheet


def label() -> Sheet:
    sheet = Sheet((1000, 700), "#f1efea")
    sheet.pen.rectangle((14, 14, 986, 686), outline=INK, width=4)
    sheet.write(50, 96, "PARCEL 2 OF 3", font=SANS_BOLD, size=56)
    sheet.write(950, 96, "4.8 kg", font=SANS_BOLD, size=56, anchor="r")
    lines = (
        "To: Workshop Thistledown",
        "Gate 5, Old Ropewalk 31",
        "Northhaven NH4 2QT",
    )
    sheet.write_down(50, 200, lines, size=46)
    sheet.write(50, 460, "From: Lanternworks Depot 12", size=38)
    sheet.write(50, 520, "Contents: brass hinges, screws", size=38)
    for y in (130, 390, 550):
        sheet.rule(y, 14, 986, width=4)
    sheet.write(50, 640, "Tracking LW 7730 4419 0562", font=MONO, size=44)
    return sheet


def notice() -> Sheet:
    sheet = Sheet((820, 1080), "#efe6b8")
    sheet.write(410, 130, "LOST CAT", font=SANS_BOLD, size=112, anchor="m")
    sheet.write(410, 220, "Answers to the name of Biscuit", size=44, anchor="m")
    lines = (
        "Grey tabby with white paws, green",
        "collar and a small silver bell.",
        "Last seen on Friday evening near",
        "the boat sheds on Willow Quay.",
        "Please look in your garden shed.",
    )
    sheet.write_down(80, 340, lines, size=42)
    sheet.write(410, 880, "Call 0555 017 8846", font=SANS_BOLD, size=64, anchor="m")
    sheet.write(410, 970, "Reward: one apple pie", size=48, anchor="m")
    return sheet


def book() -> Sheet:
    sheet = Sheet((1000, 1400), "#efe8d6")
    sheet.write(500, 120, "THE LIGHT AT FERN POINT", font=SERIF, size=30, anchor="m")
    sheet.write(500, 250, "Chapter Four", font=SERIF_ITALIC, size=54, anchor="m")
    first = (
        "The storm had blown itself out before dawn, and when",
        "Ilse opened the shutters the whole bay lay as flat and",
        "grey as a slate. Nothing moved on the water except a",
        "single buoy, which nodded at her as though it had been",
        "waiting all night to be noticed. She counted the boats",
        "twice. There should have been nine, and there were ten.",
    )
    second = (
        "Nobody in the village owned a red boat. It had been tied",
        "up with care, by someone who knew their knots, and its",
        "oars were laid dry beneath a folded sail. On the bench",
        "stood a tin box, and on the box, in chalk, somebody had",
        "written her name. She read it three times before she",
        "understood that the letters were her own handwriting.",
    )
    sheet.write_down(110, 370, first, size=35, font=SERIF)
    sheet.write_down(110, 770, second, size=35, font=SERIF)
    sheet.write(500, 1310, "47", font=SERIF, size=32, anchor="m")
    return sheet


def menu() -> Sheet:
    sheet = Sheet((860, 1000), "#2b2f2e", ink="#e4e4dc")
    sheet.write(430, 130, "Today's Soup", font=SERIF_ITALIC, size=84, anchor="m")
    dishes = ("Leek and potato", "Roasted pumpkin", "Split pea and mint")
    sheet.write_down(80, 270, dishes, size=58, font=SERIF)
    sheet.write_down(650, 270, ("5.20", "5.60", "4.90"), size=58, font=SERIF)
    sheet.write(430, 640, "with rye bread and butter", font=SERIF, size=48, anchor="m")
    sheet.write(430, 800, "Kitchen closes at 15:00", size=46, anchor="m")
    return sheet


def minutes() -> list[Sheet]:
    """A scanned letter of three pages."""
    pages = (
        (
            "Minutes of the meeting of 12 February 2026",
            "Present: eleven members and two guests",
            "1. The minutes of the last meeting were accepted.",
            "2. The treasurer reported a balance of 1,284.60.",
            "3. The water meter at gate B must be replaced.",
        ),
        (
            "4. Members may keep bees from May onwards, if the",
            "hives stand ten metres from the nearest path.",
            "5. The tool shed gets a new lock. Keys cost 6.50",
            "and can be had from the caretaker.",
        ),
        (
            "6. The summer fair will be held on 18 July 2026.",
            "Volunteers for the cake stall are welcome.",
            "The meeting closed at 20:35.",
            "Next meeting: 14 May 2026, 19:00",
        ),
    )
    return [_typed(lines, number) for number, lines in enumerate(pages, 1)]


def _typed(lines: Sequence[str], number: int) -> Sheet:
    sheet = Sheet((1240, 1000), "#f5f5f5")
    sheet.write_down(130, 200, lines, size=36, font=TYPEWRITER)
    sheet.write(620, 920, f"Page {number} of 3", font=TYPEWRITER, size=30, anchor="m")
    return sheet
