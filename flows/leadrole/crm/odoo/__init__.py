"""Odoo: `endpoints` says what is read, `rpc` how it is asked, `quirks` what is odd, `reader` in which order."""

from leadrole.crm.odoo.reader import extract

__all__ = ["extract"]
