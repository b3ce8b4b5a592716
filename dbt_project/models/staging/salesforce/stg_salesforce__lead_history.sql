{{ salesforce_field_history(source('raw_salesforce', 'lead_history'), 'lead_id', 'lead_id') }}
