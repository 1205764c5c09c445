"""Formulas and designs: what is written, which columns it makes, and what cannot be read."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.errors import SettingsError
from patronage.models.encoders.design import Design, learn_design
from patronage.models.encoders.formula import parse_formula

PEOPLE = pl.DataFrame(
    {
        "channel": ["web", "shop", "web", "web", "tv", "shop"],
        "gender": ["f", "m", "f", None, "m", "f"],
        "income": [10.0, 20.0, 40.0, 80.0, 20.0, 10.0],
        "member": [True, False, False, False, True, False],
        "year": [2020, 2021, 2021, 2022, 2021, 2020],
    }
)


def written(text: str) -> list[str]:
    return [":".join(factor.name for factor in term) for term in parse_formula(text)]


def design(text: str, people: pl.DataFrame = PEOPLE) -> Design:
    return learn_design({"purchases": parse_formula(text)}, people, np.ones(len(people)))[0]


def names(text: str) -> list[str]:
    return [column.name for column in design(text).columns]


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("", []),
        ("  ", []),
        ("a", ["a"]),
        ("a + b+a", ["a", "b"]),
        ("a:b", ["a:b"]),
        ("b:a + a:b", ["a:b"]),
        ("a*b", ["a", "b", "a:b"]),
        ("a*b*c", ["a", "b", "a:b", "c", "a:c", "b:c", "a:b:c"]),
        ("(a + b):c", ["a:c", "b:c"]),
        ("(a + b)*log(c)", ["a", "b", "log(c)", "a:log(c)", "b:log(c)"]),
        ("C(year) + log1p(x) + sqrt(x)", ["C(year)", "log1p(x)", "sqrt(x)"]),
        ("`first order` + customers.größe", ["first order", "customers.größe"]),
        ("C(`my col`)", ["C(my col)"]),
    ],
)
def test_a_formula_has_these_terms(text, terms):
    assert written(text) == terms


@pytest.mark.parametrize(
    "text",
    [
        *("a +", "+ a", "a b", "a ++ b", "a:", "(a", "a)", "log(a", "exp(a)", "log(a + b)"),
        *("1 + a", "a - 1", "0 + a", "a / b", "`a", "a ~ b", "log()", "__import__('os')", ":"),
    ],
)
def test_what_is_no_formula_is_shown_where_it_breaks(text):
    with pytest.raises(SettingsError, match="To mend"):
        parse_formula(text)


@given(st.text(alphabet="ab:*+()` 1logC.", max_size=12))
def test_any_text_is_a_formula_or_a_clear_error(text):
    try:
        terms = parse_formula(text)
    except SettingsError:
        return
    again = " + ".join(
        ":".join(f"{f.transform}(`{f.column}`)" if f.transform else f"`{f.column}`" for f in term)
        for term in terms
    )
    assert parse_formula(again) == terms


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("channel", ["channel[shop]", "channel[tv]"]),
        ("income", ["income"]),
        ("log(income)", ["log(income)"]),
        ("member", ["member[true]"]),
        ("C(year)", ["C(year)[2020]", "C(year)[2022]"]),
        ("year", ["year"]),
        ("gender + gender:income", ["gender[m]", "gender[f]:income", "gender[m]:income"]),
        ("income + gender:income", ["income", "gender[m]:income"]),
        ("member*gender", ["member[true]", "gender[m]", "gender[m]:member[true]"]),
    ],
)
def test_numbers_are_one_column_and_levels_one_each_but_the_most_frequent(text, columns):
    assert names(text) == columns


def test_the_matrix_is_what_it_says():
    found, remarks = design("channel + log(income) + member:income").read(PEOPLE)

    assert remarks == ()
    np.testing.assert_allclose(found[:, 0], [0, 1, 0, 0, 0, 1])
    np.testing.assert_allclose(found[:, 1], [0, 0, 0, 0, 1, 0])
    np.testing.assert_allclose(found[:, 2], np.log(PEOPLE["income"].to_numpy()))
    np.testing.assert_allclose(found[:, 3], [0, 20, 40, 80, 0, 10])
    np.testing.assert_allclose(found[:, 4], [10, 0, 0, 0, 20, 0])


@pytest.mark.parametrize("text", ["C(year) + income", "channel*member"])
def test_texts_of_numbers_are_those_numbers(text):
    as_texts = PEOPLE.with_columns(pl.col("income", "year", "member").cast(pl.String))
    as_floats = PEOPLE.with_columns(pl.col("year").cast(pl.Float64))

    plain = design(text).read(PEOPLE)[0]
    for other in (as_texts, as_floats):
        np.testing.assert_array_equal(design(text, other).read(other)[0], plain)
        np.testing.assert_array_equal(design(text).read(other)[0], plain)


def test_what_is_missing_or_was_never_seen_is_taken_as_usual_and_counted():
    learned = design("channel + gender + log(income)")
    strange = pl.DataFrame(
        {
            "channel": ["web", "radio", None, " "],
            "gender": ["f", "f", "x", "f"],
            "income": [None, float("nan"), -3.0, 10.0],
        }
    )

    found, remarks = learned.read(strange)

    usual = np.log(PEOPLE["income"].to_numpy()).mean()
    np.testing.assert_allclose(found[:, :3], 0.0)
    np.testing.assert_allclose(found[:, 3], [usual, usual, usual, np.log(10)])
    assert any("channel: 2 of 4" in said and "no known level" in said for said in remarks)
    assert any("'radio'" in said and "never saw" in said for said in remarks)
    assert any("gender: 1 of 4" in said and "'f'" in said for said in remarks)
    assert any("log(income): 3 of 4" in said and "mean" in said for said in remarks)


def test_numbers_far_outside_the_fit_are_held_near_it_and_counted():
    learned = design("income")
    found, remarks = learned.read(pl.DataFrame({"income": [1e9, -1e9, 100.0]}))

    assert found[:, 0].tolist() == [150.0, -60.0, 100.0]
    assert "2 of 3" in remarks[0]


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (pl.Series(["a", "b"] * 60 + [f"id{n}" for n in range(200)]), "202 levels"),
        (pl.Series([None, None], dtype=pl.String), "no customer"),
        (pl.Series([None, float("nan")], dtype=pl.Float64), "no customer"),
        (pl.Series([[1], [2]]), "neither number nor text"),
        (pl.Series(["2020-01-01", "2020-01-02"]).str.to_date(), "neither number nor text"),
    ],
)
def test_what_cannot_be_a_covariate_is_said(column, words):
    with pytest.raises(SettingsError, match=words):
        design("x", pl.DataFrame({"x": column}))
