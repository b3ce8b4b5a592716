{{ union_crms('activities') }}
