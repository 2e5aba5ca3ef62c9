"""How much is logged, of all and of each module."""

import pytest

from photo.entrypoints.levels import LogLevels, UnfitLevels, parse_levels


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("debug", LogLevels("debug")),
        ("Warning", LogLevels("warning")),
        ("photo.adapters.s3=debug", LogLevels("info", {"photo.adapters.s3": "debug"})),
        (
            " error , photo.adapters = INFO,photo.adapters.s3.store=debug",
            LogLevels(
                "error",
                {"photo.adapters": "info", "photo.adapters.s3.store": "debug"},
            ),
        ),
    ],
)
def test_levels_are_those_of_all_and_of_modules(text: str, levels: LogLevels) -> None:
    assert parse_levels(text) == levels


@pytest.mark.parametrize(
    ("logger", "level"),
    [
        ("photo.adapters.s3.store", "debug"),
        ("photo.adapters.clamav", "warning"),
        ("photo.adapters", "warning"),
        ("photo.adaptersome", "error"),
        ("photo", "error"),
    ],
)
def test_the_nearest_module_counts(logger: str, level: str) -> None:
    levels = parse_levels("error,photo.adapters=warning,photo.adapters.s3=debug")
    assert levels.of(logger) == level


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("loud", "Part 1 is no level of debug, info, warning, error."),
        ("info,", "Part 2 is no level of debug, info, warning, error."),
        ("photo=trace", "Part 1 is no level of debug, info, warning, error."),
        ("info,debug", "Part 2 is about what has a level already."),
        ("photo=info,photo=debug", "Part 2 is about what has a level already."),
        # It would tell signatures.
        ("botocore=debug", "Part 1 names no module such as photo.adapters.s3."),
        ("photo.adapters.s4=info", "Part 1 names no module such as photo.adapters.s3."),
        ("photo...=info", "Part 1 names no module such as photo.adapters.s3."),
        ("photo.=info", "Part 1 names no module such as photo.adapters.s3."),
        ("photo=a=info", "Part 1 names no module such as photo.adapters.s3."),
        ("=info", "Part 1 names no module such as photo.adapters.s3."),
    ],
)
def test_what_is_wrong_is_said_and_not_repeated(text: str, fault: str) -> None:
    with pytest.raises(UnfitLevels) as unfit:
        parse_levels(text)
    assert str(unfit.value) == fault


def test_every_fault_is_named() -> None:
    with pytest.raises(UnfitLevels) as unfit:
        parse_levels("loud,botocore=debug")
    assert str(unfit.value).count("Part ") == 2
