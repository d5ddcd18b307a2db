"""Bounds of what services ask for and hand on to each other."""

from typing import Final

#: Decompressed size (bytes) above which a page is refused: the largest real one, of 1000 works, has
#: 1.5 MB, and the objects of one may take forty times its size.
MAX_PAGE_BYTES: Final = 16 * 2**20
#: Records of a page: the most that the source serves for a request.
MAX_PAGE_RECORDS: Final = 1000
#: Digits of a number that is read as an integer; Python by default refuses some more.
MAX_INTEGER_DIGITS: Final = 4000
