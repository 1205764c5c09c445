"""The one spelling of an event: its columns, their types, and the kinds of event."""

from collections.abc import Mapping
from typing import Final

__all__ = ["CASH_KINDS", "EVENT_COLUMNS", "KINDS", "PURCHASE_KINDS", "REQUIRED_COLUMNS"]

# Name in the log → DuckDB type. customer_id is BIGINT where every id is a whole number written
# without leading zeros, else VARCHAR: what comes out joins back to what came in.
EVENT_COLUMNS: Final[Mapping[str, str]] = {
    "customer_id": "BIGINT | VARCHAR",
    "event_time": "TIMESTAMP",
    "known_time": "TIMESTAMP",
    "kind": "VARCHAR",
    "amount": "DECIMAL(18,4)",
    "event_id": "VARCHAR",
    "order_id": "VARCHAR",
    "product_id": "VARCHAR",
    "quantity": "DOUBLE",
    "channel": "VARCHAR",
    "campaign": "VARCHAR",
    "payment_method": "VARCHAR",
    "text": "VARCHAR",
}

REQUIRED_COLUMNS: Final = ("customer_id", "event_time")

KINDS: Final = (
    "purchase",
    "refund",
    "usage",
    "fee",
    "visit",
    "click",
    "app_use",
    "email_response",
    "support",
    "survey",
    "review",
    "treatment",
    "subscription_start",
    "renewal",
    "tier_change",
    "cancellation",
    "payment_failure",
    "consent_change",
)

# A day with positive money of one of these kinds counts as a purchase.
PURCHASE_KINDS: Final = ("purchase", "subscription_start", "renewal", "usage")

# Net cash is the sum of `amount` over these; other kinds carry cash only through a rate table.
CASH_KINDS: Final = (*PURCHASE_KINDS, "refund", "fee", "tier_change")
