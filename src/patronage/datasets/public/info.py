"""What is known of each public data set: where it is from, what it holds, how to split it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from patronage.horizon import Horizon

__all__ = ["DATASETS", "DatasetInfo", "Source"]


@dataclass(frozen=True)
class Source:
    """One file that holds the set.

    Attributes
    ----------
    path : below the data folder
    sha256 : of the bytes
    url : where those bytes can be had; None where no address is known to keep them
    """

    path: str
    sha256: str
    url: str | None = None


@dataclass(frozen=True)
class DatasetInfo:
    """A public data set.

    Attributes
    ----------
    name, title : short and long
    kind : real, or made up (take no claim of accuracy from what is made up)
    currency : ISO 4217; None where the set has no money
    columns : column of the event log → column of the frame, where they differ
    as_of, horizon : the usual split: learn from what came before, judge on what came after
    licence : and whom to cite
    get : how a person gets the file
    sources : files that hold it, the preferred first
    notes : what the loader does to it, and what to mind
    one_observation_date : everything was observed at `as_of`, so it may be split by customer;
        the customers table then holds what was known of each
    """

    name: str
    title: str
    kind: Literal["real", "simulated", "synthetic", "fictional"]
    currency: str | None
    columns: Mapping[str, str]
    as_of: date
    horizon: Horizon
    licence: str
    get: str
    sources: tuple[Source, ...]
    notes: tuple[str, ...] = field(default=())
    one_observation_date: bool = False


_CDNOW_LICENCE: Final = (
    "Released for research; no formal licence. Cite Fader & Hardie (2001), Forecasting Repeat "
    "Sales at CDNOW."
)
_LIFETIMES: Final = "https://raw.githubusercontent.com/CamDavidsonPilon/lifetimes"

_ALL: Final = (
    DatasetInfo(
        "cdnow",
        "CDNOW: everyone whose first order at an on-line music shop fell in 1997 Q1",
        "real",
        "USD",
        {"event_time": "date", "quantity": "cds"},
        date(1997, 10, 1),
        Horizon(39, "week"),
        _CDNOW_LICENCE,
        "CDNOW_master.txt, as bundled with the Python package lifetimes",
        (
            Source(
                "cdnow/cdnow_master.parquet",
                "1e033c2c10c29ef843da29cab438e5bf83a7ed7a8307581fad488bfe590dc01f",
            ),
            Source(
                "cdnow/CDNOW_master.txt",
                "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef",
                f"{_LIFETIMES}/748620cd21c16bdb62ff1346e32c38ede7d62cb1"
                "/lifetimes/datasets/CDNOW_master.txt",
            ),
        ),
        (
            "80 orders have amount 0; equal rows are ordinary.",
            "as_of and horizon are those of the papers: 39 weeks each.",
        ),
    ),
    DatasetInfo(
        "cdnow_sample",
        "CDNOW, the systematic tenth of the customers behind the published parameter tables",
        "real",
        "USD",
        {"event_time": "date", "quantity": "cds"},
        date(1997, 10, 1),
        Horizon(39, "week"),
        _CDNOW_LICENCE,
        "CDNOW_sample.txt, as bundled with the Python package lifetimes",
        (
            Source(
                "cdnow/cdnow_sample_1in10.parquet",
                "9af097002586bd1a73d89cc632253086b475d5a45a9de67a83d53a6edf201ea1",
            ),
            Source(
                "cdnow/CDNOW_sample.txt",
                "6fae10155c0b0ba363c2c386e30f77990d22328220efd862a5edd1443420d94a",
            ),
        ),
        ("`sample_id` numbers the customers 1 to 2357 as the papers do.",),
    ),
    DatasetInfo(
        "online_retail_ii",
        "Online Retail II: invoice lines of a gift-ware shop in the United Kingdom, 2009 to 2011",
        "real",
        "GBP",
        {"event_time": "invoice_ts", "order_id": "invoice", "product_id": "stock_code"},
        date(2010, 12, 10),
        Horizon(52, "week"),
        "CC BY 4.0. Cite Chen (2019), Online Retail II, UCI Machine Learning Repository, "
        "doi 10.24432/C5CG6D.",
        "the workbook of the UCI Machine Learning Repository, doi 10.24432/C5CG6D, its two sheets "
        "in one Parquet file",
        (
            Source(
                "online_retail_ii/online_retail_ii.parquet",
                "007915ba7bd77bc5b17f12f159378f55e0f468661c7650d128200daf8a65004e",
            ),
        ),
        (
            "The 22,523 rows of 1 to 9 December 2010 that are in both sheets are used once.",
            "amount is quantity × price; a negative quantity or amount is a refund on its own day "
            "(cancelled invoices begin with C), every other row a purchase.",
            "Rows that are no product (POST, DOT, C2: carriage; M: manual; D: discount; BANK "
            "CHARGES, AMAZONFEE, CRUK, ADJUST, B, S, TEST001, …) are cash between shop and "
            "customer and are kept under their stock_code.",
            "Equal lines are kept; the 22 % of rows without a customer are left for quarantine.",
            "Times are local; they are taken as UTC. Customers of 2009 are left-truncated: take "
            "no acquisition cohorts before 2010-03.",
        ),
    ),
    DatasetInfo(
        "grocery_elog",
        "Orders at an on-line grocer, 2006 to 2007, of customers first seen in 2006 Q1",
        "real",
        None,
        {"customer_id": "cust", "event_time": "date"},
        date(2007, 1, 1),
        Horizon(52, "week"),
        "GPL-3. Cite Platzer (2016), BTYDplus.",
        "groceryElog of the R package BTYDplus, as one Parquet file (cust, date)",
        (
            Source(
                "grocery_elog/grocery_elog.parquet",
                "54cb2bd95e8d572a7e9e23182229757189a852783f4d0e5e0152552328e64d24",
            ),
        ),
        ("No amounts. Gaps between orders are regular: that is the point of the set.",),
    ),
    DatasetInfo(
        "donations_bgbb",
        "Donors who first gave in 1995, and whether they gave in each year to 2006",
        "real",
        None,
        {"customer_id": "donor_id", "event_time": "gift_date"},
        date(2001, 7, 8),
        Horizon(260, "week"),
        "Released for teaching. Cite Fader, Hardie & Shang (2010), Customer-Base Analysis in a "
        "Discrete-Time Noncontractual Setting.",
        "1995_cohort_binary.csv of the paper's teaching material, as one Parquet file (donor_id, "
        "y1995 … y2006)",
        (
            Source(
                "donations_bgbb/cohort1995_binary.parquet",
                "8fd9e1cd02ea068cca7bed393e4a808334f140e31e7673a3ac62790c06d6ff3a",
            ),
        ),
        (
            "One opportunity a year: a year with a gift is one event on its 1 July, so that gaps "
            "are whole years. No amounts.",
            "The paper's split: as_of lies just after the gifts of 2001, the horizon ends just "
            "after those of 2006.",
        ),
    ),
    DatasetInfo(
        "retail_125k",
        "Retail transactions, 125 thousand, of unknown origin",
        "simulated",
        "USD",
        {"event_time": "trans_date", "amount": "tran_amount"},
        date(2014, 3, 17),
        Horizon(52, "week"),
        "Unclear.",
        "Retail_Data_Transactions.csv of the set known as Retail Transaction Data (regivm)",
        (
            Source(
                "retail_125k/transactions.parquet",
                "1bda309c7410e632bd2ff6d95c7c61fcdbcbf685ef730f55b7f77fbd977da60d",
            ),
        ),
        (
            "Looks simulated: near-uniform amounts, no heavy tail, hardly any drop-out. A model "
            "that finds strong heterogeneity here is wrong.",
        ),
    ),
    DatasetInfo(
        "dunnhumby_household",
        "The Complete Journey by household: spend of a first year, demographics, and a second year",
        "real",
        "USD",
        {},
        date(2020, 12, 31),
        Horizon(346, "day"),
        "dunnhumby Source Files terms; published under DbCL 1.0. Cite dunnhumby, The Complete "
        "Journey.",
        "dim_household.parquet, made of the public CSV files (household_key, Spend_Y1, Spend_Y2, "
        "First_Day and demographics)",
        (
            Source(
                "dunnhumby_cj_household/dim_household.parquet",
                "c4bd24dea01c846eacf3ab36a1cb1d3e68478c0fec73450d0ef0895c67eab03a",
            ),
        ),
        (
            "Only sums are known: the first year's spend is one event on the household's first "
            "day, the second year's one event in its middle.",
            "Day 1 is 2020-01-01, an invented calendar. Columns that look at both years are left "
            "out.",
        ),
        one_observation_date=True,
    ),
    DatasetInfo(
        "eu_health_insurance",
        "Members of European group health insurance: what each cost in the years observed",
        "real",
        "EUR",
        {},
        date(2020, 1, 1),
        Horizon(52, "week"),
        "GPL-2 or later. Cite the R package CASdatasets.",
        "euhealthinsurance of the R package CASdatasets, as one Parquet file",
        (
            Source(
                "eu_health_insurance/members.parquet",
                "f3344279d7fde479f4cdaac3a119e58187c45f475f2394f70520b5a10f34eaac",
            ),
        ),
        (
            "No dates: everybody joins the day before as_of, and all amounts paid are one event "
            "after it, whatever the years of exposure (an attribute, known in advance here).",
            "`group` is the split as shipped: train, valid, test.",
        ),
        one_observation_date=True,
    ),
    DatasetInfo(
        "hillstrom",
        "E-mail experiment: customers of a year, mailed at random, and two weeks after",
        "real",
        "USD",
        {},
        date(2008, 3, 1),
        Horizon(2, "week"),
        "Published for an open challenge; free use. Cite Hillstrom (2008), MineThatData E-Mail "
        "Analytics Challenge.",
        "the challenge's CSV file as Parquet, a row number added as customer_id",
        (
            Source(
                "hillstrom/hillstrom_email.parquet",
                "38e8c2e85d905f5c13aedbd283281b9cc9815a232d1402b9a8637cf13ed7d431",
            ),
        ),
        (
            "No dates: as_of is made up; the last purchase lies `recency` months before it, with "
            "the spend of the past year as its amount.",
            "`segment` is the treatment, drawn at random and known at as_of.",
        ),
        one_observation_date=True,
    ),
    DatasetInfo(
        "kdd98_subset",
        "KDD Cup 1998: lapsed donors of a veterans' organisation, and their answer to one mailing",
        "real",
        "USD",
        {},
        date(1997, 6, 1),
        Horizon(26, "week"),
        "KDD Cup 1998 terms: research use; do not try to identify donors. Cite Parsons (1998).",
        "donor_raw_data.csv, the SAS course's extract of the learning file, as Parquet",
        (
            Source(
                "kdd98_subset/donor_raw_19372.parquet",
                "69c6cc8fd21e78358f0efcc11d855c5db30b8e34662d2c5e0746e7808f6f6d00",
            ),
        ),
        (
            "19,372 donors, of whom 25 % gave; in the cup's file 5.1 % did. For money, weigh "
            "those who gave by 0.0507 / 0.25 and the others by 0.9493 / 0.75 (a mailing cost "
            "0.68 USD).",
            "The first and last gift before as_of are events; the rest of the history is in the "
            "attributes.",
        ),
        one_observation_date=True,
    ),
    DatasetInfo(
        "madrigal",
        "Madrigal: customers of a catalogue shop over sixteen quarters, 2016 to 2019",
        "real",
        "USD",
        {},
        date(2019, 1, 1),
        Horizon(52, "week"),
        "Offered to readers of Fader, Hardie & Ross (2022), The Customer-Base Audit; do not "
        "redistribute.",
        "the book's quarterly tables cust_by_qtr_trans and cust_by_qtr_spend, as Parquet files "
        "beside each other",
        (
            Source(
                "madrigal/cust_by_qtr_trans.parquet",
                "f3b7f0f7656727744fab2212d7b1d85644a941c24dbb939177f827b06236d879",
            ),
        ),
        (
            "Only counts and spend by quarter are known: the purchases of a quarter are laid "
            "evenly into it, on days drawn once for all, its spend shared equally.",
            "8,916 customers of before 2016 are left-truncated.",
        ),
    ),
    DatasetInfo(
        "apparel",
        "Apparel: orders of 600 customers who all begin on one day, 2005 to 2010",
        "simulated",
        "USD",
        {"customer_id": "Id", "event_time": "Date", "amount": "Price"},
        date(2007, 1, 1),
        Horizon(104, "week"),
        "GPL-3. Cite the R package CLVTools.",
        "apparelTrans of the R package CLVTools, as one Parquet file (Id, Date, Price)",
        (
            Source(
                "apparel_clvtools/apparelTrans.parquet",
                "c37e162ef3f0eb8c7b4ccc879d7792815b4bfc34da4c2aa80203211a7ff6222e",
            ),
        ),
        ("4 orders have price 0. The currency is not named; USD is written for it.",),
    ),
)

# Name → what is known of it.
DATASETS: Final[Mapping[str, DatasetInfo]] = {one.name: one for one in _ALL}
