"""Full CSV exports of any CRM: each file is the whole truth about its object on the day it was made."""

from leadrole.crm.csv.reader import extract

__all__ = ["extract"]
