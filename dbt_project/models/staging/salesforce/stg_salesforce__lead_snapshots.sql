{{ nightly_snapshots(source('raw_salesforce', 'leads_history'), 'salesforce', 'lead_id', 'field_value') }}
