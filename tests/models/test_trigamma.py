"""The trigamma function against SciPy's zeta."""

import numpy as np
import pytest
from scipy.special import zeta

from patronage.models.likelihoods.trigamma import trigamma


def test_it_is_zeta_of_2_from_a_millionth_to_a_billion():
    x = np.exp(np.linspace(-14.0, 20.0, 5001)).reshape(3, -1)

    assert trigamma(x) == pytest.approx(zeta(2, x), rel=1e-12)
