"""Which features are worth keeping: learned on the rows given, and told column by column."""

from patronage.models.selection.components import Components, learn_components
from patronage.models.selection.select import Selection, SelectionSettings, select

__all__ = ["Components", "Selection", "SelectionSettings", "learn_components", "select"]
