{{ union_crms('lead_signals') }}
