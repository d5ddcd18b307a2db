"""Run the stand-in: ``python -m openlibrary_standin --help``."""

from openlibrary_standin.cli import main

if __name__ == "__main__":
    main()
