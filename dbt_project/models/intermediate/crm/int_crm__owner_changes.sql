{{ union_crms('owner_changes') }}
