"""`make dashboards`: the JSON that Grafana imports."""

from dashboards.made import FOLDER, made


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
