{{ salesforce_field_history(source('raw_salesforce', 'opportunity_field_history'), 'opportunity_id', 'deal_id') }}
