{{ union_crms('lead_records') }}
