import io

from rich.console import Console

from lake.terminal.progress import Progress


def test_a_long_detail_takes_no_second_line() -> None:
    written = io.StringIO()
    console = Console(file=written, width=40, force_terminal=True, color_system=None)

    with Progress(console).step("Package") as show:
        show("Building 12 requirements for [requirements.pex] from the lock")

    drawn = written.getvalue()
    assert "Package: Building 12 requirements for…" in drawn
    assert "requirements.pex" not in drawn
