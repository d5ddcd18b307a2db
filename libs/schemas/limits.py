"""Bounds of what services hand on to each other."""

from typing import Final

#: Decompressed size (bytes) above which a page is refused: the largest real one, of 1000 works, has
#: 1.5 MB, and the objects of one may take forty times its size.
MAX_PAGE_BYTES: Final = 16 * 2**20
