"""Learning who drops out: gradient-boosted trees, calibrated, with contributions that add up.

Numbers in, numbers out: no database and no clock. numpy and lightgbm are imported by these modules,
and by nothing that a service needs for its start.
"""
