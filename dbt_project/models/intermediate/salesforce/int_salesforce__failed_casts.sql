{{ unnest_failed_casts('salesforce', [
    'leads', 'contacts', 'opportunities', 'tasks', 'events', 'users', 'opportunity_stages', 'currency_types',
    'dated_conversion_rates', 'lead_history',
    'contact_history', 'opportunity_field_history', 'opportunity_history',
]) }}
