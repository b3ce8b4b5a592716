{{ hubspot_history(source('raw_hubspot', 'leads_history'), 'lead_id') }}
