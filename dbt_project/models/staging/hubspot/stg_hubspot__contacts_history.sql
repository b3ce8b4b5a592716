{{ hubspot_history(source('raw_hubspot', 'contacts_history'), 'contact_id') }}
