"""Run the command line as ``python -m fedbragg``."""

from fedbragg.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
