"""Entry point of ``python -m sceneseg.cli``."""

from sceneseg.cli.app import main

if __name__ == "__main__":
    main()
