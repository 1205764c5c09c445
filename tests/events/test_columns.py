"""How columns are read: ids, times, amounts and kinds, each decided over the whole column."""

import shlex
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from patronage.engines import default_engine
from patronage.errors import EventSchemaError, SettingsError
from patronage.events import EventLog
from patronage.events.matching import normal
from patronage.events.spellings import SPELLINGS


def events(log: EventLog) -> pl.DataFrame:
    order = "customer_id, event_time, amount"
    return default_engine().frame(f"SELECT * FROM ({log.sql()}) ORDER BY {order}")


def log_of(**columns: Any) -> EventLog:
    n = max(len(values) for values in columns.values())
    usual: dict[str, Any] = {
        "customer_id": [1] * n,
        "date": ["2024-01-01"] * n,
        "amount": [1.0] * n,
    }
    return EventLog.from_frame(pl.DataFrame(usual | columns, strict=False), currency="USD")


def times_of(values: list[Any], **options: Any) -> list[datetime]:
    frame = pl.DataFrame({"customer_id": range(len(values)), "date": values, "amount": 1.0})
    log = EventLog.from_frame(frame, currency="USD", **options)
    return events(log)["event_time"].to_list()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["12345.0", "7"], [7, 12345]),
        ([3.0, 4.0], [3, 4]),
        (["007", "7"], ["007", "7"]),
        ([" a1 ", "b"], ["a1", "b"]),
        (["1" * 19, "2"], ["1" * 19, "2"]),
        (["-5", "0"], [-5, 0]),
    ],
)
def test_ids_stay_numbers_only_where_nothing_is_lost(given: list[Any], expected: list[Any]) -> None:
    assert events(log_of(customer_id=given))["customer_id"].to_list() == expected


def test_ids_that_say_nothing_are_set_aside() -> None:
    log = log_of(customer_id=["1", None, "", "  ", "nan", "NULL", "None"])

    assert log.quality.quarantined == {"missing customer id": 6}
    assert events(log)["customer_id"].to_list() == [1]


@pytest.mark.parametrize(
    "written",
    [
        ["2024-03-13", "2024-03-14"],
        ["2024/3/13", "2024/03/14"],
        ["20240313", "20240314"],
        [20240313, 20240314],
        ["13/03/2024", "14/03/2024"],
        ["03/13/2024", "3/14/2024"],
        ["13.3.24", "14.3.24"],
        ["13 Mar 2024", "14 March 2024"],
        ["March 13, 2024", "Mar 14, 2024"],
        ["Wed, 13 Mar 2024 00:00:00", "Thu, 14 Mar 2024 00:00:00"],
        [1710288000, 1710374400],
        ["1710288000", "1710374400"],
        [1710288000000, 1710374400000],
        [1710288000.0, 1710374400.0],
        ["2024-03-13T00:00:00Z", "2024-03-14 01:00:00+01:00"],
        [date(2024, 3, 13), date(2024, 3, 14)],
        [datetime(2024, 3, 13), datetime(2024, 3, 14)],
    ],
)
def test_a_day_is_read_however_it_is_written(written: list[Any]) -> None:
    assert times_of(written) == [datetime(2024, 3, 13), datetime(2024, 3, 14)]


@pytest.mark.parametrize(
    "written",
    [
        ["12/1/2010 8:26", "12/13/2010 17:05"],
        ["12/1/2010 8:26 AM", "12/13/2010 5:05 PM"],
        ["1/12/2010 08:26:00", "13/12/2010 17:05:00"],
        ["20101201T082600", "20101213T170500"],
        ["2010-12-01 8:26", "2010-12-13T17:05"],
        ["2010-12-01T10:26:00+02:00", "2010-12-13 17:05:00 UTC"],
    ],
)
def test_a_time_of_day_is_read_however_it_is_written(written: list[Any]) -> None:
    assert times_of(written) == [datetime(2010, 12, 1, 8, 26), datetime(2010, 12, 13, 17, 5)]


def test_days_and_months_that_cannot_be_told_apart_are_asked_for() -> None:
    with pytest.raises(EventSchemaError, match="day_first=True"):
        times_of(["01/02/2024", "03/04/2024"])

    assert times_of(["01/02/2024"], day_first=True) == [datetime(2024, 2, 1)]
    assert times_of(["01/02/2024"], day_first=False) == [datetime(2024, 1, 2)]


def test_times_with_a_zone_become_utc_and_naive_ones_take_the_zone_named() -> None:
    zoned = [datetime(2024, 7, 1, 12, tzinfo=timezone(timedelta(hours=2)))]
    assert times_of(zoned) == [datetime(2024, 7, 1, 10)]
    assert times_of([datetime(2024, 7, 1, 12)]) == [datetime(2024, 7, 1, 12)]
    assert times_of([datetime(2024, 7, 1, 12)], timezone="Europe/Berlin") == [
        datetime(2024, 7, 1, 10)
    ]
    assert times_of(["2024-07-01 12:00"], timezone="Europe/Berlin") == [datetime(2024, 7, 1, 10)]
    assert times_of(["2024-07-01"], timezone="Europe/Berlin") == [datetime(2024, 7, 1)]
    with pytest.raises(SettingsError, match="Middle/Earth"):
        times_of(["2024-07-01"], timezone="Middle/Earth")


def test_what_happens_tomorrow_is_set_aside_unless_as_of_says_otherwise() -> None:
    today = datetime.now(UTC).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    frame = pl.DataFrame(
        {"customer_id": [1, 1, 1], "time": [datetime(2024, 1, 1), today, tomorrow]}
    )

    log = EventLog.from_frame(frame)
    assert log.quality.quarantined == {"time in the future": 1}
    assert log.next_day() == tomorrow.date()

    log = EventLog.from_frame(frame, as_of=date(2024, 6, 1))
    assert log.quality.quarantined == {}
    assert log.next_day() == date(2024, 1, 2)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["1.5", "2"], [1.5, 2.0]),
        (["1,234.50", "2"], [1234.5, 2.0]),
        (["1.234,50", "2,5"], [1234.5, 2.5]),
        (["€ 12,50", "3,00 €"], [12.5, 3.0]),
        (["R$ 1.250,00", "R$12,50"], [1250.0, 12.5]),
        (["US$ 12.50", "-US$3"], [12.5, -3.0]),
        (["$1,000", "$2.25"], [1000.0, 2.25]),
        (["USD 12.50", "Rs. 3"], [12.5, 3.0]),
        (["1 234,5", "1'000,25"], [1234.5, 1000.25]),
        (["1.234.567", "1"], [1234567.0, 1.0]),
        (["1e2", "5"], [100.0, 5.0]),
        ([10, 20], [10.0, 20.0]),
        ([0.1, 0.2], [0.1, 0.2]),
    ],
)
def test_an_amount_is_read_however_it_is_written(given: list[Any], expected: list[float]) -> None:
    log = log_of(customer_id=[1, 2], amount=given)

    assert log.quality.quarantined == {}
    assert events(log)["amount"].cast(pl.Float64).to_list() == expected


def test_accountants_negatives_are_refunds() -> None:
    log = log_of(customer_id=[1, 2, 3, 4], amount=["(12.50)", "3.25-", "-$4", "5"])

    found = events(log)
    assert found["amount"].cast(pl.Float64).to_list() == [-12.5, -3.25, -4.0, 5.0]
    assert found["kind"].to_list() == ["refund", "refund", "refund", "purchase"]
    assert any("3 purchases with a negative amount" in note for note in log.quality.notes)


def test_amounts_that_are_none_are_set_aside_by_what_ails_them() -> None:
    log = log_of(amount=["1", "nan", "inf", "abc", "12abc34", "1-2", "1e13", "1e999", "", None])

    assert log.quality.quarantined == {
        "amount not a finite number": 6,
        "amount too large": 1,
        "missing amount": 2,
    }


def test_amounts_beyond_four_decimals_are_rounded_and_said() -> None:
    log = log_of(amount=[0.12345, 1.5])

    assert sorted(events(log)["amount"].cast(pl.Float64).to_list()) == [0.1235, 1.5]
    assert any("1 amounts were rounded" in note for note in log.quality.notes)


def test_quantity_times_price_stands_in_for_an_amount() -> None:
    frame = pl.DataFrame(
        {
            "CustomerID": [1, 2],
            "InvoiceDate": ["2024-01-01"] * 2,
            "Quantity": [3, -2],
            "UnitPrice": [2.55, 1.1],
        }
    )

    log = EventLog.from_frame(frame, currency="GBP")

    assert events(log)["amount"].cast(pl.Float64).to_list() == [7.65, -2.2]
    assert any("times" in note for note in log.quality.notes)


def test_without_money_every_purchase_counts_one() -> None:
    log = EventLog.from_frame(pl.DataFrame({"cust": [1, 1], "date": ["2024-01-01", "2024-01-02"]}))

    assert log.currency == "purchases"
    assert events(log)["amount"].cast(pl.Float64).to_list() == [1.0, 1.0]


def test_kinds_are_read_by_their_usual_words_and_strange_ones_set_aside() -> None:
    log = log_of(
        customer_id=[1, 2, 3, 4, 5, 6],
        kind=["Order", "returned", "page-view", None, "purchse", "refund"],
        amount=[5.0, 3.0, None, 2.0, 1.0, -1.0],
    )

    found = events(log)
    assert found["kind"].to_list() == ["purchase", "refund", "visit", "purchase", "refund"]
    assert found["amount"].cast(pl.Float64).to_list() == [5.0, -3.0, 0.0, 2.0, -1.0]
    assert log.quality.quarantined == {"unknown kind: purchse": 1}
    assert any("Did you mean purchase?" in warning for warning in log.quality.warnings)


def test_a_column_called_type_that_holds_no_kinds_is_left_unread() -> None:
    log = log_of(type=["toys", "books"])

    assert log.quality.n_rows_used == 2
    assert events(log)["kind"].to_list() == ["purchase", "purchase"]


def test_one_currency_is_taken_and_several_are_refused() -> None:
    frame = pl.DataFrame({"customer": [1, 2], "date": ["2024-01-01"] * 2, "amount": [1, 2]})
    assert EventLog.from_frame(frame).currency == "USD"
    assert EventLog.from_frame(frame.with_columns(currency=pl.lit("eur"))).currency == "EUR"
    assert EventLog.from_frame(frame.rename({"amount": "Amount (GBP)"})).currency == "GBP"
    assert EventLog.from_frame(frame.rename({"amount": "Amount (€)"})).currency == "EUR"
    with pytest.raises(EventSchemaError, match="2 currencies"):
        EventLog.from_frame(frame.with_columns(currency=pl.Series(["EUR", "USD"])))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        (["12,50 €", "3"], "EUR"),
        (["R$ 12,50", "R$ 3,00"], "BRL"),
        (["£12.50", None], "GBP"),
        (["$12.50", "$3"], "USD"),
        (["AR$ 12.50", "3"], "USD"),
        (["12.50", "3"], "USD"),
    ],
)
def test_a_currency_is_read_off_the_signs_of_the_amounts(
    written: list[str | None], code: str
) -> None:
    frame = pl.DataFrame({"customer": [1, 2], "date": ["2024-01-01"] * 2, "amount": written})

    assert EventLog.from_frame(frame).currency == code
    assert EventLog.from_frame(frame, currency="SEK").currency == "SEK"
    priced = frame.rename({"amount": "price"}).with_columns(quantity=pl.lit(2))
    assert EventLog.from_frame(priced).currency == code


def test_amounts_with_the_signs_of_two_currencies_are_refused() -> None:
    frame = pl.DataFrame({"customer": [1, 2], "date": ["2024-01-01"] * 2, "amount": ["€1", "£2"]})

    with pytest.raises(EventSchemaError, match="2 currencies"):
        EventLog.from_frame(frame)


def test_several_candidates_are_chosen_by_preference_and_said() -> None:
    frame = pl.DataFrame(
        {
            "user": [9],
            "customer_id": [1],
            "created_at": ["2024-01-01"],
            "order_date": ["2023-01-01"],
        }
    )

    quality = EventLog.from_frame(frame).quality

    assert quality.matched["customer_id"] == "customer_id"
    assert any("'user' could be it too" in note for note in quality.notes)


def test_columns_may_be_named_and_a_wrong_name_is_mended() -> None:
    frame = pl.DataFrame({"Odběratel": [1], "Den": ["2024-01-01"], "Částka": [2.0]})
    named = {"customer_id": "Odběratel", "time": "den", "amount": "castka"}

    assert events(EventLog.from_frame(frame, columns=named))["amount"].to_list() == [2]
    with pytest.raises(EventSchemaError, match="Did you mean 'Odběratel'"):
        EventLog.from_frame(frame, columns=named | {"customer_id": "Odběratelé"})
    with pytest.raises(EventSchemaError, match="has no column 'klient'"):
        EventLog.from_frame(frame, columns={"klient": "Odběratel"})
    with pytest.raises(EventSchemaError) as error:
        EventLog.from_frame(frame)
    assert "--columns 'customer_id=YOUR_CUSTOMER_ID_COLUMN,time=" in str(error.value)


@pytest.mark.parametrize("time", ["Date d'achat", "Date ($)", "Date (UTC)"])
def test_the_columns_that_are_advised_can_be_pasted_into_a_shell(time: str) -> None:
    frame = pl.DataFrame({"qui": ["7"], time: ["2024-03-02"], "amount": [1.5]})

    with pytest.raises(EventSchemaError) as error:
        EventLog.from_frame(frame)

    _, words = shlex.split(str(error.value).rpartition("To mend: ")[2])
    assert words.startswith("customer_id=YOUR_CUSTOMER_ID_COLUMN,time=Date")


@pytest.mark.parametrize(
    "header",
    [
        ["Kunden-Nr.", "Bestelldatum", "Umsatz (€)", "Währung"],
        ["Numéro client", "Date de commande", "Montant TTC", "Devise"],
        ["N° client", "Date d'achat", "Montant TTC (€)", "Devise"],
        ["Nº Cliente", "Data da compra", "Valor", "Moeda"],
        ["ID_CLIENTE", "Fecha de compra", "Importe", "Moneda"],
        ["Código cliente", "Data da compra", "Valor total", "Moeda"],
        ["Codice cliente", "Data ordine", "Importo", "Valuta"],
        ["klantnummer", "orderdatum", "bedrag", "valuta"],
    ],
)
def test_columns_are_found_in_other_languages(header: list[str]) -> None:
    frame = pl.DataFrame(dict(zip(header, (["7"], ["2024-03-02"], ["1.50"], ["EUR"]), strict=True)))

    log = EventLog.from_frame(frame)

    assert list(log.quality.matched.values()) == header
    assert log.currency == "EUR"
    assert events(log)["amount"].cast(pl.Float64).to_list() == [1.5]


def test_no_spelling_stands_for_two_columns() -> None:
    meant = {(normal(one), name) for name, some in SPELLINGS.items() for one in some}

    assert len({form for form, _ in meant}) == len(meant)


def test_pandas_polars_and_arrow_tables_give_the_same_log() -> None:
    table = pl.DataFrame(
        {
            "customer_id": [1, 2],
            "date": [datetime(2024, 1, 1), datetime(2024, 1, 2)],
            "amount": [1.5, None],
        }
    )
    kinds = [
        table,
        table.lazy(),
        table.to_arrow(),
        table.to_pandas(),
        table.to_dict(as_series=False),
    ]

    logs = [EventLog.from_frame(kind, currency="USD") for kind in kinds]

    for log in logs:
        assert log.quality.quarantined == {"missing amount": 1}
        assert events(log).equals(events(logs[0]))
    assert isinstance(kinds[2], pa.Table)


def test_a_pandas_column_of_mixed_types_is_judged_value_by_value() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [1, "2", 3.0, None],
            "date": ["2024-01-01", datetime(2024, 1, 2), pd.Timestamp("2024-01-03"), "2024-01-04"],
            "amount": [1, "2.5", float("nan"), 3],
        }
    )

    log = EventLog.from_frame(frame, currency="USD")

    assert log.quality.quarantined == {"missing amount": 1, "missing customer id": 1}
    assert events(log)["customer_id"].to_list() == [1, 2]
