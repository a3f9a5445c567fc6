"""``python -m fxdet`` is the ``fxdet`` command."""

from fxdet.cli.main import main

if __name__ == "__main__":
    main(prog_name="fxdet")
