"""Groups over marks and orders: channels, products, campaigns, words, baskets."""

from collections.abc import Mapping
from typing import Final

from patronage.snapshots.features.group import Group

__all__ = ["TASTES"]

Lines = dict[str, tuple[str, str]]

_ROLES: Final = ("primary", "complementary", "upsell", "cross_sell", "service")
_BUCKETS: Final = "0123456789abcdef"


def _variety(name: str, says: str) -> Lines:
    return {
        f"n_{name}s": ("count(*)", f"different {says}s"),
        f"top_{name}_share": (
            "max(n)::DOUBLE / nullif(sum(n)::DOUBLE, 0)",
            f"share of the most frequent {says}",
        ),
        f"effective_{name}s": (
            "(sum(n) * sum(n))::DOUBLE / nullif(sum(n * n)::DOUBLE, 0)",
            f"1 over the chance that two draws are the same {says}",
        ),
        f"{name}_entropy": (
            "round(abs(ln(sum(n)::DOUBLE)"
            " - sum((n * ln(n))::DECIMAL(18,9))::DOUBLE / nullif(sum(n)::DOUBLE, 0)), 9)",
            f"entropy of the {says}s, in nats",
        ),
    }


def _which(name: str, says: str) -> Lines:
    return {
        f"last_{name}": ("min(value) FILTER (latest = 1)", f"{says} seen last"),
        f"top_{name}": ("min(value) FILTER (top = 1)", f"{says} seen most often"),
        f"first_{name}": ("min(value) FILTER (earliest = 1)", f"{says} seen first"),
    }


_PRODUCTS: Final = _variety("product", "product") | {
    "days_since_new_product": (
        ":as_of - max(first_day)",
        "days since a product was bought for the first time",
    ),
    "top_product_money_share": (
        "max(money)::DOUBLE / nullif(sum(money)::DOUBLE, 0)",
        "share of the product with the most money",
    ),
    "repeated_products": ("count(*) FILTER (first_day < last_day)", "products bought again"),
}

_ROLE_MONEY: Final = {
    f"{role}_share": (
        f"(coalesce(sum(money) FILTER (value = '{role}'), 0))::DOUBLE"
        " / nullif(sum(money)::DOUBLE, 0)",
        f"share of the money that went to products in the role {role}",
    )
    for role in _ROLES
}

_WORDS: Final = {
    "n_words": ("coalesce(sum(n), 0)::BIGINT", "words of all texts"),
    **{
        f"words_{bucket}": (
            f"coalesce(sum(n) FILTER (value = '{bucket}'), 0)::BIGINT",
            f"words whose MD5 begins with {bucket}",
        )
        for bucket in _BUCKETS
    },
}

_BASKETS: Final = {
    "n_orders": ("count(*)", "orders"),
    "mean_lines": ("avg(lines)", "mean number of lines of an order"),
    "max_lines": ("max(lines)", "the most lines of an order"),
    "last_lines": ("min(lines) FILTER (place_back = 1)", "lines of the last order"),
    "mean_order": ("avg(spent)", "mean money of an order"),
    "max_order": ("max(spent)::DOUBLE", "money of the largest order"),
    "sd_order": ("stddev_samp(spent::DOUBLE)", "standard deviation of the money of orders"),
    "last_order": ("(min(spent) FILTER (place_back = 1))::DOUBLE", "money of the last order"),
}

_ITEMS: Final = {
    "mean_items": ("avg(items)", "mean quantity of an order"),
    "max_items": ("max(items)::DOUBLE", "the largest quantity of an order"),
    "last_items": (
        "(min(items) FILTER (place_back = 1))::DOUBLE",
        "quantity of the last order",
    ),
}

_FIRST_BASKET: Final = {
    "first_lines": ("min(lines) FILTER (place = 1)", "lines of the first order"),
    "first_order": ("(min(spent) FILTER (place = 1))::DOUBLE", "money of the first order"),
    "first_items": ("(min(items) FILTER (place = 1))::DOUBLE", "quantity of the first order"),
    "days_to_second_order": (
        "min(age) FILTER (place = 2)",
        "days from the first order to the second",
    ),
    "spent_in_first_30": (
        "coalesce(sum(spent) FILTER (age < 30), 0)::DOUBLE",
        "money of the first 30 days from the first order on, as far as they are known",
    ),
    "spent_in_first_90": (
        "coalesce(sum(spent) FILTER (age < 90), 0)::DOUBLE",
        "money of the first 90 days, as far as they are known",
    ),
}

TASTES: Final[Mapping[str, Group]] = {
    "baskets": Group("orders", _BASKETS),
    "items": Group("orders", _ITEMS, ("quantity",)),
    "first_basket": Group("orders", _FIRST_BASKET),
    "channels": Group(
        "marks:channel", _which("channel", "channel") | _variety("channel", "channel"), ("channel",)
    ),
    "payment_methods": Group(
        "marks:payment_method",
        _which("payment_method", "means of payment")
        | {"n_payment_methods": ("count(*)", "different means of payment")},
        ("payment_method",),
    ),
    "products": Group("marks:product_id", _PRODUCTS, ("product_id",)),
    "categories": Group(
        "marks:category",
        _which("category", "category") | _variety("category", "category"),
        ("product_id", "products"),
    ),
    "roles": Group("marks:role", _ROLE_MONEY, ("product_id", "products")),
    "campaigns": Group(
        "marks:campaign",
        {
            "n_campaigns": ("count(*)", "different campaigns"),
            "last_campaign": ("min(value) FILTER (latest = 1)", "campaign seen last"),
            "days_since_campaign": (":as_of - max(last_day)", "days since a campaign was seen"),
            "campaign_money": (
                "coalesce(sum(money), 0)::DOUBLE",
                "money of events that name a campaign",
            ),
        },
        ("campaign",),
    ),
    "policies": Group(
        "marks:policy",
        {
            "n_policies": ("count(*)", "different policies that chose treatments"),
            "last_policy": ("min(value) FILTER (latest = 1)", "version of the last policy"),
        },
        ("policy",),
    ),
    "devices": Group(
        "marks:device",
        {
            "n_devices": ("count(*)", "different devices"),
            "top_device": ("min(value) FILTER (top = 1)", "device seen most often"),
            "first_device": ("min(value) FILTER (earliest = 1)", "device seen first"),
        },
        ("device",),
    ),
    "words": Group("marks:word", _WORDS, ("text",)),
}
