"""How the world spells the columns of an event log; the first of a list is preferred."""

from collections.abc import Mapping
from typing import Final

from patronage.events.languages import ABROAD

__all__ = ["CURRENCY_CODES", "CURRENCY_SIGNS", "LAST_RESORTS", "SPELLINGS"]

_ENGLISH: Final[Mapping[str, tuple[str, ...]]] = {
    "customer_id": (
        *("customer_id", "customer", "cust_id", "cust", "customer_no", "customer_number"),
        *("customer_key", "customer_code", "client_id", "client", "user_id", "user", "member_id"),
        *("member", "household_id", "household_key", "household", "account_id", "account"),
        *(
            "buyer_id",
            "buyer",
            "shopper_id",
            "subscriber_id",
            "subscriber",
            "patron_id",
            "panelist",
        ),
        *("donor_id", "donor", "player_id", "visitor_id", "reviewer_id", "policyholder_id"),
        *("contact_id", "person_id", "loyalty_id", "card_id", "customer_email", "email"),
        *("email_address", "id"),
    ),
    "event_time": (
        *("event_time", "event_timestamp", "event_datetime", "timestamp", "datetime", "date_time"),
        *("transaction_timestamp", "transaction_time", "transaction_datetime", "invoice_ts"),
        *("invoice_timestamp", "invoice_time", "order_timestamp", "order_time", "order_datetime"),
        *("purchase_timestamp", "purchase_time", "purchased_at", "ordered_at", "created_at"),
        *("occurred_at", "event_date", "order_date", "invoice_date", "purchase_date"),
        *("transaction_date", "trans_date", "tran_date", "sale_date", "sales_date", "bill_date"),
        *("payment_date", "donation_date", "gift_date", "visit_date", "review_date", "date"),
        *("day", "time", "ts", "when", "created", "date_created", "created_date", "processed_at"),
    ),
    "amount": (
        *("amount", "net_amount", "total_amount", "order_amount", "transaction_amount"),
        *("trans_amount", "tran_amount", "invoice_amount", "payment_amount", "amount_paid"),
        *("purchase_amount", "sales_amount", "line_amount", "amt", "revenue", "net_revenue"),
        *("value", "order_value", "transaction_value", "purchase_value", "sales_value"),
        *("monetary_value", "basket_value", "total_value", "line_total", "order_total"),
        *("invoice_total", "total_price", "price_total", "total_sales", "sales", "sale"),
        *("store_sales", "net_sales", "total", "total_spend", "spend", "spent", "subtotal"),
        *("turnover", "donation", "gift", "paid", "charge", "cash", "money"),
    ),
    "price": ("price", "unit_price", "price_per_unit", "item_price", "selling_price"),
    "quantity": (
        "quantity",
        "qty",
        "units",
        "unit_sales",
        "n_units",
        "item_count",
        "cds",
        "pieces",
    ),
    "known_time": (
        *("known_time", "known_at", "recorded_at", "record_time", "ingested_at", "ingestion_time"),
        *("loaded_at", "load_time", "received_at", "arrival_time", "posted_at", "posting_date"),
    ),
    "kind": ("kind", "event_kind", "event_type", "event", "transaction_type", "event_name", "type"),
    "event_id": (
        *("event_id", "event_uuid", "event_key", "message_id", "line_id", "line_item_id"),
        *("record_id", "uuid"),
    ),
    "order_id": (
        *("order_id", "order_no", "order_number", "order", "invoice", "invoice_no", "invoice_id"),
        *("invoice_number", "transaction_id", "trans_id", "txn_id", "basket_id", "receipt_id"),
        *("receipt_no", "receipt", "ticket_id", "bill_no"),
    ),
    "product_id": (
        *("product_id", "product", "product_code", "stock_code", "sku", "item_id", "item"),
        *("item_code", "article_id", "article", "asin", "upc", "ean"),
    ),
    "channel": ("channel", "sales_channel", "purchase_channel", "source", "medium"),
    "campaign": ("campaign", "campaign_id", "campaign_name", "utm_campaign"),
    "payment_method": ("payment_method", "payment_type", "pay_method", "tender", "tender_type"),
    "score": ("score", "rating", "stars", "nps", "nps_score", "csat", "satisfaction"),
    "discount": ("discount", "discount_amount", "rebate", "coupon_value", "markdown"),
    "propensity": ("propensity", "propensity_score", "treatment_probability"),
    "policy": ("policy", "policy_version", "treatment_policy"),
    "device": ("device", "device_type", "platform"),
    "text": ("text", "review_text", "message", "comment", "body", "feedback"),
    "currency": ("currency", "currency_code", "iso_currency", "ccy"),
}

# Column of the log → spellings, compared after dropping case, accents, spaces and punctuation
# ("Customer ID", "customer-id" and "CUSTOMERID" are one).
SPELLINGS: Final[Mapping[str, tuple[str, ...]]] = {
    name: (*spellings, *ABROAD.get(name, ())) for name, spellings in _ENGLISH.items()
}

# Spellings that mean something else as often as not: taken only where they fit, and always noted.
LAST_RESORTS: Final = {"customer_id": "id", "kind": "type"}

CURRENCY_CODES: Final = frozenset(
    (
        *("usd", "eur", "gbp", "jpy", "chf", "cny", "inr", "aud", "cad", "nzd", "sek", "nok"),
        *("dkk", "pln", "czk", "huf", "brl", "mxn", "zar", "krw", "sgd"),
    )
)

# Why not $ or ¥: several currencies write them.
CURRENCY_SIGNS: Final = {"€": "EUR", "£": "GBP", "R$": "BRL", "₹": "INR"}
