"""The product under faults: a seeded driver kills and stalls its processes while clients write.

`make chaos` runs the long form; `test_short.py` a short one with the suite.
"""
