"""From a chart to inline SVG (the page) or PNG (for looking), by vl-convert: no browser, no net."""

import re
from html import escape
from typing import Any

import altair as alt

from patronage.reports.theme import THEME

__all__ = ["chart_png", "chart_svg"]

_ROOT = re.compile(r"<svg [^>]*?width=\"([\d.]+)\" height=\"([\d.]+)\" viewBox=\"([^\"]+)\">")
_IDS = re.compile(r'\bid="([^"]+)"')
_NOISE = re.compile(r' (?:aria-[a-z]+|role|pointer-events|class)="[^"]*"')
_EMPTY = re.compile(r'<path d="M0,0h0v0h0Z"></?path>|<path d="M0,0h0v0h0Z"/>|<g></g>|<g/>')


_TAG = re.compile(r"<[^>]+>")
_LONG = re.compile(r"(\d+\.\d\d)\d+")


def _spec(chart: alt.TopLevelMixin) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    spec["config"] = THEME
    return spec


def _version() -> str:
    # Altair writes for one version of Vega-Lite; vl-convert carries several.
    return ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])


def chart_svg(chart: alt.TopLevelMixin, name: str, *, label: str) -> str:
    """The chart as an `<svg>` element for a page that holds several.

    `name` prefixes the ids inside (vl-convert counts clip paths over the life of the process, so
    they would differ from run to run and meet those of other charts); `label` is its alternative
    text.
    """
    import vl_convert  # starts a JavaScript engine: only where a chart is drawn

    svg: str = vl_convert.vegalite_to_svg(_spec(chart), vl_version=_version(), allowed_base_urls=[])
    found = _ROOT.match(svg)
    if found is None:  # a later vl-convert may order the attributes otherwise
        raise RuntimeError(f"vl-convert wrote an unknown opening: {svg[:200]!r}")
    width, height, box = found.groups()
    body = _EMPTY.sub("", _NOISE.sub("", svg[found.end() :]))
    # A hundredth of a pixel is enough; more would only carry the last bits of sums into the page.
    body = _TAG.sub(lambda tag: _LONG.sub(r"\1", tag[0]), body)
    for number, old in enumerate(dict.fromkeys(_IDS.findall(body))):
        new = f"{name}-{number}"
        body = body.replace(f'id="{old}"', f'id="{new}"').replace(f"url(#{old})", f"url(#{new})")
    return (
        f'<svg role="img" aria-label="{escape(label)}" width="{width}" height="{height}" '
        f'viewBox="{box}">{body}'
    )


def chart_png(chart: alt.TopLevelMixin, *, scale: float = 2.0) -> bytes:
    """The chart as a PNG picture."""
    import vl_convert

    return bytes(
        vl_convert.vegalite_to_png(
            _spec(chart) | {"background": "white"},
            vl_version=_version(),
            scale=scale,
            allowed_base_urls=[],
        )
    )
