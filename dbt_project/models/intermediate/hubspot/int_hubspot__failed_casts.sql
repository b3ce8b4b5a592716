{{ unnest_failed_casts('hubspot', [
    'contacts', 'leads', 'companies', 'deals', 'calls', 'emails', 'meetings', 'tasks', 'communications', 'owners',
    'deal_stages',
]) }}
