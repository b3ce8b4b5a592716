{{ nightly_snapshots(source('raw_salesforce', 'opportunities_history'), 'salesforce', 'deal_id', 'field_value') }}
