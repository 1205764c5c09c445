"""The page on covariates: its Python runs as printed."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "covariates.md"


def test_the_python_of_the_page_runs() -> None:
    names: dict[str, object] = {}

    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S):
        exec(compile(block, str(PAGE), "exec"), names)

    effects = names["fitted"].report.effects  # type: ignore[attr-defined]
    assert effects["purchases.acquisition_channel[referral]"] > 0
    assert names["forecast"].mean().sum() > 0  # type: ignore[attr-defined]
