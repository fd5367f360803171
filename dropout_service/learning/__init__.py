"""Training, calibration and evaluation of models of dropout; arrays in, arrays out, no database.

These modules import numpy and SciPy, so a service imports them only if it uses a model.
"""
