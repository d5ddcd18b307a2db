from __future__ import annotations

from process.settings import Settings

#: The largest page that was seen, of 1000 works, has so many bytes.
LARGEST_REAL = 1_500_000
#: Measured: the objects of a page of short words may take so many bytes for each of the page.
WORST_FACTOR = 40
FUNCTION_BYTES = 1769 * 10**6


def test_a_page_has_room_to_grow_and_the_worst_one_fits_the_function() -> None:
    settings = Settings.from_environment(
        {"DATA_BUCKET": "b", "GLUE_DATABASE": "g", "QUEUE_URL": "q"}
    )

    assert settings.max_page_bytes > 10 * LARGEST_REAL
    assert WORST_FACTOR * settings.max_page_bytes < FUNCTION_BYTES / 2
