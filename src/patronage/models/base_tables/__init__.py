"""Base tables: what was known of customers and what followed, laid out to be learned from."""

from patronage.models.base_tables.by_age import AGES, base_table_by_age
from patronage.models.base_tables.by_date import YEAR, base_table
from patronage.models.base_tables.table import BaseTable, Fold

__all__ = ["AGES", "YEAR", "BaseTable", "Fold", "base_table", "base_table_by_age"]
