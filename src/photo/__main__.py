"""`python -m photo` is the `photo` command."""

from photo.entrypoints.cli import main

main(prog_name="photo")
