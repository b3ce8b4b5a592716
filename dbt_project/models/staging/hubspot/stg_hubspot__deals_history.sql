{{ hubspot_history(source('raw_hubspot', 'deals_history'), 'deal_id') }}
