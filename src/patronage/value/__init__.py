"""What forecast cash is worth: margin, discounting, acquisition cost."""

from patronage.value.clv import clv_quantiles, new_customer_clv, residual_clv, unit_value
from patronage.value.discounting import discount_factors, geometric_value
from patronage.value.economics import Economics
from patronage.value.from_tables import economics_of
from patronage.value.lifetime import lifetime_clv, new_customer_lifetime_clv
from patronage.value.table import sum_value_tables, value_table

__all__ = [
    "Economics",
    "clv_quantiles",
    "discount_factors",
    "economics_of",
    "geometric_value",
    "lifetime_clv",
    "new_customer_clv",
    "new_customer_lifetime_clv",
    "residual_clv",
    "sum_value_tables",
    "unit_value",
    "value_table",
]
