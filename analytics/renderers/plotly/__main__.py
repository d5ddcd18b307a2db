"""Writes the report: ``python -m analytics.renderers.plotly DATA FOLDER [--images]``.

Prints a JSON object: the paths of the page and of the images, or what is missing.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from analytics.dashboard.definition import dashboard
from analytics.dashboard.report_data import ReportData
from analytics.renderers.plotly.page import page


def main(arguments: list[str] | None = None) -> int:
    """Write the page and, if asked, the images; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m analytics.renderers.plotly", description=__doc__
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", action="store_true")
    options = parser.parse_args(arguments)
    data = ReportData.model_validate_json(options.data.read_bytes())
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "report.html"
    path.write_text(page(dashboard(), data), "utf-8")
    images: list[Path] = []
    if options.images:
        from analytics.renderers.plotly.images import BrowserMissingError, write_images

        try:
            images = write_images(dashboard(), data, options.folder / "images")
        except BrowserMissingError as error:
            print(json.dumps({"page": str(path), "browser_missing": str(error)}))
            return 1
    print(json.dumps({"page": str(path), "images": [str(image) for image in images]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
