"""The published report: one self-contained page a language, made from the marts alone."""

from leadrole.report.page import render

__all__ = ["render"]
