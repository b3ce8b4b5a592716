{{ unnest_failed_casts('salesforce', [
    'leads', 'contacts', 'opportunities', 'tasks', 'events', 'users', 'opportunity_stages', 'lead_history',
    'contact_history', 'opportunity_field_history', 'opportunity_history',
]) }}
