"""Pipedrive: `endpoints` says what is read, `quirks` how it differs, `access` who we are, `reader` in which order."""

from leadrole.crm.pipedrive.reader import extract

__all__ = ["extract"]
