"""The contracts that the lake's services share, and nothing else.

Submodules are imported by name (``from schemas.keys import RawKey``), so that a service loads only
what it uses: only :mod:`schemas.derive.arrow` imports pyarrow, and no module imports boto3.
"""
