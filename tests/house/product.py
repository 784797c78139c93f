"""Where the product's own code is."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("salesops", "organization", "opportunities", "territories", "pipeline", "forecasting")
