"""Colours of the report, for light and for dark surroundings.

Each colour of a series keeps a contrast of 3 to 1 with what is behind it (WCAG 2.2, 1.4.11), and
texts one of 4.5 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

#: Place among the series of the colour that stands back.
MUTED: Final = 8
FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours: of the page, of a card on it, of text, of less important text, of lines, of data."""

    page: str
    card: str
    ink: str
    soft: str
    line: str
    series: tuple[str, ...]

    def template(self) -> dict[str, Any]:
        """Return the theme as a Plotly template; what is behind a chart shows through it."""
        axis = {
            "gridcolor": self.line,
            "linecolor": self.line,
            "zerolinecolor": self.soft,
            "tickcolor": self.line,
            "title": {"font": {"color": self.soft, "size": 12}},
            "tickfont": {"color": self.soft, "size": 12},
        }
        return {
            "layout": {
                "paper_bgcolor": "rgba(0,0,0,0)",
                "plot_bgcolor": "rgba(0,0,0,0)",
                "font": {"family": FONT, "color": self.ink, "size": 13},
                "hoverlabel": {
                    "bgcolor": self.card,
                    "bordercolor": self.soft,
                    "font": {"family": FONT, "color": self.ink},
                },
                "xaxis": axis,
                "yaxis": axis,
            }
        }


LIGHT: Final = Theme(
    page="#f4f5f7",
    card="#ffffff",
    ink="#1b1f27",
    soft="#5a6270",
    line="#e1e4e9",
    series=(
        *("#2568a8", "#c2571a", "#117733", "#882255", "#8a7a12"),
        *("#2a8c7d", "#aa4499", "#5b4bb0", "#6f7681"),
    ),
)
DARK: Final = Theme(
    page="#0f1217",
    card="#181c23",
    ink="#e8ebf0",
    soft="#a2abb9",
    line="#2d333d",
    series=(
        *("#6cb2f0", "#f2a15f", "#63c884", "#f08bb4", "#dccb5f"),
        *("#6fd6c6", "#dc97d2", "#b0a4f5", "#b5bbc5"),
    ),
)
