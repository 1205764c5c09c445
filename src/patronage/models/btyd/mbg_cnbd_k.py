"""MBG/CNBD-k: MBG/NBD for customers who buy more regularly than at random.

Platzer & Reutterer (2016); Reutterer, Platzer & Schröder (2021), Leveraging purchase regularity
for predicting customer behavior the easy way, IJRM 38(1).
"""

from dataclasses import dataclass
from typing import final

from patronage.models.btyd.bg_cnbd_k import BetaGeometricErlangProcess, checked, processes
from patronage.models.btyd.model import AbstractBTYD

__all__ = ["MBGCNBD"]


@final
@dataclass(frozen=True)
class MBGCNBD(AbstractBTYD):
    """Settings, as of every buy-till-you-die model.

    Attributes
    ----------
    k : events per purchase; None: chosen by maximum likelihood, from 1 on until it falls
    """

    k: int | None = None

    def __post_init__(self) -> None:
        checked(self.k)

    @property
    def process(self) -> BetaGeometricErlangProcess:
        """That of the k given; where it is yet to be chosen, of the first that is regular, 2."""
        return BetaGeometricErlangProcess(self.k or 2, modified=True)

    @property
    def choices(self) -> tuple[BetaGeometricErlangProcess, ...]:
        return processes(self.k, modified=True)
