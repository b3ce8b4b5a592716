{{ union_crms('lead_states') }}
