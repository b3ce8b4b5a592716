{{ nightly_snapshots(source('raw_salesforce', 'contacts_history'), 'salesforce', 'contact_id', 'field_value') }}
