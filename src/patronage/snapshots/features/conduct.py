"""Groups over days of any event: what customers do besides buying, and what is done to them."""

from collections.abc import Mapping
from typing import Final

from patronage.snapshots.features.group import Group

__all__ = ["CONDUCT"]

Lines = dict[str, tuple[str, str]]

_BROWSED: Final = "visits + clicks + app_uses > 0"


def _total(column: str, name: str, says: str, *, money: bool = False) -> Lines:
    cast = "::DOUBLE" if money else "::BIGINT"
    return {name: (f"coalesce(sum({column}), 0){cast}", says)}


def _since(condition: str, name: str, says: str) -> Lines:
    return {
        f"days_since_{name}": (
            f":as_of - max(event_day) FILTER ({condition})",
            f"days from the last {says} to as_of",
        )
    }


def _ratio(above: str, below: str) -> str:
    return f"({above})::DOUBLE / nullif(({below})::DOUBLE, 0)"


_RECENCY: Final = {
    **_since("events > 0", "event", "event of any kind"),
    "days_since_first_event": (":as_of - min(event_day)", "days from the first event to as_of"),
    "active_days": ("count(*)", "days with any event"),
    "events_per_active_day": (_ratio("sum(events)", "count(*)"), "events on such a day"),
}

_GAPS: Final = {
    "n_gaps": ("count(gap)", "gaps between purchase days"),
    "min_gap": ("min(gap)::DOUBLE", "the shortest of them, in days"),
    "first_gap": (
        "(arg_min(gap, event_day) FILTER (gap IS NOT NULL))::DOUBLE",
        "days from the first purchase day to the second",
    ),
    "gap_cv": (
        "stddev_samp(gap) / nullif(avg(gap), 0)",
        "standard deviation of the gaps over their mean",
    ),
    "silence_in_gaps": (
        "(:as_of - max(event_day) FILTER (spent > 0))::DOUBLE / nullif(avg(gap), 0)",
        "days since the last purchase over the mean gap",
    ),
    "silence_in_longest_gaps": (
        "(:as_of - max(event_day) FILTER (spent > 0))::DOUBLE / nullif(max(gap)::DOUBLE, 0)",
        "days since the last purchase over the longest gap",
    ),
    "last_gap_less_mean": (
        "(arg_max(gap, event_day) FILTER (spent > 0))::DOUBLE - avg(gap)",
        "the last gap less the mean gap, in days",
    ),
}

_RETURNS: Final = {
    **_total("refunds", "n_refunds", "refunds"),
    "refund_share": (_ratio("-sum(refunded)", "sum(spent)"), "money paid back over gross money"),
    "refunds_per_purchase": (_ratio("sum(refunds)", "sum(purchases)"), "refunds over purchases"),
    **_since("refunds > 0", "refund", "refund"),
}

_BROWSING: Final = {
    **_total("visits", "n_visits", "visits"),
    **_total("clicks", "n_clicks", "clicks"),
    **_total("app_uses", "n_app_uses", "uses of the app"),
    "browsing_days": (
        f"count(*) FILTER ({_BROWSED})",
        "days with a visit, a click or a use of the app",
    ),
    **_since(_BROWSED, "browsing", "visit, click or use of the app"),
    "app_share": (
        _ratio("sum(app_uses)", "sum(visits) + sum(app_uses)"),
        "uses of the app over visits and uses of the app",
    ),
    "browsed_and_bought_share": (
        _ratio(f"count(*) FILTER (({_BROWSED}) AND spent > 0)", f"count(*) FILTER ({_BROWSED})"),
        "share of the browsing days with a purchase",
    ),
}

_FIRST_SESSION: Final = {
    f"first_session_{column}": (
        f"arg_min({column}, event_day) FILTER ({_BROWSED})",
        f"{says} on the first browsing day",
    )
    for column, says in (
        ("visits", "visits"),
        ("clicks", "clicks"),
        ("app_uses", "uses of the app"),
    )
} | {
    "first_session_bought": (
        f"arg_min(purchases, event_day) FILTER ({_BROWSED})",
        "purchases on the first browsing day",
    ),
    "browsed_before_buying": (
        f"(min(event_day) FILTER (purchases > 0)) - (min(event_day) FILTER ({_BROWSED}))",
        "days from the first browsing day to the first purchase; negative where that came first",
    ),
}

_RESPONSES: Final = {
    **_total("responses", "n_responses", "answers to e-mails and posts"),
    "response_rate": (_ratio("sum(responses)", "sum(treatments)"), "answers over treatments"),
    **_since("responses > 0", "response", "answer to an e-mail or a post"),
}

_TREATMENTS: Final = {
    **_total("treatments", "n_treatments", "campaign treatments received"),
    **_since("treatments > 0", "treatment", "treatment"),
    "bought_when_treated": (
        "count(*) FILTER (treatments > 0 AND spent > 0)",
        "days with both a treatment and a purchase",
    ),
}

_DISCOUNTS: Final = {
    **_total("discount", "total_discount", "discounts received, money", money=True),
    "discount_share": (
        _ratio("sum(discount)", "sum(discount) + sum(spent)"),
        "discounts over money before discounts",
    ),
    "discounted_days": ("count(*) FILTER (discount > 0)", "days with a discount"),
    **_since("discount > 0", "discount", "discount"),
}

_SERVICE: Final = {
    **_total("contacts", "n_contacts", "support contacts"),
    "contacts_per_purchase": (
        _ratio("sum(contacts)", "sum(purchases)"),
        "support contacts over purchases",
    ),
    **_since("contacts > 0", "contact", "support contact"),
}

_FAILURES: Final = {
    **_total("failures", "n_failures", "failed payments"),
    "failures_per_purchase": (
        _ratio("sum(failures)", "sum(purchases)"),
        "failed payments over purchases",
    ),
    **_since("failures > 0", "failure", "failed payment"),
}

_SATISFACTION: Final = {
    **_total("answers", "n_answers", "survey answers with a score"),
    "mean_score": (_ratio("sum(answered)", "sum(answers)"), "mean score of survey answers"),
    "last_score": (
        "arg_max(answered::DOUBLE / nullif(answers::DOUBLE, 0), event_day) FILTER (answers > 0)",
        "mean score of the last day with survey answers",
    ),
    **_since("answers > 0", "answer", "survey answer"),
    "mean_stars": (_ratio("sum(rated)", "sum(ratings)"), "mean score of reviews"),
    "last_stars": (
        "arg_max(rated::DOUBLE / nullif(ratings::DOUBLE, 0), event_day) FILTER (ratings > 0)",
        "mean score of the last day with reviews",
    ),
}

_ON: Final = "max(event_day) FILTER (starts + renewals > 0)"
_OFF: Final = "max(event_day) FILTER (cancellations > 0)"
_SUBSCRIPTION: Final = {
    "is_subscribed": (
        f"CASE WHEN {_ON} IS NULL THEN 0 WHEN {_OFF} IS NULL THEN 1 "
        f"WHEN {_ON} > {_OFF} THEN 1 ELSE 0 END",
        "1 after a start or renewal that no cancellation followed",
    ),
    **_total("starts", "n_starts", "subscriptions started"),
    **_total("renewals", "n_renewals", "renewals"),
    **_total("cancellations", "n_cancellations", "cancellations"),
    **_total("tier_changes", "n_tier_changes", "changes of tier"),
    **_since("starts > 0", "start", "start of a subscription"),
    **_since("renewals > 0", "renewal", "renewal"),
    **_since("cancellations > 0", "cancellation", "cancellation"),
    **_total("subscribed", "subscription_money", "money of starts and renewals", money=True),
    "last_fee": (
        "(arg_max(subscribed, event_day) FILTER (starts + renewals > 0))::DOUBLE",
        "money of the last start or renewal day",
    ),
}

CONDUCT: Final[Mapping[str, Group]] = {
    "recency": Group("activity", _RECENCY),
    "gaps": Group("days", _GAPS),
    "returns": Group("activity", _RETURNS),
    "browsing": Group("activity", _BROWSING),
    "first_session": Group("activity", _FIRST_SESSION),
    "responses": Group("activity", _RESPONSES),
    "treatments": Group("activity", _TREATMENTS),
    "discounts": Group("activity", _DISCOUNTS, ("discount",)),
    "service": Group("activity", _SERVICE),
    "failures": Group("activity", _FAILURES),
    "satisfaction": Group("activity", _SATISFACTION, ("score",)),
    "subscription": Group("activity", _SUBSCRIPTION),
}
