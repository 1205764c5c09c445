"""Reading an address, and showing it without what is secret in it."""

import re
from urllib.parse import unquote

__all__ = ["masked", "scheme_of", "scrubbed"]

_SECRET_PARAMETER = re.compile(
    r"([?&#][^=&#\s]*(?:key|token|secret|passw|sig|credential)[^=&#\s]*=)[^&#\s]+", re.IGNORECASE
)


def scheme_of(source: str) -> str | None:
    """The scheme of an address, in lower case; None for a path.

    >>> scheme_of("S3://bucket/key"), scheme_of("C:/events.csv")
    ('s3', None)
    """
    found = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", source)
    return found[1].lower() if found else None


def masked(source: str) -> str:
    """The address with its password and every secret parameter as `***`.

    >>> masked("postgresql://ann:s3cr@t@db/shop?sslpassword=x")
    'postgresql://ann:***@db/shop?sslpassword=***'
    """
    head, mark, rest = source.partition("?")
    head = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", head)
    return _SECRET_PARAMETER.sub(r"\1***", head + mark + rest)


def scrubbed(message: object, source: str) -> str:
    """A driver's message in one line, without the password of `source`."""
    text = " ".join(str(message).split()).rstrip(".")
    found = re.search(r"://[^:/@]*:(.*)@", source.partition("?")[0])
    parameters = [match[0].partition("=")[2] for match in _SECRET_PARAMETER.finditer(source)]
    # Why three: a shorter one is no secret, and would be found in every word.
    for secret in (s for s in [found[1] if found else "", *parameters] if len(s) >= 3):
        text = text.replace(secret, "***").replace(unquote(secret), "***")
    return text
