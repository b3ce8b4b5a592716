"""Leadrole: the funnel per sales role, measured nightly, and which role to fill, split or speed up next."""

__version__ = "0.1.0"
