"""Salesforce: `endpoints` says what is read, `quirks` how it differs, `reader` in which order, `login` and `bulk` how."""

from leadrole.crm.salesforce.reader import extract

__all__ = ["extract"]
