{{ salesforce_field_history(source('raw_salesforce', 'contact_history'), 'contact_id', 'contact_id') }}
