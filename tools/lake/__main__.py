"""Run the command line: `python -m lake`."""

from lake.cli import main

if __name__ == "__main__":
    main()
