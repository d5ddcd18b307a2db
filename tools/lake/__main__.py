"""Run the command line: `python -m lake`."""

from lake.cli.app import main

if __name__ == "__main__":
    main()
