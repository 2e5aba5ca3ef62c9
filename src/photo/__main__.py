"""`python -m photo` is the `photo` command."""

from photo.entrypoints.cli import main

if __name__ == "__main__":
    main(prog_name="photo")
