"""A model that is only kept: it predicts nothing."""

from dropout_service.learning.blend import Blend
from dropout_service.learning.boosting import Booster
from dropout_service.learning.calibration import Affine
from dropout_service.learning.linear import Line, Linear
from dropout_service.learning.model import Variant
from dropout_service.learning.training import Trained, TrainedVariant, Validated


def a_model(base: float, validation: tuple[Validated, ...] = ()) -> Trained:
    """Return a model without activity, whose trees are none; another base is another model."""
    lines = Linear((Line(0.0, base, (0.0,), (0.0,), (0.0,)),))
    variant = Variant(
        ("day",), Blend(Booster("no trees"), lines, 1.0), Affine(1.0, 0.0), (0.0,), {}
    )
    return Trained(TrainedVariant(variant, 40, {}, validation), None)
