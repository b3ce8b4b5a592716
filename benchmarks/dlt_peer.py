"""The same contacts through dlt's rest_api source into DuckDB; runs in an environment of its own."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.rest_api import rest_api_source

PROPERTIES = (
    "createdate,lastmodifieddate,lifecyclestage,hs_lead_status,hubspot_owner_id,hs_analytics_source,"
    "hs_object_source_label,first_conversion_date,recent_conversion_date,hs_merged_object_ids"
)
HISTORY = "lifecyclestage,hs_lead_status,hubspot_owner_id,recent_conversion_date"


def main(url: str, *, with_history: bool) -> None:
    """Read every page of the list and print how many rows arrived in how many seconds."""
    more = ",".join(f"benchmark_{number}" for number in range(22 - len(PROPERTIES.split(","))))
    params = {"limit": 100, "properties": f"{PROPERTIES},{more}"}
    if with_history:
        params |= {"limit": 50, "propertiesWithHistory": HISTORY}  # HubSpot's largest page with history
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "auth": {"type": "bearer", "token": "benchmark"},
                "paginator": {"type": "cursor", "cursor_path": "paging.next.after", "cursor_param": "after"},
            },
            "resources": [
                {
                    "name": "contacts",
                    "primary_key": "id",
                    "write_disposition": "merge",
                    "endpoint": {
                        "path": "crm/objects/2026-03/contacts",
                        "params": params,
                        "data_selector": "results",
                    },
                }
            ],
        }
    )
    with tempfile.TemporaryDirectory() as room:
        pipeline = dlt.pipeline(
            "benchmark",
            destination=dlt.destinations.duckdb(f"{room}/contacts.duckdb"),
            dataset_name="hubspot",
            pipelines_dir=room,
        )
        began, spent = time.monotonic(), time.process_time()
        pipeline.run(source)
        seconds, processor = time.monotonic() - began, time.process_time() - spent
        with pipeline.sql_client() as client:
            rows = client.execute_sql("select count(*) from contacts")[0][0]
    print(json.dumps({"rows": rows, "seconds": seconds, "processor": processor, "version": dlt.__version__}))


if __name__ == "__main__":
    main(sys.argv[1], with_history="--history" in sys.argv)
