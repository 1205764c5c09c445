"""A training table: what was known at eight dates of every customer, a hundred features each.

Two sides are written in pandas by hand. "plain pandas" is how people write it first: for every date
and every feature, filter the events by kind and window, group them by customer, aggregate, merge.
"pandas grouped by day first" is how an expert writes it: the events once by customer and day, then
one mask and one groupby for each window. The featuretools side asks its deep feature synthesis for
a like number of aggregates over training windows.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from case import Case, Side, Target, cpu, memory, seconds, times_faster
from clock import Clock
from places import data_file

__all__ = ["CASES"]

GROUPS = (
    *("rhythm", "money", "windows", "spent_windows", "buying_windows", "cash_windows"),
    *("active_windows", "lags", "trends", "return_windows", "browsing_windows", "service_windows"),
)
DATES = [date(2023, 12, 31) - timedelta(days=56 * k) for k in range(8)]
PLAIN, EXPERT = "plain pandas", "pandas grouped by day first"
WINDOWS = (7, 14, 28, 56, 91, 182, 365, 730)


def _patronage(file: str, clock: Clock) -> dict[str, float]:
    from tempfile import TemporaryDirectory

    from patronage.events import read_events
    from patronage.snapshots import take_snapshot

    with TemporaryDirectory() as folder:
        with clock("read"):
            log = read_events(data_file(file), currency="USD").compact()
        sums: dict[str, float] = {}
        with clock("work"):
            for as_of in DATES:
                customers = take_snapshot(log, as_of=as_of, features=GROUPS).customers
                customers.write_parquet(f"{folder}/{as_of}.parquet", compression="lz4")
                _add(sums, customers)
    return sums


def _add(sums: dict[str, float], frame: Any) -> None:
    """Rows, columns and the sums by which sides are compared, of a Polars or a pandas frame."""
    sums["rows"] = sums.get("rows", 0) + len(frame)
    sums["columns"] = len(frame.columns)
    for name in (
        "mean_gap",
        "max_spent",
        "purchases_28",
        "cash_365",
        "spent_91",
        "visits_365",
        "buying_days_182",
        "active_days_730",
        "spent_change_91",
        "refunds_182",
    ):
        sums[name] = sums.get(name, 0.0) + float(frame[name].sum())


def _pandas(file: str, clock: Clock, table: Callable[[Any, Any, Any], Any]) -> dict[str, float]:
    from tempfile import TemporaryDirectory

    import pandas as pd

    sums: dict[str, float] = {}
    with TemporaryDirectory() as folder:
        with clock("read"):
            events = pd.read_parquet(data_file(file))
        with clock("work"):
            for as_of in DATES:
                frame = table(pd, events, pd.Timestamp(as_of))
                frame.to_parquet(f"{folder}/{as_of}.parquet", compression="lz4")
                _add(sums, frame)
    return sums


def _grouped_by_day_first(pd: Any, events: Any, as_of: Any) -> Any:
    known = events[events["date"] < as_of]
    kind, amount = known["kind"], known["amount"]
    bought = kind == "purchase"
    known = known.assign(
        spent=amount.where(bought, 0.0),
        cash=amount.where(bought | kind.isin(["refund", "fee"]), 0.0),
        purchases=bought.astype("int64"),
        refunds=(kind == "refund").astype("int64"),
        refunded=amount.where(kind == "refund", 0.0),
        visits=(kind == "visit").astype("int64"),
        clicks=(kind == "click").astype("int64"),
        app_uses=(kind == "app_use").astype("int64"),
        contacts=(kind == "support").astype("int64"),
        failures=(kind == "payment_failure").astype("int64"),
    )
    added = [
        "spent",
        "cash",
        "purchases",
        "refunds",
        "refunded",
        "visits",
        "clicks",
        "app_uses",
        "contacts",
        "failures",
    ]
    days = known.groupby(["customer_id", "date"], as_index=False)[added].sum()
    days["buying_days"] = (days["spent"] > 0).astype("int64")
    days["active_days"] = 1
    browsed = days["visits"] + days["clicks"] + days["app_uses"]
    days["browsing_days"] = (browsed > 0).astype("int64")
    customers = pd.Index(days["customer_id"].unique(), name="customer_id")
    counted = days[days["spent"] > 0].copy()
    counted["gap"] = counted.groupby("customer_id")["date"].diff().dt.days
    each = counted.groupby("customer_id")
    born = each["date"].min()
    found = {
        "frequency": each.size() - 1,
        "recency": (each["date"].max() - born).dt.days,
        "T": (as_of - born).dt.days - 1,
        "first_amount": each["spent"].first(),
        "days_since_last": (as_of - each["date"].max()).dt.days,
        "mean_gap": each["gap"].mean(),
        "sd_gap": each["gap"].std(),
        "max_gap": each["gap"].max(),
        "last_gap": each["gap"].last(),
        "mean_spent": each["spent"].mean(),
        "max_spent": each["spent"].max(),
        "last_spent": each["spent"].last(),
        "n_refund_days": (days["cash"] < days["spent"]).groupby(days["customer_id"]).sum(),
    }
    back = (as_of - days["date"]).dt.days
    for window in WINDOWS:
        within = days[back <= window].groupby("customer_id")
        for name in ("spent", "cash", "buying_days", "active_days"):
            found[f"{name}_{window}"] = within[name].sum()
        if 2 * window in WINDOWS:
            before = days[(back > window) & (back <= 2 * window)].groupby("customer_id")
            for name in ("spent", "buying_days"):
                found[f"{name}_{window}_before"] = before[name].sum()
    for window in (28, 91, 182, 365):
        within = days[back <= window].groupby("customer_id")
        names = ["refunds"]
        if window != 182:
            names += ["visits", "clicks", "app_uses", "browsing_days", "contacts", "failures"]
        if window in (91, 365):
            names.append("refunded")
        for name in names:
            found[f"{name}_{window}"] = within[name].sum()
    frame = pd.DataFrame({name: column.reindex(customers) for name, column in found.items()})
    filled = [name for name in frame.columns if name.split("_")[-1].isdigit() or "before" in name]
    frame[filled] = frame[filled].fillna(0)
    for name in ("spent", "buying_days"):
        for window in (28, 91, 365):
            before = frame[f"{name}_{window}_before"]
            frame[f"{name}_change_{window}"] = frame[f"{name}_{window}"] - before
        for short, long in ((28, 182), (91, 365)):
            pace = frame[f"{name}_{short}"] * long / (frame[f"{name}_{long}"] * short)
            frame[f"{name}_pace_{short}_of_{long}"] = pace
    for window in (7, 28, 56, 91, 182, 365):
        frame[f"purchases_{window}"] = frame[f"buying_days_{window}"]
        frame[f"net_cash_{window}"] = frame[f"cash_{window}"]
    return frame.reset_index()


def _plain(pd: Any, events: Any, as_of: Any) -> Any:
    known = events[events["date"] < as_of]
    frame = pd.DataFrame({"customer_id": known["customer_id"].unique()})

    def add(name: str, found: Any, *, none: float | None = None) -> None:
        nonlocal frame
        frame = frame.merge(found.rename(name).reset_index(), on="customer_id", how="left")
        if none is not None:
            frame[name] = frame[name].fillna(none)

    def within(kinds: list[str] | None, days: int, after: int = 0) -> Any:
        since, until = as_of - pd.Timedelta(days=days), as_of - pd.Timedelta(days=after)
        rows = (known["date"] >= since) & (known["date"] < until)
        if kinds is not None:
            rows &= known["kind"] == kinds[0] if len(kinds) == 1 else known["kind"].isin(kinds)
        return known[rows].groupby("customer_id")

    bought = known[known["kind"] == "purchase"]
    by_day = bought.groupby(["customer_id", "date"])["amount"].sum().reset_index()
    each = by_day.groupby("customer_id")
    by_day["gap"] = each["date"].diff().dt.days
    add("frequency", each.size() - 1)
    add("recency", (each["date"].max() - each["date"].min()).dt.days)
    add("T", (as_of - each["date"].min()).dt.days - 1)
    add("first_amount", each["amount"].first())
    add("days_since_last", (as_of - each["date"].max()).dt.days)
    add("mean_gap", each["gap"].mean())
    add("sd_gap", each["gap"].std())
    add("max_gap", each["gap"].max())
    add("last_gap", each["gap"].last())
    add("mean_spent", each["amount"].mean())
    add("max_spent", each["amount"].max())
    add("last_spent", each["amount"].last())
    cash = ["purchase", "refund", "fee"]
    paid = known[known["kind"].isin(cash)].groupby(["customer_id", "date"])["amount"].sum()
    spent = by_day.set_index(["customer_id", "date"])["amount"].reindex(paid.index, fill_value=0)
    add("n_refund_days", (paid < spent).groupby("customer_id").sum(), none=0)
    for days in WINDOWS:
        add(f"spent_{days}", within(["purchase"], days)["amount"].sum(), none=0)
        add(f"buying_days_{days}", within(["purchase"], days)["date"].nunique(), none=0)
        add(f"net_cash_{days}", within(cash, days)["amount"].sum(), none=0)
        add(f"active_days_{days}", within(None, days)["date"].nunique(), none=0)
    for days in [days for days in WINDOWS if 2 * days in WINDOWS]:
        before = within(["purchase"], 2 * days, days)
        add(f"spent_{days}_before", before["amount"].sum(), none=0)
        add(f"buying_days_{days}_before", before["date"].nunique(), none=0)
    for days in (7, 28, 56, 91, 182, 365):
        add(f"purchases_{days}", within(["purchase"], days)["date"].nunique(), none=0)
        add(f"cash_{days}", within(cash, days)["amount"].sum(), none=0)
    for days in (28, 91, 182, 365):
        add(f"refunds_{days}", within(["refund"], days).size(), none=0)
    for days in (91, 365):
        add(f"refunded_{days}", within(["refund"], days)["amount"].sum(), none=0)
    browsing = ["visit", "click", "app_use"]
    for days in (28, 91, 365):
        add(f"visits_{days}", within(["visit"], days).size(), none=0)
        add(f"clicks_{days}", within(["click"], days).size(), none=0)
        add(f"app_uses_{days}", within(["app_use"], days).size(), none=0)
        add(f"contacts_{days}", within(["support"], days).size(), none=0)
        add(f"failures_{days}", within(["payment_failure"], days).size(), none=0)
    for days in (7, 28, 91, 365):
        add(f"browsing_days_{days}", within(browsing, days)["date"].nunique(), none=0)
    for name in ("spent", "buying_days"):
        for days in (28, 91, 365):
            before = frame[f"{name}_{days}_before"]
            frame[f"{name}_change_{days}"] = frame[f"{name}_{days}"] - before
        for short, long in ((28, 182), (91, 365)):
            pace = frame[f"{name}_{short}"] * long / (frame[f"{name}_{long}"] * short)
            frame[f"{name}_pace_{short}_of_{long}"] = pace
    return frame


def _featuretools(file: str, clock: Clock) -> dict[str, float]:
    import featuretools as ft
    import pandas as pd

    with clock("read"):
        events = pd.read_parquet(data_file(file)).reset_index(names="event")
    rows = 0
    with clock("work"):
        entities = ft.EntitySet("shop")
        entities.add_dataframe(events, "events", index="event", time_index="date")
        entities.normalize_dataframe("events", "customers", "customer_id", make_time_index=False)
        for as_of in DATES:
            cutoff = pd.Timestamp(as_of)
            for window in WINDOWS:
                frame, _ = ft.dfs(
                    entityset=entities,
                    target_dataframe_name="customers",
                    cutoff_time=cutoff,
                    training_window=f"{window} days",
                    include_cutoff_time=False,
                    agg_primitives=["sum", "count", "max", "mean", "std", "num_unique", "last"],
                    trans_primitives=[],
                    max_depth=1,
                )
            rows += len(frame)
    return {"rows": rows}


def _agree(sides: Any) -> list[str]:
    ours = sides["patronage"].answer
    return [
        f"{name} of {label} sums to {value!r}, ours to {ours[name]!r}"
        for label in (PLAIN, EXPERT)
        if label in sides
        for name, value in sides[label].answer.items()
        if name != "columns" and abs(value - ours[name]) > 1e-7 * abs(ours[name]) + 1e-3
    ]


def _times_the_cpu(peer: str) -> Callable[[Any], float]:
    """What a peer burns over what we burn: a busy machine disturbs it less than the clock."""
    return lambda sides: cpu(peer)(sides) / cpu()(sides)


_TABLES = {PLAIN: _plain, EXPERT: _grouped_by_day_first}


def _case(
    rows: str,
    *,
    held: bool = False,
    peers: tuple[str, ...] = (PLAIN, EXPERT),
    featuretools: bool = False,
) -> Case:
    file = f"activity_{rows}.parquet"
    sides = {
        "patronage": Side(
            lambda clock: _patronage(file, clock),
            parts=("read", "work"),
            variables={"PATRONAGE_MEMORY_LIMIT": "8GiB"},
        )
    }
    targets = [
        Target("s", seconds(), at_most=300 if held else None),
        Target("MiB at the peak", memory(), at_most=12 * 1024 if held else None),
    ]
    for label in peers:
        sides[label] = Side(
            lambda clock, table=_TABLES[label]: _pandas(file, clock, table),
            parts=("read", "work"),
            rounds=1,
        )
        targets += [
            Target(
                f"× as fast as {label}",
                times_faster(label),
                at_least=10 if held and label == PLAIN else None,
            ),
            Target(f"× the CPU seconds: {label}", _times_the_cpu(label)),
        ]
    if featuretools:
        sides["featuretools"] = Side(
            lambda clock: _featuretools(file, clock), "featuretools", ("read", "work"), rounds=1
        )
        targets.append(Target("× as fast as featuretools", times_faster("featuretools")))
    title = f"training table: {rows} events, 8 dates, about 100 features"
    return Case(
        title=title,
        needs=(file,),
        sides=sides,
        targets=tuple(targets),
        agree=_agree,
        asked_only=True,
    )


# A twentieth of the customers for a twentieth of the events: the same rows per customer. What is
# asked, is asked of twenty million events.
CASES = {
    # Featuretools takes minutes for a million events already.
    "training-table-1m": _case("1m", featuretools=True),
    "training-table-4m": _case("4m"),
    "training-table-20m": _case("20m", held=True, peers=(PLAIN,)),
}
