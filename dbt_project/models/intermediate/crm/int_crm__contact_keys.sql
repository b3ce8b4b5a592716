{{ union_crms('contact_keys') }}
