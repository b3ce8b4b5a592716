{{ nightly_snapshots(source('raw_pipedrive', 'leads_history'), 'pipedrive', 'lead_id', 'seen_value') }}
