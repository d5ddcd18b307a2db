"""Subject keys: how OpenLibrary normalises, types and names them."""

_KINDS = ("person", "place", "time")
_DROPPED = str.maketrans("", "", ';/?:@&=+$,<>#%"{}|\\^[]`')


def normalise_subject(text: str) -> str:
    """Normalise a subject key as the OpenLibrary API does.

    Parameters
    ----------
    text
        The key of a request, with or without a ``person:``, ``place:`` or ``time:`` prefix.

    Returns
    -------
    str
        The stripped, lower-case key with ``_`` for spaces and without reserved characters,
        so that ``C#`` and ``C++`` are both ``c`` (OpenLibrary API).
    """
    kind, name = split_kind(text.strip().lower())
    cleaned = name.strip().replace(" ", "_").translate(_DROPPED)
    return cleaned if kind == "subject" else f"{kind}:{cleaned}"


def split_kind(key: str) -> tuple[str, str]:
    """Split a key into its kind (``subject``, ``person``, ``place``, ``time``) and its name."""
    prefix, colon, rest = key.partition(":")
    return (prefix, rest) if colon and prefix in _KINDS else ("subject", key)


def subject_key(kind: str, name: str) -> str:
    """Key of the subject of `kind` which is called `name`."""
    return normalise_subject(name if kind == "subject" else f"{kind}:{name}")


def default_name(key: str) -> str:
    """Name the OpenLibrary API gives a subject when no facet supplies a better one."""
    return split_kind(key)[1].replace("_", " ")


def solr_query(key: str) -> str:
    """Search query behind a subject page, shown by the OpenLibrary API since 2025-08."""
    kind, name = split_kind(key)
    return f'{kind}_key:"{name}"'
