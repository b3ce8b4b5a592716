{{ unnest_failed_casts('hubspot', ['contacts', 'deals', 'calls', 'emails', 'meetings', 'owners', 'deal_stages']) }}
